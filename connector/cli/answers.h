/* answers.h - saved answers of an API read from a file or standard input, alert by alert. */
#ifndef CLI_ANSWERS_H
#define CLI_ANSWERS_H

#include "base/error.h"
#include "fetch/page_parser.h"
#include "fetch/source.h"

struct answers_counts {
	uint64_t alerts, octets;
};

/* Reads path ("-": standard input) to its end. alert() gets each one; between, called after each
 * piece of the file, may run the loop to hold back (NULL: nothing to do). Anything but RC_OK from
 * either ends the reading. */
NODISCARD enum rc answers_read(const char *path, const struct source *source,
	page_alert_fn *alert, enum rc (*between)(void *context, struct error *err),
	void *context, struct answers_counts *counts, struct error *err);

/* "known: graph-alerts, ...": for messages about an unknown --source. */
const char *answers_sources(void);

#endif
