/* secret.h - client secrets from files, systemd credentials and the environment.
 *
 * Owner:    each secret is kept in the list `keep` until secrets_free(), which wipes it.
 * Errors:   NULL, and options_wrong() was told what is wrong at this line; no sentence ever holds
 *           any part of a secret.
 * Bounds:   64 KB a secret; one line without control characters.   Tests: unit/test_config.c */
#ifndef RELAY_SECRET_H
#define RELAY_SECRET_H

#include <stdbool.h>

#include "relay/options.h"

struct secret;

/* private: refused when others than its owner may use the file. */
const char *secret_file(struct options_reader *reader, struct secret **keep, int line,
	const char *path, bool private);
const char *secret_credential(struct options_reader *reader, struct secret **keep,
	int line, const char *name);
const char *secret_variable(struct options_reader *reader, struct secret **keep,
	int line, const char *name);
void secrets_free(struct secret **keep);

#endif
