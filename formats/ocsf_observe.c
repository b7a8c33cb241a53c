/* ocsf_observe.c - the values in evidence that one looks for. */
#include "ocsf.h"

/* All of an observable before its value. */
struct place {
	struct fmt_str begin;
	uint8_t type;
};
#define PLACE(name, type, type_id)                                                     \
	{                                                                              \
		TEXT_INIT("{\"name\":\"evidences." name "\",\"type\":\"" type          \
			  "\",\"type_id\":" #type_id ",\"value\":"),                   \
			type_id                                                        \
	}
static const struct place places[OCSF_PLACES] = {
	[OCSF_FILE] = PLACE("file.name", "File Name", 7),
	[OCSF_FILE_HASH] = PLACE("file.hashes.value", "Hash", 8),
	[OCSF_USER] = PLACE("user.name", "User Name", 4),
	[OCSF_USER_MAIL] = PLACE("user.email_addr", "Email Address", 5),
	[OCSF_PROCESS] = PLACE("process.name", "Process Name", 9),
	[OCSF_PROCESS_COMMAND_LINE] = PLACE("process.cmd_line", "Command Line", 13),
	[OCSF_PROCESS_FILE] = PLACE("process.file.name", "File Name", 7),
	[OCSF_PROCESS_FILE_HASH] = PLACE("process.file.hashes.value", "Hash", 8),
	[OCSF_PROCESS_USER] = PLACE("process.user.name", "User Name", 4),
	[OCSF_PROCESS_USER_MAIL] = PLACE("process.user.email_addr", "Email Address", 5),
	[OCSF_PARENT_FILE] = PLACE("process.parent_process.file.name", "File Name", 7),
	[OCSF_PARENT_FILE_HASH] =
		PLACE("process.parent_process.file.hashes.value", "Hash", 8),
	[OCSF_ACTOR_USER] = PLACE("actor.user.name", "User Name", 4),
	[OCSF_ACTOR_USER_MAIL] = PLACE("actor.user.email_addr", "Email Address", 5),
	[OCSF_DEVICE] = PLACE("device.hostname", "Hostname", 1),
	[OCSF_DEVICE_IP] = PLACE("device.ip", "IP Address", 2),
	[OCSF_SOURCE_IP] = PLACE("src_endpoint.ip", "IP Address", 2),
	[OCSF_DESTINATION_IP] = PLACE("dst_endpoint.ip", "IP Address", 2),
	[OCSF_QUERY] = PLACE("query.hostname", "Hostname", 1),
	[OCSF_MAIL_FROM] = PLACE("email.from", "Email Address", 5),
	[OCSF_MAIL_TO] = PLACE("email.to", "Email Address", 5),
	[OCSF_MAIL_IP] = PLACE("email.x_originating_ip", "IP Address", 2),
	[OCSF_MAIL_URL] = PLACE("email.urls.url_string", "URL String", 6),
	[OCSF_URL] = PLACE("url.url_string", "URL String", 6),
	[OCSF_RESOURCE] = PLACE("resources.uid", "Resource UID", 10),
};

void ocsf_observe_nothing(struct ocsf_document *d)
{
	d->count = d->addresses = 0;
	memset(d->seen, 0, sizeof(d->seen));
}

static int is_observed(
	const struct ocsf_document *d, uint8_t type, const struct fmt_str *value)
{
	for (unsigned i = 0; i < d->count; i++) {
		const struct ocsf_observable *o = &d->observables[i];

		if (o->value.n == value->n && o->type == type &&
			!memcmp(o->value.p, value->p, value->n))
			return 1;
	}
	return 0;
}

void ocsf_observe(struct ocsf_document *d, enum ocsf_place place, struct fmt_str value)
{
	uint8_t type = places[place].type, bit;
	uint64_t *word;

	if (!value.n || d->count == OCSF_OBSERVABLES_MAX)
		return;
	bit = (uint8_t)(7 * (unsigned char)value.p[value.n - 1] +
			31 * (unsigned char)value.p[value.n / 2] + value.n);
	word = &d->seen[bit / 64];
	if (*word >> bit % 64 & 1 && is_observed(d, type, &value))
		return;
	*word |= UINT64_C(1) << bit % 64;
	d->observables[d->count++] =
		(struct ocsf_observable){value, (uint8_t)place, type};
}

void ocsf_put_observables(struct json_writer *w, const struct ocsf_document *d)
{
	struct json_open list;

	if (!d->count)
		return;
	list = json_open(w, JSON_NAME("observables"), '[');
	for (unsigned i = 0; i < d->count && !w->full; i++) {
		const struct ocsf_observable *o = &d->observables[i];
		struct fmt_str begin = places[o->place].begin;

		json_next(w);
		json_octets(w, begin.p, begin.n);
		json_string(w, o->value);
		json_literal(w, "}");
	}
	json_close(w, list, JSON_OPTIONAL);
}
