/* incidents.c - which alerts belong together, and the life of what they form. */
#include "config.h"

#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t place_of(const struct tenant *t, uint32_t id)
{
	size_t low = 0, high = t->incident_count;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (t->incidents[mid]->record.n < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct incident *tenant_incident(const struct tenant *t, uint32_t id)
{
	size_t at = place_of(t, id);
	return at < t->incident_count && t->incidents[at]->record.n == id
		       ? t->incidents[at]
		       : NULL;
}

static struct incident *incident_new(
	struct world *w, struct tenant *t, uint32_t id, const struct alert *first)
{
	size_t at = place_of(t, id);
	struct alert_state s = {0};
	if (t->incident_count == t->incident_size) {
		t->incident_size = t->incident_size ? t->incident_size * 2 : 4;
		t->incidents = realloc(
			t->incidents, t->incident_size * sizeof(struct incident *));
		if (!t->incidents)
			abort();
	}
	struct incident *i = calloc(1, sizeof(*i));
	if (!i)
		abort();
	memmove(t->incidents + at + 1, t->incidents + at,
		(t->incident_count - at) * sizeof(struct incident *));
	t->incidents[at] = i;
	t->incident_count++;
	generate_incident_state(w->generator, t->number, id, &s);
	i->record.n = id;
	i->record.created = first->record.created;
	i->record.now = (struct version){.updated = first->record.now.updated,
		.status = world_intern(w, s.status),
		.severity = first->record.now.severity,
		.classification = world_intern(w, s.classification),
		.determination = world_intern(w, s.determination),
		.assigned_to = world_intern(w, s.assigned_to)};
	if (!i->record.now.severity)
		i->record.now.severity = world_intern(w, "unknown");
	return i;
}

static int rank(const char *severity)
{
	static const char *const order[] = {"informational", "low", "medium", "high"};
	for (int i = 0; severity && i < 4; i++)
		if (!strcmp(order[i], severity))
			return i;
	return -1;
}

/* An incident is as severe as its worst alert was. */
static void take_severity(struct incident *i, const struct alert *a)
{
	if (rank(a->record.now.severity) > rank(i->record.now.severity))
		i->record.now.severity = a->record.now.severity;
}

static void begin_version(struct tenant *t, struct incident *i, int64_t at)
{
	index_remove(&t->incidents_by_update, &i->record);
	record_keep_old(&i->record);
	i->record.now.updated = at;
	index_insert(&t->incidents_by_update, &i->record);
}

void tenant_touch_incident(struct tenant *t, struct incident *i, int64_t at)
{
	/* What came late changes the incident when it comes. */
	if (at <= i->record.now.updated)
		at = moment_now();
	if (at <= i->record.now.updated)
		at = i->record.now.updated + 1;
	begin_version(t, i, at);
}

static void attach(struct incident *i, struct alert *a)
{
	if (i->count == i->size) {
		i->size = i->size ? i->size * 2 : 4;
		i->alerts = realloc(i->alerts, i->size * sizeof(struct alert *));
		if (!i->alerts)
			abort();
	}
	i->alerts[i->count++] = a;
	a->incident = i;
}

static void detach(struct alert *a)
{
	struct incident *i = a->incident;
	size_t at = 0;
	while (i->alerts[at] != a)
		at++;
	i->alerts[at] = i->alerts[--i->count];
	a->incident = NULL;
}

/* The time 0 is for the filling of a world: there are no versions and no index yet. */
void tenant_join(
	struct world *w, struct tenant *t, struct alert *a, uint32_t id, int64_t at)
{
	struct incident *i = id ? tenant_incident(t, id) : NULL;
	/* Who joins a merged incident joins the surviving one. */
	while (i && i->redirect)
		i = tenant_incident(t, i->redirect);
	if (a->incident && a->incident != i)
		detach(a);
	if (!id)
		return;
	bool is_new = !i;
	if (is_new)
		i = incident_new(w, t, id, a);
	if (!a->incident)
		attach(i, a);
	if (!at) {
		if (a->record.created < i->record.created)
			i->record.created = a->record.created;
		if (a->record.now.updated > i->record.now.updated)
			i->record.now.updated = a->record.now.updated;
	} else if (is_new) {
		index_insert(&t->incidents_by_update, &i->record);
	} else {
		tenant_touch_incident(t, i, at);
	}
	take_severity(i, a);
}

static void change_field(struct world *w, const char **field, const char *value)
{
	if (value)
		*field = value == WORLD_NULL ? NULL : world_intern(w, value);
}

void tenant_change_incident(
	struct world *w, struct tenant *t, struct incident *i, const struct change *c)
{
	struct version *now = &i->record.now;
	if (c->updated)
		begin_version(t, i, c->updated);
	else
		tenant_touch_incident(t, i, moment_now());
	change_field(w, &now->status, c->status);
	change_field(w, &now->severity, c->severity);
	change_field(w, &now->classification, c->classification);
	change_field(w, &now->determination, c->determination);
	change_field(w, &now->assigned_to, c->assigned_to);
}

bool tenant_update_incident(struct world *w, struct tenant *t, uint32_t id,
	const struct change *c, int64_t *updated)
{
	pthread_mutex_lock(&t->lock);
	struct incident *i = tenant_incident(t, id);
	if (i) {
		tenant_change_incident(w, t, i, c);
		*updated = i->record.now.updated;
	}
	pthread_mutex_unlock(&t->lock);
	return i != NULL;
}

static void move_alert(struct world *w, struct tenant *t, struct alert *a,
	struct incident *i, bool touch)
{
	static const struct change none = {.updated = 0};
	char id[16];
	detach(a);
	attach(i, a);
	take_severity(i, a);
	if (a->raw) {
		snprintf(id, sizeof(id), "%u", i->record.n);
		alert_replace_raw(a, "incidentId", id);
	}
	if (touch)
		tenant_change(w, t, a, &none);
}

bool tenant_merge_incidents(
	struct world *w, struct tenant *t, uint32_t from, uint32_t into, bool touch)
{
	pthread_mutex_lock(&t->lock);
	struct incident *i = tenant_incident(t, from), *to = tenant_incident(t, into);
	bool good = i && to && i != to && !i->redirect && !to->redirect;
	if (good) {
		int64_t now = moment_now();
		tenant_touch_incident(t, i, now);
		i->record.now.status = world_intern(w, "redirected");
		i->redirect = into;
		tenant_touch_incident(t, to, now);
		while (i->count)
			move_alert(w, t, i->alerts[i->count - 1], to, touch);
	}
	pthread_mutex_unlock(&t->lock);
	return good;
}
