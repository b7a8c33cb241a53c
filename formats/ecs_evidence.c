/* ecs_evidence.c - fields of the Elastic Common Schema from the primary pieces of evidence. */
#include "ecs.h"
#include "json_members.h"

#define JOIN_MAX 4096u /* octets of a part of a registry path */

#define KEY(name) JSON_NAME(name)

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
	struct value_set set;
	char pool[8][ADDRESS_SIZE];

	value_set_init(&set);
	for (size_t i = 0; i < device->field_count && set.count < 8; i++) {
		const struct fmt_field *field = &device->fields[i];
		struct fmt_str s;

		if (field->id != FMT_DEVICE_LAST_IP && field->id != FMT_DEVICE_IP)
			continue;
		s = text_trim(field->value);
		if (address_spell(&s, pool[set.count]) != ADDRESS_NONE)
			value_set_add(&set, s, 0);
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

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (text_begins_nocase(os, types[i].begins))
			return types[i].type;
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
	ecs_put_lower(w, KEY("name"),
		view_first(&v, FMT_DEVICE_DNS_NAME, FMT_DEVICE_HOST_NAME));
	json_member(w, KEY("hostname"),
		view_first(&v, FMT_DEVICE_HOST_NAME, FMT_DEVICE_DNS_NAME), JSON_FIXED);
	json_field(w, &v, KEY("id"), FMT_DEVICE_ID);
	json_member(w, KEY("domain"),
		view_first(&v, FMT_DEVICE_NT_DOMAIN, FMT_DEVICE_DNS_DOMAIN),
		JSON_FIXED);
	put_addresses(w, v.evidence);
	if (!json_is_empty(w))
		put_mac(w, view_get(&v, FMT_DEVICE_MAC));
	json_field(w, &v, KEY("type"), FMT_DEVICE_TYPE);
	os = json_open(w, KEY("os"), '{');
	s = view_get(&v, FMT_DEVICE_OS);
	json_member(w, KEY("name"), s, JSON_FIXED);
	type = os_type(s);
	if (type)
		json_member(w, KEY("type"), text_str(type), JSON_FIXED);
	s = view_get(&v, FMT_DEVICE_OS_VERSION);
	json_member(w, KEY("version"), s, JSON_FIXED);
	json_field(w, &v, KEY("kernel"), FMT_DEVICE_OS_BUILD);
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
	json_field(w, v, KEY("domain"), FMT_USER_DOMAIN);
	json_member(w, KEY("id"), id.n ? id : view_get(v, FMT_USER_AAD_ID), JSON_FIXED);
	if (value_is_mail(upn))
		json_member(w, KEY("email"), upn, JSON_FIXED);
	json_field(w, v, KEY("full_name"), FMT_USER_DISPLAY_NAME);
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
		if (!json_is_empty(w))
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
	json_field(w, &v, KEY("name"), FMT_FILE_NAME);
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
	json_field(w, &v, KEY("name"), FMT_PARENT_FILE_NAME);
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
	json_field(w, &v, KEY("subject_name"), FMT_FILE_SIGNER);
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
	json_field(w, &v, KEY("type"), FMT_REGISTRY_VALUE_TYPE);
	s = view_get(&v, FMT_REGISTRY_VALUE);
	json_list(w, KEY("strings"), (struct fmt_list){&s, 1}, JSON_FIXED);
	json_close(w, data, JSON_FIXED);
	json_close(w, registry, JSON_USEFUL);
}

static void put_url(struct json_writer *w, const struct fmt_alert *alert)
{
	struct fmt_str s = text_trim(fmt_get(alert->primary[FMT_KIND_URL], FMT_URL));
	struct json_open url;

	if (!s.n)
		return;
	url = json_open(w, KEY("url"), '{');
	json_member(w, KEY("original"), s, JSON_FIXED);
	if (value_has_scheme(s))
		json_member(w, KEY("full"), s, JSON_FIXED);
	json_close(w, url, JSON_USEFUL);
}

/* One end of a connection: text that is no address is kept as `address` alone. */
static void put_end(struct json_writer *w, struct json_name name, struct fmt_str text,
	struct fmt_str port, const struct view *place)
{
	struct json_open end = json_open(w, name, '{'), geo;
	char out[ADDRESS_SIZE];
	struct fmt_str country;
	uint64_t number;
	int is_address;

	is_address = address_spell(&text, out) != ADDRESS_NONE;
	json_member(w, KEY("address"), text, JSON_FIXED);
	if (is_address)
		json_member(w, KEY("ip"), text, JSON_FIXED);
	if (value_number(port, 65535, &number))
		json_number(w, KEY("port"), number);
	geo = json_open(w, KEY("geo"), '{');
	country = view_get(place, FMT_IP_COUNTRY);
	if (value_is_country(country))
		json_member(w, KEY("country_iso_code"), country, JSON_FIXED);
	json_field(w, place, KEY("country_name"), FMT_IP_COUNTRY_NAME);
	json_field(w, place, KEY("region_name"), FMT_IP_STATE);
	json_field(w, place, KEY("city_name"), FMT_IP_CITY);
	json_close(w, geo, JSON_FIXED);
	json_close(w, end, JSON_USEFUL);
}

static void put_connection(struct json_writer *w, const struct view *net)
{
	struct json_open open = json_open(w, KEY("network"), '{'), inner;
	struct fmt_str s = view_get(net, FMT_PROTOCOL);

	if (!value_is_nothing(s))
		ecs_put_lower(w, KEY("transport"), s);
	json_close(w, open, JSON_USEFUL);
	open = json_open(w, KEY("dns"), '{');
	inner = json_open(w, KEY("question"), '{');
	json_field(w, net, KEY("name"), FMT_DOMAIN_NAME);
	json_close(w, inner, JSON_FIXED);
	json_close(w, open, JSON_USEFUL);
}

/* The connection, whose addresses go with its ports, then the addresses with a role, then the mail's
 * sender, then an address without a role: of a process or device it is the far end, else (a logon)
 * where it came from. */
static void put_network(struct json_writer *w, const struct fmt_alert *alert)
{
	const struct fmt_evidence *ip = alert->primary[FMT_KIND_IP];
	struct view net, from, to;
	struct fmt_str source, target, s;

	view_open(&net, alert->primary[FMT_KIND_NETWORK]);
	source = view_get(&net, FMT_SOURCE_ADDRESS);
	target = view_get(&net, FMT_DESTINATION_ADDRESS);
	view_open(&from, source.n ? NULL : alert->source_ip);
	view_open(&to, target.n ? NULL : alert->destination_ip);
	if (!source.n)
		source = view_get(&from, FMT_IP_ADDRESS);
	if (!target.n)
		target = view_get(&to, FMT_IP_ADDRESS);
	if (!source.n)
		source = text_trim(fmt_get(
			alert->primary[FMT_KIND_MESSAGE], FMT_MESSAGE_SENDER_IP));
	if (ip && ip != alert->source_ip && ip != alert->destination_ip) {
		s = text_trim(fmt_get(ip, FMT_IP_ADDRESS));
		if (alert->primary[FMT_KIND_PROCESS] ||
			alert->primary[FMT_KIND_DEVICE]) {
			if (!target.n) {
				target = s;
				view_open(&to, ip);
			}
		} else if (!source.n) {
			source = s;
			view_open(&from, ip);
		}
	}
	if (net.evidence || source.n || from.evidence)
		put_end(w, KEY("source"), source, view_get(&net, FMT_SOURCE_PORT),
			&from);
	if (net.evidence || target.n || to.evidence)
		put_end(w, KEY("destination"), target,
			view_get(&net, FMT_DESTINATION_PORT), &to);
	if (net.evidence)
		put_connection(w, &net);
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
	json_field(w, &v, KEY("subject"), FMT_MESSAGE_SUBJECT);
	json_field(w, &v, KEY("message_id"), FMT_MESSAGE_ID);
	json_field(w, &v, KEY("local_id"), FMT_MESSAGE_NETWORK_ID);
	s = view_get(&v, FMT_MESSAGE_DIRECTION);
	if (!value_is_nothing(s))
		ecs_put_lower(w, KEY("direction"), s);
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
	json_field(w, &v, KEY("id"), FMT_CONTAINER_ID);
	inner = json_open(w, KEY("image"), '{');
	json_field(w, &v, KEY("name"), FMT_IMAGE_ID);
	json_close(w, inner, JSON_FIXED);
	json_close(w, open, JSON_USEFUL);
	open = json_open(w, KEY("orchestrator"), '{');
	json_field(w, &v, KEY("namespace"), FMT_NAMESPACE);
	inner = json_open(w, KEY("cluster"), '{');
	json_field(w, &v, KEY("name"), FMT_CLUSTER);
	json_close(w, inner, JSON_FIXED);
	json_close(w, open, JSON_USEFUL);
}

static void put_logon(struct json_writer *w, const struct fmt_alert *alert)
{
	struct json_open open;

	if (!alert->primary[FMT_KIND_LOGON])
		return;
	open = json_open(w, KEY("user_agent"), '{');
	json_member(w, KEY("original"),
		text_trim(fmt_get(alert->primary[FMT_KIND_LOGON], FMT_USER_AGENT)),
		JSON_FIXED);
	json_close(w, open, JSON_USEFUL);
}

static void put_group(struct json_writer *w, const struct fmt_alert *alert)
{
	const struct fmt_evidence *group = alert->primary[FMT_KIND_GROUP];
	struct json_open open;
	struct fmt_str s;

	if (!group)
		return;
	open = json_open(w, KEY("group"), '{');
	json_member(w, KEY("name"), text_trim(fmt_get(group, FMT_NAME)), JSON_FIXED);
	s = text_trim(fmt_get(group, FMT_GROUP_SID));
	json_member(w, KEY("id"), s.n ? s : text_trim(fmt_get(group, FMT_OBJECT_ID)),
		JSON_FIXED);
	json_close(w, open, JSON_USEFUL);
}

void ecs_put_evidence(struct json_writer *w, const struct fmt_alert *alert)
{
	put_host(w, alert);
	put_user(w, alert);
	put_process(w, alert);
	put_file(w, alert);
	put_registry(w, alert);
	put_url(w, alert);
	put_network(w, alert);
	put_email(w, alert);
	put_cloud(w, alert);
	put_logon(w, alert);
	put_group(w, alert);
}
