#include "config.h"

#include "vendor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct vendor vendor;

struct page {
	struct page_events events;
	struct loop_timer timer;
	struct page_counts counts;
	const char *url;
	bool paused;
	size_t next_row, end_row;
	size_t rows[VENDOR_ALERTS];
	size_t count;
	char next[400];
	enum page_result result;
	struct error err;
	bool bare;
};

struct destination {
	int unused;
};

static struct destination_options collector = {.name = "soc"};
static const struct fmt_evidence pieces[16];
static struct loop_call confirm_call;
static struct window_entry *held[20000];
static size_t held_count;

/* The source. */

static enum rc first_url(const struct source *source, const char *root,
	const struct source_range *range, struct strbuf *url, struct error *err)
{
	(void)source;
	(void)err;
	strbuf_reset(url);
	strbuf_addf(url,
		"%s/?from=%lld&to=%lld&top=%u&skip=%llu&bare=%d&page=0&filter=%s", root,
		(long long)range->from, (long long)range->to, range->page_size,
		(unsigned long long)range->skip, range->bare,
		range->filter ? range->filter : "");
	return range->from < range->to ? RC_OK
				       : error_set(err, RC_CONFIG, "an empty range");
}

const struct source *source_find(const char *name)
{
	static const struct alert_table nested, plain,
		incidents = {.kind = "incident", .nested = &nested};
	static struct source source = {.name = "scripted",
		.page_size = 100,
		.page_size_max = 1000,
		.filters = {"severity", {"informational", "low", "medium", "high"},
			"status", {"new", "resolved"}},
		.first_url = first_url};

	(void)name;
	source.paging = vendor.all_at_once ? PAGING_NONE
			: vendor.skips	   ? PAGING_SKIP
					   : PAGING_LINK;
	source.page_size_max = vendor.all_at_once ? 0 : 1000;
	source.table = vendor.nests ? &incidents : &plain;
	return &source;
}

/* The API. */

static int in_order(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	int64_t tx = vendor.alerts[x].updated, ty = vendor.alerts[y].updated;

	if (vendor.order == NO_ORDER)
		return x * 7919 % 6007 < y * 7919 % 6007 ? -1 : 1;
	if (tx != ty)
		return (tx < ty) != (vendor.order == OLDEST_FIRST) ? 1 : -1;
	return x < y ? -1 : 1;
}

static void answer(struct page *page)
{
	long long from, to;
	unsigned long long skip;
	unsigned top, number, rows;
	int bare, filter_at = 0;

	if (sscanf(page->url,
		    "https://api/"
		    "?from=%lld&to=%lld&top=%u&skip=%llu&bare=%d&page=%u&filter=%n",
		    &from, &to, &top, &skip, &bare, &number, &filter_at) != 6 ||
		!filter_at)
		abort();
	vendor.last_from = from;
	vendor.last_to = to;
	vendor.last_top = top;
	vendor.began += from == vendor.border;
	vendor.ended += to == vendor.border;
	if (top > 1 && to - vendor.clock.wall_ticks > vendor.ahead)
		vendor.ahead = to - vendor.clock.wall_ticks;
	snprintf(vendor.last_filter, sizeof(vendor.last_filter), "%s",
		page->url + filter_at);
	page->count = page->next_row = page->end_row = 0;
	page->bare = bare;
	page->next[0] = '\0';
	page->result = PAGE_OK;
	if (vendor.throttles && top > 1) {
		page->counts.throttled++;
		page->result = PAGE_RETRY;
		error_set(&page->err, RC_AGAIN, "slow down");
		return;
	}
	if (vendor.down || (vendor.no_filter && page->url[filter_at])) {
		page->result = vendor.no_filter ? PAGE_BAD_REQUEST : vendor.failure;
		/* As the real one: each refusal with an id of its own. */
		error_set(&page->err, RC_AGAIN,
			"the API fails after %u ms; trace id "
			"11111111-2222-3333-4444-%012u",
			vendor.refused % 7, vendor.refused);
		vendor.refused++;
		return;
	}
	if (vendor.top_refused && top > vendor.top_refused) {
		page->result = PAGE_BAD_REQUEST;
		error_set(&page->err, RC_PROTO, "the limit of $top is exceeded");
		return;
	}
	for (size_t i = 0; i < vendor.count; i++)
		if (vendor.alerts[i].visible <= vendor.clock.wall_ticks &&
			vendor.alerts[i].updated >= from &&
			vendor.alerts[i].updated < to)
			page->rows[page->count++] = i;
	qsort(page->rows, page->count, sizeof(*page->rows), in_order);
	rows = vendor.top_max && vendor.top_max < top ? vendor.top_max : top;
	if (vendor.top_fixed)
		rows = vendor.top_fixed;
	if (vendor.all_at_once)
		rows = VENDOR_ALERTS;
	page->next_row = skip < page->count ? skip : page->count;
	page->end_row = page->next_row + rows < page->count ? page->next_row + rows
							    : page->count;
	for (size_t i = page->next_row; i < page->end_row; i++) {
		const struct vendor_alert *a = &vendor.alerts[page->rows[i]];

		if (!a->poison || (a->bare_helps && bare))
			continue;
		page->result = vendor.limit ? PAGE_BAD_ANSWER : PAGE_RETRY;
		if (vendor.limit) {
			error_set(&page->err, RC_LIMIT, "the alert a%zu is too long",
				page->rows[i]);
			page->end_row = i; /* those before it came */
		} else {
			error_set(&page->err, RC_AGAIN, "HTTP 500");
			page->end_row = page->next_row;
		}
		return;
	}
	if (vendor.links == LINKS_SAME)
		snprintf(page->next, sizeof(page->next), "%s", page->url);
	else if (vendor.links == LINKS_ENDLESS)
		snprintf(page->next, sizeof(page->next),
			"https://api/"
			"?from=%lld&to=%lld&top=%u&skip=0&bare=%d&page=%u&filter=%s",
			from, to, top, bare, number + 1, page->url + filter_at);
	else if ((!vendor.skips || vendor.links_too) && page->end_row < page->count)
		snprintf(page->next, sizeof(page->next),
			"https://api/"
			"?from=%lld&to=%lld&top=%u&skip=%zu&bare=%d&page=%u&filter=%s",
			from, to, top, page->end_row, bare, number + 1,
			page->url + filter_at);
}

/* They never change. False: no more now. */
static bool hand_on_nested(struct page *page, size_t number)
{
	bool more = true;

	for (int i = 0; i < VENDOR_NESTED; i++) {
		char id[40];
		struct fmt_alert alert = {.struct_size = sizeof(alert),
			.source = "scripted",
			.kind = "alert",
			.id = {id,
				(size_t)snprintf(id, sizeof(id), "n%zu-%d", number, i)},
			.status = {"new", 3},
			.severity = FMT_SEVERITY_HIGH,
			.severity_text = {"high", 4},
			.created = BEGIN,
			.updated = BEGIN};

		more = page->events.alert(page->events.context, &alert) && more;
	}
	return more;
}

static void hand_on(struct loop_timer *timer)
{
	struct page *page = CONTAINER_OF(timer, struct page, timer);

	while (page->next_row < page->end_row) {
		size_t number = page->rows[page->next_row++];
		const struct vendor_alert *a = &vendor.alerts[number];
		static const char *const severities[] = {
			"unknown", "informational", "low", "medium", "high"};
		char id[20];
		struct fmt_alert alert = {.struct_size = sizeof(alert),
			.source = "scripted",
			.id = {id, (size_t)snprintf(id, sizeof(id), "a%zu", number)},
			.status = a->status ? (struct fmt_str){"resolved", 8}
					    : (struct fmt_str){"new", 3},
			.severity = a->severity,
			.severity_text = {severities[a->severity],
				strlen(severities[a->severity])},
			.created = a->updated,
			.updated = a->updated,
			.evidence = pieces,
			.evidence_count = vendor.pieces};
		bool more;

		if (vendor.nests)
			alert.kind = source_find("")->table->kind;
		more = page->events.alert(page->events.context, &alert);
		if (vendor.nests && !page->bare)
			more = hand_on_nested(page, number) && more;
		/* Not at the end of a page: then it is done. */
		if (!more && page->next_row < page->end_row) {
			page->paused = vendor.paused = true;
			return;
		}
	}
	page->url = NULL;
	page->events.done(page->events.context, page->result,
		page->result == PAGE_OK ? page->next : "", -1, &page->err);
}

static void arrive(struct loop_timer *timer)
{
	struct page *page = CONTAINER_OF(timer, struct page, timer);

	vendor.requests++;
	page->counts.requests++;
	if (vendor.before)
		vendor.before(vendor.requests);
	answer(page);
	hand_on(timer);
}

struct page *page_new(struct loop *loop, struct http *http, struct token *token,
	struct budget *budget, const struct source *source, const char *root,
	const struct page_events *events)
{
	struct page *page = calloc(1, sizeof(*page));

	(void)loop, (void)http, (void)token, (void)budget, (void)source, (void)root;
	page->events = *events;
	return page;
}

void page_cancel(struct page *page)
{
	loop_timer_stop(vendor.loop, &page->timer);
	page->url = NULL;
	page->paused = vendor.paused = false;
}

void page_free(struct page *page)
{
	page_cancel(page);
	free(page);
}

void page_fetch(struct page *page, const char *url)
{
	if (page->url)
		abort();
	page->url = url;
	page->paused = false;
	page->timer.fire = arrive;
	loop_timer_set(vendor.loop, &page->timer,
		loop_now_ms(vendor.loop) + vendor.in_flight_ms);
}

void page_resume(struct page *page)
{
	if (!page->paused)
		return;
	page->paused = vendor.paused = false;
	page->timer.fire = hand_on;
	loop_timer_set(vendor.loop, &page->timer, loop_now_ms(vendor.loop));
}

bool page_busy(const struct page *page)
{
	return page->url != NULL;
}

void page_counts(const struct page *page, struct page_counts *counts)
{
	*counts = page->counts;
}

/* The collector. */

void vendor_confirm(void)
{
	while (held_count)
		window_confirm(held[--held_count]);
}

static void confirm(struct loop_call *call)
{
	(void)call;
	if (!vendor.hold)
		vendor_confirm();
}

enum rc destination_send(struct destination *destination, const struct fmt_alert *alert,
	const struct syslog_fields *fields, void *ticket, size_t *queued,
	struct error *err)
{
	(void)destination, (void)fields;
	if (!strncmp(alert->id.p, "stub-", 5)) {
		vendor.stubs++;
		snprintf(vendor.stub_id, sizeof(vendor.stub_id), "%.*s",
			(int)alert->id.n, alert->id.p);
		snprintf(vendor.stub_text, sizeof(vendor.stub_text), "%.*s",
			(int)alert->description.n, alert->description.p);
	} else if (alert->id.p[0] == 'n') {
		vendor.alerts[strtol(alert->id.p + 1, NULL, 10)].nested_got++;
	} else {
		int number = (int)strtol(alert->id.p + 1, NULL, 10);

		if (number == vendor.unwritable &&
			(!vendor.unwritable_part ||
				vendor.unwritable_part == alert->event_number))
			return error_set(err, RC_PROTO, "cannot be written");
		vendor.alerts[number].parts++;
		vendor.alerts[number].got += alert->event_number == alert->event_count;
		vendor.sent++;
	}
	if (held_count == sizeof(held) / sizeof(*held))
		abort();
	held[held_count++] = ticket;
	*queued = 1000;
	confirm_call.run = confirm;
	loop_defer(vendor.loop, &confirm_call);
	return RC_OK;
}

const struct destination_options *destination_options(
	const struct destination *destination)
{
	(void)destination;
	collector.events = vendor.pieces ? EVENTS_EVIDENCE : EVENTS_ALERT;
	return &collector;
}

/* The script. */

void vendor_reset(void)
{
	memset(&vendor, 0, sizeof(vendor));
	held_count = 0;
	vendor.failure = PAGE_RETRY;
	vendor.unwritable = -1;
	vendor.ahead = INT64_MIN;
	vendor.in_flight_ms = 200;
	clock_fake_init(&vendor.clock, BEGIN);
}

size_t vendor_add(double at_s, double late_s)
{
	struct vendor_alert *a = &vendor.alerts[vendor.count];

	a->updated = BEGIN + (int64_t)(at_s * (double)TICKS_PER_S);
	a->visible = a->updated + (int64_t)(late_s * (double)TICKS_PER_S);
	a->severity = FMT_SEVERITY_MEDIUM;
	a->versions = 1;
	return vendor.count++;
}

void vendor_update(size_t alert)
{
	struct vendor_alert *a = &vendor.alerts[alert];

	a->updated = a->visible = vendor.clock.wall_ticks;
	if (!a->status)
		a->versions += a->got ? 1 : 0;
	a->status = 1;
}

void vendor_touch(size_t alert, int status)
{
	struct vendor_alert *a = &vendor.alerts[alert];

	a->updated = a->visible = vendor.clock.wall_ticks;
	a->status = status;
}
