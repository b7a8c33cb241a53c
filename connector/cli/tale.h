/* tale.h - what a formatter tells of one message (fmt_message.trace), kept.
 *
 * Owner:    the tale owns copies of all that it was told, until it is told the next message's.
 * Bounds:   TALE_MAXIMUM octets in all; what is more is not kept, and is_whole says so. */
#ifndef CLI_TALE_H
#define CLI_TALE_H

#include <stdbool.h>

#include "base/arena.h"
#include "formats/format.h"

#define TALE_MAXIMUM (64u << 20)

struct tale {
	struct fmt_trace trace; /* what a formatter gets */
	struct arena strings;
	struct fmt_told *items;
	size_t count, room;
	bool is_whole;
};

void tale_init(struct tale *tale);
void tale_clear(struct tale *tale);

/* Two keys of one place in the message? */
static inline bool tale_same(const struct fmt_told *a, const struct fmt_told *b)
{
	return a->key.n == b->key.n && a->structured_data == b->structured_data &&
	       !memcmp(a->key.p, b->key.p, a->key.n);
}

#endif
