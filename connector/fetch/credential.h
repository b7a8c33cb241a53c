/* credential.h - how an app registration proves itself to the login service.
 *
 * Purpose:  a client secret (or two, while it is rotated), a certificate, a federated token or a
 *           managed identity, and on top of it or alone a user's refresh token. A token request
 *           is prepared, filled, and tells what came of it:
 *           credential_prepare -> credential_fill -> credential_refused or _accepted -> _release.
 * Owner:    one per app registration, shared by the tokens of all its tenants. The options' strings
 *           outlive it; uses are embedded in their owner, who releases them before it goes. Secrets
 *           are wiped and never in a sentence.
 * Bounds:   64 KB a file or secret, 32 KB a token.
 * Errors:   RC_AUTH: an operator must act; RC_IO, RC_AGAIN, RC_PROTO: the managed identity, later.
 * Files:    read when needed, so that what was rotated needs no restart (each way says when).
 * Source:   facts 1.2, 1.3; RFC 7523 (assertions), RFC 6749 section 6.   Tests: unit/test_credential.c */
#ifndef FETCH_CREDENTIAL_H
#define FETCH_CREDENTIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/loop.h"
#include "base/strbuf.h"

struct error_answer;
struct http;

/* One of the ways of the app, by which members are set; NULL: not this. The refresh token goes with
 * any of them, or with none when the app is a public client. */
struct credential_options {
	const char *secret_file, *secret_next_file;
	const char *secret_credential; /* a name */
	const char *secret_env; /* a name */
	const char *certificate_file, *key_file, *key_password_file;
	const char *federated_token_file;
	const char *managed_identity; /* "": the machine's own, else a client id */
	const char *imds_root; /* NULL: IMDS_ROOT */
	const char *exchange_audience; /* NULL: EXCHANGE_AUDIENCE */
	const char *refresh_token_file;
};

#define IMDS_ROOT "http://169.254.169.254"
#define EXCHANGE_AUDIENCE "api://AzureADTokenExchange"

/* Reads what there is to read now, and says of each option of the configuration what is wrong. */
void credential_check(const struct credential_options *options,
	void (*wrong)(void *context, const char *option, const char *text),
	void *context);

/* The audience of a national cloud's token exchange, by its login root; NULL: the worldwide one. */
const char *credential_exchange_audience(const char *login_root);

struct credential;

struct credential *credential_new(
	struct loop *loop, struct http *http, const struct credential_options *options);
void credential_free(struct credential *credential);
/* A user signed in: the scope asks for a refresh token too. */
bool credential_is_user(const struct credential *credential);

/* One token request's use of it. All else than the first three is the ways' own. */
struct credential_use {
	const char *url; /* the token endpoint: whom an assertion is for */
	const char *client_id;
	/* From the loop, after RC_AGAIN of credential_prepare(). retry_after_ms: -1 or how long not
	 * to ask again. */
	void (*ready)(struct credential_use *use, enum rc rc, int64_t retry_after_ms,
		const struct error *err);
	struct list node;
	bool waiting;
	bool again; /* the way has had its second attempt */
	unsigned version, slot, tried; /* of the secrets; those refused */
	char *sent; /* the refresh token */
};

/* RC_OK; RC_AGAIN: ready() comes; else err says why not. */
NODISCARD enum rc credential_prepare(
	struct credential *credential, struct credential_use *use, struct error *err);
/* Adds grant_type and what proves the app to the form, right before it is sent. */
NODISCARD enum rc credential_fill(struct credential *credential,
	struct credential_use *use, struct strbuf *form, struct error *err);
/* Login refused. True: there is something else to try at once, so prepare again. Else note says
 * what of the configuration was refused ("client_secret_file /etc/..."), or is "". */
#define CREDENTIAL_NOTE 300
bool credential_refused(struct credential *credential, struct credential_use *use,
	const struct error_answer *answer, char note[CREDENTIAL_NOTE]);
/* Login gave a token, and with it perhaps a new refresh token, which is on disk when this returns
 * RC_OK; otherwise the token is not to be used. */
NODISCARD enum rc credential_accepted(struct credential *credential,
	struct credential_use *use, const char *refresh_token, struct error *err);
/* Ends a use, whatever its state. */
void credential_release(struct credential *credential, struct credential_use *use);

#endif
