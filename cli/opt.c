/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/opt.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/enc.h"
#include "cli/credential.h"

#define SECONDS_MAX     ((int64_t)10 * 365 * 24 * 3600)
#define CPUS_MAX        4096
#define ENV_FILE_MAX    (1u << 20)
#define HELP_COLUMN     30
#define LIST_MAX        16
#define THOUSANDTHS_LEN 3
#define MODE_DIGITS     4

#define CREATING (CLI_RUN | CLI_CREATE | CLI_SHELL)
#define MAKING   (CREATING | CLI_POOL)
#define RUNNING  (CLI_RUN | CLI_EXEC)
#define EVERY    0xffffffffu

typedef int set_fn(
	struct cli_args *args, void *field, const char *value, struct sp_error *err);

struct option {
	const char *name;
	char letter;     /* or 0 */
	const char *arg; /* what its argument is called; NULL: it has none */
	set_fn *set;
	size_t field; /* of struct cli_args, for set */
	unsigned int commands;
	const char *help;
};

int cli_parse_thousandths(
	const char *text, int64_t max, int64_t *out, struct sp_error *err)
{
	const char *at = text;
	int64_t n = 0;
	int places = 0;

	if (!isdigit((unsigned char)*at))
		return sp_fail(err, SP_ERR_INVALID, "\"%.64s\" is not a number", text);
	for (; isdigit((unsigned char)*at) && n <= max; at++)
		n = n * 10 + (*at - '0');
	if (n > max)
		return sp_fail(err, SP_ERR_INVALID, "%.64s is more than %lld", text,
			(long long)max);
	if (*at == '.' && isdigit((unsigned char)at[1]))
		for (at++; isdigit((unsigned char)*at) && places < THOUSANDTHS_LEN;
			places++)
			n = n * 10 + (*at++ - '0');
	if (*at)
		return sp_fail(err, SP_ERR_INVALID, "\"%.64s\" is not a number", text);
	for (; places < THOUSANDTHS_LEN; places++)
		n *= 10;
	*out = n;
	return 0;
}

static int set_text(
	struct cli_args *args, void *field, const char *value, struct sp_error *err)
{
	(void)args;
	if (!*value)
		return sp_fail(err, SP_ERR_INVALID, "its argument is empty");
	*(const char **)field = value;
	return 0;
}

static int set_flag(
	struct cli_args *args, void *field, const char *value, struct sp_error *err)
{
	(void)args;
	(void)value;
	(void)err;
	*(bool *)field = true;
	return 0;
}

static int add_text(
	struct cli_args *args, void *field, const char *value, struct sp_error *err)
{
	(void)args;
	sp_strv_add(field, value);
	return sp_strv_ok(field, err);
}

static int add_label(
	struct cli_args *args, void *field, const char *value, struct sp_error *err)
{
	const char *equals = strchr(value, '=');

	if (!equals || equals == value)
		return sp_fail(
			err, SP_ERR_INVALID, "label \"%.64s\" is not KEY=VALUE", value);
	return add_text(args, field, value, err);
}

static int add_list(
	struct cli_args *args, void *field, const char *value, struct sp_error *err)
{
	struct sp_strv *list = field;

	(void)args;
	for (const char *at = value;; at++) {
		size_t len = strcspn(at, ",");

		if (len == 0)
			return sp_fail(err, SP_ERR_INVALID,
				"\"%.64s\" is not a list like A,B", value);
		sp_strv_addf(list, "%.*s", (int)len, at);
		at += len;
		if (!*at)
			break;
	}
	if (list->count > LIST_MAX)
		return sp_fail(err, SP_ERR_INVALID, "more than %d", LIST_MAX);
	return sp_strv_ok(list, err);
}

/* KEY alone hands on the caller's own value, where there is one. */
static int add_env(
	struct cli_args *args, void *field, const char *value, struct sp_error *err)
{
	struct sp_strv *env = field;
	const char *inherited;

	(void)args;
	if (!*value || *value == '=')
		return sp_fail(
			err, SP_ERR_INVALID, "\"%.64s\" has no variable name", value);
	if (strchr(value, '=')) {
		sp_strv_set_env(env, value);
		return sp_strv_ok(env, err);
	}
	inherited = getenv(value);
	if (inherited) {
		sp_autofree char *both = NULL;

		if (asprintf(&both, "%s=%s", value, inherited) < 0)
			return sp_fail(err, SP_ERR_NOMEM, "out of memory");
		sp_strv_set_env(env, both);
	}
	return sp_strv_ok(env, err);
}

/* Lines KEY=VALUE or KEY; "#" begins a comment; nothing is expanded. */
static int add_env_lines(
	struct cli_args *args, struct sp_strv *env, char *text, struct sp_error *err)
{
	char *rest = text, *line;
	int number = 0;

	while ((line = strsep(&rest, "\n"))) {
		int rc;

		number++;
		line[strcspn(line, "\r")] = '\0';
		line += strspn(line, " \t");
		if (!*line || *line == '#')
			continue;
		rc = add_env(args, env, line, err);
		if (rc < 0)
			return sp_wrap(err, rc, "line %d", number);
	}
	return 0;
}

static int add_env_file(
	struct cli_args *args, void *field, const char *value, struct sp_error *err)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(ENV_FILE_MAX);
	sp_autoclose int fd = open(value, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int rc;

	if (fd < 0)
		return sp_fail_errno(err, "open %s", value);
	rc = sp_buf_read_fd(&text, fd, err);
	if (rc < 0)
		return sp_wrap(err, rc, "read %s", value);
	if (!text.len)
		return 0;
	if (strlen(text.data) != text.len)
		return sp_fail(err, SP_ERR_INVALID, "%s holds a NUL byte", value);
	rc = add_env_lines(args, field, text.data, err);
	return rc < 0 ? sp_wrap(err, rc, "%s", value) : 0;
}

static int set_seconds(
	struct cli_args *args, void *field, const char *value, struct sp_error *err)
{
	(void)args;
	return cli_parse_thousandths(value, SECONDS_MAX, field, err);
}

static int set_cpu_time(
	struct cli_args *args, void *field, const char *value, struct sp_error *err)
{
	int64_t ms = 0;
	int rc = set_seconds(args, &ms, value, err);

	/* Inside, zero is none; nobody who writes it means that. */
	if (rc == 0 && ms == 0)
		rc = sp_fail(err, SP_ERR_INVALID, "it cannot be 0");
	if (rc == 0)
		*(int64_t *)field = ms;
	return rc;
}

static int set_size(
	struct cli_args *args, void *field, const char *value, struct sp_error *err)
{
	uint64_t bytes = 0;
	int rc = sp_parse_size(value, &bytes, err);

	(void)args;
	/* Inside, zero is the default; nobody who writes it means that. */
	if (rc == 0 && bytes == 0)
		rc = sp_fail(err, SP_ERR_INVALID, "it cannot be 0");
	if (rc == 0)
		*(uint64_t *)field = bytes;
	return rc;
}

static int set_count(
	struct cli_args *args, void *field, const char *value, struct sp_error *err)
{
	int64_t n = 0;
	int rc = sp_parse_int(value, 1, UINT32_MAX, &n, err);

	(void)args;
	if (rc == 0)
		*(uint32_t *)field = (uint32_t)n;
	return rc;
}

/* A position or length of a file, which may be 0. */
static int set_bytes(
	struct cli_args *args, void *field, const char *value, struct sp_error *err)
{
	(void)args;
	return sp_parse_size(value, field, err);
}

static int set_mode(
	struct cli_args *args, void *field, const char *value, struct sp_error *err)
{
	const size_t len = strspn(value, "01234567");

	(void)args;
	if (len == 0 || value[len] || len > MODE_DIGITS)
		return sp_fail(
			err, SP_ERR_INVALID, "\"%.64s\" is not a mode like 644", value);
	*(uint32_t *)field = (uint32_t)strtoul(value, NULL, 8);
	return 0;
}

static int set_cpus(
	struct cli_args *args, void *field, const char *value, struct sp_error *err)
{
	int64_t millis = 0;
	int rc = cli_parse_thousandths(value, CPUS_MAX, &millis, err);

	(void)args;
	if (rc == 0 && millis == 0)
		rc = sp_fail(err, SP_ERR_INVALID, "it cannot be 0");
	if (rc == 0)
		*(uint32_t *)field = (uint32_t)millis;
	return rc;
}

/* Given again, it allows more. */
static int add_hosts(struct sp_strv *list, const char *value, struct sp_error *err)
{
	for (const char *at = value;; at++) {
		const size_t len = strcspn(at, ",");

		if (len == 0)
			return sp_fail(err, SP_ERR_INVALID,
				"\"%.64s\" is not a list like HOST,*.HOST:PORT", value);
		sp_strv_addf(list, "%.*s", (int)len, at);
		at += len;
		if (!*at)
			return sp_strv_ok(list, err);
	}
}

static int set_network(
	struct cli_args *args, void *field, const char *value, struct sp_error *err)
{
	static const struct {
		const char *name;
		enum sp_network network;
	} kinds[] = {
		{"none", SP_NETWORK_NONE},
		{"nat", SP_NETWORK_NAT},
		{"host", SP_NETWORK_HOST},
	};

	if (strncmp(value, "allow=", 6) == 0) {
		*(enum sp_network *)field = SP_NETWORK_ALLOW;
		return add_hosts(&args->allow, value + 6, err);
	}
	if (args->allow.count)
		return sp_fail(err, SP_ERR_INVALID,
			"\"%.64s\" and allow= cannot be had together", value);
	for (size_t i = 0; i < SP_COUNT(kinds); i++)
		if (strcmp(kinds[i].name, value) == 0) {
			*(enum sp_network *)field = kinds[i].network;
			return 0;
		}
	return sp_fail(err, SP_ERR_INVALID,
		"\"%.64s\" is not one of none, allow=HOST,..., nat, host", value);
}

#define FIELD(name) offsetof(struct cli_args, name)

static const struct option options[] = {
	{"provider", 'p', "NAME", set_text, FIELD(provider), EVERY & ~CLI_DOCTOR,
		"where: local or docker; else docker if it answers and has the image"},
	{"fallback", 0, "A,B", add_list, FIELD(fallback), CREATING,
		"what to try if that fails before anything ran"},
	{"image", 'i', "REF", set_text, FIELD(image), MAKING,
		"image; local: host, a folder or a snapshot"},
	{"file", 'f', "PATH", set_text, FIELD(file), RUNNING,
		"run this file, or - for standard input"},
	{"lang", 0, "L", set_text, FIELD(lang), RUNNING,
		"its language: python node typescript go rust bash"},
	{"env", 'e', "K[=V]", add_env, FIELD(env), MAKING | CLI_EXEC,
		"set a variable; K alone passes yours"},
	{"env-file", 0, "F", add_env_file, FIELD(env), MAKING | CLI_EXEC,
		"variables from a file, one a line"},
	{"label", 'l', "K=V", add_label, FIELD(labels),
		CREATING | CLI_LIST | CLI_DESTROY, "label, to find it by"},
	{"reuse", 0, NULL, set_flag, FIELD(reuse), CREATING,
		"take a running sandbox with these labels, or make and keep one"},
	{"keep", 0, NULL, set_flag, FIELD(keep), CLI_RUN,
		"do not destroy it after; its handle goes to stderr"},
	{"timeout", 't', "S", set_seconds, FIELD(timeout_ms),
		RUNNING | CLI_SHELL | CLI_WAIT,
		"of the command, seconds; 0 is none (120; -d, shell, wait: none)"},
	{"ttl", 0, "S", set_seconds, FIELD(ttl_ms), MAKING,
		"of the sandbox, or how long a pool is filled; 0 is none (3600)"},
	{"size", 0, "N", set_count, FIELD(pool_size), CLI_POOL,
		"how many a pool keeps ready (4)"},
	{"max-idle", 0, "S", set_seconds, FIELD(max_idle_ms), CLI_POOL,
		"one that nobody takes for so long goes (300)"},
	{"memory", 0, "SIZE", set_size, FIELD(limits.memory_bytes), MAKING,
		"such as 512m (1g)"},
	{"cpus", 0, "N", set_cpus, FIELD(limits.cpu_millis), MAKING,
		"such as 1.5 (all)"},
	{"pids", 0, "N", set_count, FIELD(limits.pids), MAKING,
		"processes and threads (512)"},
	{"disk", 0, "SIZE", set_size, FIELD(limits.disk_bytes), MAKING,
		"of written files (2g)"},
	{"nofile", 0, "N", set_count, FIELD(limits.nofile), MAKING,
		"open files of a process (1024)"},
	{"fsize", 0, "SIZE", set_size, FIELD(limits.file_bytes), MAKING,
		"of one file (the disk's)"},
	{"cpu-time", 0, "S", set_cpu_time, FIELD(limits.cpu_time_ms), MAKING,
		"CPU seconds of all its processes together (none)"},
	{"require", 0, "LAYER,...", add_list, FIELD(require), MAKING,
		"layers that must be enforced, by doctor's names; else it fails"},
	{"network", 0, "KIND", set_network, FIELD(network), MAKING,
		"none, allow=HOST[:PORT],*.HOST, nat or host (none)"},
	{"publish", 'P', "[HP:]PORT", add_text, FIELD(ports), CREATING,
		"reach a port of it at 127.0.0.1:HP, or at a free one"},
	{"credential", 0, "H=HEADER:FROM", cli_add_credential, FIELD(credentials),
		CREATING, "add a header to requests for H; its value stays outside"},
	{"mount", 'v', "SRC:DST[:rw]", add_text, FIELD(mounts), MAKING,
		"show a folder of this machine inside, read-only unless :rw; a SRC "
		"without / is a volume, writable unless :ro"},
	{"workdir", 'w', "DIR", set_text, FIELD(workdir), MAKING | CLI_EXEC,
		"where the command starts (/workspace)"},
	{"user", 'u', "U[:G]", set_text, FIELD(user), MAKING | CLI_EXEC,
		"as whom (the image's user)"},
	{"seccomp", 0, "PROFILE", set_text, FIELD(seccomp), MAKING,
		"default, strict or a file in Docker's format"},
	{"long", 'l', NULL, set_flag, FIELD(is_long), CLI_FILES,
		"type, mode, owner, size and date as well"},
	{"depth", 0, "N", set_count, FIELD(depth), CLI_FILES, "levels of ls (1)"},
	{"offset", 0, "SIZE", set_bytes, FIELD(offset), CLI_FILES, "where cat begins"},
	{"length", 0, "SIZE", set_bytes, FIELD(length), CLI_FILES,
		"how much of it (all)"},
	{"mode", 0, "MODE", set_mode, FIELD(mode), CLI_FILES,
		"of what is written (its old one, or 644)"},
	{"recursive", 0, NULL, set_flag, FIELD(recursive), CLI_FILES,
		"watch folders in the folder, too"},
	{"no-stream", 0, NULL, set_flag, FIELD(no_stream), CLI_STATS,
		"look once, not every second"},
	{"interactive", 'I', NULL, set_flag, FIELD(interactive),
		RUNNING | CLI_ATTACH | CLI_FILES,
		"pass standard input even if it is a terminal; -d: take input later"},
	{"tty", 'T', NULL, set_flag, FIELD(tty), RUNNING,
		"give the command a terminal of its own"},
	{"detach", 'd', NULL, set_flag, FIELD(detach), CLI_EXEC,
		"run it in the background and print its number"},
	{"follow", 'f', NULL, set_flag, FIELD(follow), CLI_LOGS | CLI_EVENTS,
		"go on until the process ends, or for ever"},
	{"since", 0, "S", set_seconds, FIELD(since_ms), CLI_EVENTS,
		"only those of the last S seconds"},
	{"tail", 0, "N", set_count, FIELD(tail), CLI_LOGS, "only the last N lines"},
	{"signal", 's', "SIG", set_text, FIELD(signal), CLI_KILL,
		"which, by name or number (TERM)"},
	{"all", 0, NULL, set_flag, FIELD(all), CLI_DESTROY | CLI_POOL,
		"every sandbox there is; every pool"},
	{"capabilities", 0, NULL, set_flag, FIELD(capabilities), CLI_PROVIDERS,
		"list what each can do"},
	{"json", 0, NULL, set_flag, FIELD(json), EVERY & ~(CLI_HELP | CLI_SHELL),
		"print one JSON value instead"},
	{"timings", 0, NULL, set_flag, FIELD(timings), RUNNING,
		"say on stderr where the time went"},
	{"quiet", 'q', NULL, set_flag, FIELD(quiet), EVERY, "nothing but errors"},
	{"verbose", 0, NULL, set_flag, FIELD(verbose), EVERY,
		"what is done, on stderr"},
	{"log-json", 0, NULL, set_flag, FIELD(log_json), EVERY,
		"what is said on stderr, as JSON lines"},
	{"help", 'h', NULL, set_flag, FIELD(help), EVERY, "this"},
};

/* Where reading has got to. */
struct reader {
	const struct cli_syntax *syntax;
	int argc, at;
	const char **argv;
	struct cli_args *args;
};

static const struct option *find_long(const char *name, size_t len)
{
	for (size_t i = 0; i < SP_COUNT(options); i++)
		if (strlen(options[i].name) == len &&
			strncmp(options[i].name, name, len) == 0)
			return &options[i];
	return NULL;
}

/* A letter may stand for different options of different commands. */
static const struct option *find_letter(char letter, unsigned int command)
{
	const struct option *other = NULL;

	for (size_t i = 0; i < SP_COUNT(options); i++) {
		if (!options[i].letter || options[i].letter != letter)
			continue;
		if (options[i].commands & command)
			return &options[i];
		other = &options[i];
	}
	return other;
}

static int check_known(const struct reader *r, const struct option *o, const char *word,
	struct sp_error *err)
{
	if (!o)
		return sp_fail(err, SP_ERR_INVALID,
			"there is no option %.64s (see sandpit help %s)", word,
			r->syntax->name);
	if (!(o->commands & r->syntax->bit))
		return sp_fail(err, SP_ERR_INVALID,
			"--%s is not an option of %s (see sandpit help %s)", o->name,
			r->syntax->name, r->syntax->name);
	return 0;
}

/* value NULL: the next word is it. */
static int apply(struct reader *r, const struct option *o, const char *value,
	struct sp_error *err)
{
	void *field = (char *)r->args + o->field;
	int rc;

	if (o->arg && !value) {
		if (r->at + 1 >= r->argc)
			return sp_fail(
				err, SP_ERR_INVALID, "--%s needs %s", o->name, o->arg);
		value = r->argv[++r->at];
	}
	rc = o->set(r->args, field, value, err);
	return rc < 0 ? sp_wrap(err, rc, "--%s", o->name) : 0;
}

static int read_long(struct reader *r, const char *word, struct sp_error *err)
{
	const char *name = word + 2;
	size_t len = strcspn(name, "=");
	const struct option *o = find_long(name, len);
	int rc = check_known(r, o, word, err);

	if (rc < 0)
		return rc;
	if (name[len] == '=' && !o->arg)
		return sp_fail(err, SP_ERR_INVALID, "--%s takes no value", o->name);
	return apply(r, o, name[len] == '=' ? name + len + 1 : NULL, err);
}

/* "-qI" are two; "-plocal" is one with its argument. */
static int read_letters(struct reader *r, const char *word, struct sp_error *err)
{
	for (const char *letter = word + 1; *letter; letter++) {
		const struct option *o = find_letter(*letter, r->syntax->bit);
		int rc = check_known(r, o, word, err);

		if (rc < 0)
			return rc;
		if (o->arg)
			return apply(r, o, letter[1] ? letter + 1 : NULL, err);
		rc = apply(r, o, NULL, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* An error about one option is to be told in the way another one asks for. */
static void look_for_json(struct reader *r)
{
	for (; r->at < r->argc && strcmp(r->argv[r->at], "--") != 0; r->at++)
		if (strcmp(r->argv[r->at], "--json") == 0)
			r->args->json = true;
}

int cli_opt_parse(const struct cli_syntax *syntax, int argc, const char **argv,
	struct cli_args *args, struct sp_error *err)
{
	struct reader r = {.syntax = syntax, .argc = argc, .argv = argv, .args = args};
	size_t kept = 0;
	int rc = 0;

	args->command = syntax->name;
	for (; rc == 0 && r.at < argc; r.at++) {
		const char *word = argv[r.at];

		if (strcmp(word, "--") == 0) {
			args->is_argv = kept <= syntax->own_words;
			r.at++;
			break;
		}
		if (word[0] != '-' || !word[1]) {
			if (kept == syntax->own_words)
				break;
			argv[kept++] = word;
		} else if (word[1] == '-') {
			rc = read_long(&r, word, err);
		} else {
			rc = read_letters(&r, word, err);
		}
	}
	if (rc < 0) {
		look_for_json(&r);
		return rc;
	}
	while (r.at < argc)
		argv[kept++] = argv[r.at++];
	argv[kept] = NULL;
	args->words = (const char *const *)argv;
	args->word_count = kept;
	return 0;
}

void cli_opt_help(struct sp_buf *out, unsigned int commands)
{
	for (size_t i = 0; i < SP_COUNT(options); i++) {
		const struct option *o = &options[i];
		char head[64];
		char letter[5] = "    ";

		if (!(o->commands & commands))
			continue;
		if (o->letter)
			snprintf(letter, sizeof(letter), "-%c, ", o->letter);
		snprintf(head, sizeof(head), "%s--%s%s%s", letter, o->name,
			o->arg ? " " : "", o->arg ? o->arg : "");
		sp_buf_addf(out, "  %-*s %s\n", HELP_COLUMN, head, o->help);
	}
}
