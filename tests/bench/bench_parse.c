/* bench_parse.c - what the page parser costs on top of bare yajl.
 *
 * Run:   tests/bench/bench_parse FILE [CHUNK [ROUNDS]]
 * FILE is one answer of graph-alerts. Both passes read the same octets in the same chunks (default
 * 16384, as libcurl hands them over) with the same yajl options, in turn; the fastest round of each
 * counts. The yardstick's callbacks do nothing. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <yajl/yajl_parse.h>

#include "base/strbuf.h"
#include "fetch/page_parser.h"
#include "fetch/source.h"

static int nothing(void *context)
{
	(void)context;
	return 1;
}

static int no_boolean(void *context, int value)
{
	(void)context;
	(void)value;
	return 1;
}

static int no_number(void *context, const char *p, size_t n)
{
	(void)context;
	(void)p;
	(void)n;
	return 1;
}

static int no_string(void *context, const unsigned char *p, size_t n)
{
	(void)context;
	(void)p;
	(void)n;
	return 1;
}

static const yajl_callbacks no_callbacks = {
	.yajl_null = nothing,
	.yajl_boolean = no_boolean,
	.yajl_number = no_number,
	.yajl_string = no_string,
	.yajl_start_map = nothing,
	.yajl_map_key = no_string,
	.yajl_end_map = nothing,
	.yajl_start_array = nothing,
	.yajl_end_array = nothing,
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double bare(const char *p, size_t n, size_t chunk)
{
	double from = now();
	yajl_handle yajl = yajl_alloc(&no_callbacks, NULL, NULL);
	yajl_status status = yajl_status_ok;

	(void)yajl_config(yajl, yajl_dont_validate_strings, 1);
	for (size_t at = 0; at < n && status == yajl_status_ok; at += chunk)
		status = yajl_parse(yajl, (const unsigned char *)p + at,
			n - at < chunk ? n - at : chunk);
	if (status != yajl_status_ok || yajl_complete_parse(yajl) != yajl_status_ok) {
		fprintf(stderr, "bench_parse: not JSON\n");
		exit(1);
	}
	yajl_free(yajl);
	return now() - from;
}

static uint64_t fields;

static enum rc count(void *context, struct fmt_alert *alert)
{
	++*(uint64_t *)context;
	for (size_t i = 0; i < alert->evidence_count; i++)
		fields += alert->evidence[i].field_count;
	return RC_OK;
}

static double whole(struct page_parser *parser, const char *p, size_t n, size_t chunk,
	uint64_t *alerts)
{
	double from = now();
	struct error err = {0};

	*alerts = fields = 0;
	page_parser_start(parser, PAGE_ANSWER, count, alerts);
	for (size_t at = 0; at < n; at += chunk)
		if (page_parser_feed(
			    parser, p + at, n - at < chunk ? n - at : chunk, &err)) {
			fprintf(stderr, "bench_parse: %s\n", err.text);
			exit(1);
		}
	if (page_parser_finish(parser, &err)) {
		fprintf(stderr, "bench_parse: %s\n", err.text);
		exit(1);
	}
	return now() - from;
}

int main(int argc, char **argv)
{
	size_t chunk = argc > 2 ? strtoul(argv[2], NULL, 10) : 16384;
	int rounds = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 20;
	const struct source *source = source_find("graph-alerts");
	struct alert_map *map = source_map_new(source, NULL);
	struct page_parser *parser;
	struct strbuf text;
	double best_bare = 1e9, best_whole = 1e9;
	uint64_t alerts = 0;
	char block[65536];
	size_t got;
	FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;

	if (!file || !chunk) {
		fprintf(stderr, "usage: bench_parse FILE [CHUNK [ROUNDS]]\n");
		return 2;
	}
	strbuf_init(&text, (size_t)1 << 31);
	while ((got = fread(block, 1, sizeof(block), file)) > 0)
		(void)strbuf_add(&text, block, got);
	fclose(file);
	parser = page_parser_new(map, source->list_key, NULL);
	for (int i = 0; i < rounds; i++) {
		double t = bare(text.p, text.n, chunk);

		best_bare = t < best_bare ? t : best_bare;
		t = whole(parser, text.p, text.n, chunk, &alerts);
		best_whole = t < best_whole ? t : best_whole;
	}
	if (!alerts)
		alerts = 1;
	printf("alerts %llu, octets %zu (%.1f KB each), fields %.0f each, chunk %zu\n",
		(unsigned long long)alerts, text.n,
		(double)text.n / 1000 / (double)alerts, (double)fields / (double)alerts,
		chunk);
	printf("bare yajl    %8.2f us/alert %8.1f MB/s\n",
		best_bare * 1e6 / (double)alerts, (double)text.n / 1e6 / best_bare);
	printf("page parser  %8.2f us/alert %8.1f MB/s\n",
		best_whole * 1e6 / (double)alerts, (double)text.n / 1e6 / best_whole);
	printf("ratio        %8.3f\n", best_whole / best_bare);
	page_parser_free(parser);
	alert_map_free(map);
	strbuf_clear(&text);
	return 0;
}
