/* store_sqlite_open.c - opening the state: whose database it is, its schema, and another one in the
 * place of a damaged one. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "store/store_copy.h"
#include "store/store_sqlite_private.h"

#define APPLICATION_ID 0x616c7274 /* "alrt" */
#define SCHEMA_VERSION 1
#define BUSY_MS 1000

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

/* Ours, or empty; else a code, and err says it when the file belongs to another. */
static int open_owned(
	struct sqlite_store *s, const char *file, bool *empty, struct error *err)
{
	int code;

	*empty = false;
	err->text[0] = '\0';
	if (sqlite_file_size(file, "") == 0 && sqlite_file_size(file, "-wal") > 0)
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
		code = sqlite_prepare(s);
	if (code != SQLITE_OK)
		sqlite_fail(s, code, empty ? "begin" : "open", err);
	else
		s->store.schema = SCHEMA_VERSION;
	return code;
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
		s->db && sqlite_is_damage(sqlite3_errcode(s->db))
			? sqlite3_errmsg(s->db)
			: "its pages do not agree");
	sqlite_disconnect(s, true);
	rc = sqlite_move_aside(s, &aside, err);
	s->store.damaged = false;
	if (rc == RC_OK)
		rc = sqlite_make_file(s, err);
	if (rc == RC_OK && open_database(s, err) != SQLITE_OK)
		rc = err->code;
	if (rc == RC_OK)
		set_recovered(s, why, aside);
	free(aside);
	return rc;
}

static enum rc open_locked(struct sqlite_store *s, struct error *err)
{
	bool was_empty = sqlite_file_size(s->path, "") == 0;
	enum rc rc = sqlite_make_file(s, err);
	int code;

	if (rc != RC_OK)
		return rc;
	code = open_database(s, err);
	if (sqlite_is_damage(code))
		rc = replace_damaged(s, err);
	else if (code != SQLITE_OK)
		rc = err->code;
	else if (was_empty)
		set_recovered(s, "was empty", NULL);
	return rc;
}

static enum rc check_there(struct sqlite_store *s, struct error *err)
{
	off_t size = sqlite_file_size(s->path, "");

	if (size < 0)
		return error_set(err, RC_CONFIG, "state file %s is not there", s->path);
	return size ? RC_OK : sqlite_damaged(s, "it is empty", err);
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
	enum rc rc = sqlite_check_directory(s->path, err);

	if (rc == RC_OK)
		rc = sqlite_take_lock(s, err);
	if (rc == RC_OK)
		rc = with_lock(s, err);
	if (rc != RC_OK)
		return rc;
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, (int *)NULL);
	sqlite_sync_directory(s->path);
	return RC_OK;
}

static struct sqlite_store *make(const char *path, const struct clock *clock)
{
	struct sqlite_store *s = xcalloc(1, sizeof(*s));

	s->store.ops = &sqlite_ops;
	s->store.clock = clock;
	s->lock_fd = -1;
	s->path = xstrdup(path);
	sqlite_follow_links(s);
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
	sqlite_disconnect(s, true);
	free(s->store.recovered);
	s->store.ops->close(&s->store);
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
		return sqlite_damaged(s, "it is empty", err);
	if (code == SQLITE_OK)
		code = sqlite3_exec(s->db, "PRAGMA query_only = ON", NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite_prepare(s);
	return code == SQLITE_OK ? RC_OK : sqlite_fail(s, code, "read", err);
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
