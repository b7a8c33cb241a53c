/* token_answer.h - the JSON with a token in it, of the login service and of a managed identity.
 *
 * Purpose:  collects the body, takes tokens out before the JSON library (whose buffers nobody
 *           wipes) sees it, and reads numbers that come as numbers or as strings (facts 1.2).
 * Owner:    the embedder; token_answer_clear() wipes. Tokens that were cut out are the caller's,
 *           for secret_free().   Bounds: 64 KB an answer, 32 KB a token, 16 levels of nesting. */
#ifndef FETCH_TOKEN_ANSWER_H
#define FETCH_TOKEN_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct fjson_object;

struct token_answer {
	char *p; /* terminated; NULL while nothing came */
	size_t n, room;
};

NODISCARD enum rc token_answer_add(struct token_answer *answer, const char *p, size_t n,
	const char *who, struct error *err);
void token_answer_clear(struct token_answer *answer);

/* The text of a member, overwritten with x in the answer. NULL: there is none that can be used (it
 * is not printable ASCII, holds a blank or an escape, or is too long). */
char *token_answer_cut(struct token_answer *answer, const char *name);
/* The object; NULL when it is none. For fjson_object_put(). */
struct fjson_object *token_answer_parse(const char *p, size_t n);
/* NULL when absent or no text. */
const char *token_answer_text(struct fjson_object *object, const char *name);
/* Whole seconds, as a number or as digits in a string; -1 when neither. */
int64_t token_answer_seconds(struct fjson_object *object, const char *name);

#endif
