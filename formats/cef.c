/* cef.c - ArcSight Common Event Format.
 *
 * Purpose:  CEF:0|Microsoft|product|version|class id|name|severity|key=value ...
 * Shape:    cef_map() chooses the values; here they are written. Usually one pass is enough. Only
 *           when a message is too large, a second one measures each pair alone and plans what
 *           goes, in this order: evidence lists, optional keys, the ends of msg and of the command
 *           line, then the plain keys. Fixed keys and the header always stay.
 * Source:   Micro Focus Common Event Format, document version 27. */
#include <stdio.h>
#include <stdlib.h>

#include "cef_map.h"
#include "escape.h"
#include "registry.h"
#include "text.h"

#define CEF_RESERVE 8192u
#define CEF_NAME_SHORT 64u
#define CEF_LONG_MIN                                                                   \
	64u /* octets; a shorter rest of a long text is not worth keeping */
#define CEF_OMITTED_MAX 40u /* octets of the pair that tells of shed fields */

enum cef_class {
	CEF_FIXED,
	CEF_PLAIN,
	CEF_LONG,
	CEF_OPTIONAL,
	CEF_EVIDENCE,
};

#define CEF_KEY_ROOM 48u

/* The texts are copied with all their room: a fixed size is a few instructions. A row is one line of
 * the cache. */
struct cef_row {
	_Alignas(64) char before[CEF_KEY_ROOM]; /* " cs1=" */
	uint8_t before_n;
	uint8_t label; /* in labels */
	uint16_t max;
	enum cef_class class;
};

struct cef_label {
	char text[CEF_KEY_ROOM]; /* " cs1Label=threatName" */
	uint8_t n;
};

#define PAIR(id, class, max, key)
#define LABELLED(id, class, max, key, label) LABEL_##id,
enum {
	LABEL_NONE,
#include "cef_keys.def"
};
#undef LABELLED

#define LABELLED(id, class, max, key, label)                                           \
	{" " key "Label=" label, sizeof(" " key "Label=" label) - 1},
static const struct cef_label labels[] = {
	{"", 0},
#include "cef_keys.def"
};
#undef PAIR
#undef LABELLED

#define ROW(class, max, key, label)                                                    \
	{" " key "=", sizeof(" " key "=") - 1, label, max, class},
#define PAIR(id, class, max, key) ROW(class, max, key, LABEL_NONE)
#define LABELLED(id, class, max, key, label) ROW(class, max, key, LABEL_##id)
static const struct cef_row rows[CEF_ROWS] = {
#include "cef_keys.def"
};
#undef PAIR
#undef LABELLED

#define CEF_VALUE_MAX 4000u /* the largest maximum in cef_keys.def, in characters */
/* No character becomes longer than four octets. */
#define CEF_SCRATCH (4 * CEF_VALUE_MAX + ESCAPE_BLOCK + 256)

struct cef {
	char version;
	char pipe;
	int leading_space;
	struct fmt_str device_version;
};

/* Where the text goes. `end` respects the maximum as well as the room. */
struct writer {
	struct fmt_out *out;
	char *p;
	char *end;
	unsigned cut;
};

static int writer_open(struct writer *w, struct fmt_out *out)
{
	size_t limit = out->maximum > out->n ? out->maximum - out->n : 0;
	size_t want = limit < CEF_RESERVE ? limit : CEF_RESERVE;

	w->out = out;
	if (!want)
		return 0;
	if (out->room < out->n + want && !fmt_room(out, want))
		return 0;
	w->p = out->p + out->n;
	w->end = w->p + (out->room - out->n < limit ? out->room - out->n : limit);
	return 1;
}

static int writer_grow(struct writer *w, size_t n)
{
	struct fmt_out *out = w->out;
	size_t want;

	out->n = (size_t)(w->p - out->p);
	if (n > out->maximum - out->n || out->room >= out->maximum)
		return 0;
	want = out->maximum - out->n < CEF_RESERVE ? out->maximum - out->n
						   : CEF_RESERVE;
	if (!fmt_room(out, n > want ? n : want))
		return 0;
	w->p = out->p + out->n;
	w->end = out->p + (out->room < out->maximum ? out->room : out->maximum);
	return n <= (size_t)(w->end - w->p);
}

/* Room for n octets, as long as the maximum allows. */
static inline int writer_room(struct writer *w, size_t n)
{
	return n <= (size_t)(w->end - w->p) || writer_grow(w, n);
}

static void writer_close(struct writer *w)
{
	w->out->n = (size_t)(w->p - w->out->p);
}

static int writer_put(struct writer *w, const char *p, size_t n)
{
	if (!writer_room(w, n))
		return 0;
	/* cppcheck-suppress uninitvar ; callers hand over what they have written */
	memcpy(w->p, p, n);
	w->p += n;
	return 1;
}

/* A cut text with its mark; room for ESCAPE_ROOM(s.n) and the mark must be there. */
static char *put_mark(char *to, int cut)
{
	if (!cut)
		return to;
	memcpy(to, TEXT_MARK, TEXT_MARK_LEN);
	return to + TEXT_MARK_LEN;
}

/* Needs room of ROW_ROOM(s.n). */
#define ROW_ROOM(n) (ESCAPE_ROOM(n) + TEXT_MARK_LEN + 2 * CEF_KEY_ROOM)
static inline char *render_row(
	char *to, const struct cef_row *row, struct fmt_str s, int cut)
{
	const struct cef_label *label = &labels[row->label];

	memcpy(to, row->before, CEF_KEY_ROOM);
	to = put_mark(escape_cef_value(to + row->before_n, s), cut);
	memcpy(to, label->text, CEF_KEY_ROOM);
	return to + label->n;
}

/* Its worst case would not fit; what it really comes to may. */
static __attribute__((noinline)) int write_tight(
	struct writer *w, const struct cef_row *row, struct fmt_str s, int cut)
{
	char scratch[CEF_SCRATCH];

	return writer_put(
		w, scratch, (size_t)(render_row(scratch, row, s, cut) - scratch));
}

static inline int write_row(
	struct writer *w, const struct cef_row *row, struct fmt_str s)
{
	int cut = s.n > row->max && text_cut(&s, row->max);

	w->cut += (unsigned)cut;
	if (!writer_room(w, ROW_ROOM(s.n)))
		return write_tight(w, row, s, cut);
	w->p = render_row(w->p, row, s, cut);
	return 1;
}

static char *put_field(char *to, struct fmt_str s, size_t max, char pipe,
	struct writer *w, int is_class)
{
	int cut = text_cut(&s, max);

	w->cut += (unsigned)cut;
	to = is_class ? escape_cef_class(to, s) : escape_cef_header(to, s, pipe);
	to = put_mark(to, cut);
	*to++ = '|';
	return to;
}

static int write_header(struct writer *w, const struct cef *cef,
	const struct cef_values *values, size_t name_max)
{
	static const char vendor[] = "|Microsoft|";
	char scratch[4 * (CEF_PRODUCT_MAX + CEF_VERSION_MAX + CEF_CLASS_MAX +
				 CEF_NAME_MAX) +
		     ESCAPE_BLOCK + 64];
	char *to = scratch;

	w->cut = 0;
	memcpy(to, "CEF:", 4);
	to[4] = cef->version;
	to += 5;
	memcpy(to, vendor, sizeof(vendor) - 1);
	to += sizeof(vendor) - 1;
	to = put_field(to, values->product, CEF_PRODUCT_MAX, cef->pipe, w, 0);
	to = put_field(to, cef->device_version, CEF_VERSION_MAX, cef->pipe, w, 0);
	to = put_field(to, values->class_id, CEF_CLASS_MAX, 0, w, 1);
	to = put_field(to, values->name, name_max, cef->pipe, w, 0);
	*to++ = (char)('0' + values->severity);
	*to++ = '|';
	if (cef->leading_space)
		*to++ = ' ';
	return writer_put(w, scratch, (size_t)(to - scratch));
}

/* Which rows have a value is another thing in each alert: found without a branch for each row. */
static size_t rows_with_values(
	const struct cef_values *values, uint8_t present[CEF_ROWS])
{
	size_t count = 0;

	for (size_t i = 0; i < CEF_ROWS; i++) {
		present[count] = (uint8_t)i;
		count += values->row[i].n > 0;
	}
	return count;
}

_Static_assert(CEF_ROWS <= UINT8_MAX, "rows are counted in octets");

/* The rows begin with the space that separates them; the first takes the place of it. */
static int write_rows(struct writer *w, const struct cef_values *values)
{
	uint8_t present[CEF_ROWS];
	size_t count = rows_with_values(values, present);
	struct cef_row first;

	if (!count)
		return 1;
	first = rows[present[0]];
	first.before_n--;
	memmove(first.before, first.before + 1, first.before_n);
	if (!write_row(w, &first, values->row[present[0]]))
		return 0;
	for (size_t i = 1; i < count; i++)
		if (!write_row(w, &rows[present[i]], values->row[present[i]]))
			return 0;
	return 1;
}

/* What the second pass knows of each row. */
struct plan {
	uint32_t size[CEF_ROWS]; /* octets as rendered, 0: not there or shed */
	uint32_t limit[CEF_ROWS]; /* octets of a long row that is cut, else 0 */
	size_t total;
	unsigned shed;
};

static void plan_shed(struct plan *plan, size_t row)
{
	plan->total -= plan->size[row];
	plan->size[row] = 0;
	plan->shed++;
}

static void plan_shed_class(struct plan *plan, enum cef_class class, size_t maximum)
{
	for (size_t i = CEF_ROWS; i-- > 0 && plan->total > maximum;)
		if (plan->size[i] && rows[i].class == class)
			plan_shed(plan, i);
}

static void plan_cut_long(struct plan *plan, size_t maximum)
{
	for (size_t i = CEF_ROWS; i-- > 0 && plan->total > maximum;) {
		size_t excess = plan->total - maximum;
		size_t least = (size_t)rows[i].before_n + labels[rows[i].label].n +
			       CEF_LONG_MIN;

		if (!plan->size[i] || rows[i].class != CEF_LONG ||
			plan->size[i] <= least)
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
static char *cut_escaped(char *p, char *end, size_t limit)
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
		for (before = cut; before > p && before[-1] == '\\';)
			before--;
		if ((cut - before) & 1)
			cut--;
		steps++;
	}
	while (cut > p && cut[-1] == ' ')
		cut--;
	return put_mark(cut, 1);
}

static enum fmt_result cef_plan(const struct cef *cef, const struct cef_values *values,
	struct fmt_message *message, size_t start)
{
	struct fmt_out *out = message->body;
	struct plan plan = {.total = 0};
	struct writer w = {.cut = 0};
	size_t maximum = out->maximum, header, name_max = CEF_NAME_MAX;
	char scratch[CEF_SCRATCH], *to;
	unsigned omitted;
	int first = 1;

	out->n = start;
	if (!writer_open(&w, out) || !write_header(&w, cef, values, name_max)) {
		name_max = CEF_NAME_SHORT;
		w.p = out->p + start;
		if (!write_header(&w, cef, values, name_max))
			return FMT_TOO_SMALL;
	}
	writer_close(&w);
	header = out->n;
	for (size_t i = 0; i < CEF_ROWS; i++) {
		struct fmt_str s = values->row[i];
		int cut;

		if (!s.n)
			continue;
		cut = text_cut(&s, rows[i].max);
		plan.size[i] =
			(uint32_t)(render_row(scratch, &rows[i], s, cut) - scratch);
		plan.total += plan.size[i];
	}
	/* The first pair has no space before it. */
	plan.total += header - 1;
	if (plan.total > maximum) {
		plan.total += CEF_OMITTED_MAX;
		plan_shed_class(&plan, CEF_EVIDENCE, maximum);
		plan_shed_class(&plan, CEF_OPTIONAL, maximum);
		plan_cut_long(&plan, maximum);
		plan_shed_class(&plan, CEF_PLAIN, maximum);
		plan_shed_class(&plan, CEF_LONG, maximum);
	}
	if (plan.total > maximum && name_max > CEF_NAME_SHORT) {
		w.p = out->p + start;
		if (!write_header(&w, cef, values, CEF_NAME_SHORT))
			return FMT_TOO_SMALL;
		writer_close(&w);
		plan.total -= header - out->n;
	}
	/* Without the pair that tells of them, if that is all that is missing. */
	omitted = plan.shed;
	if (plan.total > maximum && plan.total - CEF_OMITTED_MAX <= maximum) {
		plan.total -= CEF_OMITTED_MAX;
		omitted = 0;
	}
	if (plan.total > maximum) {
		out->n = start;
		return FMT_TOO_SMALL;
	}
	for (size_t i = 0; i < CEF_ROWS; i++) {
		struct fmt_str s = values->row[i];
		const struct cef_row *row = &rows[i];
		const struct cef_label *label = &labels[row->label];
		int cut;

		if (!plan.size[i])
			continue;
		cut = text_cut(&s, row->max);
		to = render_row(scratch, row, s, cut);
		if (plan.limit[i]) {
			size_t around = (size_t)row->before_n + label->n;

			to = cut_escaped(scratch + row->before_n, to - label->n,
				plan.limit[i] - around);
			memcpy(to, label->text, label->n);
			to += label->n;
			cut = 1;
		}
		w.cut += (unsigned)cut;
		if (!writer_put(&w, scratch + first,
			    (size_t)(to - scratch) - (size_t)first))
			return FMT_TOO_SMALL;
		first = 0;
	}
	if (omitted) {
		int n = snprintf(
			scratch, CEF_OMITTED_MAX, " AlertrelayOmitted=%u", omitted);

		if (!writer_put(&w, scratch + first, (size_t)(n - first)))
			return FMT_TOO_SMALL;
	}
	writer_close(&w);
	message->shed_fields += plan.shed;
	message->cut_texts += w.cut;
	return FMT_OK;
}

static enum fmt_result cef_format(
	void *self, const struct fmt_alert *alert, struct fmt_message *message)
{
	const struct cef *cef = self;
	struct cef_values values;
	struct writer w = {.cut = 0};
	size_t start = message->body->n;

	cef_map(&values, alert);
	if (!writer_open(&w, message->body))
		return FMT_TOO_SMALL;
	if (!write_header(&w, cef, &values, CEF_NAME_MAX) || !write_rows(&w, &values))
		return cef_plan(cef, &values, message, start);
	writer_close(&w);
	message->cut_texts += w.cut;
	return FMT_OK;
}

static const struct fmt_option_info cef_options[] = {
	{"version", "0", "the version after CEF: - 0 or 1; some readers take only 0"},
	{"device_version", "1.0",
		"the header's device version: the version of this mapping"},
	{"leading_space", "no",
		"yes writes a space before the first key, for liblognorm before 2.0.7"},
	{"replace_pipe", "no",
		"yes writes / for a pipe in header fields, for readers that split on "
		"every pipe"},
	{NULL, NULL, NULL},
};

static int read_yes_no(
	const struct fmt_option *option, int *value, char *error, size_t error_size)
{
	*value = !strcmp(option->value, "yes");
	if (*value || !strcmp(option->value, "no"))
		return 1;
	snprintf(error, error_size, "cef: %s is \"%.40s\", but must be yes or no",
		option->name, option->value);
	return 0;
}

static int read_option(struct cef *cef, const struct fmt_option *option, char *error,
	size_t error_size)
{
	int yes;

	if (!strcmp(option->name, "version")) {
		if (!strcmp(option->value, "0") || !strcmp(option->value, "1")) {
			cef->version = option->value[0];
			return 1;
		}
		snprintf(error, error_size,
			"cef: version is \"%.40s\", but must be 0 or 1", option->value);
		return 0;
	}
	if (!strcmp(option->name, "leading_space"))
		return read_yes_no(option, &cef->leading_space, error, error_size);
	if (!strcmp(option->name, "replace_pipe")) {
		if (!read_yes_no(option, &yes, error, error_size))
			return 0;
		cef->pipe = yes ? '/' : 0;
		return 1;
	}
	if (!strcmp(option->name, "device_version")) {
		struct fmt_str s = text_trim(text_str(option->value));

		if (s.n && text_fits(s, CEF_VERSION_MAX)) {
			char *copy = malloc(s.n);

			if (!copy) {
				snprintf(error, error_size, "cef: out of memory");
				return 0;
			}
			memcpy(copy, s.p, s.n);
			free((char *)cef->device_version.p);
			cef->device_version = (struct fmt_str){copy, s.n};
			/* cppcheck-suppress memleak ; close() frees it */
			return 1;
		}
		snprintf(error, error_size,
			"cef: device_version is \"%.60s\", but must have 1 to %u "
			"characters",
			option->value, CEF_VERSION_MAX);
		return 0;
	}
	snprintf(error, error_size,
		"cef: there is no option \"%.40s\"; it takes version, device_version, "
		"leading_space and replace_pipe",
		option->name);
	return 0;
}

static void cef_close(void *self)
{
	struct cef *cef = self;

	if (cef)
		free((char *)cef->device_version.p);
	free(cef);
}

static void *cef_open(
	const struct fmt_option *options, size_t count, char *error, size_t error_size)
{
	static const struct fmt_option version = {"device_version", "1.0"};
	struct cef *cef = calloc(1, sizeof(*cef));

	if (!cef) {
		snprintf(error, error_size, "cef: out of memory");
		return NULL;
	}
	cef->version = '0';
	if (!read_option(cef, &version, error, error_size)) {
		cef_close(cef);
		return NULL;
	}
	for (size_t i = 0; i < count; i++) {
		if (!read_option(cef, &options[i], error, error_size)) {
			cef_close(cef);
			return NULL;
		}
	}
	return cef;
}

const struct fmt_module cef_module = {
	.abi_version = FMT_ABI,
	.struct_size = sizeof(struct fmt_module),
	.name = "cef",
	.help = "ArcSight Common Event Format, for ArcSight, Microsoft Sentinel, "
		"Splunk, Elastic",
	.options = cef_options,
	.open = cef_open,
	.format = cef_format,
	.close = cef_close,
};
