#include "config.h"

#include "relay/filter.h"

#include <string.h>
#include <strings.h>

static bool listed(const struct config_list *list, struct fmt_str value)
{
	for (size_t i = 0; i < list->count; i++)
		if (strlen(list->items[i]) == value.n && value.n &&
			strncasecmp(list->items[i], value.p, value.n) == 0)
			return true;
	return false;
}

static bool passes(const struct config_list *list, struct fmt_str value)
{
	return !list->count || listed(list, value);
}

static bool category_passes(
	const struct config_list *list, const struct fmt_alert *alert)
{
	bool found = passes(list, alert->category);

	for (size_t i = 0; !found && i < alert->categories.count; i++)
		found = listed(list, alert->categories.items[i]);
	return found;
}

static bool device_passes(const struct config_list *list, const struct fmt_alert *alert,
	enum fmt_field_id id)
{
	if (!list->count)
		return true;
	for (size_t i = 0; i < alert->evidence_count; i++) {
		const struct fmt_evidence *e = &alert->evidence[i];

		for (size_t j = 0; e->kind == FMT_KIND_DEVICE && j < e->field_count;
			j++)
			if (e->fields[j].id == (uint32_t)id &&
				listed(list, e->fields[j].value))
				return true;
	}
	return false;
}

bool filter_passes(const struct config_feed *config, const struct fmt_alert *alert)
{
	return (alert->severity == FMT_SEVERITY_UNKNOWN ||
		       alert->severity >= config->min_severity) &&
	       passes(&config->service_sources, alert->service_source) &&
	       passes(&config->detection_sources, alert->detection_source) &&
	       passes(&config->statuses, alert->status) &&
	       category_passes(&config->categories, alert) &&
	       device_passes(&config->device_groups, alert, FMT_DEVICE_GROUP) &&
	       device_passes(&config->device_tags, alert, FMT_TAG);
}

/* `property eq 'a' or property eq 'b'`, quotes doubled. */
static void add_list(struct strbuf *out, const char *property, const char *const *items,
	size_t count)
{
	if (!property || !count)
		return;
	strbuf_adds(out, out->n ? " and (" : "(");
	for (size_t i = 0; i < count; i++) {
		strbuf_addf(out, "%s%s eq '", i ? " or " : "", property);
		for (const char *p = items[i]; *p; p++)
			strbuf_adds(out, *p == '\'' ? "''" : (char[2]){*p});
		strbuf_addc(out, '\'');
	}
	strbuf_addc(out, ')');
}

void filter_query(const struct config_feed *config, const struct source *source,
	struct strbuf *out)
{
	/* The unnamed severity first: it always passes. */
	static const char *const severities[] = {
		"unknown", "informational", "low", "medium", "high"};
	const char *wanted[5] = {severities[0]};
	size_t count = 1;

	strbuf_reset(out);
	for (int i = config->min_severity; i <= FMT_SEVERITY_HIGH; i++)
		wanted[count++ % 5] = severities[i];
	if (config->min_severity > FMT_SEVERITY_INFORMATIONAL)
		add_list(out, source->filters.severity, wanted, count);
	add_list(out, source->filters.status, config->statuses.items,
		config->statuses.count);
}
