/* test_values.c - texts to values, and YAML to texts with lines. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "base/values.h"
#include "base/yaml.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void moments(void **state)
{
	static const struct {
		const char *text, *means;
	} good[] = {{"2026-01-05T09:31:12.3466667Z", "2026-01-05T09:31:12.3466667Z"},
		{"2026-01-05T09:31:12+01:00", "2026-01-05T08:31:12.0000000Z"},
		{"0", "2026-01-05T12:00:00.0000000Z"},
		{"2h", "2026-01-05T10:00:00.0000000Z"},
		{"30d", "2025-12-06T12:00:00.0000000Z"}};
	static const char *const bad[] = {"", "now", "-2h", "2", "yesterday",
		"2026-01-05", "2026-13-05T09:31:12Z", "9223372036854775807ms",
		"100000d"};
	struct error err = {0};
	int64_t now, ticks;
	char out[TIME_TEXT];

	(void)state;
	assert_true(time_parse("2026-01-05T12:00:00Z", 20, &now));
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_int_equal(value_moment(good[i].text, now, &ticks, &err), RC_OK);
		(void)time_format(ticks, 7, out);
		assert_string_equal(out, good[i].means);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (value_moment(bad[i], now, &ticks, &err) != RC_CONFIG)
			fail_msg("%s", bad[i]);
		assert_non_null(strstr(err.text, "2026-01-05T09:00:00Z"));
	}
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {{"0", 0}, {"0s", 0}, {"500ms", 500}, {"30s", 30000}, {"5m", 300000},
		{"12h", 43200000}, {"7d", 604800000}, {"007d", 604800000},
		{"9223372036854775807ms", INT64_MAX}};
	static const char *const bad[] = {"", "5", "s", "-1s", "+1s", "1.5h", "1 s",
		" 1s", "1s ", "5 minutes", "1h30m", "1M", "9223372036854775808ms",
		"9223372036854775807s", "99999999999999999999"};
	struct error err = {0};
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_int_equal(value_duration(good[i].text, &ms, &err), RC_OK);
		assert_true(ms == good[i].ms);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(value_duration(bad[i], &ms, &err), RC_CONFIG);
	assert_int_equal(value_duration("5 minutes", &ms, &err), RC_CONFIG);
	assert_string_equal(err.text, "\"5 minutes\" is no duration; write a whole "
				      "number and a unit, as 500ms, 30s, 5m, 12h "
				      "or 7d");
}

static void sizes(void **state)
{
	static const struct {
		const char *text;
		size_t octets;
	} good[] = {{"0", 0}, {"512", 512}, {"64K", 65536}, {"2M", 2097152},
		{"1G", 1073741824}};
	static const char *const bad[] = {"", "K", "1k", "1KB", "1T", "-1", "1 M",
		"1.5M", "9223372036854775807K", "99999999999999999999"};
	size_t octets;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_int_equal(value_size(good[i].text, &octets, NULL), RC_OK);
		assert_true(octets == good[i].octets);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(value_size(bad[i], &octets, NULL), RC_CONFIG);
}

static void booleans_integers_choices(void **state)
{
	struct error err = {0};
	int64_t number;
	bool value;
	int index;

	(void)state;
	assert_true(value_bool("YES", &value, NULL) == RC_OK && value);
	assert_true(value_bool("off", &value, NULL) == RC_OK && !value);
	assert_int_equal(value_bool("1", &value, NULL), RC_CONFIG);
	assert_int_equal(value_bool("", &value, NULL), RC_CONFIG);
	assert_int_equal(value_bool("y", &value, NULL), RC_CONFIG);

	assert_true(value_integer("23", 0, 23, &number, NULL) == RC_OK && number == 23);
	assert_true(value_integer("-5", -5, 5, &number, NULL) == RC_OK && number == -5);
	assert_int_equal(value_integer("24", 0, 23, &number, NULL), RC_CONFIG);
	assert_int_equal(value_integer("", 0, 23, &number, NULL), RC_CONFIG);
	assert_int_equal(value_integer("-", -9, 23, &number, NULL), RC_CONFIG);
	assert_int_equal(value_integer("0x10", 0, 23, &number, NULL), RC_CONFIG);
	assert_int_equal(value_integer("1e1", 0, 23, &number, NULL), RC_CONFIG);

	assert_true(value_choice("tls", "tcp|tls|file", &index, NULL) == RC_OK &&
		    index == 1);
	assert_true(value_choice("file", "tcp|tls|file", &index, NULL) == RC_OK &&
		    index == 2);
	assert_int_equal(value_choice("tc", "tcp|tls|file", &index, NULL), RC_CONFIG);
	assert_int_equal(value_choice("", "tcp|tls|file", &index, NULL), RC_CONFIG);
	assert_int_equal(
		value_choice("tcp|tls", "tcp|tls|file", &index, &err), RC_CONFIG);
	assert_string_equal(err.text, "\"tcp|tls\" is not one of tcp|tls|file");
}

static void ids(void **state)
{
	char guid[VALUE_GUID], tenant[VALUE_TENANT_ID];
	static const char *const bad_tenants[] = {"", "common", "organizations",
		"consumers", "contoso", ".contoso.com", "contoso..com", "contoso.com.",
		"contoso.com/x", "a b.com", "192.0.2.1", "1111-2222",
		"11111111-2222-3333-4444-55555555555g", "x.com\n"};

	(void)state;
	assert_int_equal(
		value_guid("ABCDEF01-2345-6789-abcd-EF0123456789", guid, NULL), RC_OK);
	assert_string_equal(guid, "abcdef01-2345-6789-abcd-ef0123456789");
	assert_int_equal(value_guid("ABCDEF01-2345-6789-abcd-EF012345678", guid, NULL),
		RC_CONFIG);
	assert_int_equal(value_guid("ABCDEF01x2345-6789-abcd-EF0123456789", guid, NULL),
		RC_CONFIG);
	assert_int_equal(
		value_guid("{BCDEF01-2345-6789-abcd-EF0123456789}", guid, NULL),
		RC_CONFIG);
	assert_int_equal(
		value_tenant_id("Contoso.onMicrosoft.com", tenant, NULL), RC_OK);
	assert_string_equal(tenant, "contoso.onmicrosoft.com");
	for (size_t i = 0; i < COUNT(bad_tenants); i++)
		assert_int_equal(
			value_tenant_id(bad_tenants[i], tenant, NULL), RC_CONFIG);
}

static void addresses(void **state)
{
	static const char *const good[] = {"siem:514", "siem.example.net:6514",
		"192.0.2.1:65535", "[2001:db8::1]:1", "[::]:6514", "my_host:1"};
	static const char *const bad[] = {"", "siem", "siem:", ":514", "siem:0",
		"siem:65536", "siem:5a", "siem:514 ", "siem:+514", "2001:db8::1",
		"[2001:db8::1]", "[2001:db8::1:1", "[siem]:1", "[]:1", "[", "]",
		"[2001:db8::1]x:1", "https://siem:1", "a b:1", "a..b:1", "siem:514:514",
		"siem:999999999999"};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_int_equal(value_address(good[i], NULL), RC_OK);
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(value_address(bad[i], NULL), RC_CONFIG);
}

static void roots_and_proxies(void **state)
{
	static const char *const good[] = {"https://graph.microsoft.com", "https://h/",
		"https://h:8443/a/b//", "http://localhost:1", "http://127.0.0.1",
		"http://127.9.9.9/x", "http://[::1]:8080", "https://[2001:db8::1]"};
	static const char *const bad[] = {"", "https://", "https:///x",
		"graph.microsoft.com", "http://graph.microsoft.com",
		"http://127.0.0.1.example.net", "http://[::2]",
		"http://localhost.example.net", "http://127.0.0.1@example.net",
		"https://u:p@h", "https://h?q=1", "https://h/#x", "https://h/a b",
		"https://h/\"", "ftp://h", "HTTPS://h", "https://h:0",
		"https://h:", "https://h/\n"};
	static const char *const bad_proxies[] = {"", "proxy", "http://proxy",
		"socks4://proxy:1", "http://u:p@proxy:1", "proxy:1/x"};
	struct error err;
	size_t n;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_int_equal(value_root(good[i], &n, NULL), RC_OK);
	assert_true(value_root("https://h:8443/a/b//", &n, NULL) == RC_OK && n == 18);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (value_root(bad[i], &n, NULL) == RC_OK)
			fail_msg("%s was taken", bad[i]);
	assert_int_equal(value_proxy("proxy:3128", NULL), RC_OK);
	assert_int_equal(value_proxy("http://proxy:3128/", NULL), RC_OK);
	assert_int_equal(value_proxy("socks5h://[::1]:1080", NULL), RC_OK);
	for (size_t i = 0; i < COUNT(bad_proxies); i++)
		assert_int_equal(value_proxy(bad_proxies[i], NULL), RC_CONFIG);
	assert_int_equal(value_proxy("http://user:hunter2@proxy:1", &err), RC_CONFIG);
	assert_null(strstr(err.text, "hunter2"));
}

static void names_and_nearest(void **state)
{
	static const char *const keys[] = {
		"address", "path", "format", "format_options", "tag"};
	char longest[VALUE_NAME_MAXIMUM + 2];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[VALUE_NAME_MAXIMUM] = '\0';
	assert_int_equal(value_name(longest, NULL), RC_OK);
	longest[VALUE_NAME_MAXIMUM] = 'x';
	longest[VALUE_NAME_MAXIMUM + 1] = '\0';
	assert_int_equal(value_name(longest, NULL), RC_CONFIG);
	assert_int_equal(value_name("A-b_c.9", NULL), RC_OK);
	assert_int_equal(value_name("", NULL), RC_CONFIG);
	assert_int_equal(value_name("a b", NULL), RC_CONFIG);
	assert_int_equal(value_name("gr\xc3\xbc", NULL), RC_CONFIG);
	assert_int_equal(value_name("a/b", NULL), RC_CONFIG);
	assert_string_equal(value_nearest("adress", keys, 5), "address");
	assert_string_equal(value_nearest("foramt", keys, 5), "format");
	assert_string_equal(value_nearest("format_option", keys, 5), "format_options");
	assert_null(value_nearest("destination", keys, 5));
	assert_null(value_nearest("xyz", keys, 5));
	assert_null(value_nearest("", keys, 5));
}

static void unknown_says_what_there_is(void **state)
{
	static const char *const names[] = {"siem", "archive"};
	const char *many[100];
	struct error err;

	(void)state;
	assert_int_equal(
		value_unknown("seim", "destination", names, 2, &err), RC_CONFIG);
	assert_string_equal(err.text, "\"seim\" is no destination; did you mean siem?");
	assert_int_equal(value_unknown("x", "destination", names, 2, &err), RC_CONFIG);
	assert_string_equal(
		err.text, "\"x\" is no destination; there are: siem, archive");
	assert_int_equal(value_unknown("x", "destination", NULL, 0, &err), RC_CONFIG);
	assert_string_equal(err.text, "\"x\" is no destination; there are: none");
	for (size_t i = 0; i < 100; i++)
		many[i] = "archive";
	assert_int_equal(value_unknown("x", "destination", many, 100, &err), RC_CONFIG);
	assert_string_equal(err.text + strlen(err.text) - 12, "archive, ...");
}

struct said {
	struct yaml_report report;
	struct strbuf text;
};

static void say(struct yaml_report *report, int line, const char *text)
{
	strbuf_addf(&((struct said *)report)->text, "%d: %s\n", line, text);
}

static void yaml_keeps_texts_and_lines(void **state)
{
	static const char text[] = "a: no\n"
				   "b:\n"
				   "  - 5m\n"
				   "  - \"\"\n"
				   "  -\n"
				   "c: {d: 012, e: |\n"
				   "    two\n"
				   "    lines\n"
				   "  }\n";
	static const char good[] = "a: no\nb: [5m, '', ]\nc: {d: 012,\n e: ~}\n";
	struct said said = {{say}, {0}};
	const struct yaml_node *node;
	struct yaml yaml;

	(void)state;
	strbuf_init(&said.text, 10000);
	yaml_init(&yaml);
	assert_false(yaml_parse(&yaml, text, sizeof(text) - 1, &said.report));
	strbuf_reset(&said.text);
	yaml_reset(&yaml);
	assert_true(yaml_parse(&yaml, good, sizeof(good) - 1, &said.report));
	assert_string_equal(said.text.p, "");
	node = yaml_get(yaml.root, "a");
	assert_string_equal(node->text, "no");
	assert_int_equal(node->line, 1);
	node = yaml_get(yaml.root, "b");
	assert_int_equal(node->kind, YAML_LIST);
	assert_string_equal(node->first->text, "5m");
	assert_false(yaml_is_nothing(node->first->next));
	assert_null(node->first->next->next);
	node = yaml_get(yaml_get(yaml.root, "c"), "e");
	assert_int_equal(node->line, 4);
	assert_string_equal(node->text, "~");
	assert_null(yaml_get(yaml.root, "d"));
	yaml_reset(&yaml);
	assert_true(yaml_parse(&yaml, "", 0, &said.report));
	assert_null(yaml.root);
	yaml_clear(&yaml);
	strbuf_clear(&said.text);
}

static void yaml_is_bounded(void **state)
{
	struct said said = {{say}, {0}};
	struct strbuf text;
	struct yaml yaml;

	(void)state;
	strbuf_init(&said.text, 10000);
	strbuf_init(&text, 64 * 1048576);
	yaml_init(&yaml);
	for (int i = 0; i < 200000; i++)
		strbuf_addc(&text, '[');
	assert_false(yaml_parse(&yaml, text.p, text.n, &said.report));
	assert_non_null(strstr(said.text.p, "1: nested deeper"));
	strbuf_reset(&text);
	strbuf_reset(&said.text);
	yaml_reset(&yaml);
	for (int i = 0; i < YAML_NODES_MAXIMUM + 1; i++)
		strbuf_adds(&text, "- x\n");
	assert_false(yaml_parse(&yaml, text.p, text.n, &said.report));
	assert_non_null(strstr(said.text.p, "too many values"));
	strbuf_reset(&said.text);
	yaml_reset(&yaml);
	assert_false(yaml_load(&yaml, "/dev/zero", &said.report));
	assert_false(yaml_load(&yaml, "/nowhere/x.yaml", &said.report));
	assert_false(yaml_load(&yaml, "/", &said.report));
	assert_string_equal(said.text.p,
		"0: not a regular file; name a file of YAML\n"
		"0: cannot be opened: No such file or directory\n"
		"0: not a regular file; name a file of YAML\n");
	yaml_clear(&yaml);
	strbuf_clear(&text);
	strbuf_clear(&said.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations),
		cmocka_unit_test(moments),
		cmocka_unit_test(sizes),
		cmocka_unit_test(booleans_integers_choices),
		cmocka_unit_test(ids),
		cmocka_unit_test(addresses),
		cmocka_unit_test(roots_and_proxies),
		cmocka_unit_test(names_and_nearest),
		cmocka_unit_test(unknown_says_what_there_is),
		cmocka_unit_test(yaml_keeps_texts_and_lines),
		cmocka_unit_test(yaml_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
