/* test_credential.c - client secrets, federated tokens, managed identities and refresh tokens
 * against a login service of this process that takes only what it is told to take. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "fetch/token.h"
#include "login_help.h"
#include "sample.h"

#define ODD "a~b+c/d=e&f.g%h i\"\xc3\xbc"
#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

struct fixture {
	struct login login;
	struct clock_fake clock;
	char directory[LOGIN_DIRECTORY];
	/* under the server's lock: what login takes, NULL: anything; and what it was sent last */
	const char *takes_secret, *takes_assertion, *takes_refresh;
	const char *refusal; /* its numbers and word */
	const char *gives_refresh;
	const char *replace_with; /* written over token.refresh while login is asked */
	unsigned logins, identities;
	char path[300], secret[200], assertion[200], type[100], refresh[200],
		grant[100], scope[200], resource[100];
	int identity_status;
	const char *identity_body, *identity_headers;
	char identity_path[400], metadata[100], identity_header[100];
};

static void write_file(const char *name, const char *text, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
		fchmod(fd, mode) || close(fd))
		abort();
}

static void has_text(const char *name, const char *want)
{
	char text[500] = "";
	FILE *file = fopen(name, "re");

	assert_non_null(file);
	assert_true(fread(text, 1, sizeof(text) - 1, file) < sizeof(text) - 1);
	fclose(file);
	text[strcspn(text, "\n")] = '\0';
	assert_string_equal(text, want);
}

static void keep(struct exchange *x, const char *name, char *to, size_t size)
{
	snprintf(to, size, "%.*s", (int)size - 1, exchange_field(x, name));
}

static void reply(struct exchange *x, int status, const char *headers, const char *body)
{
	exchange_reply(x, status, headers, body, strlen(body));
}

static void answer_identity(struct fixture *f, struct exchange *x)
{
	f->identities++;
	snprintf(f->identity_path, sizeof(f->identity_path), "%.390s", x->path);
	snprintf(f->metadata, sizeof(f->metadata), "%.90s",
		exchange_header(x, "Metadata"));
	snprintf(f->identity_header, sizeof(f->identity_header), "%.90s",
		exchange_header(x, "X-IDENTITY-HEADER"));
	reply(x, f->identity_status, f->identity_headers ? f->identity_headers : "",
		f->identity_body);
}

static bool taken(const char *wanted, const char *sent)
{
	return !wanted || !strcmp(wanted, sent);
}

static void handle(struct exchange *x, void *context)
{
	struct fixture *f = context;
	char body[1000];

	server_lock(x->server);
	if (strncmp(x->method, "POST", 4) != 0) {
		answer_identity(f, x);
		server_unlock(x->server);
		return;
	}
	f->logins++;
	snprintf(f->path, sizeof(f->path), "%.290s", x->path);
	keep(x, "client_secret", f->secret, sizeof(f->secret));
	keep(x, "client_assertion", f->assertion, sizeof(f->assertion));
	keep(x, "client_assertion_type", f->type, sizeof(f->type));
	keep(x, "refresh_token", f->refresh, sizeof(f->refresh));
	keep(x, "grant_type", f->grant, sizeof(f->grant));
	keep(x, "scope", f->scope, sizeof(f->scope));
	keep(x, "resource", f->resource, sizeof(f->resource));
	if (f->replace_with)
		write_file("token.refresh", f->replace_with, 0600);
	if (f->refusal)
		reply(x, 400, "", f->refusal);
	else if (!taken(f->takes_secret, f->secret))
		reply(x, 401, "",
			strstr(f->secret, "old") ? "{\"error\":\"invalid_client\","
						   "\"error_codes\":[7000222]}"
						 : "{\"error\":\"invalid_client\","
						   "\"error_codes\":[7000215]}");
	else if (!taken(f->takes_assertion, f->assertion))
		reply(x, 401, "",
			"{\"error\":\"invalid_client\",\"error_codes\":[700024]}");
	else if (!taken(f->takes_refresh, f->refresh))
		reply(x, 400, "",
			"{\"error\":\"invalid_grant\",\"error_codes\":[70008]}");
	else {
		snprintf(body, sizeof(body),
			"{\"access_token\":\"access%u\",\"expires_in\":\"3600\"%s%s%s}",
			f->logins, f->gives_refresh ? ",\"refresh_token\":\"" : "",
			f->gives_refresh ? f->gives_refresh : "",
			f->gives_refresh ? "\"" : "");
		reply(x, 200, "", body);
	}
	server_unlock(x->server);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	login_enter_directory(f->directory);
	unsetenv("IDENTITY_ENDPOINT");
	unsetenv("IDENTITY_HEADER");
	clock_fake_init(&f->clock, INT64_C(1767225300) * TICKS_PER_S);
	login_open(&f->login, &f->clock.clock, "unused", 2000, handle, f);
	loop_seed(f->login.loop, 42);
	f->login.sign_in = (struct credential_options){0};
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	login_close(&f->login);
	login_leave_directory(f->directory);
	free(f);
	return 0;
}

/* A failure is remembered for a minute at first, then longer: past it. */
static void later(struct fixture *f)
{
	clock_fake_pass(&f->clock, INT64_C(16) * 60000);
}

static struct login_waiter ask(struct fixture *f)
{
	struct login_waiter w = login_ask(&f->login, NULL);

	assert_null(strstr(w.err.text, "s3cr3t"));
	return w;
}

static void ask_anew(struct fixture *f)
{
	struct login_waiter w;

	token_drop(f->login.token);
	w = ask(f);
	if (w.rc != RC_OK)
		fail_msg("%s", w.err.text);
}

/* Client secrets. */

static void two_secrets(void **state)
{
	struct fixture *f = *state;

	write_file("one", "s3cr3t-old\n", 0600);
	write_file("two", ODD "\r\n", 0600);
	f->login.sign_in = (struct credential_options){
		.secret_file = "one", .secret_next_file = "two"};
	login_token(&f->login);
	f->takes_secret = ODD;
	ask_anew(f);
	assert_int_equal(f->logins, 2);
	assert_string_equal(f->grant, "client_credentials");
	ask_anew(f); /* the working one is remembered */
	assert_int_equal(f->logins, 3);
	f->takes_secret = "s3cr3t-old";
	ask_anew(f);
	assert_int_equal(f->logins, 5);
	ask_anew(f);
	assert_int_equal(f->logins, 6);
}

static void both_secrets_refused(void **state)
{
	struct fixture *f = *state;
	struct login_waiter w;

	write_file("one", "s3cr3t-old", 0600);
	write_file("two", "s3cr3t-wrong", 0600);
	f->login.sign_in = (struct credential_options){
		.secret_file = "one", .secret_next_file = "two"};
	login_token(&f->login);
	f->takes_secret = "s3cr3t-new";
	w = ask(f);
	assert_int_equal(w.rc, RC_AUTH);
	assert_int_equal(f->logins, 2);
	assert_non_null(
		strstr(w.err.text, "client_secret_file one and "
				   "client_secret_next_file two, both refused"));
	/* The operator puts a new one in place; nothing is restarted. */
	write_file("one", "s3cr3t-new", 0600);
	later(f);
	w = ask(f);
	assert_int_equal(w.rc, RC_OK);
	assert_int_equal(f->logins, 4); /* the one known, then the one found */
	/* And the other way: the next file comes only when it is needed. */
	unlink("two");
	login_token(&f->login);
	ask_anew(f);
	write_file("two", "s3cr3t-newer", 0600);
	f->takes_secret = "s3cr3t-newer";
	ask_anew(f);
	/* A file that cannot be read any more leaves what was read. */
	write_file("two", "s3cr3t-other", 0644);
	f->takes_secret = "s3cr3t-none";
	token_drop(f->login.token);
	assert_int_equal(ask(f).rc, RC_AUTH);
	f->takes_secret = "s3cr3t-newer";
	later(f);
	ask_anew(f);
}

static void unreadable_secret(void **state)
{
	struct fixture *f = *state;
	struct login_waiter w;

	write_file("one", "s3cr3t", 0644);
	f->login.sign_in.secret_file = "one";
	login_token(&f->login);
	w = ask(f);
	assert_int_equal(w.rc, RC_AUTH);
	assert_non_null(strstr(w.err.text, "run chmod 600 one"));
	assert_int_equal(f->logins, 0);
	write_file("one", "s3cr3t", 0600);
	clock_fake_pass(&f->clock, 60000);
	assert_int_equal(ask(f).rc, RC_OK);
}

static void refusals_grow_rarer(void **state)
{
	static const int64_t minutes[] = {1, 2, 4, 8, 15, 15, 15};
	struct fixture *f = *state;

	write_file("one", "s3cr3t", 0600);
	f->login.sign_in.secret_file = "one";
	login_token(&f->login);
	f->takes_secret = "none";
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof(minutes) / sizeof(*minutes); i++) {
			unsigned before = f->logins;

			assert_int_equal(ask(f).retry_after_ms, minutes[i] * 60000);
			clock_fake_pass(&f->clock, minutes[i] * 60000 - 1);
			ask(f);
			assert_int_equal(f->logins, before + 1);
			clock_fake_pass(&f->clock, 1);
		}
		f->takes_secret = NULL;
		ask_anew(f);
		token_drop(f->login.token);
		f->takes_secret = "none";
	}
}

/* Federated tokens. */

static void federated_token(void **state)
{
	struct fixture *f = *state;
	struct login_waiter w;
	char big[40000];

	write_file("token", " \n eyJ.one.x \t\n\n", 0644);
	f->login.sign_in.federated_token_file = "token";
	login_token(&f->login);
	ask_anew(f);
	assert_string_equal(f->assertion, "eyJ.one.x");
	assert_string_equal(f->type, ASSERTION_TYPE);
	assert_string_equal(f->secret, "");
	assert_string_equal(f->grant, "client_credentials");
	write_file("token", "eyJ.two.x", 0644);
	ask_anew(f);
	assert_string_equal(f->assertion, "eyJ.two.x");
	/* Stale: once more at once, then an operator is needed. */
	f->takes_assertion = "eyJ.three.x";
	token_drop(f->login.token);
	w = ask(f);
	assert_int_equal(w.rc, RC_AUTH);
	assert_int_equal(f->logins, 4);
	assert_non_null(strstr(w.err.text, "(federated_token_file token)"));

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	{
		const char *const rows[][2] = {{" \n", "is empty"},
			{"a\nb", "more than a federated token"},
			{big, "larger than any federated token"},
			{NULL, "No such file"}};

		for (size_t i = 0; i < 4; i++) {
			if (rows[i][0])
				write_file("token", rows[i][0], 0644);
			else
				unlink("token");
			later(f);
			w = ask(f);
			assert_int_equal(w.rc, RC_AUTH);
			assert_non_null(strstr(w.err.text, rows[i][1]));
		}
	}
	assert_int_equal(f->logins, 4);
}

/* Managed identities. */

static void use_identity(struct fixture *f, const char *id)
{
	f->login.sign_in = (struct credential_options){
		.managed_identity = id, .imds_root = server_root(f->login.server)};
	f->identity_status = 200;
	f->identity_headers = "Content-Type: application/json\r\n";
	f->identity_body = "{\"access_token\":\"eyJ.imds.x\",\"refresh_token\":\"\","
			   "\"expires_in\":\"7200\",\"resource\":\"api\"}";
	login_token(&f->login);
}

static void managed_identity(void **state)
{
	struct fixture *f = *state;
	struct login_waiter w[3];
	struct token *tokens[3];
	const char *bearer;

	use_identity(f, "");
	/* Three tenants of the app, one question. */
	for (int i = 0; i < 3; i++) {
		tokens[i] = token_new(f->login.loop, f->login.http, &f->login.options);
		w[i] = (struct login_waiter){.waiter = {.ready = login_ready}};
		assert_int_equal(token_get(tokens[i], &w[i].waiter, &bearer), RC_AGAIN);
	}
	token_cancel(tokens[1], &w[1].waiter);
	token_free(tokens[1]); /* while it waits */
	login_turns(&f->login, &w[0].calls);
	if (!w[2].calls)
		login_turns(&f->login, &w[2].calls);
	assert_int_equal(w[0].rc, RC_OK);
	assert_int_equal(w[2].rc, RC_OK);
	token_free(tokens[0]);
	token_free(tokens[2]);
	assert_int_equal(f->identities, 1);
	assert_int_equal(f->logins, 2);
	assert_string_equal(f->identity_path,
		"/metadata/identity/oauth2/token?api-version=2018-02-01"
		"&resource=api%3A%2F%2FAzureADTokenExchange");
	assert_string_equal(f->metadata, "true");
	assert_string_equal(f->assertion, "eyJ.imds.x");
	assert_string_equal(f->type, ASSERTION_TYPE);
	/* Kept until shortly before its end. */
	clock_fake_pass(&f->clock, (7200 - 310) * 1000);
	ask_anew(f);
	assert_int_equal(f->identities, 1);
	clock_fake_pass(&f->clock, 20 * 1000);
	ask_anew(f);
	assert_int_equal(f->identities, 2);
	/* Login finds it stale: a new one is asked for, once. */
	f->takes_assertion = "none";
	token_drop(f->login.token);
	assert_int_equal(ask(f).rc, RC_AUTH);
	assert_int_equal(f->identities, 3);
}

static void app_service_identity(void **state)
{
	struct fixture *f = *state;
	char endpoint[200];

	snprintf(endpoint, sizeof(endpoint), "%s/msi/token",
		server_root(f->login.server));
	setenv("IDENTITY_ENDPOINT", endpoint, 1);
	setenv("IDENTITY_HEADER", "853b9a84-5bfa", 1);
	use_identity(f, "12345678-1111-2222-3333-444444444444");
	f->login.sign_in.imds_root = NULL;
	f->login.sign_in.exchange_audience =
		credential_exchange_audience("https://login.microsoftonline.us");
	f->identity_body = "{\"access_token\":\"eyJ.app.x\","
			   "\"expires_on\":\"1767228900\"}"; /* in an hour */
	login_token(&f->login);
	ask_anew(f);
	assert_string_equal(f->assertion, "eyJ.app.x");
	assert_string_equal(f->identity_header, "853b9a84-5bfa");
	assert_string_equal(f->metadata, "");
	assert_string_equal(f->identity_path,
		"/msi/token?api-version=2019-08-01"
		"&resource=api%3A%2F%2FAzureADTokenExchangeUSGov"
		"&client_id=12345678-1111-2222-3333-444444444444");
	clock_fake_pass(&f->clock, 3200 * 1000);
	ask_anew(f);
	assert_int_equal(f->identities, 1);
	clock_fake_pass(&f->clock, 110 * 1000);
	f->identity_body =
		"{\"access_token\":\"eyJ.app2.x\",\"expires_on\":1767240000}";
	ask_anew(f);
	assert_int_equal(f->identities, 2);
	/* The secret header is for this machine alone. */
	setenv("IDENTITY_ENDPOINT", "http://192.0.2.1/msi/token", 1);
	login_token(&f->login);
	{
		struct login_waiter w = ask(f);

		assert_int_equal(w.rc, RC_AUTH);
		assert_non_null(strstr(w.err.text, "IDENTITY_ENDPOINT: http://192"));
	}
	setenv("IDENTITY_ENDPOINT", endpoint, 1);
	setenv("IDENTITY_HEADER", "a\r\nX-Other: b", 1);
	login_token(&f->login);
	{
		struct login_waiter w = ask(f);

		assert_int_equal(w.rc, RC_AUTH);
		assert_non_null(strstr(w.err.text, "IDENTITY_HEADER"));
		assert_int_equal(f->identities, 2);
	}
}

static void identity_refused(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum rc rc;
		const char *says;
	} rows[] = {
		{400,
			"{\"error\":\"invalid_request\",\"error_description\":"
			"\"Identity not found\"}",
			RC_AUTH, "no such managed identity"},
		{400, "{\"error\":\"bad_request_102\",\"error_description\":\"x\"}",
			RC_AUTH, "bad_request_102"},
		{401, "{\"error\":\"unknown_source\",\"error_description\":\"x\"}",
			RC_AUTH, "unknown_source"},
		{403, "<html>", RC_AUTH, "HTTP 403"},
		{200, "<html>", RC_PROTO, "no token that can be used"},
		{200, "{\"access_token\":\"x\"}", RC_PROTO, "no token"},
		{200, "{\"access_token\":\"\",\"expires_in\":\"5\"}", RC_PROTO,
			"no token"},
		{200, "{\"access_token\":\"x\",\"expires_on\":\"1\"}", RC_PROTO,
			"no token"},
	};
	struct fixture *f = *state;

	use_identity(f, "");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct login_waiter w;

		login_token(&f->login);
		f->identity_status = rows[i].status;
		f->identity_body = rows[i].body;
		w = ask(f);
		assert_int_equal(w.rc, rows[i].rc);
		assert_int_equal(w.retry_after_ms, 60000);
		if (!strstr(w.err.text, rows[i].says))
			fail_msg("%s", w.err.text);
		assert_int_equal(f->identities, i + 1);
	}
	assert_int_equal(f->logins, 0);
}

/* Microsoft's schedule, on a clock that stands still between the steps. */
static void identity_is_tried_again(void **state)
{
	static const struct {
		int status;
		const char *headers;
		int64_t first_ms; /* the pause before the second attempt */
		int64_t kept_ms;
	} rows[] = {
		{404, "", 2000, 30000},
		{500, "", 2000, 30000},
		{410, "", 2000, 70000},
		{429, "Retry-After: 5\r\n", 5000, 30000},
	};
	struct fixture *f = *state;
	struct error err;

	use_identity(f, "");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const int64_t pauses[] = {rows[i].first_ms, 6000, 14000, 30000};
		struct login_waiter w = {.waiter = {.ready = login_ready}};
		const char *bearer;

		login_token(&f->login);
		f->identities = 0;
		f->identity_status = rows[i].status;
		f->identity_headers = rows[i].headers;
		assert_int_equal(
			token_get(f->login.token, &w.waiter, &bearer), RC_AGAIN);
		for (unsigned k = 0; k < 4; k++) {
			for (int t = 0; t < 400 && f->identities == k; t++)
				assert_int_equal(
					loop_turn(f->login.loop, 20, &err), RC_OK);
			/* the answer has come when the timer stands */
			for (int t = 0; t < 20; t++)
				assert_int_equal(
					loop_turn(f->login.loop, 5, &err), RC_OK);
			assert_int_equal(f->identities, k + 1);
			assert_int_equal(w.calls, 0);
			clock_fake_pass(&f->clock, pauses[k] - 1);
			assert_int_equal(loop_turn(f->login.loop, 5, &err), RC_OK);
			assert_int_equal(f->identities, k + 1);
			clock_fake_pass(&f->clock, 1);
		}
		login_turns(&f->login, &w.calls);
		assert_int_equal(f->identities, 5);
		assert_int_equal(w.rc, RC_AGAIN);
		assert_int_equal(w.retry_after_ms, rows[i].kept_ms);
		/* remembered, then asked again */
		assert_int_equal(ask(f).rc, RC_AGAIN);
		assert_int_equal(f->identities, 5);
		clock_fake_pass(&f->clock, rows[i].kept_ms);
		f->identity_status = 200;
		ask_anew(f);
	}
}

/* Refresh tokens. */

static void use_refresh(struct fixture *f)
{
	write_file("one", ODD, 0600);
	write_file("token.refresh", "refresh-0\n", 0600);
	f->login.sign_in = (struct credential_options){
		.secret_file = "one", .refresh_token_file = "token.refresh"};
	f->takes_secret = ODD;
	login_token(&f->login);
}

static void refresh_token_rotates(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	use_refresh(f);
	write_file("token.refresh.new", "half of a tok",
		0644); /* killed before the rename */
	f->gives_refresh = "refresh-1.*!$_-~x";
	ask_anew(f);
	assert_string_equal(f->grant, "refresh_token");
	assert_string_equal(f->refresh, "refresh-0");
	assert_string_equal(f->secret, ODD);
	assert_string_equal(
		f->scope, "https://graph.microsoft.com/.default offline_access");
	has_text("token.refresh", "refresh-1.*!$_-~x");
	assert_int_equal(stat("token.refresh", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(login_count_files(), 2);
	f->gives_refresh = NULL; /* then the old one stays */
	ask_anew(f);
	assert_string_equal(f->refresh, "refresh-1.*!$_-~x");
	has_text("token.refresh", "refresh-1.*!$_-~x");
	/* The v1 form, as Microsoft's guide has it; and a public client. */
	f->login.options.v1 = true;
	f->login.options.resource = "https://graph.windows.net";
	f->login.sign_in.secret_file = NULL;
	f->takes_secret = NULL;
	f->gives_refresh = "refresh-2";
	login_token(&f->login);
	ask_anew(f);
	assert_string_equal(f->path, "/" TENANT "/oauth2/token");
	assert_string_equal(f->resource, "https://graph.windows.net");
	assert_string_equal(f->scope, "");
	assert_string_equal(f->secret, "");
	has_text("token.refresh", "refresh-2");
}

/* With either of two secrets, and the refresh token spent once. */
static void refresh_with_two_secrets(void **state)
{
	struct fixture *f = *state;

	use_refresh(f);
	write_file("one", "s3cr3t-old", 0600);
	write_file("two", ODD, 0600);
	f->login.sign_in.secret_next_file = "two";
	f->gives_refresh = "refresh-1";
	login_token(&f->login);
	ask_anew(f);
	assert_int_equal(f->logins, 2);
	assert_string_equal(f->refresh, "refresh-0");
	has_text("token.refresh", "refresh-1");
}

static void limit_files(rlim_t octets)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = octets;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The disk takes nothing: the old token stays whole, the access token is not used, and the new
 * refresh token is written before anything else is asked. */
static void refresh_token_cannot_be_written(void **state)
{
	struct fixture *f = *state;
	struct login_waiter w;
	const char *bearer;
	struct error err;

	use_refresh(f);
	f->gives_refresh = "s3cr3t-1";
	signal(SIGXFSZ, SIG_IGN);
	limit_files(0);
	w = ask(f);
	limit_files(RLIM_INFINITY);
	assert_int_equal(w.rc, RC_AUTH);
	assert_non_null(strstr(w.err.text, "is not safe on disk"));
	assert_non_null(strstr(w.err.text, "the new token.refresh cannot be written"));
	has_text("token.refresh", "refresh-0");
	assert_int_equal(login_count_files(), 2);
	assert_int_equal(token_get(f->login.token, &w.waiter, &bearer), RC_AGAIN);
	token_cancel(f->login.token, &w.waiter);
	assert_int_equal(loop_turn(f->login.loop, 0, &err), RC_OK);
	/* Still full: login is not asked, no token is spent. */
	clock_fake_pass(&f->clock, 60000);
	limit_files(0);
	w = ask(f);
	limit_files(RLIM_INFINITY);
	assert_int_equal(w.rc, RC_AUTH);
	assert_int_equal(f->logins, 1);
	clock_fake_pass(&f->clock, 60000);
	f->gives_refresh = NULL;
	ask_anew(f);
	assert_string_equal(f->refresh, "s3cr3t-1");
	has_text("token.refresh", "s3cr3t-1");

	/* No name for the new file: the directory's trouble, even to root. */
	{
		char name[254];

		memset(name, 'n', sizeof(name) - 1);
		name[sizeof(name) - 1] = '\0';
		write_file(name, "refresh-9", 0600);
		f->login.sign_in.refresh_token_file = name;
		f->gives_refresh = "refresh-10";
		login_token(&f->login);
		w = ask(f);
		assert_int_equal(w.rc, RC_AUTH);
		assert_non_null(strstr(w.err.text, "is not safe on disk"));
		has_text(name, "refresh-9");
		f->login.sign_in.refresh_token_file = "token.refresh";
		login_token(&f->login);
	}
}

/* Another process has its own new token for the file: nothing of either is lost. */
static void refresh_token_of_two_processes(void **state)
{
	struct fixture *f = *state;
	struct login_waiter w;
	int lock = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	use_refresh(f);
	f->gives_refresh = "refresh-1";
	assert_int_equal(flock(lock, LOCK_EX), 0);
	w = ask(f);
	assert_int_equal(w.rc, RC_AUTH);
	assert_non_null(strstr(w.err.text, "cannot be opened and locked"));
	has_text("token.refresh", "refresh-0");
	close(lock);
	clock_fake_pass(&f->clock, 60000);
	f->gives_refresh = NULL;
	ask_anew(f);
	assert_string_equal(f->refresh, "refresh-1");
	has_text("token.refresh", "refresh-1");
}

struct told {
	char option[40], text[400];
};

static void tell(void *context, const char *option, const char *text)
{
	struct told *told = context;

	snprintf(told->option, sizeof(told->option), "%s", option);
	snprintf(told->text, sizeof(told->text), "%s", text);
}

/* What the service's user finds. */
static int look_as_other(const struct credential_options *options, uid_t uid)
{
	struct told told = {"", ""};

	if (uid != geteuid() && setuid(uid))
		return 2;
	credential_check(options, tell, &told);
	if (!*told.text)
		return 0;
	return !strcmp(told.option, "refresh_token_file") &&
			       strstr(told.text, "its directory is not writable")
		       ? 1
		       : 3;
}

static int as_other(const struct credential_options *options, uid_t uid)
{
	pid_t child = fork();
	int status = 0;

	if (!child)
		_exit(look_as_other(options, uid));
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* A command of root's changes the file, the service goes on with it; and a folder in which it could
 * not is said before a token is spent. */
static void refresh_token_belongs_to_the_service(void **state)
{
	struct fixture *f = *state;
	const struct credential_options options = {
		.refresh_token_file = "token.refresh"};
	bool root = geteuid() == 0;
	uid_t uid = root ? 12345 : geteuid();
	struct stat st;

	use_refresh(f);
	assert_int_equal(root ? chown("token.refresh", uid, 54321) : 0, 0);
	f->gives_refresh = "refresh-1";
	ask_anew(f);
	has_text("token.refresh", "refresh-1");
	assert_int_equal(stat("token.refresh", &st), 0);
	assert_int_equal(st.st_uid, uid);
	assert_int_equal(st.st_gid, root ? 54321 : st.st_gid);
	assert_int_equal(st.st_mode & 0777, 0600);

	assert_int_equal(chmod(".", 0755), 0);
	assert_int_equal(root ? 0 : chmod(".", 0555), 0);
	assert_int_equal(as_other(&options, uid), 1);
	assert_int_equal(chmod(".", 0777), 0);
	assert_int_equal(as_other(&options, uid), 0);
}

static void human_must_sign_in(void **state)
{
	struct fixture *f = *state;
	struct login_waiter w;

	use_refresh(f);
	f->takes_refresh = "refresh-9";
	w = ask(f);
	assert_int_equal(w.rc, RC_AUTH);
	assert_non_null(strstr(w.err.text, "a human must sign in again as that user "
					   "and put the new refresh token into "
					   "token.refresh"));
	assert_int_equal(f->logins, 1);
	/* One that this program does not know says so too. */
	f->refusal = "{\"error\":\"invalid_grant\",\"error_codes\":[99]}";
	later(f);
	w = ask(f);
	assert_non_null(strstr(w.err.text, "a human must sign in again"));
	/* Consent is another matter. */
	f->refusal = "{\"error\":\"invalid_grant\",\"error_codes\":[65001]}";
	later(f);
	w = ask(f);
	assert_null(strstr(w.err.text, "a human must sign in again"));
	assert_non_null(strstr(w.err.text, "/adminconsent?"));
	f->refusal = NULL;
	write_file("token.refresh", "refresh-9\n", 0600);
	later(f);
	ask_anew(f);
	/* The file is gone. */
	unlink("token.refresh");
	token_drop(f->login.token);
	w = ask(f);
	assert_int_equal(w.rc, RC_AUTH);
	assert_non_null(strstr(w.err.text, "token.refresh with the refresh token"));
}

/* What a human puts there while login is asked is not overwritten. */
static void replaced_by_hand(void **state)
{
	struct fixture *f = *state;

	use_refresh(f);
	f->gives_refresh = "refresh-1";
	f->replace_with = "refresh-by-hand";
	log_set_level(LOG_CRIT);
	ask_anew(f);
	has_text("token.refresh", "refresh-by-hand");
	f->replace_with = NULL;
	ask_anew(f);
	assert_string_equal(f->refresh, "refresh-by-hand");
	has_text("token.refresh", "refresh-1");
	/* The old one is refused, but by then a newer one is there: it is tried at once. */
	f->takes_refresh = f->replace_with = "refresh-by-hand";
	f->gives_refresh = NULL;
	ask_anew(f);
	assert_int_equal(f->logins, 4);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(two_secrets),
		TEST(both_secrets_refused),
		TEST(unreadable_secret),
		TEST(refusals_grow_rarer),
		TEST(federated_token),
		TEST(managed_identity),
		TEST(app_service_identity),
		TEST(identity_refused),
		TEST(identity_is_tried_again),
		TEST(refresh_token_rotates),
		TEST(refresh_with_two_secrets),
		TEST(refresh_token_cannot_be_written),
		TEST(refresh_token_of_two_processes),
		TEST(refresh_token_belongs_to_the_service),
		TEST(human_must_sign_in),
		TEST(replaced_by_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
