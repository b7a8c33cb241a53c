/* test_failover.c - several addresses and connections: which one is used, and that moving loses nothing. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "destination_bench.h"

static void next_address_at_once(void **state)
{
	struct bench bench;
	struct collector nobody;
	char dead[64];
	int64_t start;

	(void)state;
	bench_new(&bench, TRANSPORT_TCP);
	bench_listen(&bench, NULL, 0);
	collector_start(&nobody, NULL, 0);
	collector_deaf(&nobody);
	snprintf(dead, sizeof(dead), "127.0.0.1:%d", nobody.port);
	bench.options.addresses[0] = dead;
	bench.options.addresses[1] = bench.address;
	bench.options.address_count = 2;
	bench_open(&bench);
	start = loop_now_ms(bench.loop);
	send_some(&bench, 2);
	UNTIL(&bench, bench.confirmed == 2);
	assert_true(loop_now_ms(bench.loop) - start < 9000);
	assert_string_equal(state_of(&bench).address, bench.address);
	/* It comes back there after a break. */
	collector_close(&bench.collector, false);
	send_some(&bench, 2);
	UNTIL(&bench, bench.confirmed == 4);
	assert_int_equal(check_all(&bench, 4), 0);
	bench_free(&bench);
	collector_stop(&nobody);
}

/* The first address is used again when it works, and that loses and repeats nothing. */
static void returns_to_the_first_address(void **state)
{
	struct bench bench;
	struct collector *second;
	struct collector_stream *stream;

	(void)state;
	for (int tls = 0; tls < 2; tls++) {
		bench_new(&bench, tls ? TRANSPORT_TLS : TRANSPORT_TCP);
		bench_listen(&bench,
			tls ? certs_server(bench_directory, "server", NULL) : NULL, 0);
		second = bench_listen_too(&bench,
			tls ? certs_server(bench_directory, "server", NULL) : NULL);
		stream = &second->streams[0];
		collector_deaf(&bench.collector);
		bench_open(&bench);
		send_some(&bench, 100);
		UNTIL(&bench, bench.confirmed == 100);
		assert_string_equal(state_of(&bench).address, bench.other_addresses[0]);
		assert_string_equal(state_of(&bench).trouble, "");
		assert_non_null(strstr(state_of(&bench).passed_over, "refused"));
		collector_listen(&bench.collector);
		while (!bench.collector.count ||
			strcmp(state_of(&bench).address, bench.address) != 0) {
			if (bench.next < 3000)
				send_some(&bench, 20);
			turn(&bench);
		}
		send_some(&bench, 100);
		UNTIL(&bench, destination_idle(bench.destination));
		assert_int_equal(check_all(&bench, bench.next), 0);
		assert_int_equal(state_of(&bench).resent, 0);
		assert_int_equal(state_of(&bench).breaks, 0);
		assert_string_equal(state_of(&bench).passed_over, "");
		assert_true(bench.collector.streams[0].got.n > 0);
		assert_int_equal(second->count, 1);
		assert_int_equal(stream->fd, -1);
		assert_true(tls ? stream->close_notify : stream->fin);
		assert_int_equal(log_count(&bench, "warning"), 1);
		assert_int_equal(log_count(&bench, "works again"), 1);
		bench_free(&bench);
	}
}

/* A collector that does not read when its better is back has broken: nothing is lost with it. */
static void returns_from_one_that_does_not_read(void **state)
{
	struct bench bench;
	struct collector *second;

	(void)state;
	for (int tls = 0; tls < 2; tls++) {
		bench_new(&bench, tls ? TRANSPORT_TLS : TRANSPORT_TCP);
		bench.options.connect_timeout_ms = 500;
		bench_listen(&bench,
			tls ? certs_server(bench_directory, "server", NULL) : NULL, 0);
		second = bench_listen_too(&bench,
			tls ? certs_server(bench_directory, "server", NULL) : NULL);
		collector_deaf(&bench.collector);
		bench_open(&bench);
		send_some(&bench, 1);
		UNTIL(&bench, bench.confirmed == 1);
		second->reads = false;
		send_some(&bench, 50);
		UNTIL(&bench, bench.confirmed == 51); /* by its kernel */
		collector_listen(&bench.collector);
		UNTIL(&bench, strcmp(state_of(&bench).address, bench.address) == 0 &&
				      destination_idle(bench.destination));
		collector_close(second, false); /* it never reads */
		assert_true(check_all(&bench, 51) <= 1);
		assert_int_equal(state_of(&bench).breaks, 1);
		bench_free(&bench);
	}
}

static void end_somehow(struct collector *collector)
{
	if (!collector->count || collector->streams[collector->count - 1].fd < 0)
		return;
	if (random() % 2)
		collector_reset(collector);
	else
		collector_close(collector, random() % 2);
}

/* Sends now and then for so long. */
static void pass(struct bench *bench, int64_t ms)
{
	int64_t end = loop_now_ms(bench->loop) + ms;

	while (loop_now_ms(bench->loop) < end) {
		if (random() % 8 == 0 && bench->next < MESSAGES)
			for (long i = random() % 8; i >= 0 && bench->next < MESSAGES;
				i--)
				send_some(bench, 1);
		turn(bench);
	}
}

/* Two collectors come, go and stall at random: also while one is left for the other. */
static void failover_loses_nothing(void **state)
{
	struct bench bench;

	(void)state;
	srandom(4711);
	for (int tls = 0; tls < 2; tls++) {
		struct collector *both[2];

		bench_new(&bench, tls ? TRANSPORT_TLS : TRANSPORT_TCP);
		bench.options.settle_ms = 10;
		bench.options.connect_timeout_ms = 1000;
		bench_listen(&bench,
			tls ? certs_server(bench_directory, "server", NULL) : NULL,
			20000);
		both[0] = &bench.collector;
		both[1] = bench_listen_too(&bench,
			tls ? certs_server(bench_directory, "server", NULL) : NULL);
		bench_open(&bench);
		for (unsigned round = 0; round < 8; round++) {
			struct collector *one = both[random() % 3 == 0];

			if (random() % 3 == 0) {
				one->reads = false;
				pass(&bench, random() % 300);
			}
			if (random() % 3) {
				collector_deaf(one);
				end_somehow(one);
				pass(&bench, random() % 400);
				collector_listen(one);
			}
			one->reads = true;
			/* Some of these are long enough to return in. */
			pass(&bench, random() % (round % 3 ? 500 : 2500));
		}
		UNTIL(&bench, destination_idle(bench.destination));
		check_all(&bench, bench.next);
		bench_free(&bench);
	}
}

/* Each customer keeps to one connection; what a connection leaves goes another way, in order. */
static void connections_share_the_customers(void **state)
{
	struct bench bench;

	(void)state;
	bench_new(&bench, TRANSPORT_TCP);
	bench.customers = 16;
	bench.options.connections = 3;
	bench_listen(&bench, NULL, 0);
	bench_listen_too(&bench, NULL);
	bench_listen_too(&bench, NULL);
	bench_open(&bench);
	send_some(&bench, 480);
	UNTIL(&bench, bench.confirmed == 480);
	assert_int_equal(check_all(&bench, 480), 0);
	assert_int_equal(state_of(&bench).connections, 3);
	assert_int_equal(state_of(&bench).sent, 480);
	for (size_t c = 0; c < COLLECTORS; c++) {
		struct collector *one = c ? &bench.others[c - 1] : &bench.collector;

		assert_int_equal(one->count, 1);
		assert_in_range(
			one->streams[0].got.n, 1, state_of(&bench).wire_bytes / 2);
	}
	/* The second one goes: its customers' messages arrive by the third, and later by it again. */
	collector_deaf(&bench.others[0]);
	collector_reset(&bench.others[0]);
	send_some(&bench, 480);
	UNTIL(&bench, bench.confirmed == 960);
	assert_int_equal(bench.others[1].count, 2);
	collector_listen(&bench.others[0]);
	UNTIL(&bench, bench.others[0].count == 2 && bench.others[1].streams[1].fd < 0);
	send_some(&bench, 480);
	UNTIL(&bench, bench.confirmed == 1440);
	check_all(&bench, 1440);
	assert_true(bench.others[0].streams[1].got.n > 0);
	assert_int_equal(bench.collector.count, 1);
	assert_true(destination_idle(bench.destination));
	bench_free(&bench);
}

static size_t open_descriptors(void)
{
	DIR *directory_of_them = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(directory_of_them);
	while (readdir(directory_of_them))
		count++;
	closedir(directory_of_them);
	return count;
}

/* Each connection breaks after it has proved itself, so that the next one comes at once. */
static void reconnects_leave_nothing(void **state)
{
	enum { RECONNECTS = 500 }; /* each */
	struct bench bench;
	struct collector *collector = &bench.collector;
	size_t descriptors = 0, octets = 0;

	(void)state;
	for (int tls = 0; tls < 2; tls++) {
		bench_new(&bench, tls ? TRANSPORT_TLS : TRANSPORT_TCP);
		bench.options.settle_ms = 0;
		bench.options.tail_bytes = 0;
		bench_listen(&bench,
			tls ? certs_server(bench_directory, "server", NULL) : NULL, 0);
		bench_open(&bench);
		for (unsigned i = 0; i < RECONNECTS; i++) {
			send_some(&bench, 1);
			UNTIL(&bench, bench.confirmed == i + 1);
			if (i % 25)
				collector_reset(collector);
			else
				collector_close(collector, i % 2);
			strbuf_clear(&collector->streams[0].got);
			collector->count = 0; /* there is room for few */
			UNTIL(&bench,
				collector->count && state_of(&bench).connects == i + 2);
			if (i == RECONNECTS / 2 - 1) {
				descriptors = open_descriptors();
				octets = mallinfo2().uordblks;
			}
		}
		assert_int_equal(open_descriptors(), descriptors);
		assert_in_range(mallinfo2().uordblks, 0, octets + 50000);
		bench_free(&bench);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(next_address_at_once),
		cmocka_unit_test(returns_to_the_first_address),
		cmocka_unit_test(returns_from_one_that_does_not_read),
		cmocka_unit_test(failover_loses_nothing),
		cmocka_unit_test(connections_share_the_customers),
		cmocka_unit_test(reconnects_leave_nothing),
	};

	return cmocka_run_group_tests(tests, bench_setup, bench_teardown);
}
