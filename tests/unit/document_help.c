#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "document_help.h"

yajl_val document;

void write_document(size_t maximum, format_check *verify)
{
	char error[200];

	format_checked(maximum, verify);
	yajl_tree_free(document);
	document = NULL;
	if (check.result != FMT_OK)
		return;
	assert_true(check_grow(&check.body, check.body.n + 1));
	check.body.p[check.body.n] = 0;
	document = yajl_tree_parse(check.body.p, error, sizeof(error));
	assert_non_null(document);
}

int document_tear_down(void **state)
{
	yajl_tree_free(document);
	document = NULL;
	return format_tear_down(state);
}

yajl_val at(const char *path)
{
	yajl_val v = document;
	char name[64];

	while (v && *path) {
		size_t n = strcspn(path, ".");
		yajl_val next = NULL;

		assert_true(n < sizeof(name));
		memcpy(name, path, n);
		name[n] = 0;
		path += n + (path[n] == '.');
		if (v->type == yajl_t_array) {
			size_t i = strtoul(name, NULL, 10);

			next = i < v->u.array.len ? v->u.array.values[i] : NULL;
		} else if (v->type == yajl_t_object) {
			for (size_t i = 0; i < v->u.object.len && !next; i++)
				if (!strcmp(v->u.object.keys[i], name))
					next = v->u.object.values[i];
		}
		v = next;
	}
	return v;
}

const char *text_at(const char *path)
{
	yajl_val v = at(path);

	if (!v)
		return NULL;
	switch (v->type) {
	case yajl_t_string:
		return v->u.string;
	case yajl_t_number:
		return v->u.number.r;
	case yajl_t_true:
		return "true";
	case yajl_t_false:
		return "false";
	default:
		return NULL;
	}
}

void expect(const char *path, const char *want)
{
	const char *got = text_at(path);

	if (!got || strcmp(got, want) != 0)
		fail_msg("%s is %s, not %s\n%s", path, got ? got : "not there", want,
			check.body.p);
}

void expect_none(const char *path)
{
	if (at(path))
		fail_msg("%s is there\n%s", path, check.body.p);
}

static struct fmt_evidence *piece_of(enum fmt_kind kind, const char *type)
{
	struct fmt_evidence *e = piece(kind);

	e->type = str(type);
	e->created = FMT_NO_TIME;
	return e;
}

void fill_alert(void)
{
	static const struct fmt_comment comment = {
		{"fine", 4}, {"me", 2}, INT64_C(17723604301234567)};
	static struct fmt_str techniques[] = {{"T1059.001", 9}, {"T1027", 5}};
	static struct fmt_str tags[] = {{"tag", 3}};
	struct fmt_evidence *e;

	alert.customer_name = str("Acme Inc");
	alert.title = str("Suspicious \"thing\"");
	alert.description = str("What\nhappened");
	alert.recommended_actions = str("Do this");
	alert.category = str("Execution");
	alert.status = str("new");
	alert.detector_id = str("det-17");
	alert.detection_source = str("antivirus");
	alert.service_source = str("microsoftDefenderForEndpoint");
	alert.alert_url = str("https://security.microsoft.com/alerts/1");
	alert.incident_url = str("https://security.microsoft.com/incidents/1");
	alert.threat_name = str("Trojan:Win32/X");
	alert.actor = str("EVIL");
	alert.mitre_techniques = (struct fmt_list){techniques, 2};
	alert.custom_tags = (struct fmt_list){tags, 1};
	alert.comments = &comment;
	alert.comment_count = 1;
	alert.custom_details = str("{\"k\":[1]}");
	alert.created = INT64_C(17723604301231234);
	alert.updated = INT64_C(17723604319999999);
	alert.first_activity = INT64_C(17723604000000000);
	alert.last_activity = INT64_C(17723604200000000);

	e = piece_of(FMT_KIND_DEVICE, "deviceEvidence");
	e->created = alert.created;
	field(e, FMT_DEVICE_DNS_NAME, "PC-042.Contoso.example");
	field(e, FMT_DEVICE_HOST_NAME, "PC-042");
	field(e, FMT_DEVICE_ID, "73e7");
	field(e, FMT_DEVICE_LAST_IP, "10.1.2.3");
	field(e, FMT_DEVICE_IP, "not an address");
	field(e, FMT_DEVICE_IP, "FE80::1");
	field(e, FMT_DEVICE_MAC, "aa-bb-cc-dd-ee-ff");
	field(e, FMT_DEVICE_OS, "Windows11");
	field(e, FMT_DEVICE_RISK, "high");

	e = piece_of(FMT_KIND_PROCESS, "processEvidence");
	field(e, FMT_VERDICT, "malicious");
	field(e, FMT_DETECTION_STATUS, "prevented");
	field(e, FMT_PROCESS_ID, "4780");
	field(e, FMT_PROCESS_COMMAND_LINE, "cmd /c \"x\"");
	field(e, FMT_PROCESS_CREATED, "2026-03-01T10:20:30.1234567Z");
	field(e, FMT_PARENT_PROCESS_ID, "668");
	field(e, FMT_PARENT_FILE_NAME, "services.exe");
	field(e, FMT_PARENT_FILE_PATH, "C:\\Windows\\System32");
	field(e, FMT_FILE_NAME, "cmd.exe");
	field(e, FMT_FILE_PATH, "C:\\Windows\\System32\\");
	field(e, FMT_FILE_SHA256, "ab12");
	field(e, FMT_USER_NAME, "SYSTEM");
	field(e, FMT_USER_DOMAIN, "NT AUTHORITY");
	field(e, FMT_USER_SID, "S-1-5-18");

	e = piece_of(FMT_KIND_NETWORK, "networkConnectionEvidence");
	field(e, FMT_SOURCE_ADDRESS, "10.1.2.3");
	field(e, FMT_SOURCE_PORT, "50000");
	field(e, FMT_DESTINATION_ADDRESS, "::ffff:203.0.113.7");
	field(e, FMT_DESTINATION_PORT, "65536");
	field(e, FMT_PROTOCOL, "Tcp");

	e = piece_of(FMT_KIND_MESSAGE, "analyzedMessageEvidence");
	field(e, FMT_MESSAGE_SENDER, "evil@example.com");
	field(e, FMT_MESSAGE_RECIPIENT, "you@contoso.example");
	field(e, FMT_MESSAGE_SUBJECT, "Invoice");
	field(e, FMT_MESSAGE_ID, "<1@example.com>");
	field(e, FMT_MESSAGE_RECEIVED, "yesterday");
}
