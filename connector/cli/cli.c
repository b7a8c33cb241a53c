#include "config.h"

#include "cli/cli.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/values.h"

static const struct cli_command *const commands[] = {
	&cli_run,
	&cli_check,
	&cli_preview,
	&cli_replay,
	&cli_sample,
	&cli_manual,
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(*commands))

static void usage(FILE *to)
{
	fputs("usage: alertrelay COMMAND [OPTION...]\n\n"
	      "Pulls Microsoft Defender alerts of many customer tenants and forwards "
	      "them as syslog.\n\n"
	      "commands:\n",
		to);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(to, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n`alertrelay COMMAND --help` says more; alertrelay(8) says all.\n"
	      "exit status: 0 done, 1 not all of it could be done, 2 usage or "
	      "configuration\n",
		to);
}

void cli_usage(const struct cli_command *command)
{
	printf("usage: alertrelay %s %s\n\n%s", command->name, command->arguments,
		command->help);
}

int cli_wrong(const struct cli_command *command, const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "alertrelay %s: ", command->name);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fprintf(stderr, "\ntry `alertrelay %s --help`\n", command->name);
	return EXIT_USAGE;
}

int cli_option(const struct cli_command *command, int argc, char **argv,
	const char *short_options, const struct option *long_options)
{
	int c;

	opterr = 0;
	c = getopt_long(argc, argv, short_options, long_options, NULL);
	if (c == 'h')
		cli_usage(command);
	if (c == ':')
		cli_wrong(command, "option %s needs a value", argv[optind - 1]);
	if (c == '?')
		cli_wrong(command, "unknown option %s", argv[optind - 1]);
	return c == ':' ? '?' : c;
}

struct config *cli_config(const struct cli_command *command, const char *path)
{
	struct config_report report;
	struct config *config = NULL;

	if (config_load(path, &config, &report) != RC_OK) {
		fputs(report.text.p, stderr);
		fprintf(stderr, "alertrelay %s: %zu error%s in the configuration\n",
			command->name, report.count, report.count == 1 ? "" : "s");
	}
	config_report_clear(&report);
	return config;
}

const struct destination_options *cli_destination(
	const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->destination_count; i++)
		if (!name || strcmp(config->destinations[i].name, name) == 0)
			return &config->destinations[i];
	return NULL;
}

void cli_customer(const struct config *config, const char *key,
	struct fmt_str *customer, struct fmt_str *name)
{
	const char *display = key;

	for (size_t i = 0; config && i < config->tenant_count; i++)
		if (strcmp(config->tenants[i].key, key) == 0)
			display = config->tenants[i].display_name;
	*customer = (struct fmt_str){key, strlen(key)};
	*name = (struct fmt_str){display, strlen(display)};
}

bool cli_duration(const struct cli_command *command, const char *option,
	const char *value, int64_t *ms)
{
	struct error err;

	if (value_duration(value, ms, &err) == RC_OK)
		return true;
	cli_wrong(command, "%s: %s", option, err.text);
	return false;
}

int cli_main(int argc, char **argv)
{
	int status = -1;

	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
		strcmp(argv[1], "help") == 0) {
		usage(stdout);
		return EXIT_DONE;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		puts(PACKAGE_STRING);
		return EXIT_DONE;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	for (size_t i = 0; i < COMMAND_COUNT && status < 0; i++)
		if (strcmp(argv[1], commands[i]->name) == 0)
			status = commands[i]->run(commands[i], argc - 1, argv + 1);
	curl_global_cleanup();
	if (status < 0) {
		fprintf(stderr, "alertrelay: unknown command \"%s\"\n\n", argv[1]);
		usage(stderr);
		return EXIT_USAGE;
	}
	if (fflush(stdout) != 0 && status == EXIT_DONE) {
		perror("alertrelay: cannot write to standard output");
		return EXIT_INCOMPLETE;
	}
	return status;
}
