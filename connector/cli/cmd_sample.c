#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "cli/cli.h"
#include "cli/mapping.h"
#include "relay/preset.h"

static const struct cli_option none[] = {{0}};

static int print(void (*make)(struct strbuf *out))
{
	struct strbuf out;

	strbuf_init(&out, 4 * 1048576);
	make(&out);
	fwrite(out.p, 1, out.n, stdout);
	strbuf_clear(&out);
	return EXIT_DONE;
}

static int sample(const struct cli_command *command, int argc, char **argv)
{
	int status = cli_options(command, argc, argv, none, NULL);

	return status == EXIT_NOT_YET ? print(config_sample) : status;
}

static int manual(const struct cli_command *command, int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*make)(struct strbuf *out);
	} parts[] = {{"presets", preset_manual}, {"mapping", mapping_manual}};
	const char *part = NULL;
	int status = cli_options(command, argc, argv, none, &part);

	if (status != EXIT_NOT_YET)
		return status;
	if (!part)
		return print(config_manual);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strcmp(part, parts[i].name) == 0)
			return print(parts[i].make);
	return cli_wrong(command,
		"\"%s\" is no part of it; say presets or mapping or nothing", part);
}

const struct cli_command cli_sample = {
	.name = "sample",
	.arguments = "",
	.summary = "print a commented sample configuration",
	.help = "Every option with its default and what it does.\n",
	.run = sample,
};

const struct cli_command cli_manual = {
	.name = "manual",
	.arguments = "[presets|mapping]",
	.summary = "print the options of the configuration for the manual (mdoc)",
	.help = "The section of alertrelay(8) that lists the options, that of "
		"alertrelay-siem(7) with the\npresets, or what each field of an alert "
		"becomes.\n",
	.run = manual,
};
