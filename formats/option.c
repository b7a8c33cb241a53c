/* option.c - reading the options of a formatter. */
#include "option.h"

#include <stdio.h>
#include <stdlib.h>

#include "text.h"

int option_yes_no(const char *format, const struct fmt_option *option, int *value,
	char *error, size_t error_size)
{
	*value = !strcmp(option->value, "yes");
	if (*value || !strcmp(option->value, "no"))
		return 1;
	snprintf(error, error_size, "%s: %s is \"%.40s\", but must be yes or no",
		format, option->name, option->value);
	return 0;
}

int option_text(const char *format, const struct fmt_option *option, unsigned max,
	struct fmt_str *to, char *error, size_t error_size)
{
	struct fmt_str s = text_trim(text_str(option->value));
	char *copy;

	if (!s.n || !text_fits(s, max)) {
		snprintf(error, error_size,
			"%s: %s is \"%.60s\", but must have 1 to %u characters", format,
			option->name, option->value, max);
		return 0;
	}
	copy = malloc(s.n);
	if (!copy) {
		snprintf(error, error_size, "%s: out of memory", format);
		return 0;
	}
	memcpy(copy, s.p, s.n);
	free((char *)to->p);
	*to = (struct fmt_str){copy, s.n};
	/* cppcheck-suppress memleak ; the formatter's close() frees it */
	return 1;
}

int option_severity(const char *format, const struct fmt_option *option,
	enum severity_scale scale, struct severity_map *to, char *error,
	size_t error_size)
{
	char why[200];

	if (severity_read(option->value, scale, to, why, sizeof(why)))
		return 1;
	snprintf(error, error_size, "%s: %s: %s", format, option->name, why);
	return 0;
}
