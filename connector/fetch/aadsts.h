/* aadsts.h - the numbers by which the login service says why it refuses.
 *
 * Purpose:  what each means, what the operator does, or that it passes by itself. What is not here
 *           is judged by HTTP status and the word in "error".
 * Source:   facts 1.7, all rows.   Tests: unit/test_token.c walks the table of the facts. */
#ifndef FETCH_AADSTS_H
#define FETCH_AADSTS_H

#include <stdbool.h>

struct aadsts {
	long number;
	bool retry;
	bool consent; /* the action ends with the link for the customer's administrator */
	const char *meaning, *action;
};

/* The first of these numbers (0 at their end) that is known; NULL: none is. */
const struct aadsts *aadsts_find(const long *numbers);

#endif
