/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of this pid namespace, and ending all that descend from one of them. */
#ifndef SP_DOCKER_AGENT_TREE_H
#define SP_DOCKER_AGENT_TREE_H

#include <stdbool.h>
#include <sys/types.h>

/* End everything that descends from root, not root itself.  False: some are left. */
bool sp_tree_kill(pid_t root);

/*
 * End everything but process 1, the caller, and what entered the namespace from outside
 * with its descendants.  False: some are left.
 */
bool sp_tree_sweep(void);

/*
 * The process that entered from outside with this second and third argument, or 0.  Who
 * entered has no parent in here, which nothing started inside can claim.
 */
pid_t sp_tree_find(const char *verb, const char *token);

/* Remember how this child ends, whoever collects it. */
void sp_tree_watch(pid_t pid);

/* Collect every child that has ended. */
void sp_tree_reap(void);

/* Has the watched child ended, and how? */
bool sp_tree_ended(int *status);

#endif
