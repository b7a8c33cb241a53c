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

/* As the API writes it, or NULL. */
static const char *status_of(const struct source_filters *filters, const char *status)
{
	for (size_t i = 0; filters->statuses[i]; i++)
		if (strcasecmp(filters->statuses[i], status) == 0)
			return filters->statuses[i];
	return NULL;
}

/* Nothing when the API would not know one of them. */
static void add_statuses(struct strbuf *out, const struct source_filters *filters,
	const struct config_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (!status_of(filters, list->items[i]))
			return;
	if (!list->count)
		return;
	strbuf_adds(out, out->n ? " and (" : "(");
	for (size_t i = 0; i < list->count; i++)
		strbuf_addf(out, "%s%s eq '%s'", i ? " or " : "", filters->status,
			status_of(filters, list->items[i]));
	strbuf_addc(out, ')');
}

void filter_query(const struct config_feed *config, const struct source *source,
	struct strbuf *out)
{
	const struct source_filters *filters = &source->filters;

	strbuf_reset(out);
	/* The alerts that a row brings along have a status of their own. */
	if (source->table->nested && config->expand)
		return;
	/* Not what is wanted but what is not: a severity that nobody here knows passes. */
	for (int i = FMT_SEVERITY_INFORMATIONAL;
		filters->severity && i < (int)config->min_severity; i++)
		strbuf_addf(out, "%s%s ne '%s'", out->n ? " and " : "",
			filters->severity,
			filters->severities[i - FMT_SEVERITY_INFORMATIONAL]);
	if (filters->status)
		add_statuses(out, filters, &config->statuses);
}
