/* token.h - an access token for one tenant and one API, fetched when needed and kept.
 *
 * Purpose:  asks the login service for it (facts 1.2, 1.3; how the app proves itself is
 *           credential.h's), looks at what it carries (facts 1.8), keeps it. The end of life is
 *           counted on the monotonic clock from expires_in; renewed early, with jitter.
 * Owner:    one per tenant, shared by its feeds; waiters are embedded in their owner, who cancels
 *           them before it goes. Secrets are wiped when no longer needed and never reach a message
 *           (what libcurl copies into its send buffer is out of our hands).
 * Bounds:   answers up to 64 KB, tokens up to 32 KB; an idle one holds its token and about 300 octets.
 * Errors:   RC_AUTH: an operator must act, the sentence holds the AADSTS code and what to do;
 *           RC_IO, RC_TLS, RC_PROTO, RC_AGAIN (throttled): try again later. After a failure the
 *           answer is remembered for a while (facts 1.7), so broken tenants do not hammer login:
 *           what an operator must mend for 1, 2, 4, 8, then 15 minutes.
 * Renewal:  about 5 minutes before the end, at 80 % of lives under 25 minutes; the old token is
 *           given out until 30 s before its end, so an outage of login shorter than that is not felt. */
#ifndef FETCH_TOKEN_H
#define FETCH_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "fetch/credential.h"
#include "fetch/http.h"

struct token_options { /* strings outlive the token */
	const char *
		login_root; /* "https://login.microsoftonline.com", '/' at the end or not */
	const char *tenant_id; /* GUID or domain */
	const char *client_id;
	struct credential
		*credential; /* how the app proves itself; outlives the token */
	const char *scope; /* "https://graph.microsoft.com/.default" */
	/* The v1 endpoint, which the SIEM API's recipe needs (facts 1.3): resource instead of scope. */
	bool v1;
	const char *resource; /* "https://graph.windows.net" */
	/* What the source needs, by name (facts 1.10), "SecurityAlert.Read.All"; NULL: not known. */
	const char *permission;
};

struct token;

struct token *token_new(
	struct loop *loop, struct http *http, const struct token_options *options);
void token_free(struct token *token);

/* Gives the token at once (RC_OK and *bearer, valid until the next call of any token_ function on
 * it), or RC_AGAIN: then ready() comes later, once, from the loop. With RC_OK it says: call
 * token_get() again; else retry_after_ms is how long this answer stays remembered. */
struct token_waiter {
	void (*ready)(struct token_waiter *waiter, enum rc rc, int64_t retry_after_ms,
		const struct error *err);
	struct list node;
	bool waiting;
};
NODISCARD enum rc token_get(
	struct token *token, struct token_waiter *waiter, const char **bearer);
void token_cancel(struct token *token, struct token_waiter *waiter);
/* The API refused this token (401), or may know newer rights (403): the next token_get() asks anew. */
void token_drop(struct token *token);
/* Number of the token that token_get() gave last: drop only the one that was refused, not one that
 * another feed has renewed since. */
uint32_t token_serial(const struct token *token);

/* The token does not carry the permission of the options (or none at all where they name none):
 * nobody has consented to it in this tenant yet. */
bool token_lacks_roles(const struct token *token);
#define TOKEN_LINK 400
/* Where the customer's administrator consents. Returns out. */
const char *token_consent_link(const struct token *token, char out[TOKEN_LINK]);

#endif
