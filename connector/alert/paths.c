#include "config.h"

#include "alert/paths.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_parse.h>

#include "base/strbuf.h"

struct name {
	const char *p;
	size_t n;
};

struct path {
	struct name names[ALERT_PATH_NAMES];
	size_t count;
	char *text; /* of the value */
	size_t n, room;
	enum fmt_value_type type;
};

/* Paths are bits of a set. */
_Static_assert(ALERT_PATHS_MAX <= 32, "a set of paths is 32 bits");

/* What is open around the current event. */
struct frame {
	uint32_t set; /* paths that lead here, with `names` of their names used up */
	unsigned names;
	bool array;
};

struct alert_paths {
	struct path paths[ALERT_PATHS_MAX];
	size_t count;
	uint32_t open; /* paths that have no value yet */
	struct frame frames[ALERT_PATHS_DEPTH];
	size_t depth; /* frames in use */
	uint32_t next; /* that the last key led on */
};

bool alert_path_is_legal(const char *path)
{
	size_t names = 1, n = strlen(path);

	for (const char *c = path; *c; c++)
		names += *c == '/';
	return n && n <= ALERT_PATH_LENGTH && names <= ALERT_PATH_NAMES &&
	       path[0] != '/' && path[n - 1] != '/' && !strstr(path, "//");
}

struct alert_paths *alert_paths_new(const char *const *paths, size_t count)
{
	struct alert_paths *reader = xcalloc(1, sizeof(*reader));

	reader->count = count;
	for (size_t i = 0; i < count; i++) {
		struct path *path = &reader->paths[i];
		const char *p = paths[i];

		for (;;) {
			size_t n = strcspn(p, "/");

			path->names[path->count++] = (struct name){p, n};
			if (!p[n])
				break;
			p += n + 1;
		}
	}
	return reader;
}

void alert_paths_free(struct alert_paths *reader)
{
	if (!reader)
		return;
	for (size_t i = 0; i < reader->count; i++)
		free(reader->paths[i].text);
	free(reader);
}

static void append(struct path *path, const char *p, size_t n)
{
	if (n > ALERT_PATH_VALUE - path->n)
		n = ALERT_PATH_VALUE - path->n;
	if (path->n + n > path->room) {
		path->room = path->n + n < 256 ? 256 : path->n + n;
		path->text = xrealloc(path->text, path->room);
	}
	if (n)
		memcpy(path->text + path->n, p, n);
	path->n += n;
}

/* The paths of a set that end here, or that go on. */
static uint32_t ending(
	const struct alert_paths *r, uint32_t set, unsigned names, bool go_on)
{
	uint32_t found = 0;

	for (size_t i = 0; i < r->count; i++)
		if (set >> i & 1 && (r->paths[i].count > names) == go_on)
			found |= UINT32_C(1) << i;
	return found;
}

/* 0 when there is nothing left to look for. */
static int scalar(
	struct alert_paths *r, enum fmt_value_type type, const char *p, size_t n)
{
	const struct frame *frame;
	unsigned names;
	uint32_t set;

	if (!r->depth || !n)
		return 1;
	frame = &r->frames[r->depth - 1];
	names = frame->names + !frame->array;
	set = ending(r, (frame->array ? frame->set : r->next) & r->open, names, false);
	for (size_t i = 0; set >> i && i < r->count; i++) {
		struct path *path = &r->paths[i];

		if (!(set >> i & 1))
			continue;
		path->type = path->n ? FMT_VALUE_TEXT : type;
		if (path->n)
			append(path, ",", 1);
		append(path, p, n);
	}
	/* Those in an array are done when it ends. */
	if (!frame->array)
		r->open &= ~set;
	return r->open != 0;
}

static int on_null(void *context)
{
	(void)context;
	return 1;
}

static int on_boolean(void *context, int value)
{
	return scalar(context, FMT_VALUE_BOOL, value ? "true" : "false", value ? 4 : 5);
}

static int on_number(void *context, const char *p, size_t n)
{
	return scalar(context, FMT_VALUE_NUMBER, p, n);
}

static int on_string(void *context, const unsigned char *p, size_t n)
{
	return scalar(context, FMT_VALUE_TEXT, (const char *)p, n);
}

static int on_key(void *context, const unsigned char *p, size_t n)
{
	struct alert_paths *r = context;
	const struct frame *frame = &r->frames[r->depth - 1];

	r->next = 0;
	for (size_t i = 0; i < r->count; i++) {
		const struct path *path = &r->paths[i];
		const struct name *name;

		if (!((frame->set & r->open) >> i & 1) || path->count <= frame->names)
			continue;
		name = &path->names[frame->names];
		if (name->n == n && !memcmp(name->p, p, n))
			r->next |= UINT32_C(1) << i;
	}
	return 1;
}

static int enter(struct alert_paths *r, bool array)
{
	struct frame *frame = &r->frames[r->depth];

	if (r->depth == ALERT_PATHS_DEPTH)
		return 0;
	if (!r->depth) {
		*frame = (struct frame){UINT32_MAX, 0, array};
		if (array)
			frame->set = 0;
	} else if (frame[-1].array) {
		*frame = (struct frame){frame[-1].set, frame[-1].names, array};
		if (array)
			frame->set = 0;
	} else {
		*frame = (struct frame){r->next, frame[-1].names + 1, array};
	}
	if (!array)
		frame->set = ending(r, frame->set, frame->names, true);
	r->depth++;
	return 1;
}

static int on_start_map(void *context)
{
	return enter(context, false);
}

static int on_start_array(void *context)
{
	return enter(context, true);
}

static int on_end(void *context)
{
	struct alert_paths *r = context;
	const struct frame *frame = &r->frames[--r->depth];

	for (size_t i = 0; frame->array && i < r->count; i++)
		if (frame->set >> i & 1 && r->paths[i].n)
			r->open &= ~(UINT32_C(1) << i);
	return r->open != 0;
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_start_map,
	.yajl_map_key = on_key,
	.yajl_end_map = on_end,
	.yajl_start_array = on_start_array,
	.yajl_end_array = on_end,
};

void alert_paths_read(
	struct alert_paths *reader, struct fmt_str raw, struct fmt_added *values)
{
	yajl_handle yajl;

	reader->depth = 0;
	reader->next = 0;
	reader->open = (uint32_t)((UINT64_C(1) << reader->count) - 1);
	for (size_t i = 0; i < reader->count; i++)
		reader->paths[i].n = 0;
	yajl = raw.n && reader->count ? yajl_alloc(&callbacks, NULL, reader) : NULL;
	if (yajl) {
		(void)yajl_config(yajl, yajl_dont_validate_strings, 1);
		/* It ends early when all is found; what is found stands anyhow. */
		(void)yajl_parse(yajl, (const unsigned char *)raw.p, raw.n);
		yajl_free(yajl);
	}
	for (size_t i = 0; i < reader->count; i++) {
		const struct path *path = &reader->paths[i];

		values[i].type = path->type;
		values[i].value = (struct fmt_str){path->text, path->n};
	}
}
