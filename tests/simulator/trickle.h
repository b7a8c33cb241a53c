/* trickle.h - new alerts and updates at a steady pace, for long runs.
 *
 * Purpose:  N events a minute over all tenants: four of five new, one an update.
 * Owner:    one background thread.   Errors: none.   Units: events per minute.
 * Threads:  trickle_set() from any.   Tests: integration/test_simulator.py */
#ifndef SIMULATOR_TRICKLE_H
#define SIMULATOR_TRICKLE_H

#include "world.h"

void trickle_start(struct world *, unsigned per_minute);
void trickle_set(unsigned per_minute);
void trickle_stop(void);

#endif
