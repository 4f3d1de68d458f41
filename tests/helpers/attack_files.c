/* SPDX-License-Identifier: Apache-2.0 */
/* From inside: files, devices and kernel settings of the host.  HOST_FILE names one. */
#include <dirent.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "tests/helpers/attack.h"

static void read_file(const struct attempt *a, char got[static GOT_MAX])
{
	char text[256];
	int fd = open(a->path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (n < 0)
		say_result(got, -1);
	else
		say(got, n ? "contents" : "empty");
}

/* HOST_FILE is there, and readable by everyone, on the host. */
static void read_host_file(const struct attempt *a, char got[static GOT_MAX])
{
	struct attempt b = *a;
	const char *file = getenv("HOST_FILE");

	b.path = file;
	if (file)
		read_file(&b, got);
	else
		say(got, "HOST_FILE is not set");
}

static void list_folder(const struct attempt *a, char got[static GOT_MAX])
{
	DIR *dir = opendir(a->path);
	struct dirent *e;
	size_t len = 0;

	if (!dir) {
		say_result(got, -1);
		return;
	}
	say(got, "empty");
	while ((e = readdir(dir)) && len < GOT_MAX - 1)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			len += (size_t)snprintf(got + len, GOT_MAX - len, "%s%s",
				len ? " " : "", e->d_name);
	closedir(dir);
}

/* By what it is and not by whether it may be written: the write itself is tried. */
static void write_file(const struct attempt *a, char got[static GOT_MAX])
{
	int fd = open(a->path, O_WRONLY | O_NONBLOCK);

	say_result(got, fd < 0 ? -1 : write(fd, "1", 1));
}

static void create_file(const struct attempt *a, char got[static GOT_MAX])
{
	say_result(got, open(a->path, O_CREAT | O_WRONLY, 0644));
}

static void unlink_file(const struct attempt *a, char got[static GOT_MAX])
{
	say_result(got, unlink(a->path));
}

static void open_device(const struct attempt *a, char got[static GOT_MAX])
{
	say_result(got, open(a->path, O_RDWR | O_NONBLOCK | O_NOCTTY));
}

static void make_device(const struct attempt *a, char got[static GOT_MAX])
{
	mode_t kind = a->arg ? S_IFBLK : S_IFCHR;
	unsigned int major = (unsigned int)a->number >> 8;
	unsigned int minor = (unsigned int)a->number & 0xff;

	if (mknod("/tmp/device", kind | 0666, makedev(major, minor)) < 0) {
		say_result(got, -1);
		return;
	}
	/* Where one can be made, opening it may still be refused. */
	say_result(got, open("/tmp/device", O_RDONLY | O_NONBLOCK));
	(void)unlink("/tmp/device");
}

/* Root in a chroot climbs out of it; what it must find there is the sandbox's own root. */
static void escape_chroot(const struct attempt *a, char got[static GOT_MAX])
{
	int top = open("/", O_RDONLY | O_DIRECTORY);

	(void)mkdir("/tmp/jail", 0755);
	if (chroot("/tmp/jail") < 0) {
		say_result(got, -1);
		return;
	}
	if (fchdir(top) < 0) {
		say_result(got, -1);
		return;
	}
	for (int i = 0; i < 64; i++)
		if (chdir("..") < 0)
			break;
	if (chroot(".") < 0)
		say_result(got, -1);
	else
		read_host_file(a, got);
}

static void climb_from_proc(const struct attempt *a, char got[static GOT_MAX])
{
	char path[4096];

	snprintf(path, sizeof(path), "/proc/self/root/../../../../%s",
		getenv("HOST_FILE") ? getenv("HOST_FILE") : "etc/shadow");
	say_result(got, open(path, O_RDONLY));
	(void)a;
}

/* The handle of any file of the disk can be guessed, where handles may be opened. */
static void open_handle(const struct attempt *a, char got[static GOT_MAX])
{
	union {
		struct file_handle h;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} u;
	int id, top = open("/usr", O_RDONLY);

	u.h.handle_bytes = MAX_HANDLE_SZ;
	(void)name_to_handle_at(AT_FDCWD, "/usr", &u.h, &id, 0);
	say_result(got, open_by_handle_at(top, &u.h, O_RDONLY));
	(void)a;
}

static void remount(const struct attempt *a, char got[static GOT_MAX])
{
	say_result(got, mount(NULL, a->path, NULL, MS_REMOUNT | MS_BIND, NULL));
}

static void unmount(const struct attempt *a, char got[static GOT_MAX])
{
	say_result(got, umount2(a->path, MNT_DETACH));
}

static void change_mode(const struct attempt *a, char got[static GOT_MAX])
{
	say_result(got, chmod(a->path, 0777));
}

/* Is a control group hierarchy mounted anywhere?  Its release_agent runs on the host. */
static void find_cgroups(const struct attempt *a, char got[static GOT_MAX])
{
	FILE *mounts = fopen("/proc/self/mountinfo", "r");
	char line[4096];

	say(got, mounts ? "none" : "no mountinfo");
	while (mounts && fgets(line, sizeof(line), mounts))
		if (strstr(line, " - cgroup"))
			say(got, "mounted");
	if (mounts)
		fclose(mounts);
	(void)a;
}

/* Of a host view the directories that hold other people's things are our own. */
static void read_passwords(const struct attempt *a, char got[static GOT_MAX])
{
	FILE *f = fopen("/etc/passwd", "r");
	char line[512];
	int count = 0;

	while (f && fgets(line, sizeof(line), f))
		count++;
	say(got, "%d invented users", count);
	(void)a;
}

#define CHR(major, minor) ((major) << 8 | (minor))

static const struct attempt table[] = {
	{"read a file of the host in /tmp", "ENOENT", read_host_file},
	{"read /etc/shadow", "ENOENT", read_file, "/etc/shadow"},
	{"read /etc/passwd", "3 invented users", read_passwords},
	{"list /root", "empty|EACCES", list_folder, "/root"},
	{"list /home", "empty", list_folder, "/home"},
	{"list /var", "tmp", list_folder, "/var"},
	{"list /run", "empty", list_folder, "/run"},
	{"list /srv", "empty", list_folder, "/srv"},
	{"list /tmp", "empty", list_folder, "/tmp"},
	{"list /boot", "ENOENT", list_folder, "/boot"},
	{"list /sys", "ENOENT", list_folder, "/sys"},
	{"list /etc/ssl", "certs", list_folder, "/etc/ssl"},
	{"open the socket of Docker", "ENOENT", open_device, "/var/run/docker.sock"},
	{"climb out of /proc/self/root", "ENOENT", climb_from_proc},
	{"climb out of a chroot", "ENOENT|EPERM", escape_chroot},
	{"open a file of the disk by handle", "EPERM", open_handle},
	{"create a file in /usr", "EROFS", create_file, "/usr/bin/intruder"},
	{"overwrite /usr/bin/true", "EROFS|EACCES", write_file, "/usr/bin/true"},
	{"remove /usr/bin/true", "EROFS", unlink_file, "/usr/bin/true"},
	{"change the mode of /usr", "EROFS", change_mode, "/usr"},
	{"make /usr writable", "EPERM", remount, "/usr"},
	{"make /proc/sys writable", "EPERM", remount, "/proc/sys"},
	{"uncover /proc/keys", "EPERM", unmount, "/proc/keys"},
	{"uncover /proc/sys", "EPERM", unmount, "/proc/sys"},
	{"uncover what lies below /", "EPERM", unmount, "/"},
	{"find a control group hierarchy", "none", find_cgroups},
	{"write a release_agent", "ENOENT", write_file,
		"/sys/fs/cgroup/memory/release_agent"},
	{"write core_pattern", "EROFS|EACCES", write_file,
		"/proc/sys/kernel/core_pattern"},
	{"write modprobe", "EROFS|EACCES|ENOENT", write_file,
		"/proc/sys/kernel/modprobe"},
	{"write kernel.hostname", "EROFS|EACCES", write_file,
		"/proc/sys/kernel/hostname"},
	{"write vm.drop_caches", "EROFS|EACCES", write_file,
		"/proc/sys/vm/drop_caches"},
	{"write user.max_user_namespaces", "EROFS|EACCES", write_file,
		"/proc/sys/user/max_user_namespaces"},
	{"write net.ipv4.ip_forward", "EROFS|EACCES|ENOENT", write_file,
		"/proc/sys/net/ipv4/ip_forward"},
	{"write sysrq-trigger", "EROFS|EACCES|ENOENT", write_file,
		"/proc/sysrq-trigger"},
	{"write /proc/irq/default_smp_affinity", "EROFS|EACCES|ENOENT", write_file,
		"/proc/irq/default_smp_affinity"},
	{"read /proc/kcore", "empty|ENOENT|EACCES", read_file, "/proc/kcore"},
	{"read /proc/kmsg", "EACCES|EPERM", read_file, "/proc/kmsg"},
	{"read /proc/keys", "empty|ENOENT", read_file, "/proc/keys"},
	{"read /proc/key-users", "empty|ENOENT", read_file, "/proc/key-users"},
	{"read /proc/timer_list", "empty|ENOENT", read_file, "/proc/timer_list"},
	{"read /proc/slabinfo", "empty|ENOENT", read_file, "/proc/slabinfo"},
	{"read /proc/vmallocinfo", "empty|ENOENT", read_file, "/proc/vmallocinfo"},
	{"read /proc/interrupts", "empty|ENOENT", read_file, "/proc/interrupts"},
	{"read /proc/pagetypeinfo", "empty|ENOENT", read_file, "/proc/pagetypeinfo"},
	{"list /proc/acpi", "empty|ENOENT", list_folder, "/proc/acpi"},
	{"list /proc/scsi", "empty|ENOENT", list_folder, "/proc/scsi"},
	{"make the device of a disk", "EACCES|EPERM", make_device, NULL, CHR(8, 0), 1},
	{"make the device mem", "EACCES|EPERM", make_device, NULL, CHR(1, 1)},
	{"make the device kmsg", "EACCES|EPERM", make_device, NULL, CHR(1, 11)},
	{"make the device fuse", "EACCES|EPERM", make_device, NULL, CHR(10, 229)},
	{"make the device kvm", "EACCES|EPERM", make_device, NULL, CHR(10, 232)},
	{"make a file in /dev", "EROFS|EACCES", create_file, "/dev/intruder"},
	{"open /dev/mem", "ENOENT", open_device, "/dev/mem"},
	{"open /dev/kmsg", "ENOENT", open_device, "/dev/kmsg"},
	{"open /dev/kvm", "ENOENT", open_device, "/dev/kvm"},
	{"open /dev/fuse", "ENOENT", open_device, "/dev/fuse"},
	{"open /dev/net/tun", "ENOENT", open_device, "/dev/net/tun"},
	{"open /dev/loop-control", "ENOENT", open_device, "/dev/loop-control"},
	{"open /dev/vsock", "ENOENT", open_device, "/dev/vsock"},
	{"open /dev/vda", "ENOENT", open_device, "/dev/vda"},
	{"open /dev/console", "ENOENT", open_device, "/dev/console"},
	{"open the caller's terminal by /dev/tty", "ENXIO", open_device, "/dev/tty"},
};

int main(void)
{
	return run_attempts("files", table, COUNT_OF(table));
}
