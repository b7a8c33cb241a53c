/* test_fields.c - field maps: the reader of paths, rules in each format, any rules and any values. */
#define _GNU_SOURCE
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <yajl/yajl_tree.h>

#include "alert/paths.h"
#include "base/strbuf.h"
#include "format_help.h"
#include "formats/registry.h"
#include "tests/fuzz/check_fields.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- paths --- */

static struct alert_paths *reader;

/* Each line of the table in a buffer of just its size, for the sanitizer. */
static struct fmt_added read_one(const char *path, const char *json)
{
	struct fmt_added value;
	size_t n = strlen(json);
	char *raw = malloc(n + !n);

	memcpy(raw, json, n);
	alert_paths_free(reader);
	reader = alert_paths_new(&path, 1);
	alert_paths_read(reader, (struct fmt_str){raw, n}, &value);
	free(raw);
	return value;
}

static void values_at_paths(void **state)
{
	static const struct {
		const char *path, *json, *want;
		enum fmt_value_type type;
	} table[] = {
		{"a", "{\"a\":\"x\"}", "x", FMT_VALUE_TEXT},
		{"a", "{\"b\":{\"a\":\"y\"},\"a\":\"x\"}", "x", FMT_VALUE_TEXT},
		{"a", "{\"a\":null,\"a\":\"\",\"a\":\"x\",\"a\":\"y\"}", "x",
			FMT_VALUE_TEXT},
		{"a", "{\"a\":-1.50e3}", "-1.50e3", FMT_VALUE_NUMBER},
		{"a", "{\"a\":false}", "false", FMT_VALUE_BOOL},
		{"a", "{\"a\":[1,true,null,\"\",\"x,y\"]}", "1,true,x,y",
			FMT_VALUE_TEXT},
		{"a", "{\"a\":[7]}", "7", FMT_VALUE_NUMBER},
		{"a", "{\"a\":[[1,2],3,[4]]}", "3", FMT_VALUE_NUMBER},
		{"a", "{\"a\":[],\"a\":[null],\"a\":{\"a\":1},\"a\":2}", "2",
			FMT_VALUE_NUMBER},
		{"a/b", "{\"a\":[{\"c\":1},{\"b\":\"\"},{\"b\":\"x\"},{\"b\":\"y\"}]}",
			"x", FMT_VALUE_TEXT},
		{"a/b", "{\"a\":{\"b\":[\"x\",\"y\"],\"c\":1},\"b\":2}", "x,y",
			FMT_VALUE_TEXT},
		{"a/b/c", "{\"a\":{\"b\":1},\"a\":[{\"b\":[{\"c\":\"x\"}]}]}", "x",
			FMT_VALUE_TEXT},
		{"a/b", "{\"a/b\":1,\"b\":2,\"a\":\"b\"}", "", FMT_VALUE_TEXT},
		{"@odata.type", "{\"@odata.type\":\"#x\"}", "#x", FMT_VALUE_TEXT},
		{"a", "{\"\\u0061\":\"\\u00e9\\n\"}", "\u00e9\n", FMT_VALUE_TEXT},
		{"a", "{\"a\":\"x\" broken", "x", FMT_VALUE_TEXT},
		{"a", "[{\"a\":1}]", "", FMT_VALUE_TEXT},
		{"a", "\"a\"", "", FMT_VALUE_TEXT},
		{"a", "}", "", FMT_VALUE_TEXT},
		{"a", "", "", FMT_VALUE_TEXT},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct fmt_added got = read_one(table[i].path, table[i].json);

		if (got.value.n != strlen(table[i].want) ||
			(got.value.n &&
				memcmp(got.value.p, table[i].want, got.value.n) != 0))
			fail_msg("%s of %s: got %.*s", table[i].path, table[i].json,
				(int)got.value.n, got.value.n ? got.value.p : "");
		if (got.value.n)
			assert_int_equal(got.type, table[i].type);
	}
}

static void many_paths_and_bounds(void **state)
{
	const char *paths[] = {"a", "a/b", "c", "c"};
	struct fmt_added values[4];
	struct strbuf deep;

	(void)state;
	alert_paths_free(reader);
	reader = alert_paths_new(paths, 4);
	alert_paths_read(reader, str("{\"a\":{\"b\":1},\"a\":2,\"c\":3}"), values);
	assert_memory_equal(values[0].value.p, "2", 1);
	assert_memory_equal(values[1].value.p, "1", 1);
	assert_memory_equal(values[2].value.p, "3", 1);
	assert_memory_equal(values[3].value.p, "3", 1);
	alert_paths_read(reader, str("{}"), values);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(values[i].value.n, 0);

	strbuf_init(&deep, 1000000);
	strbuf_adds(&deep, "{\"a\":\"");
	for (size_t i = 0; i < 2 * ALERT_PATH_VALUE; i++)
		strbuf_addc(&deep, 'x');
	strbuf_adds(&deep, "\",\"d\":");
	for (size_t i = 0; i < 2 * ALERT_PATHS_DEPTH; i++)
		strbuf_addc(&deep, '[');
	for (size_t i = 0; i < 2 * ALERT_PATHS_DEPTH; i++)
		strbuf_addc(&deep, ']');
	strbuf_adds(&deep, ",\"c\":3}");
	alert_paths_read(reader, (struct fmt_str){deep.p, deep.n}, values);
	assert_int_equal(values[0].value.n, ALERT_PATH_VALUE);
	assert_int_equal(values[2].value.n, 0);
	strbuf_clear(&deep);
	assert_true(alert_path_is_legal("a/b/c/d/e/f/g/h"));
	assert_false(alert_path_is_legal("a/b/c/d/e/f/g/h/i"));
	assert_false(alert_path_is_legal(""));
	assert_false(alert_path_is_legal("/a"));
	assert_false(alert_path_is_legal("a/"));
	assert_false(alert_path_is_legal("a//b"));
}

/* --- rules --- */

static struct fmt_added added[FMT_RULES_MAX];

static int setup(void **state)
{
	(void)state;
	format_set_up(&cef_module);
	memset(added, 0, sizeof(added));
	return 0;
}

static int teardown(void **state)
{
	alert_paths_free(reader);
	reader = NULL;
	return format_tear_down(state);
}

static void no_error(void *context, size_t rule, const char *text)
{
	(void)context;
	fail_msg("rule %zu: %s", rule, text);
}

/* The body of the alert, terminated. */
static const char *format_by(const struct fmt_module *module, size_t maximum,
	const struct fmt_rule *rules, size_t count)
{
	static struct check own;
	char error[200];

	if (own.module) {
		free(own.body.p);
		free(own.structured_data.p);
	}
	memset(&own, 0, sizeof(own));
	own.module = module->open(NULL, 0, error, sizeof(error));
	assert_non_null(own.module);
	assert_true(module->fields(own.module, rules, count, no_error, NULL));
	alert.added = added;
	alert.added_count = count;
	check_format(&own, module, &alert, maximum);
	module->close(own.module);
	assert_int_equal(own.result, FMT_OK);
	assert_true(check_grow(&own.body, own.body.n + 1));
	own.body.p[own.body.n] = '\0';
	check.message = own.message;
	return own.body.p;
}

static void expect_in(const char *text, const char *want)
{
	if (!strstr(text, want))
		fail_msg("%s\nis not in\n%s", want, text);
}

static void expect_not_in(const char *text, const char *what)
{
	if (strstr(text, what))
		fail_msg("%s\nis in\n%s", what, text);
}

static struct fmt_rule add(const char *key, const char *label, const char *value)
{
	return (struct fmt_rule){
		.kind = FMT_RULE_ADD, .key = key, .label = label, .value = value};
}

static struct fmt_rule renamed(const char *key, const char *to, const char *label)
{
	return (struct fmt_rule){
		.kind = FMT_RULE_RENAME, .key = key, .to = to, .label = label};
}

static struct fmt_rule drop(const char *key)
{
	return (struct fmt_rule){.kind = FMT_RULE_DROP, .key = key};
}

static const struct fmt_word some_words[] = {
	{"A TITLE", "b=\"c\""}, {"bad", "worse"}, {"new", "open"}, {"1", "one"}};

static struct fmt_rule words(const char *key)
{
	return (struct fmt_rule){.kind = FMT_RULE_WORDS,
		.key = key,
		.words = some_words,
		.word_count = COUNT(some_words)};
}

static void describe(void)
{
	struct fmt_evidence *e = piece(FMT_KIND_DEVICE);

	alert.title = str("A title");
	alert.description = str("A long story");
	alert.threat_name = str("Bad");
	field(e, FMT_DEVICE_DNS_NAME, "host.example");
	field(e, FMT_DEVICE_LAST_IP, "192.0.2.7");
	e = piece(FMT_KIND_REGISTRY);
	field(e, FMT_REGISTRY_KEY, "SOFTWARE\\Run");
	alert.raw =
		str("{\"id\":\"da63\",\"title\":\"A title\",\"evidence\":[{\"a.b\":1,"
		    "\"c\":2},{\"a.b\":3}],\"additionalData\":{}}");
}

static void rules_in_cef(void **state)
{
	const struct fmt_rule rules[] = {drop("cs6"), add("cs6", "ownerTeam", NULL),
		renamed("shost", "dhost", NULL), renamed("cs1", "cs3x", NULL),
		renamed("msg", "cs1", "story"), add("site", NULL, "a=b\\c|d"),
		add("cn3", "count", NULL), add("src", NULL, NULL), drop("src")};
	const char *text;

	(void)state;
	describe();
	added[1].value = str("  x\nforged=1 cs9=y  ");
	added[6].value = str("12345678901234567890"); /* too large: left out */
	added[7].value = str("::ffff:192.0.2.1");
	text = format_by(&cef_module, BIG, rules, COUNT(rules));
	expect_in(text, " cs6=x\\nforged\\=1 cs9\\=y cs6Label=ownerTeam");
	expect_not_in(text, "SOFTWARE");
	expect_not_in(text, "cn3");
	expect_not_in(text, " shost=");
	expect_in(text, " dhost=host.example ");
	expect_in(text, " cs3x=Bad ");
	expect_not_in(text, "threatName");
	expect_in(text, " cs1=A long story cs1Label=story");
	expect_in(text, " site=a\\=b\\\\c|d");
	expect_in(text, " src=192.0.2.1");
	assert_int_equal(check.message.shed_fields, 1);
	assert_int_equal(check.message.cut_texts, 0);
}

static void rules_in_leef(void **state)
{
	const struct fmt_rule rules[] = {add("policy", NULL, NULL), drop("identSrc"),
		add("usrName", NULL, NULL), renamed("threatName", "threat", NULL)};
	static char longer[300];
	const char *text;

	(void)state;
	memset(longer, 'u', sizeof(longer) - 1);
	describe();
	added[0].value = str("^x^y=z^");
	added[2].value = str(longer);
	text = format_by(&leef_module, BIG,
		(const struct fmt_rule[]){
			rules[0], rules[1], add("owner", NULL, NULL), rules[3]},
		4);
	expect_in(text, "^policy=x y=z^");
	expect_not_in(text, "^ident");
	expect_in(text, "^threat=Bad^");
	expect_in(text, "^owner=uuuu");
	assert_int_equal(check.message.shed_fields, 1); /* identHostName */
}

static void rules_in_json(void **state)
{
	const struct fmt_rule rules[] = {drop("alert.evidence.c"),
		renamed("alert.evidence.a.b", "alert.evidence.a.z", NULL),
		renamed("alert.title", "alert.id2", NULL),
		add("labels.team", NULL, NULL), add("labels.site", NULL, "\"x\\"),
		add("alert.additionalData.n", NULL, NULL), add("ok", NULL, NULL),
		add("alert.severity", NULL, NULL), add("alert.id.x", NULL, "no"),
		drop("customerName")};
	const struct fmt_module *modules[] = {&json_module, &rfc5424_json_module};

	(void)state;
	describe();
	alert.customer_name = str("Acme");
	added[3].value = str("a\",\"customer\":\"b");
	added[5] = (struct fmt_added){FMT_VALUE_NUMBER, str("1e5")};
	added[6] = (struct fmt_added){FMT_VALUE_BOOL, str("true")};
	for (size_t i = 0; i < 2; i++) {
		const char *text = format_by(modules[i], BIG, rules, COUNT(rules));

		expect_in(text, "\"alert\":{\"id\":\"da63\",\"id2\":\"A title\","
				"\"evidence\":[{\"a.z\":1},{\"a.z\":3}],"
				"\"additionalData\":{\"n\":1e5}},"
				"\"labels\":{\"team\":\"a\\\",\\\"customer\\\":\\\"b\","
				"\"site\":\"\\\"x\\\\\"},\"ok\":true}");
		expect_not_in(text, "customerName");
		assert_int_equal(check.message.shed_fields, 1); /* alert.id.x */
	}
}

/* What is there stays, however its name is spelled. */
static void clashes_in_json(void **state)
{
	const struct fmt_rule rules[] = {add("alert.team", NULL, "new"),
		renamed("alert.a", "alert.b", NULL), drop("alert.none")};
	const char *text;

	(void)state;
	alert.raw = str("{\"t\\u0065am\":\"old\",\"a\":1,\"b\":2,\"\\u0061\":3}");
	text = format_by(&json_module, BIG, rules, COUNT(rules));
	expect_in(text,
		"\"alert\":{\"t\\u0065am\":\"old\",\"a\":1,\"b\":2,\"\\u0061\":3}}");
	assert_int_equal(check.message.shed_fields, 2);
}

static void rules_in_documents(void **state)
{
	const struct fmt_rule rules[] = {add("labels.team", NULL, "blue"),
		drop("host.name"), renamed("device.hostname", "device.fqdn", NULL)};
	const char *text;

	(void)state;
	describe();
	text = format_by(&ecs_module, BIG, rules, COUNT(rules));
	expect_in(text, ",\"labels\":{\"team\":\"blue\"}}");
	expect_not_in(text, "\"name\":\"host.example\"");
	text = format_by(&ocsf_module, BIG, rules, COUNT(rules));
	expect_in(text, ",\"labels\":{\"team\":\"blue\"}}");
	expect_in(text, "\"fqdn\":\"host.example\"");
}

/* The whole value, without case; with a new name for its key too. */
static void words_in_pairs(void **state)
{
	const struct fmt_rule in_cef[] = {renamed("outcome", "AlertrelayStatus", NULL),
		words("outcome"), words("cs1"), words("msg"), words("shost")},
			      in_leef[] = {words("title"), words("threatName")};
	const char *text;

	(void)state;
	describe();
	alert.status = str("New");
	text = format_by(&cef_module, BIG, in_cef, COUNT(in_cef));
	expect_in(text, " AlertrelayStatus=open ");
	expect_in(text, " cs1=worse ");
	expect_in(text, " msg=A long story");
	expect_in(text, " shost=host.example ");
	text = format_by(&leef_module, BIG, in_leef, COUNT(in_leef));
	expect_in(text, "^threatName=worse^");
	expect_in(text, "=b=\"c\"^");
}

/* Texts only, in lists of them too. */
static void words_in_json(void **state)
{
	const struct fmt_rule rules[] = {words("alert.title"), words("alert.tags"),
		words("alert.n"), words("alert.evidence.v"),
		renamed("alert.title", "alert.name", NULL)};

	(void)state;
	alert.raw =
		str("{\"title\":\"a titl\\u0065\",\"n\":1,\"tags\":[\"x\",\"NEW\",1,"
		    "[\"new\"],{}],\"evidence\":[{\"v\":\"bad\"},{\"v\":\"bad \"},"
		    "{\"v\":{\"v\":\"bad\"}}]}");
	expect_in(format_by(&json_module, BIG, rules, COUNT(rules)),
		"\"alert\":{\"name\":\"b=\\\"c\\\"\",\"n\":1,\"tags\":[\"x\",\"open\","
		"1,"
		"[\"new\"],{}],\"evidence\":[{\"v\":\"worse\"},{\"v\":\"bad \"},"
		"{\"v\":{\"v\":\"bad\"}}]}");
}

/* What is added goes before what always stays, with a note. */
static void added_goes_when_it_must(void **state)
{
	const struct fmt_rule in_cef[] = {add("site", NULL, NULL)},
			      in_json[] = {add("site", NULL, NULL),
				      add("alert.site", NULL, NULL)};
	static char longer[3000];
	const char *text;

	(void)state;
	describe();
	memset(longer, 'x', sizeof(longer) - 1);
	added[0].value = added[1].value = str(longer);
	text = format_by(&cef_module, 1500, in_cef, 1);
	expect_not_in(text, "site=");
	expect_in(text, "AlertrelayOmitted=");
	text = format_by(&json_module, 1000, in_json, 2);
	expect_not_in(text, "site");
	expect_in(text, "\"fieldsOmitted\":3}}");
	text = format_by(&json_module, 4000, in_json, 2);
	expect_in(text, "\"site\":\"xx");
	expect_in(text, "\"fieldsOmitted\":2}}");
	text = format_by(&ecs_module, 2000, in_json, 1);
	expect_not_in(text, "site");
	expect_in(text, "\"fields_omitted\":");
	/* Cut to what a key of one's own holds, with the mark. */
	text = format_by(&cef_module, BIG, in_cef, 1);
	expect_in(text, "xxx...");
	assert_int_equal(check.message.cut_texts, 1);
}

static void any_rules_any_values(void **state)
{
	static unsigned char data[3000];
	size_t rounds = property_rounds();
	uint64_t seed = 88172645463325252u;
	unsigned taken = 0;

	(void)state;
	for (size_t i = 0; i < rounds; i++) {
		const char *error;

		for (size_t k = 0; k < sizeof(data); k += 8) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			memcpy(data + k, &seed, 8);
		}
		error = check_fields(data, 400 + seed % (sizeof(data) - 400), &taken);
		if (error)
			fail_msg("round %zu: %s", i, error);
	}
	assert_true(taken > rounds / 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(values_at_paths, setup, teardown),
		cmocka_unit_test_setup_teardown(many_paths_and_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(rules_in_cef, setup, teardown),
		cmocka_unit_test_setup_teardown(rules_in_leef, setup, teardown),
		cmocka_unit_test_setup_teardown(words_in_pairs, setup, teardown),
		cmocka_unit_test_setup_teardown(words_in_json, setup, teardown),
		cmocka_unit_test_setup_teardown(rules_in_json, setup, teardown),
		cmocka_unit_test_setup_teardown(clashes_in_json, setup, teardown),
		cmocka_unit_test_setup_teardown(rules_in_documents, setup, teardown),
		cmocka_unit_test_setup_teardown(
			added_goes_when_it_must, setup, teardown),
		cmocka_unit_test_setup_teardown(any_rules_any_values, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
