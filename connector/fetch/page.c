#include "config.h"

#include "fetch/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "fetch/error_answer.h"
#include "fetch/http_text.h"
#include "fetch/page_parser.h"

#define REFUSAL_KEPT 16384
#define REFUSAL_MAX (1 << 20) /* more ends the transfer */

/* Parsers at rest, one shelf per source, while there are pages. More than are ever in use at once
 * are not made, because each belongs to a transfer in flight. */
struct shelf {
	struct list node;
	const struct source *source;
	struct alert_map *map;
	unsigned pages; /* that use this shelf */
	struct list parsers;
};

struct borrowed {
	struct list node;
	struct page_parser *parser;
};

static struct list shelves = {&shelves, &shelves};

struct page {
	struct loop *loop;
	struct http *http;
	struct token *token;
	struct shelf *shelf;
	const char *root;
	struct page_events events;
	struct page_counts counts;
	struct http_request request;
	struct token_waiter waiter;
	struct budget *budget;
	struct budget_waiter turn;
	struct loop_call refuse; /* done() for a URL that is not fetched */
	const char *headers[HTTP_HEADERS_MAX + 1];
	const char *url;
	struct borrowed *borrowed;
	struct strbuf refusal; /* body of an answer that is no page */
	uint64_t refusal_bytes;
	uint32_t token_serial;
	bool renewed, feeding, pause_wanted;
	bool has_turn; /* the budget has let it go */
};

/* Shelves. */

static struct shelf *shelf_get(const struct source *source)
{
	struct shelf *shelf;
	struct error err;

	for (struct list *n = shelves.next; n != &shelves; n = n->next) {
		shelf = CONTAINER_OF(n, struct shelf, node);
		if (shelf->source == source) {
			shelf->pages++;
			return shelf;
		}
	}
	shelf = xcalloc(1, sizeof(*shelf));
	shelf->source = source;
	shelf->map = source_map_new(source, &err);
	if (!shelf->map)
		abort(); /* rows are constant: a test of each source sees this */
	shelf->pages = 1;
	list_init(&shelf->parsers);
	list_append(&shelves, &shelf->node);
	return shelf;
}

static void shelf_put(struct shelf *shelf)
{
	if (--shelf->pages)
		return;
	while (!list_empty(&shelf->parsers)) {
		struct borrowed *b =
			CONTAINER_OF(shelf->parsers.next, struct borrowed, node);

		list_remove(&b->node);
		page_parser_free(b->parser);
		free(b);
	}
	alert_map_free(shelf->map);
	list_remove(&shelf->node);
	free(shelf);
}

static enum rc alert_take(void *context, struct fmt_alert *alert)
{
	struct page *page = context;

	page->counts.alerts++;
	if (!page->events.alert(page->events.context, alert))
		page->pause_wanted = true;
	/* Cancelled by it: the rest of these octets is not wanted. */
	return page->request.transfer ? RC_OK : RC_AGAIN;
}

static void parser_borrow(struct page *page)
{
	struct shelf *shelf = page->shelf;

	if (page->borrowed)
		return;
	if (list_empty(&shelf->parsers)) {
		page->borrowed = xcalloc(1, sizeof(*page->borrowed));
		list_init(&page->borrowed->node);
		page->borrowed->parser =
			page_parser_new(shelf->map, shelf->source->list_key, NULL);
	} else {
		page->borrowed =
			CONTAINER_OF(shelf->parsers.next, struct borrowed, node);
		list_remove(&page->borrowed->node);
	}
	page_parser_start(page->borrowed->parser, PAGE_ANSWER, alert_take, page);
}

static void parser_give_back(struct shelf *shelf, struct borrowed *borrowed)
{
	if (borrowed)
		list_prepend(&shelf->parsers, &borrowed->node);
}

/* What an answer means. */

static bool has(const char *text, const char *words)
{
	return strcasestr(text, words) != NULL;
}

static enum page_result forbidden(const struct page *page,
	const struct http_result *result, const struct error_answer *answer,
	struct error *err)
{
	char link[TOKEN_LINK];

	token_consent_link(page->token, link);
	if (has(answer->message, "not provisioned"))
		error_set(err, RC_AUTH,
			"%s: this tenant has no Microsoft Defender XDR (\"%.120s\"): "
			"check its "
			"licence, and have an administrator open its Defender portal "
			"once",
			page->root, answer->message);
	else if (!strcmp(answer->code, "DisabledFeature"))
		error_set(err, RC_AUTH,
			"%s: the feature is switched off in this tenant (\"%.120s\"): "
			"have its "
			"administrator enable it",
			page->root, answer->message);
	else if (has(answer->message, "roles") || has(answer->message, "permission") ||
		 token_lacks_roles(page->token))
		error_set(err, RC_AUTH,
			"%s: the app has not the permission it needs in this tenant "
			"(\"%.200s\"): add it to the app registration and have the "
			"customer's "
			"administrator consent at %.180s",
			page->root, answer->message, link);
	else
		error_set(err, RC_AUTH,
			"%s refuses access (HTTP %ld %.60s \"%.150s\"): check the "
			"app's permissions "
			"and consent at %.180s",
			page->root, result->status, answer->code, answer->message,
			link);
	return PAGE_AUTH;
}

static enum page_result refusal_judge(const struct page *page,
	const struct http_result *result, const struct error_answer *answer,
	struct error *err)
{
	long status = result->status;
	const char *dots = *answer->code ? " " : "";

	if (status >= 300 && status < 400) {
		error_set(err, RC_PROTO,
			"%s sends us elsewhere (HTTP %ld), which is never followed: "
			"check the API's "
			"address",
			page->root, status);
		return PAGE_BAD_REQUEST;
	}
	if (status == 403)
		return forbidden(page, result, answer, err);
	if (status == 401) {
		error_set(err, RC_AUTH,
			"%s does not accept a new access token either (HTTP 401%s%s "
			"\"%.250s\"): "
			"check that scope and API address belong together",
			page->root, dots, answer->code, answer->message);
		return PAGE_AUTH;
	}
	if (status == 408 || status == 429 || status >= 500) {
		error_set(err, RC_AGAIN, "%s %s (HTTP %ld%s%s \"%.250s\")", page->root,
			status == 429 ? "wants us to slow down"
				      : "cannot answer at the moment",
			status, dots, answer->code, answer->message);
		return PAGE_RETRY;
	}
	if (status < 400) {
		error_set(err, RC_PROTO,
			"%s gave only a part or no page (HTTP %ld): nothing of it "
			"counts",
			page->root, status);
		return PAGE_BAD_ANSWER;
	}
	if (status == 404)
		error_set(err, RC_PROTO,
			"%s has nothing at this address (HTTP 404%s%s \"%.250s\"): "
			"check the API's address",
			page->root, dots, answer->code, answer->message);
	else
		error_set(err, RC_PROTO,
			"%s refuses this request (HTTP %ld%s%s \"%.300s\")", page->root,
			status, dots, answer->code, answer->message);
	return PAGE_BAD_REQUEST;
}

static enum page_result refusal_outcome(
	const struct page *page, const struct http_result *result, struct error *err)
{
	struct error_answer answer;
	enum page_result outcome;
	size_t n;

	if (!error_answer_parse(page->refusal.p, page->refusal.n, &answer) &&
		!result->json)
		snprintf(answer.message, sizeof(answer.message), "no answer in JSON");
	outcome = refusal_judge(page, result, &answer, err);
	n = strlen(err->text);
	if (*answer.request_id)
		snprintf(err->text + n, sizeof(err->text) - n,
			"; for Microsoft's support: request id %s", answer.request_id);
	return outcome;
}

static bool same_origin(const char *url, const char *root)
{
	char a[HTTP_ORIGIN], b[HTTP_ORIGIN];

	return http_origin(url, strlen(url), a, sizeof(a)) &&
	       http_origin(root, strlen(root), b, sizeof(b)) && strcmp(a, b) == 0;
}

static enum page_result foreign(
	const struct page *page, const char *url, struct error *err)
{
	char origin[HTTP_ORIGIN];

	if (http_origin(url, strlen(url), origin, sizeof(origin)))
		error_set(err, RC_PROTO,
			"the next page is said to be at %s, which is not %s: refused, "
			"no token was "
			"sent there",
			origin, page->root);
	else
		error_set(err, RC_PROTO,
			"the next page of %s has no address of the form "
			"https://host/path: refused",
			page->root);
	return PAGE_FOREIGN;
}

/* The one place that decides. *next is set with PAGE_OK. */
static enum page_result page_outcome(const struct page *page,
	const struct http_result *result, const char **next, struct error *err)
{
	bool is_page = result->status == 200;

	*err = result->error;
	if (result->rc == RC_OK && is_page) {
		struct page_parser *parser = page->borrowed->parser;

		if (page_parser_finish(parser, err) != RC_OK) {
			error_wrap(err, "%s gave a broken page", page->root);
			return PAGE_BAD_ANSWER;
		}
		*next = page_parser_next_link(parser);
		if (**next && !same_origin(*next, page->root))
			return foreign(page, *next, err);
		return PAGE_OK;
	}
	if (result->status && !is_page) /* cut or not: its head says enough */
		return refusal_outcome(page, result, err);
	switch (result->rc) {
	case RC_CONFIG:
		return PAGE_BAD_REQUEST;
	case RC_PROTO:
	case RC_LIMIT:
		if (!is_page)
			return PAGE_RETRY;
		error_wrap(err, "%s gave a broken page", page->root);
		return PAGE_BAD_ANSWER;
	default:
		return PAGE_RETRY;
	}
}

/* The course of a page. */

static void work_end(struct page *page)
{
	if (page->feeding) /* the parser is on the stack: given back when it returns */
		return;
	parser_give_back(page->shelf, page->borrowed);
	page->borrowed = NULL;
	strbuf_clear(&page->refusal);
	page->refusal_bytes = 0;
}

static void send_out(struct page *page)
{
	const char *bearer;

	if (token_get(page->token, &page->waiter, &bearer) == RC_OK)
		http_start(page->http, &page->request);
}

static void ask(struct page *page)
{
	if (!budget_ask(page->budget, &page->turn))
		return;
	page->has_turn = true;
	send_out(page);
}

/* Tells the budget once what became of the turn it gave. */
static int64_t turn_end(struct page *page, enum budget_verdict verdict,
	int64_t retry_after_ms, const struct error *err)
{
	if (!page->has_turn)
		return retry_after_ms;
	page->has_turn = false;
	return budget_end(page->budget, &page->turn, verdict, retry_after_ms, err);
}

static void turn_ready(struct budget_waiter *waiter, enum rc rc, int64_t wait_ms,
	const struct error *err)
{
	struct page *page = CONTAINER_OF(waiter, struct page, turn);

	if (rc == RC_OK) {
		page->has_turn = true;
		send_out(page);
		return;
	}
	page->url = NULL;
	page->events.done(page->events.context, PAGE_AUTH, "", wait_ms, err);
}

static void token_ready(struct token_waiter *waiter, enum rc rc, int64_t retry_after_ms,
	const struct error *err)
{
	struct page *page = CONTAINER_OF(waiter, struct page, waiter);
	bool refused = rc == RC_AUTH || rc == RC_CONFIG;

	if (rc == RC_OK) {
		send_out(page);
		return;
	}
	page->url = NULL;
	retry_after_ms = turn_end(
		page, refused ? BUDGET_REFUSED : BUDGET_UNKNOWN, retry_after_ms, err);
	page->events.done(page->events.context, refused ? PAGE_AUTH : PAGE_RETRY, "",
		retry_after_ms, err);
}

/* The token is taken when the request goes out, not when it begins to wait. */
static bool page_prepare(struct http_request *request)
{
	struct page *page = CONTAINER_OF(request, struct page, request);

	if (token_get(page->token, &page->waiter, &request->bearer) != RC_OK)
		return false;
	page->token_serial = token_serial(page->token);
	page->counts.requests++;
	return true;
}

static void page_status(struct http_request *request, long status)
{
	struct page *page = CONTAINER_OF(request, struct page, request);

	if (status == 200)
		parser_borrow(page);
}

static enum rc page_body(
	struct http_request *request, const char *p, size_t n, struct error *err)
{
	struct page *page = CONTAINER_OF(request, struct page, request);
	enum rc rc;

	page->counts.bytes += n;
	if (!page->borrowed) {
		size_t room = REFUSAL_KEPT - page->refusal.n;

		strbuf_add(&page->refusal, p, n < room ? n : room);
		page->refusal_bytes += n;
		return page->refusal_bytes <= REFUSAL_MAX
			       ? RC_OK
			       : error_set(err, RC_LIMIT, "%s refuses at great length",
					 page->root);
	}
	page->feeding = true;
	rc = page_parser_feed(page->borrowed->parser, p, n, err);
	page->feeding = false;
	if (!request->transfer) { /* cancelled by alert() */
		work_end(page);
		return RC_IO;
	}
	if (rc == RC_OK && page->pause_wanted)
		rc = RC_AGAIN;
	page->pause_wanted = false;
	return rc;
}

static enum budget_verdict verdict_of(long status)
{
	switch (status) {
	case 0:
		return BUDGET_UNKNOWN;
	case 401:
		return BUDGET_REFUSED;
	case 429:
		return BUDGET_THROTTLED;
	default:
		return BUDGET_ANSWERED;
	}
}

static void page_done(struct http_request *request, const struct http_result *result)
{
	struct page *page = CONTAINER_OF(request, struct page, request);
	struct page_events events = page->events;
	struct shelf *shelf = page->shelf;
	struct borrowed *borrowed;
	struct error err;
	const char *next = "";
	enum page_result outcome;
	int64_t retry_after_ms;

	request->bearer = NULL;
	if (result->status == 429)
		page->counts.throttled++;
	if ((result->status == 401 || result->status == 403) &&
		token_serial(page->token) == page->token_serial)
		token_drop(page->token); /* 403: a new one may hold newer rights */
	if (result->status == 401 && !page->renewed) {
		page->renewed = true;
		page->counts.renewed++;
		work_end(page);
		turn_end(page, BUDGET_UNKNOWN, -1, NULL);
		ask(page);
		return;
	}
	outcome = page_outcome(page, result, &next, &err);
	if (outcome != PAGE_OK)
		next = "";
	borrowed = page->borrowed; /* next points into it */
	page->borrowed = NULL;
	page->url = NULL;
	strbuf_clear(&page->refusal);
	page->refusal_bytes = 0;
	shelf->pages++; /* done() may free the page */
	retry_after_ms = turn_end(
		page, verdict_of(result->status), result->retry_after_ms, &err);
	events.done(events.context, outcome, next, retry_after_ms, &err);
	parser_give_back(shelf, borrowed);
	shelf_put(shelf);
}

static void page_refuse(struct loop_call *call)
{
	struct page *page = CONTAINER_OF(call, struct page, refuse);
	struct error err;
	enum page_result outcome = foreign(page, page->url, &err);

	page->url = NULL;
	page->events.done(page->events.context, outcome, "", -1, &err);
}

void page_fetch(struct page *page, const char *url)
{
	if (page_busy(page))
		return;
	page->url = page->request.url = url;
	page->renewed = page->pause_wanted = false;
	if (same_origin(url, page->root))
		ask(page);
	else
		loop_defer(page->loop, &page->refuse);
}

void page_resume(struct page *page)
{
	http_resume(page->http, &page->request);
}

void page_cancel(struct page *page)
{
	page->url = NULL;
	budget_cancel(page->budget, &page->turn);
	turn_end(page, BUDGET_UNKNOWN, -1, NULL);
	token_cancel(page->token, &page->waiter);
	http_cancel(page->http, &page->request);
	loop_defer_cancel(page->loop, &page->refuse);
	work_end(page);
}

bool page_busy(const struct page *page)
{
	return page->url || page->feeding;
}

void page_counts(const struct page *page, struct page_counts *counts)
{
	*counts = page->counts;
}

struct page *page_new(struct loop *loop, struct http *http, struct token *token,
	struct budget *budget, const struct source *source, const char *root,
	const struct page_events *events)
{
	struct page *page = xcalloc(1, sizeof(*page));
	size_t count = 0;

	page->loop = loop;
	page->http = http;
	page->token = token;
	page->budget = budget;
	page->turn.ready = turn_ready;
	page->shelf = shelf_get(source);
	page->root = root;
	page->events = *events;
	page->headers[count++] = "Accept: application/json";
	for (size_t i = 0;
		source->headers && source->headers[i] && count < HTTP_HEADERS_MAX; i++)
		page->headers[count++] = source->headers[i];
	page->request = (struct http_request){.headers = page->headers,
		.lane = budget_lane(budget),
		.prepare = page_prepare,
		.status = page_status,
		.body = page_body,
		.done = page_done};
	page->waiter.ready = token_ready;
	page->refuse.run = page_refuse;
	strbuf_init(&page->refusal, REFUSAL_KEPT);
	return page;
}

void page_free(struct page *page)
{
	if (!page)
		return;
	page_cancel(page);
	shelf_put(page->shelf);
	free(page);
}
