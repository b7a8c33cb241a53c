/* cef_reader.c - a strict CEF parser and a plain model of text cleaning, for tests. */
#include "cef_reader.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Unicode table 3-7: lead octets, length, range of the second octet. */
static const struct {
	unsigned char first, last, length, low, high;
} leads[] = {
	{0x00, 0x7F, 1, 0, 0},
	{0xC2, 0xDF, 2, 0x80, 0xBF},
	{0xE0, 0xE0, 3, 0xA0, 0xBF},
	{0xE1, 0xEC, 3, 0x80, 0xBF},
	{0xED, 0xED, 3, 0x80, 0x9F},
	{0xEE, 0xEF, 3, 0x80, 0xBF},
	{0xF0, 0xF0, 4, 0x90, 0xBF},
	{0xF1, 0xF3, 4, 0x80, 0xBF},
	{0xF4, 0xF4, 4, 0x80, 0x8F},
};

/* One character; valid says whether it is one. */
static size_t one_character(
	const unsigned char *p, size_t n, uint32_t *code, int *valid)
{
	*valid = 0;
	*code = 0xFFFD;
	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
		size_t length = leads[i].length, k;

		if (p[0] < leads[i].first || p[0] > leads[i].last)
			continue;
		for (k = 1; k < length && k < n; k++) {
			unsigned low = k == 1 ? leads[i].low : 0x80;
			unsigned high = k == 1 ? leads[i].high : 0xBF;

			if (p[k] < low || p[k] > high)
				break;
		}
		if (k < length)
			return k;
		*valid = 1;
		*code = length == 1 ? p[0] : p[0] & (0xFFu >> (length + 1));
		for (k = 1; k < length; k++)
			*code = *code * 64 + (p[k] & 0x3Fu);
		return length;
	}
	return 1;
}

static int is_forbidden(uint32_t c)
{
	return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x2028 || c == 0x2029;
}

int utf8_is_clean(const char *p, size_t n)
{
	for (size_t i = 0; i < n;) {
		uint32_t code;
		int valid;

		i += one_character((const unsigned char *)p + i, n - i, &code, &valid);
		if (!valid || is_forbidden(code))
			return 0;
	}
	return 1;
}

size_t count_characters(const char *p)
{
	size_t count = 0;

	for (; *p; p++)
		if (((unsigned char)*p & 0xC0) != 0x80)
			count++;
	return count;
}

static char *encode(char *to, uint32_t c)
{
	if (c < 0x80) {
		*to++ = (char)c;
	} else if (c < 0x800) {
		*to++ = (char)(0xC0 | c >> 6);
		*to++ = (char)(0x80 | (c & 63));
	} else if (c < 0x10000) {
		*to++ = (char)(0xE0 | c >> 12);
		*to++ = (char)(0x80 | (c >> 6 & 63));
		*to++ = (char)(0x80 | (c & 63));
	} else {
		*to++ = (char)(0xF0 | c >> 18);
		*to++ = (char)(0x80 | (c >> 12 & 63));
		*to++ = (char)(0x80 | (c >> 6 & 63));
		*to++ = (char)(0x80 | (c & 63));
	}
	return to;
}

static int is_combining(uint32_t c)
{
	static const uint32_t ranges[][2] = {{0x300, 0x36F}, {0x1AB0, 0x1AFF},
		{0x1DC0, 0x1DFF}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F},
		{0x200D, 0x200D}, {0x1F3FB, 0x1F3FF}};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (c >= ranges[i][0] && c <= ranges[i][1])
			return 1;
	return 0;
}

static int is_blank(uint32_t c)
{
	return c == ' ' || is_forbidden(c) || c == 0xFEFF;
}

size_t model_clean(char *to, const char *p, size_t n, enum model_text mode, size_t max)
{
	uint32_t *codes = malloc((n + 1) * sizeof(*codes));
	size_t count = 0, first = 0, keep;
	char *at = to;

	if (!codes)
		abort();
	for (size_t i = 0; i < n;) {
		int valid;

		i += one_character(
			(const unsigned char *)p + i, n - i, &codes[count], &valid);
		count++;
	}
	if (mode == MODEL_TRIMMED) {
		while (count && is_blank(codes[count - 1]))
			count--;
		while (first < count && is_blank(codes[first]))
			first++;
	} else if (mode != MODEL_JSON) {
		size_t out = 0;

		for (size_t i = 0; i < count; i++) {
			uint32_t c = codes[i];

			if (c == '\r' && i + 1 < count && codes[i + 1] == '\n')
				continue;
			if (c == '\n' && mode == MODEL_VALUE)
				codes[out++] = c;
			else
				codes[out++] = is_forbidden(c) || c == 0xFEFF ? ' ' : c;
		}
		count = out;
		while (count && (codes[count - 1] == ' ' || codes[count - 1] == '\n'))
			count--;
		while (first < count && (codes[first] == ' ' || codes[first] == '\n'))
			first++;
	}
	/* JSON holds no NUL, because many readers end a string there. */
	for (size_t i = first; i < count; i++)
		if (!codes[i])
			codes[i] = 0xFFFD;
	keep = count - first;
	if (max && keep > max) {
		keep = max - 3;
		while (keep > 0 && is_combining(codes[first + keep]))
			keep--;
		while (keep && (codes[first + keep - 1] == ' ' ||
				       codes[first + keep - 1] == '\n'))
			keep--;
		for (size_t i = 0; i < keep; i++)
			at = encode(at, codes[first + i]);
		memcpy(at, "...", 3);
		at += 3;
	} else {
		for (size_t i = 0; i < keep; i++)
			at = encode(at, codes[first + i]);
	}
	*at = 0;
	free(codes);
	return (size_t)(at - to);
}

static int fail(struct cef_event *event, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int fail(struct cef_event *event, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(event->error, sizeof(event->error), format, args);
	va_end(args);
	return 0;
}

static char *store(struct cef_event *event, size_t n)
{
	char *p = event->store + event->used;

	if (n > sizeof(event->store) - event->used)
		abort();
	event->used += n;
	return p;
}

static const struct entry {
	const char *key;
	enum reader_type type;
	size_t max;
	const char *label; /* the key of its label, which must be there too */
} dictionary[] = {
	{"act", STRING, 63, NULL},
	{"cat", STRING, 1023, NULL},
	{"c6a1", IPV6, 45, "c6a1Label"},
	{"c6a2", IPV6, 45, "c6a2Label"},
	{"c6a3", IPV6, 45, "c6a3Label"},
	{"cn1", LONG_INTEGER, 20, "cn1Label"},
	{"cn2", LONG_INTEGER, 20, "cn2Label"},
	{"cs1", STRING, 4000, "cs1Label"},
	{"cs2", STRING, 4000, "cs2Label"},
	{"cs3", STRING, 4000, "cs3Label"},
	{"cs4", STRING, 4000, "cs4Label"},
	{"cs5", STRING, 4000, "cs5Label"},
	{"cs6", STRING, 4000, "cs6Label"},
	{"deviceCustomDate1", TIME, 20, "deviceCustomDate1Label"},
	{"deviceCustomDate2", TIME, 20, "deviceCustomDate2Label"},
	{"deviceExternalId", STRING, 255, NULL},
	{"deviceNtDomain", STRING, 255, NULL},
	{"dntdom", STRING, 255, NULL},
	{"dpt", INTEGER, 5, NULL},
	{"dst", IPV4, 15, NULL},
	{"duid", STRING, 1023, NULL},
	{"duser", STRING, 1023, NULL},
	{"dvc", IPV4, 15, NULL},
	{"dvchost", STRING, 100, NULL},
	{"dvcmac", MAC, 17, NULL},
	{"end", TIME, 20, NULL},
	{"externalId", STRING, 40, NULL},
	{"fileHash", STRING, 255, NULL},
	{"filePath", STRING, 1023, NULL},
	{"flexString1", STRING, 1023, "flexString1Label"},
	{"flexString2", STRING, 1023, "flexString2Label"},
	{"fname", STRING, 1023, NULL},
	{"fsize", INTEGER, 11, NULL},
	{"msg", STRING, 1023, NULL},
	{"outcome", STRING, 63, NULL},
	{"proto", STRING, 31, NULL},
	{"reason", STRING, 1023, NULL},
	{"request", STRING, 1023, NULL},
	{"requestClientApplication", STRING, 1023, NULL},
	{"rt", TIME, 20, NULL},
	{"shost", STRING, 1023, NULL},
	{"sntdom", STRING, 255, NULL},
	{"sourceServiceName", STRING, 1023, NULL},
	{"spid", INTEGER, 11, NULL},
	{"sproc", STRING, 1023, NULL},
	{"spt", INTEGER, 5, NULL},
	{"src", IPV4, 15, NULL},
	{"start", TIME, 20, NULL},
	{"suid", STRING, 1023, NULL},
	{"suser", STRING, 1023, NULL},
};

static int is_integer(const char *s, const char *limit)
{
	size_t n = strlen(s), m = strlen(limit);

	if (*s == '-')
		return is_integer(s + 1, limit);
	if (!n || strspn(s, "0123456789") != n || (n > 1 && *s == '0'))
		return 0;
	return n < m || (n == m && strcmp(s, limit) <= 0);
}

static int is_ipv4(const char *s)
{
	int parts = 0;

	for (;; s++) {
		char digits[8];
		size_t n = strspn(s, "0123456789");

		if (!n || n > 3 || (n > 1 && *s == '0'))
			return 0;
		memcpy(digits, s, n);
		digits[n] = 0;
		if (strtol(digits, NULL, 10) > 255)
			return 0;
		s += n;
		if (++parts == 4)
			return !*s;
		if (*s != '.')
			return 0;
	}
}

static int is_ipv6(const char *s)
{
	int groups = 0, gap = strstr(s, "::") != NULL;

	if (strspn(s, "0123456789abcdefABCDEF:.") != strlen(s) || !strchr(s, ':'))
		return 0;
	while (*s) {
		size_t n = strspn(s, "0123456789abcdefABCDEF");

		if (s[n] == '.')
			return is_ipv4(s) && (groups == 6 || (gap && groups < 6));
		if (n > 4)
			return 0;
		groups += n > 0;
		s += n;
		if (*s == ':')
			s++;
	}
	return groups == 8 || (gap && groups < 8);
}

int is_typed(const char *s, enum reader_type type)
{
	switch (type) {
	case STRING:
		return 1;
	case INTEGER:
		return is_integer(s, "2147483648");
	case LONG_INTEGER:
		return is_integer(s, "9223372036854775808");
	case TIME:
		return *s != '-' && is_integer(s, "9223372036854775807");
	case IPV4:
		return is_ipv4(s);
	case IPV6:
		return is_ipv6(s);
	case MAC:
		if (strlen(s) != 17)
			return 0;
		for (int i = 0; i < 17; i++)
			if (i % 3 == 2 ? s[i] != ':'
				       : !strchr("0123456789abcdef", s[i]))
				return 0;
		return 1;
	}
	return 0;
}

static int is_own_key(const char *key)
{
	const char *rest = NULL;

	if (!strncmp(key, "MicrosoftDefender", 17))
		rest = key + 17;
	else if (!strncmp(key, "Alertrelay", 10))
		rest = key + 10;
	return rest && *rest >= 'A' && *rest <= 'Z';
}

static int check_pair(struct cef_event *event, const struct cef_pair *pair)
{
	char label[64];

	if (!pair->n)
		return fail(event, "%s is empty", pair->key);
	if (is_own_key(pair->key))
		return 1;
	for (size_t i = 0; i < sizeof(dictionary) / sizeof(dictionary[0]); i++) {
		const struct entry *entry = &dictionary[i];

		if (entry->label && !strcmp(pair->key, entry->label)) {
			if (!cef_value(event, entry->key))
				return fail(event, "%s without its value", pair->key);
			return count_characters(pair->value) <= 128 ||
			       fail(event, "%s is too long", pair->key);
		}
		if (strcmp(pair->key, entry->key) != 0)
			continue;
		snprintf(label, sizeof(label), "%sLabel", entry->key);
		if (entry->label && !cef_value(event, label))
			return fail(event, "%s without its label", pair->key);
		if (count_characters(pair->value) > entry->max)
			return fail(event, "%s is too long", pair->key);
		if (!is_typed(pair->value, entry->type))
			return fail(event, "%s has a value of the wrong type: %.60s",
				pair->key, pair->value);
		return 1;
	}
	return fail(event, "%s is not in the dictionary", pair->key);
}

/* The header: five fields, the severity, seven pipes. Gives the place behind the last. */
static const char *read_header(struct cef_event *event, const char *p, const char *end)
{
	static const size_t limits[5] = {63, 63, 31, 1023, 512};

	if (end - p < 7 || memcmp(p, "CEF:", 4) != 0 || (p[4] != '0' && p[4] != '1') ||
		p[5] != '|') {
		fail(event, "does not begin with CEF:0|");
		return NULL;
	}
	event->version = p[4];
	p += 6;
	for (int i = 0; i < 5; i++) {
		char *to = store(event, (size_t)(end - p) + 1);

		event->header[i] = to;
		for (; p < end && *p != '|'; p++) {
			if (*p == '\\') {
				p++;
				if (p == end || (*p != '\\' && *p != '|')) {
					fail(event, "wrong escape in header field %d",
						i);
					return NULL;
				}
			}
			*to++ = *p;
		}
		*to++ = 0;
		if (p == end || !*event->header[i] ||
			count_characters(event->header[i]) > limits[i] ||
			event->header[i][0] == ' ' || to[-2] == ' ') {
			fail(event, "header field %d is empty, too long or not ended",
				i);
			return NULL;
		}
		p++;
	}
	if (strpbrk(event->header[3], "=%#|\\")) {
		fail(event, "class id with a character that some readers refuse");
		return NULL;
	}
	event->severity = 0;
	if (p < end && *p == '1' && p + 1 < end && p[1] == '0') {
		event->severity = 10;
		p += 2;
	} else if (p < end && *p >= '0' && *p <= '9') {
		event->severity = *p++ - '0';
	} else {
		fail(event, "severity is no integer of 0 to 10");
		return NULL;
	}
	if (p == end || *p != '|') {
		fail(event, "the seventh pipe is missing");
		return NULL;
	}
	return p + 1;
}

static int is_key_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

/* The next unescaped = from p on, or end; checks the escapes on the way. */
static const char *next_equals(struct cef_event *event, const char *p, const char *end)
{
	for (; p < end && *p != '='; p++) {
		if (*p != '\\')
			continue;
		p++;
		if (p == end || !strchr("\\=nr", *p)) {
			fail(event, "wrong escape in a value");
			return NULL;
		}
	}
	return p;
}

int cef_read(struct cef_event *event, const char *line, size_t n)
{
	const char *end = line + n, *p, *equals, *key;

	event->pair_count = 0;
	event->used = 0;
	event->error[0] = 0;
	if (!utf8_is_clean(line, n))
		return fail(event, "not clean UTF-8");
	p = read_header(event, line, end);
	if (!p)
		return 0;
	/* One space before the first key is what some readers need. */
	if (p < end && *p == ' ')
		p++;
	if (p == end)
		return 1;
	key = p;
	equals = p;
	while (equals < end && is_key_character(*equals))
		equals++;
	if (equals == key || equals == end || *equals != '=')
		return fail(event, "the extension does not begin with key=");
	while (equals < end) {
		const char *value = equals + 1, *stop, *next;
		struct cef_pair *pair = &event->pairs[event->pair_count];
		char *to;

		if (event->pair_count == CEF_READER_PAIRS)
			return fail(event, "too many pairs");
		to = store(event, (size_t)(equals - key) + 1);
		memcpy(to, key, (size_t)(equals - key));
		to[equals - key] = 0;
		pair->key = to;
		/* The value goes up to the space before the word that the next bare = ends. */
		next = next_equals(event, value, end);
		if (!next)
			return 0;
		stop = next;
		if (next < end) {
			while (stop > value && is_key_character(stop[-1]))
				stop--;
			key = stop;
			if (key == next || stop == value || stop[-1] != ' ')
				return fail(event, "an = without a key before it");
			stop--;
		}
		if (value < stop && (*value == ' ' || stop[-1] == ' '))
			return fail(event, "%s is not trimmed", pair->key);
		to = store(event, (size_t)(stop - value) + 1);
		pair->value = to;
		for (p = value; p < stop; p++) {
			if (*p == '\\')
				*to++ = *++p == 'n' ? '\n' : *p == 'r' ? '\r' : *p;
			else
				*to++ = *p;
		}
		*to = 0;
		pair->n = (size_t)(to - pair->value);
		event->pair_count++;
		equals = next;
	}
	for (size_t i = 0; i < event->pair_count; i++) {
		for (size_t k = 0; k < i; k++)
			if (!strcmp(event->pairs[i].key, event->pairs[k].key))
				return fail(event, "%s is there twice",
					event->pairs[i].key);
		if (!check_pair(event, &event->pairs[i]))
			return 0;
	}
	return 1;
}

const char *cef_value(const struct cef_event *event, const char *key)
{
	for (size_t i = 0; i < event->pair_count; i++)
		if (!strcmp(event->pairs[i].key, key))
			return event->pairs[i].value;
	return NULL;
}
