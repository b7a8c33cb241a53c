/* state_key.h - what the state knows an alert by.
 *
 * Purpose:  the hour in which the alert was created, then its id: "0796b3 da637...". Alerts that come
 *           together so lie together in the state, and a commit of a thousand of them writes a few
 *           pages; by ids alone, which are mostly random, it would write one page for each.
 *           The hour is 000000 for a source whose alerts may change it, and for alerts without it.
 * Bounds:   at most STORE_ALERT_MAXIMUM octets: a digest stands for an id that is absurdly long.
 * Owner:    the key lies in the struct.   Tests: unit/test_state_key.c */
#ifndef RELAY_STATE_KEY_H
#define RELAY_STATE_KEY_H

#include "fetch/source.h"
#include "formats/format.h"
#include "store/store.h"

#define STATE_KEY_HOUR 7 /* octets, with the space */

struct state_key {
	size_t n;
	char p[STORE_ALERT_MAXIMUM];
};

void state_key_make(struct state_key *key, const struct source *source,
	const struct fmt_alert *alert);

#endif
