/* test_severity.c - the table of severities, and a destination's own numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "formats/severity.h"
#include "formats/text.h"

static void check_levels(enum severity_scale scale, const int want[SEVERITIES])
{
	for (size_t i = 0; i < SEVERITIES; i++)
		assert_int_equal(severity_default(scale)->level[i], want[i]);
}

static void the_table_is_as_published(void **state)
{
	(void)state;
	check_levels(SEVERITY_CEF, (const int[]){0, 1, 3, 5, 8});
	check_levels(SEVERITY_LEEF, (const int[]){1, 2, 3, 5, 8});
	check_levels(SEVERITY_ECS, (const int[]){0, 1, 2, 3, 4});
	check_levels(SEVERITY_SYSLOG, (const int[]){5, 6, 5, 4, 3});
}

static void a_severity_has_its_name_and_is_found_by_it(void **state)
{
	static const char *const names[] = {
		"unknown", "informational", "low", "medium", "high"};
	struct fmt_alert alert = {.struct_size = sizeof(alert)};

	(void)state;
	for (size_t i = 0; i < SEVERITIES; i++) {
		assert_string_equal(severity_name((enum fmt_severity)i), names[i]);
		alert.severity = FMT_SEVERITY_UNKNOWN;
		alert.severity_text = text_str(names[i]);
		assert_int_equal(severity_of(&alert), i);
		alert.severity = (enum fmt_severity)i;
		alert.severity_text = text_str("");
		assert_int_equal(severity_of(&alert), i);
	}
	alert.severity = FMT_SEVERITY_UNKNOWN;
	alert.severity_text = text_str(" HIGH ");
	assert_int_equal(severity_of(&alert), FMT_SEVERITY_HIGH);
	alert.severity_text = text_str("UnSpecified");
	assert_int_equal(severity_of(&alert), FMT_SEVERITY_UNKNOWN);
	alert.severity = (enum fmt_severity)99; /* of a host that is newer */
	assert_string_equal(severity_name(alert.severity), "unknown");
	assert_int_equal(severity_of(&alert), FMT_SEVERITY_UNKNOWN);
}

static void read(
	const char *text, enum severity_scale scale, const int want[SEVERITIES])
{
	struct severity_map map;
	char why[200] = "";

	if (!severity_read(text, scale, &map, why, sizeof(why)))
		fail_msg("%s: %s", text, why);
	for (size_t i = 0; i < SEVERITIES; i++)
		assert_int_equal(map.level[i], want[i]);
}

static void own_numbers_go_over_the_table(void **state)
{
	(void)state;
	read("", SEVERITY_CEF, (const int[]){0, 1, 3, 5, 8});
	read("high=10", SEVERITY_CEF, (const int[]){0, 1, 3, 5, 10});
	read("low=0,unknown=4,medium=6", SEVERITY_CEF, (const int[]){4, 1, 0, 6, 8});
	read("high=100,medium=47", SEVERITY_ECS, (const int[]){0, 1, 2, 47, 100});
	read("high=10,unknown=1", SEVERITY_LEEF, (const int[]){1, 2, 3, 5, 10});
	read("high=alert,low=debug,medium=0", SEVERITY_SYSLOG,
		(const int[]){5, 6, 7, 0, 1});
}

static void refused(const char *text, enum severity_scale scale, const char *want)
{
	struct severity_map map;
	char why[200] = "", small[8];

	assert_false(severity_read(text, scale, &map, why, sizeof(why)));
	if (!strstr(why, want))
		fail_msg("\"%s\" does not say \"%s\"", why, want);
	assert_false(severity_read(text, scale, &map, small, sizeof(small)));
	assert_int_equal(strlen(small), 7);
}

static void what_is_no_level_is_refused(void **state)
{
	static const char *const bad[] = {"high=", "high", "high=x", "high=-1",
		"high=011", "high=1 ", "high==1", "high=101", "high=1000", "high=1.5"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		for (int scale = 0; scale < SEVERITY_SCALES; scale++)
			refused(bad[i], (enum severity_scale)scale, "high is \"");
	refused("high=11", SEVERITY_CEF, "from 0 to 10");
	refused("high=0", SEVERITY_LEEF, "from 1 to 10");
	refused("high=100", SEVERITY_CEF, "from 0 to 10");
	refused("high=8", SEVERITY_SYSLOG, "emerg, alert");
	refused("high=alert", SEVERITY_CEF, "from 0 to 10");
	refused("severe=9", SEVERITY_CEF, "\"severe\" is no severity");
	refused(",high=9", SEVERITY_CEF, "\"\" is no severity");
	refused("High=9", SEVERITY_CEF, "\"High\" is no severity");
	refused("high=9,high=9", SEVERITY_CEF, "\"high\" is there twice");
	refused("high=9,low", SEVERITY_CEF, "low is \"\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_as_published),
		cmocka_unit_test(a_severity_has_its_name_and_is_found_by_it),
		cmocka_unit_test(own_numbers_go_over_the_table),
		cmocka_unit_test(what_is_no_level_is_refused),
	};

	return cmocka_run_group_tests_name("severity", tests, NULL, NULL);
}
