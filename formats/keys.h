/* keys.h - the keys of CEF and LEEF: what each may hold.
 *
 * Purpose:  a field map writes keys of a dictionary, or keys of its own; both are known here.
 * Owner:    tables are constant.   Source: keys.def.   Tests: unit/test_fields.c */
#ifndef ALERTRELAY_FORMAT_KEYS_H
#define ALERTRELAY_FORMAT_KEYS_H

#include "format.h"

enum key_type {
	KEY_TEXT,
	KEY_INTEGER, /* 32 bits */
	KEY_LONG, /* 64 bits */
	KEY_COUNT, /* 64 bits, not below 0 */
	KEY_PORT,
	KEY_FLOAT,
	KEY_TIME, /* milliseconds since 1970 */
	KEY_IPV4,
	KEY_IPV6,
	KEY_ADDRESS, /* either */
	KEY_MAC,
	KEY_WORD, /* letters, digits, - and _ */
};

struct key {
	const char *name;
	const char *full_name; /* which is no key; or "" */
	enum key_type type;
	unsigned max; /* characters */
	int has_label;
	int is_taken; /* nobody but the reader may write it */
};

struct key_table {
	const char *format;
	const struct key *keys;
	size_t count;
};

extern const struct key_table cef_keys, leef_keys;

#define KEY_OWN_MAX                                                                    \
	1023u /* characters of the value of a key that is in no dictionary */
#define KEY_NAME_MAX 40u /* octets */
#define KEY_LABEL_MAX 64u

const struct key *key_find(const struct key_table *table, const char *name);
/* The key with this full name, or NULL. */
const struct key *key_of_full_name(const struct key_table *table, const char *name);

/* "an IPv4 address" */
const char *key_type_name(enum key_type type);

/* The text of a value as the type wants it, trimmed; in `room` if it must be written anew. Empty when
 * it does not fit the type. */
#define KEY_TYPED_ROOM 48
struct fmt_str key_value(
	enum key_type type, struct fmt_str s, char room[KEY_TYPED_ROOM]);

#endif
