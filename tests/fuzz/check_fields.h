/* check_fields.h - any field map with any alert and any values, judged by other parsers.
 *
 * Purpose:  the one check that the property test and the fuzzer share. */
#ifndef ALERTRELAY_TEST_CHECK_FIELDS_H
#define ALERTRELAY_TEST_CHECK_FIELDS_H

#include <stddef.h>

/* NULL, or what is wrong. Adds to *taken the field maps that formats took. */
const char *check_fields(const unsigned char *data, size_t n, unsigned *taken);

#endif
