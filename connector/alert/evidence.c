#include "config.h"

#include "alert/map.h"

/* `name` is the only name that these have. */
static const struct alert_fix resource_name[] = {
	{FMT_NAME, FMT_RESOURCE_NAME},
	{FMT_FIELD_NONE, FMT_FIELD_NONE},
};

/* `version` is that of the operating system for devices only. */
static const struct alert_fix cluster[] = {
	{FMT_NAME, FMT_RESOURCE_NAME},
	{FMT_DEVICE_OS_VERSION, FMT_VERSION},
	{FMT_FIELD_NONE, FMT_FIELD_NONE},
};

static const struct alert_fix mailbox[] = {
	{FMT_NAME, FMT_MAILBOX_NAME},
	{FMT_FIELD_NONE, FMT_FIELD_NONE},
};

static const struct alert_fix iot_device[] = {
	{FMT_OPERATING_SYSTEM, FMT_DEVICE_OS},
	{FMT_IP_ADDRESS, FMT_DEVICE_IP},
	{FMT_FIELD_NONE, FMT_FIELD_NONE},
};

static const struct alert_fix nic[] = {
	{FMT_IP_ADDRESS, FMT_DEVICE_IP},
	{FMT_FIELD_NONE, FMT_FIELD_NONE},
};

const struct alert_type alert_types[] = {
	{"activeDirectoryDomainEvidence", FMT_KIND_GROUP, NULL},
	{"aiAgentEvidence", FMT_KIND_APPLICATION, NULL},
	{"amazonResourceEvidence", FMT_KIND_CLOUD_RESOURCE, NULL},
	{"analyzedMessageEvidence", FMT_KIND_MESSAGE, NULL},
	{"azureResourceEvidence", FMT_KIND_CLOUD_RESOURCE, NULL},
	{"blobContainerEvidence", FMT_KIND_CLOUD_RESOURCE, resource_name},
	{"blobEvidence", FMT_KIND_CLOUD_RESOURCE, resource_name},
	{"cloudApplicationEvidence", FMT_KIND_APPLICATION, NULL},
	{"cloudLogonRequestEvidence", FMT_KIND_LOGON, NULL},
	{"cloudLogonSessionEvidence", FMT_KIND_LOGON, NULL},
	{"containerEvidence", FMT_KIND_CLOUD_RESOURCE, resource_name},
	{"containerImageEvidence", FMT_KIND_CLOUD_RESOURCE, NULL},
	{"containerRegistryEvidence", FMT_KIND_CLOUD_RESOURCE, NULL},
	{"deviceEvidence", FMT_KIND_DEVICE, NULL},
	{"dnsEvidence", FMT_KIND_NETWORK, NULL},
	{"fileEvidence", FMT_KIND_FILE, NULL},
	{"fileHashEvidence", FMT_KIND_FILE, NULL},
	{"gitHubOrganizationEvidence", FMT_KIND_CLOUD_RESOURCE, resource_name},
	{"gitHubRepoEvidence", FMT_KIND_CLOUD_RESOURCE, NULL},
	{"gitHubUserEvidence", FMT_KIND_OTHER, NULL},
	{"googleCloudResourceEvidence", FMT_KIND_CLOUD_RESOURCE, NULL},
	{"hostLogonSessionEvidence", FMT_KIND_LOGON, NULL},
	{"ioTDeviceEvidence", FMT_KIND_DEVICE, iot_device},
	{"ipEvidence", FMT_KIND_IP, NULL},
	{"kubernetesClusterEvidence", FMT_KIND_CLOUD_RESOURCE, cluster},
	{"kubernetesControllerEvidence", FMT_KIND_CLOUD_RESOURCE, resource_name},
	{"kubernetesNamespaceEvidence", FMT_KIND_CLOUD_RESOURCE, resource_name},
	{"kubernetesPodEvidence", FMT_KIND_CLOUD_RESOURCE, resource_name},
	{"kubernetesSecretEvidence", FMT_KIND_CLOUD_RESOURCE, resource_name},
	{"kubernetesServiceAccountEvidence", FMT_KIND_CLOUD_RESOURCE, resource_name},
	{"kubernetesServiceEvidence", FMT_KIND_CLOUD_RESOURCE, resource_name},
	{"mailClusterEvidence", FMT_KIND_MESSAGE, NULL},
	{"mailboxConfigurationEvidence", FMT_KIND_MAILBOX, NULL},
	{"mailboxEvidence", FMT_KIND_MAILBOX, mailbox},
	{"malwareEvidence", FMT_KIND_MALWARE, NULL},
	{"networkConnectionEvidence", FMT_KIND_NETWORK, NULL},
	{"nicEvidence", FMT_KIND_NETWORK, nic},
	{"oauthApplicationEvidence", FMT_KIND_APPLICATION, NULL},
	{"processEvidence", FMT_KIND_PROCESS, NULL},
	{"registryKeyEvidence", FMT_KIND_REGISTRY, NULL},
	{"registryValueEvidence", FMT_KIND_REGISTRY, NULL},
	{"sasTokenEvidence", FMT_KIND_CLOUD_RESOURCE, NULL},
	{"securityGroupEvidence", FMT_KIND_GROUP, NULL},
	{"servicePrincipalEvidence", FMT_KIND_APPLICATION, NULL},
	{"submissionMailEvidence", FMT_KIND_MESSAGE, NULL},
	{"teamsMessageEvidence", FMT_KIND_MESSAGE, NULL},
	{"urlEvidence", FMT_KIND_URL, NULL},
	{"userEvidence", FMT_KIND_USER, NULL},

	/* entityType of Defender for Endpoint and Microsoft 365 Defender (facts 3.7, 3.8) */
	{"User", FMT_KIND_USER, NULL},
	{"Process", FMT_KIND_PROCESS, NULL},
	{"File", FMT_KIND_FILE, NULL},
	{"Ip", FMT_KIND_IP, NULL},
	{"Url", FMT_KIND_URL, NULL},
	{"Registry", FMT_KIND_REGISTRY, NULL},
	{"MailBox", FMT_KIND_MAILBOX, NULL},
	{"Mailbox", FMT_KIND_MAILBOX, NULL},
	{"MailMessage", FMT_KIND_MESSAGE, NULL},
	{"MailCluster", FMT_KIND_MESSAGE, NULL},
	{"SecurityGroup", FMT_KIND_GROUP, NULL},
	{"CloudApplication", FMT_KIND_APPLICATION, NULL},
	{"CloudLogonSession", FMT_KIND_LOGON, NULL},
	{NULL, FMT_KIND_OTHER, NULL},
};
