/* address.c - strict reading of IP and MAC addresses from the vendor's text. */
#include "address.h"

#include <arpa/inet.h>

/* Surely as RFC 5952 and inet_ntop() spell it: lower case, no zeros to leave out and none left out
 * that should be there. The text is an address. */
static int is_canonical(const char *s)
{
	unsigned groups = 0, gaps = 0;

	if (*s == ':')
		return 0;
	while (*s) {
		if (*s == '0')
			return 0;
		for (; *s && *s != ':'; s++)
			if (*s == '.' || (*s >= 'A' && *s <= 'F'))
				return 0;
		groups++;
		if (*s == ':' && *++s == ':') {
			gaps++;
			s++;
		}
	}
	return !gaps || groups <= 6;
}

/* Four numbers up to 255 without leading zeros, as inet_pton() wants them. */
static int is_ipv4(struct fmt_str s)
{
	unsigned dots = 0, number = 0, digits = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned digit = (unsigned)(unsigned char)s.p[i] - '0';

		if (digit <= 9 && !(digits && !number)) {
			number = number * 10 + digit;
			digits++;
		} else if (s.p[i] == '.' && digits && number <= 255 && dots < 3) {
			dots++;
			number = digits = 0;
		} else {
			return 0;
		}
	}
	return dots == 3 && digits && number <= 255;
}

enum address_kind address_spell(struct fmt_str *text, char out[ADDRESS_SIZE])
{
	static const unsigned char mapped[12] = {[10] = 0xFF, [11] = 0xFF};
	enum address_kind kind = ADDRESS_IPV6;
	struct in6_addr ipv6;
	struct in_addr ipv4;

	if (text->n < 2 || text->n >= ADDRESS_SIZE)
		return ADDRESS_NONE;
	if (is_ipv4(*text))
		return ADDRESS_IPV4;
	if (memchr(text->p, 0, text->n))
		return ADDRESS_NONE;
	memcpy(out, text->p, text->n);
	out[text->n] = 0;
	if (inet_pton(AF_INET6, out, &ipv6) != 1)
		return ADDRESS_NONE;
	if (is_canonical(out))
		return ADDRESS_IPV6;
	if (!memcmp(&ipv6, mapped, sizeof(mapped))) {
		memcpy(&ipv4, (const unsigned char *)&ipv6 + 12, sizeof(ipv4));
		inet_ntop(AF_INET, &ipv4, out, ADDRESS_SIZE);
		kind = ADDRESS_IPV4;
	} else {
		inet_ntop(AF_INET6, &ipv6, out, ADDRESS_SIZE);
	}
	*text = (struct fmt_str){out, strlen(out)};
	return kind;
}

int address_read_mac(struct fmt_str text, char out[18])
{
	size_t step = text.n == 12 ? 2 : 3;

	if (text.n != 12 && text.n != 17)
		return 0;
	for (size_t i = 0; i < 6; i++) {
		for (size_t k = 0; k < 2; k++) {
			char c = text.p[i * step + k];

			if (c >= 'A' && c <= 'F')
				c = (char)(c + 32);
			if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
				return 0;
			out[i * 3 + k] = c;
		}
		if (step == 3 && i < 5 &&
			(text.p[i * 3 + 2] != text.p[2] ||
				(text.p[2] != ':' && text.p[2] != '-')))
			return 0;
		out[i * 3 + 2] = ':';
	}
	out[17] = 0;
	return 1;
}
