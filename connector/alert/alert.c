#include "config.h"

#include "alert/alert.h"

#include <endian.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SHA256_LENGTH 32

/* Members are short, and each call of libcrypto costs more than they do: so they are gathered. */
struct digest {
	EVP_MD_CTX *ctx;
	size_t n;
	unsigned char gathered[256];
};

/* Fetching an algorithm costs more than a short digest, so it is done once and kept for good. */
static void digest_start(struct digest *digest)
{
	static EVP_MD *sha256;
	static EVP_MD_CTX *ctx;

	if (!ctx) {
		sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
		ctx = EVP_MD_CTX_new();
	}
	if (!sha256 || !ctx || EVP_DigestInit_ex2(ctx, sha256, NULL) != 1)
		abort(); /* a libcrypto without SHA-256 or memory */
	digest->ctx = ctx;
	digest->n = 0;
}

static void digest_update(const struct digest *digest, const void *p, size_t n)
{
	if (n && EVP_DigestUpdate(digest->ctx, p, n) != 1)
		abort();
}

static void digest_add(struct digest *digest, const void *p, size_t n)
{
	if (n > sizeof(digest->gathered) - digest->n) {
		digest_update(digest, digest->gathered, digest->n);
		digest->n = 0;
	}
	if (n > sizeof(digest->gathered)) {
		digest_update(digest, p, n);
	} else if (n) {
		memcpy(digest->gathered + digest->n, p, n);
		digest->n += n;
	}
}

static void digest_number(struct digest *digest, uint64_t number)
{
	uint64_t bytes = htobe64(number);

	digest_add(digest, &bytes, sizeof(bytes));
}

static void digest_member(struct digest *digest, struct fmt_str s)
{
	digest_number(digest, s.n);
	digest_add(digest, s.p, s.n);
}

static void digest_end(struct digest *digest, unsigned char out[SHA256_LENGTH])
{
	digest_update(digest, digest->gathered, digest->n);
	if (EVP_DigestFinal_ex(digest->ctx, out, NULL) != 1)
		abort();
}

static void hex(const unsigned char *bytes, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
}

uint64_t alert_version(const struct fmt_alert *alert, enum alert_policy policy)
{
	unsigned char digest[SHA256_LENGTH];
	struct digest d;
	uint64_t version;

	if (policy == ALERT_POLICY_FIRST)
		return 0;
	digest_start(&d);
	digest_member(&d, alert->status);
	digest_member(&d, alert->severity_text);
	digest_member(&d, alert->classification);
	digest_member(&d, alert->determination);
	digest_member(&d, alert->assigned_to);
	if (policy == ALERT_POLICY_EVERY) {
		digest_number(&d, sizeof(alert->updated));
		digest_number(&d, (uint64_t)alert->updated);
	}
	digest_end(&d, digest);
	memcpy(&version, digest, sizeof(version));
	return be64toh(version);
}

void alert_version_text(uint64_t version, char out[ALERT_VERSION_TEXT])
{
	uint64_t bytes = htobe64(version);

	hex((const unsigned char *)&bytes, sizeof(bytes), out);
	out[ALERT_VERSION_TEXT - 1] = '\0';
}

void alert_noid(const char *raw, size_t n, char out[ALERT_NOID_LENGTH])
{
	unsigned char digest[SHA256_LENGTH];
	struct digest d;

	digest_start(&d);
	digest_add(&d, raw, n);
	digest_end(&d, digest);
	memcpy(out, "noid-", 5);
	hex(digest, 16, out + 5);
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* `word` is in lower case. */
static bool starts(const char *p, size_t n, const char *word, size_t length)
{
	if (n < length)
		return false;
	for (size_t i = 0; i < length; i++)
		if (lower(p[i]) != word[i])
			return false;
	return true;
}

static inline bool is(struct fmt_str s, const char *word)
{
	return s.n == strlen(word) &&
	       (!memcmp(s.p, word, s.n) || starts(s.p, s.n, word, s.n));
}

static bool contains(struct fmt_str s, const char *word)
{
	size_t length = strlen(word);

	for (size_t i = 0; i + length <= s.n; i++)
		if (starts(s.p + i, s.n - i, word, length))
			return true;
	return false;
}

enum fmt_severity alert_severity(const char *p, size_t n)
{
	const struct fmt_str s = {p, n};

	if (is(s, "high"))
		return FMT_SEVERITY_HIGH;
	if (is(s, "medium"))
		return FMT_SEVERITY_MEDIUM;
	if (is(s, "low"))
		return FMT_SEVERITY_LOW;
	if (is(s, "informational"))
		return FMT_SEVERITY_INFORMATIONAL;
	return FMT_SEVERITY_UNKNOWN;
}

/* Higher says more; an item without a role stands between. */
static int role_rank(enum fmt_kind kind, struct fmt_str role)
{
	switch (kind) {
	case FMT_KIND_DEVICE:
	case FMT_KIND_USER:
	case FMT_KIND_MAILBOX:
		if (is(role, "compromised") || is(role, "attacked"))
			return 2;
		break;
	case FMT_KIND_IP:
		if (is(role, "attacker") || is(role, "commandandcontrol") ||
			is(role, "source") || is(role, "suspicious"))
			return 2;
		break;
	default:
		return 1;
	}
	return is(role, "contextual") || is(role, "scanned") ? 0 : 1;
}

static int verdict_rank(struct fmt_str verdict)
{
	if (is(verdict, "malicious"))
		return 3;
	if (is(verdict, "suspicious"))
		return 2;
	return is(verdict, "nothreatsfound") ? 0 : 1;
}

enum { ROLE_ATTACKER = 1, ROLE_SOURCE = 2, ROLE_C2 = 4, ROLE_DESTINATION = 8 };

enum { RANK_ROLE = 4, RANK_MAIN = 16 };

static int rank(const struct fmt_evidence *evidence, unsigned *roles)
{
	int main_device = 0, role = -1, verdict = 1;

	for (size_t i = 0; i < evidence->field_count; i++) {
		const struct fmt_field *field = &evidence->fields[i];

		if (field->id == FMT_VERDICT) {
			verdict = verdict_rank(field->value);
		} else if (field->id == FMT_ROLE) {
			int this_role = role_rank(evidence->kind, field->value);

			if (this_role > role)
				role = this_role;
			if (is(field->value, "attacker"))
				*roles |= ROLE_ATTACKER;
			else if (is(field->value, "source"))
				*roles |= ROLE_SOURCE;
			else if (is(field->value, "commandandcontrol"))
				*roles |= ROLE_C2;
			else if (is(field->value, "destination"))
				*roles |= ROLE_DESTINATION;
		} else if (field->id == FMT_DETAILED_ROLE &&
			   evidence->kind == FMT_KIND_DEVICE) {
			main_device |= contains(field->value, "primary") ||
				       contains(field->value, "main");
		}
	}
	return main_device * RANK_MAIN + (role < 0 ? 1 : role) * RANK_ROLE + verdict;
}

void alert_choose(struct fmt_alert *alert)
{
	const struct fmt_evidence *attacker = NULL, *source = NULL;
	const struct fmt_evidence *c2 = NULL, *destination = NULL;
	int best[FMT_KINDS];

	for (int kind = 0; kind < FMT_KINDS; kind++) {
		alert->primary[kind] = NULL;
		best[kind] = -1;
	}
	for (size_t i = 0; i < alert->evidence_count; i++) {
		const struct fmt_evidence *evidence = &alert->evidence[i];
		unsigned roles = 0;
		int this_rank = rank(evidence, &roles);

		if (this_rank > best[evidence->kind]) {
			best[evidence->kind] = this_rank;
			alert->primary[evidence->kind] = evidence;
		}
		if (evidence->kind != FMT_KIND_IP || !roles)
			continue;
		if (!c2 && (roles & ROLE_C2))
			c2 = evidence;
		if (!destination && (roles & ROLE_DESTINATION))
			destination = evidence;
		if (!attacker && (roles & ROLE_ATTACKER) && !(roles & ROLE_C2))
			attacker = evidence;
		if (!source && (roles & ROLE_SOURCE) && !(roles & ROLE_C2))
			source = evidence;
	}
	alert->source_ip = attacker ? attacker : source;
	alert->destination_ip = c2 ? c2 : destination;
}

const char *alert_choice_reason(const struct fmt_alert *alert, enum fmt_kind kind)
{
	const struct fmt_evidence *primary = alert->primary[kind];
	int second = -1, own;
	unsigned roles = 0;

	if (!primary)
		return NULL;
	own = rank(primary, &roles);
	for (size_t i = 0; i < alert->evidence_count; i++) {
		const struct fmt_evidence *other = &alert->evidence[i];
		int this_rank = rank(other, &roles);

		if (other->kind == kind && other != primary && this_rank > second)
			second = this_rank;
	}
	if (second < 0)
		return "the only one";
	if (own / RANK_MAIN != second / RANK_MAIN)
		return "its detailed role is that of the main device";
	if (own / RANK_ROLE != second / RANK_ROLE)
		return "its role counts for more";
	return own != second ? "its verdict counts for more"
			     : "the first of those that count for as much";
}
