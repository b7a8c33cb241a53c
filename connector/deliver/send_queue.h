/* send_queue.h - the messages of one destination, from queued to confirmed.
 *
 * Purpose:  keeps order and forgets nothing. Every message passes these places, in order:
 *           queued - taken (copied to the transport's buffer) - handed (the kernel has all of it) -
 *           acknowledged (the peer's kernel has it) - confirmed (reported) - kept - freed.
 *           Kept are the last confirmed ones, as far as a peer may have lost them unread.
 *           After a break send_queue_rewind() makes everything unconfirmed queued again, whole
 *           messages from their first octet.
 * Owner:    octets lie in blocks, in order, what is known of each message in a ring beside them:
 *           confirming thousands touches no octet. Tickets are the sender's.
 * Memory:   blocks of SEND_BLOCK; a queue that holds much gets blocks of SEND_LARGE, each of which
 *           the kernel can give as one page. SEND_SPARES large ones that became free wait for the
 *           next messages: a page that is new costs the kernel more than what fills it. None
 *           waits once all is confirmed.
 * Units:    octets of the stream since the last rewind; marks are positions in what the transport
 *           counts; milliseconds.   Cost: constant per message and place.
 * Tests:    unit/test_send_queue.c */
#ifndef DELIVER_SEND_QUEUE_H
#define DELIVER_SEND_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEND_BLOCK 65536
#define SEND_LARGE 2097152
/* This much in small blocks first: a relay that has little to send stays small. */
#define SEND_SMALL_MAX (2 * SEND_LARGE)
#define SEND_SPARES 4

struct send_message;
struct send_block;

struct send_queue {
	struct send_message *ring;
	size_t room; /* of the ring, a power of two */
	/* Numbers of messages, in the order of sending: the first one here, the next one to come, and
	 * the first that is not yet confirmed, acknowledged, handed, wholly taken. */
	uint64_t first, end, unconfirmed, unacknowledged, unhanded, untaken;
	struct send_block *oldest, *newest, *spare;
	size_t spares;
	size_t untaken_at; /* octets of `untaken` that were taken */
	uint64_t taken; /* octets taken since the last rewind */
	size_t waiting; /* octets not taken yet */
	size_t held; /* octets of all messages, the kept ones too */
	size_t count, bytes; /* not reported yet */
	size_t acknowledged_bytes; /* acknowledged, not confirmed */
	size_t kept_bytes;
};

void send_queue_init(struct send_queue *q);
void send_queue_clear(struct send_queue *q);

/* A new message at the end; the caller fills the `size` octets that this returns. */
char *send_queue_add(struct send_queue *q, void *ticket, size_t size);

/* Gives the next octets, at most `room`, and counts them as taken. They stay where they lie in the
 * queue until confirmed, or are put together in `spare`, which has that room. 0: nothing waits. */
size_t send_queue_take(
	struct send_queue *q, const char **octets, char *spare, size_t room);

/* What is left to take of the message that comes next. 0: nothing waits. */
size_t send_queue_rest(const struct send_queue *q);
/* The same for whole messages that lie side by side: as many as have room, and the first in any case.
 * Nothing is copied. Not to be mixed with send_queue_take() between two rewinds. */
size_t send_queue_take_whole(struct send_queue *q, const char **octets, size_t room);
/* How many octets the next message has; 0: nothing waits. */
size_t send_queue_next(const struct send_queue *q);

/* Messages that end at or before this position of the stream are handed over with this mark. */
void send_queue_handed(struct send_queue *q, uint64_t position, uint64_t mark);
/* Where the last message that ends at or before this position ends: what is after it is torn. */
uint64_t send_queue_whole(const struct send_queue *q, uint64_t position);
/* Messages with a mark up to this one were acknowledged, seen at now_ms. */
void send_queue_acknowledged(struct send_queue *q, uint64_t mark, int64_t now_ms);
/* The message that was taken last cannot be sent: it passes the other places in its turn. */
void send_queue_refuse(struct send_queue *q);
/* Confirms the next message if it was acknowledged at or before this time, or tells that it was refused.
 * False: none. */
bool send_queue_confirm(
	struct send_queue *q, int64_t acknowledged_ms, void **ticket, bool *refused);
/* Frees confirmed messages but for as many of the last ones as make up, with those acknowledged since,
 * `keep` octets. */
void send_queue_trim(struct send_queue *q, size_t keep);

/* Everything unconfirmed is queued again; with `tail` the kept messages too, without it they are
 * freed. Returns how many messages of which octets were taken before will be taken again. */
size_t send_queue_rewind(struct send_queue *q, bool tail);

/* Adds copies of the kept messages to another queue, where they count as confirmed. */
void send_queue_copy_kept(const struct send_queue *q, struct send_queue *to);
/* Queues copies of all messages of another queue behind what waits, to be sent and not to be confirmed
 * again. Returns how many. */
size_t send_queue_add_again(struct send_queue *q, const struct send_queue *from);

/* Something was handed over and is not confirmed. */
static inline bool send_queue_pending(const struct send_queue *q)
{
	return q->unconfirmed != q->unhanded;
}

/* Octets that are left of a message of which some were taken. */
size_t send_queue_begun(const struct send_queue *q);

/* All that was taken is confirmed. */
static inline bool send_queue_settled(const struct send_queue *q)
{
	return q->unconfirmed == q->untaken && !q->untaken_at;
}

static inline bool send_queue_unacknowledged(const struct send_queue *q)
{
	return q->unacknowledged != q->unhanded;
}

#endif
