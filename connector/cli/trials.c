#include "config.h"

#include "cli/trials.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/strbuf.h"
#include "cli/members.h"
#include "formats/address.h"
#include "formats/text.h"
#include "formats/value.h"

#define ROOMY (48u << 20)
#define MEMORY_MAXIMUM (256u << 20)
#define NEAR 40 /* octets of a text in which it is changed: what cuts it leaves those */
#define NAME_ROOM 512
#define DEPTH_MAXIMUM 64
#define AROUND 16 /* octets on each side of a change that are looked for */

/* One alert under trial. */
struct trial {
	struct trials *trials;
	struct fmt_alert alert; /* a copy that may be changed, as far as it is walked */
	const struct syslog_fields *fields;
	int64_t now;
	/* What is told is compared with trials->whole. */
	struct fmt_trace trace;
	bool *seen; /* for each item of the whole */
	bool *changed;
	size_t next;
};

static struct fmt_str text(const char *s)
{
	return (struct fmt_str){s, strlen(s)};
}

static void *take(struct trial *t, size_t n)
{
	return arena_alloc(&t->trials->memory, n ? n : 1);
}

/* --- writing it again --- */

static void on_begin(struct fmt_trace *trace)
{
	struct trial *t = CONTAINER_OF(trace, struct trial, trace);
	size_t count = t->trials->whole.count;

	t->next = 0;
	memset(t->seen, 0, count * sizeof(*t->seen));
	memset(t->changed, 0, count * sizeof(*t->changed));
}

static void on_told(struct fmt_trace *trace, const struct fmt_told *told)
{
	struct trial *t = CONTAINER_OF(trace, struct trial, trace);
	const struct tale *whole = &t->trials->whole;

	/* Mostly they come in the same order. */
	for (size_t k = 0; k < whole->count; k++) {
		size_t i = (t->next + k) % whole->count;
		const struct fmt_told *item = &whole->items[i];

		if (t->seen[i] || item->fate != told->fate || !tale_same(item, told))
			continue;
		t->seen[i] = true;
		t->changed[i] = item->value.n != told->value.n ||
				(told->value.n && memcmp(item->value.p, told->value.p,
							  told->value.n) != 0);
		t->next = i + 1;
		return;
	}
}

/* Does the message change? What does is in t->changed. */
static bool differs(struct trial *t)
{
	struct trials *trials = t->trials;
	struct rendered rendered;
	struct error err;
	bool any = false;

	trials->render.trace = &t->trace;
	if (render_alert(&trials->render, &t->alert, t->fields, t->now, &rendered,
		    &err) != RC_OK)
		return false;
	for (size_t i = 0; i < trials->whole.count; i++) {
		/* A cut of the format's own comes and goes with the length. */
		if (trials->whole.items[i].fate == FMT_CUT)
			t->changed[i] = false;
		else
			t->changed[i] |= !t->seen[i];
		any |= t->changed[i];
	}
	return any;
}

/* --- what was found --- */

static struct origin *add_origin(
	struct trial *t, const char *name, struct fmt_str value)
{
	struct trials *trials = t->trials;
	struct origin *origin;
	char *copy = arena_copy(&trials->memory, name, strlen(name) + 1);

	for (char *c = copy; c && *c; c++)
		if ((unsigned char)*c < 32 || *c == 127)
			*c = '?';
	if (!copy || trials->origin_count == TRIALS_MAXIMUM) {
		trials->left_out++;
		return NULL;
	}
	if (trials->origin_count == trials->origin_room) {
		trials->origin_room =
			trials->origin_room ? trials->origin_room * 2 : 128;
		trials->origins = xrealloc(trials->origins,
			trials->origin_room * sizeof(*trials->origins));
	}
	origin = &trials->origins[trials->origin_count++];
	*origin = (struct origin){.name = copy, .value = value};
	return origin;
}

static bool holds(struct fmt_str value, struct fmt_str part)
{
	return part.n && part.n <= value.n && memmem(value.p, value.n, part.p, part.n);
}

/* part: of the field's text, what is looked for in values. */
static void link_changed(struct trial *t, struct fmt_str part)
{
	struct trials *trials = t->trials;
	size_t origin = trials->origin_count - 1;

	for (size_t i = 0; i < trials->whole.count; i++) {
		struct origin_link *link, **end = &trials->links[i];

		if (!t->changed[i])
			continue;
		link = take(t, sizeof(*link));
		if (!link)
			return;
		*link = (struct origin_link){
			origin, holds(trials->whole.items[i].value, part), NULL};
		while (*end)
			end = &(*end)->next;
		*end = link;
		trials->origins[origin].reached++;
	}
}

/* --- something else of the same kind --- */

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

static char other_char(char c)
{
	if (c >= '0' && c <= '9')
		return c == '1' ? '2' : '1';
	if (c >= 'a' && c <= 'f') /* a hexadecimal digit stays one */
		return c == 'a' ? 'b' : 'a';
	if (c >= 'A' && c <= 'F')
		return c == 'A' ? 'B' : 'A';
	if (c >= 'a' && c <= 'z')
		return c == 'q' ? 'r' : 'q';
	return c == 'Q' ? 'R' : 'Q';
}

static bool is_number(struct fmt_str s)
{
	size_t digits = 0;

	for (size_t i = 0; i < s.n; i++)
		digits += s.p[i] >= '0' && s.p[i] <= '9';
	return digits && digits + (s.p[0] == '-') == s.n;
}

/* Where to change a text, so that it stays of its kind; s.n when nowhere. */
static size_t place_to_change(struct fmt_str s)
{
	char address[ADDRESS_SIZE];
	size_t middle = (s.n < NEAR ? s.n : NEAR) / 2, i;

	if (s.n > 18 && value_time(s) != FMT_NO_TIME)
		return 18; /* of the seconds */
	if (is_number(s) || address_read(s, address) != ADDRESS_NONE)
		middle = s.n - 1;
	for (i = middle; i < s.n && (!is_alnum(s.p[i]) || (i && s.p[i - 1] == '\\'));)
		i++;
	/* Of an address the last digit, and not one in the middle of a zone. */
	if (i < s.n)
		return i;
	for (i = middle; i > 0 && !is_alnum(s.p[i - 1]);)
		i--;
	return i ? i - 1 : s.n;
}

/* The octets around the place, as far as no format escapes them. */
static struct fmt_str part_around(struct fmt_str s, size_t at)
{
	size_t from = at, to = at;

	if (at >= s.n)
		return (struct fmt_str){NULL, 0};
	while (from > 0 && at - from < AROUND &&
		(is_alnum(s.p[from - 1]) || strchr(".:@_-", s.p[from - 1])))
		from--;
	while (to < s.n && to - at < AROUND &&
		(is_alnum(s.p[to]) || strchr(".:@_-", s.p[to])))
		to++;
	return (struct fmt_str){s.p + from, to - from};
}

static struct fmt_str other_text(
	struct trial *t, struct fmt_str s, struct fmt_str *part)
{
	size_t at;
	char *copy;

	*part = s;
	if (text_equal_nocase(s, "true"))
		return text("false");
	if (text_equal_nocase(s, "false"))
		return text("true");
	at = place_to_change(s);
	*part = part_around(s, at);
	if (at == s.n)
		return text("q");
	copy = arena_copy(&t->trials->memory, s.p, s.n);
	if (!copy)
		return s;
	copy[at] = other_char(copy[at]);
	return (struct fmt_str){copy, s.n};
}

/* --- the trials --- */

/* `place` is in t->alert or in what it points to. */
static struct origin *try_text(struct trial *t, const char *name, struct fmt_str *place)
{
	const struct fmt_str value = *place;
	struct fmt_str part;
	struct origin *origin;

	if (!text_trim(value).n)
		return NULL;
	origin = add_origin(t, name, value);
	if (!origin)
		return NULL;
	*place = other_text(t, value, &part);
	if (!differs(t)) {
		/* Another word of a list of words may mean the same: nothing does not. */
		place->n = 0;
		(void)differs(t);
	}
	*place = value;
	link_changed(t, part);
	return origin;
}

static void try_time(struct trial *t, const char *name, int64_t *place)
{
	const int64_t value = *place;

	if (value == FMT_NO_TIME || !add_origin(t, name, (struct fmt_str){NULL, 0}))
		return;
	*place += 61 * INT64_C(1000) * FMT_TICKS_PER_MS;
	(void)differs(t);
	*place = value;
	link_changed(t, (struct fmt_str){NULL, 0});
}

/* What the relay counts. */
static void try_number(struct trial *t, const char *name, uint32_t *place)
{
	struct origin *origin;

	if (!*place)
		return;
	origin = add_origin(t, name, (struct fmt_str){NULL, 0});
	if (!origin)
		return;
	origin->is_ours = true;
	++*place;
	(void)differs(t);
	--*place;
	link_changed(t, (struct fmt_str){NULL, 0});
}

static void try_list(struct trial *t, const char *name, struct fmt_list *list)
{
	struct fmt_str *items = take(t, list->count * sizeof(*items));
	char item[NAME_ROOM];

	if (list->count)
		memcpy(items, list->items, list->count * sizeof(*items));
	list->items = items;
	for (size_t i = 0; i < list->count; i++) {
		snprintf(item, sizeof(item), "%s[%zu]", name, i);
		(void)try_text(t, item, &items[i]);
	}
}

static void try_comments(struct trial *t, const char *name)
{
	struct fmt_comment *comments =
		take(t, t->alert.comment_count * sizeof(*comments));
	char item[NAME_ROOM];

	if (t->alert.comment_count)
		memcpy(comments, t->alert.comments,
			t->alert.comment_count * sizeof(*comments));
	t->alert.comments = comments;
	for (size_t i = 0; i < t->alert.comment_count; i++) {
		snprintf(item, sizeof(item), "%s[%zu].comment", name, i);
		(void)try_text(t, item, &comments[i].text);
		snprintf(item, sizeof(item), "%s[%zu].createdByDisplayName", name, i);
		(void)try_text(t, item, &comments[i].author);
		snprintf(item, sizeof(item), "%s[%zu].createdDateTime", name, i);
		try_time(t, item, &comments[i].created);
	}
}

static void try_severity(struct trial *t, const char *name)
{
	const enum fmt_severity level = t->alert.severity;
	const struct fmt_str said = t->alert.severity_text;
	bool is_low = level == FMT_SEVERITY_LOW;

	if (!said.n || !add_origin(t, name, said))
		return;
	t->alert.severity = is_low ? FMT_SEVERITY_HIGH : FMT_SEVERITY_LOW;
	t->alert.severity_text = text(is_low ? "high" : "low");
	(void)differs(t);
	t->alert.severity = level;
	t->alert.severity_text = said;
	link_changed(t, said);
}

/* JSON in a text is changed in one of its strings or numbers, or is not there. */
static void try_json(struct trial *t, const char *name, struct fmt_str *place)
{
	const struct fmt_str value = *place;

	if (!value.n || !add_origin(t, name, value))
		return;
	place->n = 0;
	(void)differs(t);
	*place = value;
	link_changed(t, part_around(value, value.n > 2 ? 2 : 0));
}

static void try_chars(struct trial *t, const char *name, const char **place)
{
	const char *value = *place;
	struct origin *origin;

	if (!value)
		return;
	origin = add_origin(t, name, text(value));
	if (!origin)
		return;
	origin->is_ours = true;
	*place = "other";
	(void)differs(t);
	*place = value;
	link_changed(t, text(value));
}

static void try_member(struct trial *t, const struct alert_member *member)
{
	void *place = (char *)&t->alert + member->offset;

	switch (member->value) {
	case MEMBER_TEXT:
	case MEMBER_SCORE:
		(void)try_text(t, member->name, place);
		break;
	case MEMBER_TIMES:
		try_time(t, member->name, place);
		break;
	case MEMBER_LISTS:
	case MEMBER_TECHNIQUES:
		try_list(t, member->name, place);
		break;
	case MEMBER_JSON:
		try_json(t, member->name, place);
		break;
	case MEMBER_SEVERITIES:
		try_severity(t, member->name);
		break;
	case MEMBER_COMMENT:
		try_comments(t, member->name);
		break;
	case MEMBER_CHARS:
		try_chars(t, member->name, place);
		break;
	}
}

/* --- evidence --- */

static const struct fmt_evidence *moved(const struct fmt_evidence *piece,
	const struct fmt_evidence *from, const struct fmt_evidence *to)
{
	return piece ? to + (piece - from) : NULL;
}

/* A copy whose pieces and fields may be changed. */
static struct fmt_evidence *copy_evidence(struct trial *t)
{
	struct fmt_alert *alert = &t->alert;
	const struct fmt_evidence *old = alert->evidence;
	struct fmt_evidence *pieces = take(t, alert->evidence_count * sizeof(*pieces));

	for (size_t i = 0; i < alert->evidence_count; i++) {
		size_t n = old[i].field_count * sizeof(*old[i].fields);
		struct fmt_field *fields = take(t, n);

		pieces[i] = old[i];
		if (n)
			memcpy(fields, old[i].fields, n);
		pieces[i].fields = fields;
	}
	for (size_t kind = 0; kind < FMT_KINDS; kind++)
		alert->primary[kind] = moved(alert->primary[kind], old, pieces);
	alert->source_ip = moved(alert->source_ip, old, pieces);
	alert->destination_ip = moved(alert->destination_ip, old, pieces);
	alert->evidence = pieces;
	return pieces;
}

static void try_piece(struct trial *t, const struct fmt_evidence *old,
	struct fmt_evidence *piece, size_t at)
{
	char name[NAME_ROOM];

	for (size_t i = 0; i < piece->field_count; i++) {
		struct fmt_field *field = (struct fmt_field *)&piece->fields[i];
		const char *known = alert_field_name(field->id);
		struct origin *origin;

		snprintf(name, sizeof(name), "evidence[%zu].%s", at,
			known[0] ? known : "?");
		origin = try_text(t, name, &field->value);
		if (origin)
			origin->evidence = old;
	}
	snprintf(name, sizeof(name), "evidence[%zu].createdDateTime", at);
	try_time(t, name, &piece->created);
	snprintf(name, sizeof(name), "evidence[%zu].type", at);
	if (try_text(t, name, &piece->type))
		t->trials->origins[t->trials->origin_count - 1].is_ours = true;
}

static void without(const struct fmt_evidence **place, const struct fmt_evidence *piece)
{
	if (*place == piece)
		*place = NULL;
	else if (*place && *place > piece)
		--*place;
}

/* Is it known already what makes the key? */
static bool has_field(const struct trials *trials, size_t item)
{
	const struct origin_link *link = trials->links[item];

	while (link && trials->origins[link->origin].is_ours)
		link = link->next;
	return link != NULL;
}

/* What is there because this piece is: only keys that have no field yet. */
static void try_without(struct trial *t, const struct fmt_evidence *pieces, size_t at,
	struct fmt_evidence *fewer)
{
	const struct fmt_alert all = t->alert;
	size_t rest = all.evidence_count - at - 1;
	char name[NAME_ROOM];
	struct origin *origin;

	snprintf(name, sizeof(name), "evidence[%zu]", at);
	origin = add_origin(t, name, (struct fmt_str){NULL, 0});
	if (!origin)
		return;
	origin->is_ours = true;
	memcpy(fewer, pieces, at * sizeof(*fewer));
	memcpy(fewer + at, pieces + at + 1, rest * sizeof(*fewer));
	for (size_t kind = 0; kind < FMT_KINDS; kind++) {
		without(&t->alert.primary[kind], pieces + at);
		t->alert.primary[kind] = moved(t->alert.primary[kind], pieces, fewer);
	}
	without(&t->alert.source_ip, pieces + at);
	t->alert.source_ip = moved(t->alert.source_ip, pieces, fewer);
	without(&t->alert.destination_ip, pieces + at);
	t->alert.destination_ip = moved(t->alert.destination_ip, pieces, fewer);
	t->alert.evidence = fewer;
	t->alert.evidence_count--;
	(void)differs(t);
	t->alert = all;
	for (size_t i = 0; i < t->trials->whole.count; i++)
		if (has_field(t->trials, i))
			t->changed[i] = false;
	link_changed(t, (struct fmt_str){NULL, 0});
}

static void try_evidence(struct trial *t)
{
	const struct fmt_evidence *old = t->alert.evidence;
	struct fmt_evidence *pieces = copy_evidence(t);
	struct fmt_evidence *fewer = take(t, t->alert.evidence_count * sizeof(*fewer));

	for (size_t i = 0; i < t->alert.evidence_count; i++)
		try_piece(t, &old[i], &pieces[i], i);
	for (size_t i = 0; i < t->alert.evidence_count; i++)
		try_without(t, pieces, i, fewer);
}

/* --- the vendor's text --- */

struct walk {
	struct trial *trial;
	const char *p, *end;
	char name[NAME_ROOM];
	bool all; /* change all values, and try once */
	char *changed; /* a copy of the text */
	struct strbuf other; /* one of another length */
	const char *start;
};

static void skip_blanks(struct walk *w)
{
	while (w->p < w->end &&
		(*w->p == ' ' || *w->p == '\t' || *w->p == '\n' || *w->p == '\r'))
		w->p++;
}

/* The inside of the string that begins at p. */
static struct fmt_str read_string(struct walk *w)
{
	const char *from = ++w->p;

	while (w->p < w->end && *w->p != '"')
		w->p += 1 + (*w->p == '\\');
	if (w->p >= w->end)
		w->p = w->end - 1;
	w->p++;
	return (struct fmt_str){from, (size_t)(w->p - 1 - from)};
}

/* What has no place to change becomes another value altogether. */
static void walk_token(struct walk *w, struct fmt_str token)
{
	struct trial *t = w->trial;
	const struct fmt_str raw = t->alert.raw;
	size_t before = (size_t)(token.p - w->start);

	if (w->all || !add_origin(t, w->name, token))
		return;
	t->trials->origins[t->trials->origin_count - 1].is_raw = true;
	strbuf_reset(&w->other);
	(void)strbuf_add(&w->other, w->start, before);
	(void)strbuf_adds(&w->other, text_equal_nocase(token, "0") ? "1" : "0");
	(void)strbuf_add(&w->other, token.p + token.n, raw.n - before - token.n);
	t->alert.raw = (struct fmt_str){w->other.p, w->other.n};
	(void)differs(t);
	t->alert.raw = raw;
	link_changed(t, (struct fmt_str){NULL, 0});
}

/* In one place of a string or number, outside of escapes. */
static void walk_scalar(struct walk *w, struct fmt_str s, bool is_string)
{
	struct trial *t = w->trial;
	char *to = w->changed + (s.p - w->start);
	const char *slash = is_string ? memchr(s.p, '\\', s.n) : NULL;
	struct fmt_str plain = {s.p, slash ? (size_t)(slash - s.p) : s.n};
	size_t at = place_to_change(plain);

	if (at == plain.n || (!is_string && !is_number(s))) {
		walk_token(w, is_string ? (struct fmt_str){s.p - 1, s.n + 2} : s);
		return;
	}
	if (w->all) {
		to[at] = other_char(to[at]);
		return;
	}
	if (!add_origin(t, w->name, s))
		return;
	t->trials->origins[t->trials->origin_count - 1].is_raw = true;
	to[at] = other_char(to[at]);
	(void)differs(t);
	to[at] = s.p[at];
	link_changed(t, part_around(plain, at));
}

static void walk_value(struct walk *w, unsigned depth);

/* Gives how many there are. */
static size_t walk_items(struct walk *w, char end, unsigned depth)
{
	size_t n = strlen(w->name), index = 0;

	for (w->p++;; index++) {
		skip_blanks(w);
		if (w->p >= w->end || *w->p == end)
			break;
		if (end == '}') {
			struct fmt_str name = read_string(w);

			snprintf(w->name + n, sizeof(w->name) - n, ".%.*s",
				name.n < NAME_ROOM ? (int)name.n : NAME_ROOM, name.p);
			skip_blanks(w);
			w->p += w->p < w->end; /* the colon */
		} else {
			snprintf(w->name + n, sizeof(w->name) - n, "[%zu]", index);
		}
		walk_value(w, depth + 1);
		w->name[n] = '\0';
		skip_blanks(w);
		w->p += w->p < w->end && *w->p == ',';
	}
	w->p += w->p < w->end;
	return index;
}

static void walk_value(struct walk *w, unsigned depth)
{
	const char *from;

	skip_blanks(w);
	if (w->p >= w->end)
		return;
	from = w->p;
	if ((*w->p == '{' || *w->p == '[') && depth < DEPTH_MAXIMUM) {
		if (!walk_items(w, *w->p == '{' ? '}' : ']', depth))
			walk_token(w, (struct fmt_str){from, (size_t)(w->p - from)});
	} else if (*w->p == '"') {
		walk_scalar(w, read_string(w), true);
	} else {
		while (w->p < w->end && !strchr(",]} \t\r\n", *w->p))
			w->p++;
		if (w->p == from)
			w->p = w->end; /* too deep */
		else
			walk_scalar(w, (struct fmt_str){from, (size_t)(w->p - from)},
				false);
	}
}

static void walk_raw(struct trial *t, bool all)
{
	const struct fmt_str raw = t->alert.raw;
	struct walk w = {.trial = t,
		.p = raw.p,
		.end = raw.p + raw.n,
		.name = "raw",
		.all = all,
		.start = raw.p};

	w.changed = arena_copy(&t->trials->memory, raw.p, raw.n);
	if (!w.changed)
		return;
	strbuf_init(&w.other, raw.n + 16);
	t->alert.raw.p = w.changed;
	walk_value(&w, 0);
	if (all)
		t->trials->has_raw_text = differs(t);
	t->alert.raw = raw;
	strbuf_clear(&w.other);
}

static void try_raw(struct trial *t)
{
	struct alert_paths *paths = t->trials->render.paths;

	t->trials->has_raw_text = false;
	if (!t->alert.raw.n)
		return;
	/* Is it written as it is, or do only rules of the field map take of it? */
	if (paths) {
		struct rendered rendered;
		struct error err;

		t->trials->render.paths = NULL;
		t->trials->render.trace = &t->trials->whole.trace;
		if (render_alert(&t->trials->render, &t->alert, t->fields, t->now,
			    &rendered, &err) == RC_OK)
			walk_raw(t, true);
		t->trials->render.paths = paths;
		t->trials->render.trace = &t->trials->whole.trace;
		if (render_alert(&t->trials->render, &t->alert, t->fields, t->now,
			    &rendered, &err) != RC_OK)
			return;
	} else {
		walk_raw(t, true);
	}
	if (t->trials->has_raw_text || paths)
		walk_raw(t, false);
}

/* --- all of it --- */

enum rc trials_open(struct trials *trials, const struct destination_options *options,
	struct error *err)
{
	*trials = (struct trials){.options = *options};
	trials->options.max_message_bytes = ROOMY;
	tale_init(&trials->whole);
	arena_init(&trials->memory, MEMORY_MAXIMUM);
	return render_open(&trials->render, &trials->options, err);
}

void trials_close(struct trials *trials)
{
	render_close(&trials->render);
	tale_clear(&trials->whole);
	arena_clear(&trials->memory);
	free(trials->origins);
}

enum rc trials_run(struct trials *trials, const struct fmt_alert *alert,
	const struct syslog_fields *fields, int64_t now, struct error *err)
{
	struct trial t = {.trials = trials,
		.alert = *alert,
		.fields = fields,
		.now = now,
		.trace = {.tell = on_told, .begin = on_begin}};
	struct rendered rendered;
	enum rc rc;

	arena_reset(&trials->memory);
	trials->origin_count = trials->left_out = 0;
	trials->render.trace = &trials->whole.trace;
	rc = render_alert(&trials->render, alert, fields, now, &rendered, err);
	if (rc != RC_OK)
		return rc;
	trials->links = take(&t, trials->whole.count * sizeof(struct origin_link *));
	for (size_t i = 0; i < trials->whole.count; i++)
		trials->links[i] = NULL;
	t.seen = take(&t, trials->whole.count * sizeof(*t.seen));
	t.changed = take(&t, trials->whole.count * sizeof(*t.changed));
	for (const struct alert_member *member = alert_members; member->name; member++)
		try_member(&t, member);
	try_chars(&t, "kind", &t.alert.kind);
	try_number(&t, "event number", &t.alert.event_number);
	try_number(&t, "event count", &t.alert.event_count);
	try_raw(&t);
	try_evidence(&t);
	trials->render.trace = NULL;
	return RC_OK;
}
