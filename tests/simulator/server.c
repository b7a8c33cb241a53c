/* server.c - libmicrohttpd: requests in, answers out, delays without holding a thread. */
#include "config.h"

#include "server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

enum { BODY_MAX = 16 << 20 };

struct call {
	struct request request;
	struct answer answer;
	struct call *next; /* waiting for its time */
	int64_t due;
	bool answered, waited;
};

struct server {
	struct MHD_Daemon *daemon;
	struct world *world;
	struct server_options options;
	pthread_t waker;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct call *waiting;
	bool stopping;
};

const char *request_header(const struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

const char *request_query(const struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);
}

struct each {
	bool (*call)(void *, const char *, const char *);
	void *context;
	bool good;
};

static enum MHD_Result each_query(
	void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct each *e = context;
	(void)kind;
	e->good = e->call(e->context, name, value ? value : "");
	return e->good ? MHD_YES : MHD_NO;
}

bool request_each_query(const struct request *r,
	bool (*call)(void *, const char *name, const char *value), void *context)
{
	struct each e = {call, context, true};
	MHD_get_connection_values(r->connection, MHD_GET_ARGUMENT_KIND, each_query, &e);
	return e.good;
}

void answer_header(struct answer *a, const char *name, const char *value)
{
	if (a->header_count == HEADERS_MAX)
		abort();
	a->headers[a->header_count].name = name;
	snprintf(a->headers[a->header_count++].value, sizeof(a->headers[0].value), "%s",
		value);
}

void answer_piece(struct answer *a, const char *p, size_t n, uint64_t times)
{
	for (size_t i = 0; i < PIECES_MAX; i++) {
		if (a->pieces[i].p)
			continue;
		a->pieces[i] = (struct piece){memcpy(malloc(n), p, n), n, times};
		return;
	}
	abort();
}

/* A body that is streamed: pieces, or the first half of a text. */
struct stream {
	struct piece pieces[PIECES_MAX];
	size_t piece, offset;
	uint64_t times;
	bool cut;
};

static ssize_t stream_read(void *context, uint64_t position, char *out, size_t max)
{
	struct stream *s = context;
	size_t n = 0;
	(void)position;
	while (n < max && s->piece < PIECES_MAX && s->pieces[s->piece].p) {
		const struct piece *p = &s->pieces[s->piece];
		size_t part = p->n - s->offset < max - n ? p->n - s->offset : max - n;
		if (s->times == p->times) {
			s->piece++;
			s->times = 0;
			continue;
		}
		memcpy(out + n, p->p + s->offset, part);
		n += part;
		s->offset += part;
		if (s->offset == p->n) {
			s->offset = 0;
			s->times++;
		}
	}
	if (n)
		return (ssize_t)n;
	return s->cut ? MHD_CONTENT_READER_END_WITH_ERROR
		      : MHD_CONTENT_READER_END_OF_STREAM;
}

static void stream_free(void *context)
{
	struct stream *s = context;
	for (size_t i = 0; i < PIECES_MAX; i++)
		free(s->pieces[i].p);
	free(s);
}

static struct MHD_Response *stream_response(struct answer *a, uint64_t *bytes)
{
	struct stream *s = calloc(1, sizeof(*s));
	uint64_t size = MHD_SIZE_UNKNOWN;
	if (!s)
		abort();
	if (a->delivery == DELIVER_PIECES) {
		memcpy(s->pieces, a->pieces, sizeof(s->pieces));
		for (size_t i = 0; i < PIECES_MAX; i++)
			*bytes += a->pieces[i].n * a->pieces[i].times;
	} else {
		s->cut = true;
		size = a->delivery == DELIVER_CUT ? a->body.n : MHD_SIZE_UNKNOWN;
		s->pieces[0].n = *bytes = a->body.n / 2;
		s->pieces[0].times = 1;
		s->pieces[0].p = text_take(&a->body, NULL);
	}
	return MHD_create_response_from_callback(
		size, 64 << 10, stream_read, s, stream_free);
}

static bool wants_gzip(const struct server *s, const struct request *r)
{
	const char *accept = request_header(r, "Accept-Encoding");
	return s->options.gzip && accept && strstr(accept, "gzip");
}

static void compress_body(struct answer *a)
{
	z_stream z = {0};
	struct text out = {0};
	if (deflateInit2(&z, 4, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return;
	text_reserve(&out, deflateBound(&z, a->body.n));
	z.next_in = (Bytef *)a->body.p;
	z.avail_in = (uInt)a->body.n;
	z.next_out = (Bytef *)out.p;
	z.avail_out = (uInt)out.size;
	if (deflate(&z, Z_FINISH) == Z_STREAM_END) {
		out.n = z.total_out;
		text_clear(&a->body);
		a->body = out;
		answer_header(a, "Content-Encoding", "gzip");
	} else {
		text_clear(&out);
	}
	deflateEnd(&z);
}

static enum MHD_Result send_answer(struct server *s, struct call *c)
{
	struct answer *a = &c->answer;
	struct MHD_Response *response;
	uint64_t bytes = 0;
	if (a->delivery == DELIVER_DROP) {
		if (a->tenant)
			tenant_count_answer(a->tenant, a->api, 0, 0);
		return MHD_NO;
	}
	if (s->options.pretty && a->type && strstr(a->type, "json") &&
		a->delivery == DELIVER_WHOLE && a->body.n && a->body.p[0] == '{' &&
		a->body.p[a->body.n - 1] == '}') {
		struct text out = {0};
		text_indent(&out, a->body.p, a->body.n);
		text_clear(&a->body);
		a->body = out;
	}
	if (a->delivery == DELIVER_WHOLE && a->body.n > 1000 &&
		wants_gzip(s, &c->request))
		compress_body(a);
	if (a->delivery != DELIVER_WHOLE) {
		response = stream_response(a, &bytes);
	} else {
		size_t n;
		char *p = text_take(&a->body, &n);
		bytes = n;
		response = MHD_create_response_from_buffer(n, p, MHD_RESPMEM_MUST_FREE);
	}
	if (!response)
		return MHD_NO;
	if (a->type)
		MHD_add_response_header(response, "Content-Type", a->type);
	for (unsigned i = 0; i < a->header_count; i++)
		MHD_add_response_header(
			response, a->headers[i].name, a->headers[i].value);
	unsigned status = a->status ? a->status : 500;
	if (a->tenant)
		tenant_count_answer(a->tenant, a->api, status, bytes);
	enum MHD_Result result =
		MHD_queue_response(c->request.connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static bool ends_with(const char *path, const char *end)
{
	size_t n = strlen(path), e = strlen(end);
	return n > e && !strcmp(path + n - e, end);
}

static void dispatch(struct server *s, struct call *c)
{
	struct world *w = s->world;
	const char *path = c->request.path;
	atomic_fetch_add(&w->requests, 1);
	if (s->options.imds)
		imds_answer(w, &c->request, &c->answer);
	else if (!strncmp(path, "/control/", 9))
		control_answer(w, &c->request, &c->answer);
	else if (ends_with(path, "/oauth2/v2.0/token") ||
		 ends_with(path, "/oauth2/token"))
		login_answer(w, &c->request, &c->answer);
	else
		api_answer(w, &c->request, &c->answer);
	if (s->options.verbose)
		fprintf(stderr, "%s %.*s %u\n", c->request.method,
			(int)c->request.url.n, c->request.url.p, c->answer.status);
}

static void wait_until_due(struct server *s, struct call *c)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	c->due =
		now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000 + c->answer.delay_ms;
	c->waited = true;
	MHD_suspend_connection(c->request.connection);
	pthread_mutex_lock(&s->lock);
	if (s->stopping) {
		MHD_resume_connection(c->request.connection);
	} else {
		c->next = s->waiting;
		s->waiting = c;
		pthread_cond_signal(&s->changed);
	}
	pthread_mutex_unlock(&s->lock);
}

static void *waker_run(void *context)
{
	struct server *s = context;
	pthread_mutex_lock(&s->lock);
	while (!s->stopping || s->waiting) {
		struct timespec now;
		clock_gettime(CLOCK_MONOTONIC, &now);
		int64_t ms = now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
		int64_t first = INT64_MAX;
		for (struct call **at = &s->waiting; *at;) {
			struct call *c = *at;
			if (c->due <= ms || s->stopping) {
				*at = c->next;
				MHD_resume_connection(c->request.connection);
				continue;
			}
			first = c->due < first ? c->due : first;
			at = &c->next;
		}
		if (s->stopping)
			break;
		struct timespec until = {
			.tv_sec = first / 1000, .tv_nsec = first % 1000 * 1000000};
		if (first == INT64_MAX)
			pthread_cond_wait(&s->changed, &s->lock);
		else
			pthread_cond_timedwait(&s->changed, &s->lock, &until);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static struct call *call_new(struct server *s, struct MHD_Connection *connection,
	const char *method, const char *path)
{
	struct call *c = calloc(1, sizeof(*c));
	if (!c)
		abort();
	c->request.connection = connection;
	c->request.method = method;
	c->request.path = path;
	c->request.scheme = s->options.cert ? "https" : "http";
	c->request.host = request_header(&c->request, "Host");
	if (!c->request.host)
		c->request.host = s->options.address;
	unsigned now = atomic_fetch_add(&s->world->in_flight, 1) + 1;
	unsigned max = s->world->in_flight_max;
	while (now > max &&
		!atomic_compare_exchange_weak(&s->world->in_flight_max, &max, now))
		;
	return c;
}

static bool write_query(void *context, const char *name, const char *value)
{
	struct text *out = context;
	text_putc(out, memchr(out->p, '?', out->n) ? '&' : '?');
	text_puts(out, name);
	text_putc(out, '=');
	text_puts(out, value);
	return true;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
	const char *path, const char *method, const char *version, const char *upload,
	size_t *upload_size, void **state)
{
	struct server *s = context;
	struct call *c = *state;
	(void)version;
	if (!c) {
		*state = call_new(s, connection, method, path);
		return MHD_YES;
	}
	if (*upload_size) {
		if (c->request.body.n + *upload_size > BODY_MAX)
			c->request.too_big = true;
		else
			text_add(&c->request.body, upload, *upload_size);
		*upload_size = 0;
		return MHD_YES;
	}
	if (!c->answered) {
		c->answered = true;
		text_puts(&c->request.url, path);
		request_each_query(&c->request, write_query, &c->request.url);
		dispatch(s, c);
	}
	if (c->answer.delay_ms && !c->waited) {
		wait_until_due(s, c);
		return MHD_YES;
	}
	return send_answer(s, c);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode why)
{
	struct server *s = context;
	struct call *c = *state;
	(void)connection;
	(void)why;
	if (!c)
		return;
	atomic_fetch_sub(&s->world->in_flight, 1);
	text_clear(&c->request.body);
	text_clear(&c->request.url);
	text_clear(&c->answer.body);
	free(c);
	*state = NULL;
}

static void on_error(void *context, const char *format, va_list ap)
{
	struct server *s = context;
	if (!s->options.verbose)
		return;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	vfprintf(stderr, format, ap);
#pragma GCC diagnostic pop
}

static bool make_address(const struct server_options *o, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)out;
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, o->address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)o->port);
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	}
	if (inet_pton(AF_INET6, o->address, &v6->sin6_addr) != 1)
		return false;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)o->port);
	return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static bool start_daemon(struct server *s)
{
	const struct server_options *o = &s->options;
	struct sockaddr_storage address;
	if (!make_address(o, &address)) {
		fprintf(stderr, "simulator: %s is not a loopback address\n",
			o->address);
		return false;
	}
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
			 MHD_USE_ERROR_LOG | (o->cert ? MHD_USE_TLS : 0) |
			 (address.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0);
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)o->cert},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)o->key},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t) "NORMAL"},
		{MHD_OPTION_END, 0, NULL},
	};
	if (!o->cert)
		tls[0].option = MHD_OPTION_END;
	s->daemon = MHD_start_daemon(flags, (uint16_t)o->port, NULL, NULL, on_request,
		s, MHD_OPTION_EXTERNAL_LOGGER, on_error, s, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, s, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
		MHD_OPTION_THREAD_POOL_SIZE, o->threads, MHD_OPTION_CONNECTION_LIMIT,
		4000u, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(128 << 10),
		MHD_OPTION_CONNECTION_TIMEOUT, 300u, MHD_OPTION_LISTEN_BACKLOG_SIZE,
		1024u, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
	if (!s->daemon)
		fprintf(stderr, "simulator: cannot listen on %s port %u%s\n",
			o->address, o->port,
			o->cert ? " (or the certificate is bad)" : "");
	return s->daemon != NULL;
}

struct server *server_start(struct world *w, const struct server_options *o)
{
	struct server *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;
	if (!s)
		abort();
	s->world = w;
	s->options = *o;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->changed, &attr);
	pthread_condattr_destroy(&attr);
	if (!start_daemon(s)) {
		free(s);
		return NULL;
	}
	if (pthread_create(&s->waker, NULL, waker_run, s) != 0)
		abort();
	return s;
}

unsigned server_port(const struct server *s)
{
	return MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

void server_stop(struct server *s)
{
	MHD_socket listener = MHD_quiesce_daemon(s->daemon);
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->waker, NULL);
	MHD_stop_daemon(s->daemon);
	if (listener != MHD_INVALID_SOCKET)
		close(listener);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->changed);
	free(s);
}
