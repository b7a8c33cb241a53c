#include "config.h"

#include "fetch/http_text.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"

static bool host_octet(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '.' || c == '_';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Writes the digits; gives how many. */
static size_t port_write(unsigned port, char out[5])
{
	size_t n = 1;

	for (unsigned rest = port; rest >= 10; rest /= 10)
		n++;
	for (size_t i = n; i--; port /= 10)
		out[i] = (char)('0' + port % 10);
	return n;
}

bool http_origin(const char *url, size_t n, char *out, size_t size)
{
	const char *p = url, *end = url + n, *host;
	unsigned port = 0;
	char digits[5];
	size_t head, count;
	bool secure;

	if (n > 8 && !strncasecmp(p, "https://", 8)) {
		secure = true;
		p += 8;
	} else if (n > 7 && !strncasecmp(p, "http://", 7)) {
		secure = false;
		p += 7;
	} else {
		return false;
	}
	host = p;
	if (*p == '[') {
		while (p < end && *p != ']')
			if (p++ != host && !strchr("0123456789abcdefABCDEF:.", p[-1]))
				return false;
		if (p == end || p - host < 3)
			return false;
		p++;
	} else {
		while (p < end && host_octet(lower(*p)))
			p++;
		if (p == host)
			return false;
	}
	if ((size_t)(p - host) > 255)
		return false;
	head = (size_t)(p - url);
	if (p < end && *p == ':') {
		const char *first = ++p;

		while (p < end && *p >= '0' && *p <= '9' && p - first < 6)
			port = port * 10 + (unsigned)(*p++ - '0');
		if (p == first || port == 0 || port > 65535)
			return false;
	} else {
		port = secure ? 443 : 80;
	}
	if (p < end && *p != '/' && *p != '?' && *p != '#')
		return false;
	count = port_write(port, digits);
	if (head + 1 + count >= size)
		return false;
	for (size_t i = 0; i < head; i++)
		out[i] = lower(url[i]);
	out[head] = ':';
	memcpy(out + head + 1, digits, count);
	out[head + 1 + count] = '\0';
	return true;
}

static int64_t whole_seconds(const char *p)
{
	int64_t seconds = 0;
	bool more = false;

	if (*p < '0' || *p > '9')
		return -1;
	for (; *p >= '0' && *p <= '9'; p++)
		if (seconds <= HTTP_RETRY_AFTER_MAX_MS)
			seconds = seconds * 10 + (*p - '0');
	if (*p == '.')
		for (p++; *p >= '0' && *p <= '9'; p++)
			more |= *p != '0';
	return *p ? -1 : seconds + more;
}

int64_t http_retry_after(const char *value, size_t n, int64_t wall_ticks)
{
	char text[64];
	int64_t ms;

	while (n && (*value == ' ' || *value == '\t'))
		value++, n--;
	while (n && strchr(" \t\r\n", value[n - 1]))
		n--;
	if (!n || n >= sizeof(text) || memchr(value, '\0', n))
		return -1;
	memcpy(text, value, n);
	text[n] = '\0';
	if (lower(*text) >= 'a' && lower(*text) <= 'z') {
		time_t at = curl_getdate(text, NULL);

		if (at < 0)
			return -1;
		/* Rounded up, like the seconds. */
		ms = (int64_t)at * 1000 - wall_ticks / TICKS_PER_MS;
		ms = ms <= 0 ? 0 : (ms + 999) / 1000 * 1000;
	} else {
		ms = whole_seconds(text);
		if (ms < 0)
			return -1;
		ms *= 1000;
	}
	return ms > HTTP_RETRY_AFTER_MAX_MS ? HTTP_RETRY_AFTER_MAX_MS : ms;
}

bool http_origin_is_local(const char *origin)
{
	static const char *const hosts[] = {"localhost:", "127.", "[::1]:", "169.254."};
	const char *host = strstr(origin, "://") + 3;

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		if (!strncmp(host, hosts[i], strlen(hosts[i])))
			return true;
	return false;
}
