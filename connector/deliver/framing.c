#include "config.h"

#include "deliver/framing.h"

#include <string.h>

size_t framing_prefix(enum framing framing, size_t n, char out[FRAMING_PREFIX])
{
	char digits[FRAMING_PREFIX];
	size_t count = 0;

	if (framing != FRAMING_OCTET)
		return 0;
	do
		digits[count++] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	for (size_t i = 0; i < count; i++)
		out[i] = digits[count - 1 - i];
	out[count++] = ' ';
	return count;
}

size_t framing_suffix(enum framing framing)
{
	return framing == FRAMING_LF ? 1 : 0;
}

void framing_clean(char *p, size_t n)
{
	char *end = p + n;

	while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL)
		*p++ = ' ';
}
