#include "config.h"

#include "fetch/error_answer.h"

#include <libfastjson/json.h>
#include <string.h>

#define DEPTH_MAX 16

static struct fjson_object *child(struct fjson_object *object, const char *name)
{
	struct fjson_object *value = NULL;

	if (!fjson_object_is_type(object, fjson_type_object) ||
		!fjson_object_object_get_ex(object, name, &value))
		return NULL;
	return value;
}

/* Cut at a character, control characters made blanks, runs of blanks one. */
static void take(char *out, size_t size, struct fjson_object *value)
{
	const char *p = NULL;
	size_t n = 0;

	if (fjson_object_is_type(value, fjson_type_string) ||
		fjson_object_is_type(value, fjson_type_int))
		p = fjson_object_get_string(value);
	for (; p && *p && n < size - 1; p++) {
		unsigned char c = (unsigned char)*p;

		if (c > ' ' && c != 0x7f)
			out[n++] = *p;
		else if (n && out[n - 1] != ' ')
			out[n++] = ' ';
	}
	if (p && ((unsigned char)*p & 0xc0) == 0x80) {
		while (n && ((unsigned char)out[n - 1] & 0xc0) == 0x80)
			n--;
		n -= n > 0;
	}
	while (n && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
}

static void read_graph(struct fjson_object *error, struct error_answer *out)
{
	struct fjson_object *inner = child(error, "innerError");

	if (!inner)
		inner = child(error, "innererror");
	take(out->code, sizeof(out->code), child(error, "code"));
	take(out->message, sizeof(out->message), child(error, "message"));
	/* Defender's own APIs have their number in `target`. */
	take(out->request_id, sizeof(out->request_id),
		inner ? child(inner, "request-id") : child(error, "target"));
	take(out->correlation_id, sizeof(out->correlation_id),
		child(inner, "client-request-id"));
}

static void read_login(struct fjson_object *top, struct error_answer *out)
{
	struct fjson_object *codes = child(top, "error_codes");

	take(out->code, sizeof(out->code), child(top, "error"));
	take(out->message, sizeof(out->message), child(top, "error_description"));
	take(out->suberror, sizeof(out->suberror), child(top, "suberror"));
	take(out->request_id, sizeof(out->request_id), child(top, "trace_id"));
	take(out->correlation_id, sizeof(out->correlation_id),
		child(top, "correlation_id"));
	if (!fjson_object_is_type(codes, fjson_type_array))
		return;
	for (int i = 0; i < fjson_object_array_length(codes) && i < 3; i++)
		out->numbers[i] = (long)fjson_object_get_int64(
			fjson_object_array_get_idx(codes, i));
}

bool error_answer_parse(const char *body, size_t n, struct error_answer *out)
{
	struct fjson_tokener *tokener;
	struct fjson_object *top, *error;
	bool found = false;

	memset(out, 0, sizeof(*out));
	if (!n || n > ERROR_ANSWER_MAX)
		return false;
	tokener = fjson_tokener_new_ex(DEPTH_MAX);
	if (!tokener)
		return false;
	top = fjson_tokener_parse_ex(tokener, body, (int)n);
	error = child(top, "error");
	if (fjson_object_is_type(error, fjson_type_object)) {
		read_graph(error, out);
		found = true;
	} else if (fjson_object_is_type(error, fjson_type_string)) {
		read_login(top, out);
		found = true;
	}
	fjson_object_put(top);
	fjson_tokener_free(tokener);
	return found;
}
