/* test_store.c - the contract of store.h over both backends; crashes, damage and full disks of the
 * file. Faults are real ones: killed processes, size limits, a tiny file system, changed octets. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "store/store.h"

static char directory[200];
static char path[400];

static int make_directory(void **state)
{
	const char *base = getenv("TMPDIR");

	(void)state;
	snprintf(directory, sizeof(directory), "%s/test_store-XXXXXX",
		base ? base : "/tmp");
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/state.db", directory);
	return 0;
}

static int remove_directory(void **state)
{
	DIR *d = opendir(directory);
	struct dirent *entry;

	(void)state;
	if (!d)
		return -1;
	while ((entry = readdir(d)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			unlinkat(dirfd(d), entry->d_name, 0);
	closedir(d);
	return rmdir(directory);
}

/* How many names in the directory hold this text. */
static int count_names(const char *part)
{
	DIR *d = opendir(directory);
	struct dirent *entry;
	int count = 0;

	assert_non_null(d);
	while ((entry = readdir(d)))
		count += strstr(entry->d_name, part) != NULL;
	closedir(d);
	return count;
}

static struct store *open_file(void)
{
	struct store *store = NULL;
	struct error err = {0};

	if (store_open_sqlite(path, &clock_system, &store, &err) != RC_OK)
		fail_msg("%s", err.text);
	return store;
}

static struct store *open_kind(void **state)
{
	return *state ? open_file() : store_open_memory();
}

static int64_t feed(struct store *store, const char *key)
{
	struct error err = {0};
	int64_t id, cursor;

	if (store_feed(store, key, &id, &cursor, &err) != RC_OK)
		fail_msg("%s", err.text);
	return id;
}

static int64_t cursor_of(struct store *store, const char *key)
{
	struct error err = {0};
	int64_t id, cursor;

	if (store_feed(store, key, &id, &cursor, &err) != RC_OK)
		fail_msg("%s", err.text);
	return cursor;
}

static enum rc put(struct store *store, int64_t id, const char *alert, uint64_t version)
{
	return store_put_seen(store, id, alert, strlen(alert), version, 1, NULL);
}

/* The version, or 0. */
static uint64_t version_of(struct store *store, int64_t id, const char *alert)
{
	struct error err = {0};
	uint64_t version;
	bool found;

	if (store_seen(store, id, alert, strlen(alert), &found, &version, &err) !=
		RC_OK)
		fail_msg("%s", err.text);
	return found ? version : 0;
}

static void feeds_keep_their_id(void **state)
{
	struct store *store = open_kind(state);
	int64_t a, b;

	a = feed(store, "t1/graph-alerts/soc");
	b = feed(store, "t2/graph-alerts/soc");
	assert_true(a > 0 && a < 1000);
	assert_true(a != b);
	assert_int_equal(feed(store, "t1/graph-alerts/soc"), a);
	assert_true(cursor_of(store, "t1/graph-alerts/soc") == NO_TIME);
	assert_int_equal(store_begin(store, NULL), RC_OK);
	assert_int_equal(store_put_cursor(store, a, 77, NULL), RC_OK);
	assert_int_equal(store_commit(store, NULL), RC_OK);
	assert_int_equal(cursor_of(store, "t1/graph-alerts/soc"), 77);
	assert_true(cursor_of(store, "t2/graph-alerts/soc") == NO_TIME);
	store_close(store);
	if (!*state)
		return;
	store = open_kind(state);
	assert_null(store_recovered(store));
	assert_int_equal(feed(store, "t2/graph-alerts/soc"), b);
	assert_int_equal(cursor_of(store, "t1/graph-alerts/soc"), 77);
	store_close(store);
}

static void seen_is_per_feed_and_exact(void **state)
{
	static const char odd[] = "a\0b\xff'\"%";
	struct store *store = open_kind(state);
	int64_t a = feed(store, "a"), b = feed(store, "b");
	uint64_t version;
	bool found;

	assert_int_equal(store_begin(store, NULL), RC_OK);
	assert_int_equal(put(store, a, "x", UINT64_MAX), RC_OK);
	assert_int_equal(put(store, a, "X", 5), RC_OK);
	assert_int_equal(put(store, a, "", 6), RC_OK);
	assert_int_equal(
		store_put_seen(store, a, odd, sizeof(odd) - 1, 7, 1, NULL), RC_OK);
	assert_true(version_of(store, a, "X") == 5); /* its own puts are seen */
	assert_int_equal(put(store, a, "X", 8), RC_OK);
	assert_int_equal(store_commit(store, NULL), RC_OK);
	assert_true(version_of(store, a, "x") == UINT64_MAX);
	assert_true(version_of(store, a, "X") == 8);
	assert_true(version_of(store, a, "") == 6);
	assert_true(version_of(store, b, "x") == 0);
	assert_true(version_of(store, a, "a") == 0);
	assert_int_equal(
		store_seen(store, a, odd, sizeof(odd) - 1, &found, &version, NULL),
		RC_OK);
	assert_true(found && version == 7);
	assert_int_equal(store_seen(store, a, odd, 3, &found, &version, NULL), RC_OK);
	assert_false(found);
	store_close(store);
}

static void transactions_are_whole_or_nothing(void **state)
{
	struct store *store = open_kind(state);
	int64_t a = feed(store, "a"), b;
	struct error err = {0};

	assert_int_equal(put(store, a, "x", 1), RC_STORE); /* not begun */
	assert_int_equal(store_commit(store, &err), RC_STORE);
	assert_int_equal(store_begin(store, NULL), RC_OK);
	assert_int_equal(put(store, a, "old", 1), RC_OK);
	assert_int_equal(store_put_cursor(store, a, 10, NULL), RC_OK);
	assert_int_equal(store_commit(store, NULL), RC_OK);

	assert_int_equal(store_begin(store, NULL), RC_OK);
	assert_int_equal(store_begin(store, &err), RC_STORE);
	b = feed(store, "b");
	assert_int_equal(put(store, a, "old", 2), RC_OK);
	assert_int_equal(put(store, a, "old", 3), RC_OK);
	assert_int_equal(put(store, a, "new", 4), RC_OK);
	assert_int_equal(put(store, b, "new", 4), RC_OK);
	assert_int_equal(store_put_cursor(store, a, 20, NULL), RC_OK);
	assert_int_equal(store_put_cursor(store, a, 30, NULL), RC_OK);
	store_rollback(store);
	assert_true(version_of(store, a, "old") == 1);
	assert_true(version_of(store, a, "new") == 0);
	assert_int_equal(cursor_of(store, "a"), 10);

	/* A put that fails takes everything with it. */
	assert_int_equal(store_begin(store, NULL), RC_OK);
	assert_int_equal(put(store, a, "new", 4), RC_OK);
	assert_int_equal(store_put_cursor(store, 12345, 30, &err), RC_STORE);
	assert_int_equal(put(store, a, "new", 4), RC_STORE);
	assert_int_equal(store_commit(store, &err), RC_STORE);
	assert_true(version_of(store, a, "new") == 0);
	assert_int_equal(store_begin(store, NULL), RC_OK);
	assert_int_equal(put(store, a, "new", 4), RC_OK);
	assert_int_equal(store_commit(store, NULL), RC_OK);
	assert_true(version_of(store, a, "new") == 4);

	assert_int_equal(store_begin(store, NULL), RC_OK);
	assert_int_equal(put(store, a, "late", 9), RC_OK);
	store_close(store); /* rolls back */
	if (!*state)
		return;
	store = open_kind(state);
	assert_true(version_of(store, a, "late") == 0);
	assert_true(version_of(store, a, "new") == 4);
	store_close(store);
}

/* What is written beside a transaction is not undone with one. */
static void lookups_hold_nothing_back(void **state)
{
	struct store *store = open_kind(state);
	int64_t a = feed(store, "a"), b;
	bool more;

	assert_int_equal(store_begin(store, NULL), RC_OK);
	assert_int_equal(put(store, a, "old", 5), RC_OK);
	assert_int_equal(store_commit(store, NULL), RC_OK);
	assert_int_equal(version_of(store, a, "old"), 5);
	b = feed(store, "b");
	assert_int_equal(version_of(store, a, "old"), 5);
	assert_int_equal(store_begin(store, NULL), RC_OK);
	assert_int_equal(store_put_cursor(store, b, 7, NULL), RC_OK);
	assert_int_equal(store_commit(store, NULL), RC_OK);
	assert_int_equal(version_of(store, a, "old"), 5);
	assert_int_equal(store_prune(store, INT64_MAX, 10, &more, NULL), RC_OK);
	assert_int_equal(version_of(store, a, "old"), 0);
	assert_int_equal(store_begin(store, NULL), RC_OK);
	store_rollback(store);
	assert_int_equal(version_of(store, a, "old"), 0);
	if (*state) { /* closed in the middle of lookups */
		store_close(store);
		store = open_file();
		assert_null(store_recovered(store));
		assert_int_equal(feed(store, "b"), b);
		assert_int_equal(cursor_of(store, "b"), 7);
	}
	store_close(store);
}

struct list {
	char text[400];
	size_t count, end_after;
};

static enum rc list_feed(void *context, const struct store_feed *f, struct error *err)
{
	struct list *l = context;
	size_t n = strlen(l->text);

	snprintf(l->text + n, sizeof(l->text) - n, "%s=%lld ", f->key,
		f->cursor == NO_TIME ? -1LL : (long long)f->cursor);
	return ++l->count == l->end_after ? error_set(err, RC_IO, "enough") : RC_OK;
}

static enum rc list_row(void *context, const struct store_row *row, struct error *err)
{
	struct list *l = context;
	size_t n = strlen(l->text);

	assert_true(row->confirmed_at > 0);
	snprintf(l->text + n, sizeof(l->text) - n, "%.*s=%llu/%lld ", (int)row->alert_n,
		row->alert, (unsigned long long)row->version, (long long)row->updated);
	return ++l->count == l->end_after ? error_set(err, RC_IO, "enough") : RC_OK;
}

static void feeds_are(struct store *store, const char *wanted)
{
	struct list l = {0};

	assert_int_equal(store_list_feeds(store, list_feed, &l, NULL), RC_OK);
	assert_string_equal(l.text, wanted);
}

static void rows_are(struct store *store, int64_t id, const char *wanted)
{
	struct list l = {0};

	assert_int_equal(store_list_seen(store, id, list_row, &l, NULL), RC_OK);
	assert_string_equal(l.text, wanted);
}

static void put_at(
	struct store *store, int64_t id, const char *alert, uint64_t v, int64_t at)
{
	assert_int_equal(
		store_put_seen(store, id, alert, strlen(alert), v, at, NULL), RC_OK);
}

static void say_never(void *context, const char *what)
{
	(void)context;
	fail_msg("%s", what);
}

/* Feeds b and a with some rows. */
static void put_some(struct store *store, int64_t *a, int64_t *b)
{
	*b = feed(store, "b");
	*a = feed(store, "a");
	assert_int_equal(store_begin(store, NULL), RC_OK);
	put_at(store, *a, "y", 2, 20);
	put_at(store, *a, "x", UINT64_MAX, 30);
	put_at(store, *a, "xx", 3, 10);
	put_at(store, *b, "x", 4, 40);
	assert_int_equal(store_put_cursor(store, *a, 7, NULL), RC_OK);
	assert_int_equal(store_commit(store, NULL), RC_OK);
}

static void lists_go_by_key(void **state)
{
	struct store *store = open_kind(state);
	struct list l = {.end_after = 1};
	struct error err = {0};
	int64_t a, b;

	feeds_are(store, "");
	put_some(store, &a, &b);
	feeds_are(store, "a=7 b=-1 ");
	rows_are(store, a, "x=18446744073709551615/30 xx=3/10 y=2/20 ");
	rows_are(store, b, "x=4/40 ");
	rows_are(store, 12345, "");
	assert_int_equal(store_list_feeds(store, list_feed, &l, &err), RC_IO);
	assert_string_equal(l.text, "a=7 ");
	assert_string_equal(err.text, "enough");
	l = (struct list){.end_after = 2};
	assert_int_equal(store_list_seen(store, a, list_row, &l, &err), RC_IO);
	assert_int_equal(l.count, 2);
	assert_int_equal(store_check(store, say_never, NULL, NULL), RC_OK);
	/* Nothing holds it up after that. */
	assert_int_equal(store_begin(store, NULL), RC_OK);
	rows_are(store, b, "x=4/40 ");
	put_at(store, b, "z", 1, 1);
	rows_are(store, b, "x=4/40 z=1/1 ");
	assert_int_equal(store_commit(store, NULL), RC_OK);
	store_close(store);
}

static void what_is_forgotten_is_in_the_transaction(void **state)
{
	struct store *store = open_kind(state);
	struct error err = {0};
	int64_t a, b;

	put_some(store, &a, &b);
	assert_int_equal(store_forget_alert(store, a, "x", 1, &err), RC_STORE);
	assert_int_equal(store_begin(store, NULL), RC_OK);
	assert_int_equal(store_forget_alert(store, a, "x", 1, NULL), RC_OK);
	assert_int_equal(store_forget_alert(store, a, "none", 4, NULL), RC_OK);
	put_at(store, a, "new", 1, 1);
	put_at(store, a, "y", 9, 90);
	assert_int_equal(store_forget_since(store, a, 20, NULL), RC_OK);
	rows_are(store, a, "new=1/1 xx=3/10 ");
	put_at(store, a, "x", 5, 50); /* again */
	assert_int_equal(store_put_cursor(store, a, 3, NULL), RC_OK);
	assert_int_equal(store_forget_feed(store, b, NULL), RC_OK);
	feeds_are(store, "a=3 ");
	store_rollback(store);
	feeds_are(store, "a=7 b=-1 ");
	rows_are(store, a, "x=18446744073709551615/30 xx=3/10 y=2/20 ");
	rows_are(store, b, "x=4/40 ");

	assert_int_equal(store_begin(store, NULL), RC_OK);
	assert_int_equal(store_forget_since(store, a, 20, NULL), RC_OK);
	assert_int_equal(store_forget_feed(store, b, NULL), RC_OK);
	assert_int_equal(store_commit(store, NULL), RC_OK);
	rows_are(store, a, "xx=3/10 ");
	rows_are(store, b, "");
	feeds_are(store, "a=7 ");
	assert_int_equal(version_of(store, a, "x"), 0);
	assert_int_equal(store_begin(store, NULL), RC_OK);
	assert_int_equal(store_forget_since(store, a, INT64_MIN, NULL), RC_OK);
	assert_int_equal(store_forget_feed(store, 12345, &err), RC_STORE);
	rows_are(store, a, "xx=3/10 "); /* that failed, so all is as it was */
	assert_true(cursor_of(store, "b") == NO_TIME); /* a new one */
	rows_are(store, feed(store, "b"), "");
	store_close(store);
}

static void limits_are_refused(void **state)
{
	struct store *store = open_kind(state);
	int64_t a = feed(store, "a"), id, cursor;
	char longer[STORE_ALERT_MAXIMUM + 2];
	struct error err = {0};
	uint64_t version;
	bool found;

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(store_feed(store, longer, &id, &cursor, &err), RC_LIMIT);
	assert_int_equal(
		store_seen(store, a, longer, strlen(longer), &found, &version, &err),
		RC_LIMIT);
	assert_int_equal(store_begin(store, NULL), RC_OK);
	assert_int_equal(put(store, a, longer, 1), RC_LIMIT);
	assert_int_equal(store_begin(store, NULL), RC_OK);
	assert_int_equal(put(store, a, longer + 1, 1), RC_OK);
	assert_int_equal(store_commit(store, NULL), RC_OK);
	assert_true(version_of(store, a, longer + 1) == 1);
	longer[1 + STORE_KEY_MAXIMUM] = '\0';
	assert_int_equal(store_feed(store, longer + 1, &id, &cursor, NULL), RC_OK);
	store_close(store);
}

static void pruning_goes_in_steps(void **state)
{
	struct store *store = open_kind(state);
	int64_t now = clock_wall(&clock_system);
	int64_t ids[3];
	char alert[40];
	size_t steps = 0;
	bool more = true;

	for (int f = 0; f < 3; f++)
		ids[f] = feed(store, (char[]){(char)('a' + f), '\0'});
	assert_int_equal(store_begin(store, NULL), RC_OK);
	for (int f = 0; f < 3; f++) {
		for (int i = 0; i < 1000; i++) {
			snprintf(alert, sizeof(alert), "alert-%d", i);
			assert_int_equal(put(store, ids[f], alert, 1), RC_OK);
		}
	}
	assert_int_equal(store_prune(store, INT64_MAX, 1, &more, NULL), RC_STORE);
	assert_int_equal(store_commit(store, NULL), RC_OK);
	do /* nothing is that old */
		assert_int_equal(
			store_prune(store, now - TICKS_PER_S, 100, &more, NULL), RC_OK);
	while (more);
	assert_true(version_of(store, ids[1], "alert-500") == 1);
	do {
		assert_int_equal(
			store_prune(store, now + 60 * TICKS_PER_S, 100, &more, NULL),
			RC_OK);
		steps++;
	} while (more);
	assert_true(steps >= 30 && steps < 60);
	for (int f = 0; f < 3; f++) {
		for (int i = 0; i < 1000; i++) {
			snprintf(alert, sizeof(alert), "alert-%d", i);
			assert_true(version_of(store, ids[f], alert) == 0);
		}
	}
	assert_int_equal(
		store_prune(store, now, 100, &more, NULL), RC_OK); /* of nothing */
	assert_false(more);
	store_close(store);
}

static void pruning_goes_by_the_clock_of_the_relay(void **state)
{
	struct clock_fake fake;
	struct store *store;
	int64_t a;
	bool more;

	(void)state;
	clock_fake_init(&fake, 1000 * TICKS_PER_S);
	assert_int_equal(store_open_sqlite(path, &fake.clock, &store, NULL), RC_OK);
	a = feed(store, "a");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(store_begin(store, NULL), RC_OK);
		assert_int_equal(put(store, a, i ? "new" : "old", 1), RC_OK);
		assert_int_equal(store_commit(store, NULL), RC_OK);
		clock_fake_pass(&fake, 1000);
	}
	assert_int_equal(
		store_prune(store, 1001 * TICKS_PER_S, 100, &more, NULL), RC_OK);
	assert_true(version_of(store, a, "old") == 0);
	assert_true(version_of(store, a, "new") == 1);
	store_close(store);
}

/* Commits numbered alerts and says each number that commit vouched for, until it is killed. */
static void commit_until_killed(int fd)
{
	struct store *store;
	int64_t id, cursor;
	char alert[40];

	if (store_open_sqlite(path, &clock_system, &store, NULL) != RC_OK ||
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

static void committed_survives_kill(void **state)
{
	int64_t vouched = 0;

	(void)state;
	srandom(4711);
	for (int round = 0; round < 50; round++) {
		struct timespec pause = {0, random() % 8000000};
		struct store *store;
		int64_t id, cursor, said;
		char alert[40];
		int fds[2], status;
		pid_t child;

		assert_int_equal(pipe(fds), 0);
		child = fork();
		assert_true(child >= 0);
		if (!child) {
			close(fds[0]);
			commit_until_killed(fds[1]);
		}
		close(fds[1]);
		/* Sometimes while it opens the file, mostly while it commits. */
		if (round % 5 && read(fds[0], &said, sizeof(said)) == sizeof(said))
			vouched = said;
		nanosleep(&pause, NULL);
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		while (read(fds[0], &said, sizeof(said)) == sizeof(said))
			vouched = said;
		close(fds[0]);
		store = open_file();
		assert_true(!store_recovered(store) || !vouched);
		id = feed(store, "f");
		cursor = cursor_of(store, "f");
		if (cursor == NO_TIME)
			cursor = 0;
		assert_true(cursor >= vouched && cursor <= vouched + 1);
		snprintf(alert, sizeof(alert), "alert-%lld", (long long)cursor);
		if (cursor)
			assert_true(version_of(store, id, alert) == (uint64_t)cursor);
		snprintf(alert, sizeof(alert), "alert-%lld", (long long)cursor + 1);
		assert_true(version_of(store, id, alert) == 0);
		vouched = cursor;
		store_close(store);
	}
	assert_true(vouched >= 40);
}

static void refused(enum rc rc, const char *what)
{
	struct store *store = (struct store *)1;
	struct error err = {0};

	assert_int_equal(store_open_sqlite(path, &clock_system, &store, &err), rc);
	assert_int_equal(err.code, rc);
	assert_null(store);
	if (!strstr(err.text, what) || !strstr(err.text, directory))
		fail_msg("\"%s\" does not say \"%s\" and the file", err.text, what);
}

static void second_relay_is_refused(void **state)
{
	struct store *store = open_file();
	char process[80];
	int status, fds[2];
	pid_t child;
	char c;

	(void)state;
	snprintf(process, sizeof(process), "in use by another alertrelay, process %ld;",
		(long)getpid());
	refused(RC_STORE, process);
	store_close(store);

	assert_int_equal(pipe(fds), 0);
	child = fork();
	if (!child) {
		close(fds[0]);
		if (store_open_sqlite(path, &clock_system, &store, NULL) != RC_OK ||
			write(fds[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &c, 1), 1);
	close(fds[0]);
	refused(RC_STORE, "in use by another alertrelay");
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	store_close(open_file());
}

static void write_at(const char *name, off_t at, const void *p, size_t n)
{
	int fd = open(name, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, p, n, at), n);
	close(fd);
}

/* A file with some thousand rows, closed. */
static void fill(int rows)
{
	struct store *store = open_file();
	int64_t a = feed(store, "a");
	char alert[40];

	assert_int_equal(store_begin(store, NULL), RC_OK);
	for (int i = 0; i < rows; i++) {
		snprintf(alert, sizeof(alert), "alert-%d", i * 7919 % rows);
		assert_int_equal(put(store, a, alert, 1), RC_OK);
	}
	assert_int_equal(store_put_cursor(store, a, 5, NULL), RC_OK);
	assert_int_equal(store_commit(store, NULL), RC_OK);
	store_close(store);
}

/* Runs it as a user without root's rights, who owns the directory and all in it. */
static void as_nobody(int (*story)(void))
{
	char lock[420];
	int status;
	pid_t child;

	snprintf(lock, sizeof(lock), "%s.lock", path);
	child = fork();
	if (!child) {
		if (geteuid() == 0 &&
			((chown(path, 65534, 65534) && errno != ENOENT) ||
				(chown(lock, 65534, 65534) && errno != ENOENT) ||
				chown(directory, 65534, 65534) || setgid(65534) ||
				setuid(65534)))
			_exit(100);
		_exit(story());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Looks, in a process of its own, at the state that this one holds. */
static void copied(int (*story)(long relay))
{
	long relay = (long)getpid();
	int status;
	pid_t child = fork();

	if (!child)
		_exit(story(relay));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* The highest number of a copy that holds all up to it, no more, and is whole; -1 if it does not, 0 if
 * there is no copy because the relay is too fast. */
static int64_t copied_number(int64_t begin)
{
	struct store *store;
	struct error err = {0};
	int64_t id, cursor;
	char alert[40];

	if (store_open_copy(path, &store, &err) != RC_OK) {
		print_message("%s\n", err.text);
		return strstr(err.text, "changes faster") ? 0 : -1;
	}
	if (store_check(store, say_never, NULL, &err) != RC_OK ||
		store_feed(store, "f", &id, &cursor, &err) != RC_OK)
		return -1;
	for (int64_t i = begin; i <= cursor; i++) {
		snprintf(alert, sizeof(alert), "alert-%lld", (long long)i);
		if (version_of(store, id, alert) != (uint64_t)i)
			return -1;
	}
	snprintf(alert, sizeof(alert), "alert-%lld", (long long)cursor + 1);
	if (version_of(store, id, alert))
		return -1;
	if (store_begin(store, &err) == RC_OK &&
		store_put_cursor(store, id, 1, &err) == RC_OK)
		return -1; /* it is to look at */
	store_close(store);
	return cursor;
}

static void copy_again_and_again(void)
{
	int64_t last = 0;

	for (int copies = 0; copies < 15; copies++) {
		int64_t number = copied_number(last > 700 ? last - 700 : 1);

		if (number && number < last)
			_exit(1);
		last = number ? number : last;
	}
	_exit(last ? 0 : 2);
}

/* The copying process stands still a few times in the middle of a copy, until the log has begun anew,
 * which it does every 300 commits or so. */
static int hinder(pid_t copier, int relay)
{
	static const struct timespec tick = {0, 50000};
	pid_t ended = 0;
	int status;

	for (int stops = 0; stops < 8 && !ended; stops++) {
		struct timespec pause = {0, random() % 3000000};
		int64_t said;

		while (!ended && !count_names("alertrelay-")) {
			nanosleep(&tick, NULL);
			ended = waitpid(copier, &status, WNOHANG);
		}
		if (ended)
			break;
		nanosleep(&pause, NULL);
		kill(copier, SIGSTOP);
		for (int i = 0; i < 500; i++)
			assert_int_equal(
				read(relay, &said, sizeof(said)), sizeof(said));
		kill(copier, SIGCONT);
	}
	if (!ended)
		ended = waitpid(copier, &status, 0);
	assert_int_equal(ended, copier);
	return status;
}

static void a_copy_is_of_one_moment(void **state)
{
	int64_t said = 0;
	int fds[2], status;
	pid_t child, copier;

	(void)state;
	srandom(4712);
	fill(60000); /* takes a while to copy */
	assert_int_equal(setenv("TMPDIR", directory, 1), 0);
	assert_int_equal(pipe(fds), 0);
	child = fork();
	if (!child) {
		close(fds[0]);
		commit_until_killed(fds[1]);
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &said, sizeof(said)), sizeof(said));
	assert_int_equal(store_in_use(path), child);
	copier = fork();
	if (!copier)
		copy_again_and_again();
	status = hinder(copier, fds[0]);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(count_names("alertrelay-"), 0);
	refused(RC_STORE, "in use by another alertrelay"); /* its locks are untouched */
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	while (read(fds[0], &said, sizeof(said)) == sizeof(said))
		;
	close(fds[0]);
	assert_int_equal(store_in_use(path), 0);
	assert_true(copied_number(1) >= said); /* the log is still there */
	store_close(open_file());
	assert_true(copied_number(1) >= said);
	assert_int_equal(unsetenv("TMPDIR"), 0);
}

static int copies_of_odd_files(long relay)
{
	static const struct {
		const char *path;
		enum rc rc;
		const char *what;
	} odd[] = {{"none", RC_CONFIG, "is not there"},
		{"directory", RC_CONFIG, "is not a regular file"},
		{"pipe", RC_CONFIG, "is not a regular file"},
		{"empty", RC_STORE, "is empty"}, {"text", RC_STORE, "is damaged"},
		{"log", RC_STORE, "is damaged"}};
	char name[300];
	struct error err = {0};
	struct store *store;

	(void)relay;
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		snprintf(name, sizeof(name), "%s/%s", directory, odd[i].path);
		if (store_open_copy(name, &store, &err) != odd[i].rc || store ||
			!strstr(err.text, odd[i].what) || !strstr(err.text, name)) {
			print_message("%s: %s\n", odd[i].path, err.text);
			return 1;
		}
	}
	if (setenv("TMPDIR", "/nonexistent", 1) ||
		store_open_copy(path, &store, &err) != RC_IO ||
		!strstr(err.text, "TMPDIR"))
		return 2;
	return 0;
}

static void copies_say_what_is_wrong(void **state)
{
	char name[300];

	(void)state;
	store_close(open_file());
	snprintf(name, sizeof(name), "%s/empty", directory);
	write_at(name, 0, "", 0);
	snprintf(name, sizeof(name), "%s/text", directory);
	write_at(name, 0, "no database, a text", 19);
	snprintf(name, sizeof(name), "%s/log", directory);
	write_at(name, 0, "", 0);
	snprintf(name, sizeof(name), "%s/log-wal", directory);
	write_at(name, 0, "a log alone", 11);
	snprintf(name, sizeof(name), "%s/pipe", directory);
	assert_int_equal(mkfifo(name, 0600), 0);
	snprintf(name, sizeof(name), "%s/directory", directory);
	assert_int_equal(mkdir(name, 0700), 0);
	copied(copies_of_odd_files);
	assert_int_equal(rmdir(name), 0);
	assert_int_equal(count_names(".damaged-"), 0);
}

static void not_existing(enum rc rc, const char *what)
{
	struct store *store;
	struct error err = {0};

	assert_int_equal(store_open_existing(path, &clock_system, &store, &err), rc);
	assert_null(store);
	if (!strstr(err.text, what) || !strstr(err.text, path))
		fail_msg("\"%s\" does not say \"%s\"", err.text, what);
	assert_int_equal(count_names(".damaged-"), 0);
}

static void what_exists_is_opened_and_nothing_else(void **state)
{
	struct store *store, *other;
	struct error err = {0};

	(void)state;
	not_existing(RC_CONFIG, "is not there");
	assert_int_equal(count_names("state.db"), 0); /* not even a lock */
	write_at(path, 0, "", 0);
	not_existing(RC_STORE, "is empty");
	write_at(path, 0, "no database, a text", 19);
	not_existing(RC_STORE, "is damaged");
	assert_int_equal(unlink(path), 0);
	fill(100);
	assert_int_equal(store_open_existing(path, &clock_system, &store, &err), RC_OK);
	assert_int_equal(cursor_of(store, "a"), 5);
	assert_int_equal(store_schema(store), 1);
	assert_int_equal(
		store_open_existing(path, &clock_system, &other, &err), RC_STORE);
	assert_non_null(strstr(err.text, "in use by another alertrelay"));
	store_close(store);
}

static int open_as_nobody(void)
{
	struct store *store;

	if (store_open_sqlite(path, &clock_system, &store, NULL) != RC_OK)
		return 1;
	store_close(store);
	return 0;
}

/* What root makes beside the state of another user is that user's. */
static void a_command_of_root_leaves_nothing_of_root(void **state)
{
	struct store *store;
	char name[420];
	struct stat st;

	(void)state;
	if (geteuid() != 0)
		skip();
	fill(10);
	snprintf(name, sizeof(name), "%s.lock", path);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(chown(path, 65534, 65534), 0);
	assert_int_equal(store_open_existing(path, &clock_system, &store, NULL), RC_OK);
	assert_int_equal(store_begin(store, NULL), RC_OK);
	assert_int_equal(store_commit(store, NULL), RC_OK);
	assert_int_equal(stat(name, &st), 0);
	assert_int_equal(st.st_uid, 65534);
	snprintf(name, sizeof(name), "%s-wal", path);
	assert_int_equal(stat(name, &st), 0);
	assert_int_equal(st.st_uid, 65534);
	store_close(store);
	as_nobody(open_as_nobody);
}

static void other_program_holds_it(void **state)
{
	sqlite3 *db;

	(void)state;
	store_close(open_file());
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db, "BEGIN; SELECT count(*) FROM seen", NULL, NULL, NULL),
		SQLITE_OK);
	refused(RC_STORE, "another program has it open");
	sqlite3_close(db);
	store_close(open_file());
}

static void file_is_private(void **state)
{
	struct store *store;
	struct stat st;
	char log[420];
	int fd;

	(void)state;
	fd = open(path, O_CREAT | O_WRONLY, 0666);
	fchmod(fd, 0644);
	close(fd);
	store = open_file();
	assert_non_null(strstr(store_recovered(store), "was empty"));
	feed(store, "f");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	snprintf(log, sizeof(log), "%s-wal", path);
	assert_int_equal(stat(log, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	store_close(store);
}

static void begins_anew(const char *what)
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

static void garbage_is_moved_aside(void **state)
{
	char garbage[5000];
	sqlite3 *db;

	(void)state;
	memset(garbage, 'g', sizeof(garbage));
	write_at(path, 0, garbage, sizeof(garbage));
	begins_anew(".damaged-20");
	assert_int_equal(count_names(".damaged-"), 1);
	write_at(path, 0, garbage,
		sizeof(garbage)); /* a second time in the same second */
	begins_anew("was damaged");
	assert_int_equal(count_names(".damaged-"), 2);
	write_at(path, 0, garbage, 10);
	begins_anew("was damaged");
	/* A log without its database. */
	fill(5000);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(truncate(path, 0), 0);
	snprintf(garbage, sizeof(garbage), "%s-wal", path);
	write_at(garbage, 0, "log", 3);
	begins_anew("was damaged");
}

static void truncated_is_moved_aside(void **state)
{
	struct stat st;

	(void)state;
	fill(5000);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size > 100000);
	assert_int_equal(truncate(path, st.st_size / 2), 0);
	begins_anew("was damaged");
	fill(5000);
	assert_int_equal(truncate(path, 4096), 0);
	begins_anew("was damaged");
	fill(5000);
	assert_int_equal(truncate(path, 0), 0);
	begins_anew("was empty");
}

/* Whatever is damaged, opening gives a store that works; nothing is believed that cannot be. */
static void damaged_pages_are_found(void **state)
{
	int moved = 0;

	(void)state;
	srandom(42);
	for (int round = 0; round < 40; round++) {
		char noise[700];
		struct store *store;
		struct stat st;
		int64_t a;

		if (round % 10 == 0 || moved)
			fill(5000);
		assert_int_equal(stat(path, &st), 0);
		for (size_t i = 0; i < sizeof(noise); i++)
			noise[i] = (char)random();
		write_at(path, random() % (st.st_size / 4096) * 4096, noise,
			sizeof(noise));
		store = open_file();
		moved = store_recovered(store) != NULL;
		a = feed(store, "a");
		assert_int_equal(store_begin(store, NULL), RC_OK);
		assert_int_equal(put(store, a, "alert-3", 2), RC_OK);
		assert_int_equal(store_commit(store, NULL), RC_OK);
		assert_true(version_of(store, a, "alert-3") == 2);
		store_close(store);
	}
	assert_true(count_names(".damaged-") > 10);
}

/* Whole pages, in a place of the file: nothing stays believed. */
static void damaged_ranges_are_found(void **state)
{
	static const struct {
		int from, to; /* in eighths of the file */
		int octet; /* -1: random ones */
	} ranges[] = {{0, 1, 0}, {0, 1, -1}, {3, 5, 0}, {3, 5, 0xff}, {3, 5, -1},
		{7, 8, 0}, {7, 8, -1}, {1, 8, 0}};
	static char noise[1 << 20];

	(void)state;
	srandom(43);
	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
		struct stat st;
		off_t page, pages;

		fill(8000);
		assert_int_equal(stat(path, &st), 0);
		pages = st.st_size / 4096;
		assert_true(pages > 16 && st.st_size < (off_t)sizeof(noise));
		page = pages * ranges[i].from / 8;
		pages = pages * ranges[i].to / 8 - page;
		for (off_t at = 0; at < pages * 4096; at++)
			noise[at] = (char)(ranges[i].octet < 0 ? random()
							       : ranges[i].octet);
		write_at(path, page * 4096, noise, (size_t)pages * 4096);
		begins_anew("was damaged");
	}
	for (off_t cut = 1500; cut < 4096 * 3;
		cut += 1777) { /* within the last pages */
		struct stat st;

		fill(8000);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(truncate(path, st.st_size - cut), 0);
		begins_anew("was damaged");
	}
}

/* Octets changed under a running relay: an error, never a wrong answer, and healed by opening. */
static void damage_while_running_is_told(void **state)
{
	struct store *store;
	struct error err = {0};
	enum rc rc = RC_OK;
	char noise[8192];
	struct stat st;
	int64_t a;

	(void)state;
	fill(80000); /* more than the cache holds */
	store = open_file();
	a = feed(store, "a");
	assert_int_equal(stat(path, &st), 0);
	memset(noise, 0x5a, sizeof(noise));
	for (off_t at = 4096; at + (off_t)sizeof(noise) <= st.st_size;
		at += sizeof(noise))
		write_at(path, at, noise, sizeof(noise));
	for (int i = 0; rc == RC_OK && i < 80000; i++) {
		uint64_t version;
		char alert[40];
		bool found;

		snprintf(alert, sizeof(alert), "alert-%d", i);
		rc = store_seen(store, a, alert, strlen(alert), &found, &version, &err);
	}
	assert_int_equal(rc, RC_STORE);
	assert_non_null(
		strstr(err.text, "at its next start alertrelay moves it aside"));
	assert_true(store_damaged(store));
	store_close(store);
	begins_anew("was damaged");
}

/* All of a file, from malloc. */
static char *contents(const char *name, size_t *n)
{
	FILE *f = fopen(name, "r");
	char *p;
	long size;

	assert_non_null(f);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	size = ftell(f);
	rewind(f);
	p = malloc((size_t)size + 1);
	*n = fread(p, 1, (size_t)size, f);
	assert_int_equal(*n, size);
	fclose(f);
	return p;
}

static void run_sql(const char *statements)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, statements, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Whatever opens it leaves each octet as it was. */
static void left_alone(const char *what)
{
	struct store *store;
	struct error err = {0};
	size_t before_n, after_n;
	char *before = contents(path, &before_n), *after;

	refused(RC_CONFIG, what);
	assert_int_equal(
		store_open_existing(path, &clock_system, &store, &err), RC_CONFIG);
	assert_non_null(strstr(err.text, what));
	assert_int_equal(store_open_copy(path, &store, &err), RC_CONFIG);
	assert_non_null(strstr(err.text, what));
	after = contents(path, &after_n);
	assert_int_equal(before_n, after_n);
	assert_memory_equal(before, after, before_n);
	assert_int_equal(count_names(".damaged-"), 0);
	free(before);
	free(after);
}

static void other_schemas_are_not_touched(void **state)
{
	(void)state;
	store_close(open_file());
	run_sql("PRAGMA user_version = 2");
	left_alone("newer alertrelay (schema 2, this one knows 1)");
	run_sql("PRAGMA user_version = 0");
	left_alone("before its first release (schema 0, this one knows 1)");
	run_sql("PRAGMA user_version = -7");
	left_alone("before its first release (schema -7, this one knows 1)");
	run_sql("PRAGMA user_version = 1");
	store_close(open_file());
}

static void other_databases_are_not_touched(void **state)
{
	(void)state;
	run_sql("CREATE TABLE t (a); INSERT INTO t VALUES (1)");
	left_alone("database of another program");
	run_sql("PRAGMA application_id = 252006673; PRAGMA user_version = 1");
	left_alone("database of another program");
	run_sql("PRAGMA journal_mode = WAL; DROP TABLE t");
	left_alone("database of another program");
}

static int open_is_refused(void)
{
	struct store *store;
	struct error err = {0};

	if (store_open_sqlite(path, &clock_system, &store, &err) != RC_STORE)
		return 1;
	return strstr(err.text, "must be writable") ? 0 : 2;
}

static void directories_are_checked(void **state)
{
	char kept[sizeof(path)], inside[sizeof(path)];

	(void)state;
	memcpy(kept, path, sizeof(kept));
	snprintf(path, sizeof(path), "%s/none/state.db", directory);
	refused(RC_STORE, "is no directory; create it");
	memcpy(path, kept, sizeof(path));
	snprintf(inside, sizeof(inside), "%s/sub", directory);
	assert_int_equal(mkdir(inside, 0700), 0);
	memcpy(path, inside, sizeof(path));
	refused(RC_STORE, "a directory; state.file must name a file");
	rmdir(inside);
	memcpy(path, kept, sizeof(path));
	assert_int_equal(chmod(directory, 0500), 0);
	as_nobody(open_is_refused);
	assert_int_equal(chmod(directory, 0700), 0);
	store_close(open_file());
	assert_int_equal(chmod(path, 0400), 0);
	as_nobody(open_is_refused);
}

/* Commits of `step` rows from *next on until one fails or all are in; true when all are. */
static bool commit_rows(
	struct store *store, int64_t a, int *next, int end, struct error *err)
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

static void check_rows(struct store *store, int64_t a, int end)
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

/* Rows in a file that a killed process leaves, with a log of many commits beside it. */
static void leave_behind(int rows)
{
	struct error err = {0};
	int status, next = 0;
	pid_t child;

	store_close(open_file());
	child = fork();
	if (!child) {
		struct store *store = open_file();

		_exit(commit_rows(store, feed(store, "a"), &next, rows, &err) ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* What is there is what was committed at some time, and no more; gives how much that is. */
static int some_commit(void)
{
	struct store *store = open_file();
	int64_t cursor = cursor_of(store, "a");
	int next = cursor == NO_TIME ? 0 : (int)cursor;
	struct error err = {0};
	int64_t a = feed(store, "a");

	assert_null(store_recovered(store));
	assert_int_equal(next % 200, 0);
	check_rows(store, a, next);
	assert_true(commit_rows(store, a, &next, next + 400, &err));
	check_rows(store, a, next);
	store_close(store);
	return next - 400;
}

static void a_damaged_log_is_read_up_to_there(void **state)
{
	char log[420];
	int less = 0;

	(void)state;
	srandom(44);
	snprintf(log, sizeof(log), "%s-wal", path);
	for (int round = 0; round < 12; round++) {
		char noise[5000];
		struct stat st;
		int rows;

		(void)unlink(path);
		leave_behind(6000);
		assert_int_equal(stat(log, &st), 0);
		assert_true(st.st_size > 100000);
		for (size_t i = 0; i < sizeof(noise); i++)
			noise[i] = (char)random();
		switch (round % 4) {
		case 0: /* anywhere */
			write_at(
				log, random() % st.st_size, noise, 1 + random() % 4999);
			break;
		case 1: /* its end */
			write_at(log, st.st_size - 3000, noise, 3000);
			break;
		case 2:
			assert_int_equal(truncate(log, random() % st.st_size), 0);
			break;
		default: /* its header */
			write_at(log, random() % 32, noise, 4);
		}
		rows = some_commit();
		assert_true(rows <= 6000);
		less += rows < 6000;
	}
	assert_true(less > 6);
}

static void without_its_log_it_is_as_it_was_before(void **state)
{
	char log[420], kept[420];
	int rows;

	(void)state;
	snprintf(log, sizeof(log), "%s-wal", path);
	snprintf(kept, sizeof(kept), "%s/kept", directory);
	leave_behind(6000);
	assert_int_equal(rename(log, kept), 0);
	rows = some_commit();
	assert_true(rows >= 0 && rows < 6000);
	/* A log of another time or file is not believed where it does not fit. */
	assert_int_equal(rename(kept, log), 0);
	store_close(open_file());
	fill(3000);
	leave_behind(6000);
	assert_int_equal(unlink(path), 0); /* the log alone */
	begins_anew("was damaged");
}

/* Writes past a size fail in the middle of a commit. */
static void failed_commits_succeed_later(void **state)
{
	struct rlimit limit, small;
	struct store *store;
	struct error err = {0};
	struct stat st;
	char log[420];
	int next = 0;
	int64_t a;

	(void)state;
	snprintf(log, sizeof(log), "%s-wal", path);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	store = open_file();
	a = feed(store, "a");
	for (int round = 0; round < 10; round++) {
		assert_int_equal(stat(log, &st), 0);
		small = limit;
		small.rlim_cur = (rlim_t)(st.st_size + 3000 + round * 5000);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		bool all = commit_rows(store, a, &next, next + 20000, &err);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		if (all)
			continue;
		assert_non_null(strstr(err.text, path));
		check_rows(store, a, next);
		assert_true(commit_rows(store, a, &next, next + 400, &err));
		check_rows(store, a, next);
	}
	store_close(store);
	store = open_file();
	assert_null(store_recovered(store));
	check_rows(store, a, next);
	store_close(store);
}

static bool write_text(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return good;
}

/* A small file system over the directory, seen by this process only. */
static bool mount_tiny(const char *options)
{
	char map[40];
	unsigned uid = geteuid(), gid = getegid();

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return false;
	snprintf(map, sizeof(map), "0 %u 1", uid);
	if (!write_text("/proc/self/setgroups", "deny") ||
		!write_text("/proc/self/uid_map", map))
		return false;
	snprintf(map, sizeof(map), "0 %u 1", gid);
	return write_text("/proc/self/gid_map", map) &&
	       !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("tiny", directory, "tmpfs", 0, options);
}

static bool fill_disk(const char *name)
{
	static char block[4096];
	int fd = open(name, O_WRONLY | O_CREAT, 0600);

	if (fd < 0)
		return false;
	while (write(fd, block, sizeof(block)) > 0)
		;
	close(fd);
	return true;
}

/* Runs in a process of its own; 77: this host has no name spaces for users. */
static int full_disk_story(void)
{
	struct error err = {0};
	struct store *store;
	char ballast[300];
	int64_t id, cursor;
	int next = 0;

	if (!mount_tiny("size=1m,mode=0700"))
		return 77;
	snprintf(ballast, sizeof(ballast), "%s/ballast", directory);
	if (!fill_disk(ballast))
		return 1;
	if (store_open_sqlite(path, &clock_system, &store, &err) == RC_OK ||
		!strstr(err.text, "disk is full"))
		return 2;
	if (unlink(ballast) ||
		store_open_sqlite(path, &clock_system, &store, &err) != RC_OK)
		return 3;
	if (store_feed(store, "a", &id, &cursor, &err) != RC_OK ||
		!commit_rows(store, id, &next, 1000, &err))
		return 4;
	if (!fill_disk(ballast) || commit_rows(store, id, &next, 100000, &err) ||
		!strstr(err.text, "disk is full"))
		return 5;
	check_rows(store, id, next);
	if (unlink(ballast) || !commit_rows(store, id, &next, next + 400, &err))
		return 6;
	check_rows(store, id, next);
	store_close(store);
	if (store_open_sqlite(path, &clock_system, &store, &err) != RC_OK ||
		store_recovered(store))
		return 7;
	check_rows(store, id, next);
	store_close(store);
	if (mount(NULL, directory, NULL, MS_REMOUNT | MS_RDONLY, NULL))
		return 8;
	if (store_open_sqlite(path, &clock_system, &store, &err) == RC_OK ||
		!strstr(err.text, "must be writable"))
		return 9;
	return 0;
}

/* The log has its room, the file has none: what is committed waits in the log. */
static int full_at_checkpoint_story(void)
{
	struct error err = {0};
	struct store *store;
	char ballast[300], log[420];
	int64_t id, cursor;
	struct stat before, after;
	int next = 0, full;

	if (!mount_tiny("size=24m,mode=0700"))
		return 77;
	snprintf(ballast, sizeof(ballast), "%s/ballast", directory);
	snprintf(log, sizeof(log), "%s-wal", path);
	if (store_open_sqlite(path, &clock_system, &store, &err) != RC_OK ||
		store_feed(store, "a", &id, &cursor, &err) != RC_OK ||
		!commit_rows(store, id, &next, 40000, &err))
		return 1;
	if (!fill_disk(ballast) || stat(path, &before))
		return 2;
	full = next;
	if (commit_rows(store, id, &next, 1000000, &err) ||
		!strstr(err.text, "disk is full"))
		return 3;
	/* It took some, and the file has not grown. */
	if (next == full || stat(path, &after) || after.st_size != before.st_size)
		return 4;
	check_rows(store, id, next);
	if (unlink(ballast) || !commit_rows(store, id, &next, next + 20000, &err))
		return 5;
	if (stat(path, &after) || after.st_size <= before.st_size ||
		stat(log, &after) || after.st_size > 8388608 + 4096)
		return 6;
	check_rows(store, id, next);
	/* Full again, and ended so. */
	if (!fill_disk(ballast) || commit_rows(store, id, &next, 1000000, &err))
		return 7;
	store_close(store); /* cannot write the log back */
	if (store_open_sqlite(path, &clock_system, &store, &err) != RC_OK ||
		store_recovered(store))
		return 9;
	check_rows(store, id, next);
	if (unlink(ballast) || !commit_rows(store, id, &next, next + 400, &err))
		return 10;
	store_close(store);
	return 0;
}

static int read_only_story(void)
{
	struct error err = {0};
	struct store *store;
	int64_t id, cursor;
	int next = 0, status;
	pid_t child;

	if (!mount_tiny("size=4m,mode=0700"))
		return 77;
	/* A killed relay leaves its log; then the disk may only be read. */
	child = fork();
	if (!child) {
		if (store_open_sqlite(path, &clock_system, &store, &err) != RC_OK ||
			store_feed(store, "a", &id, &cursor, &err) != RC_OK ||
			!commit_rows(store, id, &next, 1000, &err))
			_exit(1);
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child || status)
		return 1;
	if (mount(NULL, directory, NULL, MS_REMOUNT | MS_RDONLY, NULL))
		return 2;
	if (store_open_sqlite(path, &clock_system, &store, &err) != RC_STORE ||
		!strstr(err.text, "must be writable"))
		return 3;
	if (store_open_copy(path, &store, &err) != RC_OK) /* to look at it goes */
		return 4;
	check_rows(store, 1, 1000);
	store_close(store);
	if (mount(NULL, directory, NULL, MS_REMOUNT, NULL))
		return 5;
	if (store_open_sqlite(path, &clock_system, &store, &err) != RC_OK ||
		store_feed(store, "a", &id, &cursor, &err) != RC_OK)
		return 6;
	check_rows(store, id, 1000);
	next = 1000;
	if (!commit_rows(store, id, &next, 2000, &err))
		return 7;
	store_close(store);
	return 0;
}

/* In a process of its own. */
static void story(int (*tell)(void))
{
	int status;
	pid_t child = fork();

	if (!child)
		_exit(tell());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void full_disk_is_waited_for(void **state)
{
	(void)state;
	story(full_disk_story);
}

static void full_disk_at_a_checkpoint_is_waited_for(void **state)
{
	(void)state;
	story(full_at_checkpoint_story);
}

static void read_only_disk_is_told(void **state)
{
	(void)state;
	story(read_only_story);
}

static void log_and_memory_stay_small(void **state)
{
	struct store *store = open_file();
	struct error err = {0};
	struct stat st;
	char log[420];
	int next = 0;
	int64_t a = feed(store, "a");

	(void)state;
	snprintf(log, sizeof(log), "%s-wal", path);
	for (int i = 0; i < 20; i++) {
		assert_true(commit_rows(store, a, &next, next + 2000, &err));
		assert_int_equal(stat(log, &st), 0);
		assert_true(st.st_size <= 8388608 + 4096);
	}
	assert_true(sqlite3_memory_used() < 2500000);
	store_close(store);
	assert_int_equal(sqlite3_memory_used(), 0);
	assert_true(stat(log, &st) && errno == ENOENT);
}

#define BOTH(test)                                                                     \
	{#test " (memory)", test, make_directory, remove_directory, NULL},             \
	{                                                                              \
#test " (sqlite)", test, make_directory, remove_directory, (void *)1   \
	}
#define FILE_ONLY(test)                                                                \
	cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(feeds_keep_their_id),
		BOTH(seen_is_per_feed_and_exact),
		BOTH(transactions_are_whole_or_nothing),
		BOTH(lookups_hold_nothing_back),
		BOTH(lists_go_by_key),
		BOTH(what_is_forgotten_is_in_the_transaction),
		BOTH(limits_are_refused),
		BOTH(pruning_goes_in_steps),
		FILE_ONLY(pruning_goes_by_the_clock_of_the_relay),
		FILE_ONLY(committed_survives_kill),
		FILE_ONLY(second_relay_is_refused),
		FILE_ONLY(a_copy_is_of_one_moment),
		FILE_ONLY(copies_say_what_is_wrong),
		FILE_ONLY(what_exists_is_opened_and_nothing_else),
		FILE_ONLY(a_command_of_root_leaves_nothing_of_root),
		FILE_ONLY(other_program_holds_it),
		FILE_ONLY(file_is_private),
		FILE_ONLY(garbage_is_moved_aside),
		FILE_ONLY(truncated_is_moved_aside),
		FILE_ONLY(damaged_pages_are_found),
		FILE_ONLY(damaged_ranges_are_found),
		FILE_ONLY(a_damaged_log_is_read_up_to_there),
		FILE_ONLY(without_its_log_it_is_as_it_was_before),
		FILE_ONLY(damage_while_running_is_told),
		FILE_ONLY(other_schemas_are_not_touched),
		FILE_ONLY(other_databases_are_not_touched),
		FILE_ONLY(directories_are_checked),
		FILE_ONLY(failed_commits_succeed_later),
		FILE_ONLY(full_disk_is_waited_for),
		FILE_ONLY(full_disk_at_a_checkpoint_is_waited_for),
		FILE_ONLY(read_only_disk_is_told),
		FILE_ONLY(log_and_memory_stay_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
