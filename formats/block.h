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
typedef uint64_t block_u64 __attribute__((vector_size(16)));

/* Controls, DEL, everything that is not ASCII, and the three characters of the position. */
BLOCK_INLINE int block_special(unsigned char c, char x, char y, char z)
{
	return (signed char)c < 0x20 || c == 0x7F || c == (unsigned char)x ||
	       c == (unsigned char)y || c == (unsigned char)z;
}

/* Is an octet of v special? *first is then the first of them. One more than DEL is negative, so a
 * single comparison finds it and the controls. */
BLOCK_INLINE int block_test(
	block_v v, const char x, const char y, const char z, size_t *first)
{
	block_s m = (block_s)((block_s)(v + 1) < 0x21) |
		    (block_s)(v == (unsigned char)x) |
		    (block_s)(v == (unsigned char)y) | (block_s)(v == (unsigned char)z);
#ifdef __SSE2__
	typedef char block_c __attribute__((vector_size(16)));
	unsigned bits = (unsigned)__builtin_ia32_pmovmskb128((block_c)m);

	if (!bits)
		return 0;
	*first = (size_t)__builtin_ctz(bits);
	return 1;
#else
	block_u64 w = (block_u64)m;

	if (!(w[0] | w[1]))
		return 0;
	*first = w[0] ? (size_t)__builtin_ctzll(w[0]) / 8
		      : 8 + (size_t)__builtin_ctzll(w[1]) / 8;
	return 1;
#endif
}

/* A part of a text, as long as a word: all of the text is in the first one and the last one. */
BLOCK_INLINE uint64_t block_word(const int copies, char *to, const unsigned char *p,
	const size_t at, const size_t size)
{
	uint64_t word = 0;

	if (size == 8)
		memcpy(&word, p + at, 8);
	else
		memcpy(&word, p + at, 4);
	if (copies && size == 8)
		memcpy(to + at, &word, 8);
	else if (copies)
		memcpy(to + at, &word, 4);
	return size == 8 ? word : word << 32 | word;
}

/* The same as block_pass() for 4 to 15 octets. */
BLOCK_INLINE size_t block_words(const int copies, char *to, const unsigned char *p,
	const size_t n, const size_t size, const char x, const char y, const char z)
{
	block_u64 w = {block_word(copies, to, p, 0, size),
		block_word(copies, to, p, n - size, size)};
	size_t first = 0;

	if (!block_test((block_v)w, x, y, z, &first))
		return n;
	/* A word of four octets is there twice, so the first one found is in its first half. */
	return first < 8 ? first : n - size + first - 8;
}

/* Passes plain octets from p, stops at a special one or at the end; gives how many. With `copies`
 * they go to `to`, where there must be room for end - p octets. */
BLOCK_INLINE size_t block_pass(const int copies, char *to, const unsigned char *p,
	const unsigned char *end, const char x, const char y, const char z)
{
	size_t n = (size_t)(end - p), at = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	size_t first = 0;
	block_v v;

	if (n >= 16) {
		do {
			/* The last block goes back over octets that are known to be plain. */
			if (at > n - 16)
				at = n - 16;
			memcpy(&v, p + at, 16);
			if (copies)
				memcpy(to + at, &v, 16);
			if (block_test(v, x, y, z, &first))
				return at + first;
			at += 16;
		} while (at < n);
		return n;
	}
	if (n >= 8)
		return block_words(copies, to, p, n, 8, x, y, z);
	if (n >= 4)
		return block_words(copies, to, p, n, 4, x, y, z);
#endif
	for (; at < n && !block_special(p[at], x, y, z); at++)
		if (copies)
			to[at] = (char)p[at];
	return at;
}

BLOCK_INLINE size_t block_copy(char *to, const unsigned char *p,
	const unsigned char *end, const char x, const char y, const char z)
{
	return block_pass(1, to, p, end, x, y, z);
}

BLOCK_INLINE size_t block_find(const unsigned char *p, const unsigned char *end,
	const char x, const char y, const char z)
{
	return block_pass(0, NULL, p, end, x, y, z);
}

#endif
