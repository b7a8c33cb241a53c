/* test_gunzip.c - compressed texts, cut anywhere, packed together, broken. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h> /* wants those above */

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/strbuf.h"
#include "fetch/gunzip.h"

#define TEXT_N 100000

static char text[TEXT_N], packed[2 * TEXT_N];

static int setup(void **state)
{
	(void)state;
	for (size_t i = 0, x = 1; i < TEXT_N; i++) {
		x = x * 1103515245 + 12345;
		text[i] = (char)('a' + (x >> 16) % (i % 1000 < 500 ? 3 : 26));
	}
	return 0;
}

static size_t pack(const char *p, size_t n, char *to)
{
	z_stream z = {0};
	size_t done;

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, 0), Z_OK);
	z.next_in = (Bytef *)p;
	z.avail_in = (uInt)n;
	z.next_out = (Bytef *)to;
	z.avail_out = sizeof(packed) / 2;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	done = z.total_out;
	deflateEnd(&z);
	return done;
}

/* In parts of `cut` octets. */
static enum rc unpack(
	struct gunzip *gunzip, const char *p, size_t n, size_t cut, struct strbuf *out)
{
	struct error err;

	gunzip_begin(gunzip);
	for (size_t at = 0; at < n; at += cut) {
		const char *part = p + at, *piece;
		size_t left = n - at < cut ? n - at : cut, piece_n;

		do {
			if (gunzip_next(gunzip, &part, &left, &piece, &piece_n, &err) !=
				RC_OK)
				return err.code;
			assert_true(piece_n <= GUNZIP_PIECE);
			strbuf_add(out, piece, piece_n);
		} while (piece_n);
		assert_int_equal(left, 0);
	}
	return RC_OK;
}

static void assert_unpacks(size_t n, size_t cut, size_t text_n)
{
	struct gunzip *gunzip = gunzip_new();
	struct strbuf out;

	strbuf_init(&out, 4 * TEXT_N);
	for (int round = 0; round < 2; round++) { /* it can be used again */
		strbuf_reset(&out);
		assert_int_equal(unpack(gunzip, packed, n, cut, &out), RC_OK);
		assert_true(gunzip_whole(gunzip));
		assert_int_equal(out.n, text_n);
		for (size_t i = 0; i < text_n; i += TEXT_N)
			assert_memory_equal(out.p + i, text,
				text_n - i < TEXT_N ? text_n - i : TEXT_N);
	}
	strbuf_clear(&out);
	gunzip_free(gunzip);
}

static void cut_anywhere(void **state)
{
	size_t n = pack(text, TEXT_N, packed);

	(void)state;
	assert_unpacks(n, n, TEXT_N);
	assert_unpacks(n, 1, TEXT_N);
	assert_unpacks(n, 4097, TEXT_N);
	n = pack(text, 5, packed);
	for (size_t cut = 1; cut <= n; cut++)
		assert_unpacks(n, cut, 5);
}

static void several_members(void **state)
{
	size_t n = pack(text, TEXT_N, packed);

	(void)state;
	memcpy(packed + n, packed, n);
	assert_unpacks(2 * n, 2 * n, 2 * TEXT_N);
	assert_unpacks(2 * n, 7, 2 * TEXT_N);
	n = pack("", 0, packed);
	assert_unpacks(n, n, 0);
}

/* What is cut is not whole, wherever. */
static void cut_short(void **state)
{
	size_t n = pack(text, 300, packed);
	struct gunzip *gunzip = gunzip_new();
	struct strbuf out;

	(void)state;
	strbuf_init(&out, TEXT_N);
	assert_true(gunzip_whole(gunzip));
	for (size_t until = 1; until < n; until++) {
		assert_int_equal(unpack(gunzip, packed, until, until, &out), RC_OK);
		assert_false(gunzip_whole(gunzip));
	}
	strbuf_clear(&out);
	gunzip_free(gunzip);
}

/* An octet that is another one: an error or, where it is of no account, the same text. */
static void broken_anywhere(void **state)
{
	size_t n = pack(text, 300, packed), errors = 0;
	struct gunzip *gunzip = gunzip_new();
	struct strbuf out;

	(void)state;
	strbuf_init(&out, (size_t)100 * TEXT_N);
	for (size_t i = 0; i < n; i++)
		for (unsigned bit = 1; bit < 256; bit <<= 1) {
			enum rc rc;

			strbuf_reset(&out);
			packed[i] = (char)(packed[i] ^ bit);
			rc = unpack(gunzip, packed, n, n, &out);
			packed[i] = (char)(packed[i] ^ bit);
			assert_true(rc == RC_OK || rc == RC_PROTO);
			errors += rc != RC_OK;
			if (rc == RC_OK && gunzip_whole(gunzip)) {
				assert_int_equal(out.n, 300);
				assert_memory_equal(out.p, text, 300);
			}
		}
	assert_true(errors > 4 * n);
	strbuf_reset(&out);
	assert_int_equal(unpack(gunzip, "no gzip at all", 14, 14, &out), RC_PROTO);
	n = pack(text, 300, packed);
	memcpy(packed + n, "more than a head", 16);
	assert_int_equal(unpack(gunzip, packed, n + 16, n + 16, &out), RC_PROTO);
	strbuf_clear(&out);
	gunzip_free(gunzip);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(several_members),
		cmocka_unit_test(cut_short),
		cmocka_unit_test(broken_anywhere),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
