/* fuzz_gunzip.c - any octets as a compressed text, in any pieces.
 *
 * Build: ./configure CC=clang --enable-fuzzers --enable-sanitizers && make tests/fuzz/fuzz_gunzip
 * Run:   tests/fuzz/fuzz_gunzip -max_len=4096 CORPUS
 *
 * The first octet is the size of the pieces. Read in one piece or in many, a whole text is the same. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "fetch/gunzip.h"

#define TEXT_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text {
	uint64_t hash;
	size_t n;
	int broken, whole;
};

static struct text unpack(const char *p, size_t n, size_t cut)
{
	static struct gunzip *gunzip;
	struct text text = {.hash = UINT64_C(14695981039346656037)};

	if (!gunzip)
		gunzip = gunzip_new();
	gunzip_begin(gunzip);
	for (size_t at = 0; at < n; at += cut) {
		const char *part = p + at, *piece;
		size_t left = n - at < cut ? n - at : cut, piece_n;
		struct error err;

		do {
			if (gunzip_next(gunzip, &part, &left, &piece, &piece_n, &err) !=
				RC_OK) {
				text.broken = 1;
				return text;
			}
			if (piece_n > GUNZIP_PIECE)
				abort();
			for (size_t i = 0; i < piece_n; i++)
				text.hash = (text.hash ^ (uint8_t)piece[i]) *
					    UINT64_C(1099511628211);
			text.n += piece_n;
		} while (piece_n && text.n < TEXT_MAX);
		if (text.n >= TEXT_MAX)
			return text;
		if (left)
			abort();
	}
	text.whole = gunzip_whole(gunzip);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text one, many;

	if (size < 2)
		return 0;
	one = unpack((const char *)data + 1, size - 1, size - 1);
	many = unpack((const char *)data + 1, size - 1, 1u + data[0]);
	/* A header's own check sum may be told wrong in pieces (gunzip.h), or right. */
	if (one.broken || many.broken || one.n >= TEXT_MAX)
		return 0;
	if (one.whole != many.whole)
		abort();
	/* Of a text that is cut, more or less may have come. */
	if (one.whole && (one.n != many.n || one.hash != many.hash))
		abort();
	return 0;
}
