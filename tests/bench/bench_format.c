/* bench_format.c - what each formatter costs beside the parse of the same alerts.
 *
 * Run:   tests/bench/bench_format FILE [ROUNDS]
 * FILE is a page (simulator --dump N). A round parses it once with nothing done for an alert, and once
 * for each formatter, which writes each alert as soon as it is read, as the relay does; the time within
 * format() counts, with that of the clock. Of the rounds the least counts: what else runs on the
 * machine only adds. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alert/alert.h"
#include "fetch/source.h"
#include "formats/registry.h"
#include "page.h"

#define MESSAGE_MAX 65536
#define FORMATS_MAX 16

struct bench {
	const struct fmt_module *module; /* NULL: parse alone */
	void *self;
	struct fmt_out body, data;
	double seconds;
	uint64_t alerts, octets;
};

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int no_growth(struct fmt_out *out, size_t want)
{
	return want <= out->room;
}

static enum rc write_one(void *context, struct fmt_alert *alert)
{
	struct bench *bench = context;
	struct fmt_message message = {
		.body = &bench->body, .structured_data = &bench->data};
	double from;

	bench->alerts++;
	if (!bench->module)
		return RC_OK;
	alert->version = (struct fmt_str){"0123456789abcdef", 16};
	alert->customer = alert->customer_name = (struct fmt_str){"contoso", 7};
	bench->body.n = bench->data.n = 0;
	bench->body.full = bench->data.full = 0;
	from = now_s();
	if (bench->module->format(bench->self, alert, &message) != FMT_OK) {
		fprintf(stderr, "bench_format: %s cannot write an alert\n",
			bench->module->name);
		exit(1);
	}
	bench->seconds += now_s() - from;
	bench->octets += bench->body.n + bench->data.n;
	return RC_OK;
}

/* Seconds of the whole pass. */
static double pass(
	struct bench *bench, struct page_parser *parser, const struct strbuf *text)
{
	double from = now_s();

	bench->seconds = 0;
	bench->alerts = bench->octets = 0;
	bench_parse(parser, write_one, bench, text, BENCH_PIECE);
	return now_s() - from;
}

static void print_row(
	const char *name, double seconds, double octets, double alerts, double parse)
{
	printf("%-14s %9.0f ns/alert %8.0f octets each %8.1f MB/s %7.3f of the parse\n",
		name, seconds / alerts * 1e9, octets / alerts, octets / 1e6 / seconds,
		seconds / parse);
}

int main(int argc, char **argv)
{
	int rounds = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 20;
	struct bench bench = {0};
	double parse = 1e9, least[FORMATS_MAX], octets[FORMATS_MAX], alerts;
	size_t count = format_count();
	struct page_parser *parser;
	struct alert_map *map = source_map_new(&source_graph_alerts, NULL);
	struct strbuf text;
	char error[200];

	if (argc < 2 || rounds < 1 || count > FORMATS_MAX || !map) {
		fprintf(stderr, "usage: bench_format FILE [ROUNDS]\n");
		return 2;
	}
	bench_read(&text, argv[1]);
	parser = page_parser_new(map, source_graph_alerts.list_key, NULL);
	bench.body = bench.data = (struct fmt_out){
		.room = MESSAGE_MAX, .maximum = MESSAGE_MAX, .grow = no_growth};
	bench.body.p = xmalloc(MESSAGE_MAX);
	bench.data.p = xmalloc(MESSAGE_MAX);
	for (int round = 0; round < rounds; round++) {
		double t;

		bench.module = NULL;
		t = pass(&bench, parser, &text);
		parse = t < parse ? t : parse;
		for (size_t i = 0; i < count; i++) {
			bench.module = format_at(i);
			bench.self = bench.module->open(NULL, 0, error, sizeof(error));
			(void)pass(&bench, parser, &text);
			bench.module->close(bench.self);
			t = bench.seconds;
			least[i] = round && least[i] < t ? least[i] : t;
			octets[i] = (double)bench.octets;
		}
	}
	alerts = bench.alerts ? (double)bench.alerts : 1;
	print_row("parse", parse, (double)text.n, alerts, parse);
	for (size_t i = 0; i < count; i++)
		print_row(format_at(i)->name, least[i], octets[i], alerts, parse);
	page_parser_free(parser);
	alert_map_free(map);
	strbuf_clear(&text);
	free(bench.body.p);
	free(bench.data.p);
	return 0;
}
