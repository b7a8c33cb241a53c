/* json_alert.h - the alert as a JSON object: made from its members, and its parts.
 *
 * Purpose:  json_alert_build() stands in when the vendor's own text is missing or no JSON;
 *           json_alert_parts() says what an alert can best do without.
 * Tests:    unit/test_json.c */
#ifndef ALERTRELAY_FORMAT_JSON_ALERT_H
#define ALERTRELAY_FORMAT_JSON_ALERT_H

#include "json_fit.h"

/* Under the names that Graph gives the properties. 0 when memory is short. */
int json_alert_build(struct fmt_out *out, const struct fmt_alert *alert);

/* The parts of the alert, an object that json_compact() wrote and that begins at text.p + at. In this
 * order they go: evidence from the end of the list, the primary pieces last; additionalData and
 * customDetails; the ends of the long texts; comments; what is not known by name, from the end. Ids,
 * links, times and the title stay. 0 when memory is short. */
const char *json_alert_why(unsigned rank); /* it goes */
#define JSON_ALERT_OPTIONAL 9 /* the rank of what is not known by name */
int json_alert_parts(struct json_fit *fit, struct fmt_str text, size_t at,
	const struct fmt_alert *alert);

#endif
