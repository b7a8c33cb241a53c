/* members.h - the members of an alert and the fields of evidence, by name.
 *
 * Purpose:  the one list for all that goes through an alert member by member: the table of the manual
 *           and preview --explain. Names are those of Graph.
 * Tests:    integration/test_mapping.py finds what is missing here */
#ifndef CLI_MEMBERS_H
#define CLI_MEMBERS_H

#include <stddef.h>
#include <stdint.h>

/* What fmt_alert has at the offset, and what of it a format looks at. */
enum member_value {
	MEMBER_TEXT,
	MEMBER_TIMES,
	MEMBER_LISTS,
	MEMBER_JSON, /* a text of JSON */
	MEMBER_TECHNIQUES, /* a list */
	MEMBER_SEVERITIES, /* severity_text, which goes with severity */
	MEMBER_COMMENT, /* comments, which go with comment_count */
	MEMBER_SCORE, /* a text that is a number */
	MEMBER_CHARS, /* const char * */
};

struct alert_member {
	const char *name;
	size_t offset;
	enum member_value value;
};

extern const struct alert_member alert_members[]; /* ends with name == NULL */

/* "" for what is no field. */
const char *alert_field_name(uint32_t id);

#endif
