/* transport.h - the transports: how a destination's messages leave this host.
 *
 * Purpose:  one row for each; who needs to know what transports have in common asks here. */
#ifndef DELIVER_TRANSPORT_H
#define DELIVER_TRANSPORT_H

#include <stdbool.h>

struct carrier;

/* What a transport has. */
enum {
	TRANSPORT_HAS_ADDRESS = 1, /* of a collector */
	TRANSPORT_HAS_TLS = 2,
	TRANSPORT_HAS_PATH = 4,
	TRANSPORT_SETTLES = 8, /* confirmed only settle_ms after it was acknowledged */
	TRANSPORT_KEEPS_TAIL = 16, /* of what was confirmed, for a reset */
	TRANSPORT_HAS_FRAMING =
		32, /* one stream of octets: framing parts the messages */
	TRANSPORT_DATAGRAMS = 64, /* each message is one */
	TRANSPORT_ANSWERS = 128, /* the collector itself answers each message */
	TRANSPORT_CONNECTS = 256, /* over TCP */
	TRANSPORT_LISTENS = 512, /* the address is ours, and the collector connects */
};

/* A datagram of IPv6 on Ethernet, which no router has to break up, and the largest of IPv4. */
#define TRANSPORT_DATAGRAM_UNBROKEN 1452
#define TRANSPORT_DATAGRAM_MAXIMUM 65507

/* The name in C, the word in the configuration, what it has, who carries it. */
#define TRANSPORTS(ROW)                                                                \
	ROW(TCP, "tcp",                                                                \
		TRANSPORT_HAS_ADDRESS | TRANSPORT_SETTLES | TRANSPORT_KEEPS_TAIL |     \
			TRANSPORT_HAS_FRAMING | TRANSPORT_CONNECTS,                    \
		carrier_stream_new)                                                    \
	ROW(TLS, "tls",                                                                \
		TRANSPORT_HAS_ADDRESS | TRANSPORT_HAS_TLS | TRANSPORT_SETTLES |        \
			TRANSPORT_KEEPS_TAIL | TRANSPORT_HAS_FRAMING |                 \
			TRANSPORT_CONNECTS,                                            \
		carrier_stream_new)                                                    \
	ROW(LISTEN, "listen",                                                          \
		TRANSPORT_HAS_ADDRESS | TRANSPORT_SETTLES | TRANSPORT_KEEPS_TAIL |     \
			TRANSPORT_HAS_FRAMING | TRANSPORT_CONNECTS |                   \
			TRANSPORT_LISTENS,                                             \
		carrier_stream_new)                                                    \
	ROW(LISTEN_TLS, "listen+tls",                                                  \
		TRANSPORT_HAS_ADDRESS | TRANSPORT_HAS_TLS | TRANSPORT_SETTLES |        \
			TRANSPORT_KEEPS_TAIL | TRANSPORT_HAS_FRAMING |                 \
			TRANSPORT_CONNECTS | TRANSPORT_LISTENS,                        \
		carrier_stream_new)                                                    \
	ROW(UDP, "udp",                                                                \
		TRANSPORT_HAS_ADDRESS | TRANSPORT_SETTLES | TRANSPORT_DATAGRAMS,       \
		carrier_udp_new)                                                       \
	ROW(RELP, "relp",                                                              \
		TRANSPORT_HAS_ADDRESS | TRANSPORT_SETTLES | TRANSPORT_ANSWERS |        \
			TRANSPORT_CONNECTS,                                            \
		carrier_relp_new)                                                      \
	ROW(RELP_TLS, "relp+tls",                                                      \
		TRANSPORT_HAS_ADDRESS | TRANSPORT_HAS_TLS | TRANSPORT_SETTLES |        \
			TRANSPORT_ANSWERS | TRANSPORT_CONNECTS,                        \
		carrier_relp_new)                                                      \
	ROW(FILE, "file", TRANSPORT_HAS_PATH | TRANSPORT_HAS_FRAMING,                  \
		carrier_file_new)                                                      \
	ROW(STDOUT, "stdout", TRANSPORT_HAS_FRAMING, carrier_file_new)

#define TRANSPORT_ENUM(id, word, has, carrier) TRANSPORT_##id,
enum transport { TRANSPORTS(TRANSPORT_ENUM) TRANSPORT_COUNT };
#undef TRANSPORT_ENUM

/* The words in the order of the enum, "tcp|tls|...": for a table of options. */
#define TRANSPORT_WORD(id, word, has, carrier) "|" word
#define TRANSPORT_WORDS (&(TRANSPORTS(TRANSPORT_WORD))[1])

struct transport_type {
	const char *word;
	unsigned has;
	struct carrier *(*carrier_new)(void);
};

const struct transport_type *transport_type(enum transport transport);

static inline bool transport_has(enum transport transport, unsigned what)
{
	return transport_type(transport)->has & what;
}

#endif
