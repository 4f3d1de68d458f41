/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's side of the device cgroup: where it goes, and version 2's BPF program. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "runtime/devices.h"

#define MOUNT      "/sys/fs/cgroup/devices"
#define CONTROLLER "devices"
#define NAME       "sandpit-devices"
#define TEXT_MAX   8192

#ifndef CGROUP_SUPER_MAGIC
#define CGROUP_SUPER_MAGIC 0x27e0eb
#endif

/* --- Version 1: where -------------------------------------------------------------------- */

/* The path behind "N:devices:" in /proc/self/cgroup; "" is the top. */
static void own_path(char *out, size_t size)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(TEXT_MAX);
	sp_autoclose int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	const char *at;

	out[0] = '\0';
	if (fd < 0 || sp_buf_read_fd(&text, fd, NULL) < 0)
		return;
	at = strstr(sp_buf_str(&text), ":" CONTROLLER ":/");
	if (at) {
		at += strlen(":" CONTROLLER ":");
		snprintf(out, size, "%.*s", (int)strcspn(at, "\n"), at);
	}
}

int sp_devices_path(char *path, size_t size, struct sp_error *err)
{
	char own[160], parent[200];
	struct statfs fs;

	if (statfs(MOUNT, &fs) < 0 || fs.f_type != CGROUP_SUPER_MAGIC)
		return sp_fail(err, SP_ERR_UNSUPPORTED,
			"there is no control group hierarchy of devices");
	own_path(own, sizeof(own));
	snprintf(parent, sizeof(parent), MOUNT "%s", strcmp(own, "/") ? own : "");
	/* The mount may show a part of the hierarchy only: then its top is ours. */
	if (access(parent, F_OK) < 0)
		snprintf(parent, sizeof(parent), MOUNT);
	if (access(parent, W_OK) < 0)
		return sp_fail_errno(err, "make a cgroup below %s", parent);
	snprintf(path, size, "%s/" NAME, parent);
	return 0;
}

/* --- Version 2: a program ------------------------------------------------------------------ */

static int sys_bpf(enum bpf_cmd command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* Is one attached already?  Only root attaches here, and root's are ours. */
static bool has_program(int cgroup)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)cgroup;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	return sys_bpf(BPF_PROG_QUERY, &attr) == 0 && attr.query.prog_cnt > 0;
}

#define INSN(c, d, s, o, i) \
	((struct bpf_insn){ \
		.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)})
#define LOAD(to, from, member) \
	INSN(BPF_LDX | BPF_MEM | BPF_W, to, from, \
		(int16_t)offsetof(struct bpf_cgroup_dev_ctx, member), 0)
#define IF_NOT(reg, value, skip) INSN(BPF_JMP | BPF_JNE | BPF_K, reg, 0, skip, value)
#define MOVE(reg, value)         INSN(BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, 0, value)
#define END                      INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define TYPE_MASK                0xffff
#define ANY                      (-1)

/* Major and minor numbers of step_dev.c's devices, and terminals. */
static const struct {
	int major, minor;
} devices[] = {{1, 3}, {1, 5}, {1, 7}, {1, 8}, {1, 9}, {5, 0}, {5, 2}, {136, ANY}};

/* r2: type, r3: access, r4: major, r5: minor; 1 allows. */
static size_t write_program(struct bpf_insn *p)
{
	size_t n = 0;

	p[n++] = LOAD(BPF_REG_2, BPF_REG_1, access_type);
	p[n++] = INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_2, 0, 0);
	p[n++] = INSN(BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_2, 0, 0, TYPE_MASK);
	p[n++] = INSN(BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_3, 0, 0, 16);
	p[n++] = LOAD(BPF_REG_4, BPF_REG_1, major);
	p[n++] = LOAD(BPF_REG_5, BPF_REG_1, minor);
	/* Nothing but character devices, and none is made. */
	p[n++] = INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_2, 0, 2, BPF_DEVCG_DEV_CHAR);
	p[n++] = MOVE(BPF_REG_0, 0);
	p[n++] = END;
	p[n++] = INSN(
		BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_3, 0, 0, BPF_DEVCG_ACC_MKNOD);
	p[n++] = INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_3, 0, 2, 0);
	p[n++] = MOVE(BPF_REG_0, 0);
	p[n++] = END;
	for (size_t i = 0; i < SP_COUNT(devices); i++) {
		bool has_minor = devices[i].minor != ANY;

		p[n++] = IF_NOT(BPF_REG_4, devices[i].major, has_minor ? 3 : 2);
		if (has_minor)
			p[n++] = IF_NOT(BPF_REG_5, devices[i].minor, 2);
		p[n++] = MOVE(BPF_REG_0, 1);
		p[n++] = END;
	}
	p[n++] = MOVE(BPF_REG_0, 0);
	p[n++] = END;
	return n;
}

static int load_program(struct sp_error *err)
{
	static const char license[] = "Apache-2.0";
	struct bpf_insn program[16 + 4 * SP_COUNT(devices)];
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.expected_attach_type = BPF_CGROUP_DEVICE;
	attr.insns = (uintptr_t)program;
	attr.insn_cnt = (uint32_t)write_program(program);
	attr.license = (uintptr_t)license;
	memcpy(attr.prog_name, NAME, sizeof(attr.prog_name) - 1);
	for (char *c = attr.prog_name; *c; c++)
		*c = *c == '-' ? '_' : *c; /* it takes letters, digits and these */
	fd = sys_bpf(BPF_PROG_LOAD, &attr);
	return fd < 0 ? sp_fail_errno(err, "load the BPF program of devices") : fd;
}

int sp_devices_guard(const char *cgroup2_path, struct sp_error *err)
{
	sp_autoclose int cgroup = open(
		cgroup2_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	sp_autoclose int program = -1;
	union bpf_attr attr;

	if (cgroup < 0)
		return sp_fail_errno(err, "open cgroup %s", cgroup2_path);
	if (has_program(cgroup))
		return 0;
	program = load_program(err);
	if (program < 0)
		return program;
	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)cgroup;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = BPF_CGROUP_DEVICE;
	/* Beside what the host attaches: all of them must allow. */
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (sys_bpf(BPF_PROG_ATTACH, &attr) < 0)
		return sp_fail_errno(
			err, "attach the BPF program of devices to %s", cgroup2_path);
	return has_program(cgroup)
		? 0
		: sp_fail(err, SP_ERR_SYSTEM, "no BPF program of devices holds at %s",
			  cgroup2_path);
}
