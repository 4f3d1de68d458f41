/* SPDX-License-Identifier: Apache-2.0 */
/* Variables that release what they own when they go out of scope. */
#ifndef SP_BASE_AUTO_H
#define SP_BASE_AUTO_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* SP_AUTO(fn): call fn(&variable) at the end of the scope. */
#define SP_AUTO(fn) __attribute__((cleanup(fn)))

#define sp_autofree  SP_AUTO(sp_auto_free_)
#define sp_autoclose SP_AUTO(sp_auto_close_)

static inline void sp_auto_free_(void *p)
{
	free(*(void **)p);
}

static inline void sp_auto_close_(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Move ownership out of an automatic variable. */
#define sp_take_ptr(p) \
	({ \
		__typeof__(p) taken_ = (p); \
		(p) = NULL; \
		taken_; \
	})

static inline int sp_take_fd_(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}
#define sp_take_fd(fd) sp_take_fd_(&(fd))

/* Close and forget, for descriptors that end before their scope does. */
static inline void sp_close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

#define SP_COUNT(a) (sizeof(a) / sizeof((a)[0]))

#endif
