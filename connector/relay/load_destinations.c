/* load_destinations.c - the section destinations of the configuration. */
#include "config.h"

#include <string.h>

#include "base/strbuf.h"
#include "base/values.h"
#include "deliver/conn.h"
#include "deliver/formatter.h"
#include "relay/least_message.h"
#include "relay/loader.h"
#include "relay/preset.h"

/* Options that mean something only with some transports or headers. */
static void check_used(struct loader *l, const struct yaml_node *map,
	const struct destination_options *d)
{
	static const struct {
		const char *key;
		unsigned has; /* what the transport must have; 0: any */
		int header; /* -1: any */
	} used[] = {
		{"address", TRANSPORT_HAS_ADDRESS, -1},
		{"connections", TRANSPORT_HAS_ADDRESS, -1},
		{"allow", TRANSPORT_LISTENS, -1},
		{"path", TRANSPORT_HAS_PATH, -1},
		{"rotate_size", TRANSPORT_HAS_PATH, -1},
		{"rotate_every", TRANSPORT_HAS_PATH, -1},
		{"keep", TRANSPORT_HAS_PATH, -1},
		{"ca_file", TRANSPORT_HAS_TLS, -1},
		{"pinned_key", TRANSPORT_HAS_TLS, -1},
		{"crl_file", TRANSPORT_HAS_TLS, -1},
		{"cert_file", TRANSPORT_HAS_TLS, -1},
		{"key_file", TRANSPORT_HAS_TLS, -1},
		{"key_password_file", TRANSPORT_HAS_TLS, -1},
		{"tls_name", TRANSPORT_HAS_TLS, -1},
		{"settle", TRANSPORT_SETTLES, -1},
		{"tail", TRANSPORT_KEEPS_TAIL, -1},
		{"framing", TRANSPORT_HAS_FRAMING, -1},
		{"rate", TRANSPORT_DATAGRAMS, -1},
		{"relp_window", TRANSPORT_ANSWERS, -1},
		{"relp_timeout", TRANSPORT_ANSWERS, -1},
		{"connect_timeout", TRANSPORT_HAS_ADDRESS, -1},
		{"dead_after", TRANSPORT_CONNECTS, -1},
		{"tag", 0, HEADER_RFC3164},
		{"utc", 0, HEADER_RFC3164},
		{"bom", 0, HEADER_RFC5424},
	};
	static const char *const headers[] = {"rfc5424", "rfc3164", "none"};

	for (size_t i = 0; i < sizeof(used) / sizeof(*used); i++) {
		if (!yaml_get(map, used[i].key))
			continue;
		if (used[i].has && !transport_has(d->transport, used[i].has))
			options_wrong(&l->reader, line_of(map, used[i].key),
				"%s: means nothing with transport %s; take it out",
				used[i].key, transport_type(d->transport)->word);
		else if (used[i].header >= 0 && used[i].header != (int)d->header)
			options_wrong(&l->reader, line_of(map, used[i].key),
				"%s: means nothing with header %s; take it out, or "
				"write header: %s",
				used[i].key, headers[d->header],
				headers[used[i].header]);
	}
}

/* Whoever can connect gets every alert: the file must say who may. */
static void check_listening(struct loader *l, const struct yaml_node *map,
	const struct destination_options *d)
{
	bool tls = transport_has(d->transport, TRANSPORT_HAS_TLS);

	if (d->address_count > 1)
		options_wrong(&l->reader, line_of(map, "address"),
			"address: one is listened on; [::]:port is all of this host's");
	if (d->connections > 1)
		options_wrong(&l->reader, line_of(map, "connections"),
			"connections: one collector at a time is fed; take it out");
	if (!d->allow_count && !d->ca_file)
		options_wrong(&l->reader, line_of(map, ""),
			"destination %s gives its alerts to anyone who connects; write "
			"allow: with the addresses of collectors%s",
			map->key,
			tls ? ", or ca_file: with who issues their certificates" : "");
	if (!tls)
		return;
	if (!yaml_get(map, "cert_file"))
		options_wrong(&l->reader, line_of(map, ""),
			"destination %s has no certificate to show to collectors; "
			"write cert_file and key_file",
			map->key);
	if (d->pinned_key)
		options_wrong(&l->reader, line_of(map, "pinned_key"),
			"pinned_key: means nothing with transport %s; write ca_file "
			"and tls_name",
			transport_type(d->transport)->word);
	if ((d->tls_name || d->crl_file) && !d->ca_file)
		options_wrong(&l->reader,
			line_of(map, d->tls_name ? "tls_name" : "crl_file"),
			"%s: no certificate is asked for; write ca_file too",
			d->tls_name ? "tls_name" : "crl_file");
}

/* The same address is no second chance, and a key is no use without its certificate. */
static void check_needed(struct loader *l, const struct yaml_node *map,
	const struct destination_options *d)
{
	int line = line_of(map, "");
	struct error err;

	if (!yaml_get(map, "transport")) {
		options_wrong(&l->reader, line,
			"destination %s has no transport; write one of %s", map->key,
			TRANSPORT_WORDS);
		return;
	}
	if (transport_has(d->transport, TRANSPORT_HAS_ADDRESS) &&
		!yaml_get(map, "address"))
		options_wrong(&l->reader, line,
			"destination %s has no address; write host:port", map->key);
	if (transport_has(d->transport, TRANSPORT_HAS_PATH) && !yaml_get(map, "path"))
		options_wrong(&l->reader, line,
			"destination %s has no path; write the file's name", map->key);
	if (!yaml_get(map, "cert_file") != !yaml_get(map, "key_file"))
		options_wrong(&l->reader,
			line_of(map, d->cert_file ? "cert_file" : "key_file"),
			"cert_file and key_file go together; write the other one too");
	if (yaml_get(map, "key_password_file") && !yaml_get(map, "key_file"))
		options_wrong(&l->reader, line_of(map, "key_password_file"),
			"key_password_file: there is no key_file");
	if (yaml_get(map, "keep") && !d->rotate_bytes && !d->rotate_every_ms)
		options_wrong(&l->reader, line_of(map, "keep"),
			"keep: no new file is ever begun; write rotate_size or "
			"rotate_every too");
	if (d->pinned_key && conn_pinned_key(d->pinned_key, &err) != RC_OK)
		options_wrong(&l->reader, line_of(map, "pinned_key"), "%s", err.text);
	if (d->crl_file && d->pinned_key && !d->ca_file)
		options_wrong(&l->reader, line_of(map, "crl_file"),
			"crl_file: with pinned_key and no ca_file no certificate is "
			"verified; write ca_file too, or take crl_file out");
	if (transport_has(d->transport, TRANSPORT_LISTENS))
		check_listening(l, map, d);
	check_used(l, map, d);
}

/* A destination that cannot take what each message holds would take no alert. */
static void check_size(struct loader *l, const struct yaml_node *map,
	const struct destination_options *d)
{
	struct error err;
	size_t least = least_message(d, &err);

	if (!least)
		options_wrong(
			&l->reader, line_of(map, "format"), "format: %s", err.text);
	else if (d->max_message_bytes < least)
		options_wrong(&l->reader, line_of(map, "max_message_bytes"),
			"max_message_bytes: %zu has no room for what each message in "
			"format %s must hold; write %zu or more",
			d->max_message_bytes, d->format, least);
	else if (transport_has(d->transport, TRANSPORT_DATAGRAMS) &&
		 d->max_message_bytes > TRANSPORT_DATAGRAM_MAXIMUM)
		options_wrong(&l->reader, line_of(map, "max_message_bytes"),
			"max_message_bytes: %zu is more than a datagram holds; write "
			"%d or less, best %d or less, which no router breaks up",
			d->max_message_bytes, TRANSPORT_DATAGRAM_MAXIMUM,
			TRANSPORT_DATAGRAM_UNBROKEN);
}

struct rules {
	struct loader *l;
	const struct destination_options *d;
};

static void say_rule(void *context, size_t rule, const char *text)
{
	const struct rules *rules = context;

	options_wrong(
		&rules->l->reader, rules->d->rule_lines[rule], "fields: %s", text);
}

static bool opens(struct loader *l, const struct yaml_node *map, const char *key,
	const struct destination_options *d)
{
	struct formatter formatter;
	struct error err;
	void *self;

	if (formatter_find(d->formatters, d->format, &formatter, &err) != RC_OK)
		return false; /* told where the format was read */
	self = formatter_open(
		&formatter, d->format_options, d->format_option_count, &err);
	if (self)
		formatter.module->close(self);
	else
		options_wrong(&l->reader, line_of(map, key), "%s%s",
			strcmp(key, "severity") ? "format_options: " : "", err.text);
	return self != NULL;
}

/* The format's numbers of severities are an option of the format. */
static bool add_severity(
	struct loader *l, const struct yaml_node *map, struct destination_options *d)
{
	size_t count = d->format_option_count + 1;
	struct fmt_option *all = arena_alloc(l->reader.strings, count * sizeof(*all));

	if (d->format_option_count)
		memcpy(all, d->format_options, (count - 1) * sizeof(*all));
	all[count - 1] = (struct fmt_option){"severity", d->severity};
	d->format_options = all;
	d->format_option_count = count;
	return opens(l, map, "severity", d);
}

static bool check_rules(struct loader *l, const struct destination_options *d)
{
	struct rules rules = {l, d};
	struct formatter formatter;
	struct error err;
	void *self = NULL;
	enum rc rc = formatter_find(d->formatters, d->format, &formatter, &err);

	if (rc == RC_OK)
		self = formatter_open(
			&formatter, d->format_options, d->format_option_count, &err);
	if (!self)
		return false; /* told before */
	rc = formatter_fields(
		&formatter, self, d->rules, d->rule_count, say_rule, &rules, &err);
	formatter.module->close(self);
	return rc == RC_OK;
}

static void check_format(
	struct loader *l, const struct yaml_node *map, struct destination_options *d)
{
	if (!opens(l, map, "format_options", d))
		return;
	if (d->severity && !add_severity(l, map, d))
		return;
	if (check_rules(l, d))
		check_size(l, map, d);
	preset_check(l, map, d);
}

static void read_destination(struct loader *l, const struct yaml_node *map)
{
	struct destination_options *d =
		&l->config->destinations[l->config->destination_count];
	const struct yaml_node *preset = yaml_get(map, "preset");
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
	l->reader.preset =
		preset && preset->kind == YAML_TEXT ? preset_find(preset->text) : NULL;
	options_fill(&l->reader, SECTION_DESTINATION, d, map);
	preset_finish(&l->reader, d, map);
	d->formatters = l->config->formatters;
	if (l->problem_count != before)
		return; /* what follows would only repeat it */
	check_needed(l, map, d);
	check_format(l, map, d);
}

void loader_read_destinations(struct loader *l, const struct yaml_node *node, int line)
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
