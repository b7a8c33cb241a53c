/* build.h - JSON events in, one struct fmt_alert out; no tree between.
 *
 * Purpose:  follows the events of one alert's object through the table of paths (map.h).
 * Owner:    strings without escapes are not copied: they point into the text that is being parsed.
 *           Whoever moves or drops that text says so with alert_build_moved(). The others are in
 *           the builder's arena. The finished alert is valid until the next alert_build_begin().
 * Bounds:   struct alert_limits; what is over stays in the raw text only and is counted as shed.
 * Values:   a scalar of another type than expected is kept as its text (numbers with all their
 *           digits, "true", "false"); an object or array where a scalar is expected is left out,
 *           except that evidence takes an array of scalars as one field per item. null and ""
 *           are absent. Of a repeated key the last value counts. What is not in the table is in
 *           the raw text.
 * Errors:   RC_LIMIT only, as false: the copied strings are over the maximum. */
#ifndef ALERT_BUILD_H
#define ALERT_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alert/map.h"
#include "base/arena.h"
#include "formats/format.h"

struct alert_limits {
	size_t evidence, fields, list_items, comments; /* of one alert */
};

/* What is open around the current event. */
struct alert_frame {
	const struct alert_node *node;
	uint32_t serial; /* of the last key before this object */
	bool array;
	bool evidence; /* in or below a piece of evidence */
};

/* Where a key came last, to notice when it comes again in the same object: the number of the key,
 * and the first of the fields that its value gave. */
struct alert_mark {
	uint32_t serial, first;
};

/* A value that is given its place at the alert's end. */
struct alert_late {
	const struct alert_node *node; /* NULL: its key came again */
	struct fmt_str value;
};

/* The pieces of evidence that one key gave. */
struct alert_span {
	const struct alert_node *node;
	size_t first;
};

struct alert_list {
	size_t first, count;
};

struct alert_builder {
	const struct alert_map *map;
	/* Gives the end of the token of the current event within the text. */
	const char *(*position)(void *context);
	void *context;
	/* The text being parsed now. */
	const char *text;
	size_t text_n;

	struct fmt_alert alert;
	struct arena arena;
	struct alert_limits limits;
	struct alert_frame *frames,
		*frame; /* all, and that of the innermost container */
	size_t depth_max;
	size_t skip; /* this many containers are open that no path leads into */
	const struct alert_node
		*next; /* of the value that comes; NULL: no path leads there */
	const char *raw_from; /* end of that key, when its value is kept as raw text */
	const struct alert_node *raw_node;
	/* The value of ALERT_NESTED as it came, and the end of its key. */
	struct fmt_str nested;
	const char *nested_key;
	struct alert_mark *marks; /* by node */
	uint32_t serial; /* of the last key */
	bool taken_back; /* there are fields that a repeated key made void */
	struct alert_list lists[ALERT_LISTS_MAX];
	struct alert_span spans[ALERT_EVIDENCE_PATHS];
	size_t span_count;
	struct alert_late late[ALERT_LATE_MAX]; /* one for each path at most */
	size_t late_count;
	char time_text[32]; /* the time read last, and what it means */
	size_t time_n;
	int64_t time;

	struct fmt_evidence *evidence;
	size_t evidence_room;
	const struct alert_type *type; /* of the evidence being read, or NULL */
	struct fmt_field *fields;
	size_t field_count, field_room;
	size_t item_first; /* field of the evidence being read */
	struct fmt_str *items;
	size_t item_count, item_room;
	struct fmt_comment *comments;
	size_t comment_room;
	size_t matched; /* values that the table knows */
	uint64_t shed; /* values over the limits, never reset */
};

enum alert_scalar {
	ALERT_SCALAR_NULL,
	ALERT_SCALAR_BOOL,
	ALERT_SCALAR_NUMBER,
	ALERT_SCALAR_TEXT
};

/* The caller refuses deeper nesting than depth_max itself. */
void alert_build_init(struct alert_builder *b, const struct alert_map *map,
	const struct alert_limits *limits, size_t depth_max, size_t arena_max);
void alert_build_clear(struct alert_builder *b);
/* Gives back what an unusually large alert needed. */
void alert_build_shrink(struct alert_builder *b);

/* `at` is the '{' of the alert, within the text. */
void alert_build_begin(struct alert_builder *b, const char *at);
NODISCARD bool alert_build_scalar(
	struct alert_builder *b, enum alert_scalar type, const char *p, size_t n);
/* A key, and a scalar that is a string, as yajl gives them, with the builder as context: most of the
 * events of a page go here without a call between. 0: over the maximum. */
int alert_build_key(void *builder, const unsigned char *p, size_t n);
int alert_build_text(void *builder, const unsigned char *p, size_t n);
void alert_build_open(struct alert_builder *b, bool array);
void alert_build_close(struct alert_builder *b);
/* After the alert's own '}', which is not given to alert_build_close(). NULL: over the maximum. The
 * text of nested alerts is in b->nested then, and not in the alert's raw text. */
struct fmt_alert *alert_build_end(struct alert_builder *b);

/* The text at [from, from + n) is at `to` now. */
void alert_build_moved(
	struct alert_builder *b, const char *from, size_t n, const char *to);

#endif
