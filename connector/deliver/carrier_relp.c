/* carrier_relp.c - relp and relp+tls: sessions of relp.h on connections of conn.h, one at a time. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "deliver/carrier.h"
#include "deliver/conn.h"
#include "deliver/relp.h"

#define BATCH_TCP 65536
/* At most so much in one go, then the loop turns. */
#define FLUSH_MAXIMUM 1048576
#define CHECK_MIN_MS 10
#define CHECK_MAX_MS 100
/* More than the window ever lets through. */
#define MOST_USUALLY (UINT64_MAX / 2)
/* A session that lasted so long works, even when there was nothing to confirm. */
#define STABLE_MIN_MS 1000
/* For the answer to close, at the end of the program. */
#define CLOSE_MS 200
#define CLOSE_READS 4

enum session_state {
	SESSION_IDLE,
	SESSION_CONNECTING, /* and until open is answered */
	SESSION_OPEN,
	SESSION_ENDED,
	SESSION_WAITING
};

struct session {
	struct carrier carrier;
	enum session_state state;
	size_t address; /* index of the one in use */
	struct conn *conn;
	struct loop_call ended;
	struct loop_timer retry, check, stable, answer;
	struct relp relp;
	bool is_stable; /* this session has proved itself */
	bool blocked; /* the kernel takes no more */
	bool full; /* the window was; it is filled again when half of it is free */
	uint64_t most; /* messages that are sent and not confirmed, at most */
	struct error error;
	char *batch; /* being written */
	size_t batch_room, batch_n, batch_at;
	size_t held_back; /* what waited at the end of the last turn: less than a batch */
};

static const char *address_of(const struct session *session)
{
	return session->carrier.options->addresses[session->address];
}

/* Every end goes this way: what there is to free may be in use further up the stack. */
static void session_end(struct session *session)
{
	struct loop *loop = session->carrier.loop;

	session->state = SESSION_ENDED;
	loop_timer_stop(loop, &session->check);
	loop_timer_stop(loop, &session->stable);
	loop_timer_stop(loop, &session->answer);
	loop_defer(loop, &session->ended);
}

static void session_works(struct session *session)
{
	if (session->is_stable)
		return;
	session->is_stable = true;
	loop_timer_stop(session->carrier.loop, &session->stable);
	carrier_works(&session->carrier, address_of(session));
}

/* With messages under way only a confirmation says that it works. */
static void on_stable(struct loop_timer *timer)
{
	struct session *session = CONTAINER_OF(timer, struct session, stable);

	if (!send_queue_pending(session->carrier.queue))
		session_works(session);
}

static void check_later(struct session *session)
{
	int64_t pause = session->carrier.options->settle_ms / 4;

	if (loop_timer_is_set(&session->check))
		return;
	if (pause > CHECK_MAX_MS)
		pause = CHECK_MAX_MS;
	if (pause < CHECK_MIN_MS)
		pause = CHECK_MIN_MS;
	loop_timer_set(session->carrier.loop, &session->check,
		loop_now_ms(session->carrier.loop) + pause);
}

/* The oldest message, or open, has this long for its answer from now on. */
static void await_answer(struct session *session)
{
	const struct destination_options *options = session->carrier.options;
	struct loop *loop = session->carrier.loop;

	if (session->state == SESSION_CONNECTING)
		loop_timer_set(loop, &session->answer,
			loop_now_ms(loop) + options->connect_timeout_ms);
	else if (relp_unanswered(&session->relp))
		loop_timer_set(loop, &session->answer,
			loop_now_ms(loop) + options->relp_timeout_ms);
	else
		loop_timer_stop(loop, &session->answer);
}

static void on_no_answer(struct loop_timer *timer)
{
	struct session *session = CONTAINER_OF(timer, struct session, answer);
	const struct destination_options *options = session->carrier.options;

	if (session->state == SESSION_CONNECTING)
		error_set(&session->error, RC_IO,
			"%s is connected, but open was not answered within %lld ms: "
			"is it a RELP listener?",
			address_of(session), (long long)options->connect_timeout_ms);
	else
		error_set(&session->error, RC_IO,
			"the collector at %s answered no message for %lld ms "
			"(relp_timeout): it may hang, or be full",
			address_of(session), (long long)options->relp_timeout_ms);
	session_end(session);
}

/* True when the message that comes next may be sent now. */
static bool may_begin(struct session *session)
{
	const struct send_queue *queue = session->carrier.queue;
	const struct relp *relp = &session->relp;

	if (relp_unanswered(relp) >= relp->window)
		session->full = true;
	return !session->full && queue->untaken - queue->unconfirmed < session->most;
}

/* Something can be written without an answer or a confirmation before. */
static bool has_more(struct session *session)
{
	bool begun;

	return session->batch_at < session->batch_n ||
	       (send_queue_rest(session->carrier.queue, &begun) &&
		       (begun || may_begin(session)));
}

/* Frames up to the size of a batch; the last one may be cut off there and go on in the next. False:
 * there is nothing to write, or without `part` not enough. */
static bool batch_fill(struct session *session, bool part)
{
	struct send_queue *queue = session->carrier.queue;
	char *to = session->batch, *end = to + session->batch_room;
	size_t rest;
	bool begun;

	session->batch_at = session->batch_n = 0;
	if (session->state != SESSION_OPEN)
		return false;
	if (!part && queue->waiting < session->batch_room)
		return false;
	while ((rest = send_queue_rest(queue, &begun)) > 0) {
		const char *octets;
		size_t n;

		if (!begun && (end - to < RELP_HEAD || !may_begin(session)))
			break;
		if (!begun)
			to += relp_message(&session->relp, rest, to);
		/* With its last octet goes the line feed. */
		n = (size_t)(end - to) - 1;
		n = send_queue_take(queue, &octets, to, rest < n ? rest : n);
		memcpy(to, octets, n);
		to += n;
		if (n < rest)
			break;
		*to++ = '\n';
		send_queue_handed(queue, queue->taken, session->relp.sent);
		if (end - to < RELP_HEAD)
			break;
	}
	session->batch_n = (size_t)(to - session->batch);
	return session->batch_n > 0;
}

/* Writes until the kernel takes no more, nothing may go, or it is another's turn. Without `part` what
 * does not fill a batch stays. */
static void session_write(struct session *session, bool part)
{
	struct carrier *carrier = &session->carrier;
	size_t written = 0;
	bool many = carrier->queue->waiting > session->batch_room;

	if (many)
		conn_cork(session->conn, true);
	while (written < FLUSH_MAXIMUM && !session->blocked) {
		size_t taken;
		enum conn_end end;
		enum rc rc;

		if (session->batch_at == session->batch_n && !batch_fill(session, part))
			break;
		rc = conn_write(session->conn, session->batch + session->batch_at,
			session->batch_n - session->batch_at, &taken, &end,
			&session->error);
		if (rc == RC_AGAIN) {
			session->blocked = true;
		} else if (rc != RC_OK) {
			session_end(session);
			break;
		}
		session->batch_at += taken;
		written += taken;
	}
	if (many)
		conn_cork(session->conn, false);
	carrier->state->wire_bytes += written;
	if (session->state != SESSION_OPEN)
		return;
	if (!session->blocked && has_more(session))
		loop_defer(carrier->loop, carrier->flush_call);
	if (!loop_timer_is_set(&session->answer))
		await_answer(session);
	if (relp_unanswered(&session->relp))
		check_later(session);
}

/* What was answered counts while the connection is healthy, and what has settled is confirmed. */
static void on_check(struct loop_timer *timer)
{
	struct session *session = CONTAINER_OF(timer, struct session, check);
	struct carrier *carrier = &session->carrier;
	uint64_t confirmed = carrier->state->confirmed;
	struct conn_progress progress;

	check_later(session);
	/* An end that waits to be read: the next turn reads it. Nothing may count as healthy now. */
	if (!conn_progress(session->conn, &progress) || !progress.established)
		return;
	if (conn_silent(session->conn, &session->error)) {
		session_end(session);
		return;
	}
	carrier_confirm(
		carrier, loop_now_ms(carrier->loop) - carrier->options->settle_ms);
	send_queue_trim(carrier->queue, 0);
	confirmed = carrier->state->confirmed - confirmed;
	session->most += confirmed;
	if (confirmed)
		session_works(session);
	if (!session->blocked && has_more(session))
		loop_defer(carrier->loop, carrier->flush_call);
	if (!send_queue_pending(carrier->queue))
		loop_timer_stop(carrier->loop, &session->check);
}

static void session_opened(struct session *session)
{
	struct carrier *carrier = &session->carrier;
	int64_t stable = carrier->options->settle_ms;

	if (stable < STABLE_MIN_MS)
		stable = STABLE_MIN_MS;
	session->state = SESSION_OPEN;
	carrier->state->connected = true;
	carrier->state->connects++;
	snprintf(carrier->state->address, sizeof(carrier->state->address), "%s",
		address_of(session));
	log_write(carrier->in_trouble ? LOG_DEBUG : LOG_INFO,
		"connected to a destination", "destination=%s address=%s",
		carrier->options->name, address_of(session));
	loop_timer_set(
		carrier->loop, &session->stable, loop_now_ms(carrier->loop) + stable);
	loop_defer(carrier->loop, carrier->flush_call);
}

/* All that was answered in turn; how far the window has opened. */
static void take_answers(struct session *session)
{
	struct carrier *carrier = &session->carrier;
	const struct relp *relp = &session->relp;

	send_queue_acknowledged(
		carrier->queue, relp->answered, loop_now_ms(carrier->loop));
	if (relp_unanswered(relp) <= relp->window / 2)
		session->full = false;
	await_answer(session);
	if (!session->blocked && has_more(session))
		loop_defer(carrier->loop, carrier->flush_call);
}

static void on_received(void *context, const char *p, size_t n)
{
	struct session *session = context;
	struct relp *relp = &session->relp;
	uint64_t answered = relp->answered;
	enum rc rc;

	if (session->state != SESSION_CONNECTING && session->state != SESSION_OPEN)
		return;
	rc = relp_receive(relp, p, n, &session->error);
	if (session->state == SESSION_CONNECTING && relp->state == RELP_OPEN) {
		session_opened(session);
		await_answer(session);
	}
	if (relp->answered != answered)
		take_answers(session);
	if (rc != RC_OK) {
		error_wrap(&session->error, "the collector at %s", address_of(session));
		session_end(session);
	} else if (relp->refused) {
		error_set(&session->error, RC_PROTO,
			"the collector at %s refuses a message: \"%s\"; it stays "
			"unconfirmed and is sent again",
			address_of(session), relp->refusal);
		session_end(session);
	}
}

static void on_connected(void *context)
{
	struct session *session = context;

	session->is_stable = session->blocked = session->full = false;
	session->batch_at = 0;
	session->batch_n = relp_open(&session->relp, session->batch);
	await_answer(session);
	session_write(session, true);
}

static void on_conn_ended(void *context, enum conn_end end, const struct error *err)
{
	struct session *session = context;

	(void)end; /* what was answered was read, however it ended */
	session->error = *err;
	session_end(session);
}

static void on_writable(void *context)
{
	struct session *session = context;

	session->blocked = false;
	session_write(session, true);
}

static void session_connect(struct session *session)
{
	const struct destination_options *options = session->carrier.options;
	const struct conn_options to = {
		.address = address_of(session),
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
		.received = on_received,
		.context = session,
	};

	session->state = SESSION_CONNECTING;
	if (conn_open(session->carrier.loop, &to, &events, &session->conn,
		    &session->error) != RC_OK)
		session_end(session);
}

/* The next address at once; after the last one, or when there is only one, a wait. */
static void session_try_next(struct session *session)
{
	session->address =
		(session->address + 1) % session->carrier.options->address_count;
	if (session->address) {
		session_connect(session);
		return;
	}
	session->state = SESSION_WAITING;
	loop_timer_set(session->carrier.loop, &session->retry,
		carrier_retry_at_ms(&session->carrier));
}

static void on_ended(struct loop_call *call)
{
	struct session *session = CONTAINER_OF(call, struct session, ended);
	struct carrier *carrier = &session->carrier;
	bool was_connected = carrier->state->connected, proved = session->is_stable;

	conn_close(session->conn);
	session->conn = NULL;
	carrier_trouble(
		carrier, session->address, address_of(session), &session->error);
	if (was_connected) {
		/* Perhaps at one of the messages: what is before it must get through, and what is
		 * behind it must not come again each time. So one is sent until it is confirmed,
		 * then two, four and so on. */
		if (session->relp.refused || !proved)
			session->most = 1;
		carrier->state->breaks++;
		carrier_rewind(carrier, false);
	}
	session->is_stable = false;
	if (was_connected && proved) {
		/* It worked until now: perhaps the collector restarts. From the first address, at
		 * once. */
		session->address = 0;
		session_connect(session);
		return;
	}
	session_try_next(session);
}

static void on_retry(struct loop_timer *timer)
{
	session_connect(CONTAINER_OF(timer, struct session, retry));
}

/* What does not fill a batch waits a turn for more, and goes on waiting while more comes. */
static void relp_flush(struct carrier *carrier)
{
	struct session *session = CONTAINER_OF(carrier, struct session, carrier);
	bool grows = carrier->queue->waiting > session->held_back;

	if (session->state == SESSION_IDLE)
		session_connect(session);
	if (session->state != SESSION_OPEN || session->blocked)
		return;
	session_write(session, !grows);
	session->held_back = carrier->queue->waiting;
}

/* In order, when nothing is under way: a collector that does not get to answer close logs an error. */
static void session_close(struct session *session)
{
	struct relp *relp = &session->relp;
	char frame[RELP_HEAD];
	size_t taken;
	enum conn_end end;
	bool begun;

	if (session->state != SESSION_OPEN || session->batch_at < session->batch_n ||
		relp_unanswered(relp) ||
		(send_queue_rest(session->carrier.queue, &begun) && begun))
		return;
	if (conn_write(session->conn, frame, relp_close(relp, frame), &taken, &end,
		    &session->error) != RC_OK)
		return;
	for (int i = 0; i < CLOSE_READS; i++)
		if (session->state != SESSION_OPEN || relp->state != RELP_CLOSING ||
			!conn_wait(session->conn, CLOSE_MS))
			return;
}

static void relp_carrier_free(struct carrier *carrier)
{
	struct session *session = CONTAINER_OF(carrier, struct session, carrier);

	session_close(session);
	conn_close(session->conn);
	loop_timer_stop(carrier->loop, &session->retry);
	loop_timer_stop(carrier->loop, &session->check);
	loop_timer_stop(carrier->loop, &session->stable);
	loop_timer_stop(carrier->loop, &session->answer);
	loop_defer_cancel(carrier->loop, &session->ended);
	relp_clear(&session->relp);
	free(session->batch);
	free(session);
}

static void relp_start(struct carrier *carrier)
{
	struct session *session = CONTAINER_OF(carrier, struct session, carrier);

	/* One call of conn_write() is one TLS record. */
	session->batch_room =
		transport_has(carrier->options->transport, TRANSPORT_HAS_TLS)
			? CONN_RECORD
			: BATCH_TCP;
	session->batch = xmalloc(session->batch_room);
	relp_init(&session->relp, carrier->options->relp_window);
}

struct carrier *carrier_relp_new(void)
{
	static const struct carrier_type type = {
		relp_start, relp_flush, relp_carrier_free};
	struct session *session = xcalloc(1, sizeof(*session));

	session->carrier.type = &type;
	session->most = MOST_USUALLY;
	session->ended.run = on_ended;
	session->retry.fire = on_retry;
	session->check.fire = on_check;
	session->stable.fire = on_stable;
	session->answer.fire = on_no_answer;
	return &session->carrier;
}
