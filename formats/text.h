/* text.h - walking, trimming and cutting of text that may hold any bytes.
 *
 * Purpose:  one place that knows what a character is; all lengths of the CEF dictionary are in
 *           characters of the cleaned text, so the counting follows the cleaning of escape.c:
 *           a maximal bad part of UTF-8 counts as one (it becomes U+FFFD), CR LF counts as one.
 * Owner:    results point into the argument; nothing is allocated.
 * Source:   RFC 3629; Unicode 15 section 3.9 (maximal subparts). */
#ifndef ALERTRELAY_FORMAT_TEXT_H
#define ALERTRELAY_FORMAT_TEXT_H

#include "format.h"

#define TEXT_BAD 0xFFFDu
#define TEXT_MARK "..." /* ends what was cut */
#define TEXT_MARK_LEN 3u

/* The end of a text; a null pointer gets no offset, not even 0. */
static inline const unsigned char *text_end(struct fmt_str s)
{
	return s.n ? (const unsigned char *)s.p + s.n : (const unsigned char *)s.p;
}

/* A constant text. */
#define TEXT_INIT(text)                                                                \
	{                                                                              \
		text, sizeof(text) - 1                                                 \
	}

static inline struct fmt_str text_str(const char *s)
{
	return (struct fmt_str){s, strlen(s)};
}

struct text_char {
	size_t n; /* its octets */
	uint32_t code;
	int bad; /* not a character, but the maximal bad part of one */
};

/* The character at p, where n octets are, at least one. */
struct text_char text_next(const unsigned char *p, size_t n);

struct fmt_str text_trim_blanks(struct fmt_str s);

/* Visible ASCII: no blank, and no part of one. */
static inline int text_is_visible(char c)
{
	return c > 0x20 && c < 0x7F;
}

/* Without what cleaning turns into white space at both ends. */
static inline struct fmt_str text_trim(struct fmt_str s)
{
	if (s.n && text_is_visible(s.p[0]) && text_is_visible(s.p[s.n - 1]))
		return s;
	return text_trim_blanks(s);
}

/* Characters of the cleaned text, counted no further than limit + 1. */
size_t text_count(struct fmt_str s, size_t limit);

/* Is the cleaned text at most max characters long? */
static inline int text_fits(struct fmt_str s, size_t max)
{
	return s.n <= max || text_count(s, max) <= max;
}

/* If s is longer than max characters: shortens it so that the mark fits behind it, and says 1. */
int text_cut(struct fmt_str *s, size_t max);

int text_is_mark(uint32_t code);

/* A character that belongs to the one before it: no cut in front of it. */
static inline int text_is_joining(uint32_t code)
{
	return code >= 0x300 && text_is_mark(code);
}

int text_same_nocase(const char *a, const char *b, size_t n);

static inline int text_equal_nocase(struct fmt_str a, const char *b)
{
	size_t n;

	/* Most words are told apart by their first letter, or come as they are spelled here. */
	if (a.n && ((a.p[0] ^ b[0]) & ~0x20))
		return 0;
	n = strlen(b);
	return a.n == n && (!memcmp(a.p, b, n) || text_same_nocase(a.p, b, n));
}

/* The same for the beginning of a. */
static inline int text_begins_nocase(struct fmt_str a, const char *b)
{
	size_t n;

	if (!a.n || ((a.p[0] ^ b[0]) & ~0x20))
		return 0;
	n = strlen(b);
	return a.n >= n && text_same_nocase(a.p, b, n);
}

#endif
