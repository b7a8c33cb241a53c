/* conn.h - one byte stream to a collector, plain or TLS.
 *
 * Purpose:  resolves, connects, verifies (all by libcurl, CONNECT_ONLY, in the loop's multi handle; or
 *           waits for the collector's own connection, acceptor.h),
 *           writes without blocking, and notices the end at once: FIN, reset, close_notify, silence.
 * Owner:    conn_open() gives, conn_close() frees; never call it from one of the events. Made anew
 *           for each attempt, so every file and the name's address are read again.
 * TLS:      1.2 or later; certificate and name are verified, or the pinned public key, or all; no
 *           ALPN, no session reuse; closing sends close_notify.
 * Units:    octets, milliseconds.   Threads: none.
 * Source:   RFC 5425, RFC 9662; tcp(7).
 * Tests:    unit/test_destination.c, unit/test_destination_tls.c */
#ifndef DELIVER_CONN_H
#define DELIVER_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/loop.h"

struct conn_options {
	const char *address; /* "host:port", "[v6]:port" */
	bool tls;
	const char *ca_file; /* NULL: the system's */
	const char *crl_file; /* NULL: nothing is looked up */
	const char *pinned_key; /* or NULL; without ca_file it alone is verified */
	const char *cert_file, *key_file, *key_password_file;
	const char *tls_name; /* NULL: the host of the address */
	int64_t timeout_ms; /* for all of resolving, connecting and the handshake */
	int64_t dead_after_ms; /* that the peer's host answers nothing */
	/* The collector connects to the address instead, which is ours; cert_file is what it is shown,
	 * ca_file (NULL: any, even none) and tls_name what its own must be; timeout_ms is for the
	 * handshake. */
	bool listen;
	const char *const *allow; /* networks that may connect; a count of 0: any */
	size_t allow_count;
};

enum conn_end {
	CONN_CLOSED, /* FIN: the peer's process has probably read all that its kernel acknowledged */
	CONN_LOST, /* reset, timeout or not known: the peer may not have read its last window */
};

struct conn_events {
	void (*connected)(void *context);
	/* Once, before or after connected(); afterwards nothing but conn_close() is of use. */
	void (*ended)(void *context, enum conn_end end, const struct error *err);
	/* After conn_write() said RC_AGAIN: there is room again. */
	void (*writable)(void *context);
	/* What the peer sent, also what came just before its end. NULL: nobody asks. */
	void (*received)(void *context, const char *p, size_t n);
	void *context;
};

struct conn_progress {
	uint64_t acknowledged; /* octets below TLS that the peer's kernel has */
	uint64_t written; /* `acknowledged` will be here when it has all */
	size_t outstanding; /* what it lacks */
	size_t window; /* the largest that the peer advertised, as far as was seen */
	bool established; /* no end is seen or waits to be read */
};

struct conn;

/* "host:port" in its parts; false with a sentence when it is none. */
#define CONN_HOST 256
NODISCARD enum rc conn_address(
	const char *address, char host[CONN_HOST], char port[8], struct error *err);

/* One or more of "sha256//" and 44 characters of base64, parted by ";", as libcurl and HPKP have it. */
NODISCARD enum rc conn_pinned_key(const char *pinned_key, struct error *err);

/* The first line of a file that holds a password. */
#define CONN_PASSWORD 1024
NODISCARD enum rc conn_password(
	const char *path, char *out, size_t size, struct error *err);

/* RC_OK: an event will come, later. Otherwise a file is not as it must be. */
NODISCARD enum rc conn_open(struct loop *loop, const struct conn_options *options,
	const struct conn_events *events, struct conn **out, struct error *err);
void conn_close(struct conn *conn);

/* RC_OK: *taken of the n octets are with the kernel. RC_AGAIN: none; call again with the same octets at
 * the same place after writable() (TLS may have sent part of its record). Else the stream ended:
 * *end says how, and no event will come. With TLS, n of at most CONN_RECORD octets is one record. */
#define CONN_RECORD 16384
NODISCARD enum rc conn_write(struct conn *conn, const char *p, size_t n, size_t *taken,
	enum conn_end *end, struct error *err);

/* Nothing more will be written: close_notify and FIN, while the peer may still read. ended() comes with
 * CONN_CLOSED when it has closed too, and so has read everything. */
void conn_finish(struct conn *conn);

/* After ended() with CONN_CLOSED. A process that only shut its side down for writing may still throw
 * away what it has not read: then its kernel sends a reset, and on_reset() is called, once. Until
 * conn_close() nothing is sent: octets, a FIN or a keepalive would make the peer's kernel forget what
 * was unread, or answer with a reset that says nothing. False: nothing can come any more. */
bool conn_linger(struct conn *conn, void (*on_reset)(void *context), void *context);

/* While corked the kernel waits for full segments: for many writes at once. */
void conn_cork(struct conn *conn, bool corked);

/* Asks the kernel. False when there is no answer. */
NODISCARD bool conn_progress(struct conn *conn, struct conn_progress *progress);
/* True, with a sentence, when the peer should have acknowledged something for long and its host is
 * silent. A peer that answers but does not read is not silent. */
NODISCARD bool conn_silent(struct conn *conn, struct error *err);
/* The same of a peer whose host answers, but which has taken nothing for dead_after_ms. */
NODISCARD bool conn_stalled(struct conn *conn, struct error *err);

#endif
