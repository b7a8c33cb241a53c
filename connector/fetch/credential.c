#include "config.h"

#include "fetch/credential.h"

#include <stdlib.h>
#include <string.h>

#include "fetch/credential_way.h"
#include "fetch/error_answer.h"
#include "fetch/secret.h"

enum { APP, USER, PARTS };

struct credential {
	struct credential_options options;
	struct credential_part *parts[PARTS]; /* either may be NULL, not both */
};

void credential_check(const struct credential_options *options, credential_wrong *wrong,
	void *context)
{
	if (options->secret_file || options->secret_credential || options->secret_env)
		credential_secret_check(options, wrong, context);
	if (options->certificate_file && options->key_file)
		credential_certificate_check(options, wrong, context);
	if (options->federated_token_file)
		credential_federated_check(options, wrong, context);
	if (options->managed_identity)
		credential_managed_check(options, wrong, context);
	if (options->refresh_token_file)
		credential_refresh_check(options, wrong, context);
}

const char *credential_exchange_audience(const char *login_root)
{
	if (strstr(login_root, "microsoftonline.us"))
		return EXCHANGE_AUDIENCE "USGov";
	if (strstr(login_root, "microsoftonline.cn") ||
		strstr(login_root, "chinacloudapi.cn"))
		return EXCHANGE_AUDIENCE "China";
	return NULL;
}

bool credential_is_user(const struct credential *credential)
{
	return credential->parts[USER];
}

struct credential *credential_new(
	struct loop *loop, struct http *http, const struct credential_options *options)
{
	struct credential *credential = xcalloc(1, sizeof(*credential));

	credential->options = *options;
	if (options->certificate_file)
		credential->parts[APP] = credential_certificate_new();
	else if (options->federated_token_file)
		credential->parts[APP] = credential_federated_new();
	else if (options->managed_identity)
		credential->parts[APP] = credential_managed_new(http);
	else if (options->secret_file || options->secret_credential ||
		 options->secret_env)
		credential->parts[APP] = credential_secret_new();
	if (options->refresh_token_file)
		credential->parts[USER] = credential_refresh_new();
	for (int i = 0; i < PARTS; i++) {
		if (!credential->parts[i])
			continue;
		credential->parts[i]->loop = loop;
		credential->parts[i]->options = &credential->options;
	}
	return credential;
}

void credential_free(struct credential *credential)
{
	if (!credential)
		return;
	for (int i = 0; i < PARTS; i++)
		if (credential->parts[i])
			credential->parts[i]->way->free(credential->parts[i]);
	free(credential);
}

enum rc credential_prepare(
	struct credential *credential, struct credential_use *use, struct error *err)
{
	enum rc rc = RC_OK;

	for (int i = 0; rc == RC_OK && i < PARTS; i++)
		if (credential->parts[i] && credential->parts[i]->way->prepare)
			rc = credential->parts[i]->way->prepare(
				credential->parts[i], use, err);
	return rc;
}

enum rc credential_fill(struct credential *credential, struct credential_use *use,
	struct strbuf *form, struct error *err)
{
	enum rc rc = RC_OK;

	form_add(form, "grant_type",
		credential->parts[USER] ? "refresh_token" : "client_credentials");
	for (int i = 0; rc == RC_OK && i < PARTS; i++)
		if (credential->parts[i])
			rc = credential->parts[i]->way->fill(
				credential->parts[i], use, form, err);
	return rc;
}

bool credential_refused(struct credential *credential, struct credential_use *use,
	const struct error_answer *answer, char note[CREDENTIAL_NOTE])
{
	bool again = false;

	note[0] = '\0';
	for (int i = 0; !again && i < PARTS; i++)
		if (credential->parts[i])
			again = credential->parts[i]->way->refused(
				credential->parts[i], use, answer, note);
	return again;
}

enum rc credential_accepted(struct credential *credential, struct credential_use *use,
	const char *refresh_token, struct error *err)
{
	enum rc rc = RC_OK;

	for (int i = 0; rc == RC_OK && i < PARTS; i++)
		if (credential->parts[i] && credential->parts[i]->way->accepted)
			rc = credential->parts[i]->way->accepted(
				credential->parts[i], use, refresh_token, err);
	return rc;
}

void credential_release(struct credential *credential, struct credential_use *use)
{
	for (int i = 0; i < PARTS; i++)
		if (credential->parts[i] && credential->parts[i]->way->release)
			credential->parts[i]->way->release(use);
}

void credential_add_assertion(struct strbuf *form, const char *assertion)
{
	form_add(form, "client_assertion_type",
		"urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
	form_add(form, "client_assertion", assertion);
}

bool credential_number(const struct error_answer *answer, long number)
{
	for (const long *at = answer->numbers; *at; at++)
		if (*at == number)
			return true;
	return false;
}

bool credential_is_meant(const struct error_answer *answer)
{
	return !strcmp(answer->code, "invalid_client") ||
	       credential_number(answer, 70021) || credential_number(answer, 70025);
}
