#include "config.h"

#include "relay/message.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/strbuf.h"

static struct fmt_str text(const char *s)
{
	return (struct fmt_str){s, strlen(s)};
}

void message_prepare(struct fmt_alert *alert, const struct config_tenant *tenant,
	uint64_t version, struct message *message)
{
	alert_version_text(version, message->version);
	alert->version = text(message->version);
	alert->customer = text(tenant->key);
	alert->customer_name = text(tenant->display_name);
	if (!alert->tenant_id.n && tenant->tenant_id)
		alert->tenant_id = text(tenant->tenant_id);
	message->fields = (struct syslog_fields){.severity = alert->severity,
		.time = alert->updated != NO_TIME ? alert->updated : alert->created,
		.customer = alert->customer,
		.msgid = alert->kind ? alert->kind : "alert"};
}

static void stub_make(struct stub *stub, const struct config_tenant *tenant,
	const char *source, const char *title, struct fmt_str what, int64_t time)
{
	char digest[ALERT_NOID_LENGTH];
	struct strbuf key;

	strbuf_init(&key, 4096);
	strbuf_addf(&key, "%s/%s/", tenant->tenant_id, source);
	strbuf_add(&key, what.p, what.n < 2048 ? what.n : 2048);
	alert_noid(key.p, key.n, digest);
	strbuf_clear(&key);
	snprintf(stub->id, sizeof(stub->id), STUB_PREFIX "%.32s", digest + 5);
	stub->alert = (struct fmt_alert){.struct_size = sizeof(stub->alert),
		.source = source,
		.id = text(stub->id),
		.title = text(title),
		.description = text(stub->description),
		.recommended_actions =
			text("Look for it in the customer's Defender portal."),
		.category = text("alertrelay"),
		.severity = FMT_SEVERITY_INFORMATIONAL,
		.severity_text = text("informational"),
		.service_source = text("alertrelay"),
		.created = time,
		.updated = time,
		.resolved = NO_TIME,
		.first_activity = NO_TIME,
		.last_activity = NO_TIME};
	message_prepare(&stub->alert, tenant, 0, &stub->message);
}

void stub_unread(struct stub *stub, const struct config_tenant *tenant,
	const char *source, int64_t second, const struct error *why)
{
	char from[TIME_TEXT], to[TIME_TEXT];

	(void)time_format(second, 0, from);
	(void)time_format(second + TICKS_PER_S, 0, to);
	snprintf(stub->description, sizeof(stub->description),
		"Of tenant %.100s, source %s, an alert last updated from %s to %s "
		"cannot be read, while others can: %.550s",
		tenant->key, source, from, to, why->text);
	stub_make(stub, tenant, source, "alertrelay: an alert could not be read",
		text(from), second);
}

void stub_unwritten(struct stub *stub, const struct config_tenant *tenant,
	const char *source, const struct fmt_alert *alert, const char *destination,
	const struct error *why)
{
	char id[220];

	snprintf(stub->description, sizeof(stub->description),
		"The alert %s of tenant %.100s (source %s) cannot be written in the "
		"format of destination %.60s: %.500s",
		log_quote(id, sizeof(id), alert->id.p, alert->id.n), tenant->key,
		source, destination, why->text);
	stub_make(stub, tenant, source, "alertrelay: an alert could not be written",
		alert->id, alert->updated != NO_TIME ? alert->updated : alert->created);
	if (alert->id.n < 200)
		stub->alert.provider_alert_id = alert->id;
}
