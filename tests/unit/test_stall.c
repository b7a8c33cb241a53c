/* test_stall.c - collectors that fall silent or take nothing: noticed, left where another is there, lost
 * nothing with. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/filter.h>
#include <string.h>
#include <sys/socket.h>

#include "destination_bench.h"

/* What comes for this socket is thrown away before TCP sees it: its host is gone. */
static void host_dies(struct collector *collector)
{
	struct sock_filter nothing[] = {{BPF_RET | BPF_K, 0, 0, 0}};
	const struct sock_fprog filter = {1, nothing};

	assert_int_equal(setsockopt(collector->streams[collector->count - 1].fd,
				 SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)),
		0);
}

/* Noticed in dead_after, with messages under way and without; then the next one is used. */
static void silent_host_is_noticed(void **state)
{
	struct bench bench;
	int64_t start;

	(void)state;
	for (int idle = 0; idle < 2; idle++) {
		bench_new(&bench, TRANSPORT_TCP);
		bench.options.dead_after_ms = 2000;
		bench_listen(&bench, NULL, 0);
		bench_open(&bench);
		send_some(&bench, 10);
		UNTIL(&bench, bench.confirmed == 10);
		host_dies(&bench.collector);
		start = loop_now_ms(bench.loop);
		if (!idle)
			send_some(&bench, 10);
		UNTIL(&bench, bench.collector.count == 2);
		assert_true(loop_now_ms(bench.loop) - start >= 1500);
		assert_true(loop_now_ms(bench.loop) - start < 2000 + 9000);
		if (idle)
			send_some(&bench, 10);
		UNTIL(&bench, bench.confirmed == 20);
		check_all(&bench, 20);
		assert_int_equal(state_of(&bench).breaks, 1);
		bench_free(&bench);
	}
}

/* The first collector takes one message, and of so many more only what the kernels hold. */
static void stops_reading(struct bench *bench, unsigned more)
{
	send_some(bench, 1);
	UNTIL(bench, bench->confirmed == 1);
	bench->collector.reads = false;
	send_some(bench, more);
}

/* The only one takes nothing for so long, while messages wait. */
static void stall(struct bench *bench, int64_t ms)
{
	int64_t end;

	stops_reading(bench, 2000);
	end = loop_now_ms(bench->loop) + ms;
	UNTIL(bench, loop_now_ms(bench->loop) > end);
}

/* It reads again, on the connection that it had. */
static void stall_ends(struct bench *bench)
{
	bench->collector.reads = true;
	UNTIL(bench, destination_idle(bench->destination));
	assert_int_equal(bench->collector.count, 1);
}

/* A window that stays closed is no silence: its host answers. */
static void closed_window_is_no_silence(void **state)
{
	struct bench bench;

	(void)state;
	bench_new(&bench, TRANSPORT_TCP);
	bench.options.dead_after_ms = 1000;
	bench_listen(&bench, NULL, 8000);
	bench_open(&bench);
	stall(&bench, 4000);
	assert_int_equal(state_of(&bench).breaks, 0);
	stall_ends(&bench);
	assert_int_equal(check_all(&bench, 2001), 0);
	bench_free(&bench);
}

static bool uses(struct bench *bench, const char *address)
{
	return strcmp(state_of(bench).address, address) == 0;
}

/* One that takes nothing is left for another that does, and is not trusted again at once although it
 * takes connections; one that reads again is used again, and nothing is lost on the way. */
static void stalled_collector_is_left(void **state)
{
	struct bench bench;

	(void)state;
	for (int tls = 0; tls < 2; tls++) {
		int64_t left, back;

		bench_new(&bench, tls ? TRANSPORT_TLS : TRANSPORT_TCP);
		bench.options.dead_after_ms = 1000;
		bench_listen(&bench,
			tls ? certs_server(bench_directory, "server", NULL) : NULL,
			8000);
		bench_listen_too(&bench,
			tls ? certs_server(bench_directory, "server", NULL) : NULL);
		bench_open(&bench);
		stops_reading(&bench, 2000);
		UNTIL(&bench, uses(&bench, bench.other_addresses[0]));
		left = loop_now_ms(bench.loop);
		assert_int_equal(log_count(&bench, "has taken nothing for 1 s"), 1);
		assert_int_equal(log_count(&bench, "another address of a dest"), 1);
		UNTIL(&bench, destination_idle(bench.destination));
		/* Not before two times dead_after have passed, less what the test is late. */
		UNTIL(&bench, uses(&bench, bench.address));
		back = loop_now_ms(bench.loop);
		assert_true(back - left >= 1500);
		send_some(&bench, 2000);
		UNTIL(&bench, uses(&bench, bench.other_addresses[0]));
		left = loop_now_ms(bench.loop);
		UNTIL(&bench, destination_idle(bench.destination));
		bench.collector.reads = true;
		UNTIL(&bench, uses(&bench, bench.address));
		assert_true(loop_now_ms(bench.loop) - left >= 3500);
		send_some(&bench, 2000);
		UNTIL(&bench, destination_idle(bench.destination));
		assert_true(uses(&bench, bench.address));
		check_all(&bench, bench.next);
		bench_free(&bench);
	}
}

/* Where all stall they are not tried in turn for ever; whichever reads first gets everything. */
static void all_stalled_are_waited_for(void **state)
{
	struct bench bench;
	struct collector *second;
	int64_t end;

	(void)state;
	bench_new(&bench, TRANSPORT_TCP);
	bench.options.dead_after_ms = 1000;
	bench_listen(&bench, NULL, 8000);
	second = bench_listen_too(&bench, NULL);
	bench_open(&bench);
	second->reads = false;
	stops_reading(&bench, 8000);
	end = loop_now_ms(bench.loop) + 8000;
	UNTIL(&bench, loop_now_ms(bench.loop) > end);
	/* The first, the second, and after two and four times dead_after again. */
	assert_in_range(state_of(&bench).connects, 2, 4);
	bench.collector.reads = second->reads = true;
	UNTIL(&bench, destination_idle(bench.destination));
	check_all(&bench, bench.next);
	bench_free(&bench);
}

/* One that stalled and reads again stays in use when nobody else is there. */
static void stalled_collector_is_kept_when_alone(void **state)
{
	struct bench bench;

	(void)state;
	bench_new(&bench, TRANSPORT_TCP);
	bench.options.dead_after_ms = 1000;
	bench_listen(&bench, NULL, 8000);
	collector_deaf(bench_listen_too(&bench, NULL));
	bench_open(&bench);
	stall(&bench, 3000);
	assert_true(state_of(&bench).connected);
	assert_non_null(strstr(state_of(&bench).passed_over, "no collector listens"));
	stall_ends(&bench);
	assert_string_equal(state_of(&bench).passed_over, "");
	assert_int_equal(check_all(&bench, bench.next), 0);
	bench_free(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silent_host_is_noticed),
		cmocka_unit_test(closed_window_is_no_silence),
		cmocka_unit_test(stalled_collector_is_left),
		cmocka_unit_test(all_stalled_are_waited_for),
		cmocka_unit_test(stalled_collector_is_kept_when_alone),
	};

	return cmocka_run_group_tests(tests, bench_setup, bench_teardown);
}
