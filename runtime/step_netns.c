/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network namespace takes the kernel as long as all others together and half of the file
 * tree.  Nothing of that tree needs it, so it is made by a task beside process 1, which
 * shares its memory and its descriptors and is gone before anything untrusted runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/runner.h"

#define STACK_BYTES (16 * 1024)

static char stack[STACK_BYTES] __attribute__((aligned(16)));

/* Written by the helper, read after its end. */
static struct {
	struct sp_error error;
	int fd;
	pid_t helper; /* 0: none */
} netns = {.fd = -1};

/*
 * errno is shared as well.  It is written here only when the launch is about to fail, and
 * then it may at worst name the wrong reason.
 */
static int make_netns(void *arg)
{
	const struct runner *r = arg;

	if (unshare(CLONE_NEWNET) < 0) {
		sp_fail_errno(&netns.error, "create a network namespace");
		return 1;
	}
	if (loopback_up(&netns.error) < 0)
		return 1;
	netns.fd = openat(r->proc_fd, "self/ns/net", O_RDONLY | O_CLOEXEC);
	if (netns.fd >= 0)
		return 0;
	sp_fail_errno(&netns.error, "open the network namespace");
	return 1;
}

int begin_netns(struct runner *r, struct sp_error *err)
{
	netns.helper = clone(
		make_netns, stack + sizeof(stack), CLONE_VM | CLONE_FILES, r);
	return netns.helper < 0 ? sp_fail_errno(err, "start a helper") : 0;
}

int finish_netns(struct sp_error *err)
{
	int status = -1;

	if (netns.helper == 0)
		return 0;
	while (waitpid(netns.helper, &status, __WALL) < 0)
		if (errno != EINTR)
			return sp_fail_errno(err, "wait for the network namespace");
	if (netns.error.code) {
		*err = netns.error;
		return netns.error.code;
	}
	if (status != 0)
		return sp_fail(
			err, SP_ERR_SYSTEM, "no network namespace: status %d", status);
	if (setns(netns.fd, CLONE_NEWNET) < 0)
		return sp_fail_errno(err, "enter the network namespace");
	close(netns.fd);
	return 0;
}
