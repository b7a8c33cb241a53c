/* feed_schedule.c - what a feed does next: passes and re-scans, their slices, and the cursor. */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "relay/feed_private.h"
#include "relay/state_key.h"

/* A pass begins early by up to this part of the interval, and no more than so long, to begin together
 * with those of other feeds: they share one wake-up, and all but the first find the code in the
 * processor's caches. */
#define TOGETHER_PART 600
#define TOGETHER_MAX_MS 100

/* Slices. */

/* False: it was passed over before; only a re-scan looks whether it can be read now. */
static bool slice_begin(struct feed *feed)
{
	return walk_begin(feed->walk, &feed->passed, wall(feed)) ||
	       feed->walk == &feed->rescan;
}

static void walk_end(struct feed *feed, struct walk *w);

static void cursor_move(struct feed *feed, int64_t to)
{
	int64_t stale = to - feed->config->overlap_ms / 2 * TICKS_PER_MS;

	if (feed->cursor == NO_TIME || to > feed->cursor) {
		feed->cursor = to;
		feed->unmoved_ms = 0;
		feed->received_at_move = feed->received;
		feed->stuck_said = false;
	}
	/* An empty poll does not write: a restart would only ask for a wider range again. */
	if (feed->pass_sent || feed->host->once ||
		feed->window.committed_cursor == NO_TIME ||
		feed->window.committed_cursor < stale) {
		window_add_cursor(feed->host->window, &feed->window, feed->cursor);
		feed->pass_sent = false;
	}
}

void feed_slice_end(struct feed *feed)
{
	struct walk *w = feed->walk;

	text_set(&w->url, NULL);
	w->reading = w->failed = false;
	w->page_failures = 0;
	if (!w->circled) /* else a wider one would run in a circle too */
		narrow_success(&w->narrow, w->to);
	w->from = w->to;
	if (w == &feed->pass)
		cursor_move(feed, w->to);
	if (w->from >= w->until)
		walk_end(feed, w);
}

void feed_slice_read(struct feed *feed)
{
	struct walk *w = feed->walk;

	if (w->narrow.bare && !w->known && !w->row_passed) {
		char from[TIME_TEXT];

		(void)time_format(w->from, 0, from);
		log_write(LOG_WARNING,
			"a range can only be read without what its alerts bring along",
			"tenant=%s source=%s from=%s", feed->tenant->key,
			feed->config->source, from);
		passed_add(&feed->passed, w->from, w->to, true);
		narrow_found(&w->narrow);
	} else if (w->known && !w->narrow.bare) {
		passed_remove(&feed->passed, w->from);
	}
	feed_slice_end(feed);
}

/* Passes and re-scans. */

/* Re-scans follow the cursor, not a timer, so that restarts and `run --once` have them too; and each
 * feed has its own minute for it. */
static bool rescan_due(const struct feed *feed)
{
	int64_t every = feed->config->rescan_every_ms * TICKS_PER_MS;
	uint64_t phase =
		(uint64_t)feed->window.store_id * UINT64_C(0x9e3779b97f4a7c15) >> 1;

	if (every)
		phase %= (uint64_t)every;
	return every && (feed->cursor + (int64_t)phase) / every !=
				(feed->rescanned + (int64_t)phase) / every;
}

static void check_clock(struct feed *feed)
{
	int64_t mono = now_ms(feed), time = wall(feed);
	int64_t jump_ms =
		(time - feed->seen_wall) / TICKS_PER_MS - (mono - feed->seen_mono_ms);

	if (feed->seen_wall && (jump_ms > SKEW_MS || jump_ms < -SKEW_MS)) {
		log_write(LOG_WARNING,
			"the clock was set: reading again what may have been missed",
			"tenant=%s source=%s by_s=%" PRId64, feed->tenant->key,
			feed->config->source, jump_ms / 1000);
		feed->rescan_wanted = feed->config->rescan_every_ms > 0;
	}
	feed->seen_wall = time;
	feed->seen_mono_ms = mono;
}

static int64_t not_before_start(const struct feed *feed, int64_t time)
{
	return feed->start != NO_TIME && time < feed->start ? feed->start : time;
}

static void remember(struct feed *feed, const char *key, int64_t time)
{
	window_added(window_add_own(feed->host->window, &feed->window, key, strlen(key),
		(uint64_t)time, time));
}

/* Where the feed began is remembered: overlap and re-scans must not bring what is older. */
static void remember_start(struct feed *feed, int64_t time)
{
	feed->start = time;
	remember(feed, STATE_KEY_START, time);
}

static int64_t next_pass(const struct feed *feed)
{
	int64_t at = now_ms(feed) + feed->config->poll_ms;
	int64_t grain = feed->config->poll_ms / TOGETHER_PART;

	if (grain > TOGETHER_MAX_MS)
		grain = TOGETHER_MAX_MS;
	return grain ? at - at % grain : at;
}

static void pass_begin(struct feed *feed)
{
	struct walk *w = &feed->pass;
	int64_t overlap = feed->config->overlap_ms * TICKS_PER_MS;
	int64_t end = wall(feed) - feed->config->lag_ms * TICKS_PER_MS;

	check_clock(feed);
	feed->next_pass_ms = next_pass(feed);
	feed->pass_sent = false;
	if (feed->cursor == NO_TIME) {
		if (feed->start == NO_TIME)
			remember_start(
				feed, end - feed->config->look_back_ms * TICKS_PER_MS);
		w->from = feed->start;
	} else {
		/* The clock may have been ahead when the cursor was set. */
		w->from = not_before_start(
			feed, (feed->cursor < end ? feed->cursor : end) - overlap);
	}
	w->until = feed->cursor != NO_TIME && feed->cursor > end ? feed->cursor : end;
	w->active = w->from < w->until;
	w->reading = false;
	if (!w->active)
		walk_end(feed, w);
}

/* After a long pause it reaches as far back as if there had been a re-scan in each period: what was
 * late when the pause began has shown itself since. */
static void rescan_begin(struct feed *feed)
{
	struct walk *w = &feed->rescan;
	int64_t next = feed->rescanned + feed->config->rescan_every_ms * TICKS_PER_MS;

	feed->rescan_wanted = false;
	w->until = feed->cursor;
	w->from = not_before_start(
		feed, (next < feed->cursor ? next : feed->cursor) -
			      feed->config->rescan_range_ms * TICKS_PER_MS);
	w->active = w->from < w->until;
	w->reading = false;
}

static void walk_end(struct feed *feed, struct walk *w)
{
	int64_t kept_ms = feed->config->rescan_range_ms > feed->config->overlap_ms
				  ? feed->config->rescan_range_ms
				  : feed->config->overlap_ms;

	w->active = false;
	walk_restart(w);
	if (w == &feed->rescan) {
		feed->rescanned = w->until;
		remember(feed, STATE_KEY_RESCAN, w->until);
		passed_forget(&feed->passed,
			feed->cursor -
				(kept_ms + feed->config->poll_ms) * TICKS_PER_MS);
		return;
	}
	if (feed->rescanned == NO_TIME) /* the feed began with this pass */
		feed->rescanned = feed->cursor;
	if (feed->cursor != NO_TIME && rescan_due(feed))
		feed->rescan_wanted = true;
	if (feed->host->once)
		feed->next_pass_ms = INT64_MAX;
}

/* What to do next: a pass that is due goes before a re-scan, which gives way between its pages. */
void feed_go(struct feed *feed)
{
	for (;;) {
		int64_t now = now_ms(feed);
		struct walk *w;

		if (feed->pass.active || now >= feed->next_pass_ms) {
			w = &feed->pass;
		} else if (feed->rescan.active || feed->rescan_wanted) {
			w = &feed->rescan;
		} else if (feed->host->once) {
			feed_enter(feed, FEED_PASSED);
			feed_say_finished(feed);
			return;
		} else {
			wait_until(feed, feed->next_pass_ms);
			return;
		}
		if (w->active && w->retry_ms > now) {
			wait_until(feed,
				w == &feed->pass || w->retry_ms < feed->next_pass_ms
					? w->retry_ms
					: feed->next_pass_ms);
			return;
		}
		feed->walk = w;
		if (!w->active && w == &feed->pass)
			pass_begin(feed);
		else if (!w->active)
			rescan_begin(feed);
		if (!w->active)
			continue;
		if (w->url) {
			feed_page_ask(feed, ASK_PAGE, w->url);
			return;
		}
		if (w->reading || slice_begin(feed)) {
			feed_slice_ask(feed);
			return;
		}
		feed_slice_end(feed);
	}
}
