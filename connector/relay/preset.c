#include "config.h"

#include "relay/preset.h"

#include <stdio.h>
#include <string.h>

#include "base/values.h"
#include "relay/configuration.h"
#include "relay/least_message.h"
#include "relay/loader.h"

#define PRESETS_MAXIMUM 32
#define FORMAT_OPTIONS_MAXIMUM 64

static const struct preset presets[] = {
	/* learn.microsoft.com, "Syslog and CEF via AMA connectors": both RFCs, a facility for CEF alone
	 * (else events land in both tables), local4 in its examples. The forwarder is an rsyslog with
	 * its limit of 8,096 octets, or a syslog-ng. */
	{"sentinel",
		"Microsoft Sentinel, through a forwarder with the Azure Monitor Agent",
		{{"format", "cef"}, {"header", "rfc5424"}, {"hostname", "tenant"},
			{"facility", "local4"}, {"max_message_bytes", "8096"}},
		{{0}}, 0, true},
	/* docs.splunk.com, inputs.conf: TCP inputs read lines; props.conf: TRUNCATE 10000. */
	{"splunk", "Splunk, a TCP input of its own",
		{{"format", "cef"}, {"header", "rfc5424"}, {"framing", "lf"},
			{"hostname", "tenant"}, {"facility", "local0"},
			{"max_message_bytes", "8096"}},
		{{0}}, 0, false},
	/* splunk/splunk-connect-for-syslog, its filter for CEF: the text "CEF:0"; the header is split at
	 * every pipe. It is a syslog-ng: counted frames on 601 and with TLS, lines on 514. Splunk's
	 * TRUNCATE of 10,000 octets comes after it. */
	{"splunk-sc4s", "Splunk Connect for Syslog",
		{{"format", "cef"}, {"header", "rfc5424"}, {"hostname", "tenant"},
			{"facility", "local0"}, {"max_message_bytes", "8096"}},
		{{"cef", "replace_pipe", "yes"}}, 0, false},
	/* ibm.com/docs, LEEF: "host LEEF:" with one space between; the host of the header is the log
	 * source, which is found after some 25 events of one vendor and product, so there is one for all
	 * customers. TCP payloads of 4,096 octets by default and 32,000 at most; lines. */
	{"qradar", "IBM QRadar",
		{{"format", "leef"}, {"header", "rfc3164"}, {"tag", "no"},
			{"framing", "lf"}, {"hostname", "relay"},
			{"facility", "local0"}, {"max_message_bytes", "4096"}},
		{{"leef", "product", "Microsoft Defender XDR"}}, 32000, false},
	/* Common Event Format, document version 27: "Mmm dd hh:mm:ss host CEF:"; lines. */
	{"arcsight", "ArcSight SmartConnector for syslog",
		{{"format", "cef"}, {"header", "rfc3164"}, {"tag", "no"},
			{"framing", "lf"}, {"hostname", "tenant"},
			{"facility", "local0"}, {"max_message_bytes", "8096"}},
		{{0}}, 0, false},
	/* elastic/beats, processor decode_cef and input tcp: lines by default, 20 MiB; the CEF integration
	 * reads a header of either RFC. */
	{"elastic", "Elastic Agent or Filebeat, the integration for CEF",
		{{"format", "cef"}, {"header", "rfc5424"}, {"framing", "lf"},
			{"hostname", "tenant"}, {"facility", "local0"},
			{"max_message_bytes", "64K"}},
		{{0}}, 0, false},
	/* wazuh/wazuh, remoted: lines of less than 65,536 octets, no TLS; analysisd: its JSON decoder is
	 * asked only when the line has no program name (#356), and RFC 5424 is not read (#16994). */
	{"wazuh", "Wazuh manager, its remote syslog",
		{{"format", "json"}, {"header", "none"}, {"framing", "lf"},
			{"max_message_bytes", "60K"}},
		{{0}}, 65000, false},
	/* Graylog2/graylog2-server, CEFCodec: takes <PRI>, then date and host up to "CEF:"; its TCP input
	 * reads lines, of 2 MiB at most. */
	{"graylog", "Graylog, a CEF TCP input",
		{{"format", "cef"}, {"header", "rfc3164"}, {"tag", "no"},
			{"framing", "lf"}, {"hostname", "tenant"},
			{"facility", "local0"}, {"max_message_bytes", "64K"}},
		{{0}}, 0, false},
	/* cloud.google.com/chronicle/docs, forwarder: lines under a log type, of 4 MB at most. */
	{"secops", "Google SecOps (Chronicle), a forwarder's syslog collector",
		{{"format", "cef"}, {"header", "rfc5424"}, {"framing", "lf"},
			{"hostname", "tenant"}, {"facility", "local0"},
			{"max_message_bytes", "64K"}},
		{{0}}, 0, false},
	/* docs.logrhythm.com, "Syslog Collection": lines over TCP, TLS on 6514. No limit is stated. */
	{"logrhythm", "LogRhythm System Monitor",
		{{"format", "cef"}, {"header", "rfc5424"}, {"framing", "lf"},
			{"hostname", "tenant"}, {"facility", "local0"},
			{"max_message_bytes", "8000"}},
		{{0}}, 0, false},
	/* rsyslog: imtcp reads lines and counted frames on one port, 8,096 octets by default. The space: liblognorm
	 * 2.0.6, of Debian 12, loses the first letter of the first key without it
	 * (rsyslog/liblognorm#351). */
	{"rsyslog", "rsyslog, as a relay or with mmnormalize",
		{{"format", "cef"}, {"header", "rfc5424"}, {"hostname", "tenant"},
			{"facility", "local0"}, {"max_message_bytes", "8096"}},
		{{"cef", "leading_space", "yes"}}, 0, true},
	/* syslog-ng: network() reads lines, syslog() counted frames; log-msg-size() is 65,536. */
	{"syslog-ng", "syslog-ng, network() with lines or syslog() with counted frames",
		{{"format", "cef"}, {"header", "rfc5424"}, {"hostname", "tenant"},
			{"facility", "local0"}, {"max_message_bytes", "64K"}},
		{{0}}, 0, false},
};

#define PRESETS (sizeof(presets) / sizeof(*presets))
_Static_assert(PRESETS <= PRESETS_MAXIMUM, "room for the names");

/* A combination that fails: of the options of a destination, of "cef.version" and the like, of
 * "body", which is what a message begins with behind its header (cef, leef, json or cee), and of
 * "tab", which is yes when there is a TAB in it. */
static const struct rule {
	const char *preset; /* NULL: whatever the preset */
	struct preset_option when[3];
	bool warns; /* it depends on settings at the other end */
	const char *why; /* and what would be right */
} rules[] = {
	/* rsyslog and syslog-ng, seen: `{"a":1}` becomes the tag `{"a":` and the text `1}`. */
	{NULL, {{"tag", "no"}, {"header", "rfc3164"}, {"body", "json"}}, false,
		"header rfc3164 without a tag: the first word of a JSON object is "
		"taken "
		"for the tag, and the object is torn apart; write tag: yes"},
	{NULL, {{"tag", "no"}, {"header", "rfc3164"}, {"body", "cee"}}, false,
		"header rfc3164 without a tag: @cee: is taken for the tag, and the "
		"cookie is lost; write tag: yes"},
	/* RFC 8259 section 8.1. */
	{NULL, {{"bom", "yes"}, {"header", "rfc5424"}, {"body", "json"}}, true,
		"bom: many readers refuse JSON behind a byte order mark; write bom: "
		"no"},

	{"wazuh", {{"transport", "tls"}}, false,
		"Wazuh's remote syslog has no TLS; write transport: tcp, or send to an "
		"rsyslog on its host, with preset: rsyslog"},
	{"wazuh", {{"framing", "octet"}}, false,
		"Wazuh reads lines, and would take the octet count for text; write "
		"framing: lf"},
	{"wazuh", {{"header", "rfc5424"}}, false,
		"Wazuh does not read the header of RFC 5424 (wazuh/wazuh#16994); write "
		"header: none"},
	{"wazuh", {{"tag", "yes"}, {"header", "rfc3164"}, {"body", "json"}}, true,
		"Wazuh asks its own JSON decoder only when there is no program name "
		"(wazuh/wazuh#356); write header: none, or give Wazuh a decoder with "
		"this program_name"},

	{"graylog", {{"framing", "octet"}, {"body", "cef"}}, false,
		"Graylog's CEF input reads lines, and would take the octet count for a "
		"part of the time; write framing: lf"},
	{"graylog", {{"header", "rfc5424"}, {"body", "cef"}}, false,
		"Graylog's CEF input reads a date and a host before CEF:, not the "
		"header of RFC 5424; write header: rfc3164"},
	{"graylog", {{"header", "none"}, {"body", "cef"}}, false,
		"Graylog's CEF input wants a date and a host before CEF:; write "
		"header: "
		"rfc3164"},
	{"graylog", {{"tag", "yes"}, {"header", "rfc3164"}, {"body", "cef"}}, false,
		"Graylog's CEF input takes the word before CEF: for the host; write "
		"tag: no"},

	{"qradar", {{"framing", "octet"}}, false,
		"QRadar reads lines, and would take the octet count for a part of the "
		"header; write framing: lf"},
	{"qradar", {{"tag", "yes"}, {"header", "rfc3164"}, {"body", "leef"}}, false,
		"QRadar wants LEEF: one space behind the host; write tag: no"},
	{"qradar", {{"header", "none"}}, true,
		"without a HOSTNAME QRadar's log source is the address that the "
		"messages come from; write header: rfc3164"},

	{"arcsight", {{"framing", "octet"}}, false,
		"the SmartConnector reads lines; write framing: lf"},
	{"arcsight", {{"header", "rfc5424"}, {"body", "cef"}}, true,
		"the CEF standard has a date and a host before CEF:, and not every "
		"SmartConnector reads another header; write header: rfc3164"},
	{"arcsight", {{"tag", "yes"}, {"header", "rfc3164"}, {"body", "cef"}}, true,
		"the CEF standard has no tag before CEF:; write tag: no"},

	{"splunk", {{"framing", "octet"}}, false,
		"Splunk's own inputs read lines, and would show the octet count as "
		"text; write framing: lf, or use preset: splunk-sc4s"},

	{"splunk-sc4s", {{"cef.version", "1"}}, false,
		"SC4S knows CEF by the text CEF:0; write version: 0"},
	{"splunk-sc4s", {{"header", "rfc5424"}, {"body", "leef"}}, true,
		"SC4S knows LEEF by the program LEEF; write header: rfc3164 and tag: "
		"no"},
	{"splunk-sc4s", {{"header", "none"}}, false,
		"SC4S is a syslog-ng, which needs a header; write header: rfc5424"},

	{"logrhythm", {{"framing", "octet"}}, false,
		"LogRhythm reads lines; write framing: lf"},

	{"sentinel", {{"header", "none"}}, false,
		"the forwarder is a syslog daemon, which needs a header; write header: "
		"rfc5424"},

	/* rsyslog 8.2302, seen: relayed as `CEF: 0|...`, or with APP-NAME CEF and MSG `0|...`. */
	{"rsyslog", {{"tag", "no"}, {"header", "rfc3164"}, {"body", "cef"}}, false,
		"rsyslog takes CEF: for the tag, and what it writes is no CEF any "
		"more; write tag: yes, or header: rfc5424"},
	{"rsyslog", {{"tag", "no"}, {"header", "rfc3164"}, {"body", "leef"}}, false,
		"rsyslog takes LEEF: for the tag, and what it writes is no LEEF any "
		"more; write tag: yes, or header: rfc5424"},
	{"rsyslog", {{"header", "none"}}, false,
		"rsyslog needs a header; write header: rfc5424"},
	/* Seen: #011 in its place, unless parser.escapeControlCharacterTab is off. */
	{"rsyslog", {{"tab", "yes"}}, true,
		"rsyslog writes #011 for each TAB unless its "
		"parser.escapeControlCharacterTab is off; take another delimiter, or "
		"version 2.0"},
	{"rsyslog", {{"cef.version", "1"}}, true,
		"liblognorm, which mmnormalize uses, takes CEF:0 only; write version: "
		"0"},

	{"syslog-ng", {{"header", "none"}}, false,
		"syslog-ng needs a header; write header: rfc5424"},
};

const struct preset *preset_at(size_t i)
{
	return i < PRESETS ? &presets[i] : NULL;
}

const struct preset *preset_find(const char *name)
{
	for (size_t i = 0; i < PRESETS; i++)
		if (!strcmp(presets[i].name, name))
			return &presets[i];
	return NULL;
}

const char *preset_default(const struct preset *preset, const char *key)
{
	for (size_t i = 0; i < PRESET_OPTIONS && preset->options[i].key; i++)
		if (!strcmp(preset->options[i].key, key))
			return preset->options[i].value;
	return NULL;
}

static const char *format_option(
	const struct fmt_option *options, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(options[i].name, name))
			return options[i].value;
	return NULL;
}

/* The file's own come last; only what it does not name is added. */
static void add_format_options(struct options_reader *reader,
	const struct preset *preset, struct destination_options *d)
{
	struct fmt_option all[FORMAT_OPTIONS_MAXIMUM + 8];
	size_t count = 0;

	for (size_t i = 0;
		i < sizeof(preset->format_options) / sizeof(*preset->format_options);
		i++) {
		const struct preset_format_option *option = &preset->format_options[i];

		if (option->format && !strcmp(option->format, d->format) &&
			!format_option(d->format_options, d->format_option_count,
				option->name))
			all[count++] = (struct fmt_option){option->name, option->value};
	}
	if (!count)
		return;
	if (d->format_option_count)
		memcpy(all + count, d->format_options,
			d->format_option_count * sizeof(*all));
	count += d->format_option_count;
	d->format_options = memcpy(arena_alloc(reader->strings, count * sizeof(*all)),
		all, count * sizeof(*all));
	d->format_option_count = count;
}

void preset_finish(struct options_reader *reader, struct destination_options *d,
	const struct yaml_node *map)
{
	const struct preset *preset = reader->preset;

	if (!transport_has(d->transport, TRANSPORT_HAS_FRAMING))
		d->framing = FRAMING_NONE;
	else if (!yaml_get(map, "framing") &&
		 !(preset && preset_default(preset, "framing")))
		d->framing = transport_has(d->transport, TRANSPORT_HAS_TLS)
				     ? FRAMING_OCTET
				     : FRAMING_LF;
	if (!yaml_get(map, "max_message_bytes") &&
		transport_has(d->transport, TRANSPORT_DATAGRAMS) &&
		d->max_message_bytes > TRANSPORT_DATAGRAM_UNBROKEN)
		d->max_message_bytes = TRANSPORT_DATAGRAM_UNBROKEN;
	if (preset && d->format)
		add_format_options(reader, preset, d);
}

static bool holds(const struct destination_options *d, const struct example *example,
	const struct preset_option *when)
{
	static const char *const bodies[] = {
		[BODY_OTHER] = "other",
		[BODY_CEF] = "cef",
		[BODY_LEEF] = "leef",
		[BODY_JSON] = "json",
		[BODY_CEE] = "cee",
	};
	const char *dot = strchr(when->key, '.'), *value;

	if (!strcmp(when->key, "body"))
		return !strcmp(when->value, bodies[example->body]);
	if (!strcmp(when->key, "tab"))
		return example->tab;
	if (!dot)
		return options_is(SECTION_DESTINATION, d, when->key, when->value);
	if (strncmp(d->format, when->key, (size_t)(dot - when->key)) != 0 ||
		d->format[dot - when->key])
		return false;
	value = format_option(d->format_options, d->format_option_count, dot + 1);
	return value && !strcmp(value, when->value);
}

/* Where to look: at the first option of the rule that the file names, else at the preset. */
static int line_of_rule(const struct yaml_node *map, const struct rule *rule)
{
	for (size_t i = 0; i < 3 && rule->when[i].key; i++) {
		const char *key = rule->when[i].key;

		if (!strcmp(key, "body"))
			key = "format";
		else if (!strcmp(key, "tab") || strchr(key, '.'))
			key = "format_options";
		if (yaml_get(map, key))
			return line_of(map, key);
	}
	return line_of(map, "preset");
}

static void say(struct loader *l, int line, const struct rule *rule)
{
	const char *preset = rule->preset ? "preset " : "";
	const char *name = rule->preset ? rule->preset : "";
	const char *colon = rule->preset ? ": " : "";

	if (rule->warns)
		options_warn(
			&l->reader, line, "%s%s%s%s", preset, name, colon, rule->why);
	else
		options_wrong(
			&l->reader, line, "%s%s%s%s", preset, name, colon, rule->why);
}

void preset_check(struct loader *l, const struct yaml_node *map,
	const struct destination_options *d)
{
	const struct preset *preset = l->reader.preset;
	const struct example example = example_body(d);

	if (preset && preset->most_bytes && d->max_message_bytes > preset->most_bytes)
		options_wrong(&l->reader, line_of(map, "max_message_bytes"),
			"max_message_bytes: %zu is more than preset %s can take; write "
			"%zu or less",
			d->max_message_bytes, preset->name, preset->most_bytes);
	if (preset && !preset->relp && transport_has(d->transport, TRANSPORT_ANSWERS))
		options_warn(&l->reader, line_of(map, "transport"),
			"preset %s: no RELP listener of it is known; it takes this "
			"only "
			"through another collector that hands on messages as they are, "
			"or "
			"write transport: tls or tcp",
			preset->name);
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		const struct rule *rule = &rules[i];
		bool hit = !rule->preset ||
			   (preset && !strcmp(rule->preset, preset->name));

		for (size_t k = 0; hit && k < 3 && rule->when[k].key; k++)
			hit = holds(d, &example, &rule->when[k]);
		if (hit)
			say(l, line_of_rule(map, rule), rule);
	}
}

/* Everything that is read here is of the tables. */
static void cannot_be(
	struct options_reader *reader, int line, bool warning, const char *text)
{
	(void)reader;
	(void)line;
	(void)warning;
	(void)text;
}

enum rc preset_options(const char *name, const char *format, struct arena *strings,
	struct destination_options *to, struct error *err)
{
	struct formatters *formatters = to->formatters;
	struct options_reader reader = {.strings = strings,
		.directory = "/",
		.formatters = formatters,
		.wrong = cannot_be};
	enum rc rc = options_preset(name, &name, err);

	if (rc != RC_OK)
		return rc;
	reader.preset = preset_find(name);
	destination_options_default(to);
	to->formatters = formatters;
	options_fill(&reader, SECTION_DESTINATION, to, NULL);
	to->transport = TRANSPORT_TCP;
	if (format)
		to->format = format;
	preset_finish(&reader, to, NULL);
	return RC_OK;
}

const char *preset_names(void)
{
	static char names[400];
	size_t n = 0;

	for (size_t i = 0; i < PRESETS && n < sizeof(names); i++)
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s",
			i ? ", " : "", presets[i].name);
	return names;
}

void preset_settings(const struct preset *preset, struct strbuf *out)
{
	for (size_t i = 0; i < PRESET_OPTIONS && preset->options[i].key; i++)
		strbuf_addf(out, "%s%s: %s", i ? ", " : "", preset->options[i].key,
			preset->options[i].value);
	for (size_t i = 0;
		i < sizeof(preset->format_options) / sizeof(*preset->format_options);
		i++)
		if (preset->format_options[i].format)
			strbuf_addf(out, ", %s: %s with %s",
				preset->format_options[i].name,
				preset->format_options[i].value,
				preset->format_options[i].format);
}

void preset_manual(struct strbuf *out)
{
	strbuf_adds(out, ".Bl -tag -width splunk-sc4s\n");
	for (size_t i = 0; i < PRESETS; i++) {
		strbuf_addf(out, ".It Cm %s\n%s:\n", presets[i].name, presets[i].title);
		preset_settings(&presets[i], out);
		strbuf_adds(out, ".\n");
	}
	strbuf_adds(out, ".El\n");
}
