/* http_private.h - what the parts of the HTTP client share.
 *
 * Purpose:  http.c keeps the queue and its lanes; http_transfer.c carries a request through libcurl,
 *           with a transfer from the pool; http_error.c says why one failed.
 * Owner:    struct http owns its transfers, which live until http_free(); a request has one from
 *           http_transfer_begin() to http_transfer_release(). Only http*.c include this. */
#ifndef FETCH_HTTP_PRIVATE_H
#define FETCH_HTTP_PRIVATE_H

#include "base/strbuf.h"
#include "fetch/gunzip.h"
#include "fetch/http.h"
#include "fetch/http_text.h"

#define HEAD_OCTETS_MAX 65536

struct http_transfer {
	struct list node; /* in free or busy */
	struct list work_node; /* in work: to be resumed or dropped */
	struct loop_transfer loop;
	struct loop_timer timer;
	struct http *http;
	struct http_request
		*request; /* NULL: cancelled inside a callback, to be dropped */
	struct http_lane *lane;
	struct http_result result;
	struct curl_slist lines[HTTP_HEADERS_MAX + 2];
	struct strbuf auth, target;
	int64_t started_ms;
	int64_t last_ms; /* of the first octet of the head, then of each piece; -1: nothing yet */
	int64_t stall_ms;
	size_t head_octets;
	struct gunzip *gunzip; /* the body is compressed */
	size_t unpacked; /* octets of the piece that libcurl keeps while paused */
	bool status_told, paused, resume;
	bool head_too_big, body_ended_it;
	char origin[HTTP_ORIGIN];
	char why[CURL_ERROR_SIZE];
};

struct http {
	struct loop *loop;
	struct http_options options;
	char *ca_file, *proxy, *user_agent, *proxy_user, *proxy_password;
	CURLSH *share;
	struct list waiting; /* struct http_request: one of each lane */
	struct list free, busy, work;
	struct loop_call pump;
	struct gunzip *gunzip; /* one that nobody uses, or NULL */
	unsigned inside; /* callbacks of libcurl on the stack */
	struct http_stats stats;
};

/* http.c: the transfer gives back its place in its lane, and the next one of the lane moves up. */
void http_lane_leave(struct http_transfer *t);

/* http_transfer.c: takes a transfer from the pool, or makes one; done() comes at once when the request
 * cannot be sent. */
void http_transfer_begin(struct http *http, struct http_request *request);
/* Reading goes on; brings the piece that libcurl kept, from inside this call. */
void http_transfer_resume(struct http_transfer *t);
/* Back to the pool; the request, if any, is told by the caller. Not from inside a callback of
 * libcurl. */
void http_transfer_release(struct http_transfer *t);
void http_transfer_free(struct http_transfer *t);

/* http_error.c: libcurl's result as a sentence: what, where, and what would be right. */
enum rc http_transfer_error(struct http_transfer *t, CURLcode code, struct error *err);

#endif
