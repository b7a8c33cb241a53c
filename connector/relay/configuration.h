/* configuration.h - the configuration: YAML files to typed, checked structs.
 *
 * Purpose:  reads alertrelay.yaml and the files of tenants.d beside it against the one table of
 *           options (options.def), which also makes the sample file and the manual's section.
 * Errors:   all of them at once, each as `file:line: what is wrong, what would be right`.
 * Owner:    config_free() frees everything. Secrets are looked at, never kept here.
 * Paths:    relative ones are taken from the directory of the main file.
 * Tests:    unit/test_config.c, config/, fuzz/fuzz_config.c
 * Units:    durations in ms ("500ms", "30s", "5m", "12h", "7d"), sizes in octets ("64K", "2M", "1G"). */
#ifndef RELAY_CONFIGURATION_H
#define RELAY_CONFIGURATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alert/alert.h"
#include "base/error.h"
#include "base/strbuf.h"
#include "deliver/destination.h"
#include "fetch/cloud.h"
#include "fetch/credential.h"

struct config_list {
	const char *const *items;
	size_t count;
};

struct config_feed {
	const char *source; /* a name of fetch/source.h */
	const char **destinations; /* names, in the order of the file */
	size_t destination_count;
	size_t *destination_index; /* places in config.destinations */
	int64_t poll_ms; /* pause between passes */
	int64_t look_back_ms; /* where a new feed starts */
	int64_t overlap_ms;
	int64_t slice_ms; /* longest range of one request series */
	int64_t lag_ms; /* how far behind now a pass ends */
	int64_t rescan_every_ms; /* 0: never */
	int64_t rescan_range_ms;
	unsigned page_size; /* $top; 0 where all comes at once */
	bool expand;
	enum alert_policy policy;
	enum fmt_severity min_severity; /* FMT_SEVERITY_UNKNOWN: any */
	struct config_list service_sources, detection_sources, categories, statuses,
		device_groups, device_tags; /* empty: any */
	size_t window_bytes; /* unconfirmed messages held for one feed */
};

/* An API in a tenant's cloud. */
struct config_api {
	const char *root; /* "https://..." without a slash at the end; NULL: none */
	const char *audience;
	const char *scope; /* the audience and "/.default" */
};

struct config_tenant {
	const char *key; /* name in the configuration: the customer in every message */
	const char *tenant_id; /* lower case GUID, or a domain */
	const char *display_name; /* never NULL; the key when none was given */
	const char *client_id; /* the tenant's own, else the app's */
	size_t credential; /* place in config.credentials */
	const char *login_root; /* "https://..." without a slash at the end */
	/* API_FAMILIES of them; tenants that say nothing of their own share them. Every source of the
	 * feeds has a root. */
	const struct config_api *apis;
	const struct cloud *cloud;
	const struct config_feed
		*feeds; /* its own, else the common ones (one array for all) */
	size_t feed_count;
	const char *file; /* where it was read: for messages */
	int line;
};

struct config {
	struct config_tenant *tenants;
	size_t tenant_count;
	struct formatters *formatters; /* of the destinations */
	struct destination_options *destinations;
	size_t destination_count;
	struct credential_options
		*credentials; /* the app's first, even if nobody needs it */
	size_t credential_count;

	const char *state_file; /* "" with state.type: memory */
	int64_t state_keep_ms; /* how long confirmed versions are remembered */
	const char *log_channel; /* "stderr:" ... */
	int log_priority;
	size_t memory_bytes; /* of all windows together */

	unsigned request_percent; /* of the vendor's limits, see fetch/budget.h */
	unsigned http_max_transfers, http_max_per_tenant;
	bool http2;
	const char *http_ca_file, *http_proxy;
	char *http_proxy_login; /* "user:password" or NULL */
	int http_ip; /* 4, 6, else any */
	int64_t http_connect_timeout_ms, http_first_byte_timeout_ms,
		http_stall_timeout_ms;

	struct config_memory *memory; /* what config_free() frees */
};

/* Errors and warnings found, in the order of files and lines; past CONFIG_REPORT_MAXIMUM they are
 * only counted. */
#define CONFIG_REPORT_MAXIMUM 500
struct config_report {
	struct strbuf text; /* one a line; a warning says that it is one */
	size_t count; /* errors */
	size_t warnings;
};

/* *out is NULL when there was any error; warnings do not count. report is filled either way; config_report_clear() it. */
NODISCARD enum rc config_load(
	const char *path, struct config **out, struct config_report *report);
/* The same with the text of the main file given; path is for messages and for relative paths. */
NODISCARD enum rc config_load_text(const char *path, const char *p, size_t n,
	struct config **out, struct config_report *report);
void config_free(struct config *config);

/* Only where its formatters are, whatever else is wrong in it; NULL when there is an error. */
struct formatters *config_formatters(const char *path, struct config_report *report);

/* The destination with this name; else NULL, and err says which there are. */
const struct destination_options *config_destination(
	const struct config *config, const char *name, struct error *err);

/* The tenant with this key; else NULL, and err says which was probably meant. */
const struct config_tenant *config_find_tenant(
	const struct config *config, const char *key, struct error *err);

void config_report_clear(struct config_report *report);

/* The commented sample file, made from the table of options: every option with its default. */
void config_sample(struct strbuf *out);
/* The section OPTIONS of the manual, mdoc. */
void config_manual(struct strbuf *out);

#endif
