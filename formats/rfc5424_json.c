/* rfc5424_json.c - structured data and one JSON object on one line.
 *
 * Purpose:  [alertrelay@32473 customer="..." ...] {"customer":"...",...,"alert":{...}}
 * Shape:    the vendor's alert is copied straight to the output. Only if it does not fit, or there is
 *           none, a second path works in heap buffers.
 * Source:   RFC 5424 section 6.3, RFC 8259. */
#include <stdio.h>
#include <stdlib.h>

#include "escape.h"
#include "json_alert.h"
#include "json_text.h"
#include "registry.h"
#include "severity.h"
#include "text.h"

#define SD_TEXT_MAX 255u
#define SD_ID_MAX 1023u
#define DEFAULT_ENTERPRISE "32473" /* reserved for documentation by IANA */

struct rfc5424_json {
	char sd_id[33];
};

static char *sd_param(
	char *to, const char *name, struct fmt_str s, size_t max, unsigned *cuts)
{
	int cut;

	s = text_trim(s);
	if (!s.n)
		return to;
	cut = text_cut(&s, max);
	*cuts += (unsigned)cut;
	*to++ = ' ';
	while (*name)
		*to++ = *name++;
	*to++ = '=';
	*to++ = '"';
	to = escape_sd_value(to, s);
	if (cut) {
		memcpy(to, TEXT_MARK, TEXT_MARK_LEN);
		to += TEXT_MARK_LEN;
	}
	*to++ = '"';
	return to;
}

/* Gives 0 when not even the short form has room: then the body alone names customer and id. */
static int put_structured_data(const struct rfc5424_json *self,
	const struct fmt_alert *alert, struct fmt_message *message)
{
	char text[4 * (5 * SD_TEXT_MAX + 2 * SD_ID_MAX) + 512], *to;
	unsigned cuts = 0;

	for (int full = 1; full >= 0; full--) {
		cuts = 0;
		to = text;
		*to++ = '[';
		memcpy(to, self->sd_id, strlen(self->sd_id));
		to += strlen(self->sd_id);
		to = sd_param(to, "customer", alert->customer, SD_TEXT_MAX, &cuts);
		if (full)
			to = sd_param(to, "customerName", alert->customer_name,
				SD_TEXT_MAX, &cuts);
		to = sd_param(to, "tenantId", alert->tenant_id, SD_TEXT_MAX, &cuts);
		to = sd_param(to, "alertId", alert->id, SD_ID_MAX, &cuts);
		to = sd_param(to, "version", alert->version, SD_TEXT_MAX, &cuts);
		to = sd_param(to, "incidentId", alert->incident_id, SD_TEXT_MAX, &cuts);
		if (full)
			to = sd_param(to, "severity",
				text_str(severity_name(alert->severity)), SD_TEXT_MAX,
				&cuts);
		*to++ = ']';
		if (json_put(message->structured_data, text, (size_t)(to - text))) {
			message->cut_texts += cuts;
			return full;
		}
	}
	return 0;
}

static int put_member(struct fmt_out *out, const char *name, struct fmt_str s)
{
	return !s.n || (json_put_name(out, name) && json_put_string(out, s));
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
	       put_member(out, "version", alert->version) &&
	       json_put_name(out, "alert");
}

static enum fmt_result format_tight(
	const struct fmt_alert *alert, struct fmt_message *message)
{
	struct fmt_out *body = message->body;
	struct fmt_out envelope, object, fitted;
	struct fmt_str text;
	enum fmt_result rc = FMT_TOO_SMALL;
	size_t limit;

	json_heap_init(&envelope);
	json_heap_init(&object);
	json_heap_init(&fitted);
	if (!put_envelope(&envelope, alert))
		goto out;
	if (!(alert->raw.n ? json_compact(&object, alert->raw)
			   : json_alert_build(&object, alert)))
		goto out;
	if (body->n > body->maximum || body->maximum - body->n < envelope.n + 1)
		goto out;
	limit = body->maximum - body->n - envelope.n - 1;
	text = (struct fmt_str){object.p, object.n};
	if (text.n > limit) {
		if (!json_alert_fit(&fitted, text, limit, alert, message))
			goto out;
		text = (struct fmt_str){fitted.p, fitted.n};
	}
	if (json_room(body, envelope.n + text.n + 1) &&
		json_put(body, envelope.p, envelope.n) &&
		json_put(body, text.p, text.n) && json_put(body, "}", 1))
		rc = FMT_OK;
out:
	json_heap_free(&envelope);
	json_heap_free(&object);
	json_heap_free(&fitted);
	return rc;
}

static enum fmt_result rfc5424_json_format(
	void *self, const struct fmt_alert *alert, struct fmt_message *message)
{
	struct fmt_out *body = message->body;
	size_t start = body->n;
	enum fmt_result rc = FMT_OK;

	if (!alert->raw.n || !put_envelope(body, alert) ||
		!json_copy(body, alert->raw) || !json_put(body, "}", 1)) {
		body->n = start;
		rc = format_tight(alert, message);
	}
	if (rc == FMT_OK && message->structured_data &&
		!put_structured_data(self, alert, message))
		message->shed_fields++;
	return rc;
}

static const struct fmt_option_info rfc5424_json_options[] = {
	{"enterprise_id", DEFAULT_ENTERPRISE,
		"the private enterprise number in the name of the structured data"},
	{NULL, NULL, NULL},
};

static int read_enterprise(
	struct rfc5424_json *self, const char *value, char *error, size_t error_size)
{
	size_t n = strspn(value, "0123456789");

	if (value[n] || !n || n > 10 || value[0] == '0') {
		snprintf(error, error_size,
			"rfc5424-json: enterprise_id is \"%.40s\", but must be a "
			"number of 1 to "
			"10 digits without leading zeros",
			value);
		return 0;
	}
	snprintf(self->sd_id, sizeof(self->sd_id), "alertrelay@%.10s", value);
	return 1;
}

static void rfc5424_json_close(void *self)
{
	free(self);
}

static void *rfc5424_json_open(
	const struct fmt_option *options, size_t count, char *error, size_t error_size)
{
	struct rfc5424_json *self = calloc(1, sizeof(*self));
	int ok;

	if (!self) {
		snprintf(error, error_size, "rfc5424-json: out of memory");
		return NULL;
	}
	ok = read_enterprise(self, DEFAULT_ENTERPRISE, error, error_size);
	for (size_t i = 0; ok && i < count; i++) {
		if (strcmp(options[i].name, "enterprise_id") != 0) {
			snprintf(error, error_size,
				"rfc5424-json: there is no option \"%.40s\"; it takes "
				"enterprise_id",
				options[i].name);
			ok = 0;
		} else {
			ok = read_enterprise(self, options[i].value, error, error_size);
		}
	}
	if (ok)
		return self;
	free(self);
	return NULL;
}

const struct fmt_module rfc5424_json_module = {
	.abi_version = FMT_ABI,
	.struct_size = sizeof(struct fmt_module),
	.name = "rfc5424-json",
	.help = "RFC 5424 structured data, and the vendor's alert as one JSON object",
	.options = rfc5424_json_options,
	.open = rfc5424_json_open,
	.format = rfc5424_json_format,
	.close = rfc5424_json_close,
};
