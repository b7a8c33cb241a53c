/* state_key.h - what the state knows a feed and an alert by.
 *
 * Feeds:    "TENANT-ID/SOURCE/DESTINATION+DESTINATION".
 * Alerts:   the hour in which the alert was created, then its id: "0796b3 da637...". Alerts that come
 *           together so lie together in the state, and a commit of a thousand of them writes a few
 *           pages; by ids alone, which are mostly random, it would write one page for each.
 *           The hour is 000000 for a source whose alerts may change it, and for alerts without it.
 * Bounds:   at most STORE_ALERT_MAXIMUM octets: a digest stands for an id that is absurdly long.
 * Owner:    the key lies in the struct.   Tests: unit/test_state_key.c */
#ifndef RELAY_STATE_KEY_H
#define RELAY_STATE_KEY_H

#include "fetch/source.h"
#include "formats/format.h"
#include "relay/configuration.h"
#include "store/store.h"

#define STATE_KEY_HOUR 7 /* octets, with the space */

struct state_key {
	size_t n;
	char p[STORE_ALERT_MAXIMUM];
};

void state_key_make(struct state_key *key, const struct source *source,
	const struct fmt_alert *alert);

/* Of the relay's own: where the feed began, and up to where it was last read again. */
#define STATE_KEY_START "alertrelay:start"
#define STATE_KEY_RESCAN "alertrelay:rescan"

enum state_kind {
	STATE_ALERT,
	STATE_STUB, /* a stub in the place of what could not be read */
	STATE_OWN,
};

/* What a row is, by its key; *id is then its id in the message, part of the key. */
enum state_kind state_key_read(const char *p, size_t n, struct fmt_str *id);
/* Is an alert with this id the one that the row with this id is about? */
bool state_key_is(struct fmt_str row_id, const char *id);

/* May a feed have come this far? A clock may be wrong by some hours; what is further ahead is damage. */
bool state_cursor_good(int64_t cursor, int64_t now);

/* RC_CONFIG when the names are too long together. */
NODISCARD enum rc state_feed_make(struct strbuf *key, const char *tenant_id,
	const struct config_feed *feed, struct error *err);

struct state_feed {
	struct fmt_str tenant_id, source, destinations; /* parts of the key */
};
/* All but the tenant is empty where the key is not made so. */
void state_feed_read(const char *key, struct state_feed *feed);

#endif
