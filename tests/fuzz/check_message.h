/* check_message.h - is this message what the alert says, by the rules of its format?
 *
 * Purpose:  the one check that the property tests and the fuzzer share; it reads messages with
 *           parsers that know nothing of formats/. */
#ifndef ALERTRELAY_TEST_CHECK_MESSAGE_H
#define ALERTRELAY_TEST_CHECK_MESSAGE_H

#include "formats/format.h"

struct check {
	void *module; /* an open formatter */
	struct fmt_out body;
	struct fmt_out structured_data;
	struct fmt_message message;
	enum fmt_result result;
};

int check_grow(struct fmt_out *out, size_t want);

/* Formats into the check's buffers with this maximum. */
void check_format(struct check *check, const struct fmt_module *module,
	const struct fmt_alert *alert, size_t maximum);
void check_free(struct check *check, const struct fmt_module *module);

/* NULL, or what is wrong. */
const char *check_cef(const struct check *check, const struct fmt_alert *alert);
const char *check_leef(const struct check *check, const struct fmt_alert *alert);
/* With structured data or without, with the cookie or without. */
const char *check_json(const struct check *check, const struct fmt_alert *alert);
const char *check_ecs(const struct check *check, const struct fmt_alert *alert);
const char *check_ocsf(const struct check *check, const struct fmt_alert *alert);

#endif
