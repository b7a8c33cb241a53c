#include "config.h"

#include "collector.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "collector: %s: %s\n", what, strerror(errno));
	abort();
}

/* On the collector's port, or with 0 on one that the system chooses. */
static int socket_bind(struct collector *collector)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)collector->port)};
	socklen_t size = sizeof(to);
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must(fd >= 0, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	must(bind(fd, (struct sockaddr *)&to, sizeof(to)) == 0, "bind");
	must(getsockname(fd, (struct sockaddr *)&to, &size) == 0, "getsockname");
	collector->port = ntohs(to.sin_port);
	return fd;
}

void collector_listen(struct collector *collector)
{
	collector->fd = socket_bind(collector);
	if (collector->receive_buffer)
		setsockopt(collector->fd, SOL_SOCKET, SO_RCVBUF,
			&collector->receive_buffer, sizeof(int));
	must(listen(collector->fd, 16) == 0, "listen");
}

static int on_sni(SSL *ssl, int *alert, void *context)
{
	struct collector *collector = context;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	snprintf(collector->sni, sizeof(collector->sni), "%s", name ? name : "");
	return SSL_TLSEXT_ERR_OK;
}

/* Counts application records that arrive. */
static void on_message(int sent, int version, int type, const void *p, size_t n,
	SSL *ssl, void *context)
{
	struct collector_stream *stream = context;
	const unsigned char *head = p;

	(void)version;
	(void)ssl;
	if (!sent && type == SSL3_RT_HEADER && n >= 5 &&
		head[0] == SSL3_RT_APPLICATION_DATA)
		stream->records++;
}

void collector_start(struct collector *collector, SSL_CTX *tls, int receive_buffer)
{
	*collector = (struct collector){.tls = tls, .receive_buffer = receive_buffer};
	collector->accepts = collector->reads = true;
	collector->held_fd = socket_bind(collector);
	collector_listen(collector);
	if (tls) {
		SSL_CTX_set_tlsext_servername_callback(tls, on_sni);
		SSL_CTX_set_tlsext_servername_arg(tls, collector);
	}
}

void collector_deaf(struct collector *collector)
{
	if (collector->fd >= 0)
		close(collector->fd);
	collector->fd = -1;
}

static void stream_shut(struct collector_stream *stream)
{
	SSL_free(stream->ssl);
	stream->ssl = NULL;
	if (stream->fd >= 0)
		close(stream->fd);
	stream->fd = -1;
}

void collector_stop(struct collector *collector)
{
	collector_deaf(collector);
	close(collector->held_fd);
	for (size_t i = 0; i < collector->count; i++) {
		stream_shut(&collector->streams[i]);
		strbuf_clear(&collector->streams[i].got);
	}
	SSL_CTX_free(collector->tls);
	collector->tls = NULL;
}

static void accept_one(struct collector *collector)
{
	struct collector_stream *stream;
	int fd;

	if (!collector->accepts || collector->fd < 0)
		return;
	fd = accept4(collector->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	must(collector->count < COLLECTOR_STREAMS, "too many connections");
	stream = &collector->streams[collector->count++];
	*stream = (struct collector_stream){.fd = fd, .handshaken = !collector->tls};
	strbuf_init(&stream->got, 1 << 30);
	if (!collector->tls)
		return;
	stream->ssl = SSL_new(collector->tls);
	SSL_set_fd(stream->ssl, fd);
	SSL_set_msg_callback(stream->ssl, on_message);
	SSL_set_msg_callback_arg(stream->ssl, stream);
}

static void read_plain(struct collector_stream *stream)
{
	char buffer[65536];
	ssize_t n;

	while ((n = recv(stream->fd, buffer, sizeof(buffer), 0)) > 0)
		strbuf_add(&stream->got, buffer, (size_t)n);
	if (n == 0)
		stream->fin = true;
	if (n == 0 || errno != EAGAIN)
		stream_shut(stream);
}

static void read_tls(struct collector *collector, struct collector_stream *stream)
{
	char buffer[65536];
	int n;

	if (!stream->handshaken) {
		n = SSL_accept(stream->ssl);
		if (n != 1) {
			n = SSL_get_error(stream->ssl, n);
			if (n != SSL_ERROR_WANT_READ && n != SSL_ERROR_WANT_WRITE)
				stream_shut(stream);
			return;
		}
		stream->handshaken = true;
		stream->records = 0;
		collector->tls_version = SSL_version(stream->ssl);
	}
	while ((n = SSL_read(stream->ssl, buffer, sizeof(buffer))) > 0)
		strbuf_add(&stream->got, buffer, (size_t)n);
	if (SSL_get_shutdown(stream->ssl) & SSL_RECEIVED_SHUTDOWN)
		stream->close_notify = true;
	n = SSL_get_error(stream->ssl, n);
	if (n != SSL_ERROR_WANT_READ && n != SSL_ERROR_WANT_WRITE)
		stream_shut(stream);
}

void collector_poll(struct collector *collector)
{
	accept_one(collector);
	for (size_t i = 0; i < collector->count; i++) {
		struct collector_stream *stream = &collector->streams[i];

		if (stream->fd < 0 || stream->stuck ||
			(!collector->reads && stream->handshaken))
			continue;
		if (stream->ssl)
			read_tls(collector, stream);
		else
			read_plain(stream);
	}
}

void collector_send(struct collector_stream *stream, const char *p, size_t n)
{
	if (stream->ssl)
		must(SSL_write(stream->ssl, p, (int)n) == (int)n, "SSL_write");
	else
		must(send(stream->fd, p, n, MSG_NOSIGNAL) == (ssize_t)n, "send");
}

void collector_close(struct collector *collector, bool notify)
{
	struct collector_stream *stream = &collector->streams[collector->count - 1];

	if (notify && stream->ssl)
		SSL_shutdown(stream->ssl);
	stream_shut(stream);
}

void collector_notify(struct collector *collector)
{
	SSL_shutdown(collector->streams[collector->count - 1].ssl);
}

void collector_shut(struct collector *collector)
{
	shutdown(collector->streams[collector->count - 1].fd, SHUT_RDWR);
}

void collector_drop(struct collector_stream *stream)
{
	stream_shut(stream);
}

void collector_reset(struct collector *collector)
{
	struct collector_stream *stream = &collector->streams[collector->count - 1];
	struct linger linger = {.l_onoff = 1, .l_linger = 0};

	setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	stream_shut(stream);
}

static void extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	must(extension != NULL, "extension");
	X509_add_ext(cert, extension, -1);
	X509_EXTENSION_free(extension);
}

static void save(const char *directory, const char *name, X509 *cert, EVP_PKEY *key)
{
	char path[500];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.crt", directory, name);
	file = fopen(path, "w");
	must(file != NULL, path);
	PEM_write_X509(file, cert);
	fclose(file);
	snprintf(path, sizeof(path), "%s/%s.key", directory, name);
	file = fopen(path, "w");
	must(file != NULL, path);
	PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
	fclose(file);
	snprintf(path, sizeof(path), "%s/%s-locked.key", directory, name);
	file = fopen(path, "w");
	must(file != NULL, path);
	PEM_write_PKCS8PrivateKey(
		file, key, EVP_aes_128_cbc(), "pass word", 9, NULL, NULL);
	fclose(file);
}

/* Yesterday; for what has expired before that, and for what lasts EARLY_DAYS tomorrow. */
#define EARLY_DAYS 11
static long begins_in(long days)
{
	if (days < 0)
		return days * 2 * 86400;
	return days == EARLY_DAYS ? 86400 : -86400;
}

/* A certificate and its key; issuer NULL: a CA of its own. */
static X509 *make(const char *directory, const char *name, const char *san, long days,
	X509 *issuer, EVP_PKEY **issuer_key)
{
	static long serial; /* the first two are the CAs', the third is "server" */
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509_NAME *subject;

	must(key && cert, "certificate");
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(cert), begins_in(days));
	X509_gmtime_adj(X509_getm_notAfter(cert), days * 86400);
	X509_set_pubkey(cert, key);
	subject = X509_get_subject_name(cert);
	X509_NAME_add_entry_by_txt(
		subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : subject);
	extend(cert, issuer ? issuer : cert, NID_basic_constraints,
		issuer ? "critical,CA:FALSE" : "critical,CA:TRUE");
	if (san)
		extend(cert, issuer ? issuer : cert, NID_subject_alt_name, san);
	X509_sign(cert, issuer ? *issuer_key : key, EVP_sha256());
	save(directory, name, cert, key);
	if (issuer) {
		EVP_PKEY_free(key);
		X509_free(cert);
		return NULL;
	}
	*issuer_key = key;
	return cert;
}

static void make_list(const char *directory, const char *name, long revoked, long days,
	X509 *issuer, EVP_PKEY *key)
{
	X509_CRL *list = X509_CRL_new();
	ASN1_TIME *last = X509_gmtime_adj(NULL, days * 2 * 86400);
	ASN1_TIME *next = X509_gmtime_adj(NULL, days * 86400);
	char path[500];
	FILE *file;

	if (days > 0)
		X509_gmtime_adj(last, -86400);
	X509_CRL_set_version(list, 1);
	X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer));
	X509_CRL_set1_lastUpdate(list, last);
	X509_CRL_set1_nextUpdate(list, next);
	if (revoked) {
		X509_REVOKED *entry = X509_REVOKED_new();
		ASN1_INTEGER *serial = ASN1_INTEGER_new();

		ASN1_INTEGER_set(serial, revoked);
		X509_REVOKED_set_serialNumber(entry, serial);
		X509_REVOKED_set_revocationDate(entry, last);
		X509_CRL_add0_revoked(list, entry);
		ASN1_INTEGER_free(serial);
	}
	must(X509_CRL_sign(list, key, EVP_sha256()) > 0, "list");
	snprintf(path, sizeof(path), "%s/%s.crl", directory, name);
	file = fopen(path, "w");
	must(file != NULL, path);
	PEM_write_X509_CRL(file, list);
	fclose(file);
	ASN1_TIME_free(last);
	ASN1_TIME_free(next);
	X509_CRL_free(list);
}

const char *certs_pin(const char *directory, const char *name)
{
	static char pin[100];
	unsigned char *der = NULL, hash[32];
	char path[500];
	EVP_PKEY *key;
	FILE *file;
	int n;

	snprintf(path, sizeof(path), "%s/%s.key", directory, name);
	file = fopen(path, "r");
	must(file != NULL, path);
	key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	fclose(file);
	n = i2d_PUBKEY(key, &der);
	must(n > 0 && EVP_Digest(der, (size_t)n, hash, NULL, EVP_sha256(), NULL), path);
	memcpy(pin, "sha256//", 8);
	EVP_EncodeBlock((unsigned char *)pin + 8, hash, sizeof(hash));
	OPENSSL_free(der);
	EVP_PKEY_free(key);
	return pin;
}

void certs_make(const char *directory)
{
	EVP_PKEY *key = NULL, *other_key = NULL;
	X509 *ca = make(directory, "ca", NULL, 10, NULL, &key);
	X509 *other = make(directory, "other-ca", NULL, 10, NULL, &other_key);

	make(directory, "server", "DNS:siem.example.net,IP:127.0.0.1", 10, ca, &key);
	make(directory, "renewed", "IP:127.0.0.1", 10, ca, &key);
	make(directory, "named", "DNS:siem.example.net", 10, ca, &key);
	make(directory, "expired", "IP:127.0.0.1", -1, ca, &key);
	make(directory, "early", "IP:127.0.0.1", EARLY_DAYS, ca, &key);
	make(directory, "client", NULL, 10, ca, &key);
	make(directory, "stranger", NULL, 10, other, &other_key);
	make_list(directory, "empty", 0, 10, ca, key);
	make_list(directory, "revoked", 3, 10, ca, key);
	make_list(directory, "old", 0, -1, ca, key);
	make_list(directory, "other", 0, 10, other, other_key);
	X509_free(ca);
	X509_free(other);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other_key);
}

SSL_CTX *certs_server(const char *directory, const char *name, const char *client_ca)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	char path[500];

	/* Sessions that it remembers would look like a leak. */
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	snprintf(path, sizeof(path), "%s/%s.crt", directory, name);
	must(SSL_CTX_use_certificate_file(context, path, SSL_FILETYPE_PEM) == 1, path);
	snprintf(path, sizeof(path), "%s/%s.key", directory, name);
	must(SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM) == 1, path);
	if (client_ca) {
		snprintf(path, sizeof(path), "%s/%s.crt", directory, client_ca);
		must(SSL_CTX_load_verify_locations(context, path, NULL) == 1, path);
		SSL_CTX_set_verify(context,
			SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	}
	return context;
}
