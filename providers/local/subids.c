/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/local/subids.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/io.h"
#include "base/proc.h"
#include "providers/local/local.h"
#include "runtime/sys.h"

#define TABLE_MAX_BYTES (4u << 20)
#define NAME_MAX_BYTES  256
#define PEOPLE          65536u /* ids below are people's and services' */
#define TOOL_TIMEOUT_MS 10000
#define PROBE_FILE      "probe"
#define PROBE_MAX_BYTES 1024
#define REFUSAL_SECONDS 600

/* Without a subuid entry of their own, this is what the administrator is to type. */
#define GRANT "usermod --add-subuids 524288-1048575 --add-subgids 524288-1048575 "

#define CANNOT_MAP \
	"see that newuidmap and newgidmap are set-user-ID root or have cap_setuid " \
	"and cap_setgid, and that a container around us maps these ids"

/* --- The tables ------------------------------------------------------------------- */

/* A field of digits up to its separator; false for anything else. */
static bool take_number(const char **at, const char *end, char separator, uint64_t *out)
{
	const char *p = *at;
	uint64_t n = 0;

	for (; p < end && *p >= '0' && *p <= '9'; p++) {
		n = n * 10 + (uint64_t)(*p - '0');
		if (n > UINT32_MAX)
			return false;
	}
	if (p == *at || (separator ? p == end || *p != separator : p != end))
		return false;
	*at = p + (separator ? 1 : 0);
	*out = n;
	return true;
}

static bool is_field(const char *at, size_t len, const char *text)
{
	return text && strlen(text) == len && memcmp(at, text, len) == 0;
}

static bool overlaps(const uint32_t *blocks, size_t count, uint32_t first)
{
	for (size_t i = 0; i < count; i++)
		if (first < (uint64_t)blocks[i] + LOCAL_BLOCK_IDS &&
			blocks[i] < (uint64_t)first + LOCAL_BLOCK_IDS)
			return true;
	return false;
}

static size_t add_blocks(uint64_t first, uint64_t ids, uint32_t *blocks, size_t count)
{
	uint64_t end = first + ids;

	if (end > UINT32_MAX)
		end = UINT32_MAX; /* the last number means "none" */
	if (first < PEOPLE)
		first = PEOPLE;
	for (; first + LOCAL_BLOCK_IDS <= end && count < LOCAL_BLOCKS_MAX;
		first += LOCAL_BLOCK_IDS)
		if (!overlaps(blocks, count, (uint32_t)first))
			blocks[count++] = (uint32_t)first;
	return count;
}

size_t local_subid_blocks(const char *text, size_t len, const char *name, uint32_t uid,
	uint32_t blocks[static LOCAL_BLOCKS_MAX])
{
	const char *end = text + len;
	size_t count = 0;
	char number[16];

	snprintf(number, sizeof(number), "%u", uid);
	for (const char *line = text, *next; line < end; line = next) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		const char *colon;
		uint64_t first, ids;

		next = stop ? stop + 1 : end;
		stop = stop ? stop : end;
		colon = memchr(line, ':', (size_t)(stop - line));
		if (!colon ||
			(!is_field(line, (size_t)(colon - line), name) &&
				!is_field(line, (size_t)(colon - line), number)))
			continue;
		colon++;
		if (take_number(&colon, stop, ':', &first) &&
			take_number(&colon, stop, '\0', &ids))
			count = add_blocks(first, ids, blocks, count);
	}
	return count;
}

/* The name before "...:UID:" in the host's passwd, without its name service. */
static bool name_from_passwd(uint32_t uid, char *out, size_t size)
{
	struct sp_bytes text = {0};
	sp_autofree char *owned = NULL;
	bool found = false;

	if (sp_read_file_at(AT_FDCWD, "/etc/passwd", TABLE_MAX_BYTES, &text, NULL) < 0)
		return false;
	owned = text.data;
	for (const char *line = owned; !found && *line;) {
		size_t len = strcspn(line, "\n");
		const char *end = line + len;
		const char *name_end = memchr(line, ':', len);
		const char *field = name_end
			? memchr(name_end + 1, ':', (size_t)(end - name_end - 1))
			: NULL;
		uint64_t number;

		if (field)
			field++;
		if (field && take_number(&field, end, ':', &number) && number == uid &&
			(size_t)(name_end - line) < size) {
			snprintf(out, size, "%.*s", (int)(name_end - line), line);
			found = true;
		}
		line = end + (*end == '\n');
	}
	return found;
}

/* Most users are in the file; asking for the others loads what the host has for that. */
static const char *name_of(uint32_t uid, char out[static NAME_MAX_BYTES])
{
	char space[4096];
	struct passwd entry, *found = NULL;

	if (name_from_passwd(uid, out, NAME_MAX_BYTES))
		return out;
	if (getpwuid_r(uid, &entry, space, sizeof(space), &found) == 0 && found) {
		snprintf(out, NAME_MAX_BYTES, "%s", found->pw_name);
		return out;
	}
	return NULL;
}

static size_t read_table(const char *path, const char *name, uint32_t *blocks)
{
	struct sp_bytes text = {0};
	sp_autofree char *owned = NULL;

	if (sp_read_file_at(AT_FDCWD, path, TABLE_MAX_BYTES, &text, NULL) < 0)
		return 0;
	owned = text.data;
	return local_subid_blocks(owned, text.len, name, geteuid(), blocks);
}

/* --- The two programs that may map them --------------------------------------------- */

static int refuse(struct local_subids *s, const char *mend, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(struct local_subids *s, const char *mend, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->why_not, sizeof(s->why_not), fmt, ap);
	va_end(ap);
	snprintf(s->mend, sizeof(s->mend), "%s", mend);
	s->count = 0;
	return -1;
}

/* Root's, and nobody else's to change; privileged by its mode or by file capabilities. */
static int check_tool(struct local_subids *s, const char *name, struct stat *st)
{
	char path[64];
	struct statvfs fs;

	snprintf(path, sizeof(path), "%s/%s", s->tools, name);
	if (stat(path, st) < 0)
		return refuse(s, "install newuidmap and newgidmap (Debian: uidmap)",
			"%s: %s", path, strerrordesc_np(errno));
	if (!S_ISREG(st->st_mode) || st->st_uid != 0 || (st->st_mode & 022))
		return refuse(s, "reinstall newuidmap and newgidmap",
			"%s is not root's alone to change", path);
	if (statvfs(path, &fs) == 0 && (fs.f_flag & ST_NOSUID))
		return refuse(s, "mount it without nosuid",
			"%s has no privilege on a nosuid mount", path);
	return 0;
}

static int find_tools(struct local_subids *s, struct stat st[2])
{
	static const char *const folders[] = {
		"/usr/bin", "/bin", "/run/wrappers/bin", "/usr/local/bin"};
	char path[64];

	snprintf(s->tools, sizeof(s->tools), "%s", folders[0]);
	for (size_t i = 0; i < SP_COUNT(folders); i++) {
		snprintf(path, sizeof(path), "%s/newuidmap", folders[i]);
		if (access(path, X_OK) == 0) {
			snprintf(s->tools, sizeof(s->tools), "%s", folders[i]);
			break;
		}
	}
	if (check_tool(s, "newuidmap", &st[0]) < 0)
		return -1;
	return check_tool(s, "newgidmap", &st[1]);
}

static int read_tables(struct local_subids *s)
{
	char owned[NAME_MAX_BYTES];
	const char *name = name_of(geteuid(), owned);
	size_t uids = read_table("/etc/subuid", name, s->uids);
	size_t gids = read_table("/etc/subgid", name, s->gids);
	char mend[sizeof(s->mend)];

	s->count = uids < gids ? uids : gids;
	if (s->count)
		return 0;
	snprintf(mend, sizeof(mend), GRANT "%.100s", name ? name : "USER");
	return refuse(s, mend, "/etc/sub%cid grants user %u no 65536 ids",
		uids ? 'g' : 'u', geteuid());
}

/* --- Trying them out ----------------------------------------------------------------- */

/* A process in a user namespace of its own that waits for its standard input to end. */
static pid_t clone_waiter(int *gate)
{
	struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
	int from = -1;
	char byte;
	pid_t pid;

	if (sp_pipe(&from, gate, 0, NULL) < 0)
		return -1;
	pid = (pid_t)sys_clone(&args);
	if (pid == 0) {
		close(*gate);
		(void)!read(from, &byte, 1);
		_exit(0);
	}
	close(from);
	return pid;
}

/* A line of a map: ids inside from here on are those outside. */
struct line {
	uint32_t inside, outside, count;
};

static int run_map_tool(const struct local_subids *s, const char *name, pid_t pid,
	const struct line *lines, size_t count, struct sp_error *err)
{
	sp_autostrv struct sp_strv argv = {0};

	sp_strv_addf(&argv, "%s/%s", s->tools, name);
	sp_strv_addf(&argv, "%d", pid);
	for (size_t i = 0; i < count; i++) {
		sp_strv_addf(&argv, "%u", lines[i].inside);
		sp_strv_addf(&argv, "%u", lines[i].outside);
		sp_strv_addf(&argv, "%u", lines[i].count);
	}
	if (sp_strv_ok(&argv, err) < 0)
		return err->code;
	return sp_run_tool(sp_strv_list(&argv), TOOL_TIMEOUT_MS, NULL, err);
}

static void end_waiter(pid_t pid, int *gate)
{
	sp_close_fd(gate);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int try_out(struct local_subids *s)
{
	const struct line uids = {0, s->uids[0], LOCAL_BLOCK_IDS};
	const struct line gids = {0, s->gids[0], LOCAL_BLOCK_IDS};
	struct sp_error err = {0};
	int gate = -1;
	pid_t pid = clone_waiter(&gate);
	int rc = pid < 0 ? sp_fail_errno(&err, "make a user namespace") : 0;

	if (rc == 0)
		rc = run_map_tool(s, "newuidmap", pid, &uids, 1, &err);
	if (rc == 0)
		rc = run_map_tool(s, "newgidmap", pid, &gids, 1, &err);
	end_waiter(pid, &gate);
	return rc == 0 ? 0 : refuse(s, CANNOT_MAP, "%.200s", err.msg);
}

/* The caller as 0, then every block, one behind the other. */
static size_t map_all(uint32_t own, const uint32_t *blocks, size_t count,
	struct line lines[static 1 + LOCAL_BLOCKS_MAX])
{
	lines[0] = (struct line){0, own, 1};
	for (size_t i = 0; i < count; i++)
		lines[1 + i] = (struct line){
			1 + (uint32_t)i * LOCAL_BLOCK_IDS, blocks[i], LOCAL_BLOCK_IDS};
	return 1 + count;
}

static int map_and_open(const struct local_subids *s, pid_t pid, struct sp_error *err)
{
	struct line lines[1 + LOCAL_BLOCKS_MAX];
	size_t count = map_all(geteuid(), s->uids, s->count, lines);
	char path[48];
	int rc = run_map_tool(s, "newuidmap", pid, lines, count, err);
	int fd;

	if (rc < 0)
		return rc;
	count = map_all(getegid(), s->gids, s->count, lines);
	rc = run_map_tool(s, "newgidmap", pid, lines, count, err);
	if (rc < 0)
		return rc;
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? sp_fail_errno(err, "open %s", path) : fd;
}

int local_subids_namespace(const struct local *l, struct sp_error *err)
{
	const struct local_subids *s = local_subids(l);
	int gate = -1;
	pid_t pid;
	int rc;

	if (local_is_root() || s->count == 0)
		return -1;
	pid = clone_waiter(&gate);
	rc = pid < 0 ? sp_fail_errno(err, "make a user namespace")
		     : map_and_open(s, pid, err);
	end_waiter(pid, &gate);
	return rc;
}

/* What the outcome depends on; another one is another outcome. */
static void print_key(char *out, size_t size, const struct local_subids *s,
	const struct stat tools[2])
{
	struct stat user = {0};

	(void)stat("/proc/self/ns/user", &user);
	snprintf(out, size, "1 %u %u %u %zu %llu %llu %llu\n", geteuid(), s->uids[0],
		s->gids[0], s->count,
		(unsigned long long)tools[0].st_ctim.tv_sec ^ tools[0].st_mode,
		(unsigned long long)tools[1].st_ctim.tv_sec ^ tools[1].st_mode,
		(unsigned long long)user.st_ino);
}

/* A refusal is asked again after a while: somebody may have mended it. */
static bool is_recent(const char *path)
{
	struct timespec now;
	struct stat st;

	clock_gettime(CLOCK_REALTIME, &now);
	return stat(path, &st) == 0 && now.tv_sec - st.st_mtim.tv_sec < REFUSAL_SECONDS;
}

/* An outcome on file is the key and "ok", or the key and why not. */
static bool read_outcome(const struct local *l, const char *key, struct local_subids *s)
{
	struct sp_bytes text = {0};
	sp_autofree char *path = NULL;
	sp_autofree char *owned = NULL;
	size_t len = strlen(key);

	if (asprintf(&path, "%s/" PROBE_FILE, l->ids) < 0 ||
		sp_read_file_at(AT_FDCWD, path, PROBE_MAX_BYTES, &text, NULL) < 0)
		return false;
	owned = text.data;
	if (strncmp(owned, key, len) != 0)
		return false;
	if (strcmp(owned + len, "ok\n") == 0)
		return true;
	if (!is_recent(path))
		return false;
	refuse(s, CANNOT_MAP, "%.200s", owned + len);
	return true;
}

/* Worked without where it cannot be written: then each process tries it out. */
static void keep_outcome(
	const struct local *l, const char *key, const struct local_subids *s)
{
	sp_autoclose int ids = -1;
	char text[PROBE_MAX_BYTES];
	int len;

	if (sp_mkdir_p(l->ids, 0700, NULL) < 0)
		return;
	ids = open(l->ids, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	len = snprintf(text, sizeof(text), "%s%s", key, s->count ? "ok\n" : s->why_not);
	if (ids >= 0)
		(void)sp_write_file_at(ids, PROBE_FILE, text, (size_t)len, 0600, NULL);
}

/* Without a provider nothing is remembered. */
static void look_up(const struct local *l, struct local_subids *s)
{
	struct stat tools[2];
	char key[256];

	*s = (struct local_subids){.is_known = true};
	if (read_tables(s) < 0 || find_tools(s, tools) < 0)
		return;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) {
		refuse(s, "start sandpit from a process without no_new_privs",
			"no_new_privs is set, so newuidmap has no privilege");
		return;
	}
	print_key(key, sizeof(key), s, tools);
	if (l && read_outcome(l, key, s))
		return;
	(void)try_out(s);
	if (l)
		keep_outcome(l, key, s);
}

const struct local_subids *local_subids(const struct local *l)
{
	static const struct local_subids none;

	if (!l->subids)
		return &none;
	if (!l->subids->is_known)
		look_up(l, l->subids);
	return l->subids;
}

void local_subids_try(struct local_subids *out)
{
	look_up(NULL, out);
}
