#include "config.h"

#include "cli/cli.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/values.h"
#include "deliver/formatter.h"
#include "relay/options.h"

static const struct cli_command *const commands[] = {
	&cli_run,
	&cli_check,
	&cli_fetch,
	&cli_preview,
	&cli_replay,
	&cli_formats,
	&cli_state,
	&cli_sample,
	&cli_manual,
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(*commands))
/* Where the help of an option begins. */
#define HELP_COLUMN 26

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

void cli_words(int at, int indent, const char *text)
{
	printf("%*s", indent - at, "");
	at = indent;
	while (*text) {
		int word = (int)strcspn(text, " ");

		if (at > indent && at + 1 + word > CLI_WIDTH) {
			printf("\n%*s", indent, "");
			at = indent;
		}
		at += printf("%s%.*s", at > indent ? " " : "", word, text);
		text += word;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static void print_help(
	const struct cli_command *command, const struct cli_option *options)
{
	printf("usage: alertrelay %s%s%s\n\n%s", command->name,
		command->arguments[0] ? " " : "", command->arguments, command->help);
	if (options->name)
		putchar('\n');
	for (const struct cli_option *o = options; o->name; o++) {
		char letter[] = {'-', o->letter, ',', '\0'};
		bool form = o->kind == CLI_FORM;
		int at = printf("  %3s --%s%s%s%s", o->letter ? letter : "", o->name,
			form ? "[=" : " ", o->value ? o->value : "", form ? "]" : "");

		if (at >= HELP_COLUMN)
			at = printf("\n") - 1;
		cli_words(at, HELP_COLUMN, o->help);
	}
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

/* The row of "--to", "--to=x", "-c" or "-cx"; *value is the x, or NULL. */
static const struct cli_option *find_option(
	const struct cli_option *options, const char *text, const char **value)
{
	size_t n = strcspn(text, "=");

	for (const struct cli_option *o = options; o->name; o++) {
		if (text[1] != '-' && text[1] == o->letter) {
			*value = text[2] ? text + 2 : NULL;
			return o;
		}
		if (text[1] == '-' && n == strlen(o->name) + 2 &&
			!strncmp(text + 2, o->name, n - 2)) {
			*value = text[n] ? text + n + 1 : NULL;
			return o;
		}
	}
	return NULL;
}

static enum rc take_value(
	const struct cli_option *option, const char *value, struct error *err)
{
	enum rc rc = RC_OK;

	switch (option->kind) {
	case CLI_FLAG:
		*(bool *)option->to = true;
		return RC_OK;
	case CLI_TIME:
		return value_duration(value, option->to, err);
	case CLI_MOMENT:
		return value_moment(value, clock_wall(&clock_system), option->to, err);
	case CLI_COUNT:
		return value_integer(value, 1, INT64_MAX, option->to, err);
	case CLI_FORM:
		if (!value) {
			*(int *)option->to = 0;
			return RC_OK;
		}
		return value_choice(value, option->value, option->to, err);
	case CLI_CHOICE:
		return value_choice(value, option->value, option->to, err);
	case CLI_SOURCE:
		return options_source(value, option->to, err);
	case CLI_PRESET:
		return options_preset(value, option->to, err);
	case CLI_NAME:
		rc = value_name(value, err);
		break;
	case CLI_TEXT:
		break;
	}
	*(const char **)option->to = value;
	return rc;
}

static bool needs_value(const struct cli_option *option)
{
	return option->value && option->kind != CLI_FORM;
}

int cli_options(const struct cli_command *command, int argc, char **argv,
	const struct cli_option *options, const char **file)
{
	bool options_over = false;
	const char *given = NULL;
	struct error err;

	for (int i = 1; i < argc; i++) {
		const char *text = argv[i], *value;
		const struct cli_option *option;

		if (options_over || text[0] != '-' || !text[1]) {
			if (!file || given)
				return cli_wrong(command, "unexpected \"%s\"%s", text,
					file ? ": one at a time" : "");
			*file = given = text;
			continue;
		}
		options_over = strcmp(text, "--") == 0;
		if (options_over)
			continue;
		if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0) {
			print_help(command, options);
			return EXIT_DONE;
		}
		option = find_option(options, text, &value);
		if (!option)
			return cli_wrong(command, "unknown option %s", text);
		if (!option->value && value)
			return cli_wrong(
				command, "option --%s takes no value", option->name);
		if (needs_value(option) && !value)
			value = argv[++i];
		if (needs_value(option) && !value)
			return cli_wrong(command, "option %s needs a value: %s", text,
				option->value);
		if (take_value(option, value, &err) != RC_OK)
			return cli_wrong(command, "--%s: %s", option->name, err.text);
	}
	return EXIT_NOT_YET;
}

void cli_protect_memory(void)
{
	const struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
}

static void say_wrong(const struct cli_command *command, const char *path,
	const struct config_report *report)
{
	fputs(report->text.p, stderr);
	fprintf(stderr, "alertrelay %s: %zu error%s in the configuration\n",
		command->name, report->count, report->count == 1 ? "" : "s");
	if (access(path, F_OK) != 0)
		fputs("`alertrelay sample` prints one to begin with; -c FILE "
		      "names another\n",
			stderr);
}

struct config *cli_config(const struct cli_command *command, const char *path)
{
	struct config_report report;
	struct config *config = NULL;
	enum rc rc = config_load(path, &config, &report);

	if (rc != RC_OK)
		say_wrong(command, path, &report);
	else if (report.text.n) /* warnings */
		fputs(report.text.p, stderr);
	config_report_clear(&report);
	return config;
}

struct formatters *cli_formatters(const struct cli_command *command, const char *path)
{
	struct config_report report;
	struct formatters *formatters = config_formatters(path, &report);

	if (!formatters)
		say_wrong(command, path, &report);
	config_report_clear(&report);
	return formatters;
}

int cli_format(const struct cli_command *command, struct formatters *formatters,
	const char *name)
{
	struct formatter formatter;
	struct error err;

	if (formatter_find(formatters, name, &formatter, &err) != RC_OK)
		return cli_wrong(command, "--format: %s", err.text);
	return EXIT_NOT_YET;
}

static int run_command(int argc, char **argv)
{
	const struct cli_command *command = NULL;
	const char *names[COMMAND_COUNT];
	struct error err;
	int status;

	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		names[i] = commands[i]->name;
		if (strcmp(argv[0], names[i]) == 0)
			command = commands[i];
	}
	if (!command) {
		value_unknown(argv[0], "command", names, COMMAND_COUNT, &err);
		fprintf(stderr, "alertrelay: %s\ntry `alertrelay --help`\n", err.text);
		return EXIT_USAGE;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	status = command->run(command, argc, argv);
	curl_global_cleanup();
	return status;
}

int cli_main(int argc, char **argv)
{
	const char *first = argc > 1 ? argv[1] : "";
	int status = argc > 1 ? EXIT_DONE : EXIT_USAGE;

	if (argc < 2)
		usage(stderr);
	else if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 ||
		 strcmp(first, "help") == 0)
		usage(stdout);
	else if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0)
		puts(PACKAGE_STRING);
	else
		status = run_command(argc - 1, argv + 1);
	/* A write that failed before is not told again by the last one. */
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fputs("alertrelay: not all could be written to standard output\n", stderr);
	return status == EXIT_DONE ? EXIT_INCOMPLETE : status;
}
