/* registry.h - the formatters that are built in. */
#ifndef ALERTRELAY_FORMAT_REGISTRY_H
#define ALERTRELAY_FORMAT_REGISTRY_H

#include "format.h"

extern const struct fmt_module cef_module;
extern const struct fmt_module leef_module;
extern const struct fmt_module rfc5424_json_module;
extern const struct fmt_module json_module;
extern const struct fmt_module ecs_module;
extern const struct fmt_module ocsf_module;

/* The module with this name, or NULL. */
const struct fmt_module *format_find(const char *name, size_t n);
size_t format_count(void);
const struct fmt_module *format_at(size_t i);
/* "cef, leef, rfc5424-json": for messages about an unknown name. */
const char *format_names(void);

#endif
