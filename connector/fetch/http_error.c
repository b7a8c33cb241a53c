/* http_error.c - why a transfer failed, as a sentence for the operator. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "fetch/http_private.h"

static void why_clean(char *why)
{
	size_t n = strlen(why);

	while (n && (why[n - 1] == '\n' || why[n - 1] == '\r' || why[n - 1] == ' '))
		why[--n] = '\0';
	for (; *why; why++)
		if ((unsigned char)*why < ' ' || *why == 0x7f)
			*why = '?';
}

static enum rc error_of_answer(
	struct http_transfer *t, CURLcode code, struct error *err)
{
	if (t->head_too_big)
		return error_set(err, RC_PROTO, "%s sent a head of more than %d KB",
			t->origin, HEAD_OCTETS_MAX / 1024);
	if (t->head_octets)
		return error_set(err, RC_PROTO,
			"the answer of %s was cut after %llu octets: %s", t->origin,
			(unsigned long long)t->result.body_bytes, t->why);
	if (code == CURLE_GOT_NOTHING)
		return error_set(err, RC_IO,
			"%s closed the connection without an answer", t->origin);
	if (code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_UNSUPPORTED_PROTOCOL)
		return error_set(
			err, RC_PROTO, "%s does not speak HTTP: %s", t->origin, t->why);
	return error_set(
		err, RC_IO, "the connection to %s failed: %s", t->origin, t->why);
}

/* The proxy's own answer to CONNECT; 0: none, or it has let us through. */
static long proxy_refusal(struct http_transfer *t)
{
	long status = 0;

	curl_easy_getinfo(t->loop.easy, CURLINFO_HTTP_CONNECTCODE, &status);
	return status / 100 == 2 ? 0 : status;
}

enum rc http_transfer_error(struct http_transfer *t, CURLcode code, struct error *err)
{
	long refusal = proxy_refusal(t);

	if (refusal)
		return error_set(err, RC_IO,
			"the proxy does not let us through to %s (HTTP %ld): %s",
			t->origin, refusal,
			refusal == 407 ? "write its user:password into the file of "
					 "proxy_password_file"
				       : "have it allow this host and port");
	if (!*t->why)
		snprintf(t->why, sizeof(t->why), "%s", curl_easy_strerror(code));
	why_clean(t->why);
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return error_set(err, RC_IO,
			"cannot find the address of %s: check DNS on this machine and "
			"the address in "
			"the configuration",
			t->origin);
	case CURLE_COULDNT_RESOLVE_PROXY:
		return error_set(err, RC_IO,
			"cannot find the address of the proxy for %s: check the proxy "
			"in the "
			"configuration",
			t->origin);
	case CURLE_COULDNT_CONNECT:
		return error_set(err, RC_IO,
			"cannot connect to %s: %s; check network, firewall and proxy",
			t->origin, t->why);
	case CURLE_OPERATION_TIMEDOUT:
		return error_set(err, RC_IO,
			"no connection to %s within %lld s; check network, firewall "
			"and proxy",
			t->origin,
			(long long)(t->http->options.connect_timeout_ms + 999) / 1000);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
		return error_set(err, RC_TLS,
			"the certificate of %s is refused: %s; if a proxy inspects TLS "
			"here, name its CA "
			"in ca_file",
			t->origin, t->why);
	case CURLE_SSL_CACERT_BADFILE:
		return error_set(err, RC_TLS,
			"cannot read the CA certificates in %s for %s",
			t->http->options.ca_file ? t->http->options.ca_file
						 : "the system's store",
			t->origin);
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ENGINE_INITFAILED:
	case CURLE_USE_SSL_FAILED:
		return error_set(err, RC_TLS,
			"no TLS connection (1.2 or later) with %s: %s", t->origin,
			t->why);
	case CURLE_URL_MALFORMAT:
		return error_set(
			err, RC_CONFIG, "this is no valid URL of %s", t->origin);
	default:
		return error_of_answer(t, code, err);
	}
}
