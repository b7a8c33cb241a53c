/* carrier_relp.c - relp and relp+tls: what the collector itself has answered, settled, is confirmed. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "deliver/carrier.h"
#include "deliver/conn.h"
#include "deliver/failover.h"
#include "deliver/relp.h"

#define BATCH_TCP 65536
/* At most so much in one go, then the loop turns. */
#define FLUSH_MAXIMUM 1048576
#define CHECK_MIN_MS 10
#define CHECK_MAX_MS 100
/* More than the window ever lets through. */
#define MOST_USUALLY (UINT64_MAX / 2)
/* For the answer to close. */
#define CLOSE_MS 500

struct session {
	struct carrier carrier;
	struct failover failover;
	struct loop_timer check, answer;
	struct relp relps[FAILOVER_LINKS]; /* one for each link */
	bool closing; /* by relp_end() */
	int64_t close_by_ms;
	bool blocked; /* the kernel takes no more */
	bool full; /* the window was; it is filled again when half of it is free */
	uint64_t most; /* messages that are sent and not confirmed, at most */
	char *batch; /* being written */
	size_t batch_room, batch_n, batch_at;
	size_t held_back; /* what waited at the end of the last turn: less than a batch */
};

static struct session *session_of(struct carrier *carrier)
{
	return CONTAINER_OF(carrier, struct session, carrier);
}

static struct relp *relp_of(struct session *session, const struct failover_link *link)
{
	return &session->relps[link - session->failover.links];
}

static struct relp *relp_used(struct session *session)
{
	return relp_of(session, session->failover.used);
}

static const char *address_of(
	const struct session *session, const struct failover_link *link)
{
	return carrier_address(&session->carrier, link->place);
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

/* The oldest message has this long for its answer from now on. */
static void await_answer(struct session *session)
{
	struct loop *loop = session->carrier.loop;

	if (relp_unanswered(relp_used(session)))
		loop_timer_set(loop, &session->answer,
			loop_now_ms(loop) + session->carrier.options->relp_timeout_ms);
	else
		loop_timer_stop(loop, &session->answer);
}

static void on_no_answer(struct loop_timer *timer)
{
	struct session *session = CONTAINER_OF(timer, struct session, answer);
	struct error err;

	error_set(&err, RC_IO,
		"the collector at %s answered no message for %lld ms (relp_timeout): "
		"it may hang, or be full",
		address_of(session, session->failover.used),
		(long long)session->carrier.options->relp_timeout_ms);
	failover_shun(
		&session->failover, loop_now_ms(session->carrier.loop) -
					    session->carrier.options->relp_timeout_ms);
	failover_end(&session->failover, CONN_LOST, &err);
}

/* True when the message that comes next may be sent now. */
static bool may_begin(struct session *session)
{
	const struct send_queue *queue = session->carrier.queue;
	const struct relp *relp = relp_used(session);

	if (relp_unanswered(relp) >= relp->window)
		session->full = true;
	return !session->full && !failover_draining(&session->failover) &&
	       queue->untaken - queue->unconfirmed < session->most;
}

/* Something can be written without an answer or a confirmation before. */
static bool has_more(struct session *session)
{
	const struct send_queue *queue = session->carrier.queue;

	return session->batch_at < session->batch_n || send_queue_begun(queue) ||
	       (send_queue_rest(queue) && may_begin(session));
}

static void go_on(struct session *session)
{
	if (!session->blocked && has_more(session))
		loop_defer(session->carrier.loop, session->carrier.flush_call);
}

/* Frames up to the size of a batch; the last one may be cut off there and go on in the next. False:
 * there is nothing to write, or without `part` not enough. */
static bool batch_fill(struct session *session, bool part)
{
	struct send_queue *queue = session->carrier.queue;
	char *to = session->batch, *end = to + session->batch_room;
	size_t rest;

	session->batch_at = session->batch_n = 0;
	if (!part && queue->waiting < session->batch_room)
		return false;
	while ((rest = send_queue_rest(queue)) > 0) {
		bool begun = send_queue_begun(queue) > 0;
		const char *octets;
		size_t n;

		if (!begun && (end - to < RELP_HEAD || !may_begin(session)))
			break;
		if (!begun)
			to += relp_message(relp_used(session), rest, to);
		/* With its last octet goes the line feed. */
		n = (size_t)(end - to) - 1;
		n = send_queue_take(queue, &octets, to, rest < n ? rest : n);
		memcpy(to, octets, n);
		to += n;
		if (n < rest)
			break;
		*to++ = '\n';
		send_queue_handed(queue, queue->taken, relp_used(session)->sent);
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
	struct conn *conn = failover_conn(&session->failover);
	size_t written = 0;
	struct error err;
	bool many = carrier->queue->waiting > session->batch_room;

	if (many)
		conn_cork(conn, true);
	while (written < FLUSH_MAXIMUM && !session->blocked) {
		size_t taken;
		enum conn_end end;
		enum rc rc;

		if (session->batch_at == session->batch_n && !batch_fill(session, part))
			break;
		rc = conn_write(conn, session->batch + session->batch_at,
			session->batch_n - session->batch_at, &taken, &end, &err);
		if (rc == RC_AGAIN) {
			session->blocked = true;
		} else if (rc != RC_OK) {
			failover_end(&session->failover, end, &err);
			break;
		}
		session->batch_at += taken;
		written += taken;
	}
	if (many)
		conn_cork(conn, false);
	carrier->state->wire_bytes += written;
	if (!failover_ready(&session->failover))
		return;
	go_on(session);
	if (!loop_timer_is_set(&session->answer))
		await_answer(session);
	if (relp_unanswered(relp_used(session)))
		check_later(session);
}

/* Ends the session with its last frame. True: it was sent, and an answer will come. */
static bool session_close(struct session *session)
{
	char frame[RELP_HEAD];
	size_t taken;
	enum conn_end end;

	return conn_write(failover_conn(&session->failover), frame,
		       relp_close(relp_used(session), frame), &taken, &end,
		       NULL) == RC_OK;
}

/* Everything that was begun is through. */
static bool is_quiet(struct session *session)
{
	return session->batch_at == session->batch_n &&
	       !send_queue_begun(session->carrier.queue) &&
	       !relp_unanswered(relp_used(session));
}

static void drain(struct session *session)
{
	if (!failover_draining(&session->failover) || !is_quiet(session) ||
		!send_queue_settled(session->carrier.queue))
		return;
	loop_timer_stop(session->carrier.loop, &session->check);
	(void)!session_close(session);
	failover_drained(&session->failover);
}

/* What was answered counts while the connection is healthy, and what has settled is confirmed. */
static void on_check(struct loop_timer *timer)
{
	struct session *session = CONTAINER_OF(timer, struct session, check);
	struct carrier *carrier = &session->carrier;
	struct conn *conn = failover_conn(&session->failover);
	uint64_t confirmed = carrier->state->confirmed;
	struct conn_progress progress;
	struct error err;

	check_later(session);
	/* An end that waits to be read: the next turn reads it. Nothing may count as healthy now. */
	if (!failover_ready(&session->failover) || !conn_progress(conn, &progress) ||
		!progress.established)
		return;
	if (conn_silent(conn, &err)) {
		failover_end(&session->failover, CONN_LOST, &err);
		return;
	}
	failover_stalled(&session->failover, conn_stalled(conn, &err) ? &err : NULL);
	carrier_confirm(
		carrier, loop_now_ms(carrier->loop) - carrier->options->settle_ms);
	send_queue_trim(carrier->queue, 0);
	confirmed = carrier->state->confirmed - confirmed;
	session->most += confirmed;
	if (confirmed)
		failover_works(&session->failover);
	go_on(session);
	if (!send_queue_pending(carrier->queue))
		loop_timer_stop(carrier->loop, &session->check);
	drain(session);
}

/* A connection that is new has room for it. */
static void on_open(struct carrier *carrier, struct failover_link *link)
{
	struct session *session = session_of(carrier);
	char frame[RELP_OPEN_FRAME];
	size_t taken, n = relp_open(relp_of(session, link), frame);
	enum conn_end end;
	struct error err;
	enum rc rc = conn_write(link->conn, frame, n, &taken, &end, &err);

	carrier->state->wire_bytes += taken;
	if (rc == RC_OK && taken == n)
		return;
	if (rc == RC_OK || rc == RC_AGAIN) {
		end = CONN_LOST;
		error_set(&err, RC_IO, "%s takes nothing on a new connection",
			address_of(session, link));
	}
	failover_link_end(link, end, &err);
}

static void on_connected(struct carrier *carrier)
{
	struct session *session = session_of(carrier);

	session->blocked = session->full = false;
	session->batch_at = session->batch_n = 0;
	loop_defer(carrier->loop, carrier->flush_call);
}

/* All that was answered in turn; how far the window has opened. */
static void take_answers(struct session *session)
{
	struct carrier *carrier = &session->carrier;
	const struct relp *relp = relp_used(session);

	send_queue_acknowledged(
		carrier->queue, relp->answered, loop_now_ms(carrier->loop));
	if (relp_unanswered(relp) <= relp->window / 2)
		session->full = false;
	await_answer(session);
	go_on(session);
}

static void on_received(
	struct carrier *carrier, struct failover_link *link, const char *p, size_t n)
{
	struct session *session = session_of(carrier);
	struct relp *relp = relp_of(session, link);
	bool opening = relp->state == RELP_OPENING;
	uint64_t answered = relp->answered;
	struct error err;
	enum rc rc = relp_receive(relp, p, n, &err);

	if (opening && relp->state == RELP_OPEN)
		failover_opened(link);
	if (relp->answered != answered)
		take_answers(session);
	if (rc != RC_OK)
		error_wrap(&err, "the collector at %s", address_of(session, link));
	else if (relp->refused)
		error_set(&err, RC_PROTO,
			"the collector at %s refuses a message: \"%s\"; it stays "
			"unconfirmed and is sent again",
			address_of(session, link), relp->refusal);
	else
		return;
	failover_link_end(link, CONN_CLOSED, &err);
}

/* What was answered was read, however it ended. */
static void on_ended(struct carrier *carrier, enum conn_end end)
{
	struct session *session = session_of(carrier);

	(void)end;
	carrier_rewind(carrier, false);
	loop_timer_stop(carrier->loop, &session->check);
	loop_timer_stop(carrier->loop, &session->answer);
	/* Perhaps it failed at one of the messages: what is before it must get through, and what is
	 * behind it must not come again each time. So one is sent until it is confirmed, then two,
	 * four and so on. */
	if (relp_used(session)->refused || !session->failover.proved)
		session->most = 1;
}

static void on_writable(struct carrier *carrier)
{
	struct session *session = session_of(carrier);

	session->blocked = false;
	session_write(session, true);
}

static void on_drain(struct carrier *carrier, bool on)
{
	if (on)
		drain(session_of(carrier));
	else
		loop_defer(carrier->loop, carrier->flush_call);
}

/* What does not fill a batch waits a turn for more, and goes on waiting while more comes. */
static void relp_flush(struct carrier *carrier)
{
	struct session *session = session_of(carrier);
	bool grows = carrier->queue->waiting > session->held_back;

	failover_start(&session->failover);
	if (!failover_ready(&session->failover) || session->blocked)
		return;
	session_write(session, !grows);
	session->held_back = carrier->queue->waiting;
}

/* A collector that does not get to answer close logs an error: it is waited for. */
static bool relp_end(struct carrier *carrier)
{
	struct session *session = session_of(carrier);
	int64_t now = loop_now_ms(carrier->loop);

	if (!session->closing) {
		session->closing = true;
		session->close_by_ms = now + CLOSE_MS;
		failover_stop(&session->failover);
		if (failover_ready(&session->failover) && is_quiet(session))
			(void)!session_close(session);
	}
	return !failover_ready(&session->failover) ||
	       relp_used(session)->state != RELP_CLOSING || now >= session->close_by_ms;
}

static void relp_carrier_free(struct carrier *carrier)
{
	struct session *session = session_of(carrier);

	failover_clear(&session->failover);
	loop_timer_stop(carrier->loop, &session->check);
	loop_timer_stop(carrier->loop, &session->answer);
	for (size_t i = 0; i < FAILOVER_LINKS; i++)
		relp_clear(&session->relps[i]);
	free(session->batch);
	free(session);
}

static void relp_start(struct carrier *carrier)
{
	static const struct failover_events events = {
		.open = on_open,
		.connected = on_connected,
		.ended = on_ended,
		.writable = on_writable,
		.received = on_received,
		.drain = on_drain,
	};
	struct session *session = session_of(carrier);

	failover_init(&session->failover, carrier, &events);
	/* One call of conn_write() is one TLS record. */
	session->batch_room =
		transport_has(carrier->options->transport, TRANSPORT_HAS_TLS)
			? CONN_RECORD
			: BATCH_TCP;
	session->batch = xmalloc(session->batch_room);
	for (size_t i = 0; i < FAILOVER_LINKS; i++)
		relp_init(&session->relps[i], carrier->options->relp_window);
}

struct carrier *carrier_relp_new(void)
{
	static const struct carrier_type type = {
		relp_start, relp_flush, relp_end, relp_carrier_free};
	struct session *session = xcalloc(1, sizeof(*session));

	session->carrier.type = &type;
	session->most = MOST_USUALLY;
	session->check.fire = on_check;
	session->answer.fire = on_no_answer;
	return &session->carrier;
}
