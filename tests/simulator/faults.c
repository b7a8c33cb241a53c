/* faults.c - what goes wrong on purpose. */
#include "config.h"

#include "faults.h"

#include <stdlib.h>
#include <string.h>

static const struct fault_name {
	const char *name;
	enum fault_kind kind;
	unsigned status;
} names[] = {
	{"400", FAULT_STATUS, 400},
	{"401", FAULT_STATUS, 401},
	{"403", FAULT_STATUS, 403},
	{"403-not-provisioned", FAULT_STATUS, 403},
	{"404", FAULT_STATUS, 404},
	{"408", FAULT_STATUS, 408},
	{"429", FAULT_STATUS, 429},
	{"500", FAULT_STATUS, 500},
	{"502", FAULT_STATUS, 502},
	{"503", FAULT_STATUS, 503},
	{"504", FAULT_STATUS, 504},
	{"redirect", FAULT_REDIRECT, 302},
	{"delay", FAULT_DELAY, 0},
	{"drop", FAULT_DROP, 0},
	{"cut", FAULT_CUT, 0},
	{"cut-chunked", FAULT_CUT_CHUNKED, 0},
	{"truncated", FAULT_TRUNCATED, 0},
	{"broken-json", FAULT_BROKEN_JSON, 0},
	{"invalid-utf8", FAULT_INVALID_UTF8, 0},
	{"lone-surrogate", FAULT_LONE_SURROGATE, 0},
	{"not-json", FAULT_NOT_JSON, 0},
	{"empty-body", FAULT_EMPTY_BODY, 0},
	{"top-array", FAULT_TOP_ARRAY, 0},
	{"missing-value", FAULT_MISSING_VALUE, 0},
	{"null-value", FAULT_NULL_VALUE, 0},
	{"206", FAULT_PARTIAL, 206},
	{"huge-page", FAULT_HUGE_PAGE, 0},
	{"foreign-next-link", FAULT_FOREIGN_LINK, 0},
	{"endless-next-link", FAULT_ENDLESS_LINK, 0},
	{"empty-pages", FAULT_EMPTY_PAGES, 0},
	{"nested", FAULT_NESTED, 0},
	{"huge-string", FAULT_HUGE_STRING, 0},
	{"no-id", FAULT_NO_ID, 0},
	{"no-time", FAULT_NO_TIME, 0},
	{"wrong-types", FAULT_WRONG_TYPES, 0},
	{"duplicate-ids", FAULT_DUPLICATE_IDS, 0},
	{"login-400", LOGIN_STATUS, 400},
	{"login-401", LOGIN_STATUS, 401},
	{"login-403", LOGIN_STATUS, 403},
	{"login-429", LOGIN_STATUS, 429},
	{"login-500", LOGIN_STATUS, 500},
	{"login-503", LOGIN_STATUS, 503},
	{"login-html", LOGIN_HTML, 502},
	{"login-slow", LOGIN_DELAY, 0},
	{"login-broken-json", LOGIN_BROKEN_JSON, 0},
	{"login-no-token", LOGIN_NO_TOKEN, 0},
	{"login-no-roles", LOGIN_NO_ROLES, 0},
	{"login-wrong-tenant", LOGIN_WRONG_TENANT, 0},
	{"login-no-refresh", LOGIN_NO_REFRESH, 0},
	{"login-drop", LOGIN_DROP, 0},
	{"imds-400", IMDS_STATUS, 400},
	{"imds-404", IMDS_STATUS, 404},
	{"imds-410", IMDS_STATUS, 410},
	{"imds-429", IMDS_STATUS, 429},
	{"imds-500", IMDS_STATUS, 500},
	{"imds-slow", IMDS_DELAY, 0},
};

bool fault_named(struct fault *f, const char *name)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(names[i].name, name) != 0)
			continue;
		*f = (struct fault){.kind = names[i].kind,
			.name = names[i].name,
			.status = names[i].status,
			.api = names[i].kind >= IMDS_STATUS    ? API_IMDS
			       : names[i].kind >= LOGIN_STATUS ? API_LOGIN
							       : API_ANY,
			.count = 1};
		if (f->kind == FAULT_DELAY || f->kind == LOGIN_DELAY ||
			f->kind == IMDS_DELAY)
			f->delay_ms = 1000;
		f->size = f->kind == FAULT_NESTED	 ? 5000000
			  : f->kind == FAULT_HUGE_STRING ? 100000000
							 : 0;
		return true;
	}
	return false;
}

void fault_write_names(struct text *out)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		text_puts(out, i ? ", " : "");
		text_puts(out, names[i].name);
	}
}

static struct fault **list_of(struct world *w, struct tenant *t, atomic_uint **count)
{
	*count = t ? &t->fault_count : &w->fault_count;
	return t ? &t->faults : &w->faults;
}

void fault_add(struct world *w, struct tenant *t, const struct fault *f)
{
	atomic_uint *count;
	struct fault **at = list_of(w, t, &count), *copy = malloc(sizeof(*copy));
	if (!copy)
		abort();
	*copy = *f;
	copy->next = NULL;
	pthread_mutex_lock(&w->fault_lock);
	while (*at)
		at = &(*at)->next;
	*at = copy;
	++*count;
	pthread_mutex_unlock(&w->fault_lock);
}

void fault_clear(struct world *w, struct tenant *t)
{
	atomic_uint *count;
	struct fault **at = list_of(w, t, &count);
	pthread_mutex_lock(&w->fault_lock);
	while (*at) {
		struct fault *next = (*at)->next;
		free(*at);
		*at = next;
	}
	*count = 0;
	pthread_mutex_unlock(&w->fault_lock);
}

void fault_clear_all(struct world *w)
{
	fault_clear(w, NULL);
	for (unsigned i = 0; i < w->tenant_count; i++)
		fault_clear(w, &w->tenants[i]);
}

struct taker {
	enum api api;
	bool (*applies)(void *, const struct fault *);
	void *context;
};

static bool is_for(const struct fault *f, const struct taker *by)
{
	bool conditional = f->n || f->top_over || f->expanded;
	if (f->api != by->api && (f->api != API_ANY || by->api >= API_COUNT))
		return false;
	if (conditional != (by->applies != NULL))
		return false;
	return !conditional || by->applies(by->context, f);
}

static bool take(
	struct world *w, struct tenant *t, const struct taker *by, struct fault *out)
{
	atomic_uint *count;
	struct fault **at = list_of(w, t, &count);
	if (!*count)
		return false;
	bool taken = false;
	pthread_mutex_lock(&w->fault_lock);
	for (; *at; at = &(*at)->next) {
		struct fault *f = *at;
		if (!is_for(f, by))
			continue;
		if (f->after) {
			f->after--;
			continue;
		}
		*out = *f;
		taken = true;
		if (f->count > 0 && !--f->count) {
			*at = f->next;
			free(f);
			--*count;
		}
		break;
	}
	pthread_mutex_unlock(&w->fault_lock);
	return taken;
}

static bool take_any(
	struct world *w, struct tenant *t, const struct taker *by, struct fault *out)
{
	*out = (struct fault){.kind = FAULT_NONE};
	return (t && take(w, t, by, out)) || take(w, NULL, by, out);
}

bool fault_take(struct world *w, struct tenant *t, enum api api, struct fault *out)
{
	const struct taker by = {.api = api};
	return take_any(w, t, &by, out);
}

bool fault_take_if(struct world *w, struct tenant *t, enum api api,
	bool (*applies)(void *, const struct fault *), void *context, struct fault *out)
{
	const struct taker by = {api, applies, context};
	return take_any(w, t, &by, out);
}
