/* http.c - the queue of requests, its lanes, and what is made once for all of them. */
#include "config.h"

#include "fetch/http.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "fetch/http_private.h"
#include "fetch/secret.h"

/* Connections of destinations stand in the same cache as ours; they must not push ours out. */
#define SPARE_CONNECTIONS 32

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

void http_lane_leave(struct http_transfer *t)
{
	struct http_lane *lane = t->lane;

	t->lane = NULL;
	if (!lane)
		return;
	lane->in_flight--;
	lane_advance(t->http, lane);
}

static void work_add(struct http_transfer *t)
{
	list_remove(&t->work_node);
	list_append(&t->http->work, &t->work_node);
	loop_defer(t->http->loop, &t->http->pump);
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
			http_transfer_release(t);
		else if (t->paused)
			http_transfer_resume(t);
	}
	/* What is put into the queue from here on waits for the next turn. */
	for (count = http->stats.waiting;
		count && has_room(http) && !list_empty(&http->waiting); count--) {
		struct http_request *request =
			CONTAINER_OF(http->waiting.next, struct http_request, node);
		struct http_lane *lane = request->lane;

		queue_leave(http, request);
		if (!request->prepare || request->prepare(request))
			http_transfer_begin(http, request);
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
		http_lane_leave(t);
		work_add(t);
	} else {
		http_transfer_release(t);
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
		http_transfer_release(
			CONTAINER_OF(http->busy.next, struct http_transfer, node));
	while (!list_empty(&http->waiting))
		http_cancel(http,
			CONTAINER_OF(http->waiting.next, struct http_request, node));
	loop_defer_cancel(http->loop, &http->pump);
	while (!list_empty(&http->free))
		http_transfer_free(
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
