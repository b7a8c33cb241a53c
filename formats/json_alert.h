/* json_alert.h - the alert as a JSON object: made from its members, or made to fit.
 *
 * Purpose:  json_alert_build() stands in when the vendor's own text is missing or no JSON;
 *           json_alert_fit() writes an alert anew without what it can best do without.
 * Tests:    unit/test_json.c */
#ifndef ALERTRELAY_FORMAT_JSON_ALERT_H
#define ALERTRELAY_FORMAT_JSON_ALERT_H

#include "format.h"

/* Under the names that Graph gives the properties. 0 when memory is short. */
int json_alert_build(struct fmt_out *out, const struct fmt_alert *alert);

/* Writes `object` (from json_compact()) to `out` in at most `limit` octets. In this order go: evidence
 * from the end of the list, the primary pieces last; additionalData and customDetails; the ends of
 * the long texts; comments; what is not known by name, from the end. Ids, links, times and the
 * title stay. Two members tell of it: evidenceOmitted and fieldsOmitted. 0 when it cannot be done. */
int json_alert_fit(struct fmt_out *out, struct fmt_str object, size_t limit,
	const struct fmt_alert *alert, struct fmt_message *message);

#endif
