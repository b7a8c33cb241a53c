/* json.c - the JSON object of rfc5424-json without structured data, for readers of plain JSON.
 *
 * Purpose:  {"customer":"...",...,"alert":{...}}, with the cookie @cee: before it where a reader finds
 *           JSON by that (mmjsonparse of rsyslog, json-parser of syslog-ng).
 * Tests:    unit/test_json.c, tests/golden */
#include <stdio.h>
#include <stdlib.h>

#include "json_body.h"
#include "json_text.h"
#include "registry.h"

#define COOKIE "@cee: "

struct json {
	int cookie;
	struct field_json fields;
};

static enum fmt_result plain_format(
	void *self, const struct fmt_alert *alert, struct fmt_message *message)
{
	const struct json *json = self;
	size_t start = message->body->n;
	enum fmt_result rc;

	if (json->cookie && !json_put(message->body, COOKIE, sizeof(COOKIE) - 1))
		return FMT_TOO_SMALL;
	rc = json_body(&json->fields, alert, message);
	if (rc != FMT_OK)
		message->body->n = start;
	return rc;
}

static int plain_fields(void *self, const struct fmt_rule *rules, size_t count,
	fmt_wrong *wrong, void *context)
{
	struct json *json = self;

	return json_body_fields(&json->fields, "json", rules, count, wrong, context);
}

static const struct fmt_option_info plain_options[] = {
	{"cookie", "none",
		"cee writes @cee: before the object, for mmjsonparse of rsyslog and "
		"json-parser of syslog-ng"},
	{NULL, NULL, NULL},
};

static int read_option(struct json *self, const struct fmt_option *option, char *error,
	size_t error_size)
{
	if (strcmp(option->name, "cookie") != 0) {
		snprintf(error, error_size,
			"json: there is no option \"%.40s\"; it takes cookie",
			option->name);
		return 0;
	}
	self->cookie = !strcmp(option->value, "cee");
	if (self->cookie || !strcmp(option->value, "none"))
		return 1;
	snprintf(error, error_size,
		"json: cookie is \"%.40s\", but must be none or cee", option->value);
	return 0;
}

static void plain_close(void *self)
{
	free(self);
}

static void *plain_open(
	const struct fmt_option *options, size_t count, char *error, size_t error_size)
{
	struct json *self = calloc(1, sizeof(*self));

	if (!self)
		snprintf(error, error_size, "json: out of memory");
	for (size_t i = 0; self && i < count; i++) {
		if (!read_option(self, &options[i], error, error_size)) {
			free(self);
			self = NULL;
		}
	}
	return self;
}

const struct fmt_module json_module = {
	.abi_version = FMT_ABI,
	.struct_size = sizeof(struct fmt_module),
	.name = "json",
	.help = "the vendor's alert as one JSON object, without structured data",
	.options = plain_options,
	.open = plain_open,
	.format = plain_format,
	.close = plain_close,
	.fields = plain_fields,
};
