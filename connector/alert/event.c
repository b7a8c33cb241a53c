#include "config.h"

#include "alert/event.h"

#include <string.h>

#include "alert/alert.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Where the array ends whose elements go on at p, or NULL: this is in no array. */
static const char *array_end(const char *p, const char *end)
{
	size_t depth = 0;

	for (; p < end; p++) {
		if (*p == '"') {
			for (p++; p < end && *p != '"'; p++)
				p += *p == '\\';
		} else if (*p == '[' || *p == '{') {
			depth++;
		} else if (*p == ']' || *p == '}') {
			if (!depth)
				return *p == ']' ? p : NULL;
			depth--;
		}
	}
	return NULL;
}

static bool within(struct fmt_str outer, struct fmt_str s)
{
	return s.n && s.p >= outer.p && s.p + s.n <= outer.p + outer.n;
}

/* Pieces beyond the limit on evidence lie in the same arrays: they go too. */
static void find_holes(struct alert_events *events)
{
	const struct fmt_alert *alert = events->alert;
	const char *at = alert->raw.p, *end = at + alert->raw.n;

	for (size_t i = 0; i < alert->evidence_count; i++) {
		struct fmt_str piece = alert->evidence[i].raw;
		const char *to, *before = piece.p;

		if (!within(alert->raw, piece) || piece.p < at)
			continue;
		while (before > alert->raw.p && is_space(before[-1]))
			before--;
		if (before == alert->raw.p || before[-1] != '[')
			continue;
		to = array_end(piece.p + piece.n, end);
		if (!to || events->hole_count == ALERT_EVENT_HOLES)
			continue;
		events->holes[events->hole_count++] =
			(struct fmt_str){piece.p, (size_t)(to - piece.p)};
		at = to;
	}
}

void alert_events_begin(
	struct alert_events *events, const struct fmt_alert *alert, bool split)
{
	events->alert = alert;
	events->split = split;
	events->next = 0;
	events->count = split && alert->evidence_count ? alert->evidence_count : 1;
	events->hole_count = 0;
	strbuf_init(&events->raw, alert->raw.n + 1);
	if (split && alert->raw.n)
		find_holes(events);
}

/* The alert's raw text with this piece alone in the arrays of evidence. */
static struct fmt_str make_raw(struct alert_events *events, struct fmt_str piece)
{
	struct fmt_str raw = events->alert->raw;
	const char *at = raw.p;
	bool whole = true;

	strbuf_reset(&events->raw);
	for (size_t i = 0; i < events->hole_count; i++) {
		struct fmt_str hole = events->holes[i];

		whole &= strbuf_add(&events->raw, at, (size_t)(hole.p - at));
		if (within(hole, piece))
			whole &= strbuf_add(&events->raw, piece.p, piece.n);
		at = hole.p + hole.n;
	}
	whole &= strbuf_add(&events->raw, at, (size_t)(raw.p + raw.n - at));
	return whole ? (struct fmt_str){events->raw.p, events->raw.n} : raw;
}

const struct fmt_alert *alert_events_next(struct alert_events *events)
{
	const struct fmt_alert *alert = events->alert;
	struct fmt_alert *part = &events->part;

	if (events->next == events->count)
		return NULL;
	events->next++;
	if (!events->split)
		return alert;
	*part = *alert;
	part->event_number = (uint32_t)events->next;
	part->event_count = (uint32_t)events->count;
	if (!alert->evidence_count)
		return part;
	part->evidence = &alert->evidence[events->next - 1];
	part->evidence_count = 1;
	alert_choose(part);
	if (events->hole_count)
		part->raw = make_raw(events, part->evidence->raw);
	return part;
}

void alert_events_end(struct alert_events *events)
{
	strbuf_clear(&events->raw);
}
