/* cmd_state.h - the commands of `alertrelay state` that have a file of their own. */
#ifndef CLI_CMD_STATE_H
#define CLI_CMD_STATE_H

#include "cli/cli.h"

extern const struct cli_command cli_state_forget;

#endif
