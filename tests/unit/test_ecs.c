/* test_ecs.c - documents of the Elastic Common Schema. */
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
	format_set_up(&ecs_module);
	return 0;
}

static void test_fields(void **state)
{
	static const char *const wants[][2] = {
		{"@timestamp", "2026-03-01T10:20:31.999Z"},
		{"ecs.version", "8.17.0"},
		{"message", "Suspicious \"thing\""},
		{"event.kind", "alert"},
		{"event.category.0", "email"},
		{"event.category.1", "host"},
		{"event.category.2", "intrusion_detection"},
		{"event.category.3", "network"},
		{"event.category.4", "process"},
		{"event.type.0", "info"},
		{"event.type.1", "denied"},
		{"event.severity", "3"},
		{"event.action", "Execution"},
		{"event.provider", "antivirus"},
		{"event.created", "2026-03-01T10:20:30.123Z"},
		{"event.start", "2026-03-01T10:20:00.000Z"},
		{"event.reference", "https://security.microsoft.com/alerts/1"},
		{"organization.id", "acme"},
		{"organization.name", "Acme Inc"},
		{"cloud.account.id", "b3c1b5fc-828c-45fa-a1e1-10d74f6d6e9c"},
		{"observer.product", "Microsoft Defender for Endpoint"},
		{"rule.id", "det-17"},
		{"rule.description", "What\nhappened"},
		{"threat.framework", "MITRE ATT&CK"},
		{"threat.tactic.id.0", "TA0002"},
		{"threat.tactic.name.0", "Execution"},
		{"threat.technique.id.0", "T1059"},
		{"threat.technique.id.1", "T1027"},
		{"threat.technique.subtechnique.id.0", "T1059.001"},
		{"threat.group.name", "EVIL"},
		{"threat.software.name", "Trojan:Win32/X"},
		{"host.name", "pc-042.contoso.example"},
		{"host.hostname", "PC-042"},
		{"host.id", "73e7"},
		{"host.ip.0", "10.1.2.3"},
		{"host.ip.1", "fe80::1"},
		{"host.mac.0", "AA-BB-CC-DD-EE-FF"},
		{"host.os.type", "windows"},
		{"user.name", "SYSTEM"},
		{"user.domain", "NT AUTHORITY"},
		{"user.id", "S-1-5-18"},
		{"process.pid", "4780"},
		{"process.executable", "C:\\Windows\\System32\\cmd.exe"},
		{"process.command_line", "cmd /c \"x\""},
		{"process.start", "2026-03-01T10:20:30.123Z"},
		{"process.hash.sha256", "ab12"},
		{"process.parent.executable", "C:\\Windows\\System32\\services.exe"},
		{"source.ip", "10.1.2.3"},
		{"source.port", "50000"},
		{"destination.ip", "203.0.113.7"},
		{"network.transport", "tcp"},
		{"email.from.address.0", "evil@example.com"},
		{"email.to.address.0", "you@contoso.example"},
		{"email.message_id", "<1@example.com>"},
		{"related.ip.0", "10.1.2.3"},
		{"related.ip.1", "fe80::1"},
		{"related.ip.2", "203.0.113.7"},
		{"related.hash.0", "ab12"},
		{"related.hosts.1", "pc-042"},
		{"microsoft.defender.severity", "medium"},
		{"microsoft.defender.verdict", "malicious"},
		{"microsoft.defender.customTags.0", "tag"},
		{"microsoft.defender.comments.0.comment", "fine"},
		{"microsoft.defender.customDetails", "{\"k\":[1]}"},
		{"microsoft.defender.evidence.0.ipInterface.0", "not an address"},
		{"microsoft.defender.evidence.2.destinationPort", "65536"},
		{"microsoft.defender.evidence.3.kind", "message"},
		{"alertrelay.customer", "acme"},
		{"alertrelay.source", "graph-alerts"},
		{"alertrelay.version", "00112233445566aa"},
		{"alertrelay.evidence_count", "4"},
	};

	(void)state;
	fill_alert();
	write_document(BIG, check_ecs);
	for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++)
		expect(wants[i][0], wants[i][1]);
	/* What is not of the type is not there. */
	expect_none("destination.port");
	expect_none("email.delivery_timestamp");
	expect_none("event.outcome");
	expect_none("event.original");
	expect_none("file");
	expect_none("microsoft.defender.resolvedDateTime");
}

/* Nothing known but who it is: the required fields are there, and no empty object. */
static void test_nothing(void **state)
{
	(void)state;
	write_document(BIG, check_ecs);
	expect("@timestamp", "1970-01-01T00:00:00.000Z");
	expect("event.category.0", "intrusion_detection");
	expect("microsoft.defender.severity", "medium");
	expect_none("host");
	expect_none("related");
	expect_none("threat");
	expect_none("rule");
	expect_none("microsoft.defender.evidence");
	assert_null(memmem(check.body.p, check.body.n, "{}", 2));
	assert_null(memmem(check.body.p, check.body.n, "[]", 2));
	alert.last_activity = INT64_C(17723604301231234);
	write_document(BIG, check_ecs);
	expect("@timestamp", "2026-03-01T10:20:30.123Z");
}

static void test_big_numbers(void **state)
{
	struct fmt_evidence *e = piece(FMT_KIND_PROCESS);

	(void)state;
	field(e, FMT_PROCESS_ID, "9007199254740992");
	field(e, FMT_PARENT_PROCESS_ID, "9007199254740991");
	field(e, FMT_APP_ID, "12345678901234567890");
	write_document(BIG, check_ecs);
	expect_none("process.pid");
	expect("process.parent.pid", "9007199254740991");
	expect("microsoft.defender.evidence.0.processId", "9007199254740992");
	expect("microsoft.defender.evidence.0.appId", "12345678901234567890");
	assert_int_equal(
		at("microsoft.defender.evidence.0.processId")->type, yajl_t_string);
}

static void test_places(void **state)
{
	struct fmt_evidence *e = piece(FMT_KIND_REGISTRY);

	(void)state;
	field(e, FMT_REGISTRY_HIVE, "HKEY_LOCAL_MACHINE");
	field(e, FMT_REGISTRY_KEY, "SOFTWARE\\X");
	field(e, FMT_REGISTRY_VALUE_NAME, "Run");
	field(e, FMT_REGISTRY_VALUE, "evil.exe");
	e = piece(FMT_KIND_FILE);
	field(e, FMT_FILE_NAME, "a.exe");
	field(e, FMT_FILE_PATH, "/usr/bin/a.exe");
	field(e, FMT_FILE_SIZE, "17");
	e = piece(FMT_KIND_URL);
	field(e, FMT_URL, "bare.example/x");
	e = piece(FMT_KIND_IP);
	field(e, FMT_IP_ADDRESS, "2001:DB8::1");
	field(e, FMT_IP_COUNTRY, "DE");
	e = piece(FMT_KIND_CLOUD_RESOURCE);
	field(e, FMT_CONTAINER_ID, "c1");
	field(e, FMT_CLUSTER, "k8s");
	e = piece(FMT_KIND_GROUP);
	field(e, FMT_NAME, "Admins");
	e = piece(FMT_KIND_LOGON);
	field(e, FMT_USER_AGENT, "curl");
	field(e, FMT_USER_UPN, "you@contoso.example");
	e = piece(FMT_KIND_OTHER);
	e->raw = str("{\"new\":1}");
	alert.category = str("Ransomware");
	write_document(BIG, check_ecs);
	expect("registry.hive", "HKLM");
	expect("registry.path", "HKLM\\SOFTWARE\\X\\Run");
	expect("registry.data.strings.0", "evil.exe");
	expect("event.type.1", "access");
	expect("event.category.4", "malware");
	expect("file.path", "/usr/bin/a.exe");
	expect_none("file.directory");
	expect("file.size", "17");
	expect("url.original", "bare.example/x");
	expect_none("url.full");
	/* neither process nor device: it is where a logon came from */
	expect("source.ip", "2001:db8::1");
	expect("source.geo.country_iso_code", "DE");
	expect_none("threat");
	expect("container.id", "c1");
	expect("orchestrator.cluster.name", "k8s");
	expect("group.name", "Admins");
	expect("user_agent.original", "curl");
	expect("user.email", "you@contoso.example");
	expect("microsoft.defender.evidence.7.raw", "{\"new\":1}");
	alert.destination_ip = alert.primary[FMT_KIND_IP];
	write_document(BIG, check_ecs);
	expect("destination.ip", "2001:db8::1");
	expect_none("source");
}

static int is_within(const char *path, const char *text)
{
	const char *s = text_at(path);

	return s && strlen(s) < strlen(text);
}

/* From the whole to nothing: each size is valid, ids, links and the customer stay (check_ecs), and
 * things go in their order. */
static void test_sizes(void **state)
{
	static char actions[1000], command[1000];
	struct fmt_evidence *e;
	size_t whole, smallest = 0;
	int last_rung = 0;

	(void)state;
	fill_alert();
	for (int i = 0; i < 3; i++) {
		e = piece(FMT_KIND_FILE);
		e->created = FMT_NO_TIME;
		field(e, FMT_VERDICT, i == 1 ? "suspicious" : "noThreatsFound");
		field(e, FMT_FILE_NAME, i == 0 ? "zero" : i == 1 ? "one" : "two");
	}
	memset(actions, 'a', sizeof(actions) - 1);
	memset(command, 'c', sizeof(command) - 1);
	alert.recommended_actions = str(actions);
	fields[1][3].value = str(command);
	write_document(BIG, check_ecs);
	whole = check.body.n;
	assert_int_equal(check.message.shed_fields, 0);
	write_document(whole, check_ecs);
	assert_int_equal(check.message.shed_fields + check.message.cut_texts, 0);
	for (size_t size = whole - 1; size > 0; size--) {
		yajl_val list;
		int rung;

		write_document(size, check_ecs);
		if (check.result == FMT_TOO_SMALL) {
			smallest = size;
			break;
		}
		assert_true(check.body.n <= size);
		assert_true(check.message.shed_fields + check.message.cut_texts > 0);
		list = at("microsoft.defender.evidence");
		/* the one of no verdict goes first, then the suspicious one */
		if (list && list->u.array.len == 6)
			expect("microsoft.defender.evidence.5.fileName", "one");
		if (list && list->u.array.len == 5)
			expect("microsoft.defender.evidence.4.fileName", "zero");
		rung = list					? 1
		       : at("microsoft.defender.customDetails") ? 2
		       : !is_within("microsoft.defender.recommendedActions", actions) &&
				       at("microsoft.defender.recommendedActions")
			       ? 3
		       : text_at("process.command_line") &&
				       strlen(text_at("process.command_line")) > 100
			       ? 4
		       : at("microsoft.defender.comments")			 ? 5
		       : at("related")						 ? 6
		       : at("microsoft.defender.determination") || at("process") ? 7
										 : 8;
		assert_true(rung >= last_rung);
		last_rung = rung;
	}
	assert_int_equal(last_rung, 8);
	assert_true(smallest > 500 && smallest < 1700);
}

/* The model knows the usual numbers only. */
static const char *own_severity(const struct check *checked, const struct fmt_alert *of)
{
	(void)checked;
	(void)of;
	return NULL;
}

static void test_options(void **state)
{
	static const struct fmt_option yes = {"original", "yes"};
	static const struct fmt_option own = {"severity", "medium=47,high=73"};
	static const struct fmt_option bad[] = {{"original", ""}, {"original", "true"},
		{"severity", "high=101"}, {"colour", "red"}};
	char error[200];

	(void)state;
	open_with(&yes, 1);
	alert.raw = str("{\"id\" : 1}");
	write_document(BIG, check_ecs);
	expect("event.original", "{\"id\" : 1}");
	open_with(&own, 1);
	write_document(BIG, own_severity);
	expect("event.severity", "47");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		error[0] = 0;
		assert_null(ecs_module.open(&bad[i], 1, error, sizeof(error)));
		assert_non_null(strstr(error, bad[i].name));
	}
}

static void test_property(void **state)
{
	(void)state;
	format_property(check_ecs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_fields, setup, document_tear_down),
		cmocka_unit_test_setup_teardown(
			test_nothing, setup, document_tear_down),
		cmocka_unit_test_setup_teardown(
			test_big_numbers, setup, document_tear_down),
		cmocka_unit_test_setup_teardown(test_places, setup, document_tear_down),
		cmocka_unit_test_setup_teardown(test_sizes, setup, document_tear_down),
		cmocka_unit_test_setup_teardown(
			test_options, setup, document_tear_down),
		cmocka_unit_test_setup_teardown(
			test_property, setup, document_tear_down),
	};

	return cmocka_run_group_tests_name("ecs", tests, NULL, NULL);
}
