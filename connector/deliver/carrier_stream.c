/* carrier_stream.c - tcp and tls: what the peer's kernel has acknowledged, settled, is confirmed. */
#include "config.h"

#include <stdlib.h>

#include "base/strbuf.h"
#include "deliver/carrier.h"
#include "deliver/conn.h"
#include "deliver/failover.h"
#include "deliver/former.h"

#define BATCH_TCP 65536
/* At most so much in one go, then the loop turns. */
#define FLUSH_MAXIMUM 1048576
#define CHECK_MIN_MS 10
#define CHECK_MAX_MS 100
/* What a peer may have acknowledged and lose unread when it is reset: payload up to the size of its
 * receive buffer, which it does not tell (net.ipv4.tcp_rmem of Linux ends at 6 MB). Its windows only
 * hint at it: 37 times the largest one was acknowledged unread (Linux 6.18, 100 octets a segment; 2 to
 * 12 times with whole messages). */
#define TAIL_WINDOWS 40

struct stream {
	struct carrier carrier;
	struct failover failover;
	struct former former;
	struct loop_timer check;
	bool blocked;
	uint64_t handed; /* octets of the queue that the kernel took */
	const char *batch; /* being written */
	char *spare;
	size_t batch_room, batch_n, batch_at;
	size_t held_back; /* what waited at the end of the last turn: less than a batch */
};

static struct stream *stream_of(struct carrier *carrier)
{
	return CONTAINER_OF(carrier, struct stream, carrier);
}

static void check_later(struct stream *stream)
{
	int64_t pause = stream->carrier.options->settle_ms / 4;

	if (loop_timer_is_set(&stream->check))
		return;
	if (pause > CHECK_MAX_MS)
		pause = CHECK_MAX_MS;
	if (pause < CHECK_MIN_MS)
		pause = CHECK_MIN_MS;
	loop_timer_set(stream->carrier.loop, &stream->check,
		loop_now_ms(stream->carrier.loop) + pause);
}

static size_t keep_bytes(const struct stream *stream, size_t window)
{
	size_t keep = window * TAIL_WINDOWS;

	return keep < stream->carrier.options->tail_bytes
		       ? keep
		       : stream->carrier.options->tail_bytes;
}

static void drain(struct stream *stream)
{
	if (failover_draining(&stream->failover) &&
		send_queue_settled(stream->carrier.queue)) {
		loop_timer_stop(stream->carrier.loop, &stream->check);
		failover_drained(&stream->failover);
	}
}

/* What the peer's kernel acknowledged, and what has settled since. */
static void on_check(struct loop_timer *timer)
{
	struct stream *stream = CONTAINER_OF(timer, struct stream, check);
	struct carrier *carrier = &stream->carrier;
	int64_t now = loop_now_ms(carrier->loop);
	/* A message that went again only because it was kept proves the connection too. */
	uint64_t unconfirmed = carrier->queue->unconfirmed;
	struct conn *conn = failover_conn(&stream->failover);
	struct conn_progress progress;
	struct error err;

	check_later(stream);
	/* An end that waits to be read: the next turn reads it. Nothing may count as healthy now. */
	if (!conn_progress(conn, &progress) || !progress.established)
		return;
	if (conn_silent(conn, &err)) {
		failover_end(&stream->failover, CONN_LOST, &err);
		return;
	}
	failover_stalled(&stream->failover, conn_stalled(conn, &err) ? &err : NULL);
	send_queue_acknowledged(carrier->queue,
		progress.outstanding ? progress.acknowledged : UINT64_MAX, now);
	carrier_confirm(carrier, now - carrier->options->settle_ms);
	send_queue_trim(carrier->queue, keep_bytes(stream, progress.window));
	if (carrier->queue->unconfirmed != unconfirmed)
		failover_works(&stream->failover);
	if (!send_queue_pending(carrier->queue) && !stream->blocked)
		loop_timer_stop(carrier->loop, &stream->check);
	drain(stream);
}

/* How much may be taken now: a batch, or what is left of the last message. */
static size_t room_of(const struct stream *stream)
{
	size_t begun;

	if (!failover_draining(&stream->failover))
		return stream->batch_room;
	begun = send_queue_begun(stream->carrier.queue);
	return begun < stream->batch_room ? begun : stream->batch_room;
}

/* Writes until the kernel takes no more, nothing waits, or it is another's turn. Without `part` what
 * does not fill a batch stays. */
static void stream_write(struct stream *stream, bool part)
{
	struct carrier *carrier = &stream->carrier;
	struct conn *conn = failover_conn(&stream->failover);
	size_t written = 0;
	struct conn_progress progress;
	struct error err;
	bool many = carrier->queue->waiting > stream->batch_room;

	if (many)
		conn_cork(conn, true);
	while (written < FLUSH_MAXIMUM && !stream->blocked) {
		size_t taken;
		enum conn_end end;
		enum rc rc;

		if (stream->batch_at == stream->batch_n) {
			if (!part && carrier->queue->waiting < stream->batch_room)
				break;
			stream->batch_at = 0;
			stream->batch_n = send_queue_take(carrier->queue,
				&stream->batch, stream->spare, room_of(stream));
			if (!stream->batch_n)
				break;
		}
		rc = conn_write(conn, stream->batch + stream->batch_at,
			stream->batch_n - stream->batch_at, &taken, &end, &err);
		if (rc == RC_AGAIN) {
			stream->blocked = true;
		} else if (rc != RC_OK) {
			failover_end(&stream->failover, end, &err);
			break;
		}
		stream->batch_at += taken;
		stream->handed += taken;
		written += taken;
	}
	if (many)
		conn_cork(conn, false);
	carrier->state->wire_bytes += written;
	if (!failover_ready(&stream->failover))
		return;
	if (carrier->queue->waiting && room_of(stream) && !stream->blocked)
		loop_defer(carrier->loop, carrier->flush_call);
	if (!written && !stream->blocked)
		return;
	if (conn_progress(conn, &progress))
		send_queue_handed(carrier->queue, stream->handed, progress.written);
	check_later(stream);
}

static void on_connected(struct carrier *carrier)
{
	struct stream *stream = stream_of(carrier);

	stream->blocked = false;
	stream->handed = 0;
	stream->batch_n = stream->batch_at = 0;
	stream_write(stream, true);
}

static void on_ended(struct carrier *carrier, enum conn_end end)
{
	struct stream *stream = stream_of(carrier);
	const char *address = carrier_address(carrier, stream->failover.used->place);

	if (end == CONN_CLOSED)
		former_add(&stream->former, failover_take(&stream->failover), address);
	carrier_rewind(carrier, end == CONN_LOST);
	loop_timer_stop(carrier->loop, &stream->check);
}

static void on_writable(struct carrier *carrier)
{
	struct stream *stream = stream_of(carrier);

	stream->blocked = false;
	stream_write(stream, true);
}

static void on_drain(struct carrier *carrier, bool on)
{
	if (on)
		drain(stream_of(carrier));
	else
		loop_defer(carrier->loop, carrier->flush_call);
}

/* What does not fill a batch waits a turn for more, and goes on waiting while more comes. */
static void stream_flush(struct carrier *carrier)
{
	struct stream *stream = stream_of(carrier);
	bool grows = carrier->queue->waiting > stream->held_back;

	failover_start(&stream->failover);
	if (!failover_ready(&stream->failover) || stream->blocked)
		return;
	stream_write(stream, !grows);
	stream->held_back = carrier->queue->waiting;
}

static void stream_free(struct carrier *carrier)
{
	struct stream *stream = stream_of(carrier);

	failover_clear(&stream->failover);
	former_clear(&stream->former);
	loop_timer_stop(carrier->loop, &stream->check);
	free(stream->spare);
	free(stream);
}

static void stream_start(struct carrier *carrier)
{
	static const struct failover_events events = {
		.connected = on_connected,
		.ended = on_ended,
		.writable = on_writable,
		.drain = on_drain,
	};
	struct stream *stream = stream_of(carrier);

	failover_init(&stream->failover, carrier, &events);
	former_init(&stream->former, carrier);
	/* One call of conn_write() is one TLS record. */
	stream->batch_room =
		transport_has(carrier->options->transport, TRANSPORT_HAS_TLS)
			? CONN_RECORD
			: BATCH_TCP;
	stream->spare = xmalloc(stream->batch_room);
	/* A collector that finds nobody would call that a fault. */
	if (transport_has(carrier->options->transport, TRANSPORT_LISTENS))
		failover_start(&stream->failover);
}

struct carrier *carrier_stream_new(void)
{
	static const struct carrier_type type = {
		stream_start, stream_flush, NULL, stream_free};
	struct stream *stream = xcalloc(1, sizeof(*stream));

	stream->carrier.type = &type;
	stream->check.fire = on_check;
	return &stream->carrier;
}
