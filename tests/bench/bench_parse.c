/* bench_parse.c - what the page parser costs on top of bare yajl.
 *
 * Run:   tests/bench/bench_parse FILE [CHUNK [ROUNDS]]
 * FILE is one answer of graph-alerts. Both passes read the same octets in the same chunks (default
 * 16384, as libcurl hands them over) with the same yajl options, in turn; the fastest round of each
 * counts. The yardstick's callbacks do nothing. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "fetch/source.h"
#include "page.h"

static uint64_t fields;

static enum rc count(void *context, struct fmt_alert *alert)
{
	++*(uint64_t *)context;
	for (size_t i = 0; i < alert->evidence_count; i++)
		fields += alert->evidence[i].field_count;
	return RC_OK;
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

	if (argc < 2 || !chunk) {
		fprintf(stderr, "usage: bench_parse FILE [CHUNK [ROUNDS]]\n");
		return 2;
	}
	bench_read(&text, argv[1]);
	parser = page_parser_new(map, source->list_key, NULL);
	for (int i = 0; i < rounds; i++) {
		double from = bench_cpu_s(), between, t;

		alerts = fields = 0;
		bench_bare(&text, chunk, 0);
		between = bench_cpu_s();
		t = between - from;
		best_bare = t < best_bare ? t : best_bare;
		bench_parse(parser, count, &alerts, &text, chunk);
		t = bench_cpu_s() - between;
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
