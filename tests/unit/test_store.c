/* test_store.c - the contract of store.h over both backends, and a killed process. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store_bench.h"

static struct store *open_kind(void **state)
{
	return *state ? open_file() : store_open_memory();
}

static void feeds_keep_their_id(void **state)
{
	struct store *store = open_kind(state);
	int64_t a, b;

	a = feed_of(store, "t1/graph-alerts/soc");
	b = feed_of(store, "t2/graph-alerts/soc");
	assert_true(a > 0 && a < 1000);
	assert_true(a != b);
	assert_int_equal(feed_of(store, "t1/graph-alerts/soc"), a);
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
	assert_int_equal(feed_of(store, "t2/graph-alerts/soc"), b);
	assert_int_equal(cursor_of(store, "t1/graph-alerts/soc"), 77);
	store_close(store);
}

static void seen_is_per_feed_and_exact(void **state)
{
	static const char odd[] = "a\0b\xff'\"%";
	struct store *store = open_kind(state);
	int64_t a = feed_of(store, "a"), b = feed_of(store, "b");
	uint64_t version;
	bool found;

	assert_int_equal(store_begin(store, NULL), RC_OK);
	assert_int_equal(put_seen(store, a, "x", UINT64_MAX), RC_OK);
	assert_int_equal(put_seen(store, a, "X", 5), RC_OK);
	assert_int_equal(put_seen(store, a, "", 6), RC_OK);
	assert_int_equal(
		store_put_seen(store, a, odd, sizeof(odd) - 1, 7, 1, NULL), RC_OK);
	assert_true(version_of(store, a, "X") == 5); /* its own puts are seen */
	assert_int_equal(put_seen(store, a, "X", 8), RC_OK);
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
	int64_t a = feed_of(store, "a"), b;
	struct error err = {0};

	assert_int_equal(put_seen(store, a, "x", 1), RC_STORE); /* not begun */
	assert_int_equal(store_commit(store, &err), RC_STORE);
	assert_int_equal(store_begin(store, NULL), RC_OK);
	assert_int_equal(put_seen(store, a, "old", 1), RC_OK);
	assert_int_equal(store_put_cursor(store, a, 10, NULL), RC_OK);
	assert_int_equal(store_commit(store, NULL), RC_OK);

	assert_int_equal(store_begin(store, NULL), RC_OK);
	assert_int_equal(store_begin(store, &err), RC_STORE);
	b = feed_of(store, "b");
	assert_int_equal(put_seen(store, a, "old", 2), RC_OK);
	assert_int_equal(put_seen(store, a, "old", 3), RC_OK);
	assert_int_equal(put_seen(store, a, "new", 4), RC_OK);
	assert_int_equal(put_seen(store, b, "new", 4), RC_OK);
	assert_int_equal(store_put_cursor(store, a, 20, NULL), RC_OK);
	assert_int_equal(store_put_cursor(store, a, 30, NULL), RC_OK);
	store_rollback(store);
	assert_true(version_of(store, a, "old") == 1);
	assert_true(version_of(store, a, "new") == 0);
	assert_int_equal(cursor_of(store, "a"), 10);

	/* A put that fails takes everything with it. */
	assert_int_equal(store_begin(store, NULL), RC_OK);
	assert_int_equal(put_seen(store, a, "new", 4), RC_OK);
	assert_int_equal(store_put_cursor(store, 12345, 30, &err), RC_STORE);
	assert_int_equal(put_seen(store, a, "new", 4), RC_STORE);
	assert_int_equal(store_commit(store, &err), RC_STORE);
	assert_true(version_of(store, a, "new") == 0);
	assert_int_equal(store_begin(store, NULL), RC_OK);
	assert_int_equal(put_seen(store, a, "new", 4), RC_OK);
	assert_int_equal(store_commit(store, NULL), RC_OK);
	assert_true(version_of(store, a, "new") == 4);

	assert_int_equal(store_begin(store, NULL), RC_OK);
	assert_int_equal(put_seen(store, a, "late", 9), RC_OK);
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
	int64_t a = feed_of(store, "a"), b;
	bool more;

	assert_int_equal(store_begin(store, NULL), RC_OK);
	assert_int_equal(put_seen(store, a, "old", 5), RC_OK);
	assert_int_equal(store_commit(store, NULL), RC_OK);
	assert_int_equal(version_of(store, a, "old"), 5);
	b = feed_of(store, "b");
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
		assert_int_equal(feed_of(store, "b"), b);
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

/* Feeds b and a with some rows. */
static void put_some(struct store *store, int64_t *a, int64_t *b)
{
	*b = feed_of(store, "b");
	*a = feed_of(store, "a");
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
	rows_are(store, feed_of(store, "b"), "");
	store_close(store);
}

static void limits_are_refused(void **state)
{
	struct store *store = open_kind(state);
	int64_t a = feed_of(store, "a"), id, cursor;
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
	assert_int_equal(put_seen(store, a, longer, 1), RC_LIMIT);
	assert_int_equal(store_begin(store, NULL), RC_OK);
	assert_int_equal(put_seen(store, a, longer + 1, 1), RC_OK);
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
		ids[f] = feed_of(store, (char[]){(char)('a' + f), '\0'});
	assert_int_equal(store_begin(store, NULL), RC_OK);
	for (int f = 0; f < 3; f++) {
		for (int i = 0; i < 1000; i++) {
			snprintf(alert, sizeof(alert), "alert-%d", i);
			assert_int_equal(put_seen(store, ids[f], alert, 1), RC_OK);
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
	assert_int_equal(
		store_open_sqlite(store_path, &fake.clock, &store, NULL), RC_OK);
	a = feed_of(store, "a");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(store_begin(store, NULL), RC_OK);
		assert_int_equal(put_seen(store, a, i ? "new" : "old", 1), RC_OK);
		assert_int_equal(store_commit(store, NULL), RC_OK);
		clock_fake_pass(&fake, 1000);
	}
	assert_int_equal(
		store_prune(store, 1001 * TICKS_PER_S, 100, &more, NULL), RC_OK);
	assert_true(version_of(store, a, "old") == 0);
	assert_true(version_of(store, a, "new") == 1);
	store_close(store);
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
		id = feed_of(store, "f");
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

#define BOTH(test)                                                                     \
	{#test " (memory)", test, make_directory, remove_directory, NULL},             \
	{                                                                              \
#test " (sqlite)", test, make_directory, remove_directory, (void *)1   \
	}

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
		IN_A_DIRECTORY(pruning_goes_by_the_clock_of_the_relay),
		IN_A_DIRECTORY(committed_survives_kill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
