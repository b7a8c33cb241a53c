/* feed_alert.c - the alerts of a feed: what was not sent before goes to all its destinations, and a
 * stub in the place of what cannot be written. */
#include "config.h"

#include <string.h>

#include "alert/event.h"
#include "base/log.h"
#include "relay/feed_private.h"
#include "relay/filter.h"
#include "relay/state_key.h"

/* A paused page keeps a connection, which others may need and the vendor ends some day. */
#define PAUSE_MS (10 * 1000)

bool feed_stub_send(
	struct stub *stub, struct destination *to, struct window_entry *entry)
{
	struct alert_events events;
	struct error err;
	size_t queued = 0;
	bool sent;

	alert_events_begin(&events, &stub->alert,
		destination_options(to)->events == EVENTS_EVIDENCE);
	sent = destination_send(to, alert_events_next(&events), &stub->message.fields,
		       entry, &queued, &err) == RC_OK;
	alert_events_end(&events);
	if (sent)
		window_sent_part(entry, queued);
	return sent;
}

static void say_rejected(struct feed *feed, const struct fmt_alert *alert,
	const struct destination *to, const struct error *err)
{
	char id[120], reason[400];

	log_write(LOG_ERR,
		"an alert cannot be written in this format and goes as a stub",
		"tenant=%s source=%s alert=%s destination=%s reason=%s",
		feed->tenant->key, feed->config->source,
		log_quote(id, sizeof(id), alert->id.p, alert->id.n),
		destination_options(to)->name,
		log_quote(reason, sizeof(reason), err->text, strlen(err->text)));
}

static void reject(struct feed *feed, const struct fmt_alert *alert,
	struct destination *to, struct window_entry *entry, const struct error *err)
{
	struct stub stub;

	say_rejected(feed, alert, to, err);
	stub_unwritten(&stub, feed->tenant, feed->config->source, alert,
		destination_options(to)->name, err);
	if (feed_stub_send(&stub, to, entry))
		feed->stubs++;
}

/* What can be written goes; a part that cannot makes it a rejected alert, with one stub. */
static void send_to(struct feed *feed, const struct fmt_alert *alert,
	const struct syslog_fields *fields, struct destination *to,
	struct window_entry *entry)
{
	struct alert_events events;
	const struct fmt_alert *part;
	struct error err = {0}, first = {0};
	bool whole = true;

	alert_events_begin(
		&events, alert, destination_options(to)->events == EVENTS_EVIDENCE);
	while ((part = alert_events_next(&events))) {
		size_t queued = 0;

		if (destination_send(to, part, fields, entry, &queued, &err) != RC_OK) {
			if (whole)
				first = err;
			whole = false;
		} else if (whole && alert_events_was_last(&events)) {
			window_sent(entry, queued);
		} else {
			window_sent_part(entry, queued);
		}
	}
	alert_events_end(&events);
	if (!whole)
		reject(feed, alert, to, entry, &first);
}

static void send_to_all(struct feed *feed, const struct fmt_alert *alert,
	const struct syslog_fields *fields, const struct state_key *key,
	uint64_t version)
{
	struct window_entry *entry = window_add(feed->host->window, &feed->window,
		key->p, key->n, version, fields->time == NO_TIME ? 0 : fields->time);

	for (size_t i = 0; i < feed->config->destination_count; i++)
		send_to(feed, alert, fields, feed_destination(feed, i), entry);
	window_added(entry);
	feed->pass_sent = true;
}

bool feed_on_alert(void *context, struct fmt_alert *alert)
{
	struct feed *feed = context;
	struct state_key key;
	struct message message;
	uint64_t version, seen_version;
	struct error err = {0};
	bool seen;

	feed->probe_hit = true;
	if (feed->ask != ASK_PAGE) /* it comes with its own slice */
		return true;
	feed->received++;
	state_key_make(&key, feed->source, alert);
	walk_take(feed->walk, key.p, key.n, source_is_row(feed->source, alert));
	if (!filter_passes(feed->config, alert)) {
		feed->filtered++;
		return true;
	}
	version = alert_version(alert, feed->config->policy);
	if (window_holds(feed->host->window, &feed->window, key.p, key.n, version)) {
		feed->duplicate++;
		return true;
	}
	if (store_seen(feed->host->store, feed->window.store_id, key.p, key.n, &seen,
		    &seen_version, &err) != RC_OK) {
		feed->store_failed = true;
		feed->unaccepted++;
		return true;
	}
	if (seen && seen_version == version) {
		feed->duplicate++;
		return true;
	}
	if (alert->updated == NO_TIME || alert->updated < feed->walk->to)
		feed->walk->found = true;
	message_prepare(alert, feed->tenant, version, &message);
	send_to_all(feed, alert, &message.fields, &key, version);
	if (!window_full(feed->host->window, &feed->window))
		return true;
	wait_for_room(feed, FEED_FETCH);
	loop_timer_set(feed->host->loop, &feed->timer, now_ms(feed) + PAUSE_MS);
	return false;
}
