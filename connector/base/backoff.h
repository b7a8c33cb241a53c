/* backoff.h - how long to wait after the n-th failure in a row: exponential, capped, full jitter.
 *
 * Full jitter (uniform between nothing and the capped exponential) spreads many clients that failed
 * together; a tenth of it is kept as a floor so that a retry is never immediate. */
#ifndef BASE_BACKOFF_H
#define BASE_BACKOFF_H

#include "base/loop.h"

static inline int64_t backoff_ms(
	struct loop *loop, unsigned failures, int64_t first_ms, int64_t cap_ms)
{
	unsigned doublings = failures > 1 ? failures - 1 : 0;
	int64_t ceiling = cap_ms;

	if (doublings < 30 && first_ms << doublings < cap_ms)
		ceiling = first_ms << doublings;
	return ceiling / 10 +
	       (int64_t)(loop_random(loop) * (double)(ceiling - ceiling / 10));
}

#endif
