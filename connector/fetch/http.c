#include "config.h"

#include "fetch/http.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/strbuf.h"
#include "fetch/gunzip.h"
#include "fetch/http_text.h"
#include "fetch/secret.h"

#define PIECE_OCTETS 16384L /* a TLS record; also the most that body() gets at once */
#define HEAD_OCTETS_MAX 65536
#define TARGET_OCTETS_MAX 65535
/* Connections of destinations stand in the same cache as ours; they must not push ours out. */
#define SPARE_CONNECTIONS 32
#define CONNECTION_IDLE_S 120L
#define CONNECTION_LIFE_S 1800L /* then a new one, which asks DNS again */

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

/* Transfers. */

static size_t head_take(char *p, size_t size, size_t n, void *context);
static size_t body_take(char *p, size_t size, size_t n, void *context);
static void transfer_done(struct loop_transfer *loop_transfer, CURLcode code);
static void transfer_timer(struct loop_timer *timer);

/* What is the same for all requests is set once: a handle keeps it. */
static void handle_prepare(struct http_transfer *t)
{
	const struct http_options *options = &t->http->options;
	const curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);
	CURL *easy = t->loop.easy;

	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
		(long)(options->http2 ? CURL_HTTP_VERSION_2TLS
				      : CURL_HTTP_VERSION_1_1));
	curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
	curl_easy_setopt(
		easy, CURLOPT_HTTP_CONTENT_DECODING, 0L); /* gunzip.c is faster */
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, PIECE_OCTETS);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, options->user_agent);
	curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);

	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	/* libcurl reads the CA file once for all connections, but only when no CA folder is set. */
	if (options->ca_file) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
		curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, options->ca_file);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	} else if (version->age >= CURLVERSION_SEVENTH && version->cainfo) {
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}
	curl_easy_setopt(easy, CURLOPT_SHARE, t->http->share);
	curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXYUSERNAME, t->http->proxy_user);
	curl_easy_setopt(easy, CURLOPT_PROXYPASSWORD, t->http->proxy_password);
	curl_easy_setopt(easy, CURLOPT_IPRESOLVE,
		options->ip == 4   ? CURL_IPRESOLVE_V4
		: options->ip == 6 ? CURL_IPRESOLVE_V6
				   : CURL_IPRESOLVE_WHATEVER);

	curl_easy_setopt(
		easy, CURLOPT_CONNECTTIMEOUT_MS, (long)options->connect_timeout_ms);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 60L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 15L);
	curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, CONNECTION_IDLE_S);
	curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, CONNECTION_LIFE_S);

	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->why);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, head_take);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_take);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
}

static struct http_transfer *transfer_new(struct http *http)
{
	struct http_transfer *t = xcalloc(1, sizeof(*t));

	list_init(&t->node);
	list_init(&t->work_node);
	strbuf_init(&t->auth, 64 * 1024);
	strbuf_init(&t->target, TARGET_OCTETS_MAX);
	t->http = http;
	t->timer.fire = transfer_timer;
	t->loop.done = transfer_done;
	t->loop.easy = curl_easy_init();
	if (!t->loop.easy)
		abort();
	handle_prepare(t);
	return t;
}

static void auth_wipe(struct http_transfer *t)
{
	if (t->auth.room)
		explicit_bzero(t->auth.p, t->auth.room);
	strbuf_reset(&t->auth);
}

static void transfer_free(struct http_transfer *t)
{
	list_remove(&t->node);
	curl_easy_cleanup(t->loop.easy);
	auth_wipe(t);
	strbuf_clear(&t->auth);
	strbuf_clear(&t->target);
	free(t);
}

static void pause_set(struct http_transfer *t, bool paused)
{
	if (t->paused == paused)
		return;
	t->paused = paused;
	t->http->stats.paused += paused ? 1 : -1u;
	if (paused && !list_empty(&t->http->waiting))
		loop_defer(t->http->loop, &t->http->pump);
}

/* The next one of a lane comes to the end of the queue, behind those of all other lanes. */
static void lane_advance(struct http *http, struct http_lane *lane)
{
	struct list *next;

	if (!lane || lane->queued || list_empty(&lane->waiting) ||
		lane->in_flight >= http->options.max_per_lane)
		return;
	next = lane->waiting.next;
	list_remove(next);
	list_append(&http->waiting, next);
	CONTAINER_OF(next, struct http_request, node)->queued = true;
	lane->queued = true;
	loop_defer(http->loop, &http->pump);
}

static void lane_leave(struct http_transfer *t)
{
	struct http_lane *lane = t->lane;

	t->lane = NULL;
	if (!lane)
		return;
	lane->in_flight--;
	lane_advance(t->http, lane);
}

/* Back to the pool; the request, if any, is told by the caller. */
static void gunzip_leave(struct http_transfer *t)
{
	struct gunzip *gunzip = t->gunzip;

	t->gunzip = NULL;
	if (t->http->gunzip)
		gunzip_free(gunzip);
	else
		t->http->gunzip = gunzip;
}

static void transfer_release(struct http_transfer *t)
{
	struct http *http = t->http;

	loop_transfer_remove(http->loop, &t->loop);
	loop_timer_stop(http->loop, &t->timer);
	auth_wipe(t);
	pause_set(t, false);
	lane_leave(t);
	gunzip_leave(t);
	if (t->request)
		t->request->transfer = NULL;
	t->request = NULL;
	list_remove(&t->work_node);
	list_remove(&t->node);
	list_prepend(&http->free, &t->node);
	http->stats.in_flight--;
	if (!list_empty(&http->waiting))
		loop_defer(http->loop, &http->pump);
}

static void work_add(struct http_transfer *t)
{
	list_remove(&t->work_node);
	list_append(&t->http->work, &t->work_node);
	loop_defer(t->http->loop, &t->http->pump);
}

static size_t head_take(char *p, size_t size, size_t n, void *context)
{
	struct http_transfer *t = context;

	(void)p;
	if (!t->head_octets)
		t->last_ms = loop_now_ms(t->http->loop);
	t->head_octets += size * n;
	if (t->head_octets <= HEAD_OCTETS_MAX)
		return size * n;
	t->head_too_big = true;
	return 0;
}

static long transfer_status(struct http_transfer *t)
{
	long status = 0;

	curl_easy_getinfo(t->loop.easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

static void status_tell(struct http_transfer *t)
{
	if (t->status_told)
		return;
	t->status_told = true;
	t->result.status = transfer_status(t);
	if (t->request->status)
		t->request->status(t->request, t->result.status);
}

/* Only gzip was asked for. */
static enum rc encoding_read(struct http_transfer *t, struct error *err)
{
	struct curl_header *header;

	if (curl_easy_header(t->loop.easy, "Content-Encoding", 0, CURLH_HEADER, -1,
		    &header) != CURLHE_OK ||
		!strcasecmp(header->value, "identity"))
		return RC_OK;
	if (header->amount != 1 || (strcasecmp(header->value, "gzip") != 0 &&
					   strcasecmp(header->value, "x-gzip") != 0))
		return error_set(err, RC_PROTO,
			"the answer of %s is encoded in another way than gzip, which "
			"was asked for",
			t->origin);
	t->gunzip = t->http->gunzip ? t->http->gunzip : gunzip_new();
	t->http->gunzip = NULL;
	gunzip_begin(t->gunzip);
	t->unpacked = 0;
	return RC_OK;
}

static enum rc body_give(struct http_transfer *t, const char *p, size_t n)
{
	t->result.body_bytes += n;
	t->http->stats.body_bytes += n;
	return t->request->body(t->request, p, n, &t->result.error);
}

static enum rc body_broken(struct http_transfer *t, struct error *err)
{
	return error_set(err, RC_PROTO,
		"the compressed answer of %s is broken after %llu octets", t->origin,
		(unsigned long long)t->result.body_bytes);
}

/* After RC_AGAIN the same piece comes again, and goes on where this left it. */
static enum rc body_unpack(struct http_transfer *t, const char *p, size_t n)
{
	const char *at = p + t->unpacked, *piece;
	size_t left = n - t->unpacked, piece_n;
	enum rc rc = RC_OK;

	while (rc == RC_OK) {
		if (gunzip_next(t->gunzip, &at, &left, &piece, &piece_n,
			    &t->result.error) != RC_OK)
			return body_broken(t, &t->result.error);
		t->unpacked = piece_n ? n - left : 0;
		if (!piece_n)
			break;
		rc = body_give(t, piece, piece_n);
		if (!t->request)
			break;
	}
	return rc;
}

static size_t body_take(char *p, size_t size, size_t n, void *context)
{
	struct http_transfer *t = context;
	bool first = !t->status_told;
	enum rc rc = RC_OK;

	(void)size; /* always 1 */
	if (!t->request)
		return CURL_WRITEFUNC_ERROR;
	if (t->paused)
		return CURL_WRITEFUNC_PAUSE; /* libcurl keeps this piece and brings it again */
	t->last_ms = loop_now_ms(t->http->loop);
	t->http->inside++;
	status_tell(t);
	if (t->request && first)
		rc = encoding_read(t, &t->result.error);
	if (t->request && rc == RC_OK)
		rc = t->gunzip ? body_unpack(t, p, n) : body_give(t, p, n);
	t->http->inside--;
	if (!t->request)
		return CURL_WRITEFUNC_ERROR;
	if (rc == RC_AGAIN) {
		pause_set(t, true);
		if (t->gunzip)
			return CURL_WRITEFUNC_PAUSE; /* there may be more of it */
	} else if (rc != RC_OK) {
		t->result.rc = rc;
		t->body_ended_it = true;
		return CURL_WRITEFUNC_ERROR;
	}
	return n;
}

/* Results. */

static void why_clean(char *why)
{
	size_t n = strlen(why);

	while (n && (why[n - 1] == '\n' || why[n - 1] == '\r' || why[n - 1] == ' '))
		why[--n] = '\0';
	for (; *why; why++)
		if ((unsigned char)*why < ' ' || *why == 0x7f)
			*why = '?';
}

static enum rc error_of_answer(
	struct http_transfer *t, CURLcode code, struct error *err)
{
	if (t->head_too_big)
		return error_set(err, RC_PROTO, "%s sent a head of more than %d KB",
			t->origin, HEAD_OCTETS_MAX / 1024);
	if (t->head_octets)
		return error_set(err, RC_PROTO,
			"the answer of %s was cut after %llu octets: %s", t->origin,
			(unsigned long long)t->result.body_bytes, t->why);
	if (code == CURLE_GOT_NOTHING)
		return error_set(err, RC_IO,
			"%s closed the connection without an answer", t->origin);
	if (code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_UNSUPPORTED_PROTOCOL)
		return error_set(
			err, RC_PROTO, "%s does not speak HTTP: %s", t->origin, t->why);
	return error_set(
		err, RC_IO, "the connection to %s failed: %s", t->origin, t->why);
}

/* The proxy's own answer to CONNECT; 0: none, or it has let us through. */
static long proxy_refusal(struct http_transfer *t)
{
	long status = 0;

	curl_easy_getinfo(t->loop.easy, CURLINFO_HTTP_CONNECTCODE, &status);
	return status / 100 == 2 ? 0 : status;
}

/* libcurl's result as a sentence: what, where, and what would be right. */
static enum rc error_of(struct http_transfer *t, CURLcode code, struct error *err)
{
	long refusal = proxy_refusal(t);

	if (refusal)
		return error_set(err, RC_IO,
			"the proxy does not let us through to %s (HTTP %ld): %s",
			t->origin, refusal,
			refusal == 407 ? "write its user:password into the file of "
					 "proxy_password_file"
				       : "have it allow this host and port");
	if (!*t->why)
		snprintf(t->why, sizeof(t->why), "%s", curl_easy_strerror(code));
	why_clean(t->why);
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return error_set(err, RC_IO,
			"cannot find the address of %s: check DNS on this machine and "
			"the address in "
			"the configuration",
			t->origin);
	case CURLE_COULDNT_RESOLVE_PROXY:
		return error_set(err, RC_IO,
			"cannot find the address of the proxy for %s: check the proxy "
			"in the "
			"configuration",
			t->origin);
	case CURLE_COULDNT_CONNECT:
		return error_set(err, RC_IO,
			"cannot connect to %s: %s; check network, firewall and proxy",
			t->origin, t->why);
	case CURLE_OPERATION_TIMEDOUT:
		return error_set(err, RC_IO,
			"no connection to %s within %lld s; check network, firewall "
			"and proxy",
			t->origin,
			(long long)(t->http->options.connect_timeout_ms + 999) / 1000);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
		return error_set(err, RC_TLS,
			"the certificate of %s is refused: %s; if a proxy inspects TLS "
			"here, name its CA "
			"in ca_file",
			t->origin, t->why);
	case CURLE_SSL_CACERT_BADFILE:
		return error_set(err, RC_TLS,
			"cannot read the CA certificates in %s for %s",
			t->http->options.ca_file ? t->http->options.ca_file
						 : "the system's store",
			t->origin);
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ENGINE_INITFAILED:
	case CURLE_USE_SSL_FAILED:
		return error_set(err, RC_TLS,
			"no TLS connection (1.2 or later) with %s: %s", t->origin,
			t->why);
	case CURLE_URL_MALFORMAT:
		return error_set(
			err, RC_CONFIG, "this is no valid URL of %s", t->origin);
	default:
		return error_of_answer(t, code, err);
	}
}

static const char *header_last(CURL *easy, const char *name)
{
	struct curl_header *header;

	if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
		return NULL;
	return header->value;
}

static void answer_read(struct http_transfer *t)
{
	const char *value;
	char *type = NULL;

	t->result.status = transfer_status(t);
	curl_easy_getinfo(t->loop.easy, CURLINFO_CONTENT_TYPE, &type);
	t->result.json = type && strcasestr(type, "json");
	value = header_last(t->loop.easy, "Retry-After");
	if (value) {
		const char *date = header_last(t->loop.easy, "Date");
		time_t at = date ? curl_getdate(date, NULL) : -1;

		t->result.retry_after_ms = http_retry_after(value, strlen(value),
			at >= 0 ? (int64_t)at * TICKS_PER_S
				: clock_wall(loop_clock(t->http->loop)));
	}
}

/* The end of every request that was not cancelled. */
static void transfer_finish(struct http_transfer *t)
{
	struct http_request *request = t->request;
	struct http_result result;
	long connects = 0;

	curl_easy_getinfo(t->loop.easy, CURLINFO_NUM_CONNECTS, &connects);
	t->http->stats.connects += (uint64_t)connects;
	result = t->result;
	transfer_release(t);
	request->done(request, &result);
}

static void transfer_done(struct loop_transfer *loop_transfer, CURLcode code)
{
	struct http_transfer *t =
		CONTAINER_OF(loop_transfer, struct http_transfer, loop);

	if (!t->request) {
		transfer_release(t);
		return;
	}
	if (t->head_octets)
		answer_read(t);
	if (code == CURLE_OK) {
		status_tell(t);
		if (!t->request) /* cancelled by it; http_cancel() has released */
			return;
		if (t->gunzip && !gunzip_whole(t->gunzip))
			t->result.rc = body_broken(t, &t->result.error);
	} else if (!t->body_ended_it) {
		t->result.rc = error_of(t, code, &t->result.error);
	}
	transfer_finish(t);
}

/* libcurl watches the connecting; we the wait for the head and for each piece of the body. */
static void transfer_timer(struct loop_timer *timer)
{
	struct http_transfer *t = CONTAINER_OF(timer, struct http_transfer, timer);
	struct http *http = t->http;
	const struct http_options *options = &http->options;
	int64_t now = loop_now_ms(http->loop), due;
	curl_off_t sent_us = 0;

	if (!t->request) {
		transfer_release(t);
		return;
	}
	curl_easy_getinfo(t->loop.easy, CURLINFO_PRETRANSFER_TIME_T, &sent_us);
	if (t->paused)
		due = now + t->stall_ms;
	else if (t->last_ms >= 0)
		due = t->last_ms + t->stall_ms;
	else if (sent_us)
		due = t->started_ms + sent_us / 1000 + options->first_byte_timeout_ms;
	else
		due = t->started_ms + options->connect_timeout_ms +
		      options->first_byte_timeout_ms;
	if (due > now) {
		loop_timer_set(http->loop, timer, due);
		return;
	}
	if (t->head_octets)
		answer_read(t);
	if (t->last_ms >= 0)
		t->result.rc = error_set(&t->result.error, RC_IO,
			"%s sent nothing for %lld s in the middle of its answer (after "
			"%llu octets)",
			t->origin, (long long)(t->stall_ms + 999) / 1000,
			(unsigned long long)t->result.body_bytes);
	else
		t->result.rc = error_set(&t->result.error, RC_IO,
			"%s did not answer within %lld s", t->origin,
			(long long)(options->first_byte_timeout_ms + 999) / 1000);
	transfer_finish(t);
}

/* The queue. */

static void headers_set(struct http_transfer *t, const struct http_request *request)
{
	size_t count = 0;

	if (request->bearer) {
		strbuf_reset(&t->auth);
		strbuf_reserve(
			&t->auth, 4095); /* so that it rarely moves and leaves a copy */
		strbuf_adds(&t->auth, "Authorization: Bearer ");
		strbuf_adds(&t->auth, request->bearer);
		t->lines[count++].data = t->auth.p;
	}
	for (size_t i = 0;
		request->headers && request->headers[i] && i < HTTP_HEADERS_MAX; i++)
		t->lines[count++].data = (char *)(uintptr_t)request->headers[i];
	for (size_t i = 0; i < count; i++)
		t->lines[i].next = i + 1 < count ? &t->lines[i + 1] : NULL;
	curl_easy_setopt(t->loop.easy, CURLOPT_HTTPHEADER, count ? t->lines : NULL);
}

/* The URL as libcurl gets it: where to connect, and apart from that what to ask for, which libcurl
 * would otherwise take to pieces and write twice, octet by octet, and then check as we do here. */
static enum rc url_set(struct http_transfer *t, const char *url, struct error *err)
{
	const char *path = strstr(url, "://") + 3;
	size_t n;

	path += strcspn(path, "/?#");
	n = strcspn(path, "#");
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)path[i] <= ' ' || path[i] == 0x7f)
			return error_set(err, RC_CONFIG, "this is no valid URL of %s",
				t->origin);
	strbuf_reset(&t->target);
	if (*path != '/')
		strbuf_addc(&t->target, '/');
	if (!strbuf_add(&t->target, path, n))
		return error_set(
			err, RC_CONFIG, "the URL of %s is too long", t->origin);
	curl_easy_setopt(t->loop.easy, CURLOPT_URL, t->origin);
	curl_easy_setopt(t->loop.easy, CURLOPT_REQUEST_TARGET, t->target.p);
	return RC_OK;
}

static enum rc transfer_start(
	struct http_transfer *t, struct http_request *request, struct error *err)
{
	struct http *http = t->http;
	CURL *easy = t->loop.easy;

	if (!http_origin(
		    request->url, strlen(request->url), t->origin, sizeof(t->origin)))
		return error_set(err, RC_CONFIG,
			"this is no URL of the form https://host/path without user and "
			"password");
	headers_set(t, request);
	if (t->auth.full)
		return error_set(err, RC_LIMIT,
			"the access token for %s is longer than %zu octets", t->origin,
			t->auth.maximum);
	if (url_set(t, request->url, err) != RC_OK)
		return err->code;
	if (request->form) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->form);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
			(curl_off_t)strlen(request->form));
	} else {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
		curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
	}
	curl_easy_setopt(easy, CURLOPT_PROXY,
		http_origin_is_local(t->origin) ? "" : http->options.proxy);
	t->started_ms = loop_now_ms(http->loop);
	t->stall_ms = request->body_timeout_ms ? request->body_timeout_ms
					       : http->options.stall_timeout_ms;
	loop_timer_set(http->loop, &t->timer,
		t->started_ms + http->options.first_byte_timeout_ms);
	return loop_transfer_add(http->loop, &t->loop, err);
}

static void request_begin(struct http *http, struct http_request *request)
{
	struct http_transfer *t;

	if (list_empty(&http->free))
		t = transfer_new(http);
	else
		t = CONTAINER_OF(http->free.next, struct http_transfer, node);
	list_remove(&t->node);
	list_append(&http->busy, &t->node);
	http->stats.in_flight++;
	http->stats.requests++;
	t->request = request;
	request->transfer = t;
	t->lane = request->lane;
	if (t->lane)
		t->lane->in_flight++;
	t->result = (struct http_result){.retry_after_ms = -1};
	t->last_ms = -1;
	t->head_octets = 0;
	t->status_told = t->resume = t->head_too_big = t->body_ended_it = false;
	*t->why = '\0';
	t->result.rc = transfer_start(t, request, &t->result.error);
	if (t->result.rc != RC_OK)
		transfer_finish(t);
}

static void transfer_resume(struct http_transfer *t)
{
	CURLcode code;

	t->resume = false;
	pause_set(t, false);
	t->last_ms = loop_now_ms(t->http->loop);
	/* Brings the piece that libcurl kept, from inside this call. */
	code = curl_easy_pause(t->loop.easy, CURLPAUSE_CONT);
	if (code != CURLE_OK)
		transfer_done(&t->loop, code);
}

static bool has_room(const struct http *http)
{
	const struct http_stats *stats = &http->stats;

	return stats->in_flight - stats->paused < http->options.max_transfers &&
	       stats->in_flight / 2 < http->options.max_transfers;
}

/* Out of the queue, or from behind its lane's place in it. */
static void queue_leave(struct http *http, struct http_request *request)
{
	list_remove(&request->node);
	request->waiting = false;
	http->stats.waiting--;
	if (request->lane && request->queued)
		request->lane->queued = false;
	request->queued = false;
}

static void pump(struct loop_call *call)
{
	struct http *http = CONTAINER_OF(call, struct http, pump);
	unsigned count;

	while (!list_empty(&http->work)) {
		struct http_transfer *t =
			CONTAINER_OF(http->work.next, struct http_transfer, work_node);

		list_remove(&t->work_node);
		if (!t->request)
			transfer_release(t);
		else if (t->paused)
			transfer_resume(t);
	}
	/* What is put into the queue from here on waits for the next turn. */
	for (count = http->stats.waiting;
		count && has_room(http) && !list_empty(&http->waiting); count--) {
		struct http_request *request =
			CONTAINER_OF(http->waiting.next, struct http_request, node);
		struct http_lane *lane = request->lane;

		queue_leave(http, request);
		if (!request->prepare || request->prepare(request))
			request_begin(http, request);
		lane_advance(http, lane);
	}
}

void http_start(struct http *http, struct http_request *request)
{
	if (http_busy(request))
		return;
	request->waiting = true;
	http->stats.waiting++;
	if (request->lane) {
		list_append(&request->lane->waiting, &request->node);
		lane_advance(http, request->lane);
	} else {
		list_append(&http->waiting, &request->node);
	}
	loop_defer(http->loop, &http->pump);
}

void http_cancel(struct http *http, struct http_request *request)
{
	struct http_transfer *t = request->transfer;

	if (request->waiting) {
		queue_leave(http, request);
		lane_advance(http, request->lane);
	}
	if (!t)
		return;
	if (http->inside) { /* libcurl lets nobody out of the multi handle now */
		t->request = NULL;
		request->transfer = NULL;
		lane_leave(t);
		work_add(t);
	} else {
		transfer_release(t);
	}
}

void http_resume(struct http *http, struct http_request *request)
{
	(void)http;
	if (!request->transfer)
		return;
	/* From inside body() it may come before the pause that it is meant for. */
	request->transfer->resume = true;
	work_add(request->transfer);
}

void http_stats(const struct http *http, struct http_stats *stats)
{
	*stats = http->stats;
}

/* libcurl decodes what it is given as the proxy's user and password. */
static char *url_encoded(const char *p, size_t n)
{
	struct strbuf b;
	char *copy;

	strbuf_init(&b, 3 * n + 1);
	strbuf_reserve(&b, 3 * n + 1); /* it never moves, so one wipe gets all */
	for (size_t i = 0; i < n; i++)
		strbuf_addf(&b, "%%%02X", (unsigned char)p[i]);
	copy = xstrndup(b.p, b.n);
	strbuf_wipe(&b);
	return copy;
}

enum rc http_new(struct loop *loop, const struct http_options *options,
	struct http **out, struct error *err)
{
	struct http *http;

	if (!options->max_transfers)
		return error_set(err, RC_CONFIG,
			"the number of transfers at once must be at least 1");
	http = xcalloc(1, sizeof(*http));
	http->loop = loop;
	http->options = *options;
	if (!http->options.max_per_lane ||
		http->options.max_per_lane > options->max_transfers)
		http->options.max_per_lane = options->max_transfers;
	if (options->ca_file)
		http->options.ca_file = http->ca_file = xstrdup(options->ca_file);
	if (options->proxy)
		http->options.proxy = http->proxy = xstrdup(options->proxy);
	if (options->user_agent)
		http->options.user_agent = http->user_agent =
			xstrdup(options->user_agent);
	if (options->proxy_login) {
		size_t user = strcspn(options->proxy_login, ":");
		const char *rest = options->proxy_login + user;

		http->proxy_user = url_encoded(options->proxy_login, user);
		http->proxy_password = url_encoded(
			rest + (*rest == ':'), strlen(rest + (*rest == ':')));
		http->options.proxy_login = NULL; /* not ours */
	}
	list_init(&http->waiting);
	list_init(&http->free);
	list_init(&http->busy);
	list_init(&http->work);
	http->pump.run = pump;
	/* CURLOPT_NOSIGNAL leaves this to the program: TLS writes to a closed socket. */
	signal(SIGPIPE, SIG_IGN);
	/* Sessions are shared, so a new connection to a known host costs a short handshake. */
	http->share = curl_share_init();
	if (!http->share)
		abort();
	curl_share_setopt(http->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
	loop_keep_connections(loop, (long)options->max_transfers + SPARE_CONNECTIONS);
	*out = http;
	return RC_OK;
}

void http_free(struct http *http)
{
	if (!http)
		return;
	while (!list_empty(&http->busy))
		transfer_release(
			CONTAINER_OF(http->busy.next, struct http_transfer, node));
	while (!list_empty(&http->waiting))
		http_cancel(http,
			CONTAINER_OF(http->waiting.next, struct http_request, node));
	loop_defer_cancel(http->loop, &http->pump);
	while (!list_empty(&http->free))
		transfer_free(
			CONTAINER_OF(http->free.next, struct http_transfer, node));
	gunzip_free(http->gunzip);
	curl_share_cleanup(http->share);
	free(http->ca_file);
	free(http->proxy);
	free(http->user_agent);
	free(http->proxy_user);
	secret_free(http->proxy_password);
	free(http);
}
