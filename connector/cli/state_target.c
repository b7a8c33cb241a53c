#include "config.h"

#include "cli/state_target.h"

#include <string.h>

#include "base/strbuf.h"

/* Seconds of the years 1 and 9999. */
#define FIRST_S INT64_C(-62135596800)
#define LAST_S INT64_C(253402300799)

static int find_tenant(const struct cli_command *command, struct state_target *target)
{
	const struct config_tenant *tenant = NULL;
	struct error err = {0}, unread;

	if (target->config)
		tenant = config_find_tenant(target->config, target->tenant, &err);
	if (tenant)
		snprintf(target->tenant_id, sizeof(target->tenant_id), "%s",
			tenant->tenant_id);
	/* One that has left the configuration may still be in the state. */
	else if (value_tenant_id(target->tenant, target->tenant_id,
			 target->config ? &unread : &err) != RC_OK)
		return cli_wrong(command, "--tenant: %s%s", err.text,
			target->config
				? ""
				: "; only a configuration (-c FILE) knows names");
	return EXIT_NOT_YET;
}

int state_target_open(const struct cli_command *command, struct state_target *target)
{
	if (!target->config_path && !target->state_path)
		target->config_path = CLI_CONFIG_DEFAULT;
	if (target->config_path) {
		target->config = cli_config(command, target->config_path);
		if (!target->config)
			return EXIT_USAGE;
	}
	target->path =
		target->state_path ? target->state_path : target->config->state_file;
	if (!target->path[0])
		return cli_wrong(command, "%s keeps no state (state.type: memory)",
			target->config_path);
	return target->tenant ? find_tenant(command, target) : EXIT_NOT_YET;
}

void state_target_close(struct state_target *target)
{
	config_free(target->config);
}

int state_failed(const struct cli_command *command, const struct error *err)
{
	fprintf(stderr, "alertrelay %s: %s\n", command->name, err->text);
	return err->code == RC_CONFIG ? EXIT_USAGE : EXIT_INCOMPLETE;
}

static bool is(struct fmt_str s, const char *text)
{
	return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

static void find_configured(
	const struct config *config, const char *key, struct state_feed_name *name)
{
	struct strbuf made;

	for (size_t i = 0; i < config->tenant_count && !name->tenant; i++)
		if (is(name->parts.tenant_id, config->tenants[i].tenant_id))
			name->tenant = &config->tenants[i];
	if (!name->tenant)
		return;
	strbuf_init(&made, STORE_KEY_MAXIMUM);
	for (size_t i = 0; i < name->tenant->feed_count && !name->feed; i++)
		if (state_feed_make(&made, name->tenant->tenant_id,
			    &name->tenant->feeds[i], NULL) == RC_OK &&
			strcmp(made.p, key) == 0)
			name->feed = &name->tenant->feeds[i];
	strbuf_clear(&made);
}

bool state_target_feed(const struct state_target *target, const char *key,
	struct state_feed_name *name)
{
	*name = (struct state_feed_name){0};
	state_feed_read(key, &name->parts);
	if ((target->tenant_id[0] && !is(name->parts.tenant_id, target->tenant_id)) ||
		(target->source && !is(name->parts.source, target->source)))
		return false;
	if (target->config)
		find_configured(target->config, key, name);
	name->customer = name->parts.tenant_id;
	if (name->tenant)
		name->customer =
			(struct fmt_str){name->tenant->key, strlen(name->tenant->key)};
	return true;
}

void state_feed_print(FILE *to, const struct state_feed_name *name)
{
	fprintf(to, "%.*s %.*s to %.*s", (int)name->customer.n, name->customer.p,
		(int)name->parts.source.n, name->parts.source.p,
		(int)name->parts.destinations.n, name->parts.destinations.p);
}

bool state_time_good(int64_t ticks)
{
	return ticks >= FIRST_S * TICKS_PER_S && ticks <= LAST_S * TICKS_PER_S;
}

const char *state_time(int64_t ticks, char out[TIME_TEXT])
{
	if (ticks == NO_TIME)
		return "none";
	if (!state_time_good(ticks))
		return "unreadable";
	(void)time_format(ticks, 7, out);
	return out;
}
