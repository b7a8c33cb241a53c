/* render.h - one alert to the octets of one message: header, structured data, body, framing.
 *
 * Purpose:  runs the formatter with what is left of the maximum after the header, and states the
 *           exact size before anything is copied. Pure but for the buffers it reuses.
 * Owner:    render_close() frees; a `struct rendered` lives until the next render_alert().
 * Source:   RFC 5424 section 6; design, "Size-aware".   Tests: unit/test_destination.c */
#ifndef DELIVER_RENDER_H
#define DELIVER_RENDER_H

#include "alert/paths.h"
#include "deliver/destination.h"
#include "deliver/formatter.h"

/* What a formatter writes to, and what it must not change there. */
struct render_out {
	struct fmt_out out;
	char *p;
	size_t room, maximum;
};

struct render {
	const struct destination_options *options;
	struct formatter formatter;
	void *self;
	struct render_out body, structured_data;
	struct alert_paths *paths; /* of the field map; NULL: it has none */
	struct fmt_added *found, *added; /* by path; by rule */
	struct fmt_trace
		*trace; /* of the caller; NULL, as render_open() leaves it: none */
	char relay[SYSLOG_HOSTNAME + 1]; /* this host's name */
	char procid[24];
};

struct rendered {
	char head[SYSLOG_HEADER + 8];
	size_t head_n; /* all before the structured data, or before the body when there is none */
	struct fmt_str structured_data;
	struct fmt_str body;
	bool space, bom;
	size_t size; /* of the message, without framing */
	unsigned shed_fields, cut_texts;
};

NODISCARD enum rc render_open(struct render *render,
	const struct destination_options *options, struct error *err);
void render_close(struct render *render);

/* RC_LIMIT, RC_PROTO: see destination_send(). */
NODISCARD enum rc render_alert(struct render *render, const struct fmt_alert *alert,
	const struct syslog_fields *fields, int64_t now, struct rendered *out,
	struct error *err);

/* The message with its framing: how many octets, and the octets. */
size_t render_size(const struct render *render, const struct rendered *rendered);
void render_copy(
	const struct render *render, const struct rendered *rendered, char *to);

#endif
