/* carrier_stream.c - tcp and tls: the addresses in order, one connection at a time. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "deliver/carrier.h"
#include "deliver/conn.h"

#define BATCH_TCP 65536
/* At most so much in one go, then the loop turns. */
#define FLUSH_MAXIMUM 1048576
#define CHECK_MIN_MS 10
#define CHECK_MAX_MS 100
/* A connection that lasted so long works, even when there was nothing to confirm. */
#define STABLE_MIN_MS 1000
/* What a peer may have acknowledged and lose unread when it is reset: payload up to the size of its
 * receive buffer, which it does not tell (net.ipv4.tcp_rmem of Linux ends at 6 MB). Its windows only
 * hint at it: 37 times the largest one was acknowledged unread (Linux 6.18, 100 octets a segment; 2 to
 * 12 times with whole messages). */
#define TAIL_WINDOWS 40

enum stream_state {
	STREAM_IDLE,
	STREAM_CONNECTING,
	STREAM_CONNECTED,
	STREAM_ENDED,
	STREAM_WAITING
};

struct stream {
	struct carrier carrier;
	enum stream_state state;
	size_t address; /* index of the one in use */
	struct conn *conn;
	struct loop_call ended;
	struct loop_timer retry, check, stable;
	bool is_stable; /* this connection has proved itself */
	bool blocked;
	enum conn_end end;
	struct error error;
	uint64_t handed; /* octets of the queue that the kernel took */
	const char *batch; /* being written */
	char *spare;
	size_t batch_room, batch_n, batch_at;
	size_t held_back; /* what waited at the end of the last turn: less than a batch */
};

static const char *address_of(const struct stream *stream)
{
	return stream->carrier.options->addresses[stream->address];
}

/* Every end goes this way: what there is to free may be in use further up the stack. */
static void stream_end(struct stream *stream, enum conn_end end)
{
	stream->state = STREAM_ENDED;
	stream->end = end;
	loop_timer_stop(stream->carrier.loop, &stream->check);
	loop_timer_stop(stream->carrier.loop, &stream->stable);
	loop_defer(stream->carrier.loop, &stream->ended);
}

static void stream_works(struct stream *stream)
{
	if (stream->is_stable)
		return;
	stream->is_stable = true;
	loop_timer_stop(stream->carrier.loop, &stream->stable);
	carrier_works(&stream->carrier, address_of(stream));
}

static void on_stable(struct loop_timer *timer)
{
	stream_works(CONTAINER_OF(timer, struct stream, stable));
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

/* What the peer's kernel acknowledged, and what has settled since. */
static void on_check(struct loop_timer *timer)
{
	struct stream *stream = CONTAINER_OF(timer, struct stream, check);
	struct carrier *carrier = &stream->carrier;
	int64_t now = loop_now_ms(carrier->loop);
	uint64_t confirmed = carrier->state->confirmed;
	struct conn_progress progress;

	check_later(stream);
	/* An end that waits to be read: the next turn reads it. Nothing may count as healthy now. */
	if (!conn_progress(stream->conn, &progress) || !progress.established)
		return;
	if (conn_silent(stream->conn, &stream->error)) {
		stream_end(stream, CONN_LOST);
		return;
	}
	send_queue_acknowledged(carrier->queue,
		progress.outstanding ? progress.acknowledged : UINT64_MAX, now);
	carrier_confirm(carrier, now - carrier->options->settle_ms);
	send_queue_trim(carrier->queue, keep_bytes(stream, progress.window));
	if (carrier->state->confirmed != confirmed)
		stream_works(stream);
	if (!send_queue_pending(carrier->queue) && !stream->blocked)
		loop_timer_stop(carrier->loop, &stream->check);
}

/* Writes until the kernel takes no more, nothing waits, or it is another's turn. Without `part` what
 * does not fill a batch stays. */
static void stream_write(struct stream *stream, bool part)
{
	struct carrier *carrier = &stream->carrier;
	size_t written = 0;
	struct conn_progress progress;
	bool many = carrier->queue->waiting > stream->batch_room;

	if (many)
		conn_cork(stream->conn, true);
	while (written < FLUSH_MAXIMUM && !stream->blocked) {
		size_t taken;
		enum conn_end end;
		enum rc rc;

		if (stream->batch_at == stream->batch_n) {
			if (!part && carrier->queue->waiting < stream->batch_room)
				break;
			stream->batch_at = 0;
			stream->batch_n = send_queue_take(carrier->queue,
				&stream->batch, stream->spare, stream->batch_room);
			if (!stream->batch_n)
				break;
		}
		rc = conn_write(stream->conn, stream->batch + stream->batch_at,
			stream->batch_n - stream->batch_at, &taken, &end,
			&stream->error);
		if (rc == RC_AGAIN) {
			stream->blocked = true;
		} else if (rc != RC_OK) {
			stream_end(stream, end);
			break;
		}
		stream->batch_at += taken;
		stream->handed += taken;
		written += taken;
	}
	if (many)
		conn_cork(stream->conn, false);
	carrier->state->wire_bytes += written;
	if (stream->state != STREAM_CONNECTED)
		return;
	if (carrier->queue->waiting && !stream->blocked)
		loop_defer(carrier->loop, carrier->flush_call);
	if (!written && !stream->blocked)
		return;
	if (conn_progress(stream->conn, &progress))
		send_queue_handed(carrier->queue, stream->handed, progress.written);
	check_later(stream);
}

static void on_connected(void *context)
{
	struct stream *stream = context;
	struct carrier *carrier = &stream->carrier;
	int64_t stable = carrier->options->settle_ms;
	struct conn_progress progress;

	if (stable < STABLE_MIN_MS)
		stable = STABLE_MIN_MS;
	stream->state = STREAM_CONNECTED;
	stream->is_stable = stream->blocked = false;
	stream->handed = 0;
	stream->batch_n = stream->batch_at = 0;
	carrier->state->connected = true;
	carrier->state->connects++;
	snprintf(carrier->state->address, sizeof(carrier->state->address), "%s",
		address_of(stream));
	log_write(carrier->in_trouble ? LOG_DEBUG : LOG_INFO,
		"connected to a destination", "destination=%s address=%s",
		carrier->options->name, address_of(stream));
	(void)!conn_progress(stream->conn, &progress); /* the first window counts too */
	loop_timer_set(
		carrier->loop, &stream->stable, loop_now_ms(carrier->loop) + stable);
	stream_write(stream, true);
}

static void on_conn_ended(void *context, enum conn_end end, const struct error *err)
{
	struct stream *stream = context;

	stream->error = *err;
	stream_end(stream, end);
}

static void on_writable(void *context)
{
	struct stream *stream = context;

	stream->blocked = false;
	stream_write(stream, true);
}

static void stream_connect(struct stream *stream)
{
	const struct destination_options *options = stream->carrier.options;
	const struct conn_options to = {
		.address = address_of(stream),
		.tls = transport_has(options->transport, TRANSPORT_HAS_TLS),
		.ca_file = options->ca_file,
		.cert_file = options->cert_file,
		.key_file = options->key_file,
		.key_password_file = options->key_password_file,
		.tls_name = options->tls_name,
		.timeout_ms = options->connect_timeout_ms,
	};
	const struct conn_events events = {
		.connected = on_connected,
		.ended = on_conn_ended,
		.writable = on_writable,
		.context = stream,
	};

	stream->state = STREAM_CONNECTING;
	if (conn_open(stream->carrier.loop, &to, &events, &stream->conn,
		    &stream->error) != RC_OK)
		stream_end(stream, CONN_CLOSED);
}

/* The next address at once; after the last one, or when there is only one, a wait. */
static void stream_try_next(struct stream *stream)
{
	stream->address =
		(stream->address + 1) % stream->carrier.options->address_count;
	if (stream->address) {
		stream_connect(stream);
		return;
	}
	stream->state = STREAM_WAITING;
	loop_timer_set(stream->carrier.loop, &stream->retry,
		carrier_retry_at_ms(&stream->carrier));
}

static void on_ended(struct loop_call *call)
{
	struct stream *stream = CONTAINER_OF(call, struct stream, ended);
	struct carrier *carrier = &stream->carrier;
	bool was_connected = carrier->state->connected, proved = stream->is_stable;

	conn_close(stream->conn);
	stream->conn = NULL;
	stream->is_stable = false;
	carrier_trouble(carrier, stream->address, address_of(stream), &stream->error);
	if (was_connected) {
		carrier->state->breaks++;
		carrier_rewind(carrier, stream->end == CONN_LOST);
	}
	if (was_connected && proved) {
		/* It worked until now: perhaps the collector restarts. From the first address, at once. */
		stream->address = 0;
		stream_connect(stream);
		return;
	}
	stream_try_next(stream);
}

static void on_retry(struct loop_timer *timer)
{
	stream_connect(CONTAINER_OF(timer, struct stream, retry));
}

/* What does not fill a batch waits a turn for more, and goes on waiting while more comes. */
static void stream_flush(struct carrier *carrier)
{
	struct stream *stream = CONTAINER_OF(carrier, struct stream, carrier);
	bool grows = carrier->queue->waiting > stream->held_back;

	if (stream->state == STREAM_IDLE)
		stream_connect(stream);
	if (stream->state != STREAM_CONNECTED || stream->blocked)
		return;
	stream_write(stream, !grows);
	stream->held_back = carrier->queue->waiting;
}

static void stream_free(struct carrier *carrier)
{
	struct stream *stream = CONTAINER_OF(carrier, struct stream, carrier);

	conn_close(stream->conn);
	loop_timer_stop(carrier->loop, &stream->retry);
	loop_timer_stop(carrier->loop, &stream->check);
	loop_timer_stop(carrier->loop, &stream->stable);
	loop_defer_cancel(carrier->loop, &stream->ended);
	free(stream->spare);
	free(stream);
}

static void stream_start(struct carrier *carrier)
{
	struct stream *stream = CONTAINER_OF(carrier, struct stream, carrier);

	/* One call of conn_write() is one TLS record. */
	stream->batch_room =
		transport_has(carrier->options->transport, TRANSPORT_HAS_TLS)
			? CONN_RECORD
			: BATCH_TCP;
	stream->spare = xmalloc(stream->batch_room);
}

struct carrier *carrier_stream_new(void)
{
	static const struct carrier_type type = {
		stream_start, stream_flush, stream_free};
	struct stream *stream = xcalloc(1, sizeof(*stream));

	stream->carrier.type = &type;
	stream->ended.run = on_ended;
	stream->retry.fire = on_retry;
	stream->check.fire = on_check;
	stream->stable.fire = on_stable;
	return &stream->carrier;
}
