/* graph_incidents.c - Microsoft Graph, GET /v1.0/security/incidents (facts 2.5, 3.2).
 *
 * With $expand=alerts each change of an incident brings all its alerts again: they have ids and
 * versions of their own, so those that did not change are dropped as sent already. */
#include "config.h"

#include "fetch/source.h"
#include "fetch/source_rows.h"

static const struct alert_row rows[] = {
	STRING("id", incident_id),
	STRING("tenantId", tenant_id),
	STRING("redirectIncidentId", redirect_incident_id),
	STRING("displayName", title),
	STRING("description", description),
	STRING("summary", summary),
	STRING("resolvingComment", resolving_comment),
	STRING("lastModifiedBy", last_modified_by),
	STRING("priorityScore", priority_score),
	SEVERITY("severity"),
	STRING("status", status),
	STRING("classification", classification),
	STRING("determination", determination),
	STRING("assignedTo", assigned_to),
	LIST("systemTags", system_tags),
	LIST("customTags", custom_tags),
	STRING("incidentWebUrl", incident_url),
	TIME("createdDateTime", created),
	TIME("lastUpdateDateTime", updated),
	COMMENTS,
	{"alerts", ALERT_NESTED, 0},
};

static const struct alert_table table = {
	.kind = "incident",
	.rows = rows,
	.row_count = sizeof(rows) / sizeof(rows[0]),
	.id_prefix = "incident:",
	.id_from = offsetof(struct fmt_alert, incident_id),
	.nested = &graph_alert_table,
};

const struct source source_graph_incidents = {
	.name = "graph-incidents",
	.help = "Microsoft Graph security/incidents, with their alerts",
	.api = API_GRAPH,
	.created_fixed = true,
	.list_key = "value",
	.page_size = 50,
	.page_size_max = 50,
	.path = "/v1.0/security/incidents",
	.updated = "lastUpdateDateTime",
	.expand = "alerts",
	.headers = graph_headers,
	.filters = {"severity", {"informational", "low", "medium", "high"}, "status",
		{"active", "inProgress", "resolved", "redirected"}},
	.table = &table,
	.permission = "SecurityIncident.Read.All",
	.first_url = source_odata_url,
};
