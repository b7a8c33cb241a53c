#include "config.h"

#include "base/values.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/strbuf.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static enum rc not_a(const char *text, const char *what_instead, struct error *err)
{
	char quoted[100];

	return error_set(err, RC_CONFIG, "%s is %s",
		log_quote(quoted, sizeof(quoted), text, strlen(text)), what_instead);
}

/* The number that text begins with; false without one, or over INT64_MAX. */
static bool leading_number(const char *text, int64_t *value, const char **rest)
{
	*value = 0;
	*rest = text;
	for (; **rest >= '0' && **rest <= '9'; ++*rest)
		if (__builtin_mul_overflow(*value, 10, value) ||
			__builtin_add_overflow(*value, **rest - '0', value))
			return false;
	return *rest != text;
}

enum rc value_duration(const char *text, int64_t *ms, struct error *err)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = {
		{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
	static const char right[] = "no duration; write a whole number and a unit, as "
				    "500ms, 30s, 5m, 12h or 7d";
	const char *rest;
	int64_t n;

	if (!leading_number(text, &n, &rest))
		return not_a(text, right, err);
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(rest, units[i].name))
			continue;
		if (__builtin_mul_overflow(n, units[i].ms, ms))
			return not_a(text, right, err);
		return RC_OK;
	}
	if (n || *rest)
		return not_a(text, right, err);
	*ms = 0;
	return RC_OK;
}

enum rc value_moment(const char *text, int64_t now, int64_t *ticks, struct error *err)
{
	int64_t ms = 0;

	if (time_parse(text, strlen(text), ticks))
		return RC_OK;
	if (value_duration(text, &ms, err) != RC_OK || ms > now / TICKS_PER_MS)
		return not_a(text,
			"no time; write it as 2026-01-05T09:00:00Z, or how long before "
			"now, as 2h or 7d",
			err);
	*ticks = now - ms * TICKS_PER_MS;
	return RC_OK;
}

enum rc value_size(const char *text, size_t *octets, struct error *err)
{
	static const char units[] = "KMG";
	static const char right[] =
		"no size; write a whole number of octets, or with K, M or G, as 64K";
	const char *rest, *unit = NULL;
	int64_t n;

	if (!leading_number(text, &n, &rest))
		return not_a(text, right, err);
	if (*rest && !rest[1])
		unit = strchr(units, *rest);
	if (*rest && !unit)
		return not_a(text, right, err);
	for (const char *u = units; unit && u <= unit; u++)
		if (__builtin_mul_overflow(n, 1024, &n))
			return not_a(text, right, err);
	*octets = (size_t)n;
	return RC_OK;
}

enum rc value_bool(const char *text, bool *value, struct error *err)
{
	static const char *const words[] = {"no", "yes", "false", "true", "off", "on"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!strcasecmp(text, words[i])) {
			*value = i % 2;
			return RC_OK;
		}
	}
	return not_a(text, "neither yes nor no; write one of them", err);
}

enum rc value_integer(
	const char *text, int64_t min, int64_t max, int64_t *value, struct error *err)
{
	bool negative = text[0] == '-';
	const char *rest;
	char quoted[100];

	if (leading_number(text + negative, value, &rest) && !*rest) {
		*value = negative ? -*value : *value;
		if (*value >= min && *value <= max)
			return RC_OK;
	}
	return error_set(err, RC_CONFIG, "%s is no number from %lld to %lld",
		log_quote(quoted, sizeof(quoted), text, strlen(text)), (long long)min,
		(long long)max);
}

enum rc value_choice(
	const char *text, const char *choices, int *index, struct error *err)
{
	size_t n = strlen(text);
	const char *at = choices;
	char quoted[100];

	for (int i = 0;; i++) {
		size_t part = strcspn(at, "|");

		if (n == part && !memcmp(text, at, n)) {
			*index = i;
			return RC_OK;
		}
		if (!at[part])
			break;
		at += part + 1;
	}
	return error_set(err, RC_CONFIG, "%s is not one of %s",
		log_quote(quoted, sizeof(quoted), text, n), choices);
}

static void lower(char *out, const char *text)
{
	do
		*out++ = (char)tolower((unsigned char)*text);
	while (*text++);
}

enum rc value_guid(const char *text, char out[VALUE_GUID], struct error *err)
{
	static const char form[] = "00000000-0000-0000-0000-000000000000";
	bool good = strlen(text) == sizeof(form) - 1;

	for (size_t i = 0; good && form[i]; i++)
		good = form[i] == '-' ? text[i] == '-'
				      : isxdigit((unsigned char)text[i]) != 0;
	if (!good)
		return not_a(text,
			"no id; write it as 11111111-2222-3333-4444-555555555555 "
			"(hexadecimal)",
			err);
	lower(out, text);
	return RC_OK;
}

/* Labels of letters, digits, - and _ between dots. */
static bool is_host_name(const char *p, size_t n)
{
	size_t label = 0;

	if (!n || n > 253)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '.' && !label)
			return false;
		if (p[i] != '.' && (!p[i] || !strchr(LETTERS DIGITS "-_", p[i])))
			return false;
		label = p[i] == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return true;
}

enum rc value_tenant_id(const char *text, char out[VALUE_TENANT_ID], struct error *err)
{
	size_t n = strlen(text);

	if (value_guid(text, out, NULL) == RC_OK)
		return RC_OK;
	if (!is_host_name(text, n) || !strchr(text, '.') || text[n - 1] == '.' ||
		strspn(text, DIGITS ".") == n)
		return not_a(text,
			"no tenant id; write the directory's id "
			"(11111111-2222-3333-4444-555555555555) "
			"or a domain of it (contoso.onmicrosoft.com)",
			err);
	lower(out, text);
	return RC_OK;
}

/* A name, an IPv4 address, or an IPv6 address in brackets. */
static bool is_host(const char *p, size_t n)
{
	unsigned char scratch[16];
	char inner[64];

	if (!n || p[0] != '[')
		return is_host_name(p, n);
	if (p[n - 1] != ']' || n - 2 >= sizeof(inner))
		return false;
	memcpy(inner, p + 1, n - 2);
	inner[n - 2] = '\0';
	return inet_pton(AF_INET6, inner, scratch) == 1;
}

static bool is_port(const char *p, size_t n)
{
	long port = 0;

	if (!n || n > 5)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		port = port * 10 + p[i] - '0';
	}
	return port >= 1 && port <= 65535;
}

/* How long the host at p is; what is in brackets may hold colons. */
static size_t host_length(const char *p, size_t n)
{
	const char *end = n && p[0] == '[' ? memchr(p, ']', n) : NULL;

	if (end)
		return (size_t)(end - p) + 1;
	end = memchr(p, ':', n);
	return end ? (size_t)(end - p) : n;
}

/* "host:port", or "host" alone when the port may be missing. */
static bool is_host_port(const char *p, size_t n, bool port_needed)
{
	size_t host = host_length(p, n);

	if (!is_host(p, host))
		return false;
	if (host == n)
		return !port_needed;
	return p[host] == ':' && is_port(p + host + 1, n - host - 1);
}

enum rc value_address(const char *text, struct error *err)
{
	unsigned char scratch[16];

	if (is_host_port(text, strlen(text), true))
		return RC_OK;
	if (inet_pton(AF_INET6, text, scratch) == 1)
		return not_a(text,
			"an IPv6 address without brackets and port; write "
			"[address]:port, "
			"as [2001:db8::1]:6514",
			err);
	return not_a(
		text, "no address; write host:port, as siem.example.net:6514", err);
}

static bool is_loopback(const char *p, size_t n)
{
	struct in_addr v4;
	char host[64];

	if (n >= sizeof(host))
		return false;
	memcpy(host, p, n);
	host[n] = '\0';
	if (!strcasecmp(host, "localhost") || !strcmp(host, "[::1]"))
		return true;
	return inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

enum rc value_root(const char *text, size_t *n, struct error *err)
{
	static const char right[] = "no root of an API; write https://host, with :port "
				    "and /path where needed";
	bool tls = !strncmp(text, "https://", 8);
	const char *host = text + (tls ? 8 : 7), *path;
	size_t host_n;

	if (!tls && strncmp(text, "http://", 7))
		return not_a(text, right, err);
	path = host + strcspn(host, "/");
	if (!is_host_port(host, (size_t)(path - host), false))
		return not_a(text, right, err);
	for (const char *c = path; *c; c++)
		if (!strchr(LETTERS DIGITS "/-._~%!$&'()*+,;=:@", *c))
			return not_a(text, right, err);
	host_n = host_length(host, (size_t)(path - host));
	if (!tls && !is_loopback(host, host_n))
		return not_a(text,
			"not encrypted; write https:// (http:// is for this host only)",
			err);
	*n = strlen(text);
	while (text[*n - 1] == '/')
		--*n;
	return RC_OK;
}

enum rc value_proxy(const char *text, struct error *err)
{
	static const char *const schemes[] = {
		"http://", "https://", "socks5://", "socks5h://"};
	const char *host = text;
	size_t n;

	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
		if (!strncmp(text, schemes[i], strlen(schemes[i])))
			host = text + strlen(schemes[i]);
	if (strchr(host, '@')) /* not quoted: it may be a password */
		return error_set(err, RC_CONFIG,
			"a user and password are not taken here; let the proxy know "
			"this host by its address");
	n = strlen(host);
	if (n && host[n - 1] == '/')
		n--;
	if (!is_host_port(host, n, true))
		return not_a(text,
			"no proxy; write http://host:port (or https, socks5, socks5h)",
			err);
	return RC_OK;
}

enum rc value_name(const char *text, struct error *err)
{
	size_t n = strlen(text);

	if (n && n <= VALUE_NAME_MAXIMUM && strspn(text, LETTERS DIGITS "._-") == n)
		return RC_OK;
	return not_a(text,
		"no name; write 1 to 63 letters, digits and . _ - (it becomes a host "
		"name in syslog)",
		err);
}

/* Edits from a to b: insert, delete, replace, swap neighbours. Names are short. */
static size_t distance(const char *a, const char *b)
{
	enum { SIDE = 32 };
	size_t d[SIDE + 1][SIDE + 1], m = strlen(a), n = strlen(b);

	if (m > SIDE || n > SIDE)
		return SIDE;
	for (size_t i = 0; i <= m; i++) {
		for (size_t j = 0; j <= n; j++) {
			size_t best;

			if (!i || !j) {
				d[i][j] = i + j;
				continue;
			}
			best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			if (d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
				a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	}
	return d[m][n];
}

const char *value_nearest(const char *text, const char *const *names, size_t count)
{
	size_t nearest = strlen(text) < 5 ? 2 : 3; /* fewer edits than this */
	const char *found = NULL;

	for (size_t i = 0; i < count; i++) {
		size_t d = distance(text, names[i]);

		if (d < nearest && d < strlen(names[i])) {
			nearest = d;
			found = names[i];
		}
	}
	return found;
}

enum rc value_unknown(const char *text, const char *what, const char *const *names,
	size_t count, struct error *err)
{
	const char *nearest = value_nearest(text, names, count);
	char quoted[100];
	struct strbuf all;

	log_quote(quoted, sizeof(quoted), text, strlen(text));
	if (nearest)
		return error_set(err, RC_CONFIG, "%s is no %s; did you mean %s?",
			quoted, what, nearest);
	strbuf_init(&all, 400);
	for (size_t i = 0; i < count; i++)
		strbuf_addf(&all, "%s%s", i ? ", " : "", names[i]);
	error_set(err, RC_CONFIG, "%s is no %s; there are: %s%s", quoted, what,
		count ? all.p : "none", all.full ? ", ..." : "");
	strbuf_clear(&all);
	return RC_CONFIG;
}
