/* test_syslog_msg.c - headers of RFC 5424 and RFC 3164, names, framing. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "deliver/framing.h"
#include "deliver/syslog_msg.h"

static struct fmt_str str(const char *s)
{
	return (struct fmt_str){s, strlen(s)};
}

static int64_t ticks(const char *text)
{
	int64_t out = 0;

	assert_true(time_parse(text, strlen(text), &out));
	return out;
}

static struct syslog_header usual(void)
{
	return (struct syslog_header){
		.facility = 16,
		.severity = FMT_SEVERITY_MEDIUM,
		.time = ticks("2026-03-01T10:20:30.3466667Z"),
		.hostname = str("contoso"),
		.app_name = str("alertrelay"),
		.procid = str("812"),
		.msgid = str("alert"),
		.tag = true,
		.utc = true,
	};
}

static void check_5424(const struct syslog_header *header, const char *expected)
{
	char out[SYSLOG_HEADER];
	size_t n = syslog_rfc5424(header, out);

	out[n] = '\0';
	assert_string_equal(out, expected);
}

static void check_3164(const struct syslog_header *header, const char *expected)
{
	char out[SYSLOG_HEADER];
	size_t n = syslog_rfc3164(header, out);

	out[n] = '\0';
	assert_string_equal(out, expected);
}

static void headers_of_rfc5424(void **state)
{
	struct syslog_header header = usual();

	(void)state;
	check_5424(&header,
		"<132>1 2026-03-01T10:20:30.346666Z contoso alertrelay 812 alert ");
	header.facility = 23;
	header.severity = FMT_SEVERITY_HIGH;
	header.time = FMT_NO_TIME;
	header.hostname = header.procid = header.msgid = (struct fmt_str){NULL, 0};
	check_5424(&header, "<187>1 - - alertrelay - - ");
	header.facility = 0;
	check_5424(&header, "<3>1 - - alertrelay - - ");
}

static void headers_of_rfc3164(void **state)
{
	struct syslog_header header = usual();

	(void)state;
	check_3164(&header, "<132>Mar  1 10:20:30 contoso alertrelay: ");
	header.time = ticks("2026-12-31T23:59:59.9999999Z");
	header.tag = false;
	check_3164(&header, "<132>Dec 31 23:59:59 contoso ");
	header.hostname = str("2001:db8::");
	check_3164(&header, "<132>Dec 31 23:59:59 2001:db8:_ ");
	header.hostname = (struct fmt_str){NULL, 0};
	check_3164(&header, "<132>Dec 31 23:59:59 - ");
	header.time = FMT_NO_TIME;
	check_3164(&header, "<132>Jan  1 00:00:00 - ");
	header.time = ticks("2026-07-09T23:30:00Z");
	header.utc = false;
	setenv("TZ", "XYZ-2:30", 1);
	tzset();
	check_3164(&header, "<132>Jul 10 02:00:00 - ");
	header.time = -1; /* a tick before 1970 */
	check_3164(&header, "<132>Jan  1 02:29:59 - ");
	unsetenv("TZ");
	tzset();
}

static void severities(void **state)
{
	const struct severity_map own = {{7, 7, 2, 1, 0}};
	struct syslog_header header = usual();

	(void)state;
	header.tag = false;
	for (int i = 0; i < (int)SEVERITIES; i++) {
		static const char *const usual_ones[] = {
			"<133>", "<134>", "<133>", "<132>", "<131>"};
		static const char *const own_ones[] = {
			"<135>", "<135>", "<130>", "<129>", "<128>"};
		char out[SYSLOG_HEADER];

		header.severity = (enum fmt_severity)i;
		header.levels = NULL;
		(void)syslog_rfc5424(&header, out);
		assert_memory_equal(out, usual_ones[i], 5);
		header.levels = &own;
		(void)syslog_rfc5424(&header, out);
		assert_memory_equal(out, own_ones[i], 5);
		(void)syslog_rfc3164(&header, out);
		assert_memory_equal(out, own_ones[i], 5);
	}
}

static void names_are_clean_and_distinct(void **state)
{
	static const char *const odd[] = {"Contoso Ltd", "Contoso_Ltd", "Contoso\tLtd",
		"M\xc3\xbcller", "M\xc3\xb6ller", "a\nb", "a\177b", " ", "  ", "_",
		"\xff"};
	char out[SYSLOG_HEADER], seen[16][SYSLOG_HEADER], longer[1000];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		n = syslog_name(odd[i], strlen(odd[i]), SYSLOG_HOSTNAME, seen[i]);
		seen[i][n] = '\0';
		assert_in_range(n, 1, SYSLOG_HOSTNAME);
		for (size_t k = 0; k < n; k++)
			assert_in_range(seen[i][k], 33, 126);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(seen[i], seen[k]);
	}
	assert_string_equal(seen[1], "Contoso_Ltd"); /* what is legal stays as it is */
	/* One octet over the limit, and equal but for their ends: cut, and still two. */
	memset(longer, 'x', sizeof(longer));
	for (size_t maximum = 16; maximum <= SYSLOG_HOSTNAME; maximum++) {
		assert_int_equal(syslog_name(longer, maximum, maximum, out), maximum);
		assert_memory_equal(out, longer, maximum);
		assert_int_equal(
			syslog_name(longer, maximum + 1, maximum, out), maximum);
		assert_int_equal(
			syslog_name(longer, maximum + 2, maximum, seen[0]), maximum);
		assert_memory_not_equal(out, seen[0], maximum);
	}
}

/* Any bytes in the names: the header keeps its shape and its limits. */
static void any_bytes_give_a_legal_header(void **state)
{
	char name[600], out[SYSLOG_HEADER];

	(void)state;
	srandom(5424);
	for (int round = 0; round < 20000; round++) {
		struct syslog_header header = usual();
		size_t n = (size_t)random() % sizeof(name), length, spaces = 0;

		for (size_t i = 0; i < n; i++)
			name[i] = (char)random();
		header.hostname = header.app_name = header.procid = header.msgid =
			(struct fmt_str){name, n};
		length = syslog_rfc5424(&header, out);
		assert_true(length < SYSLOG_HEADER);
		for (size_t i = 0; i < length; i++) {
			assert_in_range(out[i], 32, 126);
			if (out[i] == ' ') {
				spaces++;
				assert_true(i && out[i - 1] != ' ');
			}
		}
		assert_int_equal(spaces, 6);
		length = syslog_rfc3164(&header, out);
		assert_true(length < SYSLOG_HEADER);
		for (size_t i = 0; i < length; i++)
			assert_in_range(out[i], 32, 126);
		assert_memory_equal(out + length - 2, ": ", 2);
	}
}

static void structured_data(void **state)
{
	static const char longest[] = "[12345678901234567890123456789012 "
				      "12345678901234567890123456789012=\"\"]";
	static const char *const good[] = {longest, "", "[a]", "[a@1 b=\"\"]", "[a][b]",
		"[a b=\"c\" d=\"e\"][f g=\"h\"]", "[a b=\"\\\" \\] \\\\ \\x [\"]",
		"[a b=\"\xc3\xa4 = '\"]"};
	static const char *const bad[] = {"-", " ", "[", "[]", "[a", "[a ]", "[ a]",
		"[a]x", "x[a]", "[a] [b]", "[a b]", "[a b=]", "[a b=\"]", "[a b=\"c]",
		"[a b=\"c\"", "[a b=\"c\"d]", "[a b=c]", "[a =\"c\"]", "[a b=\"]\"]",
		"[a b=\"c\nq\"]", "[a b=\"\x7f\"]", "[a b=\"\xff\"]", "[a b=\"\\\"]",
		"[a\xc3\xa4]", "[a b=\"c\" ]", "[a  b=\"c\"]", "[a b=\"c\"]]", "[a\"b]",
		"[a=b]", "[123456789012345678901234567890123]"};
	static const char alphabet[] = "[[]] =\"\\ab-\n\xc3\xa4";
	char text[12];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (!syslog_data_is_legal(good[i], strlen(good[i])))
			fail_msg("%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (syslog_data_is_legal(bad[i], strlen(bad[i])))
			fail_msg("%s", bad[i]);
	assert_false(syslog_data_is_legal("[a b=\"\0\"]", 9));
	/* No end is read past: each text is in memory of its own size. */
	srandom(6);
	for (int round = 0; round < 100000; round++) {
		size_t n = (size_t)random() % sizeof(text);
		char *own = malloc(n + 1);

		for (size_t i = 0; i < n; i++)
			own[i] = alphabet[(size_t)random() % (sizeof(alphabet) - 1)];
		own = realloc(own, n ? n : 1);
		if (n && syslog_data_is_legal(own, n))
			assert_true(own[0] == '[' && own[n - 1] == ']');
		free(own);
	}
}

static void frames(void **state)
{
	char prefix[FRAMING_PREFIX], expected[FRAMING_PREFIX], text[] = "a\nb\n\nc";
	size_t n;

	(void)state;
	for (size_t size = 0; size < 300000; size = size * 3 + 1) {
		n = framing_prefix(FRAMING_OCTET, size, prefix);
		assert_int_equal(snprintf(expected, sizeof(expected), "%zu ", size), n);
		assert_memory_equal(prefix, expected, n);
		assert_int_equal(framing_prefix(FRAMING_LF, size, prefix), 0);
	}
	assert_true(framing_prefix(FRAMING_OCTET, SIZE_MAX, prefix) < sizeof(prefix));
	assert_int_equal(framing_suffix(FRAMING_OCTET), 0);
	assert_int_equal(framing_suffix(FRAMING_LF), 1);
	framing_clean(text, sizeof(text) - 1);
	assert_string_equal(text, "a b  c");
	framing_clean(text, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_of_rfc5424),
		cmocka_unit_test(headers_of_rfc3164),
		cmocka_unit_test(severities),
		cmocka_unit_test(names_are_clean_and_distinct),
		cmocka_unit_test(any_bytes_give_a_legal_header),
		cmocka_unit_test(structured_data),
		cmocka_unit_test(frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
