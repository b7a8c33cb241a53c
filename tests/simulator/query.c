/* query.c - the OData options of lists, and the parameters of the SIEM API. */
#include "config.h"

#include "query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* One word, quoted text, parenthesis or time of a $filter; NULL when there is none. */
static const char *next_word(const char *p, char *word, size_t size)
{
	size_t n = 0;
	while (*p == ' ')
		p++;
	if (*p == '(' || *p == ')') {
		word[0] = *p;
		word[1] = '\0';
		return p + 1;
	}
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
	while (*p && !strchr(" ()", *p) && n < size - 1)
		word[n++] = *p++;
	word[n] = '\0';
	return n && (!*p || strchr(" ()", *p)) ? p : NULL;
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

/* Our own text of a member that may be written in another API's way. */
static const char *member_of(enum schema_enum which, const char *text, bool capital)
{
	const char *const *members = schema_members(which);
	if (!capital)
		return schema_member(which, text);
	if (!strcasecmp(text, "UnSpecified"))
		text = "unknown";
	for (; *members; members++)
		if (!strcasecmp(*members, text))
			return *members;
	return NULL;
}

struct parser {
	struct query *q;
	const struct query_rules *rules;
	char *why;
};

/* All members but this one, or what was wanted but this one. */
static bool take_member(
	struct wanted *wanted, enum schema_enum which, const char *member)
{
	const char *const *members = schema_members(which);
	unsigned kept = 0;
	if (!wanted->n)
		for (; *members && wanted->n < QUERY_VALUES_MAX; members++)
			wanted->value[wanted->n++] = *members;
	for (unsigned i = 0; i < wanted->n; i++)
		if (strcmp(wanted->value[i], member) != 0)
			wanted->value[kept++] = wanted->value[i];
	wanted->n = kept;
	return kept > 0;
}

static bool add_member(
	const struct parser *p, unsigned list, const char *op, const char *word)
{
	const enum schema_enum enums[QUERY_LISTS] = {ENUM_ALERT_SEVERITY,
		p->rules->status_enum, ENUM_SERVICE_SOURCE, ENUM_ALERT_CLASSIFICATION,
		ENUM_ALERT_DETERMINATION};
	struct wanted *wanted = &p->q->lists[list];
	bool without = !strcmp(op, "ne");
	if ((!without && strcmp(op, "eq") != 0) || *word != '\'' ||
		wanted->n + 2 > QUERY_VALUES_MAX)
		return false;
	const char *member = member_of(enums[list], word + 1, p->rules->capital);
	if (!member)
		return false;
	if (without)
		return take_member(wanted, enums[list], member);
	wanted->value[wanted->n++] = member;
	/* An API that has no name for it calls it active. */
	if (p->rules->capital && !strcmp(member, "active"))
		wanted->value[wanted->n++] = "awaitingAction";
	return true;
}

static bool is_named(const char *property, const char *name)
{
	return property && !strcmp(property, name);
}

/* list gives which list the condition is about, QUERY_LISTS for none. */
static bool add_condition(const struct parser *p, const char *name, const char *op,
	const char *word, unsigned *list)
{
	struct query *q = p->q;
	const struct query_rules *rules = p->rules;
	for (*list = 0; *list < QUERY_LISTS; ++*list)
		if (is_named(rules->lists[*list], name))
			return add_member(p, *list, op, word);
	if (is_named(rules->updated, name))
		return add_time(&q->updated_from, &q->updated_to, op, word);
	if (is_named(rules->created, name))
		return add_time(&q->created_from, &q->created_to, op, word);
	if (!is_named(rules->assigned_to, name) || strcmp(op, "eq") != 0 ||
		*word != '\'' || *q->assigned_to)
		return false;
	snprintf(q->assigned_to, sizeof(q->assigned_to), "%s", word + 1);
	return true;
}

static const char *read_condition(
	const struct parser *p, const char *at, unsigned *list)
{
	char name[64], op[8], word[QUERY_TEXT_MAX];
	at = next_word(at, name, sizeof(name));
	at = at ? next_word(at, op, sizeof(op)) : NULL;
	at = at ? next_word(at, word, sizeof(word)) : NULL;
	return at && add_condition(p, name, op, word, list) ? at : NULL;
}

/* (a eq 'x' or a eq 'y'), all of one list. */
static const char *read_group(const struct parser *p, const char *at)
{
	unsigned first = QUERY_LISTS, list;
	char word[8];
	do {
		at = read_condition(p, at, &list);
		if (!at || list == QUERY_LISTS ||
			(first != QUERY_LISTS && list != first))
			return NULL;
		first = list;
		at = next_word(at, word, sizeof(word));
	} while (at && !strcmp(word, "or"));
	return at && !strcmp(word, ")") ? at : NULL;
}

static bool parse_filter(const struct parser *p, const char *at)
{
	char and[8];
	unsigned list;
	for (;;) {
		at += strspn(at, " ");
		at = *at == '(' ? read_group(p, at + 1) : read_condition(p, at, &list);
		if (!at)
			return false;
		at += strspn(at, " ");
		if (!*at)
			return true;
		at = next_word(at, and, sizeof(and));
		if (!at || strcmp(and, "and") != 0)
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

static bool parse_option(void *context, const char *name, const char *value)
{
	struct parser *p = context;
	struct query *q = p->q;
	const struct query_rules *rules = p->rules;
	bool good = false;
	if (name[0] != '$')
		return true;
	if (!strcmp(name, "$filter"))
		good = parse_filter(p, value);
	else if (!strcmp(name, "$top"))
		good = q->top_given = parse_number(value, 1, &q->top);
	else if (!strcmp(name, "$skip"))
		good = parse_number(value, 0, &q->skip);
	else if (!strcmp(name, "$orderby") && rules->order)
		good = parse_order(q, value);
	else if (!strcmp(name, "$count") && rules->count)
		good = (q->count = !strcmp(value, "true")) || !strcmp(value, "false");
	else if (!strcmp(name, "$skiptoken") && rules->links)
		good = parse_token(q, value);
	else if (!strcmp(name, "$expand") && rules->expand)
		good = q->expanded = !strcmp(value, rules->expand);
	if (!good)
		snprintf(p->why, 300,
			"The query specified in the URI is not valid. Invalid or "
			"unsupported value of query option '%.32s': '%.150s'.",
			name, value);
	return good;
}

/* 2016-09-12T00:00:00.000, with or without Z. */
static bool parse_siem_time(const char *p, int64_t *out)
{
	char text[MOMENT_SIZE + 1];
	size_t n = strlen(p);
	if (!n || n > MOMENT_SIZE - 1)
		return false;
	snprintf(text, sizeof(text), "%s%s", p, p[n - 1] == 'Z' ? "" : "Z");
	return moment_parse(text, strlen(text), out);
}

/* P1DT2H3M4S: days and what is smaller. */
static bool parse_duration(const char *p, int64_t *out)
{
	static const struct {
		char letter;
		bool of_time;
		int64_t seconds;
	} units[] = {{'D', false, 86400}, {'H', true, 3600}, {'M', true, 60},
		{'S', true, 1}};
	bool of_time = false, any = false;
	size_t unit = 0;
	*out = 0;
	if (*p++ != 'P')
		return false;
	while (*p) {
		char *end;
		if (*p == 'T' && !of_time) {
			of_time = true;
			p++;
		}
		if (*p < '0' || *p > '9')
			return false;
		unsigned long v = strtoul(p, &end, 10);
		while (unit < 4 &&
			(units[unit].letter != *end || units[unit].of_time != of_time))
			unit++;
		if (unit == 4 || v > 1000000)
			return false;
		*out += (int64_t)v * units[unit++].seconds * MOMENT_SECOND;
		any = true;
		p = end + 1;
	}
	return any;
}

static bool parse_siem_option(void *context, const char *name, const char *value)
{
	struct parser *p = context;
	struct query *q = p->q;
	int64_t ago;
	bool good = true;
	if (!strcmp(name, "sinceTimeUtc")) {
		good = parse_siem_time(value, &q->created_from);
	} else if (!strcmp(name, "untilTimeUtc")) {
		good = parse_siem_time(value, &q->created_to);
		q->created_to--;
	} else if (!strcmp(name, "ago")) {
		good = parse_duration(value, &ago) && q->created_from == INT64_MIN;
		if (good)
			q->created_from = moment_now() - ago;
	} else if (!strcmp(name, "limit")) {
		good = q->top_given = parse_number(value, 1, &q->top);
	} else if (!strcmp(name, "machinegroups")) {
		good = q->group_count < QUERY_VALUES_MAX;
		if (good)
			q->groups[q->group_count++] = value;
	} else if (!strcmp(name, "DeviceCreatedMachineTags") ||
		   !strcmp(name, "CloudCreatedMachineTags")) {
		q->tag = value;
	}
	if (!good)
		snprintf(p->why, 300, "The value of %.32s is not valid: %.150s", name,
			value);
	return good;
}

bool query_parse(struct query *q, const struct query_rules *rules,
	const struct request *r, char why[300])
{
	struct parser p = {q, rules, why};
	*q = (struct query){.updated_to = INT64_MAX,
		.created_to = INT64_MAX,
		.updated_from = INT64_MIN,
		.created_from = INT64_MIN,
		.ascending = rules->ascending,
		.top = rules->top,
		.page = 1};
	if (rules->siem) {
		q->by_created = true;
		if (!request_each_query(r, parse_siem_option, &p))
			return false;
		if (q->created_from == INT64_MIN)
			q->created_from = moment_now() - 2 * 3600 * MOMENT_SECOND;
		return true;
	}
	/* A $skiptoken comes last in our links, so it wins over $skip. */
	if (!request_each_query(r, parse_option, &p))
		return false;
	if (q->top <= rules->top_max || rules->top_lowered)
		return true;
	q->top_refused = true;
	snprintf(why, 300,
		"The query specified in the URI is not valid. The limit of '%u' for "
		"Top query has been exceeded. The value from the incoming request is "
		"'%llu'.",
		rules->top_max, (unsigned long long)q->top);
	return false;
}

static bool is_wanted(const struct wanted *wanted, const char *is)
{
	for (unsigned i = 0; i < wanted->n; i++)
		if (is && !strcmp(wanted->value[i], is))
			return true;
	return !wanted->n;
}

bool query_matches(const struct query *q, const struct record *r, const char *source)
{
	const struct version *v = &r->now;
	const char *values[QUERY_LISTS] = {
		v->severity, v->status, source, v->classification, v->determination};
	for (unsigned i = 0; i < QUERY_LISTS; i++)
		if (!is_wanted(&q->lists[i], values[i]))
			return false;
	return v->updated >= q->updated_from && v->updated <= q->updated_to &&
	       r->created >= q->created_from && r->created <= q->created_to &&
	       (!*q->assigned_to ||
		       (v->assigned_to && !strcmp(q->assigned_to, v->assigned_to)));
}

bool query_is_range(const struct query *q)
{
	for (unsigned i = 0; i < QUERY_LISTS; i++)
		if (q->lists[i].n)
			return false;
	return !q->by_created && q->created_from == INT64_MIN &&
	       q->created_to == INT64_MAX && !*q->assigned_to;
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

void query_write_link(struct text *out, const struct query_rules *rules,
	const struct request *r, const struct query *next, const char *host)
{
	text_printf(out, "%s://%s%s?", r->scheme, host, r->path);
	request_each_query(r, write_option, out);
	if (rules->skip_links)
		text_printf(out, "$skip=%llu", (unsigned long long)next->skip);
	else
		text_printf(out, "$skiptoken=%llx-%x-%x-%llx-%x",
			(unsigned long long)next->skip, next->page,
			next->after_key ? 1u : 0u,
			(unsigned long long)next->last_updated, next->last_n);
}
