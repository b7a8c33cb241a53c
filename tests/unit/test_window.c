/* test_window.c - what leaves the window, when, and in which transaction. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h> /* wants those above */

#include <stdio.h>
#include <string.h>

#include "relay/window.h"

struct fixture {
	struct clock_fake clock;
	struct loop *loop;
	struct store *store;
	struct window *window;
	struct window_feed feed[2];
	int committed;
};

static struct fixture *current;

static void on_committed(struct window_feed *feed)
{
	(void)feed;
	current->committed++;
}

static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	current = &f;
	clock_fake_init(&f.clock, 1000 * TICKS_PER_S);
	f.loop = loop_new(&f.clock.clock);
	f.store = store_open_memory();
	f.window = window_new(f.loop, f.store, 10000);
	for (int i = 0; i < 2; i++) {
		f.feed[i].maximum_bytes = 5000;
		f.feed[i].committed = on_committed;
		window_feed_init(f.window, &f.feed[i]);
		assert_int_equal(store_feed(f.store, i ? "b" : "a", &f.feed[i].store_id,
					 &f.feed[i].committed_cursor, NULL),
			RC_OK);
	}
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 2; i++)
		window_feed_clear(f->window, &f->feed[i]);
	window_free(f->window);
	store_close(f->store);
	loop_free(f->loop);
	return 0;
}

static void turn(struct fixture *f)
{
	assert_int_equal(loop_turn(f->loop, 0, NULL), RC_OK);
}

static struct window_entry *add(
	struct fixture *f, int feed, const char *id, uint64_t version, int destinations)
{
	struct window_entry *entry =
		window_add(f->window, &f->feed[feed], id, strlen(id), version, 7);

	for (int i = 0; i < destinations; i++)
		window_sent(entry, 100);
	window_added(entry);
	return entry;
}

static bool seen(struct fixture *f, int feed, const char *id, uint64_t version)
{
	uint64_t got = 0;
	bool found = false;

	assert_int_equal(store_seen(f->store, f->feed[feed].store_id, id, strlen(id),
				 &found, &got, NULL),
		RC_OK);
	return found && got == version;
}

static int64_t stored_cursor(struct fixture *f, int feed)
{
	int64_t id, cursor;

	assert_int_equal(
		store_feed(f->store, feed ? "b" : "a", &id, &cursor, NULL), RC_OK);
	return cursor;
}

static void all_destinations_must_confirm(void **state)
{
	struct fixture *f = *state;
	struct window_entry *entry = add(f, 0, "x", 1, 2);

	assert_true(window_holds(f->window, &f->feed[0], "x", 1, 1));
	assert_false(window_holds(f->window, &f->feed[0], "x", 1, 2));
	assert_false(window_holds(f->window, &f->feed[1], "x", 1, 1));
	window_confirm(entry);
	turn(f);
	assert_false(seen(f, 0, "x", 1));
	window_confirm(entry);
	assert_false(seen(f, 0, "x", 1)); /* only at the end of the turn */
	turn(f);
	assert_true(seen(f, 0, "x", 1));
	assert_false(window_holds(f->window, &f->feed[0], "x", 1, 1));
	assert_int_equal(f->feed[0].confirmed, 1);
	assert_int_equal(f->feed[0].bytes, 0);
	assert_int_equal(f->feed[0].count, 0);
}

/* A destination that takes an alert as several messages confirms each by itself. */
static void all_messages_must_be_confirmed(void **state)
{
	struct fixture *f = *state;
	struct window_entry *entry = window_add(f->window, &f->feed[0], "x", 1, 1, 7);

	window_sent_part(entry, 100);
	window_confirm(entry); /* before the rest is handed over */
	window_sent_part(entry, 100);
	window_sent(entry, 100);
	window_added(entry);
	window_add_cursor(f->window, &f->feed[0], 42);
	assert_in_range(f->feed[0].bytes, 300, 600);
	turn(f);
	assert_false(seen(f, 0, "x", 1));
	window_confirm(entry);
	turn(f);
	/* The connection breaks: the last one is sent again, and the alert is not done before. */
	assert_false(seen(f, 0, "x", 1));
	assert_true(window_holds(f->window, &f->feed[0], "x", 1, 1));
	assert_true(stored_cursor(f, 0) == NO_TIME);
	window_confirm(entry);
	turn(f);
	assert_true(seen(f, 0, "x", 1));
	assert_int_equal(stored_cursor(f, 0), 42);
	assert_int_equal(f->feed[0].confirmed, 1);
	assert_int_equal(f->feed[0].bytes, 0);
}

/* One of them could not be written, a stub is in its place: the alert is not taken. */
static void parts_alone_are_no_alert(void **state)
{
	struct fixture *f = *state;
	struct window_entry *entry = window_add(f->window, &f->feed[0], "x", 1, 1, 7);

	window_sent_part(entry, 100);
	window_sent_part(entry, 100);
	window_added(entry);
	window_confirm(entry);
	turn(f);
	assert_false(seen(f, 0, "x", 1));
	window_confirm(entry);
	turn(f);
	assert_true(seen(f, 0, "x", 1));
	assert_int_equal(f->feed[0].rejected, 1);
	assert_int_equal(f->feed[0].confirmed, 0);
}

/* By one of two it is an alert that arrived, by both it is not. */
static void refused_after_it_was_taken(void **state)
{
	struct fixture *f = *state;

	for (unsigned refusals = 1; refusals <= 2; refusals++) {
		struct window_entry *entry =
			window_add(f->window, &f->feed[0], "x", 1, refusals, 7);

		window_sent(entry, 100);
		window_sent(entry, 100);
		window_added(entry);
		window_refuse(entry);
		if (refusals == 2)
			window_refuse(entry);
		else
			window_confirm(entry);
		turn(f);
		assert_true(seen(f, 0, "x", refusals));
		assert_int_equal(f->feed[0].rejected, refusals - 1);
		assert_int_equal(f->feed[0].confirmed, 1);
	}
}

static void cursor_waits_for_what_is_before_it(void **state)
{
	struct fixture *f = *state;
	struct window_entry *a = add(f, 0, "a", 1, 1), *b = add(f, 0, "b", 1, 1);
	struct window_entry *c;

	window_add_cursor(f->window, &f->feed[0], 42);
	c = add(f, 0, "c", 1, 1);
	window_confirm(b);
	turn(f);
	assert_true(stored_cursor(f, 0) == NO_TIME);
	window_confirm(a);
	turn(f);
	assert_int_equal(stored_cursor(f, 0), 42);
	assert_int_equal(f->feed[0].committed_cursor, 42);
	assert_true(seen(f, 0, "a", 1));
	assert_true(seen(f, 0, "b", 1));
	assert_false(seen(f, 0, "c", 1));
	window_confirm(c);
	turn(f);
	assert_true(seen(f, 0, "c", 1));
}

static void rejected_by_all_is_passed_over(void **state)
{
	struct fixture *f = *state;

	add(f, 0, "bad", 9, 0);
	turn(f);
	assert_true(seen(f, 0, "bad", 9));
	assert_int_equal(f->feed[0].rejected, 1);
	assert_int_equal(f->feed[0].confirmed, 0);
}

static void sent(struct fixture *f, int feed, size_t bytes)
{
	struct window_entry *entry =
		window_add(f->window, &f->feed[feed], "x", 1, 1, 7);

	window_sent(entry, bytes);
	window_added(entry);
}

static void full_by_feed_and_in_all(void **state)
{
	struct fixture *f = *state;

	sent(f, 0, 4999);
	assert_true(window_full(f->window, &f->feed[0]));
	assert_false(window_full(f->window, &f->feed[1]));
	f->feed[0].maximum_bytes = 100000;
	assert_false(window_full(f->window, &f->feed[0]));
	sent(f, 0, 2500); /* three quarters of what is for all */
	assert_true(window_full(f->window, &f->feed[0]));
	/* An eighth is for each of the two, whatever the other one holds. */
	assert_false(window_full(f->window, &f->feed[1]));
	sent(f, 1, 1250);
	assert_true(window_full(f->window, &f->feed[1]));
}

static void many_entries_grow_the_table(void **state)
{
	struct fixture *f = *state;
	struct window_entry *entries[5000];
	char id[16];

	for (int i = 0; i < 5000; i++) {
		snprintf(id, sizeof(id), "id%d", i);
		entries[i] = add(f, i % 2, id, (uint64_t)i, 1);
	}
	for (int i = 0; i < 5000; i++) {
		snprintf(id, sizeof(id), "id%d", i);
		assert_true(window_holds(
			f->window, &f->feed[i % 2], id, strlen(id), (uint64_t)i));
	}
	for (int i = 4999; i >= 0; i--)
		window_confirm(entries[i]);
	turn(f);
	assert_int_equal(f->committed, 2); /* one transaction for both feeds */
	for (int i = 0; i < 5000; i += 77) {
		snprintf(id, sizeof(id), "id%d", i);
		assert_true(seen(f, i % 2, id, (uint64_t)i));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			all_destinations_must_confirm, setup, teardown),
		cmocka_unit_test_setup_teardown(
			all_messages_must_be_confirmed, setup, teardown),
		cmocka_unit_test_setup_teardown(
			parts_alone_are_no_alert, setup, teardown),
		cmocka_unit_test_setup_teardown(
			refused_after_it_was_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(
			cursor_waits_for_what_is_before_it, setup, teardown),
		cmocka_unit_test_setup_teardown(
			rejected_by_all_is_passed_over, setup, teardown),
		cmocka_unit_test_setup_teardown(
			full_by_feed_and_in_all, setup, teardown),
		cmocka_unit_test_setup_teardown(
			many_entries_grow_the_table, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
