/* field_pairs.c - the field map of a destination in formats of key=value pairs. */
#include "field_pairs.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "rule.h"

struct added {
	size_t rule;
	enum key_type type;
	struct fmt_str constant; /* or empty */
};

struct field_pairs {
	struct pairs_style style;
	struct pair_row *rows; /* those of the style, changed */
	struct pair_label *labels;
	size_t label_count;
	uint8_t is_dropped[PICK_ROWS];
	const struct fmt_rule *words[PICK_ROWS]; /* or NULL */
	struct added added[PICK_ADDED];
	size_t added_count;
	char typed[PICK_ADDED][KEY_TYPED_ROOM]; /* of constants */
};

_Static_assert(PICK_TYPED >= KEY_TYPED_ROOM, "room for what key_value() writes");

/* While the rules are read. */
struct reading {
	struct field_pairs *map;
	const struct pairs_style *style;
	const struct key_table *keys;
	const struct fmt_rule *rules;
	fmt_wrong *wrong;
	void *context;
	size_t rule; /* the one being read */
	uint64_t bad; /* rules that are not right */
	unsigned errors;
};

_Static_assert(FMT_RULES_MAX <= 64, "a set of rules is 64 bits");

static int wrong(struct reading *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int wrong(struct reading *r, const char *format, ...)
{
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	r->errors++;
	r->bad |= UINT64_C(1) << r->rule % FMT_RULES_MAX;
	r->wrong(r->context, r->rule, text);
	return 0;
}

/* --- keys of rows --- */

static struct fmt_str row_key(const struct pair_row *row)
{
	if (!row->before_n)
		return (struct fmt_str){NULL, 0};
	return (struct fmt_str){row->before + 1, row->before_n - 2u};
}

static int row_is(const struct pair_row *row, const char *key)
{
	struct fmt_str own = row_key(row);

	return own.n == strlen(key) && own.n && !memcmp(own.p, key, own.n);
}

/* The label that a style gives a row: " cs1Label=threatName", what is behind the '='. */
static struct fmt_str row_label(
	const struct pairs_style *style, const struct pair_row *row)
{
	const struct pair_label *label = &style->labels[row->label];
	const char *at = label->n ? memchr(label->text, '=', label->n) : NULL;

	if (!at)
		return (struct fmt_str){NULL, 0};
	return (struct fmt_str){at + 1, (size_t)(label->text + label->n - at - 1)};
}

/* --- what a new key may be --- */

static int is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z');
}

/* "cs1Label" of "cs1" */
static const struct key *label_owner(const struct key_table *keys, const char *name)
{
	static const char end[] = "Label";
	size_t n = strlen(name);

	for (size_t i = 0; i < keys->count && n >= sizeof(end); i++)
		if (keys->keys[i].has_label &&
			strlen(keys->keys[i].name) == n - (sizeof(end) - 1) &&
			!strcmp(name + n - (sizeof(end) - 1), end) &&
			!memcmp(keys->keys[i].name, name, n - (sizeof(end) - 1)))
			return &keys->keys[i];
	return NULL;
}

static int check_own_key(struct reading *r, const char *name)
{
	const char *format = r->keys->format;
	const struct key *of = key_of_full_name(r->keys, name);
	size_t n = strlen(name);

	if (of)
		return wrong(r, "%s is only the full name of the %s key %s; write %s",
			name, format, of->name, of->name);
	of = label_owner(r->keys, name);
	if (of)
		return wrong(r, "%s is the label of %s; write {key: %s, label: ...}",
			name, of->name, of->name);
	for (size_t i = 0; i < n; i++)
		if (!is_alnum(name[i]))
			return wrong(r,
				"%.60s is no key of %s; a key has letters and digits "
				"only",
				name, format);
	if (!n || (name[0] >= '0' && name[0] <= '9'))
		return wrong(r, "\"%.60s\" is no key of %s; a key begins with a letter",
			name, format);
	if (n > KEY_NAME_MAX)
		return wrong(r,
			"the key %.60s is %zu octets long; at most %u are taken", name,
			n, KEY_NAME_MAX);
	return 1;
}

/* A key that is to be written anew; of one's own key dictionary is NULL. */
static int check_new_key(struct reading *r, const char *name, const struct key **key)
{
	*key = key_find(r->keys, name);
	if (!*key)
		return check_own_key(r, name);
	if ((*key)->is_taken)
		return wrong(r, "%s is for the reader of %s to set; take another key",
			name, r->keys->format);
	return 1;
}

static int check_label(
	struct reading *r, const char *name, const struct key *key, const char *label)
{
	size_t n = label ? strlen(label) : 0;

	if (label && (!key || !key->has_label))
		return wrong(r, "%s has no label in %s; take label out", name,
			r->keys->format);
	if (!label && key && key->has_label)
		return wrong(r,
			"%s needs a label, which says what it is; write label: "
			"NAME",
			name);
	if (!label)
		return 1;
	if (!n || n > KEY_LABEL_MAX)
		return wrong(r, "the label of %s is %zu octets long; write 1 to %u",
			name, n, KEY_LABEL_MAX);
	for (size_t i = 0; i < n; i++)
		if (!is_alnum(label[i]) && !strchr(" ._-()/", label[i]))
			return wrong(r,
				"the label \"%.70s\" has more than letters, digits, "
				"spaces and . _ - ( ) /; take it out",
				label);
	if (label[0] == ' ' || label[n - 1] == ' ')
		return wrong(r,
			"the label \"%.70s\" has a space at an end; take it out",
			label);
	return 1;
}

/* --- rows made anew --- */

static void set_key(struct pair_row *row, const char *name)
{
	size_t n = strlen(name);

	memset(row->before, 0, sizeof(row->before));
	row->before[0] = ' ';
	memcpy(row->before + 1, name, n);
	row->before[n + 1] = '=';
	row->before_n = (uint8_t)(n + 2);
}

static uint8_t add_label(struct field_pairs *map, const char *name, struct fmt_str text)
{
	struct pair_label *label = &map->labels[map->label_count];

	label->n = (uint8_t)snprintf(label->text, sizeof(label->text), " %sLabel=%.*s",
		name, (int)text.n, text.p);
	return (uint8_t)map->label_count++;
}

static unsigned key_max(const struct key *key)
{
	return key ? key->max : KEY_OWN_MAX;
}

/* --- the rules --- */

/* Is it there, and may it be changed? */
static int check_old_key(struct reading *r, const char *name)
{
	int found = 0;

	for (size_t i = 0; i < PICK_ROWS; i++) {
		const struct pair_row *row = &r->style->rows[i];

		if (!row_is(row, name))
			continue;
		found = 1;
		if (row->class == PAIR_FIXED)
			return wrong(r,
				"%s always stays: a SIEM finds and joins messages by "
				"it; take the rule out",
				name);
	}
	for (size_t i = 0; found && i < r->rule; i++)
		if (rule_clashes(&r->rules[i], &r->rules[r->rule]))
			return wrong(r,
				"%s is in another rule already; keep one of them",
				name);
	return found ||
	       wrong(r,
		       "format %s writes no key %.60s; see the table of keys in "
		       "alertrelay(8)",
		       r->keys->format, name);
}

static void read_drop(struct reading *r, const struct fmt_rule *rule)
{
	if (!check_old_key(r, rule->key))
		return;
	for (size_t i = 0; i < PICK_ROWS; i++) {
		if (!row_is(&r->style->rows[i], rule->key))
			continue;
		r->map->is_dropped[i] = 1;
		r->map->rows[i].before_n = 0;
		r->map->rows[i].label = 0;
	}
}

static void rename_row(struct reading *r, size_t at, const struct fmt_rule *rule,
	const struct key *key)
{
	struct pair_row *row = &r->map->rows[at];
	struct fmt_str label = row_label(r->style, &r->style->rows[at]);

	set_key(row, rule->to);
	if (key && key->max < row->max)
		row->max = (uint16_t)key->max;
	row->label = 0;
	if (!key || !key->has_label)
		return;
	if (rule->label)
		label = (struct fmt_str){rule->label, strlen(rule->label)};
	row->label = add_label(r->map, rule->to, label);
}

static void read_rename(struct reading *r, const struct fmt_rule *rule)
{
	const struct key *from = key_find(r->keys, rule->key), *to;
	enum key_type type = from ? from->type : KEY_TEXT;
	int labelled = from && from->has_label;

	if (!check_old_key(r, rule->key) || !check_new_key(r, rule->to, &to))
		return;
	/* A label goes along when there is one. */
	if (!(labelled && to && to->has_label && !rule->label) &&
		!check_label(r, rule->to, to, rule->label))
		return;
	if (to && to->type != type && to->type != KEY_TEXT) {
		wrong(r, "%s holds %s, and %s is for %s; take another key", rule->key,
			key_type_name(type), rule->to, key_type_name(to->type));
		return;
	}
	for (size_t i = 0; i < PICK_ROWS; i++)
		if (row_is(&r->style->rows[i], rule->key))
			rename_row(r, i, rule, to);
}

static void read_words(struct reading *r, const struct fmt_rule *rule)
{
	const struct key *key = key_find(r->keys, rule->key);
	size_t at;

	if (!check_old_key(r, rule->key))
		return;
	if (key && key->type != KEY_TEXT) {
		wrong(r, "%s is for %s, and words are for texts; take the rule out",
			rule->key, key_type_name(key->type));
		return;
	}
	for (at = 0; at < PICK_ROWS; at++) {
		if (!row_is(&r->style->rows[at], rule->key))
			continue;
		r->map->words[at] = rule;
		for (size_t i = 0; i < rule->word_count; i++)
			if (!text_fits(text_str(rule->words[i].to),
				    r->style->rows[at].max))
				wrong(r,
					"%s holds at most %u characters, and %.60s "
					"has more",
					rule->key, r->style->rows[at].max,
					rule->words[i].to);
	}
}

static int read_constant(struct reading *r, const struct fmt_rule *rule,
	enum key_type type, unsigned max)
{
	struct field_pairs *map = r->map;
	struct added *added = &map->added[map->added_count];
	struct fmt_str value = pairs_trim(text_str(rule->value), r->style->separator);

	added->constant = key_value(type, value, map->typed[map->added_count]);
	if (!value.n)
		return wrong(r, "the value of %s is empty; write a text", rule->key);
	if (!added->constant.n)
		return wrong(r, "%s is for %s, and \"%.60s\" is none", rule->key,
			key_type_name(type), rule->value);
	return text_fits(added->constant, max) ||
	       wrong(r, "the value of %s is %zu characters long; it holds at most %u",
		       rule->key, text_count(added->constant, 1000000), max);
}

static void read_add(struct reading *r, const struct fmt_rule *rule)
{
	struct field_pairs *map = r->map;
	struct pair_row *row = &map->rows[PICK_ROWS + map->added_count];
	const struct key *key;
	enum key_type type;

	if (map->added_count == PICK_ADDED) {
		wrong(r, "too many rules that add a key; at most %u are taken",
			PICK_ADDED);
		return;
	}
	if (!check_new_key(r, rule->key, &key) ||
		!check_label(r, rule->key, key, rule->label))
		return;
	type = key ? key->type : KEY_TEXT;
	if (rule->value && !read_constant(r, rule, type, key_max(key)))
		return;
	set_key(row, rule->key);
	row->max = (uint16_t)key_max(key);
	row->class = PAIR_OPTIONAL;
	row->label = rule->label ? add_label(map, rule->key, text_str(rule->label)) : 0;
	map->added[map->added_count].rule = r->rule;
	map->added[map->added_count++].type = type;
}

/* Is a key that a rule has made one that something else writes as well? */
static void check_twice(struct reading *r, const char *key)
{
	if (!strcmp(key, r->style->omitted)) {
		wrong(r, "%s tells of what was left out; take another key", key);
		return;
	}
	for (size_t i = 0; i < r->rule; i++) {
		const char *other = rule_makes(&r->rules[i]);

		if (other && !strcmp(other, key)) {
			wrong(r,
				"the key %s is written by another rule already; take "
				"another key",
				key);
			return;
		}
	}
	for (size_t i = 0; i < PICK_ROWS; i++) {
		const struct pair_row *row = &r->map->rows[i];
		struct fmt_str label = row_label(r->style, &r->style->rows[i]);

		/* Renamed rows are those of the rules above. */
		if (!row_is(row, key) || !row_is(&r->style->rows[i], key))
			continue;
		wrong(r,
			"the format writes the key %s itself%s%.*s%s; take another "
			"key%s%s%s",
			key, label.n ? " (" : "", (int)label.n, label.n ? label.p : "",
			label.n ? ")" : "",
			row->class == PAIR_FIXED ? "" : ", or write {drop: ",
			row->class == PAIR_FIXED ? "" : key,
			row->class == PAIR_FIXED ? "" : "} too");
		return;
	}
}

static void read_rules(struct reading *r, size_t count)
{
	for (r->rule = 0; r->rule < count; r->rule++) {
		const struct fmt_rule *rule = &r->rules[r->rule];

		if (rule->kind == FMT_RULE_DROP)
			read_drop(r, rule);
		else if (rule->kind == FMT_RULE_RENAME)
			read_rename(r, rule);
		else if (rule->kind == FMT_RULE_WORDS)
			read_words(r, rule);
		else
			read_add(r, rule);
	}
	for (r->rule = 0; r->rule < count; r->rule++) {
		const struct fmt_rule *rule = &r->rules[r->rule];

		/* What is wrong is told once. */
		if (rule_makes(rule) && !(r->bad >> r->rule & 1))
			check_twice(r, rule_makes(rule));
	}
}

static size_t count_labels(const struct pairs_style *style)
{
	size_t most = 0;

	for (size_t i = 0; i < PICK_ROWS; i++)
		if (style->rows[i].label > most)
			most = style->rows[i].label;
	return most + 1;
}

/* A rename of one key may be one of several rows. */
#define LABELS_MORE (PICK_ROWS + PICK_ADDED)
_Static_assert(sizeof(struct pair_row) % 64 == 0, "rows are lines of the cache");

static int make_tables(struct field_pairs *map, const struct pairs_style *style)
{
	size_t labels = count_labels(style);

	map->rows = aligned_alloc(64, PICK_ALL * sizeof(*map->rows));
	map->labels = calloc(labels + LABELS_MORE, sizeof(*map->labels));
	if (!map->rows || !map->labels)
		return 0;
	memset(map->rows, 0, PICK_ALL * sizeof(*map->rows));
	memcpy(map->rows, style->rows, PICK_ROWS * sizeof(*map->rows));
	memcpy(map->labels, style->labels, labels * sizeof(*map->labels));
	map->label_count = labels;
	return 1;
}

struct field_pairs *field_pairs_new(const struct pairs_style *style,
	const struct key_table *keys, const struct fmt_rule *rules, size_t count,
	fmt_wrong *report, void *context)
{
	struct field_pairs *map = calloc(1, sizeof(*map));
	struct reading r = {.map = map,
		.style = style,
		.keys = keys,
		.rules = rules,
		.wrong = report,
		.context = context};

	if (!map || !make_tables(map, style))
		wrong(&r, "out of memory");
	else if (count > FMT_RULES_MAX)
		wrong(&r, "%zu rules; at most %d are taken", count, FMT_RULES_MAX);
	else
		read_rules(&r, count);
	if (!map || r.errors) {
		field_pairs_free(map);
		return NULL;
	}
	map->style = *style;
	map->style.rows = map->rows;
	map->style.labels = map->labels;
	map->style.row_count = PICK_ROWS + map->added_count;
	return map;
}

void field_pairs_free(struct field_pairs *map)
{
	if (!map)
		return;
	free(map->rows);
	free(map->labels);
	free(map);
}

const struct pairs_style *field_pairs_style(const struct field_pairs *map)
{
	return &map->style;
}

/* Its key stands in the row still when a rule has dropped it. */
static __attribute__((noinline, cold)) void tell(const struct fmt_message *message,
	const struct pair_row *row, struct fmt_str value, enum fmt_fate fate,
	const char *why)
{
	const char *equals = strchr(row->before, '=');
	const struct fmt_told told = {.fate = fate,
		.key = {row->before + 1, (size_t)(equals - row->before - 1)},
		.value = value,
		.why = why};

	message->trace->tell(message->trace, &told);
}

static void drop_row(const struct field_pairs *map, size_t at, struct pick *pick,
	struct fmt_message *message)
{
	if (message->trace && pick->row[at].n)
		tell(message, &map->rows[at], pick->row[at], FMT_DROPPED, NULL);
	pick->row[at].n = 0;
}

static void word_row(const struct fmt_rule *rule, struct fmt_str *value)
{
	const char *word = rule_word(rule, *value);

	if (word)
		*value = text_str(word);
}

void field_pairs_apply(const struct field_pairs *map, const struct fmt_alert *alert,
	struct pick *pick, struct fmt_message *message)
{
	for (size_t i = 0; i < PICK_ROWS; i++) {
		if (map->is_dropped[i])
			drop_row(map, i, pick, message);
		else if (map->words[i] && pick->row[i].n)
			word_row(map->words[i], &pick->row[i]);
	}
	for (size_t i = 0; i < map->added_count; i++) {
		const struct added *added = &map->added[i];
		struct fmt_str *row = &pick->row[PICK_ROWS + i], value;

		*row = added->constant;
		if (row->n)
			continue;
		if (!FMT_HAS(alert, added_count) || added->rule >= alert->added_count)
			continue;
		value = pairs_trim(
			alert->added[added->rule].value, map->style.separator);
		if (!value.n)
			continue;
		*row = key_value(added->type, value, pick->typed[i]);
		message->shed_fields += !row->n;
		if (message->trace && !row->n)
			tell(message, &map->rows[PICK_ROWS + i], value, FMT_SHED,
				"the value is not of the type that the key holds");
	}
}

int field_pairs_has(
	const struct field_pairs *map, const struct pick *pick, const char *key)
{
	for (size_t i = 0; i < map->style.row_count; i++)
		if (pick->row[i].n && row_is(&map->rows[i], key))
			return 1;
	return 0;
}

void field_pairs_take_out(const struct field_pairs *map, struct pick *pick,
	const char *begin, const char *but, struct fmt_message *message)
{
	size_t n = strlen(begin);

	for (size_t i = 0; i < map->style.row_count; i++) {
		struct fmt_str key = row_key(&map->rows[i]);

		if (!pick->row[i].n || key.n < n || memcmp(key.p, begin, n) != 0 ||
			row_is(&map->rows[i], but))
			continue;
		if (message->trace)
			tell(message, &map->rows[i], pick->row[i], FMT_SHED,
				"it means something only beside a key that is not "
				"there");
		pick->row[i].n = 0;
		message->shed_fields++;
	}
}
