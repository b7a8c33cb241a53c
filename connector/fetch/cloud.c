#include "config.h"

#include "fetch/cloud.h"

#define LOGIN "https://login.microsoftonline.com"
#define LOGIN_US "https://login.microsoftonline.us"
#define GRAPH "https://graph.microsoft.com"
/* What its tokens are for in every cloud is not documented; this is what is for the commercial one. */
#define SIEM_AUDIENCE "https://graph.windows.net"
#define NOT_IN_CHINA                                                                   \
	"Microsoft offers no such API in the cloud china; take the feed out of this "  \
	"tenant"

/* A government API is its own audience. */
#define OWN(at)                                                                        \
	{                                                                              \
		at, at, NULL                                                           \
	}

static const struct cloud clouds[CLOUDS] = {
	[CLOUD_COMMERCIAL] = {"commercial", LOGIN,
		{[API_GRAPH] = OWN(GRAPH),
			[API_MDE] = {"https://api.security.microsoft.com",
				"https://api.securitycenter.microsoft.com", NULL},
			[API_M365D] = OWN("https://api.security.microsoft.com"),
			[API_SIEM] = {NULL, SIEM_AUDIENCE,
				"this API has a host for each region; write siem_root: "
				"https://wdatp-alertexporter-eu.windows.com, or -us, "
				"or "
				"-uk"}}},
	[CLOUD_GCC] = {"gcc", LOGIN,
		{[API_GRAPH] = OWN(GRAPH),
			[API_MDE] = OWN("https://api-gcc.securitycenter.microsoft.us"),
			[API_M365D] = OWN("https://api-gcc.security.microsoft.us"),
			[API_SIEM] = {"https://wdatp-alertexporter-us.gcc."
				      "securitycenter.windows.us",
				SIEM_AUDIENCE, NULL}}},
	[CLOUD_GCC_HIGH] = {"gcc-high", LOGIN_US,
		{[API_GRAPH] = OWN("https://graph.microsoft.us"),
			[API_MDE] = OWN("https://api-gov.securitycenter.microsoft.us"),
			[API_M365D] = OWN("https://api-gov.security.microsoft.us"),
			[API_SIEM] = {"https://wdatp-alertexporter-us."
				      "securitycenter.windows.us",
				SIEM_AUDIENCE, NULL}}},
	[CLOUD_DOD] = {"dod", LOGIN_US,
		{[API_GRAPH] = OWN("https://dod-graph.microsoft.us"),
			[API_MDE] = OWN("https://api-gov.securitycenter.microsoft.us"),
			[API_M365D] = OWN("https://api-gov.security.microsoft.us"),
			[API_SIEM] = {"https://wdatp-alertexporter-us."
				      "securitycenter.windows.us",
				SIEM_AUDIENCE, NULL}}},
	/* Graph is there, but without alerts and incidents. */
	[CLOUD_CHINA] = {"china", "https://login.partner.microsoftonline.cn",
		{[API_GRAPH] = {NULL, "https://microsoftgraph.chinacloudapi.cn",
			 NOT_IN_CHINA},
			[API_MDE] = {NULL, NULL, NOT_IN_CHINA},
			[API_M365D] = {NULL, NULL, NOT_IN_CHINA},
			[API_SIEM] = {NULL, NULL, NOT_IN_CHINA}}},
};

const struct cloud *cloud_at(enum cloud_number number)
{
	return &clouds[number];
}

const char *api_name(enum api_family api)
{
	static const char *const names[API_FAMILIES] = {
		[API_GRAPH] = "graph",
		[API_MDE] = "mde",
		[API_M365D] = "m365d",
		[API_SIEM] = "siem",
	};

	return names[api];
}

bool api_is_v1(enum api_family api)
{
	return api == API_SIEM;
}
