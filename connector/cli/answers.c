#include "config.h"

#include "cli/answers.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "deliver/formatter.h"
#include "fetch/source.h"

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

int answers_open(const struct cli_command *command, struct answers *answers)
{
	const struct destination_options *found;
	const struct config *config;
	struct error err;

	destination_options_default(&answers->destination);
	answers->customer = (struct config_tenant){
		.key = answers->tenant, .display_name = answers->tenant};
	if (!answers->config_path) {
		answers->formatters = formatters_new(FORMATTERS_DIRECTORY);
		answers->destination.formatters = answers->formatters;
		return EXIT_NOT_YET;
	}
	config = answers->config = cli_config(command, answers->config_path);
	if (!config)
		return EXIT_USAGE;
	answers->formatters = config->formatters;
	found = answers->to ? config_destination(config, answers->to, &err)
			    : &config->destinations[0];
	if (!found)
		return cli_wrong(
			command, "--to: %s: %s", answers->config_path, err.text);
	answers->destination = *found;
	for (size_t i = 0; i < config->tenant_count; i++)
		if (strcmp(config->tenants[i].key, answers->tenant) == 0)
			answers->customer = config->tenants[i];
	return EXIT_NOT_YET;
}

void answers_close(struct answers *answers)
{
	if (!answers->config)
		formatters_free(answers->formatters);
	config_free(answers->config);
}

enum rc answers_read(struct answers *answers, page_alert_fn *alert,
	enum rc (*between)(void *context, struct error *err), void *context,
	struct error *err)
{
	const struct source *source = source_find(answers->source);
	bool standard_input = strcmp(answers->file, "-") == 0;
	const char *name = standard_input ? "standard input" : answers->file;
	struct page_parser_counts parsed;
	struct page_parser *parser;
	struct alert_map *map;
	enum rc rc;
	int fd = STDIN_FILENO;

	map = source_map_new(source, err);
	if (!map)
		return error_wrap(err, "source %s", source->name);
	if (!standard_input)
		fd = open(answers->file, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		alert_map_free(map);
		return error_set(
			err, RC_IO, "%s: cannot open: %s", name, strerror(errno));
	}
	parser = page_parser_new(map, source->list_key, NULL);
	page_parser_start(parser, PAGE_FILE, alert, context);
	rc = read_all(fd, parser, between, context, err);
	page_parser_counts(parser, &parsed);
	answers->alerts = parsed.alerts;
	answers->octets = parsed.bytes;
	page_parser_free(parser);
	alert_map_free(map);
	if (!standard_input)
		close(fd);
	return rc == RC_OK ? rc : error_wrap(err, "%s", name);
}
