/* syslog_msg.h - the header of a syslog message.
 *
 * Purpose:  the fields of RFC 5424 section 6.2 up to STRUCTURED-DATA, and the older header of RFC
 *           3164. Names are cleaned to what the header may hold; a name that had to be changed ends
 *           in "-" and 8 hex digits of its hash, so that two customers never become one.
 * Errors:   none: any bytes give a legal header.   Units: octets, 100 ns ticks.
 * Source:   RFC 5424 section 6, RFC 3164 section 4.1.   Tests: unit/test_syslog_msg.c */
#ifndef DELIVER_SYSLOG_MSG_H
#define DELIVER_SYSLOG_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "formats/format.h"
#include "formats/severity.h"

enum header { HEADER_RFC5424, HEADER_RFC3164, HEADER_NONE };

#define SYSLOG_HOSTNAME 255
#define SYSLOG_APP_NAME 48
#define SYSLOG_PROCID 128
#define SYSLOG_MSGID 32
#define SYSLOG_TAG 32
/* The longest header of either kind fits. */
#define SYSLOG_HEADER 640
#define SYSLOG_BOM "\xef\xbb\xbf"

struct syslog_header {
	int facility; /* 0..23 */
	enum fmt_severity severity;
	const struct severity_map *levels; /* of PRI; NULL: the table's */
	int64_t time; /* ticks; FMT_NO_TIME: unknown */
	struct fmt_str hostname, app_name, procid, msgid;
	bool tag; /* RFC 3164: "app_name: " at the end */
	bool utc; /* RFC 3164: not local time */
};

/* "<PRI>1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID ", ready for the structured data. Returns its
 * length; not terminated. */
size_t syslog_rfc5424(const struct syslog_header *header, char out[SYSLOG_HEADER]);
/* "<PRI>Mmm dd hh:mm:ss HOSTNAME " and perhaps "TAG: ". An unknown time is written as 1970. */
size_t syslog_rfc3164(const struct syslog_header *header, char out[SYSLOG_HEADER]);

/* Writes at most `maximum` (16 or more) octets of printable US-ASCII, never none ("-"); returns how
 * many. */
size_t syslog_name(const char *p, size_t n, size_t maximum, char *out);

/* Zero or more whole elements of RFC 5424 section 6.3, in UTF-8 without control characters? */
bool syslog_data_is_legal(const char *p, size_t n);

#endif
