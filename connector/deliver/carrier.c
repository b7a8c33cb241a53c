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

	while (send_queue_confirm(carrier->queue, acknowledged_ms, &ticket)) {
		carrier->state->confirmed++;
		carrier->events.report(
			carrier->events.context, ticket, DELIVERY_CONFIRMED);
	}
}

size_t carrier_rewind(struct carrier *carrier, bool tail)
{
	size_t again = send_queue_rewind(carrier->queue, tail);

	carrier->state->resent += again;
	return again;
}

void carrier_trouble(struct carrier *carrier, size_t index, const char *address,
	const struct error *err)
{
	struct destination_state *state = carrier->state;
	uint64_t now = error_digest(err);
	char reason[700];

	carrier->failures++;
	state->connected = false;
	snprintf(state->address, sizeof(state->address), "%s", address);
	snprintf(state->trouble, sizeof(state->trouble), "%.*s",
		(int)sizeof(state->trouble) - 1, err->text);
	if (!carrier->in_trouble) {
		carrier->in_trouble = true;
		carrier->trouble_since_ms = loop_now_ms(carrier->loop);
		carrier->resent_before = state->resent;
	}
	if (carrier->said[index] == now)
		return;
	carrier->said[index] = now;
	log_write(LOG_WARNING,
		"a destination does not take alerts; it is tried again for ever",
		"destination=%s address=%s unconfirmed=%zu reason=%s",
		carrier->options->name, address, carrier->queue->count,
		log_quote(reason, sizeof(reason), err->text, strlen(err->text)));
}

void carrier_works(struct carrier *carrier, const char *address)
{
	carrier->failures = 0;
	carrier->state->trouble[0] = '\0';
	memset(carrier->said, 0, sizeof(carrier->said));
	if (!carrier->in_trouble)
		return;
	carrier->in_trouble = false;
	log_write(LOG_NOTICE, "a destination takes alerts again",
		"destination=%s address=%s after_ms=%" PRId64 " resent=%" PRIu64,
		carrier->options->name, address,
		loop_now_ms(carrier->loop) - carrier->trouble_since_ms,
		carrier->state->resent - carrier->resent_before);
}

int64_t carrier_retry_at_ms(struct carrier *carrier)
{
	return loop_now_ms(carrier->loop) + backoff_ms(carrier->loop, carrier->failures,
						    RETRY_FIRST_MS, RETRY_CAP_MS);
}
