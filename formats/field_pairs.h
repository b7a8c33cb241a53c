/* field_pairs.h - the field map of a destination in formats of key=value pairs.
 *
 * Purpose:  makes a style whose rows are those of the format with some renamed, some left out and
 *           some added at the end, so that escaping, cutting and shedding are those of pairs.c.
 * Rules:    keys are checked against the format's dictionary (keys.h); a key of one's own is
 *           letters and digits. What always stays is neither renamed nor left out.
 * Typed:    a value that does not fit the type of its key is left out and counted.
 * Owner:    the caller's rules and style outlive it; field_pairs_free() frees.
 * Tests:    unit/test_fields.c */
#ifndef ALERTRELAY_FORMAT_FIELD_PAIRS_H
#define ALERTRELAY_FORMAT_FIELD_PAIRS_H

#include "keys.h"
#include "pairs.h"

struct field_pairs;

/* NULL when a rule is not right or memory is short; wrong() has said what. */
struct field_pairs *field_pairs_new(const struct pairs_style *style,
	const struct key_table *keys, const struct fmt_rule *rules, size_t count,
	fmt_wrong *wrong, void *context);
void field_pairs_free(struct field_pairs *map);

/* What pairs_write() needs after field_pairs_apply(). */
const struct pairs_style *field_pairs_style(const struct field_pairs *map);

/* Takes out what is dropped and puts in what is added. */
void field_pairs_apply(const struct field_pairs *map, const struct fmt_alert *alert,
	struct pick *pick, struct fmt_message *message);

/* Has any pair with this key a value? */
int field_pairs_has(
	const struct field_pairs *map, const struct pick *pick, const char *key);
/* Takes out the pairs whose keys begin like this, but not that key itself. */
void field_pairs_take_out(const struct field_pairs *map, struct pick *pick,
	const char *begin, const char *but, struct fmt_message *message);

#endif
