/* feed_private.h - the state machine of a feed, for the files that it is made of.
 *
 * Purpose:  feed.c makes, starts and stops a feed, knows when there is room, and tells its state;
 *           feed_schedule.c decides what to do next: passes, re-scans, their slices, the cursor;
 *           feed_page.c asks for a page and takes its end; feed_alert.c takes its alerts and sends
 *           them; feed_failure.c waits, narrows, and passes over.
 * Owner:    the feed. Only feed*.c include this.
 * Turn:     feed_go() asks for a page, or sets what the feed waits for: a time, room, confirmations.
 *           What comes of it ends in feed_go() again, the last that is done with the feed. */
#ifndef RELAY_FEED_PRIVATE_H
#define RELAY_FEED_PRIVATE_H

#include <stdlib.h>

#include "base/strbuf.h"
#include "fetch/page.h"
#include "fetch/source.h"
#include "relay/feed.h"
#include "relay/message.h"
#include "relay/walk.h"

/* How far the vendor's clock may be from ours when we ask what changed since a moment of ours. */
#define SKEW_MS (60 * 1000)

enum feed_state {
	FEED_IDLE, /* not started, or stopped */
	FEED_WAIT, /* until the next pass, or the next try */
	FEED_FETCH, /* a page is being asked for or read */
	FEED_FULL, /* until there is room in the window */
	FEED_PASSED, /* once: all pages read, waiting for confirmations */
	FEED_FAILED, /* once: gave up */
};

enum feed_ask {
	ASK_PAGE,
	ASK_CHANGES, /* did anything change while the slice was read? */
	ASK_HEALTH, /* does the API answer for another time? */
};

struct feed {
	struct feed_host *host;
	const struct config_tenant *tenant;
	const struct config_feed *config;
	const struct source *source;
	struct page *page;
	struct window_feed window;
	struct loop_timer timer;
	enum feed_state state;
	enum feed_ask ask;
	struct list full_node; /* in host->full: FEED_FULL, or the page is paused */
	bool finished_said;
	bool store_failed; /* in this page: its alerts could not be looked up */
	bool pass_sent; /* this pass found something new */
	bool probe_hit; /* the question that is no page of a slice was answered with an alert */
	bool rescan_wanted;
	bool filter_asked; /* the request has a filter */
	bool filter_refused; /* by the API, which is not asked to filter any more */
	bool stuck_said, circle_said;

	int64_t cursor; /* in memory; the committed one may be behind */
	int64_t start; /* nothing before this is wanted */
	int64_t next_pass_ms;
	int64_t rescanned; /* where the last complete re-scan ended, or the feed began */
	struct walk pass, rescan, *walk; /* walk: the one of the two that asks */
	struct passed_ranges passed;
	char *probe_url;
	unsigned probes; /* of the API's health, to vary their time */
	unsigned stubs_in_row;
	uint64_t most_rows; /* of any page */
	uint64_t throttled, requests; /* when the page was asked */
	int64_t retry_after_ms; /* that came with the failure; -1: none */

	/* Both clocks when the last pass began: to notice that one was set. */
	int64_t seen_wall, seen_mono_ms;
	int64_t unmoved_ms; /* since when alerts arrive and the cursor has not moved; 0: no such */
	uint64_t received_at_move;

	unsigned failures; /* in a row, of any page */
	struct error trouble;
	const struct walk *trouble_of;
	int64_t trouble_since_ms;

	uint64_t received, duplicate, filtered, unaccepted, stubs;
};

static inline int64_t now_ms(const struct feed *feed)
{
	return loop_now_ms(feed->host->loop);
}

static inline int64_t wall(const struct feed *feed)
{
	return clock_wall(loop_clock(feed->host->loop));
}

static inline void feed_enter(struct feed *feed, enum feed_state state)
{
	feed->state = state;
}

static inline void wait_until(struct feed *feed, int64_t ms)
{
	feed_enter(feed, FEED_WAIT);
	loop_timer_set(feed->host->loop, &feed->timer, ms);
}

static inline void wait_for_room(struct feed *feed, enum feed_state state)
{
	feed_enter(feed, state);
	if (list_empty(&feed->full_node))
		list_append(&feed->host->full, &feed->full_node);
}

static inline void text_set(char **to, const char *text)
{
	char *copy = text ? xstrdup(text) : NULL;

	free(*to);
	*to = copy;
}

static inline struct destination *feed_destination(const struct feed *feed, size_t i)
{
	return feed->host->destinations[feed->config->destination_index[i]];
}

/* feed.c: with host->once the feed is told to be finished, when it is; once. */
void feed_say_finished(struct feed *feed);

/* feed_schedule.c: what to do next. */
void feed_go(struct feed *feed);
/* Done with the slice: on to the next one, and the cursor with it. */
void feed_slice_end(struct feed *feed);
/* The same of one that was read to its end. */
void feed_slice_read(struct feed *feed);

/* feed_page.c: asks when there is room in the window, else waits for it. */
void feed_page_ask(struct feed *feed, enum feed_ask ask, const char *url);
void feed_slice_ask(struct feed *feed);
void feed_health_ask(struct feed *feed);
/* For page_events.done. */
void feed_on_page(void *context, enum page_result result, const char *next,
	int64_t retry_after_ms, const struct error *err);

/* feed_alert.c: for page_events.alert. */
bool feed_on_alert(void *context, struct fmt_alert *alert);
/* False: not even the stub can be written. */
bool feed_stub_send(
	struct stub *stub, struct destination *to, struct window_entry *entry);

/* feed_failure.c: */
void feed_page_failed(struct feed *feed, enum page_result result,
	int64_t retry_after_ms, const struct error *err);
/* The slice cannot be read as it is, and the API works. keep_page: as for narrow_step(). */
void feed_slice_narrow(struct feed *feed, bool keep_page);
void feed_slice_circle(struct feed *feed);
/* The walk that asks works again. */
void feed_trouble_over(struct feed *feed);

#endif
