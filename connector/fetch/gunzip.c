#include "config.h"

#include "fetch/gunzip.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"

#ifdef HAVE_ISAL
#include <isa-l/igzip_lib.h>
typedef struct inflate_state inflater;
#else
#include <zlib.h>
typedef z_stream inflater;
#endif

enum unpacked { UNPACKED_SOME, UNPACKED_ALL, UNPACKED_BROKEN };

struct gunzip {
	inflater state;
	bool begun, ended; /* a member of the text */
	uint8_t piece[GUNZIP_PIECE];
};

#ifdef HAVE_ISAL

static void inflater_begin(inflater *state)
{
	isal_inflate_init(state);
	state->crc_flag = ISAL_GZIP;
}

static void inflater_end(inflater *state)
{
	(void)state;
}

static enum unpacked inflater_run(inflater *state)
{
	if (isal_inflate(state) != ISAL_DECOMP_OK)
		return UNPACKED_BROKEN;
	return state->block_state == ISAL_BLOCK_FINISH ? UNPACKED_ALL : UNPACKED_SOME;
}

#else

static void inflater_begin(inflater *state)
{
	if (state->state ? inflateReset(state) != Z_OK
			 : inflateInit2(state, 15 + 16) != Z_OK)
		abort();
}

static void inflater_end(inflater *state)
{
	inflateEnd(state);
}

static enum unpacked inflater_run(inflater *state)
{
	switch (inflate(state, Z_SYNC_FLUSH)) {
	case Z_OK:
	case Z_BUF_ERROR: /* it wants more input */
		return UNPACKED_SOME;
	case Z_STREAM_END:
		return UNPACKED_ALL;
	default:
		return UNPACKED_BROKEN;
	}
}

#endif

struct gunzip *gunzip_new(void)
{
	struct gunzip *gunzip = xmalloc(sizeof(*gunzip));

	memset(&gunzip->state, 0, sizeof(gunzip->state));
	gunzip_begin(gunzip);
	return gunzip;
}

void gunzip_free(struct gunzip *gunzip)
{
	if (gunzip)
		inflater_end(&gunzip->state);
	free(gunzip);
}

void gunzip_begin(struct gunzip *gunzip)
{
	gunzip->begun = gunzip->ended = false;
}

enum rc gunzip_next(struct gunzip *gunzip, const char **p, size_t *n,
	const char **piece, size_t *piece_n, struct error *err)
{
	enum unpacked unpacked;

	*piece = (const char *)gunzip->piece;
	*piece_n = 0;
	while (!*piece_n) {
		if (!gunzip->begun || (gunzip->ended && *n)) {
			if (!*n)
				break;
			inflater_begin(&gunzip->state);
			gunzip->begun = true;
			gunzip->ended = false;
		}
		if (gunzip->ended)
			break;
		gunzip->state.next_in = (uint8_t *)*p;
		gunzip->state.avail_in = (uint32_t)*n;
		gunzip->state.next_out = gunzip->piece;
		gunzip->state.avail_out = GUNZIP_PIECE;
		unpacked = inflater_run(&gunzip->state);
		if (unpacked == UNPACKED_BROKEN)
			return error_set(err, RC_PROTO,
				"the compressed text is broken; it must be gzip (RFC "
				"1952)");
		gunzip->ended = unpacked == UNPACKED_ALL;
		*p += *n - gunzip->state.avail_in;
		*n = gunzip->state.avail_in;
		*piece_n = GUNZIP_PIECE - gunzip->state.avail_out;
		if (!*n && !gunzip->ended)
			break;
	}
	return RC_OK;
}

bool gunzip_whole(const struct gunzip *gunzip)
{
	return gunzip->ended || !gunzip->begun;
}
