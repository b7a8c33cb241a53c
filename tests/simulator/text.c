/* text.c - a growing text, and JSON written into it. */
#include "config.h"

#include "text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_reserve(struct text *t, size_t more)
{
	if (t->size - t->n > more)
		return;
	size_t size = t->size ? t->size : 256;
	while (size - t->n <= more)
		size *= 2;
	t->p = realloc(t->p, size);
	if (!t->p)
		abort();
	t->size = size;
}

void text_add(struct text *t, const void *p, size_t n)
{
	if (!n)
		return;
	text_reserve(t, n);
	memcpy(t->p + t->n, p, n);
	t->n += n;
}

void text_puts(struct text *t, const char *s)
{
	text_add(t, s, strlen(s));
}

void text_putc(struct text *t, char c)
{
	text_add(t, &c, 1);
}

void text_printf(struct text *t, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	int n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (n < 0)
		abort();
	text_reserve(t, (size_t)n + 1);
	va_start(ap, format);
	vsnprintf(t->p + t->n, (size_t)n + 1, format, ap);
	va_end(ap);
	t->n += (size_t)n;
}

/* One code point of valid UTF-8; a broken byte comes back as itself. */
static size_t utf8_next(const unsigned char *p, size_t n, uint32_t *code)
{
	size_t len = *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
	if (*p < 0xc2 || len > n) {
		*code = 0xfffd;
		return 1;
	}
	*code = *p & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++)
		*code = *code << 6 | (p[i] & 0x3fu);
	return len;
}

void text_json_part(struct text *t, const char *s, size_t n, bool ascii)
{
	const unsigned char *p = (const unsigned char *)s;
	for (size_t i = 0; i < n;) {
		unsigned char c = p[i];
		if (c >= 0x80 && ascii) {
			uint32_t code;
			i += utf8_next(p + i, n - i, &code);
			if (code >= 0x10000) {
				code -= 0x10000;
				text_printf(t, "\\u%04x", 0xd800u + (code >> 10));
				code = 0xdc00u + (code & 0x3ff);
			}
			text_printf(t, "\\u%04x", code);
			continue;
		}
		i++;
		if (c == '"' || c == '\\') {
			text_putc(t, '\\');
			text_putc(t, (char)c);
		} else if (c == '\n') {
			text_puts(t, "\\n");
		} else if (c == '\r') {
			text_puts(t, "\\r");
		} else if (c == '\t') {
			text_puts(t, "\\t");
		} else if (c < 0x20) {
			text_printf(t, "\\u%04x", c);
		} else {
			text_putc(t, (char)c);
		}
	}
}

void text_json(struct text *t, const char *s, bool ascii)
{
	if (!s) {
		text_puts(t, "null");
		return;
	}
	text_putc(t, '"');
	text_json_part(t, s, strlen(s), ascii);
	text_putc(t, '"');
}

void text_url(struct text *t, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			(c >= 'a' && c <= 'z') || strchr("-._~", c))
			text_putc(t, (char)c);
		else
			text_printf(t, "%%%02X", c);
	}
}

static const char alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void text_base64url(struct text *out, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	unsigned bits = 0, value = 0;
	for (size_t i = 0; i < n; i++) {
		value = value << 8 | p[i];
		for (bits += 8; bits >= 6; bits -= 6)
			text_putc(out, alphabet[value >> (bits - 6) & 63]);
	}
	if (bits)
		text_putc(out, alphabet[value << (6 - bits) & 63]);
}

bool base64_read(struct text *out, const char *p, size_t n)
{
	unsigned bits = 0, value = 0;
	for (size_t i = 0; i < n && p[i] != '='; i++) {
		char c = p[i] == '+' ? '-' : p[i] == '/' ? '_' : p[i];
		const char *at = c ? strchr(alphabet, c) : NULL;
		if (!at)
			return false;
		value = value << 6 | (unsigned)(at - alphabet);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			text_putc(out, (char)(value >> bits & 255));
		}
	}
	return true;
}

static void new_line(struct text *t, size_t depth)
{
	text_putc(t, '\n');
	while (depth--)
		text_puts(t, "  ");
}

void text_indent(struct text *t, const char *json, size_t n)
{
	size_t depth = 0;
	for (size_t i = 0; i < n; i++) {
		char c = json[i];
		if (c == '"') {
			size_t end = json_skip(json, n, i);
			text_add(t, json + i, end - i);
			i = end - 1;
		} else if (c == '{' || c == '[') {
			text_putc(t, c);
			if (i + 1 < n && (json[i + 1] == '}' || json[i + 1] == ']'))
				text_putc(t, json[++i]);
			else
				new_line(t, ++depth);
		} else if (c == '}' || c == ']') {
			new_line(t, --depth);
			text_putc(t, c);
		} else if (c == ',') {
			text_putc(t, c);
			new_line(t, depth);
		} else if (c == ':') {
			text_puts(t, ": ");
		} else {
			text_putc(t, c);
		}
	}
	text_putc(t, '\n');
}

char *text_take(struct text *t, size_t *n)
{
	text_reserve(t, 1);
	char *p = t->p;
	p[t->n] = '\0';
	if (n)
		*n = t->n;
	*t = (struct text){0};
	return p;
}

void text_clear(struct text *t)
{
	free(t->p);
	*t = (struct text){0};
}

size_t json_space(const char *json, size_t n, size_t at)
{
	while (at < n && strchr(" \t\r\n", json[at]) && json[at])
		at++;
	return at;
}

size_t json_skip(const char *json, size_t n, size_t at)
{
	size_t depth = 0;
	at = json_space(json, n, at);
	for (; at < n; at++) {
		char c = json[at];
		if (c == '"') {
			for (at++; at < n && json[at] != '"'; at++)
				at += json[at] == '\\';
			if (at >= n)
				return 0;
			if (!depth)
				return at + 1;
		} else if (c == '{' || c == '[') {
			depth++;
		} else if (c == '}' || c == ']') {
			if (!depth)
				return at;
			if (!--depth)
				return at + 1;
		} else if (!depth && strchr(", \t\r\n:", c)) {
			return at;
		}
	}
	return depth ? 0 : n;
}

bool json_find(const char *json, size_t n, const char *key, struct member *m)
{
	size_t at = json_space(json, n, 0), len = strlen(key);
	if (at >= n || json[at] != '{')
		return false;
	for (at++;; at++) {
		m->start = at = json_space(json, n, at);
		if (at >= n || json[at] != '"' || !(at = json_skip(json, n, at)))
			return false;
		bool same = at - m->start == len + 2 &&
			    !memcmp(json + m->start + 1, key, len);
		at = json_space(json, n, at);
		if (at >= n || json[at] != ':')
			return false;
		m->value = json_space(json, n, at + 1);
		m->end = at = json_skip(json, n, at + 1);
		if (!at)
			return false;
		if (same)
			return true;
		at = json_space(json, n, at);
		if (at >= n || json[at] != ',')
			return false;
	}
}

bool json_text(const char *json, size_t n, const char *key, char *out, size_t size)
{
	struct member m;
	if (!json_find(json, n, key, &m))
		return false;
	size_t from = m.value, len = m.end - m.value;
	if (json[from] == '"') {
		from++;
		len -= 2;
	}
	if (len >= size)
		return false;
	memcpy(out, json + from, len);
	out[len] = '\0';
	return true;
}

void json_set(struct text *out, const char *json, size_t n, const char *key,
	const char *value)
{
	struct member m;
	if (json_find(json, n, key, &m)) {
		if (value) {
			text_add(out, json, m.value);
			text_puts(out, value);
			text_add(out, json + m.end, n - m.end);
			return;
		}
		size_t next = json_space(json, n, m.end), before = m.start;
		if (next < n && json[next] == ',') {
			next = json_space(json, n, next + 1);
		} else {
			while (before && json[before] != ',' && json[before] != '{')
				before--;
			before += json[before] == '{';
		}
		text_add(out, json, before);
		text_add(out, json + next, n - next);
		return;
	}
	size_t at = json_space(json, n, 0) + 1;
	if (!value || at > n) {
		text_add(out, json, n);
		return;
	}
	text_add(out, json, at);
	text_json(out, key, false);
	text_putc(out, ':');
	text_puts(out, value);
	size_t next = json_space(json, n, at);
	if (next < n && json[next] != '}')
		text_putc(out, ',');
	text_add(out, json + at, n - at);
}
