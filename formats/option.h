/* option.h - reading the options of a formatter.
 *
 * Errors:   0, and a sentence in `error` that names formatter and option, what is wrong and what would
 *           be right. */
#ifndef ALERTRELAY_FORMAT_OPTION_H
#define ALERTRELAY_FORMAT_OPTION_H

#include "format.h"
#include "severity.h"

int option_yes_no(const char *format, const struct fmt_option *option, int *value,
	char *error, size_t error_size);

/* 1 to max characters, trimmed, as a copy that belongs to the caller; frees what was at *to. */
int option_text(const char *format, const struct fmt_option *option, unsigned max,
	struct fmt_str *to, char *error, size_t error_size);

/* A text of severity_read(). */
int option_severity(const char *format, const struct fmt_option *option,
	enum severity_scale scale, struct severity_map *to, char *error,
	size_t error_size);

#endif
