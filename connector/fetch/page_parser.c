#include "config.h"

#include "fetch/page_parser.h"

#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "base/strbuf.h"

#define SLICE 65536
#define CARRY_SLICE 4096 /* copied, while an alert goes on from before */
#define CARRY_KEEP 16384
#define LINK_MAX 32768
#define BOM "\xef\xbb\xbf"

const struct page_limits page_limits_default = {
	.depth = 64,
	.alert_bytes = 2 << 20,
	.record_bytes = 16 << 20,
	.token_bytes = 1 << 20,
	.alert = {.evidence = 1000,
		.fields = 20000,
		.list_items = 5000,
		.comments = 1000},
};

enum place {
	PLACE_TOP,
	PLACE_PAGE, /* in the object that holds the list */
	PLACE_LIST, /* in the list */
	PLACE_ALERT, /* in an alert, or in what may turn out to be a page (maybe_page) */
	PLACE_OTHER, /* in a value of the page object that nobody needs */
};

enum page_key { KEY_OTHER, KEY_LIST, KEY_NEXT };

struct page_parser {
	struct alert_builder builder; /* first: yajl's context is both */
	struct page_limits limits;
	const char *list_key;
	size_t list_key_length;
	yajl_handle yajl;
	yajl_callbacks callbacks; /* which ones depends on the place */
	page_alert_fn *alert;
	void *context;
	enum page_mode mode;

	enum place place;
	enum page_key key;
	size_t depth; /* open containers */
	size_t alert_depth, list_depth, other_depth;
	bool maybe_page; /* the top-level object of PLACE_ALERT is not known yet */
	bool in_page; /* the list is in an object */
	bool has_list;
	bool done; /* a complete top-level value was read */
	uint64_t tokens;

	unsigned
		bom; /* octets of the byte order mark seen; 3 and more: past the start */
	bool begun; /* saw something that is not blank */
	uint64_t base; /* offset of text in the answer */
	uint64_t quiet; /* octets of the slices without a token before this one */
	uint64_t bytes, alerts, page_alerts;
	/* Octets of an alert that began in an earlier page_parser_feed(). */
	char *carry;
	size_t carry_n, carry_room;

	/* Reads the alerts of an incident; NULL where there are none. */
	struct page_parser *nested;
	struct strbuf next_link;
	enum rc failed;
	struct error error;
};

static uint64_t offset_now(const struct page_parser *p)
{
	return p->base + yajl_get_bytes_consumed(p->yajl);
}

static const char *noun(const struct page_parser *p)
{
	return p->mode == PAGE_ANSWER ? "answer" : "input";
}

#define fail(p, rc, ...) ((p)->failed = error_set(&(p)->error, (rc), __VA_ARGS__), 0)

/* Ids are plain text; anything else does not belong into a sentence. */
static bool id_plain(const struct fmt_str *id)
{
	for (size_t i = 0; i < id->n; i++)
		if (id->p[i] <= ' ' || id->p[i] > '~')
			return false;
	return id->n > 0 && id->n < 200;
}

static int too_long(struct page_parser *p)
{
	const struct fmt_alert *alert = &p->builder.alert;
	const struct fmt_str *id = p->nested ? &alert->incident_id : &alert->id;
	size_t most = p->nested ? p->limits.record_bytes : p->limits.alert_bytes;

	if (id_plain(id))
		return fail(p, RC_LIMIT,
			"the %s %.*s is longer than %zu octets (at octet %llu)",
			alert->kind, (int)id->n, id->p, most,
			(unsigned long long)p->base);
	return fail(p, RC_LIMIT, "an %s is longer than %zu octets (at octet %llu)",
		alert->kind, most, (unsigned long long)p->base);
}

static const char *position(void *context)
{
	struct page_parser *p = context;

	return p->builder.text + yajl_get_bytes_consumed(p->yajl);
}

static void place_enter(struct page_parser *p, enum place place);

static void alert_begin(struct page_parser *p)
{
	place_enter(p, PLACE_ALERT);
	p->alert_depth = p->depth;
	alert_build_begin(&p->builder, position(p) - 1);
}

/* An alert of the incident that was read before it. */
static enum rc nested_alert(void *context, struct fmt_alert *alert)
{
	struct page_parser *p = context;
	const struct fmt_alert *incident = &p->builder.alert;

	if (!alert->incident_id.n)
		alert->incident_id = incident->incident_id;
	if (!alert->incident_url.n)
		alert->incident_url = incident->incident_url;
	if (!alert->tenant_id.n)
		alert->tenant_id = incident->tenant_id;
	p->alerts++;
	return p->alert(p->context, alert);
}

static int nested_read(struct page_parser *p)
{
	const struct fmt_str list = p->builder.nested;
	const struct fmt_str *id = &p->builder.alert.id;
	struct page_parser *nested = p->nested;
	struct error err;
	enum rc rc;

	if (!list.n)
		return 1;
	page_parser_start(nested, PAGE_ANSWER, nested_alert, p);
	rc = page_parser_feed(nested, list.p, list.n, &err);
	if (rc == RC_OK)
		rc = page_parser_finish(nested, &err);
	p->builder.shed += nested->builder.shed;
	nested->builder.shed = 0;
	if (rc == RC_OK)
		return 1;
	return fail(p, rc, "the alerts of %.*s, which end at octet %llu: %s",
		id_plain(id) ? (int)id->n : 11, id_plain(id) ? id->p : "an incident",
		(unsigned long long)offset_now(p), err.text);
}

static int alert_end(struct page_parser *p)
{
	struct alert_builder *b = &p->builder;
	struct fmt_alert *alert;
	enum rc rc;

	if (p->maybe_page && !b->matched)
		return fail(p, RC_PROTO,
			"the object that ends at octet %llu is neither an alert nor an "
			"answer with a list \"%s\"",
			(unsigned long long)offset_now(p),
			p->list_key ? p->list_key : "");
	p->maybe_page = false;
	if ((size_t)(position(p) - b->alert.raw.p) >
		p->limits.alert_bytes + (p->nested ? b->nested.n : 0))
		return too_long(p);
	alert = alert_build_end(b);
	if (!alert)
		return too_long(p);
	place_enter(p, p->depth ? PLACE_LIST : PLACE_TOP);
	p->alerts++;
	p->page_alerts++;
	rc = p->alert(p->context, alert);
	if (rc != RC_OK)
		return fail(p, rc, "the reader of the alerts stopped at octet %llu",
			(unsigned long long)offset_now(p));
	return p->nested ? nested_read(p) : 1;
}

static int not_an_alert(struct page_parser *p, const char *what)
{
	return fail(p, RC_PROTO,
		"the %s has %s where an alert is expected, at octet %llu", noun(p),
		what, (unsigned long long)offset_now(p));
}

static int no_list(struct page_parser *p, const char *what)
{
	return fail(p, RC_PROTO,
		"\"%s\" of the answer is %s, not a list, at octet %llu", p->list_key,
		what, (unsigned long long)offset_now(p));
}

/* A scalar outside alerts. text is NULL unless it is a string. */
static int scalar(struct page_parser *p, const char *what, const char *text, size_t n)
{
	switch (p->place) {
	case PLACE_TOP:
		if (p->mode == PAGE_ANSWER)
			return fail(p, RC_PROTO, "the answer is %s, not a JSON %s",
				what, p->list_key ? "object" : "list");
		return not_an_alert(p, what);
	case PLACE_LIST:
		return not_an_alert(p, what);
	case PLACE_PAGE:
		if (p->key == KEY_LIST)
			return no_list(p, what);
		break;
	default:
		break;
	}
	if (p->key == KEY_NEXT && p->depth == 1) {
		strbuf_reset(&p->next_link);
		if (text && memchr(text, '\0', n))
			return fail(p, RC_PROTO,
				"the next link holds a NUL, at octet %llu",
				(unsigned long long)offset_now(p));
		if (text && !strbuf_add(&p->next_link, text, n))
			return fail(p, RC_LIMIT,
				"the next link is longer than %d octets", LINK_MAX);
	}
	return 1;
}

static int value(struct page_parser *p, enum alert_scalar type, const char *what,
	const char *text, size_t n)
{
	p->tokens++;
	if (p->place == PLACE_ALERT) {
		if (!alert_build_scalar(&p->builder, type, text, n))
			return too_long(p);
		if (!p->maybe_page)
			return 1;
	}
	return scalar(p, what, type == ALERT_SCALAR_TEXT ? text : NULL, n);
}

static int on_null(void *context)
{
	return value(context, ALERT_SCALAR_NULL, "null", NULL, 0);
}

static int on_boolean(void *context, int yes)
{
	return value(context, ALERT_SCALAR_BOOL, "a boolean", yes ? "true" : "false",
		yes ? 4 : 5);
}

static int on_number(void *context, const char *text, size_t n)
{
	return value(context, ALERT_SCALAR_NUMBER, "a number", text, n);
}

static int on_string(void *context, const unsigned char *text, size_t n)
{
	return value(context, ALERT_SCALAR_TEXT, "a string", (const char *)text, n);
}

static enum page_key page_key(const struct page_parser *p, const char *text, size_t n)
{
	static const char next[] = "@odata.nextLink";

	if (n == p->list_key_length && p->list_key && memcmp(text, p->list_key, n) == 0)
		return KEY_LIST;
	if (n == sizeof(next) - 1 && memcmp(text, next, n) == 0)
		return KEY_NEXT;
	return KEY_OTHER;
}

static int on_key(void *context, const unsigned char *text, size_t n)
{
	struct page_parser *p = context;

	p->tokens++;
	if (p->place == PLACE_ALERT)
		(void)alert_build_key(&p->builder, text, n);
	if (p->place == PLACE_PAGE || (p->maybe_page && p->depth == 1))
		p->key = page_key(p, (const char *)text, n);
	return 1;
}

/* Another container is open. */
static int deeper(struct page_parser *p)
{
	p->tokens++;
	if (++p->depth <= p->limits.depth)
		return 1;
	return fail(p, RC_LIMIT,
		"the %s nests more than %zu levels deep, at octet %llu", noun(p),
		p->limits.depth, (unsigned long long)offset_now(p));
}

static int on_start_map(void *context)
{
	struct page_parser *p = context;

	if (!deeper(p))
		return 0;
	switch (p->place) {
	case PLACE_ALERT:
		alert_build_open(&p->builder, false);
		break;
	case PLACE_TOP:
		if (p->mode == PAGE_ANSWER && !p->list_key)
			return fail(p, RC_PROTO, "the answer is an object, not a list");
		if (p->mode == PAGE_ANSWER) {
			p->place = PLACE_PAGE;
			p->in_page = true;
			p->key = KEY_OTHER;
			break;
		}
		p->maybe_page = p->mode == PAGE_FILE;
		p->in_page = false;
		p->key = KEY_OTHER;
		alert_begin(p);
		break;
	case PLACE_LIST:
		alert_begin(p);
		break;
	case PLACE_PAGE:
		if (p->key == KEY_LIST)
			return no_list(p, "an object");
		p->place = PLACE_OTHER;
		p->other_depth = p->depth;
		break;
	case PLACE_OTHER:
		break;
	}
	return 1;
}

static int on_end_map(void *context)
{
	struct page_parser *p = context;

	p->tokens++;
	p->depth--;
	switch (p->place) {
	case PLACE_ALERT:
		if (p->depth + 1 == p->alert_depth)
			return alert_end(p);
		alert_build_close(&p->builder);
		break;
	case PLACE_PAGE:
		if (!p->has_list)
			return fail(p, RC_PROTO,
				"the answer has no list \"%s\" (%llu octets)",
				p->list_key, (unsigned long long)offset_now(p));
		p->place = PLACE_TOP;
		p->in_page = false;
		break;
	case PLACE_OTHER:
		if (p->depth + 1 == p->other_depth)
			p->place = PLACE_PAGE;
		break;
	default:
		break;
	}
	return 1;
}

static int on_start_array(void *context)
{
	struct page_parser *p = context;

	if (!deeper(p))
		return 0;
	switch (p->place) {
	case PLACE_ALERT:
		if (p->maybe_page && p->depth == 2 && p->key == KEY_LIST) {
			/* what was read of the "alert" so far is the page's own */
			p->maybe_page = false;
			p->in_page = true;
			p->has_list = true;
			place_enter(p, PLACE_LIST);
			p->list_depth = p->depth;
			break;
		}
		alert_build_open(&p->builder, true);
		break;
	case PLACE_TOP:
		if (p->mode == PAGE_ALERTS)
			return not_an_alert(p, "a list");
		if (p->mode == PAGE_ANSWER && p->list_key)
			return fail(p, RC_PROTO,
				"the answer is a list, not an object with a list "
				"\"%s\"",
				p->list_key);
		p->place = PLACE_LIST;
		p->list_depth = p->depth;
		p->has_list = true;
		p->in_page = false;
		break;
	case PLACE_LIST:
		return not_an_alert(p, "a list");
	case PLACE_PAGE:
		p->place = p->key == KEY_LIST ? PLACE_LIST : PLACE_OTHER;
		if (p->key == KEY_LIST) {
			p->has_list = true;
			p->list_depth = p->depth;
		} else {
			p->other_depth = p->depth;
		}
		break;
	case PLACE_OTHER:
		break;
	}
	return 1;
}

static int on_end_array(void *context)
{
	struct page_parser *p = context;

	p->tokens++;
	p->depth--;
	if (p->place == PLACE_ALERT) {
		alert_build_close(&p->builder);
	} else if (p->place == PLACE_LIST) {
		p->place = p->in_page ? PLACE_PAGE : PLACE_TOP;
	} else if (p->place == PLACE_OTHER && p->depth + 1 == p->other_depth) {
		p->place = PLACE_PAGE;
	}
	return 1;
}

static const yajl_callbacks outer_callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_start_map,
	.yajl_map_key = on_key,
	.yajl_end_map = on_end_map,
	.yajl_start_array = on_start_array,
	.yajl_end_array = on_end_array,
};

/* In an alert, and known to be: keys and strings go straight to the builder; but those of an incident
 * are counted, because yajl reads a long token anew with each slice. */
static void place_enter(struct page_parser *p, enum place place)
{
	bool inside = place == PLACE_ALERT && !p->maybe_page && !p->nested;

	p->place = place;
	p->callbacks.yajl_map_key = inside ? alert_build_key : on_key;
	p->callbacks.yajl_string = inside ? alert_build_text : on_string;
}

static void not_begun(struct page_parser *p)
{
	(void)fail(p, RC_PROTO, "no answer is being read");
}

struct page_parser *page_parser_new(const struct alert_map *map, const char *list_key,
	const struct page_limits *limits)
{
	struct page_parser *p = xcalloc(1, sizeof(*p));

	p->limits = limits ? *limits : page_limits_default;
	p->list_key = list_key;
	p->list_key_length = list_key ? strlen(list_key) : 0;
	strbuf_init(&p->next_link, LINK_MAX);
	/* Decoded text is never longer than its JSON; one id may be made up; without its alerts the
	 * text of an incident is copied. */
	alert_build_init(&p->builder, map, &p->limits.alert, p->limits.depth,
		(map->nested ? 2 : 1) * p->limits.alert_bytes + 4096);
	if (map->nested)
		p->nested = page_parser_new(map->nested, NULL, &p->limits);
	p->builder.position = position;
	p->builder.context = p;
	not_begun(p);
	return p;
}

void page_parser_free(struct page_parser *p)
{
	if (!p)
		return;
	page_parser_free(p->nested);
	if (p->yajl)
		yajl_free(p->yajl);
	alert_build_clear(&p->builder);
	strbuf_clear(&p->next_link);
	free(p->carry);
	free(p);
}

/* Gives back what an unusual answer needed; yajl's buffers only ever grow. */
static void rest(struct page_parser *p)
{
	if (p->yajl)
		yajl_free(p->yajl);
	p->yajl = NULL;
	alert_build_shrink(&p->builder);
	p->carry_n = 0;
	if (p->carry_room > CARRY_KEEP) {
		free(p->carry);
		p->carry = NULL;
		p->carry_room = 0;
	}
}

void page_parser_start(
	struct page_parser *p, enum page_mode mode, page_alert_fn *alert, void *context)
{
	rest(p);
	p->callbacks = outer_callbacks;
	p->yajl = yajl_alloc(&p->callbacks, NULL, p);
	if (!p->yajl)
		abort(); /* out of memory */
	(void)yajl_config(p->yajl, yajl_dont_validate_strings, 1);
	(void)yajl_config(p->yajl, yajl_allow_multiple_values, mode != PAGE_ANSWER);
	p->mode = mode;
	p->alert = alert;
	p->context = context;
	p->place = PLACE_TOP;
	p->key = KEY_OTHER;
	p->depth = 0;
	p->maybe_page = p->in_page = p->has_list = false;
	p->bom = 0;
	p->begun = false;
	p->base = p->quiet = p->page_alerts = 0;
	p->failed = RC_OK;
	strbuf_reset(&p->next_link);
}

static enum rc failure(struct page_parser *p, struct error *err)
{
	if (err)
		*err = p->error;
	return p->failed;
}

/* What yajl found wrong, in our words where we know better. */
static void not_json(struct page_parser *p, const char *text, size_t n)
{
	unsigned char *why = yajl_get_error(p->yajl, 0, (const unsigned char *)text, n);
	size_t length = why ? strcspn((const char *)why, "\n") : 0;

	(void)fail(p, RC_PROTO, "the %s is not JSON at octet %llu: %.*s", noun(p),
		(unsigned long long)offset_now(p), (int)length,
		why ? (const char *)why : "");
	if (why)
		yajl_free_error(p->yajl, why);
}

static void carry_reserve(struct page_parser *p, size_t n)
{
	size_t room = p->carry_room ? p->carry_room : CARRY_KEEP;
	char *to;

	while (room < n)
		room *= 2;
	if (room == p->carry_room)
		return;
	to = xmalloc(room);
	if (p->carry_n) {
		memcpy(to, p->carry, p->carry_n);
		alert_build_moved(&p->builder, p->carry, p->carry_n, to);
	}
	free(p->carry);
	p->carry = to;
	p->carry_room = room;
}

/* After a slice that was parsed in the carry: where does the alert that is open go on? */
static void carry_leave(
	struct page_parser *p, const char *text, size_t n, const char *bytes)
{
	const char *from = p->builder.alert.raw.p;
	bool open = p->place == PLACE_ALERT;

	if (open && from == p->carry) {
		p->carry_n += n;
		return;
	}
	/* Another one, which began in this slice: all of it is in the octets being fed, too. */
	if (open)
		alert_build_moved(&p->builder, from, (size_t)(text + n - from),
			bytes + (from - text));
	p->carry_n = 0;
}

/* The octets being fed end at `end`: what was read of an open alert must outlive them. */
static void carry_keep(struct page_parser *p, const char *end)
{
	const char *from = p->builder.alert.raw.p;
	size_t length = (size_t)(end - from);

	carry_reserve(p, length);
	memmove(p->carry, from, length);
	alert_build_moved(&p->builder, from, length, p->carry);
	p->carry_n = length;
}

static enum rc parse(struct page_parser *p, const char *bytes, size_t n)
{
	while (n && p->failed == RC_OK) {
		size_t slice = n, maximum = p->carry_n ? CARRY_SLICE : SLICE;
		uint64_t tokens = p->tokens;
		const char *text = bytes;
		yajl_status status;

		if (slice > maximum)
			slice = maximum;
		if (p->carry_n) {
			carry_reserve(p, p->carry_n + slice);
			text = memmove(p->carry + p->carry_n, bytes, slice);
		}
		p->builder.text = text;
		p->builder.text_n = slice;
		status = yajl_parse(p->yajl, (const unsigned char *)text, slice);
		if (status == yajl_status_error)
			not_json(p, text, slice);
		else if (status == yajl_status_client_canceled && p->failed == RC_OK)
			(void)too_long(p);
		if (p->failed != RC_OK)
			break;
		p->base += slice;
		p->quiet = tokens == p->tokens ? p->quiet + slice : 0;
		if ((p->place != PLACE_ALERT || p->nested) &&
			p->quiet > p->limits.token_bytes)
			(void)fail(p, RC_LIMIT,
				"one string or number of the %s is longer than %zu "
				"octets, at octet %llu",
				noun(p), p->limits.token_bytes,
				(unsigned long long)p->base);
		if (p->place == PLACE_ALERT &&
			(size_t)(text + slice - p->builder.alert.raw.p) >
				(p->nested ? p->limits.record_bytes
					   : p->limits.alert_bytes))
			(void)too_long(p);
		if (p->carry_n)
			carry_leave(p, text, slice, bytes);
		bytes += slice;
		n -= slice;
	}
	if (p->failed == RC_OK && p->place == PLACE_ALERT && !p->carry_n)
		carry_keep(p, bytes);
	return p->failed;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

enum rc page_parser_feed(
	struct page_parser *p, const char *bytes, size_t n, struct error *err)
{
	if (p->failed != RC_OK)
		return failure(p, err);
	p->bytes += n;
	while (n && p->bom < 3) {
		if (*bytes != BOM[p->bom]) {
			unsigned seen = p->bom;

			p->bom = 3;
			if (seen)
				(void)parse(p, BOM, seen);
			break;
		}
		p->bom++;
		p->base += p->bom == 3 ? 3 : 0;
		bytes++;
		n--;
	}
	for (size_t i = 0; i < n && !p->begun; i++) {
		p->begun = !blank(bytes[i]);
		if (bytes[i] == '<')
			(void)fail(p, RC_PROTO, "the %s is HTML or XML, not JSON",
				noun(p));
	}
	if (parse(p, bytes, n) != RC_OK)
		return failure(p, err);
	return RC_OK;
}

static void cut(struct page_parser *p)
{
	static const char *const middle[] = {
		[PLACE_TOP] = "a value",
		[PLACE_PAGE] = "the object that holds the list",
		[PLACE_LIST] = "the list",
		[PLACE_ALERT] = "an alert",
		[PLACE_OTHER] = "the object that holds the list",
	};

	(void)fail(p, RC_PROTO,
		"the %s ends in the middle of %s, after %llu octets and %llu complete "
		"alerts",
		noun(p), middle[p->place], (unsigned long long)p->base,
		(unsigned long long)p->page_alerts);
}

enum rc page_parser_finish(struct page_parser *p, struct error *err)
{
	if (p->failed == RC_OK && p->bom < 3 && p->bom)
		(void)parse(p, BOM, p->bom);
	if (p->failed == RC_OK) {
		/* yajl ends an open number with a blank of its own */
		p->builder.text = "";
		p->builder.text_n = 0;
		if (p->depth)
			cut(p);
		else if (yajl_complete_parse(p->yajl) != yajl_status_ok &&
			 p->failed == RC_OK) {
			if (p->begun)
				cut(p);
			else if (p->mode == PAGE_ANSWER)
				(void)fail(p, RC_PROTO, "the answer is empty");
		}
	}
	if (p->failed != RC_OK) {
		rest(p);
		return failure(p, err);
	}
	rest(p);
	not_begun(p);
	return RC_OK;
}

const char *page_parser_next_link(const struct page_parser *p)
{
	return p->next_link.p;
}

void page_parser_counts(const struct page_parser *p, struct page_parser_counts *counts)
{
	counts->bytes = p->bytes;
	counts->alerts = p->alerts;
	counts->shed = p->builder.shed;
}
