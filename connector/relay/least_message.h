/* least_message.h - how small a destination's messages may be made, and what they begin with.
 *
 * Purpose:  the size of an alert with nothing but what always stays, in the lengths that the vendor
 *           uses, so that a smaller max_message_bytes is refused before alerts are. What a body
 *           begins with says how collectors take it, whichever format wrote it.
 * Units:    octets of the message without framing, rounded up.
 * Tests:    tests/config/bad-sizes.yaml, integration/test_commands.py */
#ifndef RELAY_LEAST_MESSAGE_H
#define RELAY_LEAST_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "deliver/destination.h"

/* 0 when the options cannot be used at all; err says why. */
size_t least_message(const struct destination_options *options, struct error *err);

struct example {
	enum { BODY_OTHER, BODY_CEF, BODY_LEEF, BODY_JSON, BODY_CEE } body;
	bool tab; /* there is a TAB in it */
};
struct example example_body(const struct destination_options *options);

#endif
