#include "config.h"

#include "deliver/former.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/strbuf.h"

struct former_conn {
	struct former *former;
	struct conn *conn;
	const char *address;
	struct send_queue tail;
	struct loop_timer until;
	struct loop_call lost;
};

static void give_up(struct former_conn *one)
{
	struct former *former = one->former;
	struct loop *loop = former->carrier->loop;
	size_t at = 0;

	while (former->conns[at] != one)
		at++;
	memmove(&former->conns[at], &former->conns[at + 1],
		(former->count - at - 1) * sizeof(one));
	former->count--;
	former->bytes -= one->tail.held;
	former->carrier->state->doubtful_bytes = former->bytes;
	loop_timer_stop(loop, &one->until);
	loop_defer_cancel(loop, &one->lost);
	conn_close(one->conn);
	send_queue_clear(&one->tail);
	free(one);
}

static void on_until(struct loop_timer *timer)
{
	give_up(CONTAINER_OF(timer, struct former_conn, until));
}

static void on_lost(struct loop_call *call)
{
	struct former_conn *one = CONTAINER_OF(call, struct former_conn, lost);
	struct carrier *carrier = one->former->carrier;
	size_t again = send_queue_add_again(carrier->queue, &one->tail);

	carrier_sent_again(carrier, again);
	log_write(LOG_WARNING,
		"a collector that had ended a connection has now closed it without "
		"reading all: what it may have lost is sent again",
		"destination=%s address=%s resent=%zu", carrier->options->name,
		one->address, again);
	loop_defer(carrier->loop, carrier->flush_call);
	give_up(one);
}

static void on_reset(void *context)
{
	struct former_conn *one = context;

	loop_defer(one->former->carrier->loop, &one->lost);
}

void former_init(struct former *former, struct carrier *carrier)
{
	*former = (struct former){.carrier = carrier};
}

void former_clear(struct former *former)
{
	while (former->count)
		give_up(former->conns[0]);
}

void former_add(struct former *former, struct conn *conn, const char *address)
{
	struct carrier *carrier = former->carrier;
	struct former_conn *one;

	if (!carrier->queue->kept_bytes) {
		conn_close(conn);
		return;
	}
	one = xcalloc(1, sizeof(*one));
	one->former = former;
	one->conn = conn;
	one->address = address;
	one->until.fire = on_until;
	one->lost.run = on_lost;
	if (!conn_linger(conn, on_reset, one)) {
		conn_close(conn);
		free(one);
		return;
	}
	while (former->count == FORMER_MAX ||
		(former->count && former->bytes + carrier->queue->kept_bytes >
					  carrier->options->tail_bytes))
		give_up(former->conns[0]);
	send_queue_init(&one->tail);
	send_queue_copy_kept(carrier->queue, &one->tail);
	former->conns[former->count++] = one;
	former->bytes += one->tail.held;
	carrier->state->doubtful_bytes = former->bytes;
	loop_timer_set(carrier->loop, &one->until,
		loop_now_ms(carrier->loop) + carrier->options->dead_after_ms);
}
