/* ocsf.h - the parts of the formatter ocsf.
 *
 * Purpose:  ocsf.c writes the finding; ocsf_evidence.c one piece of evidence; ocsf_observe.c the
 *           values in it that one looks for.
 * Source:   OCSF 1.5.0: class detection_finding, profiles cloud and incident, and their objects.
 * Tests:    unit/test_ocsf.c, tests/golden */
#ifndef ALERTRELAY_FORMAT_OCSF_H
#define ALERTRELAY_FORMAT_OCSF_H

#include "address.h"
#include "json_writer.h"

#define OCSF_OBSERVABLES_MAX 48u

/* The attributes that observables stand in. */
enum ocsf_place {
	OCSF_NOWHERE,
	OCSF_FILE,
	OCSF_FILE_HASH,
	OCSF_USER,
	OCSF_USER_MAIL,
	OCSF_PROCESS,
	OCSF_PROCESS_COMMAND_LINE,
	OCSF_PROCESS_FILE,
	OCSF_PROCESS_FILE_HASH,
	OCSF_PROCESS_USER,
	OCSF_PROCESS_USER_MAIL,
	OCSF_PARENT_FILE,
	OCSF_PARENT_FILE_HASH,
	OCSF_ACTOR_USER,
	OCSF_ACTOR_USER_MAIL,
	OCSF_DEVICE,
	OCSF_DEVICE_IP,
	OCSF_SOURCE_IP,
	OCSF_DESTINATION_IP,
	OCSF_QUERY,
	OCSF_MAIL_FROM,
	OCSF_MAIL_TO,
	OCSF_MAIL_IP,
	OCSF_MAIL_URL,
	OCSF_URL,
	OCSF_RESOURCE,
	OCSF_PLACES,
};

struct ocsf_observable {
	struct fmt_str value;
	uint8_t place;
	uint8_t type; /* its type_id */
};

/* Where files and accounts stand in a piece of evidence. */
struct ocsf_places {
	enum ocsf_place file, hash, user, mail;
};

/* Borrowed from the alert, but for the pool. */
struct ocsf_document {
	const struct fmt_alert *alert;
	struct view view; /* of the piece of evidence at hand */
	const struct ocsf_places *places;
	struct ocsf_observable observables[OCSF_OBSERVABLES_MAX];
	unsigned count;
	uint64_t
		seen[4]; /* which values may be there: a bit for a few octets of each */
	unsigned addresses; /* used of pool */
	char pool[OCSF_OBSERVABLES_MAX + 1][ADDRESS_SIZE];
};

void ocsf_observe_nothing(struct ocsf_document *d);
/* One that is there is not taken again. */
void ocsf_observe(struct ocsf_document *d, enum ocsf_place place, struct fmt_str value);
void ocsf_put_observables(struct json_writer *w, const struct ocsf_document *d);

/* The primary device as the finding's own, and evidences[] with what is observed in them. */
void ocsf_put_device(struct json_writer *w, struct ocsf_document *d);
void ocsf_put_evidences(struct json_writer *w, struct ocsf_document *d);

#endif
