/* A client secret, or two while it is rotated: facts 1.2. Read at first use, and again when login
 * refuses what was read. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "fetch/credential_way.h"
#include "fetch/error_answer.h"
#include "fetch/secret.h"

#define SLOTS 2

static const struct secret_rule rule = {
	.what = "client secret", .max_bytes = 65536, .private = true};

struct secret_part {
	struct credential_part part;
	char *secrets[SLOTS];
	unsigned working; /* the slot that login took last */
	unsigned version; /* counts what was found changed */
	bool read;
	struct error
		unreadable; /* of the last reading, code RC_OK when there was no trouble */
};

static const char *option_of(const struct credential_options *options, unsigned slot)
{
	return slot			    ? "client_secret_next_file"
	       : options->secret_file	    ? "client_secret_file"
	       : options->secret_credential ? "client_secret_credential"
					    : "client_secret_env";
}

static const char *place_of(const struct credential_options *options, unsigned slot)
{
	return slot			    ? options->secret_next_file
	       : options->secret_file	    ? options->secret_file
	       : options->secret_credential ? options->secret_credential
					    : options->secret_env;
}

/* *out is NULL also when there is none to read. */
static enum rc slot_read(const struct credential_options *options, unsigned slot,
	char **out, struct error *err)
{
	*out = NULL;
	/* The next one is there only while the secret is rotated. */
	if (slot &&
		(!options->secret_next_file ||
			(access(options->secret_next_file, F_OK) && errno == ENOENT)))
		return RC_OK;
	if (slot)
		return secret_read(options->secret_next_file, &rule, out, err);
	if (options->secret_file)
		return secret_read(options->secret_file, &rule, out, err);
	if (options->secret_credential)
		return secret_credential(options->secret_credential, &rule, out, err);
	return secret_variable(options->secret_env, &rule, out, err);
}

void credential_secret_check(const struct credential_options *options,
	credential_wrong *wrong, void *context)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		struct error err;
		char *secret;

		if (slot_read(options, i, &secret, &err) != RC_OK)
			wrong(context, option_of(options, i), err.text);
		secret_free(secret);
	}
}

/* A file that cannot be read now leaves what was read before. */
static void secrets_read(struct secret_part *part)
{
	bool changed = false;

	part->read = true;
	part->unreadable.code = RC_OK;
	for (unsigned i = 0; i < SLOTS; i++) {
		struct error err;
		char *secret;

		if (slot_read(part->part.options, i, &secret, &err) != RC_OK) {
			part->unreadable = err;
			error_wrap(&part->unreadable, "%s",
				option_of(part->part.options, i));
			continue;
		}
		if (!secret)
			continue;
		if (part->secrets[i] && !strcmp(part->secrets[i], secret)) {
			secret_free(secret);
			continue;
		}
		secret_free(part->secrets[i]);
		part->secrets[i] = secret;
		changed = true;
	}
	if (changed)
		part->version++;
}

/* The slot to try next: the one that works, else the other. False when all were. */
static bool slot_choose(const struct secret_part *part, struct credential_use *use)
{
	if (use->version != part->version) {
		use->version = part->version;
		use->tried = 0;
	}
	for (unsigned i = 0; i < SLOTS; i++) {
		unsigned slot = (part->working + i) % SLOTS;

		if (!part->secrets[slot] || use->tried & 1u << slot)
			continue;
		use->slot = slot;
		return true;
	}
	return false;
}

static enum rc secret_fill(struct credential_part *base, struct credential_use *use,
	struct strbuf *form, struct error *err)
{
	struct secret_part *part = CONTAINER_OF(base, struct secret_part, part);

	if (!part->read || (!part->secrets[0] && !part->secrets[1]))
		secrets_read(part);
	if (!slot_choose(part, use)) {
		*err = part->unreadable;
		return err->code != RC_OK
			       ? err->code
			       : error_set(err, RC_AUTH, "every secret was refused");
	}
	form_add(form, "client_secret", part->secrets[use->slot]);
	return RC_OK;
}

static bool secret_refused(struct credential_part *base, struct credential_use *use,
	const struct error_answer *answer, char note[CREDENTIAL_NOTE])
{
	struct secret_part *part = CONTAINER_OF(base, struct secret_part, part);
	const struct credential_options *options = base->options;

	if (!credential_number(answer, 7000215) && !credential_number(answer, 7000222))
		return false;
	use->tried |= 1u << use->slot;
	secrets_read(part);
	if (slot_choose(part, use))
		return true;
	snprintf(note, CREDENTIAL_NOTE, "%s %.100s%s%.100s%s",
		part->secrets[0] ? option_of(options, 0) : "",
		part->secrets[0] ? place_of(options, 0) : "",
		part->secrets[0] && part->secrets[1] ? " and client_secret_next_file "
						     : "",
		part->secrets[1] ? place_of(options, 1) : "",
		part->secrets[0] && part->secrets[1] ? ", both refused" : "");
	return false;
}

static enum rc secret_accepted(struct credential_part *base, struct credential_use *use,
	const char *refresh_token, struct error *err)
{
	struct secret_part *part = CONTAINER_OF(base, struct secret_part, part);

	(void)refresh_token;
	(void)err;
	if (use->version == part->version && use->slot != part->working) {
		part->working = use->slot;
		log_write(LOG_NOTICE, "signing in with the other client secret",
			"option=%s", option_of(base->options, use->slot));
	}
	return RC_OK;
}

static void secret_part_free(struct credential_part *base)
{
	struct secret_part *part = CONTAINER_OF(base, struct secret_part, part);

	for (unsigned i = 0; i < SLOTS; i++)
		secret_free(part->secrets[i]);
	free(part);
}

struct credential_part *credential_secret_new(void)
{
	static const struct credential_way way = {
		.fill = secret_fill,
		.refused = secret_refused,
		.accepted = secret_accepted,
		.free = secret_part_free,
	};
	struct secret_part *part = xcalloc(1, sizeof(*part));

	part->part.way = &way;
	return &part->part;
}
