/* json_members.c - what documents of our own have in common. */
#include "json_members.h"

#define PATH_MAX_N 4096u /* octets of a folder or a name that are joined */

/* With quotes and colon; copied with all their room. Two of them lie in a line of the cache. */
#define FIELD_NAME_ROOM 32
#define FMT_FIELD(id, name) "\"" name "\":",
static const _Alignas(FIELD_NAME_ROOM) char field_names[][FIELD_NAME_ROOM] = {
	"",
#include "fields.def"
};
#undef FMT_FIELD

#define FMT_FIELD(id, name) sizeof("\"" name "\":") - 1,
static const uint8_t field_name_sizes[] = {
	0,
#include "fields.def"
};
#undef FMT_FIELD

/* Needs room of FIELD_NAME_ROOM + 1. */
static inline char *put_name(char *p, uint32_t id)
{
	*p = ',';
	p += p[-1] != '{';
	memcpy(p, field_names[id], FIELD_NAME_ROOM);
	return p + field_name_sizes[id];
}

static inline void put_field(struct json_writer *w, const struct fmt_field *field)
{
	struct fmt_str s = field->value;
	char *p;

	if (!json_fits(w, FIELD_NAME_ROOM + 1 + ESCAPE_JSON_ROOM(s.n) + 2))
		return;
	p = put_name(w->p, field->id);
	*p++ = '"';
	p = escape_json_string(p, s);
	*p++ = '"';
	w->p = p;
}

/* All values of the first one's id. */
static void put_many(struct json_writer *w, const struct fmt_field *field,
	const struct fmt_field *end)
{
	uint32_t id = field->id;

	if (!json_fits(w, FIELD_NAME_ROOM + 2))
		return;
	w->p = put_name(w->p, id);
	*w->p++ = '[';
	for (; field < end && !w->full; field++) {
		if (field->id != id)
			continue;
		json_element(w, field->value);
	}
	json_literal(w, "]");
}

static inline int is_shown(uint32_t id, const struct field_set *but)
{
	return id < FMT_FIELD_IDS && id != FMT_FIELD_NONE &&
	       !(but && field_set_has(but, id));
}

/* Fields of one id that do not follow each other: an array where the first one is. */
static void put_scattered(
	struct json_writer *w, const struct view *view, const struct field_set *but)
{
	const struct fmt_evidence *evidence = view->evidence;
	struct field_set written = {{0}};

	for (size_t i = 0; i < evidence->field_count && !w->full; i++) {
		const struct fmt_field *field = &evidence->fields[i];

		if (!is_shown(field->id, but) || field_set_has(&written, field->id))
			continue;
		field_set_add(&written, field->id);
		if (field_set_has(&view->many, field->id))
			put_many(w, field, evidence->fields + evidence->field_count);
		else
			put_field(w, field);
	}
}

void json_fields(struct json_writer *w, const struct fmt_evidence *evidence,
	const struct field_set *but)
{
	const struct fmt_field *field = evidence->fields,
			       *end = field + evidence->field_count;
	struct field_set seen = but ? *but : (struct field_set){{0}};
	size_t start = (size_t)(w->p - w->out->p);
	struct view view;

	field_set_add(&seen, FMT_FIELD_NONE);
	while (field < end && !w->full) {
		const struct fmt_field *next = field + 1;
		const uint32_t id = field->id;

		if (id < FMT_FIELD_IDS && !field_set_has(&seen, id)) {
			field_set_add(&seen, id);
			while (next < end && next->id == id)
				next++;
			if (next > field + 1)
				put_many(w, field, next);
			else
				put_field(w, field);
		} else if (is_shown(id, but)) {
			w->p = w->out->p + start;
			view_open(&view, evidence);
			put_scattered(w, &view, but);
			return;
		}
		field = next;
	}
}

void json_field(struct json_writer *w, const struct view *view, struct json_name name,
	enum fmt_field_id id)
{
	json_member(w, name, view_get(view, id), JSON_FIXED);
}

static void put_row(struct json_writer *w, const struct fmt_alert *alert,
	const struct json_row *row)
{
	const char *member = (const char *)alert + row->at;
	const struct json_name name = {row->name, row->n};
	enum json_rank rank = (enum json_rank)row->rank;
	struct fmt_list list;
	struct fmt_str text;
	int64_t ticks;

	switch ((enum json_row_kind)row->kind) {
	case JSON_ROW_TEXT:
		memcpy(&text, member, sizeof(text));
		json_long(w, name, text, rank, (enum json_rank)row->cut);
		break;
	case JSON_ROW_JSON:
		memcpy(&text, member, sizeof(text));
		json_raw_text(w, name, text, rank);
		break;
	case JSON_ROW_LIST:
		memcpy(&list, member, sizeof(list));
		json_list(w, name, list, rank);
		break;
	case JSON_ROW_TIME:
		memcpy(&ticks, member, sizeof(ticks));
		json_time(w, name, ticks, rank);
		break;
	}
}

void json_rows(struct json_writer *w, const struct fmt_alert *alert,
	const struct json_row *rows, size_t count)
{
	for (size_t i = 0; i < count && !w->full; i++)
		put_row(w, alert, &rows[i]);
}

void json_raw_text(struct json_writer *w, struct json_name name, struct fmt_str raw,
	enum json_rank rank)
{
	if (raw.n && !text_equal_nocase(raw, "{}") && !text_equal_nocase(raw, "null") &&
		!text_equal_nocase(raw, "[]"))
		json_member(w, name, raw, rank);
}

void json_comments(struct json_writer *w, const struct fmt_alert *alert)
{
	struct json_open open;

	if (!alert->comment_count)
		return;
	open = json_open(w, JSON_NAME("comments"), '[');
	for (size_t i = 0; i < alert->comment_count && !w->full; i++) {
		const struct fmt_comment *comment = &alert->comments[i];

		json_next(w);
		json_literal(w, "{");
		json_member(w, JSON_NAME("comment"), comment->text, JSON_FIXED);
		json_member(w, JSON_NAME("createdByDisplayName"), comment->author,
			JSON_FIXED);
		json_time(
			w, JSON_NAME("createdDateTime"), comment->created, JSON_FIXED);
		json_literal(w, "}");
	}
	json_close(w, open, JSON_COMMENTS);
}

void json_relay(struct json_writer *w, const struct fmt_alert *alert)
{
	json_key(w, JSON_NAME("alertrelay"), 0);
	json_literal(w, "{");
	json_member(w, JSON_NAME("customer"), alert->customer, JSON_FIXED);
	json_member(w, JSON_NAME("customer_name"), alert->customer_name, JSON_FIXED);
	json_member(w, JSON_NAME("tenant_id"), alert->tenant_id, JSON_FIXED);
	if (alert->source)
		json_member(
			w, JSON_NAME("source"), text_str(alert->source), JSON_FIXED);
	json_member(w, JSON_NAME("kind"), text_str(alert->kind ? alert->kind : "alert"),
		JSON_FIXED);
	json_member(w, JSON_NAME("alert_id"), alert->id, JSON_FIXED);
	json_member(w, JSON_NAME("version"), alert->version, JSON_FIXED);
	if (alert->event_count) {
		json_number(w, JSON_NAME("event_number"), alert->event_number);
		json_number(w, JSON_NAME("event_count"), alert->event_count);
	}
	json_number(w, JSON_NAME("evidence_count"), alert->evidence_count);
	if (w->fit && !w->full)
		w->fit->note_at = (size_t)(w->p - w->out->p);
	json_literal(w, "}");
}

void json_path(struct json_writer *w, struct json_name name, struct fmt_str folder,
	struct fmt_str file)
{
	char join[2 * PATH_MAX_N + 1];

	if (value_path_is_whole(folder, file) || folder.n > PATH_MAX_N ||
		file.n > PATH_MAX_N)
		json_member(w, name, folder, JSON_FIXED);
	else
		json_member(w, name,
			(struct fmt_str){join, value_join_path(join, folder, file)},
			JSON_FIXED);
}

static enum json_rank evidence_rank(
	const struct fmt_alert *alert, const struct fmt_evidence *evidence)
{
	if (value_is_primary(alert, evidence))
		return JSON_EVIDENCE_PRIMARY;
	switch (value_verdict(text_trim(fmt_get(evidence, FMT_VERDICT)))) {
	case 4:
		return JSON_EVIDENCE_MALICIOUS;
	case 3:
		return JSON_EVIDENCE_SUSPICIOUS;
	default:
		return JSON_EVIDENCE_PLAIN;
	}
}

void json_evidence(struct json_writer *w, struct json_name name,
	const struct fmt_alert *alert, json_evidence_one *one, void *context)
{
	struct json_open list;

	if (!alert->evidence_count)
		return;
	list = json_open(w, name, '[');
	for (size_t i = 0; i < alert->evidence_count && !w->full; i++) {
		const struct fmt_evidence *evidence = &alert->evidence[i];
		size_t part = 0;

		json_next(w);
		if (w->fit)
			part = json_begin_part(w);
		one(w, evidence, context);
		if (w->fit)
			json_end_part(w, part, evidence_rank(alert, evidence),
				JSON_FIXED, 0, 1);
	}
	json_close(w, list, JSON_OPTIONAL);
}
