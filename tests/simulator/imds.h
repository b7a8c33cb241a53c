/* imds.h - the machine that the MSSP's relay may run on: its managed identity.
 *
 * Purpose:  tokens without a secret, for plain HTTP on the loopback.
 * Owner:    struct world; constant but for the counters.   Errors: none.
 * Source:   facts, section 1.2.   Threads: any.   Tests: integration/test_simulator_sign_in.py */
#ifndef SIMULATOR_IMDS_H
#define SIMULATOR_IMDS_H

#include "world.h"

struct machine {
	const struct tenant *tenant; /* the MSSP's own: the first one */
	const char *client_id, *object_id, *header; /* header of the App Service form */
	atomic_uint requests, tokens;
};

#endif
