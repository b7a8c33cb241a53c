/* until.h - turns of a test's loop until something is so. The includer defines turn(bench) and has
 * bench->loop. */
#ifndef TESTS_UNTIL_H
#define TESTS_UNTIL_H

#define DEADLINE_MS 60000

#define UNTIL(bench, condition)                                                        \
	do {                                                                           \
		int64_t end_ = loop_now_ms((bench)->loop) + DEADLINE_MS;               \
		while (!(condition)) {                                                 \
			if (loop_now_ms((bench)->loop) > end_)                         \
				fail_msg("not within %d ms: %s", DEADLINE_MS,          \
					#condition);                                   \
			turn(bench);                                                   \
		}                                                                      \
	} while (0)

#endif
