#include "config.h"

#include "deliver/resolve.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/strbuf.h"
#include "deliver/conn.h"

/* Called for each address in turn; no socket: libcurl goes on to the next. */
static curl_socket_t on_address(
	void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct resolve *resolve = context;
	struct resolved *found = &resolve->found[resolve->count];

	(void)purpose;
	if (resolve->count == RESOLVE_MAXIMUM || address->addrlen > sizeof(found->at))
		return CURL_SOCKET_BAD;
	memcpy(&found->at, &address->addr, address->addrlen);
	found->size = address->addrlen;
	resolve->count++;
	return CURL_SOCKET_BAD;
}

static void on_transfer(struct loop_transfer *transfer, CURLcode result)
{
	struct resolve *resolve = CONTAINER_OF(transfer, struct resolve, transfer);
	struct error err = {0};

	if (!resolve->count)
		error_set(&err, RC_IO,
			"cannot find its host (%s): check the name and the DNS",
			resolve->text[0] ? resolve->text : curl_easy_strerror(result));
	resolve_stop(resolve);
	resolve->done(resolve, &err);
}

enum rc resolve_start(struct resolve *resolve, struct loop *loop, const char *address,
	int64_t timeout_ms, struct error *err)
{
	char host[CONN_HOST], port[8], url[CONN_HOST + 24];
	enum rc rc = conn_address(address, host, port, err);
	CURL *easy;

	if (rc != RC_OK)
		return rc;
	easy = curl_easy_init();
	if (!easy)
		abort();
	snprintf(url, sizeof(url),
		strchr(host, ':') ? "http://[%s]:%s/" : "http://%s:%s/", host, port);
	resolve->loop = loop;
	resolve->count = 0;
	resolve->text[0] = '\0';
	resolve->transfer = (struct loop_transfer){.easy = easy, .done = on_transfer};
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)timeout_ms);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, resolve->text);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_address);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, resolve);
	rc = loop_transfer_add(loop, &resolve->transfer, err);
	if (rc != RC_OK)
		resolve_stop(resolve);
	return rc;
}

void resolve_stop(struct resolve *resolve)
{
	if (!resolve->transfer.easy)
		return;
	loop_transfer_remove(resolve->loop, &resolve->transfer);
	curl_easy_cleanup(resolve->transfer.easy);
	resolve->transfer.easy = NULL;
}
