#include "config.h"

#include "fetch/budget.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/log.h"
#include "base/strbuf.h"

#define THROTTLED_FIRST_MS 2000
#define THROTTLED_CAP_MS (5 * 60 * 1000)
/* Sign-ins that fail in a row before the breaker opens, and its intervals. */
#define FAILURES_TO_OPEN 3
#define OPEN_FIRST_MS (2 * 60 * 1000)
#define OPEN_CAP_MS (15 * 60 * 1000)

/* Microsoft names none for the SIEM API, which is for gateways now: modest. */
static const struct {
	const char *name;
	unsigned per_minute, per_hour; /* 0: no limit */
} families[API_FAMILIES] = {
	[API_GRAPH] = {"graph", 150, 0},
	[API_MDE] = {"mde", 100, 1500},
	[API_M365D] = {"m365d", 50, 1500},
	[API_SIEM] = {"siem", 30, 600},
};

enum window { MINUTE, HOUR, WINDOWS };
static const int64_t window_us[WINDOWS] = {INT64_C(60000000), INT64_C(3600000000)};

/* Of one that fails to sign in. */
struct breaker {
	unsigned failures; /* in a row */
	bool open;
	int64_t since_ms, until_ms;
	const struct budget_waiter *trying; /* the one that may try */
	struct error err;
};

struct budget {
	struct loop *loop;
	const char *tenant;
	enum api_family api;
	unsigned percent;
	unsigned throttles; /* in a row */
	/* The bucket is full again at this time (generic cell rate algorithm). */
	int64_t full_us[WINDOWS];
	int64_t shut_until_ms; /* Retry-After, or our own backoff */
	struct breaker *breaker; /* NULL: signing in works */
	struct list waiters;
	struct loop_timer timer;
	struct http_lane lane;
};

/* Buckets. */

static int64_t limit_of(const struct budget *budget, enum window window)
{
	int64_t limit = window == MINUTE ? families[budget->api].per_minute
					 : families[budget->api].per_hour;

	if (limit && limit * budget->percent < 500)
		return 5; /* so that a fifth of it is one request */
	return limit * budget->percent / 100;
}

/* Time between two requests that come evenly, and how much of it may be used in advance. */
static void pace_of(
	enum window window, int64_t limit, int64_t *interval, int64_t *slack)
{
	int64_t burst = limit / 5;

	*interval = (window_us[window] + (limit - burst) - 1) / (limit - burst);
	*slack = *interval * (burst - 1);
}

static int64_t bucket_due_us(const struct budget *budget)
{
	int64_t due = INT64_MIN, interval, slack;

	for (enum window w = 0; w < WINDOWS; w++) {
		int64_t limit = limit_of(budget, w);

		if (!limit)
			continue;
		pace_of(w, limit, &interval, &slack);
		if (budget->full_us[w] - slack > due)
			due = budget->full_us[w] - slack;
	}
	return due;
}

static void bucket_take(struct budget *budget, int64_t now_us)
{
	int64_t interval, slack;

	for (enum window w = 0; w < WINDOWS; w++) {
		int64_t limit = limit_of(budget, w);

		if (!limit)
			continue;
		pace_of(w, limit, &interval, &slack);
		if (budget->full_us[w] < now_us)
			budget->full_us[w] = now_us;
		budget->full_us[w] += interval;
	}
}

/* Empties the minute's bucket as of then: no burst into an API that has just said it is too much. */
static void bucket_empty(struct budget *budget, int64_t at_ms)
{
	int64_t limit = limit_of(budget, MINUTE), interval, slack;

	if (!limit)
		return;
	pace_of(MINUTE, limit, &interval, &slack);
	if (budget->full_us[MINUTE] < at_ms * 1000 + slack)
		budget->full_us[MINUTE] = at_ms * 1000 + slack;
}

static int64_t due_ms(const struct budget *budget)
{
	int64_t us = bucket_due_us(budget);
	int64_t ms = us <= 0 ? 0 : (us + 999) / 1000;

	return ms > budget->shut_until_ms ? ms : budget->shut_until_ms;
}

/* The breaker. */

static bool refuses(const struct budget *budget)
{
	const struct breaker *breaker = budget->breaker;

	return breaker && breaker->open &&
	       loop_now_ms(budget->loop) < breaker->until_ms;
}

/* All wait for the one that tries. */
static bool trying(const struct budget *budget)
{
	return budget->breaker && budget->breaker->open && budget->breaker->trying;
}

/* retry_after_ms: how long the same answer would be given again, without asking. Others that waited
 * for the same sign-in are told within that time, and count no further failure. */
static int64_t breaker_failed(
	struct budget *budget, int64_t retry_after_ms, const struct error *err)
{
	struct breaker *breaker = budget->breaker;
	int64_t now = loop_now_ms(budget->loop), wait_ms = OPEN_CAP_MS;
	unsigned doublings;
	char reason[700];

	if (!breaker) {
		breaker = budget->breaker = xcalloc(1, sizeof(*breaker));
		breaker->since_ms = now;
		breaker->until_ms = now;
	}
	if (now < breaker->until_ms)
		return breaker->until_ms - now;
	breaker->err = *err;
	breaker->failures++;
	if (breaker->failures < FAILURES_TO_OPEN) {
		breaker->until_ms = now + (retry_after_ms > 0 ? retry_after_ms : 0);
		return retry_after_ms;
	}
	doublings = breaker->failures - FAILURES_TO_OPEN;
	if (doublings < 10 && (int64_t)OPEN_FIRST_MS << doublings < wait_ms)
		wait_ms = (int64_t)OPEN_FIRST_MS << doublings;
	/* Spread, because a secret that expires fails for all tenants at once. */
	wait_ms -= (int64_t)(loop_random(budget->loop) * (double)wait_ms / 10);
	if (wait_ms < retry_after_ms)
		wait_ms = retry_after_ms;
	breaker->until_ms = now + wait_ms;
	if (!breaker->open)
		log_write(LOG_ERR,
			"signing in keeps failing: trying rarely from now on",
			"tenant=%s api=%s failures=%u longest_pause_s=%d reason=%s",
			budget->tenant, families[budget->api].name, breaker->failures,
			OPEN_CAP_MS / 1000,
			log_quote(
				reason, sizeof(reason), err->text, strlen(err->text)));
	breaker->open = true;
	return wait_ms;
}

static void breaker_close(struct budget *budget)
{
	struct breaker *breaker = budget->breaker;

	if (!breaker)
		return;
	if (breaker->open)
		log_write(LOG_NOTICE, "signing in works again",
			"tenant=%s api=%s after_s=%" PRId64 " failures=%u",
			budget->tenant, families[budget->api].name,
			(loop_now_ms(budget->loop) - breaker->since_ms) / 1000,
			breaker->failures);
	free(breaker);
	budget->breaker = NULL;
}

/* Waiting. */

static void granted(struct budget *budget, const struct budget_waiter *waiter)
{
	bucket_take(budget, loop_now_ms(budget->loop) * 1000);
	if (budget->breaker && budget->breaker->open)
		budget->breaker->trying = waiter;
}

/* Sets the timer for the first in line; none while one tries for all. */
static void timer_arm(struct budget *budget)
{
	if (list_empty(&budget->waiters) || trying(budget))
		loop_timer_stop(budget->loop, &budget->timer);
	else
		loop_timer_set(budget->loop, &budget->timer,
			refuses(budget) ? loop_now_ms(budget->loop) : due_ms(budget));
}

static void on_timer(struct loop_timer *timer)
{
	struct budget *budget = CONTAINER_OF(timer, struct budget, timer);
	size_t count = 0;

	/* Who asks again from within ready() comes in the next turn. */
	for (struct list *n = budget->waiters.next; n != &budget->waiters; n = n->next)
		count++;
	while (count-- && !list_empty(&budget->waiters)) {
		struct budget_waiter *waiter =
			CONTAINER_OF(budget->waiters.next, struct budget_waiter, node);
		int64_t now = loop_now_ms(budget->loop);
		struct error err = {0};

		if (trying(budget) || (!refuses(budget) && due_ms(budget) > now))
			break;
		list_remove(&waiter->node);
		waiter->waiting = false;
		if (refuses(budget)) {
			err = budget->breaker->err;
			waiter->ready(
				waiter, RC_AUTH, budget->breaker->until_ms - now, &err);
		} else {
			granted(budget, waiter);
			waiter->ready(waiter, RC_OK, -1, &err);
		}
	}
	timer_arm(budget);
}

bool budget_ask(struct budget *budget, struct budget_waiter *waiter)
{
	if (waiter->waiting)
		return false;
	if (list_empty(&budget->waiters) && !refuses(budget) && !trying(budget) &&
		due_ms(budget) <= loop_now_ms(budget->loop)) {
		granted(budget, waiter);
		return true;
	}
	waiter->waiting = true;
	list_append(&budget->waiters, &waiter->node);
	timer_arm(budget);
	return false;
}

static int64_t throttled(struct budget *budget, int64_t retry_after_ms)
{
	int64_t now = loop_now_ms(budget->loop);
	int64_t wait_ms = retry_after_ms;

	budget->throttles++;
	if (wait_ms <= 0)
		wait_ms = backoff_ms(budget->loop, budget->throttles,
			THROTTLED_FIRST_MS, THROTTLED_CAP_MS);
	/* An answer to a request sent before must not open what a later one has shut. */
	if (now + wait_ms > budget->shut_until_ms)
		budget->shut_until_ms = now + wait_ms;
	bucket_empty(budget, budget->shut_until_ms);
	return budget->shut_until_ms - now;
}

int64_t budget_end(struct budget *budget, struct budget_waiter *waiter,
	enum budget_verdict verdict, int64_t retry_after_ms, const struct error *err)
{
	int64_t wait_ms = retry_after_ms;

	if (budget->breaker && budget->breaker->trying == waiter)
		budget->breaker->trying = NULL;
	switch (verdict) {
	case BUDGET_UNKNOWN:
		break;
	case BUDGET_ANSWERED:
		breaker_close(budget);
		if (retry_after_ms > 0) /* an outage may say so too */
			wait_ms = throttled(budget, retry_after_ms);
		else
			budget->throttles = 0;
		break;
	case BUDGET_THROTTLED:
		breaker_close(budget);
		wait_ms = throttled(budget, retry_after_ms);
		break;
	case BUDGET_REFUSED:
		wait_ms = breaker_failed(budget, retry_after_ms, err);
		break;
	}
	timer_arm(budget);
	return wait_ms;
}

void budget_cancel(struct budget *budget, struct budget_waiter *waiter)
{
	if (!waiter->waiting)
		return;
	waiter->waiting = false;
	list_remove(&waiter->node);
	timer_arm(budget);
}

struct http_lane *budget_lane(struct budget *budget)
{
	return &budget->lane;
}

struct budget *budget_new(
	struct loop *loop, enum api_family api, const char *tenant, unsigned percent)
{
	struct budget *budget = xcalloc(1, sizeof(*budget));

	budget->loop = loop;
	budget->api = api;
	budget->tenant = tenant;
	budget->percent = percent;
	/* Full when made, whatever this machine's monotonic clock says. */
	for (enum window w = 0; w < WINDOWS; w++)
		budget->full_us[w] = INT64_MIN / 2;
	budget->shut_until_ms = INT64_MIN;
	list_init(&budget->waiters);
	http_lane_init(&budget->lane);
	budget->timer.fire = on_timer;
	return budget;
}

void budget_free(struct budget *budget)
{
	if (!budget)
		return;
	loop_timer_stop(budget->loop, &budget->timer);
	free(budget->breaker);
	free(budget);
}
