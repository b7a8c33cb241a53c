#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "cli/cli.h"
#include "cli/mapping.h"
#include "deliver/formatter.h"
#include "relay/preset.h"

#define INDENT 4

static void print_option(const struct fmt_option_info *option)
{
	printf("%*s%s", INDENT, "", option->name);
	if (option->default_value && option->default_value[0])
		printf(" (default: %s)", option->default_value);
	putchar('\n');
	if (option->help)
		cli_words(0, 2 * INDENT, option->help);
}

static void print_formatter(const struct formatter *formatter)
{
	const struct fmt_module *module = formatter->module;

	printf("%s (", formatter->name);
	if (formatter->file)
		printf("module %s%s%s)\n", formatter->file,
			module->version ? ", version " : "",
			module->version ? module->version : "");
	else
		puts("built in)");
	cli_words(0, INDENT, module->help);
	for (const struct fmt_option_info *option = module->options;
		option && option->name; option++)
		print_option(option);
}

static void print_presets(void)
{
	struct strbuf settings;

	puts("\npresets, for the SIEM behind a destination:");
	strbuf_init(&settings, 4096);
	for (size_t i = 0; preset_at(i); i++) {
		strbuf_reset(&settings);
		preset_settings(preset_at(i), &settings);
		printf("\n%s (%s)\n", preset_at(i)->name, preset_at(i)->title);
		cli_words(0, INDENT, settings.p);
	}
	strbuf_clear(&settings);
}

static int print_all(const struct formatters *formatters)
{
	size_t refused = 0;

	for (size_t i = 0; i < formatters_count(formatters); i++) {
		const struct formatter *formatter = formatters_at(formatters, i);

		refused += !formatter->module;
		if (!formatter->module)
			continue;
		if (i)
			putchar('\n');
		print_formatter(formatter);
	}
	print_presets();
	if (refused)
		printf("\nmodules that cannot be used:\n");
	for (size_t i = 0; i < formatters_count(formatters); i++)
		if (!formatters_at(formatters, i)->module)
			cli_words(0, INDENT, formatters_at(formatters, i)->why);
	return refused ? EXIT_INCOMPLETE : EXIT_DONE;
}

static int print_chosen(const struct cli_command *command,
	struct formatters *formatters, const char *name)
{
	struct formatter formatter;
	struct error err;

	if (!name) {
		if (formatters_load_all(formatters, &err) != RC_OK)
			return cli_wrong(command, "%s", err.text);
		return print_all(formatters);
	}
	if (formatter_find(formatters, name, &formatter, &err) != RC_OK)
		return cli_wrong(command, "%s", err.text);
	print_formatter(&formatter);
	return EXIT_DONE;
}

static int print_mapping(void)
{
	struct strbuf out;

	strbuf_init(&out, 4 * 1048576);
	mapping_lines(&out);
	fwrite(out.p, 1, out.n, stdout);
	strbuf_clear(&out);
	return EXIT_DONE;
}

static int formats(const struct cli_command *command, int argc, char **argv)
{
	const char *path = NULL, *name = NULL;
	bool mapping = false;
	const struct cli_option options[] = {
		{"config", 'c', "FILE", CLI_TEXT, &path,
			"take the modules of this file's formats.directory"},
		{"mapping", 0, NULL, CLI_FLAG, &mapping,
			"what each field of an alert becomes, a line each with tabs"},
		{0},
	};
	struct formatters *formatters;
	int status = cli_options(command, argc, argv, options, &name);

	if (status != EXIT_NOT_YET)
		return status;
	if (mapping && (name || path))
		return cli_wrong(command, "--mapping is about the built-in formats");
	if (mapping)
		return print_mapping();
	formatters = path ? cli_formatters(command, path)
			  : formatters_new(FORMATTERS_DIRECTORY);
	if (!formatters)
		return EXIT_USAGE;
	status = print_chosen(command, formatters, name);
	formatters_free(formatters);
	return status;
}

const struct cli_command cli_formats = {
	.name = "formats",
	.arguments = "[NAME] [-c FILE] | --mapping",
	.summary = "list the formats, built in and made by others, and the presets",
	.help = "Prints each format with its options, or NAME alone, the presets, and "
		"why a module cannot be used;\n"
		"with one that cannot it exits with 1. Without -c it looks "
		"into\n" FORMATTERS_DIRECTORY ".\n",
	.run = formats,
};
