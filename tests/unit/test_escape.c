/* test_escape.c - escaping by position, cleaning, trimming, cutting; addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cef_reader.h"
#include "formats/address.h"
#include "formats/escape.h"
#include "formats/json_text.h"
#include "formats/text.h"

#define S(literal) ((struct fmt_str){literal, sizeof(literal) - 1})

static char *header(char *to, struct fmt_str s)
{
	return escape_cef_header(to, s, 0);
}

static char *header_slash(char *to, struct fmt_str s)
{
	return escape_cef_header(to, s, '/');
}

struct row {
	struct fmt_str in;
	const char *header, *header_slash, *class_id, *value, *sd, *json;
};

static const struct row rows[] = {
	{S("plain"), "plain", "plain", "plain", "plain", "plain", "plain"},
	{S("a|b"), "a\\|b", "a/b", "a_b", "a|b", "a|b", "a|b"},
	{S("a=b"), "a=b", "a=b", "a_b", "a\\=b", "a=b", "a=b"},
	{S("C:\\x"), "C:\\\\x", "C:\\\\x", "C:_x", "C:\\\\x", "C:\\\\x", "C:\\\\x"},
	{S("\\="), "\\\\=", "\\\\=", "__", "\\\\\\=", "\\\\=", "\\\\="},
	{S("50%#"), "50%#", "50%#", "50__", "50%#", "50%#", "50%#"},
	{S("a\"b]c"), "a\"b]c", "a\"b]c", "a\"b]c", "a\"b]c", "a\\\"b\\]c", "a\\\"b]c"},
	{S("a\nb"), "a b", "a b", "a b", "a\\nb", "a b", "a\\nb"},
	{S("a\r\nb"), "a b", "a b", "a b", "a\\nb", "a b", "a\\r\\nb"},
	{S("a\rb"), "a b", "a b", "a b", "a b", "a b", "a\\rb"},
	{S("a\r\r\nb"), "a  b", "a  b", "a  b", "a \\nb", "a  b", "a\\r\\r\\nb"},
	{S("a\tb"), "a b", "a b", "a b", "a b", "a b", "a\\tb"},
	{S("a\0b"), "a b", "a b", "a b", "a b", "a b",
		"a\xEF\xBF\xBD"
		"b"},
	{S("a\x1B\x7Fz"), "a  z", "a  z", "a  z", "a  z", "a  z", "a\\u001b\\u007fz"},
	{S("a\xC2\x85z"), "a z", "a z", "a z", "a z", "a z", "a\\u0085z"},
	{S("a\xE2\x80\xA8z"), "a z", "a z", "a z", "a z", "a z", "a\\u2028z"},
	{S("a\xE2\x80\xA9z"), "a z", "a z", "a z", "a z", "a z", "a\\u2029z"},
	{S("a\xEF\xBB\xBFz"), "a z", "a z", "a z", "a z", "a z", "a\xEF\xBB\xBFz"},
	{S("\xC3\xBC\xC2\xA0\xF0\x9F\x8E\xA3"), "\xC3\xBC\xC2\xA0\xF0\x9F\x8E\xA3",
		"\xC3\xBC\xC2\xA0\xF0\x9F\x8E\xA3", "\xC3\xBC\xC2\xA0\xF0\x9F\x8E\xA3",
		"\xC3\xBC\xC2\xA0\xF0\x9F\x8E\xA3", "\xC3\xBC\xC2\xA0\xF0\x9F\x8E\xA3",
		"\xC3\xBC\xC2\xA0\xF0\x9F\x8E\xA3"},
	/* U+FFFD for each maximal bad part: one, one, two, three, two */
	{S("\xFF"), "\xEF\xBF\xBD", "\xEF\xBF\xBD", "\xEF\xBF\xBD", "\xEF\xBF\xBD",
		"\xEF\xBF\xBD", "\xEF\xBF\xBD"},
	{S("\xF0\x9F\x8E"), "\xEF\xBF\xBD", "\xEF\xBF\xBD", "\xEF\xBF\xBD",
		"\xEF\xBF\xBD", "\xEF\xBF\xBD", "\xEF\xBF\xBD"},
	{S("\xC0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD", "\xEF\xBF\xBD\xEF\xBF\xBD",
		"\xEF\xBF\xBD\xEF\xBF\xBD", "\xEF\xBF\xBD\xEF\xBF\xBD",
		"\xEF\xBF\xBD\xEF\xBF\xBD", "\xEF\xBF\xBD\xEF\xBF\xBD"},
	{S("\xED\xA0\x80="), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD=",
		"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD=",
		"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD_",
		"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\\=",
		"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD=",
		"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD="},
	{S("\xE2\x80\xE2\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD", "\xEF\xBF\xBD\xEF\xBF\xBD",
		"\xEF\xBF\xBD\xEF\xBF\xBD", "\xEF\xBF\xBD\xEF\xBF\xBD",
		"\xEF\xBF\xBD\xEF\xBF\xBD", "\xEF\xBF\xBD\xEF\xBF\xBD"},
};

static char *leef_header(char *to, struct fmt_str s)
{
	return escape_leef_header(to, s, '^');
}

static char *leef_value(char *to, struct fmt_str s)
{
	return escape_leef_value(to, s, '^');
}

static char *leef_value_tab(char *to, struct fmt_str s)
{
	return escape_leef_value(to, s, '\t');
}

static const struct {
	struct fmt_str in;
	const char *header, *value, *value_tab;
} leef_rows[] = {
	{S("plain"), "plain", "plain", "plain"},
	{S("a^b|c"), "a b/c", "a b|c", "a^b|c"},
	{S("^^="), "  =", "  =", "^^="},
	{S("C:\\x=\"1\""), "C:\\x=\"1\"", "C:\\x=\"1\"", "C:\\x=\"1\""},
	{S("1\r\n2\r3\n4\t5"), "1 2 3 4 5", "1 2 3 4 5", "1 2 3 4 5"},
	{S("a\0b\x7F"), "a b ", "a b ", "a b "},
	{S("\xC2\x85^\xFF"), "  \xEF\xBF\xBD", "  \xEF\xBF\xBD", " ^\xEF\xBF\xBD"},
	{S("\xC3\xBC^\xE2\x80\xA8"), "\xC3\xBC  ", "\xC3\xBC  ", "\xC3\xBC^ "},
};

static void expect(char *(*escape)(char *, struct fmt_str), size_t room,
	struct fmt_str in, const char *before, const char *want, const char *after)
{
	/* Exactly the room that is promised, so that a sanitizer sees more being used. */
	char *text = malloc(in.n + strlen(before) + strlen(after) + 1);
	struct fmt_str s = {text, in.n + strlen(before) + strlen(after)};
	char *out = malloc(6 * s.n + room), *end;
	size_t n;

	memcpy(text, before, strlen(before));
	memcpy(text + strlen(before), in.p, in.n);
	memcpy(text + strlen(before) + in.n, after, strlen(after));
	end = escape(out, s);
	n = (size_t)(end - out);
	assert_int_equal(n, strlen(before) + strlen(want) + strlen(after));
	assert_memory_equal(out, before, strlen(before));
	assert_memory_equal(out + strlen(before), want, strlen(want));
	assert_memory_equal(end - strlen(after), after, strlen(after));
	free(out);
	free(text);
}

/* Each row at each place of a block, with text of each length up to two blocks behind. */
static void test_positions(void **state)
{
	static const char pad[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ";

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];

		for (size_t k = 0; k < 36 * 36; k++) {
			const char *before = pad + k % 36, *after = pad + 1 + k / 36;

			expect(header, 16, r->in, before, r->header, after);
			expect(header_slash, 16, r->in, before, r->header_slash, after);
			expect(escape_cef_class, 16, r->in, before, r->class_id, after);
			expect(escape_cef_value, 16, r->in, before, r->value, after);
			expect(escape_sd_value, 16, r->in, before, r->sd, after);
			expect(escape_json_string, 16, r->in, before, r->json, after);
		}
	}
	for (size_t i = 0; i < sizeof(leef_rows) / sizeof(leef_rows[0]); i++) {
		for (size_t k = 0; k < 36; k++) {
			const char *before = pad + k, *after = k & 1 ? pad : "";
			struct fmt_str in = leef_rows[i].in;

			expect(leef_header, 16, in, before, leef_rows[i].header, after);
			expect(leef_value, 16, in, before, leef_rows[i].value, after);
			expect(leef_value_tab, 16, in, before, leef_rows[i].value_tab,
				after);
		}
	}
}

static void test_all_octets(void **state)
{
	char in[256], out[ESCAPE_JSON_ROOM(256)], want[2000];
	struct fmt_str s = {in, 256};
	char *end;

	(void)state;
	for (int i = 0; i < 256; i++)
		in[i] = (char)i;
	end = escape_cef_value(out, s);
	assert_true(utf8_is_clean(out, (size_t)(end - out)));
	end = escape_cef_header(out, s, 0);
	assert_true(utf8_is_clean(out, (size_t)(end - out)));
	end = escape_leef_header(out, s, '^');
	assert_true(utf8_is_clean(out, (size_t)(end - out)));
	assert_null(memchr(out, '^', (size_t)(end - out)));
	assert_null(memchr(out, '|', (size_t)(end - out)));
	end = escape_leef_value(out, s, '\t');
	assert_true(utf8_is_clean(out, (size_t)(end - out)));
	end = escape_sd_value(out, s);
	assert_true(utf8_is_clean(out, (size_t)(end - out)));
	end = escape_json_string(out, s);
	assert_true(utf8_is_clean(out, (size_t)(end - out)));
	assert_ptr_equal(escape_cef_value(out, (struct fmt_str){NULL, 0}), out);
	model_clean(want, in, 256, MODEL_HEADER, 0);
}

/* What a JSON string holds for it, octet by octet. */
static size_t json_of(char *to, const char *special, const char *s, size_t n)
{
	size_t m = strlen(special);

	memcpy(to, s, n);
	memcpy(to + n, special, m);
	return n + m;
}

/* Texts of all lengths are written in blocks that lie over each other: one special octet at each place
 * of them, in memory that ends where the text does. */
static void test_json_lengths(void **state)
{
	static const struct {
		struct fmt_str in;
		const char *out;
	} specials[] = {
		{S("x"), "x"},
		{S("\""), "\\\""},
		{S("\\"), "\\\\"},
		{S("\n"), "\\n"},
		{S("\x1F"), "\\u001f"},
		{S("\0"), "\xEF\xBF\xBD"},
		{S("\x7F"), "\\u007f"},
		{S("\xC3\xA9"), "\xC3\xA9"},
		{S("\xC2\x85"), "\\u0085"},
		{S("\xE2\x80\xA8"), "\\u2028"},
		{S("\xF0\x9F\x98\x80"), "\xF0\x9F\x98\x80"},
		{S("\xC3"), "\xEF\xBF\xBD"},
	};
	char text[160], want[200];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 26);
	for (size_t n = 0; n < 150; n++) {
		for (size_t at = 0; at <= n; at++) {
			for (size_t i = 0; i < sizeof(specials) / sizeof(specials[0]);
				i++) {
				struct fmt_str special = specials[i].in;
				size_t whole = n + special.n, size;
				char *in = malloc(whole);
				char *out = malloc(ESCAPE_JSON_ROOM(whole)), *end;

				assert_non_null(in);
				assert_non_null(out);
				memcpy(in, text, at);
				memcpy(in + at, special.p, special.n);
				memcpy(in + at + special.n, text + at, n - at);
				size = json_of(want, specials[i].out, text, at);
				memcpy(want + size, text + at, n - at);
				size += n - at;
				end = escape_json_string(
					out, (struct fmt_str){in, whole});
				assert_int_equal(end - out, size);
				assert_memory_equal(out, want, size);
				free(in);
				free(out);
			}
		}
	}
}

static void test_trim(void **state)
{
	static const struct {
		struct fmt_str in;
		const char *want;
	} table[] = {
		{S(""), ""},
		{S("  \t\r\n "), ""},
		{S("\xC2\x85\xE2\x80\xA8\xEF\xBB\xBF"), ""},
		{S(" a b "), "a b"},
		{S("\xEF\xBB\xBFx\xE2\x80\xA9"), "x"},
		{S("\0x\0"), "x"},
		{S("\n\xC3\xA9\n"), "\xC3\xA9"},
		{S("\xE2\x80"), "\xE2\x80"},
		{S("x\xE3\xC2\x85"), "x\xE3"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct fmt_str s = text_trim(table[i].in);

		assert_int_equal(s.n, strlen(table[i].want));
		if (s.n)
			assert_memory_equal(s.p, table[i].want, s.n);
	}
}

static void test_cut(void **state)
{
	static const struct {
		struct fmt_str in;
		size_t max;
		int cut;
		const char *want; /* before the mark */
	} table[] = {
		{S("abcdef"), 6, 0, "abcdef"},
		{S("abcdefg"), 6, 1, "abc"},
		{S("ab cdefg"), 6, 1, "ab"},
		/* six characters of two octets */
		{S("\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9"), 6, 0,
			"\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9"},
		{S("\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9x"), 6, 1,
			"\xC3\xA9\xC3\xA9\xC3\xA9"},
		/* CR LF counts once */
		{S("a\r\nb\r\nc"), 5, 0, "a\r\nb\r\nc"},
		/* not before a combining acute */
		{S("abe\xCC\x81xyz"), 6, 1, "ab"},
		/* a bad part counts once */
		{S("\xE2\x80\xE2\x80\xE2\x80"), 3, 0, "\xE2\x80\xE2\x80\xE2\x80"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct fmt_str s = table[i].in;

		assert_int_equal(text_cut(&s, table[i].max), table[i].cut);
		assert_int_equal(s.n, strlen(table[i].want));
		assert_memory_equal(s.p, table[i].want, s.n);
	}
	assert_true(text_fits(S("\xC3\xA9\xC3\xA9"), 2));
	assert_false(text_fits(S("\xC3\xA9\xC3\xA9"), 1));
}

static void test_addresses(void **state)
{
	static const struct {
		const char *in;
		enum address_kind kind;
		const char *want;
	} table[] = {
		{"10.1.2.3", ADDRESS_IPV4, "10.1.2.3"},
		{"255.255.255.255", ADDRESS_IPV4, "255.255.255.255"},
		{"::ffff:10.0.0.1", ADDRESS_IPV4, "10.0.0.1"},
		{"::FFFF:0A00:0001", ADDRESS_IPV4, "10.0.0.1"},
		{"2001:DB8::1", ADDRESS_IPV6, "2001:db8::1"},
		{"2001:0db8:0000:0000:0000:0000:0000:0001", ADDRESS_IPV6,
			"2001:db8::1"},
		{"::", ADDRESS_IPV6, "::"},
		{"1:2:3:4:5:6:7:8", ADDRESS_IPV6, "1:2:3:4:5:6:7:8"},
		{"1::3:4:5:6:7:8", ADDRESS_IPV6, "1:0:3:4:5:6:7:8"},
		{"1:2:3:4:5:6:7::", ADDRESS_IPV6, "1:2:3:4:5:6:7:0"},
		{"1:2:3:4:5:6::", ADDRESS_IPV6, "1:2:3:4:5:6::"},
		{"1::0:4:5:6:7:8", ADDRESS_IPV6, "1::4:5:6:7:8"},
		{"1::4:0:0:0:8", ADDRESS_IPV6, "1:0:0:4::8"},
		{"64:ff9b::1.2.3.4", ADDRESS_IPV6, "64:ff9b::102:304"},
		{"fe80::02ab", ADDRESS_IPV6, "fe80::2ab"},
		{"", ADDRESS_NONE, NULL},
		{"1", ADDRESS_NONE, NULL},
		{"1.2.3", ADDRESS_NONE, NULL},
		{"1.2.3.256", ADDRESS_NONE, NULL},
		{"010.1.1.1", ADDRESS_NONE, NULL},
		{"0x7f.0.0.1", ADDRESS_NONE, NULL},
		{"1.2.3.4:443", ADDRESS_NONE, NULL},
		{"1.2.3.4 ", ADDRESS_NONE, NULL},
		{"1.2.3.4,5.6.7.8", ADDRESS_NONE, NULL},
		{"[2001:db8::1]", ADDRESS_NONE, NULL},
		{"fe80::1%eth0", ADDRESS_NONE, NULL},
		{"fe80::1/64", ADDRESS_NONE, NULL},
		{"1:2:3:4:5:6:7:8:9", ADDRESS_NONE, NULL},
		{"localhost", ADDRESS_NONE, NULL},
		{"2001:0db8:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001",
			ADDRESS_NONE, NULL},
	};
	char out[ADDRESS_SIZE], mac[18];
	struct fmt_str text = S("1.2.3.4\0x");

	(void)state;
	assert_int_equal(address_spell(&text, out), ADDRESS_NONE);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		text = text_str(table[i].in);
		assert_int_equal(address_spell(&text, out), table[i].kind);
		if (!table[i].want)
			continue;
		assert_int_equal(text.n, strlen(table[i].want));
		assert_memory_equal(text.p, table[i].want, text.n);
	}
	assert_true(address_read_mac(text_str("AA-BB-CC-00-11-22"), mac));
	assert_string_equal(mac, "aa:bb:cc:00:11:22");
	assert_true(address_read_mac(text_str("aabbcc001122"), mac));
	assert_string_equal(mac, "aa:bb:cc:00:11:22");
	assert_false(address_read_mac(text_str("aa:bb-cc:00:11:22"), mac));
	assert_false(address_read_mac(text_str("aa:bb:cc:00:11:2g"), mac));
	assert_false(address_read_mac(text_str("aa:bb:cc:00:11"), mac));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_positions),
		cmocka_unit_test(test_all_octets),
		cmocka_unit_test(test_json_lengths),
		cmocka_unit_test(test_trim),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests_name("escape", tests, NULL, NULL);
}
