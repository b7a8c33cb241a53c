#include "config.h"

#include "relay/field_rules.h"

#include <string.h>
#include <strings.h>

#include "alert/paths.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "base/values.h"
#include "fetch/source.h"

#define NAMES_MAXIMUM 512

/* What a rule says, by its keys in YAML. */
struct said {
	const char *key, *label, *from, *value, *rename, *to, *drop;
	struct fmt_word *words;
	size_t word_count;
};

static const struct {
	const char *name;
	size_t offset;
} parts[] = {
	{"key", offsetof(struct said, key)},
	{"label", offsetof(struct said, label)},
	{"from", offsetof(struct said, from)},
	{"value", offsetof(struct said, value)},
	{"rename", offsetof(struct said, rename)},
	{"to", offsetof(struct said, to)},
	{"drop", offsetof(struct said, drop)},
};

#define PARTS (sizeof(parts) / sizeof(*parts))

static bool has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 32 || *text == 127)
			return true;
	return false;
}

/* The member of `said` that the node fills, or NULL when it fills none. */
static const char **part_of(
	struct options_reader *reader, const struct yaml_node *node, struct said *said)
{
	const char *names[PARTS + 1] = {[PARTS] = "words"};
	struct error err;

	for (size_t i = 0; i < PARTS; i++) {
		names[i] = parts[i].name;
		if (!strcmp(node->key, parts[i].name))
			return (const char **)(void *)((char *)said + parts[i].offset);
	}
	value_unknown(node->key, "part of a rule", names, PARTS + 1, &err);
	options_wrong(reader, node->key_line, "fields: %s", err.text);
	return NULL;
}

static bool wrong_word(
	struct options_reader *reader, const struct yaml_node *node, const char *why)
{
	options_wrong(reader, node->key_line,
		"fields: words: %s; write {new: open, inProgress: assigned}, 1 to %d "
		"texts of 1 to %d octets without control characters",
		why, FMT_WORDS_MAX, FMT_WORD_MAX);
	return false;
}

static bool read_words(
	struct options_reader *reader, const struct yaml_node *map, struct said *said)
{
	size_t count = 0;

	if (map->kind != YAML_MAP || !map->first)
		return wrong_word(reader, map, "there are none");
	for (const struct yaml_node *node = map->first; node; node = node->next)
		count++;
	if (count > FMT_WORDS_MAX)
		return wrong_word(reader, map, "there are too many");
	said->words = arena_alloc(reader->strings, count * sizeof(*said->words));
	for (const struct yaml_node *node = map->first; node; node = node->next) {
		size_t from = strlen(node->key), to;

		if (node->kind != YAML_TEXT || yaml_is_nothing(node))
			return wrong_word(reader, node, "a word must become a text");
		to = strlen(node->text);
		if (!from || !to || from > FMT_WORD_MAX || to > FMT_WORD_MAX)
			return wrong_word(reader, node, "a word is empty or too long");
		if (has_control(node->key) || has_control(node->text))
			return wrong_word(
				reader, node, "a word has a control character");
		for (size_t i = 0; i < said->word_count; i++)
			if (!strcasecmp(said->words[i].from, node->key))
				return wrong_word(reader, node,
					"a word is there twice, as letters have no "
					"case");
		said->words[said->word_count++] =
			(struct fmt_word){options_copy(reader, node->key, from),
				options_copy(reader, node->text, to)};
	}
	return true;
}

static bool read_parts(
	struct options_reader *reader, const struct yaml_node *rule, struct said *said)
{
	bool good = true;

	for (const struct yaml_node *node = rule->first; node; node = node->next) {
		const char **to;

		if (!strcmp(node->key, "words")) {
			good &= read_words(reader, node, said);
			continue;
		}
		to = part_of(reader, node, said);

		if (to && (node->kind != YAML_TEXT || yaml_is_nothing(node) ||
				  has_control(node->text)))
			options_wrong(reader, node->key_line,
				"fields: %s must be a text without control characters",
				node->key);
		else if (to)
			*to = options_copy(reader, node->text, strlen(node->text));
		good &= to && *to;
	}
	return good;
}

/* NULL, or what is wrong with the parts of a rule together. */
static const char *wrong_parts(const struct said *s)
{
	if (!s->key + !s->rename + !s->drop != 2)
		return "a rule is {key: K, from: PATH}, {key: K, value: TEXT}, "
		       "{key: K, words: {A: B}}, {rename: K, to: NEW} or {drop: K}; "
		       "write one of them";
	if (s->key && !!s->from + !!s->value + !!s->words != 1)
		return "key goes with from, with value or with words; write one of "
		       "them";
	if (!s->key && (s->from || s->value || s->words))
		return "from, value and words go with key; take them out";
	if (s->words && s->label)
		return "words need no label; take it out";
	if (!s->rename != !s->to)
		return "rename and to go together; write both";
	if (s->drop && s->label)
		return "drop needs no label; take it out";
	if (s->from && !alert_path_is_legal(s->from))
		return "from is no path; write 1 to 8 names joined by /, at most 200 "
		       "octets, as additionalData/team";
	return NULL;
}

void field_rules_read(struct options_reader *reader, const struct yaml_node *node,
	struct destination_options *to)
{
	struct fmt_rule *rules;
	const char **paths;
	int *lines;
	size_t count = 0, room = 0;

	if (node->kind != YAML_LIST || !node->first) {
		options_wrong(reader, node->line,
			"fields: must be a list of rules; write `- {key: K, from: "
			"PATH}` lines, or take it out");
		return;
	}
	for (const struct yaml_node *rule = node->first; rule; rule = rule->next)
		room++;
	if (room > FMT_RULES_MAX) {
		options_wrong(reader, node->line,
			"fields: %zu rules; at most %d are taken", room, FMT_RULES_MAX);
		return;
	}
	rules = arena_alloc(reader->strings, room * sizeof(*rules));
	paths = arena_alloc(reader->strings, room * sizeof(*paths));
	lines = arena_alloc(reader->strings, room * sizeof(*lines));
	for (const struct yaml_node *rule = node->first; rule; rule = rule->next) {
		struct said said = {.key = NULL};
		const char *wrong = NULL;

		if (rule->kind == YAML_MAP && !read_parts(reader, rule, &said))
			continue;
		wrong = wrong_parts(&said);
		if (wrong) {
			options_wrong(reader, rule->line, "fields: %s", wrong);
			continue;
		}
		paths[count] = said.from;
		lines[count] = rule->line;
		rules[count++] =
			(struct fmt_rule){.kind = said.words	? FMT_RULE_WORDS
						  : said.key	? FMT_RULE_ADD
						  : said.rename ? FMT_RULE_RENAME
								: FMT_RULE_DROP,
				.key = said.key	     ? said.key
				       : said.rename ? said.rename
						     : said.drop,
				.to = said.to,
				.label = said.label,
				.value = said.value,
				.words = said.words,
				.word_count = said.word_count};
	}
	to->rules = rules;
	to->rule_paths = paths;
	to->rule_lines = lines;
	to->rule_count = count;
}

/* --- paths --- */

/* First names of the paths of sources, as texts of their own. */
struct names {
	struct loader *loader;
	const char *all[NAMES_MAXIMUM];
	bool has_more[NAMES_MAXIMUM]; /* there may be something below it */
	size_t count;
};

static void add_row(struct names *names, const struct alert_row *row)
{
	size_t n = strcspn(row->path, "/"), i = 0;
	bool more = row->path[n] || row->target == ALERT_RAW ||
		    row->target == ALERT_EVIDENCE || row->target == ALERT_COMMENT ||
		    row->target == ALERT_NESTED;

	while (i < names->count && (strlen(names->all[i]) != n ||
					   memcmp(names->all[i], row->path, n) != 0))
		i++;
	if (i == NAMES_MAXIMUM)
		return;
	if (i == names->count) {
		names->all[i] = options_copy(&names->loader->reader, row->path, n);
		names->has_more[i] = false;
		names->count++;
	}
	names->has_more[i] |= more;
}

static void add_source(struct names *names, const struct source *source)
{
	for (const struct alert_table *table = source->table; table;
		table = table->nested)
		for (size_t i = 0; i < table->row_count; i++)
			add_row(names, &table->rows[i]);
}

static bool goes_to(
	const struct config_feed *feed, const struct destination_options *destination)
{
	for (size_t i = 0; i < feed->destination_count; i++)
		if (!strcmp(feed->destinations[i], destination->name))
			return true;
	return false;
}

/* Those whose feeds go to the destination; all, when none does. */
static void add_sources(struct names *names, const struct config *config,
	const struct destination_options *destination, struct strbuf *which)
{
	bool used[64] = {false}, any = false;
	const struct source *source;

	for (size_t t = 0; t < config->tenant_count; t++) {
		const struct config_tenant *tenant = &config->tenants[t];

		for (size_t f = 0; f < tenant->feed_count; f++)
			for (size_t i = 0; (source = source_at(i)) && i < 64; i++)
				if (tenant->feeds[f].source &&
					!strcmp(source->name,
						tenant->feeds[f].source) &&
					goes_to(&tenant->feeds[f], destination))
					any = used[i] = true;
	}
	for (size_t i = 0; (source = source_at(i)) && i < 64; i++) {
		if (any && !used[i])
			continue;
		strbuf_addf(which, "%s%s", which->n ? ", " : "", source->name);
		add_source(names, source);
	}
}

static void check_path(
	const struct names *names, const char *which, const char *path, int line)
{
	char first[ALERT_PATH_LENGTH + 1], quoted[100];
	const char *nearest;
	size_t n = strcspn(path, "/"), i = 0;

	memcpy(first, path, n);
	first[n] = '\0';
	while (i < names->count && strcmp(names->all[i], first) != 0)
		i++;
	log_quote(quoted, sizeof(quoted), first, n);
	if (i == names->count) {
		nearest = value_nearest(first, names->all, names->count);
		loader_wrong_in(names->loader, names->loader->files[0], line,
			"fields: from: an alert of %s has no %s%s%s%s", which, quoted,
			nearest ? "; did you mean " : "; write a name of its JSON",
			nearest ? nearest : "", nearest ? "?" : "");
	} else if (path[n] && !names->has_more[i]) {
		loader_wrong_in(names->loader, names->loader->files[0], line,
			"fields: from: %s holds no other names; write it alone", first);
	}
}

void field_rules_check_paths(struct loader *loader)
{
	const struct config *config = loader->config;

	for (size_t d = 0; d < config->destination_count; d++) {
		const struct destination_options *destination =
			&config->destinations[d];
		struct names names = {.loader = loader};
		struct strbuf which;

		if (!destination->rule_count)
			continue;
		strbuf_init(&which, 65536);
		add_sources(&names, config, destination, &which);
		for (size_t i = 0; i < destination->rule_count; i++)
			if (destination->rule_paths[i])
				check_path(&names, which.p, destination->rule_paths[i],
					destination->rule_lines[i]);
		strbuf_clear(&which);
	}
}
