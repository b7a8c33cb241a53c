#include "config.h"

#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#include "store/store_backend.h"

void store_close(struct store *store)
{
	if (!store)
		return;
	store_rollback(store);
	free(store->recovered);
	store->ops->close(store);
}

const char *store_recovered(const struct store *store)
{
	return store->recovered;
}

bool store_damaged(const struct store *store)
{
	return store->damaged;
}

static enum rc check_alert(size_t alert_n, struct error *err)
{
	if (alert_n <= STORE_ALERT_MAXIMUM)
		return RC_OK;
	return error_set(err, RC_LIMIT,
		"alert id of %zu octets: the state takes at most %d", alert_n,
		STORE_ALERT_MAXIMUM);
}

/* A put or commit that failed takes the whole transaction with it. */
static enum rc close_failed(struct store *store, enum rc rc)
{
	if (rc != RC_OK)
		store_rollback(store);
	return rc;
}

static enum rc check_open(const struct store *store, struct error *err)
{
	if (store->open)
		return RC_OK;
	return error_set(err, RC_STORE,
		"no transaction is open: it was rolled back, or never begun");
}

enum rc store_feed(struct store *store, const char *key, int64_t *id, int64_t *cursor,
	struct error *err)
{
	if (strlen(key) > STORE_KEY_MAXIMUM)
		return close_failed(store,
			error_set(err, RC_LIMIT,
				"feed key of %zu octets: the state takes at most %d",
				strlen(key), STORE_KEY_MAXIMUM));
	return close_failed(store, store->ops->feed(store, key, id, cursor, err));
}

enum rc store_seen(struct store *store, int64_t feed, const char *alert, size_t alert_n,
	bool *found, uint64_t *version, struct error *err)
{
	enum rc rc = check_alert(alert_n, err);

	*found = false;
	if (rc == RC_OK)
		rc = store->ops->seen(store, feed, alert, alert_n, found, version, err);
	return close_failed(store, rc);
}

enum rc store_begin(struct store *store, struct error *err)
{
	enum rc rc;

	if (store->open)
		return error_set(err, RC_STORE, "a transaction is open already");
	rc = store->ops->begin(store, err);
	store->open = rc == RC_OK;
	store->confirmed_at = clock_wall(store->clock);
	return rc;
}

enum rc store_put_seen(struct store *store, int64_t feed, const char *alert,
	size_t alert_n, uint64_t version, int64_t updated, struct error *err)
{
	struct store_row row = {
		feed, alert, alert_n, version, updated, store->confirmed_at};
	enum rc rc = check_open(store, err);

	if (rc == RC_OK)
		rc = check_alert(alert_n, err);
	if (rc == RC_OK)
		rc = store->ops->put_seen(store, &row, err);
	return close_failed(store, rc);
}

enum rc store_put_cursor(
	struct store *store, int64_t feed, int64_t cursor, struct error *err)
{
	enum rc rc = check_open(store, err);

	if (rc == RC_OK)
		rc = store->ops->put_cursor(store, feed, cursor, err);
	return close_failed(store, rc);
}

enum rc store_forget_alert(struct store *store, int64_t feed, const char *alert,
	size_t alert_n, struct error *err)
{
	enum rc rc = check_open(store, err);

	if (rc == RC_OK)
		rc = check_alert(alert_n, err);
	if (rc == RC_OK)
		rc = store->ops->forget_alert(store, feed, alert, alert_n, err);
	return close_failed(store, rc);
}

enum rc store_forget_since(
	struct store *store, int64_t feed, int64_t since, struct error *err)
{
	enum rc rc = check_open(store, err);

	if (rc == RC_OK)
		rc = store->ops->forget_since(store, feed, since, err);
	return close_failed(store, rc);
}

enum rc store_forget_feed(struct store *store, int64_t feed, struct error *err)
{
	enum rc rc = store_forget_since(store, feed, INT64_MIN, err);

	if (rc == RC_OK)
		rc = store->ops->forget_feed(store, feed, err);
	return close_failed(store, rc);
}

enum rc store_list_feeds(
	struct store *store, store_feed_fn *each, void *context, struct error *err)
{
	return close_failed(store, store->ops->list_feeds(store, each, context, err));
}

enum rc store_list_seen(struct store *store, int64_t feed, store_row_fn *each,
	void *context, struct error *err)
{
	return close_failed(
		store, store->ops->list_seen(store, feed, each, context, err));
}

enum rc store_check(struct store *store, void (*say)(void *context, const char *what),
	void *context, struct error *err)
{
	return store->ops->check(store, say, context, err);
}

int store_schema(const struct store *store)
{
	return store->schema;
}

enum rc store_commit(struct store *store, struct error *err)
{
	enum rc rc = check_open(store, err);

	if (rc == RC_OK)
		rc = store->ops->commit(store, err);
	if (rc == RC_OK)
		store->open = false;
	return close_failed(store, rc);
}

void store_rollback(struct store *store)
{
	if (!store->open)
		return;
	store->open = false;
	store->ops->rollback(store);
}

enum rc store_prune(struct store *store, int64_t before, size_t limit, bool *more,
	struct error *err)
{
	*more = false;
	if (store->open)
		return error_set(err, RC_STORE,
			"a transaction is open: prune before or after it");
	return store->ops->prune(store, before, limit ? limit : 1, more, err);
}
