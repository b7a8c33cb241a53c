/* check_fields.c - any field map with any alert and any values, judged by other parsers. */
#include "check_fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <yajl/yajl_tree.h>

#include "check_message.h"
#include "formats/registry.h"
#include "random_alert.h"
#include "tests/unit/cef_reader.h"
#include "tests/unit/leef_reader.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define RULES 12
#define VALUE_ROOM 6000

/* Rules of keys that the readers know. */
#define ADD(k, l)                                                                      \
	{                                                                              \
		.kind = FMT_RULE_ADD, .key = k, .label = l                             \
	}
#define CONSTANT(k, l, v)                                                              \
	{                                                                              \
		.kind = FMT_RULE_ADD, .key = k, .label = l, .value = v                 \
	}
#define RENAME(k, t, l)                                                                \
	{                                                                              \
		.kind = FMT_RULE_RENAME, .key = k, .to = t, .label = l                 \
	}
#define DROP(k)                                                                        \
	{                                                                              \
		.kind = FMT_RULE_DROP, .key = k                                        \
	}
#define WORDS(k)                                                                       \
	{                                                                              \
		.kind = FMT_RULE_WORDS, .key = k, .words = words,                      \
		.word_count = COUNT(words)                                             \
	}

static const struct fmt_word words[] = {{"new", "a=b\\c|d^\""}, {"a", "A"}, {"=", "b"},
	{"medium", "mid"}, {"suspicious", "odd"}};

static const struct fmt_rule cef_rules[] = {ADD("AlertrelayTeam", NULL), DROP("cs6"),
	ADD("cs6", "owner"), DROP("cn2"), ADD("cn2", "n"), DROP("src"),
	ADD("src", NULL), DROP("c6a2"), ADD("c6a2", "v6"), DROP("start"),
	ADD("start", NULL), DROP("spt"), ADD("spt", NULL), DROP("msg"),
	RENAME("msg", "AlertrelayStory", NULL), RENAME("cs1", "AlertrelayThreat", NULL),
	RENAME("shost", "dvchost", NULL), DROP("dvchost"),
	RENAME("suser", "cs1", "user"), DROP("cs1"), DROP("dvcmac"),
	ADD("dvcmac", NULL), CONSTANT("AlertrelaySite", NULL, "a=b\\ c|d"),
	RENAME("cs2", "cs4", NULL), DROP("cs4"), DROP("MicrosoftDefenderEvidence"),
	DROP("cs5"), RENAME("rt", "start", NULL), CONSTANT("fsize", NULL, "x"),
	RENAME("fsize", "spid", NULL), DROP("spid"), WORDS("outcome"), WORDS("msg"),
	WORDS("cs1")};
static const struct fmt_rule leef_rules[] = {ADD("policy", NULL), ADD("role", NULL),
	DROP("identSrc"), DROP("identHostName"), ADD("identSrc", NULL),
	ADD("identNetBios", NULL), DROP("src"), ADD("src", NULL),
	ADD("srcPreNATPort", NULL), ADD("srcBytes", NULL), ADD("dstMAC", NULL),
	DROP("proto"), ADD("proto", NULL), RENAME("threatName", "realm", NULL),
	RENAME("description", "groupID", NULL), DROP("cat"), DROP("title"),
	RENAME("usrName", "accountName", NULL), CONSTANT("vSrcName", NULL, "^a=b^c"),
	DROP("alertId"), ADD("sev", NULL), ADD("totalPackets", NULL), WORDS("cat"),
	WORDS("title")};
static const struct fmt_rule json_rules[] = {ADD("team", NULL),
	ADD("labels.team", NULL), ADD("labels.site", NULL), ADD("alert.team", NULL),
	ADD("a.b.c.d", NULL), ADD("alert.evidence.x", NULL), DROP("alert.description"),
	DROP("alert.evidence"), DROP("alert.evidence.verdict"),
	RENAME("alert.title", "alert.name", NULL), ADD("alert.title", NULL),
	RENAME("alert.evidence.fileName", "alert.evidence.file", NULL),
	DROP("customerName"), ADD("customerName", NULL), DROP("alert.a"),
	RENAME("alert.a", "alert.b", NULL), DROP("customer"),
	CONSTANT("alert.additionalData.x", NULL, "\"\\"), WORDS("alert.title"),
	WORDS("alert.a"), WORDS("alert.evidence.verdict")};
static const struct fmt_rule ecs_rules[] = {ADD("labels.team", NULL),
	ADD("labels.site", NULL), DROP("microsoft.defender.evidence"),
	DROP("microsoft.defender.evidence.fileName"), DROP("message"),
	ADD("message", NULL), DROP("host"), ADD("host.team", NULL),
	RENAME("user.name", "user.login", NULL), DROP("related"), ADD("x.y.z", NULL),
	RENAME("process", "program", NULL), ADD("alertrelay.team", NULL),
	DROP("event.id"), DROP("rule"), ADD("threat.x", NULL), WORDS("event.id"),
	WORDS("message"), WORDS("user.name")};
static const struct fmt_rule ocsf_rules[] = {ADD("unmapped.team", NULL),
	ADD("unmapped.a.b", NULL), DROP("evidences"), DROP("observables.value"),
	RENAME("observables.name", "observables.label", NULL), DROP("message"),
	ADD("message", NULL), DROP("device"), ADD("device.team", NULL),
	RENAME("malware", "threats", NULL), ADD("enrichments", NULL),
	DROP("finding_info.uid"), DROP("unmapped.status"), WORDS("message"),
	WORDS("observables.name")};

struct subject {
	const struct fmt_module *module;
	const struct fmt_rule *pool;
	size_t pool_count;
	const char *(*judge)(const struct check *check, const struct fmt_alert *alert,
		const struct fmt_rule *rules);
	const char *const *fixed; /* members that have customer, id and version */
};

static char wrong[600];

static const char *clean(struct fmt_str s, enum model_text mode, size_t max)
{
	static char *buffer;

	buffer = realloc(buffer, 4 * s.n + 8);
	if (!buffer)
		abort();
	model_clean(buffer, s.p, s.n, mode, max);
	return buffer;
}

static const char *unlike(const char *what, const char *got, const char *want)
{
	snprintf(wrong, sizeof(wrong), "%s: got \"%.200s\", want \"%.200s\"", what,
		got ? got : "(nothing)", want);
	return wrong;
}

static const char *judge_cef(const struct check *check, const struct fmt_alert *alert,
	const struct fmt_rule *rules)
{
	static struct cef_event event;
	const char *got, *want;

	if (!cef_read(&event, check->body.p, check->body.n))
		return event.error;
	want = clean(alert->customer, MODEL_VALUE, 1023);
	got = cef_value(&event, "cs5");
	if (*want && !check->message.cut_texts && (!got || strcmp(got, want) != 0))
		return unlike("cs5", got, want);
	for (size_t i = 0; i < alert->added_count; i++) {
		if (rules[i].kind != FMT_RULE_ADD ||
			strcmp(rules[i].key, "AlertrelayTeam") != 0)
			continue;
		want = clean(alert->added[i].value, MODEL_VALUE, 1023);
		got = cef_value(&event, rules[i].key);
		if (check->message.cut_texts || (!got && check->message.shed_fields))
			continue;
		if (*want ? !got || strcmp(got, want) != 0 : got != NULL)
			return unlike(rules[i].key, got, want);
	}
	for (size_t i = 0; i < alert->added_count; i++)
		if (rules[i].kind == FMT_RULE_DROP && !strcmp(rules[i].key, "msg") &&
			cef_value(&event, "msg"))
			return "msg was dropped";
	return NULL;
}

static const char *judge_leef(const struct check *check, const struct fmt_alert *alert,
	const struct fmt_rule *rules)
{
	static struct leef_event event;

	if (!leef_read(&event, check->body.p, check->body.n))
		return event.error;
	for (size_t i = 0; i < alert->added_count; i++)
		if (rules[i].kind == FMT_RULE_DROP && !strcmp(rules[i].key, "cat") &&
			leef_value(&event, "cat"))
			return "cat was dropped";
	return NULL;
}

/* Names that are new are there once in the object that they were put in. */
static const char *check_once(yajl_val object, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; YAJL_IS_OBJECT(object) && i < object->u.object.len; i++)
		count += !strcmp(object->u.object.keys[i], name);
	return count > 1 ? "a member that a rule wrote is there twice" : NULL;
}

static yajl_val at_path(yajl_val value, const char *path)
{
	while (value && *path) {
		size_t n = strcspn(path, ".");
		char name[200];
		const char *one[] = {name, NULL};

		snprintf(name, sizeof(name), "%.*s", (int)n, path);
		value = yajl_tree_get(value, one, yajl_t_any);
		path += path[n] ? n + 1 : n;
	}
	return value;
}

static const char *check_rule(yajl_val tree, const struct fmt_rule *rule,
	const struct fmt_added *added, int whole)
{
	const char *key = rule->kind == FMT_RULE_RENAME ? rule->to : rule->key,
		   *dot = strrchr(key, '.');
	char parent[200];
	yajl_val object = tree, value;
	struct fmt_str text = added->value;
	const char *error, *want;

	if (rule->kind == FMT_RULE_WORDS)
		return NULL;
	snprintf(parent, sizeof(parent), "%.*s", dot ? (int)(dot - key) : 0, key);
	if (dot)
		object = at_path(tree, parent);
	/* The vendor's own text may have any of its names twice. */
	error = strcmp(key, "alert.title") != 0
			? check_once(object, dot ? dot + 1 : key)
			: NULL;
	if (error || rule->kind != FMT_RULE_ADD || !whole)
		return error;
	if (rule->value)
		text = (struct fmt_str){rule->value, strlen(rule->value)};
	value = at_path(tree, key);
	if (!text.n)
		return NULL;
	want = clean(text, MODEL_JSON, 0);
	if (!value || !YAJL_IS_STRING(value) || strcmp(value->u.string, want) != 0)
		return unlike(key,
			value && YAJL_IS_STRING(value) ? value->u.string : NULL, want);
	return NULL;
}

static const char *judge_json(const struct check *check, const struct fmt_alert *alert,
	const struct fmt_rule *rules)
{
	int whole = !check->message.shed_fields && !check->message.cut_texts;
	char *copy = malloc(check->body.n + 1), text[200];
	const char *error = NULL;
	yajl_val tree;

	if (!copy)
		abort();
	memcpy(copy, check->body.p, check->body.n);
	copy[check->body.n] = '\0';
	tree = yajl_tree_parse(copy, text, sizeof(text));
	if (!tree || !YAJL_IS_OBJECT(tree)) {
		snprintf(wrong, sizeof(wrong), "no JSON object: %.200s", text);
		error = wrong;
	}
	for (size_t i = 0; !error && i < alert->added_count; i++)
		error = check_rule(tree, &rules[i], &alert->added[i], whole);
	yajl_tree_free(tree);
	free(copy);
	return error;
}

#define SUBJECT(module, pool, judge, fixed)                                            \
	{                                                                              \
		&module, pool, COUNT(pool), judge, fixed                               \
	}
static const char *const in_envelope[] = {"customer", "alertId", "version"},
			 *const in_ecs[] = {"alertrelay.customer",
				 "alertrelay.alert_id", "alertrelay.version"},
			 *const in_ocsf[] = {"unmapped.alertrelay.customer",
				 "unmapped.alertrelay.alert_id",
				 "unmapped.alertrelay.version"};
static const struct subject subjects[] = {
	SUBJECT(cef_module, cef_rules, judge_cef, NULL),
	SUBJECT(leef_module, leef_rules, judge_leef, NULL),
	SUBJECT(rfc5424_json_module, json_rules, judge_json, in_envelope),
	SUBJECT(json_module, json_rules, judge_json, in_envelope),
	SUBJECT(ecs_module, ecs_rules, judge_json, in_ecs),
	SUBJECT(ocsf_module, ocsf_rules, judge_json, in_ocsf),
};

static const char *check_fixed(const struct check *check, const struct fmt_alert *alert,
	const char *const *fixed)
{
	const struct fmt_str values[] = {alert->customer, alert->id, alert->version};
	char *copy = malloc(check->body.n + 1);
	const char *error = NULL;
	yajl_val tree, value;

	if (!copy)
		abort();
	memcpy(copy, check->body.p, check->body.n);
	copy[check->body.n] = '\0';
	tree = yajl_tree_parse(copy, NULL, 0);
	for (size_t i = 0; !error && i < 3; i++) {
		const char *want = clean(values[i], MODEL_JSON, 0);

		value = at_path(tree, fixed[i]);
		if (*want &&
			(!YAJL_IS_STRING(value) || strcmp(value->u.string, want) != 0))
			error = unlike(fixed[i], NULL, want);
	}
	yajl_tree_free(tree);
	free(copy);
	return error;
}

struct told {
	unsigned count;
};

static void tell(void *context, size_t rule, const char *text)
{
	struct told *told = context;

	told->count += rule < RULES && text && *text;
}

/* A text of octets that hurt, or one of the types. */
static struct fmt_str make_value(
	const unsigned char *data, size_t n, unsigned char choice, char *room)
{
	static const char *const typed[] = {"7", "-1", "99999999999999999999",
		"192.0.2.1", "2001:db8::1", "::ffff:1.2.3.4", "00-11-22-aa-bb-cc",
		"2026-01-05T09:00:00.1234567Z", "1767605472346", "1.5e3", " 443 ",
		"TCP", "a=b cs5=x|^", "\n\\=\"", "", "  "};
	size_t length = n < VALUE_ROOM ? n : VALUE_ROOM;

	if (choice < 128) {
		const char *text = typed[choice % COUNT(typed)];

		return (struct fmt_str){text, strlen(text)};
	}
	if (choice < 250)
		length = length < choice ? length : choice;
	memcpy(room, data, length);
	return (struct fmt_str){room, length};
}

static const char *check_subject(const struct subject *subject, struct fmt_alert *alert,
	const unsigned char *data, size_t n, size_t maximum, unsigned *taken)
{
	static char rooms[RULES][VALUE_ROOM];
	struct fmt_rule rules[RULES];
	struct fmt_added added[RULES];
	struct check check = {.module = NULL};
	struct told told = {0};
	size_t count = 1 + (data[0] & data[13]) % RULES; /* rather few */
	const char *error = NULL;
	char text[200];

	for (size_t i = 0; i < count; i++) {
		rules[i] = subject->pool[data[1 + i] % subject->pool_count];
		added[i] = (struct fmt_added){FMT_VALUE_TEXT, {NULL, 0}};
		if (rules[i].kind == FMT_RULE_ADD && !rules[i].value)
			added[i].value =
				make_value(data + 32, n - 32, data[14 + i], rooms[i]);
	}
	check.module = subject->module->open(NULL, 0, text, sizeof(text));
	if (!check.module)
		abort();
	if (subject->module->fields(check.module, rules, count, tell, &told)) {
		++*taken;
		alert->added = added;
		alert->added_count = count;
		check_format(&check, subject->module, alert, maximum);
		if (check.body.n > maximum)
			error = "larger than the maximum";
		else if (check.result == FMT_OK &&
			 !utf8_is_clean(check.body.p, check.body.n))
			error = "not clean UTF-8";
		else if (check.result == FMT_OK)
			error = subject->judge(&check, alert, rules);
		if (!error && subject->fixed && check.result == FMT_OK)
			error = check_fixed(&check, alert, subject->fixed);
		alert->added = NULL;
		alert->added_count = 0;
	} else if (!told.count) {
		error = "refused without a word";
	}
	if (error && error != wrong)
		snprintf(wrong, sizeof(wrong), "%s", error);
	if (error)
		fprintf(stderr, "%s: %.*s\n", subject->module->name, (int)check.body.n,
			check.body.p ? check.body.p : "");
	check_free(&check, subject->module);
	return error ? wrong : NULL;
}

const char *check_fields(const unsigned char *data, size_t n, unsigned *taken)
{
	static struct random_alert random;
	size_t maximum;

	if (n < 64)
		return NULL;
	maximum = (size_t)(data[0] << 8 | data[1]);
	if (maximum > 30000)
		maximum = 1000000;
	random_alert_build(&random, data + 48, n - 48);
	return check_subject(&subjects[data[2] % COUNT(subjects)], &random.alert,
		data + 3, n - 3, maximum, taken);
}
