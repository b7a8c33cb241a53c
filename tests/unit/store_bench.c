/* store_bench.c - what store_bench.h promises. */
#include "config.h"

#include "store_bench.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

char store_directory[200];
char store_path[400];

int make_directory(void **state)
{
	const char *base = getenv("TMPDIR");

	(void)state;
	snprintf(store_directory, sizeof(store_directory), "%s/test_store-XXXXXX",
		base ? base : "/tmp");
	if (!mkdtemp(store_directory))
		return -1;
	snprintf(store_path, sizeof(store_path), "%s/state.db", store_directory);
	return 0;
}

int remove_directory(void **state)
{
	DIR *d = opendir(store_directory);
	struct dirent *entry;

	(void)state;
	if (!d)
		return -1;
	while ((entry = readdir(d)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			unlinkat(dirfd(d), entry->d_name, 0);
	closedir(d);
	return rmdir(store_directory);
}

int count_names(const char *part)
{
	DIR *d = opendir(store_directory);
	struct dirent *entry;
	int count = 0;

	assert_non_null(d);
	while ((entry = readdir(d)))
		count += strstr(entry->d_name, part) != NULL;
	closedir(d);
	return count;
}

struct store *open_file(void)
{
	struct store *store = NULL;
	struct error err = {0};

	if (store_open_sqlite(store_path, &clock_system, &store, &err) != RC_OK)
		fail_msg("%s", err.text);
	return store;
}

static int64_t feed_and_cursor(struct store *store, const char *key, int64_t *cursor)
{
	struct error err = {0};
	int64_t id;

	if (store_feed(store, key, &id, cursor, &err) != RC_OK)
		fail_msg("%s", err.text);
	return id;
}

int64_t feed_of(struct store *store, const char *key)
{
	int64_t cursor;

	return feed_and_cursor(store, key, &cursor);
}

int64_t cursor_of(struct store *store, const char *key)
{
	int64_t cursor;

	(void)feed_and_cursor(store, key, &cursor);
	return cursor;
}

enum rc put_seen(struct store *store, int64_t id, const char *alert, uint64_t version)
{
	return store_put_seen(store, id, alert, strlen(alert), version, 1, NULL);
}

uint64_t version_of(struct store *store, int64_t id, const char *alert)
{
	struct error err = {0};
	uint64_t version;
	bool found;

	if (store_seen(store, id, alert, strlen(alert), &found, &version, &err) !=
		RC_OK)
		fail_msg("%s", err.text);
	return found ? version : 0;
}

void commit_until_killed(int fd)
{
	struct store *store;
	int64_t id, cursor;
	char alert[40];

	if (store_open_sqlite(store_path, &clock_system, &store, NULL) != RC_OK ||
		store_feed(store, "f", &id, &cursor, NULL) != RC_OK)
		_exit(1);
	for (int64_t i = cursor == NO_TIME ? 1 : cursor + 1;; i++) {
		snprintf(alert, sizeof(alert), "alert-%lld", (long long)i);
		if (store_begin(store, NULL) != RC_OK ||
			store_put_seen(store, id, alert, strlen(alert), (uint64_t)i, 1,
				NULL) != RC_OK ||
			store_put_cursor(store, id, i, NULL) != RC_OK ||
			store_commit(store, NULL) != RC_OK)
			_exit(2);
		if (write(fd, &i, sizeof(i)) != sizeof(i))
			_exit(3);
	}
}

void refused(enum rc rc, const char *what)
{
	struct store *store = (struct store *)1;
	struct error err = {0};

	assert_int_equal(
		store_open_sqlite(store_path, &clock_system, &store, &err), rc);
	assert_int_equal(err.code, rc);
	assert_null(store);
	if (!strstr(err.text, what) || !strstr(err.text, store_directory))
		fail_msg("\"%s\" does not say \"%s\" and the file", err.text, what);
}

void write_at(const char *name, off_t at, const void *p, size_t n)
{
	int fd = open(name, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, p, n, at), n);
	close(fd);
}

void fill(int rows)
{
	struct store *store = open_file();
	int64_t a = feed_of(store, "a");
	char alert[40];

	assert_int_equal(store_begin(store, NULL), RC_OK);
	for (int i = 0; i < rows; i++) {
		snprintf(alert, sizeof(alert), "alert-%d", i * 7919 % rows);
		assert_int_equal(put_seen(store, a, alert, 1), RC_OK);
	}
	assert_int_equal(store_put_cursor(store, a, 5, NULL), RC_OK);
	assert_int_equal(store_commit(store, NULL), RC_OK);
	store_close(store);
}

int in_a_process(int (*story)(void))
{
	pid_t child = fork();
	int status;

	if (!child)
		_exit(story());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int (*story_of_nobody)(void);

static int become_nobody(void)
{
	char lock[420];

	snprintf(lock, sizeof(lock), "%s.lock", store_path);
	if (geteuid() == 0 && ((chown(store_path, 65534, 65534) && errno != ENOENT) ||
				      (chown(lock, 65534, 65534) && errno != ENOENT) ||
				      chown(store_directory, 65534, 65534) ||
				      setgid(65534) || setuid(65534)))
		return 100;
	return story_of_nobody();
}

void as_nobody(int (*story)(void))
{
	story_of_nobody = story;
	assert_int_equal(in_a_process(become_nobody), 0);
}

void begins_anew(const char *what)
{
	struct store *store = open_file();
	const char *said = store_recovered(store);

	assert_non_null(said);
	if (!strstr(said, what) || !strstr(said, "repeats may come"))
		fail_msg("\"%s\" does not say \"%s\"", said, what);
	assert_true(cursor_of(store, "a") == NO_TIME);
	store_close(store);
	store = open_file();
	assert_null(store_recovered(store));
	store_close(store);
}

bool commit_rows(struct store *store, int64_t a, int *next, int end, struct error *err)
{
	while (*next < end) {
		int to = *next + 200 < end ? *next + 200 : end;
		char alert[40];

		if (store_begin(store, err) != RC_OK)
			return false;
		for (int i = *next; i < to; i++) {
			snprintf(alert, sizeof(alert), "alert-number-%d", i);
			if (store_put_seen(store, a, alert, strlen(alert), 1, 1, err) !=
				RC_OK)
				return false;
		}
		if (store_put_cursor(store, a, to, err) != RC_OK ||
			store_commit(store, err) != RC_OK)
			return false;
		*next = to;
	}
	return true;
}

void check_rows(struct store *store, int64_t a, int end)
{
	char alert[40];

	assert_true(cursor_of(store, "a") == (end ? end : NO_TIME));
	for (int i = 0; i < end; i++) {
		snprintf(alert, sizeof(alert), "alert-number-%d", i);
		assert_true(version_of(store, a, alert) == 1);
	}
	snprintf(alert, sizeof(alert), "alert-number-%d", end);
	assert_true(version_of(store, a, alert) == 0);
}

void say_never(void *context, const char *what)
{
	(void)context;
	fail_msg("%s", what);
}
