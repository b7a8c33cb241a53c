/* test_json.c - copying, building and fitting JSON; structured data. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <yajl/yajl_tree.h>

#include "format_help.h"
#include "formats/json_text.h"
#include "formats/registry.h"

#define S(literal) ((struct fmt_str){literal, sizeof(literal) - 1})

static yajl_val tree;

static int setup(void **state)
{
	(void)state;
	format_set_up(&rfc5424_json_module);
	alert.customer_name = S("Acme \"Inc\" [\\]");
	alert.tenant_id = S("b3c1b5fc");
	alert.id = S("da63");
	alert.raw = S(
		"{\n  \"id\" : \"da63\",\t\"n\": 12345678901234567890, \"a\":[ ]\r\n}");
	return 0;
}

static int teardown(void **state)
{
	yajl_tree_free(tree);
	tree = NULL;
	return format_tear_down(state);
}

static void format_within(size_t maximum)
{
	char text[200];

	format_checked(maximum, check_json);
	yajl_tree_free(tree);
	tree = NULL;
	if (check.result == FMT_OK) {
		assert_true(check_grow(&check.body, check.body.n + 1));
		check.body.p[check.body.n] = 0;
		tree = yajl_tree_parse(check.body.p, text, sizeof(text));
		assert_non_null(tree);
	}
}

static yajl_val member(const char *name, yajl_type type)
{
	const char *path[] = {"alert", name, NULL};

	return yajl_tree_get(tree, path, type);
}

static int has_text(const struct fmt_out *out, const char *text)
{
	return memmem(out->p, out->n, text, strlen(text)) != NULL;
}

static void expect_body(const char *want)
{
	assert_int_equal(check.body.n, strlen(want));
	assert_memory_equal(check.body.p, want, strlen(want));
}

static void test_golden(void **state)
{
	static const char sd[] =
		"[alertrelay@32473 customer=\"acme\" customerName=\"Acme \\\"Inc\\\" "
		"[\\\\\\]\" "
		"tenantId=\"b3c1b5fc\" alertId=\"da63\" version=\"00112233445566aa\" "
		"incidentId=\"28282\" severity=\"medium\"]";
	static const char body[] =
		"{\"relay\":\"alertrelay\",\"customer\":\"acme\","
		"\"customerName\":\"Acme \\\"Inc\\\" "
		"[\\\\]\",\"tenantId\":\"b3c1b5fc\","
		"\"source\":\"graph-alerts\",\"alertId\":\"da63\","
		"\"version\":\"00112233445566aa\","
		"\"alert\":{\"id\":\"da63\",\"n\":12345678901234567890,\"a\":[]}}";

	(void)state;
	format_within(BIG);
	expect_body(body);
	assert_int_equal(check.structured_data.n, sizeof(sd) - 1);
	assert_memory_equal(check.structured_data.p, sd, sizeof(sd) - 1);
	format_within(sizeof(body) - 1);
	expect_body(body);
	assert_int_equal(check.message.shed_fields, 0);
}

/* A copy of just this size, for the sanitizer. */
static int copied(int (*how)(struct fmt_out *out, struct fmt_str raw),
	struct fmt_str in, struct fmt_out *out)
{
	char *text = malloc(in.n + 1);
	int done;

	memcpy(text, in.p, in.n);
	done = how(out, (struct fmt_str){text, in.n});
	free(text);
	return done;
}

static void test_copy(void **state)
{
	static const struct {
		struct fmt_str in;
		const char *compact, *line; /* line NULL: the same */
	} table[] = {
		{S(" [ 1 , -0.5e+10 , true , null , \" a b \" ] "),
			"[1,-0.5e+10,true,null,\" a b \"]", NULL},
		{S("{\"a\":1, \"b\":\" c\"}"), "{\"a\":1,\"b\":\" c\"}",
			"{\"a\":1, \"b\":\" c\"}"},
		{S("{ \"a\" :\n\t{ \"b\" : \" \\n x\" ,\r\n\"c\" : \"\" } }\n"),
			"{\"a\":{\"b\":\" \\n x\",\"c\":\"\"}}", NULL},
		{S("{\"a\":{\"b\":[{}]},\"c\":\"\"}"),
			"{\"a\":{\"b\":[{}]},\"c\":\"\"}", NULL},
		{S("{\"a\":1,\v\f\"b\":2}"), "{\"a\":1,\"b\":2}", NULL},
		{S("[1.10,9007199254740993,1E400]"), "[1.10,9007199254740993,1E400]",
			NULL},
		{S("\"\\ud83d\\ude00 \\uD800 \\udc00x\\ud800\\ud83d\\ude00\""),
			"\"\\ud83d\\ude00 \\ufffd \\ufffdx\\ufffd\\ud83d\\ude00\"",
			NULL},
		{S("\"\\\\ud800\\\\\""), "\"\\\\ud800\\\\\"", NULL},
		{S("\"\\u0000\\u0085\\/\\b\\\"\""), "\"\\ufffd\\u0085\\/\\b\\\"\"",
			NULL},
		{S("\"c\x7F\""), "\"c\\u007f\"", NULL},
		{S("\"\xC2\x85\xE2\x80\xA8\xE2\x80\xA9\xC3\xA9\""),
			"\"\\u0085\\u2028\\u2029\xC3\xA9\"", NULL},
		{S("\"\xFF\xED\xA0\x80\""),
			"\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *line = table[i].line ? table[i].line : table[i].compact;
		struct fmt_out out = {.maximum = BIG, .grow = check_grow};

		assert_true(copied(json_compact, table[i].in, &out));
		assert_int_equal(out.n, strlen(table[i].compact));
		assert_memory_equal(out.p, table[i].compact, out.n);
		assert_ptr_equal(json_skip(out.p, out.p + out.n), out.p + out.n);
		out.n = 0;
		assert_true(copied(json_copy, table[i].in, &out));
		assert_int_equal(out.n, strlen(line));
		assert_memory_equal(out.p, line, out.n);
		free(out.p);
	}
}

/* Nobody hands these over; they must not be read past their end. */
static void test_copy_of_no_json(void **state)
{
	static const struct fmt_str table[] = {S("{"), S("\""), S("\"\\"), S("\"\\u"),
		S("\"\\u12"), S("\"\\ud800"), S("\"\\ud800\\u"), S("\"\\ud800\\udc0"),
		S("\"\xE2\x80"), S("\"\xF0"), S("\n"), S("\n\""), S("a\0\n\"b\0"),
		S("\"\\u\x10\x11\x12\x13\"")};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct fmt_out out = {.maximum = BIG, .grow = check_grow};

		assert_true(copied(json_compact, table[i], &out));
		assert_true(copied(json_copy, table[i], &out));
		assert_null(memchr(out.p, '\n', out.n));
		free(out.p);
	}
}

/* Text that grows far more than its first guess of room. */
static void test_growth(void **state)
{
	static char text[20002];
	struct fmt_out out = {.maximum = BIG, .grow = check_grow};

	(void)state;
	assert_false(json_copy(&out, S("")));
	memset(text, 0x7F, sizeof(text));
	text[0] = text[sizeof(text) - 1] = '"';
	assert_true(json_copy(&out, (struct fmt_str){text, sizeof(text)}));
	assert_int_equal(out.n, 6 * 20000 + 2);
	out.n = 0;
	out.maximum = 100000;
	assert_false(json_copy(&out, (struct fmt_str){text, sizeof(text)}));
	assert_int_equal(out.n, 0);
	free(out.p);
}

static void test_build(void **state)
{
	static const struct fmt_comment comment = {
		{"fine", 4}, {"me", 2}, INT64_C(17723604301234567)};
	struct fmt_str techniques[] = {S("T1059"), S("T1027")};
	struct fmt_evidence *file;

	(void)state;
	alert.raw = S("");
	alert.title = S("a\"b");
	alert.created = INT64_C(17723604301231234);
	alert.mitre_techniques = (struct fmt_list){techniques, 2};
	alert.comments = &comment;
	alert.comment_count = 1;
	alert.investigation_id = S("1");
	alert.external_id = S("2");
	alert.indicator_id = S("3");
	alert.summary = S("4");
	alert.resolving_comment = S("5");
	alert.last_modified_by = S("6");
	alert.priority_score = S("7");
	alert.custom_details = S("{ \"k\" : [1] }");
	alert.additional_data = S("null");
	piece(FMT_KIND_OTHER)->raw = S("{ \"x\" : 1 }");
	file = piece(FMT_KIND_FILE);
	file->type = S("fileEvidence");
	file->created = FMT_NO_TIME;
	field(file, FMT_TAG, "one");
	field(file, FMT_FILE_NAME, "f.exe");
	field(file, FMT_TAG, "two");
	field(file, FMT_FIELD_IDS + 7, "no such field");
	format_within(BIG);
	assert_true(has_text(&check.body,
		"\"alert\":{\"id\":\"da63\",\"incidentId\":\"28282\",\"severity\":"
		"\"medium\","
		"\"tenantId\":\"b3c1b5fc\",\"title\":\"a\\\"b\","
		"\"investigationId\":\"1\",\"externalId\":\"2\",\"iocUniqueId\":\"3\","
		"\"summary\":\"4\",\"resolvingComment\":\"5\","
		"\"lastModifiedBy\":\"6\",\"priorityScore\":\"7\","
		"\"mitreTechniques\":[\"T1059\",\"T1027\"],"
		"\"createdDateTime\":\"2026-03-01T10:20:30.1231234Z\","
		"\"comments\":[{\"comment\":\"fine\",\"createdByDisplayName\":\"me\","
		"\"createdDateTime\":\"2026-03-01T10:20:30.1234567Z\"}],"
		"\"customDetails\":{\"k\":[1]},\"additionalData\":null,"
		"\"evidence\":[{\"x\":1},{\"type\":\"fileEvidence\",\"tag\":[\"one\","
		"\"two\"],"
		"\"fileName\":\"f.exe\"}]}}"));
	assert_non_null(member("mitreTechniques", yajl_t_array));
}

static const char big_alert[] =
	"{\"id\":\"da63\",\"incidentId\":\"28282\",\"title\":\"T\",\"evidenceOmitted\":"
	"7,"
	"\"description\":"
	"\"0123456789012345678901234567890123456789012345678901234567890123456789"
	"012345678901234567890123456789\\ud83d\\ude00\\\\\\n\xE8\xAB\x8B\xE6\xB1\x82"
	"0123456789012345678901234567890123456789\","
	"\"recommendedActions\":"
	"\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	"aaaaaaaaaa\","
	"\"evidence\":[{\"e\":0},{\"e\":1},{\"e\":2},{\"e\":3}],"
	"\"additionalData\":{\"k\":\"vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv\"},"
	"\"customDetails\":{\"c\":\"wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww\"},"
	"\"alertWebUrl\":\"https://security.microsoft.com/alerts/da63?tid=0000\","
	"\"incidentWebUrl\":\"https://security.microsoft.com/incidents/1?tid=0000\","
	"\"somethingNew\":{\"deep\":[1,2,3]},\"comments\":[{\"comment\":\"c\"}]}";

/* From the whole to nothing: each size gives valid JSON that keeps ids and links, and things go in
 * their order. */
static void test_oversize(void **state)
{
	size_t whole, smallest = 0;
	int last_rung = 0;

	(void)state;
	alert.raw = (struct fmt_str){big_alert, sizeof(big_alert) - 1};
	alert.evidence_count = 4;
	alert.primary[FMT_KIND_FILE] = &pieces[1];
	alert.source_ip = &pieces[2];
	format_within(BIG);
	whole = check.body.n;
	assert_int_equal(check.message.shed_fields, 0);
	for (size_t size = whole - 1; size > 0; size--) {
		yajl_val evidence, omitted, text;
		size_t kept;
		int rung;

		format_within(size);
		if (check.result == FMT_TOO_SMALL) {
			assert_int_equal(check.body.n, 0);
			assert_int_equal(check.structured_data.n, 0);
			smallest = size;
			break;
		}
		assert_non_null(member("id", yajl_t_string));
		assert_non_null(member("incidentId", yajl_t_string));
		assert_non_null(member("alertWebUrl", yajl_t_string));
		assert_non_null(member("incidentWebUrl", yajl_t_string));
		assert_true(check.message.shed_fields > 0);
		evidence = member("evidence", yajl_t_array);
		kept = evidence ? YAJL_GET_ARRAY(evidence)->len : 0;
		omitted = member("evidenceOmitted", yajl_t_number);
		assert_non_null(omitted);
		assert_int_equal(YAJL_GET_INTEGER(omitted), 4 - kept);
		/* The primary pieces, 1 and 2, stay longest. */
		if (kept == 2)
			assert_true(has_text(
				&check.body, "\"evidence\":[{\"e\":1},{\"e\":2}]"));
		if (kept == 1)
			assert_true(has_text(&check.body, "\"evidence\":[{\"e\":1}]"));
		text = member("description", yajl_t_string);
		rung = kept					 ? 1
		       : member("additionalData", yajl_t_object) ? 2
		       : member("customDetails", yajl_t_object)	 ? 3
		       : text && strlen(text->u.string) > 150	 ? 4
		       : member("comments", yajl_t_array)	 ? 5
		       : member("somethingNew", yajl_t_object)	 ? 6
								 : 7;
		assert_true(rung >= last_rung);
		last_rung = rung;
		if (text && check.message.cut_texts > 1)
			assert_string_equal(
				text->u.string + strlen(text->u.string) - 3, "...");
	}
	assert_int_equal(last_rung, 7);
	assert_true(smallest > 0);
}

static void test_options(void **state)
{
	static const struct fmt_option good = {"enterprise_id", "4294967295"};
	static const struct fmt_option bad[] = {{"enterprise_id", ""},
		{"enterprise_id", "0"}, {"enterprise_id", "12x"},
		{"enterprise_id", "12345678901"}, {"enterprise_id", "]"},
		{"colour", "red"}};
	char error[200];

	(void)state;
	open_with(&good, 1);
	format_within(BIG);
	assert_memory_equal(check.structured_data.p, "[alertrelay@4294967295 ", 23);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		error[0] = 0;
		assert_null(rfc5424_json_module.open(&bad[i], 1, error, sizeof(error)));
		assert_non_null(strstr(error, bad[i].name));
	}
}

static void test_structured_data(void **state)
{
	(void)state;
	/* No room for the names of people, then none at all: the body goes alone. */
	check_format(&check, &rfc5424_json_module, &alert, BIG);
	check.structured_data.n = check.body.n = 0;
	check.structured_data.maximum = 110;
	check.message.shed_fields = 0;
	rfc5424_json_module.format(check.module, &alert, &check.message);
	assert_false(has_text(&check.structured_data, "customerName"));
	assert_int_equal(check.message.shed_fields, 1);
	check.structured_data.n = check.body.n = 0;
	check.structured_data.maximum = 20;
	assert_int_equal(
		rfc5424_json_module.format(check.module, &alert, &check.message),
		FMT_OK);
	assert_int_equal(check.structured_data.n, 0);
	check.body.n = 0;
	check.message.structured_data = NULL;
	assert_int_equal(
		rfc5424_json_module.format(check.module, &alert, &check.message),
		FMT_OK);
}

static void test_property(void **state)
{
	(void)state;
	format_property(check_json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_copy_of_no_json),
		cmocka_unit_test(test_growth),
		cmocka_unit_test_setup_teardown(test_golden, setup, teardown),
		cmocka_unit_test_setup_teardown(test_build, setup, teardown),
		cmocka_unit_test_setup_teardown(test_oversize, setup, teardown),
		cmocka_unit_test_setup_teardown(test_options, setup, teardown),
		cmocka_unit_test_setup_teardown(test_structured_data, setup, teardown),
		cmocka_unit_test_setup_teardown(test_property, setup, teardown),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
