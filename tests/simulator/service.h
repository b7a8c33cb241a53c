/* service.h - the lists that Microsoft's APIs give, and what differs between them.
 *
 * Purpose:  one row for each call; api.c lets a request in, page.c answers it.
 * Owner:    constant data.   Errors: none.   Threads: any; writing needs the lock of the
 *           tenant.
 * Source:   facts, sections 2 and 3.   Tests: integration/test_simulator_sources.py */
#ifndef SIMULATOR_SERVICE_H
#define SIMULATOR_SERVICE_H

#include "faults.h"
#include "query.h"
#include "server.h"

enum service_number {
	SERVICE_GRAPH_ALERTS,
	SERVICE_GRAPH_INCIDENTS,
	SERVICE_MDE_ALERTS,
	SERVICE_M365D_INCIDENTS,
	SERVICE_SIEM,
	SERVICE_COUNT
};

/* For whom, and how much of it. */
struct view {
	struct world *world;
	const struct tenant *tenant;
	bool all_members; /* Prefer: include-unknown-enum-members */
	bool expanded;
};

enum { PATHS_MAX = 2 };

struct service {
	const char *name;
	enum api api;
	bool incidents; /* the records are incidents, else alerts */
	bool bare; /* the list is the whole answer */
	bool always_expanded;
	const char *paths[PATHS_MAX]; /* with the path of the API's root */
	const char *roles; /* any of these lets an application in */
	const char *context; /* @odata.context */
	const char *id_key, *time_key, *title_key, *severity_key;
	struct query_rules rules;
	/* One element of the list; part is 0 unless an alert has several. */
	void (*write)(struct text *, const struct view *, const struct record *,
		unsigned part);
};

extern const struct service services[SERVICE_COUNT];

/* An error as this API writes it. */
void api_refuse(struct world *, const struct request *, struct answer *, enum api,
	unsigned status, const char *code, const char *message);
/* The answer to a fault that is a status. */
void api_refuse_fault(struct world *, const struct request *, struct answer *,
	const struct service *, const struct fault *);

/* The list; the fault is what goes wrong with it. */
void page_answer(struct world *, const struct request *, struct answer *,
	const struct service *, const struct fault *);
/* What comes after the path of a list: "/ID" or "/ID/alerts". */
void page_answer_one(struct world *, const struct request *, struct answer *,
	const struct service *, const char *rest);
/* The present version was in a page of this service. */
void page_mark_served(const struct service *, struct record *, bool expanded);

/* An alert as the other APIs write it: shapes.c. */
void shape_mde_alert(
	struct text *, const struct view *, const struct record *, unsigned part);
void shape_m365d_alert(struct text *, const struct view *, const struct alert *);
void shape_siem(
	struct text *, const struct view *, const struct record *, unsigned part);
/* "inProgress" becomes "InProgress"; NULL is null. */
void shape_capital(struct text *, const char *member);

/* incident_json.c */
void shape_graph_incident(
	struct text *, const struct view *, const struct record *, unsigned part);
void shape_m365d_incident(
	struct text *, const struct view *, const struct record *, unsigned part);

/* How many records the SIEM API has of an alert, and when each was processed. */
unsigned siem_parts(const struct tenant *, const struct record *);
int64_t siem_processed(const struct record *, unsigned part);

#endif
