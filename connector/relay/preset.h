/* preset.h - what each SIEM takes: defaults for the options of a destination.
 *
 * Purpose:  one row a SIEM, as texts of the table of options, so that a preset is read and checked
 *           as the file is. What the destination says itself goes before the preset; what its SIEM
 *           cannot take is refused with the reason, or warned about where it depends on the SIEM's
 *           own settings.
 * Source:   the SIEM's documents and programs; each row names its own.
 * Tests:    unit/test_preset.c, config/, integration/test_presets.py */
#ifndef RELAY_PRESET_H
#define RELAY_PRESET_H

#include "base/strbuf.h"
#include "relay/options.h"

#define PRESET_OPTIONS 10

struct preset_option {
	const char *key, *value;
};

struct preset {
	const char *name, *title;
	struct preset_option options[PRESET_OPTIONS]; /* up to a key of NULL */
	/* Options of formats; they mean something only where the destination has this format. */
	struct preset_format_option {
		const char *format, *name, *value;
	} format_options[4];
	size_t most_bytes; /* no message may be larger; 0: no such limit is known */
	bool relp; /* it has a listener for RELP */
};

struct destination_options;
struct loader;

const struct preset *preset_at(size_t i); /* NULL past the last */
const struct preset *preset_find(const char *name);
/* What the preset sets an option of a destination to; NULL: nothing. */
const char *preset_default(const struct preset *preset, const char *key);

/* What one row of options cannot do: the options of the format that the destination has in the end,
 * and, where the file's map (or NULL) names none, the framing and size that go with its transport. */
void preset_finish(struct options_reader *reader, struct destination_options *options,
	const struct yaml_node *map);

/* Reports what the SIEM of the preset (NULL: any) cannot take. */
void preset_check(struct loader *loader, const struct yaml_node *map,
	const struct destination_options *options);

/* The options of a destination that says nothing but its preset, over TCP, and perhaps a format.
 * Texts are in the arena. Keeps to->formatters, where formats are looked for. */
NODISCARD enum rc preset_options(const char *name, const char *format,
	struct arena *strings, struct destination_options *to, struct error *err);

/* "sentinel, splunk, ..." */
const char *preset_names(void);
/* "format: cef, header: rfc5424, ..." */
void preset_settings(const struct preset *preset, struct strbuf *out);
/* All of them with what they set, mdoc. */
void preset_manual(struct strbuf *out);

#endif
