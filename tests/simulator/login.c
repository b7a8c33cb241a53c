/* login.c - the login service: POST /{tenant}/oauth2/v2.0/token, client credentials. */
#include "config.h"

#include "faults.h"
#include "token.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { FIELD_MAX = 16 };

struct form {
	struct {
		char *name, *value;
	} field[FIELD_MAX];
	unsigned count;
	bool bad; /* broken percent-encoding, repeated or too many fields */
};

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* NULL when the encoding is broken. */
static char *form_decode(const char *p, size_t n)
{
	struct text out = {0};
	for (size_t i = 0; i < n; i++) {
		char c = p[i];
		if (c == '%') {
			if (i + 2 >= n || hex(p[i + 1]) < 0 || hex(p[i + 2]) < 0) {
				text_clear(&out);
				return NULL;
			}
			c = (char)(hex(p[i + 1]) << 4 | hex(p[i + 2]));
			i += 2;
		}
		text_putc(&out, p[i] == '+' && c == '+' ? ' ' : c);
	}
	return text_take(&out, NULL);
}

static const char *form_get(const struct form *f, const char *name)
{
	for (unsigned i = 0; i < f->count; i++)
		if (!strcmp(f->field[i].name, name))
			return f->field[i].value;
	return NULL;
}

static void form_add(struct form *f, char *name, char *value)
{
	if (!name || !value || f->count == FIELD_MAX || form_get(f, name)) {
		free(name);
		free(value);
		f->bad = true;
		return;
	}
	f->field[f->count].name = name;
	f->field[f->count++].value = value;
}

static void form_parse(struct form *f, const char *p, size_t n)
{
	const char *end = p + n;
	while (p < end) {
		const char *stop = memchr(p, '&', (size_t)(end - p));
		if (!stop)
			stop = end;
		const char *equal = memchr(p, '=', (size_t)(stop - p));
		if (stop > p) {
			const char *name_end = equal ? equal : stop;
			const char *value = equal ? equal + 1 : stop;
			form_add(f, form_decode(p, (size_t)(name_end - p)),
				form_decode(value, (size_t)(stop - value)));
		}
		p = stop + 1;
	}
}

static void form_clear(struct form *f)
{
	for (unsigned i = 0; i < f->count; i++) {
		free(f->field[i].name);
		free(f->field[i].value);
	}
}

static const struct aadsts {
	unsigned code, status;
	const char *error, *message;
} known[] = {
	{7000215, 401, "invalid_client",
		"Invalid client secret provided. Ensure the secret being sent in the "
		"request "
		"is the client secret value, not the client secret ID, for a secret "
		"added to "
		"the app."},
	{7000222, 401, "invalid_client",
		"The provided client secret keys are expired."},
	{7000218, 401, "invalid_client",
		"The request body must contain the following parameter: "
		"'client_assertion' or "
		"'client_secret'."},
	{700016, 400, "unauthorized_client",
		"Application was not found in the directory. You may have sent your "
		"authentication request to the wrong tenant."},
	{7000229, 401, "invalid_client",
		"The client application is missing service principal in the tenant."},
	{7000112, 400, "unauthorized_client", "Application is disabled."},
	{700027, 401, "invalid_client",
		"Client assertion failed signature validation."},
	{90002, 400, "invalid_request",
		"Tenant not found. Check to make sure you have the correct tenant ID "
		"and are "
		"signing into the correct cloud."},
	{900023, 400, "invalid_request",
		"Specified tenant identifier is neither a valid DNS name, nor a valid "
		"external "
		"domain."},
	{9001023, 400, "invalid_request",
		"The grant type is not supported over the /common or /consumers "
		"endpoints."},
	{70003, 400, "unsupported_grant_type",
		"The app requested an unsupported grant type."},
	{70011, 400, "invalid_scope",
		"The provided value for the input parameter 'scope' is not valid."},
	{500011, 400, "invalid_resource",
		"The resource principal was not found in the tenant."},
	{65001, 400, "invalid_grant",
		"The user or administrator has not consented to use the application."},
	{53003, 400, "invalid_grant",
		"Access has been blocked by Conditional Access policies."},
	{900144, 400, "invalid_request",
		"The request body must contain the following parameter: 'grant_type'."},
	{9002313, 400, "invalid_request",
		"Invalid request. Request is malformed or invalid."},
	{50196, 400, "invalid_grant",
		"The server terminated an operation because it encountered a client "
		"request "
		"loop."},
	{90055, 429, "temporarily_unavailable", "Too many requests."},
	{90033, 503, "temporarily_unavailable",
		"A transient error has occurred. Please try again."},
};

static void refuse(struct world *w, struct answer *a, unsigned code, unsigned status)
{
	const struct aadsts *e = NULL;
	char trace[GENERATE_GUID_SIZE], other[GENERATE_GUID_SIZE], when[40];
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (known[i].code == code)
			e = &known[i];
	time_t now = time(NULL);
	struct tm tm;
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%SZ", gmtime_r(&now, &tm));
	trace_id(w, trace);
	trace_id(w, other);
	other[0] = other[0] == 'c' ? 'd' : 'c';
	a->status = status ? status : e ? e->status : 400;
	a->type = "application/json; charset=utf-8";
	answer_header(a, "Cache-Control", "no-store, no-cache");
	answer_header(a, "Pragma", "no-cache");
	answer_header(a, "x-ms-request-id", trace);
	const char *blank = code % 2 ? "\\r\\n" : " ";
	text_printf(&a->body,
		"{\"error\":\"%s\",\"error_description\":\"AADSTS%u: %s%sTrace ID: %s%s"
		"Correlation ID: %s%sTimestamp: "
		"%s\",\"error_codes\":[%u],\"timestamp\":\"%s\","
		"\"trace_id\":\"%s\",\"correlation_id\":\"%s\",\"error_uri\":"
		"\"https://login.microsoftonline.com/error?code=%u\"}",
		e ? e->error : "invalid_request", code,
		e ? e->message : "Simulated error.", blank, trace, blank, other, blank,
		when, code, when, trace, other, code);
}

/* HTTP Basic carries form-encoded id and secret. */
static bool read_basic(struct form *f, const char *authorization)
{
	struct text plain = {0};
	if (!authorization || strncasecmp(authorization, "Basic ", 6) != 0)
		return true;
	if (!base64_read(&plain, authorization + 6, strlen(authorization + 6))) {
		text_clear(&plain);
		return false;
	}
	char *colon = plain.n ? memchr(plain.p, ':', plain.n) : NULL;
	if (colon) {
		size_t n = (size_t)(colon - plain.p);
		form_add(f, strdup("client_id"), form_decode(plain.p, n));
		form_add(f, strdup("client_secret"),
			form_decode(colon + 1, plain.n - n - 1));
	}
	text_clear(&plain);
	return colon && !f->bad;
}

/* The audience of the scope; NULL when it is not one resource's /.default. */
static char *read_scope(const char *scope)
{
	static const char ending[] = "/.default";
	size_t n = strlen(scope), e = sizeof(ending) - 1;
	if (n <= e || strcmp(scope + n - e, ending) != 0 || strchr(scope, ' '))
		return NULL;
	return strndup(scope, n - e);
}

/* 0 when the request is good; then audience is set. */
static unsigned check(const struct world *w, const struct request *r,
	const struct form *f, const struct tenant *t, char **audience)
{
	const char *grant = form_get(f, "grant_type"), *id = form_get(f, "client_id"),
		   *secret = form_get(f, "client_secret"),
		   *scope = form_get(f, "scope");
	if (f->bad)
		return 9002313;
	if (!grant || !id || !scope)
		return 900144;
	if (strcmp(grant, "client_credentials") != 0)
		return 70003;
	if (t->disabled || (w->client_id && strcasecmp(w->client_id, id) != 0))
		return t->disabled ? 7000229 : 700016;
	if (!secret || !*secret)
		return 7000218;
	if (strcmp(secret, w->secret) != 0)
		return 7000215;
	*audience = read_scope(scope);
	if (!*audience)
		return 70011;
	return token_api_of(r, *audience) < API_COUNT ? 0 : 500011;
}

static void grant(struct world *w, const struct request *r, struct answer *a,
	const struct form *f, char *audience, const struct fault *fault)
{
	struct tenant *t = a->tenant;
	struct claims c = {.tenant = t,
		.audience = audience,
		.api = token_api_of(r, audience),
		.client_id = form_get(f, "client_id"),
		.life_s = t->token_life_s ? t->token_life_s : w->token_life_s,
		.by_secret = true,
		.roles = fault->kind != LOGIN_NO_ROLES};
	if (fault->kind == LOGIN_WRONG_TENANT)
		c.tenant = &w->tenants[t->number % w->tenant_count];
	answer_header(a, "Cache-Control", "no-store, no-cache");
	a->type = "application/json; charset=utf-8";
	a->status = 200;
	text_printf(&a->body,
		"{\"token_type\":\"Bearer\",\"expires_in\":%lld,\"ext_expires_in\":%"
		"lld",
		(long long)c.life_s, (long long)c.life_s);
	if (fault->kind != LOGIN_NO_TOKEN) {
		text_puts(&a->body, ",\"access_token\":\"");
		token_write(&a->body, w, &c);
		text_putc(&a->body, '"');
	}
	if (fault->kind != LOGIN_BROKEN_JSON)
		text_putc(&a->body, '}');
}

static bool has_form_type(const struct request *r)
{
	static const char form[] = "application/x-www-form-urlencoded";
	const char *type = request_header(r, "Content-Type");
	return type && !strncasecmp(type, form, sizeof(form) - 1);
}

static unsigned find_tenant(struct world *w, const struct request *r, struct tenant **t)
{
	char name[128];
	size_t n = strcspn(r->path + 1, "/");
	snprintf(name, sizeof(name), "%.*s", (int)(n < 127 ? n : 127), r->path + 1);
	if (!strcmp(name, "common") || !strcmp(name, "organizations"))
		return 9001023;
	if (n != 36 && !strchr(name, '.'))
		return 900023;
	*t = world_tenant(w, name);
	return *t ? 0 : 90002;
}

void login_answer(struct world *w, const struct request *r, struct answer *a)
{
	struct fault fault;
	struct form form = {.count = 0};
	char *audience = NULL;
	unsigned code = find_tenant(w, r, &a->tenant);
	a->api = API_LOGIN;
	if (strcmp(r->method, "POST") != 0) {
		a->status = 405;
		answer_header(a, "Allow", "POST");
		return;
	}
	if (code) {
		refuse(w, a, code, 0);
		return;
	}
	fault_take(w, a->tenant, API_LOGIN, &fault);
	a->delay_ms = fault.delay_ms;
	if (fault.kind == LOGIN_STATUS) {
		refuse(w, a,
			fault.code	      ? fault.code
			: fault.status >= 500 ? 90033
			: fault.status == 429 ? 90055
					      : 7000215,
			fault.status);
		if (fault.retry_after)
			answer_header(a, "Retry-After", fault.retry_after);
		return;
	}
	if (fault.kind == LOGIN_HTML) {
		a->status = fault.status;
		a->type = "text/html";
		text_puts(
			&a->body, "<html><body><h1>502 Bad Gateway</h1></body></html>");
		return;
	}
	if (has_form_type(r))
		form_parse(&form, r->body.p, r->body.n);
	if (!read_basic(&form, request_header(r, "Authorization")))
		form.bad = true;
	code = check(w, r, &form, a->tenant, &audience);
	if (code)
		refuse(w, a, code, 0);
	else
		grant(w, r, a, &form, audience, &fault);
	free(audience);
	form_clear(&form);
}
