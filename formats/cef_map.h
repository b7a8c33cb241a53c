/* cef_map.h - which value of an alert goes into which CEF field.
 *
 * Purpose:  the meaning; cef.c does the writing. Rows and their limits are in cef_keys.def.
 * Owner:    values point into the alert or into the pool of the same struct. */
#ifndef ALERTRELAY_FORMAT_CEF_MAP_H
#define ALERTRELAY_FORMAT_CEF_MAP_H

#include "format.h"

#define PAIR(id, class, maximum, key) id,
#define LABELLED(id, class, maximum, key, label) id,
enum cef_row_id {
#include "cef_keys.def"
	CEF_ROWS,
};
#undef PAIR
#undef LABELLED

#define CEF_PRODUCT_MAX 63u
#define CEF_VERSION_MAX 31u
#define CEF_CLASS_MAX 1023u
#define CEF_NAME_MAX 512u

/* A joined text longer than this is longer than 1023 characters however it is encoded, so it is cut
 * with a mark when it is written. */
#define CEF_JOIN_MAX 4100u
#define CEF_POOL (8 * CEF_JOIN_MAX)

struct cef_values {
	struct fmt_str product;
	struct fmt_str class_id;
	struct fmt_str name;
	int severity;
	struct fmt_str row[CEF_ROWS]; /* trimmed; n == 0: leave the pair out */
	unsigned shown; /* kinds whose primary evidence has a key */
	size_t used;
	char pool[CEF_POOL];
};

void cef_map(struct cef_values *values, const struct fmt_alert *alert);

#endif
