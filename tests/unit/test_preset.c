/* test_preset.c - presets: each makes a destination, what the file says goes before it, and what
 * depends on the SIEM's settings is warned about. config/bad-presets.yaml is test_config's. */
#include "config.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/values.h"
#include "formats/registry.h"
#include "relay/configuration.h"
#include "relay/preset.h"

#define BEFORE                                                                         \
	"app: {client_id: 00000000-0000-0000-0000-000000000001, "                      \
	"client_secret_env: TEST_SECRET}\n"                                            \
	"destinations:\n  soc: {address: siem:514, transport: %s, preset: %s}\n"       \
	"feeds: [{to: soc}]\n"                                                         \
	"tenants: {a: {tenant_id: 11111111-1111-1111-1111-111111111111}}\n"

static struct config *load(const char *preset, const char *transport)
{
	char text[1000];
	int n = snprintf(text, sizeof(text), BEFORE, transport, preset);
	struct config_report report;
	struct config *config = NULL;

	if (config_load_text("c.yaml", text, (size_t)n, &config, &report) != RC_OK)
		fail_msg("%s", report.text.p);
	if (report.text.n)
		fail_msg("preset %s is warned about: %s", preset, report.text.p);
	config_report_clear(&report);
	return config;
}

/* What the sources of preset.c say, once more. */
static const struct {
	const char *name, *format, *header, *tag, *hostname;
	int facility;
	size_t octets;
	const char *tls_framing;
} expected[] = {
	{"sentinel", "cef", "rfc5424", "yes", "tenant", 20, 8096, "octet"},
	{"splunk", "cef", "rfc5424", "yes", "tenant", 16, 8096, "lf"},
	{"splunk-sc4s", "cef", "rfc5424", "yes", "tenant", 16, 8096, "octet"},
	{"qradar", "leef", "rfc3164", "no", "relay", 16, 4096, "lf"},
	{"arcsight", "cef", "rfc3164", "no", "tenant", 16, 8096, "lf"},
	{"elastic", "cef", "rfc5424", "yes", "tenant", 16, 65536, "lf"},
	{"wazuh", "json", "none", "yes", "tenant", 16, 61440, NULL},
	{"graylog", "cef", "rfc3164", "no", "tenant", 16, 65536, "lf"},
	{"secops", "cef", "rfc5424", "yes", "tenant", 16, 65536, "lf"},
	{"logrhythm", "cef", "rfc5424", "yes", "tenant", 16, 8000, "lf"},
	{"rsyslog", "cef", "rfc5424", "yes", "tenant", 16, 8096, "octet"},
	{"syslog-ng", "cef", "rfc5424", "yes", "tenant", 16, 65536, "octet"},
};

static void check(const struct destination_options *d, size_t i, const char *framing)
{
	static const char *const keys[] = {
		"format", "header", "tag", "hostname", "framing"};
	const char *const values[] = {expected[i].format, expected[i].header,
		expected[i].tag, expected[i].hostname, framing};

	for (size_t k = 0; k < 5; k++)
		if (!options_is(SECTION_DESTINATION, d, keys[k], values[k]))
			fail_msg("%s: %s is not %s", expected[i].name, keys[k],
				values[k]);
	assert_int_equal(d->facility, expected[i].facility);
	assert_int_equal(d->max_message_bytes, expected[i].octets);
}

static void every_preset_makes_its_destination(void **state)
{
	size_t i = 0;

	(void)state;
	for (; preset_at(i); i++) {
		struct config *config = load(expected[i].name, "tcp");

		assert_string_equal(preset_at(i)->name, expected[i].name);
		assert_ptr_equal(preset_find(expected[i].name), preset_at(i));
		check(&config->destinations[0], i, "lf");
		config_free(config);
		if (preset_at(i)->relp) {
			config = load(expected[i].name, "relp+tls");
			assert_int_equal(config->destinations[0].framing, FRAMING_NONE);
			config_free(config);
		}
		if (!expected[i].tls_framing)
			continue;
		config = load(expected[i].name, "tls");
		check(&config->destinations[0], i, expected[i].tls_framing);
		config_free(config);
	}
	assert_int_equal(i, sizeof(expected) / sizeof(*expected));
	assert_null(preset_find("sentine"));
}

static void a_preset_without_a_file_is_the_same(void **state)
{
	struct destination_options d;
	struct error err;
	struct arena strings;

	(void)state;
	arena_init(&strings, 65536);
	for (size_t i = 0; preset_at(i); i++) {
		assert_int_equal(
			preset_options(expected[i].name, NULL, &strings, &d, &err),
			RC_OK);
		check(&d, i, "lf");
	}
	assert_int_equal(
		preset_options("rsyslog", "rfc5424-json", &strings, &d, &err), RC_OK);
	assert_string_equal(d.format, "rfc5424-json");
	assert_int_equal(d.format_option_count, 0);
	assert_int_equal(preset_options("rsylog", NULL, &strings, &d, &err), RC_CONFIG);
	assert_non_null(strstr(err.text, "did you mean rsyslog?"));
	arena_clear(&strings);
}

/* A row that names what there is not would not show before a user meets it. */
static void rows_name_what_there_is(void **state)
{
	(void)state;
	for (size_t i = 0; preset_at(i); i++)
		for (size_t k = 0; preset_at(i)->format_options[k].format; k++) {
			const char *name = preset_at(i)->format_options[k].format;
			const struct fmt_option_info *info =
				format_find(name, strlen(name))->options;

			while (info->name &&
				strcmp(info->name,
					preset_at(i)->format_options[k].name))
				info++;
			assert_non_null(info->name);
		}
}

static const char *option_of(const struct destination_options *d, const char *name)
{
	const char *value = NULL;

	for (size_t i = 0; i < d->format_option_count; i++)
		if (!strcmp(d->format_options[i].name, name)) {
			assert_null(value);
			value = d->format_options[i].value;
		}
	return value;
}

static void what_the_file_says_goes_before_it(void **state)
{
	static const char *const warnings[] = {
		"good-presets.yaml:10: warning: preset arcsight: ",
		"good-presets.yaml:19: warning: preset rsyslog: ",
		"good-presets.yaml:21: warning: preset wazuh: ",
	};
	const struct destination_options *d;
	struct config_report report;
	struct config *c = NULL;
	const char *data = getenv("TEST_DATA");
	const char *line;
	char path[PATH_MAX];

	(void)state;
	snprintf(path, sizeof(path), "%s/config", data ? data : "tests");
	assert_int_equal(chdir(path), 0);
	assert_int_equal(config_load("good-presets.yaml", &c, &report), RC_OK);
	assert_int_equal(report.count, 0);
	assert_int_equal(report.warnings, 3);
	line = report.text.p;
	for (size_t i = 0; i < 3; i++) {
		assert_memory_equal(line, warnings[i], strlen(warnings[i]));
		line = strchr(line, '\n') + 1;
	}
	assert_string_equal(line, "");
	config_report_clear(&report);

	d = &c->destinations[0];
	assert_int_equal(d->header, HEADER_RFC5424);
	assert_int_equal(d->framing, FRAMING_LF);
	assert_int_equal(d->facility, 13);
	assert_string_equal(option_of(d, "version"), "1");
	assert_string_equal(option_of(d, "severity"), "high=10,unknown=2");
	assert_int_equal(d->syslog_severity->level[FMT_SEVERITY_UNKNOWN], 5);
	assert_int_equal(d->syslog_severity->level[FMT_SEVERITY_INFORMATIONAL], 7);
	assert_int_equal(d->syslog_severity->level[FMT_SEVERITY_HIGH], 1);
	d = &c->destinations[1];
	assert_int_equal(d->framing, FRAMING_OCTET);
	assert_string_equal(option_of(d, "leading_space"), "no");
	assert_null(d->syslog_severity);
	d = &c->destinations[2];
	assert_string_equal(d->format, "rfc5424-json");
	assert_int_equal(d->format_option_count, 0);
	d = &c->destinations[3];
	assert_true(d->tag);
	config_free(c);
}

/* Help that is made by hand says what the table of severities says. */
static void help_says_the_table(void **state)
{
	static const char *const words[] = {
		"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"};
	static const struct {
		enum severity_scale scale;
		const char *begin;
	} scales[] = {{SEVERITY_CEF, "(in CEF "}, {SEVERITY_LEEF, "; in LEEF "},
		{SEVERITY_ECS, "; in ECS "}};
	const struct severity_map *syslog = severity_default(SEVERITY_SYSLOG);
	struct strbuf numbers, levels;
	size_t count, found = 0;
	const struct option *rows = options_all(&count);

	(void)state;
	strbuf_init(&numbers, 1000);
	strbuf_init(&levels, 1000);
	for (size_t k = 0; k < 3; k++)
		for (size_t i = 0; i < SEVERITIES; i++)
			strbuf_addf(&numbers, "%s%s%s%d", i ? ", " : scales[k].begin,
				k ? "" : severity_name((enum fmt_severity)i),
				k ? "" : " ",
				severity_default(scales[k].scale)->level[i]);
	for (size_t i = 0; i < SEVERITIES; i++)
		strbuf_addf(&levels, "%s%s %s", i ? ", " : "(",
			severity_name((enum fmt_severity)i), words[syslog->level[i]]);
	strbuf_adds(&numbers, ")");
	strbuf_adds(&levels, ")");
	for (size_t i = 0; i < count; i++) {
		if (rows[i].type != TYPE_SEVERITY &&
			rows[i].type != TYPE_SYSLOG_SEVERITY)
			continue;
		assert_string_equal(rows[i].default_text,
			rows[i].type == TYPE_SEVERITY ? numbers.p : levels.p);
		found++;
	}
	assert_int_equal(found, 2);
	strbuf_clear(&numbers);
	strbuf_clear(&levels);
}

static void manual_names_every_preset_and_what_it_sets(void **state)
{
	struct strbuf settings, manual;

	(void)state;
	strbuf_init(&settings, 65536);
	strbuf_init(&manual, 65536);
	preset_manual(&manual);
	for (size_t i = 0; preset_at(i); i++) {
		char line[300];

		strbuf_reset(&settings);
		preset_settings(preset_at(i), &settings);
		snprintf(line, sizeof(line), ".It Cm %s\n%s:\n", preset_at(i)->name,
			preset_at(i)->title);
		assert_non_null(strstr(manual.p, line));
		assert_non_null(strstr(manual.p, settings.p));
		assert_non_null(strstr(preset_names(), preset_at(i)->name));
	}
	assert_non_null(strstr(manual.p,
		"format: cef, header: rfc5424, hostname: tenant, facility: local4, "
		"max_message_bytes: 8096.\n"));
	assert_non_null(strstr(manual.p, ", leading_space: yes with cef.\n"));
	strbuf_clear(&settings);
	strbuf_clear(&manual);
}

static int set_up(void **state)
{
	(void)state;
	return setenv("TEST_SECRET", "s3cret\n", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_preset_makes_its_destination),
		cmocka_unit_test(a_preset_without_a_file_is_the_same),
		cmocka_unit_test(rows_name_what_there_is),
		cmocka_unit_test(help_says_the_table),
		cmocka_unit_test(manual_names_every_preset_and_what_it_sets),
		cmocka_unit_test(what_the_file_says_goes_before_it),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
