/* faults.h - what goes wrong on purpose, per tenant and counted.
 *
 * Purpose:  tests order faults; the next requests of the tenant meet them.
 * Owner:    the lists hang in world and tenant; a taken fault is a copy, its texts are
 *           interned.   Errors: an unknown kind is refused with a sentence.
 * Threads:  any; one lock for all faults, not taken when there are none.
 * Tests:    integration/test_simulator.py */
#ifndef SIMULATOR_FAULTS_H
#define SIMULATOR_FAULTS_H

#include "world.h"

#include <stdbool.h>

enum fault_kind {
	FAULT_NONE,
	FAULT_STATUS, /* 400 to 504, told by status */
	FAULT_REDIRECT,
	FAULT_DELAY,
	FAULT_DROP,
	FAULT_CUT,
	FAULT_CUT_CHUNKED,
	FAULT_TRUNCATED,
	FAULT_BROKEN_JSON,
	FAULT_INVALID_UTF8,
	FAULT_LONE_SURROGATE,
	FAULT_NOT_JSON,
	FAULT_EMPTY_BODY,
	FAULT_TOP_ARRAY,
	FAULT_MISSING_VALUE,
	FAULT_NULL_VALUE,
	FAULT_PARTIAL, /* 206 */
	FAULT_HUGE_PAGE,
	FAULT_FOREIGN_LINK,
	FAULT_ENDLESS_LINK,
	FAULT_EMPTY_PAGES,
	FAULT_NESTED,
	FAULT_HUGE_STRING,
	FAULT_NO_ID,
	FAULT_NO_TIME,
	FAULT_WRONG_TYPES,
	FAULT_DUPLICATE_IDS,
	LOGIN_STATUS,
	LOGIN_HTML,
	LOGIN_DELAY,
	LOGIN_BROKEN_JSON,
	LOGIN_NO_TOKEN,
	LOGIN_NO_ROLES,
	LOGIN_WRONG_TENANT,
	LOGIN_NO_REFRESH,
	LOGIN_DROP,
	IMDS_STATUS,
	IMDS_DELAY,
};

struct fault {
	struct fault *next;
	enum fault_kind kind;
	enum api api; /* API_ANY: whichever is asked */
	const char *name;
	int count; /* how many requests; -1 always */
	unsigned after; /* requests that pass first */
	unsigned status, code, delay_ms;
	/* Conditions on a page: it has this alert, $top is above, $expand was given. */
	uint32_t n;
	uint64_t top_over;
	bool expanded;
	uint64_t size;
	const char *retry_after, *host, *message;
};

/* Fills kind, status and defaults from the name; false: unknown. */
bool fault_named(struct fault *, const char *name);
void fault_write_names(struct text *);
/* tenant NULL: all tenants. The fault is copied. */
void fault_add(struct world *, struct tenant *, const struct fault *);
void fault_clear(struct world *, struct tenant *);
void fault_clear_all(struct world *);
/* The next fault for a request of this tenant to API_LOGIN, API_IMDS or an API, without
 * conditions; false and kind NONE when there is none. The tenant may be NULL. */
bool fault_take(struct world *, struct tenant *, enum api, struct fault *);
/* The next one with conditions that are met. */
bool fault_take_if(struct world *, struct tenant *, enum api,
	bool (*applies)(void *, const struct fault *), void *, struct fault *);

#endif
