/* json_members.h - what documents of our own have in common.
 *
 * Purpose:  members of the alert, pieces of evidence and our own ones, under the names that a schema
 *           gives them.
 * Tests:    unit/test_ecs.c, unit/test_ocsf.c */
#ifndef ALERTRELAY_FORMAT_JSON_MEMBERS_H
#define ALERTRELAY_FORMAT_JSON_MEMBERS_H

#include "json_writer.h"

/* A member of the alert under a name; tables of them say which go where. */
enum json_row_kind { JSON_ROW_TEXT, JSON_ROW_JSON, JSON_ROW_LIST, JSON_ROW_TIME };

struct json_row {
	char name[JSON_NAME_ROOM]; /* as json_name has it */
	uint8_t n, kind, rank;
	uint8_t cut; /* of a long text: the rank at which it is cut */
	uint16_t at; /* in struct fmt_alert */
};
#define JSON_ROW_CUT(kind, name, member, rank, cut)                                    \
	{                                                                              \
		"\"" name "\":", sizeof("\"" name "\":") - 1, kind, rank, cut,         \
			offsetof(struct fmt_alert, member)                             \
	}
#define JSON_ROW(kind, name, member, rank)                                             \
	JSON_ROW_CUT(kind, name, member, rank, JSON_FIXED)

void json_rows(struct json_writer *w, const struct fmt_alert *alert,
	const struct json_row *rows, size_t count);

/* A field of evidence as a member. */
void json_field(struct json_writer *w, const struct view *view, struct json_name name,
	enum fmt_field_id id);

/* The fields of evidence under the names of fields.def, those of one id as one array; not those of
 * the set, if there is one. */
void json_fields(struct json_writer *w, const struct fmt_evidence *evidence,
	const struct field_set *but);

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

/* All pieces of evidence as an array: one() writes an element. What a piece says is its rank. */
typedef void json_evidence_one(
	struct json_writer *w, const struct fmt_evidence *evidence, void *context);
void json_evidence(struct json_writer *w, struct json_name name,
	const struct fmt_alert *alert, json_evidence_one *one, void *context);

#endif
