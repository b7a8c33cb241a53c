/* pairs.c - a header and key=value pairs within a maximum. */
#include "pairs.h"

#include <stdio.h>

#include "escape.h"

#define RESERVE 8192u
#define LONG_MIN 64u /* octets; a shorter rest of a long text is not worth keeping */
#define OMITTED_MAX 40u /* octets of the pair that tells of shed fields */

#define VALUE_MAX 4000u /* the largest maximum in pick.def, in characters */
/* No character becomes longer than four octets. */
#define SCRATCH (4 * VALUE_MAX + ESCAPE_BLOCK + 256)

static int writer_open(struct pair_writer *w, struct fmt_out *out)
{
	size_t limit = out->maximum > out->n ? out->maximum - out->n : 0;
	size_t want = limit < RESERVE ? limit : RESERVE;

	w->out = out;
	if (!want)
		return 0;
	if (out->room < out->n + want && !fmt_room(out, want))
		return 0;
	w->p = out->p + out->n;
	w->end = w->p + (out->room - out->n < limit ? out->room - out->n : limit);
	return 1;
}

static int writer_grow(struct pair_writer *w, size_t n)
{
	struct fmt_out *out = w->out;
	size_t want;

	out->n = (size_t)(w->p - out->p);
	if (n > out->maximum - out->n || out->room >= out->maximum)
		return 0;
	want = out->maximum - out->n < RESERVE ? out->maximum - out->n : RESERVE;
	if (!fmt_room(out, n > want ? n : want))
		return 0;
	w->p = out->p + out->n;
	w->end = out->p + (out->room < out->maximum ? out->room : out->maximum);
	return n <= (size_t)(w->end - w->p);
}

/* Room for n octets, as long as the maximum allows. */
static inline int writer_room(struct pair_writer *w, size_t n)
{
	return n <= (size_t)(w->end - w->p) || writer_grow(w, n);
}

static void writer_close(struct pair_writer *w)
{
	w->out->n = (size_t)(w->p - w->out->p);
}

int pairs_put(struct pair_writer *w, const char *p, size_t n)
{
	if (!writer_room(w, n))
		return 0;
	/* cppcheck-suppress uninitvar ; callers hand over what they have written */
	memcpy(w->p, p, n);
	w->p += n;
	return 1;
}

struct fmt_str pairs_trim(struct fmt_str s, char separator)
{
	for (s = text_trim(s); s.n; s = text_trim(s)) {
		if (s.p[s.n - 1] == separator) {
			s.n--;
		} else if (s.p[0] == separator) {
			s.p++;
			s.n--;
		} else {
			break;
		}
	}
	return s;
}

/* Cuts a value to what its key may hold; says 1 if it did. */
static inline int cut_value(
	const struct pairs_style *style, const struct pair_row *row, struct fmt_str *s)
{
	if (s->n <= row->max || !text_cut(s, row->max))
		return 0;
	*s = pairs_trim(*s, style->separator);
	return 1;
}

/* Needs room of ROW_ROOM(s.n). */
#define ROW_ROOM(n) (ESCAPE_ROOM(n) + TEXT_MARK_LEN + PAIR_KEY_ROOM + PAIR_LABEL_ROOM)
static inline char *render_row(const struct pairs_style *style, char *to,
	const struct pair_row *row, struct fmt_str s, int cut)
{
	const struct pair_label *label = &style->labels[row->label];

	memcpy(to, row->before, PAIR_KEY_ROOM);
	to[0] = style->separator;
	to = pairs_mark(style->value(to + row->before_n, s, style->separator), cut);
	memcpy(to, label->text, PAIR_KEY_ROOM);
	if (label->n > PAIR_KEY_ROOM)
		memcpy(to + PAIR_KEY_ROOM, label->text + PAIR_KEY_ROOM,
			PAIR_LABEL_ROOM - PAIR_KEY_ROOM);
	return to + label->n;
}

/* Its worst case would not fit; what it really comes to may. */
static __attribute__((noinline)) int write_tight(const struct pairs_style *style,
	struct pair_writer *w, const struct pair_row *row, struct fmt_str s, int cut)
{
	char scratch[SCRATCH];

	return pairs_put(w, scratch,
		(size_t)(render_row(style, scratch, row, s, cut) - scratch));
}

static inline int write_row(const struct pairs_style *style, struct pair_writer *w,
	const struct pair_row *row, struct fmt_str s)
{
	int cut = cut_value(style, row, &s);

	w->cut += (unsigned)cut;
	if (!writer_room(w, ROW_ROOM(s.n)))
		return write_tight(style, w, row, s, cut);
	w->p = render_row(style, w->p, row, s, cut);
	return 1;
}

/* Which rows have a value is another thing in each alert: found without a branch for each row. */
static size_t rows_with_values(
	const struct pick *pick, size_t row_count, uint8_t present[PICK_ALL])
{
	size_t count = 0;

	for (size_t i = 0; i < row_count; i++) {
		present[count] = (uint8_t)i;
		count += pick->row[i].n > 0;
	}
	return count;
}

_Static_assert(PICK_ALL <= UINT8_MAX, "rows are counted in octets");

/* Each row begins with a separator. That of the first one takes the place of the header's last octet,
 * which is then put back. */
static int write_rows(
	const struct pairs_style *style, struct pair_writer *w, const struct pick *pick)
{
	uint8_t present[PICK_ALL];
	size_t count = rows_with_values(pick, style->row_count, present);
	size_t at = (size_t)(w->p - w->out->p) - 1;
	char last = w->out->p[at];

	if (!count)
		return 1;
	w->p--;
	for (size_t i = 0; i < count; i++)
		if (!write_row(
			    style, w, &style->rows[present[i]], pick->row[present[i]]))
			return 0;
	w->out->p[at] = last;
	return 1;
}

/* What the second pass knows of each row. */
struct plan {
	uint32_t size[PICK_ALL]; /* octets as rendered, 0: not there or shed */
	uint32_t limit[PICK_ALL]; /* octets of a row that is cut, else 0 */
	size_t total;
	unsigned shed;
};

static void plan_shed(struct plan *plan, size_t row)
{
	plan->total -= plan->size[row];
	plan->size[row] = 0;
	plan->shed++;
}

static void plan_shed_class(const struct pairs_style *style, struct plan *plan,
	enum pair_class class, size_t maximum)
{
	for (size_t i = style->row_count; i-- > 0 && plan->total > maximum;)
		if (plan->size[i] && style->rows[i].class == class)
			plan_shed(plan, i);
}

static void plan_cut_class(const struct pairs_style *style, struct plan *plan,
	enum pair_class class, size_t maximum)
{
	for (size_t i = style->row_count; i-- > 0 && plan->total > maximum;) {
		const struct pair_row *row = &style->rows[i];
		size_t excess = plan->total - maximum;
		size_t least =
			(size_t)row->before_n + style->labels[row->label].n + LONG_MIN;

		if (!plan->size[i] || row->class != class || plan->size[i] <= least)
			continue;
		plan->limit[i] = plan->size[i] >= least + excess
					 ? (uint32_t)(plan->size[i] - excess)
					 : (uint32_t)least;
		plan->total -= plan->size[i] - plan->limit[i];
		plan->size[i] = plan->limit[i];
	}
}

/* Shortens an escaped value at p to at most `limit` octets with the mark; never inside a character
 * or an escape, and by at least as many characters as the mark has. Gives the new end. */
static char *cut_escaped(char *p, char *end, size_t limit, int escapes)
{
	char *cut = end, *before;
	struct text_char next;
	int joining;
	size_t steps = 0;

	while (cut > p) {
		if (steps >= TEXT_MARK_LEN &&
			(size_t)(cut - p) + TEXT_MARK_LEN <= limit) {
			joining = 0;
			if ((unsigned char)*cut >= 0x80) {
				next = text_next((const unsigned char *)cut,
					(size_t)(end - cut));
				joining = text_is_joining(next.code);
			}
			if (!joining || steps > 64 + TEXT_MARK_LEN)
				break;
		}
		/* Far away: jump, then walk back to a boundary below. */
		if ((size_t)(cut - p) > limit + 8)
			cut = p + limit + 8;
		else
			cut--;
		while (cut > p && ((unsigned char)*cut & 0xC0) == 0x80)
			cut--;
		/* Backslashes only ever begin an escape or are its second half: an odd number before
		 * the cut means that it is inside one. */
		for (before = cut; escapes && before > p && before[-1] == '\\';)
			before--;
		if ((cut - before) & 1)
			cut--;
		steps++;
	}
	while (cut > p && cut[-1] == ' ')
		cut--;
	return pairs_mark(cut, 1);
}

static void plan_measure(
	const struct pairs_style *style, struct plan *plan, const struct pick *pick)
{
	char scratch[SCRATCH];

	for (size_t i = 0; i < style->row_count; i++) {
		const struct pair_row *row = &style->rows[i];
		struct fmt_str s = pick->row[i];
		int cut;

		if (!s.n)
			continue;
		cut = cut_value(style, row, &s);
		plan->size[i] =
			(uint32_t)(render_row(style, scratch, row, s, cut) - scratch);
		plan->total += plan->size[i];
	}
}

static void plan_shrink(
	const struct pairs_style *style, struct plan *plan, size_t maximum)
{
	plan->total += OMITTED_MAX;
	plan_shed_class(style, plan, PAIR_EVIDENCE, maximum);
	plan_shed_class(style, plan, PAIR_OPTIONAL, maximum);
	plan_cut_class(style, plan, PAIR_LONG, maximum);
	plan_shed_class(style, plan, PAIR_PLAIN, maximum);
	plan_shed_class(style, plan, PAIR_LONG, maximum);
	plan_cut_class(style, plan, PAIR_TITLE, maximum);
}

/* A row as the plan has it, in scratch: gives its end. */
static char *render_planned(const struct pairs_style *style, char *scratch, size_t at,
	struct fmt_str s, size_t limit, int *cut)
{
	const struct pair_row *row = &style->rows[at];
	const struct pair_label *label = &style->labels[row->label];
	char *to;

	*cut = cut_value(style, row, &s);
	to = render_row(style, scratch, row, s, *cut);
	if (!limit)
		return to;
	to = cut_escaped(scratch + row->before_n, to - label->n,
		limit - row->before_n - label->n, style->escapes);
	memcpy(to, label->text, label->n);
	*cut = 1;
	return to + label->n;
}

/* The rows that the plan has kept. `omitted`: how many it tells of, 0 for no such pair. */
static int write_plan(const struct pairs_style *style, struct pair_writer *w,
	const struct plan *plan, const struct pick *pick, unsigned omitted)
{
	char scratch[SCRATCH], *to;
	size_t first = 1; /* its separator is not written */

	for (size_t i = 0; i < style->row_count; i++) {
		int cut;

		if (!plan->size[i])
			continue;
		to = render_planned(
			style, scratch, i, pick->row[i], plan->limit[i], &cut);
		w->cut += (unsigned)cut;
		if (!pairs_put(w, scratch + first, (size_t)(to - scratch) - first))
			return 0;
		first = 0;
	}
	if (omitted) {
		int n = snprintf(scratch, OMITTED_MAX, "%c%s=%u", style->separator,
			style->omitted, omitted);

		if (!pairs_put(w, scratch + first, (size_t)n - first))
			return 0;
	}
	return 1;
}

/* --- what was done, for who asks --- */

static const char *const shed_why[] = {
	[PAIR_FIXED] = "",
	[PAIR_PLAIN] = "the message has no room for it: other keys go fourth",
	[PAIR_LONG] = "the message has no room for it: long texts go fifth",
	[PAIR_OPTIONAL] = "the message has no room for it: optional keys go second",
	[PAIR_EVIDENCE] = "the message has no room for it: lists of evidence go first",
	[PAIR_TITLE] = "",
};

void pairs_tell_header(const struct pair_writer *w, const char *name,
	struct fmt_str whole, const char *p, const char *end, int cut)
{
	struct fmt_told told = {.fate = FMT_CUT,
		.key = text_str(name),
		.value = {p, (size_t)(end - p)},
		.why = "that is what a header may hold of it",
		.from = whole.n,
		.to = (size_t)(end - p)};

	if (cut)
		w->trace->tell(w->trace, &told);
	told.fate = FMT_WRITTEN;
	told.why = NULL;
	w->trace->tell(w->trace, &told);
}

/* Once more, for the tale alone. */
static void tell_header(const struct pairs_style *style, const void *self,
	const struct pick *pick, int brief, struct fmt_trace *trace)
{
	char scratch[SCRATCH];
	struct fmt_out out = {
		.p = scratch, .room = sizeof(scratch), .maximum = sizeof(scratch)};
	struct pair_writer w = {.out = &out,
		.p = scratch,
		.end = scratch + sizeof(scratch),
		.trace = trace};

	(void)style->header(&w, self, pick, brief);
}

static void tell_row(const struct pairs_style *style, size_t at, struct fmt_str s,
	const struct plan *plan, struct fmt_trace *trace)
{
	const struct pair_row *row = &style->rows[at];
	const struct pair_label *label = &style->labels[row->label];
	const char *equals = label->n ? memchr(label->text, '=', label->n) : NULL;
	char scratch[SCRATCH];
	int cut;
	size_t limit = plan ? plan->limit[at] : 0;
	const char *end = render_planned(style, scratch, at, s, limit, &cut) - label->n;
	struct fmt_told told = {.key = {row->before + 1, row->before_n - 2u},
		.value = {scratch + row->before_n,
			(size_t)(end - scratch) - row->before_n}};

	if (equals)
		told.label = (struct fmt_str){
			equals + 1, (size_t)(label->text + label->n - equals - 1)};
	if (plan && !plan->size[at]) {
		told.fate = FMT_SHED;
		told.why = shed_why[row->class];
	} else if (cut) {
		told.fate = FMT_CUT;
		told.why = limit ? "the message has no room for more: long texts are "
				   "cut third"
				 : "that is what the key may hold";
		told.from = s.n;
		told.to = told.value.n;
		trace->tell(trace, &told);
		told.fate = FMT_WRITTEN;
		told.why = NULL;
	}
	trace->tell(trace, &told);
}

/* plan: NULL when all had room; omitted: as for write_plan(). */
static __attribute__((noinline, cold)) void tell_all(const struct pairs_style *style,
	const void *self, const struct pick *pick, int brief, const struct plan *plan,
	unsigned omitted, struct fmt_trace *trace)
{
	char number[16];
	struct fmt_told told = {.fate = FMT_WRITTEN,
		.key = text_str(style->omitted),
		.value = {number, 0},
		.why = "how many keys were left out"};

	tell_header(style, self, pick, brief, trace);
	for (size_t i = 0; i < style->row_count; i++)
		if (pick->row[i].n)
			tell_row(style, i, pick->row[i], plan, trace);
	if (!omitted)
		return;
	told.value.n = (size_t)snprintf(number, sizeof(number), "%u", omitted);
	trace->tell(trace, &told);
}

static enum fmt_result write_planned(const struct pairs_style *style, const void *self,
	const struct pick *pick, struct fmt_message *message, size_t start)
{
	struct fmt_out *out = message->body;
	struct plan plan = {.total = 0};
	struct pair_writer w = {.cut = 0};
	size_t maximum = out->maximum, header;
	unsigned omitted;
	int brief = 0;

	out->n = start;
	if (!writer_open(&w, out))
		return FMT_TOO_SMALL;
	if (!style->header(&w, self, pick, brief)) {
		brief = 1;
		w.p = out->p + start;
		w.cut = 0;
		if (!style->header(&w, self, pick, brief))
			return FMT_TOO_SMALL;
	}
	writer_close(&w);
	header = out->n;
	plan_measure(style, &plan, pick);
	/* The first pair has no separator before it. */
	plan.total += header - 1;
	if (plan.total > maximum)
		plan_shrink(style, &plan, maximum);
	if (plan.total > maximum && !brief) {
		w.p = out->p + start;
		w.cut = 0;
		brief = 1;
		if (!style->header(&w, self, pick, brief))
			return FMT_TOO_SMALL;
		writer_close(&w);
		plan.total -= header - out->n;
	}
	/* Without the pair that tells of them, if that is all that is missing. */
	omitted = plan.shed;
	if (plan.total > maximum && plan.total - OMITTED_MAX <= maximum) {
		plan.total -= OMITTED_MAX;
		omitted = 0;
	}
	if (plan.total > maximum) {
		out->n = start;
		return FMT_TOO_SMALL;
	}
	if (!write_plan(style, &w, &plan, pick, omitted))
		return FMT_TOO_SMALL;
	writer_close(&w);
	message->shed_fields += plan.shed;
	message->cut_texts += w.cut;
	if (message->trace)
		tell_all(style, self, pick, brief, &plan, omitted, message->trace);
	return FMT_OK;
}

enum fmt_result pairs_write(const struct pairs_style *style, const void *self,
	const struct pick *pick, struct fmt_message *message)
{
	struct pair_writer w = {.cut = 0};
	size_t start = message->body->n;

	if (!writer_open(&w, message->body))
		return FMT_TOO_SMALL;
	if (!style->header(&w, self, pick, 0) || !write_rows(style, &w, pick))
		return write_planned(style, self, pick, message, start);
	writer_close(&w);
	message->cut_texts += w.cut;
	if (message->trace)
		tell_all(style, self, pick, 0, NULL, 0, message->trace);
	return FMT_OK;
}
