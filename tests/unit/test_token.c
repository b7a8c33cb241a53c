/* test_token.c - access tokens against a login service of this process. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <gnutls/gnutls.h>
#include <libfastjson/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "fetch/aadsts.h"
#include "fetch/token.h"
#include "login_help.h"
#include "sample.h"

#define SECRET "a~b+c/d=e&f.g%h i\"\xc3\xbc"

struct fixture {
	struct login login;
	struct clock_fake clock;
	/* what the server was asked, under its lock */
	char path[200], secret[100], client[100], scope[100], grant[100], type[100];
};

static void handle(struct exchange *x, void *context)
{
	struct fixture *f = context;

	server_lock(x->server);
	snprintf(f->path, sizeof(f->path), "%.150s", x->path);
	snprintf(f->secret, sizeof(f->secret), "%.90s",
		exchange_field(x, "client_secret"));
	snprintf(f->client, sizeof(f->client), "%.90s", exchange_field(x, "client_id"));
	snprintf(f->scope, sizeof(f->scope), "%.90s", exchange_field(x, "scope"));
	snprintf(f->grant, sizeof(f->grant), "%.90s", exchange_field(x, "grant_type"));
	snprintf(f->type, sizeof(f->type), "%.90s", exchange_header(x, "Content-Type"));
	exchange_reply(
		x, f->login.status, f->login.headers, f->login.body.p, f->login.body.n);
	server_unlock(x->server);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	clock_fake_init(&f->clock, INT64_C(17672253000) * (TICKS_PER_S / 10));
	login_open(&f->login, &f->clock.clock, SECRET, 2000, handle, f);
	loop_seed(f->login.loop, 42);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	login_close(&f->login);
	free(f);
	return 0;
}

static void no_secret(const struct login_waiter *w)
{
	assert_null(strstr(w->err.text, "a~b"));
	assert_null(strstr(w->err.text, "a%7Eb"));
	assert_null(strstr(w->err.text, "eyJ"));
}

static void gets_one_and_keeps_it(void **state)
{
	struct fixture *f = *state;
	const char *bearer, *again;

	login_says_sample(&f->login, "token-ok.json");
	assert_int_equal(login_ask(&f->login, &bearer).rc, RC_OK);
	assert_true(strlen(bearer) > 500);
	assert_memory_equal(bearer, "eyJ0eXAi", 8);
	assert_string_equal(f->path, "/" TENANT "/oauth2/v2.0/token");
	assert_string_equal(f->secret, SECRET);
	assert_string_equal(f->client, "97e0a5b7-d745-40b6-94fe-5f77d35c6e05");
	assert_string_equal(f->scope, "https://graph.microsoft.com/.default");
	assert_string_equal(f->grant, "client_credentials");
	assert_string_equal(f->type, "application/x-www-form-urlencoded");
	assert_false(token_lacks_roles(f->login.token));
	assert_int_equal(login_ask(&f->login, &again).rc, RC_OK);
	assert_ptr_equal(bearer, again);
	assert_int_equal(server_requests(f->login.server), 1);
	assert_int_equal(token_serial(f->login.token), 1);

	token_drop(f->login.token);
	assert_int_equal(login_ask(&f->login, NULL).rc, RC_OK);
	assert_int_equal(server_requests(f->login.server), 2);
	assert_int_equal(token_serial(f->login.token), 2);
}

static void renews_early(void **state)
{
	struct fixture *f = *state;
	struct login_waiter w = {.waiter = {.ready = login_ready}};
	const char *bearer;
	struct error err;

	login_says_sample(&f->login, "token-ok.json"); /* lives 3599 s */
	assert_int_equal(login_ask(&f->login, NULL).rc, RC_OK);
	clock_fake_pass(&f->clock, 3599000 - 361000);
	assert_int_equal(token_get(f->login.token, &w.waiter, &bearer), RC_OK);
	for (int i = 0; i < 5; i++)
		assert_int_equal(loop_turn(f->login.loop, 5, &err), RC_OK);
	assert_int_equal(server_requests(f->login.server), 1);
	/* Renewed beside the work, which goes on with the old one. */
	clock_fake_pass(&f->clock, 61000);
	for (int i = 0; i < 200 && token_serial(f->login.token) == 1; i++) {
		assert_int_equal(token_get(f->login.token, &w.waiter, &bearer), RC_OK);
		assert_int_equal(loop_turn(f->login.loop, 20, &err), RC_OK);
	}
	assert_int_equal(token_serial(f->login.token), 2);
	assert_int_equal(server_requests(f->login.server), 2);
	/* Login is down: the old one serves until near its end, and login is not hammered. */
	login_says(&f->login, 503, "Retry-After: 120\r\n", "<html>");
	clock_fake_pass(&f->clock, 3599000 - 200000);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(token_get(f->login.token, &w.waiter, &bearer), RC_OK);
		assert_int_equal(loop_turn(f->login.loop, 20, &err), RC_OK);
	}
	assert_int_equal(server_requests(f->login.server), 3);
	clock_fake_pass(&f->clock, 169000);
	assert_int_equal(token_get(f->login.token, &w.waiter, &bearer), RC_OK);
	clock_fake_pass(&f->clock, 2000);
	w = login_ask(&f->login, NULL);
	assert_int_equal(w.rc, RC_AGAIN);
}

static void short_lives(void **state)
{
	struct fixture *f = *state;
	const char *bearer;

	login_says(
		&f->login, 200, "", "{\"access_token\":\"abc\",\"expires_in\":\"60\"}");
	assert_int_equal(login_ask(&f->login, &bearer).rc, RC_OK);
	assert_string_equal(bearer, "abc");
	clock_fake_pass(&f->clock, 44000);
	for (int i = 0; i < 5; i++)
		assert_int_equal(login_ask(&f->login, NULL).rc, RC_OK);
	assert_int_equal(server_requests(f->login.server), 1);
	clock_fake_pass(&f->clock, 11000);
	assert_int_equal(login_ask(&f->login, NULL).rc, RC_OK);
	assert_int_equal(server_requests(f->login.server), 2);
	/* A hint of the vendor to come earlier. */
	token_drop(f->login.token);
	login_says(&f->login, 200, "",
		"{\"access_token\" : \"abc\",\"expires_in\":7200,\"refresh_in\":3600}");
	assert_int_equal(login_ask(&f->login, NULL).rc, RC_OK);
	clock_fake_pass(&f->clock, 3601000);
	assert_int_equal(login_ask(&f->login, NULL).rc, RC_OK);
	{
		struct error err;

		for (int i = 0; i < 100 && server_requests(f->login.server) < 4; i++)
			assert_int_equal(loop_turn(f->login.loop, 20, &err), RC_OK);
	}
	assert_int_equal(server_requests(f->login.server), 4);
}

static void good_answers(void **state)
{
	static const char *const files[] = {"token-ok.json", "token-ok-mde.json",
		"token-ok-v1.json", "token-ok-v1-refresh.json",
		"token-ok-v2-refresh.json", "token-ok-imds.json"};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		login_token(&f->login);
		login_says_sample(&f->login, files[i]);
		assert_int_equal(login_ask(&f->login, NULL).rc, RC_OK);
		assert_false(token_lacks_roles(f->login.token));
	}
	login_token(&f->login);
	login_says_sample(&f->login, "token-ok-noroles.json");
	assert_int_equal(login_ask(&f->login, NULL).rc, RC_OK);
	assert_true(token_lacks_roles(f->login.token));
}

/* No permission of the SIEM API is documented, so none can be missing (facts 1.10). */
static void rights_that_no_claim_names(void **state)
{
	struct fixture *f = *state;

	f->login.options.v1 = true;
	f->login.options.resource = "https://graph.microsoft.com";
	login_says_sample(&f->login, "token-ok-noroles.json");
	for (int i = 0; i < 2; i++) {
		f->login.options.permission = i ? "SecurityAlert.Read.All" : NULL;
		login_token(&f->login);
		assert_int_equal(login_ask(&f->login, NULL).rc, RC_OK);
		assert_int_equal(token_lacks_roles(f->login.token), i);
	}
}

static void claims(void **state)
{
	struct fixture *f = *state;
	struct login_waiter w;
	char link[TOKEN_LINK];

	f->login.options.tenant_id = "00000000-1111-2222-3333-444444444444";
	login_token(&f->login);
	login_says_sample(&f->login, "token-ok.json");
	w = login_ask(&f->login, NULL);
	assert_int_equal(w.rc, RC_AUTH);
	assert_non_null(strstr(
		w.err.text, "a token of tenant " TENANT " instead of 00000000-"));
	no_secret(&w);

	f->login.options.tenant_id = "B3C1B5FC-828c-45fa-a1e1-10d74f6d6e9c";
	login_token(&f->login);
	assert_int_equal(login_ask(&f->login, NULL).rc, RC_OK);
	assert_non_null(strstr(token_consent_link(f->login.token, link),
		"/adminconsent?client_id=97e0a5b7-d745-40b6-94fe-5f77d35c6e05"));

	/* A domain: the first tenant seen is the one. {"tid":"00000000-...","roles":["x"]} */
	f->login.options.tenant_id = "contoso.example";
	login_token(&f->login);
	assert_int_equal(login_ask(&f->login, NULL).rc, RC_OK);
	token_drop(f->login.token);
	assert_int_equal(login_ask(&f->login, NULL).rc, RC_OK);
	token_drop(f->login.token);
	login_says(&f->login, 200, "",
		"{\"access_token\":\"e30."
		"eyJ0aWQiOiIwMDAwMDAwMC0xMTExLTIyMjItMzMzMy00NDQ0NDQ0NDQ0NDQi"
		"LCJyb2xlcyI6WyJ4Il19.c2ln\",\"expires_in\":3600}");
	w = login_ask(&f->login, NULL);
	assert_int_equal(w.rc, RC_AUTH);
}

static void broken_answers(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum rc rc;
	} rows[] = {
		{200, "", RC_PROTO},
		{200, "<html>", RC_PROTO},
		{200, "{}", RC_PROTO},
		{200, "[]", RC_PROTO},
		{200, "{\"access_token\":\"abc\"", RC_PROTO},
		{200, "{\"access_token\":\"abc\"}", RC_PROTO},
		{200, "{\"access_token\":\"\",\"expires_in\":3600}", RC_PROTO},
		{200, "{\"access_token\":\"a\\r\\nX: y\",\"expires_in\":3600}",
			RC_PROTO},
		{200, "{\"access_token\":\"a b\",\"expires_in\":3600}", RC_PROTO},
		{200, "{\"access_token\":7,\"expires_in\":3600}", RC_PROTO},
		{200, "{\"access_token\":\"abc\",\"expires_in\":0}", RC_PROTO},
		{200, "{\"access_token\":\"abc\",\"expires_in\":-5}", RC_PROTO},
		{200, "{\"access_token\":\"abc\",\"expires_in\":\"soon\"}", RC_PROTO},
		{200, "{\"x\":{\"access_token\":\"abc\"},\"expires_in\":3600}",
			RC_PROTO},
		{302, "", RC_PROTO},
		{404, "<html>", RC_PROTO},
		{400, "", RC_PROTO},
		{500, "<html>", RC_AGAIN},
		{429, "", RC_AGAIN},
		/* opaque tokens, odd but legal */
		{200, "{\"access_token\":\"a.b.c\",\"expires_in\":3600}", RC_OK},
		{200, "{\"access_token\":\"a..\",\"expires_in\":3600.5}", RC_OK},
		{200, "{\"access_token\":\"abc\",\"expires_in\":99999999999999999999}",
			RC_OK},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct login_waiter w;

		login_token(&f->login);
		login_says(&f->login, rows[i].status,
			"Location: http://127.0.0.1:1/\r\n", rows[i].body);
		w = login_ask(&f->login, NULL);
		if (w.rc != rows[i].rc)
			fail_msg("%s: %d %s", rows[i].body, w.rc, w.err.text);
		if (w.rc != RC_OK)
			assert_non_null(
				strstr(w.err.text, "cannot sign in at tenant " TENANT));
	}
	login_token(&f->login);
	server_lock(f->login.server);
	f->login.status = 200;
	strbuf_reset(&f->login.body);
	for (int i = 0; i < 70000; i++)
		strbuf_addc(&f->login.body, ' ');
	server_unlock(f->login.server);
	{
		struct login_waiter w = login_ask(&f->login, NULL);

		assert_int_equal(w.rc, RC_PROTO);
		assert_non_null(strstr(w.err.text, "more than 64 KB"));
	}
}

static void sample_errors(void **state)
{
	static const struct {
		const char *name;
		enum rc rc;
	} others[] = {
		{"AADSTS70016", RC_AGAIN},
		{"temporarily_unavailable", RC_AGAIN},
	};
	struct fixture *f = *state;
	struct fjson_object *top, *cases;
	struct strbuf text;

	sample_read("token-errors.json", &text);
	top = fjson_tokener_parse(text.p);
	assert_true(fjson_object_object_get_ex(top, "cases", &cases));
	assert_true(fjson_object_array_length(cases) > 15);
	for (int i = 0; i < fjson_object_array_length(cases); i++) {
		struct fjson_object *row = fjson_object_array_get_idx(cases, i), *v;
		enum rc want = RC_AUTH;
		struct login_waiter w;
		const char *name;

		fjson_object_object_get_ex(row, "name", &v);
		name = fjson_object_get_string(v);
		for (size_t k = 0; k < sizeof(others) / sizeof(others[0]); k++)
			if (!strcmp(others[k].name, name))
				want = others[k].rc;
		login_says_case(&f->login, row);
		login_token(&f->login);
		w = login_ask(&f->login, NULL);
		if (w.rc != want || strlen(w.err.text) < 60)
			fail_msg("%s: %d %s", name, w.rc, w.err.text);
		if (!strncmp(name, "AADSTS", 6) && !strstr(w.err.text, name))
			fail_msg("%s: %s", name, w.err.text);
		no_secret(&w);
		assert_true(w.retry_after_ms > 0);
		if (getenv("SHOW"))
			print_message("# %s\n", w.err.text);
	}
	fjson_object_put(top);
	strbuf_clear(&text);
}

/* Every number of facts 1.7: true where it passes by itself. */
static void numbers_of_the_facts(void **state)
{
	static const struct {
		long number;
		bool retry;
	} rows[] = {{7000215, false}, {7000222, false}, {7000218, false},
		{700025, false}, {700016, false}, {7000229, false}, {7000112, false},
		{70001, false}, {700027, false}, {700024, false}, {700021, false},
		{700023, false}, {700030, false}, {50012, false}, {50027, false},
		{50003, false}, {70021, false}, {70025, false}, {90002, false},
		{900023, false}, {90038, false}, {900382, false}, {900432, false},
		{9001023, false}, {500011, false}, {50001, false}, {650052, false},
		{650056, false}, {650057, false}, {70011, false}, {700022, false},
		{65001, false}, {65004, false}, {90094, false}, {90099, false},
		{50034, false}, {50020, false}, {50053, false}, {50055, false},
		{50057, false}, {50126, false}, {50072, false}, {50074, false},
		{50076, false}, {50078, false}, {50079, false}, {53000, false},
		{53001, false}, {53002, false}, {53003, false}, {530032, false},
		{530034, false}, {530035, false}, {50173, false}, {70000, false},
		{70008, false}, {700082, false}, {70043, false}, {54005, false},
		{700005, false}, {9002313, false}, {900144, false}, {501621, true},
		{50196, true}, {90055, true}, {50033, true}, {50087, true},
		{90006, true}, {90012, true}, {90024, true}, {90033, true},
		{90090, true}};
	static const long consent[] = {
		700016, 7000229, 70001, 65001, 65004, 90094, 90099};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		long numbers[2] = {rows[i].number, 0};
		const struct aadsts *row = aadsts_find(numbers);
		char body[200], want[40];
		struct login_waiter w;

		if (!row || !row->meaning[0] || !row->action[0])
			fail_msg("%ld is not known", rows[i].number);
		snprintf(body, sizeof(body),
			"{\"error\":\"x\",\"error_description\":\"y\","
			"\"error_codes\":[%ld]}",
			rows[i].number);
		snprintf(want, sizeof(want), "(AADSTS%ld, HTTP 400): ", rows[i].number);
		login_says(&f->login, 400, "", body);
		login_token(&f->login);
		w = login_ask(&f->login, NULL);
		if (w.rc != (rows[i].retry ? RC_AGAIN : RC_AUTH) ||
			!strstr(w.err.text, want) || !strstr(w.err.text, row->action))
			fail_msg("%ld: %d %s", rows[i].number, w.rc, w.err.text);
		for (size_t k = 0; k < sizeof(consent) / sizeof(consent[0]); k++)
			if (consent[k] == rows[i].number)
				assert_non_null(
					strstr(w.err.text, "/adminconsent?client_id="));
	}
	/* The first that is known of several. */
	assert_int_equal(aadsts_find((const long[]){70002, 70008, 0})->number, 70008);
	assert_null(aadsts_find((const long[]){0}));
}

/* Both kinds of claims that carry permissions, what a token is for, and when it ends. */
static void odd_claims_are_said(void **state)
{
	static const struct {
		const char *claims;
		bool lacks;
		const char *says; /* in the log */
	} rows[] = {
		{"\"roles\":[\"SecurityAlert.Read.All\"]", false, NULL},
		{"\"roles\":[\"x\",\"SecurityAlert.ReadWrite.All\"]", false, NULL},
		{"\"scp\":\"openid SecurityAlert.Read.All\"", false, NULL},
		{"\"scp\":\"SecurityAlert.Read\"", false, NULL},
		{"\"scp\":\"SecurityAlert.ReadWrite\"", false, NULL},
		{"\"roles\":[\"SecurityAlert.Read\"]", true,
			"permission=SecurityAlert.Read.All consent=http://"},
		{"\"roles\":[\"SecurityIncident.Read.All\"]", true, "permission="},
		{"\"roles\":[\"SecurityAlert.Read.All.x\", 7, null]", true,
			"permission="},
		{"\"scp\":\"SecurityAlert.Read.Al SecurityAlert\"", true,
			"permission="},
		{"\"roles\":\"SecurityAlert.Read.All\"", true, "permission="},
		{"\"x\":1", true, "/adminconsent?client_id="},
		{"\"roles\":[\"SecurityAlert.Read.All\"],"
		 "\"aud\":\"https://graph.microsoft.com/\"",
			false, NULL},
		{"\"roles\":[\"SecurityAlert.Read.All\"],"
		 "\"aud\":\"00000003-0000-0000-c000-000000000000\"",
			false, NULL},
		{"\"roles\":[\"SecurityAlert.Read.All\"],"
		 "\"aud\":\"https://graph.windows.net\"",
			false,
			"audience=\"https://graph.windows.net\" "
			"wanted=https://graph.microsoft.com"},
		{"\"roles\":[\"SecurityAlert.Read.All\"],\"exp\":1767225301", false,
			NULL},
		{"\"roles\":[\"SecurityAlert.Read.All\"],\"exp\":1767225300", false,
			"set the clock (NTP) tenant=" TENANT
			" ends=2025-12-31T23:55:00Z clock=2025-12-31T23:55:00Z"},
	};
	struct fixture *f = *state;
	char path[] = "/tmp/test_token-XXXXXX", channel[50];
	struct error err;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	snprintf(channel, sizeof(channel), "file:%s", path);
	assert_int_equal(log_open(channel, &err), RC_OK);
	log_set_level(LOG_WARNING);
	f->login.options.permission = "SecurityAlert.Read.All";
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char json[400], body[1000], log[1000] = "";
		gnutls_datum_t in = {(unsigned char *)json, 0}, out;
		ssize_t n;

		in.size =
			(unsigned)snprintf(json, sizeof(json), "{%s}", rows[i].claims);
		assert_int_equal(gnutls_base64_encode2(&in, &out), 0);
		snprintf(body, sizeof(body),
			"{\"access_token\":\"e30.%.*s.c2ln\",\"expires_in\":3600}",
			(int)strcspn((char *)out.data, "="), out.data);
		gnutls_free(out.data);
		login_says(&f->login, 200, "", body);
		login_token(&f->login);
		assert_int_equal(ftruncate(fd, 0), 0);
		/* Said once for each change, not for each token. */
		for (int k = 0; k < 2; k++) {
			token_drop(f->login.token);
			assert_int_equal(login_ask(&f->login, NULL).rc, RC_OK);
		}
		assert_int_equal(token_lacks_roles(f->login.token), rows[i].lacks);
		n = pread(fd, log, sizeof(log) - 1, 0);
		assert_true(n >= 0);
		if (rows[i].says ? !strstr(log, rows[i].says) : *log)
			fail_msg("%s: %s", rows[i].claims, log);
		if (rows[i].says)
			assert_ptr_equal(strchr(log, '\n'), log + n - 1);
	}
	log_close();
	log_set_level(LOG_ERR);
	close(fd);
	unlink(path);
}

static void failures_are_remembered(void **state)
{
	static const struct {
		int status;
		const char *headers, *body;
		int64_t kept_ms;
	} rows[] = {
		{401, "", "{\"error\":\"invalid_client\",\"error_codes\":[7000215]}",
			60000},
		{400, "", "{\"error\":\"invalid_grant\",\"error_codes\":[50196]}",
			300000},
		{429, "Retry-After: 17\r\n", "", 17000},
		{429, "Retry-After: 99999\r\n", "", 3600000},
		{503, "Retry-After: 0\r\n", "", 1000},
		{503, "", "", 5000},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned before = server_requests(f->login.server);
		struct login_waiter w;
		enum rc rc;

		login_token(&f->login);
		login_says(&f->login, rows[i].status, rows[i].headers, rows[i].body);
		w = login_ask(&f->login, NULL);
		rc = w.rc;
		assert_int_equal(w.retry_after_ms, rows[i].kept_ms);
		clock_fake_pass(&f->clock, rows[i].kept_ms - 1);
		w = login_ask(&f->login, NULL);
		assert_int_equal(w.rc, rc);
		assert_int_equal(w.retry_after_ms, 1);
		assert_true(strlen(w.err.text) > 30);
		assert_int_equal(server_requests(f->login.server), before + 1);
		clock_fake_pass(&f->clock, 1);
		login_says_sample(&f->login, "token-ok.json");
		assert_int_equal(login_ask(&f->login, NULL).rc, RC_OK);
		assert_int_equal(server_requests(f->login.server), before + 2);
	}
	/* Nobody there. */
	f->login.options.login_root = "http://127.0.0.1:1/";
	login_token(&f->login);
	{
		struct login_waiter w = login_ask(&f->login, NULL);

		assert_int_equal(w.rc, RC_IO);
		assert_int_equal(w.retry_after_ms, 5000);
		no_secret(&w);
	}
}

static void waiters_share(void **state)
{
	enum { N = 20 };
	struct fixture *f = *state;
	struct login_waiter w[N];
	const char *bearer;

	login_says_sample(&f->login, "token-ok.json");
	for (int i = 0; i < N; i++) {
		w[i] = (struct login_waiter){.waiter = {.ready = login_ready}};
		assert_int_equal(
			token_get(f->login.token, &w[i].waiter, &bearer), RC_AGAIN);
	}
	assert_int_equal(token_get(f->login.token, &w[3].waiter, &bearer),
		RC_AGAIN); /* once more */
	token_cancel(f->login.token, &w[7].waiter);
	token_cancel(f->login.token, &w[7].waiter);
	login_turns(&f->login, &w[0].calls);
	for (int i = 0; i < N; i++) {
		assert_int_equal(w[i].calls, i != 7);
		if (i != 7)
			assert_int_equal(w[i].rc, RC_OK);
	}
	assert_int_equal(server_requests(f->login.server), 1);
	/* Freed while it asks. */
	token_drop(f->login.token);
	assert_int_equal(token_get(f->login.token, &w[0].waiter, &bearer), RC_AGAIN);
	token_cancel(f->login.token, &w[0].waiter);
	login_token(&f->login);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			gets_one_and_keeps_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(renews_early, set_up, tear_down),
		cmocka_unit_test_setup_teardown(short_lives, set_up, tear_down),
		cmocka_unit_test_setup_teardown(good_answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			rights_that_no_claim_names, set_up, tear_down),
		cmocka_unit_test_setup_teardown(claims, set_up, tear_down),
		cmocka_unit_test_setup_teardown(broken_answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sample_errors, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			numbers_of_the_facts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(odd_claims_are_said, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			failures_are_remembered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(waiters_share, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
