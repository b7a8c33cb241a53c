#include "config.h"

#include "deliver/conn.h"

#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "deliver/acceptor.h"
#include "deliver/conn_parts.h"

/* A FIN may be the first half of a close that throws away what was not read, as of a process that calls
 * shutdown() before close(): then a reset follows, mostly at once. So long it is waited for before the
 * end is told; after that see conn_linger(). */
#define RESET_AFTER_FIN_MS 200
/* Room in the kernel for what TLS records take. */
#define READS_PER_TURN 16
/* After close_notify a peer closes at once, or waits for ours first and then closes. Ours is not sent
 * before: it would be unread data at the end of one that is about to close, and so a reset. */
#define NOTIFIED_MS 200
#define FINISHED_MS 2000

static void end_with(struct conn *conn, enum conn_end end, const struct error *err)
{
	if (conn->ended)
		return;
	conn->ended = true;
	if (conn->connected && end == CONN_CLOSED) {
		conn->fin = *err;
		conn->watch.events = CURL_WAIT_POLLPRI; /* for an error alone */
		loop_timer_set(conn->loop, &conn->reset,
			loop_now_ms(conn->loop) + RESET_AFTER_FIN_MS);
		return;
	}
	loop_watch_remove(conn->loop, &conn->watch);
	conn->events.ended(conn->events.context, end, err);
}

static bool was_reset(const struct conn *conn)
{
	int number = 0;
	socklen_t size = sizeof(number);

	return getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &number, &size) != 0 ||
	       number;
}

static void on_reset_time(struct loop_timer *timer)
{
	struct conn *conn = CONTAINER_OF(timer, struct conn, reset);

	conn->events.ended(conn->events.context,
		was_reset(conn) ? CONN_LOST : CONN_CLOSED, &conn->fin);
}

/* Something came after the FIN: a reset, or nothing that matters. */
static void after_fin(struct conn *conn)
{
	loop_watch_remove(conn->loop, &conn->watch);
	if (!was_reset(conn))
		return;
	if (conn->on_reset) {
		conn->on_reset(conn->on_reset_context);
	} else if (loop_timer_is_set(&conn->reset)) {
		loop_timer_stop(conn->loop, &conn->reset);
		conn->events.ended(conn->events.context, CONN_LOST, &conn->fin);
	}
}

bool conn_linger(struct conn *conn, void (*on_reset)(void *context), void *context)
{
	int off = 0;

	if (conn->fd == CURL_SOCKET_BAD || !conn->watch.active || conn->shut)
		return false;
	setsockopt(conn->fd, SOL_SOCKET, SO_KEEPALIVE, &off, sizeof(off));
	conn->on_reset = on_reset;
	conn->on_reset_context = context;
	return true;
}

/* libcurl made this socket go although nobody asked: its number may soon be another's. */
static void on_gone(struct loop_call *call)
{
	struct conn *conn = CONTAINER_OF(call, struct conn, gone);
	struct error err;

	error_set(
		&err, RC_IO, "the connection to %s is no longer there", conn->address);
	end_with(conn, CONN_LOST, &err);
}

static int on_close_socket(void *context, curl_socket_t fd)
{
	struct conn *conn = context;

	if (fd == conn->fd) {
		conn->fd = CURL_SOCKET_BAD;
		loop_watch_remove(conn->loop, &conn->watch);
		loop_defer(conn->loop, &conn->gone);
	}
	return close(fd);
}

/* A FIN came before anything else: then its sender had read everything. */
static enum conn_end how_ended(const struct conn *conn)
{
	struct tcp_info info;

	return conn_tcp_info(conn, &info) && info.tcpi_state == TCP_STATE_CLOSE_WAIT
		       ? CONN_CLOSED
		       : CONN_LOST;
}

static void watch_for(struct conn *conn, short events)
{
	conn->watch.events = events;
}

/* conn->fd is the connection now. */
static void stream_opened(struct conn *conn)
{
	conn->connected = true;
	conn->watch.fd = conn->fd;
	watch_for(conn, CURL_WAIT_POLLIN);
	loop_watch_add(conn->loop, &conn->watch);
	conn->events.connected(conn->events.context);
}

static void on_transfer(struct loop_transfer *transfer, CURLcode result)
{
	struct conn *conn = CONTAINER_OF(transfer, struct conn, transfer);
	struct error err;

	if (result == CURLE_OK)
		result = curl_easy_getinfo(
			transfer->easy, CURLINFO_ACTIVESOCKET, &conn->fd);
	if (result != CURLE_OK || conn->fd == CURL_SOCKET_BAD) {
		conn_why_not(conn, result, &err);
		end_with(conn, CONN_CLOSED, &err);
		return;
	}
	stream_opened(conn);
}

/* What OpenSSL says of a connection that was accepted, in libcurl's words. */
static CURLcode ssl_code(struct conn *conn, int done)
{
	unsigned long code;

	switch (SSL_get_error(conn->ssl, done)) {
	case SSL_ERROR_NONE:
	case SSL_ERROR_ZERO_RETURN:
		return CURLE_OK;
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return CURLE_AGAIN;
	case SSL_ERROR_SSL:
		code = ERR_get_error();
		ERR_clear_error();
		/* An end without close_notify is one all the same. */
		if (ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
			return CURLE_OK;
		snprintf(conn->text, sizeof(conn->text), "%s",
			ERR_reason_error_string(code) ? ERR_reason_error_string(code)
						      : "TLS failed");
		return CURLE_SEND_ERROR;
	default:
		return CURLE_SEND_ERROR;
	}
}

static CURLcode stream_send(struct conn *conn, const char *p, size_t n, size_t *taken)
{
	ssize_t done;

	if (!conn->acceptor)
		return curl_easy_send(conn->transfer.easy, p, n, taken);
	if (conn->ssl) {
		CURLcode code;

		ERR_clear_error();
		code = ssl_code(conn, SSL_write_ex(conn->ssl, p, n, taken));
		return code == CURLE_OK && !*taken ? CURLE_SEND_ERROR : code;
	}
	do
		done = send(conn->fd, p, n, MSG_NOSIGNAL);
	while (done < 0 && errno == EINTR);
	if (done < 0)
		return errno == EAGAIN ? CURLE_AGAIN : CURLE_SEND_ERROR;
	*taken = (size_t)done;
	return CURLE_OK;
}

/* Nothing and CURLE_OK is an end. */
static CURLcode stream_receive(struct conn *conn, char *p, size_t room, size_t *n)
{
	ssize_t done;

	*n = 0;
	if (!conn->acceptor)
		return curl_easy_recv(conn->transfer.easy, p, room, n);
	if (conn->ssl) {
		ERR_clear_error();
		return ssl_code(conn, SSL_read_ex(conn->ssl, p, room, n));
	}
	do
		done = recv(conn->fd, p, room, 0);
	while (done < 0 && errno == EINTR);
	if (done < 0)
		return errno == EAGAIN ? CURLE_AGAIN : CURLE_RECV_ERROR;
	*n = (size_t)done;
	return CURLE_OK;
}

static enum rc broken(struct conn *conn, CURLcode code, int number, enum conn_end *end,
	struct error *err)
{
	*end = how_ended(conn);
	if (conn->text[0])
		return error_set(err, RC_IO, "the connection to %s broke: %s",
			conn->address, conn->text);
	if (*end == CONN_CLOSED)
		return error_set(err, RC_IO,
			"the collector at %s closed the connection", conn->address);
	return error_set(err, RC_IO, "the connection to %s broke: %s", conn->address,
		number ? strerror(number) : curl_easy_strerror(code));
}

static void closed(struct conn *conn, enum conn_end end)
{
	struct error err;

	error_set(&err, RC_IO, "the collector at %s closed the connection",
		conn->address);
	end_with(conn, end, &err);
}

static void read_all(struct conn *conn)
{
	/* As large as a record, so that TLS holds nothing back. */
	static char octets[CONN_RECORD];
	enum conn_end end;
	struct error err;

	for (int i = 0; i < READS_PER_TURN; i++) {
		size_t n = 0;
		CURLcode code;

		errno = 0;
		conn->text[0] = '\0';
		code = stream_receive(conn, octets, sizeof(octets), &n);
		if (code == CURLE_AGAIN)
			return;
		if (code == CURLE_OK && n) {
			if (conn->events.received)
				conn->events.received(conn->events.context, octets, n);
			continue;
		}
		if (code != CURLE_OK) {
			broken(conn, code, errno, &end, &err);
			end_with(conn, end, &err);
		} else if (conn->tls && how_ended(conn) != CONN_CLOSED) {
			/* close_notify alone does not say that all was read: a reset may
			 * follow it. Only the FIN does. */
			conn->notified = true;
			loop_timer_set(conn->loop, &conn->late,
				loop_now_ms(conn->loop) + NOTIFIED_MS);
		} else {
			closed(conn, how_ended(conn));
		}
		return;
	}
}

/* After an end on one side. Below TLS: only the FIN says that the peer has read everything. */
static void read_end(struct conn *conn)
{
	static char ignored[CONN_RECORD];
	struct error err;
	ssize_t n;

	for (int i = 0; i < READS_PER_TURN; i++) {
		n = recv(conn->fd, ignored, sizeof(ignored), MSG_DONTWAIT);
		if (n > 0)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n == 0) {
			closed(conn, CONN_CLOSED);
			return;
		}
		error_set(&err, RC_IO, "the connection to %s broke: %s", conn->address,
			strerror(errno));
		end_with(conn, CONN_LOST, &err);
		return;
	}
}

static void on_ready(struct loop_watch *watch, short revents)
{
	struct conn *conn = CONTAINER_OF(watch, struct conn, watch);

	if (conn->ended) {
		after_fin(conn);
		return;
	}
	if (revents & CURL_WAIT_POLLIN && (conn->notified || conn->finished))
		read_end(conn);
	else if (revents & CURL_WAIT_POLLIN)
		read_all(conn);
	if (revents & CURL_WAIT_POLLOUT && !conn->ended) {
		watch_for(conn, CURL_WAIT_POLLIN);
		conn->events.writable(conn->events.context);
	}
}

static SSL *ssl_of(const struct conn *conn)
{
	struct curl_tlssessioninfo *info = NULL;

	if (conn->acceptor)
		return conn->ssl;
	if (curl_easy_getinfo(conn->transfer.easy, CURLINFO_TLS_SSL_PTR, &info) !=
			CURLE_OK ||
		!info || info->backend != CURLSSLBACKEND_OPENSSL)
		return NULL;
	return info->internals;
}

/* Without a FIN the peer's kernel can still tell of what its process throws away. */
static void finish(struct conn *conn, bool fin)
{
	SSL *ssl = conn->tls ? ssl_of(conn) : NULL;

	if (ssl)
		(void)SSL_shutdown(ssl);
	if (fin)
		shutdown(conn->fd, SHUT_WR);
	conn->shut = fin;
	watch_for(conn, CURL_WAIT_POLLIN);
	conn->finished = true;
}

static void on_late(struct loop_timer *timer)
{
	struct conn *conn = CONTAINER_OF(timer, struct conn, late);

	if (conn->ended || conn->fd == CURL_SOCKET_BAD)
		return;
	if (conn->finished) {
		closed(conn, CONN_LOST);
		return;
	}
	finish(conn, false);
	loop_timer_set(conn->loop, &conn->late, loop_now_ms(conn->loop) + FINISHED_MS);
}

void conn_finish(struct conn *conn)
{
	if (conn->tls && !conn->notified)
		read_all(conn); /* libcurl knows its SSL only after the first use */
	if (!conn->ended && !conn->finished && conn->fd != CURL_SOCKET_BAD)
		finish(conn, true);
}

static void on_accepted(void *context, int fd, SSL *ssl, const char *peer)
{
	struct conn *conn = context;

	conn->fd = fd;
	conn->ssl = ssl;
	snprintf(conn->address, sizeof(conn->address), "%s", peer);
	conn_setup_accepted(conn);
	stream_opened(conn);
}

static void on_cannot_listen(void *context, const struct error *err)
{
	end_with(context, CONN_CLOSED, err);
}

static enum rc start_connecting(
	struct conn *conn, const struct conn_options *options, struct error *err)
{
	enum rc rc;

	conn->transfer.easy = curl_easy_init();
	if (!conn->transfer.easy)
		abort();
	curl_easy_setopt(
		conn->transfer.easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
	curl_easy_setopt(conn->transfer.easy, CURLOPT_CLOSESOCKETDATA, conn);
	rc = conn_setup(conn, options, err);
	if (rc == RC_OK)
		rc = loop_transfer_add(conn->loop, &conn->transfer, err);
	return rc;
}

enum rc conn_open(struct loop *loop, const struct conn_options *options,
	const struct conn_events *events, struct conn **out, struct error *err)
{
	struct conn *conn = xcalloc(1, sizeof(*conn));
	const struct acceptor_events accepting = {on_accepted, on_cannot_listen, conn};
	enum rc rc;

	conn->loop = loop;
	conn->events = *events;
	conn->fd = CURL_SOCKET_BAD;
	conn->timeout_ms = options->timeout_ms;
	conn->dead_after_ms = options->dead_after_ms;
	conn->tls = options->tls;
	conn->watch.ready = on_ready;
	conn->gone.run = on_gone;
	conn->late.fire = on_late;
	conn->reset.fire = on_reset_time;
	conn->transfer.done = on_transfer;
	conn->transfer.keep_in_multi = true;
	rc = options->listen
		     ? acceptor_open(loop, options, &accepting, &conn->acceptor, err)
		     : start_connecting(conn, options, err);
	if (rc != RC_OK) {
		conn_close(conn);
		return rc;
	}
	*out = conn;
	return RC_OK;
}

/* With close_notify, unless conn_finish() has sent it. */
static void close_accepted(struct conn *conn)
{
	acceptor_close(conn->acceptor);
	if (conn->ssl && !conn->finished)
		(void)SSL_shutdown(conn->ssl);
	SSL_free(conn->ssl);
	if (conn->fd != CURL_SOCKET_BAD)
		close(conn->fd);
}

void conn_close(struct conn *conn)
{
	if (!conn)
		return;
	conn->ended = true;
	if (conn->acceptor)
		close_accepted(conn);
	conn->fd = CURL_SOCKET_BAD; /* going is no surprise now */
	loop_watch_remove(conn->loop, &conn->watch);
	loop_timer_stop(conn->loop, &conn->late);
	loop_timer_stop(conn->loop, &conn->reset);
	loop_transfer_remove(
		conn->loop, &conn->transfer); /* sends close_notify and closes */
	curl_easy_cleanup(conn->transfer.easy);
	curl_slist_free_all(conn->connect_to);
	loop_defer_cancel(conn->loop, &conn->gone);
	free(conn);
}

enum rc conn_write(struct conn *conn, const char *p, size_t n, size_t *taken,
	enum conn_end *end, struct error *err)
{
	CURLcode code;

	*taken = 0;
	*end = CONN_LOST;
	if (loop_timer_is_set(&conn->reset))
		return RC_AGAIN;
	if (conn->ended || conn->fd == CURL_SOCKET_BAD)
		return error_set(
			err, RC_IO, "the connection to %s has ended", conn->address);
	if (conn->notified || conn->finished)
		return RC_AGAIN; /* until the end comes */
	errno = 0;
	conn->text[0] = '\0';
	code = stream_send(conn, p, n, taken);
	if (code == CURLE_OK)
		return RC_OK;
	if (code == CURLE_AGAIN) {
		watch_for(conn, CURL_WAIT_POLLIN | CURL_WAIT_POLLOUT);
		return RC_AGAIN;
	}
	broken(conn, code, errno, end, err);
	if (*end == CONN_CLOSED) {
		end_with(conn, *end, err);
		return RC_AGAIN;
	}
	conn->ended = true;
	loop_watch_remove(conn->loop, &conn->watch);
	return err->code;
}

void conn_cork(struct conn *conn, bool corked)
{
	int on = corked;

	if (conn->fd != CURL_SOCKET_BAD)
		setsockopt(conn->fd, IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
}
