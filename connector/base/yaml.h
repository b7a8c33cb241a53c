/* yaml.h - a YAML file as a tree of texts with lines.
 *
 * Purpose:  libyaml's events to nodes. Every scalar stays text: what it means is for the table of
 *           options to say, so `no` and `5m` are safe.
 * Refused:  anchors and aliases (they hide what a value is, and can be bombs), tags, several
 *           documents, keys that are not text, repeated keys, NUL in a text.
 * Bounds:   YAML_FILE_MAXIMUM octets, YAML_DEPTH_MAXIMUM levels, YAML_NODES_MAXIMUM nodes.
 * Owner:    nodes and texts live in the struct until yaml_reset() or yaml_clear().
 * Tests:    unit/test_values.c */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

#define YAML_FILE_MAXIMUM 16777216
#define YAML_DEPTH_MAXIMUM 16
#define YAML_NODES_MAXIMUM 1000000

enum yaml_kind { YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml_node {
	enum yaml_kind kind;
	int line; /* 1-based; of the value */
	bool plain; /* a text without quotes */
	const char *key; /* terminated; NULL outside a map */
	int key_line;
	const char *text; /* terminated; NULL for lists and maps */
	struct yaml_node *first; /* members of a list or map */
	struct yaml_node *next;
};

struct yaml {
	struct arena arena;
	struct yaml_node *root; /* NULL: the file has nothing in it */
};

/* Called for each thing wrong; the text is one sentence without file and line. */
struct yaml_report {
	void (*wrong)(struct yaml_report *report, int line, const char *text);
};

void yaml_init(struct yaml *yaml);
/* Forgets the tree and keeps the memory for the next file. */
void yaml_reset(struct yaml *yaml);
void yaml_clear(struct yaml *yaml);

/* False when the text could not be read to its end, for its syntax or its size; root is then worth
 * nothing. What is only refused (a repeated key, an anchor) is reported and read on from. */
bool yaml_parse(struct yaml *yaml, const char *p, size_t n, struct yaml_report *report);
/* The same from a regular file. */
bool yaml_load(struct yaml *yaml, const char *path, struct yaml_report *report);

/* The member of a map, or NULL. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

/* A plain scalar with nothing in it, as in `feeds:`: nothing was said. */
bool yaml_is_nothing(const struct yaml_node *node);

#endif
