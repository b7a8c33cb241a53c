/* map.h - which JSON property fills which part of the alert: a table of paths, compiled to a tree.
 *
 * Purpose:  one table per source; one look-up per key while a page is parsed.
 * Owner:    alert_map_new() copies nothing of the rows: they must outlive the map. A map is read only
 *           once made and is shared by all parsers of its source.
 * Paths:    property names joined by '/' ("evidence/imageFile/fileName"; names hold dots). An array
 *           is looked through: its items have the path of the array itself; an array directly in
 *           an array has no path. A path may have both a target for scalars and paths below it.
 * Errors:   a row that makes no sense is RC_CONFIG. A path given twice: the later row counts. */
#ifndef ALERT_MAP_H
#define ALERT_MAP_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "formats/format.h"

enum alert_target {
	ALERT_NOTHING,
	/* Of the alert; arg is the offset of the member in struct fmt_alert. */
	ALERT_STRING,
	ALERT_TIME,
	ALERT_LIST,
	ALERT_RAW,	/* any value, as raw JSON */
	ALERT_SEVERITY, /* the text and its level; no arg */
	/* Each object here is a comment; arg below it is an offset in struct fmt_comment. */
	ALERT_COMMENT,
	COMMENT_STRING,
	COMMENT_TIME,
	/* Each object here is one piece of evidence. */
	ALERT_EVIDENCE,
	EVIDENCE_TYPE,
	EVIDENCE_CREATED,
	EVIDENCE_FIELD, /* arg is an enum fmt_field_id */
};

struct alert_row {
	const char *path;
	enum alert_target target;
	uint32_t arg;
};

/* What a field of one type of evidence means other than its path says; to may be FMT_FIELD_NONE,
 * which leaves it out. */
struct alert_fix {
	uint32_t from, to;
};

struct alert_type {
	const char *name;
	enum fmt_kind kind;
	const struct alert_fix *fixes; /* ends with from == FMT_FIELD_NONE; may be NULL */
};

#define ALERT_LISTS_MAX 8
#define ALERT_STRINGS_MAX 64

/* The rest of this file is for build.c, which looks up a node for every key. */
struct alert_node {
	const char *name;
	uint32_t length;
	enum alert_target target;
	uint32_t arg; /* of ALERT_LIST: the number of the list */
	uint32_t index;
	const struct alert_type *type;
	/* Children by a hash of their name; no slots = none. Free slots are NULL. */
	uint32_t factor, mask;
	const struct alert_node **slots;
};

struct alert_map {
	const char *source;
	const struct alert_node *root;
	const struct alert_node *types;
	size_t node_count;
	uint32_t lists[ALERT_LISTS_MAX]; /* offsets in struct fmt_alert */
	size_t list_count;
	uint32_t strings[ALERT_STRINGS_MAX]; /* offsets of all strings and raw slices */
	size_t string_count;
	struct alert_node *nodes;
};

/* The 48 types of evidence of Microsoft Graph; ends with name == NULL. */
extern const struct alert_type alert_types[];

/* source is the name put into fmt_alert.source. NULL when a row makes no sense. */
struct alert_map *alert_map_new(const char *source, const struct alert_row *rows,
	size_t count, struct error *err);
void alert_map_free(struct alert_map *map);

static inline uint32_t alert_hash(uint32_t factor, const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;
	uint32_t x = (uint32_t)u[0] | (uint32_t)u[n / 2] << 8 | (uint32_t)u[n - 1] << 16 |
		     (uint32_t)n << 24;

	x *= factor;
	return x >> 16;
}

/* memcmp() of the lengths that names have, without the call. */
static inline int alert_same(const char *a, const char *b, size_t n)
{
	uint64_t a0, a1, b0, b1;

	if (n >= 8) {
		if (n > 16 && memcmp(a + 8, b + 8, n - 16) != 0)
			return 0;
		memcpy(&a0, a, 8);
		memcpy(&b0, b, 8);
		memcpy(&a1, a + n - 8, 8);
		memcpy(&b1, b + n - 8, 8);
		return ((a0 ^ b0) | (a1 ^ b1)) == 0;
	}
	for (size_t i = 0; i < n; i++)
		if (a[i] != b[i])
			return 0;
	return 1;
}

/* The child with this name, or NULL. */
static inline const struct alert_node *alert_child(
	const struct alert_node *node, const char *name, size_t n)
{
	const struct alert_node *child;
	uint32_t slot;

	if (!n || !node->slots)
		return NULL;
	slot = alert_hash(node->factor, name, n) & node->mask;
	while ((child = node->slots[slot])) {
		if (child->length == n && alert_same(child->name, name, n))
			return child;
		slot = (slot + 1) & node->mask;
	}
	return NULL;
}

#endif
