/* The state in one SQLite file. Design, 2026-07: rows are found by (feed, alert) only; there is no
 * index by time, which would double the file and the work of each commit. Pruning walks the rows in
 * key order, a bounded step a call. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "store/store_backend.h"
#include "store/store_copy.h"

#define APPLICATION_ID 0x616c7274 /* "alrt" */
#define SCHEMA_VERSION 1
#define BUSY_MS 1000

enum statement {
	READ,
	BEGIN,
	COMMIT,
	ROLLBACK,
	FEED_FIND,
	FEED_ADD,
	SEEN,
	PUT_SEEN,
	PUT_CURSOR,
	FORGET_ALERT,
	FORGET_SINCE,
	FORGET_FEED,
	LIST_FEEDS,
	LIST_SEEN,
	CHECK,
	PRUNE_END,
	PRUNE,
	STATEMENTS
};

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

static const char schema[] = "BEGIN IMMEDIATE;"
			     "CREATE TABLE feed (id INTEGER PRIMARY KEY, key TEXT NOT "
			     "NULL UNIQUE, cursor INTEGER NOT NULL) STRICT;"
			     "CREATE TABLE seen (feed INTEGER NOT NULL, alert TEXT NOT "
			     "NULL, version INTEGER NOT NULL,"
			     " updated INTEGER NOT NULL, confirmed_at INTEGER NOT "
			     "NULL, PRIMARY KEY (feed, alert))"
			     " STRICT, WITHOUT ROWID;"
			     "PRAGMA application_id = 1634497140;"
			     "PRAGMA user_version = 1;"
			     "COMMIT";

struct sqlite_store {
	struct store store;
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
	char *path;
	int lock_fd;
	/* The last row that pruning looked at; feed 0 is before all rows. */
	int64_t prune_feed;
	char prune_alert[STORE_ALERT_MAXIMUM];
	size_t prune_alert_n;
};

static struct sqlite_store *of(struct store *store)
{
	return (struct sqlite_store *)store;
}

static bool is_damage(int code)
{
	return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

static enum rc damaged(struct sqlite_store *s, const char *why, struct error *err)
{
	s->store.damaged = true;
	return error_set(err, RC_STORE,
		"state file %s is damaged (%s); at its next start alertrelay moves it "
		"aside and begins a new one",
		s->path, why);
}

/* Says what SQLite's code means for the operator. */
static enum rc fail(
	struct sqlite_store *s, int code, const char *doing, struct error *err)
{
	int system = s->db ? sqlite3_system_errno(s->db) : 0;

	if (is_damage(code))
		return damaged(s,
			s->db && is_damage(sqlite3_errcode(s->db))
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
	enum rc rc = code == SQLITE_DONE ? RC_OK : fail(s, code, doing, err);

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
		rc = fail(s, code, "read", err);
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
		rc = fail(s, code, "read", err);
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
		rc = fail(s, code, "read", err);
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
		rc = damaged(s, "its pages do not agree", err);
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
		rc = fail(s, code, "read", err);
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

/* Ends the connection. What is in the log stays there when keep_log is set. */
static void disconnect(struct sqlite_store *s, bool keep_log)
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

	disconnect(s, store->damaged || s->lock_fd < 0); /* a copy is thrown away */
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	free(s->path);
	free(s);
}

static const struct store_ops sqlite_ops = {sqlite_close, sqlite_feed, sqlite_seen,
	sqlite_begin, sqlite_put_seen, sqlite_put_cursor, sqlite_forget_alert,
	sqlite_forget_since, sqlite_forget_feed, sqlite_list_feeds, sqlite_list_seen,
	sqlite_check, sqlite_commit, sqlite_rollback, sqlite_prune};

static char *suffixed(const char *path, const char *suffix)
{
	struct strbuf b;

	strbuf_init(&b, PATH_MAX * 2);
	strbuf_addf(&b, "%s%s", path, suffix);
	return b.room ? b.p : xstrdup(path);
}

static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");
	return xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* A directory entry lives through a power loss only once its directory is synced. */
static void sync_directory(const char *path)
{
	char *directory = directory_of(path);
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		(void)fsync(fd);
		close(fd);
	}
	free(directory);
}

static enum rc check_directory(const char *path, struct error *err)
{
	char *directory = directory_of(path);
	enum rc rc = RC_OK;
	struct stat st;

	if (stat(directory, &st) || !S_ISDIR(st.st_mode))
		rc = error_set(err, RC_STORE,
			"state file %s: %s is no directory; create it, owned by the "
			"user that alertrelay runs as",
			path, directory);
	free(directory);
	return rc;
}

static enum rc open_failed(const char *path, struct error *err)
{
	int why = errno;
	char *directory = directory_of(path);

	if (why == EACCES || why == EPERM || why == EROFS)
		error_set(err, RC_STORE,
			"cannot open %s for writing: %s; it and its directory %s must "
			"be writable for the user that alertrelay runs as",
			path, strerror(why), directory);
	else if (why == EISDIR)
		error_set(err, RC_STORE,
			"%s is a directory; state.file must name a file", path);
	else if (why == ENOSPC || why == EDQUOT)
		error_set(err, RC_STORE, "cannot create %s: the disk is full", path);
	else
		error_set(err, RC_STORE, "cannot open %s: %s", path, strerror(why));
	free(directory);
	return RC_STORE;
}

/* The lock is taken before anything is looked at, so that no other relay works on a file that is
 * being moved aside. The lock file stays: removing it would let two processes lock two files. */
static enum rc take_lock(struct sqlite_store *s, struct error *err)
{
	char *name = suffixed(s->path, ".lock");
	char owner[24] = "";
	enum rc rc = RC_OK;
	struct stat st;

	s->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	/* Of the state's owner, also when root comes first with a command. SQLite does the same. */
	if (s->lock_fd >= 0 && !geteuid() && !stat(s->path, &st))
		(void)!fchown(s->lock_fd, st.st_uid, st.st_gid);
	if (s->lock_fd < 0) {
		rc = open_failed(name, err);
	} else if (flock(s->lock_fd, LOCK_EX | LOCK_NB)) {
		if (pread(s->lock_fd, owner, sizeof(owner) - 1, 0) < 0)
			owner[0] = '\0';
		owner[strspn(owner, "0123456789")] = '\0';
		rc = error_set(err, RC_STORE,
			"state file %s is in use by another alertrelay%s%s; one state "
			"belongs to one running relay, so stop that one first",
			s->path, owner[0] ? ", process " : "", owner);
	} else if (!ftruncate(s->lock_fd, 0)) {
		/* For people only: a full disk may keep it empty. */
		(void)!dprintf(s->lock_fd, "%ld\n", (long)getpid());
	}
	free(name);
	return rc;
}

static off_t size_of(const char *path, const char *suffix)
{
	char *name = suffixed(path, suffix);
	off_t size = -1;
	struct stat st;

	if (!stat(name, &st))
		size = st.st_size;
	free(name);
	return size;
}

/* Makes the file with mode 0600, as SQLite's log and journal then have too. */
static enum rc make_file(struct sqlite_store *s, struct error *err)
{
	int fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	enum rc rc = RC_OK;
	struct stat st;

	if (fd < 0)
		return open_failed(s->path, err);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		rc = error_set(err, RC_STORE,
			"state file %s is not a regular file; state.file must name one",
			s->path);
	else if (st.st_mode & 077)
		(void)fchmod(fd, 0600);
	close(fd);
	return rc;
}

static int get_int(sqlite3 *db, const char *query, int *value)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(db, query, -1, &statement, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW) {
		*value = sqlite3_column_int(statement, 0);
		code = SQLITE_OK;
	}
	sqlite3_finalize(statement);
	return code;
}

/* One row "ok", or a sentence for what is wrong with the tree of pages. */
static int check_pages(sqlite3 *db)
{
	sqlite3_stmt *statement = NULL;
	int code =
		sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &statement, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(statement, 0);

		code = text && !strcmp(text, "ok") ? SQLITE_OK : SQLITE_CORRUPT;
	}
	sqlite3_finalize(statement);
	return code;
}

static int connect_and_set(struct sqlite_store *s, const char *file)
{
	static const char settings[] =
		/* No shared memory file and no locking calls at each statement. */
		"PRAGMA locking_mode = EXCLUSIVE;"
		"PRAGMA trusted_schema = OFF;"
		"PRAGMA cell_size_check = ON;"
		"PRAGMA temp_store = MEMORY;"
		"PRAGMA cache_size = -2048";
	int code = sqlite3_open_v2(
		file, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

	if (code != SQLITE_OK)
		return code;
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, BUSY_MS);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
	/* Until it is known that the file is ours nothing is written to it, at closing either. */
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
	return sqlite3_exec(s->db, settings, NULL, NULL, NULL);
}

/* Whose file is it? SQLITE_OK and err untouched: ours, or empty. */
static int check_owner(struct sqlite_store *s, bool *empty, struct error *err)
{
	int id = 0, version = 0, tables = 0;
	int code = get_int(s->db, "PRAGMA application_id", &id);

	if (code == SQLITE_OK)
		code = get_int(s->db, "PRAGMA user_version", &version);
	if (code == SQLITE_OK)
		code = get_int(s->db, "SELECT count(*) FROM sqlite_schema", &tables);
	if (code != SQLITE_OK)
		return code;
	*empty = !id && !version && !tables;
	if (!*empty && id != APPLICATION_ID) {
		error_set(err, RC_CONFIG,
			"state file %s is a database of another program; state.file "
			"must name a file of its own",
			s->path);
		return SQLITE_MISUSE;
	}
	s->store.schema = version;
	if (!*empty && version < SCHEMA_VERSION) {
		/* Version 1 is the first that was released: there is nothing to migrate yet. */
		error_set(err, RC_CONFIG,
			"state file %s was written by an alertrelay before its first "
			"release (schema %d, this one knows %d); move it away, or name "
			"another state.file: every feed then starts at its look_back",
			s->path, version, SCHEMA_VERSION);
		return SQLITE_MISUSE;
	}
	if (version > SCHEMA_VERSION) {
		error_set(err, RC_CONFIG,
			"state file %s was written by a newer alertrelay (schema %d, "
			"this one knows %d); install that version, or name another "
			"state.file",
			s->path, version, SCHEMA_VERSION);
		return SQLITE_MISUSE;
	}
	return SQLITE_OK;
}

static int prepare_all(struct sqlite_store *s)
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

/* Ours, or empty; else a code, and err says it when the file belongs to another. */
static int open_owned(
	struct sqlite_store *s, const char *file, bool *empty, struct error *err)
{
	int code;

	*empty = false;
	err->text[0] = '\0';
	if (size_of(file, "") == 0 && size_of(file, "-wal") > 0)
		return SQLITE_NOTADB; /* SQLite would throw the log away */
	code = connect_and_set(s, file);
	return code == SQLITE_OK ? check_owner(s, empty, err) : code;
}

/* SQLITE_OK, or a code, and err says what it is. */
static int open_database(struct sqlite_store *s, struct error *err)
{
	static const char log_settings[] = "PRAGMA synchronous = FULL;"
					   "PRAGMA wal_autocheckpoint = 1000;"
					   "PRAGMA journal_size_limit = 8388608";
	bool empty;
	int code = open_owned(s, s->path, &empty, err), mode = 0;

	if (code != SQLITE_OK && err->text[0])
		return code;
	if (code == SQLITE_OK && !empty)
		code = check_pages(s->db);
	if (code == SQLITE_OK)
		code = get_int(s->db, "PRAGMA journal_mode = WAL", &mode);
	if (code == SQLITE_OK)
		code = sqlite3_exec(s->db, log_settings, NULL, NULL, NULL);
	if (code == SQLITE_OK && empty)
		code = sqlite3_exec(s->db, schema, NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = prepare_all(s);
	if (code != SQLITE_OK)
		fail(s, code, empty ? "begin" : "open", err);
	else
		s->store.schema = SCHEMA_VERSION;
	return code;
}

/* NAME.damaged-TIME, with a number after it when that is taken. */
static char *aside_name(struct sqlite_store *s)
{
	struct time_civil t;
	struct strbuf b;

	time_civil(clock_wall(s->store.clock), &t);
	strbuf_init(&b, PATH_MAX * 2);
	for (int i = 0; i < 1000; i++) {
		strbuf_reset(&b);
		strbuf_addf(&b, "%s.damaged-%04d%02d%02dT%02d%02d%02d", s->path, t.year,
			t.month, t.day, t.hour, t.minute, t.second);
		if (i)
			strbuf_addf(&b, ".%d", i);
		if (access(b.p, F_OK))
			break;
	}
	return b.p;
}

/* The database first: if we end here in between, a log alone is taken as damage at the next start. */
static enum rc move_aside(struct sqlite_store *s, char **aside, struct error *err)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
	enum rc rc = RC_OK;

	*aside = aside_name(s);
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		char *from = suffixed(s->path, suffixes[i]);
		char *to = suffixed(*aside, suffixes[i]);

		if (rename(from, to) && errno != ENOENT)
			rc = error_set(err, RC_STORE,
				"cannot move the damaged %s aside to %s: %s", from, to,
				strerror(errno));
		free(from);
		free(to);
	}
	sync_directory(s->path);
	return rc;
}

static void set_recovered(struct sqlite_store *s, const char *what, const char *aside)
{
	struct strbuf b;

	strbuf_init(&b, 16384);
	strbuf_addf(&b, "state file %s %s", s->path, what);
	if (aside)
		strbuf_addf(&b, " and was moved aside to %s", aside);
	strbuf_adds(&b, "; a new one was begun, so every feed starts at its look_back "
			"and repeats may come");
	free(s->store.recovered);
	s->store.recovered = b.p;
}

static enum rc replace_damaged(struct sqlite_store *s, struct error *err)
{
	char why[200], *aside = NULL;
	enum rc rc;

	snprintf(why, sizeof(why), "was damaged (%s)",
		s->db && is_damage(sqlite3_errcode(s->db)) ? sqlite3_errmsg(s->db)
							   : "its pages do not agree");
	disconnect(s, true);
	rc = move_aside(s, &aside, err);
	s->store.damaged = false;
	if (rc == RC_OK)
		rc = make_file(s, err);
	if (rc == RC_OK && open_database(s, err) != SQLITE_OK)
		rc = err->code;
	if (rc == RC_OK)
		set_recovered(s, why, aside);
	free(aside);
	return rc;
}

/* Links are followed first: what is locked, and moved if damaged, is the file itself. */
static void follow_links(struct sqlite_store *s)
{
	char *real = realpath(s->path, NULL);

	if (!real)
		return;
	free(s->path);
	s->path = real;
}

static enum rc open_locked(struct sqlite_store *s, struct error *err)
{
	bool was_empty = size_of(s->path, "") == 0;
	enum rc rc = make_file(s, err);
	int code;

	if (rc != RC_OK)
		return rc;
	code = open_database(s, err);
	if (is_damage(code))
		rc = replace_damaged(s, err);
	else if (code != SQLITE_OK)
		rc = err->code;
	else if (was_empty)
		set_recovered(s, "was empty", NULL);
	return rc;
}

static enum rc check_there(struct sqlite_store *s, struct error *err)
{
	off_t size = size_of(s->path, "");

	if (size < 0)
		return error_set(err, RC_CONFIG, "state file %s is not there", s->path);
	return size ? RC_OK : damaged(s, "it is empty", err);
}

static enum rc open_existing(struct sqlite_store *s, struct error *err)
{
	enum rc rc = check_there(s, err);

	if (rc == RC_OK && open_database(s, err) != SQLITE_OK)
		rc = err->code;
	return rc;
}

static enum rc open_for_writing(struct sqlite_store *s,
	enum rc (*with_lock)(struct sqlite_store *s, struct error *err),
	struct error *err)
{
	enum rc rc = check_directory(s->path, err);

	if (rc == RC_OK)
		rc = take_lock(s, err);
	if (rc == RC_OK)
		rc = with_lock(s, err);
	if (rc != RC_OK)
		return rc;
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, (int *)NULL);
	sync_directory(s->path);
	return RC_OK;
}

static struct sqlite_store *make(const char *path, const struct clock *clock)
{
	struct sqlite_store *s = xcalloc(1, sizeof(*s));

	s->store.ops = &sqlite_ops;
	s->store.clock = clock;
	s->lock_fd = -1;
	s->path = xstrdup(path);
	follow_links(s);
	return s;
}

/* Gives the store, or frees it. */
static enum rc made(struct sqlite_store *s, enum rc rc, struct store **out)
{
	*out = NULL;
	if (rc == RC_OK) {
		*out = &s->store;
		return RC_OK;
	}
	disconnect(s, true);
	free(s->store.recovered);
	sqlite_close(&s->store);
	return rc;
}

enum rc store_open_sqlite(const char *path, const struct clock *clock,
	struct store **out, struct error *err)
{
	struct sqlite_store *s = make(path, clock);
	struct error unread;

	return made(s, open_for_writing(s, open_locked, err ? err : &unread), out);
}

enum rc store_open_existing(const char *path, const struct clock *clock,
	struct store **out, struct error *err)
{
	struct sqlite_store *s = make(path, clock);
	struct error unread;
	enum rc rc = check_there(s, err ? err : &unread);

	if (rc == RC_OK)
		rc = open_for_writing(s, open_existing, err ? err : &unread);
	return made(s, rc, out);
}

static enum rc open_copied(struct sqlite_store *s, const char *file, struct error *err)
{
	bool empty;
	int code = open_owned(s, file, &empty, err);

	if (code != SQLITE_OK && err->text[0])
		return err->code;
	if (code == SQLITE_OK && empty)
		return damaged(s, "it is empty", err);
	if (code == SQLITE_OK)
		code = sqlite3_exec(s->db, "PRAGMA query_only = ON", NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = prepare_all(s);
	return code == SQLITE_OK ? RC_OK : fail(s, code, "read", err);
}

enum rc store_open_copy(const char *path, struct store **out, struct error *err)
{
	struct sqlite_store *s = make(path, &clock_system);
	char *file = NULL;
	struct error unread;
	enum rc rc = copy_make(s->path, &file, err ? err : &unread);

	if (rc == RC_OK) {
		rc = open_copied(s, file, err ? err : &unread);
		/* It is open now, and gone when this process is. */
		copy_remove(file);
		free(file);
	}
	return made(s, rc, out);
}

long store_in_use(const char *path)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	long user = 0;

	if (fd < 0)
		return 0;
	if (!fcntl(fd, F_GETLK, &lock) && lock.l_type != F_UNLCK)
		user = lock.l_pid > 0 ? (long)lock.l_pid : -1;
	close(fd);
	return user;
}
