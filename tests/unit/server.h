/* server.h - a small HTTP/1.1 server in threads of the test, with or without TLS.
 *
 * Purpose:  a test says per request, octet by octet if it likes, what the other side does.
 * Threads:  one per connection; the handler runs there, under no lock (server_lock is for it). */
#ifndef TESTS_SERVER_H
#define TESTS_SERVER_H

#include <stdbool.h>
#include <stddef.h>

struct server;
struct server_peer; /* one connection */

struct exchange {
	struct server *server;
	struct server_peer *peer;
	unsigned connection, number; /* from 0, in the server; in the connection */
	char method[16];
	char path[4096]; /* with the query */
	char head[32768]; /* lines after the first */
	char body[65536];
	size_t body_n;
	bool close; /* set by the handler: no more requests on this connection */
};

typedef void server_handler(struct exchange *x, void *context);

/* name: what the certificate says ("localhost"), NULL for plain HTTP. Listens on 127.0.0.1. */
struct server *server_new(const char *name, server_handler *handle, void *context);
void server_free(struct server *server);
const char *server_root(const struct server *server); /* "https://localhost:PORT" */
unsigned server_port(const struct server *server);
unsigned server_connections(struct server *server);
unsigned server_requests(struct server *server);
void server_lock(struct server *server);
void server_unlock(struct server *server);
/* A file with the CA certificate that signed all servers of this process; removed at exit. */
const char *server_ca_file(void);
/* One with another CA. */
const char *server_other_ca_file(void);

bool exchange_send(struct exchange *x, const void *p, size_t n);
/* A complete answer; headers are lines with \r\n or "". */
bool exchange_reply(struct exchange *x, int status, const char *headers,
	const void *body, size_t n);
/* Value of a header of the request, "" when absent; in a buffer of the thread. */
const char *exchange_header(const struct exchange *x, const char *name);
/* Value of a form field, decoded; the same buffer. */
const char *exchange_field(const struct exchange *x, const char *name);
/* Waits until the client goes, or the server is freed. */
void exchange_hang(struct exchange *x);
/* The connection ends with a reset. */
void exchange_reset(struct exchange *x);

#endif
