/* bench_pipeline.c - page octets to framed syslog messages in process, beside bare yajl.
 *
 * `bench_pipeline FILE [FORMAT [ROUNDS]]`: FILE is a page (simulator --dump N). Each round does a
 * bare yajl pass (callbacks that do nothing) and the pipeline (parse, version, format, header, frame)
 * over the same octets, in turn; the least CPU time of each and the ratio are printed: what else runs
 * on the machine only ever adds.
 * `bench_pipeline --yardstick FILE`: the bare pass alone; prints its least CPU seconds. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/alert.h"
#include "deliver/render.h"
#include "fetch/source.h"
#include "page.h"

#define ROUNDS_MAX 101

struct bench {
	struct render render;
	struct destination_options options;
	char *out;
	size_t room;
	char version[ALERT_VERSION_TEXT];
	uint64_t alerts, octets;
};

static enum rc write_one(void *context, struct fmt_alert *alert)
{
	struct bench *bench = context;
	const struct syslog_fields fields = {.severity = alert->severity,
		.time = alert->updated,
		.customer = {"contoso", 7},
		.msgid = "alert"};
	struct rendered rendered;
	struct error err;
	size_t size;

	alert_version_text(alert_version(alert, ALERT_POLICY_STATUS), bench->version);
	alert->version = (struct fmt_str){bench->version, strlen(bench->version)};
	alert->customer = alert->customer_name = fields.customer;
	if (render_alert(&bench->render, alert, &fields, alert->updated, &rendered,
		    &err) != RC_OK) {
		fprintf(stderr, "bench_pipeline: %s\n", err.text);
		return err.code;
	}
	size = render_size(&bench->render, &rendered);
	if (size > bench->room) {
		bench->room = size * 2;
		bench->out = xrealloc(bench->out, bench->room);
	}
	render_copy(&bench->render, &rendered, bench->out);
	bench->alerts++;
	bench->octets += size;
	return RC_OK;
}

static double yardstick(const struct strbuf *page)
{
	double before = bench_cpu_s();

	bench_bare(page, BENCH_PIECE, 1);
	return bench_cpu_s() - before;
}

static double pipeline(
	struct bench *bench, struct page_parser *parser, const struct strbuf *page)
{
	double before = bench_cpu_s();

	bench->alerts = bench->octets = 0;
	bench_parse(parser, write_one, bench, page, BENCH_PIECE);
	return bench_cpu_s() - before;
}

static double least(const double *values, int count)
{
	double x = values[0];

	for (int i = 1; i < count; i++)
		x = values[i] < x ? values[i] : x;
	return x;
}

int main(int argc, char **argv)
{
	double bare[ROUNDS_MAX], whole[ROUNDS_MAX], y, w;
	struct bench bench = {0};
	struct page_parser *parser;
	struct alert_map *map;
	struct error err;
	struct strbuf page;
	int rounds = 5;

	if (argc == 3 && strcmp(argv[1], "--yardstick") == 0) {
		bench_read(&page, argv[2]);
		for (int i = 0; i < rounds; i++)
			bare[i] = yardstick(&page);
		printf("%.6f seconds for %zu octets\n", least(bare, rounds), page.n);
		strbuf_clear(&page);
		return 0;
	}
	if (argc < 2 || argc > 4) {
		fputs("usage: bench_pipeline FILE [FORMAT [ROUNDS]] | --yardstick "
		      "FILE\n",
			stderr);
		return 2;
	}
	if (argc == 4)
		rounds = (int)strtol(argv[3], NULL, 10);
	if (rounds < 1 || rounds > ROUNDS_MAX)
		rounds = 5;
	bench_read(&page, argv[1]);
	destination_options_default(&bench.options);
	bench.options.format = argc > 2 ? argv[2] : "cef";
	bench.options.framing = FRAMING_OCTET;
	bench.options.max_message_bytes = 65536;
	map = source_map_new(&source_graph_alerts, &err);
	if (!map || render_open(&bench.render, &bench.options, &err) != RC_OK) {
		fprintf(stderr, "bench_pipeline: %s\n", err.text);
		return 1;
	}
	parser = page_parser_new(map, source_graph_alerts.list_key, NULL);
	for (int i = 0; i < rounds; i++) {
		bare[i] = yardstick(&page);
		whole[i] = pipeline(&bench, parser, &page);
	}
	y = least(bare, rounds);
	w = least(whole, rounds);
	printf("%llu alerts of %.0f octets -> %.0f octets each; bare yajl %.2f us, "
	       "pipeline %.2f us per alert\n",
		(unsigned long long)bench.alerts, (double)page.n / (double)bench.alerts,
		(double)bench.octets / (double)bench.alerts,
		y / (double)bench.alerts * 1e6, w / (double)bench.alerts * 1e6);
	printf("ratio = %.2f Y\n", w / y);
	render_close(&bench.render);
	page_parser_free(parser);
	alert_map_free(map);
	free(bench.out);
	strbuf_clear(&page);
	return 0;
}
