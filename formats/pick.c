/* pick.c - which value of an alert goes into which field. */
#include "pick.h"

#include <strings.h>

#include "address.h"
#include "pick_list.h"
#include "severity.h"
#include "value.h"

static void set(struct pick *v, enum pick_id row, struct fmt_str s)
{
	v->row[row] = text_trim(s);
}

struct fmt_str pick_put(struct pick *v, const char *p, size_t n)
{
	char *to = v->pool + v->used;

	if (!n)
		return (struct fmt_str){to, 0};
	if (n > sizeof(v->pool) - v->used)
		n = sizeof(v->pool) - v->used;
	memcpy(to, p, n);
	v->used += n;
	return (struct fmt_str){to, n};
}

void pick_number(struct pick *v, enum pick_id row, int64_t number)
{
	char digits[21], *p = digits + sizeof(digits);
	uint64_t n = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

	do
		*--p = (char)('0' + n % 10);
	while (n /= 10);
	if (number < 0)
		*--p = '-';
	v->row[row] = pick_put(v, p, (size_t)(digits + sizeof(digits) - p));
}

/* Milliseconds, cut and not rounded; what lies before 1970 is no time of an alert. */
static void set_time(struct pick *v, enum pick_id row, int64_t ticks)
{
	if (ticks > 0)
		pick_number(v, row, ticks / FMT_TICKS_PER_MS);
}

/* A plain decimal number without leading zeros, as the vendor writes them; else 0. */
static int read_number(struct fmt_str s, int64_t *number)
{
	size_t i = s.n && s.p[0] == '-';
	uint64_t n = 0, limit = (uint64_t)INT64_MAX + i;

	if (i == s.n || s.n > 20 || (s.p[i] == '0' && s.n > 1))
		return 0;
	for (; i < s.n; i++) {
		unsigned digit = (unsigned)(unsigned char)s.p[i] - '0';

		if (digit > 9 || n > (limit - digit) / 10)
			return 0;
		n = n * 10 + digit;
	}
	*number = s.p[0] == '-' ? (int64_t)(0 - n) : (int64_t)n;
	return 1;
}

static void set_ranged(
	struct pick *v, enum pick_id row, struct fmt_str s, int64_t low, int64_t high)
{
	int64_t number;

	if (read_number(s, &number) && number >= low && number <= high)
		v->row[row] = s;
}

/* 1 if the address went into one of the two rows; text that is no address is kept as text. */
static int set_address(
	struct pick *v, enum pick_id ipv4, enum pick_id ipv6, struct fmt_str text)
{
	char out[ADDRESS_SIZE];
	enum address_kind kind;

	text = text_trim(text);
	if (!text.n)
		return 0;
	kind = address_spell(&text, out);
	if (kind == ADDRESS_NONE) {
		if (!v->row[PICK_ADDRESS_TEXT].n)
			v->row[PICK_ADDRESS_TEXT] = text;
		return 0;
	}
	v->row[kind == ADDRESS_IPV4 ? ipv4 : ipv6] = pick_put(v, text.p, text.n);
	return 1;
}

static struct fmt_str join(
	struct pick *v, struct fmt_str a, const char *separator, struct fmt_str b)
{
	struct fmt_str s = {v->pool + v->used, 0};
	size_t between = strlen(separator);

	if (a.n > PICK_JOIN_MAX)
		a.n = PICK_JOIN_MAX;
	s.n = pick_put(v, a.p, a.n).n;
	if (s.n + between > PICK_JOIN_MAX)
		return s;
	s.n += pick_put(v, separator, between).n;
	if (b.n > PICK_JOIN_MAX - s.n)
		b.n = PICK_JOIN_MAX - s.n;
	s.n += pick_put(v, b.p, b.n).n;
	return s;
}

static struct fmt_str join_path(
	struct pick *v, struct fmt_str folder, struct fmt_str name)
{
	if (value_path_is_whole(folder, name))
		return folder;
	return join(v, folder, value_separator(folder), name);
}

static void set_list(struct pick *v, enum pick_id row, struct fmt_list list)
{
	struct fmt_str s = {v->pool + v->used, 0};

	for (size_t i = 0; i < list.count && s.n < PICK_JOIN_MAX; i++) {
		struct fmt_str item = text_trim(list.items[i]);

		if (!item.n)
			continue;
		if (s.n)
			s.n += pick_put(v, ",", 1).n;
		if (item.n > PICK_JOIN_MAX - s.n)
			item.n = PICK_JOIN_MAX - s.n;
		s.n += pick_put(v, item.p, item.n).n;
	}
	v->row[row] = s;
}

static void map_header(struct pick *v, const struct fmt_alert *alert)
{
	struct fmt_str category = text_trim(alert->category);

	v->severity = severity_of(alert);
	v->product = value_product(alert);
	v->class_id = text_trim(alert->detector_id);
	if (!v->class_id.n)
		v->class_id = category.n
				      ? category
				      : text_str(alert->kind ? alert->kind : "alert");
	v->name = text_trim(alert->title);
	if (!v->name.n)
		v->name = category.n ? category : text_str("Alert");
}

static void map_url(
	struct pick *v, enum pick_id row, enum pick_id long_row, struct fmt_str url)
{
	url = text_trim(url);
	v->row[text_fits(url, 1023) ? row : long_row] = url;
}

/* Texts of the alert as they are. */
static const struct {
	uint16_t row, at;
} texts[] = {
#define TEXT(row, member)                                                              \
	{                                                                              \
		row, offsetof(struct fmt_alert, member)                                \
	}
	TEXT(PICK_ALERT_ID, id),
	TEXT(PICK_VERSION, version),
	TEXT(PICK_CUSTOMER, customer),
	TEXT(PICK_CUSTOMER_NAME, customer_name),
	TEXT(PICK_TENANT_ID, tenant_id),
	TEXT(PICK_CATEGORY, category),
	TEXT(PICK_STATUS, status),
	TEXT(PICK_SERVICE_SOURCE, service_source),
	TEXT(PICK_THREAT, threat_name),
	TEXT(PICK_THREAT_FAMILY, threat_family),
	TEXT(PICK_ACTOR, actor),
	TEXT(PICK_REDIRECT, redirect_incident_id),
	TEXT(PICK_PRIORITY, priority_score),
	TEXT(PICK_INVESTIGATION_ID, investigation_id),
	TEXT(PICK_MODIFIED_BY, last_modified_by),
	TEXT(PICK_RESOLVING_COMMENT, resolving_comment),
	TEXT(PICK_ASSIGNED_TO, assigned_to),
	TEXT(PICK_PROVIDER_ID, provider_alert_id),
	TEXT(PICK_SOURCE_EXTERNAL_ID, external_id),
	TEXT(PICK_INDICATOR_ID, indicator_id),
	TEXT(PICK_POLICY_ID, alert_policy_id),
#undef TEXT
};

/* One that says something. */
static void set_known(struct pick *v, enum pick_id row, struct fmt_str s)
{
	s = text_trim(s);
	if (!value_is_nothing(s))
		v->row[row] = s;
}

static void map_alert(struct pick *v, const struct fmt_alert *alert)
{
	struct fmt_str s;
	int64_t number;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		memcpy(&s, (const char *)alert + texts[i].at, sizeof(s));
		set(v, (enum pick_id)texts[i].row, s);
	}
	if (text_fits(v->row[PICK_ALERT_ID], 40))
		v->row[PICK_EXTERNAL_ID] = v->row[PICK_ALERT_ID];
	if (alert->event_count) {
		pick_number(v, PICK_EVENT_NUMBER, alert->event_number);
		pick_number(v, PICK_EVENT_COUNT, alert->event_count);
	}
	s = text_trim(alert->incident_id);
	v->row[read_number(s, &number) ? PICK_INCIDENT_NUMBER : PICK_INCIDENT_ID] = s;
	set_known(v, PICK_CLASSIFICATION, alert->classification);
	set_known(v, PICK_DETERMINATION, alert->determination);
	set_known(v, PICK_INVESTIGATION, alert->investigation_state);
	set_time(v, PICK_TIME, alert->created > 0 ? alert->created : alert->updated);
	set_time(v, PICK_START, alert->first_activity);
	set_time(v, PICK_END, alert->last_activity);
	set_time(v, PICK_UPDATED, alert->updated);
	set_time(v, PICK_RESOLVED, alert->resolved);
	v->row[PICK_SERVICE] = v->row[PICK_SERVICE_SOURCE];
	set_known(v, PICK_SERVICE, alert->detection_source);
	map_url(v, PICK_ALERT_URL, PICK_ALERT_URL_LONG, alert->alert_url);
	map_url(v, PICK_INCIDENT_URL, PICK_INCIDENT_URL_LONG, alert->incident_url);
	if (alert->evidence_count)
		pick_number(v, PICK_EVIDENCE_COUNT, (int64_t)alert->evidence_count);
	set_list(v, PICK_TECHNIQUES, alert->mitre_techniques);
	set_list(v, PICK_TAGS, alert->system_tags);
	set_list(v, PICK_CUSTOM_TAGS, alert->custom_tags);
	if (alert->categories.count > 1 || !v->row[PICK_CATEGORY].n)
		set_list(v, PICK_CATEGORIES, alert->categories);
	if (alert->source)
		set(v, PICK_SOURCE_API, text_str(alert->source));
	s = text_trim(alert->custom_details);
	if (!text_equal_nocase(s, "{}") && !text_equal_nocase(s, "null"))
		v->row[PICK_CUSTOM_DETAILS] = s;
	s = text_trim(alert->description);
	set(v, PICK_MESSAGE, s.n ? s : alert->summary);
}

static void map_device(struct pick *v, const struct view *device)
{
	struct fmt_str s;
	char mac[18];

	if (!device->evidence)
		return;
	s = view_first(device, FMT_DEVICE_DNS_NAME, FMT_DEVICE_HOST_NAME);
	v->row[PICK_HOST] = s;
	if (text_fits(s, 100))
		v->row[PICK_DEVICE_HOST] = s;
	s = view_first(device, FMT_DEVICE_LAST_IP, FMT_DEVICE_IP);
	set_address(v, PICK_DEVICE_ADDRESS, PICK_DEVICE_IPV6, s);
	if (address_read_mac(view_get(device, FMT_DEVICE_MAC), mac))
		v->row[PICK_DEVICE_MAC] = pick_put(v, mac, 17);
	v->row[PICK_DEVICE_ID] = view_get(device, FMT_DEVICE_ID);
	v->row[PICK_DEVICE_AAD_ID] = view_get(device, FMT_DEVICE_AAD_ID);
	v->row[PICK_DEVICE_DOMAIN] = view_get(device, FMT_DEVICE_NT_DOMAIN);
	v->row[PICK_DEVICE_OS] = view_get(device, FMT_DEVICE_OS);
	v->row[PICK_DEVICE_GROUP] = view_get(device, FMT_DEVICE_GROUP);
	v->shown |= 1u << FMT_KIND_DEVICE;
}

static struct fmt_str strongest_hash(const struct view *file)
{
	static const enum fmt_field_id ids[] = {
		FMT_FILE_SHA256, FMT_FILE_SHA1, FMT_FILE_MD5, FMT_HASH_VALUE};
	struct fmt_str s = {NULL, 0};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]) && !s.n; i++)
		s = view_get(file, ids[i]);
	return s;
}

/* The key of the dictionary holds one: the strongest; indicators often name another. */
static void map_hashes(struct pick *v, const struct view *file)
{
	struct fmt_str strongest = strongest_hash(file);
	struct fmt_str sha1 = view_get(file, FMT_FILE_SHA1),
		       md5 = view_get(file, FMT_FILE_MD5);

	v->row[PICK_FILE_HASH] = strongest;
	if (sha1.p != strongest.p)
		v->row[PICK_FILE_SHA1] = sha1;
	if (md5.p != strongest.p)
		v->row[PICK_FILE_MD5] = md5;
}

static void map_process(
	struct pick *v, const struct view *process, const struct view *file)
{
	const struct view *shown = file->evidence ? file : process;
	struct fmt_str name = view_get(shown, FMT_FILE_NAME), s;

	if (shown->evidence) {
		v->row[PICK_FILE_NAME] = name;
		v->row[PICK_FILE_PATH] =
			join_path(v, view_get(shown, FMT_FILE_PATH), name);
		map_hashes(v, shown);
		set_ranged(v, PICK_FILE_SIZE, view_get(shown, FMT_FILE_SIZE), 0,
			INT32_MAX);
		v->shown |= 1u << shown->evidence->kind;
	}
	if (!process->evidence)
		return;
	if (shown == process) {
		s = v->row[PICK_FILE_PATH];
	} else {
		name = view_get(process, FMT_FILE_NAME);
		s = join_path(v, view_get(process, FMT_FILE_PATH), name);
		v->row[PICK_PROCESS_HASH] = strongest_hash(process);
	}
	v->row[PICK_PROCESS] = s.n ? s : name;
	set_ranged(v, PICK_PROCESS_ID, view_get(process, FMT_PROCESS_ID), 0, INT32_MAX);
	v->row[PICK_COMMAND_LINE] = view_get(process, FMT_PROCESS_COMMAND_LINE);
	name = view_get(process, FMT_PARENT_FILE_NAME);
	s = join_path(v, view_get(process, FMT_PARENT_FILE_PATH), name);
	v->row[PICK_PARENT_PROCESS] = s.n ? s : name;
	set_ranged(v, PICK_PARENT_PROCESS_ID, view_get(process, FMT_PARENT_PROCESS_ID),
		0, INT64_MAX);
	v->shown |= 1u << FMT_KIND_PROCESS;
}

/* What was done: the detection status first, then the remediation, then the mail's delivery. */
static void map_action(struct pick *v, const struct view *process,
	const struct view *file, const struct view *mail)
{
	const struct view *views[] = {process, file, mail};

	for (size_t i = 0; i < 2; i++) {
		v->row[PICK_ACTION] = view_get(views[i], FMT_DETECTION_STATUS);
		if (!value_is_nothing(v->row[PICK_ACTION]))
			return;
	}
	for (size_t i = 0; i < 3; i++) {
		v->row[PICK_ACTION] = view_get(views[i], FMT_REMEDIATION_STATUS);
		if (!value_is_nothing(v->row[PICK_ACTION]))
			return;
	}
	v->row[PICK_ACTION] = view_get(mail, FMT_MESSAGE_DELIVERY_ACTION);
}

/* Letters of ASCII in any case, as in the addresses of mail. */
static int same_text(struct fmt_str a, struct fmt_str b)
{
	return a.n && a.n == b.n && !strncasecmp(a.p, b.p, a.n);
}

/* An alert about mail: the sender is the source, who got it the destination; else the account is
 * the source. */
static void map_accounts(struct pick *v, const struct view *user,
	const struct view *process, const struct view *mailbox, const struct view *mail)
{
	const struct view *who = user->evidence ? user : process;
	struct fmt_str name = view_first(who, FMT_USER_NAME, FMT_USER_UPN);
	struct fmt_str id = view_first(who, FMT_USER_SID, FMT_USER_AAD_ID);
	struct fmt_str domain = view_get(who, FMT_USER_DOMAIN), box, s;

	v->row[PICK_USER_UPN] = view_get(who, FMT_USER_UPN);
	v->row[PICK_USER_AAD_ID] = view_get(who, FMT_USER_AAD_ID);
	box = view_first(mailbox, FMT_MAILBOX_ADDRESS, FMT_USER_UPN);
	v->row[PICK_MAILBOX] = box;
	if (user->evidence &&
		(v->row[PICK_USER_UPN].n || (!mail->evidence && (name.n || id.n))))
		v->shown |= 1u << FMT_KIND_USER;
	if (mailbox->evidence)
		v->shown |= 1u << FMT_KIND_MAILBOX;
	if (!mail->evidence) {
		v->row[PICK_SOURCE_USER] = name.n || id.n ? name : box;
		v->row[PICK_SOURCE_DOMAIN] = domain;
		v->row[PICK_SOURCE_USER_ID] = id;
		return;
	}
	v->shown |= 1u << FMT_KIND_MESSAGE;
	v->row[PICK_SENDER] =
		view_first(mail, FMT_MESSAGE_SENDER, FMT_MESSAGE_ENVELOPE_SENDER);
	s = view_get(mail, FMT_MESSAGE_RECIPIENT);
	if (!s.n)
		s = box.n ? box : name;
	v->row[PICK_DEST_USER] = s;
	/* Never the id of one person beside the name of another. */
	if (s.p == name.p || same_text(s, v->row[PICK_USER_UPN])) {
		v->row[PICK_DEST_DOMAIN] = domain;
		v->row[PICK_DEST_USER_ID] = id;
	}
	v->row[PICK_MAIL_SUBJECT] = view_get(mail, FMT_MESSAGE_SUBJECT);
	v->row[PICK_MAIL_NETWORK_ID] = view_get(mail, FMT_MESSAGE_NETWORK_ID);
	v->row[PICK_MAIL_ID] = view_get(mail, FMT_MESSAGE_ID);
	v->row[PICK_MAIL_ACTION] = view_get(mail, FMT_MESSAGE_DELIVERY_ACTION);
	v->row[PICK_MAIL_LOCATION] = view_get(mail, FMT_MESSAGE_DELIVERY_LOCATION);
	if (!v->row[PICK_THREAT].n)
		v->row[PICK_THREAT] = view_get(mail, FMT_MESSAGE_THREAT);
}

static void set_protocol(struct pick *v, struct fmt_str s)
{
	if (text_equal_nocase(s, "tcp"))
		v->row[PICK_PROTOCOL] = text_str("TCP");
	else if (text_equal_nocase(s, "udp"))
		v->row[PICK_PROTOCOL] = text_str("UDP");
	else if (!value_is_nothing(s))
		v->row[PICK_PROTOCOL] = s;
}

static int same_octets(struct fmt_str a, struct fmt_str b)
{
	return a.n == b.n && (!a.n || !memcmp(a.p, b.p, a.n));
}

/* Is it in one of the two rows, or kept as text? The rows hold canonical addresses: what is spelled
 * like one of them needs no reading. */
static int has_address(const struct pick *v, enum pick_id ipv4, enum pick_id ipv6,
	const struct fmt_evidence *evidence)
{
	struct fmt_str text = text_trim(fmt_get(evidence, FMT_IP_ADDRESS));
	char out[ADDRESS_SIZE];
	enum address_kind kind;

	if (!text.n)
		return 0;
	if (same_octets(text, v->row[ipv4]) || same_octets(text, v->row[ipv6]))
		return 1;
	kind = address_spell(&text, out);
	if (kind == ADDRESS_NONE)
		return same_text(text, v->row[PICK_ADDRESS_TEXT]);
	return same_octets(text, v->row[kind == ADDRESS_IPV4 ? ipv4 : ipv6]);
}

/* The connection, whose addresses go with its ports, then the addresses with a role, then the mail's
 * sender, then an address without a role: of a process or device it is the far end, else (a logon)
 * where it came from. */
static void map_network(struct pick *v, const struct fmt_alert *alert,
	const struct view *net, const struct view *mail)
{
	const struct fmt_evidence *ip = alert->primary[FMT_KIND_IP];
	const struct fmt_evidence *from = alert->source_ip, *to = alert->destination_ip;
	int far_end =
		alert->primary[FMT_KIND_PROCESS] || alert->primary[FMT_KIND_DEVICE];
	int have_from, have_to;

	have_from = set_address(
		v, PICK_SOURCE, PICK_SOURCE_IPV6, view_get(net, FMT_SOURCE_ADDRESS));
	have_to = set_address(
		v, PICK_DEST, PICK_DEST_IPV6, view_get(net, FMT_DESTINATION_ADDRESS));
	if (net->evidence) {
		set_ranged(
			v, PICK_SOURCE_PORT, view_get(net, FMT_SOURCE_PORT), 0, 65535);
		set_ranged(v, PICK_DEST_PORT, view_get(net, FMT_DESTINATION_PORT), 0,
			65535);
		set_protocol(v, view_get(net, FMT_PROTOCOL));
		/* A domain has no key: the list names it. */
		if ((have_from || have_to) && !view_get(net, FMT_DOMAIN_NAME).n)
			v->shown |= 1u << FMT_KIND_NETWORK;
	}
	if (!have_from)
		have_from = set_address(v, PICK_SOURCE, PICK_SOURCE_IPV6,
			fmt_get(from, FMT_IP_ADDRESS));
	if (!have_to)
		have_to = set_address(
			v, PICK_DEST, PICK_DEST_IPV6, fmt_get(to, FMT_IP_ADDRESS));
	if (!have_from)
		have_from = set_address(v, PICK_SOURCE, PICK_SOURCE_IPV6,
			view_get(mail, FMT_MESSAGE_SENDER_IP));
	if (ip && ip != from && ip != to && !(far_end ? have_to : have_from))
		set_address(v, far_end ? PICK_DEST : PICK_SOURCE,
			far_end ? PICK_DEST_IPV6 : PICK_SOURCE_IPV6,
			fmt_get(ip, FMT_IP_ADDRESS));
	if (has_address(v, PICK_SOURCE, PICK_SOURCE_IPV6, from))
		v->shown |= SHOWN_SOURCE_IP;
	if (has_address(v, PICK_DEST, PICK_DEST_IPV6, to))
		v->shown |= SHOWN_DESTINATION_IP;
	if (has_address(v, PICK_SOURCE, PICK_SOURCE_IPV6, ip) ||
		has_address(v, PICK_DEST, PICK_DEST_IPV6, ip))
		v->shown |= 1u << FMT_KIND_IP;
}

static void map_others(struct pick *v, const struct fmt_alert *alert)
{
	struct view view;
	struct fmt_str s, hive;

	view_open(&view, alert->primary[FMT_KIND_URL]);
	if (view.evidence) {
		s = view_get(&view, FMT_URL);
		v->row[value_has_scheme(s) ? PICK_REQUEST : PICK_URL_TEXT] = s;
		v->shown |= 1u << FMT_KIND_URL;
	}
	view_open(&view, alert->primary[FMT_KIND_REGISTRY]);
	if (view.evidence) {
		hive = view_get(&view, FMT_REGISTRY_HIVE);
		s = view_get(&view, FMT_REGISTRY_KEY);
		v->row[PICK_REGISTRY] = hive.n && s.n ? join(v, hive, "\\", s)
					: hive.n      ? hive
						      : s;
		v->row[PICK_REGISTRY_NAME] = view_get(&view, FMT_REGISTRY_VALUE_NAME);
		v->row[PICK_REGISTRY_VALUE] = view_get(&view, FMT_REGISTRY_VALUE);
		v->shown |= 1u << FMT_KIND_REGISTRY;
	}
	view_open(&view, alert->primary[FMT_KIND_CLOUD_RESOURCE]);
	if (view.evidence) {
		v->row[PICK_RESOURCE_ID] = view_get(&view, FMT_RESOURCE_ID);
		v->row[PICK_RESOURCE_NAME] =
			view_first(&view, FMT_RESOURCE_NAME, FMT_NAME);
		if (v->row[PICK_RESOURCE_ID].n || v->row[PICK_RESOURCE_NAME].n)
			v->shown |= 1u << FMT_KIND_CLOUD_RESOURCE;
	}
	view_open(&view, alert->primary[FMT_KIND_APPLICATION]);
	if (view.evidence) {
		v->row[PICK_APP_NAME] = view_first(&view, FMT_NAME, FMT_APP_INSTANCE);
		v->row[PICK_APP_ID] = view_first(&view, FMT_APP_ID, FMT_OBJECT_ID);
		v->shown |= 1u << FMT_KIND_APPLICATION;
	}
	view_open(&view, alert->primary[FMT_KIND_LOGON]);
	if (view.evidence)
		v->row[PICK_USER_AGENT] = view_get(&view, FMT_USER_AGENT);
	if (!v->row[PICK_THREAT].n) {
		view_open(&view, alert->primary[FMT_KIND_MALWARE]);
		if (view.evidence) {
			v->row[PICK_THREAT] = view_get(&view, FMT_NAME);
			v->shown |= 1u << FMT_KIND_MALWARE;
		}
	}
}

void pick_alert(struct pick *v, const struct fmt_alert *alert)
{
	struct view device, user, process, file, mailbox, mail, net;

	memset(v->row, 0, PICK_ROWS * sizeof(v->row[0]));
	v->shown = 0;
	v->used = 0;
	view_open(&device, alert->primary[FMT_KIND_DEVICE]);
	view_open(&user, alert->primary[FMT_KIND_USER]);
	view_open(&process, alert->primary[FMT_KIND_PROCESS]);
	view_open(&file, alert->primary[FMT_KIND_FILE]);
	view_open(&mailbox, alert->primary[FMT_KIND_MAILBOX]);
	view_open(&mail, alert->primary[FMT_KIND_MESSAGE]);
	view_open(&net, alert->primary[FMT_KIND_NETWORK]);
	map_header(v, alert);
	map_alert(v, alert);
	map_device(v, &device);
	map_process(v, &process, &file);
	map_action(v, &process, &file, &mail);
	map_accounts(v, &user, &process, &mailbox, &mail);
	map_network(v, alert, &net, &mail);
	map_others(v, alert);
	pick_evidence(v, alert);
	/* The only piece of this message. */
	if (alert->event_count && alert->evidence_count == 1)
		pick_fields(v, &alert->evidence[0]);
}
