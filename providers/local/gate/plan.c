/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/local/gate/plan.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "base/enc.h"

#define WORDS_MAX       3
#define CREDENTIALS_MAX 128

void gate_plan_clear(struct gate_plan *plan)
{
	for (size_t i = 0; i < plan->credential_count; i++) {
		struct gate_credential *c = &plan->credentials[i];

		free(c->host);
		free(c->header);
		if (c->value)
			explicit_bzero(c->value, strlen(c->value));
		free(c->value);
	}
	free(plan->credentials);
	free(plan->nat_path);
	free(plan->ca_file);
	gate_rules_clear(&plan->rules);
	memset(plan, 0, sizeof(*plan));
}

int gate_plan_credential(struct gate_plan *plan, const char *host, const char *header,
	const char *value, struct sp_error *err)
{
	struct gate_credential *all, *c;

	if (plan->credential_count == CREDENTIALS_MAX)
		return sp_fail(
			err, SP_ERR_LIMIT, "more than %d credentials", CREDENTIALS_MAX);
	all = reallocarray(plan->credentials, plan->credential_count + 1, sizeof(*all));
	if (!all)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	plan->credentials = all;
	c = &all[plan->credential_count++];
	*c = (struct gate_credential){.host = calloc(1, GATE_HOST_MAX),
		.header = strdup(header),
		.value = strdup(value)};
	if (!c->host || !c->header || !c->value)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	if (!gate_host_normal(host, strlen(host), c->host))
		return sp_fail(err, SP_ERR_INVALID,
			"credential: \"%.64s\" is no name of a host", host);
	return 0;
}

const struct gate_credential *gate_plan_find(
	const struct gate_plan *plan, const char *host)
{
	for (size_t i = 0; i < plan->credential_count; i++)
		if (strcmp(plan->credentials[i].host, host) == 0)
			return &plan->credentials[i];
	return NULL;
}

/* --- Text: "KEY VALUE..." lines, each value percent-encoded ---------------------------- */

static void print_line(struct sp_buf *out, const char *key, const char *const *values)
{
	sp_buf_adds(out, key);
	for (; *values; values++) {
		sp_buf_addc(out, ' ');
		sp_enc_percent(out, *values);
	}
	sp_buf_addc(out, '\n');
}

static void print_text(struct sp_buf *out, const char *key, const char *value)
{
	if (value)
		print_line(out, key, (const char *const[]){value, NULL});
}

void gate_plan_print(struct sp_buf *out, const struct gate_plan *plan)
{
	sp_buf_addf(out, "life %d\nnetwork %d\nprivileged %d\nnat %d\n", plan->life,
		plan->network, plan->is_privileged, plan->nat);
	print_text(out, "nat_path", plan->nat_path);
	print_text(out, "ca_file", plan->ca_file);
	for (size_t i = 0; i < plan->rules.count; i++)
		print_text(out, "allow", plan->rules.items[i].text);
	for (size_t i = 0; i < plan->credential_count; i++) {
		const struct gate_credential *c = &plan->credentials[i];

		print_line(out, "credential",
			(const char *const[]){c->host, c->header, c->value, NULL});
	}
	for (size_t i = 0; i < plan->port_count; i++)
		sp_buf_addf(out, "port %u %u\n", plan->ports[i].port,
			plan->ports[i].host_port);
}

static int number(const char *text, int64_t max, int64_t *out, struct sp_error *err)
{
	return sp_parse_int(text, 0, max, out, err);
}

static int keep_port(struct gate_plan *plan, const char *port, const char *host_port,
	struct sp_error *err)
{
	int64_t inside = 0, outside = 0;
	int rc = number(port, 65535, &inside, err);

	if (rc == 0)
		rc = number(host_port, 65535, &outside, err);
	if (rc == 0 && plan->port_count == GATE_PORTS_MAX)
		rc = sp_fail(err, SP_ERR_LIMIT, "more than %d ports", GATE_PORTS_MAX);
	if (rc == 0)
		plan->ports[plan->port_count++] = (struct sp_port){
			.port = (uint16_t)inside, .host_port = (uint16_t)outside};
	return rc;
}

static int keep_text(char **to, const char *value, struct sp_error *err)
{
	free(*to);
	*to = strdup(value);
	return *to ? 0 : sp_fail(err, SP_ERR_NOMEM, "out of memory");
}

static int keep_number(
	struct gate_plan *plan, const char *key, const char *text, struct sp_error *err)
{
	int64_t n = 0;
	int rc = number(text, 16, &n, err);

	if (rc < 0)
		return rc;
	if (strcmp(key, "life") == 0)
		plan->life = (enum gate_life)n;
	else if (strcmp(key, "network") == 0)
		plan->network = (enum sp_network)n;
	else if (strcmp(key, "privileged") == 0)
		plan->is_privileged = n != 0;
	else if (strcmp(key, "nat") == 0)
		plan->nat = (enum gate_nat)n;
	else
		return sp_fail(err, SP_ERR_PROTOCOL, "unknown line \"%.40s\"", key);
	return 0;
}

static int keep_line(struct gate_plan *plan, const char *key, char *const *words,
	int count, struct sp_error *err)
{
	if (strcmp(key, "credential") == 0 && count == 3)
		return gate_plan_credential(plan, words[0], words[1], words[2], err);
	if (strcmp(key, "port") == 0 && count == 2)
		return keep_port(plan, words[0], words[1], err);
	if (count != 1)
		return sp_fail(err, SP_ERR_PROTOCOL, "broken line \"%.40s\"", key);
	if (strcmp(key, "allow") == 0)
		return gate_rules_add(&plan->rules, words[0], err);
	if (strcmp(key, "nat_path") == 0)
		return keep_text(&plan->nat_path, words[0], err);
	if (strcmp(key, "ca_file") == 0)
		return keep_text(&plan->ca_file, words[0], err);
	return keep_number(plan, key, words[0], err);
}

static int decode_word(char *word, struct sp_buf *out, struct sp_error *err)
{
	int rc = sp_dec_percent(out, word, strlen(word), err);

	if (rc == 0)
		rc = sp_buf_ok(out, err);
	if (rc == 0 && strlen(sp_buf_str(out)) != out->len)
		rc = sp_fail(err, SP_ERR_PROTOCOL, "a zero byte");
	return rc;
}

static int parse_line(struct gate_plan *plan, char *line, struct sp_error *err)
{
	struct sp_buf values[WORDS_MAX] = {SP_BUF_INIT(GATE_PLAN_MAX),
		SP_BUF_INIT(GATE_PLAN_MAX), SP_BUF_INIT(GATE_PLAN_MAX)};
	char *words[WORDS_MAX];
	char *rest = line;
	char *key = strsep(&rest, " ");
	int count = 0;
	int rc = 0;

	for (char *word; rc == 0 && (word = strsep(&rest, " ")); count++) {
		rc = count == WORDS_MAX
			? sp_fail(err, SP_ERR_PROTOCOL, "a line too long")
			: decode_word(word, &values[count], err);
		/* An added "" leaves the buffer without memory. */
		if (rc == 0)
			words[count] = values[count].data ? values[count].data : word;
	}
	if (rc == 0)
		rc = keep_line(plan, key, words, count, err);
	for (int i = 0; i < WORDS_MAX; i++) {
		if (values[i].data)
			explicit_bzero(values[i].data, values[i].len);
		sp_buf_clear(&values[i]);
	}
	return rc;
}

int gate_plan_parse(
	const char *text, size_t len, struct gate_plan *out, struct sp_error *err)
{
	struct gate_plan plan = {0};
	sp_autofree char *copy = strndup(text, len);
	char *rest = copy;
	int rc = copy ? 0 : sp_fail(err, SP_ERR_NOMEM, "out of memory");

	while (rc == 0 && rest && *rest)
		rc = parse_line(&plan, strsep(&rest, "\n"), err);
	if (rc == 0 && !plan.life)
		rc = sp_fail(err, SP_ERR_PROTOCOL, "the plan is not whole");
	if (copy)
		explicit_bzero(copy, len);
	if (rc < 0)
		gate_plan_clear(&plan);
	else
		*out = plan;
	return rc;
}
