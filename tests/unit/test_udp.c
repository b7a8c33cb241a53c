/* test_udp.c - the transport udp against real sockets of the loopback. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "deliver_help.h"
#include "until.h"

#define MESSAGES 1024

struct bench {
	struct loop *loop;
	struct destination *destination;
	struct destination_options options;
	int fd, port; /* of the collector; -1: nobody listens */
	char address[64], log[64];
	unsigned next, confirmed, rejected;
	unsigned gaps; /* that may be among the messages that arrive */
	unsigned got, repeats,
		expected; /* expected: the number that must come next or again */
	size_t largest;
	unsigned seen[MESSAGES];
};

/* The kernel's calls, with an interface or a network before the collector that takes only so much. */
static struct {
	size_t interface; /* 0: takes all */
	size_t network; /* 0: takes all; otherwise what is larger is lost until it has told */
	bool lost, by_send;
	unsigned told;
} narrow;

ssize_t __real_send(int fd, const void *p, size_t n, int flags);
ssize_t __wrap_send(int fd, const void *p, size_t n, int flags);
int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *size);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *size);

static bool told(void)
{
	if (!narrow.lost)
		return false;
	narrow.lost = false;
	narrow.network = 0;
	narrow.told++;
	return true;
}

ssize_t __wrap_send(int fd, const void *p, size_t n, int flags)
{
	if ((narrow.by_send && told()) || (narrow.interface && n > narrow.interface)) {
		errno = EMSGSIZE;
		return -1;
	}
	if (narrow.network && n > narrow.network) {
		narrow.lost = true;
		return (ssize_t)n;
	}
	return __real_send(fd, p, n, flags);
}

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
	int rc = __real_getsockopt(fd, level, name, value, size);

	if (level == SOL_SOCKET && name == SO_ERROR && !narrow.by_send && told())
		*(int *)value = EMSGSIZE;
	return rc;
}

static void on_report(void *context, void *ticket, enum delivery result)
{
	struct bench *bench = context;

	/* Once each, in order. */
	assert_int_equal((uintptr_t)ticket, bench->confirmed + bench->rejected);
	if (result == DELIVERY_CONFIRMED)
		bench->confirmed++;
	else
		bench->rejected++;
}

static void listen_on(struct bench *bench)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)bench->port)};
	socklen_t size = sizeof(at);

	bench->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(bench->fd, (struct sockaddr *)&at, size), 0);
	assert_int_equal(getsockname(bench->fd, (struct sockaddr *)&at, &size), 0);
	bench->port = ntohs(at.sin_port);
}

static void deaf(struct bench *bench)
{
	close(bench->fd);
	bench->fd = -1;
}

static void bench_new(struct bench *bench, const char *host)
{
	char path[] = "/tmp/test-udp-XXXXXX";
	struct error err;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	memset(bench, 0, sizeof(*bench));
	snprintf(bench->log, sizeof(bench->log), "file:%s", path);
	assert_int_equal(log_open(bench->log, &err), RC_OK);
	listen_on(bench);
	snprintf(bench->address, sizeof(bench->address), "%s:%d", host, bench->port);
	deliver_options(&bench->options, TRANSPORT_UDP, FRAMING_NONE, bench->address);
	bench->loop = loop_new(&clock_system);
}

static void bench_open(struct bench *bench)
{
	bench->destination =
		deliver_open(bench->loop, &bench->options, on_report, bench);
}

static void bench_free(struct bench *bench)
{
	destination_free(bench->destination);
	loop_free(bench->loop);
	if (bench->fd >= 0)
		close(bench->fd);
	log_close();
	unlink(bench->log + 5);
}

static void send_some(struct bench *bench, unsigned count, size_t padding)
{
	for (unsigned i = 0; i < count; i++)
		deliver_send(bench->destination, bench->next++, 0, padding);
}

/* Each datagram is one whole message, without a frame around it. */
static void take(struct bench *bench)
{
	char datagram[70000];
	ssize_t n;

	while (bench->fd >= 0 &&
		(n = recv(bench->fd, datagram, sizeof(datagram), 0)) >= 0) {
		const char *mark = memchr(datagram, '#', (size_t)n);
		unsigned id;

		assert_int_equal(datagram[0], '<');
		assert_null(memchr(datagram, '\n', (size_t)n));
		assert_non_null(mark);
		id = (unsigned)strtoul(mark + 1, NULL, 10);
		if (id > bench->expected) /* neither again nor the next */
			assert_true(bench->gaps-- > 0);
		bench->expected = id + 1;
		bench->repeats += bench->seen[id]++ > 0;
		bench->got += bench->seen[id] == 1;
		if ((size_t)n > bench->largest)
			bench->largest = (size_t)n;
	}
}

static void turn(struct bench *bench)
{
	assert_int_equal(loop_turn(bench->loop, 2, NULL), RC_OK);
	take(bench);
}

static struct destination_state state_of(struct bench *bench)
{
	return deliver_state(bench->destination);
}

static unsigned log_count(struct bench *bench, const char *words)
{
	return deliver_log_count(bench->log, words);
}

static void one_message_a_datagram_in_order(void **state)
{
	static const char *const hosts[] = {"127.0.0.1", "localhost"};
	struct bench bench;

	(void)state;
	for (int i = 0; i < 2; i++) {
		bench_new(&bench, hosts[i]);
		bench_open(&bench);
		send_some(&bench, 200, 700);
		UNTIL(&bench, bench.confirmed == 200);
		assert_int_equal(bench.got, 200);
		assert_int_equal(bench.repeats, 0);
		assert_int_equal(log_count(&bench, "warning"), 0);
		assert_true(destination_idle(bench.destination));
		assert_int_equal(state_of(&bench).queued_bytes, 0);
		assert_int_equal(state_of(&bench).kept_bytes, 0);
		bench_free(&bench);
	}
}

static void counts_only_after_the_settle_time(void **state)
{
	struct bench bench;
	int64_t sent;

	(void)state;
	bench_new(&bench, "127.0.0.1");
	bench.options.settle_ms = 200;
	bench_open(&bench);
	/* The first one of all shows whether anybody is there, and the others wait for it. */
	sent = loop_now_ms(bench.loop);
	send_some(&bench, 2, 100);
	UNTIL(&bench, bench.got == 1);
	UNTIL(&bench, bench.confirmed == 1);
	assert_true(loop_now_ms(bench.loop) - sent >= 1000);
	UNTIL(&bench, bench.confirmed == 2);
	sent = loop_now_ms(bench.loop);
	send_some(&bench, 1, 100);
	UNTIL(&bench, bench.confirmed == 3);
	assert_true(loop_now_ms(bench.loop) - sent >= 200);
	bench_free(&bench);
}

/* It is said once, tried again, and what was refused arrives, in order. */
static void refused_messages_go_again(void **state)
{
	struct bench bench;
	int64_t end;

	(void)state;
	bench_new(&bench, "127.0.0.1");
	bench_open(&bench);
	send_some(&bench, 20, 100);
	UNTIL(&bench, bench.confirmed == 20);
	deaf(&bench);
	send_some(&bench, 50, 100);
	end = loop_now_ms(bench.loop) + 2500; /* several attempts */
	UNTIL(&bench, loop_now_ms(bench.loop) > end && !state_of(&bench).connected);
	assert_int_equal(bench.confirmed, 20);
	assert_non_null(strstr(state_of(&bench).trouble, "refused"));
	assert_int_equal(log_count(&bench, "refused"), 1);
	assert_true(state_of(&bench).resent > 0);
	listen_on(&bench);
	UNTIL(&bench, bench.confirmed == 70);
	assert_int_equal(bench.got, 70);
	assert_int_equal(bench.repeats, 0);
	assert_string_equal(state_of(&bench).trouble, "");
	assert_int_equal(log_count(&bench, "takes alerts again"), 1);
	bench_free(&bench);
}

/* The refusal comes late: while it is on its way nothing counts. */
static void refused_while_nothing_else_is_sent(void **state)
{
	struct bench bench;

	(void)state;
	bench_new(&bench, "127.0.0.1");
	deaf(&bench);
	bench_open(&bench);
	send_some(&bench, 1, 100);
	UNTIL(&bench, log_count(&bench, "refused") == 1);
	assert_int_equal(bench.confirmed, 0);
	listen_on(&bench);
	UNTIL(&bench, bench.confirmed == 1);
	assert_int_equal(bench.got, 1);
	bench_free(&bench);
}

static void next_address_at_once(void **state)
{
	struct bench bench, dead;

	(void)state;
	bench_new(&dead, "127.0.0.1");
	deaf(&dead);
	bench_new(&bench, "127.0.0.1");
	bench.options.addresses[0] = dead.address;
	bench.options.addresses[1] = bench.address;
	bench.options.address_count = 2;
	bench_open(&bench);
	send_some(&bench, 5, 100);
	UNTIL(&bench, bench.confirmed == 5);
	assert_int_equal(bench.got, 5);
	assert_string_equal(state_of(&bench).address, bench.address);
	bench_free(&bench);
	dead.destination = NULL;
	loop_free(dead.loop);
	unlink(dead.log + 5);
}

static void a_name_that_cannot_be_found(void **state)
{
	struct bench bench;

	(void)state;
	bench_new(&bench, "127.0.0.1");
	snprintf(bench.address, sizeof(bench.address), "no-such-host.invalid:514");
	bench.options.connect_timeout_ms = 2000;
	bench_open(&bench);
	send_some(&bench, 1, 100);
	UNTIL(&bench, state_of(&bench).trouble[0]);
	assert_non_null(strstr(state_of(&bench).trouble, "check the name and the DNS"));
	/* It is asked for anew at each try. */
	snprintf(bench.address, sizeof(bench.address), "localhost:%d", bench.port);
	UNTIL(&bench, bench.confirmed == 1);
	assert_int_equal(bench.got, 1);
	bench_free(&bench);
}

static void a_backlog_goes_at_the_rate(void **state)
{
	struct bench bench;
	int64_t begun;
	unsigned had;

	(void)state;
	bench_new(&bench, "127.0.0.1");
	bench.options.rate = 200;
	bench_open(&bench);
	send_some(&bench, 1, 100);
	UNTIL(&bench, bench.confirmed == 1);
	begun = loop_now_ms(bench.loop);
	send_some(&bench, 101, 100);
	UNTIL(&bench, bench.got > 1);
	had = bench.got; /* at once: what 10 ms are worth, unless this was slow */
	assert_true(had <= 1 + 2 + (loop_now_ms(bench.loop) - begun) / 5 + 1);
	UNTIL(&bench, bench.got == 102);
	assert_true(loop_now_ms(bench.loop) - begun >= 98 * 5 - 10);
	UNTIL(&bench, destination_idle(bench.destination));
	bench_free(&bench);
}

static void the_largest_datagram(void **state)
{
	struct destination *destination;
	struct bench bench;
	const struct destination_events events = {on_report, &bench};
	struct error err;

	(void)state;
	bench_new(&bench, "127.0.0.1");
	bench.options.max_message_bytes = TRANSPORT_DATAGRAM_MAXIMUM + 1;
	assert_int_equal(destination_new(bench.loop, &bench.options, &events,
				 &destination, &err),
		RC_CONFIG);
	assert_non_null(strstr(err.text, "a datagram holds 65507"));
	bench.options.max_message_bytes = TRANSPORT_DATAGRAM_MAXIMUM;
	bench.options.format = "json";
	bench_open(&bench);
	send_some(&bench, 1, 66000);
	UNTIL(&bench, bench.confirmed == 1);
	assert_int_equal(bench.got, 1);
	assert_in_range(bench.largest, 60000, TRANSPORT_DATAGRAM_MAXIMUM);
	bench_free(&bench);
}

/* What this host cannot send is passed over and counted, said once, and holds up nothing. */
static void too_large_for_the_interface(void **state)
{
	struct bench bench;

	(void)state;
	bench_new(&bench, "127.0.0.1");
	bench.gaps = 2;
	bench_open(&bench);
	narrow.interface = 1200;
	send_some(&bench, 1, 2000); /* also as the first of all */
	send_some(&bench, 10, 100);
	send_some(&bench, 3, 2000);
	send_some(&bench, 10, 100);
	UNTIL(&bench, destination_idle(bench.destination));
	narrow.interface = 0;
	assert_int_equal(bench.confirmed, 20);
	assert_int_equal(bench.rejected, 4);
	assert_int_equal(bench.got, 20);
	assert_int_equal(bench.repeats, 0);
	assert_int_equal(state_of(&bench).too_large, 4);
	assert_int_equal(state_of(&bench).sent,
		state_of(&bench).confirmed + state_of(&bench).too_large);
	assert_int_equal(state_of(&bench).breaks, 0);
	assert_int_equal(log_count(&bench, "too large for any datagram"), 1);
	bench_free(&bench);
}

/* News of a narrow network, by the socket or by the next send(): the kernel breaks datagrams up from then
 * on, and what was lost goes again at once. */
static void too_large_for_the_network(void **state)
{
	struct bench bench;

	(void)state;
	for (int by_send = 0; by_send < 2; by_send++) {
		bench_new(&bench, "127.0.0.1");
		bench.gaps = 1;
		bench_open(&bench);
		send_some(&bench, 10, 100);
		UNTIL(&bench, bench.confirmed == 10);
		narrow.network = 1200;
		narrow.by_send = by_send;
		narrow.told = 0;
		send_some(&bench, 1, 2000);
		send_some(&bench, 5, 100);
		UNTIL(&bench, bench.confirmed == 16);
		assert_int_equal(narrow.told, 1);
		assert_int_equal(bench.got, 16);
		assert_int_equal(bench.rejected, 0);
		assert_int_equal(state_of(&bench).breaks, 0);
		assert_string_equal(state_of(&bench).trouble, "");
		assert_int_equal(log_count(&bench, "broken up on their way"), 1);
		bench_free(&bench);
	}
	narrow.by_send = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_message_a_datagram_in_order),
		cmocka_unit_test(counts_only_after_the_settle_time),
		cmocka_unit_test(refused_messages_go_again),
		cmocka_unit_test(refused_while_nothing_else_is_sent),
		cmocka_unit_test(next_address_at_once),
		cmocka_unit_test(a_name_that_cannot_be_found),
		cmocka_unit_test(a_backlog_goes_at_the_rate),
		cmocka_unit_test(the_largest_datagram),
		cmocka_unit_test(too_large_for_the_interface),
		cmocka_unit_test(too_large_for_the_network),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
