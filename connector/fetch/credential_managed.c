/* The managed identity of an Azure machine (IMDS) or app (App Service, Functions, Container Apps):
 * its token is the assertion of the multi-tenant app at the customer's token endpoint. Facts 1.2.
 * One token serves all tenants of the app, so it is kept until shortly before its end. */
#include "config.h"

#include <libfastjson/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "fetch/credential_way.h"
#include "fetch/error_answer.h"
#include "fetch/http.h"
#include "fetch/http_text.h"
#include "fetch/secret.h"
#include "fetch/token_answer.h"

#define MINUTE_MS INT64_C(60000)
#define WHO "the managed identity endpoint"
#define LIFE_MAX_S (2 * 86400)
#define HEADER_MAX 1024
#define APP_SERVICE_HEADER "X-IDENTITY-HEADER: "
/* Longest time until IMDS, being updated, is there again: facts 1.2. */
#define GONE_MS INT64_C(70000)
#define FAILED_KEPT_MS (30 * INT64_C(1000))

/* Microsoft's schedule: pauses before each attempt. */
static const int64_t pauses_ms[] = {0, 2000, 6000, 14000, 30000};
#define ATTEMPTS (sizeof(pauses_ms) / sizeof(*pauses_ms))

struct managed_part {
	struct credential_part part;
	struct http *http;
	struct http_request request;
	struct strbuf url;
	char *header; /* with the secret of the App Service form */
	const char *headers[2];
	struct token_answer answer;
	char *token;
	int64_t ends_ms;
	struct list waiters;
	struct loop_timer timer;
	bool asking; /* a request or the pause before it */
	unsigned attempt;
	int64_t sent_ms;
	struct error failure;
	int64_t failed_until_ms;
};

/* The App Service form, where there is one and no other place was configured. */
static const char *app_service(const struct credential_options *options)
{
	const char *endpoint = getenv("IDENTITY_ENDPOINT");

	if (options->imds_root || !getenv("IDENTITY_HEADER"))
		return NULL;
	return endpoint && *endpoint ? endpoint : NULL;
}

/* What http.c never sends through a proxy: the answer is for this machine alone. */
static enum rc check_local(const char *url, struct error *err)
{
	static const char *const locals[] = {"http://localhost:", "http://127.",
		"http://[::1]:", "http://169.254.", "https://localhost:"};
	char origin[HTTP_ORIGIN];

	if (http_origin(url, strlen(url), origin, sizeof(origin)))
		for (size_t i = 0; i < sizeof(locals) / sizeof(*locals); i++)
			if (!strncmp(origin, locals[i], strlen(locals[i])))
				return RC_OK;
	return error_set(err, RC_AUTH,
		"%.200s is not on this machine or its link, where managed identities "
		"have their tokens; write " IMDS_ROOT " or http://127.0.0.1:PORT",
		url);
}

/* It goes into a header as it is. */
static enum rc check_header(const char *value, struct error *err)
{
	size_t n = strlen(value);

	for (const char *c = value; *c; c++)
		if ((unsigned char)*c < 32 || *c == 127)
			n = HEADER_MAX;
	return n < HEADER_MAX - sizeof(APP_SERVICE_HEADER)
		       ? RC_OK
		       : error_set(err, RC_AUTH,
				 "IDENTITY_HEADER of the environment is too long or "
				 "has "
				 "control characters; Azure's is a GUID");
}

static enum rc check_place(const struct credential_options *options, struct error *err)
{
	const char *endpoint = app_service(options);

	if (endpoint && check_local(endpoint, err) != RC_OK)
		return error_wrap(err, "IDENTITY_ENDPOINT");
	if (endpoint)
		return check_header(getenv("IDENTITY_HEADER"), err);
	return options->imds_root ? check_local(options->imds_root, err) : RC_OK;
}

void credential_managed_check(const struct credential_options *options,
	credential_wrong *wrong, void *context)
{
	struct error err;

	if (check_place(options, &err) != RC_OK)
		wrong(context, options->imds_root ? "imds_root" : "managed_identity",
			err.text);
}

static void token_forget(struct managed_part *part)
{
	secret_free(part->token);
	part->token = NULL;
}

static void tell_all(struct managed_part *part, enum rc rc, int64_t retry_after_ms)
{
	struct error err = part->failure;
	struct list now;

	part->asking = false;
	part->attempt = 0;
	list_init(&now);
	list_splice(&now, &part->waiters);
	while (!list_empty(&now)) {
		struct credential_use *use =
			CONTAINER_OF(now.next, struct credential_use, node);

		list_remove(&use->node);
		use->waiting = false;
		use->ready(use, rc, retry_after_ms, &err);
	}
}

static void fail(struct managed_part *part, enum rc rc, int64_t kept_ms)
{
	part->failure.code = rc;
	part->failed_until_ms = loop_now_ms(part->part.loop) + kept_ms;
	tell_all(part, rc, kept_ms);
}

static void url_make(struct managed_part *part)
{
	const struct credential_options *options = part->part.options;
	const char *endpoint = app_service(options),
		   *root = options->imds_root ? options->imds_root : IMDS_ROOT;
	struct strbuf query;
	size_t root_n = strlen(root);

	while (root_n && root[root_n - 1] == '/')
		root_n--;
	strbuf_init(&query, 8192);
	form_add(&query, "api-version", endpoint ? "2019-08-01" : "2018-02-01");
	form_add(&query, "resource",
		options->exchange_audience ? options->exchange_audience
					   : EXCHANGE_AUDIENCE);
	if (*options->managed_identity)
		form_add(&query, "client_id", options->managed_identity);
	strbuf_reset(&part->url);
	if (endpoint)
		strbuf_addf(&part->url, "%s%s%s", endpoint,
			strchr(endpoint, '?') ? "&" : "?", query.p);
	else
		strbuf_addf(&part->url, "%.*s/metadata/identity/oauth2/token?%s",
			(int)root_n, root, query.p);
	strbuf_clear(&query);
	secret_free(part->header);
	part->header = xmalloc(HEADER_MAX);
	if (endpoint)
		snprintf(part->header, HEADER_MAX, APP_SERVICE_HEADER "%s",
			getenv("IDENTITY_HEADER"));
	else
		snprintf(part->header, HEADER_MAX, "Metadata: true");
	part->headers[0] = part->header;
}

static void send_request(struct loop_timer *timer)
{
	struct managed_part *part = CONTAINER_OF(timer, struct managed_part, timer);

	token_answer_clear(&part->answer);
	part->sent_ms = loop_now_ms(part->part.loop);
	http_start(part->http, &part->request);
}

static void attempt_next(struct managed_part *part, int64_t least_ms)
{
	int64_t pause_ms = pauses_ms[part->attempt++];

	if (pause_ms < least_ms)
		pause_ms = least_ms;
	loop_timer_set(
		part->part.loop, &part->timer, loop_now_ms(part->part.loop) + pause_ms);
}

static enum rc managed_body(
	struct http_request *request, const char *p, size_t n, struct error *err)
{
	struct managed_part *part = CONTAINER_OF(request, struct managed_part, request);

	return token_answer_add(&part->answer, p, n, WHO, err);
}

/* Seconds that the token lives; -1 when that cannot be known. */
static int64_t life_of(const struct managed_part *part, struct fjson_object *top)
{
	int64_t life_s = token_answer_seconds(top, "expires_in"), ends_s;

	if (life_s >= 0)
		return life_s;
	ends_s = token_answer_seconds(top, "expires_on");
	return ends_s < 0
		       ? -1
		       : ends_s - clock_wall(loop_clock(part->part.loop)) / TICKS_PER_S;
}

static bool answer_take(struct managed_part *part)
{
	char *token = token_answer_cut(&part->answer, "access_token");
	struct fjson_object *top =
		token ? token_answer_parse(part->answer.p, part->answer.n) : NULL;
	int64_t life_s = top ? life_of(part, top) : -1;

	fjson_object_put(top);
	if (life_s <= 0) {
		secret_free(token);
		return false;
	}
	if (life_s > LIFE_MAX_S)
		life_s = LIFE_MAX_S;
	token_forget(part);
	part->token = token;
	/* An assertion must not end on its way; five minutes or a tenth. */
	part->ends_ms = part->sent_ms + life_s * 1000 -
			(life_s > 3000 ? 5 * MINUTE_MS : life_s * 100);
	return true;
}

static void answer_refused(struct managed_part *part, const struct http_result *result)
{
	struct error_answer answer;
	long status = result->status;
	bool known = error_answer_parse(
		part->answer.p ? part->answer.p : "", part->answer.n, &answer);

	if (status == 400 && strcasestr(answer.message, "identity not found"))
		error_set(&part->failure, RC_AUTH,
			"this machine has no such managed identity: assign it in "
			"Azure, "
			"or write its client id in managed_identity");
	else
		error_set(&part->failure, RC_AUTH,
			"%s refuses (HTTP %ld%s%.100s%s%.200s): check managed_identity "
			"and that this machine has that identity",
			WHO, status, known ? " " : "", answer.code, known ? " " : "",
			answer.message);
	fail(part, RC_AUTH, MINUTE_MS);
}

static void managed_done(struct http_request *request, const struct http_result *result)
{
	struct managed_part *part = CONTAINER_OF(request, struct managed_part, request);
	long status = result->status;
	bool passing = result->rc != RC_OK || status == 404 || status == 408 ||
		       status == 410 || status == 429 || status >= 500;
	int64_t least_ms = status >= 500 ? 1000 : 0;

	if (!passing && status != 200) {
		answer_refused(part, result);
	} else if (!passing && answer_take(part)) {
		tell_all(part, RC_OK, -1);
	} else if (!passing) {
		error_set(&part->failure, RC_PROTO,
			"%s answered 200, but with no token that can be used: check "
			"imds_root",
			WHO);
		fail(part, RC_PROTO, MINUTE_MS);
	} else if (part->attempt < ATTEMPTS) {
		if (result->rc == RC_OK && result->retry_after_ms > least_ms)
			least_ms = result->retry_after_ms;
		attempt_next(part, least_ms);
	} else if (result->rc != RC_OK) {
		part->failure = result->error;
		error_wrap(&part->failure,
			"%s does not answer (is this machine in Azure?)", WHO);
		fail(part, result->rc, FAILED_KEPT_MS);
	} else {
		error_set(&part->failure, RC_AGAIN, "%s %s (HTTP %ld)", WHO,
			status == 410	? "is being updated"
			: status == 429 ? "wants us to slow down"
					: "is out of order",
			status);
		fail(part, RC_AGAIN, status == 410 ? GONE_MS : FAILED_KEPT_MS);
	}
	token_answer_clear(&part->answer);
}

static enum rc managed_prepare(
	struct credential_part *base, struct credential_use *use, struct error *err)
{
	struct managed_part *part = CONTAINER_OF(base, struct managed_part, part);
	int64_t now = loop_now_ms(base->loop);
	enum rc rc;

	if (part->token && now < part->ends_ms)
		return RC_OK;
	token_forget(part);
	if (!part->asking && now < part->failed_until_ms) {
		*err = part->failure;
		return err->code;
	}
	rc = check_place(base->options, err);
	if (rc != RC_OK)
		return rc;
	list_append(&part->waiters, &use->node);
	use->waiting = true;
	if (!part->asking) {
		part->asking = true;
		url_make(part);
		part->request.url = part->url.p;
		attempt_next(part, 0);
	}
	return RC_AGAIN;
}

static enum rc managed_fill(struct credential_part *base, struct credential_use *use,
	struct strbuf *form, struct error *err)
{
	struct managed_part *part = CONTAINER_OF(base, struct managed_part, part);

	(void)use;
	if (!part->token)
		return error_set(err, RC_AGAIN, "the managed identity's token is gone");
	credential_add_assertion(form, part->token);
	return RC_OK;
}

/* 700024: the token's time is over by the clock of login; the next one may be good. */
static bool managed_refused(struct credential_part *base, struct credential_use *use,
	const struct error_answer *answer, char note[CREDENTIAL_NOTE])
{
	struct managed_part *part = CONTAINER_OF(base, struct managed_part, part);

	if (credential_number(answer, 700024) && !use->again) {
		token_forget(part);
		return use->again = true;
	}
	if (credential_is_meant(answer))
		snprintf(note, CREDENTIAL_NOTE, "managed_identity %.100s",
			*base->options->managed_identity
				? base->options->managed_identity
				: "yes");
	return false;
}

static void managed_release(struct credential_use *use)
{
	if (use->waiting)
		list_remove(&use->node);
	use->waiting = false;
}

static void managed_free(struct credential_part *base)
{
	struct managed_part *part = CONTAINER_OF(base, struct managed_part, part);

	loop_timer_stop(base->loop, &part->timer);
	http_cancel(part->http, &part->request);
	token_answer_clear(&part->answer);
	strbuf_clear(&part->url);
	secret_free(part->header);
	token_forget(part);
	free(part);
}

struct credential_part *credential_managed_new(struct http *http)
{
	static const struct credential_way way = {
		.prepare = managed_prepare,
		.fill = managed_fill,
		.refused = managed_refused,
		.release = managed_release,
		.free = managed_free,
	};
	struct managed_part *part = xcalloc(1, sizeof(*part));

	part->part.way = &way;
	part->http = http;
	part->request.body = managed_body;
	part->request.done = managed_done;
	part->request.headers = part->headers;
	list_init(&part->waiters);
	strbuf_init(&part->url, 8192);
	part->timer.fire = send_request;
	return &part->part;
}
