/* text.h - a growing text, and JSON written into it.
 *
 * Purpose:  every answer of the simulator is built in one of these.
 * Owner:    whoever declares it; text_take() hands the bytes to the caller (free()).
 * Errors:   no memory ends the process; this is a test tool.
 * Units:    bytes.   Threads: one owner at a time.   Tests: integration/test_simulator.py */
#ifndef SIMULATOR_TEXT_H
#define SIMULATOR_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
	char *p;
	size_t n, size;
};

void text_reserve(struct text *, size_t more);
void text_add(struct text *, const void *, size_t);
void text_puts(struct text *, const char *);
void text_putc(struct text *, char);
void text_printf(struct text *, const char *, ...)
	__attribute__((format(printf, 2, 3)));
/* A quoted JSON string, or null for NULL; ascii writes \uXXXX for the rest of Unicode. */
void text_json(struct text *, const char *, bool ascii);
void text_json_part(struct text *, const char *, size_t, bool ascii);
void text_base64url(struct text *, const void *, size_t); /* not padded */
/* Adds what the text stands for, in either alphabet of base64; false: it is none. */
bool base64_read(struct text *, const char *, size_t);
void text_url(struct text *, const char *); /* percent-encoded */
void text_indent(struct text *, const char *json, size_t);
char *text_take(struct text *, size_t *n);
void text_clear(struct text *);

/* The element of an object's text at its first level. */
struct member {
	size_t start, end; /* from the quote of the key to the end of the value */
	size_t value;
};
bool json_find(const char *json, size_t n, const char *key, struct member *);
/* A member's text without quotes, or its number; false when it is absent or too long. */
bool json_text(const char *json, size_t n, const char *key, char *out, size_t size);
/* Gives the object with the member set to the JSON text, or taken out (value NULL). */
void json_set(struct text *out, const char *json, size_t n, const char *key,
	const char *value);
/* The end of the JSON value at `at`; 0 if it does not end. Trusts the text otherwise. */
size_t json_skip(const char *json, size_t n, size_t at);
size_t json_space(const char *json, size_t n, size_t at);

#endif
