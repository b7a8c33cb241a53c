#include "config.h"

#include "cli/answers.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"

#define PIECE 262144

static enum rc read_all(int fd, struct page_parser *parser,
	enum rc (*between)(void *context, struct error *err), void *context,
	struct error *err)
{
	static char piece[PIECE];
	enum rc rc = RC_OK;

	while (rc == RC_OK) {
		ssize_t n = read(fd, piece, sizeof(piece));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(
				err, RC_IO, "cannot read: %s", strerror(errno));
		if (n == 0)
			return page_parser_finish(parser, err);
		rc = page_parser_feed(parser, piece, (size_t)n, err);
		if (rc == RC_OK && between)
			rc = between(context, err);
	}
	return rc;
}

enum rc answers_read(const char *path, const struct source *source,
	page_alert_fn *alert, enum rc (*between)(void *context, struct error *err),
	void *context, struct answers_counts *counts, struct error *err)
{
	bool standard_input = strcmp(path, "-") == 0;
	struct page_parser_counts parsed;
	struct page_parser *parser;
	struct alert_map *map;
	enum rc rc;
	int fd = STDIN_FILENO;

	if (!standard_input) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return error_set(err, RC_IO, "%s: cannot open: %s", path,
				strerror(errno));
	}
	map = source_map_new(source, err);
	if (!map) {
		rc = err->code;
		goto out;
	}
	parser = page_parser_new(map, source->list_key, NULL);
	page_parser_start(parser, PAGE_FILE, alert, context);
	rc = read_all(fd, parser, between, context, err);
	page_parser_counts(parser, &parsed);
	*counts = (struct answers_counts){parsed.alerts, parsed.bytes};
	page_parser_free(parser);
	alert_map_free(map);
out:
	if (!standard_input)
		close(fd);
	if (rc != RC_OK)
		error_wrap(err, "%s", standard_input ? "standard input" : path);
	return rc;
}

const char *answers_sources(void)
{
	static struct strbuf names;

	if (!names.p) {
		strbuf_init(&names, 1024);
		for (size_t i = 0; source_at(i); i++)
			strbuf_addf(&names, "%s%s", i ? ", " : "", source_at(i)->name);
	}
	return names.p;
}
