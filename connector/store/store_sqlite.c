/* store_sqlite.c - the state in one SQLite file: its rows, read and written in transactions. Design,
 * 2026-07: rows are found by (feed, alert) only; there is no index by time, which would double the
 * file and the work of each commit. Pruning walks the rows in key order, a bounded step a call. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "store/store_sqlite_private.h"

static const char *const sql[STATEMENTS] = {
	[READ] = "BEGIN",
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[FEED_FIND] = "SELECT id, cursor FROM feed WHERE key = ?1",
	[FEED_ADD] = "INSERT INTO feed (key, cursor) VALUES (?1, ?2)",
	[SEEN] = "SELECT version FROM seen WHERE feed = ?1 AND alert = ?2",
	[PUT_SEEN] = "INSERT OR REPLACE INTO seen (feed, alert, version, updated, "
		     "confirmed_at) "
		     "VALUES (?1, ?2, ?3, ?4, ?5)",
	[PUT_CURSOR] = "UPDATE feed SET cursor = ?2 WHERE id = ?1",
	[FORGET_ALERT] = "DELETE FROM seen WHERE feed = ?1 AND alert = ?2",
	[FORGET_SINCE] = "DELETE FROM seen WHERE feed = ?1 AND updated >= ?2",
	[FORGET_FEED] = "DELETE FROM feed WHERE id = ?1",
	[LIST_FEEDS] = "SELECT id, cursor, key FROM feed ORDER BY key",
	[LIST_SEEN] = "SELECT alert, version, updated, confirmed_at FROM seen "
		      "WHERE feed = ?1 ORDER BY alert",
	[CHECK] = "SELECT * FROM pragma_integrity_check(?1)",
	[PRUNE_END] = "SELECT feed, alert FROM seen WHERE (feed, alert) > (?1, ?2) "
		      "ORDER BY feed, alert LIMIT 1 OFFSET ?3",
	[PRUNE] = "DELETE FROM seen WHERE (feed, alert) > (?1, ?2) AND (feed, alert) "
		  "<= (?3, ?4) "
		  "AND confirmed_at < ?5",
};

static struct sqlite_store *of(struct store *store)
{
	return (struct sqlite_store *)store;
}

enum rc sqlite_damaged(struct sqlite_store *s, const char *why, struct error *err)
{
	s->store.damaged = true;
	return error_set(err, RC_STORE,
		"state file %s is damaged (%s); at its next start alertrelay moves it "
		"aside and begins a new one",
		s->path, why);
}

enum rc sqlite_fail(
	struct sqlite_store *s, int code, const char *doing, struct error *err)
{
	int system = s->db ? sqlite3_system_errno(s->db) : 0;

	if (sqlite_is_damage(code))
		return sqlite_damaged(s,
			s->db && sqlite_is_damage(sqlite3_errcode(s->db))
				? sqlite3_errmsg(s->db)
				: sqlite3_errstr(code),
			err);
	switch (code & 0xff) {
	case SQLITE_FULL:
		return error_set(err, RC_STORE,
			"cannot %s state file %s: the disk is full; it goes on when "
			"there is space",
			doing, s->path);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return error_set(err, RC_STORE,
			"cannot %s state file %s: another program has it open", doing,
			s->path);
	case SQLITE_READONLY:
		return error_set(err, RC_STORE,
			"cannot %s state file %s: it may only be read; "
			"the file and its directory must be writable for alertrelay",
			doing, s->path);
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return error_set(err, RC_STORE, "cannot %s state file %s: %s", doing,
			s->path, system ? strerror(system) : sqlite3_errstr(code));
	default:
		return error_set(err, RC_STORE, "cannot %s state file %s: %s", doing,
			s->path, s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(code));
	}
}

/* Runs a statement that gives no row, and leaves it ready for the next use. */
static enum rc run(struct sqlite_store *s, enum statement which, const char *doing,
	struct error *err)
{
	sqlite3_stmt *statement = s->statements[which];
	int code = sqlite3_step(statement);
	enum rc rc = code == SQLITE_DONE ? RC_OK : sqlite_fail(s, code, doing, err);

	sqlite3_reset(statement);
	return rc;
}

/* A NULL pointer would be bound as SQL's NULL. */
static void bind_text(sqlite3_stmt *statement, int at, const char *p, size_t n)
{
	sqlite3_bind_text(statement, at, n ? p : "", (int)n, SQLITE_STATIC);
}

/* Lookups share a transaction that only reads: to begin and end one takes as long as half a lookup.
 * It holds back nobody, as the file is ours alone, and ends before anything is written. */
static enum rc reading_begin(struct sqlite_store *s, struct error *err)
{
	return sqlite3_get_autocommit(s->db) ? run(s, READ, "read", err) : RC_OK;
}

static void reading_end(struct sqlite_store *s)
{
	if (!s->store.open && !sqlite3_get_autocommit(s->db))
		(void)run(s, ROLLBACK, "read", NULL);
}

static enum rc sqlite_feed(struct store *store, const char *key, int64_t *id,
	int64_t *cursor, struct error *err)
{
	struct sqlite_store *s = of(store);
	sqlite3_stmt *statement = s->statements[FEED_FIND];
	enum rc rc = RC_OK;
	int code;

	reading_end(s);
	bind_text(statement, 1, key, strlen(key));
	code = sqlite3_step(statement);
	if (code == SQLITE_ROW) {
		*id = sqlite3_column_int64(statement, 0);
		*cursor = sqlite3_column_int64(statement, 1);
	} else if (code != SQLITE_DONE) {
		rc = sqlite_fail(s, code, "read", err);
	}
	sqlite3_reset(statement);
	if (rc != RC_OK || code == SQLITE_ROW)
		return rc;
	bind_text(s->statements[FEED_ADD], 1, key, strlen(key));
	sqlite3_bind_int64(s->statements[FEED_ADD], 2, NO_TIME);
	rc = run(s, FEED_ADD, "write", err);
	*id = sqlite3_last_insert_rowid(s->db);
	*cursor = NO_TIME;
	return rc;
}

static enum rc sqlite_seen(struct store *store, int64_t feed, const char *alert,
	size_t alert_n, bool *found, uint64_t *version, struct error *err)
{
	struct sqlite_store *s = of(store);
	sqlite3_stmt *statement = s->statements[SEEN];
	enum rc rc = reading_begin(s, err);
	int code;

	if (rc != RC_OK)
		return rc;
	sqlite3_bind_int64(statement, 1, feed);
	bind_text(statement, 2, alert, alert_n);
	code = sqlite3_step(statement);
	*found = code == SQLITE_ROW;
	if (*found)
		*version = (uint64_t)sqlite3_column_int64(statement, 0);
	else if (code != SQLITE_DONE)
		rc = sqlite_fail(s, code, "read", err);
	sqlite3_reset(statement);
	if (rc != RC_OK)
		reading_end(s);
	return rc;
}

static enum rc sqlite_begin(struct store *store, struct error *err)
{
	reading_end(of(store));
	return run(of(store), BEGIN, "write", err);
}

static enum rc sqlite_put_seen(
	struct store *store, const struct store_row *row, struct error *err)
{
	struct sqlite_store *s = of(store);
	sqlite3_stmt *statement = s->statements[PUT_SEEN];

	sqlite3_bind_int64(statement, 1, row->feed);
	bind_text(statement, 2, row->alert, row->alert_n);
	sqlite3_bind_int64(statement, 3, (int64_t)row->version);
	sqlite3_bind_int64(statement, 4, row->updated);
	sqlite3_bind_int64(statement, 5, row->confirmed_at);
	return run(s, PUT_SEEN, "write", err);
}

static enum rc feed_known(struct sqlite_store *s, int64_t feed, struct error *err)
{
	if (sqlite3_changes(s->db) == 1)
		return RC_OK;
	return error_set(err, RC_STORE, "feed %lld is not in state file %s",
		(long long)feed, s->path);
}

static enum rc sqlite_put_cursor(
	struct store *store, int64_t feed, int64_t cursor, struct error *err)
{
	struct sqlite_store *s = of(store);
	enum rc rc;

	sqlite3_bind_int64(s->statements[PUT_CURSOR], 1, feed);
	sqlite3_bind_int64(s->statements[PUT_CURSOR], 2, cursor);
	rc = run(s, PUT_CURSOR, "write", err);
	return rc == RC_OK ? feed_known(s, feed, err) : rc;
}

static enum rc sqlite_forget_alert(struct store *store, int64_t feed, const char *alert,
	size_t alert_n, struct error *err)
{
	struct sqlite_store *s = of(store);

	sqlite3_bind_int64(s->statements[FORGET_ALERT], 1, feed);
	bind_text(s->statements[FORGET_ALERT], 2, alert, alert_n);
	return run(s, FORGET_ALERT, "write", err);
}

static enum rc sqlite_forget_since(
	struct store *store, int64_t feed, int64_t since, struct error *err)
{
	struct sqlite_store *s = of(store);

	sqlite3_bind_int64(s->statements[FORGET_SINCE], 1, feed);
	sqlite3_bind_int64(s->statements[FORGET_SINCE], 2, since);
	return run(s, FORGET_SINCE, "write", err);
}

static enum rc sqlite_forget_feed(struct store *store, int64_t feed, struct error *err)
{
	struct sqlite_store *s = of(store);
	enum rc rc;

	sqlite3_bind_int64(s->statements[FORGET_FEED], 1, feed);
	rc = run(s, FORGET_FEED, "write", err);
	return rc == RC_OK ? feed_known(s, feed, err) : rc;
}

/* Both lists: each row to a function, until one of them ends it. */
static enum rc list(struct sqlite_store *s, enum statement which,
	enum rc (*row)(sqlite3_stmt *statement, void *context, struct error *err),
	void *context, struct error *err)
{
	sqlite3_stmt *statement = s->statements[which];
	enum rc rc = RC_OK;
	int code = SQLITE_ROW;

	reading_end(s);
	while (rc == RC_OK && (code = sqlite3_step(statement)) == SQLITE_ROW)
		rc = row(statement, context, err);
	if (rc == RC_OK && code != SQLITE_DONE)
		rc = sqlite_fail(s, code, "read", err);
	sqlite3_reset(statement);
	return rc;
}

/* Never NULL. */
static const char *text_of(sqlite3_stmt *statement, int column, size_t *n)
{
	const char *p = (const char *)sqlite3_column_text(statement, column);

	*n = (size_t)sqlite3_column_bytes(statement, column);
	return p ? p : "";
}

struct feeds_to {
	store_feed_fn *each;
	void *context;
};

static enum rc feed_row(sqlite3_stmt *statement, void *context, struct error *err)
{
	const struct feeds_to *to = context;
	struct store_feed feed = {sqlite3_column_int64(statement, 0), NULL,
		sqlite3_column_int64(statement, 1)};
	size_t n;

	feed.key = text_of(statement, 2, &n);
	return to->each(to->context, &feed, err);
}

static enum rc sqlite_list_feeds(
	struct store *store, store_feed_fn *each, void *context, struct error *err)
{
	struct feeds_to to = {each, context};

	return list(of(store), LIST_FEEDS, feed_row, &to, err);
}

struct rows_to {
	store_row_fn *each;
	void *context;
	int64_t feed;
};

static enum rc seen_row(sqlite3_stmt *statement, void *context, struct error *err)
{
	const struct rows_to *to = context;
	struct store_row row = {.feed = to->feed,
		.version = (uint64_t)sqlite3_column_int64(statement, 1),
		.updated = sqlite3_column_int64(statement, 2),
		.confirmed_at = sqlite3_column_int64(statement, 3)};

	row.alert = text_of(statement, 0, &row.alert_n);
	return to->each(to->context, &row, err);
}

static enum rc sqlite_list_seen(struct store *store, int64_t feed, store_row_fn *each,
	void *context, struct error *err)
{
	struct sqlite_store *s = of(store);
	struct rows_to to = {each, context, feed};

	sqlite3_bind_int64(s->statements[LIST_SEEN], 1, feed);
	return list(s, LIST_SEEN, seen_row, &to, err);
}

struct findings {
	void (*say)(void *context, const char *what);
	void *context;
	bool any;
};

static enum rc finding_row(sqlite3_stmt *statement, void *context, struct error *err)
{
	struct findings *findings = context;
	size_t n;
	const char *what = text_of(statement, 0, &n);

	(void)err;
	if (strcmp(what, "ok") == 0)
		return RC_OK;
	findings->any = true;
	findings->say(findings->context, what);
	return RC_OK;
}

static enum rc sqlite_check(struct store *store,
	void (*say)(void *context, const char *what), void *context, struct error *err)
{
	struct sqlite_store *s = of(store);
	struct findings findings = {say, context, false};
	enum rc rc;

	sqlite3_bind_int64(s->statements[CHECK], 1, STORE_FINDINGS);
	rc = list(s, CHECK, finding_row, &findings, err);
	if (rc == RC_OK && findings.any)
		rc = sqlite_damaged(s, "its pages do not agree", err);
	return rc;
}

static enum rc sqlite_commit(struct store *store, struct error *err)
{
	return run(of(store), COMMIT, "write", err);
}

static void sqlite_rollback(struct store *store)
{
	struct sqlite_store *s = of(store);

	/* After some errors SQLite has rolled back by itself. */
	if (!sqlite3_get_autocommit(s->db))
		(void)run(s, ROLLBACK, "roll back", NULL);
}

/* The last key of this step into prune_*; *more false when the rows end before. */
static enum rc prune_end(
	struct sqlite_store *s, size_t limit, bool *more, struct error *err)
{
	sqlite3_stmt *statement = s->statements[PRUNE_END];
	enum rc rc = RC_OK;
	int code;

	bind_text(statement, 2, s->prune_alert, s->prune_alert_n);
	sqlite3_bind_int64(statement, 1, s->prune_feed);
	sqlite3_bind_int64(statement, 3, (int64_t)limit - 1);
	code = sqlite3_step(statement);
	*more = code == SQLITE_ROW;
	if (*more) {
		const void *alert = sqlite3_column_blob(statement, 1);
		size_t n = (size_t)sqlite3_column_bytes(statement, 1);

		s->prune_feed = sqlite3_column_int64(statement, 0);
		s->prune_alert_n =
			n < sizeof(s->prune_alert) ? n : sizeof(s->prune_alert);
		if (n)
			memcpy(s->prune_alert, alert, s->prune_alert_n);
	} else if (code == SQLITE_DONE) {
		s->prune_feed = INT64_MAX;
		s->prune_alert_n = 0;
	} else {
		rc = sqlite_fail(s, code, "read", err);
	}
	sqlite3_reset(statement);
	return rc;
}

static enum rc sqlite_prune(struct store *store, int64_t before, size_t limit,
	bool *more, struct error *err)
{
	struct sqlite_store *s = of(store);
	sqlite3_stmt *statement = s->statements[PRUNE];
	enum rc rc;

	reading_end(s);
	sqlite3_bind_int64(statement, 1, s->prune_feed);
	sqlite3_bind_text(
		statement, 2, s->prune_alert, (int)s->prune_alert_n, SQLITE_TRANSIENT);
	sqlite3_bind_int64(statement, 5, before);
	rc = prune_end(s, limit, more, err);
	if (rc == RC_OK) {
		sqlite3_bind_int64(statement, 3, s->prune_feed);
		bind_text(statement, 4, s->prune_alert, s->prune_alert_n);
		rc = run(s, PRUNE, "write", err);
	}
	/* After a failure the round begins again: to look twice does no harm. */
	if (rc != RC_OK || !*more) {
		s->prune_feed = 0;
		s->prune_alert_n = 0;
		*more = false;
	}
	return rc;
}

int sqlite_prepare(struct sqlite_store *s)
{
	for (size_t i = 0; i < STATEMENTS; i++) {
		int code = sqlite3_prepare_v3(s->db, sql[i], -1,
			SQLITE_PREPARE_PERSISTENT, &s->statements[i], NULL);

		if (code ==
			SQLITE_ERROR) /* a table or column that must be there is not */
			code = SQLITE_CORRUPT;
		if (code != SQLITE_OK)
			return code;
	}
	return SQLITE_OK;
}

void sqlite_disconnect(struct sqlite_store *s, bool keep_log)
{
	for (size_t i = 0; i < STATEMENTS; i++) {
		sqlite3_finalize(s->statements[i]);
		s->statements[i] = NULL;
	}
	if (s->db)
		sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE,
			(int)keep_log, (int *)NULL);
	sqlite3_close(s->db);
	s->db = NULL;
}

static void sqlite_close(struct store *store)
{
	struct sqlite_store *s = of(store);

	sqlite_disconnect(
		s, store->damaged || s->lock_fd < 0); /* a copy is thrown away */
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	free(s->path);
	free(s);
}

const struct store_ops sqlite_ops = {sqlite_close, sqlite_feed, sqlite_seen,
	sqlite_begin, sqlite_put_seen, sqlite_put_cursor, sqlite_forget_alert,
	sqlite_forget_since, sqlite_forget_feed, sqlite_list_feeds, sqlite_list_seen,
	sqlite_check, sqlite_commit, sqlite_rollback, sqlite_prune};
