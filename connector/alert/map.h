/* map.h - which JSON property fills which part of the alert: a table of paths, compiled to a tree.
 *
 * Purpose:  one table per source; one look-up per key while a page is parsed.
 * Owner:    alert_map_new() copies nothing of the table: it must outlive the map. A map is read only
 *           once made and is shared by all parsers of its source.
 * Paths:    property names joined by '/' ("evidence/imageFile/fileName"; names hold dots). An array
 *           is looked through: its items have the path of the array itself; an array directly in
 *           an array has no path. A path may have both a target for scalars and paths below it.
 *           Several paths may lead to evidence: the pieces of all of them are the alert's.
 * Flat:     some answers name the device or the account in the alert itself. Such values are put
 *           together at the alert's end as evidence behind the rest (enum alert_target, FLAT_*).
 * Nested:   an incident brings its alerts along; they are alerts of a table of their own, and the
 *           incident's raw text is as if they had not been asked for.
 * Errors:   a row that makes no sense is RC_CONFIG. A path given twice: the later row counts. */
#ifndef ALERT_MAP_H
#define ALERT_MAP_H

#include <stdbool.h>
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
	ALERT_RAW, /* any value, as raw JSON */
	ALERT_SEVERITY, /* the text and its level; no arg */
	ALERT_SPARE, /* for ALERT_STRING's member when nothing else has filled it in the end */
	ALERT_PART, /* arg 0, 1 ...: of the id of an alert without one, see alert_table.parts */
	ALERT_NESTED, /* a list of alerts; at the top, once in a table */
	/* A field of evidence that the alert itself holds; arg is made by FLAT(). */
	FLAT_FIELD,
	FLAT_LIST, /* a field for each text between ',' or ';' */
	/* Each object here is a comment; arg below it is an offset in struct fmt_comment. */
	ALERT_COMMENT,
	COMMENT_STRING,
	COMMENT_TIME,
	/* Each object here is one piece of evidence. */
	ALERT_EVIDENCE, /* arg: enum fmt_kind of those whose type is not said */
	EVIDENCE_TYPE,
	EVIDENCE_CREATED,
	EVIDENCE_FIELD, /* arg is an enum fmt_field_id */
};

struct alert_row {
	const char *path;
	enum alert_target target;
	uint32_t arg;
};

/* The piece of evidence `at` in alert_table.flat, and the field in it. */
#define FLAT(at, field) ((uint32_t)(at) << 16 | (uint32_t)(field))

/* Evidence that is made of members of the alert: no type, no text of its own. */
struct alert_flat {
	enum fmt_kind kind;
};

#define ALERT_PARTS_MAX 4
#define ALERT_FLAT_MAX 8
#define ALERT_LATE_MAX                                                                 \
	64 /* rows of ALERT_SPARE, ALERT_PART, FLAT_FIELD and FLAT_LIST */
#define ALERT_EVIDENCE_PATHS 4

/* All about the objects of one list. */
struct alert_table {
	const char *kind; /* fmt_alert.kind; NULL: "alert" */
	const struct alert_row *rows;
	size_t row_count;
	const char *id_prefix; /* before each id; NULL: none */
	/* The id of those without one: the string at this offset of struct fmt_alert and so many
	 * parts, joined by ':'. When one of them is missing too, it is made from the raw text. */
	uint32_t id_from;
	unsigned parts;
	const char *service_source; /* of those that name none; NULL: stays empty */
	const struct alert_flat *flat; /* evidence made of flat fields, in this order */
	size_t flat_count;
	const struct alert_table *nested; /* of the items of ALERT_NESTED */
};

/* What a field of one type of evidence means other than its path says; to may be FMT_FIELD_NONE,
 * which leaves it out. */
struct alert_fix {
	uint32_t from, to;
};

struct alert_type {
	const char *name;
	enum fmt_kind kind;
	/* Ends with from == FMT_FIELD_NONE; may be NULL. */
	const struct alert_fix *fixes;
};

#define ALERT_LISTS_MAX 8
#define ALERT_STRINGS_MAX 64

/* The rest of this file is for build.c, which looks up a node for every key: one cache line each.
 * Names longer than this cannot be in a table. */
#define ALERT_NAME_MAX 32

struct alert_node {
	_Alignas(64) char name[ALERT_NAME_MAX]; /* zeros after it */
	/* Children by a hash of their name; 0 = free; NULL = no children. */
	const uint16_t *slots;
	uint32_t factor;
	uint32_t arg; /* of ALERT_LIST: the number of the list; of a type: its row */
	uint16_t mask;
	uint8_t length;
	uint8_t target; /* enum alert_target */
};

struct alert_map {
	const char *source;
	const struct alert_table *table;
	struct alert_map *nested; /* of table->nested, or NULL */
	const struct alert_node *nodes; /* the first one is the root */
	size_t node_count;
	const struct alert_node *types;
	uint32_t lists[ALERT_LISTS_MAX]; /* offsets in struct fmt_alert */
	size_t list_count;
	uint32_t strings[ALERT_STRINGS_MAX]; /* offsets of all strings and raw slices */
	size_t string_count;
	void *memory[2];
};

/* The 48 types of evidence of Microsoft Graph, and those of the other APIs; ends with name == NULL. */
extern const struct alert_type alert_types[];

/* source is the name put into fmt_alert.source. NULL when a row makes no sense. */
struct alert_map *alert_map_new(
	const char *source, const struct alert_table *table, struct error *err);
void alert_map_free(struct alert_map *map);

static inline uint32_t alert_hash(uint32_t factor, const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;
	uint32_t x = (uint32_t)u[0] | (uint32_t)u[n / 2] << 8 |
		     (uint32_t)u[n - 1] << 16 | (uint32_t)n << 24;

	x *= factor;
	return x >> 16;
}

typedef uint64_t alert_block __attribute__((vector_size(16)));

static inline alert_block alert_load(const void *p)
{
	alert_block x;

	memcpy(&x, p, sizeof(x));
	return x;
}

/* Is the text at p, of which 32 octets may be read, this name of n octets, at most 32? All 32 are
 * compared at once: a branch on the length would be guessed wrong too often. */
static inline bool alert_is(const struct alert_node *node, const char *p, size_t n)
{
	static const unsigned char masks[64] = {255, 255, 255, 255, 255, 255, 255, 255,
		255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
		255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
	const unsigned char *mask = masks + ALERT_NAME_MAX - n;
	alert_block differ =
		(alert_load(node->name) ^ (alert_load(p) & alert_load(mask))) |
		(alert_load(node->name + 16) ^
			(alert_load(p + 16) & alert_load(mask + 16)));

	return (differ[0] | differ[1] | (node->length ^ n)) == 0;
}

/* The child with this name, or NULL; 1 to ALERT_NAME_MAX octets, of which all these may be read. */
static inline const struct alert_node *alert_find(const struct alert_map *map,
	const struct alert_node *node, const char *name, size_t n)
{
	uint32_t slot = alert_hash(node->factor, name, n) & node->mask;
	uint16_t at;

	while ((at = node->slots[slot])) {
		const struct alert_node *child = &map->nodes[at];

		if (alert_is(child, name, n))
			return child;
		slot = (slot + 1) & node->mask;
	}
	return NULL;
}

/* The same for any text. */
const struct alert_node *alert_child(const struct alert_map *map,
	const struct alert_node *node, const char *name, size_t n);

#endif
