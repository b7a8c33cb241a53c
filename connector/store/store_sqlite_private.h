/* store_sqlite_private.h - what the parts of the SQLite store share.
 *
 * Purpose:  store_sqlite.c reads and writes rows, in transactions; store_sqlite_open.c opens the
 *           database, or begins one, or another in the place of a damaged one; store_sqlite_file.c
 *           keeps its file: mode, lock, moved aside.
 * Owner:    whoever opened the store. Only store_sqlite*.c include this.
 * Errors:   as store.h; where a function gives an int it is SQLite's code. */
#ifndef STORE_STORE_SQLITE_PRIVATE_H
#define STORE_STORE_SQLITE_PRIVATE_H

#include <sqlite3.h>
#include <sys/types.h>

#include "store/store_backend.h"

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

static inline bool sqlite_is_damage(int code)
{
	return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

/* store_sqlite.c: */
extern const struct store_ops sqlite_ops;
/* Remembers the damage, and says it. */
enum rc sqlite_damaged(struct sqlite_store *s, const char *why, struct error *err);
/* Says what SQLite's code means for the operator. */
enum rc sqlite_fail(
	struct sqlite_store *s, int code, const char *doing, struct error *err);
/* All statements; SQLITE_CORRUPT when the tables are not those that they need. */
int sqlite_prepare(struct sqlite_store *s);
/* Ends the connection. What is in the log stays there when keep_log is set. */
void sqlite_disconnect(struct sqlite_store *s, bool keep_log);

/* store_sqlite_file.c: */
void sqlite_follow_links(struct sqlite_store *s);
enum rc sqlite_check_directory(const char *path, struct error *err);
/* A directory entry lives through a power loss only once its directory is synced. */
void sqlite_sync_directory(const char *path);
enum rc sqlite_take_lock(struct sqlite_store *s, struct error *err);
/* Of the file with this suffix, -1 when there is none. */
off_t sqlite_file_size(const char *path, const char *suffix);
enum rc sqlite_make_file(struct sqlite_store *s, struct error *err);
/* The database and what belongs to it, to *aside, which is to be freed. */
enum rc sqlite_move_aside(struct sqlite_store *s, char **aside, struct error *err);

#endif
