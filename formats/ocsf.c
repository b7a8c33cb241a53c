/* ocsf.c - an alert as a Detection Finding of the Open Cybersecurity Schema Framework.
 *
 * Purpose:  class 2004 with all that it requires, always and in the right types; each piece of evidence
 *           as one of evidences[], what the schema has no attribute for in its data; the rest of the
 *           alert in unmapped, under the vendor's own names.
 * Guard:    an attribute of a strict type (ip_t, email_t, port_t, mac_t, timestamp_t, integer_t) takes
 *           only what is one; anything else stays as text in data.
 * Source:   OCSF 1.5.0: class detection_finding, profiles cloud and incident, and their objects.
 * Tests:    unit/test_ocsf.c, tests/golden */
#include "address.h"
#include "json_writer.h"
#include "registry.h"
#include "severity.h"

#define OCSF_VERSION "1.5.0"
#define CLASS_UID 2004
#define PID_MAX UINT32_MAX
#define OBSERVABLES_MAX 48u

#define KEY(name) JSON_NAME(name)

/* observable.type_id */
enum observable_type {
	OBSERVE_HOSTNAME = 1,
	OBSERVE_IP = 2,
	OBSERVE_MAC = 3,
	OBSERVE_USER = 4,
	OBSERVE_MAIL = 5,
	OBSERVE_URL = 6,
	OBSERVE_FILE = 7,
	OBSERVE_HASH = 8,
	OBSERVE_PROCESS = 9,
	OBSERVE_RESOURCE = 10,
	OBSERVE_COMMAND_LINE = 13,
};

struct observable {
	enum observable_type type;
	const char *name; /* the attribute that it stands in */
	struct fmt_str value;
};

/* Where files and accounts stand in a piece of evidence. */
struct names {
	const char *file, *hash, *user, *mail;
};
static const struct names plain_names = {"evidences.file.name",
	"evidences.file.hashes.value", "evidences.user.name",
	"evidences.user.email_addr"};
static const struct names process_names = {"evidences.process.file.name",
	"evidences.process.file.hashes.value", "evidences.process.user.name",
	"evidences.process.user.email_addr"};
static const struct names parent_names = {"evidences.process.parent_process.file.name",
	"evidences.process.parent_process.file.hashes.value", NULL, NULL};
static const struct names actor_names = {
	NULL, NULL, "evidences.actor.user.name", "evidences.actor.user.email_addr"};

struct document {
	const struct fmt_alert *alert;
	struct view view; /* of the piece of evidence at hand */
	size_t index; /* of it */
	const struct names *names;
	struct observable observables[OBSERVABLES_MAX];
	unsigned count;
	unsigned addresses; /* used of pool */
	char pool[OBSERVABLES_MAX][ADDRESS_SIZE];
};

static int same_text(struct fmt_str a, struct fmt_str b)
{
	return a.n == b.n && (!a.n || !memcmp(a.p, b.p, a.n));
}

static void observe(struct document *d, enum observable_type type, const char *name,
	struct fmt_str value)
{
	if (!value.n || d->count == OBSERVABLES_MAX)
		return;
	for (unsigned i = 0; i < d->count; i++) {
		const struct observable *o = &d->observables[i];

		if (o->type == type && same_text(o->value, value))
			return;
	}
	d->observables[d->count++] = (struct observable){type, name, value};
}

/* An address in its canonical form that lives as long as the document; n == 0 when it is none. */
static struct fmt_str read_address(struct document *d, struct fmt_str s)
{
	char out[ADDRESS_SIZE];
	size_t n;

	if (!s.n || address_read(s, out) == ADDRESS_NONE)
		return (struct fmt_str){NULL, 0};
	n = strlen(out);
	/* The usual spelling is the canonical one. */
	if (n == s.n && !memcmp(out, s.p, n))
		return s;
	if (d->addresses == OBSERVABLES_MAX)
		return (struct fmt_str){NULL, 0};
	memcpy(d->pool[d->addresses], out, n);
	return (struct fmt_str){d->pool[d->addresses++], n};
}

static struct fmt_str take(struct document *d, enum fmt_field_id id)
{
	return view_take(&d->view, id);
}

static struct fmt_str get(const struct document *d, enum fmt_field_id id)
{
	return view_get(&d->view, id);
}

static void put_taken(struct json_writer *w, struct document *d, struct json_name name,
	enum fmt_field_id id)
{
	json_member(w, name, take(d, id), JSON_FIXED);
}

/* Only what is one; else the text stays for data. */
static void put_moment(struct json_writer *w, struct document *d, struct json_name name,
	enum fmt_field_id id)
{
	int64_t ticks = value_time(get(d, id));

	if (ticks == FMT_NO_TIME)
		return;
	view_mark(&d->view, id);
	json_epoch(w, name, ticks, JSON_FIXED);
}

static void put_integer(struct json_writer *w, struct document *d,
	struct json_name name, enum fmt_field_id id, uint64_t max)
{
	uint64_t number;

	if (!value_number(get(d, id), max, &number))
		return;
	view_mark(&d->view, id);
	json_number(w, name, number);
}

static int put_address(struct json_writer *w, struct document *d, struct json_name name,
	enum fmt_field_id id, const char *observed)
{
	struct fmt_str s = read_address(d, get(d, id));

	if (!s.n)
		return 0;
	view_mark(&d->view, id);
	json_member(w, name, s, JSON_FIXED);
	observe(d, OBSERVE_IP, observed, s);
	return 1;
}

/* email_t */
static void put_mail(struct json_writer *w, struct document *d, struct json_name name,
	enum fmt_field_id id, const char *observed)
{
	struct fmt_str s = get(d, id);

	if (!value_is_mail(s))
		return;
	view_mark(&d->view, id);
	json_member(w, name, s, JSON_FIXED);
	observe(d, OBSERVE_MAIL, observed, s);
}

static void put_fixed(struct json_writer *w, struct json_name name, const char *text)
{
	json_member(w, name, text_str(text), JSON_FIXED);
}

static int is_open(const struct json_writer *w)
{
	return !w->full && (w->p[-1] == '{' || w->p[-1] == '[');
}

static void put_hash(struct json_writer *w, struct document *d, unsigned id,
	const char *name, struct fmt_str value)
{
	if (!value.n)
		return;
	json_next(w);
	json_literal(w, "{");
	json_number(w, KEY("algorithm_id"), id);
	put_fixed(w, KEY("algorithm"), name);
	json_member(w, KEY("value"), value, JSON_FIXED);
	json_literal(w, "}");
	observe(d, OBSERVE_HASH, d->names->hash, value);
}

struct file_ids {
	enum fmt_field_id name, path, size, md5, sha1, sha256, sha256ac, company;
};
static const struct file_ids own_file = {FMT_FILE_NAME, FMT_FILE_PATH, FMT_FILE_SIZE,
	FMT_FILE_MD5, FMT_FILE_SHA1, FMT_FILE_SHA256, FMT_FILE_SHA256AC,
	FMT_FILE_PUBLISHER};
static const struct file_ids parent_file = {FMT_PARENT_FILE_NAME, FMT_PARENT_FILE_PATH,
	FMT_PARENT_FILE_SIZE, FMT_PARENT_FILE_MD5, FMT_PARENT_FILE_SHA1,
	FMT_PARENT_FILE_SHA256, FMT_PARENT_FILE_SHA256AC, FMT_PARENT_FILE_PUBLISHER};

/* What stands behind the last slash of either kind. */
static struct fmt_str last_part(struct fmt_str path)
{
	for (size_t i = path.n; i-- > 0;)
		if (path.p[i] == '\\' || path.p[i] == '/')
			return (struct fmt_str){path.p + i + 1, path.n - i - 1};
	return path;
}

/* Of a hash evidence alone, where no other hash stands. */
static void put_named_hash(struct json_writer *w, struct document *d)
{
	static const struct {
		const char *vendor, *name;
		unsigned id;
	} algorithms[] = {
		{"md5", "MD5", 1}, {"sha1", "SHA-1", 2}, {"sha256", "SHA-256", 3}};
	struct fmt_str algorithm = get(d, FMT_HASH_ALGORITHM),
		       value = get(d, FMT_HASH_VALUE);

	if (!value.n)
		return;
	/* An indicator's hash is often one of the file's own. */
	if (same_text(value, get(d, FMT_FILE_SHA1)) ||
		same_text(value, get(d, FMT_FILE_SHA256)) ||
		same_text(value, get(d, FMT_FILE_MD5))) {
		view_mark(&d->view, FMT_HASH_VALUE);
		return;
	}
	for (size_t i = 0; i < 3; i++) {
		if (!text_equal_nocase(algorithm, algorithms[i].vendor))
			continue;
		view_mark(&d->view, FMT_HASH_ALGORITHM);
		view_mark(&d->view, FMT_HASH_VALUE);
		put_hash(w, d, algorithms[i].id, algorithms[i].name, value);
		return;
	}
	/* Which one it is stays in data. */
	view_mark(&d->view, FMT_HASH_VALUE);
	put_hash(w, d, 99, "Other", value);
}

/* A file object if anything is known of it; name and type are required. */
static void put_file(
	struct json_writer *w, struct document *d, const struct file_ids *ids)
{
	struct fmt_str name = get(d, ids->name), folder = get(d, ids->path);
	struct fmt_str hash = get(d, ids->sha256), shown = name;
	struct json_open file, hashes;
	int own = ids == &own_file;

	if (!hash.n)
		hash = get(d, ids->sha1);
	if (!hash.n)
		hash = get(d, ids->md5);
	if (!hash.n && own)
		hash = get(d, FMT_HASH_VALUE);
	if (!shown.n)
		shown = last_part(folder);
	if (!shown.n)
		shown = hash;
	if (!shown.n)
		return;
	file = json_open(w, KEY("file"), '{');
	json_member(w, KEY("name"), shown, JSON_FIXED);
	view_mark(&d->view, ids->name);
	if (name.n)
		observe(d, OBSERVE_FILE, d->names->file, name);
	json_literal(w, ",\"type_id\":1");
	json_path(w, KEY("path"), folder, name);
	view_mark(&d->view, ids->path);
	if (!value_path_is_whole(folder, name))
		json_member(w, KEY("parent_folder"), folder, JSON_FIXED);
	put_integer(w, d, KEY("size"), ids->size, VALUE_SAFE_MAX);
	hashes = json_open(w, KEY("hashes"), '[');
	put_hash(w, d, 1, "MD5", take(d, ids->md5));
	put_hash(w, d, 2, "SHA-1", take(d, ids->sha1));
	put_hash(w, d, 3, "SHA-256", take(d, ids->sha256));
	put_hash(w, d, 99, "SHA-256 Authenticode", take(d, ids->sha256ac));
	if (own)
		put_named_hash(w, d);
	json_close(w, hashes, JSON_FIXED);
	put_taken(w, d, KEY("company_name"), ids->company);
	json_close(w, file, JSON_FIXED);
}

/* A user object: one of name and uid is required. */
static void put_user(struct json_writer *w, struct document *d, struct json_name key)
{
	struct fmt_str name = get(d, FMT_USER_NAME), sid = get(d, FMT_USER_SID);
	struct fmt_str upn = get(d, FMT_USER_UPN), aad = get(d, FMT_USER_AAD_ID);
	struct json_open user;

	if (!name.n && !sid.n && !upn.n && !aad.n)
		return;
	user = json_open(w, key, '{');
	json_member(w, KEY("name"), name.n ? name : upn, JSON_FIXED);
	observe(d, OBSERVE_USER, d->names->user, name.n ? name : upn);
	view_mark(&d->view, name.n ? FMT_USER_NAME : FMT_USER_UPN);
	json_member(w, KEY("uid"), sid.n ? sid : aad, JSON_FIXED);
	view_mark(&d->view, sid.n ? FMT_USER_SID : FMT_USER_AAD_ID);
	if (sid.n && aad.n)
		put_taken(w, d, KEY("uid_alt"), FMT_USER_AAD_ID);
	put_taken(w, d, KEY("domain"), FMT_USER_DOMAIN);
	put_taken(w, d, KEY("full_name"), FMT_USER_DISPLAY_NAME);
	put_mail(w, d, KEY("email_addr"), FMT_USER_UPN, d->names->mail);
	json_close(w, user, JSON_FIXED);
}

static char *put_digits(char *to, size_t number)
{
	char digits[21], *p = digits + sizeof(digits);
	size_t n;

	do
		*--p = (char)('0' + number % 10);
	while (number /= 10);
	n = (size_t)(digits + sizeof(digits) - p);
	memcpy(to, p, n);
	return to + n;
}

/* "<alert>/<place>": what identifies a process whose number is not known. */
static void put_process_uid(struct json_writer *w, const struct document *d)
{
	struct fmt_str id = d->alert->id;
	/* Its place in the whole alert, also where it stands alone. */
	size_t number = d->alert->event_number ? d->alert->event_number - 1 : d->index;

	if (!json_key(w, KEY("uid"), ESCAPE_JSON_ROOM(id.n) + 32))
		return;
	json_quote(w, id);
	w->p[-1] = '/';
	w->p = put_digits(w->p, number);
	*w->p++ = '"';
}

static void put_process(struct json_writer *w, struct document *d)
{
	struct json_open process = json_open(w, KEY("process"), '{'), parent;
	struct fmt_str command = get(d, FMT_PROCESS_COMMAND_LINE);
	struct fmt_str parent_name = get(d, FMT_PARENT_FILE_NAME);
	uint64_t pid;

	if (value_number(get(d, FMT_PROCESS_ID), PID_MAX, &pid))
		put_integer(w, d, KEY("pid"), FMT_PROCESS_ID, PID_MAX);
	else
		put_process_uid(w, d);
	json_member(w, KEY("name"), get(d, FMT_FILE_NAME), JSON_FIXED);
	observe(d, OBSERVE_PROCESS, "evidences.process.name", get(d, FMT_FILE_NAME));
	json_long(w, KEY("cmd_line"), command, JSON_FIXED, JSON_CUT_TEXT);
	view_mark(&d->view, FMT_PROCESS_COMMAND_LINE);
	observe(d, OBSERVE_COMMAND_LINE, "evidences.process.cmd_line", command);
	put_moment(w, d, KEY("created_time"), FMT_PROCESS_CREATED);
	d->names = &process_names;
	put_file(w, d, &own_file);
	put_user(w, d, KEY("user"));
	/* Without a number there is nothing to identify the parent by: its fields stay in data. */
	if (value_number(get(d, FMT_PARENT_PROCESS_ID), PID_MAX, &pid)) {
		parent = json_open(w, KEY("parent_process"), '{');
		put_integer(w, d, KEY("pid"), FMT_PARENT_PROCESS_ID, PID_MAX);
		json_member(w, KEY("name"), parent_name, JSON_FIXED);
		put_moment(w, d, KEY("created_time"), FMT_PARENT_PROCESS_CREATED);
		d->names = &parent_names;
		put_file(w, d, &parent_file);
		json_close(w, parent, JSON_FIXED);
	}
	json_close(w, process, JSON_FIXED);
}

static void put_os(struct json_writer *w, struct document *d)
{
	static const struct {
		const char *begins, *type;
		unsigned id;
	} types[] = {{"windows", "Windows", 100}, {"linux", "Linux", 200},
		{"android", "Android", 201}, {"macos", "macOS", 300},
		{"mac", "macOS", 300}, {"ios", "iOS", 301}, {"ipados", "iPadOS", 302},
		{"ubuntu", "Linux", 200}, {"debian", "Linux", 200},
		{"redhat", "Linux", 200}, {"centos", "Linux", 200},
		{"suse", "Linux", 200}};
	struct fmt_str name = take(d, FMT_DEVICE_OS);
	struct json_open os;
	size_t i = 0, count = sizeof(types) / sizeof(types[0]);

	if (!name.n)
		return;
	while (i < count && (name.n < strlen(types[i].begins) ||
				    !text_same_nocase(name.p, types[i].begins,
					    strlen(types[i].begins))))
		i++;
	os = json_open(w, KEY("os"), '{');
	json_member(w, KEY("name"), name, JSON_FIXED);
	put_fixed(w, KEY("type"), i < count ? types[i].type : "Other");
	json_number(w, KEY("type_id"), i < count ? types[i].id : 99);
	put_taken(w, d, KEY("version"), FMT_DEVICE_OS_VERSION);
	put_taken(w, d, KEY("build"), FMT_DEVICE_OS_BUILD);
	json_close(w, os, JSON_FIXED);
}

static void put_risk(struct json_writer *w, struct document *d)
{
	static const struct {
		const char *vendor, *level;
		unsigned id;
	} levels[] = {{"informational", "Info", 0}, {"low", "Low", 1},
		{"medium", "Medium", 2}, {"high", "High", 3}};
	struct fmt_str s = get(d, FMT_DEVICE_RISK);

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (!text_equal_nocase(s, levels[i].vendor))
			continue;
		view_mark(&d->view, FMT_DEVICE_RISK);
		json_number(w, KEY("risk_level_id"), levels[i].id);
		put_fixed(w, KEY("risk_level"), levels[i].level);
	}
}

/* The device object; one of hostname, uid and ip is required, and the type. */
static void put_device(struct json_writer *w, struct document *d, enum json_rank rank)
{
	struct fmt_str name = get(d, FMT_DEVICE_DNS_NAME);
	struct json_open device = json_open(w, KEY("device"), '{'), open;
	enum fmt_field_id host = name.n ? FMT_DEVICE_DNS_NAME : FMT_DEVICE_HOST_NAME;
	char mac[18];

	name = get(d, host);
	json_member(w, KEY("hostname"), name, JSON_FIXED);
	view_mark(&d->view, host);
	observe(d, OBSERVE_HOSTNAME, "evidences.device.hostname", name);
	if (name.n && host == FMT_DEVICE_DNS_NAME)
		put_taken(w, d, KEY("name"), FMT_DEVICE_HOST_NAME);
	put_taken(w, d, KEY("uid"), FMT_DEVICE_ID);
	if (!put_address(w, d, KEY("ip"), FMT_DEVICE_LAST_IP, "evidences.device.ip"))
		put_address(w, d, KEY("ip"), FMT_DEVICE_IP, "evidences.device.ip");
	if (is_open(w)) {
		json_close(w, device, rank);
		return;
	}
	json_number(w, KEY("type_id"),
		text_equal_nocase(
			text_trim(d->view.evidence->type), "ioTDeviceEvidence")
			? 7
			: 0);
	put_taken(w, d, KEY("uid_alt"), FMT_DEVICE_AAD_ID);
	if (get(d, FMT_DEVICE_DNS_DOMAIN).n)
		put_taken(w, d, KEY("domain"), FMT_DEVICE_DNS_DOMAIN);
	else
		put_taken(w, d, KEY("domain"), FMT_DEVICE_NT_DOMAIN);
	if (address_read_mac(get(d, FMT_DEVICE_MAC), mac)) {
		view_mark(&d->view, FMT_DEVICE_MAC);
		put_fixed(w, KEY("mac"), mac);
	}
	put_os(w, d);
	put_risk(w, d);
	put_moment(w, d, KEY("first_seen_time"), FMT_DEVICE_FIRST_SEEN);
	put_taken(w, d, KEY("vendor_name"), FMT_DEVICE_MANUFACTURER);
	put_taken(w, d, KEY("model"), FMT_DEVICE_MODEL);
	if (get(d, FMT_DEVICE_GROUP).n) {
		open = json_open(w, KEY("groups"), '[');
		json_literal(w, "{");
		put_taken(w, d, KEY("name"), FMT_DEVICE_GROUP);
		put_taken(w, d, KEY("uid"), FMT_DEVICE_GROUP_ID);
		json_literal(w, "}");
		json_close(w, open, JSON_FIXED);
	}
	json_close(w, device, rank);
}

/* An end of a connection; an address or a name is required. */
static void put_endpoint(struct json_writer *w, struct document *d,
	struct json_name key, enum fmt_field_id address, enum fmt_field_id port,
	const char *observed)
{
	struct json_open end, location;
	struct fmt_str country;

	if (!read_address(d, get(d, address)).n)
		return;
	end = json_open(w, key, '{');
	put_address(w, d, KEY("ip"), address, observed);
	if (port != FMT_FIELD_NONE)
		put_integer(w, d, KEY("port"), port, 65535);
	if (address == FMT_IP_ADDRESS) {
		location = json_open(w, KEY("location"), '{');
		put_taken(w, d, KEY("city"), FMT_IP_CITY);
		country = get(d, FMT_IP_COUNTRY);
		if (value_is_country(country))
			put_taken(w, d, KEY("country"), FMT_IP_COUNTRY);
		json_close(w, location, JSON_FIXED);
	}
	json_close(w, end, JSON_FIXED);
}

/* Of a process or device an address is the far end, else (a logon) where it came from; a role in the
 * event says it better. */
static int is_source(const struct document *d)
{
	const struct fmt_alert *alert = d->alert;

	if (d->view.evidence == alert->source_ip)
		return 1;
	if (d->view.evidence == alert->destination_ip)
		return 0;
	return !alert->primary[FMT_KIND_PROCESS] && !alert->primary[FMT_KIND_DEVICE];
}

static void put_connection(struct json_writer *w, struct document *d)
{
	struct json_open open;
	struct fmt_str s = get(d, FMT_PROTOCOL);
	struct fmt_str domain = get(d, FMT_DOMAIN_NAME);

	put_endpoint(w, d, KEY("src_endpoint"), FMT_SOURCE_ADDRESS, FMT_SOURCE_PORT,
		"evidences.src_endpoint.ip");
	put_endpoint(w, d, KEY("dst_endpoint"), FMT_DESTINATION_ADDRESS,
		FMT_DESTINATION_PORT, "evidences.dst_endpoint.ip");
	if (text_equal_nocase(s, "tcp") || text_equal_nocase(s, "udp")) {
		open = json_open(w, KEY("connection_info"), '{');
		json_literal(w, "\"direction_id\":0");
		view_mark(&d->view, FMT_PROTOCOL);
		put_fixed(w, KEY("protocol_name"),
			text_equal_nocase(s, "tcp") ? "tcp" : "udp");
		json_number(
			w, KEY("protocol_num"), text_equal_nocase(s, "tcp") ? 6 : 17);
		json_close(w, open, JSON_FIXED);
	}
	if (domain.n) {
		open = json_open(w, KEY("query"), '{');
		put_taken(w, d, KEY("hostname"), FMT_DOMAIN_NAME);
		observe(d, OBSERVE_HOSTNAME, "evidences.query.hostname", domain);
		json_close(w, open, JSON_FIXED);
	}
	if (get(d, FMT_DEVICE_IP).n || get(d, FMT_DEVICE_MAC).n)
		put_device(w, d, JSON_FIXED);
}

/* The email object; one of from and to is required. */
static void put_email(struct json_writer *w, struct document *d)
{
	const struct fmt_evidence *evidence = d->view.evidence;
	struct fmt_str from = get(d, FMT_MESSAGE_SENDER),
		       to = get(d, FMT_MESSAGE_RECIPIENT);
	enum fmt_field_id sender =
		from.n ? FMT_MESSAGE_SENDER : FMT_MESSAGE_ENVELOPE_SENDER;
	struct json_open email, list;

	if (!value_is_mail(get(d, sender)) && !value_is_mail(to))
		return;
	email = json_open(w, KEY("email"), '{');
	put_mail(w, d, KEY("from"), sender, "evidences.email.from");
	list = json_open(w, KEY("to"), '[');
	for (size_t i = 0; i < evidence->field_count && !w->full; i++) {
		to = text_trim(evidence->fields[i].value);
		if (evidence->fields[i].id != FMT_MESSAGE_RECIPIENT ||
			!value_is_mail(to))
			continue;
		json_next(w);
		json_string(w, to);
		view_mark(&d->view, FMT_MESSAGE_RECIPIENT);
		observe(d, OBSERVE_MAIL, "evidences.email.to", to);
	}
	json_close(w, list, JSON_FIXED);
	put_taken(w, d, KEY("subject"), FMT_MESSAGE_SUBJECT);
	put_taken(w, d, KEY("message_uid"), FMT_MESSAGE_ID);
	put_address(w, d, KEY("x_originating_ip"), FMT_MESSAGE_SENDER_IP,
		"evidences.email.x_originating_ip");
	list = json_open(w, KEY("urls"), '[');
	for (size_t i = 0; i < evidence->field_count && !w->full; i++) {
		struct fmt_str url = text_trim(evidence->fields[i].value);

		if (evidence->fields[i].id != FMT_URL || !url.n)
			continue;
		json_next(w);
		json_literal(w, "{");
		json_member(w, KEY("url_string"), url, JSON_FIXED);
		json_literal(w, "}");
		view_mark(&d->view, FMT_URL);
		observe(d, OBSERVE_URL, "evidences.email.urls.url_string", url);
	}
	json_close(w, list, JSON_FIXED);
	json_close(w, email, JSON_FIXED);
}

static void put_mailbox(struct json_writer *w, struct document *d)
{
	struct fmt_str address = get(d, FMT_MAILBOX_ADDRESS);
	struct json_open user;

	if (!address.n) {
		put_user(w, d, KEY("user"));
		return;
	}
	user = json_open(w, KEY("user"), '{');
	json_member(w, KEY("name"), address, JSON_FIXED);
	view_mark(&d->view, FMT_MAILBOX_ADDRESS);
	put_mail(w, d, KEY("email_addr"), FMT_MAILBOX_ADDRESS,
		"evidences.user.email_addr");
	put_taken(w, d, KEY("full_name"), FMT_MAILBOX_NAME);
	put_taken(w, d, KEY("uid"), FMT_USER_AAD_ID);
	json_close(w, user, JSON_FIXED);
}

static void put_url(struct json_writer *w, struct document *d)
{
	struct fmt_str s = get(d, FMT_URL);
	struct json_open url = json_open(w, KEY("url"), '{');

	put_taken(w, d, KEY("url_string"), FMT_URL);
	observe(d, OBSERVE_URL, "evidences.url.url_string", s);
	json_close(w, url, JSON_FIXED);
}

/* Where the name and the id of a resource are; the ids of what it is in or made of stay in data. */
struct resource_ids {
	const char *type;
	enum fmt_field_id name, uid;
};

static const struct resource_ids *resource_ids(struct fmt_str type)
{
	static const struct resource_ids table[] = {
		{"amazonResourceEvidence", FMT_RESOURCE_NAME, FMT_RESOURCE_ID},
		{"azureResourceEvidence", FMT_RESOURCE_NAME, FMT_RESOURCE_ID},
		{"googleCloudResourceEvidence", FMT_RESOURCE_NAME, FMT_RESOURCE_ID},
		{"kubernetesClusterEvidence", FMT_RESOURCE_NAME, FMT_RESOURCE_ID},
		{"containerEvidence", FMT_RESOURCE_NAME, FMT_CONTAINER_ID},
		{"containerImageEvidence", FMT_FIELD_NONE, FMT_IMAGE_ID},
		{"containerRegistryEvidence", FMT_REGISTRY_NAME, FMT_FIELD_NONE},
		{"gitHubOrganizationEvidence", FMT_RESOURCE_NAME, FMT_OBJECT_ID},
		{"gitHubRepoEvidence", FMT_RESOURCE_NAME, FMT_OBJECT_ID},
		{"activeDirectoryDomainEvidence", FMT_NAME, FMT_FIELD_NONE},
		{"securityGroupEvidence", FMT_NAME, FMT_GROUP_SID},
	};
	static const struct resource_ids other = {
		NULL, FMT_RESOURCE_NAME, FMT_FIELD_NONE};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (text_equal_nocase(type, table[i].type))
			return &table[i];
	return &other;
}

/* Cloud resources, applications and groups; a name or an id is required. */
static void put_resource(struct json_writer *w, struct document *d)
{
	struct fmt_str type = text_trim(d->view.evidence->type);
	struct resource_ids ids = *resource_ids(type);
	struct json_open list;

	if (!ids.type && d->view.evidence->kind != FMT_KIND_CLOUD_RESOURCE) {
		ids.name = get(d, FMT_NAME).n ? FMT_NAME : FMT_APP_INSTANCE;
		ids.uid = get(d, FMT_APP_ID).n ? FMT_APP_ID : FMT_OBJECT_ID;
	}
	if (!get(d, ids.name).n && !get(d, ids.uid).n)
		return;
	list = json_open(w, KEY("resources"), '[');
	json_literal(w, "{");
	put_taken(w, d, KEY("name"), ids.name);
	observe(d, OBSERVE_RESOURCE, "evidences.resources.uid", get(d, ids.uid));
	put_taken(w, d, KEY("uid"), ids.uid);
	if (get(d, FMT_RESOURCE_TYPE).n)
		type = take(d, FMT_RESOURCE_TYPE);
	json_member(w, KEY("type"), type, JSON_FIXED);
	put_taken(w, d, KEY("namespace"), FMT_NAMESPACE);
	put_taken(w, d, KEY("version"), FMT_VERSION);
	json_literal(w, "}");
	json_close(w, list, JSON_FIXED);
}

/* A logon: who, in which session. */
static void put_logon(struct json_writer *w, struct document *d)
{
	struct json_open actor = json_open(w, KEY("actor"), '{'), session;

	d->names = &actor_names;
	put_user(w, d, KEY("user"));
	session = json_open(w, KEY("session"), '{');
	put_taken(w, d, KEY("uid"), FMT_SESSION_ID);
	put_moment(w, d, KEY("created_time"), FMT_STARTED);
	json_close(w, session, JSON_FIXED);
	json_close(w, actor, JSON_FIXED);
	if (get(d, FMT_DEVICE_DNS_NAME).n || get(d, FMT_DEVICE_HOST_NAME).n ||
		get(d, FMT_DEVICE_ID).n)
		put_device(w, d, JSON_FIXED);
}

static void put_verdict(struct json_writer *w, struct document *d)
{
	static const struct {
		const char *vendor, *caption;
		unsigned id;
	} verdicts[] = {{"malicious", "True Positive", 2},
		{"suspicious", "Suspicious", 4}, {"noThreatsFound", "Benign", 5},
		{"unknown", "Unknown", 0}};
	struct fmt_str s = take(d, FMT_VERDICT);

	if (!s.n)
		return;
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		if (!text_equal_nocase(s, verdicts[i].vendor))
			continue;
		put_fixed(w, KEY("verdict"), verdicts[i].caption);
		json_number(w, KEY("verdict_id"), verdicts[i].id);
		return;
	}
	json_member(w, KEY("verdict"), s, JSON_FIXED);
	json_number(w, KEY("verdict_id"), 99);
}

static void put_kind(struct json_writer *w, struct document *d)
{
	switch (d->view.evidence->kind) {
	case FMT_KIND_DEVICE:
		put_device(w, d, JSON_FIXED);
		break;
	case FMT_KIND_USER:
		put_user(w, d, KEY("user"));
		break;
	case FMT_KIND_PROCESS:
		put_process(w, d);
		break;
	case FMT_KIND_FILE:
		put_file(w, d, &own_file);
		break;
	case FMT_KIND_IP:
		if (is_source(d))
			put_endpoint(w, d, KEY("src_endpoint"), FMT_IP_ADDRESS,
				FMT_FIELD_NONE, "evidences.src_endpoint.ip");
		else
			put_endpoint(w, d, KEY("dst_endpoint"), FMT_IP_ADDRESS,
				FMT_FIELD_NONE, "evidences.dst_endpoint.ip");
		break;
	case FMT_KIND_URL:
		put_url(w, d);
		break;
	case FMT_KIND_MAILBOX:
		put_mailbox(w, d);
		break;
	case FMT_KIND_MESSAGE:
		put_email(w, d);
		put_file(w, d, &own_file);
		break;
	case FMT_KIND_NETWORK:
		put_connection(w, d);
		break;
	case FMT_KIND_LOGON:
		put_logon(w, d);
		break;
	case FMT_KIND_CLOUD_RESOURCE:
	case FMT_KIND_APPLICATION:
	case FMT_KIND_GROUP:
		put_resource(w, d);
		break;
	case FMT_KIND_MALWARE:
		put_file(w, d, &own_file);
		break;
	case FMT_KIND_REGISTRY: /* the core of OCSF has nothing for these: data holds them */
	case FMT_KIND_OTHER:
	case FMT_KINDS:
		break;
	}
}

/* One of evidences[]; data is always there, so that it is never without any of the attributes of
 * which one is required. */
static void put_evidence(struct json_writer *w, struct document *d)
{
	const struct fmt_evidence *evidence = &d->alert->evidence[d->index];
	size_t part = 0;

	json_next(w);
	if (w->fit)
		part = json_begin_part(w);
	json_literal(w, "{");
	view_open(&d->view, evidence);
	d->names = &plain_names;
	json_member(w, KEY("name"), text_trim(evidence->type), JSON_FIXED);
	put_verdict(w, d);
	put_kind(w, d);
	json_key(w, KEY("data"), 0);
	json_literal(w, "{");
	json_member(w, KEY("kind"), value_kind(evidence->kind), JSON_FIXED);
	json_time(w, KEY("createdDateTime"), evidence->created, JSON_FIXED);
	json_fields(w, evidence, &d->view);
	if (evidence->kind == FMT_KIND_OTHER)
		json_raw_text(w, KEY("raw"), evidence->raw, JSON_FIXED);
	json_literal(w, "}}");
	if (w->fit)
		json_end_part(w, part, json_evidence_rank(d->alert, evidence),
			JSON_FIXED, 0, 1);
}

static void put_evidences(struct json_writer *w, struct document *d)
{
	struct json_open list;

	if (!d->alert->evidence_count)
		return;
	list = json_open(w, KEY("evidences"), '[');
	for (d->index = 0; d->index < d->alert->evidence_count && !w->full; d->index++)
		put_evidence(w, d);
	json_close(w, list, JSON_OPTIONAL);
}

static void put_observables(struct json_writer *w, const struct document *d)
{
	static const char *const types[] = {
		[OBSERVE_HOSTNAME] = "Hostname",
		[OBSERVE_IP] = "IP Address",
		[OBSERVE_MAC] = "MAC Address",
		[OBSERVE_USER] = "User Name",
		[OBSERVE_MAIL] = "Email Address",
		[OBSERVE_URL] = "URL String",
		[OBSERVE_FILE] = "File Name",
		[OBSERVE_HASH] = "Hash",
		[OBSERVE_PROCESS] = "Process Name",
		[OBSERVE_RESOURCE] = "Resource UID",
		[OBSERVE_COMMAND_LINE] = "Command Line",
	};
	struct json_open list;

	if (!d->count)
		return;
	list = json_open(w, KEY("observables"), '[');
	for (unsigned i = 0; i < d->count && !w->full; i++) {
		const struct observable *o = &d->observables[i];

		json_next(w);
		json_literal(w, "{");
		put_fixed(w, KEY("name"), o->name);
		put_fixed(w, KEY("type"), types[o->type]);
		json_number(w, KEY("type_id"), o->type);
		json_member(w, KEY("value"), o->value, JSON_FIXED);
		json_literal(w, "}");
	}
	json_close(w, list, JSON_OPTIONAL);
}

struct meaning {
	const char *vendor, *caption;
	unsigned id, activity;
};

/* The words of alerts, incidents and older APIs; activity: 1 create, 2 update, 3 close. */
static const struct meaning *status_meaning(struct fmt_str s)
{
	static const struct meaning meanings[] = {{"new", "New", 1, 1},
		{"newAlert", "New", 1, 1}, {"active", "New", 1, 1},
		{"inProgress", "In Progress", 2, 2},
		{"awaitingAction", "In Progress", 2, 2}, {"resolved", "Resolved", 4, 3},
		{"dismissed", "Suppressed", 3, 3}, {"redirected", "Archived", 5, 3}};

	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (text_equal_nocase(s, meanings[i].vendor))
			return &meanings[i];
	return NULL;
}

static void put_class(struct json_writer *w, const struct fmt_alert *alert)
{
	static const char *const severities[] = {
		"Unknown", "Informational", "Low", "Medium", "High"};
	static const char *const activities[] = {
		"Unknown", "Create", "Update", "Close"};
	enum fmt_severity severity = severity_of(alert);
	struct fmt_str text = text_trim(alert->status);
	const struct meaning *status = status_meaning(text);
	unsigned activity = status ? status->activity : 0;
	int64_t time = value_when(alert, alert->created, alert->updated);

	json_literal(w, "{\"class_uid\":2004,\"class_name\":\"Detection Finding\","
			"\"category_uid\":2,\"category_name\":\"Findings\"");
	json_number(w, KEY("activity_id"), activity);
	put_fixed(w, KEY("activity_name"), activities[activity]);
	json_number(w, KEY("type_uid"), CLASS_UID * 100 + activity);
	json_number(w, KEY("severity_id"), (uint64_t)severity);
	put_fixed(w, KEY("severity"), severities[severity]);
	json_number(w, KEY("status_id"),
		status			 ? status->id
		: value_is_nothing(text) ? 0
					 : 99);
	json_member(w, KEY("status"),
		status			 ? text_str(status->caption)
		: value_is_nothing(text) ? text_str("Unknown")
					 : text,
		JSON_FIXED);
	json_epoch(w, KEY("time"), time, JSON_FIXED);
	if (alert->first_activity > 0)
		json_epoch(w, KEY("start_time"), alert->first_activity, JSON_USEFUL);
	if (alert->last_activity > 0)
		json_epoch(w, KEY("end_time"), alert->last_activity, JSON_USEFUL);
	json_octets(w, activity == 3 ? ",\"is_alert\":false" : ",\"is_alert\":true",
		activity == 3 ? 17 : 16);
	json_long(w, KEY("message"), alert->title, JSON_TWICE, JSON_CUT_TITLE);
}

static void put_metadata(struct json_writer *w, const struct fmt_alert *alert)
{
	struct json_open metadata = json_open(w, KEY("metadata"), '{'), open, inner;
	struct fmt_str feature = text_trim(alert->detection_source);

	json_literal(w, "\"version\":\"" OCSF_VERSION
			"\",\"profiles\":[\"cloud\",\"incident\"]");
	open = json_open(w, KEY("product"), '{');
	json_member(w, KEY("name"), value_product(alert), JSON_FIXED);
	put_fixed(w, KEY("vendor_name"), "Microsoft");
	inner = json_open(w, KEY("feature"), '{');
	if (!value_is_nothing(feature))
		json_member(w, KEY("name"), feature, JSON_FIXED);
	json_close(w, inner, JSON_FIXED);
	json_close(w, open, JSON_FIXED);
	/* The same for a repeat, another for an update. */
	if (alert->id.n && json_key(w, KEY("uid"),
				   ESCAPE_JSON_ROOM(alert->id.n) +
					   ESCAPE_JSON_ROOM(alert->version.n) + 32)) {
		json_quote(w, alert->id);
		w->p[-1] = '/';
		w->p = escape_json_string(w->p, alert->version);
		if (alert->event_number) {
			*w->p++ = '/';
			w->p = put_digits(w->p, alert->event_number);
		}
		*w->p++ = '"';
	}
	json_member(w, KEY("tenant_uid"), alert->tenant_id, JSON_FIXED);
	json_member(w, KEY("correlation_uid"), alert->incident_id, JSON_TWICE);
	put_fixed(w, KEY("log_provider"), "alertrelay");
	if (alert->source)
		put_fixed(w, KEY("log_name"), alert->source);
	json_time(w, KEY("original_time"), alert->created, JSON_TWICE);
	if (alert->updated > 0)
		json_epoch(w, KEY("modified_time"), alert->updated, JSON_TWICE);
	json_list(w, KEY("labels"), alert->system_tags, JSON_OPTIONAL);
	json_close(w, metadata, JSON_FIXED);
}

static void put_cloud(struct json_writer *w, const struct fmt_alert *alert)
{
	struct json_open cloud = json_open(w, KEY("cloud"), '{'), open;

	json_literal(w, "\"provider\":\"Azure\"");
	if (alert->tenant_id.n) {
		open = json_open(w, KEY("account"), '{');
		json_member(w, KEY("uid"), alert->tenant_id, JSON_FIXED);
		json_literal(w, ",\"type\":\"M365 Tenant\",\"type_id\":17");
		json_close(w, open, JSON_TWICE);
	}
	open = json_open(w, KEY("org"), '{');
	json_member(w, KEY("name"), alert->customer_name, JSON_FIXED);
	json_member(w, KEY("uid"), alert->customer, JSON_FIXED);
	json_close(w, open, JSON_FIXED);
	json_close(w, cloud, JSON_FIXED);
}

static void put_attacks(struct json_writer *w, const struct fmt_alert *alert)
{
	struct json_open attacks = json_open(w, KEY("attacks"), '['), open;
	const struct value_tactic *tactic = value_tactic(text_trim(alert->category));
	int is_sub;

	if (tactic) {
		json_literal(w, "{\"tactic\":{\"uid\":");
		json_string(w, text_str(tactic->id));
		put_fixed(w, KEY("name"), tactic->name);
		json_literal(w, "}}");
	}
	for (size_t i = 0; i < alert->mitre_techniques.count && !w->full; i++) {
		struct fmt_str s = text_trim(alert->mitre_techniques.items[i]);
		struct fmt_str technique = value_technique(s, &is_sub);

		if (!s.n)
			continue;
		json_next(w);
		json_literal(w, "{");
		open = json_open(w, KEY("technique"), '{');
		json_member(w, KEY("uid"), technique.n ? technique : s, JSON_FIXED);
		json_close(w, open, JSON_FIXED);
		if (technique.n && is_sub) {
			open = json_open(w, KEY("sub_technique"), '{');
			json_member(w, KEY("uid"), s, JSON_FIXED);
			json_close(w, open, JSON_FIXED);
		}
		json_literal(w, "}");
	}
	json_close(w, attacks, JSON_USEFUL);
}

static void put_analytic(struct json_writer *w, const struct fmt_alert *alert)
{
	static const struct {
		const char *source, *type;
		unsigned id;
	} types[] = {{"customDetection", "Rule", 1}, {"scheduledAlerts", "Rule", 1},
		{"nrtAlerts", "Rule", 1}, {"builtInMl", "Learning (ML/DL)", 4}};
	struct fmt_str source = text_trim(alert->detection_source);
	struct json_open analytic = json_open(w, KEY("analytic"), '{');
	size_t i = 0, count = sizeof(types) / sizeof(types[0]);

	json_member(w, KEY("uid"), alert->detector_id, JSON_FIXED);
	if (!is_open(w)) {
		while (i < count && !text_equal_nocase(source, types[i].source))
			i++;
		put_fixed(w, KEY("type"), i < count ? types[i].type : "Unknown");
		json_number(w, KEY("type_id"), i < count ? types[i].id : 0);
		json_member(w, KEY("category"), alert->category, JSON_FIXED);
	}
	json_close(w, analytic, JSON_USEFUL);
}

static void put_finding(struct json_writer *w, const struct fmt_alert *alert)
{
	struct json_open finding = json_open(w, KEY("finding_info"), '{'), open;
	struct fmt_str s = text_trim(alert->category);

	json_key(w, KEY("uid"), 0);
	json_string(w, alert->id);
	json_long(w, KEY("title"), alert->title, JSON_FIXED, JSON_CUT_TITLE);
	json_long(w, KEY("desc"),
		alert->description.n ? alert->description : alert->summary, JSON_USEFUL,
		JSON_CUT_DESCRIPTION);
	json_member(w, KEY("src_url"), alert->alert_url, JSON_FIXED);
	json_member(w, KEY("uid_alt"), alert->provider_alert_id, JSON_OPTIONAL);
	if (alert->created > 0)
		json_epoch(w, KEY("created_time"), alert->created, JSON_TWICE);
	if (alert->updated > 0)
		json_epoch(w, KEY("modified_time"), alert->updated, JSON_FIXED);
	if (alert->first_activity > 0)
		json_epoch(
			w, KEY("first_seen_time"), alert->first_activity, JSON_TWICE);
	if (alert->last_activity > 0)
		json_epoch(w, KEY("last_seen_time"), alert->last_activity, JSON_TWICE);
	open = json_open(w, KEY("types"), '[');
	if (s.n)
		json_string(w, s);
	for (size_t i = 0; i < alert->categories.count && !w->full; i++) {
		struct fmt_str t = text_trim(alert->categories.items[i]);

		if (!t.n || same_text(t, s))
			continue;
		json_next(w);
		json_string(w, t);
	}
	json_close(w, open, JSON_USEFUL);
	open = json_open(w, KEY("data_sources"), '[');
	s = text_trim(alert->service_source);
	if (!value_is_nothing(s))
		json_string(w, s);
	json_close(w, open, JSON_USEFUL);
	put_analytic(w, alert);
	put_attacks(w, alert);
	json_close(w, finding, JSON_FIXED);
}

/* The incident profile: who works on it, what it turned out to be, where the incident is. */
static void put_incident(struct json_writer *w, const struct fmt_alert *alert)
{
	static const struct {
		const char *classification, *determination, *caption;
		unsigned id;
	} verdicts[] = {
		{"falsePositive", "notEnoughDataToValidate", "Insufficient Data", 7},
		{"falsePositive", "insufficientData", "Insufficient Data", 7},
		{"falsePositive", NULL, "False Positive", 1},
		{"truePositive", NULL, "True Positive", 2},
		{"informationalExpectedActivity", "securityTesting", "Test", 6},
		{"informationalExpectedActivity", NULL, "Benign", 5},
		{"benignPositive", NULL, "Benign", 5},
	};
	struct fmt_str s = text_trim(alert->classification),
		       t = text_trim(alert->determination);
	struct json_open open;
	uint64_t score;

	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		if (!text_equal_nocase(s, verdicts[i].classification) ||
			(verdicts[i].determination &&
				!text_equal_nocase(t, verdicts[i].determination)))
			continue;
		put_fixed(w, KEY("verdict"), verdicts[i].caption);
		json_number(w, KEY("verdict_id"), verdicts[i].id);
		break;
	}
	open = json_open(w, KEY("assignee"), '{');
	s = text_trim(alert->assigned_to);
	json_member(w, KEY("name"), s, JSON_FIXED);
	if (value_is_mail(s))
		json_member(w, KEY("email_addr"), s, JSON_FIXED);
	json_close(w, open, JSON_OPTIONAL);
	json_member(w, KEY("src_url"), alert->incident_url, JSON_FIXED);
	if (value_number(text_trim(alert->priority_score), 100, &score))
		json_number(w, KEY("risk_score"), score);
	open = json_open(w, KEY("remediation"), '{');
	json_long(w, KEY("desc"), alert->recommended_actions, JSON_FIXED,
		JSON_CUT_ACTIONS);
	json_close(w, open, JSON_OPTIONAL);
	json_long(w, KEY("comment"), alert->resolving_comment, JSON_OPTIONAL,
		JSON_CUT_TEXT);
}

/* The classes of malware by the word that begins the vendor's names: "Trojan:Win32/..." */
static void put_malware_class(struct json_writer *w, struct fmt_str name)
{
	static const struct {
		const char *begins;
		unsigned id;
	} classes[] = {{"Adware", 1}, {"Backdoor", 2}, {"DDoS", 5},
		{"TrojanDownloader", 6}, {"TrojanDropper", 7}, {"Exploit", 8},
		{"Ransom", 10}, {"Rogue", 14}, {"Spyware", 17}, {"TrojanSpy", 17},
		{"Trojan", 18}, {"Virus", 19}, {"Worm", 22}};
	const char *colon = name.n ? memchr(name.p, ':', name.n) : NULL;
	struct fmt_str word = {name.p, colon ? (size_t)(colon - name.p) : 0};
	unsigned id = 0;
	char digits[2];

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]) && !id; i++)
		if (text_equal_nocase(word, classes[i].begins))
			id = classes[i].id;
	if (!id && word.n)
		id = 99;
	digits[0] = (char)('0' + id / 10);
	digits[1] = (char)('0' + id % 10);
	json_literal(w, ",\"classification_ids\":[");
	json_octets(w, digits + (id < 10), id < 10 ? 1 : 2);
	json_literal(w, "]");
	if (word.n) {
		json_literal(w, ",\"classifications\":[");
		json_string(w, word);
		json_literal(w, "]");
	}
}

static void put_malware(struct json_writer *w, const struct fmt_alert *alert)
{
	struct json_open list = json_open(w, KEY("malware"), '[');
	struct value_set names = {.count = 0};
	struct fmt_str family = text_trim(alert->threat_family);

	if (!value_set_add(&names, text_trim(alert->threat_name), 1))
		value_set_add(&names, family, 1);
	for (size_t i = 0; i < alert->evidence_count; i++)
		if (alert->evidence[i].kind == FMT_KIND_MALWARE)
			value_set_add(&names,
				text_trim(fmt_get(&alert->evidence[i], FMT_NAME)), 1);
	for (unsigned i = 0; i < names.count && !w->full; i++) {
		json_next(w);
		json_literal(w, "{");
		json_member(w, KEY("name"), names.items[i], JSON_FIXED);
		put_malware_class(w, names.items[i]);
		put_fixed(w, KEY("provider"), "Microsoft");
		json_literal(w, "}");
	}
	json_close(w, list, JSON_USEFUL);
}

/* What has no attribute, under the names of Microsoft Graph. */
static void put_unmapped(struct json_writer *w, const struct fmt_alert *alert)
{
	json_key(w, KEY("unmapped"), 0);
	json_literal(w, "{");
	json_relay(w, alert);
	json_member(w, KEY("incidentId"), alert->incident_id, JSON_FIXED);
	json_member(
		w, KEY("redirectIncidentId"), alert->redirect_incident_id, JSON_FIXED);
	json_member(w, KEY("status"), alert->status, JSON_USEFUL);
	json_member(w, KEY("severity"), alert->severity_text, JSON_USEFUL);
	json_member(w, KEY("category"), alert->category, JSON_USEFUL);
	json_member(w, KEY("classification"), alert->classification, JSON_USEFUL);
	json_member(w, KEY("determination"), alert->determination, JSON_USEFUL);
	json_member(w, KEY("serviceSource"), alert->service_source, JSON_OPTIONAL);
	json_member(w, KEY("detectionSource"), alert->detection_source, JSON_OPTIONAL);
	json_member(w, KEY("productName"), alert->product_name, JSON_OPTIONAL);
	json_time(w, KEY("resolvedDateTime"), alert->resolved, JSON_OPTIONAL);
	json_member(w, KEY("threatFamilyName"), alert->threat_family, JSON_OPTIONAL);
	json_member(w, KEY("actorDisplayName"), alert->actor, JSON_OPTIONAL);
	json_member(w, KEY("investigationState"), alert->investigation_state,
		JSON_OPTIONAL);
	json_member(w, KEY("investigationId"), alert->investigation_id, JSON_OPTIONAL);
	json_member(w, KEY("alertPolicyId"), alert->alert_policy_id, JSON_OPTIONAL);
	json_member(w, KEY("externalId"), alert->external_id, JSON_OPTIONAL);
	json_member(w, KEY("iocUniqueId"), alert->indicator_id, JSON_OPTIONAL);
	json_list(w, KEY("customTags"), alert->custom_tags, JSON_OPTIONAL);
	json_member(w, KEY("lastModifiedBy"), alert->last_modified_by, JSON_OPTIONAL);
	json_member(w, KEY("priorityScore"), alert->priority_score, JSON_OPTIONAL);
	json_long(w, KEY("summary"), alert->summary, JSON_OPTIONAL, JSON_CUT_TEXT);
	json_comments(w, alert);
	json_raw_text(w, KEY("customDetails"), alert->custom_details, JSON_DETAILS);
	json_raw_text(w, KEY("additionalData"), alert->additional_data, JSON_DETAILS);
	json_literal(w, "}");
}

static void ocsf_write(
	struct json_writer *w, const void *self, const struct fmt_alert *alert)
{
	const struct json_document *options = self;
	struct document d;

	d.alert = alert;
	d.count = d.addresses = 0;
	put_class(w, alert);
	put_metadata(w, alert);
	put_cloud(w, alert);
	put_finding(w, alert);
	put_incident(w, alert);
	put_malware(w, alert);
	if (alert->primary[FMT_KIND_DEVICE]) {
		view_open(&d.view, alert->primary[FMT_KIND_DEVICE]);
		put_device(w, &d, JSON_USEFUL);
		d.count = 0;
	}
	put_evidences(w, &d);
	put_observables(w, &d);
	if (options->original)
		json_member(w, KEY("raw_data"), alert->raw, JSON_ORIGINAL);
	put_unmapped(w, alert);
	json_literal(w, "}");
}

static enum fmt_result ocsf_format(
	void *self, const struct fmt_alert *alert, struct fmt_message *message)
{
	return json_write_document(message, ocsf_write, self, alert);
}

static int ocsf_fields(void *self, const struct fmt_rule *rules, size_t count,
	fmt_wrong *wrong, void *context)
{
	static const struct field_json_own own[] = {
		{"activity_id", 1},
		{"category_uid", 1},
		{"class_uid", 1},
		{"type_uid", 1},
		{"severity_id", 1},
		{"time", 1},
		{"metadata.version", 1},
		{"metadata.product", 1},
		{"metadata.uid", 1},
		{"metadata.tenant_uid", 1},
		{"metadata.correlation_uid", 1},
		{"cloud.provider", 1},
		{"cloud.org.uid", 1},
		{"finding_info.uid", 1},
		{"finding_info.title", 1},
		{"activity_name", 0},
		{"category_name", 0},
		{"class_name", 0},
		{"type_name", 0},
		{"severity", 0},
		{"status", 0},
		{"status_id", 0},
		{"message", 0},
		{"is_alert", 0},
		{"metadata.profiles", 0},
		{"metadata.log_provider", 0},
		{"metadata.log_name", 0},
		{"unmapped.alertrelay.customer", 1},
		{"unmapped.alertrelay.customer_name", 1},
		{"unmapped.alertrelay.tenant_id", 1},
		{"unmapped.alertrelay.source", 1},
		{"unmapped.alertrelay.kind", 1},
		{"unmapped.alertrelay.alert_id", 1},
		{"unmapped.alertrelay.version", 1},
		{"unmapped.alertrelay.evidence_count", 1},
		{"unmapped.incidentId", 1},
		{NULL, 0},
	};

	return json_document_fields(self, "ocsf", own, rules, count, wrong, context);
}
static const struct fmt_option_info ocsf_options[] = {
	{"original", "no", JSON_ORIGINAL_HELP},
	{NULL, NULL, NULL},
};

static void *ocsf_open(
	const struct fmt_option *options, size_t count, char *error, size_t error_size)
{
	return json_document_open(
		"ocsf", SEVERITY_SCALES, options, count, error, error_size);
}

const struct fmt_module ocsf_module = {
	.abi_version = FMT_ABI,
	.struct_size = sizeof(struct fmt_module),
	.name = "ocsf",
	.help = "OCSF " OCSF_VERSION ", a Detection Finding as one JSON object",
	.options = ocsf_options,
	.open = ocsf_open,
	.format = ocsf_format,
	.close = json_document_close,
	.fields = ocsf_fields,
};
