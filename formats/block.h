/* block.h - copying 16 octets at a time up to the first that needs a look.
 *
 * Purpose:  the hot loop under escape.c and json_text.c. GCC's vector types make SSE2 or NEON of
 *           it; without them it is plain C.
 * Tests:    unit/test_escape.c moves every special octet through every place of a block. */
#ifndef ALERTRELAY_FORMAT_BLOCK_H
#define ALERTRELAY_FORMAT_BLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BLOCK_INLINE static inline __attribute__((always_inline))

typedef unsigned char block_v __attribute__((vector_size(16)));
typedef signed char block_s __attribute__((vector_size(16)));
typedef uint32_t block_u32 __attribute__((vector_size(16)));
typedef uint64_t block_u64 __attribute__((vector_size(16)));

/* Controls, DEL, everything that is not ASCII, and the three characters of the position. */
BLOCK_INLINE int block_special(unsigned char c, char x, char y, char z)
{
	return (signed char)c < 0x20 || c == 0x7F || c == (unsigned char)x ||
	       c == (unsigned char)y || c == (unsigned char)z;
}

/* Which octets of v are plain: all bits of one are set or none. One more than DEL is negative, so a
 * single comparison finds it and the controls. */
BLOCK_INLINE block_s block_plain(
	const block_v v, const char x, const char y, const char z)
{
	return ((block_s)(v + 1) > 0x20) &
	       ~((block_s)(v == (unsigned char)x) | (block_s)(v == (unsigned char)y) |
		       (block_s)(v == (unsigned char)z));
}

/* Is one not? *first is then the first of them. */
BLOCK_INLINE int block_stops(const block_s plain, size_t *first)
{
#ifdef __SSE2__
	typedef char block_c __attribute__((vector_size(16)));
	unsigned bits = (unsigned)__builtin_ia32_pmovmskb128((block_c)plain) ^ 0xFFFFu;

	if (!bits)
		return 0;
	*first = (size_t)__builtin_ctz(bits);
	return 1;
#else
	block_u64 w = ~(block_u64)plain;

	if (!(w[0] | w[1]))
		return 0;
	*first = w[0] ? (size_t)__builtin_ctzll(w[0]) / 8
		      : 8 + (size_t)__builtin_ctzll(w[1]) / 8;
	return 1;
#endif
}

/* One block of a text; gives which of its octets are plain. */
BLOCK_INLINE block_s block_one(const int copies, char *to, const unsigned char *p,
	const size_t at, const char x, const char y, const char z)
{
	block_v v;

	memcpy(&v, p + at, 16);
	if (copies)
		memcpy(to + at, &v, 16);
	return block_plain(v, x, y, z);
}

BLOCK_INLINE uint32_t block_word(
	const int copies, char *to, const unsigned char *p, const size_t at)
{
	uint32_t word;

	memcpy(&word, p + at, 4);
	if (copies)
		memcpy(to + at, &word, 4);
	return word;
}

/* Most texts are short and plain, and their length is what a processor guesses wrong: those of 16 to
 * 64 octets are four blocks and those of 4 to 15 are four words that lie over each other as the length
 * needs, with one test for all. 1 when all is plain. */
BLOCK_INLINE int block_short(const int copies, char *to, const unsigned char *p,
	const size_t n, const char x, const char y, const char z)
{
	const size_t size = n < 16 ? 4 : 16, last = n - size;
	const size_t second = size < last ? size : last;
	const size_t third = last - second;
	size_t first;

	if (n < 16) {
		block_u32 w = {block_word(copies, to, p, 0),
			block_word(copies, to, p, second),
			block_word(copies, to, p, third),
			block_word(copies, to, p, last)};

		return !block_stops(block_plain((block_v)w, x, y, z), &first);
	}
	return !block_stops(block_one(copies, to, p, 0, x, y, z) &
				    block_one(copies, to, p, second, x, y, z) &
				    block_one(copies, to, p, third, x, y, z) &
				    block_one(copies, to, p, last, x, y, z),
		&first);
}

/* Passes plain octets from p, stops at a special one or at the end; gives how many. With `copies`
 * they go to `to`, where there must be room for end - p octets. This one for what is likely to stop. */
BLOCK_INLINE size_t block_walk(const int copies, char *to, const unsigned char *p,
	const unsigned char *end, const char x, const char y, const char z)
{
	size_t n = (size_t)(end - p), at = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	size_t first = 0;

	if (n >= 16) {
		do {
			/* The last block goes back over octets that are known to be plain. */
			if (at > n - 16)
				at = n - 16;
			if (block_stops(block_one(copies, to, p, at, x, y, z), &first))
				return at + first;
			at += 16;
		} while (at < n);
		return n;
	}
	if (n >= 4 && block_short(copies, to, p, n, x, y, z))
		return n;
#endif
	for (; at < n && !block_special(p[at], x, y, z); at++)
		if (copies)
			to[at] = (char)p[at];
	return at;
}

BLOCK_INLINE size_t block_copy(char *to, const unsigned char *p,
	const unsigned char *end, const char x, const char y, const char z)
{
	return block_walk(1, to, p, end, x, y, z);
}

BLOCK_INLINE size_t block_find(const unsigned char *p, const unsigned char *end,
	const char x, const char y, const char z)
{
	return block_walk(0, NULL, p, end, x, y, z);
}

/* Copies 16 octets; 1 when all of them are plain. */
BLOCK_INLINE int block_copy_one(
	char *to, const unsigned char *p, const char x, const char y, const char z)
{
	size_t first;

	return !block_stops(block_one(1, to, p, 0, x, y, z), &first);
}

/* Copies what is likely to be plain to its end: gives how many octets surely are. */
BLOCK_INLINE size_t block_copy_plain(char *to, const unsigned char *p, const size_t n,
	const char x, const char y, const char z)
{
	size_t at = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	if (n < 4)
		return 0;
	if (n <= 64)
		return block_short(1, to, p, n, x, y, z) ? n : 0;
	for (; n - at > 64; at += 64)
		if (!block_short(1, to + at, p + at, 64, x, y, z))
			return at;
	if (block_short(1, to + n - 64, p + n - 64, 64, x, y, z))
		return n;
#endif
	return at;
}

#endif
