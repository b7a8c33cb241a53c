/* registry.c - the formatters that are built in. */
#include "registry.h"

#include <stdio.h>

static const struct fmt_module *const format_modules[] = {
	&cef_module,
	&leef_module,
	&rfc5424_json_module,
	&json_module,
	&ecs_module,
	&ocsf_module,
};

size_t format_count(void)
{
	return sizeof(format_modules) / sizeof(format_modules[0]);
}

const struct fmt_module *format_at(size_t i)
{
	return i < format_count() ? format_modules[i] : NULL;
}

const struct fmt_module *format_find(const char *name, size_t n)
{
	for (size_t i = 0; i < format_count(); i++) {
		const char *own = format_modules[i]->name;

		if (strlen(own) == n && !memcmp(own, name, n))
			return format_modules[i];
	}
	return NULL;
}

const char *format_names(void)
{
	static char names[256];
	size_t n = 0;

	for (size_t i = 0; i < format_count() && n < sizeof(names); i++)
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s",
			i ? ", " : "", format_modules[i]->name);
	return names;
}
