#include "config.h"

#include "relay/relay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "fetch/source.h"

#define STOP_GRACE_MS 1000
#define CHECK_MS 1000
#define CLOSE_MS 5 /* between two looks at destinations that end */
#define PRUNE_MS (60 * 60 * 1000)
#define PRUNE_ROWS 1000
/* First passes are spread so that a start does not ask for all tenants in one second. */
#define SPREAD_MS_PER_FEED 5

struct relay {
	struct feed_host host;
	const struct config *config;
	struct relay_options options;
	struct loop *loop;
	struct credential **credentials; /* as config->credentials */
	struct token **tokens; /* one a tenant and API family, where it is used */
	struct budget **budgets; /* one a tenant and API family, where it is used */
	struct feed **feeds;
	size_t feed_count, finished;
	struct loop_timer check_timer, prune_timer;
	struct loop_call done_call;
	bool stopping, done_said, broken;
	int64_t stop_by_ms;
};

static void say_done(struct relay *relay)
{
	if (relay->done_said)
		return;
	relay->done_said = true;
	loop_timer_set(relay->loop, &relay->check_timer, loop_now_ms(relay->loop));
}

static bool all_closed(struct relay *relay)
{
	bool closed = true;

	for (size_t i = 0; i < relay->config->destination_count; i++)
		if (!destination_close(relay->host.destinations[i]))
			closed = false;
	return closed;
}

static void on_done(struct loop_call *call)
{
	struct relay *relay = CONTAINER_OF(call, struct relay, done_call);

	relay->options.done(relay->options.context);
}

static void on_finished(struct feed_host *host, struct feed *feed)
{
	struct relay *relay = CONTAINER_OF(host, struct relay, host);

	(void)feed;
	if (++relay->finished == relay->feed_count)
		say_done(relay);
}

static void on_report(void *context, void *ticket, enum delivery result)
{
	(void)context;
	if (result == DELIVERY_CONFIRMED)
		window_confirm(ticket);
	else
		window_refuse(ticket);
}

static bool all_idle(const struct relay *relay)
{
	for (size_t i = 0; i < relay->feed_count; i++)
		if (!feed_idle(relay->feeds[i]))
			return false;
	return true;
}

/* Received must equal what became of it: a difference is a bug, and said so each hour. */
static void check_sums(const struct relay *relay)
{
	for (size_t i = 0; i < relay->feed_count; i++) {
		struct feed_counts c;

		feed_counts(relay->feeds[i], &c);
		if (c.received != c.duplicate + c.filtered + c.confirmed + c.rejected +
					  c.in_window)
			log_write(LOG_ERR,
				"the sums of a feed do not agree; this is a bug",
				"tenant=%s received=%" PRIu64 " duplicate=%" PRIu64
				" filtered=%" PRIu64 " confirmed=%" PRIu64
				" rejected=%" PRIu64 " in_window=%" PRIu64,
				feed_tenant(relay->feeds[i])->key, c.received,
				c.duplicate, c.filtered, c.confirmed, c.rejected,
				c.in_window);
	}
}

static void on_check(struct loop_timer *timer)
{
	struct relay *relay = CONTAINER_OF(timer, struct relay, check_timer);
	int64_t now = loop_now_ms(relay->loop);

	if (relay->done_said) {
		if (all_closed(relay))
			loop_defer(relay->loop, &relay->done_call);
		else
			loop_timer_set(relay->loop, timer, now + CLOSE_MS);
		return;
	}
	if (relay->stopping) {
		if (all_idle(relay) || now >= relay->stop_by_ms) {
			say_done(relay);
			return;
		}
		loop_timer_set(relay->loop, timer, now + 20);
		return;
	}
	if (relay->options.once && now - window_progress_ms(relay->host.window) >
					   relay->options.give_up_ms) {
		say_done(relay);
		return;
	}
	/* A damaged state cannot be mended in place; the next start moves it aside. */
	if (store_damaged(relay->host.store)) {
		log_write(LOG_CRIT,
			"the state is damaged: ending, to begin anew when started "
			"again",
			"state=%s", relay->config->state_file);
		relay->broken = true;
		say_done(relay);
		return;
	}
	loop_timer_set(relay->loop, timer, now + CHECK_MS);
}

static void on_prune(struct loop_timer *timer)
{
	struct relay *relay = CONTAINER_OF(timer, struct relay, prune_timer);
	int64_t before = clock_wall(loop_clock(relay->loop)) -
			 relay->config->state_keep_ms * TICKS_PER_MS;
	struct error err = {0};
	bool more = false;

	if (store_prune(relay->host.store, before, PRUNE_ROWS, &more, &err) != RC_OK)
		log_write(LOG_WARNING, "cannot tidy the state", "reason=\"%s\"",
			err.text);
	if (!more)
		check_sums(relay);
	loop_timer_set(
		relay->loop, timer, loop_now_ms(relay->loop) + (more ? 100 : PRUNE_MS));
}

static enum rc open_store(struct relay *relay, struct error *err)
{
	enum rc rc = RC_OK;

	if (relay->config->state_file[0])
		rc = store_open_sqlite(relay->config->state_file,
			loop_clock(relay->loop), &relay->host.store, err);
	else
		relay->host.store = store_open_memory();
	if (rc == RC_OK && store_recovered(relay->host.store))
		log_write(LOG_ERR, store_recovered(relay->host.store), "state=%s",
			relay->config->state_file);
	return rc;
}

static enum rc open_destinations(struct relay *relay, struct error *err)
{
	const struct destination_events events = {on_report, relay};

	relay->host.destinations =
		xcalloc(relay->config->destination_count, sizeof(struct destination *));
	for (size_t i = 0; i < relay->config->destination_count; i++) {
		enum rc rc =
			destination_new(relay->loop, &relay->config->destinations[i],
				&events, &relay->host.destinations[i], err);

		if (rc != RC_OK)
			return error_wrap(err, "destination %s",
				relay->config->destinations[i].name);
	}
	return RC_OK;
}

void relay_token_options(const struct config_tenant *tenant,
	const struct source *source, struct credential *credential,
	struct token_options *options)
{
	const struct config_api *api = &tenant->apis[source->api];

	*options = (struct token_options){
		.login_root = tenant->login_root,
		.tenant_id = tenant->tenant_id,
		.client_id = tenant->client_id,
		.credential = credential,
		.scope = api->scope,
		.v1 = api_is_v1(source->api),
		.resource = api->audience,
		.permission = source->permission,
	};
}

/* Feeds of a tenant that use one API share its token and its budget. */
static struct token *token_of(struct relay *relay, const struct config_tenant *tenant,
	const struct config_feed *feed)
{
	size_t number = (size_t)(tenant - relay->config->tenants);
	const struct source *source = source_find(feed->source);
	struct token **token = &relay->tokens[number * API_FAMILIES + source->api];
	struct token_options options;

	if (!*token) {
		relay_token_options(tenant, source,
			relay->credentials[tenant->credential], &options);
		/* Where sources of one API need different permissions, the API says which is not
		 * there. */
		for (size_t i = 0; i < tenant->feed_count; i++) {
			const struct source *other =
				source_find(tenant->feeds[i].source);

			if (other->api == source->api &&
				other->permission != source->permission)
				options.permission = NULL;
		}
		*token = token_new(relay->loop, relay->host.http, &options);
	}
	return *token;
}

static struct budget *budget_of(struct relay *relay, const struct config_tenant *tenant,
	const struct config_feed *feed)
{
	size_t number = (size_t)(tenant - relay->config->tenants);
	enum api_family api = source_find(feed->source)->api;
	struct budget **budget = &relay->budgets[number * API_FAMILIES + api];

	if (!*budget)
		*budget = budget_new(
			relay->loop, api, tenant->key, relay->config->request_percent);
	return *budget;
}

static enum rc open_tenant(
	struct relay *relay, const struct config_tenant *tenant, struct error *err)
{
	for (size_t i = 0; i < tenant->feed_count; i++) {
		enum rc rc = feed_new(&relay->host, tenant, &tenant->feeds[i],
			token_of(relay, tenant, &tenant->feeds[i]),
			budget_of(relay, tenant, &tenant->feeds[i]),
			&relay->feeds[relay->feed_count], err);

		if (rc != RC_OK)
			return rc;
		relay->feed_count++;
	}
	return RC_OK;
}

static void open_credentials(struct relay *relay)
{
	const struct config *config = relay->config;

	relay->credentials =
		xcalloc(config->credential_count, sizeof(struct credential *));
	for (size_t i = 0; i < config->credential_count; i++)
		relay->credentials[i] = credential_new(
			relay->loop, relay->host.http, &config->credentials[i]);
}

static enum rc open_feeds(struct relay *relay, struct error *err)
{
	enum rc rc = store_begin(
		relay->host.store, err); /* new feeds cost one sync, not one each */
	size_t count = 0;

	for (size_t i = 0; i < relay->config->tenant_count; i++)
		count += relay->config->tenants[i].feed_count;
	relay->feeds = xcalloc(count, sizeof(struct feed *));
	relay->tokens = xcalloc(
		relay->config->tenant_count * API_FAMILIES, sizeof(struct token *));
	relay->budgets = xcalloc(
		relay->config->tenant_count * API_FAMILIES, sizeof(struct budget *));
	for (size_t i = 0; rc == RC_OK && i < relay->config->tenant_count; i++)
		rc = open_tenant(relay, &relay->config->tenants[i], err);
	return rc == RC_OK ? store_commit(relay->host.store, err) : rc;
}

enum rc relay_open_http(struct loop *loop, const struct config *config,
	struct http **out, struct error *err)
{
	const struct http_options options = {
		.max_transfers = config->http_max_transfers,
		.max_per_lane = config->http_max_per_tenant,
		.http2 = config->http2,
		.ca_file = config->http_ca_file,
		.proxy = config->http_proxy,
		.proxy_login = config->http_proxy_login,
		.ip = config->http_ip,
		.user_agent = PACKAGE_NAME "/" PACKAGE_VERSION,
		.connect_timeout_ms = config->http_connect_timeout_ms,
		.first_byte_timeout_ms = config->http_first_byte_timeout_ms,
		.stall_timeout_ms = config->http_stall_timeout_ms,
	};

	return http_new(loop, &options, out, err);
}

enum rc relay_new(struct loop *loop, const struct config *config,
	const struct relay_options *options, struct relay **out, struct error *err)
{
	struct relay *relay = xcalloc(1, sizeof(*relay));
	enum rc rc;

	relay->loop = loop;
	relay->config = config;
	relay->options = *options;
	relay->host = (struct feed_host){
		.loop = loop, .once = options->once, .finished = on_finished};
	feed_host_init(&relay->host);
	relay->check_timer.fire = on_check;
	relay->prune_timer.fire = on_prune;
	relay->done_call.run = on_done;
	loop_keep_connections(loop, (long)config->http_max_transfers);
	rc = open_store(relay, err);
	if (rc == RC_OK)
		relay->host.window =
			window_new(loop, relay->host.store, config->memory_bytes);
	if (rc == RC_OK)
		rc = relay_open_http(loop, config, &relay->host.http, err);
	if (rc == RC_OK)
		rc = open_destinations(relay, err);
	if (rc == RC_OK) {
		open_credentials(relay);
		rc = open_feeds(relay, err);
	}
	if (rc != RC_OK) {
		relay_free(relay);
		return rc;
	}
	*out = relay;
	return RC_OK;
}

void relay_free(struct relay *relay)
{
	if (!relay)
		return;
	loop_timer_stop(relay->loop, &relay->check_timer);
	loop_timer_stop(relay->loop, &relay->prune_timer);
	loop_defer_cancel(relay->loop, &relay->done_call);
	feed_host_clear(&relay->host);
	if (relay->host.destinations)
		for (size_t i = 0; i < relay->config->destination_count; i++)
			destination_free(relay->host.destinations[i]);
	free(relay->host.destinations);
	for (size_t i = 0; i < relay->feed_count; i++)
		feed_free(relay->feeds[i]);
	free(relay->feeds);
	if (relay->budgets)
		for (size_t i = 0; i < relay->config->tenant_count * API_FAMILIES; i++)
			budget_free(relay->budgets[i]);
	free(relay->budgets);
	if (relay->tokens)
		for (size_t i = 0; i < relay->config->tenant_count * API_FAMILIES; i++)
			token_free(relay->tokens[i]);
	free(relay->tokens);
	if (relay->credentials)
		for (size_t i = 0; i < relay->config->credential_count; i++)
			credential_free(relay->credentials[i]);
	free(relay->credentials);
	http_free(relay->host.http);
	window_free(relay->host.window);
	store_close(relay->host.store);
	free(relay);
}

void relay_start(struct relay *relay)
{
	double spread = (double)relay->feed_count * SPREAD_MS_PER_FEED;
	int64_t now = loop_now_ms(relay->loop);

	for (size_t i = 0; i < relay->feed_count; i++) {
		double most = (double)feed_config(relay->feeds[i])->poll_ms;

		if (most > spread)
			most = spread;
		feed_start(relay->feeds[i],
			relay->options.once
				? 0
				: (int64_t)(loop_random(relay->loop) * most));
	}
	loop_timer_set(relay->loop, &relay->check_timer, now + CHECK_MS);
	loop_timer_set(relay->loop, &relay->prune_timer, now + PRUNE_MS);
	if (relay->feed_count == 0)
		say_done(relay);
}

void relay_stop(struct relay *relay)
{
	int64_t longest = 0;

	if (relay->stopping)
		return;
	relay->stopping = true;
	for (size_t i = 0; i < relay->config->destination_count; i++)
		if (relay->config->destinations[i].settle_ms > longest)
			longest = relay->config->destinations[i].settle_ms;
	for (size_t i = 0; i < relay->feed_count; i++)
		feed_stop(relay->feeds[i]);
	relay->stop_by_ms = loop_now_ms(relay->loop) + longest + STOP_GRACE_MS;
	loop_timer_set(relay->loop, &relay->check_timer, loop_now_ms(relay->loop));
}

void relay_reopen(struct relay *relay)
{
	for (size_t i = 0; i < relay->config->destination_count; i++)
		destination_reopen(relay->host.destinations[i]);
}

void relay_summary(const struct relay *relay, struct relay_summary *summary)
{
	check_sums(relay);
	*summary = (struct relay_summary){.tenants = relay->config->tenant_count,
		.complete = true,
		.broken = relay->broken};
	for (size_t i = 0; i < relay->feed_count; i++) {
		struct feed_counts c;

		feed_counts(relay->feeds[i], &c);
		summary->total.received += c.received;
		summary->total.duplicate += c.duplicate;
		summary->total.filtered += c.filtered;
		summary->total.stubs += c.stubs;
		summary->total.confirmed += c.confirmed;
		summary->total.rejected += c.rejected;
		summary->total.in_window += c.in_window;
		summary->total.requests += c.requests;
		if (!feed_complete(relay->feeds[i]))
			summary->complete = false;
	}
	for (size_t i = 0; i < relay->config->destination_count; i++) {
		struct destination_state state;

		destination_state(relay->host.destinations[i], &state);
		summary->shed_fields += state.shed_fields;
		summary->cut_texts += state.cut_texts;
	}
}

/* What a feed without trouble of its own waits for. */
static const char *waiting_for(
	const struct relay *relay, const struct feed *feed, char *text, size_t size)
{
	const struct config_feed *config = feed_config(feed);

	if (window_trouble(relay->host.window))
		return window_trouble(relay->host.window);
	for (size_t i = 0; i < config->destination_count; i++) {
		struct destination_state state;

		destination_state(
			relay->host.destinations[config->destination_index[i]], &state);
		if (!state.queued_count)
			continue;
		snprintf(text, size, "destination %s: %s", config->destinations[i],
			state.trouble[0] ? state.trouble : "not confirmed yet");
		return text;
	}
	return "not complete yet";
}

void relay_incomplete(const struct relay *relay,
	void (*say)(void *context, const struct feed *feed, const char *reason),
	void *context)
{
	for (size_t i = 0; i < relay->feed_count; i++) {
		const struct feed *feed = relay->feeds[i];
		const char *reason = feed_trouble(feed);
		char text[500];

		if (relay->options.once ? feed_complete(feed) : feed_idle(feed))
			continue;
		say(context, feed,
			reason ? reason : waiting_for(relay, feed, text, sizeof(text)));
	}
}
