/* collector.h - a collector inside a test: plain or TLS, driven by the test's own loop turns.
 *
 * It listens on a free port of the loopback, reads when it is told to, and ends connections in all the
 * ways that collectors do. Nothing blocks: collector_poll() does what can be done now. */
#ifndef TEST_COLLECTOR_H
#define TEST_COLLECTOR_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"

#define COLLECTOR_STREAMS 64

struct collector_stream {
	int fd; /* -1 when it has ended */
	SSL *ssl;
	bool handshaken, close_notify, fin;
	bool stuck; /* the application does not read this one */
	size_t records; /* TLS records read */
	struct strbuf got; /* what the application read */
};

struct collector {
	int fd, port, receive_buffer;
	int held_fd; /* bound, never listening: while deaf nobody else gets the port */
	SSL_CTX *tls;
	bool accepts, reads;
	struct collector_stream streams[COLLECTOR_STREAMS];
	size_t count; /* streams so far */
	char sni[64];
	int tls_version; /* of the newest handshake */
};

/* tls may be NULL. receive_buffer 0: the system's. */
void collector_start(struct collector *collector, SSL_CTX *tls, int receive_buffer);
void collector_stop(struct collector *collector);
/* Stops listening and takes the same port again. */
void collector_deaf(struct collector *collector);
void collector_listen(struct collector *collector);
void collector_poll(struct collector *collector);
/* On this stream; there must be room for it. */
void collector_send(struct collector_stream *stream, const char *p, size_t n);
/* The newest stream ends: FIN (with close_notify first when `notify`), or RST. */
void collector_close(struct collector *collector, bool notify);
/* Only the close_notify; the FIN is to follow by collector_close(). */
void collector_notify(struct collector *collector);
void collector_reset(struct collector *collector);
/* It sends a FIN, whatever is unread, and has not closed yet. */
void collector_shut(struct collector *collector);
/* This one is closed, whatever is unread. */
void collector_drop(struct collector_stream *stream);

/* Certificates made for the test, in PEM files below a directory, and lists of the first CA: empty.crl,
 * revoked.crl with the certificate "server", old.crl that is out of date. */
void certs_make(const char *directory);
/* "sha256//..." of the public key of this one. */
const char *certs_pin(const char *directory, const char *name);
/* A server context; client_ca: asks for a client certificate of this CA. */
SSL_CTX *certs_server(const char *directory, const char *name, const char *client_ca);

#endif
