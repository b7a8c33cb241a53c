#include "config.h"

#include "base/strbuf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char nothing[1];

static void out_of_memory(void)
{
	static const char text[] = "error: out of memory\n";

	fwrite(text, 1, sizeof(text) - 1, stderr);
	abort();
}

void *xmalloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *xcalloc(size_t count, size_t size)
{
	void *p = calloc(count ? count : 1, size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *xrealloc(void *p, size_t size)
{
	p = realloc(p, size ? size : 1);
	if (!p)
		out_of_memory();
	return p;
}

char *xstrndup(const char *s, size_t n)
{
	char *copy = xmalloc(n + 1);

	if (n)
		memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

char *xstrdup(const char *s)
{
	return xstrndup(s, strlen(s));
}

void strbuf_init(struct strbuf *b, size_t maximum)
{
	*b = (struct strbuf){.p = nothing, .maximum = maximum};
}

void strbuf_clear(struct strbuf *b)
{
	if (b->room)
		free(b->p);
	strbuf_init(b, b->maximum);
}

void strbuf_reset(struct strbuf *b)
{
	b->n = 0;
	b->full = false;
	if (b->room)
		b->p[0] = '\0';
}

bool strbuf_reserve(struct strbuf *b, size_t n)
{
	size_t need, room;

	if (b->full || n > b->maximum - b->n) {
		b->full = true;
		return false;
	}
	need = b->n + n + 1;
	if (need <= b->room)
		return true;
	room = b->room ? b->room : 64;
	while (room < need)
		room *= 2;
	if (room > b->maximum + 1)
		room = b->maximum + 1;
	b->p = xrealloc(b->room ? b->p : NULL, room);
	b->room = room;
	return true;
}

bool strbuf_add(struct strbuf *b, const void *p, size_t n)
{
	if (!strbuf_reserve(b, n))
		return false;
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
	return true;
}

bool strbuf_adds(struct strbuf *b, const char *s)
{
	return strbuf_add(b, s, strlen(s));
}

bool strbuf_addc(struct strbuf *b, char c)
{
	return strbuf_add(b, &c, 1);
}

bool strbuf_addf(struct strbuf *b, const char *format, ...)
{
	size_t free_octets = b->room ? b->room - b->n : 0;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(free_octets ? b->p + b->n : NULL, free_octets, format, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < free_octets && !b->full) {
		b->n += (size_t)n;
		return true;
	}
	if (free_octets)
		b->p[b->n] = '\0';
	if (n < 0 || !strbuf_reserve(b, (size_t)n))
		return false;
	va_start(ap, format);
	vsnprintf(b->p + b->n, (size_t)n + 1, format, ap);
	va_end(ap);
	b->n += (size_t)n;
	return true;
}

void strbuf_drop(struct strbuf *b, size_t n)
{
	if (!n)
		return;
	if (n > b->n)
		n = b->n;
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
	b->p[b->n] = '\0';
}
