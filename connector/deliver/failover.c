#include "config.h"

#include "deliver/failover.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/backoff.h"
#include "base/log.h"

/* A connection that lasted so long works, even when there was nothing to confirm. */
#define STABLE_MIN_MS 1000
#define BACK_FIRST_MS 500
#define BACK_CAP_MS 30000
#define STALL_CAP_MS 3600000

static const struct destination_options *options_of(const struct failover *f)
{
	return f->carrier->options;
}

static const char *address_of(
	const struct failover *f, const struct failover_link *link)
{
	return carrier_address(f->carrier, link->place);
}

static int64_t now_ms(const struct failover *f)
{
	return loop_now_ms(f->carrier->loop);
}

/* A collector that reads takes no longer for what it was sent, nor to close. */
static int64_t drain_ms(const struct failover *f)
{
	return options_of(f)->settle_ms + options_of(f)->connect_timeout_ms;
}

static int64_t stable_ms(const struct failover *f)
{
	int64_t settle = options_of(f)->settle_ms;

	return settle > STABLE_MIN_MS ? settle : STABLE_MIN_MS;
}

/* Not returned to, and not left for, while it may still stall. */
static bool shunned(const struct failover *f, size_t place)
{
	return f->stalls[place].until_ms > now_ms(f);
}

/* Where to connect first: all have stalled, then where that was the longest ago. */
static size_t first_place(const struct failover *f)
{
	size_t best = 0;

	for (size_t i = 0; i < options_of(f)->address_count; i++) {
		if (!shunned(f, i))
			return i;
		if (f->stalls[i].until_ms < f->stalls[best].until_ms)
			best = i;
	}
	return best;
}

static int64_t shun_ms(const struct failover *f, unsigned times)
{
	int64_t ms = options_of(f)->dead_after_ms;

	while (times-- && ms < STALL_CAP_MS)
		ms *= 2;
	return ms < STALL_CAP_MS ? ms : STALL_CAP_MS;
}

void failover_shun(struct failover *f, int64_t since_ms)
{
	struct failover_stall *stall = &f->stalls[f->used->place];

	if (options_of(f)->address_count < 2)
		return;
	/* It did take what it was sent for as long as it was not trusted to. */
	if (since_ms - f->used->since_ms > shun_ms(f, stall->times))
		stall->times = 0;
	stall->until_ms = now_ms(f) + shun_ms(f, ++stall->times);
}

/* Every end goes this way: what there is to free may be in use further up the stack. */
void failover_end(struct failover *f, enum conn_end end, const struct error *err)
{
	if (f->state == FAILOVER_ENDED)
		return;
	f->state = FAILOVER_ENDED;
	f->end = end;
	if (&f->error != err)
		f->error = *err;
	loop_timer_stop(f->carrier->loop, &f->stable);
	loop_defer(f->carrier->loop, &f->ended);
}

void failover_works(struct failover *f)
{
	if (f->proved)
		return;
	f->proved = true;
	loop_timer_stop(f->carrier->loop, &f->stable);
	carrier_works(f->carrier, f->used->place, address_of(f, f->used));
}

static const struct error *no_session(
	const struct failover *f, const struct failover_link *link, struct error *err)
{
	error_set(err, RC_IO,
		"%s took the connection, but opened no session within %" PRId64
		" ms: is it a listener for %s?",
		address_of(f, link), options_of(f)->connect_timeout_ms,
		transport_type(options_of(f)->transport)->word);
	return err;
}

static void on_stable(struct loop_timer *timer)
{
	struct failover *f = CONTAINER_OF(timer, struct failover, stable);
	struct error err;

	if (f->state == FAILOVER_OPENING) {
		failover_end(f, CONN_LOST, no_session(f, f->used, &err));
		return;
	}
	if (f->state != FAILOVER_CLOSING) {
		/* With messages under way only a confirmation says that it works. */
		if (!send_queue_pending(f->carrier->queue))
			failover_works(f);
		return;
	}
	error_set(&err, RC_IO,
		"the collector at %s did not close its side of a connection that was "
		"closed within %" PRId64 " ms",
		address_of(f, f->used), drain_ms(f));
	failover_end(f, CONN_LOST, &err);
}

static void back_later(struct failover *f)
{
	f->tries++;
	f->back = BACK_WAITING;
	loop_timer_set(f->carrier->loop, &f->back_timer,
		now_ms(f) + backoff_ms(f->carrier->loop, f->tries, BACK_FIRST_MS,
				    BACK_CAP_MS));
}

/* The link in use is of use. */
static void connected(struct failover *f)
{
	struct carrier *carrier = f->carrier;
	const char *address = address_of(f, f->used);
	struct conn_progress progress;

	f->state = FAILOVER_CONNECTED;
	f->used->since_ms = now_ms(f);
	carrier->state->connected = true;
	carrier->state->connects++;
	snprintf(carrier->state->address, sizeof(carrier->state->address), "%s",
		address);
	log_write(carrier->in_trouble ? LOG_DEBUG : LOG_INFO,
		"connected to a destination", "destination=%s address=%s",
		carrier->options->name, address);
	(void)!conn_progress(
		f->used->conn, &progress); /* the first window counts too */
	loop_timer_set(carrier->loop, &f->stable, now_ms(f) + stable_ms(f));
	if (f->used->place)
		back_later(f);
	f->events->connected(carrier);
}

void failover_opened(struct failover_link *link)
{
	struct failover *f = link->failover;

	if (link == f->used) {
		connected(f);
		return;
	}
	f->back = BACK_CONNECTED;
	loop_timer_set(f->carrier->loop, &f->back_timer, now_ms(f) + stable_ms(f));
}

static void link_connected(void *context)
{
	struct failover_link *link = context;
	struct failover *f = link->failover;
	bool used = link == f->used;

	if (!f->events->open) {
		failover_opened(link);
		return;
	}
	if (used)
		f->state = FAILOVER_OPENING;
	else
		f->back = BACK_OPENING;
	loop_timer_set(f->carrier->loop, used ? &f->stable : &f->back_timer,
		now_ms(f) + options_of(f)->connect_timeout_ms);
	f->events->open(f->carrier, link);
}

static void tried_end(struct failover *f, const struct error *err)
{
	bool drained_for = f->back == BACK_DRAINING;

	if (&f->tried_error != err)
		f->tried_error = *err;
	f->back = BACK_ENDED;
	loop_timer_stop(f->carrier->loop, &f->back_timer);
	loop_defer(f->carrier->loop, &f->tried_ended);
	if (drained_for && f->state == FAILOVER_CONNECTED)
		f->events->drain(f->carrier, false);
}

void failover_link_end(
	struct failover_link *link, enum conn_end end, const struct error *err)
{
	if (link == link->failover->used)
		failover_end(link->failover, end, err);
	else
		tried_end(link->failover, err);
}

static void link_ended(void *context, enum conn_end end, const struct error *err)
{
	failover_link_end(context, end, err);
}

static void link_writable(void *context)
{
	const struct failover_link *link = context;
	struct failover *f = link->failover;

	if (link == f->used && failover_ready(f))
		f->events->writable(f->carrier);
}

static bool hears(const struct failover *f, const struct failover_link *link)
{
	if (link == f->used)
		return f->state == FAILOVER_OPENING || f->state == FAILOVER_CONNECTED;
	return f->back == BACK_OPENING || f->back == BACK_CONNECTED ||
	       f->back == BACK_DRAINING;
}

static void link_received(void *context, const char *p, size_t n)
{
	struct failover_link *link = context;
	struct failover *f = link->failover;

	if (f->events->received && hears(f, link))
		f->events->received(f->carrier, link, p, n);
}

static enum rc link_open(
	struct failover *f, struct failover_link *link, size_t place, struct error *err)
{
	const struct destination_options *options = options_of(f);
	const struct conn_options to = {
		.address = carrier_address(f->carrier, place),
		.tls = transport_has(options->transport, TRANSPORT_HAS_TLS),
		.ca_file = options->ca_file,
		.crl_file = options->crl_file,
		.pinned_key = options->pinned_key,
		.cert_file = options->cert_file,
		.key_file = options->key_file,
		.key_password_file = options->key_password_file,
		.tls_name = options->tls_name,
		.timeout_ms = options->connect_timeout_ms,
		.dead_after_ms = options->dead_after_ms,
		.listen = transport_has(options->transport, TRANSPORT_LISTENS),
		.allow = options->allow,
		.allow_count = options->allow_count,
	};
	const struct conn_events events = {
		.connected = link_connected,
		.ended = link_ended,
		.writable = link_writable,
		.received = link_received,
		.context = link,
	};

	link->place = place;
	if (to.listen)
		snprintf(f->carrier->state->trouble, sizeof(f->carrier->state->trouble),
			"no collector has connected to %s", to.address);
	return conn_open(f->carrier->loop, &to, &events, &link->conn, err);
}

static void link_close(struct failover_link *link)
{
	conn_close(link->conn);
	link->conn = NULL;
}

/* Nothing is known of the link in use yet. */
static void begin(struct failover *f)
{
	f->proved = f->drained = f->stalled = false;
}

static void connect_to(struct failover *f, size_t place)
{
	begin(f);
	f->state = FAILOVER_CONNECTING;
	if (link_open(f, f->used, place, &f->error) != RC_OK)
		failover_end(f, CONN_CLOSED, &f->error);
}

/* Connects to a better address than the one in use, from this place on. False: there is none. */
static bool try_better(struct failover *f, size_t place)
{
	size_t end = f->stalled ? options_of(f)->address_count : f->used->place;

	while (place < end && (place == f->used->place || shunned(f, place)))
		place++;
	if (place >= end)
		return false;
	f->back = BACK_CONNECTING;
	if (link_open(f, f->tried, place, &f->tried_error) != RC_OK)
		tried_end(f, &f->tried_error);
	return true;
}

static void on_tried_ended(struct loop_call *call)
{
	struct failover *f = CONTAINER_OF(call, struct failover, tried_ended);
	size_t place = f->tried->place;

	link_close(f->tried);
	carrier_passed_over(
		f->carrier, place, address_of(f, f->tried), &f->tried_error);
	if (!try_better(f, place + 1))
		back_later(f);
}

static void back_stop(struct failover *f)
{
	link_close(f->tried);
	loop_timer_stop(f->carrier->loop, &f->back_timer);
	loop_defer_cancel(f->carrier->loop, &f->tried_ended);
	f->back = BACK_NONE;
}

static void on_back(struct loop_timer *timer)
{
	struct failover *f = CONTAINER_OF(timer, struct failover, back_timer);
	struct error err;

	if (f->state == FAILOVER_ENDED)
		return; /* on_ended() is about to decide */
	if (f->back == BACK_WAITING) {
		if (!try_better(f, 0))
			back_later(f);
	} else if (f->back == BACK_OPENING) {
		tried_end(f, no_session(f, f->tried, &err));
	} else if (f->back == BACK_CONNECTED && f->stalled) {
		failover_shun(f, f->stalled_since_ms);
		failover_end(f, CONN_LOST, &f->stall_error);
	} else if (f->back == BACK_CONNECTED) {
		f->back = BACK_DRAINING;
		loop_timer_set(f->carrier->loop, timer, now_ms(f) + drain_ms(f));
		f->events->drain(f->carrier, true);
	} else if (f->back == BACK_DRAINING) {
		error_set(&err, RC_IO,
			"the collector at %s did not take within %" PRId64
			" ms what it was sent, and %s works again",
			address_of(f, f->used), drain_ms(f), address_of(f, f->tried));
		failover_end(f, CONN_LOST, &err);
	}
}

void failover_stalled(struct failover *f, const struct error *err)
{
	if (f->state != FAILOVER_CONNECTED || options_of(f)->address_count < 2 ||
		f->stalled == (err != NULL))
		return;
	f->stalled = err != NULL;
	if (err) {
		f->stall_error = *err;
		f->stalled_since_ms = now_ms(f) - options_of(f)->dead_after_ms;
	}
	if (f->back == BACK_DRAINING)
		return; /* it is being left already */
	back_stop(f);
	if (!f->stalled && !f->used->place)
		f->carrier->state->passed_over[0] = '\0';
	if (f->stalled ? !try_better(f, 0) : f->used->place > 0)
		back_later(f);
}

void failover_drained(struct failover *f)
{
	if (f->state != FAILOVER_CONNECTED || f->back != BACK_DRAINING)
		return;
	failover_works(f);
	f->drained = true;
	f->state = FAILOVER_CLOSING;
	loop_timer_stop(f->carrier->loop, &f->back_timer);
	loop_timer_set(f->carrier->loop, &f->stable, now_ms(f) + drain_ms(f));
	conn_finish(f->used->conn);
}

/* What was tried is in use now. */
static void move(struct failover *f)
{
	struct failover_link *former = f->used;

	f->used = f->tried;
	f->tried = former;
	loop_timer_stop(f->carrier->loop, &f->back_timer);
	f->back = BACK_NONE;
	log_write(LOG_NOTICE,
		f->used->place < former->place
			? "an earlier address of a destination works again"
			: "another address of a destination is used",
		"destination=%s address=%s instead_of=%s", options_of(f)->name,
		address_of(f, f->used), address_of(f, former));
	begin(f);
	connected(f);
}

/* The next address at once; after the last one, or when there is only one, a wait. */
static void try_next(struct failover *f)
{
	size_t next = f->used->place + 1;

	while (next < options_of(f)->address_count && shunned(f, next))
		next++;
	if (next < options_of(f)->address_count) {
		connect_to(f, next);
		return;
	}
	/* One that stalled is better than none. */
	for (size_t i = 0; i < options_of(f)->address_count; i++)
		f->stalls[i].until_ms = 0;
	f->state = FAILOVER_WAITING;
	loop_timer_set(f->carrier->loop, &f->retry, carrier_retry_at_ms(f->carrier));
}

static void on_ended(struct loop_call *call)
{
	struct failover *f = CONTAINER_OF(call, struct failover, ended);
	struct carrier *carrier = f->carrier;
	bool was_connected = carrier->state->connected;
	bool read_all = f->drained && f->end == CONN_CLOSED;

	carrier->state->connected = false;
	if (!read_all)
		carrier_trouble(
			carrier, f->used->place, address_of(f, f->used), &f->error);
	if (was_connected) {
		carrier->state->breaks += !read_all;
		if (now_ms(f) - f->used->since_ms >= BACK_CAP_MS)
			f->tries = 0;
		f->events->ended(carrier, f->end);
	}
	link_close(f->used);
	if (f->stopped)
		return;
	if (f->back == BACK_CONNECTED || f->back == BACK_DRAINING) {
		move(f);
		return;
	}
	back_stop(f);
	/* It worked until now: perhaps the collector restarts. From the first address, at once. */
	if (was_connected && f->proved)
		connect_to(f, first_place(f));
	else
		try_next(f);
}

struct conn *failover_take(struct failover *f)
{
	struct conn *conn = f->used->conn;

	f->used->conn = NULL;
	return conn;
}

static void on_retry(struct loop_timer *timer)
{
	struct failover *f = CONTAINER_OF(timer, struct failover, retry);

	connect_to(f, first_place(f));
}

void failover_start(struct failover *f)
{
	if (f->state == FAILOVER_IDLE)
		connect_to(f, first_place(f));
}

void failover_stop(struct failover *f)
{
	f->stopped = true;
	back_stop(f);
	loop_timer_stop(f->carrier->loop, &f->retry);
}

void failover_init(struct failover *f, struct carrier *carrier,
	const struct failover_events *events)
{
	*f = (struct failover){.carrier = carrier, .events = events};
	f->links[0].failover = f->links[1].failover = f;
	f->used = &f->links[0];
	f->tried = &f->links[1];
	f->ended.run = on_ended;
	f->tried_ended.run = on_tried_ended;
	f->retry.fire = on_retry;
	f->stable.fire = on_stable;
	f->back_timer.fire = on_back;
}

void failover_clear(struct failover *f)
{
	back_stop(f);
	link_close(f->used);
	loop_timer_stop(f->carrier->loop, &f->retry);
	loop_timer_stop(f->carrier->loop, &f->stable);
	loop_defer_cancel(f->carrier->loop, &f->ended);
}
