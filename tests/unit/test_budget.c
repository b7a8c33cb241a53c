/* test_budget.c - rates, Retry-After and the breaker on a clock that the test moves. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "fetch/budget.h"

#define MINUTE_MS 60000
#define HOUR_MS 3600000

struct caller {
	struct budget_waiter waiter;
	unsigned goes, refusals;
	int64_t wait_ms;
	char why[100];
	unsigned *order, place;
};

struct fixture {
	struct clock_fake fake;
	struct loop *loop;
	struct budget *budget;
	struct caller callers[40];
};

static void ready(struct budget_waiter *waiter, enum rc rc, int64_t wait_ms,
	const struct error *err)
{
	struct caller *caller = CONTAINER_OF(waiter, struct caller, waiter);

	if (rc == RC_OK) {
		caller->goes++;
		if (caller->order)
			caller->place = ++*caller->order;
		return;
	}
	assert_int_equal(rc, RC_AUTH);
	caller->refusals++;
	caller->wait_ms = wait_ms;
	snprintf(caller->why, sizeof(caller->why), "%.90s", err->text);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	log_set_level(LOG_CRIT);
	clock_fake_init(&f->fake, 17672256000000000);
	f->loop = loop_new(&f->fake.clock);
	loop_seed(f->loop, 7);
	for (size_t i = 0; i < 40; i++)
		f->callers[i].waiter.ready = ready;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	budget_free(f->budget);
	loop_free(f->loop);
	free(f);
	return 0;
}

static void turn(struct fixture *f)
{
	struct error err;

	assert_int_equal(loop_turn(f->loop, 0, &err), RC_OK);
}

static void pass(struct fixture *f, int64_t ms)
{
	clock_fake_pass(&f->fake, ms);
	turn(f);
}

static void new_budget(struct fixture *f, enum api_family api, unsigned percent)
{
	budget_free(f->budget);
	f->budget = budget_new(f->loop, api, "contoso", percent);
}

/* Sends as fast as the budget lets it; the moments, in ms. */
static size_t moments(struct fixture *f, int64_t for_ms, int64_t *at, size_t room)
{
	struct caller *caller = &f->callers[0];
	int64_t end = f->fake.mono_ms + for_ms;
	size_t count = 0;

	caller->goes = 0;
	while (f->fake.mono_ms < end) {
		while (caller->goes ||
			(!caller->waiter.waiting &&
				budget_ask(f->budget, &caller->waiter))) {
			caller->goes = 0;
			assert_true(count < room);
			at[count++] = f->fake.mono_ms;
			budget_end(
				f->budget, &caller->waiter, BUDGET_ANSWERED, -1, NULL);
		}
		pass(f, 20);
	}
	budget_cancel(f->budget, &caller->waiter);
	return count;
}

static size_t most_within(const int64_t *at, size_t count, int64_t window_ms)
{
	size_t most = 0, from = 0;

	for (size_t i = 0; i < count; i++) {
		while (at[i] - at[from] >= window_ms)
			from++;
		if (i - from + 1 > most)
			most = i - from + 1;
	}
	return most;
}

static void rates(void **state)
{
	static const struct {
		enum api_family api;
		unsigned percent, per_minute, per_hour;
	} rows[] = {
		{API_GRAPH, 100, 150, 9000},
		{API_GRAPH, 50, 75, 4500},
		{API_MDE, 100, 100, 1500},
		{API_M365D, 100, 50, 1500},
		{API_M365D, 10, 5, 150},
		{API_SIEM, 100, 30, 600},
	};
	struct fixture *f = *state;
	static int64_t at[20000];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t count, minute, hour;

		new_budget(f, rows[i].api, rows[i].percent);
		count = moments(f, 2 * HOUR_MS, at, 20000);
		minute = most_within(at, count, MINUTE_MS);
		hour = most_within(at, count, HOUR_MS);
		/* Never more, and not much less. */
		if (minute > rows[i].per_minute || hour > rows[i].per_hour ||
			minute * 100 < rows[i].per_minute * 80 ||
			hour * 100 < rows[i].per_hour * 75)
			fail_msg("row %zu: %zu a minute, %zu an hour", i, minute, hour);
	}
}

static void order_is_kept(void **state)
{
	struct fixture *f = *state;
	unsigned order = 0, now = 0;

	new_budget(f, API_GRAPH, 100);
	for (size_t i = 0; i < 40; i++) {
		f->callers[i].order = &order;
		now += budget_ask(f->budget, &f->callers[i].waiter);
	}
	assert_int_equal(now, 30);
	turn(f);
	assert_int_equal(order, 0);
	budget_cancel(f->budget, &f->callers[30].waiter);
	budget_cancel(f->budget, &f->callers[30].waiter);
	pass(f, 499);
	assert_int_equal(order, 0);
	pass(f, 1);
	assert_int_equal(order, 1);
	for (unsigned i = 0; i < 8; i++)
		pass(f, 500);
	assert_int_equal(order, 9);
	for (unsigned i = 31; i < 40; i++)
		assert_int_equal(f->callers[i].place, i - 30);
	assert_int_equal(f->callers[30].place, 0);
}

static int64_t throttle(struct fixture *f, int64_t retry_after_ms)
{
	struct caller *caller = &f->callers[0];

	while (!budget_ask(f->budget, &caller->waiter)) {
		unsigned before = caller->goes;

		while (caller->goes == before)
			pass(f, 100);
		break;
	}
	return budget_end(
		f->budget, &caller->waiter, BUDGET_THROTTLED, retry_after_ms, NULL);
}

/* The one that asks while the API is shut waits as long as was said, and so do all others; no burst
 * follows. */
static void retry_after(void **state)
{
	struct fixture *f = *state;
	struct budget *other;
	unsigned order = 0;

	new_budget(f, API_GRAPH, 100);
	other = budget_new(f->loop, API_GRAPH, "fabrikam", 100);
	assert_int_equal(throttle(f, 7000), 7000);
	for (size_t i = 1; i < 5; i++) {
		f->callers[i].order = &order;
		assert_false(budget_ask(f->budget, &f->callers[i].waiter));
	}
	assert_true(budget_ask(other, &f->callers[5].waiter));
	pass(f, 6999);
	assert_int_equal(order, 0);
	pass(f, 1);
	assert_int_equal(order, 1);
	pass(f, 499);
	assert_int_equal(order, 1);
	pass(f, 1);
	assert_int_equal(order, 2);
	/* An answer that was under way shortens nothing. */
	assert_int_equal(budget_end(f->budget, &f->callers[1].waiter, BUDGET_THROTTLED,
				 9000, NULL),
		9000);
	assert_int_equal(budget_end(f->budget, &f->callers[2].waiter, BUDGET_THROTTLED,
				 2000, NULL),
		9000);
	pass(f, 8999);
	assert_int_equal(order, 2);
	pass(f, 1);
	assert_int_equal(order, 3);
	budget_cancel(f->budget, &f->callers[4].waiter);
	budget_free(other);
}

/* Without Retry-After, or with one that says nothing: grows, with jitter, to a limit. */
static void no_retry_after(void **state)
{
	struct fixture *f = *state;
	int64_t wait_ms, longest = 0, ceiling = 2000, first = -1;
	bool varies = false;

	new_budget(f, API_GRAPH, 100);
	for (unsigned i = 0; i < 40; i++) {
		wait_ms = throttle(f, i % 2 ? -1 : 0);
		assert_in_range(wait_ms, ceiling / 10, ceiling);
		longest = wait_ms > longest ? wait_ms : longest;
		if (ceiling == 300000) {
			varies |= first >= 0 && wait_ms != first;
			first = wait_ms;
		}
		ceiling = ceiling * 2 < 300000 ? ceiling * 2 : 300000;
	}
	assert_true(varies);
	assert_in_range(longest, 200000, 300000);
	/* One good answer, and it begins anew. */
	pass(f, 300000);
	assert_true(budget_ask(f->budget, &f->callers[1].waiter));
	assert_int_equal(
		budget_end(f->budget, &f->callers[1].waiter, BUDGET_ANSWERED, -1, NULL),
		-1);
	pass(f, 1000);
	assert_in_range(throttle(f, -1), 200, 2000);
}

/* An outage with Retry-After is obeyed as well; without, it is the feed's own affair. */
static void outage(void **state)
{
	struct fixture *f = *state;

	new_budget(f, API_MDE, 100);
	assert_true(budget_ask(f->budget, &f->callers[0].waiter));
	assert_int_equal(
		budget_end(f->budget, &f->callers[0].waiter, BUDGET_ANSWERED, -1, NULL),
		-1);
	assert_true(budget_ask(f->budget, &f->callers[0].waiter));
	assert_int_equal(budget_end(f->budget, &f->callers[0].waiter, BUDGET_ANSWERED,
				 30000, NULL),
		30000);
	assert_false(budget_ask(f->budget, &f->callers[0].waiter));
	pass(f, 29999);
	assert_int_equal(f->callers[0].goes, 0);
	pass(f, 1);
	assert_int_equal(f->callers[0].goes, 1);
}

static int64_t refuse(struct fixture *f, const char *why)
{
	struct error err;

	error_set(&err, RC_AUTH, "%s", why);
	return budget_end(
		f->budget, &f->callers[0].waiter, BUDGET_REFUSED, 60000, &err);
}

static void breaker_opens_and_closes(void **state)
{
	static const int64_t most[] = {120000, 240000, 480000, 900000, 900000, 900000};
	struct fixture *f = *state;
	struct caller *caller = &f->callers[0], *other = &f->callers[1],
		      *third = &f->callers[2];

	new_budget(f, API_GRAPH, 100);
	/* Not in a row. */
	for (unsigned i = 0; i < 10; i++) {
		assert_true(budget_ask(f->budget, &caller->waiter));
		if (i % 3 == 2)
			budget_end(
				f->budget, &caller->waiter, BUDGET_ANSWERED, -1, NULL);
		else
			assert_int_equal(refuse(f, "wrong"), 60000);
		pass(f, 60000);
	}
	assert_true(budget_ask(f->budget, &caller->waiter));
	assert_int_equal(refuse(f, "wrong"), 60000);
	/* What all feeds hear of one sign-in is one failure. */
	pass(f, 1000);
	for (unsigned i = 0; i < 5; i++) {
		assert_true(budget_ask(f->budget, &caller->waiter));
		assert_int_equal(refuse(f, "wrong"), 59000);
	}
	pass(f, 59000);
	assert_true(budget_ask(f->budget, &caller->waiter));
	for (unsigned i = 0; i < 6; i++) {
		int64_t wait_ms = refuse(f, "wrong secret");

		assert_in_range(wait_ms, most[i] * 9 / 10, most[i]);
		/* Who waited for it, and who asks meanwhile, hears why, from the loop. */
		turn(f);
		assert_int_equal(third->refusals, i);
		pass(f, 1000);
		assert_false(budget_ask(f->budget, &other->waiter));
		assert_int_equal(other->refusals, i);
		turn(f);
		assert_int_equal(other->refusals, i + 1);
		assert_int_equal(other->wait_ms, wait_ms - 1000);
		assert_string_equal(other->why, "wrong secret");
		/* Then one tries, and others wait for what it finds. */
		pass(f, wait_ms - 1000);
		assert_true(budget_ask(f->budget, &caller->waiter));
		assert_false(budget_ask(f->budget, &third->waiter));
		pass(f, 5000);
		assert_int_equal(third->refusals, i);
		assert_int_equal(third->goes, 0);
	}
	/* One that ends without an answer decides nothing: the next one tries. */
	budget_end(f->budget, &caller->waiter, BUDGET_UNKNOWN, -1, NULL);
	assert_false(budget_ask(f->budget, &other->waiter));
	turn(f);
	assert_int_equal(third->goes, 1);
	pass(f, 5000);
	assert_int_equal(other->goes, 0);
	assert_int_equal(
		budget_end(f->budget, &third->waiter, BUDGET_ANSWERED, -1, NULL), -1);
	turn(f);
	assert_int_equal(other->goes, 1);
	/* Closed, and it takes as many failures as before to open it. */
	for (unsigned i = 0; i < 2; i++) {
		assert_true(budget_ask(f->budget, &caller->waiter));
		assert_int_equal(refuse(f, "wrong"), 60000);
		pass(f, 60000);
	}
	assert_true(budget_ask(f->budget, &caller->waiter));
	assert_in_range(refuse(f, "wrong"), most[0] * 9 / 10, most[0]);
}

/* In the log it is two lines, however often it fails. */
static void breaker_is_said_once(void **state)
{
	char path[] = "/tmp/test_budget.XXXXXX", channel[60], line[900];
	struct fixture *f = *state;
	struct caller *caller = &f->callers[0];
	struct error err;
	unsigned lines = 0;
	int fd = mkstemp(path);
	FILE *log;

	assert_true(fd >= 0);
	snprintf(channel, sizeof(channel), "file:%s", path);
	log_set_level(LOG_INFO);
	assert_int_equal(log_open(channel, &err), RC_OK);
	new_budget(f, API_GRAPH, 100);
	for (unsigned i = 0; i < 8; i++) {
		assert_true(budget_ask(f->budget, &caller->waiter));
		refuse(f, i % 2 ? "wrong\nsecret" : "no consent");
		pass(f, 900000);
	}
	assert_true(budget_ask(f->budget, &caller->waiter));
	for (unsigned i = 0; i < 3; i++)
		budget_end(f->budget, &caller->waiter, BUDGET_ANSWERED, -1, NULL);
	log_close();
	log = fdopen(fd, "r");
	while (fgets(line, sizeof(line), log)) {
		assert_non_null(strstr(line, "tenant=contoso api=graph"));
		assert_non_null(strstr(line, lines++ ? "signing in works again"
						     : "signing in keeps failing"));
		if (lines == 1)
			assert_non_null(strstr(line, "reason=\"no consent\""));
		else
			assert_non_null(strstr(line, "after_s=7200 failures=8"));
	}
	assert_int_equal(lines, 2);
	fclose(log);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rates, set_up, tear_down),
		cmocka_unit_test_setup_teardown(order_is_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(retry_after, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_retry_after, set_up, tear_down),
		cmocka_unit_test_setup_teardown(outage, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			breaker_opens_and_closes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			breaker_is_said_once, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
