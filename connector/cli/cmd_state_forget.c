#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "cli/cmd_state.h"
#include "cli/state_target.h"

/* Rows with one id: an alert has more when its time of creation came and went. */
#define MATCHES 8

struct plan {
	int64_t id, cursor;
	char *key;
	struct state_feed_name name;
	uint64_t alerts; /* of the feed */
	uint64_t again, stubs_again; /* those that are sent again */
	int64_t start; /* where the feed began, or NO_TIME */
	int64_t to; /* where it is to read again from; NO_TIME: at its look_back */
	/* Of --alert. */
	char *matches[MATCHES];
	size_t match_n[MATCHES], match_count;
	int64_t changed;
};

struct forget {
	struct state_target target;
	const char *alert;
	int64_t since; /* or NO_TIME */
	bool yes;
	struct store *store;
	struct plan *plans;
	size_t count;
};

static void plan_free(struct plan *plan)
{
	for (size_t i = 0; i < plan->match_count; i++)
		free(plan->matches[i]);
	free(plan->key);
}

static void plan_match(struct plan *plan, const struct store_row *row)
{
	size_t i = plan->match_count;

	if (i == MATCHES)
		return;
	plan->matches[i] = xstrndup(row->alert, row->alert_n);
	plan->match_n[i] = row->alert_n;
	plan->match_count++;
	if (i == 0 || row->updated < plan->changed)
		plan->changed = row->updated;
}

/* From when on a feed that begins anew sends what it was told; NO_TIME: it is not configured. */
static int64_t look_back(const struct plan *plan)
{
	const struct config_feed *feed = plan->name.feed;

	if (!feed)
		return NO_TIME;
	return clock_wall(&clock_system) -
	       (feed->lag_ms + feed->look_back_ms) * TICKS_PER_MS;
}

struct reading {
	const struct forget *forget;
	struct plan *plan;
	int64_t from;
};

static enum rc plan_row(void *context, const struct store_row *row, struct error *err)
{
	struct reading *reading = context;
	struct plan *plan = reading->plan;
	bool again = reading->from != NO_TIME && row->updated >= reading->from;
	struct fmt_str id;

	(void)err;
	switch (state_key_read(row->alert, row->alert_n, &id)) {
	case STATE_ALERT:
		plan->alerts++;
		plan->again += again;
		if (reading->forget->alert && state_key_is(id, reading->forget->alert))
			plan_match(plan, row);
		break;
	case STATE_STUB:
		plan->stubs_again += again;
		break;
	case STATE_OWN:
		if (row->alert_n == strlen(STATE_KEY_START) &&
			memcmp(row->alert, STATE_KEY_START, row->alert_n) == 0)
			plan->start = (int64_t)row->version;
		break;
	}
	return RC_OK;
}

/* Reads the rows of a feed and decides where it goes on; plan->to stays NO_TIME to begin anew. */
static enum rc plan_read(struct forget *forget, struct plan *plan, struct error *err)
{
	struct reading reading = {forget, plan, forget->since};
	enum rc rc;

	if (!forget->alert && forget->since == NO_TIME)
		reading.from = look_back(plan);
	rc = store_list_seen(forget->store, plan->id, plan_row, &reading, err);
	plan->to = forget->since;
	if (rc != RC_OK || !forget->alert || !plan->match_count)
		return rc;
	if (forget->since == NO_TIME && plan->changed <= 0)
		return error_set(err, RC_CONFIG,
			"it is not known when this alert changed; say --since TIME, "
			"and "
			"all alerts of the feed are asked for again from then on");
	if (forget->since == NO_TIME)
		plan->to = plan->changed;
	else if (plan->changed > 0 && forget->since > plan->changed)
		return error_set(err, RC_CONFIG,
			"this alert changed before --since, so it would not be asked "
			"for; "
			"leave --since out");
	return RC_OK;
}

static enum rc plan_feed(
	void *context, const struct store_feed *feed, struct error *err)
{
	struct forget *forget = context;
	struct state_feed_name name;
	struct plan *plan;

	(void)err;
	if (!state_target_feed(&forget->target, feed->key, &name))
		return RC_OK;
	forget->plans =
		xrealloc(forget->plans, (forget->count + 1) * sizeof(*forget->plans));
	plan = &forget->plans[forget->count++];
	*plan = (struct plan){.id = feed->id,
		.cursor = feed->cursor,
		.key = xstrdup(feed->key),
		.start = NO_TIME,
		.to = NO_TIME};
	(void)state_target_feed(&forget->target, plan->key, &plan->name);
	return RC_OK;
}

/* Leaves out the feeds that do not know the alert. */
static void keep_matching(struct forget *forget)
{
	size_t kept = 0;

	for (size_t i = 0; i < forget->count; i++) {
		if (forget->plans[i].match_count)
			forget->plans[kept++] = forget->plans[i];
		else
			plan_free(&forget->plans[i]);
	}
	forget->count = kept;
}

static enum rc plan_all(struct forget *forget, struct error *err)
{
	enum rc rc = store_list_feeds(forget->store, plan_feed, forget, err);
	const char *source = forget->target.source;

	if (rc == RC_OK && !forget->count)
		return error_set(err, RC_STORE,
			"tenant %s has no feed%s%s in %s; `alertrelay state check` "
			"lists those that there are",
			forget->target.tenant, source ? " with source " : "",
			source ? source : "", forget->target.path);
	for (size_t i = 0; rc == RC_OK && i < forget->count; i++)
		rc = plan_read(forget, &forget->plans[i], err);
	if (rc != RC_OK || !forget->alert)
		return rc;
	keep_matching(forget);
	return forget->count
		       ? RC_OK
		       : error_set(err, RC_STORE,
				 "tenant %s: alert %s was not confirmed, so there is "
				 "nothing to forget; with --since alone a feed asks "
				 "again for all that changed",
				 forget->target.tenant, forget->alert);
}

static const char *alerts(uint64_t count)
{
	return count == 1 ? "alert" : "alerts";
}

static void say_begin_anew(const struct forget *forget, const struct plan *plan)
{
	char from[TIME_TEXT];

	printf("  forgets the feed: %" PRIu64 " confirmed %s, and its cursor %s\n",
		plan->alerts, alerts(plan->alerts), state_time(plan->cursor, from));
	if (!forget->target.config)
		puts("  at the next start: where this feed is configured it begins at "
		     "its look_back, and sends again\n  what changed since then");
	else if (!plan->name.feed)
		puts("  at the next start: nothing, as this feed is not in the "
		     "configuration");
	else
		printf("  at the next start: the feed begins at its look_back, now "
		       "%s;\n"
		       "  %" PRIu64 " of these alerts changed since then and are sent "
		       "again\n",
			state_time(look_back(plan), from), plan->again);
}

static void say_from(const struct forget *forget, const struct plan *plan)
{
	char to[TIME_TEXT], cursor[TIME_TEXT];

	(void)state_time(plan->to, to);
	if (forget->alert)
		printf("  forgets the alert %s, which changed at %s\n", forget->alert,
			state_time(plan->changed, cursor));
	else
		printf("  forgets the %" PRIu64 " %s that changed at %s or later, of "
		       "%" PRIu64 "\n",
			plan->again, alerts(plan->again), to, plan->alerts);
	if (plan->cursor != NO_TIME && plan->cursor > plan->to)
		printf("  moves the cursor back from %s to %s\n",
			state_time(plan->cursor, cursor), to);
	if (forget->alert)
		printf("  at the next start: the feed reads again from there; this "
		       "alert is sent again, the other\n  %" PRIu64 " that are "
		       "confirmed are not\n",
			plan->alerts - plan->match_count);
	else
		printf("  at the next start: the feed reads again from there; these "
		       "%" PRIu64 " are sent again, and what\n  was never confirmed; "
		       "the other %" PRIu64 " are not\n",
			plan->again, plan->alerts - plan->again);
}

static void say_plan(const struct forget *forget, const struct plan *plan)
{
	state_feed_print(stdout, &plan->name);
	puts(":");
	if (plan->to == NO_TIME)
		say_begin_anew(forget, plan);
	else
		say_from(forget, plan);
	if (plan->stubs_again && !forget->alert)
		printf("  and %" PRIu64
		       " stubs, if what they stand for still cannot be "
		       "read\n",
			plan->stubs_again);
}

static void say_all(const struct forget *forget)
{
	printf("state file %s\n", forget->target.path);
	for (size_t i = 0; i < forget->count; i++)
		say_plan(forget, &forget->plans[i]);
	puts("What is sent again has the same id, and the same version unless it has "
	     "changed.");
}

static int confirm(const struct cli_command *command, const struct forget *forget)
{
	char line[300];

	if (forget->yes)
		return EXIT_NOT_YET;
	if (!isatty(STDIN_FILENO))
		return cli_wrong(command, "nothing was forgotten: standard input is no "
					  "terminal to ask at; "
					  "say --yes");
	printf("Type the tenant's name, %s, to do it: ", forget->target.tenant);
	(void)fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (strcmp(line, forget->target.tenant) == 0)
		return EXIT_NOT_YET;
	fprintf(stderr, "alertrelay %s: nothing was forgotten: that is not the name\n",
		command->name);
	return EXIT_INCOMPLETE;
}

static enum rc move_back(
	struct store *store, const struct plan *plan, struct error *err)
{
	enum rc rc = RC_OK;

	/* What is older than its beginning a feed does not send. */
	if (plan->start != NO_TIME && plan->start >= plan->to)
		rc = store_put_seen(store, plan->id, STATE_KEY_START,
			strlen(STATE_KEY_START), (uint64_t)plan->to, plan->to, err);
	if (rc == RC_OK)
		rc = store_forget_alert(store, plan->id, STATE_KEY_RESCAN,
			strlen(STATE_KEY_RESCAN), err);
	if (rc == RC_OK && plan->cursor != NO_TIME && plan->cursor > plan->to)
		rc = store_put_cursor(store, plan->id, plan->to, err);
	return rc;
}

static enum rc apply(
	const struct forget *forget, const struct plan *plan, struct error *err)
{
	enum rc rc = RC_OK;

	if (plan->to == NO_TIME)
		return store_forget_feed(forget->store, plan->id, err);
	if (!forget->alert)
		rc = store_forget_since(forget->store, plan->id, plan->to, err);
	for (size_t i = 0; rc == RC_OK && i < plan->match_count; i++)
		rc = store_forget_alert(forget->store, plan->id, plan->matches[i],
			plan->match_n[i], err);
	return rc == RC_OK ? move_back(forget->store, plan, err) : rc;
}

/* All or nothing. */
static enum rc apply_all(struct forget *forget, struct error *err)
{
	enum rc rc = store_begin(forget->store, err);

	for (size_t i = 0; rc == RC_OK && i < forget->count; i++)
		rc = apply(forget, &forget->plans[i], err);
	return rc == RC_OK ? store_commit(forget->store, err) : rc;
}

static int forget_all(const struct cli_command *command, struct forget *forget)
{
	struct error err = {0};
	int status;

	/* It is held until the end, so that what was said stays true. */
	if (store_open_existing(forget->target.path, &clock_system, &forget->store,
		    &err) != RC_OK ||
		plan_all(forget, &err) != RC_OK)
		return state_failed(command, &err);
	say_all(forget);
	status = confirm(command, forget);
	if (status != EXIT_NOT_YET)
		return status;
	if (apply_all(forget, &err) != RC_OK)
		return state_failed(command, &err);
	puts("done");
	return EXIT_DONE;
}

static int forget_run(const struct cli_command *command, int argc, char **argv)
{
	struct forget forget = {.since = NO_TIME};
	const struct cli_option options[] = {
		STATE_TARGET_OPTIONS(&forget.target),
		{"alert", 0, "ID", CLI_TEXT, &forget.alert,
			"one alert; its feed reads again from when it changed"},
		{"since", 0, "TIME", CLI_MOMENT, &forget.since,
			"what changed since, as 2026-01-05T09:00:00Z, or 2h before "
			"now"},
		{"yes", 0, NULL, CLI_FLAG, &forget.yes,
			"do it without asking; nothing is done without a terminal "
			"else"},
		{0},
	};
	int status = cli_options(command, argc, argv, options, NULL);

	if (status != EXIT_NOT_YET)
		return status;
	if (!forget.target.tenant)
		return cli_wrong(command, "say --tenant KEY, whose alerts are meant");
	status = state_target_open(command, &forget.target);
	if (status == EXIT_NOT_YET)
		status = forget_all(command, &forget);
	for (size_t i = 0; i < forget.count; i++)
		plan_free(&forget.plans[i]);
	free(forget.plans);
	store_close(forget.store);
	state_target_close(&forget.target);
	return status;
}

const struct cli_command cli_state_forget = {
	.name = "state forget",
	.arguments = "--tenant KEY [--source NAME] [--alert ID] [--since TIME] [--yes]",
	.summary = "let alerts of a tenant be sent again",
	.help = "Forgets that alerts of a tenant were confirmed, so that they are sent "
		"again: all, and\n"
		"then its feeds begin at their look_back; with --since those that "
		"changed since; with\n"
		"--alert one. It says for each feed what will be sent again, and asks. "
		"The relay must not\n"
		"be running on this state.\n",
	.run = forget_run,
};
