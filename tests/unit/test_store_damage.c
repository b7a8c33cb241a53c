/* test_store_damage.c - octets of the state that were changed, cut off or lost. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store_bench.h"

static void garbage_is_moved_aside(void **state)
{
	char garbage[5000];
	sqlite3 *db;

	(void)state;
	memset(garbage, 'g', sizeof(garbage));
	write_at(store_path, 0, garbage, sizeof(garbage));
	begins_anew(".damaged-20");
	assert_int_equal(count_names(".damaged-"), 1);
	write_at(store_path, 0, garbage,
		sizeof(garbage)); /* a second time in the same second */
	begins_anew("was damaged");
	assert_int_equal(count_names(".damaged-"), 2);
	write_at(store_path, 0, garbage, 10);
	begins_anew("was damaged");
	/* A log without its database. */
	fill(5000);
	assert_int_equal(sqlite3_open(store_path, &db), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(truncate(store_path, 0), 0);
	snprintf(garbage, sizeof(garbage), "%s-wal", store_path);
	write_at(garbage, 0, "log", 3);
	begins_anew("was damaged");
}

static void truncated_is_moved_aside(void **state)
{
	struct stat st;

	(void)state;
	fill(5000);
	assert_int_equal(stat(store_path, &st), 0);
	assert_true(st.st_size > 100000);
	assert_int_equal(truncate(store_path, st.st_size / 2), 0);
	begins_anew("was damaged");
	fill(5000);
	assert_int_equal(truncate(store_path, 4096), 0);
	begins_anew("was damaged");
	fill(5000);
	assert_int_equal(truncate(store_path, 0), 0);
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
		assert_int_equal(stat(store_path, &st), 0);
		for (size_t i = 0; i < sizeof(noise); i++)
			noise[i] = (char)random();
		write_at(store_path, random() % (st.st_size / 4096) * 4096, noise,
			sizeof(noise));
		store = open_file();
		moved = store_recovered(store) != NULL;
		a = feed_of(store, "a");
		assert_int_equal(store_begin(store, NULL), RC_OK);
		assert_int_equal(put_seen(store, a, "alert-3", 2), RC_OK);
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
		assert_int_equal(stat(store_path, &st), 0);
		pages = st.st_size / 4096;
		assert_true(pages > 16 && st.st_size < (off_t)sizeof(noise));
		page = pages * ranges[i].from / 8;
		pages = pages * ranges[i].to / 8 - page;
		for (off_t at = 0; at < pages * 4096; at++)
			noise[at] = (char)(ranges[i].octet < 0 ? random()
							       : ranges[i].octet);
		write_at(store_path, page * 4096, noise, (size_t)pages * 4096);
		begins_anew("was damaged");
	}
	for (off_t cut = 1500; cut < 4096 * 3;
		cut += 1777) { /* within the last pages */
		struct stat st;

		fill(8000);
		assert_int_equal(stat(store_path, &st), 0);
		assert_int_equal(truncate(store_path, st.st_size - cut), 0);
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
	a = feed_of(store, "a");
	assert_int_equal(stat(store_path, &st), 0);
	memset(noise, 0x5a, sizeof(noise));
	for (off_t at = 4096; at + (off_t)sizeof(noise) <= st.st_size;
		at += sizeof(noise))
		write_at(store_path, at, noise, sizeof(noise));
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

		_exit(commit_rows(store, feed_of(store, "a"), &next, rows, &err) ? 0
										 : 1);
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
	int64_t a = feed_of(store, "a");

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
	snprintf(log, sizeof(log), "%s-wal", store_path);
	for (int round = 0; round < 12; round++) {
		char noise[5000];
		struct stat st;
		int rows;

		(void)unlink(store_path);
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
	snprintf(log, sizeof(log), "%s-wal", store_path);
	snprintf(kept, sizeof(kept), "%s/kept", store_directory);
	leave_behind(6000);
	assert_int_equal(rename(log, kept), 0);
	rows = some_commit();
	assert_true(rows >= 0 && rows < 6000);
	/* A log of another time or file is not believed where it does not fit. */
	assert_int_equal(rename(kept, log), 0);
	store_close(open_file());
	fill(3000);
	leave_behind(6000);
	assert_int_equal(unlink(store_path), 0); /* the log alone */
	begins_anew("was damaged");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_DIRECTORY(garbage_is_moved_aside),
		IN_A_DIRECTORY(truncated_is_moved_aside),
		IN_A_DIRECTORY(damaged_pages_are_found),
		IN_A_DIRECTORY(damaged_ranges_are_found),
		IN_A_DIRECTORY(a_damaged_log_is_read_up_to_there),
		IN_A_DIRECTORY(without_its_log_it_is_as_it_was_before),
		IN_A_DIRECTORY(damage_while_running_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
