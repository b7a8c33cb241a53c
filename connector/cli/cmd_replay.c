#include "config.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "alert/alert.h"
#include "base/log.h"
#include "cli/answers.h"
#include "cli/cli.h"

/* Unconfirmed octets held at most; reading waits above it. */
#define WINDOW_BYTES (64 * 1048576)

struct replay {
	struct loop *loop;
	struct destination *destination;
	struct fmt_str customer, customer_name;
	uint64_t sent, confirmed, rejected, message_bytes;
	int64_t progress_ms, give_up_ms;
};

static void on_report(void *context, void *ticket, enum delivery result)
{
	struct replay *replay = context;

	(void)ticket;
	replay->progress_ms = loop_now_ms(replay->loop);
	if (result == DELIVERY_CONFIRMED)
		replay->confirmed++;
	else
		replay->rejected++;
}

static enum rc send_one(void *context, struct fmt_alert *alert)
{
	struct replay *replay = context;
	struct syslog_fields fields = {.severity = alert->severity,
		.time = alert->updated != NO_TIME ? alert->updated : alert->created,
		.customer = replay->customer,
		.msgid = "alert"};
	char version[ALERT_VERSION_TEXT], id[120];
	struct error err = {0};
	size_t queued = 0;

	alert_version_text(alert_version(alert, ALERT_POLICY_STATUS), version);
	alert->version = (struct fmt_str){version, strlen(version)};
	alert->customer = replay->customer;
	alert->customer_name = replay->customer_name;
	if (destination_send(replay->destination, alert, &fields, NULL, &queued,
		    &err) != RC_OK) {
		log_write(LOG_ERR,
			"an alert cannot be written in this format and is passed over",
			"alert=%s reason=\"%s\"",
			log_quote(id, sizeof(id), alert->id.p, alert->id.n), err.text);
		replay->rejected++;
		return RC_OK;
	}
	replay->sent++;
	replay->message_bytes += queued;
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

static int replay_file(
	struct replay *replay, const struct source *source, const char *path)
{
	double wall = now_s(CLOCK_MONOTONIC), cpu = now_s(CLOCK_PROCESS_CPUTIME_ID);
	struct answers_counts counts = {0};
	struct destination_state state;
	struct error err = {0}, late = {0};
	enum rc rc;

	replay->progress_ms = loop_now_ms(replay->loop);
	rc = answers_read(path, source, send_one, between, replay, &counts, &err);
	/* What was read before a broken place is still delivered. */
	replay->progress_ms = loop_now_ms(replay->loop);
	if (wait_below(replay, 0, &late) != RC_OK && rc == RC_OK) {
		rc = late.code;
		err = late;
	}
	wall = now_s(CLOCK_MONOTONIC) - wall;
	cpu = now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	destination_state(replay->destination, &state);
	printf("alerts %" PRIu64 "\nconfirmed %" PRIu64 "\nrejected %" PRIu64
	       "\nresent %" PRIu64 "\nread octets %" PRIu64 "\nsent octets %" PRIu64
	       "\nseconds %.3f\nCPU seconds %.3f\nalerts per second %.0f\n",
		counts.alerts, replay->confirmed, replay->rejected, state.resent,
		counts.octets, replay->message_bytes, wall, cpu,
		wall > 0 ? (double)counts.alerts / wall : 0);
	if (rc != RC_OK)
		fprintf(stderr, "alertrelay replay: %s\n", err.text);
	return rc == RC_OK && !replay->rejected ? EXIT_DONE : EXIT_INCOMPLETE;
}

static int replay_run(const struct cli_command *command, int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"to", required_argument, NULL, 't'},
		{"source", required_argument, NULL, 's'},
		{"tenant", required_argument, NULL, 'T'},
		{"give-up", required_argument, NULL, 'g'},
		{"help", no_argument, NULL, 'h'}, {0}};
	const char *config_path = CLI_CONFIG_DEFAULT, *to = NULL,
		   *source_name = "graph-alerts";
	const char *tenant = "customer";
	struct replay replay = {.give_up_ms = 60000};
	const struct destination_events events = {on_report, &replay};
	const struct destination_options *found;
	const struct source *source;
	struct config *config;
	struct error err = {0};
	int c, status;

	while ((c = cli_option(command, argc, argv, ":c:h", options)) != -1) {
		switch (c) {
		case 'c':
			config_path = optarg;
			break;
		case 't':
			to = optarg;
			break;
		case 's':
			source_name = optarg;
			break;
		case 'T':
			tenant = optarg;
			break;
		case 'g':
			if (!cli_duration(
				    command, "--give-up", optarg, &replay.give_up_ms))
				return EXIT_USAGE;
			break;
		case 'h':
			return EXIT_DONE;
		default:
			return EXIT_USAGE;
		}
	}
	if (!to)
		return cli_wrong(command, "say --to DESTINATION");
	if (argc - optind > 1)
		return cli_wrong(command, "unexpected \"%s\": one FILE at a time",
			argv[optind + 1]);
	source = source_find(source_name);
	if (!source)
		return cli_wrong(command, "--source: unknown source \"%s\"; known: %s",
			source_name, answers_sources());
	signal(SIGPIPE, SIG_IGN);
	config = cli_config(command, config_path);
	if (!config)
		return EXIT_USAGE;
	found = cli_destination(config, to);
	if (!found) {
		config_free(config);
		return cli_wrong(
			command, "--to: no destination \"%s\" in %s", to, config_path);
	}
	cli_customer(config, tenant, &replay.customer, &replay.customer_name);
	replay.loop = loop_new(&clock_system);
	if (destination_new(replay.loop, found, &events, &replay.destination, &err) ==
		RC_OK) {
		status = replay_file(
			&replay, source, optind < argc ? argv[optind] : "-");
		destination_free(replay.destination);
	} else {
		status = cli_wrong(command, "destination %s: %s", to, err.text);
	}
	loop_free(replay.loop);
	config_free(config);
	return status;
}

const struct cli_command cli_replay = {
	.name = "replay",
	.arguments = "[-c FILE] --to DESTINATION [OPTION...] [FILE|-]",
	.summary = "send saved alerts to a destination and wait for confirmation",
	.help = "Reads answers of the API (pages, lists, or one alert a line) from "
		"FILE or standard\n"
		"input, sends each alert, waits until all are confirmed, prints count "
		"and rate. For\n"
		"trying a SIEM's parser, and for benchmarks. Touches no state.\n\n"
		"  -c, --config FILE   default " CLI_CONFIG_DEFAULT "\n"
		"      --to NAME       the destination\n"
		"      --source NAME   the API that the answers came from; default "
		"graph-alerts\n"
		"      --tenant KEY    the customer to name; default \"customer\"\n"
		"      --give-up TIME  end after so long without a confirmation "
		"(default 60s)\n",
	.run = replay_run,
};
