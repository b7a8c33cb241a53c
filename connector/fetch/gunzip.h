/* gunzip.h - an answer that comes compressed, unpacked piece by piece.
 *
 * Purpose:  Microsoft's answers are compressed; ISA-L unpacks them more than twice as fast as zlib.
 *           Without it (configure) zlib does the same here.
 * Bounds:   about 100 KB; pieces of GUNZIP_PIECE octets at most, however much a piece unpacks to.
 * Errors:   RC_PROTO: this is no gzip, or its check sum is wrong. ISA-L 2.30 also refuses a header that
 *           has a check sum of its own (FHCRC, which no server is known to send) and comes in pieces.
 * Source:   RFC 1952; several members one after the other are one text.   Threads: none.
 * Tests:    unit/test_gunzip.c, and unit/test_http.c for pauses */
#ifndef FETCH_GUNZIP_H
#define FETCH_GUNZIP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define GUNZIP_PIECE 16384

struct gunzip;

struct gunzip *gunzip_new(void);
void gunzip_free(struct gunzip *gunzip);
/* For the next text, after whatever came before. */
void gunzip_begin(struct gunzip *gunzip);

/* Unpacks from *p, moving it and *n along what was read, and gives the next piece. Call it again
 * until it gives nothing, with what is left of the input, even when that is nothing. The piece lies
 * here until the next call. */
NODISCARD enum rc gunzip_next(struct gunzip *gunzip, const char **p, size_t *n,
	const char **piece, size_t *piece_n, struct error *err);

/* Was all given: the end of the text, or nothing at all? */
bool gunzip_whole(const struct gunzip *gunzip);

#endif
