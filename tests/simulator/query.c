/* query.c - the OData options of alerts_v2. */
#include "config.h"

#include "query.h"
#include "schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One word, quoted text or time of a $filter; NULL at the end. */
static const char *next_word(const char *p, char *word, size_t size)
{
	size_t n = 0;
	while (*p == ' ')
		p++;
	if (*p == '\'') {
		word[n++] = *p++;
		while (*p && n < size - 1) {
			if (*p == '\'' && p[1] != '\'')
				break;
			p += *p == '\'';
			word[n++] = *p++;
		}
		if (*p != '\'')
			return NULL;
		word[n] = '\0';
		return p + 1;
	}
	while (*p && *p != ' ' && n < size - 1)
		word[n++] = *p++;
	word[n] = '\0';
	return n && (!*p || *p == ' ') ? p : NULL;
}

static bool add_time(int64_t *from, int64_t *to, const char *op, const char *word)
{
	int64_t at;
	if (!moment_parse(word, strlen(word), &at))
		return false;
	if (!strcmp(op, "ge") && at > *from)
		*from = at;
	else if (!strcmp(op, "gt") && at + 1 > *from)
		*from = at + 1;
	else if (!strcmp(op, "le") && at < *to)
		*to = at;
	else if (!strcmp(op, "lt") && at - 1 < *to)
		*to = at - 1;
	return !strcmp(op, "ge") || !strcmp(op, "gt") || !strcmp(op, "le") ||
	       !strcmp(op, "lt");
}

static bool add_text(char *out, int which, const char *op, const char *word)
{
	if (strcmp(op, "eq") != 0 || *word != '\'' || *out)
		return false;
	if (which >= 0 && !schema_member((enum schema_enum)which, word + 1))
		return false;
	snprintf(out, QUERY_TEXT_MAX, "%s", word + 1);
	return true;
}

static bool add_condition(
	struct query *q, const char *name, const char *op, const char *word)
{
	if (!strcmp(name, "lastUpdateDateTime"))
		return add_time(&q->updated_from, &q->updated_to, op, word);
	if (!strcmp(name, "createdDateTime"))
		return add_time(&q->created_from, &q->created_to, op, word);
	if (!strcmp(name, "severity"))
		return add_text(q->severity, ENUM_ALERT_SEVERITY, op, word);
	if (!strcmp(name, "status"))
		return add_text(q->status, ENUM_ALERT_STATUS, op, word);
	if (!strcmp(name, "serviceSource"))
		return add_text(q->source, ENUM_SERVICE_SOURCE, op, word);
	if (!strcmp(name, "classification"))
		return add_text(q->classification, ENUM_ALERT_CLASSIFICATION, op, word);
	if (!strcmp(name, "determination"))
		return add_text(q->determination, ENUM_ALERT_DETERMINATION, op, word);
	if (!strcmp(name, "assignedTo"))
		return add_text(q->assigned_to, -1, op, word);
	return false;
}

static bool parse_filter(struct query *q, const char *p)
{
	char name[64], op[8], word[QUERY_TEXT_MAX], and[8];
	for (;;) {
		p = next_word(p, name, sizeof(name));
		p = p ? next_word(p, op, sizeof(op)) : NULL;
		p = p ? next_word(p, word, sizeof(word)) : NULL;
		if (!p || !add_condition(q, name, op, word))
			return false;
		p += strspn(p, " ");
		if (!*p)
			return true;
		p = next_word(p, and, sizeof(and));
		if (!p || strcmp(and, "and") != 0)
			return false;
	}
}

static bool parse_order(struct query *q, const char *p)
{
	char name[64], way[8] = "asc";
	p = next_word(p, name, sizeof(name));
	if (p && p[strspn(p, " ")])
		p = next_word(p, way, sizeof(way));
	if (!p || p[strspn(p, " ")] ||
		(strcmp(way, "asc") != 0 && strcmp(way, "desc") != 0))
		return false;
	q->ascending = !strcmp(way, "asc");
	q->by_created = !strcmp(name, "createdDateTime");
	return q->by_created || !strcmp(name, "lastUpdateDateTime");
}

static bool parse_number(const char *p, uint64_t min, uint64_t *out)
{
	char *end;
	if (*p < '0' || *p > '9')
		return false;
	*out = strtoull(p, &end, 10);
	return !*end && *out >= min && *out < UINT32_MAX;
}

static bool parse_token(struct query *q, const char *p)
{
	unsigned long long skip, updated;
	unsigned page, n, key;
	int used = 0;
	if (sscanf(p, "%llx-%x-%x-%llx-%x%n", &skip, &page, &key, &updated, &n,
		    &used) != 5 ||
		p[used])
		return false;
	q->skip = skip;
	q->page = page;
	q->after_key = key == 1;
	q->last_updated = (int64_t)updated;
	q->last_n = n;
	return page > 1;
}

struct parser {
	struct query *q;
	char *why;
};

static bool parse_option(void *context, const char *name, const char *value)
{
	struct parser *p = context;
	struct query *q = p->q;
	bool good = false;
	if (name[0] != '$')
		return true;
	if (!strcmp(name, "$filter"))
		good = parse_filter(q, value);
	else if (!strcmp(name, "$top"))
		good = q->top_given = parse_number(value, 1, &q->top);
	else if (!strcmp(name, "$skip"))
		good = parse_number(value, 0, &q->skip);
	else if (!strcmp(name, "$orderby"))
		good = parse_order(q, value);
	else if (!strcmp(name, "$count"))
		good = (q->count = !strcmp(value, "true")) || !strcmp(value, "false");
	else if (!strcmp(name, "$skiptoken"))
		good = parse_token(q, value);
	if (!good)
		snprintf(p->why, 300,
			"The query specified in the URI is not valid. Invalid or "
			"unsupported value of query option '%.32s': '%.150s'.",
			name, value);
	return good;
}

bool query_parse(struct query *q, const struct request *r, char why[300])
{
	struct parser p = {q, why};
	*q = (struct query){.updated_to = INT64_MAX,
		.created_to = INT64_MAX,
		.updated_from = INT64_MIN,
		.created_from = INT64_MIN,
		.top = 100,
		.page = 1};
	/* A $skiptoken comes last in our links, so it wins over $skip. */
	return request_each_query(r, parse_option, &p);
}

static bool same(const char *want, const char *is)
{
	return !*want || (is && !strcmp(want, is));
}

bool query_matches(const struct query *q, const struct alert *a, const char *source)
{
	return a->now.updated >= q->updated_from && a->now.updated <= q->updated_to &&
	       a->created >= q->created_from && a->created <= q->created_to &&
	       same(q->severity, a->now.severity) && same(q->status, a->now.status) &&
	       same(q->source, source) &&
	       same(q->classification, a->now.classification) &&
	       same(q->determination, a->now.determination) &&
	       same(q->assigned_to, a->now.assigned_to);
}

bool query_is_range(const struct query *q)
{
	return !q->by_created && q->created_from == INT64_MIN &&
	       q->created_to == INT64_MAX && !*q->severity && !*q->status &&
	       !*q->source && !*q->classification && !*q->determination &&
	       !*q->assigned_to;
}

static bool write_option(void *context, const char *name, const char *value)
{
	struct text *out = context;
	if (!strcmp(name, "$skip") || !strcmp(name, "$skiptoken"))
		return true;
	text_puts(out, name);
	text_putc(out, '=');
	text_url(out, value);
	text_putc(out, '&');
	return true;
}

void query_write_link(struct text *out, const struct request *r,
	const struct query *next, const char *host)
{
	text_printf(out, "%s://%s%s?", r->scheme, host, r->path);
	request_each_query(r, write_option, out);
	text_printf(out, "$skiptoken=%llx-%x-%x-%llx-%x",
		(unsigned long long)next->skip, next->page, next->after_key ? 1u : 0u,
		(unsigned long long)next->last_updated, next->last_n);
}
