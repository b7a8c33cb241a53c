/* m365d_incidents.c - Microsoft 365 Defender, GET /api/incidents (facts 2.3, 3.8).
 *
 * Incidents always come with their alerts. An alert lists its devices and its other entities
 * apart; both are evidence here. */
#include "config.h"

#include "fetch/source.h"
#include "fetch/source_rows.h"

static const struct alert_row alert_rows[] = {
	STRING("alertId", id),
	STRING("providerAlertId", provider_alert_id),
	STRING("incidentId", incident_id),
	STRING("title", title),
	STRING("description", description),
	STRING("category", category),
	LIST("mitreTechniques", mitre_techniques),
	SEVERITY("severity"),
	STRING("status", status),
	STRING("classification", classification),
	STRING("determination", determination),
	STRING("assignedTo", assigned_to),
	STRING("investigationState", investigation_state),
	STRING("investigationId", investigation_id),
	STRING("serviceSource", service_source),
	STRING("detectionSource", detection_source),
	STRING("detectorId", detector_id),
	STRING("actorName", actor),
	STRING("threatFamilyName", threat_family),
	TIME("creationTime", created),
	TIME("lastUpdatedTime", updated),
	TIME("resolvedTime", resolved),
	TIME("firstActivity", first_activity),
	TIME("lastActivity", last_activity),

	{"devices", ALERT_EVIDENCE, FMT_KIND_DEVICE},
	FIELD_AT("devices/mdatpDeviceId", FMT_DEVICE_ID),
	FIELD_AT("devices/aadDeviceId", FMT_DEVICE_AAD_ID),
	FIELD_AT("devices/deviceDnsName", FMT_DEVICE_DNS_NAME),
	FIELD_AT("devices/osPlatform", FMT_DEVICE_OS),
	FIELD_AT("devices/version", FMT_DEVICE_OS_VERSION),
	FIELD_AT("devices/osBuild", FMT_DEVICE_OS_BUILD),
	FIELD_AT("devices/osProcessor", FMT_DEVICE_PROCESSOR),
	FIELD_AT("devices/healthStatus", FMT_DEVICE_HEALTH),
	FIELD_AT("devices/riskScore", FMT_DEVICE_RISK),
	FIELD_AT("devices/rbacGroupName", FMT_DEVICE_GROUP),
	FIELD_AT("devices/rbacGroupId", FMT_DEVICE_GROUP_ID),
	FIELD_AT("devices/firstSeen", FMT_DEVICE_FIRST_SEEN),
	FIELD_AT("devices/tags", FMT_TAG),
	FIELD_AT("devices/defenderAvStatus", FMT_DEVICE_AV_STATUS),
	FIELD_AT("devices/onboardingStatus", FMT_DEVICE_ONBOARDING),
	FIELD_AT("devices/vmMetadata/vmId", FMT_DEVICE_VM_ID),
	FIELD_AT("devices/vmMetadata/cloudProvider", FMT_CLOUD_PROVIDER),
	FIELD_AT("devices/vmMetadata/resourceId", FMT_RESOURCE_ID),
	FIELD_AT("devices/vmMetadata/subscriptionId", FMT_RESOURCE_ACCOUNT),
	FIELD_AT("devices/loggedOnUsers/accountName", FMT_DEVICE_LOGGED_ON_USER),
	FIELD_AT("devices/loggedOnUsers/domainName", FMT_DEVICE_LOGGED_ON_DOMAIN),

	{"entities", ALERT_EVIDENCE, FMT_KIND_OTHER},
	ENTITY_ROWS("entities"),
	FIELD_AT("entities/deviceId", FMT_DEVICE_ID),
	FIELD_AT("entities/mailboxDisplayName", FMT_MAILBOX_NAME),
	FIELD_AT("entities/mailboxAddress", FMT_MAILBOX_ADDRESS),
	FIELD_AT("entities/sender", FMT_MESSAGE_SENDER),
	FIELD_AT("entities/recipient", FMT_MESSAGE_RECIPIENT),
	FIELD_AT("entities/subject", FMT_MESSAGE_SUBJECT),
	FIELD_AT("entities/deliveryAction", FMT_MESSAGE_DELIVERY_ACTION),
	FIELD_AT("entities/internetMessageId", FMT_MESSAGE_ID),
	FIELD_AT("entities/clusterBy", FMT_CLUSTER_BY),
	FIELD_AT("entities/clusterByValue", FMT_CLUSTER_BY_VALUE),
	FIELD_AT("entities/emailCount", FMT_MESSAGE_COUNT),
	FIELD_AT("entities/securityGroupId", FMT_OBJECT_ID),
	FIELD_AT("entities/securityGroupName", FMT_NAME),
};

static const struct alert_table alert_table = {
	.rows = alert_rows,
	.row_count = sizeof(alert_rows) / sizeof(alert_rows[0]),
};

static const struct alert_row rows[] = {
	STRING("incidentId", incident_id),
	STRING("redirectIncidentId", redirect_incident_id),
	STRING("incidentName", title),
	SEVERITY("severity"),
	STRING("status", status),
	STRING("classification", classification),
	STRING("determination", determination),
	STRING("assignedTo", assigned_to),
	LIST("tags", custom_tags),
	STRING("incidentUri", incident_url),
	TIME("createdTime", created),
	TIME("lastUpdateTime", updated),
	COMMENTS,
	{"alerts", ALERT_NESTED, 0},
};

static const struct alert_table table = {
	.kind = "incident",
	.rows = rows,
	.row_count = sizeof(rows) / sizeof(rows[0]),
	.id_prefix = "incident:",
	.id_from = offsetof(struct fmt_alert, incident_id),
	.nested = &alert_table,
};

const struct source source_m365d_incidents = {
	.name = "m365d-incidents",
	.help = "Microsoft 365 Defender api/incidents, with their alerts",
	.api = API_M365D,
	.paging = PAGING_SKIP, /* no next link is documented (facts 2.3) */
	.created_fixed = true,
	.list_key = "value",
	.page_size = 100,
	.page_size_max = 100,
	.path = "/api/incidents",
	.updated = "lastUpdateTime",
	.table = &table,
	.permission = "Incident.Read.All",
	.first_url = source_odata_url,
};
