/* ocsf_evidence.c - one piece of evidence in the objects of OCSF. */
#include "json_members.h"
#include "ocsf.h"

#define PID_MAX UINT32_MAX

#define KEY(name) JSON_NAME(name)

static const struct ocsf_places plain_places = {
	OCSF_FILE, OCSF_FILE_HASH, OCSF_USER, OCSF_USER_MAIL};
static const struct ocsf_places process_places = {OCSF_PROCESS_FILE,
	OCSF_PROCESS_FILE_HASH, OCSF_PROCESS_USER, OCSF_PROCESS_USER_MAIL};
static const struct ocsf_places parent_places = {
	OCSF_PARENT_FILE, OCSF_PARENT_FILE_HASH, OCSF_NOWHERE, OCSF_NOWHERE};
static const struct ocsf_places actor_places = {
	OCSF_NOWHERE, OCSF_NOWHERE, OCSF_ACTOR_USER, OCSF_ACTOR_USER_MAIL};

static int same_text(struct fmt_str a, struct fmt_str b)
{
	return a.n == b.n && (!a.n || !memcmp(a.p, b.p, a.n));
}

/* An address in its canonical form that lives as long as the document; n == 0 when it is none. */
static struct fmt_str read_address(struct ocsf_document *d, struct fmt_str s)
{
	char *out = d->pool[d->addresses];

	if (address_spell(&s, out) == ADDRESS_NONE ||
		(s.p == out && d->addresses == OCSF_OBSERVABLES_MAX))
		return (struct fmt_str){NULL, 0};
	d->addresses += s.p == out;
	return s;
}

static struct fmt_str take(struct ocsf_document *d, enum fmt_field_id id)
{
	return view_take(&d->view, id);
}

static struct fmt_str get(const struct ocsf_document *d, enum fmt_field_id id)
{
	return view_get(&d->view, id);
}

static void put_taken(struct json_writer *w, struct ocsf_document *d,
	struct json_name name, enum fmt_field_id id)
{
	json_member(w, name, take(d, id), JSON_FIXED);
}

/* Only what is one; else the text stays for data. */
static void put_moment(struct json_writer *w, struct ocsf_document *d,
	struct json_name name, enum fmt_field_id id)
{
	int64_t ticks = value_time(get(d, id));

	if (ticks == FMT_NO_TIME)
		return;
	view_mark(&d->view, id);
	json_epoch(w, name, ticks, JSON_FIXED);
}

static void put_integer(struct json_writer *w, struct ocsf_document *d,
	struct json_name name, enum fmt_field_id id, uint64_t max)
{
	uint64_t number;

	if (!value_number(get(d, id), max, &number))
		return;
	view_mark(&d->view, id);
	json_number(w, name, number);
}

static int put_address(struct json_writer *w, struct ocsf_document *d,
	struct json_name name, enum fmt_field_id id, enum ocsf_place place)
{
	struct fmt_str s = read_address(d, get(d, id));

	if (!s.n)
		return 0;
	view_mark(&d->view, id);
	json_member(w, name, s, JSON_FIXED);
	ocsf_observe(d, place, s);
	return 1;
}

/* email_t */
static void put_mail(struct json_writer *w, struct ocsf_document *d,
	struct json_name name, enum fmt_field_id id, enum ocsf_place place)
{
	struct fmt_str s = get(d, id);

	if (!value_is_mail(s))
		return;
	view_mark(&d->view, id);
	json_member(w, name, s, JSON_FIXED);
	ocsf_observe(d, place, s);
}

enum algorithm { MD5, SHA1, SHA256, SHA256_AUTHENTICODE, OTHER_ALGORITHM };

static void put_hash(struct json_writer *w, struct ocsf_document *d,
	enum algorithm algorithm, struct fmt_str value)
{
#define ALGORITHM(name, id)                                                            \
	TEXT_INIT("{\"algorithm_id\":" #id ",\"algorithm\":\"" name "\",\"value\":")
	static const struct fmt_str begins[] = {
		[MD5] = ALGORITHM("MD5", 1),
		[SHA1] = ALGORITHM("SHA-1", 2),
		[SHA256] = ALGORITHM("SHA-256", 3),
		[SHA256_AUTHENTICODE] = ALGORITHM("SHA-256 Authenticode", 99),
		[OTHER_ALGORITHM] = ALGORITHM("Other", 99),
	};

	if (!value.n)
		return;
	json_next(w);
	json_octets(w, begins[algorithm].p, begins[algorithm].n);
	json_string(w, value);
	json_literal(w, "}");
	ocsf_observe(d, d->places->hash, value);
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
static void put_named_hash(struct json_writer *w, struct ocsf_document *d)
{
	static const struct {
		const char *vendor;
		enum algorithm algorithm;
	} algorithms[] = {{"md5", MD5}, {"sha1", SHA1}, {"sha256", SHA256}};
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
		put_hash(w, d, algorithms[i].algorithm, value);
		return;
	}
	/* Which one it is stays in data. */
	view_mark(&d->view, FMT_HASH_VALUE);
	put_hash(w, d, OTHER_ALGORITHM, value);
}

/* A file object if anything is known of it; name and type are required. */
static void put_file(
	struct json_writer *w, struct ocsf_document *d, const struct file_ids *ids)
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
		ocsf_observe(d, d->places->file, name);
	json_literal(w, ",\"type_id\":1");
	json_path(w, KEY("path"), folder, name);
	view_mark(&d->view, ids->path);
	if (!value_path_is_whole(folder, name))
		json_member(w, KEY("parent_folder"), folder, JSON_FIXED);
	put_integer(w, d, KEY("size"), ids->size, VALUE_SAFE_MAX);
	hashes = json_open(w, KEY("hashes"), '[');
	put_hash(w, d, MD5, take(d, ids->md5));
	put_hash(w, d, SHA1, take(d, ids->sha1));
	put_hash(w, d, SHA256, take(d, ids->sha256));
	put_hash(w, d, SHA256_AUTHENTICODE, take(d, ids->sha256ac));
	if (own)
		put_named_hash(w, d);
	json_close(w, hashes, JSON_FIXED);
	put_taken(w, d, KEY("company_name"), ids->company);
	json_close(w, file, JSON_FIXED);
}

/* A user object: one of name and uid is required. */
static void put_user(
	struct json_writer *w, struct ocsf_document *d, struct json_name key)
{
	struct fmt_str name = get(d, FMT_USER_NAME), sid = get(d, FMT_USER_SID);
	struct fmt_str upn = get(d, FMT_USER_UPN), aad = get(d, FMT_USER_AAD_ID);
	struct json_open user;

	if (!name.n && !sid.n && !upn.n && !aad.n)
		return;
	user = json_open(w, key, '{');
	json_member(w, KEY("name"), name.n ? name : upn, JSON_FIXED);
	ocsf_observe(d, d->places->user, name.n ? name : upn);
	view_mark(&d->view, name.n ? FMT_USER_NAME : FMT_USER_UPN);
	json_member(w, KEY("uid"), sid.n ? sid : aad, JSON_FIXED);
	view_mark(&d->view, sid.n ? FMT_USER_SID : FMT_USER_AAD_ID);
	if (sid.n && aad.n)
		put_taken(w, d, KEY("uid_alt"), FMT_USER_AAD_ID);
	put_taken(w, d, KEY("domain"), FMT_USER_DOMAIN);
	put_taken(w, d, KEY("full_name"), FMT_USER_DISPLAY_NAME);
	put_mail(w, d, KEY("email_addr"), FMT_USER_UPN, d->places->mail);
	json_close(w, user, JSON_FIXED);
}

/* "<alert>/<place>": what identifies a process whose number is not known. */
static void put_process_uid(struct json_writer *w, const struct ocsf_document *d)
{
	struct fmt_str id = d->alert->id;
	/* Its place in the whole alert, also where it stands alone. */
	size_t number = d->alert->event_number
				? d->alert->event_number - 1
				: (size_t)(d->view.evidence - d->alert->evidence);

	if (!json_key(w, KEY("uid"), ESCAPE_JSON_ROOM(id.n) + 32))
		return;
	json_quote(w, id);
	w->p[-1] = '/';
	w->p = value_put_number(w->p, number);
	*w->p++ = '"';
}

static void put_process(struct json_writer *w, struct ocsf_document *d)
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
	ocsf_observe(d, OCSF_PROCESS, get(d, FMT_FILE_NAME));
	json_long(w, KEY("cmd_line"), command, JSON_FIXED, JSON_CUT_TEXT);
	view_mark(&d->view, FMT_PROCESS_COMMAND_LINE);
	ocsf_observe(d, OCSF_PROCESS_COMMAND_LINE, command);
	put_moment(w, d, KEY("created_time"), FMT_PROCESS_CREATED);
	d->places = &process_places;
	put_file(w, d, &own_file);
	put_user(w, d, KEY("user"));
	/* Without a number there is nothing to identify the parent by: its fields stay in data. */
	if (value_number(get(d, FMT_PARENT_PROCESS_ID), PID_MAX, &pid)) {
		parent = json_open(w, KEY("parent_process"), '{');
		put_integer(w, d, KEY("pid"), FMT_PARENT_PROCESS_ID, PID_MAX);
		json_member(w, KEY("name"), parent_name, JSON_FIXED);
		put_moment(w, d, KEY("created_time"), FMT_PARENT_PROCESS_CREATED);
		d->places = &parent_places;
		put_file(w, d, &parent_file);
		json_close(w, parent, JSON_FIXED);
	}
	json_close(w, process, JSON_FIXED);
}

static void put_os(struct json_writer *w, struct ocsf_document *d)
{
#define OS(type, id) TEXT_INIT("\"" type "\",\"type_id\":" #id)
	static const struct {
		const char *begins;
		struct fmt_str type;
	} types[] = {{"windows", OS("Windows", 100)}, {"linux", OS("Linux", 200)},
		{"android", OS("Android", 201)}, {"macos", OS("macOS", 300)},
		{"mac", OS("macOS", 300)}, {"ios", OS("iOS", 301)},
		{"ipados", OS("iPadOS", 302)}, {"ubuntu", OS("Linux", 200)},
		{"debian", OS("Linux", 200)}, {"redhat", OS("Linux", 200)},
		{"centos", OS("Linux", 200)}, {"suse", OS("Linux", 200)}};
	static const struct fmt_str other = OS("Other", 99);
	struct fmt_str name = take(d, FMT_DEVICE_OS);
	struct json_open os;
	size_t i = 0, count = sizeof(types) / sizeof(types[0]);

	if (!name.n)
		return;
	while (i < count && !text_begins_nocase(name, types[i].begins))
		i++;
	os = json_open(w, KEY("os"), '{');
	json_member(w, KEY("name"), name, JSON_FIXED);
	json_value(w, KEY("type"), i < count ? types[i].type : other);
	put_taken(w, d, KEY("version"), FMT_DEVICE_OS_VERSION);
	put_taken(w, d, KEY("build"), FMT_DEVICE_OS_BUILD);
	json_close(w, os, JSON_FIXED);
}

static void put_risk(struct json_writer *w, struct ocsf_document *d)
{
#define RISK(level, id) TEXT_INIT(#id ",\"risk_level\":\"" level "\"")
	static const struct {
		const char *vendor;
		struct fmt_str level;
	} levels[] = {{"informational", RISK("Info", 0)}, {"low", RISK("Low", 1)},
		{"medium", RISK("Medium", 2)}, {"high", RISK("High", 3)}};
	struct fmt_str s = get(d, FMT_DEVICE_RISK);

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (!text_equal_nocase(s, levels[i].vendor))
			continue;
		view_mark(&d->view, FMT_DEVICE_RISK);
		json_value(w, KEY("risk_level_id"), levels[i].level);
	}
}

/* The device object; one of hostname, uid and ip is required, and the type. */
static void put_device(
	struct json_writer *w, struct ocsf_document *d, enum json_rank rank)
{
	struct fmt_str name = get(d, FMT_DEVICE_DNS_NAME);
	struct json_open device = json_open(w, KEY("device"), '{'), open;
	enum fmt_field_id host = name.n ? FMT_DEVICE_DNS_NAME : FMT_DEVICE_HOST_NAME;
	char mac[18];

	name = get(d, host);
	json_member(w, KEY("hostname"), name, JSON_FIXED);
	view_mark(&d->view, host);
	ocsf_observe(d, OCSF_DEVICE, name);
	if (name.n && host == FMT_DEVICE_DNS_NAME)
		put_taken(w, d, KEY("name"), FMT_DEVICE_HOST_NAME);
	put_taken(w, d, KEY("uid"), FMT_DEVICE_ID);
	if (!put_address(w, d, KEY("ip"), FMT_DEVICE_LAST_IP, OCSF_DEVICE_IP))
		put_address(w, d, KEY("ip"), FMT_DEVICE_IP, OCSF_DEVICE_IP);
	if (json_is_empty(w)) {
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
		json_member(w, KEY("mac"), text_str(mac), JSON_FIXED);
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
static void put_endpoint(struct json_writer *w, struct ocsf_document *d,
	struct json_name key, enum fmt_field_id address, enum fmt_field_id port,
	enum ocsf_place place)
{
	struct json_open end, location;
	struct fmt_str country;

	if (!read_address(d, get(d, address)).n)
		return;
	end = json_open(w, key, '{');
	put_address(w, d, KEY("ip"), address, place);
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
static int is_source(const struct ocsf_document *d)
{
	const struct fmt_alert *alert = d->alert;

	if (d->view.evidence == alert->source_ip)
		return 1;
	if (d->view.evidence == alert->destination_ip)
		return 0;
	return !alert->primary[FMT_KIND_PROCESS] && !alert->primary[FMT_KIND_DEVICE];
}

static void put_connection(struct json_writer *w, struct ocsf_document *d)
{
	struct json_open open;
	struct fmt_str s = get(d, FMT_PROTOCOL);
	struct fmt_str domain = get(d, FMT_DOMAIN_NAME);

	put_endpoint(w, d, KEY("src_endpoint"), FMT_SOURCE_ADDRESS, FMT_SOURCE_PORT,
		OCSF_SOURCE_IP);
	put_endpoint(w, d, KEY("dst_endpoint"), FMT_DESTINATION_ADDRESS,
		FMT_DESTINATION_PORT, OCSF_DESTINATION_IP);
	if (text_equal_nocase(s, "tcp") || text_equal_nocase(s, "udp")) {
		open = json_open(w, KEY("connection_info"), '{');
		json_literal(w, "\"direction_id\":0");
		view_mark(&d->view, FMT_PROTOCOL);
		if (text_equal_nocase(s, "tcp"))
			json_literal(
				w, ",\"protocol_name\":\"tcp\",\"protocol_num\":6");
		else
			json_literal(
				w, ",\"protocol_name\":\"udp\",\"protocol_num\":17");
		json_close(w, open, JSON_FIXED);
	}
	if (domain.n) {
		open = json_open(w, KEY("query"), '{');
		put_taken(w, d, KEY("hostname"), FMT_DOMAIN_NAME);
		ocsf_observe(d, OCSF_QUERY, domain);
		json_close(w, open, JSON_FIXED);
	}
	if (get(d, FMT_DEVICE_IP).n || get(d, FMT_DEVICE_MAC).n)
		put_device(w, d, JSON_FIXED);
}

/* The email object; one of from and to is required. */
static void put_email(struct json_writer *w, struct ocsf_document *d)
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
	put_mail(w, d, KEY("from"), sender, OCSF_MAIL_FROM);
	list = json_open(w, KEY("to"), '[');
	for (size_t i = 0; i < evidence->field_count && !w->full; i++) {
		to = text_trim(evidence->fields[i].value);
		if (evidence->fields[i].id != FMT_MESSAGE_RECIPIENT ||
			!value_is_mail(to))
			continue;
		json_element(w, to);
		view_mark(&d->view, FMT_MESSAGE_RECIPIENT);
		ocsf_observe(d, OCSF_MAIL_TO, to);
	}
	json_close(w, list, JSON_FIXED);
	put_taken(w, d, KEY("subject"), FMT_MESSAGE_SUBJECT);
	put_taken(w, d, KEY("message_uid"), FMT_MESSAGE_ID);
	put_address(w, d, KEY("x_originating_ip"), FMT_MESSAGE_SENDER_IP, OCSF_MAIL_IP);
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
		ocsf_observe(d, OCSF_MAIL_URL, url);
	}
	json_close(w, list, JSON_FIXED);
	json_close(w, email, JSON_FIXED);
}

static void put_mailbox(struct json_writer *w, struct ocsf_document *d)
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
	put_mail(w, d, KEY("email_addr"), FMT_MAILBOX_ADDRESS, OCSF_USER_MAIL);
	put_taken(w, d, KEY("full_name"), FMT_MAILBOX_NAME);
	put_taken(w, d, KEY("uid"), FMT_USER_AAD_ID);
	json_close(w, user, JSON_FIXED);
}

static void put_url(struct json_writer *w, struct ocsf_document *d)
{
	struct fmt_str s = get(d, FMT_URL);
	struct json_open url = json_open(w, KEY("url"), '{');

	put_taken(w, d, KEY("url_string"), FMT_URL);
	ocsf_observe(d, OCSF_URL, s);
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
static void put_resource(struct json_writer *w, struct ocsf_document *d)
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
	ocsf_observe(d, OCSF_RESOURCE, get(d, ids.uid));
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
static void put_logon(struct json_writer *w, struct ocsf_document *d)
{
	struct json_open actor = json_open(w, KEY("actor"), '{'), session;

	d->places = &actor_places;
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

static void put_verdict(struct json_writer *w, struct ocsf_document *d)
{
#define VERDICT(caption, id) TEXT_INIT("\"" caption "\",\"verdict_id\":" #id)
	static const struct {
		const char *vendor;
		struct fmt_str verdict;
	} verdicts[] = {{"malicious", VERDICT("True Positive", 2)},
		{"suspicious", VERDICT("Suspicious", 4)},
		{"noThreatsFound", VERDICT("Benign", 5)},
		{"unknown", VERDICT("Unknown", 0)}};
	struct fmt_str s = take(d, FMT_VERDICT);

	if (!s.n)
		return;
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		if (!text_equal_nocase(s, verdicts[i].vendor))
			continue;
		json_value(w, KEY("verdict"), verdicts[i].verdict);
		return;
	}
	json_member(w, KEY("verdict"), s, JSON_FIXED);
	json_literal(w, ",\"verdict_id\":99");
}

static void put_kind(struct json_writer *w, struct ocsf_document *d)
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
				FMT_FIELD_NONE, OCSF_SOURCE_IP);
		else
			put_endpoint(w, d, KEY("dst_endpoint"), FMT_IP_ADDRESS,
				FMT_FIELD_NONE, OCSF_DESTINATION_IP);
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
static void put_evidence(
	struct json_writer *w, const struct fmt_evidence *evidence, void *context)
{
	struct ocsf_document *d = context;

	json_literal(w, "{");
	view_open(&d->view, evidence);
	d->places = &plain_places;
	json_member(w, KEY("name"), text_trim(evidence->type), JSON_FIXED);
	put_verdict(w, d);
	put_kind(w, d);
	json_key(w, KEY("data"), 0);
	json_literal(w, "{");
	json_member(w, KEY("kind"), value_kind(evidence->kind), JSON_FIXED);
	json_time(w, KEY("createdDateTime"), evidence->created, JSON_FIXED);
	json_fields(w, evidence, &d->view.used);
	if (evidence->kind == FMT_KIND_OTHER)
		json_raw_text(w, KEY("raw"), evidence->raw, JSON_FIXED);
	json_literal(w, "}}");
}

void ocsf_put_evidences(struct json_writer *w, struct ocsf_document *d)
{
	ocsf_observe_nothing(d);
	json_evidence(w, KEY("evidences"), d->alert, put_evidence, d);
}

void ocsf_put_device(struct json_writer *w, struct ocsf_document *d)
{
	if (!d->alert->primary[FMT_KIND_DEVICE])
		return;
	ocsf_observe_nothing(d);
	view_open(&d->view, d->alert->primary[FMT_KIND_DEVICE]);
	put_device(w, d, JSON_USEFUL);
}
