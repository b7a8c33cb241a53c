/* test_page.c - pages, refusals and foreign links against an API of this process. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libfastjson/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "fetch/page.h"
#include "login_help.h"
#include "sample.h"

struct feed {
	struct page *page;
	struct budget *budget;
	unsigned alerts, dones, stop_after, cancel_after;
	bool paused, refetch;
	char ids[64][80];
	enum page_result result;
	char next[500];
	int64_t retry_after_ms;
	struct error err;
};

struct fixture {
	struct login login;
	struct server *other;
	struct feed feed;
	char url[200];
	/* what the server does besides, under its lock */
	unsigned tokens, api_requests,
		accepted; /* accepted: only tokens from this number on */
	size_t cut;
	char prefer[100], accept[100];
};

static void handle(struct exchange *x, void *context)
{
	struct fixture *f = context;
	char text[300];

	server_lock(x->server);
	if (strstr(x->path, "/oauth2/v2.0/token")) {
		snprintf(text, sizeof(text),
			"{\"access_token\":\"T0k%u\",\"expires_in\":3600}",
			++f->tokens);
		exchange_reply(x, 200, "", text, strlen(text));
	} else {
		unsigned number = 0;

		f->api_requests++;
		snprintf(f->prefer, sizeof(f->prefer), "%.90s",
			exchange_header(x, "Prefer"));
		snprintf(f->accept, sizeof(f->accept), "%.90s",
			exchange_header(x, "Accept"));
		sscanf(exchange_header(x, "Authorization"), "Bearer T0k%u", &number);
		if (number == 0 || number < f->accepted) {
			exchange_reply(x, 401, "", "", 0);
		} else if (f->cut) {
			int n = snprintf(text, sizeof(text),
				"HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
				f->login.body.n);

			exchange_send(x, text, (size_t)n);
			exchange_send(x, f->login.body.p, f->cut);
			x->close = true;
		} else {
			exchange_reply(x, f->login.status, f->login.headers,
				f->login.body.p, f->login.body.n);
		}
	}
	server_unlock(x->server);
}

/* The host of a stranger: nothing may come here. */
static void never(struct exchange *x, void *context)
{
	(void)context;
	exchange_reply(x, 200, "", "{\"value\":[]}", 12);
}

static void says(struct fixture *f, int status, const char *headers, const char *body)
{
	server_lock(f->login.server);
	f->cut = 0;
	server_unlock(f->login.server);
	login_says(&f->login, status, headers, body);
}

static bool feed_alert(void *context, struct fmt_alert *alert)
{
	struct feed *feed = context;

	if (feed->alerts < 64)
		snprintf(feed->ids[feed->alerts], 80, "%.*s", (int)alert->id.n,
			alert->id.p);
	feed->alerts++;
	if (feed->cancel_after && feed->alerts == feed->cancel_after)
		page_cancel(feed->page);
	if (feed->stop_after && feed->alerts % feed->stop_after == 0)
		feed->paused = true;
	return !feed->paused;
}

static void feed_done(void *context, enum page_result result, const char *next,
	int64_t retry_after_ms, const struct error *err)
{
	struct feed *feed = context;

	feed->dones++;
	feed->result = result;
	feed->retry_after_ms = retry_after_ms;
	feed->err = *err;
	snprintf(feed->next, sizeof(feed->next), "%s", next);
	if (feed->refetch && result == PAGE_OK && *next) {
		assert_false(page_busy(feed->page));
		page_fetch(feed->page, feed->next);
		assert_string_equal(feed->next, next);
	}
}

/* With a new budget, which knows of no throttling. */
static void new_page(struct fixture *f)
{
	struct page_events events = {
		.alert = feed_alert, .done = feed_done, .context = &f->feed};

	page_free(f->feed.page);
	budget_free(f->feed.budget);
	f->feed.budget = budget_new(f->login.loop, API_GRAPH, "contoso", 10000);
	f->feed.page =
		page_new(f->login.loop, f->login.http, f->login.token, f->feed.budget,
			&source_graph_alerts, server_root(f->login.server), &events);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	login_open(&f->login, &clock_system, "s", 1000, handle, f);
	f->other = server_new(NULL, never, f);
	new_page(f);
	snprintf(f->url, sizeof(f->url), "%s/v1.0/security/alerts_v2?$top=5",
		server_root(f->login.server));
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	page_free(f->feed.page);
	budget_free(f->feed.budget);
	login_close(&f->login);
	server_free(f->other);
	free(f);
	return 0;
}

static void feed_reset(struct feed *feed)
{
	*feed = (struct feed){.page = feed->page, .budget = feed->budget};
}

static void turns(struct fixture *f, unsigned dones)
{
	int64_t end = loop_now_ms(f->login.loop) + 8000;
	struct error err;

	while (f->feed.dones < dones && loop_now_ms(f->login.loop) < end)
		assert_int_equal(loop_turn(f->login.loop, 20, &err), RC_OK);
	assert_int_equal(f->feed.dones, dones);
}

static void fetch(struct fixture *f, const char *url)
{
	feed_reset(&f->feed);
	page_fetch(f->feed.page, url);
	assert_true(page_busy(f->feed.page));
	assert_int_equal(f->feed.dones, 0);
	turns(f, 1);
	assert_false(page_busy(f->feed.page));
}

static void expect(struct fixture *f, enum page_result result, const char *words)
{
	if (f->feed.result != result || !strstr(f->feed.err.text, words))
		fail_msg("%d %s", f->feed.result, f->feed.err.text);
	assert_null(strstr(f->feed.err.text, "T0k"));
	assert_string_equal(f->feed.next, "");
}

/* A page of n alerts of about `size` octets and the given next link ("" none). */
static void says_page(struct fixture *f, unsigned n, size_t size, const char *next)
{
	char *filler = malloc(size + 1);

	memset(filler, 'f', size);
	filler[size] = '\0';
	server_lock(f->login.server);
	f->login.status = 200;
	f->cut = 0;
	snprintf(f->login.headers, sizeof(f->login.headers),
		"Content-Type: application/json\r\n");
	strbuf_reset(&f->login.body);
	strbuf_adds(&f->login.body, "{\"value\":[");
	for (unsigned i = 0; i < n; i++)
		strbuf_addf(&f->login.body,
			"%s{\"id\":\"id%u\",\"title\":\"t\",\"description\":\"%s\","
			"\"lastUpdateDateTime\":\"2026-01-05T09:31:12Z\"}",
			i ? "," : "", i, filler);
	strbuf_addf(&f->login.body, "]%s%s%s}", *next ? ",\"@odata.nextLink\":\"" : "",
		next, *next ? "\"" : "");
	server_unlock(f->login.server);
	free(filler);
}

static void gives_alerts(void **state)
{
	struct fixture *f = *state;
	struct page_counts counts;
	char next[300];

	login_says_sample(&f->login, "graph-alerts_v2.json");
	fetch(f, f->url);
	assert_int_equal(f->feed.result, PAGE_OK);
	assert_int_equal(f->feed.alerts, 9);
	assert_string_equal(f->feed.next, "");
	assert_string_equal(f->prefer, "include-unknown-enum-members");
	assert_string_equal(f->accept, "application/json");

	says_page(f, 0, 10, "");
	fetch(f, f->url);
	assert_int_equal(f->feed.result, PAGE_OK);
	assert_int_equal(f->feed.alerts, 0);

	/* The next page is asked from inside done(). */
	snprintf(next, sizeof(next), "%s/v1.0/security/alerts_v2?$skip=5",
		server_root(f->login.server));
	says_page(f, 3, 10, next);
	feed_reset(&f->feed);
	f->feed.refetch = true;
	page_fetch(f->feed.page, f->url);
	turns(f, 1);
	assert_string_equal(f->feed.next, next);
	says_page(f, 2, 10, "");
	turns(f, 2);
	assert_int_equal(f->feed.result, PAGE_OK);

	page_counts(f->feed.page, &counts);
	assert_int_equal(counts.requests, 4);
	assert_int_equal(counts.renewed, 0);
	assert_int_equal(f->tokens, 1);
	assert_int_equal(server_connections(f->login.server), 1);
}

static void foreign_links(void **state)
{
	struct fixture *f = *state;
	char next[300];
	const char *const bad[] = {
		"/v1.0/security/alerts_v2?$skip=5", "ftp://x/", "next"};

	snprintf(next, sizeof(next), "%s/v1.0/security/alerts_v2",
		server_root(f->other));
	says_page(f, 3, 10, next);
	fetch(f, f->url);
	assert_int_equal(f->feed.alerts, 3);
	expect(f, PAGE_FOREIGN, server_root(f->other));
	/* A cursor that was stored, or a configuration, must not do it either. */
	fetch(f, next);
	expect(f, PAGE_FOREIGN, server_root(f->other));
	snprintf(next, sizeof(next), "%.4ss%s/x", server_root(f->login.server),
		server_root(f->login.server) + 4);
	fetch(f, next);
	expect(f, PAGE_FOREIGN, "refused");
	snprintf(next, sizeof(next), "http://a:b@%s/x",
		server_root(f->login.server) + 7);
	fetch(f, next);
	expect(f, PAGE_FOREIGN, "refused");
	for (size_t i = 0; i < 3; i++) {
		says_page(f, 1, 10, bad[i]);
		fetch(f, f->url);
		expect(f, PAGE_FOREIGN, "no address");
	}
	assert_int_equal(server_requests(f->other), 0);

	/* Nor a redirect. */
	snprintf(next, sizeof(next), "Location: %s/x\r\n", server_root(f->other));
	says(f, 302, next, "");
	fetch(f, f->url);
	expect(f, PAGE_BAD_REQUEST, "never followed");
	assert_int_equal(server_connections(f->other), 0);
}

static void renewal(void **state)
{
	struct fixture *f = *state;
	struct page_counts counts;

	says_page(f, 2, 10, "");
	fetch(f, f->url);
	f->accepted = 2;
	fetch(f, f->url);
	assert_int_equal(f->feed.result, PAGE_OK);
	assert_int_equal(f->feed.alerts, 2);
	assert_int_equal(f->tokens, 2);
	/* No token is good: one renewal, then an operator. */
	f->accepted = 1000;
	fetch(f, f->url);
	expect(f, PAGE_AUTH, "a new access token");
	assert_int_equal(f->tokens, 3);
	assert_int_equal(f->api_requests, 5);
	page_counts(f->feed.page, &counts);
	assert_int_equal(counts.renewed, 2);
}

#define BACKOFF INT64_MAX /* of the budget, which has jitter */

static bool waits(const struct fixture *f, int64_t retry_after_ms)
{
	if (retry_after_ms != BACKOFF)
		return f->feed.retry_after_ms == retry_after_ms;
	return f->feed.retry_after_ms > 0 && f->feed.retry_after_ms <= 2000;
}

static void sample_errors(void **state)
{
	static const struct {
		const char *name;
		enum page_result result;
		int64_t retry_after_ms;
		const char *words;
	} rows[] = {
		{"graph-429-decimal-retry-after", PAGE_RETRY, 3000, "slow down"},
		{"graph-429-no-retry-after", PAGE_RETRY, BACKOFF, "Too many requests."},
		{"graph-400-incidents-top", PAGE_BAD_REQUEST, -1, "The limit of '50'"},
		{"graph-401-expired", PAGE_AUTH, -1,
			"; for Microsoft's support: request id 1740feb8-"},
		{"graph-403-missing-roles", PAGE_AUTH, -1,
			"consent at http://127.0.0.1"},
		{"graph-403-not-provisioned", PAGE_AUTH, -1,
			"no Microsoft Defender XDR"},
		{"graph-500", PAGE_RETRY, -1, "An error occurred."},
		{"graph-503", PAGE_RETRY, 30000, "HTTP 503"},
		{"graph-504-html", PAGE_RETRY, -1, "no answer in JSON"},
		{"legacy-graph-206-warning", PAGE_BAD_ANSWER, -1, "only a part"},
		{"mde-400-odata", PAGE_BAD_REQUEST, -1, "Could not find a property"},
		{"mde-401", PAGE_AUTH, -1, "support: request id 43f4cb08-"},
		{"mde-403-permission", PAGE_AUTH, -1, "Alert.Read.All"},
		{"mde-403-disabled-feature", PAGE_AUTH, -1, "switched off"},
		{"mde-429", PAGE_RETRY, 37000, "HTTP 429"},
		{"mde-500-empty-message", PAGE_RETRY, -1, "InternalServerError"},
		{"m365d-404", PAGE_BAD_REQUEST, -1, "ResourceNotFound"},
	};
	struct fixture *f = *state;
	size_t count = sizeof(rows) / sizeof(rows[0]);
	struct fjson_object *top, *cases;
	struct strbuf text;

	sample_read("http-errors.json", &text);
	top = fjson_tokener_parse(text.p);
	assert_true(fjson_object_object_get_ex(top, "cases", &cases));
	assert_int_equal(fjson_object_array_length(cases), count);
	for (size_t i = 0; i < count; i++) {
		struct fjson_object *row = fjson_object_array_get_idx(cases, (int)i);
		struct fjson_object *name;

		fjson_object_object_get_ex(row, "name", &name);
		assert_string_equal(fjson_object_get_string(name), rows[i].name);
		login_says_case(&f->login, row);
		new_page(f);
		fetch(f, f->url);
		if (f->feed.result != rows[i].result ||
			!waits(f, rows[i].retry_after_ms) ||
			!strstr(f->feed.err.text, rows[i].words) || f->feed.alerts)
			fail_msg("%s: %d %lld %s", rows[i].name, f->feed.result,
				(long long)f->feed.retry_after_ms, f->feed.err.text);
		if (getenv("SHOW"))
			print_message("# %s\n", f->feed.err.text);
	}
	fjson_object_put(top);
	strbuf_clear(&text);
}

static void broken_pages(void **state)
{
	static const char *const bodies[] = {"", "{", "{\"value\":[{\"id\":\"a\"}",
		"<html></html>", "{\"value\":7}", "{}", "nothing", "{\"value\":[]} {"};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		says(f, 200, "", bodies[i]);
		fetch(f, f->url);
		expect(f, PAGE_BAD_ANSWER, "broken page");
	}
	/* Cut by the network, before and after the first octet of the body. */
	says_page(f, 50, 2000, "");
	f->cut = 60000;
	fetch(f, f->url);
	expect(f, PAGE_BAD_ANSWER, "cut after 60000 octets");
	assert_true(f->feed.alerts > 20);
	/* And the page is as good as ever afterwards. */
	f->cut = 0;
	fetch(f, f->url);
	assert_int_equal(f->feed.result, PAGE_OK);
	assert_int_equal(f->feed.alerts, 50);
	says(f, 204, "", "");
	fetch(f, f->url);
	expect(f, PAGE_BAD_ANSWER, "HTTP 204");
	/* A refusal without end. */
	says_page(f, 2000, 2000, "");
	f->login.status = 404;
	fetch(f, f->url);
	expect(f, PAGE_BAD_REQUEST, "HTTP 404");
}

static void pausing(void **state)
{
	struct fixture *f = *state;
	struct error err;
	unsigned pauses = 0;

	says_page(f, 60, 20000, "");
	feed_reset(&f->feed);
	f->feed.stop_after = 7;
	page_fetch(f->feed.page, f->url);
	while (!f->feed.dones) {
		assert_int_equal(loop_turn(f->login.loop, 10, &err), RC_OK);
		if (!f->feed.paused)
			continue;
		if (!pauses++) { /* longer than the stall timeout: nothing comes, nothing ends */
			unsigned alerts = f->feed.alerts;

			for (int64_t end = loop_now_ms(f->login.loop) + 1500;
				loop_now_ms(f->login.loop) < end;)
				assert_int_equal(
					loop_turn(f->login.loop, 20, &err), RC_OK);
			assert_int_equal(f->feed.alerts, alerts);
			assert_int_equal(f->feed.dones, 0);
		}
		f->feed.paused = false;
		page_resume(f->feed.page);
	}
	assert_int_equal(f->feed.result, PAGE_OK);
	assert_int_equal(f->feed.alerts, 60);
	assert_true(pauses >= 8);
	for (unsigned i = 0; i < 60; i++) {
		char id[20];

		snprintf(id, sizeof(id), "id%u", i);
		assert_string_equal(f->feed.ids[i], id);
	}
}

static void cancelling(void **state)
{
	struct fixture *f = *state;
	struct error err;

	says_page(f, 60, 20000, "");
	/* In alert(). */
	feed_reset(&f->feed);
	f->feed.cancel_after = 3;
	page_fetch(f->feed.page, f->url);
	for (int i = 0; i < 30; i++)
		assert_int_equal(loop_turn(f->login.loop, 10, &err), RC_OK);
	assert_int_equal(f->feed.alerts, 3);
	assert_int_equal(f->feed.dones, 0);
	assert_false(page_busy(f->feed.page));
	/* Turn by turn, from before there is a token. */
	for (int turn = 0; turn < 20; turn++) {
		feed_reset(&f->feed);
		f->feed.stop_after = 10;
		if (turn % 3 == 0)
			token_drop(f->login.token);
		page_fetch(f->feed.page, f->url);
		for (int i = 0; i < turn; i++)
			assert_int_equal(loop_turn(f->login.loop, 2, &err), RC_OK);
		page_cancel(f->feed.page);
		f->feed.dones = 0;
		assert_int_equal(loop_turn(f->login.loop, 0, &err), RC_OK);
		assert_int_equal(f->feed.dones, 0);
	}
	says_page(f, 5, 100, "");
	fetch(f, f->url);
	assert_int_equal(f->feed.result, PAGE_OK);
	assert_int_equal(f->feed.alerts, 5);
}

static void login_fails(void **state)
{
	struct fixture *f = *state;

	f->login.options.login_root = "http://127.0.0.1:1";
	login_token(&f->login);
	new_page(f);
	fetch(f, f->url);
	expect(f, PAGE_RETRY, "cannot sign in at tenant");
	assert_int_equal(f->feed.retry_after_ms, 5000);
	assert_int_equal(f->api_requests, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(gives_alerts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(foreign_links, set_up, tear_down),
		cmocka_unit_test_setup_teardown(renewal, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sample_errors, set_up, tear_down),
		cmocka_unit_test_setup_teardown(broken_pages, set_up, tear_down),
		cmocka_unit_test_setup_teardown(pausing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(cancelling, set_up, tear_down),
		cmocka_unit_test_setup_teardown(login_fails, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
