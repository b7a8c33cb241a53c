#include "config.h"

#include "relay/window.h"

#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/log.h"
#include "base/strbuf.h"

struct window_entry {
	struct list node;
	struct window *window;
	struct window_feed *feed;
	struct window_entry *chain; /* next in its bucket */
	uint64_t version;
	int64_t time; /* updated, or the cursor */
	size_t bytes;
	unsigned pending; /* messages not confirmed; 1 more until window_added() */
	bool is_cursor, own;
	int taken; /* by destinations, less what they could not send after all */
	uint32_t hash;
	uint32_t alert_n;
	char alert[];
};

struct window {
	struct loop *loop;
	struct store *store;
	size_t bytes, maximum_bytes, feeds;
	struct window_entry **buckets;
	size_t bucket_count, entry_count;
	struct list ready; /* feeds whose oldest entry may be complete */
	struct loop_call commit_call;
	struct loop_timer retry_timer;
	unsigned failures;
	struct error trouble;
	int64_t progress_ms;
};

static void commit_deferred(struct loop_call *call);
static void commit_retry(struct loop_timer *timer);

struct window *window_new(struct loop *loop, struct store *store, size_t maximum_bytes)
{
	struct window *window = xcalloc(1, sizeof(*window));

	window->loop = loop;
	window->store = store;
	window->maximum_bytes = maximum_bytes;
	window->bucket_count = 256;
	window->buckets = xcalloc(window->bucket_count, sizeof(struct window_entry *));
	window->commit_call.run = commit_deferred;
	window->retry_timer.fire = commit_retry;
	window->progress_ms = loop_now_ms(loop);
	list_init(&window->ready);
	return window;
}

void window_free(struct window *window)
{
	if (!window)
		return;
	loop_defer_cancel(window->loop, &window->commit_call);
	loop_timer_stop(window->loop, &window->retry_timer);
	free(window->buckets);
	free(window);
}

void window_feed_init(struct window *window, struct window_feed *feed)
{
	window->feeds++;
	list_init(&feed->entries);
	list_init(&feed->committing);
	list_init(&feed->ready_node);
}

/* Eight octets at a time: ids of 70 octets are common. */
static uint32_t entry_hash(const struct window_feed *feed, const char *alert, size_t n)
{
	const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);
	uint64_t hash = ((uint64_t)feed->store_id << 16 ^ n) * factor, word;

	for (; n >= sizeof(word); n -= sizeof(word), alert += sizeof(word)) {
		memcpy(&word, alert, sizeof(word));
		hash = (hash ^ hash >> 32 ^ word) * factor;
	}
	word = 0;
	memcpy(&word, alert, n);
	hash = (hash ^ hash >> 32 ^ word) * factor;
	return (uint32_t)(hash >> 32);
}

static struct window_entry **bucket(const struct window *window, uint32_t hash)
{
	return &window->buckets[hash & (window->bucket_count - 1)];
}

static void table_grow(struct window *window)
{
	struct window_entry **old = window->buckets;
	size_t old_count = window->bucket_count;

	window->bucket_count *= 2;
	window->buckets = xcalloc(window->bucket_count, sizeof(struct window_entry *));
	for (size_t i = 0; i < old_count; i++)
		for (struct window_entry *e = old[i], *next; e; e = next) {
			struct window_entry **to = bucket(window, e->hash);

			next = e->chain;
			e->chain = *to;
			*to = e;
		}
	free(old);
}

static void table_put(struct window *window, struct window_entry *entry)
{
	struct window_entry **to;

	if (++window->entry_count > window->bucket_count)
		table_grow(window);
	to = bucket(window, entry->hash);
	entry->chain = *to;
	*to = entry;
}

static void table_take(struct window *window, struct window_entry *entry)
{
	struct window_entry **at = bucket(window, entry->hash);

	while (*at != entry)
		at = &(*at)->chain;
	*at = entry->chain;
	window->entry_count--;
}

static void entry_free(struct window_entry *entry)
{
	struct window *window = entry->window;
	struct window_feed *feed = entry->feed;

	list_remove(&entry->node);
	window->bytes -= entry->bytes;
	feed->bytes -= entry->bytes;
	if (!entry->is_cursor)
		table_take(window, entry);
	if (!entry->is_cursor && !entry->own)
		feed->count--;
	free(entry);
}

void window_feed_clear(struct window *window, struct window_feed *feed)
{
	window->feeds--;
	list_splice(&feed->entries, &feed->committing);
	while (!list_empty(&feed->entries))
		entry_free(CONTAINER_OF(feed->entries.next, struct window_entry, node));
	list_remove(&feed->ready_node);
}

bool window_holds(const struct window *window, const struct window_feed *feed,
	const char *alert, size_t alert_n, uint64_t version)
{
	uint32_t hash = entry_hash(feed, alert, alert_n);

	for (const struct window_entry *e = *bucket(window, hash); e; e = e->chain)
		if (e->hash == hash && e->feed == feed && e->version == version &&
			e->alert_n == alert_n && memcmp(e->alert, alert, alert_n) == 0)
			return true;
	return false;
}

static void charge(struct window_entry *entry, size_t bytes)
{
	entry->bytes += bytes;
	entry->feed->bytes += bytes;
	entry->window->bytes += bytes;
}

static struct window_entry *entry_new(struct window *window, struct window_feed *feed,
	const char *alert, size_t alert_n)
{
	struct window_entry *entry = xcalloc(1, sizeof(*entry) + alert_n);

	entry->window = window;
	entry->feed = feed;
	entry->alert_n = (uint32_t)alert_n;
	if (alert_n)
		memcpy(entry->alert, alert, alert_n);
	list_append(&feed->entries, &entry->node);
	charge(entry, sizeof(*entry) + alert_n);
	return entry;
}

struct window_entry *window_add(struct window *window, struct window_feed *feed,
	const char *alert, size_t alert_n, uint64_t version, int64_t updated)
{
	struct window_entry *entry = entry_new(window, feed, alert, alert_n);

	entry->version = version;
	entry->time = updated;
	entry->pending = 1;
	entry->hash = entry_hash(feed, alert, alert_n);
	table_put(window, entry);
	feed->count++;
	return entry;
}

struct window_entry *window_add_own(struct window *window, struct window_feed *feed,
	const char *key, size_t key_n, uint64_t version, int64_t updated)
{
	struct window_entry *entry =
		window_add(window, feed, key, key_n, version, updated);

	entry->own = true;
	feed->count--;
	return entry;
}

void window_sent(struct window_entry *entry, size_t bytes)
{
	entry->taken++;
	window_sent_part(entry, bytes);
}

void window_sent_part(struct window_entry *entry, size_t bytes)
{
	entry->pending++;
	charge(entry, bytes);
}

static void feed_ready(struct window *window, struct window_feed *feed)
{
	if (list_empty(&feed->ready_node))
		list_append(&window->ready, &feed->ready_node);
	if (!loop_timer_is_set(&window->retry_timer))
		loop_defer(window->loop, &window->commit_call);
}

void window_confirm(struct window_entry *entry)
{
	if (--entry->pending == 0)
		feed_ready(entry->window, entry->feed);
}

void window_refuse(struct window_entry *entry)
{
	entry->taken--;
	window_confirm(entry);
}

void window_added(struct window_entry *entry)
{
	window_confirm(entry);
}

void window_add_cursor(struct window *window, struct window_feed *feed, int64_t cursor)
{
	struct window_entry *entry = entry_new(window, feed, NULL, 0);

	entry->is_cursor = true;
	entry->time = cursor;
	feed_ready(window, feed);
}

bool window_full(const struct window *window, const struct window_feed *feed)
{
	size_t shares = window->maximum_bytes / 4;

	return feed->bytes >= feed->maximum_bytes ||
	       (window->bytes >= window->maximum_bytes - shares &&
		       feed->bytes >= shares / window->feeds);
}

const char *window_trouble(const struct window *window)
{
	return window->failures ? window->trouble.text : NULL;
}

int64_t window_progress_ms(const struct window *window)
{
	return window->progress_ms;
}

/* Takes the unbroken prefix of complete entries and writes it into the open transaction. */
static enum rc feed_put(
	struct window *window, struct window_feed *feed, struct error *err)
{
	int64_t cursor = NO_TIME;
	enum rc rc = RC_OK;

	while (rc == RC_OK && !list_empty(&feed->entries)) {
		struct window_entry *entry =
			CONTAINER_OF(feed->entries.next, struct window_entry, node);

		if (entry->pending)
			break;
		if (entry->is_cursor)
			cursor = entry->time;
		else
			rc = store_put_seen(window->store, feed->store_id, entry->alert,
				entry->alert_n, entry->version, entry->time, err);
		list_remove(&entry->node);
		list_append(&feed->committing, &entry->node);
	}
	if (rc == RC_OK && cursor != NO_TIME)
		rc = store_put_cursor(window->store, feed->store_id, cursor, err);
	return rc;
}

static void feed_take_back(struct window_feed *feed)
{
	list_splice(&feed->committing, &feed->entries);
	list_splice(&feed->entries, &feed->committing);
}

static void feed_forget_committed(struct window_feed *feed)
{
	while (!list_empty(&feed->committing)) {
		struct window_entry *entry =
			CONTAINER_OF(feed->committing.next, struct window_entry, node);

		if (entry->is_cursor)
			feed->committed_cursor = entry->time;
		else if (!entry->own && entry->taken > 0)
			feed->confirmed++;
		else if (!entry->own)
			feed->rejected++;
		entry_free(entry);
	}
}

static enum rc commit_all(struct window *window, struct error *err)
{
	enum rc rc = store_begin(window->store, err);

	if (rc != RC_OK)
		return rc;
	for (struct list *n = window->ready.next; rc == RC_OK && n != &window->ready;
		n = n->next)
		rc = feed_put(
			window, CONTAINER_OF(n, struct window_feed, ready_node), err);
	if (rc == RC_OK)
		rc = store_commit(window->store, err);
	else
		store_rollback(window->store);
	return rc;
}

static void commit_failed(struct window *window, const struct error *err)
{
	if (window->failures++ == 0 ||
		error_digest(&window->trouble) != error_digest(err))
		log_write(LOG_ERR,
			"cannot save the state; nothing is lost, trying again",
			"reason=\"%s\"", err->text);
	window->trouble = *err;
	for (struct list *n = window->ready.next; n != &window->ready; n = n->next)
		feed_take_back(CONTAINER_OF(n, struct window_feed, ready_node));
	loop_timer_set(window->loop, &window->retry_timer,
		loop_now_ms(window->loop) +
			backoff_ms(window->loop, window->failures, 250, 10000));
}

void window_commit_now(struct window *window)
{
	struct error err = {0};
	struct list done;

	if (list_empty(&window->ready))
		return;
	if (commit_all(window, &err) != RC_OK) {
		commit_failed(window, &err);
		return;
	}
	if (window->failures) {
		log_write(LOG_NOTICE, "the state is saved again", "failures=%u",
			window->failures);
		window->failures = 0;
	}
	loop_timer_stop(window->loop, &window->retry_timer);
	window->progress_ms = loop_now_ms(window->loop);
	list_init(&done);
	list_splice(&done, &window->ready);
	while (!list_empty(&done)) {
		struct window_feed *feed =
			CONTAINER_OF(done.next, struct window_feed, ready_node);

		list_remove(&feed->ready_node);
		feed_forget_committed(feed);
		feed->committed(feed);
	}
}

static void commit_deferred(struct loop_call *call)
{
	window_commit_now(CONTAINER_OF(call, struct window, commit_call));
}

static void commit_retry(struct loop_timer *timer)
{
	window_commit_now(CONTAINER_OF(timer, struct window, retry_timer));
}
