/* form.c - application/x-www-form-urlencoded, read strictly. */
#include "config.h"

#include "form.h"
#include "text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* NULL when the encoding is broken. */
static char *form_decode(const char *p, size_t n)
{
	struct text out = {0};
	for (size_t i = 0; i < n; i++) {
		char c = p[i];
		if (c == '%') {
			if (i + 2 >= n || hex(p[i + 1]) < 0 || hex(p[i + 2]) < 0) {
				text_clear(&out);
				return NULL;
			}
			c = (char)(hex(p[i + 1]) << 4 | hex(p[i + 2]));
			i += 2;
		}
		text_putc(&out, p[i] == '+' && c == '+' ? ' ' : c);
	}
	return text_take(&out, NULL);
}

const char *form_get(const struct form *f, const char *name)
{
	for (unsigned i = 0; i < f->count; i++)
		if (!strcmp(f->field[i].name, name))
			return f->field[i].value;
	return NULL;
}

static void form_add(struct form *f, char *name, char *value)
{
	if (!name || !value || f->count == FIELD_MAX || form_get(f, name)) {
		free(name);
		free(value);
		f->bad = true;
		return;
	}
	f->field[f->count].name = name;
	f->field[f->count++].value = value;
}

void form_parse(struct form *f, const char *p, size_t n)
{
	const char *end = p + n;
	while (p < end) {
		const char *stop = memchr(p, '&', (size_t)(end - p));
		if (!stop)
			stop = end;
		const char *equal = memchr(p, '=', (size_t)(stop - p));
		if (stop > p) {
			const char *name_end = equal ? equal : stop;
			const char *value = equal ? equal + 1 : stop;
			form_add(f, form_decode(p, (size_t)(name_end - p)),
				form_decode(value, (size_t)(stop - value)));
		}
		p = stop + 1;
	}
}

void form_clear(struct form *f)
{
	for (unsigned i = 0; i < f->count; i++) {
		free(f->field[i].name);
		free(f->field[i].value);
	}
}

void form_add_basic(struct form *f, const char *authorization)
{
	struct text plain = {0};
	if (!authorization || strncasecmp(authorization, "Basic ", 6) != 0)
		return;
	if (base64_read(&plain, authorization + 6, strlen(authorization + 6)) &&
		plain.n && memchr(plain.p, ':', plain.n)) {
		size_t n = (size_t)((char *)memchr(plain.p, ':', plain.n) - plain.p);
		form_add(f, strdup("client_id"), form_decode(plain.p, n));
		form_add(f, strdup("client_secret"),
			form_decode(plain.p + n + 1, plain.n - n - 1));
	} else {
		f->bad = true;
	}
	text_clear(&plain);
}
