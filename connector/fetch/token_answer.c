#include "config.h"

#include "fetch/token_answer.h"

#include <libfastjson/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "fetch/secret.h"

#define ANSWER_MAX 65536
#define TOKEN_MAX 32768
#define DEPTH_MAX 16
#define SECONDS_MAX INT64_C(100000000000)

enum rc token_answer_add(struct token_answer *answer, const char *p, size_t n,
	const char *who, struct error *err)
{
	if (answer->n + n > ANSWER_MAX)
		return error_set(err, RC_PROTO, "%s answered with more than %d KB", who,
			ANSWER_MAX / 1024);
	if (answer->n + n + 1 > answer->room) {
		size_t room = answer->room ? answer->room : 4096;
		char *larger;

		while (room < answer->n + n + 1)
			room *= 2;
		larger = xmalloc(room);
		if (answer->n)
			memcpy(larger, answer->p, answer->n);
		wipe_free(answer->p, answer->n);
		answer->p = larger;
		answer->room = room;
	}
	memcpy(answer->p + answer->n, p, n);
	answer->n += n;
	answer->p[answer->n] = '\0';
	return RC_OK;
}

void token_answer_clear(struct token_answer *answer)
{
	wipe_free(answer->p, answer->n);
	*answer = (struct token_answer){0};
}

char *token_answer_cut(struct token_answer *answer, const char *name)
{
	char key[40], *p, *token;
	size_t n, length = 0;

	n = (size_t)snprintf(key, sizeof(key), "\"%s\"", name);
	p = answer->p ? memmem(answer->p, answer->n, key, n) : NULL;
	if (!p)
		return NULL;
	p += n; /* the answer is terminated */
	p += strspn(p, " \t\r\n");
	if (*p++ != ':')
		return NULL;
	p += strspn(p, " \t\r\n");
	if (*p++ != '"')
		return NULL;
	while (p[length] > ' ' && p[length] < 127 && p[length] != '"' &&
		p[length] != '\\')
		length++;
	if (!length || length > TOKEN_MAX || p[length] != '"')
		return NULL;
	token = xstrndup(p, length);
	memset(p, 'x', length);
	return token;
}

struct fjson_object *token_answer_parse(const char *p, size_t n)
{
	struct fjson_tokener *tokener = fjson_tokener_new_ex(DEPTH_MAX);
	struct fjson_object *top;

	if (!tokener)
		abort();
	top = fjson_tokener_parse_ex(tokener, p, (int)n);
	fjson_tokener_free(tokener);
	if (top && !fjson_object_is_type(top, fjson_type_object)) {
		fjson_object_put(top);
		top = NULL;
	}
	return top;
}

const char *token_answer_text(struct fjson_object *object, const char *name)
{
	struct fjson_object *value;

	if (!fjson_object_object_get_ex(object, name, &value) ||
		!fjson_object_is_type(value, fjson_type_string))
		return NULL;
	return fjson_object_get_string(value);
}

int64_t token_answer_seconds(struct fjson_object *object, const char *name)
{
	struct fjson_object *value;
	const char *p;
	int64_t seconds = 0;

	if (!fjson_object_object_get_ex(object, name, &value) ||
		!(fjson_object_is_type(value, fjson_type_int) ||
			fjson_object_is_type(value, fjson_type_double) ||
			fjson_object_is_type(value, fjson_type_string)))
		return -1;
	p = fjson_object_get_string(value);
	if (!p || *p < '0' || *p > '9')
		return -1;
	for (; *p >= '0' && *p <= '9'; p++)
		if (seconds <= SECONDS_MAX)
			seconds = seconds * 10 + (*p - '0');
	return *p && *p != '.' ? -1 : seconds;
}
