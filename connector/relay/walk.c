#include "config.h"

#include "relay/walk.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/strbuf.h"

#define NARROWEST TICKS_PER_S
#define PATIENCE_MAX 64
/* Before the first step of a narrowing, and when it is bare, which is the last one; between these
 * STEP_TRIES. */
#define PAGE_TRIES 4
#define STEP_TRIES 2

void narrow_init(struct narrowing *n, unsigned page_size_max, int64_t width_max)
{
	*n = (struct narrowing){.page_size = page_size_max,
		.page_size_max = page_size_max,
		.width = width_max,
		.width_max = width_max,
		.suspect_until = NO_TIME,
		.patience = 1};
}

bool narrow_step(struct narrowing *n, int64_t from, int64_t to, bool keep_page)
{
	bool page = !keep_page && n->page_size > 1, slice = to - from > NARROWEST;

	if (!page && !slice && (n->bare || keep_page))
		return false;
	if (n->grown && n->patience < PATIENCE_MAX)
		n->patience *= 2;
	n->grown = false;
	n->calm = 0;
	n->steps++;
	n->suspect_until = to;
	if (page)
		n->page_size /= 2;
	if (slice)
		n->width = (to - from) / 2 > NARROWEST ? (to - from) / 2 : NARROWEST;
	if (!page && !slice)
		n->bare = true;
	return true;
}

int64_t narrow_to(const struct narrowing *n, int64_t from, int64_t until)
{
	int64_t width = n->width, to, second;

	if (n->suspect_until != NO_TIME && from < n->suspect_until &&
		(n->suspect_until - from) / 2 < width)
		width = (n->suspect_until - from) / 2;
	to = from + (width > NARROWEST ? width : NARROWEST);
	second = to - (to % TICKS_PER_S + TICKS_PER_S) % TICKS_PER_S;
	if (second > from)
		to = second;
	return to < until ? to : until;
}

void narrow_success(struct narrowing *n, int64_t to)
{
	n->bare = false;
	if (!n->steps)
		return;
	if (to >= n->suspect_until)
		n->suspect_until = NO_TIME;
	if (++n->calm < n->patience)
		return;
	n->calm = 0;
	n->grown = true;
	n->width = n->width > n->width_max / 2 ? n->width_max : n->width * 2;
	n->page_size = n->page_size > n->page_size_max / 2 ? n->page_size_max
							   : n->page_size * 2;
	if (n->width == n->width_max && n->page_size == n->page_size_max)
		n->steps = 0;
}

void narrow_found(struct narrowing *n)
{
	n->patience = 1;
	n->bare = false;
	n->suspect_until = NO_TIME;
}

const struct passed_range *passed_find(
	const struct passed_ranges *ranges, int64_t from, int64_t *to)
{
	const struct passed_range *found = NULL;

	for (size_t i = 0; i < ranges->count; i++) {
		const struct passed_range *r = &ranges->items[i];

		if (r->from <= from && from < r->to) {
			found = r;
			if (r->to < *to)
				*to = r->to;
		} else if (r->from > from && r->from < *to) {
			*to = r->from;
		}
	}
	return found;
}

void passed_add(struct passed_ranges *ranges, int64_t from, int64_t to, bool bare)
{
	size_t at = 0;

	for (size_t i = 0; i < ranges->count; i++)
		if (ranges->items[i].from == from && ranges->items[i].to == to)
			return;
	if (!ranges->items)
		ranges->items = xcalloc(WALK_PASSED, sizeof(*ranges->items));
	if (ranges->count < WALK_PASSED) {
		at = ranges->count++;
	} else {
		for (size_t i = 1; i < ranges->count; i++)
			if (ranges->items[i].from < ranges->items[at].from)
				at = i;
	}
	ranges->items[at] = (struct passed_range){from, to, bare};
}

static void take_out(struct passed_ranges *ranges, size_t at)
{
	ranges->items[at] = ranges->items[--ranges->count];
	if (!ranges->count)
		passed_clear(ranges);
}

void passed_remove(struct passed_ranges *ranges, int64_t from)
{
	for (size_t i = ranges->count; i-- > 0;)
		if (ranges->items[i].from <= from && from < ranges->items[i].to)
			take_out(ranges, i);
}

void passed_forget(struct passed_ranges *ranges, int64_t before)
{
	for (size_t i = ranges->count; i-- > 0;)
		if (ranges->items[i].to < before)
			take_out(ranges, i);
}

void passed_clear(struct passed_ranges *ranges)
{
	free(ranges->items);
	*ranges = (struct passed_ranges){0};
}

void circle_init(struct circle *c)
{
	*c = (struct circle){.limit = 1};
}

bool circle_step(struct circle *c, uint64_t value)
{
	value |= 1; /* 0: no mark */
	if (value == c->mark)
		return true;
	if (++c->steps == c->limit) {
		c->mark = value;
		c->steps = 0;
		c->limit *= 2;
	}
	return false;
}

uint64_t circle_hash(uint64_t hash, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		hash = (hash ^ (unsigned char)p[i]) * UINT64_C(1099511628211);
	return hash;
}

void walk_restart(struct walk *w)
{
	free(w->url);
	w->url = NULL;
	w->reading = false;
}

bool walk_begin(struct walk *w, const struct passed_ranges *passed, int64_t now)
{
	const struct passed_range *range;

	w->to = narrow_to(&w->narrow, w->from, w->until);
	range = passed_find(passed, w->from, &w->to);
	w->known = range != NULL;
	if (range && range->bare)
		w->narrow.bare = true;
	w->read_at = now;
	w->reading = true;
	w->found = w->paged = w->row_passed = w->circled = false;
	w->rows = w->first_rows = 0;
	w->empty_pages = 0;
	circle_init(&w->links);
	circle_init(&w->contents);
	return !range || range->bare;
}

void walk_take(struct walk *w, const char *id, size_t n, bool row)
{
	w->page_rows += row;
	w->digest = circle_hash(w->digest, id, n) ^ n;
}

bool walk_circles(struct walk *w, const char *next)
{
	w->empty_pages = w->page_rows ? 0 : w->empty_pages + 1;
	return (next[0] && (strcmp(next, w->url) == 0 ||
				   circle_step(&w->links, circle_hash(CIRCLE_HASH, next,
								  strlen(next))))) ||
	       (w->page_rows && circle_step(&w->contents, w->digest)) ||
	       w->empty_pages > CIRCLE_EMPTY_PAGES;
}

unsigned walk_tries(const struct walk *w)
{
	return w->narrow.steps && !w->narrow.bare ? STEP_TRIES : PAGE_TRIES;
}
