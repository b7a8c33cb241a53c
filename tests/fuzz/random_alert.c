/* random_alert.c - any octets become an alert with hostile text in every member. */
#include "random_alert.h"

#include <yajl/yajl_parse.h>

#define TEXT_LIMIT 20000u

static const char *const hostile[] = {"=", "\\", "|", "\\n", "\n", "\r\n", "\r", "\t",
	" ", "   ", "a=b", " src=1.2.3.4", "msg=x", "\\=", "\\|", "|||", "\"", "]",
	"[x@1 a=\"b\"]", "\xEF\xBB\xBF", "\xC2\x85", "\xE2\x80\xA8", "\xE2\x80\xA9",
	"\x7F", "\x1B[31m", "\xFF", "\xC3", "\xE2\x80", "\xED\xA0\x80",
	"\xF0\x9F\x8E\xA3", "\xF4\x90\x80\x80", "\xC0\x80", "e\xCC\x81", "\xE2\x80\x8D",
	"\xE8\xAB\x8B\xE6\xB1\x82", "%s%n", "\\ud800", "\\u0000", "{\"a\":1}", ";",
	"...", "<13>1 - - - - - - x", "CEF:0|a|b|c|d|e|1|", "C:\\Windows\\System32\\",
	"https://x.example/?a=1&b=2", "cs1Label=forged", "^", "^^^", "^sev=10",
	"\tsrc=9.9.9.9", ";customer=other", "LEEF:2.0|a|b|c|d|^|"};

static const char *const plausible[] = {"10.1.2.3", "::ffff:10.0.0.1", "fe80::1%eth0",
	"2001:db8::1", "[2001:db8::1]", "10.0.0.1:443", "1.2.3.4,5.6.7.8", "010.1.1.1",
	"443", "65536", "0", "4294967296", "2147483647", "2147483648", "-1",
	"9223372036854775807", "9223372036854775808", "007", "aa:bb:cc:dd:ee:ff",
	"AA-BB-CC-DD-EE-FF", "aabbccddeeff", "aa:bb-cc:dd:ee:ff", "powershell.exe",
	"C:\\Windows\\System32", "/usr/bin", "tcp", "malicious", "suspicious", "none",
	"unknown", "blocked", "detected", "microsoftDefenderForEndpoint",
	"MICROSOFTDEFENDERFORIDENTITY", "high", "Medium", "HKEY_LOCAL_MACHINE",
	"T1059.001", "user@contoso.example", "S-1-5-21-1-2-3-500",
	"https://example.com/a?b=c|d", "example.com/x",
	"9f914d42706fe215501044acd85a32d5", "true", "{\"a\":[1,2]}", "24", "new",
	"inProgress", "Resolved", "falsePositive", "truePositive", "DefenseEvasion",
	"Malware", "2026-03-01T10:20:30.1234567Z", "2024-02-29T23:59:59+05:30",
	"2026-02-30T00:00:00Z", "md5", "sha256", "T1027", "Trojan:Win32/Wacatac",
	"HKEY_USERS", "Windows10", "DE", "PC-042.Contoso.Example",
	"C:\\Windows\\System32\\cmd.exe"};

static unsigned draw(struct random_alert *r)
{
	return r->at < r->n ? r->data[r->at++] : 0;
}

static void add(struct random_alert *r, const char *p, size_t n)
{
	if (n > sizeof(r->store) - r->used)
		n = sizeof(r->store) - r->used;
	memcpy(r->store + r->used, p, n);
	r->used += n;
}

static void add_text(struct random_alert *r, const char *s)
{
	add(r, s, strlen(s));
}

static struct fmt_str text(struct random_alert *r)
{
	unsigned kind = draw(r), n;
	size_t start = r->used;
	const char *piece;

	if (kind < 32)
		return (struct fmt_str){NULL, 0};
	if (kind < 128) {
		add_text(r, plausible[draw(r) %
				      (sizeof(plausible) / sizeof(plausible[0]))]);
	} else if (kind < 210) {
		for (n = kind % 8 + 1; n; n--)
			add_text(r, hostile[draw(r) %
					    (sizeof(hostile) / sizeof(hostile[0]))]);
	} else if (kind < 248) {
		for (n = draw(r) % 24; n; n--) {
			char c = (char)draw(r);

			add(r, &c, 1);
		}
	} else {
		piece = hostile[draw(r) % (sizeof(hostile) / sizeof(hostile[0]))];
		n = draw(r) * (kind - 246);
		while (n-- && r->used - start < TEXT_LIMIT)
			add_text(r, piece);
		add_text(r, "end");
	}
	return (struct fmt_str){r->store + start, r->used - start};
}

static int64_t moment(struct random_alert *r)
{
	int64_t t = 0;
	unsigned kind = draw(r);

	if (kind < 64)
		return FMT_NO_TIME;
	if (kind < 80)
		return INT64_MAX;
	if (kind < 96)
		return -1;
	for (int i = 0; i < 4; i++)
		t = t << 8 | draw(r);
	return t * 10000000 + 9999999;
}

static struct fmt_list list(struct random_alert *r, struct fmt_str *items)
{
	size_t n = draw(r) % 8;

	for (size_t i = 0; i < n; i++)
		items[i] = text(r);
	return (struct fmt_list){items, n};
}

/* A string of raw JSON: quotes and backslashes are escaped, all else is left to be repaired. */
static void add_json_text(struct random_alert *r, struct fmt_str s)
{
	add(r, "\"", 1);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			add(r, "\\", 1);
		add(r, &s.p[i], 1);
	}
	add(r, "\"", 1);
}

static struct fmt_str raw_object(struct random_alert *r, int depth)
{
	static const char *const names[] = {"id", "title", "description",
		"recommendedActions", "additionalData", "customDetails", "comments",
		"incidentId", "alertWebUrl", "evidenceOmitted", "unknown member",
		"severity"};
	static const char *const scalars[] = {"null", "true", "-0.5e+10",
		"12345678901234567890", "[]", "{}", "[ 1 , 2 ]"};
	size_t members = draw(r) % 10, start;
	struct fmt_str texts[10];

	for (size_t i = 0; i < members; i++)
		texts[i] = text(r);
	start = r->used;
	add_text(r, "{ ");
	for (size_t i = 0; i < members; i++) {
		unsigned what = draw(r);

		if (i)
			add_text(r, ",\n\t");
		add_text(r, "\"");
		add_text(r, names[(i + what) % (sizeof(names) / sizeof(names[0]))]);
		add_text(r, "\" : ");
		if (what < 100)
			add_json_text(r, texts[i]);
		else if (what < 200)
			add_text(r,
				scalars[what % (sizeof(scalars) / sizeof(scalars[0]))]);
		else if (what < 230)
			add_text(r, "\"\\ud800 \\uD83D\\uDE00 \\udc00\\n\"");
		else if (depth < 3)
			raw_object(r, depth + 1);
		else
			add_text(r, "{");
	}
	if (depth == 0) {
		size_t count = draw(r) % 12;

		add_text(r, members ? ",\"evidence\":[" : "\"evidence\":[");
		for (size_t i = 0; i < count; i++) {
			if (i)
				add_text(r, " , ");
			add_text(r, "{\"verdict\":\"malicious\",\"n\":");
			add_text(r, i % 2 ? "12}" : "\"\\\\\"}");
		}
		add_text(r, "]");
	}
	add_text(r, draw(r) == 255 ? "" : " }");
	return (struct fmt_str){r->store + start, r->used - start};
}

static int parses(const char *before, struct fmt_str s, const char *after)
{
	yajl_handle yajl = yajl_alloc(NULL, NULL, NULL);
	const struct fmt_str parts[] = {
		{before, strlen(before)}, s, {after, strlen(after)}};
	int good = 1;

	yajl_config(yajl, yajl_dont_validate_strings, 1);
	for (size_t i = 0; i < 3 && good; i++)
		good = yajl_parse(yajl, (const unsigned char *)parts[i].p,
			       parts[i].n) == yajl_status_ok;
	good = good && yajl_complete_parse(yajl) == yajl_status_ok;
	yajl_free(yajl);
	return good;
}

/* Raw JSON is what a parser has read (format.h); anything else becomes nothing. What stands alone in a
 * list and in an object is one value; yajl forgives a token that is open at the end of a text. */
static struct fmt_str json_or_none(struct fmt_str s, int object)
{
	size_t i = 0;

	while (i < s.n && strchr(" \t\r\n", s.p[i]))
		i++;
	if (i < s.n && (!object || s.p[i] == '{') && parses("[", s, "]") &&
		parses("{\"\":", s, "}"))
		return s;
	return (struct fmt_str){NULL, 0};
}

static void evidence(struct random_alert *r, size_t i)
{
	struct fmt_evidence *e = &r->evidence[i];
	unsigned kind = draw(r);

	memset(e, 0, sizeof(*e));
	e->kind = (enum fmt_kind)(kind % FMT_KINDS);
	e->type = text(r);
	e->created = moment(r);
	e->field_count = draw(r) % (RANDOM_FIELDS + 1);
	e->fields = r->fields[i];
	for (size_t k = 0; k < e->field_count; k++) {
		r->fields[i][k].id = draw(r) % (FMT_FIELD_IDS + 2u);
		r->fields[i][k].value = text(r);
	}
	if (draw(r) > 200)
		e->raw = json_or_none(raw_object(r, 1), 1);
	if (kind >= 64)
		r->alert.primary[e->kind] = e;
	if (kind >= 240)
		r->alert.source_ip = e;
	else if (kind >= 224)
		r->alert.destination_ip = e;
}

void random_alert_build(struct random_alert *r, const unsigned char *data, size_t n)
{
	struct fmt_alert *alert = &r->alert;
	struct fmt_str *texts[] = {&alert->customer, &alert->customer_name,
		&alert->tenant_id, &alert->id, &alert->version,
		&alert->provider_alert_id, &alert->incident_id, &alert->title,
		&alert->description, &alert->recommended_actions, &alert->category,
		&alert->severity_text, &alert->status, &alert->classification,
		&alert->determination, &alert->assigned_to, &alert->investigation_state,
		&alert->service_source, &alert->detection_source, &alert->product_name,
		&alert->detector_id, &alert->alert_policy_id, &alert->actor,
		&alert->threat_name, &alert->threat_family, &alert->alert_url,
		&alert->incident_url, &alert->custom_details, &alert->additional_data,
		&alert->redirect_incident_id, &alert->investigation_id,
		&alert->external_id, &alert->indicator_id, &alert->summary,
		&alert->resolving_comment, &alert->last_modified_by,
		&alert->priority_score};
	unsigned how;

	memset(alert, 0, sizeof(*alert));
	r->data = data;
	r->n = n;
	r->at = 0;
	r->used = 0;
	alert->struct_size = sizeof(*alert);
	how = draw(r);
	alert->source = how & 1 ? "graph-alerts" : NULL;
	alert->severity = (enum fmt_severity)(draw(r) % 5);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		*texts[i] = text(r);
	alert->categories = list(r, r->items[0]);
	alert->mitre_techniques = list(r, r->items[1]);
	alert->system_tags = list(r, r->items[2]);
	alert->custom_tags = list(r, r->items[3]);
	alert->created = moment(r);
	alert->updated = moment(r);
	alert->resolved = moment(r);
	alert->first_activity = moment(r);
	alert->last_activity = moment(r);
	alert->comment_count = draw(r) % 4;
	alert->comments = r->comments;
	for (size_t i = 0; i < alert->comment_count; i++)
		r->comments[i] = (struct fmt_comment){text(r), text(r), moment(r)};
	alert->evidence = r->evidence;
	alert->evidence_count = draw(r) % (RANDOM_EVIDENCE + 1);
	if (how & 4) {
		alert->event_count = 1 + draw(r) % 1000u;
		alert->event_number = 1 + draw(r) % alert->event_count;
	}
	for (size_t i = 0; i < alert->evidence_count; i++)
		evidence(r, i);
	if (how >= 224)
		/* What is left of the octets as the vendor's own text. */
		alert->raw =
			(struct fmt_str){(const char *)r->data + r->at, r->n - r->at};
	else if (how >= 64)
		alert->raw = raw_object(r, 0);
	alert->raw = json_or_none(alert->raw, 1);
	if (how & 2)
		alert->custom_details = raw_object(r, 1);
	alert->custom_details = json_or_none(alert->custom_details, 0);
	alert->additional_data = json_or_none(alert->additional_data, 0);
}
