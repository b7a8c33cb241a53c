#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format_help.h"
#include "tests/fuzz/random_alert.h"

struct check check;
struct fmt_alert alert;
struct fmt_evidence pieces[8];
struct fmt_field fields[8][16];

static const struct fmt_module *under_test;

size_t property_rounds(void)
{
	const char *rounds = getenv("PROPERTY_ROUNDS");

	return rounds ? strtoul(rounds, NULL, 10) : 100000;
}

struct fmt_str str(const char *s)
{
	return (struct fmt_str){s, strlen(s)};
}

void open_with(const struct fmt_option *options, size_t count)
{
	char error[200] = "";

	if (check.module)
		check_free(&check, under_test);
	check.module = under_test->open(options, count, error, sizeof(error));
	assert_non_null(check.module);
}

void format_set_up(const struct fmt_module *module)
{
	memset(&alert, 0, sizeof(alert));
	memset(pieces, 0, sizeof(pieces));
	alert.struct_size = sizeof(alert);
	alert.customer = str("acme");
	alert.tenant_id = str("b3c1b5fc-828c-45fa-a1e1-10d74f6d6e9c");
	alert.source = "graph-alerts";
	alert.id = str("da637551227677560813_-961444813");
	alert.version = str("00112233445566aa");
	alert.incident_id = str("28282");
	alert.severity = FMT_SEVERITY_MEDIUM;
	alert.created = alert.updated = alert.resolved = FMT_NO_TIME;
	alert.first_activity = alert.last_activity = FMT_NO_TIME;
	alert.evidence = pieces;
	under_test = module;
	open_with(NULL, 0);
}

void format_set_up_texts(const struct fmt_module *module)
{
	format_set_up(module);
	alert.customer_name = str("Acme Inc.");
	alert.title = str("Suspicious PowerShell | encoded command");
	alert.description = str("A process ran.\r\nSee C:\\Temp\\x.log for x=1 | y.");
	alert.category = str("Execution");
	alert.status = str("new");
	alert.product_name = str("Microsoft Defender for Endpoint");
	alert.detector_id = str("7f1c3609-a3ff-40e2-995b-c01770161d68");
	alert.alert_url = str("https://security.microsoft.com/alerts/da63?tid=0000");
	alert.incident_url =
		str("https://security.microsoft.com/incidents/28282?tid=0000");
	alert.created = INT64_C(17723604301239999);
}

void expect_pair(const char *key, const char *got, const char *want)
{
	if (!want && got)
		fail_msg("%s is \"%s\", but must not be there", key, got);
	if (want && !got)
		fail_msg("%s is not there, must be \"%s\"", key, want);
	if (want)
		assert_string_equal(got, want);
}

int format_tear_down(void **state)
{
	(void)state;
	check_free(&check, under_test);
	return 0;
}

struct fmt_evidence *piece(enum fmt_kind kind)
{
	struct fmt_evidence *e = &pieces[alert.evidence_count];

	assert_true(alert.evidence_count < sizeof(pieces) / sizeof(pieces[0]));
	e->kind = kind;
	e->fields = fields[alert.evidence_count++];
	if (!alert.primary[kind])
		alert.primary[kind] = e;
	return e;
}

void field(struct fmt_evidence *e, enum fmt_field_id id, const char *value)
{
	assert_true(e->field_count < sizeof(fields[0]) / sizeof(fields[0][0]));
	fields[e - pieces][e->field_count++] = (struct fmt_field){id, str(value)};
}

void no_pieces(void)
{
	memset(pieces, 0, sizeof(pieces));
	memset(alert.primary, 0, sizeof(alert.primary));
	alert.evidence_count = 0;
}

void format_checked(size_t maximum, format_check *verify)
{
	const char *error;

	check_format(&check, under_test, &alert, maximum);
	error = verify(&check, &alert);
	if (error)
		fail_msg("%s\n%.*s", error, (int)check.body.n, check.body.p);
}

void format_property(format_check *verify)
{
	static const size_t maxima[] = {480, 1024, 2048, 8192, 8192, 65536, BIG, BIG};
	static struct random_alert random;
	unsigned char data[1600];
	size_t rounds = property_rounds();
	uint64_t seed = 88172645463325252u;
	unsigned ok = 0;

	for (size_t i = 0; i < rounds; i++) {
		const char *error;

		for (size_t k = 0; k < sizeof(data); k += 8) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			memcpy(data + k, &seed, 8);
		}
		random_alert_build(&random, data, 60 + seed % (sizeof(data) - 60));
		check_format(&check, under_test, &random.alert, maxima[i % 8]);
		error = verify(&check, &random.alert);
		if (error)
			fail_msg("alert %zu, maximum %zu: %s\n%.*s", i, maxima[i % 8],
				error, (int)check.body.n, check.body.p);
		ok += check.result == FMT_OK;
	}
	assert_true(ok > rounds / 2);
}
