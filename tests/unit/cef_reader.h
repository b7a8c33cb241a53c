/* cef_reader.h - a strict CEF parser and a plain model of text cleaning, for tests.
 *
 * Purpose:  written from the rules of the format alone; shares no code with formats/, so that an
 *           error there is not repeated here. Slow and simple on purpose. */
#ifndef ALERTRELAY_TEST_CEF_READER_H
#define ALERTRELAY_TEST_CEF_READER_H

#include <stddef.h>

#define CEF_READER_PAIRS 160
#define CEF_READER_STORE (512 * 1024)

struct cef_pair {
	const char *key;
	const char *value; /* unescaped; both end with a NUL */
	size_t n;
};

struct cef_event {
	char version;
	const char *header[5]; /* vendor, product, version, class id, name: unescaped */
	int severity;
	struct cef_pair pairs[CEF_READER_PAIRS];
	size_t pair_count;
	char error[200];
	char store[CEF_READER_STORE];
	size_t used;
};

/* 1, or 0 with event->error. Checks the grammar, UTF-8, controls, header limits, every key against
 * the dictionary or the rule for keys of our own, types, lengths, labels, and that no key is twice. */
int cef_read(struct cef_event *event, const char *line, size_t n);

/* The value of a key, or NULL. */
const char *cef_value(const struct cef_event *event, const char *key);

enum reader_type { STRING, INTEGER, LONG_INTEGER, TIME, IPV4, IPV6, MAC };

/* Is the text one value of this type? TIME is in milliseconds. */
int is_typed(const char *s, enum reader_type type);

/* In valid UTF-8. */
size_t count_characters(const char *p);

/* Is this valid UTF-8 without any control character (C0, DEL, C1) or line separator? */
int utf8_is_clean(const char *p, size_t n);

enum model_text {
	MODEL_HEADER, /* line ends become spaces */
	MODEL_VALUE, /* line ends stay */
	MODEL_JSON, /* only repaired */
	MODEL_TRIMMED, /* repaired, and without what the other two make blanks at both ends */
};

/* What a reader must get back for these octets. Gives the octets at `to`, which ends with a NUL;
 * size must be 4 * n + 8 at least. max counts characters, 0 is no limit. */
size_t model_clean(char *to, const char *p, size_t n, enum model_text mode, size_t max);

#endif
