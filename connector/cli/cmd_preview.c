#include "config.h"

#include <stdio.h>
#include <string.h>

#include "alert/alert.h"
#include "base/log.h"
#include "cli/answers.h"
#include "cli/cli.h"
#include "formats/registry.h"

struct preview {
	const struct destination_options *options;
	struct fmt_str customer, customer_name;
	bool wire;
	uint64_t shown, rejected;
	struct strbuf out;
};

static enum rc show(void *context, struct fmt_alert *alert)
{
	struct preview *preview = context;
	struct syslog_fields fields = {.severity = alert->severity,
		.time = alert->updated != NO_TIME ? alert->updated : alert->created,
		.customer = preview->customer,
		.msgid = "alert"};
	char version[ALERT_VERSION_TEXT];
	struct error err = {0};

	alert_version_text(alert_version(alert, ALERT_POLICY_STATUS), version);
	alert->version = (struct fmt_str){version, strlen(version)};
	alert->customer = preview->customer;
	alert->customer_name = preview->customer_name;
	strbuf_reset(&preview->out);
	if (destination_render(preview->options, alert, &fields, preview->wire,
		    &clock_system, &preview->out, &err) != RC_OK) {
		char id[120];

		fprintf(stderr, "alertrelay preview: alert %s: %s\n",
			log_quote(id, sizeof(id), alert->id.p, alert->id.n), err.text);
		preview->rejected++;
		return RC_OK;
	}
	fwrite(preview->out.p, 1, preview->out.n, stdout);
	if (!preview->wire)
		putchar('\n');
	preview->shown++;
	return RC_OK;
}

static int show_file(const struct cli_command *command, struct preview *preview,
	const struct source *source, const char *path)
{
	struct answers_counts counts = {0};
	struct error err = {0};
	enum rc rc;

	strbuf_init(&preview->out, 16 * 1048576);
	rc = answers_read(path, source, show, NULL, preview, &counts, &err);
	strbuf_clear(&preview->out);
	if (rc != RC_OK)
		fprintf(stderr, "alertrelay %s: %s (%llu shown before)\n",
			command->name, err.text, (unsigned long long)preview->shown);
	return rc == RC_OK && !preview->rejected ? EXIT_DONE : EXIT_INCOMPLETE;
}

static int preview_run(const struct cli_command *command, int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"to", required_argument, NULL, 't'},
		{"format", required_argument, NULL, 'f'},
		{"source", required_argument, NULL, 's'},
		{"tenant", required_argument, NULL, 'T'},
		{"wire", no_argument, NULL, 'w'},
		{"framing", required_argument, NULL, 'F'},
		{"help", no_argument, NULL, 'h'}, {0}};
	const char *config_path = NULL, *to = NULL, *format = NULL,
		   *source_name = "graph-alerts";
	const char *tenant = "customer", *framing = NULL;
	struct destination_options chosen;
	struct preview preview = {0};
	const struct source *source;
	struct config *config = NULL;
	int c, status;

	while ((c = cli_option(command, argc, argv, ":c:h", options)) != -1) {
		switch (c) {
		case 'c':
			config_path = optarg;
			break;
		case 't':
			to = optarg;
			break;
		case 'f':
			format = optarg;
			break;
		case 's':
			source_name = optarg;
			break;
		case 'T':
			tenant = optarg;
			break;
		case 'w':
			preview.wire = true;
			break;
		case 'F':
			framing = optarg;
			break;
		case 'h':
			return EXIT_DONE;
		default:
			return EXIT_USAGE;
		}
	}
	if (argc - optind > 1)
		return cli_wrong(command, "unexpected \"%s\": one FILE at a time",
			argv[optind + 1]);
	source = source_find(source_name);
	if (!source)
		return cli_wrong(command, "--source: unknown source \"%s\"; known: %s",
			source_name, answers_sources());
	if (framing && strcmp(framing, "octet") != 0 && strcmp(framing, "lf") != 0)
		return cli_wrong(
			command, "--framing: \"%s\" is none: use octet or lf", framing);
	if (format && !format_find(format, strlen(format)))
		return cli_wrong(command, "--format: unknown format \"%s\"; known: %s",
			format, format_names());
	if (!config_path && !format)
		return cli_wrong(command, "say -c FILE or --format NAME (known: %s)",
			format_names());
	destination_options_default(&chosen);
	if (config_path) {
		const struct destination_options *found;

		config = cli_config(command, config_path);
		if (!config)
			return EXIT_USAGE;
		found = cli_destination(config, to);
		if (!found) {
			config_free(config);
			return cli_wrong(command, "--to: no destination \"%s\" in %s",
				to ? to : "", config_path);
		}
		chosen = *found;
	}
	if (format) {
		if (!chosen.format || strcmp(chosen.format, format) != 0)
			chosen.format_option_count = 0;
		chosen.format = format;
	}
	if (framing)
		chosen.framing =
			strcmp(framing, "octet") == 0 ? FRAMING_OCTET : FRAMING_LF;
	preview.options = &chosen;
	cli_customer(config, tenant, &preview.customer, &preview.customer_name);
	status = show_file(
		command, &preview, source, optind < argc ? argv[optind] : "-");
	config_free(config);
	return status;
}

const struct cli_command cli_preview = {
	.name = "preview",
	.arguments = "-c FILE|--format NAME [OPTION...] [FILE|-]",
	.summary = "show how saved alerts would be written, without any network",
	.help = "Reads answers of the API (pages, lists, or one alert a line) from "
		"FILE or standard\n"
		"input and prints one message a line.\n\n"
		"  -c, --config FILE   take format and header from a destination of "
		"this file\n"
		"      --to NAME       which destination; default the first\n"
		"      --format NAME   the formatter, instead of or over the "
		"destination's\n"
		"      --source NAME   the API that the answers came from; default "
		"graph-alerts\n"
		"      --tenant KEY    the customer to name; default \"customer\"\n"
		"      --wire          exactly the octets that a collector would get\n"
		"      --framing WORD  octet or lf, with --wire\n",
	.run = preview_run,
};
