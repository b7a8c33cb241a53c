/* relp.h - one RELP session as its client sees it: octets in, octets out.
 *
 * Purpose:  the frames of open, syslog and close, the offers, the transaction numbers, the window,
 *           and which messages the server has answered.
 * Order:    relp_open() begins a session, also a later one; messages may follow when the state is
 *           RELP_OPEN; relp_close() ends it. Answers may come in any order (the specification says
 *           both that they may and that they do not): `answered` counts those that came without a
 *           gap from the first message on.
 * Owner:    relp_init() takes memory, `window` octets; relp_clear() gives it back.
 * Bounds:   a frame of the server has at most RELP_DATA_MAX octets of data; its header is short.
 * Errors:   RC_PROTO: the server said what it may not, or refused the session. RC_IO: it ends the
 *           session (serverclose). Nothing but relp_clear() and relp_open() is of use after them.
 *           A message that was refused is no error here: `refused` and `refusal` tell.
 * Source:   RELP 0.0.1, doc/relp.md of rsyslog/librelp; where librelp differs from it, and why: the
 *           comments in relp.c.   Tests: unit/test_relp.c, fuzz/fuzz_relp.c */
#ifndef DELIVER_RELP_H
#define DELIVER_RELP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define RELP_NUMBER_MAX 999999999u
#define RELP_DATA_MAX 4096
#define RELP_WINDOW_MAX 100000u
/* Room for "999999999 syslog 999999999 ", for open with its offers, and for close. */
#define RELP_HEAD 40
#define RELP_OPEN_FRAME 256

enum relp_state { RELP_IDLE, RELP_OPENING, RELP_OPEN, RELP_CLOSING, RELP_CLOSED };

struct relp {
	enum relp_state state;
	uint32_t next,
		last; /* transaction numbers: of the next command, of the last message */
	uint32_t window; /* at most so many messages are not answered */
	uint64_t sent, answered; /* messages of this session */
	uint64_t refused; /* the first that was, counted from 1; 0: none */
	char refusal[100]; /* what the server said to it, printable */
	unsigned char *marks; /* a ring of `window`: what came out of turn */

	/* The frame that is being read. */
	int part;
	size_t digits, command_n;
	uint32_t number, size;
	char command[33];
	size_t data_n;
	char data[RELP_DATA_MAX + 1];
};

/* window: 1 to RELP_WINDOW_MAX. */
void relp_init(struct relp *relp, uint32_t window);
void relp_clear(struct relp *relp);

/* Each of these writes a frame, or what goes before the message, counts it, and returns its length. A
 * message is followed by LF. relp_message() needs RELP_OPEN and relp_unanswered() below the window. */
size_t relp_open(struct relp *relp, char out[RELP_OPEN_FRAME]);
size_t relp_message(struct relp *relp, size_t size, char out[RELP_HEAD]);
size_t relp_close(struct relp *relp, char out[RELP_HEAD]);

/* What the server sent, in any pieces. Up to an error all of it counts. */
NODISCARD enum rc relp_receive(
	struct relp *relp, const char *p, size_t n, struct error *err);

static inline uint64_t relp_unanswered(const struct relp *relp)
{
	return relp->sent - relp->answered;
}

#endif
