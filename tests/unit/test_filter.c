/* SPDX-License-Identifier: Apache-2.0 */
/* The shipped filters on real processes: what is refused, and what must go on working. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
/* cmocka wants the five above before it */
#include <cmocka.h>

#include "base/buf.h"
#include "base/proc.h"
#include "seccomp/cache.h"

#define PROGRAM_MAX  (1u << 20)
#define FOLDER_MAX   64
#define SECONDS_MAX  60
#define GRANTED_CAPS UINT64_C(0x401fb) /* as the local provider grants them */
#define NO_FILTER    120               /* exit: it could not be set */
#define X32_GETPID   0x40000027L

static const char *const shipped[] = {"default", "strict"};

static void filter_of(const char *profile, struct sp_buf *out)
{
	struct sp_seccomp_request req = {
		.profile = profile, .data_dir = ".", .granted_caps = GRANTED_CAPS};
	struct sp_error err = {0};

	if (sp_seccomp_program(&req, out, &err) < 0)
		fail_msg("%s", err.msg);
}

/* In the child; there is no way back. */
static void install(const struct sp_buf *program)
{
	struct sock_fprog prog = {
		.len = (unsigned short)(program->len / sizeof(struct sock_filter)),
		.filter = (void *)program->data};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		_exit(NO_FILTER);
}

static bool answers(long result, int want)
{
	return want == 0 ? result >= 0 : result == -1 && errno == want;
}

/* Zero, or the number of the first attempt that did not go as it must. */
static int attempts(void)
{
	const struct {
		long nr, a, b, c;
		int want;
	} rows[] = {
		{SYS_getpid, 0, 0, 0, 0},
		{SYS_unshare, CLONE_NEWUSER, 0, 0, EPERM},
		{SYS_setns, -1, 0, 0, EPERM},
		{SYS_mount, 0, 0, 0, EPERM},
		{SYS_umount2, 0, 0, 0, EPERM},
		{SYS_socket, AF_VSOCK, SOCK_STREAM, 0, EPERM},
		{SYS_socket, 38 /* AF_ALG */, SOCK_SEQPACKET, 0, EPERM},
		{SYS_socket, AF_UNIX, SOCK_STREAM, 0, 0},
		{SYS_bpf, 0, 0, 0, EPERM},
		{SYS_keyctl, 0, 0, 0, EPERM},
		{SYS_perf_event_open, 0, 0, 0, EPERM},
		{SYS_clone3, 0, 0, 0, ENOSYS},
		{SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, EPERM},
		{SYS_ioctl, 0, TIOCSTI, 0, EPERM},
		{SYS_ioctl, 0, 0x100005412, 0, EPERM},
		{SYS_ioctl, -1, TIOCGWINSZ, 0, EBADF},
		{425 /* io_uring_setup */, 1, 0, 0, EPERM},
		{900, 0, 0, 0, ENOSYS},
#ifdef __x86_64__
		{X32_GETPID, 0, 0, 0, ENOSYS},
#endif
	};

	for (size_t i = 0; i < SP_COUNT(rows); i++) {
		errno = 0;
		if (!answers(syscall(rows[i].nr, rows[i].a, rows[i].b, rows[i].c, 0, 0),
			    rows[i].want))
			return (int)i + 1;
	}
	return 0;
}

static int wait_for(pid_t pid)
{
	int status;

	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void calls_get_the_answers_they_should(void **state)
{
	(void)state;
	for (size_t p = 0; p < SP_COUNT(shipped); p++) {
		sp_autobuf struct sp_buf program = SP_BUF_INIT(PROGRAM_MAX);
		int status;
		pid_t pid;

		filter_of(shipped[p], &program);
		pid = fork();
		if (pid == 0) {
			alarm(SECONDS_MAX);
			install(&program);
			_exit(attempts());
		}
		status = wait_for(pid);
		if (status != 0)
			fail_msg("%s: attempt %d", shipped[p], sp_exit_code(status));
	}
}

static void a_call_of_another_architecture_ends_the_process(void **state)
{
#ifdef __x86_64__
	sp_autobuf struct sp_buf program = SP_BUF_INIT(PROGRAM_MAX);
	int status;
	pid_t pid;

	(void)state;
	filter_of("default", &program);
	pid = fork();
	if (pid == 0) {
		long result = 20; /* getpid, the 32-bit number */

		install(&program);
		__asm__ volatile("int $0x80" : "+a"(result)::"memory");
		_exit(1);
	}
	status = wait_for(pid);
	/* A kernel without 32-bit calls faults instead. */
	assert_true(WIFSIGNALED(status));
	assert_true(WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGSEGV);
#else
	(void)state;
	print_message("# skip: int 0x80 is x86's\n");
	skip();
#endif
}

/* ----- programs ---------------------------------------------------------------- */

struct tool {
	const char *program;
	const char *const argv[6];
};

/* Each in a folder of its own, with that as its home. */
static const struct tool tools[] = {
	{"/bin/sh",
		{"sh", "-ec",
			"x=$(echo a | cat); test \"$x\" = a; mkdir d; cd d; : > f; "
			"chmod 600 f; mv f g; ln -s g h; (sleep 0 & wait); rm -r "
			"../d"}},
	{"/bin/bash",
		{"bash", "-ec",
			"read x < <(echo b); test $x = b; mkfifo p; echo c > p & "
			"read y < p; test $y = c; kill -0 $$; ulimit -n 64"}},
	{"/bin/busybox",
		{"busybox", "sh", "-ec",
			"echo d > f; busybox gzip f; busybox tar c f.gz | "
			"busybox tar t; busybox awk 'BEGIN{print 1}'"}},
	{"/usr/bin/python3",
		{"python3", "-c",
			"import "
			"os,socket,subprocess,tempfile,threading,multiprocessing\n"
			"t=threading.Thread(target=print); t.start(); t.join()\n"
			"subprocess.run(['true'],check=True)\n"
			"a,b=socket.socketpair(); a.send(b'x'); assert "
			"b.recv(1)==b'x'\n"
			"with multiprocessing.Pool(2) as p: assert "
			"p.map(abs,[-1,-2])==[1,2]\n"
			"open('f','w').write('y'); os.rename('f','g'); "
			"os.urandom(4)\n"}},
	{"/usr/bin/git",
		{"sh", "-ec",
			"git init -q r; cd r; git config user.email a@b; "
			"git config user.name n; echo z > f; git add f; "
			"git commit -qm m; git clone -q . ../s; git -C ../s log "
			"--oneline"}},
	{"/usr/bin/node",
		{"node", "-e",
			"const {Worker}=require('worker_threads');"
			"require('child_process').execFileSync('true');"
			"require('fs').writeFileSync('f','x');"
			"new Worker('0',{eval:true}).on('exit',c=>process.exit(c))"}},
	{"/usr/bin/gcc",
		{"sh", "-ec",
			"echo 'int main(void){return 7;}' > a.c; gcc -O2 -o a a.c; "
			"./a && exit 1; test $? = 7"}},
	/* The runtime of Go: threads by clone, a timer, signals that preempt. */
	{"/usr/bin/docker", {"docker", "--help"}},
	{"/usr/bin/perl",
		{"perl", "-e", "open(F,'>','f')||die; fork||exit 0; wait; exit $?"}},
};

static void run_inside(
	const struct tool *tool, const char *folder, const struct sp_buf *program)
{
	static const char *const env[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=.",
		"LC_ALL=C.UTF-8", "GIT_CONFIG_NOSYSTEM=1", NULL};
	bool through_shell = !strcmp(tool->argv[0], "sh");
	const char *path = through_shell ? "/bin/sh" : tool->program;
	char *argv[SP_COUNT(tool->argv)];
	char *envp[SP_COUNT(env)];

	memcpy(argv, tool->argv, sizeof(argv));
	memcpy(envp, env, sizeof(envp));
	setpgid(0, 0);
	alarm(SECONDS_MAX);
	if (chdir(folder) < 0)
		_exit(NO_FILTER);
	if (!freopen("/dev/null", "w", stdout))
		_exit(NO_FILTER);
	install(program);
	execve(path, argv, envp);
	_exit(127);
}

static void remove_folder(const char *folder)
{
	const char *const argv[] = {"/bin/rm", "-rf", folder, NULL};

	assert_int_equal(sp_run_tool(argv, 10000, NULL, NULL), 0);
}

static void run_tool(const char *profile, const struct tool *tool)
{
	sp_autobuf struct sp_buf program = SP_BUF_INIT(PROGRAM_MAX);
	char folder[FOLDER_MAX] = "/tmp/sp-filter-XXXXXX";
	int status;
	pid_t pid;

	if (access(tool->program, X_OK) < 0) {
		print_message("# not tried: %s is not here\n", tool->program);
		return;
	}
	filter_of(profile, &program);
	assert_non_null(mkdtemp(folder));
	pid = fork();
	if (pid == 0)
		run_inside(tool, folder, &program);
	status = wait_for(pid);
	/* Whatever it left in the background: the group is ours alone. */
	kill(-pid, SIGKILL);
	remove_folder(folder);
	if (status != 0)
		fail_msg("%s under %s: exit %d", tool->program, profile,
			sp_exit_code(status));
}

static void programs_run_under_the_default(void **state)
{
	(void)state;
	for (size_t i = 0; i < SP_COUNT(tools); i++)
		run_tool("default", &tools[i]);
}

static void programs_run_under_strict(void **state)
{
	(void)state;
	for (size_t i = 0; i < SP_COUNT(tools); i++)
		run_tool("strict", &tools[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_get_the_answers_they_should),
		cmocka_unit_test(a_call_of_another_architecture_ends_the_process),
		cmocka_unit_test(programs_run_under_the_default),
		cmocka_unit_test(programs_run_under_strict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
