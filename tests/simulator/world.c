/* world.c - tenants, their alerts and every version of them. */
#include "config.h"

#include "world.h"

#include <json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char WORLD_NULL[] = "";

const char *const api_names[API_ANY] = {
	"graph", "mde", "m365d", "siem", "login", "imds"};

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

static struct alert *append(struct tenant *t)
{
	if (t->count == t->size) {
		t->size = t->size ? t->size * 2 : 16;
		t->alerts = realloc(t->alerts, t->size * sizeof(*t->alerts));
		if (!t->alerts)
			abort();
	}
	struct alert *a = calloc(1, sizeof(*a));
	if (!a)
		abort();
	t->alerts[t->count++] = a;
	a->record.n = (uint32_t)t->count;
	return a;
}

static void set_state(struct world *w, struct record *r, const struct alert_state *s)
{
	r->created = s->created;
	r->now.updated = s->updated;
	r->now.status = world_intern(w, s->status);
	r->now.severity = world_intern(w, s->severity);
	r->now.classification = world_intern(w, s->classification);
	r->now.determination = world_intern(w, s->determination);
	r->now.assigned_to = world_intern(w, s->assigned_to);
}

static void fill(struct world *w, struct tenant *t, unsigned count, int64_t until)
{
	for (unsigned i = 0; i < count; i++) {
		struct alert *a = append(t);
		struct alert_state s;
		generate_state(
			w->generator, t->number, a->record.n, w->since, until, &s);
		set_state(w, &a->record, &s);
		index_append(&t->by_update, &a->record);
		tenant_join(w, t, a, s.incident, 0);
	}
	index_sort(&t->by_update);
	for (size_t i = 0; i < t->incident_count; i++)
		index_append(&t->incidents_by_update, &t->incidents[i]->record);
	index_sort(&t->incidents_by_update);
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
			free(t->alerts[k]->record.old);
			free(t->alerts[k]->raw);
			free(t->alerts[k]->raw_id);
			free(t->alerts[k]);
		}
		for (size_t k = 0; k < t->incident_count; k++) {
			free(t->incidents[k]->record.old);
			free(t->incidents[k]->alerts);
			free(t->incidents[k]);
		}
		free(t->alerts);
		free(t->incidents);
		free(t->by_update.at);
		free(t->by_created.at);
		free(t->incidents_by_update.at);
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

static void enter(struct tenant *t, struct alert *a)
{
	index_insert(&t->by_update, &a->record);
	if (t->by_created.by_created)
		index_insert(&t->by_created, &a->record);
}

static void leave(struct tenant *t, const struct alert *a)
{
	index_remove(&t->by_update, &a->record);
	if (t->by_created.by_created)
		index_remove(&t->by_created, &a->record);
}

const struct index *tenant_by_created(struct tenant *t)
{
	if (!t->by_created.by_created) {
		t->by_created.by_created = true;
		for (size_t i = 0; i < t->count; i++)
			index_append(&t->by_created, &t->alerts[i]->record);
		index_sort(&t->by_created);
	}
	return &t->by_created;
}

unsigned tenant_add(struct world *w, struct tenant *t, int64_t updated)
{
	struct alert_state s;
	int64_t now = moment_now();
	pthread_mutex_lock(&t->lock);
	struct alert *a = append(t);
	unsigned n = a->record.n;
	generate_state(w->generator, t->number, n, now - MOMENT_SECOND, now, &s);
	s.updated = updated ? updated : now;
	s.created = s.updated - MOMENT_SECOND;
	set_state(w, &a->record, &s);
	enter(t, a);
	tenant_join(w, t, a, s.incident, s.updated);
	pthread_mutex_unlock(&t->lock);
	return n;
}

void tenant_id_of(struct world *w, const struct tenant *t, const struct alert *a,
	char out[GENERATE_ID_SIZE])
{
	if (a->raw)
		snprintf(out, GENERATE_ID_SIZE, "%s", a->raw_id ? a->raw_id : "");
	else
		generate_id(w->generator, t->number, a->record.n, out);
}

struct alert *tenant_find(
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

void alert_replace_raw(struct alert *a, const char *key, const char *value)
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
		alert_replace_raw(a, key, *field);
}

void tenant_change(
	struct world *w, struct tenant *t, struct alert *a, const struct change *c)
{
	char when[MOMENT_SIZE];
	struct version *now = &a->record.now;
	int64_t updated = c->updated ? c->updated : moment_now();
	if (!c->updated && updated <= now->updated)
		updated = now->updated + 1;
	index_remove(&t->by_update, &a->record);
	record_keep_old(&a->record);
	now->updated = updated;
	if (a->raw) {
		moment_format(when, updated);
		alert_replace_raw(a, "lastUpdateDateTime", when);
	}
	change_field(w, a, "status", &now->status, c->status);
	change_field(w, a, "severity", &now->severity, c->severity);
	change_field(w, a, "classification", &now->classification, c->classification);
	change_field(w, a, "determination", &now->determination, c->determination);
	change_field(w, a, "assignedTo", &now->assigned_to, c->assigned_to);
	index_insert(&t->by_update, &a->record);
	if (a->incident)
		tenant_touch_incident(t, a->incident, updated);
}

bool tenant_update(struct world *w, struct tenant *t, const char *id, unsigned number,
	const struct change *c, int64_t *updated)
{
	pthread_mutex_lock(&t->lock);
	struct alert *a = tenant_find(w, t, id, number);
	if (a) {
		tenant_change(w, t, a, c);
		*updated = a->record.now.updated;
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
		   *created = string_of(o, "createdDateTime"),
		   *incident = string_of(o, "incidentId");
	struct version v = {.status = world_intern(w, string_of(o, "status")),
		.severity = world_intern(w, string_of(o, "severity")),
		.classification = world_intern(w, string_of(o, "classification")),
		.determination = world_intern(w, string_of(o, "determination")),
		.assigned_to = world_intern(w, string_of(o, "assignedTo"))};
	if (as_of_now || !when || !moment_parse(when, strlen(when), &v.updated))
		v.updated = moment_now();
	pthread_mutex_lock(&t->lock);
	struct alert *a = tenant_find(w, t, id, 0);
	if (a) {
		leave(t, a);
		record_keep_old(&a->record);
	} else {
		a = append(t);
	}
	a->record.now = v;
	if (!created || !moment_parse(created, strlen(created), &a->record.created))
		a->record.created = v.updated;
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
		alert_replace_raw(a, "lastUpdateDateTime", now);
	}
	enter(t, a);
	unsigned number = a->record.n;
	unsigned long long group = incident ? strtoull(incident, NULL, 10) : 0;
	tenant_join(w, t, a, group < UINT32_MAX ? (uint32_t)group : 0, v.updated);
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
	const struct version *v = &a->record.now;
	struct alert_state s = {a->record.created, v->updated, v->status, v->severity,
		v->classification, v->determination, v->assigned_to,
		a->incident ? a->incident->record.n : 0};
	generate_alert(out, w->generator, t->number, a->record.n, &s, all_members);
}
