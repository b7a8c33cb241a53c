/* test_cef.c - the CEF formatter, read back with a parser of its own. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cef_reader.h"
#include "format_help.h"
#include "formats/registry.h"

static struct cef_event event;

static int setup(void **state)
{
	(void)state;
	format_set_up_texts(&cef_module);
	return 0;
}

static void format_within(size_t maximum)
{
	format_checked(maximum, check_cef);
	if (check.result == FMT_OK)
		assert_true(cef_read(&event, check.body.p, check.body.n));
}

static void expect(const char *key, const char *want)
{
	expect_pair(key, cef_value(&event, key), want);
}

static void test_golden(void **state)
{
	static const char want[] =
		"CEF:0|Microsoft|Microsoft Defender for Endpoint|1.0|"
		"7f1c3609-a3ff-40e2-995b-c01770161d68|Suspicious PowerShell \\| "
		"encoded command|5|"
		"rt=1772360430123 externalId=da637551227677560813_-961444813 "
		"MicrosoftDefenderAlertId=da637551227677560813_-961444813 "
		"AlertrelayVersion=00112233445566aa cs5=acme cs5Label=customer "
		"MicrosoftDefenderTenantId=b3c1b5fc-828c-45fa-a1e1-10d74f6d6e9c "
		"cat=Execution "
		"cn1=28282 cn1Label=incidentId outcome=new "
		"flexString1=https://security.microsoft.com/alerts/da63?tid\\=0000 "
		"flexString1Label=alertUrl "
		"flexString2=https://security.microsoft.com/incidents/28282?tid\\=0000 "
		"flexString2Label=incidentUrl AlertrelayCustomerName=Acme Inc. "
		"AlertrelaySource=graph-alerts "
		"msg=A process ran.\\nSee C:\\\\Temp\\\\x.log for x\\=1 | y.";

	(void)state;
	format_within(BIG);
	assert_int_equal(check.body.n, sizeof(want) - 1);
	assert_memory_equal(check.body.p, want, sizeof(want) - 1);
	assert_int_equal(check.message.shed_fields + check.message.cut_texts, 0);
	/* Exactly as large as it is: nothing is shed; one octet less: something is. */
	format_within(sizeof(want) - 1);
	assert_int_equal(check.body.n, sizeof(want) - 1);
	assert_int_equal(check.message.shed_fields, 0);
	format_within(sizeof(want) - 2);
	assert_int_equal(check.result, FMT_OK);
	assert_true(check.message.shed_fields > 0);
}

static void test_header(void **state)
{
	char long_text[3000];

	(void)state;
	alert.product_name = str(" \t");
	alert.service_source = str("MICROSOFTdefenderForIdentity");
	alert.detector_id = str("CVE=1%2#3|4\\5");
	alert.title = str("\n\xC2\x85");
	alert.severity = FMT_SEVERITY_UNKNOWN;
	alert.severity_text = str("HIGH");
	format_within(BIG);
	assert_string_equal(event.header[0], "Microsoft");
	assert_string_equal(event.header[1], "Microsoft Defender for Identity");
	assert_string_equal(event.header[2], "1.0");
	assert_string_equal(event.header[3], "CVE_1_2_3_4_5");
	assert_string_equal(event.header[4], "Execution");
	assert_int_equal(event.severity, 8);

	alert.service_source = str("somethingNew");
	alert.detector_id.n = 0;
	alert.severity_text = str("UnSpecified");
	format_within(BIG);
	assert_string_equal(event.header[1], "Microsoft Defender XDR");
	assert_string_equal(event.header[3], "Execution");
	assert_int_equal(event.severity, 0);

	alert.category.n = 0;
	format_within(BIG);
	assert_string_equal(event.header[3], "alert");
	assert_string_equal(event.header[4], "Alert");

	memset(long_text, 'x', sizeof(long_text));
	alert.title = alert.product_name = alert.detector_id =
		(struct fmt_str){long_text, sizeof(long_text)};
	format_within(BIG);
	assert_int_equal(strlen(event.header[1]), 63);
	assert_int_equal(strlen(event.header[3]), 1023);
	assert_int_equal(strlen(event.header[4]), 512);
	assert_string_equal(event.header[4] + 509, "...");
	assert_int_equal(check.message.cut_texts, 3);
}

static void test_severities(void **state)
{
	static const int want[] = {0, 1, 3, 5, 8};

	(void)state;
	for (int i = 0; i < 5; i++) {
		alert.severity = (enum fmt_severity)i;
		format_within(BIG);
		assert_int_equal(event.severity, want[i]);
	}
}

static void test_own_severities(void **state)
{
	static const struct fmt_option own = {
		"severity", "high=10,low=0,unknown=10,medium=9"};
	static const int want[] = {10, 1, 0, 9, 10};

	(void)state;
	open_with(&own, 1);
	for (int i = 0; i < 5; i++) {
		alert.severity = (enum fmt_severity)i;
		format_within(BIG);
		assert_int_equal(event.severity, want[i]);
	}
}

static void test_times(void **state)
{
	(void)state;
	alert.created = FMT_NO_TIME;
	format_within(BIG);
	expect("rt", NULL);
	expect("deviceCustomDate1", NULL);
	expect("deviceCustomDate1Label", NULL);
	/* 57.9999999 s is not 58 s */
	alert.updated = INT64_C(16116908379999999);
	format_within(BIG);
	expect("rt", "1611690837999");
	expect("deviceCustomDate1", "1611690837999");
	expect("deviceCustomDate1Label", "lastUpdateDateTime");
	alert.created = -1;
	alert.first_activity = INT64_C(17723604017720000);
	alert.last_activity = INT64_C(17723604150000000);
	alert.resolved = INT64_C(17723604150000001);
	format_within(BIG);
	expect("rt", "1611690837999");
	expect("start", "1772360401772");
	expect("end", "1772360415000");
	expect("deviceCustomDate2", "1772360415000");
	expect("deviceCustomDate2Label", "resolvedDateTime");
}

static void test_ids(void **state)
{
	(void)state;
	alert.id = str("0123456789012345678901234567890123456789");
	format_within(BIG);
	expect("externalId", "0123456789012345678901234567890123456789");
	expect("MicrosoftDefenderAlertId", "0123456789012345678901234567890123456789");
	alert.id = str("ad3ef58dc561c3234527be2d9ff82524a967a5fb1c");
	format_within(BIG);
	expect("externalId", NULL);
	expect("MicrosoftDefenderAlertId",
		"ad3ef58dc561c3234527be2d9ff82524a967a5fb1c");
	alert.incident_id = str("9223372036854775807");
	format_within(BIG);
	expect("cn1", "9223372036854775807");
	expect("cn1Label", "incidentId");
	expect("MicrosoftDefenderIncidentId", NULL);
	alert.incident_id = str("9223372036854775808");
	format_within(BIG);
	expect("cn1", NULL);
	expect("cn1Label", NULL);
	expect("MicrosoftDefenderIncidentId", "9223372036854775808");
	alert.incident_id = str("007");
	format_within(BIG);
	expect("MicrosoftDefenderIncidentId", "007");
}

static void test_long_link(void **state)
{
	char url[1200];

	(void)state;
	memset(url, 'u', sizeof(url));
	alert.alert_url = (struct fmt_str){url, sizeof(url)};
	format_within(BIG);
	expect("flexString1", NULL);
	expect("flexString1Label", NULL);
	assert_int_equal(strlen(cef_value(&event, "MicrosoftDefenderAlertUrl")), 1200);
}

static void test_addresses(void **state)
{
	static const struct {
		const char *text, *ipv4, *ipv6, *kept;
	} table[] = {
		{"203.0.113.7", "203.0.113.7", NULL, NULL},
		{"::ffff:10.0.0.1", "10.0.0.1", NULL, NULL},
		{"2001:DB8::1", NULL, "2001:db8::1", NULL},
		{" 203.0.113.7 ", "203.0.113.7", NULL, NULL},
		{"[2001:db8::1]", NULL, NULL, "[2001:db8::1]"},
		{"fe80::1%eth0", NULL, NULL, "fe80::1%eth0"},
		{"1.2.3.4:443", NULL, NULL, "1.2.3.4:443"},
		{"1.2.3.4,5.6.7.8", NULL, NULL, "1.2.3.4,5.6.7.8"},
		{" ", NULL, NULL, NULL},
	};
	struct fmt_evidence *ip = piece(FMT_KIND_IP);

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		ip->field_count = 0;
		field(ip, FMT_IP_ADDRESS, table[i].text);
		alert.source_ip = ip;
		alert.destination_ip = NULL;
		format_within(BIG);
		expect("src", table[i].ipv4);
		expect("c6a2", table[i].ipv6);
		expect("c6a2Label", table[i].ipv6 ? "Source IPv6 Address" : NULL);
		expect("MicrosoftDefenderAddressText", table[i].kept);
		alert.source_ip = NULL;
		alert.destination_ip = ip;
		format_within(BIG);
		expect("dst", table[i].ipv4);
		expect("c6a3", table[i].ipv6);
		expect("c6a3Label", table[i].ipv6 ? "Destination IPv6 Address" : NULL);
	}
	/* Without a role: where a logon came from, or the far end of a process. */
	ip->field_count = 0;
	field(ip, FMT_IP_ADDRESS, "203.0.113.7");
	alert.destination_ip = NULL;
	format_within(BIG);
	expect("src", "203.0.113.7");
	field(piece(FMT_KIND_PROCESS), FMT_FILE_NAME, "a.exe");
	format_within(BIG);
	expect("src", NULL);
	expect("dst", "203.0.113.7");
}

static void test_network(void **state)
{
	struct fmt_evidence *net = piece(FMT_KIND_NETWORK);

	(void)state;
	field(net, FMT_SOURCE_ADDRESS, "10.0.0.1");
	field(net, FMT_SOURCE_PORT, "65536");
	field(net, FMT_DESTINATION_ADDRESS, "2001:db8::2");
	field(net, FMT_DESTINATION_PORT, "443");
	field(net, FMT_PROTOCOL, "tcp");
	format_within(BIG);
	expect("src", "10.0.0.1");
	expect("spt", NULL);
	expect("c6a3", "2001:db8::2");
	expect("dpt", "443");
	expect("proto", "TCP");
}

static void test_device(void **state)
{
	struct fmt_evidence *device = piece(FMT_KIND_DEVICE);
	char name[102];

	(void)state;
	field(device, FMT_DEVICE_HOST_NAME, "pc-042");
	field(device, FMT_DEVICE_LAST_IP, "fe80::2");
	field(device, FMT_DEVICE_ID, "0a1b2c3d4e5f");
	field(device, FMT_DEVICE_NT_DOMAIN, "CONTOSO");
	field(device, FMT_DEVICE_MAC, "AA-BB-CC-DD-EE-FF");
	format_within(BIG);
	expect("shost", "pc-042");
	expect("dvchost", "pc-042");
	expect("dvc", NULL);
	expect("c6a1", "fe80::2");
	expect("c6a1Label", "Device IPv6 Address");
	expect("dvcmac", "aa:bb:cc:dd:ee:ff");
	expect("deviceExternalId", "0a1b2c3d4e5f");
	expect("deviceNtDomain", "CONTOSO");
	memset(name, 'h', 101);
	name[101] = 0;
	field(device, FMT_DEVICE_DNS_NAME, name);
	format_within(BIG);
	expect("shost", name);
	expect("dvchost", NULL);
}

static void test_process_and_file(void **state)
{
	struct fmt_evidence *process = piece(FMT_KIND_PROCESS), *file;

	(void)state;
	field(process, FMT_FILE_NAME, "powershell.exe");
	field(process, FMT_FILE_PATH, "C:\\Windows\\System32\\");
	field(process, FMT_FILE_SHA1, "aa");
	field(process, FMT_FILE_MD5, "bb");
	field(process, FMT_FILE_SIZE, "4294967296");
	field(process, FMT_PROCESS_ID, "4711");
	field(process, FMT_PROCESS_COMMAND_LINE,
		"powershell.exe -enc SQBFAFgA== | out-null");
	field(process, FMT_PARENT_FILE_NAME, "cmd.exe");
	field(process, FMT_PARENT_FILE_PATH, "C:\\Windows");
	field(process, FMT_PARENT_PROCESS_ID, "5000000000");
	field(process, FMT_USER_NAME, "j.m\xC3\xBCller");
	field(process, FMT_USER_DOMAIN, "CONTOSO");
	field(process, FMT_USER_SID, "S-1-5-21");
	field(process, FMT_DETECTION_STATUS, "blocked");
	format_within(BIG);
	expect("fname", "powershell.exe");
	expect("filePath", "C:\\Windows\\System32\\powershell.exe");
	expect("fileHash", "aa");
	expect("MicrosoftDefenderFileSha1", NULL);
	expect("fsize", NULL);
	expect("sproc", "C:\\Windows\\System32\\powershell.exe");
	expect("spid", "4711");
	expect("cs2", "powershell.exe -enc SQBFAFgA== | out-null");
	expect("cs2Label", "processCommandLine");
	expect("MicrosoftDefenderParentProcess", "C:\\Windows\\cmd.exe");
	expect("MicrosoftDefenderParentProcessId", "5000000000");
	expect("suser", "j.m\xC3\xBCller");
	expect("sntdom", "CONTOSO");
	expect("suid", "S-1-5-21");
	expect("act", "blocked");
	file = piece(FMT_KIND_FILE);
	field(file, FMT_FILE_NAME, "x.sh");
	field(file, FMT_FILE_PATH, "/tmp");
	field(file, FMT_FILE_SHA256, "cc");
	field(file, FMT_FILE_SHA1, "dd");
	field(file, FMT_FILE_SIZE, "2147483647");
	format_within(BIG);
	expect("filePath", "/tmp/x.sh");
	expect("fileHash", "cc");
	expect("MicrosoftDefenderFileSha1", "dd");
	expect("MicrosoftDefenderFileMd5", NULL);
	expect("fsize", "2147483647");
	expect("sproc", "C:\\Windows\\System32\\powershell.exe");
	expect("MicrosoftDefenderProcessHash", "aa");
}

static void test_mail(void **state)
{
	struct fmt_evidence *mail = piece(FMT_KIND_MESSAGE),
			    *user = piece(FMT_KIND_USER);
	struct fmt_evidence *url = piece(FMT_KIND_URL);

	(void)state;
	field(mail, FMT_MESSAGE_SENDER, "user.abc@mail.fabrikam.example");
	field(mail, FMT_MESSAGE_RECIPIENT, "testUser3@contoso.com");
	field(mail, FMT_MESSAGE_SENDER_IP, "49.50.81.121");
	field(mail, FMT_MESSAGE_DELIVERY_ACTION, "Delivered");
	field(user, FMT_USER_NAME, "testUser3");
	field(user, FMT_USER_UPN, "testUser3@contoso.com");
	field(url, FMT_URL, "http://down.esales360.example/\xC3\xA4?x=1&y=2|3");
	format_within(BIG);
	expect("suser", "user.abc@mail.fabrikam.example");
	expect("duser", "testUser3@contoso.com");
	expect("src", "49.50.81.121");
	expect("act", "Delivered");
	expect("request", "http://down.esales360.example/\xC3\xA4?x=1&y=2|3");
	expect("MicrosoftDefenderUserPrincipalName", "testUser3@contoso.com");
	expect("MicrosoftDefenderEvidence", NULL);
	url->field_count = 0;
	field(url, FMT_URL, "down.esales360.example/a");
	format_within(BIG);
	expect("request", NULL);
	expect("MicrosoftDefenderUrlText", "down.esales360.example/a");
}

static void test_mail_and_accounts(void **state)
{
	struct fmt_evidence *mail = piece(FMT_KIND_MESSAGE),
			    *user = piece(FMT_KIND_USER);

	(void)state;
	field(mail, FMT_MESSAGE_RECIPIENT, "Adele@contoso.com");
	field(user, FMT_USER_NAME, "adele");
	field(user, FMT_USER_DOMAIN, "CORP");
	field(user, FMT_USER_SID, "S-1-5-21");
	field(user, FMT_USER_UPN, "adele@contoso.com");
	format_within(BIG);
	expect("duser", "Adele@contoso.com");
	expect("dntdom", "CORP");
	expect("duid", "S-1-5-21");
	/* Somebody else: the name of one and the id of another make no person. */
	user->field_count = 3;
	format_within(BIG);
	expect("duser", "Adele@contoso.com");
	expect("dntdom", NULL);
	expect("duid", NULL);
	expect("MicrosoftDefenderEvidence", "user:adele");
	mail->field_count = 0;
	format_within(BIG);
	expect("duser", "adele");
	expect("duid", "S-1-5-21");
	/* The same without mail: an account with nothing but an id, and somebody's mailbox. */
	no_pieces();
	field(piece(FMT_KIND_USER), FMT_USER_SID, "S-1-5-21");
	field(piece(FMT_KIND_MAILBOX), FMT_MAILBOX_ADDRESS, "bob@contoso.com");
	format_within(BIG);
	expect("suser", NULL);
	expect("suid", "S-1-5-21");
	expect("MicrosoftDefenderMailbox", "bob@contoso.com");
}

static void test_evidence_list(void **state)
{
	struct fmt_evidence *e;

	(void)state;
	field(piece(FMT_KIND_FILE), FMT_FILE_NAME, "first.exe");
	e = piece(FMT_KIND_FILE);
	field(e, FMT_VERDICT, "malicious");
	field(e, FMT_FILE_NAME, "a; file:b.exe");
	e = piece(FMT_KIND_OTHER);
	e->type = str("newEvidence");
	field(e, FMT_NAME, "n=1");
	format_within(BIG);
	expect("MicrosoftDefenderEvidence",
		"file:a, file:b.exe(malicious); newEvidence:n=1");
	expect("MicrosoftDefenderEvidenceKinds", "other:1,file:2");
	expect("MicrosoftDefenderVerdict", "malicious");
	expect("cn2", "3");
	expect("cn2Label", "evidenceCount");
}

/* What no key shows must be in the list. */
static void test_evidence_without_a_key(void **state)
{
	static const struct {
		enum fmt_kind kind;
		enum fmt_field_id id;
		const char *value, *want;
	} table[] = {
		{FMT_KIND_CLOUD_RESOURCE, FMT_IMAGE_ID, "payments:1",
			"cloudResource:payments:1"},
		{FMT_KIND_CLOUD_RESOURCE, FMT_REGISTRY_NAME, "contoso.azurecr.io",
			"cloudResource:contoso.azurecr.io"},
		{FMT_KIND_CLOUD_RESOURCE, FMT_RESOURCE_NAME, "vm-1", NULL},
		{FMT_KIND_NETWORK, FMT_DOMAIN_NAME, "abc.tunnel.example",
			"network:abc.tunnel.example"},
		{FMT_KIND_NETWORK, FMT_DEVICE_IP, "10.9.8.7", "network:10.9.8.7"},
		{FMT_KIND_NETWORK, FMT_DEVICE_MAC, "00-1A-2B-3C-4D-5E",
			"network:00-1A-2B-3C-4D-5E"},
		{FMT_KIND_USER, FMT_USER_DISPLAY_NAME, "Adele", "user:Adele"},
		{FMT_KIND_USER, FMT_USER_NAME, "adele", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct fmt_evidence *e;

		no_pieces();
		e = piece(table[i].kind);
		field(e, table[i].id, table[i].value);
		format_within(BIG);
		expect("MicrosoftDefenderEvidence", table[i].want);
		/* The address of who asked for a domain has a key, the domain none. */
		if (table[i].id == FMT_DOMAIN_NAME) {
			field(e, FMT_SOURCE_ADDRESS, "10.0.0.77");
			format_within(BIG);
			expect("src", "10.0.0.77");
			expect("MicrosoftDefenderEvidence", table[i].want);
		}
	}
}

/* The addresses of the connection go with its ports; those with a role must not be lost. */
static void test_addresses_beside_a_connection(void **state)
{
	struct fmt_evidence *from = piece(FMT_KIND_IP), *to = piece(FMT_KIND_IP);
	struct fmt_evidence *net = piece(FMT_KIND_NETWORK);

	(void)state;
	field(from, FMT_IP_ADDRESS, "203.0.113.5");
	field(to, FMT_IP_ADDRESS, "2001:DB8::6");
	alert.source_ip = from;
	alert.destination_ip = to;
	field(net, FMT_SOURCE_ADDRESS, "10.1.1.1");
	field(net, FMT_DESTINATION_ADDRESS, "10.1.1.2");
	format_within(BIG);
	expect("src", "10.1.1.1");
	expect("dst", "10.1.1.2");
	expect("MicrosoftDefenderEvidence", "ip:203.0.113.5; ip:2001:DB8::6");
	/* The same ones are there already, in any spelling. */
	net->field_count = 0;
	field(net, FMT_SOURCE_ADDRESS, "203.0.113.5");
	field(net, FMT_DESTINATION_ADDRESS, "2001:db8:0::6");
	format_within(BIG);
	expect("c6a3", "2001:db8::6");
	expect("MicrosoftDefenderEvidence", NULL);
}

static void test_categories(void **state)
{
	struct fmt_str items[] = {str("Execution"), str("Impact")};

	(void)state;
	alert.categories = (struct fmt_list){items, 1};
	format_within(BIG);
	expect("MicrosoftDefenderCategories", NULL);
	alert.categories.count = 2;
	format_within(BIG);
	expect("MicrosoftDefenderCategories", "Execution,Impact");
	alert.category.n = 0;
	alert.categories.count = 1;
	format_within(BIG);
	expect("MicrosoftDefenderCategories", "Execution");
}

static void test_forgery(void **state)
{
	struct fmt_evidence *process = piece(FMT_KIND_PROCESS);

	(void)state;
	field(process, FMT_FILE_NAME, "x src=9.9.9.9 cs5=other");
	field(process, FMT_PROCESS_COMMAND_LINE,
		"a\\ dst=8.8.8.8 \\= suser=root\n<13>CEF:0|");
	alert.title = str("x|9|src=1.1.1.1 ");
	format_within(BIG);
	expect("src", NULL);
	expect("dst", NULL);
	expect("suser", NULL);
	expect("cs5", "acme");
	expect("fname", "x src=9.9.9.9 cs5=other");
	expect("cs2", "a\\ dst=8.8.8.8 \\= suser=root\n<13>CEF:0|");
	assert_string_equal(event.header[4], "x|9|src=1.1.1.1");
}

static void test_techniques(void **state)
{
	struct fmt_str items[] = {str("T1059.001"), str(" "), str("T1027")};

	(void)state;
	alert.mitre_techniques = (struct fmt_list){items, 3};
	format_within(BIG);
	expect("cs3", "T1059.001,T1027");
	expect("cs3Label", "mitreTechniques");
}

/* Each rung: evidence goes first, then optional keys, then the ends of long texts, then plain
 * keys; what identifies the alert never. */
static void test_oversize(void **state)
{
	static char line[6000], text[3000];
	struct fmt_evidence *process;
	size_t whole, size;
	int saw_cut = 0, saw_gone = 0;

	(void)state;
	memset(line, '\\', sizeof(line));
	memset(text, '=', sizeof(text));
	alert.description = (struct fmt_str){text, sizeof(text)};
	alert.assigned_to = str("analyst@mssp.example");
	process = piece(FMT_KIND_PROCESS);
	field(process, FMT_FILE_NAME, "powershell.exe");
	fields[0][1] =
		(struct fmt_field){FMT_PROCESS_COMMAND_LINE, {line, sizeof(line)}};
	process->field_count = 2;
	field(piece(FMT_KIND_FILE), FMT_FILE_NAME, "a.exe");
	field(piece(FMT_KIND_FILE), FMT_FILE_NAME, "b.exe");
	format_within(BIG);
	whole = check.body.n;
	assert_non_null(cef_value(&event, "MicrosoftDefenderEvidence"));
	assert_int_equal(strlen(cef_value(&event, "cs2")), 4000);
	format_within(whole - 1);
	expect("MicrosoftDefenderEvidence", NULL);
	expect("MicrosoftDefenderAssignedTo", "analyst@mssp.example");
	for (size = whole; size > 300; size -= size > 2500 ? 13 : 1) {
		const char *omitted, *line_sent;

		format_within(size);
		if (check.result == FMT_TOO_SMALL)
			break;
		omitted = cef_value(&event, "AlertrelayOmitted");
		line_sent = cef_value(&event, "cs2");
		expect("MicrosoftDefenderAlertId", "da637551227677560813_-961444813");
		expect("flexString1",
			"https://security.microsoft.com/alerts/da63?tid=0000");
		expect("flexString2",
			"https://security.microsoft.com/incidents/28282?tid=0000");
		expect("cs5", "acme");
		expect("cn1", "28282");
		if (omitted)
			assert_int_equal(
				strtol(omitted, NULL, 10), check.message.shed_fields);
		/* Plain keys go only after the command line has been cut. */
		if (line_sent && strlen(line_sent) == 4000)
			expect("fname", "a.exe");
		else
			saw_cut += line_sent != NULL;
		saw_gone += !line_sent;
	}
	assert_true(saw_cut > 100);
	assert_true(saw_gone > 0);
	assert_int_equal(check.result, FMT_TOO_SMALL);
	assert_int_equal(check.body.n, 0);
}

static void test_small_maxima(void **state)
{
	(void)state;
	for (size_t size = 0; size < 900; size++) {
		format_within(size);
		if (check.result == FMT_OK)
			expect("cs5", "acme");
	}
}

static void test_options(void **state)
{
	static const struct fmt_option good[] = {{"version", "1"},
		{"leading_space", "yes"}, {"replace_pipe", "yes"},
		{"device_version", "2|0"}};
	static const struct {
		struct fmt_option option;
		const char *part;
	} bad[] = {
		{{"version", "2"}, "must be 0 or 1"},
		{{"leading_space", "true"}, "must be yes or no"},
		{{"replace_pipe", ""}, "must be yes or no"},
		{{"device_version", " "}, "must have 1 to 31 characters"},
		{{"device_version", "12345678901234567890123456789012"}, "1 to 31"},
		{{"severity", "high=11"}, "write one of CEF's numbers from 0 to 10"},
		{{"colour", "red"}, "there is no option \"colour\""},
	};
	char error[200];

	(void)state;
	open_with(good, 4);
	check_format(&check, &cef_module, &alert, BIG);
	assert_true(cef_read(&event, check.body.p, check.body.n));
	assert_int_equal(event.version, '1');
	assert_string_equal(event.header[2], "2/0");
	assert_string_equal(event.header[4], "Suspicious PowerShell / encoded command");
	assert_non_null(memmem(check.body.p, check.body.n, "|5| rt=", 7));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		error[0] = 0;
		assert_null(cef_module.open(&bad[i].option, 1, error, sizeof(error)));
		assert_non_null(strstr(error, bad[i].part));
		assert_non_null(strstr(error, bad[i].option.name));
	}
}

static void test_registry(void **state)
{
	(void)state;
	assert_ptr_equal(format_find("cef", 3), &cef_module);
	assert_ptr_equal(format_find("rfc5424-json", 12), &rfc5424_json_module);
	assert_null(format_find("ce", 2));
	assert_null(format_find("cefx", 4));
	assert_ptr_equal(format_find("leef", 4), &leef_module);
	assert_null(format_at(format_count()));
	for (size_t i = 0; i < format_count(); i++) {
		assert_ptr_equal(
			format_find(format_at(i)->name, strlen(format_at(i)->name)),
			format_at(i));
		assert_int_equal(format_at(i)->abi_version, FMT_ABI);
		assert_int_equal(format_at(i)->struct_size, sizeof(struct fmt_module));
	}
}

static void test_property(void **state)
{
	(void)state;
	format_property(check_cef);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_golden, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(test_header, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(
			test_severities, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(
			test_own_severities, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(test_times, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(test_ids, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(
			test_long_link, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(
			test_addresses, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(test_network, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(test_device, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(
			test_process_and_file, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(test_mail, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(
			test_mail_and_accounts, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(
			test_evidence_list, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(
			test_evidence_without_a_key, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(
			test_addresses_beside_a_connection, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(
			test_categories, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(test_forgery, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(
			test_techniques, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(test_oversize, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(
			test_small_maxima, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(test_options, setup, format_tear_down),
		cmocka_unit_test(test_registry),
		cmocka_unit_test_setup_teardown(test_property, setup, format_tear_down),
	};

	return cmocka_run_group_tests_name("cef", tests, NULL, NULL);
}
