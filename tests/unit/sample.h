/* sample.h - answers of the vendor from tests/samples. */
#ifndef UNIT_SAMPLE_H
#define UNIT_SAMPLE_H

#include <stdio.h>
#include <stdlib.h>

#include "base/strbuf.h"

/* Initializes out; the caller clears it. */
static inline void sample_read(const char *name, struct strbuf *out)
{
	const char *data = getenv("TEST_DATA");
	char path[1000], block[4096];
	size_t got;
	FILE *file;

	snprintf(path, sizeof(path), "%s/samples/%s", data ? data : "tests", name);
	file = fopen(path, "rb");
	if (!file) {
		fprintf(stderr, "cannot open %s\n", path);
		exit(99);
	}
	strbuf_init(out, 16 << 20);
	while ((got = fread(block, 1, sizeof(block), file)) > 0)
		(void)strbuf_add(out, block, got);
	fclose(file);
}

#endif
