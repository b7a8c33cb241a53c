/* pick_list.h - what of the evidence has no field of its own, as lists in one text.
 *
 * Purpose:  the second part of pick.c. What is not shown elsewhere is named in short; of an event that
 *           is about one piece alone all its fields are.
 * Bounds:   the pool of the pick; what has no room is counted behind "+".
 * Tests:    unit/test_cef.c, unit/test_leef.c */
#ifndef ALERTRELAY_FORMAT_PICK_LIST_H
#define ALERTRELAY_FORMAT_PICK_LIST_H

#include "pick.h"

/* In pick.shown, beside a bit for each kind: the addresses with a role have their keys. */
#define SHOWN_SOURCE_IP (1u << FMT_KINDS)
#define SHOWN_DESTINATION_IP (2u << FMT_KINDS)

/* Into the pool, as far as there is room. */
struct fmt_str pick_put(struct pick *v, const char *p, size_t n);
/* In digits. */
void pick_number(struct pick *v, enum pick_id row, int64_t number);

void pick_evidence(struct pick *v, const struct fmt_alert *alert);
void pick_fields(struct pick *v, const struct fmt_evidence *evidence);

#endif
