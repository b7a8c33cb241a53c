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
#include "fetch/secret.h"
#include "formats/registry.h"
#include "relay/least_message.h"
#include "relay/options.h"
#include "store/store.h"

#define DEFAULT_SCOPE "/.default"

struct config_memory {
	struct arena strings;
};

struct problem {
	size_t file; /* place in loader.files */
	int line;
	size_t serial;
	char *text;
};

struct loader {
	struct options_reader reader; /* first member: reports come back through it */
	struct config *config;
	struct yaml yaml, tenant_yaml;
	struct yaml_report yaml_report;
	const char **files; /* the main file, then those of tenants.d in order */
	size_t file_count;
	struct problem *problems;
	size_t problem_count, kept, room;
	struct main_options main;
	struct app_options app;
	const struct config_api *apis; /* those of app */
	bool exchange_given;
	int app_line;
	struct config_feed *feeds; /* the common ones */
	size_t feed_count;
	bool feeds_given;
	size_t tenant_room, credential_room;
	/* tenants that need the app's client_id; its way to sign in */
	size_t without_id, without_way;
};

/* --- problems --- */

/* A copy without control characters: keys and file names may hold any. */
static char *one_line(const char *text)
{
	char *copy = xstrdup(text);

	for (char *c = copy; *c; c++)
		if ((unsigned char)*c < 32 || *c == 127)
			*c = '?';
	return copy;
}

static void add_problem(struct loader *l, size_t file, int line, const char *text)
{
	l->problem_count++;
	if (l->kept == CONFIG_REPORT_MAXIMUM * 2)
		return;
	if (l->kept == l->room) {
		l->room = l->room ? l->room * 2 : 16;
		l->problems = xrealloc(l->problems, l->room * sizeof(*l->problems));
	}
	l->problems[l->kept] = (struct problem){file, line, l->kept, one_line(text)};
	l->kept++;
}

static void reader_wrong(struct options_reader *reader, int line, const char *text)
{
	struct loader *l = (struct loader *)reader;

	add_problem(l, l->file_count - 1, line, text);
}

static void yaml_wrong(struct yaml_report *report, int line, const char *text)
{
	struct loader *l = (struct loader *)((char *)report -
					     offsetof(struct loader, yaml_report));

	add_problem(l, l->file_count - 1, line, text);
}

static void wrong_in(struct loader *l, const char *file, int line, const char *format,
	...) PRINTF(4, 5);

static void wrong_in(
	struct loader *l, const char *file, int line, const char *format, ...)
{
	char text[900];
	size_t i = 0;
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	while (i + 1 < l->file_count && l->files[i] != file)
		i++;
	add_problem(l, i, line, text);
}

static int compare_problems(const void *a, const void *b)
{
	const struct problem *x = a, *y = b;

	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return (x->serial > y->serial) - (x->serial < y->serial);
}

static void fill_report(struct loader *l, struct config_report *report)
{
	size_t shown =
		l->kept < CONFIG_REPORT_MAXIMUM ? l->kept : CONFIG_REPORT_MAXIMUM;

	report->count = l->problem_count;
	if (l->kept)
		qsort(l->problems, l->kept, sizeof(*l->problems), compare_problems);
	for (size_t i = 0; i < shown; i++) {
		const struct problem *p = &l->problems[i];

		if (p->line)
			strbuf_addf(&report->text, "%s:%d: %s\n", l->files[p->file],
				p->line, p->text);
		else
			strbuf_addf(
				&report->text, "%s: %s\n", l->files[p->file], p->text);
	}
	if (l->problem_count > shown)
		strbuf_addf(&report->text, "and %zu more\n", l->problem_count - shown);
}

/* --- sign-in --- */

/* The line of an option that is in the map, else of the map. */
static int line_of(const struct yaml_node *map, const char *key)
{
	const struct yaml_node *node = yaml_get(map, key);

	if (node)
		return node->key_line;
	return map->key_line ? map->key_line : map->line;
}

/* Ways to sign in, by the option that stands for each. */
static const char *const ways[] = {"client_secret_file", "client_secret_credential",
	"client_secret_env", "certificate_file", "federated_token_file",
	"managed_identity"};

#define WAYS (sizeof(ways) / sizeof(*ways))
#define ALL_WAYS                                                                       \
	"client_secret_file, certificate_file with key_file, federated_token_file, "   \
	"managed_identity or refresh_token_file"

static bool names_option(const struct yaml_node *map, const char *key)
{
	const struct yaml_node *node = yaml_get(map, key);
	bool yes;

	return node && !(node->kind == YAML_TEXT && !strcmp(key, "managed_identity") &&
			       value_bool(node->text, &yes, NULL) == RC_OK && !yes);
}

/* Rightly or wrongly: then its absence need not be told. */
static bool names_way(const struct yaml_node *map)
{
	for (size_t i = 0; i < WAYS; i++)
		if (names_option(map, ways[i]))
			return true;
	return yaml_get(map, "client_secret") || yaml_get(map, "key_file") ||
	       yaml_get(map, "client_secret_next_file");
}

/* Which way is meant must be plain. */
static void check_one_way(struct loader *l, const struct yaml_node *map)
{
	char names[200] = "";
	size_t count = 0, n = 0;

	for (size_t i = 0; i < WAYS; i++)
		if (names_option(map, ways[i]))
			n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s",
				count++ ? ", " : "", ways[i]);
	if (count > 1)
		options_wrong(&l->reader, line_of(map, ""),
			"more than one way to sign in is given (%s); keep one of them",
			names);
}

/* Options that are no use without another. */
static void check_pairs(struct loader *l, const struct yaml_node *map)
{
	static const char *const pairs[][2] = {{"key_file", "certificate_file"},
		{"certificate_file", "key_file"}, {"key_password_file", "key_file"},
		{"client_secret_next_file", "client_secret_file"}};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		if (yaml_get(map, pairs[i][0]) && !yaml_get(map, pairs[i][1]))
			options_wrong(&l->reader, line_of(map, pairs[i][0]),
				"%s: goes with %s; write that one too", pairs[i][0],
				pairs[i][1]);
}

struct complaint {
	struct loader *loader;
	const struct yaml_node *map;
};

static void sign_in_wrong(void *context, const char *option, const char *text)
{
	const struct complaint *complaint = context;

	options_wrong(&complaint->loader->reader, line_of(complaint->map, option),
		"%s: %s", option, text);
}

static size_t add_credential(struct loader *l, const struct credential_options *options)
{
	struct config *config = l->config;

	if (config->credential_count == l->credential_room) {
		l->credential_room = l->credential_room ? l->credential_room * 2 : 4;
		config->credentials = xrealloc(config->credentials,
			l->credential_room * sizeof(*config->credentials));
	}
	config->credentials[config->credential_count] = *options;
	return config->credential_count++;
}

/* Checks what this map names of it, files and all. */
static void check_sign_in(struct loader *l, const struct yaml_node *map,
	const struct credential_options *options)
{
	struct complaint complaint = {l, map};
	size_t before = l->problem_count;

	check_one_way(l, map);
	check_pairs(l, map);
	if (l->problem_count == before)
		credential_check(options, sign_in_wrong, &complaint);
}

static void read_proxy_login(struct loader *l, const struct yaml_node *http)
{
	static const struct secret_rule rule = {
		"login of the proxy", 1024, true, SECRET_LINE};
	const char *path = l->main.http_proxy_password_file;
	struct error err;
	char *login;

	if (!path)
		return;
	if (secret_read(path, &rule, &login, &err) != RC_OK) {
		options_wrong(&l->reader, line_of(http, "proxy_password_file"),
			"proxy_password_file: %s", err.text);
		return;
	}
	l->config->http_proxy_login = login;
	if (!strchr(login, ':') || *login == ':')
		options_wrong(&l->reader, line_of(http, "proxy_password_file"),
			"proxy_password_file: %s must hold user:password", path);
}

/* --- destinations --- */

/* Options that mean something only with some transports or headers. */
static void check_used(struct loader *l, const struct yaml_node *map,
	const struct destination_options *d)
{
	static const struct {
		const char *key;
		unsigned transports;
		int header; /* -1: any */
	} used[] = {
#define NETWORK (1u << TRANSPORT_TCP | 1u << TRANSPORT_TLS)
#define ANY 15u
		{"address", NETWORK, -1},
		{"path", 1u << TRANSPORT_FILE, -1},
		{"ca_file", 1u << TRANSPORT_TLS, -1},
		{"cert_file", 1u << TRANSPORT_TLS, -1},
		{"key_file", 1u << TRANSPORT_TLS, -1},
		{"key_password_file", 1u << TRANSPORT_TLS, -1},
		{"tls_name", 1u << TRANSPORT_TLS, -1},
		{"settle", NETWORK, -1},
		{"connect_timeout", NETWORK, -1},
		{"tag", ANY, HEADER_RFC3164},
		{"utc", ANY, HEADER_RFC3164},
		{"bom", ANY, HEADER_RFC5424},
	};
	static const char *const transports[] = {"tcp", "tls", "file", "stdout"};
	static const char *const headers[] = {"rfc5424", "rfc3164", "none"};

	for (size_t i = 0; i < sizeof(used) / sizeof(*used); i++) {
		if (!yaml_get(map, used[i].key))
			continue;
		if (!(used[i].transports & 1u << d->transport))
			options_wrong(&l->reader, line_of(map, used[i].key),
				"%s: means nothing with transport %s; take it out",
				used[i].key, transports[d->transport]);
		else if (used[i].header >= 0 && used[i].header != (int)d->header)
			options_wrong(&l->reader, line_of(map, used[i].key),
				"%s: means nothing with header %s; take it out, or "
				"write header: %s",
				used[i].key, headers[d->header],
				headers[used[i].header]);
	}
}

/* The same address is no second chance, and a key is no use without its certificate. */
static void check_needed(struct loader *l, const struct yaml_node *map,
	const struct destination_options *d)
{
	bool network = d->transport == TRANSPORT_TCP || d->transport == TRANSPORT_TLS;
	int line = line_of(map, "");

	if (!yaml_get(map, "transport")) {
		options_wrong(&l->reader, line,
			"destination %s has no transport; write tls, tcp, file or "
			"stdout",
			map->key);
		return;
	}
	if (network && !yaml_get(map, "address"))
		options_wrong(&l->reader, line,
			"destination %s has no address; write host:port", map->key);
	if (d->transport == TRANSPORT_FILE && !yaml_get(map, "path"))
		options_wrong(&l->reader, line,
			"destination %s has no path; write the file's name", map->key);
	if (!yaml_get(map, "cert_file") != !yaml_get(map, "key_file"))
		options_wrong(&l->reader,
			line_of(map, d->cert_file ? "cert_file" : "key_file"),
			"cert_file and key_file go together; write the other one too");
	if (yaml_get(map, "key_password_file") && !yaml_get(map, "key_file"))
		options_wrong(&l->reader, line_of(map, "key_password_file"),
			"key_password_file: there is no key_file");
	check_used(l, map, d);
}

/* A destination that cannot take what each message holds would take no alert. */
static void check_size(struct loader *l, const struct yaml_node *map,
	const struct destination_options *d)
{
	size_t least = least_message(d);

	if (d->max_message_bytes < least)
		options_wrong(&l->reader, line_of(map, "max_message_bytes"),
			"max_message_bytes: %zu has no room for what each message in "
			"format %s must hold; write %zu or more",
			d->max_message_bytes, d->format, least);
}

static void check_format(struct loader *l, const struct yaml_node *map,
	const struct destination_options *d)
{
	const struct fmt_module *module =
		d->format ? format_find(d->format, strlen(d->format)) : NULL;
	char why[400] = "";
	void *self;

	if (!module)
		return;
	self = module->open(
		d->format_options, d->format_option_count, why, sizeof(why));
	if (self)
		module->close(self);
	else
		options_wrong(&l->reader, line_of(map, "format_options"),
			"format_options: %s", why);
	if (self)
		check_size(l, map, d);
}

static void read_destination(struct loader *l, const struct yaml_node *map)
{
	struct destination_options *d =
		&l->config->destinations[l->config->destination_count];
	struct error err;
	size_t before = l->problem_count;

	l->config->destination_count++; /* also when it is wrong: feeds may name it */
	d->name = options_copy(&l->reader, map->key, strlen(map->key));
	if (value_name(map->key, &err) != RC_OK)
		options_wrong(&l->reader, map->key_line, "a destination's name: %s",
			err.text);
	if (map->kind != YAML_MAP) {
		options_wrong(&l->reader, map->key_line,
			"destination %s must be a map; write transport: and so on "
			"below it",
			d->name);
		return;
	}
	options_fill(&l->reader, SECTION_DESTINATION, d, map);
	if (!yaml_get(map, "framing"))
		d->framing = d->transport == TRANSPORT_TLS ? FRAMING_OCTET : FRAMING_LF;
	if (l->problem_count != before)
		return; /* what follows would only repeat it */
	check_needed(l, map, d);
	check_format(l, map, d);
}

static void read_destinations(struct loader *l, const struct yaml_node *node, int line)
{
	size_t count = 0;

	if (!node || node->kind != YAML_MAP || !node->first) {
		options_wrong(&l->reader, node ? node->key_line : line,
			"there are no destinations; write destinations: with a name "
			"and transport: below it");
		return;
	}
	for (const struct yaml_node *map = node->first; map; map = map->next)
		count++;
	l->config->destinations = xcalloc(count, sizeof(*l->config->destinations));
	for (const struct yaml_node *map = node->first; map; map = map->next)
		read_destination(l, map);
}

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
	bool has_id = yaml_get(map, "client_id") != NULL, has_way = names_way(map),
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
	check_sign_in(l, map, &sign_in);
	if (has_id || has_way) {
		sign_in.imds_root = l->app.sign_in.imds_root;
		sign_in.exchange_audience =
			l->exchange_given
				? l->app.sign_in.exchange_audience
				: credential_exchange_audience(tenant->login_root);
		tenant->credential = add_credential(l, &sign_in);
		return;
	}
	l->without_id++;
	if (!has_user) {
		l->without_way++;
		return;
	}
	sign_in = l->app.sign_in;
	sign_in.refresh_token_file = own->sign_in.refresh_token_file;
	tenant->credential = add_credential(l, &sign_in);
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
			wrong_in(l, l->files[0], node ? node->line : 0,
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
			wrong_in(l, b->file, b->line,
				"tenant %s is in %s:%d already; every tenant has a key "
				"of its own",
				b->key, a->file, a->line);
	}
	qsort(sorted, count, sizeof(*sorted), compare_ids);
	for (size_t i = 1; i < count; i++) {
		const struct config_tenant *a = sorted[i - 1], *b = sorted[i];

		if (a->tenant_id && b->tenant_id &&
			!strcmp(a->tenant_id, b->tenant_id) && strcmp(a->key, b->key))
			wrong_in(l, b->file, b->line,
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
	wrong_in(l, l->files[0], l->app_line,
		"app: has no %s, which %zu tenant%s; write %s", what, tenants,
		tenants == 1 ? " needs" : "s need", right);
}

static void check_app(struct loader *l, const struct yaml_node *app)
{
	if (l->without_id && !yaml_get(app, "client_id"))
		app_lacks(l, "client_id", l->without_id,
			"the id of the app registration");
	if (l->without_way && !names_way(app) && !yaml_get(app, "refresh_token_file"))
		app_lacks(l, "way to sign in", l->without_way, ALL_WAYS);
}

static void read_sections(struct loader *l, const struct yaml_node *root)
{
	const struct yaml_node *app = yaml_get(root, "app"),
			       *feeds = yaml_get(root, "feeds");

	options_fill(&l->reader, SECTION_TOP, &l->main, root);
	options_fill(&l->reader, SECTION_STATE, &l->main, yaml_get(root, "state"));
	options_fill(&l->reader, SECTION_LOG, &l->main, yaml_get(root, "log"));
	options_fill(&l->reader, SECTION_LIMITS, &l->main, yaml_get(root, "limits"));
	options_fill(&l->reader, SECTION_HTTP, &l->main, yaml_get(root, "http"));
	read_proxy_login(l, yaml_get(root, "http"));
	options_fill(&l->reader, SECTION_APP, &l->app, app);
	l->app_line = app ? app->key_line : 1;
	if (app)
		check_sign_in(l, app, &l->app.sign_in);
	l->apis =
		make_apis(l, cloud_at((enum cloud_number)l->app.cloud), &l->app, NULL);
	if (!l->app.login_root)
		l->app.login_root =
			cloud_at((enum cloud_number)l->app.cloud)->login_root;
	l->exchange_given = l->app.sign_in.exchange_audience != NULL;
	if (!l->exchange_given)
		l->app.sign_in.exchange_audience =
			credential_exchange_audience(l->app.login_root);
	add_credential(l, &l->app.sign_in);
	read_destinations(l, yaml_get(root, "destinations"), 1);
	l->feeds_given = feeds && !yaml_is_nothing(feeds);
	if (l->feeds_given)
		l->feed_count = read_feeds(l, feeds, &l->feeds);
}

static void read_root(struct loader *l, const struct yaml_node *root)
{
	static const struct yaml_node nothing = {.kind = YAML_MAP, .line = 1};
	const struct yaml_node *tenants;

	if (!root || yaml_is_nothing(root))
		root = &nothing;
	if (root->kind != YAML_MAP) {
		options_wrong(&l->reader, root->line,
			"must be a map of sections; `alertrelay sample` shows one");
		return;
	}
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

/* Either p is the text of the main file, or it is NULL and the file is read. */
static enum rc load(const char *path, const char *p, size_t n, struct config **out,
	struct config_report *report)
{
	struct loader l = {
		.reader = {.wrong = reader_wrong}, .yaml_report = {yaml_wrong}};
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
		read_root(&l, l.yaml.root);
	take_main(config, &l.main);
	yaml_clear(&l.yaml);
	yaml_clear(&l.tenant_yaml);
	fill_report(&l, report);
	for (size_t i = 0; i < l.kept; i++)
		free(l.problems[i].text);
	free(l.problems);
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
	return load(path, NULL, 0, out, report);
}

enum rc config_load_text(const char *path, const char *p, size_t n, struct config **out,
	struct config_report *report)
{
	return load(path, p, n, out, report);
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
	report->count = 0;
}
