/* relay.h - the daemon: configuration to tokens, feeds, window, destinations, and their end.
 *
 * Purpose:  wires everything and owns it. The program's end is clean within the longest settle time
 *           of its destinations; after kill -9 the next start is like any other.
 * Threads:  none; loop thread only. */
#ifndef RELAY_RELAY_H
#define RELAY_RELAY_H

#include "base/loop.h"
#include "relay/configuration.h"
#include "relay/feed.h"

struct relay;

struct relay_options {
	bool once; /* one complete pass of every feed, then done() */
	int64_t give_up_ms; /* once: no progress for so long means that it will not come */
	/* The relay has stopped (after relay_stop(), or by itself with once). */
	void (*done)(void *context);
	void *context;
};

/* Borrows loop and config until relay_free(). Opens the state. */
NODISCARD enum rc relay_new(struct loop *loop, const struct config *config,
	const struct relay_options *options, struct relay **out, struct error *err);
void relay_free(struct relay *relay);

void relay_start(struct relay *relay);
/* Asks for nothing more, waits for what is unconfirmed at most the longest settle time and a
 * second, saves the cursors, then done(). */
void relay_stop(struct relay *relay);

/* Files of destinations are closed and opened anew by their names. */
void relay_reopen(struct relay *relay);

struct relay_summary {
	struct feed_counts total;
	size_t tenants;
	uint64_t shed_fields, cut_texts; /* to keep to max_message_bytes */
	bool complete; /* once: every feed complete and confirmed */
	bool broken; /* it cannot go on and must be started again */
};
void relay_summary(const struct relay *relay, struct relay_summary *summary);
/* Calls back for each feed that is not complete, with the reason. */
void relay_incomplete(const struct relay *relay,
	void (*say)(void *context, const struct feed *feed, const char *reason),
	void *context);

/* What a source's token in a tenant is asked for with; strings are the tenant's. */
void relay_token_options(const struct config_tenant *tenant,
	const struct source *source, struct credential *credential,
	struct token_options *options);

/* The HTTP client as the configuration says. */
NODISCARD enum rc relay_open_http(struct loop *loop, const struct config *config,
	struct http **out, struct error *err);

#endif
