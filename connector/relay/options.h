/* options.h - the table of options at work: a map of YAML to the members of a struct.
 *
 * Purpose:  options_fill() sets every member that the rows of a section name, to the file's value
 *           or the default, and reports what is wrong. What rows cannot say (which options go
 *           together) is configuration.c's.
 * Owner:    strings go to the arena that the caller gives. */
#ifndef RELAY_OPTIONS_H
#define RELAY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/yaml.h"
#include "deliver/formatter.h"
#include "fetch/cloud.h"
#include "fetch/credential.h"

enum section {
	SECTION_TOP,
	SECTION_APP,
	SECTION_DESTINATION,
	SECTION_FEED,
	SECTION_TENANT,
	SECTION_FORMATS,
	SECTION_STATE,
	SECTION_LOG,
	SECTION_LIMITS,
	SECTION_HTTP,
	SECTIONS
};

enum option_type {
	TYPE_SECTION, /* a map or list that configuration.c reads */
	TYPE_FEEDS,
	TYPE_REFUSED, /* help is the reason */
	TYPE_TEXT, /* max: octets */
	TYPE_TOKEN, /* printable ASCII without spaces */
	TYPE_PATH, /* made absolute from the directory of the file */
	TYPE_INPUT, /* a path that can be read now */
	TYPE_VARIABLE,
	TYPE_CREDENTIAL,
	TYPE_CHANNEL,
	TYPE_GUID,
	TYPE_IDENTITY, /* yes: "", no: NULL, or an id */
	TYPE_TENANT_ID,
	TYPE_ROOT,
	TYPE_PROXY,
	TYPE_SOURCE,
	TYPE_FORMAT,
	TYPE_PRESET,
	TYPE_DURATION,
	TYPE_SIZE,
	TYPE_COUNT,
	TYPE_BOOL,
	TYPE_CHOICE,
	TYPE_FACILITY,
	TYPE_ADDRESSES, /* of struct destination_options */
	TYPE_NETWORKS, /* of struct destination_options */
	TYPE_MAP, /* of struct destination_options */
	TYPE_FIELDS, /* of struct destination_options */
	TYPE_SEVERITY, /* a map as text for the format: "high=10,low=2" */
	TYPE_SYSLOG_SEVERITY, /* a struct severity_map */
	TYPE_NAMES, /* of struct config_feed */
	TYPE_LIST, /* a struct config_list */
};

struct option {
	enum section section;
	const char *key;
	enum option_type type;
	size_t offset;
	const char *default_text, *min, *max;
	bool reload;
	const char *sample, *help;
};

/* Where the sections that there are once go. */
struct main_options {
	const char *tenants_dir;
	const char *formats_directory;
	int state_type; /* 1: memory */
	const char *state_file;
	int64_t state_keep_ms;
	const char *log_channel;
	int log_level; /* 0: error */
	size_t memory_bytes;
	unsigned request_percent;
	unsigned http_max_transfers, http_max_per_tenant;
	bool http2;
	const char *http_ca_file, *http_proxy, *http_proxy_password_file;
	int http_ip; /* place in any|4|6 */
	int64_t http_connect_timeout_ms, http_first_byte_timeout_ms,
		http_stall_timeout_ms;
};

struct app_options {
	const char *client_id;
	struct credential_options sign_in;
	int cloud; /* enum cloud_number */
	const char *login_root;
	const char *roots[API_FAMILIES], *audiences[API_FAMILIES];
};

struct tenant_options {
	const char *tenant_id, *display_name;
	struct app_options app;
};

struct preset; /* of preset.h */

struct options_reader {
	struct arena *strings;
	const char *directory; /* of the configuration file */
	struct formatters *formatters;
	const struct preset *preset; /* of the destination that is read, or NULL */
	void (*wrong)(struct options_reader *reader, int line, bool warning,
		const char *text);
};

/* All rows, in the order of the file. */
const struct option *options_all(size_t *count);

void options_wrong(struct options_reader *reader, int line, const char *format, ...)
	PRINTF(3, 4);
/* It can be as the file says, but probably should not. */
void options_warn(struct options_reader *reader, int line, const char *format, ...)
	PRINTF(3, 4);

/* Unknown keys are reported; a map of NULL gives the defaults. */
void options_fill(struct options_reader *reader, enum section section, void *to,
	const struct yaml_node *map);

/* Whether the option has the value that this text stands for: a CHOICE, a BOOL or a text. */
bool options_is(
	enum section section, const void *of, const char *key, const char *text);

/* The name of a source or a preset; else what there is. */
NODISCARD enum rc options_source(const char *text, const char **to, struct error *err);
NODISCARD enum rc options_preset(const char *text, const char **to, struct error *err);

/* Terminated copy in the arena. */
const char *options_copy(struct options_reader *reader, const char *p, size_t n);

#endif
