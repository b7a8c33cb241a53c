#include "config.h"

#include "relay/state_key.h"

#include <string.h>

#include "alert/alert.h"
#include "base/clock.h"

#define HOUR (3600 * TICKS_PER_S)

static void hour_write(char *p, int64_t created)
{
	uint64_t hour = created > 0 ? (uint64_t)(created / HOUR) & 0xffffff : 0;

	for (int i = STATE_KEY_HOUR - 2; i >= 0; i--, hour >>= 4)
		p[i] = "0123456789abcdef"[hour & 15];
	p[STATE_KEY_HOUR - 1] = ' ';
}

void state_key_make(struct state_key *key, const struct source *source,
	const struct fmt_alert *alert)
{
	hour_write(key->p, source->created_fixed ? alert->created : 0);
	key->n = STATE_KEY_HOUR + alert->id.n;
	if (key->n <= sizeof(key->p)) {
		memcpy(key->p + STATE_KEY_HOUR, alert->id.p, alert->id.n);
	} else {
		alert_noid(alert->id.p, alert->id.n, key->p + STATE_KEY_HOUR);
		key->n = STATE_KEY_HOUR + ALERT_NOID_LENGTH;
	}
}
