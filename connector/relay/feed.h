/* feed.h - a feed: tenant x source x destinations, one state machine.
 *
 * Purpose:  polls its source in passes, each pass in slices of time, each slice page by page; sends
 *           what was not sent before; moves its cursor when all of a slice is confirmed.
 * Pass:     asks for everything updated since cursor - overlap, up to now - lag. The order of results
 *           is not relied on, nor their number in a page, nor that the links end. What was already
 *           seen is dropped by id and version.
 * Window:   while it is full no page is asked for. A page that fills it is paused; when there is no
 *           room for long its connection is given up, and the page asked for again when there is.
 * Re-scan:  reads rescan_range before the cursor again, and all of a long pause, for what the vendor
 *           showed late; it never moves the cursor and gives way to a pass between its pages. Nothing older than the
 *           beginning of the feed is sent.
 * Poison:   a page that keeps failing is narrowed (walk.h) as long as the API answers for another
 *           time; what cannot be narrower is passed over as a stub, a message that names tenant,
 *           source, time and reason, and asked once in each re-scan. When the API does not answer
 *           for another time either it is an outage: the feed waits with backoff.
 * Filter:   what does not pass is counted and not remembered, so that it is sent when it changes
 *           and passes.
 * Errors:   stay in this feed: they are logged once per change, tried again for ever, and shown by
 *           feed_trouble(). A feed that runs once gives up after some tries instead.
 * Source:   design.md sections 2 and 4; facts (Microsoft's APIs) sections 2.4, 2.7, 7. */
#ifndef RELAY_FEED_H
#define RELAY_FEED_H

#include "alert/alert.h"
#include "deliver/destination.h"
#include "fetch/budget.h"
#include "fetch/http.h"
#include "fetch/token.h"
#include "relay/configuration.h"
#include "relay/window.h"

struct feed;

/* What all feeds of a process share. */
struct feed_host {
	struct loop *loop;
	struct http *http;
	struct store *store;
	struct window *window;
	struct destination **destinations; /* by config_feed.destination_index */
	bool once; /* one pass, then feed_host.finished */
	void (*finished)(struct feed_host *host, struct feed *feed);

	struct list full; /* feeds that wait for room in the window */
	struct loop_call
		room; /* there may be some: they are looked at once in a turn */
};

/* The members above `full` are the caller's. feed_host_clear() before the loop goes. */
void feed_host_init(struct feed_host *host);
void feed_host_clear(struct feed_host *host);

struct feed_counts {
	uint64_t received, duplicate, filtered, confirmed, rejected, in_window;
	uint64_t
		stubs; /* messages of our own in the place of what could not be had; not received */
	uint64_t requests;
};

NODISCARD enum rc feed_new(struct feed_host *host, const struct config_tenant *tenant,
	const struct config_feed *config, struct token *token, struct budget *budget,
	struct feed **out, struct error *err);
void feed_free(struct feed *feed);

/* The first pass begins after delay_ms. */
void feed_start(struct feed *feed, int64_t delay_ms);
/* Asks for nothing more; what is in the window is still confirmed and committed. */
void feed_stop(struct feed *feed);

/* Nothing asked for and nothing unconfirmed. */
bool feed_idle(const struct feed *feed);
/* With host->once: the pass is complete and all of it is confirmed. */
bool feed_complete(const struct feed *feed);
/* NULL, or what is wrong now. */
const char *feed_trouble(const struct feed *feed);
void feed_counts(const struct feed *feed, struct feed_counts *counts);
const struct config_tenant *feed_tenant(const struct feed *feed);
const struct config_feed *feed_config(const struct feed *feed);

#endif
