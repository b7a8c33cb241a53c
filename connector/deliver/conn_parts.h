/* conn_parts.h - what the files of conn.h share, and nobody else.
 *
 * conn.c: the life of a stream; conn_setup.c: how libcurl and the socket are set; conn_health.c: what the
 * kernel says of it; conn_trouble.c: why there is none, in words; conn_values.c: what the configuration
 * says, read. */
#ifndef DELIVER_CONN_PARTS_H
#define DELIVER_CONN_PARTS_H

#include <curl/curl.h>
#include <linux/tcp.h>
#include <openssl/ssl.h>

#include "deliver/acceptor.h"
#include "deliver/conn.h"

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
	void (*on_reset)(void *context); /* of conn_linger() */
	void *on_reset_context;
	struct curl_slist *connect_to;
	struct acceptor *acceptor; /* NULL: libcurl connects and carries the octets */
	SSL *ssl; /* of a connection that was accepted */
	curl_socket_t fd;
	bool connected, ended;
	bool tls;
	bool notified; /* the peer's close_notify was read */
	bool finished; /* closed for writing: close_notify was sent */
	bool shut; /* and the FIN */
	struct loop_timer late;
	char address[CONN_HOST + 10];
	char name[CONN_HOST];
	int64_t timeout_ms, dead_after_ms;
	size_t window;
	uint64_t progress_acknowledged; /* as of progress_ms */
	int64_t progress_ms;
	char text[CURL_ERROR_SIZE];
};

/* A host name or an address. */
bool conn_host_text(const char *p, size_t n);

/* Everything of the easy handle but what calls back into conn.c. */
NODISCARD enum rc conn_setup(
	struct conn *conn, const struct conn_options *options, struct error *err);
/* What conn_setup() asks libcurl to set, for a socket that was accepted. */
void conn_setup_accepted(const struct conn *conn);

bool conn_tcp_info(const struct conn *conn, struct tcp_info *info);

/* Why libcurl made no connection; with what would be right. */
enum rc conn_why_not(const struct conn *conn, CURLcode code, struct error *err);

#endif
