/* field_rules.h - the option `fields` of a destination: rules of YAML to those of formats/format.h.
 *
 * Purpose:  what a rule consists of is checked here; which keys a format has, by the formatter.
 * Errors:   all at once, each at the line of its rule.
 * Owner:    rules go to the arena of the reader.   Tests: unit/test_config.c, config/bad-fields.yaml */
#ifndef RELAY_FIELD_RULES_H
#define RELAY_FIELD_RULES_H

#include "relay/configuration.h"
#include "relay/loader.h"
#include "relay/options.h"

void field_rules_read(struct options_reader *reader, const struct yaml_node *node,
	struct destination_options *to);

/* Once all feeds are known: a path that begins with what no source of the feeds that go to the
 * destination has. */
void field_rules_check_paths(struct loader *loader);

#endif
