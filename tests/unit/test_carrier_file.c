/* test_carrier_file.c - real files and standard output: rotation, reopening, half lines, a full disk. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "destination_bench.h"

static void read_file(const char *path, struct strbuf *out)
{
	char buffer[65536];
	ssize_t n;
	int fd = open(path, O_RDONLY);

	strbuf_init(out, 1 << 30);
	assert_true(fd >= 0);
	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		strbuf_add(out, buffer, (size_t)n);
	close(fd);
}

static void check_file(const char *path, long first, long count)
{
	struct strbuf got;
	size_t at = 0;

	read_file(path, &got);
	for (long id = first; id < first + count; id++)
		assert_int_equal(next_message(&got, FRAMING_LF, &at), id);
	assert_int_equal(at, got.n); /* whole lines and nothing else */
	strbuf_clear(&got);
}

static void files_grow_and_rotate(void **state)
{
	struct bench bench;
	struct stat info;
	char path[128], moved[128];

	(void)state;
	umask(022);
	bench_new(&bench, TRANSPORT_FILE);
	bench_path(path, sizeof(path), "alerts.log");
	bench_path(moved, sizeof(moved), "alerts.log.1");
	bench.options.path = path;
	bench.options.framing = FRAMING_LF;
	bench_open(&bench);
	send_some(&bench, 2000);
	assert_int_equal(bench.confirmed, 0);
	UNTIL(&bench, bench.confirmed == 2000);
	check_file(path, 0, 2000);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0640);
	assert_int_equal(rename(path, moved), 0);
	send_some(&bench, 3);
	UNTIL(&bench, bench.confirmed == 2003);
	check_file(path, 2000, 3);
	bench_free(&bench);
	/* A second start appends. */
	bench_new(&bench, TRANSPORT_FILE);
	bench.options.path = moved;
	bench.options.framing = FRAMING_LF;
	bench_open(&bench);
	bench.next = bench.confirmed = bench.confirmed_of[0] = 2000;
	send_some(&bench, 1);
	UNTIL(&bench, bench.confirmed == 2001);
	check_file(moved, 0, 2001);
	bench_free(&bench);
	unlink(path);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The files of a bench_directory in the order of their names, all but "log"; the newest is "alerts". */
static size_t names_in(const char *path, char names[][64], size_t room)
{
	DIR *all = opendir(path);
	const struct dirent *entry;
	size_t count = 0;

	assert_non_null(all);
	while ((entry = readdir(all)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		assert_true(count < room);
		snprintf(names[count++], 64, "%.63s",
			strcmp(entry->d_name, "alerts") ? entry->d_name : "~");
	}
	closedir(all);
	qsort(names, count, 64, by_name);
	if (count && strcmp(names[count - 1], "~") == 0)
		snprintf(names[count - 1], 64, "alerts");
	return count;
}

/* Messages from `first` on, in the files one after the other, none of which is too large. */
static void check_files(const char *path, long first, long end, off_t most)
{
	char names[100][64], whole[256];
	size_t count = names_in(path, names, 100);

	for (size_t i = 0; i < count; i++) {
		struct strbuf got;
		size_t at = 0;

		snprintf(whole, sizeof(whole), "%s/%s", path, names[i]);
		read_file(whole, &got);
		assert_true((off_t)got.n <= most);
		while (at < got.n)
			assert_int_equal(next_message(&got, FRAMING_LF, &at), first++);
		assert_int_equal(at, got.n);
		strbuf_clear(&got);
	}
	assert_int_equal(first, end);
}

static void file_bench(struct bench *bench, const char *name, char *sub, char *path)
{
	bench_path(sub, 128, name);
	assert_int_equal(mkdir(sub, 0700), 0);
	snprintf(path, 160, "%s/alerts", sub);
	bench_new(bench, TRANSPORT_FILE);
	bench->options.path = path;
	bench->options.framing = FRAMING_LF;
}

/* Another start with the same file, which goes on counting. */
static void start_again(
	struct bench *bench, const char *path, size_t rotate_bytes, unsigned keep)
{
	unsigned next = bench->next;

	bench_free(bench);
	bench_new(bench, TRANSPORT_FILE);
	bench->options.path = path;
	bench->options.framing = FRAMING_LF;
	bench->options.rotate_bytes = rotate_bytes;
	bench->options.keep = keep;
	bench->next = bench->confirmed = bench->confirmed_of[0] = next;
	bench_open(bench);
}

static void a_new_file_begins_before_one_is_too_large(void **state)
{
	char sub[128], path[160], names[100][64];
	struct bench bench;
	size_t count;

	(void)state;
	file_bench(&bench, "by-size", sub, path);
	bench.options.rotate_bytes = 100000;
	bench_open(&bench);
	for (int i = 0; i < 20; i++) {
		send_some(&bench, 99);
		send_sized(&bench, 7000);
		turn(&bench);
	}
	UNTIL(&bench, bench.confirmed == 2000);
	check_files(sub, 0, 2000, 100000);
	count = names_in(sub, names, 100);
	assert_in_range(count, 20, 60);
	assert_int_equal(strlen(names[0]), strlen("alerts.20260105T094740Z"));
	/* The next start goes on with the last file; only so many stay. */
	start_again(&bench, path, 100000, 3);
	send_some(&bench, 1000);
	UNTIL(&bench, bench.confirmed == 3000);
	assert_int_equal(names_in(sub, names, 100), 4);
	/* A message that is larger than a file is in one all the same. */
	start_again(&bench, path, 500, 1);
	send_some(&bench, 3);
	UNTIL(&bench, bench.confirmed == 3003);
	check_files(sub, 3001, 3003, 8000);
	bench_free(&bench);
}

static void a_new_file_begins_in_a_new_period(void **state)
{
	struct timespec then[2] = {{.tv_nsec = UTIME_OMIT}, {0}};
	char sub[128], path[160], names[100][64];
	struct bench bench;

	(void)state;
	file_bench(&bench, "by-time", sub, path);
	bench.options.rotate_every_ms = INT64_C(366) * 24 * 3600 * 1000;
	bench_open(&bench);
	send_some(&bench, 3);
	UNTIL(&bench, bench.confirmed == 3);
	send_some(&bench, 3);
	UNTIL(&bench, bench.confirmed == 6);
	assert_int_equal(names_in(sub, names, 100), 1);
	then[1].tv_sec = time(NULL) - 366L * 24 * 3600;
	assert_int_equal(utimensat(AT_FDCWD, path, then, 0), 0);
	send_some(&bench, 3);
	UNTIL(&bench, bench.confirmed == 9);
	assert_int_equal(names_in(sub, names, 100), 2);
	check_files(sub, 0, 9, 100000);
	check_file(path, 6, 3);
	bench_free(&bench);
}

static void what_cannot_rotate_grows_on(void **state)
{
	char path[400], name[252];
	struct bench bench;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	bench_path(path, sizeof(path), name);
	bench_new(&bench, TRANSPORT_FILE);
	bench.options.path = path;
	bench.options.framing = FRAMING_LF;
	bench.options.rotate_bytes = 20000;
	bench_open(&bench);
	send_some(&bench, 500);
	UNTIL(&bench, bench.confirmed == 500);
	check_file(path, 0, 500);
	assert_int_equal(log_count(&bench, "cannot begin a new file"), 1);
	bench_free(&bench);
}

static void reopened_on_demand(void **state)
{
	char sub[128], path[160], moved[160];
	struct bench bench;

	(void)state;
	file_bench(&bench, "reopened", sub, path);
	snprintf(moved, sizeof(moved), "%s/alerts.1", sub);
	bench_open(&bench);
	destination_reopen(bench.destination);
	for (int i = 0; i < 3; i++)
		turn(&bench);
	assert_int_equal(access(path, F_OK), -1); /* nothing was written yet */
	send_some(&bench, 3);
	UNTIL(&bench, bench.confirmed == 3);
	assert_int_equal(rename(path, moved), 0);
	destination_reopen(bench.destination);
	UNTIL(&bench, access(path, F_OK) == 0); /* without a message to write */
	send_some(&bench, 3);
	UNTIL(&bench, bench.confirmed == 6);
	check_file(moved, 0, 3);
	check_file(path, 3, 3);
	bench_free(&bench);
}

/* A relay that was killed in the middle of a write has left half a line. */
static void half_a_line_stays_alone(void **state)
{
	char sub[128], path[160];
	struct bench bench;
	struct strbuf got;
	size_t at = 5;
	int fd;

	(void)state;
	file_bench(&bench, "half", sub, path);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "<131", 4), 4);
	close(fd);
	bench_open(&bench);
	send_some(&bench, 2);
	UNTIL(&bench, bench.confirmed == 2);
	read_file(path, &got);
	assert_memory_equal(got.p, "<131\n", 5);
	assert_int_equal(next_message(&got, FRAMING_LF, &at), 0);
	assert_int_equal(next_message(&got, FRAMING_LF, &at), 1);
	assert_int_equal(at, got.n);
	strbuf_clear(&got);
	bench_free(&bench);
}

/* The file system takes only so much, in the middle of a message; later it takes more. */
static void full_disk_loses_nothing(void **state)
{
	struct bench bench;
	struct rlimit before, limit;
	char path[128];

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	bench_new(&bench, TRANSPORT_FILE);
	bench_path(path, sizeof(path), "full.log");
	bench.options.path = path;
	bench.options.framing = FRAMING_LF;
	bench_open(&bench);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 100001;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	send_some(&bench, 300);
	UNTIL(&bench, state_of(&bench).trouble[0]);
	assert_in_range(bench.confirmed, 50, 299);
	check_file(path, 0, bench.confirmed); /* no torn line at its end */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	UNTIL(&bench, bench.confirmed == 300);
	check_file(path, 0, 300);
	assert_int_equal(log_count(&bench, "cannot write to"), 1);
	assert_int_equal(log_count(&bench, "takes alerts again"), 1);
	bench_free(&bench);
	/* A device that is always full confirms nothing and keeps all. */
	bench_new(&bench, TRANSPORT_FILE);
	bench.options.path = "/dev/full";
	bench_open(&bench);
	send_some(&bench, 3);
	UNTIL(&bench, state_of(&bench).trouble[0]);
	assert_non_null(strstr(state_of(&bench).trouble, "No space left"));
	assert_int_equal(state_of(&bench).queued_count, 3);
	bench_free(&bench);
}

static void standard_output(void **state)
{
	struct bench bench;
	int own = dup(STDOUT_FILENO), fds[2];
	struct strbuf got;
	char buffer[65536];
	size_t at = 0;
	ssize_t n;
	unsigned confirmed;

	(void)state;
	fflush(stdout);
	assert_int_equal(pipe(fds), 0);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	dup2(fds[1], STDOUT_FILENO);
	close(fds[1]);
	strbuf_init(&got, 1 << 30);
	bench_new(&bench, TRANSPORT_STDOUT);
	bench.options.framing = FRAMING_LF;
	bench_open(&bench);
	send_some(&bench, 500); /* more than a pipe takes: it must not block the loop */
	for (int i = 0; i < 20; i++)
		turn(&bench);
	confirmed = bench.confirmed;
	while (bench.confirmed < 500) {
		turn(&bench);
		while ((n = read(fds[0], buffer, sizeof(buffer))) > 0)
			strbuf_add(&got, buffer, (size_t)n);
	}
	while ((n = read(fds[0], buffer, sizeof(buffer))) > 0)
		strbuf_add(&got, buffer, (size_t)n);
	/* The reader goes away: an error, not a signal. */
	close(fds[0]);
	send_some(&bench, 1);
	UNTIL(&bench, state_of(&bench).trouble[0]);
	dup2(own, STDOUT_FILENO);
	close(own);
	assert_in_range(confirmed, 1, 499);
	for (long id = 0; id < 500; id++)
		assert_int_equal(next_message(&got, FRAMING_LF, &at), id);
	assert_non_null(strstr(state_of(&bench).trouble, "Broken pipe"));
	assert_int_equal(bench.confirmed, 500);
	strbuf_clear(&got);
	bench_free(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_grow_and_rotate),
		cmocka_unit_test(a_new_file_begins_before_one_is_too_large),
		cmocka_unit_test(a_new_file_begins_in_a_new_period),
		cmocka_unit_test(what_cannot_rotate_grows_on),
		cmocka_unit_test(reopened_on_demand),
		cmocka_unit_test(half_a_line_stays_alone),
		cmocka_unit_test(full_disk_loses_nothing),
		cmocka_unit_test(standard_output),
	};

	return cmocka_run_group_tests(tests, bench_setup, bench_teardown);
}
