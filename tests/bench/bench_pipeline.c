/* bench_pipeline.c - page octets to framed syslog messages in process, beside bare yajl.
 *
 * `bench_pipeline FILE [FORMAT [ROUNDS]]`: FILE is a page (simulator --dump N). Each round does a
 * bare yajl pass (callbacks that do nothing), a parse (with map and version) and the pipeline (parse,
 * format, header, frame) over the same octets, in turn; the least CPU time of each, the ratio and what
 * writing costs beside parsing are printed: what else runs on the machine only ever adds.
 * `bench_pipeline --yardstick FILE`: the bare pass alone; prints its least CPU seconds. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <yajl/yajl_parse.h>

#include "alert/alert.h"
#include "base/strbuf.h"
#include "deliver/render.h"
#include "fetch/page_parser.h"
#include "fetch/source.h"

#define PIECE 16384 /* as octets come from HTTPS */
#define ROUNDS_MAX 101

struct bench {
	struct render render;
	struct destination_options options;
	char *out;
	size_t room;
	char version[ALERT_VERSION_TEXT];
	uint64_t alerts, octets, shed, cut;
};

static double cpu_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int nothing(void *context)
{
	(void)context;
	return 1;
}

static int nothing_bool(void *context, int value)
{
	(void)context;
	(void)value;
	return 1;
}

static int nothing_text(void *context, const char *p, size_t n)
{
	(void)context;
	(void)p;
	(void)n;
	return 1;
}

static int nothing_string(void *context, const unsigned char *p, size_t n)
{
	(void)context;
	(void)p;
	(void)n;
	return 1;
}

static double yardstick(const char *p, size_t n)
{
	static const yajl_callbacks callbacks = {
		.yajl_null = nothing,
		.yajl_boolean = nothing_bool,
		.yajl_number = nothing_text,
		.yajl_string = nothing_string,
		.yajl_start_map = nothing,
		.yajl_map_key = nothing_string,
		.yajl_end_map = nothing,
		.yajl_start_array = nothing,
		.yajl_end_array = nothing,
	};
	double before = cpu_s();
	yajl_handle handle = yajl_alloc(&callbacks, NULL, NULL);
	yajl_status status = yajl_status_ok;

	for (size_t at = 0; status == yajl_status_ok && at < n; at += PIECE)
		status = yajl_parse(handle, (const unsigned char *)p + at,
			n - at < PIECE ? n - at : PIECE);
	if (status == yajl_status_ok)
		status = yajl_complete_parse(handle);
	yajl_free(handle);
	if (status != yajl_status_ok) {
		fputs("bench_pipeline: the file is not JSON\n", stderr);
		exit(1);
	}
	return cpu_s() - before;
}

static enum rc read_one(void *context, struct fmt_alert *alert)
{
	struct bench *bench = context;

	alert_version_text(alert_version(alert, ALERT_POLICY_STATUS), bench->version);
	return RC_OK;
}

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

	read_one(bench, alert);
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
	bench->shed += rendered.shed_fields;
	bench->cut += rendered.cut_texts;
	return RC_OK;
}

static double pipeline(struct bench *bench, struct page_parser *parser,
	page_alert_fn *each, const char *p, size_t n)
{
	double before = cpu_s();
	struct error err = {0};
	enum rc rc = RC_OK;

	page_parser_start(parser, PAGE_ANSWER, each, bench);
	for (size_t at = 0; rc == RC_OK && at < n; at += PIECE)
		rc = page_parser_feed(
			parser, p + at, n - at < PIECE ? n - at : PIECE, &err);
	if (rc == RC_OK)
		rc = page_parser_finish(parser, &err);
	if (rc != RC_OK) {
		fprintf(stderr, "bench_pipeline: %s\n", err.text);
		exit(1);
	}
	return cpu_s() - before;
}

static double least(const double *values, int count)
{
	double x = values[0];

	for (int i = 1; i < count; i++)
		x = values[i] < x ? values[i] : x;
	return x;
}

static char *read_file(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	char *p;

	if (!f) {
		perror(path);
		exit(1);
	}
	fseek(f, 0, SEEK_END);
	*n = (size_t)ftell(f);
	rewind(f);
	p = xmalloc(*n + 1);
	if (fread(p, 1, *n, f) != *n) {
		perror(path);
		exit(1);
	}
	fclose(f);
	return p;
}

int main(int argc, char **argv)
{
	double bare[ROUNDS_MAX], parse[ROUNDS_MAX], whole[ROUNDS_MAX], y, r, w;
	struct bench bench = {0};
	struct page_parser *parser;
	struct alert_map *map;
	struct error err;
	char *page;
	size_t n;
	int rounds = 5;

	if (argc == 3 && strcmp(argv[1], "--yardstick") == 0) {
		page = read_file(argv[2], &n);
		for (int i = 0; i < rounds; i++)
			bare[i] = yardstick(page, n);
		printf("%.6f seconds for %zu octets\n", least(bare, rounds), n);
		free(page);
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
	page = read_file(argv[1], &n);
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
		bench.alerts = bench.octets = bench.shed = bench.cut = 0;
		bare[i] = yardstick(page, n);
		parse[i] = pipeline(&bench, parser, read_one, page, n);
		whole[i] = pipeline(&bench, parser, write_one, page, n);
	}
	y = least(bare, rounds);
	r = least(parse, rounds);
	w = least(whole, rounds);
	printf("%llu alerts of %.0f octets -> %.0f octets each; bare yajl %.2f us, "
	       "pipeline %.2f us per alert\n",
		(unsigned long long)bench.alerts, (double)n / (double)bench.alerts,
		(double)bench.octets / (double)bench.alerts,
		y / (double)bench.alerts * 1e6, w / (double)bench.alerts * 1e6);
	printf("parse %.2f us, format and frame %.0f ns per alert (%.2f of it), %.0f "
	       "MB/s\n",
		r / (double)bench.alerts * 1e6, (w - r) / (double)bench.alerts * 1e9,
		(w - r) / r, (double)bench.octets / (w - r) / 1e6);
	printf("ratio = %.2f Y\n", w / y);
	render_close(&bench.render);
	page_parser_free(parser);
	alert_map_free(map);
	free(bench.out);
	free(page);
	return 0;
}
