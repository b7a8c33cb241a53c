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
	key = key_of(&source_graph_alerts, HOUR, id, STORE_ALERT_MAXIMUM - STATE_KEY_HOUR);
	assert_int_equal(key.n, STORE_ALERT_MAXIMUM);
	key = key_of(
		&source_graph_alerts, HOUR, id, STORE_ALERT_MAXIMUM - STATE_KEY_HOUR + 1);
	assert_int_equal(key.n, STATE_KEY_HOUR + 37);
	assert_memory_equal(key.p, "000001 noid-", 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hour_then_id),
		cmocka_unit_test(test_no_hour),
		cmocka_unit_test(test_times_that_nobody_means_stay_in_place),
		cmocka_unit_test(test_a_long_id_is_digested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
