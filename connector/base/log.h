/* log.h - the program's own log: a fixed sentence, then key=value.
 *
 * Purpose:  log_write(LOG_ERR, "cannot sign in", "tenant=%s http=%ld", ...) becomes
 *           `error: cannot sign in tenant=contoso http=401`, one line, to the channel chosen.
 * Channels: "stderr:", "file:PATH", "syslog:", "journal:" (liblogging-stdlog's words).
 * Rules:    log the change of a state, not each repeat. Values that come from outside go through
 *           log_quote(). A secret never reaches this file.
 * Tests:    unit/test_log.c */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>
#include <syslog.h>

#include "base/error.h"

/* Where the log goes; "stderr:" until called. */
NODISCARD enum rc log_open(const char *channel, struct error *err);
void log_close(void);
/* Highest priority number that is written: LOG_ERR .. LOG_DEBUG; default LOG_INFO. */
void log_set_level(int priority);
int log_level(void);

/* fields may be NULL: then there are none. */
void log_write(int priority, const char *sentence, const char *fields, ...)
	PRINTF(3, 4);

/* Outside text as a quoted, escaped value cut to fit size; returns out. */
const char *log_quote(char *out, size_t size, const char *p, size_t n);

#endif
