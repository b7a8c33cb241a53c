/* ecs_facts.c - what all the evidence of an alert together says. */
#include "ecs.h"

static void add_address(struct ecs_facts *facts, struct fmt_str s)
{
	char *out = facts->pool[facts->used];

	if (address_spell(&s, out) != ADDRESS_NONE &&
		value_set_add(&facts->sets[ECS_ADDRESSES], s, 0))
		facts->used += s.p == out;
}

/* What is collected of a field of evidence. */
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
	struct ecs_facts *facts, unsigned what, struct fmt_str s, unsigned *rank)
{
	static const uint8_t sets[] = {[COLLECT_HOST] = ECS_HOSTS,
		[COLLECT_USER] = ECS_USERS,
		[COLLECT_HASH] = ECS_HASHES};
	unsigned own;

	if (what <= COLLECT_HASH) {
		value_set_add(&facts->sets[sets[what]], s, 1);
	} else if (what == COLLECT_ADDRESS) {
		add_address(facts, s);
	} else if (what == COLLECT_ACTION) {
		facts->denied |= text_equal_nocase(s, "blocked") ||
				 text_equal_nocase(s, "prevented");
	} else {
		own = value_verdict(s);
		if (own > *rank) {
			*rank = own;
			facts->verdict = s;
		}
	}
}

/* Few fields are of those: what is none is passed without a branch that a processor would guess. */
static void collect_fields(
	struct ecs_facts *facts, const struct fmt_evidence *evidence, unsigned *rank)
{
	size_t found[32] = {0};
	size_t count = 0;

	for (size_t i = 0; i < evidence->field_count; i++) {
		uint32_t id = evidence->fields[i].id;

		if (id >= FMT_FIELD_IDS)
			id = FMT_FIELD_NONE;
		found[count] = i;
		count += collected[id] != COLLECT_NOTHING;
		if (count < sizeof(found) / sizeof(found[0]) &&
			i + 1 < evidence->field_count)
			continue;
		for (size_t k = 0; k < count; k++)
			collect_field(facts, collected[evidence->fields[found[k]].id],
				text_trim(evidence->fields[found[k]].value), rank);
		count = 0;
	}
}

static int has_malware(const struct fmt_alert *alert)
{
	struct fmt_str s = text_trim(alert->category),
		       t = text_trim(alert->determination);

	return text_equal_nocase(s, "malware") || text_equal_nocase(s, "ransomware") ||
	       text_equal_nocase(t, "malware");
}

void ecs_collect(struct ecs_facts *facts, const struct fmt_alert *alert)
{
	static const unsigned categories[FMT_KINDS] = {
		[FMT_KIND_DEVICE] = 1u << ECS_HOST,
		[FMT_KIND_USER] = 1u << ECS_IAM,
		[FMT_KIND_PROCESS] = 1u << ECS_PROCESS,
		[FMT_KIND_FILE] = 1u << ECS_FILES,
		[FMT_KIND_IP] = 1u << ECS_NETWORK,
		[FMT_KIND_URL] = 1u << ECS_WEB,
		[FMT_KIND_MAILBOX] = 1u << ECS_EMAIL,
		[FMT_KIND_MESSAGE] = 1u << ECS_EMAIL,
		[FMT_KIND_REGISTRY] = 1u << ECS_REGISTRY,
		[FMT_KIND_NETWORK] = 1u << ECS_NETWORK,
		[FMT_KIND_LOGON] = 1u << ECS_AUTHENTICATION,
		[FMT_KIND_GROUP] = 1u << ECS_IAM,
		[FMT_KIND_MALWARE] = 1u << ECS_MALWARE,
	};
	unsigned rank = 0;

	facts->categories = 1u << ECS_INTRUSION_DETECTION;
	if (has_malware(alert))
		facts->categories |= 1u << ECS_MALWARE;
	facts->denied = 0;
	facts->used = 0;
	facts->verdict = (struct fmt_str){NULL, 0};
	for (size_t i = 0; i < ECS_SETS; i++)
		value_set_init(&facts->sets[i]);
	for (size_t i = 0; i < alert->evidence_count; i++) {
		const struct fmt_evidence *evidence = &alert->evidence[i];

		if ((unsigned)evidence->kind < FMT_KINDS)
			facts->categories |= categories[evidence->kind];
		collect_fields(facts, evidence, &rank);
	}
}
