/* test_ocsf.c - Detection Findings of OCSF. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "document_help.h"
#include "formats/registry.h"

static int setup(void **state)
{
	(void)state;
	format_set_up(&ocsf_module);
	return 0;
}

static void test_attributes(void **state)
{
	static const char *const wants[][2] = {
		{"class_uid", "2004"},
		{"activity_id", "1"},
		{"type_uid", "200401"},
		{"severity_id", "3"},
		{"severity", "Medium"},
		{"status_id", "1"},
		{"status", "New"},
		{"time", "1772360430123"},
		{"start_time", "1772360400000"},
		{"end_time", "1772360420000"},
		{"is_alert", "true"},
		{"metadata.version", "1.5.0"},
		{"metadata.product.name", "Microsoft Defender for Endpoint"},
		{"metadata.product.vendor_name", "Microsoft"},
		{"metadata.product.feature.name", "antivirus"},
		{"metadata.uid", "da637551227677560813_-961444813/00112233445566aa"},
		{"metadata.tenant_uid", "b3c1b5fc-828c-45fa-a1e1-10d74f6d6e9c"},
		{"metadata.correlation_uid", "28282"},
		{"metadata.modified_time", "1772360431999"},
		{"cloud.account.type_id", "17"},
		{"cloud.org.uid", "acme"},
		{"cloud.org.name", "Acme Inc"},
		{"finding_info.uid", "da637551227677560813_-961444813"},
		{"finding_info.title", "Suspicious \"thing\""},
		{"finding_info.types.0", "Execution"},
		{"finding_info.analytic.uid", "det-17"},
		{"finding_info.analytic.type_id", "0"},
		{"finding_info.attacks.0.tactic.uid", "TA0002"},
		{"finding_info.attacks.1.technique.uid", "T1059"},
		{"finding_info.attacks.1.sub_technique.uid", "T1059.001"},
		{"finding_info.attacks.2.technique.uid", "T1027"},
		{"src_url", "https://security.microsoft.com/incidents/1"},
		{"remediation.desc", "Do this"},
		{"malware.0.name", "Trojan:Win32/X"},
		{"malware.0.classification_ids.0", "18"},
		{"device.hostname", "PC-042.Contoso.example"},
		{"device.uid", "73e7"},
		{"device.ip", "10.1.2.3"},
		{"device.mac", "aa:bb:cc:dd:ee:ff"},
		{"device.os.type_id", "100"},
		{"device.risk_level_id", "3"},
		{"evidences.0.name", "deviceEvidence"},
		{"evidences.0.data.ipInterface.0", "not an address"},
		{"evidences.1.verdict_id", "2"},
		{"evidences.1.process.pid", "4780"},
		{"evidences.1.process.created_time", "1772360430123"},
		{"evidences.1.process.file.path", "C:\\Windows\\System32\\cmd.exe"},
		{"evidences.1.process.file.hashes.0.algorithm_id", "3"},
		{"evidences.1.process.user.uid", "S-1-5-18"},
		{"evidences.1.process.parent_process.pid", "668"},
		{"evidences.1.process.parent_process.file.name", "services.exe"},
		{"evidences.1.data.detectionStatus", "prevented"},
		{"evidences.2.src_endpoint.port", "50000"},
		{"evidences.2.dst_endpoint.ip", "203.0.113.7"},
		{"evidences.2.data.destinationPort", "65536"},
		{"evidences.2.connection_info.protocol_num", "6"},
		{"evidences.3.email.from", "evil@example.com"},
		{"evidences.3.email.to.0", "you@contoso.example"},
		{"evidences.3.data.receivedDateTime", "yesterday"},
		{"observables.0.name", "evidences.device.hostname"},
		{"observables.0.type_id", "1"},
		{"unmapped.alertrelay.customer", "acme"},
		{"unmapped.alertrelay.evidence_count", "4"},
		{"unmapped.customTags.0", "tag"},
		{"unmapped.actorDisplayName", "EVIL"},
		{"unmapped.customDetails", "{\"k\":[1]}"},
		{"unmapped.comments.0.createdByDisplayName", "me"},
	};

	(void)state;
	fill_alert();
	write_document(BIG, check_ocsf);
	for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++)
		expect(wants[i][0], wants[i][1]);
	assert_int_equal(at("time")->type, yajl_t_number);
	/* What stands in an attribute is not in data too. */
	expect_none("evidences.1.data.processId");
	expect_none("evidences.2.dst_endpoint.port");
	expect_none("verdict_id");
	expect_none("raw_data");
}

static void test_nothing(void **state)
{
	(void)state;
	write_document(BIG, check_ocsf);
	expect("time", "0");
	expect("status_id", "0");
	expect("activity_id", "0");
	expect("type_uid", "200400");
	expect_none("evidences");
	expect_none("observables");
	expect_none("device");
	assert_null(memmem(check.body.p, check.body.n, "{}", 2));
	assert_null(memmem(check.body.p, check.body.n, "[]", 2));
}

static void test_status(void **state)
{
	static const struct {
		const char *status, *id, *caption, *activity, *alert;
	} table[] = {
		{"new", "1", "New", "1", "true"},
		{"New", "1", "New", "1", "true"},
		{"active", "1", "New", "1", "true"},
		{"InProgress", "2", "In Progress", "2", "true"},
		{"awaitingAction", "2", "In Progress", "2", "true"},
		{"resolved", "4", "Resolved", "3", "false"},
		{"redirected", "5", "Archived", "3", "false"},
		{"dismissed", "3", "Suppressed", "3", "false"},
		{"unknown", "0", "Unknown", "0", "true"},
		{"somethingNew", "99", "somethingNew", "0", "true"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		alert.status = str(table[i].status);
		write_document(BIG, check_ocsf);
		expect("status_id", table[i].id);
		expect("status", table[i].caption);
		expect("activity_id", table[i].activity);
		expect("is_alert", table[i].alert);
		expect("unmapped.status", table[i].status);
	}
}

static void test_verdict(void **state)
{
	static const char *const table[][4] = {
		{"truePositive", "malware", "2", "True Positive"},
		{"FalsePositive", "clean", "1", "False Positive"},
		{"falsePositive", "notEnoughDataToValidate", "7", "Insufficient Data"},
		{"informationalExpectedActivity", "securityTesting", "6", "Test"},
		{"informationalExpectedActivity", "other", "5", "Benign"},
	};
	static const char *const severities[] = {"0", "1", "2", "3", "4"};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		alert.classification = str(table[i][0]);
		alert.determination = str(table[i][1]);
		write_document(BIG, check_ocsf);
		expect("verdict_id", table[i][2]);
		expect("verdict", table[i][3]);
	}
	for (int i = 0; i < 5; i++) {
		alert.severity = (enum fmt_severity)i;
		write_document(BIG, check_ocsf);
		expect("severity_id", severities[i]);
	}
}

/* Required attributes where the vendor gives little. */
static void test_little(void **state)
{
	struct fmt_evidence *e = piece(FMT_KIND_PROCESS);

	(void)state;
	field(e, FMT_PROCESS_COMMAND_LINE, "x");
	field(e, FMT_PARENT_FILE_NAME, "p.exe");
	e = piece(FMT_KIND_FILE);
	field(e, FMT_HASH_ALGORITHM, "sha1");
	field(e, FMT_HASH_VALUE, "1234");
	e = piece(FMT_KIND_DEVICE);
	field(e, FMT_DEVICE_OS, "Linux");
	e = piece(FMT_KIND_USER);
	field(e, FMT_USER_DISPLAY_NAME, "You");
	e = piece(FMT_KIND_IP);
	field(e, FMT_IP_ADDRESS, "1.2.3.4.5");
	e = piece(FMT_KIND_MESSAGE);
	field(e, FMT_MESSAGE_SENDER, "no address");
	e = piece(FMT_KIND_APPLICATION);
	field(e, FMT_APP_ID, "12345678901234567890");
	e = piece(FMT_KIND_OTHER);
	e->raw = str("{\"new\":1}");
	alert.assigned_to = str("you@contoso.example");
	write_document(BIG, check_ocsf);
	expect("evidences.0.process.uid", "da637551227677560813_-961444813/0");
	expect("evidences.0.data.parentFileName", "p.exe");
	expect("evidences.1.file.name", "1234");
	expect("evidences.1.file.hashes.0.algorithm_id", "2");
	expect_none("evidences.2.device");
	expect("evidences.2.data.osPlatform", "Linux");
	expect_none("device");
	expect_none("evidences.3.user");
	expect("evidences.3.data.userDisplayName", "You");
	expect("evidences.4.data.ipAddress", "1.2.3.4.5");
	expect_none("evidences.4.dst_endpoint");
	expect("evidences.5.data.sender", "no address");
	expect_none("evidences.5.email");
	expect("evidences.6.resources.0.uid", "12345678901234567890");
	expect("evidences.7.data.raw", "{\"new\":1}");
	expect("assignee.email_addr", "you@contoso.example");
}

static void test_sizes(void **state)
{
	static char actions[1000];
	size_t whole, smallest = 0, omitted = 0;
	int last_rung = 0;

	(void)state;
	fill_alert();
	memset(actions, 'a', sizeof(actions) - 1);
	alert.recommended_actions = str(actions);
	write_document(BIG, check_ocsf);
	whole = check.body.n;
	for (size_t size = whole - 1; size > 0; size--) {
		const char *desc;
		int rung;

		write_document(size, check_ocsf);
		if (check.result == FMT_TOO_SMALL) {
			smallest = size;
			break;
		}
		assert_true(check.body.n <= size);
		desc = text_at("remediation.desc");
		rung = at("evidences")				 ? 1
		       : at("unmapped.customDetails")		 ? 2
		       : desc && strlen(desc) == strlen(actions) ? 3
		       : at("unmapped.comments")		 ? 4
		       : at("observables")			 ? 5
		       : at("device")				 ? 6
								 : 7;
		assert_true(rung >= last_rung);
		last_rung = rung;
		if (text_at("unmapped.alertrelay.evidence_omitted"))
			omitted =
				strtoul(text_at("unmapped.alertrelay.evidence_omitted"),
					NULL, 10);
	}
	assert_int_equal(last_rung, 7);
	assert_int_equal(omitted, 4);
	assert_true(smallest > 500 && smallest < 2000);
}

static void test_options(void **state)
{
	static const struct fmt_option yes = {"original", "yes"}, bad = {"x", "y"};
	char error[200] = "";

	(void)state;
	open_with(&yes, 1);
	alert.raw = str("{\"id\":1}");
	write_document(BIG, check_ocsf);
	expect("raw_data", "{\"id\":1}");
	assert_null(ocsf_module.open(&bad, 1, error, sizeof(error)));
	assert_non_null(strstr(error, "ocsf: "));
}

static void test_property(void **state)
{
	(void)state;
	format_property(check_ocsf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_attributes, setup, document_tear_down),
		cmocka_unit_test_setup_teardown(
			test_nothing, setup, document_tear_down),
		cmocka_unit_test_setup_teardown(test_status, setup, document_tear_down),
		cmocka_unit_test_setup_teardown(
			test_verdict, setup, document_tear_down),
		cmocka_unit_test_setup_teardown(test_little, setup, document_tear_down),
		cmocka_unit_test_setup_teardown(test_sizes, setup, document_tear_down),
		cmocka_unit_test_setup_teardown(
			test_options, setup, document_tear_down),
		cmocka_unit_test_setup_teardown(
			test_property, setup, document_tear_down),
	};

	return cmocka_run_group_tests_name("ocsf", tests, NULL, NULL);
}
