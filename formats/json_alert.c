/* json_alert.c - the alert as a JSON object: made from its members, and its parts. */
#include "json_alert.h"

#include "json_text.h"
#include "severity.h"
#include "value.h"

#define FMT_FIELD(id, name) name,
static const char *const field_names[FMT_FIELD_IDS] = {
	"",
#include "fields.def"
};
#undef FMT_FIELD

static int put_text(struct fmt_out *out, const char *name, struct fmt_str s)
{
	return !s.n || (json_put_name(out, name) && json_put_string(out, s));
}

static int put_time(struct fmt_out *out, const char *name, int64_t ticks)
{
	char text[VALUE_TIME_ROOM];
	size_t n;

	if (!value_is_time(ticks))
		return 1;
	n = (size_t)(value_put_time(text, ticks, 7) - text);
	return put_text(out, name, (struct fmt_str){text, n});
}

static int put_list(struct fmt_out *out, const char *name, struct fmt_list list)
{
	if (!list.count)
		return 1;
	if (!json_put_name(out, name) || !json_put(out, "[", 1))
		return 0;
	for (size_t i = 0; i < list.count; i++) {
		if (i && !json_put(out, ",", 1))
			return 0;
		if (!json_put_string(out, list.items[i]))
			return 0;
	}
	return json_put(out, "]", 1);
}

/* Raw JSON under a name. */
static int put_raw(struct fmt_out *out, const char *name, struct fmt_str raw)
{
	return !raw.n || (json_put_name(out, name) && json_compact(out, raw));
}

static int put_fields(struct fmt_out *out, const struct fmt_evidence *evidence)
{
	size_t count[FMT_FIELD_IDS] = {0};

	for (size_t i = 0; i < evidence->field_count; i++)
		if (evidence->fields[i].id < FMT_FIELD_IDS)
			count[evidence->fields[i].id]++;
	for (uint32_t id = FMT_FIELD_NONE + 1; id < FMT_FIELD_IDS; id++) {
		int many = count[id] > 1;
		const char *between = "[";

		if (!count[id])
			continue;
		if (!json_put_name(out, field_names[id]))
			return 0;
		for (size_t i = 0; i < evidence->field_count; i++) {
			if (evidence->fields[i].id != id)
				continue;
			if (many && !json_put(out, between, 1))
				return 0;
			between = ",";
			if (!json_put_string(out, evidence->fields[i].value))
				return 0;
		}
		if (many && !json_put(out, "]", 1))
			return 0;
	}
	return 1;
}

static int put_evidence(struct fmt_out *out, const struct fmt_evidence *evidence)
{
	if (evidence->raw.n)
		return json_compact(out, evidence->raw);
	return json_put(out, "{", 1) && put_text(out, "type", evidence->type) &&
	       put_time(out, "createdDateTime", evidence->created) &&
	       put_fields(out, evidence) && json_put(out, "}", 1);
}

static int put_comments(struct fmt_out *out, const struct fmt_alert *alert)
{
	if (!alert->comment_count)
		return 1;
	if (!json_put_name(out, "comments") || !json_put(out, "[", 1))
		return 0;
	for (size_t i = 0; i < alert->comment_count; i++) {
		const struct fmt_comment *comment = &alert->comments[i];

		if ((i && !json_put(out, ",", 1)) || !json_put(out, "{", 1) ||
			!put_text(out, "comment", comment->text) ||
			!put_text(out, "createdByDisplayName", comment->author) ||
			!put_time(out, "createdDateTime", comment->created) ||
			!json_put(out, "}", 1))
			return 0;
	}
	return json_put(out, "]", 1);
}

int json_alert_build(struct fmt_out *out, const struct fmt_alert *alert)
{
	struct fmt_str severity = alert->severity_text;
	int ok = json_put(out, "{", 1);

	if (!severity.n || alert->severity != FMT_SEVERITY_UNKNOWN)
		severity = text_str(severity_name(alert->severity));
	ok = ok && put_text(out, "id", alert->id) &&
	     put_text(out, "providerAlertId", alert->provider_alert_id) &&
	     put_text(out, "incidentId", alert->incident_id) &&
	     put_text(out, "redirectIncidentId", alert->redirect_incident_id) &&
	     put_text(out, "status", alert->status) &&
	     put_text(out, "severity", severity) &&
	     put_text(out, "classification", alert->classification) &&
	     put_text(out, "determination", alert->determination) &&
	     put_text(out, "serviceSource", alert->service_source) &&
	     put_text(out, "detectionSource", alert->detection_source) &&
	     put_text(out, "productName", alert->product_name) &&
	     put_text(out, "detectorId", alert->detector_id) &&
	     put_text(out, "alertPolicyId", alert->alert_policy_id) &&
	     put_text(out, "tenantId", alert->tenant_id) &&
	     put_text(out, "title", alert->title) &&
	     put_text(out, "description", alert->description) &&
	     put_text(out, "recommendedActions", alert->recommended_actions) &&
	     put_text(out, "category", alert->category) &&
	     put_list(out, "categories", alert->categories) &&
	     put_text(out, "assignedTo", alert->assigned_to) &&
	     put_text(out, "investigationState", alert->investigation_state) &&
	     put_text(out, "investigationId", alert->investigation_id) &&
	     put_text(out, "externalId", alert->external_id) &&
	     put_text(out, "iocUniqueId", alert->indicator_id) &&
	     put_text(out, "summary", alert->summary) &&
	     put_text(out, "resolvingComment", alert->resolving_comment) &&
	     put_text(out, "lastModifiedBy", alert->last_modified_by) &&
	     put_text(out, "priorityScore", alert->priority_score) &&
	     put_text(out, "alertWebUrl", alert->alert_url) &&
	     put_text(out, "incidentWebUrl", alert->incident_url) &&
	     put_text(out, "actorDisplayName", alert->actor) &&
	     put_text(out, "threatDisplayName", alert->threat_name) &&
	     put_text(out, "threatFamilyName", alert->threat_family) &&
	     put_list(out, "mitreTechniques", alert->mitre_techniques) &&
	     put_list(out, "systemTags", alert->system_tags) &&
	     put_list(out, "customTags", alert->custom_tags) &&
	     put_time(out, "createdDateTime", alert->created) &&
	     put_time(out, "lastUpdateDateTime", alert->updated) &&
	     put_time(out, "resolvedDateTime", alert->resolved) &&
	     put_time(out, "firstActivityDateTime", alert->first_activity) &&
	     put_time(out, "lastActivityDateTime", alert->last_activity) &&
	     put_comments(out, alert) &&
	     put_raw(out, "customDetails", alert->custom_details) &&
	     put_raw(out, "additionalData", alert->additional_data);
	if (ok && alert->evidence_count) {
		ok = json_put_name(out, "evidence") && json_put(out, "[", 1);
		for (size_t i = 0; ok && i < alert->evidence_count; i++)
			ok = (!i || json_put(out, ",", 1)) &&
			     put_evidence(out, &alert->evidence[i]);
		ok = ok && json_put(out, "]", 1);
	}
	return ok && json_put(out, "}", 1);
}

/* When the members of the vendor's alert go. */
enum rank {
	STAYS,
	OTHER_EVIDENCE,
	PRIMARY_EVIDENCE,
	ADDITIONAL_DATA,
	CUSTOM_DETAILS,
	ACTIONS,
	ACTION,
	DESCRIPTION,
	COMMENTS,
	UNKNOWN,
	KNOWN,
	TITLE,
};

_Static_assert(UNKNOWN == JSON_ALERT_OPTIONAL, "the rank that others see");

const char *json_alert_why(unsigned rank)
{
#define NO_ROOM "the message has no room for it: "
	static const char *const why[] = {
		[OTHER_EVIDENCE] =
			NO_ROOM "evidence that is not the primary one goes first",
		[PRIMARY_EVIDENCE] = NO_ROOM "primary evidence goes second",
		[ADDITIONAL_DATA] = NO_ROOM "additional data go after evidence",
		[CUSTOM_DETAILS] = NO_ROOM "custom details go after additional data",
		[COMMENTS] = NO_ROOM "comments go after long texts were cut",
		[UNKNOWN] = NO_ROOM "other members go after comments",
		[KNOWN] = NO_ROOM "what is known by its name goes last",
		[TITLE] = NULL,
	};

	if (rank == JSON_FIT_ALWAYS)
		return "the relay's own note of that name takes its place";
	return rank < sizeof(why) / sizeof(*why) && why[rank]
		       ? why[rank]
		       : "the message has no room for it";
}

struct named {
	const char *name;
	uint8_t drop, cut;
};

static const struct named named[] = {
	{"id", STAYS, 0},
	{"alertId", STAYS, 0},
	{"AlertId", STAYS, 0},
	{"FullId", STAYS, 0},
	{"tenantId", STAYS, 0},
	{"aadTenantId", STAYS, 0},
	{"incidentId", STAYS, 0},
	{"redirectIncidentId", STAYS, 0},
	{"title", STAYS, TITLE},
	{"displayName", STAYS, 0},
	{"incidentName", STAYS, 0},
	{"AlertTitle", STAYS, 0},
	{"severity", STAYS, 0},
	{"Severity", STAYS, 0},
	{"status", STAYS, 0},
	{"createdDateTime", STAYS, 0},
	{"createdTime", STAYS, 0},
	{"creationTime", STAYS, 0},
	{"AlertTime", STAYS, 0},
	{"alertCreationTime", STAYS, 0},
	{"lastUpdateDateTime", STAYS, 0},
	{"lastUpdateTime", STAYS, 0},
	{"lastUpdatedTime", STAYS, 0},
	{"LastProcessedTimeUtc", STAYS, 0},
	{"alertWebUrl", STAYS, 0},
	{"incidentWebUrl", STAYS, 0},
	{"incidentUri", STAYS, 0},
	{"LinkToWDATP", STAYS, 0},
	{"LinkToMTP", STAYS, 0},
	{"IncidentLinkToWDATP", STAYS, 0},
	{"IncidentLinkToMTP", STAYS, 0},
	{"providerAlertId", KNOWN, 0},
	{"detectorId", KNOWN, 0},
	{"category", KNOWN, 0},
	{"serviceSource", KNOWN, 0},
	{"detectionSource", KNOWN, 0},
	{"productName", KNOWN, 0},
	{"classification", KNOWN, 0},
	{"determination", KNOWN, 0},
	{"firstActivityDateTime", KNOWN, 0},
	{"lastActivityDateTime", KNOWN, 0},
	{"mitreTechniques", KNOWN, 0},
	{"machineId", KNOWN, 0},
	{"computerDnsName", KNOWN, 0},
	{"threatDisplayName", KNOWN, 0},
	{"description", KNOWN, DESCRIPTION},
	{"recommendedActions", UNKNOWN, ACTIONS},
	{"recommendedAction", UNKNOWN, ACTION},
	{"additionalData", ADDITIONAL_DATA, 0},
	{"customDetails", CUSTOM_DETAILS, 0},
	{"comments", COMMENTS, 0},
	/* our own notes may come only once */
	{"evidenceOmitted", JSON_FIT_ALWAYS, 0},
	{"fieldsOmitted", JSON_FIT_ALWAYS, 0},
};

/* The name with its quotes. */
static int is_named(struct fmt_str quoted, const char *name)
{
	size_t n = strlen(name);

	return quoted.n == n + 2 && !memcmp(quoted.p + 1, name, n);
}

static const struct named *find_named(struct fmt_str quoted)
{
	static const struct named other = {"", UNKNOWN, 0};

	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		if (is_named(quoted, named[i].name))
			return &named[i];
	return &other;
}

static size_t count_elements(const char *p, const char *end)
{
	size_t count = 0;

	for (; p < end; p++, count++)
		p = json_skip(p, end);
	return count;
}

/* The elements of the array between p and end. */
static int add_evidence(struct json_fit *fit, const char *text, const char *p,
	const char *end, const struct fmt_alert *alert)
{
	/* Are these the pieces that the alert knows, in their order? */
	int known = count_elements(p, end) == alert->evidence_count;
	struct json_part *part;

	for (size_t i = 0; p < end; i++) {
		const char *next = json_skip(p, end);

		part = json_fit_add(fit, (size_t)(p - text));
		if (!part)
			return 0;
		part->end = (size_t)(next - text);
		part->evidence = 1;
		part->drop = known && !value_is_primary(alert, &alert->evidence[i])
				     ? OTHER_EVIDENCE
				     : PRIMARY_EVIDENCE;
		p = next + 1;
	}
	return 1;
}

int json_alert_parts(struct json_fit *fit, struct fmt_str text, size_t at,
	const struct fmt_alert *alert)
{
	const char *p = text.p + at + 1, *end = json_skip(text.p + at, text.p + text.n);
	int listed = 0;

	end--;
	fit->note_at = (size_t)(end - text.p);
	while (p < end) {
		const char *value = json_skip(p, end) + 1,
			   *next = json_skip(value, end);
		struct fmt_str name = {p, (size_t)(value - 1 - p)};
		const struct named *row = find_named(name);
		struct json_part *part = json_fit_add(fit, (size_t)(p - text.p));

		if (!part)
			return 0;
		part->value = (size_t)(value - text.p);
		part->end = (size_t)(next - text.p);
		part->drop = row->drop;
		part->cut = row->cut;
		if (!listed && *value == '[' && is_named(name, "evidence")) {
			listed = 1;
			if (!add_evidence(fit, text.p, value + 1, next - 1, alert))
				return 0;
		}
		p = next + 1;
	}
	return 1;
}
