/* feed_page.c - the pages of a feed: asking for one, and what comes of its end. */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "relay/feed_private.h"
#include "relay/filter.h"

#define URL_MAX 8192
#define FILTER_MAX 4096

#define CURSOR_STUCK_MS (30 * 60 * 1000)

void feed_page_ask(struct feed *feed, enum feed_ask ask, const char *url)
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
	feed_page_failed(feed, PAGE_BAD_REQUEST, -1, &err);
	return false;
}

void feed_slice_ask(struct feed *feed)
{
	struct walk *w = feed->walk;
	struct source_range range = {.from = w->from,
		.to = w->to,
		.page_size = w->known ? 1 : w->narrow.page_size,
		.skip = w->rows,
		.bare = w->narrow.bare || !feed->config->expand};

	if (range_url(feed, &range, true, &w->url))
		feed_page_ask(feed, ASK_PAGE, w->url);
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
		feed_page_ask(feed, ASK_CHANGES, feed->probe_url);
}

/* Asks for one alert of another time. Where that time lies varies, so that a second poisonous alert
 * there does not hide for ever that the API works. */
void feed_health_ask(struct feed *feed)
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
		feed_page_ask(feed, ASK_HEALTH, feed->probe_url);
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
		feed_slice_circle(feed);
		return;
	}
	if (w->page_rows > feed->most_rows)
		feed->most_rows = w->page_rows;
	if (!w->failed || !more) { /* else the same trouble may be ahead again */
		feed_trouble_over(feed);
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
		feed_slice_read(feed);
		feed_go(feed);
	}
}

void feed_on_page(void *context, enum page_result result, const char *next,
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
		feed_page_failed(feed, PAGE_RETRY, -1, &own);
	} else if (result != PAGE_OK) {
		feed_page_failed(feed, result, retry_after_ms, err);
	} else if (feed->ask == ASK_PAGE) {
		page_read(feed, next);
	} else if (feed->ask == ASK_HEALTH) {
		feed_slice_narrow(feed, false);
	} else if (feed->probe_hit) {
		walk_restart(feed->walk);
		feed_go(feed);
	} else {
		feed_slice_read(feed);
		feed_go(feed);
	}
}
