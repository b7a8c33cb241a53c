#include "config.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "deliver/conn_parts.h"

#define KEEPALIVE_COUNT 3

static int on_socket(void *context, curl_socket_t fd, curlsocktype purpose)
{
	int on = 1, count = KEEPALIVE_COUNT;

	(void)context;
	(void)purpose;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
	return CURL_SOCKOPT_OK;
}

/* This part of the time after which a host counts as dead. */
static long at_least_1_s(const struct conn *conn, long part)
{
	long seconds = (long)(conn->dead_after_ms / 1000) / part;

	return seconds > 1 ? seconds : 1;
}

static void set_stream(struct conn *conn)
{
	CURL *easy = conn->transfer.easy;

	curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, conn->text);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)conn->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	/* Half of the time without a word, the other half for the answers that do not come. */
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, at_least_1_s(conn, 2));
	curl_easy_setopt(
		easy, CURLOPT_TCP_KEEPINTVL, at_least_1_s(conn, 2L * KEEPALIVE_COUNT));
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
}

static enum rc set_tls(
	struct conn *conn, const struct conn_options *options, struct error *err)
{
	CURL *easy = conn->transfer.easy;
	bool by_ca = options->ca_file || !options->pinned_key;
	char password[CONN_PASSWORD];
	enum rc rc;

	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	/* A pinned key says more than any name; with ca_file both count. */
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, by_ca ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, by_ca ? 2L : 0L);
	if (options->pinned_key)
		curl_easy_setopt(easy, CURLOPT_PINNEDPUBLICKEY, options->pinned_key);
	if (options->crl_file)
		curl_easy_setopt(easy, CURLOPT_CRLFILE, options->crl_file);
	curl_easy_setopt(easy, CURLOPT_SSL_ENABLE_ALPN, 0L);
	/* Each connection verifies anew, against the files as they are now. */
	curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
	if (options->ca_file) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
		curl_easy_setopt(easy, CURLOPT_CAPATH,
			NULL); /* else the system's CAs count too */
	}
	if (options->cert_file)
		curl_easy_setopt(easy, CURLOPT_SSLCERT, options->cert_file);
	if (options->key_file)
		curl_easy_setopt(easy, CURLOPT_SSLKEY, options->key_file);
	if (!options->key_password_file)
		return RC_OK;
	rc = conn_password(options->key_password_file, password, sizeof(password), err);
	if (rc == RC_OK)
		curl_easy_setopt(easy, CURLOPT_KEYPASSWD, password);
	explicit_bzero(password, sizeof(password));
	return rc;
}

/* The URL carries the name to verify and to send as SNI; CONNECT_TO where it really goes. */
static enum rc set_address(
	struct conn *conn, const struct conn_options *options, struct error *err)
{
	const char *scheme = options->tls ? "https" : "http";
	char host[CONN_HOST], port[8], url[CONN_HOST + 32], to[CONN_HOST + 32];
	const char *name;
	enum rc rc = conn_address(options->address, host, port, err);

	if (rc != RC_OK)
		return rc;
	name = options->tls && options->tls_name ? options->tls_name : host;
	if (!conn_host_text(name, strlen(name)))
		return error_set(
			err, RC_CONFIG, "tls_name \"%s\" is no host name", name);
	snprintf(conn->address, sizeof(conn->address), "%s", options->address);
	snprintf(conn->name, sizeof(conn->name), "%s", name);
	snprintf(url, sizeof(url), strchr(name, ':') ? "%s://[%s]:%s/" : "%s://%s:%s/",
		scheme, name, port);
	curl_easy_setopt(conn->transfer.easy, CURLOPT_URL, url);
	if (strcmp(name, host) == 0)
		return RC_OK;
	snprintf(to, sizeof(to), strchr(host, ':') ? "::[%s]:%s" : "::%s:%s", host,
		port);
	conn->connect_to = curl_slist_append(NULL, to);
	if (!conn->connect_to)
		abort();
	curl_easy_setopt(conn->transfer.easy, CURLOPT_CONNECT_TO, conn->connect_to);
	return RC_OK;
}

/* As libcurl does it for the others. */
void conn_setup_accepted(const struct conn *conn)
{
	int on = 1, idle = (int)at_least_1_s(conn, 2),
	    interval = (int)at_least_1_s(conn, 2L * KEEPALIVE_COUNT);

	on_socket(NULL, conn->fd, CURLSOCKTYPE_ACCEPT);
	setsockopt(conn->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(conn->fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(conn->fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
}

enum rc conn_setup(
	struct conn *conn, const struct conn_options *options, struct error *err)
{
	enum rc rc;

	set_stream(conn);
	rc = set_address(conn, options, err);
	if (rc == RC_OK && options->tls)
		rc = set_tls(conn, options, err);
	return rc;
}
