/* json_text.c - writing, copying and walking JSON. */
#include "json_text.h"

#include <stdlib.h>

#include "block.h"
#include "escape.h"
#include "text.h"

/* What json_copy() needs beyond the octets still to be read: a block, and the longest escape. */
#define COPY_SLACK 32u

char *json_room(struct fmt_out *out, size_t n)
{
	size_t limit = out->room < out->maximum ? out->room : out->maximum;

	if (out->p && out->n <= limit && n <= limit - out->n)
		return out->p + out->n;
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

/* Between tokens and after each repaired character this holds:
 * limit - to >= end - p + COPY_SLACK, so copying needs no checks. */
struct copy {
	struct fmt_out *out;
	const unsigned char *p;
	const unsigned char *end;
	char *to;
	char *limit;
};

static int copy_more(struct copy *c)
{
	size_t left = (size_t)(c->end - c->p) + COPY_SLACK, most, n = c->out->n;
	struct fmt_out *out = c->out;

	out->n = (size_t)(c->to - out->p);
	most = out->maximum - out->n;
	if (left <= most) {
		size_t want = left + left / 4 + 256;

		if (json_room(out, want < most ? want : most)) {
			c->to = out->p + out->n;
			c->limit = out->p + (out->room < out->maximum ? out->room
								      : out->maximum);
			out->n = n;
			return 1;
		}
	}
	out->n = n;
	return 0;
}

static inline int copy_room(struct copy *c)
{
	return (size_t)(c->limit - c->to) >= (size_t)(c->end - c->p) + COPY_SLACK ||
	       copy_more(c);
}

static inline void copy_space(struct copy *c)
{
	while (c->p < c->end &&
		(*c->p == ' ' || *c->p == '\n' || *c->p == '\r' || *c->p == '\t'))
		c->p++;
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

/* p is at a backslash. */
static enum json_result copy_escape(struct copy *c)
{
	const unsigned char *p = c->p;
	uint32_t code, low;

	if (c->end - p < 2)
		return JSON_BAD;
	if (p[1] != 'u') {
		if (!p[1] || !strchr("\"\\/bfnrt", p[1]))
			return JSON_BAD;
		c->to[0] = '\\';
		c->to[1] = (char)p[1];
		c->to += 2;
		c->p += 2;
		return JSON_OK;
	}
	if (!hex4(p + 2, c->end, &code))
		return JSON_BAD;
	if (code >= 0xD800 && code <= 0xDBFF && c->end - p >= 12 && p[6] == '\\' &&
		p[7] == 'u' && hex4(p + 8, c->end, &low) && low >= 0xDC00 &&
		low <= 0xDFFF) {
		memcpy(c->to, p, 12);
		c->to += 12;
		c->p += 12;
		return JSON_OK;
	}
	if (code >= 0xD800 && code <= 0xDFFF)
		memcpy(c->to, "\\ufffd", 6);
	else
		memcpy(c->to, p, 6);
	c->to += 6;
	c->p += 6;
	return JSON_OK;
}

/* p is at the opening quote. */
static enum json_result copy_string(struct copy *c)
{
	enum json_result rc;

	*c->to++ = '"';
	c->p++;
	for (;;) {
		const unsigned char *p;
		struct fmt_str one;
		uint32_t code;
		size_t n = block_copy(c->to, c->p, c->end, '"', '\\', '\\');
		int bad;

		c->p += n;
		c->to += n;
		p = c->p;
		if (p == c->end)
			return JSON_BAD;
		if (*p == '"') {
			*c->to++ = '"';
			c->p++;
			return JSON_OK;
		}
		if (*p == '\\') {
			rc = copy_escape(c);
			if (rc)
				return rc;
			continue;
		}
		n = text_next(p, (size_t)(c->end - p), &code, &bad);
		c->p += n;
		if (!bad && code >= 0xA0 && code != 0x2028 && code != 0x2029) {
			for (size_t i = 0; i < n; i++)
				*c->to++ = (char)p[i];
			continue;
		}
		one = (struct fmt_str){(const char *)p, n};
		c->to = escape_json_string(c->to, one);
		if (!copy_room(c))
			return JSON_FULL;
	}
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

static enum json_result copy_number(struct copy *c)
{
	const unsigned char *p = c->p, *digits;
	size_t n;
	int any;

	if (*p == '-')
		p++;
	digits = p;
	p = skip_digits(p, c->end, &any);
	if (!any || (*digits == '0' && p - digits > 1))
		return JSON_BAD;
	if (p < c->end && *p == '.') {
		p = skip_digits(p + 1, c->end, &any);
		if (!any)
			return JSON_BAD;
	}
	if (p < c->end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < c->end && (*p == '+' || *p == '-'))
			p++;
		p = skip_digits(p, c->end, &any);
		if (!any)
			return JSON_BAD;
	}
	n = (size_t)(p - c->p);
	memcpy(c->to, c->p, n);
	c->to += n;
	c->p = p;
	return JSON_OK;
}

static enum json_result copy_word(struct copy *c, const char *word, size_t n)
{
	if ((size_t)(c->end - c->p) < n || memcmp(c->p, word, n))
		return JSON_BAD;
	memcpy(c->to, word, n);
	c->to += n;
	c->p += n;
	return JSON_OK;
}

static enum json_result copy_scalar(struct copy *c)
{
	switch (*c->p) {
	case '"':
		return copy_string(c);
	case 't':
		return copy_word(c, "true", 4);
	case 'f':
		return copy_word(c, "false", 5);
	case 'n':
		return copy_word(c, "null", 4);
	default:
		return copy_number(c);
	}
}

static enum json_result copy_value(struct copy *c)
{
	unsigned char object[JSON_DEPTH + 1] = {0};
	size_t depth = 0;
	enum json_result rc;

	for (;;) {
		int opened = 0;

		/* A value, after its name inside an object. */
		copy_space(c);
		if (c->p == c->end)
			return JSON_BAD;
		if (depth && object[depth] && *c->p != '"')
			return JSON_BAD;
		if (depth && object[depth]) {
			rc = copy_string(c);
			if (rc)
				return rc;
			copy_space(c);
			if (c->p == c->end || *c->p != ':')
				return JSON_BAD;
			*c->to++ = ':';
			c->p++;
			copy_space(c);
			if (c->p == c->end)
				return JSON_BAD;
		}
		if (*c->p == '{' || *c->p == '[') {
			if (depth == JSON_DEPTH)
				return JSON_BAD;
			object[++depth] = *c->p == '{';
			*c->to++ = (char)*c->p++;
			opened = 1;
		} else {
			rc = copy_scalar(c);
			if (rc)
				return rc;
		}
		/* What ends here, up to the comma that another value follows. */
		for (;;) {
			copy_space(c);
			if (!depth)
				return c->p == c->end ? JSON_OK : JSON_BAD;
			if (c->p == c->end)
				return JSON_BAD;
			if (*c->p == (object[depth] ? '}' : ']')) {
				*c->to++ = (char)*c->p++;
				depth--;
				opened = 0;
				continue;
			}
			if (opened)
				break;
			if (*c->p != ',')
				return JSON_BAD;
			*c->to++ = (char)*c->p++;
			break;
		}
	}
}

enum json_result json_copy(struct fmt_out *out, struct fmt_str raw)
{
	struct copy c = {.out = out, .p = (const unsigned char *)raw.p};
	enum json_result rc;

	if (!raw.n)
		return JSON_BAD;
	if (!json_room(out, COPY_SLACK))
		return JSON_FULL;
	c.end = c.p + raw.n;
	c.to = out->p + out->n;
	c.limit = c.to;
	if (!copy_more(&c))
		return JSON_FULL;
	rc = copy_value(&c);
	if (!rc)
		out->n = (size_t)(c.to - out->p);
	return rc;
}

static const char *skip_string(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p < end ? p + 1 : end;
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
