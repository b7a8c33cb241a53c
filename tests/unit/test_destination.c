/* test_destination.c - destinations against real sockets and real TLS: order, turns, what is confirmed,
 * and what breaks may not lose. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "destination_bench.h"

static void in_order_over_tcp(void **state)
{
	struct bench bench;

	(void)state;
	for (int framing = FRAMING_OCTET; framing <= FRAMING_LF; framing++) {
		bench_new(&bench, TRANSPORT_TCP);
		bench.options.framing = (enum framing)framing;
		bench_listen(&bench, NULL, 0);
		bench_open(&bench);
		assert_true(destination_idle(bench.destination));
		send_some(&bench, 500);
		assert_false(destination_idle(bench.destination));
		UNTIL(&bench, bench.confirmed == 500);
		assert_int_equal(check_all(&bench, 500), 0);
		assert_int_equal(bench.collector.count, 1);
		assert_true(destination_idle(bench.destination));
		assert_int_equal(state_of(&bench).resent, 0);
		assert_int_equal(
			state_of(&bench).wire_bytes, bench.collector.streams[0].got.n);
		assert_int_equal(state_of(&bench).queued_bytes, 0);
		bench_free(&bench);
	}
}

static void lone_message_waits_one_turn(void **state)
{
	struct bench bench;

	(void)state;
	bench_new(&bench, TRANSPORT_TCP);
	bench_listen(&bench, NULL, 0);
	bench_open(&bench);
	send_some(&bench, 1);
	UNTIL(&bench, bench.confirmed == 1);
	for (unsigned i = 1; i < 10; i++) {
		uint64_t before = state_of(&bench).wire_bytes;

		send_some(&bench, 1);
		assert_int_equal(loop_turn(bench.loop, -1, NULL), RC_OK);
		assert_int_equal(state_of(&bench).wire_bytes, before);
		assert_int_equal(loop_turn(bench.loop, -1, NULL), RC_OK);
		assert_int_equal(
			state_of(&bench).wire_bytes, before + bench.last_queued);
	}
	UNTIL(&bench, bench.confirmed == 10);
	check_all(&bench, 10);
	bench_free(&bench);
}

/* One a turn: they leave together when no more come. */
static void messages_of_some_turns_share_a_record(void **state)
{
	struct bench bench;
	uint64_t before;
	size_t records;

	(void)state;
	bench_new(&bench, TRANSPORT_TLS);
	bench_listen(&bench, certs_server(bench_directory, "server", NULL), 0);
	bench_open(&bench);
	send_some(&bench, 1);
	UNTIL(&bench, bench.confirmed == 1);
	records = bench.collector.streams[0].records;
	before = state_of(&bench).wire_bytes;
	for (int i = 0; i < 5; i++) {
		send_some(&bench, 1);
		assert_int_equal(loop_turn(bench.loop, -1, NULL), RC_OK);
		assert_int_equal(state_of(&bench).wire_bytes, before);
	}
	UNTIL(&bench, bench.confirmed == 6);
	assert_int_equal(bench.collector.streams[0].records, records + 1);
	check_all(&bench, 6);
	bench_free(&bench);
}

static void settle_time_is_kept(void **state)
{
	struct bench bench;
	uint64_t sent_bytes;
	int64_t sent;

	(void)state;
	bench_new(&bench, TRANSPORT_TCP);
	bench.options.settle_ms = 300;
	bench_listen(&bench, NULL, 0);
	bench_open(&bench);
	sent = loop_now_ms(bench.loop);
	send_some(&bench, 3);
	UNTIL(&bench, bench.confirmed == 3);
	assert_true(bench.confirmed_at_ms[0] - sent >= 300);
	assert_true(bench.confirmed_at_ms[0] - sent < 300 + 9000);
	/* A collector that ends within the settle time has confirmed nothing. */
	sent_bytes = state_of(&bench).wire_bytes;
	send_some(&bench, 3);
	UNTIL(&bench,
		bench.collector.streams[0].got.n >= sent_bytes + 3 * bench.last_queued);
	collector_close(&bench.collector, false);
	UNTIL(&bench, bench.confirmed == 6);
	assert_int_equal(bench.collector.count, 2);
	assert_int_equal(check_all(&bench, 6), 3); /* exactly these three again */
	assert_int_equal(state_of(&bench).resent, 3);
	assert_int_equal(state_of(&bench).breaks, 1);
	bench_free(&bench);
}

/* Breaks of all kinds in the middle of a stream, also torn messages: nothing is lost. */
static void breaks_lose_nothing(bool tls)
{
	struct bench bench;
	unsigned round = 0;

	bench_new(&bench, tls ? TRANSPORT_TLS : TRANSPORT_TCP);
	bench.options.settle_ms = 20;
	bench_listen(&bench, tls ? certs_server(bench_directory, "server", NULL) : NULL,
		20000);
	bench_open(&bench);
	srandom(42);
	while (bench.next < 2000 || round < 10 || bench.confirmed < bench.next) {
		unsigned last = bench.confirmed;
		size_t count = bench.collector.count;
		bool open = count && bench.collector.streams[count - 1].fd >= 0;

		if ((bench.next < 2000 || round < 10) && (open || !count))
			send_some(&bench, (unsigned)random() % 60 + 1);
		for (long i = random() % 30; i >= 0; i--)
			turn(&bench);
		if (round >= 24 || random() % 8 || !open)
			continue;
		if (round % 4 == 0) {
			collector_close(&bench.collector, true);
		} else if (round % 4 == 1) {
			collector_close(&bench.collector, false);
		} else if (round % 4 == 2) {
			collector_reset(&bench.collector);
		} else {
			/* It stalls with unread octets in its buffer until the settle time is long
			 * over, and dies. */
			bench.collector.reads = false;
			send_some(&bench, 30);
			for (int i = 0; i < 40 || bench.confirmed != last; i++) {
				last = bench.confirmed;
				turn(&bench);
			}
			collector_close(&bench.collector, false);
			bench.collector.reads = true;
		}
		round++;
	}
	UNTIL(&bench, destination_idle(bench.destination));
	check_all(&bench, bench.next);
	assert_true(state_of(&bench).resent > 0);
	assert_int_equal(state_of(&bench).confirmed, bench.next);
	bench_free(&bench);
}

static void tcp_breaks_lose_nothing(void **state)
{
	(void)state;
	breaks_lose_nothing(false);
}

static void tls_breaks_lose_nothing(void **state)
{
	(void)state;
	breaks_lose_nothing(true);
}

static void tail_is_bounded(void **state)
{
	struct bench bench;

	(void)state;
	bench_new(&bench, TRANSPORT_TCP);
	bench.options.tail_bytes = 10000;
	bench_listen(&bench, NULL, 0);
	bench_open(&bench);
	send_some(&bench, 1000);
	UNTIL(&bench, bench.confirmed == 1000);
	UNTIL(&bench, state_of(&bench).kept_bytes < 10000 + bench.last_queued);
	assert_true(state_of(&bench).kept_bytes >= 10000);
	bench_free(&bench);
}

/* A collector that takes all its kernel can hold, reads none of it until the settle time is over, and
 * dies, perhaps with a FIN before: what was confirmed and lost with it goes again. */
static void unread_messages_go_again(bool shuts)
{
	static const int buffers[] = {0, 8000, 20000, 200000};
	struct bench bench;

	for (int i = 0; i < 8; i++) {
		uint64_t before;
		unsigned confirmed;
		int64_t end;

		bench_new(&bench, i % 2 ? TRANSPORT_TLS : TRANSPORT_TCP);
		bench.options.settle_ms = 20;
		bench_listen(&bench,
			i % 2 ? certs_server(bench_directory, "server", NULL) : NULL,
			buffers[i / 2]);
		bench_open(&bench);
		send_some(&bench, 1);
		UNTIL(&bench, bench.confirmed == 1);
		bench.collector.reads = false;
		send_some(&bench, 1000);
		end = loop_now_ms(bench.loop) + 300;
		UNTIL(&bench, loop_now_ms(bench.loop) > end);
		confirmed = bench.confirmed;
		assert_in_range(confirmed, 1, 999); /* 1: no whole record fits */
		assert_true(state_of(&bench).kept_bytes > 0);
		if (shuts) {
			collector_shut(&bench.collector);
			end = loop_now_ms(bench.loop) + 20;
			UNTIL(&bench, loop_now_ms(bench.loop) > end);
		}
		collector_close(&bench.collector, false); /* with unread octets: RST */
		bench.collector.reads = true;
		UNTIL(&bench, bench.confirmed == bench.next);
		assert_int_equal(bench.collector.count, 2);
		check_all(&bench, bench.next);
		before = state_of(&bench).resent;
		assert_true(before >= confirmed - 1);
		/* After a FIN nothing that was confirmed goes again. */
		collector_close(&bench.collector, false);
		UNTIL(&bench, bench.collector.count == 3);
		send_some(&bench, 1);
		UNTIL(&bench, bench.confirmed == bench.next);
		assert_int_equal(state_of(&bench).resent, before);
		bench_free(&bench);
	}
}

static void messages_acknowledged_but_not_read_go_again(void **state)
{
	(void)state;
	unread_messages_go_again(false);
}

static void messages_not_read_go_again_after_a_fin_too(void **state)
{
	(void)state;
	unread_messages_go_again(true);
}

/* It shuts the connection down with messages unread, and closes it long after the next one works. */
static void messages_not_read_go_again_long_after_a_fin(void **state)
{
	struct bench bench;

	(void)state;
	for (int tls = 0; tls < 2; tls++) {
		struct collector_stream *first = &bench.collector.streams[0];
		unsigned confirmed;
		int64_t end;

		bench_new(&bench, tls ? TRANSPORT_TLS : TRANSPORT_TCP);
		bench.options.settle_ms = 20;
		bench.options.dead_after_ms = 10000;
		bench_listen(&bench,
			tls ? certs_server(bench_directory, "server", NULL) : NULL, 0);
		bench_open(&bench);
		send_some(&bench, 1);
		UNTIL(&bench, bench.confirmed == 1);
		first->stuck = true;
		for (int i = 0; i < 50; i++) {
			send_some(&bench, 20);
			turn(&bench);
		}
		end = loop_now_ms(bench.loop) + 300;
		UNTIL(&bench, loop_now_ms(bench.loop) > end);
		confirmed = bench.confirmed;
		assert_in_range(confirmed, 2, 999);
		shutdown(first->fd, SHUT_RDWR);
		UNTIL(&bench, destination_idle(bench.destination));
		assert_int_equal(bench.collector.count, 2);
		assert_true(state_of(&bench).doubtful_bytes > 0);
		send_some(&bench, 10);
		end = loop_now_ms(bench.loop) + 800;
		UNTIL(&bench, loop_now_ms(bench.loop) > end);
		assert_int_equal(bench.confirmed, 1011);
		assert_int_equal(log_count(&bench, "without reading all"), 0);
		collector_drop(first);
		UNTIL(&bench, log_count(&bench, "without reading all") == 1);
		assert_int_equal(state_of(&bench).doubtful_bytes, 0);
		send_some(&bench, 1);
		UNTIL(&bench, bench.confirmed == 1012);
		assert_int_equal(bench.collector.count, 2); /* it was not disturbed */
		check_all(&bench, 1012);
		bench_free(&bench);
	}
}

/* Nothing new comes after the break: what was kept goes again, and that it arrives is said. */
static void what_was_kept_says_that_it_works(void **state)
{
	struct bench bench;

	(void)state;
	bench_new(&bench, TRANSPORT_TCP);
	bench.options.settle_ms = 1500; /* longer than a connection is on trial */
	bench_listen(&bench, NULL, 0);
	bench_open(&bench);
	send_some(&bench, 1);
	UNTIL(&bench, bench.confirmed == 1);
	bench.collector.reads = false;
	send_some(&bench, 30);
	UNTIL(&bench, bench.confirmed == 31); /* by its kernel */
	collector_close(&bench.collector, false);
	bench.collector.reads = true;
	UNTIL(&bench, state_of(&bench).resent >= 30);
	assert_true(state_of(&bench).trouble[0]);
	UNTIL(&bench, !state_of(&bench).trouble[0]);
	check_all(&bench, 31);
	bench_free(&bench);
}

/* What ends in order leaves nothing to doubt once the time is over, and at most so much before. */
static void ended_connections_are_given_up(void **state)
{
	struct bench bench;

	(void)state;
	bench_new(&bench, TRANSPORT_TCP);
	bench.options.settle_ms = 20;
	bench.options.dead_after_ms = 1500;
	bench.options.tail_bytes = 20000;
	bench_listen(&bench, NULL, 0);
	bench_open(&bench);
	for (unsigned i = 1; i <= 6; i++) {
		send_some(&bench, 10);
		UNTIL(&bench, bench.confirmed == 10 * i);
		collector_close(&bench.collector, false);
		UNTIL(&bench, bench.collector.count == i + 1 &&
				      state_of(&bench).connects == i + 1);
		assert_in_range(state_of(&bench).doubtful_bytes, 9000, 20000);
	}
	UNTIL(&bench, !state_of(&bench).doubtful_bytes);
	assert_int_equal(state_of(&bench).resent, 0);
	assert_int_equal(check_all(&bench, 60), 0);
	bench_free(&bench);
}

static void slow_collector_is_waited_for(void **state)
{
	struct bench bench;
	int64_t end;

	(void)state;
	bench_new(&bench, TRANSPORT_TLS);
	bench_listen(&bench, certs_server(bench_directory, "server", NULL), 8000);
	bench_open(&bench);
	send_some(&bench, 1);
	UNTIL(&bench, bench.confirmed == 1);
	bench.collector.reads = false;
	for (int i = 0; i < 100; i++)
		send_sized(&bench, 60000);
	end = loop_now_ms(bench.loop) + 500;
	UNTIL(&bench, loop_now_ms(bench.loop) > end);
	assert_true(state_of(&bench).queued_count > 50);
	assert_true(state_of(&bench).connected);
	bench.collector.reads = true;
	UNTIL(&bench, destination_idle(bench.destination));
	assert_int_equal(bench.collector.count, 1);
	assert_int_equal(check_all(&bench, bench.next), 0);
	bench_free(&bench);
}

static void refused_is_said_once_and_recovery_too(void **state)
{
	struct bench bench;
	int64_t end;

	(void)state;
	bench_new(&bench, TRANSPORT_TCP);
	bench_listen(&bench, NULL, 0);
	collector_deaf(&bench.collector);
	bench_open(&bench);
	send_some(&bench, 7);
	end = loop_now_ms(bench.loop) + 1200; /* several attempts */
	UNTIL(&bench, loop_now_ms(bench.loop) > end);
	assert_non_null(strstr(state_of(&bench).trouble, "refused"));
	assert_int_equal(log_count(&bench, "warning"), 1);
	assert_int_equal(log_count(&bench, "Connection refused"), 1);
	collector_listen(&bench.collector);
	UNTIL(&bench, bench.confirmed == 7);
	assert_string_equal(state_of(&bench).trouble, "");
	assert_int_equal(log_count(&bench, "takes alerts again"), 1);
	assert_int_equal(check_all(&bench, 7), 0);
	bench_free(&bench);
}

/* Accepts, takes, and closes at once, for ever: that is no working collector, and no busy loop. */
static void collector_that_closes_at_once(void **state)
{
	struct bench bench;
	int64_t end;

	(void)state;
	bench_new(&bench, TRANSPORT_TCP);
	bench_listen(&bench, NULL, 0);
	bench_open(&bench);
	send_some(&bench, 1);
	end = loop_now_ms(bench.loop) + 1000;
	while (loop_now_ms(bench.loop) < end ||
		(bench.collector.count < 2 &&
			loop_now_ms(bench.loop) < end + DEADLINE_MS)) {
		turn(&bench);
		if (bench.collector.count &&
			bench.collector.streams[bench.collector.count - 1].fd >= 0)
			collector_close(&bench.collector, false);
	}
	assert_int_equal(bench.confirmed, 0);
	assert_in_range(bench.collector.count, 2, 20);
	assert_true(log_count(&bench, "soc") < 8);
	UNTIL(&bench, bench.confirmed == 1);
	bench_free(&bench);
}

static void what_is_wrong_is_said_at_once(void **state)
{
	static const char *const bad[] = {"", "siem", "siem:", ":514", "siem:0",
		"siem:65536", "siem:5x", "fe80::1:514", "a b:514", "a/b:514",
		"user@siem:514"};
	const struct destination_events events = {bench_report, NULL};
	struct bench bench;
	struct error err;

	(void)state;
	bench_new(&bench, TRANSPORT_TLS);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		bench.options.addresses[0] = bad[i];
		assert_int_equal(destination_new(bench.loop, &bench.options, &events,
					 &bench.destination, &err),
			RC_CONFIG);
		assert_non_null(strstr(err.text, "destination soc"));
	}
	bench.options.addresses[0] = "[fe80::1]:514";
	bench.options.key_file = "/nonexistent/key";
	assert_int_equal(destination_new(bench.loop, &bench.options, &events,
				 &bench.destination, &err),
		RC_CONFIG);
	assert_non_null(strstr(err.text, "/nonexistent/key"));
	bench.options.key_file = NULL;
	bench.options.format = "nothing";
	assert_int_equal(destination_new(bench.loop, &bench.options, &events,
				 &bench.destination, &err),
		RC_CONFIG);
	bench.options.format = "cef";
	bench.options.facility = 24;
	assert_int_equal(destination_new(bench.loop, &bench.options, &events,
				 &bench.destination, &err),
		RC_CONFIG);
	bench_free(&bench);
}

static void maximum_and_headers(void **state)
{
	static const char *const heads[] = {"<131>1 20", "<131>Jan", "CEF:0|"};
	struct bench bench;
	struct fmt_alert alert = {.struct_size = sizeof(alert),
		.source = "graph-alerts",
		.id = {"i", 1},
		.title = {"t", 1},
		.created = 0,
		.updated = FMT_NO_TIME,
		.resolved = FMT_NO_TIME,
		.first_activity = FMT_NO_TIME,
		.last_activity = FMT_NO_TIME};
	struct syslog_fields fields = {.severity = FMT_SEVERITY_HIGH,
		.time = NO_TIME,
		.customer = {"contoso", 7},
		.msgid = "alert"};
	struct clock_fake fake;
	char text[5000];
	struct strbuf out;
	struct error err;

	(void)state;
	clock_fake_init(&fake, 17672256000000000);
	memset(text, 'd', sizeof(text));
	alert.description = (struct fmt_str){text, sizeof(text)};
	bench_new(&bench, TRANSPORT_TCP);
	strbuf_init(&out, 100000);
	for (int json = 0; json < 2; json++)
		for (int header = HEADER_RFC5424; header <= HEADER_NONE; header++)
			for (size_t maximum = 1000; maximum < 3000; maximum += 7) {
				bench.options.format = json ? "rfc5424-json" : "cef";
				bench.options.header = (enum header)header;
				bench.options.bom = maximum % 2;
				bench.options.max_message_bytes = maximum;
				strbuf_reset(&out);
				assert_int_equal(
					destination_render(&bench.options, &alert,
						&fields, true, &fake.clock, &out, &err),
					RC_OK);
				assert_in_range(out.n, 300, maximum + 5);
				assert_int_equal(strtoul(out.p, NULL, 10),
					out.n - 5 +
						(maximum < 1000 || out.p[3] == ' '));
				if (!json || header != HEADER_NONE)
					assert_non_null(strstr(out.p, heads[header]));
				assert_true((strstr(out.p, SYSLOG_BOM) != NULL) ==
					    (header == HEADER_RFC5424 && maximum % 2));
			}
	bench.options.max_message_bytes = 100;
	strbuf_reset(&out);
	assert_int_equal(destination_render(&bench.options, &alert, &fields, true,
				 &fake.clock, &out, &err),
		RC_LIMIT);
	strbuf_clear(&out);
	bench_free(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order_over_tcp),
		cmocka_unit_test(lone_message_waits_one_turn),
		cmocka_unit_test(messages_of_some_turns_share_a_record),
		cmocka_unit_test(settle_time_is_kept),
		cmocka_unit_test(tcp_breaks_lose_nothing),
		cmocka_unit_test(tls_breaks_lose_nothing),
		cmocka_unit_test(tail_is_bounded),
		cmocka_unit_test(messages_acknowledged_but_not_read_go_again),
		cmocka_unit_test(messages_not_read_go_again_after_a_fin_too),
		cmocka_unit_test(messages_not_read_go_again_long_after_a_fin),
		cmocka_unit_test(what_was_kept_says_that_it_works),
		cmocka_unit_test(ended_connections_are_given_up),
		cmocka_unit_test(slow_collector_is_waited_for),
		cmocka_unit_test(refused_is_said_once_and_recovery_too),
		cmocka_unit_test(collector_that_closes_at_once),
		cmocka_unit_test(what_is_wrong_is_said_at_once),
		cmocka_unit_test(maximum_and_headers),
	};

	return cmocka_run_group_tests(tests, bench_setup, bench_teardown);
}
