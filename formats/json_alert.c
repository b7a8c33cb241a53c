/* json_alert.c - the alert as a JSON object: made from its members, or made to fit. */
#include "json_alert.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "json_text.h"
#include "severity.h"
#include "text.h"

#define TICKS_PER_S 10000000
#define NOTE_ROOM 96u /* evidenceOmitted and fieldsOmitted with their numbers */
#define TEXT_MIN 64u /* octets that stay of a long text */

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
	char text[48];
	struct tm tm;
	time_t seconds = (time_t)(ticks / TICKS_PER_S);
	int n;

	if (ticks < 0 || !gmtime_r(&seconds, &tm) || tm.tm_year > 8099)
		return 1;
	n = snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%07dZ",
		tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
		tm.tm_sec, (int)(ticks % TICKS_PER_S));
	return put_text(out, name, (struct fmt_str){text, (size_t)n});
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

/* A member of the object or an element of its evidence, as text. */
struct part {
	struct fmt_str name; /* with its quotes; none for an element */
	struct fmt_str value;
	size_t keep; /* octets of a text that is cut, inside the quotes, without the mark; else 0 */
	int dropped;
};

struct fit {
	struct part *members;
	size_t member_count;
	struct part *evidence; /* the elements, if there is an array of that name */
	size_t evidence_count;
	size_t evidence_at; /* its member */
	size_t size; /* octets of the object as planned */
	size_t evidence_omitted;
	size_t fields_omitted;
	unsigned cut;
};

/* The parts of the object or array that begins at text.p; NULL without memory. */
static struct part *list_parts(struct fmt_str text, size_t *count)
{
	const char *p = text.p + 1, *end = text.p + text.n - 1;
	int object = text.p[0] == '{';
	size_t room = 0;
	struct part *parts = NULL;

	*count = 0;
	do {
		struct part part = {.keep = 0};
		const char *next;

		if (*count == room) {
			struct part *more;

			room = room ? room * 2 : 64;
			more = realloc(parts, room * sizeof(*parts));
			if (!more) {
				free(parts);
				return NULL;
			}
			parts = more;
		}
		if (p == end)
			break;
		if (object) {
			next = json_skip(p, end);
			part.name = (struct fmt_str){p, (size_t)(next - p)};
			p = next + 1;
		}
		next = json_skip(p, end);
		part.value = (struct fmt_str){p, (size_t)(next - p)};
		p = next;
		parts[(*count)++] = part;
	} while (p < end && *p++ == ',');
	return parts;
}

static int is_named(const struct part *part, const char *name)
{
	size_t n = strlen(name);

	return part->name.n == n + 2 && !memcmp(part->name.p + 1, name, n);
}

static int is_any(const struct part *part, const char *const *names)
{
	for (; *names; names++)
		if (is_named(part, *names))
			return 1;
	return 0;
}

static void fit_drop(struct fit *fit, struct part *part)
{
	part->dropped = 1;
	fit->size -= part->name.n + (part->name.n ? 1 : 0) + part->value.n + 1;
}

static int is_primary(const struct fmt_alert *alert, size_t i)
{
	const struct fmt_evidence *evidence = &alert->evidence[i];

	for (size_t k = 0; k < FMT_KINDS; k++)
		if (alert->primary[k] == evidence)
			return 1;
	return alert->source_ip == evidence || alert->destination_ip == evidence;
}

static void fit_evidence(struct fit *fit, size_t limit, const struct fmt_alert *alert)
{
	int known = fit->evidence_count == alert->evidence_count;

	for (int primaries = !known; primaries < 2; primaries++) {
		for (size_t i = fit->evidence_count; i-- > 0 && fit->size > limit;) {
			if (fit->evidence[i].dropped ||
				(!primaries && is_primary(alert, i)))
				continue;
			fit_drop(fit, &fit->evidence[i]);
			fit->evidence_omitted++;
		}
	}
}

/* Octets of the inside of a JSON string that end at a character, at most max. */
static size_t cut_string(struct fmt_str s, size_t max)
{
	size_t at = 0;

	for (;;) {
		const char *p = s.p + at;
		size_t n = 1;

		if (at >= s.n)
			break;
		if (*p == '\\' && p[1] == 'u') {
			/* The halves of a surrogate pair stay together. */
			n = (p[2] == 'd' || p[2] == 'D') && strchr("89abAB", p[3]) ? 12
										   : 6;
		} else if (*p == '\\') {
			n = 2;
		} else {
			while (at + n < s.n && ((unsigned char)p[n] & 0xC0) == 0x80)
				n++;
		}
		if (at + n > max)
			break;
		at += n;
	}
	return at;
}

static void fit_text(struct fit *fit, struct part *part, size_t limit)
{
	size_t inside = part->value.n - 2, excess = fit->size - limit, keep;
	struct fmt_str s = {part->value.p + 1, inside};

	if (part->value.p[0] != '"' || part->value.n < 2 || inside <= TEXT_MIN)
		return;
	keep = inside > excess + TEXT_MARK_LEN &&
			       inside - excess - TEXT_MARK_LEN > TEXT_MIN
		       ? inside - excess - TEXT_MARK_LEN
		       : TEXT_MIN - TEXT_MARK_LEN;
	part->keep = cut_string(s, keep);
	if (!part->keep)
		return;
	fit->size -= inside - part->keep - TEXT_MARK_LEN;
	fit->cut++;
}

static void fit_named(struct fit *fit, size_t limit, const char *name, int cut)
{
	for (size_t i = 0; i < fit->member_count && fit->size > limit; i++) {
		struct part *part = &fit->members[i];

		if (part->dropped || !is_named(part, name))
			continue;
		if (cut) {
			fit_text(fit, part, limit);
		} else {
			fit_drop(fit, part);
			fit->fields_omitted++;
		}
	}
}

static void fit_members(struct fit *fit, size_t limit)
{
	static const char *const fixed[] = {"id", "alertId", "AlertId", "FullId",
		"tenantId", "aadTenantId", "incidentId", "redirectIncidentId", "title",
		"displayName", "incidentName", "AlertTitle", "severity", "Severity",
		"status", "createdDateTime", "createdTime", "creationTime", "AlertTime",
		"alertCreationTime", "lastUpdateDateTime", "lastUpdateTime",
		"lastUpdatedTime", "LastProcessedTimeUtc", "alertWebUrl",
		"incidentWebUrl", "incidentUri", "LinkToWDATP", "LinkToMTP",
		"IncidentLinkToWDATP", "IncidentLinkToMTP", NULL};
	static const char *const known[] = {"providerAlertId", "detectorId", "category",
		"serviceSource", "detectionSource", "productName", "classification",
		"determination", "firstActivityDateTime", "lastActivityDateTime",
		"mitreTechniques", "machineId", "computerDnsName", "threatDisplayName",
		"description", NULL};

	for (int round = 0; round < 2; round++) {
		for (size_t i = fit->member_count; i-- > 0 && fit->size > limit;) {
			struct part *part = &fit->members[i];

			if (part->dropped || is_any(part, fixed) ||
				(!round && is_any(part, known)))
				continue;
			/* Its elements are counted already. */
			if (i == fit->evidence_at) {
				for (size_t k = 0; k < fit->evidence_count; k++)
					if (!fit->evidence[k].dropped)
						fit->evidence_omitted++;
				part->dropped = 1;
				fit->size -= part->name.n + 4;
				continue;
			}
			if (part->keep) {
				part->dropped = 1;
				fit->size -=
					part->name.n + part->keep + TEXT_MARK_LEN + 4;
				fit->cut--;
			} else {
				fit_drop(fit, part);
			}
			fit->fields_omitted++;
		}
	}
}

static int put_part(struct fmt_out *out, const struct part *part)
{
	if (part->name.n &&
		(!json_put(out, part->name.p, part->name.n) || !json_put(out, ":", 1)))
		return 0;
	if (!part->keep)
		return json_put(out, part->value.p, part->value.n);
	return json_put(out, part->value.p, part->keep + 1) &&
	       json_put(out, TEXT_MARK "\"", TEXT_MARK_LEN + 1);
}

static int put_parts(struct fmt_out *out, const struct part *parts, size_t count,
	const struct fit *fit, int members)
{
	int any = 0;

	for (size_t i = 0; i < count; i++) {
		if (parts[i].dropped)
			continue;
		if (any++ && !json_put(out, ",", 1))
			return 0;
		if (members && fit->evidence && i == fit->evidence_at) {
			if (!json_put(out, parts[i].name.p, parts[i].name.n) ||
				!json_put(out, ":[", 2) ||
				!put_parts(out, fit->evidence, fit->evidence_count, fit,
					0) ||
				!json_put(out, "]", 1))
				return 0;
		} else if (!put_part(out, &parts[i])) {
			return 0;
		}
	}
	return 1;
}

static int put_note(struct fmt_out *out, const char *name, size_t number)
{
	char digits[24];

	if (!number)
		return 1;
	return json_put_name(out, name) &&
	       json_put(out, digits,
		       (size_t)snprintf(digits, sizeof(digits), "%zu", number));
}

static void fit_plan(struct fit *fit, size_t limit, const struct fmt_alert *alert)
{
	/* Our own notes may come only once. */
	for (size_t i = 0; i < fit->member_count; i++) {
		if (is_named(&fit->members[i], "evidenceOmitted") ||
			is_named(&fit->members[i], "fieldsOmitted")) {
			fit_drop(fit, &fit->members[i]);
			fit->fields_omitted++;
		}
	}
	fit_evidence(fit, limit, alert);
	fit_named(fit, limit, "additionalData", 0);
	fit_named(fit, limit, "customDetails", 0);
	fit_named(fit, limit, "recommendedActions", 1);
	fit_named(fit, limit, "recommendedAction", 1);
	fit_named(fit, limit, "description", 1);
	fit_named(fit, limit, "comments", 0);
	fit_members(fit, limit);
	fit_named(fit, limit, "title", 1);
}

int json_alert_fit(struct fmt_out *out, struct fmt_str object, size_t limit,
	const struct fmt_alert *alert, struct fmt_message *message)
{
	struct fit fit = {.size = object.n + NOTE_ROOM};
	int ok = 0;

	fit.members = list_parts(object, &fit.member_count);
	if (!fit.members)
		return 0;
	fit.evidence_at = fit.member_count;
	for (size_t i = 0; i < fit.member_count; i++) {
		if (!is_named(&fit.members[i], "evidence") ||
			fit.members[i].value.p[0] != '[')
			continue;
		fit.evidence = list_parts(fit.members[i].value, &fit.evidence_count);
		if (!fit.evidence)
			goto out;
		fit.evidence_at = i;
		break;
	}
	fit_plan(&fit, limit, alert);
	if (fit.size > limit)
		goto out;
	ok = json_put(out, "{", 1) &&
	     put_parts(out, fit.members, fit.member_count, &fit, 1) &&
	     put_note(out, "evidenceOmitted", fit.evidence_omitted) &&
	     put_note(out, "fieldsOmitted", fit.fields_omitted) &&
	     json_put(out, "}", 1);
	if (ok) {
		message->shed_fields +=
			(unsigned)(fit.evidence_omitted + fit.fields_omitted);
		message->cut_texts += fit.cut;
	}
out:
	free(fit.evidence);
	free(fit.members);
	return ok;
}
