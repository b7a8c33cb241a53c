#include "config.h"

#include <stdio.h>

#include "cli/cli.h"

static int check(const struct cli_command *command, int argc, char **argv)
{
	const char *path = CLI_CONFIG_DEFAULT;
	const struct cli_option options[] = {
		{"config", 'c', "FILE", CLI_TEXT, &path, CLI_CONFIG_HELP},
		{0},
	};
	int status = cli_options(command, argc, argv, options, NULL);
	struct config *config;

	if (status != EXIT_NOT_YET)
		return status;
	config = cli_config(command, path);
	if (!config)
		return EXIT_USAGE;
	printf("%s: good: %zu tenant%s, %zu destination%s\n", path,
		config->tenant_count, config->tenant_count == 1 ? "" : "s",
		config->destination_count, config->destination_count == 1 ? "" : "s");
	config_free(config);
	return EXIT_DONE;
}

const struct cli_command cli_check = {
	.name = "check",
	.arguments = "[-c FILE]",
	.summary = "read the configuration and report every error in it",
	.help = "Reads the configuration, the files of tenants.d and the secrets that "
		"they name.\n"
		"Each error is a line `file:line: what is wrong, what would be "
		"right`. A line\n"
		"`file:line: warning: ...` tells of what its SIEM may not take.\n",
	.run = check,
};
