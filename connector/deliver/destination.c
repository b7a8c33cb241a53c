#include "config.h"

#include "deliver/destination.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deliver/carrier.h"
#include "deliver/conn.h"
#include "deliver/render.h"

struct destination {
	struct loop *loop;
	const struct destination_options *options;
	struct render render;
	struct send_queue queue;
	struct loop_call flush;
	struct carrier *carrier;
	struct destination_state state;
};

void destination_options_default(struct destination_options *options)
{
	*options = (struct destination_options){
		.transport = TRANSPORT_STDOUT,
		.framing = FRAMING_LF,
		.header = HEADER_RFC5424,
		.tag = true,
		.facility = 16,
		.hostname = "tenant",
		.app_name = "alertrelay",
		.max_message_bytes = 8096,
		.settle_ms = 1000,
		.tail_bytes = 8 << 20,
		.connect_timeout_ms = 10000,
		.rate = 1000,
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

static enum rc check_stream(
	const struct destination_options *options, struct error *err)
{
	char host[CONN_HOST], port[8];
	enum rc rc = RC_OK;

	if (!options->address_count || options->address_count > DESTINATION_ADDRESSES)
		return error_set(err, RC_CONFIG, "%zu addresses: give 1 to %d",
			options->address_count, DESTINATION_ADDRESSES);
	for (size_t i = 0; rc == RC_OK && i < options->address_count; i++)
		rc = conn_address(options->addresses[i], host, port, err);
	if (rc == RC_OK && transport_has(options->transport, TRANSPORT_DATAGRAMS) &&
		options->max_message_bytes > TRANSPORT_DATAGRAM_MAXIMUM)
		rc = error_set(err, RC_CONFIG,
			"messages of %zu octets: a datagram holds %d",
			options->max_message_bytes, TRANSPORT_DATAGRAM_MAXIMUM);
	if (rc != RC_OK || !transport_has(options->transport, TRANSPORT_HAS_TLS))
		return rc;
	rc = check_file("ca_file", options->ca_file, err);
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
	struct destination *destination = CONTAINER_OF(call, struct destination, flush);

	destination->carrier->type->flush(destination->carrier);
}

/* A closed pipe or connection is an error that is handled where it happens. */
static void ignore_sigpipe(void)
{
	struct sigaction now;

	if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
}

enum rc destination_new(struct loop *loop, const struct destination_options *options,
	const struct destination_events *events, struct destination **out,
	struct error *err)
{
	struct destination *destination;
	struct render render = {0};
	enum rc rc = check(options, err);

	if (rc == RC_OK)
		rc = render_open(&render, options, err);
	if (rc != RC_OK) {
		render_close(&render);
		error_wrap(err, "destination %s", options->name ? options->name : "");
		return rc;
	}
	ignore_sigpipe();
	destination = xcalloc(1, sizeof(*destination));
	destination->loop = loop;
	destination->options = options;
	destination->render = render;
	send_queue_init(&destination->queue);
	destination->flush.run = on_flush;
	destination->carrier = transport_type(options->transport)->carrier_new();
	destination->carrier->loop = loop;
	destination->carrier->options = options;
	destination->carrier->events = *events;
	destination->carrier->queue = &destination->queue;
	destination->carrier->state = &destination->state;
	destination->carrier->flush_call = &destination->flush;
	destination->carrier->type->start(destination->carrier);
	*out = destination;
	return RC_OK;
}

void destination_free(struct destination *destination)
{
	if (!destination)
		return;
	loop_defer_cancel(destination->loop, &destination->flush);
	destination->carrier->type->free(destination->carrier);
	send_queue_clear(&destination->queue);
	render_close(&destination->render);
	free(destination);
}

void destination_reopen(struct destination *destination)
{
	if (!transport_has(destination->options->transport, TRANSPORT_HAS_PATH))
		return;
	destination->carrier->reopen = true;
	loop_defer(destination->loop, &destination->flush);
}

const struct destination_options *destination_options(
	const struct destination *destination)
{
	return destination->options;
}

enum rc destination_send(struct destination *destination, const struct fmt_alert *alert,
	const struct syslog_fields *fields, void *ticket, size_t *queued,
	struct error *err)
{
	struct rendered rendered;
	size_t size;
	enum rc rc = render_alert(&destination->render, alert, fields,
		clock_wall(loop_clock(destination->loop)), &rendered, err);

	if (rc != RC_OK) {
		destination->state.rejected++;
		return rc;
	}
	size = render_size(&destination->render, &rendered);
	render_copy(&destination->render, &rendered,
		send_queue_add(&destination->queue, ticket, size));
	destination->state.sent++;
	destination->state.shed_fields += rendered.shed_fields;
	destination->state.cut_texts += rendered.cut_texts;
	*queued = size;
	loop_defer(destination->loop, &destination->flush);
	return RC_OK;
}

bool destination_idle(const struct destination *destination)
{
	return destination->queue.count == 0;
}

void destination_state(
	const struct destination *destination, struct destination_state *state)
{
	*state = destination->state;
	state->queued_count = destination->queue.count;
	state->queued_bytes = destination->queue.bytes;
	state->kept_bytes = destination->queue.kept_bytes;
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
