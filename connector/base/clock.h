/* clock.h - both clocks behind one interface that tests replace, and the vendor's time texts.
 *
 * Units:    monotonic time in milliseconds from an arbitrary start, for intervals; wall time in
 *           100 ns ticks since 1970-01-01 UTC, only ever to stamp and to ask for ranges.
 * Source:   Microsoft's APIs send 0 to 7 fraction digits (facts, section 2); RFC 3339. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TICKS_PER_S INT64_C(10000000)
#define TICKS_PER_MS INT64_C(10000)
#define NO_TIME INT64_MIN

struct clock {
	int64_t (*mono_ms)(const struct clock *clock);
	int64_t (*wall_ticks)(const struct clock *clock);
};

extern const struct clock clock_system;

/* A clock that stands still until a test moves it. */
struct clock_fake {
	struct clock clock;
	int64_t mono_ms, wall_ticks;
};
void clock_fake_init(struct clock_fake *fake, int64_t wall_ticks);
void clock_fake_pass(struct clock_fake *fake, int64_t ms);

static inline int64_t clock_mono_ms(const struct clock *clock)
{
	return clock->mono_ms(clock);
}

static inline int64_t clock_wall(const struct clock *clock)
{
	return clock->wall_ticks(clock);
}

/* "2026-01-05T09:31:12.3466667Z" with any number of fraction digits (those past 100 ns are cut),
 * zone Z, +hh:mm, -hh:mm or none (taken as UTC). False when it is no such time. */
bool time_parse(const char *p, size_t n, int64_t *ticks);

#define TIME_TEXT 40
/* "2026-01-05T09:31:12.3466667Z" with `digits` (0-7) fraction digits, cut, not rounded. Returns its
 * length. Years 1-9999. */
size_t time_format(int64_t ticks, int digits, char out[TIME_TEXT]);

/* Civil date of a tick count, for the header of RFC 3164. */
struct time_civil {
	int year, month, day, hour, minute, second;
};
void time_civil(int64_t ticks, struct time_civil *civil);

#endif
