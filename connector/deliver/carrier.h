/* carrier.h - what carries a destination's queue away: a stream to a collector, or a file.
 *
 * Purpose:  the small table behind destination.c, and what all carriers do alike: report, say
 *           trouble once per change, wait with backoff.
 * Owner:    a carrier belongs to its destination; its queue, options and state are borrowed.
 * Threads:  none. */
#ifndef DELIVER_CARRIER_H
#define DELIVER_CARRIER_H

#include "deliver/destination.h"
#include "deliver/send_queue.h"

struct carrier;

struct carrier_type {
	/* The common part is filled. */
	void (*start)(struct carrier *carrier);
	/* Messages wait in the queue: send what can be sent now. Called from the loop. */
	void (*flush)(struct carrier *carrier);
	/* Begins, when called first, to end the session in order; true when that is over, which it is
	 * before long. NULL: free() does it all. */
	bool (*close)(struct carrier *carrier);
	void (*free)(struct carrier *carrier);
};

/* What all carriers of a destination have said, so that each thing is said once. */
struct carrier_log {
	uint64_t said
		[DESTINATION_ADDRESSES]; /* digest of the trouble last said, by address */
	unsigned in_trouble; /* carriers */
	int64_t trouble_since_ms;
	uint64_t resent, resent_before; /* now and when the trouble began */
};

/* The common part, first in each carrier. */
struct carrier {
	const struct carrier_type *type;
	struct loop *loop;
	const struct destination_options *options;
	struct destination_events events;
	struct send_queue *queue;
	struct destination_state *state;
	struct carrier_log *log;
	struct loop_call *flush_call; /* loop_defer() it to be flushed again */
	bool reopen; /* destination_reopen() was called; who has a file sees to it */
	size_t number; /* of the destination's carriers, from 0 */

	unsigned failures; /* in a row */
	bool in_trouble;
};

struct carrier *carrier_stream_new(void);
struct carrier *carrier_relp_new(void);
struct carrier *carrier_udp_new(void);
struct carrier *carrier_file_new(void);

/* Reports everything that was acknowledged, or refused, at or before this time. */
void carrier_confirm(struct carrier *carrier, int64_t acknowledged_ms);
/* So many messages go again. */
void carrier_sent_again(struct carrier *carrier, size_t count);
/* After a break: rewinds the queue and counts what goes again. Returns its number. */
size_t carrier_rewind(struct carrier *carrier, bool tail);

/* The addresses in this carrier's order: the n-th begins with the n-th. Place 0 is its first. */
const char *carrier_address(const struct carrier *carrier, size_t place);
/* Nothing can be sent, for a reason at this place (`address`: its name; of a file its path). Logs it
 * when it is not what was last said of this address. */
void carrier_trouble(struct carrier *carrier, size_t place, const char *address,
	const struct error *err);
/* The same of an address that would be better than the one in use. */
void carrier_passed_over(struct carrier *carrier, size_t place, const char *address,
	const struct error *err);
/* It works (again): says so with the duration and what was sent again. */
void carrier_works(struct carrier *carrier, size_t place, const char *address);
/* When to try again: backoff with full jitter, 250 ms to 30 s. */
int64_t carrier_retry_at_ms(struct carrier *carrier);

#endif
