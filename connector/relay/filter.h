/* filter.h - which alerts a feed wants.
 *
 * Purpose:  filter_passes() decides; filter_query() writes what of it the API can apply itself, so
 *           that less is transferred. Whatever the API filters is decided here again.
 * Rules:    texts are compared without case. All options given must hold; of a list one member is
 *           enough. A severity that the vendor does not name ("unknown") passes min_severity: it
 *           may be any. An alert without the property that a list asks for does not pass.
 * Source:   facts 2.2 to 2.5 ($filter), 3.1, 3.3.   Tests: unit/test_filter.c, replay/test_feed.c */
#ifndef RELAY_FILTER_H
#define RELAY_FILTER_H

#include "base/strbuf.h"
#include "fetch/source.h"
#include "relay/configuration.h"

bool filter_passes(const struct config_feed *config, const struct fmt_alert *alert);

/* Puts an OData expression into out, nothing when there is none. */
void filter_query(const struct config_feed *config, const struct source *source,
	struct strbuf *out);

#endif
