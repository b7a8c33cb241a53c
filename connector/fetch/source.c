#include "config.h"

#include "fetch/source.h"

#include <string.h>

static const struct source *const sources[] = {
	&source_graph_alerts,
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
	return alert_map_new(source->name, source->rows, source->row_count, err);
}
