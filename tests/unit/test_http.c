/* test_http.c - requests against a real server of this process: results, limits, pauses, cancelling. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/strbuf.h"
#include "fetch/http.h"
#include "fetch/http_text.h"
#include "server.h"

#define BIG (600 * 1024)

struct call {
	struct http_request request;
	struct http *http;
	struct http_result result;
	struct strbuf body;
	char url[300];
	unsigned dones, statuses, bodies;
	long status;
	unsigned pause_every; /* pause at each n-th piece */
	bool paused, body_while_paused;
	enum { LEAVE, AT_STATUS, AT_BODY, AT_DONE } cancel_at;
	struct call *victim; /* who is cancelled, default itself */
	enum rc body_rc;
};

struct fixture {
	struct loop *loop;
	struct http *http;
	struct server *server;
	unsigned at_once, at_once_max; /* requests the server is answering */
	char *big;
};

static enum rc call_body(
	struct http_request *request, const char *p, size_t n, struct error *err)
{
	struct call *call = CONTAINER_OF(request, struct call, request);

	call->body_while_paused |= call->paused;
	strbuf_add(&call->body, p, n);
	call->bodies++;
	if (call->cancel_at == AT_BODY) {
		struct call *victim = call->victim ? call->victim : call;

		http_cancel(call->http, &victim->request);
	}
	if (call->body_rc != RC_OK)
		return error_set(err, call->body_rc, "not wanted");
	if (call->pause_every && call->bodies % call->pause_every == 0) {
		call->paused = true;
		return RC_AGAIN;
	}
	return RC_OK;
}

static void call_status(struct http_request *request, long status)
{
	struct call *call = CONTAINER_OF(request, struct call, request);

	call->statuses++;
	call->status = status;
	if (call->cancel_at == AT_STATUS)
		http_cancel(call->http, request);
}

static void call_done(struct http_request *request, const struct http_result *result)
{
	struct call *call = CONTAINER_OF(request, struct call, request);

	call->dones++;
	call->result = *result;
	if (call->cancel_at == AT_DONE)
		http_cancel(
			call->http, call->victim ? &call->victim->request : request);
}

static void call_init(struct call *call, struct fixture *f, const char *path)
{
	memset(call, 0, sizeof(*call));
	strbuf_init(&call->body, 16 << 20);
	call->http = f->http;
	snprintf(call->url, sizeof(call->url), "%s%s", server_root(f->server), path);
	call->request = (struct http_request){.url = call->url,
		.body = call_body,
		.status = call_status,
		.done = call_done};
}

static void turn(struct fixture *f, int ms)
{
	struct error err;

	assert_int_equal(loop_turn(f->loop, ms, &err), RC_OK);
}

static void wait_done(struct fixture *f, struct call *call)
{
	int64_t until = loop_now_ms(f->loop) + 60000;

	while (!call->dones && loop_now_ms(f->loop) < until)
		turn(f, 20);
	assert_int_equal(call->dones, 1);
	assert_false(http_busy(&call->request));
}

static void run(struct fixture *f, struct call *call)
{
	http_start(f->http, &call->request);
	assert_int_equal(call->dones, 0);
	wait_done(f, call);
}

/* What the server does is in the path. */
static void handle(struct exchange *x, void *context)
{
	struct fixture *f = context;
	char text[256];

	if (!strncmp(x->path, "/echo", 5) || !x->path[1] || x->path[1] == '?') {
		snprintf(text, sizeof(text), "%s %.50s auth=%.50s body=%.100s",
			x->method, x->path, exchange_header(x, "Authorization"),
			x->body);
		exchange_reply(x, 200,
			"Content-Type: application/json; charset=utf-8\r\n", text,
			strlen(text));
	} else if (!strcmp(x->path, "/big")) {
		exchange_reply(x, 200, "", f->big, BIG);
	} else if (!strcmp(x->path, "/empty")) {
		exchange_reply(x, 204, "", "", 0);
	} else if (!strcmp(x->path, "/redirect")) {
		exchange_reply(x, 302, "Location: /echo\r\n", "moved", 5);
	} else if (!strcmp(x->path, "/429")) {
		exchange_reply(x, 429,
			"Retry-After: 2.128\r\nContent-Type: text/html\r\n", "", 0);
	} else if (!strcmp(x->path, "/503-date")) {
		exchange_reply(x, 503,
			"Date: Tue, 06 Jan 2015 10:00:00 GMT\r\n"
			"Retry-After: Tue, 06 Jan 2015 10:00:42 GMT\r\n",
			"", 0);
	} else if (!strcmp(x->path, "/mute")) {
		exchange_hang(x);
	} else if (!strcmp(x->path, "/stall")) {
		static const char start[] =
			"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello";

		exchange_send(x, start, sizeof(start) - 1);
		exchange_hang(x);
	} else if (!strcmp(x->path, "/cut") || !strcmp(x->path, "/reset")) {
		static const char start[] =
			"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello";

		exchange_send(x, start, sizeof(start) - 1);
		usleep(20000);
		if (x->path[1] == 'r')
			exchange_reset(x);
		x->close = true;
	} else if (!strcmp(x->path, "/cut-chunked")) {
		static const char start[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
					    "chunked\r\n\r\n5\r\nhello\r\n";

		exchange_send(x, start, sizeof(start) - 1);
		x->close = true;
	} else if (!strcmp(x->path, "/nothing")) {
		x->close = true;
	} else if (!strcmp(x->path, "/no-http")) {
		exchange_send(x, "220 mail ready\r\n", 16);
		x->close = true;
	} else if (!strcmp(x->path, "/long-head")) {
		exchange_send(x, "HTTP/1.1 200 OK\r\n", 17);
		for (int i = 0; i < 1000 && exchange_send(x, "X-Padding: ", 11); i++)
			if (!exchange_send(x, f->big, 200) ||
				!exchange_send(x, "\r\n", 2))
				break;
		x->close = true;
	} else if (!strncmp(x->path, "/gzip", 5)) {
		z_stream z = {0};
		char *packed = malloc(BIG);

		deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
		z.next_in = (Bytef *)f->big;
		z.avail_in = BIG;
		z.next_out = (Bytef *)packed;
		z.avail_out = BIG;
		deflate(&z, Z_FINISH);
		if (!strcmp(x->path, "/gzip-broken"))
			memset(packed + z.total_out / 2, 0x55, 100);
		if (!strcmp(x->path, "/gzip-cut"))
			z.total_out /= 2;
		if (!strcmp(x->path, "/gzip-nothing"))
			z.total_out = 0;
		exchange_reply(x,
			strstr(exchange_header(x, "Accept-Encoding"), "gzip") ? 200
									      : 406,
			"Content-Encoding: gzip\r\n", packed, z.total_out);
		deflateEnd(&z);
		free(packed);
	} else if (!strcmp(x->path, "/br")) {
		exchange_reply(x, 200, "Content-Encoding: br\r\n", "?", 1);
	} else if (!strcmp(x->path, "/identity")) {
		exchange_reply(x, 200, "Content-Encoding: Identity\r\n", "as it is", 8);
	} else if (!strncmp(x->path, "/slow", 5)) {
		server_lock(x->server);
		if (++f->at_once > f->at_once_max)
			f->at_once_max = f->at_once;
		server_unlock(x->server);
		usleep(10000);
		server_lock(x->server);
		f->at_once--;
		server_unlock(x->server);
		exchange_reply(x, 200, "", x->path, strlen(x->path));
	} else {
		exchange_reply(x, 404, "", "", 0);
	}
}

static void http_make(struct fixture *f, const char *ca_file, unsigned max)
{
	struct http_options options = {.max_transfers = max,
		.max_per_lane = 2,
		.ca_file = ca_file,
		.user_agent = "test",
		.connect_timeout_ms = 2000,
		.first_byte_timeout_ms = 900,
		.stall_timeout_ms = 900};
	struct error err;

	assert_int_equal(http_new(f->loop, &options, &f->http, &err), RC_OK);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->loop = loop_new(&clock_system);
	f->big = malloc(BIG);
	for (size_t i = 0; i < BIG; i++)
		f->big[i] = (char)('a' + (i * i / 7) % 26);
	f->server = server_new(NULL, handle, f);
	http_make(f, NULL, 4);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	http_free(f->http);
	loop_free(f->loop);
	server_free(f->server);
	free(f->big);
	free(f);
	return 0;
}

static void origins(void **state)
{
	static const struct {
		const char *url, *origin;
	} rows[] = {
		{"https://graph.microsoft.com/v1.0/x?y#z",
			"https://graph.microsoft.com:443"},
		{"HTTPS://Graph.Microsoft.COM", "https://graph.microsoft.com:443"},
		{"https://graph.microsoft.com:443/", "https://graph.microsoft.com:443"},
		{"https://graph.microsoft.com:0443?a",
			"https://graph.microsoft.com:443"},
		{"http://127.0.0.1:8080/a", "http://127.0.0.1:8080"},
		{"http://localhost#x", "http://localhost:80"},
		{"https://[2001:DB8::1]:8443/", "https://[2001:db8::1]:8443"},
		{"https://graph.microsoft.com@evil.example/", NULL},
		{"https://user:pw@graph.microsoft.com/", NULL},
		{"https://graph.microsoft.com\\@evil.example/", NULL},
		{"https://graph.microsoft.com%40evil.example/", NULL},
		{"https://graph.microsoft.com /", NULL},
		{"https://graph.microsoft.com\n/", NULL},
		{"https:///graph.microsoft.com/", NULL},
		{"https:/graph.microsoft.com/", NULL},
		{"https://", NULL},
		{"https://:443/", NULL},
		{"https://a:/", NULL},
		{"https://a:0/", NULL},
		{"https://a:65536/", NULL},
		{"https://a:4294967739/", NULL},
		{"https://a:44x/", NULL},
		{"https://[]/", NULL},
		{"https://[::1/", NULL},
		{"https://[::1]x/", NULL},
		{"ftp://graph.microsoft.com/", NULL},
		{"graph.microsoft.com", NULL},
		{"/v1.0/x", NULL},
		{"//graph.microsoft.com/", NULL},
		{"", NULL},
	};
	char out[HTTP_ORIGIN], longest[400];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool is =
			http_origin(rows[i].url, strlen(rows[i].url), out, sizeof(out));

		if (is != (rows[i].origin != NULL))
			fail_msg("%s", rows[i].url);
		if (is)
			assert_string_equal(out, rows[i].origin);
	}
	assert_false(http_origin("https://abc", 11, out, 10));
	assert_true(http_origin("https://abcdef", 11, out, sizeof(out)));
	assert_string_equal(out, "https://abc:443");
	assert_false(http_origin("https://a\0b/", 12, out, sizeof(out)));
	memset(longest, 'a', sizeof(longest));
	memcpy(longest, "https://", 8);
	assert_false(http_origin(longest, sizeof(longest), out, sizeof(out)));
	assert_true(http_origin(longest, 8 + 255, out, sizeof(out)));
}

static void retry_after(void **state)
{
	/* 2015-01-06T10:00:00.5Z */
	static const int64_t now = INT64_C(14205384005) * (TICKS_PER_S / 10);
	static const struct {
		const char *value;
		int64_t ms;
	} rows[] = {
		{"5", 5000},
		{"0", 0},
		{" 30 ", 30000},
		{"2.128", 3000},
		{"2.000", 2000},
		{"2.", 2000},
		{"0.001", 1000},
		{"3600", 3600000},
		{"3601", HTTP_RETRY_AFTER_MAX_MS},
		{"99999999999999999999999", HTTP_RETRY_AFTER_MAX_MS},
		{"Tue, 06 Jan 2015 10:00:42 GMT", 42000},
		{"Tuesday, 06-Jan-15 10:00:42 GMT", 42000},
		{"Tue Jan  6 10:00:42 2015", 42000},
		{"Tue, 06 Jan 2015 09:00:00 GMT", 0},
		{"Tue, 06 Jan 2035 09:00:00 GMT", HTTP_RETRY_AFTER_MAX_MS},
		{"-5", -1},
		{"+5", -1},
		{"5s", -1},
		{"1.2.3", -1},
		{".5", -1},
		{"soon", -1},
		{"", -1},
		{"   ", -1},
		{"111111111111111111111111111111111111111111111111111111111111111111111"
		 "1",
			-1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (http_retry_after(rows[i].value, strlen(rows[i].value), now) !=
			rows[i].ms)
			fail_msg("'%s' gave %lld", rows[i].value,
				(long long)http_retry_after(
					rows[i].value, strlen(rows[i].value), now));
}

static void get_and_post(void **state)
{
	static const char *const headers[] = {
		"Accept: application/json", "X-Test: 1", NULL};
	struct fixture *f = *state;
	struct call call;
	struct http_stats stats;

	call_init(&call, f, "/echo?a=b");
	call.request.bearer = "t0ken";
	call.request.headers = headers;
	run(f, &call);
	assert_int_equal(call.result.rc, RC_OK);
	assert_int_equal(call.result.status, 200);
	assert_int_equal(call.statuses, 1);
	assert_int_equal(call.status, 200);
	assert_true(call.result.json);
	assert_int_equal(call.result.retry_after_ms, -1);
	assert_string_equal(call.body.p, "GET /echo?a=b auth=Bearer t0ken body=");
	assert_int_equal(call.result.body_bytes, call.body.n);
	strbuf_clear(&call.body);

	call_init(&call, f, "/echo");
	call.request.form = "a=1&b=%20";
	run(f, &call);
	/* On the same handle and connection, nothing of the request before. */
	assert_string_equal(call.body.p, "POST /echo auth= body=a=1&b=%20");
	strbuf_clear(&call.body);

	call_init(&call, f, "/echo");
	run(f, &call);
	assert_string_equal(call.body.p, "GET /echo auth= body=");
	strbuf_clear(&call.body);

	http_stats(f->http, &stats);
	assert_int_equal(stats.connects, 1);
	assert_int_equal(stats.requests, 3);
	assert_int_equal(stats.in_flight, 0);
	assert_int_equal(server_connections(f->server), 1);
}

/* What is asked for is what stands in the URL, octet by octet, and never a line more. */
static void targets(void **state)
{
	static const struct {
		const char *path, *target; /* NULL: refused */
	} rows[] = {
		{"", "/"},
		{"?a=b", "/?a=b"},
		{"#end", "/"},
		{"/echo?a=b#end?x", "/echo?a=b"},
		{"/echo/../x//y/.?%7e=%20+", "/echo/../x//y/.?%7e=%20+"},
		{"/echo/\xc3\xa4", "/echo/\xc3\xa4"},
		{"/echo HTTP/1.1", NULL},
		{"/echo\r\nX-Forged: 1", NULL},
		{"/echo?\t", NULL},
		{"/echo?\x7f", NULL},
	};
	struct fixture *f = *state;
	struct call call;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char want[100];

		call_init(&call, f, rows[i].path);
		run(f, &call);
		snprintf(want, sizeof(want),
			"GET %s auth= body=", rows[i].target ? rows[i].target : "");
		if (rows[i].target)
			assert_string_equal(call.body.p, want);
		else
			assert_int_equal(call.result.rc, RC_CONFIG);
		strbuf_clear(&call.body);
	}
	assert_int_equal(server_connections(f->server), 1);
}

static void answers(void **state)
{
	struct fixture *f = *state;
	struct call call;

	call_init(&call, f, "/empty");
	run(f, &call);
	assert_int_equal(call.result.rc, RC_OK);
	assert_int_equal(call.status, 204);
	assert_int_equal(call.statuses, 1);
	assert_int_equal(call.bodies, 0);

	call_init(&call, f, "/redirect");
	call.request.bearer = "t0ken";
	run(f, &call);
	assert_int_equal(call.result.status, 302);
	assert_string_equal(call.body.p, "moved");
	assert_int_equal(server_requests(f->server), 2);
	strbuf_clear(&call.body);

	call_init(&call, f, "/429");
	run(f, &call);
	assert_int_equal(call.result.status, 429);
	assert_int_equal(call.result.retry_after_ms, 3000);
	assert_false(call.result.json);

	/* A date counts from the server's clock, whatever ours says. */
	call_init(&call, f, "/503-date");
	run(f, &call);
	assert_int_equal(call.result.retry_after_ms, 42000);
}

static void broken_answers(void **state)
{
	static const struct {
		const char *path;
		enum rc rc;
		const char *says;
	} rows[] = {
		{"/mute", RC_IO, "did not answer within 1 s"},
		{"/stall", RC_IO,
			"sent nothing for 1 s in the middle of its answer (after 5"},
		{"/cut", RC_PROTO, "was cut after 5 octets"},
		{"/cut-chunked", RC_PROTO, "was cut after 5 octets"},
		{"/reset", RC_PROTO, "was cut after 5 octets"},
		{"/nothing", RC_IO, "without an answer"},
		{"/no-http", RC_PROTO, "does not speak HTTP"},
		{"/long-head", RC_PROTO, "a head of more than 64 KB"},
		{"/gzip-broken", RC_PROTO, "compressed answer"},
		{"/gzip-cut", RC_PROTO, "compressed answer"},
		{"/br", RC_PROTO, "another way than gzip"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char path[100];
		struct call call;

		snprintf(path, sizeof(path), "%s", rows[i].path);
		call_init(&call, f, path);
		strbuf_adds(&call.body, "");
		run(f, &call);
		if (call.result.rc != rows[i].rc ||
			!strstr(call.result.error.text, rows[i].says) ||
			!strstr(call.result.error.text, server_root(f->server)))
			fail_msg("%s: %d %s", rows[i].path, call.result.rc,
				call.result.error.text);
		strbuf_clear(&call.body);
	}
}

static void no_url_in_messages(void **state)
{
	struct fixture *f = *state;
	struct call call;

	call_init(&call, f, "");
	snprintf(call.url, sizeof(call.url), "ftp://x/?secret");
	run(f, &call);
	assert_int_equal(call.result.rc, RC_CONFIG);
	assert_null(strstr(call.result.error.text, "secret"));
	call_init(&call, f, "");
	snprintf(call.url, sizeof(call.url), "http://127.0.0.1:1/?secret");
	run(f, &call);
	assert_int_equal(call.result.rc, RC_IO);
	assert_non_null(
		strstr(call.result.error.text, "cannot connect to http://127.0.0.1:1"));
	assert_null(strstr(call.result.error.text, "secret"));
	call_init(&call, f, "");
	snprintf(call.url, sizeof(call.url), "%s/secret blank", server_root(f->server));
	run(f, &call);
	assert_int_equal(call.result.rc, RC_CONFIG);
	assert_null(strstr(call.result.error.text, "secret"));
}

static void body_refused(void **state)
{
	struct fixture *f = *state;
	struct call call;

	call_init(&call, f, "/big");
	call.body_rc = RC_LIMIT;
	run(f, &call);
	assert_int_equal(call.result.rc, RC_LIMIT);
	assert_string_equal(call.result.error.text, "not wanted");
	assert_int_equal(call.bodies, 1);
	strbuf_clear(&call.body);
}

static void paused_run(struct fixture *f, const char *path, unsigned every)
{
	struct call call;
	unsigned pauses = 0;
	int64_t until = loop_now_ms(f->loop) + 60000;

	call_init(&call, f, path);
	call.pause_every = every;
	http_start(f->http, &call.request);
	while (!call.dones && loop_now_ms(f->loop) < until) {
		turn(f, 5);
		if (!call.paused)
			continue;
		if (pauses++ == 2) /* longer than the stall timeout */
			for (int64_t end = loop_now_ms(f->loop) + 1400;
				loop_now_ms(f->loop) < end;)
				turn(f, 20);
		call.paused = false;
		http_resume(f->http, &call.request);
	}
	if (call.result.rc != RC_OK)
		fail_msg("%s", call.result.error.text);
	assert_int_equal(call.dones, 1);
	assert_true(pauses > 3);
	assert_false(call.body_while_paused);
	assert_int_equal(call.body.n, BIG);
	assert_memory_equal(call.body.p, f->big, BIG);
	strbuf_clear(&call.body);
}

static void pause_gives_every_octet_once(void **state)
{
	paused_run(*state, "/big", 1);
	paused_run(*state, "/big", 3);
	paused_run(*state, "/gzip", 1);
	paused_run(*state, "/gzip", 2);
}

/* Runs until it has paused for the first time. */
static void start_paused(struct fixture *f, struct call *call, unsigned every)
{
	call_init(call, f, "/big");
	call->pause_every = every;
	http_start(f->http, &call->request);
	while (!call->paused)
		turn(f, 5);
}

static void pause_then_error_or_cancel(void **state)
{
	struct fixture *f = *state;
	struct call call;

	start_paused(f, &call, 2);
	turn(f, 5);
	call.paused = false;
	call.body_rc =
		RC_PROTO; /* the piece that comes from inside the resuming is refused */
	http_resume(f->http, &call.request);
	wait_done(f, &call);
	assert_int_equal(call.result.rc, RC_PROTO);
	strbuf_clear(&call.body);

	start_paused(f, &call, 2);
	turn(f, 5);
	call.cancel_at = AT_BODY;
	http_resume(f->http, &call.request);
	for (int i = 0; i < 5; i++)
		turn(f, 5);
	assert_int_equal(call.dones, 0);
	assert_false(http_busy(&call.request));
	strbuf_clear(&call.body);

	start_paused(f, &call, 1);
	http_resume(f->http, &call.request);
	http_cancel(f->http, &call.request);
	for (int i = 0; i < 5; i++)
		turn(f, 5);
	assert_int_equal(call.dones, 0);
	strbuf_clear(&call.body);
}

static void gzip(void **state)
{
	struct fixture *f = *state;
	struct call call;

	call_init(&call, f, "/gzip");
	run(f, &call);
	assert_int_equal(call.result.status, 200);
	assert_int_equal(call.body.n, BIG);
	assert_memory_equal(call.body.p, f->big, BIG);
	strbuf_clear(&call.body);
	call_init(&call, f, "/gzip-nothing");
	run(f, &call);
	assert_int_equal(call.result.rc, RC_OK);
	assert_int_equal(call.body.n, 0);
	call_init(&call, f, "/identity");
	run(f, &call);
	assert_string_equal(call.body.p, "as it is");
	strbuf_clear(&call.body);
}

static void queue_is_bounded_and_in_order(void **state)
{
	enum { N = 100 };
	struct fixture *f = *state;
	struct call *calls = calloc(N, sizeof(*calls));
	struct http_stats stats;

	for (size_t i = 0; i < N; i++) {
		char path[20];

		snprintf(path, sizeof(path), "/slow%zu", i);
		call_init(&calls[i], f, path);
		http_start(f->http, &calls[i].request);
	}
	http_stats(f->http, &stats);
	assert_int_equal(stats.waiting, N);
	http_cancel(f->http, &calls[50].request);
	wait_done(f, &calls[N - 1]);
	for (size_t i = 0; i + 5 < N; i++)
		assert_int_equal(calls[i].dones, i != 50);
	for (size_t i = 0; i < N; i++) {
		if (i == 50)
			continue;
		if (!calls[i].dones)
			wait_done(f, &calls[i]);
		assert_string_equal(strstr(calls[i].url, "/slow"), calls[i].body.p);
		strbuf_clear(&calls[i].body);
	}
	assert_true(f->at_once_max <= 4);
	assert_int_equal(server_connections(f->server), 4);
	assert_int_equal(server_requests(f->server), N - 1);
	http_stats(f->http, &stats);
	assert_int_equal(stats.connects, 4);
	assert_int_equal(stats.waiting, 0);
	free(calls);
}

/* A lane that wants much gets some of the transfers, and stands once in the queue. */
static void lanes_take_turns(void **state)
{
	enum { N = 40 };
	struct fixture *f = *state;
	struct http_lane greedy, modest, third;
	struct call *calls = calloc(N, sizeof(*calls)), a, b;
	struct http_stats stats;
	size_t before = 0;

	http_free(f->http);
	http_make(f, NULL, 4);
	http_lane_init(&greedy);
	http_lane_init(&modest);
	http_lane_init(&third);
	/* All its requests hang; it is given two transfers of four. */
	for (size_t i = 0; i < 10; i++) {
		call_init(&calls[i], f, "/stall");
		calls[i].request.lane = &greedy;
		calls[i].request.body_timeout_ms = 60000;
		http_start(f->http, &calls[i].request);
	}
	call_init(&a, f, "/slow-a");
	a.request.lane = &modest;
	run(f, &a);
	http_stats(f->http, &stats);
	assert_int_equal(stats.in_flight, 2);
	assert_int_equal(stats.waiting, 8);
	assert_int_equal(greedy.in_flight, 2);
	assert_int_equal(modest.in_flight, 0);
	/* One that goes makes room for one more of it, not for two; those behind keep their order. */
	while (!calls[0].bodies || !calls[1].bodies)
		turn(f, 10);
	http_cancel(f->http, &calls[2].request);
	http_cancel(f->http, &calls[5].request);
	http_cancel(f->http, &calls[0].request);
	while (!calls[3].bodies)
		turn(f, 10);
	assert_int_equal(greedy.in_flight, 2);
	assert_int_equal(calls[4].bodies, 0);
	for (size_t i = 0; i < 10; i++) {
		http_cancel(f->http, &calls[i].request);
		assert_false(http_busy(&calls[i].request));
		strbuf_clear(&calls[i].body);
	}
	assert_int_equal(greedy.in_flight, 0);
	strbuf_clear(&a.body);

	/* Everything is taken, forty of one lane wait, then one each of two others: they are next. */
	for (size_t i = 0; i < N; i++) {
		call_init(&calls[i], f, "/slow");
		calls[i].request.lane = i < N - 2 ? &greedy : NULL;
		http_start(f->http, &calls[i].request);
	}
	call_init(&a, f, "/slow-a");
	call_init(&b, f, "/slow-b");
	a.request.lane = &modest;
	b.request.lane = &third;
	http_start(f->http, &a.request);
	http_start(f->http, &b.request);
	wait_done(f, &a);
	if (!b.dones)
		wait_done(f, &b);
	for (size_t i = 0; i < N - 2; i++)
		before += calls[i].dones;
	if (before > 8)
		fail_msg("%zu came first", before);
	for (size_t i = 0; i < N; i++) {
		if (!calls[i].dones)
			wait_done(f, &calls[i]);
		strbuf_clear(&calls[i].body);
	}
	assert_int_equal(greedy.in_flight + modest.in_flight + third.in_flight, 0);
	assert_false(greedy.queued || modest.queued || third.queued);
	strbuf_clear(&a.body);
	strbuf_clear(&b.body);
	free(calls);
}

/* A feed whose collector is away holds its answer; that must stop nobody else, nor go on for ever. */
static void paused_take_no_place(void **state)
{
	struct fixture *f = *state;
	struct call held[9], call;
	struct http_stats stats;

	for (size_t i = 0; i < 4; i++) {
		call_init(&held[i], f, "/big");
		held[i].pause_every = 1;
		http_start(f->http, &held[i].request);
	}
	for (size_t i = 0; i < 4; i++)
		while (!held[i].paused)
			turn(f, 10);
	http_stats(f->http, &stats);
	assert_int_equal(stats.paused, 4);
	call_init(&call, f, "/slow");
	run(f, &call);
	assert_int_equal(call.result.status, 200);
	strbuf_clear(&call.body);
	/* At twice as many it waits. */
	for (size_t i = 4; i < 9; i++) {
		call_init(&held[i], f, "/big");
		held[i].pause_every = 1;
		http_start(f->http, &held[i].request);
	}
	for (size_t i = 4; i < 8; i++)
		while (!held[i].paused)
			turn(f, 10);
	for (int i = 0; i < 10; i++)
		turn(f, 2);
	http_stats(f->http, &stats);
	assert_int_equal(stats.in_flight, 8);
	assert_int_equal(stats.waiting, 1);
	held[0].pause_every = 0;
	held[0].paused = false;
	http_resume(f->http, &held[0].request);
	wait_done(f, &held[0]);
	assert_int_equal(held[0].body.n, BIG);
	while (!held[8].paused)
		turn(f, 10);
	for (size_t i = 0; i < 9; i++) {
		http_cancel(f->http, &held[i].request);
		strbuf_clear(&held[i].body);
	}
	http_stats(f->http, &stats);
	assert_int_equal(stats.in_flight + stats.paused + stats.waiting, 0);
}

static void cancel_at_every_moment(void **state)
{
	static const int moments[] = {AT_STATUS, AT_BODY, AT_DONE};
	struct fixture *f = *state;
	struct http_stats stats;
	struct call call, other;

	for (size_t i = 0; i < 3; i++)
		for (int empty = 0; empty < 2; empty++) {
			if (empty && moments[i] == AT_BODY)
				continue;
			call_init(&call, f, empty ? "/empty" : "/big");
			call.cancel_at = moments[i];
			http_start(f->http, &call.request);
			for (int64_t until = loop_now_ms(f->loop) + 80;
				loop_now_ms(f->loop) < until;)
				turn(f, 10);
			assert_int_equal(call.dones, moments[i] == AT_DONE);
			assert_false(http_busy(&call.request));
			assert_true(moments[i] == AT_DONE || call.bodies <= 1);
			strbuf_clear(&call.body);
		}
	/* In the queue, and turn by turn while in flight. */
	for (int turns = 0; turns < 12; turns++) {
		call_init(&call, f, "/big");
		http_start(f->http, &call.request);
		for (int i = 0; i < turns; i++)
			turn(f, 1);
		call.dones = 0;
		http_cancel(f->http, &call.request);
		turn(f, 1);
		assert_int_equal(call.dones, 0);
		strbuf_clear(&call.body);
	}
	/* One request ends another, from inside a piece of its body and from its end. */
	for (size_t i = 1; i < 3; i++) {
		call_init(&other, f, "/stall");
		call_init(&call, f, "/big");
		call.cancel_at = moments[i];
		call.victim = &other;
		http_start(f->http, &other.request);
		while (!other.bodies)
			turn(f, 10);
		run(f, &call);
		assert_int_equal(call.body.n, BIG);
		assert_int_equal(other.dones, 0);
		assert_false(http_busy(&other.request));
		strbuf_clear(&call.body);
		strbuf_clear(&other.body);
	}
	turn(f, 1);
	http_stats(f->http, &stats);
	assert_int_equal(stats.in_flight, 0);
	/* What is in flight and in the queue when all ends. */
	call_init(&call, f, "/stall");
	call_init(&other, f, "/big");
	http_start(f->http, &call.request);
	while (!call.bodies)
		turn(f, 10);
	http_start(f->http, &other.request);
	http_free(f->http);
	f->http = NULL;
	assert_int_equal(call.dones + other.dones, 0);
	assert_false(http_busy(&call.request) || http_busy(&other.request));
	strbuf_clear(&call.body);
}

static unsigned prepared;
static bool late_bearer(struct http_request *request)
{
	request->bearer = "late";
	return prepared++ > 0;
}

static void prepare_comes_last(void **state)
{
	struct fixture *f = *state;
	struct call call;

	prepared = 0;
	call_init(&call, f, "/echo");
	call.request.prepare = late_bearer;
	http_start(f->http, &call.request);
	assert_int_equal(prepared, 0);
	turn(f, 0);
	assert_int_equal(prepared, 1);
	assert_false(http_busy(&call.request));
	run(f, &call);
	assert_non_null(strstr(call.body.p, "auth=Bearer late"));
	strbuf_clear(&call.body);
}

/* A server with TLS; the client trusts `ca_file`. Returns the call's result code. */
static enum rc tls_run(
	struct fixture *f, const char *name, const char *ca_file, const char *says)
{
	struct call call;
	struct http_stats stats;
	enum rc rc;

	http_free(f->http);
	server_free(f->server);
	f->server = server_new(name, handle, f);
	http_make(f, ca_file, 4);
	for (int i = 0; i < 3; i++) {
		call_init(&call, f, "/echo");
		run(f, &call);
		rc = call.result.rc;
		if (rc != RC_OK && !says)
			fail_msg("%s", call.result.error.text);
		if (says && !strstr(call.result.error.text, says))
			fail_msg("%s", call.result.error.text);
		strbuf_clear(&call.body);
	}
	http_stats(f->http, &stats);
	if (rc == RC_OK)
		assert_int_equal(stats.connects, 1);
	assert_int_equal(server_requests(f->server), rc == RC_OK ? 3 : 0);
	return rc;
}

static void tls(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(tls_run(f, "localhost", server_ca_file(), NULL), RC_OK);
	assert_int_equal(tls_run(f, "localhost", server_other_ca_file(),
				 "the certificate of https://localhost:"),
		RC_TLS);
	assert_int_equal(
		tls_run(f, "example.org", server_ca_file(), "is refused"), RC_TLS);
	assert_int_equal(
		tls_run(f, "localhost", "/nonexistent/ca.pem",
			"cannot read the CA certificates in /nonexistent/ca.pem"),
		RC_TLS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(origins),
		cmocka_unit_test(retry_after),
		cmocka_unit_test_setup_teardown(get_and_post, set_up, tear_down),
		cmocka_unit_test_setup_teardown(targets, set_up, tear_down),
		cmocka_unit_test_setup_teardown(answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(broken_answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_url_in_messages, set_up, tear_down),
		cmocka_unit_test_setup_teardown(body_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			pause_gives_every_octet_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			pause_then_error_or_cancel, set_up, tear_down),
		cmocka_unit_test_setup_teardown(lanes_take_turns, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			paused_take_no_place, set_up, tear_down),
		cmocka_unit_test_setup_teardown(gzip, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			queue_is_bounded_and_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			cancel_at_every_moment, set_up, tear_down),
		cmocka_unit_test_setup_teardown(prepare_comes_last, set_up, tear_down),
		cmocka_unit_test_setup_teardown(tls, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
