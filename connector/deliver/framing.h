/* framing.h - where one message ends and the next begins on a byte stream.
 *
 * Purpose:  octet counting "LEN SP MSG", LEN = octets of MSG alone, and LF after each message.
 * Errors:   none. A message never holds LF: framing_clean() makes sure of that.
 * Source:   RFC 6587 sections 3.4.1 and 3.4.2, RFC 5425 section 4.3.  Tests: unit/test_syslog_msg.c */
#ifndef DELIVER_FRAMING_H
#define DELIVER_FRAMING_H

#include <stddef.h>

/* FRAMING_NONE: the transport itself keeps messages apart. */
enum framing { FRAMING_OCTET, FRAMING_LF, FRAMING_NONE };

#define FRAMING_PREFIX 24

/* Writes what goes before a message of n octets (not terminated); returns its length, maybe 0. */
size_t framing_prefix(enum framing framing, size_t n, char out[FRAMING_PREFIX]);
/* 1 when an LF follows the message, else 0. */
size_t framing_suffix(enum framing framing);

/* A line feed inside a message would end it early in one framing and break files and next hops in
 * the other: each becomes a space. Formatters write none; this holds it to be so. */
void framing_clean(char *p, size_t n);

#endif
