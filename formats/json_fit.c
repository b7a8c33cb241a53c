/* json_fit.c - a JSON text made smaller by leaving out parts of it. */
#include "json_fit.h"

#include <stdio.h>
#include <stdlib.h>

#include "json_text.h"
#include "text.h"

#define NOTE_ROOM 96u /* the two notes with their numbers */
#define TEXT_MIN 64u /* octets that stay of a long text */

struct plan {
	struct json_fit *fit;
	struct fmt_str text;
	size_t size; /* octets as planned */
	size_t evidence_omitted, fields_omitted;
	unsigned cut;
};

struct json_part *json_fit_add(struct json_fit *fit, size_t start)
{
	struct json_part *part;

	if (fit->count == fit->room) {
		size_t room = fit->room ? fit->room * 2 : 64;
		struct json_part *more =
			realloc(fit->parts, room * sizeof(*fit->parts));

		if (!more)
			return NULL;
		fit->parts = more;
		fit->room = room;
	}
	part = &fit->parts[fit->count++];
	*part = (struct json_part){.start = start};
	return part;
}

void json_fit_clear(struct json_fit *fit)
{
	free(fit->parts);
	fit->parts = NULL;
	fit->count = fit->room = 0;
}

/* Octets of a part as planned now, and what is inside it goes with it. */
static size_t take_out(struct plan *plan, size_t at)
{
	struct json_part *part = &plan->fit->parts[at];
	size_t size = part->end - part->start;

	if (part->keep) {
		size -= part->end - part->value - 2 - part->keep - TEXT_MARK_LEN;
		plan->cut--;
	}
	for (size_t i = at + 1; i < plan->fit->count; i++) {
		struct json_part *inner = &plan->fit->parts[i];

		if (inner->start >= part->end)
			break;
		if (inner->dropped) {
			/* Of two inside each other only the outer one is counted. */
			if (inner->dropped == 1)
				size -= inner->end - inner->start + 1;
		} else {
			if (inner->keep) {
				size -= inner->end - inner->value - 2 - inner->keep -
					TEXT_MARK_LEN;
				plan->cut--;
			}
			plan->evidence_omitted += inner->evidence;
		}
		inner->dropped = 2;
	}
	part->dropped = 1;
	return size + 1;
}

static void drop(struct plan *plan, size_t at)
{
	plan->size -= take_out(plan, at);
	if (plan->fit->parts[at].evidence)
		plan->evidence_omitted++;
	else
		plan->fields_omitted++;
}

/* Octets of the inside of a JSON string that end at a character, at most max. */
static size_t cut_string(struct fmt_str s, size_t max)
{
	size_t at = 0;

	for (;;) {
		const char *p = s.p + at;
		size_t n = 1;

		if (at >= s.n)
			break;
		if (*p == '\\' && p[1] == 'u') {
			/* The halves of a surrogate pair stay together. */
			n = (p[2] == 'd' || p[2] == 'D') && strchr("89abAB", p[3]) ? 12
										   : 6;
		} else if (*p == '\\') {
			n = 2;
		} else {
			while (at + n < s.n && ((unsigned char)p[n] & 0xC0) == 0x80)
				n++;
		}
		if (at + n > max)
			break;
		at += n;
	}
	return at;
}

static void cut(struct plan *plan, struct json_part *part, size_t limit)
{
	struct fmt_str s = {plan->text.p + part->value, part->end - part->value};
	size_t inside, excess = plan->size - limit, keep;

	if (s.n < 2 || s.p[0] != '"' || s.n - 2 <= TEXT_MIN)
		return;
	inside = s.n - 2;
	keep = inside > excess + TEXT_MARK_LEN &&
			       inside - excess - TEXT_MARK_LEN > TEXT_MIN
		       ? inside - excess - TEXT_MARK_LEN
		       : TEXT_MIN - TEXT_MARK_LEN;
	part->keep = cut_string((struct fmt_str){s.p + 1, inside}, keep);
	if (!part->keep)
		return;
	plan->size -= inside - part->keep - TEXT_MARK_LEN;
	plan->cut++;
}

static void shed(struct plan *plan, size_t limit)
{
	struct json_fit *fit = plan->fit;
	unsigned char used[UINT8_MAX + 1] = {0};

	for (size_t i = 0; i < fit->count; i++) {
		used[fit->parts[i].drop] = 1;
		used[fit->parts[i].cut] = 1;
	}
	for (unsigned rank = 1; rank < JSON_FIT_RANKS && plan->size > limit; rank++) {
		for (size_t i = used[rank] ? fit->count : 0;
			i-- > 0 && plan->size > limit;) {
			struct json_part *part = &fit->parts[i];

			if (part->dropped)
				continue;
			if (part->drop == rank)
				drop(plan, i);
			else if (part->cut == rank)
				cut(plan, part, limit);
		}
	}
}

static int put_note(struct fmt_out *out, const char *name, size_t number)
{
	char digits[24];

	if (!number)
		return 1;
	return json_put_name(out, name) &&
	       json_put(out, digits,
		       (size_t)snprintf(digits, sizeof(digits), "%zu", number));
}

/* From the text up to `at`. */
static int put_until(struct fmt_out *out, struct fmt_str text, size_t *from, size_t at)
{
	int ok = json_put(out, text.p + *from, at - *from);

	*from = at;
	return ok;
}

static int put_parts(const struct plan *plan, struct fmt_out *out)
{
	const struct json_fit *fit = plan->fit;
	struct fmt_str text = plan->text;
	size_t from = 0, noted = 0;

	for (size_t i = 0; i <= fit->count; i++) {
		const struct json_part *part = i < fit->count ? &fit->parts[i] : NULL;

		if (!noted && (!part || part->start >= fit->note_at)) {
			if (!put_until(out, text, &from, fit->note_at) ||
				!put_note(out, fit->evidence_note,
					plan->evidence_omitted) ||
				!put_note(out, fit->field_note, plan->fields_omitted))
				return 0;
			noted = 1;
		}
		if (!part || part->start < from)
			continue;
		if (part->dropped) {
			if (!put_until(out, text, &from, part->start))
				return 0;
			from = part->end;
			if (text.p[from] == ',')
				from++;
			else if (out->p[out->n - 1] == ',')
				out->n--;
		} else if (part->keep) {
			if (!put_until(
				    out, text, &from, part->value + 1 + part->keep) ||
				!json_put(out, TEXT_MARK "\"", TEXT_MARK_LEN + 1))
				return 0;
			from = part->end;
		}
	}
	return put_until(out, text, &from, text.n);
}

int json_fit_write(struct json_fit *fit, struct fmt_out *out, struct fmt_str text,
	size_t limit, struct fmt_message *message)
{
	struct plan plan = {.fit = fit, .text = text, .size = text.n + NOTE_ROOM};
	size_t start = out->n;

	for (size_t i = 0; i < fit->count; i++)
		if (fit->parts[i].drop == JSON_FIT_ALWAYS)
			drop(&plan, i);
	shed(&plan, limit);
	if (plan.size > limit || !put_parts(&plan, out) || out->n - start > limit)
		return 0;
	message->shed_fields += (unsigned)(plan.evidence_omitted + plan.fields_omitted);
	message->cut_texts += plan.cut;
	fit->evidence_omitted = plan.evidence_omitted;
	fit->fields_omitted = plan.fields_omitted;
	return 1;
}
