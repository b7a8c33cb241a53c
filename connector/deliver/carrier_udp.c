/* carrier_udp.c - one message a datagram, over a connected socket.
 *
 * All that a network says of a datagram is that it was refused, and it says so late and rarely: hosts
 * limit how often they send ICMP, Linux to one a second and peer after a few. So what was sent counts
 * only when settle_ms have passed without a refusal; after one everything that does not count yet goes
 * again; and a collector that is new, or has refused, is first sent a single message, at least a
 * second after the last: if that one does not count, no other is lost.
 *
 * A network that is narrower than a datagram says so (EMSGSIZE, late as a refusal), and from then on the
 * kernel breaks datagrams up: what does not count yet goes again. A message that the kernel itself will
 * not send, because nothing that large leaves this host, is passed over.
 *
 * Source: RFC 5426; udp(7), ip(7), icmp(7). */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "deliver/carrier.h"
#include "deliver/resolve.h"

/* How often a host sends ICMP for sure: net.ipv4.icmp_ratelimit. */
#define REFUSAL_MS 1000
#define CHECK_MIN_MS 10
#define CHECK_MAX_MS 100
/* So much of a second's datagrams may go at once: what a collector's socket holds by default
 * (net.core.rmem_default) has room for it. */
#define BURSTS_PER_S 100
/* The kernel has no room, and will not say when it has. */
#define NO_BUFFER_MS 10
#define READS_PER_TURN 16

enum udp_state { UDP_IDLE, UDP_RESOLVING, UDP_OPEN, UDP_WAITING };

struct udp {
	struct carrier carrier;
	enum udp_state state;
	size_t address; /* place of the one in use */
	struct resolve resolve;
	size_t host; /* index in what it resolved to */
	int fd;
	struct loop_watch watch;
	struct loop_timer retry, check, pace;
	bool proved; /* a message counted since the socket was opened */
	bool blocked;
	bool narrowed; /* the way turned out to be narrow, and nothing has counted since */
	bool narrow_said, large_said;
	uint64_t handed; /* octets of the queue that were sent */
	const char *next; /* taken and not sent yet, or NULL */
	size_t next_n;
	unsigned credit; /* datagrams that may go now */
	int64_t credit_ms; /* as of this moment */
};

static const char *address_of(const struct udp *udp)
{
	return carrier_address(&udp->carrier, udp->address);
}

static void udp_shut(struct udp *udp)
{
	loop_watch_remove(udp->carrier.loop, &udp->watch);
	loop_timer_stop(udp->carrier.loop, &udp->check);
	loop_timer_stop(udp->carrier.loop, &udp->pace);
	if (udp->fd >= 0)
		close(udp->fd);
	udp->fd = -1;
}

/* What the way to the collector takes in one packet, less the headers; 0: not known. */
static int most_octets(const struct udp *udp)
{
	int domain = AF_INET, mtu = 0;
	socklen_t size = sizeof(int);

	if (udp->fd < 0 ||
		getsockopt(udp->fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0 ||
		getsockopt(udp->fd, domain == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP,
			domain == AF_INET6 ? IPV6_MTU : IP_MTU, &mtu, &size) != 0)
		return 0;
	return mtu - (domain == AF_INET6 ? 48 : 28);
}

static enum rc why_not(const struct udp *udp, int number, struct error *err)
{
	int most = number == EMSGSIZE ? most_octets(udp) : 0;

	if (number == ECONNREFUSED)
		return error_set(err, RC_IO,
			"%s refused a message: no collector listens there",
			address_of(udp));
	if (most > 0)
		return error_set(err, RC_IO,
			"a message is too large for the way to %s: set "
			"max_message_bytes to %d or less",
			address_of(udp), most);
	return error_set(err, RC_IO, "cannot send to %s: %s%s", address_of(udp),
		strerror(number),
		number == EPERM ? ": a firewall of this host forbids it" : "");
}

static void udp_resolve(struct udp *udp);
static void udp_write(struct udp *udp);

/* The socket of the next host that has a route; 0, or why there is none. */
static int open_host(struct udp *udp)
{
	int number = EADDRNOTAVAIL;

	for (; udp->host < udp->resolve.count; udp->host++) {
		const struct resolved *to = &udp->resolve.found[udp->host];
		int on = 1;

		udp->fd = socket(to->at.any.sa_family,
			SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		/* Hosts and networks that cannot be reached are told too, and datagrams that
		 * this host itself drops. */
		if (udp->fd >= 0 &&
			(to->at.any.sa_family == AF_INET6
					? setsockopt(udp->fd, IPPROTO_IPV6,
						  IPV6_RECVERR, &on, sizeof(on))
					: setsockopt(udp->fd, IPPROTO_IP, IP_RECVERR,
						  &on, sizeof(on))) == 0 &&
			connect(udp->fd, &to->at.any, to->size) == 0)
			return 0;
		number = errno;
		udp_shut(udp);
	}
	return number;
}

static void udp_opened(struct udp *udp)
{
	struct carrier *carrier = &udp->carrier;

	udp->state = UDP_OPEN;
	udp->proved = udp->blocked = false;
	udp->credit = 1;
	udp->credit_ms = loop_now_ms(carrier->loop);
	carrier->state->connected = true;
	carrier->state->connects++;
	snprintf(carrier->state->address, sizeof(carrier->state->address), "%s",
		address_of(udp));
	udp->watch.fd = udp->fd;
	udp->watch.events = CURL_WAIT_POLLIN;
	loop_watch_add(carrier->loop, &udp->watch);
	udp_write(udp);
}

/* The next address at once; after the last one a wait. */
static void try_next(struct udp *udp, const struct error *err)
{
	struct carrier *carrier = &udp->carrier;
	int64_t soonest = loop_now_ms(carrier->loop) + REFUSAL_MS, at;

	carrier_trouble(carrier, udp->address, address_of(udp), err);
	udp->address = (udp->address + 1) % carrier->options->address_count;
	if (udp->address) {
		udp_resolve(udp);
		return;
	}
	at = carrier_retry_at_ms(carrier);
	udp->state = UDP_WAITING;
	loop_timer_set(carrier->loop, &udp->retry, at > soonest ? at : soonest);
}

static void udp_open(struct udp *udp)
{
	struct error err;
	int number = open_host(udp);

	if (!number) {
		udp_opened(udp);
		return;
	}
	why_not(udp, number, &err);
	try_next(udp, &err);
}

/* What does not count yet is queued again. */
static void udp_fail(struct udp *udp, int number)
{
	struct carrier *carrier = &udp->carrier;
	struct error err;

	why_not(udp, number, &err);
	udp_shut(udp);
	carrier_rewind(carrier, false);
	udp->handed = 0;
	udp->next = NULL;
	/* A name with several addresses: perhaps the collector is at another one. */
	udp->host++;
	if (!udp->proved && open_host(udp) == 0) {
		udp_opened(udp);
		return;
	}
	carrier->state->breaks++;
	try_next(udp, &err);
}

/* The kernel has learnt of a narrow way. False: it had, and should have sent nothing too large since. */
static bool udp_narrowed(struct udp *udp)
{
	struct carrier *carrier = &udp->carrier;

	if (udp->narrowed)
		return false;
	udp->narrowed = true;
	if (!udp->narrow_said)
		log_write(LOG_WARNING,
			"datagrams of a destination are broken up on their way; one "
			"lost piece loses a message: make max_message_bytes smaller",
			"destination=%s address=%s most=%d", carrier->options->name,
			address_of(udp), most_octets(udp));
	udp->narrow_said = true;
	carrier_rewind(carrier, false);
	udp->handed = 0;
	udp->next = NULL;
	loop_defer(carrier->loop, carrier->flush_call);
	return true;
}

/* It passes as if it had been sent. */
static void udp_pass_over(struct udp *udp)
{
	struct carrier *carrier = &udp->carrier;

	send_queue_refuse(carrier->queue);
	if (!udp->large_said)
		log_write(LOG_WARNING,
			"a message is too large for any datagram to a destination and "
			"is passed over, as will be others: make max_message_bytes "
			"smaller",
			"destination=%s address=%s octets=%zu most=%d",
			carrier->options->name, address_of(udp), udp->next_n,
			most_octets(udp));
	udp->large_said = true;
}

static void on_resolved(struct resolve *resolve, const struct error *err)
{
	struct udp *udp = CONTAINER_OF(resolve, struct udp, resolve);

	udp->host = 0;
	if (resolve->count)
		udp_open(udp);
	else
		try_next(udp, err);
}

static void udp_resolve(struct udp *udp)
{
	const struct destination_options *options = udp->carrier.options;
	struct error err;

	udp->state = UDP_RESOLVING;
	if (resolve_start(&udp->resolve, udp->carrier.loop, address_of(udp),
		    options->connect_timeout_ms, &err) != RC_OK)
		try_next(udp, &err);
}

/* The error that waits at the socket, or 0. */
static int take_error(const struct udp *udp)
{
	int number = 0;
	socklen_t size = sizeof(number);

	return getsockopt(udp->fd, SOL_SOCKET, SO_ERROR, &number, &size) == 0 ? number
									      : errno;
}

static int64_t hold_ms(const struct udp *udp)
{
	int64_t settle = udp->carrier.options->settle_ms;

	return udp->proved || settle > REFUSAL_MS ? settle : REFUSAL_MS;
}

static void check_later(struct udp *udp)
{
	int64_t pause = hold_ms(udp) / 4;

	if (loop_timer_is_set(&udp->check) || !send_queue_pending(udp->carrier.queue))
		return;
	if (pause > CHECK_MAX_MS)
		pause = CHECK_MAX_MS;
	if (pause < CHECK_MIN_MS)
		pause = CHECK_MIN_MS;
	loop_timer_set(
		udp->carrier.loop, &udp->check, loop_now_ms(udp->carrier.loop) + pause);
}

/* What has counted by now. */
static void on_check(struct loop_timer *timer)
{
	struct udp *udp = CONTAINER_OF(timer, struct udp, check);
	struct carrier *carrier = &udp->carrier;
	uint64_t confirmed = carrier->state->confirmed;
	int number = take_error(udp);

	if (number == EMSGSIZE && udp_narrowed(udp))
		return;
	if (number) {
		udp_fail(udp, number);
		return;
	}
	carrier_confirm(carrier, loop_now_ms(carrier->loop) - hold_ms(udp));
	send_queue_trim(carrier->queue, 0);
	check_later(udp);
	/* The first one may have been passed over: the next is the first then. */
	if (!send_queue_pending(carrier->queue))
		loop_defer(carrier->loop, carrier->flush_call);
	if (carrier->state->confirmed == confirmed)
		return;
	udp->narrowed = false;
	if (!udp->proved) {
		udp->proved = true;
		carrier_works(carrier, udp->address, address_of(udp));
		loop_defer(carrier->loop, carrier->flush_call);
	}
}

/* Credit comes with time, and no more of it is kept than may go at once. */
static bool may_send(struct udp *udp)
{
	const struct carrier *carrier = &udp->carrier;
	int64_t rate = carrier->options->rate, now = loop_now_ms(carrier->loop);
	int64_t most = rate > BURSTS_PER_S ? rate / BURSTS_PER_S : 1;
	int64_t more = (now - udp->credit_ms) * rate / 1000;

	if (more > 0) {
		udp->credit_ms += more * 1000 / rate;
		if (more + udp->credit >= most) {
			more = most - udp->credit;
			udp->credit_ms = now;
		}
		udp->credit += (unsigned)more;
	}
	if (udp->credit)
		return true;
	loop_timer_set(
		carrier->loop, &udp->pace, udp->credit_ms + (1000 + rate - 1) / rate);
	return false;
}

static ssize_t send_datagram(const struct udp *udp)
{
	ssize_t done;

	do
		done = send(udp->fd, udp->next, udp->next_n, MSG_NOSIGNAL);
	while (done < 0 && errno == EINTR);
	return done;
}

/* One datagram goes whole or not at all. False: no more for now. */
static bool send_next(struct udp *udp)
{
	struct carrier *carrier = &udp->carrier;
	ssize_t done;

	if (!udp->next)
		udp->next_n = send_queue_take_whole(carrier->queue, &udp->next, 0);
	done = send_datagram(udp);
	if (done < 0 && errno == EMSGSIZE) {
		/* This one, or news of one before, that send() tells of. */
		done = send_datagram(udp);
		if (done >= 0 && udp_narrowed(udp))
			return false;
		if (done < 0 && errno == EMSGSIZE) {
			udp_pass_over(udp);
			done = 0;
		}
	}
	if (done < 0 && errno == EAGAIN) {
		udp->blocked = true;
		udp->watch.events = CURL_WAIT_POLLIN | CURL_WAIT_POLLOUT;
		return false;
	}
	if (done < 0 && errno == ENOBUFS) {
		loop_timer_set(carrier->loop, &udp->pace,
			loop_now_ms(carrier->loop) + NO_BUFFER_MS);
		return false;
	}
	if (done < 0) {
		udp_fail(udp, errno);
		return false;
	}
	udp->handed += udp->next_n;
	udp->next = NULL;
	udp->credit--;
	carrier->state->wire_bytes += (uint64_t)done;
	send_queue_handed(carrier->queue, udp->handed, 0);
	send_queue_acknowledged(carrier->queue, 0, loop_now_ms(carrier->loop));
	return true;
}

static void udp_write(struct udp *udp)
{
	struct send_queue *queue = udp->carrier.queue;

	while ((udp->next || queue->waiting) && !udp->blocked &&
		(udp->proved || !send_queue_pending(queue)) && may_send(udp))
		if (!send_next(udp))
			break;
	if (udp->state == UDP_OPEN)
		check_later(udp);
}

/* Nobody has anything to say to us but errors. */
static void on_ready(struct loop_watch *watch, short revents)
{
	struct udp *udp = CONTAINER_OF(watch, struct udp, watch);
	char ignored[1];
	int number = take_error(udp);

	for (int i = 0; i < READS_PER_TURN && !number; i++)
		if (recv(udp->fd, ignored, sizeof(ignored), MSG_DONTWAIT) < 0) {
			number = errno == EAGAIN ? 0 : errno;
			break;
		}
	if (number == EMSGSIZE && udp_narrowed(udp))
		return;
	if (number) {
		udp_fail(udp, number);
		return;
	}
	if (revents & CURL_WAIT_POLLOUT) {
		udp->blocked = false;
		udp->watch.events = CURL_WAIT_POLLIN;
		udp_write(udp);
	}
}

static void on_pace(struct loop_timer *timer)
{
	udp_write(CONTAINER_OF(timer, struct udp, pace));
}

static void on_retry(struct loop_timer *timer)
{
	udp_resolve(CONTAINER_OF(timer, struct udp, retry));
}

static void udp_flush(struct carrier *carrier)
{
	struct udp *udp = CONTAINER_OF(carrier, struct udp, carrier);

	if (udp->state == UDP_IDLE)
		udp_resolve(udp);
	else if (udp->state == UDP_OPEN && !loop_timer_is_set(&udp->pace))
		udp_write(udp);
}

static void udp_free(struct carrier *carrier)
{
	struct udp *udp = CONTAINER_OF(carrier, struct udp, carrier);

	udp_shut(udp);
	resolve_stop(&udp->resolve);
	loop_timer_stop(carrier->loop, &udp->retry);
	free(udp);
}

static void udp_start(struct carrier *carrier)
{
	(void)carrier;
}

struct carrier *carrier_udp_new(void)
{
	static const struct carrier_type type = {udp_start, udp_flush, NULL, udp_free};
	struct udp *udp = xcalloc(1, sizeof(*udp));

	udp->carrier.type = &type;
	udp->fd = -1;
	udp->resolve.done = on_resolved;
	udp->watch.ready = on_ready;
	udp->retry.fire = on_retry;
	udp->check.fire = on_check;
	udp->pace.fire = on_pace;
	return &udp->carrier;
}
