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

BLOCK_INLINE uint64_t block_load(const unsigned char *p, size_t n)
{
	uint32_t half = 0;
	uint64_t whole = 0;

	if (n == 4) {
		memcpy(&half, p, 4);
		return half;
	}
	memcpy(&whole, p, 8);
	return whole;
}

/* Fewer than 16 octets, with zeros behind them; nothing beyond them is read. */
BLOCK_INLINE block_v block_short(const unsigned char *p, size_t n)
{
	block_u64 w = {0, 0};

	if (n > 8) {
		w[0] = block_load(p, 8);
		w[1] = block_load(p + n - 8, 8) >> (8 * (16 - n));
	} else if (n == 8) {
		w[0] = block_load(p, 8);
	} else if (n >= 4) {
		w[0] = block_load(p, 4) | block_load(p + n - 4, 4) << (8 * (n - 4));
	} else if (n) {
		w[0] = (uint64_t)p[0] | (uint64_t)p[n / 2] << (8 * (n / 2)) |
		       (uint64_t)p[n - 1] << (8 * (n - 1));
	}
	return (block_v)w;
}

/* Passes plain octets from p, stops at a special one or at the end; gives how many. With `copies`
 * they go to `to`, where there must be room for end - p + 16 octets. */
BLOCK_INLINE size_t block_pass(const int copies, char *to, const unsigned char *p,
	const unsigned char *end, const char x, const char y, const char z)
{
	const unsigned char *from = p;
	size_t first = 0;
	block_v v;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	while (end - p >= 16) {
		memcpy(&v, p, 16);
		if (copies)
			memcpy(to + (p - from), &v, 16);
		if (block_test(v, x, y, z, &first))
			return (size_t)(p - from) + first;
		p += 16;
	}
	if (p == end)
		return (size_t)(p - from);
	/* The zeros at the end of a short block are special, so it stops there at the latest. */
	v = block_short(p, (size_t)(end - p));
	if (copies)
		memcpy(to + (p - from), &v, 16);
	block_test(v, x, y, z, &first);
	return (size_t)(p - from) + first;
#else
	(void)first;
	(void)v;
	for (; p < end && !block_special(*p, x, y, z); p++)
		if (copies)
			*to++ = (char)*p;
	return (size_t)(p - from);
#endif
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
