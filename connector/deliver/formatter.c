#include "config.h"

#include "deliver/formatter.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "base/values.h"
#include "deliver/module.h"
#include "deliver/syslog_msg.h"
#include "formats/registry.h"
#include "formats/text.h"

#define NAMES_MAXIMUM 128
#define WHY 400 /* of open() */

struct row {
	struct formatter formatter;
	struct module module;
	char *name, *file, *why; /* of a module */
};

struct formatters {
	char *directory;
	struct row **rows;
	size_t count;
};

static struct row *add(struct formatters *formatters)
{
	struct row *row = xcalloc(1, sizeof(*row));

	formatters->rows = xrealloc(
		formatters->rows, (formatters->count + 1) * sizeof(*formatters->rows));
	formatters->rows[formatters->count++] = row;
	return row;
}

struct formatters *formatters_new(const char *directory)
{
	struct formatters *formatters = xcalloc(1, sizeof(*formatters));

	formatters->directory = xstrdup(directory);
	for (size_t i = 0; i < format_count(); i++)
		add(formatters)->formatter = (struct formatter){
			.name = format_at(i)->name, .module = format_at(i)};
	return formatters;
}

void formatters_free(struct formatters *formatters)
{
	if (!formatters)
		return;
	for (size_t i = 0; i < formatters->count; i++) {
		struct row *row = formatters->rows[i];

		module_unload(&row->module);
		free(row->name);
		free(row->file);
		free(row->why);
		free(row);
	}
	free(formatters->rows);
	free(formatters->directory);
	free(formatters);
}

const char *formatters_directory(const struct formatters *formatters)
{
	return formatters->directory;
}

size_t formatters_count(const struct formatters *formatters)
{
	return formatters->count;
}

const struct formatter *formatters_at(const struct formatters *formatters, size_t i)
{
	return &formatters->rows[i]->formatter;
}

static const struct formatter *row_of(
	const struct formatters *formatters, const char *name)
{
	for (size_t i = 0; i < formatters->count; i++)
		if (!strcmp(formatters->rows[i]->formatter.name, name))
			return &formatters->rows[i]->formatter;
	return NULL;
}

static char *path_of(const struct formatters *formatters, const char *file)
{
	struct strbuf path;
	char *copy;

	strbuf_init(&path, 65536);
	strbuf_addf(&path, "%s/%s", formatters->directory, file);
	copy = xstrdup(path.p);
	strbuf_clear(&path);
	return copy;
}

/* The row of a file that cannot be a module. */
static void refuse(struct formatters *formatters, const char *file, const char *why)
{
	struct row *row = add(formatters);
	struct error err;

	row->name = xstrdup(file);
	row->file = path_of(formatters, file);
	error_set(&err, RC_CONFIG, "%s: %s", row->file, why);
	row->why = xstrdup(err.text);
	row->formatter = (struct formatter){row->name, NULL, row->file, row->why};
}

static const struct formatter *load(struct formatters *formatters, const char *name)
{
	struct row *row = add(formatters);
	char file[FMT_MODULE_NAME + sizeof(MODULE_SUFFIX)];
	struct error err;
	enum rc rc = module_directory_check(formatters->directory, &err);

	snprintf(file, sizeof(file), "%s" MODULE_SUFFIX, name);
	row->name = xstrdup(name);
	row->file = path_of(formatters, file);
	row->formatter.name = row->name;
	row->formatter.file = row->file;
	if (rc == RC_OK)
		rc = module_load(row->file, name, &row->module, &err);
	if (rc == RC_OK)
		row->formatter.module = &row->module.module;
	else
		row->formatter.why = row->why = xstrdup(err.text);
	return &row->formatter;
}

/* --- the directory --- */

static int is_module_file(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name), end = strlen(MODULE_SUFFIX);

	return n > end && entry->d_name[0] != '.' &&
	       !strcmp(entry->d_name + n - end, MODULE_SUFFIX);
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void take_file(struct formatters *formatters, const char *file)
{
	char name[256];

	snprintf(name, sizeof(name), "%.*s",
		(int)(strlen(file) - strlen(MODULE_SUFFIX)), file);
	if (!module_name_is_legal(name)) {
		refuse(formatters, file,
			"is no name of a module; call it NAME.so, with at most 40 of a "
			"to z, 0 to 9 and - for NAME");
		return;
	}
	if (format_find(name, strlen(name)))
		refuse(formatters, file,
			"has the name of a format that is built in; give the module "
			"another one");
	else if (!row_of(formatters, name))
		(void)load(formatters, name);
}

enum rc formatters_load_all(struct formatters *formatters, struct error *err)
{
	struct dirent **entries = NULL;
	int count =
		scandir(formatters->directory, &entries, is_module_file, compare_names);
	enum rc rc = RC_OK;

	if (count < 0)
		return errno == ENOENT
			       ? RC_OK
			       : error_set(err, RC_IO, "%s: %s", formatters->directory,
					 strerror(errno));
	if (count > FORMATTERS_MAXIMUM)
		rc = error_set(err, RC_LIMIT,
			"%s: holds %d modules; at most %d are looked at",
			formatters->directory, count, FORMATTERS_MAXIMUM);
	for (int i = 0; i < count; i++) {
		if (rc == RC_OK)
			take_file(formatters, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return rc;
}

/* Names to choose from, for a message: modules count by the names of their files. */
static enum rc say_unknown(
	const struct formatters *formatters, const char *name, struct error *err)
{
	const char *names[NAMES_MAXIMUM];
	struct dirent **entries = NULL;
	size_t count = 0;
	int files = 0;

	for (; count < format_count() && count < NAMES_MAXIMUM; count++)
		names[count] = format_at(count)->name;
	if (formatters)
		files = scandir(
			formatters->directory, &entries, is_module_file, compare_names);
	for (int i = 0; i < files; i++) {
		char *file = entries[i]->d_name;

		file[strlen(file) - strlen(MODULE_SUFFIX)] = '\0';
		if (count < NAMES_MAXIMUM && module_name_is_legal(file) &&
			!format_find(file, strlen(file)))
			names[count++] = file;
	}
	value_unknown(name, "format", names, count, err);
	for (int i = 0; i < files; i++)
		free(entries[i]);
	free(entries);
	return RC_CONFIG;
}

enum rc formatter_find(struct formatters *formatters, const char *name,
	struct formatter *out, struct error *err)
{
	const struct fmt_module *own = format_find(name, strlen(name));
	const struct formatter *found = NULL;
	char *path, file[FMT_MODULE_NAME + sizeof(MODULE_SUFFIX)];

	if (own) {
		*out = (struct formatter){.name = own->name, .module = own};
		return RC_OK;
	}
	if (formatters && module_name_is_legal(name)) {
		found = row_of(formatters, name);
		snprintf(file, sizeof(file), "%s" MODULE_SUFFIX, name);
		path = path_of(formatters, file);
		if (!found && access(path, F_OK) == 0)
			found = load(formatters, name);
		free(path);
	}
	if (!found)
		return say_unknown(formatters, name, err);
	*out = *found;
	return found->module ? RC_OK : error_set(err, RC_CONFIG, "%s", found->why);
}

/* --- what modules say and write --- */

/* A built-in formatter refuses by itself what it does not know. */
static enum rc check_names(const struct formatter *formatter,
	const struct fmt_option *options, size_t count, struct error *err)
{
	const struct fmt_option_info *table = formatter->module->options;
	const char *names[NAMES_MAXIMUM];
	char what[FMT_MODULE_NAME + 32];
	size_t known = 0;

	for (; table && table[known].name && known < NAMES_MAXIMUM; known++)
		names[known] = table[known].name;
	snprintf(what, sizeof(what), "option of format %s", formatter->name);
	for (size_t i = 0; i < count; i++) {
		size_t j = 0;

		while (j < known && strcmp(options[i].name, names[j]) != 0)
			j++;
		if (j == known)
			return value_unknown(options[i].name, what, names, known, err);
	}
	return RC_OK;
}

void *formatter_open(const struct formatter *formatter,
	const struct fmt_option *options, size_t count, struct error *err)
{
	char why[WHY + 1] = "";
	void *self;

	if (formatter->file && check_names(formatter, options, count, err) != RC_OK)
		return NULL;
	self = formatter->module->open(options, count, why, WHY);
	if (self)
		return self;
	for (char *c = why; *c; c++)
		if ((unsigned char)*c < 32 || *c == 127)
			*c = '?';
	error_set(err, RC_CONFIG, "%s",
		why[0] ? why : "the module does not take them, and does not say why");
	return NULL;
}

struct rules_said {
	fmt_wrong *wrong;
	void *context;
	size_t count;
	struct error *err;
	bool any;
};

/* A module may say anything. */
static void say_rule(void *context, size_t rule, const char *text)
{
	struct rules_said *said = context;
	char line[WHY + 1];

	snprintf(line, sizeof(line), "%s", text ? text : "is not right");
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < 32 || *c == 127)
			*c = '?';
	if (!said->any)
		error_set(said->err, RC_CONFIG, "fields: %s", line);
	said->any = true;
	if (said->wrong)
		said->wrong(said->context, rule < said->count ? rule : 0, line);
}

enum rc formatter_fields(const struct formatter *formatter, void *self,
	const struct fmt_rule *rules, size_t count, fmt_wrong *wrong, void *context,
	struct error *err)
{
	struct rules_said said = {wrong, context, count, err, false};
	char text[FMT_MODULE_NAME + 100];

	if (!count)
		return RC_OK;
	if (!formatter->module->fields) {
		snprintf(text, sizeof(text),
			"the module of format %s takes no field map; take fields out",
			formatter->name);
		say_rule(&said, 0, text);
		return RC_CONFIG;
	}
	if (formatter->module->fields(self, rules, count, say_rule, &said))
		return RC_OK;
	if (!said.any)
		say_rule(&said, 0,
			"the format does not take them, and does not say why");
	return RC_CONFIG;
}

enum rc formatter_wrong(
	const struct formatter *formatter, struct error *err, const char *what)
{
	return error_set(err, RC_PROTO,
		"the module %s (%s) %s; what it wrote is not sent", formatter->name,
		formatter->file, what);
}

static enum rc judge_body(const struct formatter *formatter, const struct fmt_out *body,
	struct error *err)
{
	const unsigned char *p = (const unsigned char *)body->p;
	char what[100];

	if (!body->n)
		return formatter_wrong(formatter, err, "wrote nothing");
	for (size_t i = 0; i < body->n;) {
		struct text_char c = text_next(p + i, body->n - i);

		if (c.bad || (c.code < 0x20 && c.code != '\t') || c.code == 0x7F) {
			snprintf(what, sizeof(what),
				"wrote %s (0x%02x) at octet %zu of the message",
				c.bad ? "what is no UTF-8" : "a control character",
				p[i], i);
			return formatter_wrong(formatter, err, what);
		}
		i += c.n;
	}
	return RC_OK;
}

enum rc formatter_judge(const struct formatter *formatter, enum fmt_result result,
	const struct fmt_message *message, struct error *err)
{
	const struct fmt_out *body = message->body, *data = message->structured_data;
	char what[100];

	if ((unsigned)result > FMT_REJECT) {
		snprintf(what, sizeof(what),
			"gave %d, which is none of FMT_OK, FMT_TOO_SMALL and "
			"FMT_REJECT",
			(int)result);
		return formatter_wrong(formatter, err, what);
	}
	if (result != FMT_OK)
		return RC_OK;
	if ((body->full || data->full) && !message->shed_fields && !message->cut_texts)
		return formatter_wrong(formatter, err,
			"left something out for want of room, and does not count it");
	if (!syslog_data_is_legal(data->p, data->n))
		return formatter_wrong(formatter, err,
			"wrote structured data that is none (RFC 5424 section 6.3)");
	return judge_body(formatter, body, err);
}
