/* event.h - an alert as one message, or as one for each piece of its evidence.
 *
 * Purpose:  for destinations with `events: evidence`. Each part is the alert again, with one piece as
 *           its only evidence, in its raw text too, and with its number and their count. An alert
 *           without evidence is one part. Not split, an alert is itself, without number and count.
 * Owner:    a part borrows from the alert and from this struct; it lives until the next call.
 * Tests:    unit/test_alert.c */
#ifndef ALERT_EVENT_H
#define ALERT_EVENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"
#include "formats/format.h"

#define ALERT_EVENT_HOLES 4

struct alert_events {
	const struct fmt_alert *alert;
	bool split;
	size_t next, count;
	/* What stands in the arrays of evidence of the raw text, in their order. */
	struct fmt_str holes[ALERT_EVENT_HOLES];
	size_t hole_count;
	struct fmt_alert part;
	struct strbuf raw;
};

void alert_events_begin(
	struct alert_events *events, const struct fmt_alert *alert, bool split);
/* The next part, or NULL after the last. */
const struct fmt_alert *alert_events_next(struct alert_events *events);
void alert_events_end(struct alert_events *events);

static inline bool alert_events_was_last(const struct alert_events *events)
{
	return events->next == events->count;
}

#endif
