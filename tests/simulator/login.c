/* login.c - the login service: POST /{tenant}/oauth2/v2.0/token and the older
 * /{tenant}/oauth2/token; client credentials and refresh tokens. Facts, section 1. */
#include "config.h"

#include "application.h"
#include "faults.h"
#include "form.h"
#include "refresh.h"
#include "token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

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
	{700025, 401, "invalid_client",
		"Client is public so neither 'client_assertion' nor 'client_secret' "
		"should be presented."},
	{700021, 401, "invalid_client",
		"Client assertion application identifier doesn't match 'client_id' "
		"parameter."},
	{700023, 401, "invalid_client",
		"Client assertion audience claim does not match Realm issuer."},
	{700024, 401, "invalid_client",
		"Client assertion is not within its valid time range."},
	{50012, 401, "invalid_client",
		"Authentication failed: this assertion was used before."},
	{50027, 401, "invalid_client", "JWT token is invalid or malformed."},
	{70021, 400, "invalid_request",
		"No matching federated identity record found for presented assertion."},
	{70025, 400, "invalid_request",
		"The client has no configured federated identity credentials."},
	{70000, 400, "invalid_grant", "The provided grant is invalid or malformed."},
	{70008, 400, "invalid_grant",
		"The provided authorization code or refresh token has expired due to "
		"inactivity."},
	{700082, 400, "invalid_grant",
		"The refresh token has expired due to inactivity."},
	{50173, 400, "invalid_grant",
		"The provided grant has expired due to it being revoked, a fresh auth "
		"token is needed."},
	{700022, 400, "invalid_request",
		"Invalid multiple resources scope. The provided value for the input "
		"parameter scope is not valid."},
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

/* What is asked for, once it may be had. */
struct ask {
	bool v1;
	char *audience;
	enum sign_in how;
	bool by_user; /* a refresh token was used */
	char *refresh_token; /* the next one, or NULL */
};

/* The v1 endpoint takes a resource and writes numbers as strings. */
static bool is_v1(const char *path)
{
	static const char v2[] = "/oauth2/v2.0/token";
	size_t n = strlen(path), e = sizeof(v2) - 1;
	return n <= e || strcmp(path + n - e, v2) != 0;
}

static bool is_extra(const char *word, size_t n)
{
	static const char *const extras[] = {"offline_access", "openid", "profile"};
	for (size_t i = 0; i < sizeof(extras) / sizeof(*extras); i++)
		if (strlen(extras[i]) == n && !strncmp(word, extras[i], n))
			return true;
	return false;
}

/* The audience of a scope: one resource's /.default, beside what users may ask for too. */
static unsigned read_scope(const char *scope, bool by_user, char **audience)
{
	static const char ending[] = "/.default";
	size_t e = sizeof(ending) - 1;
	while (*scope) {
		size_t n = strcspn(scope, " ");
		if (n && !(by_user && is_extra(scope, n))) {
			if (n <= e || strncmp(scope + n - e, ending, e) != 0)
				return 70011;
			if (*audience)
				return 700022;
			*audience = strndup(scope, n - e);
		}
		scope += n + (scope[n] == ' ');
	}
	return *audience ? 0 : 70011;
}

static unsigned read_audience(
	const struct request *r, const struct form *f, struct ask *ask)
{
	const char *wanted = form_get(f, ask->v1 ? "resource" : "scope");
	unsigned code = 0;
	if (!wanted)
		return 900144;
	if (ask->v1)
		ask->audience = strdup(wanted);
	else
		code = read_scope(wanted, ask->by_user, &ask->audience);
	if (code)
		return code;
	return token_api_of(r, ask->audience) < API_COUNT ? 0 : 500011;
}

/* 0 when the request is good. */
static unsigned check(struct world *w, const struct request *r, struct tenant *t,
	const struct form *f, struct ask *ask, bool rotate)
{
	const char *grant = form_get(f, "grant_type"), *id = form_get(f, "client_id"),
		   *refresh = form_get(f, "refresh_token");
	if (f->bad)
		return 9002313;
	if (!grant || !id)
		return 900144;
	ask->by_user = !strcmp(grant, "refresh_token");
	if (!ask->by_user && strcmp(grant, "client_credentials") != 0)
		return 70003;
	if (ask->by_user && !refresh)
		return 900144;
	if (t->disabled || (w->client_id && strcasecmp(w->client_id, id) != 0))
		return t->disabled ? 7000229 : 700016;
	unsigned code = application_check(w->application, r, f, &ask->how);
	if (!code)
		code = read_audience(r, f, ask);
	if (!code && ask->by_user)
		code = refresh_use(
			w->refresh_tokens, refresh, rotate, &ask->refresh_token);
	return code;
}

/* A number, or in v1 its digits as a string. */
static void put_number(struct text *out, const char *name, int64_t value, bool v1)
{
	text_printf(out, ",\"%s\":%s%lld%s", name, v1 ? "\"" : "", (long long)value,
		v1 ? "\"" : "");
}

static void grant(struct world *w, const struct request *r, struct answer *a,
	const struct form *f, const struct ask *ask, const struct fault *fault)
{
	struct tenant *t = a->tenant;
	struct text *out = &a->body;
	int64_t now = moment_now() / MOMENT_SECOND;
	struct claims c = {.tenant = t,
		.audience = ask->audience,
		.api = token_api_of(r, ask->audience),
		.client_id = form_get(f, "client_id"),
		.life_s = t->token_life_s ? t->token_life_s : w->token_life_s,
		.by_secret = ask->how == SIGN_IN_SECRET,
		.user = ask->by_user,
		.roles = fault->kind != LOGIN_NO_ROLES};
	if (fault->kind == LOGIN_WRONG_TENANT)
		c.tenant = &w->tenants[t->number % w->tenant_count];
	tenant_count_sign_in(t, ask->how, ask->by_user);
	answer_header(a, "Cache-Control", "no-store, no-cache");
	a->type = "application/json; charset=utf-8";
	a->status = 200;
	text_puts(out, "{\"token_type\":\"Bearer\"");
	put_number(out, "expires_in", c.life_s, ask->v1);
	put_number(out, "ext_expires_in", c.life_s, ask->v1);
	if (ask->v1) {
		put_number(out, "expires_on", now + c.life_s, true);
		put_number(out, "not_before", now - 300, true);
		text_puts(out, ",\"resource\":");
		text_json(out, ask->audience, false);
	}
	if (ask->by_user)
		text_printf(out, ",\"scope\":\"%s\",\"id_token\":\"e30.e30.\"",
			ask->v1 ? "user_impersonation" : "offline_access");
	if (fault->kind != LOGIN_NO_TOKEN) {
		text_puts(out, ",\"access_token\":\"");
		token_write(out, w, &c);
		text_putc(out, '"');
	}
	if (ask->refresh_token)
		text_printf(out, ",\"refresh_token\":\"%s\"", ask->refresh_token);
	if (fault->kind != LOGIN_BROKEN_JSON)
		text_putc(out, '}');
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
	struct ask ask = {.v1 = is_v1(r->path)};
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
	form_add_basic(&form, request_header(r, "Authorization"));
	code = check(w, r, a->tenant, &form, &ask, fault.kind != LOGIN_NO_REFRESH);
	if (code)
		refuse(w, a, code, 0);
	else
		grant(w, r, a, &form, &ask, &fault);
	if (fault.kind == LOGIN_DROP)
		a->delivery = DELIVER_DROP;
	free(ask.audience);
	free(ask.refresh_token);
	form_clear(&form);
}
