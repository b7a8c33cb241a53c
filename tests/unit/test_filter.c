/* test_filter.c - which alerts a feed wants, and what of that the API is asked to apply. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h> /* wants those above */

#include <string.h>

#include "relay/filter.h"

#define TEXT(s)                                                                        \
	{                                                                              \
		s, sizeof(s) - 1                                                       \
	}
#define LIST(...)                                                                      \
	(struct config_list)                                                           \
	{                                                                              \
		(const char *const[]){__VA_ARGS__},                                    \
			sizeof((const char *const[]){__VA_ARGS__}) /                   \
				sizeof(const char *)                                   \
	}

static const struct fmt_str categories[] = {TEXT("Execution"), TEXT("LateralMovement")};
static const struct fmt_field device_fields[] = {
	{.id = FMT_DEVICE_GROUP, .value = TEXT("UK")},
	{.id = FMT_TAG, .value = TEXT("server")},
	{.id = FMT_TAG, .value = TEXT("VIP")}};
/* A tag that is no device's. */
static const struct fmt_field user_fields[] = {{.id = FMT_TAG, .value = TEXT("boss")}};
static const struct fmt_evidence evidence[] = {
	{.kind = FMT_KIND_USER, .fields = user_fields, .field_count = 1},
	{.kind = FMT_KIND_DEVICE, .fields = device_fields, .field_count = 3}};
static struct fmt_alert alert;
static struct config_feed config;

static int setup(void **state)
{
	(void)state;
	config = (struct config_feed){.expand = true};
	alert = (struct fmt_alert){.struct_size = sizeof(alert),
		.severity = FMT_SEVERITY_MEDIUM,
		.status = TEXT("inProgress"),
		.service_source = TEXT("microsoftDefenderForEndpoint"),
		.detection_source = TEXT("antivirus"),
		.category = TEXT("DefenseEvasion"),
		.categories = {categories, 2},
		.evidence = evidence,
		.evidence_count = 2};
	return 0;
}

static bool passes(void)
{
	return filter_passes(&config, &alert);
}

static void severities(void **state)
{
	(void)state;
	assert_true(passes());
	config.min_severity = FMT_SEVERITY_MEDIUM;
	assert_true(passes());
	alert.severity = FMT_SEVERITY_HIGH;
	assert_true(passes());
	alert.severity = FMT_SEVERITY_LOW;
	assert_false(passes());
	alert.severity = FMT_SEVERITY_UNKNOWN; /* it may be any */
	assert_true(passes());
}

static void lists(void **state)
{
	static const struct {
		size_t offset;
		const char *yes, *no;
	} cases[] = {
		{offsetof(struct config_feed, service_sources),
			"MicrosoftDefenderForEndpoint", "microsoftDefenderForEndpoin"},
		{offsetof(struct config_feed, detection_sources), "AntiVirus",
			"manual"},
		{offsetof(struct config_feed, statuses), "INPROGRESS", "new"},
		{offsetof(struct config_feed, categories), "defenseevasion", "Malware"},
		{offsetof(struct config_feed, categories), "lateralMovement", "Exec"},
		{offsetof(struct config_feed, device_groups), "uk", "server"},
		{offsetof(struct config_feed, device_tags), "vip", "UK"},
		{offsetof(struct config_feed, device_tags), "Server", "boss"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct config_list *list;

		setup(NULL);
		list = (struct config_list *)((char *)&config + cases[i].offset);
		*list = LIST(cases[i].no);
		if (passes())
			fail_msg("%s passes", cases[i].no);
		*list = LIST(cases[i].no, cases[i].yes);
		if (!passes())
			fail_msg("%s does not pass", cases[i].yes);
		alert = (struct fmt_alert){.struct_size = sizeof(alert)};
		assert_false(passes()); /* it has no such property */
		*list = (struct config_list){0};
		assert_true(passes());
		config = (struct config_feed){0};
	}
}

static void all_must_hold(void **state)
{
	(void)state;
	config.statuses = LIST("inProgress");
	config.device_groups = LIST("UK");
	assert_true(passes());
	config.min_severity = FMT_SEVERITY_HIGH;
	assert_false(passes());
	config = (struct config_feed){0}; /* the lists are of this function */
}

static void query_is(const char *source, const char *expected)
{
	struct strbuf out;

	strbuf_init(&out, 4096);
	filter_query(&config, source_find(source), &out);
	assert_string_equal(out.n ? out.p : "", expected);
	strbuf_clear(&out);
}

static void what_the_api_applies(void **state)
{
	(void)state;
	query_is("graph-alerts", "");
	config.min_severity = FMT_SEVERITY_INFORMATIONAL;
	query_is("graph-alerts", "");
	config.min_severity = FMT_SEVERITY_HIGH;
	query_is("graph-alerts",
		"severity ne 'informational' and severity ne 'low' and severity ne "
		"'medium'");
	config.min_severity = FMT_SEVERITY_LOW;
	query_is("mde-alerts", "severity ne 'Informational'");
	query_is("graph-incidents", ""); /* its alerts have a severity of their own */
	query_is("m365d-incidents", "");
	query_is("siem", "");
	config.statuses = LIST("Resolved", "INPROGRESS");
	query_is("graph-alerts",
		"severity ne 'informational' and (status eq 'resolved' or status eq "
		"'inProgress')");
	query_is("mde-alerts",
		"severity ne 'Informational' and (status eq 'Resolved' or status eq "
		"'InProgress')");
	config.expand = false;
	query_is("graph-incidents",
		"severity ne 'informational' and (status eq 'resolved' or status eq "
		"'inProgress')");
	config.statuses = LIST("redirected");
	config.min_severity = FMT_SEVERITY_UNKNOWN;
	query_is("graph-incidents", "(status eq 'redirected')");
	/* What the API does not know it might refuse, or match with nothing. */
	config.statuses = LIST("resolved", "o'brien");
	query_is("graph-alerts", "");
	config = (struct config_feed){.service_sources = LIST("x"),
		.detection_sources = LIST("x"),
		.categories = LIST("x"),
		.device_groups = LIST("x"),
		.device_tags = LIST("x")};
	query_is("graph-alerts", "");
	query_is("mde-alerts", "");
	config = (struct config_feed){0};
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(severities, setup),
		cmocka_unit_test_setup(lists, setup),
		cmocka_unit_test_setup(all_must_hold, setup),
		cmocka_unit_test_setup(what_the_api_applies, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
