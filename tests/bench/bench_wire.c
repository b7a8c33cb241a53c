/* bench_wire.c - the messages of a file and nothing else, on the way that a destination's take.
 *
 * `bench_wire file|tcp|tls|udp|relp|relp+tls TO FILE`: FILE holds octet-counted messages, TO is a file
 * to write, or a port of the loopback. Writes of 64 KB, or TLS records of 16 KB through OpenSSL with
 * the certificate not verified; udp: one send() for each message; relp: frames that were made before
 * the clock starts, at most 1000 of them not answered, and answers read when there are so many, until
 * half of them are. Ends when the file is synced, the peer's kernel has everything, or with RELP when
 * all is answered. Prints CPU and wall seconds. */
#include "config.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PIECE 65536
#define RECORD 16384
/* The default of relp_window. */
#define WINDOW 1000
#define RELP_HEAD 40
#define OFFERS "relp_version=0\nrelp_software=bench\ncommands=syslog\n"

/* What goes over the wire; with ends: message i is what lies between those of i - 1 and i. */
struct load {
	const char *p;
	size_t n, count;
	size_t *ends;
	char *own;
};

struct wire {
	int fd;
	SSL *ssl;
};

static double seconds(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void need(bool fine, const char *what)
{
	if (fine)
		return;
	fprintf(stderr, "bench_wire: cannot %s\n", what);
	exit(1);
}

static size_t begin_of(const struct load *load, size_t message)
{
	return message ? load->ends[message - 1] : 0;
}

static void add(struct load *load, const char *p, size_t n)
{
	memcpy(load->own + load->n, p, n);
	load->n += n;
}

/* Of octet-counted messages the messages alone, or each as a frame of RELP. */
static void unframe(struct load *load, bool relp)
{
	const char *p = load->p, *end = p + load->n;
	size_t most = load->n / 2 + 1;

	/* An octet-counted message has three octets at least. */
	load->own = malloc(load->n + (relp ? most * RELP_HEAD : 0));
	load->ends = malloc(most * sizeof(*load->ends));
	need(load->own && load->ends, "get memory");
	load->n = 0;
	while (p < end) {
		char *begin, head[RELP_HEAD];
		size_t n = strtoul(p, &begin, 10);

		need(*begin == ' ' && n && n < (size_t)(end - begin),
			"find the messages of the file");
		if (relp)
			add(load, head,
				(size_t)snprintf(head, sizeof(head), "%zu syslog %zu ",
					load->count + 2, n));
		add(load, begin + 1, n);
		if (relp)
			add(load, "\n", 1);
		load->ends[load->count++] = load->n;
		p = begin + 1 + n;
	}
	load->p = load->own;
}

static void as_frames(struct load *load)
{
	unframe(load, true);
}

static void as_datagrams(struct load *load)
{
	unframe(load, false);
}

static void put(const struct wire *wire, const char *p, size_t n)
{
	while (n) {
		size_t room = wire->ssl ? RECORD : PIECE;
		size_t piece = n < room ? n : room;
		ssize_t done = wire->ssl ? SSL_write(wire->ssl, p, (int)piece)
					 : write(wire->fd, p, piece);

		need(done > 0, "write");
		p += done;
		n -= (size_t)done;
	}
}

static size_t get(const struct wire *wire, char *p, size_t room)
{
	ssize_t n =
		wire->ssl ? SSL_read(wire->ssl, p, (int)room) : read(wire->fd, p, room);

	need(n > 0, "read an answer");
	return (size_t)n;
}

static void send_octets(const struct wire *wire, const struct load *load)
{
	put(wire, load->p, load->n);
}

static void send_datagrams(const struct wire *wire, const struct load *load)
{
	for (size_t i = 0; i < load->count; i++) {
		size_t begin = begin_of(load, i), n = load->ends[i] - begin;

		need(send(wire->fd, load->p + begin, n, 0) == (ssize_t)n,
			"send a datagram");
	}
}

/* Each answer to a message is one line. */
static size_t get_answers(const struct wire *wire)
{
	static char buffer[PIECE];
	const char *p = buffer, *end = p + get(wire, buffer, sizeof(buffer));
	size_t count = 0;

	for (; (p = memchr(p, '\n', (size_t)(end - p))); p++)
		count++;
	return count;
}

static void send_frames(const struct wire *wire, const struct load *load)
{
	size_t sent = 0, answered = 0;
	char frame[RELP_HEAD + sizeof(OFFERS)];

	put(wire, frame,
		(size_t)snprintf(frame, sizeof(frame), "1 open %zu %s\n",
			strlen(OFFERS), OFFERS));
	get_answers(wire);
	while (answered < load->count) {
		size_t begin = begin_of(load, sent);

		sent = answered + WINDOW < load->count ? answered + WINDOW
						       : load->count;
		put(wire, load->p + begin, load->ends[sent - 1] - begin);
		while (sent - answered > (sent < load->count ? WINDOW / 2 : 0))
			answered += get_answers(wire);
	}
	put(wire, frame,
		(size_t)snprintf(
			frame, sizeof(frame), "%zu close 0\n", load->count + 2));
	get_answers(wire);
}

static const struct way {
	const char *word;
	int socket; /* 0: a file */
	bool tls;
	void (*prepare)(struct load *load);
	void (*send)(const struct wire *wire, const struct load *load);
} ways[] = {
	{"file", 0, false, NULL, send_octets},
	{"tcp", SOCK_STREAM, false, NULL, send_octets},
	{"tls", SOCK_STREAM, true, NULL, send_octets},
	{"udp", SOCK_DGRAM, false, as_datagrams, send_datagrams},
	{"relp", SOCK_STREAM, false, as_frames, send_frames},
	{"relp+tls", SOCK_STREAM, true, as_frames, send_frames},
};

static const struct way *way_named(const char *word)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		if (!strcmp(ways[i].word, word))
			return &ways[i];
	return NULL;
}

static int open_to(const struct way *way, const char *to)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = way->socket ? socket(AF_INET, way->socket | SOCK_CLOEXEC, 0)
			     : open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	need(fd >= 0, "open");
	if (!way->socket)
		return fd;
	address.sin_port = htons((uint16_t)strtoul(to, NULL, 10));
	need(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0, "connect");
	return fd;
}

static void wait_for_peer(int fd)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	int left;

	while (ioctl(fd, SIOCOUTQ, &left) == 0 && left)
		nanosleep(&pause, NULL);
}

/* A sink that is told to end afterwards has taken the connection, and counted all of it. */
static void close_stream(const struct wire *wire)
{
	char ignored[256];

	if (wire->ssl)
		SSL_shutdown(wire->ssl);
	shutdown(wire->fd, SHUT_WR);
	while (read(wire->fd, ignored, sizeof(ignored)) > 0)
		;
}

int main(int argc, char **argv)
{
	const struct way *way = argc == 4 ? way_named(argv[1]) : NULL;
	struct load load = {0};
	struct wire wire = {0};
	struct stat status;
	SSL_CTX *context;
	double cpu, wall;
	char *p;
	int from;

	if (!way) {
		fputs("usage: bench_wire file|tcp|tls|udp|relp|relp+tls TO FILE\n",
			stderr);
		return 2;
	}
	context = way->tls ? SSL_CTX_new(TLS_client_method()) : NULL;
	from = open(argv[3], O_RDONLY | O_CLOEXEC);
	need(from >= 0 && fstat(from, &status) == 0, "read the file");
	p = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE,
		from, 0);
	need(p != MAP_FAILED, "map the file");
	load.p = p;
	load.n = (size_t)status.st_size;
	if (way->prepare)
		way->prepare(&load);
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	wall = seconds(CLOCK_MONOTONIC);
	wire.fd = open_to(way, argv[2]);
	if (context) {
		wire.ssl = SSL_new(context);
		need(SSL_set_fd(wire.ssl, wire.fd) == 1 && SSL_connect(wire.ssl) == 1,
			"do a TLS handshake");
	}
	way->send(&wire, &load);
	if (way->socket)
		wait_for_peer(wire.fd);
	else
		need(fdatasync(wire.fd) == 0, "sync");
	printf("%.6f %.6f\n", seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu,
		seconds(CLOCK_MONOTONIC) - wall);
	if (way->socket == SOCK_STREAM)
		close_stream(&wire);
	SSL_free(wire.ssl);
	SSL_CTX_free(context);
	close(wire.fd);
	free(load.own);
	free(load.ends);
	munmap(p, (size_t)status.st_size);
	close(from);
	return 0;
}
