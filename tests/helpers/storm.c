/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fork as fast as the limit lets, and so does each child; whoever dies is replaced at
 * once.  Never ends.
 */
#include <sched.h>
#include <signal.h>
#include <unistd.h>

int main(void)
{
	signal(SIGCHLD, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	for (;;)
		if (fork() < 0)
			sched_yield();
}
