/* store_bench.h - a state in a directory of its own, for tests of the file. */
#ifndef TEST_STORE_BENCH_H
#define TEST_STORE_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "store/store.h"

extern char store_directory[200];
extern char store_path[400]; /* there; nothing is at it yet */

/* A test with a directory, which is gone after it. */
#define IN_A_DIRECTORY(test)                                                           \
	cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
int make_directory(void **state);
int remove_directory(void **state);
/* How many names in the directory hold this text. */
int count_names(const char *part);
void write_at(const char *name, off_t at, const void *p, size_t n);
/* What it returns, in a process of its own. */
int in_a_process(int (*story)(void));
/* It returns 0 as a user without root's rights, who owns the directory and the state in it. */
void as_nobody(int (*story)(void));

/* What fails in these fails the test. */
struct store *open_file(void);
int64_t feed_of(struct store *store, const char *key);
int64_t cursor_of(struct store *store, const char *key);
uint64_t version_of(
	struct store *store, int64_t id, const char *alert); /* 0: not seen */
enum rc put_seen(struct store *store, int64_t id, const char *alert, uint64_t version);
/* For store_check(): there is nothing to say. */
void say_never(void *context, const char *what);

/* Opening it is refused, with these words. */
void refused(enum rc rc, const char *what);
/* Opening it says these words, and that repeats may come; and the second time nothing. */
void begins_anew(const char *what);

/* A file with so many rows of the feed "a", closed. */
void fill(int rows);
/* Commits rows from *next on until one fails or all are in; true when all are. */
bool commit_rows(struct store *store, int64_t a, int *next, int end, struct error *err);
/* Those and no more are there. */
void check_rows(struct store *store, int64_t a, int end);
/* Commits numbered alerts of the feed "f" and says each number that commit vouched for. */
void commit_until_killed(int fd);

#endif
