/* json_writer.h - writing a JSON document of our own: fast, and again in parts when it must fit.
 *
 * Purpose:  the same code writes a document straight to the output or, when that has no room, into a
 *           heap buffer with a list of its parts, from which json_fit.h makes what fits.
 * Rank:     of a member, 0 when it always stays; else when it goes (json_fit.h). On the first way it
 *           costs nothing.
 * Speed:    a document has some hundred members: what writes one is a call and not inline, so that
 *           formatter and parser have room beside each other in the processor's cache.
 * Errors:   what has no room sets `full`; all calls after it do nothing.
 * Tests:    unit/test_ecs.c, unit/test_ocsf.c */
#ifndef ALERTRELAY_FORMAT_JSON_WRITER_H
#define ALERTRELAY_FORMAT_JSON_WRITER_H

#include "escape.h"
#include "json_fit.h"
#include "value.h"

/* When parts go, for documents of our own (json_fit.h): the last of a rank first. */
enum json_rank {
	JSON_FIXED,
	JSON_ORIGINAL, /* the vendor's text */
	JSON_EVIDENCE_PLAIN, /* evidence that speaks for no kind and has no verdict */
	JSON_EVIDENCE_SUSPICIOUS,
	JSON_EVIDENCE_MALICIOUS,
	JSON_EVIDENCE_PRIMARY,
	JSON_DETAILS, /* additionalData, customDetails */
	JSON_CUT_ACTIONS, /* recommendedActions is cut */
	JSON_CUT_DESCRIPTION,
	JSON_CUT_TEXT, /* other long texts, command lines among them */
	JSON_COMMENTS,
	JSON_OPTIONAL,
	JSON_USEFUL,
	JSON_TWICE, /* what stands elsewhere too */
	JSON_CUT_TITLE,
};

struct json_writer {
	struct fmt_out *out;
	char *p, *end; /* of what may be used without asking */
	int full;
	struct json_fit *fit; /* NULL on the first way */
	struct value_date date;
};

/* Behind what is in the output already. */
void json_writer_open(struct json_writer *w, struct fmt_out *out, struct json_fit *fit);
/* The output has all that was written. */
void json_writer_close(struct json_writer *w);

int json_grow(struct json_writer *w, size_t n);

static inline int json_fits(struct json_writer *w, size_t n)
{
	return n <= (size_t)(w->end - w->p) || json_grow(w, n);
}

/* A name as it is written, with quotes and colon; there are JSON_NAME_ROOM octets to copy. */
struct json_name {
	const char *p;
	size_t n;
};
#define JSON_NAME_ROOM 24u
#define JSON_NAME_SHORTEST 3u
#define JSON_NAME_FILL "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define JSON_NAME(name)                                                                \
	((struct json_name){"\"" name "\":" JSON_NAME_FILL,                            \
		sizeof("\"" name "\":") - 1 +                                          \
			0 * sizeof(char[sizeof("\"" name "\":") - 1 <= JSON_NAME_ROOM  \
						? 1                                    \
						: -1])})
_Static_assert(sizeof(JSON_NAME_FILL) + JSON_NAME_SHORTEST >= JSON_NAME_ROOM,
	"the shortest name is followed by enough of them");

/* Marks where a member or element begins: what json_end_part() needs. */
size_t json_begin_part(struct json_writer *w);
void json_end_part(struct json_writer *w, size_t part, enum json_rank drop,
	enum json_rank cut, size_t value, int evidence);

/* The comma and the name; room for them and n more octets. 0 when there is none. */
int json_key(struct json_writer *w, struct json_name name, size_t n);

static inline void json_octets(struct json_writer *w, const char *p, size_t n)
{
	if (!json_fits(w, n))
		return;
	memcpy(w->p, p, n);
	w->p += n;
}
#define json_literal(w, text) json_octets(w, text, sizeof(text) - 1)

/* A comma unless it is the first of its array. */
void json_next(struct json_writer *w);
/* The same and a text. */
void json_element(struct json_writer *w, struct fmt_str s);

/* With quotes; needs room of ESCAPE_JSON_ROOM(s.n) + 2. */
static inline void json_quote(struct json_writer *w, struct fmt_str s)
{
	char *p = w->p;

	*p++ = '"';
	p = escape_json_string(p, s);
	*p++ = '"';
	w->p = p;
}

void json_string(struct json_writer *w, struct fmt_str s);

/* An object or array as a member: gives what json_close() needs, which takes an empty one back. */
struct json_open {
	size_t start;
	uint32_t bracket; /* behind the start */
	uint32_t part;
};
struct json_open json_open(struct json_writer *w, struct json_name name, char bracket);
void json_close(struct json_writer *w, struct json_open open, enum json_rank rank);

/* Nothing is in the object or array that was opened last. */
static inline int json_is_empty(const struct json_writer *w)
{
	return !w->full && (w->p[-1] == '{' || w->p[-1] == '[');
}

/* A member, unless the text is empty. */
void json_member(struct json_writer *w, struct json_name name, struct fmt_str s,
	enum json_rank rank);

/* A member with a value that is JSON already. */
void json_value(struct json_writer *w, struct json_name name, struct fmt_str json);

/* A long text: it is cut before it goes; with rank JSON_FIXED it only is cut. */
void json_long(struct json_writer *w, struct json_name name, struct fmt_str s,
	enum json_rank drop, enum json_rank cut);

void json_number(struct json_writer *w, struct json_name name, uint64_t number);

/* RFC 3339 with milliseconds, or milliseconds since 1970; nothing when it is no time. */
void json_time(struct json_writer *w, struct json_name name, int64_t ticks,
	enum json_rank rank);
void json_epoch(struct json_writer *w, struct json_name name, int64_t ticks,
	enum json_rank rank);

/* The texts of a list that are not empty. */
void json_list(struct json_writer *w, struct json_name name, struct fmt_list list,
	enum json_rank rank);
void json_set(struct json_writer *w, struct json_name name, const struct value_set *set,
	enum json_rank rank);

#endif
