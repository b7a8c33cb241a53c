/* least_message.h - how small a destination's messages may be made.
 *
 * Purpose:  the size of an alert with nothing but what always stays, in the lengths that the vendor
 *           uses, so that a smaller max_message_bytes is refused before alerts are.
 * Units:    octets of the message without framing, rounded up.
 * Tests:    tests/config/bad-sizes.yaml, integration/test_commands.py */
#ifndef RELAY_LEAST_MESSAGE_H
#define RELAY_LEAST_MESSAGE_H

#include <stddef.h>

#include "deliver/destination.h"

/* 0 when the options cannot be used at all; err says why. */
size_t least_message(const struct destination_options *options, struct error *err);

#endif
