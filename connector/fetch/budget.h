/* budget.h - when a tenant's API may be asked: one budget for each tenant and API family.
 *
 * Purpose:  keeps below the vendor's request limits, obeys Retry-After, and asks rarely where
 *           signing in keeps failing. All feeds of a tenant that use one API share its budget, so
 *           what one of them is told holds for all, and for no other tenant.
 * Rate:     token buckets over a minute and over an hour: a fifth of the limit at once, then four
 *           fifths of it evenly, so that no minute and no hour ever sees more than the limit.
 * Throttled: nothing is asked before Retry-After is over, nor in a burst after it. Without one, or
 *           with 0: exponential backoff with full jitter.
 * Sign-in:  after some failures in a row the breaker opens: who asks is refused with the last error
 *           until the interval is over, then one request tries. Intervals grow to 15 minutes. Said
 *           in the log when it opens and when it closes.
 * Owner:    who makes it; waiters are embedded in their owner, who ends them before they go.
 * Bounds:   about 160 octets; 600 more while the breaker counts.   Units: ms.
 * Source:   facts, sections 2 (rates), 2.4 (Retry-After), 7 (10).   Tests: unit/test_budget.c */
#ifndef FETCH_BUDGET_H
#define FETCH_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "fetch/http.h"
#include "fetch/source.h"

struct budget;

/* One request at a time. */
struct budget_waiter {
	/* From the loop, once for each budget_ask(). RC_OK: send it. RC_AUTH: the breaker is open, for
	 * wait_ms more. May free the budget's owner's things, but not the budget. */
	void (*ready)(struct budget_waiter *waiter, enum rc rc, int64_t wait_ms,
		const struct error *err);
	struct list node;
	bool waiting;
};

/* What became of a request. */
enum budget_verdict {
	BUDGET_UNKNOWN, /* no answer, or given up */
	BUDGET_ANSWERED,
	BUDGET_THROTTLED,
	BUDGET_REFUSED, /* signing in failed, or a new token was not accepted */
};

/* tenant is for the log and outlives the budget. percent: of the vendor's limits. */
struct budget *budget_new(
	struct loop *loop, enum api_family api, const char *tenant, unsigned percent);
/* Nobody waits any more. NULL does nothing. */
void budget_free(struct budget *budget);

/* In order of asking. True: send it now; false: ready() comes later. */
NODISCARD bool budget_ask(struct budget *budget, struct budget_waiter *waiter);
/* Each request that may be sent ends here, once. retry_after_ms is the answer's, or -1. err is why,
 * with BUDGET_REFUSED. Returns when to ask again: retry_after_ms, or more; -1: nothing is said. */
int64_t budget_end(struct budget *budget, struct budget_waiter *waiter,
	enum budget_verdict verdict, int64_t retry_after_ms, const struct error *err);
/* ready() does not come. Does nothing when it does not wait. */
void budget_cancel(struct budget *budget, struct budget_waiter *waiter);
/* For its requests: they share the queue fairly with those of other budgets. */
struct http_lane *budget_lane(struct budget *budget);

#endif
