/* mapping.h - which field of an alert comes out where in each format, found by writing it.
 *
 * Purpose:  the table of the manual. Each field is put alone into an alert with a value that is not
 *           mistaken, the alert is written in each format, and where the value is found is its place:
 *           the table cannot say what the code does not do.
 * Tests:    integration/test_mapping.py */
#ifndef CLI_MAPPING_H
#define CLI_MAPPING_H

#include "base/strbuf.h"

/* A line for each field, with tabs between: the field, where the sources have it, and its places in
 * cef, leef, ecs and ocsf, "-" where it has none. */
void mapping_lines(struct strbuf *out);
/* The same for the manual, in mdoc. */
void mapping_manual(struct strbuf *out);

#endif
