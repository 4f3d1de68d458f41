/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandpit-worker: files, for one transfer or operation.  It packs and unpacks tar streams
 * on either side:
 *
 *   pack   [--as NAME] PATH          PATH as a tar stream on standard output
 *   unpack [--as NAME] [--keep-kinds] DIR | --fd N
 *                                    the tar stream on standard input into DIR, which is
 *                                    made if missing, or into an open folder
 *   pack   --layer --userns N --fd N the writable folder of a sandbox, as an OCI layer
 *   unpack --layer --fd N            such a layer into an empty folder; prints its bytes.
 *                                    --owners keeps whose files they are
 *   guard  --fd N NAME               once standard input ends, removes NAME and what is in
 *                                    it from the open folder, whatever signals say
 *
 * and, inside, one operation on files, told of in the records of records.h:
 *
 *   tell   --fd N TEXT               once standard input ends, writes TEXT to an open file
 *   stat   PATH                      what it is, a link followed
 *   list   [--depth N] PATH          what is in the folder
 *   find   --pattern P PATH          what is below it and has such a name
 *   read   [--offset N] [--length N] PATH    its bytes to standard output
 *   write  [--mode M] PATH           chunks of standard input, all or nothing
 *   mkdir  PATH                      with its parents
 *   remove PATH                      a folder with all in it
 *   rename --to TO PATH
 *   watch  [--recursive] PATH        changes, until standard input ends
 *
 * --host adds the rules of the host side: the caller's umask, and confinement to what is
 * named.  --max-bytes and --max-members lower the limits.  Standard error ends with
 * "error: CODE message" when the exit status is 1, see worker_reply.h.
 *
 * The program is static, needs no environment, and opens nothing but what it is told to:
 * inside a sandbox every other file is somebody else's.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/io.h"
#include "images/confine.h"
#include "images/inside.h"
#include "images/pack.h"
#include "images/remove_tree.h"
#include "images/unpack.h"
#include "images/userns.h"

#define FOLDER_MODE 0755
/* Fewer changes between us and who is at the other end; a smaller pipe only costs time. */
#define PIPE_BYTES (1024 * 1024)

/* Two seconds for the last file of an unpacker that lost its stream. */
#define REMOVE_TRIES   100
#define REMOVE_WAIT_MS 20

struct args {
	const char *verb, *path, *as, *to, *pattern;
	bool host, keep_kinds, recursive, layer, owners;
	int fd, userns; /* -1: none */
	uint64_t depth, mode, offset, length;
	struct sp_tar_limits limits;
	mode_t umask; /* the caller's */
};

/* --- Arguments ---------------------------------------------------------------------- */

static int usage(const char *what, const char *word, struct sp_error *err)
{
	return sp_fail(err, SP_ERR_INVALID, "%s %s", what, word);
}

static int parse_number(
	const char *text, unsigned int base, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (!text || !*text)
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text >= (int)('0' + base) || value > max / base)
			return -1;
		value = value * base + (uint64_t)(*text - '0');
	}
	*out = value;
	return value <= max ? 0 : -1;
}

static const struct number {
	const char *name;
	size_t field; /* of struct args */
	unsigned int base;
	uint64_t max;
} numbers[] = {
	{"--max-bytes", offsetof(struct args, limits.bytes), 10, INT64_MAX},
	{"--max-members", offsetof(struct args, limits.members), 10, INT64_MAX},
	{"--depth", offsetof(struct args, depth), 10, UINT32_MAX},
	{"--offset", offsetof(struct args, offset), 10, INT64_MAX},
	{"--length", offsetof(struct args, length), 10, INT64_MAX},
	{"--mode", offsetof(struct args, mode), 8, 0777},
};

static bool is_component(const char *text)
{
	return *text && strlen(text) <= NAME_MAX && !strchr(text, '/') &&
		strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

static int set_number(struct args *a, const struct number *n, const char *value)
{
	uint64_t out = 0;
	int rc = parse_number(value, n->base, n->max, &out);

	if (rc == 0)
		memcpy((char *)a + n->field, &out, sizeof(out));
	return rc;
}

/* An option with a value: how many words it is, 0 when it is none of these. */
static int parse_valued(
	struct args *a, const char *word, const char *value, struct sp_error *err)
{
	uint64_t fd = 0;
	int rc = 1;

	for (size_t i = 0; i < SP_COUNT(numbers); i++)
		if (strcmp(word, numbers[i].name) == 0)
			rc = set_number(a, &numbers[i], value);
	if (strcmp(word, "--as") == 0) {
		a->as = value;
		rc = value && is_component(value) ? 0 : -1;
	} else if (strcmp(word, "--to") == 0) {
		a->to = value;
		rc = value && *value ? 0 : -1;
	} else if (strcmp(word, "--pattern") == 0) {
		a->pattern = value;
		rc = value ? 0 : -1;
	} else if (strcmp(word, "--fd") == 0) {
		rc = parse_number(value, 10, INT_MAX, &fd);
		a->fd = (int)fd;
	} else if (strcmp(word, "--userns") == 0) {
		rc = parse_number(value, 10, INT_MAX, &fd);
		a->userns = (int)fd;
	}
	if (rc > 0)
		return 0;
	return rc < 0 ? usage("bad value of", word, err) : 2;
}

static bool parse_flag(struct args *a, const char *word)
{
	if (strcmp(word, "--host") == 0)
		a->host = true;
	else if (strcmp(word, "--keep-kinds") == 0)
		a->keep_kinds = true;
	else if (strcmp(word, "--recursive") == 0)
		a->recursive = true;
	else if (strcmp(word, "--layer") == 0)
		a->layer = true;
	else if (strcmp(word, "--owners") == 0)
		a->owners = true;
	else
		return false;
	return true;
}

/* Options, then "--" if the path may begin with a dash, then the path. */
static int parse(struct args *a, int argc, char **argv, struct sp_error *err)
{
	int i = 2;

	if (argc < 2)
		return usage("no verb for", argv[0], err);
	a->verb = argv[1];
	while (i < argc && argv[i][0] == '-') {
		int words;

		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		words = parse_flag(a, argv[i])
			? 1
			: parse_valued(a, argv[i], argv[i + 1], err);
		if (words < 0)
			return words;
		if (words == 0)
			return usage("unknown option", argv[i], err);
		i += words;
	}
	a->path = i < argc ? argv[i++] : NULL;
	if (i < argc)
		return usage("unexpected word", argv[i], err);
	return 0;
}

/* --- Verbs -------------------------------------------------------------------------- */

static void note_skipped(const struct sp_tar_stats *stats)
{
	if (stats->skipped)
		dprintf(2, "warning: skipped %llu devices, FIFOs and sockets\n",
			(unsigned long long)stats->skipped);
	if (stats->shrunk)
		dprintf(2, "warning: %llu files shrank while they were read\n",
			(unsigned long long)stats->shrunk);
}

/* A link at the start needs no right: its text is read without opening it. */
static int confine_to_start(const struct sp_pack_start *start, struct sp_error *err)
{
	int flags = O_PATH | O_CLOEXEC | (start->follow ? 0 : O_NOFOLLOW);
	sp_autoclose int fd = openat(start->fd, start->name, flags);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return sp_fail_errno(err, "open %s", start->name);
	if (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode))
		return sp_confine(fd, SP_CONFINE_READ, err);
	return sp_confine(-1, SP_CONFINE_READ, err);
}

static int do_pack(const struct args *a, struct sp_error *err)
{
	const struct sp_pack_opts opts = {
		.as = a->as, .layer = a->layer, .limits = a->limits};
	struct sp_pack_start start = {.fd = a->fd, .name = "."};
	struct sp_tar_stats stats = {0};
	sp_autoclose int fd = -1;
	int rc = a->path ? sp_pack_open(a->path, &start, err) : 0;

	fd = start.fd;
	/* Folders there may be closed to all but the root inside. */
	if (rc == 0 && a->userns >= 0)
		rc = sp_userns_enter(a->userns, err);
	if (rc == 0 && (a->host || a->layer))
		rc = confine_to_start(&start, err);
	if (rc == 0)
		rc = sp_pack(&start, &opts, STDOUT_FILENO, &stats, err);
	note_skipped(&stats);
	return rc;
}

/* The folder, made with its parents where they are missing. */
static int open_target(const struct args *a, struct sp_error *err)
{
	char cwd[PATH_MAX];
	char path[2 * PATH_MAX];
	int fd = a->fd >= 0 ? fcntl(a->fd, F_DUPFD_CLOEXEC, 3)
			    : open(a->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 || a->fd >= 0 || errno != ENOENT)
		goto done;
	if (a->path[0] != '/' && !getcwd(cwd, sizeof(cwd)))
		return sp_fail_errno(err, "find the working directory");
	if (snprintf(path, sizeof(path), "%s%s%s", a->path[0] == '/' ? "" : cwd,
		    a->path[0] == '/' ? "" : "/", a->path) >= (int)sizeof(path))
		return sp_fail(err, SP_ERR_LIMIT, "%.64s... is too long", a->path);
	if (sp_mkdir_p(path, FOLDER_MODE, err) < 0)
		return err->code;
	fd = open(a->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
done:
	if (fd < 0 && errno == ENOTDIR)
		return sp_fail(err, SP_ERR_EXISTS, "%s is no folder", a->path);
	return fd < 0 ? sp_fail_errno(err, "open folder %s", a->path) : fd;
}

static int do_unpack(const struct args *a, struct sp_error *err)
{
	const struct sp_unpack_opts opts = {
		.as = a->as,
		.mask = a->host ? a->umask : 0,
		.keep_kinds = a->keep_kinds,
		.layer = a->layer,
		.keep_owners = a->owners,
		.limits = a->limits,
	};
	struct sp_tar_stats stats = {0};
	sp_autoclose int root = open_target(a, err);
	int rc = root < 0 ? root : 0;

	if (rc == 0 && a->userns >= 0)
		rc = sp_userns_enter(a->userns, err);
	if (rc == 0 && (a->host || a->layer))
		rc = sp_confine(
			root, a->layer ? SP_CONFINE_LAYER : SP_CONFINE_WRITE, err);
	if (rc == 0)
		rc = sp_unpack(root, STDIN_FILENO, &opts, &stats, err);
	note_skipped(&stats);
	if (rc == 0 && a->layer &&
		dprintf(STDOUT_FILENO, "%llu\n", (unsigned long long)stats.bytes) < 0)
		rc = sp_fail_errno(err, "write");
	return rc;
}

/* Whoever holds the other end of standard input is done then, or is dead. */
static void wait_for_owner(void)
{
	char unused[64];
	ssize_t n;

	do
		n = read(STDIN_FILENO, unused, sizeof(unused));
	while (n > 0 || (n < 0 && errno == EINTR));
}

static void ignore_signals(void)
{
	static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

	for (size_t i = 0; i < SP_COUNT(ignored); i++)
		signal(ignored[i], SIG_IGN);
}

static int do_tell(const struct args *a, struct sp_error *err)
{
	ignore_signals();
	if (sp_confine(-1, SP_CONFINE_READ, err) < 0)
		return err->code;
	wait_for_owner();
	return sp_write_all(a->fd, a->path, strlen(a->path), err);
}

static int do_guard(const struct args *a, struct sp_error *err)
{
	int rc = 0;

	ignore_signals();
	/* What is in it may belong to ids that only have power over it there. */
	if (a->userns >= 0)
		rc = sp_userns_enter(a->userns, err);
	if (rc < 0)
		return rc;
	if (sp_confine(a->fd, SP_CONFINE_WRITE, err) < 0)
		return err->code;
	wait_for_owner();
	/* Who unpacks into it may be about to notice, and still make a file. */
	for (int i = 0; i < REMOVE_TRIES; i++) {
		rc = sp_remove_tree(a->fd, a->path, err);
		if (rc != SP_ERR_EXISTS)
			break;
		poll(NULL, 0, REMOVE_WAIT_MS);
	}
	return rc;
}

/* --- Operations inside --------------------------------------------------------------- */

static int do_stat(const struct args *a, struct sp_error *err)
{
	return sp_inside_stat(a->path, STDOUT_FILENO, err);
}

static int do_list(const struct args *a, struct sp_error *err)
{
	return sp_inside_list(a->path, (uint32_t)a->depth, STDOUT_FILENO, err);
}

static int do_find(const struct args *a, struct sp_error *err)
{
	if (!a->pattern)
		return usage("no --pattern for", a->verb, err);
	return sp_inside_find(a->path, a->pattern, STDOUT_FILENO, err);
}

static int do_read(const struct args *a, struct sp_error *err)
{
	return sp_inside_read(a->path, a->offset, a->length, STDOUT_FILENO, err);
}

static int do_write(const struct args *a, struct sp_error *err)
{
	return sp_inside_write(a->path, (mode_t)a->mode, STDIN_FILENO, err);
}

static int do_mkdir(const struct args *a, struct sp_error *err)
{
	return sp_inside_mkdir(a->path, err);
}

static int do_remove(const struct args *a, struct sp_error *err)
{
	return sp_inside_remove(a->path, err);
}

static int do_rename(const struct args *a, struct sp_error *err)
{
	if (!a->to)
		return usage("no --to for", a->verb, err);
	return sp_inside_rename(a->path, a->to, err);
}

static int do_watch(const struct args *a, struct sp_error *err)
{
	return sp_inside_watch(a->path, a->recursive, STDIN_FILENO, STDOUT_FILENO, err);
}

static const struct verb {
	const char *name;
	int (*run)(const struct args *a, struct sp_error *err);
	bool with_fd, with_path; /* one of them */
	bool needs_both;
} verbs[] = {
	{"pack", do_pack, .with_fd = true, .with_path = true},
	{"unpack", do_unpack, .with_fd = true, .with_path = true},
	{"guard", do_guard, .with_fd = true, .with_path = true, .needs_both = true},
	{"tell", do_tell, .with_fd = true, .with_path = true, .needs_both = true},
	{"stat", do_stat, .with_path = true},
	{"list", do_list, .with_path = true},
	{"find", do_find, .with_path = true},
	{"read", do_read, .with_path = true},
	{"write", do_write, .with_path = true},
	{"mkdir", do_mkdir, .with_path = true},
	{"remove", do_remove, .with_path = true},
	{"rename", do_rename, .with_path = true},
	{"watch", do_watch, .with_path = true},
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < SP_COUNT(verbs); i++)
		if (strcmp(name, verbs[i].name) == 0)
			return &verbs[i];
	return NULL;
}

/* A path, a descriptor, one of them, or both. */
static bool fits(const struct verb *v, const struct args *a)
{
	bool fd = a->fd >= 0, path = a->path != NULL;

	if (v->needs_both)
		return fd && path;
	return fd != path && (!fd || v->with_fd) && (!path || v->with_path);
}

static int run(int argc, char **argv, struct sp_error *err)
{
	struct args a = {.fd = -1, .userns = -1};
	const struct verb *verb;
	int rc = parse(&a, argc, argv, err);

	if (rc < 0)
		return rc;
	verb = find_verb(a.verb);
	if (!verb)
		return usage("unknown verb", a.verb, err);
	if (!fits(verb, &a))
		return usage("which path for", a.verb, err);
	/* Modes come out as the archive has them; a reader that left is an error we report. */
	a.umask = umask(0);
	signal(SIGPIPE, SIG_IGN);
	(void)fcntl(STDIN_FILENO, F_SETPIPE_SZ, PIPE_BYTES);
	(void)fcntl(STDOUT_FILENO, F_SETPIPE_SZ, PIPE_BYTES);
	return verb->run(&a, err);
}

int main(int argc, char **argv)
{
	struct sp_error err = {0};
	int rc = run(argc, argv, &err);

	if (rc < 0)
		dprintf(2, "error: %s %s\n", sp_code_name(rc), err.msg);
	return rc < 0;
}
