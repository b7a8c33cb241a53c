/* former.h - connections that their collector has ended, while it may still throw away what it has not
 * read.
 *
 * Purpose:  a FIN says that the collector sends nothing more, not that it has read everything: it may
 *           shut the connection down now and close it, with messages unread, much later. Its kernel
 *           tells of that with a reset. So such a connection stays open and silent for dead_after_ms,
 *           beside copies of the messages that were confirmed and may be lost with it; at a reset they
 *           are queued again, behind what waits. Meanwhile the carrier goes on elsewhere.
 * Bounds:   FORMER_MAX connections and tail_bytes in all: the oldest is given up first.
 * Owner:    embedded in its carrier, to whose queue and state it adds.
 * Threads:  none.   Source: RFC 1122 4.2.2.13, RFC 2525 2.17.   Tests: unit/test_destination.c */
#ifndef DELIVER_FORMER_H
#define DELIVER_FORMER_H

#include "deliver/carrier.h"
#include "deliver/conn.h"

#define FORMER_MAX 4

struct former_conn;

struct former {
	struct carrier *carrier;
	struct former_conn *conns[FORMER_MAX]; /* the oldest first */
	size_t count, bytes;
};

void former_init(struct former *former, struct carrier *carrier);
void former_clear(struct former *former);

/* Takes the connection, which ended with CONN_CLOSED; before the queue is rewound. address: its name,
 * which stays. */
void former_add(struct former *former, struct conn *conn, const char *address);

#endif
