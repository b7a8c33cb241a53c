#include "config.h"

#include "deliver/carrier.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/backoff.h"
#include "base/log.h"

#define RETRY_FIRST_MS 250
#define RETRY_CAP_MS 30000

void carrier_confirm(struct carrier *carrier, int64_t acknowledged_ms)
{
	void *ticket;
	bool refused;

	while (send_queue_confirm(carrier->queue, acknowledged_ms, &ticket, &refused)) {
		carrier->state->confirmed += !refused;
		carrier->state->too_large += refused;
		carrier->events.report(carrier->events.context, ticket,
			refused ? DELIVERY_REJECTED : DELIVERY_CONFIRMED);
	}
}

void carrier_sent_again(struct carrier *carrier, size_t count)
{
	carrier->state->resent += count;
	carrier->log->resent += count;
}

size_t carrier_rewind(struct carrier *carrier, bool tail)
{
	size_t again = send_queue_rewind(carrier->queue, tail);

	carrier_sent_again(carrier, again);
	return again;
}

static size_t index_of(const struct carrier *carrier, size_t place)
{
	size_t count = carrier->options->address_count;

	return count ? (place + carrier->number) % count : 0;
}

const char *carrier_address(const struct carrier *carrier, size_t place)
{
	return carrier->options->addresses[index_of(carrier, place)];
}

static void say(struct carrier *carrier, size_t place, const char *address,
	const struct error *err)
{
	uint64_t *said = &carrier->log->said[index_of(carrier, place)];
	uint64_t now = error_digest(err);
	char reason[700];

	if (*said == now)
		return;
	*said = now;
	log_write(LOG_WARNING,
		"an address of a destination takes no alerts; it is tried again for "
		"ever",
		"destination=%s address=%s unconfirmed=%zu reason=%s",
		carrier->options->name, address, carrier->queue->count,
		log_quote(reason, sizeof(reason), err->text, strlen(err->text)));
}

static void keep_text(char to[300], const char *text)
{
	snprintf(to, 300, "%.299s", text);
}

void carrier_trouble(struct carrier *carrier, size_t place, const char *address,
	const struct error *err)
{
	struct destination_state *state = carrier->state;
	struct carrier_log *log = carrier->log;

	carrier->failures++;
	state->connected = false;
	keep_text(state->address, address);
	keep_text(state->trouble, err->text);
	if (!carrier->in_trouble) {
		carrier->in_trouble = true;
		if (!log->in_trouble++) {
			log->trouble_since_ms = loop_now_ms(carrier->loop);
			log->resent_before = log->resent;
		}
	}
	say(carrier, place, address, err);
}

void carrier_passed_over(struct carrier *carrier, size_t place, const char *address,
	const struct error *err)
{
	keep_text(carrier->state->passed_over, err->text);
	say(carrier, place, address, err);
}

void carrier_works(struct carrier *carrier, size_t place, const char *address)
{
	struct destination_state *state = carrier->state;
	struct carrier_log *log = carrier->log;

	carrier->failures = 0;
	/* The earlier ones still have the trouble that was said. */
	for (size_t i = place; i == 0 || i < carrier->options->address_count; i++)
		log->said[index_of(carrier, i)] = 0;
	/* With a later address the trouble is that of an earlier one. */
	if (!place)
		state->passed_over[0] = '\0';
	else if (state->trouble[0])
		keep_text(state->passed_over, state->trouble);
	state->trouble[0] = '\0';
	if (!carrier->in_trouble)
		return;
	carrier->in_trouble = false;
	if (--log->in_trouble)
		return;
	log_write(LOG_NOTICE, "a destination takes alerts again",
		"destination=%s address=%s after_ms=%" PRId64 " resent=%" PRIu64,
		carrier->options->name, address,
		loop_now_ms(carrier->loop) - log->trouble_since_ms,
		log->resent - log->resent_before);
}

int64_t carrier_retry_at_ms(struct carrier *carrier)
{
	return loop_now_ms(carrier->loop) + backoff_ms(carrier->loop, carrier->failures,
						    RETRY_FIRST_MS, RETRY_CAP_MS);
}
