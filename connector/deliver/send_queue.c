#include "config.h"

#include "deliver/send_queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"

struct send_message {
	struct send_message *next;
	void *ticket;
	union {
		uint64_t end; /* taken: where it ends in the stream */
		uint64_t mark; /* handed */
		int64_t acknowledged_ms; /* acknowledged */
	} at;
	size_t size;
	bool reported;
	char octets[];
};

void send_queue_init(struct send_queue *q)
{
	*q = (struct send_queue){0};
	q->end = &q->first;
}

static void free_first(struct send_queue *q)
{
	struct send_message *message = q->first;

	q->first = message->next;
	if (!q->first)
		q->end = &q->first;
	q->held -= message->size;
	free(message);
}

void send_queue_clear(struct send_queue *q)
{
	while (q->first)
		free_first(q);
	send_queue_init(q);
}

char *send_queue_add(struct send_queue *q, void *ticket, size_t size)
{
	struct send_message *message = xmalloc(sizeof(*message) + size);

	message->next = NULL;
	message->ticket = ticket;
	message->size = size;
	message->reported = false;
	*q->end = message;
	q->end = &message->next;
	if (!q->untaken)
		q->untaken = message;
	if (!q->unhanded)
		q->unhanded = message;
	if (!q->unacknowledged)
		q->unacknowledged = message;
	if (!q->unconfirmed)
		q->unconfirmed = message;
	q->count++;
	q->bytes += size;
	q->waiting += size;
	q->held += size;
	return message->octets;
}

size_t send_queue_take(struct send_queue *q, char *to, size_t room)
{
	size_t done = 0;

	while (q->untaken && done < room) {
		struct send_message *message = q->untaken;
		size_t n = message->size - q->untaken_at;

		if (n > room - done)
			n = room - done;
		memcpy(to + done, message->octets + q->untaken_at, n);
		done += n;
		q->untaken_at += n;
		q->taken += n;
		if (q->untaken_at == message->size) {
			message->at.end = q->taken;
			q->untaken = message->next;
			q->untaken_at = 0;
		}
	}
	q->waiting -= done;
	return done;
}

void send_queue_handed(struct send_queue *q, uint64_t position, uint64_t mark)
{
	while (q->unhanded != q->untaken && q->unhanded->at.end <= position) {
		q->unhanded->at.mark = mark;
		q->unhanded = q->unhanded->next;
	}
}

uint64_t send_queue_whole(const struct send_queue *q, uint64_t position)
{
	/* Where `unhanded` begins: what was taken, less all from there on that was taken. */
	uint64_t start = q->taken - q->untaken_at, whole;

	for (const struct send_message *m = q->unhanded; m != q->untaken; m = m->next)
		start -= m->size;
	whole = start;
	for (const struct send_message *m = q->unhanded;
		m != q->untaken && m->at.end <= position; m = m->next)
		whole = m->at.end;
	return whole;
}

void send_queue_acknowledged(struct send_queue *q, uint64_t mark, int64_t now_ms)
{
	while (q->unacknowledged != q->unhanded && q->unacknowledged->at.mark <= mark) {
		q->unacknowledged->at.acknowledged_ms = now_ms;
		q->acknowledged_bytes += q->unacknowledged->size;
		q->unacknowledged = q->unacknowledged->next;
	}
}

bool send_queue_confirm(struct send_queue *q, int64_t acknowledged_ms, void **ticket)
{
	while (q->unconfirmed != q->unacknowledged &&
		q->unconfirmed->at.acknowledged_ms <= acknowledged_ms) {
		struct send_message *message = q->unconfirmed;

		q->unconfirmed = message->next;
		q->acknowledged_bytes -= message->size;
		q->kept_bytes += message->size;
		if (message->reported) /* it went again only because it was kept */
			continue;
		message->reported = true;
		q->count--;
		q->bytes -= message->size;
		*ticket = message->ticket;
		return true;
	}
	return false;
}

void send_queue_trim(struct send_queue *q, size_t keep)
{
	keep = keep > q->acknowledged_bytes ? keep - q->acknowledged_bytes : 0;
	while (q->first != q->unconfirmed && q->kept_bytes - q->first->size >= keep) {
		q->kept_bytes -= q->first->size;
		free_first(q);
	}
}

size_t send_queue_rewind(struct send_queue *q, bool tail)
{
	struct send_message *begun = q->untaken_at ? q->untaken->next : q->untaken;
	size_t again = 0;

	if (!tail)
		while (q->first != q->unconfirmed)
			free_first(q);
	for (const struct send_message *m = q->first; m != begun; m = m->next)
		again++;
	q->kept_bytes = q->acknowledged_bytes = 0;
	q->unconfirmed = q->unacknowledged = q->unhanded = q->untaken = q->first;
	q->untaken_at = 0;
	q->taken = 0;
	q->waiting = q->held;
	return again;
}
