/* field_json.h - the field map of a destination in JSON formats.
 *
 * Purpose:  changes a finished text: members are renamed or left out, new ones put in. The parts of
 *           json_fit.h move along, so that size is kept as ever; what is added goes like an optional
 *           member.
 * Keys:     names joined by dots, from the object that is written; arrays are looked through when a
 *           member is renamed or left out. A name that holds dots itself is found as well.
 * Clashes:  what is there already stays: the member that a rule would write beside it is left out and
 *           counted. So no object has a name twice.
 * Owner:    the rules are the caller's and live as long as the map.
 * Tests:    unit/test_fields.c */
#ifndef ALERTRELAY_FORMAT_FIELD_JSON_H
#define ALERTRELAY_FORMAT_FIELD_JSON_H

#include "json_fit.h"

struct field_json {
	const struct fmt_rule *rules;
	size_t count; /* 0: there is no field map */
};

/* A member that the format always writes, so that nobody else may; a SIEM finds and joins messages
 * by a fixed one, which stays as it is. The table ends with name == NULL. */
struct field_json_own {
	const char *name;
	int is_fixed;
};

/* 0 when a rule is not right: wrong() has said so. `notes`: names of what tells of omissions. */
int field_json_read(struct field_json *map, const char *format,
	const struct field_json_own *own, const char *const notes[2],
	const struct fmt_rule *rules, size_t count, fmt_wrong *wrong, void *context);

/* Of the text in `out`, one object without white space that begins at `at`. `rank` is that of what is
 * added. 0 when memory is short. */
int field_json_apply(const struct field_json *map, const struct fmt_alert *alert,
	struct fmt_out *out, size_t at, struct json_fit *fit, uint8_t rank,
	struct fmt_message *message);

#endif
