#include "config.h"

#include "relay/configuration.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/values.h"
#include "base/yaml.h"
#include "deliver/formatter.h"
#include "deliver/module.h"
#include "fetch/secret.h"
#include "relay/field_rules.h"
#include "relay/loader.h"
#include "relay/options.h"
#include "store/store.h"

#define DEFAULT_SCOPE "/.default"

/* --- feeds --- */

/* Which destinations a feed's names are. */
static void resolve(
	struct loader *l, const struct yaml_node *map, struct config_feed *feed)
{
	const struct config *config = l->config;
	struct error err;

	feed->destination_index = arena_alloc(&config->memory->strings,
		feed->destination_count * sizeof(*feed->destination_index));
	for (size_t i = 0; i < feed->destination_count; i++) {
		const struct destination_options *found =
			config_destination(config, feed->destinations[i], &err);

		if (found)
			feed->destination_index[i] =
				(size_t)(found - config->destinations);
		else
			options_wrong(
				&l->reader, line_of(map, "to"), "to: %s", err.text);
	}
}

static bool same_feed(const struct config_feed *a, const struct config_feed *b)
{
	size_t same = 0;

	if (!a->source || !b->source || strcmp(a->source, b->source) ||
		a->destination_count != b->destination_count)
		return false;
	for (size_t i = 0; i < a->destination_count; i++)
		for (size_t j = 0; j < b->destination_count; j++)
			same += !strcmp(a->destinations[i], b->destinations[j]);
	return same == a->destination_count;
}

static void check_source(
	struct loader *l, const struct yaml_node *map, struct config_feed *feed)
{
	const struct source *source = source_find(feed->source);

	if (feed->page_size && source->paging == PAGING_NONE)
		options_wrong(&l->reader, line_of(map, "page_size"),
			"page_size: source %s gives all at once; take it out",
			source->name);
	else if (feed->page_size > source->page_size_max)
		options_wrong(&l->reader, line_of(map, "page_size"),
			"page_size: source %s takes at most %u", source->name,
			source->page_size_max);
	else if (!feed->page_size)
		feed->page_size = source->page_size;
	if (!feed->expand && !source->expand)
		options_wrong(&l->reader, line_of(map, "expand"),
			"expand: source %s cannot do without it; take it out",
			source->name);
}

static void read_feed(
	struct loader *l, const struct yaml_node *map, struct config_feed *feed)
{
	size_t before = l->problem_count;

	options_fill(&l->reader, SECTION_FEED, feed, map);
	if (map->kind != YAML_MAP)
		return;
	if (feed->destination_count) /* checked beside what else is wrong */
		resolve(l, map, feed);
	if (l->problem_count != before)
		return;
	if (!feed->destination_count) {
		options_wrong(&l->reader, map->line,
			"this feed goes nowhere; write to: with the names of "
			"destinations");
		return;
	}
	check_source(l, map, feed);
	if (feed->overlap_ms > l->main.state_keep_ms ||
		feed->look_back_ms > l->main.state_keep_ms ||
		feed->rescan_range_ms > l->main.state_keep_ms)
		options_wrong(&l->reader, map->line,
			"look_back, overlap and rescan_range must not be longer than "
			"state.keep, or "
			"alerts come again and again");
}

/* Where the feeds go in *feeds; the count is 0 when there are none or something is wrong. */
static size_t read_feeds(
	struct loader *l, const struct yaml_node *list, struct config_feed **feeds)
{
	size_t count = 0, i = 0;

	*feeds = NULL;
	if (list->kind != YAML_LIST || !list->first) {
		options_wrong(&l->reader, list->key_line,
			"feeds: must be a list of feeds; write `- {source: "
			"graph-alerts, to: "
			"[NAME]}` lines");
		return 0;
	}
	for (const struct yaml_node *map = list->first; map; map = map->next)
		count++;
	if (count > 64) {
		options_wrong(&l->reader, list->key_line,
			"feeds: %zu of them; at most 64 are taken", count);
		return 0;
	}
	*feeds = arena_alloc(&l->config->memory->strings, count * sizeof(**feeds));
	memset(*feeds, 0, count * sizeof(**feeds));
	for (const struct yaml_node *map = list->first; map; map = map->next, i++) {
		read_feed(l, map, &(*feeds)[i]);
		for (size_t j = 0; j < i; j++) {
			if (!same_feed(&(*feeds)[i], &(*feeds)[j]))
				continue;
			options_wrong(&l->reader, map->line,
				"this feed has the source and destinations of another "
				"one here; keep one of them");
			break;
		}
	}
	return count;
}

/* --- tenants --- */

static struct config_tenant *add_tenant(struct loader *l)
{
	struct config *config = l->config;

	if (config->tenant_count == l->tenant_room) {
		l->tenant_room = l->tenant_room ? l->tenant_room * 2 : 16;
		config->tenants = xrealloc(
			config->tenants, l->tenant_room * sizeof(*config->tenants));
	}
	config->tenants[config->tenant_count] = (struct config_tenant){0};
	return &config->tenants[config->tenant_count++];
}

/* What options say, else what they say for all, else what is so in the cloud. */
static const struct config_api *make_apis(struct loader *l, const struct cloud *cloud,
	const struct app_options *own, const struct app_options *all)
{
	struct arena *strings = &l->config->memory->strings;
	struct config_api *apis = arena_alloc(strings, API_FAMILIES * sizeof(*apis));

	for (int i = 0; i < API_FAMILIES; i++) {
		struct config_api *api = &apis[i];
		size_t n;
		char *scope;

		api->root = own->roots[i];
		if (!api->root && all)
			api->root = all->roots[i];
		if (!api->root)
			api->root = cloud->apis[i].root;
		api->audience = own->audiences[i];
		if (!api->audience && all)
			api->audience = all->audiences[i];
		if (!api->audience)
			api->audience = cloud->apis[i].audience;
		if (!api->audience)
			api->audience = api->root ? api->root : "";
		n = strlen(api->audience);
		scope = arena_alloc(strings, n + sizeof(DEFAULT_SCOPE));
		memcpy(scope, api->audience, n);
		memcpy(scope + n, DEFAULT_SCOPE, sizeof(DEFAULT_SCOPE));
		api->scope = scope;
	}
	return apis;
}

static void choose_cloud(struct loader *l, const struct yaml_node *map,
	const struct app_options *own, struct config_tenant *tenant)
{
	bool elsewhere = own->cloud != l->app.cloud;
	const struct app_options *all = elsewhere ? NULL : &l->app;
	const struct cloud *cloud =
		cloud_at((enum cloud_number)(elsewhere ? own->cloud : l->app.cloud));
	bool said = elsewhere;

	for (int i = 0; i < API_FAMILIES; i++)
		said |= own->roots[i] || own->audiences[i];
	tenant->apis = said ? make_apis(l, cloud, own, all) : l->apis;
	tenant->login_root = own->login_root;
	if (!tenant->login_root && all)
		tenant->login_root = all->login_root;
	if (!tenant->login_root)
		tenant->login_root = cloud->login_root;
	if (elsewhere && !yaml_get(map, "client_id") &&
		strcmp(cloud->login_root,
			cloud_at((enum cloud_number)l->app.cloud)->login_root))
		options_wrong(&l->reader, line_of(map, "cloud"),
			"cloud: the app registration of app is in the cloud %s and "
			"does not "
			"exist in %s; write client_id and a way to sign in of this "
			"tenant's "
			"own",
			cloud_at((enum cloud_number)l->app.cloud)->name, cloud->name);
	tenant->cloud = cloud;
}

/* Tokens do not cross clouds: what would be refused at each poll is said here. */
static void check_cloud(struct loader *l, const struct config_tenant *tenant,
	const struct source *source)
{
	static const char suffix[] = DEFAULT_SCOPE;
	const struct config_api *api = &tenant->apis[source->api];
	const char *names[CLOUD_PARTS], *name = api_name(source->api);
	size_t n = strlen(api->audience);

	if (n >= sizeof(suffix) - 1 &&
		!strcmp(api->audience + n - (sizeof(suffix) - 1), suffix))
		options_wrong(&l->reader, tenant->line,
			"tenant %s: %s_audience %s ends in " DEFAULT_SCOPE
			", which is added by itself; leave it out",
			tenant->key, name, api->audience);
	else if (!cloud_is_one(source->api, tenant->login_root, api->root,
			 api->audience, names))
		options_wrong(&l->reader, tenant->line,
			"tenant %s: login_root %s (%s), %s_root %s (%s) and "
			"%s_audience %s (%s) are not of one cloud; write the cloud of "
			"this tenant, and take out what is of another",
			tenant->key, tenant->login_root, names[CLOUD_LOGIN], name,
			api->root, names[CLOUD_ROOT], name, api->audience,
			names[CLOUD_AUDIENCE]);
}

/* Is there what the feeds ask? Said once for each API. */
static void check_apis(struct loader *l, const struct config_tenant *tenant)
{
	bool told[API_FAMILIES] = {false};

	for (size_t i = 0; i < tenant->feed_count; i++) {
		const struct source *source =
			tenant->feeds[i].source ? source_find(tenant->feeds[i].source)
						: NULL;

		if (!source || told[source->api])
			continue;
		told[source->api] = true;
		if (tenant->apis[source->api].root)
			check_cloud(l, tenant, source);
		else
			options_wrong(&l->reader, tenant->line,
				"tenant %s, source %s: %s", tenant->key, source->name,
				tenant->cloud->apis[source->api].none);
	}
}

/* Its own app registration wholly, or the common one, perhaps with this tenant's own user. */
static void choose_app(struct loader *l, const struct yaml_node *map,
	const struct app_options *own, struct config_tenant *tenant)
{
	bool has_id = yaml_get(map, "client_id") != NULL,
	     has_way = loader_names_way(map),
	     has_user = yaml_get(map, "refresh_token_file") != NULL;
	struct credential_options sign_in = own->sign_in;

	choose_cloud(l, map, own, tenant);
	if (has_id && !has_way && !has_user)
		options_wrong(&l->reader, line_of(map, "client_id"),
			"client_id: an app registration of this tenant's own needs its "
			"own way to sign in; write " ALL_WAYS);
	else if (!has_id && has_way)
		options_wrong(&l->reader, line_of(map, ""),
			"a way to sign in of this tenant's own needs the client_id "
			"that it belongs to; write client_id");
	tenant->client_id = has_id ? own->client_id : l->app.client_id;
	loader_check_sign_in(l, map, &sign_in);
	if (has_id || has_way) {
		sign_in.imds_root = l->app.sign_in.imds_root;
		sign_in.exchange_audience =
			l->exchange_given
				? l->app.sign_in.exchange_audience
				: credential_exchange_audience(tenant->login_root);
		tenant->credential = loader_add_credential(l, &sign_in);
		return;
	}
	l->without_id++;
	if (!has_user) {
		l->without_way++;
		return;
	}
	sign_in = l->app.sign_in;
	sign_in.refresh_token_file = own->sign_in.refresh_token_file;
	tenant->credential = loader_add_credential(l, &sign_in);
}

/* The feed's key in the state is made of these. */
static void check_key(struct loader *l, const struct config_tenant *tenant)
{
	for (size_t i = 0; tenant->tenant_id && i < tenant->feed_count; i++) {
		const struct config_feed *feed = &tenant->feeds[i];
		size_t n = strlen(tenant->tenant_id) + 1 +
			   (feed->source ? strlen(feed->source) : 0);

		for (size_t j = 0; j < feed->destination_count; j++)
			n += strlen(feed->destinations[j]) + 1;
		if (n > STORE_KEY_MAXIMUM)
			options_wrong(&l->reader, tenant->line,
				"tenant %s: tenant_id, source and destinations of a "
				"feed are %zu octets together; at most %d are taken, "
				"so use shorter names",
				tenant->key, n, STORE_KEY_MAXIMUM);
	}
}

static void read_tenant(struct loader *l, const struct yaml_node *map)
{
	struct config_tenant *tenant = add_tenant(l);
	struct tenant_options options = {.app.cloud = l->app.cloud};
	const struct yaml_node *feeds;
	struct config_feed *own;
	struct error err;

	tenant->file = l->files[l->file_count - 1];
	tenant->line = map->key_line;
	tenant->key = tenant->display_name =
		options_copy(&l->reader, map->key, strlen(map->key));
	if (value_name(map->key, &err) != RC_OK)
		options_wrong(
			&l->reader, map->key_line, "a tenant's key: %s", err.text);
	if (map->kind != YAML_MAP) {
		options_wrong(&l->reader, map->key_line,
			"tenant %s must be a map; write tenant_id: and so on below it",
			tenant->key);
		return;
	}
	options_fill(&l->reader, SECTION_TENANT, &options, map);
	if (!yaml_get(map, "tenant_id"))
		options_wrong(&l->reader, map->key_line,
			"tenant %s has no tenant_id; write the customer's directory id",
			tenant->key);
	tenant->tenant_id = options.tenant_id;
	if (options.display_name)
		tenant->display_name = options.display_name;
	choose_app(l, map, &options.app, tenant);
	feeds = yaml_get(map, "feeds");
	if (feeds) {
		tenant->feed_count = read_feeds(l, feeds, &own);
		tenant->feeds = own;
	} else {
		tenant->feeds = l->feeds;
		tenant->feed_count = l->feed_count;
		if (!l->feeds_given)
			options_wrong(&l->reader, map->key_line,
				"tenant %s has no feeds; write feeds: at the top level "
				"of the main file, or here",
				tenant->key);
	}
	check_key(l, tenant);
	check_apis(l, tenant);
}

static void read_tenants(struct loader *l, const struct yaml_node *map)
{
	for (const struct yaml_node *tenant = map->first; tenant; tenant = tenant->next)
		read_tenant(l, tenant);
}

static void add_file(struct loader *l, const char *name)
{
	if (!(l->file_count & (l->file_count + 1)))
		l->files =
			xrealloc(l->files, (l->file_count + 1) * 2 * sizeof(*l->files));
	l->files[l->file_count++] = options_copy(&l->reader, name, strlen(name));
}

static void read_tenant_file(struct loader *l, const char *directory, const char *name)
{
	const struct yaml_node *root;
	struct strbuf path;

	strbuf_init(&path, 65536);
	strbuf_addf(&path, "%s/%s", directory, name);
	add_file(l, path.p);
	yaml_reset(&l->tenant_yaml);
	if (yaml_load(&l->tenant_yaml, path.p, &l->yaml_report)) {
		root = l->tenant_yaml.root;
		if (!root || (root->kind == YAML_TEXT && yaml_is_nothing(root)))
			options_wrong(&l->reader, 1,
				"there is no tenant in this file; write KEY: and below "
				"it tenant_id:, or remove the file");
		else if (root->kind != YAML_MAP)
			options_wrong(&l->reader, root->line,
				"must be a map of tenants; write KEY: and below it "
				"tenant_id:");
		else
			read_tenants(l, root);
	}
	strbuf_clear(&path);
}

static bool ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n > m && !strcmp(name + n - m, end);
}

/* Files of tenants; scandir's filter. */
static int is_tenant_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.' &&
	       (ends_in(entry->d_name, ".yaml") || ends_in(entry->d_name, ".yml"));
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_tenants_dir(struct loader *l, const struct yaml_node *root)
{
	const struct yaml_node *node = yaml_get(root, "tenants_dir");
	const char *directory = l->main.tenants_dir;
	struct dirent **entries = NULL;
	int count;

	if (!directory)
		return;
	count = scandir(directory, &entries, is_tenant_file, compare_names);
	if (count < 0 && (node || errno != ENOENT))
		options_wrong(&l->reader, node ? node->line : 0,
			"tenants_dir: %s cannot be read: %s", directory,
			strerror(errno));
	for (int i = 0; i < count; i++) {
		/* Not to be passed over in silence: a customer would be missing. */
		if (ends_in(entries[i]->d_name, ".yml"))
			loader_wrong_in(l, l->files[0], node ? node->line : 0,
				"tenants_dir: %s/%s is not read; rename it to end in "
				".yaml",
				directory, entries[i]->d_name);
		else
			read_tenant_file(l, directory, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}

static int compare_keys(const void *a, const void *b)
{
	const struct config_tenant *x = *(const struct config_tenant *const *)a;
	const struct config_tenant *y = *(const struct config_tenant *const *)b;
	int order = strcmp(x->key, y->key);

	return order ? order : (x > y) - (x < y);
}

static int compare_ids(const void *a, const void *b)
{
	const struct config_tenant *x = *(const struct config_tenant *const *)a;
	const struct config_tenant *y = *(const struct config_tenant *const *)b;
	int order = strcmp(
		x->tenant_id ? x->tenant_id : "", y->tenant_id ? y->tenant_id : "");

	return order ? order : (x > y) - (x < y);
}

static void find_twins(struct loader *l)
{
	size_t count = l->config->tenant_count;
	const struct config_tenant **sorted = xcalloc(count, sizeof(*sorted));

	for (size_t i = 0; i < count; i++)
		sorted[i] = &l->config->tenants[i];
	qsort(sorted, count, sizeof(*sorted), compare_keys);
	for (size_t i = 1; i < count; i++) {
		const struct config_tenant *a = sorted[i - 1], *b = sorted[i];

		/* yaml.c has reported those within one map. */
		if (!strcmp(a->key, b->key) && a->file != b->file)
			loader_wrong_in(l, b->file, b->line,
				"tenant %s is in %s:%d already; every tenant has a key "
				"of its own",
				b->key, a->file, a->line);
	}
	qsort(sorted, count, sizeof(*sorted), compare_ids);
	for (size_t i = 1; i < count; i++) {
		const struct config_tenant *a = sorted[i - 1], *b = sorted[i];

		if (a->tenant_id && b->tenant_id &&
			!strcmp(a->tenant_id, b->tenant_id) && strcmp(a->key, b->key))
			loader_wrong_in(l, b->file, b->line,
				"tenant %s has the tenant_id of tenant %s (%s:%d); its "
				"alerts would come twice, so keep one of them",
				b->key, a->key, a->file, a->line);
	}
	free(sorted);
}

/* --- the whole --- */

static void app_lacks(
	struct loader *l, const char *what, size_t tenants, const char *right)
{
	loader_wrong_in(l, l->files[0], l->app_line,
		"app: has no %s, which %zu tenant%s; write %s", what, tenants,
		tenants == 1 ? " needs" : "s need", right);
}

static void check_app(struct loader *l, const struct yaml_node *app)
{
	if (l->without_id && !yaml_get(app, "client_id"))
		app_lacks(l, "client_id", l->without_id,
			"the id of the app registration");
	if (l->without_way && !loader_names_way(app) &&
		!yaml_get(app, "refresh_token_file"))
		app_lacks(l, "way to sign in", l->without_way, ALL_WAYS);
}

static void read_formats(struct loader *l, const struct yaml_node *root)
{
	const struct yaml_node *node = yaml_get(root, "formats");
	const char *directory;
	struct error err;

	options_fill(&l->reader, SECTION_FORMATS, &l->main, node);
	directory = l->main.formats_directory;
	if (node && yaml_get(node, "directory") && directory &&
		module_directory_check(directory, &err) != RC_OK)
		options_wrong(&l->reader, line_of(node, "directory"), "directory: %s",
			err.text);
	l->config->formatters =
		formatters_new(directory ? directory : FORMATTERS_DIRECTORY);
	l->reader.formatters = l->config->formatters;
}

static void read_sections(struct loader *l, const struct yaml_node *root)
{
	const struct yaml_node *app = yaml_get(root, "app"),
			       *feeds = yaml_get(root, "feeds");

	options_fill(&l->reader, SECTION_TOP, &l->main, root);
	read_formats(l, root);
	options_fill(&l->reader, SECTION_STATE, &l->main, yaml_get(root, "state"));
	options_fill(&l->reader, SECTION_LOG, &l->main, yaml_get(root, "log"));
	options_fill(&l->reader, SECTION_LIMITS, &l->main, yaml_get(root, "limits"));
	options_fill(&l->reader, SECTION_HTTP, &l->main, yaml_get(root, "http"));
	loader_read_proxy_login(l, yaml_get(root, "http"));
	options_fill(&l->reader, SECTION_APP, &l->app, app);
	l->app_line = app ? app->key_line : 1;
	if (app)
		loader_check_sign_in(l, app, &l->app.sign_in);
	l->apis =
		make_apis(l, cloud_at((enum cloud_number)l->app.cloud), &l->app, NULL);
	if (!l->app.login_root)
		l->app.login_root =
			cloud_at((enum cloud_number)l->app.cloud)->login_root;
	l->exchange_given = l->app.sign_in.exchange_audience != NULL;
	if (!l->exchange_given)
		l->app.sign_in.exchange_audience =
			credential_exchange_audience(l->app.login_root);
	loader_add_credential(l, &l->app.sign_in);
	loader_read_destinations(l, yaml_get(root, "destinations"), 1);
	l->feeds_given = feeds && !yaml_is_nothing(feeds);
	if (l->feeds_given)
		l->feed_count = read_feeds(l, feeds, &l->feeds);
}

static void read_all(struct loader *l, const struct yaml_node *root)
{
	const struct yaml_node *tenants;

	read_sections(l, root);
	tenants = yaml_get(root, "tenants");
	if (tenants && !yaml_is_nothing(tenants) && tenants->kind != YAML_MAP)
		options_wrong(&l->reader, tenants->key_line,
			"tenants: must be a map; write KEY: and below it tenant_id:");
	else if (tenants)
		read_tenants(l, tenants);
	read_tenants_dir(l, root);
	check_app(l, yaml_get(root, "app"));
	find_twins(l);
	field_rules_check_paths(l);
	if (!l->config->tenant_count && l->file_count == 1)
		options_wrong(&l->reader, tenants ? tenants->key_line : 1,
			"there are no tenants; write tenants: with KEY: and below it "
			"tenant_id:, or such files in %s",
			l->main.tenants_dir ? l->main.tenants_dir : "tenants_dir");
}

/* The options that there are once, as the rest of the program reads them. */
static void take_main(struct config *config, const struct main_options *main)
{
	config->state_file = main->state_type ? "" : main->state_file;
	config->state_keep_ms = main->state_keep_ms;
	config->log_channel = main->log_channel;
	config->log_priority = LOG_ERR + main->log_level;
	config->memory_bytes = main->memory_bytes;
	config->request_percent = main->request_percent;
	config->http_max_transfers = main->http_max_transfers;
	config->http_max_per_tenant = main->http_max_per_tenant;
	config->http2 = main->http2;
	config->http_ca_file = main->http_ca_file;
	config->http_proxy = main->http_proxy;
	config->http_ip = main->http_ip == 1 ? 4 : main->http_ip == 2 ? 6 : 0;
	config->http_connect_timeout_ms = main->http_connect_timeout_ms;
	config->http_first_byte_timeout_ms = main->http_first_byte_timeout_ms;
	config->http_stall_timeout_ms = main->http_stall_timeout_ms;
}

static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *real, *directory;

	if (!slash)
		directory = xstrdup(".");
	else
		directory = xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
	real = realpath(directory, NULL);
	if (!real)
		return directory;
	free(directory);
	return real;
}

static void read_root(struct loader *l, const struct yaml_node *root,
	void (*read)(struct loader *l, const struct yaml_node *root))
{
	static const struct yaml_node nothing = {.kind = YAML_MAP, .line = 1};

	if (!root || yaml_is_nothing(root))
		root = &nothing;
	if (root->kind == YAML_MAP)
		read(l, root);
	else
		options_wrong(&l->reader, root->line,
			"must be a map of sections; `alertrelay sample` shows one");
}

/* Either p is the text of the main file, or it is NULL and the file is read. */
static enum rc load(const char *path, const char *p, size_t n,
	void (*read)(struct loader *l, const struct yaml_node *root),
	struct config **out, struct config_report *report)
{
	struct loader l = {.reader = {.wrong = loader_reader_wrong},
		.yaml_report = {loader_yaml_wrong}};
	struct config *config = xcalloc(1, sizeof(*config));
	char *directory = directory_of(path);
	bool good;

	*out = NULL;
	*report = (struct config_report){0};
	strbuf_init(&report->text, 1048576);
	config->memory = xcalloc(1, sizeof(*config->memory));
	arena_init(&config->memory->strings, SIZE_MAX / 2);
	l.config = config;
	l.reader.strings = &config->memory->strings;
	l.reader.directory = directory;
	yaml_init(&l.yaml);
	yaml_init(&l.tenant_yaml);
	add_file(&l, path);
	good = p ? yaml_parse(&l.yaml, p, n, &l.yaml_report)
		 : yaml_load(&l.yaml, path, &l.yaml_report);
	/* What could be read of a file with a syntax error would give errors that are none. */
	if (good)
		read_root(&l, l.yaml.root, read);
	take_main(config, &l.main);
	yaml_clear(&l.yaml);
	yaml_clear(&l.tenant_yaml);
	loader_fill_report(&l, report);
	free(l.files);
	free(directory);
	if (report->count) {
		config_free(config);
		return RC_CONFIG;
	}
	config->tenants = xrealloc(
		config->tenants, config->tenant_count * sizeof(*config->tenants));
	*out = config;
	return RC_OK;
}

enum rc config_load(const char *path, struct config **out, struct config_report *report)
{
	return load(path, NULL, 0, read_all, out, report);
}

enum rc config_load_text(const char *path, const char *p, size_t n, struct config **out,
	struct config_report *report)
{
	return load(path, p, n, read_all, out, report);
}

struct formatters *config_formatters(const char *path, struct config_report *report)
{
	struct formatters *formatters = NULL;
	struct config *config;

	if (load(path, NULL, 0, read_formats, &config, report) != RC_OK)
		return NULL;
	formatters = config->formatters;
	config->formatters = NULL;
	config_free(config);
	return formatters;
}

const struct destination_options *config_destination(
	const struct config *config, const char *name, struct error *err)
{
	size_t count = config->destination_count;
	const char **names;

	for (size_t i = 0; i < count; i++)
		if (!strcmp(config->destinations[i].name, name))
			return &config->destinations[i];
	names = xcalloc(count, sizeof(*names));
	for (size_t i = 0; i < count; i++)
		names[i] = config->destinations[i].name;
	value_unknown(name, "destination", names, count, err);
	free(names);
	return NULL;
}

const struct config_tenant *config_find_tenant(
	const struct config *config, const char *key, struct error *err)
{
	size_t count = config->tenant_count;
	const char **keys, *nearest;

	for (size_t i = 0; i < count; i++)
		if (!strcmp(config->tenants[i].key, key))
			return &config->tenants[i];
	keys = xcalloc(count, sizeof(*keys));
	for (size_t i = 0; i < count; i++)
		keys[i] = config->tenants[i].key;
	nearest = value_nearest(key, keys, count);
	error_set(err, RC_CONFIG, "\"%.64s\" is no tenant%s%s%s", key,
		nearest ? "; did you mean " : " of this configuration",
		nearest ? nearest : "", nearest ? "?" : "");
	free(keys);
	return NULL;
}

void config_free(struct config *config)
{
	if (!config)
		return;
	formatters_free(config->formatters);
	free(config->credentials);
	secret_free(config->http_proxy_login);
	arena_clear(&config->memory->strings);
	free(config->memory);
	free(config->destinations);
	free(config->tenants);
	free(config);
}

void config_report_clear(struct config_report *report)
{
	strbuf_clear(&report->text);
	report->count = report->warnings = 0;
}
