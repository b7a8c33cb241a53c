#include "config.h"

#include "fetch/token.h"

#include <libfastjson/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "fetch/aadsts.h"
#include "fetch/error_answer.h"
#include "fetch/secret.h"
#include "fetch/token_answer.h"

/* Three secrets of 64 KB with every octet encoded. */
#define FORM_MAX 1048576
#define CLAIMS_MAX 24576
#define GUID_LENGTH 36
/* Both secrets, then both as they are in the files now. */
#define ATTEMPTS_MAX 4

#define LIFE_MIN_S 2
#define LIFE_MAX_S (7 * 86400)
#define MINUTE_MS INT64_C(60000)
/* Facts 1.7: how long a failure is answered from memory. */
#define REFUSED_KEPT_MS MINUTE_MS
#define FAILED_KEPT_MS INT64_C(5000)
#define LOOP_KEPT_MS (5 * MINUTE_MS)
/* What an operator must mend is asked again at a growing interval up to this. */
#define REFUSED_KEPT_MAX_MS (15 * MINUTE_MS)

/* What a request needs while it runs; most tokens have none. */
struct asking {
	struct http_request http;
	struct credential_use use;
	struct token *token;
	struct strbuf url, form;
	struct token_answer answer;
	unsigned attempts;
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
	unsigned refusals; /* in a row */
	bool lacks_roles, other_audience, ended; /* what was said about the last one */
	/* tenant of the tokens seen, when a domain was configured */
	char tid[GUID_LENGTH + 1];
};

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
	secret_free(token->bearer);
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
	claims = token_answer_parse(text, used);
	free(text);
	return claims;
}

/* `word` stands for itself, and for the right to write, which includes it; for a user it has no
 * ".All" where the app's has it (facts 1.10). */
static bool permits(const char *granted, size_t n, const char *needed, bool user)
{
	static const char read[] = ".Read", write[] = ".ReadWrite", all[] = ".All";
	const char *rest = strstr(needed, read);
	size_t before, after;

	if (n == strlen(needed) && !strncasecmp(granted, needed, n))
		return true;
	if (!rest)
		return false;
	before = (size_t)(rest - needed);
	rest += sizeof(read) - 1;
	if (n < before || strncasecmp(granted, needed, before) != 0)
		return false;
	granted += before;
	n -= before;
	if (n >= sizeof(write) - 1 && !strncasecmp(granted, write, sizeof(write) - 1))
		after = sizeof(write) - 1;
	else if (n >= sizeof(read) - 1 && !strncasecmp(granted, read, sizeof(read) - 1))
		after = sizeof(read) - 1;
	else
		return false;
	granted += after;
	n -= after;
	if (n == strlen(rest) && !strncasecmp(granted, rest, n))
		return true;
	return user && n == 0 && !strcasecmp(rest, all);
}

/* Whether the token carries what the source needs, or anything where that is not known. */
static bool is_permitted(struct fjson_object *claims, const char *needed)
{
	const char *scp = token_answer_text(claims, "scp");
	struct fjson_object *roles = NULL;

	if (fjson_object_object_get_ex(claims, "roles", &roles) &&
		fjson_object_is_type(roles, fjson_type_array))
		for (int i = 0; i < fjson_object_array_length(roles); i++) {
			struct fjson_object *role =
				fjson_object_array_get_idx(roles, i);
			const char *text = fjson_object_is_type(role, fjson_type_string)
						   ? fjson_object_get_string(role)
						   : NULL;

			if (text &&
				(!needed || permits(text, strlen(text), needed, false)))
				return true;
		}
	while (scp && *scp) {
		size_t n = strcspn(scp, " ");

		if (n && (!needed || permits(scp, n, needed, true)))
			return true;
		scp += n + strspn(scp + n, " ");
	}
	return false;
}

static void permission_check(struct token *token, struct fjson_object *claims)
{
	const struct token_options *options = &token->options;
	/* What the SIEM API wants is no permission that a token names (facts 1.10). */
	bool lacks = !(options->v1 && !options->permission) &&
		     !is_permitted(claims, options->permission);
	char link[TOKEN_LINK];

	if (lacks && !token->lacks_roles)
		log_write(LOG_WARNING,
			"the app has not the permission it needs in this tenant: add "
			"it "
			"to the app registration, then its administrator must consent",
			"tenant=%s permission=%s consent=%s", options->tenant_id,
			options->permission ? options->permission : "any",
			token_consent_link(token, link));
	else if (!lacks && token->lacks_roles)
		log_write(LOG_INFO,
			"permissions were granted to the app in this tenant",
			"tenant=%s", options->tenant_id);
	token->lacks_roles = lacks;
}

/* The API that was asked for, without what the v2 endpoint wants after it. */
static size_t resource_of(const struct token_options *options, const char **resource)
{
	static const char suffix[] = "/.default";
	size_t n;

	*resource = options->v1 ? options->resource : options->scope;
	n = strlen(*resource);
	if (n >= sizeof(suffix) &&
		!strcmp(*resource + n - (sizeof(suffix) - 1), suffix))
		n -= sizeof(suffix) - 1;
	while (n && (*resource)[n - 1] == '/')
		n--;
	return n;
}

/* A GUID is the API's app id, which cannot be compared. */
static void audience_check(struct token *token, struct fjson_object *claims)
{
	const char *aud = token_answer_text(claims, "aud"), *want;
	size_t n = resource_of(&token->options, &want), aud_n = aud ? strlen(aud) : 0;
	char quoted[200];
	bool other;

	while (aud_n && aud[aud_n - 1] == '/')
		aud_n--;
	other = aud_n && !is_guid(aud) &&
		(aud_n != n || strncasecmp(aud, want, n) != 0);
	if (other && !token->other_audience)
		log_write(LOG_WARNING,
			"login gave a token for another API than was asked for, which "
			"will refuse it: check the address and audience of the API",
			"tenant=%s audience=%s wanted=%.*s", token->options.tenant_id,
			log_quote(quoted, sizeof(quoted), aud, strlen(aud)), (int)n,
			want);
	token->other_audience = other;
}

static void end_check(struct token *token, struct fjson_object *claims)
{
	int64_t ends_s = token_answer_seconds(claims, "exp"),
		now_s = clock_wall(loop_clock(token->loop)) / TICKS_PER_S;
	bool ended = ends_s >= 0 && ends_s <= now_s;
	char ends[TIME_TEXT], now[TIME_TEXT];

	if (ended && !token->ended) {
		time_format(ends_s * TICKS_PER_S, 0, ends);
		time_format(now_s * TICKS_PER_S, 0, now);
		log_write(LOG_WARNING,
			"a new access token is over already by this machine's clock: "
			"set the clock (NTP)",
			"tenant=%s ends=%s clock=%s", token->options.tenant_id, ends,
			now);
	}
	token->ended = ended;
}

static enum rc tenant_check(
	struct token *token, struct fjson_object *claims, struct error *err)
{
	const char *configured = token->options.tenant_id,
		   *tid = token_answer_text(claims, "tid"),
		   *want = is_guid(configured) ? configured : token->tid;

	if (!tid || !is_guid(tid))
		return RC_OK;
	if (!*want)
		memcpy(token->tid, tid, sizeof(token->tid));
	else if (strcasecmp(tid, want) != 0)
		return error_set(err, RC_AUTH,
			"login gave a token of tenant %s instead of %s: check tenant "
			"id and login address; nothing is asked with it",
			tid, want);
	return RC_OK;
}

static enum rc claims_check(struct token *token, const char *bearer, struct error *err)
{
	struct fjson_object *claims = claims_of(bearer);
	enum rc rc;

	if (!claims) {
		log_write(LOG_DEBUG, "the access token cannot be looked into",
			"tenant=%s", token->options.tenant_id);
		token->lacks_roles = false;
		return RC_OK;
	}
	rc = tenant_check(token, claims, err);
	if (rc == RC_OK) {
		permission_check(token, claims);
		audience_check(token, claims);
		end_check(token, claims);
	}
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

static enum rc answer_check(struct token *token, struct token_answer *answer,
	const char *bearer, int64_t *life_s, int64_t *hint_s, struct error *err)
{
	struct fjson_object *top =
		answer->p ? token_answer_parse(answer->p, answer->n) : NULL;
	const char *text = top ? token_answer_text(top, "access_token") : NULL;
	enum rc rc = RC_OK;

	*life_s = top ? token_answer_seconds(top, "expires_in") : -1;
	*hint_s = top ? token_answer_seconds(top, "refresh_in") : -1;
	if (!bearer || !text || strlen(text) != strlen(bearer))
		rc = error_set(err, RC_PROTO,
			"%.*s answered 200, but with no access token that can be used: "
			"check the login address",
			root_length(token->options.login_root),
			token->options.login_root);
	else if (*life_s < LIFE_MIN_S)
		rc = error_set(err, RC_PROTO,
			"login gave a token without a usable time of life "
			"(expires_in)");
	fjson_object_put(top);
	return rc;
}

static enum rc answer_accept(
	struct token *token, struct asking *asking, struct error *err)
{
	char *bearer = token_answer_cut(&asking->answer, "access_token"),
	     *refresh = token_answer_cut(&asking->answer, "refresh_token");
	int64_t life_s, hint_s;
	enum rc rc =
		answer_check(token, &asking->answer, bearer, &life_s, &hint_s, err);

	if (rc == RC_OK)
		rc = credential_accepted(
			token->options.credential, &asking->use, refresh, err);
	secret_free(refresh);
	if (rc == RC_OK)
		rc = claims_check(token, bearer, err);
	if (rc != RC_OK) {
		secret_free(bearer);
		return rc;
	}
	bearer_wipe(token);
	token->bearer = bearer;
	token->serial++;
	token->refusals = 0;
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

/* 1, 2, 4, 8, 15, 15 ... minutes, so that a repair is noticed soon and login is left in peace. */
static int64_t refused_kept(struct token *token)
{
	int64_t kept_ms = REFUSED_KEPT_MS
			  << (token->refusals < 4 ? token->refusals : 4);

	token->refusals++;
	return kept_ms < REFUSED_KEPT_MAX_MS ? kept_ms : REFUSED_KEPT_MAX_MS;
}

static int64_t refused(struct token *token, const struct http_result *result,
	const struct error_answer *answer, const char *note, struct error *err)
{
	const struct aadsts *row = aadsts_find(answer->numbers);
	bool passing = result->status == 408 || result->status == 429 ||
		       result->status >= 500 ||
		       !strcmp(answer->code, "temporarily_unavailable") ||
		       !strcmp(answer->code, "server_error");
	char link[TOKEN_LINK], trace[200] = "";

	if (*answer->request_id)
		snprintf(trace, sizeof(trace),
			"; for Microsoft's support: trace id %s, correlation id %s",
			answer->request_id, answer->correlation_id);
	if (row && (row->retry || !passing)) {
		error_set(err, row->retry ? RC_AGAIN : RC_AUTH,
			"%s (AADSTS%ld, HTTP %ld): %s%s%s%s%s%s%s", row->meaning,
			row->number, result->status, row->action,
			row->consent ? " " : "",
			row->consent ? token_consent_link(token, link) : "",
			*note ? " (" : "", note, *note ? ")" : "", trace);
	} else {
		error_set(err, passing ? RC_AGAIN : RC_AUTH,
			"login said (HTTP %ld) %s: %.250s%s%s%s%s", result->status,
			answer->code, answer->message, *note ? " (" : "", note,
			*note ? ")" : "", trace);
	}
	if (row && row->number == 50196)
		return kept_for(result, LOOP_KEPT_MS);
	if (result->status == 429 || result->status >= 500)
		return kept_for(result, FAILED_KEPT_MS);
	return err->code == RC_AUTH ? refused_kept(token) : REFUSED_KEPT_MS;
}

/* -1: something else is to be tried at once. */
static int64_t answer_refused(struct token *token, struct asking *asking,
	const struct http_result *result, struct error *err)
{
	const char *root = token->options.login_root;
	int root_n = root_length(root);
	struct error_answer answer;
	char note[CREDENTIAL_NOTE];
	long status = result->status;

	if (status >= 300 && status < 400) {
		error_set(err, RC_PROTO,
			"%.*s sends us elsewhere (HTTP %ld), which is never followed: "
			"check the "
			"login address",
			root_n, root, status);
		return REFUSED_KEPT_MS;
	}
	if (asking->answer.p &&
		error_answer_parse(asking->answer.p, asking->answer.n, &answer) &&
		*answer.code) {
		if (credential_refused(
			    token->options.credential, &asking->use, &answer, note) &&
			asking->attempts < ATTEMPTS_MAX)
			return -1;
		return refused(token, result, &answer, note, err);
	}
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

static void asking_free(struct asking *asking)
{
	if (!asking)
		return;
	credential_release(asking->token->options.credential, &asking->use);
	strbuf_clear(&asking->url);
	strbuf_wipe(&asking->form);
	token_answer_clear(&asking->answer);
	free(asking);
}

/* It could not even be sent. Who waits hears of it from the loop. */
static void asking_fail(struct asking *asking, const struct error *err, int64_t kept_ms)
{
	struct token *token = asking->token;

	if (kept_ms < 0)
		kept_ms = err->code == RC_AUTH ? REFUSED_KEPT_MS : FAILED_KEPT_MS;
	failure_set(token, err, kept_ms);
	token->asking = NULL;
	asking_free(asking);
	loop_defer(token->loop, &token->tell);
}

static bool asking_prepare(struct http_request *request)
{
	struct asking *asking = CONTAINER_OF(request, struct asking, http);
	const struct token_options *options = &asking->token->options;
	struct strbuf scope;
	struct error err;

	strbuf_wipe(&asking->form);
	form_add(&asking->form, "client_id", options->client_id);
	if (options->v1) {
		form_add(&asking->form, "resource", options->resource);
	} else {
		strbuf_init(&scope, 4096);
		strbuf_adds(&scope, options->scope);
		/* Without it the v2 endpoint gives no refresh token in the old one's place. */
		if (credential_is_user(options->credential))
			strbuf_adds(&scope, " offline_access");
		form_add(&asking->form, "scope", scope.p);
		strbuf_clear(&scope);
	}
	if (credential_fill(options->credential, &asking->use, &asking->form, &err) !=
		RC_OK) {
		asking_fail(asking, &err, -1);
		return false;
	}
	request->url = asking->url.p;
	request->form = asking->form.p;
	asking->attempts++;
	asking->sent_ms = loop_now_ms(asking->token->loop);
	return true;
}

static enum rc asking_body(
	struct http_request *request, const char *p, size_t n, struct error *err)
{
	struct asking *asking = CONTAINER_OF(request, struct asking, http);

	return token_answer_add(&asking->answer, p, n, "login", err);
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

static void asking_start(struct asking *asking)
{
	struct token *token = asking->token;
	struct error err;
	enum rc rc = credential_prepare(token->options.credential, &asking->use, &err);

	token_answer_clear(&asking->answer);
	if (rc == RC_OK)
		http_start(token->http, &asking->http);
	else if (!asking->use.waiting)
		asking_fail(asking, &err, -1);
}

static void asking_ready(struct credential_use *use, enum rc rc, int64_t retry_after_ms,
	const struct error *err)
{
	struct asking *asking = CONTAINER_OF(use, struct asking, use);

	if (rc == RC_OK)
		http_start(asking->token->http, &asking->http);
	else
		asking_fail(asking, err, retry_after_ms);
}

static void asking_done(struct http_request *request, const struct http_result *result)
{
	struct asking *asking = CONTAINER_OF(request, struct asking, http);
	struct token *token = asking->token;
	struct error err = result->error;

	if (result->rc != RC_OK) {
		failure_set(token, &err, FAILED_KEPT_MS);
	} else if (result->status == 200) {
		if (answer_accept(token, asking, &err) != RC_OK)
			failure_set(token, &err, REFUSED_KEPT_MS);
	} else {
		int64_t kept_ms = answer_refused(token, asking, result, &err);

		if (kept_ms < 0) {
			asking_start(asking);
			return;
		}
		failure_set(token, &err, kept_ms);
	}
	token->asking = NULL;
	asking_free(asking);
	waiters_tell(token);
}

static void ask(struct token *token)
{
	const struct token_options *options = &token->options;
	struct asking *asking = xcalloc(1, sizeof(*asking));

	asking->token = token;
	asking->http = (struct http_request){
		.prepare = asking_prepare, .body = asking_body, .done = asking_done};
	strbuf_init(&asking->url, 4096);
	strbuf_init(&asking->form, FORM_MAX);
	strbuf_addf(&asking->url, "%.*s/%s/oauth2/%stoken",
		root_length(options->login_root), options->login_root,
		options->tenant_id, options->v1 ? "" : "v2.0/");
	asking->use = (struct credential_use){.url = asking->url.p,
		.client_id = options->client_id,
		.ready = asking_ready};
	token->asking = asking;
	asking_start(asking);
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
