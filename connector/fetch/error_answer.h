/* error_answer.h - what the login service and Graph say when they refuse.
 *
 * Purpose:  code and sentence of an error body, cut to fit and made fit for a log line: every
 *           control character is a blank.
 * Bounds:   bodies over ERROR_ANSWER_MAX octets, and nesting over 16 levels, are not read.
 * Source:   facts 1.6 (login), 2.2 (Defender), 2.4 (Graph), RFC 6749 section 5.2. */
#ifndef FETCH_ERROR_ANSWER_H
#define FETCH_ERROR_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#define ERROR_ANSWER_MAX 65536

struct error_answer {
	char code[128]; /* "InvalidAuthenticationToken", "invalid_client", or "" */
	char message[480]; /* one line */
	char suberror[64]; /* login only */
	char request_id[64]; /* Graph: request-id; Defender: target; login: trace_id */
	char correlation_id[64];
	long numbers[4]; /* AADSTS numbers of login, 0 at the end */
};

/* False when the body is no such JSON (a gateway's HTML, cut, empty); *out is all empty then. */
bool error_answer_parse(const char *body, size_t n, struct error_answer *out);

#endif
