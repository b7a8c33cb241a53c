/* page.h - one page of a source: budget, token, request, parsing, and what the answer means.
 *
 * Purpose:  hands each alert of the page on as it is parsed, then says how to go on. A 401 renews
 *           the token once and asks for the same page again by itself.
 * Owner:    the feed, which keeps url, root, token and budget alive until done() or page_cancel().
 * Bounds:   a parser (under 64 KB) is borrowed when the first octet of a page comes and given back
 *           at its end, so there are never more than transfers in flight. Of a refusal 16 KB are
 *           kept until done().
 * Safety:   the token goes only to the origin (scheme, host, port) of root, checked before it is
 *           asked for; redirects are never followed.
 * Decisions are one function (page_outcome): HTTP status, curl result and parser result to an
 * enum page_result; the feed owns schedule and backoff. */
#ifndef FETCH_PAGE_H
#define FETCH_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "fetch/budget.h"
#include "fetch/http.h"
#include "fetch/source.h"
#include "fetch/token.h"
#include "formats/format.h"

enum page_result {
	PAGE_OK,
	PAGE_RETRY, /* the same page again, after retry_after_ms or the feed's own backoff */
	PAGE_AUTH, /* sign-in or rights: an operator must act; try slowly */
	PAGE_BAD_REQUEST, /* 400, 404, a redirect ...: asking the same again will not help */
	PAGE_BAD_ANSWER, /* 200, but broken: cut, malformed, over a limit, 206 */
	PAGE_FOREIGN, /* the next link leaves the API's origin: refused, no token sent */
};

struct page;

struct page_events {
	/* An alert, complete but for customer and version; valid until return. Returns false when
	 * no more is wanted now: the transfer pauses (the rest of the at most 16 KB already taken
	 * still comes) until page_resume(); done() comes without it when that was the page's end.
	 * May call page_cancel(), but not page_fetch() or page_free(). */
	bool (*alert)(void *context, struct fmt_alert *alert);
	/* next is "" at the last page; valid until return. retry_after_ms: nothing is asked before,
	 * by this page or others of its budget; -1 when it is for the feed to say. */
	void (*done)(void *context, enum page_result result, const char *next,
		int64_t retry_after_ms, const struct error *err);
	void *context;
};

struct page_counts {
	uint64_t requests, alerts, bytes, throttled, renewed;
};

/* done() may free the page.
 * One per feed; holds little while idle (the parser is borrowed while a request runs).
 * root is the API root, "https://graph.microsoft.com". */
struct page *page_new(struct loop *loop, struct http *http, struct token *token,
	struct budget *budget, const struct source *source, const char *root,
	const struct page_events *events);
void page_free(struct page *page);

/* url must have the origin of root; otherwise done() comes with PAGE_FOREIGN. */
void page_fetch(struct page *page, const char *url);
/* alert() may go on; from the loop, not from inside this call. */
void page_resume(struct page *page);
void page_cancel(struct page *page);
bool page_busy(const struct page *page);
void page_counts(const struct page *page, struct page_counts *counts);

#endif
