/* random_alert.h - any octets become an alert with hostile text in every member.
 *
 * Purpose:  shared by the property tests and the fuzzer. Deterministic: the same octets make the
 *           same alert; octets that are used up read as 0, which leaves things out.
 * Owner:    all memory is in the struct; the alert lives until the next build. */
#ifndef ALERTRELAY_TEST_RANDOM_ALERT_H
#define ALERTRELAY_TEST_RANDOM_ALERT_H

#include "formats/format.h"

#define RANDOM_EVIDENCE 24
#define RANDOM_FIELDS 14
#define RANDOM_STORE (1024 * 1024)

struct random_alert {
	struct fmt_alert alert;
	struct fmt_evidence evidence[RANDOM_EVIDENCE];
	struct fmt_field fields[RANDOM_EVIDENCE][RANDOM_FIELDS];
	struct fmt_str items[4][8];
	struct fmt_comment comments[3];
	const unsigned char *data;
	size_t n;
	size_t at;
	char store[RANDOM_STORE];
	size_t used;
};

void random_alert_build(
	struct random_alert *random, const unsigned char *data, size_t n);

#endif
