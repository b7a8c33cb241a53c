/* index.c - records in the order of a time. */
#include "config.h"

#include "index.h"

#include <stdlib.h>
#include <string.h>

void record_keep_old(struct record *r)
{
	r->old = realloc(r->old, (r->old_count + 1) * sizeof(*r->old));
	if (!r->old)
		abort();
	r->old[r->old_count++] = r->now;
	r->now.served = 0;
}

int64_t index_time(const struct index *x, const struct record *r)
{
	return x->by_created ? r->created : r->now.updated;
}

size_t index_lower_bound(const struct index *x, int64_t time, uint32_t n)
{
	size_t low = 0, high = x->count;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int64_t t = index_time(x, x->at[mid]);
		if (t < time || (t == time && x->at[mid]->n < n))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void index_append(struct index *x, struct record *r)
{
	if (x->count == x->size) {
		x->size = x->size ? x->size * 2 : 4;
		x->at = realloc(x->at, x->size * sizeof(*x->at));
		if (!x->at)
			abort();
	}
	x->at[x->count++] = r;
}

void index_insert(struct index *x, struct record *r)
{
	size_t at = index_lower_bound(x, index_time(x, r), r->n);
	index_append(x, r);
	memmove(x->at + at + 1, x->at + at, (x->count - 1 - at) * sizeof(*x->at));
	x->at[at] = r;
}

void index_remove(struct index *x, const struct record *r)
{
	size_t at = index_lower_bound(x, index_time(x, r), r->n);
	x->count--;
	memmove(x->at + at, x->at + at + 1, (x->count - at) * sizeof(*x->at));
}

static int compare(const void *x, const void *y)
{
	const struct record *a = *(struct record *const *)x,
			    *b = *(struct record *const *)y;
	if (a->now.updated != b->now.updated)
		return a->now.updated < b->now.updated ? -1 : 1;
	return a->n < b->n ? -1 : a->n > b->n;
}

static int compare_created(const void *x, const void *y)
{
	const struct record *a = *(struct record *const *)x,
			    *b = *(struct record *const *)y;
	if (a->created != b->created)
		return a->created < b->created ? -1 : 1;
	return a->n < b->n ? -1 : a->n > b->n;
}

void index_sort(struct index *x)
{
	if (x->count)
		qsort(x->at, x->count, sizeof(*x->at),
			x->by_created ? compare_created : compare);
}
