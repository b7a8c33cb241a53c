/* test_leef.c - the LEEF formatter, read back with a parser of its own. */
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
#include "leef_reader.h"
#include "tests/fuzz/random_alert.h"

static struct leef_event event;

static int setup(void **state)
{
	(void)state;
	format_set_up_texts(&leef_module);
	alert.title = str("Suspicious PowerShell | encoded ^ command");
	return 0;
}

static void format_within(size_t maximum)
{
	format_checked(maximum, check_leef);
	if (check.result == FMT_OK && !leef_read(&event, check.body.p, check.body.n))
		fail_msg("%s", event.error);
}

static void expect(const char *key, const char *want)
{
	expect_pair(key, leef_value(&event, key), want);
}

/* In `want` each ^ stands for the delimiter. */
static void expect_line(const char *want, char delimiter)
{
	size_t n = strlen(want);
	char *line = malloc(n + 1);

	assert_non_null(line);
	for (size_t i = 0; i <= n; i++)
		line[i] = want[i] == '^' ? delimiter : want[i];
	assert_int_equal(check.body.n, n);
	assert_memory_equal(check.body.p, line, n);
	free(line);
}

#define GOLDEN_PAIRS(title)                                                            \
	"devTime=1772360430123^sev=5^alertId=da637551227677560813_-961444813^"         \
	"alertVersion=00112233445566aa^customer=acme^"                                 \
	"tenantId=b3c1b5fc-828c-45fa-a1e1-10d74f6d6e9c^cat=Execution^"                 \
	"title=" title "^incidentId=28282^status=new^"                                 \
	"url=https://security.microsoft.com/alerts/da63?tid=0000^"                     \
	"incidentUrl=https://security.microsoft.com/incidents/28282?tid=0000^"         \
	"customerName=Acme Inc.^sourceApi=graph-alerts^"                               \
	"description=A process ran. See C:\\Temp\\x.log for x=1 | y."

#define GOLDEN_HEADER                                                                  \
	".0|Microsoft|Microsoft Defender for Endpoint|1.0|"                            \
	"7f1c3609-a3ff-40e2-995b-c01770161d68|"

static void test_golden(void **state)
{
	static const struct fmt_option version[] = {{"version", "1.0"}};
	size_t whole;

	(void)state;
	format_within(BIG);
	whole = check.body.n;
	assert_non_null(memmem(check.body.p, whole, "|^|devTime", 10));
	assert_string_equal(event.delimiter_text, "^");
	expect("title", "Suspicious PowerShell | encoded   command");
	alert.title = str("Suspicious PowerShell");
	format_within(BIG);
	expect_line(
		"LEEF:2" GOLDEN_HEADER "^|" GOLDEN_PAIRS("Suspicious PowerShell"), '^');
	assert_int_equal(check.message.shed_fields + check.message.cut_texts, 0);
	/* Exactly as large as it is: nothing is shed; one octet less: something is. */
	whole = check.body.n;
	format_within(whole);
	assert_int_equal(check.message.shed_fields, 0);
	format_within(whole - 1);
	assert_int_equal(check.result, FMT_OK);
	assert_true(check.message.shed_fields > 0);

	open_with(version, 1);
	alert.title = str("Suspicious PowerShell");
	format_within(BIG);
	expect_line("LEEF:1" GOLDEN_HEADER GOLDEN_PAIRS("Suspicious PowerShell"), '\t');
	/* With a TAB between attributes a caret may stay. */
	alert.title = str("p^o^w^e^r\tshell");
	format_within(BIG);
	expect("title", "p^o^w^e^r shell");
	assert_int_equal(event.delimiter, '\t');
}

static void test_header(void **state)
{
	char long_text[3000];

	(void)state;
	alert.product_name = str(" \t^");
	alert.service_source = str("MICROSOFTdefenderForIdentity");
	alert.detector_id = str("a=1%2#3|4\\5^6");
	alert.title = str("\n\xC2\x85^");
	alert.severity = FMT_SEVERITY_UNKNOWN;
	alert.severity_text = str("HIGH");
	format_within(BIG);
	assert_string_equal(event.header[0], "Microsoft");
	assert_string_equal(event.header[1], "Microsoft Defender XDR");
	assert_string_equal(event.header[2], "1.0");
	assert_string_equal(event.header[3], "a=1%2#3/4\\5 6");
	expect("title", "Alert");
	expect("sev", "8");

	alert.product_name.n = 0;
	alert.detector_id.n = 0;
	alert.title.n = 0;
	format_within(BIG);
	assert_string_equal(event.header[1], "Microsoft Defender for Identity");
	assert_string_equal(event.header[3], "Execution");
	expect("title", "Execution");

	alert.category.n = 0;
	format_within(BIG);
	assert_string_equal(event.header[3], "alert");
	expect("title", "Alert");
	alert.detector_id = str("^|^");
	format_within(BIG);
	assert_string_equal(event.header[3], "/");
	alert.detector_id = str("^^");
	format_within(BIG);
	assert_string_equal(event.header[3], "alert");

	memset(long_text, 'x', sizeof(long_text));
	alert.title = alert.product_name = alert.detector_id =
		(struct fmt_str){long_text, sizeof(long_text)};
	format_within(BIG);
	assert_int_equal(strlen(event.header[1]), 63);
	assert_int_equal(strlen(event.header[3]), 255);
	assert_string_equal(event.header[3] + 252, "...");
	assert_int_equal(strlen(leef_value(&event, "title")), 512);
	assert_int_equal(check.message.cut_texts, 3);
}

static void test_severities(void **state)
{
	static const char *const want[] = {"1", "2", "3", "5", "8"};

	(void)state;
	for (int i = 0; i < 5; i++) {
		alert.severity = (enum fmt_severity)i;
		format_within(BIG);
		expect("sev", want[i]);
	}
}

/* devTime has 13 digits or is not there: with others a reader needs a pattern. */
static void test_times(void **state)
{
	(void)state;
	alert.created = FMT_NO_TIME;
	format_within(BIG);
	expect("devTime", NULL);
	expect("lastUpdateDateTime", NULL);
	/* 57.9999999 s is not 58 s */
	alert.updated = INT64_C(16116908379999999);
	format_within(BIG);
	expect("devTime", "1611690837999");
	expect("lastUpdateDateTime", "1611690837999");
	alert.created = INT64_C(9999999999999999);
	format_within(BIG);
	expect("devTime", NULL);
	expect("createdDateTime", "999999999999");
	alert.created = INT64_C(10000000000000000);
	format_within(BIG);
	expect("devTime", "1000000000000");
	expect("createdDateTime", NULL);
	alert.created = INT64_C(100000000000000000);
	format_within(BIG);
	expect("devTime", NULL);
	expect("createdDateTime", "10000000000000");
	alert.created = -1;
	alert.first_activity = INT64_C(17723604017720000);
	alert.last_activity = INT64_C(17723604150000000);
	alert.resolved = INT64_C(17723604150000001);
	format_within(BIG);
	expect("devTime", "1611690837999");
	expect("firstActivityDateTime", "1772360401772");
	expect("lastActivityDateTime", "1772360415000");
	expect("resolvedDateTime", "1772360415000");
}

static void test_ids(void **state)
{
	char url[1200];

	(void)state;
	alert.id = str("ad3ef58dc561c3234527be2d9ff82524a967a5fb1c");
	alert.incident_id = str("9223372036854775808");
	memset(url, 'u', sizeof(url));
	alert.alert_url = (struct fmt_str){url, sizeof(url)};
	format_within(BIG);
	expect("alertId", "ad3ef58dc561c3234527be2d9ff82524a967a5fb1c");
	expect("incidentId", "9223372036854775808");
	assert_int_equal(strlen(leef_value(&event, "url")), 1200);
	alert.incident_id = str("007");
	format_within(BIG);
	expect("incidentId", "007");
}

static void test_addresses(void **state)
{
	static const struct {
		const char *text, *address, *kept;
	} table[] = {
		{"203.0.113.7", "203.0.113.7", NULL},
		{"::ffff:10.0.0.1", "10.0.0.1", NULL},
		{"2001:DB8::1", "2001:db8::1", NULL},
		{"[2001:db8::1]", NULL, "[2001:db8::1]"},
		{"fe80::1%eth0", NULL, "fe80::1%eth0"},
		{"1.2.3.4:443", NULL, "1.2.3.4:443"},
		{"1.2.3.4,5.6.7.8", NULL, "1.2.3.4,5.6.7.8"},
		{"host.example", NULL, "host.example"},
		{" ", NULL, NULL},
	};
	struct fmt_evidence *ip = piece(FMT_KIND_IP);

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		ip->field_count = 0;
		field(ip, FMT_IP_ADDRESS, table[i].text);
		alert.source_ip = ip;
		alert.destination_ip = NULL;
		format_within(BIG);
		expect("src", table[i].address);
		expect("dst", NULL);
		expect("addressText", table[i].kept);
		alert.source_ip = NULL;
		alert.destination_ip = ip;
		format_within(BIG);
		expect("src", NULL);
		expect("dst", table[i].address);
	}
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
	expect("srcPort", NULL);
	expect("dst", "2001:db8::2");
	expect("dstPort", "443");
	expect("proto", "TCP");
	expect("protocolText", NULL);
	net->field_count = 0;
	field(net, FMT_PROTOCOL, "IPv6-ICMP");
	format_within(BIG);
	expect("proto", "IPv6-ICMP");
	/* neither a number nor a keyword */
	net->field_count = 0;
	field(net, FMT_PROTOCOL, "tcp over dns");
	format_within(BIG);
	expect("proto", NULL);
	expect("protocolText", "tcp over dns");
}

static void test_device(void **state)
{
	struct fmt_evidence *device = piece(FMT_KIND_DEVICE);
	char name[300];

	(void)state;
	field(device, FMT_DEVICE_HOST_NAME, "pc-042");
	field(device, FMT_DEVICE_ID, "0a1b2c3d4e5f");
	field(device, FMT_DEVICE_NT_DOMAIN, "CONTOSO");
	field(device, FMT_DEVICE_MAC, "AA-BB-CC-DD-EE-FF");
	format_within(BIG);
	expect("resource", "pc-042");
	expect("identSrc", NULL);
	expect("identHostName", NULL);
	expect("deviceMac", "aa:bb:cc:dd:ee:ff");
	expect("deviceId", "0a1b2c3d4e5f");
	expect("deviceNtDomain", "CONTOSO");
	field(device, FMT_DEVICE_LAST_IP, "fe80::2");
	format_within(BIG);
	expect("identSrc", "fe80::2");
	expect("identHostName", "pc-042");
	memset(name, 'h', 256);
	name[256] = 0;
	field(device, FMT_DEVICE_DNS_NAME, name);
	format_within(BIG);
	expect("resource", name);
	expect("identSrc", "fe80::2");
	expect("identHostName", NULL);
}

static void test_process_and_file(void **state)
{
	struct fmt_evidence *process = piece(FMT_KIND_PROCESS), *file;

	(void)state;
	field(process, FMT_FILE_NAME, "powershell.exe");
	field(process, FMT_FILE_PATH, "C:\\Windows\\System32\\");
	field(process, FMT_FILE_SHA1, "aa");
	field(process, FMT_PROCESS_ID, "4711");
	field(process, FMT_PROCESS_COMMAND_LINE,
		"cmd /c p^owershell -enc SQBFAFgA== | out-null");
	field(process, FMT_PARENT_FILE_NAME, "cmd.exe");
	field(process, FMT_PARENT_FILE_PATH, "C:\\Windows");
	field(process, FMT_USER_NAME, "j.m\xC3\xBCller");
	field(process, FMT_USER_DOMAIN, "CONTOSO");
	field(process, FMT_USER_SID, "S-1-5-21");
	field(process, FMT_DETECTION_STATUS, "blocked");
	format_within(BIG);
	expect("fileName", "powershell.exe");
	expect("filePath", "C:\\Windows\\System32\\powershell.exe");
	expect("fileHash", "aa");
	expect("process", "C:\\Windows\\System32\\powershell.exe");
	expect("processId", "4711");
	expect("processCommandLine", "cmd /c p owershell -enc SQBFAFgA== | out-null");
	expect("parentProcess", "C:\\Windows\\cmd.exe");
	expect("usrName", "j.m\xC3\xBCller");
	expect("domain", "CONTOSO");
	expect("userId", "S-1-5-21");
	expect("action", "blocked");
	file = piece(FMT_KIND_FILE);
	field(file, FMT_FILE_NAME, "x.sh");
	field(file, FMT_FILE_PATH, "/tmp");
	field(file, FMT_FILE_SHA256, "cc");
	field(file, FMT_FILE_SHA1, "dd");
	format_within(BIG);
	expect("filePath", "/tmp/x.sh");
	expect("fileHash", "cc");
	expect("fileSha1", "dd");
	expect("processHash", "aa");
}

/* The account is who got the mail, never the stranger who sent it. */
static void test_mail(void **state)
{
	struct fmt_evidence *mail = piece(FMT_KIND_MESSAGE),
			    *user = piece(FMT_KIND_USER);
	struct fmt_evidence *url = piece(FMT_KIND_URL);

	(void)state;
	field(mail, FMT_MESSAGE_SENDER, "user.abc@mail.fabrikam.example");
	field(mail, FMT_MESSAGE_RECIPIENT, "testUser3@contoso.com");
	field(mail, FMT_MESSAGE_SENDER_IP, "49.50.81.121");
	field(user, FMT_USER_NAME, "testUser3");
	field(user, FMT_USER_DOMAIN, "CONTOSO");
	field(user, FMT_USER_UPN, "testUser3@contoso.com");
	field(url, FMT_URL, "down.esales360.example/a?x=1");
	format_within(BIG);
	expect("sender", "user.abc@mail.fabrikam.example");
	expect("usrName", "testUser3@contoso.com");
	expect("domain", "CONTOSO");
	expect("src", "49.50.81.121");
	expect("requestUrl", "down.esales360.example/a?x=1");
	url->field_count = 0;
	field(url, FMT_URL, "http://down.esales360.example/\xC3\xA4?x=1&y=2|3");
	format_within(BIG);
	expect("requestUrl", "http://down.esales360.example/\xC3\xA4?x=1&y=2|3");
}

static void test_long_account(void **state)
{
	char name[400];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	field(piece(FMT_KIND_USER), FMT_USER_NAME, name);
	format_within(BIG);
	assert_int_equal(strlen(leef_value(&event, "usrName")), 255);
	assert_string_equal(leef_value(&event, "usrName") + 252, "...");
	assert_int_equal(check.message.cut_texts, 1);
}

static void test_forgery(void **state)
{
	struct fmt_evidence *process = piece(FMT_KIND_PROCESS);

	(void)state;
	field(process, FMT_FILE_NAME, "x^src=9.9.9.9^customer=other");
	field(process, FMT_PROCESS_COMMAND_LINE,
		"^^a\tdst=8.8.8.8\n<13>LEEF:1.0|a|b|c|d|usrName=root^ ^");
	alert.detector_id = str("x|^|src=1.1.1.1^");
	alert.title = str("^sev=10");
	format_within(BIG);
	expect("src", NULL);
	expect("dst", NULL);
	expect("usrName", NULL);
	expect("customer", "acme");
	expect("sev", "5");
	expect("title", "sev=10");
	expect("fileName", "x src=9.9.9.9 customer=other");
	expect("processCommandLine", "a dst=8.8.8.8 <13>LEEF:1.0|a|b|c|d|usrName=root");
	assert_string_equal(event.header[3], "x/ /src=1.1.1.1");
	/* nothing but separators is nothing */
	no_pieces();
	field(piece(FMT_KIND_USER), FMT_USER_NAME, " ^ ^ ");
	format_within(BIG);
	expect("usrName", NULL);
}

/* Each rung: evidence goes first, then optional keys, then the ends of long texts, then plain keys,
 * at last the end of the title; what identifies the alert never. */
static void test_oversize(void **state)
{
	static char line[6000], text[3000], title[500];
	struct fmt_evidence *process;
	size_t whole, size, least = 0;
	int saw_cut = 0, saw_gone = 0, saw_title = 0;

	(void)state;
	memset(line, '\\', sizeof(line));
	memset(text, '=', sizeof(text));
	memset(title, 't', sizeof(title));
	alert.title = (struct fmt_str){title, sizeof(title)};
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
	assert_non_null(leef_value(&event, "evidence"));
	assert_int_equal(strlen(leef_value(&event, "processCommandLine")), 4000);
	format_within(whole - 1);
	expect("evidence", NULL);
	expect("assignedTo", "analyst@mssp.example");
	for (size = whole; size > 300; size -= size > 1500 ? 13 : 1) {
		const char *line_sent, *title_sent;

		format_within(size);
		if (check.result == FMT_TOO_SMALL)
			break;
		least = check.body.n;
		line_sent = leef_value(&event, "processCommandLine");
		title_sent = leef_value(&event, "title");
		expect("alertId", "da637551227677560813_-961444813");
		expect("url", "https://security.microsoft.com/alerts/da63?tid=0000");
		expect("incidentUrl",
			"https://security.microsoft.com/incidents/28282?tid=0000");
		expect("customer", "acme");
		expect("incidentId", "28282");
		expect("sev", "5");
		/* Plain keys go only after the command line has been cut. */
		if (line_sent && strlen(line_sent) == 4000)
			expect("fileName", "a.exe");
		else
			saw_cut += line_sent != NULL;
		saw_gone += !line_sent;
		/* The title goes last. */
		assert_non_null(title_sent);
		if (strlen(title_sent) < 500) {
			expect("cat", NULL);
			expect("processCommandLine", NULL);
			saw_title++;
		}
	}
	assert_true(saw_cut > 100);
	assert_true(saw_gone > 0);
	assert_true(saw_title > 100);
	assert_true(least > 300);
	assert_int_equal(check.result, FMT_TOO_SMALL);
	assert_int_equal(check.body.n, 0);
}

static void test_small_maxima(void **state)
{
	(void)state;
	for (size_t size = 0; size < 900; size++) {
		format_within(size);
		if (check.result == FMT_OK)
			expect("customer", "acme");
	}
}

static void test_delimiters(void **state)
{
	static const struct {
		const char *text;
		char delimiter;
		const char *title;
	} table[] = {
		{"^", '^', "a b\"c"},
		{"x5E", '^', "a b\"c"},
		{"0x5e", '^', "a b\"c"},
		{"0x005E", '^', "a b\"c"},
		{"x09", '\t', "a^b\"c"},
		{"\t", '\t', "a^b\"c"},
		{"\"", '"', "a^b c"},
		{"~", '~', "a^b\"c"},
	};

	(void)state;
	alert.title = str("a^b\"c");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct fmt_option option = {"delimiter", table[i].text};

		open_with(&option, 1);
		format_within(BIG);
		assert_int_equal(event.delimiter, table[i].delimiter);
		assert_string_equal(event.delimiter_text,
			*table[i].text == '\t' ? "x09" : table[i].text);
		expect("title", table[i].title);
		expect("sev", "5");
	}
}

static void test_options(void **state)
{
	static const struct fmt_option good[][2] = {
		{{"delimiter", "x09"}, {"version", "1.0"}},
		{{"version", "1.0"}, {"delimiter", "0x9"}},
		{{"device_version", "2|0"}, {"version", "1.0"}},
		{{"device_version", "2^0"}, {"version", "2.0"}},
	};
	static const struct {
		struct fmt_option option;
		const char *part;
	} bad[] = {
		{{"version", "1"}, "must be 1.0 or 2.0"},
		{{"version", "3.0"}, "must be 1.0 or 2.0"},
		{{"delimiter", ""}, "must be one of"},
		{{"delimiter", " "}, "must be one of"},
		{{"delimiter", "|"}, "must be one of"},
		{{"delimiter", "x7C"}, "must be one of"},
		{{"delimiter", "="}, "must be one of"},
		{{"delimiter", "x"}, "must be one of"},
		{{"delimiter", "a"}, "must be one of"},
		{{"delimiter", "."}, "must be one of"},
		{{"delimiter", "\n"}, "must be one of"},
		{{"delimiter", "x0A"}, "must be one of"},
		{{"delimiter", "x0"}, "must be one of"},
		{{"delimiter", "^^"}, "must be one of"},
		{{"delimiter", "x00005E"}, "must be one of"},
		{{"delimiter", "x-5E"}, "must be one of"},
		{{"delimiter", "xA6"}, "must be one of"},
		{{"delimiter", "x1FFFF"}, "must be one of"},
		{{"delimiter", "\xC2\xA6"}, "must be one of"},
		{{"device_version", " "}, "must have 1 to 31 characters"},
		{{"severity", "low=0"}, "write one of LEEF's numbers from 1 to 10"},
		{{"colour", "red"}, "there is no option \"colour\""},
	};
	static const struct fmt_option crossed[] = {
		{"version", "1.0"}, {"delimiter", "^"}};
	char error[300];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		open_with(good[i], 2);
		format_within(BIG);
		assert_int_equal(event.version, i < 3 ? '1' : '2');
	}
	assert_string_equal(event.header[2], "2 0");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		error[0] = 0;
		assert_null(leef_module.open(&bad[i].option, 1, error, sizeof(error)));
		assert_non_null(strstr(error, bad[i].part));
		assert_non_null(strstr(error, bad[i].option.name));
	}
	assert_null(leef_module.open(crossed, 2, error, sizeof(error)));
	assert_non_null(strstr(error, "version 1.0 knows only TAB"));
}

static void test_own_severities(void **state)
{
	static const struct fmt_option own = {"severity", "high=10,unknown=9,low=1"};
	static const char *const want[] = {"9", "2", "1", "5", "10"};

	(void)state;
	open_with(&own, 1);
	for (int i = 0; i < 5; i++) {
		alert.severity = (enum fmt_severity)i;
		format_within(BIG);
		expect("sev", want[i]);
	}
}

static void test_one_product(void **state)
{
	static const struct fmt_option option = {"product", " Defender | XDR "};
	char error[200];

	(void)state;
	expect("product", NULL);
	open_with(&option, 1);
	format_within(BIG);
	assert_string_equal(event.header[1], "Defender / XDR");
	expect("product", "Microsoft Defender for Endpoint");
	assert_null(leef_module.open(
		&(struct fmt_option){"product", ""}, 1, error, sizeof(error)));
	assert_non_null(strstr(error, "product is \"\", but must have 1 to 63"));
}

static void test_property(void **state)
{
	(void)state;
	format_property(check_leef);
}

/* Without blanks and what LEEF makes a blank. */
static void squeeze(char *to, const char *s, char delimiter)
{
	for (; *s; s++)
		if (*s != ' ' && *s != '\n' && *s != delimiter)
			*to++ = *s;
	*to = 0;
}

#define PAIR(id, class, max, key, leef_key) {key, leef_key},
#define LABELLED(id, class, max, key, label, leef_key) {key, leef_key},
#define BOUNDED(id, class, max, key, leef_max, leef_key) {key, leef_key},
static const struct {
	const char *cef, *leef;
} both[] = {
#include "formats/pick.def"
	{"externalId", "alertId"},
	{"dvchost", "resource"},
};

/* One is the other, or what a mark at its end has left of it. */
static int is_same(const char *got, const char *want)
{
	const char *texts[2] = {got, want};

	for (size_t i = 0; i < 2; i++) {
		size_t n = strlen(texts[i]);

		if (n >= 3 && !strcmp(texts[i] + n - 3, "...") &&
			!strncmp(got, want, n - 3))
			return 1;
	}
	return !strcmp(got, want);
}

/* Some rows share a key in CEF; the value must be in one of LEEF's. */
static void expect_said(const struct cef_pair *pair)
{
	static char want[20000], got[20000];
	size_t n = strlen(pair->key), known = 0;

	if (n > 5 && !strcmp(pair->key + n - 5, "Label"))
		return;
	assert_true(pair->n < sizeof(want));
	squeeze(want, pair->value, event.delimiter);
	for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++) {
		const char *value;

		if (strcmp(both[i].cef, pair->key) != 0)
			continue;
		known++;
		value = leef_value(&event, both[i].leef);
		if (!value && !strcmp(pair->key, "rt"))
			value = leef_value(&event, "createdDateTime");
		if (!value && !strcmp(pair->key, "proto"))
			value = leef_value(&event, "protocolText");
		squeeze(got, value ? value : "", event.delimiter);
		if (is_same(got, want))
			return;
	}
	fail_msg("%s=%s has %zu keys in LEEF, but is not there\n%.*s", pair->key,
		pair->value, known, (int)check.body.n, check.body.p);
}

/* Nothing that CEF shows is missing; with 1.0, the other delimiter. */
static void test_as_much_as_cef(void **state)
{
	static struct random_alert random;
	static struct cef_event cef_event;
	static const struct fmt_option version = {"version", "1.0"};
	unsigned char data[1600];
	struct check cef = {0};
	char error[100];
	size_t pairs = 0;
	uint64_t seed = 88172645463325252u;

	(void)state;
	cef.module = cef_module.open(NULL, 0, error, sizeof(error));
	assert_non_null(cef.module);
	open_with(&version, 1);
	for (int i = 0; i < 20000; i++) {
		for (size_t k = 0; k < sizeof(data); k += 8) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			memcpy(data + k, &seed, 8);
		}
		random_alert_build(&random, data, sizeof(data));
		check_format(&cef, &cef_module, &random.alert, BIG);
		check_format(&check, &leef_module, &random.alert, BIG);
		assert_true(cef_read(&cef_event, cef.body.p, cef.body.n));
		if (check_leef(&check, &random.alert))
			fail_msg("%s", check_leef(&check, &random.alert));
		assert_true(leef_read(&event, check.body.p, check.body.n));
		for (size_t k = 0; k < cef_event.pair_count; k++)
			expect_said(&cef_event.pairs[k]);
		pairs += cef_event.pair_count;
	}
	assert_true(pairs > 200000);
	check_free(&cef, &cef_module);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_golden, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(test_header, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(
			test_severities, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(test_times, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(test_ids, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(
			test_addresses, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(test_network, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(test_device, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(
			test_process_and_file, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(test_mail, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(
			test_long_account, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(test_forgery, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(test_oversize, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(
			test_small_maxima, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(
			test_delimiters, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(test_options, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(
			test_own_severities, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(
			test_one_product, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(test_property, setup, format_tear_down),
		cmocka_unit_test_setup_teardown(
			test_as_much_as_cef, setup, format_tear_down),
	};

	return cmocka_run_group_tests_name("leef", tests, NULL, NULL);
}
