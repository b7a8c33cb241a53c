#include "config.h"

#include <stdio.h>

#include "base/strbuf.h"
#include "cli/cli.h"

static int print(const struct cli_command *command, int argc, char **argv,
	void (*make)(struct strbuf *out))
{
	static const struct cli_option none[] = {{0}};
	int status = cli_options(command, argc, argv, none, NULL);
	struct strbuf out;

	if (status != EXIT_NOT_YET)
		return status;
	strbuf_init(&out, 1048576);
	make(&out);
	fwrite(out.p, 1, out.n, stdout);
	strbuf_clear(&out);
	return EXIT_DONE;
}

static int sample(const struct cli_command *command, int argc, char **argv)
{
	return print(command, argc, argv, config_sample);
}

static int manual(const struct cli_command *command, int argc, char **argv)
{
	return print(command, argc, argv, config_manual);
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
	.arguments = "",
	.summary = "print the options of the configuration for the manual (mdoc)",
	.help = "The section of alertrelay(8) that lists the options.\n",
	.run = manual,
};
