/* query.h - what a client asks of a list: $filter, $top, $skip, $orderby, $count, $expand,
 * or the parameters of the SIEM API.
 *
 * Purpose:  the options that each API is seen to honour, and a refusal for the rest.
 * Owner:    texts point into constant tables or the fixed buffers of the struct.
 * Errors:   query_parse() gives the sentence for HTTP 400.   Units: ticks.
 * Threads:  none.   Source: facts, sections 2.1 to 2.5.
 * Tests:    integration/test_simulator.py,
 *           test_simulator_sources.py */
#ifndef SIMULATOR_QUERY_H
#define SIMULATOR_QUERY_H

#include "schema.h"
#include "server.h"
#include "world.h"

#include <stdbool.h>
#include <stdint.h>

enum { QUERY_TEXT_MAX = 200, QUERY_VALUES_MAX = 20, QUERY_LISTS = 5 };

/* The properties that are compared with members of an enumeration. */
enum query_list {
	BY_SEVERITY,
	BY_STATUS,
	BY_SOURCE,
	BY_CLASSIFICATION,
	BY_DETERMINATION
};

/* What an API honours; a property without a name is not filtered on. */
struct query_rules {
	const char *updated, *created, *assigned_to;
	const char *lists[QUERY_LISTS];
	enum schema_enum status_enum;
	bool capital; /* 'InProgress' for inProgress */
	unsigned top, top_max; /* without $top; more is refused unless top_lowered */
	bool top_lowered;
	bool order, count, ascending;
	bool links; /* @odata.nextLink with $skiptoken */
	bool skip_links; /* @odata.nextLink with $skip, and only without $top */
	const char *expand; /* what $expand may be */
	bool siem; /* not OData at all */
};

struct wanted {
	const char *value[QUERY_VALUES_MAX];
	unsigned n;
};

struct query {
	int64_t updated_from, updated_to, created_from,
		created_to; /* both ends are in */
	struct wanted lists[QUERY_LISTS];
	char assigned_to[QUERY_TEXT_MAX];
	bool by_created, ascending, count, top_given, top_refused, expanded;
	uint64_t top, skip;
	unsigned page; /* of this pass, from 1 */
	bool after_key; /* go on after (last_updated, last_n) instead of skipping */
	int64_t last_updated;
	uint32_t last_n;
	const char *tag; /* of the SIEM API: a machine tag, or NULL */
	const char
		*groups[QUERY_VALUES_MAX]; /* machinegroups; they live in the request */
	unsigned group_count;
};

bool query_parse(struct query *, const struct query_rules *, const struct request *,
	char why[300]);
bool query_matches(const struct query *, const struct record *, const char *source);
/* True when only the range of the last update decides. */
bool query_is_range(const struct query *);
/* The same request for the next page. */
void query_write_link(struct text *, const struct query_rules *, const struct request *,
	const struct query *next, const char *host);

#endif
