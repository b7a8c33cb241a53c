/* deliver_help.h - what the tests of destinations set up alike. */
#ifndef TEST_DELIVER_HELP_H
#define TEST_DELIVER_HELP_H

#include <stddef.h>

#include "deliver/destination.h"

/* Defaults, but for quick tests: one address, and a settle time of 40 ms. The address stays the
 * caller's; NULL: none. */
void deliver_options(struct destination_options *options, enum transport transport,
	enum framing framing, const char *address);
/* Fails the test when there is none. */
struct destination *deliver_open(struct loop *loop,
	const struct destination_options *options,
	void (*report)(void *context, void *ticket, enum delivery result),
	void *context);
/* An alert whose title and id are "#000007#" of number 7, its ticket too, of "customer<customer>", with a
 * description of so many octets. Returns the size that was queued. */
size_t deliver_send(struct destination *destination, unsigned number, unsigned customer,
	size_t padding);
struct destination_state deliver_state(const struct destination *destination);

/* Lines of the log file ("file:PATH") that hold these words. */
unsigned deliver_log_count(const char *channel, const char *words);

/* A directory by this pattern of mkdtemp(), with the certificates of collector.h or without; and away
 * with it. Zero when it went well, as cmocka has it. */
int deliver_directory_make(char *pattern, void (*certs)(const char *directory));
int deliver_directory_remove(const char *directory);

#endif
