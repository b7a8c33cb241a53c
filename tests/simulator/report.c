/* report.c - what a tenant has, what was shown of it, and what it asked for. */
#include "config.h"

#include "service.h"

#include <string.h>

static const unsigned short status_names[STATUS_SLOTS] = {
	200, 206, 302, 400, 401, 403, 404, 405, 408, 410, 429, 500, 502, 503, 504, 0};

const char *const sign_in_names[SIGN_IN_COUNT] = {"secret", "certificate", "federated"};

static void write_served(struct text *out, unsigned served)
{
	const char *comma = "";
	text_printf(out, ",\"served\":%s,\"served_by\":[", served ? "true" : "false");
	for (unsigned i = 0; i < SERVICE_COUNT; i++) {
		if (!(served & 1u << i))
			continue;
		text_printf(out, "%s\"%s\"", comma, services[i].name);
		comma = ",";
	}
	text_puts(out, "]}");
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
	write_served(out, v->served);
}

static void write_history(struct text *out, const struct record *r)
{
	char when[MOMENT_SIZE];
	moment_format(when, r->created);
	text_printf(out, ",\"createdDateTime\":\"%s\",\"versions\":[", when);
	for (size_t k = 0; k < r->old_count; k++) {
		write_version(out, &r->old[k]);
		text_putc(out, ',');
	}
	write_version(out, &r->now);
	text_puts(out, "]}\n");
}

void tenant_write_versions(struct text *out, struct world *w, struct tenant *t)
{
	char id[GENERATE_ID_SIZE];
	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < t->count; i++) {
		const struct alert *a = t->alerts[i];
		text_printf(
			out, "{\"tenant\":\"%s\",\"n\":%u,\"id\":", t->id, a->record.n);
		if (a->raw) {
			text_json(out, a->raw_id, false);
		} else {
			generate_id(w->generator, t->number, a->record.n, id);
			text_json(out, id, false);
		}
		text_printf(out, ",\"incident\":%u",
			a->incident ? a->incident->record.n : 0);
		write_history(out, &a->record);
	}
	pthread_mutex_unlock(&t->lock);
}

void tenant_write_incidents(struct text *out, struct world *w, struct tenant *t)
{
	(void)w;
	pthread_mutex_lock(&t->lock);
	for (size_t k = 0; k < t->incident_count; k++) {
		const struct incident *i = t->incidents[k];
		text_printf(out, "{\"tenant\":\"%s\",\"id\":%u,\"redirect\":%u", t->id,
			i->record.n, i->redirect);
		text_puts(out, ",\"alerts\":[");
		for (size_t n = 0; n < i->count; n++)
			text_printf(out, "%s%u", n ? "," : "", i->alerts[n]->record.n);
		text_putc(out, ']');
		write_history(out, &i->record);
	}
	pthread_mutex_unlock(&t->lock);
}

static void count_gap(int64_t *last, int64_t *longest, int64_t now)
{
	if (*last && now - *last > *longest)
		*longest = now - *last;
	*last = now;
}

void tenant_count_answer(
	struct tenant *t, enum api api, unsigned status, uint64_t bytes)
{
	size_t slot = 0;
	int64_t now = moment_now();
	while (slot < STATUS_SLOTS - 1 && status_names[slot] != status)
		slot++;
	pthread_mutex_lock(&t->lock);
	if (api == API_LOGIN) {
		t->counters.tokens++;
		t->counters.token_errors += status != 200;
	} else if (api < API_COUNT) {
		struct use *u = &t->uses[api];
		count_gap(&t->counters.page_at, &t->counters.page_gap, now);
		count_gap(&u->last_at, &u->max_gap, now);
		u->requests++;
		t->counters.pages++;
		t->counters.status[slot]++;
	}
	t->counters.bytes += bytes;
	pthread_mutex_unlock(&t->lock);
}

void tenant_count_sign_in(struct tenant *t, enum sign_in how, bool is_refresh)
{
	pthread_mutex_lock(&t->lock);
	t->counters.sign_ins[how]++;
	t->counters.refreshes += is_refresh;
	pthread_mutex_unlock(&t->lock);
}

void tenant_forget_gaps(struct tenant *t)
{
	pthread_mutex_lock(&t->lock);
	t->counters.page_gap = 0;
	for (unsigned i = 0; i < API_COUNT; i++)
		t->uses[i].max_gap = 0;
	pthread_mutex_unlock(&t->lock);
}

static long long milliseconds(int64_t ticks)
{
	return ticks / (MOMENT_SECOND / 1000);
}

static void write_last(struct text *out, const struct last_request *last)
{
	if (!last) {
		text_puts(out, "null");
		return;
	}
	text_puts(out, "{\"url\":");
	text_json(out, last->url, true);
	text_puts(out, ",\"prefer\":");
	text_json(out, last->prefer, true);
	text_puts(out, ",\"user_agent\":");
	text_json(out, last->user_agent, true);
	text_puts(out, ",\"accept\":");
	text_json(out, last->accept, true);
	text_puts(out, ",\"accept_encoding\":");
	text_json(out, last->encoding, true);
	text_puts(out, ",\"client_request_id\":");
	text_json(out, last->request_id, true);
	text_putc(out, '}');
}

static void write_uses(struct text *out, const struct tenant *t)
{
	const char *comma = "";
	text_puts(out, ",\"apis\":{");
	for (unsigned i = 0; i < API_COUNT; i++) {
		const struct use *u = &t->uses[i];
		if (!u->requests)
			continue;
		text_printf(out,
			"%s\"%s\":{\"requests\":%llu,\"over_limit\":%llu,"
			"\"max_gap_ms\":%lld}",
			comma, api_names[i], (unsigned long long)u->requests,
			(unsigned long long)u->over_limit, milliseconds(u->max_gap));
		comma = ",";
	}
	text_putc(out, '}');
}

void tenant_write_requests(struct text *out, struct tenant *t)
{
	pthread_mutex_lock(&t->lock);
	const struct counters *c = &t->counters;
	unsigned long long over = 0;
	for (unsigned i = 0; i < API_COUNT; i++)
		over += t->uses[i].over_limit;
	text_printf(out,
		"{\"tenant\":\"%s\",\"tokens\":%llu,\"token_errors\":%llu,"
		"\"refreshes\":%llu,\"pages\":%llu,\"over_limit\":%llu,"
		"\"max_gap_ms\":%lld,\"bytes\":%llu,\"sign_ins\":{",
		t->id, (unsigned long long)c->tokens,
		(unsigned long long)c->token_errors, (unsigned long long)c->refreshes,
		(unsigned long long)c->pages, over, milliseconds(c->page_gap),
		(unsigned long long)c->bytes);
	for (unsigned i = 0; i < SIGN_IN_COUNT; i++)
		text_printf(out, "%s\"%s\":%llu", i ? "," : "", sign_in_names[i],
			(unsigned long long)c->sign_ins[i]);
	text_puts(out, "},\"status\":{");
	const char *comma = "";
	for (size_t i = 0; i < STATUS_SLOTS; i++) {
		if (!c->status[i])
			continue;
		text_printf(out, "%s\"%u\":%llu", comma, status_names[i],
			(unsigned long long)c->status[i]);
		comma = ",";
	}
	text_putc(out, '}');
	write_uses(out, t);
	text_puts(out, ",\"last\":");
	write_last(out, t->last);
	text_putc(out, '}');
	pthread_mutex_unlock(&t->lock);
}

void tenant_limit(
	struct tenant *t, enum api api, unsigned per_minute, unsigned per_hour)
{
	pthread_mutex_lock(&t->lock);
	t->uses[api].minute = (struct limit){.most = per_minute};
	t->uses[api].hour = (struct limit){.most = per_hour};
	pthread_mutex_unlock(&t->lock);
}

/* How long to wait until there is room again. */
static int64_t limit_wait(struct limit *l, unsigned most, int64_t length, int64_t now)
{
	if (now - l->began >= length) {
		l->began = now;
		l->used = 0;
	}
	return most && l->used >= most ? l->began + length - now : 0;
}

bool tenant_is_limited(
	struct world *w, struct tenant *t, enum api api, unsigned *after_s)
{
	int64_t now = moment_now();
	pthread_mutex_lock(&t->lock);
	struct use *u = &t->uses[api];
	unsigned most = u->minute.most ? u->minute.most : w->rate_per_minute;
	int64_t wait = limit_wait(&u->hour, u->hour.most, 3600 * MOMENT_SECOND, now);
	int64_t minute = limit_wait(&u->minute, most, 60 * MOMENT_SECOND, now);
	wait = minute > wait ? minute : wait;
	/* What was refused uses nothing up. */
	u->hour.used += !wait;
	u->minute.used += !wait;
	u->over_limit += wait > 0;
	pthread_mutex_unlock(&t->lock);
	*after_s = (unsigned)((wait + MOMENT_SECOND - 1) / MOMENT_SECOND);
	return wait > 0;
}
