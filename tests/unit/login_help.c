#include "config.h"

#include "login_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <dirent.h>
#include <libfastjson/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "sample.h"

void login_open(struct login *login, const struct clock *clock, const char *secret,
	int64_t stall_timeout_ms, server_handler *handle, void *context)
{
	struct http_options options = {.max_transfers = 4,
		.user_agent = "test",
		.connect_timeout_ms = 2000,
		.first_byte_timeout_ms = 2000,
		.stall_timeout_ms = stall_timeout_ms};
	struct error err;

	*login = (struct login){.loop = loop_new(clock)};
	log_set_level(LOG_ERR);
	strbuf_init(&login->body, 32 << 20);
	login->server = server_new(NULL, handle, context);
	assert_int_equal(http_new(login->loop, &options, &login->http, &err), RC_OK);
	login->options =
		(struct token_options){.login_root = server_root(login->server),
			.tenant_id = TENANT,
			.client_id = "97e0a5b7-d745-40b6-94fe-5f77d35c6e05",
			.scope = "https://graph.microsoft.com/.default"};
	setenv("LOGIN_SECRET", secret, 1);
	login->sign_in.secret_env = "LOGIN_SECRET";
	login_token(login);
}

void login_close(struct login *login)
{
	token_free(login->token);
	credential_free(login->options.credential);
	http_free(login->http);
	loop_free(login->loop);
	server_free(login->server);
	strbuf_clear(&login->body);
}

void login_token(struct login *login)
{
	token_free(login->token);
	credential_free(login->options.credential);
	login->options.credential =
		credential_new(login->loop, login->http, &login->sign_in);
	login->token = token_new(login->loop, login->http, &login->options);
}

void login_enter_directory(char path[LOGIN_DIRECTORY])
{
	const char *base = getenv("TMPDIR");

	snprintf(path, LOGIN_DIRECTORY, "%s/test_login-XXXXXX", base ? base : "/tmp");
	assert_non_null(mkdtemp(path));
	assert_int_equal(chdir(path), 0);
}

/* Counts them, and removes them when told to. */
static unsigned walk_files(bool remove)
{
	unsigned count = 0;
	struct dirent *entry;
	DIR *directory = opendir(".");

	assert_non_null(directory);
	while ((entry = readdir(directory))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		count++;
		if (remove)
			assert_int_equal(unlink(entry->d_name), 0);
	}
	closedir(directory);
	return count;
}

unsigned login_count_files(void)
{
	return walk_files(false);
}

void login_leave_directory(const char *path)
{
	assert_int_equal(chdir(path), 0);
	walk_files(true);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(path), 0);
}

void login_ready(struct token_waiter *waiter, enum rc rc, int64_t retry_after_ms,
	const struct error *err)
{
	struct login_waiter *w = CONTAINER_OF(waiter, struct login_waiter, waiter);

	w->calls++;
	w->rc = rc;
	w->retry_after_ms = retry_after_ms;
	w->err = *err;
}

void login_turns(struct login *login, unsigned *until)
{
	struct error err;
	int64_t end = clock_mono_ms(&clock_system) + 60000;

	while (!*until && clock_mono_ms(&clock_system) < end)
		assert_int_equal(loop_turn(login->loop, 20, &err), RC_OK);
	assert_int_equal(*until, 1);
}

struct login_waiter login_ask(struct login *login, const char **bearer)
{
	struct login_waiter w = {.waiter = {.ready = login_ready}};
	const char *p = NULL;

	w.rc = token_get(login->token, &w.waiter, &p);
	if (w.rc == RC_AGAIN) {
		assert_int_equal(w.calls, 0);
		login_turns(login, &w.calls);
		if (w.rc == RC_OK)
			assert_int_equal(token_get(login->token, &w.waiter, &p), RC_OK);
	}
	if (bearer)
		*bearer = p;
	return w;
}

void login_says(struct login *login, int status, const char *headers, const char *body)
{
	server_lock(login->server);
	login->status = status;
	snprintf(login->headers, sizeof(login->headers), "%s", headers);
	strbuf_reset(&login->body);
	strbuf_adds(&login->body, body);
	server_unlock(login->server);
}

void login_says_sample(struct login *login, const char *name)
{
	struct strbuf text;

	sample_read(name, &text);
	login_says(login, 200, "Content-Type: application/json\r\n", text.p);
	strbuf_clear(&text);
}

void login_says_case(struct login *login, struct fjson_object *row)
{
	static const char *const names[] = {"Content-Type", "Retry-After"};
	struct fjson_object *status, *headers, *body, *value;
	char lines[300] = "";
	size_t n = 0;

	assert_true(fjson_object_object_get_ex(row, "status", &status));
	assert_true(fjson_object_object_get_ex(row, "headers", &headers));
	for (size_t i = 0; i < 2; i++)
		if (fjson_object_object_get_ex(headers, names[i], &value))
			n += (size_t)snprintf(lines + n, sizeof(lines) - n,
				"%s: %s\r\n", names[i], fjson_object_get_string(value));
	if (!fjson_object_object_get_ex(row, "body", &body))
		assert_true(fjson_object_object_get_ex(row, "body_text", &body));
	login_says(login, (int)fjson_object_get_int64(status), lines,
		fjson_object_is_type(body, fjson_type_string)
			? fjson_object_get_string(body)
			: fjson_object_to_json_string(body));
}
