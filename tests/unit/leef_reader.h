/* leef_reader.h - a strict LEEF parser for tests.
 *
 * Purpose:  written from the rules of the format alone; shares no code with formats/ but the table of
 *           keys of our own. Slow and simple on purpose. */
#ifndef ALERTRELAY_TEST_LEEF_READER_H
#define ALERTRELAY_TEST_LEEF_READER_H

#include <stddef.h>

#define LEEF_READER_ATTRIBUTES 160
#define LEEF_READER_STORE (512 * 1024)

struct leef_attribute {
	const char *key;
	const char *value; /* both end with a NUL */
};

struct leef_event {
	char version; /* '1', '2' */
	char delimiter;
	const char *header[4]; /* vendor, product, version, event id */
	const char *delimiter_text; /* "" in 1.0 */
	struct leef_attribute attributes[LEEF_READER_ATTRIBUTES];
	size_t count;
	char error[200];
	char store[LEEF_READER_STORE];
	size_t used;
};

/* 1, or 0 with event->error. Checks the grammar, UTF-8, controls, the types and limits of predefined
 * attributes, that a host's name has its address, that every key is known and that none is there
 * twice, and that no value is empty or has blanks at its ends. */
int leef_read(struct leef_event *event, const char *line, size_t n);

/* The value of a key, or NULL. */
const char *leef_value(const struct leef_event *event, const char *key);

#endif
