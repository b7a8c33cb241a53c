#include "config.h"

#include "fetch/source.h"

#include <string.h>

#include "base/clock.h"

static const struct source *const sources[] = {
	&source_graph_alerts,
	&source_graph_incidents,
	&source_mde_alerts,
	&source_m365d_incidents,
	&source_siem,
};

const struct source *source_at(size_t i)
{
	return i < sizeof(sources) / sizeof(sources[0]) ? sources[i] : NULL;
}

const struct source *source_find(const char *name)
{
	const struct source *source;

	for (size_t i = 0; (source = source_at(i)); i++)
		if (strcmp(source->name, name) == 0)
			return source;
	return NULL;
}

struct alert_map *source_map_new(const struct source *source, struct error *err)
{
	return alert_map_new(source->name, source->table, err);
}

enum rc source_url_begin(const char *root, const char *path,
	const struct source_range *range, struct strbuf *url, struct error *err)
{
	size_t n = strlen(root);

	if (range->from >= range->to)
		return error_set(err, RC_CONFIG,
			"the time range of a request is empty or turned around");
	while (n && root[n - 1] == '/')
		n--;
	strbuf_reset(url);
	(void)strbuf_add(url, root, n);
	(void)strbuf_adds(url, path);
	return RC_OK;
}

enum rc source_url_end(const struct strbuf *url, struct error *err)
{
	if (url->full)
		return error_set(err, RC_LIMIT,
			"the URL of a request is longer than %zu octets", url->maximum);
	return RC_OK;
}

/* Blanks must be %20; ':' and '$' may stand in a query as they are (RFC 3986, 3.4). */
static void add_encoded(struct strbuf *url, const char *text)
{
	static const char plain[] = "-._~!$'()*,;:@/?";

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			(c >= 'a' && c <= 'z') || strchr(plain, c))
			(void)strbuf_addc(url, *text);
		else
			(void)strbuf_addf(url, "%%%02X", c);
	}
}

enum rc source_odata_url(const struct source *source, const char *root,
	const struct source_range *range, struct strbuf *url, struct error *err)
{
	char from[TIME_TEXT], to[TIME_TEXT];
	unsigned size = range->page_size ? range->page_size : source->page_size;
	enum rc rc;

	if (size > source->page_size_max)
		return error_set(err, RC_CONFIG, "page size %u: %s takes at most %u",
			size, source->name, source->page_size_max);
	rc = source_url_begin(root, source->path, range, url, err);
	if (rc != RC_OK)
		return rc;
	(void)time_format(range->from, 7, from);
	(void)time_format(range->to, 7, to);
	(void)strbuf_addf(url, "?$filter=%s%%20ge%%20%s%%20and%%20%s%%20lt%%20%s",
		source->updated, from, source->updated, to);
	if (range->filter) {
		(void)strbuf_adds(url, "%20and%20");
		add_encoded(url, range->filter);
	}
	(void)strbuf_addf(url, "&$top=%u", size);
	if (source->expand && !range->bare)
		(void)strbuf_addf(url, "&$expand=%s", source->expand);
	if (range->skip || source->paging == PAGING_SKIP)
		(void)strbuf_addf(url, "&$skip=%llu", (unsigned long long)range->skip);
	return source_url_end(url, err);
}
