#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "cli/cli.h"
#include "relay/preset.h"

static const struct cli_option none[] = {{0}};

static int print(void (*make)(struct strbuf *out))
{
	struct strbuf out;

	strbuf_init(&out, 1048576);
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
	const char *part = NULL;
	int status = cli_options(command, argc, argv, none, &part);

	if (status != EXIT_NOT_YET)
		return status;
	if (part && strcmp(part, "presets") != 0)
		return cli_wrong(command,
			"\"%s\" is no part of it; say presets or "
			"nothing",
			part);
	return print(part ? preset_manual : config_manual);
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
	.arguments = "[presets]",
	.summary = "print the options of the configuration for the manual (mdoc)",
	.help = "The section of alertrelay(8) that lists the options, or that of "
		"alertrelay-siem(7) with the presets.\n",
	.run = manual,
};
