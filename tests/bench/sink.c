/* sink.c - a collector that reads and forgets, so that a benchmark measures the sender.
 *
 * `sink tcp|udp|relp PORT_FILE`, `sink tls|relp+tls PORT_FILE CERT KEY`: on a loopback port of its own
 * choice, which it writes to PORT_FILE. `sink listen|listen+tls PORT`: connects to PORT, as often as
 * that ends; the certificate there is not verified. RELP: each frame is answered; the answers to what
 * one read brought go out in one write. On SIGTERM it reads what senders that have ended left, and
 * prints one line: connections, octets, messages (octet-counted, of RELP, datagrams), TLS records with
 * data. */
#include "config.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES 65536
#define HEAD_MAX 64
#define ANSWERS_BYTES 16384
#define ANSWER_MAX 128
#define OFFERS "200 OK\nrelp_version=0\nrelp_software=sink\ncommands=syslog\n"
#define ACCEPTED "200 OK"
/* How far ahead a sender of datagrams may be; less without root's rights. */
#define DATAGRAM_BUFFER (128 * 1048576)
#define PAUSE_MS 10

static atomic_ullong connections, octets, messages, records;
static atomic_uint serving; /* connections that have not ended; 1 for datagrams */
static atomic_bool over;
static SSL_CTX *tls;
static bool relp, listens;

struct stream {
	int fd;
	SSL *ssl;
	char head[HEAD_MAX]; /* of the frame being read */
	size_t head_n;
	int spaces;
	unsigned long long left; /* of the frame behind its head */
	char answers[ANSWERS_BYTES];
	size_t answers_n;
};

static void pause_ms(long ms)
{
	const struct timespec pause = {.tv_nsec = ms * 1000000};

	nanosleep(&pause, NULL);
}

static bool write_answers(struct stream *stream)
{
	const char *p = stream->answers;

	while (stream->answers_n) {
		long n = stream->ssl ? SSL_write(stream->ssl, p, (int)stream->answers_n)
				     : write(stream->fd, p, stream->answers_n);

		if (n <= 0)
			return false;
		p += n;
		stream->answers_n -= (size_t)n;
	}
	return true;
}

static bool answer(struct stream *stream)
{
	char command = strchr(stream->head, ' ')[1];
	const char *text = command == 'o' ? OFFERS : command == 'c' ? "" : ACCEPTED;

	messages += command == 's';
	stream->answers_n += (size_t)snprintf(stream->answers + stream->answers_n,
		ANSWER_MAX, "%lu rsp %zu%s%s\n", strtoul(stream->head, NULL, 10),
		strlen(text), *text ? " " : "", text);
	return stream->answers_n + ANSWER_MAX <= ANSWERS_BYTES || write_answers(stream);
}

static bool frame_end(struct stream *stream)
{
	stream->head_n = 0;
	stream->spaces = 0;
	if (relp)
		return answer(stream);
	messages++;
	return true;
}

/* "LENGTH ", or "NUMBER COMMAND LENGTH " and a line feed behind the data, or without data in place
 * of the last space. */
static bool head_octet(struct stream *stream, char c)
{
	bool ends;

	stream->spaces += c == ' ';
	ends = relp ? stream->spaces == 3 || c == '\n' : c == ' ';
	if (!ends) {
		stream->head[stream->head_n++] = c;
		return stream->head_n < HEAD_MAX;
	}
	stream->head[stream->head_n] = '\0';
	if (relp && stream->spaces < 2)
		return false;
	stream->left = strtoull(
		relp ? strrchr(stream->head, ' ') + 1 : stream->head, NULL, 10);
	if (relp && c == ' ')
		stream->left++;
	return stream->left || frame_end(stream);
}

/* Frames are counted, and none is kept. False: these are none, or the sender is gone. */
static bool take(struct stream *stream, const char *p, size_t n)
{
	octets += n;
	while (n) {
		size_t used = n < stream->left ? n : (size_t)stream->left;

		if (!stream->left) {
			used = 1;
			if (!head_octet(stream, *p))
				return false;
		} else if (!(stream->left -= used) && !frame_end(stream)) {
			return false;
		}
		p += used;
		n -= used;
	}
	return write_answers(stream);
}

static void on_record(int write_p, int version, int type, const void *buf, size_t len,
	SSL *ssl, void *arg)
{
	(void)version;
	(void)ssl;
	(void)arg;
	if (!write_p && type == SSL3_RT_HEADER && len &&
		*(const unsigned char *)buf == SSL3_RT_APPLICATION_DATA)
		records++;
}

static bool begin_tls(struct stream *stream)
{
	if (!tls)
		return true;
	stream->ssl = SSL_new(tls);
	SSL_set_fd(stream->ssl, stream->fd);
	SSL_set_msg_callback(stream->ssl, on_record);
	return (listens ? SSL_connect(stream->ssl) : SSL_accept(stream->ssl)) == 1;
}

static void serve(int fd)
{
	static _Thread_local char buffer[READ_BYTES];
	static _Thread_local struct stream stream;
	int on = 1;
	long n;

	stream = (struct stream){.fd = fd};
	connections++;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (begin_tls(&stream)) {
		do
			n = stream.ssl ? SSL_read(stream.ssl, buffer, sizeof(buffer))
				       : read(fd, buffer, sizeof(buffer));
		while (n > 0 && take(&stream, buffer, (size_t)n));
		if (n > 0)
			fprintf(stderr, "sink: no frame, or no reader of answers\n");
		if (stream.ssl)
			SSL_shutdown(stream.ssl);
	} else {
		ERR_print_errors_fp(stderr);
	}
	SSL_free(stream.ssl);
	close(fd);
}

static void *serve_one(void *arg)
{
	serve((int)(intptr_t)arg);
	serving--;
	return NULL;
}

static void *accept_all(void *arg)
{
	int listener = (int)(intptr_t)arg;

	for (;;) {
		int fd = accept(listener, NULL, NULL);
		pthread_t thread;

		if (fd < 0)
			continue;
		serving++;
		if (pthread_create(&thread, NULL, serve_one, (void *)(intptr_t)fd) ==
			0) {
			pthread_detach(thread);
		} else {
			close(fd);
			serving--;
		}
	}
	return NULL;
}

static struct sockaddr_in loopback(unsigned long port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void *connect_again(void *arg)
{
	struct sockaddr_in to = loopback((unsigned long)(uintptr_t)arg);

	for (;;) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0) {
			serving++;
			serve(fd);
			serving--;
		} else {
			close(fd);
		}
		pause_ms(PAUSE_MS);
	}
	return NULL;
}

/* Until nothing has come for a moment after the end. */
static void *read_datagrams(void *arg)
{
	static char buffer[READ_BYTES];
	int fd = (int)(intptr_t)arg;

	for (;;) {
		ssize_t n = recv(fd, buffer, sizeof(buffer), 0);

		if (n >= 0) {
			messages++;
			octets += (unsigned long long)n;
		} else if (over) {
			break;
		}
	}
	close(fd);
	serving--;
	return NULL;
}

static bool port_file(const char *path, int fd)
{
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	char temporary[4096];
	FILE *f;

	if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
		return false;
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	f = fopen(temporary, "w");
	if (!f)
		return false;
	fprintf(f, "%d\n", ntohs(address.sin_port));
	return fclose(f) == 0 && rename(temporary, path) == 0;
}

static bool start(void *(*run)(void *), uintptr_t arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, (void *)arg) != 0)
		return false;
	pthread_detach(thread);
	return true;
}

static bool start_server(bool datagrams, const char *path)
{
	const struct timeval moment = {.tv_usec = PAUSE_MS * 1000};
	struct sockaddr_in address = loopback(0);
	int room = DATAGRAM_BUFFER;
	int fd = socket(
		AF_INET, (datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
		!port_file(path, fd))
		return false;
	if (!datagrams)
		return listen(fd, 64) == 0 && start(accept_all, (uintptr_t)fd);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) != 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof(moment));
	serving++;
	return start(read_datagrams, (uintptr_t)fd);
}

static bool use_tls(const char *cert, const char *key)
{
	tls = SSL_CTX_new(TLS_method());
	if (!cert ||
		(SSL_CTX_use_certificate_chain_file(tls, cert) == 1 &&
			SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) == 1))
		return true;
	ERR_print_errors_fp(stderr);
	return false;
}

int main(int argc, char **argv)
{
	const char *transport = argc > 2 ? argv[1] : "";
	size_t length = strlen(transport);
	bool secure = length >= 3 && strcmp(transport + length - 3, "tls") == 0;
	sigset_t set;
	int signo;

	relp = strncmp(transport, "relp", 4) == 0;
	listens = strncmp(transport, "listen", 6) == 0;
	if (argc != (secure && !listens ? 5 : 3)) {
		fputs("usage: sink tcp|udp|relp PORT_FILE | tls|relp+tls PORT_FILE "
		      "CERT KEY | listen|listen+tls PORT\n",
			stderr);
		return 2;
	}
	if (secure && !use_tls(listens ? NULL : argv[3], listens ? NULL : argv[4]))
		return 1;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (!(listens ? start(connect_again, strtoul(argv[2], NULL, 10))
		      : start_server(strcmp(transport, "udp") == 0, argv[2]))) {
		perror("sink");
		return 1;
	}
	do
		sigwait(&set, &signo);
	while (signo == SIGPIPE);
	over = true;
	while (serving)
		pause_ms(1);
	printf("connections %llu octets %llu messages %llu records %llu\n", connections,
		octets, messages, records);
	return 0;
}
