/* test_base.c - error, arena, strbuf, clock, log quoting, loop. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h> /* wants those above */

#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/loop.h"
#include "base/strbuf.h"

static void error_wraps_and_cuts(void **state)
{
	struct error err = {0};
	char longer[2000];

	(void)state;
	assert_int_equal(error_set(&err, RC_IO, "cannot read %s", "x"), RC_IO);
	assert_int_equal(error_wrap(&err, "tenant %d", 7), RC_IO);
	assert_string_equal(err.text, "tenant 7: cannot read x");
	for (size_t i = 0; i + 2 < sizeof(longer); i += 2)
		memcpy(longer + i, "\xc3\xbc", 2);
	longer[sizeof(longer) - 2] = '\0';
	error_set(&err, RC_IO, "a%s", longer);
	assert_true(strlen(err.text) < sizeof(err.text));
	assert_int_equal((unsigned char)err.text[strlen(err.text) - 1], 0xbc);
}

static void the_same_trouble_has_one_digest(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} pairs[] = {
		{"refused after 3 ms", "refused after 12 ms", true},
		{"cut after 7 octets: x", "cut after 70001 octets: x", true},
		{"no (HTTP 401); trace id da73ac14-a4db-4a68-888b-e6478fe29e9c",
			"no (HTTP 401); trace id 403432E8-ae77-49c1-8069-ae4be178dc13",
			true},
		{"no (HTTP 401)", "no (HTTP 403)", false},
		{"AADSTS7000215: no", "AADSTS7000222: no", false},
		{"refused after 3 ms", "reset after 3 ms", false},
		{"da73ac14-a4db", "403432e8-ae77", false},
		{"", "7", true},
	};
	struct error a, b;

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		error_set(&a, RC_IO, "%s", pairs[i].a);
		error_set(&b, RC_IO, "%s", pairs[i].b);
		if ((error_digest(&a) == error_digest(&b)) != pairs[i].same)
			fail_msg("%s | %s", pairs[i].a, pairs[i].b);
		b = a;
		b.code = RC_TLS;
		assert_true(error_digest(&a) != error_digest(&b));
	}
}

static void arena_bounds_and_reuse(void **state)
{
	struct arena arena;
	char *first;

	(void)state;
	arena_init(&arena, 100000);
	first = arena_alloc(&arena, 10);
	assert_non_null(first);
	assert_non_null(arena_alloc(&arena, 60000));
	assert_null(arena_alloc(&arena, 60000));
	assert_int_equal((uintptr_t)arena_alloc(&arena, 1) % _Alignof(max_align_t), 0);
	assert_memory_equal(arena_copy(&arena, "abc", 3), "abc", 3);
	arena_reset(&arena);
	assert_ptr_equal(arena_alloc(&arena, 10), first);
	arena_clear(&arena);
}

static void strbuf_has_a_maximum(void **state)
{
	struct strbuf b;

	(void)state;
	strbuf_init(&b, 10);
	assert_string_equal(b.p, "");
	assert_true(strbuf_adds(&b, "12345"));
	assert_true(strbuf_addf(&b, "%d", 678));
	assert_false(strbuf_addf(&b, "%d", 901));
	assert_true(b.full);
	assert_string_equal(b.p, "12345678");
	assert_false(strbuf_addc(&b, 'x')); /* full until reset */
	strbuf_drop(&b, 5);
	assert_string_equal(b.p, "678");
	strbuf_reset(&b);
	assert_true(strbuf_adds(&b, "0123456789"));
	strbuf_clear(&b);
}

static void times_to_ticks_and_back(void **state)
{
	static const struct {
		const char *text;
		const char *back;
	} good[] = {
		{"2026-01-05T09:31:12.3466667Z", "2026-01-05T09:31:12.3466667Z"},
		{"2026-01-05T09:31:12Z", "2026-01-05T09:31:12.0000000Z"},
		{"2026-01-05T09:31:12.4Z", "2026-01-05T09:31:12.4000000Z"},
		{"2026-01-05T09:31:12.123456789Z", "2026-01-05T09:31:12.1234567Z"},
		{"2024-02-29T23:59:59.9999999Z", "2024-02-29T23:59:59.9999999Z"},
		{"1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.5000000Z"},
		{"2026-01-05T09:31:12+02:30", "2026-01-05T07:01:12.0000000Z"},
		{"2016-09-12T00:00:00.000", "2016-09-12T00:00:00.0000000Z"},
		{"0001-01-01T00:00:00Z", "0001-01-01T00:00:00.0000000Z"},
		{"9999-12-31T23:59:59Z", "9999-12-31T23:59:59.0000000Z"},
	};
	static const char *const bad[] = {"", "2026-01-05", "2026-02-29T00:00:00Z",
		"2026-13-01T00:00:00Z", "2026-01-05T24:00:00Z", "2026-01-05T09:31:12.Z",
		"2026-01-05T09:31:12Zx", "2026-01-05T09:31:12+0200",
		"x026-01-05T09:31:12Z"};
	char out[TIME_TEXT];
	int64_t ticks;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_true(time_parse(good[i].text, strlen(good[i].text), &ticks));
		time_format(ticks, 7, out);
		assert_string_equal(out, good[i].back);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(time_parse(bad[i], strlen(bad[i]), &ticks));
	assert_true(time_parse("1970-01-01T00:00:01Z", 20, &ticks));
	assert_int_equal(ticks, TICKS_PER_S);
	assert_true(time_parse("2026-01-05T09:31:12.3999999Z", 28, &ticks));
	assert_int_equal(time_format(ticks, 3, out), 24);
	assert_string_equal(out, "2026-01-05T09:31:12.399Z"); /* cut, not rounded */
}

struct fired {
	struct loop_timer timer;
	int order;
};

static int fire_count;

static void on_fire(struct loop_timer *timer)
{
	CONTAINER_OF(timer, struct fired, timer)->order = ++fire_count;
}

static void timers_fire_in_order(void **state)
{
	struct clock_fake fake;
	struct loop *loop;
	struct fired t[100] = {0};

	(void)state;
	clock_fake_init(&fake, 0);
	loop = loop_new(&fake.clock);
	fire_count = 0;
	for (int i = 0; i < 100; i++) {
		t[i].timer.fire = on_fire;
		loop_timer_set(loop, &t[i].timer, fake.mono_ms + (i * 61) % 100 + 1);
	}
	for (int i = 0; i < 100; i++) /* moved, to earlier and to later */
		loop_timer_set(loop, &t[i].timer, fake.mono_ms + (i * 37) % 100 + 1);
	for (int i = 0; i < 100; i += 3)
		loop_timer_stop(loop, &t[i].timer);
	for (int ms = 0; ms < 101; ms++) {
		clock_fake_pass(&fake, 1);
		assert_int_equal(loop_turn(loop, 0, NULL), RC_OK);
	}
	assert_int_equal(fire_count, 66);
	for (int i = 0; i < 100; i++)
		for (int k = 0; k < 100; k++)
			if (t[i].order && t[k].order && (i * 37) % 100 < (k * 37) % 100)
				assert_true(t[i].order < t[k].order);
	loop_free(loop);
}

struct reader {
	struct loop_watch watch;
	char got[8];
};

static void on_ready(struct loop_watch *watch, short revents)
{
	struct reader *reader = CONTAINER_OF(watch, struct reader, watch);

	assert_true(revents & CURL_WAIT_POLLIN);
	assert_int_equal(read(watch->fd, reader->got, sizeof(reader->got)), 2);
}

static void call_again(struct loop_call *call)
{
	(void)call;
	fire_count++;
}

static void watches_and_calls(void **state)
{
	struct loop *loop = loop_new(&clock_system);
	struct reader reader = {
		.watch = {.events = CURL_WAIT_POLLIN, .ready = on_ready}};
	struct loop_call call = {.run = call_again};
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	reader.watch.fd = fds[0];
	loop_watch_add(loop, &reader.watch);
	assert_int_equal(write(fds[1], "hi", 2), 2);
	fire_count = 0;
	loop_defer(loop, &call);
	loop_defer(loop, &call);
	assert_int_equal(loop_turn(loop, 1000, NULL), RC_OK);
	assert_int_equal(loop_turn(loop, 0, NULL), RC_OK);
	assert_string_equal(reader.got, "hi");
	assert_int_equal(fire_count, 1);
	loop_watch_remove(loop, &reader.watch);
	close(fds[0]);
	close(fds[1]);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(error_wraps_and_cuts),
		cmocka_unit_test(the_same_trouble_has_one_digest),
		cmocka_unit_test(arena_bounds_and_reuse),
		cmocka_unit_test(strbuf_has_a_maximum),
		cmocka_unit_test(times_to_ticks_and_back),
		cmocka_unit_test(timers_fire_in_order),
		cmocka_unit_test(watches_and_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
