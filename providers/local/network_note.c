/* SPDX-License-Identifier: Apache-2.0 */
/* The gate of a sandbox, found again by its note: shown, and ended. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/io.h"
#include "base/proc.h"
#include "providers/local/local.h"

#define DENIED_FILE_MAX (256 * 1024)
#define DENIED_SHOWN    100
#define END_MS          3000

struct gate_note {
	pid_t pid;
	uint64_t ticks;
	char *text; /* the lines after the first, or NULL */
	char *lines;
};

/* False when the sandbox has no gate. */
static bool read_note(int folder, struct gate_note *note)
{
	struct sp_bytes bytes = {0};
	unsigned long long ticks;

	if (sp_read_file_at(folder, SP_STATE_GATE, GATE_FILE_MAX, &bytes, NULL) < 0)
		return false;
	note->text = bytes.data;
	note->lines = strchr(bytes.data, '\n');
	if (!note->lines || sscanf(bytes.data, "%d %llu\n", &note->pid, &ticks) != 2 ||
		note->pid <= 1) {
		free(note->text);
		note->text = NULL;
		return false;
	}
	note->lines++;
	note->ticks = ticks;
	return true;
}

int local_network_hold(int base, const char *id)
{
	sp_autoclose int folder = sp_state_folder(base, id, NULL);
	struct gate_note note = {0};
	int fd = -1;

	if (folder < 0 || !read_note(folder, &note))
		return -1;
	fd = (int)syscall(SYS_pidfd_open, note.pid, 0);
	if (sp_proc_start_ticks(note.pid) != note.ticks)
		sp_close_fd(&fd);
	free(note.text);
	return fd;
}

/* Also a process that nobody has buried yet has ended. */
static bool has_ended(int gate_fd)
{
	struct pollfd p = {.fd = gate_fd, .events = POLLIN};

	return gate_fd < 0 || poll(&p, 1, 0) != 0;
}

void local_network_end(int gate_fd)
{
	struct pollfd p = {.fd = gate_fd, .events = POLLIN};
	int64_t deadline = sp_deadline_in(END_MS);
	int n;

	if (gate_fd < 0)
		return;
	do
		n = poll(&p, 1, sp_deadline_poll_ms(deadline));
	while (n < 0 && errno == EINTR);
	/* Its parts end with it, whatever it was doing. */
	if (n == 0)
		(void)syscall(SYS_pidfd_send_signal, gate_fd, SIGKILL, NULL, 0);
	close(gate_fd);
}

/* --- inspect -------------------------------------------------------------------------------------- */

static void add_to(struct json_object *list, struct json_object *item, bool *failed)
{
	if (!list || !item || json_object_array_add(list, item) < 0)
		*failed = true;
}

static void show_texts(struct json_object *doc, const char *name, const char *key,
	const struct gate_note *note, bool *failed)
{
	struct json_object *list = json_object_new_array();
	const size_t len = strlen(key);

	for (const char *at = note->lines; *at; at += strcspn(at, "\n"), at += *at != 0)
		if (strncmp(at, key, len) == 0)
			add_to(list,
				json_object_new_string_len(
					at + len, (int)strcspn(at + len, "\n")),
				failed);
	sp_json_put(doc, name, list, failed);
}

static struct json_object *port_json(const char *line, bool *failed)
{
	struct json_object *o = json_object_new_object();
	unsigned int port = 0, host_port = 0;

	(void)sscanf(line, "%u %u", &port, &host_port);
	sp_json_put_int(o, "port", port, failed);
	sp_json_put_int(o, "host_port", host_port, failed);
	return o;
}

/* "MS HOW WHAT WHY...": what is not UTF-8 was made printable by the gate, and again here. */
static struct json_object *denied_json(char *line, bool *failed)
{
	struct json_object *o = json_object_new_object();
	sp_autobuf struct sp_buf safe = SP_BUF_INIT(DENIED_FILE_MAX);
	char *rest, *at, *how, *what;

	sp_enc_printable(&safe, line, strlen(line));
	rest = sp_buf_take(&safe);
	if (!rest) {
		*failed = true;
		return o;
	}
	line = rest;
	at = strsep(&rest, " ");
	how = strsep(&rest, " ");
	what = strsep(&rest, " ");
	sp_json_put_int(o, "at_ms", strtoll(at, NULL, 10), failed);
	sp_json_put_str(o, "how", how ? how : "", failed);
	sp_json_put_str(o, "what", what ? what : "", failed);
	sp_json_put_str(o, "why", rest ? rest : "", failed);
	free(line);
	return o;
}

static void show_denied(struct json_object *doc, int folder, bool *failed)
{
	struct json_object *list = json_object_new_array();
	struct sp_bytes bytes = {0};
	sp_autofree char *text = NULL;
	char *rest, *start;
	size_t lines = 0;

	if (sp_read_file_at(folder, SP_STATE_DENIED, DENIED_FILE_MAX, &bytes, NULL) ==
		0) {
		text = bytes.data;
		for (rest = text; (rest = strchr(rest, '\n')); rest++)
			lines++;
		for (start = text; start && lines > DENIED_SHOWN; lines--)
			start = strchr(start, '\n') + 1;
		for (rest = start; rest && *rest;)
			add_to(list, denied_json(strsep(&rest, "\n"), failed), failed);
	}
	sp_json_put(doc, "denied", list, failed);
}

static void show_ports(
	struct json_object *doc, const struct gate_note *note, bool *failed)
{
	struct json_object *list = json_object_new_array();

	for (const char *at = note->lines; *at; at += strcspn(at, "\n"), at += *at != 0)
		if (strncmp(at, "port ", 5) == 0)
			add_to(list, port_json(at + 5, failed), failed);
	sp_json_put(doc, "ports", list, failed);
}

void local_network_show(struct json_object *doc, int base, const struct sp_record *r,
	bool is_running, bool *failed)
{
	sp_autoclose int folder = sp_state_folder(base, r->id, NULL);
	sp_autoclose int gate_fd = local_network_hold(base, r->id);
	const bool is_allow = r->network == SP_NETWORK_ALLOW;
	struct gate_note note = {0};
	const bool lives = !has_ended(gate_fd);

	if (folder < 0 || !read_note(folder, &note))
		return;
	sp_json_put_int(doc, "gate_pid", lives ? note.pid : 0, failed);
	sp_json_put_str(doc, "gate",
		lives                ? "running"
			: is_running ? "ended: the sandbox has no network any more"
				     : "ended",
		failed);
	show_ports(doc, &note, failed);
	if (is_allow) {
		show_texts(doc, "allow", "allow ", &note, failed);
		show_texts(doc, "credentials", "credential ", &note, failed);
		show_denied(doc, folder, failed);
	}
	free(note.text);
}

int local_network_again(const struct local *l, const struct sp_record *r,
	struct sp_strv *allow, struct sp_error *err)
{
	sp_autoclose int base = -1, folder = -1;
	struct gate_note note = {0};
	char *rest, *line;
	int rc = 0;

	if (r->network != SP_NETWORK_ALLOW)
		return 0;
	base = sp_state_open(l->sandboxes, err);
	folder = base < 0 ? base : sp_state_folder(base, r->id, err);
	if (folder < 0)
		return folder;
	if (!read_note(folder, &note))
		return sp_fail(err, SP_ERR_UNSUPPORTED,
			"what hosts sandbox %s may reach is not known", r->id);
	for (rest = note.lines; (line = strsep(&rest, "\n"));)
		if (strncmp(line, "allow ", 6) == 0)
			sp_strv_add(allow, line + 6);
		else if (strncmp(line, "credential ", 11) == 0)
			rc = sp_fail(err, SP_ERR_UNSUPPORTED,
				"sandbox %s has credentials, which are kept nowhere: "
				"make "
				"a snapshot of it, and a sandbox of that with them",
				r->id);
	free(note.text);
	return rc < 0 ? rc : sp_strv_ok(allow, err);
}
