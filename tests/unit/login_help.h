/* login_help.h - for tests of what asks Microsoft: a server that says what it is told to, an HTTP
 * client and a token for it.
 *
 * Owner:    login_close() frees all that login_open() made, and what login_token() made last.
 * Threads:  the server answers in threads of its own: what it says is under its lock. */
#ifndef UNIT_LOGIN_HELP_H
#define UNIT_LOGIN_HELP_H

#include <stdint.h>

#include "base/strbuf.h"
#include "fetch/token.h"
#include "server.h"

#define TENANT "b3c1b5fc-828c-45fa-a1e1-10d74f6d6e9c" /* of the samples */

struct fjson_object;

struct login {
	struct loop *loop;
	struct http *http;
	struct server *server;
	struct token *token;
	struct token_options options;
	struct credential_options
		sign_in; /* secret_env, unless the test sets another way */
	/* what the server says next */
	int status;
	char headers[400];
	struct strbuf body;
};

/* The handler gets `context`; it answers with status, headers and body. */
void login_open(struct login *login, const struct clock *clock, const char *secret,
	int64_t stall_timeout_ms, server_handler *handle, void *context);
void login_close(struct login *login);
/* A new token and credential, after the options were changed or to forget those there are. */
void login_token(struct login *login);

/* A new directory, which becomes the current one; leaving removes it and the files in it. */
#define LOGIN_DIRECTORY 200
void login_enter_directory(char path[LOGIN_DIRECTORY]);
void login_leave_directory(const char *path);
/* Files in the current directory. */
unsigned login_count_files(void);

/* What a waiter was told. */
struct login_waiter {
	struct token_waiter waiter;
	unsigned calls;
	enum rc rc;
	int64_t retry_after_ms;
	struct error err;
};
void login_ready(struct token_waiter *waiter, enum rc rc, int64_t retry_after_ms,
	const struct error *err);
/* Turns of the loop until this is 1. */
void login_turns(struct login *login, unsigned *until);
/* Asks for the token and waits for the answer; bearer may be NULL. */
struct login_waiter login_ask(struct login *login, const char **bearer);

void login_says(struct login *login, int status, const char *headers, const char *body);
/* HTTP 200 with a file of tests/samples. */
void login_says_sample(struct login *login, const char *name);
/* One of the cases in a sample of errors. */
void login_says_case(struct login *login, struct fjson_object *row);

#endif
