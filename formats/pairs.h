/* pairs.h - a header and key=value pairs within a maximum: what CEF and LEEF have in common.
 *
 * Purpose:  usually one pass is enough. Only when a message is too large, a second one measures each
 *           pair alone and plans what goes, in this order: evidence lists, optional keys, the ends of
 *           long texts, plain keys, long texts, the end of the title. Fixed keys and the header
 *           always stay. What is left out is counted in a pair of its own, if that fits.
 * Owner:    a style and its tables outlive the call. */
#ifndef ALERTRELAY_FORMAT_PAIRS_H
#define ALERTRELAY_FORMAT_PAIRS_H

#include "pick.h"
#include "text.h"

enum pair_class {
	PAIR_FIXED,
	PAIR_PLAIN,
	PAIR_LONG,
	PAIR_OPTIONAL,
	PAIR_EVIDENCE,
	PAIR_TITLE,
};

#define PAIR_KEY_ROOM 48u
#define PAIR_LABEL_ROOM (2 * PAIR_KEY_ROOM)

/* The texts are copied with all their room: a fixed size is a few instructions. A row is one line
 * of the cache. */
struct pair_row {
	_Alignas(64) char before[PAIR_KEY_ROOM]; /* " cs1=" */
	uint8_t before_n; /* 0: this format has no such key */
	uint8_t label; /* in labels */
	uint16_t max; /* characters */
	enum pair_class class;
};

struct pair_label {
	char text[PAIR_LABEL_ROOM]; /* " cs1Label=threatName" */
	uint8_t n;
};

#define PAIR_ROW(key, max_, class_, label_)                                            \
	{.before = " " key "=",                                                        \
		.before_n = sizeof(" " key "=") - 1,                                   \
		.label = label_,                                                       \
		.max = max_,                                                           \
		.class = class_},
#define PAIR_NO_ROW {.before_n = 0},

/* Where the text goes. */
struct pair_writer {
	struct fmt_out *out;
	char *p;
	char *end; /* respects the maximum as well as the room */
	unsigned cut;
	struct fmt_trace *trace; /* of the header; or NULL */
};

/* 0 when that would pass the maximum. */
int pairs_put(struct pair_writer *w, const char *p, size_t n);

/* Tells of a part of the header: what is written of `whole` is from p to end. */
void pairs_tell_header(const struct pair_writer *w, const char *name,
	struct fmt_str whole, const char *p, const char *end, int cut);

/* The mark behind a text that was cut; room for it must be there. */
static inline char *pairs_mark(char *to, int cut)
{
	if (!cut)
		return to;
	memcpy(to, TEXT_MARK, TEXT_MARK_LEN);
	return to + TEXT_MARK_LEN;
}

struct pairs_style {
	const struct pair_row *rows;
	size_t row_count; /* PICK_ROWS and what a field map adds */
	const struct pair_label *labels; /* [0] is empty */
	const char *omitted; /* key of the pair that tells how many were left out */
	char separator; /* between pairs */
	int escapes; /* a backslash of the escaped text and what is behind it are one */
	/* A value; room for ESCAPE_ROOM(s.n) is at `to`. Gives the new end. */
	char *(*value)(char *to, struct fmt_str s, char separator);
	/* Writes all before the first pair, never nothing; when `brief` is set, with as little of
	 * the title as may be. Gives 0 when that would pass the maximum. */
	int (*header)(struct pair_writer *w, const void *self, const struct pick *pick,
		int brief);
};

/* Needs values without blanks at both ends. */
enum fmt_result pairs_write(const struct pairs_style *style, const void *self,
	const struct pick *pick, struct fmt_message *message);

/* Without what becomes a space at both ends, when `separator` becomes one too. */
struct fmt_str pairs_trim(struct fmt_str s, char separator);

#endif
