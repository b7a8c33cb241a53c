/* page.c - what the benchmarks that read a page share. */
#include "config.h"

#include "page.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <yajl/yajl_parse.h>

void bench_read(struct strbuf *text, const char *path)
{
	char block[65536];
	size_t got;
	FILE *f = fopen(path, "rb");

	if (!f) {
		perror(path);
		exit(1);
	}
	strbuf_init(text, (size_t)1 << 31);
	while ((got = fread(block, 1, sizeof(block), f)) > 0)
		(void)strbuf_add(text, block, got);
	fclose(f);
}

double bench_cpu_s(void)
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

static int nothing_number(void *context, const char *p, size_t n)
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

void bench_bare(const struct strbuf *text, size_t piece, int validates_strings)
{
	static const yajl_callbacks callbacks = {
		.yajl_null = nothing,
		.yajl_boolean = nothing_bool,
		.yajl_number = nothing_number,
		.yajl_string = nothing_string,
		.yajl_start_map = nothing,
		.yajl_map_key = nothing_string,
		.yajl_end_map = nothing,
		.yajl_start_array = nothing,
		.yajl_end_array = nothing,
	};
	yajl_handle yajl = yajl_alloc(&callbacks, NULL, NULL);
	yajl_status status = yajl_status_ok;

	(void)yajl_config(yajl, yajl_dont_validate_strings, !validates_strings);
	for (size_t at = 0; status == yajl_status_ok && at < text->n; at += piece)
		status = yajl_parse(yajl, (const unsigned char *)text->p + at,
			text->n - at < piece ? text->n - at : piece);
	if (status == yajl_status_ok)
		status = yajl_complete_parse(yajl);
	yajl_free(yajl);
	if (status != yajl_status_ok) {
		fputs("the file is not JSON\n", stderr);
		exit(1);
	}
}

void bench_parse(struct page_parser *parser, page_alert_fn *each, void *context,
	const struct strbuf *text, size_t piece)
{
	struct error err = {0};
	enum rc rc = RC_OK;

	page_parser_start(parser, PAGE_ANSWER, each, context);
	for (size_t at = 0; rc == RC_OK && at < text->n; at += piece)
		rc = page_parser_feed(parser, text->p + at,
			text->n - at < piece ? text->n - at : piece, &err);
	if (rc == RC_OK)
		rc = page_parser_finish(parser, &err);
	if (rc != RC_OK) {
		fprintf(stderr, "the page cannot be read: %s\n", err.text);
		exit(1);
	}
}
