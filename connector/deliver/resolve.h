/* resolve.h - the addresses of "host:port", asked for without blocking.
 *
 * Purpose:  for what libcurl does not connect itself. It is libcurl that resolves, as it does for all
 *           else here: each address that it would connect to is written down instead.
 * Owner:    embedded in its owner, who calls resolve_stop() before it goes. Nothing is kept: each
 *           start asks anew. Numeric addresses need no name server.
 * Bounds:   RESOLVE_MAXIMUM addresses, in the order of getaddrinfo(3); further ones are left out.
 * Units:    milliseconds.   Threads: none but libcurl's own.   Tests: unit/test_udp.c */
#ifndef DELIVER_RESOLVE_H
#define DELIVER_RESOLVE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/loop.h"

#define RESOLVE_MAXIMUM 8

struct resolved {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} at;
	socklen_t size;
};

struct resolve {
	struct loop *loop;
	struct loop_transfer transfer;
	char text[CURL_ERROR_SIZE];
	struct resolved found[RESOLVE_MAXIMUM];
	size_t count;
	/* Filled by the owner. Called once from the loop; a count of 0: err says why there is none. */
	void (*done)(struct resolve *resolve, const struct error *err);
};

/* The address is right by conn_address(). Ends at latest after timeout_ms. */
NODISCARD enum rc resolve_start(struct resolve *resolve, struct loop *loop,
	const char *address, int64_t timeout_ms, struct error *err);
void resolve_stop(struct resolve *resolve);

#endif
