/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/code.h"

#include <stdio.h>
#include <string.h>

#include "base/enc.h"

#define FILE_NAME_MAX 64 /* so that folder and file fit a plain tar header */
#define SHEBANG_MAX   256
#define NODE_STRIPS_TYPES \
	"node -e 'v=process.versions.node.split(\".\");" \
	"process.exit(v[0]>22||v[0]==22&&v[1]>=6?0:1)'"

/*
 * One way to run a file.  In test and command $f is the file, $d its folder and "$@" the
 * program's arguments; a command that ends in exec leaves its own exit code alone.
 */
struct tool {
	const char *name;
	const char *test; /* or NULL: being there is enough */
	const char *command;
};

struct sp_language {
	const char *name;
	const char *aliases[4];
	const char *extensions[4]; /* the first one is given to code without a name */
	struct tool tools[6];      /* in the order in which they are tried */
};

static const struct sp_language languages[] = {
	{
		.name = "python",
		.aliases = {"py", "python3"},
		.extensions = {"py", "pyw"},
		.tools =
			{
				{"python3", NULL, "exec python3 \"$f\" \"$@\""},
				{"python", NULL, "exec python \"$f\" \"$@\""},
			},
	},
	{
		.name = "node",
		.aliases = {"js", "javascript", "nodejs"},
		.extensions = {"js", "mjs", "cjs"},
		.tools =
			{
				{"node", NULL, "exec node \"$f\" \"$@\""},
				{"nodejs", NULL, "exec nodejs \"$f\" \"$@\""},
			},
	},
	{
		.name = "typescript",
		.aliases = {"ts"},
		.extensions = {"ts", "mts", "cts"},
		.tools =
			{
				{"node", NODE_STRIPS_TYPES,
					"exec node "
					"--disable-warning=ExperimentalWarning "
					"--experimental-strip-types \"$f\" \"$@\""},
				{"tsx", NULL, "exec tsx \"$f\" \"$@\""},
				{"ts-node", NULL, "exec ts-node \"$f\" \"$@\""},
				{"deno", NULL,
					"exec deno run --allow-all \"$f\" \"$@\""},
				{"bun", NULL, "exec bun run \"$f\" \"$@\""},
			},
	},
	{
		.name = "go",
		.aliases = {"golang"},
		.extensions = {"go"},
		/* Not `go run`: it turns every exit code into 1. */
		.tools =
			{
				{"go", NULL,
					"GOCACHE=\"${GOCACHE:-/tmp/go-cache}\" go "
					"build -o "
					"\"$d/program\" \"$f\" || exit; "
					"exec \"$d/program\" \"$@\""},
			},
	},
	{
		.name = "rust",
		.aliases = {"rs"},
		.extensions = {"rs"},
		.tools =
			{
				{"rustc", NULL,
					"rustc -o \"$d/program\" \"$f\" || exit; "
					"exec \"$d/program\" \"$@\""},
			},
	},
	{
		.name = "bash",
		.aliases = {"sh", "shell"},
		.extensions = {"sh", "bash"},
		.tools =
			{
				{"bash", NULL, "exec bash \"$f\" \"$@\""},
				{"sh", NULL, "exec sh \"$f\" \"$@\""},
			},
	},
};

static bool is_one_of(const char *const *list, size_t max, const char *text)
{
	for (size_t i = 0; i < max && list[i]; i++)
		if (strcmp(list[i], text) == 0)
			return true;
	return false;
}

const struct sp_language *sp_language_named(const char *name)
{
	for (size_t i = 0; i < SP_COUNT(languages); i++)
		if (strcmp(languages[i].name, name) == 0 ||
			is_one_of(languages[i].aliases, SP_COUNT(languages[i].aliases),
				name))
			return &languages[i];
	return NULL;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

const struct sp_language *sp_language_of_file(const char *file_name)
{
	const char *dot = strrchr(base_name(file_name), '.');

	for (size_t i = 0; dot && i < SP_COUNT(languages); i++)
		if (is_one_of(languages[i].extensions,
			    SP_COUNT(languages[i].extensions), dot + 1))
			return &languages[i];
	return NULL;
}

static const struct sp_language *language_of_tool(const char *tool)
{
	for (size_t i = 0; i < SP_COUNT(languages); i++)
		for (size_t k = 0; k < SP_COUNT(languages[i].tools); k++) {
			const char *name = languages[i].tools[k].name;

			if (name && strcmp(name, tool) == 0)
				return &languages[i];
		}
	return sp_language_named(tool);
}

/* "#!/usr/bin/env -S python3.11 -u": the first word that is neither env nor an option. */
const struct sp_language *sp_language_of_text(const char *text, size_t len)
{
	char line[SHEBANG_MAX];
	char *rest = line + 2, *word;

	if (len < 2 || memcmp(text, "#!", 2) != 0)
		return NULL;
	len = len < sizeof(line) - 1 ? len : sizeof(line) - 1;
	memcpy(line, text, len);
	line[len] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	while ((word = strsep(&rest, " \t"))) {
		const char *tool = base_name(word);

		if (!*tool || *tool == '-' || strcmp(tool, "env") == 0)
			continue;
		/* The version, as in python3.11, is not part of any name of ours. */
		if (strncmp(tool, "python3.", 8) == 0)
			tool = "python3";
		return language_of_tool(tool);
	}
	return NULL;
}

const char *sp_language_name(const struct sp_language *l)
{
	return l->name;
}

void sp_language_script(const struct sp_language *l, struct sp_buf *out)
{
	const size_t count = SP_COUNT(l->tools);

	sp_buf_adds(out, "f=$1; d=${f%/*}; shift\n");
	for (size_t i = 0; i < count && l->tools[i].name; i++)
		sp_buf_addf(out, "if command -v %s >/dev/null 2>&1%s%s; then %s; fi\n",
			l->tools[i].name, l->tools[i].test ? " && " : "",
			l->tools[i].test ? l->tools[i].test : "", l->tools[i].command);
	sp_buf_addf(out, "echo \"sandpit: the image has no %s", l->tools[0].name);
	if (l->tools[0].test)
		sp_buf_adds(out, " that is new enough");
	for (size_t i = 1; i < count && l->tools[i].name; i++)
		sp_buf_addf(out, "%s%s", i == 1 ? " (nor " : ", ", l->tools[i].name);
	sp_buf_addf(out,
		"%s, which %s code needs: choose an image that has it with "
		"--image\" >&2\nexit 127\n",
		l->tools[1].name ? ")" : "", l->name);
}

void sp_language_file_name(
	const struct sp_language *l, const char *name, struct sp_buf *out)
{
	const char *base = name ? base_name(name) : "";

	if (sp_name_ok(base) && strlen(base) <= FILE_NAME_MAX &&
		sp_language_of_file(base) == l)
		sp_buf_adds(out, base);
	else
		sp_buf_addf(out, "main.%s", l->extensions[0]);
}

#define TAR_BLOCK 512

/* The fields of a POSIX ustar header, at their offsets. */
struct tar_header {
	char name[100];
	char mode[8], uid[8], gid[8];
	char size[12], mtime[12];
	char checksum[8];
	char type;
	char link[100];
	char magic[6], version[2];
	char user[32], group[32];
	char major[8], minor[8];
	char prefix[155];
	char unused[12];
};
_Static_assert(sizeof(struct tar_header) == TAR_BLOCK, "a header is one block");

static void add_member(struct sp_buf *out, const char *name, char type,
	unsigned int mode, size_t size, int64_t mtime_s)
{
	struct tar_header h = {.type = type, .version = {'0', '0'}};
	const unsigned char *bytes = (const unsigned char *)&h;
	unsigned int sum = 0;

	snprintf(h.name, sizeof(h.name), "%s", name);
	snprintf(h.mode, sizeof(h.mode), "%07o", mode & 07777u);
	memcpy(h.uid, "0000000", 8);
	memcpy(h.gid, "0000000", 8);
	snprintf(h.size, sizeof(h.size), "%011llo", (unsigned long long)size);
	snprintf(h.mtime, sizeof(h.mtime), "%011llo",
		(unsigned long long)mtime_s & 077777777777ull);
	memcpy(h.magic, "ustar", 6);
	/* The sum is taken with its own field as blanks. */
	memset(h.checksum, ' ', sizeof(h.checksum));
	for (size_t i = 0; i < sizeof(h); i++)
		sum += bytes[i];
	snprintf(h.checksum, sizeof(h.checksum), "%06o", sum);
	sp_buf_add(out, &h, sizeof(h));
}

void sp_code_archive(struct sp_buf *out, const char *folder, const char *file,
	const char *text, size_t len, int64_t mtime_s)
{
	static const char zeros[2 * TAR_BLOCK];
	char path[100];

	/* Whoever the command runs as may compile here. */
	snprintf(path, sizeof(path), "%s/", folder);
	add_member(out, path, '5', 0777, 0, mtime_s);
	snprintf(path, sizeof(path), "%s/%s", folder, file);
	add_member(out, path, '0', 0644, len, mtime_s);
	sp_buf_add(out, text, len);
	if (len % TAR_BLOCK)
		sp_buf_add(out, zeros, TAR_BLOCK - len % TAR_BLOCK);
	sp_buf_add(out, zeros, sizeof(zeros));
}
