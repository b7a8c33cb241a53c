/* json_writer.h - writing a JSON document of our own: fast, and again in parts when it must fit.
 *
 * Purpose:  the same code writes a document straight to the output or, when that has no room, into a
 *           heap buffer with a list of its parts, from which json_fit.h makes what fits.
 * Rank:     of a member, 0 when it always stays; else when it goes (json_fit.h). On the first way it
 *           costs nothing.
 * Errors:   what has no room sets `full`; all calls after it do nothing.
 * Tests:    unit/test_ecs.c, unit/test_ocsf.c */
#ifndef ALERTRELAY_FORMAT_JSON_WRITER_H
#define ALERTRELAY_FORMAT_JSON_WRITER_H

#include "escape.h"
#include "field_json.h"
#include "json_fit.h"
#include "severity.h"
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
};

typedef void json_write(
	struct json_writer *w, const void *context, const struct fmt_alert *alert);

/* The options of documents and their field map. */
struct json_document {
	int original; /* the vendor's own text goes along */
	struct severity_map severity;
	struct field_json fields;
};

/* A whole document, behind what is in the body already; self is the context of write. */
enum fmt_result json_write_document(struct fmt_message *message, json_write *write,
	const struct json_document *self, const struct fmt_alert *alert);

int json_grow(struct json_writer *w, size_t n);

static inline int json_fits(struct json_writer *w, size_t n)
{
	return n <= (size_t)(w->end - w->p) || json_grow(w, n);
}

/* A name as it is written, with quotes and colon. */
struct json_name {
	const char *p;
	size_t n;
};
#define JSON_NAME(name)                                                                \
	((struct json_name){"\"" name "\":", sizeof("\"" name "\":") - 1})

/* Marks where a member or element begins: what json_end_part() needs. */
size_t json_begin_part(struct json_writer *w);
void json_end_part(struct json_writer *w, size_t part, enum json_rank drop,
	enum json_rank cut, size_t value, int evidence);

/* The comma and the name; room for them and n more octets. 0 when there is none. */
static inline __attribute__((always_inline)) int json_key(
	struct json_writer *w, struct json_name name, size_t n)
{
	if (!json_fits(w, name.n + 1 + n))
		return 0;
	*w->p = ',';
	w->p += w->p[-1] != '{';
	memcpy(w->p, name.p, name.n);
	w->p += name.n;
	return 1;
}

static inline __attribute__((always_inline)) void json_octets(
	struct json_writer *w, const char *p, size_t n)
{
	if (!json_fits(w, n))
		return;
	memcpy(w->p, p, n);
	w->p += n;
}
#define json_literal(w, text) json_octets(w, text, sizeof(text) - 1)

/* A comma unless it is the first of its array. */
static inline void json_next(struct json_writer *w)
{
	if (!json_fits(w, 1))
		return;
	*w->p = ',';
	w->p += w->p[-1] != '[';
}

/* With quotes; needs room of ESCAPE_JSON_ROOM(s.n) + 2. */
static inline void json_quote(struct json_writer *w, struct fmt_str s)
{
	*w->p++ = '"';
	w->p = escape_json_string(w->p, s);
	*w->p++ = '"';
}

static inline void json_string(struct json_writer *w, struct fmt_str s)
{
	if (json_fits(w, ESCAPE_JSON_ROOM(s.n) + 2))
		json_quote(w, s);
}

/* An object or array as a member: gives what json_close() needs, which takes an empty one back. */
struct json_open {
	size_t start, part;
	char end;
};

static inline __attribute__((always_inline)) struct json_open json_open(
	struct json_writer *w, struct json_name name, char bracket)
{
	struct json_open open = {
		(size_t)(w->p - w->out->p), 0, bracket == '{' ? '}' : ']'};

	if (w->fit)
		open.part = json_begin_part(w);
	if (json_key(w, name, 1))
		*w->p++ = bracket;
	return open;
}

void json_close(struct json_writer *w, struct json_open open, enum json_rank rank);

void json_put_ranked(struct json_writer *w, struct json_name name, struct fmt_str s,
	enum json_rank drop, enum json_rank cut);

/* A member, unless the text is empty. */
static inline __attribute__((always_inline)) void json_member(struct json_writer *w,
	struct json_name name, struct fmt_str s, enum json_rank rank)
{
	if (!s.n)
		return;
	if (w->fit && rank != JSON_FIXED)
		json_put_ranked(w, name, s, rank, JSON_FIXED);
	else if (json_key(w, name, ESCAPE_JSON_ROOM(s.n) + 2))
		json_quote(w, s);
}

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

/* The fields of evidence under the names of fields.def, those of one id as one array; not those that
 * the view says are used, if there is one. */
void json_fields(struct json_writer *w, const struct fmt_evidence *evidence,
	const struct view *view);

/* JSON of the vendor as a text: keys that a customer chose cannot clash with a schema then. */
void json_raw_text(struct json_writer *w, struct json_name name, struct fmt_str raw,
	enum json_rank rank);

/* Comments as an array of objects with text, author and time. */
void json_comments(struct json_writer *w, const struct fmt_alert *alert);

/* Whose alert, where from, which version: alertrelay.*, which always stays and tells what does not. */
void json_relay(struct json_writer *w, const struct fmt_alert *alert);

/* Folder and name of a file as one path. */
void json_path(struct json_writer *w, struct json_name name, struct fmt_str folder,
	struct fmt_str file);

/* The options of documents, and open(), close() and fields() of their modules. */
#define JSON_ORIGINAL_HELP                                                             \
	"yes puts the vendor's own text of the alert into the document too"
/* scale: of its option severity; SEVERITY_SCALES: it has none. */
void *json_document_open(const char *format, enum severity_scale scale,
	const struct fmt_option *options, size_t count, char *error, size_t error_size);
void json_document_close(void *self);
int json_document_fields(struct json_document *self, const char *format,
	const struct field_json_own *own, const struct fmt_rule *rules, size_t count,
	fmt_wrong *wrong, void *context);

/* The place of an item of evidence: its rank by what it says. */
enum json_rank json_evidence_rank(
	const struct fmt_alert *alert, const struct fmt_evidence *evidence);

#endif
