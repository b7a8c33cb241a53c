/* leef.c - Log Event Extended Format of IBM QRadar.
 *
 * Purpose:  LEEF:2.0|Microsoft|product|version|event id|delimiter|key=value^key=value ...
 *           LEEF:1.0|Microsoft|product|version|event id|key=value<TAB>key=value ...
 * Shape:    pick.c chooses the values, pairs.c keeps to the maximum; here is what is LEEF's own.
 * Escaping: there is none. What would end a value or a header field becomes a space or a slash.
 * Source:   IBM Security QRadar, Log Event Extended Format, versions 1.0 and 2.0. */
#include <stdio.h>
#include <stdlib.h>

#include "escape.h"
#include "field_pairs.h"
#include "option.h"
#include "pairs.h"
#include "registry.h"

/* Characters. The format limits the event id; the others follow CEF. */
#define LEEF_PRODUCT_MAX 63u
#define LEEF_VERSION_MAX 31u
#define LEEF_EVENT_MAX 255u
#define LEEF_HOST_MAX 255u
#define LEEF_DELIMITER_ROOM 8u /* "0x005E" */

static const struct pair_label labels[] = {{"", 0}};

#define PAIR(id, class, max, key, leef_key) PAIR_ROW(leef_key, max, class, 0)
#define LABELLED(id, class, max, key, label, leef_key) PAIR_ROW(leef_key, max, class, 0)
#define BOUNDED(id, class, max, key, leef_max, leef_key)                               \
	PAIR_ROW(leef_key, leef_max, class, 0)
#define CEF(...) PAIR_NO_ROW
#define LEEF(id, class, max, key) PAIR_ROW(key, max, class, 0)
static const struct pair_row rows[PICK_ROWS] = {
#include "pick.def"
};

struct leef {
	char version; /* '1', '2' */
	char delimiter[LEEF_DELIMITER_ROOM]; /* as the header names it */
	struct pairs_style style;
	struct severity_map severity;
	struct fmt_str device_version;
	struct fmt_str product; /* of all alerts; or empty */
	struct field_pairs *fields; /* NULL: no field map */
};

static char *put_field(char *to, const char *name, struct fmt_str s, size_t max,
	const char *else_text, char delimiter, struct pair_writer *w)
{
	struct fmt_str whole;
	char *start = to;
	int cut;

	s = pairs_trim(s, delimiter);
	if (!s.n)
		s = text_str(else_text);
	whole = s;
	cut = text_cut(&s, max);
	if (cut)
		s = pairs_trim(s, delimiter);
	w->cut += (unsigned)cut;
	to = pairs_mark(escape_leef_header(to, s, delimiter), cut);
	if (w->trace)
		pairs_tell_header(w, name, whole, start, to, cut);
	*to++ = '|';
	return to;
}

/* There is no title in it, so it is never too long. */
static int leef_header(
	struct pair_writer *w, const void *self, const struct pick *pick, int brief)
{
	static const char vendor[] = ".0|Microsoft|";
	static const struct fmt_str none = {NULL, 0};
	const struct leef *leef = self;
	const char delimiter = leef->style.separator;
	char scratch[4 * (LEEF_PRODUCT_MAX + LEEF_VERSION_MAX + LEEF_EVENT_MAX) +
		     ESCAPE_BLOCK + 64];
	char *to = scratch;

	(void)brief;
	memcpy(to, "LEEF:", 5);
	to[5] = leef->version;
	to += 6;
	memcpy(to, vendor, sizeof(vendor) - 1);
	to += sizeof(vendor) - 1;
	if (w->trace) {
		pairs_tell_header(w, "header: format", none, scratch, scratch + 8, 0);
		pairs_tell_header(w, "header: vendor", none, scratch + 9, to - 1, 0);
	}
	to = put_field(to, "header: product",
		leef->product.n ? leef->product : pick->product, LEEF_PRODUCT_MAX,
		"Microsoft Defender XDR", delimiter, w);
	to = put_field(to, "header: version", leef->device_version, LEEF_VERSION_MAX,
		"1.0", delimiter, w);
	to = put_field(to, "header: event id", pick->class_id, LEEF_EVENT_MAX, "alert",
		delimiter, w);
	if (leef->version == '2') {
		size_t n = strlen(leef->delimiter);

		memcpy(to, leef->delimiter, LEEF_DELIMITER_ROOM);
		to += n;
		if (w->trace)
			pairs_tell_header(w, "header: delimiter", none, to - n, to, 0);
		*to++ = '|';
	}
	return pairs_put(w, scratch, (size_t)(to - scratch));
}

/* Milliseconds of 13 digits are what a reader takes without a pattern of the time. */
static void set_time(struct pick *pick)
{
	if (pick->row[PICK_TIME].n == 13)
		return;
	pick->row[PICK_TIME_TEXT] = pick->row[PICK_TIME];
	pick->row[PICK_TIME].n = 0;
}

static int is_keyword(struct fmt_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			    (c >= 'a' && c <= 'z') || (i && (c == '-' || c == '_'))))
			return 0;
	}
	return s.n <= rows[PICK_PROTOCOL].max;
}

/* A number or a keyword. */
static void set_protocol(struct pick *pick)
{
	if (is_keyword(pick->row[PICK_PROTOCOL]))
		return;
	pick->row[PICK_PROTOCOL_TEXT] = pick->row[PICK_PROTOCOL];
	pick->row[PICK_PROTOCOL].n = 0;
}

/* The values of LEEF alone, and of all others those that have a key in it. */
static void leef_pick(const struct leef *leef, struct pick *pick)
{
	static const char *const numbers[] = {
		"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"};
	const char delimiter = leef->style.separator;
	struct fmt_str *row = pick->row;

	row[PICK_SEVERITY] = text_str(numbers[leef->severity.level[pick->severity]]);
	row[PICK_TITLE] = pick->name;
	if (leef->product.n)
		row[PICK_PRODUCT] = pick->product;
	set_time(pick);
	set_protocol(pick);
	/* The name of a host means something only beside its address. */
	if ((row[PICK_DEVICE_ADDRESS].n || row[PICK_DEVICE_IPV6].n) &&
		text_fits(row[PICK_HOST], LEEF_HOST_MAX))
		row[PICK_IDENT_HOST] = row[PICK_HOST];
	for (size_t i = 0; i < PICK_ROWS; i++) {
		struct fmt_str *s = &row[i];

		if (!s->n)
			continue;
		if (!rows[i].before_n)
			s->n = 0;
		else if (s->p[0] == delimiter || s->p[s->n - 1] == delimiter)
			*s = pairs_trim(*s, delimiter);
	}
	if (!row[PICK_TITLE].n)
		row[PICK_TITLE] = text_str("Alert");
}

static enum fmt_result leef_format(
	void *self, const struct fmt_alert *alert, struct fmt_message *message)
{
	const struct leef *leef = self;
	struct pick pick;

	pick_alert(&pick, alert);
	leef_pick(leef, &pick);
	if (!leef->fields)
		return pairs_write(&leef->style, leef, &pick, message);
	field_pairs_apply(leef->fields, alert, &pick, message);
	/* Names of an identity mean something only beside its address. */
	if (!field_pairs_has(leef->fields, &pick, "identSrc"))
		field_pairs_take_out(leef->fields, &pick, "ident", "identSrc", message);
	return pairs_write(field_pairs_style(leef->fields), leef, &pick, message);
}

static int leef_fields(void *self, const struct fmt_rule *rules, size_t count,
	fmt_wrong *wrong, void *context)
{
	struct leef *leef = self;

	leef->fields =
		field_pairs_new(&leef->style, &leef_keys, rules, count, wrong, context);
	return leef->fields != NULL;
}

static const struct fmt_option_info leef_options[] = {
	{"version", "2.0", "the version after LEEF: - 1.0 or 2.0"},
	{"delimiter", "^",
		"the character between attributes, itself or as x5E or 0x5E, which "
		"becomes a space in values; x09 is TAB, the only one of version 1.0"},
	{"device_version", "1.0",
		"the header's device version: the version of this mapping"},
	{"product", "that of the alert",
		"the header's product, the same for all alerts, for readers that know "
		"a "
		"source by it; each alert's own is then in the attribute product"},
	{"severity", "the usual ones",
		"numbers of severities, as high=10,low=2; what a destination's option "
		"severity sets"},
	{NULL, NULL, NULL},
};

/* What addresses, times, ids and links are made of would ruin them. */
static int is_delimiter(unsigned long c)
{
	return c == '\t' || (c > ' ' && c < 0x7F && !strchr("%&+-./:=?@\\_|", (int)c) &&
				    !(c >= '0' && c <= '9') &&
				    !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z'));
}

/* One character; or x or 0x and 1 to 4 hex digits. Gives it, or 0. */
static char read_delimiter(const char *text)
{
	size_t n = strlen(text);
	const char *digits = text + (text[0] == '0') + 1;
	unsigned long c = 0;

	if (n == 1) {
		c = (unsigned char)text[0];
	} else if (n > 1 && (text[0] == 'x' || (text[0] == '0' && text[1] == 'x'))) {
		n = strlen(digits);
		if (n >= 1 && n <= 4 && strspn(digits, "0123456789abcdefABCDEF") == n)
			c = strtoul(digits, NULL, 16);
	}
	return is_delimiter(c) ? (char)c : 0;
}

static int read_option(struct leef *leef, const struct fmt_option *option, char *error,
	size_t error_size)
{
	char c;

	if (!strcmp(option->name, "version")) {
		if (!strcmp(option->value, "1.0") || !strcmp(option->value, "2.0")) {
			leef->version = option->value[0];
			return 1;
		}
		snprintf(error, error_size,
			"leef: version is \"%.40s\", but must be 1.0 or 2.0",
			option->value);
		return 0;
	}
	if (!strcmp(option->name, "delimiter")) {
		c = read_delimiter(option->value);
		if (c) {
			/* A control character has no place in a header. */
			snprintf(leef->delimiter, sizeof(leef->delimiter), "%s",
				option->value[0] == '\t' ? "x09" : option->value);
			leef->style.separator = c;
			return 1;
		}
		snprintf(error, error_size,
			"leef: delimiter is \"%.40s\", but must be one of ! \" # $ ' ( "
			") * , ; < > [ ] ^ ` { } ~ or its code as x5E, or x09 for TAB: "
			"others are in ids, addresses and links",
			option->value);
		return 0;
	}
	if (!strcmp(option->name, "device_version"))
		return option_text("leef", option, LEEF_VERSION_MAX,
			&leef->device_version, error, error_size);
	if (!strcmp(option->name, "product"))
		return option_text("leef", option, LEEF_PRODUCT_MAX, &leef->product,
			error, error_size);
	if (!strcmp(option->name, "severity"))
		return option_severity("leef", option, SEVERITY_LEEF, &leef->severity,
			error, error_size);
	snprintf(error, error_size,
		"leef: there is no option \"%.40s\"; it takes version, delimiter, "
		"device_version, product and severity",
		option->name);
	return 0;
}

static void leef_close(void *self)
{
	struct leef *leef = self;

	if (leef) {
		free((char *)leef->device_version.p);
		free((char *)leef->product.p);
		field_pairs_free(leef->fields);
	}
	free(leef);
}

static int read_options(struct leef *leef, const struct fmt_option *options,
	size_t count, char *error, size_t error_size)
{
	static const struct fmt_option defaults[] = {
		{"version", "2.0"}, {"device_version", "1.0"}};

	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		if (!read_option(leef, &defaults[i], error, error_size))
			return 0;
	for (size_t i = 0; i < count; i++)
		if (!read_option(leef, &options[i], error, error_size))
			return 0;
	if (!leef->delimiter[0]) {
		leef->style.separator = leef->version == '1' ? '\t' : '^';
		leef->delimiter[0] = '^';
	}
	if (leef->version == '1' && leef->style.separator != '\t') {
		snprintf(error, error_size,
			"leef: delimiter is \"%s\", but version 1.0 knows only TAB; "
			"leave it out, or take version 2.0",
			leef->delimiter);
		return 0;
	}
	return 1;
}

static void *leef_open(
	const struct fmt_option *options, size_t count, char *error, size_t error_size)
{
	struct leef *leef = calloc(1, sizeof(*leef));

	if (!leef) {
		snprintf(error, error_size, "leef: out of memory");
		return NULL;
	}
	leef->severity = *severity_default(SEVERITY_LEEF);
	leef->style = (struct pairs_style){.rows = rows,
		.row_count = PICK_ROWS,
		.labels = labels,
		.omitted = "fieldsOmitted",
		.value = escape_leef_value,
		.header = leef_header};
	if (!read_options(leef, options, count, error, error_size)) {
		leef_close(leef);
		return NULL;
	}
	return leef;
}

const struct fmt_module leef_module = {
	.abi_version = FMT_ABI,
	.struct_size = sizeof(struct fmt_module),
	.name = "leef",
	.help = "IBM Log Event Extended Format, for QRadar",
	.options = leef_options,
	.open = leef_open,
	.format = leef_format,
	.close = leef_close,
	.fields = leef_fields,
};
