/* page_parser.h - the octets of a page in, complete alerts out, one at a time.
 *
 * Purpose:  pulls alerts out of an answer while it arrives. No tree, no I/O, no clock.
 * Owner:    the parser owns the alert it hands on; alert and strings are valid until the callback
 *           returns. Some strings point into the octets being fed, so nothing is copied that need
 *           not be.
 * Bounds:   struct page_limits. Beside the alert being read nothing is kept; at rest a parser holds
 *           less than 64 KB. yajl has no limit for depth or length of its own, so it gets its input
 *           in slices and is stopped between them.
 * Errors:   RC_PROTO: cut, not JSON, no list, and so on; RC_LIMIT: over one of the limits. The
 *           sentence gives the offset in octets. After an error the alerts handed on before it stay
 *           good; every further call gives the same error until page_parser_start().
 * Nested:   the alerts of an incident are handed on after it, each as one of its own that names the
 *           incident. Their limits are those of any alert; the whole has record_bytes.
 * Rules:    property order does not matter; unknown properties are passed over (in an alert they
 *           stay in its raw text); a byte order mark at the start is passed over; octets that are
 *           not UTF-8 are kept as they are. A list given twice in one answer is read twice.
 * Source:   RFC 8259; facts 2 and 2.4.   Tests: unit/test_page_parser.c, fuzz/fuzz_page.c */
#ifndef FETCH_PAGE_PARSER_H
#define FETCH_PAGE_PARSER_H

#include <stddef.h>
#include <stdint.h>

#include "alert/build.h"
#include "alert/map.h"
#include "base/error.h"
#include "formats/format.h"

enum page_mode {
	PAGE_ANSWER, /* one answer of the API: an object that holds the list, or just the list */
	PAGE_ALERTS, /* alert objects one after another (JSON lines) */
	PAGE_FILE, /* finds out by itself: answers, lists and alerts, one after another */
};

struct page_limits {
	size_t depth;
	size_t alert_bytes; /* the text of one alert */
	size_t record_bytes; /* of an incident with its alerts, which is read whole first */
	size_t token_bytes; /* one string, number or run of blanks, of incidents or outside alerts */
	struct alert_limits alert;
};

extern const struct page_limits page_limits_default;

/* Takes a complete alert (customer, customer_name, version are empty). RC_OK goes on; anything else
 * ends the parsing with that code. */
typedef enum rc page_alert_fn(void *context, struct fmt_alert *alert);

struct page_parser;

/* list_key: the property that holds the list, NULL when the answer itself is the list. map, list_key
 * outlive the parser; limits NULL: the default. */
struct page_parser *page_parser_new(const struct alert_map *map, const char *list_key,
	const struct page_limits *limits);
void page_parser_free(struct page_parser *p);

/* Begins a new answer or file, whatever happened before. */
void page_parser_start(struct page_parser *p, enum page_mode mode, page_alert_fn *alert,
	void *context);
NODISCARD enum rc page_parser_feed(
	struct page_parser *p, const char *bytes, size_t n, struct error *err);
/* The octets end here. */
NODISCARD enum rc page_parser_finish(struct page_parser *p, struct error *err);

/* The next link of the answer, or "". Decoded, terminated, without NUL octets; valid until the next
 * page_parser_start(). Only to be followed after page_parser_finish() was RC_OK. */
const char *page_parser_next_link(const struct page_parser *p);

struct page_parser_counts {
	uint64_t bytes, alerts;
	uint64_t
		shed; /* values left out of alerts by the limits; they are in the raw text */
};

/* Of everything since page_parser_new(). */
void page_parser_counts(const struct page_parser *p, struct page_parser_counts *counts);

#endif
