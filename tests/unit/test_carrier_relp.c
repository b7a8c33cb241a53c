/* test_carrier_relp.c - relp and relp+tls over real sockets: turns, records, window, settle time. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "collector.h"
#include "deliver_help.h"
#include "until.h"

#define WELCOME "1 rsp 37 200 OK\nrelp_version=0\ncommands=syslog\n"

static char directory[] = "/tmp/test-carrier-relp-XXXXXX";

struct bench {
	struct loop *loop;
	struct destination *destination;
	struct destination_options options;
	struct collector collector;
	struct collector
		frozen; /* the first address, where there is one: it answers nothing */
	char address[64], frozen_address[64], ca[128];
	unsigned next, confirmed; /* ids are 0, 1, ... */
	size_t queued;
	/* The server's side. */
	bool answers;
	size_t at[COLLECTOR_STREAMS]; /* of what was got: read so far */
	unsigned frames[COLLECTOR_STREAMS]; /* messages of a stream */
	unsigned answered[COLLECTOR_STREAMS];
	bool closed, mute; /* mute: close is not answered */
};

static void on_report(void *context, void *ticket, enum delivery result)
{
	struct bench *bench = context;

	assert_int_equal(result, DELIVERY_CONFIRMED);
	assert_int_equal(
		(uintptr_t)ticket, bench->confirmed++); /* once each, in order */
}

static void bench_new(struct bench *bench, enum transport transport)
{
	bool tls = transport == TRANSPORT_RELP_TLS;

	memset(bench, 0, sizeof(*bench));
	bench->answers = true;
	bench->loop = loop_new(&clock_system);
	collector_start(&bench->collector,
		tls ? certs_server(directory, "server", NULL) : NULL, 0);
	snprintf(bench->address, sizeof(bench->address), "127.0.0.1:%d",
		bench->collector.port);
	snprintf(bench->ca, sizeof(bench->ca), "%s/ca.crt", directory);
	deliver_options(&bench->options, transport, FRAMING_NONE, bench->address);
	bench->options.ca_file = tls ? bench->ca : NULL;
	bench->options.relp_window = 100;
	bench->destination =
		deliver_open(bench->loop, &bench->options, on_report, bench);
}

static void bench_free(struct bench *bench)
{
	destination_free(bench->destination);
	collector_stop(&bench->collector);
	loop_free(bench->loop);
}

static void send_sized(struct bench *bench, size_t padding)
{
	bench->queued = deliver_send(bench->destination, bench->next, 0, padding);
	bench->next++;
}

static void send_some(struct bench *bench, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		send_sized(bench, 700);
}

static void answer(struct bench *bench, size_t i, unsigned number, const char *data)
{
	char frame[100];
	int n = snprintf(frame, sizeof(frame),
		*data ? "%u rsp %zu %s\n" : "%u rsp %zu\n", number, strlen(data), data);

	collector_send(&bench->collector.streams[i], frame, (size_t)n);
}

static void take_frame(
	struct bench *bench, size_t i, unsigned number, const char *command)
{
	if (!strcmp(command, "open")) {
		assert_int_equal(number, 1);
		collector_send(&bench->collector.streams[i], WELCOME, strlen(WELCOME));
	} else if (!strcmp(command, "close")) {
		bench->closed = true;
		if (!bench->mute)
			answer(bench, i, number, "");
	} else {
		assert_string_equal(command, "syslog");
		assert_int_equal(number, ++bench->frames[i] + 1);
	}
}

/* Reads the frames that have come, and answers. */
static void serve(struct bench *bench)
{
	for (size_t i = 0; i < bench->collector.count; i++) {
		struct collector_stream *stream = &bench->collector.streams[i];

		while (bench->at[i] < stream->got.n) {
			const char *p = stream->got.p + bench->at[i];
			size_t left = stream->got.n - bench->at[i], whole;
			unsigned number, size;
			char command[33];
			int head = 0;

			if (sscanf(p, "%9u %32s %9u%n", &number, command, &size,
				    &head) != 3 ||
				(size_t)head == left)
				break;
			whole = (size_t)head + (size ? 1 : 0) + size + 1;
			if (left < whole)
				break;
			assert_int_equal(p[whole - 1], '\n');
			bench->at[i] += whole;
			take_frame(bench, i, number, command);
		}
		while (stream->fd >= 0 && bench->answers &&
			bench->answered[i] < bench->frames[i])
			answer(bench, i, ++bench->answered[i] + 1, "200 OK");
	}
}

static void turn(struct bench *bench)
{
	assert_int_equal(loop_turn(bench->loop, 2, NULL), RC_OK);
	collector_poll(&bench->collector);
	if (bench->frozen.port)
		collector_poll(&bench->frozen);
	serve(bench);
}

static struct destination_state state_of(struct bench *bench)
{
	return deliver_state(bench->destination);
}

static void everything_arrives_once(void **state)
{
	struct bench bench;

	(void)state;
	for (int i = 0; i < 2; i++) {
		bench_new(&bench, i ? TRANSPORT_RELP_TLS : TRANSPORT_RELP);
		bench.options.max_message_bytes = 300000;
		for (int k = 0; k < 1000; k++)
			send_sized(&bench, k % 100 == 50 ? 150000 : (size_t)k);
		UNTIL(&bench, bench.confirmed == 1000);
		assert_int_equal(bench.frames[0], 1000);
		assert_int_equal(bench.collector.count, 1);
		assert_int_equal(state_of(&bench).resent, 0);
		assert_int_equal(state_of(&bench).kept_bytes, 0);
		assert_int_equal(
			state_of(&bench).wire_bytes, bench.collector.streams[0].got.n);
		assert_true(destination_idle(bench.destination));
		bench_free(&bench);
	}
}

static void a_lone_message_waits_one_turn(void **state)
{
	struct bench bench;

	(void)state;
	bench_new(&bench, TRANSPORT_RELP);
	send_some(&bench, 1);
	UNTIL(&bench, bench.confirmed == 1);
	for (unsigned i = 1; i < 10; i++) {
		uint64_t before = state_of(&bench).wire_bytes;

		send_some(&bench, 1);
		assert_int_equal(loop_turn(bench.loop, -1, NULL), RC_OK);
		assert_int_equal(state_of(&bench).wire_bytes, before);
		assert_int_equal(loop_turn(bench.loop, -1, NULL), RC_OK);
		assert_true(state_of(&bench).wire_bytes > before + bench.queued);
		UNTIL(&bench, bench.confirmed == i + 1);
	}
	bench_free(&bench);
}

/* Under load 8 messages and more in a record, also when the window is what holds them up. */
static void records_are_full(void **state)
{
	struct bench bench;
	size_t records;

	(void)state;
	bench_new(&bench, TRANSPORT_RELP_TLS);
	send_some(&bench, 1);
	UNTIL(&bench, bench.confirmed == 1);
	records = bench.collector.streams[0].records;
	send_some(&bench, 2000);
	UNTIL(&bench, bench.confirmed == 2001);
	records = bench.collector.streams[0].records - records;
	assert_true(records <= 2000 / 8);
	bench_free(&bench);
}

/* What goes without an answer; and half of it is free before more goes. */
static void the_window_is_kept(void **state)
{
	struct bench bench;

	(void)state;
	bench_new(&bench, TRANSPORT_RELP);
	bench.answers = false;
	send_some(&bench, 500);
	UNTIL(&bench, bench.frames[0] == 100);
	for (unsigned number = 2; number < 52; number++) {
		for (int i = 0; i < 4; i++)
			turn(&bench);
		assert_int_equal(bench.frames[0], 100);
		answer(&bench, 0, number, "200 OK");
	}
	UNTIL(&bench, bench.frames[0] == 150);
	bench.answered[0] = 50;
	bench.answers = true;
	UNTIL(&bench, bench.confirmed == 500);
	bench_free(&bench);
}

static void the_settle_time_is_kept(void **state)
{
	struct bench bench;
	int64_t sent;

	(void)state;
	bench_new(&bench, TRANSPORT_RELP);
	bench.options.settle_ms = 400;
	bench.answers = false;
	send_some(&bench, 2);
	UNTIL(&bench, bench.frames[0] == 2);
	sent = loop_now_ms(bench.loop);
	UNTIL(&bench, loop_now_ms(bench.loop) > sent + 600);
	assert_int_equal(bench.confirmed, 0); /* no answer, no confirmation */
	answer(&bench, 0, 3, "200 OK");
	UNTIL(&bench, loop_now_ms(bench.loop) > sent + 1200);
	assert_int_equal(bench.confirmed, 0); /* nor out of turn */
	sent = loop_now_ms(bench.loop);
	answer(&bench, 0, 2, "200 OK");
	UNTIL(&bench, bench.confirmed == 2);
	assert_true(loop_now_ms(bench.loop) >= sent + 400);
	bench_free(&bench);
}

/* What was answered and has not settled goes again, what was confirmed does not. */
static void a_break_repeats_the_unconfirmed(void **state)
{
	struct bench bench;

	(void)state;
	for (int i = 0; i < 4; i++) {
		bench_new(&bench, i % 2 ? TRANSPORT_RELP_TLS : TRANSPORT_RELP);
		send_some(&bench, 30);
		UNTIL(&bench, bench.confirmed == 30);
		bench.options.settle_ms = 60000;
		send_some(&bench, 20);
		UNTIL(&bench, bench.answered[0] == 50);
		bench.answers = false;
		send_some(&bench, 10);
		UNTIL(&bench, bench.frames[0] == 60);
		bench.options.settle_ms = 40;
		bench.answers = true;
		if (i / 2)
			collector_reset(&bench.collector);
		else
			collector_close(&bench.collector, true);
		UNTIL(&bench, bench.confirmed == 60);
		assert_int_equal(bench.frames[1], 30);
		assert_int_equal(state_of(&bench).resent, 30);
		assert_int_equal(state_of(&bench).breaks, 1);
		bench_free(&bench);
	}
}

/* With one that fails at a message: first one that goes, then two, four. */
static void a_refusal_starts_slowly(void **state)
{
	struct bench bench;
	unsigned expected = 0;

	(void)state;
	bench_new(&bench, TRANSPORT_RELP);
	bench.answers = false;
	send_some(&bench, 50);
	UNTIL(&bench, bench.frames[0] == 50);
	answer(&bench, 0, 2, "200 OK");
	answer(&bench, 0, 3, "500 not this one");
	UNTIL(&bench, bench.collector.count == 2);
	assert_non_null(strstr(state_of(&bench).trouble, "500 not this one"));
	for (unsigned most = 1; most <= 16; most *= 2) {
		expected += most;
		UNTIL(&bench, bench.frames[1] == expected);
		for (int i = 0; i < 20; i++)
			turn(&bench);
		assert_int_equal(bench.frames[1], expected);
		while (bench.answered[1] < expected)
			answer(&bench, 1, ++bench.answered[1] + 1, "200 OK");
	}
	bench.answers = true;
	UNTIL(&bench, bench.confirmed == 50);
	bench_free(&bench);
}

static struct collector_stream *frozen_last(struct bench *bench)
{
	return &bench->frozen.streams[bench->frozen.count - 1];
}

/* Where nobody opens a session nothing is moved to, however often the kernel there takes a connection. */
static void a_first_address_must_open_a_session(void **state)
{
	struct bench bench;

	(void)state;
	bench_new(&bench, TRANSPORT_RELP);
	destination_free(bench.destination);
	collector_start(&bench.frozen, NULL, 0);
	snprintf(bench.frozen_address, sizeof(bench.frozen_address), "127.0.0.1:%d",
		bench.frozen.port);
	bench.options.addresses[0] = bench.frozen_address;
	bench.options.addresses[1] = bench.address;
	bench.options.address_count = 2;
	bench.options.connect_timeout_ms = 100;
	bench.destination = deliver_open(bench.loop, &bench.options, on_report, &bench);
	while (bench.frozen.count < 3) {
		unsigned next = bench.next + 10;

		send_some(&bench, 10);
		UNTIL(&bench, bench.confirmed == next);
		for (int i = 0; i < 10; i++)
			turn(&bench);
	}
	assert_string_equal(state_of(&bench).address, bench.address);
	assert_int_equal(state_of(&bench).connects, 1);
	assert_int_equal(state_of(&bench).breaks, 0);
	assert_non_null(strstr(state_of(&bench).passed_over, "opened no session"));
	bench.mute = true; /* the FIN comes with the frame "close" */
	bench.options.connect_timeout_ms = 60000;
	UNTIL(&bench, frozen_last(&bench)->fd >= 0 && frozen_last(&bench)->got.n);
	collector_send(frozen_last(&bench), WELCOME, strlen(WELCOME));
	UNTIL(&bench, bench.closed);
	UNTIL(&bench, bench.collector.streams[0].fin);
	collector_close(&bench.collector, false);
	UNTIL(&bench, state_of(&bench).connects == 2);
	assert_string_equal(state_of(&bench).address, bench.frozen_address);
	assert_int_equal(state_of(&bench).breaks, 0);
	assert_int_equal(state_of(&bench).resent, 0);
	collector_stop(&bench.frozen);
	bench_free(&bench);
}

static void the_end_is_in_order(void **state)
{
	struct bench bench;

	(void)state;
	bench_new(&bench, TRANSPORT_RELP);
	send_some(&bench, 10);
	UNTIL(&bench, bench.confirmed == 10);
	UNTIL(&bench, destination_close(bench.destination));
	assert_true(bench.closed);
	destination_free(bench.destination);
	bench.destination = NULL;
	UNTIL(&bench, bench.collector.streams[0].fin);
	bench_free(&bench);
}

/* The loop turns while an answer is waited for, and it is not waited for long. */
static void the_end_without_an_answer(void **state)
{
	struct bench bench;
	int64_t begun, longest = 0, before;
	unsigned turns = 0;

	(void)state;
	bench_new(&bench, TRANSPORT_RELP);
	send_some(&bench, 10);
	UNTIL(&bench, bench.confirmed == 10);
	bench.mute = true;
	begun = before = loop_now_ms(bench.loop);
	while (!destination_close(bench.destination)) {
		int64_t now;

		turn(&bench);
		now = loop_now_ms(bench.loop);
		longest = now - before > longest ? now - before : longest;
		before = now;
		turns++;
	}
	assert_true(bench.closed);
	assert_in_range(loop_now_ms(bench.loop) - begun, 400, 5000);
	assert_true(turns >= 20 && longest < 200);
	/* Freeing waits for nothing, and nothing is connected to any more. */
	begun = loop_now_ms(bench.loop);
	destination_free(bench.destination);
	bench.destination = NULL;
	assert_true(loop_now_ms(bench.loop) - begun < 200);
	UNTIL(&bench, bench.collector.streams[0].fin);
	assert_int_equal(bench.collector.count, 1);
	bench_free(&bench);
}

/* Also when the collector ends the connection meanwhile. */
static void the_end_by_the_collector(void **state)
{
	struct bench bench;

	(void)state;
	bench_new(&bench, TRANSPORT_RELP);
	send_some(&bench, 10);
	UNTIL(&bench, bench.confirmed == 10);
	bench.mute = true;
	assert_false(destination_close(bench.destination));
	UNTIL(&bench, bench.closed);
	collector_close(&bench.collector, false);
	UNTIL(&bench, destination_close(bench.destination));
	for (int i = 0; i < 50; i++)
		turn(&bench);
	assert_int_equal(bench.collector.count, 1);
	bench_free(&bench);
}

static void what_cannot_be_is_refused(void **state)
{
	static const unsigned windows[] = {0, 100001};
	const struct destination_events events = {0};
	struct destination *destination;
	struct bench bench;
	struct error err;

	(void)state;
	bench_new(&bench, TRANSPORT_RELP);
	for (size_t i = 0; i < 2; i++) {
		bench.options.relp_window = windows[i];
		assert_int_equal(destination_new(bench.loop, &bench.options, &events,
					 &destination, &err),
			RC_CONFIG);
		assert_non_null(strstr(err.text, "give 1 to 100000"));
	}
	bench.options.relp_window = 1;
	bench.options.framing = FRAMING_OCTET;
	assert_int_equal(destination_new(bench.loop, &bench.options, &events,
				 &destination, &err),
		RC_CONFIG);
	bench_free(&bench);
}

static int group_setup(void **state)
{
	struct error err;

	(void)state;
	if (deliver_directory_make(directory, certs_make) != 0)
		return -1;
	return log_open("file:/dev/null", &err) == RC_OK ? 0 : -1;
}

static int group_teardown(void **state)
{
	(void)state;
	log_close();
	return deliver_directory_remove(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_arrives_once),
		cmocka_unit_test(a_lone_message_waits_one_turn),
		cmocka_unit_test(records_are_full),
		cmocka_unit_test(the_window_is_kept),
		cmocka_unit_test(the_settle_time_is_kept),
		cmocka_unit_test(a_break_repeats_the_unconfirmed),
		cmocka_unit_test(a_refusal_starts_slowly),
		cmocka_unit_test(a_first_address_must_open_a_session),
		cmocka_unit_test(the_end_is_in_order),
		cmocka_unit_test(the_end_without_an_answer),
		cmocka_unit_test(the_end_by_the_collector),
		cmocka_unit_test(what_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
