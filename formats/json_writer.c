/* json_writer.c - writing a JSON document of our own: fast, and again in parts when it must fit. */
#include "json_writer.h"

#define RESERVE 16384u /* octets asked for at once; most documents are smaller */
#define NO_PART UINT32_MAX

void json_writer_open(struct json_writer *w, struct fmt_out *out, struct json_fit *fit)
{
	w->out = out;
	w->p = w->end = out->p ? out->p + out->n : NULL;
	w->full = 0;
	w->fit = fit;
	w->date.day = -1;
	json_grow(w, 1);
}

void json_writer_close(struct json_writer *w)
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
	json_writer_close(w);
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

static inline int put_key(struct json_writer *w, struct json_name name, size_t n)
{
	char *p;

	if (!json_fits(w, JSON_NAME_ROOM + 1 + n))
		return 0;
	p = w->p;
	*p = ',';
	p += p[-1] != '{';
	memcpy(p, name.p, JSON_NAME_ROOM);
	w->p = p + name.n;
	return 1;
}

int json_key(struct json_writer *w, struct json_name name, size_t n)
{
	return put_key(w, name, n);
}

void json_next(struct json_writer *w)
{
	if (!json_fits(w, 1))
		return;
	*w->p = ',';
	w->p += w->p[-1] != '[';
}

void json_element(struct json_writer *w, struct fmt_str s)
{
	if (!json_fits(w, ESCAPE_JSON_ROOM(s.n) + 3))
		return;
	*w->p = ',';
	w->p += w->p[-1] != '[';
	json_quote(w, s);
}

void json_string(struct json_writer *w, struct fmt_str s)
{
	if (json_fits(w, ESCAPE_JSON_ROOM(s.n) + 2))
		json_quote(w, s);
}

struct json_open json_open(struct json_writer *w, struct json_name name, char bracket)
{
	struct json_open open = {(size_t)(w->p - w->out->p), 0, 0};

	if (w->fit)
		open.part = (uint32_t)json_begin_part(w);
	if (put_key(w, name, 1)) {
		open.bracket = (uint32_t)((size_t)(w->p - w->out->p) - open.start);
		*w->p++ = bracket;
	}
	return open;
}

void json_close(struct json_writer *w, struct json_open open, enum json_rank rank)
{
	if (w->full)
		return;
	if (json_is_empty(w)) {
		w->p = w->out->p + open.start;
		if (w->fit)
			w->fit->count = open.part;
		return;
	}
	if (!json_fits(w, 1))
		return;
	*w->p++ = w->out->p[open.start + open.bracket] == '{' ? '}' : ']';
	if (w->fit)
		json_end_part(w, open.part, rank, JSON_FIXED, 0, 0);
}

/* A text with its rank, as a part. */
static void put_ranked(struct json_writer *w, struct json_name name, struct fmt_str s,
	enum json_rank drop, enum json_rank cut)
{
	size_t part = json_begin_part(w), value;

	if (!put_key(w, name, ESCAPE_JSON_ROOM(s.n) + 2))
		return;
	value = (size_t)(w->p - w->out->p);
	json_quote(w, s);
	json_end_part(w, part, drop, cut, value, 0);
}

static inline void put_text(
	struct json_writer *w, struct json_name name, struct fmt_str s)
{
	if (put_key(w, name, ESCAPE_JSON_ROOM(s.n) + 2))
		json_quote(w, s);
}

void json_long(struct json_writer *w, struct json_name name, struct fmt_str s,
	enum json_rank drop, enum json_rank cut)
{
	if (!s.n)
		return;
	if (w->fit && (drop != JSON_FIXED || cut != JSON_FIXED))
		put_ranked(w, name, s, drop, cut);
	else
		put_text(w, name, s);
}

void json_member(struct json_writer *w, struct json_name name, struct fmt_str s,
	enum json_rank rank)
{
	if (!s.n)
		return;
	if (w->fit && rank != JSON_FIXED)
		put_ranked(w, name, s, rank, JSON_FIXED);
	else
		put_text(w, name, s);
}

void json_value(struct json_writer *w, struct json_name name, struct fmt_str json)
{
	if (!put_key(w, name, json.n))
		return;
	memcpy(w->p, json.p, json.n);
	w->p += json.n;
}

void json_number(struct json_writer *w, struct json_name name, uint64_t number)
{
	if (put_key(w, name, VALUE_NUMBER_ROOM))
		w->p = value_put_number(w->p, number);
}

void json_time(struct json_writer *w, struct json_name name, int64_t ticks,
	enum json_rank rank)
{
	size_t part = 0;
	char *p;

	if (!value_is_time(ticks))
		return;
	if (w->fit && rank != JSON_FIXED)
		part = json_begin_part(w);
	if (!put_key(w, name, VALUE_TIME_ROOM + 2))
		return;
	p = w->p;
	*p++ = '"';
	p = value_put_time_near(&w->date, p, ticks, 3);
	*p++ = '"';
	w->p = p;
	if (w->fit && rank != JSON_FIXED)
		json_end_part(w, part, rank, JSON_FIXED, 0, 0);
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
		json_element(w, s);
	}
	json_close(w, open, rank);
}

void json_set(struct json_writer *w, struct json_name name, const struct value_set *set,
	enum json_rank rank)
{
	json_list(w, name, (struct fmt_list){set->items, set->count}, rank);
}
