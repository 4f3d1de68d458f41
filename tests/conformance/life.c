/* SPDX-License-Identifier: Apache-2.0 */
/* From create to destroy, and finding a sandbox again in between. */
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

#include "base/json.h"
#include "tests/conformance/conformance.h"

/* A sandbox's own end may be this late. */
#define TTL_LATE_MS 15000

static const struct sp_sandbox_spec plain;

static enum verdict health_is_good_and_names_a_version(struct world *w)
{
	struct sp_health health = {0};

	EXPECT(sp_provider_health(w->p, 5000, &health, &w->err) == 0);
	EXPECT(health.ok);
	EXPECT(health.version[0]);
	return HOLDS;
}

static enum verdict a_created_sandbox_is_found_running(struct world *w)
{
	sp_autoinfo struct sp_sandbox_info info = {0};
	autosandbox own = {0};
	int64_t before = sp_clock_real_ms();

	EXPECT(own_create(w, &plain, &own) == 0);
	EXPECT(sp_provider_get(w->p, own.id, &info, &w->err) == 0);
	EXPECT(info.state == SP_STATE_RUNNING);
	EXPECT(!strcmp(info.id, own.id));
	EXPECT(!strcmp(info.provider, w->driver->name));
	EXPECT(info.created_ms >= before - 2000);
	EXPECT(info.created_ms <= sp_clock_real_ms() + 2000);
	EXPECT(info.expires_ms == 0);
	return HOLDS;
}

static enum verdict sandboxes_do_not_see_each_others_files(struct world *w)
{
	autosandbox one = {0}, two = {0};
	autoresult r = RESULT_INIT;

	EXPECT(own_create(w, &plain, &one) == 0);
	EXPECT(own_create(w, &plain, &two) == 0);
	EXPECT(strcmp(one.id, two.id) != 0);
	EXPECT(execute(w, one.id, shell("echo mine >/tmp/mine"), &r) == 0);
	EXPECT(r.outcome.exit_code == 0);
	EXPECT(execute(w, two.id, shell("cat /tmp/mine 2>/dev/null"), &r) == 0);
	EXPECT(r.outcome.exit_code == 1);
	EXPECT(is_text(&r.out, ""));
	return HOLDS;
}

static enum verdict files_stay_from_one_command_to_the_next(struct world *w)
{
	autoresult r = RESULT_INIT;

	EXPECT(run_shell(w, "echo kept >/tmp/kept", &r) == 0);
	EXPECT(run_shell(w, "cat /tmp/kept", &r) == 0);
	EXPECT(is_text(&r.out, "kept\n"));
	return HOLDS;
}

static bool is_listed(const struct sp_sandbox_list *list, const char *id)
{
	for (size_t i = 0; i < list->count; i++) {
		if (!strcmp(list->items[i].id, id))
			return true;
	}
	return false;
}

static enum verdict list_gives_those_that_have_all_labels(struct world *w)
{
	static const struct sp_label both[] = {{"team", "blue"}, {"job", "7"}};
	static const struct sp_label other[] = {{"team", "blue"}, {"job", "8"}};
	const struct sp_sandbox_spec spec = {.labels = both, .label_count = 2};
	sp_autolist struct sp_sandbox_list all = {0}, one = {0}, none = {0};
	autosandbox labelled = {0}, bare = {0};

	EXPECT(own_create(w, &spec, &labelled) == 0);
	EXPECT(own_create(w, &plain, &bare) == 0);
	EXPECT(sp_provider_list(w->p, NULL, 0, &all, &w->err) == 0);
	EXPECT(is_listed(&all, labelled.id) && is_listed(&all, bare.id));
	EXPECT(sp_provider_list(w->p, both, 1, &one, &w->err) == 0);
	EXPECT(is_listed(&one, labelled.id) && !is_listed(&one, bare.id));
	EXPECT(sp_provider_list(w->p, other, 2, &none, &w->err) == 0);
	EXPECT(!is_listed(&none, labelled.id) && !is_listed(&none, bare.id));
	return HOLDS;
}

static enum verdict labels_come_back_as_they_were(struct world *w)
{
	static const struct sp_label odd[] = {{"equals", "a=b=c"}, {"empty", ""},
		{"text", "two words, \"quoted\""}, {"unicode", "gr\xc3\xbc\xc3\x9f"}};
	const struct sp_sandbox_spec spec = {.labels = odd, .label_count = 4};
	sp_autoinfo struct sp_sandbox_info info = {0};
	autosandbox own = {0};

	EXPECT(own_create(w, &spec, &own) == 0);
	EXPECT(sp_provider_get(w->p, own.id, &info, &w->err) == 0);
	EXPECT(info.label_count == SP_COUNT(odd));
	EXPECT(sp_labels_match(&info, odd, SP_COUNT(odd)));
	return HOLDS;
}

static enum verdict after_destroy_there_is_nothing(struct world *w)
{
	sp_autoinfo struct sp_sandbox_info info = {0};
	sp_autolist struct sp_sandbox_list list = {0};
	char id[SP_SANDBOX_ID_MAX];
	autoresult r = RESULT_INIT;

	EXPECT(sp_provider_create(w->p, &plain, id, &w->err) == 0);
	EXPECT(sp_provider_destroy(w->p, id, &w->err) == 0);
	EXPECT(sp_provider_get(w->p, id, &info, NULL) == SP_ERR_NOT_FOUND);
	EXPECT(execute(w, id, shell("true"), &r) == SP_ERR_NOT_FOUND);
	EXPECT(sp_provider_list(w->p, NULL, 0, &list, &w->err) == 0);
	EXPECT(!is_listed(&list, id));
	return HOLDS;
}

static enum verdict destroying_twice_or_nothing_is_a_success(struct world *w)
{
	char id[SP_SANDBOX_ID_MAX];

	EXPECT(sp_provider_create(w->p, &plain, id, &w->err) == 0);
	EXPECT(sp_provider_destroy(w->p, id, &w->err) == 0);
	EXPECT(sp_provider_destroy(w->p, id, &w->err) == 0);
	EXPECT(sp_provider_destroy(w->p, "sb-neverwas22", &w->err) == 0);
	return HOLDS;
}

/* A child must not share the connection of its parent. */
static int reopen(struct world *w)
{
	w->p = NULL;
	return w->driver->open(&w->cfg, &w->p, &w->err);
}

static enum verdict destroy_ends_what_is_running(struct world *w)
{
	autosandbox own = {0};
	autoresult r = RESULT_INIT;
	int status = 0;
	pid_t pid;

	EXPECT(own_create(w, &plain, &own) == 0);
	pid = fork();
	if (pid == 0)
		_exit(reopen(w) < 0 ||
			execute(w, own.id, shell("trap '' TERM; sleep 98750"), &r) < 0);
	for (int i = 0; i < 100 && count_processes(w, own.id, "98750") < 1; i++)
		EXPECT(execute(w, own.id, shell("sleep 0.05"), &r) == 0);
	EXPECT(sp_provider_destroy(w->p, own.id, &w->err) == 0);
	EXPECT(waitpid(pid, &status, 0) == pid); /* the alarm is the bound */
	EXPECT(WIFEXITED(status));
	return HOLDS;
}

static enum verdict an_unknown_image_is_not_found_and_leaves_nothing(struct world *w)
{
	const struct sp_sandbox_spec spec = {.image = "no-such-image/at-all:none"};
	sp_autolist struct sp_sandbox_list before = {0}, after = {0};
	char id[SP_SANDBOX_ID_MAX];

	EXPECT(sp_provider_list(w->p, NULL, 0, &before, &w->err) == 0);
	EXPECT(sp_provider_has_image(w->p, spec.image, NULL) < 0);
	EXPECT(sp_provider_create(w->p, &spec, id, &w->err) == SP_ERR_NOT_FOUND);
	EXPECT(strstr(w->err.msg, "no-such-image"));
	EXPECT(!strchr(w->err.msg, '\n'));
	EXPECT(sp_provider_list(w->p, NULL, 0, &after, &w->err) == 0);
	EXPECT(after.count == before.count);
	return HOLDS;
}

static enum verdict an_id_that_is_no_name_is_refused(struct world *w)
{
	sp_autoinfo struct sp_sandbox_info info = {0};

	EXPECT(sp_provider_get(w->p, "../../etc", &info, NULL) == SP_ERR_INVALID);
	EXPECT(sp_provider_destroy(w->p, "a/b", NULL) == SP_ERR_INVALID);
	EXPECT(sp_provider_get(w->p, "sb-neverwas22", &info, NULL) == SP_ERR_NOT_FOUND);
	return HOLDS;
}

static enum verdict inspect_is_one_json_object(struct world *w)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(1u << 20);
	sp_autojson struct json_object *doc = NULL;

	EXPECT(shared(w));
	EXPECT(sp_provider_inspect(w->p, w->shared, &text, &w->err) == 0);
	EXPECT(sp_json_parse(sp_buf_str(&text), text.len, &doc, &w->err) == 0);
	EXPECT(json_object_is_type(doc, json_type_object));
	EXPECT(strstr(sp_buf_str(&text), w->shared));
	return HOLDS;
}

/* Use w's shared sandbox through a provider object of its own. */
static int use_from_elsewhere(struct world *w, const char *file)
{
	struct world second = *w;
	autoresult r = RESULT_INIT;
	char script[128];
	int rc = reopen(&second);

	if (rc < 0)
		return rc;
	snprintf(script, sizeof(script), "echo hello >/tmp/%s", file);
	rc = execute(&second, w->shared, shell(script), &r);
	if (rc == 0)
		rc = r.outcome.exit_code;
	sp_provider_close(second.p);
	return rc;
}

static enum verdict a_second_object_reconnects_by_id(struct world *w)
{
	autoresult r = RESULT_INIT;

	EXPECT(shared(w));
	EXPECT(use_from_elsewhere(w, "object") == 0);
	EXPECT(run_shell(w, "cat /tmp/object", &r) == 0);
	EXPECT(is_text(&r.out, "hello\n"));
	return HOLDS;
}

static enum verdict another_process_reconnects_by_id(struct world *w)
{
	autoresult r = RESULT_INIT;
	int status = 0;
	pid_t pid;

	EXPECT(shared(w));
	pid = fork();
	if (pid == 0)
		_exit(use_from_elsewhere(w, "process") == 0 ? 0 : 1);
	EXPECT(waitpid(pid, &status, 0) == pid);
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	EXPECT(run_shell(w, "cat /tmp/process", &r) == 0);
	EXPECT(is_text(&r.out, "hello\n"));
	return HOLDS;
}

/* Made by a process that is no more: no sandbox depends on its maker. */
static enum verdict a_sandbox_outlives_the_process_that_made_it(struct world *w)
{
	char id[SP_SANDBOX_ID_MAX] = "";
	autoresult r = RESULT_INIT;
	int ends[2], status = 0;
	pid_t pid;

	EXPECT(pipe(ends) == 0);
	pid = fork();
	if (pid == 0) {
		if (reopen(w) < 0 || sp_provider_create(w->p, &plain, id, NULL) < 0)
			_exit(1);
		_exit(write(ends[1], id, sizeof(id)) != sizeof(id));
	}
	close(ends[1]);
	EXPECT(read(ends[0], id, sizeof(id)) == sizeof(id));
	close(ends[0]);
	EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
	EXPECT(execute(w, id, shell("echo alive"), &r) == 0);
	EXPECT(is_text(&r.out, "alive\n"));
	EXPECT(sp_provider_destroy(w->p, id, &w->err) == 0);
	return HOLDS;
}

static bool has_ended(struct world *w, const char *id)
{
	sp_autoinfo struct sp_sandbox_info info = {0};
	int rc = sp_provider_get(w->p, id, &info, NULL);

	return rc == SP_ERR_NOT_FOUND || (rc == 0 && info.state == SP_STATE_DEAD);
}

static enum verdict a_sandbox_ends_by_itself_after_its_ttl(struct world *w)
{
	const struct sp_sandbox_spec spec = {.ttl_ms = 2000};
	const struct timespec tick = {.tv_nsec = 50 * 1000000};
	sp_autoinfo struct sp_sandbox_info info = {0};
	int64_t deadline = sp_clock_ms() + TTL_LATE_MS;
	autosandbox own = {0};
	autoresult r = RESULT_INIT;

	EXPECT(own_create(w, &spec, &own) == 0);
	EXPECT(sp_provider_get(w->p, own.id, &info, &w->err) == 0);
	EXPECT(info.expires_ms >= info.created_ms + 1000);
	EXPECT(info.expires_ms <= info.created_ms + 4000);
	while (!has_ended(w, own.id) && sp_clock_ms() < deadline)
		nanosleep(&tick, NULL);
	EXPECT(has_ended(w, own.id));
	EXPECT(execute(w, own.id, shell("true"), &r) < 0);
	EXPECT(sp_provider_destroy(w->p, own.id, &w->err) == 0);
	return HOLDS;
}

static enum verdict run_creates_runs_and_destroys(struct world *w)
{
	sp_autoinfo struct sp_sandbox_info info = {0};
	struct sp_command command = shell("echo once; exit 3");
	char id[SP_SANDBOX_ID_MAX] = "";
	autoresult r = RESULT_INIT;

	EXPECT(run_once(w, command, id, &r) == 0);
	EXPECT(r.outcome.exit_code == 3);
	EXPECT(is_text(&r.out, "once\n"));
	EXPECT(id[0]);
	EXPECT(sp_provider_get(w->p, id, &info, NULL) == SP_ERR_NOT_FOUND);
	return HOLDS;
}

static enum verdict run_destroys_at_the_deadline_too(struct world *w)
{
	sp_autoinfo struct sp_sandbox_info info = {0};
	struct sp_command command = shell("echo before; trap '' TERM; sleep 98751");
	char id[SP_SANDBOX_ID_MAX] = "";
	autoresult r = RESULT_INIT;

	command.timeout_ms = 1000;
	EXPECT(run_once(w, command, id, &r) == 0);
	EXPECT(r.outcome.timed_out);
	EXPECT(r.took_ms < 15000);
	EXPECT(is_text(&r.out, "before\n"));
	EXPECT(sp_provider_get(w->p, id, &info, NULL) == SP_ERR_NOT_FOUND);
	return HOLDS;
}

static const struct behaviour list[] = {
	{"health is good and names a version", 0, health_is_good_and_names_a_version},
	{"a created sandbox is found running", 0, a_created_sandbox_is_found_running},
	{"sandboxes do not see each other's files", 0,
		sandboxes_do_not_see_each_others_files},
	{"files stay from one command to the next", 0,
		files_stay_from_one_command_to_the_next},
	{"list gives those that have all labels", SP_CAP_LABELS | SP_CAP_LIST,
		list_gives_those_that_have_all_labels},
	{"labels come back as they were", SP_CAP_LABELS, labels_come_back_as_they_were},
	{"after destroy there is nothing", 0, after_destroy_there_is_nothing},
	{"destroying twice, or nothing, is a success", 0,
		destroying_twice_or_nothing_is_a_success},
	{"destroy ends what is running", 0, destroy_ends_what_is_running},
	{"an unknown image is not found and leaves nothing", SP_CAP_LIST,
		an_unknown_image_is_not_found_and_leaves_nothing},
	{"an id that is no name is refused", 0, an_id_that_is_no_name_is_refused},
	{"inspect is one JSON object", 0, inspect_is_one_json_object},
	{"a second object reconnects by id", 0, a_second_object_reconnects_by_id},
	{"another process reconnects by id", 0, another_process_reconnects_by_id},
	{"a sandbox outlives the process that made it", 0,
		a_sandbox_outlives_the_process_that_made_it},
	{"a sandbox ends by itself after its ttl", SP_CAP_TTL,
		a_sandbox_ends_by_itself_after_its_ttl},
	{"run creates, runs and destroys", 0, run_creates_runs_and_destroys},
	{"run destroys at the deadline too", 0, run_destroys_at_the_deadline_too},
};

const struct behaviours life_behaviours = SP_BEHAVIOURS(list);
