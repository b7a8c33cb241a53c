/* test_send_queue.c - order, marks, confirmation, rewind; and a random walk against a plain model. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "deliver/send_queue.h"

static void add(struct send_queue *q, uintptr_t ticket, const char *octets)
{
	memcpy(send_queue_add(q, (void *)ticket, strlen(octets)), octets,
		strlen(octets));
}

/* Copies what comes next to `to`. */
static size_t take(struct send_queue *q, char *to, size_t room)
{
	char spare[100];
	const char *octets = NULL;
	size_t n = send_queue_take(q, &octets, spare, room);

	assert_true(room <= sizeof(spare));
	if (n)
		memcpy(to, octets, n);
	return n;
}

static uintptr_t confirm(struct send_queue *q, int64_t ms)
{
	void *ticket = NULL;
	bool refused;

	if (!send_queue_confirm(q, ms, &ticket, &refused))
		return 0;
	assert_false(refused);
	return (uintptr_t)ticket;
}

static void one_message_at_a_time(void **state)
{
	struct send_queue q;
	const char *octets = NULL;

	(void)state;
	send_queue_init(&q);
	assert_int_equal(send_queue_take_whole(&q, &octets, 0), 0);
	add(&q, 1, "abc");
	add(&q, 2, "defg");
	assert_int_equal(send_queue_take_whole(&q, &octets, 0), 3);
	assert_memory_equal(octets, "abc", 3);
	assert_int_equal(q.waiting, 4);
	assert_int_equal(send_queue_take_whole(&q, &octets, 0), 4);
	assert_memory_equal(octets, "defg", 4);
	assert_int_equal(send_queue_take_whole(&q, &octets, 0), 0);
	send_queue_handed(&q, 3, 0);
	send_queue_acknowledged(&q, 0, 1);
	assert_int_equal(confirm(&q, 1), 1);
	assert_int_equal(confirm(&q, 1), 0);
	assert_int_equal(send_queue_rewind(&q, false), 1);
	assert_int_equal(send_queue_take_whole(&q, &octets, 0), 4);
	assert_memory_equal(octets, "defg", 4);
	send_queue_clear(&q);
}

/* Each piece is whole messages, within the room unless it is one message. */
static void whole_messages_within_a_room(void **state)
{
	struct send_queue q;
	const char *octets = NULL;
	size_t sizes[] = {3, 4, 90, 5, 6, 1};
	size_t expected[] = {7, 90, 11, 1}, all = 0;

	(void)state;
	send_queue_init(&q);
	assert_int_equal(send_queue_next(&q), 0);
	for (size_t i = 0; i < 6; i++)
		memset(send_queue_add(&q, NULL, sizes[i]), 'a' + (int)i, sizes[i]);
	assert_int_equal(send_queue_next(&q), 3);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(send_queue_take_whole(&q, &octets, 11), expected[i]);
		all += expected[i];
		send_queue_handed(&q, all, 0);
		assert_int_equal(send_queue_whole(&q, all), all);
	}
	assert_memory_equal(octets, "f", 1);
	assert_int_equal(q.waiting, 0);
	assert_int_equal(send_queue_next(&q), 0);
	send_queue_clear(&q);
	/* Two messages of which each fills a block: they do not lie side by side. */
	send_queue_add(&q, NULL, SEND_BLOCK);
	send_queue_add(&q, NULL, SEND_BLOCK);
	assert_int_equal(
		send_queue_take_whole(&q, &octets, 3 * (size_t)SEND_BLOCK), SEND_BLOCK);
	assert_int_equal(
		send_queue_take_whole(&q, &octets, 3 * (size_t)SEND_BLOCK), SEND_BLOCK);
	send_queue_clear(&q);
}

static void one_way_through(void **state)
{
	struct send_queue q;
	char out[100];

	(void)state;
	send_queue_init(&q);
	assert_int_equal(q.waiting, 0);
	assert_int_equal(take(&q, out, sizeof(out)), 0);
	add(&q, 1, "abc");
	add(&q, 2, "defg");
	assert_int_not_equal(q.waiting, 0);
	assert_int_equal(q.count, 2);
	assert_int_equal(q.bytes, 7);
	assert_int_equal(take(&q, out, 5), 5);
	assert_memory_equal(out, "abcde", 5);
	send_queue_handed(&q, 2, 100); /* nothing whole */
	assert_false(send_queue_pending(&q));
	assert_int_equal(send_queue_whole(&q, 2), 0);
	assert_int_equal(send_queue_whole(&q, 4), 3);
	send_queue_handed(&q, 5, 110);
	assert_true(send_queue_pending(&q));
	assert_int_equal(send_queue_whole(&q, 5), 3);
	assert_int_equal(take(&q, out, 5), 2);
	send_queue_handed(&q, 7, 120);
	send_queue_acknowledged(&q, 109, 1000);
	assert_int_equal(confirm(&q, 1000), 0);
	send_queue_acknowledged(&q, 119, 1001);
	assert_int_equal(confirm(&q, 1000), 0);
	assert_int_equal(confirm(&q, 1001), 1);
	assert_int_equal(confirm(&q, 1001), 0);
	send_queue_acknowledged(&q, 120, 1002);
	assert_int_equal(confirm(&q, 1002), 2);
	assert_int_equal(q.count, 0);
	assert_int_equal(q.bytes, 0);
	assert_int_equal(q.kept_bytes, 7);
	send_queue_trim(&q, 4);
	assert_int_equal(q.kept_bytes, 4);
	send_queue_trim(&q, 0);
	assert_int_equal(q.kept_bytes, 0);
	assert_null(q.oldest);
	add(&q, 3, "x");
	send_queue_clear(&q);
}

/* The kept ones live on elsewhere, and go again behind what waits, without being confirmed twice. */
static void kept_messages_go_again_from_a_copy(void **state)
{
	struct send_queue q, copy;
	char out[100];

	(void)state;
	send_queue_init(&q);
	send_queue_init(&copy);
	add(&q, 1, "abc");
	add(&q, 2, "defg");
	add(&q, 3, "hi");
	assert_int_equal(take(&q, out, 7), 7);
	send_queue_handed(&q, 7, 10);
	send_queue_acknowledged(&q, 10, 1);
	assert_int_equal(confirm(&q, 1), 1);
	assert_int_equal(confirm(&q, 1), 2);
	send_queue_copy_kept(&q, &copy);
	assert_int_equal(copy.held, 7);
	send_queue_rewind(&q, false);
	assert_int_equal(send_queue_add_again(&q, &copy), 2);
	send_queue_clear(&copy);
	assert_int_equal(q.count, 1);
	assert_int_equal(q.bytes, 2);
	assert_int_equal(q.waiting, 9);
	assert_int_equal(take(&q, out, 100), 9);
	assert_memory_equal(out, "hiabcdefg", 9);
	send_queue_handed(&q, 9, 10);
	send_queue_acknowledged(&q, 10, 2);
	assert_int_equal(confirm(&q, 2), 3);
	assert_int_equal(confirm(&q, 2), 0);
	assert_int_equal(q.kept_bytes, 9);
	assert_false(send_queue_pending(&q));
	send_queue_clear(&q);
}

static void rewind_with_and_without_tail(void **state)
{
	struct send_queue q;
	char out[100];

	(void)state;
	for (int tail = 0; tail < 2; tail++) {
		send_queue_init(&q);
		add(&q, 1, "one ");
		add(&q, 2, "two ");
		add(&q, 3, "three ");
		add(&q, 4, "four ");
		assert_int_equal(take(&q, out, 10), 10); /* into "three" */
		send_queue_handed(&q, 10, 8);
		send_queue_acknowledged(&q, 8, 1);
		assert_int_equal(confirm(&q, 1), 1);
		assert_int_equal(send_queue_rewind(&q, tail), tail ? 3 : 2);
		assert_int_equal(q.kept_bytes, 0);
		assert_int_equal(q.count, 3);
		memset(out, 0, sizeof(out));
		take(&q, out, sizeof(out));
		assert_string_equal(
			out, tail ? "one two three four " : "two three four ");
		send_queue_handed(&q, q.taken, 1);
		send_queue_acknowledged(&q, 1, 2);
		/* Each ticket comes once. */
		assert_int_equal(confirm(&q, 2), 2);
		assert_int_equal(confirm(&q, 2), 3);
		assert_int_equal(confirm(&q, 2), 4);
		assert_int_equal(confirm(&q, 2), 0);
		send_queue_clear(&q);
	}
}

/* A stream that breaks at random: what the peer got of each connection, whole messages only, in the
 * end holds every message, in order within a connection; each ticket is reported once, in order. */
static void random_walk(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 300; seed++) {
		struct send_queue q;
		uintptr_t next = 1, reported = 0, got_to = 0;
		uint64_t handed = 0, position = 0, confirmed_mark = 0;
		unsigned char buffer[64];
		size_t expect_at = 0;
		uintptr_t expect = 1;
		bool any = false;
		int64_t now = 0;

		srandom(seed);
		send_queue_init(&q);
		while (reported < 200) {
			switch (random() % 6) {
			case 0:
				if (next <= 200) {
					size_t size = (size_t)random() % 40 + 2;
					char *p =
						send_queue_add(&q, (void *)next, size);

					memset(p, (int)(next & 0xff), size);
					p[0] = (char)0xff; /* no id */
					next++;
				}
				break;
			case 1:
			case 2: { /* send some; the peer reads it at once */
				size_t n =
					take(&q, (char *)buffer, (size_t)random() % 64);

				for (size_t i = 0; i < n; i++) {
					if (buffer[i] == 0xff) {
						expect_at = 1;
					} else {
						if (expect_at == 1) {
							uintptr_t id = buffer[i];

							/* order within the connection, and no gap */
							if (any)
								assert_int_equal(
									id, expect);
							assert_true(id <= got_to + 1);
							if (id > got_to)
								got_to = id;
							expect = id + 1;
							any = true;
						}
						expect_at = 2;
					}
				}
				handed += n;
				position += n + 1;
				send_queue_handed(&q, handed, position);
				break;
			}
			case 3:
				now++;
				confirmed_mark =
					position -
					(position ? (uint64_t)random() % position : 0);
				send_queue_acknowledged(&q, confirmed_mark, now);
				break;
			case 4:
				for (uintptr_t id;
					(id = confirm(&q, now - random() % 3)) != 0;) {
					assert_int_equal(id, reported + 1);
					assert_true(id <= got_to);
					reported = id;
				}
				send_queue_trim(&q, (size_t)random() % 100);
				break;
			default:
				if (random() % 4)
					break;
				send_queue_rewind(&q, random() % 2);
				handed = position = 0;
				expect_at = 0;
				any = false;
			}
			assert_int_equal(q.count, next - 1 - reported);
		}
		assert_int_equal(q.bytes, 0);
		send_queue_clear(&q);
	}
}

/* Each octet of the stream tells its position. */
static char octet_at(uint64_t position)
{
	return (char)(position * 31 >> 4);
}

/* More than the small blocks hold, messages of all sizes, taken in pieces that end anywhere: every
 * octet comes once and in its place, from where it lies but for pieces that go on in another block. */
static void many_blocks(void **state)
{
	static char spare[16384];
	struct send_queue q;
	uint64_t added = 0, taken = 0;
	size_t copied = 0, pieces = 0;
	uintptr_t tickets = 0;

	(void)state;
	srandom(7);
	send_queue_init(&q);
	for (int round = 0; round < 3; round++) {
		while (q.held < 3 * (size_t)SEND_SMALL_MAX) {
			size_t size =
				random() % 100
					? (size_t)random() % 9000 + 1
					: (size_t)random() % (SEND_LARGE + 100) + 1;
			char *p = send_queue_add(&q, (void *)++tickets, size);

			for (size_t i = 0; i < size; i++)
				p[i] = octet_at(added + i);
			added += size;
		}
		for (;;) {
			const char *octets = NULL;
			size_t n = send_queue_take(&q, &octets, spare, sizeof(spare));

			if (!n)
				break;
			copied += octets == spare;
			pieces++;
			for (size_t i = 0; i < n; i++)
				assert_int_equal(octets[i], octet_at(taken + i));
			taken += n;
		}
		assert_int_equal(taken, added);
		send_queue_handed(&q, q.taken, 1);
		send_queue_acknowledged(&q, 1, 1);
		while (confirm(&q, 1))
			;
		send_queue_trim(&q, round ? 0 : 100000);
	}
	assert_true(pieces > 1000 && copied > 0 && copied < pieces / 4);
	assert_null(q.oldest);
	assert_null(q.spare);
	send_queue_clear(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_way_through),
		cmocka_unit_test(one_message_at_a_time),
		cmocka_unit_test(whole_messages_within_a_room),
		cmocka_unit_test(kept_messages_go_again_from_a_copy),
		cmocka_unit_test(rewind_with_and_without_tail),
		cmocka_unit_test(random_walk),
		cmocka_unit_test(many_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
