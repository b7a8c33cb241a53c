/* page.h - what the benchmarks that read a page share.
 *
 * Purpose:  a page from a file, a bare yajl pass over it (the yardstick) and a pass of the page parser.
 * Errors:   end the program, with a message. */
#ifndef BENCH_PAGE_H
#define BENCH_PAGE_H

#include "base/strbuf.h"
#include "fetch/page_parser.h"

#define BENCH_PIECE 16384 /* octets, as they come from HTTPS */

/* strbuf_clear() frees the text. */
void bench_read(struct strbuf *text, const char *path);

/* CPU time of the process. */
double bench_cpu_s(void);

/* Callbacks that do nothing. */
void bench_bare(const struct strbuf *text, size_t piece, int validates_strings);

void bench_parse(struct page_parser *parser, page_alert_fn *each, void *context,
	const struct strbuf *text, size_t piece);

#endif
