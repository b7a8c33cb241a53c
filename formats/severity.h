/* severity.h - the one table of severities: what the vendor's levels are on each scale.
 *
 * Purpose:  every formatter that writes a number, and the PRI of the syslog header, take it from
 *           here, so that a destination changes all of them in one way.
 * Errors:   severity_read() leaves a sentence that says what would be right.
 * Source:   Common Event Format, document version 27 (0 to 10); LEEF 2.0 (sev 1 to 10); event.severity
 *           of Elastic's integration for Defender; RFC 5424 section 6.2.1.   Tests: unit/test_severity.c */
#ifndef ALERTRELAY_FORMAT_SEVERITY_H
#define ALERTRELAY_FORMAT_SEVERITY_H

#include "format.h"

#define SEVERITIES ((size_t)FMT_SEVERITY_HIGH + 1)

enum severity_scale {
	SEVERITY_CEF, /* 0 to 10 */
	SEVERITY_LEEF, /* 1 to 10 */
	SEVERITY_ECS, /* the source's own: 0 to 100 */
	SEVERITY_SYSLOG, /* 7 debug to 0 emerg */
	SEVERITY_SCALES,
};

/* A destination's own numbers, by enum fmt_severity. */
struct severity_map {
	unsigned char level[SEVERITIES];
};

/* "unknown", "informational", "low", "medium", "high" */
const char *severity_name(enum fmt_severity severity);
/* The level that the vendor's word names; for alerts whose severity is not set. */
enum fmt_severity severity_of(const struct fmt_alert *alert);

/* The table's numbers of a scale. */
const struct severity_map *severity_default(enum severity_scale scale);
/* "high=10,medium=6" over the table's; syslog's levels also by name ("high=alert"). 0 and a sentence
 * when it is wrong; then the map is not to be used. */
int severity_read(const char *text, enum severity_scale scale, struct severity_map *map,
	char *error, size_t error_size);

#endif
