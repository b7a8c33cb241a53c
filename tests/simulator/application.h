/* application.h - the MSSP's app registration: by what it may sign in.
 *
 * Purpose:  secrets (two at once, each can be expired), certificates that sign
 *           assertions, and federated credentials; one application for all tenants.
 * Owner:    struct world.   Errors: an AADSTS code (facts 1.7), 0 for none; orders are
 *           refused with a sentence.   Units: seconds of Unix time in assertions.
 * Source:   facts, section 1.2; RFC 7515, RFC 7518 3.5, RFC 7523.
 * Threads:  any; it has a lock.   Tests: integration/test_simulator_sign_in.py */
#ifndef SIMULATOR_APPLICATION_H
#define SIMULATOR_APPLICATION_H

#include "form.h"
#include "server.h"
#include "world.h"

struct fjson_object;

/* Clocks may be that far apart (facts 1.7, 700024). */
enum { APPLICATION_SKEW_S = 300 };

struct application *application_new(const char *secret);
void application_free(struct application *);
unsigned application_check(struct application *, const struct request *,
	const struct form *, enum sign_in *how);
/* POST /control/app: NULL, or why not. */
const char *application_order(struct application *, struct fjson_object *);
void application_write(struct application *, struct text *);

#endif
