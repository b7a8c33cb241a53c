/* cef.c - ArcSight Common Event Format.
 *
 * Purpose:  CEF:0|Microsoft|product|version|class id|name|severity|key=value ...
 * Shape:    pick.c chooses the values, pairs.c keeps to the maximum; here is what is CEF's own.
 * Source:   Micro Focus Common Event Format, document version 27. */
#include <stdio.h>
#include <stdlib.h>

#include "escape.h"
#include "field_pairs.h"
#include "option.h"
#include "pairs.h"
#include "registry.h"
#include "severity.h"

/* Characters. */
#define CEF_PRODUCT_MAX 63u
#define CEF_VERSION_MAX 31u
#define CEF_CLASS_MAX 1023u
#define CEF_NAME_MAX 512u
#define CEF_NAME_SHORT 64u

#define LABELLED(id, ...) LABEL_##id,
enum {
	LABEL_NONE,
#include "pick.def"
};

#define LABELLED(id, class, max, key, label, leef_key)                                 \
	{" " key "Label=" label, sizeof(" " key "Label=" label) - 1},
static const struct pair_label labels[] = {
	{"", 0},
#include "pick.def"
};

#define PAIR(id, class, max, key, leef_key) PAIR_ROW(key, max, class, LABEL_NONE)
#define LABELLED(id, class, max, key, label, leef_key)                                 \
	PAIR_ROW(key, max, class, LABEL_##id)
#define BOUNDED(id, class, max, key, leef_max, leef_key)                               \
	PAIR_ROW(key, max, class, LABEL_NONE)
#define CEF(id, class, max, key) PAIR_ROW(key, max, class, LABEL_NONE)
#define LEEF(...) PAIR_NO_ROW
static const struct pair_row rows[PICK_ROWS] = {
#include "pick.def"
};

struct cef {
	char version;
	char pipe;
	int leading_space;
	struct severity_map severity;
	struct fmt_str device_version;
	struct field_pairs *fields; /* NULL: no field map */
};

static char *put_field(char *to, const char *name, struct fmt_str s, size_t max,
	char pipe, struct pair_writer *w, int is_class)
{
	const struct fmt_str whole = s;
	char *start = to;
	int cut = text_cut(&s, max);

	w->cut += (unsigned)cut;
	to = is_class ? escape_cef_class(to, s) : escape_cef_header(to, s, pipe);
	to = pairs_mark(to, cut);
	if (w->trace)
		pairs_tell_header(w, name, whole, start, to, cut);
	*to++ = '|';
	return to;
}

static int cef_header(
	struct pair_writer *w, const void *self, const struct pick *pick, int brief)
{
	static const char vendor[] = "|Microsoft|";
	static const struct fmt_str none = {NULL, 0};
	const struct cef *cef = self;
	char scratch[4 * (CEF_PRODUCT_MAX + CEF_VERSION_MAX + CEF_CLASS_MAX +
				 CEF_NAME_MAX) +
		     ESCAPE_BLOCK + 64];
	unsigned severity = cef->severity.level[pick->severity];
	char *to = scratch, *start;

	memcpy(to, "CEF:", 4);
	to[4] = cef->version;
	to += 5;
	memcpy(to, vendor, sizeof(vendor) - 1);
	to += sizeof(vendor) - 1;
	if (w->trace) {
		pairs_tell_header(w, "header: format", none, scratch, scratch + 5, 0);
		pairs_tell_header(w, "header: vendor", none, scratch + 6, to - 1, 0);
	}
	to = put_field(
		to, "header: product", pick->product, CEF_PRODUCT_MAX, cef->pipe, w, 0);
	to = put_field(to, "header: version", cef->device_version, CEF_VERSION_MAX,
		cef->pipe, w, 0);
	to = put_field(to, "header: class id", pick->class_id, CEF_CLASS_MAX, 0, w, 1);
	to = put_field(to, "header: name", pick->name,
		brief ? CEF_NAME_SHORT : CEF_NAME_MAX, cef->pipe, w, 0);
	start = to;
	if (severity == 10) {
		*to++ = '1';
		severity = 0;
	}
	*to++ = (char)('0' + severity);
	if (w->trace)
		pairs_tell_header(w, "header: severity", none, start, to, 0);
	*to++ = '|';
	if (cef->leading_space)
		*to++ = ' ';
	return pairs_put(w, scratch, (size_t)(to - scratch));
}

static char *cef_value(char *to, struct fmt_str s, char separator)
{
	(void)separator;
	return escape_cef_value(to, s);
}

static const struct pairs_style style = {
	.rows = rows,
	.row_count = PICK_ROWS,
	.labels = labels,
	.omitted = "AlertrelayOmitted",
	.separator = ' ',
	.escapes = 1,
	.value = cef_value,
	.header = cef_header,
};

static enum fmt_result cef_format(
	void *self, const struct fmt_alert *alert, struct fmt_message *message)
{
	const struct cef *cef = self;
	struct pick pick;

	pick_alert(&pick, alert);
	if (!cef->fields)
		return pairs_write(&style, self, &pick, message);
	field_pairs_apply(cef->fields, alert, &pick, message);
	return pairs_write(field_pairs_style(cef->fields), self, &pick, message);
}

static int cef_fields(void *self, const struct fmt_rule *rules, size_t count,
	fmt_wrong *wrong, void *context)
{
	struct cef *cef = self;

	cef->fields = field_pairs_new(&style, &cef_keys, rules, count, wrong, context);
	return cef->fields != NULL;
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
	{"severity", "the usual ones",
		"numbers of severities, as high=10,low=2; what a destination's option "
		"severity sets"},
	{NULL, NULL, NULL},
};

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
		return option_yes_no(
			"cef", option, &cef->leading_space, error, error_size);
	if (!strcmp(option->name, "replace_pipe")) {
		if (!option_yes_no("cef", option, &yes, error, error_size))
			return 0;
		cef->pipe = yes ? '/' : 0;
		return 1;
	}
	if (!strcmp(option->name, "severity"))
		return option_severity(
			"cef", option, SEVERITY_CEF, &cef->severity, error, error_size);
	if (!strcmp(option->name, "device_version"))
		return option_text("cef", option, CEF_VERSION_MAX, &cef->device_version,
			error, error_size);
	snprintf(error, error_size,
		"cef: there is no option \"%.40s\"; it takes version, device_version, "
		"leading_space, replace_pipe and severity",
		option->name);
	return 0;
}

static void cef_close(void *self)
{
	struct cef *cef = self;

	if (cef) {
		free((char *)cef->device_version.p);
		field_pairs_free(cef->fields);
	}
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
	cef->severity = *severity_default(SEVERITY_CEF);
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
	.fields = cef_fields,
};
