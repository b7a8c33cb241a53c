/* control.c - what a test may ask and order: /control/... in JSON. See README. */
#include "config.h"

#include "application.h"
#include "imds.h"
#include "refresh.h"
#include "service.h"
#include "trickle.h"

#include <json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct order {
	struct world *world;
	struct fjson_object *json;
	struct answer *answer;
	struct tenant *tenant; /* NULL: all, or none named */
	bool all;
};

static void refuse(struct answer *a, unsigned status, const char *why, const char *what)
{
	struct text t = {0};
	a->status = status;
	a->body.n = 0;
	text_printf(&t, "%s: %s", why, what);
	text_puts(&a->body, "{\"error\":");
	text_json(&a->body, t.p, false);
	text_clear(&t);
	text_puts(&a->body, "}\n");
}

static struct fjson_object *get(const struct order *o, const char *key)
{
	struct fjson_object *v = NULL;
	return fjson_object_object_get_ex(o->json, key, &v) ? v : NULL;
}

static const char *get_text(const struct order *o, const char *key)
{
	struct fjson_object *v = get(o, key);
	return v && !fjson_object_is_type(v, fjson_type_object)
		       ? world_intern(o->world, fjson_object_get_string(v))
		       : NULL;
}

static int64_t get_number(const struct order *o, const char *key, int64_t otherwise)
{
	struct fjson_object *v = get(o, key);
	return v ? fjson_object_get_int64(v) : otherwise;
}

static bool get_bool(const struct order *o, const char *key)
{
	struct fjson_object *v = get(o, key);
	return v && fjson_object_get_boolean(v);
}

static bool get_time(const struct order *o, const char *key, int64_t *out)
{
	const char *text = get_text(o, key);
	return text && moment_parse(text, strlen(text), out);
}

static bool need_tenant(struct order *o)
{
	if (o->tenant)
		return true;
	refuse(o->answer, 400, "name one", "tenant");
	return false;
}

/* "api":"mde"; false and a refusal when there is no such one. */
static bool get_api(struct order *o, enum api *api)
{
	const char *name = get_text(o, "api");
	for (unsigned i = 0; i < API_COUNT && name; i++) {
		if (strcmp(api_names[i], name) != 0)
			continue;
		*api = (enum api)i;
		return true;
	}
	if (name)
		refuse(o->answer, 400, "api is graph, mde, m365d or siem, not", name);
	return !name;
}

static void order_fault(struct order *o)
{
	struct fault f;
	const char *kind = get_text(o, "kind");
	if (kind && !strcmp(kind, "none")) {
		if (o->all)
			fault_clear_all(o->world);
		else
			fault_clear(o->world, o->tenant);
		return;
	}
	if (!kind || !fault_named(&f, kind)) {
		struct text known = {0};
		fault_write_names(&known);
		text_putc(&known, '\0');
		refuse(o->answer, 400, "unknown kind; known are none", known.p);
		text_clear(&known);
		return;
	}
	f.count = (int)get_number(o, "count", 1);
	f.after = (unsigned)get_number(o, "after", 0);
	f.code = (unsigned)get_number(o, "code", 0);
	f.status = (unsigned)get_number(o, "status", f.status);
	f.delay_ms = (unsigned)get_number(o, "delay_ms", f.delay_ms);
	f.size = (uint64_t)get_number(o, "size", (int64_t)f.size);
	f.n = (uint32_t)get_number(o, "n", 0);
	f.top_over = (uint64_t)get_number(o, "top_over", 0);
	f.expanded = get_bool(o, "expanded");
	if ((f.n || f.top_over || f.expanded) && f.kind != FAULT_STATUS) {
		refuse(o->answer, 400, "n, top_over and expanded need a status, not",
			f.name);
		return;
	}
	if (f.api == API_ANY && !get_api(o, &f.api))
		return;
	if (f.api == API_IMDS)
		o->tenant = NULL;
	f.retry_after = get_text(o, "retry_after");
	f.host = get_text(o, "host");
	f.message = get_text(o, "message");
	if (f.count)
		fault_add(o->world, o->tenant, &f);
}

/* lastUpdateDateTime of the i-th of count new alerts. */
static int64_t new_time(const struct order *o, int64_t i, int64_t count, int64_t now)
{
	int64_t at = now, age = get_number(o, "age_s", 0),
		spread = get_number(o, "spread_s", 0);
	if (!get_time(o, "lastUpdateDateTime", &at))
		at = now - age * MOMENT_SECOND;
	if (get_bool(o, "equal"))
		return at;
	if (get_bool(o, "shuffled"))
		i = (int64_t)(generate_mix((uint64_t)now, (uint64_t)i) %
			      (uint64_t)count);
	if (spread)
		return at - spread * MOMENT_SECOND * i / count;
	return at - (count - 1 - i);
}

static void order_alerts(struct order *o)
{
	struct text *out = &o->answer->body;
	struct fjson_object *given = get(o, "alert");
	int64_t count = get_number(o, "count", 1), now = moment_now();
	if (!need_tenant(o))
		return;
	if (given) {
		const char *json = fjson_object_is_type(given, fjson_type_string)
					   ? fjson_object_get_string(given)
					   : fjson_object_to_json_string(given);
		unsigned n = tenant_add_raw(
			o->world, o->tenant, json, strlen(json), get_bool(o, "now"));
		if (!n)
			refuse(o->answer, 400, "not a JSON object", "alert");
		else
			text_printf(out, "{\"ok\":true,\"n\":[%u]}\n", n);
		return;
	}
	if (count < 0 || count > 10000000) {
		refuse(o->answer, 400, "out of range", "count");
		return;
	}
	text_puts(out, "{\"ok\":true,\"n\":[");
	for (int64_t i = 0; i < count; i++)
		text_printf(out, "%s%u", i ? "," : "",
			tenant_add(o->world, o->tenant, new_time(o, i, count, now)));
	text_puts(out, "]}\n");
}

static const char *get_change(const struct order *o, const char *key)
{
	struct fjson_object *v = NULL;
	if (fjson_object_object_get_ex(o->json, key, &v) && !v)
		return WORLD_NULL;
	return get_text(o, key);
}

static struct change read_change(const struct order *o)
{
	struct change c = {.status = get_change(o, "status"),
		.severity = get_change(o, "severity"),
		.classification = get_change(o, "classification"),
		.determination = get_change(o, "determination"),
		.assigned_to = get_change(o, "assignedTo")};
	get_time(o, "lastUpdateDateTime", &c.updated);
	return c;
}

static void order_update(struct order *o)
{
	char when[MOMENT_SIZE];
	int64_t updated = 0;
	struct change c = read_change(o);
	const char *id = get_text(o, "id");
	if (!need_tenant(o))
		return;
	if (!tenant_update(o->world, o->tenant, id, (unsigned)get_number(o, "n", 0), &c,
		    &updated)) {
		refuse(o->answer, 404, "no such alert", id ? id : "n");
		return;
	}
	moment_format(when, updated);
	text_printf(&o->answer->body, "{\"ok\":true,\"lastUpdateDateTime\":\"%s\"}\n",
		when);
}

static void order_update_incident(struct order *o)
{
	char when[MOMENT_SIZE];
	int64_t updated = 0;
	struct change c = read_change(o);
	const char *id = get_text(o, "id");
	if (!need_tenant(o))
		return;
	if (!tenant_update_incident(o->world, o->tenant,
		    (uint32_t)get_number(o, "id", 0), &c, &updated)) {
		refuse(o->answer, 404, "no such incident", id ? id : "id");
		return;
	}
	moment_format(when, updated);
	text_printf(&o->answer->body, "{\"ok\":true,\"lastUpdateDateTime\":\"%s\"}\n",
		when);
}

static void order_merge(struct order *o)
{
	if (!need_tenant(o))
		return;
	if (!tenant_merge_incidents(o->world, o->tenant,
		    (uint32_t)get_number(o, "from", 0),
		    (uint32_t)get_number(o, "into", 0), get_bool(o, "touch")))
		refuse(o->answer, 404, "two incidents that are not merged yet",
			"from, into");
}

static void order_limit(struct order *o)
{
	enum api api = API_ANY;
	unsigned minute = (unsigned)get_number(o, "per_minute", 0),
		 hour = (unsigned)get_number(o, "per_hour", 0);
	if (!get_api(o, &api))
		return;
	for (unsigned i = 0; i < o->world->tenant_count; i++) {
		struct tenant *t = &o->world->tenants[i];
		for (unsigned k = 0; k < API_COUNT; k++)
			if ((!o->tenant || o->tenant == t) &&
				(api == API_ANY || api == k))
				tenant_limit(t, (enum api)k, minute, hour);
	}
}

static void order_hook(struct order *o)
{
	if (!need_tenant(o))
		return;
	pthread_mutex_lock(&o->tenant->lock);
	o->tenant->hook = (struct hook){.page = (unsigned)get_number(o, "page", 1),
		.times = (unsigned)get_number(o, "count", 1),
		.alert = (unsigned)get_number(o, "n", 0),
		.change = read_change(o)};
	pthread_mutex_unlock(&o->tenant->lock);
}

/* false takes all roles away, true gives them back, a list gives only those. */
static void set_roles(const struct order *o, struct tenant *t)
{
	struct fjson_object *v = get(o, "roles");
	struct text list = {0};
	if (!v)
		return;
	if (!fjson_object_is_type(v, fjson_type_array)) {
		t->roles = fjson_object_get_boolean(v) ? NULL
						       : world_intern(o->world, ",");
		return;
	}
	text_putc(&list, ',');
	for (int i = 0; i < (int)fjson_object_array_length(v); i++)
		text_printf(&list, "%s,",
			fjson_object_get_string(fjson_object_array_get_idx(v, i)));
	char *roles = text_take(&list, NULL);
	t->roles = world_intern(o->world, roles);
	free(roles);
}

static void set_tenant(const struct order *o, struct tenant *t)
{
	t->token_life_s = get_number(o, "token_life", t->token_life_s);
	set_roles(o, t);
	if (get(o, "consent"))
		t->disabled = !get_bool(o, "consent");
	t->token_epoch += get_bool(o, "revoke");
	if (get_bool(o, "forget_gaps"))
		tenant_forget_gaps(t);
}

static void order_tenant(struct order *o)
{
	if (o->tenant)
		set_tenant(o, o->tenant);
	else
		for (unsigned i = 0; i < o->world->tenant_count; i++)
			set_tenant(o, &o->world->tenants[i]);
}

static char *read_file(const char *path, size_t *n)
{
	struct text t = {0};
	char buf[8192];
	size_t got;
	FILE *f = fopen(path, "re");
	if (!f)
		return NULL;
	while ((got = fread(buf, 1, sizeof(buf), f)) > 0)
		text_add(&t, buf, got);
	fclose(f);
	return text_take(&t, n);
}

/* Every element of "value", byte for byte. */
static void order_samples(struct order *o)
{
	char path[PATH_MAX];
	const char *file = get_text(o, "file");
	size_t n = 0;
	unsigned added = 0;
	struct member value;
	if (!need_tenant(o))
		return;
	if (!file)
		file = "graph-alerts_v2.json";
	if (!o->world->samples || strchr(file, '/') ||
		snprintf(path, sizeof(path), "%s/%s", o->world->samples, file) >=
			(int)sizeof(path)) {
		refuse(o->answer, 400, "no --samples, or a bad file name", file);
		return;
	}
	char *json = read_file(path, &n);
	if (!json || !json_find(json, n, "value", &value)) {
		refuse(o->answer, 404, "cannot use", file);
		free(json);
		return;
	}
	for (size_t at = json_space(json, n, value.value + 1); json[at] == '{';) {
		size_t end = json_skip(json, n, at);
		added += tenant_add_raw(o->world, o->tenant, json + at, end - at,
				 get_bool(o, "now")) != 0;
		at = json_space(json, n, end);
		at = json_space(json, n, at + (json[at] == ','));
	}
	free(json);
	text_printf(&o->answer->body, "{\"ok\":true,\"added\":%u}\n", added);
}

static void order_app(struct order *o)
{
	const char *why = application_order(o->world->application, o->json);
	if (why)
		refuse(o->answer, 400, why, "the application");
}

static void order_refresh_token(struct order *o)
{
	if (!need_tenant(o))
		return;
	char *text = refresh_issue(o->world->refresh_tokens, o->tenant->number);
	text_printf(&o->answer->body, "{\"ok\":true,\"refresh_token\":\"%s\"}\n", text);
	free(text);
}

static void order_refresh(struct order *o)
{
	refresh_set(o->world->refresh_tokens, get_number(o, "grace_s", -1),
		get_number(o, "life_s", -1),
		get(o, "rotate") ? get_bool(o, "rotate") : -1);
	if (get_bool(o, "revoke"))
		refresh_revoke(o->world->refresh_tokens);
}

static void order_trickle(struct order *o)
{
	trickle_set((unsigned)get_number(o, "per_minute", 0));
}

static void post(struct world *w, const struct request *r, struct answer *a)
{
	static const struct {
		const char *path;
		void (*call)(struct order *);
	} calls[] = {{"fault", order_fault}, {"alerts", order_alerts},
		{"update", order_update}, {"update-while-paging", order_hook},
		{"update-incident", order_update_incident},
		{"merge-incidents", order_merge}, {"limit", order_limit},
		{"app", order_app}, {"refresh-token", order_refresh_token},
		{"refresh", order_refresh}, {"tenant", order_tenant},
		{"samples", order_samples}, {"trickle", order_trickle}};
	struct order o = {.world = w, .answer = a};
	size_t i = 0, known = sizeof(calls) / sizeof(*calls);
	while (i < known && strcmp(calls[i].path, r->path + 9) != 0)
		i++;
	if (i == known) {
		refuse(a, 404, "nothing here to post to", r->path);
		return;
	}
	struct text copy = {0};
	text_add(&copy, r->body.p, r->body.n);
	char *body = text_take(&copy, NULL);
	o.json = r->too_big ? NULL : fjson_tokener_parse(body);
	if (!o.json || !fjson_object_is_type(o.json, fjson_type_object)) {
		refuse(a, 400, "not a JSON object", "body");
	} else {
		const char *name = get_text(&o, "tenant");
		o.all = !name || !strcmp(name, "*");
		o.tenant = o.all ? NULL : world_tenant(w, name);
		if (!o.all && !o.tenant)
			refuse(a, 404, "no such tenant", name);
		else
			calls[i].call(&o);
	}
	if (!a->body.n)
		text_puts(&a->body, "{\"ok\":true}\n");
	if (o.json)
		fjson_object_put(o.json);
	free(body);
}

static void each_tenant(struct world *w, const char *name, struct answer *a,
	void (*call)(struct text *, struct world *, struct tenant *))
{
	struct tenant *one = name ? world_tenant(w, name) : NULL;
	if (name && !one) {
		refuse(a, 404, "no such tenant", name);
		return;
	}
	a->type = "application/x-ndjson";
	for (unsigned i = 0; i < w->tenant_count; i++)
		if (!one || one == &w->tenants[i])
			call(&a->body, w, &w->tenants[i]);
}

static void write_requests(struct text *out, struct world *w, struct tenant *t)
{
	(void)w;
	tenant_write_requests(out, t);
	text_putc(out, '\n');
}

static void write_tenant(struct text *out, struct world *w, struct tenant *t)
{
	(void)w;
	pthread_mutex_lock(&t->lock);
	text_printf(out,
		"{\"n\":%u,\"id\":\"%s\",\"domain\":\"t%u.customer.example\","
		"\"alerts\":%zu}\n",
		t->number, t->id, t->number, t->count);
	pthread_mutex_unlock(&t->lock);
}

static void write_stats(struct world *w, struct text *out)
{
	unsigned long long tokens = 0, errors = 0, pages = 0, bytes = 0, alerts = 0,
			   versions = 0, served = 0, over = 0;
	int64_t gap = 0, silent = 0, now = moment_now();
	for (unsigned i = 0; i < w->tenant_count; i++) {
		struct tenant *t = &w->tenants[i];
		pthread_mutex_lock(&t->lock);
		tokens += t->counters.tokens;
		errors += t->counters.token_errors;
		pages += t->counters.pages;
		bytes += t->counters.bytes;
		alerts += t->count;
		if (t->counters.page_gap > gap)
			gap = t->counters.page_gap;
		int64_t since = t->counters.page_at ? t->counters.page_at : w->started;
		if (now - since > silent)
			silent = now - since;
		for (unsigned k = 0; k < API_COUNT; k++)
			over += t->uses[k].over_limit;
		for (size_t k = 0; k < t->count; k++) {
			const struct record *a = &t->alerts[k]->record;
			versions += a->old_count + 1;
			served += a->now.served != 0;
			for (size_t v = 0; v < a->old_count; v++)
				served += a->old[v].served != 0;
		}
		pthread_mutex_unlock(&t->lock);
	}
	text_printf(out,
		"{\"tenants\":%u,\"alerts\":%llu,\"versions\":%llu,\"served\":%llu,"
		"\"requests\":%llu,\"tokens\":%llu,\"token_errors\":%llu,\"pages\":%"
		"llu,"
		"\"bytes\":%llu,\"over_limit\":%llu,\"max_gap_ms\":%lld,"
		"\"silent_ms\":%lld,\"in_flight_max\":%u}\n",
		w->tenant_count, alerts, versions, served,
		(unsigned long long)w->requests, tokens, errors, pages, bytes, over,
		(long long)(gap / (MOMENT_SECOND / 1000)),
		(long long)(silent / (MOMENT_SECOND / 1000)),
		(unsigned)w->in_flight_max);
}

static void write_imds(const struct machine *m, struct text *out)
{
	text_printf(out,
		"{\"requests\":%u,\"tokens\":%u,\"client_id\":\"%s\",\"object_id\":\"%"
		"s\","
		"\"tenant\":\"%s\",\"header\":\"%s\"}\n",
		(unsigned)m->requests, (unsigned)m->tokens, m->client_id, m->object_id,
		m->tenant->id, m->header);
}

static void write_refresh_tokens(struct world *w, struct answer *a)
{
	a->type = "application/x-ndjson";
	refresh_write(w->refresh_tokens, &a->body);
}

void control_answer(struct world *w, const struct request *r, struct answer *a)
{
	const char *what = r->path + 9, *tenant = request_query(r, "tenant");
	a->status = 200;
	a->type = "application/json";
	if (!strcmp(r->method, "POST"))
		post(w, r, a);
	else if (strcmp(r->method, "GET") != 0)
		refuse(a, 405, "not a method here", r->method);
	else if (!strcmp(what, "tenants"))
		each_tenant(w, tenant, a, write_tenant);
	else if (!strcmp(what, "versions"))
		each_tenant(w, tenant, a, tenant_write_versions);
	else if (!strcmp(what, "incidents"))
		each_tenant(w, tenant, a, tenant_write_incidents);
	else if (!strcmp(what, "requests"))
		each_tenant(w, tenant, a, write_requests);
	else if (!strcmp(what, "app"))
		application_write(w->application, &a->body);
	else if (!strcmp(what, "imds"))
		write_imds(w->machine, &a->body);
	else if (!strcmp(what, "refresh-tokens"))
		write_refresh_tokens(w, a);
	else if (!strcmp(what, "stats"))
		write_stats(w, &a->body);
	else
		refuse(a, 404, "nothing here to get", r->path);
}
