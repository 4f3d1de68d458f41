/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/io.h"
#include "runtime/remove.h"

#define ID      "sb-test"
#define WAIT_MS 20000

/* A state folder of our own. */
struct place {
	char path[40], sandbox[64];
	int base;
};

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	snprintf(p->path, sizeof(p->path), "/tmp/sandpit-state.XXXXXX");
	if (!mkdtemp(p->path))
		return -1;
	snprintf(p->sandbox, sizeof(p->sandbox), "%s/" ID, p->path);
	p->base = sp_state_open(p->path, NULL);
	*state = p;
	return p->base < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	(void)sp_remove_state(p->sandbox);
	close(p->base);
	if (rmdir(p->path) < 0)
		return -1;
	free(p);
	return 0;
}

static int begin(const struct place *p)
{
	const struct sp_record r = {.id = ID, .limits = {.pids = 7}};
	int lock = sp_state_begin(p->base, &r, NULL);

	assert_true(lock >= 0);
	return lock;
}

static enum sp_liveness life_of(const struct place *p)
{
	enum sp_liveness life = (enum sp_liveness)77;

	assert_int_equal(sp_state_life(p->base, ID, &life, NULL, NULL), 0);
	return life;
}

static void a_state_folder_is_made_for_its_owner_alone(void **state)
{
	struct place *p = *state;
	sp_autoclose int base = -1;
	char path[80];
	struct stat st;

	snprintf(path, sizeof(path), "%s/a/b", p->path);
	base = sp_state_open(path, NULL);
	assert_true(base >= 0);
	assert_int_equal(fstat(base, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(rmdir(path), 0);
	*strrchr(path, '/') = '\0';
	assert_int_equal(rmdir(path), 0);
}

static void a_folder_others_can_write_is_refused(void **state)
{
	struct place *p = *state;

	assert_int_equal(fchmod(p->base, 0720), 0);
	assert_int_equal(sp_state_open(p->path, NULL), SP_ERR_DENIED);
	assert_int_equal(fchmod(p->base, 0702), 0);
	assert_int_equal(sp_state_open(p->path, NULL), SP_ERR_DENIED);
	assert_int_equal(fchmod(p->base, 0700), 0);
}

static void a_folder_of_another_user_is_refused(void **state)
{
	struct place *p = *state;
	int rc;

	if (geteuid() != 0)
		skip();
	assert_int_equal(fchown(p->base, 12345, (gid_t)-1), 0);
	rc = sp_state_open(p->path, NULL);
	assert_int_equal(fchown(p->base, 0, (gid_t)-1), 0);
	assert_int_equal(rc, SP_ERR_DENIED);
}

static void a_link_or_a_file_is_no_state_folder(void **state)
{
	struct place *p = *state;
	char link[80];

	snprintf(link, sizeof(link), "%s/link", p->path);
	assert_int_equal(symlink(p->path, link), 0);
	assert_true(sp_state_open(link, NULL) < 0);
	assert_int_equal(unlink(link), 0);
	assert_true(sp_state_open("/etc/passwd", NULL) < 0);
}

static void what_was_begun_can_be_read(void **state)
{
	struct place *p = *state;
	sp_autoclose int lock = begin(p);
	sp_autorecord struct sp_record r = {0};

	assert_true(lock >= 0);
	assert_int_equal(sp_state_read(p->base, ID, &r, NULL), 0);
	assert_string_equal(r.id, ID);
	assert_int_equal(r.limits.pids, 7);
}

static void an_id_is_taken_once(void **state)
{
	struct place *p = *state;
	sp_autoclose int lock = begin(p);
	const struct sp_record again = {.id = ID, .limits = {.pids = 8}};
	sp_autorecord struct sp_record r = {0};

	assert_true(lock >= 0);
	assert_int_equal(sp_state_begin(p->base, &again, NULL), SP_ERR_EXISTS);
	assert_int_equal(sp_state_read(p->base, ID, &r, NULL), 0);
	assert_int_equal(r.limits.pids, 7);
}

static void a_name_that_is_no_id_names_no_sandbox(void **state)
{
	static const char *const names[] = {"..", ".", "", "../x", "/tmp", "none"};
	struct place *p = *state;
	enum sp_liveness life;
	struct sp_record r;
	int lock;

	for (size_t i = 0; i < SP_COUNT(names); i++) {
		assert_int_equal(sp_state_life(p->base, names[i], &life, NULL, NULL),
			SP_ERR_NOT_FOUND);
		assert_int_equal(
			sp_state_read(p->base, names[i], &r, NULL), SP_ERR_NOT_FOUND);
		assert_int_equal(sp_state_lock_dead(p->base, names[i], &lock, NULL), 0);
		assert_int_equal(lock, -1);
	}
}

static void an_update_replaces_the_record_and_nothing_else(void **state)
{
	struct place *p = *state;
	sp_autoclose int lock = begin(p);
	const struct sp_record r = {.id = ID, .limits = {.pids = 9}};
	sp_autorecord struct sp_record back = {0};

	assert_true(lock >= 0);
	assert_int_equal(sp_state_update(p->base, &r, NULL), 0);
	assert_int_equal(sp_state_read(p->base, ID, &back, NULL), 0);
	assert_int_equal(back.limits.pids, 9);
	assert_int_equal(life_of(p), SP_LIFE_STARTING);
}

/* Killed between writing and renaming: the folder must still be one that can go. */
static void a_crash_during_an_update_leaves_what_can_be_removed(void **state)
{
	struct place *p = *state;
	const struct sp_record r = {.id = ID};
	char path[96];
	int fd;

	close(begin(p));
	snprintf(path, sizeof(path), "%s/" SP_STATE_NEW, p->sandbox);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(sp_state_update(p->base, &r, NULL), 0);
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_true(sp_remove_state(p->sandbox));
	assert_int_equal(access(p->sandbox, F_OK), -1);
}

static void a_folder_with_strange_files_is_not_removed(void **state)
{
	struct place *p = *state;
	char path[96];
	int fd;

	close(begin(p));
	snprintf(path, sizeof(path), "%s/strange", p->sandbox);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_false(sp_remove_state(p->sandbox));
	assert_int_equal(unlink(path), 0);
}

static void a_record_of_another_sandbox_is_refused(void **state)
{
	static const char text[] = "id=sb-other\nimage=x\nend\n";
	struct place *p = *state;
	sp_autoclose int folder = -1;
	struct sp_record r = {0};

	close(begin(p));
	folder = open(p->sandbox, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(sp_write_file_at(folder, SP_STATE_RECORD, text,
				 sizeof(text) - 1, 0600, NULL),
		0);
	assert_int_equal(sp_state_read(p->base, ID, &r, NULL), SP_ERR_PROTOCOL);
	assert_null(r.image);
}

static void it_starts_runs_and_is_dead(void **state)
{
	const struct sp_supervisor noted = {
		.pid = 4194304, .start_ticks = UINT64_MAX, .init_pid = 99};
	struct place *p = *state;
	struct sp_supervisor s = {0};
	enum sp_liveness life;
	int lock = begin(p);

	assert_int_equal(life_of(p), SP_LIFE_STARTING);
	assert_int_equal(sp_state_note_supervisor(p->base, ID, &noted, NULL), 0);
	assert_int_equal(sp_state_life(p->base, ID, &life, &s, NULL), 0);
	assert_int_equal(life, SP_LIFE_RUNNING);
	assert_int_equal(s.pid, noted.pid);
	assert_true(s.start_ticks == noted.start_ticks && s.init_pid == 99);
	close(lock);
	assert_int_equal(life_of(p), SP_LIFE_DEAD);
}

static void a_supervisor_is_noted_once(void **state)
{
	const struct sp_supervisor noted = {.pid = 2, .start_ticks = 1, .init_pid = 3};
	struct place *p = *state;
	sp_autoclose int lock = begin(p);

	assert_true(lock >= 0);
	assert_int_equal(sp_state_note_supervisor(p->base, ID, &noted, NULL), 0);
	assert_int_equal(
		sp_state_note_supervisor(p->base, ID, &noted, NULL), SP_ERR_EXISTS);
}

/* Killing process 1, or everything (-1), is what a forged note would be for. */
static void a_note_that_makes_no_sense_is_no_supervisor(void **state)
{
	static const char *const texts[] = {
		"", "1 5 9\n", "-1 5 9\n", "0 5 9\n", "12", "12 5", "x 5 9\n"};
	struct place *p = *state;
	sp_autoclose int lock = begin(p);
	sp_autoclose int folder = open(p->sandbox, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(lock >= 0);
	for (size_t i = 0; i < SP_COUNT(texts); i++) {
		assert_int_equal(sp_write_file_at(folder, SP_STATE_INIT, texts[i],
					 strlen(texts[i]), 0600, NULL),
			0);
		assert_int_equal(life_of(p), SP_LIFE_STARTING);
	}
}

/* A process that holds the sandbox's lock until it is killed; it has it on return. */
static pid_t hold(const struct place *p)
{
	sp_autoclose int from = -1, to = -1;
	char byte = 'x';
	pid_t pid;

	assert_int_equal(sp_pipe(&from, &to, 0, NULL), 0);
	pid = fork();
	if (pid == 0) {
		int base = sp_state_open(p->path, NULL);
		const struct sp_record r = {.id = ID};

		if (sp_state_begin(base, &r, NULL) >= 0)
			(void)!write(to, &byte, 1);
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	sp_close_fd(&to);
	assert_int_equal(read(from, &byte, 1), 1);
	return pid;
}

static void a_killed_maker_leaves_a_dead_sandbox_for_one_cleaner(void **state)
{
	struct place *p = *state;
	sp_autoclose int first = -1;
	int second = -1;
	pid_t maker = hold(p);

	assert_int_equal(life_of(p), SP_LIFE_STARTING);
	assert_int_equal(sp_state_lock_dead(p->base, ID, &first, NULL), 0);
	assert_int_equal(first, -1);
	assert_int_equal(kill(maker, SIGKILL), 0);
	assert_int_equal(waitpid(maker, NULL, 0), maker);
	assert_int_equal(life_of(p), SP_LIFE_DEAD);
	assert_int_equal(sp_state_lock_dead(p->base, ID, &first, NULL), 0);
	assert_true(first >= 0);
	assert_true(fcntl(first, F_GETFD) & FD_CLOEXEC);
	/* Another cleaner keeps away, and whoever looks sees it as not yet gone. */
	assert_int_equal(sp_state_lock_dead(p->base, ID, &second, NULL), 0);
	assert_int_equal(second, -1);
	assert_int_equal(life_of(p), SP_LIFE_STARTING);
}

/* A maker that was killed before it had a lock file. */
static void a_folder_without_a_lock_is_dead_too(void **state)
{
	struct place *p = *state;
	sp_autoclose int lock = -1;

	assert_int_equal(mkdir(p->sandbox, 0700), 0);
	assert_int_equal(life_of(p), SP_LIFE_DEAD);
	assert_int_equal(sp_state_lock_dead(p->base, ID, &lock, NULL), 0);
	assert_true(lock >= 0);
}

/* Wait, with a deadline, until pid waits for a lock or has ended without. */
static bool wait_for_flock(pid_t pid)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	int64_t deadline = sp_deadline_in(WAIT_MS);
	char path[48], text[32];

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	while (sp_deadline_poll_ms(deadline) > 0) {
		sp_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

		if (n <= 0)
			return false;
		text[n] = '\0';
		if (strtol(text, NULL, 10) == SYS_flock && text[0] != 'r')
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

/*
 * While a maker is between its folder and its lock it holds the base folder shared.
 * Looking then must wait for it, not say the sandbox is dead.
 */
static void one_that_is_being_made_is_not_dead(void **state)
{
	struct place *p = *state;
	sp_autoclose int maker = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	sp_autoclose int lock = -1;
	char path[96];
	int status = 0;
	pid_t pid;

	assert_int_equal(flock(maker, LOCK_SH), 0);
	assert_int_equal(mkdir(p->sandbox, 0700), 0);
	pid = fork();
	if (pid == 0) {
		int base = sp_state_open(p->path, NULL);
		enum sp_liveness life = SP_LIFE_DEAD;

		(void)sp_state_life(base, ID, &life, NULL, NULL);
		_exit(life == SP_LIFE_STARTING ? 0 : 1);
	}
	assert_true(wait_for_flock(pid));
	snprintf(path, sizeof(path), "%s/" SP_STATE_LOCK, p->sandbox);
	lock = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	assert_int_equal(flock(lock, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(flock(maker, LOCK_UN), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Whoever looks holds the lock shared for a moment; that is no sign of life. */
static void somebody_looking_does_not_keep_a_dead_one_from_the_cleaner(void **state)
{
	struct place *p = *state;
	sp_autoclose int looking = -1;
	char path[96];
	int status = 0;
	pid_t pid;

	close(begin(p));
	snprintf(path, sizeof(path), "%s/" SP_STATE_LOCK, p->sandbox);
	looking = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(looking, LOCK_SH), 0);
	pid = fork();
	if (pid == 0) {
		int base = sp_state_open(p->path, NULL);
		int lock = -1;

		(void)sp_state_lock_dead(base, ID, &lock, NULL);
		_exit(lock >= 0 ? 0 : 1);
	}
	assert_true(wait_for_flock(pid));
	assert_int_equal(flock(looking, LOCK_UN), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void ids_are_the_names_that_are_ids(void **state)
{
	struct place *p = *state;
	sp_autoclose int lock = begin(p);
	sp_autostrv struct sp_strv ids = {0};

	assert_true(lock >= 0);
	assert_int_equal(mkdirat(p->base, ".hidden", 0700), 0);
	assert_int_equal(sp_state_ids(p->base, &ids, NULL), 0);
	assert_int_equal(unlinkat(p->base, ".hidden", AT_REMOVEDIR), 0);
	assert_int_equal(ids.count, 1);
	assert_string_equal(ids.items[0], ID);
	/* The second time from its beginning again. */
	assert_int_equal(sp_state_ids(p->base, &ids, NULL), 0);
	assert_int_equal(ids.count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_state_folder_is_made_for_its_owner_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_folder_others_can_write_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_folder_of_another_user_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_link_or_a_file_is_no_state_folder, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_was_begun_can_be_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_id_is_taken_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_name_that_is_no_id_names_no_sandbox, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_update_replaces_the_record_and_nothing_else, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_crash_during_an_update_leaves_what_can_be_removed, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_folder_with_strange_files_is_not_removed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_record_of_another_sandbox_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			it_starts_runs_and_is_dead, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_supervisor_is_noted_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_note_that_makes_no_sense_is_no_supervisor, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_killed_maker_leaves_a_dead_sandbox_for_one_cleaner, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_folder_without_a_lock_is_dead_too, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			one_that_is_being_made_is_not_dead, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			somebody_looking_does_not_keep_a_dead_one_from_the_cleaner,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			ids_are_the_names_that_are_ids, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
