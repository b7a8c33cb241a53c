/* query.h - what a client asks of alerts_v2: $filter, $top, $skip, $orderby, $count.
 *
 * Purpose:  the OData options Graph is seen to honour, and a refusal for the rest.
 * Owner:    texts point into constant tables or the fixed buffers of the struct.
 * Errors:   query_parse() gives the sentence for HTTP 400.   Units: ticks.
 * Threads:  none.   Source: Microsoft Graph v1.0 documents, alerts_v2 list.
 * Tests:    integration/test_simulator.py */
#ifndef SIMULATOR_QUERY_H
#define SIMULATOR_QUERY_H

#include "server.h"
#include "world.h"

#include <stdbool.h>
#include <stdint.h>

enum { QUERY_TEXT_MAX = 200 };

struct query {
	int64_t updated_from, updated_to, created_from,
		created_to; /* both ends are in */
	char severity[QUERY_TEXT_MAX], status[QUERY_TEXT_MAX], source[QUERY_TEXT_MAX],
		classification[QUERY_TEXT_MAX], determination[QUERY_TEXT_MAX],
		assigned_to[QUERY_TEXT_MAX];
	bool by_created, ascending, count, top_given;
	uint64_t top, skip;
	unsigned page; /* of this pass, from 1 */
	bool after_key; /* go on after (last_updated, last_n) instead of skipping */
	int64_t last_updated;
	uint32_t last_n;
};

bool query_parse(struct query *, const struct request *, char why[300]);
bool query_matches(const struct query *, const struct alert *, const char *source);
/* True when only the range of lastUpdateDateTime decides. */
bool query_is_range(const struct query *);
/* The same request with another $skiptoken. */
void query_write_link(struct text *, const struct request *, const struct query *next,
	const char *host);

#endif
