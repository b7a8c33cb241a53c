#include "config.h"

#include "relay/feed.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "fetch/page.h"
#include "fetch/source.h"

#define URL_MAX 8192
#define BACKOFF_FIRST_MS 1000
#define BACKOFF_CAP_MS (5 * 60 * 1000)
#define AUTH_FIRST_MS (15 * 1000)
#define AUTH_CAP_MS (15 * 60 * 1000)
#define ONCE_CAP_MS 5000
#define ONCE_TRIES 8
/* A page that failed so often in a row is given up and its slice asked from the start. */
#define PAGE_TRIES 4
/* How far the vendor's clock may be from ours when we ask what changed since a moment of ours. */
#define SKEW_MS (60 * 1000)

enum feed_state {
	FEED_IDLE, /* not started, or stopped */
	FEED_WAIT, /* until the next pass, or the next try */
	FEED_FETCH, /* a page is being asked for or read */
	FEED_PASSED, /* once: all pages read, waiting for confirmations */
	FEED_FAILED, /* once: gave up */
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
	struct list paused_node; /* in host->paused while the page waits for room */
	bool finished_said;
	bool store_failed; /* in this page: its alerts could not be looked up */
	bool pass_sent; /* this pass found something new */
	bool slice_new; /* so did this reading of the slice, within its range */
	bool slice_paged; /* this reading followed a next link */
	bool slice_failed; /* this slice was given up and asked anew; its trouble is not over yet */
	bool probing; /* asking whether anything changed while the slice was read */
	bool probe_hit;

	int64_t cursor; /* in memory; the committed one may be behind */
	int64_t pass_until; /* the pass asks for what was updated before this */
	int64_t pass_started_ms;
	int64_t slice_from, slice_until;
	int64_t slice_read_at; /* wall clock when this reading of the slice began */
	char *url; /* of the page now asked for; NULL between passes */
	/* Brent's cycle detection over the next links of a slice: two numbers find any loop. */
	uint64_t link_mark;
	uint64_t link_steps, link_limit;

	unsigned failures; /* in a row, of any page */
	unsigned page_failures;
	struct error trouble;
	int64_t trouble_since_ms;

	uint64_t received, duplicate, unaccepted;
};

static void page_failed(struct feed *feed, enum page_result result,
	int64_t retry_after_ms, const struct error *err);

static void feed_enter(struct feed *feed, enum feed_state state)
{
	feed->state = state;
}

/* Where a feed that has no cursor starts. */
static int64_t first_time(const struct feed *feed, int64_t now)
{
	return now - feed->config->look_back_ms * TICKS_PER_MS;
}

static void wait_for(struct feed *feed, int64_t ms)
{
	feed_enter(feed, FEED_WAIT);
	loop_timer_set(
		feed->host->loop, &feed->timer, loop_now_ms(feed->host->loop) + ms);
}

static void url_set(struct feed *feed, const char *url, size_t n)
{
	char *copy = url ? xstrndup(url, n) : NULL;

	free(feed->url);
	feed->url = copy;
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
	if (!feed->trouble.text[0])
		return;
	log_write(LOG_NOTICE, "the feed works again",
		"tenant=%s source=%s after_s=%" PRId64 " failures=%u",
		feed->tenant->key, feed->config->source,
		(loop_now_ms(feed->host->loop) - feed->trouble_since_ms) / 1000,
		feed->failures);
	feed->trouble.text[0] = '\0';
}

static void trouble_begins(
	struct feed *feed, const char *sentence, const struct error *err)
{
	char reason[700];

	if (feed->trouble.text[0] && feed->trouble.code == err->code &&
		strcmp(feed->trouble.text, err->text) == 0)
		return; /* said once */
	if (!feed->trouble.text[0])
		feed->trouble_since_ms = loop_now_ms(feed->host->loop);
	feed->trouble = *err;
	log_write(err->code == RC_AUTH ? LOG_ERR : LOG_WARNING, sentence,
		"tenant=%s source=%s reason=%s", feed->tenant->key,
		feed->config->source,
		log_quote(reason, sizeof(reason), err->text, strlen(err->text)));
}

static void page_ask(struct feed *feed)
{
	feed_enter(feed, FEED_FETCH);
	feed->store_failed = false;
	list_remove(&feed->paused_node);
	page_fetch(feed->page, feed->url);
}

static void range_ask(struct feed *feed, const struct source_range *range)
{
	struct error err = {0};
	struct strbuf url;
	enum rc rc;

	feed->link_mark = 0;
	feed->link_steps = 0;
	feed->link_limit = 1;
	strbuf_init(&url, URL_MAX);
	rc = feed->source->first_url(
		feed->source, feed->tenant->graph_root, range, &url, &err);
	/* Without one the slice is asked anew, never the page before. */
	url_set(feed, rc == RC_OK ? url.p : NULL, url.n);
	strbuf_clear(&url);
	if (rc == RC_OK)
		page_ask(feed);
	else
		page_failed(feed, PAGE_BAD_REQUEST, -1, &err);
}

static void slice_begin(struct feed *feed, int64_t from)
{
	struct source_range range = {from, from + feed->config->slice_ms * TICKS_PER_MS,
		feed->config->page_size, 0, false, NULL};

	if (range.to > feed->pass_until)
		range.to = feed->pass_until;
	feed->slice_from = from;
	feed->slice_until = range.to;
	feed->slice_read_at = clock_wall(loop_clock(feed->host->loop));
	feed->slice_new = false;
	feed->slice_paged = false;
	feed->probing = false;
	range_ask(feed, &range);
}

/* An alert that is updated while pages are read leaves the slice, those behind it move up, and one
 * of them may slip from a page not read yet to one already read. So a slice of several pages is
 * done when a reading found nothing new, or nothing changed while it was read. */
static void slice_probe(struct feed *feed)
{
	int64_t skew = SKEW_MS * TICKS_PER_MS;
	struct source_range range = {feed->slice_read_at - skew,
		clock_wall(loop_clock(feed->host->loop)) + skew, 1, 0, false, NULL};

	feed->probing = true;
	feed->probe_hit = false;
	range_ask(feed, &range);
}

static void pass_begin(struct feed *feed)
{
	int64_t now = clock_wall(loop_clock(feed->host->loop));
	int64_t overlap = feed->config->overlap_ms * TICKS_PER_MS;

	feed->pass_started_ms = loop_now_ms(feed->host->loop);
	feed->pass_sent = false;
	/* A clock that was set back must not make the range empty. */
	feed->pass_until =
		feed->cursor != NO_TIME && feed->cursor > now ? feed->cursor : now;
	slice_begin(feed, feed->cursor == NO_TIME ? first_time(feed, now)
						  : feed->cursor - overlap);
}

static void pass_end(struct feed *feed)
{
	int64_t next_ms = feed->pass_started_ms + feed->config->poll_ms -
			  loop_now_ms(feed->host->loop);

	url_set(feed, NULL, 0);
	if (feed->host->once) {
		feed_enter(feed, FEED_PASSED);
		say_finished(feed);
		return;
	}
	wait_for(feed, next_ms > 0 ? next_ms : 0);
}

static void slice_end(struct feed *feed)
{
	int64_t stale = feed->slice_until - feed->config->overlap_ms / 2 * TICKS_PER_MS;

	feed->slice_failed = false;
	if (feed->cursor == NO_TIME || feed->slice_until > feed->cursor)
		feed->cursor = feed->slice_until;
	/* An empty poll does not write: a restart would only ask for a wider range again. */
	if (feed->pass_sent || feed->host->once ||
		feed->window.committed_cursor == NO_TIME ||
		feed->window.committed_cursor < stale ||
		feed->slice_until < feed->pass_until)
		window_add_cursor(feed->host->window, &feed->window, feed->cursor);
	if (feed->slice_until < feed->pass_until)
		slice_begin(feed, feed->slice_until);
	else
		pass_end(feed);
}

static void give_up_or_wait(struct feed *feed, int64_t wait_ms, bool hopeless)
{
	if (feed->host->once && (hopeless || feed->failures >= ONCE_TRIES)) {
		feed_enter(feed, FEED_FAILED);
		say_finished(feed);
		return;
	}
	wait_for(feed, wait_ms);
}

static void page_failed(struct feed *feed, enum page_result result,
	int64_t retry_after_ms, const struct error *err)
{
	bool operator_must_act = result == PAGE_AUTH || result == PAGE_FOREIGN;
	int64_t wait_ms;

	feed->failures++;
	feed->page_failures++;
	trouble_begins(feed,
		operator_must_act ? "the feed is stopped until this is mended"
				  : "the feed has trouble, trying again",
		err);
	if (feed->page_failures >= PAGE_TRIES || result == PAGE_FOREIGN) {
		feed->page_failures = 0;
		feed->slice_failed = true;
		url_set(feed, NULL, 0); /* the slice is asked anew */
	}
	if (operator_must_act)
		wait_ms = backoff_ms(
			feed->host->loop, feed->failures, AUTH_FIRST_MS, AUTH_CAP_MS);
	else
		wait_ms = backoff_ms(feed->host->loop, feed->failures, BACKOFF_FIRST_MS,
			feed->host->once ? ONCE_CAP_MS : BACKOFF_CAP_MS);
	if (retry_after_ms >= 0)
		wait_ms = retry_after_ms;
	give_up_or_wait(feed, wait_ms, operator_must_act || result == PAGE_BAD_REQUEST);
}

static uint64_t link_hash(const char *p)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (; *p; p++)
		hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
	return hash | 1;
}

/* True when the next links of this slice run in a circle. */
static bool link_repeats(struct feed *feed, const char *next)
{
	uint64_t hash = link_hash(next);

	if (hash == feed->link_mark || strcmp(next, feed->url) == 0)
		return true;
	if (++feed->link_steps == feed->link_limit) {
		feed->link_mark = hash;
		feed->link_steps = 0;
		feed->link_limit *= 2;
	}
	return false;
}

static void on_page_done(void *context, enum page_result result, const char *next,
	int64_t retry_after_ms, const struct error *err)
{
	struct feed *feed = context;
	struct error own;

	list_remove(&feed->paused_node);
	if (feed->state != FEED_FETCH)
		return;
	if (result == PAGE_OK && feed->store_failed) {
		error_set(&own, RC_STORE,
			"the state cannot be read, so nothing is sent twice: waiting");
		page_failed(feed, PAGE_RETRY, -1, &own);
		return;
	}
	if (result != PAGE_OK) {
		page_failed(feed, result, retry_after_ms, err);
		return;
	}
	if (next[0] && link_repeats(feed, next)) {
		error_set(&own, RC_PROTO,
			"the vendor's next links run in a circle: the range stays open "
			"and is asked again");
		feed->page_failures = PAGE_TRIES;
		page_failed(feed, PAGE_BAD_ANSWER, -1, &own);
		return;
	}
	feed->page_failures = 0;
	if (!feed->slice_failed ||
		!next[0]) { /* else the same trouble may be ahead again */
		trouble_over(feed);
		feed->failures = 0;
	}
	if (feed->probing) {
		if (feed->probe_hit)
			slice_begin(feed, feed->slice_from);
		else
			slice_end(feed);
	} else if (next[0]) {
		feed->slice_paged = true;
		url_set(feed, next, strlen(next));
		page_ask(feed);
	} else if (feed->slice_paged && feed->slice_new) {
		slice_probe(feed);
	} else {
		slice_end(feed);
	}
}

static void say_rejected(struct feed *feed, const struct fmt_alert *alert,
	const struct destination *to, const struct error *err)
{
	char id[120], reason[400];

	log_write(LOG_ERR,
		"an alert cannot be written in this format and is passed over",
		"tenant=%s source=%s alert=%s destination=%s reason=%s",
		feed->tenant->key, feed->config->source,
		log_quote(id, sizeof(id), alert->id.p, alert->id.n),
		destination_options(to)->name,
		log_quote(reason, sizeof(reason), err->text, strlen(err->text)));
}

static void send_to_all(struct feed *feed, const struct fmt_alert *alert,
	const struct syslog_fields *fields, struct fmt_str key, uint64_t version)
{
	struct window_entry *entry = window_add(feed->host->window, &feed->window,
		key.p, key.n, version, fields->time == NO_TIME ? 0 : fields->time);

	for (size_t i = 0; i < feed->config->destination_count; i++) {
		struct destination *to =
			feed->host->destinations[feed->config->destination_index[i]];
		struct error err = {0};
		size_t queued = 0;

		if (destination_send(to, alert, fields, entry, &queued, &err) == RC_OK)
			window_sent(entry, queued);
		else
			say_rejected(feed, alert, to, &err);
	}
	window_added(entry);
	feed->pass_sent = true;
}

static struct fmt_str text(const char *s)
{
	return (struct fmt_str){s, strlen(s)};
}

void feed_prepare(struct fmt_alert *alert, const struct config_tenant *tenant,
	uint64_t version, struct feed_message *message)
{
	alert_version_text(version, message->version);
	alert->version = text(message->version);
	alert->customer = text(tenant->key);
	alert->customer_name = text(tenant->display_name);
	if (!alert->tenant_id.n && tenant->tenant_id)
		alert->tenant_id = text(tenant->tenant_id);
	message->fields = (struct syslog_fields){.severity = alert->severity,
		.time = alert->updated != NO_TIME ? alert->updated : alert->created,
		.customer = alert->customer,
		.msgid = "alert"};
}

/* What the state calls this alert: its id, or a digest of an id that is absurdly long. */
static struct fmt_str state_key(
	const struct fmt_alert *alert, char digest[ALERT_NOID_LENGTH])
{
	if (alert->id.n <= STORE_ALERT_MAXIMUM)
		return alert->id;
	alert_noid(alert->id.p, alert->id.n, digest);
	return (struct fmt_str){digest, ALERT_NOID_LENGTH};
}

static bool on_alert(void *context, struct fmt_alert *alert)
{
	struct feed *feed = context;
	char digest[ALERT_NOID_LENGTH];
	struct fmt_str key = state_key(alert, digest);
	struct feed_message message;
	uint64_t version, seen_version;
	struct error err = {0};
	bool seen;

	feed->received++;
	feed->probe_hit = true;
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
	if (alert->updated == NO_TIME || alert->updated < feed->slice_until)
		feed->slice_new = true;
	feed_prepare(alert, feed->tenant, version, &message);
	send_to_all(feed, alert, &message.fields, key, version);
	if (!window_full(feed->host->window, &feed->window))
		return true;
	if (list_empty(&feed->paused_node))
		list_append(&feed->host->paused, &feed->paused_node);
	return false;
}

static void on_committed(struct window_feed *window)
{
	struct feed *feed = CONTAINER_OF(window, struct feed, window);
	struct feed_host *host = feed->host;

	/* Room in one window may be room in the budget of all. */
	for (struct list *n = host->paused.next, *next; n != &host->paused; n = next) {
		struct feed *waiting = CONTAINER_OF(n, struct feed, paused_node);

		next = n->next;
		if (window_full(host->window, &waiting->window))
			continue;
		list_remove(&waiting->paused_node);
		page_resume(waiting->page);
	}
	say_finished(feed);
}

static void on_timer(struct loop_timer *timer)
{
	struct feed *feed = CONTAINER_OF(timer, struct feed, timer);

	if (feed->url)
		page_ask(feed);
	else if (feed->failures && feed->pass_until)
		slice_begin(feed, feed->slice_from);
	else
		pass_begin(feed);
}

static enum rc feed_load(struct feed *feed, struct error *err)
{
	struct strbuf key;
	enum rc rc;

	strbuf_init(&key, 255);
	strbuf_addf(&key, "%s/%s/", feed->tenant->tenant_id, feed->config->source);
	for (size_t i = 0; i < feed->config->destination_count; i++)
		strbuf_addf(&key, "%s%s", i ? "+" : "", feed->config->destinations[i]);
	if (key.full)
		rc = error_set(err, RC_CONFIG,
			"the names of tenant, source and destinations are too long "
			"together");
	else
		rc = store_feed(feed->host->store, key.p, &feed->window.store_id,
			&feed->window.committed_cursor, err);
	strbuf_clear(&key);
	feed->cursor = feed->window.committed_cursor;
	return rc;
}

enum rc feed_new(struct feed_host *host, const struct config_tenant *tenant,
	const struct config_feed *config, struct token *token, struct budget *budget,
	struct feed **out, struct error *err)
{
	struct feed *feed = xcalloc(1, sizeof(*feed));
	const struct page_events events = {on_alert, on_page_done, feed};
	enum rc rc;

	feed->host = host;
	feed->tenant = tenant;
	feed->config = config;
	feed->source = source_find(config->source);
	feed->timer.fire = on_timer;
	feed->window.maximum_bytes = config->window_bytes;
	feed->window.committed = on_committed;
	window_feed_init(&feed->window);
	list_init(&feed->paused_node);
	rc = feed_load(feed, err);
	if (rc != RC_OK) {
		free(feed);
		return error_wrap(
			err, "tenant %s, source %s", tenant->key, config->source);
	}
	feed->page = page_new(host->loop, host->http, token, budget, feed->source,
		tenant->graph_root, &events);
	*out = feed;
	return RC_OK;
}

void feed_free(struct feed *feed)
{
	if (!feed)
		return;
	loop_timer_stop(feed->host->loop, &feed->timer);
	list_remove(&feed->paused_node);
	page_free(feed->page);
	window_feed_clear(feed->host->window, &feed->window);
	free(feed->url);
	free(feed);
}

void feed_start(struct feed *feed, int64_t delay_ms)
{
	wait_for(feed, delay_ms);
}

void feed_stop(struct feed *feed)
{
	loop_timer_stop(feed->host->loop, &feed->timer);
	page_cancel(feed->page);
	list_remove(&feed->paused_node);
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
