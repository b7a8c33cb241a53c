/* A user's refresh token, as Microsoft's MSSP guide has it: facts 1.3. The file is read for each
 * token request; the token that login gives in its place is on disk before anything is done with
 * the access token that came with it. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "fetch/credential_way.h"
#include "fetch/error_answer.h"
#include "fetch/secret.h"

static const struct secret_rule rule = {.what = "refresh token",
	.max_bytes = 32768,
	.private = true,
	.kind = SECRET_TOKEN};

struct refresh_part {
	struct credential_part part;
	char *known; /* what the file held when we read or wrote it last */
	char *unwritten; /* newer than that, but the file could not be replaced */
};

static void keep(char **place, const char *token)
{
	secret_free(*place);
	*place = token ? xstrdup(token) : NULL;
}

void credential_refresh_check(const struct credential_options *options,
	credential_wrong *wrong, void *context)
{
	struct error err;
	char *token;

	if (secret_read(options->refresh_token_file, &rule, &token, &err) != RC_OK ||
		secret_writable(options->refresh_token_file, &err) != RC_OK)
		wrong(context, "refresh_token_file", err.text);
	secret_free(token);
}

/* Somebody has signed in again and put the token there: that one counts, not what we hold. */
static bool was_replaced(const struct refresh_part *part, const char *in_file)
{
	return part->known && strcmp(part->known, in_file) != 0;
}

static enum rc token_write(
	struct refresh_part *part, const char *token, struct error *err)
{
	enum rc rc = secret_write(part->part.options->refresh_token_file, token, err);

	if (rc == RC_OK) {
		keep(&part->known, token);
		keep(&part->unwritten, NULL);
		return RC_OK;
	}
	if (token != part->unwritten)
		keep(&part->unwritten, token);
	return error_wrap(err, "the new refresh token is not safe on disk, so nothing "
			       "is asked with the access token");
}

static enum rc refresh_fill(struct credential_part *base, struct credential_use *use,
	struct strbuf *form, struct error *err)
{
	struct refresh_part *part = CONTAINER_OF(base, struct refresh_part, part);
	char *token;
	enum rc rc = secret_read(base->options->refresh_token_file, &rule, &token, err);

	if (rc != RC_OK)
		return rc;
	if (part->unwritten && was_replaced(part, token))
		keep(&part->unwritten, NULL);
	keep(&part->known, token);
	secret_free(token);
	if (part->unwritten)
		rc = token_write(part, part->unwritten, err);
	if (rc != RC_OK)
		return rc;
	keep(&use->sent, part->known);
	form_add(form, "refresh_token", use->sent);
	return RC_OK;
}

static enum rc refresh_accepted(struct credential_part *base,
	struct credential_use *use, const char *refresh_token, struct error *err)
{
	struct refresh_part *part = CONTAINER_OF(base, struct refresh_part, part);
	struct error unread;
	char *in_file;
	bool replaced = false;

	if (!refresh_token || (use->sent && !strcmp(refresh_token, use->sent)))
		return RC_OK; /* the old one stays in force */
	if (secret_read(base->options->refresh_token_file, &rule, &in_file, &unread) ==
		RC_OK)
		replaced = was_replaced(part, in_file);
	secret_free(in_file);
	if (replaced) {
		log_write(LOG_NOTICE,
			"the refresh token was replaced by hand; the new one stays",
			"file=%s", base->options->refresh_token_file);
		return RC_OK;
	}
	return token_write(part, refresh_token, err);
}

/* Signing in again would not help: consent, a policy or the user's account are in the way. */
static bool is_elsewhere(const struct error_answer *answer)
{
	static const long numbers[] = {65001, 65004, 53000, 53001, 53002, 53003, 530032,
		530034, 530035, 50053, 50057, 50034};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (credential_number(answer, numbers[i]))
			return true;
	return false;
}

static bool refresh_refused(struct credential_part *base, struct credential_use *use,
	const struct error_answer *answer, char note[CREDENTIAL_NOTE])
{
	struct refresh_part *part = CONTAINER_OF(base, struct refresh_part, part);
	struct error err;
	char *token;
	bool newer = false;

	if (strcmp(answer->code, "invalid_grant") != 0 &&
		strcmp(answer->code, "interaction_required") != 0)
		return false;
	/* Another tenant of the app, or a human, has put a newer one there meanwhile. */
	if (secret_read(base->options->refresh_token_file, &rule, &token, &err) ==
		RC_OK)
		newer = use->sent && strcmp(token, use->sent) != 0 && !use->again;
	secret_free(token);
	if (newer)
		return use->again = true;
	keep(&part->unwritten, NULL);
	if (is_elsewhere(answer))
		return false;
	snprintf(note, CREDENTIAL_NOTE,
		"a human must sign in again as that user and put the new refresh token "
		"into %.180s",
		base->options->refresh_token_file);
	return false;
}

static void refresh_release(struct credential_use *use)
{
	keep(&use->sent, NULL);
}

static void refresh_free(struct credential_part *base)
{
	struct refresh_part *part = CONTAINER_OF(base, struct refresh_part, part);

	keep(&part->known, NULL);
	keep(&part->unwritten, NULL);
	free(part);
}

struct credential_part *credential_refresh_new(void)
{
	static const struct credential_way way = {
		.fill = refresh_fill,
		.refused = refresh_refused,
		.accepted = refresh_accepted,
		.release = refresh_release,
		.free = refresh_free,
	};
	struct refresh_part *part = xcalloc(1, sizeof(*part));

	part->part.way = &way;
	return &part->part;
}
