/* mde_alerts.c - Microsoft Defender for Endpoint, GET /api/alerts (facts 2.2, 3.7).
 *
 * The device and the user of an alert are members of the alert itself; without $expand=evidence
 * they are all that there is. */
#include "config.h"

#include "fetch/source.h"
#include "fetch/source_rows.h"

enum { DEVICE, USER };

static const struct alert_flat flat[] = {
	[DEVICE] = {FMT_KIND_DEVICE},
	[USER] = {FMT_KIND_USER},
};

static const struct alert_row rows[] = {
	STRING("id", id),
	STRING("aadTenantId", tenant_id),
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
	STRING("detectionSource", detection_source),
	STRING("detectorId", detector_id),
	STRING("threatName", threat_name),
	STRING("threatFamilyName", threat_family),
	TIME("alertCreationTime", created),
	TIME("lastUpdateTime", updated),
	TIME("resolvedTime", resolved),
	TIME("firstEventTime", first_activity),
	TIME("lastEventTime", last_activity),
	COMMENTS,

	{"evidence", ALERT_EVIDENCE, FMT_KIND_OTHER},
	ENTITY_ROWS("evidence"),

	FLAT_ROW("machineId", DEVICE, FMT_DEVICE_ID),
	FLAT_ROW("computerDnsName", DEVICE, FMT_DEVICE_DNS_NAME),
	FLAT_ROW("rbacGroupName", DEVICE, FMT_DEVICE_GROUP),
	FLAT_ROW("relatedUser/userName", USER, FMT_USER_NAME),
	FLAT_ROW("relatedUser/domainName", USER, FMT_USER_DOMAIN),
};

static const struct alert_table table = {
	.rows = rows,
	.row_count = sizeof(rows) / sizeof(rows[0]),
	.service_source = "microsoftDefenderForEndpoint",
	.flat = flat,
	.flat_count = sizeof(flat) / sizeof(flat[0]),
};

const struct source source_mde_alerts = {
	.name = "mde-alerts",
	.help = "Microsoft Defender for Endpoint api/alerts",
	.api = API_MDE,
	.paging = PAGING_SKIP, /* with $top there is no next link (facts 2.2) */
	.created_fixed = true,
	.list_key = "value",
	.page_size = 1000,
	.page_size_max = 10000,
	.path = "/api/alerts",
	.updated = "lastUpdateTime",
	.expand = "evidence",
	.filters = {"severity", {"Informational", "Low", "Medium", "High"}, "status",
		{"Unknown", "New", "InProgress", "Resolved"}},
	.table = &table,
	.permission = "Alert.Read.All",
	.first_url = source_odata_url,
};
