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
	char *key;
	int64_t cursor;
};

/* What to put back; row is NULL for a cursor. */
struct undo {
	struct seen *row;
	bool was_new;
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
	while (i < m->feed_count && strcmp(m->feeds[i].key, key))
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

static struct undo *undo_add(struct memory_store *m)
{
	if (m->undo_count == m->undo_room) {
		m->undo_room = m->undo_room ? m->undo_room * 2 : 64;
		m->undo = xrealloc(m->undo, m->undo_room * sizeof(*m->undo));
	}
	m->undo[m->undo_count] = (struct undo){0};
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
	undo = undo_add(m);
	undo->was_new = !row;
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

static enum rc memory_put_cursor(
	struct store *store, int64_t feed, int64_t cursor, struct error *err)
{
	struct memory_store *m = of(store);
	struct undo *undo;

	if (feed < 1 || (uint64_t)feed > m->feed_count)
		return error_set(err, RC_STORE, "feed %lld is not in the state",
			(long long)feed);
	undo = undo_add(m);
	undo->feed = feed;
	undo->cursor_was = m->feeds[feed - 1].cursor;
	m->feeds[feed - 1].cursor = cursor;
	return RC_OK;
}

static enum rc memory_commit(struct store *store, struct error *err)
{
	(void)err;
	of(store)->undo_count = 0;
	return RC_OK;
}

static void drop(struct memory_store *m, struct seen **at)
{
	struct seen *row = *at;

	/* The list holds it. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	*at = row->next;
	free(row);
	m->row_count--;
}

static void memory_rollback(struct store *store)
{
	struct memory_store *m = of(store);

	while (m->undo_count) {
		struct undo *undo = &m->undo[--m->undo_count];

		if (!undo->row) {
			m->feeds[undo->feed - 1].cursor = undo->cursor_was;
		} else if (undo->was_new) {
			drop(m, find(m, undo->row->feed, undo->row->alert,
					undo->row->alert_n));
		} else {
			undo->row->version = undo->version_was;
			undo->row->updated = undo->updated_was;
			undo->row->confirmed_at = undo->confirmed_was;
		}
	}
	while (m->feed_count > m->feeds_at_begin)
		free(m->feeds[--m->feed_count].key);
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
				drop(m, at);
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
	memory_begin, memory_put_seen, memory_put_cursor, memory_commit,
	memory_rollback, memory_prune};

struct store *store_open_memory(void)
{
	struct memory_store *m = xcalloc(1, sizeof(*m));

	m->store.ops = &memory_ops;
	m->store.clock = &clock_system;
	m->bucket_count = 256;
	m->buckets = xcalloc(m->bucket_count, sizeof(*m->buckets));
	return &m->store;
}
