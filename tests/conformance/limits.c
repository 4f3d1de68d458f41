/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities: what is offered holds, what is not offered is refused, nothing between. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "tests/conformance/conformance.h"

static enum verdict every_capability_has_the_ops_it_needs(struct world *w)
{
	const struct sp_driver *d = w->driver;
	const uint32_t caps = d->capabilities;

	EXPECT(d->open && d->close && d->health && d->has_image && d->inspect);
	EXPECT(d->create && d->exec && d->get && d->destroy);
	EXPECT(!(caps & SP_CAP_LIST) == !d->list);
	EXPECT(!(caps & SP_CAP_FILES) == !d->get_archive);
	EXPECT(!(caps & SP_CAP_FILES) == !d->put_archive);
	EXPECT(!(caps & SP_CAP_FILES) == !d->stat);
	return HOLDS;
}

static enum verdict what_is_not_offered_is_refused(struct world *w)
{
	static const struct sp_mount mount = {"/usr", "/mnt", false};
	static const struct sp_label label = {"a", "b"};
	static const struct {
		uint32_t needs;
		struct sp_sandbox_spec spec;
	} asks[] = {
		{SP_CAP_MOUNTS, {.mounts = &mount, .mount_count = 1}},
		{SP_CAP_LABELS, {.labels = &label, .label_count = 1}},
		{SP_CAP_TTL, {.ttl_ms = 60000}},
		{SP_CAP_USER, {.user = "1000"}},
		{SP_CAP_LIMITS, {.limits.memory_bytes = 64u << 20}},
		{SP_CAP_DISK_LIMIT, {.limits.disk_bytes = 64u << 20}},
		{SP_CAP_SECCOMP_PROFILE, {.seccomp = "strict"}},
		{SP_CAP_NETWORK_NAT, {.network = SP_NETWORK_NAT}},
		{SP_CAP_NETWORK_HOST, {.network = SP_NETWORK_HOST}},
		{SP_CAP_NETWORK_NONE, {.network = SP_NETWORK_NONE}},
	};

	for (size_t i = 0; i < SP_COUNT(asks); i++) {
		autosandbox own = {0};

		if (w->driver->capabilities & asks[i].needs)
			continue;
		EXPECT(own_create(w, &asks[i].spec, &own) == SP_ERR_UNSUPPORTED);
		EXPECT(w->err.not_sent);
	}
	return HOLDS;
}

static enum verdict without_a_network_there_is_only_loopback(struct world *w)
{
	autoresult r = RESULT_INIT;

	EXPECT(run_shell(w, "sed -n 's/^ *\\([^:]*\\):.*/\\1/p' /proc/net/dev", &r) ==
		0);
	EXPECT(is_text(&r.out, "lo\n"));
	return HOLDS;
}

static enum verdict the_process_limit_holds(struct world *w)
{
	const struct sp_sandbox_spec spec = {.limits.pids = 24};
	autosandbox own = {0};
	autoresult r = RESULT_INIT;
	int started;

	if (own_create(w, &spec, &own) < 0 && w->ordinary_user)
		return skip_because(w, NULL, "no control group to limit with");
	EXPECT(own.w);
	EXPECT(execute(w, own.id,
		       shell("i=0; while [ $i -lt 60 ]; do sleep 30 & i=$((i+1)); "
			     "done"),
		       &r) == 0);
	started = count_processes(w, own.id, "30");
	/* Too full even to count is as good. */
	EXPECT(started < 24);
	return HOLDS;
}

static enum verdict the_memory_limit_hits_the_sandbox_only(struct world *w)
{
	static const char *const argv[] = {
		"python3", "-c", "b = bytearray(400 << 20)\nprint(len(b))", NULL};
	const struct sp_sandbox_spec spec = {.limits.memory_bytes = 64u << 20};
	autosandbox own = {0};
	autoresult r = RESULT_INIT;

	if (own_create(w, &spec, &own) < 0 && w->ordinary_user)
		return skip_because(w, NULL, "no control group to limit with");
	EXPECT(own.w);
	if (execute(w, own.id, program(argv), &r) == 0) {
		if (r.outcome.exit_code == 127)
			return skip_because(w, "python", "the image has no python3");
		EXPECT(r.outcome.exit_code != 0);
	}
	EXPECT(is_text(&r.out, ""));
	return HOLDS;
}

static enum verdict a_mount_is_seen_and_read_only(struct world *w)
{
	char folder[] = "/tmp/sp-mount.XXXXXX", file[64];
	struct sp_mount mount = {folder, "/mnt/in", false};
	const struct sp_sandbox_spec spec = {.mounts = &mount, .mount_count = 1};
	autosandbox own = {0};
	autoresult r = RESULT_INIT;
	bool made, seen;
	int fd;

	EXPECT(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/file", folder);
	fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	made = fd >= 0 && write(fd, "host\n", 5) == 5 && chmod(folder, 0755) == 0;
	close(fd);
	made = made && own_create(w, &spec, &own) == 0;
	seen = made &&
		execute(w, own.id,
			shell("cat /mnt/in/file; echo x 2>/dev/null >/mnt/in/new || "
			      "echo no"),
			&r) == 0;
	unlink(file);
	rmdir(folder);
	EXPECT(made);
	EXPECT(seen);
	EXPECT(is_text(&r.out, "host\nno\n"));
	return HOLDS;
}

static const struct behaviour list[] = {
	{"every capability has the ops it needs", 0,
		every_capability_has_the_ops_it_needs},
	{"what is not offered is refused", 0, what_is_not_offered_is_refused},
	{"without a network there is only loopback", SP_CAP_NETWORK_NONE,
		without_a_network_there_is_only_loopback},
	{"the process limit holds", SP_CAP_LIMITS, the_process_limit_holds},
	{"the memory limit hits the sandbox only", SP_CAP_LIMITS,
		the_memory_limit_hits_the_sandbox_only},
	{"a mount is seen and read-only", SP_CAP_MOUNTS, a_mount_is_seen_and_read_only},
};

const struct behaviours limit_behaviours = SP_BEHAVIOURS(list);
