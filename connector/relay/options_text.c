/* The sample file and the manual's section, both from the table of options. */
#include "config.h"

#include <string.h>

#include "formats/registry.h"
#include "relay/configuration.h"
#include "relay/options.h"
#include "relay/preset.h"

#define SAMPLE_COLUMNS 98

static void indent(struct strbuf *out, size_t n)
{
	while (n--)
		strbuf_addc(out, ' ');
}

/* Comment lines of whole words. */
static void comment(struct strbuf *out, size_t left, const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t word = strcspn(text, " ");

		if (column && column + 1 + word > SAMPLE_COLUMNS) {
			strbuf_addc(out, '\n');
			column = 0;
		}
		if (!column) {
			indent(out, left);
			strbuf_adds(out, "#");
			column = left + 1;
		}
		strbuf_addc(out, ' ');
		strbuf_add(out, text, word);
		column += word + 1;
		text += word;
		text += strspn(text, " ");
	}
	strbuf_addc(out, '\n');
}

static void format_options(struct strbuf *out, const struct fmt_module *module)
{
	for (const struct fmt_option_info *option = module->options; option->name;
		option++)
		strbuf_addf(out, " %s %s (default %s): %s.", module->name, option->name,
			option->default_value, option->help);
}

static void range(struct strbuf *out, const struct option *row)
{
	if (row->type == TYPE_CHOICE)
		strbuf_addf(out, " One of %s.", row->min);
	else if (row->min && row->max)
		strbuf_addf(out, " From %s to %s.", row->min, row->max);
	if (row->type == TYPE_FORMAT)
		for (size_t i = 0; i < format_count(); i++)
			strbuf_addf(out, "%s%s%s",
				i ? ", " : " There are: ", format_at(i)->name,
				i + 1 < format_count() ? "" : ".");
	if (row->type == TYPE_PRESET)
		strbuf_addf(out, " There are: %s.", preset_names());
	if (row->type == TYPE_MAP && !strcmp(row->key, "format_options"))
		for (size_t i = 0; i < format_count(); i++)
			format_options(out, format_at(i));
}

/* `first` is what stands before the key of the first row: "- " in a list. */
static void sample_rows(
	struct strbuf *out, enum section section, size_t left, const char *first)
{
	size_t count;
	const struct option *rows = options_all(&count);
	struct strbuf words;

	strbuf_init(&words, 65536);
	for (size_t i = 0; i < count; i++) {
		const char *value = rows[i].default_text ? rows[i].default_text : "";

		if (rows[i].section != section || rows[i].type == TYPE_REFUSED)
			continue;
		strbuf_reset(&words);
		strbuf_adds(&words, rows[i].help);
		range(&words, &rows[i]);
		if (value[0] == '(')
			strbuf_addf(&words, " Without it: %.*s.",
				(int)strlen(value) - 2, value + 1);
		comment(out, left + strlen(first), words.p);
		indent(out, left);
		strbuf_adds(out, first);
		if (rows[i].sample)
			strbuf_addf(out, "%s: %s\n", rows[i].key, rows[i].sample);
		else if (value[0] == '(' || !value[0])
			strbuf_addf(out, "#%s:\n", rows[i].key);
		else if (strchr(value, ':') && rows[i].type == TYPE_CHANNEL)
			strbuf_addf(out, "#%s: \"%s\"\n", rows[i].key, value);
		else
			strbuf_addf(out, "#%s: %s\n", rows[i].key, value);
		if (first[0] == '-')
			first = "  ";
	}
	strbuf_clear(&words);
}

/* Where the rows below a top-level key are, and the line between them. */
struct place {
	const char *key;
	enum section section;
	size_t left;
	const char *name; /* of the example: a line of its own */
	const char *first;
};

static const struct place places[] = {
	{"app", SECTION_APP, 2, NULL, ""},
	{"destinations", SECTION_DESTINATION, 4, "soc", ""},
	{"feeds", SECTION_FEED, 2, NULL, "- "},
	{"tenants", SECTION_TENANT, 4, "contoso", ""},
	{"formats", SECTION_FORMATS, 2, NULL, ""},
	{"state", SECTION_STATE, 2, NULL, ""},
	{"log", SECTION_LOG, 2, NULL, ""},
	{"limits", SECTION_LIMITS, 2, NULL, ""},
	{"http", SECTION_HTTP, 2, NULL, ""},
};

static const struct place *place_of(const char *key)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (!strcmp(places[i].key, key))
			return &places[i];
	return NULL;
}

void config_sample(struct strbuf *out)
{
	size_t count;
	const struct option *rows = options_all(&count);

	comment(out, 0,
		"alertrelay.yaml - a line that begins with # shows an option with its "
		"default. "
		"Durations: 500ms 30s 5m 12h 7d. Sizes in octets: 64K 2M 1G. Relative "
		"paths are taken from the "
		"directory of this file. `alertrelay check` reports every error in "
		"it.");
	for (size_t i = 0; i < count; i++) {
		const struct place *place;

		if (rows[i].section != SECTION_TOP)
			continue;
		strbuf_addc(out, '\n');
		comment(out, 0, rows[i].help);
		place = place_of(rows[i].key);
		if (!place) {
			strbuf_addf(
				out, "#%s: %s\n", rows[i].key, rows[i].default_text);
			continue;
		}
		strbuf_addf(out, "%s:\n", rows[i].key);
		if (place->name)
			strbuf_addf(out, "  %s:\n", place->name);
		sample_rows(out, place->section, place->left, place->first);
	}
}

#define MANUAL_COLUMNS 78

static void mdoc_word(struct strbuf *out, const char *p, size_t n, bool first)
{
	if (first && (*p == '.' || *p == '\''))
		strbuf_adds(out, "\\&");
	for (; n; p++, n--) {
		if (*p == '\\')
			strbuf_adds(out, "\\e");
		else if (*p == '`')
			strbuf_adds(out, "\\(oq");
		else
			strbuf_addc(out, *p);
	}
}

/* Lines of text in mdoc: what would be an escape or a macro is made text, and each sentence begins
 * a line. */
static void mdoc_text(struct strbuf *out, const char *text)
{
	size_t column = 0;
	bool ended = false;

	while (*text) {
		size_t word = strcspn(text, " ");
		bool capital = *text >= 'A' && *text <= 'Z';

		if (column &&
			((ended && capital) || column + 1 + word > MANUAL_COLUMNS)) {
			strbuf_addc(out, '\n');
			column = 0;
		}
		if (column)
			strbuf_addc(out, ' ');
		mdoc_word(out, text, word, !column);
		column += word + 1;
		ended = word && text[word - 1] == '.';
		text += word;
		text += strspn(text, " ");
	}
	strbuf_addc(out, '\n');
}

static const char *argument(enum option_type type)
{
	static const char *const names[] = {
		[TYPE_TEXT] = "text",
		[TYPE_TOKEN] = "text",
		[TYPE_PATH] = "path",
		[TYPE_INPUT] = "path",
		[TYPE_VARIABLE] = "name",
		[TYPE_CREDENTIAL] = "name",
		[TYPE_CHANNEL] = "channel",
		[TYPE_GUID] = "id",
		[TYPE_IDENTITY] = "yes | no | id",
		[TYPE_TENANT_ID] = "id",
		[TYPE_ROOT] = "url",
		[TYPE_PROXY] = "url",
		[TYPE_SOURCE] = "name",
		[TYPE_FORMAT] = "name",
		[TYPE_PRESET] = "name",
		[TYPE_DURATION] = "duration",
		[TYPE_SIZE] = "size",
		[TYPE_COUNT] = "number",
		[TYPE_BOOL] = "yes | no",
		[TYPE_FACILITY] = "facility",
		[TYPE_ADDRESSES] = "address ...",
		[TYPE_NETWORKS] = "network ...",
		[TYPE_MAP] = "map",
		[TYPE_FIELDS] = "rule ...",
		[TYPE_SEVERITY] = "map",
		[TYPE_SYSLOG_SEVERITY] = "map",
		[TYPE_NAMES] = "name ...",
		[TYPE_LIST] = "word ...",
		[TYPE_FEEDS] = "list",
		[TYPE_SECTION] = "map",
	};

	return names[type];
}

static void manual_row(struct strbuf *out, const struct option *row)
{
	const char *value = row->default_text;
	struct strbuf words;

	if (row->type == TYPE_CHOICE) {
		strbuf_addf(out, ".It Ic %s : ", row->key);
		for (const char *c = row->min; *c; c++)
			if (*c == '|')
				strbuf_adds(out, " | ");
			else
				strbuf_addc(out, *c);
		strbuf_addc(out, '\n');
	} else {
		strbuf_addf(out, ".It Ic %s : Ar %s\n", row->key, argument(row->type));
	}
	strbuf_init(&words, 65536);
	strbuf_adds(&words, row->help);
	if (row->type != TYPE_CHOICE)
		range(&words, row);
	if (value && value[0] == '(')
		strbuf_addf(&words, " Without it: %.*s.", (int)strlen(value) - 2,
			value + 1);
	else if (value)
		strbuf_addf(&words, " Default: %s.", value);
	mdoc_text(out, words.p);
	strbuf_clear(&words);
}

void config_manual(struct strbuf *out)
{
	size_t count;
	const struct option *rows = options_all(&count);

	for (size_t i = 0; i < count; i++) {
		const struct place *place;

		if (rows[i].section != SECTION_TOP)
			continue;
		place = place_of(rows[i].key);
		strbuf_addf(out, ".Ss %s\n", rows[i].key);
		mdoc_text(out, rows[i].help);
		if (!place) {
			strbuf_addf(out, "Default: %s.\n", rows[i].default_text);
			continue;
		}
		strbuf_adds(out, ".Bl -tag -width Ds\n");
		for (size_t j = 0; j < count; j++)
			if (rows[j].section == place->section &&
				rows[j].type != TYPE_REFUSED)
				manual_row(out, &rows[j]);
		strbuf_adds(out, ".El\n");
	}
}
