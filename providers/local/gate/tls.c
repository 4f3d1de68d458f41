/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/local/gate/tls.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/io.h"
#include "providers/local/gate/stream.h"

#define WHY_MAX         160
#define BUNDLE_FILE_MAX (8u << 20)
#define DAY_SECONDS     86400L
#define CA_DAYS         3650
#define LEAF_DAYS       90
#define X509_VERSION_3_ 2

struct gate_tls {
	EVP_PKEY *ca_key, *leaf_key;
	X509 *ca;
	SSL_CTX *inside, *outside;
};

/* Where systems keep the certificates they trust. */
static const char *const bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
	"/etc/ssl/cert.pem",
};

static int fail_ssl(struct sp_error *err, const char *what)
{
	unsigned long code = ERR_get_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return sp_fail(
		err, SP_ERR_SYSTEM, "%s: %s", what, reason ? reason : "TLS library");
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;
	bool ok;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = extension && X509_add_ext(cert, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return ok;
}

static bool set_serial(X509 *cert)
{
	BIGNUM *number = BN_new();
	bool ok = number && BN_rand(number, 120, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
		BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));

	BN_free(number);
	return ok;
}

/* A certificate with a name, a serial number, a key and a time, not signed yet. */
static X509 *new_certificate(EVP_PKEY *key, const char *name, long days)
{
	X509 *cert = X509_new();
	X509_NAME *subject = cert ? X509_get_subject_name(cert) : NULL;

	if (subject && X509_set_version(cert, X509_VERSION_3_) && set_serial(cert) &&
		X509_set_pubkey(cert, key) &&
		X509_gmtime_adj(X509_getm_notBefore(cert), -DAY_SECONDS) &&
		X509_gmtime_adj(X509_getm_notAfter(cert), days * DAY_SECONDS) &&
		X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
			(const unsigned char *)name, -1, -1, 0))
		return cert;
	X509_free(cert);
	return NULL;
}

/* It can sign for the hosts with credentials and no others: not even by mistake. */
static bool constrain(X509 *ca, const struct gate_plan *plan)
{
	sp_autobuf struct sp_buf names = SP_BUF_INIT(64 * 1024);

	sp_buf_adds(&names, "critical");
	for (size_t i = 0; i < plan->credential_count; i++) {
		const char *host = plan->credentials[i].host;
		struct gate_address a;

		if (!gate_address_parse(host, &a))
			sp_buf_addf(&names, ",permitted;DNS:%s", host);
		else if (a.is_ipv6)
			sp_buf_addf(&names,
				",permitted;IP:%s/"
				"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
				host);
		else
			sp_buf_addf(&names, ",permitted;IP:%s/255.255.255.255", host);
	}
	return !names.failed &&
		add_extension(ca, ca, NID_name_constraints, sp_buf_str(&names));
}

static int make_authority(
	struct gate_tls *t, const struct gate_plan *plan, struct sp_error *err)
{
	t->ca_key = EVP_EC_gen("P-256");
	t->leaf_key = EVP_EC_gen("P-256");
	if (!t->ca_key || !t->leaf_key)
		return fail_ssl(err, "make keys");
	t->ca = new_certificate(t->ca_key, "sandpit, this sandbox only", CA_DAYS);
	if (!t->ca || !X509_set_issuer_name(t->ca, X509_get_subject_name(t->ca)) ||
		!add_extension(t->ca, t->ca, NID_basic_constraints,
			"critical,CA:TRUE,pathlen:0") ||
		!add_extension(t->ca, t->ca, NID_key_usage, "critical,keyCertSign") ||
		!add_extension(t->ca, t->ca, NID_subject_key_identifier, "hash") ||
		!constrain(t->ca, plan) || !X509_sign(t->ca, t->ca_key, EVP_sha256()))
		return fail_ssl(err, "make a certificate authority");
	return 0;
}

static X509 *make_leaf(struct gate_tls *t, const char *host)
{
	X509 *cert = new_certificate(t->leaf_key, "sandpit", LEAF_DAYS);
	char name[GATE_HOST_MAX + 8];
	struct gate_address a;

	snprintf(name, sizeof(name), "%s:%s",
		gate_address_parse(host, &a) ? "IP" : "DNS", host);
	if (cert && X509_set_issuer_name(cert, X509_get_subject_name(t->ca)) &&
		add_extension(
			cert, t->ca, NID_basic_constraints, "critical,CA:FALSE") &&
		add_extension(
			cert, t->ca, NID_key_usage, "critical,digitalSignature") &&
		add_extension(cert, t->ca, NID_ext_key_usage, "serverAuth") &&
		add_extension(cert, t->ca, NID_authority_key_identifier, "keyid") &&
		add_extension(cert, t->ca, NID_subject_alt_name, name) &&
		X509_sign(cert, t->ca_key, EVP_sha256()))
		return cert;
	X509_free(cert);
	return NULL;
}

static int add_authority(const struct gate_tls *t, struct sp_buf *bundle)
{
	BIO *memory = BIO_new(BIO_s_mem());
	char *text = NULL;
	long len = 0;

	if (memory && PEM_write_bio_X509(memory, t->ca))
		len = BIO_get_mem_data(memory, &text);
	if (len > 0)
		sp_buf_add(bundle, text, (size_t)len);
	BIO_free(memory);
	return len > 0 ? 0 : -1;
}

static const char *find_bundle(const struct gate_plan *plan)
{
	if (plan->ca_file)
		return plan->ca_file;
	for (size_t i = 0; i < SP_COUNT(bundles); i++)
		if (access(bundles[i], R_OK) == 0)
			return bundles[i];
	return NULL;
}

static int fill_bundle(const struct gate_tls *t, const char *path,
	struct sp_buf *bundle, struct sp_error *err)
{
	struct sp_bytes bytes = {0};
	int rc = sp_read_file_at(AT_FDCWD, path, BUNDLE_FILE_MAX, &bytes, err);

	if (rc < 0)
		return sp_wrap(err, rc, "certificates %s", path);
	sp_buf_add(bundle, bytes.data, bytes.len);
	free(bytes.data);
	sp_buf_addc(bundle, '\n');
	if (add_authority(t, bundle) < 0)
		return fail_ssl(err, "print a certificate");
	return sp_buf_ok(bundle, err);
}

/* HTTP/1.1 is what is spoken on both sides, whatever else a client offers. */
static int select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
	const unsigned char *in, unsigned int in_len, void *arg)
{
	static const unsigned char http11[] = "\x08http/1.1";

	(void)ssl;
	(void)arg;
	for (unsigned int i = 0; i < in_len; i += in[i] + 1u)
		if (in[i] == 8 && i + 9 <= in_len && memcmp(in + i, http11, 9) == 0) {
			*out = in + i + 1;
			*out_len = 8;
			return SSL_TLSEXT_ERR_OK;
		}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int make_contexts(struct gate_tls *t, const char *bundle, struct sp_error *err)
{
	static const unsigned char http11[] = "\x08http/1.1";

	t->inside = SSL_CTX_new(TLS_server_method());
	t->outside = SSL_CTX_new(TLS_client_method());
	if (!t->inside || !t->outside ||
		!SSL_CTX_set_min_proto_version(t->inside, TLS1_2_VERSION) ||
		!SSL_CTX_set_min_proto_version(t->outside, TLS1_2_VERSION))
		return fail_ssl(err, "start TLS");
	if (!SSL_CTX_load_verify_file(t->outside, bundle))
		return fail_ssl(err, "read the certificates to trust");
	SSL_CTX_set_verify(t->outside, SSL_VERIFY_PEER, NULL);
	(void)SSL_CTX_set_alpn_protos(t->outside, http11, sizeof(http11) - 1);
	SSL_CTX_set_alpn_select_cb(t->inside, select_protocol, NULL);
	(void)SSL_CTX_set_session_cache_mode(t->inside, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_num_tickets(t->inside, 0);
	return 0;
}

int tls_open(const struct gate_plan *plan, struct gate_tls **out, struct sp_buf *bundle,
	struct sp_error *err)
{
	struct gate_tls *t = calloc(1, sizeof(*t));
	const char *path = find_bundle(plan);
	int rc;

	if (!t)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	/* It lives as long as the process, which ends when this fails. */
	*out = t;
	if (!path)
		return sp_fail(err, SP_ERR_UNSUPPORTED,
			"credentials need the certificates this machine trusts, and "
			"none of the usual files is there: install ca-certificates, or "
			"set SSL_CERT_FILE");
	rc = make_authority(t, plan, err);
	if (rc == 0)
		rc = make_contexts(t, path, err);
	return rc < 0 ? rc : fill_bundle(t, path, bundle, err);
}

static SSL *new_session(SSL_CTX *ctx, int fd)
{
	SSL *ssl = SSL_new(ctx);

	if (ssl && SSL_set_fd(ssl, fd))
		return ssl;
	SSL_free(ssl);
	return NULL;
}

bool tls_accept(struct gate_tls *t, struct stream *s, const char *host)
{
	SSL *ssl = new_session(t->inside, s->fd);
	X509 *leaf = make_leaf(t, host);
	bool ok = ssl && leaf && SSL_use_certificate(ssl, leaf) == 1 &&
		SSL_use_PrivateKey(ssl, t->leaf_key) == 1 && SSL_accept(ssl) == 1;

	X509_free(leaf);
	if (ok)
		s->tls = ssl;
	else
		SSL_free(ssl);
	ERR_clear_error();
	return ok;
}

static bool expect_name(SSL *ssl, const char *host)
{
	char name[GATE_HOST_MAX]; /* the macro takes const away */
	struct gate_address a;

	if (gate_address_parse(host, &a))
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
	snprintf(name, sizeof(name), "%s", host);
	return SSL_set_tlsext_host_name(ssl, name) == 1 &&
		SSL_set1_host(ssl, host) == 1;
}

bool tls_connect(struct gate_tls *t, struct stream *s, const char *host, char *why)
{
	SSL *ssl = new_session(t->outside, s->fd);
	long verdict;

	if (ssl && expect_name(ssl, host) && SSL_connect(ssl) == 1) {
		s->tls = ssl;
		return true;
	}
	verdict = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;
	snprintf(why, WHY_MAX, "TLS: %s",
		verdict == X509_V_OK ? "the handshake broke off"
				     : X509_verify_cert_error_string(verdict));
	SSL_free(ssl);
	ERR_clear_error();
	return false;
}
