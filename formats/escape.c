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

/* What each character of ASCII is in a JSON string: copied as a whole, whatever it is, so that no
 * branch depends on it. Many readers end a string at a NUL: what stands behind it would be hidden from
 * them. */
struct json_octet {
	char text[7];
	uint8_t n;
};
static const struct json_octet json_ascii[128] = {{"\xEF\xBF\xBD", 3}, {"\\u0001", 6},
	{"\\u0002", 6}, {"\\u0003", 6}, {"\\u0004", 6}, {"\\u0005", 6}, {"\\u0006", 6},
	{"\\u0007", 6}, {"\\u0008", 6}, {"\\t", 2}, {"\\n", 2}, {"\\u000b", 6},
	{"\\u000c", 6}, {"\\r", 2}, {"\\u000e", 6}, {"\\u000f", 6}, {"\\u0010", 6},
	{"\\u0011", 6}, {"\\u0012", 6}, {"\\u0013", 6}, {"\\u0014", 6}, {"\\u0015", 6},
	{"\\u0016", 6}, {"\\u0017", 6}, {"\\u0018", 6}, {"\\u0019", 6}, {"\\u001a", 6},
	{"\\u001b", 6}, {"\\u001c", 6}, {"\\u001d", 6}, {"\\u001e", 6}, {"\\u001f", 6},
	{" ", 1}, {"!", 1}, {"\\\"", 2}, {"#", 1}, {"$", 1}, {"%", 1}, {"&", 1},
	{"'", 1}, {"(", 1}, {")", 1}, {"*", 1}, {"+", 1}, {",", 1}, {"-", 1}, {".", 1},
	{"/", 1}, {"0", 1}, {"1", 1}, {"2", 1}, {"3", 1}, {"4", 1}, {"5", 1}, {"6", 1},
	{"7", 1}, {"8", 1}, {"9", 1}, {":", 1}, {";", 1}, {"<", 1}, {"=", 1}, {">", 1},
	{"?", 1}, {"@", 1}, {"A", 1}, {"B", 1}, {"C", 1}, {"D", 1}, {"E", 1}, {"F", 1},
	{"G", 1}, {"H", 1}, {"I", 1}, {"J", 1}, {"K", 1}, {"L", 1}, {"M", 1}, {"N", 1},
	{"O", 1}, {"P", 1}, {"Q", 1}, {"R", 1}, {"S", 1}, {"T", 1}, {"U", 1}, {"V", 1},
	{"W", 1}, {"X", 1}, {"Y", 1}, {"Z", 1}, {"[", 1}, {"\\\\", 2}, {"]", 1},
	{"^", 1}, {"_", 1}, {"`", 1}, {"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}, {"e", 1},
	{"f", 1}, {"g", 1}, {"h", 1}, {"i", 1}, {"j", 1}, {"k", 1}, {"l", 1}, {"m", 1},
	{"n", 1}, {"o", 1}, {"p", 1}, {"q", 1}, {"r", 1}, {"s", 1}, {"t", 1}, {"u", 1},
	{"v", 1}, {"w", 1}, {"x", 1}, {"y", 1}, {"z", 1}, {"{", 1}, {"|", 1}, {"}", 1},
	{"~", 1}, {"\\u007f", 6}};

/* A character that is not ASCII; gives the octets read. */
static inline size_t escape_json_wide(
	char **out, const unsigned char *p, const unsigned char *end)
{
	struct text_char c;
	char *to = *out;

	/* From U+00C0 to U+07FF nothing is special. */
	if (p[0] >= 0xC3 && p[0] <= 0xDF && end - p > 1 && (p[1] & 0xC0) == 0x80) {
		memcpy(to, p, 2);
		*out = to + 2;
		return 2;
	}
	c = text_next(p, (size_t)(end - p));
	if (c.bad) {
		memcpy(to, "\xEF\xBF\xBD", 3);
		to += 3;
	} else if (c.code < 0xA0 || c.code == 0x2028 || c.code == 0x2029) {
		*to++ = '\\';
		*to++ = 'u';
		for (int shift = 12; shift >= 0; shift -= 4)
			*to++ = hex[c.code >> shift & 15];
	} else {
		to[0] = (char)p[0];
		to[1] = (char)p[1];
		if (c.n > 2)
			to[2] = (char)p[2];
		if (c.n > 3)
			to[3] = (char)p[3];
		to += c.n;
	}
	*out = to;
	return c.n;
}

/* One that is not plain: short ones and what is in a block with a special octet go by the table. */
static __attribute__((noinline)) char *escape_json_more(
	char *to, const unsigned char *p, const unsigned char *end)
{
	while (p < end) {
		unsigned char c;

		if (end - p > 32) {
			size_t n = block_copy(to, p, end, '"', '\\', '\\');

			to += n;
			p += n;
			if (p == end)
				break;
		}
		c = *p;
		if (c >= 0x80) {
			p += escape_json_wide(&to, p, end);
			continue;
		}
		memcpy(to, &json_ascii[c], sizeof(json_ascii[c]));
		to += json_ascii[c].n;
		p++;
	}
	return to;
}

char *escape_json_string(char *to, struct fmt_str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t n;

	if (!s.n)
		return to;
	n = block_copy_plain(to, p, s.n, '"', '\\', '\\');
	if (n == s.n)
		return to + n;
	return escape_json_more(to + n, p + n, p + s.n);
}
