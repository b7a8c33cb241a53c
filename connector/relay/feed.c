/* feed.c - a feed as the relay sees it: made, started and stopped, room in its window, its state. */
#include "config.h"

#include "relay/feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "relay/feed_private.h"
#include "relay/state_key.h"

void feed_say_finished(struct feed *feed)
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
	feed_say_finished(feed);
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
	const struct page_events events = {feed_on_alert, feed_on_page, feed};
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
