/* sink.c - a collector that reads and forgets, so that a benchmark measures the sender.
 *
 * `sink --port-file FILE [--cert FILE --key FILE]`: TCP, or TLS with a
 * certificate, on a loopback port of its own choice. On SIGTERM it prints one line:
 * connections, octets, octet-counted frames, TLS records with data. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
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
#include <unistd.h>

static atomic_ullong connections, octets, frames, records;
static SSL_CTX *tls;

struct counter {
	unsigned long long left; /* of the frame being read */
	unsigned long long length;
};

/* Counts octet-counted frames without keeping them. */
static void count_frames(struct counter *c, const char *p, size_t n)
{
	while (n) {
		if (c->left) {
			size_t take = n < c->left ? n : (size_t)c->left;

			p += take;
			n -= take;
			c->left -= take;
			if (!c->left)
				frames++;
			continue;
		}
		if (*p >= '0' && *p <= '9') {
			c->length = c->length * 10 + (unsigned)(*p - '0');
		} else if (*p == ' ') {
			c->left = c->length;
			c->length = 0;
		}
		p++;
		n--;
	}
}

static void on_record(int write_p, int version, int type, const void *buf, size_t len,
	SSL *ssl, void *arg)
{
	(void)version;
	(void)ssl;
	(void)arg;
	if (!write_p && type == SSL3_RT_HEADER && len &&
		*(const unsigned char *)buf == 23)
		records++;
}

static void *serve(void *arg)
{
	int fd = (int)(intptr_t)arg;
	struct counter counter = {0};
	static _Thread_local char buffer[65536];
	SSL *ssl = NULL;

	connections++;
	if (tls) {
		ssl = SSL_new(tls);
		SSL_set_fd(ssl, fd);
		SSL_set_msg_callback(ssl, on_record);
		if (SSL_accept(ssl) != 1) {
			ERR_print_errors_fp(stderr);
			SSL_free(ssl);
			close(fd);
			return NULL;
		}
	}
	for (;;) {
		long n = ssl ? SSL_read(ssl, buffer, sizeof(buffer))
			     : read(fd, buffer, sizeof(buffer));

		if (n <= 0)
			break;
		octets += (unsigned long long)n;
		count_frames(&counter, buffer, (size_t)n);
	}
	if (ssl) {
		SSL_shutdown(ssl);
		SSL_free(ssl);
	}
	close(fd);
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
		if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd) == 0)
			pthread_detach(thread);
		else
			close(fd);
	}
	return NULL;
}

static int port_file(const char *path, int listener)
{
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	char temporary[4096];
	FILE *f;

	if (getsockname(listener, (struct sockaddr *)&address, &size) != 0)
		return -1;
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	f = fopen(temporary, "w");
	if (!f)
		return -1;
	fprintf(f, "%d\n", ntohs(address.sin_port));
	if (fclose(f) != 0)
		return -1;
	return rename(temporary, path);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"port-file", required_argument, NULL, 'p'},
		{"cert", required_argument, NULL, 'c'},
		{"key", required_argument, NULL, 'k'}, {0}};
	const char *port = NULL, *cert = NULL, *key = NULL;
	struct sockaddr_in address = {.sin_family = AF_INET};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pthread_t thread;
	sigset_t set;
	int c, signo;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'p')
			port = optarg;
		else if (c == 'c')
			cert = optarg;
		else if (c == 'k')
			key = optarg;
		else
			return 2;
	}
	if (!port || !cert != !key) {
		fputs("usage: sink --port-file FILE [--cert FILE --key FILE]\n",
			stderr);
		return 2;
	}
	if (cert) {
		tls = SSL_CTX_new(TLS_server_method());
		if (SSL_CTX_use_certificate_chain_file(tls, cert) != 1 ||
			SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1) {
			ERR_print_errors_fp(stderr);
			return 1;
		}
	}
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
		listen(listener, 64) != 0 ||
		pthread_create(&thread, NULL, accept_all, (void *)(intptr_t)listener) !=
			0 ||
		port_file(port, listener) != 0) {
		perror("sink");
		return 1;
	}
	do
		sigwait(&set, &signo);
	while (signo == SIGPIPE);
	printf("connections %llu octets %llu frames %llu records %llu\n", connections,
		octets, frames, records);
	return 0;
}
