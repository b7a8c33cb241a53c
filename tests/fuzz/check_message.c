/* check_message.c - is this message what the alert says, by the rules of its format? */
#include "check_message.h"

#include <stdio.h>
#include <stdlib.h>
#include <yajl/yajl_tree.h>

#include "tests/unit/cef_reader.h"
#include "tests/unit/leef_reader.h"

static char wrong[400];

int check_grow(struct fmt_out *out, size_t want)
{
	char *p = realloc(out->p, want);

	if (!p)
		abort();
	out->p = p;
	out->room = want;
	return 1;
}

void check_format(struct check *check, const struct fmt_module *module,
	const struct fmt_alert *alert, size_t maximum)
{
	/* Buffers of exactly the size asked for, so that a sanitizer sees one octet too many. */
	free(check->body.p);
	free(check->structured_data.p);
	check->body = (struct fmt_out){.maximum = maximum, .grow = check_grow};
	check->structured_data = check->body;
	check->message = (struct fmt_message){
		.body = &check->body, .structured_data = &check->structured_data};
	check->result = module->format(check->module, alert, &check->message);
}

void check_free(struct check *check, const struct fmt_module *module)
{
	module->close(check->module);
	free(check->body.p);
	free(check->structured_data.p);
	memset(check, 0, sizeof(*check));
}

static const char *say(const char *what, const char *got, const char *want)
{
	snprintf(wrong, sizeof(wrong), "%s: got \"%.120s\", want \"%.120s\"", what,
		got ? got : "(nothing)", want);
	return wrong;
}

static char *model(struct fmt_str s, enum model_text mode, size_t max)
{
	static char *buffers[4];
	static unsigned turn;
	char **buffer = &buffers[turn++ % 4];

	*buffer = realloc(*buffer, 4 * s.n + 8);
	if (!*buffer)
		abort();
	model_clean(*buffer, s.p, s.n, mode, max);
	return *buffer;
}

static int is_cut(const char *got, const char *want)
{
	size_t n = strlen(got);

	return n >= 3 && !strcmp(got + n - 3, "...") && !strncmp(got, want, n - 3);
}

/* 1 when the text has a long run of combining characters, where the rule for cutting differs. */
static int is_odd(struct fmt_str s)
{
	size_t run = 0;

	for (size_t i = 0; i + 1 < s.n && run < 8; i++) {
		unsigned char a = (unsigned char)s.p[i], b = (unsigned char)s.p[i + 1];

		if ((a == 0xE2 && b == 0x80) || a == 0xCC)
			run++;
		else if (a < 0x80)
			run = 0;
	}
	return run >= 8;
}

enum presence { FIXED, USUAL };

/* The number of an event, which is there when there are several. */
static struct fmt_str number_text(
	char text[16], const struct fmt_alert *alert, uint32_t n)
{
	return (struct fmt_str){
		text, alert->event_count ? (size_t)snprintf(text, 16, "%u", n) : 0};
}

const char *check_cef(const struct check *check, const struct fmt_alert *alert)
{
	static struct cef_event event;
	/* an incident without a description has a summary */
	const struct fmt_str message_text =
		*model(alert->description, MODEL_VALUE, 1023) ? alert->description
							      : alert->summary;
	char number[16], count[16];
	const struct {
		const char *key;
		struct fmt_str value;
		size_t max;
		enum presence presence;
	} pairs[] = {
		{"MicrosoftDefenderAlertId", alert->id, 1023, FIXED},
		{"AlertrelayVersion", alert->version, 255, FIXED},
		{"AlertrelayEventNumber",
			number_text(number, alert, alert->event_number), 20, FIXED},
		{"AlertrelayEventCount", number_text(count, alert, alert->event_count),
			20, FIXED},
		{"cs5", alert->customer, 1023, FIXED},
		{"MicrosoftDefenderTenantId", alert->tenant_id, 255, FIXED},
		{"cat", alert->category, 1023, USUAL},
		{"outcome", alert->status, 63, USUAL},
		{"cs4", alert->actor, 4000, USUAL},
		{"AlertrelayCustomerName", alert->customer_name, 255, USUAL},
		{"MicrosoftDefenderThreatFamily", alert->threat_family, 255, USUAL},
		{"MicrosoftDefenderAssignedTo", alert->assigned_to, 255, USUAL},
		{"MicrosoftDefenderProviderAlertId", alert->provider_alert_id, 1023,
			USUAL},
		{"msg", message_text, 1023, USUAL},
		{"MicrosoftDefenderPriorityScore", alert->priority_score, 63, USUAL},
		{"MicrosoftDefenderInvestigationId", alert->investigation_id, 63,
			USUAL},
		{"MicrosoftDefenderLastModifiedBy", alert->last_modified_by, 255,
			USUAL},
		{"MicrosoftDefenderResolvingComment", alert->resolving_comment, 1023,
			USUAL},
	};
	const struct fmt_out *body = &check->body;
	const struct fmt_message *message = &check->message;
	char *want;
	const char *got;

	if (body->n > body->maximum)
		return "larger than the maximum";
	if (check->result == FMT_TOO_SMALL)
		return body->maximum > 32768 ? "does not fit 32 KiB" : NULL;
	if (check->result != FMT_OK)
		return "rejected";
	if (!cef_read(&event, body->p, body->n))
		return event.error;
	if (message->shed_fields && body->maximum > 100000)
		return "shed although there is room";
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		want = model(pairs[i].value, MODEL_VALUE, pairs[i].max);
		got = cef_value(&event, pairs[i].key);
		if (!*want && got)
			return say(pairs[i].key, got, want);
		if (!*want || (got && !strcmp(got, want)))
			continue;
		if (got && is_odd(pairs[i].value))
			continue;
		if (!got && pairs[i].presence == USUAL && message->shed_fields)
			continue;
		if (got && message->cut_texts && !strcmp(pairs[i].key, "msg") &&
			is_cut(got, want))
			continue;
		return say(pairs[i].key, got, want);
	}
	want = model(alert->id, MODEL_VALUE, 0);
	got = cef_value(&event, "externalId");
	if (got && strcmp(got, want) != 0)
		return say("externalId", got, want);
	want = model(alert->alert_url, MODEL_VALUE, 4000);
	got = cef_value(&event, "flexString1");
	if (!got)
		got = cef_value(&event, "MicrosoftDefenderAlertUrl");
	if (*want && (!got || strcmp(got, want) != 0) && !is_odd(alert->alert_url))
		return say("alert link", got, want);
	want = model(alert->incident_id, MODEL_VALUE, 255);
	got = cef_value(&event, "cn1");
	if (!got)
		got = cef_value(&event, "MicrosoftDefenderIncidentId");
	if (*want && (!got || strcmp(got, want) != 0) && !is_odd(alert->incident_id))
		return say("incident", got, want);
	want = model(alert->title, MODEL_HEADER, 512);
	if (*want && strcmp(want, event.header[4]) != 0 && !is_odd(alert->title) &&
		!is_cut(event.header[4], want))
		return say("name", event.header[4], want);
	if (message->cut_texts && !message->shed_fields && body->maximum > 100000) {
		/* Only dictionary lengths: they must be visible. */
		for (size_t i = 0; i < body->n; i++)
			if (body->n - i >= 3 && !memcmp(body->p + i, "...", 3))
				return NULL;
		return "a cut without a mark";
	}
	return NULL;
}

/* What LEEF leaves of a text: the delimiter is a space, in a header a pipe is a slash. */
static char *model_leef(struct fmt_str s, char delimiter, int header, size_t max)
{
	static char *copy;

	copy = realloc(copy, s.n + 1);
	if (!copy)
		abort();
	for (size_t i = 0; i < s.n; i++)
		copy[i] = s.p[i] == delimiter	    ? ' '
			  : header && s.p[i] == '|' ? '/'
						    : s.p[i];
	return model((struct fmt_str){copy, s.n}, MODEL_HEADER, max);
}

const char *check_leef(const struct check *check, const struct fmt_alert *alert)
{
	static struct leef_event event;
	const struct fmt_str text = *model(alert->description, MODEL_HEADER, 0)
					    ? alert->description
					    : alert->summary;
	char number[16], count[16];
	const struct {
		const char *key;
		struct fmt_str value;
		size_t max;
		enum presence presence;
	} attributes[] = {
		{"alertId", alert->id, 1023, FIXED},
		{"alertVersion", alert->version, 255, FIXED},
		{"eventNumber", number_text(number, alert, alert->event_number), 20,
			FIXED},
		{"eventCount", number_text(count, alert, alert->event_count), 20,
			FIXED},
		{"customer", alert->customer, 1023, FIXED},
		{"tenantId", alert->tenant_id, 255, FIXED},
		{"incidentId", alert->incident_id, 255, FIXED},
		{"url", alert->alert_url, 4000, FIXED},
		{"incidentUrl", alert->incident_url, 4000, FIXED},
		{"title", alert->title, 512, USUAL},
		{"cat", alert->category, 1023, USUAL},
		{"status", alert->status, 63, USUAL},
		{"threatActor", alert->actor, 4000, USUAL},
		{"customerName", alert->customer_name, 255, USUAL},
		{"threatFamily", alert->threat_family, 255, USUAL},
		{"assignedTo", alert->assigned_to, 255, USUAL},
		{"providerAlertId", alert->provider_alert_id, 1023, USUAL},
		{"alertPolicyId", alert->alert_policy_id, 255, USUAL},
		{"serviceSource", alert->service_source, 255, USUAL},
		{"priorityScore", alert->priority_score, 63, USUAL},
		{"investigationId", alert->investigation_id, 63, USUAL},
		{"lastModifiedBy", alert->last_modified_by, 255, USUAL},
		{"resolvingComment", alert->resolving_comment, 1023, USUAL},
		{"redirectIncidentId", alert->redirect_incident_id, 255, USUAL},
		{"description", text, 1023, USUAL},
	};
	const struct fmt_out *body = &check->body;
	const struct fmt_message *message = &check->message;
	char *want;
	const char *got;

	if (body->n > body->maximum)
		return "larger than the maximum";
	if (check->result == FMT_TOO_SMALL)
		return body->maximum > 32768 ? "does not fit 32 KiB" : NULL;
	if (check->result != FMT_OK)
		return "rejected";
	if (!leef_read(&event, body->p, body->n))
		return event.error;
	if (message->shed_fields && body->maximum > 100000)
		return "shed although there is room";
	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		const char *key = attributes[i].key;

		want = model_leef(
			attributes[i].value, event.delimiter, 0, attributes[i].max);
		got = leef_value(&event, key);
		/* An alert without a title is shown by its category. */
		if (!*want && got && strcmp(key, "title") != 0)
			return say(key, got, want);
		if (!*want || (got && !strcmp(got, want)))
			continue;
		if (got && is_odd(attributes[i].value))
			continue;
		if (!got && attributes[i].presence == USUAL && message->shed_fields &&
			strcmp(key, "title") != 0)
			continue;
		if (got && message->cut_texts &&
			(!strcmp(key, "description") || !strcmp(key, "title")) &&
			is_cut(got, want))
			continue;
		return say(key, got, want);
	}
	got = leef_value(&event, "fieldsOmitted");
	if (got && strtoul(got, NULL, 10) != message->shed_fields)
		return "the wrong number of fields left out";
	want = model_leef(alert->detector_id, event.delimiter, 1, 255);
	if (*want && strcmp(want, event.header[3]) != 0 && !is_odd(alert->detector_id))
		return say("event id", event.header[3], want);
	return NULL;
}

/* [id name="value" ...] of RFC 5424; values go through `want` in order of names. */
static const char *check_sd(const struct fmt_out *out, const struct fmt_alert *alert)
{
	static const char *const names[] = {"customer", "customerName", "tenantId",
		"alertId", "version", "eventNumber", "eventCount", "incidentId",
		"severity"};
	char number[16], count[16];
	const struct fmt_str number_value =
				     number_text(number, alert, alert->event_number),
			     count_value =
				     number_text(count, alert, alert->event_count);
	const struct fmt_str *values[] = {&alert->customer, &alert->customer_name,
		&alert->tenant_id, &alert->id, &alert->version, &number_value,
		&count_value, &alert->incident_id, NULL};
	const char *p = out->p, *end;
	size_t turn = 0, n;
	char *value;

	if (!out->n)
		return NULL;
	end = p + out->n;
	if (!utf8_is_clean(out->p, out->n))
		return "structured data is not clean";
	if (*p++ != '[')
		return "structured data does not begin with [";
	for (n = 0; p<end && * p> 32 && *p < 127 && !strchr("=]\"", *p); p++)
		n++;
	if (n < 3 || n > 32)
		return "wrong SD-ID";
	value = malloc(out->n + 1);
	if (!value)
		abort();
	while (p < end && *p == ' ') {
		const char *name = ++p;
		char *to = value;

		while (p<end && * p> 32 && *p < 127 && !strchr("=]\"", *p))
			p++;
		n = (size_t)(p - name);
		if (end - p < 3 || p[0] != '=' || p[1] != '"')
			goto bad;
		for (p += 2; p < end && *p != '"'; p++) {
			if (*p == ']')
				goto bad;
			if (*p == '\\') {
				p++;
				if (p == end || !strchr("\"\\]", *p))
					goto bad;
			}
			*to++ = *p;
		}
		*to = 0;
		if (p++ == end)
			goto bad;
		while (turn < 9 &&
			(strlen(names[turn]) != n || memcmp(names[turn], name, n) != 0))
			turn++;
		if (turn == 9)
			goto bad;
		if (values[turn]) {
			size_t max = turn == 3 ? 1023 : 255;
			char *want = model(*values[turn], MODEL_HEADER, max);

			if (strcmp(want, value) != 0 && !is_odd(*values[turn])) {
				say(names[turn], value, want);
				free(value);
				return wrong;
			}
		}
		turn++;
	}
	free(value);
	return end - p == 1 && *p == ']' ? NULL : "structured data does not end with ]";
bad:
	free(value);
	return "wrong structured data";
}

static const char *check_unique(yajl_val object)
{
	for (size_t i = 0; i < object->u.object.len; i++)
		for (size_t k = 0; k < i; k++)
			if (!strcmp(object->u.object.keys[i], object->u.object.keys[k]))
				return "a member is there twice";
	return NULL;
}

/* The same tree: what was only minified and repaired. */
static int is_same(yajl_val a, yajl_val b)
{
	if (a->type != b->type)
		return 0;
	switch (a->type) {
	case yajl_t_string:
		return !strcmp(a->u.string, b->u.string);
	case yajl_t_number:
		return !strcmp(a->u.number.r, b->u.number.r);
	case yajl_t_object:
		if (a->u.object.len != b->u.object.len)
			return 0;
		for (size_t i = 0; i < a->u.object.len; i++)
			if (strcmp(a->u.object.keys[i], b->u.object.keys[i]) != 0 ||
				!is_same(a->u.object.values[i], b->u.object.values[i]))
				return 0;
		return 1;
	case yajl_t_array:
		if (a->u.array.len != b->u.array.len)
			return 0;
		for (size_t i = 0; i < a->u.array.len; i++)
			if (!is_same(a->u.array.values[i], b->u.array.values[i]))
				return 0;
		return 1;
	default:
		return 1;
	}
}

static int has_surrogate(struct fmt_str s)
{
	for (size_t i = 0; i + 3 < s.n; i++)
		if (s.p[i] == '\\' && s.p[i + 1] == 'u' && (s.p[i + 2] | 32) == 'd')
			return 1;
	return 0;
}

static const char *check_raw(yajl_val sent, const struct fmt_alert *alert)
{
	char error[64], *copy;
	yajl_val raw;
	int same;

	if (!alert->raw.n || memchr(alert->raw.p, 0, alert->raw.n) ||
		has_surrogate(alert->raw))
		return NULL;
	/* What needs repair is not the same afterwards, and yajl is no strict judge of UTF-8. */
	copy = model(alert->raw, MODEL_JSON, 0);
	if (strlen(copy) != alert->raw.n ||
		memcmp(copy, alert->raw.p, alert->raw.n) != 0)
		return NULL;
	raw = yajl_tree_parse(copy, error, sizeof(error));
	if (!raw)
		return NULL;
	same = raw->type != yajl_t_object || is_same(raw, sent);
	yajl_tree_free(raw);
	return same ? NULL : "the alert is not what the vendor sent";
}

static const char *check_tree(
	yajl_val tree, const struct check *check, const struct fmt_alert *alert)
{
	const struct {
		const char *name;
		struct fmt_str value;
	} members[] = {
		{"customer", alert->customer},
		{"customerName", alert->customer_name},
		{"tenantId", alert->tenant_id},
		{"alertId", alert->id},
		{"version", alert->version},
	};
	const char *path[2] = {NULL, NULL}, *error;
	yajl_val value;

	if (tree->type != yajl_t_object)
		return "no object";
	error = check_unique(tree);
	if (error)
		return error;
	if (alert->event_count) {
		path[0] = "eventNumber";
		value = yajl_tree_get(tree, path, yajl_t_number);
		if (!value || YAJL_GET_INTEGER(value) != alert->event_number)
			return "eventNumber";
		path[0] = "eventCount";
		value = yajl_tree_get(tree, path, yajl_t_number);
		if (!value || YAJL_GET_INTEGER(value) != alert->event_count)
			return "eventCount";
	}
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		char *want = model(members[i].value, MODEL_JSON, 0);

		path[0] = members[i].name;
		value = yajl_tree_get(tree, path, yajl_t_string);
		if (!members[i].value.n && !value)
			continue;
		if (!value || strcmp(value->u.string, want) != 0)
			return say(
				members[i].name, value ? value->u.string : NULL, want);
	}
	path[0] = "alert";
	value = yajl_tree_get(tree, path, yajl_t_object);
	if (!value)
		return "no alert object";
	if (check->message.shed_fields || check->message.cut_texts)
		return NULL;
	return check_raw(value, alert);
}

const char *check_json(const struct check *check, const struct fmt_alert *alert)
{
	const struct fmt_out *body = &check->body;
	const char *error;
	char *copy, text[200];
	yajl_val tree;
	size_t cookie;

	if (body->n > body->maximum ||
		check->structured_data.n > check->structured_data.maximum)
		return "larger than the maximum";
	if (check->result == FMT_TOO_SMALL)
		return body->maximum > 600000 ? "does not fit 600 KB" : NULL;
	if (check->result != FMT_OK)
		return "rejected";
	error = check_sd(&check->structured_data, alert);
	if (error)
		return error;
	if (!utf8_is_clean(body->p, body->n))
		return "not clean UTF-8";
	copy = malloc(body->n + 1);
	if (!copy)
		abort();
	memcpy(copy, body->p, body->n);
	copy[body->n] = 0;
	cookie = strncmp(copy, "@cee: ", 6) ? 0 : 6;
	tree = yajl_tree_parse(copy + cookie, text, sizeof(text));
	if (!tree) {
		snprintf(wrong, sizeof(wrong), "no JSON: %.300s", text);
		error = wrong;
	} else {
		error = check_tree(tree, check, alert);
	}
	yajl_tree_free(tree);
	free(copy);
	return error;
}
