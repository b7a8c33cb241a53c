/* A certificate: each token request carries an assertion that its key signed. Facts 1.2; RFC 7523,
 * RFC 7515, RFC 7518 section 3.5 (PS256). Both files are read for each one. */
#include "config.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "fetch/credential_way.h"
#include "fetch/error_answer.h"
#include "fetch/secret.h"

#define KEY_BITS 2048
#define LIFE_S 600
#define DAY_S 86400
#define WARN_DAYS 30
#define DIGEST 32

static const struct secret_rule certificate_rule = {
	.what = "certificate", .max_bytes = 65536, .kind = SECRET_FILE};
static const struct secret_rule key_rule = {
	.what = "key", .max_bytes = 65536, .private = true, .kind = SECRET_FILE};
static const struct secret_rule password_rule = {
	.what = "password", .max_bytes = 1023, .private = true};

struct certificate_part {
	struct credential_part part;
	unsigned char warned[DIGEST]; /* of the one whose end was announced */
};

/* What the files hold. */
struct pair {
	X509 *certificate;
	EVP_PKEY *key;
	unsigned char thumbprint[DIGEST];
	int64_t ends_s;
};

static void pair_clear(struct pair *pair)
{
	X509_free(pair->certificate);
	EVP_PKEY_free(pair->key);
	*pair = (struct pair){0};
}

/* OpenSSL asks at the terminal when it is given no function. */
static int give_password(char *to, int size, int writing, void *context)
{
	const char *password = context;
	size_t n = password ? strlen(password) : 0;

	(void)writing;
	if (!password || n > (size_t)size)
		return -1;
	memcpy(to, password, n);
	return (int)n;
}

static const char *openssl_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	return reason ? reason : "no reason given";
}

static int64_t time_of(const ASN1_TIME *at)
{
	struct tm tm;

	return ASN1_TIME_to_tm(at, &tm) ? (int64_t)timegm(&tm) : 0;
}

static const char *date_text(int64_t at_s, char out[TIME_TEXT])
{
	time_format(at_s * TICKS_PER_S, 0, out);
	return out;
}

static enum rc certificate_read(const char *path, struct pair *pair, struct error *err)
{
	char *text;
	enum rc rc = secret_read(path, &certificate_rule, &text, err);
	BIO *bio;

	if (rc != RC_OK)
		return rc;
	bio = BIO_new_mem_buf(text, -1);
	pair->certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	BIO_free(bio);
	secret_free(text); /* the key may be in it */
	if (!pair->certificate)
		return error_set(err, RC_AUTH,
			"%s holds no certificate that can be read (%s); write it as "
			"PEM, with -----BEGIN CERTIFICATE-----",
			path, openssl_reason());
	if (!X509_digest(pair->certificate, EVP_sha256(), pair->thumbprint, NULL))
		return error_set(err, RC_AUTH, "%s cannot be hashed: %s", path,
			openssl_reason());
	pair->ends_s = time_of(X509_get0_notAfter(pair->certificate));
	return RC_OK;
}

static enum rc check_time(
	const char *path, int64_t now_s, const struct pair *pair, struct error *err)
{
	int64_t begins_s = time_of(X509_get0_notBefore(pair->certificate));
	char when[TIME_TEXT];

	if (now_s >= pair->ends_s)
		return error_set(err, RC_AUTH,
			"the certificate in %s ended at %s; put a new one there, its "
			"key into key_file, and upload it to the app registration",
			path, date_text(pair->ends_s, when));
	if (now_s < begins_s)
		return error_set(err, RC_AUTH,
			"the certificate in %s begins at %s only; check this machine's "
			"clock",
			path, date_text(begins_s, when));
	return RC_OK;
}

static enum rc key_parse(const struct credential_options *options, const char *text,
	const char *password, struct pair *pair, struct error *err)
{
	const char *path = options->key_file;
	BIO *bio = BIO_new_mem_buf(text, -1);

	pair->key = bio ? PEM_read_bio_PrivateKey(
				  bio, NULL, give_password, (void *)(uintptr_t)password)
			: NULL;
	BIO_free(bio);
	if (!pair->key && !password && strstr(text, "ENCRYPTED"))
		return error_set(err, RC_AUTH,
			"the key in %s is encrypted; name the file with its password "
			"in key_password_file",
			path);
	if (!pair->key && password)
		return error_set(err, RC_AUTH,
			"the key in %s cannot be read with the password in %s (%s)",
			path, options->key_password_file, openssl_reason());
	if (!pair->key)
		return error_set(err, RC_AUTH,
			"%s holds no key that can be read (%s); write it as PEM, with "
			"-----BEGIN PRIVATE KEY-----",
			path, openssl_reason());
	if (!EVP_PKEY_is_a(pair->key, "RSA") || EVP_PKEY_get_bits(pair->key) < KEY_BITS)
		return error_set(err, RC_AUTH,
			"the key in %s is %s of %d bits; Microsoft takes RSA of %d "
			"bits or more",
			path, EVP_PKEY_is_a(pair->key, "RSA") ? "RSA" : "not RSA but",
			EVP_PKEY_get_bits(pair->key), KEY_BITS);
	return RC_OK;
}

static enum rc key_read(
	const struct credential_options *options, struct pair *pair, struct error *err)
{
	char *text = NULL, *password = NULL;
	enum rc rc = RC_OK;

	if (options->key_password_file)
		rc = secret_read(
			options->key_password_file, &password_rule, &password, err);
	if (rc == RC_OK)
		rc = secret_read(options->key_file, &key_rule, &text, err);
	if (rc == RC_OK)
		rc = key_parse(options, text, password, pair, err);
	secret_free(text);
	secret_free(password);
	return rc;
}

static enum rc check_belongs(const struct credential_options *options,
	const struct pair *pair, struct error *err)
{
	if (X509_check_private_key(pair->certificate, pair->key) == 1)
		return RC_OK;
	return error_set(err, RC_AUTH,
		"the key in %s is not the one of the certificate in %s; put both of "
		"the same pair there",
		options->key_file, options->certificate_file);
}

static enum rc pair_read(const struct credential_options *options, int64_t now_s,
	struct pair *pair, struct error *err)
{
	enum rc rc;

	ERR_clear_error();
	rc = certificate_read(options->certificate_file, pair, err);
	if (rc == RC_OK)
		rc = check_time(options->certificate_file, now_s, pair, err);
	if (rc == RC_OK)
		rc = key_read(options, pair, err);
	if (rc == RC_OK)
		rc = check_belongs(options, pair, err);
	ERR_clear_error();
	return rc;
}

/* Not its time: one customer's certificate must not keep the others' alerts from being pulled. */
void credential_certificate_check(const struct credential_options *options,
	credential_wrong *wrong, void *context)
{
	struct pair pair = {0};
	struct error err;
	bool certificate, key;

	ERR_clear_error();
	certificate = certificate_read(options->certificate_file, &pair, &err) == RC_OK;
	if (!certificate)
		wrong(context, "certificate_file", err.text);
	key = key_read(options, &pair, &err) == RC_OK;
	if (!key)
		wrong(context, "key_file", err.text);
	if (certificate && key && check_belongs(options, &pair, &err) != RC_OK)
		wrong(context, "key_file", err.text);
	pair_clear(&pair);
	ERR_clear_error();
}

static void add_base64url(struct strbuf *out, const void *data, size_t n)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const unsigned char *p = data;

	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i < 3 ? n - i : 3;
		uint32_t bits = (uint32_t)p[i] << 16 |
				(left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
				(left > 2 ? (uint32_t)p[i + 2] : 0);

		for (size_t k = 0; k <= left; k++)
			strbuf_addc(out, digits[bits >> (18 - 6 * k) & 63]);
	}
}

/* JSON text of values from the configuration: a URL and a GUID, but any octets make valid JSON. */
static void add_json_text(struct strbuf *out, const char *text)
{
	strbuf_addc(out, '"');
	for (; *text; text++)
		if (*text == '"' || *text == '\\' || (unsigned char)*text < 32)
			strbuf_addf(out, "\\u%04x", (unsigned char)*text);
		else
			strbuf_addc(out, *text);
	strbuf_addc(out, '"');
}

/* A fresh GUID (RFC 9562 version 4), so that no assertion can be used twice. */
static bool add_guid(struct strbuf *out)
{
	unsigned char b[16];

	if (RAND_bytes(b, sizeof(b)) != 1)
		return false;
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < sizeof(b); i++)
		strbuf_addf(out, "%s%02x",
			i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
	return true;
}

static bool add_claims(
	struct strbuf *out, const struct credential_use *use, int64_t now_s)
{
	strbuf_adds(out, "{\"aud\":");
	add_json_text(out, use->url);
	strbuf_adds(out, ",\"iss\":");
	add_json_text(out, use->client_id);
	strbuf_adds(out, ",\"sub\":");
	add_json_text(out, use->client_id);
	strbuf_adds(out, ",\"jti\":\"");
	if (!add_guid(out))
		return false;
	strbuf_addf(out, "\",\"nbf\":%lld,\"iat\":%lld,\"exp\":%lld}", (long long)now_s,
		(long long)now_s, (long long)now_s + LIFE_S);
	return !out->full;
}

/* RSA-PSS, SHA-256, salt of the digest's length. */
static bool add_signature(struct strbuf *out, EVP_PKEY *key, struct strbuf *scratch)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pkey = NULL;
	size_t n = 0;
	bool good =
		md && EVP_DigestSignInit(md, &pkey, EVP_sha256(), NULL, key) == 1 &&
		EVP_PKEY_CTX_set_rsa_padding(pkey, RSA_PKCS1_PSS_PADDING) == 1 &&
		EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey, RSA_PSS_SALTLEN_DIGEST) == 1 &&
		EVP_DigestSign(md, NULL, &n, (const unsigned char *)out->p, out->n) ==
			1;

	strbuf_reset(scratch);
	good = good && strbuf_reserve(scratch, n) &&
	       EVP_DigestSign(md, (unsigned char *)scratch->p, &n,
		       (const unsigned char *)out->p, out->n) == 1;
	EVP_MD_CTX_free(md);
	if (!good)
		return false;
	strbuf_addc(out, '.');
	add_base64url(out, scratch->p, n);
	return !out->full;
}

static bool assertion_make(struct strbuf *out, const struct pair *pair,
	const struct credential_use *use, int64_t now_s)
{
	struct strbuf scratch;
	bool good;

	strbuf_init(&scratch, 16384);
	strbuf_adds(&scratch, "{\"alg\":\"PS256\",\"typ\":\"JWT\",\"x5t#S256\":\"");
	add_base64url(&scratch, pair->thumbprint, DIGEST);
	strbuf_adds(&scratch, "\"}");
	add_base64url(out, scratch.p, scratch.n);
	strbuf_addc(out, '.');
	strbuf_reset(&scratch);
	good = add_claims(&scratch, use, now_s);
	add_base64url(out, scratch.p, scratch.n);
	good = good && add_signature(out, pair->key, &scratch);
	strbuf_clear(&scratch);
	return good;
}

/* Once for each certificate. */
static void warn_of_end(
	struct certificate_part *part, const struct pair *pair, int64_t now_s)
{
	char when[TIME_TEXT];

	if (pair->ends_s - now_s > (int64_t)WARN_DAYS * DAY_S ||
		!memcmp(part->warned, pair->thumbprint, DIGEST))
		return;
	memcpy(part->warned, pair->thumbprint, DIGEST);
	log_write(LOG_WARNING,
		"the certificate for signing in ends soon: upload a new one to the app "
		"registration, then put it and its key in place",
		"file=%s ends=%s days=%lld", part->part.options->certificate_file,
		date_text(pair->ends_s, when),
		(long long)((pair->ends_s - now_s) / DAY_S));
}

static enum rc certificate_fill(struct credential_part *base,
	struct credential_use *use, struct strbuf *form, struct error *err)
{
	struct certificate_part *part =
		CONTAINER_OF(base, struct certificate_part, part);
	int64_t now_s = clock_wall(loop_clock(base->loop)) / TICKS_PER_S;
	struct pair pair = {0};
	struct strbuf assertion;
	enum rc rc = pair_read(base->options, now_s, &pair, err);

	if (rc == RC_OK) {
		warn_of_end(part, &pair, now_s);
		strbuf_init(&assertion, 32768);
		if (assertion_make(&assertion, &pair, use, now_s))
			credential_add_assertion(form, assertion.p);
		else
			rc = error_set(err, RC_AUTH,
				"no assertion can be signed with the key in %s: %s",
				base->options->key_file, openssl_reason());
		strbuf_wipe(&assertion);
	}
	pair_clear(&pair);
	return rc;
}

/* 700024: it may have waited too long on its way, so a fresh one is tried. */
static bool certificate_refused(struct credential_part *base,
	struct credential_use *use, const struct error_answer *answer,
	char note[CREDENTIAL_NOTE])
{
	if (credential_number(answer, 700024) && !use->again)
		return use->again = true;
	if (credential_is_meant(answer))
		snprintf(note, CREDENTIAL_NOTE, "certificate_file %.200s",
			base->options->certificate_file);
	return false;
}

static void certificate_free(struct credential_part *base)
{
	free(CONTAINER_OF(base, struct certificate_part, part));
}

struct credential_part *credential_certificate_new(void)
{
	static const struct credential_way way = {
		.fill = certificate_fill,
		.refused = certificate_refused,
		.free = certificate_free,
	};
	struct certificate_part *part = xcalloc(1, sizeof(*part));

	part->part.way = &way;
	return &part->part;
}
