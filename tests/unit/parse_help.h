/* parse_help.h - for tests that look at parsed alerts: read a sample, write an alert as text. */
#ifndef UNIT_PARSE_HELP_H
#define UNIT_PARSE_HELP_H

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "fetch/page_parser.h"
#include "fetch/source.h"
#include "sample.h"

static inline void write_str(struct strbuf *out, const char *name, struct fmt_str s)
{
	if (s.n) {
		(void)strbuf_addf(out, "%s=", name);
		(void)strbuf_add(out, s.p, s.n);
		(void)strbuf_addc(out, '\n');
	}
}

static inline void write_time(struct strbuf *out, const char *name, int64_t ticks)
{
	if (ticks != FMT_NO_TIME)
		(void)strbuf_addf(out, "%s=%" PRId64 "\n", name, ticks);
}

static inline void write_list(
	struct strbuf *out, const char *name, struct fmt_list list)
{
	for (size_t i = 0; i < list.count; i++)
		write_str(out, name, list.items[i]);
}

static inline long evidence_number(
	const struct fmt_alert *a, const struct fmt_evidence *e)
{
	return e ? (long)(e - a->evidence) : -1;
}

/* Everything that a formatter can see, or all but the raw JSON. */
static inline void alert_write(struct strbuf *out, const struct fmt_alert *a, bool raw)
{
	static const char *const names[] = {
#define FMT_FIELD(id, name) name,
		"",
#include "formats/fields.def"
#undef FMT_FIELD
	};

	(void)strbuf_addf(out, "source=%s size=%u severity=%d\n", a->source,
		a->struct_size, (int)a->severity);
	write_str(out, "kind", (struct fmt_str){a->kind, strlen(a->kind)});
	write_str(out, "customer", a->customer);
	write_str(out, "customer_name", a->customer_name);
	write_str(out, "version", a->version);
#define S(member) write_str(out, #member, a->member)
	S(tenant_id), S(id), S(provider_alert_id), S(incident_id), S(title),
		S(description);
	S(recommended_actions), S(category), S(severity_text), S(status),
		S(classification);
	S(determination), S(assigned_to), S(investigation_state), S(service_source);
	S(detection_source), S(product_name), S(detector_id), S(alert_policy_id),
		S(actor);
	S(threat_name), S(threat_family), S(alert_url), S(incident_url);
	S(redirect_incident_id), S(investigation_id), S(external_id), S(indicator_id);
	S(summary), S(resolving_comment), S(last_modified_by), S(priority_score);
	if (raw)
		S(custom_details), S(additional_data), S(raw);
#undef S
	write_list(out, "categories", a->categories);
	write_list(out, "techniques", a->mitre_techniques);
	write_list(out, "tags", a->system_tags);
	write_list(out, "custom_tags", a->custom_tags);
	write_time(out, "created", a->created);
	write_time(out, "updated", a->updated);
	write_time(out, "resolved", a->resolved);
	write_time(out, "first", a->first_activity);
	write_time(out, "last", a->last_activity);
	for (size_t i = 0; i < a->comment_count; i++) {
		write_str(out, "comment", a->comments[i].text);
		write_str(out, " by", a->comments[i].author);
		write_time(out, " at", a->comments[i].created);
	}
	for (size_t i = 0; i < a->evidence_count; i++) {
		const struct fmt_evidence *e = &a->evidence[i];

		(void)strbuf_addf(out, "evidence %zu kind %d ", i, (int)e->kind);
		write_str(out, "type", e->type);
		write_time(out, " created", e->created);
		for (size_t k = 0; k < e->field_count; k++)
			write_str(out, names[e->fields[k].id], e->fields[k].value);
		if (raw)
			write_str(out, " raw", e->raw);
	}
	for (int kind = 0; kind < FMT_KINDS; kind++)
		(void)strbuf_addf(out, "%ld ", evidence_number(a, a->primary[kind]));
	(void)strbuf_addf(out, "source_ip %ld destination_ip %ld\n",
		evidence_number(a, a->source_ip),
		evidence_number(a, a->destination_ip));
}

#endif
