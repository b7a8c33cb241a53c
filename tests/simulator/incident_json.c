/* incident_json.c - an incident as Graph and Microsoft 365 Defender write it. */
#include "config.h"

#include "service.h"

#include <stdlib.h>
#include <string.h>

/* Texts as people and products leave them in names and comments. */
static const char *const nasty[] = {"", " | a=b \\ c",
	" \xe2\x80\x93 K\xc3\xb6ln & Z\xc3\xbcrich \xf0\x9f\x94\xa5",
	" \"quoted\"\r\n<134>1 forged", " \xe6\x97\xa5\xe6\x9c\xac ] CEF:0|x|y",
	" \xe2\x80\x8b\xe2\x80\xa8 end", "\t(1)", " ${jndi:ldap://x}"};

static uint64_t key_of(const struct view *v, const struct record *r)
{
	return generate_mix(generate_mix(v->tenant->number, r->n), 0x6e616d65);
}

static void put_name(struct text *out, const struct view *v, const struct record *r)
{
	static const char *const names[] = {
		"Multi-stage incident involving Initial access & Command and control",
		"Ransomware activity", "'Mimikatz' hacktool was detected",
		"Email reported by user as malware or phish"};
	uint64_t k = key_of(v, r);
	struct text name = {0};
	text_printf(&name, "%s on %u endpoints%s", names[k & 3],
		(unsigned)(k >> 8 & 15), nasty[k >> 16 & 7]);
	text_json_part(out, name.p, name.n, false);
	text_clear(&name);
}

static void put_time(struct text *out, const char *name, int64_t at)
{
	char when[MOMENT_SIZE];
	moment_format(when, at);
	text_printf(out, ",\"%s\":\"%s\"", name, when);
}

static void put_member(struct text *out, const char *name, const char *value)
{
	text_printf(out, ",\"%s\":", name);
	text_json(out, value, false);
}

static void put_comment(
	struct text *out, const struct view *v, const struct record *r, bool old_names)
{
	char when[MOMENT_SIZE];
	uint64_t k = key_of(v, r);
	text_puts(out, ",\"comments\":[");
	if (k >> 32 & 1) {
		moment_format(when, r->created);
		text_puts(out, "{\"comment\":");
		text_json(out, nasty[k >> 24 & 7], false);
		text_printf(out, ",\"%s\":\"DavidS@contoso.example\",\"%s\":\"%s\"}",
			old_names ? "createdBy" : "createdByDisplayName",
			old_names ? "createdTime" : "createdDateTime", when);
	}
	text_putc(out, ']');
}

static void put_tags(struct text *out, const char *name, const struct view *v,
	const struct record *r)
{
	text_printf(out, ",\"%s\":%s", name,
		key_of(v, r) >> 36 & 1 ? "[\"Kunde-\xc3\x84\",\"a|b=c\"]" : "[]");
}

void shape_graph_incident(
	struct text *out, const struct view *v, const struct record *r, unsigned part)
{
	const struct incident *i = (const struct incident *)r;
	const struct version *now = &r->now;
	const char *status = now->status;
	uint64_t k = key_of(v, r);
	(void)part;
	if (status && !v->all_members && schema_is_late(ENUM_INCIDENT_STATUS, status))
		status = "unknownFutureValue";
	text_puts(out, "{");
	if (k >> 40 & 1)
		text_puts(
			out, "\"@odata.type\":\"#microsoft.graph.security.incident\",");
	text_printf(out, "\"id\":\"%u\",\"tenantId\":\"%s\"", r->n, v->tenant->id);
	put_member(out, "status", status);
	text_printf(out,
		",\"incidentWebUrl\":\"https://security.microsoft.com/%s%u%s?tid=%s\"",
		k >> 41 & 1 ? "incident2/" : "incidents/", r->n,
		k >> 41 & 1 ? "/overview" : "", v->tenant->id);
	if (i->redirect)
		text_printf(out, ",\"redirectIncidentId\":\"%u\"", i->redirect);
	else
		text_puts(out, ",\"redirectIncidentId\":null");
	text_puts(out, ",\"displayName\":\"");
	put_name(out, v, r);
	text_putc(out, '"');
	put_time(out, "createdDateTime", r->created);
	put_time(out, "lastUpdateDateTime", now->updated);
	put_member(out, "assignedTo", now->assigned_to);
	put_member(out, "classification", now->classification);
	put_member(out, "determination", now->determination);
	put_member(out, "severity", now->severity);
	put_tags(out, "customTags", v, r);
	text_puts(out, ",\"systemTags\":[]");
	put_member(out, "description", k >> 42 & 1 ? nasty[k >> 28 & 7] : NULL);
	put_member(out, "lastModifiedBy",
		r->old_count ? "Microsoft 365 Defender-AlertCorrelation" : NULL);
	text_puts(out, ",\"resolvingComment\":null");
	put_member(out, "summary", k >> 43 & 1 ? "Alerts, one user." : NULL);
	if (k >> 44 & 1)
		text_printf(out, ",\"priorityScore\":%u", (unsigned)(k >> 48) % 101);
	else
		text_puts(out, ",\"priorityScore\":null");
	put_comment(out, v, r, k >> 45 & 1);
	if (v->expanded) {
		text_puts(out, ",\"alerts\":[");
		for (size_t n = 0; n < i->count; n++) {
			if (n)
				text_putc(out, ',');
			tenant_write_alert(
				out, v->world, v->tenant, i->alerts[n], v->all_members);
		}
		text_putc(out, ']');
	}
	text_putc(out, '}');
}

/* Null keys are left out; unknown verdicts have words of their own. */
static void put_word(
	struct text *out, const char *name, const char *member, const char *unknown)
{
	text_printf(out, ",\"%s\":", name);
	if (!member || !strcmp(member, "unknown"))
		text_json(out, unknown, false);
	else
		shape_capital(out, member);
}

void shape_m365d_incident(
	struct text *out, const struct view *v, const struct record *r, unsigned part)
{
	const struct incident *i = (const struct incident *)r;
	const struct version *now = &r->now;
	const char *status = now->status;
	(void)part;
	if (status && !strcmp(status, "awaitingAction"))
		status = "active";
	text_printf(out,
		"{\"incidentId\":%u,\"incidentUri\":"
		"\"https://security.microsoft.com/incidents/%u?tid=%s\"",
		r->n, r->n, v->tenant->id);
	if (i->redirect)
		text_printf(out, ",\"redirectIncidentId\":%u", i->redirect);
	text_puts(out, ",\"incidentName\":\"");
	put_name(out, v, r);
	text_putc(out, '"');
	put_time(out, "createdTime", r->created);
	put_time(out, "lastUpdateTime", now->updated);
	if (now->assigned_to)
		put_member(out, "assignedTo", now->assigned_to);
	put_word(out, "classification", now->classification, "Unknown");
	put_word(out, "determination", now->determination, "NotAvailable");
	put_word(out, "status", status, "Active");
	put_word(out, "severity", now->severity, "UnSpecified");
	put_tags(out, "tags", v, r);
	put_comment(out, v, r, true);
	text_puts(out, ",\"alerts\":[");
	for (size_t n = 0; n < i->count; n++) {
		if (n)
			text_putc(out, ',');
		shape_m365d_alert(out, v, i->alerts[n]);
	}
	text_puts(out, "]}");
}
