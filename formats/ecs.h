/* ecs.h - the parts of the formatter ecs.
 *
 * Purpose:  ecs.c writes the document; ecs_facts.c finds in one pass over the evidence what the
 *           document begins with; ecs_evidence.c fills the fields of the schema from the primary
 *           pieces.
 * Source:   ECS 8.17: its closed lists of event.kind, .category, .type; lower case for host.name.
 * Tests:    unit/test_ecs.c, tests/golden */
#ifndef ALERTRELAY_FORMAT_ECS_H
#define ALERTRELAY_FORMAT_ECS_H

#include "address.h"
#include "json_writer.h"

/* event.category, in the order of the schema's list. */
enum ecs_category {
	ECS_AUTHENTICATION,
	ECS_EMAIL,
	ECS_FILES,
	ECS_HOST,
	ECS_IAM,
	ECS_INTRUSION_DETECTION,
	ECS_MALWARE,
	ECS_NETWORK,
	ECS_PROCESS,
	ECS_REGISTRY,
	ECS_WEB,
	ECS_CATEGORIES,
};

/* What goes into related.* */
enum ecs_set { ECS_HOSTS, ECS_USERS, ECS_HASHES, ECS_ADDRESSES, ECS_SETS };

/* Borrowed from the alert, but for the pool. */
struct ecs_facts {
	unsigned categories; /* bits */
	int denied; /* something was blocked or prevented */
	struct value_set sets[ECS_SETS];
	struct fmt_str verdict; /* the worst */
	size_t used; /* of pool */
	char pool[VALUE_SET_MAX + 1]
		 [ADDRESS_SIZE]; /* addresses spelled in another way */
};

void ecs_collect(struct ecs_facts *facts, const struct fmt_alert *alert);

/* host, user, process, file, registry, url, source, destination, email and so on. */
void ecs_put_evidence(struct json_writer *w, const struct fmt_alert *alert);

/* A member of the schema that wants lower case; letters of ASCII. */
void ecs_put_lower(struct json_writer *w, struct json_name name, struct fmt_str s);

#endif
