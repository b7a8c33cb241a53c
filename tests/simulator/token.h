/* token.h - access tokens: made by the login service, checked by the APIs.
 *
 * Purpose:  tokens that carry their tenant, audience, life and roles and cannot be made
 *           up by accident; the signature is a keyed hash of this process, not
 *           cryptography.
 * Owner:    texts belong to the caller.   Errors: told by enum token_check.
 * Source:   facts, sections 1.8 and 1.10.   Threads: any.
 * Tests:    integration/test_simulator.py,
 *           test_simulator_sign_in.py */
#ifndef SIMULATOR_TOKEN_H
#define SIMULATOR_TOKEN_H

#include "server.h"
#include "world.h"

enum token_check {
	TOKEN_GOOD,
	TOKEN_MISSING,
	TOKEN_MALFORMED,
	TOKEN_EXPIRED,
	TOKEN_REVOKED,
	TOKEN_AUDIENCE, /* for another API */
};

struct claims {
	const struct tenant *tenant;
	const char *audience, *client_id;
	enum api api; /* API_COUNT: of none of ours */
	int64_t life_s;
	bool roles; /* else none at all */
	bool user; /* somebody signed in: scp instead of roles */
	bool by_secret;
	const char *issuer, *subject; /* NULL: the usual ones */
};

/* Text of the roles or scopes that a token may have at an API, with commas. */
enum { GRANTED_MAX = 300 };

void token_write(struct text *, struct world *, const struct claims *);
/* Gives the tenant, and the roles or scopes as ",A,B,". */
enum token_check token_read(struct world *, const struct request *, enum api,
	struct tenant **, char granted[GRANTED_MAX]);
/* Whose audience that is; API_COUNT when nobody's. */
enum api token_api_of(const struct request *, const char *audience);
/* A GUID-like id for errors and headers. */
void trace_id(struct world *, char out[GENERATE_GUID_SIZE]);

#endif
