/* http_transfer.c - a request on its way through libcurl: what is sent, the head and the pieces of its
 * answer, and its end. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fetch/http_private.h"

#define PIECE_OCTETS 16384L /* a TLS record; also the most that body() gets at once */
#define TARGET_OCTETS_MAX 65535
#define CONNECTION_IDLE_S 120L
#define CONNECTION_LIFE_S 1800L /* then a new one, which asks DNS again */

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

void http_transfer_free(struct http_transfer *t)
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

static void gunzip_leave(struct http_transfer *t)
{
	struct gunzip *gunzip = t->gunzip;

	t->gunzip = NULL;
	if (t->http->gunzip)
		gunzip_free(gunzip);
	else
		t->http->gunzip = gunzip;
}

void http_transfer_release(struct http_transfer *t)
{
	struct http *http = t->http;

	loop_transfer_remove(http->loop, &t->loop);
	loop_timer_stop(http->loop, &t->timer);
	auth_wipe(t);
	pause_set(t, false);
	http_lane_leave(t);
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
	http_transfer_release(t);
	request->done(request, &result);
}

static void transfer_done(struct loop_transfer *loop_transfer, CURLcode code)
{
	struct http_transfer *t =
		CONTAINER_OF(loop_transfer, struct http_transfer, loop);

	if (!t->request) {
		http_transfer_release(t);
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
		t->result.rc = http_transfer_error(t, code, &t->result.error);
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
		http_transfer_release(t);
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

/* Beginning, and going on. */

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

void http_transfer_begin(struct http *http, struct http_request *request)
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

void http_transfer_resume(struct http_transfer *t)
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
