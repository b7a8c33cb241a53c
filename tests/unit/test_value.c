/* test_value.c - what is a number, a time, an address of mail, a path, a technique. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "formats/value.h"

#define S(literal) ((struct fmt_str){literal, sizeof(literal) - 1})

/* A copy of just this size, for the sanitizer. */
static int64_t read_time(const char *s)
{
	size_t n = strlen(s);
	char *copy = malloc(n + 1);
	int64_t ticks;

	memcpy(copy, s, n);
	copy = realloc(copy, n ? n : 1);
	ticks = value_time((struct fmt_str){copy, n});
	free(copy);
	return ticks;
}

static void test_times(void **state)
{
	static const char *const bad[] = {"", "yesterday", "2026-03-01",
		"2026-03-01T10:20:30", "2026-03-01 10:20:30Z", "2026-02-29T10:20:30Z",
		"2026-13-01T10:20:30Z", "2026-00-01T10:20:30Z", "2026-03-32T10:20:30Z",
		"2026-03-00T10:20:30Z", "2026-03-01T24:20:30Z", "2026-03-01T10:60:30Z",
		"2026-03-01T10:20:60Z", "2026-03-01T10:20:30.Z",
		"2026-03-01T10:20:30.1234567890Z", "2026-03-01T10:20:30+0530",
		"2026-03-01T10:20:30+24:00", "2026-03-01T10:20:30Zx",
		"1969-12-31T23:59:59Z", "1970-01-01T00:00:00+01:00",
		"2026-03-01T10:20:30.123456789", "-026-03-01T10:20:30Z",
		"2026-03-01T10:20:30.1234567+05:3", "2100-02-29T00:00:00Z"};
	char text[VALUE_TIME_ROOM], *end;

	(void)state;
	assert_int_equal(read_time("1970-01-01T00:00:00Z"), 0);
	assert_int_equal(
		read_time("2026-03-01T10:20:30.1231234Z"), INT64_C(17723604301231234));
	assert_int_equal(read_time("2026-03-01t10:20:30z"), INT64_C(17723604300000000));
	assert_int_equal(
		read_time("2026-03-01T15:50:30+05:30"), INT64_C(17723604300000000));
	assert_int_equal(
		read_time("2026-03-01T09:20:30-01:00"), INT64_C(17723604300000000));
	assert_int_equal(
		read_time("2026-03-01T10:20:30.5Z"), INT64_C(17723604305000000));
	assert_true(read_time("2000-02-29T00:00:00Z") > 0);
	assert_true(read_time("9999-12-31T23:59:59.999999999Z") > 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (read_time(bad[i]) != FMT_NO_TIME)
			fail_msg("%s is taken for a time", bad[i]);
	/* Each day of the calendar, against the library's own. */
	for (int64_t day = 0; day < 2932897; day += day < 60000 ? 1 : 97) {
		int64_t seconds = day * 86400 + day % 86400;
		time_t t = (time_t)seconds;
		struct tm tm;
		char want[64];

		assert_non_null(gmtime_r(&t, &tm));
		strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S.0450000Z", &tm);
		end = value_put_time(text, seconds * 10000000 + 450000, 7);
		*end = 0;
		assert_string_equal(text, want);
		assert_int_equal(read_time(text), seconds * 10000000 + 450000);
	}
	end = value_put_time(text, INT64_C(17723604301239999), 3);
	*end = 0;
	assert_string_equal(text, "2026-03-01T10:20:30.123Z");
	assert_false(value_is_time(-1));
	assert_false(value_is_time(FMT_NO_TIME));
	assert_false(value_is_time(INT64_MAX));
}

static void test_numbers(void **state)
{
	static const struct fmt_str bad[] = {S(""), S("-1"), S("+1"), S("01"), S("1.0"),
		S("1e3"), S("9007199254740992"), S("18446744073709551616"), S(" 1"),
		S("99999999999999999999"), S("0x10")};
	uint64_t n = 0;

	(void)state;
	assert_true(value_number(S("0"), 10, &n) && n == 0);
	assert_true(value_number(S("9007199254740991"), VALUE_SAFE_MAX, &n) &&
		    n == VALUE_SAFE_MAX);
	assert_true(value_number(S("18446744073709551615"), UINT64_MAX, &n) &&
		    n == UINT64_MAX);
	assert_true(value_number(S("65535"), 65535, &n));
	assert_false(value_number(S("65536"), 65535, &n));
	assert_false(value_number(S("7"), 5, &n));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(value_number(bad[i], VALUE_SAFE_MAX, &n));
}

static void test_texts(void **state)
{
	static const struct fmt_str mail[] = {
		S("a@b"), S("a.b+c@x-1.example"), S("evil|x@contoso.com")};
	static const struct fmt_str no_mail[] = {S(""), S("@b"), S("a@"), S("a"),
		S("a b@c"), S("a@b..c"), S("a@b."), S("a@.b"), S("a@b@c"),
		S("\xC3\xA4@b"), S("a@\xC3\xA4"), S("a\0@b"), S("<a@b>")};
	char path[64];
	int sub;

	(void)state;
	for (size_t i = 0; i < sizeof(mail) / sizeof(mail[0]); i++)
		assert_true(value_is_mail(mail[i]));
	for (size_t i = 0; i < sizeof(no_mail) / sizeof(no_mail[0]); i++)
		assert_false(value_is_mail(no_mail[i]));
	assert_true(value_is_country(S("de")));
	assert_false(value_is_country(S("d1")));
	assert_false(value_is_country(S("DEU")));
	assert_int_equal(value_technique(S("T1059.001"), &sub).n, 5);
	assert_true(sub);
	assert_int_equal(value_technique(S("T1059"), &sub).n, 5);
	assert_false(sub);
	assert_int_equal(value_technique(S("T1059x001"), &sub).n, 0);
	assert_int_equal(value_technique(S("TA0005"), &sub).n, 0);
	assert_int_equal(value_technique(S(""), &sub).n, 0);
	assert_string_equal(value_tactic(S("defenseevasion"))->id.p, "TA0005");
	assert_null(value_tactic(S("Malware")));
	assert_true(value_path_is_whole(S("C:\\a\\b.exe"), S("b.exe")));
	assert_false(value_path_is_whole(S("C:\\a\\xb.exe"), S("b.exe")));
	assert_false(value_path_is_whole(S("b.exe"), S("b.exe")));
	assert_int_equal(value_join_path(path, S("C:\\a"), S("b")), 6);
	assert_memory_equal(path, "C:\\a\\b", 6);
	assert_int_equal(value_join_path(path, S("/a/"), S("b")), 4);
	assert_memory_equal(path, "/a/b", 4);
	assert_int_equal(value_join_path(path, S("/a"), S("b")), 4);
	assert_true(value_has_scheme(S("https://x")));
	assert_false(value_has_scheme(S("x.example/a://b")));
	assert_false(value_has_scheme(S("://x")));
}

static void test_set(void **state)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	struct value_set set;

	(void)state;
	value_set_init(&set);
	assert_true(value_set_add(&set, S("Name"), 1));
	assert_false(value_set_add(&set, S("name"), 1));
	assert_true(value_set_add(&set, S("name"), 0));
	assert_false(value_set_add(&set, S(""), 0));
	for (size_t i = 0; i + 1 < sizeof(letters); i++)
		value_set_add(&set, (struct fmt_str){&letters[i], 1}, 0);
	assert_int_equal(set.count, VALUE_SET_MAX);
	assert_int_equal(set.full, sizeof(letters) - 1 + 2 - VALUE_SET_MAX);
}

static void test_digits(void **state)
{
	static const uint64_t numbers[] = {0, 9, 10, 99, 100, 12345, 1000000, 99999999,
		100000000, 1772360430123, UINT64_MAX};
	char text[VALUE_NUMBER_ROOM + 1], want[VALUE_NUMBER_ROOM + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		*value_put_number(text, numbers[i]) = 0;
		snprintf(want, sizeof(want), "%" PRIu64, numbers[i]);
		assert_string_equal(text, want);
	}
}

static void test_times_near(void **state)
{
	static const int64_t hours[] = {0, 23, 24, 25, 23, 24 * 366, 24 * 365};
	struct value_date date = {.day = -1};
	char text[VALUE_TIME_ROOM], want[VALUE_TIME_ROOM];

	(void)state;
	for (size_t i = 0; i < sizeof(hours) / sizeof(hours[0]); i++) {
		int64_t ticks = (hours[i] * 3600 + 59) * 10000000 + 1239999;

		*value_put_time(want, ticks, 3) = 0;
		*value_put_time_near(&date, text, ticks, 3) = 0;
		assert_string_equal(text, want);
	}
}

static void test_view(void **state)
{
	static const struct fmt_field fields[] = {
		{FMT_TAG, S("one")},
		{FMT_FILE_NAME, S(" a.exe ")},
		{FMT_TAG, S("two")},
		{FMT_FIELD_NONE, S("taken back")},
		{FMT_FIELD_IDS + 5, S("later")},
	};
	static const struct fmt_evidence evidence = {
		.fields = fields, .field_count = sizeof(fields) / sizeof(fields[0])};
	struct view view;

	(void)state;
	view_open(&view, &evidence);
	assert_int_equal(view_take(&view, FMT_FILE_NAME).n, 5);
	assert_true(field_set_has(&view.used, FMT_FILE_NAME));
	/* There is a second one that still needs a place. */
	assert_int_equal(view_take(&view, FMT_TAG).n, 3);
	assert_false(field_set_has(&view.used, FMT_TAG));
	assert_int_equal(view_get(&view, FMT_FIELD_NONE).n, 0);
	assert_int_equal(view_take(&view, FMT_URL).n, 0);
	assert_false(field_set_has(&view.used, FMT_URL));
	view_open(&view, NULL);
	assert_int_equal(view_get(&view, FMT_TAG).n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_digits),
		cmocka_unit_test(test_times_near),
		cmocka_unit_test(test_view),
	};

	return cmocka_run_group_tests_name("value", tests, NULL, NULL);
}
