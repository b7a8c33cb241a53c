/* source.h - where alerts come from: one table row for each API call that lists them.
 *
 * Purpose:  all that differs between sources is in their row and their own file (graph_alerts.c);
 *           the rest of the program asks the row.
 * Owner:    rows are constant.   Units: times in 100 ns ticks since 1970 UTC.
 * Source:   facts, section 2; the request line of 2.8. */
#ifndef FETCH_SOURCE_H
#define FETCH_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alert/map.h"
#include "base/error.h"
#include "base/strbuf.h"

/* Whose token, request budget and root a source uses. */
enum api_family {
	API_GRAPH,
	API_MDE,
	API_M365D,
	API_SIEM,
	API_FAMILIES,
};

/* How the next page is found. */
enum source_paging {
	PAGING_LINK, /* @odata.nextLink */
	/* $skip until an empty page; a link is followed when there is one */
	PAGING_SKIP,
	PAGING_NONE, /* all in one answer */
};

/* One slice of time: updated at `from` or later and before `to`. */
struct source_range {
	int64_t from, to;
	unsigned page_size; /* 0: the source's own */
	uint64_t skip; /* rows to leave out at the beginning; not with PAGING_NONE */
	bool bare; /* leave out what the source would expand ($expand): for a page that keeps failing */
	const char *
		filter; /* more of $filter ("severity ne 'low'"), not yet encoded; NULL: none */
};

/* What of a feed's filter the API applies itself: the property's name in $filter, or NULL, and its
 * members as this API writes them, since no document says that it compares without case. Severities
 * by enum fmt_severity from informational on, statuses up to a NULL. Not the service: members that
 * Graph shows only by Prefer might match nothing there. Not category and detection source: open
 * lists. */
struct source_filters {
	const char *severity;
	const char *severities[4];
	const char *status;
	const char *statuses[5];
};

struct source {
	const char *name; /* "graph-alerts"; also fmt_alert.source */
	const char *help;
	enum api_family api;
	enum source_paging paging;
	/* An alert keeps the time of its creation: part of what the state knows it by. */
	bool created_fixed;
	const char *list_key; /* the list's property, NULL: the answer is the list */
	unsigned page_size, page_size_max; /* 0 with PAGING_NONE */
	/* Of an OData source: the path below the root, the property with the time of the last update,
	 * and what it can bring along (NULL: nothing). Only these take a filter. */
	const char *path, *updated, *expand;
	const char *const *
		headers; /* "Name: value" to send beside the usual ones, NULL at the end */
	const struct alert_table *table;
	struct source_filters filters;
	const char
		*permission; /* that the app needs (facts 1.10); NULL: none by name */
	/* Puts the URL of the page that begins at range->skip into url (reset first). root is
	 * "https://host[:port][/path]", with or without a '/' at its end. RC_CONFIG: the range asks
	 * for what the source does not take. */
	enum rc (*first_url)(const struct source *source, const char *root,
		const struct source_range *range, struct strbuf *url,
		struct error *err);
};

/* The row with this name, or NULL. */
const struct source *source_find(const char *name);
/* All rows in order; NULL past the last. */
const struct source *source_at(size_t i);

/* The compiled table of paths of a source; the caller frees it with alert_map_free(). */
struct alert_map *source_map_new(const struct source *source, struct error *err);

/* first_url of OData sources. */
enum rc source_odata_url(const struct source *source, const char *root,
	const struct source_range *range, struct strbuf *url, struct error *err);
/* Begins url with the root and the path; RC_CONFIG when the range is empty or turned around. */
enum rc source_url_begin(const char *root, const char *path,
	const struct source_range *range, struct strbuf *url, struct error *err);
/* RC_LIMIT when it did not fit. */
enum rc source_url_end(const struct strbuf *url, struct error *err);

/* One of the objects that the API lists and counts, not an alert that came inside of it. */
static inline bool source_is_row(
	const struct source *source, const struct fmt_alert *alert)
{
	return !source->table->nested || alert->kind == source->table->kind;
}

extern const struct source source_graph_alerts, source_graph_incidents,
	source_mde_alerts, source_m365d_incidents, source_siem;
/* An alert of Graph is the same in the list of alerts and in an incident. */
extern const struct alert_table graph_alert_table;
extern const char *const graph_headers[];

#endif
