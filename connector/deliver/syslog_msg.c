#include "config.h"

#include "deliver/syslog_msg.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "formats/text.h"

/* Microseconds are the most that RFC 5424 allows; the vendor's seventh digit is cut. */
#define TIME_DIGITS 6
#define MARK 9 /* "-" and 8 hex digits */

static bool is_printable(unsigned char c)
{
	return c > 32 && c < 127;
}

static bool is_alnum(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z');
}

/* Readers of RFC 3164 take the first word that does not look like a host for the tag. */
static bool is_host(unsigned char c)
{
	return is_alnum(c) || c == '.' || c == '-' || c == '_' || c == ':';
}

static bool is_tag(unsigned char c)
{
	return is_alnum(c) || c == '.' || c == '-' || c == '_' || c == '/';
}

/* FNV-1a: tells names apart, hides nothing. */
static uint32_t name_hash(const char *p, size_t n)
{
	uint32_t hash = UINT32_C(2166136261);

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ (unsigned char)p[i]) * UINT32_C(16777619);
	return hash;
}

static inline size_t clean(const char *p, size_t n, size_t maximum,
	bool (*allowed)(unsigned char), char *out)
{
	static const char hex[] = "0123456789abcdef";
	size_t kept = 0;
	uint32_t hash;

	if (!n) {
		out[0] = '-';
		return 1;
	}
	while (kept < n && kept < maximum && allowed((unsigned char)p[kept])) {
		out[kept] = p[kept];
		kept++;
	}
	if (kept == n)
		return n;
	hash = name_hash(p, n);
	for (kept = 0; kept < n && kept < maximum - MARK; kept++)
		out[kept] = '_';
	for (size_t i = 0; i < kept; i++)
		if (allowed((unsigned char)p[i]))
			out[i] = p[i];
	out[kept++] = '-';
	for (int shift = 28; shift >= 0; shift -= 4)
		out[kept++] = hex[(hash >> shift) & 15];
	return kept;
}

size_t syslog_name(const char *p, size_t n, size_t maximum, char *out)
{
	return clean(p, n, maximum, is_printable, out);
}

static size_t put_priority(const struct syslog_header *header, char *out)
{
	const struct severity_map *levels =
		header->levels ? header->levels : severity_default(SEVERITY_SYSLOG);
	unsigned priority =
		((unsigned)header->facility * 8 + levels->level[header->severity]) %
		192u;
	size_t n = 0;

	out[n++] = '<';
	if (priority >= 100)
		out[n++] = (char)('0' + priority / 100);
	if (priority >= 10)
		out[n++] = (char)('0' + priority / 10 % 10);
	out[n++] = (char)('0' + priority % 10);
	out[n++] = '>';
	return n;
}

static size_t put_name(struct fmt_str name, size_t maximum, char *out)
{
	size_t n = syslog_name(name.p, name.n, maximum, out);

	out[n] = ' ';
	return n + 1;
}

size_t syslog_rfc5424(const struct syslog_header *header, char out[SYSLOG_HEADER])
{
	size_t n = put_priority(header, out);
	char time[TIME_TEXT];
	size_t time_n;

	out[n++] = '1';
	out[n++] = ' ';
	if (header->time == FMT_NO_TIME) {
		out[n++] = '-';
	} else {
		time_n = time_format(header->time, TIME_DIGITS, time);
		memcpy(out + n, time, time_n);
		n += time_n;
	}
	out[n++] = ' ';
	n += put_name(header->hostname, SYSLOG_HOSTNAME, out + n);
	n += put_name(header->app_name, SYSLOG_APP_NAME, out + n);
	n += put_name(header->procid, SYSLOG_PROCID, out + n);
	n += put_name(header->msgid, SYSLOG_MSGID, out + n);
	return n;
}

static void civil_of(int64_t ticks, bool utc, struct time_civil *civil)
{
	time_t seconds = (time_t)(ticks / TICKS_PER_S - (ticks % TICKS_PER_S < 0));
	struct tm tm;

	time_civil(ticks, civil);
	if (utc || !localtime_r(&seconds, &tm))
		return;
	*civil = (struct time_civil){tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		tm.tm_hour, tm.tm_min, tm.tm_sec};
}

size_t syslog_rfc3164(const struct syslog_header *header, char out[SYSLOG_HEADER])
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	size_t n = put_priority(header, out), host;
	struct time_civil t;

	civil_of(header->time == FMT_NO_TIME ? 0 : header->time, header->utc, &t);
	n += (size_t)snprintf(out + n, 32, "%.3s %2u %02u:%02u:%02u ",
		months + (size_t)((t.month - 1) % 12) * 3, (unsigned)t.day % 100u,
		(unsigned)t.hour % 100u, (unsigned)t.minute % 100u,
		(unsigned)t.second % 100u);
	host = clean(header->hostname.p, header->hostname.n, SYSLOG_HOSTNAME, is_host,
		out + n);
	if (out[n + host - 1] == ':') /* "host:" would be a tag */
		out[n + host - 1] = '_';
	n += host;
	out[n++] = ' ';
	if (header->tag) {
		n += clean(header->app_name.p, header->app_name.n, SYSLOG_TAG, is_tag,
			out + n);
		out[n++] = ':';
		out[n++] = ' ';
	}
	return n;
}

#define SD_NAME 32 /* most octets */

/* How many octets of an SD-NAME are at p. */
static size_t data_name(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && i < SD_NAME && is_printable((unsigned char)p[i]) &&
		p[i] != '=' && p[i] != ']' && p[i] != '"')
		i++;
	return i;
}

/* The octets of a PARAM-VALUE and the quote behind it, or 0. */
static size_t data_value(const char *p, size_t n)
{
	for (size_t i = 0; i < n;) {
		struct text_char c = text_next((const unsigned char *)p + i, n - i);

		if (c.bad || c.code < 0x20 || c.code == 0x7F || c.code == ']')
			return 0;
		if (c.code == '"')
			return i + 1;
		i += c.n;
		/* Before anything else a backslash is one of the text. */
		if (c.code == '\\' && i < n &&
			(p[i] == '"' || p[i] == '\\' || p[i] == ']'))
			i++;
	}
	return 0;
}

/* The octets of one element, or 0. */
static size_t data_element(const char *p, size_t n)
{
	size_t i = 1, name;

	if (n < 3 || p[0] != '[' || !(name = data_name(p + 1, n - 1)))
		return 0;
	for (i += name; i < n && p[i] == ' ';) {
		size_t value;

		name = data_name(p + i + 1, n - i - 1);
		i += 1 + name;
		if (!name || n - i < 2 || p[i] != '=' || p[i + 1] != '"')
			return 0;
		i += 2;
		value = data_value(p + i, n - i);
		if (!value)
			return 0;
		i += value;
	}
	return i < n && p[i] == ']' ? i + 1 : 0;
}

bool syslog_data_is_legal(const char *p, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t element = data_element(p + i, n - i);

		if (!element)
			return false;
		i += element;
	}
	return true;
}
