/* alert.h - what is decided about an alert once all of it is known.
 *
 * Purpose:  which evidence speaks for its kind, which addresses are source and destination, the
 *           version that tells an update from a repeat, an id for an alert that has none.
 * Owner:    the alert and its strings stay the caller's.   Errors: none.   Threads: loop thread only.
 * Source:   our design; names of roles and verdicts in the vendor's enumerations (facts, 3.3),
 *           compared without case because some sources capitalise them.
 *
 * The primary evidence of a kind is the first one with the highest of, in this order:
 *   1. devices: a detailed role that contains "primary" or "main" ("Main device");
 *   2. the role:
 *      devices, accounts, mailboxes: compromised or attacked, then others, then contextual or scanned;
 *      addresses: attacker, commandAndControl, source or suspicious, then others, then contextual
 *      or scanned;
 *      other kinds: no difference;
 *   3. the verdict: malicious, suspicious, unknown or none, noThreatsFound.
 *
 * The source address is the first evidence of kind FMT_KIND_IP with the role attacker, else with
 * source; the destination address the first with commandAndControl, else with destination. An
 * attacker's address that is a command and control server as well is a destination only. */
#ifndef ALERT_ALERT_H
#define ALERT_ALERT_H

#include <stdint.h>

#include "formats/format.h"

/* When an alert that was sent before is sent again. */
enum alert_policy {
	ALERT_POLICY_FIRST, /* never */
	ALERT_POLICY_STATUS, /* status, severity, classification, determination or owner changed */
	ALERT_POLICY_EVERY, /* those, or the vendor's time of the last update */
};

/* The first 64 bits of SHA-256 over the members that the policy names, each with its length before
 * it, so that no two different alerts spell the same bytes. */
uint64_t alert_version(const struct fmt_alert *alert, enum alert_policy policy);

/* 16 hex digits as fmt_alert.version wants them, terminated. */
#define ALERT_VERSION_TEXT 17
void alert_version_text(uint64_t version, char out[ALERT_VERSION_TEXT]);

/* Fills alert->primary, source_ip and destination_ip from alert->evidence. */
void alert_choose(struct fmt_alert *alert);

/* Why alert_choose() has taken alert->primary[kind], as a phrase; NULL when there is none. */
const char *alert_choice_reason(const struct fmt_alert *alert, enum fmt_kind kind);

/* The level of a severity in any of the vendor's spellings. */
enum fmt_severity alert_severity(const char *p, size_t n);

/* "noid-" and 32 hex digits of SHA-256 over the raw text: the same text gives the same id, so that
 * an alert without one is still sent once. Writes ALERT_NOID_LENGTH octets, no terminator. */
#define ALERT_NOID_LENGTH 37
void alert_noid(const char *raw, size_t n, char out[ALERT_NOID_LENGTH]);

#endif
