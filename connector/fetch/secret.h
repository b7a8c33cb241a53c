/* secret.h - secrets from files, systemd credentials and the environment, and how they go.
 *
 * Owner:    what is read is the caller's, who gives it to secret_free(), which wipes it.
 * Errors:   RC_AUTH, with a sentence that names the file and never holds any part of a secret.
 * Bounds:   each rule states the most octets; the buffers never move, so one wipe gets all.
 * Tests:    unit/test_credential.c, unit/test_config.c */
#ifndef FETCH_SECRET_H
#define FETCH_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strbuf.h"

struct secret_rule {
	const char *what; /* "client secret", for sentences */
	size_t max_bytes;
	bool private; /* refused when others than its owner may use the file */
	enum {
		SECRET_LINE, /* line breaks at its end are dropped, control characters refused */
		SECRET_TOKEN, /* and white space around it is dropped */
		SECRET_FILE, /* taken as it is */
	} kind;
};

NODISCARD enum rc secret_read(const char *path, const struct secret_rule *rule,
	char **out, struct error *err);
/* systemd gives these to this service alone; their mode is its affair. */
NODISCARD enum rc secret_credential(const char *name, const struct secret_rule *rule,
	char **out, struct error *err);
NODISCARD enum rc secret_variable(const char *name, const struct secret_rule *rule,
	char **out, struct error *err);
/* Replaces the file as a whole: PATH.new beside it (mode 0600, the owner of the old one) takes its
 * name once it is on disk. After any failure the old one is as it was. Its directory is locked
 * meanwhile; a lock of somebody else's is a failure, not waited for. */
NODISCARD enum rc secret_write(const char *path, const char *text, struct error *err);
/* Whether that can be done at all, as far as one can see before. */
NODISCARD enum rc secret_writable(const char *path, struct error *err);

void secret_free(char *secret);
/* Memory that held a secret. NULL does nothing. */
void wipe_free(void *p, size_t n);
void strbuf_wipe(struct strbuf *b);

/* Adds "&name=value", form-encoded; grows without leaving anything behind. */
void form_add(struct strbuf *form, const char *name, const char *value);

#endif
