/* http.h - HTTPS requests on the loop: bounded in number, connections kept and shared.
 *
 * Purpose:  one queue for all requests of this process; at most `max_transfers` are in flight, the
 *           others wait in order, so thousands of tenants need few connections. HTTP/2 where the
 *           server offers it. Redirects are never followed.
 * Owner:    the request is embedded in its owner, who keeps it and its strings alive until done()
 *           or http_cancel(). done() comes exactly once, never from inside http_start().
 * Bounds:   the body is handed on as it comes and never kept; header lines are cut by libcurl.
 * Errors:   result->rc is RC_OK for any complete HTTP answer, whatever its status; RC_IO, RC_TLS,
 *           RC_PROTO otherwise, with the sentence in result->error. */
#ifndef FETCH_HTTP_H
#define FETCH_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/list.h"
#include "base/loop.h"

struct http_options {
	unsigned max_transfers;	     /* in flight at once */
	const char *ca_file;	     /* NULL: the system's */
	const char *proxy;	     /* NULL: from the environment, "" none */
	const char *user_agent;
	int64_t connect_timeout_ms;
	int64_t first_byte_timeout_ms; /* no answer yet */
	int64_t stall_timeout_ms;      /* no octet of the body for so long; not while paused */
};

struct http;

struct http_result {
	enum rc rc;
	long status;
	int64_t retry_after_ms; /* of the Retry-After header (whole, decimal or date), -1: none */
	bool json;		/* Content-Type says JSON */
	uint64_t body_bytes;
	struct error error;
};

struct http_transfer; /* what libcurl needs; borrowed from a pool while in flight */

struct http_request {
	/* filled by the owner */
	const char *url;
	const char *bearer; /* token, or NULL. Sent to this URL's host only. */
	const char *form;   /* body of a POST, form-encoded; NULL: GET */
	const char *const *headers; /* "Name: value", NULL at the end; may be NULL */
	/* Takes a piece of the body, whatever the status. Returns RC_OK;
	 * RC_AGAIN after having taken it to pause until http_resume(); anything else ends the request
	 * with that result (set err). */
	enum rc (*body)(
		struct http_request *request, const char *p, size_t n, struct error *err);
	/* The answer's head is complete and has this status; called before the first body(). */
	void (*status)(struct http_request *request, long status);
	void (*done)(struct http_request *request, const struct http_result *result);
	int64_t body_timeout_ms; /* 0: the client's stall_timeout_ms */

	/* used by http.c */
	struct list node;
	struct http_transfer *transfer;
	bool waiting;
};

NODISCARD enum rc http_new(struct loop *loop, const struct http_options *options,
	struct http **out, struct error *err);
/* Cancels everything without done(). */
void http_free(struct http *http);

void http_start(struct http *http, struct http_request *request);
void http_cancel(struct http *http, struct http_request *request);
void http_resume(struct http *http, struct http_request *request);

struct http_stats {
	unsigned in_flight, waiting;
	uint64_t requests, connects, body_bytes;
};
void http_stats(const struct http *http, struct http_stats *stats);

/* "https://host:port" of a URL with the default port filled in, lower case; false when it is no
 * http(s) URL or holds user info. Next links are compared by it. */
bool http_origin(const char *url, size_t n, char *out, size_t size);

/* Retry-After: seconds, whole or decimal (rounded up), or an HTTP date. -1 when it is neither. */
int64_t http_retry_after(const char *value, size_t n, int64_t wall_ticks);

#endif
