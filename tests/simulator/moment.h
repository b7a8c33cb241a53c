/* moment.h - points in time as Graph writes them.
 *
 * Purpose:  text with 0 to 7 fraction digits to and from one comparable number.
 * Units:    ticks of 100 ns since 1970, UTC.   Owner: values only.
 * Errors:   moment_parse() is false for anything but YYYY-MM-DDTHH:MM:SS[.f{1,7}]Z.
 * Threads:  any.   Tests: integration/test_simulator.py */
#ifndef SIMULATOR_MOMENT_H
#define SIMULATOR_MOMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MOMENT_SECOND INT64_C(10000000)
enum { MOMENT_SIZE = 32 };

int64_t moment_now(void);
bool moment_parse(const char *, size_t, int64_t *ticks);
/* Trailing zeros of the fraction are dropped. Gives the length. */
size_t moment_format(char out[MOMENT_SIZE], int64_t ticks);

#endif
