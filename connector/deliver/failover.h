/* failover.h - which of a destination's addresses a carrier is connected to.
 *
 * Purpose:  connects to the addresses in their order: the next one at once when one fails, after the
 *           last one all again with backoff, for ever. While a later address is in use the earlier
 *           ones are tried with backoff. When one takes a connection, opens a session where there is
 *           one to open, and keeps it for a while, the carrier moves there: it is asked to drain,
 *           then the old connection is closed for writing, and once its collector has closed it too,
 *           which has then read everything, the new one is in use. So nothing is lost and nothing
 *           goes again. An old connection that ends in another way, or not within
 *           connect_timeout_ms, has broken like any other.
 * Stalled:  a collector that takes nothing for dead_after_ms while messages wait is left as soon as
 *           another address takes a connection and keeps it for a while; until then, and with one
 *           address, it is waited for. That connect() succeeds there says nothing of a collector that
 *           stalled: it is returned to after a delay that doubles each time it stalls again.
 * Owner:    embedded in its carrier; connections belong to it.
 * Threads:  none.   Tests: unit/test_failover.c; unit/test_stall.c */
#ifndef DELIVER_FAILOVER_H
#define DELIVER_FAILOVER_H

#include "deliver/carrier.h"
#include "deliver/conn.h"

/* One is in use; the other leads to an address that is tried. */
#define FAILOVER_LINKS 2

struct failover_link {
	struct failover *failover;
	struct conn *conn;
	size_t place; /* of its address in the carrier's order */
	int64_t since_ms;
};

struct failover_events {
	/* There is a connection, in use or tried, on which a session must be opened before it is of
	 * use: failover_opened(), within connect_timeout_ms. NULL: it is of use at once. */
	void (*open)(struct carrier *carrier, struct failover_link *link);
	/* There is a connection to use: failover_conn(). */
	void (*connected)(struct carrier *carrier);
	/* It has gone. After CONN_CLOSED the collector has probably read all that was acknowledged;
	 * who wants to be sure takes the connection: failover_take(). */
	void (*ended)(struct carrier *carrier, enum conn_end end);
	void (*writable)(struct carrier *carrier);
	/* The collector says something on a connection, in use or tried. NULL: nobody asks. */
	void (*received)(struct carrier *carrier, struct failover_link *link,
		const char *p, size_t n);
	/* on: take nothing more from the queue but the rest of a message that was begun; call
	 * failover_drained() when all that was taken is confirmed, also from here.
	 * Not on: go on as before. */
	void (*drain)(struct carrier *carrier, bool on);
};

enum failover_state {
	FAILOVER_IDLE,
	FAILOVER_CONNECTING,
	FAILOVER_OPENING,
	FAILOVER_CONNECTED,
	FAILOVER_CLOSING, /* for writing; what was sent is confirmed */
	FAILOVER_ENDED,
	FAILOVER_WAITING
};

/* The way back to an earlier address. */
enum failover_back {
	BACK_NONE,
	BACK_WAITING,
	BACK_CONNECTING,
	BACK_OPENING,
	BACK_CONNECTED, /* of use, if it stays so for a while */
	BACK_DRAINING,
	BACK_ENDED
};

/* A collector that stalled, by place. */
struct failover_stall {
	unsigned times; /* in a row */
	int64_t until_ms; /* until then it is not returned to */
};

struct failover {
	struct carrier *carrier;
	const struct failover_events *events;
	enum failover_state state;
	enum failover_back back;
	struct failover_link links[FAILOVER_LINKS], *used, *tried;
	bool proved; /* the one in use works */
	bool drained; /* all that was sent on it is confirmed */
	bool stopped;
	bool stalled; /* the one in use takes nothing: any other is better */
	int64_t stalled_since_ms;
	struct failover_stall stalls[DESTINATION_ADDRESSES];
	unsigned tries; /* to get back, in a row */
	enum conn_end end;
	struct error error, tried_error, stall_error;
	struct loop_call ended, tried_ended;
	struct loop_timer retry, stable, back_timer;
};

void failover_init(struct failover *failover, struct carrier *carrier,
	const struct failover_events *events);
void failover_clear(struct failover *failover);

/* From now on nothing new is connected to. */
void failover_stop(struct failover *failover);
/* Connects, if it has never done so. */
void failover_start(struct failover *failover);
/* The session is open. */
void failover_opened(struct failover_link *link);
/* This connection, in use or tried, has broken, or its collector said what it may not. Any time. */
void failover_link_end(
	struct failover_link *link, enum conn_end end, const struct error *err);
/* The connection in use was found to be broken, or breaks by the carrier's will. Any time. */
void failover_end(
	struct failover *failover, enum conn_end end, const struct error *err);
/* The one in use takes nothing, as err says; or it does again (NULL). Nothing is new when it is said
 * again. */
void failover_stalled(struct failover *failover, const struct error *err);
/* The carrier is about to end the connection because the collector has done nothing since then. */
void failover_shun(struct failover *failover, int64_t since_ms);
/* From ended(): the connection that has gone is the caller's now. */
struct conn *failover_take(struct failover *failover);
/* Something was confirmed on the connection in use. */
void failover_works(struct failover *failover);
void failover_drained(struct failover *failover);

static inline struct conn *failover_conn(const struct failover *failover)
{
	return failover->used->conn;
}

/* The connection may be written to. */
static inline bool failover_ready(const struct failover *failover)
{
	return failover->state == FAILOVER_CONNECTED;
}

static inline bool failover_draining(const struct failover *failover)
{
	return failover->back == BACK_DRAINING;
}

#endif
