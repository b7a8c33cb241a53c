/* field_json.c - the field map of a destination in JSON formats. */
#include "field_json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "escape.h"
#include "json_text.h"
#include "rule.h"

#define PATH_MAX_N 200u /* octets */
#define PATH_NAMES 8u
#define VALUE_MAX 4000u /* characters */
#define NUMBER_MAX 64u /* octets; a longer one goes as a text */
#define DEPTH_MAX 64u

/* --- reading the rules --- */

struct reading {
	const char *format;
	const struct fmt_rule *rules;
	size_t count;
	fmt_wrong *wrong;
	void *context;
	size_t rule;
	unsigned errors;
};

static int wrong(struct reading *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int wrong(struct reading *r, const char *format, ...)
{
	char text[500];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	r->errors++;
	r->wrong(r->context, r->rule, text);
	return 0;
}

static const char *last_name(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot ? dot + 1 : path;
}

/* Is `path` that one, or one below it? */
static int is_at_or_below(const char *path, const char *top)
{
	size_t n = strlen(top);

	return !strncmp(path, top, n) && (!path[n] || path[n] == '.');
}

static int check_path(struct reading *r, const char *path)
{
	size_t n = strlen(path), names = 1;

	for (size_t i = 0; i < n; i++) {
		names += path[i] == '.';
		if (path[i] <= ' ' || path[i] >= 0x7F || path[i] == '"' ||
			path[i] == '\\')
			return wrong(r,
				"%.60s is no key of %s; write names of visible ASCII "
				"joined by dots, without quotes and backslashes",
				path, r->format);
	}
	if (!n || path[0] == '.' || path[n - 1] == '.' || strstr(path, ".."))
		return wrong(r, "\"%.60s\" is no key of %s; a name in it is empty",
			path, r->format);
	if (n > PATH_MAX_N || names > PATH_NAMES)
		return wrong(r,
			"the key %.60s has %zu octets and %zu names; at most %u and %u "
			"are taken",
			path, n, names, PATH_MAX_N, PATH_NAMES);
	return 1;
}

static int check_old(struct reading *r, const struct field_json_own *own,
	const struct fmt_rule *rule)
{
	if (!check_path(r, rule->key))
		return 0;
	for (; own->name; own++)
		if (own->is_fixed && is_at_or_below(own->name, rule->key))
			return wrong(r,
				"%s always stays: a SIEM finds and joins messages by "
				"%s; take the rule out",
				rule->key, own->name);
	for (size_t i = 0; i < r->rule; i++)
		if (rule_clashes(&r->rules[i], rule))
			return wrong(r,
				"%s is in another rule already; keep one of them",
				rule->key);
	return 1;
}

static int check_new(struct reading *r, const struct field_json_own *own,
	const char *const notes[2], const char *path)
{
	if (!check_path(r, path))
		return 0;
	for (size_t i = 0; i < 2; i++)
		if (!strcmp(last_name(path), notes[i]))
			return wrong(r,
				"%s tells of what was left out; take another key",
				notes[i]);
	for (; own->name; own++) {
		int dropped = 0;

		if (strcmp(own->name, path) != 0)
			continue;
		for (size_t i = 0; !own->is_fixed && i < r->count; i++)
			dropped |= rule_moves(&r->rules[i]) &&
				   !strcmp(r->rules[i].key, path);
		if (!dropped)
			return wrong(r,
				"the format writes %s itself; take another key%s", path,
				own->is_fixed ? "" : ", or drop it too");
	}
	return 1;
}

static void check_twice(struct reading *r, const char *path)
{
	for (size_t i = 0; i < r->rule; i++) {
		const char *other = rule_makes(&r->rules[i]);

		if (other &&
			(is_at_or_below(path, other) || is_at_or_below(other, path))) {
			wrong(r,
				"the key %s is written by another rule already (%s); "
				"take another key",
				path, other);
			return;
		}
	}
}

static void check_rename(struct reading *r, const struct fmt_rule *rule)
{
	size_t parent = (size_t)(last_name(rule->key) - rule->key);

	if ((size_t)(last_name(rule->to) - rule->to) != parent ||
		memcmp(rule->key, rule->to, parent) != 0)
		wrong(r,
			"a member stays in its object; write to: %.*sNAME, or add it "
			"elsewhere and drop this one",
			(int)parent, rule->key);
}

int field_json_read(struct field_json *map, const char *format,
	const struct field_json_own *own, const char *const notes[2],
	const struct fmt_rule *rules, size_t count, fmt_wrong *report, void *context)
{
	struct reading r = {.format = format,
		.rules = rules,
		.count = count,
		.wrong = report,
		.context = context};
	size_t adding = 0;

	for (; r.rule < count; r.rule++) {
		const struct fmt_rule *rule = &rules[r.rule];
		const char *made = rule_makes(rule);

		adding += rule->kind == FMT_RULE_ADD;
		if (rule->label)
			wrong(&r, "format %s has no labels; take label out", format);
		if (rule->kind != FMT_RULE_ADD && !check_old(&r, own, rule))
			continue;
		if (made && !check_new(&r, own, notes, made))
			continue;
		if (rule->kind == FMT_RULE_RENAME)
			check_rename(&r, rule);
		if (rule->value && !rule->value[0])
			wrong(&r, "the value of %s is empty; write a text", rule->key);
		if (rule->value && !text_fits(text_str(rule->value), VALUE_MAX))
			wrong(&r,
				"the value of %s is longer than %u characters; write "
				"a shorter one",
				rule->key, VALUE_MAX);
		if (made)
			check_twice(&r, made);
	}
	r.rule = 0;
	if (count > FMT_RULES_MAX || adding > FMT_RULES_ADD_MAX)
		wrong(&r, "%zu rules, of which %zu add; at most %d and %d are taken",
			count, adding, FMT_RULES_MAX, FMT_RULES_ADD_MAX);
	map->rules = rules;
	map->count = r.errors ? 0 : count;
	return !r.errors;
}

/* --- changing the text --- */

struct edit {
	struct fmt_out *out;
	struct json_fit *fit;
	struct fmt_message *message;
	const struct fmt_rule *rule;
	uint8_t rank;
	unsigned depth;
	int failed; /* no memory */
};

static const char *end_of(const struct edit *e)
{
	return e->out->p + e->out->n;
}

static size_t skip(const struct edit *e, size_t at)
{
	return (size_t)(json_skip(e->out->p + at, end_of(e)) - e->out->p);
}

/* A place in the text, when the octets from `at` to `until` become n others. */
static size_t moved(size_t place, size_t until, size_t gone, size_t n)
{
	return place >= until ? place - gone + n : place;
}

static int splice(struct edit *e, size_t at, size_t gone, const char *p, size_t n)
{
	struct fmt_out *out = e->out;
	struct json_fit *fit = e->fit;
	size_t until = at + gone, kept = 0;

	if (n > gone && !fmt_room(out, n - gone)) {
		e->failed = 1;
		return 0;
	}
	memmove(out->p + at + n, out->p + until, out->n - until);
	if (n)
		memcpy(out->p + at, p, n);
	out->n = out->n - gone + n;
	for (size_t i = 0; i < fit->count; i++) {
		struct json_part *part = &fit->parts[i];

		/* What is taken out takes its parts along. */
		if (gone && !n && part->start >= at && part->end <= until)
			continue;
		part->start = moved(part->start, until, gone, n);
		part->value = moved(part->value, until, gone, n);
		/* What is put behind a part does not belong to it. */
		if (part->end > at)
			part->end = moved(part->end, until, gone, n);
		fit->parts[kept++] = *part;
	}
	fit->count = kept;
	fit->note_at = moved(fit->note_at, until, gone, n);
	return 1;
}

static int hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* The octet that stands at *p in a name, with what it is escaped as; -1: none of ASCII. */
static int name_octet(const char **p)
{
	const char *at = *p;
	int code = 0;

	if (*at != '\\') {
		*p = at + 1;
		return (unsigned char)*at;
	}
	if (at[1] != 'u') {
		*p = at + 2;
		return at[1] == '/' ? '/' : -1; /* no key has any of the others */
	}
	for (int i = 2; i < 6; i++)
		code = code * 16 + hex(at[i]);
	*p = at + 6;
	return code < 0x80 ? code : -1;
}

/* Does the path begin with the name that stands in quotes at `at`? Gives how many octets of it, or 0. */
static size_t begins_with(const struct edit *e, size_t at, const char *path)
{
	const char *p = e->out->p + at + 1;
	size_t n = 0;

	while (*p != '"') {
		if (!path[n] || name_octet(&p) != (unsigned char)path[n])
			return 0;
		n++;
	}
	return n && (!path[n] || path[n] == '.') ? n : 0;
}

/* Has the object at `at` a member of this name, which is the whole rest of a path? */
static int has_member(const struct edit *e, size_t at, const char *name)
{
	size_t i = at + 1;

	while (e->out->p[i] != '}') {
		size_t n = begins_with(e, i, name);

		if (n && !name[n])
			return 1;
		i = skip(e, skip(e, i) + 1);
		i += e->out->p[i] == ',';
	}
	return 0;
}

/* Of a value, for who asks: its key is that of the rule. */
static __attribute__((noinline, cold)) void tell(
	const struct edit *e, enum fmt_fate fate, struct fmt_str value, const char *why)
{
	struct fmt_told told = {.fate = fate,
		.key = text_str(
			e->rule->kind == FMT_RULE_RENAME ? e->rule->to : e->rule->key),
		.value = value,
		.why = why};

	if (value.n >= 2 && value.p[0] == '"')
		told.value = (struct fmt_str){value.p + 1, value.n - 2};
	e->message->trace->tell(e->message->trace, &told);
}

static __attribute__((noinline, cold)) void tell_cut(
	const struct edit *e, size_t from, struct fmt_str value)
{
	const struct fmt_told told = {.fate = FMT_CUT,
		.key = text_str(e->rule->key),
		.value = value,
		.why = "that is what an added key may hold",
		.from = from,
		.to = value.n};

	e->message->trace->tell(e->message->trace, &told);
}

static struct fmt_str from_to(const struct edit *e, size_t from, size_t to)
{
	return (struct fmt_str){e->out->p + from, to - from};
}

/* The member at `i` of the object: gives where to go on. */
static size_t drop(struct edit *e, size_t i, size_t end)
{
	if (e->message->trace)
		tell(e, FMT_DROPPED, from_to(e, skip(e, i) + 1, end), NULL);
	if (e->out->p[end] == ',')
		end++;
	else if (e->out->p[i - 1] == ',')
		i--;
	return splice(e, i, end - i, NULL, 0) ? i : end;
}

static size_t rename_member(struct edit *e, size_t object, size_t i, size_t end)
{
	const char *to = last_name(e->rule->to), *name = e->out->p + i + 1;
	size_t last = strlen(last_name(e->rule->key)), n = strlen(to),
	       old = skip(e, i) - i - 2, before = old - last;
	char whole[2 * PATH_MAX_N + 1];

	/* A name with an escape is none that anybody has asked for. */
	if (memchr(name, '\\', old) || old < last)
		return end;
	/* One that has dots itself keeps what is before the last of them. */
	memcpy(whole, name, before);
	memcpy(whole + before, to, n + 1);
	if (has_member(e, object, whole)) {
		if (e->message->trace)
			tell(e, FMT_SHED, from_to(e, skip(e, i) + 1, end),
				"something of that name is there already");
		e->message->shed_fields++;
		return end;
	}
	if (!splice(e, i + 1 + before, last, to, n))
		return end;
	return end - last + n;
}

/* Is the text that stands in quotes at `at` this one? ASCII letters without case. */
static int is_word(const struct edit *e, size_t at, const char *word)
{
	const char *p = e->out->p + at + 1;
	char text[FMT_WORD_MAX];
	size_t n = strlen(word), i = 0;

	for (; *p != '"' && i < n; i++) {
		int octet = name_octet(&p);

		if (octet < 0)
			return 0;
		text[i] = (char)octet;
	}
	return *p == '"' && i == n && text_same_nocase(text, word, n);
}

/* The value at `at`, a text or a list of them, is written as the rule says. Gives where it ends. */
static size_t write_words(struct edit *e, size_t at)
{
	size_t end = skip(e, at);
	char text[ESCAPE_JSON_ROOM(FMT_WORD_MAX)];

	if (e->out->p[at] == '[') {
		at++;
		while (!e->failed && e->out->p[at] != ']') {
			at = e->out->p[at] == '"' ? write_words(e, at) : skip(e, at);
			at += e->out->p[at] == ',';
		}
		return at + 1;
	}
	for (size_t i = 0; e->out->p[at] == '"' && i < e->rule->word_count; i++) {
		const struct fmt_word *word = &e->rule->words[i];
		size_t n;

		if (!is_word(e, at, word->from))
			continue;
		n = (size_t)(escape_json_string(text, text_str(word->to)) - text);
		return splice(e, at + 1, end - at - 2, text, n) ? at + n + 2 : end;
	}
	return end;
}

/* Goes through the value at `at`, of which `path` names members. Gives where it ends. */
static size_t change(struct edit *e, size_t at, const char *path)
{
	size_t i = at + 1;
	char c = e->out->p[at];

	if ((c != '{' && c != '[') || e->depth == DEPTH_MAX)
		return skip(e, at);
	e->depth++;
	while (!e->failed && e->out->p[i] != '}' && e->out->p[i] != ']') {
		if (c == '[') {
			i = change(e, i, path);
		} else {
			size_t n = begins_with(e, i, path), value = skip(e, i) + 1;

			if (!n)
				i = skip(e, value);
			else if (path[n])
				i = change(e, value, path + n + 1);
			else if (e->rule->kind == FMT_RULE_DROP)
				i = drop(e, i, skip(e, value));
			else if (e->rule->kind == FMT_RULE_WORDS)
				i = write_words(e, value);
			else
				i = rename_member(e, at, i, skip(e, value));
		}
		i += e->out->p[i] == ',';
	}
	e->depth--;
	return i + 1;
}

/* A part for what was put in at `start`, in its place among the others. */
static int add_part(struct edit *e, size_t start, size_t end)
{
	struct json_fit *fit = e->fit;
	struct json_part part = {
		.start = start, .end = end, .value = start, .drop = e->rank};
	size_t at;

	if (!json_fit_add(fit, start)) {
		e->failed = 1;
		return 0;
	}
	at = fit->count - 1;
	while (at && fit->parts[at - 1].start > start) {
		fit->parts[at] = fit->parts[at - 1];
		at--;
	}
	fit->parts[at] = part;
	return 1;
}

/* At the end of the object, with objects around it for the names before the last. */
static int put_in(struct edit *e, size_t end, const char *path, struct fmt_str value)
{
	char text[2 * PATH_MAX_N + 8 * PATH_NAMES], *to = text, *p;
	size_t comma = e->out->p[end - 1] != '{', names = 0, n;
	int done;

	if (comma)
		*to++ = ',';
	for (; *path; path += path[n] ? n + 1 : n) {
		n = strcspn(path, ".");
		*to++ = '"';
		memcpy(to, path, n);
		to += n;
		*to++ = '"';
		*to++ = ':';
		if (path[n]) {
			*to++ = '{';
			names++;
		}
	}
	n = (size_t)(to - text);
	p = malloc(n + value.n + names);
	if (!p) {
		e->failed = 1;
		return 0;
	}
	memcpy(p, text, n);
	memcpy(p + n, value.p, value.n);
	memset(p + n + value.n, '}', names);
	n += value.n + names;
	done = splice(e, end, 0, p, n) && add_part(e, end + comma, end + n);
	free(p);
	return done;
}

static void add(struct edit *e, size_t at, const char *path, struct fmt_str value)
{
	size_t i, n;

next_object:
	for (i = at + 1; e->out->p[at] == '{' && e->out->p[i] != '}';) {
		n = begins_with(e, i, path);
		at = n ? skip(e, i) + 1 : at;
		if (n && path[n]) {
			path += n + 1;
			goto next_object;
		}
		if (n)
			break;
		i = skip(e, skip(e, i) + 1);
		i += e->out->p[i] == ',';
	}
	if (e->out->p[at] == '{' && e->out->p[i] == '}')
		put_in(e, i, path, value);
	else {
		if (e->message->trace)
			tell(e, FMT_SHED, value,
				"something of that name is there already");
		e->message->shed_fields++;
	}
}

/* The value as JSON, in memory of its own. */
static struct fmt_str spell(
	const struct edit *e, const struct fmt_added *added, struct fmt_str text)
{
	const struct fmt_str whole = text;
	int cut,
		quoted = !added || added->type == FMT_VALUE_TEXT || text.n > NUMBER_MAX;
	char *p, *to;

	cut = text_cut(&text, VALUE_MAX);
	p = malloc(ESCAPE_JSON_ROOM(text.n) + TEXT_MARK_LEN + 2);
	if (!p)
		return (struct fmt_str){NULL, 0};
	to = p;
	if (!quoted) {
		memcpy(p, text.p, text.n);
		return (struct fmt_str){p, text.n};
	}
	e->message->cut_texts += (unsigned)cut;
	*to++ = '"';
	to = escape_json_string(to, text);
	if (cut) {
		memcpy(to, TEXT_MARK, TEXT_MARK_LEN);
		to += TEXT_MARK_LEN;
	}
	*to++ = '"';
	if (cut && e->message->trace)
		tell_cut(e, whole.n, (struct fmt_str){p + 1, (size_t)(to - p) - 2});
	return (struct fmt_str){p, (size_t)(to - p)};
}

static void add_value(
	struct edit *e, const struct fmt_alert *alert, size_t rule, size_t at)
{
	const struct fmt_added *added = NULL;
	struct fmt_str text = {NULL, 0}, value;

	if (e->rule->value)
		text = text_str(e->rule->value);
	else if (FMT_HAS(alert, added_count) && rule < alert->added_count)
		added = &alert->added[rule];
	if (added)
		text = added->value;
	if (!text.n)
		return;
	value = spell(e, added, text);
	if (value.p)
		add(e, at, e->rule->key, value);
	else
		e->failed = 1;
	free((char *)value.p);
}

int field_json_apply(const struct field_json *map, const struct fmt_alert *alert,
	struct fmt_out *out, size_t at, struct json_fit *fit, uint8_t rank,
	struct fmt_message *message)
{
	static const enum fmt_rule_kind order[] = {
		FMT_RULE_DROP, FMT_RULE_WORDS, FMT_RULE_RENAME, FMT_RULE_ADD};
	struct edit e = {.out = out, .fit = fit, .message = message, .rank = rank};

	for (size_t k = 0; k < sizeof(order) / sizeof(order[0]); k++) {
		for (size_t i = 0; i < map->count && !e.failed; i++) {
			e.rule = &map->rules[i];
			if (e.rule->kind != order[k])
				continue;
			if (order[k] == FMT_RULE_ADD)
				add_value(&e, alert, i, at);
			else
				change(&e, at, e.rule->key);
		}
	}
	return !e.failed;
}
