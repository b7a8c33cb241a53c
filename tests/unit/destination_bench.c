/* destination_bench.c - what destination_bench.h promises. */
#include "config.h"

#include "destination_bench.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

char bench_directory[] = "/tmp/test-destination-XXXXXX";

int bench_setup(void **state)
{
	(void)state;
	return deliver_directory_make(bench_directory, certs_make);
}

int bench_teardown(void **state)
{
	(void)state;
	return deliver_directory_remove(bench_directory);
}

void bench_report(void *context, void *ticket, enum delivery result)
{
	struct bench *bench = context;
	unsigned customer = (unsigned)(uintptr_t)ticket % bench->customers;

	assert_int_equal(result, DELIVERY_CONFIRMED);
	/* Once each, in order. */
	assert_int_equal((uintptr_t)ticket,
		bench->confirmed_of[customer]++ * bench->customers + customer);
	bench->confirmed_at_ms[bench->confirmed++] = loop_now_ms(bench->loop);
}

void bench_path(char *out, size_t size, const char *name)
{
	snprintf(out, size, "%s/%s", bench_directory, name);
}

const char *bench_file(const char *name)
{
	static char names[8][128];
	static int at;

	at = (at + 1) % 8;
	bench_path(names[at], sizeof(names[at]), name);
	return names[at];
}

void bench_new(struct bench *bench, enum transport transport)
{
	struct error err;

	memset(bench, 0, sizeof(*bench));
	bench->customers = 1;
	deliver_options(&bench->options, transport, FRAMING_OCTET, bench->address);
	bench->options.ca_file = bench_file("ca.crt");
	bench->loop = loop_new(&clock_system);
	bench->collector.fd = -1;
	bench_path(bench->log, sizeof(bench->log), "log");
	unlink(bench->log);
	snprintf(bench->log, sizeof(bench->log), "file:%s/log", bench_directory);
	assert_int_equal(log_open(bench->log, &err), RC_OK);
}

void bench_listen(struct bench *bench, SSL_CTX *tls, int receive_buffer)
{
	collector_start(&bench->collector, tls, receive_buffer);
	snprintf(bench->address, sizeof(bench->address), "127.0.0.1:%d",
		bench->collector.port);
}

/* Another address behind the first one. */
struct collector *bench_listen_too(struct bench *bench, SSL_CTX *tls)
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

void bench_open(struct bench *bench)
{
	bench->destination =
		deliver_open(bench->loop, &bench->options, bench_report, bench);
}

void bench_free(struct bench *bench)
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

void send_sized(struct bench *bench, size_t padding)
{
	bench->last_queued = deliver_send(bench->destination, bench->next,
		bench->next % bench->customers, padding);
	bench->next++;
}

void send_some(struct bench *bench, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		send_sized(bench, 700);
}

void turn(struct bench *bench)
{
	assert_int_equal(loop_turn(bench->loop, 2, NULL), RC_OK);
	if (bench->collector.port)
		collector_poll(&bench->collector);
	for (size_t i = 0; i < COLLECTORS - 1; i++)
		if (bench->others[i].port)
			collector_poll(&bench->others[i]);
}

struct destination_state state_of(struct bench *bench)
{
	return deliver_state(bench->destination);
}

/* The id of the next whole message, or -1; checks its framing. */
long next_message(const struct strbuf *got, enum framing framing, size_t *at)
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

unsigned log_count(struct bench *bench, const char *words)
{
	return deliver_log_count(bench->log, words);
}

/* Every message up to `count` was read by a collector. */
unsigned check_all(struct bench *bench, unsigned count)
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
