/* graph.c - GET /v1.0/security/alerts_v2 as Microsoft Graph answers it, and wrongly. */
#include "config.h"

#include "faults.h"
#include "login.h"
#include "query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char context_text[] = "\"@odata.context\":\"https://graph.microsoft.com/"
				   "v1.0/$metadata#security/alerts_v2\"";

static void refuse(struct world *w, const struct request *r, struct answer *a,
	unsigned status, const char *code, const char *message)
{
	char id[GENERATE_GUID_SIZE], when[40];
	const char *client = request_header(r, "client-request-id");
	time_t now = time(NULL);
	struct tm tm;
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", gmtime_r(&now, &tm));
	trace_id(w, id);
	a->status = status;
	a->type = "application/json";
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

static void refuse_token(struct world *w, const struct request *r, struct answer *a,
	enum token_check check)
{
	static const char *const messages[] = {
		[TOKEN_GOOD] = "Access token validation failure.",
		[TOKEN_MISSING] = "Access token is empty.",
		[TOKEN_MALFORMED] =
			"CompactToken parsing failed with error code: 80049217",
		[TOKEN_EXPIRED] = "Lifetime validation failed, the token is expired.",
		[TOKEN_REVOKED] = "Access token has expired or is not yet valid.",
	};
	answer_header(a, "WWW-Authenticate",
		"Bearer realm=\"\", "
		"authorization_uri=\"https://login.microsoftonline.com/"
		"common/oauth2/authorize\", "
		"client_id=\"00000003-0000-0000-c000-000000000000\"");
	refuse(w, r, a, 401, "InvalidAuthenticationToken", messages[check]);
}

static void answer_status(struct world *w, const struct request *r, struct answer *a,
	const struct fault *f)
{
	static const struct {
		unsigned status;
		const char *code, *message;
	} texts[] = {
		{400, "BadRequest", "The query specified in the URI is not valid."},
		{403, "Forbidden",
			"Missing application roles. API required roles: "
			"SecurityAlert.Read.All,SecurityAlert.ReadWrite.All, "
			"application roles: "
			"User.Read.All."},
		{404, "ResourceNotFound", "The resource was not found."},
		{408, "RequestTimeout", "The request timed out."},
		{429, "TooManyRequests", "Please retry again later."},
		{500, "InternalServerError", "An error occurred."},
		{503, "serviceNotAvailable", "The service is unavailable."},
	};
	if (f->retry_after)
		answer_header(a, "Retry-After", f->retry_after);
	if (f->status == 401) {
		refuse_token(w, r, a, TOKEN_GOOD);
		return;
	}
	if (!strcmp(f->name, "403-not-provisioned")) {
		refuse(w, r, a, 403, "Forbidden",
			"Unauthorized request - Account is not provisioned.");
		return;
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (texts[i].status == f->status) {
			refuse(w, r, a, f->status, texts[i].code,
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

/* The alerts of one page, and where the next one starts. */
struct page {
	struct alert **alerts;
	size_t count, total;
	bool more;
	struct query next;
};

static int compare_created(const void *x, const void *y)
{
	const struct alert *a = *(struct alert *const *)x,
			   *b = *(struct alert *const *)y;
	if (a->created != b->created)
		return a->created < b->created ? -1 : 1;
	return a->n < b->n ? -1 : a->n > b->n;
}

static const char *source_of(
	struct world *w, const struct tenant *t, const struct alert *a)
{
	return a->raw ? a->source : generate_source(w->generator, t->number, a->n);
}

/* Filters the alerts into a list of their own; the caller frees it. */
static struct alert **filtered(struct world *w, const struct tenant *t,
	const struct query *q, struct alert **from, size_t *n)
{
	struct alert **list = malloc((*n + 1) * sizeof(*list));
	size_t count = 0;
	if (!list)
		abort();
	for (size_t i = 0; i < *n; i++) {
		const char *source = *q->source ? source_of(w, t, from[i]) : NULL;
		if (query_matches(q, from[i], source))
			list[count++] = from[i];
	}
	if (q->by_created)
		qsort(list, count, sizeof(*list), compare_created);
	*n = count;
	return list;
}

/* The lock of the tenant is held. */
static void select_page(
	struct world *w, const struct tenant *t, const struct query *q, struct page *p)
{
	bool key = q->after_key && !q->by_created;
	size_t low = tenant_lower_bound(t, q->updated_from, 0);
	size_t high = q->updated_to == INT64_MAX
			      ? t->count
			      : tenant_lower_bound(t, q->updated_to + 1, 0);
	if (high < low)
		high = low;
	p->total = high - low;
	if (key && q->ascending) {
		size_t at = tenant_lower_bound(t, q->last_updated, q->last_n + 1);
		low = at > low ? at : low;
	} else if (key) {
		size_t at = tenant_lower_bound(t, q->last_updated, q->last_n);
		high = at < high ? at : high;
	}
	size_t n = high > low ? high - low : 0;
	struct alert **list = t->count ? t->by_update + low : NULL, **own = NULL;
	if (!query_is_range(q)) {
		list = own = filtered(w, t, q, list, &n);
		p->total = n;
	}
	size_t skip = key ? 0 : q->skip < n ? q->skip : n;
	p->count = n - skip < q->top ? n - skip : q->top;
	p->more = skip + p->count < n;
	p->alerts = malloc((p->count + 1) * sizeof(*p->alerts));
	if (!p->alerts)
		abort();
	for (size_t i = 0; i < p->count; i++)
		p->alerts[i] = q->ascending ? list[skip + i] : list[n - 1 - skip - i];
	p->next = *q;
	p->next.page = q->page + 1;
	p->next.skip = q->skip + p->count;
	p->next.after_key = w->key_paging && !q->by_created && p->count;
	if (p->count) {
		p->next.last_updated = p->alerts[p->count - 1]->now.updated;
		p->next.last_n = p->alerts[p->count - 1]->n;
	}
	free(own);
}

static const char wrong_types[] =
	"{\"@odata.type\":7,\"id\":42,\"providerAlertId\":[],\"incidentId\":{},"
	"\"status\":3,"
	"\"severity\":[\"high\"],\"classification\":false,\"determination\":{\"a\":1},"
	"\"serviceSource\":0,\"detectionSource\":null,\"detectorId\":[[]],\"tenantId\":"
	"1.5,"
	"\"title\":{\"text\":\"x\"},\"description\":[1],\"recommendedActions\":true,"
	"\"category\":[],\"categories\":\"Malware\",\"assignedTo\":{},\"alertWebUrl\":"
	"1,"
	"\"incidentWebUrl\":[],\"actorDisplayName\":1,\"threatDisplayName\":true,"
	"\"threatFamilyName\":[],\"mitreTechniques\":\"T1003\",\"createdDateTime\":"
	"1767225600,"
	"\"lastUpdateDateTime\":{\"time\":1},\"resolvedDateTime\":[],"
	"\"firstActivityDateTime\":true,\"lastActivityDateTime\":0,\"comments\":"
	"\"none\","
	"\"evidence\":{\"@odata.type\":1},\"systemTags\":1,\"customDetails\":\"x\","
	"\"additionalData\":[1,2]}";

static void write_first(struct text *out, struct world *w, const struct tenant *t,
	const struct alert *a, bool all, enum fault_kind kind)
{
	struct text json = {0};
	tenant_write_alert(&json, w, t, a, all);
	if (kind == FAULT_NO_ID) {
		json_set(out, json.p, json.n, "id", NULL);
	} else if (kind == FAULT_NO_TIME) {
		json_set(out, json.p, json.n, "lastUpdateDateTime", NULL);
	} else if (kind == FAULT_INVALID_UTF8) {
		json_set(out, json.p, json.n, "title",
			"\"bad \xff\xc3\x28 \xed\xa0\x80\"");
	} else if (kind == FAULT_LONE_SURROGATE) {
		json_set(out, json.p, json.n, "title", "\"half \\ud83d pair \\udc00\"");
	} else if (kind == FAULT_WRONG_TYPES) {
		text_puts(out, wrong_types);
		text_putc(out, ',');
		text_add(out, json.p, json.n);
	} else {
		text_add(out, json.p, json.n);
		text_putc(out, ',');
		text_add(out, json.p, json.n);
	}
	text_clear(&json);
}

static void write_alerts(struct text *out, struct world *w, const struct tenant *t,
	const struct page *p, bool all, enum fault_kind kind)
{
	bool special = kind == FAULT_NO_ID || kind == FAULT_NO_TIME ||
		       kind == FAULT_INVALID_UTF8 || kind == FAULT_LONE_SURROGATE ||
		       kind == FAULT_WRONG_TYPES || kind == FAULT_DUPLICATE_IDS;
	if (p->count)
		text_reserve(out, p->count * 7000);
	for (size_t i = 0; i < p->count; i++) {
		if (i)
			text_putc(out, ',');
		if (special && !i)
			write_first(out, w, t, p->alerts[i], all, kind);
		else
			tenant_write_alert(out, w, t, p->alerts[i], all);
	}
}

/* Was this page good enough that a client has to take its alerts? */
static bool is_served(enum fault_kind kind)
{
	return kind == FAULT_NONE || kind == FAULT_DELAY || kind == FAULT_HUGE_PAGE ||
	       kind == FAULT_FOREIGN_LINK || kind == FAULT_ENDLESS_LINK ||
	       kind == FAULT_DUPLICATE_IDS || kind == FAULT_PARTIAL;
}

static void run_hook(
	struct world *w, struct tenant *t, const struct page *p, unsigned page)
{
	struct hook *h = &t->hook;
	if (!h->times || h->page != page)
		return;
	struct alert *a = NULL;
	if (h->alert) {
		a = h->alert <= t->count ? t->alerts[h->alert - 1] : NULL;
	} else if (p->more) {
		struct page after = {.count = 0};
		struct query next = p->next;
		next.top = 1;
		select_page(w, t, &next, &after);
		a = after.count ? after.alerts[0] : NULL;
		free(after.alerts);
	}
	if (!a)
		return;
	h->times--;
	tenant_change(w, t, a, &h->change);
}

static void write_link(struct text *out, const struct request *r, const struct query *q,
	const struct page *p, const struct fault *f)
{
	const char *host = r->host;
	const struct query *next = &p->next;
	struct query here;
	if (f->kind == FAULT_FOREIGN_LINK) {
		host = f->host ? f->host : "graph.evil.example";
	} else if (f->kind == FAULT_ENDLESS_LINK || f->kind == FAULT_EMPTY_PAGES) {
		/* The same page again; a first page has no token yet. */
		here = *q;
		here.page = q->page > 1 ? q->page : 2;
		next = &here;
	} else if (!p->more) {
		return;
	}
	text_puts(out, ",\"@odata.nextLink\":\"");
	query_write_link(out, r, next, host);
	text_putc(out, '"');
}

static void write_page(struct text *out, struct world *w, const struct request *r,
	struct tenant *t, const struct query *q, const struct fault *f)
{
	const char *prefer = request_header(r, "Prefer");
	bool all = prefer && strstr(prefer, "include-unknown-enum-members");
	struct page p = {.count = 0};
	struct text link = {0};
	pthread_mutex_lock(&t->lock);
	select_page(w, t, q, &p);
	write_link(&link, r, q, &p, f);
	if (f->kind == FAULT_EMPTY_PAGES)
		p.count = 0;
	text_putc(out, '{');
	text_puts(out, context_text);
	if (q->count)
		text_printf(out, ",\"@odata.count\":%zu", p.total);
	if (q->page % 2)
		text_add(out, link.p, link.n);
	if (f->kind == FAULT_NULL_VALUE) {
		text_puts(out, ",\"value\":null");
	} else if (f->kind != FAULT_MISSING_VALUE) {
		text_puts(out, ",\"value\":[");
		write_alerts(out, w, t, &p, all, f->kind);
		text_putc(out, ']');
	}
	if (q->page % 2 == 0)
		text_add(out, link.p, link.n);
	text_putc(out, '}');
	if (is_served(f->kind))
		for (size_t i = 0; i < p.count; i++)
			p.alerts[i]->now.served = true;
	run_hook(w, t, &p, q->page);
	pthread_mutex_unlock(&t->lock);
	text_clear(&link);
	free(p.alerts);
}

static void answer_pieces(struct answer *a, const struct fault *f)
{
	static const char start[] =
		"{\"value\":[{\"id\":\"da-huge\",\"title\":\"huge\",\"status\":\"new\","
		"\"severity\":\"low\",\"serviceSource\":\"microsoft365Defender\","
		"\"lastUpdateDateTime\":\"2026-01-01T00:00:00Z\",\"additionalData\":";
	a->delivery = DELIVER_PIECES;
	answer_piece(a, start, sizeof(start) - 1, 1);
	if (f->kind == FAULT_NESTED) {
		answer_piece(a, "[", 1, f->size);
		answer_piece(a, "]", 1, f->size);
	} else {
		answer_piece(a, "\"", 1, 1);
		answer_piece(a, "0123456789abcdef", 16, f->size / 16);
		answer_piece(a, "\"", 1, 1);
	}
	answer_piece(a, "}]}", 3, 1);
}

static void spoil(struct answer *a, const struct fault *f)
{
	switch (f->kind) {
	case FAULT_CUT:
		a->delivery = DELIVER_CUT;
		break;
	case FAULT_CUT_CHUNKED:
		a->delivery = DELIVER_CUT_CHUNKED;
		break;
	case FAULT_TRUNCATED:
		a->body.n /= 2;
		break;
	case FAULT_BROKEN_JSON:
		a->body.p[a->body.n / 2] = '\x02';
		a->body.n--;
		text_puts(&a->body, "]},,");
		break;
	case FAULT_EMPTY_BODY:
		a->body.n = 0;
		break;
	case FAULT_TOP_ARRAY:
		a->body.n = 0;
		text_puts(&a->body, "[{\"value\":[]}]");
		break;
	case FAULT_NOT_JSON:
		a->body.n = 0;
		a->type = "text/html";
		text_puts(
			&a->body, "<html><body>Sign in to your account</body></html>");
		break;
	case FAULT_PARTIAL:
		a->status = 206;
		answer_header(a, "Warning", "199 - \"Microsoft/MDE/504/10000\"");
		break;
	default:
		break;
	}
}

static void answer_list(struct world *w, const struct request *r, struct answer *a,
	const struct fault *f)
{
	struct query q;
	char why[300] = "";
	if (!query_parse(&q, r, why)) {
		refuse(w, r, a, 400, "BadRequest", why);
		return;
	}
	if (f->kind == FAULT_NESTED || f->kind == FAULT_HUGE_STRING) {
		a->status = 200;
		a->type = "application/json;odata.metadata=minimal;charset=utf-8";
		answer_pieces(a, f);
		return;
	}
	if (f->kind == FAULT_HUGE_PAGE)
		q.top = UINT32_MAX;
	else if (q.top > w->page_max)
		q.top = w->page_max;
	a->status = 200;
	a->type = "application/json;odata.metadata=minimal;odata.streaming=true;"
		  "IEEE754Compatible=false;charset=utf-8";
	write_page(&a->body, w, r, a->tenant, &q, f);
	spoil(a, f);
}

static void answer_one(
	struct world *w, const struct request *r, struct answer *a, const char *id)
{
	struct tenant *t = a->tenant;
	char buf[GENERATE_ID_SIZE];
	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < t->count && !a->status; i++) {
		tenant_id_of(w, t, t->alerts[i], buf);
		if (strcmp(buf, id) != 0)
			continue;
		a->status = 200;
		a->type = "application/json;odata.metadata=minimal;charset=utf-8";
		tenant_write_alert(&a->body, w, t, t->alerts[i], true);
	}
	pthread_mutex_unlock(&t->lock);
	if (!a->status)
		refuse(w, r, a, 404, "ResourceNotFound", "The alert was not found.");
}

static const char *path_rest(const char *path)
{
	static const char *const roots[] = {
		"/v1.0/security/alerts_v2", "/beta/security/alerts_v2"};
	for (size_t i = 0; i < 2; i++) {
		size_t n = strlen(roots[i]);
		if (!strncmp(path, roots[i], n) && (!path[n] || path[n] == '/'))
			return path + n;
	}
	return NULL;
}

static void answer_tenant(
	struct world *w, const struct request *r, struct answer *a, const char *rest)
{
	struct fault f;
	char seconds[16], where[300];
	unsigned after_s;
	note_last(a->tenant, r);
	fault_take(w, a->tenant, false, &f);
	a->delay_ms = f.delay_ms;
	if (f.kind == FAULT_DROP) {
		a->delivery = DELIVER_DROP;
		return;
	}
	if (f.kind == FAULT_STATUS) {
		answer_status(w, r, a, &f);
		return;
	}
	if (f.kind == FAULT_REDIRECT) {
		snprintf(where, sizeof(where), "%s://%s%s", r->scheme,
			f.host ? f.host : "graph.evil.example", r->path);
		answer_header(a, "Location", where);
		a->status = 302;
		return;
	}
	if (tenant_is_limited(w, a->tenant, &after_s)) {
		snprintf(seconds, sizeof(seconds), "%u", after_s);
		answer_header(a, "Retry-After", seconds);
		refuse(w, r, a, 429, "TooManyRequests", "Too many requests.");
		return;
	}
	if (*rest)
		answer_one(w, r, a, rest + 1);
	else
		answer_list(w, r, a, &f);
}

void graph_answer(struct world *w, const struct request *r, struct answer *a)
{
	char id[GENERATE_GUID_SIZE];
	bool has_roles = false;
	const char *rest = path_rest(r->path), *client;
	enum token_check check = token_read(
		w, request_header(r, "Authorization"), &a->tenant, &has_roles);
	trace_id(w, id);
	answer_header(a, "request-id", id);
	client = request_header(r, "client-request-id");
	answer_header(a, "client-request-id", client ? client : id);
	if (check != TOKEN_GOOD)
		refuse_token(w, r, a, check);
	else if (!rest)
		refuse(w, r, a, 404, "ResourceNotFound", "Resource not found.");
	else if (strcmp(r->method, "GET") != 0)
		refuse(w, r, a, 405, "MethodNotAllowed", "Method not allowed.");
	else if (!has_roles)
		refuse(w, r, a, 403, "Forbidden",
			"Missing application roles. API required roles: "
			"SecurityAlert.Read.All,SecurityAlert.ReadWrite.All, "
			"application "
			"roles: .");
	else
		answer_tenant(w, r, a, rest);
}
