#include "config.h"

#include "deliver/render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/list.h"
#include "base/strbuf.h"

/* The structured data gets at most half of a message, so that the body keeps room. */
#define STRUCTURED_DATA_SHARE 2

static int grow(struct fmt_out *out, size_t want)
{
	struct render_out *own = CONTAINER_OF(out, struct render_out, out);
	size_t room = own->room ? own->room : 4096;

	if (want > own->maximum)
		return 0;
	while (room < want)
		room *= 2;
	out->p = own->p = xrealloc(own->p, room);
	out->room = own->room = room;
	return 1;
}

static void begin(struct render_out *own)
{
	own->out = (struct fmt_out){
		.p = own->p, .room = own->room, .maximum = own->maximum, .grow = grow};
}

static bool is_whole(const struct render_out *own)
{
	const struct fmt_out *out = &own->out;

	return out->p == own->p && out->room == own->room && out->grow == grow &&
	       out->maximum == own->maximum && out->n <= own->maximum &&
	       out->n <= own->room;
}

static enum rc open_fields(struct render *render, struct error *err)
{
	const struct destination_options *options = render->options;
	const char *paths[ALERT_PATHS_MAX];
	size_t count = 0;
	enum rc rc = formatter_fields(&render->formatter, render->self, options->rules,
		options->rule_count, NULL, NULL, err);

	for (size_t i = 0; i < options->rule_count && count < ALERT_PATHS_MAX; i++)
		if (options->rule_paths[i])
			paths[count++] = options->rule_paths[i];
	if (rc != RC_OK || !count)
		return rc;
	render->paths = alert_paths_new(paths, count);
	render->found = xcalloc(count, sizeof(*render->found));
	render->added = xcalloc(options->rule_count, sizeof(*render->added));
	return RC_OK;
}

/* The alert with what its text has at the paths of the field map. */
static void add_fields(struct render *render, struct fmt_alert *alert)
{
	const struct destination_options *options = render->options;
	size_t at = 0;

	alert_paths_read(render->paths, alert->raw, render->found);
	for (size_t i = 0; i < options->rule_count; i++)
		if (options->rule_paths[i])
			render->added[i] = render->found[at++];
	alert->added = render->added;
	alert->added_count = options->rule_count;
}

enum rc render_open(struct render *render, const struct destination_options *options,
	struct error *err)
{
	const char *format = options->format ? options->format : "";
	enum rc rc;

	*render = (struct render){.options = options};
	if (gethostname(render->relay, sizeof(render->relay)) != 0)
		render->relay[0] = '\0';
	render->relay[sizeof(render->relay) - 1] = '\0';
	snprintf(render->procid, sizeof(render->procid), "%ld", (long)getpid());
	rc = formatter_find(options->formatters, format, &render->formatter, err);
	if (rc != RC_OK)
		return rc;
	render->self = formatter_open(&render->formatter, options->format_options,
		options->format_option_count, err);
	if (!render->self)
		return error_wrap(err, "format %s", format);
	return open_fields(render, err);
}

void render_close(struct render *render)
{
	if (render->self)
		render->formatter.module->close(render->self);
	alert_paths_free(render->paths);
	free(render->found);
	free(render->added);
	free(render->body.p);
	free(render->structured_data.p);
	*render = (struct render){0};
}

static struct fmt_str text(const char *s)
{
	return (struct fmt_str){s, s ? strlen(s) : 0};
}

static struct fmt_str hostname(
	const struct render *render, const struct syslog_fields *fields)
{
	const char *choice = render->options->hostname;

	if (!choice || strcmp(choice, "tenant") == 0)
		return fields->customer;
	if (strcmp(choice, "relay") == 0)
		return text(render->relay);
	return text(choice);
}

static void write_head(const struct render *render, const struct syslog_fields *fields,
	int64_t now, struct rendered *out)
{
	const struct destination_options *options = render->options;
	const struct syslog_header header = {
		.facility = options->facility,
		.severity = fields->severity,
		.levels = options->syslog_severity,
		.time = fields->time == NO_TIME ? now : fields->time,
		.hostname = hostname(render, fields),
		.app_name = text(options->app_name ? options->app_name : "alertrelay"),
		.procid = text(render->procid),
		.msgid = text(fields->msgid),
		.tag = options->tag,
		.utc = options->utc,
	};

	if (options->header == HEADER_RFC5424)
		out->head_n = syslog_rfc5424(&header, out->head);
	else if (options->header == HEADER_RFC3164)
		out->head_n = syslog_rfc3164(&header, out->head);
}

/* Nobody knows what a module does. */
static enum rc judge(const struct render *render, enum fmt_result result,
	const struct fmt_message *message, struct error *err)
{
	const struct fmt_message seen = {.body = (struct fmt_out *)&render->body.out,
		.structured_data = (struct fmt_out *)&render->structured_data.out,
		.shed_fields = message->shed_fields,
		.cut_texts = message->cut_texts};

	if (!is_whole(&render->body) || !is_whole(&render->structured_data))
		return formatter_wrong(&render->formatter, err,
			"wrote past the end of its output, or changed what is not its "
			"own there");
	return formatter_judge(&render->formatter, result, &seen, err);
}

static enum rc run(struct render *render, const struct fmt_alert *alert,
	struct rendered *out, struct error *err)
{
	struct fmt_message message = {.body = &render->body.out,
		.structured_data = &render->structured_data.out,
		.trace = render->trace};
	const struct formatter *formatter = &render->formatter;
	enum fmt_result result;

	begin(&render->body);
	begin(&render->structured_data);
	if (message.trace)
		message.trace->begin(message.trace);
	result = formatter->module->format(render->self, alert, &message);
	if (formatter->file) {
		enum rc rc = judge(render, result, &message, err);

		if (rc != RC_OK)
			return rc;
	}
	out->shed_fields = message.shed_fields;
	out->cut_texts = message.cut_texts;
	if (result == FMT_TOO_SMALL)
		return error_set(err, RC_LIMIT,
			"format %s cannot write this alert in max_message_bytes %zu: "
			"not even the fields "
			"that always stay fit",
			formatter->name, render->options->max_message_bytes);
	if (result != FMT_OK)
		return error_set(err, RC_PROTO, "format %s cannot write this alert",
			formatter->name);
	return RC_OK;
}

enum rc render_alert(struct render *render, const struct fmt_alert *alert,
	const struct syslog_fields *fields, int64_t now, struct rendered *out,
	struct error *err)
{
	const struct destination_options *options = render->options;
	bool structured = options->header == HEADER_RFC5424;
	size_t maximum = options->max_message_bytes, fixed;
	struct fmt_alert with;
	enum rc rc;

	if (render->paths) {
		with = *alert;
		add_fields(render, &with);
		alert = &with;
	}
	out->head_n = 0;
	out->bom = structured && options->bom;
	write_head(render, fields, now, out);
	/* "-" and the space behind it, and the mark */
	fixed = out->head_n + (structured ? 2 : 0) +
		(out->bom ? strlen(SYSLOG_BOM) : 0);
	if (fixed >= maximum)
		return error_set(err, RC_LIMIT,
			"max_message_bytes %zu is less than the header of a message",
			maximum);
	render->body.maximum = maximum - fixed;
	render->structured_data.maximum = (maximum - fixed) / STRUCTURED_DATA_SHARE;
	rc = run(render, alert, out, err);
	if (rc == RC_OK && structured && render->structured_data.out.n > 1 &&
		render->body.out.n + render->structured_data.out.n - 1 >
			maximum - fixed) {
		/* Too long together: again, with the rest for the body. */
		size_t data = render->structured_data.out.n;

		render->structured_data.maximum = data;
		render->body.maximum = maximum - fixed - (data - 1);
		rc = run(render, alert, out, err);
	}
	if (rc != RC_OK)
		return rc;
	out->structured_data = (struct fmt_str){
		render->structured_data.p, render->structured_data.out.n};
	out->body = (struct fmt_str){render->body.p, render->body.out.n};
	if (!structured)
		out->structured_data = (struct fmt_str){NULL, 0};
	else if (!out->structured_data.n)
		out->structured_data = text("-");
	out->space = structured;
	out->size = out->head_n + out->structured_data.n + (out->space ? 1 : 0) +
		    (out->bom ? strlen(SYSLOG_BOM) : 0) + out->body.n;
	return RC_OK;
}

size_t render_size(const struct render *render, const struct rendered *rendered)
{
	char prefix[FRAMING_PREFIX];

	return framing_prefix(render->options->framing, rendered->size, prefix) +
	       rendered->size + framing_suffix(render->options->framing);
}

static char *put(char *to, const char *p, size_t n)
{
	if (n)
		memcpy(to, p, n);
	return to + n;
}

void render_copy(const struct render *render, const struct rendered *rendered, char *to)
{
	char *start;

	start = to += framing_prefix(render->options->framing, rendered->size, to);
	to = put(to, rendered->head, rendered->head_n);
	to = put(to, rendered->structured_data.p, rendered->structured_data.n);
	if (rendered->space)
		*to++ = ' ';
	if (rendered->bom)
		to = put(to, SYSLOG_BOM, strlen(SYSLOG_BOM));
	to = put(to, rendered->body.p, rendered->body.n);
	framing_clean(start, rendered->size);
	if (framing_suffix(render->options->framing))
		*to = '\n';
}
