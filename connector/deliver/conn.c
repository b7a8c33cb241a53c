#include "config.h"

#include "deliver/conn.h"

#include <curl/curl.h>
#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "deliver/acceptor.h"

#define KEEPALIVE_COUNT 3
/* TCP_USER_TIMEOUT would also end a connection whose peer answers but does not read (measured on Linux
 * 6.18: ETIMEDOUT with a closed window); a slow collector is waited for. conn_silent() instead. */
#define SILENT_PROBES 4
/* A FIN may be the first half of a close that throws away what was not read, as of a process that calls
 * shutdown() before close(): then a reset follows, and so long it is waited for. */
#define RESET_AFTER_FIN_MS 200
/* Room in the kernel for what TLS records take. */
#define READS_PER_TURN 16
/* After close_notify a peer closes at once, or waits for ours first and then closes. Ours is not sent
 * before: it would be unread data at the end of one that is about to close, and so a reset. */
#define NOTIFIED_MS 200
#define FINISHED_MS 2000

/* Of the kernel's enum, which its header for user space does not name. */
enum { TCP_STATE_ESTABLISHED = 1, TCP_STATE_CLOSE_WAIT = 8 };

struct conn {
	struct loop *loop;
	struct conn_events events;
	struct loop_transfer transfer;
	struct loop_watch watch;
	struct loop_call gone;
	struct loop_timer reset;
	struct error fin; /* what to say if none comes */
	struct curl_slist *connect_to;
	struct acceptor *acceptor; /* NULL: libcurl connects and carries the octets */
	SSL *ssl; /* of a connection that was accepted */
	curl_socket_t fd;
	bool connected, ended;
	bool tls;
	bool notified; /* the peer's close_notify was read */
	bool finished; /* closed for writing */
	struct loop_timer late;
	char address[CONN_HOST + 10];
	char name[CONN_HOST];
	int64_t timeout_ms, dead_after_ms;
	size_t window;
	uint64_t progress_acknowledged; /* as of progress_ms */
	int64_t progress_ms;
	char text[CURL_ERROR_SIZE];
};

static bool host_text(const char *p, size_t n)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789.-_:%";

	for (size_t i = 0; i < n; i++)
		/* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Branch): p has n octets */
		if (!p[i] || !strchr(allowed, p[i]))
			return false;
	return n > 0 && n + 3 < CONN_HOST;
}

enum rc conn_address(
	const char *address, char host[CONN_HOST], char port[8], struct error *err)
{
	const char *colon = strrchr(address, ':');
	const char *first = address;
	size_t n = colon ? (size_t)(colon - address) : 0;
	char *end = NULL;
	long number;

	if (n > 1 && address[0] == '[' && address[n - 1] == ']') {
		first++;
		n -= 2;
	} else if (n && memchr(address, ':', n)) {
		n = 0; /* an address of IPv6 without its brackets */
	}
	number = colon && colon[1] >= '1' && colon[1] <= '9'
			 ? strtol(colon + 1, &end, 10)
			 : 0;
	if (!host_text(first, n) || number < 1 || number > 65535 || *end)
		return error_set(err, RC_CONFIG,
			"\"%s\" is no address of a collector: write host:port or "
			"[IPv6]:port",
			address);
	memcpy(host, first, n);
	host[n] = '\0';
	snprintf(port, 8, "%ld", number);
	return RC_OK;
}

#define PIN_PREFIX "sha256//"
#define PIN_BASE64 44

enum rc conn_pinned_key(const char *pinned_key, struct error *err)
{
	static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = pinned_key;

	for (;;) {
		const char *hash = p + strlen(PIN_PREFIX);

		if (strncmp(p, PIN_PREFIX, strlen(PIN_PREFIX)) != 0 ||
			strspn(hash, base64) != PIN_BASE64 - 1 ||
			hash[PIN_BASE64 - 1] != '=')
			break;
		p = hash + PIN_BASE64;
		if (!*p)
			return RC_OK;
		if (*p++ != ';')
			break;
	}
	return error_set(err, RC_CONFIG,
		"pinned_key: write sha256// and the base64 of the SHA-256 of the "
		"collector's public key, several of them with ; between");
}

enum rc conn_password(const char *path, char *out, size_t size, struct error *err)
{
	FILE *file = fopen(path, "re");
	char *line;

	if (!file)
		return error_set(err, RC_TLS, "cannot read key_password_file %s: %s",
			path, strerror(errno));
	setvbuf(file, NULL, _IONBF, 0);
	line = fgets(out, (int)size, file);
	fclose(file);
	if (!line)
		return error_set(err, RC_TLS, "key_password_file %s is empty", path);
	out[strcspn(out, "\r\n")] = '\0';
	return RC_OK;
}

static void end_with(struct conn *conn, enum conn_end end, const struct error *err)
{
	if (conn->ended)
		return;
	conn->ended = true;
	loop_watch_remove(conn->loop, &conn->watch);
	if (conn->connected && end == CONN_CLOSED) {
		conn->fin = *err;
		loop_timer_set(conn->loop, &conn->reset,
			loop_now_ms(conn->loop) + RESET_AFTER_FIN_MS);
		return;
	}
	conn->events.ended(conn->events.context, end, err);
}

static void on_reset_time(struct loop_timer *timer)
{
	struct conn *conn = CONTAINER_OF(timer, struct conn, reset);
	int number = 0;
	socklen_t size = sizeof(number);

	if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &number, &size) == 0 && !number)
		conn->events.ended(conn->events.context, CONN_CLOSED, &conn->fin);
	else
		conn->events.ended(conn->events.context, CONN_LOST, &conn->fin);
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

static int on_socket(void *context, curl_socket_t fd, curlsocktype purpose)
{
	int on = 1, count = KEEPALIVE_COUNT;

	(void)context;
	(void)purpose;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
	return CURL_SOCKOPT_OK;
}

static bool tcp_info_of(const struct conn *conn, struct tcp_info *info)
{
	socklen_t size = sizeof(*info);

	memset(info, 0, sizeof(*info));
	if (conn->fd == CURL_SOCKET_BAD)
		return false;
	return getsockopt(conn->fd, IPPROTO_TCP, TCP_INFO, info, &size) == 0;
}

/* A FIN came before anything else: then its sender had read everything. */
static enum conn_end how_ended(const struct conn *conn)
{
	struct tcp_info info;

	return tcp_info_of(conn, &info) && info.tcpi_state == TCP_STATE_CLOSE_WAIT
		       ? CONN_CLOSED
		       : CONN_LOST;
}

static const char *curl_text(const struct conn *conn, CURLcode code)
{
	return conn->text[0] ? conn->text : curl_easy_strerror(code);
}

static enum rc untrusted(const struct conn *conn, CURLcode code, struct error *err)
{
	long verify = 0;

	curl_easy_getinfo(conn->transfer.easy, CURLINFO_SSL_VERIFYRESULT, &verify);
	/* The chain is good or was not yet judged. */
	if (strstr(conn->text, "subject name"))
		return error_set(err, RC_TLS,
			"the certificate of %s is not for \"%s\": set tls_name to a "
			"name in "
			"it, or give the collector a certificate with this name (%s)",
			conn->address, conn->name, conn->text);
	switch (verify) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return error_set(err, RC_TLS,
			"the certificate of %s, or of its issuer, has expired: renew "
			"it at the collector",
			conn->address);
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return error_set(err, RC_TLS,
			"the certificate of %s is not valid yet: check the clocks of "
			"both hosts",
			conn->address);
	case X509_V_ERR_CERT_REVOKED:
		return error_set(err, RC_TLS,
			"the certificate of %s, or of its issuer, is revoked by "
			"crl_file: give the collector a new one",
			conn->address);
	case X509_V_ERR_UNABLE_TO_GET_CRL:
	case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
	case X509_V_ERR_CRL_SIGNATURE_FAILURE:
		return error_set(err, RC_TLS,
			"crl_file has no list of the CA that issued the certificate of "
			"%s, or of one above it (%s): put the lists of all these CAs "
			"into it",
			conn->address, X509_verify_cert_error_string(verify));
	case X509_V_ERR_CRL_HAS_EXPIRED:
	case X509_V_ERR_CRL_NOT_YET_VALID:
		return error_set(err, RC_TLS,
			"the certificate of %s cannot be looked up in crl_file (%s): "
			"get the CA's newest list",
			conn->address, X509_verify_cert_error_string(verify));
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return error_set(err, RC_TLS,
			"the certificate of %s is from an unknown CA (%s): set ca_file "
			"to the CA that "
			"issued it",
			conn->address, X509_verify_cert_error_string(verify));
	default:
		return error_set(err, RC_TLS,
			"the certificate of %s cannot be trusted: %s", conn->address,
			curl_text(conn, code));
	}
}

static enum rc why_not(const struct conn *conn, CURLcode code, struct error *err)
{
	long number = 0;

	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return error_set(err, RC_IO,
			"cannot find the host of %s (%s): check the name and the DNS",
			conn->address, curl_text(conn, code));
	case CURLE_COULDNT_CONNECT:
		curl_easy_getinfo(conn->transfer.easy, CURLINFO_OS_ERRNO, &number);
		return error_set(err, RC_IO, "cannot connect to %s: %s%s",
			conn->address,
			number ? strerror((int)number) : curl_text(conn, code),
			number == ECONNREFUSED ? ": no collector listens there" : "");
	case CURLE_OPERATION_TIMEDOUT:
		return error_set(err, RC_IO,
			"no connection to %s within %lld ms: a firewall may swallow "
			"it, or the collector "
			"does not speak TLS",
			conn->address, (long long)conn->timeout_ms);
	case CURLE_PEER_FAILED_VERIFICATION:
		return untrusted(conn, code, err);
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
		return error_set(err, RC_TLS,
			"the public key of %s is not one of pinned_key: if the "
			"collector has a new key, write its hash there, else somebody "
			"else answers",
			conn->address);
	case CURLE_SSL_CRL_BADFILE:
		return error_set(err, RC_TLS,
			"crl_file cannot be used (%s): it must hold PEM lists",
			curl_text(conn, code));
	case CURLE_SSL_CACERT_BADFILE:
		return error_set(err, RC_TLS, "ca_file cannot be used: %s",
			curl_text(conn, code));
	case CURLE_SSL_CERTPROBLEM:
		return error_set(err, RC_TLS,
			"cert_file or key_file cannot be used: %s",
			curl_text(conn, code));
	case CURLE_SSL_CONNECT_ERROR:
		return error_set(err, RC_TLS, "the TLS handshake with %s failed: %s",
			conn->address, curl_text(conn, code));
	default:
		return error_set(err, RC_IO, "cannot connect to %s: %s", conn->address,
			curl_text(conn, code));
	}
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
		why_not(conn, result, &err);
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

	if (revents & CURL_WAIT_POLLIN && (conn->notified || conn->finished))
		read_end(conn);
	else if (revents & CURL_WAIT_POLLIN)
		read_all(conn);
	if (revents & CURL_WAIT_POLLOUT && !conn->ended) {
		watch_for(conn, CURL_WAIT_POLLIN);
		conn->events.writable(conn->events.context);
	}
}

bool conn_wait(struct conn *conn, int wait_ms)
{
	struct pollfd p = {.fd = conn->fd, .events = POLLIN};

	if (conn->ended || conn->notified || poll(&p, 1, wait_ms) <= 0)
		return false;
	read_all(conn);
	return true;
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

static void finish(struct conn *conn)
{
	SSL *ssl = conn->tls ? ssl_of(conn) : NULL;

	if (ssl)
		(void)SSL_shutdown(ssl);
	shutdown(conn->fd, SHUT_WR);
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
	finish(conn);
	loop_timer_set(conn->loop, &conn->late, loop_now_ms(conn->loop) + FINISHED_MS);
}

void conn_finish(struct conn *conn)
{
	if (conn->tls && !conn->notified)
		read_all(conn); /* libcurl knows its SSL only after the first use */
	if (!conn->ended && !conn->finished && conn->fd != CURL_SOCKET_BAD)
		finish(conn);
}

/* This part of the time after which a host counts as dead. */
static long at_least_1_s(const struct conn *conn, long part)
{
	long seconds = (long)(conn->dead_after_ms / 1000) / part;

	return seconds > 1 ? seconds : 1;
}

static void set_stream(struct conn *conn)
{
	CURL *easy = conn->transfer.easy;

	curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, conn->text);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)conn->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	/* Half of the time without a word, the other half for the answers that do not come. */
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, at_least_1_s(conn, 2));
	curl_easy_setopt(
		easy, CURLOPT_TCP_KEEPINTVL, at_least_1_s(conn, 2L * KEEPALIVE_COUNT));
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, conn);
}

static enum rc set_tls(
	struct conn *conn, const struct conn_options *options, struct error *err)
{
	CURL *easy = conn->transfer.easy;
	bool by_ca = options->ca_file || !options->pinned_key;
	char password[CONN_PASSWORD];
	enum rc rc;

	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	/* A pinned key says more than any name; with ca_file both count. */
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, by_ca ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, by_ca ? 2L : 0L);
	if (options->pinned_key)
		curl_easy_setopt(easy, CURLOPT_PINNEDPUBLICKEY, options->pinned_key);
	if (options->crl_file)
		curl_easy_setopt(easy, CURLOPT_CRLFILE, options->crl_file);
	curl_easy_setopt(easy, CURLOPT_SSL_ENABLE_ALPN, 0L);
	/* Each connection verifies anew, against the files as they are now. */
	curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
	if (options->ca_file) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
		curl_easy_setopt(easy, CURLOPT_CAPATH,
			NULL); /* else the system's CAs count too */
	}
	if (options->cert_file)
		curl_easy_setopt(easy, CURLOPT_SSLCERT, options->cert_file);
	if (options->key_file)
		curl_easy_setopt(easy, CURLOPT_SSLKEY, options->key_file);
	if (!options->key_password_file)
		return RC_OK;
	rc = conn_password(options->key_password_file, password, sizeof(password), err);
	if (rc == RC_OK)
		curl_easy_setopt(easy, CURLOPT_KEYPASSWD, password);
	explicit_bzero(password, sizeof(password));
	return rc;
}

/* The URL carries the name to verify and to send as SNI; CONNECT_TO where it really goes. */
static enum rc set_address(
	struct conn *conn, const struct conn_options *options, struct error *err)
{
	const char *scheme = options->tls ? "https" : "http";
	char host[CONN_HOST], port[8], url[CONN_HOST + 32], to[CONN_HOST + 32];
	const char *name;
	enum rc rc = conn_address(options->address, host, port, err);

	if (rc != RC_OK)
		return rc;
	name = options->tls && options->tls_name ? options->tls_name : host;
	if (!host_text(name, strlen(name)))
		return error_set(
			err, RC_CONFIG, "tls_name \"%s\" is no host name", name);
	snprintf(conn->address, sizeof(conn->address), "%s", options->address);
	snprintf(conn->name, sizeof(conn->name), "%s", name);
	snprintf(url, sizeof(url), strchr(name, ':') ? "%s://[%s]:%s/" : "%s://%s:%s/",
		scheme, name, port);
	curl_easy_setopt(conn->transfer.easy, CURLOPT_URL, url);
	if (strcmp(name, host) == 0)
		return RC_OK;
	snprintf(to, sizeof(to), strchr(host, ':') ? "::[%s]:%s" : "::%s:%s", host,
		port);
	conn->connect_to = curl_slist_append(NULL, to);
	if (!conn->connect_to)
		abort();
	curl_easy_setopt(conn->transfer.easy, CURLOPT_CONNECT_TO, conn->connect_to);
	return RC_OK;
}

/* As libcurl does it for the others. */
static void keep_alive(const struct conn *conn)
{
	int on = 1, idle = (int)at_least_1_s(conn, 2),
	    interval = (int)at_least_1_s(conn, 2L * KEEPALIVE_COUNT);

	on_socket(NULL, conn->fd, CURLSOCKTYPE_ACCEPT);
	setsockopt(conn->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(conn->fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(conn->fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
}

static void on_accepted(void *context, int fd, SSL *ssl, const char *peer)
{
	struct conn *conn = context;

	conn->fd = fd;
	conn->ssl = ssl;
	snprintf(conn->address, sizeof(conn->address), "%s", peer);
	keep_alive(conn);
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
	set_stream(conn);
	rc = set_address(conn, options, err);
	if (rc == RC_OK && options->tls)
		rc = set_tls(conn, options, err);
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

bool conn_progress(struct conn *conn, struct conn_progress *progress)
{
	struct tcp_info info = {0}, again;
	int outstanding = 0;

	/* An acknowledgement between the two questions would make their sum wrong. */
	for (int i = 0; i < 4; i++) {
		if (!tcp_info_of(conn, &info) ||
			ioctl(conn->fd, SIOCOUTQ, &outstanding) != 0 ||
			!tcp_info_of(conn, &again))
			return false;
		if (again.tcpi_bytes_acked == info.tcpi_bytes_acked)
			break;
	}
	if (again.tcpi_snd_wnd > conn->window)
		conn->window = again.tcpi_snd_wnd;
	*progress = (struct conn_progress){
		.acknowledged = again.tcpi_bytes_acked,
		.outstanding = (size_t)outstanding,
		/* If they never agreed this is too high, never too low. */
		.written = again.tcpi_bytes_acked + (uint64_t)outstanding,
		.window = conn->window,
		.established =
			again.tcpi_state == TCP_STATE_ESTABLISHED && !conn->notified,
	};
	if (!outstanding || conn->progress_acknowledged != progress->acknowledged) {
		conn->progress_acknowledged = progress->acknowledged;
		conn->progress_ms = loop_now_ms(conn->loop);
	}
	return true;
}

bool conn_silent(struct conn *conn, struct error *err)
{
	struct tcp_info info;
	int64_t since = loop_now_ms(conn->loop) - conn->progress_ms;

	if (since < conn->dead_after_ms || !tcp_info_of(conn, &info) ||
		info.tcpi_last_ack_recv < conn->dead_after_ms)
		return false;
	/* A closed window is probed ever less often; what counts is that probes are answered. */
	if (!info.tcpi_snd_wnd && info.tcpi_probes < SILENT_PROBES)
		return false;
	error_set(err, RC_IO,
		"the connection to %s is silent: nothing was acknowledged for %lld s "
		"although the "
		"collector's host had to",
		conn->address, (long long)since / 1000);
	return true;
}
