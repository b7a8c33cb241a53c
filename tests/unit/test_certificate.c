/* test_certificate.c - signing in with a certificate. Keys, certificates and the check of what was
 * signed are GnuTLS's, while the program signs with OpenSSL. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <libfastjson/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "fetch/token.h"
#include "login_help.h"

#define NOW INT64_C(1767225300)
#define DAY INT64_C(86400)

struct fixture {
	struct login login;
	struct clock_fake clock;
	char directory[LOGIN_DIRECTORY];
	/* under the server's lock */
	char assertion[8000], type[100], secret[100], path[200];
	unsigned logins;
	unsigned stale; /* so many assertions are refused as outside their time */
};

/* One for all tests: making keys is slow. */
static gnutls_x509_privkey_t keys[2];

static void must(int code)
{
	if (code < 0)
		fail_msg("%s", gnutls_strerror(code));
}

static gnutls_x509_privkey_t key_new(gnutls_pk_algorithm_t kind, unsigned bits)
{
	gnutls_x509_privkey_t key;

	must(gnutls_x509_privkey_init(&key));
	must(gnutls_x509_privkey_generate(key, kind, bits, 0));
	return key;
}

static void write_file(const char *name, const void *p, size_t n)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, p, n) != (ssize_t)n || close(fd))
		abort();
}

static void write_key(const char *name, gnutls_x509_privkey_t key, const char *password)
{
	gnutls_datum_t pem;

	must(gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, password,
		password ? GNUTLS_PKCS_PBES2_AES_256 : GNUTLS_PKCS_PLAIN, &pem));
	write_file(name, pem.data, pem.size);
	gnutls_free(pem.data);
}

/* Signed by its own key; times in seconds. out may be NULL. */
static void write_certificate(const char *name, gnutls_x509_privkey_t key,
	int64_t begins, int64_t ends, gnutls_x509_crt_t *out)
{
	static uint8_t serial = 1;
	gnutls_x509_crt_t crt;
	gnutls_datum_t pem;

	serial++;
	must(gnutls_x509_crt_init(&crt));
	must(gnutls_x509_crt_set_version(crt, 3));
	must(gnutls_x509_crt_set_key(crt, key));
	must(gnutls_x509_crt_set_serial(crt, &serial, 1));
	must(gnutls_x509_crt_set_activation_time(crt, (time_t)begins));
	must(gnutls_x509_crt_set_expiration_time(crt, (time_t)ends));
	must(gnutls_x509_crt_set_dn_by_oid(
		crt, GNUTLS_OID_X520_COMMON_NAME, 0, "relay", 5));
	must(gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0));
	must(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem));
	write_file(name, pem.data, pem.size);
	gnutls_free(pem.data);
	if (out)
		*out = crt;
	else
		gnutls_x509_crt_deinit(crt);
}

static void handle(struct exchange *x, void *context)
{
	static const char good[] = "{\"access_token\":\"abc\",\"expires_in\":3600}",
			  stale[] = "{\"error\":\"invalid_client\","
				    "\"error_codes\":[700024]}";
	struct fixture *f = context;

	server_lock(x->server);
	f->logins++;
	snprintf(f->path, sizeof(f->path), "%.190s", x->path);
	snprintf(f->assertion, sizeof(f->assertion), "%.7900s",
		exchange_field(x, "client_assertion"));
	snprintf(f->type, sizeof(f->type), "%.90s",
		exchange_field(x, "client_assertion_type"));
	snprintf(f->secret, sizeof(f->secret), "%.90s",
		exchange_field(x, "client_secret"));
	if (f->stale) {
		f->stale--;
		exchange_reply(x, 401, "", stale, sizeof(stale) - 1);
	} else {
		exchange_reply(x, 200, "", good, sizeof(good) - 1);
	}
	server_unlock(x->server);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	for (int i = 0; i < 2; i++)
		if (!keys[i])
			keys[i] = key_new(GNUTLS_PK_RSA, 2048);
	login_enter_directory(f->directory);
	clock_fake_init(&f->clock, NOW * TICKS_PER_S);
	login_open(&f->login, &f->clock.clock, "unused", 2000, handle, f);
	f->login.sign_in = (struct credential_options){
		.certificate_file = "crt.pem", .key_file = "key.pem"};
	login_token(&f->login);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	login_close(&f->login);
	login_leave_directory(f->directory);
	free(f);
	return 0;
}

/* Part of a JWT, decoded; for free(). */
static unsigned char *decode(const char *p, size_t n, size_t *out_n)
{
	char *text = calloc(1, n + 4);
	gnutls_datum_t in, out;
	unsigned char *copy;

	for (size_t i = 0; i < n; i++) {
		assert_true(
			strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			       "0123456789-_",
				p[i]));
		text[i] = (char)(p[i] == '-' ? '+' : p[i] == '_' ? '/' : p[i]);
	}
	while (n % 4)
		text[n++] = '=';
	in = (gnutls_datum_t){(unsigned char *)text, (unsigned)n};
	must(gnutls_base64_decode2(&in, &out));
	copy = calloc(1, out.size + 1);
	memcpy(copy, out.data, out.size);
	*out_n = out.size;
	gnutls_free(out.data);
	free(text);
	return copy;
}

static struct fjson_object *decode_json(const char *p, size_t n)
{
	size_t text_n;
	unsigned char *text = decode(p, n, &text_n);
	struct fjson_object *object = fjson_tokener_parse((char *)text);

	assert_non_null(object);
	free(text);
	return object;
}

static const char *text_of(struct fjson_object *object, const char *name)
{
	struct fjson_object *value = NULL;

	assert_true(fjson_object_object_get_ex(object, name, &value));
	return fjson_object_get_string(value);
}

static int64_t number_of(struct fjson_object *object, const char *name)
{
	struct fjson_object *value = NULL;

	assert_true(fjson_object_object_get_ex(object, name, &value));
	assert_true(fjson_object_is_type(value, fjson_type_int));
	return fjson_object_get_int64(value);
}

/* What was sent is signed by this certificate's key; returns the claims. */
static struct fjson_object *verify(struct fixture *f, gnutls_x509_crt_t crt)
{
	const char *dot = strchr(f->assertion, '.'),
		   *end = dot ? strchr(dot + 1, '.') : NULL;
	struct fjson_object *header, *claims;
	gnutls_datum_t data, signature;
	unsigned char digest[32], *sent;
	size_t n = sizeof(digest);
	gnutls_pubkey_t key;
	const char *print;

	assert_non_null(end);
	header = decode_json(f->assertion, (size_t)(dot - f->assertion));
	claims = decode_json(dot + 1, (size_t)(end - dot - 1));
	assert_string_equal(text_of(header, "alg"), "PS256");
	assert_string_equal(text_of(header, "typ"), "JWT");
	print = text_of(header, "x5t#S256");
	assert_int_equal(strlen(print), 43);
	must(gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, digest, &n));
	sent = decode(print, strlen(print), &n);
	assert_int_equal(n, sizeof(digest));
	assert_memory_equal(sent, digest, n);
	free(sent);
	data = (gnutls_datum_t){
		(unsigned char *)f->assertion, (unsigned)(end - f->assertion)};
	signature.data = decode(end + 1, strlen(end + 1), &n);
	signature.size = (unsigned)n;
	must(gnutls_pubkey_init(&key));
	must(gnutls_pubkey_import_x509(key, crt, 0));
	must(gnutls_pubkey_verify_data2(
		key, GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, 0, &data, &signature));
	f->assertion[0] ^= 1;
	assert_true(gnutls_pubkey_verify_data2(key, GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, 0,
			    &data, &signature) < 0);
	gnutls_pubkey_deinit(key);
	free(signature.data);
	fjson_object_put(header);
	return claims;
}

static struct login_waiter ask(struct fixture *f)
{
	struct login_waiter w;

	token_drop(f->login.token);
	w = login_ask(&f->login, NULL);
	assert_null(strstr(w.err.text, "pa55"));
	return w;
}

static void signs_what_login_checks(void **state)
{
	struct fixture *f = *state;
	struct fjson_object *claims;
	gnutls_x509_crt_t crt, renewed;
	char url[300], jti[100];

	write_certificate("crt.pem", keys[0], NOW - DAY, NOW + 300 * DAY, &crt);
	write_key("key.pem", keys[0], NULL);
	assert_int_equal(ask(f).rc, RC_OK);
	assert_string_equal(
		f->type, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
	assert_string_equal(f->secret, "");
	claims = verify(f, crt);
	snprintf(url, sizeof(url), "%s/" TENANT "/oauth2/v2.0/token",
		server_root(f->login.server));
	assert_string_equal(text_of(claims, "aud"), url);
	assert_string_equal(text_of(claims, "iss"), f->login.options.client_id);
	assert_string_equal(text_of(claims, "sub"), f->login.options.client_id);
	assert_int_equal(number_of(claims, "nbf"), NOW);
	assert_int_equal(number_of(claims, "iat"), NOW);
	assert_int_equal(number_of(claims, "exp"), NOW + 600);
	snprintf(jti, sizeof(jti), "%s", text_of(claims, "jti"));
	assert_int_equal(strlen(jti), 36);
	assert_int_equal(jti[14], '4');
	fjson_object_put(claims);

	/* A fresh one each time; and what was renewed needs no restart. */
	write_certificate("crt.pem", keys[1], NOW - DAY, NOW + 600 * DAY, &renewed);
	write_key("key.pem", keys[1], NULL);
	f->login.options.v1 = true;
	f->login.options.resource = "https://graph.windows.net";
	clock_fake_pass(&f->clock, 5000);
	assert_int_equal(ask(f).rc, RC_OK);
	claims = verify(f, renewed);
	assert_string_not_equal(text_of(claims, "jti"), jti);
	assert_int_equal(number_of(claims, "nbf"), NOW + 5);
	fjson_object_put(claims);

	/* Outside its time by login's clock: once more at once, not for ever. */
	f->logins = 0;
	f->stale = 1;
	assert_int_equal(ask(f).rc, RC_OK);
	assert_int_equal(f->logins, 2);
	f->stale = 9;
	{
		struct login_waiter w = ask(f);

		assert_int_equal(w.rc, RC_AUTH);
		assert_int_equal(f->logins, 4);
		assert_non_null(strstr(w.err.text, "(NTP)"));
		assert_non_null(strstr(w.err.text, "(certificate_file crt.pem)"));
	}
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_crt_deinit(renewed);
}

static void audience_of_v1(void **state)
{
	struct fixture *f = *state;
	struct fjson_object *claims;
	gnutls_x509_crt_t crt;
	char url[300];

	write_certificate("crt.pem", keys[0], NOW - DAY, NOW + 300 * DAY, &crt);
	write_key("key.pem", keys[0], "pa55 word");
	write_file("password", "pa55 word\n", 10);
	f->login.options.v1 = true;
	f->login.options.resource = "https://graph.windows.net";
	f->login.sign_in.key_password_file = "password";
	login_token(&f->login);
	assert_int_equal(ask(f).rc, RC_OK);
	claims = verify(f, crt);
	snprintf(url, sizeof(url), "%s/" TENANT "/oauth2/token",
		server_root(f->login.server));
	assert_string_equal(text_of(claims, "aud"), url);
	fjson_object_put(claims);
	gnutls_x509_crt_deinit(crt);
}

static void refused_here(struct fixture *f, const char *says)
{
	unsigned before = f->logins;
	struct login_waiter w;

	login_token(&f->login);
	w = ask(f);
	assert_int_equal(w.rc, RC_AUTH);
	assert_int_equal(w.retry_after_ms, 60000);
	if (!strstr(w.err.text, says))
		fail_msg("\"%s\" does not say \"%s\"", w.err.text, says);
	assert_int_equal(f->logins, before);
}

static void what_is_wrong_is_said(void **state)
{
	struct fixture *f = *state;
	gnutls_x509_privkey_t small = key_new(GNUTLS_PK_RSA, 1024),
			      curve = key_new(GNUTLS_PK_ECDSA,
				      GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1));

	refused_here(f, "crt.pem with the certificate cannot be opened");
	write_certificate("crt.pem", keys[0], NOW - DAY, NOW + 300 * DAY, NULL);
	refused_here(f, "key.pem with the key cannot be opened");
	write_key("key.pem", keys[1], NULL);
	refused_here(f, "is not the one of the certificate");
	write_key("key.pem", keys[0], "pa55");
	refused_here(f, "is encrypted; name the file with its password");
	f->login.sign_in.key_password_file = "password";
	write_file("password", "pa55word", 8);
	refused_here(f, "cannot be read with the password in password");
	f->login.sign_in.key_password_file = NULL;
	write_file("key.pem", "nothing", 7);
	refused_here(f, "key.pem holds no key that can be read");
	write_key("key.pem", keys[0], NULL);
	assert_int_equal(chmod("key.pem", 0640), 0);
	refused_here(f, "run chmod 600 key.pem");
	assert_int_equal(chmod("key.pem", 0600), 0);
	write_file("crt.pem", "nothing", 7);
	refused_here(f, "crt.pem holds no certificate");
	write_certificate("crt.pem", keys[0], NOW - 9 * DAY, NOW - DAY, NULL);
	refused_here(f, "ended at 2025-12-30T23:55:00Z; put a new one there");
	write_certificate("crt.pem", keys[0], NOW + DAY, NOW + 9 * DAY, NULL);
	refused_here(f, "begins at 2026-01-01T23:55:00Z only");
	write_certificate("crt.pem", small, NOW - DAY, NOW + 300 * DAY, NULL);
	write_key("key.pem", small, NULL);
	refused_here(f, "of 1024 bits; Microsoft takes RSA of 2048 bits");
	write_certificate("crt.pem", curve, NOW - DAY, NOW + 300 * DAY, NULL);
	write_key("key.pem", curve, NULL);
	refused_here(f, "not RSA but of 256 bits");
	gnutls_x509_privkey_deinit(small);
	gnutls_x509_privkey_deinit(curve);
}

static unsigned lines_with(const char *name, const char *words)
{
	char line[1000];
	unsigned count = 0;
	FILE *file = fopen(name, "re");

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		count += strstr(line, words) != NULL;
	fclose(file);
	return count;
}

static void its_end_is_announced(void **state)
{
	struct fixture *f = *state;
	struct error err;

	assert_int_equal(log_open("file:log", &err), RC_OK);
	log_set_level(LOG_WARNING);
	write_key("key.pem", keys[0], NULL);
	write_certificate("crt.pem", keys[0], NOW - DAY, NOW + 31 * DAY, NULL);
	assert_int_equal(ask(f).rc, RC_OK);
	assert_int_equal(lines_with("log", "ends soon"), 0);
	clock_fake_pass(&f->clock, 2 * DAY * 1000);
	assert_int_equal(ask(f).rc, RC_OK);
	assert_int_equal(ask(f).rc, RC_OK);
	assert_int_equal(lines_with("log", "ends soon"), 1);
	assert_int_equal(
		lines_with("log", "file=crt.pem ends=2026-01-31T23:55:00Z"), 1);
	assert_int_equal(lines_with("log", "days=29"), 1);
	write_certificate("crt.pem", keys[0], NOW - DAY, NOW + 9 * DAY, NULL);
	assert_int_equal(ask(f).rc, RC_OK);
	assert_int_equal(lines_with("log", "ends soon"), 2);
	log_close();
	log_set_level(LOG_ERR);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(signs_what_login_checks),
		TEST(audience_of_v1),
		TEST(what_is_wrong_is_said),
		TEST(its_end_is_announced),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	for (int i = 0; i < 2; i++)
		if (keys[i])
			gnutls_x509_privkey_deinit(keys[i]);
	return failed;
}
