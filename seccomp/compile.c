/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/compile.h"

#include <errno.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/mman.h>

#include "seccomp/bpf.h"
#include "seccomp/numbers.h"

#define X32_FIRST 0x40000000u
/* Calls of the 32-bit ARM kernel's own, set_tls among them. */
#define ARM_PRIVATE_FIRST 0xf0000u

/* One call in one rule.  Sorted by name, all that decides about a call is together. */
struct entry {
	const char *name;
	const struct sp_profile_rule *rule;
};

struct compiler {
	const struct sp_profile *profile;
	struct entry *entries;
	size_t entry_count;
	struct entry *guards; /* up to us: libseccomp cannot say it */
	size_t guard_count;
	scmp_filter_ctx body;
	struct sp_error *err;
};

/*
 * What they do is behind a pointer, so no rule for socket() or semop() would hold.
 * libseccomp even opens socketcall for a rule that allows one family of socket.
 */
static const char *const opaque_calls[] = {"socketcall", "ipc"};

static void compiler_clear(struct compiler *c)
{
	free(c->entries);
	free(c->guards);
	if (c->body)
		seccomp_release(c->body);
}

static int scmp_fail(struct compiler *c, int rc, const char *what)
{
	errno = -rc;
	return sp_fail_errno(c->err, "libseccomp: %s", what);
}

static bool refuses_by_default(const struct compiler *c)
{
	return !sp_profile_permits(c->profile->default_action);
}

/* ----- the entries ----------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	if (order != 0)
		return order;
	return (x->rule->place > y->rule->place) - (x->rule->place < y->rule->place);
}

static size_t count_names(const struct sp_profile *p)
{
	size_t count = 0;

	for (size_t i = 0; i < p->rule_count; i++)
		count += p->rules[i].names.count;
	return count;
}

static int add_entry(
	struct compiler *c, const char *name, const struct sp_profile_rule *rule)
{
	if (sp_number_known(name)) {
		c->entries[c->entry_count++] = (struct entry){name, rule};
		return 0;
	}
	/* Refused as it is; but an unknown name in a list of what to refuse is a hole. */
	if (refuses_by_default(c))
		return 0;
	return sp_fail(c->err, SP_ERR_INVALID,
		"syscalls[%zu].names: unknown system call \"%s\"", rule->place, name);
}

static int collect(struct compiler *c)
{
	const struct sp_profile *p = c->profile;
	size_t most = count_names(p) + 1;
	int rc;

	c->entries = calloc(most, sizeof(*c->entries));
	c->guards = calloc(most, sizeof(*c->guards));
	if (!c->entries || !c->guards)
		return sp_fail(c->err, SP_ERR_NOMEM, "compile profile: out of memory");
	for (size_t i = 0; i < p->rule_count; i++) {
		for (size_t k = 0; k < p->rules[i].names.count; k++) {
			rc = add_entry(c, p->rules[i].names.items[k], &p->rules[i]);
			if (rc < 0)
				return rc;
		}
	}
	qsort(c->entries, c->entry_count, sizeof(*c->entries), by_name);
	return 0;
}

/* ----- libseccomp's part ----------------------------------------------------- */

/* A filter begins with the machine's own architecture; the profile may be for another. */
static int set_architecture(struct compiler *c)
{
	uint32_t arch = c->profile->arch;
	int rc = 0;

	if (arch == seccomp_arch_native())
		return 0;
	rc = seccomp_arch_add(c->body, arch);
	if (rc == 0)
		rc = seccomp_arch_remove(c->body, seccomp_arch_native());
	return rc < 0 ? scmp_fail(c, rc, "set the architecture") : 0;
}

static int open_body(struct compiler *c)
{
	const struct sp_profile *p = c->profile;
	int rc;

	c->body = seccomp_init(p->default_action);
	if (!c->body)
		return sp_fail(c->err, SP_ERR_SYSTEM,
			"libseccomp: default action 0x%x is not usable here",
			p->default_action);
	rc = seccomp_attr_set(c->body, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (rc < 0)
		return scmp_fail(c, rc, "set the action for other architectures");
	/* A binary tree over the numbers: a call takes ten steps, not three hundred. */
	rc = seccomp_attr_set(c->body, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (rc < 0)
		return scmp_fail(c, rc, "set the order of the program");
	rc = set_architecture(c);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < p->sub_arch_count; i++) {
		rc = seccomp_arch_add(c->body, p->sub_arches[i]);
		if (rc < 0 && rc != -EEXIST)
			return scmp_fail(c, rc, "add a sub-architecture");
	}
	return 0;
}

static int add_to_body(struct compiler *c, const char *name, uint32_t action,
	const struct sp_args *args)
{
	int number = seccomp_syscall_resolve_name(name);
	int rc;

	/* libseccomp takes a rule that says what the default says for a mistake. */
	if (action == c->profile->default_action)
		return 0;
	rc = seccomp_rule_add_array(
		c->body, action, number, (unsigned int)args->count, args->list);
	if (rc < 0 && rc != -EEXIST)
		return scmp_fail(c, rc, name);
	return 0;
}

/* ----- one call -------------------------------------------------------------- */

static bool stricter(uint32_t a, uint32_t b)
{
	return (int32_t)a < (int32_t)b;
}

/* The strictest rule without conditions, of those that permit or of those that refuse. */
static const struct sp_profile_rule *plain_rule(
	const struct entry *group, size_t count, bool permits)
{
	const struct sp_profile_rule *found = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct sp_profile_rule *rule = group[i].rule;

		if (rule->arg_count > 0 || sp_profile_permits(rule->action) != permits)
			continue;
		if (!found || stricter(rule->action, found->action))
			found = rule;
	}
	return found;
}

/* A rule to its place: before the program, or in it. */
static int place(
	struct compiler *c, const char *name, const struct sp_profile_rule *rule)
{
	bool refuses_some = !sp_profile_permits(rule->action) && rule->arg_count > 0;
	struct sp_args args;
	int rc;

	rc = sp_args_of(name, rule, &args, c->err);
	if (rc < 0)
		return rc;
	if (refuses_some || !sp_args_are_plain(&args) || sp_number_is_newer(name)) {
		c->guards[c->guard_count++] = (struct entry){name, rule};
		return 0;
	}
	return add_to_body(c, name, rule->action, &args);
}

static int place_group(struct compiler *c, const struct entry *group, size_t count)
{
	const struct sp_profile_rule *refused = plain_rule(group, count, false);
	const struct sp_profile_rule *allowed = plain_rule(group, count, true);
	int rc;

	if (refused)
		return place(c, group->name, refused);
	for (size_t i = 0; i < count; i++) {
		const struct sp_profile_rule *rule = group[i].rule;

		if (allowed && sp_profile_permits(rule->action) && rule != allowed)
			continue;
		rc = place(c, group[i].name, rule);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int place_all(struct compiler *c)
{
	static const struct sp_args none = {.count = 0};
	bool clone3 = false;
	size_t end;
	int rc;

	for (size_t i = 0; i < c->entry_count; i = end) {
		const char *name = c->entries[i].name;

		end = i + 1;
		while (end < c->entry_count && !strcmp(c->entries[end].name, name))
			end++;
		clone3 |= !strcmp(name, "clone3");
		rc = place_group(c, &c->entries[i], end - i);
		if (rc < 0)
			return rc;
	}
	if (clone3 || !refuses_by_default(c))
		return 0;
	return add_to_body(c, "clone3", SCMP_ACT_ERRNO(ENOSYS), &none);
}

/* ----- our part -------------------------------------------------------------- */

/* The guards of one architecture, of calls that libseccomp has or of newer ones. */
static void add_guards(const struct compiler *c, struct sp_buf *code, uint32_t arch,
	bool newer, bool permits)
{
	struct sp_args args;

	for (size_t i = 0; i < c->guard_count; i++) {
		const struct entry *g = &c->guards[i];
		int64_t number = sp_number_of(g->name, arch);

		if (number < 0 || sp_profile_permits(g->rule->action) != permits ||
			sp_number_is_newer(g->name) != newer)
			continue;
		/* Checked when it was placed. */
		if (sp_args_of(g->name, g->rule, &args, NULL) == 0)
			sp_bpf_guard(code, (uint32_t)number, &args, g->rule->action);
	}
}

static void add_opaque(const struct compiler *c, struct sp_buf *code, uint32_t arch)
{
	static const struct sp_args none = {.count = 0};
	uint32_t action = refuses_by_default(c) ? c->profile->default_action
						: SCMP_ACT_ERRNO(EPERM);

	for (size_t i = 0; i < SP_COUNT(opaque_calls); i++) {
		int64_t number = sp_number_of(opaque_calls[i], arch);

		if (number >= 0)
			sp_bpf_guard(code, (uint32_t)number, &none, action);
	}
}

/* Kept behind one comparison, for hardly any call has such a number. */
static void add_newer(const struct compiler *c, struct sp_buf *code, uint32_t arch)
{
	sp_autobuf struct sp_buf inner = SP_BUF_INIT(SP_BPF_MAX_BYTES);
	uint32_t unknown = sp_number_last(arch) + 1;
	uint32_t end = arch == SCMP_ARCH_ARM ? ARM_PRIVATE_FIRST - 1 : UINT32_MAX;

	add_guards(c, &inner, arch, true, false);
	add_guards(c, &inner, arch, true, true);
	if (refuses_by_default(c))
		sp_bpf_range(&inner, unknown, end, SCMP_ACT_ERRNO(ENOSYS));
	sp_bpf_from(code, sp_number_first_newer(arch), &inner);
}

static bool lists_x32(const struct sp_profile *p)
{
	for (size_t i = 0; i < p->sub_arch_count; i++) {
		if (p->sub_arches[i] == SCMP_ARCH_X32)
			return true;
	}
	return false;
}

static void add_section(const struct compiler *c, struct sp_buf *program, uint32_t arch)
{
	sp_autobuf struct sp_buf code = SP_BUF_INIT(SP_BPF_MAX_BYTES);
	uint32_t last = UINT32_MAX;

	/* x86-64 and x32 are told apart by the number alone. */
	if (arch == SCMP_ARCH_X86_64 && lists_x32(c->profile))
		last = X32_FIRST - 1;
	add_opaque(c, &code, arch);
	add_guards(c, &code, arch, false, false);
	add_guards(c, &code, arch, false, true);
	add_newer(c, &code, arch);
	sp_bpf_section(program, sp_number_audit_arch(arch), sp_number_first(arch), last,
		&code);
}

static int add_body(struct compiler *c, struct sp_buf *program)
{
	sp_autoclose int fd = -1;
	int rc;

	fd = memfd_create("seccomp", MFD_CLOEXEC);
	if (fd < 0)
		return sp_fail_errno(c->err, "create memory for the filter");
	rc = seccomp_export_bpf(c->body, fd);
	if (rc < 0)
		return scmp_fail(c, rc, "write the program");
	if (lseek(fd, 0, SEEK_SET) < 0)
		return sp_fail_errno(c->err, "rewind the filter");
	return sp_buf_read_fd(program, fd, c->err);
}

static int assemble(struct compiler *c, struct sp_buf *program)
{
	const struct sp_profile *p = c->profile;
	size_t steps;
	int rc;

	add_section(c, program, p->arch);
	for (size_t i = 0; i < p->sub_arch_count; i++)
		add_section(c, program, p->sub_arches[i]);
	rc = add_body(c, program);
	if (rc < 0)
		return rc;
	steps = program->len / sizeof(struct sock_filter);
	if (steps > BPF_MAXINSNS)
		return sp_fail(c->err, SP_ERR_LIMIT,
			"profile gives a filter of %zu instructions, the kernel takes "
			"%d",
			steps, BPF_MAXINSNS);
	return sp_buf_ok(program, c->err);
}

int sp_seccomp_compile(
	const struct sp_profile *profile, struct sp_buf *program, struct sp_error *err)
{
	sp_autobuf struct sp_buf code = SP_BUF_INIT(SP_BPF_MAX_BYTES);
	SP_AUTO(compiler_clear)
	struct compiler c = {.profile = profile, .err = err};
	int rc;

	rc = collect(&c);
	if (rc == 0)
		rc = open_body(&c);
	if (rc == 0)
		rc = place_all(&c);
	if (rc == 0)
		rc = assemble(&c, &code);
	if (rc < 0)
		return rc;
	sp_buf_add(program, code.data, code.len);
	return sp_buf_ok(program, err);
}
