/* bench_store.c - cost of one alert in the state: was it seen, and remember it, in group commits.
 *
 * Usage: bench_store DIRECTORY [ALERTS [PER_COMMIT [FEEDS [random]]]]
 * Defender's ids begin with a time, so they come nearly in order; `random` is the worst case. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/store.h"

#define CHECK(call)                                                                    \
	do                                                                             \
		if ((call) != RC_OK) {                                                 \
			fprintf(stderr, "%s\n", err.text);                             \
			exit(1);                                                       \
		}                                                                      \
	while (0)

static struct error err;

static bool random_ids;

static void alert_text(char *out, size_t size, long i)
{
	unsigned long hash = ((unsigned long)i * 2654435761) & 0xffffffff;

	if (random_ids)
		snprintf(out, size, "ad%08lx-%04lx-%012lu_1", hash, i & 0xffff, i * 77);
	else
		snprintf(out, size, "da%018lu_%ld",
			637551227677560813 + (unsigned long)i * 1234567,
			(long)hash - 2147483648);
}

static double cpu_us(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

int main(int argc, char **argv)
{
	long alerts = argc > 2 ? strtol(argv[2], NULL, 10) : 200000;
	long per_commit = argc > 3 ? strtol(argv[3], NULL, 10) : 1000;
	long feeds = argc > 4 ? strtol(argv[4], NULL, 10) : 1;
	double in_store_us = 0, in_commit_us = 0, cpu, seconds;
	struct store *store;
	struct stat st;
	int64_t *ids = calloc((size_t)feeds, sizeof(*ids)), cursor, start;
	char path[4096], alert[64];

	random_ids = argc > 5;
	if (argc < 2 || !ids || per_commit < 1 || feeds < 1)
		return 2;
	snprintf(path, sizeof(path), "%s/bench-state.db", argv[1]);
	CHECK(store_open_sqlite(path, &clock_system, &store, &err));
	CHECK(store_begin(store, &err));
	for (long i = 0; i < feeds; i++) {
		snprintf(alert, sizeof(alert), "tenant-%ld/graph-alerts/soc", i);
		CHECK(store_feed(store, alert, &ids[i], &cursor, &err));
	}
	CHECK(store_commit(store, &err));
	cpu = cpu_us();
	for (long i = 0; i < alerts;) {
		long end = i + per_commit < alerts ? i + per_commit : alerts;

		start = clock_wall(&clock_system);
		/* As the relay does: a page is looked up, and confirmed some turns later. */
		for (long k = i; k < end; k++) {
			uint64_t version;
			bool found;

			alert_text(alert, sizeof(alert), k);
			CHECK(store_seen(store, ids[k % feeds], alert, strlen(alert),
				&found, &version, &err));
		}
		CHECK(store_begin(store, &err));
		for (; i < end; i++) {
			alert_text(alert, sizeof(alert), i);
			CHECK(store_put_seen(store, ids[i % feeds], alert,
				strlen(alert), (uint64_t)i, i, &err));
		}
		CHECK(store_put_cursor(store, ids[i % feeds], i, &err));
		in_store_us += (double)(clock_wall(&clock_system) - start) / 10;
		start = clock_wall(&clock_system);
		CHECK(store_commit(store, &err));
		in_commit_us += (double)(clock_wall(&clock_system) - start) / 10;
	}
	cpu = cpu_us() - cpu;
	printf("%ld alerts, %ld a commit, %ld feeds; an alert: CPU %.2f us; wall: "
	       "lookup + put "
	       "%.2f us, commit %.2f us; a commit %.0f us\n",
		alerts, per_commit, feeds, cpu / (double)alerts,
		in_store_us / (double)alerts, in_commit_us / (double)alerts,
		in_commit_us / (double)((alerts + per_commit - 1) / per_commit));
	store_close(store);
	if (!stat(path, &st))
		printf("file %.1f MB, %.0f octets an alert\n", (double)st.st_size / 1e6,
			(double)st.st_size / (double)alerts);
	start = clock_wall(&clock_system);
	CHECK(store_open_sqlite(path, &clock_system, &store, &err));
	seconds = (double)(clock_wall(&clock_system) - start) / 1e7;
	printf("opening with its check %.3f s\n", seconds);
	for (bool more = true; more;) {
		start = clock_wall(&clock_system);
		CHECK(store_prune(store, 0, 1000, &more, &err));
		if ((double)(clock_wall(&clock_system) - start) / 10 > seconds)
			seconds = (double)(clock_wall(&clock_system) - start) / 10;
	}
	printf("longest pruning step of 1000 rows %.0f us\n", seconds);
	store_close(store);
	unlink(path);
	free(ids);
	return 0;
}
