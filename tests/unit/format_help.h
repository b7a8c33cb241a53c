/* format_help.h - for tests of a formatter: an alert to change, and one call that writes it.
 *
 * Purpose:  what the tests of all formatters set up alike. The globals are made new for each test.
 * Owner:    format_set_up() opens the formatter, format_tear_down() frees all that was made. */
#ifndef UNIT_FORMAT_HELP_H
#define UNIT_FORMAT_HELP_H

#include "formats/format.h"
#include "tests/fuzz/check_message.h"

#define BIG 1000000 /* octets: a maximum that no alert of a test reaches */

extern struct check check; /* the open formatter and what it wrote last */
extern struct fmt_alert alert; /* with ids, a customer, a severity and no times */
extern struct fmt_evidence pieces[8]; /* alert.evidence */
extern struct fmt_field fields[8][16]; /* those of pieces, by field() */

/* How much random input a property is tried with: PROPERTY_ROUNDS of the environment, or 100,000. */
size_t property_rounds(void);

struct fmt_str str(const char *s);

void format_set_up(const struct fmt_module *module);
/* The same with texts, links and a time of creation too. */
void format_set_up_texts(const struct fmt_module *module);
int format_tear_down(void **state);
/* The formatter again, with options. */
void open_with(const struct fmt_option *options, size_t count);

/* One more piece of evidence; the first of its kind is the primary one. */
struct fmt_evidence *piece(enum fmt_kind kind);
void field(struct fmt_evidence *e, enum fmt_field_id id, const char *value);
/* The alert has no evidence again. */
void no_pieces(void);

/* What a reader got for the key is what is wanted; NULL: the key must not be there. */
void expect_pair(const char *key, const char *got, const char *want);

/* NULL, or what is wrong with a message: check_cef() or check_json(). */
typedef const char *format_check(
	const struct check *check, const struct fmt_alert *alert);

/* Writes the alert; the message must pass the check. */
void format_checked(size_t maximum, format_check *verify);
/* Writes very many made-up alerts within many maxima; each message must pass the check. */
void format_property(format_check *verify);

#endif
