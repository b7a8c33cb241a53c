/* test_page_parser.c - pages in any pieces, every kind of broken page, the limits. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <malloc.h>

#include "parse_help.h"

static size_t memory(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

struct run {
	struct page_parser *parser;
	struct strbuf text; /* of all alerts */
	size_t alerts, stop_after;
	struct error err;
	enum rc rc;
};

static struct alert_map *map;

static int setup(void **state)
{
	(void)state;
	map = source_map_new(&source_graph_alerts, NULL);
	return map ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	alert_map_free(map);
	return 0;
}

static enum rc take(void *context, struct fmt_alert *alert)
{
	struct run *run = context;

	alert_write(&run->text, alert, true);
	return ++run->alerts == run->stop_after ? RC_AGAIN : RC_OK;
}

static void run_init(struct run *run, const struct page_limits *limits)
{
	memset(run, 0, sizeof(*run));
	strbuf_init(&run->text, 64 << 20);
	run->parser = page_parser_new(map, "value", limits);
}

static void run_clear(struct run *run)
{
	page_parser_free(run->parser);
	strbuf_clear(&run->text);
}

/* cut: 0 = one piece, n = pieces of n octets, SIZE_MAX = random pieces. Each piece is in memory of
 * its own that is gone afterwards, so that no borrowed string can outlive it unnoticed. */
static enum rc run_feed(
	struct run *run, enum page_mode mode, const char *p, size_t n, size_t cut)
{
	run->alerts = 0;
	run->err.text[0] = '\0';
	strbuf_reset(&run->text);
	page_parser_start(run->parser, mode, take, run);
	for (size_t at = 0, piece; at < n; at += piece) {
		char *copy;

		piece = !cut ? n : cut == SIZE_MAX ? (size_t)(rand() % 700) + 1 : cut;
		if (piece > n - at)
			piece = n - at;
		copy = malloc(piece);
		memcpy(copy, p + at, piece);
		run->rc = page_parser_feed(run->parser, copy, piece, &run->err);
		memset(copy, '#', piece);
		free(copy);
		if (run->rc != RC_OK)
			return run->rc;
	}
	return run->rc = page_parser_finish(run->parser, &run->err);
}

static void fails(
	enum page_mode mode, const char *json, enum rc rc, const char *sentence)
{
	struct run run;

	run_init(&run, NULL);
	for (size_t cut = 0; cut < 2; cut++) {
		assert_int_equal(run_feed(&run, mode, json, strlen(json), cut), rc);
		if (!strstr(run.err.text, sentence))
			fail_msg("\"%s\" for %s: \"%s\" expected", run.err.text, json,
				sentence);
		/* and again: the same error, until a new start */
		run.err.text[0] = '\0';
		assert_int_not_equal(
			page_parser_feed(run.parser, "{}", 2, &run.err), RC_OK);
		assert_true(run.err.text[0]);
	}
	run_clear(&run);
}

static size_t reads(enum page_mode mode, const char *json)
{
	struct run run;
	size_t alerts;

	run_init(&run, NULL);
	for (size_t cut = 0; cut < 3; cut++) {
		run_feed(&run, mode, json, strlen(json), cut);
		if (run.rc != RC_OK)
			fail_msg("%s: %s", json, run.err.text);
	}
	alerts = run.alerts;
	run_clear(&run);
	return alerts;
}

static const struct {
	const char *name;
	size_t alerts;
} samples[] = {
	{"graph-alerts_v2.json", 9},
	{"graph-alerts_v2-page1.json", 2},
	{"graph-alerts_v2-page2.json", 2},
	{"graph-alerts_v2-updated.json", 1},
	{"graph-alerts_v2-empty.json", 0},
	{"graph-incidents.json", 3},
};

static void pieces_do_not_matter(void **state)
{
	struct strbuf whole, body;
	struct run run;

	(void)state;
	run_init(&run, NULL);
	srand(7);
	for (size_t s = 0; s < sizeof(samples) / sizeof(samples[0]); s++) {
		sample_read(samples[s].name, &body);
		strbuf_init(&whole, 64 << 20);
		assert_int_equal(run_feed(&run, PAGE_ANSWER, body.p, body.n, 0), RC_OK);
		assert_int_equal(run.alerts, samples[s].alerts);
		(void)strbuf_add(&whole, run.text.p, run.text.n);
		for (int i = 0; i < 43; i++) {
			run_feed(&run, i % 2 ? PAGE_ANSWER : PAGE_FILE, body.p, body.n,
				i < 2	 ? 1
				: i == 2 ? 5000
					 : SIZE_MAX);
			assert_int_equal(run.rc, RC_OK);
			assert_string_equal(run.text.p, whole.p);
		}
		strbuf_clear(&whole);
		strbuf_clear(&body);
	}
	run_clear(&run);
}

static void next_links(void **state)
{
	struct strbuf body;
	struct run run;

	(void)state;
	run_init(&run, NULL);
	sample_read("graph-alerts_v2-page1.json", &body);
	assert_int_equal(run_feed(&run, PAGE_ANSWER, body.p, body.n, 3), RC_OK);
	assert_int_equal(
		strncmp(page_parser_next_link(run.parser),
			"https://graph.microsoft.com/v1.0/security/alerts_v2?", 52),
		0);
	strbuf_clear(&body);
	sample_read("graph-alerts_v2-page2.json", &body);
	assert_int_equal(run_feed(&run, PAGE_ANSWER, body.p, body.n, 0), RC_OK);
	assert_string_equal(page_parser_next_link(run.parser), "");
	strbuf_clear(&body);
#define LINK(json, link)                                                               \
	do {                                                                           \
		assert_int_equal(                                                      \
			run_feed(&run, PAGE_ANSWER, json, strlen(json), 0), RC_OK);    \
		assert_string_equal(page_parser_next_link(run.parser), link);          \
	} while (0)
	LINK("{\"@odata.nextLink\":\"https://a/b?c\\u003dd\",\"value\":[]}",
		"https://a/b?c=d");
	LINK("{\"value\":[],\"@odata.nextLink\":\"https://a/\"}", "https://a/");
	LINK("{\"value\":[],\"@odata.nextLink\":null}", "");
	LINK("{\"value\":[{\"@odata.nextLink\":\"https://evil/\"}]}", "");
	LINK("{\"x\":{\"@odata.nextLink\":\"https://evil/\"},\"value\":[]}", "");
	LINK("{\"@odata.nextLink\":\"a\",\"@odata.nextLink\":\"b\",\"value\":[]}", "b");
#undef LINK
	run_clear(&run);
	fails(PAGE_ANSWER, "{\"@odata.nextLink\":\"a\\u0000b\",\"value\":[]}", RC_PROTO,
		"NUL");
}

static void answers_accepted(void **state)
{
	(void)state;
	assert_int_equal(reads(PAGE_ANSWER, "{\"value\":[]}"), 0);
	assert_int_equal(reads(PAGE_ANSWER, "\xef\xbb\xbf{\"value\":[{}]}\r\n"), 1);
	assert_int_equal(
		reads(PAGE_ANSWER,
			" {\"a\":[1,{\"value\":[7]}],\"value\":[{},{}],\"b\":{}}"),
		2);
	assert_int_equal(
		reads(PAGE_ANSWER, "{\"value\":[{\"title\":\"\xff\xfe\xc3(\"}]}"), 1);
	assert_int_equal(reads(PAGE_ANSWER, "{\"value\":[{\"value\":[1,2]}]}"), 1);
}

static void answers_refused(void **state)
{
	(void)state;
	fails(PAGE_ANSWER, "", RC_PROTO, "the answer is empty");
	fails(PAGE_ANSWER, " \n ", RC_PROTO, "the answer is empty");
	fails(PAGE_ANSWER, "\xef\xbb\xbf", RC_PROTO, "the answer is empty");
	fails(PAGE_ANSWER, "\xef\xbb", RC_PROTO, "not JSON");
	fails(PAGE_ANSWER, "\xef{}", RC_PROTO, "not JSON");
	fails(PAGE_ANSWER, "\n <!DOCTYPE html><html>", RC_PROTO, "HTML");
	fails(PAGE_ANSWER, "Bad Gateway", RC_PROTO, "not JSON at octet");
	fails(PAGE_ANSWER, "{}", RC_PROTO, "no list \"value\"");
	fails(PAGE_ANSWER, "{\"error\":{\"code\":\"x\"}}", RC_PROTO,
		"no list \"value\"");
	fails(PAGE_ANSWER, "{\"value\":null}", RC_PROTO, "is null, not a list");
	fails(PAGE_ANSWER, "{\"value\":{}}", RC_PROTO, "is an object, not a list");
	fails(PAGE_ANSWER, "{\"value\":\"x\"}", RC_PROTO, "is a string, not a list");
	fails(PAGE_ANSWER, "{\"value\":[1]}", RC_PROTO,
		"a number where an alert is expected");
	fails(PAGE_ANSWER, "{\"value\":[{},null]}", RC_PROTO,
		"null where an alert is expected");
	fails(PAGE_ANSWER, "{\"value\":[[]]}", RC_PROTO,
		"a list where an alert is expected");
	fails(PAGE_ANSWER, "[]", RC_PROTO, "the answer is a list");
	fails(PAGE_ANSWER, "true", RC_PROTO, "the answer is a boolean");
	fails(PAGE_ANSWER, "12", RC_PROTO, "the answer is a number");
	fails(PAGE_ANSWER, "{\"value\":[]} x", RC_PROTO, "not JSON at octet");
	fails(PAGE_ANSWER, "{\"value\":[]}{\"value\":[]}", RC_PROTO,
		"trailing garbage");
	fails(PAGE_ANSWER, "{\"value\":[}", RC_PROTO, "not JSON at octet");
	fails(PAGE_ANSWER, "{\"value\":[{\"id\":\"a\nb\"}]}", RC_PROTO,
		"not JSON at octet");
	fails(PAGE_ANSWER, "{\"value\"", RC_PROTO,
		"middle of the object that holds the list");
	fails(PAGE_ANSWER, "{\"value\":[{\"id\":\"1\"},", RC_PROTO,
		"middle of the list, after 21 octets and 1 complete alerts");
	fails(PAGE_ANSWER, "{\"value\":[{\"id\":\"1", RC_PROTO,
		"middle of an alert, after 18");
	fails(PAGE_ANSWER, "tru", RC_PROTO, "middle of a value");
}

static void every_cut_of_a_page_is_an_error(void **state)
{
	struct strbuf body;
	struct run run;

	(void)state;
	run_init(&run, NULL);
	sample_read("graph-alerts_v2-page1.json", &body);
	while (body.n && body.p[body.n - 1] != '}')
		body.n--;
	for (size_t n = 0; n < body.n; n += 7) {
		assert_int_equal(run_feed(&run, PAGE_ANSWER, body.p, n, 0), RC_PROTO);
		assert_true(run.alerts <= 2);
	}
	strbuf_clear(&body);
	run_clear(&run);
}

static void files(void **state)
{
	struct strbuf body, more;
	struct run run;

	(void)state;
	assert_int_equal(reads(PAGE_ALERTS, ""), 0);
	assert_int_equal(reads(PAGE_ALERTS,
				 "{\"id\":\"1\"}\n{\"id\":\"2\"}\r\n\n{\"id\":\"3\"}"),
		3);
	assert_int_equal(reads(PAGE_ALERTS, "{\"id\":\"1\"}{\"value\":[{}]}"), 2);
	assert_int_equal(reads(PAGE_FILE, ""), 0);
	assert_int_equal(reads(PAGE_FILE, "{\"id\":\"1\"}\n{\"id\":\"2\"}\n"), 2);
	assert_int_equal(reads(PAGE_FILE, "[{\"id\":\"1\"},{}]\n[]\n[{}]"), 3);
	assert_int_equal(reads(PAGE_FILE, "{\"@odata.context\":\"x\",\"value\":[{},{}],"
					  "\"@odata.nextLink\":\"y\"}"
					  "{\"value\":[{}]} {\"title\":\"t\"} [{}]"),
		5);
	fails(PAGE_ALERTS, "[]", RC_PROTO, "a list where an alert is expected");
	fails(PAGE_ALERTS, "{} 7 ", RC_PROTO, "a number where an alert is expected");
	fails(PAGE_FILE, "{\"id\":\"1\"} nonsense", RC_PROTO, "the input is not JSON");
	fails(PAGE_FILE, "{\"error\":{}}", RC_PROTO, "neither an alert nor an answer");
	fails(PAGE_FILE, "{\"id\":\"1\"", RC_PROTO,
		"the input ends in the middle of an alert");

	run_init(&run, NULL);
	sample_read("graph-alerts_v2.json", &body);
	sample_read("graph-alerts_v2-page1.json", &more);
	(void)strbuf_add(&body, more.p, more.n);
	assert_int_equal(run_feed(&run, PAGE_FILE, body.p, body.n, 1000), RC_OK);
	assert_int_equal(run.alerts, 11);
	strbuf_clear(&body);
	strbuf_clear(&more);
	run_clear(&run);
}

static void a_bare_list_is_an_answer_without_key(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, NULL);
	page_parser_free(run.parser);
	run.parser = page_parser_new(map, NULL, NULL);
	assert_int_equal(run_feed(&run, PAGE_ANSWER, "[{},{}]", 7, 0), RC_OK);
	assert_int_equal(run.alerts, 2);
	assert_int_equal(run_feed(&run, PAGE_ANSWER, "{}", 2, 0), RC_PROTO);
	run_clear(&run);
}

static void the_reader_can_stop(void **state)
{
	static const char json[] = "{\"value\":[{},{},{}]}";
	struct run run;

	(void)state;
	run_init(&run, NULL);
	run.stop_after = 2;
	assert_int_equal(run_feed(&run, PAGE_ANSWER, json, strlen(json), 0), RC_AGAIN);
	assert_int_equal(run.alerts, 2);
	run_clear(&run);
}

static void alerts_come_as_soon_as_complete(void **state)
{
	struct run run;

	(void)state;
	run_init(&run, NULL);
	page_parser_start(run.parser, PAGE_ANSWER, take, &run);
	assert_int_equal(
		page_parser_feed(run.parser, "{\"value\":[{\"id\":\"a\"", 19, NULL),
		RC_OK);
	assert_int_equal(run.alerts, 0);
	assert_int_equal(page_parser_feed(run.parser, "}", 1, NULL), RC_OK);
	assert_int_equal(run.alerts, 1);
	/* left in the middle and begun anew */
	assert_int_equal(
		page_parser_feed(run.parser, ",{\"id\":\"b\"", 10, NULL), RC_OK);
	assert_int_equal(run_feed(&run, PAGE_ANSWER, "{\"value\":[{}]}", 14, 0), RC_OK);
	run_clear(&run);
}

/* Feeds head, then `count` times `unit`, until an error; returns the octets fed. */
static size_t flood(struct run *run, const char *head, const char *unit, size_t count)
{
	struct strbuf block;
	size_t fed = strlen(head), per = 30000 / strlen(unit);

	strbuf_init(&block, 1 << 20);
	for (size_t i = 0; i < per; i++)
		(void)strbuf_adds(&block, unit);
	page_parser_start(run->parser, PAGE_ANSWER, take, run);
	run->rc = page_parser_feed(run->parser, head, fed, &run->err);
	for (size_t i = 0; i < count && run->rc == RC_OK; i += per) {
		run->rc = page_parser_feed(run->parser, block.p, block.n, &run->err);
		fed += block.n;
	}
	strbuf_clear(&block);
	return fed;
}

static void floods_end_at_a_limit(void **state)
{
	static const struct {
		const char *head, *unit;
	} floods[] = {
		{"", "["},
		{"{\"value\":", "["},
		{"{\"a\":", "["},
		{"{\"a\":", "{\"a\":"},
		{"{\"value\":[{\"customDetails\":", "["},
		{"{\"value\":[{\"evidence\":", "["},
		{"{\"value\":[{", "\"trustedDomains\":[{"},
		{"{\"value\":[{\"title\":\"", "x"},
		{"{\"value\":[{\"title\":\"", "\\u0041"},
		{"{\"value\":[{\"id\":\"da1\",\"evidence\":[{\"a\":\"b\"}",
			",{\"verdict\":\"x\\n\"}"},
		{"{\"value\":[{\"mitreTechniques\":[1", ",\"\\t\""},
		{"{\"value\":[{\"comments\":[{}", ",{\"comment\":\"\\t\"}"},
		{"{\"value\":[{\"x\":[1", ",1"},
		{"{\"value\":[{\"title\":\"a\"", ",\"title\":\"\\t\""},
		{"{\"value\":[{\"title\":\"a\"",
			",\"evidence\":[{\"tags\":[\"\\t\"]}]"},
		{"{\"value\":[{\"title\":1", "1"},
		{"{\"value\":[{\"title\"", "          "},
		{"{\"x\":\"", "x"},
		{"{\"x\":\"", "\\n"},
		{"{\"", "x"},
		{"{\"x\":1", "1"},
		{"", " "},
		{"{\"@odata.nextLink\":\"", "x"},
	};
	struct run run;

	(void)state;
	run_init(&run, NULL);
	for (size_t i = 0; i < sizeof(floods) / sizeof(floods[0]); i++) {
		size_t before = memory(), used, fed;

		fed = flood(&run, floods[i].head, floods[i].unit, 100000000);
		used = memory() > before ? memory() - before : 0;
		if ((run.rc != RC_LIMIT && run.rc != RC_PROTO) || fed > 4 << 20)
			fail_msg("flood %zu: rc %d after %zu octets", i, (int)run.rc,
				fed);
		if (used > 16 << 20)
			fail_msg("flood %zu: %zu octets of memory", i, used);
		/* and the parser is as good as new */
		assert_int_equal(
			run_feed(&run, PAGE_ANSWER, "{\"value\":[{}]}", 14, 0), RC_OK);
	}
	run_clear(&run);
}

static void rest_is_small(void **state)
{
	struct run run;
	struct strbuf body;
	size_t before = memory(), used;

	(void)state;
	run_init(&run, NULL);
	flood(&run, "{\"value\":[{\"evidence\":[{\"a\":\"b\"}",
		",{\"verdict\":\"x\\n\"}", 100000);
	sample_read("graph-alerts_v2.json", &body);
	assert_int_equal(run_feed(&run, PAGE_ANSWER, body.p, body.n, 5000), RC_OK);
	strbuf_clear(&body);
	strbuf_clear(&run.text);
	used = memory() > before ? memory() - before : 0;
	if (used > 64 * 1024)
		fail_msg("%zu octets at rest", used);
	run_clear(&run);
}

static void limits_shed(void **state)
{
	struct page_limits limits = page_limits_default;
	struct page_parser_counts counts;
	struct strbuf json;
	struct run run;

	(void)state;
	limits.alert = (struct alert_limits){
		.evidence = 3, .fields = 5, .list_items = 4, .comments = 2};
	run_init(&run, &limits);
	strbuf_init(&json, 1 << 20);
	(void)strbuf_adds(&json, "{\"value\":[{\"id\":\"i\",\"mitreTechniques\":[1,2,3,"
				 "4,5,6],\"comments\":["
				 "{\"comment\":\"1\"},{\"comment\":\"2\"},{\"comment\":"
				 "\"3\"}],\"evidence\":[");
	for (int i = 0; i < 10; i++)
		(void)strbuf_addf(&json,
			"%s{\"verdict\":\"v%d\",\"tags\":[\"t\",\"u\"]}", i ? "," : "",
			i);
	(void)strbuf_adds(&json, "],\"title\":\"t\"}]}");
	assert_int_equal(run_feed(&run, PAGE_ANSWER, json.p, json.n, 0), RC_OK);
	assert_non_null(strstr(run.text.p, "title=t\n"));
	assert_non_null(
		strstr(run.text.p, "techniques=4\ncomment=1\ncomment=2\nevidence 0 "));
	assert_non_null(strstr(run.text.p, "\nevidence 2 kind 0  raw="));
	assert_null(strstr(run.text.p, "\nevidence 3"));
	assert_non_null(strstr(
		run.text.p, "{\"verdict\":\"v9\",\"tags\":[\"t\",\"u\"]}]")); /* raw */
	page_parser_counts(run.parser, &counts);
	assert_int_equal(counts.alerts, 1);
	assert_int_equal(counts.bytes, json.n);
	assert_int_equal(counts.shed, 2 + 1 + 4 + 7);
	strbuf_clear(&json);
	run_clear(&run);
}

static void a_long_alert_is_named(void **state)
{
	struct page_limits limits = page_limits_default;
	static const char json[] = "{\"value\":[{\"id\":\"da77\",\"title\":"
				   "\"0123456789012345678901234567890\"}]}";
	struct run run;

	(void)state;
	limits.alert_bytes = 40;
	run_init(&run, &limits);
	for (size_t cut = 0; cut < 20; cut++) {
		assert_int_equal(
			run_feed(&run, PAGE_ANSWER, json, strlen(json), cut), RC_LIMIT);
		assert_non_null(strstr(
			run.err.text, "the alert da77 is longer than 40 octets"));
		assert_int_equal(run.alerts, 0);
	}
	limits.alert_bytes = 200;
	run_clear(&run);
	run_init(&run, &limits);
	assert_int_equal(run_feed(&run, PAGE_ANSWER, json, strlen(json), 0), RC_OK);
	run_clear(&run);
}

/* ---- incidents ---- */

static struct alert_map *map_of(const char *name)
{
	struct alert_map *before = map;

	map = source_map_new(source_find(name), NULL);
	assert_non_null(map);
	return before;
}

static void map_back(struct alert_map *before)
{
	alert_map_free(map);
	map = before;
}

static void answers_of_all_sources(void **state)
{
	static const struct {
		const char *source, *name;
		size_t alerts;
	} files[] = {
		{"graph-incidents", "graph-incidents.json", 6},
		{"graph-incidents", "graph-incidents-noexpand.json", 3},
		{"mde-alerts", "mde-alerts.json", 3},
		{"mde-alerts", "mde-alerts-nextlink.json", 1},
		{"m365d-incidents", "m365d-incidents.json", 8},
		{"siem", "siem-alerts.json", 3},
		{"siem", "siem-alerts-empty.json", 0},
	};
	struct strbuf whole, body;
	struct run run;

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const struct source *source = source_find(files[i].source);
		struct alert_map *before = map_of(files[i].source);

		run_init(&run, NULL);
		page_parser_free(run.parser);
		run.parser = page_parser_new(map, source->list_key, NULL);
		sample_read(files[i].name, &body);
		strbuf_init(&whole, 64 << 20);
		assert_int_equal(run_feed(&run, PAGE_ANSWER, body.p, body.n, 0), RC_OK);
		assert_int_equal(run.alerts, files[i].alerts);
		(void)strbuf_add(&whole, run.text.p, run.text.n);
		for (int k = 0; k < 20; k++) {
			run_feed(&run, k % 2 ? PAGE_ANSWER : PAGE_FILE, body.p, body.n,
				k < 2	 ? 1
				: k == 2 ? 5000
					 : SIZE_MAX);
			assert_int_equal(run.rc, RC_OK);
			assert_string_equal(run.text.p, whole.p);
		}
		strbuf_clear(&whole);
		strbuf_clear(&body);
		run_clear(&run);
		map_back(before);
	}
}

/* The record of an incident is the same whether its alerts were asked for or not. */
static void an_incident_is_without_its_alerts(void **state)
{
#define ALERTS "[{\"id\":\"a\"},{\"title\":\"],}\"}]"
	static const char *const cases[][2] = {
		{"{\"alerts\":" ALERTS ",\"id\":\"7\"}", "{\"id\":\"7\"}"},
		{"{\"id\":\"7\",\"alerts\":" ALERTS "}", "{\"id\":\"7\"}"},
		{"{\"id\":\"7\" ,\n\"alerts\" :\t" ALERTS "\r, \"x\":1}",
			"{\"id\":\"7\" \r, \"x\":1}"},
		{"{ \"\\u0061lerts\":" ALERTS "\n,\"id\":7}", "{\"id\":7}"},
		{"{\"id\":\"7\",\"x\":\"\\\"\",\"alert\\u0073\":" ALERTS " }",
			"{\"id\":\"7\",\"x\":\"\\\"\" }"},
	};
	struct alert_map *before = map_of("graph-incidents");
	struct run run;
	char raw[100];

	(void)state;
	run_init(&run, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(raw, sizeof(raw), "raw=%s\n", cases[i][1]);
		for (size_t cut = 0; cut < 30; cut++) {
			assert_int_equal(run_feed(&run, PAGE_ALERTS, cases[i][0],
						 strlen(cases[i][0]), cut),
				RC_OK);
			assert_int_equal(run.alerts, 3);
			if (!strstr(run.text.p, raw))
				fail_msg("%s expected in %s", raw, run.text.p);
			assert_non_null(strstr(run.text.p,
				"kind=incident\nid=incident:7\nincident_id=7\n"));
			assert_non_null(strstr(
				run.text.p, "kind=alert\nid=a\nincident_id=7\n"));
			assert_non_null(strstr(run.text.p, "kind=alert\nid=noid-"));
		}
	}
	run_clear(&run);
	map_back(before);
}

static void alerts_of_incidents(void **state)
{
	static const char two[] = "{\"id\":1,\"alerts\":[{},{}]}";
	static const struct {
		const char *json;
		size_t alerts; /* SIZE_MAX: refused */
		const char *text; /* in the alerts, or in the sentence */
	} cases[] = {
		{"{\"value\":[{\"id\":\"1\",\"alerts\":null}]}", 1,
			"raw={\"id\":\"1\",\"alerts\":null}"},
		{"{\"value\":[{\"id\":\"1\",\"alerts\":[]}]}", 1, "raw={\"id\":\"1\"}"},
		{"{\"value\":[{\"alerts\":[]}]}", 1, "id=incident:noid-"},
		{"{\"value\":[{\"alerts\":[{\"id\":\"a\"}],\"id\":7,\"incidentWebUrl\":"
		 "\"u\",\"tenantId\":\"t\"}]}",
			2, "tenant_id=t\nid=a\nincident_id=7\nincident_url=u\n"},
		{"{\"value\":[{\"id\":\"1\",\"alerts\":[{\"id\":\"a\",\"incidentId\":"
		 "\"2\"}]}]}",
			2, "id=a\nincident_id=2\n"},
		{"{\"value\":[{\"id\":\"1\",\"comments\":[{\"alerts\":[{}]}],\"x\":{"
		 "\"alerts\":7}}]}",
			1, "id=incident:1"},
		{"{\"value\":[{\"id\":\"1\",\"alerts\":[{\"id\":\"a\",\"alerts\":[{"
		 "\"id\":\"b\"}]}]}]}",
			2, "raw={\"id\":\"a\",\"alerts\":[{\"id\":\"b\"}]}"},
		{"{\"value\":[{\"id\":\"1\",\"alerts\":{}}]}", SIZE_MAX,
			"the alerts of incident:1, which end at octet"},
		{"{\"value\":[{\"id\":\"1\",\"alerts\":\"\"}]}", SIZE_MAX,
			"the answer is a string, not a JSON list"},
		{"{\"value\":[{\"id\":\"1\",\"alerts\":[{},7]}]}", SIZE_MAX,
			"a number where an alert is expected"},
		{"{\"value\":[{\"id\":\"a b\",\"alerts\":[null]}]}", SIZE_MAX,
			"the alerts of an incident, which"},
	};
	struct alert_map *before = map_of("graph-incidents");
	struct page_parser_counts counts;
	struct run run;

	(void)state;
	run_init(&run, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *json = cases[i].json;

		for (size_t cut = 0; cut < 3; cut++) {
			run_feed(&run, PAGE_ANSWER, json, strlen(json), cut);
			if (cases[i].alerts == SIZE_MAX) {
				assert_int_equal(run.rc, RC_PROTO);
				if (!strstr(run.err.text, cases[i].text))
					fail_msg("%s: %s", json, run.err.text);
				continue;
			}
			assert_int_equal(run.rc, RC_OK);
			assert_int_equal(run.alerts, cases[i].alerts);
			if (!strstr(run.text.p, cases[i].text))
				fail_msg("%s in %s", cases[i].text, run.text.p);
		}
	}
	run.stop_after = 2;
	assert_int_equal(run_feed(&run, PAGE_ALERTS, two, strlen(two), 0), RC_AGAIN);
	assert_int_equal(run.alerts, 2);
	run_clear(&run);
	run_init(&run, NULL);
	assert_int_equal(run_feed(&run, PAGE_ALERTS, two, strlen(two), 1), RC_OK);
	page_parser_counts(run.parser, &counts);
	assert_int_equal(counts.alerts, 3);
	run_clear(&run);
	map_back(before);
}

static void limits_of_incidents(void **state)
{
	struct page_limits limits = page_limits_default;
	struct alert_map *before = map_of("graph-incidents");
	struct page_parser_counts counts;
	struct strbuf json;
	struct run run;

	(void)state;
	limits.alert_bytes = 200;
	limits.record_bytes = 3000;
	limits.alert.evidence = 2;
	strbuf_init(&json, 1 << 20);
	(void)strbuf_adds(&json, "{\"id\":\"77\",\"alerts\":[{}");
	for (int i = 0; i < 20; i++)
		(void)strbuf_addf(&json,
			",{\"id\":\"a%d\",\"evidence\":[{\"verdict\":1},"
			"{\"verdict\":2},{\"verdict\":3}]}",
			i);
	(void)strbuf_adds(&json, "]}");
	run_init(&run, &limits);
	for (size_t cut = 0; cut < 5; cut++) {
		assert_int_equal(
			run_feed(&run, PAGE_ALERTS, json.p, json.n, cut), RC_OK);
		assert_int_equal(run.alerts, 22);
	}
	page_parser_counts(run.parser, &counts);
	assert_int_equal(counts.shed, 5 * 20);
	run_clear(&run);
	limits.record_bytes = 1000;
	run_init(&run, &limits);
	assert_int_equal(run_feed(&run, PAGE_ALERTS, json.p, json.n, 50), RC_LIMIT);
	assert_non_null(
		strstr(run.err.text, "the incident 77 is longer than 1000 octets"));
	assert_int_equal(run.alerts, 0);
	run_clear(&run);
	/* an alert of it, and the incident's own part */
	limits.record_bytes = 3000;
	limits.alert_bytes = 60;
	run_init(&run, &limits);
	assert_int_equal(run_feed(&run, PAGE_ALERTS, json.p, json.n, 0), RC_LIMIT);
	assert_non_null(strstr(run.err.text, "the alert a0 is longer than 60 octets"));
	strbuf_reset(&json);
	(void)strbuf_addf(
		&json, "{\"id\":\"77\",\"alerts\":[{}],\"x\":\"%0*d\"}", 60, 0);
	assert_int_equal(run_feed(&run, PAGE_ALERTS, json.p, json.n, 0), RC_LIMIT);
	run_clear(&run);
	strbuf_clear(&json);
	map_back(before);
}

static void incident_floods_end_at_a_limit(void **state)
{
	static const char *const floods[][2] = {
		{"{\"value\":[{\"alerts\":[{}", ",{}"},
		{"{\"value\":[{\"alerts\":[{\"title\":\"", "\\n"},
		{"{\"value\":[{\"alerts\":", "["},
		{"{\"value\":[{\"title\":\"", "\\n"},
		{"{\"value\":[{\"alerts\":[]", ",\"alerts\":[]"},
	};
	struct alert_map *before = map_of("graph-incidents");
	struct run run;

	(void)state;
	run_init(&run, NULL);
	for (size_t i = 0; i < sizeof(floods) / sizeof(floods[0]); i++) {
		size_t start = memory(), used, fed;

		fed = flood(&run, floods[i][0], floods[i][1], 100000000);
		used = memory() > start ? memory() - start : 0;
		assert_int_equal(run.rc, RC_LIMIT);
		if (fed > 18 << 20 || used > 40 << 20)
			fail_msg("flood %zu: %zu octets, %zu of memory", i, fed, used);
	}
	run_clear(&run);
	map_back(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_do_not_matter),
		cmocka_unit_test(next_links),
		cmocka_unit_test(answers_accepted),
		cmocka_unit_test(answers_refused),
		cmocka_unit_test(every_cut_of_a_page_is_an_error),
		cmocka_unit_test(files),
		cmocka_unit_test(a_bare_list_is_an_answer_without_key),
		cmocka_unit_test(the_reader_can_stop),
		cmocka_unit_test(alerts_come_as_soon_as_complete),
		cmocka_unit_test(floods_end_at_a_limit),
		cmocka_unit_test(rest_is_small),
		cmocka_unit_test(limits_shed),
		cmocka_unit_test(a_long_alert_is_named),
		cmocka_unit_test(answers_of_all_sources),
		cmocka_unit_test(an_incident_is_without_its_alerts),
		cmocka_unit_test(alerts_of_incidents),
		cmocka_unit_test(limits_of_incidents),
		cmocka_unit_test(incident_floods_end_at_a_limit),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
