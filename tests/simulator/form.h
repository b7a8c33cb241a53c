/* form.h - application/x-www-form-urlencoded, read strictly.
 *
 * Purpose:  a secret that was sent raw must not work by luck.
 * Owner:    struct form owns its texts: form_clear().   Errors: form.bad.
 * Threads:  none.   Tests: integration/test_simulator.py */
#ifndef SIMULATOR_FORM_H
#define SIMULATOR_FORM_H

#include <stdbool.h>
#include <stddef.h>

enum { FIELD_MAX = 16 };

struct form {
	struct {
		char *name, *value;
	} field[FIELD_MAX];
	unsigned count;
	bool bad; /* broken percent-encoding, repeated or too many fields */
};

void form_parse(struct form *, const char *, size_t);
/* HTTP Basic carries the form-encoded id and secret; NULL and others are left alone. */
void form_add_basic(struct form *, const char *authorization);
const char *form_get(const struct form *, const char *name);
void form_clear(struct form *);

#endif
