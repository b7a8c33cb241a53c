/* json_body.h - the JSON object of the formats json and rfc5424-json.
 *
 * Purpose:  {"relay":"alertrelay","customer":"...",...,"alert":{...}}: an envelope that says whose
 *           alert it is, and the alert as the vendor wrote it.
 * Shape:    the vendor's alert is copied straight to the output. Only if it does not fit, or there is
 *           none, a second path works in heap buffers.
 * Tests:    unit/test_json.c */
#ifndef ALERTRELAY_FORMAT_JSON_BODY_H
#define ALERTRELAY_FORMAT_JSON_BODY_H

#include "field_json.h"

/* Behind what is in the body already. */
enum fmt_result json_body(const struct field_json *fields,
	const struct fmt_alert *alert, struct fmt_message *message);

/* fields() of a module: field_json_read() for this object. */
int json_body_fields(struct field_json *fields, const char *format,
	const struct fmt_rule *rules, size_t count, fmt_wrong *wrong, void *context);

#endif
