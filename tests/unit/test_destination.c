/* test_destination.c - destinations against real sockets, real TLS and real files. Also test_failover:
 * those of several addresses and connections. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "collector.h"
#include "deliver_help.h"
#include "until.h"

#define MESSAGES 16384
#define COLLECTORS 3

static char directory[] = "/tmp/test-destination-XXXXXX";

struct bench {
	struct loop *loop;
	struct destination *destination;
	struct destination_options options;
	struct collector collector, others[COLLECTORS - 1];
	char address[64], log[128], other_addresses[COLLECTORS - 1][64];
	unsigned customers; /* the id modulo this is the customer */
	unsigned next, confirmed; /* ids are 0, 1, ... */
	unsigned confirmed_of[MESSAGES]; /* by customer */
	int64_t confirmed_at_ms[MESSAGES];
	size_t last_queued;
	unsigned jumps; /* that streams may have */
};

static void on_report(void *context, void *ticket, enum delivery result)
{
	struct bench *bench = context;
	unsigned customer = (unsigned)(uintptr_t)ticket % bench->customers;

	assert_int_equal(result, DELIVERY_CONFIRMED);
	/* Once each, in order. */
	assert_int_equal((uintptr_t)ticket,
		bench->confirmed_of[customer]++ * bench->customers + customer);
	bench->confirmed_at_ms[bench->confirmed++] = loop_now_ms(bench->loop);
}

static void file_in(char *out, size_t size, const char *name)
{
	snprintf(out, size, "%s/%s", directory, name);
}

static const char *named(const char *name)
{
	static char names[8][128];
	static int at;

	at = (at + 1) % 8;
	file_in(names[at], sizeof(names[at]), name);
	return names[at];
}

static void bench_new(struct bench *bench, enum transport transport)
{
	struct error err;

	memset(bench, 0, sizeof(*bench));
	bench->customers = 1;
	deliver_options(&bench->options, transport, FRAMING_OCTET, bench->address);
	bench->options.ca_file = named("ca.crt");
	bench->loop = loop_new(&clock_system);
	bench->collector.fd = -1;
	file_in(bench->log, sizeof(bench->log), "log");
	unlink(bench->log);
	snprintf(bench->log, sizeof(bench->log), "file:%s/log", directory);
	assert_int_equal(log_open(bench->log, &err), RC_OK);
}

static void bench_listen(struct bench *bench, SSL_CTX *tls, int receive_buffer)
{
	collector_start(&bench->collector, tls, receive_buffer);
	snprintf(bench->address, sizeof(bench->address), "127.0.0.1:%d",
		bench->collector.port);
}

/* Another address behind the first one. */
static struct collector *bench_listen_too(struct bench *bench, SSL_CTX *tls)
{
	size_t at = bench->options.address_count - 1;
	struct collector *collector = &bench->others[at];

	assert_true(at < COLLECTORS - 1);
	collector_start(collector, tls, 0);
	snprintf(bench->other_addresses[at], sizeof(bench->other_addresses[at]),
		"127.0.0.1:%d", collector->port);
	bench->options.addresses[at + 1] = bench->other_addresses[at];
	bench->options.address_count++;
	return collector;
}

static void bench_open(struct bench *bench)
{
	bench->destination =
		deliver_open(bench->loop, &bench->options, on_report, bench);
}

static void bench_free(struct bench *bench)
{
	destination_free(bench->destination);
	if (bench->collector.port)
		collector_stop(&bench->collector);
	for (size_t i = 0; i < COLLECTORS - 1; i++)
		if (bench->others[i].port)
			collector_stop(&bench->others[i]);
	loop_free(bench->loop);
	log_close();
}

static void send_sized(struct bench *bench, size_t padding)
{
	bench->last_queued = deliver_send(bench->destination, bench->next,
		bench->next % bench->customers, padding);
	bench->next++;
}

static void send_some(struct bench *bench, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		send_sized(bench, 700);
}

static void turn(struct bench *bench)
{
	assert_int_equal(loop_turn(bench->loop, 2, NULL), RC_OK);
	if (bench->collector.port)
		collector_poll(&bench->collector);
	for (size_t i = 0; i < COLLECTORS - 1; i++)
		if (bench->others[i].port)
			collector_poll(&bench->others[i]);
}

static struct destination_state state_of(struct bench *bench)
{
	return deliver_state(bench->destination);
}

/* The id of the next whole message, or -1; checks its framing. */
static long next_message(const struct strbuf *got, enum framing framing, size_t *at)
{
	const char *p = got->p + *at, *end, *mark;
	size_t left = got->n - *at, size;
	char *after;

	if (!left)
		return -1;
	if (framing == FRAMING_OCTET) {
		end = memchr(p, ' ', left);
		if (!end)
			return -1;
		assert_in_range(*p, '1', '9');
		size = strtoul(p, &after, 10);
		assert_ptr_equal(after, end);
		if (left < (size_t)(end + 1 - p) + size)
			return -1;
		*at += (size_t)(end + 1 - p) + size;
		p = end + 1;
	} else {
		end = memchr(p, '\n', left);
		if (!end)
			return -1;
		size = (size_t)(end - p);
		*at += size + 1;
	}
	assert_int_equal(p[0], '<');
	assert_null(memchr(p, '\n', size));
	mark = memmem(p, size, "#", 1);
	assert_non_null(mark);
	return strtol(mark + 1, NULL, 10);
}

/* Messages of each customer in order, without a gap but for those of other connections and the jumps
 * that are allowed; returns how many there are. */
static unsigned check_stream(struct bench *bench, const struct strbuf *got,
	unsigned char seen[MESSAGES], unsigned *repeats)
{
	long last[MESSAGES], id;
	unsigned count = 0;
	size_t at = 0;

	memset(last, -1, sizeof(last));
	while ((id = next_message(got, bench->options.framing, &at)) >= 0) {
		long *before = &last[id % bench->customers];

		if (*before >= 0 && id != *before + (long)bench->customers) {
			assert_true(bench->jumps > 0);
			bench->jumps--;
		}
		*before = id;
		*repeats += seen[id];
		seen[id] = 1;
		count++;
	}
	return count;
}

static unsigned log_count(struct bench *bench, const char *words)
{
	return deliver_log_count(bench->log, words);
}

/* Every message up to `count` was read by a collector. */
static unsigned check_all(struct bench *bench, unsigned count)
{
	static unsigned char seen[MESSAGES];
	unsigned repeats = 0;

	memset(seen, 0, sizeof(seen));
	/* There and back: what is sent again later than its like is out of order. */
	bench->jumps = 2 * log_count(bench, "without reading all");
	for (size_t c = 0; c < COLLECTORS; c++) {
		const struct collector *collector =
			c ? &bench->others[c - 1] : &bench->collector;

		for (size_t i = 0; i < collector->count; i++)
			check_stream(bench, &collector->streams[i].got, seen, &repeats);
	}
	for (unsigned id = 0; id < count; id++)
		if (!seen[id])
			fail_msg("message %u was lost", id);
	return repeats;
}

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
	bench_listen(&bench, certs_server(directory, "server", NULL), 0);
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
	bench_listen(
		&bench, tls ? certs_server(directory, "server", NULL) : NULL, 20000);
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
			i % 2 ? certs_server(directory, "server", NULL) : NULL,
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
			tls ? certs_server(directory, "server", NULL) : NULL, 0);
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
	bench_listen(&bench, certs_server(directory, "server", NULL), 8000);
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
			tls ? certs_server(directory, "server", NULL) : NULL, 0);
		second = bench_listen_too(
			&bench, tls ? certs_server(directory, "server", NULL) : NULL);
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
			tls ? certs_server(directory, "server", NULL) : NULL, 0);
		second = bench_listen_too(
			&bench, tls ? certs_server(directory, "server", NULL) : NULL);
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
			tls ? certs_server(directory, "server", NULL) : NULL, 20000);
		both[0] = &bench.collector;
		both[1] = bench_listen_too(
			&bench, tls ? certs_server(directory, "server", NULL) : NULL);
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

/* A window that stays closed is no silence: its host answers. */
static void closed_window_is_no_silence(void **state)
{
	struct bench bench;
	int64_t end;

	(void)state;
	bench_new(&bench, TRANSPORT_TCP);
	bench.options.dead_after_ms = 1000;
	bench_listen(&bench, NULL, 8000);
	bench_open(&bench);
	send_some(&bench, 1);
	UNTIL(&bench, bench.confirmed == 1);
	bench.collector.reads = false;
	send_some(&bench, 2000);
	end = loop_now_ms(bench.loop) + 4000;
	UNTIL(&bench, loop_now_ms(bench.loop) > end);
	assert_int_equal(state_of(&bench).breaks, 0);
	bench.collector.reads = true;
	UNTIL(&bench, destination_idle(bench.destination));
	assert_int_equal(bench.collector.count, 1);
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
			tls ? certs_server(directory, "server", NULL) : NULL, 8000);
		bench_listen_too(
			&bench, tls ? certs_server(directory, "server", NULL) : NULL);
		bench_open(&bench);
		send_some(&bench, 1);
		UNTIL(&bench, bench.confirmed == 1);
		bench.collector.reads = false;
		send_some(&bench, 2000);
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
	send_some(&bench, 1);
	UNTIL(&bench, bench.confirmed == 1);
	bench.collector.reads = second->reads = false;
	send_some(&bench, 8000);
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
	int64_t end;

	(void)state;
	bench_new(&bench, TRANSPORT_TCP);
	bench.options.dead_after_ms = 1000;
	bench_listen(&bench, NULL, 8000);
	collector_deaf(bench_listen_too(&bench, NULL));
	bench_open(&bench);
	send_some(&bench, 1);
	UNTIL(&bench, bench.confirmed == 1);
	bench.collector.reads = false;
	send_some(&bench, 2000);
	end = loop_now_ms(bench.loop) + 3000;
	UNTIL(&bench, loop_now_ms(bench.loop) > end);
	assert_true(state_of(&bench).connected);
	assert_non_null(strstr(state_of(&bench).passed_over, "no collector listens"));
	bench.collector.reads = true;
	UNTIL(&bench, destination_idle(bench.destination));
	assert_int_equal(bench.collector.count, 1);
	assert_string_equal(state_of(&bench).passed_over, "");
	assert_int_equal(check_all(&bench, bench.next), 0);
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
			tls ? certs_server(directory, "server", NULL) : NULL, 0);
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

static void over_tls(void **state)
{
	struct bench bench;
	struct collector_stream *stream = &bench.collector.streams[0];

	(void)state;
	bench_new(&bench, TRANSPORT_TLS);
	bench_listen(&bench, certs_server(directory, "server", NULL), 0);
	bench_open(&bench);
	send_some(&bench, 1000);
	UNTIL(&bench, bench.confirmed == 1000);
	assert_int_equal(check_all(&bench, 1000), 0);
	/* Full records under load: 16 KB each but for the last one. */
	assert_true(stream->records <= stream->got.n / 16384 + 2);
	assert_true(1000 / stream->records >= 8);
	assert_string_equal(bench.collector.sni, ""); /* an address is no name */
	destination_free(bench.destination);
	bench.destination = NULL;
	UNTIL(&bench, stream->fd < 0);
	assert_true(stream->close_notify);
	bench_free(&bench);
}

static void name_to_verify(void **state)
{
	struct bench bench;

	(void)state;
	bench_new(&bench, TRANSPORT_TLS);
	bench.options.tls_name = "siem.example.net";
	bench_listen(&bench, certs_server(directory, "named", NULL), 0);
	bench_open(&bench);
	send_some(&bench, 1);
	UNTIL(&bench, bench.confirmed == 1);
	assert_string_equal(bench.collector.sni, "siem.example.net");
	bench_free(&bench);
}

/* One file becomes another, as when it is replaced. */
static void copy_over(const char *to, const char *from)
{
	char octets[10000];
	FILE *file = fopen(named(from), "r");
	size_t n;

	assert_non_null(file);
	n = fread(octets, 1, sizeof(octets), file);
	fclose(file);
	file = fopen(named(to), "w");
	assert_non_null(file);
	assert_int_equal(fwrite(octets, 1, n, file), n);
	fclose(file);
}

/* What is wrong, in the order of the words that say so, and with the files as they should be. */
struct refusal {
	const char *reason;
	const char *server, *ca, *crl, *pin; /* NULL: the right one, none, none */
};

static void set_files(struct bench *bench, const struct refusal *refusal)
{
	copy_over("now-ca.crt", refusal->ca ? refusal->ca : "ca.crt");
	if (refusal->crl)
		copy_over("now.crl", refusal->crl);
	SSL_CTX_free(bench->collector.tls);
	bench->collector.tls = certs_server(
		directory, refusal->server ? refusal->server : "server", NULL);
}

/* Not one octet goes to a collector that is not the right one; it is said once; and with a file that was
 * replaced, here or there, all is well without a restart. */
static void check_refused(const struct refusal *refusal)
{
	const struct refusal right = {.crl = refusal->crl ? "empty.crl" : NULL};
	struct bench bench;
	int64_t end;

	bench_new(&bench, TRANSPORT_TLS);
	bench_listen(&bench, certs_server(directory, "server", NULL), 0);
	set_files(&bench, refusal);
	bench.options.ca_file = named("now-ca.crt");
	if (refusal->crl)
		bench.options.crl_file = named("now.crl");
	if (refusal->pin)
		bench.options.pinned_key = certs_pin(directory, refusal->pin);
	bench_open(&bench);
	send_some(&bench, 2);
	end = loop_now_ms(bench.loop) + 700;
	UNTIL(&bench, loop_now_ms(bench.loop) > end && bench.collector.count > 1);
	if (!strstr(state_of(&bench).trouble, refusal->reason))
		fail_msg("\"%s\" does not say \"%s\"", state_of(&bench).trouble,
			refusal->reason);
	assert_int_equal(log_count(&bench, refusal->reason), 1);
	assert_int_equal(log_count(&bench, "warning"), 1);
	for (size_t i = 0; i < bench.collector.count; i++)
		assert_int_equal(bench.collector.streams[i].got.n, 0);
	assert_int_equal(state_of(&bench).wire_bytes, 0);
	set_files(&bench, &right);
	UNTIL(&bench, bench.confirmed == 2);
	check_all(&bench, 2);
	bench_free(&bench);
}

static void wrong_certificates_are_refused(void **state)
{
	static const struct refusal refusals[] = {
		{"is not for", .server = "named"},
		{"unknown CA", .ca = "other-ca.crt"},
		{"has expired", .server = "expired"},
		{"not valid yet", .server = "early"},
		{"revoked by crl_file", .crl = "revoked.crl"},
		{"newest list", .crl = "old.crl"},
		{"has no list", .crl = "other.crl"},
		{"crl_file cannot be used", .crl = "server.key"},
		/* The pin is that of "server". */
		{"not one of pinned_key", .server = "renewed", .pin = "server"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
		check_refused(&refusals[i]);
}

/* It alone says who the collector is, whoever issued its certificate, for whom and till when; with
 * ca_file the certificate must be right too. */
static void pinned_key_says_who_it_is(void **state)
{
	static const char *const servers[] = {"server", "expired", "stranger"};
	struct bench bench;
	char pins[300];

	(void)state;
	for (size_t i = 0; i < sizeof(servers) / sizeof(*servers); i++) {
		for (int second = 0; second < 2; second++) {
			bench_new(&bench, TRANSPORT_TLS);
			bench_listen(
				&bench, certs_server(directory, servers[i], NULL), 0);
			snprintf(pins, sizeof(pins), "%s",
				certs_pin(directory, servers[i]));
			if (second)
				snprintf(pins, sizeof(pins), "%s;%s",
					"sha256//"
					"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
					certs_pin(directory, servers[i]));
			bench.options.pinned_key = pins;
			bench.options.ca_file = NULL;
			bench_open(&bench);
			send_some(&bench, 2);
			UNTIL(&bench, bench.confirmed == 2);
			bench_free(&bench);
		}
	}
	bench_new(&bench, TRANSPORT_TLS);
	bench_listen(&bench, certs_server(directory, "expired", NULL), 0);
	bench.options.pinned_key = certs_pin(directory, "expired");
	bench_open(&bench);
	send_some(&bench, 2);
	UNTIL(&bench, state_of(&bench).trouble[0]);
	assert_non_null(strstr(state_of(&bench).trouble, "has expired"));
	bench_free(&bench);
	/* A wrong one without a CA. */
	bench_new(&bench, TRANSPORT_TLS);
	bench_listen(&bench, certs_server(directory, "server", NULL), 0);
	bench.options.ca_file = NULL;
	bench.options.pinned_key = certs_pin(directory, "stranger");
	bench_open(&bench);
	send_some(&bench, 2);
	UNTIL(&bench, state_of(&bench).trouble[0]);
	assert_non_null(strstr(state_of(&bench).trouble, "pinned_key"));
	assert_int_equal(bench.collector.streams[0].got.n, 0);
	bench_free(&bench);
}

/* The FIN says that all was read, also when it comes later, or only after our own close_notify. */
static void fin_after_close_notify(void **state)
{
	struct bench bench;

	(void)state;
	for (int waits = 0; waits < 2; waits++) {
		int64_t end;

		bench_new(&bench, TRANSPORT_TLS);
		bench_listen(&bench, certs_server(directory, "server", NULL), 0);
		bench_open(&bench);
		send_some(&bench, 20);
		UNTIL(&bench, bench.confirmed == 20);
		collector_notify(&bench.collector);
		end = loop_now_ms(bench.loop) + 50;
		UNTIL(&bench, loop_now_ms(bench.loop) > end);
		send_some(&bench, 1);
		if (waits)
			UNTIL(&bench, bench.collector.streams[0].fd < 0);
		else
			collector_close(&bench.collector, false);
		UNTIL(&bench, bench.confirmed == 21);
		assert_int_equal(bench.collector.count, 2);
		assert_int_equal(check_all(&bench, 21), 0);
		bench_free(&bench);
	}
}

static void tls_versions(void **state)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	struct bench bench;

	(void)state;
	for (int i = 0; i < 2; i++) {
		bench_new(&bench, TRANSPORT_TLS);
		bench_listen(&bench, certs_server(directory, "server", NULL), 0);
		SSL_CTX_set_min_proto_version(bench.collector.tls, versions[i]);
		SSL_CTX_set_max_proto_version(bench.collector.tls, versions[i]);
		bench_open(&bench);
		send_some(&bench, 20);
		UNTIL(&bench, bench.confirmed == 20);
		assert_int_equal(bench.collector.tls_version, versions[i]);
		/* close_notify of the collector: nothing more is written there. */
		collector_close(&bench.collector, true);
		UNTIL(&bench, bench.collector.count == 2);
		send_some(&bench, 20);
		UNTIL(&bench, bench.confirmed == 40);
		assert_int_equal(check_all(&bench, 40), 0);
		/* And ours. */
		destination_free(bench.destination);
		bench.destination = NULL;
		UNTIL(&bench, bench.collector.streams[1].fd < 0);
		assert_true(bench.collector.streams[1].close_notify);
		bench_free(&bench);
	}
	/* Nothing older, even where the library would. */
	bench_new(&bench, TRANSPORT_TLS);
	bench_listen(&bench, certs_server(directory, "server", NULL), 0);
	SSL_CTX_set_security_level(bench.collector.tls, 0);
	SSL_CTX_set_min_proto_version(bench.collector.tls, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(bench.collector.tls, TLS1_1_VERSION);
	bench_open(&bench);
	send_some(&bench, 1);
	UNTIL(&bench, state_of(&bench).trouble[0]);
	assert_non_null(strstr(state_of(&bench).trouble, "handshake"));
	assert_int_equal(bench.confirmed, 0);
	bench_free(&bench);
}

static void client_certificates(void **state)
{
	struct bench bench;
	FILE *file = fopen(named("password"), "w");
	int64_t end;

	(void)state;
	fputs("pass word\n", file);
	fclose(file);
	for (int locked = 0; locked < 2; locked++) {
		bench_new(&bench, TRANSPORT_TLS);
		bench_listen(&bench, certs_server(directory, "server", "ca"), 0);
		bench.options.cert_file = named("client.crt");
		bench.options.key_file =
			named(locked ? "client-locked.key" : "client.key");
		if (locked)
			bench.options.key_password_file = named("password");
		bench_open(&bench);
		send_some(&bench, 2);
		UNTIL(&bench, bench.confirmed == 2);
		bench_free(&bench);
	}
	/* With a certificate of a stranger, and with none, nothing is confirmed. */
	for (int none = 0; none < 2; none++) {
		bench_new(&bench, TRANSPORT_TLS);
		bench_listen(&bench, certs_server(directory, "server", "ca"), 0);
		if (!none) {
			bench.options.cert_file = named("stranger.crt");
			bench.options.key_file = named("stranger.key");
		}
		bench_open(&bench);
		send_some(&bench, 2);
		end = loop_now_ms(bench.loop) + 700;
		UNTIL(&bench,
			loop_now_ms(bench.loop) > end && state_of(&bench).trouble[0]);
		assert_int_equal(bench.confirmed, 0);
		assert_non_null(strstr(state_of(&bench).trouble, "alert"));
		assert_int_equal(log_count(&bench, "warning"), 1);
		/* Cured without a restart. */
		bench.options.cert_file = named("client.crt");
		bench.options.key_file = named("client.key");
		UNTIL(&bench, bench.confirmed == 2);
		check_all(&bench, 2);
		bench_free(&bench);
	}
}

static void what_is_wrong_is_said_at_once(void **state)
{
	static const char *const bad[] = {"", "siem", "siem:", ":514", "siem:0",
		"siem:65536", "siem:5x", "fe80::1:514", "a b:514", "a/b:514",
		"user@siem:514"};
	const struct destination_events events = {on_report, NULL};
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
	file_in(path, sizeof(path), "alerts.log");
	file_in(moved, sizeof(moved), "alerts.log.1");
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

/* The files of a directory in the order of their names, all but "log"; the newest is "alerts". */
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
	file_in(sub, 128, name);
	assert_int_equal(mkdir(sub, 0700), 0);
	snprintf(path, 160, "%s/alerts", sub);
	bench_new(bench, TRANSPORT_FILE);
	bench->options.path = path;
	bench->options.framing = FRAMING_LF;
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
	bench_free(&bench);
	/* The next start goes on with the last file; only so many stay. */
	bench_new(&bench, TRANSPORT_FILE);
	bench.options.path = path;
	bench.options.framing = FRAMING_LF;
	bench.options.rotate_bytes = 100000;
	bench.options.keep = 3;
	bench.next = bench.confirmed = bench.confirmed_of[0] = 2000;
	bench_open(&bench);
	send_some(&bench, 1000);
	UNTIL(&bench, bench.confirmed == 3000);
	assert_int_equal(names_in(sub, names, 100), 4);
	bench_free(&bench);
	/* A message that is larger than a file is in one all the same. */
	bench_new(&bench, TRANSPORT_FILE);
	bench.options.path = path;
	bench.options.framing = FRAMING_LF;
	bench.options.rotate_bytes = 500;
	bench.options.keep = 1;
	bench.next = bench.confirmed = bench.confirmed_of[0] = 3000;
	bench_open(&bench);
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
	file_in(path, sizeof(path), name);
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
	file_in(path, sizeof(path), "full.log");
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

static int group_setup(void **state)
{
	(void)state;
	return deliver_directory_make(directory, certs_make);
}

static int group_teardown(void **state)
{
	(void)state;
	return deliver_directory_remove(directory);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest failover[] = {
		cmocka_unit_test(next_address_at_once),
		cmocka_unit_test(returns_to_the_first_address),
		cmocka_unit_test(returns_from_one_that_does_not_read),
		cmocka_unit_test(failover_loses_nothing),
		cmocka_unit_test(connections_share_the_customers),
		cmocka_unit_test(silent_host_is_noticed),
		cmocka_unit_test(closed_window_is_no_silence),
		cmocka_unit_test(stalled_collector_is_left),
		cmocka_unit_test(all_stalled_are_waited_for),
		cmocka_unit_test(stalled_collector_is_kept_when_alone),
		cmocka_unit_test(reconnects_leave_nothing),
	};
	const struct CMUnitTest rest[] = {
		cmocka_unit_test(in_order_over_tcp),
		cmocka_unit_test(lone_message_waits_one_turn),
		cmocka_unit_test(messages_of_some_turns_share_a_record),
		cmocka_unit_test(settle_time_is_kept),
		cmocka_unit_test(tcp_breaks_lose_nothing),
		cmocka_unit_test(tls_breaks_lose_nothing),
		cmocka_unit_test(messages_acknowledged_but_not_read_go_again),
		cmocka_unit_test(messages_not_read_go_again_after_a_fin_too),
		cmocka_unit_test(messages_not_read_go_again_long_after_a_fin),
		cmocka_unit_test(what_was_kept_says_that_it_works),
		cmocka_unit_test(ended_connections_are_given_up),
		cmocka_unit_test(tail_is_bounded),
		cmocka_unit_test(slow_collector_is_waited_for),
		cmocka_unit_test(refused_is_said_once_and_recovery_too),
		cmocka_unit_test(collector_that_closes_at_once),
		cmocka_unit_test(over_tls),
		cmocka_unit_test(name_to_verify),
		cmocka_unit_test(wrong_certificates_are_refused),
		cmocka_unit_test(pinned_key_says_who_it_is),
		cmocka_unit_test(tls_versions),
		cmocka_unit_test(fin_after_close_notify),
		cmocka_unit_test(client_certificates),
		cmocka_unit_test(what_is_wrong_is_said_at_once),
		cmocka_unit_test(files_grow_and_rotate),
		cmocka_unit_test(a_new_file_begins_before_one_is_too_large),
		cmocka_unit_test(a_new_file_begins_in_a_new_period),
		cmocka_unit_test(what_cannot_rotate_grows_on),
		cmocka_unit_test(reopened_on_demand),
		cmocka_unit_test(half_a_line_stays_alone),
		cmocka_unit_test(full_disk_loses_nothing),
		cmocka_unit_test(standard_output),
		cmocka_unit_test(maximum_and_headers),
	};

	/* By the name of the program: two of them run side by side. */
	return argc && strstr(argv[0], "test_failover")
		       ? cmocka_run_group_tests(failover, group_setup, group_teardown)
		       : cmocka_run_group_tests(rest, group_setup, group_teardown);
}
