/* api.c - who may ask which API for what, and how each of them refuses. */
#include "config.h"

#include "service.h"
#include "token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void write_graph_alert(
	struct text *out, const struct view *v, const struct record *r, unsigned part)
{
	(void)part;
	tenant_write_alert(
		out, v->world, v->tenant, (const struct alert *)r, v->all_members);
}

const struct service services[SERVICE_COUNT] = {
	[SERVICE_GRAPH_ALERTS] = {.name = "graph-alerts",
		.api = API_GRAPH,
		.paths = {"/v1.0/security/alerts_v2", "/beta/security/alerts_v2"},
		.roles = "SecurityAlert.Read.All,SecurityAlert.ReadWrite.All",
		.context =
			"https://graph.microsoft.com/v1.0/$metadata#security/alerts_v2",
		.id_key = "id",
		.time_key = "lastUpdateDateTime",
		.title_key = "title",
		.severity_key = "severity",
		.rules = {.updated = "lastUpdateDateTime",
			.created = "createdDateTime",
			.assigned_to = "assignedTo",
			.lists = {"severity", "status", "serviceSource",
				"classification", "determination"},
			.status_enum = ENUM_ALERT_STATUS,
			.top = 100,
			.top_lowered = true,
			.order = true,
			.count = true,
			.links = true},
		.write = write_graph_alert},
	[SERVICE_GRAPH_INCIDENTS] = {.name = "graph-incidents",
		.api = API_GRAPH,
		.incidents = true,
		.paths = {"/v1.0/security/incidents", "/beta/security/incidents"},
		.roles = "SecurityIncident.Read.All,SecurityIncident.ReadWrite.All",
		.context =
			"https://graph.microsoft.com/v1.0/$metadata#security/incidents",
		.id_key = "id",
		.time_key = "lastUpdateDateTime",
		.title_key = "displayName",
		.severity_key = "severity",
		.rules = {.updated = "lastUpdateDateTime",
			.created = "createdDateTime",
			.assigned_to = "assignedTo",
			.lists = {"severity", "status", NULL, "classification",
				"determination"},
			.status_enum = ENUM_INCIDENT_STATUS,
			.top = 50,
			.top_max = 50,
			.count = true,
			.links = true,
			.expand = "alerts"},
		.write = shape_graph_incident},
	[SERVICE_MDE_ALERTS] = {.name = "mde-alerts",
		.api = API_MDE,
		.paths = {"/mde/api/alerts", "/mde/api/v1.0/alerts"},
		.roles =
			"Alert.Read.All,Alert.ReadWrite.All,Alert.Read,Alert.ReadWrite",
		.context = "https://api.securitycenter.microsoft.com/api/"
			   "$metadata#Alerts",
		.id_key = "id",
		.time_key = "lastUpdateTime",
		.title_key = "title",
		.severity_key = "severity",
		.rules = {.updated = "lastUpdateTime",
			.created = "alertCreationTime",
			.lists = {"severity", "status"},
			.status_enum = ENUM_ALERT_STATUS,
			.capital = true,
			.top = 10000,
			.top_max = 10000,
			.ascending = true,
			.skip_links = true,
			.expand = "evidence"},
		.write = shape_mde_alert},
	[SERVICE_M365D_INCIDENTS] = {.name = "m365d-incidents",
		.api = API_M365D,
		.incidents = true,
		.always_expanded = true,
		.paths = {"/m365d/api/incidents"},
		.roles = "Incident.Read.All,Incident.ReadWrite.All,Incident.Read,"
			 "Incident.ReadWrite",
		.context = "https://api.security.microsoft.com/api/$metadata#Incidents",
		.id_key = "incidentId",
		.time_key = "lastUpdateTime",
		.title_key = "incidentName",
		.severity_key = "severity",
		.rules = {.updated = "lastUpdateTime",
			.created = "createdTime",
			.assigned_to = "assignedTo",
			.lists = {NULL, "status"},
			.status_enum = ENUM_INCIDENT_STATUS,
			.capital = true,
			.top = 100,
			.top_max = 100},
		.write = shape_m365d_incident},
	[SERVICE_SIEM] = {.name = "siem",
		.api = API_SIEM,
		.bare = true,
		.paths = {"/siem/api/alerts"},
		.roles = "Detections.Read,user_impersonation",
		.id_key = "FullId",
		.time_key = "LastProcessedTimeUtc",
		.title_key = "AlertTitle",
		.severity_key = "Severity",
		.rules = {.top = UINT32_MAX, .top_max = UINT32_MAX, .siem = true},
		.write = shape_siem},
};

static void refuse_graph(struct world *w, const struct request *r, struct answer *a,
	const char *code, const char *message)
{
	char id[GENERATE_GUID_SIZE], when[40];
	const char *client = request_header(r, "client-request-id");
	time_t now = time(NULL);
	struct tm tm;
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", gmtime_r(&now, &tm));
	trace_id(w, id);
	text_puts(&a->body, "{\"error\":{\"code\":");
	text_json(&a->body, code, false);
	text_puts(&a->body, ",\"message\":");
	text_json(&a->body, message, false);
	text_printf(&a->body,
		",\"innerError\":{\"date\":\"%s\",\"request-id\":\"%s\","
		"\"client-request-id\":",
		when, id);
	text_json(&a->body, client ? client : id, false);
	text_puts(&a->body, "}}}");
}

void api_refuse(struct world *w, const struct request *r, struct answer *a,
	enum api api, unsigned status, const char *code, const char *message)
{
	char id[GENERATE_GUID_SIZE];
	a->status = status;
	a->type = "application/json";
	if (api == API_GRAPH) {
		refuse_graph(w, r, a, code, message);
	} else if (api == API_SIEM) {
		text_puts(&a->body, "{\"Message\":");
		text_json(&a->body, message, false);
		text_putc(&a->body, '}');
	} else {
		trace_id(w, id);
		text_puts(&a->body, "{\"error\":{\"code\":");
		text_json(&a->body, code, false);
		text_puts(&a->body, ",\"message\":");
		text_json(&a->body, message, false);
		text_printf(&a->body, ",\"target\":\"%s\"}}", id);
	}
}

static void refuse_token(struct world *w, const struct request *r, struct answer *a,
	enum api api, enum token_check check)
{
	static const char *const messages[] = {
		[TOKEN_GOOD] = "Access token validation failure.",
		[TOKEN_MISSING] = "Access token is empty.",
		[TOKEN_MALFORMED] =
			"CompactToken parsing failed with error code: 80049217",
		[TOKEN_EXPIRED] = "Lifetime validation failed, the token is expired.",
		[TOKEN_REVOKED] = "Access token has expired or is not yet valid.",
		[TOKEN_AUDIENCE] = "Access token validation failure. Invalid audience.",
	};
	if (api == API_GRAPH) {
		answer_header(a, "WWW-Authenticate",
			"Bearer realm=\"\", "
			"authorization_uri=\"https://login.microsoftonline.com/"
			"common/oauth2/authorize\", "
			"client_id=\"00000003-0000-0000-c000-000000000000\"");
		api_refuse(w, r, a, api, 401, "InvalidAuthenticationToken",
			messages[check]);
		return;
	}
	api_refuse(w, r, a, api, 401, "Unauthorized",
		api == API_SIEM ? "Authorization has been denied for this request."
				: "Unauthorized (invalid or expired authorization "
				  "header).");
}

static void refuse_roles(struct world *w, const struct request *r, struct answer *a,
	const struct service *s, const char *granted)
{
	struct text message = {0};
	if (s->api == API_MDE) {
		text_printf(&message,
			"The application does not have any of the required application "
			"permissions (Alert.Read.All, Alert.ReadWrite.All) to access "
			"the resource.");
	} else {
		size_t n = strlen(granted);
		text_printf(&message,
			"Missing application roles. API required roles: %s, "
			"application roles: %.*s.",
			s->roles, n > 2 ? (int)n - 2 : 0, n > 2 ? granted + 1 : "");
	}
	char *why = text_take(&message, NULL);
	api_refuse(w, r, a, s->api, 403, "Forbidden", why);
	free(why);
}

void api_refuse_fault(struct world *w, const struct request *r, struct answer *a,
	const struct service *s, const struct fault *f)
{
	static const struct {
		unsigned status;
		const char *code, *message;
	} texts[] = {
		{400, "BadRequest", "The query specified in the URI is not valid."},
		{404, "ResourceNotFound", "The resource was not found."},
		{408, "RequestTimeout", "The request timed out."},
		{429, "TooManyRequests", "Please retry again later."},
		{500, "InternalServerError", "An error occurred."},
		{503, "serviceNotAvailable", "The service is unavailable."},
	};
	if (f->retry_after)
		answer_header(a, "Retry-After", f->retry_after);
	if (f->status == 401) {
		refuse_token(w, r, a, s->api, TOKEN_GOOD);
		return;
	}
	if (f->status == 403 && !strcmp(f->name, "403")) {
		refuse_roles(w, r, a, s, ",User.Read.All,");
		return;
	}
	if (f->status == 403) {
		api_refuse(w, r, a, s->api, 403, "Forbidden",
			"Unauthorized request - Account is not provisioned.");
		return;
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (texts[i].status == f->status) {
			api_refuse(w, r, a, s->api, f->status, texts[i].code,
				f->message ? f->message : texts[i].message);
			return;
		}
	}
	a->status = f->status;
	a->type = "text/html";
	text_printf(&a->body,
		"<html><head><title>%u</title></head>\r\n<body><h1>%u "
		"%s</h1></body></html>",
		f->status, f->status,
		f->status == 504 ? "Gateway Timeout" : "Bad Gateway");
}

static void note_last(struct tenant *t, const struct request *r)
{
	static const char *const names[] = {"Prefer", "User-Agent", "Accept",
		"Accept-Encoding", "client-request-id"};
	pthread_mutex_lock(&t->lock);
	if (!t->last)
		t->last = calloc(1, sizeof(*t->last));
	if (!t->last)
		abort();
	char *fields[] = {t->last->prefer, t->last->user_agent, t->last->accept,
		t->last->encoding, t->last->request_id};
	snprintf(t->last->url, sizeof(t->last->url), "%.*s", (int)r->url.n, r->url.p);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *value = request_header(r, names[i]);
		snprintf(fields[i], TEXT_MAX, "%s", value ? value : "");
	}
	pthread_mutex_unlock(&t->lock);
}

/* The service of a path and what comes after it; NULL when there is none. */
static const struct service *find_service(const char *path, const char **rest)
{
	for (size_t i = 0; i < SERVICE_COUNT; i++) {
		for (size_t k = 0; k < PATHS_MAX && services[i].paths[k]; k++) {
			size_t n = strlen(services[i].paths[k]);
			if (strncmp(path, services[i].paths[k], n) != 0 ||
				(path[n] && path[n] != '/'))
				continue;
			*rest = path + n;
			return &services[i];
		}
	}
	return NULL;
}

static enum api api_of_path(const char *path)
{
	return !strncmp(path, "/mde/", 5)     ? API_MDE
	       : !strncmp(path, "/m365d/", 7) ? API_M365D
	       : !strncmp(path, "/siem/", 6)  ? API_SIEM
					      : API_GRAPH;
}

static bool may_ask(const struct service *s, const char *granted)
{
	char wanted[64];
	for (const char *p = s->roles; *p;) {
		size_t n = strcspn(p, ",");
		snprintf(wanted, sizeof(wanted), ",%.*s,", (int)n, p);
		if (strstr(granted, wanted))
			return true;
		p += n + (p[n] == ',');
	}
	return false;
}

static void answer_tenant(struct world *w, const struct request *r, struct answer *a,
	const struct service *s, const char *rest)
{
	struct fault f;
	char seconds[16], where[300];
	unsigned after_s;
	note_last(a->tenant, r);
	fault_take(w, a->tenant, s->api, &f);
	a->delay_ms = f.delay_ms;
	if (f.kind == FAULT_DROP) {
		a->delivery = DELIVER_DROP;
		return;
	}
	if (f.kind == FAULT_STATUS) {
		api_refuse_fault(w, r, a, s, &f);
		return;
	}
	if (f.kind == FAULT_REDIRECT) {
		snprintf(where, sizeof(where), "%s://%s%s", r->scheme,
			f.host ? f.host : "graph.evil.example", r->path);
		answer_header(a, "Location", where);
		a->status = 302;
		return;
	}
	if (tenant_is_limited(w, a->tenant, s->api, &after_s)) {
		snprintf(seconds, sizeof(seconds), "%u", after_s);
		answer_header(a, "Retry-After", seconds);
		api_refuse(
			w, r, a, s->api, 429, "TooManyRequests", "Too many requests.");
		return;
	}
	if (*rest)
		page_answer_one(w, r, a, s, rest);
	else
		page_answer(w, r, a, s, &f);
}

void api_answer(struct world *w, const struct request *r, struct answer *a)
{
	char id[GENERATE_GUID_SIZE], granted[GRANTED_MAX];
	const char *rest = "", *client = request_header(r, "client-request-id");
	const struct service *s = find_service(r->path, &rest);
	enum token_check check;
	a->api = api_of_path(r->path);
	check = token_read(w, r, a->api, &a->tenant, granted);
	trace_id(w, id);
	if (a->api == API_GRAPH) {
		answer_header(a, "request-id", id);
		answer_header(a, "client-request-id", client ? client : id);
	}
	if (check != TOKEN_GOOD)
		refuse_token(w, r, a, a->api, check);
	else if (!s || (s->bare && *rest))
		api_refuse(w, r, a, a->api, 404, "ResourceNotFound",
			"Resource not found.");
	else if (strcmp(r->method, "GET") != 0)
		api_refuse(w, r, a, a->api, 405, "MethodNotAllowed",
			"Method not allowed.");
	else if (!may_ask(s, granted))
		refuse_roles(w, r, a, s, granted);
	else
		answer_tenant(w, r, a, s, rest);
}
