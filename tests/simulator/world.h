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
#include "index.h"
#include "text.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The API families: each has its own root, audience, roles, errors and request limits. */
enum api {
	API_GRAPH,
	API_MDE,
	API_M365D,
	API_SIEM,
	API_COUNT,
	API_LOGIN = API_COUNT,
	API_IMDS,
	API_ANY,
};
extern const char *const api_names[API_ANY];

struct alert {
	struct record record;
	struct incident *incident; /* or NULL */
	char *raw; /* given as JSON instead of generated */
	size_t raw_n;
	char *raw_id;
	const char *source;
};

struct incident {
	struct record record; /* n is its id */
	uint32_t redirect; /* the incident that it was merged into, or 0 */
	struct alert **alerts;
	size_t count, size;
};

/* A change; a field left NULL stays, WORLD_NULL makes it null. */
extern const char WORLD_NULL[];
struct change {
	const char *status, *severity, *classification, *determination, *assigned_to;
	int64_t updated; /* 0 is now */
};

enum { STATUS_SLOTS = 16, TEXT_MAX = 512 };

/* How somebody signed in. */
enum sign_in { SIGN_IN_SECRET, SIGN_IN_CERTIFICATE, SIGN_IN_FEDERATED, SIGN_IN_COUNT };
extern const char *const sign_in_names[SIGN_IN_COUNT];

/* Requests allowed in a stretch of time that begins with the first of them. */
struct limit {
	unsigned most, used; /* 0: as many as one likes */
	int64_t began;
};

/* What a tenant asked of one API. */
struct use {
	uint64_t requests, over_limit;
	int64_t last_at, max_gap; /* ticks between two answers */
	struct limit minute, hour;
};

struct counters {
	uint64_t tokens, token_errors, refreshes, pages, bytes;
	uint64_t sign_ins[SIGN_IN_COUNT];
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
	size_t count, size;
	struct index by_update;
	struct index by_created; /* made when it is first needed */
	struct incident **incidents; /* by id */
	size_t incident_count, incident_size;
	struct index incidents_by_update;
	struct counters counters;
	struct last_request *last;
	struct hook hook;
	_Atomic int64_t token_life_s; /* 0 is the world's */
	atomic_uint token_epoch; /* tokens of an older epoch are revoked */
	atomic_bool disabled;
	_Atomic(const char *) roles; /* ",A,B," those granted; NULL is all */
	struct use uses[API_COUNT];
	struct fault *faults; /* faults.c; under the lock of the faults */
	atomic_uint fault_count;
};

struct world {
	struct generator *generator;
	struct tenant *tenants;
	unsigned tenant_count;
	int64_t since, started;
	int64_t token_life_s;
	const char *client_id; /* only this one is known, or NULL */
	struct application *application; /* application.h */
	struct refresh_tokens *refresh_tokens; /* refresh.h */
	struct machine *machine; /* imds.h */
	const char *samples;
	unsigned page_max, mde_page_max, rate_per_minute;
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
/* By id, a change as above. Merging moves the alerts and leaves a redirected incident;
 * with touch each of these alerts gets a new version. False when there is no such one. */
bool tenant_update_incident(struct world *, struct tenant *, uint32_t id,
	const struct change *, int64_t *updated);
bool tenant_merge_incidents(
	struct world *, struct tenant *, uint32_t from, uint32_t into, bool touch);

/* From here to the blank line the lock is held by the caller. */
void tenant_join(
	struct world *, struct tenant *, struct alert *, uint32_t incident, int64_t at);
/* Something in the incident changed at that time; it gets a new version. */
void tenant_touch_incident(struct tenant *, struct incident *, int64_t at);
/* Sets a member of the JSON that an alert was given as. */
void alert_replace_raw(struct alert *, const char *key, const char *value);
void tenant_change_incident(
	struct world *, struct tenant *, struct incident *, const struct change *);
void tenant_change(
	struct world *, struct tenant *, struct alert *, const struct change *);
struct alert *tenant_find(struct world *, struct tenant *, const char *id, unsigned n);
struct incident *tenant_incident(const struct tenant *, uint32_t id);
void tenant_id_of(struct world *, const struct tenant *, const struct alert *,
	char[GENERATE_ID_SIZE]);
void tenant_write_alert(struct text *, struct world *, const struct tenant *,
	const struct alert *, bool all_members);
const struct index *tenant_by_created(struct tenant *);

/* JSON lines, one per alert or incident. */
void tenant_write_versions(struct text *, struct world *, struct tenant *);
void tenant_write_incidents(struct text *, struct world *, struct tenant *);
void tenant_write_requests(struct text *, struct tenant *);
void tenant_count_answer(struct tenant *, enum api, unsigned status, uint64_t bytes);
void tenant_count_sign_in(struct tenant *, enum sign_in, bool is_refresh);
/* From now on there were no pauses. */
void tenant_forget_gaps(struct tenant *);
/* 0 is no limit of its own. */
void tenant_limit(struct tenant *, enum api, unsigned per_minute, unsigned per_hour);
/* True when the request is over the limit; then after_s is set. */
bool tenant_is_limited(struct world *, struct tenant *, enum api, unsigned *after_s);

#endif
