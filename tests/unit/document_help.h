/* document_help.h - for tests of formats that write a JSON document of their own.
 *
 * Purpose:  one call that writes the alert of format_help.h and reads it back; then the document is
 *           asked for by path.
 * Owner:    the text and the tree live until the next document, document_tear_down() ends them. */
#ifndef UNIT_DOCUMENT_HELP_H
#define UNIT_DOCUMENT_HELP_H

#include <yajl/yajl_tree.h>

#include "format_help.h"

extern yajl_val document;

/* Writes the alert within the maximum; what was written must pass the check. */
void write_document(size_t maximum, format_check *verify);
int document_tear_down(void **state);

/* "a.b.0.c"; NULL when it is not there. */
yajl_val at(const char *path);
/* The value as text: a string, the digits of a number, "true", "false", else NULL. */
const char *text_at(const char *path);
void expect(const char *path, const char *want);
void expect_none(const char *path);

/* An alert with all that a device alert has, and mail: what both formats have fields for. */
void fill_alert(void);

#endif
