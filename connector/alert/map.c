#include "config.h"

#include "alert/map.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/strbuf.h"

#define DEPTH_MAX 16
#define FACTORS 64
#define NODES_MAX 10000

struct node_link {
	uint32_t first, next, children;
};

/* While the tree is made its children are in lists; nodes are numbers, because the array moves. */
struct growing {
	struct alert_node *nodes;
	struct node_link *links;
	size_t count, room;
};

static uint32_t node_add(
	struct growing *g, const char *name, size_t length, uint32_t parent)
{
	uint32_t at = (uint32_t)g->count;

	if (g->count == g->room) {
		size_t room = g->room ? 2 * g->room : 512;
		struct alert_node *nodes = aligned_alloc(
			_Alignof(struct alert_node), room * sizeof(*nodes));

		if (!nodes)
			abort(); /* out of memory */
		if (g->count)
			memcpy(nodes, g->nodes, g->count * sizeof(*nodes));
		free(g->nodes);
		g->nodes = nodes;
		g->room = room;
		g->links = xrealloc(g->links, room * sizeof(*g->links));
	}
	memset(&g->nodes[at], 0, sizeof(g->nodes[at]));
	memset(&g->links[at], 0, sizeof(g->links[at]));
	memcpy(g->nodes[at].name, name, length);
	g->nodes[at].length = (uint8_t)length;
	g->count++;
	if (at == parent)
		return at;
	g->links[at].next = g->links[parent].first;
	g->links[parent].first = at;
	g->links[parent].children++;
	return at;
}

static uint32_t node_root(struct growing *g)
{
	return node_add(g, "", 0, (uint32_t)g->count);
}

/* Node 0 is a root, so it is nobody's child and 0 can mean none. */
static uint32_t child_find(
	struct growing *g, uint32_t parent, const char *name, size_t length)
{
	for (uint32_t at = g->links[parent].first; at; at = g->links[at].next)
		if (g->nodes[at].length == length &&
			!memcmp(g->nodes[at].name, name, length))
			return at;
	return 0;
}

static bool remember(uint32_t *offsets, size_t *count, size_t maximum, uint32_t offset)
{
	for (size_t i = 0; i < *count; i++)
		if (offsets[i] == offset)
			return true;
	if (*count == maximum)
		return false;
	offsets[(*count)++] = offset;
	return true;
}

static bool fits(uint32_t offset, size_t member, size_t whole)
{
	return offset % sizeof(void *) == 0 && member <= whole &&
	       offset <= whole - member;
}

static bool is_field(uint32_t id)
{
	return id > FMT_FIELD_NONE && id < FMT_FIELD_IDS;
}

/* `above` is the nearest target above that starts an item: evidence, comment, or nothing. */
static bool target_fits(
	struct alert_map *map, const struct alert_row *row, uint8_t above)
{
	const size_t alert = sizeof(struct fmt_alert),
		     comment = sizeof(struct fmt_comment);

	switch (row->target) {
	case ALERT_STRING:
	case ALERT_RAW:
	case ALERT_SPARE:
		return !above && fits(row->arg, sizeof(struct fmt_str), alert) &&
		       remember(map->strings, &map->string_count, ALERT_STRINGS_MAX,
			       row->arg);
	case ALERT_SEVERITY:
		return !above &&
		       remember(map->strings, &map->string_count, ALERT_STRINGS_MAX,
			       offsetof(struct fmt_alert, severity_text));
	case ALERT_TIME:
		return !above && fits(row->arg, sizeof(int64_t), alert);
	case ALERT_LIST:
		return !above && fits(row->arg, sizeof(struct fmt_list), alert) &&
		       remember(
			       map->lists, &map->list_count, ALERT_LISTS_MAX, row->arg);
	case ALERT_COMMENT:
		return !above;
	case ALERT_EVIDENCE:
		return !above && row->arg < FMT_KINDS;
	case ALERT_PART:
		return !above && row->arg < map->table->parts;
	case ALERT_NESTED:
		return map->table->nested && !strchr(row->path, '/');
	case FLAT_FIELD:
	case FLAT_LIST:
		return !above && row->arg >> 16 < map->table->flat_count &&
		       is_field(row->arg & UINT16_MAX);
	case COMMENT_STRING:
		return above == ALERT_COMMENT &&
		       fits(row->arg, sizeof(struct fmt_str), comment);
	case COMMENT_TIME:
		return above == ALERT_COMMENT &&
		       fits(row->arg, sizeof(int64_t), comment);
	case EVIDENCE_TYPE:
	case EVIDENCE_CREATED:
		return above == ALERT_EVIDENCE;
	case EVIDENCE_FIELD:
		return above == ALERT_EVIDENCE && is_field(row->arg);
	case ALERT_NOTHING:
		return true;
	}
	return false;
}

static enum rc row_add(struct alert_map *map, struct growing *g,
	const struct alert_row *row, struct error *err)
{
	uint8_t above = ALERT_NOTHING;
	const char *name = row->path;
	uint32_t at = 0;

	for (int depth = 0;; depth++) {
		size_t length = strcspn(name, "/");
		uint32_t child;

		if (!length || length > ALERT_NAME_MAX || depth == DEPTH_MAX ||
			g->count == NODES_MAX)
			return error_set(err, RC_CONFIG,
				"path \"%s\": at most %d names of at most %d octets, "
				"joined by '/', are needed",
				row->path, DEPTH_MAX, ALERT_NAME_MAX);
		if (g->nodes[at].target == ALERT_EVIDENCE ||
			g->nodes[at].target == ALERT_COMMENT)
			above = g->nodes[at].target;
		child = child_find(g, at, name, length);
		at = child ? child : node_add(g, name, length, at);
		if (!name[length])
			break;
		name += length + 1;
	}
	if (!target_fits(map, row, above))
		return error_set(err, RC_CONFIG,
			"path \"%s\": target %d with argument %u cannot be filled "
			"there",
			row->path, (int)row->target, (unsigned)row->arg);
	g->nodes[at].target = (uint8_t)row->target;
	g->nodes[at].arg = row->arg;
	if (row->target == ALERT_SEVERITY)
		g->nodes[at].arg = offsetof(struct fmt_alert, severity_text);
	for (size_t i = 0; row->target == ALERT_LIST && i < map->list_count; i++)
		if (map->lists[i] == row->arg)
			g->nodes[at].arg = (uint32_t)i;
	return RC_OK;
}

/* How many children do not get their first slot. */
static unsigned slots_fill(
	struct growing *g, uint32_t at, uint32_t factor, uint16_t *slots)
{
	struct alert_node *node = &g->nodes[at];
	unsigned collisions = 0;

	node->factor = factor;
	memset(slots, 0, (node->mask + 1u) * sizeof(*slots));
	for (uint32_t c = g->links[at].first; c; c = g->links[c].next) {
		uint32_t slot =
			alert_hash(factor, g->nodes[c].name, g->nodes[c].length) &
			node->mask;

		for (; slots[slot]; slot = (slot + 1) & node->mask)
			collisions++;
		slots[slot] = (uint16_t)c;
	}
	return collisions;
}

static size_t slots_room(const struct growing *g, uint32_t at)
{
	size_t room = 2;

	if (!g->links[at].children)
		return 0;
	while (room < 3 * g->links[at].children)
		room *= 2;
	return room;
}

static void slots_make(struct growing *g, uint32_t at, size_t room, uint16_t *slots)
{
	struct alert_node *node = &g->nodes[at];
	uint32_t best = 1, factor = 2654435761u;
	unsigned fewest = UINT32_MAX;

	node->mask = (uint16_t)(room - 1);
	node->slots = slots;
	for (int i = 0; i < FACTORS && fewest; i++) {
		unsigned collisions = slots_fill(g, at, factor, slots);

		if (collisions < fewest) {
			fewest = collisions;
			best = factor;
		}
		factor = (factor * 1664525u + 1013904223u) | 1;
	}
	(void)slots_fill(g, at, best, slots);
}

/* The rows were read; from here on the nodes stay where they are. */
static void map_compile(struct alert_map *map, struct growing *g)
{
	size_t slot_count = 0;
	uint16_t *slots;

	for (uint32_t i = 0; i < g->count; i++)
		slot_count += slots_room(g, i);
	slots = xcalloc(slot_count, sizeof(*slots));
	map->memory[1] = slots;
	for (uint32_t i = 0; i < g->count; i++) {
		size_t room = slots_room(g, i);

		if (room)
			slots_make(g, i, room, slots);
		slots += room;
	}
}

/* What the rows cannot say. */
static enum rc table_check(const struct alert_table *table, struct error *err)
{
	size_t nested = 0, evidence = 0, late = 0;

	for (size_t i = 0; i < table->row_count; i++) {
		nested += table->rows[i].target == ALERT_NESTED;
		evidence += table->rows[i].target == ALERT_EVIDENCE;
		late += table->rows[i].target == ALERT_SPARE ||
			table->rows[i].target == ALERT_PART ||
			table->rows[i].target == FLAT_FIELD ||
			table->rows[i].target == FLAT_LIST;
	}
	if (table->parts > ALERT_PARTS_MAX || table->flat_count > ALERT_FLAT_MAX ||
		evidence > ALERT_EVIDENCE_PATHS || late > ALERT_LATE_MAX ||
		nested != !!table->nested || (table->nested && table->nested->nested) ||
		(table->id_from && !fits(table->id_from, sizeof(struct fmt_str),
					   sizeof(struct fmt_alert))))
		return error_set(err, RC_CONFIG,
			"a table has at most %d parts of an id, %d pieces of flat "
			"evidence, %d lists of evidence, %d flat, spare and part rows, "
			"and one list of nested alerts, which hold no others",
			ALERT_PARTS_MAX, ALERT_FLAT_MAX, ALERT_EVIDENCE_PATHS,
			ALERT_LATE_MAX);
	return RC_OK;
}

struct alert_map *alert_map_new(
	const char *source, const struct alert_table *table, struct error *err)
{
	struct alert_map *map = xcalloc(1, sizeof(*map));
	struct growing g = {NULL, NULL, 0, 0};
	uint32_t types;
	enum rc rc = table_check(table, err);

	map->source = source;
	map->table = table;
	(void)node_root(&g);
	for (size_t i = 0; i < table->row_count && rc == RC_OK; i++)
		rc = row_add(map, &g, &table->rows[i], err);
	types = node_root(&g);
	for (uint32_t i = 0; alert_types[i].name; i++) {
		const char *name = alert_types[i].name;
		uint32_t at = node_add(&g, name, strlen(name), types);

		g.nodes[at].arg = i;
	}
	map->memory[0] = g.nodes;
	map->nodes = g.nodes;
	map->node_count = g.count;
	map->types = &g.nodes[types];
	map_compile(map, &g);
	free(g.links);
	if (rc == RC_OK && table->nested) {
		map->nested = alert_map_new(source, table->nested, err);
		if (!map->nested)
			rc = err ? err->code : RC_CONFIG;
	}
	if (rc != RC_OK) {
		alert_map_free(map);
		return NULL;
	}
	return map;
}

const struct alert_node *alert_child(const struct alert_map *map,
	const struct alert_node *node, const char *name, size_t n)
{
	char copy[ALERT_NAME_MAX] = {0};

	if (!n || n > sizeof(copy) || !node->slots)
		return NULL;
	memcpy(copy, name, n);
	return alert_find(map, node, copy, n);
}

void alert_map_free(struct alert_map *map)
{
	if (!map)
		return;
	alert_map_free(map->nested);
	for (size_t i = 0; i < sizeof(map->memory) / sizeof(map->memory[0]); i++)
		free(map->memory[i]);
	free(map);
}
