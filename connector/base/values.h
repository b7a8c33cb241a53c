/* values.h - texts to typed values, each failure with what would be right.
 *
 * Purpose:  the scalars of the configuration and of the command line.
 * Errors:   RC_CONFIG; the sentence quotes the text, and says what would be right.
 * Units:    durations in ms, sizes in octets.   Tests: unit/test_values.c */
#ifndef BASE_VALUES_H
#define BASE_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* "500ms", "30s", "5m", "12h", "7d", "0". */
NODISCARD enum rc value_duration(const char *text, int64_t *ms, struct error *err);
/* "2026-01-05T09:00:00Z" (RFC 3339), or a duration back from now; in ticks. */
NODISCARD enum rc value_moment(
	const char *text, int64_t now, int64_t *ticks, struct error *err);
/* "512", "64K", "2M", "1G": powers of 1024. */
NODISCARD enum rc value_size(const char *text, size_t *octets, struct error *err);
/* yes no true false on off, in any case. */
NODISCARD enum rc value_bool(const char *text, bool *value, struct error *err);
NODISCARD enum rc value_integer(
	const char *text, int64_t min, int64_t max, int64_t *value, struct error *err);
/* The place of text in choices, "tcp|tls|file". */
NODISCARD enum rc value_choice(
	const char *text, const char *choices, int *index, struct error *err);

#define VALUE_GUID 37
/* Any case in, lower case out. */
NODISCARD enum rc value_guid(const char *text, char out[VALUE_GUID], struct error *err);
#define VALUE_TENANT_ID 254
/* A GUID or a domain name with a dot; lower case out. */
NODISCARD enum rc value_tenant_id(
	const char *text, char out[VALUE_TENANT_ID], struct error *err);

/* "host:port", "192.0.2.1:514", "[2001:db8::1]:6514". */
NODISCARD enum rc value_address(const char *text, struct error *err);
/* "https://host[:port][/path]", no query; http:// for loopback only. *n is its length without
 * slashes at the end. */
NODISCARD enum rc value_root(const char *text, size_t *n, struct error *err);
/* "[http://]host:port", "https://...", "socks5://...", "socks5h://..."; no password in it. */
NODISCARD enum rc value_proxy(const char *text, struct error *err);

#define VALUE_NAME_MAXIMUM 63
/* 1-63 of letters, digits and . _ - */
NODISCARD enum rc value_name(const char *text, struct error *err);

/* Of `count` names the one that text was probably meant to be, or NULL. */
const char *value_nearest(const char *text, const char *const *names, size_t count);
/* RC_CONFIG with `"x" is no WHAT; did you mean y?`, or with all the names that there are. */
enum rc value_unknown(const char *text, const char *what, const char *const *names,
	size_t count, struct error *err);

#endif
