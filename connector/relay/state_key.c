#include "config.h"

#include "relay/state_key.h"

#include <ctype.h>
#include <string.h>

#include "alert/alert.h"
#include "base/clock.h"
#include "relay/message.h"

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

static bool begins(const char *p, size_t n, const char *with)
{
	return n >= strlen(with) && memcmp(p, with, strlen(with)) == 0;
}

enum state_kind state_key_read(const char *p, size_t n, struct fmt_str *id)
{
	size_t hour = 0;

	*id = (struct fmt_str){p, n};
	while (hour < n && hour < STATE_KEY_HOUR - 1 &&
		isxdigit((unsigned char)p[hour]))
		hour++;
	if (hour == STATE_KEY_HOUR - 1 && n > hour && p[hour] == ' ') {
		*id = (struct fmt_str){p + STATE_KEY_HOUR, n - STATE_KEY_HOUR};
		return STATE_ALERT;
	}
	return begins(p, n, STUB_PREFIX) ? STATE_STUB : STATE_OWN;
}

bool state_key_is(struct fmt_str row_id, const char *id)
{
	char digest[ALERT_NOID_LENGTH];
	size_t n = strlen(id);

	if (STATE_KEY_HOUR + n > STORE_ALERT_MAXIMUM) {
		alert_noid(id, n, digest);
		id = digest;
		n = ALERT_NOID_LENGTH;
	}
	return row_id.n == n && memcmp(row_id.p, id, n) == 0;
}

bool state_cursor_good(int64_t cursor, int64_t now)
{
	return cursor == NO_TIME || (cursor > 0 && cursor - now < 24 * HOUR);
}

enum rc state_feed_make(struct strbuf *key, const char *tenant_id,
	const struct config_feed *feed, struct error *err)
{
	strbuf_reset(key);
	strbuf_addf(key, "%s/%s/", tenant_id, feed->source);
	for (size_t i = 0; i < feed->destination_count; i++)
		strbuf_addf(key, "%s%s", i ? "+" : "", feed->destinations[i]);
	if (!key->full && key->n <= STORE_KEY_MAXIMUM)
		return RC_OK;
	return error_set(err, RC_CONFIG,
		"the names of tenant, source and destinations are too long together");
}

static struct fmt_str part(const char **at)
{
	struct fmt_str s = {*at, strcspn(*at, "/")};

	*at += s.n + (s.p[s.n] == '/');
	return s;
}

void state_feed_read(const char *key, struct state_feed *feed)
{
	feed->tenant_id = part(&key);
	feed->source = part(&key);
	feed->destinations = (struct fmt_str){key, strlen(key)};
}
