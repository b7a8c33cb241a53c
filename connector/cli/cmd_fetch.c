#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/log.h"
#include "base/values.h"
#include "cli/cli.h"
#include "fetch/page.h"
#include "relay/message.h"
#include "relay/relay.h"
#include "relay/walk.h"

#define URL_MAX 8192
#define MESSAGE_MAX (16 * 1048576)
#define TRIES 3 /* of one page */
#define RETRY_FIRST_MS 1000
#define RETRY_CAP_MS 30000
#define SLICE (86400 * TICKS_PER_S)
#define SINCE_DEFAULT_MS INT64_C(86400000)

struct fetch {
	/* As the options say. */
	const char *config_path, *tenant_key, *source_name, *format;
	int64_t since, until; /* ticks */
	int64_t limit; /* 0: none */
	bool raw;
	/* What that means. */
	const struct config *config;
	const struct config_tenant *tenant;
	const struct source *source;
	struct destination_options format_options;
	struct strbuf message;
	/* The course of it. */
	struct loop *loop;
	struct page *page;
	struct loop_timer again;
	int64_t slice_from, slice_until;
	uint64_t slice_rows; /* read of this slice; PAGING_SKIP goes on there */
	char *url;
	unsigned failures; /* of this page */
	uint64_t page_rows, page_rows_before; /* read of it now, and by earlier tries */
	struct circle links, contents; /* of the pages of this slice */
	uint64_t digest; /* of the ids of this page */
	unsigned empty_pages; /* in a row */
	uint64_t shown, rejected;
	bool over;
	enum rc rc;
	struct error err;
};

static void end(struct fetch *fetch, enum rc rc, const struct error *err)
{
	fetch->rc = rc;
	if (rc != RC_OK)
		fetch->err = *err;
	fetch->over = true;
	loop_stop(fetch->loop);
}

/* JSON has line ends only between its tokens. */
static void print_raw(struct fmt_str raw)
{
	for (size_t i = 0, n; i < raw.n; i += n + 1) {
		const char *p = raw.p + i;

		for (n = 0; i + n < raw.n && p[n] != '\n' && p[n] != '\r'; n++)
			;
		fwrite(p, 1, n, stdout);
		if (i + n < raw.n)
			putchar(' ');
	}
	putchar('\n');
}

static void print_message(struct fetch *fetch, struct fmt_alert *alert)
{
	struct message message;
	struct error err = {0};
	char id[120];

	message_prepare(alert, fetch->tenant, alert_version(alert, ALERT_POLICY_STATUS),
		&message);
	strbuf_reset(&fetch->message);
	if (destination_render(&fetch->format_options, alert, &message.fields, false,
		    &clock_system, &fetch->message, &err) != RC_OK) {
		fprintf(stderr, "alertrelay fetch: tenant %s: alert %s: %s\n",
			fetch->tenant->key,
			log_quote(id, sizeof(id), alert->id.p, alert->id.n), err.text);
		fetch->rejected++;
		return;
	}
	fwrite(fetch->message.p, 1, fetch->message.n, stdout);
	putchar('\n');
}

static bool is_enough(const struct fetch *fetch)
{
	return (fetch->limit && fetch->shown >= (uint64_t)fetch->limit) ||
	       ferror(stdout);
}

static bool on_alert(void *context, struct fmt_alert *alert)
{
	struct fetch *fetch = context;

	fetch->digest = circle_hash(fetch->digest, alert->id.p, alert->id.n);
	/* A page that is read again begins with what was shown. */
	if (fetch->page_rows++ < fetch->page_rows_before || fetch->over)
		return true;
	if (source_is_row(fetch->source, alert))
		fetch->slice_rows++;
	if (fetch->raw)
		print_raw(alert->raw);
	else
		print_message(fetch, alert);
	fetch->shown++;
	if (is_enough(fetch)) {
		end(fetch, RC_OK, NULL);
		page_cancel(fetch->page);
	}
	return true;
}

static void page_ask(struct fetch *fetch, const char *url, size_t n)
{
	char *copy = xstrndup(url, n);

	free(fetch->url);
	fetch->url = copy;
	fetch->failures = 0;
	fetch->page_rows = fetch->page_rows_before = 0;
	fetch->digest = CIRCLE_HASH;
	page_fetch(fetch->page, fetch->url);
}

static void slice_ask(struct fetch *fetch)
{
	const struct source_range range = {.from = fetch->slice_from,
		.to = fetch->slice_until,
		.skip = fetch->slice_rows};
	struct error err = {0};
	struct strbuf url;
	enum rc rc;

	strbuf_init(&url, URL_MAX);
	rc = fetch->source->first_url(fetch->source,
		fetch->tenant->apis[fetch->source->api].root, &range, &url, &err);
	if (rc == RC_OK)
		page_ask(fetch, url.p, url.n);
	else
		end(fetch, rc, &err);
	strbuf_clear(&url);
}

/* A long range has too many pages for one query (facts 2.4). */
static void slice_begin(struct fetch *fetch, int64_t from)
{
	if (from >= fetch->until) {
		end(fetch, RC_OK, NULL);
		return;
	}
	fetch->slice_from = from;
	fetch->slice_until = fetch->until - from < SLICE ? fetch->until : from + SLICE;
	fetch->slice_rows = 0;
	circle_init(&fetch->links);
	circle_init(&fetch->contents);
	fetch->empty_pages = 0;
	slice_ask(fetch);
}

static void on_again(struct loop_timer *timer)
{
	struct fetch *fetch = CONTAINER_OF(timer, struct fetch, again);

	page_fetch(fetch->page, fetch->url);
}

static void try_again(struct fetch *fetch, int64_t wait_ms, const struct error *err)
{
	if (++fetch->failures >= TRIES) {
		end(fetch, err->code, err);
		return;
	}
	if (fetch->page_rows > fetch->page_rows_before)
		fetch->page_rows_before = fetch->page_rows;
	fetch->page_rows = 0;
	fetch->digest = CIRCLE_HASH;
	if (wait_ms < 0)
		wait_ms = backoff_ms(
			fetch->loop, fetch->failures, RETRY_FIRST_MS, RETRY_CAP_MS);
	fflush(stdout);
	fprintf(stderr,
		"alertrelay fetch: tenant %s: %s; trying again in %" PRId64 " s\n",
		fetch->tenant->key, err->text, (wait_ms + 999) / 1000);
	loop_timer_set(fetch->loop, &fetch->again, loop_now_ms(fetch->loop) + wait_ms);
}

/* The pages after this one lead back to one before, or nowhere. */
static bool runs_in_circle(struct fetch *fetch, const char *next)
{
	fetch->empty_pages = fetch->page_rows ? 0 : fetch->empty_pages + 1;
	return (next[0] &&
		       (!strcmp(next, fetch->url) ||
			       circle_step(&fetch->links, circle_hash(CIRCLE_HASH, next,
								  strlen(next))))) ||
	       (fetch->page_rows && circle_step(&fetch->contents, fetch->digest)) ||
	       fetch->empty_pages > CIRCLE_EMPTY_PAGES;
}

static void on_done(void *context, enum page_result result, const char *next,
	int64_t retry_after_ms, const struct error *err)
{
	struct fetch *fetch = context;
	bool skips = fetch->source->paging == PAGING_SKIP && fetch->page_rows;
	struct error own;

	if (fetch->over)
		return;
	/* A wait that is no backoff of ours, after nonsense: somebody must mend the login address. */
	if (result == PAGE_RETRY && err->code == RC_PROTO && retry_after_ms >= 0) {
		end(fetch, err->code, err);
	} else if (result == PAGE_RETRY || result == PAGE_BAD_ANSWER) {
		try_again(fetch, retry_after_ms, err);
	} else if (result != PAGE_OK) {
		end(fetch, err->code, err);
	} else if ((next[0] || skips) && runs_in_circle(fetch, next)) {
		error_set(&own, RC_PROTO,
			"the pages of %s run in a circle; with --since and --until "
			"closer together there are fewer of them",
			fetch->tenant->apis[fetch->source->api].root);
		end(fetch, RC_PROTO, &own);
	} else if (next[0]) {
		page_ask(fetch, next, strlen(next));
	} else if (skips) {
		slice_ask(fetch);
	} else {
		slice_begin(fetch, fetch->slice_until);
	}
}

/* Signing in and the budget are the daemon's, but for this command alone. */
static enum rc ask_all(struct fetch *fetch, struct http *http, struct error *err)
{
	const struct config_tenant *tenant = fetch->tenant;
	const struct page_events events = {on_alert, on_done, fetch};
	const struct config_api *api = &tenant->apis[fetch->source->api];
	struct token_options options;
	struct token *token;
	struct credential *credential = credential_new(
		fetch->loop, http, &fetch->config->credentials[tenant->credential]);
	struct budget *budget = budget_new(fetch->loop, fetch->source->api, tenant->key,
		fetch->config->request_percent);
	enum rc rc;

	relay_token_options(tenant, fetch->source, credential, &options);
	token = token_new(fetch->loop, http, &options);
	fetch->page = page_new(
		fetch->loop, http, token, budget, fetch->source, api->root, &events);
	fetch->again.fire = on_again;
	slice_begin(fetch, fetch->since);
	rc = fetch->over ? RC_OK : loop_run(fetch->loop, err);
	if (rc == RC_OK && fetch->rc != RC_OK) {
		*err = fetch->err;
		rc = fetch->rc;
	}
	loop_timer_stop(fetch->loop, &fetch->again);
	page_free(fetch->page);
	token_free(token);
	credential_free(credential);
	budget_free(budget);
	free(fetch->url);
	return rc;
}

static int fetch_tenant(struct fetch *fetch)
{
	struct http *http = NULL;
	struct error err = {0};
	enum rc rc;

	fetch->loop = loop_new(&clock_system);
	strbuf_init(&fetch->message, MESSAGE_MAX);
	rc = relay_open_http(fetch->loop, fetch->config, &http, &err);
	if (rc == RC_OK)
		rc = ask_all(fetch, http, &err);
	http_free(http);
	loop_free(fetch->loop);
	strbuf_clear(&fetch->message);
	fflush(stdout); /* what is said comes after what was shown */
	if (rc != RC_OK)
		fprintf(stderr,
			"alertrelay fetch: tenant %s: %s (%" PRIu64 " shown before)\n",
			fetch->tenant->key, err.text, fetch->shown);
	else if (!fetch->shown)
		fprintf(stderr,
			"alertrelay fetch: tenant %s has no alert in this time\n",
			fetch->tenant->key);
	return rc == RC_OK && !fetch->rejected ? EXIT_DONE : EXIT_INCOMPLETE;
}

static int fetch_run(const struct cli_command *command, int argc, char **argv)
{
	int64_t now = clock_wall(&clock_system);
	struct fetch fetch = {.config_path = CLI_CONFIG_DEFAULT,
		.since = now - SINCE_DEFAULT_MS * TICKS_PER_MS,
		.until = now};
	const struct cli_option options[] = {
		{"config", 'c', "FILE", CLI_TEXT, &fetch.config_path, CLI_CONFIG_HELP},
		{"source", 0, "NAME", CLI_SOURCE, &fetch.source_name,
			"the API to ask; default: that of the tenant's first feed"},
		{"since", 0, "TIME", CLI_MOMENT, &fetch.since,
			"updated at this time or later; default 24h"},
		{"until", 0, "TIME", CLI_MOMENT, &fetch.until,
			"updated before this time; default now"},
		{"raw", 0, NULL, CLI_FLAG, &fetch.raw,
			"the JSON of each alert as it came, one a line"},
		{"format", 0, "NAME", CLI_TEXT, &fetch.format,
			"the formatter, as of preview; default cef"},
		{"limit", 0, "N", CLI_COUNT, &fetch.limit, "end after so many alerts"},
		{0},
	};
	struct config *config;
	struct error err;
	int status = cli_options(command, argc, argv, options, &fetch.tenant_key);

	if (status != EXIT_NOT_YET)
		return status;
	if (!fetch.tenant_key)
		return cli_wrong(command, "say which TENANT, by its key in %s",
			fetch.config_path);
	if (fetch.raw && fetch.format)
		return cli_wrong(command, "--raw and --format exclude each other");
	if (fetch.since >= fetch.until)
		return cli_wrong(command, "--since must be before --until");
	cli_protect_memory();
	config = cli_config(command, fetch.config_path);
	if (!config)
		return EXIT_USAGE;
	log_set_level(LOG_ERR);
	destination_options_default(&fetch.format_options);
	fetch.format_options.formatters = config->formatters;
	if (fetch.format) {
		fetch.format_options.format = fetch.format;
		status = cli_format(command, config->formatters, fetch.format);
		if (status != EXIT_NOT_YET) {
			config_free(config);
			return status;
		}
	}
	fetch.config = config;
	fetch.tenant = config_find_tenant(config, fetch.tenant_key, &err);
	if (fetch.tenant && !fetch.source_name)
		fetch.source_name = fetch.tenant->feeds[0].source;
	if (fetch.source_name)
		fetch.source = source_find(fetch.source_name);
	if (fetch.tenant && !fetch.tenant->apis[fetch.source->api].root) {
		error_set(&err, RC_CONFIG, "tenant %s, source %s: %s", fetch.tenant_key,
			fetch.source_name,
			fetch.tenant->cloud->apis[fetch.source->api].none);
		fetch.tenant = NULL;
	}
	status = fetch.tenant
			 ? fetch_tenant(&fetch)
			 : cli_wrong(command, "%s: %s", fetch.config_path, err.text);
	config_free(config);
	return status;
}

const struct cli_command cli_fetch = {
	.name = "fetch",
	.arguments = "TENANT [-c FILE] [OPTION...]",
	.summary = "print the alerts that Microsoft has of a tenant; touches no state",
	.help = "Asks Microsoft for the alerts of one tenant and prints one message a "
		"line. TIME is\n"
		"as 2026-01-05T09:00:00Z, or how long before now, as 2h or 30d. Says "
		"what "
		"is wrong\n"
		"with sign-in, consent or network, and exits with 1 then. Forwards "
		"nothing.\n"
		"An incident and its alerts have a line each.\n",
	.run = fetch_run,
};
