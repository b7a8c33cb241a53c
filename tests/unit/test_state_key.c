/* test_state_key.c - what the state knows an alert by. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h> /* wants those above */

#include <string.h>

#include "base/clock.h"
#include "relay/state_key.h"

#define HOUR (3600 * TICKS_PER_S)

static struct state_key key_of(
	const struct source *source, int64_t created, const char *id, size_t n)
{
	struct fmt_alert alert = {.struct_size = sizeof(alert), .created = created};
	struct state_key key;

	alert.id = (struct fmt_str){id, n};
	state_key_make(&key, source, &alert);
	return key;
}

static void assert_key(struct state_key key, const char *wanted)
{
	assert_int_equal(key.n, strlen(wanted));
	assert_memory_equal(key.p, wanted, key.n);
}

static void test_hour_then_id(void **state)
{
	(void)state;
	assert_key(key_of(&source_graph_alerts, 0x7a123 * HOUR, "da1_-2", 6),
		"07a123 da1_-2");
	assert_key(key_of(&source_mde_alerts, 0x7a123 * HOUR + HOUR - 1, "da1_-2", 6),
		"07a123 da1_-2");
	assert_key(key_of(&source_graph_incidents, 0x7a124 * HOUR, "7", 1), "07a124 7");
	assert_key(key_of(&source_m365d_incidents, 0x7a124 * HOUR, "", 0), "07a124 ");
}

static void test_no_hour(void **state)
{
	(void)state;
	assert_key(key_of(&source_graph_alerts, NO_TIME, "x", 1), "000000 x");
	assert_key(key_of(&source_graph_alerts, -HOUR, "x", 1), "000000 x");
	assert_key(key_of(&source_siem, 0x7a123 * HOUR, "x", 1), "000000 x");
}

static void test_times_that_nobody_means_stay_in_place(void **state)
{
	(void)state;
	assert_key(key_of(&source_graph_alerts, INT64_MAX, "x", 1), "455fea x");
}

static void test_a_long_id_is_digested(void **state)
{
	char id[STORE_ALERT_MAXIMUM + 1];
	struct state_key key;

	(void)state;
	memset(id, 'i', sizeof(id));
	key = key_of(
		&source_graph_alerts, HOUR, id, STORE_ALERT_MAXIMUM - STATE_KEY_HOUR);
	assert_int_equal(key.n, STORE_ALERT_MAXIMUM);
	key = key_of(&source_graph_alerts, HOUR, id,
		STORE_ALERT_MAXIMUM - STATE_KEY_HOUR + 1);
	assert_int_equal(key.n, STATE_KEY_HOUR + 37);
	assert_memory_equal(key.p, "000001 noid-", 12);
}

static enum state_kind kind_of(const char *key, const char *id)
{
	struct fmt_str found;
	enum state_kind kind = state_key_read(key, strlen(key), &found);

	assert_int_equal(found.n, strlen(id));
	assert_memory_equal(found.p, id, found.n);
	return kind;
}

static void test_keys_are_read_again(void **state)
{
	struct state_key key = key_of(&source_graph_alerts, 0x7a123 * HOUR, "da1 x", 5);
	char longer[STORE_ALERT_MAXIMUM + 1];
	struct fmt_str id;

	(void)state;
	assert_int_equal(state_key_read(key.p, key.n, &id), STATE_ALERT);
	assert_true(state_key_is(id, "da1 x"));
	assert_false(state_key_is(id, "da1"));
	assert_false(state_key_is(id, "da1 xx"));
	assert_int_equal(kind_of("000000 ", ""), STATE_ALERT);
	assert_int_equal(kind_of("00000", "00000"), STATE_OWN);
	assert_int_equal(kind_of("000000", "000000"), STATE_OWN);
	assert_int_equal(kind_of("", ""), STATE_OWN);
	assert_int_equal(kind_of(STATE_KEY_START, STATE_KEY_START), STATE_OWN);
	assert_int_equal(kind_of(STATE_KEY_RESCAN, STATE_KEY_RESCAN), STATE_OWN);
	assert_int_equal(kind_of("stub-0123", "stub-0123"), STATE_STUB);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	key = key_of(&source_graph_alerts, HOUR, longer, strlen(longer));
	assert_int_equal(state_key_read(key.p, key.n, &id), STATE_ALERT);
	assert_true(state_key_is(id, longer));
}

static void assert_str(struct fmt_str s, const char *wanted)
{
	assert_int_equal(s.n, strlen(wanted));
	assert_memory_equal(s.p, wanted, s.n);
}

static void test_feeds(void **state)
{
	const char *to[] = {"soc", "archive"};
	char longer[STORE_KEY_MAXIMUM];
	struct config_feed config = {
		.source = "graph-alerts", .destinations = to, .destination_count = 2};
	struct state_feed feed;
	struct strbuf key;
	struct error err = {0};

	(void)state;
	strbuf_init(&key, STORE_KEY_MAXIMUM);
	assert_int_equal(
		state_feed_make(&key, "contoso.example", &config, &err), RC_OK);
	assert_string_equal(key.p, "contoso.example/graph-alerts/soc+archive");
	state_feed_read(key.p, &feed);
	assert_str(feed.tenant_id, "contoso.example");
	assert_str(feed.source, "graph-alerts");
	assert_str(feed.destinations, "soc+archive");
	state_feed_read("odd", &feed);
	assert_str(feed.tenant_id, "odd");
	assert_str(feed.source, "");
	assert_str(feed.destinations, "");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	to[0] = longer;
	assert_int_equal(
		state_feed_make(&key, "contoso.example", &config, &err), RC_CONFIG);
	strbuf_clear(&key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hour_then_id),
		cmocka_unit_test(test_no_hour),
		cmocka_unit_test(test_times_that_nobody_means_stay_in_place),
		cmocka_unit_test(test_a_long_id_is_digested),
		cmocka_unit_test(test_keys_are_read_again),
		cmocka_unit_test(test_feeds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
