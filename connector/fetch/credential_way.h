/* credential_way.h - what each way of signing in is to credential.c. */
#ifndef FETCH_CREDENTIAL_WAY_H
#define FETCH_CREDENTIAL_WAY_H

#include "fetch/credential.h"

struct credential_way;

/* First member of each way's own struct. */
struct credential_part {
	const struct credential_way *way;
	struct loop *loop;
	const struct credential_options *options;
};

/* As the functions of credential.h; those that may be NULL have nothing to do. */
struct credential_way {
	enum rc (*prepare)(struct credential_part *part, struct credential_use *use,
		struct error *err); /* or NULL */
	enum rc (*fill)(struct credential_part *part, struct credential_use *use,
		struct strbuf *form, struct error *err);
	bool (*refused)(struct credential_part *part, struct credential_use *use,
		const struct error_answer *answer, char note[CREDENTIAL_NOTE]);
	enum rc (*accepted)(struct credential_part *part, struct credential_use *use,
		const char *refresh_token, struct error *err); /* or NULL */
	void (*release)(struct credential_use *use); /* or NULL */
	void (*free)(struct credential_part *part);
};

typedef void credential_wrong(void *context, const char *option, const char *text);

struct credential_part *credential_secret_new(void);
void credential_secret_check(const struct credential_options *options,
	credential_wrong *wrong, void *context);

struct credential_part *credential_certificate_new(void);
void credential_certificate_check(const struct credential_options *options,
	credential_wrong *wrong, void *context);

struct credential_part *credential_federated_new(void);
void credential_federated_check(const struct credential_options *options,
	credential_wrong *wrong, void *context);

struct credential_part *credential_managed_new(struct http *http);
void credential_managed_check(const struct credential_options *options,
	credential_wrong *wrong, void *context);

struct credential_part *credential_refresh_new(void);
void credential_refresh_check(const struct credential_options *options,
	credential_wrong *wrong, void *context);

/* Both parameters that carry an assertion. */
void credential_add_assertion(struct strbuf *form, const char *assertion);
/* One of the numbers of this answer is this one. */
bool credential_number(const struct error_answer *answer, long number);
/* What was refused is what proves the app, not its rights or the tenant. */
bool credential_is_meant(const struct error_answer *answer);

#endif
