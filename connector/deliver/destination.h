/* destination.h - one place that alerts are sent to: a transport, a framing, a syslog header.
 *
 * Purpose:  takes formatted messages in order, sends them, and reports each as delivered only when
 *           its transport can vouch for it (below). Everything unconfirmed is sent again, in order,
 *           after a connection breaks; a destination tries for ever.
 * Owner:    the destination copies what it is given. `ticket` belongs to the sender and comes back
 *           exactly once through report(), unless destination_free() came first.
 * Order:    reports come in the order of sending, from the loop, never from inside a call; with
 *           several connections in the order of sending for each customer, whose messages all go
 *           over the same one.
 * Several addresses: the first that takes connections is used, and an earlier one again when it does
 *           (failover.h); with several connections the n-th begins with the n-th address.
 * Confirmed means (design: "confirmed means something"):
 *   tcp, tls  the peer's kernel has acknowledged the octets (SIOCOUTQ, TCP_INFO) and the connection
 *             stayed healthy for settle_ms after that. After a reset or a timeout the last
 *             confirmed messages go again too, as many octets as the peer may have held unread,
 *             tail_bytes at most; after a FIN only the unconfirmed, and those too if a reset
 *             follows within dead_after_ms (former.h);
 *   relp, relp+tls  the collector answered the message with 200 and the connection stayed healthy
 *             for settle_ms after that, which is for collectors that answer before they store. A
 *             message that is answered otherwise stays unconfirmed, ends the connection, and is sent
 *             again, with fewer others;
 *   listen, listen+tls  the same, for a collector that connects to us; one at a time;
 *   udp       given to the kernel, and no refusal was heard for settle_ms after that. A message that
 *             no datagram on this way can hold is reported as rejected;
 *   file      written, and synced to disk once per batch; one writer per file;
 *   stdout    written.
 * Units:    octets, milliseconds.   Threads: none; loop thread only.
 * Source:   RFC 5424, RFC 3164, RFC 6587, RFC 5425 with RFC 9662, RFC 5426, RELP (relp.h). */
#ifndef DELIVER_DESTINATION_H
#define DELIVER_DESTINATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/loop.h"
#include "base/strbuf.h"
#include "deliver/framing.h"
#include "deliver/syslog_msg.h"
#include "deliver/transport.h"
#include "formats/format.h"
#include "formats/severity.h"

#define DESTINATION_ADDRESSES 8
#define DESTINATION_NETWORKS 16
#define DESTINATION_CONNECTIONS 64

/* What becomes a message of its own: an alert, or each piece of its evidence (alert/event.h). */
enum events { EVENTS_ALERT, EVENTS_EVIDENCE };

struct formatters;

/* All strings are owned by whoever fills this (the configuration) and outlive the destination. */
struct destination_options {
	const char *name;
	enum transport transport;
	const char *addresses
		[DESTINATION_ADDRESSES]; /* "host:port", "[v6]:port"; tried in order */
	size_t address_count;
	const char *
		allow[DESTINATION_NETWORKS]; /* who may connect, of TRANSPORT_LISTENS */
	size_t allow_count; /* 0: any */
	unsigned connections; /* that share the customers, each with its own queue */
	const char *path; /* of TRANSPORT_FILE */
	size_t rotate_bytes; /* a new file before it is larger; 0: never */
	int64_t rotate_every_ms; /* ... at each multiple of this in wall time; 0: never */
	unsigned keep; /* old files; 0: all */
	enum framing framing;
	enum header header;
	bool tag; /* RFC 3164: write "app_name: " before the body */
	bool utc; /* RFC 3164: time in UTC, not local */
	bool bom; /* RFC 5424: UTF-8 mark before the body */
	int facility; /* 0..23 */
	const char *
		hostname; /* "tenant": the customer's name in the HOSTNAME field, "relay": this
				 * host's name, or a text */
	const char *app_name;
	size_t max_message_bytes; /* of the syslog message, without its framing */
	const char *ca_file; /* NULL: the system's */
	const char *crl_file; /* of all CAs of ca_file; NULL: nothing is looked up */
	/* "sha256//BASE64;...", or NULL. Without ca_file it alone says who the collector is. */
	const char *pinned_key;
	const char *cert_file, *key_file, *key_password_file;
	const char *
		tls_name; /* name to verify and to send as SNI; NULL: the host of the address */
	int64_t settle_ms;
	size_t tail_bytes; /* confirmed messages that are kept for a reset, at most */
	int64_t connect_timeout_ms;
	unsigned rate; /* datagrams a second, at most */
	int64_t dead_after_ms; /* that the collector's host answers nothing at all */
	unsigned relp_window; /* messages without an answer, at most */
	int64_t relp_timeout_ms; /* for the answer to a message */
	/* Severities of the header; NULL: those of formats/severity.h. */
	const struct severity_map *syslog_severity;
	const char *preset; /* what set the defaults, or NULL */
	const char *severity; /* numbers of the format, as its option of this name */
	const char *format; /* name of the formatter, and its options */
	struct formatters *formatters; /* where it is; NULL: it is built in */
	const struct fmt_option *format_options;
	size_t format_option_count;
	/* The field map. Of each rule that adds what the alert has at a path: the path, else NULL. */
	const struct fmt_rule *rules;
	const char *const *rule_paths;
	const int *rule_lines; /* in the configuration */
	size_t rule_count;
	enum events
		events; /* for whoever sends; the destination takes what it is given */
};

enum delivery { DELIVERY_CONFIRMED, DELIVERY_REJECTED };

struct destination;

struct destination_events {
	void (*report)(void *context, void *ticket, enum delivery result);
	void *context;
};

/* What the syslog header needs besides the options. */
struct syslog_fields {
	enum fmt_severity severity;
	int64_t time; /* ticks; NO_TIME: now */
	struct fmt_str customer;
	const char *msgid; /* the type of message: "alert" */
};

struct destination_state {
	bool connected; /* one of the connections at least */
	char address[300]; /* where to, now or last */
	size_t connections; /* now */
	char trouble[300]; /* why not, or "" */
	char passed_over
		[300]; /* why an earlier address is not used but this one, or "" */
	size_t queued_count, queued_bytes; /* all that is not confirmed yet */
	/* sent: taken by destination_send(); sent = confirmed + too_large + queued_count. */
	uint64_t sent, confirmed, resent, connects, breaks;
	uint64_t
		too_large; /* for a datagram on the way to the collector: passed over */
	uint64_t shed_fields, cut_texts, rejected; /* by the formatter */
	uint64_t wire_bytes;
	size_t kept_bytes; /* confirmed, but kept in case the collector is reset */
	/* Confirmed over connections that the collector has ended, and may yet reset. */
	size_t doubtful_bytes;
};

/* What an option is when nobody says anything; the caller names transport, address and format. */
void destination_options_default(struct destination_options *options);

/* SIGPIPE becomes ignored in this process.
 * Checks what can be checked without the network (files are readable, the formatter accepts its
 * options). Starts to connect at the first message. */
NODISCARD enum rc destination_new(struct loop *loop,
	const struct destination_options *options,
	const struct destination_events *events, struct destination **out,
	struct error *err);
/* Ends the sessions in order, as a collector expects that answers the end: call it between turns of the
 * loop until it is true, which it is after half a second at the latest. Nothing may be sent any more. */
bool destination_close(struct destination *destination);
/* Drops what is queued without reports; never call it from report(). A connection is ended properly (TLS close_notify). */
void destination_free(struct destination *destination);

/* A file is closed and opened anew by its name, between two messages. Others are left alone. */
void destination_reopen(struct destination *destination);

const struct destination_options *destination_options(
	const struct destination *destination);

/* Formats the alert, puts the header and the framing around it and queues it.
 * RC_OK: report() will come for the ticket.  RC_LIMIT, RC_PROTO: the formatter cannot write this
 * alert (err says why); nothing was queued and no report will come.
 * *queued is the size of what was queued. */
NODISCARD enum rc destination_send(struct destination *destination,
	const struct fmt_alert *alert, const struct syslog_fields *fields, void *ticket,
	size_t *queued, struct error *err);

/* True when nothing waits to be sent or confirmed. */
bool destination_idle(const struct destination *destination);

void destination_state(
	const struct destination *destination, struct destination_state *state);

/* The octets that a collector would get for one alert, framing included: `preview --wire`. With
 * wire == false the body alone. Pure: needs no loop and no network. */
NODISCARD enum rc destination_render(const struct destination_options *options,
	const struct fmt_alert *alert, const struct syslog_fields *fields, bool wire,
	const struct clock *clock, struct strbuf *out, struct error *err);

#endif
