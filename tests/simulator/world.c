/* world.c - tenants, their alerts and every version of them. */
#include "config.h"

#include "world.h"

#include <json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char WORLD_NULL[] = "";

static const unsigned short status_names[STATUS_SLOTS] = {
	200, 206, 302, 400, 401, 403, 404, 405, 408, 410, 429, 500, 502, 503, 504, 0};

struct interned {
	struct interned *next;
	char text[];
};

enum { INTERN_SLOTS = 256 };

const char *world_intern(struct world *w, const char *s)
{
	if (!s)
		return NULL;
	size_t n = strlen(s), slot = 0;
	for (size_t i = 0; i < n; i++)
		slot = slot * 31 + (unsigned char)s[i];
	struct interned **head = (struct interned **)(void *)w->interned;
	pthread_mutex_lock(&w->intern_lock);
	struct interned **at = &head[slot % INTERN_SLOTS];
	while (*at && strcmp((*at)->text, s) != 0)
		at = &(*at)->next;
	if (!*at) {
		*at = calloc(1, sizeof(**at) + n + 1);
		if (!*at)
			abort();
		memcpy((*at)->text, s, n);
	}
	const char *found = (*at)->text;
	pthread_mutex_unlock(&w->intern_lock);
	return found;
}

static int order(const struct alert *a, int64_t updated, uint32_t n)
{
	if (a->now.updated != updated)
		return a->now.updated < updated ? -1 : 1;
	return a->n < n ? -1 : a->n > n;
}

size_t tenant_lower_bound(const struct tenant *t, int64_t updated, uint32_t n)
{
	size_t low = 0, high = t->count;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (order(t->by_update[mid], updated, n) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void index_insert(struct tenant *t, struct alert *a, size_t count)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (order(t->by_update[mid], a->now.updated, a->n) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	memmove(t->by_update + low + 1, t->by_update + low,
		(count - low) * sizeof(*t->by_update));
	t->by_update[low] = a;
}

static void index_remove(struct tenant *t, const struct alert *a)
{
	size_t at = tenant_lower_bound(t, a->now.updated, a->n);
	memmove(t->by_update + at, t->by_update + at + 1,
		(t->count - at - 1) * sizeof(*t->by_update));
}

static struct alert *append(struct tenant *t)
{
	if (t->count == t->size) {
		t->size = t->size ? t->size * 2 : 16;
		t->alerts = realloc(t->alerts, t->size * sizeof(*t->alerts));
		t->by_update = realloc(t->by_update, t->size * sizeof(*t->by_update));
		if (!t->alerts || !t->by_update)
			abort();
	}
	struct alert *a = calloc(1, sizeof(*a));
	if (!a)
		abort();
	t->alerts[t->count++] = a;
	a->n = (uint32_t)t->count;
	return a;
}

static void set_state(struct world *w, struct alert *a, const struct alert_state *s)
{
	a->created = s->created;
	a->now.updated = s->updated;
	a->now.status = world_intern(w, s->status);
	a->now.severity = world_intern(w, s->severity);
	a->now.classification = world_intern(w, s->classification);
	a->now.determination = world_intern(w, s->determination);
	a->now.assigned_to = world_intern(w, s->assigned_to);
}

static int compare(const void *x, const void *y)
{
	const struct alert *a = *(struct alert *const *)x,
			   *b = *(struct alert *const *)y;
	return order(a, b->now.updated, b->n);
}

static void fill(struct world *w, struct tenant *t, unsigned count, int64_t until)
{
	for (unsigned i = 0; i < count; i++) {
		struct alert *a = append(t);
		struct alert_state s;
		generate_state(w->generator, t->number, a->n, w->since, until, &s);
		set_state(w, a, &s);
		t->by_update[i] = a;
	}
	if (count)
		qsort(t->by_update, count, sizeof(*t->by_update), compare);
}

struct world *world_new(
	uint64_t seed, unsigned tenants, unsigned alerts, int64_t since, int64_t until)
{
	struct world *w = calloc(1, sizeof(*w));
	if (!w)
		abort();
	w->generator = generator_new(seed);
	w->interned = calloc(INTERN_SLOTS, sizeof(struct interned *));
	w->tenants = calloc(tenants, sizeof(*w->tenants));
	if (!w->interned || !w->tenants)
		abort();
	pthread_mutex_init(&w->intern_lock, NULL);
	pthread_mutex_init(&w->fault_lock, NULL);
	w->tenant_count = tenants;
	w->since = since;
	w->started = until;
	for (unsigned i = 0; i < tenants; i++) {
		struct tenant *t = &w->tenants[i];
		t->number = i + 1;
		generate_tenant_id(t->number, t->id);
		pthread_mutex_init(&t->lock, NULL);
		fill(w, t, alerts / tenants + (i < alerts % tenants), until);
	}
	return w;
}

void world_free(struct world *w)
{
	for (unsigned i = 0; i < w->tenant_count; i++) {
		struct tenant *t = &w->tenants[i];
		for (size_t k = 0; k < t->count; k++) {
			free(t->alerts[k]->old);
			free(t->alerts[k]->raw);
			free(t->alerts[k]->raw_id);
			free(t->alerts[k]);
		}
		free(t->alerts);
		free(t->by_update);
		free(t->last);
		pthread_mutex_destroy(&t->lock);
	}
	struct interned **head = (struct interned **)(void *)w->interned;
	for (size_t i = 0; i < INTERN_SLOTS; i++) {
		while (head[i]) {
			struct interned *next = head[i]->next;
			free(head[i]);
			head[i] = next;
		}
	}
	free(w->interned);
	free(w->tenants);
	generator_free(w->generator);
	pthread_mutex_destroy(&w->intern_lock);
	pthread_mutex_destroy(&w->fault_lock);
	free(w);
}

struct tenant *world_tenant(struct world *w, const char *name)
{
	static const char domain[] = ".customer.example";
	unsigned n = 0;
	char id[GENERATE_GUID_SIZE];
	char *end;
	size_t len = strlen(name);
	if (len == GENERATE_GUID_SIZE - 1) {
		n = (unsigned)strtoul(name + 24, NULL, 10);
		generate_tenant_id(n, id);
		if (strcasecmp(id, name) != 0)
			return NULL;
	} else if (name[0] == 't' && len > sizeof(domain)) {
		n = (unsigned)strtoul(name + 1, &end, 10);
		if (strcmp(end, domain) != 0)
			return NULL;
	} else {
		n = (unsigned)strtoul(name, &end, 10);
		if (*end)
			return NULL;
	}
	return n && n <= w->tenant_count ? &w->tenants[n - 1] : NULL;
}

unsigned tenant_add(struct world *w, struct tenant *t, int64_t updated)
{
	struct alert_state s;
	int64_t now = moment_now();
	pthread_mutex_lock(&t->lock);
	struct alert *a = append(t);
	generate_state(w->generator, t->number, a->n, now - MOMENT_SECOND, now, &s);
	s.updated = updated ? updated : now;
	s.created = s.updated - MOMENT_SECOND;
	set_state(w, a, &s);
	index_insert(t, a, t->count - 1);
	unsigned n = a->n;
	pthread_mutex_unlock(&t->lock);
	return n;
}

void tenant_id_of(struct world *w, const struct tenant *t, const struct alert *a,
	char out[GENERATE_ID_SIZE])
{
	if (a->raw)
		snprintf(out, GENERATE_ID_SIZE, "%s", a->raw_id ? a->raw_id : "");
	else
		generate_id(w->generator, t->number, a->n, out);
}

static struct alert *find(
	struct world *w, struct tenant *t, const char *id, unsigned number)
{
	char buf[GENERATE_ID_SIZE];
	if (number)
		return number <= t->count ? t->alerts[number - 1] : NULL;
	for (size_t i = 0; id && i < t->count; i++) {
		struct alert *a = t->alerts[i];
		if (a->raw && !a->raw_id)
			continue;
		tenant_id_of(w, t, a, buf);
		if (!strcmp(a->raw ? a->raw_id : buf, id))
			return a;
	}
	return NULL;
}

static void replace_raw(struct alert *a, const char *key, const char *value)
{
	struct text json = {0}, quoted = {0};
	text_json(&quoted, value, false);
	char *v = text_take(&quoted, NULL);
	json_set(&json, a->raw, a->raw_n, key, v);
	free(v);
	free(a->raw);
	a->raw = text_take(&json, &a->raw_n);
}

static void change_field(struct world *w, struct alert *a, const char *key,
	const char **field, const char *value)
{
	if (!value)
		return;
	*field = value == WORLD_NULL ? NULL : world_intern(w, value);
	if (a->raw)
		replace_raw(a, key, *field);
}

static void keep_old(struct alert *a)
{
	a->old = realloc(a->old, (a->old_count + 1) * sizeof(*a->old));
	if (!a->old)
		abort();
	a->old[a->old_count++] = a->now;
	a->now.served = false;
}

void tenant_change(
	struct world *w, struct tenant *t, struct alert *a, const struct change *c)
{
	char when[MOMENT_SIZE];
	int64_t updated = c->updated ? c->updated : moment_now();
	if (!c->updated && updated <= a->now.updated)
		updated = a->now.updated + 1;
	index_remove(t, a);
	keep_old(a);
	a->now.updated = updated;
	if (a->raw) {
		moment_format(when, updated);
		replace_raw(a, "lastUpdateDateTime", when);
	}
	change_field(w, a, "status", &a->now.status, c->status);
	change_field(w, a, "severity", &a->now.severity, c->severity);
	change_field(w, a, "classification", &a->now.classification, c->classification);
	change_field(w, a, "determination", &a->now.determination, c->determination);
	change_field(w, a, "assignedTo", &a->now.assigned_to, c->assigned_to);
	index_insert(t, a, t->count - 1);
}

bool tenant_update(struct world *w, struct tenant *t, const char *id, unsigned number,
	const struct change *c, int64_t *updated)
{
	pthread_mutex_lock(&t->lock);
	struct alert *a = find(w, t, id, number);
	if (a) {
		tenant_change(w, t, a, c);
		*updated = a->now.updated;
	}
	pthread_mutex_unlock(&t->lock);
	return a != NULL;
}

static const char *string_of(struct fjson_object *o, const char *key)
{
	struct fjson_object *v = NULL;
	if (!fjson_object_object_get_ex(o, key, &v) ||
		!fjson_object_is_type(v, fjson_type_string))
		return NULL;
	return fjson_object_get_string(v);
}

unsigned tenant_add_raw(
	struct world *w, struct tenant *t, const char *json, size_t n, bool as_of_now)
{
	struct fjson_tokener *parser = fjson_tokener_new();
	struct fjson_object *o =
		parser ? fjson_tokener_parse_ex(parser, json, (int)n) : NULL;
	if (parser)
		fjson_tokener_free(parser);
	if (!o || !fjson_object_is_type(o, fjson_type_object)) {
		if (o)
			fjson_object_put(o);
		return 0;
	}
	const char *id = string_of(o, "id"), *when = string_of(o, "lastUpdateDateTime"),
		   *created = string_of(o, "createdDateTime");
	struct version v = {.status = world_intern(w, string_of(o, "status")),
		.severity = world_intern(w, string_of(o, "severity")),
		.classification = world_intern(w, string_of(o, "classification")),
		.determination = world_intern(w, string_of(o, "determination")),
		.assigned_to = world_intern(w, string_of(o, "assignedTo"))};
	if (as_of_now || !when || !moment_parse(when, strlen(when), &v.updated))
		v.updated = moment_now();
	pthread_mutex_lock(&t->lock);
	struct alert *a = find(w, t, id, 0);
	if (a) {
		index_remove(t, a);
		keep_old(a);
	} else {
		a = append(t);
	}
	a->now = v;
	if (!created || !moment_parse(created, strlen(created), &a->created))
		a->created = v.updated;
	a->source = world_intern(w, string_of(o, "serviceSource"));
	if (!a->raw_id && id)
		a->raw_id = strdup(id);
	struct text copy = {0};
	text_add(&copy, json, n);
	free(a->raw);
	a->raw = text_take(&copy, &a->raw_n);
	if (as_of_now) {
		char now[MOMENT_SIZE];
		moment_format(now, v.updated);
		replace_raw(a, "lastUpdateDateTime", now);
	}
	index_insert(t, a, t->count - 1);
	unsigned number = a->n;
	pthread_mutex_unlock(&t->lock);
	fjson_object_put(o);
	return number;
}

void tenant_write_alert(struct text *out, struct world *w, const struct tenant *t,
	const struct alert *a, bool all_members)
{
	if (a->raw) {
		text_add(out, a->raw, a->raw_n);
		return;
	}
	struct alert_state s = {a->created, a->now.updated, a->now.status,
		a->now.severity, a->now.classification, a->now.determination,
		a->now.assigned_to};
	generate_alert(out, w->generator, t->number, a->n, &s, all_members);
}

static void write_version(struct text *out, const struct version *v)
{
	char when[MOMENT_SIZE];
	moment_format(when, v->updated);
	text_printf(out, "{\"lastUpdateDateTime\":\"%s\",\"status\":", when);
	text_json(out, v->status, false);
	text_puts(out, ",\"severity\":");
	text_json(out, v->severity, false);
	text_puts(out, ",\"classification\":");
	text_json(out, v->classification, false);
	text_puts(out, ",\"determination\":");
	text_json(out, v->determination, false);
	text_puts(out, ",\"assignedTo\":");
	text_json(out, v->assigned_to, false);
	text_puts(out, v->served ? ",\"served\":true}" : ",\"served\":false}");
}

void tenant_write_versions(struct text *out, struct world *w, struct tenant *t)
{
	char id[GENERATE_ID_SIZE], when[MOMENT_SIZE];
	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < t->count; i++) {
		const struct alert *a = t->alerts[i];
		text_printf(out, "{\"tenant\":\"%s\",\"n\":%u,\"id\":", t->id, a->n);
		if (a->raw) {
			text_json(out, a->raw_id, false);
		} else {
			generate_id(w->generator, t->number, a->n, id);
			text_json(out, id, false);
		}
		moment_format(when, a->created);
		text_printf(out, ",\"createdDateTime\":\"%s\",\"versions\":[", when);
		for (size_t k = 0; k < a->old_count; k++) {
			write_version(out, &a->old[k]);
			text_putc(out, ',');
		}
		write_version(out, &a->now);
		text_puts(out, "]}\n");
	}
	pthread_mutex_unlock(&t->lock);
}

void tenant_count_answer(
	struct tenant *t, bool is_login, unsigned status, uint64_t bytes)
{
	size_t slot = 0;
	while (slot < STATUS_SLOTS - 1 && status_names[slot] != status)
		slot++;
	pthread_mutex_lock(&t->lock);
	if (is_login) {
		t->counters.tokens++;
		t->counters.token_errors += status != 200;
	} else {
		int64_t now = moment_now(), gap = now - t->counters.page_at;
		if (t->counters.pages && gap > t->counters.page_gap)
			t->counters.page_gap = gap;
		t->counters.page_at = now;
		t->counters.pages++;
		t->counters.status[slot]++;
	}
	t->counters.bytes += bytes;
	pthread_mutex_unlock(&t->lock);
}

void tenant_write_requests(struct text *out, struct tenant *t)
{
	pthread_mutex_lock(&t->lock);
	const struct counters *c = &t->counters;
	text_printf(out,
		"{\"tenant\":\"%s\",\"tokens\":%llu,\"token_errors\":%llu,"
		"\"pages\":%llu,\"max_gap_ms\":%lld,\"bytes\":%llu,\"status\":{",
		t->id, (unsigned long long)c->tokens,
		(unsigned long long)c->token_errors, (unsigned long long)c->pages,
		(long long)(c->page_gap / (MOMENT_SECOND / 1000)),
		(unsigned long long)c->bytes);
	bool first = true;
	for (size_t i = 0; i < STATUS_SLOTS; i++) {
		if (!c->status[i])
			continue;
		text_printf(out, "%s\"%u\":%llu", first ? "" : ",", status_names[i],
			(unsigned long long)c->status[i]);
		first = false;
	}
	text_puts(out, "},\"last\":");
	if (t->last) {
		text_puts(out, "{\"url\":");
		text_json(out, t->last->url, true);
		text_puts(out, ",\"prefer\":");
		text_json(out, t->last->prefer, true);
		text_puts(out, ",\"user_agent\":");
		text_json(out, t->last->user_agent, true);
		text_puts(out, ",\"accept\":");
		text_json(out, t->last->accept, true);
		text_puts(out, ",\"accept_encoding\":");
		text_json(out, t->last->encoding, true);
		text_puts(out, ",\"client_request_id\":");
		text_json(out, t->last->request_id, true);
		text_putc(out, '}');
	} else {
		text_puts(out, "null");
	}
	text_putc(out, '}');
	pthread_mutex_unlock(&t->lock);
}

bool tenant_is_limited(struct world *w, struct tenant *t, unsigned *after_s)
{
	if (!w->rate_per_minute)
		return false;
	int64_t s = moment_now() / MOMENT_SECOND;
	pthread_mutex_lock(&t->lock);
	if (t->rate_minute != s / 60) {
		t->rate_minute = s / 60;
		t->rate_used = 0;
	}
	bool limited = ++t->rate_used > w->rate_per_minute;
	pthread_mutex_unlock(&t->lock);
	*after_s = (unsigned)(60 - s % 60);
	return limited;
}
