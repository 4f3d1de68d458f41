/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/dirs.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"

#define RUNNER "sandpit-runner"

void sp_dirs_clear(struct sp_dirs *dirs)
{
	if (!dirs)
		return;
	free(dirs->state);
	free(dirs->store);
	free(dirs->libexec);
	free(dirs->data);
	*dirs = (struct sp_dirs){0};
}

static const char *env_text(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static char *usual_state_dir(void)
{
	const char *runtime = env_text("XDG_RUNTIME_DIR");
	char *path = NULL;
	int n;

	if (geteuid() == 0)
		return strdup("/run/sandpit");
	if (runtime && runtime[0] == '/')
		n = asprintf(&path, "%s/sandpit", runtime);
	else
		n = asprintf(&path, "/tmp/sandpit-%u", (unsigned int)geteuid());
	return n < 0 ? NULL : path;
}

/* What is kept beyond a reboot; nothing is made before there is something to keep. */
static int find_store(char **out, struct sp_error *err)
{
	const char *named = env_text("SANDPIT_STORE_DIR");
	const char *data = env_text("XDG_DATA_HOME");
	const char *home = env_text("HOME");
	int n;

	if (named && named[0] != '/')
		return sp_fail(err, SP_ERR_INVALID,
			"store folder \"%s\" does not begin with /", named);
	if (named)
		n = asprintf(out, "%s", named);
	else if (geteuid() == 0)
		n = asprintf(out, "/var/lib/sandpit");
	else if (data && data[0] == '/')
		n = asprintf(out, "%s/sandpit", data);
	else
		n = asprintf(out, "%s/.local/share/sandpit", home ? home : "");
	if (n >= 0)
		return 0;
	*out = NULL;
	return sp_fail(err, SP_ERR_NOMEM, "out of memory");
}

/* Others in the folder could plant records, or read what runs: neither is bearable. */
static int check_private(int fd, const char *path, struct sp_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return sp_fail_errno(err, "look at state folder %s", path);
	if (st.st_uid != geteuid())
		return sp_fail(err, SP_ERR_DENIED,
			"state folder %s belongs to user %u: set SANDPIT_STATE_DIR to "
			"one of your own",
			path, (unsigned int)st.st_uid);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return sp_fail(err, SP_ERR_DENIED,
			"state folder %s is open to others: chmod 700 it", path);
	return 0;
}

static int open_dir(const char *path)
{
	return open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int prepare_state(const char *path, struct sp_error *err)
{
	sp_autoclose int fd = -1;
	int rc;

	if (path[0] != '/')
		return sp_fail(err, SP_ERR_INVALID,
			"state folder \"%s\" does not begin with /", path);
	fd = open_dir(path);
	if (fd < 0 && errno == ENOENT) {
		rc = sp_mkdir_p(path, 0700, err);
		if (rc < 0)
			return sp_wrap(err, rc, "make state folder %s", path);
		fd = open_dir(path);
	}
	if (fd < 0)
		return sp_fail_errno(err, "open state folder %s", path);
	return check_private(fd, path, err);
}

/* The file we are part of: the library where there is one, else the program. */
static int own_file(char path[static PATH_MAX], struct sp_error *err)
{
	struct link_map *map = NULL;
	Dl_info info;
	ssize_t n;

	if (dladdr1(&sp_dirs_find, &info, (void **)&map, RTLD_DL_LINKMAP) && map &&
		map->l_name[0] == '/') {
		snprintf(path, PATH_MAX, "%s", map->l_name);
		return 0;
	}
	n = readlink("/proc/self/exe", path, PATH_MAX - 1);
	if (n < 0)
		return sp_fail_errno(err, "find the own program");
	path[n] = '\0';
	return 0;
}

static bool has_runner(const char *dir)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/" RUNNER, dir) < (int)sizeof(path) &&
		access(path, X_OK) == 0;
}

static char *under(const char *dir, const char *rest)
{
	char *path = NULL;

	return asprintf(&path, "%s%s", dir, rest) < 0 ? NULL : path;
}

/* Beside the programs in a build tree; else where `make install` puts it. */
static int find_installed(struct sp_dirs *d, struct sp_error *err)
{
	const char *libexec = env_text("SANDPIT_LIBEXEC_DIR");
	const char *data = env_text("SANDPIT_DATA_DIR");
	char own[PATH_MAX];
	bool is_built;
	int rc;

	if (libexec && data) {
		d->libexec = strdup(libexec);
		d->data = strdup(data);
		return 0;
	}
	rc = own_file(own, err);
	if (rc < 0)
		return rc;
	*strrchr(own, '/') = '\0';
	is_built = has_runner(own);
	d->libexec = libexec ? strdup(libexec)
			     : under(own, is_built ? "" : "/../libexec/sandpit");
	d->data = data ? strdup(data)
		       : under(own, is_built ? "/share/sandpit" : "/../share/sandpit");
	return 0;
}

int sp_dirs_find(const char *state_dir, struct sp_dirs *out, struct sp_error *err)
{
	const char *state = state_dir ? state_dir : env_text("SANDPIT_STATE_DIR");
	struct sp_dirs d = {0};
	int rc;

	d.state = state ? strdup(state) : usual_state_dir();
	rc = find_store(&d.store, err);
	if (rc == 0)
		rc = find_installed(&d, err);
	if (rc == 0 && (!d.state || !d.libexec || !d.data))
		rc = sp_fail(err, SP_ERR_NOMEM, "out of memory");
	if (rc == 0)
		rc = prepare_state(d.state, err);
	if (rc < 0) {
		sp_dirs_clear(&d);
		return rc;
	}
	*out = d;
	return 0;
}
