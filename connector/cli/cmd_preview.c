#include "config.h"

#include <stdio.h>
#include <string.h>

#include "alert/event.h"
#include "base/log.h"
#include "cli/answers.h"
#include "cli/cli.h"
#include "cli/explain.h"
#include "formats/registry.h"
#include "relay/message.h"
#include "relay/preset.h"

#define MESSAGE_MAX (16u << 20)
#define EXPLAINED_MAX (128u << 20)

struct preview {
	struct answers answers;
	bool wire;
	bool is_explained;
	struct explain explain; /* open when is_explained */
	uint64_t shown, rejected;
	struct strbuf out;
};

/* The message, and what --explain says about it. */
static enum rc make(struct preview *preview, const struct fmt_alert *alert,
	const struct syslog_fields *fields, struct error *err)
{
	enum rc rc;

	if (preview->is_explained)
		return explain_message(&preview->explain, alert, fields,
			clock_wall(&clock_system), &preview->out, err);
	rc = destination_render(&preview->answers.destination, alert, fields,
		preview->wire, &clock_system, &preview->out, err);
	if (!preview->wire)
		(void)strbuf_addc(&preview->out, '\n');
	return rc;
}

static bool show_message(struct preview *preview, const struct fmt_alert *alert,
	const struct syslog_fields *fields)
{
	struct error err = {0};
	char id[120];

	strbuf_reset(&preview->out);
	if (make(preview, alert, fields, &err) != RC_OK) {
		fprintf(stderr, "alertrelay preview: alert %s: %s\n",
			log_quote(id, sizeof(id), alert->id.p, alert->id.n), err.text);
		return false;
	}
	fwrite(preview->out.p, 1, preview->out.n, stdout);
	return true;
}

static enum rc show(void *context, struct fmt_alert *alert)
{
	struct preview *preview = context;
	struct message message;
	struct alert_events events;
	const struct fmt_alert *part;
	bool whole = true;

	message_prepare(alert, &preview->answers.customer,
		alert_version(alert, ALERT_POLICY_STATUS), &message);
	alert_events_begin(
		&events, alert, preview->answers.destination.events == EVENTS_EVIDENCE);
	while ((part = alert_events_next(&events)))
		whole &= show_message(preview, part, &message.fields);
	alert_events_end(&events);
	if (whole)
		preview->shown++;
	else
		preview->rejected++;
	return RC_OK;
}

static int show_file(struct preview *preview)
{
	struct error err = {0};
	enum rc rc;

	strbuf_init(&preview->out, preview->is_explained ? EXPLAINED_MAX : MESSAGE_MAX);
	rc = answers_read(&preview->answers, show, NULL, preview, &err);
	strbuf_clear(&preview->out);
	fflush(stdout); /* what is said comes after what was shown */
	if (rc != RC_OK)
		fprintf(stderr, "alertrelay preview: %s (%llu shown before)\n",
			err.text, (unsigned long long)preview->shown);
	else if (!preview->answers.alerts)
		fputs("alertrelay preview: there is no alert in the input\n", stderr);
	return rc == RC_OK && !preview->rejected ? EXIT_DONE : EXIT_INCOMPLETE;
}

static int show_explained(struct preview *preview, enum explain_form form)
{
	struct error err = {0};
	int status = EXIT_USAGE;

	if (explain_open(&preview->explain, form, &preview->answers.destination,
		    &err) == RC_OK) {
		preview->is_explained = true;
		status = show_file(preview);
	} else {
		fprintf(stderr, "alertrelay preview: %s\n", err.text);
	}
	explain_close(&preview->explain);
	return status;
}

/* What the options say over the destination; texts are in the arena. */
static int choose(const struct cli_command *command, const char *preset,
	const char *format, struct arena *strings, struct destination_options *chosen)
{
	struct error err;

	if (preset && preset_options(preset, format, strings, chosen, &err) != RC_OK)
		return cli_wrong(command, "--preset: %s", err.text);
	if (format && (!chosen->format || strcmp(chosen->format, format) != 0)) {
		chosen->format = format;
		chosen->format_option_count = 0;
		chosen->rule_count = 0; /* its keys are of another format */
	}
	return EXIT_NOT_YET;
}

static int preview_run(const struct cli_command *command, int argc, char **argv)
{
	struct preview preview = {.answers = {ANSWERS_DEFAULT}};
	struct answers *answers = &preview.answers;
	struct destination_options *chosen = &answers->destination;
	const char *format = NULL, *preset = NULL;
	char preset_help[500];
	struct arena strings;
	int framing = -1, split = -1, form = -1, status;
	const struct cli_option options[] = {
		{"config", 'c', "FILE", CLI_TEXT, &answers->config_path,
			"take format and header from a destination of this file"},
		{"to", 0, "NAME", CLI_NAME, &answers->to,
			"with -c: which destination; default the first"},
		{"format", 0, "NAME", CLI_TEXT, &format,
			"the formatter, instead of or over the destination's"},
		{"preset", 0, "NAME", CLI_PRESET, &preset, preset_help},
		{"source", 0, "NAME", CLI_SOURCE, &answers->source,
			"the API that the answers came from; default graph-alerts"},
		{"tenant", 0, "KEY", CLI_NAME, &answers->tenant,
			"the customer to name; default customer"},
		{"wire", 0, NULL, CLI_FLAG, &preview.wire,
			"exactly the octets that a collector would get"},
		{"explain", 0, "text|json", CLI_FORM, &form,
			"under each message: which field went to which key, what was "
			"left out and why; json: one object a line"},
		{"framing", 0, "octet|lf", CLI_CHOICE, &framing,
			"with --wire: instead of the destination's"},
		{"events", 0, "alert|evidence", CLI_CHOICE, &split,
			"a message for each alert, or for each piece of its evidence"},
		{0},
	};

	snprintf(preset_help, sizeof(preset_help),
		"as this SIEM takes it, instead of a destination: %s", preset_names());
	status = cli_options(command, argc, argv, options, &answers->file);
	if (status != EXIT_NOT_YET)
		return status;
	if (!answers->config_path && !format && !preset)
		return cli_wrong(command,
			"say -c FILE, --preset NAME or --format NAME (known: %s)",
			format_names());
	if (answers->to && preset)
		return cli_wrong(
			command, "--preset is instead of --to; say one of them");
	if (answers->to && !answers->config_path)
		return cli_wrong(
			command, "--to names a destination of -c FILE; say it too");
	if (framing >= 0 && !preview.wire)
		return cli_wrong(command, "--framing goes with --wire; say it too");
	if (form >= 0 && preview.wire)
		return cli_wrong(command,
			"--wire is the octets alone, and --explain says more; say one "
			"of them");
	status = answers_open(command, answers);
	if (status == EXIT_NOT_YET && format)
		status = cli_format(command, answers->formatters, format);
	if (status != EXIT_NOT_YET) {
		answers_close(answers);
		return status;
	}
	arena_init(&strings, 1048576);
	status = choose(command, preset, format, &strings, chosen);
	if (framing >= 0)
		chosen->framing = (enum framing)framing;
	if (split >= 0)
		chosen->events = (enum events)split;
	if (status == EXIT_NOT_YET)
		status = form < 0 ? show_file(&preview)
				  : show_explained(&preview, (enum explain_form)form);
	arena_clear(&strings);
	answers_close(answers);
	return status;
}

const struct cli_command cli_preview = {
	.name = "preview",
	.arguments = "-c FILE|--preset NAME|--format NAME [OPTION...] [FILE|-]",
	.summary = "show how saved alerts would be written, without any network",
	.help = "Reads answers of the API (pages, lists, or one alert a line) from "
		"FILE or standard\n"
		"input and prints one message a line.\n",
	.run = preview_run,
};
