/* ocsf.c - an alert as a Detection Finding of the Open Cybersecurity Schema Framework.
 *
 * Purpose:  class 2004 with all that it requires, always and in the right types; each piece of evidence
 *           as one of evidences[], what the schema has no attribute for in its data; the rest of the
 *           alert in unmapped, under the vendor's own names.
 * Guard:    an attribute of a strict type (ip_t, email_t, port_t, mac_t, timestamp_t, integer_t) takes
 *           only what is one; anything else stays as text in data.
 * Source:   OCSF 1.5.0: class detection_finding, profiles cloud and incident, and their objects.
 * Tests:    unit/test_ocsf.c, tests/golden */
#include "ocsf.h"
#include "json_document.h"
#include "json_members.h"
#include "registry.h"

#define OCSF_VERSION "1.5.0"
#define CLASS_UID "2004"

#define KEY(name) JSON_NAME(name)

static void put_fixed(struct json_writer *w, struct json_name name, const char *text)
{
	json_member(w, name, text_str(text), JSON_FIXED);
}

/* A time that is known. */
static void put_moment(struct json_writer *w, struct json_name name, int64_t ticks,
	enum json_rank rank)
{
	if (ticks > 0)
		json_epoch(w, name, ticks, rank);
}

struct meaning {
	const char *vendor, *caption;
	unsigned id, activity;
};

/* The words of alerts, incidents and older APIs; activity: 1 create, 2 update, 3 close. */
static const struct meaning *status_meaning(struct fmt_str s)
{
	static const struct meaning meanings[] = {{"new", "New", 1, 1},
		{"newAlert", "New", 1, 1}, {"active", "New", 1, 1},
		{"inProgress", "In Progress", 2, 2},
		{"awaitingAction", "In Progress", 2, 2}, {"resolved", "Resolved", 4, 3},
		{"dismissed", "Suppressed", 3, 3}, {"redirected", "Archived", 5, 3}};

	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (text_equal_nocase(s, meanings[i].vendor))
			return &meanings[i];
	return NULL;
}

static void put_class(struct json_writer *w, const struct fmt_alert *alert)
{
#define SEVERITY(caption, id) TEXT_INIT(#id ",\"severity\":\"" caption "\"")
	static const struct fmt_str severities[] = {SEVERITY("Unknown", 0),
		SEVERITY("Informational", 1), SEVERITY("Low", 2), SEVERITY("Medium", 3),
		SEVERITY("High", 4)};
	/* type_uid is class_uid and activity_id. */
#define ACTIVITY(caption, id)                                                          \
	TEXT_INIT(#id ",\"activity_name\":\"" caption "\",\"type_uid\":" CLASS_UID     \
		      "0" #id)
	static const struct fmt_str activities[] = {ACTIVITY("Unknown", 0),
		ACTIVITY("Create", 1), ACTIVITY("Update", 2), ACTIVITY("Close", 3)};
	struct fmt_str text = text_trim(alert->status);
	const struct meaning *status = status_meaning(text);
	unsigned activity = status ? status->activity : 0;
	int64_t time = value_when(alert, alert->created, alert->updated);

	json_literal(w,
		"{\"class_uid\":" CLASS_UID ",\"class_name\":\"Detection Finding\","
		"\"category_uid\":2,\"category_name\":\"Findings\"");
	json_value(w, KEY("activity_id"), activities[activity]);
	json_value(w, KEY("severity_id"), severities[severity_of(alert)]);
	json_number(w, KEY("status_id"),
		status			 ? status->id
		: value_is_nothing(text) ? 0
					 : 99);
	json_member(w, KEY("status"),
		status			 ? text_str(status->caption)
		: value_is_nothing(text) ? text_str("Unknown")
					 : text,
		JSON_FIXED);
	json_epoch(w, KEY("time"), time, JSON_FIXED);
	put_moment(w, KEY("start_time"), alert->first_activity, JSON_USEFUL);
	put_moment(w, KEY("end_time"), alert->last_activity, JSON_USEFUL);
	if (activity == 3)
		json_literal(w, ",\"is_alert\":false");
	else
		json_literal(w, ",\"is_alert\":true");
	json_long(w, KEY("message"), alert->title, JSON_TWICE, JSON_CUT_TITLE);
}

static void put_metadata(struct json_writer *w, const struct fmt_alert *alert)
{
	struct json_open metadata = json_open(w, KEY("metadata"), '{'), open, inner;
	struct fmt_str feature = text_trim(alert->detection_source);

	json_literal(w, "\"version\":\"" OCSF_VERSION
			"\",\"profiles\":[\"cloud\",\"incident\"]");
	open = json_open(w, KEY("product"), '{');
	json_member(w, KEY("name"), value_product(alert), JSON_FIXED);
	json_literal(w, ",\"vendor_name\":\"Microsoft\"");
	inner = json_open(w, KEY("feature"), '{');
	if (!value_is_nothing(feature))
		json_member(w, KEY("name"), feature, JSON_FIXED);
	json_close(w, inner, JSON_FIXED);
	json_close(w, open, JSON_FIXED);
	/* The same for a repeat, another for an update. */
	if (alert->id.n && json_key(w, KEY("uid"),
				   ESCAPE_JSON_ROOM(alert->id.n) +
					   ESCAPE_JSON_ROOM(alert->version.n) + 32)) {
		json_quote(w, alert->id);
		w->p[-1] = '/';
		w->p = escape_json_string(w->p, alert->version);
		if (alert->event_number) {
			*w->p++ = '/';
			w->p = value_put_number(w->p, alert->event_number);
		}
		*w->p++ = '"';
	}
	json_member(w, KEY("tenant_uid"), alert->tenant_id, JSON_FIXED);
	json_member(w, KEY("correlation_uid"), alert->incident_id, JSON_TWICE);
	json_literal(w, ",\"log_provider\":\"alertrelay\"");
	if (alert->source)
		put_fixed(w, KEY("log_name"), alert->source);
	json_time(w, KEY("original_time"), alert->created, JSON_TWICE);
	put_moment(w, KEY("modified_time"), alert->updated, JSON_TWICE);
	json_list(w, KEY("labels"), alert->system_tags, JSON_OPTIONAL);
	json_close(w, metadata, JSON_FIXED);
}

static void put_cloud(struct json_writer *w, const struct fmt_alert *alert)
{
	struct json_open cloud = json_open(w, KEY("cloud"), '{'), open;

	json_literal(w, "\"provider\":\"Azure\"");
	if (alert->tenant_id.n) {
		open = json_open(w, KEY("account"), '{');
		json_member(w, KEY("uid"), alert->tenant_id, JSON_FIXED);
		json_literal(w, ",\"type\":\"M365 Tenant\",\"type_id\":17");
		json_close(w, open, JSON_TWICE);
	}
	open = json_open(w, KEY("org"), '{');
	json_member(w, KEY("name"), alert->customer_name, JSON_FIXED);
	json_member(w, KEY("uid"), alert->customer, JSON_FIXED);
	json_close(w, open, JSON_FIXED);
	json_close(w, cloud, JSON_FIXED);
}

static void put_attacks(struct json_writer *w, const struct fmt_alert *alert)
{
	struct json_open attacks = json_open(w, KEY("attacks"), '['), open;
	const struct value_tactic *tactic = value_tactic(text_trim(alert->category));
	int is_sub;

	if (tactic) {
		json_literal(w, "{\"tactic\":{\"uid\":");
		json_string(w, tactic->id);
		json_member(w, KEY("name"), tactic->name, JSON_FIXED);
		json_literal(w, "}}");
	}
	for (size_t i = 0; i < alert->mitre_techniques.count && !w->full; i++) {
		struct fmt_str s = text_trim(alert->mitre_techniques.items[i]);
		struct fmt_str technique = value_technique(s, &is_sub);

		if (!s.n)
			continue;
		json_next(w);
		json_literal(w, "{");
		open = json_open(w, KEY("technique"), '{');
		json_member(w, KEY("uid"), technique.n ? technique : s, JSON_FIXED);
		json_close(w, open, JSON_FIXED);
		if (technique.n && is_sub) {
			open = json_open(w, KEY("sub_technique"), '{');
			json_member(w, KEY("uid"), s, JSON_FIXED);
			json_close(w, open, JSON_FIXED);
		}
		json_literal(w, "}");
	}
	json_close(w, attacks, JSON_USEFUL);
}

static void put_analytic(struct json_writer *w, const struct fmt_alert *alert)
{
	static const struct {
		const char *source, *type;
		unsigned id;
	} types[] = {{"customDetection", "Rule", 1}, {"scheduledAlerts", "Rule", 1},
		{"nrtAlerts", "Rule", 1}, {"builtInMl", "Learning (ML/DL)", 4}};
	struct fmt_str source = text_trim(alert->detection_source);
	struct json_open analytic = json_open(w, KEY("analytic"), '{');
	size_t i = 0, count = sizeof(types) / sizeof(types[0]);

	json_member(w, KEY("uid"), alert->detector_id, JSON_FIXED);
	if (!json_is_empty(w)) {
		while (i < count && !text_equal_nocase(source, types[i].source))
			i++;
		put_fixed(w, KEY("type"), i < count ? types[i].type : "Unknown");
		json_number(w, KEY("type_id"), i < count ? types[i].id : 0);
		json_member(w, KEY("category"), alert->category, JSON_FIXED);
	}
	json_close(w, analytic, JSON_USEFUL);
}

static void put_finding(struct json_writer *w, const struct fmt_alert *alert)
{
	struct json_open finding = json_open(w, KEY("finding_info"), '{'), open;
	struct fmt_str s = text_trim(alert->category);

	json_key(w, KEY("uid"), 0);
	json_string(w, alert->id);
	json_long(w, KEY("title"), alert->title, JSON_FIXED, JSON_CUT_TITLE);
	json_long(w, KEY("desc"),
		alert->description.n ? alert->description : alert->summary, JSON_USEFUL,
		JSON_CUT_DESCRIPTION);
	json_member(w, KEY("src_url"), alert->alert_url, JSON_FIXED);
	json_member(w, KEY("uid_alt"), alert->provider_alert_id, JSON_OPTIONAL);
	put_moment(w, KEY("created_time"), alert->created, JSON_TWICE);
	put_moment(w, KEY("modified_time"), alert->updated, JSON_FIXED);
	put_moment(w, KEY("first_seen_time"), alert->first_activity, JSON_TWICE);
	put_moment(w, KEY("last_seen_time"), alert->last_activity, JSON_TWICE);
	open = json_open(w, KEY("types"), '[');
	if (s.n)
		json_string(w, s);
	for (size_t i = 0; i < alert->categories.count && !w->full; i++) {
		struct fmt_str t = text_trim(alert->categories.items[i]);

		if (!t.n || (t.n == s.n && !memcmp(t.p, s.p, t.n)))
			continue;
		json_element(w, t);
	}
	json_close(w, open, JSON_USEFUL);
	open = json_open(w, KEY("data_sources"), '[');
	s = text_trim(alert->service_source);
	if (!value_is_nothing(s))
		json_string(w, s);
	json_close(w, open, JSON_USEFUL);
	put_analytic(w, alert);
	put_attacks(w, alert);
	json_close(w, finding, JSON_FIXED);
}

/* The incident profile: who works on it, what it turned out to be, where the incident is. */
static void put_incident(struct json_writer *w, const struct fmt_alert *alert)
{
	static const struct {
		const char *classification, *determination, *caption;
		unsigned id;
	} verdicts[] = {
		{"falsePositive", "notEnoughDataToValidate", "Insufficient Data", 7},
		{"falsePositive", "insufficientData", "Insufficient Data", 7},
		{"falsePositive", NULL, "False Positive", 1},
		{"truePositive", NULL, "True Positive", 2},
		{"informationalExpectedActivity", "securityTesting", "Test", 6},
		{"informationalExpectedActivity", NULL, "Benign", 5},
		{"benignPositive", NULL, "Benign", 5},
	};
	struct fmt_str s = text_trim(alert->classification),
		       t = text_trim(alert->determination);
	struct json_open open;
	uint64_t score;

	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		if (!text_equal_nocase(s, verdicts[i].classification) ||
			(verdicts[i].determination &&
				!text_equal_nocase(t, verdicts[i].determination)))
			continue;
		put_fixed(w, KEY("verdict"), verdicts[i].caption);
		json_number(w, KEY("verdict_id"), verdicts[i].id);
		break;
	}
	open = json_open(w, KEY("assignee"), '{');
	s = text_trim(alert->assigned_to);
	json_member(w, KEY("name"), s, JSON_FIXED);
	if (value_is_mail(s))
		json_member(w, KEY("email_addr"), s, JSON_FIXED);
	json_close(w, open, JSON_OPTIONAL);
	json_member(w, KEY("src_url"), alert->incident_url, JSON_FIXED);
	if (value_number(text_trim(alert->priority_score), 100, &score))
		json_number(w, KEY("risk_score"), score);
	open = json_open(w, KEY("remediation"), '{');
	json_long(w, KEY("desc"), alert->recommended_actions, JSON_FIXED,
		JSON_CUT_ACTIONS);
	json_close(w, open, JSON_OPTIONAL);
	json_long(w, KEY("comment"), alert->resolving_comment, JSON_OPTIONAL,
		JSON_CUT_TEXT);
}

/* The classes of malware by the word that begins the vendor's names: "Trojan:Win32/..." */
static void put_malware_class(struct json_writer *w, struct fmt_str name)
{
	static const struct {
		const char *begins;
		unsigned id;
	} classes[] = {{"Adware", 1}, {"Backdoor", 2}, {"DDoS", 5},
		{"TrojanDownloader", 6}, {"TrojanDropper", 7}, {"Exploit", 8},
		{"Ransom", 10}, {"Rogue", 14}, {"Spyware", 17}, {"TrojanSpy", 17},
		{"Trojan", 18}, {"Virus", 19}, {"Worm", 22}};
	const char *colon = name.n ? memchr(name.p, ':', name.n) : NULL;
	struct fmt_str word = {name.p, colon ? (size_t)(colon - name.p) : 0};
	unsigned id = 0;
	char digits[2];

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]) && !id; i++)
		if (text_equal_nocase(word, classes[i].begins))
			id = classes[i].id;
	if (!id && word.n)
		id = 99;
	digits[0] = (char)('0' + id / 10);
	digits[1] = (char)('0' + id % 10);
	json_literal(w, ",\"classification_ids\":[");
	json_octets(w, digits + (id < 10), id < 10 ? 1 : 2);
	json_literal(w, "]");
	if (word.n) {
		json_literal(w, ",\"classifications\":[");
		json_string(w, word);
		json_literal(w, "]");
	}
}

static void put_malware(struct json_writer *w, const struct fmt_alert *alert)
{
	struct json_open list = json_open(w, KEY("malware"), '[');
	struct value_set names;
	struct fmt_str family = text_trim(alert->threat_family);

	value_set_init(&names);
	if (!value_set_add(&names, text_trim(alert->threat_name), 1))
		value_set_add(&names, family, 1);
	for (size_t i = 0; i < alert->evidence_count; i++)
		if (alert->evidence[i].kind == FMT_KIND_MALWARE)
			value_set_add(&names,
				text_trim(fmt_get(&alert->evidence[i], FMT_NAME)), 1);
	for (unsigned i = 0; i < names.count && !w->full; i++) {
		json_next(w);
		json_literal(w, "{");
		json_member(w, KEY("name"), names.items[i], JSON_FIXED);
		put_malware_class(w, names.items[i]);
		json_literal(w, ",\"provider\":\"Microsoft\"");
		json_literal(w, "}");
	}
	json_close(w, list, JSON_USEFUL);
}

#define ROWS(rows) rows, sizeof(rows) / sizeof((rows)[0])
#define TEXT(name, member, rank) JSON_ROW(JSON_ROW_TEXT, name, member, rank)
#define DETAILS(name, member) JSON_ROW(JSON_ROW_JSON, name, member, JSON_DETAILS)

static const struct json_row others[] = {
	TEXT("incidentId", incident_id, JSON_FIXED),
	TEXT("redirectIncidentId", redirect_incident_id, JSON_FIXED),
	TEXT("status", status, JSON_USEFUL),
	TEXT("severity", severity_text, JSON_USEFUL),
	TEXT("category", category, JSON_USEFUL),
	TEXT("classification", classification, JSON_USEFUL),
	TEXT("determination", determination, JSON_USEFUL),
	TEXT("serviceSource", service_source, JSON_OPTIONAL),
	TEXT("detectionSource", detection_source, JSON_OPTIONAL),
	TEXT("productName", product_name, JSON_OPTIONAL),
	JSON_ROW(JSON_ROW_TIME, "resolvedDateTime", resolved, JSON_OPTIONAL),
	TEXT("threatFamilyName", threat_family, JSON_OPTIONAL),
	TEXT("actorDisplayName", actor, JSON_OPTIONAL),
	TEXT("investigationState", investigation_state, JSON_OPTIONAL),
	TEXT("investigationId", investigation_id, JSON_OPTIONAL),
	TEXT("alertPolicyId", alert_policy_id, JSON_OPTIONAL),
	TEXT("externalId", external_id, JSON_OPTIONAL),
	TEXT("iocUniqueId", indicator_id, JSON_OPTIONAL),
	JSON_ROW(JSON_ROW_LIST, "customTags", custom_tags, JSON_OPTIONAL),
	TEXT("lastModifiedBy", last_modified_by, JSON_OPTIONAL),
	TEXT("priorityScore", priority_score, JSON_OPTIONAL),
	JSON_ROW_CUT(JSON_ROW_TEXT, "summary", summary, JSON_OPTIONAL, JSON_CUT_TEXT),
};
static const struct json_row details[] = {
	DETAILS("customDetails", custom_details),
	DETAILS("additionalData", additional_data),
};

/* What has no attribute, under the names of Microsoft Graph. */
static void put_unmapped(struct json_writer *w, const struct fmt_alert *alert)
{
	json_key(w, KEY("unmapped"), 0);
	json_literal(w, "{");
	json_relay(w, alert);
	json_rows(w, alert, ROWS(others));
	json_comments(w, alert);
	json_rows(w, alert, ROWS(details));
	json_literal(w, "}");
}

static void ocsf_write(struct json_writer *w, const struct json_document *self,
	const struct fmt_alert *alert)
{
	struct ocsf_document d;

	d.alert = alert;
	put_class(w, alert);
	put_metadata(w, alert);
	put_cloud(w, alert);
	put_finding(w, alert);
	put_incident(w, alert);
	put_malware(w, alert);
	ocsf_put_device(w, &d);
	ocsf_put_evidences(w, &d);
	ocsf_put_observables(w, &d);
	if (self->original)
		json_member(w, KEY("raw_data"), alert->raw, JSON_ORIGINAL);
	put_unmapped(w, alert);
	json_literal(w, "}");
}

static enum fmt_result ocsf_format(
	void *self, const struct fmt_alert *alert, struct fmt_message *message)
{
	return json_document_write(message, ocsf_write, self, alert);
}

static int ocsf_fields(void *self, const struct fmt_rule *rules, size_t count,
	fmt_wrong *wrong, void *context)
{
	static const struct field_json_own own[] = {
		{"activity_id", 1},
		{"category_uid", 1},
		{"class_uid", 1},
		{"type_uid", 1},
		{"severity_id", 1},
		{"time", 1},
		{"metadata.version", 1},
		{"metadata.product", 1},
		{"metadata.uid", 1},
		{"metadata.tenant_uid", 1},
		{"metadata.correlation_uid", 1},
		{"cloud.provider", 1},
		{"cloud.org.uid", 1},
		{"finding_info.uid", 1},
		{"finding_info.title", 1},
		{"activity_name", 0},
		{"category_name", 0},
		{"class_name", 0},
		{"type_name", 0},
		{"severity", 0},
		{"status", 0},
		{"status_id", 0},
		{"message", 0},
		{"is_alert", 0},
		{"metadata.profiles", 0},
		{"metadata.log_provider", 0},
		{"metadata.log_name", 0},
		{"unmapped.alertrelay.customer", 1},
		{"unmapped.alertrelay.customer_name", 1},
		{"unmapped.alertrelay.tenant_id", 1},
		{"unmapped.alertrelay.source", 1},
		{"unmapped.alertrelay.kind", 1},
		{"unmapped.alertrelay.alert_id", 1},
		{"unmapped.alertrelay.version", 1},
		{"unmapped.alertrelay.evidence_count", 1},
		{"unmapped.incidentId", 1},
		{NULL, 0},
	};

	return json_document_fields(self, "ocsf", own, rules, count, wrong, context);
}
static const struct fmt_option_info ocsf_options[] = {
	{"original", "no", JSON_ORIGINAL_HELP},
	{NULL, NULL, NULL},
};

static void *ocsf_open(
	const struct fmt_option *options, size_t count, char *error, size_t error_size)
{
	return json_document_open(
		"ocsf", SEVERITY_SCALES, options, count, error, error_size);
}

const struct fmt_module ocsf_module = {
	.abi_version = FMT_ABI,
	.struct_size = sizeof(struct fmt_module),
	.name = "ocsf",
	.help = "OCSF " OCSF_VERSION ", a Detection Finding as one JSON object",
	.options = ocsf_options,
	.open = ocsf_open,
	.format = ocsf_format,
	.close = json_document_close,
	.fields = ocsf_fields,
};
