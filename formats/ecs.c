/* ecs.c - an alert as a document of the Elastic Common Schema.
 *
 * Purpose:  fields of the schema for what it knows; microsoft.defender.* under the vendor's own names
 *           for the rest, each piece of evidence among it; alertrelay.* for the customer and the relay.
 * Shape:    one pass over the evidence collects what the document begins with, one over each primary
 *           piece fills the fields of the schema. When it must fit, parts go as their ranks say.
 * Source:   ECS 8.17: its closed lists of event.kind, .category, .type; lower case for host.name.
 * Tests:    unit/test_ecs.c, tests/golden */
#include "ecs.h"
#include "json_document.h"
#include "json_members.h"
#include "registry.h"

#define ECS_VERSION "8.17.0"

#define KEY(name) JSON_NAME(name)

/* Names and what was escaped are lower case as they are. */
static void lower(struct json_writer *w, size_t from)
{
	if (w->full)
		return;
	for (char *p = w->out->p + from; p < w->p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p |= 0x20;
}

void ecs_put_lower(struct json_writer *w, struct json_name name, struct fmt_str s)
{
	size_t from = (size_t)(w->p - w->out->p);

	json_member(w, name, s, JSON_FIXED);
	lower(w, from);
}

static void put_event(struct json_writer *w, const struct json_document *self,
	const struct fmt_alert *alert, const struct ecs_facts *facts)
{
	static const struct fmt_str categories[ECS_CATEGORIES] = {
		[ECS_AUTHENTICATION] = TEXT_INIT("authentication"),
		[ECS_EMAIL] = TEXT_INIT("email"),
		[ECS_FILES] = TEXT_INIT("file"),
		[ECS_HOST] = TEXT_INIT("host"),
		[ECS_IAM] = TEXT_INIT("iam"),
		[ECS_INTRUSION_DETECTION] = TEXT_INIT("intrusion_detection"),
		[ECS_MALWARE] = TEXT_INIT("malware"),
		[ECS_NETWORK] = TEXT_INIT("network"),
		[ECS_PROCESS] = TEXT_INIT("process"),
		[ECS_REGISTRY] = TEXT_INIT("registry"),
		[ECS_WEB] = TEXT_INIT("web"),
	};
	struct fmt_str s;
	uint64_t score;

	json_literal(w, ",\"event\":{\"kind\":\"alert\",\"category\":[");
	for (unsigned i = 0; i < ECS_CATEGORIES; i++) {
		if (!(facts->categories >> i & 1))
			continue;
		json_element(w, categories[i]);
	}
	json_literal(w, "],\"type\":[\"info\"");
	if (facts->categories >> ECS_REGISTRY & 1)
		json_literal(w, ",\"access\"");
	if (facts->denied)
		json_literal(w, ",\"denied\"");
	json_literal(w, "]");
	json_number(w, KEY("severity"), self->severity.level[severity_of(alert)]);
	json_member(w, KEY("id"), alert->id, JSON_FIXED);
	json_member(w, KEY("action"), alert->category, JSON_USEFUL);
	s = text_trim(alert->detection_source);
	if (value_is_nothing(s))
		s = text_trim(alert->service_source);
	json_member(w, KEY("provider"), s, JSON_USEFUL);
	json_literal(w, ",\"module\":\"microsoft_defender\"");
	json_member(w, KEY("dataset"),
		alert->kind && !strcmp(alert->kind, "incident")
			? text_str("microsoft_defender.incident")
			: text_str("microsoft_defender.alert"),
		JSON_FIXED);
	json_time(w, KEY("created"), alert->created, JSON_FIXED);
	json_time(w, KEY("start"), alert->first_activity, JSON_USEFUL);
	json_time(w, KEY("end"), alert->last_activity, JSON_USEFUL);
	json_member(w, KEY("url"), alert->alert_url, JSON_FIXED);
	json_member(w, KEY("reference"), alert->alert_url, JSON_TWICE);
	if (value_number(text_trim(alert->priority_score), 100, &score))
		json_number(w, KEY("risk_score"), score);
	if (self->original)
		json_member(w, KEY("original"), alert->raw, JSON_ORIGINAL);
	json_literal(w, "}");
}

static void put_rule(struct json_writer *w, const struct fmt_alert *alert)
{
	struct json_open rule = json_open(w, KEY("rule"), '{');

	json_member(w, KEY("id"), alert->detector_id, JSON_USEFUL);
	json_long(w, KEY("name"), alert->title, JSON_TWICE, JSON_CUT_TITLE);
	json_member(w, KEY("category"), alert->category, JSON_OPTIONAL);
	json_long(w, KEY("description"), alert->description, JSON_USEFUL,
		JSON_CUT_DESCRIPTION);
	json_close(w, rule, JSON_FIXED);
}

static void put_tactics(struct json_writer *w, const struct fmt_alert *alert)
{
	const struct value_tactic *tactics[14] = {NULL};
	size_t count = 0;
	struct json_open tactic;

	for (size_t i = 0; i <= alert->categories.count && count < 14; i++) {
		const struct value_tactic *found = value_tactic(text_trim(
			i ? alert->categories.items[i - 1] : alert->category));
		size_t k = 0;

		while (found && k < count && tactics[k] != found)
			k++;
		if (found && k == count)
			tactics[count++] = found;
	}
	if (!count)
		return;
	tactic = json_open(w, KEY("tactic"), '{');
	for (int names = 0; names < 2; names++) {
		json_octets(w, names ? ",\"name\":[" : "\"id\":[", names ? 9 : 6);
		for (size_t i = 0; i < count; i++) {
			json_element(w, names ? tactics[i]->name : tactics[i]->id);
		}
		json_literal(w, "]");
	}
	json_close(w, tactic, JSON_FIXED);
}

static void put_threat(struct json_writer *w, const struct fmt_alert *alert)
{
	struct value_set techniques, subs;
	struct json_open threat = json_open(w, KEY("threat"), '{'), inner, deeper;

	value_set_init(&techniques);
	value_set_init(&subs);
	for (size_t i = 0; i < alert->mitre_techniques.count; i++) {
		struct fmt_str s = text_trim(alert->mitre_techniques.items[i]);
		int is_sub;
		struct fmt_str technique = value_technique(s, &is_sub);

		value_set_add(&techniques, technique.n ? technique : s, 0);
		if (technique.n && is_sub)
			value_set_add(&subs, s, 0);
	}
	put_tactics(w, alert);
	inner = json_open(w, KEY("technique"), '{');
	json_set(w, KEY("id"), &techniques, JSON_FIXED);
	deeper = json_open(w, KEY("subtechnique"), '{');
	json_set(w, KEY("id"), &subs, JSON_FIXED);
	json_close(w, deeper, JSON_FIXED);
	json_close(w, inner, JSON_FIXED);
	inner = json_open(w, KEY("group"), '{');
	json_member(w, KEY("name"), alert->actor, JSON_FIXED);
	json_close(w, inner, JSON_FIXED);
	inner = json_open(w, KEY("software"), '{');
	json_member(w, KEY("name"), alert->threat_name, JSON_FIXED);
	json_close(w, inner, JSON_FIXED);
	if (!json_is_empty(w))
		json_literal(w, ",\"framework\":\"MITRE ATT&CK\"");
	json_close(w, threat, JSON_USEFUL);
}

static void put_whose(struct json_writer *w, const struct fmt_alert *alert)
{
	struct json_open open = json_open(w, KEY("organization"), '{'), inner;

	json_member(w, KEY("id"), alert->customer, JSON_FIXED);
	json_member(w, KEY("name"), alert->customer_name, JSON_FIXED);
	json_close(w, open, JSON_FIXED);
	open = json_open(w, KEY("cloud"), '{');
	json_literal(w, "\"provider\":\"azure\"");
	inner = json_open(w, KEY("account"), '{');
	json_member(w, KEY("id"), alert->tenant_id, JSON_FIXED);
	json_close(w, inner, JSON_FIXED);
	json_close(w, open, JSON_FIXED);
	json_literal(w, ",\"observer\":{\"vendor\":\"Microsoft\"");
	json_member(w, KEY("product"), value_product(alert), JSON_FIXED);
	json_literal(w, "}");
}

static void put_related(struct json_writer *w, const struct ecs_facts *facts)
{
	const struct value_set *hosts = &facts->sets[ECS_HOSTS];
	struct json_open related = json_open(w, KEY("related"), '{');
	size_t from;

	json_set(w, KEY("ip"), &facts->sets[ECS_ADDRESSES], JSON_FIXED);
	json_set(w, KEY("user"), &facts->sets[ECS_USERS], JSON_FIXED);
	json_set(w, KEY("hash"), &facts->sets[ECS_HASHES], JSON_FIXED);
	from = (size_t)(w->p - w->out->p);
	json_set(w, KEY("hosts"), hosts, JSON_FIXED);
	lower(w, from);
	json_close(w, related, JSON_OPTIONAL);
}

static void put_one(
	struct json_writer *w, const struct fmt_evidence *evidence, void *context)
{
	(void)context;
	json_literal(w, "{");
	json_member(w, KEY("type"), evidence->type, JSON_FIXED);
	json_member(w, KEY("kind"), value_kind(evidence->kind), JSON_FIXED);
	json_time(w, KEY("createdDateTime"), evidence->created, JSON_FIXED);
	json_fields(w, evidence, NULL);
	if (evidence->kind == FMT_KIND_OTHER)
		json_raw_text(w, KEY("raw"), evidence->raw, JSON_FIXED);
	json_literal(w, "}");
}

#define ROWS(rows) rows, sizeof(rows) / sizeof((rows)[0])
#define TEXT(name, member, rank) JSON_ROW(JSON_ROW_TEXT, name, member, rank)
#define LIST(name, member) JSON_ROW(JSON_ROW_LIST, name, member, JSON_OPTIONAL)
#define TIME(name, member, rank) JSON_ROW(JSON_ROW_TIME, name, member, rank)
#define LONG(name, member, cut)                                                        \
	JSON_ROW_CUT(JSON_ROW_TEXT, name, member, JSON_OPTIONAL, cut)
#define DETAILS(name, member) JSON_ROW(JSON_ROW_JSON, name, member, JSON_DETAILS)

static const struct json_row links[] = {
	TEXT("incidentId", incident_id, JSON_FIXED),
	TEXT("incidentWebUrl", incident_url, JSON_FIXED),
	TEXT("redirectIncidentId", redirect_incident_id, JSON_FIXED),
	TEXT("classification", classification, JSON_USEFUL),
	TEXT("determination", determination, JSON_USEFUL),
};
static const struct json_row others[] = {
	TEXT("serviceSource", service_source, JSON_USEFUL),
	TEXT("detectionSource", detection_source, JSON_USEFUL),
	TEXT("productName", product_name, JSON_OPTIONAL),
	TIME("lastUpdateDateTime", updated, JSON_FIXED),
	TIME("resolvedDateTime", resolved, JSON_USEFUL),
	LIST("categories", categories),
	LIST("mitreTechniques", mitre_techniques),
	TEXT("threatFamilyName", threat_family, JSON_OPTIONAL),
	TEXT("assignedTo", assigned_to, JSON_OPTIONAL),
	TEXT("investigationState", investigation_state, JSON_OPTIONAL),
	TEXT("investigationId", investigation_id, JSON_OPTIONAL),
	TEXT("providerAlertId", provider_alert_id, JSON_OPTIONAL),
	TEXT("alertPolicyId", alert_policy_id, JSON_OPTIONAL),
	TEXT("externalId", external_id, JSON_OPTIONAL),
	TEXT("iocUniqueId", indicator_id, JSON_OPTIONAL),
	LIST("systemTags", system_tags),
	LIST("customTags", custom_tags),
	TEXT("lastModifiedBy", last_modified_by, JSON_OPTIONAL),
	TEXT("priorityScore", priority_score, JSON_OPTIONAL),
	LONG("summary", summary, JSON_CUT_TEXT),
	LONG("resolvingComment", resolving_comment, JSON_CUT_TEXT),
	LONG("recommendedActions", recommended_actions, JSON_CUT_ACTIONS),
};
static const struct json_row details[] = {
	DETAILS("customDetails", custom_details),
	DETAILS("additionalData", additional_data),
};

/* What the schema has no field for, under the names of Microsoft Graph. */
static void put_defender(struct json_writer *w, const struct fmt_alert *alert,
	const struct ecs_facts *facts)
{
	struct json_open open = json_open(w, KEY("microsoft"), '{'), inner;
	struct fmt_str severity = text_trim(alert->severity_text);
	enum fmt_severity level = severity_of(alert);

	if (!severity.n || level != FMT_SEVERITY_UNKNOWN)
		severity = text_str(severity_name(level));
	inner = json_open(w, KEY("defender"), '{');
	json_member(w, KEY("status"), alert->status, JSON_FIXED);
	json_member(w, KEY("severity"), severity, JSON_FIXED);
	json_rows(w, alert, ROWS(links));
	json_member(w, KEY("verdict"), facts->verdict, JSON_USEFUL);
	json_rows(w, alert, ROWS(others));
	json_comments(w, alert);
	json_rows(w, alert, ROWS(details));
	json_evidence(w, KEY("evidence"), alert, put_one, NULL);
	json_close(w, inner, JSON_FIXED);
	json_close(w, open, JSON_FIXED);
}

static void ecs_write(struct json_writer *w, const struct json_document *self,
	const struct fmt_alert *alert)
{
	int64_t when = value_when(alert, alert->updated, alert->created);
	struct ecs_facts facts;

	ecs_collect(&facts, alert);
	json_literal(w, "{");
	json_time(w, KEY("@timestamp"), when, JSON_FIXED);
	json_literal(w, ",\"ecs\":{\"version\":\"" ECS_VERSION "\"}");
	json_long(w, KEY("message"), alert->title, JSON_FIXED, JSON_CUT_TITLE);
	put_event(w, self, alert, &facts);
	put_whose(w, alert);
	put_rule(w, alert);
	put_threat(w, alert);
	ecs_put_evidence(w, alert);
	put_related(w, &facts);
	put_defender(w, alert, &facts);
	json_relay(w, alert);
	json_literal(w, "}");
}

static enum fmt_result ecs_format(
	void *self, const struct fmt_alert *alert, struct fmt_message *message)
{
	return json_document_write(message, ecs_write, self, alert);
}

static int ecs_fields(void *self, const struct fmt_rule *rules, size_t count,
	fmt_wrong *wrong, void *context)
{
	static const struct field_json_own own[] = {
		{"@timestamp", 1},
		{"ecs.version", 1},
		{"message", 0},
		{"event.kind", 1},
		{"event.category", 0},
		{"event.type", 0},
		{"event.module", 0},
		{"event.dataset", 1},
		{"event.id", 1},
		{"event.severity", 0},
		{"event.created", 0},
		{"event.url", 0},
		{"event.reference", 0},
		{"microsoft.defender.severity", 0},
		{"microsoft.defender.status", 0},
		{"microsoft.defender.incidentId", 1},
		{"organization.id", 1},
		{"alertrelay.customer", 1},
		{"alertrelay.customer_name", 1},
		{"alertrelay.tenant_id", 1},
		{"alertrelay.source", 1},
		{"alertrelay.kind", 1},
		{"alertrelay.alert_id", 1},
		{"alertrelay.version", 1},
		{"alertrelay.evidence_count", 1},
		{NULL, 0},
	};

	return json_document_fields(self, "ecs", own, rules, count, wrong, context);
}
static const struct fmt_option_info ecs_options[] = {
	{"original", "no", JSON_ORIGINAL_HELP},
	{"severity", "the usual ones",
		"numbers of severities, as high=73,low=21; what a destination's option "
		"severity sets"},
	{NULL, NULL, NULL},
};

static void *ecs_open(
	const struct fmt_option *options, size_t count, char *error, size_t error_size)
{
	return json_document_open(
		"ecs", SEVERITY_ECS, options, count, error, error_size);
}

const struct fmt_module ecs_module = {
	.abi_version = FMT_ABI,
	.struct_size = sizeof(struct fmt_module),
	.name = "ecs",
	.help = "Elastic Common Schema " ECS_VERSION ", one JSON document on one line",
	.options = ecs_options,
	.open = ecs_open,
	.format = ecs_format,
	.close = json_document_close,
	.fields = ecs_fields,
};
