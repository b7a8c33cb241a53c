/* pieces.h - the same octets in one piece, or in random ones.
 *
 * Purpose:  what is read must not depend on how it comes.
 * Owner:    each piece is memory of its own, until the next one, so that a sanitizer sees what reads
 *           past it or keeps it; pieces_clear() ends the last. */
#ifndef FUZZ_PIECES_H
#define FUZZ_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct pieces {
	const char *left;
	size_t left_n;
	unsigned seed; /* 0: one piece */
	char *p;
	size_t n;
};

/* The next one, in p and n; false at the end. */
static inline bool pieces_next(struct pieces *pieces)
{
	free(pieces->p);
	pieces->p = NULL;
	pieces->n = pieces->left_n;
	if (!pieces->n)
		return false;
	if (pieces->seed) {
		unsigned seed = (pieces->seed * 1103515245u + 12345u) | 1;

		pieces->seed = seed;
		pieces->n = (seed >> 16) % ((seed >> 8) % 4 ? 7 : 500) + 1;
	}
	if (pieces->n > pieces->left_n)
		pieces->n = pieces->left_n;
	pieces->p = malloc(pieces->n);
	if (!pieces->p)
		abort();
	memcpy(pieces->p, pieces->left, pieces->n);
	pieces->left += pieces->n;
	pieces->left_n -= pieces->n;
	return true;
}

static inline void pieces_clear(struct pieces *pieces)
{
	free(pieces->p);
	pieces->p = NULL;
}

#endif
