/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's side of control.h. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/auto.h"
#include "runtime/launch_internal.h"
#include "runtime/pass.h"

/* A supervisor never waits, so that it is stopped, or the machine is, when it takes so long. */
#define ANSWER_S 10

/* Through the folder's descriptor: its path may be longer than an address can be. */
static int reach(int state_fd, struct sp_error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const struct timeval patience = {.tv_sec = ANSWER_S};
	sp_autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return sp_fail_errno(err, "make a socket");
	/* Also how long to wait for a place among those who ask. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
		return sp_fail_errno(err, "limit the wait for the supervisor");
	snprintf(address.sun_path, sizeof(address.sun_path),
		"/proc/self/fd/%d/" SP_STATE_CONTROL, state_fd);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return sp_take_fd(fd);
	if (errno == ECONNREFUSED || errno == ENOENT)
		return sp_fail(err, SP_ERR_NOT_FOUND, "the sandbox has ended");
	return sp_fail_errno(err, "reach the sandbox's supervisor");
}

int sp_control_send(int state_fd, const struct sp_control_request *request,
	const int *fds, size_t fd_count, struct sp_error *err)
{
	sp_autoclose int fd = reach(state_fd, err);
	/* Only read from. */
	const struct parcel p = {.data = (void *)(uintptr_t)request,
		.len = sizeof(*request),
		.fds = (int *)(uintptr_t)fds,
		.count = fd_count};
	int rc;

	if (fd < 0)
		return fd;
	rc = pass_parcel(fd, &p, 0, err);
	return rc < 0 ? rc : sp_take_fd(fd);
}

int sp_launch_set_ttl(int state_fd, int64_t ttl_ms, struct sp_error *err)
{
	const struct sp_control_request q = {.magic = SP_CONTROL_MAGIC,
		.size = sizeof(q),
		.kind = SP_CONTROL_TTL,
		.value = ttl_ms};
	const struct timeval patience = {.tv_sec = ANSWER_S};
	struct sp_running run = {.in = -1, .out = -1, .errors = -1};
	struct sp_runner_event event = {0};

	run.control = sp_control_send(state_fd, &q, NULL, 0, err);
	if (run.control < 0)
		return run.control;
	(void)setsockopt(
		run.control, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return sp_launch_wait_ready(&run, &event, err);
}
