/* body.h - the part of an alert that many alerts share, with open places.
 *
 * Purpose:  JSON text in which a mark byte stands where generate.c writes a value.
 * Owner:    struct generator.   Errors: no memory ends the process.
 * Threads:  body_make() by one thread; reading by any.
 * Tests:    integration/test_simulator.py */
#ifndef SIMULATOR_BODY_H
#define SIMULATOR_BODY_H

#include "text.h"

#include <stdint.h>

/* Control characters are always escaped in JSON, so this byte cannot be text. */
enum { PLACE_MARK = 1 };

enum place {
	PLACE_ID = 'A',
	PLACE_PROVIDER_ID,
	PLACE_TENANT,
	PLACE_INCIDENT,
	PLACE_CREATED,
	PLACE_UPDATED,
	PLACE_RESOLVED,
	PLACE_STATUS,
	PLACE_SEVERITY,
	PLACE_CLASSIFICATION,
	PLACE_DETERMINATION,
	PLACE_ASSIGNED,
	PLACE_TIME, /* followed by a struct body_time */
	PLACE_LATE_MEMBER, /* followed by a length byte and the member */
};

struct body_time {
	int32_t after_s; /* after the creation of the alert */
	int32_t unit; /* ticks: how many fraction digits are kept */
};

struct body {
	struct text json;
	const char *source; /* serviceSource */
	const char *prefix; /* of the id, two letters */
};

/* number decides which evidence type is certainly in it (number modulo 48). */
void body_make(struct body *, uint64_t seed, unsigned number);

#endif
