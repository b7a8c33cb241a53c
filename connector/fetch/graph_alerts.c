/* graph_alerts.c - Microsoft Graph, GET /v1.0/security/alerts_v2 (facts 2.4, 3.1 to 3.6).
 *
 * Names that mean different things by the type of evidence are put right in alert/evidence.c. Of
 * evidence inside evidence only what names or addresses something is taken, of objects whose keys
 * anybody chooses (labels) nothing; all is in the raw text. */
#include "config.h"

#include "fetch/source.h"
#include "fetch/source_rows.h"

#define FIELD(path, id)                                                                \
	{                                                                              \
		"evidence/" path, EVIDENCE_FIELD, id                                   \
	}

/* A fileDetails object. */
#define FILE_FIELDS(at)                                                                \
	FIELD(at "/fileName", FMT_FILE_NAME), FIELD(at "/filePath", FMT_FILE_PATH),    \
		FIELD(at "/fileSize", FMT_FILE_SIZE), FIELD(at "/md5", FMT_FILE_MD5),  \
		FIELD(at "/sha1", FMT_FILE_SHA1),                                      \
		FIELD(at "/sha256", FMT_FILE_SHA256),                                  \
		FIELD(at "/sha256Ac", FMT_FILE_SHA256AC),                              \
		FIELD(at "/filePublisher", FMT_FILE_PUBLISHER),                        \
		FIELD(at "/signer", FMT_FILE_SIGNER),                                  \
		FIELD(at "/issuer", FMT_FILE_ISSUER)

/* A userAccount object. */
#define USER_FIELDS(at)                                                                \
	FIELD(at "/accountName", FMT_USER_NAME),                                       \
		FIELD(at "/domainName", FMT_USER_DOMAIN),                              \
		FIELD(at "/userSid", FMT_USER_SID),                                    \
		FIELD(at "/azureAdUserId", FMT_USER_AAD_ID),                           \
		FIELD(at "/userPrincipalName", FMT_USER_UPN),                          \
		FIELD(at "/displayName", FMT_USER_DISPLAY_NAME),                       \
		FIELD(at "/activeDirectoryObjectGuid", FMT_USER_AD_GUID),              \
		FIELD(at "/tenantId", FMT_HOME_TENANT),                                \
		ACCESS_FIELDS(at "/resourceAccessEvents")

/* A list of resourceAccessEvent objects. */
#define ACCESS_FIELDS(at)                                                              \
	FIELD(at "/accessDateTime", FMT_ACCESS_TIME),                                  \
		FIELD(at "/accountId", FMT_ACCESS_ACCOUNT),                            \
		FIELD(at "/ipAddress", FMT_ACCESS_ADDRESS),                            \
		FIELD(at "/resourceIdentifier", FMT_ACCESS_RESOURCE)

/* The names of a deviceEvidence object. */
#define DEVICE_FIELDS(at)                                                              \
	FIELD(at "mdeDeviceId", FMT_DEVICE_ID),                                        \
		FIELD(at "azureAdDeviceId", FMT_DEVICE_AAD_ID),                        \
		FIELD(at "deviceDnsName", FMT_DEVICE_DNS_NAME),                        \
		FIELD(at "hostName", FMT_DEVICE_HOST_NAME),                            \
		FIELD(at "ntDomain", FMT_DEVICE_NT_DOMAIN),                            \
		FIELD(at "dnsDomain", FMT_DEVICE_DNS_DOMAIN),                          \
		FIELD(at "osPlatform", FMT_DEVICE_OS),                                 \
		FIELD(at "lastIpAddress", FMT_DEVICE_LAST_IP),                         \
		FIELD(at "lastExternalIpAddress", FMT_DEVICE_LAST_EXTERNAL_IP)

/* A namespace object and the cluster it is in. */
#define NAMESPACE_FIELDS(at)                                                           \
	FIELD(at "/name", FMT_NAMESPACE), FIELD(at "/cluster/name", FMT_CLUSTER),      \
		CLOUD_FIELDS(at "/cluster/cloudResource")

/* Any of the clouds' resource objects. */
#define CLOUD_FIELDS(at)                                                               \
	FIELD(at "/resourceId", FMT_RESOURCE_ID),                                      \
		FIELD(at "/amazonResourceId", FMT_RESOURCE_ID),                        \
		FIELD(at "/fullResourceName", FMT_RESOURCE_ID),                        \
		FIELD(at "/amazonAccountId", FMT_RESOURCE_ACCOUNT),                    \
		FIELD(at "/projectId", FMT_RESOURCE_ACCOUNT)

#define IMAGE_FIELDS(at)                                                               \
	FIELD(at "/imageId", FMT_IMAGE_ID),                                            \
		FIELD(at "/digestImage/imageId", FMT_DIGEST_IMAGE),                    \
		FIELD(at "/registry/registry", FMT_REGISTRY_NAME)

#define CONTAINER_FIELDS(at)                                                           \
	FIELD(at "/containerId", FMT_CONTAINER_ID), IMAGE_FIELDS(at "/image")

static const struct alert_row rows[] = {
	STRING("id", id),
	STRING("tenantId", tenant_id),
	STRING("providerAlertId", provider_alert_id),
	STRING("incidentId", incident_id),
	STRING("title", title),
	STRING("description", description),
	STRING("recommendedActions", recommended_actions),
	STRING("category", category),
	LIST("categories", categories),
	LIST("mitreTechniques", mitre_techniques),
	LIST("systemTags", system_tags),
	{"severity", ALERT_SEVERITY, 0},
	STRING("status", status),
	STRING("classification", classification),
	STRING("determination", determination),
	STRING("assignedTo", assigned_to),
	STRING("investigationState", investigation_state),
	STRING("serviceSource", service_source),
	STRING("detectionSource", detection_source),
	STRING("productName", product_name),
	STRING("detectorId", detector_id),
	STRING("alertPolicyId", alert_policy_id),
	STRING("actorDisplayName", actor),
	STRING("threatDisplayName", threat_name),
	STRING("threatFamilyName", threat_family),
	STRING("alertWebUrl", alert_url),
	STRING("incidentWebUrl", incident_url),
	TIME("createdDateTime", created),
	TIME("lastUpdateDateTime", updated),
	TIME("resolvedDateTime", resolved),
	TIME("firstActivityDateTime", first_activity),
	TIME("lastActivityDateTime", last_activity),
	RAW("customDetails", custom_details),
	RAW("additionalData", additional_data),

	COMMENTS,

	{"evidence", ALERT_EVIDENCE, 0},
	{"evidence/@odata.type", EVIDENCE_TYPE, 0},
	{"evidence/createdDateTime", EVIDENCE_CREATED, 0},
	FIELD("verdict", FMT_VERDICT),
	FIELD("remediationStatus", FMT_REMEDIATION_STATUS),
	FIELD("remediationStatusDetails", FMT_REMEDIATION_DETAILS),
	FIELD("roles", FMT_ROLE),
	FIELD("detailedRoles", FMT_DETAILED_ROLE),
	FIELD("tags", FMT_TAG),
	FIELD("detectionStatus", FMT_DETECTION_STATUS),

	/* device */
	DEVICE_FIELDS(""),
	FIELD("version", FMT_DEVICE_OS_VERSION),
	FIELD("osBuild", FMT_DEVICE_OS_BUILD),
	FIELD("healthStatus", FMT_DEVICE_HEALTH),
	FIELD("riskScore", FMT_DEVICE_RISK),
	FIELD("defenderAvStatus", FMT_DEVICE_AV_STATUS),
	FIELD("onboardingStatus", FMT_DEVICE_ONBOARDING),
	FIELD("rbacGroupName", FMT_DEVICE_GROUP),
	FIELD("rbacGroupId", FMT_DEVICE_GROUP_ID),
	FIELD("ipInterfaces", FMT_DEVICE_IP),
	FIELD("firstSeenDateTime", FMT_DEVICE_FIRST_SEEN),
	FIELD("loggedOnUsers/accountName", FMT_DEVICE_LOGGED_ON_USER),
	FIELD("loggedOnUsers/domainName", FMT_DEVICE_LOGGED_ON_DOMAIN),
	FIELD("vmMetadata/vmId", FMT_DEVICE_VM_ID),
	FIELD("vmMetadata/cloudProvider", FMT_CLOUD_PROVIDER),
	FIELD("vmMetadata/resourceId", FMT_RESOURCE_ID),
	FIELD("vmMetadata/subscriptionId", FMT_RESOURCE_ACCOUNT),
	ACCESS_FIELDS("resourceAccessEvents"),

	/* device of the Internet of things, and its network interfaces */
	FIELD("deviceId", FMT_DEVICE_ID),
	FIELD("deviceName", FMT_DEVICE_HOST_NAME),
	FIELD("deviceType", FMT_DEVICE_TYPE),
	FIELD("manufacturer", FMT_DEVICE_MANUFACTURER),
	FIELD("model", FMT_DEVICE_MODEL),
	FIELD("macAddress", FMT_DEVICE_MAC),
	FIELD("ipAddress/ipAddress", FMT_IP_ADDRESS),
	FIELD("nics/macAddress", FMT_DEVICE_MAC),
	FIELD("nics/ipAddress/ipAddress", FMT_DEVICE_IP),
	FIELD("serialNumber", FMT_SERIAL_NUMBER),
	FIELD("site", FMT_SITE),
	FIELD("devicePageLink", FMT_WEB_URL),
	FIELD("ioTHub/resourceId", FMT_RESOURCE_ID),
	FIELD("deviceSubType", FMT_DEVICE_SUBTYPE),
	FIELD("importance", FMT_DEVICE_IMPORTANCE),
	FIELD("ioTSecurityAgentId", FMT_DEVICE_AGENT_ID),
	FIELD("isAuthorized", FMT_DEVICE_AUTHORIZED),
	FIELD("isProgramming", FMT_DEVICE_PROGRAMMING),
	FIELD("isScanner", FMT_DEVICE_SCANNER),
	FIELD("owners", FMT_OWNER),
	FIELD("protocols", FMT_PROTOCOL),
	FIELD("purdueLayer", FMT_DEVICE_PURDUE_LAYER),
	FIELD("sensor", FMT_DEVICE_SENSOR),
	FIELD("source", FMT_DEVICE_SOURCE),
	FIELD("sourceRef/url", FMT_URL),
	FIELD("zone", FMT_DEVICE_ZONE),
	FIELD("vlans", FMT_DEVICE_VLAN),
	FIELD("nics/vlans", FMT_DEVICE_VLAN),

	/* account */
	USER_FIELDS("userAccount"),
	FIELD("upn", FMT_USER_UPN),
	FIELD("stream/name", FMT_STREAM),

	/* process, file */
	FIELD("processId", FMT_PROCESS_ID),
	FIELD("processCommandLine", FMT_PROCESS_COMMAND_LINE),
	FIELD("processCreationDateTime", FMT_PROCESS_CREATED),
	FIELD("parentProcessId", FMT_PARENT_PROCESS_ID),
	FIELD("parentProcessCreationDateTime", FMT_PARENT_PROCESS_CREATED),
	FIELD("parentProcessImageFile/fileName", FMT_PARENT_FILE_NAME),
	FIELD("parentProcessImageFile/filePath", FMT_PARENT_FILE_PATH),
	FIELD("parentProcessImageFile/sha256", FMT_PARENT_FILE_SHA256),
	FIELD("parentProcessImageFile/sha1", FMT_PARENT_FILE_SHA1),
	FIELD("parentProcessImageFile/md5", FMT_PARENT_FILE_MD5),
	FIELD("parentProcessImageFile/sha256Ac", FMT_PARENT_FILE_SHA256AC),
	FIELD("parentProcessImageFile/fileSize", FMT_PARENT_FILE_SIZE),
	FIELD("parentProcessImageFile/filePublisher", FMT_PARENT_FILE_PUBLISHER),
	FIELD("parentProcessImageFile/signer", FMT_PARENT_FILE_SIGNER),
	FIELD("parentProcessImageFile/issuer", FMT_PARENT_FILE_ISSUER),
	FILE_FIELDS("imageFile"),
	FILE_FIELDS("fileDetails"),
	FIELD("algorithm", FMT_HASH_ALGORITHM),
	FIELD("value", FMT_HASH_VALUE),
	FIELD("fileHashes/algorithm", FMT_HASH_ALGORITHM),
	FIELD("fileHashes/value", FMT_HASH_VALUE),

	/* address, URL, network */
	FIELD("ipAddress", FMT_IP_ADDRESS),
	FIELD("countryLetterCode", FMT_IP_COUNTRY),
	FIELD("location", FMT_RESOURCE_LOCATION),
	FIELD("location/city", FMT_IP_CITY),
	FIELD("location/countryName", FMT_IP_COUNTRY_NAME),
	FIELD("location/state", FMT_IP_STATE),
	FIELD("location/latitude", FMT_IP_LATITUDE),
	FIELD("location/longitude", FMT_IP_LONGITUDE),
	FIELD("url", FMT_URL),
	FIELD("sourceAddress/ipAddress", FMT_SOURCE_ADDRESS),
	FIELD("sourcePort", FMT_SOURCE_PORT),
	FIELD("destinationAddress/ipAddress", FMT_DESTINATION_ADDRESS),
	FIELD("destinationPort", FMT_DESTINATION_PORT),
	FIELD("protocol", FMT_PROTOCOL),
	FIELD("domainName", FMT_DOMAIN_NAME),
	FIELD("hostIpAddress/ipAddress", FMT_SOURCE_ADDRESS),
	FIELD("dnsServerIp/ipAddress", FMT_DNS_SERVER),
	FIELD("ipAddresses/ipAddress", FMT_IP_ADDRESS),

	/* mailbox, messages */
	FIELD("primaryAddress", FMT_MAILBOX_ADDRESS),
	FIELD("mailboxPrimaryAddress", FMT_MAILBOX_ADDRESS),
	FIELD("configurationId", FMT_CONFIGURATION_ID),
	FIELD("configurationType", FMT_CONFIGURATION_TYPE),
	FIELD("externalDirectoryObjectId", FMT_USER_AAD_ID),
	FIELD("subject", FMT_MESSAGE_SUBJECT),
	FIELD("internetMessageId", FMT_MESSAGE_ID),
	FIELD("messageId", FMT_MESSAGE_ID),
	FIELD("networkMessageId", FMT_MESSAGE_NETWORK_ID),
	FIELD("networkMessageIds", FMT_MESSAGE_NETWORK_ID),
	FIELD("p2Sender/emailAddress", FMT_MESSAGE_SENDER),
	FIELD("p2Sender/displayName", FMT_MESSAGE_SENDER_NAME),
	FIELD("p2Sender/domainName", FMT_MESSAGE_SENDER_DOMAIN),
	FIELD("p1Sender/emailAddress", FMT_MESSAGE_ENVELOPE_SENDER),
	FIELD("p1Sender/displayName", FMT_MESSAGE_ENVELOPE_NAME),
	FIELD("p1Sender/domainName", FMT_MESSAGE_ENVELOPE_DOMAIN),
	FIELD("sender", FMT_MESSAGE_SENDER),
	FIELD("senderFromAddress", FMT_MESSAGE_SENDER),
	FIELD("senderIp", FMT_MESSAGE_SENDER_IP),
	FIELD("senderIP", FMT_MESSAGE_SENDER_IP),
	FIELD("recipientEmailAddress", FMT_MESSAGE_RECIPIENT),
	FIELD("recipient", FMT_MESSAGE_RECIPIENT),
	FIELD("recipients", FMT_MESSAGE_RECIPIENT),
	FIELD("deliveryAction", FMT_MESSAGE_DELIVERY_ACTION),
	FIELD("deliveryLocation", FMT_MESSAGE_DELIVERY_LOCATION),
	FIELD("antiSpamDirection", FMT_MESSAGE_DIRECTION),
	FIELD("messageDirection", FMT_MESSAGE_DIRECTION),
	FIELD("receivedDateTime", FMT_MESSAGE_RECEIVED),
	FIELD("submissionDateTime", FMT_MESSAGE_RECEIVED),
	FIELD("language", FMT_MESSAGE_LANGUAGE),
	FIELD("urn", FMT_MESSAGE_URN),
	FIELD("urlCount", FMT_MESSAGE_URL_COUNT),
	FIELD("attachmentsCount", FMT_MESSAGE_ATTACHMENT_COUNT),
	FIELD("threats", FMT_MESSAGE_THREAT),
	FIELD("threatDetectionMethods", FMT_MESSAGE_DETECTION_METHOD),
	FIELD("urls", FMT_URL),
	FIELD("urls/url", FMT_URL),
	FIELD("emailCount", FMT_MESSAGE_COUNT),
	FIELD("query", FMT_MESSAGE_QUERY),
	FIELD("clusterBy", FMT_CLUSTER_BY),
	FIELD("clusterByValue", FMT_CLUSTER_BY_VALUE),
	FIELD("submitter", FMT_SUBMITTER),
	FIELD("submissionId", FMT_SUBMISSION_ID),
	FIELD("reportType", FMT_REPORT_TYPE),
	FIELD("threadId", FMT_THREAD_ID),
	FIELD("threadType", FMT_THREAD_TYPE),
	FIELD("campaignId", FMT_CAMPAIGN_ID),
	FIELD("channelId", FMT_CHANNEL_ID),
	FIELD("groupId", FMT_GROUP_ID),
	FIELD("isExternal", FMT_EXTERNAL),
	FIELD("isOwned", FMT_OWNED),
	FIELD("lastModifiedDateTime", FMT_MODIFIED),
	FIELD("owningTenantId", FMT_OWNING_TENANT),
	FIELD("parentMessageId", FMT_PARENT_MESSAGE_ID),
	FIELD("sourceAppName", FMT_SOURCE_APP),
	FIELD("sourceId", FMT_SOURCE_ID),
	FIELD("suspiciousRecipients", FMT_SUSPICIOUS_RECIPIENT),
	FIELD("files/fileDetails/fileName", FMT_FILE_NAME),
	FIELD("files/fileDetails/filePath", FMT_FILE_PATH),
	FIELD("files/fileDetails/sha1", FMT_FILE_SHA1),
	FIELD("files/fileDetails/sha256", FMT_FILE_SHA256),

	/* registry */
	FIELD("registryHive", FMT_REGISTRY_HIVE),
	FIELD("registryKey", FMT_REGISTRY_KEY),
	FIELD("registryValueName", FMT_REGISTRY_VALUE_NAME),
	FIELD("registryValue", FMT_REGISTRY_VALUE),
	FIELD("registryValueType", FMT_REGISTRY_VALUE_TYPE),

	/* clouds */
	FIELD("resourceId", FMT_RESOURCE_ID),
	FIELD("amazonResourceId", FMT_RESOURCE_ID),
	FIELD("fullResourceName", FMT_RESOURCE_ID),
	FIELD("repoId", FMT_RESOURCE_ID),
	FIELD("orgId", FMT_RESOURCE_ID),
	FIELD("resourceName", FMT_RESOURCE_NAME),
	FIELD("resourceType", FMT_RESOURCE_TYPE),
	FIELD("type", FMT_RESOURCE_TYPE),
	FIELD("secretType", FMT_RESOURCE_TYPE),
	FIELD("serviceType", FMT_RESOURCE_TYPE),
	FIELD("platform", FMT_RESOURCE_TYPE),
	FIELD("amazonAccountId", FMT_RESOURCE_ACCOUNT),
	FIELD("projectId", FMT_RESOURCE_ACCOUNT),
	FIELD("owner", FMT_RESOURCE_ACCOUNT),
	FIELD("ownerType", FMT_OWNER_TYPE),
	FIELD("company", FMT_COMPANY),
	FIELD("etag", FMT_ETAG),
	FIELD("locationType", FMT_LOCATION_TYPE),
	FIELD("projectNumber", FMT_PROJECT_NUMBER),
	FIELD("distribution", FMT_DISTRIBUTION),
	FIELD("controller/name", FMT_CONTROLLER),
	FIELD("servicePorts/port", FMT_SERVICE_PORT),
	FIELD("servicePorts/nodePort", FMT_NODE_PORT),
	FIELD("servicePorts/targetPort", FMT_TARGET_PORT),
	FIELD("servicePorts/protocol", FMT_PROTOCOL),
	FIELD("servicePorts/name", FMT_PORT_NAME),
	FIELD("servicePorts/appProtocol", FMT_APP_PROTOCOL),
	FIELD("allowedResourceTypes", FMT_ALLOWED_RESOURCE_TYPE),
	FIELD("allowedServices", FMT_ALLOWED_SERVICE),
	FIELD("signatureHash", FMT_SIGNATURE_HASH),
	FIELD("signedWith", FMT_SIGNED_WITH),
	FIELD("baseUrl", FMT_WEB_URL),
	FIELD("webUrl", FMT_WEB_URL),
	FIELD("storageResource/resourceId", FMT_RESOURCE_ID),
	FIELD("blobContainer/name", FMT_NAMESPACE),
	FIELD("blobContainer/storageResource/resourceId", FMT_RESOURCE_ID),
	CLOUD_FIELDS("cloudResource"),
	NAMESPACE_FIELDS("namespace"),
	FIELD("cluster/name", FMT_CLUSTER),
	CLOUD_FIELDS("cluster/cloudResource"),
	NAMESPACE_FIELDS("pod/namespace"),
	FIELD("pod/name", FMT_RESOURCE_NAME),
	FIELD("podIp/ipAddress", FMT_IP_ADDRESS),
	FIELD("clusterIP/ipAddress", FMT_IP_ADDRESS),
	FIELD("externalIPs/ipAddress", FMT_IP_ADDRESS),
	FIELD("serviceAccount/name", FMT_SERVICE_ACCOUNT),
	CONTAINER_FIELDS("containers"),
	CONTAINER_FIELDS("initContainers"),
	CONTAINER_FIELDS("ephemeralContainers"),
	FIELD("containerId", FMT_CONTAINER_ID),
	IMAGE_FIELDS("image"),
	FIELD("imageId", FMT_IMAGE_ID),
	FIELD("digestImage/imageId", FMT_DIGEST_IMAGE),
	FIELD("registry", FMT_REGISTRY_NAME),
	FIELD("registry/registry", FMT_REGISTRY_NAME),
	FIELD("command", FMT_CONTAINER_COMMAND),
	FIELD("args", FMT_CONTAINER_COMMAND),
	FIELD("isPrivileged", FMT_PRIVILEGED),
	FIELD("permissions", FMT_PERMISSION),
	FIELD("allowedIpAddresses", FMT_IP_ADDRESS),
	FIELD("expiryDateTime", FMT_EXPIRES),

	/* applications, sessions, groups, malware */
	FIELD("name", FMT_NAME),
	FIELD("displayName", FMT_NAME),
	FIELD("friendlyName", FMT_NAME),
	FIELD("agentName", FMT_NAME),
	FIELD("servicePrincipalName", FMT_NAME),
	FIELD("activeDirectoryDomainName", FMT_NAME),
	FIELD("trustedDomains/activeDirectoryDomainName", FMT_DOMAIN_NAME),
	FIELD("appId", FMT_APP_ID),
	FIELD("agentId", FMT_APP_ID),
	FIELD("instanceName", FMT_APP_INSTANCE),
	FIELD("instanceId", FMT_APP_INSTANCE_ID),
	FIELD("publisher", FMT_APP_PUBLISHER),
	FIELD("hostingPlatformType", FMT_APP_PUBLISHER),
	FIELD("instructions", FMT_INSTRUCTIONS),
	FIELD("appOwnerTenantId", FMT_TENANT),
	FIELD("tenantId", FMT_HOME_TENANT),
	FIELD("servicePrincipalType", FMT_PRINCIPAL_TYPE),
	FIELD("saasAppId", FMT_APP_SAAS_ID),
	FIELD("objectId", FMT_OBJECT_ID),
	FIELD("servicePrincipalObjectId", FMT_OBJECT_ID),
	FIELD("activeDirectoryObjectGuid", FMT_OBJECT_ID),
	FIELD("securityGroupId", FMT_OBJECT_ID),
	FIELD("sid", FMT_GROUP_SID),
	FIELD("distinguishedName", FMT_DISTINGUISHED_NAME),
	FIELD("category", FMT_CATEGORY),
	FIELD("requestId", FMT_REQUEST_ID),
	FIELD("sessionId", FMT_SESSION_ID),
	FIELD("userAgent", FMT_USER_AGENT),
	FIELD("browser", FMT_BROWSER),
	FIELD("operatingSystem", FMT_OPERATING_SYSTEM),
	FIELD("startUtcDateTime", FMT_STARTED),
	FIELD("previousLogonDateTime", FMT_PREVIOUS_LOGON),
	FIELD("startDateTime", FMT_STARTED),
	FIELD("endUtcDateTime", FMT_ENDED),
	USER_FIELDS("account/userAccount"),
	DEVICE_FIELDS("host/"),
	FIELD("login", FMT_USER_NAME),
	FIELD("userId", FMT_OBJECT_ID),
	FIELD("email", FMT_EMAIL),
	FIELD("processes/processId", FMT_PROCESS_ID),
	FIELD("processes/processCommandLine", FMT_PROCESS_COMMAND_LINE),
};

const struct alert_table graph_alert_table = {
	.rows = rows,
	.row_count = sizeof(rows) / sizeof(rows[0]),
};

const char *const graph_headers[] = {
	"Prefer: include-unknown-enum-members", /* else new enum members come as one word */
	NULL,
};

const struct source source_graph_alerts = {
	.name = "graph-alerts",
	.help = "Microsoft Graph security/alerts_v2",
	.api = API_GRAPH,
	.created_fixed = true,
	.list_key = "value",
	.page_size = 100,
	.page_size_max = 2000,
	.path = "/v1.0/security/alerts_v2",
	.updated = "lastUpdateDateTime",
	.headers = graph_headers,
	.table = &graph_alert_table,
	.filters = {"severity", {"informational", "low", "medium", "high"}, "status",
		{"unknown", "new", "inProgress", "resolved"}},
	.permission = "SecurityAlert.Read.All",
	.first_url = source_odata_url,
};
