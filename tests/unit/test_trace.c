/* test_trace.c - what formatters tell of a message: all of it, in its order, and nothing else changes. */
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

#include "alert/alert.h"
#include "cli/tale.h"
#include "format_help.h"
#include "formats/registry.h"
#include "tests/fuzz/random_alert.h"

#define ALERTS 3000

static struct tale tale;

static enum fmt_result write_told(
	const struct fmt_module *module, const struct fmt_alert *what, size_t maximum)
{
	tale.trace.begin(&tale.trace);
	free(check.body.p);
	free(check.structured_data.p);
	check.body = (struct fmt_out){.maximum = maximum, .grow = check_grow};
	check.structured_data = check.body;
	check.message = (struct fmt_message){.body = &check.body,
		.structured_data = &check.structured_data,
		.trace = &tale.trace};
	return module->format(check.module, what, &check.message);
}

static const struct fmt_told *find(enum fmt_fate fate, const char *key)
{
	for (size_t i = 0; i < tale.count; i++)
		if (tale.items[i].fate == fate && tale.items[i].key.n == strlen(key) &&
			!memcmp(tale.items[i].key.p, key, strlen(key)))
			return &tale.items[i];
	return NULL;
}

static size_t count(enum fmt_fate fate)
{
	size_t n = 0;

	for (size_t i = 0; i < tale.count; i++)
		n += tale.items[i].fate == fate;
	return n;
}

static void expect(enum fmt_fate fate, const char *key, const char *value)
{
	const struct fmt_told *told = find(fate, key);

	if (!told)
		fail_msg("nothing is told of %s", key);
	assert_int_equal(told->value.n, strlen(value));
	assert_memory_equal(told->value.p, value, told->value.n);
}

/* --- any alert, any maximum --- */

/* Each value that is told as written stands behind the one before it. */
static void check_order(const struct fmt_module *module)
{
	const char *at[2] = {check.body.p, check.structured_data.p};
	/* A format without structured data has no memory for them. */
	const char *end[2] = {check.body.p + check.body.n,
		at[1] ? at[1] + check.structured_data.n : NULL};

	for (size_t i = 0; i < tale.count; i++) {
		const struct fmt_told *told = &tale.items[i];
		int data = told->structured_data;
		char *found;

		if (told->fate != FMT_WRITTEN || !told->value.n)
			continue;
		found = memmem(at[data], (size_t)(end[data] - at[data]), told->value.p,
			told->value.n);
		if (!found)
			fail_msg("%s: of %.*s is told what is not there: %.*s\n%.*s",
				module->name, (int)told->key.n, told->key.p,
				(int)told->value.n, told->value.p, (int)check.body.n,
				check.body.p);
		at[data] = found + told->value.n;
	}
}

static void check_counts(const struct fmt_module *module)
{
	int pairs = module == &cef_module || module == &leef_module;

	if (pairs) {
		assert_int_equal(count(FMT_SHED), check.message.shed_fields);
		assert_int_equal(count(FMT_CUT), check.message.cut_texts);
	} else {
		assert_int_equal(count(FMT_SHED) > 0, check.message.shed_fields > 0);
		assert_int_equal(count(FMT_CUT) > 0, check.message.cut_texts > 0);
	}
	for (size_t i = 0; i < tale.count; i++) {
		const struct fmt_told *told = &tale.items[i];

		assert_true(told->key.n > 0);
		if (told->fate == FMT_SHED || told->fate == FMT_CUT)
			assert_non_null(told->why);
		if (told->fate == FMT_CUT)
			assert_true(told->from > 0 && told->to > 0);
	}
}

static void any_alert(const struct fmt_module *module)
{
	static const size_t maxima[] = {480, 1024, 2048, 8192, 65536, BIG};
	static struct random_alert random;
	unsigned char data[1600];
	uint64_t seed = 88172645463325252u;
	unsigned ok = 0;

	format_set_up(module);
	for (size_t i = 0; i < ALERTS; i++) {
		size_t maximum = maxima[i % 6], n;
		char *silent;

		for (size_t k = 0; k < sizeof(data); k += 8) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			memcpy(data + k, &seed, 8);
		}
		random_alert_build(&random, data, 60 + seed % (sizeof(data) - 60));
		check_format(&check, module, &random.alert, maximum);
		n = check.body.n;
		silent = malloc(n + 1);
		if (n)
			memcpy(silent, check.body.p, n);
		assert_int_equal(
			write_told(module, &random.alert, maximum), check.result);
		assert_int_equal(check.body.n, n);
		assert_memory_equal(check.body.p ? check.body.p : "", silent, n);
		free(silent);
		if (check.result != FMT_OK)
			continue;
		ok++;
		check_order(module);
		check_counts(module);
	}
	assert_true(ok > ALERTS / 2);
	format_tear_down(NULL);
}

static void any_alert_in_every_format(void **state)
{
	(void)state;
	for (size_t i = 0; i < format_count(); i++)
		any_alert(format_at(i));
}

/* --- by hand --- */

static void describe(void)
{
	struct fmt_evidence *device = piece(FMT_KIND_DEVICE);

	alert.title = str("A|title");
	alert.description = str("a=b");
	alert.provider_alert_id = str("p1");
	alert.threat_name = str("Bad");
	field(device, FMT_DEVICE_DNS_NAME, "host.example");
}

static void pairs_are_told(void **state)
{
	(void)state;
	format_set_up(&cef_module);
	describe();
	assert_int_equal(write_told(&cef_module, &alert, BIG), FMT_OK);
	expect(FMT_WRITTEN, "header: format", "CEF:0");
	expect(FMT_WRITTEN, "header: vendor", "Microsoft");
	expect(FMT_WRITTEN, "header: name", "A\\|title");
	expect(FMT_WRITTEN, "header: severity", "5");
	expect(FMT_WRITTEN, "cs1", "Bad");
	assert_memory_equal(find(FMT_WRITTEN, "cs1")->label.p, "threatName", 10);
	expect(FMT_WRITTEN, "msg", "a\\=b");
	assert_int_equal(count(FMT_SHED) + count(FMT_CUT) + count(FMT_DROPPED), 0);
	/* The least that is possible. */
	for (size_t maximum = 100; write_told(&cef_module, &alert, maximum) != FMT_OK;)
		maximum++;
	expect(FMT_SHED, "MicrosoftDefenderProviderAlertId", "p1");
	expect(FMT_SHED, "cs1", "Bad");
	assert_null(find(FMT_WRITTEN, "cs1"));
	format_tear_down(NULL);
}

static void a_cut_is_told(void **state)
{
	static char longer[5000];
	const struct fmt_told *cut;

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	format_set_up(&cef_module);
	alert.description = str(longer);
	assert_int_equal(write_told(&cef_module, &alert, BIG), FMT_OK);
	cut = find(FMT_CUT, "msg");
	assert_non_null(cut);
	assert_int_equal(cut->from, sizeof(longer) - 1);
	assert_int_equal(cut->to, 1023);
	assert_int_equal(find(FMT_WRITTEN, "msg")->value.n, 1023);
	assert_int_equal(write_told(&cef_module, &alert, 1024), FMT_OK);
	cut = find(FMT_CUT, "msg");
	assert_true(cut->to < 1023 && strstr(cut->why, "no room"));
	format_tear_down(NULL);
}

static void indices_are_those_of_both_texts(void **state)
{
	const struct fmt_told *told;

	(void)state;
	format_set_up(&json_module);
	for (size_t i = 0; i < 3; i++)
		field(piece(FMT_KIND_FILE), FMT_FILE_NAME, "n");
	alert.primary[FMT_KIND_FILE] = &pieces[2];
	assert_int_equal(write_told(&json_module, &alert, BIG), FMT_OK);
	assert_int_equal(find(FMT_WRITTEN, "alert.evidence[2].fileName")->shown.n, 0);
	for (size_t maximum = check.body.n - 1; maximum > 100; maximum--) {
		assert_int_equal(write_told(&json_module, &alert, maximum), FMT_OK);
		if (find(FMT_SHED, "alert.evidence[0]"))
			break;
	}
	told = find(FMT_WRITTEN, "alert.evidence[2].fileName");
	assert_non_null(told);
	assert_int_equal(told->shown.n, strlen("alert.evidence[0].fileName"));
	assert_memory_equal(told->shown.p, "alert.evidence[0].fileName", told->shown.n);
	expect(FMT_WRITTEN, "alert.evidenceOmitted", "2");
	format_tear_down(NULL);
}

static void what_is_deep_is_one_value(void **state)
{
	static char raw[2048];
	size_t n = 0, least = SIZE_MAX;

	(void)state;
	n += (size_t)snprintf(raw, sizeof(raw), "{\"id\":\"1\",\"a\":");
	for (int i = 0; i < 200; i++)
		raw[n++] = '[';
	raw[n++] = '7';
	for (int i = 0; i < 200; i++)
		raw[n++] = ']';
	raw[n++] = '}';
	format_set_up(&json_module);
	alert.raw = (struct fmt_str){raw, n};
	assert_int_equal(write_told(&json_module, &alert, BIG), FMT_OK);
	check_order(&json_module);
	for (size_t i = 0; i < tale.count; i++)
		if (memmem(tale.items[i].value.p, tale.items[i].value.n, "[7]", 3))
			least = tale.items[i].value.n;
	assert_true(least != SIZE_MAX && least > 200);
	format_tear_down(NULL);
}

/* --- who speaks for its kind --- */

static void the_reason_of_a_choice(void **state)
{
	(void)state;
	format_set_up(&cef_module);
	assert_null(alert_choice_reason(&alert, FMT_KIND_USER));
	field(piece(FMT_KIND_USER), FMT_VERDICT, "suspicious");
	alert_choose(&alert);
	assert_string_equal(alert_choice_reason(&alert, FMT_KIND_USER), "the only one");
	field(piece(FMT_KIND_USER), FMT_VERDICT, "suspicious");
	alert_choose(&alert);
	assert_string_equal(alert_choice_reason(&alert, FMT_KIND_USER),
		"the first of those that count for as much");
	field(piece(FMT_KIND_USER), FMT_VERDICT, "malicious");
	alert_choose(&alert);
	assert_string_equal(alert_choice_reason(&alert, FMT_KIND_USER),
		"its verdict counts for more");
	field(piece(FMT_KIND_USER), FMT_ROLE, "compromised");
	alert_choose(&alert);
	assert_ptr_equal(alert.primary[FMT_KIND_USER], &pieces[3]);
	assert_string_equal(
		alert_choice_reason(&alert, FMT_KIND_USER), "its role counts for more");
	no_pieces();
	piece(FMT_KIND_DEVICE);
	field(piece(FMT_KIND_DEVICE), FMT_DETAILED_ROLE, "Main device");
	alert_choose(&alert);
	assert_string_equal(alert_choice_reason(&alert, FMT_KIND_DEVICE),
		"its detailed role is that of the main device");
	format_tear_down(NULL);
}

static int begin(void **state)
{
	(void)state;
	tale_init(&tale);
	return 0;
}

static int end(void **state)
{
	(void)state;
	tale_clear(&tale);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_alert_in_every_format),
		cmocka_unit_test(pairs_are_told),
		cmocka_unit_test(a_cut_is_told),
		cmocka_unit_test(indices_are_those_of_both_texts),
		cmocka_unit_test(what_is_deep_is_one_value),
		cmocka_unit_test(the_reason_of_a_choice),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
