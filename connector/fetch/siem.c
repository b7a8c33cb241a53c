/* siem.c - the retired SIEM API of Defender for Endpoint, GET /api/alerts of an exporter host
 * (facts 2.1, 3.9).
 *
 * A record is one detection; an alert has several with one AlertId. It never changes. All of the
 * range comes in one answer. The API also takes `ago`, a duration back from now, and `limit`, the
 * newest of them only: neither can say where the last answer ended, so neither is used. */
#include "config.h"

#include "base/clock.h"
#include "fetch/source.h"
#include "fetch/source_rows.h"

enum { DEVICE, USER, PROCESS, FILE_, ADDRESS, LINK, MALWARE, INDICATOR };

static const struct alert_flat flat[] = {
	[DEVICE] = {FMT_KIND_DEVICE},
	[USER] = {FMT_KIND_USER},
	[PROCESS] = {FMT_KIND_PROCESS},
	[FILE_] = {FMT_KIND_FILE},
	[ADDRESS] = {FMT_KIND_IP},
	[LINK] = {FMT_KIND_URL},
	[MALWARE] = {FMT_KIND_MALWARE},
	[INDICATOR] = {FMT_KIND_OTHER},
};

static const struct alert_row rows[] = {
	STRING("FullId", id),
	STRING("AlertId", provider_alert_id),
	{"AlertPart", ALERT_PART, 0},
	{"ReportID", ALERT_PART, 1},
	STRING("ExternalId", external_id),
	STRING("IocUniqueId", indicator_id),
	STRING("AlertTitle", title),
	STRING("Description", description),
	STRING("Category", category),
	SEVERITY("Severity"),
	STRING("Source", detection_source),
	STRING("IoaDefinitionId", detector_id),
	STRING("Actor", actor),
	STRING("ThreatName", threat_name),
	STRING("ThreatFamily", threat_family),
	STRING("LinkToMTP", alert_url),
	SPARE("LinkToWDATP", alert_url),
	STRING("IncidentLinkToMTP", incident_url),
	SPARE("IncidentLinkToWDATP", incident_url),
	TIME("AlertTime", created),
	TIME("LastProcessedTimeUtc", updated),

	FLAT_ROW("DeviceID", DEVICE, FMT_DEVICE_ID),
	FLAT_ROW("ComputerDnsName", DEVICE, FMT_DEVICE_DNS_NAME),
	FLAT_ROW("MachineName", DEVICE, FMT_DEVICE_HOST_NAME),
	FLAT_ROW("MachineDomain", DEVICE, FMT_DEVICE_DNS_DOMAIN),
	FLAT_ROW("MachineGroup", DEVICE, FMT_DEVICE_GROUP),
	{"InternalIPv4List", FLAT_LIST, FLAT(DEVICE, FMT_DEVICE_IP)},
	{"InternalIPv6List", FLAT_LIST, FLAT(DEVICE, FMT_DEVICE_IP)},
	{"LogOnUsers", FLAT_LIST, FLAT(DEVICE, FMT_DEVICE_LOGGED_ON_USER)},
	{"DeviceCreatedMachineTags", FLAT_LIST, FLAT(DEVICE, FMT_TAG)},
	{"CloudCreatedMachineTags", FLAT_LIST, FLAT(DEVICE, FMT_TAG)},

	FLAT_ROW("UserName", USER, FMT_USER_NAME),
	FLAT_ROW("UserDomain", USER, FMT_USER_DOMAIN),

	FLAT_ROW("CommandLine", PROCESS, FMT_PROCESS_COMMAND_LINE),

	FLAT_ROW("FileName", FILE_, FMT_FILE_NAME),
	FLAT_ROW("FilePath", FILE_, FMT_FILE_PATH),
	FLAT_ROW("FileHash", FILE_, FMT_HASH_VALUE),
	FLAT_ROW("Md5", FILE_, FMT_FILE_MD5),
	FLAT_ROW("Sha1", FILE_, FMT_FILE_SHA1),
	FLAT_ROW("Sha256", FILE_, FMT_FILE_SHA256),
	FLAT_ROW("RemediationAction", FILE_, FMT_REMEDIATION_STATUS),
	FLAT_ROW("RemediationIsSuccess", FILE_, FMT_REMEDIATION_SUCCESS),
	FLAT_ROW("WasExecutingWhileDetected", FILE_, FMT_WAS_EXECUTING),

	FLAT_ROW("IpAddress", ADDRESS, FMT_IP_ADDRESS),
	FLAT_ROW("Url", LINK, FMT_URL),
	FLAT_ROW("ThreatCategory", MALWARE, FMT_CATEGORY),
	FLAT_ROW("IocName", INDICATOR, FMT_NAME),
	FLAT_ROW("IocValue", INDICATOR, FMT_INDICATOR_VALUE),
	FLAT_ROW("CreatorIocName", INDICATOR, FMT_INDICATOR_CREATOR),
	FLAT_ROW("CreatorIocValue", INDICATOR, FMT_INDICATOR_CREATOR_VALUE),
};

static const struct alert_table table = {
	.rows = rows,
	.row_count = sizeof(rows) / sizeof(rows[0]),
	.id_from = offsetof(struct fmt_alert, provider_alert_id),
	.parts = 2,
	.service_source = "microsoftDefenderForEndpoint",
	.flat = flat,
	.flat_count = sizeof(flat) / sizeof(flat[0]),
};

/* Whole milliseconds without a zone; a part of one more at the end does no harm, because what comes
 * twice is dropped. */
static void add_time(struct strbuf *url, const char *name, int64_t ticks)
{
	char text[TIME_TEXT];
	size_t n = time_format(ticks, 3, text);

	(void)strbuf_addf(url, "%s=%.*s", name, (int)n - 1, text);
}

static enum rc first_url(const struct source *source, const char *root,
	const struct source_range *range, struct strbuf *url, struct error *err)
{
	enum rc rc;

	if (range->filter)
		return error_set(err, RC_CONFIG, "%s takes no $filter", source->name);
	if (range->skip)
		return error_set(err, RC_CONFIG, "%s takes no $skip", source->name);
	rc = source_url_begin(root, "/api/alerts", range, url, err);
	if (rc != RC_OK)
		return rc;
	add_time(url, "?sinceTimeUtc", range->from);
	add_time(url, "&untilTimeUtc", range->to + TICKS_PER_MS - 1);
	return source_url_end(url, err);
}

const struct source source_siem = {
	.name = "siem",
	.help = "the retired SIEM API of Defender for Endpoint, for gateways that "
		"still speak it",
	.api = API_SIEM,
	.paging = PAGING_NONE,
	.table = &table,
	.first_url = first_url,
};
