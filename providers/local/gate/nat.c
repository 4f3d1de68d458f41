/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/local/gate/nat.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"

#define READY_MS       10000
#define WORDS_MAX      24
#define LAST_WORDS_MAX 400

/* Descriptors of the program. */
enum { NAT_FD_READY = 3, NAT_FD_EXIT, NAT_FD_COUNT };

/* Neither the host's loopback nor services of the gateway's own, and no port of the host. */
static const char *const pasta_words[] = {"pasta", "--foreground", "--quiet",
	"--config-net", "--no-map-gw", "--dns-forward", NAT_PASTA_DNS, "-t", "none",
	"-u", "none", "-T", "none", "-U", "none", "--pid", "/proc/self/fd/3", NULL};
static const char *const slirp_words[] = {"slirp4netns", "--configure", "--mtu=65520",
	"--disable-host-loopback", "--enable-sandbox", "--enable-seccomp",
	"--ready-fd=3", "--exit-fd=4", NULL};

static void fill_words(const struct gate_plan *plan, const char *pid,
	const char *words[static WORDS_MAX])
{
	const char *const *fixed = plan->nat == GATE_NAT_PASTA ? pasta_words
							       : slirp_words;
	size_t n = 0;

	for (; fixed[n]; n++)
		words[n] = fixed[n];
	/* Joining what root made takes root; it gives everything else up by itself. */
	if (plan->nat == GATE_NAT_PASTA && plan->is_privileged) {
		words[n++] = "--runas";
		words[n++] = "0";
	}
	words[n++] = pid;
	if (plan->nat == GATE_NAT_SLIRP)
		words[n++] = "tap0";
	words[n] = NULL;
}

/* It writes something there once it is ready, and closes it when it dies. */
static bool wait_ready(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int64_t deadline = sp_deadline_in(READY_MS);
	char byte;
	int n;

	do
		n = poll(&p, 1, sp_deadline_poll_ms(deadline));
	while (n < 0 && errno == EINTR);
	return n > 0 && read(fd, &byte, 1) == 1;
}

/* Its lines as one, without those that are about not being able to log them. */
static void read_last_words(int fd, char *text, size_t max)
{
	char raw[LAST_WORDS_MAX];
	ssize_t n = -1;
	size_t len = 0;

	if (sp_set_nonblock(fd, true, NULL) == 0)
		n = read(fd, raw, sizeof(raw) - 1);
	raw[n > 0 ? n : 0] = '\0';
	text[0] = '\0';
	for (char *rest = raw, *line; (line = strsep(&rest, "\n"));)
		if (*line && !strstr(line, "to syslog") && len < max)
			len += (size_t)snprintf(
				text + len, max - len, "%s%s", len ? "; " : "", line);
}

static int give_up(pid_t pid, int words, const char *name, struct sp_error *err)
{
	char text[LAST_WORDS_MAX];

	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	read_last_words(words, text, sizeof(text));
	return sp_fail(err, SP_ERR_SYSTEM, "network nat: %s did not start: %s", name,
		text[0] ? text : "it said nothing");
}

/*
 * In the child.  It dies with its parent: joining a namespace of the parent's own user does
 * not undo that, and slirp4netns watches the lifeline as well.
 */
static _Noreturn void exec_nat(
	const struct gate_plan *plan, const char *const *argv, const int *fds)
{
	static char *const no_env[] = {NULL};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* pasta takes an ignored SIGPIPE for a failure to ignore it. */
	(void)signal(SIGPIPE, SIG_DFL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0 &&
		dup2(null, 0) == 0 && dup2(null, 1) == 1) {
		for (int i = 2; i < NAT_FD_COUNT; i++)
			if (dup2(fds[i], i) != i)
				_exit(127);
		(void)syscall(SYS_close_range, NAT_FD_COUNT, ~0U, 0);
		execve(plan->nat_path, (char *const *)(uintptr_t)argv, no_env);
	}
	_exit(127);
}

pid_t nat_start(const struct gate_plan *plan, pid_t inside, int lifeline, int *pidfd,
	struct sp_error *err)
{
	sp_autoclose int ready = -1, told = -1, words = -1, said = -1;
	const char *argv[WORDS_MAX];
	char pid_text[16];
	int rc = sp_pipe(&ready, &told, 0, err);
	pid_t pid;

	if (rc == 0)
		rc = sp_pipe(&words, &said, 0, err);
	if (rc < 0)
		return rc;
	snprintf(pid_text, sizeof(pid_text), "%d", inside);
	fill_words(plan, pid_text, argv);
	pid = fork();
	if (pid == 0) {
		const int fds[NAT_FD_COUNT] = {-1, -1, said, told, lifeline};

		exec_nat(plan, argv, fds);
	}
	sp_close_fd(&told);
	sp_close_fd(&said);
	if (pid < 0)
		return sp_fail_errno(err, "network nat: fork");
	*pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (*pidfd >= 0 && wait_ready(ready))
		return pid;
	sp_close_fd(pidfd);
	return give_up(pid, words, argv[0], err);
}
