/* message.h - what an alert needs to become a message: customer, version, header.
 *
 * Purpose:  the same for alerts of a feed, of a command and for our own stubs.
 * Stub:     a message of the relay's own in the place of what could not be read or written. Its id
 *           is made of what it stands for, so that it is the same when that is met again.
 * Owner:    the caller; the alert borrows from tenant, message and stub.
 * Tests:    replay/test_feed.c, integration/test_vendor.py */
#ifndef RELAY_MESSAGE_H
#define RELAY_MESSAGE_H

#include "alert/alert.h"
#include "base/error.h"
#include "deliver/destination.h"
#include "relay/configuration.h"

struct message {
	char version[ALERT_VERSION_TEXT];
	struct syslog_fields fields;
};

/* Names the customer and the version in an alert and says what its header needs. */
void message_prepare(struct fmt_alert *alert, const struct config_tenant *tenant,
	uint64_t version, struct message *message);

#define STUB_ID 40
#define STUB_PREFIX "stub-" /* then 32 hex digits */

struct stub {
	struct fmt_alert alert;
	struct message message;
	char id[STUB_ID];
	char description[1200];
};

/* An alert of the second that begins at `second` cannot be read. */
void stub_unread(struct stub *stub, const struct config_tenant *tenant,
	const char *source, int64_t second, const struct error *why);
/* This alert cannot be written in the format of this destination. */
void stub_unwritten(struct stub *stub, const struct config_tenant *tenant,
	const char *source, const struct fmt_alert *alert, const char *destination,
	const struct error *why);

#endif
