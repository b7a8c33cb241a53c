/* value.h - what the values of an alert mean.
 *
 * Purpose:  a value goes into a typed field only when it surely is of that type; what is not keeps
 *           its text elsewhere.
 * Owner:    results point into the arguments or are constants; nothing is allocated.
 * Source:   facts of the vendor's enumerations and times; MITRE ATT&CK for the tactics.
 * Tests:    unit/test_value.c */
#ifndef ALERTRELAY_FORMAT_VALUE_H
#define ALERTRELAY_FORMAT_VALUE_H

#include "text.h"

/* A set of ids of fields. */
#define FIELD_SET_WORDS ((FMT_FIELD_IDS + 63) / 64)
struct field_set {
	uint64_t words[FIELD_SET_WORDS];
};

static inline uint64_t field_set_has(const struct field_set *set, uint32_t id)
{
	return set->words[id / 64] >> id % 64 & 1;
}

static inline void field_set_add(struct field_set *set, uint32_t id)
{
	set->words[id / 64] |= UINT64_C(1) << id % 64;
}

/* The first field of each id of one piece of evidence, found in one pass. */
struct view {
	const struct fmt_evidence *evidence;
	struct field_set has;
	struct field_set many; /* there is a second one */
	struct field_set used; /* by view_take() */
	uint16_t at[FMT_FIELD_IDS]; /* where it is, of those that it has */
};

/* evidence: NULL is one without fields. */
void view_open(struct view *view, const struct fmt_evidence *evidence);

/* Trimmed, so "absent" and "nothing but blanks" are the same to all who choose. */
struct fmt_str view_get(const struct view *view, enum fmt_field_id id);
struct fmt_str view_first(
	const struct view *view, enum fmt_field_id a, enum fmt_field_id b);

/* Its value stands in a field of its own now; if there are more of this id, all of them still need
 * a place. */
void view_mark(struct view *view, enum fmt_field_id id);
struct fmt_str view_take(struct view *view, enum fmt_field_id id);

/* Unset, or the vendor's way to say so. */
int value_is_nothing(struct fmt_str s);

/* A plain decimal number without sign or leading zeros, at most `max`; else 0. */
int value_number(struct fmt_str s, uint64_t max, uint64_t *number);
#define VALUE_SAFE_MAX ((UINT64_C(1) << 53) - 1) /* what every JSON reader keeps */

/* Ticks of a date and time of RFC 3339 with up to nine digits of a second; else FMT_NO_TIME. */
int64_t value_time(struct fmt_str s);

/* Something to put into a field for times: from 1970 to 9999. */
int value_is_time(int64_t ticks);

/* YYYY-MM-DDThh:mm:ss.fffZ with 3 or 7 digits; needs value_is_time(). Gives the new end. */
#define VALUE_TIME_ROOM 32
char *value_put_time(char *to, int64_t ticks, int digits);

/* The same for many times: most of an alert's are of one day. */
struct value_date {
	int64_t day; /* since 1970; where text is not yet filled, -1 */
	char text[11]; /* YYYY-MM-DDT */
};
char *value_put_time_near(struct value_date *date, char *to, int64_t ticks, int digits);

/* A decimal number, where there is room for the longest; gives the new end. */
#define VALUE_NUMBER_ROOM 20
char *value_put_number(char *to, uint64_t number);

/* When it happened, as well as it is known: the first that is a time of those, else 0. */
int64_t value_when(const struct fmt_alert *alert, int64_t first, int64_t second);

struct fmt_str value_product(const struct fmt_alert *alert);

/* From nothing to malicious, 0 to 4. */
unsigned value_verdict(struct fmt_str s);

int value_has_scheme(struct fmt_str url);

/* Two letters, as ISO 3166 has them. */
int value_is_country(struct fmt_str s);

/* Plain enough to be an address of mail to everyone: ASCII, one @, a domain of letters and digits. */
int value_is_mail(struct fmt_str s);

/* The folder says the whole path: the name is empty, or some sources repeat it there. */
int value_path_is_whole(struct fmt_str folder, struct fmt_str name);
/* What to put between them: a slash of the kind that the folder has, or nothing. */
const char *value_separator(struct fmt_str folder);
/* Folder and name as one path, at most one octet more than both; gives its length. */
size_t value_join_path(char *to, struct fmt_str folder, struct fmt_str name);

/* The tactic of ATT&CK that a category of the vendor names, or NULL. */
struct value_tactic {
	const char *category;
	struct fmt_str id, name;
};
const struct value_tactic *value_tactic(struct fmt_str category);

/* T1234 of T1234.001; n == 0 when it is neither. */
struct fmt_str value_technique(struct fmt_str s, int *is_sub);

/* "process": of the kinds of evidence. */
struct fmt_str value_kind(enum fmt_kind kind);

/* Is it the one that speaks for its kind, or an address with a part in the event? */
int value_is_primary(
	const struct fmt_alert *alert, const struct fmt_evidence *evidence);

/* A list to put each text into once, by looking at the first few only: what is more is left out. */
#define VALUE_SET_MAX 48u
struct value_set {
	unsigned count;
	unsigned full; /* so many were left out */
	uint64_t ends; /* a bit for the end of each, to know most new ones by */
	struct fmt_str items[VALUE_SET_MAX];
};

void value_set_init(struct value_set *set);

/* 1 when it is new. Letters are the same in any case when `nocase`. */
int value_set_add(struct value_set *set, struct fmt_str s, int nocase);

#endif
