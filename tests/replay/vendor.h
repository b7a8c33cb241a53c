/* vendor.h - a scripted API and a scripted collector behind the real feed, window and store.
 *
 * How:      vendor.c takes the place of fetch/page.c, fetch/source.c and deliver/destination.c when
 *           the test is linked; time is a clock that stands still until the loop waits.
 * Units:    times in seconds from the vendor's beginning. */
#ifndef REPLAY_VENDOR_H
#define REPLAY_VENDOR_H

#include "base/loop.h"
#include "fetch/page.h"
#include "relay/feed.h"

#define VENDOR_ALERTS 6000
#define VENDOR_NESTED 3
#define BEGIN (INT64_C(1767571200) * TICKS_PER_S) /* 2026-01-05T00:00:00Z */

struct vendor_alert {
	int64_t updated, visible; /* ticks */
	int status; /* 0 new, 1 resolved: a change makes a new version */
	enum fmt_severity severity;
	bool poison; /* an answer that would hold it fails */
	bool bare_helps; /* not when bare */
	unsigned got; /* in full, by the collector */
	unsigned parts; /* messages of it */
	unsigned nested_got; /* alerts that came inside */
	unsigned versions; /* how many different ones the collector should get */
};

enum links { LINKS_NORMAL, LINKS_SAME, LINKS_ENDLESS };
enum order { NEWEST_FIRST, OLDEST_FIRST, NO_ORDER };

struct vendor {
	struct clock_fake clock;
	struct loop *loop;
	struct vendor_alert alerts[VENDOR_ALERTS];
	size_t count;
	bool throttles; /* 429 without Retry-After for all but pages of one alert */
	bool down, no_filter; /* every request fails; 400 for a filter */
	unsigned refused; /* so often */
	enum page_result failure;
	unsigned top_max; /* rows in a page at most, silently */
	unsigned top_fixed; /* rows in a page, whatever is asked for */
	unsigned top_refused; /* 400 for more */
	enum links links;
	bool skips; /* the source pages by $skip */
	bool links_too; /* and gives links */
	bool all_at_once; /* it has no pages */
	bool nests; /* its rows are incidents, which bring VENDOR_NESTED alerts along unless bare */
	enum order order;
	bool hold; /* the collector confirms nothing */
	bool limit; /* poison is an alert over the parser's maximum */
	int unwritable; /* alert that no format takes; -1: none */
	unsigned unwritable_part; /* only this part of it; 0: all */
	size_t pieces; /* of evidence in each alert, each a message */
	void (*before)(unsigned request); /* called as each request arrives */
	unsigned requests, in_flight_ms;
	unsigned stubs, sent;
	bool paused; /* a page keeps its connection until there is room */
	int64_t last_from, last_to; /* of the last request */
	int64_t ahead; /* the most that the end of a page's range was after its arrival */
	int64_t border; /* ranges that begin or end here are counted */
	unsigned began, ended;
	unsigned last_top;
	char last_filter[300];
	char stub_text[1300], stub_id[60];
};

extern struct vendor vendor;

void vendor_reset(void);
/* An alert updated at_s that shows late_s after it. Returns its number. */
size_t vendor_add(double at_s, double late_s);
/* It is changed now: resolved, for good. */
void vendor_update(size_t alert);
/* Only its time is new, or its status too. */
void vendor_touch(size_t alert, int status);
/* Confirms what was held. */
void vendor_confirm(void);

#endif
