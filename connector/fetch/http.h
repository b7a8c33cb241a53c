/* http.h - HTTPS requests on the loop: bounded in number, connections kept and shared.
 *
 * Purpose:  one queue for all requests of this process; at most `max_transfers` are in flight, the
 *           others wait in order, so thousands of tenants need few connections. Redirects are never
 *           followed.
 * Fairness: requests of one lane (a tenant) stand in the queue one at a time, so lanes take turns
 *           however much each of them wants, and at most `max_per_lane` are in flight. One that is
 *           paused waits for us and not for the network: it takes no other's place, up to as many
 *           again as max_transfers.
 * Owner:    the request is embedded in its owner, who keeps it and its strings alive until done()
 *           or http_cancel(). done() comes exactly once, never from inside http_start().
 * Bounds:   the body is handed on in pieces of at most 16 KB and never kept; a head over 64 KB ends
 *           the request. While paused libcurl keeps what one piece unpacks to, not more, and TCP
 *           holds the server back; not so with HTTP/2, see http_options.http2.
 * Errors:   result->rc is RC_OK for any complete HTTP answer, whatever its status. Otherwise RC_IO
 *           (network, timeout), RC_TLS, RC_PROTO (an answer that is cut or no HTTP), RC_CONFIG (no
 *           http(s) URL) or what body() returned, with the sentence in result->error. Sentences name
 *           scheme, host and port, never path or query.
 * Proxy:    never used for loopback and link-local hosts (managed identity). It gets CONNECT and its
 *           own login, never a token. */
#ifndef FETCH_HTTP_H
#define FETCH_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/list.h"
#include "base/loop.h"

struct http_options {
	unsigned max_transfers; /* in flight at once */
	unsigned max_per_lane; /* of those; 0: as many */
	const char *ca_file; /* NULL: the system's */
	/* NULL: from the environment, "" none. NO_PROXY of the environment holds for both. */
	const char *proxy;
	const char *proxy_login; /* "user:password", NULL: none */
	int ip; /* 4 or 6: only that; else any */
	const char *user_agent;
	int64_t connect_timeout_ms;
	int64_t first_byte_timeout_ms; /* no answer yet */
	int64_t stall_timeout_ms; /* no octet of the body for so long; not while paused */
	/* Offer HTTP/2. libcurl 7.88 opens a window of 32 MB per stream and keeps in memory what comes
	 * for a paused one, and an empty poll costs twice the CPU; few connections we have anyway. */
	bool http2;
};

struct http;

struct http_result {
	enum rc rc;
	long status;
	int64_t retry_after_ms; /* of the Retry-After header, see http_retry_after(); -1: none */
	bool json; /* Content-Type says JSON */
	uint64_t body_bytes;
	struct error error;
};

/* Whose requests take turns with those of others; in its owner, who lets it go after them. */
struct http_lane {
	struct list waiting; /* behind the one that stands in the queue */
	unsigned in_flight;
	bool queued;
};

static inline void http_lane_init(struct http_lane *lane)
{
	*lane = (struct http_lane){0};
	list_init(&lane->waiting);
}

struct http_transfer; /* what libcurl needs; borrowed from a pool while in flight */

#define HTTP_HEADERS_MAX 6

struct http_request {
	/* filled by the owner */
	const char *url;
	const char *
		bearer; /* token, or NULL. Sent to this URL's host only. Copied when sent. */
	const char *form; /* body of a POST, form-encoded; NULL: GET */
	/* "Name: value", NULL at the end, at most HTTP_HEADERS_MAX; may be NULL */
	const char *const *headers;
	/* May be NULL. Called when the request leaves the queue, to fill bearer or form as late as
	 * possible. False: not now; it is out of the queue and its owner may start it again. */
	bool (*prepare)(struct http_request *request);
	/* Takes a piece of the body, whatever the status. Returns RC_OK;
	 * RC_AGAIN after having taken it to pause: it is not called again until http_resume(), but
	 * done() may come if that was the end; anything else ends the request with that result (set
	 * err). May cancel this or another request, and start others. */
	enum rc (*body)(struct http_request *request, const char *p, size_t n,
		struct error *err);
	/* The answer's head is complete and has this status; called once, before the first body() or,
	 * without a body, before done(). May be NULL. */
	void (*status)(struct http_request *request, long status);
	void (*done)(struct http_request *request, const struct http_result *result);
	int64_t body_timeout_ms; /* 0: the client's stall_timeout_ms */
	struct http_lane *lane; /* NULL: a lane of its own */

	/* used by http*.c */
	struct list node;
	struct http_transfer *transfer;
	bool waiting, queued;
};

/* SIGPIPE is ignored from here on. Strings of the options are copied. */
NODISCARD enum rc http_new(struct loop *loop, const struct http_options *options,
	struct http **out, struct error *err);
/* Cancels everything without done(). Not from inside a callback. NULL does nothing. */
void http_free(struct http *http);

/* Puts it at the end of the queue; it goes out at the end of this turn at the earliest. */
void http_start(struct http *http, struct http_request *request);
/* No callback comes any more, the request may go. Does nothing when it is not in flight. */
void http_cancel(struct http *http, struct http_request *request);
/* body() comes again, from the loop and not from inside this call. */
void http_resume(struct http *http, struct http_request *request);
static inline bool http_busy(const struct http_request *request)
{
	return request->waiting || request->transfer;
}

struct http_stats {
	unsigned in_flight, waiting; /* in flight: the paused too */
	unsigned paused;
	uint64_t requests, connects, body_bytes;
};
void http_stats(const struct http *http, struct http_stats *stats);

#endif
