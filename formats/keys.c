/* keys.c - the keys of CEF and LEEF: what each may hold. */
#include "keys.h"

#include <stdio.h>

#include "address.h"
#include "text.h"
#include "value.h"

#define CEF_KEY(key, full, type, max, label) {key, full, type, max, label, 0},
#define CEF_TAKEN(key) {key, "", KEY_TEXT, 0, 0, 1},
static const struct key cef[] = {
#include "keys.def"
};

#define LEEF_KEY(key, type, max) {key, "", type, max, 0, 0},
#define LEEF_TAKEN(key) {key, "", KEY_TEXT, 0, 0, 1},
static const struct key leef[] = {
#include "keys.def"
};

const struct key_table cef_keys = {"cef", cef, sizeof(cef) / sizeof(cef[0])};
const struct key_table leef_keys = {"leef", leef, sizeof(leef) / sizeof(leef[0])};

const struct key *key_find(const struct key_table *table, const char *name)
{
	for (size_t i = 0; i < table->count; i++)
		if (!strcmp(table->keys[i].name, name))
			return &table->keys[i];
	return NULL;
}

const struct key *key_of_full_name(const struct key_table *table, const char *name)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->keys[i].full_name[0] &&
			!strcmp(table->keys[i].full_name, name))
			return &table->keys[i];
	return NULL;
}

const char *key_type_name(enum key_type type)
{
	static const char *const names[] = {
		[KEY_TEXT] = "text",
		[KEY_INTEGER] = "a whole number of 32 bits",
		[KEY_LONG] = "a whole number of 64 bits",
		[KEY_COUNT] = "a whole number, not below 0",
		[KEY_PORT] = "a port from 0 to 65535",
		[KEY_FLOAT] = "a number",
		[KEY_TIME] = "a time, as 2026-01-05T09:00:00Z or in ms since 1970",
		[KEY_IPV4] = "an IPv4 address",
		[KEY_IPV6] = "an IPv6 address",
		[KEY_ADDRESS] = "an IP address",
		[KEY_MAC] = "a MAC address",
		[KEY_WORD] = "a word of letters, digits, - and _",
	};

	return names[type];
}

/* Digits without leading zeros, as JSON has them. */
static int is_whole(struct fmt_str s, uint64_t limit)
{
	size_t i = s.n && s.p[0] == '-';
	uint64_t n = 0;

	limit += i; /* two's complement holds one more */
	if (i == s.n || s.n > 20 || (s.p[i] == '0' && s.n > 1))
		return 0;
	for (; i < s.n; i++) {
		unsigned digit = (unsigned)(unsigned char)s.p[i] - '0';

		if (digit > 9 || n > (limit - digit) / 10)
			return 0;
		n = n * 10 + digit;
	}
	return 1;
}

static size_t digits(struct fmt_str s, size_t at)
{
	size_t n = 0;

	while (at + n < s.n && s.p[at + n] >= '0' && s.p[at + n] <= '9')
		n++;
	return n;
}

/* A number of JSON. */
static int is_float(struct fmt_str s)
{
	size_t at = s.n && s.p[0] == '-', n = digits(s, at);

	if (!n || (n > 1 && s.p[at] == '0') || s.n > 40)
		return 0;
	at += n;
	if (at < s.n && s.p[at] == '.') {
		n = digits(s, ++at);
		if (!n)
			return 0;
		at += n;
	}
	if (at < s.n && (s.p[at] == 'e' || s.p[at] == 'E')) {
		at++;
		if (at < s.n && (s.p[at] == '+' || s.p[at] == '-'))
			at++;
		n = digits(s, at);
		if (!n)
			return 0;
		at += n;
	}
	return at == s.n;
}

static int is_word(struct fmt_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			    (c >= 'a' && c <= 'z') || (i && (c == '-' || c == '_'))))
			return 0;
	}
	return s.n > 0 && s.n <= 31;
}

static struct fmt_str read_time(struct fmt_str s, char room[KEY_TYPED_ROOM])
{
	int64_t ticks;

	if (s.n == 13 && s.p[0] != '-' && is_whole(s, INT64_MAX))
		return s;
	ticks = value_time(s);
	if (ticks <= 0)
		return (struct fmt_str){NULL, 0};
	return (struct fmt_str){room, (size_t)snprintf(room, KEY_TYPED_ROOM, "%lld",
					      (long long)(ticks / FMT_TICKS_PER_MS))};
}

struct fmt_str key_value(
	enum key_type type, struct fmt_str s, char room[KEY_TYPED_ROOM])
{
	const struct fmt_str none = {NULL, 0};
	enum address_kind kind;

	s = text_trim(s);
	switch (type) {
	case KEY_TEXT:
		return s;
	case KEY_INTEGER:
		return is_whole(s, INT32_MAX) ? s : none;
	case KEY_LONG:
		return is_whole(s, INT64_MAX) ? s : none;
	case KEY_COUNT:
		return s.n && s.p[0] != '-' && is_whole(s, INT64_MAX) ? s : none;
	case KEY_PORT:
		return s.n && s.p[0] != '-' && is_whole(s, 65535) ? s : none;
	case KEY_FLOAT:
		return is_float(s) ? s : none;
	case KEY_TIME:
		return read_time(s, room);
	case KEY_MAC:
		return address_read_mac(s, room) ? text_str(room) : none;
	case KEY_WORD:
		return is_word(s) ? s : none;
	default:
		break;
	}
	kind = address_spell(&s, room);
	if (kind == ADDRESS_NONE || (type == KEY_IPV4 && kind != ADDRESS_IPV4) ||
		(type == KEY_IPV6 && kind != ADDRESS_IPV6))
		return none;
	return s;
}

_Static_assert(KEY_TYPED_ROOM >= ADDRESS_SIZE, "room for an address");
