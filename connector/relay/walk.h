/* walk.h - how a range of time is cut into slices, and how a slice that cannot be read is narrowed.
 *
 * Purpose:  pure arithmetic of a pass or a re-scan; the feed asks and decides.
 * Owner:    the feed owns a walk and frees its url.
 * Narrow:   each step halves page and slice, down to one alert and one second, then leaves out what
 *           the source would bring along. Both at once, because a smaller page means that the slice
 *           is read from its start: a wide slice with pages of one alert would cost a request per
 *           alert. Within a slice that failed the culprit is sought by bisection. After success both
 *           grow back, the slower the more often that went wrong.
 * Bounds:   WALK_PASSED ranges that were passed over are remembered; beyond that the oldest is forgotten.
 * Units:    100 ns ticks.   Source: facts 2.4, 2.5, 2.7, 7.6.   Tests: replay/test_feed.c */
#ifndef RELAY_WALK_H
#define RELAY_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WALK_PASSED 64

struct narrowing {
	unsigned page_size, page_size_max; /* 0: the source's own */
	int64_t width, width_max;
	int64_t suspect_until; /* a slice that ended here failed */
	bool bare;
	bool grown; /* since the last step */
	unsigned steps; /* 0: as the feed is configured */
	unsigned calm, patience; /* slices that went well; how many it takes to grow */
};

void narrow_init(struct narrowing *n, unsigned page_size_max, int64_t width_max);
/* The slice [from, to) failed. False: it cannot be narrower. keep_page: its pages are not too large
 * (the links between them are broken). */
bool narrow_step(struct narrowing *n, int64_t from, int64_t to, bool keep_page);
/* Where a slice that begins at `from` ends: on a whole second, so that the same second is found
 * whichever way led there, or at until. */
int64_t narrow_to(const struct narrowing *n, int64_t from, int64_t until);
/* The slice that ended at `to` was read. */
void narrow_success(struct narrowing *n, int64_t to);
/* The culprit was found. */
void narrow_found(struct narrowing *n);

/* A range that could not be read: as a whole, or only bare. */
struct passed_range {
	int64_t from, to;
	bool bare;
};

struct passed_ranges {
	struct passed_range *items;
	size_t count;
};

/* The range that holds `from`, or NULL; *to is then its end at most, else the beginning of the next
 * one at most. */
const struct passed_range *passed_find(
	const struct passed_ranges *ranges, int64_t from, int64_t *to);
void passed_add(struct passed_ranges *ranges, int64_t from, int64_t to, bool bare);
void passed_remove(struct passed_ranges *ranges, int64_t from);
/* Forgets what ends before this time. */
void passed_forget(struct passed_ranges *ranges, int64_t before);
void passed_clear(struct passed_ranges *ranges);

/* Brent's cycle detection: two numbers find any loop of a sequence. */
struct circle {
	uint64_t mark, steps, limit;
};

void circle_init(struct circle *c);
/* True when the sequence runs in a circle. */
bool circle_step(struct circle *c, uint64_t value);
/* A value for it, of texts one after the other (FNV-1a); begins with CIRCLE_HASH. */
#define CIRCLE_HASH UINT64_C(14695981039346656037)
uint64_t circle_hash(uint64_t hash, const char *p, size_t n);
/* So many pages without a row, one after the other, are a circle too. */
#define CIRCLE_EMPTY_PAGES 100

/* Going through a range of time: a pass, or a re-scan. */
struct walk {
	bool active;
	bool reading; /* the slice was begun; else it is to be planned from `from` */
	bool found; /* this reading of the slice found something new, within its range */
	bool paged; /* it has more than one page */
	bool failed; /* this slice was given up and asked anew; its trouble is not over yet */
	bool known; /* this slice was passed over before */
	bool circled; /* its pages repeat */
	bool row_passed; /* one alert of it was passed over */
	int64_t until;
	int64_t from, to; /* the slice */
	int64_t read_at; /* wall clock when this reading of the slice began */
	int64_t retry_ms; /* not before */
	char *url; /* of the page now asked for */
	uint64_t rows, page_rows,
		first_rows; /* read in this reading, in this and its first page */
	uint64_t digest; /* of the ids in this page */
	unsigned empty_pages; /* in a row */
	struct circle links, contents;
	struct narrowing narrow;
	unsigned page_failures; /* in a row, of this page */
};

/* The slice is to be read from its start. */
void walk_restart(struct walk *w);
/* Plans the slice at w->from, to be read from now on. False: it was passed over before as a whole. */
bool walk_begin(struct walk *w, const struct passed_ranges *passed, int64_t now);
/* An alert of the page; a row is one that the API counts. */
void walk_take(struct walk *w, const char *id, size_t n, bool row);
/* At the end of a page that another follows: true when the pages repeat. */
bool walk_circles(struct walk *w, const char *next);
/* Failures in a row after which its page is not asked unchanged any more. */
unsigned walk_tries(const struct walk *w);

#endif
