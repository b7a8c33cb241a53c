/* schema.c - the tables themselves; generated once from the metadata, kept by hand. */
#include "config.h"

#include "schema.h"

#include <string.h>

static const struct field common_fields[] = {
	{"verdict", KIND_ENUM, false, ENUM_EVIDENCE_VERDICT},
	{"remediationStatus", KIND_ENUM, false, ENUM_EVIDENCE_REMEDIATION_STATUS},
	{"remediationStatusDetails", KIND_SENTENCE, false, 0},
	{"roles", KIND_ENUM, true, ENUM_EVIDENCE_ROLE},
	{"detailedRoles", KIND_WORD, true, 0},
	{"tags", KIND_WORD, true, 0},
};

static const struct field active_directory_domain_evidence_fields[] = {
	{"activeDirectoryDomainName", KIND_DOMAIN, false, 0},
	{"trustedDomains", KIND_OBJECT, true, TYPE_ACTIVE_DIRECTORY_DOMAIN_EVIDENCE},
};

static const struct field ai_agent_evidence_fields[] = {
	{"agentId", KIND_GUID, false, 0},
	{"agentName", KIND_WORD, false, 0},
	{"hostingPlatformType", KIND_ENUM, false, ENUM_AI_AGENT_PLATFORM},
	{"instructions", KIND_SENTENCE, false, 0},
};

static const struct field amazon_resource_evidence_fields[] = {
	{"amazonAccountId", KIND_GUID, false, 0},
	{"amazonResourceId", KIND_RESOURCE, false, 0},
	{"resourceName", KIND_RESOURCE, false, 0},
	{"resourceType", KIND_WORD, false, 0},
};

static const struct field analyzed_message_evidence_fields[] = {
	{"antiSpamDirection", KIND_WORD, false, 0},
	{"attachmentsCount", KIND_SMALL, false, 0},
	{"deliveryAction", KIND_WORD, false, 0},
	{"deliveryLocation", KIND_WORD, false, 0},
	{"internetMessageId", KIND_MESSAGE_ID, false, 0},
	{"language", KIND_WORD, false, 0},
	{"networkMessageId", KIND_GUID, false, 0},
	{"p1Sender", KIND_OBJECT, false, TYPE_EMAIL_SENDER},
	{"p2Sender", KIND_OBJECT, false, TYPE_EMAIL_SENDER},
	{"receivedDateTime", KIND_TIME, false, 0},
	{"recipientEmailAddress", KIND_UPN, false, 0},
	{"senderIp", KIND_IP, false, 0},
	{"subject", KIND_SUBJECT, false, 0},
	{"threatDetectionMethods", KIND_WORD, true, 0},
	{"threats", KIND_WORD, true, 0},
	{"urlCount", KIND_SMALL, false, 0},
	{"urls", KIND_URL, true, 0},
	{"urn", KIND_GUID, false, 0},
};

static const struct field azure_resource_evidence_fields[] = {
	{"resourceId", KIND_RESOURCE, false, 0},
	{"resourceName", KIND_RESOURCE, false, 0},
	{"resourceType", KIND_WORD, false, 0},
};

static const struct field blob_container_evidence_fields[] = {
	{"name", KIND_WORD, false, 0},
	{"storageResource", KIND_OBJECT, false, TYPE_AZURE_RESOURCE_EVIDENCE},
	{"url", KIND_URL, false, 0},
};

static const struct field blob_evidence_fields[] = {
	{"blobContainer", KIND_OBJECT, false, TYPE_BLOB_CONTAINER_EVIDENCE},
	{"etag", KIND_SHA1, false, 0},
	{"fileHashes", KIND_OBJECT, true, TYPE_FILE_HASH},
	{"name", KIND_WORD, false, 0},
	{"url", KIND_URL, false, 0},
};

static const struct field cloud_application_evidence_fields[] = {
	{"appId", KIND_BIG, false, 0},
	{"displayName", KIND_PERSON, false, 0},
	{"instanceId", KIND_BIG, false, 0},
	{"instanceName", KIND_WORD, false, 0},
	{"saasAppId", KIND_BIG, false, 0},
	{"stream", KIND_OBJECT, false, TYPE_STREAM},
};

static const struct field cloud_logon_request_evidence_fields[] = {
	{"requestId", KIND_GUID, false, 0},
};

static const struct field cloud_logon_session_evidence_fields[] = {
	{"account", KIND_OBJECT, false, TYPE_USER_EVIDENCE},
	{"browser", KIND_WORD, false, 0},
	{"deviceName", KIND_HOST, false, 0},
	{"operatingSystem", KIND_PLATFORM, false, 0},
	{"previousLogonDateTime", KIND_TIME, false, 0},
	{"protocol", KIND_WORD, false, 0},
	{"sessionId", KIND_GUID, false, 0},
	{"startUtcDateTime", KIND_TIME, false, 0},
	{"userAgent", KIND_AGENT, false, 0},
};

static const struct field container_evidence_fields[] = {
	{"args", KIND_COMMAND, true, 0},
	{"command", KIND_COMMAND, true, 0},
	{"containerId", KIND_SHA256, false, 0},
	{"image", KIND_OBJECT, false, TYPE_CONTAINER_IMAGE_EVIDENCE},
	{"isPrivileged", KIND_BOOL, false, 0},
	{"name", KIND_WORD, false, 0},
	{"pod", KIND_OBJECT, false, TYPE_KUBERNETES_POD_EVIDENCE},
};

static const struct field container_image_evidence_fields[] = {
	{"digestImage", KIND_OBJECT, false, TYPE_CONTAINER_IMAGE_EVIDENCE},
	{"imageId", KIND_IMAGE, false, 0},
	{"registry", KIND_OBJECT, false, TYPE_CONTAINER_REGISTRY_EVIDENCE},
};

static const struct field container_registry_evidence_fields[] = {
	{"registry", KIND_DOMAIN, false, 0},
};

static const struct field device_evidence_fields[] = {
	{"azureAdDeviceId", KIND_GUID, false, 0},
	{"defenderAvStatus", KIND_ENUM, false, ENUM_DEFENDER_AV_STATUS},
	{"deviceDnsName", KIND_DNS, false, 0},
	{"dnsDomain", KIND_DOMAIN, false, 0},
	{"firstSeenDateTime", KIND_TIME, false, 0},
	{"healthStatus", KIND_ENUM, false, ENUM_DEVICE_HEALTH_STATUS},
	{"hostName", KIND_HOST, false, 0},
	{"ipInterfaces", KIND_IP, true, 0},
	{"lastExternalIpAddress", KIND_IP, false, 0},
	{"lastIpAddress", KIND_IP, false, 0},
	{"loggedOnUsers", KIND_OBJECT, true, TYPE_LOGGED_ON_USER},
	{"mdeDeviceId", KIND_SHA1, false, 0},
	{"ntDomain", KIND_NTDOMAIN, false, 0},
	{"onboardingStatus", KIND_ENUM, false, ENUM_ONBOARDING_STATUS},
	{"osBuild", KIND_NUMBER, false, 0},
	{"osPlatform", KIND_PLATFORM, false, 0},
	{"rbacGroupId", KIND_NUMBER, false, 0},
	{"rbacGroupName", KIND_UPN, false, 0},
	{"resourceAccessEvents", KIND_OBJECT, true, TYPE_RESOURCE_ACCESS_EVENT},
	{"riskScore", KIND_ENUM, false, ENUM_DEVICE_RISK_SCORE},
	{"version", KIND_RELEASE, false, 0},
	{"vmMetadata", KIND_OBJECT, false, TYPE_VM_METADATA},
};

static const struct field dns_evidence_fields[] = {
	{"dnsServerIp", KIND_OBJECT, false, TYPE_IP_EVIDENCE},
	{"domainName", KIND_DOMAIN, false, 0},
	{"hostIpAddress", KIND_OBJECT, false, TYPE_IP_EVIDENCE},
	{"ipAddresses", KIND_OBJECT, true, TYPE_IP_EVIDENCE},
};

static const struct field file_evidence_fields[] = {
	{"detectionStatus", KIND_ENUM, false, ENUM_DETECTION_STATUS},
	{"fileDetails", KIND_OBJECT, false, TYPE_FILE_DETAILS},
	{"mdeDeviceId", KIND_SHA1, false, 0},
};

static const struct field file_hash_evidence_fields[] = {
	{"algorithm", KIND_ENUM, false, ENUM_FILE_HASH_ALGORITHM},
	{"value", KIND_SHA256, false, 0},
};

static const struct field git_hub_organization_evidence_fields[] = {
	{"company", KIND_COMPANY, false, 0},
	{"displayName", KIND_PERSON, false, 0},
	{"email", KIND_UPN, false, 0},
	{"login", KIND_WORD, false, 0},
	{"orgId", KIND_GUID, false, 0},
	{"webUrl", KIND_URL, false, 0},
};

static const struct field git_hub_repo_evidence_fields[] = {
	{"baseUrl", KIND_URL, false, 0},
	{"login", KIND_WORD, false, 0},
	{"owner", KIND_WORD, false, 0},
	{"ownerType", KIND_WORD, false, 0},
	{"repoId", KIND_GUID, false, 0},
};

static const struct field git_hub_user_evidence_fields[] = {
	{"email", KIND_UPN, false, 0},
	{"login", KIND_WORD, false, 0},
	{"name", KIND_WORD, false, 0},
	{"userId", KIND_GUID, false, 0},
	{"webUrl", KIND_URL, false, 0},
};

static const struct field google_cloud_resource_evidence_fields[] = {
	{"fullResourceName", KIND_RESOURCE, false, 0},
	{"location", KIND_WORD, false, 0},
	{"locationType", KIND_ENUM, false, ENUM_GOOGLE_CLOUD_LOCATION_TYPE},
	{"projectId", KIND_GUID, false, 0},
	{"projectNumber", KIND_BIG, false, 0},
	{"resourceName", KIND_RESOURCE, false, 0},
	{"resourceType", KIND_WORD, false, 0},
};

static const struct field host_logon_session_evidence_fields[] = {
	{"account", KIND_OBJECT, false, TYPE_USER_EVIDENCE},
	{"endUtcDateTime", KIND_TIME, false, 0},
	{"host", KIND_OBJECT, false, TYPE_DEVICE_EVIDENCE},
	{"sessionId", KIND_GUID, false, 0},
	{"startUtcDateTime", KIND_TIME, false, 0},
};

static const struct field io_tdevice_evidence_fields[] = {
	{"deviceId", KIND_GUID, false, 0},
	{"deviceName", KIND_HOST, false, 0},
	{"devicePageLink", KIND_URL, false, 0},
	{"deviceSubType", KIND_WORD, false, 0},
	{"deviceType", KIND_WORD, false, 0},
	{"importance", KIND_ENUM, false, ENUM_IO_TDEVICE_IMPORTANCE_TYPE},
	{"ioTHub", KIND_OBJECT, false, TYPE_AZURE_RESOURCE_EVIDENCE},
	{"ioTSecurityAgentId", KIND_GUID, false, 0},
	{"ipAddress", KIND_OBJECT, false, TYPE_IP_EVIDENCE},
	{"isAuthorized", KIND_BOOL, false, 0},
	{"isProgramming", KIND_BOOL, false, 0},
	{"isScanner", KIND_BOOL, false, 0},
	{"macAddress", KIND_MAC, false, 0},
	{"manufacturer", KIND_COMPANY, false, 0},
	{"model", KIND_WORD, false, 0},
	{"nics", KIND_OBJECT, true, TYPE_NIC_EVIDENCE},
	{"operatingSystem", KIND_PLATFORM, false, 0},
	{"owners", KIND_UPN, true, 0},
	{"protocols", KIND_WORD, true, 0},
	{"purdueLayer", KIND_WORD, false, 0},
	{"sensor", KIND_WORD, false, 0},
	{"serialNumber", KIND_WORD, false, 0},
	{"site", KIND_WORD, false, 0},
	{"source", KIND_WORD, false, 0},
	{"sourceRef", KIND_OBJECT, false, TYPE_URL_EVIDENCE},
	{"zone", KIND_WORD, false, 0},
};

static const struct field ip_evidence_fields[] = {
	{"countryLetterCode", KIND_COUNTRY, false, 0},
	{"ipAddress", KIND_IP, false, 0},
	{"location", KIND_OBJECT, false, TYPE_GEO_LOCATION},
	{"stream", KIND_OBJECT, false, TYPE_STREAM},
};

static const struct field kubernetes_cluster_evidence_fields[] = {
	{"cloudResource", KIND_CLOUD, false, 0},
	{"distribution", KIND_WORD, false, 0},
	{"name", KIND_WORD, false, 0},
	{"platform", KIND_ENUM, false, ENUM_KUBERNETES_PLATFORM},
	{"version", KIND_RELEASE, false, 0},
};

static const struct field kubernetes_controller_evidence_fields[] = {
	{"labels", KIND_MAP, false, 0},
	{"name", KIND_WORD, false, 0},
	{"namespace", KIND_OBJECT, false, TYPE_KUBERNETES_NAMESPACE_EVIDENCE},
	{"type", KIND_WORD, false, 0},
};

static const struct field kubernetes_namespace_evidence_fields[] = {
	{"cluster", KIND_OBJECT, false, TYPE_KUBERNETES_CLUSTER_EVIDENCE},
	{"labels", KIND_MAP, false, 0},
	{"name", KIND_WORD, false, 0},
};

static const struct field kubernetes_pod_evidence_fields[] = {
	{"containers", KIND_OBJECT, true, TYPE_CONTAINER_EVIDENCE},
	{"controller", KIND_OBJECT, false, TYPE_KUBERNETES_CONTROLLER_EVIDENCE},
	{"ephemeralContainers", KIND_OBJECT, true, TYPE_CONTAINER_EVIDENCE},
	{"initContainers", KIND_OBJECT, true, TYPE_CONTAINER_EVIDENCE},
	{"labels", KIND_MAP, false, 0},
	{"name", KIND_WORD, false, 0},
	{"namespace", KIND_OBJECT, false, TYPE_KUBERNETES_NAMESPACE_EVIDENCE},
	{"podIp", KIND_OBJECT, false, TYPE_IP_EVIDENCE},
	{"serviceAccount", KIND_OBJECT, false,
		TYPE_KUBERNETES_SERVICE_ACCOUNT_EVIDENCE},
};

static const struct field kubernetes_secret_evidence_fields[] = {
	{"name", KIND_WORD, false, 0},
	{"namespace", KIND_OBJECT, false, TYPE_KUBERNETES_NAMESPACE_EVIDENCE},
	{"secretType", KIND_WORD, false, 0},
};

static const struct field kubernetes_service_account_evidence_fields[] = {
	{"name", KIND_WORD, false, 0},
	{"namespace", KIND_OBJECT, false, TYPE_KUBERNETES_NAMESPACE_EVIDENCE},
};

static const struct field kubernetes_service_evidence_fields[] = {
	{"clusterIP", KIND_OBJECT, false, TYPE_IP_EVIDENCE},
	{"externalIPs", KIND_OBJECT, true, TYPE_IP_EVIDENCE},
	{"labels", KIND_MAP, false, 0},
	{"name", KIND_WORD, false, 0},
	{"namespace", KIND_OBJECT, false, TYPE_KUBERNETES_NAMESPACE_EVIDENCE},
	{"selector", KIND_MAP, false, 0},
	{"servicePorts", KIND_OBJECT, true, TYPE_KUBERNETES_SERVICE_PORT},
	{"serviceType", KIND_ENUM, false, ENUM_KUBERNETES_SERVICE_TYPE},
};

static const struct field mailbox_configuration_evidence_fields[] = {
	{"configurationId", KIND_GUID, false, 0},
	{"configurationType", KIND_ENUM, false, ENUM_MAILBOX_CONFIGURATION_TYPE},
	{"displayName", KIND_PERSON, false, 0},
	{"externalDirectoryObjectId", KIND_GUID, false, 0},
	{"mailboxPrimaryAddress", KIND_UPN, false, 0},
	{"upn", KIND_UPN, false, 0},
};

static const struct field mailbox_evidence_fields[] = {
	{"displayName", KIND_PERSON, false, 0},
	{"primaryAddress", KIND_UPN, false, 0},
	{"upn", KIND_UPN, false, 0},
	{"userAccount", KIND_OBJECT, false, TYPE_USER_ACCOUNT},
};

static const struct field mail_cluster_evidence_fields[] = {
	{"clusterBy", KIND_WORD, false, 0},
	{"clusterByValue", KIND_SHA256, false, 0},
	{"emailCount", KIND_SMALL, false, 0},
	{"networkMessageIds", KIND_GUID, true, 0},
	{"query", KIND_SENTENCE, false, 0},
	{"urn", KIND_GUID, false, 0},
};

static const struct field malware_evidence_fields[] = {
	{"category", KIND_WORD, false, 0},
	{"files", KIND_OBJECT, true, TYPE_FILE_EVIDENCE},
	{"name", KIND_WORD, false, 0},
	{"processes", KIND_OBJECT, true, TYPE_PROCESS_EVIDENCE},
};

static const struct field network_connection_evidence_fields[] = {
	{"destinationAddress", KIND_OBJECT, false, TYPE_IP_EVIDENCE},
	{"destinationPort", KIND_PORT, false, 0},
	{"protocol", KIND_ENUM, false, ENUM_PROTOCOL_TYPE},
	{"sourceAddress", KIND_OBJECT, false, TYPE_IP_EVIDENCE},
	{"sourcePort", KIND_PORT, false, 0},
};

static const struct field nic_evidence_fields[] = {
	{"ipAddress", KIND_OBJECT, false, TYPE_IP_EVIDENCE},
	{"macAddress", KIND_MAC, false, 0},
	{"vlans", KIND_WORD, true, 0},
};

static const struct field oauth_application_evidence_fields[] = {
	{"appId", KIND_GUID, false, 0},
	{"displayName", KIND_PERSON, false, 0},
	{"objectId", KIND_GUID, false, 0},
	{"publisher", KIND_COMPANY, false, 0},
};

static const struct field process_evidence_fields[] = {
	{"detectionStatus", KIND_ENUM, false, ENUM_DETECTION_STATUS},
	{"imageFile", KIND_OBJECT, false, TYPE_FILE_DETAILS},
	{"mdeDeviceId", KIND_SHA1, false, 0},
	{"parentProcessCreationDateTime", KIND_TIME, false, 0},
	{"parentProcessId", KIND_PORT, false, 0},
	{"parentProcessImageFile", KIND_OBJECT, false, TYPE_FILE_DETAILS},
	{"processCommandLine", KIND_COMMAND, false, 0},
	{"processCreationDateTime", KIND_TIME, false, 0},
	{"processId", KIND_PORT, false, 0},
	{"userAccount", KIND_OBJECT, false, TYPE_USER_ACCOUNT},
};

static const struct field registry_key_evidence_fields[] = {
	{"registryHive", KIND_HIVE, false, 0},
	{"registryKey", KIND_REGISTRY, false, 0},
};

static const struct field registry_value_evidence_fields[] = {
	{"mdeDeviceId", KIND_SHA1, false, 0},
	{"registryHive", KIND_HIVE, false, 0},
	{"registryKey", KIND_REGISTRY, false, 0},
	{"registryValue", KIND_COMMAND, false, 0},
	{"registryValueName", KIND_COMMAND, false, 0},
	{"registryValueType", KIND_COMMAND, false, 0},
};

static const struct field sas_token_evidence_fields[] = {
	{"allowedIpAddresses", KIND_IP, false, 0},
	{"allowedResourceTypes", KIND_WORD, true, 0},
	{"allowedServices", KIND_WORD, true, 0},
	{"expiryDateTime", KIND_TIME, false, 0},
	{"permissions", KIND_WORD, true, 0},
	{"protocol", KIND_WORD, false, 0},
	{"signatureHash", KIND_SHA256, false, 0},
	{"signedWith", KIND_WORD, false, 0},
	{"startDateTime", KIND_TIME, false, 0},
	{"storageResource", KIND_OBJECT, false, TYPE_AZURE_RESOURCE_EVIDENCE},
};

static const struct field security_group_evidence_fields[] = {
	{"activeDirectoryObjectGuid", KIND_GUID, false, 0},
	{"displayName", KIND_PERSON, false, 0},
	{"distinguishedName", KIND_DN, false, 0},
	{"friendlyName", KIND_PERSON, false, 0},
	{"securityGroupId", KIND_GUID, false, 0},
	{"sid", KIND_SID, false, 0},
};

static const struct field service_principal_evidence_fields[] = {
	{"appId", KIND_GUID, false, 0},
	{"appOwnerTenantId", KIND_TENANT, false, 0},
	{"servicePrincipalName", KIND_WORD, false, 0},
	{"servicePrincipalObjectId", KIND_GUID, false, 0},
	{"servicePrincipalType", KIND_ENUM, false, ENUM_SERVICE_PRINCIPAL_TYPE},
	{"tenantId", KIND_TENANT, false, 0},
};

static const struct field submission_mail_evidence_fields[] = {
	{"networkMessageId", KIND_GUID, false, 0},
	{"recipient", KIND_UPN, false, 0},
	{"reportType", KIND_WORD, false, 0},
	{"sender", KIND_UPN, false, 0},
	{"senderIp", KIND_IP, false, 0},
	{"subject", KIND_SUBJECT, false, 0},
	{"submissionDateTime", KIND_TIME, false, 0},
	{"submissionId", KIND_GUID, false, 0},
	{"submitter", KIND_UPN, false, 0},
};

static const struct field teams_message_evidence_fields[] = {
	{"campaignId", KIND_GUID, false, 0},
	{"channelId", KIND_GUID, false, 0},
	{"deliveryAction", KIND_ENUM, false, ENUM_TEAMS_MESSAGE_DELIVERY_ACTION},
	{"deliveryLocation", KIND_ENUM, false, ENUM_TEAMS_DELIVERY_LOCATION},
	{"files", KIND_OBJECT, true, TYPE_FILE_EVIDENCE},
	{"groupId", KIND_GUID, false, 0},
	{"isExternal", KIND_BOOL, false, 0},
	{"isOwned", KIND_BOOL, false, 0},
	{"lastModifiedDateTime", KIND_TIME, false, 0},
	{"messageDirection", KIND_ENUM, false, ENUM_ANTISPAM_TEAMS_DIRECTION},
	{"messageId", KIND_GUID, false, 0},
	{"owningTenantId", KIND_GUID, false, 0},
	{"parentMessageId", KIND_GUID, false, 0},
	{"receivedDateTime", KIND_TIME, false, 0},
	{"recipients", KIND_UPN, true, 0},
	{"senderFromAddress", KIND_UPN, false, 0},
	{"senderIP", KIND_IP, false, 0},
	{"sourceAppName", KIND_WORD, false, 0},
	{"sourceId", KIND_GUID, false, 0},
	{"subject", KIND_SUBJECT, false, 0},
	{"suspiciousRecipients", KIND_UPN, true, 0},
	{"threadId", KIND_GUID, false, 0},
	{"threadType", KIND_WORD, false, 0},
	{"urls", KIND_OBJECT, true, TYPE_URL_EVIDENCE},
};

static const struct field url_evidence_fields[] = {
	{"url", KIND_URL, false, 0},
};

static const struct field user_evidence_fields[] = {
	{"stream", KIND_OBJECT, false, TYPE_STREAM},
	{"userAccount", KIND_OBJECT, false, TYPE_USER_ACCOUNT},
};

static const struct field email_sender_fields[] = {
	{"displayName", KIND_PERSON, false, 0},
	{"domainName", KIND_DOMAIN, false, 0},
	{"emailAddress", KIND_UPN, false, 0},
};

static const struct field file_details_fields[] = {
	{"fileName", KIND_FILE, false, 0},
	{"filePath", KIND_DIRECTORY, false, 0},
	{"filePublisher", KIND_COMPANY, false, 0},
	{"fileSize", KIND_NUMBER, false, 0},
	{"issuer", KIND_COMPANY, false, 0},
	{"md5", KIND_MD5, false, 0},
	{"sha1", KIND_SHA1, false, 0},
	{"sha256", KIND_SHA256, false, 0},
	{"sha256Ac", KIND_SHA256, false, 0},
	{"signer", KIND_COMPANY, false, 0},
};

static const struct field file_hash_fields[] = {
	{"algorithm", KIND_ENUM, false, ENUM_FILE_HASH_ALGORITHM},
	{"value", KIND_SHA256, false, 0},
};

static const struct field geo_location_fields[] = {
	{"city", KIND_CITY, false, 0},
	{"countryName", KIND_COUNTRYNAME, false, 0},
	{"latitude", KIND_DOUBLE, false, 0},
	{"longitude", KIND_DOUBLE, false, 0},
	{"state", KIND_WORD, false, 0},
};

static const struct field kubernetes_service_port_fields[] = {
	{"appProtocol", KIND_WORD, false, 0},
	{"name", KIND_WORD, false, 0},
	{"nodePort", KIND_PORT, false, 0},
	{"port", KIND_PORT, false, 0},
	{"protocol", KIND_ENUM, false, ENUM_CONTAINER_PORT_PROTOCOL},
	{"targetPort", KIND_WORD, false, 0},
};

static const struct field logged_on_user_fields[] = {
	{"accountName", KIND_ACCOUNT, false, 0},
	{"domainName", KIND_DOMAIN, false, 0},
};

static const struct field resource_access_event_fields[] = {
	{"accessDateTime", KIND_TIME, false, 0},
	{"accountId", KIND_GUID, false, 0},
	{"ipAddress", KIND_IP, false, 0},
	{"resourceIdentifier", KIND_RESOURCE, false, 0},
};

static const struct field stream_fields[] = {
	{"name", KIND_WORD, false, 0},
};

static const struct field user_account_fields[] = {
	{"accountName", KIND_ACCOUNT, false, 0},
	{"activeDirectoryObjectGuid", KIND_GUID, false, 0},
	{"azureAdUserId", KIND_GUID, false, 0},
	{"displayName", KIND_PERSON, false, 0},
	{"domainName", KIND_DOMAIN, false, 0},
	{"resourceAccessEvents", KIND_OBJECT, true, TYPE_RESOURCE_ACCESS_EVENT},
	{"tenantId", KIND_TENANT, false, 0},
	{"userPrincipalName", KIND_UPN, false, 0},
	{"userSid", KIND_SID, false, 0},
};

static const struct field vm_metadata_fields[] = {
	{"cloudProvider", KIND_ENUM, false, ENUM_VM_CLOUD_PROVIDER},
	{"resourceId", KIND_RESOURCE, false, 0},
	{"subscriptionId", KIND_GUID, false, 0},
	{"vmId", KIND_GUID, false, 0},
};

#define TYPE(name, fields, evidence)                                                   \
	{                                                                              \
		name, fields, sizeof(fields) / sizeof(*(fields)), evidence             \
	}

const struct type schema_types[TYPE_COUNT] = {
	[TYPE_ACTIVE_DIRECTORY_DOMAIN_EVIDENCE] = TYPE("activeDirectoryDomainEvidence",
		active_directory_domain_evidence_fields, true),
	[TYPE_AI_AGENT_EVIDENCE] =
		TYPE("aiAgentEvidence", ai_agent_evidence_fields, true),
	[TYPE_AMAZON_RESOURCE_EVIDENCE] =
		TYPE("amazonResourceEvidence", amazon_resource_evidence_fields, true),
	[TYPE_ANALYZED_MESSAGE_EVIDENCE] =
		TYPE("analyzedMessageEvidence", analyzed_message_evidence_fields, true),
	[TYPE_AZURE_RESOURCE_EVIDENCE] =
		TYPE("azureResourceEvidence", azure_resource_evidence_fields, true),
	[TYPE_BLOB_CONTAINER_EVIDENCE] =
		TYPE("blobContainerEvidence", blob_container_evidence_fields, true),
	[TYPE_BLOB_EVIDENCE] = TYPE("blobEvidence", blob_evidence_fields, true),
	[TYPE_CLOUD_APPLICATION_EVIDENCE] = TYPE(
		"cloudApplicationEvidence", cloud_application_evidence_fields, true),
	[TYPE_CLOUD_LOGON_REQUEST_EVIDENCE] = TYPE(
		"cloudLogonRequestEvidence", cloud_logon_request_evidence_fields, true),
	[TYPE_CLOUD_LOGON_SESSION_EVIDENCE] = TYPE(
		"cloudLogonSessionEvidence", cloud_logon_session_evidence_fields, true),
	[TYPE_CONTAINER_EVIDENCE] =
		TYPE("containerEvidence", container_evidence_fields, true),
	[TYPE_CONTAINER_IMAGE_EVIDENCE] =
		TYPE("containerImageEvidence", container_image_evidence_fields, true),
	[TYPE_CONTAINER_REGISTRY_EVIDENCE] = TYPE(
		"containerRegistryEvidence", container_registry_evidence_fields, true),
	[TYPE_DEVICE_EVIDENCE] = TYPE("deviceEvidence", device_evidence_fields, true),
	[TYPE_DNS_EVIDENCE] = TYPE("dnsEvidence", dns_evidence_fields, true),
	[TYPE_FILE_EVIDENCE] = TYPE("fileEvidence", file_evidence_fields, true),
	[TYPE_FILE_HASH_EVIDENCE] =
		TYPE("fileHashEvidence", file_hash_evidence_fields, true),
	[TYPE_GIT_HUB_ORGANIZATION_EVIDENCE] = TYPE("gitHubOrganizationEvidence",
		git_hub_organization_evidence_fields, true),
	[TYPE_GIT_HUB_REPO_EVIDENCE] =
		TYPE("gitHubRepoEvidence", git_hub_repo_evidence_fields, true),
	[TYPE_GIT_HUB_USER_EVIDENCE] =
		TYPE("gitHubUserEvidence", git_hub_user_evidence_fields, true),
	[TYPE_GOOGLE_CLOUD_RESOURCE_EVIDENCE] = TYPE("googleCloudResourceEvidence",
		google_cloud_resource_evidence_fields, true),
	[TYPE_HOST_LOGON_SESSION_EVIDENCE] = TYPE(
		"hostLogonSessionEvidence", host_logon_session_evidence_fields, true),
	[TYPE_IO_TDEVICE_EVIDENCE] =
		TYPE("ioTDeviceEvidence", io_tdevice_evidence_fields, true),
	[TYPE_IP_EVIDENCE] = TYPE("ipEvidence", ip_evidence_fields, true),
	[TYPE_KUBERNETES_CLUSTER_EVIDENCE] = TYPE(
		"kubernetesClusterEvidence", kubernetes_cluster_evidence_fields, true),
	[TYPE_KUBERNETES_CONTROLLER_EVIDENCE] = TYPE("kubernetesControllerEvidence",
		kubernetes_controller_evidence_fields, true),
	[TYPE_KUBERNETES_NAMESPACE_EVIDENCE] = TYPE("kubernetesNamespaceEvidence",
		kubernetes_namespace_evidence_fields, true),
	[TYPE_KUBERNETES_POD_EVIDENCE] =
		TYPE("kubernetesPodEvidence", kubernetes_pod_evidence_fields, true),
	[TYPE_KUBERNETES_SECRET_EVIDENCE] = TYPE(
		"kubernetesSecretEvidence", kubernetes_secret_evidence_fields, true),
	[TYPE_KUBERNETES_SERVICE_ACCOUNT_EVIDENCE] =
		TYPE("kubernetesServiceAccountEvidence",
			kubernetes_service_account_evidence_fields, true),
	[TYPE_KUBERNETES_SERVICE_EVIDENCE] = TYPE(
		"kubernetesServiceEvidence", kubernetes_service_evidence_fields, true),
	[TYPE_MAILBOX_CONFIGURATION_EVIDENCE] = TYPE("mailboxConfigurationEvidence",
		mailbox_configuration_evidence_fields, true),
	[TYPE_MAILBOX_EVIDENCE] =
		TYPE("mailboxEvidence", mailbox_evidence_fields, true),
	[TYPE_MAIL_CLUSTER_EVIDENCE] =
		TYPE("mailClusterEvidence", mail_cluster_evidence_fields, true),
	[TYPE_MALWARE_EVIDENCE] =
		TYPE("malwareEvidence", malware_evidence_fields, true),
	[TYPE_NETWORK_CONNECTION_EVIDENCE] = TYPE(
		"networkConnectionEvidence", network_connection_evidence_fields, true),
	[TYPE_NIC_EVIDENCE] = TYPE("nicEvidence", nic_evidence_fields, true),
	[TYPE_OAUTH_APPLICATION_EVIDENCE] = TYPE(
		"oauthApplicationEvidence", oauth_application_evidence_fields, true),
	[TYPE_PROCESS_EVIDENCE] =
		TYPE("processEvidence", process_evidence_fields, true),
	[TYPE_REGISTRY_KEY_EVIDENCE] =
		TYPE("registryKeyEvidence", registry_key_evidence_fields, true),
	[TYPE_REGISTRY_VALUE_EVIDENCE] =
		TYPE("registryValueEvidence", registry_value_evidence_fields, true),
	[TYPE_SAS_TOKEN_EVIDENCE] =
		TYPE("sasTokenEvidence", sas_token_evidence_fields, true),
	[TYPE_SECURITY_GROUP_EVIDENCE] =
		TYPE("securityGroupEvidence", security_group_evidence_fields, true),
	[TYPE_SERVICE_PRINCIPAL_EVIDENCE] = TYPE(
		"servicePrincipalEvidence", service_principal_evidence_fields, true),
	[TYPE_SUBMISSION_MAIL_EVIDENCE] =
		TYPE("submissionMailEvidence", submission_mail_evidence_fields, true),
	[TYPE_TEAMS_MESSAGE_EVIDENCE] =
		TYPE("teamsMessageEvidence", teams_message_evidence_fields, true),
	[TYPE_URL_EVIDENCE] = TYPE("urlEvidence", url_evidence_fields, true),
	[TYPE_USER_EVIDENCE] = TYPE("userEvidence", user_evidence_fields, true),
	[TYPE_EMAIL_SENDER] = TYPE("emailSender", email_sender_fields, false),
	[TYPE_FILE_DETAILS] = TYPE("fileDetails", file_details_fields, false),
	[TYPE_FILE_HASH] = TYPE("fileHash", file_hash_fields, false),
	[TYPE_GEO_LOCATION] = TYPE("geoLocation", geo_location_fields, false),
	[TYPE_KUBERNETES_SERVICE_PORT] =
		TYPE("kubernetesServicePort", kubernetes_service_port_fields, false),
	[TYPE_LOGGED_ON_USER] = TYPE("loggedOnUser", logged_on_user_fields, false),
	[TYPE_RESOURCE_ACCESS_EVENT] =
		TYPE("resourceAccessEvent", resource_access_event_fields, false),
	[TYPE_STREAM] = TYPE("stream", stream_fields, false),
	[TYPE_USER_ACCOUNT] = TYPE("userAccount", user_account_fields, false),
	[TYPE_VM_METADATA] = TYPE("vmMetadata", vm_metadata_fields, false),
};

const struct type schema_common = TYPE("alertEvidence", common_fields, true);

static const char *const enum_members[ENUM_COUNT][48] = {
	[ENUM_EVIDENCE_VERDICT] = {"unknown", "suspicious", "malicious",
		"noThreatsFound", "unknownFutureValue"},
	[ENUM_EVIDENCE_REMEDIATION_STATUS] = {"none", "remediated", "prevented",
		"blocked", "notFound", "unknownFutureValue", "active",
		"pendingApproval", "declined", "unremediated", "running",
		"partiallyRemediated"},
	[ENUM_EVIDENCE_ROLE] = {"unknown", "contextual", "scanned", "source",
		"destination", "created", "added", "compromised", "edited", "attacked",
		"attacker", "commandAndControl", "loaded", "suspicious",
		"policyViolator", "unknownFutureValue"},
	[ENUM_AI_AGENT_PLATFORM] = {"unknown", "azureAIFoundry", "copilotStudio",
		"copilot", "unknownFutureValue"},
	[ENUM_DEFENDER_AV_STATUS] = {"notReporting", "disabled", "notUpdated",
		"updated", "unknown", "notSupported", "unknownFutureValue"},
	[ENUM_DEVICE_HEALTH_STATUS] = {"active", "inactive", "impairedCommunication",
		"noSensorData", "noSensorDataImpairedCommunication", "unknown",
		"unknownFutureValue"},
	[ENUM_ONBOARDING_STATUS] = {"insufficientInfo", "onboarded", "canBeOnboarded",
		"unsupported", "unknownFutureValue"},
	[ENUM_DEVICE_RISK_SCORE] = {"none", "informational", "low", "medium", "high",
		"unknownFutureValue"},
	[ENUM_DETECTION_STATUS] = {"detected", "blocked", "prevented",
		"unknownFutureValue"},
	[ENUM_FILE_HASH_ALGORITHM] = {"unknown", "md5", "sha1", "sha256", "sha256ac",
		"unknownFutureValue"},
	[ENUM_GOOGLE_CLOUD_LOCATION_TYPE] = {"unknown", "regional", "zonal", "global",
		"unknownFutureValue"},
	[ENUM_IO_TDEVICE_IMPORTANCE_TYPE] = {"unknown", "low", "normal", "high",
		"unknownFutureValue"},
	[ENUM_KUBERNETES_PLATFORM] = {"unknown", "aks", "eks", "gke", "arc",
		"unknownFutureValue"},
	[ENUM_KUBERNETES_SERVICE_TYPE] = {"unknown", "clusterIP", "externalName",
		"nodePort", "loadBalancer", "unknownFutureValue"},
	[ENUM_MAILBOX_CONFIGURATION_TYPE] = {"mailForwardingRule", "owaSettings",
		"ewsSettings", "mailDelegation", "userInboxRule", "unknownFutureValue"},
	[ENUM_PROTOCOL_TYPE] = {"tcp", "udp", "unknownFutureValue"},
	[ENUM_SERVICE_PRINCIPAL_TYPE] = {"unknown", "application", "managedIdentity",
		"legacy", "unknownFutureValue"},
	[ENUM_TEAMS_MESSAGE_DELIVERY_ACTION] = {"unknown", "deliveredAsSpam",
		"delivered", "blocked", "replaced", "unknownFutureValue"},
	[ENUM_TEAMS_DELIVERY_LOCATION] = {"unknown", "teams", "quarantine", "failed",
		"unknownFutureValue"},
	[ENUM_ANTISPAM_TEAMS_DIRECTION] = {"unknown", "inbound", "outbound", "intraorg",
		"unknownFutureValue"},
	[ENUM_CONTAINER_PORT_PROTOCOL] = {"udp", "tcp", "sctp", "unknownFutureValue"},
	[ENUM_VM_CLOUD_PROVIDER] = {"unknown", "azure", "unknownFutureValue"},
	[ENUM_ALERT_CLASSIFICATION] = {"unknown", "falsePositive", "truePositive",
		"informationalExpectedActivity", "unknownFutureValue"},
	[ENUM_DETECTION_SOURCE] = {"unknown", "microsoftDefenderForEndpoint",
		"antivirus", "smartScreen", "customTi", "microsoftDefenderForOffice365",
		"automatedInvestigation", "microsoftThreatExperts", "customDetection",
		"microsoftDefenderForIdentity", "cloudAppSecurity",
		"microsoft365Defender", "azureAdIdentityProtection", "manual",
		"microsoftDataLossPrevention", "appGovernancePolicy",
		"appGovernanceDetection", "unknownFutureValue",
		"microsoftDefenderForCloud", "microsoftDefenderForIoT",
		"microsoftDefenderForServers", "microsoftDefenderForStorage",
		"microsoftDefenderForDNS", "microsoftDefenderForDatabases",
		"microsoftDefenderForContainers", "microsoftDefenderForNetwork",
		"microsoftDefenderForAppService", "microsoftDefenderForKeyVault",
		"microsoftDefenderForResourceManager",
		"microsoftDefenderForApiManagement", "nrtAlerts", "scheduledAlerts",
		"microsoftDefenderThreatIntelligenceAnalytics", "builtInMl",
		"microsoftInsiderRiskManagement", "microsoftThreatIntelligence",
		"microsoftDefenderForAIServices", "securityCopilot",
		"microsoftSentinel"},
	[ENUM_ALERT_DETERMINATION] = {"unknown", "apt", "malware", "securityPersonnel",
		"securityTesting", "unwantedSoftware", "other", "multiStagedAttack",
		"compromisedAccount", "phishing", "maliciousUserActivity",
		"notMalicious", "notEnoughDataToValidate", "confirmedActivity",
		"lineOfBusinessApplication", "unknownFutureValue"},
	[ENUM_INVESTIGATION_STATE] = {"unknown", "terminated", "successfullyRemediated",
		"benign", "failed", "partiallyRemediated", "running", "pendingApproval",
		"pendingResource", "queued", "innerFailure", "preexistingAlert",
		"unsupportedOs", "unsupportedAlertType", "suppressedAlert",
		"partiallyInvestigated", "terminatedByUser", "terminatedBySystem",
		"unknownFutureValue"},
	[ENUM_SERVICE_SOURCE] = {"unknown", "microsoftDefenderForEndpoint",
		"microsoftDefenderForIdentity", "microsoftDefenderForCloudApps",
		"microsoftDefenderForOffice365", "microsoft365Defender",
		"azureAdIdentityProtection", "microsoftAppGovernance",
		"dataLossPrevention", "unknownFutureValue", "microsoftDefenderForCloud",
		"microsoftSentinel", "microsoftInsiderRiskManagement",
		"microsoftThreatIntelligence", "microsoftSecurityForAI"},
	[ENUM_ALERT_SEVERITY] = {"unknown", "informational", "low", "medium", "high",
		"unknownFutureValue"},
	[ENUM_ALERT_STATUS] = {"unknown", "new", "inProgress", "resolved",
		"unknownFutureValue"},
	[ENUM_INCIDENT_STATUS] = {"active", "resolved", "inProgress", "redirected",
		"unknownFutureValue", "awaitingAction"},
};

const char *const *schema_members(enum schema_enum which)
{
	return enum_members[which];
}

const char *schema_member(enum schema_enum which, const char *text)
{
	for (const char *const *m = enum_members[which]; *m; m++)
		if (!strcmp(*m, text))
			return *m;
	return NULL;
}

bool schema_is_late(enum schema_enum which, const char *member)
{
	bool late = false;
	for (const char *const *m = enum_members[which]; *m; m++) {
		if (!strcmp(*m, member))
			return late;
		late = late || !strcmp(*m, "unknownFutureValue");
	}
	return false;
}
