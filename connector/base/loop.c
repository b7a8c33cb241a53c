#include "config.h"

#include "base/loop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/strbuf.h"

#define SOCKETS_AT_ONCE 64

/* Watches use libcurl's names for what poll() calls the same. */
_Static_assert(CURL_WAIT_POLLIN == POLLIN && CURL_WAIT_POLLPRI == POLLPRI &&
		       CURL_WAIT_POLLOUT == POLLOUT,
	"poll events");

struct heap_entry {
	int64_t at_ms;
	struct loop_timer *timer;
};

struct loop {
	const struct clock *clock;
	CURLM *multi;
	int epoll; /* libcurl's sockets: only those with news are looked at */
	int64_t multi_due_ms; /* on the system's clock; -1: libcurl waits for nothing */
	struct list watches;
	size_t watch_count;
	struct pollfd
		*fds; /* scratch of one turn, parallel to fd_watches; then epoll */
	struct loop_watch **fd_watches;
	size_t fd_room;
	struct heap_entry *heap;
	size_t heap_count, heap_room;
	struct list calls;
	struct list signals;
	sigset_t signal_set;
	struct loop_watch signal_watch;
	bool stopped;
	uint64_t random;
};

static void signal_ready(struct loop_watch *watch, short revents);

/* libcurl tells which sockets and which moment it waits for. */

static int socket_change(
	CURL *easy, curl_socket_t fd, int what, void *context, void *known)
{
	struct loop *loop = context;
	struct epoll_event event = {.data.fd = fd};

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	if (what & CURL_POLL_IN)
		event.events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		event.events |= EPOLLOUT;
	/* A number that was closed and given out again may be known under its former owner. */
	if ((!known || epoll_ctl(loop->epoll, EPOLL_CTL_MOD, fd, &event)) &&
		epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) &&
		(errno != EEXIST || epoll_ctl(loop->epoll, EPOLL_CTL_MOD, fd, &event)))
		return -1;
	curl_multi_assign(loop->multi, fd, loop);
	return 0;
}

static int moment_change(CURLM *multi, long ms, void *context)
{
	struct loop *loop = context;

	(void)multi;
	loop->multi_due_ms = ms < 0 ? -1 : clock_mono_ms(&clock_system) + ms;
	return 0;
}

struct loop *loop_new(const struct clock *clock)
{
	struct loop *loop = xcalloc(1, sizeof(*loop));

	loop->clock = clock;
	loop->multi = curl_multi_init();
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!loop->multi || loop->epoll < 0)
		abort();
	loop->multi_due_ms = -1;
	curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, socket_change);
	curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
	curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, moment_change);
	curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
	list_init(&loop->watches);
	list_init(&loop->calls);
	list_init(&loop->signals);
	sigemptyset(&loop->signal_set);
	loop->signal_watch = (struct loop_watch){.fd = -1, .ready = signal_ready};
	loop_seed(loop, (uint64_t)clock_wall(clock) ^ ((uint64_t)getpid() << 40));
	return loop;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	if (loop->signal_watch.fd >= 0)
		close(loop->signal_watch.fd);
	curl_multi_cleanup(loop->multi);
	close(loop->epoll);
	free(loop->fds);
	free(loop->fd_watches);
	free(loop->heap);
	free(loop);
}

const struct clock *loop_clock(const struct loop *loop)
{
	return loop->clock;
}

void loop_keep_connections(struct loop *loop, long count)
{
	curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, count);
	curl_multi_setopt(loop->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
}

void loop_watch_add(struct loop *loop, struct loop_watch *watch)
{
	if (watch->active)
		return;
	watch->active = true;
	list_append(&loop->watches, &watch->node);
	loop->watch_count++;
}

void loop_watch_remove(struct loop *loop, struct loop_watch *watch)
{
	if (!watch->active)
		return;
	watch->active = false;
	list_remove(&watch->node);
	loop->watch_count--;
	for (size_t i = 0; i < loop->fd_room;
		i++) /* it may be waiting for its call in this turn */
		if (loop->fd_watches[i] == watch)
			loop->fd_watches[i] = NULL;
}

/* Timers: a heap with four children to a node. The times stand beside each other, because those of
 * thousands of timers are in no cache. */

#define CHILDREN 4

static void heap_put(struct loop *loop, size_t at, struct heap_entry entry)
{
	loop->heap[at] = entry;
	entry.timer->slot = at + 1;
}

static size_t heap_earliest_child(const struct loop *loop, size_t at)
{
	size_t first = at * CHILDREN + 1, earliest = first;

	for (size_t i = first + 1; i < first + CHILDREN && i < loop->heap_count; i++)
		if (loop->heap[i].at_ms < loop->heap[earliest].at_ms)
			earliest = i;
	return earliest;
}

/* Puts the entry where it belongs, from a place that is free. */
static void heap_place(struct loop *loop, size_t at, struct heap_entry entry)
{
	size_t other;

	for (; at; at = other) {
		other = (at - 1) / CHILDREN;
		if (loop->heap[other].at_ms <= entry.at_ms)
			break;
		heap_put(loop, at, loop->heap[other]);
	}
	for (;; at = other) {
		other = heap_earliest_child(loop, at);
		if (other >= loop->heap_count || loop->heap[other].at_ms >= entry.at_ms)
			break;
		heap_put(loop, at, loop->heap[other]);
	}
	heap_put(loop, at, entry);
}

void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t at_ms)
{
	size_t at = timer->slot ? timer->slot - 1 : loop->heap_count++;

	if (loop->heap_count > loop->heap_room) {
		loop->heap_room = loop->heap_room ? loop->heap_room * 2 : 64;
		loop->heap =
			xrealloc(loop->heap, loop->heap_room * sizeof(*loop->heap));
	}
	heap_place(loop, at, (struct heap_entry){at_ms, timer});
}

void loop_timer_stop(struct loop *loop, struct loop_timer *timer)
{
	size_t slot = timer->slot;
	struct heap_entry last;

	if (!slot)
		return;
	timer->slot = 0;
	last = loop->heap[--loop->heap_count];
	if (last.timer != timer)
		heap_place(loop, slot - 1, last);
}

static void timers_fire(struct loop *loop)
{
	int64_t now = loop_now_ms(loop);

	/* A timer set again while it fires waits for the next turn. */
	for (size_t due = loop->heap_count; due && loop->heap_count; due--) {
		struct loop_timer *timer = loop->heap[0].timer;

		if (loop->heap[0].at_ms > now)
			break;
		loop_timer_stop(loop, timer);
		timer->fire(timer);
	}
}

enum rc loop_transfer_add(
	struct loop *loop, struct loop_transfer *transfer, struct error *err)
{
	CURLMcode code;

	curl_easy_setopt(transfer->easy, CURLOPT_PRIVATE, transfer);
	code = curl_multi_add_handle(loop->multi, transfer->easy);
	if (code != CURLM_OK)
		return error_set(err, RC_IO, "cannot start a transfer: %s",
			curl_multi_strerror(code));
	transfer->active = true;
	return RC_OK;
}

void loop_transfer_remove(struct loop *loop, struct loop_transfer *transfer)
{
	if (!transfer->active)
		return;
	transfer->active = false;
	curl_multi_remove_handle(loop->multi, transfer->easy);
}

static void transfers_finish(struct loop *loop)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(loop->multi, &left)) != NULL) {
		CURLcode result = message->data.result;
		struct loop_transfer *transfer = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		if (!transfer->keep_in_multi)
			loop_transfer_remove(loop, transfer);
		transfer->done(transfer, result);
	}
}

void loop_defer(struct loop *loop, struct loop_call *call)
{
	if (call->queued)
		return;
	call->queued = true;
	list_append(&loop->calls, &call->node);
}

void loop_defer_cancel(struct loop *loop, struct loop_call *call)
{
	(void)loop;
	if (!call->queued)
		return;
	call->queued = false;
	list_remove(&call->node);
}

static void calls_run(struct loop *loop)
{
	struct list now;

	list_init(&now);
	list_splice(&now, &loop->calls);
	while (!list_empty(&now)) {
		struct loop_call *call = CONTAINER_OF(now.next, struct loop_call, node);

		list_remove(&call->node);
		call->queued = false;
		call->run(call);
	}
}

static void signal_ready(struct loop_watch *watch, short revents)
{
	struct loop *loop = CONTAINER_OF(watch, struct loop, signal_watch);
	struct signalfd_siginfo info;

	(void)revents;
	while (read(watch->fd, &info, sizeof(info)) == sizeof(info))
		for (struct list *n = loop->signals.next, *next; n != &loop->signals;
			n = next) {
			struct loop_signal *sig =
				CONTAINER_OF(n, struct loop_signal, node);

			next = n->next;
			if (sig->signo == (int)info.ssi_signo)
				sig->caught(sig);
		}
}

void loop_signal_add(struct loop *loop, struct loop_signal *sig)
{
	list_append(&loop->signals, &sig->node);
	sigaddset(&loop->signal_set, sig->signo);
	sigprocmask(SIG_BLOCK, &loop->signal_set, NULL);
	loop->signal_watch.fd = signalfd(
		loop->signal_watch.fd, &loop->signal_set, SFD_NONBLOCK | SFD_CLOEXEC);
	loop->signal_watch.events = CURL_WAIT_POLLIN;
	loop_watch_add(loop, &loop->signal_watch);
}

void loop_signal_remove(struct loop *loop, struct loop_signal *sig)
{
	(void)loop;
	list_remove(&sig->node);
}

static unsigned watches_fill(struct loop *loop)
{
	unsigned count = 0;

	if (loop->watch_count + 1 > loop->fd_room) {
		size_t room = (loop->watch_count + 1) * 2;

		loop->fds = xrealloc(loop->fds, room * sizeof(*loop->fds));
		loop->fd_watches =
			xrealloc(loop->fd_watches, room * sizeof(struct loop_watch *));
		memset(loop->fd_watches, 0, room * sizeof(struct loop_watch *));
		loop->fd_room = room;
	}
	for (struct list *n = loop->watches.next; n != &loop->watches; n = n->next) {
		struct loop_watch *watch = CONTAINER_OF(n, struct loop_watch, node);

		if (!watch->events)
			continue;
		loop->fds[count] =
			(struct pollfd){.fd = watch->fd, .events = watch->events};
		loop->fd_watches[count++] = watch;
	}
	loop->fds[count] = (struct pollfd){.fd = loop->epoll, .events = POLLIN};
	return count;
}

static int wait_ms(struct loop *loop, int max_wait_ms)
{
	int64_t wait = max_wait_ms < 0 ? 60000 : max_wait_ms;

	if (!list_empty(&loop->calls))
		return 0;
	if (loop->multi_due_ms >= 0) {
		int64_t due = loop->multi_due_ms - clock_mono_ms(&clock_system);

		if (due < wait)
			wait = due < 0 ? 0 : due;
	}
	if (loop->heap_count) {
		int64_t due = loop->heap[0].at_ms - loop_now_ms(loop);

		if (due < wait)
			wait = due < 0 ? 0 : due;
	}
	return (int)wait;
}

static CURLMcode transfers_run(struct loop *loop, bool readable)
{
	struct epoll_event events[SOCKETS_AT_ONCE];
	int running,
		count = readable ? epoll_wait(loop->epoll, events, SOCKETS_AT_ONCE, 0)
				 : 0;
	CURLMcode code = CURLM_OK;

	for (int i = 0; i < count && code == CURLM_OK; i++) {
		int what = 0;

		if (events[i].events & EPOLLIN)
			what |= CURL_CSELECT_IN;
		if (events[i].events & EPOLLOUT)
			what |= CURL_CSELECT_OUT;
		if (events[i].events & (EPOLLERR | EPOLLHUP))
			what |= CURL_CSELECT_ERR;
		code = curl_multi_socket_action(
			loop->multi, events[i].data.fd, what, &running);
	}
	if (code == CURLM_OK && loop->multi_due_ms >= 0 &&
		loop->multi_due_ms <= clock_mono_ms(&clock_system)) {
		loop->multi_due_ms = -1;
		code = curl_multi_socket_action(
			loop->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
	return code;
}

enum rc loop_turn(struct loop *loop, int max_wait_ms, struct error *err)
{
	unsigned count = watches_fill(loop);
	CURLMcode code;

	if (poll(loop->fds, count + 1, wait_ms(loop, max_wait_ms)) < 0) {
		if (errno != EINTR)
			return error_set(err, RC_IO, "the event loop failed: %s",
				strerror(errno));
		for (unsigned i = 0; i <= count; i++)
			loop->fds[i].revents = 0;
	}
	code = transfers_run(loop, loop->fds[count].revents != 0);
	if (code != CURLM_OK)
		return error_set(err, RC_IO, "the event loop failed: %s",
			curl_multi_strerror(code));
	transfers_finish(loop);
	for (unsigned i = 0; i < count; i++) {
		struct loop_watch *watch = loop->fd_watches[i];
		short revents = loop->fds[i].revents;

		if (revents & (POLLERR | POLLHUP |
				      POLLNVAL)) /* reading or writing tells what */
			revents |= loop->fds[i].events;
		if (watch && revents)
			watch->ready(
				watch, (short)(revents &
					       (CURL_WAIT_POLLIN | CURL_WAIT_POLLOUT)));
		loop->fd_watches[i] = NULL;
	}
	timers_fire(loop);
	calls_run(loop);
	return RC_OK;
}

enum rc loop_run(struct loop *loop, struct error *err)
{
	enum rc rc = RC_OK;

	loop->stopped = false;
	while (rc == RC_OK && !loop->stopped)
		rc = loop_turn(loop, -1, err);
	return rc;
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}

void loop_seed(struct loop *loop, uint64_t seed)
{
	loop->random = seed ? seed : 1;
}

double loop_random(struct loop *loop)
{
	uint64_t x = loop->random;

	/* xorshift64*: jitter needs no better. */
	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	loop->random = x;
	return (double)((x * UINT64_C(0x2545F4914F6CDD1D)) >> 11) /
	       (double)(UINT64_C(1) << 53);
}
