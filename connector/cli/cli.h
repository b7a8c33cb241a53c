/* cli.h - the command line: one file a subcommand, one row each in cli.c. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

int cli_main(int argc, char **argv);

#endif
