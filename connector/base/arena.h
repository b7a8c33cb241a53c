/* arena.h - memory that is freed in one call.
 *
 * Purpose:  the strings and arrays of one alert; reset and used again for the next.
 * Bounds:   maximum octets stated at init; past it arena_alloc() gives NULL.
 * Errors:   running out of system memory ends the process (crash-only). */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *block; /* newest first */
	char *next, *end;
	size_t used, maximum;
};

void arena_init(struct arena *arena, size_t maximum);
void arena_clear(struct arena *arena);

/* Forgets everything but keeps the first block, so that a steady load does not allocate. */
void arena_reset(struct arena *arena);

/* Aligned for any type, not zeroed. NULL when the maximum would be passed. */
void *arena_alloc(struct arena *arena, size_t size);

/* A copy of n octets without a terminator. NULL when the maximum would be passed. */
char *arena_copy(struct arena *arena, const void *p, size_t n);

#endif
