/* json_tight.h - a JSON text that must be changed or made to fit before it goes out.
 *
 * Purpose:  the second path of all JSON formats, for what has no room or a field map: the whole text
 *           in memory without a limit, so that it is known what there is to leave out.
 * Owner:    its buffers live until it returns.
 * Tests:    unit/test_json.c, unit/test_ecs.c, unit/test_ocsf.c, unit/test_fields.c */
#ifndef ALERTRELAY_FORMAT_JSON_TIGHT_H
#define ALERTRELAY_FORMAT_JSON_TIGHT_H

#include "field_json.h"

/* What a format leaves out, and how it says so. */
struct json_shedding {
	const char *notes
		[2]; /* the members that tell how much evidence and how many fields */
	const char *(*why)(unsigned rank); /* a phrase for people */
	uint8_t optional; /* the rank of what the field map adds */
};

/* Writes the whole text, one object, and says what its parts are. 0 when memory is short. */
typedef int json_whole(struct fmt_out *whole, struct json_fit *fit, const void *self,
	const struct fmt_alert *alert);

/* Behind what is in the body already. */
enum fmt_result json_write_tight(struct fmt_message *message, json_whole *write,
	const void *self, const struct fmt_alert *alert,
	const struct field_json *fields, const struct json_shedding *shedding);

/* The first path: nothing was left out of what the body has from `start` on. */
enum fmt_result json_written(struct fmt_message *message, size_t start);

#endif
