/* escape.h - one function per format and position: any bytes in, harmless text out.
 *
 * Purpose:  repairs UTF-8 (U+FFFD for each maximal bad part), cleans and escapes in one pass.
 *           What comes out never holds a control character and cannot end its field.
 * Needs:    at `to` room of ESCAPE_ROOM(n) octets (JSON: ESCAPE_JSON_ROOM(n)); whole blocks are
 *           stored, so even what is not used must be there. Gives the new end.
 * Cleaning: CR LF is one line end. In CEF values a line end becomes \n; elsewhere, and for all
 *           other controls, U+0080-009F, U+2028, U+2029 and U+FEFF, a space. JSON keeps all of
 *           them as escapes (U+FEFF as it is).
 * Source:   CEF version 27; LEEF 2.0; RFC 5424 section 6.3.3; RFC 8259 section 7.
 * Tests:    unit/test_escape.c, fuzz/fuzz_format.c */
#ifndef ALERTRELAY_FORMAT_ESCAPE_H
#define ALERTRELAY_FORMAT_ESCAPE_H

#include "format.h"

#define ESCAPE_BLOCK 16u
#define ESCAPE_ROOM(n) (3 * (size_t)(n) + ESCAPE_BLOCK)
#define ESCAPE_JSON_ROOM(n) (6 * (size_t)(n) + ESCAPE_BLOCK)

/* A header field; a pipe becomes \| or, with `pipe` not 0, that character. */
char *escape_cef_header(char *to, struct fmt_str s, char pipe);
/* The event class id: = % # | \ become underscores, so no reader needs to know an escape. */
char *escape_cef_class(char *to, struct fmt_str s);
/* The value of an extension pair: \ and = are escaped, line ends are \n. */
char *escape_cef_value(char *to, struct fmt_str s);
/* Of LEEF, which has no escapes: the delimiter of its attributes becomes a space, in a header field
 * a pipe becomes a slash. */
char *escape_leef_header(char *to, struct fmt_str s, char delimiter);
char *escape_leef_value(char *to, struct fmt_str s, char delimiter);
/* PARAM-VALUE of structured data, without its quotes. */
char *escape_sd_value(char *to, struct fmt_str s);
/* The inside of a JSON string, without its quotes. */
char *escape_json_string(char *to, struct fmt_str s);

#endif
