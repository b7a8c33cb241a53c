/* refresh.c - refresh tokens of users. */
#include "config.h"

#include "moment.h"
#include "refresh.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct refresh_token {
	char *text;
	unsigned tenant;
	size_t parent; /* its number, from 1; 0: of a sign-in */
	int64_t used_at, replaced_at; /* ticks; issue is a use; 0: not replaced */
	unsigned uses, refusals;
	bool revoked;
};

struct refresh_tokens {
	pthread_mutex_t lock;
	struct refresh_token *list;
	size_t count, size;
	int64_t grace_s, life_s;
	bool rotate;
};

struct refresh_tokens *refresh_new(void)
{
	struct refresh_tokens *r = calloc(1, sizeof(*r));
	if (!r)
		abort();
	pthread_mutex_init(&r->lock, NULL);
	r->grace_s = 3600;
	r->life_s = 90 * INT64_C(86400);
	r->rotate = true;
	return r;
}

void refresh_free(struct refresh_tokens *r)
{
	for (size_t i = 0; i < r->count; i++)
		free(r->list[i].text);
	free(r->list);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/* The text begins with its number, so that it is found at once. */
static struct refresh_token *add(
	struct refresh_tokens *r, unsigned tenant, size_t parent)
{
	unsigned char random[300];
	struct text text = {0};
	if (r->count == r->size) {
		r->size = r->size ? r->size * 2 : 16;
		r->list = realloc(r->list, r->size * sizeof(*r->list));
		if (!r->list)
			abort();
	}
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		abort();
	text_printf(&text, "0.%08zx.", r->count + 1);
	text_base64url(&text, random, sizeof(random));
	struct refresh_token *t = &r->list[r->count++];
	*t = (struct refresh_token){.text = text_take(&text, NULL),
		.tenant = tenant,
		.parent = parent,
		.used_at = moment_now()};
	return t;
}

static char *copy(const char *text)
{
	char *p = strdup(text);
	if (!p)
		abort();
	return p;
}

char *refresh_issue(struct refresh_tokens *r, unsigned tenant)
{
	pthread_mutex_lock(&r->lock);
	char *text = copy(add(r, tenant, 0)->text);
	pthread_mutex_unlock(&r->lock);
	return text;
}

static unsigned check(const struct refresh_tokens *r, const struct refresh_token *t)
{
	int64_t now = moment_now();
	if (t->revoked)
		return 50173;
	if (t->replaced_at && now - t->replaced_at > r->grace_s * MOMENT_SECOND)
		return 70008;
	return now - t->used_at > r->life_s * MOMENT_SECOND ? 700082 : 0;
}

unsigned refresh_use(
	struct refresh_tokens *r, const char *text, bool rotate, char **next)
{
	size_t number = 0;
	unsigned code = 70000;
	*next = NULL;
	pthread_mutex_lock(&r->lock);
	if (sscanf(text, "0.%8zx.", &number) == 1 && number && number <= r->count &&
		!strcmp(r->list[number - 1].text, text)) {
		struct refresh_token *t = &r->list[number - 1];
		code = check(r, t);
		t->uses += !code;
		t->refusals += code != 0;
		if (!code)
			t->used_at = moment_now();
		if (!code && rotate && r->rotate) {
			if (!t->replaced_at)
				t->replaced_at = moment_now();
			*next = copy(add(r, t->tenant, number)->text);
		}
	}
	pthread_mutex_unlock(&r->lock);
	return code;
}

void refresh_set(struct refresh_tokens *r, int64_t grace_s, int64_t life_s, int rotate)
{
	pthread_mutex_lock(&r->lock);
	r->grace_s = grace_s < 0 ? r->grace_s : grace_s;
	r->life_s = life_s < 0 ? r->life_s : life_s;
	r->rotate = rotate < 0 ? r->rotate : rotate;
	pthread_mutex_unlock(&r->lock);
}

void refresh_revoke(struct refresh_tokens *r)
{
	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < r->count; i++)
		r->list[i].revoked = true;
	pthread_mutex_unlock(&r->lock);
}

void refresh_write(struct refresh_tokens *r, struct text *out)
{
	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < r->count; i++) {
		const struct refresh_token *t = &r->list[i];
		unsigned code = check(r, t);
		text_printf(out,
			"{\"n\":%zu,\"tenant\":%u,\"parent\":%zu,\"uses\":%u,"
			"\"refusals\":%u,\"replaced\":%s,\"code\":%u,\"token\":\"%s\"}"
			"\n",
			i + 1, t->tenant, t->parent, t->uses, t->refusals,
			t->replaced_at ? "true" : "false", code, t->text);
	}
	pthread_mutex_unlock(&r->lock);
}
