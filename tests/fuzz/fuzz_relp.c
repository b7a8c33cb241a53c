/* fuzz_relp.c - any octets as what a RELP server sends, in any pieces.
 *
 * Build: ./configure CC=clang --enable-fuzzers --enable-sanitizers && make tests/fuzz/fuzz_relp
 * Run:   tests/fuzz/fuzz_relp -max_len=6000 CORPUS
 *        CORPUS is a directory of your own for what it finds.
 *
 * The first octet chooses the window, the first transaction number and the seed of the cuts. Messages
 * are sent as the window allows. The same octets are read in one piece and in random ones: the result
 * and what was answered must be the same. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "deliver/relp.h"
#include "tests/fuzz/pieces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WELCOME "1 rsp 43 200 OK\nrelp_version=0\nx=1,2\ncommands=syslog\n"

struct seen {
	enum rc rc;
	enum relp_state state;
	uint64_t answered, refused;
	char text[600];
};

static void check(const struct relp *relp)
{
	if (relp->answered > relp->sent || relp_unanswered(relp) > relp->window ||
		relp->refused > relp->sent ||
		(relp->refused && relp->answered >= relp->refused) ||
		!memchr(relp->refusal, '\0', sizeof(relp->refusal)))
		abort();
	for (const char *p = relp->refusal; *p; p++)
		if (*p < ' ' || *p > '~')
			abort();
}

/* All messages go out before the server is heard, so that pieces do not matter. */
static void begin(struct relp *relp, unsigned choice)
{
	char frame[RELP_OPEN_FRAME];
	struct error err;

	relp_init(relp, choice % 8 + 1);
	relp_open(relp, frame);
	if (choice & 8)
		return;
	if (relp_receive(relp, WELCOME, sizeof(WELCOME) - 1, &err) != RC_OK)
		abort();
	if (choice & 16)
		relp->next = RELP_NUMBER_MAX - 2;
	while (relp_unanswered(relp) < relp->window)
		relp_message(relp, 9, frame);
	if (choice & 32)
		relp_close(relp, frame);
}

static void hear(
	unsigned choice, const char *p, size_t n, unsigned seed, struct seen *seen)
{
	struct pieces pieces = {p, n, seed, NULL, 0};
	struct relp relp;
	struct error err = {0};

	seen->rc = RC_OK;
	begin(&relp, choice);
	while (seen->rc == RC_OK && pieces_next(&pieces)) {
		seen->rc = relp_receive(&relp, pieces.p, pieces.n, &err);
		check(&relp);
	}
	pieces_clear(&pieces);
	if (seen->rc != RC_OK && !err.text[0])
		abort();
	memcpy(seen->text, err.text, sizeof(seen->text));
	seen->state = relp.state;
	seen->answered = relp.answered;
	seen->refused = relp.refused;
	relp_clear(&relp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen whole = {0}, pieces = {0};

	if (!size)
		return 0;
	hear(data[0], (const char *)data + 1, size - 1, 0, &whole);
	hear(data[0], (const char *)data + 1, size - 1, data[0] + 1u, &pieces);
	if (whole.rc != pieces.rc || whole.state != pieces.state ||
		whole.answered != pieces.answered || whole.refused != pieces.refused ||
		strcmp(whole.text, pieces.text) != 0)
		abort();
	return 0;
}
