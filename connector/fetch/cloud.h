/* cloud.h - Microsoft's clouds: where each API is in them, and for whom a token must be.
 *
 * Purpose:  one table; the configuration may override each root and audience of it.
 * Owner:    all is constant.
 * Rules:    tokens and app registrations do not cross clouds. The audience is not the root: that of
 *           Defender for Endpoint is an older host than the one to call.
 * Source:   facts 1.1, 1.10, 2.1. */
#ifndef FETCH_CLOUD_H
#define FETCH_CLOUD_H

#include "fetch/source.h"

/* In the order of cloud_at() and of the option `cloud`. */
enum cloud_number {
	CLOUD_COMMERCIAL,
	CLOUD_GCC,
	CLOUD_GCC_HIGH,
	CLOUD_DOD,
	CLOUD_CHINA,
	CLOUDS,
};

struct cloud_api {
	const char *root; /* "https://host"; NULL: none that is always right */
	const char *audience; /* of tokens for it; NULL: not known, the root's then */
	const char *none; /* why root is NULL, and what would be right */
};

struct cloud {
	const char *name;
	const char *login_root;
	struct cloud_api apis[API_FAMILIES];
};

const struct cloud *cloud_at(enum cloud_number number);

/* Whether this login address, root (or a host nearer to the data below it) and audience are of one
 * cloud, as far as they are known: gateways are not. names: of the first cloud of each, or that it is of none. */
enum cloud_part { CLOUD_LOGIN, CLOUD_ROOT, CLOUD_AUDIENCE, CLOUD_PARTS };
bool cloud_is_one(enum api_family api, const char *login_root, const char *root,
	const char *audience, const char *names[CLOUD_PARTS]);

/* "graph", "mde", "m365d", "siem": as options begin. */
const char *api_name(enum api_family api);
/* Its tokens come from the v1 endpoint, with a resource instead of a scope. */
bool api_is_v1(enum api_family api);

#endif
