/* A federated token: what the platform writes into a file is the assertion. Facts 1.2. The platform
 * renews it, so it is read for each token request. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "fetch/credential_way.h"
#include "fetch/error_answer.h"
#include "fetch/secret.h"

/* The platform owns the file and sets its mode. */
static const struct secret_rule rule = {
	.what = "federated token", .max_bytes = 32768, .kind = SECRET_TOKEN};

void credential_federated_check(const struct credential_options *options,
	credential_wrong *wrong, void *context)
{
	struct error err;
	char *token;

	if (secret_read(options->federated_token_file, &rule, &token, &err) != RC_OK)
		wrong(context, "federated_token_file", err.text);
	secret_free(token);
}

static enum rc federated_fill(struct credential_part *part, struct credential_use *use,
	struct strbuf *form, struct error *err)
{
	char *token;
	enum rc rc =
		secret_read(part->options->federated_token_file, &rule, &token, err);

	(void)use;
	if (rc != RC_OK)
		return rc;
	credential_add_assertion(form, token);
	secret_free(token);
	return RC_OK;
}

/* 700024: outside its validity; the file may have been renewed this moment. */
static bool federated_refused(struct credential_part *part, struct credential_use *use,
	const struct error_answer *answer, char note[CREDENTIAL_NOTE])
{
	if (credential_number(answer, 700024) && !use->again)
		return use->again = true;
	if (credential_is_meant(answer))
		snprintf(note, CREDENTIAL_NOTE, "federated_token_file %.200s",
			part->options->federated_token_file);
	return false;
}

static void federated_free(struct credential_part *part)
{
	free(part);
}

struct credential_part *credential_federated_new(void)
{
	static const struct credential_way way = {
		.fill = federated_fill,
		.refused = federated_refused,
		.free = federated_free,
	};
	struct credential_part *part = xcalloc(1, sizeof(*part));

	part->way = &way;
	return part;
}
