#include "config.h"

#include "fetch/cloud.h"

#include <string.h>
#include <strings.h>

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

static size_t length_of(const char *root)
{
	size_t n = strlen(root);

	while (n && root[n - 1] == '/')
		n--;
	return n;
}

static bool is_same(const char *a, const char *b)
{
	size_t n = length_of(a);

	return n == length_of(b) && !strncasecmp(a, b, n);
}

/* "https://eu.api.security.microsoft.com" is below "https://api.security.microsoft.com". */
static bool is_below(const char *root, const char *known)
{
	const char *host = strstr(root, "://"), *known_host = strstr(known, "://") + 3;
	size_t n, known_n = length_of(known_host);

	if (!host)
		return false;
	host += 3;
	n = strcspn(host, ":/");
	if (n < known_n || strncasecmp(host + n - known_n, known_host, known_n) != 0)
		return false;
	return n == known_n || host[n - known_n - 1] == '.';
}

bool cloud_is_one(enum api_family api, const char *login_root, const char *root,
	const char *audience, const char *names[CLOUD_PARTS])
{
	unsigned in[CLOUD_PARTS] = {0}, common = (1u << CLOUDS) - 1;

	for (unsigned i = 0; i < CLOUDS; i++) {
		const struct cloud_api *at = &clouds[i].apis[api];
		unsigned bit = 1u << i;

		if (is_same(login_root, clouds[i].login_root))
			in[CLOUD_LOGIN] |= bit;
		if (at->root && is_below(root, at->root))
			in[CLOUD_ROOT] |= bit;
		if (at->audience && is_same(audience, at->audience))
			in[CLOUD_AUDIENCE] |= bit;
	}
	for (unsigned part = 0; part < CLOUD_PARTS; part++) {
		names[part] = "of no cloud";
		for (unsigned i = CLOUDS; i-- > 0;)
			if (in[part] & 1u << i)
				names[part] = clouds[i].name;
		if (in[part])
			common &= in[part];
	}
	return common;
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
