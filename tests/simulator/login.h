/* login.h - access tokens: made by the login service, checked by Graph.
 *
 * Purpose:  tokens that carry their tenant, life and roles and cannot be made up by
 *           accident; the signature is a keyed hash of this process, not cryptography.
 * Owner:    texts belong to the caller.   Errors: told by enum token_check.
 * Threads:  any.   Tests: integration/test_simulator.py */
#ifndef SIMULATOR_LOGIN_H
#define SIMULATOR_LOGIN_H

#include "server.h"
#include "world.h"

enum token_check {
	TOKEN_GOOD,
	TOKEN_MISSING,
	TOKEN_MALFORMED,
	TOKEN_EXPIRED,
	TOKEN_REVOKED
};

enum token_check token_read(
	struct world *, const char *authorization, struct tenant **, bool *has_roles);
/* A GUID-like id for errors and headers. */
void trace_id(struct world *, char out[GENERATE_GUID_SIZE]);

#endif
