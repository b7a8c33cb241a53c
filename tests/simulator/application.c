/* application.c - secrets, certificates and federated credentials of the app. */
#include "config.h"

#include "application.h"

#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <json.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
	SECRETS_MAX = 4,
	CERTIFICATES_MAX = 8,
	FEDERATED_MAX = 20,
	JTI_SLOTS = 1 << 16,
	THUMBPRINT_MAX = 64
};

struct secret {
	char *text;
	bool expired;
	unsigned used;
};

struct certificate {
	gnutls_pubkey_t key;
	char sha1[THUMBPRINT_MAX], sha256[THUMBPRINT_MAX]; /* base64url */
	unsigned used;
};

/* Either the three claims of a token, or a token's whole text. */
struct federated {
	char *issuer, *subject, *audience, *text;
	unsigned used;
};

struct application {
	pthread_mutex_t lock;
	struct secret secrets[SECRETS_MAX];
	struct certificate certificates[CERTIFICATES_MAX];
	struct federated federated[FEDERATED_MAX];
	unsigned secret_count, certificate_count, federated_count;
	bool is_public; /* a client that has no secret and must send none */
	uint64_t *seen; /* hashes of jti; a slot is taken over by the next */
};

static char *copy(const char *text)
{
	char *p = strdup(text);
	if (!p)
		abort();
	return p;
}

static void clear_secrets(struct application *a)
{
	for (unsigned i = 0; i < a->secret_count; i++)
		free(a->secrets[i].text);
	a->secret_count = 0;
}

static void clear_certificates(struct application *a)
{
	for (unsigned i = 0; i < a->certificate_count; i++)
		gnutls_pubkey_deinit(a->certificates[i].key);
	a->certificate_count = 0;
}

static void clear_federated(struct application *a)
{
	for (unsigned i = 0; i < a->federated_count; i++) {
		struct federated *f = &a->federated[i];
		free(f->issuer);
		free(f->subject);
		free(f->audience);
		free(f->text);
	}
	a->federated_count = 0;
}

struct application *application_new(const char *secret)
{
	struct application *a = calloc(1, sizeof(*a));
	if (!a)
		abort();
	a->seen = calloc(JTI_SLOTS, sizeof(*a->seen));
	if (!a->seen)
		abort();
	pthread_mutex_init(&a->lock, NULL);
	a->secrets[a->secret_count++] = (struct secret){.text = copy(secret)};
	return a;
}

void application_free(struct application *a)
{
	clear_secrets(a);
	clear_certificates(a);
	clear_federated(a);
	pthread_mutex_destroy(&a->lock);
	free(a->seen);
	free(a);
}

/* A signed text: the parts decoded, and what is signed. */
struct jwt {
	struct fjson_object *header, *claims;
	struct text signature;
	gnutls_datum_t is_signed;
};

static struct fjson_object *read_part(const char *p, size_t n)
{
	struct text json = {0};
	struct fjson_object *o = NULL;
	if (base64_read(&json, p, n) && json.n) {
		text_putc(&json, '\0');
		o = fjson_tokener_parse(json.p);
	}
	text_clear(&json);
	if (o && !fjson_object_is_type(o, fjson_type_object)) {
		fjson_object_put(o);
		o = NULL;
	}
	return o;
}

static void jwt_clear(struct jwt *j)
{
	if (j->header)
		fjson_object_put(j->header);
	if (j->claims)
		fjson_object_put(j->claims);
	text_clear(&j->signature);
}

static bool jwt_parse(struct jwt *j, const char *text)
{
	const char *dot = strchr(text, '.'), *last = dot ? strchr(dot + 1, '.') : NULL;
	*j = (struct jwt){.header = NULL};
	if (!last || strchr(last + 1, '.'))
		return false;
	j->header = read_part(text, (size_t)(dot - text));
	j->claims = read_part(dot + 1, (size_t)(last - dot - 1));
	j->is_signed.data = (unsigned char *)(uintptr_t)text;
	j->is_signed.size = (unsigned)(last - text);
	return j->header && j->claims &&
	       base64_read(&j->signature, last + 1, strlen(last + 1));
}

static const char *text_of(struct fjson_object *o, const char *key)
{
	struct fjson_object *v = NULL;
	return fjson_object_object_get_ex(o, key, &v) &&
			       fjson_object_is_type(v, fjson_type_string)
		       ? fjson_object_get_string(v)
		       : "";
}

/* A time that is absent is outside of any validity. */
static int64_t time_of(struct fjson_object *o, const char *key, int64_t absent)
{
	struct fjson_object *v = NULL;
	return fjson_object_object_get_ex(o, key, &v) ? fjson_object_get_int64(v)
						      : absent;
}

static bool is_valid_now(const struct jwt *j)
{
	int64_t now = time(NULL);
	return time_of(j->claims, "exp", 0) + APPLICATION_SKEW_S > now &&
	       time_of(j->claims, "nbf", now) - APPLICATION_SKEW_S <= now;
}

/* The certificate that the header names; all of its thumbprints must be of that one. */
static struct certificate *find_certificate(struct application *a, const struct jwt *j)
{
	const char *sha1 = text_of(j->header, "x5t"),
		   *sha256 = text_of(j->header, "x5t#S256");
	if (!*sha1 && !*sha256)
		return NULL;
	for (unsigned i = 0; i < a->certificate_count; i++) {
		struct certificate *c = &a->certificates[i];
		if ((!*sha1 || !strcmp(c->sha1, sha1)) &&
			(!*sha256 || !strcmp(c->sha256, sha256)))
			return c;
	}
	return NULL;
}

static bool signature_is_good(const struct certificate *c, const struct jwt *j)
{
	const char *alg = text_of(j->header, "alg");
	gnutls_datum_t signature = {
		(unsigned char *)j->signature.p, (unsigned)j->signature.n};
	gnutls_sign_algorithm_t how = !strcmp(alg, "PS256")
					      ? GNUTLS_SIGN_RSA_PSS_RSAE_SHA256
				      : !strcmp(alg, "RS256") ? GNUTLS_SIGN_RSA_SHA256
							      : GNUTLS_SIGN_UNKNOWN;
	return how != GNUTLS_SIGN_UNKNOWN && signature.size &&
	       gnutls_pubkey_verify_data2(c->key, how, 0, &j->is_signed, &signature) >=
		       0;
}

/* True for the first time. */
static bool is_fresh(struct application *a, const char *jti)
{
	uint64_t hash = 1;
	for (; *jti; jti++)
		hash = generate_mix(hash, (unsigned char)*jti);
	uint64_t *slot = &a->seen[hash % JTI_SLOTS];
	if (*slot == hash)
		return false;
	*slot = hash;
	return true;
}

/* The token endpoint that was called is the audience. */
static bool is_for_here(const struct request *r, const char *audience)
{
	char here[600];
	snprintf(here, sizeof(here), "%s://%s%s", r->scheme, r->host, r->path);
	return !strcmp(here, audience);
}

static unsigned check_certificate(struct application *a, const struct request *r,
	const struct jwt *j, const char *client_id)
{
	struct certificate *c = find_certificate(a, j);
	const char *jti = text_of(j->claims, "jti");
	if (strcmp(text_of(j->claims, "sub"), client_id) != 0)
		return 700021;
	if (!c || !signature_is_good(c, j))
		return 700027;
	if (!is_for_here(r, text_of(j->claims, "aud")))
		return 700023;
	if (!is_valid_now(j))
		return 700024;
	if (!*jti)
		return 50027;
	if (!is_fresh(a, jti))
		return 50012;
	c->used++;
	return 0;
}

/* Kubernetes writes the audience as a list. */
static bool has_audience(const struct jwt *j, const char *wanted)
{
	struct fjson_object *v = NULL;
	if (!fjson_object_object_get_ex(j->claims, "aud", &v) ||
		!fjson_object_is_type(v, fjson_type_array))
		return !strcmp(text_of(j->claims, "aud"), wanted);
	for (int i = 0; i < (int)fjson_object_array_length(v); i++) {
		const char *one = fjson_object_get_string(
			fjson_object_array_get_idx(v, (size_t)i));
		if (one && !strcmp(one, wanted))
			return true;
	}
	return false;
}

static unsigned check_federated(struct application *a, const struct jwt *j)
{
	if (!a->federated_count)
		return a->certificate_count ? 700021 : 70025;
	for (unsigned i = 0; i < a->federated_count; i++) {
		struct federated *f = &a->federated[i];
		if (!f->issuer || strcmp(f->issuer, text_of(j->claims, "iss")) != 0 ||
			strcmp(f->subject, text_of(j->claims, "sub")) != 0 ||
			!has_audience(j, f->audience))
			continue;
		if (!is_valid_now(j))
			return 700024;
		f->used++;
		return 0;
	}
	return 70021;
}

static bool is_shared_text(struct application *a, const char *assertion)
{
	for (unsigned i = 0; i < a->federated_count; i++) {
		struct federated *f = &a->federated[i];
		if (!f->text || strcmp(f->text, assertion) != 0)
			continue;
		f->used++;
		return true;
	}
	return false;
}

static unsigned check_assertion(struct application *a, const struct request *r,
	const char *assertion, const char *client_id, enum sign_in *how)
{
	struct jwt j;
	unsigned code = 50027;
	*how = SIGN_IN_FEDERATED;
	if (is_shared_text(a, assertion))
		return 0;
	if (jwt_parse(&j, assertion)) {
		if (!strcmp(text_of(j.claims, "iss"), client_id)) {
			*how = SIGN_IN_CERTIFICATE;
			code = check_certificate(a, r, &j, client_id);
		} else {
			code = check_federated(a, &j);
		}
	}
	jwt_clear(&j);
	return code;
}

static unsigned check_secret(struct application *a, const char *secret)
{
	if (a->is_public)
		return 700025;
	for (unsigned i = 0; i < a->secret_count; i++) {
		struct secret *s = &a->secrets[i];
		if (strcmp(s->text, secret) != 0)
			continue;
		s->used += !s->expired;
		return s->expired ? 7000222 : 0;
	}
	return 7000215;
}

unsigned application_check(struct application *a, const struct request *r,
	const struct form *f, enum sign_in *how)
{
	static const char bearer[] =
		"urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
	const char *secret = form_get(f, "client_secret"),
		   *assertion = form_get(f, "client_assertion"),
		   *type = form_get(f, "client_assertion_type"),
		   *client_id = form_get(f, "client_id");
	unsigned code;
	*how = SIGN_IN_SECRET;
	if (assertion && (!type || strcmp(type, bearer) != 0 || secret))
		return 9002313;
	pthread_mutex_lock(&a->lock);
	if (assertion)
		code = check_assertion(a, r, assertion, client_id, how);
	else if (secret && *secret)
		code = check_secret(a, secret);
	else
		code = a->is_public ? 0 : 7000218;
	pthread_mutex_unlock(&a->lock);
	return code;
}

static bool thumbprint(
	gnutls_x509_crt_t crt, gnutls_digest_algorithm_t how, char out[THUMBPRINT_MAX])
{
	unsigned char bytes[32];
	size_t n = sizeof(bytes);
	struct text text = {0};
	if (gnutls_x509_crt_get_fingerprint(crt, how, bytes, &n) < 0)
		return false;
	text_base64url(&text, bytes, n);
	snprintf(out, THUMBPRINT_MAX, "%.*s", (int)text.n, text.p);
	text_clear(&text);
	return true;
}

static bool add_certificate(struct application *a, const char *pem)
{
	gnutls_datum_t data = {(unsigned char *)(uintptr_t)pem, (unsigned)strlen(pem)};
	gnutls_x509_crt_t crt;
	struct certificate c = {.key = NULL};
	if (gnutls_x509_crt_init(&crt) < 0 || gnutls_pubkey_init(&c.key) < 0)
		abort();
	bool good = gnutls_x509_crt_import(crt, &data, GNUTLS_X509_FMT_PEM) >= 0 &&
		    gnutls_pubkey_import_x509(c.key, crt, 0) >= 0 &&
		    thumbprint(crt, GNUTLS_DIG_SHA1, c.sha1) &&
		    thumbprint(crt, GNUTLS_DIG_SHA256, c.sha256);
	gnutls_x509_crt_deinit(crt);
	if (good)
		a->certificates[a->certificate_count++] = c;
	else
		gnutls_pubkey_deinit(c.key);
	return good;
}

static struct fjson_object *list_of(
	struct fjson_object *order, const char *key, size_t max, const char **why)
{
	struct fjson_object *v = NULL;
	if (!fjson_object_object_get_ex(order, key, &v))
		return NULL;
	if (v && fjson_object_is_type(v, fjson_type_array) &&
		(size_t)fjson_object_array_length(v) <= max)
		return v;
	*why = "not a list, or too long";
	return NULL;
}

static const char *set_secrets(struct application *a, struct fjson_object *list)
{
	clear_secrets(a);
	for (int i = 0; i < (int)fjson_object_array_length(list); i++) {
		struct fjson_object *o = fjson_object_array_get_idx(list, (size_t)i),
				    *expired = NULL;
		const char *text = o && fjson_object_is_type(o, fjson_type_object)
					   ? text_of(o, "secret")
					   : "";
		if (!*text)
			return "a secret is {\"secret\":TEXT,\"expired\":BOOLEAN}";
		a->secrets[a->secret_count++] = (struct secret){.text = copy(text),
			.expired = fjson_object_object_get_ex(o, "expired", &expired) &&
				   fjson_object_get_boolean(expired)};
	}
	return NULL;
}

static const char *set_certificates(struct application *a, struct fjson_object *list)
{
	clear_certificates(a);
	for (int i = 0; i < (int)fjson_object_array_length(list); i++) {
		const char *pem = fjson_object_get_string(
			fjson_object_array_get_idx(list, (size_t)i));
		if (!pem || !add_certificate(a, pem))
			return "not a certificate in PEM";
	}
	return NULL;
}

static const char *set_federated(struct application *a, struct fjson_object *list)
{
	clear_federated(a);
	for (int i = 0; i < (int)fjson_object_array_length(list); i++) {
		struct fjson_object *o = fjson_object_array_get_idx(list, (size_t)i);
		bool is_object = o && fjson_object_is_type(o, fjson_type_object);
		struct federated *f = &a->federated[a->federated_count];
		*f = (struct federated){.issuer = NULL};
		if (is_object && *text_of(o, "text")) {
			f->text = copy(text_of(o, "text"));
		} else if (is_object && *text_of(o, "issuer")) {
			f->issuer = copy(text_of(o, "issuer"));
			f->subject = copy(text_of(o, "subject"));
			f->audience = copy(text_of(o, "audience"));
		} else {
			return "a federated credential has issuer, subject and "
			       "audience, or text";
		}
		a->federated_count++;
	}
	return NULL;
}

const char *application_order(struct application *a, struct fjson_object *order)
{
	static const struct {
		const char *key;
		size_t max;
		const char *(*set)(struct application *, struct fjson_object *);
	} lists[] = {{"secrets", SECRETS_MAX, set_secrets},
		{"certificates", CERTIFICATES_MAX, set_certificates},
		{"federated", FEDERATED_MAX, set_federated}};
	struct fjson_object *v = NULL;
	const char *why = NULL;
	pthread_mutex_lock(&a->lock);
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists) && !why; i++) {
		struct fjson_object *list =
			list_of(order, lists[i].key, lists[i].max, &why);
		if (list)
			why = lists[i].set(a, list);
	}
	if (!why && fjson_object_object_get_ex(order, "public", &v))
		a->is_public = fjson_object_get_boolean(v);
	pthread_mutex_unlock(&a->lock);
	return why;
}

void application_write(struct application *a, struct text *out)
{
	pthread_mutex_lock(&a->lock);
	text_puts(out, "{\"secrets\":[");
	for (unsigned i = 0; i < a->secret_count; i++)
		text_printf(out, "%s{\"expired\":%s,\"used\":%u}", i ? "," : "",
			a->secrets[i].expired ? "true" : "false", a->secrets[i].used);
	text_puts(out, "],\"certificates\":[");
	for (unsigned i = 0; i < a->certificate_count; i++)
		text_printf(out, "%s{\"x5t\":\"%s\",\"x5t#S256\":\"%s\",\"used\":%u}",
			i ? "," : "", a->certificates[i].sha1,
			a->certificates[i].sha256, a->certificates[i].used);
	text_puts(out, "],\"federated\":[");
	for (unsigned i = 0; i < a->federated_count; i++)
		text_printf(out, "%s{\"used\":%u}", i ? "," : "", a->federated[i].used);
	text_printf(out, "],\"public\":%s}\n", a->is_public ? "true" : "false");
	pthread_mutex_unlock(&a->lock);
}
