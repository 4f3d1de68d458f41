/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/local/local.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/io.h"
#include "base/proc.h"

#define RANGE_FIRST 0x70000000u
#define RANGE_IDS   65536u

/* The local provider's folders, made below one of our own. */
struct place {
	char path[40];
	struct local local;
};

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	snprintf(p->path, sizeof(p->path), "/tmp/sandpit-ids.XXXXXX");
	if (!mkdtemp(p->path) ||
		asprintf(&p->local.sandboxes, "%s/sandboxes", p->path) < 0 ||
		asprintf(&p->local.ids, "%s/ids", p->path) < 0)
		return -1;
	*state = p;
	return mkdir(p->local.sandboxes, 0700);
}

static int tear_down(void **state)
{
	struct place *p = *state;
	const char *const argv[] = {
		"/bin/rm", "-rf", "--one-file-system", p->path, NULL};
	int rc = sp_run_tool(argv, 20000, NULL, NULL);

	free(p->local.sandboxes);
	free(p->local.ids);
	free(p);
	return rc;
}

static void claim(const struct place *p, struct sp_record *r)
{
	struct local_ids ids = {0};
	struct sp_error err = {0};

	if (local_claim_ids(&p->local, &ids, r, &err) < 0)
		fail_msg("%s", err.msg);
}

/* Make a claim look a day old: what a crash left, not what is about to be used. */
static void age(const char *link)
{
	const struct timespec times[2] = {
		{.tv_sec = time(NULL) - 86400}, {.tv_sec = time(NULL) - 86400}};

	assert_int_equal(utimensat(AT_FDCWD, link, times, AT_SYMLINK_NOFOLLOW), 0);
}

static void assert_claimed_by(const char *link, const char *id)
{
	char text[64] = "";

	assert_true(readlink(link, text, sizeof(text) - 1) > 0);
	assert_string_equal(text, id);
}

static void a_claim_is_a_range_far_above_other_users(void **state)
{
	struct place *p = *state;
	sp_autorecord struct sp_record r = {.id = "sb-one"};

	if (geteuid() != 0)
		skip();
	claim(p, &r);
	assert_true(r.is_privileged);
	assert_int_equal(r.id_count, RANGE_IDS);
	assert_true(r.outer_uid >= RANGE_FIRST && r.outer_uid <= 0x7fff0000u);
	assert_int_equal((r.outer_uid - RANGE_FIRST) % RANGE_IDS, 0);
	assert_int_equal(r.outer_gid, r.outer_uid);
	assert_claimed_by(r.claim, "sb-one");
}

static void two_sandboxes_never_share_a_range(void **state)
{
	struct place *p = *state;
	sp_autorecord struct sp_record first = {.id = "sb-one"},
				       second = {.id = "sb-one"};

	if (geteuid() != 0)
		skip();
	/* The same id wants the same place first. */
	claim(p, &first);
	claim(p, &second);
	assert_int_not_equal(first.outer_uid, second.outer_uid);
	assert_string_not_equal(first.claim, second.claim);
}

/* Its folder is not there yet because its maker is not that far. */
static void a_fresh_claim_without_a_sandbox_is_respected(void **state)
{
	struct place *p = *state;
	sp_autorecord struct sp_record first = {.id = "sb-one"},
				       second = {.id = "sb-one"};

	if (geteuid() != 0)
		skip();
	claim(p, &first);
	claim(p, &second);
	assert_string_not_equal(first.claim, second.claim);
	assert_claimed_by(first.claim, "sb-one");
}

static void an_old_claim_without_a_sandbox_is_taken_over(void **state)
{
	struct place *p = *state;
	sp_autorecord struct sp_record first = {.id = "sb-one"},
				       second = {.id = "sb-one"};

	if (geteuid() != 0)
		skip();
	claim(p, &first);
	age(first.claim);
	claim(p, &second);
	assert_string_equal(second.claim, first.claim);
}

static void an_old_claim_of_a_sandbox_that_is_there_is_respected(void **state)
{
	struct place *p = *state;
	sp_autorecord struct sp_record first = {.id = "sb-one"},
				       second = {.id = "sb-one"};
	char path[96];

	if (geteuid() != 0)
		skip();
	claim(p, &first);
	age(first.claim);
	snprintf(path, sizeof(path), "%s/sb-one", p->local.sandboxes);
	assert_int_equal(mkdir(path, 0700), 0);
	claim(p, &second);
	assert_string_not_equal(second.claim, first.claim);
}

/* Nothing says what it is for, so it is nobody's to take, and no reason to give up. */
static void a_strange_claim_is_passed_over(void **state)
{
	static const char *const targets[] = {"../../etc", "..", "a b"};
	struct place *p = *state;

	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i <= SP_COUNT(targets); i++) {
		sp_autorecord struct sp_record first = {.id = "sb-one"},
					       second = {.id = "sb-one"};

		claim(p, &first);
		assert_int_equal(unlink(first.claim), 0);
		if (i < SP_COUNT(targets))
			assert_int_equal(symlink(targets[i], first.claim), 0);
		else
			assert_int_equal(mkdir(first.claim, 0700), 0);
		age(first.claim);
		claim(p, &second);
		assert_string_not_equal(second.claim, first.claim);
		assert_int_equal(unlink(second.claim), 0);
		if (i < SP_COUNT(targets))
			assert_int_equal(unlink(first.claim), 0);
	}
}

/* Many at once over stale claims: each must end with a link of its own. */
static void of_many_at_once_each_gets_its_own(void **state)
{
	enum { MAKERS = 8 };
	struct place *p = *state;
	pid_t pids[MAKERS];
	char claims[MAKERS][96] = {{0}};
	int from, to;

	if (geteuid() != 0)
		skip();
	for (int i = 0; i < MAKERS; i++) {
		sp_autorecord struct sp_record r = {.id = "sb-one"};

		claim(p, &r);
		snprintf(claims[i], sizeof(claims[i]), "%s", r.claim);
	}
	for (int i = 0; i < MAKERS; i++)
		age(claims[i]);
	assert_int_equal(sp_pipe(&from, &to, 0, NULL), 0);
	for (int i = 0; i < MAKERS; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			sp_autorecord struct sp_record r = {.id = "sb-one"};
			struct local_ids ids = {0};
			int rc = local_claim_ids(&p->local, &ids, &r, NULL);

			_exit(rc == 0 && write(to, &r.outer_uid, 4) == 4 ? 0 : 1);
		}
	}
	close(to);
	for (int i = 0; i < MAKERS; i++) {
		int status = -1;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	for (uint32_t seen[MAKERS + 1], n = 0; read(from, &seen[n], 4) == 4; n++)
		for (uint32_t i = 0; i < n; i++)
			assert_int_not_equal(seen[i], seen[n]);
	close(from);
}

static void without_privilege_there_is_one_id(void **state)
{
	struct place *p = *state;
	sp_autorecord struct sp_record r = {.id = "sb-one"};

	if (geteuid() == 0) {
		/* The user is tried on, and taken off again. */
		assert_int_equal(setegid(54321), 0);
		assert_int_equal(seteuid(12345), 0);
		claim(p, &r);
		assert_int_equal(seteuid(0), 0);
		assert_int_equal(setegid(0), 0);
		assert_int_equal(r.outer_uid, 12345);
		assert_int_equal(r.outer_gid, 54321);
	} else {
		claim(p, &r);
		assert_int_equal(r.outer_uid, geteuid());
	}
	assert_false(r.is_privileged);
	assert_int_equal(r.id_count, 1);
	assert_null(r.claim);
}

/* As if /etc/subuid had granted so many blocks: who asks is an ordinary user. */
static void claim_granted(
	struct place *p, size_t blocks, struct local_ids *ids, struct sp_record *r)
{
	struct local_subids subids = {.is_known = true, .count = blocks};
	struct sp_error err = {0};
	uid_t was = geteuid();
	int rc;

	for (size_t i = 0; i < blocks; i++) {
		subids.uids[i] = 100000 + (uint32_t)i * LOCAL_BLOCK_IDS;
		subids.gids[i] = 900000 + (uint32_t)i * LOCAL_BLOCK_IDS;
	}
	p->local.subids = &subids;
	if (was == 0) {
		assert_int_equal(chmod(p->path, 0711), 0);
		assert_int_equal(sp_mkdir_p(p->local.ids, 0700, NULL), 0);
		assert_int_equal(chown(p->local.ids, 12345, 54321), 0);
		assert_int_equal(seteuid(12345), 0);
	}
	rc = local_claim_ids(&p->local, ids, r, &err);
	assert_int_equal(seteuid(was), 0);
	p->local.subids = NULL;
	if (rc < 0)
		fail_msg("%s", err.msg);
}

static void a_user_with_one_range_shares_it_and_says_so(void **state)
{
	struct place *p = *state;
	sp_autorecord struct sp_record r = {.id = "sb-one"};
	struct local_ids ids = {0};

	claim_granted(p, 1, &ids, &r);
	assert_int_equal(r.outer_uid, 100000);
	assert_int_equal(r.outer_gid, 900000);
	assert_int_equal(r.id_count, 65536);
	assert_null(r.claim);
	assert_non_null(strstr(ids.why, "shared"));
}

static void a_user_with_three_ranges_has_two_to_himself(void **state)
{
	struct place *p = *state;
	sp_autorecord struct sp_record a = {.id = "sb-a"}, b = {.id = "sb-b"},
				       c = {.id = "sb-c"};
	struct local_ids ids = {0};

	claim_granted(p, 3, &ids, &a);
	claim_granted(p, 3, &ids, &b);
	assert_string_equal(ids.why, "");
	assert_int_not_equal(a.outer_uid, b.outer_uid);
	assert_true(a.outer_uid > 100000 && b.outer_uid > 100000);
	assert_claimed_by(a.claim, "sb-a");
	claim_granted(p, 3, &ids, &c);
	assert_non_null(strstr(ids.why, "in use"));
	assert_int_equal(c.outer_uid, 100000);
	assert_null(c.claim);
}

static void with_mounts_user_0_is_the_caller(void **state)
{
	struct place *p = *state;
	sp_autorecord struct sp_record r = {.id = "sb-one"};
	struct local_ids ids = {.has_mounts = true};

	claim_granted(p, 1, &ids, &r);
	assert_int_equal(r.outer_uid, geteuid() == 0 ? 12345 : geteuid());
	assert_int_equal(r.range_uid, 100000);
	assert_true(sp_record_maps_uid(&r, r.outer_uid));
	assert_false(sp_record_maps_uid(&r, 100000));
	assert_true(sp_record_maps_uid(&r, 100001));
	assert_true(sp_record_maps_uid(&r, 165535));
	assert_false(sp_record_maps_uid(&r, 165536));
	assert_false(sp_record_maps_uid(&r, 0));
	assert_true(sp_record_maps_gid(&r, 900001));
}

static void ids_without_a_gap_are_mapped_from_the_first(void **state)
{
	const struct sp_record r = {.outer_uid = 100, .outer_gid = 200, .id_count = 10};

	(void)state;
	assert_false(sp_record_maps_uid(&r, 99));
	assert_true(sp_record_maps_uid(&r, 100));
	assert_true(sp_record_maps_uid(&r, 109));
	assert_false(sp_record_maps_uid(&r, 110));
	assert_false(sp_record_maps_gid(&r, 100));
}

static void a_folder_that_cannot_be_written_is_an_error(void **state)
{
	struct place *p = *state;
	sp_autorecord struct sp_record r = {.id = "sb-one"};
	struct local_ids ids = {0};
	struct sp_error err = {0};

	if (geteuid() != 0)
		skip();
	free(p->local.ids);
	p->local.ids = strdup("/proc/ids");
	assert_true(local_claim_ids(&p->local, &ids, &r, &err) < 0);
	assert_non_null(strstr(err.msg, "claim id range /proc/ids/"));
	assert_null(r.claim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_claim_is_a_range_far_above_other_users, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			two_sandboxes_never_share_a_range, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_fresh_claim_without_a_sandbox_is_respected, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			an_old_claim_without_a_sandbox_is_taken_over, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			an_old_claim_of_a_sandbox_that_is_there_is_respected, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_strange_claim_is_passed_over, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			of_many_at_once_each_gets_its_own, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			without_privilege_there_is_one_id, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_user_with_one_range_shares_it_and_says_so, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_user_with_three_ranges_has_two_to_himself, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			with_mounts_user_0_is_the_caller, set_up, tear_down),
		cmocka_unit_test(ids_without_a_gap_are_mapped_from_the_first),
		cmocka_unit_test_setup_teardown(
			a_folder_that_cannot_be_written_is_an_error, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
