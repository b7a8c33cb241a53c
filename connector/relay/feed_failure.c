/* feed_failure.c - a page that cannot be had: trying again later, narrowing its slice, and passing
 * over, with a stub, what cannot be narrower. */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "base/backoff.h"
#include "base/log.h"
#include "relay/feed_private.h"

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_CAP_MS (5 * 60 * 1000)
#define AUTH_FIRST_MS (15 * 1000)
#define AUTH_CAP_MS (15 * 60 * 1000)
#define ONCE_CAP_MS 5000
#define ONCE_TRIES 8
/* So many passed over in a row, without an alert read between, look like an outage of the API. */
#define STUBS_IN_ROW 3

void feed_trouble_over(struct feed *feed)
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

static void give_up_or_wait(struct feed *feed, int64_t wait_ms, bool hopeless)
{
	if (feed->host->once && (hopeless || feed->failures >= ONCE_TRIES)) {
		feed_enter(feed, FEED_FAILED);
		feed_say_finished(feed);
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
			(void)feed_stub_send(&stub, feed_destination(feed, i), entry);
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
		feed_slice_end(feed);
	}
	feed_trouble_over(feed);
	feed_go(feed);
}

void feed_slice_narrow(struct feed *feed, bool keep_page)
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
		feed_slice_end(feed);
		feed_go(feed);
	} else if (err->code == RC_LIMIT) { /* the API answered, with alerts */
		feed->probe_hit = true;
		feed_slice_narrow(feed, false);
	} else if (lasting || w->page_failures >= walk_tries(w)) {
		feed_health_ask(feed);
	} else {
		back_off(feed, false);
	}
}

void feed_page_failed(struct feed *feed, enum page_result result,
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
void feed_slice_circle(struct feed *feed)
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
		feed_slice_end(feed);
		feed_go(feed);
	} else {
		feed_slice_narrow(feed, true);
	}
}
