/* json_text.c - writing, copying and walking JSON. */
#include "json_text.h"

#include <stdlib.h>

#include "block.h"
#include "escape.h"
#include "text.h"

char *json_room(struct fmt_out *out, size_t n)
{
	if (out->n > out->maximum || n > out->maximum - out->n)
		return NULL;
	return fmt_room(out, n);
}

int json_put(struct fmt_out *out, const char *p, size_t n)
{
	char *to = json_room(out, n);

	if (!to)
		return 0;
	memcpy(to, p, n);
	out->n += n;
	return 1;
}

int json_put_string(struct fmt_out *out, struct fmt_str s)
{
	char *to = json_room(out, ESCAPE_JSON_ROOM(s.n) + 2);

	if (!to)
		return 0;
	*to++ = '"';
	to = escape_json_string(to, s);
	*to++ = '"';
	out->n = (size_t)(to - out->p);
	return 1;
}

int json_put_name(struct fmt_out *out, const char *name)
{
	size_t n = strlen(name);
	char *to = json_room(out, n + 4);

	if (!to)
		return 0;
	if (to[-1] != '{')
		*to++ = ',';
	*to++ = '"';
	memcpy(to, name, n);
	to += n;
	*to++ = '"';
	*to++ = ':';
	out->n = (size_t)(to - out->p);
	return 1;
}

/* The text is walked and checked; what stays as it is gets written in runs. */
struct copy {
	struct fmt_out *out;
	const unsigned char *from; /* checked, but not written from here */
	const unsigned char *end;
	int full;
};

static void copy_put(struct copy *c, const char *p, size_t n)
{
	if (!json_put(c->out, p, n))
		c->full = 1;
}

/* Writes what stands before `at` and goes on at `next`. */
static void copy_leave_out(
	struct copy *c, const unsigned char *at, const unsigned char *next)
{
	copy_put(c, (const char *)c->from, (size_t)(at - c->from));
	c->from = next;
}

static inline int is_space(unsigned char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline const unsigned char *copy_space(struct copy *c, const unsigned char *p)
{
	const unsigned char *at = p;

	if (p == c->end || *p > ' ')
		return p;
	while (p < c->end && is_space(*p))
		p++;
	copy_leave_out(c, at, p);
	return p;
}

static int hex4(const unsigned char *p, const unsigned char *end, uint32_t *code)
{
	*code = 0;
	if (end - p < 4)
		return 0;
	for (size_t i = 0; i < 4; i++) {
		unsigned char c = p[i] | 0x20;

		if (c >= '0' && c <= '9')
			*code = *code << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			*code = *code << 4 | (uint32_t)(c - 'a' + 10);
		else
			return 0;
	}
	/* 0x10-0x19 with the bit set look like digits. */
	return p[0] >= '0' && p[1] >= '0' && p[2] >= '0' && p[3] >= '0';
}

/* The functions below give the end of what begins at p, or NULL when it is no JSON. */

/* A backslash. */
static const unsigned char *copy_escape(struct copy *c, const unsigned char *p)
{
	uint32_t code, low;

	if (c->end - p < 2)
		return NULL;
	switch (p[1]) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return p + 2;
	case 'u':
		break;
	default:
		return NULL;
	}
	if (!hex4(p + 2, c->end, &code))
		return NULL;
	if (code >= 0xD800 && code <= 0xDBFF && c->end - p >= 12 && p[6] == '\\' &&
		p[7] == 'u' && hex4(p + 8, c->end, &low) && low >= 0xDC00 &&
		low <= 0xDFFF)
		return p + 12;
	if (code >= 0xD800 && code <= 0xDFFF) {
		copy_leave_out(c, p, p + 6);
		copy_put(c, "\\ufffd", 6);
	}
	return p + 6;
}

/* A character of a string that is not plain ASCII. */
static const unsigned char *copy_character(struct copy *c, const unsigned char *p)
{
	struct text_char next = text_next(p, (size_t)(c->end - p));
	char escaped[ESCAPE_JSON_ROOM(4)];

	if (next.bad || next.code < 0xA0 || next.code == 0x2028 ||
		next.code == 0x2029) {
		struct fmt_str one = {(const char *)p, next.n};

		copy_leave_out(c, p, p + next.n);
		copy_put(c, escaped,
			(size_t)(escape_json_string(escaped, one) - escaped));
	}
	return p + next.n;
}

/* The opening quote. */
BLOCK_INLINE const unsigned char *copy_string(struct copy *c, const unsigned char *p)
{
	const unsigned char *end = c->end;

	for (p++; p;) {
		p += block_find(p, end, '"', '\\', '\\');
		if (p == end)
			return NULL;
		if (*p == '"')
			return p + 1;
		p = *p == '\\' ? copy_escape(c, p) : copy_character(c, p);
	}
	return NULL;
}

static const unsigned char *skip_digits(
	const unsigned char *p, const unsigned char *end, int *any)
{
	const unsigned char *from = p;

	while (p < end && *p >= '0' && *p <= '9')
		p++;
	*any = p > from;
	return p;
}

static const unsigned char *copy_number(
	const unsigned char *p, const unsigned char *end)
{
	const unsigned char *digits;
	int any;

	if (*p == '-')
		p++;
	digits = p;
	p = skip_digits(p, end, &any);
	if (!any || (*digits == '0' && p - digits > 1))
		return NULL;
	if (p < end && *p == '.') {
		p = skip_digits(p + 1, end, &any);
		if (!any)
			return NULL;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		p = skip_digits(p, end, &any);
		if (!any)
			return NULL;
	}
	return p;
}

static inline const unsigned char *copy_word(
	const unsigned char *p, const unsigned char *end, const char *word, size_t n)
{
	return (size_t)(end - p) >= n && !memcmp(p, word, n) ? p + n : NULL;
}

static inline const unsigned char *copy_scalar(struct copy *c, const unsigned char *p)
{
	switch (*p) {
	case '"':
		return copy_string(c, p);
	case 't':
		return copy_word(p, c->end, "true", 4);
	case 'f':
		return copy_word(p, c->end, "false", 5);
	case 'n':
		return copy_word(p, c->end, "null", 4);
	default:
		return copy_number(p, c->end);
	}
}

/* The name of a member and its colon. */
static inline const unsigned char *copy_name(struct copy *c, const unsigned char *p)
{
	if (p == c->end || *p != '"')
		return NULL;
	p = copy_string(c, p);
	if (!p)
		return NULL;
	p = copy_space(c, p);
	return p < c->end && *p == ':' ? copy_space(c, p + 1) : NULL;
}

/* The whole text, one value. */
static const unsigned char *copy_value(struct copy *c, const unsigned char *p)
{
	unsigned char close[JSON_DEPTH + 1] = {0}; /* what ends each open container */
	size_t depth = 0;

	for (;;) {
		p = copy_space(c, p);
		if (close[depth] == '}')
			p = copy_name(c, p);
		if (!p || p == c->end)
			return NULL;
		if (*p == '{' || *p == '[') {
			if (depth == JSON_DEPTH)
				return NULL;
			close[++depth] = *p == '{' ? '}' : ']';
			p = copy_space(c, p + 1);
			if (p == c->end || *p != close[depth])
				continue;
		} else {
			p = copy_scalar(c, p);
			if (!p)
				return NULL;
		}
		/* What ends here, up to the comma that another value follows. */
		for (;;) {
			p = copy_space(c, p);
			if (!depth)
				return p == c->end ? p : NULL;
			if (p == c->end)
				return NULL;
			if (*p++ == ',')
				break;
			if (p[-1] != close[depth--])
				return NULL;
		}
	}
}

enum json_result json_copy(struct fmt_out *out, struct fmt_str raw)
{
	struct copy c = {.out = out, .from = (const unsigned char *)raw.p};
	const unsigned char *end;
	size_t n = out->n;

	if (!raw.n)
		return JSON_BAD;
	if (!json_room(out, raw.n))
		return JSON_FULL;
	c.end = c.from + raw.n;
	end = copy_value(&c, c.from);
	if (end)
		copy_leave_out(&c, end, end);
	if (end && !c.full)
		return JSON_OK;
	out->n = n;
	return end ? JSON_FULL : JSON_BAD;
}

static const char *skip_string(const char *p, const char *end)
{
	for (p++; p < end;) {
		p += block_find((const unsigned char *)p, (const unsigned char *)end,
			'"', '\\', '\\');
		if (p >= end)
			break;
		if (*p == '"')
			return p + 1;
		p += *p == '\\' ? 2 : 1;
	}
	return end;
}

const char *json_skip(const char *p, const char *end)
{
	size_t depth = 0;

	while (p < end) {
		if (*p == '"') {
			p = skip_string(p, end);
		} else if (*p == '{' || *p == '[') {
			depth++;
			p++;
			continue;
		} else if (*p == '}' || *p == ']') {
			depth--;
			p++;
		} else if (*p == ',' || *p == ':') {
			p++;
			continue;
		} else {
			while (p < end && *p != ',' && *p != '}' && *p != ']')
				p++;
		}
		if (!depth)
			break;
	}
	return p;
}

static int heap_grow(struct fmt_out *out, size_t want)
{
	size_t room = out->room ? out->room : 4096;
	char *p;

	while (room < want)
		room *= 2;
	p = realloc(out->p, room);
	if (!p)
		return 0;
	out->p = p;
	out->room = room;
	return 1;
}

void json_heap_init(struct fmt_out *out)
{
	*out = (struct fmt_out){.maximum = SIZE_MAX / 4, .grow = heap_grow};
}

void json_heap_free(struct fmt_out *out)
{
	free(out->p);
	*out = (struct fmt_out){.p = NULL};
}
