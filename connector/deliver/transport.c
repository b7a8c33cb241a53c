#include "config.h"

#include "deliver/transport.h"

#include "deliver/carrier.h"

const struct transport_type *transport_type(enum transport transport)
{
#define ROW(id, word, has, carrier) {word, has, carrier},
	static const struct transport_type types[] = {TRANSPORTS(ROW)};
#undef ROW

	return &types[transport];
}
