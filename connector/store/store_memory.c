/* The store's contract without a file: a hash table, and an undo list for what is not committed. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "store/store_backend.h"

struct seen {
	struct seen *next;
	int64_t feed;
	uint64_t version;
	int64_t updated, confirmed_at;
	size_t alert_n;
	char alert[];
};

struct feed {
	char *key; /* NULL: forgotten */
	int64_t cursor;
};

enum undo_kind { UNDO_NEW, UNDO_CHANGE, UNDO_FORGET, UNDO_CURSOR, UNDO_FEED };

/* What to put back. What was forgotten is held here until the end of the transaction. */
struct undo {
	enum undo_kind kind;
	struct seen *row;
	char *key;
	uint64_t version_was;
	int64_t updated_was, confirmed_was;
	int64_t feed, cursor_was;
};

struct memory_store {
	struct store store;
	struct seen **buckets;
	size_t bucket_count, row_count;
	struct feed *feeds; /* the id is the place + 1 */
	size_t feed_count, feeds_at_begin;
	struct undo *undo;
	size_t undo_count, undo_room;
	size_t prune_bucket;
};

static struct memory_store *of(struct store *store)
{
	return (struct memory_store *)store;
}

static size_t hash(int64_t feed, const char *p, size_t n)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)feed;

	while (n--)
		h = (h ^ (unsigned char)*p++) * UINT64_C(0x100000001b3);
	return (size_t)(h ^ h >> 32);
}

static struct seen **find(
	struct memory_store *m, int64_t feed, const char *alert, size_t alert_n)
{
	struct seen **at =
		&m->buckets[hash(feed, alert, alert_n) & (m->bucket_count - 1)];

	while (*at && ((*at)->feed != feed || (*at)->alert_n != alert_n ||
			      (alert_n && memcmp((*at)->alert, alert, alert_n))))
		at = &(*at)->next;
	return at;
}

static void grow(struct memory_store *m)
{
	size_t count = m->bucket_count * 2;
	struct seen **buckets = xcalloc(count, sizeof(*buckets));

	for (size_t i = 0; i < m->bucket_count; i++) {
		struct seen *next;

		for (struct seen *row = m->buckets[i]; row; row = next) {
			size_t to =
				hash(row->feed, row->alert, row->alert_n) & (count - 1);

			next = row->next;
			row->next = buckets[to];
			buckets[to] = row;
		}
	}
	free(m->buckets);
	m->buckets = buckets;
	m->bucket_count = count;
	m->prune_bucket = 0;
}

static void memory_close(struct store *store)
{
	struct memory_store *m = of(store);

	for (size_t i = 0; i < m->bucket_count; i++) {
		struct seen *next;

		for (struct seen *row = m->buckets[i]; row; row = next) {
			next = row->next;
			free(row);
		}
	}
	for (size_t i = 0; i < m->feed_count; i++)
		free(m->feeds[i].key);
	free(m->feeds);
	free(m->buckets);
	free(m->undo);
	free(m);
}

static enum rc memory_feed(struct store *store, const char *key, int64_t *id,
	int64_t *cursor, struct error *err)
{
	struct memory_store *m = of(store);
	size_t i = 0;

	(void)err;
	while (i < m->feed_count && (!m->feeds[i].key || strcmp(m->feeds[i].key, key)))
		i++;
	if (i == m->feed_count) {
		m->feeds = xrealloc(m->feeds, (m->feed_count + 1) * sizeof(*m->feeds));
		m->feeds[m->feed_count++] = (struct feed){xstrdup(key), NO_TIME};
	}
	*id = (int64_t)i + 1;
	*cursor = m->feeds[i].cursor;
	return RC_OK;
}

static enum rc memory_seen(struct store *store, int64_t feed, const char *alert,
	size_t alert_n, bool *found, uint64_t *version, struct error *err)
{
	struct seen *row = *find(of(store), feed, alert, alert_n);

	(void)err;
	*found = row != NULL;
	if (row)
		*version = row->version;
	return RC_OK;
}

static enum rc memory_begin(struct store *store, struct error *err)
{
	struct memory_store *m = of(store);

	(void)err;
	m->undo_count = 0;
	m->feeds_at_begin = m->feed_count;
	return RC_OK;
}

static struct undo *undo_add(struct memory_store *m, enum undo_kind kind)
{
	if (m->undo_count == m->undo_room) {
		m->undo_room = m->undo_room ? m->undo_room * 2 : 64;
		m->undo = xrealloc(m->undo, m->undo_room * sizeof(*m->undo));
	}
	m->undo[m->undo_count] = (struct undo){.kind = kind};
	return &m->undo[m->undo_count++];
}

static enum rc memory_put_seen(
	struct store *store, const struct store_row *new, struct error *err)
{
	struct memory_store *m = of(store);
	struct seen **at, *row;
	struct undo *undo;

	(void)err;
	if (m->row_count > m->bucket_count)
		grow(m);
	at = find(m, new->feed, new->alert, new->alert_n);
	row = *at;
	undo = undo_add(m, row ? UNDO_CHANGE : UNDO_NEW);
	if (row) {
		undo->version_was = row->version;
		undo->updated_was = row->updated;
		undo->confirmed_was = row->confirmed_at;
	} else {
		row = *at = xmalloc(sizeof(*row) + new->alert_n);
		row->next = NULL;
		row->feed = new->feed;
		row->alert_n = new->alert_n;
		if (new->alert_n)
			memcpy(row->alert, new->alert, new->alert_n);
		m->row_count++;
	}
	undo->row = row;
	row->version = new->version;
	row->updated = new->updated;
	row->confirmed_at = new->confirmed_at;
	return RC_OK;
}

static bool feed_there(const struct memory_store *m, int64_t feed)
{
	return feed >= 1 && (uint64_t)feed <= m->feed_count && m->feeds[feed - 1].key;
}

static enum rc not_there(int64_t feed, struct error *err)
{
	return error_set(
		err, RC_STORE, "feed %lld is not in the state", (long long)feed);
}

static enum rc memory_put_cursor(
	struct store *store, int64_t feed, int64_t cursor, struct error *err)
{
	struct memory_store *m = of(store);
	struct undo *undo;

	if (!feed_there(m, feed))
		return not_there(feed, err);
	undo = undo_add(m, UNDO_CURSOR);
	undo->feed = feed;
	undo->cursor_was = m->feeds[feed - 1].cursor;
	m->feeds[feed - 1].cursor = cursor;
	return RC_OK;
}

/* The row is out of its list; who holds it now frees it. */
static struct seen *take_out(struct memory_store *m, struct seen **at)
{
	struct seen *row = *at;

	/* The list holds it. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	*at = row->next;
	row->next = NULL;
	m->row_count--;
	return row;
}

static void put_in(struct memory_store *m, struct seen *row)
{
	*find(m, row->feed, row->alert, row->alert_n) = row;
	m->row_count++;
}

static void forget(struct memory_store *m, struct seen **at)
{
	struct undo *undo = undo_add(m, UNDO_FORGET);

	undo->row = take_out(m, at);
}

static enum rc memory_forget_alert(struct store *store, int64_t feed, const char *alert,
	size_t alert_n, struct error *err)
{
	struct memory_store *m = of(store);
	struct seen **at = find(m, feed, alert, alert_n);

	(void)err;
	if (*at)
		forget(m, at);
	return RC_OK;
}

static enum rc memory_forget_since(
	struct store *store, int64_t feed, int64_t since, struct error *err)
{
	struct memory_store *m = of(store);

	(void)err;
	for (size_t i = 0; i < m->bucket_count; i++) {
		struct seen **at = &m->buckets[i];

		while (*at) {
			if ((*at)->feed == feed && (*at)->updated >= since)
				forget(m, at);
			else
				at = &(*at)->next;
		}
	}
	return RC_OK;
}

static enum rc memory_forget_feed(struct store *store, int64_t feed, struct error *err)
{
	struct memory_store *m = of(store);
	struct undo *undo;

	if (!feed_there(m, feed))
		return not_there(feed, err);
	undo = undo_add(m, UNDO_FEED);
	undo->feed = feed;
	undo->key = m->feeds[feed - 1].key;
	undo->cursor_was = m->feeds[feed - 1].cursor;
	m->feeds[feed - 1] = (struct feed){NULL, NO_TIME};
	return RC_OK;
}

static enum rc memory_commit(struct store *store, struct error *err)
{
	struct memory_store *m = of(store);

	(void)err;
	while (m->undo_count) {
		struct undo *undo = &m->undo[--m->undo_count];

		if (undo->kind == UNDO_FORGET)
			free(undo->row);
		free(undo->key);
	}
	return RC_OK;
}

static void take_back(struct memory_store *m, const struct undo *undo)
{
	struct seen *row = undo->row;

	switch (undo->kind) {
	case UNDO_NEW:
		free(take_out(m, find(m, row->feed, row->alert, row->alert_n)));
		break;
	case UNDO_CHANGE:
		row->version = undo->version_was;
		row->updated = undo->updated_was;
		row->confirmed_at = undo->confirmed_was;
		break;
	case UNDO_FORGET:
		put_in(m, row);
		break;
	case UNDO_CURSOR:
		m->feeds[undo->feed - 1].cursor = undo->cursor_was;
		break;
	case UNDO_FEED:
		m->feeds[undo->feed - 1] = (struct feed){undo->key, undo->cursor_was};
		break;
	}
}

static void memory_rollback(struct store *store)
{
	struct memory_store *m = of(store);

	while (m->undo_count)
		take_back(m, &m->undo[--m->undo_count]);
	while (m->feed_count > m->feeds_at_begin)
		free(m->feeds[--m->feed_count].key);
}

static int by_key(const void *a, const void *b)
{
	return strcmp((*(struct feed *const *)a)->key, (*(struct feed *const *)b)->key);
}

static enum rc memory_list_feeds(
	struct store *store, store_feed_fn *each, void *context, struct error *err)
{
	struct memory_store *m = of(store);
	struct feed **sorted = xcalloc(m->feed_count + 1, sizeof(struct feed *));
	size_t count = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < m->feed_count; i++)
		if (m->feeds[i].key)
			sorted[count++] = &m->feeds[i];
	qsort(sorted, count, sizeof(*sorted), by_key);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		struct store_feed feed = {(int64_t)(sorted[i] - m->feeds) + 1,
			sorted[i]->key, sorted[i]->cursor};

		rc = each(context, &feed, err);
	}
	free(sorted);
	return rc;
}

static int by_alert(const void *a, const void *b)
{
	const struct seen *x = *(struct seen *const *)a, *y = *(struct seen *const *)b;
	size_t n = x->alert_n < y->alert_n ? x->alert_n : y->alert_n;
	int order = n ? memcmp(x->alert, y->alert, n) : 0;

	return order ? order : (x->alert_n > y->alert_n) - (x->alert_n < y->alert_n);
}

static enum rc memory_list_seen(struct store *store, int64_t feed, store_row_fn *each,
	void *context, struct error *err)
{
	struct memory_store *m = of(store);
	struct seen **sorted = xcalloc(m->row_count + 1, sizeof(struct seen *));
	size_t count = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < m->bucket_count; i++)
		for (struct seen *row = m->buckets[i]; row; row = row->next)
			if (row->feed == feed)
				sorted[count++] = row;
	qsort(sorted, count, sizeof(*sorted), by_alert);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		const struct seen *seen = sorted[i];
		struct store_row row = {seen->feed, seen->alert, seen->alert_n,
			seen->version, seen->updated, seen->confirmed_at};

		rc = each(context, &row, err);
	}
	free(sorted);
	return rc;
}

static enum rc memory_check(struct store *store,
	void (*say)(void *context, const char *what), void *context, struct error *err)
{
	(void)store;
	(void)say;
	(void)context;
	(void)err;
	return RC_OK;
}

static enum rc memory_prune(struct store *store, int64_t before, size_t limit,
	bool *more, struct error *err)
{
	struct memory_store *m = of(store);

	(void)err;
	while (limit && m->prune_bucket < m->bucket_count) {
		struct seen **at = &m->buckets[m->prune_bucket++];

		while (*at) {
			limit -= limit > 0;
			if ((*at)->confirmed_at < before)
				free(take_out(m, at));
			else
				at = &(*at)->next;
		}
	}
	*more = m->prune_bucket < m->bucket_count;
	if (!*more)
		m->prune_bucket = 0;
	return RC_OK;
}

static const struct store_ops memory_ops = {memory_close, memory_feed, memory_seen,
	memory_begin, memory_put_seen, memory_put_cursor, memory_forget_alert,
	memory_forget_since, memory_forget_feed, memory_list_feeds, memory_list_seen,
	memory_check, memory_commit, memory_rollback, memory_prune};

struct store *store_open_memory(void)
{
	struct memory_store *m = xcalloc(1, sizeof(*m));

	m->store.ops = &memory_ops;
	m->store.clock = &clock_system;
	m->bucket_count = 256;
	m->buckets = xcalloc(m->bucket_count, sizeof(*m->buckets));
	return &m->store;
}
