/* page.c - one page of a list as Microsoft's APIs give it, and wrongly. */
#include "config.h"

#include "service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct element {
	struct record *record;
	unsigned part;
};

/* The elements of one page, and where the next one starts. */
struct page {
	struct element *elements;
	size_t count, size, total;
	bool more;
	struct query next;
};

static void add_element(struct page *p, struct record *r, unsigned part)
{
	if (p->count == p->size) {
		p->size = p->size ? p->size * 2 : 64;
		p->elements = realloc(p->elements, p->size * sizeof(*p->elements));
		if (!p->elements)
			abort();
	}
	p->elements[p->count++] = (struct element){r, part};
}

static int compare_created(const void *x, const void *y)
{
	const struct record *a = *(struct record *const *)x,
			    *b = *(struct record *const *)y;
	if (a->created != b->created)
		return a->created < b->created ? -1 : 1;
	return a->n < b->n ? -1 : a->n > b->n;
}

static const char *source_of(
	struct world *w, const struct tenant *t, const struct record *r)
{
	const struct alert *a = (const struct alert *)r;
	return a->raw ? a->source : generate_source(w->generator, t->number, r->n);
}

/* Filters the records into a list of their own; the caller frees it. */
static struct record **filtered(const struct view *v, const struct service *s,
	const struct query *q, struct record **from, size_t *n)
{
	struct record **list = malloc((*n + 1) * sizeof(*list));
	bool by_source = !s->incidents && q->lists[BY_SOURCE].n;
	size_t count = 0;
	if (!list)
		abort();
	for (size_t i = 0; i < *n; i++) {
		const char *source =
			by_source ? source_of(v->world, v->tenant, from[i]) : NULL;
		if (query_matches(q, from[i], source))
			list[count++] = from[i];
	}
	if (q->by_created)
		qsort(list, count, sizeof(struct record *), compare_created);
	*n = count;
	return list;
}

static size_t end_of(const struct index *x, int64_t to)
{
	return to == INT64_MAX ? x->count : index_lower_bound(x, to + 1, 0);
}

/* The lock of the tenant is held. */
static void select_page(const struct view *v, const struct service *s,
	const struct query *q, struct page *p)
{
	const struct tenant *t = v->tenant;
	const struct index *x = s->incidents ? &t->incidents_by_update : &t->by_update;
	bool key = q->after_key && !q->by_created;
	size_t low = index_lower_bound(x, q->updated_from, 0);
	size_t high = end_of(x, q->updated_to);
	if (high < low)
		high = low;
	p->total = high - low;
	if (key && q->ascending) {
		size_t at = index_lower_bound(x, q->last_updated, q->last_n + 1);
		low = at > low ? at : low;
	} else if (key) {
		size_t at = index_lower_bound(x, q->last_updated, q->last_n);
		high = at < high ? at : high;
	}
	size_t n = high > low ? high - low : 0;
	struct record **list = x->count ? x->at + low : NULL, **own = NULL;
	if (!query_is_range(q)) {
		list = own = filtered(v, s, q, list, &n);
		p->total = n;
	}
	size_t skip = key ? 0 : q->skip < n ? q->skip : n;
	size_t count = n - skip < q->top ? n - skip : q->top;
	p->more = skip + count < n;
	for (size_t i = 0; i < count; i++)
		add_element(p, list[q->ascending ? skip + i : n - 1 - skip - i], 0);
	p->next = *q;
	p->next.page = q->page + 1;
	p->next.skip = q->skip + count;
	p->next.after_key = v->world->key_paging && !q->by_created && count;
	if (count) {
		const struct record *last = p->elements[count - 1].record;
		p->next.last_updated = last->now.updated;
		p->next.last_n = last->n;
	}
	free(own);
}

/* machinegroups and the tags are looked up in what would be sent. */
static bool siem_wanted(const struct view *v, const struct service *s,
	const struct query *q, const struct element *e)
{
	struct text json = {0}, name = {0};
	struct member m;
	bool good = !q->group_count;
	if (good && !q->tag)
		return true;
	s->write(&json, v, e->record, e->part);
	for (unsigned i = 0; i < q->group_count && !good; i++) {
		name.n = 0;
		text_json(&name, q->groups[i], false);
		good = json_find(json.p, json.n, "MachineGroup", &m) &&
		       m.end - m.value == name.n &&
		       !memcmp(json.p + m.value, name.p, name.n);
	}
	if (q->tag && good)
		good = json_find(json.p, json.n, "DeviceCreatedMachineTags", &m) &&
		       memmem(json.p + m.value, m.end - m.value, q->tag,
			       strlen(q->tag));
	text_clear(&json);
	text_clear(&name);
	return good;
}

/* Newest first; the lock of the tenant is held. */
static void select_siem(const struct view *v, struct tenant *t, const struct service *s,
	const struct query *q, struct page *p)
{
	const struct index *x = tenant_by_created(t);
	size_t high = end_of(x, q->created_to);
	/* A later part of an older alert may be within. */
	int64_t from = q->created_from;
	size_t low = index_lower_bound(x, from > 0 ? from - MOMENT_SECOND : from, 0);
	while (high > low && p->count < q->top) {
		struct record *r = x->at[--high];
		for (unsigned part = siem_parts(t, r); part-- && p->count < q->top;) {
			const struct element e = {r, part};
			int64_t at = siem_processed(r, part);
			if (at >= q->created_from && at <= q->created_to &&
				siem_wanted(v, s, q, &e))
				add_element(p, r, part);
		}
	}
	p->total = p->count;
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

/* A member that is there gets another value. */
static void spoil_member(struct text *json, const char *key, const char *value)
{
	struct member m;
	struct text out = {0};
	if (!key || !json_find(json->p, json->n, key, &m))
		return;
	json_set(&out, json->p, json->n, key, value);
	text_clear(json);
	*json = out;
}

static void spoil_types(struct text *json, const struct service *s)
{
	spoil_member(json, s->id_key, "{\"a\":[1]}");
	spoil_member(json, s->time_key, "{\"time\":1}");
	spoil_member(json, s->title_key, "[true]");
	spoil_member(json, s->severity_key, "[\"High\"]");
	spoil_member(json, "evidence", "7");
	spoil_member(json, "alerts", "{\"value\":1}");
}

static void write_first(struct text *out, const struct view *v, const struct service *s,
	const struct element *e, enum fault_kind kind)
{
	struct text json = {0};
	s->write(&json, v, e->record, e->part);
	if (kind == FAULT_NO_ID) {
		spoil_member(&json, s->id_key, NULL);
	} else if (kind == FAULT_NO_TIME) {
		spoil_member(&json, s->time_key, NULL);
	} else if (kind == FAULT_INVALID_UTF8) {
		spoil_member(&json, s->title_key, "\"bad \xff\xc3\x28 \xed\xa0\x80\"");
	} else if (kind == FAULT_LONE_SURROGATE) {
		spoil_member(&json, s->title_key, "\"half \\ud83d pair \\udc00\"");
	} else if (kind == FAULT_WRONG_TYPES && s == &services[SERVICE_GRAPH_ALERTS]) {
		text_puts(out, wrong_types);
		text_putc(out, ',');
	} else if (kind == FAULT_WRONG_TYPES) {
		struct text wrong = {0};
		text_add(&wrong, json.p, json.n);
		spoil_types(&wrong, s);
		text_add(out, wrong.p, wrong.n);
		text_putc(out, ',');
		text_clear(&wrong);
	} else {
		text_add(out, json.p, json.n);
		text_putc(out, ',');
	}
	text_add(out, json.p, json.n);
	text_clear(&json);
}

static void write_elements(struct text *out, const struct view *v,
	const struct service *s, const struct page *p, enum fault_kind kind)
{
	bool special = kind == FAULT_NO_ID || kind == FAULT_NO_TIME ||
		       kind == FAULT_INVALID_UTF8 || kind == FAULT_LONE_SURROGATE ||
		       kind == FAULT_WRONG_TYPES || kind == FAULT_DUPLICATE_IDS;
	if (p->count)
		text_reserve(out, p->count * 7000);
	text_putc(out, '[');
	for (size_t i = 0; i < p->count; i++) {
		const struct element *e = &p->elements[i];
		if (i)
			text_putc(out, ',');
		if (special && !i)
			write_first(out, v, s, e, kind);
		else
			s->write(out, v, e->record, e->part);
	}
	text_putc(out, ']');
}

/* Was this page good enough that a client has to take its alerts? */
static bool is_served(enum fault_kind kind)
{
	return kind == FAULT_NONE || kind == FAULT_DELAY || kind == FAULT_HUGE_PAGE ||
	       kind == FAULT_FOREIGN_LINK || kind == FAULT_ENDLESS_LINK ||
	       kind == FAULT_DUPLICATE_IDS || kind == FAULT_PARTIAL;
}

void page_mark_served(const struct service *s, struct record *r, bool expanded)
{
	unsigned bit = 1u << (s - services);
	r->now.served |= bit;
	if (!s->incidents || !expanded)
		return;
	struct incident *i = (struct incident *)r;
	for (size_t k = 0; k < i->count; k++)
		i->alerts[k]->record.now.served |= bit;
}

static void run_hook(const struct view *v, const struct service *s, struct tenant *t,
	const struct page *p, unsigned page)
{
	struct hook *h = &t->hook;
	if (!h->times || h->page != page)
		return;
	struct record *r = NULL;
	bool is_incident = s->incidents && !h->alert;
	if (h->alert) {
		r = h->alert <= t->count ? &t->alerts[h->alert - 1]->record : NULL;
	} else if (p->more) {
		struct page after = {.count = 0};
		struct query next = p->next;
		next.top = 1;
		select_page(v, s, &next, &after);
		r = after.count ? after.elements[0].record : NULL;
		free(after.elements);
	}
	if (!r)
		return;
	h->times--;
	if (is_incident)
		tenant_change_incident(v->world, t, (struct incident *)r, &h->change);
	else
		tenant_change(v->world, t, (struct alert *)r, &h->change);
}

static void write_link(struct text *out, const struct request *r,
	const struct service *s, const struct query *q, const struct page *p,
	const struct fault *f)
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
	} else if (!p->more ||
		   !(s->rules.links || (s->rules.skip_links && !q->top_given))) {
		return;
	}
	text_puts(out, ",\"@odata.nextLink\":\"");
	query_write_link(out, &s->rules, r, next, host);
	text_putc(out, '"');
}

struct asked {
	const struct query *query;
	const struct page *page;
	const struct service *service;
};

static bool contains(const struct asked *asked, uint32_t n)
{
	for (size_t i = 0; i < asked->page->count; i++) {
		const struct record *r = asked->page->elements[i].record;
		if (!asked->service->incidents) {
			if (r->n == n)
				return true;
			continue;
		}
		const struct incident *in = (const struct incident *)r;
		for (size_t k = 0; k < in->count; k++)
			if (in->alerts[k]->record.n == n)
				return true;
	}
	return false;
}

static bool applies(void *context, const struct fault *f)
{
	const struct asked *asked = context;
	return (!f->expanded || asked->query->expanded) &&
	       asked->query->top > f->top_over && (!f->n || contains(asked, f->n));
}

static void write_page(struct text *out, const struct view *v, const struct request *r,
	struct tenant *t, const struct service *s, const struct query *q,
	const struct fault *f, struct page *p)
{
	struct text link = {0};
	if (!s->bare)
		write_link(&link, r, s, q, p, f);
	if (f->kind == FAULT_EMPTY_PAGES)
		p->count = 0;
	if (!s->bare) {
		text_putc(out, '{');
		text_printf(out, "\"@odata.context\":\"%s\"", s->context);
		if (q->count)
			text_printf(out, ",\"@odata.count\":%zu", p->total);
		if (q->page % 2)
			text_add(out, link.p, link.n);
	}
	if (f->kind == FAULT_NULL_VALUE) {
		text_puts(out, s->bare ? "null" : ",\"value\":null");
	} else if (f->kind != FAULT_MISSING_VALUE) {
		text_puts(out, s->bare ? "" : ",\"value\":");
		write_elements(out, v, s, p, f->kind);
	} else if (s->bare) {
		text_puts(out, "{}");
	}
	if (!s->bare) {
		if (q->page % 2 == 0)
			text_add(out, link.p, link.n);
		text_putc(out, '}');
	}
	if (is_served(f->kind))
		for (size_t i = 0; i < p->count; i++)
			page_mark_served(s, p->elements[i].record, v->expanded);
	run_hook(v, s, t, p, q->page);
	text_clear(&link);
}

static void answer_pieces(
	struct answer *a, const struct service *s, const struct fault *f)
{
	static const char start[] =
		"{\"value\":[{\"id\":\"da-huge\",\"title\":\"huge\",\"status\":\"new\","
		"\"severity\":\"low\",\"serviceSource\":\"microsoft365Defender\","
		"\"lastUpdateDateTime\":\"2026-01-01T00:00:00Z\",\"additionalData\":";
	size_t skip = s->bare ? strlen("{\"value\":") : 0;
	a->delivery = DELIVER_PIECES;
	answer_piece(a, start + skip, sizeof(start) - 1 - skip, 1);
	if (f->kind == FAULT_NESTED) {
		answer_piece(a, "[", 1, f->size);
		answer_piece(a, "]", 1, f->size);
	} else {
		answer_piece(a, "\"", 1, 1);
		answer_piece(a, "0123456789abcdef", 16, f->size / 16);
		answer_piece(a, "\"", 1, 1);
	}
	answer_piece(a, "}]}", s->bare ? 2 : 3, 1);
}

static void spoil(struct answer *a, const struct service *s, const struct fault *f)
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
		text_puts(&a->body, s->bare ? "{\"value\":[]}" : "[{\"value\":[]}]");
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

static const char json_type[] =
	"application/json;odata.metadata=minimal;odata.streaming=true;"
	"IEEE754Compatible=false;charset=utf-8";

static struct view view_of(struct world *w, const struct request *r,
	const struct tenant *t, const struct service *s, bool expanded)
{
	const char *prefer = request_header(r, "Prefer");
	return (struct view){.world = w,
		.tenant = t,
		.all_members = prefer && strstr(prefer, "include-unknown-enum-members"),
		.expanded = expanded || s->always_expanded};
}

static void limit_top(
	const struct world *w, const struct service *s, struct query *q, bool huge)
{
	if (huge)
		q->top = UINT32_MAX;
	else if (s->rules.top_lowered && q->top > w->page_max)
		q->top = w->page_max;
	else if (s->rules.skip_links && !q->top_given)
		q->top = w->mde_page_max;
}

void page_answer(struct world *w, const struct request *r, struct answer *a,
	const struct service *s, const struct fault *given)
{
	struct tenant *t = a->tenant;
	struct fault f = *given, other;
	struct query q;
	char why[300] = "";
	if (!query_parse(&q, &s->rules, r, why)) {
		/* Graph says nothing but the message of too large a $top (samples). */
		const char *code = s->api != API_GRAPH ? "ODataError"
				   : q.top_refused     ? ""
						       : "BadRequest";
		api_refuse(w, r, a, s->api, 400, code, why);
		return;
	}
	a->status = 200;
	if (f.kind == FAULT_NESTED || f.kind == FAULT_HUGE_STRING) {
		a->type = json_type;
		answer_pieces(a, s, &f);
		return;
	}
	limit_top(w, s, &q, f.kind == FAULT_HUGE_PAGE);
	struct view v = view_of(w, r, t, s, q.expanded);
	struct page p = {.count = 0};
	struct asked asked = {&q, &p, s};
	pthread_mutex_lock(&t->lock);
	if (s->rules.siem)
		select_siem(&v, t, s, &q, &p);
	else
		select_page(&v, s, &q, &p);
	bool hit = fault_take_if(w, t, s->api, applies, &asked, &other);
	if (!hit)
		write_page(&a->body, &v, r, t, s, &q, &f, &p);
	pthread_mutex_unlock(&t->lock);
	free(p.elements);
	if (hit) {
		a->delay_ms = other.delay_ms;
		api_refuse_fault(w, r, a, s, &other);
		return;
	}
	a->type = json_type;
	spoil(a, s, &f);
}

static struct record *find_record(
	struct world *w, struct tenant *t, const struct service *s, const char *id)
{
	char *end;
	if (!s->incidents) {
		struct alert *a = tenant_find(w, t, id, 0);
		return a ? &a->record : NULL;
	}
	unsigned long n = strtoul(id, &end, 10);
	struct incident *i =
		*id && !*end && n < UINT32_MAX ? tenant_incident(t, (uint32_t)n) : NULL;
	return i ? &i->record : NULL;
}

static void write_alerts_of(
	struct text *out, const struct view *v, const struct incident *i)
{
	const struct service *alerts = &services[SERVICE_GRAPH_ALERTS];
	text_printf(out, "{\"@odata.context\":\"%s\",\"value\":[", alerts->context);
	for (size_t k = 0; k < i->count; k++) {
		if (k)
			text_putc(out, ',');
		alerts->write(out, v, &i->alerts[k]->record, 0);
		page_mark_served(alerts, &i->alerts[k]->record, false);
	}
	text_puts(out, "]}");
}

void page_answer_one(struct world *w, const struct request *r, struct answer *a,
	const struct service *s, const char *rest)
{
	struct tenant *t = a->tenant;
	char id[GENERATE_ID_SIZE];
	size_t n = strcspn(rest + 1, "/");
	const char *expand = request_query(r, "$expand");
	struct view v = view_of(w, r, t, s,
		expand && s->rules.expand && !strcmp(expand, s->rules.expand));
	bool of_incident = s == &services[SERVICE_GRAPH_INCIDENTS] &&
			   !strcmp(rest + 1 + n, "/alerts");
	snprintf(id, sizeof(id), "%.*s", (int)(n < sizeof(id) ? n : 0), rest + 1);
	pthread_mutex_lock(&t->lock);
	struct record *found =
		rest[1 + n] && !of_incident ? NULL : find_record(w, t, s, id);
	if (found) {
		a->status = 200;
		a->type = json_type;
		if (of_incident) {
			write_alerts_of(&a->body, &v, (struct incident *)found);
		} else {
			s->write(&a->body, &v, found, 0);
			page_mark_served(s, found, v.expanded);
		}
	}
	pthread_mutex_unlock(&t->lock);
	if (!found)
		api_refuse(w, r, a, s->api, 404, "ResourceNotFound",
			s->incidents ? "The incident was not found."
				     : "The alert was not found.");
}
