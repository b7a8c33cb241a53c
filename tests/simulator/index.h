/* index.h - what has versions, and lists of it in the order of a time.
 *
 * Purpose:  alerts and incidents are found by time without a look at all of them.
 * Owner:    the tenant; an index only points.   Errors: no memory ends the process.
 * Units:    moment.h ticks.   Threads: the lock of the tenant is held by the caller.
 * Tests:    integration/test_simulator.py */
#ifndef SIMULATOR_INDEX_H
#define SIMULATOR_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All texts are interned: world_intern(). */
struct version {
	int64_t updated;
	const char *status, *severity, *classification, *determination, *assigned_to;
	unsigned served; /* a bit for each service (service.h) that showed it */
};

/* What an alert and an incident have in common, always their first member. */
struct record {
	uint32_t n; /* unique in the tenant; order among equal times */
	uint32_t old_count;
	int64_t created;
	struct version now;
	struct version *old; /* oldest first */
};

/* Records in the order of (time, n). */
struct index {
	struct record **at;
	size_t count, size;
	bool by_created; /* else by the last update */
};

/* The next version begins as a copy that nobody has seen. */
void record_keep_old(struct record *);

int64_t index_time(const struct index *, const struct record *);
/* The place of the first record at or after (time, n). */
size_t index_lower_bound(const struct index *, int64_t time, uint32_t n);
void index_insert(struct index *, struct record *);
void index_remove(struct index *, const struct record *);
/* At the end, for many: then index_sort(). */
void index_append(struct index *, struct record *);
void index_sort(struct index *);

#endif
