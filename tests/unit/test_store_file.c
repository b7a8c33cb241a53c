/* test_store_file.c - who may open the state and who may not, what of it may be looked at, and what is no
 * state of ours. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store_bench.h"

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
		if (store_open_sqlite(store_path, &clock_system, &store, NULL) !=
				RC_OK ||
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

/* The highest number of a copy that holds all up to it, no more, and is whole; -1 if it does not, 0 if
 * there is no copy because the relay is too fast. */
static int64_t copied_number(int64_t begin)
{
	struct store *store;
	struct error err = {0};
	int64_t id, cursor;
	char alert[40];

	if (store_open_copy(store_path, &store, &err) != RC_OK) {
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
	assert_int_equal(setenv("TMPDIR", store_directory, 1), 0);
	assert_int_equal(pipe(fds), 0);
	child = fork();
	if (!child) {
		close(fds[0]);
		commit_until_killed(fds[1]);
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &said, sizeof(said)), sizeof(said));
	assert_int_equal(store_in_use(store_path), child);
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
	assert_int_equal(store_in_use(store_path), 0);
	assert_true(copied_number(1) >= said); /* the log is still there */
	store_close(open_file());
	assert_true(copied_number(1) >= said);
	assert_int_equal(unsetenv("TMPDIR"), 0);
}

static int copies_of_odd_files(void)
{
	static const struct {
		const char *store_path;
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

	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		snprintf(name, sizeof(name), "%s/%s", store_directory,
			odd[i].store_path);
		if (store_open_copy(name, &store, &err) != odd[i].rc || store ||
			!strstr(err.text, odd[i].what) || !strstr(err.text, name)) {
			print_message("%s: %s\n", odd[i].store_path, err.text);
			return 1;
		}
	}
	if (setenv("TMPDIR", "/nonexistent", 1) ||
		store_open_copy(store_path, &store, &err) != RC_IO ||
		!strstr(err.text, "TMPDIR"))
		return 2;
	return 0;
}

static void copies_say_what_is_wrong(void **state)
{
	char name[300];

	(void)state;
	store_close(open_file());
	snprintf(name, sizeof(name), "%s/empty", store_directory);
	write_at(name, 0, "", 0);
	snprintf(name, sizeof(name), "%s/text", store_directory);
	write_at(name, 0, "no database, a text", 19);
	snprintf(name, sizeof(name), "%s/log", store_directory);
	write_at(name, 0, "", 0);
	snprintf(name, sizeof(name), "%s/log-wal", store_directory);
	write_at(name, 0, "a log alone", 11);
	snprintf(name, sizeof(name), "%s/pipe", store_directory);
	assert_int_equal(mkfifo(name, 0600), 0);
	snprintf(name, sizeof(name), "%s/directory", store_directory);
	assert_int_equal(mkdir(name, 0700), 0);
	/* It changes the environment. */
	assert_int_equal(in_a_process(copies_of_odd_files), 0);
	assert_int_equal(rmdir(name), 0);
	assert_int_equal(count_names(".damaged-"), 0);
}

static void not_existing(enum rc rc, const char *what)
{
	struct store *store;
	struct error err = {0};

	assert_int_equal(
		store_open_existing(store_path, &clock_system, &store, &err), rc);
	assert_null(store);
	if (!strstr(err.text, what) || !strstr(err.text, store_path))
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
	write_at(store_path, 0, "", 0);
	not_existing(RC_STORE, "is empty");
	write_at(store_path, 0, "no database, a text", 19);
	not_existing(RC_STORE, "is damaged");
	assert_int_equal(unlink(store_path), 0);
	fill(100);
	assert_int_equal(
		store_open_existing(store_path, &clock_system, &store, &err), RC_OK);
	assert_int_equal(cursor_of(store, "a"), 5);
	assert_int_equal(store_schema(store), 1);
	assert_int_equal(
		store_open_existing(store_path, &clock_system, &other, &err), RC_STORE);
	assert_non_null(strstr(err.text, "in use by another alertrelay"));
	store_close(store);
}

static int open_as_nobody(void)
{
	struct store *store;

	if (store_open_sqlite(store_path, &clock_system, &store, NULL) != RC_OK)
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
	snprintf(name, sizeof(name), "%s.lock", store_path);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(chown(store_path, 65534, 65534), 0);
	assert_int_equal(
		store_open_existing(store_path, &clock_system, &store, NULL), RC_OK);
	assert_int_equal(store_begin(store, NULL), RC_OK);
	assert_int_equal(store_commit(store, NULL), RC_OK);
	assert_int_equal(stat(name, &st), 0);
	assert_int_equal(st.st_uid, 65534);
	snprintf(name, sizeof(name), "%s-wal", store_path);
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
	assert_int_equal(sqlite3_open(store_path, &db), SQLITE_OK);
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
	fd = open(store_path, O_CREAT | O_WRONLY, 0666);
	fchmod(fd, 0644);
	close(fd);
	store = open_file();
	assert_non_null(strstr(store_recovered(store), "was empty"));
	feed_of(store, "f");
	assert_int_equal(stat(store_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	snprintf(log, sizeof(log), "%s-wal", store_path);
	assert_int_equal(stat(log, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	store_close(store);
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

	assert_int_equal(sqlite3_open(store_path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, statements, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Whatever opens it leaves each octet as it was. */
static void left_alone(const char *what)
{
	struct store *store;
	struct error err = {0};
	size_t before_n, after_n;
	char *before = contents(store_path, &before_n), *after;

	refused(RC_CONFIG, what);
	assert_int_equal(store_open_existing(store_path, &clock_system, &store, &err),
		RC_CONFIG);
	assert_non_null(strstr(err.text, what));
	assert_int_equal(store_open_copy(store_path, &store, &err), RC_CONFIG);
	assert_non_null(strstr(err.text, what));
	after = contents(store_path, &after_n);
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

	if (store_open_sqlite(store_path, &clock_system, &store, &err) != RC_STORE)
		return 1;
	return strstr(err.text, "must be writable") ? 0 : 2;
}

static void directories_are_checked(void **state)
{
	char kept[sizeof(store_path)], inside[sizeof(store_path)];

	(void)state;
	memcpy(kept, store_path, sizeof(kept));
	snprintf(store_path, sizeof(store_path), "%s/none/state.db", store_directory);
	refused(RC_STORE, "is no directory; create it");
	memcpy(store_path, kept, sizeof(store_path));
	snprintf(inside, sizeof(inside), "%s/sub", store_directory);
	assert_int_equal(mkdir(inside, 0700), 0);
	memcpy(store_path, inside, sizeof(store_path));
	refused(RC_STORE, "a directory; state.file must name a file");
	rmdir(inside);
	memcpy(store_path, kept, sizeof(store_path));
	assert_int_equal(chmod(store_directory, 0500), 0);
	as_nobody(open_is_refused);
	assert_int_equal(chmod(store_directory, 0700), 0);
	store_close(open_file());
	assert_int_equal(chmod(store_path, 0400), 0);
	as_nobody(open_is_refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_DIRECTORY(second_relay_is_refused),
		IN_A_DIRECTORY(a_copy_is_of_one_moment),
		IN_A_DIRECTORY(copies_say_what_is_wrong),
		IN_A_DIRECTORY(what_exists_is_opened_and_nothing_else),
		IN_A_DIRECTORY(a_command_of_root_leaves_nothing_of_root),
		IN_A_DIRECTORY(other_program_holds_it),
		IN_A_DIRECTORY(file_is_private),
		IN_A_DIRECTORY(other_schemas_are_not_touched),
		IN_A_DIRECTORY(other_databases_are_not_touched),
		IN_A_DIRECTORY(directories_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
