/* leef_reader.c - a strict LEEF parser for tests. */
#include "leef_reader.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cef_reader.h"

enum leef_type {
	TEXT,
	SEVERITY,
	MOMENT,
	ADDRESS,
	PORT,
	AMOUNT,
	HARDWARE,
	KEYWORD,
	RESERVED
};

/* The whole table of predefined attributes, also those that are never sent. */
static const struct {
	const char *key;
	enum leef_type type;
	size_t max; /* 0: none is stated */
} predefined[] = {
	{"cat", TEXT, 0},
	{"devTime", MOMENT, 0},
	{"devTimeFormat", RESERVED, 0},
	{"proto", KEYWORD, 0},
	{"sev", SEVERITY, 0},
	{"src", ADDRESS, 0},
	{"dst", ADDRESS, 0},
	{"srcPort", PORT, 0},
	{"dstPort", PORT, 0},
	{"srcPreNAT", ADDRESS, 0},
	{"dstPreNAT", ADDRESS, 0},
	{"srcPostNAT", ADDRESS, 0},
	{"dstPostNAT", ADDRESS, 0},
	{"srcPreNATPort", PORT, 0},
	{"dstPreNATPort", PORT, 0},
	{"srcPostNATPort", PORT, 0},
	{"dstPostNATPort", PORT, 0},
	{"usrName", TEXT, 255},
	{"srcMAC", HARDWARE, 0},
	{"dstMAC", HARDWARE, 0},
	{"identSrc", ADDRESS, 0},
	{"identHostName", TEXT, 255},
	{"identNetBios", TEXT, 255},
	{"identGrpName", TEXT, 255},
	{"identMAC", RESERVED, 0},
	{"vSrc", ADDRESS, 0},
	{"vSrcName", TEXT, 255},
	{"accountName", TEXT, 255},
	{"srcBytes", AMOUNT, 0},
	{"dstBytes", AMOUNT, 0},
	{"srcPackets", AMOUNT, 0},
	{"dstPackets", AMOUNT, 0},
	{"totalPackets", AMOUNT, 0},
	{"role", TEXT, 0},
	{"realm", TEXT, 0},
	{"policy", TEXT, 0},
	{"resource", TEXT, 0},
	{"url", TEXT, 0},
	{"groupID", TEXT, 0},
	{"domain", TEXT, 0},
	{"isLoginEvent", RESERVED, 0},
	{"isLogoutEvent", RESERVED, 0},
	{"identSecondlp", RESERVED, 0},
	{"calLanguage", RESERVED, 0},
	{"calCountryOrRegion", RESERVED, 0},
};

#define PAIR(id, class, max, key, leef_key) {leef_key, max},
#define LABELLED(id, class, max, key, label, leef_key) {leef_key, max},
#define BOUNDED(id, class, max, key, leef_max, leef_key) {leef_key, leef_max},
#define LEEF(id, class, max, key) {key, max},
static const struct {
	const char *key;
	size_t max;
} own[] = {
#include "formats/pick.def"
	{"fieldsOmitted", 10},
};

static int fail(struct leef_event *event, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int fail(struct leef_event *event, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(event->error, sizeof(event->error), format, args);
	va_end(args);
	return 0;
}

static const char *store(struct leef_event *event, const char *p, size_t n)
{
	char *to = event->store + event->used;

	if (n + 1 > sizeof(event->store) - event->used)
		abort();
	memcpy(to, p, n);
	to[n] = 0;
	event->used += n + 1;
	return to;
}

static int is_right(const char *s, enum leef_type type)
{
	size_t n = strlen(s);

	switch (type) {
	case TEXT:
		return 1;
	case SEVERITY:
		return is_typed(s, INTEGER) && strtol(s, NULL, 10) >= 1 &&
		       strtol(s, NULL, 10) <= 10;
	case MOMENT:
		return n == 13 && is_typed(s, TIME);
	case ADDRESS:
		return is_typed(s, IPV4) || is_typed(s, IPV6);
	case PORT:
		return is_typed(s, INTEGER) && strtol(s, NULL, 10) >= 0 &&
		       strtol(s, NULL, 10) <= 65535;
	case AMOUNT:
		return *s != '-' && is_typed(s, LONG_INTEGER);
	case HARDWARE:
		return is_typed(s, MAC);
	case KEYWORD:
		return strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-_"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == n;
	case RESERVED:
		return 0;
	}
	return 0;
}

static int check_attribute(
	struct leef_event *event, const struct leef_attribute *attribute)
{
	const char *key = attribute->key, *value = attribute->value;
	size_t n = strlen(value);

	if (!n)
		return fail(event, "%s is empty", key);
	if (value[0] == ' ' || value[n - 1] == ' ')
		return fail(event, "%s is not trimmed", key);
	if (!strncmp(key, "ident", 5) && !leef_value(event, "identSrc"))
		return fail(event, "%s without identSrc", key);
	for (size_t i = 0; i < sizeof(predefined) / sizeof(predefined[0]); i++) {
		if (strcmp(key, predefined[i].key) != 0)
			continue;
		if (predefined[i].max && count_characters(value) > predefined[i].max)
			return fail(event, "%s is too long", key);
		return is_right(value, predefined[i].type) ||
		       fail(event, "%s has a value of the wrong type: %.60s", key,
			       value);
	}
	n = 0;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (!strcmp(key, own[i].key) && own[i].max > n)
			n = own[i].max;
	if (!n)
		return fail(event, "%s is no key", key);
	return count_characters(value) <= n || fail(event, "%s is too long", key);
}

/* One character, or x or 0x and 1 to 4 hex digits. */
static int read_delimiter(struct leef_event *event, const char *text)
{
	const char *digits = text[0] == 'x'			? text + 1
			     : text[0] == '0' && text[1] == 'x' ? text + 2
								: NULL;
	size_t n = strlen(text);

	if (n == 1 && *text != 'x') {
		event->delimiter = text[0];
		return 1;
	}
	n = digits ? strlen(digits) : 0;
	if (n < 1 || n > 4 || strspn(digits, "0123456789abcdefABCDEF") != n)
		return fail(event, "the delimiter is %.40s", text);
	event->delimiter = (char)strtol(digits, NULL, 16);
	return 1;
}

static int read_attributes(struct leef_event *event, const char *p, const char *end)
{
	while (p < end) {
		struct leef_attribute *attribute = &event->attributes[event->count];
		const char *stop = memchr(p, event->delimiter, (size_t)(end - p)),
			   *equals;

		if (event->count++ == LEEF_READER_ATTRIBUTES)
			return fail(event, "too many attributes");
		if (!stop)
			stop = end;
		else if (stop + 1 == end)
			return fail(event, "ends with a delimiter");
		equals = memchr(p, '=', (size_t)(stop - p));
		if (!equals || equals == p)
			return fail(event, "no key: %.60s", p);
		attribute->key = store(event, p, (size_t)(equals - p));
		if (strspn(attribute->key,
			    "abcdefghijklmnopqrstuvwxyz0123456789"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != (size_t)(equals - p))
			return fail(event, "not a key: %.60s", attribute->key);
		if (!utf8_is_clean(equals + 1, (size_t)(stop - equals - 1)))
			return fail(event, "%s is not clean UTF-8", attribute->key);
		attribute->value =
			store(event, equals + 1, (size_t)(stop - equals - 1));
		p = stop + (stop < end);
	}
	return 1;
}

int leef_read(struct leef_event *event, const char *line, size_t n)
{
	static const size_t limits[4] = {63, 63, 31, 255};
	const char *end = line + n, *p = line, *pipe;

	event->count = 0;
	event->used = 0;
	event->error[0] = 0;
	event->delimiter_text = "";
	if (end - p < 9 || memcmp(p, "LEEF:", 5) != 0 || (p[5] != '1' && p[5] != '2') ||
		memcmp(p + 6, ".0|", 3) != 0)
		return fail(event, "does not begin with LEEF:1.0| or LEEF:2.0|");
	event->version = p[5];
	p += 9;
	for (int i = 0; i < 4 + (event->version == '2'); i++) {
		const char *text;

		pipe = memchr(p, '|', (size_t)(end - p));
		if (!pipe)
			return fail(event, "header field %d does not end", i);
		text = store(event, p, (size_t)(pipe - p));
		p = pipe + 1;
		if (i == 4) {
			event->delimiter_text = text;
			break;
		}
		event->header[i] = text;
		if (!*text || count_characters(text) > limits[i] || *text == ' ' ||
			text[strlen(text) - 1] == ' ')
			return fail(event,
				"header field %d is empty, too long or not trimmed", i);
	}
	if (!utf8_is_clean(line, (size_t)(p - line)))
		return fail(event, "the header is not clean UTF-8");
	event->delimiter = '\t';
	if (event->version == '2' && !read_delimiter(event, event->delimiter_text))
		return 0;
	if (!read_attributes(event, p, end))
		return 0;
	for (size_t i = 0; i < event->count; i++) {
		for (size_t k = 0; k < i; k++)
			if (!strcmp(event->attributes[i].key, event->attributes[k].key))
				return fail(event, "%s is there twice",
					event->attributes[i].key);
		if (!check_attribute(event, &event->attributes[i]))
			return 0;
	}
	return 1;
}

const char *leef_value(const struct leef_event *event, const char *key)
{
	for (size_t i = 0; i < event->count; i++)
		if (!strcmp(event->attributes[i].key, key))
			return event->attributes[i].value;
	return NULL;
}
