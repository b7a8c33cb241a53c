/* json_body.c - the JSON object of the formats json and rfc5424-json. */
#include "json_body.h"

#include <inttypes.h>
#include <stdio.h>

#include "json_alert.h"
#include "json_tell.h"
#include "json_text.h"
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

static const char *const notes[2] = {"evidenceOmitted", "fieldsOmitted"};

static enum fmt_result format_tight(const struct field_json *fields,
	const struct fmt_alert *alert, struct fmt_message *message)
{
	struct fmt_out *body = message->body, whole, fitted;
	struct json_fit fit = {.evidence_note = notes[0],
		.field_note = notes[1],
		.why = json_alert_why};
	struct fmt_str text;
	enum fmt_result rc = FMT_TOO_SMALL;
	size_t limit = body->maximum > body->n ? body->maximum - body->n : 0, at;

	json_heap_init(&whole);
	json_heap_init(&fitted);
	if (!put_envelope(&whole, alert))
		goto out;
	at = whole.n;
	if (!(alert->raw.n ? json_compact(&whole, alert->raw)
			   : json_alert_build(&whole, alert)) ||
		!json_put(&whole, "}", 1))
		goto out;
	text = (struct fmt_str){whole.p, whole.n};
	if ((text.n > limit || fields->count) &&
		!json_alert_parts(&fit, text, at, alert))
		goto out;
	if (fields->count) {
		if (!field_json_apply(fields, alert, &whole, 0, &fit,
			    JSON_ALERT_OPTIONAL, message))
			goto out;
		text = (struct fmt_str){whole.p, whole.n};
	}
	if (text.n > limit) {
		if (!json_fit_write(&fit, &fitted, text, limit, message))
			goto out;
		text = (struct fmt_str){fitted.p, fitted.n};
	}
	if (json_put(body, text.p, text.n))
		rc = FMT_OK;
	if (rc == FMT_OK && message->trace)
		json_tell(message->trace, (struct fmt_str){whole.p, whole.n}, &fit);
out:
	json_fit_clear(&fit);
	json_heap_free(&whole);
	json_heap_free(&fitted);
	return rc;
}

enum fmt_result json_body(const struct field_json *fields,
	const struct fmt_alert *alert, struct fmt_message *message)
{
	struct fmt_out *body = message->body;
	size_t start = body->n;

	if (!fields->count && alert->raw.n && put_envelope(body, alert) &&
		json_copy(body, alert->raw) && json_put(body, "}", 1)) {
		if (message->trace)
			json_tell(message->trace,
				(struct fmt_str){body->p + start, body->n - start},
				NULL);
		return FMT_OK;
	}
	body->n = start;
	return format_tight(fields, alert, message);
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
		fields, format, own, notes, rules, count, wrong, context);
}
