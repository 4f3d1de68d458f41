/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many sandboxes at once on the local provider: what each costs in memory, and how fast a
 * command runs in one of them.
 *
 *   many NAME idle COUNT EXECS JSON                    EXECS in turn in all of them
 *   many NAME busy COUNT EXECS JSON COMMAND            in one more, while all run sleep
 *
 * Memory is what the whole system has less of: MemAvailable before and after.  COMMAND is
 * the sandpit command.
 */
#include <errno.h>
#include <signal.h>

#include "include/sandpit.h"
#include "tests/bench/stats.h"

#define COUNT_MAX   4000
#define SAMPLES_MAX 20000
#define TTL_MS      (3600 * 1000)
/* Freed memory comes back behind its owner's end; that is waited for, but not for long. */
#define SETTLE_TRIES 40
#define SETTLE_NS    50000000

struct crowd {
	struct sp_client *client;
	char handles[COUNT_MAX][SP_HANDLE_MAX];
	pid_t busy[COUNT_MAX];
	int made, running, answered;
	double create_us[COUNT_MAX], exec_us[SAMPLES_MAX], destroy_us[COUNT_MAX];
};

static struct crowd crowd;

static void __attribute__((noreturn)) die(const char *what, const char *which)
{
	fprintf(stderr, "many: %s: %s\n", what, which);
	exit(2);
}

static long available_kib(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	char line[128];
	long kib = 0;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemAvailable: %ld kB", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

/* The most that is seen while the kernel tidies up. */
static long settled_kib(void)
{
	const struct timespec pause = {.tv_nsec = SETTLE_NS};
	long most = available_kib();

	for (int i = 0; i < SETTLE_TRIES; i++) {
		long now;

		nanosleep(&pause, NULL);
		now = available_kib();
		most = now > most ? now : most;
	}
	return most;
}

static bool make_one(struct crowd *c)
{
	struct sp_sandbox_spec spec = {.ttl_ms = TTL_MS};
	struct sp_error err = {0};
	double start = now_us();

	if (sp_sandbox_create(c->client, &spec, c->handles[c->made], &err) < 0) {
		fprintf(stderr, "many: create %d: %s\n", c->made, err.msg);
		return false;
	}
	c->create_us[c->made++] = now_us() - start;
	return true;
}

/* It runs when it has said so. */
static bool keep_busy(struct crowd *c, int i, char *command)
{
	char script[] = "echo; exec sleep 3600";
	char exec[] = "exec", dashes[] = "--", sh[] = "sh", flag[] = "-c";
	char *argv[] = {command, exec, c->handles[i], dashes, sh, flag, script, NULL};
	int ends[2];
	char byte;
	ssize_t n;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	c->busy[c->running++] = start_program(argv, environ, false, ends[1]);
	close(ends[1]);
	n = read(ends[0], &byte, 1);
	close(ends[0]);
	return n == 1;
}

static void exec_in(struct crowd *c, int sample, int i)
{
	static const char *const argv[] = {"true", NULL};
	struct sp_exec_result result = {0};
	struct sp_error err = {0};
	double start = now_us();
	int rc = sp_sandbox_exec(c->client, c->handles[i], argv, NULL, &result, &err);

	c->exec_us[sample] = now_us() - start;
	if (rc == 0 && result.exit_code == 0)
		c->answered++;
	else
		fprintf(stderr, "many: exec in %s: %s\n", c->handles[i], err.msg);
	sp_exec_result_clear(&result);
}

static void end_all(struct crowd *c)
{
	struct sp_error err = {0};

	for (int i = 0; i < c->running; i++)
		if (c->busy[i] > 0)
			kill(c->busy[i], SIGTERM);
	for (int i = 0; i < c->running; i++)
		(void)await_program(c->busy[i]);
	for (int i = 0; i < c->made; i++) {
		double start = now_us();

		if (sp_sandbox_destroy(c->client, c->handles[i], &err) < 0)
			fprintf(stderr, "many: destroy: %s\n", err.msg);
		c->destroy_us[i] = now_us() - start;
	}
}

static void report(const char *path, const char *name, int count, int execs, long kib)
{
	struct stats create = stats_of(crowd.create_us, crowd.made);
	struct stats exec = stats_of(crowd.exec_us, execs);
	struct stats destroy = stats_of(crowd.destroy_us, crowd.made);
	double each = (double)kib / count;
	FILE *json = fopen(path, "ae");

	if (!json)
		die(path, strerror(errno));
	printf("%-24s %d alive, %.0f kB each, %d of %d execs answered: p50 %.2f ms, "
	       "p99 %.2f ms; create p50 %.2f ms, destroy p50 %.2f ms\n",
		name, crowd.made, each, crowd.answered, execs, exec.p50 / 1e3,
		exec.p99 / 1e3, create.p50 / 1e3, destroy.p50 / 1e3);
	fprintf(json,
		"{\"bench\":\"many\",\"row\":\"%s\",\"sandboxes\":%d,\"kb_each\":%.1f,"
		"\"execs\":%d,\"answered\":%d,\"exec_p50_us\":%.1f,"
		"\"exec_p99_us\":%.1f,\"create_p50_us\":%.1f,\"destroy_p50_us\":%.1f}"
		"\n",
		name, crowd.made, each, execs, crowd.answered, exec.p50, exec.p99,
		create.p50, destroy.p50);
	fclose(json);
}

int main(int argc, char **argv)
{
	static const struct sp_client_opts of_local = {.provider = "local"};
	bool is_busy = argc == 7 && strcmp(argv[2], "busy") == 0;
	int count = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 0;
	int execs = argc > 4 ? (int)strtol(argv[4], NULL, 10) : 0;
	struct sp_error err = {0};
	long before, after;

	if ((argc != 6 && !is_busy) || count < 1 || count >= COUNT_MAX || execs < 1 ||
		execs > SAMPLES_MAX)
		die("usage", "many NAME idle|busy COUNT EXECS JSON [COMMAND]");
	if (sp_client_open(&of_local, &crowd.client, &err) < 0)
		die("client", err.msg);
	before = settled_kib();
	while (crowd.made < count && make_one(&crowd))
		;
	after = settled_kib();
	for (int i = 0; is_busy && i < crowd.made; i++)
		if (!keep_busy(&crowd, i, argv[6]))
			fprintf(stderr, "many: %s is not busy\n", crowd.handles[i]);
	if (is_busy && crowd.made == count)
		(void)make_one(&crowd);
	for (int i = 0; i < execs && crowd.made; i++)
		exec_in(&crowd, i, is_busy ? crowd.made - 1 : i % crowd.made);
	end_all(&crowd);
	report(argv[5], argv[1], count, execs, before - after);
	sp_client_close(crowd.client);
	return crowd.made < count || crowd.answered < execs;
}
