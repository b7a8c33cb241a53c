/* shapes.c - an alert as the Defender for Endpoint, Microsoft 365 Defender and SIEM APIs write
 * it, made from what Graph would send: all of them show the same alert. */
#include "config.h"

#include "service.h"

#include <ctype.h>
#include <json.h>
#include <stdlib.h>
#include <string.h>

typedef struct fjson_object *node;

/* An object is being written: a comma after the first member. */
struct writer {
	struct text *out;
	const char *comma;
	bool leave_nulls_out;
};

enum { DEPTH_MAX = 100 };

/* The alert as a tree; NULL when it is not JSON (an alert may be given in any form). */
static node tree_of(const struct view *v, const struct alert *a)
{
	struct text json = {0};
	struct fjson_tokener *parser = fjson_tokener_new_ex(DEPTH_MAX);
	if (!parser)
		abort();
	tenant_write_alert(&json, v->world, v->tenant, a, true);
	node tree = fjson_tokener_parse_ex(parser, json.p, (int)json.n);
	fjson_tokener_free(parser);
	text_clear(&json);
	return tree;
}

static node get(node o, const char *key)
{
	node v = NULL;
	return o && fjson_object_is_type(o, fjson_type_object) &&
			       fjson_object_object_get_ex(o, key, &v)
		       ? v
		       : NULL;
}

static node string_or_null(node v)
{
	return v && fjson_object_is_type(v, fjson_type_string) ? v : NULL;
}

static const char *text_of(node o, const char *key)
{
	node v = string_or_null(get(o, key));
	return v ? fjson_object_get_string(v) : NULL;
}

static int length(node list)
{
	return list && fjson_object_is_type(list, fjson_type_array)
		       ? (int)fjson_object_array_length(list)
		       : 0;
}

static node item(node list, int i)
{
	return fjson_object_array_get_idx(list, (size_t)i);
}

static void key(struct writer *o, const char *name)
{
	text_puts(o->out, o->comma);
	text_putc(o->out, '"');
	text_puts(o->out, name);
	text_puts(o->out, "\":");
	o->comma = ",";
}

static void begin(struct writer *o)
{
	text_putc(o->out, '{');
	o->comma = "";
}

/* Strings with whatever is in them, U+0000 too; numbers and the rest as they are. */
static void put_node(struct text *out, node v)
{
	if (v && fjson_object_is_type(v, fjson_type_string)) {
		text_putc(out, '"');
		text_json_part(out, fjson_object_get_string(v),
			(size_t)fjson_object_get_string_len(v), false);
		text_putc(out, '"');
	} else {
		text_puts(out, v ? fjson_object_to_json_string(v) : "null");
	}
}

static void put(struct writer *o, const char *name, node v)
{
	if (!v && o->leave_nulls_out)
		return;
	key(o, name);
	put_node(o->out, v);
}

/* A string member of the same or another name; anything else is null. */
static void copy(struct writer *o, const char *name, node from, const char *member)
{
	put(o, name, string_or_null(get(from, member)));
}

static void copy_any(struct writer *o, const char *name, node from, const char *member)
{
	put(o, name, get(from, member));
}

static void put_text(struct writer *o, const char *name, const char *text)
{
	if (!text && o->leave_nulls_out)
		return;
	key(o, name);
	text_json(o->out, text, false);
}

void shape_capital(struct text *out, const char *member)
{
	size_t at = out->n + 1;
	text_json(out, member, false);
	if (member && *member)
		out->p[at] = (char)toupper((unsigned char)out->p[at]);
}

struct name_pair {
	const char *graph, *other;
};

/* The other API's word; words that are not in the list only get a capital letter. */
static void put_named(struct writer *o, const char *name, const struct name_pair *pairs,
	const char *member)
{
	for (; member && pairs->graph; pairs++) {
		if (strcmp(pairs->graph, member) != 0)
			continue;
		put_text(o, name, pairs->other);
		return;
	}
	if (!member && o->leave_nulls_out)
		return;
	key(o, name);
	shape_capital(o->out, member);
}

static const struct name_pair severities[] = {{"unknown", "UnSpecified"}, {NULL, NULL}};
static const struct name_pair classifications[] = {{"unknown", NULL}, {NULL, NULL}};
static const struct name_pair determinations[] = {{"unknown", NULL},
	{"compromisedAccount", "CompromisedUser"}, {"notMalicious", "Clean"},
	{"notEnoughDataToValidate", "InsufficientData"},
	{"confirmedActivity", "ConfirmedUserActivity"}, {NULL, NULL}};
static const struct name_pair detections[] = {
	{"microsoftDefenderForEndpoint", "WindowsDefenderAtp"},
	{"antivirus", "WindowsDefenderAv"},
	{"smartScreen", "WindowsDefenderSmartScreen"}, {"customTi", "CustomerTI"},
	{"cloudAppSecurity", "MCAS"}, {"microsoftDefenderForOffice365", "OfficeATP"},
	{"microsoft365Defender", "MTP"}, {NULL, NULL}};
/* Renamed over time: each name is sent for some of the alerts. */
static const struct name_pair old_services[] = {
	{"microsoftDefenderForEndpoint", "MicrosoftDefenderATP"},
	{"microsoftDefenderForOffice365", "OfficeATP"},
	{"microsoftDefenderForIdentity", "AzureATP"},
	{"microsoftDefenderForCloudApps", "MicrosoftCloudAppSecurity"},
	{"microsoft365Defender", "MTP"},
	{"azureAdIdentityProtection", "AADIdentityProtection"}, {NULL, NULL}};
static const struct name_pair new_services[] = {
	{"azureAdIdentityProtection", "AADIdentityProtection"}, {NULL, NULL}};

static const char *evidence_type(node e)
{
	static const char prefix[] = "#microsoft.graph.security.";
	const char *type = text_of(e, "@odata.type");
	size_t n = sizeof(prefix) - 1;
	return type && !strncmp(type, prefix, n) ? type + n : "";
}

static node first_evidence(node alert, const char *type)
{
	node list = get(alert, "evidence");
	for (int i = 0; i < length(list); i++)
		if (!strcmp(evidence_type(item(list, i)), type))
			return item(list, i);
	return NULL;
}

static void put_list(struct writer *o, const char *name, node list)
{
	key(o, name);
	if (length(list))
		text_puts(o->out, fjson_object_to_json_string(list));
	else
		text_puts(o->out, "[]");
}

static void put_comments(struct writer *o, node list)
{
	key(o, "comments");
	text_putc(o->out, '[');
	for (int i = 0; i < length(list); i++) {
		node c = item(list, i), by = get(c, "createdByDisplayName"),
		     at = get(c, "createdDateTime");
		struct writer w = {o->out, "", false};
		text_puts(o->out, i ? "," : "");
		begin(&w);
		copy(&w, "comment", c, "comment");
		put(&w, "createdBy", by ? by : get(c, "createdBy"));
		put(&w, "createdTime", at ? at : get(c, "createdTime"));
		text_putc(o->out, '}');
	}
	text_putc(o->out, ']');
}

static node account_of(node e)
{
	return get(e, "userAccount");
}

/* The entity type of Endpoint and 365 for a type of Graph; NULL when it has none. */
static const char *entity_type(const char *type, bool all)
{
	static const struct {
		const char *graph, *entity;
		bool everywhere;
	} types[] = {{"userEvidence", "User", true},
		{"processEvidence", "Process", true}, {"fileEvidence", "File", true},
		{"ipEvidence", "Ip", true}, {"urlEvidence", "Url", true},
		{"registryKeyEvidence", "Registry", true},
		{"registryValueEvidence", "Registry", true},
		{"mailboxEvidence", "Mailbox", false},
		{"analyzedMessageEvidence", "MailMessage", false},
		{"mailClusterEvidence", "MailCluster", false},
		{"securityGroupEvidence", "SecurityGroup", false},
		{"cloudApplicationEvidence", "CloudApplication", false},
		{"cloudLogonSessionEvidence", "CloudLogonSession", false}};
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(types[i].graph, type) && (types[i].everywhere || all))
			return types[i].entity;
	return NULL;
}

static void put_file(struct writer *o, node details)
{
	copy(o, "sha1", details, "sha1");
	copy(o, "sha256", details, "sha256");
	copy(o, "fileName", details, "fileName");
	copy(o, "filePath", details, "filePath");
}

static void put_process(struct writer *o, node e)
{
	node parent = get(e, "parentProcessImageFile");
	copy_any(o, "processId", e, "processId");
	copy(o, "processCommandLine", e, "processCommandLine");
	copy(o, "processCreationTime", e, "processCreationDateTime");
	copy_any(o, "parentProcessId", e, "parentProcessId");
	copy(o, "parentProcessCreationTime", e, "parentProcessCreationDateTime");
	copy(o, "parentProcessFileName", parent, "fileName");
	copy(o, "parentProcessFilePath", parent, "filePath");
}

static void put_account(struct writer *o, node account)
{
	copy(o, "accountName", account, "accountName");
	copy(o, "domainName", account, "domainName");
	copy(o, "userSid", account, "userSid");
	copy(o, "aadUserId", account, "azureAdUserId");
	copy(o, "userPrincipalName", account, "userPrincipalName");
}

static void put_registry(struct writer *o, node e)
{
	copy(o, "registryKey", e, "registryKey");
	copy(o, "registryHive", e, "registryHive");
	copy(o, "registryValueType", e, "registryValueType");
	copy(o, "registryValue", e, "registryValue");
}

/* One flat object; what does not belong to its type is null or left out. */
static void put_flat(struct writer *o, node e, const char *type)
{
	node is_process = strcmp(type, "Process") ? NULL : e;
	node is_file = strcmp(type, "File") ? NULL : e;
	node is_registry = strcmp(type, "Registry") ? NULL : e;
	node is_user = strcmp(type, "User") ? NULL : e;
	node file = is_file ? get(e, "fileDetails") : get(is_process, "imageFile");
	put_text(o, "entityType", type);
	copy(o, "evidenceCreationTime", e, "createdDateTime");
	put_file(o, file);
	put_process(o, is_process);
	copy(o, "ipAddress", e, "ipAddress");
	copy(o, "url", e, "url");
	put_registry(o, is_registry);
	put_account(o, account_of(is_user ? is_user : is_process));
	put_named(o, "detectionStatus", classifications, text_of(e, "detectionStatus"));
}

static void put_mde_evidence(struct writer *o, node list, bool expanded)
{
	const char *comma = "";
	key(o, "evidence");
	text_putc(o->out, '[');
	for (int i = 0; expanded && i < length(list); i++) {
		node e = item(list, i);
		const char *type = entity_type(evidence_type(e), false);
		struct writer w = {o->out, "", false};
		if (!type)
			continue;
		text_puts(o->out, comma);
		comma = ",";
		begin(&w);
		put_flat(&w, e, type);
		text_putc(o->out, '}');
	}
	text_putc(o->out, ']');
}

static void put_incident_id(struct writer *o, const struct alert *a)
{
	if (!a->incident && o->leave_nulls_out)
		return;
	key(o, "incidentId");
	if (a->incident)
		text_printf(o->out, "%u", a->incident->record.n);
	else
		text_puts(o->out, "null");
}

/* Some alerts were looked into by a machine. */
static void put_investigation(struct writer *o, const struct alert *a, node alert)
{
	if (a->record.n % 3 == 0) {
		key(o, "investigationId");
		text_printf(o->out, "%u", 4000 + a->record.n);
	} else {
		put(o, "investigationId", NULL);
	}
	put_named(o, "investigationState", classifications + 1,
		text_of(alert, "investigationState"));
}

static void put_verdict(struct writer *o, node alert)
{
	put_named(o, "severity", severities, text_of(alert, "severity"));
	put_named(o, "status", classifications + 1, text_of(alert, "status"));
	put_named(
		o, "classification", classifications, text_of(alert, "classification"));
	put_named(o, "determination", determinations, text_of(alert, "determination"));
	put_named(o, "detectionSource", detections, text_of(alert, "detectionSource"));
}

void shape_mde_alert(
	struct text *out, const struct view *v, const struct record *r, unsigned part)
{
	const struct alert *a = (const struct alert *)r;
	node alert = tree_of(v, a), device = first_evidence(alert, "deviceEvidence"),
	     user = account_of(first_evidence(alert, "userEvidence"));
	struct writer o = {out, "", false};
	(void)part;
	begin(&o);
	copy(&o, "id", alert, "id");
	put_incident_id(&o, a);
	put_investigation(&o, a, alert);
	copy(&o, "assignedTo", alert, "assignedTo");
	put_verdict(&o, alert);
	copy(&o, "detectorId", alert, "detectorId");
	copy(&o, "category", alert, "category");
	copy(&o, "threatFamilyName", alert, "threatFamilyName");
	copy(&o, "title", alert, "title");
	copy(&o, "description", alert, "description");
	copy(&o, "alertCreationTime", alert, "createdDateTime");
	copy(&o, "firstEventTime", alert, "firstActivityDateTime");
	copy(&o, "lastEventTime", alert, "lastActivityDateTime");
	copy(&o, "lastUpdateTime", alert, "lastUpdateDateTime");
	copy(&o, "resolvedTime", alert, "resolvedDateTime");
	copy(&o, "machineId", device, "mdeDeviceId");
	copy(&o, "computerDnsName", device, "deviceDnsName");
	copy(&o, "rbacGroupName", device, "rbacGroupName");
	put_text(&o, "aadTenantId", v->tenant->id);
	copy(&o, "threatName", alert, "threatDisplayName");
	put_list(&o, "mitreTechniques", get(alert, "mitreTechniques"));
	key(&o, "relatedUser");
	if (user) {
		struct writer w = {out, "", false};
		begin(&w);
		copy(&w, "userName", user, "accountName");
		copy(&w, "domainName", user, "domainName");
		text_putc(out, '}');
	} else {
		text_puts(out, "null");
	}
	put_comments(&o, get(alert, "comments"));
	put_mde_evidence(&o, get(alert, "evidence"), v->expanded);
	text_putc(out, '}');
	if (alert)
		fjson_object_put(alert);
}

static void put_logged_on(struct writer *o, node list)
{
	key(o, "loggedOnUsers");
	text_putc(o->out, '[');
	for (int i = 0; i < length(list); i++) {
		struct writer w = {o->out, "", o->leave_nulls_out};
		text_puts(o->out, i ? "," : "");
		begin(&w);
		copy(&w, "accountName", item(list, i), "accountName");
		copy(&w, "domainName", item(list, i), "domainName");
		text_putc(o->out, '}');
	}
	text_putc(o->out, ']');
}

static void put_device(struct writer *o, node e)
{
	begin(o);
	copy(o, "mdatpDeviceId", e, "mdeDeviceId");
	copy(o, "aadDeviceId", e, "azureAdDeviceId");
	copy(o, "deviceDnsName", e, "deviceDnsName");
	copy(o, "osPlatform", e, "osPlatform");
	copy(o, "version", e, "version");
	put_text(o, "osProcessor", "x64");
	copy_any(o, "osBuild", e, "osBuild");
	put_named(o, "healthStatus", classifications + 1, text_of(e, "healthStatus"));
	put_named(o, "riskScore", classifications + 1, text_of(e, "riskScore"));
	copy(o, "rbacGroupName", e, "rbacGroupName");
	copy_any(o, "rbacGroupId", e, "rbacGroupId");
	copy(o, "firstSeen", e, "firstSeenDateTime");
	put_list(o, "tags", get(e, "tags"));
	put_named(o, "defenderAvStatus", classifications + 1,
		text_of(e, "defenderAvStatus"));
	put_named(o, "onboardingStatus", classifications + 1,
		text_of(e, "onboardingStatus"));
	put_logged_on(o, get(e, "loggedOnUsers"));
	text_putc(o->out, '}');
}

/* What only entities of 365 have. */
static void put_mail(struct writer *o, node e)
{
	node account = account_of(e);
	copy(o, "mailboxDisplayName", e, "displayName");
	copy(o, "mailboxAddress", e, "primaryAddress");
	copy(o, "userPrincipalName", account ? account : e,
		account ? "userPrincipalName" : "upn");
}

static void put_entity(struct writer *o, node e, const char *type)
{
	begin(o);
	put_flat(o, e, type);
	copy(o, "deviceId", e, "mdeDeviceId");
	if (!strcmp(type, "Mailbox")) {
		put_mail(o, e);
	} else if (!strcmp(type, "MailMessage")) {
		copy(o, "userPrincipalName", e, "recipientEmailAddress");
		copy(o, "sender", get(e, "p2Sender"), "emailAddress");
		copy(o, "recipient", e, "recipientEmailAddress");
		copy(o, "subject", e, "subject");
		copy(o, "deliveryAction", e, "deliveryAction");
		copy(o, "internetMessageId", e, "internetMessageId");
	} else if (!strcmp(type, "MailCluster")) {
		copy(o, "clusterBy", e, "clusterBy");
		copy(o, "clusterByValue", e, "clusterByValue");
		copy_any(o, "emailCount", e, "emailCount");
	} else if (!strcmp(type, "SecurityGroup")) {
		copy(o, "securityGroupId", e, "securityGroupId");
		copy(o, "securityGroupName", e, "displayName");
	} else if (!strcmp(type, "CloudApplication")) {
		copy_any(o, "applicationId", e, "appId");
		copy(o, "applicationName", e, "displayName");
	} else if (!strcmp(type, "CloudLogonSession")) {
		copy(o, "sessionId", e, "sessionId");
	}
	put_named(o, "verdict", classifications + 1, text_of(e, "verdict"));
	put_named(o, "remediationStatus", classifications + 1,
		text_of(e, "remediationStatus"));
	text_putc(o->out, '}');
}

static void put_devices_and_entities(struct writer *o, node list)
{
	const char *comma = "";
	key(o, "devices");
	text_putc(o->out, '[');
	for (int i = 0; i < length(list); i++) {
		struct writer w = {o->out, "", true};
		if (strcmp(evidence_type(item(list, i)), "deviceEvidence") != 0)
			continue;
		text_puts(o->out, comma);
		comma = ",";
		put_device(&w, item(list, i));
	}
	text_putc(o->out, ']');
	comma = "";
	key(o, "entities");
	text_putc(o->out, '[');
	for (int i = 0; i < length(list); i++) {
		const char *type = entity_type(evidence_type(item(list, i)), true);
		struct writer w = {o->out, "", true};
		if (!type)
			continue;
		text_puts(o->out, comma);
		comma = ",";
		put_entity(&w, item(list, i), type);
	}
	text_putc(o->out, ']');
}

void shape_m365d_alert(struct text *out, const struct view *v, const struct alert *a)
{
	node alert = tree_of(v, a);
	struct writer o = {out, "", true};
	begin(&o);
	copy(&o, "alertId", alert, "id");
	copy(&o, "providerAlertId", alert, "providerAlertId");
	put_incident_id(&o, a);
	put_named(&o, "serviceSource", a->record.n % 2 ? old_services : new_services,
		text_of(alert, "serviceSource"));
	copy(&o, "creationTime", alert, "createdDateTime");
	copy(&o, "lastUpdatedTime", alert, "lastUpdateDateTime");
	copy(&o, "resolvedTime", alert, "resolvedDateTime");
	copy(&o, "firstActivity", alert, "firstActivityDateTime");
	copy(&o, "lastActivity", alert, "lastActivityDateTime");
	copy(&o, "title", alert, "title");
	copy(&o, "description", alert, "description");
	copy(&o, "category", alert, "category");
	put_verdict(&o, alert);
	put_investigation(&o, a, alert);
	copy(&o, "detectorId", alert, "detectorId");
	copy(&o, "assignedTo", alert, "assignedTo");
	copy(&o, "actorName", alert, "actorDisplayName");
	copy(&o, "threatFamilyName", alert, "threatFamilyName");
	put_list(&o, "mitreTechniques", get(alert, "mitreTechniques"));
	put_devices_and_entities(&o, get(alert, "evidence"));
	text_putc(out, '}');
	if (alert)
		fjson_object_put(alert);
}

enum { SIEM_PARTS_MAX = 3 };

static uint64_t siem_key(const struct tenant *t, const struct record *r)
{
	return generate_mix(t->number, r->n);
}

unsigned siem_parts(const struct tenant *t, const struct record *r)
{
	return 1 + (unsigned)(siem_key(t, r) % SIEM_PARTS_MAX);
}

int64_t siem_processed(const struct record *r, unsigned part)
{
	return r->created + part * (MOMENT_SECOND / 10);
}

/* Absent text is "" there. */
static void flat(struct writer *o, const char *name, node v)
{
	key(o, name);
	v = string_or_null(v);
	if (v)
		put_node(o->out, v);
	else
		text_puts(o->out, "\"\"");
}

static void flat_text(struct writer *o, const char *name, const char *text)
{
	put_text(o, name, text ? text : "");
}

/* Some dates have no Z. */
static void put_time(struct writer *o, const char *name, int64_t at, bool zone)
{
	char when[MOMENT_SIZE];
	size_t n = moment_format(when, at);
	when[n - !zone] = '\0';
	put_text(o, name, when);
}

/* The addresses of a device that are or are not IPv6, as one text. */
static void put_addresses(struct writer *o, const char *name, node list, bool v6)
{
	struct text joined = {0};
	for (int i = 0; i < length(list); i++) {
		const char *ip = fjson_object_get_string(item(list, i));
		if (ip && !strchr(ip, ':') == !v6)
			text_printf(&joined, "%s%s", joined.n ? ", " : "", ip);
	}
	char *text = text_take(&joined, NULL);
	flat_text(o, name, text);
	free(text);
}

static void put_users(struct writer *o, node list)
{
	struct text joined = {0};
	for (int i = 0; i < length(list); i++) {
		const char *domain = text_of(item(list, i), "domainName"),
			   *name = text_of(item(list, i), "accountName");
		if (name)
			text_printf(&joined, "%s%s%s%s", joined.n ? "; " : "",
				domain ? domain : "", domain ? "\\" : "", name);
	}
	char *text = text_take(&joined, NULL);
	flat_text(o, "LogOnUsers", text);
	free(text);
}

static void put_siem_device(struct writer *o, node device)
{
	node tags = get(device, "tags");
	flat(o, "ComputerDnsName", get(device, "deviceDnsName"));
	flat(o, "MachineDomain", get(device, "dnsDomain"));
	flat(o, "MachineName", get(device, "hostName"));
	flat(o, "DeviceID", get(device, "mdeDeviceId"));
	flat(o, "MachineGroup", get(device, "rbacGroupName"));
	flat(o, "DeviceCreatedMachineTags", length(tags) ? item(tags, 0) : NULL);
	flat_text(o, "CloudCreatedMachineTags",
		length(tags) ? fjson_object_to_json_string(tags) : "");
	put_addresses(o, "InternalIPv4List", get(device, "ipInterfaces"), false);
	put_addresses(o, "InternalIPv6List", get(device, "ipInterfaces"), true);
	put_users(o, get(device, "loggedOnUsers"));
}

/* The evidence that this part of the alert is about: the n-th process, else file. */
static node part_evidence(node alert, unsigned part)
{
	node list = get(alert, "evidence"), found = NULL;
	for (int i = 0; i < length(list); i++) {
		const char *type = evidence_type(item(list, i));
		if (strcmp(type, "processEvidence") != 0 &&
			strcmp(type, "fileEvidence") != 0)
			continue;
		found = item(list, i);
		if (!part--)
			break;
	}
	return found;
}

static void put_siem_subject(struct writer *o, node alert, unsigned part)
{
	node e = part_evidence(alert, part), image = get(e, "imageFile"),
	     file = image ? image : get(e, "fileDetails"),
	     user = account_of(first_evidence(alert, "userEvidence"));
	flat(o, "FileName", get(file, "fileName"));
	flat(o, "FilePath", get(file, "filePath"));
	flat(o, "FileHash", get(file, "sha1"));
	flat(o, "Sha1", get(file, "sha1"));
	flat(o, "Sha256", get(file, "sha256"));
	flat(o, "Md5", get(file, "md5"));
	flat(o, "CommandLine", get(e, "processCommandLine"));
	flat(o, "UserName", get(user, "accountName"));
	flat(o, "UserDomain", get(user, "domainName"));
	flat(o, "IpAddress", get(first_evidence(alert, "ipEvidence"), "ipAddress"));
	flat(o, "Url", get(first_evidence(alert, "urlEvidence"), "url"));
	const char *status = text_of(e, "remediationStatus"),
		   *detected = text_of(e, "detectionStatus");
	flat_text(o, "RemediationAction",
		status && !strcmp(status, "remediated") ? "quarantine" : "");
	key(o, "RemediationIsSuccess");
	text_puts(o->out, !status			  ? "null"
			  : !strcmp(status, "remediated") ? "true"
							  : "false");
	key(o, "WasExecutingWhileDetected");
	text_puts(o->out, !detected			  ? "null"
			  : !strcmp(detected, "detected") ? "true"
							  : "false");
}

static void put_siem_links(struct writer *o, const char *id)
{
	static const struct name_pair links[] = {
		{"LinkToWDATP", "https://securitycenter.windows.com/alert/"},
		{"LinkToMTP", "https://security.microsoft.com/alert/"},
		{"IncidentLinkToWDATP", "https://securitycenter.windows.com/incidents/"
					"byalert?source=SIEM&alertId="},
		{"IncidentLinkToMTP", "https://security.microsoft.com/incidents/"
				      "byalert?source=SIEM&alertId="}};
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
		struct text url = {0};
		text_printf(&url, "%s%s", links[i].other, id);
		char *text = text_take(&url, NULL);
		put_text(o, links[i].graph, text);
		free(text);
	}
}

static void put_siem_ids(struct writer *o, const struct view *v, const struct record *r,
	const char *id, unsigned part)
{
	uint64_t k = generate_mix(siem_key(v->tenant, r), part + 1);
	struct text unique = {0}, full = {0};
	text_base64url(&unique, &k, sizeof(k));
	char *own = text_take(&unique, NULL);
	text_printf(&full, "%s:%s=", id, own);
	char *full_id = text_take(&full, NULL);
	flat_text(o, "AlertId", id);
	key(o, "AlertPart");
	text_printf(o->out, "%u", part);
	put_text(o, "FullId", full_id);
	key(o, "ReportID");
	text_printf(o->out, "%u", (unsigned)(k & 0x7fffffff));
	put_text(o, "ExternalId", own);
	put_text(o, "IocUniqueId", own);
	free(own);
	free(full_id);
}

void shape_siem(
	struct text *out, const struct view *v, const struct record *r, unsigned part)
{
	const struct alert *a = (const struct alert *)r;
	const struct version *first = r->old_count ? &r->old[0] : &r->now;
	node alert = tree_of(v, a);
	const char *source = text_of(alert, "detectionSource");
	char id[GENERATE_ID_SIZE];
	struct writer o = {out, "", false};
	bool zone = (r->n + part) % 2;
	tenant_id_of(v->world, v->tenant, a, id);
	begin(&o);
	put_time(&o, "AlertTime", r->created, zone);
	put_time(&o, "LastProcessedTimeUtc", siem_processed(r, part), zone);
	flat(&o, "AlertTitle", get(alert, "title"));
	flat(&o, "Description", get(alert, "description"));
	flat(&o, "Category", get(alert, "category"));
	/* A detection stays as it was at first. */
	put_named(&o, "Severity", severities, first->severity);
	put_siem_ids(&o, v, r, id, part);
	flat(&o, "IoaDefinitionId", get(alert, "detectorId"));
	flat(&o, "Actor", get(alert, "actorDisplayName"));
	put_siem_links(&o, id);
	flat_text(&o, "IocName", "");
	flat_text(&o, "IocValue", "");
	flat_text(&o, "CreatorIocName", "");
	flat_text(&o, "CreatorIocValue", "");
	put_siem_device(&o, first_evidence(alert, "deviceEvidence"));
	put_siem_subject(&o, alert, part);
	flat_text(&o, "ThreatCategory", "");
	flat(&o, "ThreatFamily", get(alert, "threatFamilyName"));
	flat(&o, "ThreatName", get(alert, "threatDisplayName"));
	put_text(&o, "Source",
		source && !strcmp(source, "antivirus")	   ? "Antivirus"
		: source && !strcmp(source, "smartScreen") ? "SmartScreen"
							   : "EDR");
	text_putc(out, '}');
	if (alert)
		fjson_object_put(alert);
}
