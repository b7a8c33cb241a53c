/* generate.c - one alert out of a body, a state and a number. */
#include "config.h"

#include "body.h"
#include "generate.h"
#include "schema.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct generator {
	uint64_t seed;
	pthread_mutex_t lock; /* held while a body is made */
	struct body *_Atomic bodies[GENERATE_BODIES];
};

uint64_t generate_mix(uint64_t a, uint64_t b)
{
	uint64_t x = a * 0x9e3779b97f4a7c15u + b + 0x632be59bd9b4e019u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

struct generator *generator_new(uint64_t seed)
{
	struct generator *g = calloc(1, sizeof(*g));
	if (!g)
		abort();
	g->seed = seed;
	pthread_mutex_init(&g->lock, NULL);
	return g;
}

void generator_free(struct generator *g)
{
	for (size_t i = 0; i < GENERATE_BODIES; i++) {
		struct body *b = g->bodies[i];
		if (b)
			text_clear(&b->json);
		free(b);
	}
	pthread_mutex_destroy(&g->lock);
	free(g);
}

static uint64_t alert_key(const struct generator *g, unsigned tenant, unsigned n)
{
	return generate_mix(generate_mix(g->seed, tenant), n);
}

static const struct body *body_of(struct generator *g, unsigned tenant, unsigned n)
{
	/* Neighbours differ, so the first few alerts already show many evidence types. */
	unsigned k = (unsigned)((generate_mix(g->seed, tenant) + n) % GENERATE_BODIES);
	struct body *b = g->bodies[k];
	if (b)
		return b;
	pthread_mutex_lock(&g->lock);
	b = g->bodies[k];
	if (!b) {
		b = calloc(1, sizeof(*b));
		if (!b)
			abort();
		body_make(b, generate_mix(g->seed ^ 0x626f6479u, k), k);
		g->bodies[k] = b;
	}
	pthread_mutex_unlock(&g->lock);
	return b;
}

int64_t generate_time(uint64_t key, int64_t since, int64_t until)
{
	static const int64_t units[8] = {
		10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
	if (until <= since)
		return until;
	int64_t t = since + (int64_t)((key >> 3) % (uint64_t)(until - since));
	int64_t cut = t - t % units[key % 8];
	return cut < since ? t : cut;
}

void generate_state(const struct generator *g, unsigned tenant, unsigned n,
	int64_t since, int64_t until, struct alert_state *s)
{
	static const char *const severities[] = {"informational", "low", "low",
		"medium", "medium", "medium", "high", "high"};
	static const char *const owners[] = {NULL, "Automation", "analyst@mssp.example",
		"zo\xc3\xab.m\xc3\xbcller@contoso.com",
		"\xe5\xb1\xb1\xe7\x94\xb0@contoso.jp"};
	uint64_t k = alert_key(g, tenant, n);
	s->incident = 1000 + tenant * 7 + n / 3;
	s->created = generate_time(generate_mix(k, 1), since, until);
	int64_t last = s->created + 3600 * MOMENT_SECOND;
	s->updated = k % 3 ? generate_time(generate_mix(k, 2), s->created,
				     last < until ? last : until)
			   : s->created;
	s->severity = severities[k >> 8 & 7];
	unsigned life = k >> 16 & 15;
	s->status = life < 10 ? "new" : life < 13 ? "inProgress" : "resolved";
	s->assigned_to = life < 10 ? NULL : owners[(k >> 24) % 5];
	s->classification = (k >> 32 & 3) ? "unknown" : NULL;
	s->determination = s->classification;
	if (life >= 13) {
		const char *const *d = schema_members(ENUM_ALERT_DETERMINATION);
		const char *const *c = schema_members(ENUM_ALERT_CLASSIFICATION);
		s->classification = c[1 + (k >> 36) % 3];
		s->determination = d[1 + (k >> 40) % 14];
	}
}

void generate_incident_state(
	const struct generator *g, unsigned tenant, uint32_t id, struct alert_state *s)
{
	static const char *const statuses[] = {"active", "active", "active", "active",
		"active", "inProgress", "awaitingAction", "resolved"};
	uint64_t k = generate_mix(alert_key(g, tenant, id), 0x696e63);
	s->incident = id;
	s->status = statuses[k & 7];
	s->assigned_to =
		(k >> 8) % 4 ? NULL : "Tier 1 Analyst \xe2\x80\x93 \"M\xc3\xbcller\"|=";
	s->classification = (k >> 16) % 3 ? "unknown" : NULL;
	s->determination = s->classification;
	if ((k & 7) == 7) {
		s->classification = "truePositive";
		s->determination = "multiStagedAttack";
	}
}

static void put_guid(char *out, uint64_t a, uint64_t b)
{
	snprintf(out, GENERATE_GUID_SIZE, "%08x-%04x-4%03x-8%03x-%012llx",
		(unsigned)(a >> 32), (unsigned)(a >> 16 & 0xffff),
		(unsigned)(a & 0xfff), (unsigned)(b >> 48 & 0xfff),
		(unsigned long long)(b & 0xffffffffffffu));
}

static size_t provider_id(uint64_t k, const char *prefix, char out[GENERATE_ID_SIZE])
{
	char one[GENERATE_GUID_SIZE], two[GENERATE_GUID_SIZE];
	uint64_t a = generate_mix(k, 3), b = generate_mix(k, 4);
	int n;
	put_guid(one, a, b);
	if (!strcmp(prefix, "da")) {
		n = snprintf(out, GENERATE_ID_SIZE, "63%016llu_%d",
			(unsigned long long)(a % 10000000000000000u), (int)(b >> 32));
	} else if (!strcmp(prefix, "sn")) {
		put_guid(two, b, a);
		n = snprintf(out, GENERATE_ID_SIZE, "%s_%s", one, two);
	} else if (!strcmp(prefix, "ad")) {
		n = snprintf(out, GENERATE_ID_SIZE, "%016llx%016llx%016llx%016llx",
			(unsigned long long)a, (unsigned long long)b,
			(unsigned long long)(a ^ k), (unsigned long long)(b ^ k));
	} else if (!strcmp(prefix, "ca") || !strcmp(prefix, "ma")) {
		n = snprintf(out, GENERATE_ID_SIZE, "%016llx%08x",
			(unsigned long long)a, (unsigned)b);
	} else {
		n = snprintf(out, GENERATE_ID_SIZE, "%s", one);
	}
	return (size_t)n;
}

void generate_id(
	struct generator *g, unsigned tenant, unsigned n, char out[GENERATE_ID_SIZE])
{
	const char *prefix = body_of(g, tenant, n)->prefix;
	char rest[GENERATE_ID_SIZE];
	provider_id(alert_key(g, tenant, n), prefix, rest);
	snprintf(out, GENERATE_ID_SIZE, "%.2s%.120s", prefix, rest);
}

const char *generate_source(struct generator *g, unsigned tenant, unsigned n)
{
	return body_of(g, tenant, n)->source;
}

void generate_tenant_id(unsigned tenant, char out[GENERATE_GUID_SIZE])
{
	snprintf(out, GENERATE_GUID_SIZE, "00000000-0000-4000-8000-%012u", tenant);
}

static void put_time(struct text *t, int64_t ticks)
{
	char out[MOMENT_SIZE];
	text_add(t, out, moment_format(out, ticks));
}

/* Fills the place whose mark starts at p; gives what comes after the mark. */
static const char *put_place(struct text *t, const char *p, struct generator *g,
	unsigned tenant, unsigned n, const struct body *body,
	const struct alert_state *s, bool all_members)
{
	char buf[GENERATE_ID_SIZE];
	struct body_time place;
	switch (*p++) {
	case PLACE_ID:
		text_add(t, body->prefix, 2);
		__attribute__((fallthrough));
	case PLACE_PROVIDER_ID:
		text_add(t, buf,
			provider_id(alert_key(g, tenant, n), body->prefix, buf));
		break;
	case PLACE_TENANT:
		generate_tenant_id(tenant, buf);
		text_puts(t, buf);
		break;
	case PLACE_INCIDENT:
		text_printf(t, "%u", s->incident);
		break;
	case PLACE_CREATED:
		put_time(t, s->created);
		break;
	case PLACE_UPDATED:
		put_time(t, s->updated);
		break;
	case PLACE_RESOLVED:
		if (s->status && !strcmp(s->status, "resolved")) {
			text_putc(t, '"');
			put_time(t, s->updated);
			text_putc(t, '"');
		} else {
			text_puts(t, "null");
		}
		break;
	case PLACE_STATUS:
		text_json(t, s->status, false);
		break;
	case PLACE_SEVERITY:
		text_json(t, s->severity, false);
		break;
	case PLACE_CLASSIFICATION:
		text_json(t, s->classification, false);
		break;
	case PLACE_DETERMINATION:
		text_json(t, s->determination, false);
		break;
	case PLACE_ASSIGNED:
		text_json(t, s->assigned_to, false);
		break;
	case PLACE_TIME: {
		memcpy(&place, p, sizeof(place));
		p += sizeof(place);
		int64_t at = s->created + place.after_s * MOMENT_SECOND;
		if (at > s->updated)
			at = s->updated;
		put_time(t, at - at % place.unit);
		break;
	}
	case PLACE_LATE_MEMBER: {
		size_t len = (unsigned char)*p++;
		if (all_members)
			text_add(t, p, len);
		else
			text_puts(t, "unknownFutureValue");
		p += len;
		break;
	}
	default:
		abort();
	}
	return p;
}

void generate_alert(struct text *t, struct generator *g, unsigned tenant, unsigned n,
	const struct alert_state *s, bool all_members)
{
	const struct body *body = body_of(g, tenant, n);
	const char *p = body->json.p, *end = p + body->json.n;
	text_reserve(t, body->json.n + 2048);
	for (;;) {
		const char *mark = memchr(p, PLACE_MARK, (size_t)(end - p));
		text_add(t, p, (size_t)((mark ? mark : end) - p));
		if (!mark)
			break;
		p = put_place(t, mark + 1, g, tenant, n, body, s, all_members);
	}
}
