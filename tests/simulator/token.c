/* token.c - access tokens, and who they are for. */
#include "config.h"

#include "token.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { AUDIENCES_MAX = 5, ROLES_MAX = 3 };

static const struct audience {
	const char *path; /* of the root here */
	const char *texts[AUDIENCES_MAX];
	const char *roles[ROLES_MAX]; /* of an application */
	const char *scopes; /* of a user */
} audiences[API_COUNT] = {
	[API_GRAPH] = {"",
		{"https://graph.microsoft.com", "https://graph.microsoft.us",
			"https://dod-graph.microsoft.us",
			"https://microsoftgraph.chinacloudapi.cn"},
		{"SecurityAlert.Read.All", "SecurityIncident.Read.All"},
		"SecurityAlert.Read.All SecurityIncident.Read.All"},
	[API_MDE] = {"/mde",
		{"https://api.securitycenter.microsoft.com",
			"https://securitycenter.onmicrosoft.com/windowsatpservice",
			"https://api-gcc.securitycenter.microsoft.us",
			"https://api-gov.securitycenter.microsoft.us"},
		{"Alert.Read.All"}, "Alert.Read"},
	[API_M365D] = {"/m365d",
		{"https://api.security.microsoft.com",
			"https://api-gcc.security.microsoft.us",
			"https://api-gov.security.microsoft.us"},
		{"Incident.Read.All"}, "Incident.Read"},
	[API_SIEM] = {"/siem", {"https://graph.windows.net"}, {"Detections.Read"},
		"user_impersonation"},
};

enum api token_api_of(const struct request *r, const char *audience)
{
	char own[300];
	size_t n = strlen(audience);
	n -= n && audience[n - 1] == '/';
	for (unsigned api = 0; api < API_COUNT; api++) {
		const struct audience *a = &audiences[api];
		for (unsigned i = 0; i < AUDIENCES_MAX && a->texts[i]; i++)
			if (strlen(a->texts[i]) == n &&
				!strncmp(a->texts[i], audience, n))
				return (enum api)api;
		int len = snprintf(
			own, sizeof(own), "%s://%s%s", r->scheme, r->host, a->path);
		if (len == (int)n && !strncmp(own, audience, n))
			return (enum api)api;
	}
	return API_COUNT;
}

static void sign(const struct world *w, const char *p, size_t n, char out[33])
{
	uint64_t a = w->token_key[0], b = w->token_key[1];
	for (size_t i = 0; i < n; i++) {
		a = generate_mix(a, (unsigned char)p[i]);
		b = generate_mix(b ^ a, i);
	}
	snprintf(out, 33, "%016llx%016llx", (unsigned long long)a,
		(unsigned long long)b);
}

void trace_id(struct world *w, char out[GENERATE_GUID_SIZE])
{
	uint64_t a = generate_mix(w->token_key[0], w->requests), b = generate_mix(a, 1);
	snprintf(out, GENERATE_GUID_SIZE, "%08x-%04x-4%03x-8%03x-%012llx",
		(unsigned)(a >> 32), (unsigned)(a & 0xffff),
		(unsigned)(a >> 16 & 0xfff), (unsigned)(b >> 52),
		(unsigned long long)(b & 0xffffffffffffu));
}

static bool is_listed(const char *list, const char *name)
{
	size_t n = strlen(name);
	for (const char *p = list; (p = strstr(p, name)); p++)
		if (p > list && p[-1] == ',' && p[n] == ',')
			return true;
	return false;
}

/* A tenant may have granted only some; without any the claim is absent. */
static void write_roles(struct text *json, const struct claims *c)
{
	const char *given = c->tenant->roles, *comma = "\"roles\":[";
	if (!c->roles || c->api == API_COUNT)
		return;
	for (unsigned i = 0; i < ROLES_MAX && audiences[c->api].roles[i]; i++) {
		const char *role = audiences[c->api].roles[i];
		if (given && !is_listed(given, role))
			continue;
		text_printf(json, "%s\"%s\"", comma, role);
		comma = ",";
	}
	if (*comma == ',')
		text_puts(json, "],");
}

static void write_claims(struct text *json, struct world *w, const struct claims *c)
{
	char unique[GENERATE_GUID_SIZE];
	int64_t now = moment_now() / MOMENT_SECOND;
	trace_id(w, unique);
	text_puts(json, "{\"aud\":");
	text_json(json, c->audience, false);
	text_puts(json, ",\"iss\":\"");
	if (c->issuer)
		text_puts(json, c->issuer);
	else
		text_printf(json, "https://sts.windows.net/%s/", c->tenant->id);
	text_printf(json,
		"\",\"iat\":%lld,\"nbf\":%lld,\"exp\":%lld,\"appid\":", (long long)now,
		(long long)now - 300, (long long)(now + c->life_s));
	text_json(json, c->client_id, false);
	text_printf(json, ",\"appidacr\":\"%d\",\"idtyp\":\"%s\",\"oid\":\"%s\",",
		c->by_secret ? 1 : 2, c->user ? "user" : "app", unique);
	if (!c->user)
		write_roles(json, c);
	else if (c->api < API_COUNT)
		text_printf(json, "\"scp\":\"%s\",", audiences[c->api].scopes);
	text_printf(json,
		"\"sub\":\"%s\",\"tid\":\"%s\",\"uti\":\"%u\",\"ver\":\"1.0\"}",
		c->subject ? c->subject : unique, c->tenant->id,
		c->tenant->token_epoch);
}

void token_write(struct text *out, struct world *w, const struct claims *c)
{
	static const char header[] =
		"{\"typ\":\"JWT\",\"alg\":\"RS256\",\"kid\":\"simulated\"}";
	char signature[33];
	struct text json = {0};
	size_t start = out->n;
	write_claims(&json, w, c);
	text_base64url(out, header, sizeof(header) - 1);
	text_putc(out, '.');
	text_base64url(out, json.p, json.n);
	sign(w, out->p + start, out->n - start, signature);
	text_putc(out, '.');
	text_base64url(out, signature, 32);
	text_clear(&json);
}

/* Roles or scopes: whatever stands between the quotes, parted by commas. */
static void read_granted(const struct text *json, char granted[GRANTED_MAX])
{
	struct member m;
	size_t n = 0;
	granted[n++] = ',';
	if (json_find(json->p, json->n, "roles", &m) ||
		json_find(json->p, json->n, "scp", &m))
		for (size_t i = m.value; i < m.end && n < GRANTED_MAX - 2; i++) {
			char c = json->p[i];
			if (isalnum((unsigned char)c) || c == '.' || c == '_')
				granted[n++] = c;
			else if (granted[n - 1] != ',')
				granted[n++] = ',';
		}
	if (n > 1 && granted[n - 1] != ',')
		granted[n++] = ',';
	granted[n] = '\0';
}

static enum token_check check_claims(const struct request *r, enum api api,
	const struct text *json, const struct tenant *t)
{
	char value[300];
	enum token_check check = TOKEN_GOOD;
	if (!json_text(json->p, json->n, "aud", value, sizeof(value)) ||
		token_api_of(r, value) != api)
		check = TOKEN_AUDIENCE;
	if (json_text(json->p, json->n, "exp", value, sizeof(value)) &&
		strtoll(value, NULL, 10) <= moment_now() / MOMENT_SECOND)
		check = TOKEN_EXPIRED;
	if (json_text(json->p, json->n, "uti", value, sizeof(value)) &&
		strtoul(value, NULL, 10) != t->token_epoch)
		check = TOKEN_REVOKED;
	return check;
}

enum token_check token_read(struct world *w, const struct request *r, enum api api,
	struct tenant **t, char granted[GRANTED_MAX])
{
	const char *authorization = request_header(r, "Authorization");
	*t = NULL;
	*granted = '\0';
	if (!authorization || strncasecmp(authorization, "Bearer ", 7) != 0)
		return TOKEN_MISSING;
	const char *token = authorization + 7, *dot = strchr(token, '.');
	const char *last = dot ? strchr(dot + 1, '.') : NULL;
	if (!last)
		return TOKEN_MALFORMED;
	struct text json = {0}, signature = {0};
	char want[33], value[128];
	enum token_check check = TOKEN_MALFORMED;
	sign(w, token, (size_t)(last - token), want);
	if (base64_read(&signature, last + 1, strlen(last + 1)) && signature.n == 32 &&
		!memcmp(signature.p, want, 32) &&
		base64_read(&json, dot + 1, (size_t)(last - dot - 1)) &&
		json_text(json.p, json.n, "tid", value, sizeof(value)) &&
		(*t = world_tenant(w, value))) {
		read_granted(&json, granted);
		check = check_claims(r, api, &json, *t);
	}
	text_clear(&json);
	text_clear(&signature);
	return check;
}
