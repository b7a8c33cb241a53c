/* server.h - one HTTP request and its answer, on top of libmicrohttpd.
 *
 * Purpose:  login.c, api.c, imds.c and control.c see only these two structs.
 * Owner:    the server; an answer's body is taken by the server.
 * Errors:   server_start() says what failed on stderr and gives NULL.
 * Threads:  a pool of threads answers; handlers must be safe for that.
 * Tests:    integration/test_simulator.py */
#ifndef SIMULATOR_SERVER_H
#define SIMULATOR_SERVER_H

#include "text.h"
#include "world.h"

#include <stdbool.h>
#include <stdint.h>

struct MHD_Connection;

struct request {
	struct MHD_Connection *connection;
	const char *method, *path;
	struct text url; /* with the query, as far as it can be told */
	struct text body;
	bool too_big;
	const char *scheme, *host; /* host with port, from the Host header */
};

enum delivery {
	DELIVER_WHOLE,
	DELIVER_CUT, /* the connection ends after half of Content-Length */
	DELIVER_CUT_CHUNKED,
	DELIVER_PIECES,
	DELIVER_DROP, /* no answer at all */
};

enum { HEADERS_MAX = 8, PIECES_MAX = 6 };

/* Text repeated so many times, sent without being held in memory. */
struct piece {
	char *p;
	size_t n;
	uint64_t times;
};

struct answer {
	unsigned status;
	const char *type; /* Content-Type */
	struct text body;
	enum delivery delivery;
	struct piece pieces[PIECES_MAX];
	struct {
		const char *name;
		char value[300];
	} headers[HEADERS_MAX];
	unsigned header_count, delay_ms;
	struct tenant *tenant; /* whom to count it for, or NULL */
	enum api api;
};

const char *request_header(const struct request *, const char *name);
/* Decoded; NULL when absent. */
const char *request_query(const struct request *, const char *name);
/* Calls for each query parameter until one gives false; then gives false. */
bool request_each_query(const struct request *,
	bool (*call)(void *, const char *name, const char *value), void *);
void answer_header(struct answer *, const char *name, const char *value);
void answer_piece(struct answer *, const char *, size_t, uint64_t times);

struct server_options {
	const char *address;
	unsigned port, threads;
	const char *cert, *key; /* PEM text; NULL is plain HTTP */
	bool gzip, pretty, verbose;
	bool imds; /* a managed identity's endpoints and nothing else */
};

struct server;
struct server *server_start(struct world *, const struct server_options *);
unsigned server_port(const struct server *);
void server_stop(struct server *);

/* The parts that answer. */
void login_answer(struct world *, const struct request *, struct answer *);
void api_answer(struct world *, const struct request *, struct answer *);
void imds_answer(struct world *, const struct request *, struct answer *);
void control_answer(struct world *, const struct request *, struct answer *);

#endif
