#include "config.h"

#include "deliver/destination.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deliver/carrier.h"
#include "deliver/conn.h"
#include "deliver/relp.h"
#include "deliver/render.h"

/* A queue and what carries it away. */
struct lane {
	struct send_queue queue;
	struct loop_call flush;
	struct carrier *carrier;
	struct destination_state state;
};

struct destination {
	struct loop *loop;
	const struct destination_options *options;
	struct render render;
	struct carrier_log log;
	uint64_t rejected;
	size_t lane_count;
	struct lane lanes[];
};

void destination_options_default(struct destination_options *options)
{
	*options = (struct destination_options){
		.transport = TRANSPORT_STDOUT,
		.framing = FRAMING_LF,
		.header = HEADER_RFC5424,
		.tag = true,
		.facility = 16,
		.connections = 1,
		.hostname = "tenant",
		.app_name = "alertrelay",
		.max_message_bytes = 8096,
		.settle_ms = 1000,
		.tail_bytes = 8 << 20,
		.connect_timeout_ms = 10000,
		.relp_window = 1000,
		.relp_timeout_ms = 90000,
		.rate = 1000,
		.dead_after_ms = 30000,
		.format = "cef",
	};
}

static enum rc check_file(const char *what, const char *path, struct error *err)
{
	if (path && access(path, R_OK) != 0)
		return error_set(err, RC_CONFIG, "%s: cannot read %s: %s", what, path,
			strerror(errno));
	return RC_OK;
}

static enum rc check_relp(const struct destination_options *options, struct error *err)
{
	if (!options->relp_window || options->relp_window > RELP_WINDOW_MAX)
		return error_set(err, RC_CONFIG,
			"a window of %u messages: give 1 to %u", options->relp_window,
			RELP_WINDOW_MAX);
	if (options->framing != FRAMING_NONE)
		return error_set(
			err, RC_CONFIG, "RELP has frames of its own: no framing");
	return RC_OK;
}

static enum rc check_stream(
	const struct destination_options *options, struct error *err)
{
	char host[CONN_HOST], port[8];
	enum rc rc = RC_OK;

	if (!options->address_count || options->address_count > DESTINATION_ADDRESSES)
		return error_set(err, RC_CONFIG, "%zu addresses: give 1 to %d",
			options->address_count, DESTINATION_ADDRESSES);
	if (!options->connections || options->connections > DESTINATION_CONNECTIONS)
		return error_set(err, RC_CONFIG, "%u connections: give 1 to %d",
			options->connections, DESTINATION_CONNECTIONS);
	for (size_t i = 0; rc == RC_OK && i < options->address_count; i++)
		rc = conn_address(options->addresses[i], host, port, err);
	if (rc == RC_OK && transport_has(options->transport, TRANSPORT_ANSWERS))
		rc = check_relp(options, err);
	if (rc == RC_OK && transport_has(options->transport, TRANSPORT_DATAGRAMS) &&
		options->max_message_bytes > TRANSPORT_DATAGRAM_MAXIMUM)
		rc = error_set(err, RC_CONFIG,
			"messages of %zu octets: a datagram holds %d",
			options->max_message_bytes, TRANSPORT_DATAGRAM_MAXIMUM);
	if (rc != RC_OK || !transport_has(options->transport, TRANSPORT_HAS_TLS))
		return rc;
	rc = check_file("ca_file", options->ca_file, err);
	if (rc == RC_OK)
		rc = check_file("crl_file", options->crl_file, err);
	if (rc == RC_OK && options->pinned_key)
		rc = conn_pinned_key(options->pinned_key, err);
	if (rc == RC_OK)
		rc = check_file("cert_file", options->cert_file, err);
	if (rc == RC_OK)
		rc = check_file("key_file", options->key_file, err);
	if (rc == RC_OK)
		rc = check_file("key_password_file", options->key_password_file, err);
	return rc;
}

static enum rc check(const struct destination_options *options, struct error *err)
{
	if (options->facility < 0 || options->facility > 23)
		return error_set(err, RC_CONFIG, "facility %d: there are 0 to 23",
			options->facility);
	if (transport_has(options->transport, TRANSPORT_HAS_ADDRESS))
		return check_stream(options, err);
	if (transport_has(options->transport, TRANSPORT_HAS_PATH) &&
		(!options->path || !*options->path))
		return error_set(err, RC_CONFIG, "a file destination needs a path");
	return RC_OK;
}

static void on_flush(struct loop_call *call)
{
	struct lane *lane = CONTAINER_OF(call, struct lane, flush);

	lane->carrier->type->flush(lane->carrier);
}

/* A closed pipe or connection is an error that is handled where it happens. */
static void ignore_sigpipe(void)
{
	struct sigaction now;

	if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
}

static void lane_open(struct destination *destination, size_t number,
	const struct destination_events *events)
{
	struct lane *lane = &destination->lanes[number];
	struct carrier *carrier =
		transport_type(destination->options->transport)->carrier_new();

	send_queue_init(&lane->queue);
	lane->flush.run = on_flush;
	lane->carrier = carrier;
	carrier->loop = destination->loop;
	carrier->options = destination->options;
	carrier->events = *events;
	carrier->queue = &lane->queue;
	carrier->state = &lane->state;
	carrier->log = &destination->log;
	carrier->flush_call = &lane->flush;
	carrier->number = number;
	carrier->type->start(carrier);
}

enum rc destination_new(struct loop *loop, const struct destination_options *options,
	const struct destination_events *events, struct destination **out,
	struct error *err)
{
	struct destination *destination;
	struct render render = {0};
	size_t count;
	enum rc rc = check(options, err);

	if (rc == RC_OK)
		rc = render_open(&render, options, err);
	if (rc != RC_OK) {
		render_close(&render);
		error_wrap(err, "destination %s", options->name ? options->name : "");
		return rc;
	}
	ignore_sigpipe();
	count = transport_has(options->transport, TRANSPORT_HAS_ADDRESS)
			? options->connections
			: 1;
	destination = xcalloc(1, sizeof(*destination) + count * sizeof(struct lane));
	destination->loop = loop;
	destination->options = options;
	destination->render = render;
	destination->lane_count = count;
	for (size_t i = 0; i < count; i++)
		lane_open(destination, i, events);
	*out = destination;
	return RC_OK;
}

bool destination_close(struct destination *destination)
{
	bool closed = true;

	for (size_t i = 0; i < destination->lane_count; i++) {
		struct carrier *carrier = destination->lanes[i].carrier;

		if (carrier->type->close && !carrier->type->close(carrier))
			closed = false;
	}
	return closed;
}

void destination_free(struct destination *destination)
{
	if (!destination)
		return;
	for (size_t i = 0; i < destination->lane_count; i++) {
		struct lane *lane = &destination->lanes[i];

		loop_defer_cancel(destination->loop, &lane->flush);
		lane->carrier->type->free(lane->carrier);
		send_queue_clear(&lane->queue);
	}
	render_close(&destination->render);
	free(destination);
}

void destination_reopen(struct destination *destination)
{
	if (!transport_has(destination->options->transport, TRANSPORT_HAS_PATH))
		return;
	destination->lanes[0].carrier->reopen = true;
	loop_defer(destination->loop, &destination->lanes[0].flush);
}

const struct destination_options *destination_options(
	const struct destination *destination)
{
	return destination->options;
}

/* All of a customer's messages go over one lane, so that their order is kept. */
static struct lane *lane_for(struct destination *destination, struct fmt_str customer)
{
	uint64_t hash = 14695981039346656037u; /* FNV-1a */

	for (size_t i = 0; i < customer.n; i++)
		hash = (hash ^ (unsigned char)customer.p[i]) * 1099511628211u;
	return &destination->lanes[hash % destination->lane_count];
}

enum rc destination_send(struct destination *destination, const struct fmt_alert *alert,
	const struct syslog_fields *fields, void *ticket, size_t *queued,
	struct error *err)
{
	struct rendered rendered;
	struct lane *lane;
	size_t size;
	enum rc rc = render_alert(&destination->render, alert, fields,
		clock_wall(loop_clock(destination->loop)), &rendered, err);

	if (rc != RC_OK) {
		destination->rejected++;
		return rc;
	}
	lane = lane_for(destination, fields->customer);
	size = render_size(&destination->render, &rendered);
	render_copy(&destination->render, &rendered,
		send_queue_add(&lane->queue, ticket, size));
	lane->state.sent++;
	lane->state.shed_fields += rendered.shed_fields;
	lane->state.cut_texts += rendered.cut_texts;
	*queued = size;
	loop_defer(destination->loop, &lane->flush);
	return RC_OK;
}

bool destination_idle(const struct destination *destination)
{
	for (size_t i = 0; i < destination->lane_count; i++)
		if (destination->lanes[i].queue.count)
			return false;
	return true;
}

static void state_add(struct destination_state *sum, const struct lane *lane)
{
	const struct destination_state *state = &lane->state;

	/* The texts are of the first one that has trouble. */
	if (!sum->address[0] || (state->trouble[0] && !sum->trouble[0]))
		memcpy(sum->address, state->address, sizeof(sum->address));
	if (!sum->trouble[0])
		memcpy(sum->trouble, state->trouble, sizeof(sum->trouble));
	if (!sum->passed_over[0])
		memcpy(sum->passed_over, state->passed_over, sizeof(sum->passed_over));
	sum->connected |= state->connected;
	sum->connections += state->connected;
	sum->queued_count += lane->queue.count;
	sum->queued_bytes += lane->queue.bytes;
	sum->kept_bytes += lane->queue.kept_bytes;
	sum->doubtful_bytes += state->doubtful_bytes;
	sum->sent += state->sent;
	sum->confirmed += state->confirmed;
	sum->too_large += state->too_large;
	sum->resent += state->resent;
	sum->connects += state->connects;
	sum->breaks += state->breaks;
	sum->shed_fields += state->shed_fields;
	sum->cut_texts += state->cut_texts;
	sum->wire_bytes += state->wire_bytes;
}

void destination_state(
	const struct destination *destination, struct destination_state *state)
{
	*state = (struct destination_state){.rejected = destination->rejected};
	for (size_t i = 0; i < destination->lane_count; i++)
		state_add(state, &destination->lanes[i]);
}

static enum rc put_all(const struct render *render, const struct rendered *rendered,
	struct strbuf *out)
{
	size_t size = render_size(render, rendered);

	if (!strbuf_reserve(out, size))
		return RC_LIMIT;
	render_copy(render, rendered, out->p + out->n);
	out->n += size;
	out->p[out->n] = '\0';
	return RC_OK;
}

enum rc destination_render(const struct destination_options *options,
	const struct fmt_alert *alert, const struct syslog_fields *fields, bool wire,
	const struct clock *clock, struct strbuf *out, struct error *err)
{
	struct render render;
	struct rendered rendered;
	enum rc rc = render_open(&render, options, err);

	if (rc == RC_OK)
		rc = render_alert(
			&render, alert, fields, clock_wall(clock), &rendered, err);
	if (rc == RC_OK && (wire ? put_all(&render, &rendered, out) != RC_OK
				 : !strbuf_add(out, rendered.body.p, rendered.body.n)))
		rc = error_set(err, RC_LIMIT, "the message does not fit the output");
	render_close(&render);
	return rc;
}
