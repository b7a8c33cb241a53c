#include "config.h"

#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"

#define FIRST_BLOCK 32768

struct arena_block {
	struct arena_block *older;
	size_t size;
	alignas(max_align_t) char data[];
};

void arena_init(struct arena *arena, size_t maximum)
{
	*arena = (struct arena){.maximum = maximum};
}

void arena_clear(struct arena *arena)
{
	while (arena->block) {
		struct arena_block *older = arena->block->older;

		free(arena->block);
		arena->block = older;
	}
	arena_init(arena, arena->maximum);
}

void arena_reset(struct arena *arena)
{
	while (arena->block && arena->block->older) {
		struct arena_block *older = arena->block->older;

		free(arena->block);
		arena->block = older;
	}
	arena->used = 0;
	if (arena->block) {
		arena->next = arena->block->data;
		arena->end = arena->next + arena->block->size;
	}
}

static void arena_add_block(struct arena *arena, size_t need)
{
	size_t size = arena->block ? arena->block->size * 2 : FIRST_BLOCK;
	struct arena_block *block;

	if (size > 1048576)
		size = 1048576;
	if (size < need)
		size = need;
	block = xmalloc(sizeof(*block) + size);
	block->older = arena->block;
	block->size = size;
	arena->block = block;
	arena->next = block->data;
	arena->end = block->data + size;
}

static void *arena_take(struct arena *arena, size_t size, size_t align)
{
	size_t pad = arena->next ? -(uintptr_t)arena->next & (align - 1) : 0;
	char *p;

	if (size > arena->maximum - arena->used)
		return NULL;
	if (!arena->next || pad + size > (size_t)(arena->end - arena->next)) {
		arena_add_block(arena, size);
		pad = 0;
	}
	p = arena->next + pad;
	arena->next = p + size;
	arena->used += size;
	return p;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	return arena_take(arena, size, alignof(max_align_t));
}

char *arena_copy(struct arena *arena, const void *p, size_t n)
{
	char *copy = arena_take(arena, n, 1);

	if (copy && n)
		memcpy(copy, p, n);
	return copy;
}
