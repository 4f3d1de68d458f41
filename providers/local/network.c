/* SPDX-License-Identifier: Apache-2.0 */
/* The gate's starter: it is told everything in a sealed memory file, nothing by arguments. */
#include "providers/local/network.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/io.h"
#include "base/proc.h"
#include "providers/local/gate/nat.h"
#include "providers/local/local.h"

#define RESOLV_MAX (64 * 1024)
#define TEXT_MAX   (1024 * 1024)
#define REPORT_S   60

#define PROXY_URL "http://127.0.0.1:3128"
_Static_assert(GATE_PROXY_PORT == 3128, "said twice");

/*
 * HTTP for every scheme: a client that finds a SOCKS address there and has no library for it
 * often does not start at all.
 */
static const char *const proxy_env[] = {"HTTP_PROXY=" PROXY_URL,
	"http_proxy=" PROXY_URL, "HTTPS_PROXY=" PROXY_URL, "https_proxy=" PROXY_URL,
	"ALL_PROXY=" PROXY_URL, "all_proxy=" PROXY_URL,
	"NO_PROXY=localhost,127.0.0.1,::1", "no_proxy=localhost,127.0.0.1,::1", NULL};

/* Where programs look for certificates instead of where the system has them. */
static const char *const bundle_env[] = {"SSL_CERT_FILE=" GATE_CA_BUNDLE,
	"CURL_CA_BUNDLE=" GATE_CA_BUNDLE, "REQUESTS_CA_BUNDLE=" GATE_CA_BUNDLE,
	"NODE_EXTRA_CA_CERTS=" GATE_CA_BUNDLE, "GIT_SSL_CAINFO=" GATE_CA_BUNDLE,
	"PIP_CERT=" GATE_CA_BUNDLE, "CARGO_HTTP_CAINFO=" GATE_CA_BUNDLE,
	"AWS_CA_BUNDLE=" GATE_CA_BUNDLE, NULL};

void local_network_clear(struct local_network *n)
{
	free(n->hosts);
	free(n->resolv);
	free(n->nat_path);
	*n = (struct local_network){0};
}

bool local_network_needs_gate(const struct sp_sandbox_spec *spec)
{
	return spec->network == SP_NETWORK_ALLOW || spec->network == SP_NETWORK_NAT ||
		spec->port_count > 0;
}

/* --- Planning ------------------------------------------------------------------------------- */

/* What the caller has set stays as it is. */
static void default_env(struct sp_strv *env, const char *const *list)
{
	for (; *list; list++) {
		const size_t len = strcspn(*list, "=") + 1;
		bool is_set = false;

		for (size_t i = 0; i < env->count; i++)
			is_set |= strncmp(env->items[i], *list, len) == 0;
		if (!is_set)
			sp_strv_add(env, *list);
	}
}

static int plan_rules(const struct sp_sandbox_spec *spec, struct gate_rules *rules,
	struct sp_error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && spec->allow && spec->allow[i]; i++)
		rc = gate_rules_add(rules, spec->allow[i], err);
	return rc;
}

static int check_credentials(const struct sp_sandbox_spec *spec,
	const struct gate_rules *rules, struct sp_error *err)
{
	for (size_t i = 0; i < spec->credential_count; i++) {
		const char *host = spec->credentials[i].host;
		char normal[GATE_HOST_MAX];

		if (!gate_host_normal(host, strlen(host), normal) ||
			!gate_rules_know(rules, normal))
			return sp_fail(err, SP_ERR_INVALID,
				"credential: host \"%.64s\" is not allowed, so nothing "
				"would be sent there: add it to --network allow=",
				host);
	}
	return 0;
}

static int plan_hosts(
	const struct gate_rules *rules, struct local_network *n, struct sp_error *err)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(TEXT_MAX);
	const char *host;
	int rc;

	sp_buf_adds(&text, "127.0.0.1 localhost sandbox\n::1 localhost\n");
	for (uint32_t i = 0; (host = gate_rules_name(rules, i)); i++) {
		uint32_t address = GATE_NAMES_NET + i + 1;

		sp_buf_addf(&text, "%u.%u.%u.%u %s\n", address >> 24,
			address >> 16 & 255, address >> 8 & 255, address & 255, host);
	}
	rc = sp_buf_ok(&text, err);
	if (rc == 0)
		n->hosts = sp_buf_take(&text);
	return rc;
}

static int set_resolv(struct local_network *n, const char *text, struct sp_error *err)
{
	n->resolv = strdup(text);
	return n->resolv ? 0 : sp_fail(err, SP_ERR_NOMEM, "out of memory");
}

static int plan_allow(const struct sp_sandbox_spec *spec, struct local_network *n,
	struct sp_record *r, struct sp_error *err)
{
	SP_AUTO(gate_rules_clear) struct gate_rules rules = {0};
	int rc = plan_rules(spec, &rules, err);

	if (rc == 0)
		rc = check_credentials(spec, &rules, err);
	if (rc == 0)
		rc = plan_hosts(&rules, n, err);
	if (rc == 0)
		rc = set_resolv(n, "nameserver 127.0.0.1\n", err);
	if (rc < 0)
		return rc;
	default_env(&r->env, proxy_env);
	if (spec->credential_count)
		default_env(&r->env, bundle_env);
	return sp_strv_ok(&r->env, err);
}

static char *find_program(const char *name)
{
	static const char *const folders[] = {"/usr/bin", "/usr/local/bin", "/bin"};
	char path[64];

	for (size_t i = 0; i < SP_COUNT(folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", folders[i], name);
		if (access(path, X_OK) == 0)
			return strdup(path);
	}
	return NULL;
}

/* Is the host's first resolver one on its own loopback, which pasta keeps out of reach? */
static bool resolver_is_loopback(void)
{
	struct sp_bytes text = {0};
	sp_autofree char *owned = NULL;
	const char *at;

	if (sp_read_file_at(AT_FDCWD, "/etc/resolv.conf", RESOLV_MAX, &text, NULL) < 0)
		return false;
	owned = text.data;
	for (at = owned; at && strncmp(at, "nameserver", 10) != 0;) {
		at = strchr(at, '\n');
		at += at != NULL;
	}
	if (!at)
		return false;
	at += 10;
	at += strspn(at, " \t");
	return strncmp(at, "127.", 4) == 0 || strncmp(at, "::1", 3) == 0;
}

int local_network_plan_nat(struct local_network *n, struct sp_error *err)
{
	sp_autofree char *pasta = find_program("pasta");
	sp_autofree char *slirp = find_program("slirp4netns");
	const bool takes_pasta = pasta && !(slirp && resolver_is_loopback());

	if (!pasta && !slirp)
		return sp_fail(err, SP_ERR_UNSUPPORTED,
			"network nat needs pasta or slirp4netns, and neither is "
			"installed: install the package passt (or slirp4netns)");
	if (access("/dev/net/tun", R_OK | W_OK) < 0)
		return sp_fail_errno(err,
			"network nat needs /dev/net/tun, readable and writable "
			"(modprobe tun, mode 0666)");
	n->nat = takes_pasta ? GATE_NAT_PASTA : GATE_NAT_SLIRP;
	n->nat_path = takes_pasta ? sp_take_ptr(pasta) : sp_take_ptr(slirp);
	return set_resolv(n,
		takes_pasta ? "nameserver " NAT_PASTA_DNS "\n"
			    : "nameserver " NAT_SLIRP_DNS "\n",
		err);
}

/* In the host's network names are looked up as the host does. */
static int plan_host(struct local_network *n)
{
	struct sp_bytes text = {0};

	if (sp_read_file_at(AT_FDCWD, "/etc/resolv.conf", RESOLV_MAX, &text, NULL) == 0)
		n->resolv = text.data;
	return 0;
}

int local_network_plan(const struct sp_sandbox_spec *spec, struct local_network *n,
	struct sp_record *r, struct sp_error *err)
{
	switch (spec->network) {
	case SP_NETWORK_ALLOW:
		return plan_allow(spec, n, r, err);
	case SP_NETWORK_NAT:
		return local_network_plan_nat(n, err);
	case SP_NETWORK_HOST:
		return plan_host(n);
	default:
		return 0;
	}
}

/* --- Starting --------------------------------------------------------------------------------- */

static int fill_plan(const struct sp_sandbox_spec *spec, const struct local_network *n,
	enum gate_life life, struct gate_plan *plan, struct sp_error *err)
{
	const char *ca_file = getenv("SSL_CERT_FILE");
	int rc = plan_rules(spec, &plan->rules, err);

	plan->life = life;
	plan->network = spec->network ? spec->network : SP_NETWORK_NONE;
	plan->nat = n ? (enum gate_nat)n->nat : GATE_NAT_NONE;
	for (size_t i = 0; rc == 0 && i < spec->credential_count; i++)
		rc = gate_plan_credential(plan, spec->credentials[i].host,
			spec->credentials[i].header, spec->credentials[i].value, err);
	if (rc == 0 && spec->port_count > GATE_PORTS_MAX)
		rc = sp_fail(err, SP_ERR_LIMIT, "more than %d ports", GATE_PORTS_MAX);
	if (rc < 0)
		return rc;
	if (spec->port_count)
		memcpy(plan->ports, spec->ports,
			spec->port_count * sizeof(*spec->ports));
	plan->port_count = spec->port_count;
	if (n && n->nat_path)
		plan->nat_path = strdup(n->nat_path);
	/* What OpenSSL would read in the caller's own process. */
	if (ca_file && *ca_file)
		plan->ca_file = strdup(ca_file);
	return (n && n->nat_path && !plan->nat_path) ||
			(ca_file && *ca_file && !plan->ca_file)
		? sp_fail(err, SP_ERR_NOMEM, "out of memory")
		: 0;
}

static int write_plan(const struct gate_plan *plan, struct sp_error *err)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(GATE_PLAN_MAX);
	int fd, rc;

	gate_plan_print(&text, plan);
	rc = sp_buf_ok(&text, err);
	fd = rc < 0 ? rc : sp_sealed_memfd("sandpit-gate", text.data, text.len, err);
	if (text.data)
		explicit_bzero(text.data, text.len);
	return fd;
}

/* Descriptors the gate is started with, by their numbers there. */
struct handles {
	int fds[GATE_FD_COUNT];
	int control; /* our end */
	pid_t pid;
	struct gate_report report;
};

static struct handles no_handles(void)
{
	struct handles h = {.control = -1};

	for (int i = 0; i < GATE_FD_COUNT; i++)
		h.fds[i] = -1;
	return h;
}

static void handles_clear(struct handles *h)
{
	for (int i = 0; i < GATE_FD_COUNT; i++)
		sp_close_fd(&h->fds[i]);
	sp_close_fd(&h->control);
}

static int open_of_supervisor(
	const struct sp_supervisor *s, int number, int *out, struct sp_error *err)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", s->pid, number);
	*out = open(path, O_RDONLY | O_CLOEXEC);
	return *out < 0
		? sp_fail_errno(err, "open %s of the sandbox's supervisor", path)
		: 0;
}

/* The supervisor keeps its sandbox's namespaces open; its pidfd tells of the end. */
static int open_supervisor(
	struct handles *h, const struct sp_supervisor *s, struct sp_error *err)
{
	int rc;

	h->fds[GATE_FD_SUPERVISOR] = (int)syscall(SYS_pidfd_open, s->pid, 0);
	if (h->fds[GATE_FD_SUPERVISOR] < 0)
		return sp_fail_errno(err, "watch the sandbox's supervisor");
	rc = open_of_supervisor(
		s, SP_RUNNER_NS_FD + SP_NS_USER, &h->fds[GATE_FD_USER], err);
	if (rc == 0)
		rc = open_of_supervisor(
			s, SP_RUNNER_NS_FD + SP_NS_MNT, &h->fds[GATE_FD_MNT], err);
	if (rc == 0)
		rc = open_of_supervisor(
			s, SP_RUNNER_NS_FD + SP_NS_NET, &h->fds[GATE_FD_NET], err);
	if (rc < 0)
		return rc;
	/* After opening: what was opened belonged to this process and no other. */
	if (sp_proc_start_ticks(s->pid) != s->start_ticks)
		return sp_fail(err, SP_ERR_NOT_FOUND, "the sandbox ended");
	return 0;
}

static int open_denied(struct handles *h, int folder, struct sp_error *err)
{
	h->fds[GATE_FD_DENIED] = openat(folder, SP_STATE_DENIED,
		O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return h->fds[GATE_FD_DENIED] < 0
		? sp_fail_errno(err, "open the list of what was refused")
		: 0;
}

static int read_report(struct handles *h, struct sp_error *err)
{
	const struct timeval patience = {.tv_sec = REPORT_S};
	ssize_t n;

	(void)setsockopt(
		h->control, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	do
		n = recv(h->control, &h->report, sizeof(h->report), 0);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(h->report))
		return sp_fail(err, SP_ERR_SYSTEM, "sandpit-gate ended without a word");
	if (!h->report.error.code)
		return 0;
	if (err)
		*err = h->report.error;
	return h->report.error.code;
}

/* Until it works, or says why not. */
static int spawn_gate(const struct local *l, struct handles *h,
	const struct gate_plan *plan, struct sp_error *err)
{
	static const char *const argv[] = {"sandpit-gate", NULL};
	struct sp_spawn s = {.path = l->gate, .argv = argv, .fd_count = GATE_FD_COUNT};
	int pair[2];
	pid_t pid;

	h->fds[GATE_FD_PLAN] = write_plan(plan, err);
	if (h->fds[GATE_FD_PLAN] < 0)
		return h->fds[GATE_FD_PLAN];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return sp_fail_errno(err, "make a socket pair");
	h->control = pair[0];
	h->fds[GATE_FD_CONTROL] = pair[1];
	memcpy(s.fds, h->fds, sizeof(h->fds));
	pid = sp_spawn(&s, NULL, err);
	sp_close_fd(&h->fds[GATE_FD_CONTROL]);
	if (pid < 0)
		return pid;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		; /* the first process, which leaves at once */
	return read_report(h, err);
}

/* "PID TICKS", then what is shown of it: "port INSIDE OUTSIDE", "allow HOST" and so on. */
static int note_gate(int folder, const struct gate_report *report,
	const struct gate_plan *plan, struct sp_error *err)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(GATE_FILE_MAX);
	sp_autoclose int fd = -1;
	int rc;

	sp_buf_addf(&text, "%d %llu\n", report->pid,
		(unsigned long long)sp_proc_start_ticks(report->pid));
	for (size_t i = 0; i < report->port_count; i++)
		sp_buf_addf(&text, "port %u %u\n", report->ports[i].port,
			report->ports[i].host_port);
	for (size_t i = 0; i < plan->rules.count; i++)
		sp_buf_addf(&text, "allow %s\n", plan->rules.items[i].text);
	for (size_t i = 0; i < plan->credential_count; i++)
		sp_buf_addf(&text, "credential %s\n", plan->credentials[i].host);
	rc = sp_buf_ok(&text, err);
	if (rc < 0)
		return rc;
	fd = openat(folder, SP_STATE_GATE,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return sp_fail_errno(err, "note the gate");
	return sp_write_all(fd, text.data, text.len, err);
}

int local_network_start(const struct local *l, const struct sp_sandbox_spec *spec,
	const struct local_network *n, const struct sp_record *r, enum gate_life life,
	int *control, struct sp_error *err)
{
	SP_AUTO(gate_plan_clear)
	struct gate_plan plan = {.is_privileged = r->is_privileged};
	SP_AUTO(handles_clear) struct handles h = no_handles();
	sp_autoclose int base = -1, folder = -1;
	struct sp_supervisor s = {0};
	enum sp_liveness liveness;
	int rc;

	if (!local_network_needs_gate(spec))
		return 0;
	base = sp_state_open(l->sandboxes, err);
	rc = base < 0 ? base : sp_state_life(base, r->id, &liveness, &s, err);
	if (rc == 0 && liveness != SP_LIFE_RUNNING)
		rc = sp_fail(err, SP_ERR_NOT_FOUND, "the sandbox ended");
	if (rc == 0)
		rc = open_supervisor(&h, &s, err);
	if (rc == 0) {
		folder = sp_state_folder(base, r->id, err);
		rc = folder < 0 ? folder : open_denied(&h, folder, err);
	}
	if (rc == 0)
		rc = fill_plan(spec, n, life, &plan, err);
	if (rc == 0)
		rc = spawn_gate(l, &h, &plan, err);
	if (rc == 0)
		rc = note_gate(folder, &h.report, &plan, err);
	if (rc == 0 && control)
		*control = sp_take_fd(h.control);
	return rc;
}

/* --- sandpit port ---------------------------------------------------------------------------------- */

/* Until the caller has had enough, or the gate ends, which it does with the sandbox. */
static int wait_forwarding(int control, int cancel_fd, struct sp_error *err)
{
	struct pollfd p[2] = {
		{.fd = control, .events = POLLIN}, {.fd = cancel_fd, .events = POLLIN}};
	int n;

	do
		n = poll(p, 2, -1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return sp_fail_errno(err, "wait for the end of the forwarding");
	return 0;
}

static int find_kept(const struct local *l, const char *id, struct sp_record *r,
	struct sp_supervisor *s, struct sp_error *err)
{
	sp_autoclose int base = sp_state_open(l->sandboxes, err);
	enum sp_liveness life;
	int rc = base < 0 ? base : sp_state_life(base, id, &life, s, err);

	if (rc == 0 && life != SP_LIFE_RUNNING)
		rc = sp_fail(err, SP_ERR_NOT_FOUND, "sandbox %s does not run", id);
	if (rc == 0)
		rc = sp_state_read(base, id, r, err);
	if (rc == 0 && !r->is_kept)
		rc = sp_fail(err, SP_ERR_UNSUPPORTED,
			"sandbox %s belongs to one command of 'run': publish the port "
			"with -P there",
			id);
	return rc;
}

int local_port(struct sp_provider *p, const char *id, const struct sp_port *port,
	int cancel_fd, void (*on_ready)(void *ctx, const struct sp_port *port),
	void *ctx, struct sp_error *err)
{
	const struct local *l = local_of(p);
	struct sp_sandbox_spec spec = {.ports = port, .port_count = 1};
	SP_AUTO(gate_plan_clear) struct gate_plan plan = {0};
	SP_AUTO(handles_clear) struct handles h = no_handles();
	sp_autorecord struct sp_record r = {0};
	struct sp_supervisor s = {0};
	int rc = find_kept(l, id, &r, &s, err);

	if (rc == 0)
		rc = open_supervisor(&h, &s, err);
	if (rc < 0)
		return rc;
	spec.network = r.network;
	plan.is_privileged = r.is_privileged;
	rc = fill_plan(&spec, NULL, GATE_ATTACHED, &plan, err);
	if (rc == 0)
		rc = spawn_gate(l, &h, &plan, err);
	if (rc < 0)
		return rc;
	if (on_ready)
		on_ready(ctx, &h.report.ports[0]);
	return wait_forwarding(h.control, cancel_fd, err);
}
