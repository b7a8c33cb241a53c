/* loop.h - the one loop: it waits for all transfers of libcurl and for our own descriptors.
 *
 * How:      poll() over our descriptors and one epoll descriptor that holds libcurl's sockets, so a
 *           turn costs what has news, not what is open (curl_multi_perform looks at everything).
 *
 * Purpose:  watches, timers, signals, transfers, deferred calls. Everything in this program runs
 *           from here, in one thread.
 * Owner:    watches, timers, transfers and calls are embedded in their owner's struct, which must
 *           take them out before it goes. No callback may free its own object: loop_defer() does.
 * Order of a turn: wait - transfers - watches - timers - signals - deferred calls.
 * Units:    monotonic milliseconds (base/clock.h). */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/list.h"

struct loop;

struct loop_watch {
	struct list node;
	int fd;
	/* CURL_WAIT_POLLIN | CURL_WAIT_POLLOUT; CURL_WAIT_POLLPRI alone waits for an error or a
	 * hang-up, 0 for nothing. */
	short events;
	void (*ready)(struct loop_watch *watch, short revents);
	bool active;
};

struct loop_timer {
	size_t slot; /* 1-based place in the heap; 0 = not set */
	void (*fire)(struct loop_timer *timer);
};

struct loop_transfer {
	CURL *easy;
	/* The transfer ended with this result; it is already out of the multi handle unless
	 * keep_in_multi was set (connections of CURLOPT_CONNECT_ONLY). */
	void (*done)(struct loop_transfer *transfer, CURLcode result);
	bool keep_in_multi;
	bool active;
};

struct loop_call {
	struct list node;
	void (*run)(struct loop_call *call);
	bool queued;
};

struct loop_signal {
	struct list node;
	int signo;
	void (*caught)(struct loop_signal *sig);
};

struct loop *loop_new(const struct clock *clock);
void loop_free(struct loop *loop);
const struct clock *loop_clock(const struct loop *loop);
static inline int64_t loop_now_ms(const struct loop *loop)
{
	return clock_mono_ms(loop_clock(loop));
}
/* At most this many connections are kept open for HTTPS. */
void loop_keep_connections(struct loop *loop, long count);

void loop_watch_add(struct loop *loop, struct loop_watch *watch);
void loop_watch_remove(struct loop *loop, struct loop_watch *watch);

/* Sets or moves a timer. A timer that fires is not set any more. */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t at_ms);
void loop_timer_stop(struct loop *loop, struct loop_timer *timer);
static inline bool loop_timer_is_set(const struct loop_timer *timer)
{
	return timer->slot != 0;
}

/* transfer->easy and ->done are filled by the caller. CURLOPT_PRIVATE is taken by the loop. */
NODISCARD enum rc loop_transfer_add(
	struct loop *loop, struct loop_transfer *transfer, struct error *err);
void loop_transfer_remove(struct loop *loop, struct loop_transfer *transfer);

/* Runs at the end of this turn, or at the end of the next when called from a deferred call. */
void loop_defer(struct loop *loop, struct loop_call *call);
void loop_defer_cancel(struct loop *loop, struct loop_call *call);

/* Blocks the signal and delivers it through the loop. */
void loop_signal_add(struct loop *loop, struct loop_signal *sig);
void loop_signal_remove(struct loop *loop, struct loop_signal *sig);

/* One turn, waiting at most max_wait_ms (-1: as long as nothing is due). */
NODISCARD enum rc loop_turn(struct loop *loop, int max_wait_ms, struct error *err);
/* Turns until loop_stop(). */
NODISCARD enum rc loop_run(struct loop *loop, struct error *err);
void loop_stop(struct loop *loop);

/* Uniform in [0, 1), for jitter; tests fix the seed. */
double loop_random(struct loop *loop);
void loop_seed(struct loop *loop, uint64_t seed);

#endif
