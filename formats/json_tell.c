/* json_tell.c - what a JSON text holds and what was left out of it, told value by value. */
#include "json_tell.h"

#include <stdio.h>
#include <stdlib.h>

#include "json_text.h"
#include "text.h"

struct path {
	char p[JSON_TELL_PATH];
	size_t n;
};

struct tale {
	struct fmt_trace *trace;
	const struct json_fit *fit; /* NULL: nothing was left out */
	const char *text;
	size_t part; /* the next of fit */
	struct path key; /* in the whole text */
	struct path shown; /* in the message */
	unsigned depth;
};

/* 0 when it has no room. */
static int path_add(
	struct path *path, const char *before, struct fmt_str s, const char *behind)
{
	size_t a = path->n ? strlen(before) : 0, b = strlen(behind);

	if (a + s.n + b > sizeof(path->p) - path->n)
		return 0;
	memcpy(path->p + path->n, before, a);
	memcpy(path->p + path->n + a, s.p, s.n);
	memcpy(path->p + path->n + a + s.n, behind, b);
	path->n += a + s.n + b;
	return 1;
}

static int path_add_index(struct path *path, size_t index)
{
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%zu", index);

	return path_add(path, "[", (struct fmt_str){digits, (size_t)n}, "]");
}

static struct fmt_str inside(struct fmt_str value)
{
	if (value.n >= 2 && value.p[0] == '"')
		return (struct fmt_str){value.p + 1, value.n - 2};
	return value;
}

static void tell(struct tale *tale, struct fmt_told *told)
{
	told->key = (struct fmt_str){tale->key.p, tale->key.n};
	if (told->fate != FMT_SHED &&
		(tale->key.n != tale->shown.n ||
			memcmp(tale->key.p, tale->shown.p, tale->key.n) != 0))
		told->shown = (struct fmt_str){tale->shown.p, tale->shown.n};
	tale->trace->tell(tale->trace, told);
}

static void tell_written(struct tale *tale, struct fmt_str value)
{
	struct fmt_told told = {.fate = FMT_WRITTEN, .value = inside(value)};

	tell(tale, &told);
}

static void tell_cut(struct tale *tale, struct fmt_str value, size_t keep)
{
	struct fmt_told told = {.fate = FMT_CUT,
		.why = "the message has no room for more",
		.from = value.n - 2,
		.to = keep + TEXT_MARK_LEN};
	char *text = malloc(keep + TEXT_MARK_LEN);

	if (!text)
		return;
	memcpy(text, value.p + 1, keep);
	memcpy(text + keep, TEXT_MARK, TEXT_MARK_LEN);
	told.value = (struct fmt_str){text, keep + TEXT_MARK_LEN};
	tell(tale, &told);
	told.fate = FMT_WRITTEN;
	told.why = NULL;
	tell(tale, &told);
	free(text);
}

/* The part that begins there, or NULL. */
static const struct json_part *part_at(struct tale *tale, const char *p)
{
	const struct json_fit *fit = tale->fit;
	size_t at = (size_t)(p - tale->text);

	while (fit && tale->part < fit->count && fit->parts[tale->part].start < at)
		tale->part++;
	return fit && tale->part < fit->count && fit->parts[tale->part].start == at
		       ? &fit->parts[tale->part]
		       : NULL;
}

static void walk(struct tale *tale, struct fmt_str value);

/* One that begins at p, with its name. 1 when it stands in the message. */
static int tell_item(struct tale *tale, const char *p, struct fmt_str value)
{
	const struct json_part *part = part_at(tale, p);
	struct fmt_told told = {.fate = FMT_SHED, .value = inside(value)};

	if (part && part->dropped) {
		told.why = tale->fit->why(part->drop);
		tell(tale, &told);
		return 0;
	}
	if (part && part->keep)
		tell_cut(tale, value, part->keep);
	else
		walk(tale, value);
	return 1;
}

static void tell_note(struct tale *tale, const char *name, size_t number)
{
	const struct path key = tale->key, shown = tale->shown;
	char digits[24];
	struct fmt_told told = {.fate = FMT_WRITTEN,
		.value = {digits,
			(size_t)snprintf(digits, sizeof(digits), "%zu", number)},
		.why = "how much was left out"};

	if (number && path_add(&tale->key, ".", text_str(name), "") &&
		path_add(&tale->shown, ".", text_str(name), ""))
		tell(tale, &told);
	tale->key = key;
	tale->shown = shown;
}

/* Members or elements; gives how many stand in the message. */
static size_t walk_items(struct tale *tale, struct fmt_str value)
{
	const char *p = value.p + 1, *end = value.p + value.n - 1;
	const size_t key = tale->key.n, shown = tale->shown.n;
	size_t index = 0, kept = 0;

	for (; p < end; index++, p++) {
		const char *at = p, *next;
		struct fmt_str name = {p + 1, 0};
		int fits;

		if (value.p[0] == '{') {
			p = json_skip(p, end);
			name.n = (size_t)(p - name.p) - 1;
			p++;
			fits = path_add(&tale->key, ".", name, "") &&
			       path_add(&tale->shown, ".", name, "");
		} else {
			fits = path_add_index(&tale->key, index) &&
			       path_add_index(&tale->shown, kept);
		}
		next = json_skip(p, end);
		if (fits)
			kept += (size_t)tell_item(
				tale, at, (struct fmt_str){p, (size_t)(next - p)});
		tale->key.n = key;
		tale->shown.n = shown;
		p = next;
	}
	return kept;
}

static void walk(struct tale *tale, struct fmt_str value)
{
	const struct json_fit *fit = tale->fit;
	int is_object = value.p[0] == '{';
	size_t kept;

	if ((!is_object && value.p[0] != '[') || tale->depth == JSON_TELL_DEPTH) {
		tell_written(tale, value);
		return;
	}
	tale->depth++;
	kept = walk_items(tale, value);
	tale->depth--;
	if (!kept)
		tell_written(tale, text_str(is_object ? "{}" : "[]"));
	if (fit && (size_t)(value.p + value.n - 1 - tale->text) == fit->note_at) {
		tell_note(tale, fit->evidence_note, fit->evidence_omitted);
		tell_note(tale, fit->field_note, fit->fields_omitted);
	}
}

void json_tell(struct fmt_trace *trace, struct fmt_str text, const struct json_fit *fit)
{
	struct tale *tale = calloc(1, sizeof(*tale));
	struct fmt_out compact;

	json_heap_init(&compact);
	if (!fit && json_compact(&compact, text))
		text = (struct fmt_str){compact.p, compact.n};
	if (tale && (fit || compact.n)) {
		tale->trace = trace;
		tale->fit = fit;
		tale->text = text.p;
		walk(tale, text);
	}
	json_heap_free(&compact);
	free(tale);
}
