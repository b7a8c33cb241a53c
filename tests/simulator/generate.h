/* generate.h - realistic alerts, the same ones for the same seed.
 *
 * Purpose:  alerts of 3 to 15 KB with all evidence types and all the traps of real data.
 *           A bounded number of bodies is generated once, with places left open for what
 *           differs: ids, tenant, times, status. Writing an alert is copying.
 * Owner:    struct generator keeps the bodies; texts belong to the caller.
 * Errors:   no memory ends the process.   Units: moment.h ticks.
 * Threads:  all functions may run in parallel after generator_new().
 * Source:   schema.h; our invention.   Tests: integration/test_simulator.py */
#ifndef SIMULATOR_GENERATE_H
#define SIMULATOR_GENERATE_H

#include "moment.h"
#include "text.h"

#include <stdbool.h>
#include <stdint.h>

enum { GENERATE_ID_SIZE = 128, GENERATE_GUID_SIZE = 37, GENERATE_BODIES = 2048 };

struct generator;

/* What can change during the life of an alert. NULL text is null in JSON. */
struct alert_state {
	int64_t created, updated;
	const char *status, *severity, *classification, *determination, *assigned_to;
	uint32_t incident; /* 0: none */
};

struct generator *generator_new(uint64_t seed);
void generator_free(struct generator *);

/* The first version of incident id whose alerts' times and severity are in it. */
void generate_incident_state(
	const struct generator *, unsigned tenant, uint32_t id, struct alert_state *);
/* The first version of alert n of a tenant; times between since and until. */
void generate_state(const struct generator *, unsigned tenant, unsigned n,
	int64_t since, int64_t until, struct alert_state *);
void generate_id(
	struct generator *, unsigned tenant, unsigned n, char[GENERATE_ID_SIZE]);
const char *generate_source(struct generator *, unsigned tenant, unsigned n);
/* all_members is false for a client without Prefer: include-unknown-enum-members. */
void generate_alert(struct text *, struct generator *, unsigned tenant, unsigned n,
	const struct alert_state *, bool all_members);
/* 00000000-0000-4000-8000-000000000001 is the first tenant. */
void generate_tenant_id(unsigned tenant, char[GENERATE_GUID_SIZE]);
/* A time between since and until that shows 0 to 7 fraction digits. */
int64_t generate_time(uint64_t key, int64_t since, int64_t until);
uint64_t generate_mix(uint64_t a, uint64_t b);

#endif
