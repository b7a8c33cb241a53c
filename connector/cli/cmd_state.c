/* `alertrelay state`: its commands are rows like those of cli.c. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/strbuf.h"
#include "base/values.h"
#include "cli/cmd_state.h"
#include "cli/state_target.h"
#include "formats/escape.h"

/* Of one line of an export. */
#define LINE_MAXIMUM (64 * 1024)

struct check {
	struct state_target target;
	struct store *store;
	size_t feeds, unreadable;
	uint64_t alerts;
	/* Of the feed that is being read. */
	uint64_t feed_alerts;
	int64_t oldest, newest;
};

static void say_finding(void *context, const char *what)
{
	const struct check *check = context;

	fprintf(stderr, "%s: %s\n", check->target.path, what);
}

static enum rc check_row(void *context, const struct store_row *row, struct error *err)
{
	struct check *check = context;
	struct fmt_str id;

	(void)err;
	if (state_key_read(row->alert, row->alert_n, &id) != STATE_ALERT)
		return RC_OK;
	if (!check->feed_alerts++ || row->confirmed_at < check->oldest)
		check->oldest = row->confirmed_at;
	if (check->newest == NO_TIME || row->confirmed_at > check->newest)
		check->newest = row->confirmed_at;
	return RC_OK;
}

static enum rc check_feed(
	void *context, const struct store_feed *feed, struct error *err)
{
	struct check *check = context;
	char cursor[TIME_TEXT], oldest[TIME_TEXT], newest[TIME_TEXT];
	struct state_feed_name name;
	enum rc rc;

	if (!state_target_feed(&check->target, feed->key, &name))
		return RC_OK;
	check->feed_alerts = 0;
	check->oldest = check->newest = NO_TIME;
	rc = store_list_seen(check->store, feed->id, check_row, check, err);
	if (rc != RC_OK)
		return rc;
	state_feed_print(stdout, &name);
	printf(": alerts %" PRIu64 ", cursor %s", check->feed_alerts,
		state_time(feed->cursor, cursor));
	if (check->feed_alerts)
		printf(", confirmed %s to %s", state_time(check->oldest, oldest),
			state_time(check->newest, newest));
	puts(check->target.config && !name.feed ? "; not in the configuration" : "");
	if (!state_cursor_good(feed->cursor, clock_wall(&clock_system)) ||
		(check->feed_alerts && (!state_time_good(check->oldest) ||
					       !state_time_good(check->newest))))
		check->unreadable++;
	check->feeds++;
	check->alerts += check->feed_alerts;
	return RC_OK;
}

static intmax_t octets(const char *path, const char *suffix)
{
	struct strbuf name;
	struct stat st;
	intmax_t size = 0;

	strbuf_init(&name, 8192);
	if (strbuf_addf(&name, "%s%s", path, suffix) && !stat(name.p, &st))
		size = (intmax_t)st.st_size;
	strbuf_clear(&name);
	return size;
}

static void say_in_use(const char *path, long user)
{
	char now[TIME_TEXT];

	if (!user)
		return;
	(void)time_format(clock_wall(&clock_system), 0, now);
	printf("in use by a running alertrelay");
	if (user > 0)
		printf(", process %ld", user);
	printf(": read from a copy of %s as it was at %s\n", path, now);
}

static int check_all(const struct cli_command *command, struct check *check)
{
	struct error err = {0};

	if (store_check(check->store, say_finding, check, &err) != RC_OK) {
		fputs("`alertrelay state export` prints what can still be read\n",
			stderr);
		return state_failed(command, &err);
	}
	if (store_list_feeds(check->store, check_feed, check, &err) != RC_OK)
		return state_failed(command, &err);
	printf("%s: %s; schema %d, feeds %zu, alerts %" PRIu64 ", octets %jd, log "
	       "octets %jd\n",
		check->target.path, check->unreadable ? "not good" : "good",
		store_schema(check->store), check->feeds, check->alerts,
		octets(check->target.path, ""), octets(check->target.path, "-wal"));
	if (!check->unreadable)
		return EXIT_DONE;
	fprintf(stderr,
		"alertrelay %s: %zu of the feeds have times that cannot be right; "
		"`alertrelay state forget` lets them begin anew\n",
		command->name, check->unreadable);
	return EXIT_INCOMPLETE;
}

static int check_run(const struct cli_command *command, int argc, char **argv)
{
	struct check check = {0};
	const struct cli_option options[] = {
		STATE_TARGET_OPTIONS(&check.target),
		{0},
	};
	int status = cli_options(command, argc, argv, options, NULL);
	struct error err = {0};

	if (status != EXIT_NOT_YET)
		return status;
	status = state_target_open(command, &check.target);
	if (status == EXIT_NOT_YET) {
		say_in_use(check.target.path, store_in_use(check.target.path));
		if (store_open_copy(check.target.path, &check.store, &err) == RC_OK)
			status = check_all(command, &check);
		else
			status = state_failed(command, &err);
		store_close(check.store);
	}
	state_target_close(&check.target);
	return status;
}

static const struct cli_command state_check = {
	.name = "state check",
	.arguments = "[-c FILE] [OPTION...]",
	.summary = "read all of the state, and say what it holds of each feed",
	.help = "Reads every page of the state file and prints for each feed how many "
		"alerts are\n"
		"confirmed, up to when it has read (cursor), and the oldest and the "
		"newest confirmation.\n"
		"It reads a copy (in TMPDIR, else /var/tmp), so a running relay is "
		"neither stopped nor\n"
		"held up. Exit status: 0 good, 1 damaged or not readable, 2 usage, or "
		"no state of this\nprogram.\n",
	.run = check_run,
};

struct export
{
	struct state_target target;
	bool json, csv;
	struct store *store;
	struct strbuf line;
	const struct state_feed_name *name;
	int64_t cursor;
	uint64_t rows; /* of the feed that is being printed */
};

/* RFC 4180. */
static void add_csv(struct strbuf *line, struct fmt_str s)
{
	bool quote = false;

	for (size_t i = 0; i < s.n && !quote; i++)
		quote = strchr(",\"\r\n", s.p[i]) != NULL;
	if (!quote) {
		strbuf_add(line, s.p, s.n);
		return;
	}
	strbuf_addc(line, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			strbuf_addc(line, '"');
		strbuf_addc(line, s.p[i]);
	}
	strbuf_addc(line, '"');
}

static void add_json(struct strbuf *line, const char *name, struct fmt_str s)
{
	strbuf_addf(line, "%s\"%s\":\"", line->n ? "," : "{", name);
	if (!strbuf_reserve(line, ESCAPE_JSON_ROOM(s.n))) {
		line->full = true;
		return;
	}
	line->n = (size_t)(escape_json_string(line->p + line->n, s) - line->p);
	strbuf_addc(line, '"');
}

static const char *const columns[] = {"tenant", "tenantId", "source", "destinations",
	"cursor", "alert", "version", "changed", "confirmed"};
#define COLUMNS (sizeof(columns) / sizeof(*columns))

static enum rc print_line(
	struct export *export, const struct fmt_str values[COLUMNS], struct error *err)
{
	strbuf_reset(&export->line);
	for (size_t i = 0; i < COLUMNS; i++) {
		if (export->json && values[i].n)
			add_json(&export->line, columns[i], values[i]);
		if (export->json)
			continue;
		if (i)
			strbuf_addc(&export->line, ',');
		add_csv(&export->line, values[i]);
	}
	strbuf_adds(&export->line, export->json ? "}\n" : "\r\n");
	if (export->line.full)
		return error_set(err, RC_LIMIT,
			"a row of the state is longer than any that alertrelay writes");
	fwrite(export->line.p, 1, export->line.n, stdout);
	export->rows++;
	return ferror(stdout) ? error_set(err, RC_IO, "standard output is closed")
			      : RC_OK;
}

static struct fmt_str text(const char *s)
{
	return (struct fmt_str){s, strlen(s)};
}

/* NO_TIME is left out. */
static struct fmt_str time_value(int64_t ticks, char out[TIME_TEXT])
{
	return ticks == NO_TIME ? (struct fmt_str){"", 0}
				: text(state_time(ticks, out));
}

static void feed_values(const struct export *export, struct fmt_str values[COLUMNS],
	char cursor[TIME_TEXT])
{
	const struct state_feed *parts = &export->name->parts;

	for (size_t i = 0; i < COLUMNS; i++)
		values[i] = (struct fmt_str){"", 0};
	values[0] = export->name->customer;
	values[1] = parts->tenant_id;
	values[2] = parts->source;
	values[3] = parts->destinations;
	values[4] = time_value(export->cursor, cursor);
}

static enum rc export_row(void *context, const struct store_row *row, struct error *err)
{
	struct export *export = context;
	char cursor[TIME_TEXT], changed[TIME_TEXT], confirmed[TIME_TEXT];
	char version[ALERT_VERSION_TEXT];
	struct fmt_str values[COLUMNS], id;

	if (state_key_read(row->alert, row->alert_n, &id) != STATE_ALERT)
		return RC_OK;
	feed_values(export, values, cursor);
	alert_version_text(row->version, version);
	values[5] = id;
	values[6] = text(version);
	/* 0: the alert did not tell. */
	values[7] = time_value(row->updated ? row->updated : NO_TIME, changed);
	values[8] = time_value(row->confirmed_at, confirmed);
	return print_line(export, values, err);
}

static enum rc export_feed(
	void *context, const struct store_feed *feed, struct error *err)
{
	struct export *export = context;
	struct fmt_str values[COLUMNS];
	struct state_feed_name name;
	char cursor[TIME_TEXT];
	enum rc rc;

	if (!state_target_feed(&export->target, feed->key, &name))
		return RC_OK;
	export->name = &name;
	export->cursor = feed->cursor;
	export->rows = 0;
	rc = store_list_seen(export->store, feed->id, export_row, export, err);
	if (rc == RC_OK && !export->rows) {
		feed_values(export, values, cursor);
		rc = print_line(export, values, err);
	}
	return rc;
}

static int export_all(const struct cli_command *command, struct export *export)
{
	int status = EXIT_DONE;
	struct error err = {0};

	if (store_open_copy(export->target.path, &export->store, &err) != RC_OK)
		return state_failed(command, &err);
	strbuf_init(&export->line, LINE_MAXIMUM);
	for (size_t i = 0; !export->json && i < COLUMNS; i++)
		printf("%s%s", columns[i], i + 1 < COLUMNS ? "," : "\r\n");
	if (store_list_feeds(export->store, export_feed, export, &err) != RC_OK)
		status = state_failed(command, &err);
	strbuf_clear(&export->line);
	store_close(export->store);
	return status;
}

static int export_run(const struct cli_command *command, int argc, char **argv)
{
	struct export export = {0};
	const struct cli_option options[] = {
		STATE_TARGET_OPTIONS(&export.target),
		{"json", 0, NULL, CLI_FLAG, &export.json, "an object of JSON a line"},
		{"csv", 0, NULL, CLI_FLAG, &export.csv,
			"RFC 4180 with a line of names, the default"},
		{0},
	};
	int status = cli_options(command, argc, argv, options, NULL);

	if (status != EXIT_NOT_YET)
		return status;
	if (export.json && export.csv)
		return cli_wrong(command, "--json or --csv, not both");
	status = state_target_open(command, &export.target);
	if (status == EXIT_NOT_YET)
		status = export_all(command, &export);
	state_target_close(&export.target);
	return status;
}

static const struct cli_command state_export = {
	.name = "state export",
	.arguments = "[-c FILE] [--json|--csv] [OPTION...]",
	.summary = "print the cursor and the confirmed alerts of each feed",
	.help = "Prints a line for each alert that is confirmed: its feed, the feed's "
		"cursor, the alert's\n"
		"id and version as in its message, when it had changed, and when it "
		"was "
		"confirmed; or one\n"
		"line for a feed without any. It reads a copy (in TMPDIR, else "
		"/var/tmp), so a running\n"
		"relay is neither stopped nor held up.\n",
	.run = export_run,
};

static const struct cli_command *const commands[] = {
	&state_check, &state_export, &cli_state_forget};
#define COMMANDS (sizeof(commands) / sizeof(*commands))

static int state_run(const struct cli_command *command, int argc, char **argv)
{
	static const struct cli_option none[] = {{0}};
	const char *names[COMMANDS];
	struct error err;
	int status;

	for (size_t i = 0; i < COMMANDS; i++) {
		names[i] = commands[i]->name + strlen(command->name) + 1;
		if (argc > 1 && strcmp(argv[1], names[i]) == 0)
			return commands[i]->run(commands[i], argc - 1, argv + 1);
	}
	if (argc > 1 && argv[1][0] != '-') {
		value_unknown(argv[1], "command of it", names, COMMANDS, &err);
		return cli_wrong(command, "%s", err.text);
	}
	status = cli_options(command, argc, argv, none, NULL);
	return status == EXIT_NOT_YET
		       ? cli_wrong(command, "say check, export or forget")
		       : status;
}

const struct cli_command cli_state = {
	.name = "state",
	.arguments = "check|export|forget [OPTION...]",
	.summary = "look at the state: check it, print it, forget a part of it",
	.help = "  check   read all of the state, and say what it holds of each feed\n"
		"  export  print the cursor and the confirmed alerts of each feed\n"
		"  forget  let alerts of a tenant be sent again\n\n"
		"`alertrelay state COMMAND --help` says more.\n",
	.run = state_run,
};
