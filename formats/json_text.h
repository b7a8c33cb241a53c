/* json_text.h - writing, copying and walking JSON.
 *
 * Purpose:  what comes out is one line of valid JSON whatever goes in. json_copy() checks the whole
 *           grammar while it copies, so a vendor's text can neither break nor leave its place.
 * Limits:   JSON_DEPTH levels.   Source: RFC 8259.   Tests: unit/test_json.c */
#ifndef ALERTRELAY_FORMAT_JSON_TEXT_H
#define ALERTRELAY_FORMAT_JSON_TEXT_H

#include "format.h"

#define JSON_DEPTH 256

enum json_result {
	JSON_OK = 0,
	JSON_BAD, /* not valid JSON, or nested too deeply; nothing was written */
	JSON_FULL, /* does not surely fit the maximum; nothing was written */
};

/* Room for n octets, or NULL beyond the maximum; unlike fmt_room() that is no event to note. */
char *json_room(struct fmt_out *out, size_t n);
int json_put(struct fmt_out *out, const char *p, size_t n);
/* With quotes. 0 when its worst case does not fit. */
int json_put_string(struct fmt_out *out, struct fmt_str s);
/* "name": with a comma before it unless it is the first after { */
int json_put_name(struct fmt_out *out, const char *name);

/* One value from untrusted JSON without the white space between its tokens. Strings are repaired:
 * raw controls and line separators are escaped, bad UTF-8 and lone surrogates become U+FFFD. All
 * else stays octet for octet, numbers keep their digits. */
enum json_result json_copy(struct fmt_out *out, struct fmt_str raw);

/* The end of the value that begins at p, in text that json_copy() wrote. */
const char *json_skip(const char *p, const char *end);

/* A heap buffer without a limit of its own, for the rare second path; json_heap_free() ends it. */
void json_heap_init(struct fmt_out *out);
void json_heap_free(struct fmt_out *out);

#endif
