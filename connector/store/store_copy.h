/* store_copy.h - files of a state that may be written at the same time, as of one moment.
 *
 * Purpose:  SQLite's own ways of reading would have to wait for the relay, which holds its file alone.
 * Why it holds: between two beginnings of the log the database file changes only by what is in
 *           the log. A copy of the file and, after it, of the log is therefore what was committed at
 *           that moment, as long as the log's header is the same before and after: SQLite writes a new
 *           one, with other salts, before it uses the log again. Pages that were being written while
 *           they were copied are replaced by those in the log; what is half written at its end fails
 *           its checksum.
 * Errors:   RC_CONFIG there is no such file; RC_IO it cannot be read or copied.
 * Source:   sqlite.org, "WAL-mode File Format".   Tests: unit/test_store.c */
#ifndef STORE_STORE_COPY_H
#define STORE_STORE_COPY_H

#include "base/error.h"

/* In a new directory, of this user alone; *file is the copy, to be freed. Its name and those beside it
 * may be removed while it is open: copy_remove(). */
NODISCARD enum rc copy_make(const char *path, char **file, struct error *err);
void copy_remove(const char *file);

#endif
