/* json_fit.h - a JSON text made smaller by leaving out parts of it.
 *
 * Purpose:  the one way in which all JSON formats keep to a maximum. Whoever writes a text says what
 *           may go and when; the ranks are gone through from 1 up, in each from the last part to the
 *           first, until the rest fits. What is left is valid JSON.
 * Owner:    the text is the caller's; json_fit_clear() frees the list of parts.
 * Tests:    unit/test_json.c, unit/test_ecs.c, unit/test_ocsf.c */
#ifndef ALERTRELAY_FORMAT_JSON_FIT_H
#define ALERTRELAY_FORMAT_JSON_FIT_H

#include "format.h"

#define JSON_FIT_RANKS 32u
#define JSON_FIT_ALWAYS 255u /* goes whenever the text must be made to fit */

/* A member with its name, or an element of an array. Parts come in the order in which they begin; they
 * may be inside each other. */
struct json_part {
	size_t start, end; /* octets of the text, without a comma */
	size_t value; /* where the value begins; of a text that may be cut */
	size_t keep; /* octets inside the quotes that stay of a cut text, else 0 */
	uint8_t drop; /* rank at which it goes; 0: never */
	uint8_t cut; /* rank at which a text is cut; 0: never */
	uint8_t evidence; /* counted as evidence and not as a field */
	uint8_t dropped; /* 1: itself, 2: with what it is in */
};

struct json_fit {
	struct json_part *parts;
	size_t count, room;
	/* Before the brace that ends an object which always stays: there two members tell what is
	 * missing, in numbers. */
	size_t note_at;
	const char *evidence_note, *field_note;
	/* Why what has this rank is left out, as a phrase for people. */
	const char *(*why)(unsigned rank);
	size_t evidence_omitted, fields_omitted; /* by json_fit_write() */
};

/* A new part that begins there; the pointer is good until the next one. NULL without memory. */
struct json_part *json_fit_add(struct json_fit *fit, size_t start);
void json_fit_clear(struct json_fit *fit);

/* Appends the text in at most `limit` octets to `out`, and counts in the message what is missing.
 * 0 when it cannot be done. */
int json_fit_write(struct json_fit *fit, struct fmt_out *out, struct fmt_str text,
	size_t limit, struct fmt_message *message);

#endif
