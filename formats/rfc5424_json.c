/* rfc5424_json.c - structured data and one JSON object on one line.
 *
 * Purpose:  [alertrelay@32473 customer="..." ...] {"customer":"...",...,"alert":{...}}
 * Source:   RFC 5424 section 6.3, RFC 8259. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "escape.h"
#include "json_alert.h"
#include "json_body.h"
#include "json_text.h"
#include "registry.h"
#include "severity.h"
#include "text.h"

#define SD_TEXT_MAX 255u
#define SD_ID_MAX 1023u
#define DEFAULT_ENTERPRISE "32473" /* reserved for documentation by IANA */

struct rfc5424_json {
	char sd_id[33];
	struct field_json fields;
};

struct sd_param {
	const char *name;
	struct fmt_str value;
	size_t max;
	int is_optional; /* goes when there is little room */
};

#define SD_PARAMS 9

static char *put_value(char *to, const struct sd_param *param, int *cut)
{
	struct fmt_str s = param->value;

	*cut = text_cut(&s, param->max);
	to = escape_sd_value(to, s);
	if (*cut) {
		memcpy(to, TEXT_MARK, TEXT_MARK_LEN);
		to += TEXT_MARK_LEN;
	}
	return to;
}

static char *put_param(char *to, const struct sd_param *param, unsigned *cuts)
{
	const char *name = param->name;
	int cut;

	*to++ = ' ';
	while (*name)
		*to++ = *name++;
	*to++ = '=';
	*to++ = '"';
	to = put_value(to, param, &cut);
	*cuts += (unsigned)cut;
	*to++ = '"';
	return to;
}

/* full: 0 when what is optional was left out, -1 when all was. */
static __attribute__((noinline, cold)) void tell_params(
	const struct sd_param *params, int full, struct fmt_trace *trace)
{
	char text[4 * SD_ID_MAX + ESCAPE_BLOCK + TEXT_MARK_LEN];

	for (size_t i = 0; i < SD_PARAMS; i++) {
		const struct sd_param *param = &params[i];
		struct fmt_told told = {.key = text_str(param->name),
			.value.p = text,
			.structured_data = 1};
		int cut;

		if (!param->value.n)
			continue;
		told.value.n = (size_t)(put_value(text, param, &cut) - text);
		if (full < param->is_optional) {
			told.fate = FMT_SHED;
			told.why = "the structured data have no room for it: they get "
				   "half of a message";
		} else if (cut) {
			told.fate = FMT_CUT;
			told.why = "that is what structured data hold of it";
			told.from = param->value.n;
			told.to = told.value.n;
			trace->tell(trace, &told);
			told.fate = FMT_WRITTEN;
			told.why = NULL;
		}
		trace->tell(trace, &told);
	}
}

static struct fmt_str number(char room[16], uint32_t n)
{
	return (struct fmt_str){
		room, n ? (size_t)snprintf(room, 16, "%" PRIu32, n) : 0};
}

/* Gives 0 when not even the short form has room: then the body alone names customer and id. */
static int put_structured_data(const struct rfc5424_json *self,
	const struct fmt_alert *alert, struct fmt_message *message)
{
	char text[4 * (5 * SD_TEXT_MAX + 2 * SD_ID_MAX) + 512], *to;
	char digits[2][16];
	unsigned cuts = 0;
	struct sd_param params[SD_PARAMS] = {
		{"customer", alert->customer, SD_TEXT_MAX, 0},
		{"customerName", alert->customer_name, SD_TEXT_MAX, 1},
		{"tenantId", alert->tenant_id, SD_TEXT_MAX, 0},
		{"alertId", alert->id, SD_ID_MAX, 0},
		{"version", alert->version, SD_TEXT_MAX, 0},
		{"eventNumber", number(digits[0], alert->event_number), SD_TEXT_MAX, 0},
		{"eventCount", number(digits[1], alert->event_count), SD_TEXT_MAX, 0},
		{"incidentId", alert->incident_id, SD_TEXT_MAX, 0},
		{"severity", text_str(severity_name(alert->severity)), SD_TEXT_MAX, 1},
	};
	int full;

	for (size_t i = 0; i < SD_PARAMS; i++)
		params[i].value = text_trim(params[i].value);
	for (full = 1; full >= 0; full--) {
		cuts = 0;
		to = text;
		*to++ = '[';
		memcpy(to, self->sd_id, strlen(self->sd_id));
		to += strlen(self->sd_id);
		for (size_t i = 0; i < SD_PARAMS; i++)
			if (params[i].value.n && full >= params[i].is_optional)
				to = put_param(to, &params[i], &cuts);
		*to++ = ']';
		if (json_put(message->structured_data, text, (size_t)(to - text))) {
			message->cut_texts += cuts;
			break;
		}
	}
	if (message->trace)
		tell_params(params, full, message->trace);
	return full > 0;
}

static enum fmt_result rfc5424_json_format(
	void *self, const struct fmt_alert *alert, struct fmt_message *message)
{
	const struct rfc5424_json *own = self;
	enum fmt_result rc = json_body(&own->fields, alert, message);

	if (rc == FMT_OK && message->structured_data &&
		!put_structured_data(own, alert, message))
		message->shed_fields++;
	return rc;
}

static int rfc5424_json_fields(void *self, const struct fmt_rule *rules, size_t count,
	fmt_wrong *wrong, void *context)
{
	struct rfc5424_json *own = self;

	return json_body_fields(
		&own->fields, "rfc5424-json", rules, count, wrong, context);
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
	.fields = rfc5424_json_fields,
};
