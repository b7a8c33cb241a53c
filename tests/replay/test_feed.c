/* test_feed.c - the feed's schedule, against a scripted vendor; hours pass in milliseconds. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h> /* wants those above */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "vendor.h"

#define MINUTE 60
#define HOUR 3600
#define DAY (24 * 3600)

static const char *to[] = {"soc"};
static size_t to_index[] = {0};
static struct config_feed config;
static const struct config_api apis[API_FAMILIES] = {{.root = "https://api"}};
static struct config_tenant tenant;
static struct feed_host host;
static struct destination *destinations[1];
static struct feed *feed;

static void finished(struct feed_host *h, struct feed *f)
{
	(void)h, (void)f;
}

static int setup(void **state)
{
	(void)state;
	vendor_reset();
	vendor.loop = loop_new(&vendor.clock.clock);
	loop_seed(vendor.loop, 7);
	config = (struct config_feed){.source = "scripted",
		.destinations = to,
		.destination_count = 1,
		.destination_index = to_index,
		.poll_ms = 60000,
		.look_back_ms = DAY * 1000,
		.overlap_ms = 600000,
		.slice_ms = DAY * 1000,
		.rescan_every_ms = HOUR * 1000,
		.rescan_range_ms = DAY * 1000,
		.page_size = 100,
		.expand = true,
		.policy = ALERT_POLICY_STATUS,
		.window_bytes = 2 << 20};
	tenant = (struct config_tenant){.key = "contoso",
		.tenant_id = "11111111-1111-1111-1111-111111111111",
		.display_name = "Contoso",
		.apis = apis};
	host = (struct feed_host){.loop = vendor.loop,
		.store = store_open_memory(),
		.destinations = destinations,
		.finished = finished};
	feed_host_init(&host);
	host.window = window_new(vendor.loop, host.store, 256 << 20);
	feed = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	feed_host_clear(&host);
	feed_free(feed);
	window_free(host.window);
	store_close(host.store);
	loop_free(vendor.loop);
	return 0;
}

static void start(void)
{
	struct error err;

	assert_int_equal(
		feed_new(&host, &tenant, &config, NULL, NULL, &feed, &err), RC_OK);
	feed_start(feed, 0);
}

static void run(int64_t seconds)
{
	int64_t end = vendor.clock.mono_ms + seconds * 1000;

	while (vendor.clock.mono_ms < end) {
		for (int i = 0; i < 3; i++)
			assert_int_equal(loop_turn(vendor.loop, 0, NULL), RC_OK);
		clock_fake_pass(&vendor.clock, 200);
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(loop_turn(vendor.loop, 0, NULL), RC_OK);
}

static void restart(void)
{
	feed_stop(feed);
	feed_free(feed);
	start();
}

/* The relay is not running for so long. */
static void away(int64_t seconds)
{
	feed_stop(feed);
	feed_free(feed);
	for (int i = 0; i < 3; i++)
		assert_int_equal(loop_turn(vendor.loop, 0, NULL), RC_OK);
	clock_fake_pass(&vendor.clock, seconds * 1000);
	start();
}

static void sums_agree(void)
{
	struct feed_counts c;

	feed_counts(feed, &c);
	assert_int_equal(c.received,
		c.duplicate + c.filtered + c.confirmed + c.rejected + c.in_window);
}

/* Each version that there is came once, but for those that cannot be read. */
static void all_came_once(void)
{
	for (size_t i = 0; i < vendor.count; i++) {
		const struct vendor_alert *a = &vendor.alerts[i];
		unsigned want = a->poison && !a->bare_helps ? 0 : a->versions;

		if (a->got != want)
			fail_msg("alert %zu came %u times, not %u", i, a->got, want);
	}
	sums_agree();
}

static void came_by_then(size_t alert, unsigned got)
{
	assert_int_equal(vendor.alerts[alert].got, got);
}

static void a_poll_each_minute(void **state)
{
	(void)state;
	for (int i = 0; i < 60; i++)
		vendor_add(i * 61, 20);
	start();
	run(HOUR + 5 * MINUTE);
	all_came_once();
	assert_in_range(vendor.requests, 64, 130);
}

static int64_t polled_ms[10];

static void note_poll(unsigned request)
{
	if (request < sizeof(polled_ms) / sizeof(*polled_ms))
		polled_ms[request] = vendor.clock.mono_ms;
}

/* Whenever a feed began: its polls come with those of others, and a minute apart. */
static void polls_come_together(void **state)
{
	(void)state;
	memset(polled_ms, 0, sizeof(polled_ms));
	vendor.before = note_poll;
	clock_fake_pass(&vendor.clock, 137 - vendor.clock.mono_ms % 100);
	start();
	for (int ms = 0; ms < 4 * MINUTE * 1000; ms++) {
		assert_int_equal(loop_turn(vendor.loop, 0, NULL), RC_OK);
		clock_fake_pass(&vendor.clock, 1);
	}
	/* The first pass has two slices. */
	assert_in_range(polled_ms[3] - polled_ms[1], 60000 - 99, 60000);
	for (size_t i = 3; i <= 5; i++)
		assert_int_equal(polled_ms[i] % 100, 0);
	assert_int_equal(polled_ms[4] - polled_ms[3], 60000);
	assert_int_equal(polled_ms[5] - polled_ms[4], 60000);
}

static void what_shows_late_comes(void **state)
{
	size_t five, fifty, hours;

	(void)state;
	five = vendor_add(10, 5 * MINUTE);
	fifty = vendor_add(20, 50 * MINUTE);
	hours = vendor_add(30, 20 * HOUR);
	start();
	run(6 * MINUTE + 30);
	came_by_then(five, 1);
	came_by_then(fifty, 0);
	run(2 * HOUR);
	came_by_then(fifty, 1);
	came_by_then(hours, 0);
	restart(); /* re-scans follow the cursor */
	run(20 * HOUR);
	all_came_once();
}

static int64_t stored_cursor(void)
{
	int64_t id, cursor;

	assert_int_equal(store_feed(host.store,
				 "11111111-1111-1111-1111-111111111111/scripted/soc",
				 &id, &cursor, NULL),
		RC_OK);
	return cursor;
}

/* What shows while the relay is away, and is older than the cursor. */
static void what_shows_late_in_a_pause_comes(void **state)
{
	size_t late;

	(void)state;
	for (int crash = 0; crash < 2; crash++) {
		if (crash) {
			teardown(NULL);
			setup(NULL);
		}
		config.page_size = 1;
		vendor.order = OLDEST_FIRST;
		for (int i = 0; i < 50; i++)
			vendor_add(10 * HOUR + i, 0);
		start();
		run(30 * HOUR);
		late = vendor_add(29 * HOUR, 20 * HOUR);
		away(100 * HOUR);
		if (crash) { /* when the pass is complete and the re-scan is not */
			for (int i = 0; i < 150; i++)
				run(stored_cursor() < BEGIN + 100 * HOUR * TICKS_PER_S);
			came_by_then(late, 0);
			away(MINUTE);
			assert_true(stored_cursor() > BEGIN + 100 * HOUR * TICKS_PER_S);
		}
		run(30 * MINUTE);
		came_by_then(late, 1);
		all_came_once();
	}
}

static void nothing_before_the_beginning(void **state)
{
	size_t before = vendor_add(-5 * MINUTE, 0);

	(void)state;
	config.look_back_ms = 0;
	start();
	run(2 * MINUTE);
	restart();
	vendor_add(3 * MINUTE, 0);
	run(3 * HOUR);
	came_by_then(before, 0);
	vendor.alerts[before].versions = 0;
	all_came_once();
}

static void update_second_page(unsigned request)
{
	if (request == 2)
		vendor_update(0);
}

static void an_update_while_paging_hides_nothing(void **state)
{
	(void)state;
	for (int skips = 0; skips < 2; skips++) {
		if (skips) {
			teardown(NULL);
			setup(NULL);
		}
		vendor.skips = skips;
		vendor.order = OLDEST_FIRST;
		config.page_size = 10;
		for (int i = 0; i < 35; i++)
			vendor_add(-HOUR + i, 0);
		vendor.before = update_second_page;
		start();
		run(5 * MINUTE);
		all_came_once();
	}
}

/* In any order, with any number of rows in a page, with links and without: several alerts of each
 * time, and one that is updated while its slice is read. */
static void however_pages_are_cut_and_ordered(void **state)
{
	static const struct {
		unsigned max, fixed, refused;
	} tops[] = {{0, 0, 0}, {3, 0, 0}, {0, 7, 0}, {0, 0, 12}, {5, 0, 12}};

	(void)state;
	for (unsigned way = 0; way < 3 * 3 * 5; way++) {
		if (way) {
			teardown(NULL);
			setup(NULL);
		}
		vendor.order = (enum order)(way % 3);
		vendor.skips = way / 3 % 3 > 0;
		vendor.links_too = way / 3 % 3 > 1;
		vendor.top_max = tops[way / 9].max;
		vendor.top_fixed = tops[way / 9].fixed;
		vendor.top_refused = tops[way / 9].refused;
		config.page_size = 20;
		for (int i = 0; i < 110; i++) {
			int second = i / 4;

			vendor_add(-HOUR + second, 0);
		}
		vendor.before = update_second_page;
		start();
		run(10 * MINUTE);
		all_came_once();
		assert_int_equal(vendor.stubs, 0);
		assert_null(feed_trouble(feed));
	}
}

/* Two updates 100 ns apart on the border of two slices: each in one of them. */
static void a_border_between_two_ticks(void **state)
{
	struct feed_counts c;

	(void)state;
	config.slice_ms = HOUR * 1000;
	vendor.border = BEGIN - INT64_C(20) * HOUR * TICKS_PER_S;
	for (int i = -2; i <= 2; i++)
		vendor.alerts[vendor_add(0, 0)].updated = vendor.border + i;
	for (int i = 0; i < 5; i++)
		vendor.alerts[i].visible = INT64_MIN;
	start();
	run(30);
	assert_true(vendor.began == 1 && vendor.ended == 1);
	all_came_once();
	feed_counts(feed, &c);
	assert_int_equal(c.received, 5);
	run(2 * HOUR);
	all_came_once();
}

static void a_pass_ends_behind_now(void **state)
{
	size_t n;

	(void)state;
	for (int lag_s = 0; lag_s <= 45; lag_s += 45) {
		if (lag_s) {
			teardown(NULL);
			setup(NULL);
		}
		config.lag_ms = lag_s * 1000;
		config.page_size = 5;
		for (int i = 0; i < 30; i++)
			vendor_add(-HOUR + i, 0);
		n = vendor_add(10 * MINUTE, 0);
		start();
		run(10 * MINUTE + lag_s - 1);
		came_by_then(n, 0);
		run(MINUTE + 5);
		all_came_once();
		assert_true(vendor.ahead <= -lag_s * TICKS_PER_S);
	}
}

static void the_policy_says_what_is_a_version(void **state)
{
	static const unsigned want[][3] = {[ALERT_POLICY_FIRST] = {1, 1, 1},
		[ALERT_POLICY_STATUS] = {3, 1, 1},
		[ALERT_POLICY_EVERY] = {3, 3, 1}};

	(void)state;
	for (int policy = ALERT_POLICY_FIRST; policy <= ALERT_POLICY_EVERY; policy++) {
		if (policy != ALERT_POLICY_FIRST) {
			teardown(NULL);
			setup(NULL);
		}
		config.policy = (enum alert_policy)policy;
		for (int i = 0; i < 3; i++)
			vendor_add(-HOUR, 0);
		start();
		for (int change = 1; change <= 2; change++) {
			run(5 * MINUTE);
			vendor_touch(0, change % 2); /* resolved, and open again */
			vendor_touch(1, 0);
		}
		run(3 * HOUR);
		restart();
		run(3 * HOUR);
		for (size_t i = 0; i < 3; i++)
			vendor.alerts[i].versions = want[policy][i];
		all_came_once();
	}
}

/* The alerts of incidents are no rows: $skip must not count them. */
static void alerts_inside_of_incidents(void **state)
{
	(void)state;
	for (int way = 0; way < 3; way++) {
		if (way) {
			teardown(NULL);
			setup(NULL);
		}
		vendor.nests = true;
		vendor.skips = way > 0;
		config.expand = way < 2;
		config.page_size = 4;
		for (int i = 0; i < 30; i++)
			vendor_add(-HOUR + i, 0);
		start();
		run(5 * MINUTE);
		/* only the incident changed */
		vendor_update(7);
		run(5 * MINUTE);
		restart();
		run(2 * HOUR);
		all_came_once();
		for (int i = 0; i < 30; i++)
			assert_int_equal(vendor.alerts[i].nested_got,
				config.expand ? VENDOR_NESTED : 0);
	}
}

static void equal_times_over_a_border_of_pages(void **state)
{
	(void)state;
	for (int skips = 0; skips < 2; skips++) {
		if (skips) {
			teardown(NULL);
			setup(NULL);
		}
		vendor.skips = skips;
		vendor.top_max = 3; /* fewer than asked for is not the end */
		for (int i = 0; i < 20; i++)
			vendor_add(-HOUR, 0);
		start();
		run(5 * MINUTE);
		all_came_once();
	}
}

static void a_clock_that_jumps(void **state)
{
	int64_t hour = HOUR * TICKS_PER_S;
	const int64_t jumps[] = {hour, -hour, -hour, hour};

	(void)state;
	start();
	run(2 * MINUTE);
	for (int i = 0; i < 4; i++) {
		for (int j = 0; j < 20; j++) {
			/* by the vendor's clock, which is right */
			size_t n = vendor_add(0, 0);

			vendor.alerts[n].updated =
				BEGIN +
				(vendor.clock.mono_ms + j * 10000) * TICKS_PER_MS;
			vendor.alerts[n].visible = INT64_MIN;
		}
		vendor.clock.wall_ticks += jumps[i];
		run(20 * MINUTE);
		sums_agree();
	}
	run(3 * HOUR);
	all_came_once();
}

static void after_a_clock_ahead_nothing_waits(void **state)
{
	int64_t hour = HOUR * TICKS_PER_S;

	(void)state;
	start();
	run(2 * MINUTE);
	vendor.clock.wall_ticks += hour;
	run(10 * MINUTE);
	vendor.clock.wall_ticks -= hour;
	run(2 * MINUTE);
	for (int i = 0; i < 30; i++) { /* the cursor is ahead for most of it */
		size_t n = vendor_add(0, 0);

		vendor.alerts[n].updated = vendor.clock.wall_ticks;
		vendor.alerts[n].visible = INT64_MIN;
		run(65);
		came_by_then(n, 1);
	}
	all_came_once();
}

/* Right by the vendor's clock, and as old as at_s. */
static size_t add_now(double at_s)
{
	size_t n = vendor_add(at_s, 0);

	vendor.alerts[n].visible = INT64_MIN;
	return n;
}

/* A state that is damaged, or came from a clock that was days ahead. */
static void a_cursor_that_cannot_be_right_passes_nothing_over(void **state)
{
	const int64_t wrong[] = {INT64_MAX - 1, -5, BEGIN + 400 * HOUR * TICKS_PER_S};
	size_t n;

	(void)state;
	config.rescan_every_ms = 0; /* it would mend the last day */
	start();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		run(2 * MINUTE);
		feed_stop(feed);
		feed_free(feed);
		run(1);
		assert_int_equal(store_begin(host.store, NULL), RC_OK);
		assert_int_equal(
			store_put_cursor(host.store, 1, wrong[i], NULL), RC_OK);
		assert_int_equal(store_commit(host.store, NULL), RC_OK);
		n = add_now(0);
		vendor.alerts[n].updated = vendor.clock.wall_ticks;
		clock_fake_pass(&vendor.clock, 2 * HOUR * 1000);
		start();
		run(2 * MINUTE);
		came_by_then(n, 1);
		assert_true(stored_cursor() > BEGIN &&
			    stored_cursor() <= vendor.clock.wall_ticks);
	}
	all_came_once();
}

static void what_a_wrong_clock_missed_comes_at_once(void **state)
{
	int64_t hour = HOUR * TICKS_PER_S;
	size_t n;

	(void)state;
	start();
	run(2 * MINUTE);
	vendor.clock.wall_ticks += hour; /* wrong */
	run(2 * MINUTE); /* it has read again */
	n = add_now(4 * MINUTE);
	run(28 * MINUTE);
	came_by_then(n, 0);
	vendor.clock.wall_ticks -= hour;
	run(65);
	came_by_then(n, 1);

	teardown(NULL);
	setup(NULL);
	config.rescan_every_ms = 0;
	start();
	run(2 * MINUTE + 10);
	vendor.clock.wall_ticks -= hour; /* wrong */
	n = add_now(100);
	run(65);
	came_by_then(n, 1);
	all_came_once();
}

static void one_poison_alert(void **state)
{
	struct feed_counts c;
	unsigned requests;
	char id[60];

	(void)state;
	for (int i = 0; i < 100; i++)
		vendor_add(-HOUR + i * 7, 0);
	vendor.alerts[50].poison = true;
	start();
	run(10 * MINUTE);
	all_came_once();
	assert_int_equal(vendor.stubs, 1);
	assert_non_null(strstr(vendor.stub_text, "contoso"));
	assert_non_null(strstr(vendor.stub_text, "scripted"));
	assert_non_null(strstr(vendor.stub_text, "2026-01-04T23:05:50Z"));
	assert_non_null(strstr(vendor.stub_text, "HTTP 500"));
	feed_counts(feed, &c);
	assert_int_equal(c.stubs, 1);
	assert_null(feed_trouble(feed));
	snprintf(id, sizeof(id), "%s", vendor.stub_id);
	requests = vendor.requests;
	run(3 * HOUR); /* with re-scans */
	assert_in_range(vendor.requests - requests, 180, 220);
	assert_int_equal(vendor.stubs, 1);
	vendor.alerts[50].poison = false; /* healed: the next re-scan brings it */
	run(2 * HOUR);
	all_came_once();
	assert_string_equal(vendor.stub_id, id);
}

static void neighbours_of_the_poison(void **state)
{
	(void)state;
	for (int i = 0; i < 9; i++) /* all in one second */
		vendor_add(-HOUR, 0);
	vendor.alerts[4].poison = true;
	start();
	run(10 * MINUTE);
	all_came_once();
	assert_int_equal(vendor.stubs, 1);
}

static void poison_without_pages(void **state)
{
	(void)state;
	vendor.all_at_once = true;
	config.page_size = 0;
	for (int i = 0; i < 60; i++)
		vendor_add(-HOUR + i * 7, 0);
	vendor.alerts[33].poison = true;
	start();
	run(20 * MINUTE);
	all_came_once();
	assert_int_equal(vendor.stubs, 1);
	assert_non_null(strstr(vendor.stub_text, "2026-01-04T23:03:51Z"));
	run(3 * HOUR);
	all_came_once();
	assert_int_equal(vendor.stubs, 1);
}

static void poison_over_the_limit_and_once(void **state)
{
	(void)state;
	vendor.limit = true;
	host.once = true;
	for (int i = 0; i < 100; i++)
		vendor_add(-HOUR + i * 7, 0);
	vendor.alerts[3].poison = true;
	start();
	run(5 * MINUTE);
	assert_true(feed_complete(feed));
	all_came_once();
	assert_int_equal(vendor.stubs, 1);
	assert_non_null(strstr(vendor.stub_text, "a3 "));
}

static void bare_helps(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++)
		vendor_add(-HOUR + i * 7, 0);
	vendor.alerts[5].poison = vendor.alerts[5].bare_helps = true;
	start();
	run(3 * HOUR);
	all_came_once();
	assert_int_equal(vendor.stubs, 0);
}

static void an_outage_is_no_poison(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++)
		vendor_add(-HOUR + i * 7, 0);
	start();
	run(5 * MINUTE);
	vendor.down = true;
	for (int i = 0; i < 20; i++)
		vendor_add(6 * MINUTE + i * 60, 0);
	run(3 * HOUR);
	assert_int_equal(vendor.stubs, 0);
	assert_non_null(feed_trouble(feed));
	vendor.down = false;
	run(10 * MINUTE);
	assert_null(feed_trouble(feed));
	assert_int_equal(vendor.stubs, 0);
	all_came_once();
}

static void consent_withdrawn_and_given_back(void **state)
{
	unsigned requests;

	(void)state;
	for (int i = 0; i < 20; i++)
		vendor_add(-HOUR + i * 7, 0);
	start();
	run(5 * MINUTE);
	vendor.down = true;
	vendor.failure = PAGE_AUTH;
	for (int i = 0; i < 20; i++)
		vendor_add(6 * MINUTE + i * 60, 0);
	run(30 * MINUTE);
	vendor_update(3);
	requests = vendor.requests;
	run(20 * HOUR);
	assert_in_range(vendor.requests - requests, 80, 300); /* rarely, but it asks */
	assert_non_null(feed_trouble(feed));
	vendor.down = false;
	run(20 * MINUTE);
	assert_null(feed_trouble(feed));
	assert_int_equal(vendor.stubs, 0);
	all_came_once();
}

/* Each failure has a text of its own, yet the operator hears of it once, and once when it is over. */
static void the_same_trouble_is_said_once(void **state)
{
	char path[] = "/tmp/test_feed.XXXXXX", channel[60], line[900];
	unsigned begins = 0, ends = 0;
	struct error err = {0};
	int fd = mkstemp(path);
	FILE *log;

	(void)state;
	assert_true(fd >= 0);
	snprintf(channel, sizeof(channel), "file:%s", path);
	vendor_add(-HOUR, 0);
	start();
	run(5 * MINUTE);
	assert_int_equal(log_open(channel, &err), RC_OK);
	for (int round = 0; round < 2; round++) {
		vendor.failure = round ? PAGE_AUTH : PAGE_RETRY;
		vendor.down = true;
		run(12 * HOUR);
		vendor.down = false;
		run(HOUR);
		assert_null(feed_trouble(feed));
	}
	log_close();
	assert_true(vendor.refused > 40);
	log = fdopen(fd, "r");
	while (fgets(line, sizeof(line), log)) {
		begins += strstr(line, "the API fails after") != NULL;
		ends += strstr(line, "the feed works again") != NULL;
	}
	fclose(log);
	unlink(path);
	assert_int_equal(begins, 2);
	assert_int_equal(ends, 2);
}

static void throttling_is_no_poison(void **state)
{
	(void)state;
	vendor_add(-HOUR, 0);
	vendor.throttles = true;
	start();
	run(HOUR);
	assert_int_equal(vendor.last_top, 100); /* nothing was narrowed */
	vendor.throttles = false;
	run(10 * MINUTE);
	assert_int_equal(vendor.stubs, 0);
	all_came_once();
}

static void links_that_do_not_end(void **state)
{
	(void)state;
	for (int kind = LINKS_SAME; kind <= LINKS_ENDLESS; kind++) {
		if (kind == LINKS_ENDLESS) {
			teardown(NULL);
			setup(NULL);
		}
		vendor.links = (enum links)kind;
		for (int i = 0; i < 250; i++)
			vendor_add(-12 * HOUR + i * 100, 0);
		start();
		run(HOUR);
		all_came_once();
		assert_int_equal(vendor.stubs, 0);
	}
}

static void a_month_of_backlog(void **state)
{
	(void)state;
	config.look_back_ms = INT64_C(31) * DAY * 1000;
	config.window_bytes = 64 << 10;
	for (int i = 0; i < 5000; i++)
		vendor_add(-30.0 * DAY + i * 500.0, 0);
	start();
	run(10 * MINUTE);
	all_came_once();
	assert_in_range(vendor.requests, 60, 200);
}

static void the_cursor_waits_for_confirmation(void **state)
{
	int64_t cursor;

	(void)state;
	start();
	run(MINUTE);
	cursor = stored_cursor();
	vendor.hold = true;
	vendor_add(90, 0);
	run(HOUR);
	assert_true(stored_cursor() - cursor <= 2 * MINUTE * TICKS_PER_S);
	sums_agree();
	vendor.hold = false;
	vendor_confirm();
	run(MINUTE);
	assert_true(stored_cursor() - cursor > 50 * MINUTE * TICKS_PER_S);
	all_came_once();
}

/* A collector that is away for hours: nothing is asked, no connection is kept. */
static void a_full_window_asks_nothing(void **state)
{
	static const struct {
		unsigned rows;
		size_t window_bytes;
		unsigned least, most;
	} ways[] = {
		{1, 1, 1, 1}, {100, 40000, 30, 40}}; /* full after a page, in a page */
	unsigned requests, sent;

	(void)state;
	for (int way = 0; way < 2; way++) {
		if (way) {
			teardown(NULL);
			setup(NULL);
		}
		config.page_size = ways[way].rows;
		config.window_bytes = ways[way].window_bytes;
		for (int i = 0; i < 250; i++)
			vendor_add(-HOUR + i, 0);
		vendor.hold = true;
		start();
		run(MINUTE);
		sent = vendor.sent;
		assert_in_range(sent, ways[way].least, ways[way].most);
		assert_false(vendor.paused);
		requests = vendor.requests;
		assert_int_equal(requests, 1);
		run(3 * HOUR);
		assert_int_equal(vendor.requests, requests);
		assert_int_equal(vendor.sent, sent);
		assert_null(feed_trouble(feed));
		sums_agree();
		vendor.hold = false;
		vendor_confirm();
		run(10 * MINUTE);
		all_came_once();
	}
}

static void what_is_filtered_comes_when_it_passes(void **state)
{
	static const char *const statuses[] = {"RESOLVED", "New"};
	struct feed_counts c;
	size_t low, open;

	(void)state;
	config.min_severity = FMT_SEVERITY_MEDIUM;
	config.statuses = (struct config_list){statuses, 2};
	low = vendor_add(-HOUR, 0);
	vendor.alerts[low].severity = FMT_SEVERITY_LOW;
	vendor.alerts[low].status = 1;
	open = vendor_add(-HOUR, 0);
	vendor.alerts[open].severity = FMT_SEVERITY_INFORMATIONAL;
	start();
	run(5 * MINUTE);
	came_by_then(open, 0);
	feed_counts(feed, &c);
	assert_true(c.filtered >= 2);
	assert_string_equal(vendor.last_filter,
		"severity ne 'informational' and severity ne 'low'"
		" and (status eq 'resolved' or status eq 'new')");
	vendor.alerts[open].severity = FMT_SEVERITY_UNKNOWN;
	vendor_update(open);
	run(5 * MINUTE);
	came_by_then(open, 1);
	vendor.alerts[low].versions = 0;
	all_came_once();
	vendor.no_filter = true; /* the API does not take it: it is done here alone */
	run(10 * MINUTE);
	assert_null(feed_trouble(feed));
	assert_string_equal(vendor.last_filter, "");
	all_came_once();
}

static void a_rescan_gives_way(void **state)
{
	size_t n;

	(void)state;
	config.page_size = 1; /* a re-scan of 500 pages */
	vendor.in_flight_ms = 2000;
	for (int i = 0; i < 500; i++)
		vendor_add(-20 * HOUR + i * 100, 0);
	start();
	run(40 * MINUTE);
	for (int i = 0; i < 90; i++) {
		n = vendor_add((double)vendor.clock.mono_ms / 1000, 0);
		vendor.alerts[n].updated = vendor.clock.wall_ticks;
		vendor.alerts[n].visible = INT64_MIN;
		run(75); /* a poll and its pages */
		came_by_then(n, 1);
	}
	all_came_once();
}

static void what_no_format_takes_is_a_stub(void **state)
{
	struct feed_counts c;

	(void)state;
	vendor_add(-HOUR, 0);
	vendor_add(-HOUR, 0);
	vendor.unwritable = 1;
	start();
	run(2 * HOUR);
	feed_counts(feed, &c);
	assert_int_equal(vendor.stubs, 1);
	assert_int_equal(c.rejected, 1);
	assert_int_equal(c.stubs, 1);
	assert_non_null(strstr(vendor.stub_text, "a1"));
	vendor.alerts[1].versions = 0;
	all_came_once();
}

/* A message for each piece of evidence: the sums count alerts. */
static void a_message_for_each_piece(void **state)
{
	struct feed_counts c;

	(void)state;
	for (int i = 0; i < 40; i++)
		vendor_add(-HOUR - i, 0);
	vendor.pieces = 5;
	vendor.unwritable = 1;
	vendor.unwritable_part = 3;
	vendor.hold = true;
	start();
	run(HOUR);
	feed_counts(feed, &c);
	assert_int_equal(c.received,
		c.duplicate + c.filtered + c.confirmed + c.rejected + c.in_window);
	assert_int_equal(c.confirmed, 0);
	assert_int_equal(c.in_window, 40);
	vendor.hold = false;
	vendor_confirm();
	run(HOUR);
	feed_counts(feed, &c);
	assert_int_equal(c.received,
		c.duplicate + c.filtered + c.confirmed + c.rejected + c.in_window);
	assert_int_equal(c.confirmed, 39);
	assert_int_equal(c.rejected, 1);
	assert_int_equal(c.stubs, 1);
	assert_int_equal(vendor.stubs, 1);
	assert_non_null(strstr(vendor.stub_text, "a1"));
	for (int i = 0; i < 40; i++)
		assert_int_equal(vendor.alerts[i].parts, i == 1 ? 4 : 5);
	all_came_once();
}

#define REPLAY(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		REPLAY(a_poll_each_minute),
		REPLAY(polls_come_together),
		REPLAY(what_shows_late_comes),
		REPLAY(what_shows_late_in_a_pause_comes),
		REPLAY(nothing_before_the_beginning),
		REPLAY(an_update_while_paging_hides_nothing),
		REPLAY(however_pages_are_cut_and_ordered),
		REPLAY(a_border_between_two_ticks),
		REPLAY(a_pass_ends_behind_now),
		REPLAY(the_policy_says_what_is_a_version),
		REPLAY(alerts_inside_of_incidents),
		REPLAY(equal_times_over_a_border_of_pages),
		REPLAY(a_clock_that_jumps),
		REPLAY(a_cursor_that_cannot_be_right_passes_nothing_over),
		REPLAY(after_a_clock_ahead_nothing_waits),
		REPLAY(what_a_wrong_clock_missed_comes_at_once),
		REPLAY(one_poison_alert),
		REPLAY(neighbours_of_the_poison),
		REPLAY(poison_without_pages),
		REPLAY(poison_over_the_limit_and_once),
		REPLAY(bare_helps),
		REPLAY(an_outage_is_no_poison),
		REPLAY(consent_withdrawn_and_given_back),
		REPLAY(the_same_trouble_is_said_once),
		REPLAY(throttling_is_no_poison),
		REPLAY(links_that_do_not_end),
		REPLAY(a_month_of_backlog),
		REPLAY(the_cursor_waits_for_confirmation),
		REPLAY(a_full_window_asks_nothing),
		REPLAY(what_is_filtered_comes_when_it_passes),
		REPLAY(a_rescan_gives_way),
		REPLAY(what_no_format_takes_is_a_stub),
		REPLAY(a_message_for_each_piece),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
