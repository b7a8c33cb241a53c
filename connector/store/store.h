/* store.h - cursors and what was confirmed, kept across crashes.
 *
 * Purpose:  load a feed, ask whether a version of an alert was confirmed, and commit confirmed
 *           versions and cursors of many feeds in one transaction (once per loop turn).
 * Guarantee: what store_commit() returned RC_OK for survives kill -9 and power loss; a transaction
 *           is there wholly or not at all.
 * Errors:   RC_STORE with the file and the reason. After a failed commit nothing of it is stored
 *           and the caller commits the same again later: nothing is lost by a full disk.
 *           RC_LIMIT for keys and alert ids over the stated maximum; then too all is rolled back.
 *           RC_CONFIG for a file that is not this program's to open: of another program, of another
 *           schema; it is not touched.
 * Damage:   a file that is no database, or a damaged one, is moved aside to NAME.damaged-TIME and a
 *           new one is begun; store_recovered() then gives the sentence for the operator.
 * Reading:  store_open_copy() reads the state of a running relay without holding it up.
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
/* The same of a state that is there and good: nothing is begun or moved aside. RC_CONFIG: there is
 * none; RC_STORE: it is damaged, or in use. */
NODISCARD enum rc store_open_existing(const char *path, const struct clock *clock,
	struct store **out, struct error *err);
/* A copy of what was committed, to look at; calls that write fail. The file is only read, and neither
 * locked nor waited for, so a relay may run on it: the copy is taken again when the relay has begun
 * its log anew meanwhile. The copy takes as much room in TMPDIR (else /var/tmp) as the file and
 * goes with the store, whatever ends the process. Not in the process of that relay, whose locks
 * would be lost. RC_CONFIG: there is no state file; RC_IO: it cannot be copied; RC_STORE: damaged. */
NODISCARD enum rc store_open_copy(
	const char *path, struct store **out, struct error *err);
/* The process that has the state open, -1 when it is not known which, 0 when there is none. As for
 * store_open_copy(), not in that process. */
long store_in_use(const char *path);
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

/* Inside a transaction, for an operator's wish: one alert; all that was updated at this time or later
 * (INT64_MIN: all); a feed with all of its alerts. */
NODISCARD enum rc store_forget_alert(struct store *store, int64_t feed,
	const char *alert, size_t alert_n, struct error *err);
NODISCARD enum rc store_forget_since(
	struct store *store, int64_t feed, int64_t since, struct error *err);
NODISCARD enum rc store_forget_feed(
	struct store *store, int64_t feed, struct error *err);

struct store_feed {
	int64_t id;
	const char *key;
	int64_t cursor; /* or NO_TIME */
};

struct store_row {
	int64_t feed;
	const char *alert; /* not terminated */
	size_t alert_n;
	uint64_t version;
	int64_t updated, confirmed_at;
};

/* Calls back for each feed, and for each alert of a feed, in the order of their keys, one at a time:
 * what is pointed to lasts until it returns, and it must not write. Anything but RC_OK ends it. */
typedef enum rc store_feed_fn(
	void *context, const struct store_feed *feed, struct error *err);
typedef enum rc store_row_fn(
	void *context, const struct store_row *row, struct error *err);
NODISCARD enum rc store_list_feeds(
	struct store *store, store_feed_fn *each, void *context, struct error *err);
NODISCARD enum rc store_list_seen(struct store *store, int64_t feed, store_row_fn *each,
	void *context, struct error *err);

/* Reads every page. Calls back with a sentence for what is wrong, STORE_FINDINGS times at most; then
 * RC_STORE. */
#define STORE_FINDINGS 20
NODISCARD enum rc store_check(struct store *store,
	void (*say)(void *context, const char *what), void *context, struct error *err);
/* Of the file's tables; 0 in memory. */
int store_schema(const struct store *store);

/* Forgets versions confirmed before this time (by the clock of the relay). One call looks at the
 * next `limit` rows at most, so that no turn is long; *more is false when a round over all rows is
 * complete. Not between begin and commit. */
NODISCARD enum rc store_prune(struct store *store, int64_t before, size_t limit,
	bool *more, struct error *err);

#endif
