#include "config.h"

#include <stdio.h>

#include "cli/cli.h"

static int check(const struct cli_command *command, int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'}, {0}};
	const char *path = CLI_CONFIG_DEFAULT;
	struct config *config;
	int c;

	while ((c = cli_option(command, argc, argv, ":c:h", options)) != -1) {
		if (c == 'h')
			return EXIT_DONE;
		if (c == '?')
			return EXIT_USAGE;
		path = optarg;
	}
	if (optind < argc)
		return cli_wrong(command, "unexpected \"%s\"", argv[optind]);
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
		"right`.\n\n"
		"  -c, --config FILE   default " CLI_CONFIG_DEFAULT "\n",
	.run = check,
};
