#include "config.h"

#include "deliver/acceptor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "deliver/resolve.h"

#define BACKLOG 8
/* Of the address's names; a host has few. */
#define SOCKETS RESOLVE_MAXIMUM
#define PEER (INET6_ADDRSTRLEN + 16)

struct listening {
	struct acceptor *acceptor;
	struct loop_watch watch;
};

struct acceptor {
	struct loop *loop;
	struct conn_options options;
	struct acceptor_events events;
	struct resolve resolve;
	struct listening sockets[SOCKETS];
	size_t count;
	int fd; /* of a collector that shakes hands; -1: none */
	SSL *ssl;
	struct loop_watch watch;
	struct loop_timer deadline;
	char peer[PEER];
	uint64_t said; /* digest of why one was turned away last */
};

/* Networks of addresses that may connect. */

struct network {
	unsigned char octets[16]; /* IPv4 as ::ffff:a.b.c.d */
	unsigned bits;
};

static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool read_network(const char *text, struct network *to)
{
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	unsigned long bits = 128, most = 128;
	char *end = NULL;

	if (!n || n >= sizeof(address))
		return false;
	memcpy(address, text, n);
	address[n] = '\0';
	if (inet_pton(AF_INET, address, to->octets + sizeof(mapped)) == 1) {
		memcpy(to->octets, mapped, sizeof(mapped));
		most = 32;
	} else if (inet_pton(AF_INET6, address, to->octets) != 1) {
		return false;
	}
	if (slash) {
		bits = slash[1] >= '0' && slash[1] <= '9' ? strtoul(slash + 1, &end, 10)
							  : 129;
		if (bits > most || (end && *end))
			return false;
		bits += 128 - most;
	}
	to->bits = (unsigned)bits;
	return true;
}

enum rc acceptor_network(const char *text, struct error *err)
{
	struct network network;

	if (read_network(text, &network))
		return RC_OK;
	return error_set(err, RC_CONFIG,
		"\"%s\" is no address or network: write 192.0.2.7, 192.0.2.0/24 or "
		"2001:db8::/32",
		text);
}

static bool within(const struct network *network, const unsigned char octets[16])
{
	unsigned whole = network->bits / 8, rest = network->bits % 8;

	return memcmp(network->octets, octets, whole) == 0 &&
	       (!rest || (network->octets[whole] ^ octets[whole]) >> (8 - rest) == 0);
}

static bool may_connect(const struct acceptor *acceptor, const struct resolved *from)
{
	unsigned char octets[16];

	if (!acceptor->options.allow_count)
		return true;
	if (from->at.any.sa_family == AF_INET) {
		memcpy(octets, mapped, sizeof(mapped));
		memcpy(octets + sizeof(mapped), &from->at.v4.sin_addr, 4);
	} else {
		memcpy(octets, &from->at.v6.sin6_addr, 16);
	}
	for (size_t i = 0; i < acceptor->options.allow_count; i++) {
		struct network network;

		if (read_network(acceptor->options.allow[i], &network) &&
			within(&network, octets))
			return true;
	}
	return false;
}

/* TLS. */

/* What OpenSSL said last, of the file in question. */
static enum rc wrong_file(const char *option, const char *path, struct error *err)
{
	unsigned long code = ERR_get_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return error_set(err, RC_TLS, "%s: cannot use %s: %s", option, path,
		reason ? reason : "it is not as it must be");
}

static enum rc verify_collector(
	SSL_CTX *tls, const struct conn_options *options, struct error *err)
{
	X509_STORE *store = SSL_CTX_get_cert_store(tls);

	if (SSL_CTX_load_verify_locations(tls, options->ca_file, NULL) != 1)
		return wrong_file("ca_file", options->ca_file, err);
	SSL_CTX_set_client_CA_list(tls, SSL_load_client_CA_file(options->ca_file));
	SSL_CTX_set_verify(
		tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	if (options->crl_file) {
		X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());

		if (!lookup || X509_load_crl_file(lookup, options->crl_file,
				       X509_FILETYPE_PEM) < 1)
			return wrong_file("crl_file", options->crl_file, err);
		X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
	}
	return RC_OK;
}

static enum rc use_files(
	SSL_CTX *tls, const struct conn_options *options, struct error *err)
{
	char password[CONN_PASSWORD];
	enum rc rc = RC_OK;

	if (options->key_password_file)
		rc = conn_password(
			options->key_password_file, password, sizeof(password), err);
	if (rc != RC_OK)
		return rc;
	/* Without one an encrypted key must not be asked for on the terminal. */
	SSL_CTX_set_default_passwd_cb_userdata(
		tls, options->key_password_file ? password : (char[]){""});
	if (SSL_CTX_use_certificate_chain_file(tls, options->cert_file) != 1)
		rc = wrong_file("cert_file", options->cert_file, err);
	else if (SSL_CTX_use_PrivateKey_file(
			 tls, options->key_file, SSL_FILETYPE_PEM) != 1 ||
		 SSL_CTX_check_private_key(tls) != 1)
		rc = wrong_file("key_file", options->key_file, err);
	explicit_bzero(password, sizeof(password));
	SSL_CTX_set_default_passwd_cb_userdata(tls, NULL);
	if (rc == RC_OK && options->ca_file)
		rc = verify_collector(tls, options, err);
	return rc;
}

static enum rc tls_new(
	const struct conn_options *options, SSL_CTX **out, struct error *err)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	enum rc rc;

	if (!tls)
		abort();
	ERR_clear_error();
	SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
	/* Each connection verifies anew, against the files as they are now. */
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(tls, 0);
	SSL_CTX_set_options(tls, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
	rc = use_files(tls, options, err);
	if (rc == RC_OK)
		*out = tls;
	else
		SSL_CTX_free(tls);
	return rc;
}

/* Connections. */

static void drop_peer(struct acceptor *acceptor)
{
	loop_watch_remove(acceptor->loop, &acceptor->watch);
	loop_timer_stop(acceptor->loop, &acceptor->deadline);
	SSL_free(acceptor->ssl);
	acceptor->ssl = NULL;
	if (acceptor->fd >= 0)
		close(acceptor->fd);
	acceptor->fd = -1;
}

static void stop_listening(struct acceptor *acceptor)
{
	for (size_t i = 0; i < acceptor->count; i++) {
		loop_watch_remove(acceptor->loop, &acceptor->sockets[i].watch);
		close(acceptor->sockets[i].watch.fd);
	}
	acceptor->count = 0;
}

/* While one shakes hands the others wait in the kernel. */
static void accept_more(struct acceptor *acceptor, bool more)
{
	for (size_t i = 0; i < acceptor->count; i++)
		acceptor->sockets[i].watch.events = more ? CURL_WAIT_POLLIN : 0;
}

static void turn_away(struct acceptor *acceptor, const struct error *err)
{
	char reason[700];
	uint64_t now = error_digest(err);

	drop_peer(acceptor);
	accept_more(acceptor, true);
	if (acceptor->said == now)
		return;
	acceptor->said = now;
	log_write(LOG_WARNING, "a collector that connected was turned away",
		"address=%s peer=%s reason=%s", acceptor->options.address,
		acceptor->peer,
		log_quote(reason, sizeof(reason), err->text, strlen(err->text)));
}

static void give(struct acceptor *acceptor)
{
	int fd = acceptor->fd;
	SSL *ssl = acceptor->ssl;

	acceptor->fd = -1;
	acceptor->ssl = NULL;
	drop_peer(acceptor);
	stop_listening(acceptor);
	acceptor->events.accepted(acceptor->events.context, fd, ssl, acceptor->peer);
}

static enum rc why_no_handshake(const SSL *ssl, struct error *err)
{
	long verify = SSL_get_verify_result(ssl);
	unsigned long code = ERR_get_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	if (verify != X509_V_OK)
		return error_set(err, RC_TLS, "its certificate is not good: %s",
			X509_verify_cert_error_string(verify));
	return error_set(err, RC_TLS, "the TLS handshake failed: %s",
		reason ? reason : "it ended the connection");
}

static void shake_hands(struct acceptor *acceptor)
{
	struct error err;
	int done, why;

	ERR_clear_error();
	done = SSL_accept(acceptor->ssl);
	if (done == 1) {
		give(acceptor);
		return;
	}
	why = SSL_get_error(acceptor->ssl, done);
	if (why == SSL_ERROR_WANT_READ) {
		acceptor->watch.events = CURL_WAIT_POLLIN;
	} else if (why == SSL_ERROR_WANT_WRITE) {
		acceptor->watch.events = CURL_WAIT_POLLOUT;
	} else {
		why_no_handshake(acceptor->ssl, &err);
		turn_away(acceptor, &err);
	}
}

static void on_peer(struct loop_watch *watch, short revents)
{
	(void)revents;
	shake_hands(CONTAINER_OF(watch, struct acceptor, watch));
}

static void on_deadline(struct loop_timer *timer)
{
	struct acceptor *acceptor = CONTAINER_OF(timer, struct acceptor, deadline);
	struct error err;

	error_set(&err, RC_TLS,
		"no TLS handshake within %lld ms: perhaps it does not speak TLS",
		(long long)acceptor->options.timeout_ms);
	turn_away(acceptor, &err);
}

static void begin_handshake(struct acceptor *acceptor)
{
	SSL_CTX *tls = NULL;
	struct error err;

	if (tls_new(&acceptor->options, &tls, &err) != RC_OK) {
		turn_away(acceptor, &err);
		return;
	}
	acceptor->ssl = SSL_new(tls);
	SSL_CTX_free(tls); /* the SSL keeps it */
	if (!acceptor->ssl || SSL_set_fd(acceptor->ssl, acceptor->fd) != 1 ||
		(acceptor->options.tls_name &&
			SSL_set1_host(acceptor->ssl, acceptor->options.tls_name) != 1))
		abort();
	accept_more(acceptor, false);
	acceptor->watch.fd = acceptor->fd;
	acceptor->watch.events = CURL_WAIT_POLLIN;
	loop_watch_add(acceptor->loop, &acceptor->watch);
	loop_timer_set(acceptor->loop, &acceptor->deadline,
		loop_now_ms(acceptor->loop) + acceptor->options.timeout_ms);
}

static void name_peer(struct acceptor *acceptor, const struct resolved *from)
{
	char host[INET6_ADDRSTRLEN + 8] = "?", port[8] = "?";

	(void)getnameinfo(&from->at.any, from->size, host, sizeof(host), port,
		sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(acceptor->peer, sizeof(acceptor->peer),
		strchr(host, ':') ? "[%.46s]:%.7s" : "%.46s:%.7s", host, port);
}

static void on_connection(struct loop_watch *watch, short revents)
{
	struct listening *listening = CONTAINER_OF(watch, struct listening, watch);
	struct acceptor *acceptor = listening->acceptor;
	struct resolved from = {.size = sizeof(from.at)};
	struct error err;

	(void)revents;
	if (acceptor->fd >= 0)
		return;
	acceptor->fd = accept4(
		watch->fd, &from.at.any, &from.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (acceptor->fd < 0)
		return; /* it has gone again */
	name_peer(acceptor, &from);
	if (!may_connect(acceptor, &from)) {
		error_set(&err, RC_AUTH, "its address is not in allow");
		turn_away(acceptor, &err);
	} else if (acceptor->options.tls) {
		begin_handshake(acceptor);
	} else {
		give(acceptor);
	}
}

static int listen_at(struct acceptor *acceptor, const struct resolved *at)
{
	struct listening *listening = &acceptor->sockets[acceptor->count];
	int on = 1, number,
	    fd = socket(at->at.any.sa_family,
		    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &at->at.any, at->size) != 0 || listen(fd, BACKLOG) != 0) {
		number = errno;
		close(fd);
		return number;
	}
	*listening = (struct listening){.acceptor = acceptor,
		.watch = {
			.fd = fd, .events = CURL_WAIT_POLLIN, .ready = on_connection}};
	loop_watch_add(acceptor->loop, &listening->watch);
	acceptor->count++;
	return 0;
}

static void on_resolved(struct resolve *resolve, const struct error *why)
{
	struct acceptor *acceptor = CONTAINER_OF(resolve, struct acceptor, resolve);
	struct error err = *why;
	int number = 0;

	for (size_t i = 0; i < resolve->count && acceptor->count < SOCKETS; i++) {
		int failed = listen_at(acceptor, &resolve->found[i]);

		if (failed && !number)
			number = failed;
	}
	if (acceptor->count)
		return;
	if (number)
		error_set(&err, RC_IO, "cannot listen on %s: %s%s",
			acceptor->options.address, strerror(number),
			number == EACCES
				? ": ports below 1024 need CAP_NET_BIND_SERVICE; take "
				  "another"
				: "");
	else
		error_wrap(&err, "cannot listen on %s", acceptor->options.address);
	acceptor->events.failed(acceptor->events.context, &err);
}

enum rc acceptor_open(struct loop *loop, const struct conn_options *options,
	const struct acceptor_events *events, struct acceptor **out, struct error *err)
{
	struct acceptor *acceptor;
	SSL_CTX *tls = NULL;
	enum rc rc = options->tls ? tls_new(options, &tls, err) : RC_OK;

	SSL_CTX_free(tls);
	if (rc != RC_OK)
		return rc;
	acceptor = xcalloc(1, sizeof(*acceptor));
	acceptor->loop = loop;
	acceptor->options = *options;
	acceptor->events = *events;
	acceptor->fd = -1;
	acceptor->watch.ready = on_peer;
	acceptor->deadline.fire = on_deadline;
	acceptor->resolve.done = on_resolved;
	rc = resolve_start(
		&acceptor->resolve, loop, options->address, options->timeout_ms, err);
	if (rc == RC_OK)
		*out = acceptor;
	else
		acceptor_close(acceptor);
	return rc;
}

void acceptor_close(struct acceptor *acceptor)
{
	if (!acceptor)
		return;
	drop_peer(acceptor);
	stop_listening(acceptor);
	resolve_stop(&acceptor->resolve);
	free(acceptor);
}
