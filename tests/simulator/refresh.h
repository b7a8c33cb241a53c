/* refresh.h - refresh tokens of users: handed out, used once, and again for a while.
 *
 * Purpose:  each use gives a new token; the old one works until its time is over, so a
 *           client that does not keep the new one is found out.
 * Owner:    struct world.   Errors: an AADSTS code (facts 1.7), 0 for none.
 * Units:    seconds.   Source: facts, section 1.3.
 * Threads:  any; it has a lock.   Tests: integration/test_simulator_sign_in.py */
#ifndef SIMULATOR_REFRESH_H
#define SIMULATOR_REFRESH_H

#include "text.h"

#include <stdbool.h>
#include <stdint.h>

struct refresh_tokens;

struct refresh_tokens *refresh_new(void);
void refresh_free(struct refresh_tokens *);
/* A first one, as from an interactive sign-in. The caller frees the text. */
char *refresh_issue(struct refresh_tokens *, unsigned tenant);
/* next is what comes in its place, NULL when it stays; the caller frees it. */
unsigned refresh_use(
	struct refresh_tokens *, const char *text, bool rotate, char **next);
/* How long a replaced one works, how long one that is not used, and whether there are
 * new ones; negative: as it is. */
void refresh_set(struct refresh_tokens *, int64_t grace_s, int64_t life_s, int rotate);
/* The user's password was changed. */
void refresh_revoke(struct refresh_tokens *);
/* JSON lines, in the order of issue. */
void refresh_write(struct refresh_tokens *, struct text *);

#endif
