#include "config.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "alert/event.h"
#include "base/log.h"
#include "cli/answers.h"
#include "cli/cli.h"
#include "relay/message.h"

/* Unconfirmed octets held at most; reading waits above it. */
#define WINDOW_BYTES (64 * 1048576)

struct replay {
	struct answers answers;
	struct loop *loop;
	struct destination *destination;
	uint64_t sent, confirmed, rejected, message_bytes;
	int64_t progress_ms, give_up_ms;
};

static void on_report(void *context, void *ticket, enum delivery result)
{
	struct replay *replay = context;

	replay->progress_ms = loop_now_ms(replay->loop);
	if (!ticket)
		return;
	if (result == DELIVERY_CONFIRMED)
		replay->confirmed++;
	else
		replay->rejected++;
}

static enum rc send_one(void *context, struct fmt_alert *alert)
{
	struct replay *replay = context;
	struct message message;
	struct alert_events events;
	const struct fmt_alert *part;
	struct error err = {0};
	char id[120], reason[700];
	bool whole = true;

	message_prepare(alert, &replay->answers.customer,
		alert_version(alert, ALERT_POLICY_STATUS), &message);
	alert_events_begin(
		&events, alert, replay->answers.destination.events == EVENTS_EVIDENCE);
	while (whole && (part = alert_events_next(&events))) {
		size_t queued = 0;

		/* Reports come in order: the last message's is the alert's. */
		whole = destination_send(replay->destination, part, &message.fields,
				alert_events_was_last(&events) ? replay : NULL, &queued,
				&err) == RC_OK;
		replay->message_bytes += queued;
	}
	alert_events_end(&events);
	if (!whole) {
		log_write(LOG_ERR,
			"an alert cannot be written in this format and is passed over",
			"alert=%s reason=%s",
			log_quote(id, sizeof(id), alert->id.p, alert->id.n),
			log_quote(reason, sizeof(reason), err.text, strlen(err.text)));
		replay->rejected++;
		return RC_OK;
	}
	replay->sent++;
	return RC_OK;
}

static enum rc wait_below(struct replay *replay, size_t bytes, struct error *err)
{
	struct destination_state state;
	enum rc rc = RC_OK;

	destination_state(replay->destination, &state);
	while (rc == RC_OK && state.queued_bytes > bytes) {
		if (loop_now_ms(replay->loop) - replay->progress_ms >
			replay->give_up_ms)
			return error_set(err, RC_IO,
				"nothing was confirmed for %" PRId64 " s: %s",
				replay->give_up_ms / 1000,
				state.trouble[0] ? state.trouble
						 : "the collector does not read");
		rc = loop_turn(replay->loop, 100, err);
		destination_state(replay->destination, &state);
	}
	return rc;
}

/* One turn for each piece of the file, more while the window is full. */
static enum rc between(void *context, struct error *err)
{
	struct replay *replay = context;
	enum rc rc = loop_turn(replay->loop, 0, err);

	return rc == RC_OK ? wait_below(replay, WINDOW_BYTES, err) : rc;
}

static double now_s(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int replay_file(struct replay *replay)
{
	double wall = now_s(CLOCK_MONOTONIC), cpu = now_s(CLOCK_PROCESS_CPUTIME_ID);
	const struct answers *answers = &replay->answers;
	FILE *to;
	struct destination_state state;
	struct error err = {0}, late = {0};
	enum rc rc;

	replay->progress_ms = loop_now_ms(replay->loop);
	rc = answers_read(&replay->answers, send_one, between, replay, &err);
	/* What was read before a broken place is still delivered. */
	replay->progress_ms = loop_now_ms(replay->loop);
	if (wait_below(replay, 0, &late) != RC_OK && rc == RC_OK) {
		rc = late.code;
		err = late;
	}
	wall = now_s(CLOCK_MONOTONIC) - wall;
	cpu = now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	destination_state(replay->destination, &state);
	/* Apart from the messages. */
	to = answers->destination.transport == TRANSPORT_STDOUT ? stderr : stdout;
	fprintf(to,
		"alerts %" PRIu64 "\nconfirmed %" PRIu64 "\nrejected %" PRIu64
		"\nresent %" PRIu64 "\nfields left out %" PRIu64 "\ntexts cut %" PRIu64
		"\nread octets %" PRIu64 "\nsent octets %" PRIu64
		"\nseconds %.3f\nCPU seconds %.3f\nalerts per second %.0f\n",
		answers->alerts, replay->confirmed, replay->rejected, state.resent,
		state.shed_fields, state.cut_texts, answers->octets,
		replay->message_bytes, wall, cpu,
		wall > 0 ? (double)answers->alerts / wall : 0);
	if (rc != RC_OK)
		fprintf(stderr, "alertrelay replay: %s\n", err.text);
	return rc == RC_OK && !replay->rejected ? EXIT_DONE : EXIT_INCOMPLETE;
}

static int replay_to(const struct cli_command *command, struct replay *replay)
{
	const struct destination_events events = {on_report, replay};
	struct error err = {0};
	int status;

	replay->loop = loop_new(&clock_system);
	if (destination_new(replay->loop, &replay->answers.destination, &events,
		    &replay->destination, &err) == RC_OK) {
		status = replay_file(replay);
		while (!destination_close(replay->destination))
			if (loop_turn(replay->loop, 10, &err) != RC_OK)
				break;
	} else {
		status = cli_wrong(
			command, "destination %s: %s", replay->answers.to, err.text);
	}
	destination_free(replay->destination);
	loop_free(replay->loop);
	return status;
}

static int replay_run(const struct cli_command *command, int argc, char **argv)
{
	struct replay replay = {
		.answers = {ANSWERS_DEFAULT, .config_path = CLI_CONFIG_DEFAULT},
		.give_up_ms = 60000};
	struct answers *answers = &replay.answers;
	const struct cli_option options[] = {
		{"config", 'c', "FILE", CLI_TEXT, &answers->config_path,
			CLI_CONFIG_HELP},
		{"to", 0, "NAME", CLI_NAME, &answers->to, "the destination"},
		{"source", 0, "NAME", CLI_SOURCE, &answers->source,
			"the API that the answers came from; default graph-alerts"},
		{"tenant", 0, "KEY", CLI_NAME, &answers->tenant,
			"the customer to name; default customer"},
		{"give-up", 0, "TIME", CLI_TIME, &replay.give_up_ms,
			"end after so long without a confirmation; default 60s"},
		{0},
	};
	int status = cli_options(command, argc, argv, options, &answers->file);

	if (status != EXIT_NOT_YET)
		return status;
	if (!answers->to)
		return cli_wrong(command, "say --to NAME, a destination of %s",
			answers->config_path);
	signal(SIGPIPE, SIG_IGN);
	status = answers_open(command, answers);
	if (status == EXIT_NOT_YET)
		status = replay_to(command, &replay);
	answers_close(answers);
	return status;
}

const struct cli_command cli_replay = {
	.name = "replay",
	.arguments = "[-c FILE] --to NAME [OPTION...] [FILE|-]",
	.summary = "send saved alerts to a destination and wait for confirmation",
	.help = "Reads answers of the API (pages, lists, or one alert a line) from "
		"FILE or standard\n"
		"input, sends each alert, waits until all are confirmed, prints count "
		"and rate. For\n"
		"trying a SIEM's parser, and for benchmarks. Touches no state.\n",
	.run = replay_run,
};
