/* text.c - walking, trimming and cutting of text that may hold any bytes. */
#include "text.h"

struct text_char text_next(const unsigned char *p, size_t n)
{
	/* The second octet has a range of its own after E0, ED, F0 and F4: that keeps out overlong
	 * forms, surrogates and what is above U+10FFFF. */
	unsigned char c = p[0], low = 0x80, high = 0xBF;
	size_t want, i;
	uint32_t v;

	if (c < 0x80)
		return (struct text_char){1, c, 0};
	if (c >= 0xC2 && c <= 0xDF) {
		want = 2;
		v = c & 0x1Fu;
	} else if (c >= 0xE0 && c <= 0xEF) {
		want = 3;
		v = c & 0x0Fu;
		low = c == 0xE0 ? 0xA0 : 0x80;
		high = c == 0xED ? 0x9F : 0xBF;
	} else if (c >= 0xF0 && c <= 0xF4) {
		want = 4;
		v = c & 0x07u;
		low = c == 0xF0 ? 0x90 : 0x80;
		high = c == 0xF4 ? 0x8F : 0xBF;
	} else {
		return (struct text_char){1, TEXT_BAD, 1};
	}
	for (i = 1; i < want; i++) {
		if (i >= n || p[i] < low || p[i] > high)
			return (struct text_char){i, TEXT_BAD, 1};
		v = v << 6 | (p[i] & 0x3Fu);
		low = 0x80;
		high = 0xBF;
	}
	return (struct text_char){want, v, 0};
}

/* Octets at the start that cleaning turns into a space or a line end, or 0. */
static size_t text_blank_at(const unsigned char *p, size_t n)
{
	if (p[0] <= 0x20 || p[0] == 0x7F)
		return 1;
	if (p[0] == 0xC2)
		return n >= 2 && p[1] >= 0x80 && p[1] <= 0x9F ? 2 : 0;
	if (n < 3)
		return 0;
	if (p[0] == 0xE2 && p[1] == 0x80 && (p[2] == 0xA8 || p[2] == 0xA9))
		return 3;
	return p[0] == 0xEF && p[1] == 0xBB && p[2] == 0xBF ? 3 : 0;
}

struct fmt_str text_trim_blanks(struct fmt_str s)
{
	const unsigned char *p = (const unsigned char *)s.p, *end;
	size_t n;

	if (!s.n)
		return (struct fmt_str){NULL, 0};
	end = p + s.n;
	while (p < end && (n = text_blank_at(p, (size_t)(end - p))) != 0)
		p += n;
	/* A lead octet starts a character whatever stands before it, so looking back is safe. */
	while (p < end) {
		if (end[-1] <= 0x20 || end[-1] == 0x7F)
			end--;
		else if (end[-1] < 0x80)
			break;
		else if (end - p >= 2 && text_blank_at(end - 2, 2) == 2)
			end -= 2;
		else if (end - p >= 3 && text_blank_at(end - 3, 3) == 3)
			end -= 3;
		else
			break;
	}
	return (struct fmt_str){(const char *)p, (size_t)(end - p)};
}

static inline struct text_char text_step(
	const unsigned char *p, const unsigned char *end)
{
	if (p[0] == '\r' && end - p > 1 && p[1] == '\n')
		return (struct text_char){2, '\n', 0};
	if (p[0] < 0x80)
		return (struct text_char){1, p[0], 0};
	return text_next(p, (size_t)(end - p));
}

size_t text_count(struct fmt_str s, size_t limit)
{
	const unsigned char *p = (const unsigned char *)s.p, *end = text_end(s);
	size_t count = 0;

	if (!s.n)
		return 0;
	for (; p < end && count <= limit; count++)
		p += text_step(p, end).n;
	return count;
}

int text_is_mark(uint32_t c)
{
	return (c >= 0x300 && c <= 0x36F) || (c >= 0x1AB0 && c <= 0x1AFF) ||
	       (c >= 0x1DC0 && c <= 0x1DFF) || (c >= 0x20D0 && c <= 0x20FF) ||
	       (c >= 0xFE00 && c <= 0xFE0F) || (c >= 0xFE20 && c <= 0xFE2F) ||
	       c == 0x200D || (c >= 0x1F3FB && c <= 0x1F3FF);
}

int text_cut(struct fmt_str *s, size_t max)
{
	const unsigned char *p = (const unsigned char *)s->p, *end = text_end(*s);
	const unsigned char *cut =
		p; /* last place to cut that still leaves room for the mark */
	size_t keep = max > TEXT_MARK_LEN ? max - TEXT_MARK_LEN : 0, count = 0;

	if (s->n <= max)
		return 0;
	while (p < end && count <= max) {
		struct text_char c = text_step(p, end);

		/* A text of joining characters alone is cut anywhere. */
		if (count <= keep && (!text_is_joining(c.code) || p - cut > 64))
			cut = p;
		p += c.n;
		count++;
	}
	if (count <= max)
		return 0;
	s->n = (size_t)(cut - (const unsigned char *)s->p);
	*s = text_trim(*s);
	return 1;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

int text_same_nocase(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (lower(a[i]) != lower(b[i]))
			return 0;
	return 1;
}
