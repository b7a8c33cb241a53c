/* ecs.c - an alert as a document of the Elastic Common Schema.
 *
 * Purpose:  fields of the schema for what it knows; microsoft.defender.* under the vendor's own names
 *           for the rest, each piece of evidence among it; alertrelay.* for the customer and the relay.
 * Shape:    one pass over the evidence collects what the document begins with, one over each primary
 *           piece fills the fields of the schema. When it must fit, parts go as their ranks say.
 * Source:   ECS 8.17: its closed lists of event.kind, .category, .type; lower case for host.name.
 * Tests:    unit/test_ecs.c, tests/golden */
#include "address.h"
#include "json_alert.h"
#include "json_writer.h"
#include "registry.h"
#include "severity.h"

#define ECS_VERSION "8.17.0"
#define JOIN_MAX 4096u

/* event.category, in the order of the schema's list. */
enum category {
	AUTHENTICATION,
	EMAIL,
	FILES,
	HOST,
	IAM,
	INTRUSION_DETECTION,
	MALWARE,
	NETWORK,
	PROCESS,
	REGISTRY,
	WEB,
	CATEGORIES,
};

/* What all the evidence together says. */
struct facts {
	unsigned categories;
	int denied; /* something was blocked or prevented */
	struct value_set hosts, users, hashes, addresses;
	struct fmt_str verdict; /* the worst */
	size_t used; /* of pool */
	char pool[VALUE_SET_MAX][ADDRESS_SIZE];
};

#define KEY(name) JSON_NAME(name)

static void add_address(struct facts *facts, struct fmt_str s)
{
	char *text;

	if (facts->used == VALUE_SET_MAX || !s.n)
		return;
	text = facts->pool[facts->used];
	if (address_read(s, text) == ADDRESS_NONE)
		return;
	facts->used += value_set_add(&facts->addresses, text_str(text), 0) != 0;
}

/* Where a field of evidence is collected. */
enum collected {
	COLLECT_NOTHING,
	COLLECT_HOST,
	COLLECT_USER,
	COLLECT_HASH,
	COLLECT_ADDRESS,
	COLLECT_ACTION,
	COLLECT_VERDICT,
};

static const uint8_t collected[FMT_FIELD_IDS] = {
	[FMT_DEVICE_DNS_NAME] = COLLECT_HOST,
	[FMT_DEVICE_HOST_NAME] = COLLECT_HOST,
	[FMT_DOMAIN_NAME] = COLLECT_HOST,
	[FMT_USER_NAME] = COLLECT_USER,
	[FMT_USER_UPN] = COLLECT_USER,
	[FMT_DEVICE_LOGGED_ON_USER] = COLLECT_USER,
	[FMT_MAILBOX_ADDRESS] = COLLECT_USER,
	[FMT_FILE_MD5] = COLLECT_HASH,
	[FMT_FILE_SHA1] = COLLECT_HASH,
	[FMT_FILE_SHA256] = COLLECT_HASH,
	[FMT_HASH_VALUE] = COLLECT_HASH,
	[FMT_PARENT_FILE_MD5] = COLLECT_HASH,
	[FMT_PARENT_FILE_SHA1] = COLLECT_HASH,
	[FMT_PARENT_FILE_SHA256] = COLLECT_HASH,
	[FMT_IP_ADDRESS] = COLLECT_ADDRESS,
	[FMT_SOURCE_ADDRESS] = COLLECT_ADDRESS,
	[FMT_DESTINATION_ADDRESS] = COLLECT_ADDRESS,
	[FMT_DEVICE_LAST_IP] = COLLECT_ADDRESS,
	[FMT_DEVICE_LAST_EXTERNAL_IP] = COLLECT_ADDRESS,
	[FMT_DEVICE_IP] = COLLECT_ADDRESS,
	[FMT_MESSAGE_SENDER_IP] = COLLECT_ADDRESS,
	[FMT_DNS_SERVER] = COLLECT_ADDRESS,
	[FMT_ACCESS_ADDRESS] = COLLECT_ADDRESS,
	[FMT_DETECTION_STATUS] = COLLECT_ACTION,
	[FMT_REMEDIATION_STATUS] = COLLECT_ACTION,
	[FMT_VERDICT] = COLLECT_VERDICT,
};

static void collect_field(
	struct facts *facts, enum collected what, struct fmt_str s, unsigned *rank)
{
	unsigned own;

	switch (what) {
	case COLLECT_HOST:
		value_set_add(&facts->hosts, s, 1);
		break;
	case COLLECT_USER:
		value_set_add(&facts->users, s, 1);
		break;
	case COLLECT_HASH:
		value_set_add(&facts->hashes, s, 1);
		break;
	case COLLECT_ADDRESS:
		add_address(facts, s);
		break;
	case COLLECT_ACTION:
		facts->denied |= text_equal_nocase(s, "blocked") ||
				 text_equal_nocase(s, "prevented");
		break;
	case COLLECT_VERDICT:
		own = value_verdict(s);
		if (own > *rank) {
			*rank = own;
			facts->verdict = s;
		}
		break;
	case COLLECT_NOTHING:
		break;
	}
}

static int has_malware(const struct fmt_alert *alert)
{
	struct fmt_str s = text_trim(alert->category),
		       t = text_trim(alert->determination);

	return text_equal_nocase(s, "malware") || text_equal_nocase(s, "ransomware") ||
	       text_equal_nocase(t, "malware");
}

static void collect(struct facts *facts, const struct fmt_alert *alert)
{
	static const unsigned categories[FMT_KINDS] = {
		[FMT_KIND_DEVICE] = 1u << HOST,
		[FMT_KIND_USER] = 1u << IAM,
		[FMT_KIND_PROCESS] = 1u << PROCESS,
		[FMT_KIND_FILE] = 1u << FILES,
		[FMT_KIND_IP] = 1u << NETWORK,
		[FMT_KIND_URL] = 1u << WEB,
		[FMT_KIND_MAILBOX] = 1u << EMAIL,
		[FMT_KIND_MESSAGE] = 1u << EMAIL,
		[FMT_KIND_REGISTRY] = 1u << REGISTRY,
		[FMT_KIND_NETWORK] = 1u << NETWORK,
		[FMT_KIND_LOGON] = 1u << AUTHENTICATION,
		[FMT_KIND_GROUP] = 1u << IAM,
		[FMT_KIND_MALWARE] = 1u << MALWARE,
	};
	unsigned rank = 0;

	facts->categories = 1u << INTRUSION_DETECTION;
	if (has_malware(alert))
		facts->categories |= 1u << MALWARE;
	facts->denied = 0;
	facts->used = 0;
	facts->verdict = (struct fmt_str){NULL, 0};
	facts->hosts.count = facts->hosts.full = 0;
	facts->users.count = facts->users.full = 0;
	facts->hashes.count = facts->hashes.full = 0;
	facts->addresses.count = facts->addresses.full = 0;
	for (size_t i = 0; i < alert->evidence_count; i++) {
		const struct fmt_evidence *evidence = &alert->evidence[i];

		if ((unsigned)evidence->kind < FMT_KINDS)
			facts->categories |= categories[evidence->kind];
		for (size_t k = 0; k < evidence->field_count; k++) {
			const struct fmt_field *field = &evidence->fields[k];

			if (field->id < FMT_FIELD_IDS && collected[field->id])
				collect_field(facts,
					(enum collected)collected[field->id],
					text_trim(field->value), &rank);
		}
	}
}

/* Letters of ASCII; what was escaped is lower case as it is. */
static void put_lower(
	struct json_writer *w, struct json_name name, struct fmt_str s, int element)
{
	size_t from;

	if (!s.n)
		return;
	if (element)
		json_next(w);
	else if (!json_key(w, name, 0))
		return;
	from = (size_t)(w->p - w->out->p);
	json_string(w, s);
	if (w->full)
		return;
	for (char *p = w->out->p + from; p < w->p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p |= 0x20;
}

static void put_event(struct json_writer *w, const struct json_document *self,
	const struct fmt_alert *alert, const struct facts *facts)
{
	static const char *const categories[CATEGORIES] = {
		[AUTHENTICATION] = "authentication",
		[EMAIL] = "email",
		[FILES] = "file",
		[HOST] = "host",
		[IAM] = "iam",
		[INTRUSION_DETECTION] = "intrusion_detection",
		[MALWARE] = "malware",
		[NETWORK] = "network",
		[PROCESS] = "process",
		[REGISTRY] = "registry",
		[WEB] = "web",
	};
	struct fmt_str s;
	uint64_t score;

	json_literal(w, ",\"event\":{\"kind\":\"alert\",\"category\":[");
	for (unsigned i = 0; i < CATEGORIES; i++) {
		if (!(facts->categories >> i & 1))
			continue;
		json_next(w);
		json_string(w, text_str(categories[i]));
	}
	json_literal(w, "],\"type\":[\"info\"");
	if (facts->categories >> REGISTRY & 1)
		json_literal(w, ",\"access\"");
	if (facts->denied)
		json_literal(w, ",\"denied\"");
	json_literal(w, "]");
	json_number(w, KEY("severity"), self->severity.level[severity_of(alert)]);
	json_member(w, KEY("id"), alert->id, JSON_FIXED);
	json_member(w, KEY("action"), alert->category, JSON_USEFUL);
	s = text_trim(alert->detection_source);
	if (value_is_nothing(s))
		s = text_trim(alert->service_source);
	json_member(w, KEY("provider"), s, JSON_USEFUL);
	json_literal(w, ",\"module\":\"microsoft_defender\"");
	json_member(w, KEY("dataset"),
		alert->kind && !strcmp(alert->kind, "incident")
			? text_str("microsoft_defender.incident")
			: text_str("microsoft_defender.alert"),
		JSON_FIXED);
	json_time(w, KEY("created"), alert->created, JSON_FIXED);
	json_time(w, KEY("start"), alert->first_activity, JSON_USEFUL);
	json_time(w, KEY("end"), alert->last_activity, JSON_USEFUL);
	json_member(w, KEY("url"), alert->alert_url, JSON_FIXED);
	json_member(w, KEY("reference"), alert->alert_url, JSON_TWICE);
	if (value_number(text_trim(alert->priority_score), 100, &score))
		json_number(w, KEY("risk_score"), score);
	if (self->original)
		json_member(w, KEY("original"), alert->raw, JSON_ORIGINAL);
	json_literal(w, "}");
}

static void put_rule(struct json_writer *w, const struct fmt_alert *alert)
{
	struct json_open rule = json_open(w, KEY("rule"), '{');

	json_member(w, KEY("id"), alert->detector_id, JSON_USEFUL);
	json_long(w, KEY("name"), alert->title, JSON_TWICE, JSON_CUT_TITLE);
	json_member(w, KEY("category"), alert->category, JSON_OPTIONAL);
	json_long(w, KEY("description"), alert->description, JSON_USEFUL,
		JSON_CUT_DESCRIPTION);
	json_close(w, rule, JSON_FIXED);
}

static void put_tactics(struct json_writer *w, const struct fmt_alert *alert)
{
	const struct value_tactic *tactics[14] = {NULL};
	size_t count = 0;
	struct json_open tactic;

	for (size_t i = 0; i <= alert->categories.count && count < 14; i++) {
		const struct value_tactic *found = value_tactic(text_trim(
			i ? alert->categories.items[i - 1] : alert->category));
		size_t k = 0;

		while (found && k < count && tactics[k] != found)
			k++;
		if (found && k == count)
			tactics[count++] = found;
	}
	if (!count)
		return;
	tactic = json_open(w, KEY("tactic"), '{');
	for (int names = 0; names < 2; names++) {
		json_octets(w, names ? ",\"name\":[" : "\"id\":[", names ? 9 : 6);
		for (size_t i = 0; i < count; i++) {
			json_next(w);
			json_string(
				w, text_str(names ? tactics[i]->name : tactics[i]->id));
		}
		json_literal(w, "]");
	}
	json_close(w, tactic, JSON_FIXED);
}

static void put_threat(struct json_writer *w, const struct fmt_alert *alert)
{
	struct value_set techniques, subs;
	struct json_open threat = json_open(w, KEY("threat"), '{'), inner, deeper;

	techniques.count = techniques.full = subs.count = subs.full = 0;
	for (size_t i = 0; i < alert->mitre_techniques.count; i++) {
		struct fmt_str s = text_trim(alert->mitre_techniques.items[i]);
		int is_sub;
		struct fmt_str technique = value_technique(s, &is_sub);

		value_set_add(&techniques, technique.n ? technique : s, 0);
		if (technique.n && is_sub)
			value_set_add(&subs, s, 0);
	}
	put_tactics(w, alert);
	inner = json_open(w, KEY("technique"), '{');
	json_set(w, KEY("id"), &techniques, JSON_FIXED);
	deeper = json_open(w, KEY("subtechnique"), '{');
	json_set(w, KEY("id"), &subs, JSON_FIXED);
	json_close(w, deeper, JSON_FIXED);
	json_close(w, inner, JSON_FIXED);
	inner = json_open(w, KEY("group"), '{');
	json_member(w, KEY("name"), alert->actor, JSON_FIXED);
	json_close(w, inner, JSON_FIXED);
	inner = json_open(w, KEY("software"), '{');
	json_member(w, KEY("name"), alert->threat_name, JSON_FIXED);
	json_close(w, inner, JSON_FIXED);
	if (!w->full && w->p[-1] != '{')
		json_literal(w, ",\"framework\":\"MITRE ATT&CK\"");
	json_close(w, threat, JSON_USEFUL);
}

static void put_whose(struct json_writer *w, const struct fmt_alert *alert)
{
	struct json_open open = json_open(w, KEY("organization"), '{'), inner;

	json_member(w, KEY("id"), alert->customer, JSON_FIXED);
	json_member(w, KEY("name"), alert->customer_name, JSON_FIXED);
	json_close(w, open, JSON_FIXED);
	open = json_open(w, KEY("cloud"), '{');
	json_literal(w, "\"provider\":\"azure\"");
	inner = json_open(w, KEY("account"), '{');
	json_member(w, KEY("id"), alert->tenant_id, JSON_FIXED);
	json_close(w, inner, JSON_FIXED);
	json_close(w, open, JSON_FIXED);
	json_literal(w, ",\"observer\":{\"vendor\":\"Microsoft\"");
	json_member(w, KEY("product"), value_product(alert), JSON_FIXED);
	json_literal(w, "}");
}

/* host.mac: as RFC 7042 writes it, with dashes and upper case. */
static void put_mac(struct json_writer *w, struct fmt_str s)
{
	char mac[18];

	if (!address_read_mac(s, mac))
		return;
	for (char *p = mac; *p; p++)
		*p = *p == ':' ? '-' : *p >= 'a' && *p <= 'f' ? (char)(*p - 32) : *p;
	json_literal(w, ",\"mac\":[");
	json_string(w, text_str(mac));
	json_literal(w, "]");
}

static void put_addresses(struct json_writer *w, const struct fmt_evidence *device)
{
	struct value_set set = {.count = 0};
	char pool[8][ADDRESS_SIZE];

	for (size_t i = 0; i < device->field_count && set.count < 8; i++) {
		const struct fmt_field *field = &device->fields[i];

		if ((field->id == FMT_DEVICE_LAST_IP || field->id == FMT_DEVICE_IP) &&
			address_read(text_trim(field->value), pool[set.count]) !=
				ADDRESS_NONE)
			value_set_add(&set, text_str(pool[set.count]), 0);
	}
	json_set(w, KEY("ip"), &set, JSON_FIXED);
}

static const char *os_type(struct fmt_str os)
{
	static const struct {
		const char *begins, *type;
	} types[] = {{"windows", "windows"}, {"linux", "linux"}, {"macos", "macos"},
		{"mac", "macos"}, {"ubuntu", "linux"}, {"debian", "linux"},
		{"redhat", "linux"}, {"centos", "linux"}, {"suse", "linux"},
		{"fedora", "linux"}, {"amazon", "linux"}, {"oracle", "linux"},
		{"android", "android"}, {"ios", "ios"}};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		size_t n = strlen(types[i].begins);

		if (os.n >= n && text_same_nocase(os.p, types[i].begins, n))
			return types[i].type;
	}
	return NULL;
}

static void put_host(struct json_writer *w, const struct fmt_alert *alert)
{
	struct view v;
	struct json_open host, os;
	struct fmt_str s;
	const char *type;

	if (!alert->primary[FMT_KIND_DEVICE])
		return;
	view_open(&v, alert->primary[FMT_KIND_DEVICE]);
	host = json_open(w, KEY("host"), '{');
	put_lower(w, KEY("name"),
		view_first(&v, FMT_DEVICE_DNS_NAME, FMT_DEVICE_HOST_NAME), 0);
	json_member(w, KEY("hostname"),
		view_first(&v, FMT_DEVICE_HOST_NAME, FMT_DEVICE_DNS_NAME), JSON_FIXED);
	json_member(w, KEY("id"), view_get(&v, FMT_DEVICE_ID), JSON_FIXED);
	json_member(w, KEY("domain"),
		view_first(&v, FMT_DEVICE_NT_DOMAIN, FMT_DEVICE_DNS_DOMAIN),
		JSON_FIXED);
	put_addresses(w, v.evidence);
	if (!w->full && w->p[-1] != '{')
		put_mac(w, view_get(&v, FMT_DEVICE_MAC));
	json_member(w, KEY("type"), view_get(&v, FMT_DEVICE_TYPE), JSON_FIXED);
	os = json_open(w, KEY("os"), '{');
	s = view_get(&v, FMT_DEVICE_OS);
	json_member(w, KEY("name"), s, JSON_FIXED);
	type = os_type(s);
	if (type)
		json_member(w, KEY("type"), text_str(type), JSON_FIXED);
	s = view_get(&v, FMT_DEVICE_OS_VERSION);
	json_member(w, KEY("version"), s, JSON_FIXED);
	json_member(w, KEY("kernel"), view_get(&v, FMT_DEVICE_OS_BUILD), JSON_FIXED);
	json_close(w, os, JSON_FIXED);
	json_close(w, host, JSON_USEFUL);
}

/* The members of an account; what is open stays open. */
static void put_account(struct json_writer *w, const struct view *v)
{
	struct fmt_str name = view_get(v, FMT_USER_NAME),
		       upn = view_get(v, FMT_USER_UPN), id = view_get(v, FMT_USER_SID);

	if (!name.n)
		name = upn;
	json_member(w, KEY("name"), name, JSON_FIXED);
	json_member(w, KEY("domain"), view_get(v, FMT_USER_DOMAIN), JSON_FIXED);
	json_member(w, KEY("id"), id.n ? id : view_get(v, FMT_USER_AAD_ID), JSON_FIXED);
	if (value_is_mail(upn))
		json_member(w, KEY("email"), upn, JSON_FIXED);
	json_member(
		w, KEY("full_name"), view_get(v, FMT_USER_DISPLAY_NAME), JSON_FIXED);
}

static void put_user(struct json_writer *w, const struct fmt_alert *alert)
{
	static const enum fmt_kind kinds[] = {
		FMT_KIND_USER, FMT_KIND_PROCESS, FMT_KIND_LOGON, FMT_KIND_MAILBOX};
	struct json_open user = json_open(w, KEY("user"), '{');
	struct view v;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!alert->primary[kinds[i]])
			continue;
		view_open(&v, alert->primary[kinds[i]]);
		put_account(w, &v);
		if (w->full || w->p[-1] != '{')
			break;
	}
	json_close(w, user, JSON_USEFUL);
}

struct hash_ids {
	enum fmt_field_id md5, sha1, sha256;
};
static const struct hash_ids file_hashes = {
	FMT_FILE_MD5, FMT_FILE_SHA1, FMT_FILE_SHA256};
static const struct hash_ids parent_hashes = {
	FMT_PARENT_FILE_MD5, FMT_PARENT_FILE_SHA1, FMT_PARENT_FILE_SHA256};

static void put_hashes(
	struct json_writer *w, const struct view *v, const struct hash_ids *ids)
{
	struct json_open hash = json_open(w, KEY("hash"), '{');
	struct fmt_str md5 = view_get(v, ids->md5), sha1 = view_get(v, ids->sha1),
		       sha256 = view_get(v, ids->sha256);
	struct fmt_str kind = view_get(v, FMT_HASH_ALGORITHM),
		       value = view_get(v, FMT_HASH_VALUE);

	if (ids == &file_hashes) {
		if (!md5.n && text_equal_nocase(kind, "md5"))
			md5 = value;
		if (!sha1.n && text_equal_nocase(kind, "sha1"))
			sha1 = value;
		if (!sha256.n && text_equal_nocase(kind, "sha256"))
			sha256 = value;
	}
	json_member(w, KEY("md5"), md5, JSON_FIXED);
	json_member(w, KEY("sha1"), sha1, JSON_FIXED);
	json_member(w, KEY("sha256"), sha256, JSON_FIXED);
	json_close(w, hash, JSON_FIXED);
}

static void put_process(struct json_writer *w, const struct fmt_alert *alert)
{
	struct view v;
	struct json_open process, parent;
	uint64_t pid;

	if (!alert->primary[FMT_KIND_PROCESS])
		return;
	view_open(&v, alert->primary[FMT_KIND_PROCESS]);
	process = json_open(w, KEY("process"), '{');
	if (value_number(view_get(&v, FMT_PROCESS_ID), VALUE_SAFE_MAX, &pid))
		json_number(w, KEY("pid"), pid);
	json_member(w, KEY("name"), view_get(&v, FMT_FILE_NAME), JSON_FIXED);
	json_path(w, KEY("executable"), view_get(&v, FMT_FILE_PATH),
		view_get(&v, FMT_FILE_NAME));
	json_long(w, KEY("command_line"), view_get(&v, FMT_PROCESS_COMMAND_LINE),
		JSON_FIXED, JSON_CUT_TEXT);
	json_time(w, KEY("start"), value_time(view_get(&v, FMT_PROCESS_CREATED)),
		JSON_FIXED);
	put_hashes(w, &v, &file_hashes);
	parent = json_open(w, KEY("parent"), '{');
	if (value_number(view_get(&v, FMT_PARENT_PROCESS_ID), VALUE_SAFE_MAX, &pid))
		json_number(w, KEY("pid"), pid);
	json_member(w, KEY("name"), view_get(&v, FMT_PARENT_FILE_NAME), JSON_FIXED);
	json_path(w, KEY("executable"), view_get(&v, FMT_PARENT_FILE_PATH),
		view_get(&v, FMT_PARENT_FILE_NAME));
	json_time(w, KEY("start"), value_time(view_get(&v, FMT_PARENT_PROCESS_CREATED)),
		JSON_FIXED);
	put_hashes(w, &v, &parent_hashes);
	json_close(w, parent, JSON_FIXED);
	json_close(w, process, JSON_USEFUL);
}

static void put_file(struct json_writer *w, const struct fmt_alert *alert)
{
	struct view v;
	struct json_open file, signature;
	struct fmt_str name, folder;
	uint64_t size;

	if (!alert->primary[FMT_KIND_FILE])
		return;
	view_open(&v, alert->primary[FMT_KIND_FILE]);
	file = json_open(w, KEY("file"), '{');
	name = view_get(&v, FMT_FILE_NAME);
	folder = view_get(&v, FMT_FILE_PATH);
	json_member(w, KEY("name"), name, JSON_FIXED);
	json_path(w, KEY("path"), folder, name);
	if (!value_path_is_whole(folder, name))
		json_member(w, KEY("directory"), folder, JSON_FIXED);
	if (value_number(view_get(&v, FMT_FILE_SIZE), VALUE_SAFE_MAX, &size))
		json_number(w, KEY("size"), size);
	put_hashes(w, &v, &file_hashes);
	signature = json_open(w, KEY("code_signature"), '{');
	json_member(w, KEY("subject_name"), view_get(&v, FMT_FILE_SIGNER), JSON_FIXED);
	json_close(w, signature, JSON_FIXED);
	json_close(w, file, JSON_USEFUL);
}

/* "HKEY_LOCAL_MACHINE" as the schema wants it: HKLM. */
static struct fmt_str short_hive(struct fmt_str hive)
{
	static const char *const names[][2] = {{"HKEY_LOCAL_MACHINE", "HKLM"},
		{"HKEY_CURRENT_USER", "HKCU"}, {"HKEY_USERS", "HKU"},
		{"HKEY_CLASSES_ROOT", "HKCR"}, {"HKEY_CURRENT_CONFIG", "HKCC"}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (text_equal_nocase(hive, names[i][0]))
			return text_str(names[i][1]);
	return hive;
}

static void put_registry(struct json_writer *w, const struct fmt_alert *alert)
{
	struct view v;
	struct json_open registry, data;
	struct fmt_str hive, key, value, s;
	char path[2 * JOIN_MAX + 2 + 64];
	size_t n;

	if (!alert->primary[FMT_KIND_REGISTRY])
		return;
	view_open(&v, alert->primary[FMT_KIND_REGISTRY]);
	registry = json_open(w, KEY("registry"), '{');
	hive = short_hive(view_get(&v, FMT_REGISTRY_HIVE));
	key = view_get(&v, FMT_REGISTRY_KEY);
	value = view_get(&v, FMT_REGISTRY_VALUE_NAME);
	json_member(w, KEY("hive"), hive, JSON_FIXED);
	json_member(w, KEY("key"), key, JSON_FIXED);
	json_member(w, KEY("value"), value, JSON_FIXED);
	if (hive.n && key.n && hive.n <= 64 && key.n <= JOIN_MAX &&
		value.n <= JOIN_MAX) {
		memcpy(path, hive.p, hive.n);
		n = hive.n;
		path[n++] = '\\';
		memcpy(path + n, key.p, key.n);
		n += key.n;
		if (value.n) {
			path[n++] = '\\';
			memcpy(path + n, value.p, value.n);
			n += value.n;
		}
		json_member(w, KEY("path"), (struct fmt_str){path, n}, JSON_FIXED);
	}
	data = json_open(w, KEY("data"), '{');
	json_member(w, KEY("type"), view_get(&v, FMT_REGISTRY_VALUE_TYPE), JSON_FIXED);
	s = view_get(&v, FMT_REGISTRY_VALUE);
	json_list(w, KEY("strings"), (struct fmt_list){&s, 1}, JSON_FIXED);
	json_close(w, data, JSON_FIXED);
	json_close(w, registry, JSON_USEFUL);
}

static void put_url(struct json_writer *w, const struct fmt_alert *alert)
{
	struct json_open url = json_open(w, KEY("url"), '{');
	struct fmt_str s = text_trim(fmt_get(alert->primary[FMT_KIND_URL], FMT_URL));

	json_member(w, KEY("original"), s, JSON_FIXED);
	if (value_has_scheme(s))
		json_member(w, KEY("full"), s, JSON_FIXED);
	json_close(w, url, JSON_USEFUL);
}

/* One end of a connection: text that is no address is kept as `address` alone. */
static void put_end(struct json_writer *w, struct json_name name, struct fmt_str text,
	struct fmt_str port, const struct fmt_evidence *place)
{
	struct json_open end = json_open(w, name, '{'), geo;
	char address[ADDRESS_SIZE];
	struct fmt_str country;
	uint64_t number;

	if (text.n && address_read(text, address) != ADDRESS_NONE) {
		json_member(w, KEY("address"), text_str(address), JSON_FIXED);
		json_member(w, KEY("ip"), text_str(address), JSON_FIXED);
	} else {
		json_member(w, KEY("address"), text, JSON_FIXED);
	}
	if (value_number(port, 65535, &number))
		json_number(w, KEY("port"), number);
	geo = json_open(w, KEY("geo"), '{');
	country = text_trim(fmt_get(place, FMT_IP_COUNTRY));
	if (value_is_country(country))
		json_member(w, KEY("country_iso_code"), country, JSON_FIXED);
	json_member(w, KEY("country_name"),
		text_trim(fmt_get(place, FMT_IP_COUNTRY_NAME)), JSON_FIXED);
	json_member(w, KEY("region_name"), text_trim(fmt_get(place, FMT_IP_STATE)),
		JSON_FIXED);
	json_member(w, KEY("city_name"), text_trim(fmt_get(place, FMT_IP_CITY)),
		JSON_FIXED);
	json_close(w, geo, JSON_FIXED);
	json_close(w, end, JSON_USEFUL);
}

/* The connection, whose addresses go with its ports, then the addresses with a role, then the mail's
 * sender, then an address without a role: of a process or device it is the far end, else (a logon)
 * where it came from. */
static void put_network(struct json_writer *w, const struct fmt_alert *alert)
{
	const struct fmt_evidence *net = alert->primary[FMT_KIND_NETWORK];
	const struct fmt_evidence *from = alert->source_ip, *to = alert->destination_ip;
	const struct fmt_evidence *ip = alert->primary[FMT_KIND_IP];
	struct fmt_str source = text_trim(fmt_get(net, FMT_SOURCE_ADDRESS));
	struct fmt_str target = text_trim(fmt_get(net, FMT_DESTINATION_ADDRESS)), s;
	struct json_open open, inner;

	if (source.n)
		from = NULL;
	else
		source = text_trim(fmt_get(from, FMT_IP_ADDRESS));
	if (target.n)
		to = NULL;
	else
		target = text_trim(fmt_get(to, FMT_IP_ADDRESS));
	if (!source.n)
		source = text_trim(fmt_get(
			alert->primary[FMT_KIND_MESSAGE], FMT_MESSAGE_SENDER_IP));
	if (ip && ip != alert->source_ip && ip != alert->destination_ip) {
		s = text_trim(fmt_get(ip, FMT_IP_ADDRESS));
		if (alert->primary[FMT_KIND_PROCESS] ||
			alert->primary[FMT_KIND_DEVICE]) {
			if (!target.n) {
				target = s;
				to = ip;
			}
		} else if (!source.n) {
			source = s;
			from = ip;
		}
	}
	put_end(w, KEY("source"), source, text_trim(fmt_get(net, FMT_SOURCE_PORT)),
		from);
	put_end(w, KEY("destination"), target,
		text_trim(fmt_get(net, FMT_DESTINATION_PORT)), to);
	if (!net)
		return;
	open = json_open(w, KEY("network"), '{');
	s = text_trim(fmt_get(net, FMT_PROTOCOL));
	if (!value_is_nothing(s))
		put_lower(w, KEY("transport"), s, 0);
	json_close(w, open, JSON_USEFUL);
	open = json_open(w, KEY("dns"), '{');
	inner = json_open(w, KEY("question"), '{');
	json_member(
		w, KEY("name"), text_trim(fmt_get(net, FMT_DOMAIN_NAME)), JSON_FIXED);
	json_close(w, inner, JSON_FIXED);
	json_close(w, open, JSON_USEFUL);
}

/* An array of one, as addresses of mail are. */
static void put_mail_address(
	struct json_writer *w, struct json_name name, struct fmt_str s, int array)
{
	struct json_open open = json_open(w, name, '{');

	if (array)
		json_list(w, KEY("address"), (struct fmt_list){&s, 1}, JSON_FIXED);
	else
		json_member(w, KEY("address"), s, JSON_FIXED);
	json_close(w, open, JSON_FIXED);
}

static void put_email(struct json_writer *w, const struct fmt_alert *alert)
{
	struct view v;
	struct json_open email;
	struct fmt_str s;

	if (!alert->primary[FMT_KIND_MESSAGE])
		return;
	view_open(&v, alert->primary[FMT_KIND_MESSAGE]);
	email = json_open(w, KEY("email"), '{');
	put_mail_address(w, KEY("from"), view_get(&v, FMT_MESSAGE_SENDER), 1);
	put_mail_address(
		w, KEY("sender"), view_get(&v, FMT_MESSAGE_ENVELOPE_SENDER), 0);
	put_mail_address(w, KEY("to"), view_get(&v, FMT_MESSAGE_RECIPIENT), 1);
	json_member(w, KEY("subject"), view_get(&v, FMT_MESSAGE_SUBJECT), JSON_FIXED);
	json_member(w, KEY("message_id"), view_get(&v, FMT_MESSAGE_ID), JSON_FIXED);
	json_member(
		w, KEY("local_id"), view_get(&v, FMT_MESSAGE_NETWORK_ID), JSON_FIXED);
	s = view_get(&v, FMT_MESSAGE_DIRECTION);
	if (!value_is_nothing(s))
		put_lower(w, KEY("direction"), s, 0);
	json_time(w, KEY("delivery_timestamp"),
		value_time(view_get(&v, FMT_MESSAGE_RECEIVED)), JSON_FIXED);
	json_close(w, email, JSON_USEFUL);
}

static void put_cloud(struct json_writer *w, const struct fmt_alert *alert)
{
	struct view v;
	struct json_open open, inner;

	if (!alert->primary[FMT_KIND_CLOUD_RESOURCE])
		return;
	view_open(&v, alert->primary[FMT_KIND_CLOUD_RESOURCE]);
	open = json_open(w, KEY("container"), '{');
	json_member(w, KEY("id"), view_get(&v, FMT_CONTAINER_ID), JSON_FIXED);
	inner = json_open(w, KEY("image"), '{');
	json_member(w, KEY("name"), view_get(&v, FMT_IMAGE_ID), JSON_FIXED);
	json_close(w, inner, JSON_FIXED);
	json_close(w, open, JSON_USEFUL);
	open = json_open(w, KEY("orchestrator"), '{');
	json_member(w, KEY("namespace"), view_get(&v, FMT_NAMESPACE), JSON_FIXED);
	inner = json_open(w, KEY("cluster"), '{');
	json_member(w, KEY("name"), view_get(&v, FMT_CLUSTER), JSON_FIXED);
	json_close(w, inner, JSON_FIXED);
	json_close(w, open, JSON_USEFUL);
}

static void put_others(struct json_writer *w, const struct fmt_alert *alert)
{
	const struct fmt_evidence *group = alert->primary[FMT_KIND_GROUP];
	struct json_open open;
	struct fmt_str s;

	open = json_open(w, KEY("user_agent"), '{');
	json_member(w, KEY("original"),
		text_trim(fmt_get(alert->primary[FMT_KIND_LOGON], FMT_USER_AGENT)),
		JSON_FIXED);
	json_close(w, open, JSON_USEFUL);
	if (!group)
		return;
	open = json_open(w, KEY("group"), '{');
	json_member(w, KEY("name"), text_trim(fmt_get(group, FMT_NAME)), JSON_FIXED);
	s = text_trim(fmt_get(group, FMT_GROUP_SID));
	json_member(w, KEY("id"), s.n ? s : text_trim(fmt_get(group, FMT_OBJECT_ID)),
		JSON_FIXED);
	json_close(w, open, JSON_USEFUL);
}

static void put_related(struct json_writer *w, const struct facts *facts)
{
	struct json_open related = json_open(w, KEY("related"), '{'), hosts;

	json_set(w, KEY("ip"), &facts->addresses, JSON_FIXED);
	json_set(w, KEY("user"), &facts->users, JSON_FIXED);
	json_set(w, KEY("hash"), &facts->hashes, JSON_FIXED);
	hosts = json_open(w, KEY("hosts"), '[');
	for (unsigned i = 0; i < facts->hosts.count; i++)
		put_lower(w, KEY(""), facts->hosts.items[i], 1);
	json_close(w, hosts, JSON_FIXED);
	json_close(w, related, JSON_OPTIONAL);
}

static void put_evidence(struct json_writer *w, const struct fmt_alert *alert)
{
	struct json_open list;

	if (!alert->evidence_count)
		return;
	list = json_open(w, KEY("evidence"), '[');
	for (size_t i = 0; i < alert->evidence_count && !w->full; i++) {
		const struct fmt_evidence *evidence = &alert->evidence[i];
		size_t part = 0;

		json_next(w);
		if (w->fit)
			part = json_begin_part(w);
		json_literal(w, "{");
		json_member(w, KEY("type"), evidence->type, JSON_FIXED);
		json_member(w, KEY("kind"), value_kind(evidence->kind), JSON_FIXED);
		json_time(w, KEY("createdDateTime"), evidence->created, JSON_FIXED);
		json_fields(w, evidence, NULL);
		if (evidence->kind == FMT_KIND_OTHER)
			json_raw_text(w, KEY("raw"), evidence->raw, JSON_FIXED);
		json_literal(w, "}");
		if (w->fit)
			json_end_part(w, part, json_evidence_rank(alert, evidence),
				JSON_FIXED, 0, 1);
	}
	json_close(w, list, JSON_OPTIONAL);
}

/* What the schema has no field for, under the names of Microsoft Graph. */
static void put_defender(
	struct json_writer *w, const struct fmt_alert *alert, const struct facts *facts)
{
	struct json_open open = json_open(w, KEY("microsoft"), '{'), inner;
	struct fmt_str severity = text_trim(alert->severity_text);
	enum fmt_severity level = severity_of(alert);

	if (!severity.n || level != FMT_SEVERITY_UNKNOWN)
		severity = text_str(severity_name(level));
	inner = json_open(w, KEY("defender"), '{');
	json_member(w, KEY("status"), alert->status, JSON_FIXED);
	json_member(w, KEY("severity"), severity, JSON_FIXED);
	json_member(w, KEY("incidentId"), alert->incident_id, JSON_FIXED);
	json_member(w, KEY("incidentWebUrl"), alert->incident_url, JSON_FIXED);
	json_member(
		w, KEY("redirectIncidentId"), alert->redirect_incident_id, JSON_FIXED);
	json_member(w, KEY("classification"), alert->classification, JSON_USEFUL);
	json_member(w, KEY("determination"), alert->determination, JSON_USEFUL);
	json_member(w, KEY("verdict"), facts->verdict, JSON_USEFUL);
	json_member(w, KEY("serviceSource"), alert->service_source, JSON_USEFUL);
	json_member(w, KEY("detectionSource"), alert->detection_source, JSON_USEFUL);
	json_member(w, KEY("productName"), alert->product_name, JSON_OPTIONAL);
	json_time(w, KEY("lastUpdateDateTime"), alert->updated, JSON_FIXED);
	json_time(w, KEY("resolvedDateTime"), alert->resolved, JSON_USEFUL);
	json_list(w, KEY("categories"), alert->categories, JSON_OPTIONAL);
	json_list(w, KEY("mitreTechniques"), alert->mitre_techniques, JSON_OPTIONAL);
	json_member(w, KEY("threatFamilyName"), alert->threat_family, JSON_OPTIONAL);
	json_member(w, KEY("assignedTo"), alert->assigned_to, JSON_OPTIONAL);
	json_member(w, KEY("investigationState"), alert->investigation_state,
		JSON_OPTIONAL);
	json_member(w, KEY("investigationId"), alert->investigation_id, JSON_OPTIONAL);
	json_member(w, KEY("providerAlertId"), alert->provider_alert_id, JSON_OPTIONAL);
	json_member(w, KEY("alertPolicyId"), alert->alert_policy_id, JSON_OPTIONAL);
	json_member(w, KEY("externalId"), alert->external_id, JSON_OPTIONAL);
	json_member(w, KEY("iocUniqueId"), alert->indicator_id, JSON_OPTIONAL);
	json_list(w, KEY("systemTags"), alert->system_tags, JSON_OPTIONAL);
	json_list(w, KEY("customTags"), alert->custom_tags, JSON_OPTIONAL);
	json_member(w, KEY("lastModifiedBy"), alert->last_modified_by, JSON_OPTIONAL);
	json_member(w, KEY("priorityScore"), alert->priority_score, JSON_OPTIONAL);
	json_long(w, KEY("summary"), alert->summary, JSON_OPTIONAL, JSON_CUT_TEXT);
	json_long(w, KEY("resolvingComment"), alert->resolving_comment, JSON_OPTIONAL,
		JSON_CUT_TEXT);
	json_long(w, KEY("recommendedActions"), alert->recommended_actions,
		JSON_OPTIONAL, JSON_CUT_ACTIONS);
	json_comments(w, alert);
	json_raw_text(w, KEY("customDetails"), alert->custom_details, JSON_DETAILS);
	json_raw_text(w, KEY("additionalData"), alert->additional_data, JSON_DETAILS);
	put_evidence(w, alert);
	json_close(w, inner, JSON_FIXED);
	json_close(w, open, JSON_FIXED);
}

static void ecs_write(
	struct json_writer *w, const void *self, const struct fmt_alert *alert)
{
	struct facts facts;
	char when[VALUE_TIME_ROOM];
	size_t n;

	collect(&facts, alert);
	n = (size_t)(value_put_time(when,
			     value_when(alert, alert->updated, alert->created), 3) -
		     when);
	json_literal(w, "{\"@timestamp\":");
	json_string(w, (struct fmt_str){when, n});
	json_literal(w, ",\"ecs\":{\"version\":\"" ECS_VERSION "\"}");
	json_long(w, KEY("message"), alert->title, JSON_FIXED, JSON_CUT_TITLE);
	put_event(w, self, alert, &facts);
	put_whose(w, alert);
	put_rule(w, alert);
	put_threat(w, alert);
	put_host(w, alert);
	put_user(w, alert);
	put_process(w, alert);
	put_file(w, alert);
	put_registry(w, alert);
	put_url(w, alert);
	put_network(w, alert);
	put_email(w, alert);
	put_cloud(w, alert);
	put_others(w, alert);
	put_related(w, &facts);
	put_defender(w, alert, &facts);
	json_relay(w, alert);
	json_literal(w, "}");
}

static enum fmt_result ecs_format(
	void *self, const struct fmt_alert *alert, struct fmt_message *message)
{
	return json_write_document(message, ecs_write, self, alert);
}

static int ecs_fields(void *self, const struct fmt_rule *rules, size_t count,
	fmt_wrong *wrong, void *context)
{
	static const struct field_json_own own[] = {
		{"@timestamp", 1},
		{"ecs.version", 1},
		{"message", 0},
		{"event.kind", 1},
		{"event.category", 0},
		{"event.type", 0},
		{"event.module", 0},
		{"event.dataset", 1},
		{"event.id", 1},
		{"event.severity", 0},
		{"event.created", 0},
		{"event.url", 0},
		{"event.reference", 0},
		{"microsoft.defender.severity", 0},
		{"microsoft.defender.status", 0},
		{"microsoft.defender.incidentId", 1},
		{"organization.id", 1},
		{"alertrelay.customer", 1},
		{"alertrelay.customer_name", 1},
		{"alertrelay.tenant_id", 1},
		{"alertrelay.source", 1},
		{"alertrelay.kind", 1},
		{"alertrelay.alert_id", 1},
		{"alertrelay.version", 1},
		{"alertrelay.evidence_count", 1},
		{NULL, 0},
	};

	return json_document_fields(self, "ecs", own, rules, count, wrong, context);
}
static const struct fmt_option_info ecs_options[] = {
	{"original", "no", JSON_ORIGINAL_HELP},
	{"severity", "the usual ones",
		"numbers of severities, as high=73,low=21; what a destination's option "
		"severity sets"},
	{NULL, NULL, NULL},
};

static void *ecs_open(
	const struct fmt_option *options, size_t count, char *error, size_t error_size)
{
	return json_document_open(
		"ecs", SEVERITY_ECS, options, count, error, error_size);
}

const struct fmt_module ecs_module = {
	.abi_version = FMT_ABI,
	.struct_size = sizeof(struct fmt_module),
	.name = "ecs",
	.help = "Elastic Common Schema " ECS_VERSION ", one JSON document on one line",
	.options = ecs_options,
	.open = ecs_open,
	.format = ecs_format,
	.close = json_document_close,
	.fields = ecs_fields,
};
