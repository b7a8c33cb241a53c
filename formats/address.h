/* address.h - strict reading of IP and MAC addresses from the vendor's text.
 *
 * Purpose:  only a whole, plain address gets into a typed key: no port, bracket, zone id or list.
 *           An IPv4-mapped IPv6 address is given as IPv4.
 * Source:   facts of the CEF dictionary (src is IPv4, c6a2 is IPv6, dvcmac has colons). */
#ifndef ALERTRELAY_FORMAT_ADDRESS_H
#define ALERTRELAY_FORMAT_ADDRESS_H

#include "format.h"

#define ADDRESS_SIZE 48

enum address_kind {
	ADDRESS_NONE,
	ADDRESS_IPV4,
	ADDRESS_IPV6,
};

/* Makes the text the address in its canonical form: most are spelled so and stay where they are, others
 * are in `out` then. */
enum address_kind address_spell(struct fmt_str *text, char out[ADDRESS_SIZE]);

/* aa:bb:cc:dd:ee:ff from six hex pairs with colons, dashes or nothing between; 1 if it is one. */
int address_read_mac(struct fmt_str text, char out[18]);

#endif
