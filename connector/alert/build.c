#include "config.h"

#include "alert/build.h"

#include <stdlib.h>

#include "alert/alert.h"
#include "base/clock.h"
#include "base/strbuf.h"

#define KEEP_FIELDS 512
#define KEEP_ITEMS 128
#define KEEP_EVIDENCE 64
#define KEEP_COMMENTS 16
#define KEEP_ARENA 65536

#define MEMBER(base, type, offset) ((type *)(void *)((char *)(base) + (offset)))

static bool more_room(size_t *room, size_t count, size_t first, size_t maximum)
{
	if (count >= maximum)
		return false;
	*room = *room ? 2 * *room : first;
	if (*room > maximum)
		*room = maximum;
	return true;
}

/* Room for one more item, or false at the maximum. */
#define GROW(items, room, count, first, maximum)                                       \
	((count) < (room) || (more_room(&(room), (count), (first), (maximum)) &&       \
				     ((items) = xrealloc((items),                      \
					      (room) * sizeof(*(items)))) != NULL))

void alert_build_init(struct alert_builder *b, const struct alert_map *map,
	const struct alert_limits *limits, size_t depth_max, size_t arena_max)
{
	*b = (struct alert_builder){
		.map = map, .limits = *limits, .depth_max = depth_max};
	arena_init(&b->arena, arena_max);
	b->frames = xcalloc(depth_max + 1, sizeof(*b->frames));
	b->marks = xcalloc(map->node_count, sizeof(*b->marks));
}

static void vectors_free(struct alert_builder *b)
{
	free(b->evidence);
	free(b->fields);
	free(b->items);
	free(b->comments);
	b->evidence = NULL;
	b->fields = NULL;
	b->items = NULL;
	b->comments = NULL;
	b->evidence_room = b->field_room = b->item_room = b->comment_room = 0;
}

void alert_build_clear(struct alert_builder *b)
{
	arena_clear(&b->arena);
	vectors_free(b);
	free(b->frames);
	free(b->marks);
	b->frames = NULL;
	b->marks = NULL;
}

void alert_build_shrink(struct alert_builder *b)
{
	arena_reset(&b->arena);
	if (b->arena.block && (size_t)(b->arena.end - b->arena.next) > KEEP_ARENA)
		arena_clear(&b->arena);
	if (b->evidence_room > KEEP_EVIDENCE || b->field_room > KEEP_FIELDS ||
		b->item_room > KEEP_ITEMS || b->comment_room > KEEP_COMMENTS)
		vectors_free(b);
}

void alert_build_begin(struct alert_builder *b, const char *at)
{
	arena_reset(&b->arena);
	memset(&b->alert, 0, sizeof(b->alert));
	b->alert.struct_size = sizeof(b->alert);
	b->alert.source = b->map->source;
	b->alert.kind = b->map->table->kind ? b->map->table->kind : "alert";
	b->alert.created = b->alert.updated = b->alert.resolved = FMT_NO_TIME;
	b->alert.first_activity = b->alert.last_activity = FMT_NO_TIME;
	b->alert.raw.p = at;
	b->skip = 0;
	b->next = NULL;
	b->raw_from = NULL;
	b->nested = (struct fmt_str){NULL, 0};
	b->span_count = b->late_count = 0;
	b->taken_back = false;
	b->matched = 0;
	b->field_count = b->item_first = b->item_count = 0;
	memset(b->lists, 0, sizeof(b->lists));
	b->frame = b->frames;
	*b->frame = (struct alert_frame){.node = b->map->nodes};
	if (b->serial > UINT32_MAX / 2) {
		memset(b->marks, 0, b->map->node_count * sizeof(*b->marks));
		b->serial = 0;
	}
}

UNUSUAL static bool keep_copy(struct alert_builder *b, struct fmt_str *to)
{
	to->p = to->n ? arena_copy(&b->arena, to->p, to->n) : NULL;
	return to->p || !to->n;
}

/* Borrows what lies in the text, copies what the tokenizer had to put together elsewhere. */
static inline bool keep(
	struct alert_builder *b, struct fmt_str *to, const char *p, size_t n)
{
	to->n = n;
	to->p = p;
	return (uintptr_t)p - (uintptr_t)b->text < b->text_n || keep_copy(b, to);
}

/* The same key came before in this object: its fields, which end where those of the next key begin,
 * do not count any more. */
UNUSUAL static void take_back(
	struct alert_builder *b, const struct alert_frame *f, struct alert_mark *m)
{
	uint32_t next_serial = UINT32_MAX, end = (uint32_t)b->field_count;

	for (uint32_t slot = 0; slot <= f->node->mask; slot++) {
		const struct alert_mark *other = &b->marks[f->node->slots[slot]];

		if (f->node->slots[slot] && other->serial > m->serial &&
			other->serial < next_serial) {
			next_serial = other->serial;
			end = other->first;
		}
	}
	for (uint32_t i = m->first; i < end; i++) {
		b->fields[i].id = FMT_FIELD_NONE;
		b->taken_back = true;
	}
}

static inline void evidence_key(struct alert_builder *b, const struct alert_node *node)
{
	struct alert_mark *mark = &b->marks[node - b->map->nodes];

	if (mark->serial > b->frame->serial)
		take_back(b, b->frame, mark);
	mark->serial = ++b->serial;
	mark->first = (uint32_t)b->field_count;
}

/* The same list of evidence came before: what it gave goes, what other lists gave stays. */
UNUSUAL static void span_remove(struct alert_builder *b, size_t span)
{
	size_t first = b->spans[span].first, end = b->alert.evidence_count;
	size_t from = 0, count = 0;

	if (span + 1 < b->span_count)
		end = b->spans[span + 1].first;
	for (size_t i = 0; i < first; i++)
		from += b->evidence[i].field_count;
	for (size_t i = first; i < end; i++)
		count += b->evidence[i].field_count;
	memmove(b->fields + from, b->fields + from + count,
		(b->field_count - from - count) * sizeof(*b->fields));
	memmove(b->evidence + first, b->evidence + end,
		(b->alert.evidence_count - end) * sizeof(*b->evidence));
	b->field_count -= count;
	b->item_first = b->field_count;
	b->alert.evidence_count -= end - first;
	b->span_count--;
	for (size_t i = span; i < b->span_count; i++) {
		b->spans[i] = b->spans[i + 1];
		b->spans[i].first -= end - first;
	}
}

static void span_begin(struct alert_builder *b, const struct alert_node *node)
{
	for (size_t i = 0; i < b->span_count; i++) {
		if (b->spans[i].node == node && b->alert.evidence_count) {
			span_remove(b, i);
			break;
		}
		if (b->spans[i].node == node)
			return;
	}
	b->spans[b->span_count].node = node;
	b->spans[b->span_count++].first = b->alert.evidence_count;
}

/* A key of the alert itself: its value counts from the beginning, also when the key comes again. */
static __attribute__((noinline)) void alert_key(
	struct alert_builder *b, const struct alert_node *node)
{
	switch (node->target) {
	case ALERT_RAW:
	case ALERT_NESTED:
		b->raw_from = b->position(b->context);
		b->raw_node = node;
		break;
	case ALERT_SPARE:
	case ALERT_PART:
	case FLAT_FIELD:
	case FLAT_LIST:
		for (size_t i = 0; i < b->late_count; i++)
			if (b->late[i].node == node)
				b->late[i].node = NULL;
		break;
	case ALERT_LIST:
		b->lists[node->arg].first = b->item_count;
		b->lists[node->arg].count = 0;
		break;
	case ALERT_EVIDENCE:
		span_begin(b, node);
		break;
	case ALERT_COMMENT:
		b->alert.comment_count = 0;
		break;
	default:
		break;
	}
}

int alert_build_key(void *builder, const unsigned char *p, size_t n)
{
	struct alert_builder *b = builder;
	const struct alert_frame *f = b->frame;
	size_t before = (uintptr_t)p - (uintptr_t)b->text;

	if (b->skip)
		return 1;
	if (before < b->text_n && b->text_n - before >= ALERT_NAME_MAX &&
		n - 1 < ALERT_NAME_MAX && f->node->slots)
		b->next = alert_find(b->map, f->node, (const char *)p, n);
	else
		b->next = alert_child(b->map, f->node, (const char *)p, n);
	if (!b->next)
		return 1;
	if (f->evidence)
		evidence_key(b, b->next);
	else
		alert_key(b, b->next);
	return 1;
}

static struct fmt_str *raw_place(struct alert_builder *b)
{
	if (b->raw_node->target != ALERT_NESTED)
		return MEMBER(&b->alert, struct fmt_str, b->raw_node->arg);
	b->nested_key = b->raw_from;
	return &b->nested;
}

/* Between tokens, as yajl sees it. */
static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The value that ends here, from the end of its key. */
static void raw_end(struct alert_builder *b)
{
	struct fmt_str *to = raw_place(b);
	const char *from = b->raw_from, *end = b->position(b->context);

	while (from < end && (*from == ':' || is_space(*from)))
		from++;
	to->p = from;
	to->n = (size_t)(end - from);
	b->raw_from = NULL;
	b->matched++;
}

static struct fmt_evidence *evidence_now(struct alert_builder *b)
{
	return &b->evidence[b->alert.evidence_count];
}

UNUSUAL static bool more_fields(struct alert_builder *b)
{
	if (GROW(b->fields, b->field_room, b->field_count, 128, b->limits.fields))
		return true;
	b->shed++;
	return false;
}

static inline bool field_add(
	struct alert_builder *b, uint32_t id, const char *p, size_t n)
{
	struct fmt_field *field;

	if (!n || (b->field_count == b->field_room && !more_fields(b)))
		return true;
	field = &b->fields[b->field_count++];
	field->id = id;
	return keep(b, &field->value, p, n);
}

static bool list_add(
	struct alert_builder *b, struct alert_list *list, const char *p, size_t n)
{
	if (!n)
		return true;
	if (!GROW(b->items, b->item_room, b->item_count, 32, b->limits.list_items)) {
		b->shed++;
		return true;
	}
	if (!keep(b, &b->items[b->item_count], p, n))
		return false;
	b->item_count++;
	list->count++;
	return true;
}

static bool late_add(
	struct alert_builder *b, const struct alert_node *node, const char *p, size_t n)
{
	struct alert_late *late = b->late;

	if (!n)
		return true;
	while (late < b->late + b->late_count && late->node)
		late++;
	b->late_count += late == b->late + b->late_count;
	late->node = node;
	return keep(b, &late->value, p, n);
}

/* The pieces of evidence of one alert often carry the same time. */
static void time_set(struct alert_builder *b, int64_t *to, enum alert_scalar type,
	const char *p, size_t n)
{
	int64_t ticks = FMT_NO_TIME;

	if (n && n == b->time_n && memcmp(p, b->time_text, n) == 0) {
		*to = b->time;
		return;
	}
	if (type == ALERT_SCALAR_TEXT && time_parse(p, n, &ticks) &&
		n <= sizeof(b->time_text)) {
		memcpy(b->time_text, p, n);
		b->time_n = n;
		b->time = ticks;
	}
	*to = ticks;
}

static void evidence_type(struct alert_builder *b, struct fmt_str *type)
{
	struct fmt_evidence *evidence = evidence_now(b);
	const struct alert_node *node;

	/* "#microsoft.graph.security.processEvidence" */
	for (size_t i = type->n; i > 0; i--) {
		if (type->p[i - 1] == '.' || type->p[i - 1] == '#') {
			type->p += i;
			type->n -= i;
			break;
		}
	}
	node = alert_child(b->map, b->map->types, type->p, type->n);
	evidence->type = *type;
	evidence->kind = node ? alert_types[node->arg].kind : FMT_KIND_OTHER;
	b->type = node ? &alert_types[node->arg] : NULL;
}

static __attribute__((noinline)) bool scalar(struct alert_builder *b,
	const struct alert_node *node, enum alert_scalar type, const char *p, size_t n)
{
	struct fmt_str text;

	b->matched += n != 0;
	switch ((enum alert_target)node->target) {
	case ALERT_STRING:
		return keep(b, MEMBER(&b->alert, struct fmt_str, node->arg), p, n);
	case ALERT_TIME:
		time_set(b, MEMBER(&b->alert, int64_t, node->arg), type, p, n);
		return true;
	case ALERT_SEVERITY:
		b->alert.severity = alert_severity(p, n);
		return keep(b, &b->alert.severity_text, p, n);
	case ALERT_LIST:
		return list_add(b, &b->lists[node->arg], p, n);
	case ALERT_RAW:
	case ALERT_NESTED:
		if (n || type == ALERT_SCALAR_TEXT) {
			raw_end(b);
		} else {
			*raw_place(b) = (struct fmt_str){NULL, 0};
			b->raw_from = NULL;
		}
		return true;
	case ALERT_SPARE:
	case ALERT_PART:
	case FLAT_FIELD:
	case FLAT_LIST:
		return late_add(b, node, p, n);
	case COMMENT_STRING:
		return keep(b,
			MEMBER(&b->comments[b->alert.comment_count], struct fmt_str,
				node->arg),
			p, n);
	case COMMENT_TIME:
		time_set(b,
			MEMBER(&b->comments[b->alert.comment_count], int64_t,
				node->arg),
			type, p, n);
		return true;
	case EVIDENCE_TYPE:
		if (!keep(b, &text, p, n))
			return false;
		evidence_type(b, &text);
		return true;
	case EVIDENCE_CREATED:
		time_set(b, &evidence_now(b)->created, type, p, n);
		return true;
	case EVIDENCE_FIELD:
		return field_add(b, node->arg, p, n);
	case ALERT_NOTHING:
	case ALERT_COMMENT:
	case ALERT_EVIDENCE:
		break;
	}
	return true;
}

bool alert_build_scalar(
	struct alert_builder *b, enum alert_scalar type, const char *p, size_t n)
{
	const struct alert_node *node = b->next;

	if (b->skip || !node)
		return true;
	if (type == ALERT_SCALAR_NULL)
		n = 0;
	return scalar(b, node, type, p, n);
}

int alert_build_text(void *builder, const unsigned char *p, size_t n)
{
	struct alert_builder *b = builder;

	if (b->skip || !b->next)
		return true;
	if (b->next->target != EVIDENCE_FIELD)
		return scalar(b, b->next, ALERT_SCALAR_TEXT, (const char *)p, n);
	return field_add(b, b->next->arg, (const char *)p, n);
}

static bool evidence_begin(struct alert_builder *b)
{
	struct fmt_evidence *evidence;

	if (!GROW(b->evidence, b->evidence_room, b->alert.evidence_count, 16,
		    b->limits.evidence))
		return false;
	evidence = evidence_now(b);
	*evidence = (struct fmt_evidence){
		.kind = (enum fmt_kind)b->next->arg,
		.created = FMT_NO_TIME,
		.raw.p = b->position(b->context) - 1,
	};
	b->item_first = b->field_count;
	b->type = NULL;
	return true;
}

static uint32_t fixed(const struct alert_fix *fixes, uint32_t id)
{
	for (; fixes->from; fixes++)
		if (fixes->from == id)
			return fixes->to;
	return id;
}

static void evidence_end(struct alert_builder *b)
{
	struct fmt_evidence *evidence = evidence_now(b);
	const struct alert_type *type = b->type;
	bool left_out = b->taken_back;
	size_t to;

	if (type && type->fixes) {
		for (size_t i = b->item_first; i < b->field_count; i++) {
			uint32_t id = fixed(type->fixes, b->fields[i].id);

			left_out |= id == FMT_FIELD_NONE;
			b->fields[i].id = id;
		}
	}
	if (left_out) {
		to = b->item_first;
		for (size_t i = b->item_first; i < b->field_count; i++)
			if (b->fields[i].id != FMT_FIELD_NONE)
				b->fields[to++] = b->fields[i];
		b->field_count = to;
		b->taken_back = false;
	}
	evidence->field_count = b->field_count - b->item_first;
	evidence->raw.n = (size_t)(b->position(b->context) - evidence->raw.p);
	b->item_first = b->field_count;
	b->alert.evidence_count++;
}

static bool comment_begin(struct alert_builder *b)
{
	if (!GROW(b->comments, b->comment_room, b->alert.comment_count, 4,
		    b->limits.comments))
		return false;
	b->comments[b->alert.comment_count] =
		(struct fmt_comment){.created = FMT_NO_TIME};
	return true;
}

/* Does a container here hold anything that a path leads to? */
static bool enters(
	const struct alert_frame *f, const struct alert_node *node, bool array)
{
	if (!node || node->target == ALERT_RAW || node->target == ALERT_NESTED ||
		(array && f->array))
		return false;
	if (node->slots)
		return true;
	return array && (node->target == ALERT_LIST || node->target == EVIDENCE_FIELD);
}

void alert_build_open(struct alert_builder *b, bool array)
{
	struct alert_frame *f = b->frame;
	const struct alert_node *node = b->next;
	bool entered;

	if (b->skip) {
		b->skip++;
		return;
	}
	entered = f < b->frames + b->depth_max && enters(f, node, array);
	if (entered && !array) {
		if (node->target == ALERT_EVIDENCE)
			entered = evidence_begin(b);
		else if (node->target == ALERT_COMMENT)
			entered = comment_begin(b);
		b->shed += !entered;
	}
	if (!entered) {
		b->skip = 1;
		return;
	}
	f[1].node = node;
	f[1].array = array;
	f[1].evidence = f->evidence || (!array && node->target == ALERT_EVIDENCE);
	f[1].serial = b->serial;
	b->frame++;
}

void alert_build_close(struct alert_builder *b)
{
	struct alert_frame *f = b->frame;

	if (b->skip) {
		if (--b->skip == 0 && b->raw_from)
			raw_end(b);
		return;
	}
	b->frame--;
	/* In an array the next item goes where this one went. */
	b->next = b->frame->array ? b->frame->node : NULL;
	if (f->array)
		return;
	if (f->node->target == ALERT_EVIDENCE)
		evidence_end(b);
	else if (f->node->target == ALERT_COMMENT)
		b->alert.comment_count++;
}

/* The text is where it stays already. */
static void flat_field(struct alert_builder *b, uint32_t id, const char *p, size_t n)
{
	if (!n || (b->field_count == b->field_room && !more_fields(b)))
		return;
	b->fields[b->field_count++] = (struct fmt_field){id, {p, n}};
}

static void flat_fields(struct alert_builder *b, const struct alert_late *late)
{
	const struct fmt_str whole = late->value;
	uint32_t id = late->node->arg & UINT16_MAX;
	size_t from = 0;

	if (late->node->target == FLAT_FIELD) {
		flat_field(b, id, whole.p, whole.n);
		return;
	}
	for (size_t i = 0; i <= whole.n; i++) {
		if (i < whole.n && whole.p[i] != ',' && whole.p[i] != ';')
			continue;
		while (from < i && whole.p[from] == ' ')
			from++;
		flat_field(b, id, whole.p + from, i - from);
		from = i + 1;
	}
}

static void flat_evidence(struct alert_builder *b)
{
	const struct alert_table *table = b->map->table;

	for (size_t at = 0; at < table->flat_count; at++) {
		struct fmt_evidence *evidence;
		size_t first = b->field_count;

		for (size_t i = 0; i < b->late_count; i++) {
			const struct alert_node *node = b->late[i].node;

			if (node && node->target >= FLAT_FIELD &&
				node->target <= FLAT_LIST && node->arg >> 16 == at)
				flat_fields(b, &b->late[i]);
		}
		if (b->field_count == first)
			continue;
		if (!GROW(b->evidence, b->evidence_room, b->alert.evidence_count, 16,
			    b->limits.evidence)) {
			b->field_count = first;
			b->shed++;
			return;
		}
		evidence = evidence_now(b);
		*evidence = (struct fmt_evidence){.kind = table->flat[at].kind,
			.created = FMT_NO_TIME,
			.field_count = b->field_count - first};
		b->alert.evidence_count++;
	}
}

/* What waited for the rest of the alert. */
static void late_end(struct alert_builder *b, struct fmt_str parts[ALERT_PARTS_MAX])
{
	for (size_t i = 0; i < b->late_count; i++) {
		const struct alert_late *late = &b->late[i];

		if (late->node && late->node->target == ALERT_PART) {
			parts[late->node->arg] = late->value;
		} else if (late->node && late->node->target == ALERT_SPARE) {
			struct fmt_str *to =
				MEMBER(&b->alert, struct fmt_str, late->node->arg);

			if (!to->n)
				*to = late->value;
		}
	}
	flat_evidence(b);
}

static char *put(char *to, struct fmt_str s)
{
	if (s.n)
		memcpy(to, s.p, s.n);
	return to + s.n;
}

/* Prefix, then the id, or what stands for it. */
static bool id_make(struct alert_builder *b, const struct fmt_str *parts)
{
	const struct alert_table *table = b->map->table;
	const char *prefix = table->id_prefix ? table->id_prefix : "";
	size_t length = strlen(prefix);
	struct fmt_str *id = &b->alert.id;
	struct fmt_str words[1 + ALERT_PARTS_MAX] = {*id};
	size_t count = 1, n = 0;
	char noid[ALERT_NOID_LENGTH], *to;

	if (id->n && !length)
		return true;
	if (!id->n && table->id_from) {
		words[0] = *MEMBER(&b->alert, struct fmt_str, table->id_from);
		for (; count <= table->parts; count++)
			words[count] = parts[count - 1];
	}
	for (size_t i = 0; i < count; i++) {
		if (words[i].n) {
			n += words[i].n + 1;
			continue;
		}
		alert_noid(b->alert.raw.p, b->alert.raw.n, noid);
		words[0] = (struct fmt_str){noid, sizeof(noid)};
		n = sizeof(noid) + 1;
		count = 1;
		break;
	}
	to = arena_alloc(&b->arena, length + n);
	if (!to)
		return false;
	id->p = to;
	to = put(to, (struct fmt_str){prefix, length});
	for (size_t i = 0; i < count; i++) {
		if (i)
			*to++ = ':';
		to = put(to, words[i]);
	}
	id->n = (size_t)(to - id->p);
	return true;
}

/* Leaves the member with the nested alerts out, and the comma that belongs to it. */
static bool nested_cut(struct alert_builder *b)
{
	struct fmt_str *raw = &b->alert.raw;
	const char *from, *to, *end = raw->p + raw->n;
	char *copy;

	if (!b->nested.n)
		return true;
	from = b->nested_key - 1;
	to = b->nested.p + b->nested.n;
	while (from[-1] != '"') /* the name holds none, escaped neither */
		from--;
	from--;
	while (is_space(from[-1]))
		from--;
	if (from[-1] == ',') {
		from--;
	} else {
		while (is_space(*to))
			to++;
		to += *to == ',';
	}
	copy = arena_alloc(&b->arena, (size_t)(from - raw->p) + (size_t)(end - to));
	if (!copy)
		return false;
	memcpy(copy, raw->p, (size_t)(from - raw->p));
	memcpy(copy + (from - raw->p), to, (size_t)(end - to));
	raw->n = (size_t)(from - raw->p) + (size_t)(end - to);
	raw->p = copy;
	return true;
}

struct fmt_alert *alert_build_end(struct alert_builder *b)
{
	struct fmt_str parts[ALERT_PARTS_MAX] = {{NULL, 0}};
	const char *service = b->map->table->service_source;
	struct fmt_alert *alert = &b->alert;
	const struct fmt_field *fields;

	alert->raw.n = (size_t)(b->position(b->context) - alert->raw.p);
	if (!nested_cut(b))
		return NULL;
	late_end(b, parts);
	if (!alert->service_source.n && service)
		alert->service_source = (struct fmt_str){service, strlen(service)};
	fields = b->fields;
	for (size_t i = 0; i < alert->evidence_count; i++) {
		b->evidence[i].fields = fields;
		if (b->evidence[i].field_count)
			fields += b->evidence[i].field_count;
	}
	for (size_t i = 0; i < b->map->list_count; i++) {
		struct fmt_list *list =
			MEMBER(alert, struct fmt_list, b->map->lists[i]);

		list->items = b->lists[i].count ? b->items + b->lists[i].first : NULL;
		list->count = b->lists[i].count;
	}
	alert->evidence = b->evidence;
	alert->comments = b->comments;
	if (!id_make(b, parts))
		return NULL;
	alert_choose(alert);
	return alert;
}

struct move {
	const char *from, *to;
	size_t n;
};

static inline void moved(const struct move *m, const char **p)
{
	uintptr_t offset = (uintptr_t)*p - (uintptr_t)m->from;

	*p = offset < m->n ? m->to + offset : *p;
}

void alert_build_moved(
	struct alert_builder *b, const char *from, size_t n, const char *to)
{
	const struct move m = {from, to, n};
	bool item_open = false;

	for (size_t i = 0; i < b->map->string_count; i++)
		moved(&m, &MEMBER(&b->alert, struct fmt_str, b->map->strings[i])->p);
	moved(&m, &b->alert.raw.p);
	moved(&m, &b->nested.p);
	if (b->nested.n)
		moved(&m, &b->nested_key);
	for (size_t i = 0; i < b->late_count; i++)
		moved(&m, &b->late[i].value.p);
	if (b->raw_from) /* may be just behind the text so far */
		b->raw_from = to + (b->raw_from - from);
	for (size_t i = 0; i < b->field_count; i++)
		moved(&m, &b->fields[i].value.p);
	for (size_t i = 0; i < b->item_count; i++)
		moved(&m, &b->items[i].p);
	for (const struct alert_frame *f = b->frames; f <= b->frame; f++)
		item_open |= f->node->target == ALERT_EVIDENCE && !f->array;
	for (size_t i = 0; i < b->alert.evidence_count + item_open; i++) {
		moved(&m, &b->evidence[i].type.p);
		moved(&m, &b->evidence[i].raw.p);
	}
	item_open = false;
	for (const struct alert_frame *f = b->frames; f <= b->frame; f++)
		item_open |= f->node->target == ALERT_COMMENT && !f->array;
	for (size_t i = 0; i < b->alert.comment_count + item_open; i++) {
		moved(&m, &b->comments[i].text.p);
		moved(&m, &b->comments[i].author.p);
	}
}
