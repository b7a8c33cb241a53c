/* destination_bench.h - a destination inside a test, its loop, and up to three collectors that it leads to.
 *
 * Each alert is "#000007#" of its number (deliver_help.h); the number modulo `customers` is its customer.
 * Every message must be confirmed once, and those of a customer in order: anything else fails the test. */
#ifndef TEST_DESTINATION_BENCH_H
#define TEST_DESTINATION_BENCH_H

#include <stddef.h>
#include <stdint.h>

#include "collector.h"
#include "deliver_help.h"
#include "until.h"

#define MESSAGES 16384
#define COLLECTORS 3

struct bench {
	struct loop *loop;
	struct destination *destination;
	struct destination_options options;
	struct collector collector, others[COLLECTORS - 1];
	char address[64], log[128], other_addresses[COLLECTORS - 1][64];
	unsigned customers;
	unsigned next, confirmed; /* ids are 0, 1, ... */
	unsigned confirmed_of[MESSAGES]; /* by customer */
	int64_t confirmed_at_ms[MESSAGES];
	size_t last_queued;
	unsigned jumps; /* that streams may have */
};

/* For a group of tests: a directory with the certificates of collector.h. */
extern char bench_directory[];
int bench_setup(void **state);
int bench_teardown(void **state);
/* The path of a file there; that of bench_file() is good for seven more calls. */
void bench_path(char *out, size_t size, const char *name);
const char *bench_file(const char *name);

/* Options by default and a log of its own; then collectors, and the destination. tls may be NULL. */
void bench_new(struct bench *bench, enum transport transport);
void bench_listen(struct bench *bench, SSL_CTX *tls, int receive_buffer);
/* Another address behind the first one. */
struct collector *bench_listen_too(struct bench *bench, SSL_CTX *tls);
void bench_open(struct bench *bench);
void bench_free(struct bench *bench);
void bench_report(void *context, void *ticket, enum delivery result);

void send_sized(struct bench *bench, size_t padding);
void send_some(struct bench *bench, unsigned count);
/* Of the loop and of all collectors. */
void turn(struct bench *bench);
struct destination_state state_of(struct bench *bench);
unsigned log_count(struct bench *bench, const char *words);

/* The id of the next whole message, or -1; checks its framing. */
long next_message(const struct strbuf *got, enum framing framing, size_t *at);
/* Every message up to `count` was read by a collector; returns how many came again. */
unsigned check_all(struct bench *bench, unsigned count);

#endif
