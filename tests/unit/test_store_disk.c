/* test_store_disk.c - disks that are full or may only be read, and how much of them the state takes: size
 * limits and tiny file systems. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store_bench.h"

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
	snprintf(log, sizeof(log), "%s-wal", store_path);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	store = open_file();
	a = feed_of(store, "a");
	for (int round = 0; round < 10; round++) {
		assert_int_equal(stat(log, &st), 0);
		small = limit;
		small.rlim_cur = (rlim_t)(st.st_size + 3000 + round * 5000);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		bool all = commit_rows(store, a, &next, next + 20000, &err);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		if (all)
			continue;
		assert_non_null(strstr(err.text, store_path));
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
	       !mount("tiny", store_directory, "tmpfs", 0, options);
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
	snprintf(ballast, sizeof(ballast), "%s/ballast", store_directory);
	if (!fill_disk(ballast))
		return 1;
	if (store_open_sqlite(store_path, &clock_system, &store, &err) == RC_OK ||
		!strstr(err.text, "disk is full"))
		return 2;
	if (unlink(ballast) ||
		store_open_sqlite(store_path, &clock_system, &store, &err) != RC_OK)
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
	if (store_open_sqlite(store_path, &clock_system, &store, &err) != RC_OK ||
		store_recovered(store))
		return 7;
	check_rows(store, id, next);
	store_close(store);
	if (mount(NULL, store_directory, NULL, MS_REMOUNT | MS_RDONLY, NULL))
		return 8;
	if (store_open_sqlite(store_path, &clock_system, &store, &err) == RC_OK ||
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
	snprintf(ballast, sizeof(ballast), "%s/ballast", store_directory);
	snprintf(log, sizeof(log), "%s-wal", store_path);
	if (store_open_sqlite(store_path, &clock_system, &store, &err) != RC_OK ||
		store_feed(store, "a", &id, &cursor, &err) != RC_OK ||
		!commit_rows(store, id, &next, 40000, &err))
		return 1;
	if (!fill_disk(ballast) || stat(store_path, &before))
		return 2;
	full = next;
	if (commit_rows(store, id, &next, 1000000, &err) ||
		!strstr(err.text, "disk is full"))
		return 3;
	/* It took some, and the file has not grown. */
	if (next == full || stat(store_path, &after) || after.st_size != before.st_size)
		return 4;
	check_rows(store, id, next);
	if (unlink(ballast) || !commit_rows(store, id, &next, next + 20000, &err))
		return 5;
	if (stat(store_path, &after) || after.st_size <= before.st_size ||
		stat(log, &after) || after.st_size > 8388608 + 4096)
		return 6;
	check_rows(store, id, next);
	/* Full again, and ended so. */
	if (!fill_disk(ballast) || commit_rows(store, id, &next, 1000000, &err))
		return 7;
	store_close(store); /* cannot write the log back */
	if (store_open_sqlite(store_path, &clock_system, &store, &err) != RC_OK ||
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
		if (store_open_sqlite(store_path, &clock_system, &store, &err) !=
				RC_OK ||
			store_feed(store, "a", &id, &cursor, &err) != RC_OK ||
			!commit_rows(store, id, &next, 1000, &err))
			_exit(1);
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child || status)
		return 1;
	if (mount(NULL, store_directory, NULL, MS_REMOUNT | MS_RDONLY, NULL))
		return 2;
	if (store_open_sqlite(store_path, &clock_system, &store, &err) != RC_STORE ||
		!strstr(err.text, "must be writable"))
		return 3;
	if (store_open_copy(store_path, &store, &err) != RC_OK) /* to look at it goes */
		return 4;
	check_rows(store, 1, 1000);
	store_close(store);
	if (mount(NULL, store_directory, NULL, MS_REMOUNT, NULL))
		return 5;
	if (store_open_sqlite(store_path, &clock_system, &store, &err) != RC_OK ||
		store_feed(store, "a", &id, &cursor, &err) != RC_OK)
		return 6;
	check_rows(store, id, 1000);
	next = 1000;
	if (!commit_rows(store, id, &next, 2000, &err))
		return 7;
	store_close(store);
	return 0;
}

static void tell(int (*story)(void))
{
	int result = in_a_process(story);

	if (result == 77)
		skip();
	assert_int_equal(result, 0);
}

static void full_disk_is_waited_for(void **state)
{
	(void)state;
	tell(full_disk_story);
}

static void full_disk_at_a_checkpoint_is_waited_for(void **state)
{
	(void)state;
	tell(full_at_checkpoint_story);
}

static void read_only_disk_is_told(void **state)
{
	(void)state;
	tell(read_only_story);
}

static void log_and_memory_stay_small(void **state)
{
	struct store *store = open_file();
	struct error err = {0};
	struct stat st;
	char log[420];
	int next = 0;
	int64_t a = feed_of(store, "a");

	(void)state;
	snprintf(log, sizeof(log), "%s-wal", store_path);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_DIRECTORY(failed_commits_succeed_later),
		IN_A_DIRECTORY(full_disk_is_waited_for),
		IN_A_DIRECTORY(full_disk_at_a_checkpoint_is_waited_for),
		IN_A_DIRECTORY(read_only_disk_is_told),
		IN_A_DIRECTORY(log_and_memory_stay_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
