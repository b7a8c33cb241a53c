#include "config.h"

#include "fetch/token.h"

#include <libfastjson/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "fetch/error_answer.h"

#define ANSWER_MAX 65536
#define BEARER_MAX 32768
#define CLAIMS_MAX 24576
#define DEPTH_MAX 16
#define GUID_LENGTH 36

#define LIFE_MIN_S 2
#define LIFE_MAX_S (7 * 86400)
#define MINUTE_MS INT64_C(60000)
/* Facts 1.7: how long a failure is answered from memory. */
#define REFUSED_KEPT_MS MINUTE_MS
#define FAILED_KEPT_MS INT64_C(5000)
#define LOOP_KEPT_MS (5 * MINUTE_MS)

/* What a request needs while it runs; most tokens have none. */
struct asking {
	struct http_request http;
	struct token *token;
	struct strbuf url, form;
	char *answer;
	size_t answer_n, answer_room;
	int64_t sent_ms;
};

struct failure {
	struct error err;
	int64_t until_ms;
};

struct token {
	struct loop *loop;
	struct http *http;
	struct token_options options;
	char *bearer;
	int64_t renew_at_ms, ends_at_ms;
	struct list waiters;
	struct loop_call tell;
	struct asking *asking;
	struct failure *failure;
	uint32_t serial;
	bool lacks_roles;
	char tid[GUID_LENGTH +
		 1]; /* tenant of the tokens seen, when a domain was configured */
};

/* AADSTS numbers (facts 1.7). What is not here is judged by HTTP status and the word in "error". */
static const struct aadsts {
	long number;
	bool retry;
	bool consent; /* the action ends with the link for the customer's administrator */
	const char *meaning, *action;
} aadsts_rows[] = {
	{7000215, false, false, "the client secret is wrong",
		"configure the secret's Value, not its Secret ID, of this app "
		"registration"},
	{7000222, false, false, "the client secret has expired",
		"create a new secret in the app registration and configure it"},
	{7000218, false, false, "no client secret was sent",
		"configure a client secret"},
	{700025, false, false, "the app is a public client and must not send a secret",
		"make it a confidential client"},
	{700016, false, true, "the app is not known in this tenant",
		"check tenant id and cloud, or have the customer's administrator "
		"consent at"},
	{7000229, false, true, "the app has no service principal in this tenant",
		"have the customer's administrator consent at"},
	{7000112, false, false, "the app is disabled in this tenant",
		"have it enabled under Enterprise applications"},
	{70001, false, true, "the app is unknown or disabled in this tenant",
		"check tenant id and cloud, or have the customer's administrator "
		"consent at"},
	{700027, false, false, "the signature of the client assertion was not accepted",
		"upload the certificate to the app registration and check that its key "
		"is used"},
	{700024, false, false, "the client assertion is outside its time of validity",
		"set this machine's clock (NTP), or renew the token file"},
	{700021, false, false, "the client assertion names another app",
		"check client_id"},
	{700023, false, false, "the client assertion is meant for another audience",
		"check login address and tenant id"},
	{700030, false, false, "the certificate's subject or issuer is not allowed",
		"use the certificate that the app registration trusts"},
	{50012, false, false, "the client assertion was not accepted",
		"upload the certificate to the app registration and check that its key "
		"is used"},
	{50027, false, false, "the client assertion is malformed",
		"check the token file"},
	{50003, false, false, "the signing key is unknown", "check the certificate"},
	{70021, false, false,
		"no federated credential of the app matches the token file",
		"create it with this issuer, subject and audience; a new one takes "
		"minutes to work"},
	{70025, false, false, "the app has no federated credential", "create one"},
	{90002, false, false, "there is no such tenant", "check tenant id and cloud"},
	{900023, false, false, "the tenant id is malformed",
		"configure the tenant's GUID or one of its domains"},
	{90038, false, false, "the tenant is in another national cloud",
		"set login and API addresses of its cloud"},
	{900382, false, false, "the tenant is in another national cloud",
		"set login and API addresses of its cloud"},
	{900432, false, false, "the tenant is in another national cloud",
		"set login and API addresses of its cloud"},
	{9001023, false, false, "sign-in over \"common\" is not allowed for apps",
		"configure the tenant's GUID"},
	{500011, false, false, "the API is not known in this tenant",
		"check that the product is licensed there, and the scope"},
	{50001, false, false, "the API is not known in this tenant",
		"check that the product is licensed there, and the scope"},
	{650052, false, false, "the tenant lacks a service that the app asks for",
		"check the licence, then consent again"},
	{650056, false, true, "the app's permissions are misconfigured",
		"add the API permission to the app registration, then consent at"},
	{650057, false, true, "the permission is not listed in the app registration",
		"add the API permission to the app registration, then consent at"},
	{70011, false, false, "the scope is malformed", "use <API address>/.default"},
	{700022, false, false, "the scope names several APIs", "use one API only"},
	{65001, false, true, "nobody has consented to the app in this tenant",
		"have the customer's administrator consent at"},
	{65004, false, true, "consent was declined",
		"have the customer's administrator consent at"},
	{90094, false, true, "an administrator's consent is needed",
		"have the customer's administrator consent at"},
	{90099, false, true, "the app is not yet approved in this tenant",
		"have the customer's administrator consent at"},
	{50034, false, false, "the user is not in this tenant",
		"invite the user; check tenant id"},
	{50020, false, false, "the user's account is of another tenant",
		"invite the user"},
	{50053, false, false, "the user's account is locked",
		"ask the user's administrator"},
	{50055, false, false, "the user's password has expired",
		"ask the user's administrator"},
	{50057, false, false, "the user's account is disabled",
		"ask the user's administrator"},
	{50126, false, false, "user name or password are wrong",
		"ask the user's administrator"},
	{50072, false, false, "multi-factor sign-in is needed", "sign in again"},
	{50074, false, false, "multi-factor sign-in is needed", "sign in again"},
	{50076, false, false, "multi-factor sign-in is needed", "sign in again"},
	{50078, false, false, "the multi-factor sign-in has expired", "sign in again"},
	{50079, false, false, "multi-factor sign-in is needed", "sign in again"},
	{53000, false, false, "Conditional Access blocks the sign-in",
		"have this machine's address or the app exempted"},
	{53001, false, false, "Conditional Access blocks the sign-in",
		"have this machine's address or the app exempted"},
	{53002, false, false, "Conditional Access blocks the sign-in",
		"have this machine's address or the app exempted"},
	{53003, false, false, "Conditional Access blocks the sign-in",
		"have this machine's address or the app exempted"},
	{530032, false, false, "a security policy of the tenant blocks the sign-in",
		"have this machine's address or the app exempted"},
	{530034, false, false, "a security policy of the tenant blocks the sign-in",
		"have this machine's address or the app exempted"},
	{530035, false, false, "a security policy of the tenant blocks the sign-in",
		"have this machine's address or the app exempted"},
	{50173, false, false, "the sign-in was revoked", "sign in again"},
	{70000, false, false, "the refresh token is not valid", "sign in again"},
	{70008, false, false, "the refresh token has expired", "sign in again"},
	{700082, false, false, "the refresh token has expired unused", "sign in again"},
	{70043, false, false, "the sign-in frequency ended the refresh token",
		"sign in again"},
	{54005, false, false, "the code was already used", "sign in again"},
	{700005, false, false, "the code is for another tenant",
		"sign in at this tenant"},
	{70018, false, false, "the device code is wrong", "start again"},
	{70019, false, false, "the device code has expired", "start again"},
	{9002313, false, false, "the request is malformed",
		"check tenant id, client_id and scope"},
	{900144, false, false, "the request lacks a parameter",
		"check tenant id, client_id and scope"},
	{70016, true, false, "the sign-in is not finished", "waiting"},
	{501621, true, false, "login was too slow", "trying again"},
	{50196, true, false, "login was asked too often", "waiting"},
	{90055, true, false, "too many requests for this tenant", "waiting"},
	{50033, true, false, "login has a passing fault", "trying again"},
	{50087, true, false, "login has a passing fault", "trying again"},
	{90006, true, false, "login has a passing fault", "trying again"},
	{90012, true, false, "login was too slow", "trying again"},
	{90024, true, false, "login has a passing fault", "trying again"},
	{90033, true, false, "login has a passing fault", "trying again"},
	{90090, true, false, "login has a passing fault", "trying again"},
};

static const struct aadsts *aadsts_find(const long *numbers)
{
	for (; *numbers; numbers++)
		for (size_t i = 0; i < sizeof(aadsts_rows) / sizeof(aadsts_rows[0]);
			i++)
			if (aadsts_rows[i].number == *numbers)
				return &aadsts_rows[i];
	return NULL;
}

/* Memory that held a secret. */
static void wipe_free(void *p, size_t n)
{
	if (p)
		explicit_bzero(p, n);
	free(p);
}

static void strbuf_wipe(struct strbuf *b)
{
	if (b->room)
		explicit_bzero(b->p, b->room);
	strbuf_clear(b);
}

static bool is_guid(const char *s)
{
	if (strlen(s) != GUID_LENGTH)
		return false;
	for (size_t i = 0; i < GUID_LENGTH; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23
				? s[i] != '-'
				: !strchr("0123456789abcdefABCDEF", s[i]))
			return false;
	return true;
}

static int root_length(const char *root)
{
	size_t n = strlen(root);

	while (n && root[n - 1] == '/')
		n--;
	return (int)n;
}

const char *token_consent_link(const struct token *token, char out[TOKEN_LINK])
{
	snprintf(out, TOKEN_LINK, "%.*s/%s/adminconsent?client_id=%s",
		root_length(token->options.login_root), token->options.login_root,
		token->options.tenant_id, token->options.client_id);
	return out;
}

bool token_lacks_roles(const struct token *token)
{
	return token->lacks_roles;
}

uint32_t token_serial(const struct token *token)
{
	return token->serial;
}

static void bearer_wipe(struct token *token)
{
	wipe_free(token->bearer, token->bearer ? strlen(token->bearer) : 0);
	token->bearer = NULL;
}

static void failure_forget(struct token *token)
{
	free(token->failure);
	token->failure = NULL;
}

/* Remembers why, for so long; err is wrapped with the tenant here. */
static void failure_set(struct token *token, const struct error *err, int64_t kept_ms)
{
	if (!token->failure)
		token->failure = xmalloc(sizeof(*token->failure));
	token->failure->err = *err;
	error_wrap(&token->failure->err, "cannot sign in at tenant %s",
		token->options.tenant_id);
	token->failure->until_ms = loop_now_ms(token->loop) + kept_ms;
}

static bool failure_stands(const struct token *token)
{
	return token->failure && loop_now_ms(token->loop) < token->failure->until_ms;
}

/* The answer with a token. */

/* Takes the token out of the text and overwrites it there, so that it never enters the JSON
 * library, whose buffers nobody wipes. A token has no escapes. */
static char *bearer_cut_out(char *answer, size_t n)
{
	static const char key[] = "\"access_token\"";
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789-._~+/=";
	char *p = memmem(answer, n, key, sizeof(key) - 1), *bearer;
	size_t length;

	if (!p)
		return NULL;
	p += sizeof(key) - 1; /* answer is terminated */
	p += strspn(p, " \t\r\n");
	if (*p++ != ':')
		return NULL;
	p += strspn(p, " \t\r\n");
	if (*p++ != '"')
		return NULL;
	length = strspn(p, allowed);
	if (!length || length > BEARER_MAX || p[length] != '"')
		return NULL;
	bearer = xstrndup(p, length);
	memset(p, 'x', length);
	return bearer;
}

static struct fjson_object *json_parse(const char *p, size_t n)
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

static const char *member_text(struct fjson_object *object, const char *name)
{
	struct fjson_object *value;

	if (!fjson_object_object_get_ex(object, name, &value) ||
		!fjson_object_is_type(value, fjson_type_string))
		return NULL;
	return fjson_object_get_string(value);
}

/* Whole seconds, as a number or as digits in a string; -1 when neither. */
static int64_t member_seconds(struct fjson_object *object, const char *name)
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
		if (seconds <= LIFE_MAX_S)
			seconds = seconds * 10 + (*p - '0');
	return *p && *p != '.' ? -1 : seconds;
}

static int base64url_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* The claims of a JWT; NULL when it is none (the token is opaque by contract). */
static struct fjson_object *claims_of(const char *bearer)
{
	const char *p = strchr(bearer, '.'), *end = p ? strchr(p + 1, '.') : NULL;
	struct fjson_object *claims;
	char *text;
	size_t used = 0;
	uint32_t bits = 0;
	int count = 0;

	if (!end || end - p > CLAIMS_MAX)
		return NULL;
	text = xmalloc((size_t)(end - p));
	for (p++; p < end && *p != '='; p++) {
		int value = base64url_value(*p);

		if (value < 0)
			break;
		bits = bits << 6 | (uint32_t)value;
		count += 6;
		if (count >= 8) {
			count -= 8;
			text[used++] = (char)(bits >> count);
		}
	}
	claims = json_parse(text, used);
	free(text);
	return claims;
}

static enum rc claims_check(struct token *token, const char *bearer, struct error *err)
{
	const struct token_options *options = &token->options;
	struct fjson_object *claims = claims_of(bearer), *roles = NULL;
	const char *tid, *want;
	enum rc rc = RC_OK;
	bool lacks;

	if (!claims) {
		log_write(LOG_DEBUG, "the access token cannot be looked into",
			"tenant=%s", options->tenant_id);
		token->lacks_roles = false;
		return RC_OK;
	}
	tid = member_text(claims, "tid");
	want = is_guid(options->tenant_id) ? options->tenant_id : token->tid;
	if (tid && is_guid(tid)) {
		if (!*want)
			memcpy(token->tid, tid, sizeof(token->tid));
		else if (strcasecmp(tid, want) != 0)
			rc = error_set(err, RC_AUTH,
				"login gave a token of tenant %s instead of %s: check "
				"tenant id "
				"and login address; nothing is asked with it",
				tid, want);
	}
	lacks = !(fjson_object_object_get_ex(claims, "roles", &roles) &&
			fjson_object_is_type(roles, fjson_type_array) &&
			fjson_object_array_length(roles) > 0) &&
		!member_text(claims, "scp");
	if (rc == RC_OK && lacks != token->lacks_roles) {
		char link[TOKEN_LINK];

		if (lacks)
			log_write(LOG_WARNING,
				"no permission was granted to the app in this tenant, "
				"its "
				"administrator must consent",
				"tenant=%s consent=%s", options->tenant_id,
				token_consent_link(token, link));
		else
			log_write(LOG_INFO,
				"permissions were granted to the app in this tenant",
				"tenant=%s", options->tenant_id);
	}
	token->lacks_roles = lacks;
	fjson_object_put(claims);
	return rc;
}

static void life_set(
	struct token *token, int64_t from_ms, int64_t life_s, int64_t hint_s)
{
	int64_t life = life_s * 1000, renew, spare = life / 10;
	double jitter = loop_random(token->loop);

	if (life >= 25 * MINUTE_MS)
		renew = life - 5 * MINUTE_MS - (int64_t)(jitter * (double)MINUTE_MS);
	else
		renew = life * 4 / 5 - (int64_t)(jitter * 0.05 * (double)life);
	if (hint_s > 0 && hint_s * 1000 < renew)
		renew = hint_s * 1000 > spare ? hint_s * 1000 : spare;
	token->renew_at_ms = from_ms + renew;
	token->ends_at_ms = from_ms + life - (spare < 30000 ? spare : 30000);
}

static enum rc answer_accept(
	struct token *token, struct asking *asking, struct error *err)
{
	char *bearer = bearer_cut_out(asking->answer, asking->answer_n);
	struct fjson_object *top = json_parse(asking->answer, asking->answer_n);
	const char *text = top ? member_text(top, "access_token") : NULL;
	int64_t life_s = top ? member_seconds(top, "expires_in") : -1;
	int64_t hint_s = top ? member_seconds(top, "refresh_in") : -1;
	enum rc rc = RC_OK;

	if (!bearer || !text || strlen(text) != strlen(bearer))
		rc = error_set(err, RC_PROTO,
			"%.*s answered 200, but with no access token that can be used: "
			"check the "
			"login address",
			root_length(token->options.login_root),
			token->options.login_root);
	else if (life_s < LIFE_MIN_S)
		rc = error_set(err, RC_PROTO,
			"login gave a token without a usable time of life "
			"(expires_in)");
	if (rc == RC_OK)
		rc = claims_check(token, bearer, err);
	fjson_object_put(top);
	if (rc != RC_OK) {
		wipe_free(bearer, bearer ? strlen(bearer) : 0);
		return rc;
	}
	bearer_wipe(token);
	token->bearer = bearer;
	token->serial++;
	failure_forget(token);
	life_set(token, asking->sent_ms, life_s < LIFE_MAX_S ? life_s : LIFE_MAX_S,
		hint_s);
	return RC_OK;
}

/* The answer without one. Returns how long it is to be remembered. */

static int64_t kept_for(const struct http_result *result, int64_t otherwise)
{
	int64_t kept_ms =
		result->retry_after_ms >= 0 ? result->retry_after_ms : otherwise;

	return kept_ms < 1000 ? 1000 : kept_ms; /* "at once" would be a loop */
}

static int64_t refused(struct token *token, const struct http_result *result,
	const struct error_answer *answer, struct error *err)
{
	const struct aadsts *row = aadsts_find(answer->numbers);
	bool passing = result->status == 408 || result->status == 429 ||
		       result->status >= 500 ||
		       !strcmp(answer->code, "temporarily_unavailable") ||
		       !strcmp(answer->code, "server_error");
	char link[TOKEN_LINK], trace[90] = "";

	if (*answer->request_id)
		snprintf(trace, sizeof(trace), "; trace id %s", answer->request_id);
	if (row && (row->retry || !passing)) {
		error_set(err, row->retry ? RC_AGAIN : RC_AUTH,
			"%s (AADSTS%ld, HTTP %ld): %s%s%s%s", row->meaning, row->number,
			result->status, row->action, row->consent ? " " : "",
			row->consent ? token_consent_link(token, link) : "", trace);
	} else {
		error_set(err, passing ? RC_AGAIN : RC_AUTH,
			"login said (HTTP %ld) %s: %.250s%s", result->status,
			answer->code, answer->message, trace);
	}
	if (row && row->number == 50196)
		return kept_for(result, LOOP_KEPT_MS);
	if (result->status == 429 || result->status >= 500)
		return kept_for(result, FAILED_KEPT_MS);
	return REFUSED_KEPT_MS;
}

static int64_t answer_refused(struct token *token, struct asking *asking,
	const struct http_result *result, struct error *err)
{
	const char *root = token->options.login_root;
	int root_n = root_length(root);
	struct error_answer answer;
	long status = result->status;

	if (status >= 300 && status < 400) {
		error_set(err, RC_PROTO,
			"%.*s sends us elsewhere (HTTP %ld), which is never followed: "
			"check the "
			"login address",
			root_n, root, status);
		return REFUSED_KEPT_MS;
	}
	if (error_answer_parse(asking->answer, asking->answer_n, &answer) &&
		*answer.code)
		return refused(token, result, &answer, err);
	if (status == 429 || status >= 500) {
		error_set(err, RC_AGAIN, "%.*s %s (HTTP %ld)", root_n, root,
			status == 429 ? "wants us to slow down" : "is out of order",
			status);
		return kept_for(result, FAILED_KEPT_MS);
	}
	error_set(err, RC_PROTO,
		"%.*s answered with HTTP %ld and no answer of a login service: check "
		"the login "
		"address and any proxy between",
		root_n, root, status);
	return REFUSED_KEPT_MS;
}

/* The request. */

static bool asking_prepare(struct http_request *request)
{
	struct asking *asking = CONTAINER_OF(request, struct asking, http);
	const struct token_options *options = &asking->token->options;
	const char *const fields[][2] = {
		{"client_id", options->client_id},
		{options->v1 ? "resource" : "scope",
			options->v1 ? options->resource : options->scope},
		{"client_secret", options->client_secret},
		{"grant_type", "client_credentials"},
	};
	size_t room = 100;

	strbuf_addf(&asking->url, "%.*s/%s/oauth2/%stoken",
		root_length(options->login_root), options->login_root,
		options->tenant_id, options->v1 ? "" : "v2.0/");
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		room += strlen(fields[i][0]) + 3 * strlen(fields[i][1]);
	strbuf_reserve(&asking->form, room); /* it never moves, so one wipe gets all */
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
					    "qrstuvwxyz0123456789-._~";

		strbuf_addf(&asking->form, "%s%s=", i ? "&" : "", fields[i][0]);
		for (const char *p = fields[i][1]; *p; p++)
			if (strchr(plain, *p))
				strbuf_addc(&asking->form, *p);
			else
				strbuf_addf(&asking->form, "%%%02X", (unsigned char)*p);
	}
	request->url = asking->url.p;
	request->form = asking->form.p;
	asking->sent_ms = loop_now_ms(asking->token->loop);
	return true;
}

static enum rc asking_body(
	struct http_request *request, const char *p, size_t n, struct error *err)
{
	struct asking *asking = CONTAINER_OF(request, struct asking, http);

	if (asking->answer_n + n > ANSWER_MAX)
		return error_set(err, RC_PROTO, "login answered with more than %d KB",
			ANSWER_MAX / 1024);
	if (asking->answer_n + n + 1 > asking->answer_room) {
		size_t room = asking->answer_room ? asking->answer_room : 4096;
		char *answer;

		while (room < asking->answer_n + n + 1)
			room *= 2;
		answer = xmalloc(room);
		if (asking->answer_n)
			memcpy(answer, asking->answer, asking->answer_n);
		wipe_free(asking->answer, asking->answer_n);
		asking->answer = answer;
		asking->answer_room = room;
	}
	memcpy(asking->answer + asking->answer_n, p, n);
	asking->answer_n += n;
	asking->answer[asking->answer_n] = '\0';
	return RC_OK;
}

static void asking_free(struct asking *asking)
{
	if (!asking)
		return;
	strbuf_clear(&asking->url);
	strbuf_wipe(&asking->form);
	wipe_free(asking->answer, asking->answer_n);
	free(asking);
}

static void waiters_tell(struct token *token)
{
	struct list now;
	enum rc rc = RC_OK;
	int64_t wait_ms = -1;
	struct error err = {0};

	if (failure_stands(token)) {
		err = token->failure->err;
		rc = err.code;
		wait_ms = token->failure->until_ms - loop_now_ms(token->loop);
	}
	list_init(&now);
	list_splice(&now, &token->waiters);
	while (!list_empty(&now)) {
		struct token_waiter *waiter =
			CONTAINER_OF(now.next, struct token_waiter, node);

		list_remove(&waiter->node);
		waiter->waiting = false;
		waiter->ready(waiter, rc, wait_ms, &err);
	}
}

static void tell(struct loop_call *call)
{
	waiters_tell(CONTAINER_OF(call, struct token, tell));
}

static void asking_done(struct http_request *request, const struct http_result *result)
{
	struct asking *asking = CONTAINER_OF(request, struct asking, http);
	struct token *token = asking->token;
	struct error err = result->error;

	token->asking = NULL;
	if (result->rc != RC_OK) {
		failure_set(token, &err, FAILED_KEPT_MS);
	} else if (result->status == 200) {
		if (!asking->answer)
			(void)asking_body(request, "", 0, NULL);
		if (answer_accept(token, asking, &err) != RC_OK)
			failure_set(token, &err, REFUSED_KEPT_MS);
	} else {
		int64_t kept_ms = answer_refused(token, asking, result, &err);

		failure_set(token, &err, kept_ms);
	}
	asking_free(asking);
	waiters_tell(token);
}

static void ask(struct token *token)
{
	struct asking *asking = xcalloc(1, sizeof(*asking));

	asking->token = token;
	asking->http = (struct http_request){
		.prepare = asking_prepare, .body = asking_body, .done = asking_done};
	strbuf_init(&asking->url, 4096);
	strbuf_init(&asking->form, 65536);
	token->asking = asking;
	http_start(token->http, &asking->http);
}

enum rc token_get(struct token *token, struct token_waiter *waiter, const char **bearer)
{
	int64_t now = loop_now_ms(token->loop);

	if (token->bearer && now < token->ends_at_ms) {
		if (now >= token->renew_at_ms && !token->asking &&
			!failure_stands(token))
			ask(token);
		*bearer = token->bearer;
		return RC_OK;
	}
	if (!waiter->waiting) {
		waiter->waiting = true;
		list_append(&token->waiters, &waiter->node);
	}
	if (failure_stands(token))
		loop_defer(token->loop, &token->tell);
	else if (!token->asking)
		ask(token);
	return RC_AGAIN;
}

void token_cancel(struct token *token, struct token_waiter *waiter)
{
	(void)token;
	if (!waiter->waiting)
		return;
	waiter->waiting = false;
	list_remove(&waiter->node);
}

void token_drop(struct token *token)
{
	bearer_wipe(token);
}

struct token *token_new(
	struct loop *loop, struct http *http, const struct token_options *options)
{
	struct token *token = xcalloc(1, sizeof(*token));

	token->loop = loop;
	token->http = http;
	token->options = *options;
	list_init(&token->waiters);
	token->tell.run = tell;
	return token;
}

void token_free(struct token *token)
{
	if (!token)
		return;
	if (token->asking)
		http_cancel(token->http, &token->asking->http);
	asking_free(token->asking);
	loop_defer_cancel(token->loop, &token->tell);
	bearer_wipe(token);
	failure_forget(token);
	free(token);
}
