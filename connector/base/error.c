#include "config.h"

#include "base/error.h"

#include <ctype.h>
#include <stdbool.h>
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

static bool is_guid(const char *p)
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	for (size_t i = 0; i + 1 < sizeof(shape); i++)
		if (shape[i] == '-' ? p[i] != '-' : !isxdigit((unsigned char)p[i]))
			return false;
	return true;
}

static bool is_code(const char *text, const char *p)
{
	static const char *const before[] = {"HTTP ", "AADSTS"};

	for (size_t i = 0; i < sizeof(before) / sizeof(*before); i++) {
		size_t n = strlen(before[i]);

		if ((size_t)(p - text) >= n && !memcmp(p - n, before[i], n))
			return true;
	}
	return false;
}

uint64_t error_digest(const struct error *err)
{
	uint64_t hash = UINT64_C(14695981039346656037) ^ err->code;

	for (const char *p = err->text; *p;) {
		size_t digits = strspn(p, "0123456789");

		if (is_guid(p)) {
			p += 36;
			continue;
		}
		if (digits && !is_code(err->text, p)) {
			p += digits;
			continue;
		}
		for (size_t n = digits ? digits : 1; n--; p++)
			hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
	}
	return hash;
}
