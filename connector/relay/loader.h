/* loader.h - what the parts that read the configuration share, while it is read.
 *
 * Purpose:  configuration.c reads feeds, tenants and files; load_sign_in.c ways to sign in and
 *           load_destinations.c destinations; loader.c keeps what is wrong, for the report.
 * Owner:    config_load(). For these files alone.   Tests: unit/test_config.c */
#ifndef RELAY_LOADER_H
#define RELAY_LOADER_H

#include "base/arena.h"
#include "base/yaml.h"
#include "relay/configuration.h"
#include "relay/options.h"

struct config_memory {
	struct arena strings;
};

struct problem; /* of loader.c */

struct loader {
	struct options_reader reader; /* first member: reports come back through it */
	struct config *config;
	struct yaml yaml, tenant_yaml;
	struct yaml_report yaml_report;
	const char **files; /* the main file, then those of tenants.d in order */
	size_t file_count;
	struct problem *problems;
	size_t problem_count, warning_count, kept, room;
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

void loader_reader_wrong(
	struct options_reader *reader, int line, bool warning, const char *text);
void loader_yaml_wrong(struct yaml_report *report, int line, const char *text);
void loader_wrong_in(struct loader *l, const char *file, int line, const char *format,
	...) PRINTF(4, 5);
/* Sorts what is wrong into the report, and forgets it. */
void loader_fill_report(struct loader *l, struct config_report *report);
/* The line of an option that is in the map, else of the map. */
static inline int line_of(const struct yaml_node *map, const char *key)
{
	const struct yaml_node *node = yaml_get(map, key);

	if (node)
		return node->key_line;
	return map->key_line ? map->key_line : map->line;
}

#define ALL_WAYS                                                                       \
	"client_secret_file, certificate_file with key_file, federated_token_file, "   \
	"managed_identity or refresh_token_file"
/* The map names a way to sign in, rightly or wrongly: then its absence need not be told. */
bool loader_names_way(const struct yaml_node *map);
/* Checks what this map names of it, files and all. */
void loader_check_sign_in(struct loader *l, const struct yaml_node *map,
	const struct credential_options *options);
/* Its place in config.credentials. */
size_t loader_add_credential(
	struct loader *l, const struct credential_options *options);
void loader_read_proxy_login(struct loader *l, const struct yaml_node *http);

/* node: the section, or NULL; then the problem is at this line. */
void loader_read_destinations(struct loader *l, const struct yaml_node *node, int line);

#endif
