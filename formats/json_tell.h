/* json_tell.h - what a JSON text holds and what was left out of it, told value by value.
 *
 * Purpose:  the tale of all JSON formats for fmt_message.trace: each scalar, empty object or empty array
 *           is told with its path, what json_fit.h has shed or cut with its reason.
 * Bounds:   what lies deeper than JSON_TELL_DEPTH, or has a longer path than JSON_TELL_PATH octets, is
 *           told as one value.
 * Tests:    unit/test_trace.c, integration/test_explain.py */
#ifndef ALERTRELAY_FORMAT_JSON_TELL_H
#define ALERTRELAY_FORMAT_JSON_TELL_H

#include "json_fit.h"

#define JSON_TELL_DEPTH 64u
#define JSON_TELL_PATH 1000u

/* text: an object, before anything was left out. fit: what json_fit_write() made of it, and the text
 * has no white space then; NULL: the message holds all. */
void json_tell(
	struct fmt_trace *trace, struct fmt_str text, const struct json_fit *fit);

#endif
