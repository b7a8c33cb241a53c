/* pick.h - which value of an alert goes into which field, for formats that hold one value of each.
 *
 * Purpose:  the meaning; cef.c and leef.c write. Rows, their limits and both formats' keys are in
 *           pick.def.
 * Owner:    values point into the alert or into the pool of the same struct. */
#ifndef ALERTRELAY_FORMAT_PICK_H
#define ALERTRELAY_FORMAT_PICK_H

#include "format.h"

#define PAIR(id, ...) id,
#define LABELLED(id, ...) id,
#define BOUNDED(id, ...) id,
#define CEF(id, ...) id,
#define LEEF(id, ...) id,
enum pick_id {
#include "pick.def"
	PICK_ROWS,
};

/* A joined text longer than this is longer than 1023 characters however it is encoded, so it is cut
 * with a mark when it is written. */
#define PICK_JOIN_MAX 4100u
#define PICK_POOL (8 * PICK_JOIN_MAX)

/* Rows behind those of the table: what a field map adds. */
#define PICK_ADDED FMT_RULES_ADD_MAX
#define PICK_ALL (PICK_ROWS + PICK_ADDED)
#define PICK_TYPED                                                                     \
	48 /* octets of the canonical text of a number, a time or an address */

struct pick {
	struct fmt_str product;
	struct fmt_str class_id; /* of the kind of event */
	struct fmt_str name;
	enum fmt_severity severity;
	/* Trimmed; n == 0: leave the pair out. Those behind PICK_ROWS are field_pairs.c's. */
	struct fmt_str row[PICK_ALL];
	unsigned shown; /* kinds whose primary evidence has a key */
	size_t used;
	char pool[PICK_POOL];
	char typed[PICK_ADDED][PICK_TYPED];
};

void pick_alert(struct pick *pick, const struct fmt_alert *alert);

#endif
