#include "config.h"

#include "deliver/send_queue.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/strbuf.h"

#define RING_FIRST 64
#define RING_KEEP 4096

struct send_message {
	void *ticket;
	char *octets;
	union {
		uint64_t end; /* taken: where it ends in the stream */
		uint64_t mark; /* handed */
		int64_t acknowledged_ms; /* acknowledged */
	} at;
	uint32_t size;
	bool reported, refused;
};

struct send_block {
	struct send_block *next;
	size_t messages; /* that are still here */
	size_t used, room;
	bool large; /* of SEND_LARGE octets in all, from mmap() */
	char octets[];
};

static struct send_message *message(const struct send_queue *q, uint64_t number)
{
	return &q->ring[number & (q->room - 1)];
}

void send_queue_init(struct send_queue *q)
{
	*q = (struct send_queue){0};
}

/* A page of its own, where the kernel has such pages; NULL: no room for it. */
static struct send_block *large_new(void)
{
	char *p = mmap(NULL, 2 * (size_t)SEND_LARGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t before;

	if (p == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)p % SEND_LARGE;
	if (before)
		munmap(p, before);
	munmap(p + before + SEND_LARGE, SEND_LARGE - before);
	p += before;
	(void)madvise(p, SEND_LARGE, MADV_HUGEPAGE);
	return (struct send_block *)(void *)p;
}

static void block_free(struct send_block *block)
{
	if (block->large)
		munmap(block, SEND_LARGE);
	else
		free(block);
}

static struct send_block *block_new(struct send_queue *q, size_t size)
{
	size_t room = size > SEND_BLOCK ? size : SEND_BLOCK;
	struct send_block *block = NULL;

	if (q->held >= SEND_SMALL_MAX && size <= SEND_LARGE - sizeof(*block)) {
		block = q->spare ? q->spare : large_new();
		if (q->spare) {
			q->spare = block->next;
			q->spares--;
		}
	}
	if (block) {
		*block = (struct send_block){
			.room = SEND_LARGE - sizeof(*block), .large = true};
	} else {
		block = xmalloc(sizeof(*block) + room);
		*block = (struct send_block){.room = room};
	}
	return block;
}

static void blocks_free(struct send_block *block)
{
	while (block) {
		struct send_block *next = block->next;

		block_free(block);
		block = next;
	}
}

static void spares_free(struct send_queue *q)
{
	blocks_free(q->spare);
	q->spare = NULL;
	q->spares = 0;
}

void send_queue_clear(struct send_queue *q)
{
	blocks_free(q->oldest);
	spares_free(q);
	free(q->ring);
	send_queue_init(q);
}

static void ring_resize(struct send_queue *q, size_t room)
{
	struct send_message *ring = xmalloc(room * sizeof(*ring));

	for (uint64_t i = q->first; i != q->end; i++)
		ring[i & (room - 1)] = *message(q, i);
	free(q->ring);
	q->ring = ring;
	q->room = room;
}

/* Octets of one message are never in two blocks. */
static struct send_block *block_for(struct send_queue *q, size_t size)
{
	struct send_block *block = q->newest;

	if (block && block->room - block->used >= size)
		return block;
	block = block_new(q, size);
	if (q->newest)
		q->newest->next = block;
	else
		q->oldest = block;
	q->newest = block;
	return block;
}

static void free_first(struct send_queue *q)
{
	struct send_block *block = q->oldest;

	q->held -= message(q, q->first++)->size;
	if (--block->messages)
		return;
	q->oldest = block->next;
	if (block->large && q->spares < SEND_SPARES) {
		block->next = q->spare;
		q->spare = block;
		q->spares++;
	} else {
		block_free(block);
	}
	if (q->oldest)
		return;
	q->newest = NULL;
	if (q->room > RING_KEEP)
		ring_resize(q, RING_FIRST);
}

static char *add(struct send_queue *q, void *ticket, size_t size, bool reported)
{
	struct send_block *block = block_for(q, size);
	char *octets = block->octets + block->used;

	if (q->end - q->first == q->room)
		ring_resize(q, q->room ? 2 * q->room : RING_FIRST);
	*message(q, q->end++) = (struct send_message){.ticket = ticket,
		.octets = octets,
		.size = (uint32_t)size,
		.reported = reported};
	block->used += size;
	block->messages++;
	q->count += !reported;
	q->bytes += reported ? 0 : size;
	q->waiting += size;
	q->held += size;
	return octets;
}

char *send_queue_add(struct send_queue *q, void *ticket, size_t size)
{
	return add(q, ticket, size, false);
}

static size_t add_copies(struct send_queue *q, const struct send_queue *from,
	uint64_t first, uint64_t end)
{
	for (uint64_t i = first; i != end; i++) {
		const struct send_message *m = message(from, i);

		memcpy(add(q, NULL, m->size, true), m->octets, m->size);
	}
	return (size_t)(end - first);
}

void send_queue_copy_kept(const struct send_queue *q, struct send_queue *to)
{
	(void)add_copies(to, q, q->first, q->unconfirmed);
}

size_t send_queue_add_again(struct send_queue *q, const struct send_queue *from)
{
	return add_copies(q, from, from->first, from->end);
}

size_t send_queue_take(
	struct send_queue *q, const char **octets, char *spare, size_t room)
{
	size_t done = 0;

	while (q->untaken != q->end && done < room) {
		struct send_message *m = message(q, q->untaken);
		const char *from = m->octets + q->untaken_at;
		size_t n = m->size - q->untaken_at;

		if (n > room - done)
			n = room - done;
		if (!done) {
			*octets = from;
		} else if (*octets == spare || from != *octets + done) {
			if (*octets != spare)
				*octets = memcpy(spare, *octets, done);
			memcpy(spare + done, from, n);
		}
		done += n;
		q->untaken_at += n;
		q->taken += n;
		if (q->untaken_at == m->size) {
			m->at.end = q->taken;
			q->untaken++;
			q->untaken_at = 0;
		}
	}
	q->waiting -= done;
	return done;
}

size_t send_queue_rest(const struct send_queue *q)
{
	return q->untaken == q->end ? 0 : message(q, q->untaken)->size - q->untaken_at;
}

size_t send_queue_take_whole(struct send_queue *q, const char **octets, size_t room)
{
	size_t done = 0;

	for (; q->untaken != q->end; q->untaken++) {
		struct send_message *m = message(q, q->untaken);

		if (!done)
			*octets = m->octets;
		else if (m->octets != *octets + done || m->size > room - done)
			break;
		done += m->size;
		q->taken += m->size;
		m->at.end = q->taken;
		m->refused = false;
		if (done >= room) {
			q->untaken++;
			break;
		}
	}
	q->waiting -= done;
	return done;
}

size_t send_queue_next(const struct send_queue *q)
{
	return q->untaken != q->end ? message(q, q->untaken)->size : 0;
}

size_t send_queue_begun(const struct send_queue *q)
{
	return q->untaken_at ? send_queue_rest(q) : 0;
}

void send_queue_handed(struct send_queue *q, uint64_t position, uint64_t mark)
{
	while (q->unhanded != q->untaken && message(q, q->unhanded)->at.end <= position)
		message(q, q->unhanded++)->at.mark = mark;
}

uint64_t send_queue_whole(const struct send_queue *q, uint64_t position)
{
	/* Where `unhanded` begins: what was taken, less all from there on that was taken. */
	uint64_t start = q->taken - q->untaken_at, whole;

	for (uint64_t i = q->unhanded; i != q->untaken; i++)
		start -= message(q, i)->size;
	whole = start;
	for (uint64_t i = q->unhanded;
		i != q->untaken && message(q, i)->at.end <= position; i++)
		whole = message(q, i)->at.end;
	return whole;
}

void send_queue_acknowledged(struct send_queue *q, uint64_t mark, int64_t now_ms)
{
	while (q->unacknowledged != q->unhanded) {
		struct send_message *m = message(q, q->unacknowledged);

		if (m->at.mark > mark)
			return;
		m->at.acknowledged_ms = now_ms;
		q->acknowledged_bytes += m->size;
		q->unacknowledged++;
	}
}

void send_queue_refuse(struct send_queue *q)
{
	message(q, q->untaken - 1)->refused = true;
}

bool send_queue_confirm(
	struct send_queue *q, int64_t acknowledged_ms, void **ticket, bool *refused)
{
	while (q->unconfirmed != q->unacknowledged) {
		struct send_message *m = message(q, q->unconfirmed);

		if (m->at.acknowledged_ms > acknowledged_ms)
			return false;
		q->unconfirmed++;
		q->acknowledged_bytes -= m->size;
		q->kept_bytes += m->size;
		if (m->reported) /* it went again only because it was kept */
			continue;
		m->reported = true;
		q->count--;
		q->bytes -= m->size;
		*ticket = m->ticket;
		*refused = m->refused;
		return true;
	}
	return false;
}

void send_queue_trim(struct send_queue *q, size_t keep)
{
	keep = keep > q->acknowledged_bytes ? keep - q->acknowledged_bytes : 0;
	while (q->first != q->unconfirmed) {
		size_t size = message(q, q->first)->size;

		if (q->kept_bytes - size < keep)
			return;
		q->kept_bytes -= size;
		free_first(q);
	}
	if (q->unconfirmed == q->end)
		spares_free(q);
}

size_t send_queue_rewind(struct send_queue *q, bool tail)
{
	uint64_t begun = q->untaken_at ? q->untaken + 1 : q->untaken;

	if (!tail)
		while (q->first != q->unconfirmed)
			free_first(q);
	q->kept_bytes = q->acknowledged_bytes = 0;
	q->unconfirmed = q->unacknowledged = q->unhanded = q->untaken = q->first;
	q->untaken_at = 0;
	q->taken = 0;
	q->waiting = q->held;
	return (size_t)(begun - q->first);
}
