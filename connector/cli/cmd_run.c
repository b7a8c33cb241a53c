#include "config.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef HAVE_LIBSYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "base/log.h"
#include "cli/cli.h"
#include "relay/relay.h"

struct run {
	struct loop *loop;
	struct relay *relay;
	const char *log_channel;
	struct loop_signal term, interrupt, hangup;
	struct loop_timer watchdog;
	int64_t watchdog_ms;
	bool signalled;
};

/* The service manager hears of our state; without libsystemd nobody asks. */
static void notify(const char *state)
{
#ifdef HAVE_LIBSYSTEMD
	sd_notify(0, state);
#else
	(void)state;
#endif
}

static void on_done(void *context)
{
	struct run *run = context;

	loop_stop(run->loop);
}

static void stop(struct run *run)
{
	if (run->signalled) { /* asked twice: at once */
		loop_stop(run->loop);
		return;
	}
	run->signalled = true;
	log_write(LOG_NOTICE, "stopping", NULL);
	notify("STOPPING=1");
	relay_stop(run->relay);
}

static void on_term(struct loop_signal *sig)
{
	stop(CONTAINER_OF(sig, struct run, term));
}

static void on_interrupt(struct loop_signal *sig)
{
	stop(CONTAINER_OF(sig, struct run, interrupt));
}

/* The log that cannot be opened goes on where it was. */
static void on_hangup(struct loop_signal *sig)
{
	struct run *run = CONTAINER_OF(sig, struct run, hangup);
	struct error err;
	char reason[700];

	if (log_open(run->log_channel, &err) != RC_OK)
		log_write(LOG_ERR, "the log is not opened anew", "reason=%s",
			log_quote(reason, sizeof(reason), err.text, strlen(err.text)));
	relay_reopen(run->relay);
	log_write(LOG_NOTICE, "log and files are opened anew", NULL);
}

static void on_watchdog(struct loop_timer *timer)
{
	struct run *run = CONTAINER_OF(timer, struct run, watchdog);

	notify("WATCHDOG=1");
	loop_timer_set(run->loop, timer, loop_now_ms(run->loop) + run->watchdog_ms);
}

static void watchdog_start(struct run *run)
{
#ifdef HAVE_LIBSYSTEMD
	uint64_t usec = 0;

	if (sd_watchdog_enabled(0, &usec) <= 0)
		return;
	run->watchdog_ms = (int64_t)(usec / 3000);
	run->watchdog.fire = on_watchdog;
	on_watchdog(&run->watchdog);
#else
	(void)run;
	(void)on_watchdog;
#endif
}

static void say_incomplete(void *context, const struct feed *feed, const char *reason)
{
	char quoted[700];

	(void)context;
	log_write(LOG_ERR, "not complete", "tenant=%s source=%s reason=%s",
		feed_tenant(feed)->key, feed_config(feed)->source,
		log_quote(quoted, sizeof(quoted), reason, strlen(reason)));
}

static int run_relay(const struct config *config, const struct relay_options *options)
{
	struct run run = {
		.term = {.signo = SIGTERM, .caught = on_term},
		.interrupt = {.signo = SIGINT, .caught = on_interrupt},
		.hangup = {.signo = SIGHUP, .caught = on_hangup},
		.log_channel = config->log_channel,
	};
	struct relay_options with_done = *options;
	struct relay_summary summary;
	struct error err = {0};
	enum rc rc;

	run.loop = loop_new(&clock_system);
	with_done.done = on_done;
	with_done.context = &run;
	loop_signal_add(run.loop, &run.term);
	loop_signal_add(run.loop, &run.interrupt);
	loop_signal_add(run.loop, &run.hangup);
	rc = relay_new(run.loop, config, &with_done, &run.relay, &err);
	if (rc == RC_OK) {
		log_write(LOG_NOTICE, PACKAGE_STRING " started",
			"tenants=%zu destinations=%zu", config->tenant_count,
			config->destination_count);
		relay_start(run.relay);
		notify("READY=1");
		watchdog_start(&run);
		rc = loop_run(run.loop, &err);
		relay_summary(run.relay, &summary);
		relay_incomplete(run.relay, say_incomplete, NULL);
		log_write(LOG_NOTICE, "stopped",
			"tenants=%zu received=%" PRIu64 " confirmed=%" PRIu64
			" duplicate=%" PRIu64 " filtered=%" PRIu64 " stubs=%" PRIu64
			" rejected=%" PRIu64 " unconfirmed=%" PRIu64
			" fields_left_out=%" PRIu64 " texts_cut=%" PRIu64
			" requests=%" PRIu64,
			summary.tenants, summary.total.received,
			summary.total.confirmed, summary.total.duplicate,
			summary.total.filtered, summary.total.stubs,
			summary.total.rejected, summary.total.in_window,
			summary.shed_fields, summary.cut_texts, summary.total.requests);
	}
	if (rc != RC_OK)
		log_write(LOG_CRIT, "cannot go on", "reason=\"%s\"", err.text);
	relay_free(run.relay);
	loop_timer_stop(run.loop, &run.watchdog);
	loop_free(run.loop);
	if (rc == RC_CONFIG)
		return EXIT_USAGE;
	if (rc != RC_OK || summary.broken ||
		(options->once && (!summary.complete || summary.total.rejected)))
		return EXIT_INCOMPLETE;
	return EXIT_DONE;
}

static int run(const struct cli_command *command, int argc, char **argv)
{
	struct relay_options relay_options = {.give_up_ms = -1};
	const char *path = CLI_CONFIG_DEFAULT;
	int level = -1, status;
	const struct cli_option options[] = {
		{"config", 'c', "FILE", CLI_TEXT, &path, CLI_CONFIG_HELP},
		{"once", 0, NULL, CLI_FLAG, &relay_options.once,
			"one complete pass of every feed, wait for confirmation, exit"},
		{"give-up", 0, "TIME", CLI_TIME, &relay_options.give_up_ms,
			"with --once: end after so long without progress; default 60s"},
		{"log-level", 0, "error|warning|notice|info|debug", CLI_CHOICE, &level,
			"the least important lines; default log.level of the file"},
		{0},
	};
	struct config *config;
	struct error err;

	status = cli_options(command, argc, argv, options, NULL);
	if (status != EXIT_NOT_YET)
		return status;
	if (relay_options.give_up_ms >= 0 && !relay_options.once)
		return cli_wrong(command, "--give-up goes with --once; say it too");
	if (relay_options.give_up_ms < 0)
		relay_options.give_up_ms = 60000;
	cli_protect_memory();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ,
		SIG_IGN); /* a write over the limit fails as on a full disk, and is tried again */
	config = cli_config(command, path);
	if (!config)
		return EXIT_USAGE;
	log_set_level(level >= 0 ? LOG_ERR + level : config->log_priority);
	if (log_open(config->log_channel, &err) != RC_OK) {
		config_free(config);
		return cli_wrong(command, "log.channel: %s", err.text);
	}
	status = run_relay(config, &relay_options);
	config_free(config);
	log_close();
	return status;
}

const struct cli_command cli_run = {
	.name = "run",
	.arguments = "[-c FILE] [--once] [OPTION...]",
	.summary = "forward alerts (the daemon; stays in the foreground)",
	.help = "Polls every tenant and forwards what is new until SIGTERM or SIGINT; "
		"then it waits for\n"
		"what is unconfirmed, at most the longest settle time, and ends. "
		"SIGHUP "
		"opens the log and\n"
		"the files of destinations anew. With --once it exits\n"
		"with 0 when all is confirmed; else with 1, and names each tenant and "
		"the reason.\n",
	.run = run,
};
