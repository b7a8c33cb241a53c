/* explain.h - what became of each field of an alert in its message: preview --explain.
 *
 * Purpose:  the formatter's own tale of the message (fmt_message.trace) says each key with its value, what
 *           was shed, cut or dropped and why; trials.h says which fields each key has. What the field map
 *           adds and renames, which evidence speaks for its kind and which fields reached nothing is
 *           told as well.
 * Tests:    integration/test_explain.py */
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H

#include "base/strbuf.h"
#include "cli/trials.h"

enum explain_form { EXPLAIN_TEXT, EXPLAIN_JSON };

struct explain {
	const struct destination_options *options;
	enum explain_form form;
	struct render render;
	struct tale tale;
	struct trials trials;
};

/* explain_close() comes after either. */
NODISCARD enum rc explain_open(struct explain *explain, enum explain_form form,
	const struct destination_options *options, struct error *err);
void explain_close(struct explain *explain);

/* Adds the message and lines about it; as JSON one object on a line that holds both. */
NODISCARD enum rc explain_message(struct explain *explain,
	const struct fmt_alert *alert, const struct syslog_fields *fields, int64_t now,
	struct strbuf *out, struct error *err);

#endif
