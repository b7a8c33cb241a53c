#include "config.h"

#include "base/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "base/log.h"
#include "base/strbuf.h"

struct level {
	struct yaml_node *node;
	struct yaml_node **end; /* where the next member goes */
	const char *key; /* in a map: the key whose value comes next */
	int key_line;
	size_t count;
};

struct builder {
	struct yaml *yaml;
	struct yaml_report *report;
	struct level levels[YAML_DEPTH_MAXIMUM];
	size_t depth, nodes;
	bool over; /* reading on makes no sense */
};

static void wrong(struct builder *b, int line, const char *format, ...) PRINTF(3, 4);

static void wrong(struct builder *b, int line, const char *format, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	b->report->wrong(b->report, line, text);
}

static void stop(struct builder *b, int line, const char *text)
{
	wrong(b, line, "%s", text);
	b->over = true;
}

void yaml_init(struct yaml *yaml)
{
	yaml->root = NULL;
	arena_init(&yaml->arena, SIZE_MAX / 2);
}

void yaml_reset(struct yaml *yaml)
{
	yaml->root = NULL;
	arena_reset(&yaml->arena);
}

void yaml_clear(struct yaml *yaml)
{
	yaml->root = NULL;
	arena_clear(&yaml->arena);
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
	const struct yaml_node *node = map && map->kind == YAML_MAP ? map->first : NULL;

	while (node && strcmp(node->key, key))
		node = node->next;
	return node;
}

bool yaml_is_nothing(const struct yaml_node *node)
{
	return node->kind == YAML_TEXT && node->plain && !node->text[0];
}

static int compare_keys(const void *a, const void *b)
{
	const struct yaml_node *x = *(const struct yaml_node *const *)a;
	const struct yaml_node *y = *(const struct yaml_node *const *)b;
	int order = strcmp(x->key, y->key);

	return order ? order
		     : (x->key_line > y->key_line) - (x->key_line < y->key_line);
}

static void say_repeated(
	struct builder *b, const struct yaml_node *again, int first_line)
{
	char quoted[100];

	wrong(b, again->key_line,
		"%s is here a second time, first in line %d; keep one of them",
		log_quote(quoted, sizeof(quoted), again->key, strlen(again->key)),
		first_line);
}

static void find_repeated(struct builder *b, const struct level *map)
{
	const struct yaml_node **sorted, *node;
	size_t n = 0, first = 0;

	if (map->count < 2)
		return;
	sorted = xmalloc(map->count * sizeof(*sorted));
	for (node = map->node->first; node; node = node->next)
		sorted[n++] = node;
	qsort(sorted, n, sizeof(*sorted), compare_keys);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(sorted[first]->key, sorted[i]->key))
			first = i;
		else
			say_repeated(b, sorted[i], sorted[first]->key_line);
	}
	free(sorted);
}

/* A node at the place that is next; NULL when there can be none. */
static struct yaml_node *add(struct builder *b, enum yaml_kind kind, int line)
{
	struct level *level = b->depth ? &b->levels[b->depth - 1] : NULL;
	struct yaml_node *node;

	if (++b->nodes > YAML_NODES_MAXIMUM) {
		stop(b, line,
			"too many values in one file; split it into files in "
			"tenants.d");
		return NULL;
	}
	if (level && level->node->kind == YAML_MAP && !level->key) {
		stop(b, line, "a key must be text; write `key: value`");
		return NULL;
	}
	node = arena_alloc(&b->yaml->arena, sizeof(*node));
	*node = (struct yaml_node){.kind = kind, .line = line};
	if (!level) {
		b->yaml->root = node;
		return node;
	}
	node->key = level->key;
	node->key_line = level->key_line;
	level->key = NULL;
	level->count++;
	*level->end = node;
	level->end = &node->next;
	return node;
}

static void on_text(struct builder *b, const yaml_event_t *event, int line)
{
	const char *value = (const char *)event->data.scalar.value;
	size_t n = event->data.scalar.length;
	struct level *level = b->depth ? &b->levels[b->depth - 1] : NULL;
	struct yaml_node *node;
	char *copy;

	if (memchr(value, '\0', n)) {
		wrong(b, line, "a text holds the character NUL; take out the \\0");
		n = strlen(value);
	}
	copy = arena_copy(&b->yaml->arena, value, n + 1);
	copy[n] = '\0';
	if (level && level->node->kind == YAML_MAP && !level->key) {
		level->key = copy;
		level->key_line = line;
		return;
	}
	node = add(b, YAML_TEXT, line);
	if (!node)
		return;
	node->text = copy;
	node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static void on_start(struct builder *b, enum yaml_kind kind, int line)
{
	struct yaml_node *node;

	if (b->depth == YAML_DEPTH_MAXIMUM) {
		stop(b, line,
			"nested deeper than anything in this configuration can be; "
			"look for a bracket or an indent too many");
		return;
	}
	node = add(b, kind, line);
	if (node)
		b->levels[b->depth++] =
			(struct level){.node = node, .end = &node->first};
}

static void on_end(struct builder *b)
{
	struct level *level = &b->levels[--b->depth];

	/* A level without a node is never pushed. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	if (level->node->kind == YAML_MAP)
		find_repeated(b, level);
}

static void refuse_extras(
	struct builder *b, const void *anchor, const void *tag, int line)
{
	if (anchor)
		wrong(b, line,
			"anchors (&name) are not taken; write the value out where it "
			"is needed");
	if (tag)
		wrong(b, line, "tags (!name) are not taken; leave the tag out");
}

/* As if it were not there, so that what else is wrong is found too. */
static void on_alias(struct builder *b, int line)
{
	static const char text[] =
		"aliases (*name) are not taken; write the value out where it is "
		"needed";
	struct level *level = b->depth ? &b->levels[b->depth - 1] : NULL;

	if (level && level->node->kind == YAML_MAP && !level->key) {
		stop(b, line, text);
		return;
	}
	wrong(b, line, "%s", text);
	if (level)
		level->key = NULL;
}

/* False when there is nothing more to read. */
static bool on_event(struct builder *b, const yaml_event_t *event)
{
	int line = (int)event->start_mark.line + 1;

	switch (event->type) {
	case YAML_SCALAR_EVENT:
		refuse_extras(
			b, event->data.scalar.anchor, event->data.scalar.tag, line);
		on_text(b, event, line);
		break;
	case YAML_SEQUENCE_START_EVENT:
		refuse_extras(b, event->data.sequence_start.anchor,
			event->data.sequence_start.tag, line);
		on_start(b, YAML_LIST, line);
		break;
	case YAML_MAPPING_START_EVENT:
		refuse_extras(b, event->data.mapping_start.anchor,
			event->data.mapping_start.tag, line);
		on_start(b, YAML_MAP, line);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		on_end(b);
		break;
	case YAML_ALIAS_EVENT:
		on_alias(b, line);
		break;
	case YAML_DOCUMENT_START_EVENT:
		if (b->yaml->root)
			stop(b, line,
				"a second document begins here; one file is one "
				"document, so take out the `---`");
		break;
	default:
		break;
	}
	return !b->over && event->type != YAML_STREAM_END_EVENT;
}

static void on_syntax_error(struct builder *b, const yaml_parser_t *parser)
{
	bool scanned = parser->error == YAML_SCANNER_ERROR ||
		       parser->error == YAML_PARSER_ERROR;
	const char *problem = parser->problem ? parser->problem : "cannot be read";
	int line = scanned ? (int)parser->problem_mark.line + 1
			   : (int)parser->mark.line + 1;

	if (parser->error == YAML_READER_ERROR)
		wrong(b, line,
			"not UTF-8 text: %s at octet %zu; save the file as UTF-8",
			problem, parser->problem_offset);
	else if (strstr(problem, "cannot start any token") && parser->buffer.pointer &&
		 parser->unread && *parser->buffer.pointer == '\t')
		wrong(b, line, "a tab begins something here; indent with spaces");
	else if (scanned && parser->context)
		wrong(b, line,
			"not YAML: %s, %s (from line %zu); look for a missing quote, "
			"bracket, colon or indent here or just above",
			problem, parser->context, parser->context_mark.line + 1);
	else
		wrong(b, line,
			"not YAML: %s; look for a missing quote, bracket, colon or "
			"indent here or just above",
			problem);
}

bool yaml_parse(struct yaml *yaml, const char *p, size_t n, struct yaml_report *report)
{
	struct builder b = {.yaml = yaml, .report = report};
	yaml_parser_t parser;
	bool more = true;

	if (!yaml_parser_initialize(&parser))
		abort(); /* out of memory */
	yaml_parser_set_input_string(&parser, (const unsigned char *)p, n);
	while (more) {
		yaml_event_t event;

		if (!yaml_parser_parse(&parser, &event)) {
			on_syntax_error(&b, &parser);
			b.over = true;
			break;
		}
		more = on_event(&b, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return !b.over;
}

static bool refuse_file(struct yaml_report *report, const char *format, ...)
	PRINTF(2, 3);

static bool refuse_file(struct yaml_report *report, const char *format, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	report->wrong(report, 0, text);
	return false;
}

/* The whole file; its size may change while it is read. */
static bool read_all(int fd, struct strbuf *text)
{
	ssize_t got;

	do {
		if (!strbuf_reserve(text, 4096)) {
			errno = EFBIG;
			return false;
		}
		got = read(fd, text->p + text->n, text->room - text->n - 1);
		if (got > 0)
			text->n += (size_t)got;
	} while (got > 0 || (got < 0 && errno == EINTR));
	return got == 0;
}

bool yaml_load(struct yaml *yaml, const char *path, struct yaml_report *report)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct strbuf text;
	struct stat st;
	bool good;

	if (fd < 0)
		return refuse_file(report, "cannot be opened: %s", strerror(errno));
	strbuf_init(&text, YAML_FILE_MAXIMUM);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		good = refuse_file(report, "not a regular file; name a file of YAML");
	else if (!read_all(fd, &text))
		good = errno == EFBIG ? refuse_file(report,
						"larger than %d MB; split it into "
						"files in tenants.d",
						YAML_FILE_MAXIMUM / 1048576)
				      : refuse_file(report, "cannot be read: %s",
						strerror(errno));
	else
		good = yaml_parse(yaml, text.p, text.n, report);
	strbuf_clear(&text);
	close(fd);
	return good;
}
