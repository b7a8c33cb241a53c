/* world.h - tenants, their alerts, every version of them, and what was asked and served.
 *
 * Purpose:  the truth that a test compares with what the collector delivered.
 * Owner:    struct world owns all tenants and alerts; pointers live until world_free().
 * Errors:   no memory ends the process.   Units: moment.h ticks.
 * Threads:  each tenant has a lock; functions named tenant_* take it, unless they say
 *           that the caller holds it.
 * Source:   our design.   Tests: integration/test_simulator.py */
#ifndef SIMULATOR_WORLD_H
#define SIMULATOR_WORLD_H

#include "generate.h"
#include "text.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* All texts are interned: world_intern(). */
struct version {
	int64_t updated;
	const char *status, *severity, *classification, *determination, *assigned_to;
	bool served;
};

struct alert {
	uint32_t n; /* number in the tenant, from 1; order among equal times */
	uint32_t old_count;
	int64_t created;
	struct version now;
	struct version *old; /* oldest first */
	char *raw; /* given as JSON instead of generated */
	size_t raw_n;
	char *raw_id;
	const char *source;
};

/* A change; a field left NULL stays, WORLD_NULL makes it null. */
extern const char WORLD_NULL[];
struct change {
	const char *status, *severity, *classification, *determination, *assigned_to;
	int64_t updated; /* 0 is now */
};

enum { STATUS_SLOTS = 16, TEXT_MAX = 512 };

struct counters {
	uint64_t tokens, token_errors, pages, bytes;
	uint64_t status[STATUS_SLOTS];
	int64_t page_at, page_gap; /* of the last page; the longest pause between two */
};

/* The last request of a tenant, for tests that look at how it was asked. */
struct last_request {
	char url[TEXT_MAX * 2], prefer[TEXT_MAX], user_agent[TEXT_MAX],
		accept[TEXT_MAX], encoding[TEXT_MAX], request_id[TEXT_MAX];
};

/* An update that happens after a page of a pass has been served. */
struct hook {
	unsigned page, times;
	unsigned alert; /* 0: the first alert not yet served in this pass */
	struct change change;
};

struct tenant {
	unsigned number;
	char id[GENERATE_GUID_SIZE];
	pthread_mutex_t lock;
	struct alert **alerts; /* by number */
	struct alert **by_update; /* by (updated, n) */
	size_t count, size;
	struct counters counters;
	struct last_request *last;
	struct hook hook;
	_Atomic int64_t token_life_s; /* 0 is the world's */
	atomic_uint token_epoch; /* tokens of an older epoch are revoked */
	atomic_bool no_roles, disabled;
	int64_t rate_minute; /* rate limit: which minute, and how many so far */
	unsigned rate_used;
	struct fault *faults; /* faults.c; under the lock of the faults */
	atomic_uint fault_count;
};

struct world {
	struct generator *generator;
	struct tenant *tenants;
	unsigned tenant_count;
	int64_t since, started;
	int64_t token_life_s;
	const char *secret, *client_id;
	const char *samples;
	unsigned page_max, rate_per_minute;
	bool key_paging;
	uint64_t token_key[2];
	atomic_uint in_flight, in_flight_max;
	_Atomic uint64_t requests;
	struct fault *faults; /* faults.c: those of every tenant */
	atomic_uint fault_count;
	pthread_mutex_t fault_lock;
	struct interned *interned;
	pthread_mutex_t intern_lock;
};

struct world *world_new(
	uint64_t seed, unsigned tenants, unsigned alerts, int64_t since, int64_t until);
void world_free(struct world *);
const char *world_intern(struct world *, const char *); /* NULL stays NULL */
struct tenant *world_tenant(struct world *, const char *id_or_domain_or_number);

/* One generated alert more. updated 0 is now. Gives its number. */
unsigned tenant_add(struct world *, struct tenant *, int64_t updated);
/* An alert given as JSON; one with a known id becomes its next version. 0: not JSON. */
unsigned tenant_add_raw(
	struct world *, struct tenant *, const char *json, size_t, bool as_of_now);
/* id or number; false when there is none. Gives the time of the change if wanted. */
bool tenant_update(struct world *, struct tenant *, const char *id, unsigned number,
	const struct change *, int64_t *updated);
/* The lock is held by the caller. */
void tenant_change(
	struct world *, struct tenant *, struct alert *, const struct change *);
void tenant_id_of(struct world *, const struct tenant *, const struct alert *,
	char[GENERATE_ID_SIZE]);
void tenant_write_alert(struct text *, struct world *, const struct tenant *,
	const struct alert *, bool all_members);
/* The place of the first alert at or after (updated, n). The lock is held. */
size_t tenant_lower_bound(const struct tenant *, int64_t updated, uint32_t n);

/* JSON lines, one per alert. */
void tenant_write_versions(struct text *, struct world *, struct tenant *);
void tenant_write_requests(struct text *, struct tenant *);
void tenant_count_answer(
	struct tenant *, bool is_login, unsigned status, uint64_t bytes);
/* True when the request is over the limit; then after_s is set. */
bool tenant_is_limited(struct world *, struct tenant *, unsigned *after_s);

#endif
