/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of sandboxes, folders that outlive them, and what is told of them. */
#include <stdio.h>
#include <unistd.h>

#include "tests/conformance/conformance.h"

#define FILL \
	"mkdir -p /opt/d && echo kept >/opt/d/file && ln -s file /opt/d/link && " \
	"ln /opt/d/file /opt/d/hard && mkdir -m 0700 /opt/closed && " \
	"echo in >/opt/closed/file && chmod 0 /opt/closed && chmod 01777 /opt && " \
	"truncate -s 300000000 /opt/sparse && printf 'a b' >\"/opt/$(printf " \
	"'x\\ny')\""

#define CHECK \
	"cat /opt/d/link && [ /opt/d/file -ef /opt/d/hard ] && cat /opt/closed/file " \
	"&& " \
	"stat -c '%a %n' /opt /opt/closed && stat -c %s /opt/sparse && " \
	"[ $(stat -c %b /opt/sparse) = 0 ] && cat \"/opt/$(printf 'x\\ny')\""

#define SEEN "kept\nin\n1777 /opt\n0 /opt/closed\n300000000\na b"

/* A name nobody else uses, removed with its scope. */
struct own_stored {
	struct world *w;
	enum sp_stored_kind kind;
	char name[64];
};

static void own_stored_remove(struct own_stored *own)
{
	if (own->w)
		sp_provider_stored_remove(own->w->p, own->kind, own->name, NULL);
}
#define autostored SP_AUTO(own_stored_remove) struct own_stored

static struct own_stored own_name(struct world *w, enum sp_stored_kind kind)
{
	static unsigned int count;
	struct own_stored own = {.w = w, .kind = kind};

	snprintf(own.name, sizeof(own.name), "conf-%d-%u", getpid(), count++);
	return own;
}

static int create_from(struct world *w, const char *image, struct own_sandbox *own)
{
	const struct sp_sandbox_spec spec = {.image = image};

	return own_create(w, &spec, own);
}

static bool says(struct world *w, const char *id, const char *script, const char *text)
{
	autoresult r = RESULT_INIT;

	if (execute(w, id, shell(script), &r) < 0)
		return false;
	if (r.outcome.exit_code != 0)
		printf("# %s: %.200s\n", script, sp_buf_str(&r.err));
	return r.outcome.exit_code == 0 && is_text(&r.out, text);
}

static bool is_stored(struct world *w, const struct own_stored *own)
{
	SP_AUTO(sp_stored_list_clear) struct sp_stored_list list = {0};
	bool found = false;

	if (sp_provider_stored(w->p, own->kind, &list, &w->err) < 0)
		return false;
	for (size_t i = 0; i < list.count; i++)
		found = found || strcmp(list.items[i].name, own->name) == 0;
	return found;
}

static enum verdict a_snapshot_is_an_image_with_what_was_written(struct world *w)
{
	autostored snap = own_name(w, SP_STORED_SNAPSHOT);
	autosandbox from = {0}, one = {0}, two = {0};

	EXPECT(create_from(w, NULL, &from) == 0);
	EXPECT(says(w, from.id, FILL, ""));
	EXPECT(sp_provider_snapshot(w->p, from.id, snap.name, &w->err) == 0);
	EXPECT(says(w, from.id, "echo later >/opt/d/file", ""));
	EXPECT(create_from(w, snap.name, &one) == 0);
	EXPECT(create_from(w, snap.name, &two) == 0);
	EXPECT(says(w, one.id, CHECK, SEEN));
	EXPECT(says(w, one.id, "echo mine >/opt/d/file && rm /opt/d/link", ""));
	EXPECT(says(w, two.id, CHECK, SEEN));
	EXPECT(is_stored(w, &snap));
	return HOLDS;
}

static enum verdict what_was_removed_stays_removed_in_snapshots_of_snapshots(
	struct world *w)
{
	autostored low = own_name(w, SP_STORED_SNAPSHOT);
	autostored high = own_name(w, SP_STORED_SNAPSHOT);
	autosandbox first = {0}, second = {0}, third = {0};

	EXPECT(create_from(w, NULL, &first) == 0);
	EXPECT(says(w, first.id,
		"mkdir /opt/a /opt/b && touch /opt/a/1 /opt/b/1 /opt/gone", ""));
	EXPECT(sp_provider_snapshot(w->p, first.id, low.name, &w->err) == 0);
	EXPECT(create_from(w, low.name, &second) == 0);
	EXPECT(says(w, second.id,
		"rm /opt/gone && rm -r /opt/a /opt/b && mkdir /opt/b && touch /opt/b/2",
		""));
	EXPECT(sp_provider_snapshot(w->p, second.id, high.name, &w->err) == 0);
	EXPECT(create_from(w, high.name, &third) == 0);
	EXPECT(says(w, third.id, "cd /opt && find . | sort", ".\n./b\n./b/2\n"));
	/* Its layers are not removed under it, nor one that another lies on. */
	EXPECT(sp_provider_stored_remove(
		       w->p, SP_STORED_SNAPSHOT, high.name, &w->err) == SP_ERR_LIMIT);
	EXPECT(sp_provider_stored_remove(w->p, SP_STORED_SNAPSHOT, low.name, &w->err) ==
		SP_ERR_LIMIT);
	own_destroy(&third);
	own_destroy(&second);
	EXPECT(sp_provider_stored_remove(w->p, SP_STORED_SNAPSHOT, low.name, &w->err) ==
		SP_ERR_LIMIT);
	EXPECT(strstr(w->err.msg, high.name) != NULL);
	EXPECT(sp_provider_stored_remove(
		       w->p, SP_STORED_SNAPSHOT, high.name, &w->err) == 0);
	EXPECT(sp_provider_stored_remove(w->p, SP_STORED_SNAPSHOT, low.name, &w->err) ==
		0);
	EXPECT(!is_stored(w, &low));
	return HOLDS;
}

static enum verdict a_snapshots_name_is_taken_once_and_known_after(struct world *w)
{
	autostored snap = own_name(w, SP_STORED_SNAPSHOT);
	autosandbox none = {0};
	const char *id = shared(w);

	EXPECT(id);
	EXPECT(create_from(w, snap.name, &none) == SP_ERR_NOT_FOUND);
	EXPECT(sp_provider_snapshot(w->p, id, snap.name, &w->err) == 0);
	EXPECT(sp_provider_snapshot(w->p, id, snap.name, &w->err) == SP_ERR_EXISTS);
	EXPECT(sp_provider_snapshot(w->p, id, "../x", &w->err) == SP_ERR_INVALID);
	EXPECT(sp_provider_snapshot(w->p, "no-such-one", "x", &w->err) ==
		SP_ERR_NOT_FOUND);
	return HOLDS;
}

/* What comes of the image is as hostile as what is inside can make it. */
static enum verdict a_hostile_tree_is_copied_or_refused_and_harms_nothing(
	struct world *w)
{
	autostored snap = own_name(w, SP_STORED_SNAPSHOT);
	autosandbox from = {0}, one = {0};

	EXPECT(create_from(w, NULL, &from) == 0);
	EXPECT(says(w, from.id,
		"cd /opt && ln -s / root && ln -s /proc/1/root up && mkfifo fifo && "
		"cp /bin/true suid && chmod 6755 suid && "
		"python3 -c 'import socket; "
		"socket.socket(socket.AF_UNIX).bind(\"socket\")'",
		""));
	EXPECT(sp_provider_snapshot(w->p, from.id, snap.name, &w->err) == 0);
	EXPECT(create_from(w, snap.name, &one) == 0);
	EXPECT(says(w, one.id,
		"cd /opt && ls && readlink root && stat -c %a suid && ls /etc/passwd",
		"root\nsuid\nup\n/\n755\n/etc/passwd\n"));
	EXPECT(says(w, from.id, "touch /opt/.wh.etc", ""));
	EXPECT(sp_provider_snapshot(w->p, from.id, "conf-wh", &w->err) ==
		SP_ERR_INVALID);
	EXPECT(strstr(w->err.msg, ".wh.etc") != NULL);
	return HOLDS;
}

static enum verdict a_fork_has_the_files_and_what_it_was_asked_to_be(struct world *w)
{
	static const struct sp_label labels[] = {{"team", "blue"}};
	static const char *const env[] = {"COLOUR=green", NULL};
	const struct sp_sandbox_spec spec = {.labels = labels,
		.label_count = 1,
		.env = env,
		.workdir = "/tmp",
		.ttl_ms = 600000};
	sp_autoinfo struct sp_sandbox_info info = {0};
	autosandbox from = {0}, copy = {.w = w};

	EXPECT(own_create(w, &spec, &from) == 0);
	EXPECT(says(w, from.id, FILL, ""));
	EXPECT(sp_provider_fork(w->p, from.id, copy.id, &w->err) == 0);
	EXPECT(strcmp(copy.id, from.id) != 0);
	EXPECT(says(w, from.id, "echo other >/opt/d/file", ""));
	EXPECT(says(w, copy.id, CHECK, SEEN));
	EXPECT(says(w, copy.id, "echo $COLOUR; pwd", "green\n/tmp\n"));
	EXPECT(sp_provider_get(w->p, copy.id, &info, &w->err) == 0);
	EXPECT(info.label_count == 1 && !strcmp(info.labels[0].value, "blue"));
	EXPECT(info.expires_ms > info.created_ms + 500000);
	/* It goes on without the one it came from, and can be forked itself. */
	own_destroy(&from);
	from.w = NULL;
	EXPECT(says(w, copy.id, CHECK, SEEN));
	return HOLDS;
}

static enum verdict a_fork_of_a_fork_has_the_files_of_both(struct world *w)
{
	autosandbox one = {0}, two = {.w = w}, three = {.w = w};

	EXPECT(create_from(w, NULL, &one) == 0);
	EXPECT(says(w, one.id, "echo 1 >/opt/one", ""));
	EXPECT(sp_provider_fork(w->p, one.id, two.id, &w->err) == 0);
	EXPECT(says(w, two.id, "echo 2 >/opt/two", ""));
	EXPECT(sp_provider_fork(w->p, two.id, three.id, &w->err) == 0);
	own_destroy(&one);
	own_destroy(&two);
	one.w = two.w = NULL;
	EXPECT(says(w, three.id, "cat /opt/one /opt/two", "1\n2\n"));
	return HOLDS;
}

static enum verdict a_volume_is_shared_and_outlives_its_users(struct world *w)
{
	autostored volume = own_name(w, SP_STORED_VOLUME);
	struct sp_mount mount = {.source = volume.name,
		.target = "/shared",
		.writable = true,
		.is_volume = true};
	const struct sp_sandbox_spec spec = {.mounts = &mount, .mount_count = 1};
	autosandbox one = {0}, two = {0};

	EXPECT(own_create(w, &spec, &one) == 0);
	EXPECT(says(w, one.id, "echo 1 >/shared/one && stat -c %u /shared/one", "0\n"));
	mount.writable = false;
	EXPECT(own_create(w, &spec, &two) == 0);
	EXPECT(says(w, two.id,
		"cat /shared/one; touch /shared/two 2>/dev/null || echo no",
		"1\nno\n"));
	EXPECT(is_stored(w, &volume));
	EXPECT(sp_provider_stored_remove(
		       w->p, SP_STORED_VOLUME, volume.name, &w->err) == SP_ERR_LIMIT);
	own_destroy(&one);
	EXPECT(sp_provider_stored_remove(
		       w->p, SP_STORED_VOLUME, volume.name, &w->err) == SP_ERR_LIMIT);
	own_destroy(&two);
	one.w = two.w = NULL;
	mount.writable = true;
	EXPECT(own_create(w, &spec, &one) == 0);
	EXPECT(says(w, one.id, "cat /shared/one", "1\n"));
	own_destroy(&one);
	one.w = NULL;
	EXPECT(sp_provider_stored_remove(
		       w->p, SP_STORED_VOLUME, volume.name, &w->err) == 0);
	EXPECT(!is_stored(w, &volume));
	EXPECT(sp_provider_stored_remove(w->p, SP_STORED_VOLUME, volume.name,
		       &w->err) == SP_ERR_NOT_FOUND);
	return HOLDS;
}

static enum verdict a_volume_is_no_part_of_a_snapshot(struct world *w)
{
	autostored volume = own_name(w, SP_STORED_VOLUME);
	autostored snap = own_name(w, SP_STORED_SNAPSHOT);
	const struct sp_mount mount = {.source = volume.name,
		.target = "/opt/shared",
		.writable = true,
		.is_volume = true};
	const struct sp_sandbox_spec spec = {.mounts = &mount, .mount_count = 1};
	autosandbox from = {0}, one = {0}, copy = {.w = w};

	EXPECT(own_create(w, &spec, &from) == 0);
	EXPECT(says(w, from.id, "touch /opt/shared/in /opt/out", ""));
	EXPECT(sp_provider_snapshot(w->p, from.id, snap.name, &w->err) == 0);
	EXPECT(create_from(w, snap.name, &one) == 0);
	EXPECT(says(w, one.id,
		"ls /opt /opt/shared 2>/dev/null | grep -c in; ls /opt/out",
		"0\n/opt/out\n"));
	/* A fork has the volume itself. */
	EXPECT(sp_provider_fork(w->p, from.id, copy.id, &w->err) == 0);
	EXPECT(says(w, copy.id, "touch /opt/shared/too", ""));
	EXPECT(says(w, from.id, "ls /opt/shared", "in\ntoo\n"));
	return HOLDS;
}

struct heard {
	const char *handle;
	char actions[512];
	bool foreign;
};

static int hear(void *ctx, const struct sp_event *event)
{
	struct heard *h = ctx;
	size_t len = strlen(h->actions);

	if (strcmp(event->handle, h->handle) != 0)
		h->foreign = true;
	snprintf(h->actions + len, sizeof(h->actions) - len, "%s(%s) ", event->action,
		event->details);
	return 0;
}

static enum verdict events_tell_what_happened_to_a_sandbox(struct world *w)
{
	char handle[SP_HANDLE_MAX];
	struct heard heard = {.handle = handle};
	struct sp_events_opts opts = {.on_event = hear, .on_event_ctx = &heard};
	autosandbox own = {0};
	autoresult r = RESULT_INIT;

	EXPECT(create_from(w, NULL, &own) == 0);
	snprintf(handle, sizeof(handle), "%s:%s", w->driver->name, own.id);
	EXPECT(execute(w, own.id, shell("exit 3"), &r) == 0);
	if (w->driver->set_ttl)
		EXPECT(sp_provider_set_ttl(w->p, own.id, 90000, &w->err) == 0);
	EXPECT(sp_provider_destroy(w->p, own.id, &w->err) == 0);
	opts.handle = own.id;
	EXPECT(sp_provider_events(w->p, &opts, &w->err) == 0);
	printf("# %s\n", heard.actions);
	EXPECT(!heard.foreign);
	EXPECT(strstr(heard.actions, "created(") == heard.actions);
	EXPECT(strstr(heard.actions, "exited(status=3)"));
	EXPECT(!w->driver->set_ttl ||
		strstr(heard.actions, "timeout-set(ttl_ms=90000)"));
	EXPECT(strstr(heard.actions, "destroyed(reason=asked)"));
	heard.actions[0] = '\0';
	opts.since_ms = sp_clock_real_ms() + 1000;
	EXPECT(sp_provider_events(w->p, &opts, &w->err) == 0);
	EXPECT(!heard.actions[0]);
	return HOLDS;
}

static const struct behaviour list[] = {
	{"a snapshot is an image with what was written", SP_CAP_SNAPSHOT,
		a_snapshot_is_an_image_with_what_was_written},
	{"what was removed stays removed in snapshots of snapshots", SP_CAP_SNAPSHOT,
		what_was_removed_stays_removed_in_snapshots_of_snapshots},
	{"a snapshot's name is taken once and known after", SP_CAP_SNAPSHOT,
		a_snapshots_name_is_taken_once_and_known_after},
	{"a hostile tree is copied or refused and harms nothing", SP_CAP_SNAPSHOT,
		a_hostile_tree_is_copied_or_refused_and_harms_nothing},
	{"a fork has the files and what it was asked to be", SP_CAP_FORK | SP_CAP_TTL,
		a_fork_has_the_files_and_what_it_was_asked_to_be},
	{"a fork of a fork has the files of both", SP_CAP_FORK,
		a_fork_of_a_fork_has_the_files_of_both},
	{"a volume is shared and outlives its users", SP_CAP_VOLUMES,
		a_volume_is_shared_and_outlives_its_users},
	{"a volume is no part of a snapshot", SP_CAP_VOLUMES | SP_CAP_FORK,
		a_volume_is_no_part_of_a_snapshot},
	{"events tell what happened to a sandbox", SP_CAP_EVENTS,
		events_tell_what_happened_to_a_sandbox},
};

const struct behaviours store_behaviours = SP_BEHAVIOURS(list);
