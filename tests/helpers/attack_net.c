/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From inside: the host's network and sockets.  HOST_PORT listens on the host's loopback
 * addresses, HOST_SOCKET is an abstract socket and HOST_SHM shared memory there.
 */
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/helpers/attack.h"

static in_port_t port_of(const struct attempt *a)
{
	const char *text = getenv("HOST_PORT");

	return htons((in_port_t)(a->number ? a->number
			: text             ? strtol(text, NULL, 10)
					   : 1));
}

static void connect4(const struct attempt *a, char got[static GOT_MAX])
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = port_of(a)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	inet_pton(AF_INET, a->path, &to.sin_addr);
	say_result(got, fd < 0 ? -1 : connect(fd, (void *)&to, sizeof(to)));
}

static void connect6(const struct attempt *a, char got[static GOT_MAX])
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = port_of(a)};
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	inet_pton(AF_INET6, a->path, &to.sin6_addr);
	say_result(got, fd < 0 ? -1 : connect(fd, (void *)&to, sizeof(to)));
}

static void send4(const struct attempt *a, char got[static GOT_MAX])
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = port_of(a)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	inet_pton(AF_INET, a->path, &to.sin_addr);
	say_result(got, fd < 0 ? -1 : sendto(fd, "x", 1, 0, (void *)&to, sizeof(to)));
}

static void connect_abstract(const struct attempt *a, char got[static GOT_MAX])
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	const char *name = getenv("HOST_SOCKET");
	size_t len = name ? strlen(name) : 0;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (!name || len > sizeof(to.sun_path) - 1) {
		say(got, "HOST_SOCKET is not set");
		return;
	}
	memcpy(to.sun_path + 1, name, len);
	len += offsetof(struct sockaddr_un, sun_path) + 1;
	say_result(got, fd < 0 ? -1 : connect(fd, (void *)&to, (socklen_t)len));
	(void)a;
}

static void list_interfaces(const struct attempt *a, char got[static GOT_MAX])
{
	struct if_nameindex *all = if_nameindex();
	size_t len = 0;

	for (struct if_nameindex *i = all; i && i->if_name && len < GOT_MAX - 1; i++)
		len += (size_t)snprintf(
			got + len, GOT_MAX - len, "%s%s", len ? " " : "", i->if_name);
	if (all)
		if_freenameindex(all);
	(void)a;
}

/* The first line is a heading. */
static void list_sockets(const struct attempt *a, char got[static GOT_MAX])
{
	FILE *f = fopen(a->path, "r");
	char line[512];
	int count = -1;

	while (f && fgets(line, sizeof(line), f))
		count++;
	say(got, count <= 0 ? "none" : "%d", count);
	if (f)
		fclose(f);
}

static void add_interface(const struct attempt *a, char got[static GOT_MAX])
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg info;
	} ask = {.head = {.nlmsg_len = sizeof(ask),
			 .nlmsg_type = RTM_NEWLINK,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE}};
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char room[512];
	} answer;
	int fd = socket(AF_NETLINK, SOCK_RAW, 0);

	if (fd < 0 || send(fd, &ask, sizeof(ask), 0) < 0 ||
		recv(fd, &answer, sizeof(answer), 0) < 0) {
		say_result(got, -1);
		return;
	}
	errno = -answer.error.error;
	say_result(got, answer.error.error);
	(void)a;
}

static void take_loopback_down(const struct attempt *a, char got[static GOT_MAX])
{
	struct ifreq r = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	say_result(got, fd < 0 ? -1 : ioctl(fd, SIOCSIFFLAGS, &r));
	(void)a;
}

/* Firewall tables were a way to root more than once; they ask for CAP_NET_ADMIN. */
static void read_firewall(const struct attempt *a, char got[static GOT_MAX])
{
	char info[84] = "filter";
	socklen_t len = sizeof(info);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	say_result(got,
		fd < 0 ? -1
		       : getsockopt(fd, IPPROTO_IP, 64 /* get info */, info, &len));
	(void)a;
}

/* HOST_SHM is the key of a piece of memory that everybody on the host may attach. */
static void attach_memory(const struct attempt *a, char got[static GOT_MAX])
{
	const char *text = getenv("HOST_SHM");

	if (text)
		say_result(got, shmget((key_t)strtol(text, NULL, 10), 0, 0));
	else
		say(got, "HOST_SHM is not set");
	(void)a;
}

static void listen_to_kernel(const struct attempt *a, char got[static GOT_MAX])
{
	struct sockaddr_nl to = {
		.nl_family = AF_NETLINK, .nl_groups = (unsigned int)a->arg};
	int fd = socket(AF_NETLINK, SOCK_RAW, (int)a->number);

	say_result(got, fd < 0 ? -1 : bind(fd, (void *)&to, sizeof(to)));
}

static const struct attempt table[] = {
	{"list network interfaces", "lo", list_interfaces},
	{"connect to the host's 127.0.0.1", "ECONNREFUSED", connect4, "127.0.0.1"},
	{"connect to the host's ::1", "ECONNREFUSED|EADDRNOTAVAIL|EPERM", connect6,
		"::1"},
	{"connect to an address of the world", "ENETUNREACH", connect4, "192.0.2.1",
		80},
	{"connect to an IPv6 address of the world", "ENETUNREACH", connect6,
		"2001:db8::1", 80},
	{"connect to the metadata address", "ENETUNREACH", connect4, "169.254.169.254",
		80},
	{"connect to a private address", "ENETUNREACH", connect4, "10.0.0.1", 80},
	{"send a datagram to a name server", "ENETUNREACH", send4, "192.0.2.53", 53},
	{"broadcast", "ENETUNREACH|EACCES", send4, "255.255.255.255", 67},
	{"connect to an abstract socket of the host", "ECONNREFUSED", connect_abstract},
	{"attach shared memory of the host", "ENOENT", attach_memory},
	{"see shared memory of the host", "none", list_sockets, "/proc/sysvipc/shm"},
	{"hear of devices of the host", "EPERM", listen_to_kernel, NULL,
		NETLINK_KOBJECT_UEVENT, 1},
	{"see TCP sockets of the host", "none", list_sockets, "/proc/net/tcp"},
	{"see UDP sockets of the host", "none", list_sockets, "/proc/net/udp"},
	{"see Unix sockets of the host", "none", list_sockets, "/proc/net/unix"},
	{"add a network interface", "EPERM", add_interface},
	{"take the loopback down", "EPERM", take_loopback_down},
	{"read the firewall", "EPERM|ENOPROTOOPT", read_firewall},
};

int main(void)
{
	return run_attempts("network", table, COUNT_OF(table));
}
