/* window.h - what was sent and is not committed yet, of all feeds of this process.
 *
 * Purpose:  an alert enters when it is handed to its destinations and leaves when all of them have
 *           confirmed it and the store has committed it. A cursor enters behind the alerts of its
 *           slice and is committed once everything before it is confirmed. At the end of each loop
 *           turn all that became ready is committed in one transaction.
 * Bounds:   octets per feed and in all; a full window means that its feed asks for no more. A quarter
 *           of what is for all is kept in equal shares, so that many feeds whose collector is away
 *           leave some to one whose collector works.
 * Errors:   a failed commit keeps everything and is tried again, for ever.
 * Threads:  none.   Tests: unit/test_window.c */
#ifndef RELAY_WINDOW_H
#define RELAY_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/loop.h"
#include "store/store.h"

struct window;
struct window_entry;

/* A feed's part, embedded in the feed. */
struct window_feed {
	int64_t store_id;
	size_t maximum_bytes;
	/* Something of this feed was committed: there may be room, or nothing left. */
	void (*committed)(struct window_feed *feed);

	int64_t committed_cursor;
	size_t count, bytes;
	uint64_t confirmed, rejected;
	struct list entries, committing; /* used by window.c */
	struct list ready_node;
};

struct window *window_new(struct loop *loop, struct store *store, size_t maximum_bytes);
/* Forgets what is not committed: the vendor still has it. */
void window_free(struct window *window);

void window_feed_init(struct window *window, struct window_feed *feed);
void window_feed_clear(struct window *window, struct window_feed *feed);

/* True when this version of this alert is in the window. */
bool window_holds(const struct window *window, const struct window_feed *feed,
	const char *alert, size_t alert_n, uint64_t version);

/* Adds an alert that waits for nothing yet. For each destination that took it call
 * window_sent(), then window_added() once; each of these messages is confirmed by itself. */
struct window_entry *window_add(struct window *window, struct window_feed *feed,
	const char *alert, size_t alert_n, uint64_t version, int64_t updated);
/* The same for a message of the relay's own: remembered like an alert, but not counted. */
struct window_entry *window_add_own(struct window *window, struct window_feed *feed,
	const char *key, size_t key_n, uint64_t version, int64_t updated);
void window_sent(struct window_entry *entry, size_t bytes);
/* A destination took a message that does not make the alert count as taken there: one of several
 * that is not the last of them, or a stub in the alert's place. */
void window_sent_part(struct window_entry *entry, size_t bytes);
void window_added(struct window_entry *entry);
/* One destination confirmed one message. */
void window_confirm(struct window_entry *entry);
/* One destination that had taken a message cannot send it after all. */
void window_refuse(struct window_entry *entry);

/* The cursor moves here when everything of this feed that is in the window now is confirmed. */
void window_add_cursor(struct window *window, struct window_feed *feed, int64_t cursor);

bool window_full(const struct window *window, const struct window_feed *feed);

/* NULL, or why commits fail at the moment. */
const char *window_trouble(const struct window *window);
/* When anything was last committed (monotonic ms): progress of the whole process. */
int64_t window_progress_ms(const struct window *window);
/* Commits what is ready now, not at the end of the turn: before the program ends. */
void window_commit_now(struct window *window);

#endif
