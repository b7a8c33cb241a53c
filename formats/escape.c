/* escape.c - one function per format and position: any bytes in, harmless text out. */
#include "escape.h"

#include "block.h"
#include "text.h"

enum escape_kind {
	ESCAPE_CEF_HEADER,
	ESCAPE_CEF_CLASS,
	ESCAPE_CEF_VALUE,
	ESCAPE_LEEF_HEADER,
	ESCAPE_LEEF_VALUE,
	ESCAPE_SD,
};

static const char hex[] = "0123456789abcdef";

/* Not ASCII: repaired, cleaned or copied; gives the octets read. */
static inline size_t escape_wide(
	char **out, const unsigned char *p, const unsigned char *end)
{
	struct text_char c = text_next(p, (size_t)(end - p));
	char *to = *out;

	if (c.bad) {
		memcpy(to, "\xEF\xBF\xBD", 3);
		*out = to + 3;
	} else if (c.code < 0xA0 || c.code == 0x2028 || c.code == 0x2029 ||
		   c.code == 0xFEFF) {
		*to = ' ';
		*out = to + 1;
	} else {
		for (size_t i = 0; i < c.n; i++)
			to[i] = (char)p[i];
		*out = to + c.n;
	}
	return c.n;
}

/* LEEF has no escapes: `special` is its delimiter; else a pipe of CEF's header becomes it. */
BLOCK_INLINE char *escape_text(
	char *to, struct fmt_str s, const enum escape_kind kind, const char special)
{
	const unsigned char *p = (const unsigned char *)s.p, *end;
	const int leef = kind == ESCAPE_LEEF_HEADER || kind == ESCAPE_LEEF_VALUE;
	const char x = kind == ESCAPE_SD	   ? '"'
		       : kind == ESCAPE_CEF_VALUE  ? '='
		       : kind == ESCAPE_LEEF_VALUE ? special
						   : '|';
	const char y = leef ? special : '\\';
	const char z = kind == ESCAPE_SD ? ']' : kind == ESCAPE_CEF_CLASS ? '=' : y;

	if (!s.n)
		return to;
	end = p + s.n;
	for (;;) {
		size_t n = block_copy(to, p, end, x, y, z);
		unsigned char c;

		p += n;
		to += n;
		if (p == end)
			return to;
		c = *p;
		if (c >= 0x80) {
			p += escape_wide(&to, p, end);
			continue;
		}
		p++;
		if (c < 0x20 || c == 0x7F) {
			if (c == '\r' && p < end && *p == '\n')
				c = *p++;
			if (kind == ESCAPE_CEF_VALUE && c == '\n') {
				*to++ = '\\';
				*to++ = 'n';
			} else {
				*to++ = ' ';
			}
		} else if (kind == ESCAPE_CEF_HEADER && c == '|' && special) {
			*to++ = special;
		} else if (leef) {
			*to++ = (char)c == special ? ' ' : '/';
		} else if (kind == ESCAPE_CEF_CLASS) {
			*to++ = '_';
		} else {
			*to++ = '\\';
			*to++ = (char)c;
		}
	}
}

char *escape_cef_header(char *to, struct fmt_str s, char pipe)
{
	return escape_text(to, s, ESCAPE_CEF_HEADER, pipe);
}

char *escape_cef_value(char *to, struct fmt_str s)
{
	return escape_text(to, s, ESCAPE_CEF_VALUE, 0);
}

char *escape_leef_header(char *to, struct fmt_str s, char delimiter)
{
	return escape_text(to, s, ESCAPE_LEEF_HEADER, delimiter);
}

char *escape_leef_value(char *to, struct fmt_str s, char delimiter)
{
	return escape_text(to, s, ESCAPE_LEEF_VALUE, delimiter);
}

char *escape_sd_value(char *to, struct fmt_str s)
{
	return escape_text(to, s, ESCAPE_SD, 0);
}

char *escape_cef_class(char *to, struct fmt_str s)
{
	char *end = escape_text(to, s, ESCAPE_CEF_CLASS, 0);

	for (; to < end; to++)
		if (*to == '%' || *to == '#')
			*to = '_';
	return end;
}

char *escape_json_string(char *to, struct fmt_str s)
{
	const unsigned char *p = (const unsigned char *)s.p, *end;

	if (!s.n)
		return to;
	end = p + s.n;
	for (;;) {
		size_t n = block_copy(to, p, end, '"', '\\', '\\');
		struct text_char c;

		p += n;
		to += n;
		if (p == end)
			return to;
		c = text_next(p, (size_t)(end - p));
		if (c.bad || c.code == 0) {
			memcpy(to, "\xEF\xBF\xBD", 3);
			to += 3;
		} else if (c.code == '"' || c.code == '\\') {
			*to++ = '\\';
			*to++ = (char)c.code;
		} else if (c.code == '\n' || c.code == '\r' || c.code == '\t') {
			*to++ = '\\';
			*to++ = c.code == '\n' ? 'n' : c.code == '\r' ? 'r' : 't';
		} else if (c.code < 0xA0 || c.code == 0x2028 || c.code == 0x2029) {
			*to++ = '\\';
			*to++ = 'u';
			for (int shift = 12; shift >= 0; shift -= 4)
				*to++ = hex[c.code >> shift & 15];
		} else {
			memcpy(to, p, c.n);
			to += c.n;
		}
		p += c.n;
	}
}
