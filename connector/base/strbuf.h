/* strbuf.h - text that grows to a stated maximum.
 *
 * Owner:    the embedder; strbuf_clear() frees.   Units: octets.
 * Errors:   adding past the maximum adds nothing and sets `full` until reset, so a chain of
 *           additions is checked once at its end. Out of system memory ends the process. */
#ifndef BASE_STRBUF_H
#define BASE_STRBUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct strbuf {
	char *p; /* always terminated once anything was added; never NULL after init */
	size_t n, room, maximum;
	bool full;
};

void strbuf_init(struct strbuf *b, size_t maximum);
void strbuf_clear(struct strbuf *b);
void strbuf_reset(struct strbuf *b);

bool strbuf_add(struct strbuf *b, const void *p, size_t n);
bool strbuf_adds(struct strbuf *b, const char *s);
bool strbuf_addc(struct strbuf *b, char c);
bool strbuf_addf(struct strbuf *b, const char *format, ...) PRINTF(2, 3);
/* Removes the first n octets. */
void strbuf_drop(struct strbuf *b, size_t n);
/* Makes sure that n more octets and a terminator fit without moving. */
bool strbuf_reserve(struct strbuf *b, size_t n);

/* malloc and friends that end the process when memory is exhausted. */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);

#endif
