/* cli.h - the command line: one file a subcommand, one row each in cli.c.
 *
 * Exit status of all: 0 done; 1 not all of it could be done; 2 usage or configuration. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <getopt.h>
#include <stdbool.h>

#include "base/error.h"
#include "relay/configuration.h"

#define EXIT_DONE 0
#define EXIT_INCOMPLETE 1
#define EXIT_USAGE 2

int cli_main(int argc, char **argv);

/* One subcommand: argv[0] is its name. */
struct cli_command {
	const char *name;
	const char *arguments; /* of the usage line */
	const char *summary; /* one line for the list of commands */
	const char *help; /* what `alertrelay NAME --help` prints below the usage */
	int (*run)(const struct cli_command *command, int argc, char **argv);
};

extern const struct cli_command cli_run, cli_check, cli_preview, cli_replay, cli_sample,
	cli_manual;

void cli_usage(const struct cli_command *command);
/* "alertrelay NAME: text" and a hint at --help on standard error; gives EXIT_USAGE. */
int cli_wrong(const struct cli_command *command, const char *format, ...) PRINTF(2, 3);
/* getopt_long() with our words for what is wrong; -1 at the end, '?' after a message was printed.
 * --help is handled here: it prints and gives 'h'. */
int cli_option(const struct cli_command *command, int argc, char **argv,
	const char *short_options, const struct option *long_options);

/* Loads the configuration and prints every error; NULL when there was one. */
struct config *cli_config(const struct cli_command *command, const char *path);
#define CLI_CONFIG_DEFAULT SYSCONFDIR "/alertrelay/alertrelay.yaml"

/* The destination with this name, or the first for NULL; NULL when there is none. */
const struct destination_options *cli_destination(
	const struct config *config, const char *name);
/* The customer to name for a tenant key, which need not be in the configuration (may be NULL). */
void cli_customer(const struct config *config, const char *key,
	struct fmt_str *customer, struct fmt_str *name);

/* Text like "60s" of an option. */
bool cli_duration(const struct cli_command *command, const char *option,
	const char *value, int64_t *ms);

#endif
