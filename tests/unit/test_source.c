/* test_source.c - the table of sources, first URLs, error answers. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <libfastjson/json.h>

#include "fetch/error_answer.h"
#include "parse_help.h"

static void the_table(void **state)
{
	const struct source *source;

	(void)state;
	assert_ptr_equal(source_find("graph-alerts"), &source_graph_alerts);
	assert_null(source_find("graph-alert"));
	assert_null(source_find(""));
	for (size_t i = 0; (source = source_at(i)); i++) {
		struct alert_map *map = source_map_new(source, NULL);

		assert_ptr_equal(source_find(source->name), source);
		assert_non_null(map);
		assert_true(source->page_size <= source->page_size_max);
		assert_int_equal(!source->page_size, source->paging == PAGING_NONE);
		assert_int_equal(!source->path, !source->updated);
		alert_map_free(map);
	}
	assert_null(source_at(SIZE_MAX));
}

/* Two rows for one path would be a mistake here. */
static void paths_are_given_once(void **state)
{
	const struct source *source;

	(void)state;
	for (size_t s = 0; (source = source_at(s)); s++) {
		const struct alert_table *table = source->table;

		for (; table; table = table->nested)
			for (size_t i = 0; i < table->row_count; i++)
				for (size_t k = 0; k < i; k++)
					assert_string_not_equal(table->rows[i].path,
						table->rows[k].path);
	}
}

static int64_t ticks(const char *text)
{
	int64_t t;

	assert_true(time_parse(text, strlen(text), &t));
	return t;
}

static void first_urls(void **state)
{
	const struct source *source = &source_graph_alerts;
	struct source_range range = {
		.from = ticks("2026-01-05T00:00:00Z"),
		.to = ticks("2026-01-05T01:00:00.1234567Z"),
	};
	struct error err = {0};
	struct strbuf url;

	(void)state;
	strbuf_init(&url, 4096);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(source->first_url(source,
					 i ? "https://graph.microsoft.com/"
					   : "https://graph.microsoft.com",
					 &range, &url, &err),
			RC_OK);
		assert_string_equal(url.p,
			"https://graph.microsoft.com/v1.0/security/alerts_v2?"
			"$filter=lastUpdateDateTime%20ge%202026-01-05T00:00:00.0000000Z"
			"%20and%20lastUpdateDateTime%20lt%202026-01-05T01:00:00."
			"1234567Z&$top=100");
	}
	range.page_size = 7;
	assert_int_equal(
		source->first_url(source, "http://[::1]:80/g", &range, &url, &err),
		RC_OK);
	assert_int_equal(strncmp(url.p, "http://[::1]:80/g/v1.0/security/", 32), 0);
	assert_string_equal(url.p + url.n - 7, "&$top=7");
	range.page_size = 2001;
	assert_int_equal(
		source->first_url(source, "https://a", &range, &url, &err), RC_CONFIG);
	range.page_size = 0;
	range.to = range.from;
	assert_int_equal(
		source->first_url(source, "https://a", &range, &url, &err), RC_CONFIG);
	strbuf_clear(&url);
	strbuf_init(&url, 50);
	range.to++;
	assert_int_equal(
		source->first_url(source, "https://a", &range, &url, &err), RC_LIMIT);
	strbuf_clear(&url);
}

/* The rest of each URL of an hour, as facts 2.8 spells it. */
static void urls_of_all(void **state)
{
#define FROM_TO(name)                                                                  \
	"$filter=" name "%20ge%202026-01-05T00:00:00.0000000Z%20and%20" name           \
	"%20lt%202026-01-05T01:00:00.0000001Z"
	static const struct {
		const char *name, *filter;
		unsigned page_size;
		uint64_t skip;
		bool bare;
		const char *url; /* NULL: refused */
	} cases[] = {
		{"graph-alerts", "severity eq 'a''b+c' and x", 7, 21, true,
			"v1.0/security/alerts_v2?" FROM_TO(
				"lastUpdateDateTime") "%20and%20severity%20eq%20'a''b%"
						      "2Bc'%20and%20x&$top=7&$skip=21"},
		{"graph-incidents", NULL, 0, 0, false,
			"v1.0/security/incidents?" FROM_TO(
				"lastUpdateDateTime") "&$top=50&$expand=alerts"},
		{"graph-incidents", "status eq 'active'&#%\xc3\xbc", 1, 3, true,
			"v1.0/security/incidents?" FROM_TO(
				"lastUpdateDateTime") "%20and%20status%20eq%20'active'%"
						      "26%23%25%C3%BC&$top=1&$skip=3"},
		{"graph-incidents", NULL, 51, 0, false, NULL},
		{"mde-alerts", NULL, 0, 0, false,
			"api/alerts?" FROM_TO("lastUpdateTime") "&$top=1000&$expand="
								"evidence&$skip=0"},
		{"mde-alerts", NULL, 10000, 30000, true,
			"api/alerts?" FROM_TO(
				"lastUpdateTime") "&$top=10000&$skip=30000"},
		{"mde-alerts", NULL, 10001, 0, false, NULL},
		{"m365d-incidents", NULL, 0, UINT64_MAX, false,
			"api/incidents?" FROM_TO(
				"lastUpdateTime") "&$top=100&$skip="
						  "18446744073709551615"},
		{"m365d-incidents", NULL, 101, 0, false, NULL},
		{"siem", NULL, 0, 0, false,
			"api/alerts?sinceTimeUtc=2026-01-05T00:00:00.000"
			"&untilTimeUtc=2026-01-05T01:00:00.001"},
		{"siem", NULL, 1, 0, true,
			"api/alerts?sinceTimeUtc=2026-01-05T00:00:00.000"
			"&untilTimeUtc=2026-01-05T01:00:00.001"},
		{"siem", "severity eq 'high'", 0, 0, false, NULL},
		{"siem", NULL, 0, 1, false, NULL},
	};
	struct strbuf url;

	(void)state;
	strbuf_init(&url, 4096);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct source *source = source_find(cases[i].name);
		const struct source_range range = {
			.from = ticks("2026-01-05T00:00:00Z"),
			.to = ticks("2026-01-05T01:00:00.0000001Z"),
			.page_size = cases[i].page_size,
			.skip = cases[i].skip,
			.bare = cases[i].bare,
			.filter = cases[i].filter,
		};
		struct error err = {0};
		enum rc rc = source->first_url(
			source, "https://a.example/", &range, &url, &err);

		assert_int_equal(rc, cases[i].url ? RC_OK : RC_CONFIG);
		if (!cases[i].url) {
			assert_non_null(strstr(err.text, cases[i].name));
			continue;
		}
		assert_int_equal(strncmp(url.p, "https://a.example/", 18), 0);
		assert_string_equal(url.p + 18, cases[i].url);
	}
	strbuf_clear(&url);
}

static void error_answers(void **state)
{
	static const char graph[] =
		"{\"error\":{\"code\":\"InvalidAuthenticationToken\",\"message\":"
		"\"a\\r\\n\\tb \\u0001c\","
		"\"innererror\":{\"request-id\":\"r\",\"client-request-id\":\"c\"}}}";
	static const char login[] = "{\"error\":\"invalid_client\",\"error_"
				    "description\":\"AADSTS7000215: no.\\r\\nTrace\","
				    "\"error_codes\":[7000215,70002],\"trace_id\":"
				    "\"t\",\"correlation_id\":\"c\","
				    "\"suberror\":\"s\"}";
	static const char *const no[] = {"", "<html>", "null", "[]", "{}",
		"{\"error\":null}", "{\"error\":[1]}", "{\"error\":{\"code\"",
		"\"error\""};
	struct error_answer answer;
	struct strbuf deep;

	(void)state;
	assert_true(error_answer_parse(graph, strlen(graph), &answer));
	assert_string_equal(answer.code, "InvalidAuthenticationToken");
	assert_string_equal(answer.message, "a b c");
	assert_string_equal(answer.request_id, "r");
	assert_string_equal(answer.correlation_id, "c");
	assert_int_equal(answer.numbers[0], 0);
	assert_true(error_answer_parse(login, strlen(login), &answer));
	assert_string_equal(answer.code, "invalid_client");
	assert_string_equal(answer.message, "AADSTS7000215: no. Trace");
	assert_string_equal(answer.suberror, "s");
	assert_int_equal(answer.numbers[0], 7000215);
	assert_int_equal(answer.numbers[1], 70002);
	assert_int_equal(answer.numbers[2], 0);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		assert_false(error_answer_parse(no[i], strlen(no[i]), &answer));
		assert_string_equal(answer.code, "");
	}
	strbuf_init(&deep, 1 << 20);
	for (int i = 0; i < 10000; i++)
		(void)strbuf_adds(&deep, "{\"error\":");
	assert_false(error_answer_parse(deep.p, deep.n, &answer));
	assert_false(error_answer_parse(deep.p, 60000, &answer));
	/* cut at a character */
	strbuf_reset(&deep);
	(void)strbuf_adds(&deep, "{\"error\":{\"message\":\"x");
	for (int i = 0; i < 1000; i++)
		(void)strbuf_adds(&deep, "\xc3\xbc");
	(void)strbuf_adds(&deep, "\"}}");
	assert_true(error_answer_parse(deep.p, deep.n, &answer));
	assert_int_equal(strlen(answer.message), sizeof(answer.message) - 1);
	assert_int_equal(
		(unsigned char)answer.message[sizeof(answer.message) - 2], 0xbc);
	strbuf_clear(&deep);
}

/* Every case of the samples is understood, or is no JSON at all. */
static void error_samples(void **state)
{
	static const char *const files[] = {"token-errors.json", "http-errors.json"};
	size_t understood = 0;

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		struct fjson_object *top, *cases = NULL;
		struct strbuf body;

		sample_read(files[f], &body);
		top = fjson_tokener_parse(body.p);
		assert_true(fjson_object_object_get_ex(top, "cases", &cases));
		for (int i = 0; i < fjson_object_array_length(cases); i++) {
			struct fjson_object *one = fjson_object_array_get_idx(cases, i),
					    *value;
			struct error_answer answer;
			const char *text;

			if (!fjson_object_object_get_ex(one, "body", &value))
				continue;
			text = fjson_object_to_json_string(value);
			if (!strstr(text, "\"error\""))
				continue;
			assert_true(error_answer_parse(text, strlen(text), &answer));
			assert_true(answer.message[0] || answer.code[0]);
			understood++;
		}
		fjson_object_put(top);
		strbuf_clear(&body);
	}
	assert_true(understood > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table),
		cmocka_unit_test(paths_are_given_once),
		cmocka_unit_test(first_urls),
		cmocka_unit_test(urls_of_all),
		cmocka_unit_test(error_answers),
		cmocka_unit_test(error_samples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
