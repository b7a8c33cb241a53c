/* bench_wire.c - the octets of a file and nothing else, on the way that a destination's messages take.
 *
 * `bench_wire file|tcp|tls TO FILE`: TO is a file to write, or a port of the loopback. Writes of 64 KB,
 * or TLS records of 16 KB through OpenSSL with the certificate not verified; ends when the file is
 * synced, or the peer's kernel has everything. Prints CPU and wall seconds. */
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

static int open_to(bool file, const char *to)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = file ? open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)
		      : socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	need(fd >= 0, "open");
	if (file)
		return fd;
	address.sin_port = htons((uint16_t)strtoul(to, NULL, 10));
	need(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0, "connect");
	return fd;
}

static void write_all(int fd, SSL *ssl, const char *p, size_t n)
{
	while (n) {
		size_t room = ssl ? RECORD : PIECE;
		size_t piece = n < room ? n : room;
		ssize_t done =
			ssl ? SSL_write(ssl, p, (int)piece) : write(fd, p, piece);

		need(done > 0, "write");
		p += done;
		n -= (size_t)done;
	}
}

static void wait_for_peer(int fd)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	int left;

	while (ioctl(fd, SIOCOUTQ, &left) == 0 && left)
		nanosleep(&pause, NULL);
}

int main(int argc, char **argv)
{
	bool file = argc == 4 && strcmp(argv[1], "file") == 0;
	bool tls = argc == 4 && strcmp(argv[1], "tls") == 0;
	struct stat status;
	SSL_CTX *context = NULL;
	SSL *ssl = NULL;
	double cpu, wall;
	char *p;
	int from, to;

	if (argc != 4 || !(file || tls || strcmp(argv[1], "tcp") == 0)) {
		fputs("usage: bench_wire file|tcp|tls TO FILE\n", stderr);
		return 2;
	}
	from = open(argv[3], O_RDONLY | O_CLOEXEC);
	need(from >= 0 && fstat(from, &status) == 0, "read the file");
	p = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE,
		from, 0);
	need(p != MAP_FAILED, "map the file");
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	wall = seconds(CLOCK_MONOTONIC);
	to = open_to(file, argv[2]);
	if (tls) {
		context = SSL_CTX_new(TLS_client_method());
		ssl = SSL_new(context);
		need(SSL_set_fd(ssl, to) == 1 && SSL_connect(ssl) == 1,
			"do a TLS handshake");
	}
	write_all(to, ssl, p, (size_t)status.st_size);
	if (file)
		need(fdatasync(to) == 0, "sync");
	else
		wait_for_peer(to);
	printf("%.6f %.6f\n", seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu,
		seconds(CLOCK_MONOTONIC) - wall);
	if (ssl)
		SSL_shutdown(ssl);
	SSL_free(ssl);
	SSL_CTX_free(context);
	close(to);
	munmap(p, (size_t)status.st_size);
	close(from);
	return 0;
}
