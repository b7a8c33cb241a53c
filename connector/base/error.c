#include "config.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

/* vsnprintf may have cut a UTF-8 character in two. */
static void cut_at_character(char *text, size_t size)
{
	size_t n = strlen(text);

	if (n + 1 < size)
		return;
	while (n && ((unsigned char)text[n - 1] & 0xc0) == 0x80)
		n--;
	if (n && ((unsigned char)text[n - 1] & 0x80))
		n--;
	text[n] = '\0';
}

enum rc error_set(struct error *err, enum rc code, const char *format, ...)
{
	va_list ap;

	if (!err)
		return code;
	err->code = code;
	va_start(ap, format);
	vsnprintf(err->text, sizeof(err->text), format, ap);
	va_end(ap);
	cut_at_character(err->text, sizeof(err->text));
	return code;
}

enum rc error_wrap(struct error *err, const char *format, ...)
{
	char inner[sizeof(err->text)];
	va_list ap;
	size_t n;

	if (!err)
		return RC_IO;
	memcpy(inner, err->text, sizeof(inner));
	va_start(ap, format);
	vsnprintf(err->text, sizeof(err->text), format, ap);
	va_end(ap);
	n = strlen(err->text);
	snprintf(err->text + n, sizeof(err->text) - n, ": %s", inner);
	cut_at_character(err->text, sizeof(err->text));
	return err->code;
}

bool error_same(const struct error *a, const struct error *b)
{
	const char *end_a = strstr(a->text, ERROR_NUMBERS),
		   *end_b = strstr(b->text, ERROR_NUMBERS);
	size_t n = end_a ? (size_t)(end_a - a->text) : strlen(a->text),
	       m = end_b ? (size_t)(end_b - b->text) : strlen(b->text);

	return a->code == b->code && n == m && !memcmp(a->text, b->text, n);
}
