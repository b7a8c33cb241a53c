/* acceptor.h - waits for one collector that connects to us, plain or TLS.
 *
 * Purpose:  binds to the address, accepts, turns away who may not connect or shows no good
 *           certificate, and gives the first good connection away. Then it no longer listens: one
 *           collector is fed, and others are refused until acceptor_open() is called again.
 * Owner:    acceptor_open() gives, acceptor_close() frees, also from its events. What accepted() gives
 *           belongs to who gets it: the descriptor, and the SSL with its context.
 * TLS:      1.2 or later; the collector's certificate is verified when there is a ca_file, and its
 *           name when there is a tls_name too. Files are read anew for each collector.
 * Logs:     who was turned away and why, once while the reason stays the same.
 * Threads:  none.   Tests: integration/test_listen.py, config/ */
#ifndef DELIVER_ACCEPTOR_H
#define DELIVER_ACCEPTOR_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/loop.h"
#include "deliver/conn.h"

struct acceptor_events {
	/* ssl is NULL without TLS; the handshake is done. peer: "192.0.2.1:40000". */
	void (*accepted)(void *context, int fd, SSL *ssl, const char *peer);
	/* It cannot listen. */
	void (*failed)(void *context, const struct error *err);
	void *context;
};

struct acceptor;

/* "192.0.2.0/24", "2001:db8::/32" or one address. */
NODISCARD enum rc acceptor_network(const char *text, struct error *err);

NODISCARD enum rc acceptor_open(struct loop *loop, const struct conn_options *options,
	const struct acceptor_events *events, struct acceptor **out, struct error *err);
void acceptor_close(struct acceptor *acceptor);

#endif
