/* test_alert.c - from JSON to the alert: all types of evidence, wrong types, choices, versions. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <libfastjson/json.h>

#include "alert/alert.h"
#include "alert/event.h"
#include "parse_help.h"

#define ENTITY_TYPES 13

static struct alert_map *map;
static struct page_parser *parser;

static int setup(void **state)
{
	(void)state;
	map = source_map_new(&source_graph_alerts, NULL);
	parser = map ? page_parser_new(map, "value", NULL) : NULL;
	return parser ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	page_parser_free(parser);
	alert_map_free(map);
	return 0;
}

typedef void check_fn(const struct fmt_alert *alert, const void *expected);

struct call {
	check_fn *check;
	const void *expected;
	size_t alerts;
};

static enum rc take(void *context, struct fmt_alert *alert)
{
	struct call *call = context;

	call->alerts++;
	call->check(alert, call->expected);
	return RC_OK;
}

/* Reads alerts, whole and octet by octet, and looks at each. */
static size_t look(const char *json, check_fn *check, const void *expected)
{
	struct call call = {check, expected, 0};
	struct error err = {0};
	size_t n = strlen(json);
	/* an object of nonsense is an alert only where alerts are expected */
	enum page_mode mode =
		strstr(json, "\"value\"") || *json == '[' ? PAGE_FILE : PAGE_ALERTS;

	page_parser_start(parser, mode, take, &call);
	if (page_parser_feed(parser, json, n, &err) || page_parser_finish(parser, &err))
		fail_msg("%s\n%s", err.text, json);
	page_parser_start(parser, mode, take, &call);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(page_parser_feed(parser, json + i, 1, &err), RC_OK);
	assert_int_equal(page_parser_finish(parser, &err), RC_OK);
	return call.alerts / 2;
}

static void equal(struct fmt_str s, const char *expected)
{
	if (s.n != strlen(expected) || (s.n && memcmp(s.p, expected, s.n) != 0))
		fail_msg("\"%.*s\": \"%s\" expected", (int)s.n, s.p ? s.p : "",
			expected);
}

static void equal_time(int64_t ticks, const char *expected)
{
	int64_t wanted;

	assert_true(time_parse(expected, strlen(expected), &wanted));
	assert_int_equal(ticks, wanted);
}

/* ---- a sample, property by property ---- */

static void sample_check(const struct fmt_alert *a, const void *expected)
{
	const struct fmt_evidence *e;

	(void)expected;
	assert_int_equal(a->struct_size, sizeof(*a));
	assert_string_equal(a->source, "graph-alerts");
	if (a->id.n == 31 &&
		memcmp(a->id.p, "da637551227677560813_-961444813", 31) == 0) {
		equal(a->incident_id, "28282");
		equal(a->status, "new");
		assert_int_equal(a->severity, FMT_SEVERITY_LOW);
		equal(a->severity_text, "low");
		equal(a->detection_source, "antivirus");
		equal(a->assigned_to, "");
		equal(a->mitre_techniques.items[0], "T1564.001");
		equal(a->system_tags.items[0], "Defender Experts");
		equal_time(a->created, "2021-04-27T12:19:27.7211305Z");
		equal_time(a->updated, "2021-05-02T14:19:01.3266667Z");
		equal_time(a->first_activity, "2021-04-26T07:45:50.116Z");
		assert_true(a->resolved == FMT_NO_TIME);
		assert_int_equal(a->comment_count, 0);
		assert_int_equal(a->evidence_count, 4);
		e = a->primary[FMT_KIND_DEVICE];
		assert_ptr_equal(e, &a->evidence[0]);
		equal(e->type, "deviceEvidence");
		equal_time(e->created, "2021-04-27T12:19:27.7211305Z");
		equal(fmt_get(e, FMT_DEVICE_ID),
			"73e7e2de709dff64ef64b1d0c30e67fab63279db");
		equal(fmt_get(e, FMT_DEVICE_DNS_NAME), "tempDns");
		equal(fmt_get(e, FMT_DEVICE_OS_BUILD), "22424");
		equal(fmt_get(e, FMT_DEVICE_OS_VERSION), "Other");
		equal(fmt_get(e, FMT_DEVICE_IP), "1.1.1.1");
		equal(fmt_get(e, FMT_DETAILED_ROLE), "Main device");
		equal(fmt_get(e, FMT_DEVICE_VM_ID),
			"ca1b0d41-5a3b-4d95-b48b-f220aed11d78");
		e = a->primary[FMT_KIND_PROCESS];
		equal(fmt_get(e, FMT_PROCESS_ID), "4780");
		equal(fmt_get(e, FMT_PROCESS_COMMAND_LINE), "\"MsSense.exe\"");
		equal(fmt_get(e, FMT_FILE_NAME), "MsSense.exe");
		equal(fmt_get(e, FMT_FILE_PATH), "C:\\Program Files\\temp");
		equal(fmt_get(e, FMT_PARENT_FILE_NAME), "services.exe");
		equal(fmt_get(e, FMT_PARENT_FILE_SHA256), "");
		equal(fmt_get(e, FMT_USER_NAME), "SYSTEM");
		equal(fmt_get(e, FMT_USER_DOMAIN), "NT AUTHORITY");
		equal(fmt_get(e, FMT_USER_DISPLAY_NAME), "System");
		e = a->primary[FMT_KIND_REGISTRY];
		equal(fmt_get(e, FMT_REGISTRY_HIVE), "HKEY_LOCAL_MACHINE");
		assert_int_equal(a->raw.p[0], '{');
		assert_int_equal(a->raw.p[a->raw.n - 1], '}');
		assert_int_equal(e->raw.p[0], '{');
		assert_int_equal(e->raw.p[e->raw.n - 1], '}');
		assert_true(e->raw.p > a->raw.p &&
			    e->raw.p + e->raw.n < a->raw.p + a->raw.n);
	}
}

static void samples(void **state)
{
	struct strbuf body;

	(void)state;
	sample_read("graph-alerts_v2.json", &body);
	assert_int_equal(look(body.p, sample_check, NULL), 9);
	strbuf_clear(&body);
}

/* ---- nothing that the vendor documents is without a place ---- */

/* These stay in the raw text: objects whose keys anybody chooses, and what is not documented. */
static bool is_raw_only(const char *name)
{
	static const char *const names[] = {
		"labels", "selector", "futureProperty", NULL};

	for (size_t i = 0; names[i]; i++)
		if (!strcmp(name, names[i]))
			return true;
	return *name == '@';
}

static void has_places(const struct alert_map *m, const struct alert_node *node,
	struct fjson_object *object, bool evidence);

/* A value at this node, whatever its arrays. */
static void has_place(const struct alert_map *m, const struct alert_node *node,
	const char *name, struct fjson_object *value, bool evidence)
{
	if (fjson_object_is_type(value, fjson_type_array)) {
		for (int i = 0; i < fjson_object_array_length(value); i++)
			has_place(m, node, name, fjson_object_array_get_idx(value, i),
				evidence);
	} else if (fjson_object_is_type(value, fjson_type_object)) {
		if (node->target == ALERT_NESTED)
			has_places(m->nested, m->nested->nodes, value, false);
		/* of evidence inside evidence: something, as graph_alerts.c says */
		else if (node->target != ALERT_RAW &&
			 !(evidence && fjson_object_object_get_ex(
					       value, "@odata.type", NULL)))
			has_places(m, node, value,
				evidence || node->target == ALERT_EVIDENCE);
	} else if (value && !node->target) {
		fail_msg("%s: %s has no place", m->source, name);
	}
}

static void has_places(const struct alert_map *m, const struct alert_node *node,
	struct fjson_object *object, bool evidence)
{
	struct fjson_object_iterator at = fjson_object_iter_begin(object),
				     end = fjson_object_iter_end(object);

	for (; !fjson_object_iter_equal(&at, &end); fjson_object_iter_next(&at)) {
		const char *name = fjson_object_iter_peek_name(&at);
		struct fjson_object *value = fjson_object_iter_peek_value(&at);
		const struct alert_node *child =
			alert_child(m, node, name, strlen(name));

		if (is_raw_only(name))
			continue;
		if (!child)
			fail_msg("%s: %s has no place", m->source, name);
		has_place(m, child, name, value, evidence);
	}
}

/* The samples hold every property of the documents (facts 3.1 to 3.9). */
static void every_property_has_a_place(void **state)
{
	static const char *const files[][2] = {
		{"graph-alerts", "samples/graph-alerts_v2.json"},
		{"graph-alerts", "golden/evidence-types.json"},
		{"graph-incidents", "samples/graph-incidents.json"},
		{"graph-incidents", "samples/graph-incidents-noexpand.json"},
		{"mde-alerts", "samples/mde-alerts.json"},
		{"m365d-incidents", "samples/m365d-incidents.json"},
		{"siem", "samples/siem-alerts.json"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const struct source *source = source_find(files[i][0]);
		struct alert_map *m = source_map_new(source, NULL);
		struct fjson_object *top, *list;
		struct strbuf body;
		char name[100];
		int count;

		snprintf(name, sizeof(name), "../%s", files[i][1]);
		sample_read(name, &body);
		list = top = fjson_tokener_parse(body.p);
		if (source->list_key)
			assert_true(fjson_object_object_get_ex(
				top, source->list_key, &list));
		count = fjson_object_array_length(list);
		assert_true(count > 0);
		for (int k = 0; k < count; k++)
			has_places(m, m->nodes, fjson_object_array_get_idx(list, k),
				false);
		fjson_object_put(top);
		strbuf_clear(&body);
		alert_map_free(m);
	}
}

/* ---- the order of properties ---- */

static struct fjson_object *reversed(struct fjson_object *from)
{
	struct fjson_object *to, *values[300];
	const char *names[300];
	int n = 0;

	if (fjson_object_is_type(from, fjson_type_array)) {
		to = fjson_object_new_array();
		for (int i = 0; i < fjson_object_array_length(from); i++)
			fjson_object_array_add(
				to, reversed(fjson_object_array_get_idx(from, i)));
		return to;
	}
	if (!fjson_object_is_type(from, fjson_type_object))
		return fjson_object_get(from);
	for (struct fjson_object_iterator it = fjson_object_iter_begin(from),
					  end = fjson_object_iter_end(from);
		!fjson_object_iter_equal(&it, &end) && n < 300;
		fjson_object_iter_next(&it), n++) {
		names[n] = fjson_object_iter_peek_name(&it);
		values[n] = fjson_object_iter_peek_value(&it);
	}
	to = fjson_object_new_object();
	while (n-- > 0)
		fjson_object_object_add(to, names[n], reversed(values[n]));
	return to;
}

static void write_check(const struct fmt_alert *alert, const void *out)
{
	alert_write((struct strbuf *)(uintptr_t)out, alert, false);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted lines: the order of fields is the order in which they came. */
static void lines_sort(struct strbuf *text)
{
	static char *lines[20000];
	struct strbuf out;
	size_t n = 0;

	for (char *save, *p = strtok_r(text->p, "\n", &save); p && n < 20000;
		p = strtok_r(NULL, "\n", &save))
		lines[n++] = p;
	qsort(lines, n, sizeof(lines[0]), by_text);
	strbuf_init(&out, 16 << 20);
	for (size_t i = 0; i < n; i++)
		(void)strbuf_addf(&out, "%s\n", lines[i]);
	strbuf_clear(text);
	*text = out;
}

static void order_does_not_matter(void **state)
{
	struct fjson_object *top, *turned;
	struct strbuf body, a, b;

	(void)state;
	sample_read("graph-alerts_v2.json", &body);
	strbuf_init(&a, 16 << 20);
	strbuf_init(&b, 16 << 20);
	assert_int_equal(look(body.p, write_check, &a), 9);
	top = fjson_tokener_parse(body.p);
	turned = reversed(top);
	assert_int_equal(look(fjson_object_to_json_string(turned), write_check, &b), 9);
	lines_sort(&a);
	lines_sort(&b);
	assert_true(a.n > 10000);
	assert_string_equal(a.p, b.p);
	fjson_object_put(turned);
	fjson_object_put(top);
	strbuf_clear(&a);
	strbuf_clear(&b);
	strbuf_clear(&body);
}

/* ---- all 48 types ---- */

static const struct type_case {
	const char *type;
	enum fmt_kind kind;
	const char *json;
	uint32_t field;
} type_cases[] = {
	{"activeDirectoryDomainEvidence", FMT_KIND_GROUP,
		"'activeDirectoryDomainName':'%'", FMT_NAME},
	{"aiAgentEvidence", FMT_KIND_APPLICATION, "'agentName':'%'", FMT_NAME},
	{"amazonResourceEvidence", FMT_KIND_CLOUD_RESOURCE, "'amazonResourceId':'%'",
		FMT_RESOURCE_ID},
	{"analyzedMessageEvidence", FMT_KIND_MESSAGE, "'p2Sender':{'emailAddress':'%'}",
		FMT_MESSAGE_SENDER},
	{"azureResourceEvidence", FMT_KIND_CLOUD_RESOURCE, "'resourceName':'%'",
		FMT_RESOURCE_NAME},
	{"blobContainerEvidence", FMT_KIND_CLOUD_RESOURCE, "'name':'%'",
		FMT_RESOURCE_NAME},
	{"blobEvidence", FMT_KIND_CLOUD_RESOURCE,
		"'fileHashes':[{'algorithm':'md5','value':'%'}]", FMT_HASH_VALUE},
	{"cloudApplicationEvidence", FMT_KIND_APPLICATION, "'instanceId':%",
		FMT_APP_INSTANCE_ID},
	{"cloudLogonRequestEvidence", FMT_KIND_LOGON, "'requestId':'%'",
		FMT_REQUEST_ID},
	{"cloudLogonSessionEvidence", FMT_KIND_LOGON,
		"'account':{'userAccount':{'userPrincipalName':'%'}}", FMT_USER_UPN},
	{"containerEvidence", FMT_KIND_CLOUD_RESOURCE, "'image':{'imageId':'%'}",
		FMT_IMAGE_ID},
	{"containerImageEvidence", FMT_KIND_CLOUD_RESOURCE,
		"'registry':{'registry':'%'}", FMT_REGISTRY_NAME},
	{"containerRegistryEvidence", FMT_KIND_CLOUD_RESOURCE, "'registry':'%'",
		FMT_REGISTRY_NAME},
	{"deviceEvidence", FMT_KIND_DEVICE, "'version':'%'", FMT_DEVICE_OS_VERSION},
	{"dnsEvidence", FMT_KIND_NETWORK, "'hostIpAddress':{'ipAddress':'%'}",
		FMT_SOURCE_ADDRESS},
	{"fileEvidence", FMT_KIND_FILE, "'fileDetails':{'sha256':'%'}",
		FMT_FILE_SHA256},
	{"fileHashEvidence", FMT_KIND_FILE, "'algorithm':'sha256','value':'%'",
		FMT_HASH_VALUE},
	{"gitHubOrganizationEvidence", FMT_KIND_CLOUD_RESOURCE, "'displayName':'%'",
		FMT_RESOURCE_NAME},
	{"gitHubRepoEvidence", FMT_KIND_CLOUD_RESOURCE, "'repoId':'%'",
		FMT_RESOURCE_ID},
	{"gitHubUserEvidence", FMT_KIND_OTHER, "'login':'%'", FMT_USER_NAME},
	{"googleCloudResourceEvidence", FMT_KIND_CLOUD_RESOURCE, "'location':'%'",
		FMT_RESOURCE_LOCATION},
	{"hostLogonSessionEvidence", FMT_KIND_LOGON, "'host':{'deviceDnsName':'%'}",
		FMT_DEVICE_DNS_NAME},
	{"ioTDeviceEvidence", FMT_KIND_DEVICE, "'ipAddress':{'ipAddress':'%'}",
		FMT_DEVICE_IP},
	{"ipEvidence", FMT_KIND_IP, "'ipAddress':'%'", FMT_IP_ADDRESS},
	{"kubernetesClusterEvidence", FMT_KIND_CLOUD_RESOURCE, "'version':'%'",
		FMT_VERSION},
	{"kubernetesControllerEvidence", FMT_KIND_CLOUD_RESOURCE, "'type':'%'",
		FMT_RESOURCE_TYPE},
	{"kubernetesNamespaceEvidence", FMT_KIND_CLOUD_RESOURCE,
		"'cluster':{'name':'%'}", FMT_CLUSTER},
	{"kubernetesPodEvidence", FMT_KIND_CLOUD_RESOURCE,
		"'namespace':{'cluster':{'name':'%'}}", FMT_CLUSTER},
	{"kubernetesSecretEvidence", FMT_KIND_CLOUD_RESOURCE, "'secretType':'%'",
		FMT_RESOURCE_TYPE},
	{"kubernetesServiceAccountEvidence", FMT_KIND_CLOUD_RESOURCE, "'name':'%'",
		FMT_RESOURCE_NAME},
	{"kubernetesServiceEvidence", FMT_KIND_CLOUD_RESOURCE,
		"'clusterIP':{'ipAddress':'%'}", FMT_IP_ADDRESS},
	{"mailboxConfigurationEvidence", FMT_KIND_MAILBOX, "'configurationType':'%'",
		FMT_CONFIGURATION_TYPE},
	{"mailboxEvidence", FMT_KIND_MAILBOX, "'displayName':'%'", FMT_MAILBOX_NAME},
	{"mailClusterEvidence", FMT_KIND_MESSAGE, "'emailCount':%", FMT_MESSAGE_COUNT},
	{"malwareEvidence", FMT_KIND_MALWARE, "'name':'%'", FMT_NAME},
	{"networkConnectionEvidence", FMT_KIND_NETWORK,
		"'sourceAddress':{'ipAddress':'%'}", FMT_SOURCE_ADDRESS},
	{"nicEvidence", FMT_KIND_NETWORK, "'ipAddress':{'ipAddress':'%'}",
		FMT_DEVICE_IP},
	{"oauthApplicationEvidence", FMT_KIND_APPLICATION, "'displayName':'%'",
		FMT_NAME},
	{"processEvidence", FMT_KIND_PROCESS, "'imageFile':{'sha256':'%'}",
		FMT_FILE_SHA256},
	{"registryKeyEvidence", FMT_KIND_REGISTRY, "'registryKey':'%'",
		FMT_REGISTRY_KEY},
	{"registryValueEvidence", FMT_KIND_REGISTRY, "'registryValueName':'%'",
		FMT_REGISTRY_VALUE_NAME},
	{"sasTokenEvidence", FMT_KIND_CLOUD_RESOURCE, "'permissions':['%']",
		FMT_PERMISSION},
	{"securityGroupEvidence", FMT_KIND_GROUP, "'sid':'%'", FMT_GROUP_SID},
	{"servicePrincipalEvidence", FMT_KIND_APPLICATION, "'servicePrincipalName':'%'",
		FMT_NAME},
	{"submissionMailEvidence", FMT_KIND_MESSAGE, "'sender':'%'",
		FMT_MESSAGE_SENDER},
	{"teamsMessageEvidence", FMT_KIND_MESSAGE, "'urls':[{'url':'%'}]", FMT_URL},
	{"urlEvidence", FMT_KIND_URL, "'url':'%'", FMT_URL},
	{"userEvidence", FMT_KIND_USER, "'userAccount':{'userSid':'%'}", FMT_USER_SID},
	/* and what is new */
	{"quantumEvidence", FMT_KIND_OTHER, "'verdict':'%'", FMT_VERDICT},
	{"", FMT_KIND_OTHER, "'verdict':'%'", FMT_VERDICT},
};

/* ' becomes ", % the number. */
static void spell(struct strbuf *out, const char *json)
{
	for (; *json; json++) {
		if (*json == '%')
			(void)strbuf_adds(out, "9007199254740993");
		else
			(void)strbuf_addc(out, *json == '\'' ? '"' : *json);
	}
}

static void type_check(const struct fmt_alert *alert, const void *expected)
{
	const struct type_case *c = expected;
	const struct fmt_evidence *e;

	assert_int_equal(alert->evidence_count, 1);
	e = &alert->evidence[0];
	equal(e->type, c->type);
	assert_int_equal(e->kind, c->kind);
	assert_ptr_equal(alert->primary[c->kind], e);
	equal(fmt_get(e, (enum fmt_field_id)c->field), "9007199254740993");
	equal_time(e->created, "2026-01-05T09:31:12Z");
	equal(fmt_get(e, FMT_TAG), "a");
}

static void all_types(void **state)
{
	struct strbuf json;

	(void)state;
	strbuf_init(&json, 1 << 20);
	for (size_t i = 0; i < sizeof(type_cases) / sizeof(type_cases[0]); i++) {
		const struct type_case *c = &type_cases[i];

		/* the type at the end, then at the start */
		for (int last = 0; last < 2; last++) {
			strbuf_reset(&json);
			spell(&json, "{'evidence':[{");
			if (!last && c->type[0])
				(void)strbuf_addf(&json,
					"\"@odata.type\":\"#microsoft.graph.security.%"
					"s\",",
					c->type);
			spell(&json, c->json);
			spell(&json, ",'tags':['a','b'],'createdDateTime':'2026-01-"
				     "05T09:31:12Z'");
			if (last && c->type[0])
				(void)strbuf_addf(&json,
					",\"@odata.type\":\"#microsoft.graph.security.%"
					"s\"",
					c->type);
			spell(&json, "}],'title':'t'}");
			assert_int_equal(look(json.p, type_check, c), 1);
		}
	}
	strbuf_clear(&json);
}

static void every_type_has_a_case(void **state)
{
	size_t types = 0, cases;

	(void)state;
	while (alert_types[types].name)
		types++;
	assert_int_equal(types, 48 + ENTITY_TYPES);
	types = 48; /* the others are of other APIs: entity_types */
	cases = sizeof(type_cases) / sizeof(type_cases[0]);
	for (size_t t = 0; t < types; t++) {
		size_t c = 0;

		while (c < cases &&
			strcmp(type_cases[c].type, alert_types[t].name) != 0)
			c++;
		assert_true(c < cases);
		assert_int_equal(type_cases[c].kind, alert_types[t].kind);
	}
}

/* ---- wrong types ---- */

static void survived(const struct fmt_alert *alert, const void *expected)
{
	struct strbuf text;

	(void)expected;
	strbuf_init(&text, 1 << 20);
	alert_write(&text, alert, true);
	assert_true(text.n > 0 && !text.full);
	if (strcmp(alert->source, "siem") != 0)
		equal(alert->status, "after");
	strbuf_clear(&text);
}

static void wrong_types(const struct alert_table *table)
{
	static const char *const values[] = {"null", "true", "-0.5e3",
		"12345678901234567890", "\"text\"", "\"\"", "[]", "{}", "[[]]", "[[1]]",
		"[{}]", "[{\"a\":1}]", "[1,\"a\",null,true,[2],{\"b\":3}]",
		"{\"a\":{\"b\":[1]}}", "\"\\ud800\\u0000\""};
	struct strbuf json;

	strbuf_init(&json, 1 << 20);
	for (size_t r = 0; r < table->row_count; r++) {
		const char *path = table->rows[r].path;

		if (table->rows[r].target == ALERT_NESTED)
			continue; /* a list of alerts or null: test_page_parser.c */
		for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
			for (int lists = 0; lists < 2; lists++) {
				char copy[200], *name, *rest = copy;
				int depth = 0;

				snprintf(copy, sizeof(copy), "%s", path);
				strbuf_reset(&json);
				while ((name = strsep(&rest, "/"))) {
					(void)strbuf_addf(&json,
						"%s{\"%s\":", depth && lists ? "[" : "",
						name);
					depth++;
				}
				(void)strbuf_addf(&json, "%s", values[v]);
				for (int i = depth - 1; i > 0; i--)
					(void)strbuf_adds(&json, lists ? "}]" : "}");
				(void)strbuf_adds(&json, ",\"status\":\"after\"}");
				if (strcmp(path, "status") != 0)
					assert_int_equal(
						look(json.p, survived, NULL), 1);
			}
		}
	}
	strbuf_clear(&json);
}

/* The map and the parser of a source, for look(). */
static struct page_parser *parser_of(const char *name, struct alert_map **before)
{
	struct page_parser *old = parser;

	*before = map;
	map = source_map_new(source_find(name), NULL);
	assert_non_null(map);
	parser = page_parser_new(map, "value", NULL);
	return old;
}

static void parser_back(struct page_parser *old, struct alert_map *before)
{
	page_parser_free(parser);
	alert_map_free(map);
	parser = old;
	map = before;
}

static void wrong_types_everywhere(void **state)
{
	const struct source *source;

	(void)state;
	for (size_t i = 0; (source = source_at(i)); i++) {
		struct alert_map *before;
		struct page_parser *old = parser_of(source->name, &before);

		wrong_types(source->table);
		parser_back(old, before);
	}
}

static void text_check(const struct fmt_alert *alert, const void *expected)
{
	struct strbuf text;

	strbuf_init(&text, 1 << 20);
	alert_write(&text, alert, true);
	if (!strstr(text.p, expected))
		fail_msg("\"%s\" expected in\n%s", (const char *)expected, text.p);
	strbuf_clear(&text);
}

static void no_text_check(const struct fmt_alert *alert, const void *expected)
{
	struct strbuf text;

	strbuf_init(&text, 1 << 20);
	alert_write(&text, alert, false);
	if (strstr(text.p, expected))
		fail_msg("\"%s\" not expected in\n%s", (const char *)expected, text.p);
	strbuf_clear(&text);
}

static void values(void **state)
{
	(void)state;
	look("{\"title\":12345678901234567890123}", text_check,
		"\ntitle=12345678901234567890123\n");
	look("{\"title\":true}", text_check, "\ntitle=true\n");
	look("{\"title\":[\"x\"]}", no_text_check, "title");
	look("{\"title\":{\"x\":\"y\"}}", no_text_check, "title");
	look("{\"id\":7}", text_check, "\nid=7\n");
	look("{\"incidentId\":924518}", text_check, "\nincident_id=924518\n");
	look("{\"categories\":\"one\"}", text_check, "\ncategories=one\n");
	look("{\"categories\":[\"a\",null,3,false,{},[\"x\"],\"b\"]}", text_check,
		"\ncategories=a\ncategories=3\ncategories=false\ncategories=b\n-1 ");
	look("{\"severity\":\"High\"}", text_check, "severity=4\n");
	look("{\"severity\":\"novel\"}", text_check, "severity=0\n");
	look("{\"severity\":\"novel\"}", text_check, "\nseverity_text=novel\n");
	look("{\"title\":\"t\",\"createdDateTime\":\"yesterday\"}", no_text_check,
		"created");
	look("{\"title\":\"t\",\"createdDateTime\":20260105}", no_text_check,
		"created");
	look("{\"customDetails\" : { \"a\": [1, 2] } ,\"title\":1}", text_check,
		"\ncustom_details={ \"a\": [1, 2] }\n");
	look("{\"customDetails\":null,\"title\":1}", no_text_check, "custom");
	look("{\"customDetails\": \"t\\u0041\" }", text_check,
		"\ncustom_details=\"t\\u0041\"\n");
	look("{\"additionalData\":[{}]}", text_check, "\nadditional_data=[{}]\n");
	look("{\"additionalData\": 12 }", text_check, "\nadditional_data=12\n");
	look("{\"comments\":[{\"comment\":\"c\",\"createdBy\":\"me\",\"createdTime\":"
	     "\"1970-01-01T00:00:01Z\"},7,null,[{\"comment\":\"no\"}]],\"title\":1}",
		text_check, "\ncomment=c\n by=me\n at=10000000\n-1 ");
	look("{\"evidence\":[1,null,\"x\",[{\"verdict\":\"no\"}],{\"verdict\":\"v\"}]}",
		text_check,
		"\nevidence 0 kind 0 verdict=v\n raw={\"verdict\":\"v\"}\n");
	look("{\"evidence\":{\"verdict\":\"v\"}}", text_check,
		"evidence 0 kind 0 verdict=v\n");
	look("{\"evidence\":[{\"@odata.type\":\"processEvidence\",\"imageFile\":[{"
	     "\"sha1\":1}]}]}",
		text_check, "evidence 0 kind 3 type=processEvidence\nsha1=1\n");
	look("{\"evidence\":[{\"@odata.type\":5,\"verdict\":true}]}", text_check,
		"evidence 0 kind 0 type=5\nverdict=true\n");
	look("{\"evidence\":[{\"@odata.type\":\"#a.b.\",\"verdict\":true}]}",
		text_check, "evidence 0 kind 0 verdict=true\n");
	look("{\"evidence\":[{\"verdict\":null},{}]}", text_check,
		"\nevidence 1 kind 0  raw={}\n");
	look("{\"evidence\":[{\"\":1,\"verdict\":1}]}", text_check,
		"kind 0 verdict=1\n");
}

static void repeated_keys(void **state)
{
	(void)state;
	look("{\"title\":\"a\",\"title\":\"b\"}", text_check, "\ntitle=b\n");
	look("{\"title\":\"a\",\"title\":null,\"id\":1}", no_text_check, "title");
	look("{\"categories\":[\"a\",\"b\"],\"categories\":[\"c\"]}", text_check,
		"\ncategories=c\n-1 ");
	look("{\"categories\":[\"a\"],\"categories\":null,\"id\":1}", no_text_check,
		"categories");
	look("{\"comments\":[{\"comment\":\"a\"}],\"comments\":[{\"comment\":\"b\"}]}",
		text_check, "\ncomment=b\n-1 ");
	look("{\"evidence\":[{\"verdict\":\"a\"},{\"verdict\":\"b\"}],\"evidence\":[{"
	     "\"verdict\":\"c\"}]}",
		text_check,
		"evidence 0 kind 0 verdict=c\n raw={\"verdict\":\"c\"}\n0 ");
	look("{\"evidence\":[{\"verdict\":\"a\",\"tags\":[1,2],\"role\":1,\"tags\":[3],"
	     "\"verdict\":\"b\","
	     "\"@odata.type\":\"ipEvidence\",\"@odata.type\":\"urlEvidence\"}]}",
		text_check, "kind 6 type=urlEvidence\ntag=3\nverdict=b\n raw");
	look("{\"evidence\":[{\"imageFile\":{\"sha1\":1,\"md5\":2},\"imageFile\":{"
	     "\"sha1\":3,\"sha1\":4}}]}",
		text_check, "kind 0 sha1=4\n raw");
	look("{\"evidence\":[{\"loggedOnUsers\":[{\"accountName\":1},{\"accountName\":"
	     "2}]}]}",
		text_check, "kind 0 loggedOnUser=1\nloggedOnUser=2\n raw");
}

/* ---- other sources ---- */

static void flat_evidence(void **state)
{
	struct alert_map *before;
	struct page_parser *old = parser_of("mde-alerts", &before);

	(void)state;
	look("{\"machineId\":\"m\",\"evidence\":[{\"entityType\":\"User\","
	     "\"accountName\":\"u\"}],"
	     "\"relatedUser\":{\"userName\":\"r\",\"domainName\":\"\"},"
	     "\"rbacGroupName\":\"g\"}",
		text_check,
		"evidence 0 kind 2 type=User\naccountName=u\n "
		"raw={\"entityType\":\"User\","
		"\"accountName\":\"u\"}\n"
		"evidence 1 kind 1 deviceId=m\nrbacGroupName=g\n"
		"evidence 2 kind 2 accountName=r\n-1 1 0 ");
	look("{\"machineId\":\"a\\n\",\"machineId\":\"b\",\"title\":1}", text_check,
		"evidence 0 kind 1 deviceId=b\n-1 0 ");
	look("{\"machineId\":\"a\",\"machineId\":null,\"title\":1}", no_text_check,
		"evidence");
	look("{\"relatedUser\":{\"userName\":1},\"relatedUser\":{\"userName\":2}}",
		text_check, "evidence 0 kind 2 accountName=2\n");
	look("{\"title\":1}", text_check,
		"service_source=microsoftDefenderForEndpoint\n");
	/* a type that is not known is carried as it is */
	look("{\"evidence\":[{\"entityType\":\"Drone\",\"url\":\"u\"}]}", text_check,
		"evidence 0 kind 0 type=Drone\nurl=u\n raw={\"entityType\"");
	parser_back(old, before);
}

static void kind_check(const struct fmt_alert *alert, const void *expected)
{
	assert_int_equal(alert->evidence_count, 1);
	assert_int_equal(alert->evidence[0].kind, *(const enum fmt_kind *)expected);
}

static void entity_types(void **state)
{
	static const struct {
		const char *type;
		enum fmt_kind kind;
	} cases[ENTITY_TYPES] = {{"User", FMT_KIND_USER}, {"Process", FMT_KIND_PROCESS},
		{"File", FMT_KIND_FILE}, {"Ip", FMT_KIND_IP}, {"Url", FMT_KIND_URL},
		{"Registry", FMT_KIND_REGISTRY}, {"MailBox", FMT_KIND_MAILBOX},
		{"Mailbox", FMT_KIND_MAILBOX}, {"MailMessage", FMT_KIND_MESSAGE},
		{"MailCluster", FMT_KIND_MESSAGE}, {"SecurityGroup", FMT_KIND_GROUP},
		{"CloudApplication", FMT_KIND_APPLICATION},
		{"CloudLogonSession", FMT_KIND_LOGON}};
	struct alert_map *before;
	struct page_parser *old = parser_of("mde-alerts", &before);
	char json[100];

	(void)state;
	for (size_t i = 0; i < ENTITY_TYPES; i++) {
		snprintf(json, sizeof(json), "{\"evidence\":[{\"entityType\":\"%s\"}]}",
			cases[i].type);
		look(json, kind_check, &cases[i].kind);
	}
	parser_back(old, before);
}

static void lists_of_evidence(void **state)
{
#define DEVICES "\"devices\":[{\"mdatpDeviceId\":\"d\"},{\"osBuild\":7}]"
#define ENTITIES "\"entities\":[{\"entityType\":\"Ip\",\"ipAddress\":\"::1\"}]"
	struct alert_map *before;
	struct page_parser *old = parser_of("m365d-incidents", &before);
	struct alert_map *incidents = map;

	(void)state;
	page_parser_free(parser);
	map = incidents->nested;
	parser = page_parser_new(map, "value", NULL);
	look("{" DEVICES "," ENTITIES "}", text_check,
		"evidence 0 kind 1 deviceId=d\n raw={\"mdatpDeviceId\":\"d\"}\n"
		"evidence 1 kind 1 osBuild=7\n raw={\"osBuild\":7}\n"
		"evidence 2 kind 5 type=Ip\nipAddress=::1\n raw=");
	look("{" ENTITIES "," DEVICES "}", text_check,
		"evidence 0 kind 5 type=Ip\nipAddress=::1\n raw={\"entityType\":\"Ip\","
		"\"ipAddress\":\"::1\"}\nevidence 1 kind 1 deviceId=d\n");
	/* a list that comes again takes the place of the one before, and of no other */
	look("{" DEVICES "," ENTITIES ",\"devices\":[{\"version\":2}]}", text_check,
		"evidence 0 kind 5 type=Ip\nipAddress=::1\n raw={\"entityType\":\"Ip\","
		"\"ipAddress\":\"::1\"}\nevidence 1 kind 1 osVersion=2\n "
		"raw={\"version\":2}"
		"\n-1 1 ");
	look("{" DEVICES "," ENTITIES ",\"devices\":null,\"devices\":[]}", text_check,
		"evidence 0 kind 5 type=Ip\nipAddress=::1\n raw={\"entityType\":\"Ip\","
		"\"ipAddress\":\"::1\"}\n-1 -1 ");
	look("{" DEVICES "," DEVICES "}", text_check,
		"evidence 1 kind 1 osBuild=7\n raw={\"osBuild\":7}\n-1 0 ");
	map = incidents;
	parser_back(old, before);
}

static void siem_records(void **state)
{
	struct alert_map *before;
	struct page_parser *old = parser_of("siem", &before);

	(void)state;
	look("[{\"FullId\":\"f\",\"AlertId\":\"a\",\"AlertPart\":0,\"ReportID\":9}]",
		text_check, "\nid=f\nprovider_alert_id=a\n");
	look("[{\"FullId\":\"\",\"ReportID\":9,\"AlertId\":\"a\",\"AlertPart\":0}]",
		text_check, "\nid=a:0:9\nprovider_alert_id=a\n");
	/* not all of them: two detections of one alert must not be one */
	look("[{\"AlertId\":\"a\",\"AlertPart\":0}]", text_check, "\nid=noid-");
	look("[{\"AlertPart\":0,\"ReportID\":9}]", text_check, "\nid=noid-");
	/* dates without a zone are UTC */
	look("[{\"AlertTime\":\"1970-01-01T00:00:01.5\"}]", text_check,
		"\ncreated=15000000\n");
	look("[{\"LinkToMTP\":\"m\",\"LinkToWDATP\":\"w\"}]", text_check,
		"\nalert_url=m\n");
	look("[{\"LinkToWDATP\":\"w\",\"LinkToMTP\":\"\"}]", text_check,
		"\nalert_url=w\n");
	look("[{\"InternalIPv4List\":\"10.0.0.1,10.0.0.2;\",\"InternalIPv6List\":\"\","
	     "\"LogOnUsers\":\"d\\\\a; d\\\\b\",\"DeviceID\":\"x\"}]",
		text_check,
		"evidence 0 kind 1 ipInterface=10.0.0.1\nipInterface=10.0.0.2\n"
		"loggedOnUser=d\\a\nloggedOnUser=d\\b\ndeviceId=x\n-1 0 ");
	look("[{\"RemediationIsSuccess\":true,\"WasExecutingWhileDetected\":false}]",
		text_check,
		"kind 4 remediationIsSuccess=true\n"
		"wasExecutingWhileDetected=false\n");
	look("[{\"IocName\":\"n\",\"IocValue\":\"v\",\"CreatorIocName\":\"c\","
	     "\"CreatorIocValue\":\"d\",\"IocUniqueId\":\"u\"}]",
		text_check,
		"kind 0 name=n\nindicatorValue=v\nindicatorCreator=c\n"
		"indicatorCreatorValue=d\n");
	/* these come with every record: they are no evidence of an indicator */
	look("[{\"IocName\":\"\",\"IocUniqueId\":\"u\",\"ExternalId\":\"e\","
	     "\"RemediationIsSuccess\":null}]",
		text_check, "external_id=e\nindicator_id=u\n");
	look("[{\"IocName\":\"\",\"IocUniqueId\":\"u\",\"ExternalId\":\"e\","
	     "\"RemediationIsSuccess\":null}]",
		no_text_check, "evidence 0");
	parser_back(old, before);
}

/* ---- choices ---- */

struct choice {
	const char *evidence;
	enum fmt_kind kind;
	long primary, source, destination;
};

static void choice_check(const struct fmt_alert *alert, const void *expected)
{
	const struct choice *c = expected;

	assert_int_equal(evidence_number(alert, alert->primary[c->kind]), c->primary);
	assert_int_equal(evidence_number(alert, alert->source_ip), c->source);
	assert_int_equal(evidence_number(alert, alert->destination_ip), c->destination);
}

static void choices(void **state)
{
#define E(type, more) "{'@odata.type':'#x." type "Evidence'" more "}"
#define R(role) ",'roles':['" role "']"
	static const struct choice cases[] = {
		{"", FMT_KIND_IP, -1, -1, -1},
		{E("device", "") "," E("device", ""), FMT_KIND_DEVICE, 0, -1, -1},
		{E("device", R("compromised")) "," E(
			 "device", ",'detailedRoles':['x','PRIMARY device']"),
			FMT_KIND_DEVICE, 1, -1, -1},
		{E("device", ",'verdict':'malicious'") "," E("device", R("Attacked")),
			FMT_KIND_DEVICE, 1, -1, -1},
		{E("user", R("contextual")) "," E("user", ""), FMT_KIND_USER, 1, -1,
			-1},
		{E("user", R("contextual','compromised")) "," E("user", ""),
			FMT_KIND_USER, 0, -1, -1},
		{E("process", "") "," E("process", ",'verdict':'suspicious'") "," E(
			 "process", ",'verdict':'Malicious'") "," E("process",
			 ",'verdict':'malicious'"),
			FMT_KIND_PROCESS, 2, -1, -1},
		{E("file", ",'verdict':'noThreatsFound'") "," E(
			 "file", ",'verdict':'unknown'"),
			FMT_KIND_FILE, 1, -1, -1},
		{E("process", ",'detailedRoles':['main']") "," E(
			 "process", ",'verdict':'suspicious'"),
			FMT_KIND_PROCESS, 1, -1, -1},
		{E("ip", R("destination")) "," E("ip", R("source")) "," E(
			 "ip", R("attacker")) "," E("ip", R("commandAndControl")),
			FMT_KIND_IP, 1, 2, 3},
		{E("ip", R("attacker','commandAndControl")), FMT_KIND_IP, 0, -1, 0},
		{E("url", R("source")) "," E("ip", R("source")) "," E(
			 "ip", R("destination")),
			FMT_KIND_URL, 0, 1, 2},
	};
	struct strbuf json;

	(void)state;
	strbuf_init(&json, 1 << 20);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		strbuf_reset(&json);
		(void)strbuf_adds(&json, "{\"id\":\"x\",\"evidence\":[");
		spell(&json, cases[i].evidence);
		(void)strbuf_adds(&json, "]}");
		look(json.p, choice_check, &cases[i]);
	}
	strbuf_clear(&json);
#undef E
#undef R
}

/* ---- versions and made-up ids ---- */

static struct fmt_str str(const char *s)
{
	return (struct fmt_str){s, strlen(s)};
}

static void versions(void **state)
{
	struct fmt_alert a, b;
	char text[ALERT_VERSION_TEXT];

	(void)state;
	memset(&a, 0, sizeof(a));
	a.status = str("new");
	a.updated = 1;
	b = a;
	for (int policy = ALERT_POLICY_FIRST; policy <= ALERT_POLICY_EVERY; policy++)
		assert_true(alert_version(&a, policy) == alert_version(&b, policy));
	b.updated = 2;
	b.title = str("other");
	assert_true(alert_version(&a, ALERT_POLICY_FIRST) ==
		    alert_version(&b, ALERT_POLICY_FIRST));
	assert_true(alert_version(&a, ALERT_POLICY_STATUS) ==
		    alert_version(&b, ALERT_POLICY_STATUS));
	assert_true(alert_version(&a, ALERT_POLICY_EVERY) !=
		    alert_version(&b, ALERT_POLICY_EVERY));
#define DIFFERS(member)                                                                \
	do {                                                                           \
		b = a;                                                                 \
		b.member = str("changed");                                             \
		assert_true(alert_version(&a, ALERT_POLICY_STATUS) !=                  \
			    alert_version(&b, ALERT_POLICY_STATUS));                   \
		assert_true(alert_version(&a, ALERT_POLICY_EVERY) !=                   \
			    alert_version(&b, ALERT_POLICY_EVERY));                    \
		assert_true(alert_version(&a, ALERT_POLICY_FIRST) ==                   \
			    alert_version(&b, ALERT_POLICY_FIRST));                    \
	} while (0)
	DIFFERS(status);
	DIFFERS(severity_text);
	DIFFERS(classification);
	DIFFERS(determination);
	DIFFERS(assigned_to);
#undef DIFFERS
	/* the ends of members count */
	b = a;
	b.status = str("ne");
	b.severity_text = str("w");
	assert_true(alert_version(&a, ALERT_POLICY_STATUS) !=
		    alert_version(&b, ALERT_POLICY_STATUS));
	/* what is stored must stay the same from release to release */
	a.severity_text = str("high");
	alert_version_text(alert_version(&a, ALERT_POLICY_STATUS), text);
	assert_string_equal(text, "9fcbc9c62fee12a6");
	alert_version_text(alert_version(&a, ALERT_POLICY_EVERY), text);
	assert_string_equal(text, "6102081aca0812bb");
	alert_version_text(0x0123456789abcdef, text);
	assert_string_equal(text, "0123456789abcdef");
}

static void made_up_ids(void **state)
{
	(void)state;
	look("{\"title\":\"a\"}", text_check,
		"\nid=noid-c66a6f9e3a6339f6c80c5fb40a9c15c1\n");
	look("[{\"id\":null,\"title\":\"a\"}]", text_check, "\nid=noid-");
	look("[{\"id\":\"\"}]", text_check, "\nid=noid-");
}

/* ---- the table ---- */

static void bad_rows(void **state)
{
	static const struct alert_row rows[] = {
		{"", ALERT_STRING, offsetof(struct fmt_alert, title)},
		{"/a", ALERT_STRING, offsetof(struct fmt_alert, title)},
		{"a/", ALERT_STRING, offsetof(struct fmt_alert, title)},
		{"a//b", ALERT_STRING, offsetof(struct fmt_alert, title)},
		{"a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q", ALERT_STRING,
			offsetof(struct fmt_alert, title)},
		{"a2345678901234567890123456789012x", ALERT_STRING,
			offsetof(struct fmt_alert, title)},
		{"a", ALERT_STRING, sizeof(struct fmt_alert) - 8},
		{"a", ALERT_STRING, 3},
		{"a", EVIDENCE_FIELD, FMT_NAME},
		{"evidence/a", EVIDENCE_FIELD, FMT_FIELD_IDS},
		{"evidence/a", EVIDENCE_FIELD, 0},
		{"evidence/a", ALERT_STRING, offsetof(struct fmt_alert, title)},
		{"evidence/a", ALERT_EVIDENCE, 0},
		{"a", COMMENT_STRING, 0},
		{"a", EVIDENCE_TYPE, 0},
		{"a", (enum alert_target)99, 0},
		{"a", ALERT_EVIDENCE, FMT_KINDS},
		{"a", ALERT_PART, 0},
		{"a", FLAT_FIELD, FLAT(0, FMT_NAME)},
		{"evidence/a", ALERT_SPARE, offsetof(struct fmt_alert, title)},
	};
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct alert_row all[2] = {{"evidence", ALERT_EVIDENCE, 0}, rows[i]};

		const struct alert_table table = {.rows = all, .row_count = 2};

		memset(&err, 0, sizeof(err));
		assert_null(alert_map_new("x", &table, &err));
		assert_int_equal(err.code, RC_CONFIG);
		assert_non_null(strstr(err.text, rows[i].path));
	}
}

static void later_rows_count(void **state)
{
	static const struct alert_row rows[] = {
		{"a", ALERT_STRING, offsetof(struct fmt_alert, title)},
		{"a", ALERT_STRING, offsetof(struct fmt_alert, category)},
		{"a/b", ALERT_STRING, offsetof(struct fmt_alert, status)},
		{"a234567890123456789012345678901x", ALERT_STRING,
			offsetof(struct fmt_alert, title)},
	};
	static const struct alert_table table = {.rows = rows, .row_count = 4};
	struct alert_map *own = alert_map_new("own", &table, NULL), *graph = map;
	struct page_parser *graph_parser = parser;

	(void)state;
	assert_non_null(own);
	parser = page_parser_new(own, "value", NULL);
	look("{\"a\":\"x\"}", text_check, "source=own");
	look("{\"a\":\"x\"}", text_check, "category=x\nraw");
	look("{\"a\":{\"b\":1}}", text_check, "\nstatus=1\n");
	look("{\"a234567890123456789012345678901x\":1}", text_check, "\ntitle=1\n");
	look("{\"a234567890123456789012345678901xy\":1,\"a\":2}", no_text_check,
		"title");
	page_parser_free(parser);
	alert_map_free(own);
	parser = graph_parser;
	map = graph;
}

/* Each part holds one piece, in its raw text too, and all else as it was. */
static void parts_check(const struct fmt_alert *alert, const void *expected)
{
	const struct fmt_alert *part;
	struct alert_events events;
	size_t n = 0, listed = *(const size_t *)expected;

	alert_events_begin(&events, alert, false);
	assert_ptr_equal(alert_events_next(&events), alert);
	assert_true(alert_events_was_last(&events));
	assert_null(alert_events_next(&events));
	alert_events_end(&events);
	assert_int_equal(alert->event_count, 0);
	alert_events_begin(&events, alert, true);
	while ((part = alert_events_next(&events))) {
		const struct fmt_evidence *piece = &alert->evidence[n++];
		fjson_object *whole, *one, *own, *list = NULL;
		char *raw = strndup(part->raw.p, part->raw.n);
		char *text = strndup(alert->raw.p, alert->raw.n);

		assert_int_equal(part->event_number, n);
		assert_int_equal(part->event_count, alert->evidence_count);
		assert_ptr_equal(part->id.p, alert->id.p);
		assert_int_equal(part->evidence_count, 1);
		assert_ptr_equal(part->evidence, piece);
		for (int kind = 0; kind < FMT_KINDS; kind++)
			assert_ptr_equal(part->primary[kind],
				kind == (int)piece->kind ? piece : NULL);
		whole = fjson_tokener_parse(text);
		one = fjson_tokener_parse(raw);
		assert_non_null(one);
		assert_true(fjson_object_object_get_ex(one, "evidence", &list));
		if (piece->raw.n) {
			char *json = strndup(piece->raw.p, piece->raw.n);

			assert_int_equal(fjson_object_array_length(list), 1);
			own = fjson_tokener_parse(json);
			assert_string_equal(
				fjson_object_to_json_string(
					fjson_object_array_get_idx(list, 0)),
				fjson_object_to_json_string(own));
			fjson_object_put(own);
			free(json);
		} else {
			assert_int_equal(fjson_object_array_length(list), 0);
		}
		assert_true(fjson_object_object_get_ex(whole, "evidence", &list));
		assert_int_equal(fjson_object_array_length(list), listed);
		fjson_object_object_del(one, "evidence");
		fjson_object_object_del(whole, "evidence");
		assert_string_equal(fjson_object_to_json_string(one),
			fjson_object_to_json_string(whole));
		fjson_object_put(one);
		fjson_object_put(whole);
		free(raw);
		free(text);
	}
	assert_int_equal(n, alert->evidence_count);
	assert_true(alert_events_was_last(&events));
	alert_events_end(&events);
}

static void one_part_check(const struct fmt_alert *alert, const void *expected)
{
	const struct fmt_alert *part;
	struct alert_events events;

	(void)expected;
	alert_events_begin(&events, alert, true);
	part = alert_events_next(&events);
	assert_int_equal(part->event_number, 1);
	assert_int_equal(part->event_count, 1);
	assert_int_equal(part->evidence_count, 0);
	assert_ptr_equal(part->raw.p, alert->raw.p);
	assert_null(alert_events_next(&events));
	alert_events_end(&events);
}

/* What the raw text has beside objects stays as it is. */
static void odd_list_check(const struct fmt_alert *alert, const void *expected)
{
	const struct fmt_alert *part;
	struct alert_events events;

	(void)expected;
	alert_events_begin(&events, alert, true);
	while ((part = alert_events_next(&events))) {
		char *raw = strndup(part->raw.p, part->raw.n);
		fjson_object *json = fjson_tokener_parse(raw);

		assert_non_null(json);
		fjson_object_put(json);
		free(raw);
	}
	alert_events_end(&events);
}

static void parts_of_an_alert(void **state)
{
	const size_t three = 3, many = 1003;
	struct strbuf text;

	(void)state;
	look("{\"id\":\"a\",\"x\":\"[{\\\"]\",\"evidence\" : [ "
	     "{\"@odata.type\":\"#microsoft.graph.security.ipEvidence\","
	     "\"ipAddress\":\"192.0.2.1\",\"x\":[\"]\\\\\",{\"y\":[]}]} ,\n"
	     "{\"@odata.type\":\"#microsoft.graph.security.userEvidence\"},"
	     "{\"@odata.type\":\"#microsoft.graph.security.ipEvidence\","
	     "\"ipAddress\":\"192.0.2.2\"}\t],\"title\":\"t\",\"list\":[1,[2]]}",
		parts_check, &three);
	look("{\"id\":\"a\",\"evidence\":[]}", one_part_check, NULL);
	look("{\"id\":\"a\"}", one_part_check, NULL);
	look("{\"id\":\"a\",\"evidence\":[null,{\"ipAddress\":\"::1\"},7,{}]}",
		odd_list_check, NULL);
	look("{\"id\":\"a\",\"evidence\":{\"ipAddress\":\"::1\"},\"z\":[{}]}",
		odd_list_check, NULL);
	/* Those beyond the limit are in no part. */
	strbuf_init(&text, 1 << 20);
	(void)strbuf_adds(&text, "{\"id\":\"a\",\"evidence\":[");
	for (size_t i = 0; i < many; i++)
		(void)strbuf_addf(&text, "%s{\"ipAddress\":\"10.0.%zu.%zu\"}",
			i ? "," : "", i / 256, i % 256);
	assert_true(strbuf_adds(&text, "]}"));
	look(text.p, parts_check, &many);
	strbuf_clear(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples),
		cmocka_unit_test(every_property_has_a_place),
		cmocka_unit_test(order_does_not_matter),
		cmocka_unit_test(all_types),
		cmocka_unit_test(every_type_has_a_case),
		cmocka_unit_test(wrong_types_everywhere),
		cmocka_unit_test(values),
		cmocka_unit_test(repeated_keys),
		cmocka_unit_test(flat_evidence),
		cmocka_unit_test(entity_types),
		cmocka_unit_test(lists_of_evidence),
		cmocka_unit_test(siem_records),
		cmocka_unit_test(choices),
		cmocka_unit_test(versions),
		cmocka_unit_test(made_up_ids),
		cmocka_unit_test(parts_of_an_alert),
		cmocka_unit_test(bad_rows),
		cmocka_unit_test(later_rows_count),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
