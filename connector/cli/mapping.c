#include "config.h"

#include "cli/mapping.h"

#include <libfastjson/json.h>
#include <stdlib.h>
#include <string.h>

#include "alert/alert.h"
#include "cli/members.h"
#include "fetch/source.h"
#include "formats/registry.h"

#define OUTPUT_ROOM (1u << 20)
#define PLACES_MAX 24
#define PLACE_ROOM 96

/* Values that stand nowhere else, and what of them is looked for. */
#define MARK "zqmarkqz"
#define MARK_TIME INT64_C(19278579061230000) /* 2031-02-03T04:05:06.123Z */
#define MARK_TIME_TEXT "2031-02-03T04:05:06"
#define MARK_TIME_MS "1927857906123"
#define MARK_NUMBER "54321"
#define MARK_SCORE "77"
#define MARK_ADDRESS "198.51.100.77"
#define MARK_MAC "02:00:5e:10:77:77"
#define MARK_COUNTRY "ZQ"
#define MARK_TECHNIQUE "T9876"

#define FORMATS 4
static const char *const formats[FORMATS] = {"cef", "leef", "ecs", "ocsf"};

/* Where a value was found, and with which kinds of evidence. */
struct place {
	char text[PLACE_ROOM];
	unsigned kinds;
};

struct places {
	struct place items[PLACES_MAX];
	size_t count;
};

struct mapping {
	const struct fmt_module *module[FORMATS];
	void *self[FORMATS];
	struct fmt_out body, data;
	struct places places[FORMATS];
	const char *mark; /* what is looked for now */
	unsigned kind; /* bit of the kind at hand */
};

static int no_growth(struct fmt_out *out, size_t want)
{
	return want <= out->room;
}

static struct fmt_str text(const char *s)
{
	return (struct fmt_str){s, strlen(s)};
}

static void found(struct mapping *m, struct places *places, const char *text)
{
	size_t i = 0;

	while (i < places->count && strcmp(places->items[i].text, text) != 0)
		i++;
	if (i == PLACES_MAX)
		return;
	if (i == places->count) {
		snprintf(places->items[i].text, PLACE_ROOM, "%s", text);
		places->items[i].kinds = 0;
		places->count++;
	}
	places->items[i].kinds |= m->kind;
}

static bool is_marked(const struct mapping *m, const char *value)
{
	if (!strcmp(m->mark, MARK_TIME_TEXT) && strstr(value, MARK_TIME_MS))
		return true;
	return strstr(value, m->mark) != NULL;
}

/* Members of the document in which the value stands; arrays add nothing to a path. */
static void find_json(
	struct mapping *m, struct places *places, fjson_object *json, const char *path)
{
	if (fjson_object_is_type(json, fjson_type_object)) {
		struct fjson_object_iterator it = fjson_object_iter_begin(json),
					     end = fjson_object_iter_end(json);

		for (; !fjson_object_iter_equal(&it, &end);
			fjson_object_iter_next(&it)) {
			char below[2 * PLACE_ROOM];

			snprintf(below, sizeof(below), "%s%s%s", path, *path ? "." : "",
				fjson_object_iter_peek_name(&it));
			find_json(m, places, fjson_object_iter_peek_value(&it), below);
		}
	} else if (fjson_object_is_type(json, fjson_type_array)) {
		for (int i = 0; i < fjson_object_array_length(json); i++)
			find_json(m, places, fjson_object_array_get_idx(json, i), path);
	} else if (json && is_marked(m, fjson_object_get_string(json))) {
		found(m, places, path);
	}
}

static void found_pair(
	struct mapping *m, struct places *places, const char *body, const char *key)
{
	char label[PLACE_ROOM], place[2 * PLACE_ROOM];
	const char *at;

	snprintf(label, sizeof(label), " %sLabel=", key);
	at = strstr(body, label);
	if (at) {
		at += strlen(label);
		snprintf(place, sizeof(place), "%s (%.*s)", key, (int)strcspn(at, " "),
			at);
		found(m, places, place);
	} else {
		found(m, places, key);
	}
}

/* Pairs of key and value, a header before them; no value here needs an escape but =. */
static void find_pairs(
	struct mapping *m, struct places *places, char *body, char separator)
{
	static const char *const header[] = {"", "", "header: product",
		"header: version", "header: class id", "header: name",
		"header: severity"};
	char *at = body, *end, *copy = xstrdup(body);

	for (size_t i = 0; i < (separator == ' ' ? 7 : 6); i++, at = end + 1) {
		end = strchr(at, '|');
		*end = '\0';
		if (is_marked(m, at))
			found(m, places,
				i == 4 && separator != ' ' ? "header: event id"
							   : header[i]);
	}
	while (at && *at) {
		char *equals = strchr(at, '='), *next = equals + 1;

		*equals = '\0';
		/* To the separator before the next key. */
		if (separator == ' ') {
			next = strpbrk(next, "=\\");
			while (next && *next == '\\')
				next = strpbrk(next + 2, "=\\");
			while (next && *next != ' ')
				next--;
		} else {
			next = strchr(next, separator);
		}
		if (next)
			*next++ = '\0';
		if (is_marked(m, equals + 1))
			found_pair(m, places, copy, at);
		at = next;
	}
	free(copy);
}

static void write_all(struct mapping *m, struct fmt_alert *alert)
{
	alert_choose(alert);
	for (size_t i = 0; i < FORMATS; i++) {
		struct fmt_message message = {
			.body = &m->body, .structured_data = &m->data};

		m->body.n = m->data.n = 0;
		if (m->module[i]->format(m->self[i], alert, &message) != FMT_OK)
			continue;
		m->body.p[m->body.n] = '\0';
		if (i < 2) {
			find_pairs(m, &m->places[i], m->body.p, i ? '^' : ' ');
		} else {
			fjson_object *json = fjson_tokener_parse(m->body.p);

			find_json(m, &m->places[i], json, "");
			fjson_object_put(json);
		}
	}
}

static struct fmt_alert base(void)
{
	return (struct fmt_alert){.struct_size = sizeof(struct fmt_alert),
		.id = text("a"),
		.customer = text("c"),
		.version = text("v"),
		.title = text("t"),
		.created = 1,
		.updated = FMT_NO_TIME,
		.resolved = FMT_NO_TIME,
		.first_activity = FMT_NO_TIME,
		.last_activity = FMT_NO_TIME};
}

static void map_member(struct mapping *m, const struct alert_member *member)
{
	struct fmt_alert alert = base();
	char *to = (char *)&alert + member->offset;
	const struct fmt_str mark = text(MARK), technique = text(MARK_TECHNIQUE);
	const struct fmt_comment comment = {mark, text("by"), FMT_NO_TIME};

	m->mark = MARK;
	m->kind = 0;
	switch (member->value) {
	case MEMBER_TEXT:
		*(struct fmt_str *)to = mark;
		break;
	case MEMBER_TIMES:
		*(int64_t *)to = MARK_TIME;
		m->mark = MARK_TIME_TEXT;
		break;
	case MEMBER_LISTS:
		*(struct fmt_list *)to = (struct fmt_list){&mark, 1};
		break;
	case MEMBER_TECHNIQUES:
		*(struct fmt_list *)to = (struct fmt_list){&technique, 1};
		m->mark = MARK_TECHNIQUE;
		break;
	case MEMBER_JSON:
		*(struct fmt_str *)to = text("{\"" MARK "\":1}");
		break;
	case MEMBER_SEVERITIES:
		/* A level of its own: it is high here and nothing else is an 8. */
		alert.severity = FMT_SEVERITY_HIGH;
		alert.severity_text = text("high");
		m->mark = "8";
		break;
	case MEMBER_COMMENT:
		alert.comments = &comment;
		alert.comment_count = 1;
		break;
	case MEMBER_SCORE:
		alert.priority_score = text(MARK_SCORE);
		m->mark = MARK_SCORE;
		break;
	case MEMBER_CHARS:
		*(const char **)to = MARK;
		break;
	}
	write_all(m, &alert);
	if (member->value != MEMBER_SEVERITIES)
		return;
	/* Documents write its name, and a number of their own. */
	m->places[2].count = m->places[3].count = 0;
	found(m, &m->places[2], "event.severity");
	found(m, &m->places[3], "severity_id");
	m->mark = "high";
	write_all(m, &alert);
	m->mark = "High";
	write_all(m, &alert);
}

/* A value that this field can have, with a part that is nowhere else. */
static const char *field_value(enum fmt_field_id id, const char **mark)
{
	switch (id) {
	case FMT_DEVICE_LAST_IP:
	case FMT_DEVICE_LAST_EXTERNAL_IP:
	case FMT_DEVICE_IP:
	case FMT_IP_ADDRESS:
	case FMT_SOURCE_ADDRESS:
	case FMT_DESTINATION_ADDRESS:
	case FMT_MESSAGE_SENDER_IP:
	case FMT_DNS_SERVER:
	case FMT_ACCESS_ADDRESS:
		return *mark = MARK_ADDRESS;
	case FMT_DEVICE_MAC:
		return *mark = MARK_MAC;
	case FMT_SOURCE_PORT:
	case FMT_DESTINATION_PORT:
	case FMT_PROCESS_ID:
	case FMT_PARENT_PROCESS_ID:
	case FMT_FILE_SIZE:
	case FMT_PARENT_FILE_SIZE:
		return *mark = MARK_NUMBER;
	case FMT_DEVICE_FIRST_SEEN:
	case FMT_PROCESS_CREATED:
	case FMT_PARENT_PROCESS_CREATED:
	case FMT_MESSAGE_RECEIVED:
	case FMT_STARTED:
	case FMT_ENDED:
	case FMT_PREVIOUS_LOGON:
	case FMT_ACCESS_TIME:
	case FMT_EXPIRES:
	case FMT_MODIFIED:
		*mark = MARK_TIME_TEXT;
		return MARK_TIME_TEXT ".123Z";
	case FMT_IP_COUNTRY:
		return *mark = MARK_COUNTRY;
	case FMT_URL:
		*mark = MARK;
		return "https://" MARK ".example/";
	case FMT_USER_UPN:
	case FMT_MAILBOX_ADDRESS:
	case FMT_MESSAGE_SENDER:
	case FMT_MESSAGE_ENVELOPE_SENDER:
	case FMT_MESSAGE_RECIPIENT:
		*mark = MARK;
		return MARK "@example.com";
	default:
		return *mark = MARK;
	}
}

/* Alone in a piece of each kind, and beside what such a piece usually has. */
static void map_field(struct mapping *m, enum fmt_field_id id)
{
	static const struct fmt_field usual[] = {{FMT_PROCESS_ID, {"1", 1}},
		{FMT_PARENT_PROCESS_ID, {"2", 1}}, {FMT_FILE_NAME, {"n", 1}},
		{FMT_USER_NAME, {"u", 1}}, {FMT_DEVICE_DNS_NAME, {"d", 1}},
		{FMT_DEVICE_OS, {"o", 1}}, {FMT_IP_ADDRESS, {"192.0.2.1", 9}},
		{FMT_SOURCE_ADDRESS, {"192.0.2.2", 9}},
		{FMT_DESTINATION_ADDRESS, {"192.0.2.3", 9}}};
	struct fmt_field fields[1 + sizeof(usual) / sizeof(usual[0])];
	struct fmt_evidence piece = {.created = FMT_NO_TIME, .fields = fields};

	fields[0] = (struct fmt_field){id, text(field_value(id, &m->mark))};
	for (unsigned kind = 0; kind < FMT_KINDS; kind++) {
		m->kind = 1u << kind;
		piece.kind = (enum fmt_kind)kind;
		for (int beside = 0; beside < 2; beside++) {
			struct fmt_alert alert = base();

			piece.field_count = 1;
			for (size_t i = 0;
				beside && i < sizeof(usual) / sizeof(usual[0]); i++)
				if (usual[i].id != (uint32_t)id)
					fields[piece.field_count++] = usual[i];
			alert.evidence = &piece;
			alert.evidence_count = 1;
			write_all(m, &alert);
			/* The same as an event of its own. */
			alert.event_number = alert.event_count = 1;
			write_all(m, &alert);
		}
	}
}

/* Where each source has it: its paths, those that are the same once. */
static void add_paths(struct strbuf *out, const struct alert_table *table,
	const char *name, bool field, uint32_t arg)
{
	for (size_t i = 0; table && i < table->row_count; i++) {
		const struct alert_row *row = &table->rows[i];
		bool same;

		if (field)
			same = (row->target == EVIDENCE_FIELD && row->arg == arg) ||
			       ((row->target == FLAT_FIELD ||
					row->target == FLAT_LIST) &&
				       (row->arg & 0xFFFF) == arg);
		else
			same = ((row->target == ALERT_STRING ||
					row->target == ALERT_TIME ||
					row->target == ALERT_LIST ||
					row->target == ALERT_RAW ||
					row->target == ALERT_SPARE) &&
				       row->arg == arg) ||
			       (row->target == ALERT_SEVERITY &&
				       arg == offsetof(struct fmt_alert,
						      severity_text)) ||
			       (row->target == ALERT_COMMENT &&
				       arg == offsetof(struct fmt_alert, comments));
		if (!same)
			continue;
		if (out->n)
			(void)strbuf_adds(out, "; ");
		(void)strbuf_addf(out, "%s %s", name, row->path);
	}
}

/* Fields that a path means in evidence of some types only. */
static void add_fixed(struct strbuf *out, uint32_t to)
{
	const struct alert_table *graph = &graph_alert_table;

	for (const struct alert_type *type = alert_types; type->name; type++)
		for (const struct alert_fix *fix = type->fixes;
			fix && fix->from != FMT_FIELD_NONE; fix++)
			for (size_t i = 0; fix->to == to && i < graph->row_count; i++)
				if (graph->rows[i].target == EVIDENCE_FIELD &&
					graph->rows[i].arg == fix->from)
					(void)strbuf_addf(out, "%s%s %s",
						out->n ? "; " : "", type->name,
						graph->rows[i].path);
}

static void find_paths(struct strbuf *out, bool field, uint32_t arg)
{
	const struct source *source;

	strbuf_reset(out);
	for (size_t i = 0; (source = source_at(i)); i++) {
		add_paths(out, source->table, source->name, field, arg);
		/* Alerts of Graph are the same inside of incidents. */
		if (source->table->nested != &graph_alert_table)
			add_paths(out, source->table->nested, source->name, field, arg);
	}
	if (field)
		add_fixed(out, arg);
}

static void print_kinds(struct strbuf *out, unsigned kinds)
{
	static const char *const names[FMT_KINDS] = {"other", "device", "user",
		"process", "file", "ip", "url", "mailbox", "message", "registry",
		"cloudResource", "network", "application", "logon", "group", "malware"};
	const char *between = " [";

	if (!kinds || kinds == (1u << FMT_KINDS) - 1)
		return;
	for (unsigned kind = 0; kind < FMT_KINDS; kind++) {
		if (!(kinds >> kind & 1))
			continue;
		(void)strbuf_addf(out, "%s%s", between, names[kind]);
		between = ", ";
	}
	(void)strbuf_addc(out, ']');
}

static void print_places(struct strbuf *out, const struct places *places)
{
	for (size_t i = 0; i < places->count; i++) {
		if (i)
			(void)strbuf_adds(out, "; ");
		(void)strbuf_adds(out, places->items[i].text);
		print_kinds(out, places->items[i].kinds);
	}
	if (!places->count)
		(void)strbuf_addc(out, '-');
}

static void print_row(struct strbuf *out, const struct mapping *m, const char *name,
	const struct strbuf *paths, bool manual)
{
	if (manual)
		(void)strbuf_addf(out, ".It Li %s\n", name);
	else
		(void)strbuf_addf(out, "%s\t%s", name, paths->n ? paths->p : "-");
	for (size_t i = 0; i < FORMATS; i++) {
		(void)strbuf_addf(out, manual ? ".Em %s :\n" : "\t", formats[i]);
		print_places(out, &m->places[i]);
		if (manual)
			(void)strbuf_adds(out, "\n.br\n");
	}
	if (manual)
		(void)strbuf_addf(
			out, ".Em from :\n%s\n", paths->n ? paths->p : "the relay");
	else
		(void)strbuf_addc(out, '\n');
}

static void next(struct mapping *m)
{
	for (size_t i = 0; i < FORMATS; i++)
		m->places[i].count = 0;
}

/* What a source fills and the table of members above does not know: a line that says nothing. */
static void print_forgotten(struct strbuf *out, struct mapping *m, bool manual)
{
	const struct source *source;

	next(m);
	for (size_t i = 0; (source = source_at(i)); i++)
		for (const struct alert_table *table = source->table; table;
			table = table->nested)
			for (size_t k = 0; k < table->row_count; k++) {
				const struct alert_row *row = &table->rows[k];
				struct strbuf none = {0};
				size_t j = 0;

				if (row->target != ALERT_STRING &&
					row->target != ALERT_TIME &&
					row->target != ALERT_LIST &&
					row->target != ALERT_RAW &&
					row->target != ALERT_SPARE)
					continue;
				while (alert_members[j].name &&
					alert_members[j].offset != row->arg)
					j++;
				if (!alert_members[j].name)
					print_row(out, m, row->path, &none, manual);
			}
}

static void print_all(struct mapping *m, struct strbuf *out, bool manual)
{
	struct strbuf paths;

	strbuf_init(&paths, 65536);
	for (const struct alert_member *member = alert_members; member->name;
		member++) {
		next(m);
		map_member(m, member);
		find_paths(&paths, false, (uint32_t)member->offset);
		print_row(out, m, member->name, &paths, manual);
	}
	print_forgotten(out, m, manual);
	for (unsigned id = FMT_FIELD_NONE + 1; id < FMT_FIELD_IDS; id++) {
		char name[64];

		next(m);
		map_field(m, (enum fmt_field_id)id);
		find_paths(&paths, true, id);
		snprintf(name, sizeof(name), "evidence/%s", alert_field_name(id));
		print_row(out, m, name, &paths, manual);
	}
	strbuf_clear(&paths);
}

static void mapping(struct strbuf *out, bool manual)
{
	struct mapping *m = xcalloc(1, sizeof(*m));
	char error[200];

	m->body = (struct fmt_out){.p = xmalloc(OUTPUT_ROOM),
		.room = OUTPUT_ROOM - 1,
		.maximum = OUTPUT_ROOM - 1,
		.grow = no_growth};
	m->data = (struct fmt_out){.p = xmalloc(OUTPUT_ROOM),
		.room = OUTPUT_ROOM - 1,
		.maximum = OUTPUT_ROOM - 1,
		.grow = no_growth};
	for (size_t i = 0; i < FORMATS; i++) {
		m->module[i] = format_find(formats[i], strlen(formats[i]));
		m->self[i] = m->module[i]->open(NULL, 0, error, sizeof(error));
		if (!m->self[i])
			abort(); /* without options there is nothing to refuse */
	}
	print_all(m, out, manual);
	for (size_t i = 0; i < FORMATS; i++)
		m->module[i]->close(m->self[i]);
	free(m->body.p);
	free(m->data.p);
	free(m);
}

void mapping_lines(struct strbuf *out)
{
	mapping(out, false);
}

void mapping_manual(struct strbuf *out)
{
	(void)strbuf_adds(out, ".Bl -tag -width Ds -compact\n");
	mapping(out, true);
	(void)strbuf_adds(out, ".El\n");
}
