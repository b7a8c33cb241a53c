#include "config.h"

#include "server.h"

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PEERS_MAX 512

struct server_peer {
	struct server *server;
	pthread_t thread;
	unsigned number;
	int fd;
	gnutls_session_t tls;
	char *in;
	size_t in_n, in_room;
};

struct server {
	server_handler *handle;
	void *context;
	gnutls_certificate_credentials_t credentials;
	int fd;
	unsigned port;
	char root[64];
	pthread_t thread;
	pthread_mutex_t lock;
	struct server_peer *peers[PEERS_MAX];
	unsigned peer_count, requests;
	volatile bool stop;
};

static void must(int code, const char *what)
{
	if (code >= 0)
		return;
	fprintf(stderr, "test server: %s failed: %s\n", what, gnutls_strerror(code));
	abort();
}

/* Certificates: two CAs of this process, and one certificate per name. */

static struct ca {
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;
	char file[64];
} cas[2];

static gnutls_x509_privkey_t key_new(void)
{
	gnutls_x509_privkey_t key;

	must(gnutls_x509_privkey_init(&key), "key");
	must(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
		     GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
		"key");
	return key;
}

static gnutls_x509_crt_t crt_new(
	gnutls_x509_privkey_t key, const char *name, unsigned serial, struct ca *ca)
{
	gnutls_x509_crt_t crt;
	time_t now = time(NULL);
	uint8_t number[2] = {(uint8_t)(serial >> 8 & 0x7f), (uint8_t)serial};

	must(gnutls_x509_crt_init(&crt), "certificate");
	gnutls_x509_crt_set_version(crt, 3);
	gnutls_x509_crt_set_key(crt, key);
	gnutls_x509_crt_set_serial(crt, number, sizeof(number));
	gnutls_x509_crt_set_activation_time(crt, now - 3600);
	gnutls_x509_crt_set_expiration_time(crt, now + 86400);
	gnutls_x509_crt_set_dn_by_oid(
		crt, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strlen(name));
	if (ca) {
		gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, name,
			(unsigned)strlen(name), GNUTLS_FSAN_SET);
		must(gnutls_x509_crt_sign2(crt, ca->crt, ca->key, GNUTLS_DIG_SHA256, 0),
			"sign");
	} else {
		gnutls_x509_crt_set_ca_status(crt, 1);
		gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_KEY_CERT_SIGN);
		must(gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0),
			"sign");
	}
	return crt;
}

static void cas_remove(void)
{
	for (size_t i = 0; i < 2; i++) {
		unlink(cas[i].file);
		gnutls_x509_crt_deinit(cas[i].crt);
		gnutls_x509_privkey_deinit(cas[i].key);
	}
}

static struct ca *ca_get(size_t which)
{
	if (cas[0].key)
		return &cas[which];
	for (size_t i = 0; i < 2; i++) {
		struct ca *ca = &cas[i];
		gnutls_datum_t pem;
		int fd;

		ca->key = key_new();
		ca->crt = crt_new(ca->key, i ? "other test CA" : "test CA",
			(unsigned)i + 1, NULL);
		must(gnutls_x509_crt_export2(ca->crt, GNUTLS_X509_FMT_PEM, &pem),
			"export");
		snprintf(ca->file, sizeof(ca->file), "test-ca-XXXXXX");
		fd = mkstemp(ca->file);
		if (fd < 0 || write(fd, pem.data, pem.size) != (ssize_t)pem.size)
			abort();
		close(fd);
		gnutls_free(pem.data);
	}
	atexit(cas_remove);
	return &cas[which];
}

const char *server_ca_file(void)
{
	return ca_get(0)->file;
}

const char *server_other_ca_file(void)
{
	return ca_get(1)->file;
}

static gnutls_certificate_credentials_t credentials_new(const char *name)
{
	static unsigned serial = 100;
	gnutls_certificate_credentials_t credentials;
	gnutls_x509_privkey_t key = key_new();
	gnutls_x509_crt_t crt = crt_new(key, name, serial++, ca_get(0));

	must(gnutls_certificate_allocate_credentials(&credentials), "credentials");
	must(gnutls_certificate_set_x509_key(credentials, &crt, 1, key), "credentials");
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
	return credentials;
}

/* One connection. */

static bool readable(struct server_peer *peer, int wait_ms)
{
	struct pollfd p = {.fd = peer->fd, .events = POLLIN};

	return (peer->tls && gnutls_record_check_pending(peer->tls)) ||
	       poll(&p, 1, wait_ms) > 0;
}

static ssize_t peer_read(struct server_peer *peer, char *p, size_t n)
{
	while (!readable(peer, 50))
		if (peer->server->stop)
			return 0;
	if (!peer->tls)
		return recv(peer->fd, p, n, 0);
	for (;;) {
		ssize_t got = gnutls_record_recv(peer->tls, p, n);

		if (got != GNUTLS_E_INTERRUPTED && got != GNUTLS_E_AGAIN)
			return got;
	}
}

bool exchange_send(struct exchange *x, const void *data, size_t n)
{
	const char *p = data;

	while (n) {
		ssize_t sent = x->peer->tls ? gnutls_record_send(x->peer->tls, p, n)
					    : send(x->peer->fd, p, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		p += sent;
		n -= (size_t)sent;
	}
	return true;
}

bool exchange_reply(
	struct exchange *x, int status, const char *headers, const void *body, size_t n)
{
	size_t room = strlen(headers) + n + 200;
	char *text = malloc(room);
	int head = snprintf(text, room,
		"HTTP/1.1 %d Test\r\n%sContent-Length: %zu\r\n\r\n", status, headers,
		n);
	bool sent;

	memcpy(text + head, body, n);
	sent = exchange_send(x, text, (size_t)head + n);
	free(text);
	return sent;
}

const char *exchange_header(const struct exchange *x, const char *name)
{
	static _Thread_local char value[16384];
	size_t n = strlen(name);

	*value = '\0';
	for (const char *p = x->head; *p; p = strstr(p, "\r\n") + 2)
		if (!strncasecmp(p, name, n) && p[n] == ':') {
			p += n + 1;
			p += strspn(p, " ");
			n = strcspn(p, "\r\n");
			memcpy(value, p, n);
			value[n] = '\0';
			break;
		}
	return value;
}

const char *exchange_field(const struct exchange *x, const char *name)
{
	static _Thread_local char value[16384];
	size_t n = strlen(name), used = 0;
	const char *p = x->body;

	*value = '\0';
	while (strncmp(p, name, n) != 0 || p[n] != '=') {
		p = strchr(p, '&');
		if (!p)
			return value;
		p++;
	}
	for (p += n + 1; *p && *p != '&' && used + 1 < sizeof(value); p++) {
		unsigned c = (unsigned char)*p;

		if (c == '+') {
			c = ' ';
		} else if (c == '%') {
			sscanf(p + 1, "%2x", &c);
			p += 2;
		}
		value[used++] = (char)c;
	}
	value[used] = '\0';
	return value;
}

void exchange_hang(struct exchange *x)
{
	char c[256];

	while (!x->peer->server->stop && peer_read(x->peer, c, sizeof(c)) > 0)
		;
	x->close = true;
}

void exchange_reset(struct exchange *x)
{
	struct linger now = {.l_onoff = 1};

	setsockopt(x->peer->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	x->close = true;
}

static char *peer_fill(struct server_peer *peer, const char *until)
{
	for (;;) {
		char *end = until && peer->in_n ? strstr(peer->in, until) : NULL;
		ssize_t got;

		if (end)
			return end;
		if (peer->in_n + 8192 >= peer->in_room) {
			peer->in_room += 65536;
			peer->in = realloc(peer->in, peer->in_room);
		}
		got = peer_read(peer, peer->in + peer->in_n, 8191);
		if (got <= 0)
			return NULL;
		peer->in_n += (size_t)got;
		peer->in[peer->in_n] = '\0';
		if (!until)
			return peer->in;
	}
}

static bool exchange_read(struct exchange *x)
{
	struct server_peer *peer = x->peer;
	char *end = peer_fill(peer, "\r\n\r\n"), *line;
	size_t head, length;

	if (!end)
		return false;
	head = (size_t)(end - peer->in) + 4;
	if (sscanf(peer->in, "%15s %4095s", x->method, x->path) != 2)
		return false;
	line = strstr(peer->in, "\r\n") + 2;
	snprintf(x->head, sizeof(x->head), "%.*s", (int)(end + 2 - line), line);
	length = strtoul(exchange_header(x, "Content-Length"), NULL, 10);
	if (length >= sizeof(x->body))
		return false;
	while (peer->in_n < head + length)
		if (!peer_fill(peer, NULL))
			return false;
	memcpy(x->body, peer->in + head, length);
	x->body[length] = '\0';
	x->body_n = length;
	peer->in_n -= head + length;
	memmove(peer->in, peer->in + head + length, peer->in_n + 1);
	return true;
}

static void *peer_run(void *context)
{
	struct server_peer *peer = context;
	struct server *server = peer->server;
	struct exchange *x = calloc(1, sizeof(*x));
	int code = 0;

	x->server = server;
	x->peer = peer;
	x->connection = peer->number;
	if (server->credentials) {
		gnutls_init(&peer->tls, GNUTLS_SERVER);
		gnutls_set_default_priority(peer->tls);
		gnutls_credentials_set(
			peer->tls, GNUTLS_CRD_CERTIFICATE, server->credentials);
		gnutls_transport_set_int(peer->tls, peer->fd);
		gnutls_handshake_set_timeout(peer->tls, 5000);
		do
			code = gnutls_handshake(peer->tls);
		while (code < 0 && !gnutls_error_is_fatal(code));
	}
	while (code >= 0 && !x->close && exchange_read(x)) {
		server_lock(server);
		server->requests++;
		server_unlock(server);
		server->handle(x, server->context);
		x->number++;
	}
	if (peer->tls)
		gnutls_deinit(peer->tls);
	close(peer->fd);
	free(peer->in);
	free(x);
	return NULL;
}

static void *server_run(void *context)
{
	struct server *server = context;
	struct pollfd p = {.fd = server->fd, .events = POLLIN};

	while (!server->stop) {
		struct server_peer *peer;
		int fd;

		if (poll(&p, 1, 20) <= 0)
			continue;
		fd = accept(server->fd, NULL, NULL);
		if (fd < 0)
			continue;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
		if (server->peer_count == PEERS_MAX)
			abort();
		peer = calloc(1, sizeof(*peer));
		peer->server = server;
		peer->fd = fd;
		server_lock(server);
		peer->number = server->peer_count;
		server->peers[server->peer_count++] = peer;
		server_unlock(server);
		pthread_create(&peer->thread, NULL, peer_run, peer);
	}
	return NULL;
}

struct server *server_new(const char *name, server_handler *handle, void *context)
{
	struct server *server = calloc(1, sizeof(*server));
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t size = sizeof(at);

	server->handle = handle;
	server->context = context;
	if (name)
		server->credentials = credentials_new(name);
	pthread_mutex_init(&server->lock, NULL);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(server->fd, (struct sockaddr *)&at, sizeof(at)) ||
		listen(server->fd, 128) ||
		getsockname(server->fd, (struct sockaddr *)&at, &size))
		abort();
	server->port = ntohs(at.sin_port);
	snprintf(server->root, sizeof(server->root), "%s:%u",
		name ? "https://localhost" : "http://127.0.0.1", server->port);
	pthread_create(&server->thread, NULL, server_run, server);
	return server;
}

void server_free(struct server *server)
{
	if (!server)
		return;
	server->stop = true;
	pthread_join(server->thread, NULL);
	for (unsigned i = 0; i < server->peer_count; i++) {
		pthread_join(server->peers[i]->thread, NULL);
		free(server->peers[i]);
	}
	close(server->fd);
	if (server->credentials)
		gnutls_certificate_free_credentials(server->credentials);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

const char *server_root(const struct server *server)
{
	return server->root;
}

unsigned server_port(const struct server *server)
{
	return server->port;
}

unsigned server_connections(struct server *server)
{
	unsigned count;

	server_lock(server);
	count = server->peer_count;
	server_unlock(server);
	return count;
}

unsigned server_requests(struct server *server)
{
	unsigned count;

	server_lock(server);
	count = server->requests;
	server_unlock(server);
	return count;
}

void server_lock(struct server *server)
{
	pthread_mutex_lock(&server->lock);
}

void server_unlock(struct server *server)
{
	pthread_mutex_unlock(&server->lock);
}
