/* address.c - strict reading of IP and MAC addresses from the vendor's text. */
#include "address.h"

#include <arpa/inet.h>

enum address_kind address_read(struct fmt_str text, char out[ADDRESS_SIZE])
{
	static const unsigned char mapped[12] = {[10] = 0xFF, [11] = 0xFF};
	char copy[ADDRESS_SIZE];
	struct in6_addr ipv6;
	struct in_addr ipv4;

	if (text.n < 2 || text.n >= sizeof(copy) || memchr(text.p, 0, text.n))
		return ADDRESS_NONE;
	memcpy(copy, text.p, text.n);
	copy[text.n] = 0;
	if (inet_pton(AF_INET, copy, &ipv4) == 1) {
		memcpy(out, copy, text.n + 1);
		return ADDRESS_IPV4;
	}
	if (inet_pton(AF_INET6, copy, &ipv6) != 1)
		return ADDRESS_NONE;
	if (!memcmp(&ipv6, mapped, sizeof(mapped))) {
		memcpy(&ipv4, (const unsigned char *)&ipv6 + 12, sizeof(ipv4));
		return inet_ntop(AF_INET, &ipv4, out, ADDRESS_SIZE) ? ADDRESS_IPV4
								    : ADDRESS_NONE;
	}
	return inet_ntop(AF_INET6, &ipv6, out, ADDRESS_SIZE) ? ADDRESS_IPV6
							     : ADDRESS_NONE;
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
