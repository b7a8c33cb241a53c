/* json_writer.c - writing a JSON document of our own: fast, and again in parts when it must fit. */
#include "json_writer.h"

#include <stdio.h>
#include <stdlib.h>

#include "json_tell.h"
#include "json_text.h"
#include "option.h"

#define RESERVE 16384u /* octets asked for at once; most documents are smaller */
#define NO_PART SIZE_MAX
#define PATH_MAX_N 4096u /* octets of a folder or a name that are joined */

static void writer_open(struct json_writer *w, struct fmt_out *out)
{
	w->out = out;
	w->p = w->end = out->p ? out->p + out->n : NULL;
	json_grow(w, 1);
}

static void writer_close(struct json_writer *w)
{
	if (w->p)
		w->out->n = (size_t)(w->p - w->out->p);
}

int json_grow(struct json_writer *w, size_t n)
{
	struct fmt_out *out = w->out;
	size_t left, want;
	char *p;

	if (w->full)
		return 0;
	writer_close(w);
	left = out->maximum > out->n ? out->maximum - out->n : 0;
	want = n < RESERVE && left > RESERVE ? RESERVE : n;
	p = n <= left ? fmt_room(out, want) : NULL;
	if (!p) {
		w->full = 1;
		w->end = w->p;
		return 0;
	}
	w->p = p;
	w->end = p + (out->room - out->n < left ? out->room - out->n : left);
	return 1;
}

size_t json_begin_part(struct json_writer *w)
{
	size_t at = (size_t)(w->p - w->out->p);

	if (w->full)
		return NO_PART;
	/* Behind the comma that is yet to come. */
	if (w->p[-1] != '{' && w->p[-1] != '[' && w->p[-1] != ',')
		at++;
	if (!json_fit_add(w->fit, at)) {
		w->full = 1;
		w->end = w->p;
		return NO_PART;
	}
	return w->fit->count - 1;
}

void json_end_part(struct json_writer *w, size_t part, enum json_rank drop,
	enum json_rank cut, size_t value, int evidence)
{
	struct json_part *p;

	if (w->full || part == NO_PART)
		return;
	p = &w->fit->parts[part];
	p->end = (size_t)(w->p - w->out->p);
	p->value = value;
	p->drop = (uint8_t)drop;
	p->cut = (uint8_t)cut;
	p->evidence = (uint8_t)evidence;
}

void json_close(struct json_writer *w, struct json_open open, enum json_rank rank)
{
	if (w->full)
		return;
	if (w->p[-1] == '{' || w->p[-1] == '[') {
		w->p = w->out->p + open.start;
		if (w->fit)
			w->fit->count = open.part;
		return;
	}
	json_octets(w, &open.end, 1);
	if (w->fit)
		json_end_part(w, open.part, rank, JSON_FIXED, 0, 0);
}

void json_put_ranked(struct json_writer *w, struct json_name name, struct fmt_str s,
	enum json_rank drop, enum json_rank cut)
{
	size_t part = json_begin_part(w), value;

	if (!json_key(w, name, ESCAPE_JSON_ROOM(s.n) + 2))
		return;
	value = (size_t)(w->p - w->out->p);
	json_quote(w, s);
	json_end_part(w, part, drop, cut, value, 0);
}

void json_long(struct json_writer *w, struct json_name name, struct fmt_str s,
	enum json_rank drop, enum json_rank cut)
{
	if (!s.n)
		return;
	if (w->fit)
		json_put_ranked(w, name, s, drop, cut);
	else if (json_key(w, name, ESCAPE_JSON_ROOM(s.n) + 2))
		json_quote(w, s);
}

void json_number(struct json_writer *w, struct json_name name, uint64_t number)
{
	char digits[20], *p = digits + sizeof(digits);

	do
		*--p = (char)('0' + number % 10);
	while (number /= 10);
	if (json_key(w, name, sizeof(digits)))
		json_octets(w, p, (size_t)(digits + sizeof(digits) - p));
}

void json_time(struct json_writer *w, struct json_name name, int64_t ticks,
	enum json_rank rank)
{
	char text[VALUE_TIME_ROOM];

	if (!value_is_time(ticks))
		return;
	json_member(w, name,
		(struct fmt_str){text, (size_t)(value_put_time(text, ticks, 3) - text)},
		rank);
}

void json_epoch(struct json_writer *w, struct json_name name, int64_t ticks,
	enum json_rank rank)
{
	size_t part = 0;

	if (!value_is_time(ticks))
		return;
	if (w->fit)
		part = json_begin_part(w);
	json_number(w, name, (uint64_t)ticks / FMT_TICKS_PER_MS);
	if (w->fit)
		json_end_part(w, part, rank, JSON_FIXED, 0, 0);
}

void json_list(struct json_writer *w, struct json_name name, struct fmt_list list,
	enum json_rank rank)
{
	struct json_open open;

	if (!list.count)
		return;
	open = json_open(w, name, '[');
	for (size_t i = 0; i < list.count && !w->full; i++) {
		struct fmt_str s = text_trim(list.items[i]);

		if (!s.n)
			continue;
		json_next(w);
		json_string(w, s);
	}
	json_close(w, open, rank);
}

void json_set(struct json_writer *w, struct json_name name, const struct value_set *set,
	enum json_rank rank)
{
	json_list(w, name, (struct fmt_list){set->items, set->count}, rank);
}

#define NAME_ROOM 48
struct field_name {
	char text[NAME_ROOM]; /* with quotes and colon; copied with all its room */
	size_t n;
};

#define FMT_FIELD(id, name) {"\"" name "\":", sizeof("\"" name "\":") - 1},
static const struct field_name field_names[FMT_FIELD_IDS] = {
	{"", 0},
#include "fields.def"
};
#undef FMT_FIELD

static void put_name(struct json_writer *w, const struct field_name *name, size_t room)
{
	if (!json_fits(w, NAME_ROOM + 1 + room))
		return;
	*w->p = ',';
	w->p += w->p[-1] != '{';
	memcpy(w->p, name->text, NAME_ROOM);
	w->p += name->n;
}

static void put_field(struct json_writer *w, const struct fmt_field *field)
{
	put_name(w, &field_names[field->id], ESCAPE_JSON_ROOM(field->value.n) + 2);
	if (!w->full)
		json_quote(w, field->value);
}

/* All values of one id from field `at` on, before `end`. */
static void put_many(struct json_writer *w, const struct fmt_evidence *evidence,
	size_t at, size_t end)
{
	uint32_t id = evidence->fields[at].id;

	put_name(w, &field_names[id], 1);
	json_literal(w, "[");
	for (; at < end && !w->full; at++) {
		if (evidence->fields[at].id != id)
			continue;
		json_next(w);
		json_string(w, evidence->fields[at].value);
	}
	json_literal(w, "]");
}

/* A set of ids. */
#define ID_WORDS ((FMT_FIELD_IDS + 63) / 64)
#define ID_WORD(id) ((id) / 64)
#define ID_BIT(id) (UINT64_C(1) << (id) % 64)

static inline int is_shown(uint32_t id, const struct view *view)
{
	return id < FMT_FIELD_IDS && id != FMT_FIELD_NONE && !(view && view->used[id]);
}

/* Fields of one id that do not follow each other: an array where the first one is. */
static void put_scattered(struct json_writer *w, const struct fmt_evidence *evidence,
	const struct view *view)
{
	uint64_t once[ID_WORDS] = {0}, twice[ID_WORDS] = {0};

	for (size_t i = 0; i < evidence->field_count; i++) {
		uint32_t id = evidence->fields[i].id;

		if (id >= FMT_FIELD_IDS)
			continue;
		twice[ID_WORD(id)] |= once[ID_WORD(id)] & ID_BIT(id);
		once[ID_WORD(id)] |= ID_BIT(id);
	}
	for (size_t i = 0; i < evidence->field_count && !w->full; i++) {
		const struct fmt_field *field = &evidence->fields[i];
		uint32_t id = field->id;

		if (!is_shown(id, view) || !(once[ID_WORD(id)] & ID_BIT(id)))
			continue;
		once[ID_WORD(id)] &= ~ID_BIT(id);
		if (twice[ID_WORD(id)] & ID_BIT(id))
			put_many(w, evidence, i, evidence->field_count);
		else
			put_field(w, field);
	}
}

void json_fields(struct json_writer *w, const struct fmt_evidence *evidence,
	const struct view *view)
{
	uint64_t seen[ID_WORDS] = {0};
	size_t start = (size_t)(w->p - w->out->p);

	for (size_t i = 0; i < evidence->field_count && !w->full;) {
		const struct fmt_field *field = &evidence->fields[i];
		uint32_t id = field->id;
		size_t next = i + 1;

		if (!is_shown(id, view)) {
			i++;
			continue;
		}
		if (seen[ID_WORD(id)] & ID_BIT(id)) {
			w->p = w->out->p + start;
			put_scattered(w, evidence, view);
			return;
		}
		seen[ID_WORD(id)] |= ID_BIT(id);
		while (next < evidence->field_count && evidence->fields[next].id == id)
			next++;
		if (next > i + 1)
			put_many(w, evidence, i, next);
		else
			put_field(w, field);
		i = next;
	}
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

void *json_document_open(const char *format, enum severity_scale scale,
	const struct fmt_option *options, size_t count, char *error, size_t error_size)
{
	struct json_document *self = calloc(1, sizeof(*self));
	int has_severity = scale < SEVERITY_SCALES, good = 1;

	if (!self) {
		snprintf(error, error_size, "%s: out of memory", format);
		return NULL;
	}
	if (has_severity)
		self->severity = *severity_default(scale);
	for (size_t i = 0; good && i < count; i++) {
		const struct fmt_option *option = &options[i];

		if (!strcmp(option->name, "original")) {
			good = option_yes_no(
				format, option, &self->original, error, error_size);
		} else if (has_severity && !strcmp(option->name, "severity")) {
			good = option_severity(format, option, scale, &self->severity,
				error, error_size);
		} else {
			snprintf(error, error_size,
				"%s: there is no option \"%.40s\"; it takes original%s",
				format, option->name,
				has_severity ? " and severity" : "");
			good = 0;
		}
	}
	if (good)
		return self;
	free(self);
	return NULL;
}

void json_document_close(void *self)
{
	free(self);
}

static const char *const notes[2] = {"evidence_omitted", "fields_omitted"};

int json_document_fields(struct json_document *self, const char *format,
	const struct field_json_own *own, const struct fmt_rule *rules, size_t count,
	fmt_wrong *wrong, void *context)
{
	return field_json_read(
		&self->fields, format, own, notes, rules, count, wrong, context);
}

enum json_rank json_evidence_rank(
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

static const char *why_shed(unsigned rank)
{
#define NO_ROOM "the message has no room for it: "
	static const char *const why[] = {
		[JSON_ORIGINAL] = NO_ROOM "the vendor's own text goes first",
		[JSON_EVIDENCE_PLAIN] =
			NO_ROOM "evidence that is not the primary one goes early",
		[JSON_EVIDENCE_SUSPICIOUS] =
			NO_ROOM "suspicious evidence goes after the rest of evidence",
		[JSON_EVIDENCE_MALICIOUS] =
			NO_ROOM "malicious evidence goes after the rest of evidence",
		[JSON_EVIDENCE_PRIMARY] = NO_ROOM "of evidence the primary goes last",
		[JSON_DETAILS] = NO_ROOM "custom details and additional data go after "
					 "evidence",
		[JSON_COMMENTS] = NO_ROOM "comments go after long texts were cut",
		[JSON_OPTIONAL] = NO_ROOM "what is optional goes after comments",
		[JSON_USEFUL] = NO_ROOM "useful members go after those that are "
					"optional",
		[JSON_TWICE] = NO_ROOM "it stands elsewhere too",
		[JSON_CUT_TITLE] = NULL,
	};

	return rank < sizeof(why) / sizeof(*why) && why[rank]
		       ? why[rank]
		       : "the message has no room for it";
}

/* Again, into memory without a limit, so that it is known what there is to leave out. */
static enum fmt_result write_tight(struct fmt_message *message, json_write *write,
	const struct json_document *self, const struct fmt_alert *alert)
{
	struct fmt_out *body = message->body, whole, fitted;
	struct json_fit fit = {
		.evidence_note = notes[0], .field_note = notes[1], .why = why_shed};
	struct json_writer w = {.fit = &fit};
	struct fmt_str text;
	enum fmt_result rc = FMT_TOO_SMALL;
	size_t limit = body->maximum > body->n ? body->maximum - body->n : 0;

	json_heap_init(&whole);
	json_heap_init(&fitted);
	writer_open(&w, &whole);
	write(&w, self, alert);
	if (w.full)
		goto out;
	writer_close(&w);
	if (!field_json_apply(
		    &self->fields, alert, &whole, 0, &fit, JSON_OPTIONAL, message))
		goto out;
	text = (struct fmt_str){whole.p, whole.n};
	if (text.n > limit) {
		if (!json_fit_write(&fit, &fitted, text, limit, message))
			goto out;
		text = (struct fmt_str){fitted.p, fitted.n};
	}
	if (json_put(body, text.p, text.n))
		rc = FMT_OK;
	if (rc == FMT_OK && message->trace)
		json_tell(message->trace, (struct fmt_str){whole.p, whole.n}, &fit);
out:
	json_fit_clear(&fit);
	json_heap_free(&whole);
	json_heap_free(&fitted);
	return rc;
}

enum fmt_result json_write_document(struct fmt_message *message, json_write *write,
	const struct json_document *self, const struct fmt_alert *alert)
{
	struct json_writer w = {.fit = NULL};
	size_t start = message->body->n;

	if (self->fields.count)
		return write_tight(message, write, self, alert);
	writer_open(&w, message->body);
	write(&w, self, alert);
	if (!w.full) {
		writer_close(&w);
		if (message->trace)
			json_tell(message->trace,
				(struct fmt_str){message->body->p + start,
					message->body->n - start},
				NULL);
		return FMT_OK;
	}
	message->body->n = start;
	return write_tight(message, write, self, alert);
}
