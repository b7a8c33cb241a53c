/* state_target.h - which state, and which of its feeds: what the state commands share.
 *
 * Owner:    strings of the command line are borrowed; state_target_close() frees the rest. */
#ifndef CLI_STATE_TARGET_H
#define CLI_STATE_TARGET_H

#include <stdio.h>

#include "base/clock.h"
#include "base/values.h"
#include "cli/cli.h"
#include "relay/state_key.h"

struct state_target {
	/* As the options say, or NULL. */
	const char *config_path, *state_path, *tenant, *source;
	/* What that means, after state_target_open(). */
	struct config *config; /* NULL with a state file alone */
	const char *path;
	char tenant_id[VALUE_TENANT_ID]; /* "": of all tenants */
};

#define STATE_TARGET_OPTIONS(t)                                                        \
	{"config", 'c', "FILE", CLI_TEXT, &(t)->config_path,                           \
		"whose state it is; " CLI_CONFIG_HELP},                                \
		{"state", 0, "FILE", CLI_TEXT, &(t)->state_path,                       \
			"the state file; without -c no configuration is read"},        \
		{"tenant", 0, "KEY", CLI_TEXT, &(t)->tenant,                           \
			"one customer: its name in the configuration, or its "         \
			"tenant_id"},                                                  \
	{                                                                              \
		"source", 0, "NAME", CLI_SOURCE, &(t)->source, "one API"               \
	}

/* EXIT_NOT_YET, or the exit status after it is said. state_target_close() comes after either. */
NODISCARD int state_target_open(
	const struct cli_command *command, struct state_target *target);
void state_target_close(struct state_target *target);

/* "alertrelay state check: ..." on standard error; gives the exit status. */
int state_failed(const struct cli_command *command, const struct error *err);

struct state_feed_name {
	struct state_feed parts;
	/* Of the configuration, or NULL. */
	const struct config_tenant *tenant;
	const struct config_feed *feed;
	struct fmt_str customer; /* the tenant's name, else its id */
};

/* False when it is none of the feeds that the options ask for. Borrows the key. */
bool state_target_feed(const struct state_target *target, const char *key,
	struct state_feed_name *name);
/* "contoso graph-alerts to soc" */
void state_feed_print(FILE *to, const struct state_feed_name *name);

/* Is it a time that can be written? */
bool state_time_good(int64_t ticks);
/* "none" for NO_TIME, "unreadable" when it is no time; returns out. */
const char *state_time(int64_t ticks, char out[TIME_TEXT]);

#endif
