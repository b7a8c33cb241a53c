/* paths.h - values at paths of the vendor's JSON, for the field maps of destinations.
 *
 * Purpose:  one pass over the text of an alert gives the values of all paths that a destination asks
 *           for. Pure: bytes in, values out.
 * Paths:    names joined by '/' (names hold dots), as in map.h: an array is looked through, an array
 *           directly in an array has no path. The first value that is neither null nor "" counts;
 *           scalars of one array are joined by commas.
 * Bounds:   ALERT_PATHS_MAX paths of ALERT_PATH_NAMES names; nesting of ALERT_PATHS_DEPTH, deeper
 *           text is not read on; of a value ALERT_PATH_VALUE octets, which is more than any format
 *           writes, so that what is cut here is marked there.
 * Owner:    values live in the reader until the next alert_paths_read().
 * Tests:    unit/test_fields.c, fuzz/fuzz_fields.c */
#ifndef ALERT_PATHS_H
#define ALERT_PATHS_H

#include <stdbool.h>
#include <stddef.h>

#include "formats/format.h"

#define ALERT_PATHS_MAX FMT_RULES_ADD_MAX
#define ALERT_PATH_NAMES 8
#define ALERT_PATH_LENGTH 200
#define ALERT_PATHS_DEPTH 64
#define ALERT_PATH_VALUE 16384

struct alert_paths;

/* Names that are not empty, at most ALERT_PATH_NAMES, all in ALERT_PATH_LENGTH octets. */
bool alert_path_is_legal(const char *path);

/* The paths are legal and outlive the reader; at most ALERT_PATHS_MAX. */
struct alert_paths *alert_paths_new(const char *const *paths, size_t count);
void alert_paths_free(struct alert_paths *reader);

/* One value for each path, in their order; empty where the text has none. */
void alert_paths_read(
	struct alert_paths *reader, struct fmt_str raw, struct fmt_added *values);

#endif
