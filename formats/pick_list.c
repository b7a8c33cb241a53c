/* pick_list.c - what of the evidence has no field of its own, as lists in one text. */
#include "pick_list.h"

#include "value.h"

#define LIST_MAX 1970u /* octets of the evidence list; leaves room for its "; +n" */
#define ITEM_MAX 80u /* characters of one item's name */
#define FIELDS_MAX 3900u /* octets of the list of an event's fields */
#define FIELD_MAX 255u /* characters of one of its values */

/* What names a piece of evidence of each kind, the best first. */
#define KIND_IDS 6
static const uint8_t kind_ids[FMT_KINDS][KIND_IDS] = {
	[FMT_KIND_OTHER] = {FMT_NAME, FMT_OBJECT_ID},
	[FMT_KIND_DEVICE] = {FMT_DEVICE_DNS_NAME, FMT_DEVICE_HOST_NAME, FMT_DEVICE_ID},
	[FMT_KIND_USER] = {FMT_USER_UPN, FMT_USER_NAME, FMT_USER_SID, FMT_USER_AAD_ID,
		FMT_USER_DISPLAY_NAME},
	[FMT_KIND_PROCESS] = {FMT_FILE_NAME, FMT_PROCESS_COMMAND_LINE, FMT_PROCESS_ID},
	[FMT_KIND_FILE] = {FMT_FILE_NAME, FMT_FILE_SHA256, FMT_FILE_SHA1,
		FMT_HASH_VALUE},
	[FMT_KIND_IP] = {FMT_IP_ADDRESS},
	[FMT_KIND_URL] = {FMT_URL},
	[FMT_KIND_MAILBOX] = {FMT_MAILBOX_ADDRESS, FMT_USER_UPN, FMT_MAILBOX_NAME},
	[FMT_KIND_MESSAGE] = {FMT_MESSAGE_SUBJECT, FMT_MESSAGE_NETWORK_ID,
		FMT_MESSAGE_ID},
	[FMT_KIND_REGISTRY] = {FMT_REGISTRY_KEY, FMT_REGISTRY_VALUE_NAME},
	[FMT_KIND_CLOUD_RESOURCE] = {FMT_RESOURCE_NAME, FMT_NAME, FMT_RESOURCE_ID,
		FMT_CONTAINER_ID, FMT_IMAGE_ID, FMT_REGISTRY_NAME},
	[FMT_KIND_NETWORK] = {FMT_DESTINATION_ADDRESS, FMT_DOMAIN_NAME,
		FMT_SOURCE_ADDRESS, FMT_IP_ADDRESS, FMT_DEVICE_IP, FMT_DEVICE_MAC},
	[FMT_KIND_APPLICATION] = {FMT_NAME, FMT_APP_INSTANCE, FMT_APP_ID,
		FMT_OBJECT_ID},
	[FMT_KIND_LOGON] = {FMT_USER_UPN, FMT_USER_NAME, FMT_SESSION_ID,
		FMT_REQUEST_ID},
	[FMT_KIND_GROUP] = {FMT_NAME, FMT_DOMAIN_NAME, FMT_USER_SID, FMT_OBJECT_ID},
	[FMT_KIND_MALWARE] = {FMT_NAME, FMT_CATEGORY},
};

_Static_assert(FMT_FIELD_IDS <= 256, "kind_ids holds ids in octets");

/* kind:name(verdict) of one piece of evidence; 0 when it does not fit the list any more. The
 * separator of the list cannot be in a name. */
static int list_item(char *list, size_t *used, const struct fmt_evidence *evidence,
	enum fmt_kind kind, struct fmt_str verdict)
{
	struct fmt_str name = {NULL, 0}, tag;
	size_t best = KIND_IDS, n, start = *used;
	int cut;

	for (size_t i = 0; i < evidence->field_count && best; i++) {
		const struct fmt_field *field = &evidence->fields[i];

		for (size_t k = 0; k < best; k++) {
			if (kind_ids[kind][k] && field->id == kind_ids[kind][k] &&
				(tag = text_trim(field->value)).n) {
				name = tag;
				best = k;
			}
		}
	}
	tag = text_trim(evidence->type);
	if (kind != FMT_KIND_OTHER || !tag.n)
		tag = value_kind(kind);
	text_cut(&tag, 40);
	cut = text_cut(&name, ITEM_MAX);
	n = 2 + tag.n + 1 + name.n + TEXT_MARK_LEN + 2 + verdict.n;
	if (n > LIST_MAX - start)
		return 0;
	if (start) {
		list[(*used)++] = ';';
		list[(*used)++] = ' ';
	}
	start = *used;
	memcpy(list + *used, tag.p, tag.n);
	*used += tag.n;
	if (name.n) {
		list[(*used)++] = ':';
		memcpy(list + *used, name.p, name.n);
		*used += name.n;
		if (cut) {
			memcpy(list + *used, TEXT_MARK, TEXT_MARK_LEN);
			*used += TEXT_MARK_LEN;
		}
	}
	for (char *p = list + start;
		(p = memchr(p, ';', (size_t)(list + *used - p))) != NULL;)
		*p++ = ',';
	if (verdict.n) {
		list[(*used)++] = '(';
		memcpy(list + *used, verdict.p, verdict.n);
		*used += verdict.n;
		list[(*used)++] = ')';
	}
	return 1;
}

void pick_evidence(struct pick *v, const struct fmt_alert *alert)
{
	size_t count[FMT_KINDS] = {0}, used = 0, more = 0;
	char *list = v->pool + v->used;
	struct fmt_str worst = {NULL, 0};
	unsigned rank = 0;

	if (sizeof(v->pool) - v->used < LIST_MAX + 32)
		return;
	for (size_t i = 0; i < alert->evidence_count; i++) {
		const struct fmt_evidence *evidence = &alert->evidence[i];
		enum fmt_kind kind = (unsigned)evidence->kind < FMT_KINDS
					     ? evidence->kind
					     : FMT_KIND_OTHER;
		struct fmt_str verdict = text_trim(fmt_get(evidence, FMT_VERDICT));
		unsigned own = value_verdict(verdict);

		count[kind]++;
		if (own > rank) {
			rank = own;
			worst = verdict;
		}
		if ((evidence == alert->source_ip && (v->shown & SHOWN_SOURCE_IP)) ||
			(evidence == alert->destination_ip &&
				(v->shown & SHOWN_DESTINATION_IP)) ||
			(evidence == alert->primary[kind] && (v->shown >> kind & 1)))
			continue;
		/* Only the verdicts that say something, and only those of the vendor's list. */
		if (own < 2)
			verdict.n = 0;
		if (more || !list_item(list, &used, evidence, kind, verdict))
			more++;
	}
	if (more) {
		struct fmt_str digits;

		v->used += used;
		pick_number(v, PICK_EVIDENCE_LIST, (int64_t)more);
		digits = v->row[PICK_EVIDENCE_LIST];
		memmove(v->pool + v->used - digits.n + 3, digits.p, digits.n);
		memcpy(v->pool + v->used - digits.n, "; +", 3);
		v->used += 3;
		used += 3 + digits.n;
	} else {
		v->used += used;
	}
	v->row[PICK_EVIDENCE_LIST] = (struct fmt_str){list, used};
	v->row[PICK_VERDICT] = worst;
	/* Counts say something new only when there is more than one of a kind. */
	list = v->pool + v->used;
	used = 0;
	for (size_t kind = 0; kind < FMT_KINDS; kind++) {
		struct fmt_str digits, name;

		if (!count[kind])
			continue;
		if (used)
			used += pick_put(v, ",", 1).n;
		name = value_kind((enum fmt_kind)kind);
		used += pick_put(v, name.p, name.n).n;
		used += pick_put(v, ":", 1).n;
		pick_number(v, PICK_EVIDENCE_KINDS, (int64_t)count[kind]);
		digits = v->row[PICK_EVIDENCE_KINDS];
		used += digits.n;
	}
	v->row[PICK_EVIDENCE_KINDS] = (struct fmt_str){list, used};
}

#define FMT_FIELD(id, name) name,
static const char *const field_names[FMT_FIELD_IDS] = {
	"",
#include "fields.def"
};
#undef FMT_FIELD

/* Is this text itself, not a part of something joined, the value of a key? */
static int has_key(const struct pick *v, struct fmt_str s)
{
	for (size_t i = 0; i < PICK_ROWS; i++)
		if (v->row[i].p == s.p && v->row[i].n == s.n)
			return 1;
	return 0;
}

/* name:value of all that has no key: what has none in one event for all evidence has it here. */
void pick_fields(struct pick *v, const struct fmt_evidence *evidence)
{
	struct fmt_str list = {v->pool + v->used, 0};
	int64_t more = 0;

	for (size_t i = 0; i < evidence->field_count; i++) {
		const struct fmt_field *field = &evidence->fields[i];
		struct fmt_str value = text_trim(field->value), name;
		size_t before = v->used, n;
		int cut;

		if (!value.n || field->id >= FMT_FIELD_IDS || has_key(v, value))
			continue;
		name = text_str(field_names[field->id]);
		cut = text_cut(&value, FIELD_MAX);
		n = 2 + name.n + 1 + value.n + TEXT_MARK_LEN;
		if (more || list.n + n > FIELDS_MAX ||
			n + 32 > sizeof(v->pool) - v->used) {
			more++;
			continue;
		}
		if (list.n)
			pick_put(v, "; ", 2);
		pick_put(v, name.p, name.n);
		pick_put(v, ":", 1);
		value = pick_put(v, value.p, value.n);
		/* The separator of the list cannot be in a value. */
		for (size_t k = 0; k < value.n; k++)
			if (value.p[k] == ';')
				v->pool[(size_t)(value.p - v->pool) + k] = ',';
		if (cut)
			pick_put(v, TEXT_MARK, TEXT_MARK_LEN);
		list.n += v->used - before;
	}
	if (more && list.n) {
		list.n += pick_put(v, "; +", 3).n;
		pick_number(v, PICK_EVIDENCE_FIELDS, more);
		list.n += v->row[PICK_EVIDENCE_FIELDS].n;
	}
	v->row[PICK_EVIDENCE_FIELDS] = list;
}
