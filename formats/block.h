/* block.h - copying 16 octets at a time up to the first that needs a look.
 *
 * Purpose:  the hot loop under escape.c and json_copy.c. GCC's vector types make SSE2 or NEON of
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

/* Copies plain octets from p to `to`, stops at a special one or at the end; gives how many. There
 * must be room for end - p + 16 octets. */
BLOCK_INLINE size_t block_copy(char *to, const unsigned char *p,
	const unsigned char *end, const char x, const char y, const char z)
{
	const unsigned char *from = p;

	while (end - p >= 16) {
		block_v v;
		block_s m;
		block_u64 w;

		memcpy(&v, p, 16);
		memcpy(to, &v, 16);
		m = (block_s)((block_s)v < 0x20) | (block_s)(v == 0x7F) |
		    (block_s)(v == (unsigned char)x) |
		    (block_s)(v == (unsigned char)y) | (block_s)(v == (unsigned char)z);
		w = (block_u64)m;
		if (w[0] | w[1]) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
			if (w[0])
				return (size_t)(p - from) +
				       (size_t)__builtin_ctzll(w[0]) / 8;
			return (size_t)(p - from) + 8 +
			       (size_t)__builtin_ctzll(w[1]) / 8;
#else
			break;
#endif
		}
		p += 16;
		to += 16;
	}
	for (; p < end && !block_special(*p, x, y, z); p++)
		*to++ = (char)*p;
	return (size_t)(p - from);
}

#endif
