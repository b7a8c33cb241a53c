/* error.h - what went wrong, said once where it happened.
 *
 * Purpose:  one result type and one place for its sentence; callers add context on the way up.
 * Owner:    the caller owns the struct; the text is inside it.   Errors: none of its own. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdarg.h>
#include <stdint.h>

enum rc {
	RC_OK = 0,
	RC_AGAIN, /* not now: full, or waiting */
	RC_IO, /* system or network */
	RC_TLS, /* certificate or handshake */
	RC_AUTH, /* credentials or rights; an operator must act */
	RC_PROTO, /* the peer said something that cannot be right */
	RC_LIMIT, /* over a stated maximum */
	RC_STORE, /* state could not be read or written */
	RC_CONFIG, /* configuration or command line */
};

struct error {
	enum rc code;
	char text[600];
};

#define NODISCARD __attribute__((warn_unused_result))
/* Kept out of the function that calls it, whose usual way gets shorter. */
#define UNUSUAL __attribute__((noinline, cold))
#define PRINTF(at, first) __attribute__((format(printf, at, first)))

/* Fills err (which may be NULL) and returns code. A text too long is cut at a character. */
enum rc error_set(struct error *err, enum rc code, const char *format, ...)
	PRINTF(3, 4);

/* Puts "context: " before the text and returns the code that was there. */
enum rc error_wrap(struct error *err, const char *format, ...) PRINTF(2, 3);

/* The same for the same trouble, so that it is said once: code and text without what is another at
 * each try, which is every GUID and every number but a status of HTTP and a code of login. */
uint64_t error_digest(const struct error *err);

#endif
