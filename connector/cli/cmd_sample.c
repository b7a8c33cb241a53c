#include "config.h"

#include <stdio.h>

#include "base/strbuf.h"
#include "cli/cli.h"
#include "cli/mapping.h"

static int print(const struct cli_command *command, int argc, char **argv,
	void (*make)(struct strbuf *out), void (*mapping)(struct strbuf *out))
{
	bool mapped = false;
	const struct cli_option options[] = {
		{mapping ? "mapping" : NULL, 0, NULL, CLI_FLAG, &mapped,
			"the section with what each field of an alert becomes"},
		{0},
	};
	int status = cli_options(command, argc, argv, options, NULL);
	struct strbuf out;

	if (status != EXIT_NOT_YET)
		return status;
	strbuf_init(&out, 4 * 1048576);
	(mapped ? mapping : make)(&out);
	fwrite(out.p, 1, out.n, stdout);
	strbuf_clear(&out);
	return EXIT_DONE;
}

static int sample(const struct cli_command *command, int argc, char **argv)
{
	return print(command, argc, argv, config_sample, NULL);
}

static int manual(const struct cli_command *command, int argc, char **argv)
{
	return print(command, argc, argv, config_manual, mapping_manual);
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
	.arguments = "[--mapping]",
	.summary = "print the options of the configuration for the manual (mdoc)",
	.help = "The section of alertrelay(8) that lists the options.\n",
	.run = manual,
};
