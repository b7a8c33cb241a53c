#include "config.h"

#include "relay/feed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/event.h"
#include "base/backoff.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "fetch/page.h"
#include "fetch/source.h"
#include "relay/filter.h"
#include "relay/message.h"
#include "relay/state_key.h"
#include "relay/walk.h"

#define URL_MAX 8192
#define FILTER_MAX 4096
#define BACKOFF_FIRST_MS 1000
#define BACKOFF_CAP_MS (5 * 60 * 1000)
#define AUTH_FIRST_MS (15 * 1000)
#define AUTH_CAP_MS (15 * 60 * 1000)
#define ONCE_CAP_MS 5000
#define ONCE_TRIES 8
/* So many passed over in a row, without an alert read between, look like an outage of the API. */
#define STUBS_IN_ROW 3
/* How far the vendor's clock may be from ours when we ask what changed since a moment of ours. */
#define SKEW_MS (60 * 1000)
#define CURSOR_STUCK_MS (30 * 60 * 1000)
/* A paused page keeps a connection, which others may need and the vendor ends some day. */
#define PAUSE_MS (10 * 1000)
/* A pass begins early by up to this part of the interval, and no more than so long, to begin together
 * with those of other feeds: they share one wake-up, and all but the first find the code in the
 * processor's caches. */
#define TOGETHER_PART 600
#define TOGETHER_MAX_MS 100

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

static void feed_go(struct feed *feed);
static void page_failed(struct feed *feed, enum page_result result,
	int64_t retry_after_ms, const struct error *err);
static void pass_over(struct feed *feed, const struct error *err);

static int64_t now_ms(const struct feed *feed)
{
	return loop_now_ms(feed->host->loop);
}

static int64_t wall(const struct feed *feed)
{
	return clock_wall(loop_clock(feed->host->loop));
}

static void feed_enter(struct feed *feed, enum feed_state state)
{
	feed->state = state;
}

static void wait_until(struct feed *feed, int64_t ms)
{
	feed_enter(feed, FEED_WAIT);
	loop_timer_set(feed->host->loop, &feed->timer, ms);
}

static void wait_for_room(struct feed *feed, enum feed_state state)
{
	feed_enter(feed, state);
	if (list_empty(&feed->full_node))
		list_append(&feed->host->full, &feed->full_node);
}

static void text_set(char **to, const char *text)
{
	char *copy = text ? xstrdup(text) : NULL;

	free(*to);
	*to = copy;
}

static void say_finished(struct feed *feed)
{
	if (feed->finished_said || !feed->host->once)
		return;
	if (feed->state == FEED_FAILED ||
		(feed->state == FEED_PASSED && !feed->window.count &&
			list_empty(&feed->window.entries))) {
		feed->finished_said = true;
		feed->host->finished(feed->host, feed);
	}
}

static void trouble_over(struct feed *feed)
{
	if (!feed->trouble.text[0] || feed->trouble_of != feed->walk)
		return;
	log_write(LOG_NOTICE, "the feed works again",
		"tenant=%s source=%s after_s=%" PRId64 " failures=%u",
		feed->tenant->key, feed->config->source,
		(now_ms(feed) - feed->trouble_since_ms) / 1000, feed->failures);
	feed->trouble.text[0] = '\0';
}

static void trouble_begins(
	struct feed *feed, const char *sentence, const struct error *err)
{
	char reason[700];
	bool said = feed->trouble.text[0] &&
		    error_digest(&feed->trouble) == error_digest(err);

	if (!feed->trouble.text[0])
		feed->trouble_since_ms = now_ms(feed);
	feed->trouble = *err;
	if (said)
		return;
	feed->trouble_of = feed->walk;
	log_write(err->code == RC_AUTH ? LOG_ERR : LOG_WARNING, sentence,
		"tenant=%s source=%s reason=%s", feed->tenant->key,
		feed->config->source,
		log_quote(reason, sizeof(reason), err->text, strlen(err->text)));
}

static void page_ask(struct feed *feed, enum feed_ask ask, const char *url)
{
	struct page_counts counts;

	list_remove(&feed->full_node);
	if (ask == ASK_PAGE && window_full(feed->host->window, &feed->window)) {
		wait_for_room(feed, FEED_FULL);
		return;
	}
	page_counts(feed->page, &counts);
	feed->throttled = counts.throttled;
	feed->requests = counts.requests;
	feed->retry_after_ms = -1;
	feed->ask = ask;
	feed->probe_hit = false;
	feed->store_failed = false;
	feed->walk->page_rows = 0;
	feed->walk->digest = 0;
	feed_enter(feed, FEED_FETCH);
	page_fetch(feed->page, url);
}

/* The URL of a range; NULL when there is none, which was then dealt with. */
static bool range_url(
	struct feed *feed, struct source_range *range, bool filtered, char **to)
{
	struct error err = {0};
	struct strbuf url, filter;
	enum rc rc;

	strbuf_init(&url, URL_MAX);
	strbuf_init(&filter, FILTER_MAX);
	if (filtered && !feed->filter_refused)
		filter_query(feed->config, feed->source, &filter);
	if (filter.full) /* what is too long for a URL is filtered here alone */
		strbuf_reset(&filter);
	range->filter = filter.n ? filter.p : NULL;
	feed->filter_asked = range->filter != NULL;
	rc = feed->source->first_url(feed->source,
		feed->tenant->apis[feed->source->api].root, range, &url, &err);
	text_set(to, rc == RC_OK ? url.p : NULL);
	strbuf_clear(&url);
	strbuf_clear(&filter);
	if (rc == RC_OK)
		return true;
	page_failed(feed, PAGE_BAD_REQUEST, -1, &err);
	return false;
}

static void slice_ask(struct feed *feed)
{
	struct walk *w = feed->walk;
	struct source_range range = {.from = w->from,
		.to = w->to,
		.page_size = w->known ? 1 : w->narrow.page_size,
		.skip = w->rows,
		.bare = w->narrow.bare || !feed->config->expand};

	if (range_url(feed, &range, true, &w->url))
		page_ask(feed, ASK_PAGE, w->url);
}

/* An alert that is updated while pages are read leaves the slice, those behind it move up, and one
 * of them may slip from a page not read yet to one already read. So a slice of several pages is
 * done when a reading found nothing new, or nothing changed while it was read. What changed may be
 * what the filter leaves out now, so this question has none. */
static void changes_ask(struct feed *feed)
{
	int64_t skew = SKEW_MS * TICKS_PER_MS;
	struct source_range range = {.from = feed->walk->read_at - skew,
		.to = wall(feed) + skew,
		.page_size = feed->source->page_size_max ? 1 : 0};

	/* A clock that was set back in the meantime. */
	if (range.to <= range.from)
		range.to = range.from + 2 * skew;
	if (range_url(feed, &range, false, &feed->probe_url))
		page_ask(feed, ASK_CHANGES, feed->probe_url);
}

/* Asks for one alert of another time. Where that time lies varies, so that a second poisonous alert
 * there does not hide for ever that the API works. */
static void health_ask(struct feed *feed)
{
	static const struct {
		int from_h, to_h; /* before the slice */
	} times[] = {{168, 0}, {26, 24}, {2, 1}, {192, 168}, {720, 336}};
	size_t i = feed->probes++ % (sizeof(times) / sizeof(*times));
	int64_t hour = 3600 * TICKS_PER_S;
	struct source_range range = {.from = feed->walk->from - times[i].from_h * hour,
		.to = feed->walk->from - times[i].to_h * hour,
		.page_size = feed->source->page_size_max ? 1 : 0};

	if (range_url(feed, &range, true, &feed->probe_url))
		page_ask(feed, ASK_HEALTH, feed->probe_url);
}

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

static void slice_end(struct feed *feed)
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

/* Read to its end. */
static void slice_read(struct feed *feed)
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
	slice_end(feed);
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
static void feed_go(struct feed *feed)
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
			say_finished(feed);
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
			page_ask(feed, ASK_PAGE, w->url);
			return;
		}
		if (w->reading || slice_begin(feed)) {
			slice_ask(feed);
			return;
		}
		slice_end(feed);
	}
}

/* Failures. */

static void give_up_or_wait(struct feed *feed, int64_t wait_ms, bool hopeless)
{
	if (feed->host->once && (hopeless || feed->failures >= ONCE_TRIES)) {
		feed_enter(feed, FEED_FAILED);
		say_finished(feed);
		return;
	}
	feed->walk->retry_ms = now_ms(feed) + wait_ms;
	feed_go(feed);
}

static void back_off(struct feed *feed, bool hopeless)
{
	int64_t wait_ms = feed->retry_after_ms;

	if (wait_ms < 0)
		wait_ms = backoff_ms(feed->host->loop, feed->failures, BACKOFF_FIRST_MS,
			feed->host->once ? ONCE_CAP_MS : BACKOFF_CAP_MS);
	give_up_or_wait(feed, wait_ms, hopeless);
}

/* The slice cannot be read as it is, and the API works. */
static void slice_narrow(struct feed *feed, bool keep_page)
{
	struct walk *w = feed->walk;

	if (narrow_step(&w->narrow, w->from, w->to, keep_page)) {
		feed->failures = w->page_failures = 0;
		w->failed = true;
		walk_restart(w);
		feed_go(feed);
	} else if (feed->stubs_in_row >= STUBS_IN_ROW && !feed->probe_hit) {
		back_off(feed, false);
	} else {
		struct error none;

		error_set(&none, RC_PROTO,
			"its pages run in a circle and more alerts may be behind them");
		pass_over(feed, keep_page ? &none : &feed->trouble);
	}
}

/* A page of a slice failed in a way that may be its own. */
static void poison_suspected(
	struct feed *feed, enum page_result result, const struct error *err)
{
	struct walk *w = feed->walk;
	/* Asked again it will be the same. */
	bool lasting = err->code == RC_LIMIT || result == PAGE_BAD_REQUEST;

	w->page_failures++;
	if (w->known) { /* as before: the re-scan goes on, the next one asks again */
		slice_end(feed);
		feed_go(feed);
	} else if (err->code == RC_LIMIT) { /* the API answered, with alerts */
		feed->probe_hit = true;
		slice_narrow(feed, false);
	} else if (lasting || w->page_failures >= walk_tries(w)) {
		health_ask(feed);
	} else {
		back_off(feed, false);
	}
}

static void page_failed(struct feed *feed, enum page_result result,
	int64_t retry_after_ms, const struct error *err)
{
	struct walk *w = feed->walk;
	bool operator_must_act = result == PAGE_AUTH || result == PAGE_FOREIGN;
	struct page_counts counts;
	bool blameless;

	feed->failures++;
	trouble_begins(feed,
		operator_must_act ? "the feed is stopped until this is mended"
				  : "the feed has trouble, trying again",
		err);
	page_counts(feed->page, &counts);
	feed->retry_after_ms = retry_after_ms;
	/* Throttled, or not even sent: that says nothing of this page. */
	blameless = counts.throttled != feed->throttled ||
		    counts.requests == feed->requests;
	if (result == PAGE_FOREIGN) {
		w->failed = true;
		walk_restart(w);
	}
	if (operator_must_act)
		give_up_or_wait(feed,
			retry_after_ms >= 0
				? retry_after_ms
				: backoff_ms(feed->host->loop, feed->failures,
					  AUTH_FIRST_MS, AUTH_CAP_MS),
			true);
	else if (err->code == RC_STORE || err->code == RC_CONFIG)
		back_off(feed, err->code == RC_CONFIG);
	else if (blameless)
		back_off(feed, false);
	else if (feed->ask == ASK_PAGE)
		poison_suspected(feed, result, err);
	else if (feed->ask == ASK_HEALTH) /* not this slice alone: an outage */
		back_off(feed, result == PAGE_BAD_REQUEST);
	else { /* whether it changed is not known: it is read again */
		walk_restart(w);
		back_off(feed, false);
	}
}

/* Pages that repeat for ever show nothing new, but more may be hidden behind them. Where the first
 * page was not full it held all there is. */
static void slice_circle(struct feed *feed)
{
	struct walk *w = feed->walk;

	if (!feed->circle_said)
		log_write(LOG_WARNING,
			"the vendor's next pages run in a circle: reading smaller "
			"ranges, until one page holds all",
			"tenant=%s source=%s", feed->tenant->key, feed->config->source);
	feed->circle_said = w->circled = true;
	feed->probe_hit = true;
	if (w->first_rows < feed->most_rows ||
		(w->to - w->from <= TICKS_PER_S &&
			w->first_rows < w->narrow.page_size)) {
		slice_end(feed);
		feed_go(feed);
	} else {
		slice_narrow(feed, true);
	}
}

static void check_stuck(struct feed *feed)
{
	int64_t now = now_ms(feed);

	if (feed->stuck_said || feed->received == feed->received_at_move)
		return;
	if (!feed->unmoved_ms)
		feed->unmoved_ms = now;
	if (now - feed->unmoved_ms < CURSOR_STUCK_MS)
		return;
	feed->stuck_said = true;
	log_write(LOG_ERR, "alerts arrive, but the cursor does not move",
		"tenant=%s source=%s for_s=%" PRId64 " received=%" PRIu64,
		feed->tenant->key, feed->config->source,
		(now - feed->unmoved_ms) / 1000,
		feed->received - feed->received_at_move);
}

static void page_read(struct feed *feed, const char *next)
{
	struct walk *w = feed->walk;
	bool more;

	w->page_failures = 0;
	if (w->page_rows)
		feed->stubs_in_row = 0;
	if (!w->paged)
		w->first_rows = w->page_rows;
	w->rows += w->page_rows;
	check_stuck(feed);
	more = next[0] || (w->page_rows && feed->source->paging == PAGING_SKIP);
	if (more && walk_circles(w, next)) {
		slice_circle(feed);
		return;
	}
	if (w->page_rows > feed->most_rows)
		feed->most_rows = w->page_rows;
	if (!w->failed || !more) { /* else the same trouble may be ahead again */
		trouble_over(feed);
		feed->failures = 0;
	}
	if (more) {
		w->paged = true;
		text_set(&w->url, next[0] ? next : NULL);
		feed_go(feed);
	} else if (w->paged && w->found) {
		feed->circle_said = false;
		changes_ask(feed);
	} else {
		slice_read(feed);
		feed_go(feed);
	}
}

static void on_page_done(void *context, enum page_result result, const char *next,
	int64_t retry_after_ms, const struct error *err)
{
	struct feed *feed = context;
	struct error own;

	list_remove(&feed->full_node);
	loop_timer_stop(feed->host->loop, &feed->timer);
	if (feed->state != FEED_FETCH)
		return;
	if (result == PAGE_BAD_REQUEST && feed->ask == ASK_PAGE && feed->filter_asked) {
		char reason[400];

		log_write(LOG_WARNING,
			"the API refuses the feed's filter: filtering here alone",
			"tenant=%s source=%s reason=%s", feed->tenant->key,
			feed->config->source,
			log_quote(
				reason, sizeof(reason), err->text, strlen(err->text)));
		feed->filter_refused = true;
		walk_restart(feed->walk);
		feed_go(feed);
	} else if (result == PAGE_OK && feed->store_failed) {
		error_set(&own, RC_STORE,
			"the state cannot be read, so nothing is sent twice: waiting");
		page_failed(feed, PAGE_RETRY, -1, &own);
	} else if (result != PAGE_OK) {
		page_failed(feed, result, retry_after_ms, err);
	} else if (feed->ask == ASK_PAGE) {
		page_read(feed, next);
	} else if (feed->ask == ASK_HEALTH) {
		slice_narrow(feed, false);
	} else if (feed->probe_hit) {
		walk_restart(feed->walk);
		feed_go(feed);
	} else {
		slice_read(feed);
		feed_go(feed);
	}
}

static struct destination *destination_at(const struct feed *feed, size_t i)
{
	return feed->host->destinations[feed->config->destination_index[i]];
}

/* False: not even the stub can be written. */
static bool stub_send(
	struct stub *stub, struct destination *to, struct window_entry *entry)
{
	struct alert_events events;
	struct error err;
	size_t queued = 0;
	bool sent;

	alert_events_begin(&events, &stub->alert,
		destination_options(to)->events == EVENTS_EVIDENCE);
	sent = destination_send(to, alert_events_next(&events), &stub->message.fields,
		       entry, &queued, &err) == RC_OK;
	alert_events_end(&events);
	if (sent)
		window_sent_part(entry, queued);
	return sent;
}

static void say_rejected(struct feed *feed, const struct fmt_alert *alert,
	const struct destination *to, const struct error *err)
{
	char id[120], reason[400];

	log_write(LOG_ERR,
		"an alert cannot be written in this format and goes as a stub",
		"tenant=%s source=%s alert=%s destination=%s reason=%s",
		feed->tenant->key, feed->config->source,
		log_quote(id, sizeof(id), alert->id.p, alert->id.n),
		destination_options(to)->name,
		log_quote(reason, sizeof(reason), err->text, strlen(err->text)));
}

static void reject(struct feed *feed, const struct fmt_alert *alert,
	struct destination *to, struct window_entry *entry, const struct error *err)
{
	struct stub stub;

	say_rejected(feed, alert, to, err);
	stub_unwritten(&stub, feed->tenant, feed->config->source, alert,
		destination_options(to)->name, err);
	if (stub_send(&stub, to, entry))
		feed->stubs++;
}

/* The second or the one alert that the slice is down to cannot be read, though the API works. */
static void pass_over(struct feed *feed, const struct error *err)
{
	struct walk *w = feed->walk;
	int64_t second = w->from - (w->from % TICKS_PER_S + TICKS_PER_S) % TICKS_PER_S;
	char from[TIME_TEXT], to[TIME_TEXT], reason[700];
	struct stub stub;
	uint64_t version;
	bool seen = false;
	struct error own;

	(void)time_format(second, 0, from);
	(void)time_format(second + TICKS_PER_S, 0, to);
	stub_unread(&stub, feed->tenant, feed->config->source, second, err);
	if (store_seen(feed->host->store, feed->window.store_id, stub.id,
		    strlen(stub.id), &seen, &version, &own) != RC_OK) {
		back_off(feed, false);
		return;
	}
	passed_add(&feed->passed, w->from, w->to, false);
	if (!seen && !window_holds(feed->host->window, &feed->window, stub.id,
			     strlen(stub.id), 0)) {
		struct window_entry *entry = window_add_own(feed->host->window,
			&feed->window, stub.id, strlen(stub.id), 0, second);

		for (size_t i = 0; i < feed->config->destination_count; i++)
			(void)stub_send(&stub, destination_at(feed, i), entry);
		window_added(entry);
		feed->stubs++;
		feed->stubs_in_row++;
		feed->pass_sent = true;
		log_write(LOG_ERR, "an alert cannot be read and goes as a stub",
			"tenant=%s source=%s from=%s to=%s stub=%s reason=%s",
			feed->tenant->key, feed->config->source, from, to, stub.id,
			log_quote(
				reason, sizeof(reason), err->text, strlen(err->text)));
	}
	feed->failures = w->page_failures = 0;
	if (feed->source->paging != PAGING_NONE && !w->row_passed &&
		w->narrow.page_size == 1) {
		/* Pages of one alert: those behind it can be had. */
		w->row_passed = true;
		w->rows++;
		w->paged = true;
		text_set(&w->url, NULL);
	} else {
		narrow_found(&w->narrow);
		slice_end(feed);
	}
	trouble_over(feed);
	feed_go(feed);
}

/* What can be written goes; a part that cannot makes it a rejected alert, with one stub. */
static void send_to(struct feed *feed, const struct fmt_alert *alert,
	const struct syslog_fields *fields, struct destination *to,
	struct window_entry *entry)
{
	struct alert_events events;
	const struct fmt_alert *part;
	struct error err = {0}, first = {0};
	bool whole = true;

	alert_events_begin(
		&events, alert, destination_options(to)->events == EVENTS_EVIDENCE);
	while ((part = alert_events_next(&events))) {
		size_t queued = 0;

		if (destination_send(to, part, fields, entry, &queued, &err) != RC_OK) {
			if (whole)
				first = err;
			whole = false;
		} else if (whole && alert_events_was_last(&events)) {
			window_sent(entry, queued);
		} else {
			window_sent_part(entry, queued);
		}
	}
	alert_events_end(&events);
	if (!whole)
		reject(feed, alert, to, entry, &first);
}

static void send_to_all(struct feed *feed, const struct fmt_alert *alert,
	const struct syslog_fields *fields, const struct state_key *key,
	uint64_t version)
{
	struct window_entry *entry = window_add(feed->host->window, &feed->window,
		key->p, key->n, version, fields->time == NO_TIME ? 0 : fields->time);

	for (size_t i = 0; i < feed->config->destination_count; i++)
		send_to(feed, alert, fields, destination_at(feed, i), entry);
	window_added(entry);
	feed->pass_sent = true;
}

static bool on_alert(void *context, struct fmt_alert *alert)
{
	struct feed *feed = context;
	struct state_key key;
	struct message message;
	uint64_t version, seen_version;
	struct error err = {0};
	bool seen;

	feed->probe_hit = true;
	if (feed->ask != ASK_PAGE) /* it comes with its own slice */
		return true;
	feed->received++;
	state_key_make(&key, feed->source, alert);
	walk_take(feed->walk, key.p, key.n, source_is_row(feed->source, alert));
	if (!filter_passes(feed->config, alert)) {
		feed->filtered++;
		return true;
	}
	version = alert_version(alert, feed->config->policy);
	if (window_holds(feed->host->window, &feed->window, key.p, key.n, version)) {
		feed->duplicate++;
		return true;
	}
	if (store_seen(feed->host->store, feed->window.store_id, key.p, key.n, &seen,
		    &seen_version, &err) != RC_OK) {
		feed->store_failed = true;
		feed->unaccepted++;
		return true;
	}
	if (seen && seen_version == version) {
		feed->duplicate++;
		return true;
	}
	if (alert->updated == NO_TIME || alert->updated < feed->walk->to)
		feed->walk->found = true;
	message_prepare(alert, feed->tenant, version, &message);
	send_to_all(feed, alert, &message.fields, &key, version);
	if (!window_full(feed->host->window, &feed->window))
		return true;
	wait_for_room(feed, FEED_FETCH);
	loop_timer_set(feed->host->loop, &feed->timer, now_ms(feed) + PAUSE_MS);
	return false;
}

/* Room in one window may be room in the budget of all. */
static void on_room(struct loop_call *call)
{
	struct feed_host *host = CONTAINER_OF(call, struct feed_host, room);
	struct list waiting;

	list_init(&waiting);
	list_splice(&waiting, &host->full);
	while (!list_empty(&waiting)) {
		struct feed *feed = CONTAINER_OF(waiting.next, struct feed, full_node);

		list_remove(&feed->full_node);
		if (window_full(host->window, &feed->window)) {
			list_append(&host->full, &feed->full_node);
		} else if (feed->state == FEED_FULL) {
			feed->unmoved_ms = 0; /* it was not the vendor's fault */
			feed_go(feed);
		} else {
			loop_timer_stop(host->loop, &feed->timer);
			page_resume(feed->page);
		}
	}
}

static void on_committed(struct window_feed *window)
{
	struct feed *feed = CONTAINER_OF(window, struct feed, window);

	if (!list_empty(&feed->host->full))
		loop_defer(feed->host->loop, &feed->host->room);
	say_finished(feed);
}

void feed_host_init(struct feed_host *host)
{
	list_init(&host->full);
	host->room.run = on_room;
}

void feed_host_clear(struct feed_host *host)
{
	loop_defer_cancel(host->loop, &host->room);
}

static void on_timer(struct loop_timer *timer)
{
	struct feed *feed = CONTAINER_OF(timer, struct feed, timer);

	if (feed->state == FEED_FETCH) { /* paused for long */
		page_cancel(feed->page);
		feed_enter(feed, FEED_FULL);
	} else {
		feed_go(feed);
	}
}

static enum rc time_load(
	struct feed *feed, const char *key, int64_t *time, struct error *err)
{
	uint64_t value = 0;
	bool found = false;
	enum rc rc = store_seen(feed->host->store, feed->window.store_id, key,
		strlen(key), &found, &value, err);

	*time = rc == RC_OK && found ? (int64_t)value : NO_TIME;
	return rc;
}

/* Nothing may be passed over: read again what may be missing, of which what was sent is known. */
static void doubt_cursor(struct feed *feed)
{
	char was[TIME_TEXT], from[TIME_TEXT];
	int64_t cursor = feed->window.committed_cursor;

	feed->window.committed_cursor =
		wall(feed) - feed->config->look_back_ms * TICKS_PER_MS;
	(void)time_format(feed->window.committed_cursor, 0, from);
	if (!time_format(cursor, 0, was))
		snprintf(was, sizeof(was), "no time");
	log_write(LOG_ERR,
		"the state says of a feed that it has come further than it can have; "
		"it "
		"goes on from its look_back, and may repeat what the state has "
		"forgotten",
		"tenant=%s source=%s cursor=%s from=%s", feed->tenant->key,
		feed->config->source, was, from);
}

static enum rc feed_load(struct feed *feed, struct error *err)
{
	struct strbuf key;
	enum rc rc;

	strbuf_init(&key, STORE_KEY_MAXIMUM);
	rc = state_feed_make(&key, feed->tenant->tenant_id, feed->config, err);
	if (rc == RC_OK)
		rc = store_feed(feed->host->store, key.p, &feed->window.store_id,
			&feed->window.committed_cursor, err);
	strbuf_clear(&key);
	if (rc == RC_OK &&
		!state_cursor_good(feed->window.committed_cursor, wall(feed)))
		doubt_cursor(feed);
	feed->cursor = feed->window.committed_cursor;
	if (rc == RC_OK)
		rc = time_load(feed, STATE_KEY_START, &feed->start, err);
	if (rc == RC_OK)
		rc = time_load(feed, STATE_KEY_RESCAN, &feed->rescanned, err);
	if (feed->rescanned == NO_TIME || feed->rescanned > feed->cursor)
		feed->rescanned = feed->cursor;
	return rc;
}

enum rc feed_new(struct feed_host *host, const struct config_tenant *tenant,
	const struct config_feed *config, struct token *token, struct budget *budget,
	struct feed **out, struct error *err)
{
	struct feed *feed = xcalloc(1, sizeof(*feed));
	const struct page_events events = {on_alert, on_page_done, feed};
	int64_t slice = config->slice_ms * TICKS_PER_MS;
	unsigned page_size = config->page_size;
	enum rc rc;

	feed->host = host;
	feed->tenant = tenant;
	feed->config = config;
	feed->source = source_find(config->source);
	if (page_size > feed->source->page_size_max)
		page_size = feed->source->page_size_max;
	narrow_init(&feed->pass.narrow, page_size, slice);
	narrow_init(&feed->rescan.narrow, page_size, slice);
	feed->walk = &feed->pass;
	feed->most_rows = 2;
	feed->timer.fire = on_timer;
	feed->window.maximum_bytes = config->window_bytes;
	feed->window.committed = on_committed;
	window_feed_init(host->window, &feed->window);
	list_init(&feed->full_node);
	rc = feed_load(feed, err);
	if (rc != RC_OK) {
		window_feed_clear(host->window, &feed->window);
		free(feed);
		return error_wrap(
			err, "tenant %s, source %s", tenant->key, config->source);
	}
	feed->page = page_new(host->loop, host->http, token, budget, feed->source,
		tenant->apis[feed->source->api].root, &events);
	*out = feed;
	return RC_OK;
}

void feed_free(struct feed *feed)
{
	if (!feed)
		return;
	loop_timer_stop(feed->host->loop, &feed->timer);
	list_remove(&feed->full_node);
	page_free(feed->page);
	window_feed_clear(feed->host->window, &feed->window);
	free(feed->pass.url);
	free(feed->rescan.url);
	free(feed->probe_url);
	passed_clear(&feed->passed);
	free(feed);
}

void feed_start(struct feed *feed, int64_t delay_ms)
{
	feed->next_pass_ms = now_ms(feed) + delay_ms;
	wait_until(feed, feed->next_pass_ms);
}

void feed_stop(struct feed *feed)
{
	loop_timer_stop(feed->host->loop, &feed->timer);
	page_cancel(feed->page);
	list_remove(&feed->full_node);
	feed_enter(feed, FEED_IDLE);
	if (feed->cursor != NO_TIME && feed->cursor != feed->window.committed_cursor)
		window_add_cursor(feed->host->window, &feed->window, feed->cursor);
}

bool feed_idle(const struct feed *feed)
{
	return feed->state != FEED_FETCH && list_empty(&feed->window.entries) &&
	       list_empty(&feed->window.committing);
}

bool feed_complete(const struct feed *feed)
{
	return feed->state == FEED_PASSED && feed_idle(feed);
}

const char *feed_trouble(const struct feed *feed)
{
	return feed->trouble.text[0] ? feed->trouble.text : NULL;
}

void feed_counts(const struct feed *feed, struct feed_counts *counts)
{
	struct page_counts page;

	page_counts(feed->page, &page);
	*counts = (struct feed_counts){.received = feed->received,
		.duplicate = feed->duplicate + feed->unaccepted,
		.filtered = feed->filtered,
		.stubs = feed->stubs,
		.confirmed = feed->window.confirmed,
		.rejected = feed->window.rejected,
		.in_window = feed->window.count,
		.requests = page.requests};
}

const struct config_tenant *feed_tenant(const struct feed *feed)
{
	return feed->tenant;
}

const struct config_feed *feed_config(const struct feed *feed)
{
	return feed->config;
}
