/* json_text.h - writing, copying and walking JSON.
 *
 * Purpose:  what comes out is one line of valid JSON. The vendor's text was read by a parser before
 *           (format.h), so its tokens are known to be right; its strings may hold any octets but
 *           controls.
 * Source:   RFC 8259.   Tests: unit/test_json.c, fuzz/fuzz_page.c */
#ifndef ALERTRELAY_FORMAT_JSON_TEXT_H
#define ALERTRELAY_FORMAT_JSON_TEXT_H

#include "format.h"

/* Room for n octets, or NULL beyond the maximum; unlike fmt_room() that is no event to note. */
char *json_room(struct fmt_out *out, size_t n);
int json_put(struct fmt_out *out, const char *p, size_t n);
/* With quotes. 0 when its worst case does not fit. */
int json_put_string(struct fmt_out *out, struct fmt_str s);
/* "name": with a comma before it unless it is the first after { */
int json_put_name(struct fmt_out *out, const char *name);

/* One value on one line. Strings are repaired: raw line separators are escaped; bad UTF-8, lone
 * surrogates and NUL, where many readers would stop, become U+FFFD. Numbers keep their digits. Blanks between tokens may stay where there
 * are few. 0 when it does not surely fit the maximum; nothing was written then. */
int json_copy(struct fmt_out *out, struct fmt_str raw);
/* The same without any white space between its tokens. */
int json_compact(struct fmt_out *out, struct fmt_str raw);

/* The end of the value that begins at p, in text that json_compact() wrote. */
const char *json_skip(const char *p, const char *end);

/* A heap buffer without a limit of its own, for the rare second path; json_heap_free() ends it. */
void json_heap_init(struct fmt_out *out);
void json_heap_free(struct fmt_out *out);

#endif
