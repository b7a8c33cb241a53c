/* http_text.h - origins of URLs, and Retry-After.
 *
 * Purpose:  what of HTTP is text alone, for who compares next links, obeys a server's wait, or keeps a
 *           request from the proxy. Pure.
 * Source:   RFC 3986, section 3.2; RFC 9110, section 10.2.3.   Tests: unit/test_http.c */
#ifndef FETCH_HTTP_TEXT_H
#define FETCH_HTTP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_ORIGIN 288
/* "https://host:port" of a URL with the default port filled in, lower case; false when it is no
 * http(s) URL, holds user info or anything else in its authority that two parsers could read in two
 * ways. Next links are compared by it. A size of HTTP_ORIGIN is enough for any. */
bool http_origin(const char *url, size_t n, char *out, size_t size);

/* Retry-After in ms: seconds, whole or decimal (rounded up to a whole second), or an HTTP date; at
 * most HTTP_RETRY_AFTER_MAX_MS, so that a broken value cannot stop a tenant for good. -1 when it is
 * neither. wall_ticks: the time that a date counts from (the answer's own Date where it has one). */
#define HTTP_RETRY_AFTER_MAX_MS INT64_C(3600000)
int64_t http_retry_after(const char *value, size_t n, int64_t wall_ticks);

/* Of an origin as above: a host that only this machine can mean, so that a proxy must never see it. */
bool http_origin_is_local(const char *origin);

#endif
