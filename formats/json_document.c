/* json_document.c - the module of a document of our own. */
#include "json_document.h"

#include <stdio.h>
#include <stdlib.h>

#include "json_tight.h"
#include "option.h"

void *json_document_open(const char *format, enum severity_scale scale,
	const struct fmt_option *options, size_t count, char *error, size_t error_size)
{
	struct json_document *self = calloc(1, sizeof(*self));
	int has_severity = scale < SEVERITY_SCALES, good = 1;

	if (!self) {
		snprintf(error, error_size, "%s: out of memory", format);
		return NULL;
	}
	if (has_severity)
		self->severity = *severity_default(scale);
	for (size_t i = 0; good && i < count; i++) {
		const struct fmt_option *option = &options[i];

		if (!strcmp(option->name, "original")) {
			good = option_yes_no(
				format, option, &self->original, error, error_size);
		} else if (has_severity && !strcmp(option->name, "severity")) {
			good = option_severity(format, option, scale, &self->severity,
				error, error_size);
		} else {
			snprintf(error, error_size,
				"%s: there is no option \"%.40s\"; it takes original%s",
				format, option->name,
				has_severity ? " and severity" : "");
			good = 0;
		}
	}
	if (good)
		return self;
	free(self);
	return NULL;
}

void json_document_close(void *self)
{
	free(self);
}

static const char *why_shed(unsigned rank)
{
#define NO_ROOM "the message has no room for it: "
	static const char *const why[] = {
		[JSON_ORIGINAL] = NO_ROOM "the vendor's own text goes first",
		[JSON_EVIDENCE_PLAIN] =
			NO_ROOM "evidence that is not the primary one goes early",
		[JSON_EVIDENCE_SUSPICIOUS] =
			NO_ROOM "suspicious evidence goes after the rest of evidence",
		[JSON_EVIDENCE_MALICIOUS] =
			NO_ROOM "malicious evidence goes after the rest of evidence",
		[JSON_EVIDENCE_PRIMARY] = NO_ROOM "of evidence the primary goes last",
		[JSON_DETAILS] = NO_ROOM "custom details and additional data go after "
					 "evidence",
		[JSON_COMMENTS] = NO_ROOM "comments go after long texts were cut",
		[JSON_OPTIONAL] = NO_ROOM "what is optional goes after comments",
		[JSON_USEFUL] = NO_ROOM "useful members go after those that are "
					"optional",
		[JSON_TWICE] = NO_ROOM "it stands elsewhere too",
		[JSON_CUT_TITLE] = NULL,
	};

	return rank < sizeof(why) / sizeof(*why) && why[rank]
		       ? why[rank]
		       : "the message has no room for it";
}

static const struct json_shedding shedding = {
	{"evidence_omitted", "fields_omitted"}, why_shed, JSON_OPTIONAL};

int json_document_fields(struct json_document *self, const char *format,
	const struct field_json_own *own, const struct fmt_rule *rules, size_t count,
	fmt_wrong *wrong, void *context)
{
	return field_json_read(&self->fields, format, own, shedding.notes, rules, count,
		wrong, context);
}

struct job {
	const struct json_document *document;
	json_write *write;
};

static int write_whole(struct fmt_out *whole, struct json_fit *fit, const void *self,
	const struct fmt_alert *alert)
{
	const struct job *job = self;
	struct json_writer w;

	json_writer_open(&w, whole, fit);
	job->write(&w, job->document, alert);
	if (w.full)
		return 0;
	json_writer_close(&w);
	return 1;
}

enum fmt_result json_document_write(struct fmt_message *message, json_write *write,
	const struct json_document *self, const struct fmt_alert *alert)
{
	const struct job job = {self, write};
	size_t start = message->body->n;
	struct json_writer w;

	if (!self->fields.count) {
		json_writer_open(&w, message->body, NULL);
		write(&w, self, alert);
		if (!w.full) {
			json_writer_close(&w);
			return json_written(message, start);
		}
		message->body->n = start;
	}
	return json_write_tight(
		message, write_whole, &job, alert, &self->fields, &shedding);
}
