#include "config.h"

#include "cli/explain.h"

#include <stdio.h>
#include <stdlib.h>

#include "alert/alert.h"
#include "base/log.h"
#include "formats/escape.h"
#include "formats/rule.h"
#include "formats/text.h"
#include "formats/value.h"

#define SHOWN_VALUE 60 /* characters */
#define SHOWN_FIELDS 3 /* of one key */
#define FIELD_COLUMNS 42
#define KEY_COLUMNS 38

/* One message, as it is told. */
struct telling {
	const struct explain *explain;
	const struct fmt_alert *alert;
	const struct rendered *rendered;
	struct strbuf *out;
	bool is_first; /* of the items of a JSON array or object */
};

static struct fmt_str text(const char *s)
{
	return (struct fmt_str){s, strlen(s)};
}

/* --- what belongs to a key --- */

/* Structured data stand in messages with a header of RFC 5424 only. */
static bool is_sent(const struct telling *t, const struct fmt_told *item)
{
	return !item->structured_data || t->explain->options->header == HEADER_RFC5424;
}

/* Is the item of the whole message this one, or a part of it? */
static bool belongs(const struct fmt_told *whole, const struct fmt_told *item)
{
	size_t n = item->key.n;

	return whole->structured_data == item->structured_data && whole->key.n >= n &&
	       !memcmp(whole->key.p, item->key.p, n) &&
	       (whole->key.n == n ||
		       (item->fate != FMT_WRITTEN &&
			       (whole->key.p[n] == '.' || whole->key.p[n] == '[')));
}

static bool has_text(const struct origin_link *link)
{
	while (link && !link->is_text)
		link = link->next;
	return link != NULL;
}

/* Of one key several may be told, in their order: which one is this? */
static size_t place_of(const struct tale *tale, const struct fmt_told *item)
{
	size_t place = 0;

	for (const struct fmt_told *other = tale->items; other < item; other++)
		place += other->fate == item->fate && tale_same(other, item);
	return place;
}

/* Calls for each field that the item has, each once; gives how many. */
static size_t each_field(struct telling *t, const struct fmt_told *item,
	void (*say)(struct telling *t, const struct origin *origin, size_t at))
{
	const struct trials *trials = &t->explain->trials;
	bool *told = xcalloc(trials->origin_count + 1, sizeof(*told));
	size_t count = 0, place = place_of(&t->explain->tale, item);

	for (size_t i = 0; i < trials->whole.count; i++) {
		const struct origin_link *link = trials->links[i];
		bool texts = has_text(link);

		if (!link || !belongs(&trials->whole.items[i], item) ||
			(item->fate == FMT_DROPPED &&
				place != place_of(&trials->whole,
						 &trials->whole.items[i])))
			continue;
		for (; link; link = link->next) {
			if ((texts && !link->is_text) || told[link->origin])
				continue;
			told[link->origin] = true;
			if (say)
				say(t, &trials->origins[link->origin], count);
			count++;
		}
	}
	free(told);
	return count;
}

/* The key without its indices is the one that a rule makes? */
static bool is_key_of(struct fmt_str key, const char *made)
{
	for (size_t i = 0; i < key.n; i++) {
		if (key.p[i] == '[') {
			while (i < key.n && key.p[i] != ']')
				i++;
			continue;
		}
		if (key.p[i] != *made++)
			return false;
	}
	return !*made;
}

/* The rule that adds the key, gives it its name or has words for its values, or NULL. */
static const struct fmt_rule *rule_of(
	const struct telling *t, const struct fmt_told *item, const char **from)
{
	const struct destination_options *options = t->explain->options;

	for (size_t i = 0; i < options->rule_count; i++) {
		const struct fmt_rule *rule = &options->rules[i];
		const char *made =
			rule->kind == FMT_RULE_WORDS ? rule->key : rule_makes(rule);

		if (!made || item->structured_data || !is_key_of(item->key, made))
			continue;
		*from = options->rule_paths ? options->rule_paths[i] : NULL;
		return rule;
	}
	return NULL;
}

static void rule_text(const struct fmt_rule *rule, const char *from, char text[300])
{
	if (rule->kind == FMT_RULE_RENAME)
		snprintf(
			text, 300, "{rename: %.100s, to: %.100s}", rule->key, rule->to);
	else if (rule->kind == FMT_RULE_WORDS)
		snprintf(text, 300, "{key: %.100s, words: %zu}", rule->key,
			rule->word_count);
	else if (rule->value)
		snprintf(text, 300, "{key: %.100s, value: %.100s}", rule->key,
			rule->value);
	else
		snprintf(text, 300, "{key: %.100s, from: %.150s}", rule->key,
			from ? from : "");
}

/* The cut that was told before what was written. */
static const struct fmt_told *cut_of(
	const struct tale *tale, const struct fmt_told *item)
{
	for (const struct fmt_told *cut = tale->items; cut < item; cut++)
		if (cut->fate == FMT_CUT && tale_same(cut, item))
			return cut;
	return NULL;
}

/* Why a field of this alert may have no key, as far as that can be told. */
static void missing_why(
	const struct telling *t, const struct origin *origin, char why[160])
{
	const struct fmt_evidence *evidence = origin->evidence;
	const struct fmt_evidence *primary =
		evidence ? t->alert->primary[evidence->kind] : NULL;

	why[0] = '\0';
	if (value_is_nothing(text_trim(origin->value)) && origin->value.n)
		snprintf(why, 160, "it says nothing");
	else if (primary && primary != evidence)
		snprintf(why, 160, "evidence[%zu] speaks for its kind",
			(size_t)(primary - t->alert->evidence));
}

static bool is_missing(const struct trials *trials, const struct origin *origin)
{
	return !origin->reached && !origin->is_ours &&
	       origin->is_raw == trials->has_raw_text;
}

static const char *field_of(
	const struct fmt_evidence *evidence, enum fmt_field_id id, char quoted[80])
{
	struct fmt_str s = fmt_get(evidence, id);

	return s.n ? log_quote(quoted, 80, s.p, s.n) : "none";
}

/* --- as text --- */

/* What a module tells may be anything. */
static void add_clean(struct strbuf *out, struct fmt_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		bool control = (unsigned char)s.p[i] < 32 || s.p[i] == 127;

		(void)strbuf_addc(out, control ? '?' : s.p[i]);
	}
}

static void add_value(struct strbuf *out, struct fmt_str s)
{
	int cut = text_cut(&s, SHOWN_VALUE);

	add_clean(out, s);
	if (cut)
		(void)strbuf_adds(out, TEXT_MARK);
}

static void add_why(struct strbuf *out, const char *before, const char *why)
{
	if (!why)
		return;
	(void)strbuf_adds(out, before);
	add_clean(out, text(why));
	(void)strbuf_addc(out, ']');
}

/* Fills up to the column. */
static void add_column(struct strbuf *out, size_t start, size_t columns)
{
	do
		(void)strbuf_addc(out, ' ');
	while (out->n - start < columns && !out->full);
}

static void say_field(struct telling *t, const struct origin *origin, size_t at)
{
	if (at == SHOWN_FIELDS)
		(void)strbuf_adds(t->out, ", ...");
	if (at >= SHOWN_FIELDS)
		return;
	if (at)
		(void)strbuf_adds(t->out, ", ");
	(void)strbuf_adds(t->out, origin->name);
}

static void add_key(struct strbuf *out, const struct fmt_told *item)
{
	struct fmt_str key = item->shown.n ? item->shown : item->key;

	if (item->structured_data)
		(void)strbuf_adds(out, "structured data: ");
	add_clean(out, key);
	if (!item->label.n)
		return;
	(void)strbuf_adds(out, " (");
	add_clean(out, item->label);
	(void)strbuf_addc(out, ')');
}

static void line_begin(
	struct telling *t, const struct fmt_told *item, const struct fmt_rule *rule)
{
	const char *none = rule				 ? "(field map)"
			   : t->explain->trials.left_out ? "(not known)"
							 : "(the format)";
	size_t start;

	(void)strbuf_adds(t->out, "    ");
	start = t->out->n;
	if (!each_field(t, item, say_field))
		(void)strbuf_adds(t->out, none);
	add_column(t->out, start, FIELD_COLUMNS);
	(void)strbuf_adds(t->out, "-> ");
	start = t->out->n;
	add_key(t->out, item);
	add_column(t->out, start, KEY_COLUMNS);
	(void)strbuf_adds(t->out, "= ");
	add_value(t->out, item->value);
}

static void text_written(struct telling *t, const struct fmt_told *item)
{
	const char *from = NULL;
	const struct fmt_rule *rule = rule_of(t, item, &from);
	const struct fmt_told *cut = cut_of(&t->explain->tale, item);
	char said[300];

	line_begin(t, item, rule);
	if (cut)
		(void)strbuf_addf(
			t->out, "  [cut from %zu octets to %zu", cut->from, cut->to);
	if (cut)
		add_why(t->out, ": ", cut->why ? cut->why : "");
	if (rule) {
		rule_text(rule, from, said);
		(void)strbuf_addf(t->out, "  [%s]", said);
	}
	add_why(t->out, "  [", item->why);
	(void)strbuf_addc(t->out, '\n');
}

static void heading(struct telling *t, bool *told, const char *what)
{
	if (!*told)
		(void)strbuf_addf(t->out, "  %s:\n", what);
	*told = true;
}

static void text_fate(struct telling *t, enum fmt_fate fate, const char *what)
{
	const struct tale *tale = &t->explain->tale;
	bool told = false;

	for (size_t i = 0; i < tale->count; i++) {
		const struct fmt_told *item = &tale->items[i];
		const char *from;

		if (item->fate != fate || !is_sent(t, item))
			continue;
		heading(t, &told, what);
		if (fate == FMT_WRITTEN) {
			text_written(t, item);
			continue;
		}
		line_begin(t, item, rule_of(t, item, &from));
		add_why(t->out, "  [", item->why);
		if (!item->why && fate == FMT_DROPPED)
			(void)strbuf_addf(t->out, "  [{drop: %.*s}]", (int)item->key.n,
				item->key.p);
		(void)strbuf_addc(t->out, '\n');
	}
}

static void text_missing(struct telling *t)
{
	const struct trials *trials = &t->explain->trials;
	bool told = false;

	for (size_t i = 0; i < trials->origin_count; i++) {
		const struct origin *origin = &trials->origins[i];
		char quoted[4 * SHOWN_VALUE], why[160];

		if (!is_missing(trials, origin))
			continue;
		heading(t, &told, "reached no key");
		(void)strbuf_addf(t->out, "    %s", origin->name);
		if (origin->value.n)
			(void)strbuf_addf(t->out, " = %s",
				log_quote(quoted, SHOWN_VALUE + 3, origin->value.p,
					origin->value.n));
		missing_why(t, origin, why);
		if (why[0])
			(void)strbuf_addf(t->out, "  [%s]", why);
		(void)strbuf_addc(t->out, '\n');
	}
	if (trials->left_out)
		(void)strbuf_addf(t->out,
			"  %zu more fields were not looked at: of an alert %d are\n",
			trials->left_out, TRIALS_MAXIMUM);
}

static void text_address(
	struct telling *t, const char *what, const struct fmt_evidence *evidence)
{
	char role[80];

	if (evidence)
		(void)strbuf_addf(t->out, "    %s: evidence[%zu]  [its role: %s]\n",
			what, (size_t)(evidence - t->alert->evidence),
			field_of(evidence, FMT_ROLE, role));
}

static void text_primary(struct telling *t)
{
	const struct fmt_alert *alert = t->alert;
	char detailed[80], role[80], verdict[80];
	bool told = false;

	for (int kind = 0; kind < FMT_KINDS; kind++) {
		const struct fmt_evidence *primary = alert->primary[kind];
		const char *why = alert_choice_reason(alert, (enum fmt_kind)kind);
		struct fmt_str name = value_kind((enum fmt_kind)kind);

		if (!why)
			continue;
		heading(t, &told, "primary evidence");
		(void)strbuf_addf(t->out,
			"    %.*s: evidence[%zu]  [%s; detailed role %s, role %s, "
			"verdict %s]\n",
			(int)name.n, name.p, (size_t)(primary - alert->evidence), why,
			field_of(primary, FMT_DETAILED_ROLE, detailed),
			field_of(primary, FMT_ROLE, role),
			field_of(primary, FMT_VERDICT, verdict));
	}
	text_address(t, "source address", alert->source_ip);
	text_address(t, "destination address", alert->destination_ip);
}

static bool says_anything(const struct tale *tale)
{
	for (size_t i = 0; i < tale->count; i++)
		if (tale->items[i].fate == FMT_WRITTEN)
			return true;
	return false;
}

static void silent_why(const struct explain *explain, char why[300])
{
	const struct formatter *formatter = &explain->render.formatter;

	snprintf(why, 300,
		"format %s does not tell what it writes%s%.180s; only its maker can",
		formatter->name, formatter->file ? ": it is the module " : "",
		formatter->file ? formatter->file : "");
}

static void tell_text(struct telling *t)
{
	char why[300];

	(void)strbuf_add(t->out, t->rendered->body.p, t->rendered->body.n);
	(void)strbuf_addc(t->out, '\n');
	if (!says_anything(&t->explain->tale)) {
		silent_why(t->explain, why);
		(void)strbuf_addf(t->out, "  %s\n\n", why);
		return;
	}
	text_fate(t, FMT_WRITTEN, "written");
	text_fate(t, FMT_SHED, "left out");
	text_fate(t, FMT_DROPPED, "dropped by the field map");
	text_missing(t);
	text_primary(t);
	if (!t->explain->tale.is_whole)
		(void)strbuf_adds(
			t->out, "  the message is too large to explain all of it\n");
	(void)strbuf_addc(t->out, '\n');
}

/* --- as JSON --- */

static void json_text(struct telling *t, struct fmt_str s)
{
	char *room = xmalloc(ESCAPE_JSON_ROOM(s.n) + 2), *to = room;

	*to++ = '"';
	to = escape_json_string(to, s);
	*to++ = '"';
	(void)strbuf_add(t->out, room, (size_t)(to - room));
	free(room);
}

static void json_comma(struct telling *t)
{
	if (!t->is_first)
		(void)strbuf_addc(t->out, ',');
	t->is_first = false;
}

static void json_name(struct telling *t, const char *name)
{
	json_comma(t);
	(void)strbuf_addf(t->out, "\"%s\":", name);
}

static void json_open(struct telling *t, const char *name, char bracket)
{
	if (name)
		json_name(t, name);
	else
		json_comma(t);
	(void)strbuf_addc(t->out, bracket);
	t->is_first = true;
}

static void json_close(struct telling *t, char bracket)
{
	(void)strbuf_addc(t->out, bracket);
	t->is_first = false;
}

static void json_member(struct telling *t, const char *name, struct fmt_str s)
{
	json_name(t, name);
	json_text(t, s);
}

static void json_number(struct telling *t, const char *name, size_t n)
{
	json_name(t, name);
	(void)strbuf_addf(t->out, "%zu", n);
}

static void json_field(struct telling *t, const struct origin *origin, size_t at)
{
	(void)at;
	json_comma(t);
	json_text(t, text(origin->name));
}

static void json_item(struct telling *t, const struct fmt_told *item)
{
	const char *from = NULL;
	const struct fmt_rule *rule =
		item->fate != FMT_DROPPED ? rule_of(t, item, &from) : NULL;
	const struct fmt_told *cut =
		item->fate == FMT_WRITTEN ? cut_of(&t->explain->tale, item) : NULL;
	char said[300];

	json_open(t, NULL, '{');
	json_member(t, "key", item->shown.n ? item->shown : item->key);
	if (item->structured_data) {
		json_name(t, "structured_data");
		(void)strbuf_adds(t->out, "true");
	}
	if (item->label.n)
		json_member(t, "label", item->label);
	json_member(t, "value", item->value);
	json_open(t, "fields", '[');
	(void)each_field(t, item, json_field);
	json_close(t, ']');
	if (cut) {
		json_open(t, "cut", '{');
		json_number(t, "from", cut->from);
		json_number(t, "to", cut->to);
		json_member(t, "why", text(cut->why ? cut->why : ""));
		json_close(t, '}');
	}
	if (rule) {
		rule_text(rule, from, said);
		json_member(t, "rule", text(said));
	}
	if (item->why)
		json_member(t, "why", text(item->why));
	json_close(t, '}');
}

static void json_fate(struct telling *t, enum fmt_fate fate, const char *name)
{
	const struct tale *tale = &t->explain->tale;

	json_open(t, name, '[');
	for (size_t i = 0; i < tale->count; i++)
		if (tale->items[i].fate == fate && is_sent(t, &tale->items[i]))
			json_item(t, &tale->items[i]);
	json_close(t, ']');
}

static void json_missing(struct telling *t)
{
	const struct trials *trials = &t->explain->trials;
	char why[160];

	json_open(t, "no_key", '[');
	for (size_t i = 0; i < trials->origin_count; i++) {
		const struct origin *origin = &trials->origins[i];

		if (!is_missing(trials, origin))
			continue;
		json_open(t, NULL, '{');
		json_member(t, "field", text(origin->name));
		json_member(t, "value", origin->value);
		missing_why(t, origin, why);
		if (why[0])
			json_member(t, "why", text(why));
		json_close(t, '}');
	}
	json_close(t, ']');
	if (trials->left_out)
		json_number(t, "not_looked_at", trials->left_out);
}

static void json_primary(struct telling *t)
{
	const struct fmt_alert *alert = t->alert;

	json_open(t, "primary", '[');
	for (int kind = 0; kind < FMT_KINDS; kind++) {
		const char *why = alert_choice_reason(alert, (enum fmt_kind)kind);

		if (!why)
			continue;
		json_open(t, NULL, '{');
		json_member(t, "kind", value_kind((enum fmt_kind)kind));
		json_number(t, "evidence",
			(size_t)(alert->primary[kind] - alert->evidence));
		json_member(t, "why", text(why));
		json_close(t, '}');
	}
	json_close(t, ']');
}

static void tell_json(struct telling *t)
{
	const struct rendered *rendered = t->rendered;
	char why[300];

	json_open(t, NULL, '{');
	json_member(t, "id", t->alert->id);
	json_member(t, "message", rendered->body);
	if (rendered->structured_data.n)
		json_member(t, "structured_data", rendered->structured_data);
	json_number(t, "shed_fields", rendered->shed_fields);
	json_number(t, "cut_texts", rendered->cut_texts);
	if (says_anything(&t->explain->tale)) {
		json_fate(t, FMT_WRITTEN, "keys");
		json_fate(t, FMT_SHED, "left_out");
		json_fate(t, FMT_DROPPED, "dropped");
		json_missing(t);
		json_primary(t);
	} else {
		silent_why(t->explain, why);
		json_member(t, "not_explained", text(why));
	}
	json_close(t, '}');
	(void)strbuf_addc(t->out, '\n');
}

/* --- all of it --- */

enum rc explain_open(struct explain *explain, enum explain_form form,
	const struct destination_options *options, struct error *err)
{
	enum rc rc;

	*explain = (struct explain){.options = options, .form = form};
	tale_init(&explain->tale);
	rc = render_open(&explain->render, options, err);
	if (rc == RC_OK)
		rc = trials_open(&explain->trials, options, err);
	explain->render.trace = &explain->tale.trace;
	return rc;
}

void explain_close(struct explain *explain)
{
	render_close(&explain->render);
	trials_close(&explain->trials);
	tale_clear(&explain->tale);
}

enum rc explain_message(struct explain *explain, const struct fmt_alert *alert,
	const struct syslog_fields *fields, int64_t now, struct strbuf *out,
	struct error *err)
{
	struct rendered rendered;
	struct telling telling = {.explain = explain,
		.alert = alert,
		.rendered = &rendered,
		.out = out,
		.is_first = true};
	enum rc rc = render_alert(&explain->render, alert, fields, now, &rendered, err);

	if (rc == RC_OK && says_anything(&explain->tale))
		rc = trials_run(&explain->trials, alert, fields, now, err);
	if (rc != RC_OK)
		return rc;
	if (explain->form == EXPLAIN_JSON)
		tell_json(&telling);
	else
		tell_text(&telling);
	return out->full ? error_set(err, RC_LIMIT,
				   "what there is to say does not fit the output")
			 : RC_OK;
}
