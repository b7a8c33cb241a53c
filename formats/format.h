/* format.h - all that a formatter sees: the alert, the output, the options.
 *
 * Purpose:  a formatter turns one alert into one message body. It is pure: no I/O, no clock,
 *           no globals; equal input gives equal output.
 * Owner:    the alert and everything it points to belong to the caller and live until format()
 *           returns. The output buffers belong to the caller.
 * Bytes:    strings are as the vendor sent them after JSON decoding: any bytes, NUL included, not
 *           always valid UTF-8. Attackers choose many of them. Only escaping makes them safe.
 * Units:    times are 100 ns ticks since 1970-01-01 UTC, FMT_NO_TIME when unknown; sizes in octets.
 * Source:   Microsoft Graph security alert, v1.0 metadata; names follow its property names.
 * Modules:  a formatter of one's own is a shared object NAME.so with the one symbol fmt_module (at the
 *           end of this file). C11 or C++17; alertrelay(8), WRITING A FORMATTER, says how to build it.
 *
 * New members of fmt_alert, fmt_message and fmt_module, and new enumerators, are only ever added at
 * an end; FMT_ABI grows when anything else changes. So a module meets hosts that are older or newer
 * than its header: it asks FMT_HAS() before it reads a member of the alert that came later than
 * FMT_ABI did, and takes a kind or field that it does not know for one that it does not use. */
#ifndef ALERTRELAY_FORMAT_H
#define ALERTRELAY_FORMAT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FMT_ABI 1u
#define FMT_NO_TIME INT64_MIN
#define FMT_TICKS_PER_MS 10000

/* Borrowed text. n == 0 means absent or empty; then p may be NULL. */
struct fmt_str {
	const char *p;
	size_t n;
};

struct fmt_list {
	const struct fmt_str *items;
	size_t count;
};

enum fmt_severity {
	FMT_SEVERITY_UNKNOWN,
	FMT_SEVERITY_INFORMATIONAL,
	FMT_SEVERITY_LOW,
	FMT_SEVERITY_MEDIUM,
	FMT_SEVERITY_HIGH,
};

/* Kinds of evidence: the 48 types of Graph, in groups whose fields are alike. The exact type is in
 * fmt_evidence.type; what has no kind of its own is FMT_KIND_OTHER and keeps its raw JSON. */
enum fmt_kind {
	FMT_KIND_OTHER,
	FMT_KIND_DEVICE, /* deviceEvidence, ioTDeviceEvidence */
	FMT_KIND_USER, /* userEvidence */
	FMT_KIND_PROCESS, /* processEvidence */
	FMT_KIND_FILE, /* fileEvidence, fileHashEvidence */
	FMT_KIND_IP, /* ipEvidence */
	FMT_KIND_URL, /* urlEvidence */
	FMT_KIND_MAILBOX, /* mailboxEvidence, mailboxConfigurationEvidence */
	FMT_KIND_MESSAGE, /* analyzedMessage, mailCluster, submissionMail, teamsMessage */
	FMT_KIND_REGISTRY, /* registryKeyEvidence, registryValueEvidence */
	FMT_KIND_CLOUD_RESOURCE, /* azure, amazon, google resources, blobs, containers, clusters ... */
	FMT_KIND_NETWORK, /* networkConnectionEvidence, dnsEvidence, nicEvidence */
	FMT_KIND_APPLICATION, /* cloudApplication, oauthApplication, servicePrincipal, aiAgent */
	FMT_KIND_LOGON, /* cloudLogonRequest, cloudLogonSession, hostLogonSession */
	FMT_KIND_GROUP, /* securityGroupEvidence, activeDirectoryDomainEvidence */
	FMT_KIND_MALWARE, /* malwareEvidence */
	FMT_KINDS,
};

/* More kinds may come; they do not move what is behind fmt_alert.primary. */
#define FMT_KIND_ROOM 32

/* One piece of evidence: its scalar fields in the order they came, arrays of scalars as one field
 * per item. The id says what a field means whichever source or path it came from, so the program
 * file of a process and a file evidence both carry FMT_FILE_NAME. */
struct fmt_field {
	uint32_t id; /* enum fmt_field_id */
	struct fmt_str value;
};

#define FMT_FIELD(id, name) id,
enum fmt_field_id {
	FMT_FIELD_NONE,
#include "fields.def"
	FMT_FIELD_IDS,
};
#undef FMT_FIELD

struct fmt_evidence {
	enum fmt_kind kind;
	struct fmt_str
		type; /* "processEvidence": without the namespace; "" when the vendor named none */
	int64_t created;
	const struct fmt_field *fields;
	size_t field_count;
	struct fmt_str raw; /* its JSON object, as the vendor sent it; or none */
};

struct fmt_comment {
	struct fmt_str text;
	struct fmt_str author;
	int64_t created;
};

enum fmt_value_type { FMT_VALUE_TEXT, FMT_VALUE_NUMBER, FMT_VALUE_BOOL };

/* A value from the vendor's JSON for a rule of the field map. A number and a boolean are spelled as
 * JSON does. */
struct fmt_added {
	enum fmt_value_type type;
	struct fmt_str value; /* empty: this alert has none */
};

struct fmt_alert {
	uint32_t struct_size;

	/* Whose alert: the name in the configuration (the stable key for SIEM rules), the name for
	 * people, and the vendor's tenant id. */
	struct fmt_str customer;
	struct fmt_str customer_name;
	struct fmt_str tenant_id;

	const char *source; /* "graph-alerts" */
	/* id + version identify what was sent: a repeat carries the same two. The version is 16 hex
	 * digits over the fields that the feed's update policy names. */
	struct fmt_str id;
	struct fmt_str version;

	struct fmt_str provider_alert_id;
	struct fmt_str incident_id;
	struct fmt_str title;
	struct fmt_str description;
	struct fmt_str recommended_actions;
	struct fmt_str category;
	struct fmt_list categories;
	struct fmt_list mitre_techniques;
	struct fmt_list system_tags;
	enum fmt_severity severity;
	struct fmt_str severity_text;
	struct fmt_str status;
	struct fmt_str classification;
	struct fmt_str determination;
	struct fmt_str assigned_to;
	struct fmt_str investigation_state;
	struct fmt_str service_source;
	struct fmt_str detection_source;
	struct fmt_str product_name;
	struct fmt_str detector_id;
	struct fmt_str alert_policy_id;
	struct fmt_str actor;
	struct fmt_str threat_name;
	struct fmt_str threat_family;
	struct fmt_str alert_url;
	struct fmt_str incident_url;
	int64_t created;
	int64_t updated;
	int64_t resolved;
	int64_t first_activity;
	int64_t last_activity;
	const struct fmt_comment *comments;
	size_t comment_count;

	const struct fmt_evidence *evidence;
	size_t evidence_count;
	/* Of each kind the one that says most (rules in connector/alert/alert.h), or NULL. */
	const struct fmt_evidence *primary[FMT_KIND_ROOM];
	/* Addresses by their part in the event: evidence with that role, or NULL. */
	const struct fmt_evidence *source_ip;
	const struct fmt_evidence *destination_ip;

	/* Raw JSON: one value each, raw an object, or none. A parser has read it, so its tokens are
	 * right and controls stand only between them; but strings may hold bad UTF-8 and lone
	 * surrogates, and there may be white space. */
	struct fmt_str custom_details;
	struct fmt_str additional_data;
	struct fmt_str raw; /* the vendor's alert */

	const char *kind; /* "alert", "incident"; NULL is "alert" */
	struct fmt_str
		redirect_incident_id; /* the incident that this one was merged into */
	struct fmt_list custom_tags; /* set by people */
	struct fmt_str investigation_id;
	struct fmt_str external_id,
		indicator_id; /* ExternalId, IocUniqueId of the SIEM API */
	/* of incidents */
	struct fmt_str summary;
	struct fmt_str resolving_comment;
	struct fmt_str last_modified_by;
	struct fmt_str priority_score; /* 0 to 100 */

	/* A destination with `events: evidence` gets a message for each piece of evidence, with that
	 * piece alone above: which of how many this is, from 1. A SIEM that drops repeats knows it by
	 * id, version and number. 0: the alert is one message. */
	uint32_t event_number;
	uint32_t event_count;
	/* One for each rule that fmt_module.fields() was given, when it was given any: what an
	 * FMT_RULE_ADD without a constant adds. */
	const struct fmt_added *added;
	size_t added_count;
};

/* Does the alert of this host have the member? */
#define FMT_HAS(alert, member)                                                         \
	((alert)->struct_size >=                                                       \
		offsetof(struct fmt_alert, member) + sizeof((alert)->member))

/* Output that grows to a stated maximum. A formatter writes through fmt_room() or fmt_put();
 * past the maximum both refuse and set `full`, and what was written before stays. */
struct fmt_out {
	char *p;
	size_t n; /* written */
	size_t room; /* allocated */
	size_t maximum; /* never more than this many octets */
	int full;
	int (*grow)(
		struct fmt_out *out, size_t want); /* 1 when room >= want now, else 0 */
};

/* What became of one value, told to who asks for it (`alertrelay preview --explain`). */
enum fmt_fate {
	FMT_WRITTEN, /* it stands in the message */
	FMT_CUT, /* it does, but not to its end; told before FMT_WRITTEN */
	FMT_SHED, /* left out; why says the reason */
	FMT_DROPPED, /* left out by a rule of the field map */
};

struct fmt_told {
	enum fmt_fate fate;
	/* A key of pairs, a path of JSON (a.b[2].c), the name of a part of a header ("header: name"). The
	 * same for the same value whatever the maximum: indices count what is shed as well. */
	struct fmt_str key;
	struct fmt_str
		shown; /* the key in the message where that is another one; or empty */
	struct fmt_str label; /* of keys with a label; or empty */
	struct fmt_str
		value; /* as written, escapes included; of FMT_SHED what would have been */
	const char *why; /* a phrase for people; or NULL */
	size_t from, to; /* FMT_CUT: octets of the value and of what is written of it */
	int structured_data; /* 1: there, and not in the body */
};

/* tell() gets all that is in the message and all that would be there otherwise. Strings live until
 * it returns. */
struct fmt_trace {
	void (*tell)(struct fmt_trace *trace, const struct fmt_told *told);
	/* Of the host: the message is written anew, and what was told before does not count. */
	void (*begin)(struct fmt_trace *trace);
};

/* What one alert becomes. The structured data (RFC 5424 section 6.3: zero or more complete
 * [elements]) stays empty for formats that have none. */
struct fmt_message {
	struct fmt_out *body;
	struct fmt_out *structured_data;
	/* What is not whole: fields left out because of the maximum, and texts cut because of it or of
	 * the format's own limits. The host counts them. */
	unsigned shed_fields;
	unsigned cut_texts;
	/* NULL: nobody asks, as ever while alerts are sent. Who never tells anything is taken for one that
	 * cannot explain itself. */
	struct fmt_trace *trace;
};

enum fmt_result {
	FMT_OK = 0,
	FMT_TOO_SMALL, /* not even the fields that always stay fit the maximum */
	FMT_REJECT, /* this alert cannot be written in this format */
};

struct fmt_option {
	const char *name;
	const char *value;
};

/* An option that a formatter takes; the table ends with name == NULL. */
struct fmt_option_info {
	const char *name;
	const char *default_value;
	const char *help;
};

/* The field map of a destination: what is other than the format has it by itself. All rules speak of
 * what the format writes without them, so their order is of no account. */
enum fmt_rule_kind { FMT_RULE_ADD, FMT_RULE_RENAME, FMT_RULE_DROP, FMT_RULE_WORDS };

/* A value that is written as another: "inProgress" as "assigned". */
struct fmt_word {
	const char *from; /* the whole value; ASCII letters without case */
	const char *to;
};

struct fmt_rule {
	enum fmt_rule_kind kind;
	const char *
		key; /* RENAME, DROP, WORDS: one that the format writes; ADD: a new one */
	const char *to; /* RENAME: its new name; else NULL */
	const char *label; /* ADD, RENAME: for formats that have labels; or NULL */
	const char *value; /* ADD: the constant; NULL: fmt_alert.added has the value */
	const struct fmt_word
		*words; /* WORDS: at least one; no two have the same `from` */
	size_t word_count;
};

/* The rule's number, and a sentence that says what is wrong with it and what would be right. */
typedef void fmt_wrong(void *context, size_t rule, const char *text);

#define FMT_RULES_MAX 64 /* of which at most FMT_RULES_ADD_MAX add */
#define FMT_RULES_ADD_MAX 32
#define FMT_WORDS_MAX 64 /* of a rule */
#define FMT_WORD_MAX 200 /* octets; from and to are never empty */

#define FMT_MODULE_NAME 40

struct fmt_module {
	uint32_t abi_version; /* FMT_ABI; checked before anything else is read */
	uint32_t struct_size; /* sizeof(struct fmt_module) */
	/* Of a to z, 0 to 9 and "-", at most FMT_MODULE_NAME; a module's file is called like that, with
	 * ".so" behind it. */
	const char *name;
	const char *help; /* a sentence for people */
	const struct fmt_option_info *options; /* NULL: there are none */
	/* Checks the options and keeps what it needs. NULL on failure, with a sentence in error that
	 * names the option, what is wrong and what would be right. */
	void *(*open)(const struct fmt_option *options, size_t count, char *error,
		size_t error_size);
	/* Appends to message->body and message->structured_data, both empty at the call. One line of
	 * UTF-8, never nothing: never a control character, but for TAB in a body where a format wants
	 * it as a delimiter. Who goes on after an output was full says so in shed_fields or cut_texts.
	 * What a module gives that breaks this is not sent. It may be called twice for one alert. */
	enum fmt_result (*format)(
		void *self, const struct fmt_alert *alert, struct fmt_message *message);
	void (*close)(void *self);
	/* What came later: a module that ends before it is taken as well. */
	const char *version; /* of the module, for people; or NULL */
	/* Takes the field map, before the first format(); the rules outlive self. 0 when a rule is not
	 * right: each that is not is told by wrong(). NULL: the module takes no field map. */
	int (*fields)(void *self, const struct fmt_rule *rules, size_t count,
		fmt_wrong *wrong, void *context);
};

/* What a module defines, and all that it exports. */
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
extern const struct fmt_module fmt_module;

/* Room for n more octets at the end, or NULL when that would pass the maximum. The caller adds what
 * it used to out->n. */
static inline char *fmt_room(struct fmt_out *out, size_t n)
{
	/* A buffer used again may have more room than this message may take. */
	if (out->n > out->maximum || n > out->maximum - out->n ||
		(n > out->room - out->n && !out->grow(out, out->n + n))) {
		out->full = 1;
		return NULL;
	}
	return out->p + out->n;
}

static inline int fmt_put(struct fmt_out *out, const char *p, size_t n)
{
	char *to = fmt_room(out, n);

	if (!to)
		return 0;
	if (n)
		memcpy(to, p, n);
	out->n += n;
	return 1;
}

/* The first field with this id, or an empty string. */
static inline struct fmt_str fmt_get(
	const struct fmt_evidence *evidence, enum fmt_field_id id)
{
	static const struct fmt_str none = {NULL, 0};

	if (!evidence)
		return none;
	for (size_t i = 0; i < evidence->field_count; i++)
		if (evidence->fields[i].id == (uint32_t)id)
			return evidence->fields[i].value;
	return none;
}

#ifdef __cplusplus
}
#endif

#endif
