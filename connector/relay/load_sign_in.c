/* load_sign_in.c - which way to sign in a map of the configuration names. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "base/values.h"
#include "fetch/secret.h"
#include "relay/loader.h"

/* Ways to sign in, by the option that stands for each. */
static const char *const ways[] = {"client_secret_file", "client_secret_credential",
	"client_secret_env", "certificate_file", "federated_token_file",
	"managed_identity"};

#define WAYS (sizeof(ways) / sizeof(*ways))
static bool names_option(const struct yaml_node *map, const char *key)
{
	const struct yaml_node *node = yaml_get(map, key);
	bool yes;

	return node && !(node->kind == YAML_TEXT && !strcmp(key, "managed_identity") &&
			       value_bool(node->text, &yes, NULL) == RC_OK && !yes);
}

bool loader_names_way(const struct yaml_node *map)
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

size_t loader_add_credential(struct loader *l, const struct credential_options *options)
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

void loader_check_sign_in(struct loader *l, const struct yaml_node *map,
	const struct credential_options *options)
{
	struct complaint complaint = {l, map};
	size_t before = l->problem_count;

	check_one_way(l, map);
	check_pairs(l, map);
	if (l->problem_count == before)
		credential_check(options, sign_in_wrong, &complaint);
}

void loader_read_proxy_login(struct loader *l, const struct yaml_node *http)
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
