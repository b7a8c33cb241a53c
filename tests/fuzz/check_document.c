/* check_document.c - is this document what the alert says, by the rules of its schema?
 *
 * Knows nothing of formats/ but the names of the fields of evidence. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <yajl/yajl_tree.h>

#include "check_message.h"
#include "tests/unit/cef_reader.h"

static char wrong[600];

#define FMT_FIELD(id, name) name,
static const char *const field_names[FMT_FIELD_IDS] = {
	"",
#include "formats/fields.def"
};
#undef FMT_FIELD

static const char *say(const char *what, const char *got, const char *want)
{
	snprintf(wrong, sizeof(wrong), "%s: got \"%.200s\", want \"%.200s\"", what,
		got ? got : "(nothing)", want ? want : "(nothing)");
	return wrong;
}

/* As a reader of JSON gets the text. */
static char *model(struct fmt_str s, enum model_text mode)
{
	static char *buffers[4];
	static unsigned turn;
	char **buffer = &buffers[turn++ % 4];

	*buffer = realloc(*buffer, 4 * s.n + 8);
	if (!*buffer)
		abort();
	model_clean(*buffer, s.p, s.n, mode, 0);
	return *buffer;
}

static int is_cut(const char *got, const char *want)
{
	size_t n = strlen(got);

	return n >= 3 && !strcmp(got + n - 3, "...") && !strncmp(got, want, n - 3);
}

static yajl_val get(yajl_val object, const char *name)
{
	if (!object || object->type != yajl_t_object)
		return NULL;
	for (size_t i = 0; i < object->u.object.len; i++)
		if (!strcmp(object->u.object.keys[i], name))
			return object->u.object.values[i];
	return NULL;
}

/* "a.b.c" */
static yajl_val find(yajl_val tree, const char *path)
{
	char name[64];

	while (tree && *path) {
		size_t n = strcspn(path, ".");

		if (n >= sizeof(name))
			abort();
		memcpy(name, path, n);
		name[n] = 0;
		tree = get(tree, name);
		path += n + (path[n] == '.');
	}
	return tree;
}

static const char *text_of(yajl_val value)
{
	return value && value->type == yajl_t_string ? value->u.string : NULL;
}

/* A number without sign, point or exponent, at most 2^53 - 1; -1 for anything else. */
static long long integer_of(yajl_val value)
{
	const char *p;

	if (!value || value->type != yajl_t_number)
		return -1;
	p = value->u.number.r;
	if (strspn(p, "0123456789") != strlen(p) || strlen(p) > 16 ||
		(p[0] == '0' && p[1]) || strtoll(p, NULL, 10) >= 1LL << 53)
		return -1;
	return strtoll(p, NULL, 10);
}

static int is_one_of(const char *s, const char *const *list)
{
	for (; s && *list; list++)
		if (!strcmp(s, *list))
			return 1;
	return 0;
}

/* Milliseconds of YYYY-MM-DDThh:mm:ss.fffZ, or -1. */
static long long moment(const char *s)
{
	struct tm tm = {0};
	int ms, n = 0;

	if (!s || strlen(s) != 24 ||
		sscanf(s, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &tm.tm_year, &tm.tm_mon,
			&tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &ms,
			&n) != 7 ||
		n != 24)
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	return (long long)timegm(&tm) * 1000 + ms;
}

static long long milliseconds(int64_t ticks)
{
	return ticks < 0 || ticks / 10000 >= 253402300800000 ? -1 : ticks / 10000;
}

/* No member twice, no empty name, in all of it. */
static const char *check_tree(yajl_val v)
{
	const char *error = NULL;

	if (v->type == yajl_t_array) {
		for (size_t i = 0; i < v->u.array.len && !error; i++)
			error = check_tree(v->u.array.values[i]);
		return error;
	}
	if (v->type != yajl_t_object)
		return v->type == yajl_t_null ? "a null" : NULL;
	for (size_t i = 0; i < v->u.object.len && !error; i++) {
		if (!*v->u.object.keys[i])
			return "a member without a name";
		for (size_t k = 0; k < i; k++)
			if (!strcmp(v->u.object.keys[i], v->u.object.keys[k]))
				return say("a member is there twice",
					v->u.object.keys[i], NULL);
		error = check_tree(v->u.object.values[i]);
	}
	return error;
}

/* What must come back: always, or unless something was left out. */
struct want {
	const char *path;
	struct fmt_str value;
	int always;
	int cut; /* it may be cut */
};

static const char *check_wants(yajl_val tree, const struct check *check,
	const struct want *wants, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *got = text_of(find(tree, wants[i].path));
		char *want = model(wants[i].value, MODEL_JSON);

		if (!wants[i].value.n && !got)
			continue;
		if (!got && !wants[i].always && check->message.shed_fields)
			continue;
		if (!got)
			return say(wants[i].path, got, want);
		if (strcmp(got, want) != 0 &&
			!(wants[i].cut && check->message.cut_texts &&
				is_cut(got, want)))
			return say(wants[i].path, got, want);
	}
	return NULL;
}

static int has_all_texts(yajl_val list, struct fmt_list want)
{
	for (size_t i = 0; i < want.count; i++) {
		char *text = model(want.items[i], MODEL_TRIMMED);
		int found = !*text;

		for (size_t k = 0; list && k < list->u.array.len && !found; k++)
			found = !strcmp(list->u.array.values[k]->u.string, text);
		if (!found)
			return 0;
	}
	return 1;
}

/* An IPv4-mapped address is an IPv4 address. */
static int canonical(const char *s, char out[INET6_ADDRSTRLEN])
{
	struct in_addr four;
	struct in6_addr six;

	if (inet_pton(AF_INET, s, &four) == 1)
		return inet_ntop(AF_INET, &four, out, INET6_ADDRSTRLEN) != NULL;
	if (inet_pton(AF_INET6, s, &six) != 1)
		return 0;
	if (IN6_IS_ADDR_V4MAPPED(&six))
		return inet_ntop(AF_INET, &six.s6_addr[12], out, INET6_ADDRSTRLEN) !=
		       NULL;
	return inet_ntop(AF_INET6, &six, out, INET6_ADDRSTRLEN) != NULL;
}

static int is_address(const char *s)
{
	char out[INET6_ADDRSTRLEN];

	return s && canonical(s, out) && !strcmp(s, out);
}

/* Is the text anywhere in it, as a text, a number, an address or a part of a path? */
static int contains(yajl_val v, const char *text)
{
	char a[INET6_ADDRSTRLEN];
	size_t n = strlen(text);

	switch (v->type) {
	case yajl_t_string:
		if (!strcmp(v->u.string, text))
			return 1;
		return (canonical(text, a) && !strcmp(a, v->u.string)) ||
		       (n == 12 + 5 && !strcasecmp(text, v->u.string));
	case yajl_t_number:
		return !strcmp(v->u.number.r, text);
	case yajl_t_array:
		for (size_t i = 0; i < v->u.array.len; i++)
			if (contains(v->u.array.values[i], text))
				return 1;
		return 0;
	case yajl_t_object:
		for (size_t i = 0; i < v->u.object.len; i++)
			if (contains(v->u.object.values[i], text))
				return 1;
		return 0;
	default:
		return 0;
	}
}

/* A field under its own name, alone or among those of the same name. */
static int has_field(yajl_val object, const struct fmt_field *field)
{
	yajl_val v = get(object, field_names[field->id]);
	const char *want = model(field->value, MODEL_JSON);

	if (!v)
		return 0;
	if (v->type == yajl_t_string)
		return !strcmp(v->u.string, want);
	for (size_t i = 0; v->type == yajl_t_array && i < v->u.array.len; i++)
		if (!strcmp(v->u.array.values[i]->u.string, want))
			return 1;
	return 0;
}

/* Made by the formatter from the field, so that its text is not there: see check_made(). */
static int is_made(uint32_t id)
{
	return id == FMT_VERDICT || id == FMT_DEVICE_RISK || id == FMT_PROTOCOL ||
	       id == FMT_HASH_ALGORITHM || id == FMT_PROCESS_CREATED ||
	       id == FMT_PARENT_PROCESS_CREATED || id == FMT_DEVICE_FIRST_SEEN ||
	       id == FMT_STARTED || id == FMT_DEVICE_MAC;
}

/* Where the format made something else of the text, it knew the text. */
static int is_known_text(const char *s)
{
	static const char *const words[] = {"malicious", "suspicious", "unknown",
		"noThreatsFound", "tcp", "udp", "md5", "sha1", "sha256",
		"informational", "low", "medium", "high", NULL};
	size_t hex = 0;

	for (size_t i = 0; words[i]; i++)
		if (!strcasecmp(words[i], s))
			return 1;
	if (strlen(s) > 19 && s[4] == '-' && (s[10] | 32) == 't')
		return 1;
	for (; *s; s++)
		hex += isxdigit((unsigned char)*s) ? 1 : 0;
	return hex == 12;
}

static yajl_val parse(const struct check *check, const char **error)
{
	const struct fmt_out *body = &check->body;
	char text[200], *copy;
	yajl_val tree;

	*error = NULL;
	if (body->n > body->maximum)
		*error = "larger than the maximum";
	else if (check->result == FMT_TOO_SMALL)
		*error = body->maximum > 600000 ? "does not fit 600 KB" : NULL;
	else if (check->result != FMT_OK)
		*error = "rejected";
	else if (check->structured_data.n)
		*error = "structured data";
	else if (!utf8_is_clean(body->p, body->n))
		*error = "not clean UTF-8";
	else if (check->message.shed_fields && body->maximum > 900000)
		*error = "shed although there is room";
	if (*error || check->result != FMT_OK)
		return NULL;
	copy = malloc(body->n + 1);
	if (!copy)
		abort();
	memcpy(copy, body->p, body->n);
	copy[body->n] = 0;
	tree = yajl_tree_parse(copy, text, sizeof(text));
	free(copy);
	if (!tree) {
		snprintf(wrong, sizeof(wrong), "no JSON: %.300s", text);
		*error = wrong;
		return NULL;
	}
	*error = tree->type == yajl_t_object ? check_tree(tree) : "no object";
	return tree;
}

/* alertrelay.* */
static const char *check_relay(
	yajl_val relay, const struct check *check, const struct fmt_alert *alert)
{
	const struct want wants[] = {
		{"customer", alert->customer, 1, 0},
		{"customer_name", alert->customer_name, 1, 0},
		{"tenant_id", alert->tenant_id, 1, 0},
		{"alert_id", alert->id, 1, 0},
		{"version", alert->version, 1, 0},
	};

	if (!relay || relay->type != yajl_t_object)
		return "no alertrelay object";
	if (integer_of(get(relay, "evidence_count")) !=
		(long long)alert->evidence_count)
		return "evidence_count";
	if (alert->event_count &&
		(integer_of(get(relay, "event_number")) != alert->event_number ||
			integer_of(get(relay, "event_count")) != alert->event_count))
		return "event_number";
	return check_wants(relay, check, wants, sizeof(wants) / sizeof(wants[0]));
}

/* As many as the alert has, or the rest is counted. */
static const char *check_count(
	yajl_val list, yajl_val relay, const struct fmt_alert *alert)
{
	yajl_val note = get(relay, "evidence_omitted");
	size_t shown = list && list->type == yajl_t_array ? list->u.array.len : 0;
	size_t omitted = note ? (size_t)integer_of(note) : 0;

	if (shown + omitted != alert->evidence_count)
		return "evidence is missing and not counted";
	return NULL;
}

/* What both documents have: the relay's own members, each text, and the evidence. */
static const char *check_content(yajl_val tree, yajl_val relay, yajl_val list,
	const struct check *check, const struct fmt_alert *alert,
	const struct want *wants, size_t count)
{
	const char *error = check_relay(relay, check, alert);

	if (!error)
		error = check_wants(tree, check, wants, count);
	if (!error)
		error = check_count(list, relay, alert);
	return error;
}

static const char *check_ecs_types(yajl_val tree, int shed)
{
	static const char *const addresses[] = {
		"source.ip", "destination.ip", "host.ip", "related.ip"};
	static const char *const numbers[] = {"process.pid", "process.parent.pid",
		"file.size", "source.port", "destination.port", "event.risk_score"};
	static const char *const times[] = {"@timestamp", "event.created",
		"event.start", "event.end", "process.start", "process.parent.start",
		"email.delivery_timestamp", "microsoft.defender.lastUpdateDateTime",
		"microsoft.defender.resolvedDateTime"};
	static const char *const lists[] = {"related.ip", "related.user",
		"related.hash", "related.hosts", "host.ip", "host.mac",
		"threat.technique.id", "threat.technique.subtechnique.id",
		"threat.tactic.id", "threat.tactic.name", "event.category",
		"event.type", "email.from.address", "email.to.address",
		"registry.data.strings", "microsoft.defender.evidence",
		"microsoft.defender.categories"};
	yajl_val v;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		v = find(tree, lists[i]);
		if (v && (v->type != yajl_t_array || (!v->u.array.len && !shed)))
			return say("no list", lists[i], NULL);
	}
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		v = find(tree, addresses[i]);
		if (v && v->type == yajl_t_string && !is_address(v->u.string))
			return say(addresses[i], v->u.string, "an address");
		for (size_t k = 0; v && v->type == yajl_t_array && k < v->u.array.len;
			k++)
			if (!is_address(text_of(v->u.array.values[k])))
				return say(addresses[i], "a list", "addresses");
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		v = find(tree, numbers[i]);
		if (v && (integer_of(v) < 0 ||
				 (strstr(numbers[i], "port") && integer_of(v) > 65535)))
			return say(numbers[i], NULL, "a number");
	}
	v = find(tree, "source.geo.country_iso_code");
	if (v && strlen(text_of(v)) != 2)
		return "source.geo.country_iso_code";
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		v = find(tree, times[i]);
		if (v && moment(text_of(v)) < 0)
			return say(times[i], text_of(v), "a time");
	}
	return NULL;
}

static const char *check_ecs_event(
	yajl_val tree, const struct check *check, const struct fmt_alert *alert)
{
	static const char *const kinds[] = {"alert", "asset", "enrichment", "event",
		"metric", "state", "pipeline_error", "signal", NULL};
	static const char *const categories[] = {"api", "authentication",
		"configuration", "database", "driver", "email", "file", "host", "iam",
		"intrusion_detection", "library", "malware", "network", "package",
		"process", "registry", "session", "threat", "vulnerability", "web",
		NULL};
	static const char *const types[] = {"access", "admin", "allowed", "change",
		"connection", "creation", "deletion", "denied", "device", "end",
		"error", "group", "indicator", "info", "installation", "protocol",
		"start", "user", NULL};
	static const char *const outcomes[] = {"success", "failure", "unknown", NULL};
	yajl_val v = find(tree, "event.category");
	const char *s = text_of(find(tree, "host.name"));

	(void)check;
	if (!is_one_of(text_of(find(tree, "event.kind")), kinds))
		return "event.kind";
	for (size_t i = 0; v && i < v->u.array.len; i++)
		if (!is_one_of(text_of(v->u.array.values[i]), categories))
			return "event.category";
	if (!v)
		return "no event.category";
	v = find(tree, "event.type");
	for (size_t i = 0; v && i < v->u.array.len; i++)
		if (!is_one_of(text_of(v->u.array.values[i]), types))
			return "event.type";
	if (!v)
		return "no event.type";
	v = find(tree, "event.outcome");
	if (v && !is_one_of(text_of(v), outcomes))
		return "event.outcome";
	v = find(tree, "event.severity");
	if (integer_of(v) < 0 || integer_of(v) > 4 ||
		(alert->severity && integer_of(v) != (long long)alert->severity))
		return "event.severity";
	for (; s && *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			return "host.name is not lower case";
	return NULL;
}

const char *check_ecs(const struct check *check, const struct fmt_alert *alert)
{
	const struct want wants[] = {
		{"event.id", alert->id, 1, 0},
		{"event.url", alert->alert_url, 1, 0},
		{"microsoft.defender.incidentWebUrl", alert->incident_url, 1, 0},
		{"microsoft.defender.incidentId", alert->incident_id, 1, 0},
		{"organization.id", alert->customer, 1, 0},
		{"cloud.account.id", alert->tenant_id, 1, 0},
		{"message", alert->title, 1, 1},
		{"rule.name", alert->title, 0, 1},
		{"event.reference", alert->alert_url, 0, 0},
		{"rule.id", alert->detector_id, 0, 0},
		{"rule.description", alert->description, 0, 1},
		{"threat.group.name", alert->actor, 0, 0},
		{"threat.software.name", alert->threat_name, 0, 0},
		{"microsoft.defender.status", alert->status, 1, 0},
		{"microsoft.defender.classification", alert->classification, 0, 0},
		{"microsoft.defender.determination", alert->determination, 0, 0},
		{"microsoft.defender.serviceSource", alert->service_source, 0, 0},
		{"microsoft.defender.detectionSource", alert->detection_source, 0, 0},
		{"microsoft.defender.productName", alert->product_name, 0, 0},
		{"microsoft.defender.threatFamilyName", alert->threat_family, 0, 0},
		{"microsoft.defender.assignedTo", alert->assigned_to, 0, 0},
		{"microsoft.defender.investigationState", alert->investigation_state, 0,
			0},
		{"microsoft.defender.investigationId", alert->investigation_id, 0, 0},
		{"microsoft.defender.providerAlertId", alert->provider_alert_id, 0, 0},
		{"microsoft.defender.alertPolicyId", alert->alert_policy_id, 0, 0},
		{"microsoft.defender.externalId", alert->external_id, 0, 0},
		{"microsoft.defender.iocUniqueId", alert->indicator_id, 0, 0},
		{"microsoft.defender.redirectIncidentId", alert->redirect_incident_id,
			1, 0},
		{"microsoft.defender.lastModifiedBy", alert->last_modified_by, 0, 0},
		{"microsoft.defender.priorityScore", alert->priority_score, 0, 0},
		{"microsoft.defender.summary", alert->summary, 0, 1},
		{"microsoft.defender.resolvingComment", alert->resolving_comment, 0, 1},
		{"microsoft.defender.recommendedActions", alert->recommended_actions, 0,
			1},
	};
	const char *error;
	yajl_val tree = parse(check, &error), list, relay;

	if (!tree)
		return error;
	relay = get(tree, "alertrelay");
	list = find(tree, "microsoft.defender.evidence");
	if (!error && strcmp(text_of(find(tree, "ecs.version")) ?: "", "8.17.0") != 0)
		error = "ecs.version";
	if (!error && moment(text_of(get(tree, "@timestamp"))) < 0)
		error = "@timestamp";
	if (!error && moment(text_of(find(tree, "event.created"))) !=
			      milliseconds(alert->created))
		error = "event.created";
	if (!error)
		error = check_ecs_event(tree, check, alert);
	if (!error)
		error = check_ecs_types(tree, check->message.shed_fields != 0);
	if (!error)
		error = check_content(tree, relay, list, check, alert, wants,
			sizeof(wants) / sizeof(wants[0]));
	if (!error && !check->message.shed_fields) {
		if (!has_all_texts(find(tree, "microsoft.defender.mitreTechniques"),
			    alert->mitre_techniques) ||
			!has_all_texts(find(tree, "microsoft.defender.categories"),
				alert->categories) ||
			!has_all_texts(find(tree, "microsoft.defender.systemTags"),
				alert->system_tags) ||
			!has_all_texts(find(tree, "microsoft.defender.customTags"),
				alert->custom_tags))
			error = "a list lacks a text";
		for (size_t i = 0; i < alert->evidence_count && !error; i++) {
			const struct fmt_evidence *e = &alert->evidence[i];

			for (size_t k = 0; k < e->field_count && !error; k++)
				if (e->fields[k].id &&
					e->fields[k].id < FMT_FIELD_IDS &&
					!has_field(
						list->u.array.values[i], &e->fields[k]))
					error = say("evidence",
						field_names[e->fields[k].id],
						model(e->fields[k].value, MODEL_JSON));
		}
	}
	yajl_tree_free(tree);
	return error;
}

static int is_within(yajl_val v, const int *values)
{
	long long n = integer_of(v);

	for (; *values >= 0; values++)
		if (n == *values)
			return 1;
	return 0;
}

/* Objects of the schema by the name of the member that they are: what they require. */
static const char *check_object(const char *name, yajl_val v)
{
	static const struct {
		const char *object;
		const char *all[3];
		const char *any[5];
	} rules[] = {
		{"device", {"type_id"}, {"hostname", "uid", "ip", "name"}},
		{"file", {"name", "type_id"}, {NULL}},
		{"user", {NULL}, {"name", "uid"}},
		{"assignee", {NULL}, {"name", "uid"}},
		{"process", {NULL}, {"pid", "uid"}},
		{"parent_process", {NULL}, {"pid", "uid"}},
		{"src_endpoint", {NULL}, {"ip"}},
		{"dst_endpoint", {NULL}, {"ip"}},
		{"os", {"name", "type_id"}, {NULL}},
		{"email", {NULL}, {"from", "to"}},
		{"connection_info", {"direction_id"}, {NULL}},
		{"query", {"hostname"}, {NULL}},
		{"url", {"url_string"}, {NULL}},
		{"hashes", {"algorithm_id", "value"}, {NULL}},
		{"observables", {"name", "type_id", "value"}, {NULL}},
		{"malware", {"classification_ids", "name"}, {NULL}},
		{"analytic", {"type_id"}, {"uid", "name"}},
		{"attacks", {NULL}, {"tactic", "technique", "sub_technique"}},
		{"technique", {NULL}, {"uid", "name"}},
		{"cloud", {"provider"}, {NULL}},
		{"org", {NULL}, {"name", "uid"}},
		{"account", {"type_id"}, {"name", "uid"}},
		{"product", {"name", "vendor_name"}, {NULL}},
		{"metadata", {"version", "product"}, {NULL}},
		{"finding_info", {"uid"}, {NULL}},
		{"remediation", {"desc"}, {NULL}},
		{"resources", {NULL}, {"name", "uid"}},
		{"groups", {NULL}, {"name", "uid"}},
		{"evidences", {"data"}, {NULL}},
		{"actor", {NULL}, {"user", "session"}},
		{"location", {NULL}, {"city", "country"}},
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		int any = !rules[i].any[0];

		if (strcmp(rules[i].object, name) != 0)
			continue;
		if (v->type != yajl_t_object)
			return say(name, "no object", "an object");
		for (size_t k = 0; k < 3 && rules[i].all[k]; k++)
			if (!get(v, rules[i].all[k]))
				return say(name, NULL, rules[i].all[k]);
		for (size_t k = 0; k < 5 && rules[i].any[k]; k++)
			any |= get(v, rules[i].any[k]) != NULL;
		return any ? NULL : say(name, NULL, rules[i].any[0]);
	}
	return NULL;
}

/* Types by the name of an attribute. */
static const char *check_attribute(const char *name, yajl_val v)
{
	static const int verdicts[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 99, -1};
	static const int algorithms[] = {0, 1, 2, 3, 4, 5, 6, 7, 99, -1};
	size_t n = strlen(name);
	const char *s = text_of(v), *at;

	if (!strcmp(name, "verdict_id"))
		return is_within(v, verdicts) ? NULL : "verdict_id";
	if (!strcmp(name, "algorithm_id"))
		return is_within(v, algorithms) ? NULL : "algorithm_id";
	if (!strcmp(name, "ip") || !strcmp(name, "x_originating_ip"))
		return is_address(s) ? NULL : say(name, s, "an address");
	if (!strcmp(name, "port"))
		return integer_of(v) >= 0 && integer_of(v) <= 65535 ? NULL : "port";
	if (!strcmp(name, "pid"))
		return integer_of(v) >= 0 && integer_of(v) <= UINT32_MAX ? NULL : "pid";
	if (!strcmp(name, "email_addr") || !strcmp(name, "from")) {
		at = s ? strchr(s, '@') : NULL;
		return at && at > s && at[1] ? NULL
					     : say(name, s, "an address of mail");
	}
	if (!strcmp(name, "country"))
		return s && strlen(s) == 2 ? NULL : say(name, s, "two letters");
	if (!strcmp(name, "original_time"))
		return moment(s) >= 0 ? NULL : name;
	if ((n > 3 &&
		    (!strcmp(name + n - 3, "_id") || !strcmp(name + n - 4, "_uid"))) ||
		(n > 5 && !strcmp(name + n - 5, "_time")) || !strcmp(name, "time") ||
		!strcmp(name, "size") || !strcmp(name, "risk_score"))
		return integer_of(v) >= 0 || !strcmp(name, "tenant_uid") ||
				       !strcmp(name, "correlation_uid") ||
				       !strcmp(name, "message_uid")
			       ? NULL
			       : say(name, s, "an integer");
	return NULL;
}

static const char *check_schema(const char *name, yajl_val v, int shed)
{
	const char *error;

	if (v->type == yajl_t_array) {
		error = v->u.array.len || shed ? NULL
					       : say(name, "an empty list", NULL);
		for (size_t i = 0; i < v->u.array.len && !error; i++)
			error = check_schema(name, v->u.array.values[i], shed);
		return error;
	}
	error = check_object(name, v);
	if (error || v->type != yajl_t_object)
		return error;
	for (size_t i = 0; i < v->u.object.len && !error; i++) {
		const char *member = v->u.object.keys[i];

		/* free of rules */
		if (!strcmp(member, "data") || !strcmp(member, "unmapped"))
			continue;
		error = check_attribute(member, v->u.object.values[i]);
		if (!error)
			error = check_schema(member, v->u.object.values[i], shed);
	}
	return error;
}

static const char *check_ocsf_evidence(yajl_val item, const struct fmt_evidence *e)
{
	yajl_val data = get(item, "data");

	for (size_t k = 0; k < e->field_count; k++) {
		const struct fmt_field *field = &e->fields[k];
		const char *want;

		if (!field->id || field->id >= FMT_FIELD_IDS || has_field(data, field))
			continue;
		want = model(field->value, MODEL_TRIMMED);
		/* What is blank is not there, but for what is in data. */
		if (!*want)
			continue;
		if (!contains(item, want) &&
			!(is_made(field->id) && is_known_text(want)))
			return say("evidence", field_names[field->id], want);
	}
	return NULL;
}

const char *check_ocsf(const struct check *check, const struct fmt_alert *alert)
{
	static const int activities[] = {0, 1, 2, 3, 99, -1};
	static const int statuses[] = {0, 1, 2, 3, 4, 5, 99, -1};
	const struct fmt_str desc =
		alert->description.n ? alert->description : alert->summary;
	const struct want wants[] = {
		{"finding_info.uid", alert->id, 1, 0},
		{"finding_info.src_url", alert->alert_url, 1, 0},
		{"src_url", alert->incident_url, 1, 0},
		{"unmapped.incidentId", alert->incident_id, 1, 0},
		{"metadata.correlation_uid", alert->incident_id, 0, 0},
		{"metadata.tenant_uid", alert->tenant_id, 1, 0},
		{"cloud.org.uid", alert->customer, 1, 0},
		{"cloud.org.name", alert->customer_name, 1, 0},
		{"message", alert->title, 0, 1},
		{"finding_info.title", alert->title, 1, 1},
		{"finding_info.desc", desc, 0, 1},
		{"finding_info.uid_alt", alert->provider_alert_id, 0, 0},
		{"finding_info.analytic.uid", alert->detector_id, 0, 0},
		{"remediation.desc", alert->recommended_actions, 0, 1},
		{"comment", alert->resolving_comment, 0, 1},
		{"unmapped.status", alert->status, 0, 0},
		{"unmapped.category", alert->category, 0, 0},
		{"unmapped.classification", alert->classification, 0, 0},
		{"unmapped.determination", alert->determination, 0, 0},
		{"unmapped.serviceSource", alert->service_source, 0, 0},
		{"unmapped.detectionSource", alert->detection_source, 0, 0},
		{"unmapped.productName", alert->product_name, 0, 0},
		{"unmapped.threatFamilyName", alert->threat_family, 0, 0},
		{"unmapped.actorDisplayName", alert->actor, 0, 0},
		{"unmapped.investigationState", alert->investigation_state, 0, 0},
		{"unmapped.investigationId", alert->investigation_id, 0, 0},
		{"unmapped.alertPolicyId", alert->alert_policy_id, 0, 0},
		{"unmapped.externalId", alert->external_id, 0, 0},
		{"unmapped.iocUniqueId", alert->indicator_id, 0, 0},
		{"unmapped.redirectIncidentId", alert->redirect_incident_id, 1, 0},
		{"unmapped.lastModifiedBy", alert->last_modified_by, 0, 0},
		{"unmapped.priorityScore", alert->priority_score, 0, 0},
		{"unmapped.summary", alert->summary, 0, 1},
	};
	const char *error;
	yajl_val tree = parse(check, &error), list, relay;
	long long activity;

	if (!tree)
		return error;
	relay = find(tree, "unmapped.alertrelay");
	list = get(tree, "evidences");
	activity = integer_of(get(tree, "activity_id"));
	if (!error && (integer_of(get(tree, "class_uid")) != 2004 ||
			      integer_of(get(tree, "category_uid")) != 2))
		error = "class";
	if (!error && (!is_within(get(tree, "activity_id"), activities) ||
			      integer_of(get(tree, "type_uid")) != 200400 + activity))
		error = "activity or type";
	if (!error && !is_within(get(tree, "status_id"), statuses))
		error = "status_id";
	if (!error &&
		(integer_of(get(tree, "severity_id")) < 0 ||
			integer_of(get(tree, "severity_id")) > 4 ||
			(alert->severity && integer_of(get(tree, "severity_id")) !=
						    (long long)alert->severity)))
		error = "severity_id";
	if (!error && integer_of(get(tree, "time")) < 0)
		error = "time";
	if (!error && milliseconds(alert->created) > 0 &&
		integer_of(get(tree, "time")) != milliseconds(alert->created))
		error = "time is not when it was created";
	if (!error &&
		strcmp(text_of(find(tree, "metadata.version")) ?: "", "1.5.0") != 0)
		error = "metadata.version";
	if (!error && !text_of(find(tree, "finding_info.uid")))
		error = "no finding_info.uid";
	if (!error && !find(tree, "metadata.product.name"))
		error = "no product";
	if (!error && !get(tree, "unmapped"))
		error = "no unmapped";
	if (!error)
		error = check_schema("", tree, check->message.shed_fields != 0);
	if (!error)
		error = check_content(tree, relay, list, check, alert, wants,
			sizeof(wants) / sizeof(wants[0]));
	if (!error && !check->message.shed_fields) {
		if (!has_all_texts(find(tree, "metadata.labels"), alert->system_tags) ||
			!has_all_texts(
				find(tree, "finding_info.types"), alert->categories) ||
			!has_all_texts(
				find(tree, "unmapped.customTags"), alert->custom_tags))
			error = "a list lacks a text";
		for (size_t i = 0; i < alert->evidence_count && !error; i++)
			if (!check->message.cut_texts)
				error = check_ocsf_evidence(
					list->u.array.values[i], &alert->evidence[i]);
	}
	yajl_tree_free(tree);
	return error;
}
