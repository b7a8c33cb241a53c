/* answers.h - saved answers of an API, read alert by alert: what preview and replay share. */
#ifndef CLI_ANSWERS_H
#define CLI_ANSWERS_H

#include "cli/cli.h"
#include "fetch/page_parser.h"

struct answers {
	/* As the options say. */
	const char *file; /* "-": standard input */
	const char *source;
	const char *tenant; /* key, which need not be in the configuration */
	const char *config_path; /* NULL: none */
	const char *to; /* name of the destination; NULL: the first */
	/* What that means, after answers_open(). */
	struct config *config; /* NULL without config_path */
	struct formatters *formatters; /* those of the configuration, or of no one */
	struct destination_options destination;
	struct config_tenant customer;
	/* What was read. */
	uint64_t alerts, octets;
};

#define ANSWERS_DEFAULT .file = "-", .source = "graph-alerts", .tenant = "customer"

/* Loads the configuration. EXIT_NOT_YET, or the exit status when there is an error, after it is said.
 * answers_close() comes after either. */
NODISCARD int answers_open(const struct cli_command *command, struct answers *answers);
void answers_close(struct answers *answers);

/* Reads the file to its end. alert() gets each one; between, called after each piece of the file,
 * may run the loop to hold back (NULL: nothing to do). Anything but RC_OK from either ends the
 * reading. */
NODISCARD enum rc answers_read(struct answers *answers, page_alert_fn *alert,
	enum rc (*between)(void *context, struct error *err), void *context,
	struct error *err);

#endif
