/* json_body.c - the JSON object of the formats json and rfc5424-json. */
#include "json_body.h"

#include <inttypes.h>
#include <stdio.h>

#include "json_alert.h"
#include "json_text.h"
#include "json_tight.h"
#include "text.h"

static int put_member(struct fmt_out *out, const char *name, struct fmt_str s)
{
	return !s.n || (json_put_name(out, name) && json_put_string(out, s));
}

/* Which of the alert's messages this is. */
static int put_event(struct fmt_out *out, const struct fmt_alert *alert)
{
	char text[64];
	int n = snprintf(text, sizeof(text),
		",\"eventNumber\":%" PRIu32 ",\"eventCount\":%" PRIu32,
		alert->event_number, alert->event_count);

	return !alert->event_count || json_put(out, text, (size_t)n);
}

/* All up to the alert itself. */
static int put_envelope(struct fmt_out *out, const struct fmt_alert *alert)
{
	struct fmt_str source = {NULL, 0}, kind = {NULL, 0};

	if (alert->source)
		source = text_str(alert->source);
	if (alert->kind && strcmp(alert->kind, "alert") != 0)
		kind = text_str(alert->kind);
	return json_put(out, "{\"relay\":\"alertrelay\"", 21) &&
	       put_member(out, "customer", alert->customer) &&
	       put_member(out, "customerName", alert->customer_name) &&
	       put_member(out, "tenantId", alert->tenant_id) &&
	       put_member(out, "source", source) && put_member(out, "kind", kind) &&
	       put_member(out, "alertId", alert->id) &&
	       put_member(out, "version", alert->version) && put_event(out, alert) &&
	       json_put_name(out, "alert");
}

static const struct json_shedding shedding = {
	{"evidenceOmitted", "fieldsOmitted"}, json_alert_why, JSON_ALERT_OPTIONAL};

static int write_whole(struct fmt_out *whole, struct json_fit *fit, const void *self,
	const struct fmt_alert *alert)
{
	size_t at;

	(void)self;
	if (!put_envelope(whole, alert))
		return 0;
	at = whole->n;
	return (alert->raw.n ? json_compact(whole, alert->raw)
			     : json_alert_build(whole, alert)) &&
	       json_put(whole, "}", 1) &&
	       json_alert_parts(fit, (struct fmt_str){whole->p, whole->n}, at, alert);
}

enum fmt_result json_body(const struct field_json *fields,
	const struct fmt_alert *alert, struct fmt_message *message)
{
	struct fmt_out *body = message->body;
	size_t start = body->n;

	if (!fields->count && alert->raw.n && put_envelope(body, alert) &&
		json_copy(body, alert->raw) && json_put(body, "}", 1))
		return json_written(message, start);
	body->n = start;
	return json_write_tight(message, write_whole, NULL, alert, fields, &shedding);
}

int json_body_fields(struct field_json *fields, const char *format,
	const struct fmt_rule *rules, size_t count, fmt_wrong *wrong, void *context)
{
	static const struct field_json_own own[] = {
		{"relay", 1},
		{"customer", 1},
		{"customerName", 0},
		{"tenantId", 1},
		{"source", 0},
		{"kind", 0},
		{"alertId", 1},
		{"version", 1},
		{"alert", 1},
		{"alert.id", 1},
		{NULL, 0},
	};

	return field_json_read(
		fields, format, own, shedding.notes, rules, count, wrong, context);
}
