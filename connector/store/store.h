/* store.h - cursors and what was confirmed, kept across crashes.
 *
 * Purpose:  load a feed, ask whether a version of an alert was confirmed, and commit confirmed
 *           versions and cursors of many feeds in one transaction (once per loop turn).
 * Guarantee: what store_commit() returned RC_OK for survives kill -9 and power loss; a transaction
 *           is there wholly or not at all.
 * Errors:   RC_STORE with the file and the reason. After a failed commit nothing of it is stored
 *           and the caller commits the same again later: nothing is lost by a full disk.
 *           RC_LIMIT for keys and alert ids over the stated maximum; then too all is rolled back.
 * Damage:   a file that is no database, or a damaged one, is moved aside to NAME.damaged-TIME and a
 *           new one is begun; store_recovered() then gives the sentence for the operator. A file
 *           of a newer schema is refused, not touched.
 * Bounds:   about 2 MB of memory and 8 MB of write-ahead log, however many rows there are.
 * Units:    times in 100 ns ticks.   Threads: none.   Tests: unit/test_store.c */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"

#define STORE_KEY_MAXIMUM 255
#define STORE_ALERT_MAXIMUM 1024

struct store;

/* SQLite in WAL mode, synchronous=FULL; the directory must exist. The file has mode 0600 and is
 * locked for this process (NAME.lock, and SQLite's own lock): a second relay on the same state is
 * refused with a clear sentence. The whole file is checked, which takes time with its size. The
 * clock stamps what is confirmed and must outlive the store. */
NODISCARD enum rc store_open_sqlite(const char *path, const struct clock *clock,
	struct store **out, struct error *err);
/* In memory, for tests and for `run --once` without state. */
struct store *store_open_memory(void);
void store_close(struct store *store);

/* NULL, or what was wrong with the state found at opening, and what that means. */
const char *store_recovered(const struct store *store);
/* True after damage was met while running: every call will fail. Opening again moves the damaged
 * file aside, so ending the process and being started again heals it. */
bool store_damaged(const struct store *store);

/* Finds or makes the feed. *id is small and stays the same across restarts. *cursor is NO_TIME for a
 * new feed. The key is text of at most 255 octets: "TENANT-ID/SOURCE/DESTINATIONS". A feed made
 * between begin and commit belongs to that transaction: thousands of new feeds cost one sync. */
NODISCARD enum rc store_feed(struct store *store, const char *key, int64_t *id,
	int64_t *cursor, struct error *err);

/* The version last confirmed for this alert; *found false when there is none. Inside a transaction
 * its own puts are seen. */
NODISCARD enum rc store_seen(struct store *store, int64_t feed, const char *alert,
	size_t alert_n, bool *found, uint64_t *version, struct error *err);

/* One transaction. Between begin and commit any number of puts; any call that fails in
 * between, or a failed commit, rolls all back, and until the next begin puts and commits fail. */
NODISCARD enum rc store_begin(struct store *store, struct error *err);
NODISCARD enum rc store_put_seen(struct store *store, int64_t feed, const char *alert,
	size_t alert_n, uint64_t version, int64_t updated, struct error *err);
NODISCARD enum rc store_put_cursor(
	struct store *store, int64_t feed, int64_t cursor, struct error *err);
NODISCARD enum rc store_commit(struct store *store, struct error *err);
void store_rollback(struct store *store);

/* Forgets versions confirmed before this time (by the clock of the relay). One call looks at the
 * next `limit` rows at most, so that no turn is long; *more is false when a round over all rows is
 * complete. Not between begin and commit. */
NODISCARD enum rc store_prune(struct store *store, int64_t before, size_t limit,
	bool *more, struct error *err);

#endif
