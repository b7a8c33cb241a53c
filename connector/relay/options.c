#include "config.h"

#include "relay/options.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "base/values.h"
#include "deliver/acceptor.h"
#include "deliver/destination.h"
#include "fetch/source.h"
#include "formats/severity.h"
#include "relay/configuration.h"
#include "relay/field_rules.h"
#include "relay/preset.h"

#define NAMES_MAXIMUM 64

static const struct option rows[] = {
#define OPTION(                                                                        \
	section, key, type, of, member, default_text, min, max, reload, sample, help)  \
	{SECTION_##section, key, TYPE_##type, offsetof(struct of, member),             \
		default_text, min, max, reload, sample, help},
#include "relay/options.def"
#undef OPTION
};

#define ROWS (sizeof(rows) / sizeof(*rows))

/* Choices give the place of the word. */
_Static_assert(FRAMING_OCTET == 0 && FRAMING_LF == 1, "order of framing");
_Static_assert(HEADER_RFC5424 == 0 && HEADER_RFC3164 == 1 && HEADER_NONE == 2,
	"order of header");
_Static_assert(
	ALERT_POLICY_FIRST == 0 && ALERT_POLICY_STATUS == 1 && ALERT_POLICY_EVERY == 2,
	"order of update_policy");
_Static_assert(FMT_SEVERITY_UNKNOWN == 0 && FMT_SEVERITY_INFORMATIONAL == 1 &&
		       FMT_SEVERITY_LOW == 2 && FMT_SEVERITY_MEDIUM == 3 &&
		       FMT_SEVERITY_HIGH == 4,
	"order of min_severity");
_Static_assert(sizeof(enum transport) == sizeof(int) &&
		       sizeof(enum fmt_severity) == sizeof(int) &&
		       sizeof(enum alert_policy) == sizeof(int),
	"choices are stored as int");

const struct option *options_all(size_t *count)
{
	*count = ROWS;
	return rows;
}

void options_wrong(struct options_reader *reader, int line, const char *format, ...)
{
	char text[900];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	reader->wrong(reader, line, false, text);
}

void options_warn(struct options_reader *reader, int line, const char *format, ...)
{
	char text[900];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	reader->wrong(reader, line, true, text);
}

const char *options_copy(struct options_reader *reader, const char *p, size_t n)
{
	char *copy = arena_copy(reader->strings, p, n + 1);

	copy[n] = '\0';
	return copy;
}

static const char *copy_text(struct options_reader *reader, const char *text)
{
	return options_copy(reader, text, strlen(text));
}

/* Arrays of pointers from an arena that also holds texts. */
static void *copy_array(struct options_reader *reader, const void *p, size_t size)
{
	return memcpy(arena_alloc(reader->strings, size), p, size);
}

static const char *make_path(struct options_reader *reader, const char *text)
{
	struct strbuf b;
	const char *path;

	if (text[0] == '/')
		return copy_text(reader, text);
	strbuf_init(&b, 65536);
	strbuf_addf(&b, "%s/%s", reader->directory, text);
	path = copy_text(reader, b.p);
	strbuf_clear(&b);
	return path;
}

static enum rc check_text(
	const char *text, size_t maximum, bool token, struct error *err)
{
	size_t n = strlen(text);

	if (!n)
		return error_set(
			err, RC_CONFIG, "is empty; write a text or leave it out");
	if (n > maximum)
		return error_set(err, RC_CONFIG,
			"is %zu octets long; at most %zu are taken", n, maximum);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < 32 || c == 127)
			return error_set(err, RC_CONFIG,
				"holds a control character; take it out");
		if (token && (c == ' ' || c > 126))
			return error_set(err, RC_CONFIG,
				"holds a space or a character outside ASCII; take it "
				"out");
	}
	return RC_OK;
}

static enum rc read_channel(struct options_reader *reader, const char *text,
	const char **to, struct error *err)
{
	char quoted[100];
	struct strbuf b;

	if (!strcmp(text, "stderr:") || !strcmp(text, "syslog:") ||
		!strcmp(text, "journal:")) {
		*to = copy_text(reader, text);
		return RC_OK;
	}
	if (strncmp(text, "file:", 5) || !text[5])
		return error_set(err, RC_CONFIG,
			"%s is none of stderr: journal: syslog: file:PATH (with the "
			"colon)",
			log_quote(quoted, sizeof(quoted), text, strlen(text)));
	strbuf_init(&b, 65536);
	strbuf_addf(&b, "file:%s", make_path(reader, text + 5));
	*to = copy_text(reader, b.p);
	strbuf_clear(&b);
	return RC_OK;
}

static enum rc read_facility(const char *text, int *to, struct error *err)
{
	static const char names[] =
		"kern|user|mail|daemon|auth|syslog|lpr|news|uucp|cron|authpriv|ftp|ntp|"
		"audit|alert|clock|"
		"local0|local1|local2|local3|local4|local5|local6|local7";
	char quoted[100];
	int64_t number;

	if (value_integer(text, 0, 23, &number, NULL) == RC_OK) {
		*to = (int)number;
		return RC_OK;
	}
	if (value_choice(text, names, to, NULL) == RC_OK)
		return RC_OK;
	return error_set(err, RC_CONFIG,
		"%s is no facility; write local0 to local7, another of syslog's names "
		"as user or "
		"auth, or a number from 0 to 23",
		log_quote(quoted, sizeof(quoted), text, strlen(text)));
}

/* The table's own texts are right: bounds_of_the_table_can_be_read tests them all. */
static int64_t bound(const struct option *row, const char *text)
{
	int64_t ms = 0;
	size_t octets = 0;

	if (row->type == TYPE_DURATION)
		return value_duration(text, &ms, NULL) == RC_OK ? ms : 0;
	return value_size(text, &octets, NULL) == RC_OK ? (int64_t)octets : 0;
}

static enum rc read_number(
	const struct option *row, const char *text, void *to, struct error *err)
{
	int64_t min = bound(row, row->min), max = bound(row, row->max), number = 0;
	size_t octets = 0;
	char quoted[100];
	enum rc rc;

	if (row->type == TYPE_COUNT) {
		rc = value_integer(text, min, max, &number, err);
	} else if (row->type == TYPE_DURATION) {
		rc = value_duration(text, &number, err);
	} else {
		rc = value_size(text, &octets, err);
		number = (int64_t)octets;
	}
	if (rc != RC_OK)
		return rc;
	if (number < min || number > max)
		return error_set(err, RC_CONFIG, "%s is out of range; write %s to %s",
			log_quote(quoted, sizeof(quoted), text, strlen(text)), row->min,
			row->max);
	if (row->type == TYPE_COUNT)
		*(unsigned *)to = (unsigned)number;
	else if (row->type == TYPE_DURATION)
		*(int64_t *)to = number;
	else
		*(size_t *)to = octets;
	return RC_OK;
}

enum rc options_source(const char *text, const char **to, struct error *err)
{
	const char *names[NAMES_MAXIMUM];
	size_t count = 0;

	for (; count < NAMES_MAXIMUM && source_at(count); count++) {
		names[count] = source_at(count)->name;
		if (strcmp(text, names[count]))
			continue;
		*to = names[count];
		return RC_OK;
	}
	return value_unknown(text, "source", names, count, err);
}

static enum rc read_format(struct options_reader *reader, const char *text,
	const char **to, struct error *err)
{
	struct formatter formatter;
	enum rc rc = formatter_find(reader->formatters, text, &formatter, err);

	if (rc == RC_OK)
		*to = formatter.name;
	return rc;
}

enum rc options_preset(const char *text, const char **to, struct error *err)
{
	const char *names[NAMES_MAXIMUM];
	size_t count = 0;

	for (; count < NAMES_MAXIMUM && preset_at(count); count++) {
		names[count] = preset_at(count)->name;
		if (strcmp(text, names[count]))
			continue;
		*to = names[count];
		return RC_OK;
	}
	return value_unknown(text, "preset", names, count, err);
}

static enum rc read_identity(struct options_reader *reader, const char *text,
	const char **to, struct error *err)
{
	char scratch[VALUE_TENANT_ID], quoted[100];
	bool machines_own;

	if (value_bool(text, &machines_own, NULL) == RC_OK)
		*to = machines_own ? "" : NULL;
	else if (value_guid(text, scratch, NULL) == RC_OK)
		*to = copy_text(reader, scratch);
	else
		return error_set(err, RC_CONFIG,
			"%s is neither yes nor no nor an id; write yes for the "
			"machine's own identity, else its client id",
			log_quote(quoted, sizeof(quoted), text, strlen(text)));
	return RC_OK;
}

/* Types whose member is a const char *. */
static enum rc read_string(struct options_reader *reader, const struct option *row,
	const char *text, const char **to, struct error *err)
{
	char scratch[VALUE_TENANT_ID];
	size_t n = strlen(text);
	enum rc rc = RC_OK;

	switch (row->type) {
	case TYPE_TEXT:
	case TYPE_TOKEN:
		rc = check_text(text, (size_t)bound(row, row->max),
			row->type == TYPE_TOKEN, err);
		break;
	case TYPE_PATH:
	case TYPE_INPUT:
		rc = check_text(text, 4000, false, err);
		if (rc != RC_OK)
			return rc;
		*to = make_path(reader, text);
		if (row->type == TYPE_INPUT && access(*to, R_OK))
			return error_set(err, RC_CONFIG,
				"%s cannot be read; name a file that alertrelay may "
				"read",
				*to);
		return RC_OK;
	case TYPE_VARIABLE:
	case TYPE_CREDENTIAL:
		rc = check_text(text, 200, true, err);
		if (rc == RC_OK && strpbrk(text, "/="))
			rc = error_set(err, RC_CONFIG,
				"is a name, not a path or value; take out / and =");
		break;
	case TYPE_CHANNEL:
		return read_channel(reader, text, to, err);
	case TYPE_GUID:
		rc = value_guid(text, scratch, err);
		text = scratch;
		break;
	case TYPE_IDENTITY:
		return read_identity(reader, text, to, err);
	case TYPE_TENANT_ID:
		rc = value_tenant_id(text, scratch, err);
		text = scratch;
		break;
	case TYPE_ROOT:
		rc = value_root(text, &n, err);
		break;
	case TYPE_PROXY:
		rc = value_proxy(text, err);
		break;
	case TYPE_SOURCE:
		return options_source(text, to, err);
	case TYPE_PRESET:
		return options_preset(text, to, err);
	default:
		return read_format(reader, text, to, err);
	}
	if (rc == RC_OK)
		*to = options_copy(
			reader, text, row->type == TYPE_ROOT ? n : strlen(text));
	return rc;
}

static enum rc read_scalar(struct options_reader *reader, const struct option *row,
	const char *text, void *to, struct error *err)
{
	switch (row->type) {
	case TYPE_DURATION:
	case TYPE_SIZE:
	case TYPE_COUNT:
		return read_number(row, text, to, err);
	case TYPE_BOOL:
		return value_bool(text, to, err);
	case TYPE_CHOICE:
		return value_choice(text, row->min, to, err);
	case TYPE_FACILITY:
		return read_facility(text, to, err);
	default:
		return read_string(reader, row, text, to, err);
	}
}

/* Texts of a list, or the one text. */
static size_t read_texts(struct options_reader *reader, const struct yaml_node *node,
	const char **texts, size_t maximum)
{
	const struct yaml_node *item = node->kind == YAML_TEXT ? node : node->first;
	size_t count = 0;

	if (node->kind == YAML_MAP) {
		options_wrong(reader, node->line,
			"%s: is a map; write one text or a [list, of, texts]",
			node->key);
		return 0;
	}
	for (; item; item = node->kind == YAML_TEXT ? NULL : item->next) {
		if (item->kind != YAML_TEXT || !item->text[0])
			options_wrong(reader, item->line,
				"%s: every member must be a text", node->key);
		else if (count == maximum)
			break;
		else
			texts[count++] = copy_text(reader, item->text);
	}
	if (item)
		options_wrong(reader, item->line, "%s: too many; at most %zu are taken",
			node->key, maximum);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			if (!strcmp(texts[i], texts[j]))
				options_wrong(reader, node->line,
					"%s: %s is in the list twice; keep one",
					node->key, texts[i]);
	return count;
}

static void read_addresses(struct options_reader *reader, const struct yaml_node *node,
	struct destination_options *to)
{
	struct error err;

	to->address_count =
		read_texts(reader, node, to->addresses, DESTINATION_ADDRESSES);
	for (size_t i = 0; i < to->address_count; i++)
		if (value_address(to->addresses[i], &err) != RC_OK)
			options_wrong(
				reader, node->line, "%s: %s", node->key, err.text);
}

static void read_networks(struct options_reader *reader, const struct yaml_node *node,
	struct destination_options *to)
{
	struct error err;

	to->allow_count = read_texts(reader, node, to->allow, DESTINATION_NETWORKS);
	if (!to->allow_count)
		options_wrong(reader, node->line,
			"%s: is empty; write an address or a network", node->key);
	for (size_t i = 0; i < to->allow_count; i++)
		if (acceptor_network(to->allow[i], &err) != RC_OK)
			options_wrong(
				reader, node->line, "%s: %s", node->key, err.text);
}

static void read_names(struct options_reader *reader, const struct yaml_node *node,
	struct config_feed *to)
{
	const char *names[NAMES_MAXIMUM];

	to->destination_count = read_texts(reader, node, names, NAMES_MAXIMUM);
	to->destinations =
		copy_array(reader, names, to->destination_count * sizeof(*names));
}

static void read_list(struct options_reader *reader, const struct yaml_node *node,
	struct config_list *to)
{
	const char *texts[NAMES_MAXIMUM];

	to->count = read_texts(reader, node, texts, NAMES_MAXIMUM);
	to->items = copy_array(reader, texts, to->count * sizeof(*texts));
	if (!to->count && (node->kind == YAML_LIST || yaml_is_nothing(node)))
		options_wrong(reader, node->line,
			"%s: is empty; write what is wanted or take the line out",
			node->key);
}

static void read_map(struct options_reader *reader, const struct yaml_node *node,
	struct destination_options *to)
{
	struct fmt_option options[NAMES_MAXIMUM];
	size_t count = 0;

	if (node->kind != YAML_MAP) {
		options_wrong(reader, node->line,
			"%s: must be a map; write {name: value}", node->key);
		return;
	}
	for (const struct yaml_node *item = node->first; item; item = item->next) {
		if (item->kind != YAML_TEXT)
			options_wrong(reader, item->line, "%s: %s must be a text",
				node->key, item->key);
		else if (count == NAMES_MAXIMUM)
			options_wrong(reader, item->line, "%s: too many", node->key);
		else
			options[count++] =
				(struct fmt_option){copy_text(reader, item->key),
					copy_text(reader, item->text)};
	}
	to->format_options = copy_array(reader, options, count * sizeof(*options));
	to->format_option_count = count;
}

/* "high=10,low=2"; NULL when the node is no such map. */
static const char *severity_text(
	struct options_reader *reader, const struct yaml_node *node)
{
	const struct yaml_node *item = node->kind == YAML_MAP ? node->first : NULL;
	const char *text = NULL;
	struct strbuf b;

	strbuf_init(&b, 1024);
	for (; item; item = item->next) {
		const char *value = item->kind == YAML_TEXT ? item->text : "";

		if (!*value || strpbrk(item->key, "=,") || strpbrk(value, "=,") ||
			!strbuf_addf(&b, "%s%s=%s", b.n ? "," : "", item->key, value)) {
			strbuf_reset(&b);
			break;
		}
	}
	if (b.n)
		text = copy_text(reader, b.p);
	else
		options_wrong(reader, node->line,
			"%s: must be a map of severities; write {high: ..., medium: "
			"...}",
			node->key);
	strbuf_clear(&b);
	return text;
}

static void read_syslog_severity(struct options_reader *reader,
	const struct yaml_node *node, const struct severity_map **to)
{
	const char *text = severity_text(reader, node);
	struct severity_map map;
	char why[200];

	if (text && !severity_read(text, SEVERITY_SYSLOG, &map, why, sizeof(why)))
		options_wrong(reader, node->line, "%s: %s", node->key, why);
	else if (text)
		*to = copy_array(reader, &map, sizeof(map));
}

static void read_node(struct options_reader *reader, const struct option *row,
	const struct yaml_node *node, void *to)
{
	struct error err;

	switch (row->type) {
	case TYPE_SECTION:
	case TYPE_FEEDS:
		return;
	case TYPE_REFUSED:
		options_wrong(reader, node->key_line, "%s: %s", row->key, row->help);
		return;
	case TYPE_ADDRESSES:
		read_addresses(reader, node, to);
		return;
	case TYPE_NETWORKS:
		read_networks(reader, node, to);
		return;
	case TYPE_MAP:
		read_map(reader, node, to);
		return;
	case TYPE_FIELDS:
		field_rules_read(reader, node, to);
		return;
	case TYPE_NAMES:
		read_names(reader, node, to);
		return;
	case TYPE_LIST:
		read_list(reader, node, (void *)((char *)to + row->offset));
		return;
	case TYPE_SEVERITY:
		*(const char **)(void *)((char *)to + row->offset) =
			severity_text(reader, node);
		return;
	case TYPE_SYSLOG_SEVERITY:
		read_syslog_severity(reader, node, (void *)((char *)to + row->offset));
		return;
	default:
		break;
	}
	if (node->kind != YAML_TEXT)
		options_wrong(reader, node->line, "%s: is a %s; write one value",
			row->key, node->kind == YAML_MAP ? "map" : "list");
	else if (yaml_is_nothing(node))
		options_wrong(reader, node->line,
			"%s: has no value; write one or take the line out", row->key);
	else if (read_scalar(reader, row, node->text, (char *)to + row->offset, &err) !=
		 RC_OK)
		options_wrong(reader, node->line, "%s: %s", row->key, err.text);
}

static const struct option *find_row(enum section section, const char *key)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].section == section && !strcmp(rows[i].key, key))
			return &rows[i];
	return NULL;
}

static const char *section_name(enum section section)
{
	static const char *const names[SECTIONS] = {"the top level", "app",
		"a destination", "a feed", "a tenant", "formats", "state", "log",
		"limits", "http"};

	return names[section];
}

static void say_unknown(struct options_reader *reader, enum section section,
	const struct yaml_node *node)
{
	const char *names[ROWS], *nearest;
	size_t count = 0;
	char quoted[100];

	log_quote(quoted, sizeof(quoted), node->key, strlen(node->key));
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].section == section && rows[i].type != TYPE_REFUSED)
			names[count++] = rows[i].key;
	for (size_t i = 0; i < ROWS; i++) {
		if (strcmp(rows[i].key, node->key))
			continue;
		options_wrong(reader, node->key_line,
			"%s is no option of %s; it belongs in %s", quoted,
			section_name(section), section_name(rows[i].section));
		return;
	}
	nearest = value_nearest(node->key, names, count);
	if (nearest) {
		options_wrong(reader, node->key_line,
			"%s is no option of %s; did you mean %s?", quoted,
			section_name(section), nearest);
		return;
	}
	options_wrong(reader, node->key_line,
		"%s is no option of %s; `alertrelay sample` shows them all", quoted,
		section_name(section));
}

static void set_default(
	struct options_reader *reader, const struct option *row, void *to)
{
	const char *text = NULL;
	struct error err;

	if (row->section == SECTION_DESTINATION && reader->preset)
		text = preset_default(reader->preset, row->key);
	if (!text)
		text = row->default_text;
	if (!text || text[0] == '(')
		return;
	if (read_scalar(reader, row, text, (char *)to + row->offset, &err) != RC_OK)
		options_wrong(reader, 0, "%s: the default: %s", row->key, err.text);
}

bool options_is(enum section section, const void *of, const char *key, const char *text)
{
	const struct option *row = find_row(section, key);
	const char *member = (const char *)of + row->offset, *own;
	bool yes = false;
	int place = -1;

	switch (row->type) {
	case TYPE_CHOICE:
		return value_choice(text, row->min, &place, NULL) == RC_OK &&
		       *(const int *)(const void *)member == place;
	case TYPE_BOOL:
		return value_bool(text, &yes, NULL) == RC_OK &&
		       *(const bool *)member == yes;
	default:
		own = *(const char *const *)(const void *)member;
		return own && !strcmp(own, text);
	}
}

void options_fill(struct options_reader *reader, enum section section, void *to,
	const struct yaml_node *map)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].section == section && !yaml_get(map, rows[i].key))
			set_default(reader, &rows[i], to);
	if (!map || yaml_is_nothing(map))
		return;
	if (map->kind != YAML_MAP) {
		options_wrong(reader, map->line,
			"%s must be a map; write `key: value` lines",
			section_name(section));
		return;
	}
	for (const struct yaml_node *node = map->first; node; node = node->next) {
		const struct option *row = find_row(section, node->key);

		if (row)
			read_node(reader, row, node, to);
		else
			say_unknown(reader, section, node);
	}
}
