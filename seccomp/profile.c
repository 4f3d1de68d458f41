/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/profile.h"

#include <linux/seccomp.h>
#include <string.h>
#include <sys/utsname.h>

#include "seccomp/names.h"
#include "seccomp/reader.h"

/* The whole file, and one entry of archMap. */
struct top {
	struct sp_verdict fallback;
	bool has_arch_map, has_arch_list;
	bool arch_listed; /* the host's own is in the list */
	bool arch_mapped; /* an entry of the map was for it */
};

struct arch_entry {
	bool is_ours;
	struct json_object *subs;
};

/* ----- architectures --------------------------------------------------------- */

/* What a kernel of the first kind can run besides. */
static const struct {
	uint32_t arch, sub;
} companions[] = {
	{SCMP_ARCH_X86_64, SCMP_ARCH_X86},
	{SCMP_ARCH_X86_64, SCMP_ARCH_X32},
	{SCMP_ARCH_AARCH64, SCMP_ARCH_ARM},
	{SCMP_ARCH_MIPS64, SCMP_ARCH_MIPS},
	{SCMP_ARCH_MIPS64, SCMP_ARCH_MIPS64N32},
	{SCMP_ARCH_MIPSEL64, SCMP_ARCH_MIPSEL},
	{SCMP_ARCH_MIPSEL64, SCMP_ARCH_MIPSEL64N32},
	{SCMP_ARCH_PARISC64, SCMP_ARCH_PARISC},
	{SCMP_ARCH_S390X, SCMP_ARCH_S390},
};

/* Others may be listed, for other machines; here there is nothing to allow. */
static bool is_companion(uint32_t arch, uint32_t sub)
{
	for (size_t i = 0; i < SP_COUNT(companions); i++) {
		if (companions[i].arch == arch && companions[i].sub == sub)
			return true;
	}
	return false;
}

static void add_sub(struct sp_profile *p, uint32_t sub)
{
	for (size_t i = 0; i < p->sub_arch_count; i++) {
		if (p->sub_arches[i] == sub)
			return;
	}
	if (is_companion(p->arch, sub) && p->sub_arch_count < SP_PROFILE_MAX_SUBS)
		p->sub_arches[p->sub_arch_count++] = sub;
}

static int arch_of(struct sp_reader *r, const char *place, struct json_object *value,
	uint32_t *out)
{
	const char *word;
	int rc;

	rc = sp_read_word(r, place, value, &word);
	if (rc < 0)
		return rc;
	if (!sp_seccomp_arch(word, out))
		return sp_read_bad_word(r, place, "unknown architecture", word);
	return 0;
}

static int read_entry_arch(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	struct arch_entry *entry = into;
	uint32_t arch;
	int rc;

	rc = arch_of(r, place, value, &arch);
	if (rc == 0)
		entry->is_ours = arch == r->host->arch;
	return rc;
}

static int read_entry_subs(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	struct arch_entry *entry = into;

	(void)r;
	(void)place;
	entry->subs = value;
	return 0;
}

static const struct sp_field arch_fields[] = {
	{"architecture", json_type_string, read_entry_arch},
	{"subArchitectures", json_type_array, read_entry_subs},
};

/* Added when into is not NULL, else only checked. */
static int read_sub(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	uint32_t arch;
	int rc;

	rc = arch_of(r, place, value, &arch);
	if (rc == 0 && into)
		add_sub(into, arch);
	return rc;
}

static int read_arch_entry(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	static const struct sp_list_kind kind = {
		SP_PROFILE_MAX_LIST, json_type_string, read_sub};
	struct top *top = into;
	struct arch_entry entry = {0};
	char inner[SP_PLACE_MAX];
	bool ours;
	int rc;

	rc = sp_read_object(
		r, place, value, arch_fields, SP_COUNT(arch_fields), &entry);
	if (rc < 0 || !entry.subs)
		return rc;
	ours = entry.is_ours && !top->arch_mapped;
	top->arch_mapped |= entry.is_ours;
	/* Now, not when they were met: only both members together say whose they are. */
	snprintf(inner, sizeof(inner), "%s.subArchitectures", place);
	return sp_read_list(r, inner, entry.subs, &kind, ours ? r->profile : NULL);
}

static int read_arch_map(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	static const struct sp_list_kind kind = {
		SP_PROFILE_MAX_LIST, json_type_object, read_arch_entry};
	struct top *top = into;

	top->has_arch_map = json_object_array_length(value) > 0;
	return sp_read_list(r, place, value, &kind, into);
}

static int read_listed_arch(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	struct top *top = into;
	uint32_t arch;
	int rc;

	rc = arch_of(r, place, value, &arch);
	if (rc < 0)
		return rc;
	if (arch == r->host->arch)
		top->arch_listed = true;
	else
		add_sub(r->profile, arch);
	return 0;
}

static int read_arch_list(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	static const struct sp_list_kind kind = {
		SP_PROFILE_MAX_LIST, json_type_string, read_listed_arch};
	struct top *top = into;

	top->has_arch_list = json_object_array_length(value) > 0;
	return sp_read_list(r, place, value, &kind, into);
}

/* ----- the file -------------------------------------------------------------- */

static int read_default(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	struct top *top = into;

	return sp_read_action(r, place, value, &top->fallback);
}

static int read_default_ret(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	struct top *top = into;

	return sp_read_ret(r, place, value, &top->fallback);
}

static const struct sp_field top_fields[] = {
	{"defaultAction", json_type_string, read_default},
	{"defaultErrnoRet", json_type_int, read_default_ret},
	{"archMap", json_type_array, read_arch_map},
	{"architectures", json_type_array, read_arch_list},
	{"syscalls", json_type_array, sp_read_rules},
};

static int check_top(struct sp_reader *r, const struct top *top)
{
	if (top->has_arch_map && top->has_arch_list)
		return sp_fail(r->err, SP_ERR_INVALID,
			"profile has both architectures and archMap");
	if (top->has_arch_list && !top->arch_listed)
		return sp_fail(r->err, SP_ERR_INVALID,
			"architectures: this machine's own is not among them");
	return sp_read_settle(
		r, "defaultAction", &top->fallback, &r->profile->default_action);
}

int sp_profile_read(const char *text, size_t len, const struct sp_profile_host *host,
	struct sp_profile *out, struct sp_error *err)
{
	sp_autoprofile struct sp_profile profile = {.arch = host->arch};
	sp_autojson struct json_object *doc = NULL;
	struct sp_reader r = {.host = host, .profile = &profile, .err = err};
	struct top top = {0};
	int rc;

	if (len > SP_PROFILE_MAX_BYTES)
		return sp_fail(err, SP_ERR_LIMIT, "profile is over %u bytes",
			SP_PROFILE_MAX_BYTES);
	rc = sp_json_parse(text, len, &doc, err);
	if (rc < 0)
		return rc;
	rc = sp_read_object(&r, "", doc, top_fields, SP_COUNT(top_fields), &top);
	if (rc < 0)
		return rc;
	rc = check_top(&r, &top);
	if (rc < 0)
		return rc;

	*out = profile;
	profile = (struct sp_profile){0};
	return 0;
}

void sp_profile_clear(struct sp_profile *profile)
{
	if (!profile)
		return;
	for (size_t i = 0; i < profile->rule_count; i++)
		sp_strv_clear(&profile->rules[i].names);
	free(profile->rules);
	*profile = (struct sp_profile){0};
}

int sp_profile_host_here(
	uint64_t granted_caps, struct sp_profile_host *out, struct sp_error *err)
{
	struct utsname name;
	char *end;

	if (uname(&name) < 0)
		return sp_fail_errno(err, "ask for the kernel's version");
	out->version = (unsigned int)strtoul(name.release, &end, 10);
	out->major = *end == '.' ? (unsigned int)strtoul(end + 1, NULL, 10) : 0;
	out->granted_caps = granted_caps;
	out->arch = seccomp_arch_native();
	if (!out->arch)
		return sp_fail(err, SP_ERR_UNSUPPORTED,
			"libseccomp does not know the architecture %s", name.machine);
	return 0;
}

bool sp_profile_permits(uint32_t action)
{
	/* The kernel's own order: as signed numbers, what is smaller is stricter. */
	return (int32_t)(action & SECCOMP_RET_ACTION_FULL) >=
		(int32_t)SCMP_ACT_TRACE(0);
}
