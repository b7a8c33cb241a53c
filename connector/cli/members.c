#include "config.h"

#include "cli/members.h"

#include "formats/format.h"

#define MEMBER(name, member, value)                                                    \
	{                                                                              \
		name, offsetof(struct fmt_alert, member), value                        \
	}
const struct alert_member alert_members[] = {
	MEMBER("id", id, MEMBER_TEXT),
	MEMBER("providerAlertId", provider_alert_id, MEMBER_TEXT),
	MEMBER("incidentId", incident_id, MEMBER_TEXT),
	MEMBER("redirectIncidentId", redirect_incident_id, MEMBER_TEXT),
	MEMBER("tenantId", tenant_id, MEMBER_TEXT),
	MEMBER("title", title, MEMBER_TEXT),
	MEMBER("description", description, MEMBER_TEXT),
	MEMBER("summary", summary, MEMBER_TEXT),
	MEMBER("recommendedActions", recommended_actions, MEMBER_TEXT),
	MEMBER("category", category, MEMBER_TEXT),
	MEMBER("categories", categories, MEMBER_LISTS),
	MEMBER("mitreTechniques", mitre_techniques, MEMBER_TECHNIQUES),
	MEMBER("severity", severity_text, MEMBER_SEVERITIES),
	MEMBER("status", status, MEMBER_TEXT),
	MEMBER("classification", classification, MEMBER_TEXT),
	MEMBER("determination", determination, MEMBER_TEXT),
	MEMBER("assignedTo", assigned_to, MEMBER_TEXT),
	MEMBER("investigationState", investigation_state, MEMBER_TEXT),
	MEMBER("investigationId", investigation_id, MEMBER_TEXT),
	MEMBER("serviceSource", service_source, MEMBER_TEXT),
	MEMBER("detectionSource", detection_source, MEMBER_TEXT),
	MEMBER("productName", product_name, MEMBER_TEXT),
	MEMBER("detectorId", detector_id, MEMBER_TEXT),
	MEMBER("alertPolicyId", alert_policy_id, MEMBER_TEXT),
	MEMBER("actorDisplayName", actor, MEMBER_TEXT),
	MEMBER("threatDisplayName", threat_name, MEMBER_TEXT),
	MEMBER("threatFamilyName", threat_family, MEMBER_TEXT),
	MEMBER("alertWebUrl", alert_url, MEMBER_TEXT),
	MEMBER("incidentWebUrl", incident_url, MEMBER_TEXT),
	MEMBER("createdDateTime", created, MEMBER_TIMES),
	MEMBER("lastUpdateDateTime", updated, MEMBER_TIMES),
	MEMBER("resolvedDateTime", resolved, MEMBER_TIMES),
	MEMBER("firstActivityDateTime", first_activity, MEMBER_TIMES),
	MEMBER("lastActivityDateTime", last_activity, MEMBER_TIMES),
	MEMBER("systemTags", system_tags, MEMBER_LISTS),
	MEMBER("customTags", custom_tags, MEMBER_LISTS),
	MEMBER("comments", comments, MEMBER_COMMENT),
	MEMBER("customDetails", custom_details, MEMBER_JSON),
	MEMBER("additionalData", additional_data, MEMBER_JSON),
	MEMBER("externalId", external_id, MEMBER_TEXT),
	MEMBER("iocUniqueId", indicator_id, MEMBER_TEXT),
	MEMBER("resolvingComment", resolving_comment, MEMBER_TEXT),
	MEMBER("lastModifiedBy", last_modified_by, MEMBER_TEXT),
	MEMBER("priorityScore", priority_score, MEMBER_SCORE),
	/* of the relay */
	MEMBER("customer", customer, MEMBER_TEXT),
	MEMBER("customerName", customer_name, MEMBER_TEXT),
	MEMBER("version", version, MEMBER_TEXT),
	MEMBER("source", source, MEMBER_CHARS),
	{NULL, 0, MEMBER_TEXT},
};

#define FMT_FIELD(id, name) name,
static const char *const field_names[FMT_FIELD_IDS] = {
	"",
#include "formats/fields.def"
};
#undef FMT_FIELD

const char *alert_field_name(uint32_t id)
{
	return id < FMT_FIELD_IDS ? field_names[id] : "";
}
