/* imds.c - the token endpoints of an Azure machine and of an App Service, on plain HTTP.
 * Facts, section 1.2, Managed identity. */
#include "config.h"

#include "faults.h"
#include "imds.h"
#include "token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char machine_path[] = "/metadata/identity/oauth2/token";
static const char service_path[] = "/msi/token";

static void refuse(
	struct answer *a, unsigned status, const char *error, const char *description)
{
	a->status = status;
	a->type = "application/json; charset=utf-8";
	text_puts(&a->body, "{\"error\":");
	text_json(&a->body, error, false);
	text_puts(&a->body, ",\"error_description\":");
	text_json(&a->body, description, false);
	text_putc(&a->body, '}');
}

static void refuse_fault(struct answer *a, const struct fault *f)
{
	if (f->retry_after)
		answer_header(a, "Retry-After", f->retry_after);
	if (f->status == 400)
		refuse(a, 400, "invalid_request", "Identity not found");
	else if (f->status == 429)
		refuse(a, 429, "too_many_requests", "Too many requests");
	else if (f->status == 410)
		refuse(a, 410, "gone", "IMDS is being updated");
	else
		refuse(a, f->status, f->status == 404 ? "not_found" : "server_error",
			f->message ? f->message : "Simulated error.");
}

/* What a request must have before its contents count; false when it was refused. */
static bool is_allowed(const struct machine *m, const struct request *r,
	struct answer *a, bool service)
{
	const char *mark =
		request_header(r, service ? "X-IDENTITY-HEADER" : "Metadata");
	if (service && (!mark || strcmp(mark, m->header) != 0)) {
		refuse(a, 401, "unauthorized", "X-IDENTITY-HEADER is missing or wrong");
		return false;
	}
	if (!service && (!mark || strcasecmp(mark, "true") != 0)) {
		refuse(a, 400, "bad_request_102",
			"Required metadata header not specified");
		return false;
	}
	if (request_header(r, "X-Forwarded-For")) {
		refuse(a, 400, "bad_request_102", "The request was forwarded");
		return false;
	}
	return true;
}

static bool is_known(const struct machine *m, const struct request *r)
{
	const char *client = request_query(r, "client_id"),
		   *object = request_query(r, "object_id"),
		   *resource = request_query(r, "msi_res_id");
	return (!client || !strcasecmp(client, m->client_id)) &&
	       (!object || !strcasecmp(object, m->object_id)) && !resource;
}

static void grant(struct world *w, const struct request *r, struct answer *a,
	const char *resource, bool service)
{
	const struct machine *m = w->machine;
	int64_t now = moment_now() / MOMENT_SECOND;
	char issuer[128];
	struct claims c = {.tenant = m->tenant,
		.audience = resource,
		.api = token_api_of(r, resource),
		.client_id = m->client_id,
		.life_s = w->token_life_s,
		.roles = true};
	/* What a federated credential of the application is compared with. */
	if (c.api == API_COUNT) {
		snprintf(issuer, sizeof(issuer),
			"https://login.microsoftonline.com/%s/v2.0", m->tenant->id);
		c.issuer = issuer;
		c.subject = m->object_id;
	}
	a->status = 200;
	a->type = "application/json; charset=utf-8";
	text_puts(&a->body, "{\"access_token\":\"");
	token_write(&a->body, w, &c);
	text_puts(&a->body, "\",\"resource\":");
	text_json(&a->body, resource, false);
	if (service)
		text_printf(&a->body, ",\"client_id\":\"%s\"", m->client_id);
	else
		text_printf(&a->body,
			",\"refresh_token\":\"\",\"expires_in\":\"%lld\","
			"\"not_before\":\"%lld\"",
			(long long)c.life_s, (long long)now - 300);
	text_printf(&a->body, ",\"expires_on\":\"%lld\",\"token_type\":\"Bearer\"}",
		(long long)(now + c.life_s));
	atomic_fetch_add(&w->machine->tokens, 1);
}

void imds_answer(struct world *w, const struct request *r, struct answer *a)
{
	struct fault fault;
	bool service = !strcmp(r->path, service_path);
	const char *version = request_query(r, "api-version"),
		   *resource = request_query(r, "resource"),
		   *wanted = service ? "2019-08-01" : "2018-02-01";
	a->api = API_IMDS;
	atomic_fetch_add(&w->machine->requests, 1);
	fault_take(w, NULL, API_IMDS, &fault);
	a->delay_ms = fault.delay_ms;
	if (fault.kind == IMDS_STATUS)
		refuse_fault(a, &fault);
	else if (!service && strcmp(r->path, machine_path) != 0)
		refuse(a, 404, "not_found", "No such path");
	else if (strcmp(r->method, "GET") != 0)
		refuse(a, 405, "method_not_allowed", "GET it");
	else if (!is_allowed(w->machine, r, a, service))
		return;
	else if (!version || strcmp(version, wanted) != 0)
		refuse(a, 400, "bad_request_101", "api-version is missing or unknown");
	else if (!resource || !*resource)
		refuse(a, 400, "invalid_resource", "resource is missing");
	else if (!is_known(w->machine, r))
		refuse(a, 400, "invalid_request", "Identity not found");
	else
		grant(w, r, a, resource, service);
}
