/* trials.h - which field of an alert reaches which key of its message, found by writing it again.
 *
 * Purpose:  for preview --explain. Each field of this very alert is changed alone, into something else
 *           of the same kind, and the alert is written as before: the keys whose values are others then
 *           have it. So nothing is said here that the formatter does not do, whatever formatter it is.
 *           Where several fields change a key, those count whose text stands in its value, if any does:
 *           the rest only decided what was taken.
 * Names:    members.h; evidence[2].fileName is a field of the third piece; raw.evidence[2].roles[0] is
 *           a value of the vendor's text, for formats and field maps that write from it.
 * Bounds:   TRIALS_MAXIMUM fields of an alert are tried, the rest is counted.
 * Owner:    a struct trials owns its names and links; it borrows the alert until the next trials_run().
 * Tests:    integration/test_explain.py */
#ifndef CLI_TRIALS_H
#define CLI_TRIALS_H

#include <stdbool.h>

#include "base/arena.h"
#include "cli/tale.h"
#include "deliver/render.h"

#define TRIALS_MAXIMUM 4000

/* A field that has a value. */
struct origin {
	const char *name;
	struct fmt_str value; /* n == 0: not a text */
	const struct fmt_evidence *evidence; /* it is a field of; or NULL */
	bool is_raw; /* of the vendor's text */
	bool is_ours; /* not of the vendor: nobody misses it */
	size_t reached; /* so many keys */
};

struct origin_link {
	size_t origin;
	bool is_text; /* its text stands in the value */
	struct origin_link *next;
};

struct trials {
	/* The message as it would be with all the room it wants, and what each of its items has. */
	struct tale whole;
	struct origin_link **links; /* whole.count */
	struct origin *origins;
	size_t origin_count, origin_room;
	size_t left_out; /* beyond TRIALS_MAXIMUM */
	bool has_raw_text; /* the message holds the vendor's text as it is */
	struct destination_options options;
	struct render render;
	struct arena memory;
};

NODISCARD enum rc trials_open(struct trials *trials,
	const struct destination_options *options, struct error *err);
void trials_close(struct trials *trials);

NODISCARD enum rc trials_run(struct trials *trials, const struct fmt_alert *alert,
	const struct syslog_fields *fields, int64_t now, struct error *err);

#endif
