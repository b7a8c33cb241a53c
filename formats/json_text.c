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

/* The text is walked; what stays as it is gets written in runs. */
struct copy {
	struct fmt_out *out;
	const unsigned char *from; /* seen, but not written from here */
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

/* Between tokens. yajl takes vertical tabs and form feeds too. */
static inline int is_space(unsigned char c)
{
	return c <= ' ';
}

static int hex4(const unsigned char *p, const unsigned char *end, uint32_t *code)
{
	*code = 0;
	if (end - p < 4)
		return 0;
	for (size_t i = 0; i < 4; i++) {
		unsigned char c = p[i] | 0x20;

		if (p[i] >= '0' && p[i] <= '9')
			*code = *code << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			*code = *code << 4 | (uint32_t)(c - 'a' + 10);
		else
			return 0;
	}
	return 1;
}

/* The functions below give the end of what begins at p. */

/* A backslash. */
static const unsigned char *copy_escape(struct copy *c, const unsigned char *p)
{
	uint32_t code, low;

	if (c->end - p < 2)
		return c->end;
	if (p[1] != 'u' || !hex4(p + 2, c->end, &code))
		return p + 2;
	if (code >= 0xD800 && code <= 0xDBFF && c->end - p >= 12 && p[6] == '\\' &&
		p[7] == 'u' && hex4(p + 8, c->end, &low) && low >= 0xDC00 &&
		low <= 0xDFFF)
		return p + 12;
	/* Many readers end a string at a NUL: what stands behind it would be hidden from them. */
	if (code == 0 || (code >= 0xD800 && code <= 0xDFFF)) {
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

/* What a run of plain octets of a string ends with, but a quote. */
static inline const unsigned char *copy_special(struct copy *c, const unsigned char *p)
{
	return *p == '\\' ? copy_escape(c, p) : copy_character(c, p);
}

/* The opening quote. */
BLOCK_INLINE const unsigned char *copy_string(struct copy *c, const unsigned char *p)
{
	const unsigned char *end = c->end;

	for (p++; p < end;) {
		p += block_find(p, end, '"', '\\', '\\');
		if (p == end)
			break;
		if (*p == '"')
			return p + 1;
		p = copy_special(c, p);
	}
	return end;
}

/* From between two tokens to the end. */
static void copy_compact(struct copy *c, const unsigned char *p)
{
	while (p < c->end) {
		const unsigned char *at = p;

		if (*p == '"') {
			p = copy_string(c, p);
		} else if (is_space(*p)) {
			while (p < c->end && is_space(*p))
				p++;
			copy_leave_out(c, at, p);
		} else {
			p++;
		}
	}
}

/* Controls are between tokens only, so whatever else needs a look is in a string: where one begins
 * and ends need not be known until the first of them comes. */
static void copy_line(struct copy *c, const unsigned char *p)
{
	for (;;) {
		p += block_find(p, c->end, '\\', '\\', '\\');
		if (p == c->end)
			return;
		if (*p < 0x20)
			break;
		p = copy_special(c, p);
	}
	copy_compact(c, p);
}

static int copy(struct fmt_out *out, struct fmt_str raw,
	void (*how)(struct copy *c, const unsigned char *p))
{
	struct copy c = {.out = out, .from = (const unsigned char *)raw.p};
	size_t n = out->n;

	if (!raw.n || !json_room(out, raw.n))
		return 0;
	c.end = c.from + raw.n;
	how(&c, c.from);
	copy_leave_out(&c, c.end, c.end);
	if (c.full)
		out->n = n;
	return !c.full;
}

/* Who puts no blank before and behind the first name puts none anywhere. */
static int is_tight(struct fmt_str raw)
{
	const char *colon = raw.n > 2 ? memchr(raw.p, ':', raw.n - 1) : NULL;

	return colon && raw.p[1] == '"' && colon[-1] == '"' &&
	       !is_space((unsigned char)colon[1]);
}

int json_copy(struct fmt_out *out, struct fmt_str raw)
{
	return copy(out, raw, is_tight(raw) ? copy_line : copy_compact);
}

int json_compact(struct fmt_out *out, struct fmt_str raw)
{
	return copy(out, raw, copy_compact);
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
