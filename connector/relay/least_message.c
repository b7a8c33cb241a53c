#include "config.h"

#include "relay/least_message.h"

#include <string.h>

#include "base/clock.h"
#include "base/strbuf.h"

#define ROOMY 65536
#define STEP 256 /* the answer is a multiple of it */
#define NOTES 128 /* what a formatter keeps for telling of what it left out */

#define GUID "11111111-2222-3333-4444-555555555555"
#define ID "da123456789012345678_-1234567890"
#define INCIDENT "1234567"
#define LINK "https://security.microsoft.com/alerts/" ID "?tid=" GUID
#define TIME "2026-01-05T09:00:00.1234567Z"
#define TITLE "Email messages with a malicious URL were removed after delivery"

static const char raw[] =
	"{\"id\":\"" ID "\",\"providerAlertId\":\"" ID "\",\"incidentId\":\"" INCIDENT
	"\",\"status\":\"inProgress\",\"severity\":\"medium\",\"tenantId\":\"" GUID
	"\",\"title\":\"" TITLE "\",\"alertWebUrl\":\"" LINK
	"\",\"incidentWebUrl\":\"" LINK "\",\"createdDateTime\":\"" TIME
	"\",\"lastUpdateDateTime\":\"" TIME "\"}";

static struct fmt_str text(const char *s)
{
	return (struct fmt_str){s, strlen(s)};
}

/* The message, or its body alone; nothing when the options cannot be used. */
static bool example_message(const struct destination_options *options, bool wire,
	struct strbuf *message, struct error *err)
{
	struct fmt_alert alert = {.struct_size = sizeof(alert),
		.source = "graph-alerts",
		.customer = text("customer"),
		.customer_name = text("customer"),
		.tenant_id = text(GUID),
		.id = text(ID),
		.version = text("0123456789abcdef"),
		.incident_id = text(INCIDENT),
		.title = text(TITLE),
		.detector_id = text(GUID),
		.alert_url = text(LINK),
		.incident_url = text(LINK),
		.created = 0,
		.updated = 0,
		.resolved = NO_TIME,
		.first_activity = NO_TIME,
		.last_activity = NO_TIME,
		.raw = text(raw)};
	const struct syslog_fields fields = {
		.time = 0, .customer = alert.customer, .msgid = "alert"};
	struct destination_options roomy = *options;

	if (options->events == EVENTS_EVIDENCE)
		alert.event_number = alert.event_count = 1000;
	roomy.max_message_bytes = ROOMY;
	roomy.framing = FRAMING_LF;
	strbuf_init(message, 2 * ROOMY);
	if (destination_render(&roomy, &alert, &fields, wire, &clock_system, message,
		    err) == RC_OK)
		return true;
	strbuf_reset(message);
	return false;
}

size_t least_message(const struct destination_options *options, struct error *err)
{
	struct strbuf message;
	size_t n = 0;

	if (example_message(options, true, &message, err))
		n = (message.n + NOTES + STEP - 1) / STEP * STEP;
	strbuf_clear(&message);
	return n;
}

struct example example_body(const struct destination_options *options)
{
	static const char *const begins[] = {[BODY_OTHER] = "",
		[BODY_CEF] = "CEF:",
		[BODY_LEEF] = "LEEF:",
		[BODY_JSON] = "{",
		[BODY_CEE] = "@cee:"};
	struct example example = {BODY_OTHER, false};
	struct strbuf message;

	(void)example_message(options, false, &message, NULL);
	for (int i = BODY_CEF; message.n && i <= BODY_CEE; i++)
		if (!strncmp(message.p, begins[i], strlen(begins[i])))
			example.body = i;
	example.tab = message.n && memchr(message.p, '\t', message.n);
	strbuf_clear(&message);
	return example;
}
