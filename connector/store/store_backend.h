/* store_backend.h - what a kind of store implements; only store*.c include this.
 *
 * Purpose:  store.c checks arguments and the order of calls, so that a backend need not.
 * Contract: as store.h. put_*, forget_*, commit and rollback are only called inside a transaction; after a
 *           failed call inside one, store.c calls rollback. */
#ifndef STORE_STORE_BACKEND_H
#define STORE_STORE_BACKEND_H

#include "store/store.h"

struct store_ops {
	void (*close)(struct store *store);
	enum rc (*feed)(struct store *store, const char *key, int64_t *id,
		int64_t *cursor, struct error *err);
	enum rc (*seen)(struct store *store, int64_t feed, const char *alert,
		size_t alert_n, bool *found, uint64_t *version, struct error *err);
	enum rc (*begin)(struct store *store, struct error *err);
	enum rc (*put_seen)(
		struct store *store, const struct store_row *row, struct error *err);
	enum rc (*put_cursor)(
		struct store *store, int64_t feed, int64_t cursor, struct error *err);
	enum rc (*forget_alert)(struct store *store, int64_t feed, const char *alert,
		size_t alert_n, struct error *err);
	enum rc (*forget_since)(
		struct store *store, int64_t feed, int64_t since, struct error *err);
	enum rc (*forget_feed)(struct store *store, int64_t feed, struct error *err);
	enum rc (*list_feeds)(struct store *store, store_feed_fn *each, void *context,
		struct error *err);
	enum rc (*list_seen)(struct store *store, int64_t feed, store_row_fn *each,
		void *context, struct error *err);
	enum rc (*check)(struct store *store,
		void (*say)(void *context, const char *what), void *context,
		struct error *err);
	enum rc (*commit)(struct store *store, struct error *err);
	void (*rollback)(struct store *store);
	enum rc (*prune)(struct store *store, int64_t before, size_t limit, bool *more,
		struct error *err);
};

/* First member of every backend's struct. */
struct store {
	const struct store_ops *ops;
	const struct clock *clock;
	int64_t confirmed_at; /* of the open transaction */
	bool open; /* between begin and commit */
	bool damaged;
	int schema;
	char *recovered;
};

#endif
