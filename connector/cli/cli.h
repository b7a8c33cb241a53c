/* cli.h - the command line: one file a subcommand, one row each in cli.c.
 *
 * Exit status of all: 0 done; 1 not all of it could be done; 2 usage or configuration. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>

#include "base/error.h"
#include "relay/configuration.h"

#define EXIT_DONE 0
#define EXIT_INCOMPLETE 1
#define EXIT_USAGE 2
/* No exit status yet: there is something to do. */
#define EXIT_NOT_YET (-1)

int cli_main(int argc, char **argv);

/* One subcommand: argv[0] is its name. */
struct cli_command {
	const char *name;
	const char *arguments; /* of the usage line */
	const char *summary; /* one line for the list of commands */
	const char *help; /* what `alertrelay NAME --help` prints above the options */
	int (*run)(const struct cli_command *command, int argc, char **argv);
};

extern const struct cli_command cli_run, cli_check, cli_fetch, cli_preview, cli_replay,
	cli_formats, cli_state, cli_sample, cli_manual;

/* What an option's value is, and what its cli_option.to points to. */
enum cli_kind {
	CLI_FLAG, /* bool: no value */
	CLI_TEXT, /* const char * */
	CLI_NAME, /* const char *: as names in the configuration */
	CLI_TIME, /* int64_t, ms */
	CLI_MOMENT, /* int64_t, ticks: a time, or how long before now */
	CLI_COUNT, /* int64_t, 1 or more */
	CLI_CHOICE, /* int: the place in `value`, as "octet|lf" */
	CLI_FORM, /* the same; --NAME alone is the first, another is --NAME=VALUE */
	CLI_SOURCE, /* const char * */
	CLI_PRESET, /* const char * */
};

/* One option: a row parses it and explains it. The row after the last has no name. */
struct cli_option {
	const char *name; /* without "--" */
	char letter; /* or 0 */
	const char *value; /* what --help calls its value; NULL for a CLI_FLAG */
	enum cli_kind kind;
	void *to; /* keeps what it holds when the option is not given */
	const char *help;
};

/* Takes the options, --help among them, and one FILE (or what else the command is about) unless
 * file is NULL. EXIT_NOT_YET, or the exit
 * status when it was --help or wrong, after all is said. */
NODISCARD int cli_options(const struct cli_command *command, int argc, char **argv,
	const struct cli_option *options, const char **file);
/* "alertrelay NAME: text" and a hint at --help on standard error; gives EXIT_USAGE. */
int cli_wrong(const struct cli_command *command, const char *format, ...) PRINTF(2, 3);

#define CLI_WIDTH 98
/* Whole words in lines that begin at the column `indent`; so far the line has `at` columns. */
void cli_words(int at, int indent, const char *text);

/* Secrets live in this process: no core files, no ptrace by others. */
void cli_protect_memory(void);

/* Loads the configuration and prints every error; NULL when there was one. */
struct config *cli_config(const struct cli_command *command, const char *path);
/* The formatters of this file, whatever else is in it; NULL after it is said why not. */
struct formatters *cli_formatters(const struct cli_command *command, const char *path);
/* Is --format NAME there and usable? EXIT_NOT_YET, or the exit status after it is said. */
NODISCARD int cli_format(const struct cli_command *command,
	struct formatters *formatters, const char *name);
#define CLI_CONFIG_DEFAULT SYSCONFDIR "/alertrelay/alertrelay.yaml"
#define CLI_CONFIG_HELP "default " CLI_CONFIG_DEFAULT

#endif
