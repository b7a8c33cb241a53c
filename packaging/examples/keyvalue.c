/* keyvalue.c - a formatter module for alertrelay: an alert as key=value pairs (logfmt), which Loki,
 * Splunk and many scripts read. It is an example: copy it and change it.
 *
 *	cc -O2 -fPIC -shared -fvisibility=hidden $(pkg-config --cflags alertrelay-format) \
 *		-o keyvalue.so keyvalue.c
 *	install -m 644 keyvalue.so "$(pkg-config --variable=moduledir alertrelay-format)"
 *	alertrelay formats keyvalue
 *	alertrelay preview --format keyvalue alerts.json
 *
 * A value that is not plain is in quotes, with the escapes of JSON. Values are chosen by attackers,
 * so each octet of them goes through put_value(). */
#include <alertrelay/format.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TICKS_PER_S (INT64_C(1000) * FMT_TICKS_PER_MS)
#define MARK "..." /* ends a text that was cut */
#define TEXT_LEAST 40 /* octets of a text that are worth their key */

struct keyvalue {
	int evidence;
};

static const struct fmt_option_info options[] = {
	{"evidence", "yes",
		"no leaves out what is known of devices, users, files and so on"},
	{NULL, NULL, NULL},
};

static void *keyvalue_open(
	const struct fmt_option *given, size_t count, char *error, size_t error_size)
{
	struct keyvalue *self = calloc(1, sizeof(*self));

	if (!self) {
		snprintf(error, error_size, "keyvalue: out of memory");
		return NULL;
	}
	self->evidence = 1;
	for (size_t i = 0; i < count; i++) {
		/* The host takes no option but those of the table. */
		self->evidence = !strcmp(given[i].value, "yes");
		if (!self->evidence && strcmp(given[i].value, "no") != 0) {
			snprintf(error, error_size,
				"keyvalue: %s is \"%.40s\"; write yes or no",
				given[i].name, given[i].value);
			free(self);
			return NULL;
		}
	}
	return self;
}

static void keyvalue_close(void *self)
{
	free(self);
}

/* The octets of the character at p, or 0 when it is none. */
static size_t character(const unsigned char *p, size_t n)
{
	size_t want = p[0] < 0x80 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;

	if ((p[0] >= 0x80 && p[0] < 0xC2) || p[0] > 0xF4 || want > n)
		return 0;
	for (size_t i = 1; i < want; i++)
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	/* Too long a form, a surrogate, more than there is. */
	if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
		(p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
		return 0;
	return want;
}

/* One character of a value in quotes; *used is how many octets of it that was. */
static int put_character(
	struct fmt_out *out, const unsigned char *p, size_t n, size_t *used)
{
	char escape[8];

	*used = character(p, n);
	if (!*used) {
		*used = 1;
		return fmt_put(out, "\xEF\xBF\xBD", 3);
	}
	if (p[0] == '"' || p[0] == '\\') {
		escape[0] = '\\';
		escape[1] = (char)p[0];
		return fmt_put(out, escape, 2);
	}
	if (p[0] < 0x20 || p[0] == 0x7F)
		return fmt_put(out, escape,
			(size_t)snprintf(escape, sizeof(escape), "\\u%04x", p[0]));
	return fmt_put(out, (const char *)p, *used);
}

static int is_plain(struct fmt_str value)
{
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] <= ' ' || value.p[i] > '~' || value.p[i] == '"' ||
			value.p[i] == '=' || value.p[i] == '\\')
			return 0;
	return 1;
}

static int put_value(struct fmt_out *out, struct fmt_str value)
{
	const unsigned char *p = (const unsigned char *)value.p;
	size_t used;

	if (is_plain(value))
		return fmt_put(out, value.p, value.n);
	if (!fmt_put(out, "\"", 1))
		return 0;
	for (size_t i = 0; i < value.n; i += used)
		if (!put_character(out, p + i, value.n - i, &used))
			return 0;
	return fmt_put(out, "\"", 1);
}

static int put_key(struct fmt_out *out, const char *key)
{
	return (!out->n || fmt_put(out, " ", 1)) && fmt_put(out, key, strlen(key)) &&
	       fmt_put(out, "=", 1);
}

/* All of the pair or nothing. An output that was full is not full any more when what did not fit is
 * taken back. */
static int put_pair(struct fmt_out *out, const char *key, struct fmt_str value)
{
	size_t before = out->n;

	if (!value.n || (put_key(out, key) && put_value(out, value)))
		return 1;
	out->n = before;
	out->full = 0;
	return 0;
}

/* What may be missing, which is counted. */
static void put_less(struct fmt_message *message, const char *key, struct fmt_str value)
{
	message->shed_fields += !put_pair(message->body, key, value);
}

/* As much of a text as there is room for, in quotes. */
static void put_text(struct fmt_message *message, const char *key, struct fmt_str text)
{
	struct fmt_out *out = message->body;
	const unsigned char *p = (const unsigned char *)text.p;
	size_t before = out->n, end = 0, used, i = 0;

	if (put_pair(out, key, text))
		return;
	if (out->maximum - out->n < strlen(key) + TEXT_LEAST || !put_key(out, key) ||
		!fmt_put(out, "\"", 1)) {
		out->n = before;
		out->full = 0;
		message->shed_fields++;
		return;
	}
	for (; i < text.n; i += used) {
		end = out->n;
		if (!put_character(out, p + i, text.n - i, &used) ||
			out->maximum - out->n < strlen(MARK) + 1)
			break;
	}
	out->n = end;
	out->full = 0;
	(void)fmt_put(out, MARK "\"", strlen(MARK) + 1);
	message->cut_texts++;
}

static struct fmt_str text_of(const char *s)
{
	struct fmt_str text = {s, s ? strlen(s) : 0};

	return text;
}

/* "2026-01-05T09:00:00.123Z"; nothing when it is not known. */
static struct fmt_str time_of(int64_t ticks, char *out, size_t size)
{
	int64_t seconds = ticks / TICKS_PER_S, rest = ticks % TICKS_PER_S;
	struct fmt_str text = {out, 0};
	time_t moment;
	struct tm tm;

	if (ticks == FMT_NO_TIME)
		return text;
	if (rest < 0) {
		seconds--;
		rest += TICKS_PER_S;
	}
	moment = (time_t)seconds;
	if (!gmtime_r(&moment, &tm))
		return text;
	text.n = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &tm);
	text.n += (size_t)snprintf(
		out + text.n, size - text.n, ".%03dZ", (int)(rest / FMT_TICKS_PER_MS));
	return text;
}

static void put_evidence(struct fmt_message *message, const struct fmt_alert *alert)
{
	static const struct {
		const char *key;
		enum fmt_kind kind;
		enum fmt_field_id id;
	} rows[] = {
		{"device", FMT_KIND_DEVICE, FMT_DEVICE_DNS_NAME},
		{"user", FMT_KIND_USER, FMT_USER_NAME},
		{"upn", FMT_KIND_USER, FMT_USER_UPN},
		{"process", FMT_KIND_PROCESS, FMT_FILE_NAME},
		{"command_line", FMT_KIND_PROCESS, FMT_PROCESS_COMMAND_LINE},
		{"file", FMT_KIND_FILE, FMT_FILE_NAME},
		{"sha256", FMT_KIND_FILE, FMT_FILE_SHA256},
		{"ip", FMT_KIND_IP, FMT_IP_ADDRESS},
		{"url", FMT_KIND_URL, FMT_URL},
		{"mailbox", FMT_KIND_MAILBOX, FMT_MAILBOX_ADDRESS},
		{"subject", FMT_KIND_MESSAGE, FMT_MESSAGE_SUBJECT},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		put_less(message, rows[i].key,
			fmt_get(alert->primary[rows[i].kind], rows[i].id));
}

static enum fmt_result keyvalue_format(
	void *self, const struct fmt_alert *alert, struct fmt_message *message)
{
	const struct keyvalue *keyvalue = self;
	struct fmt_out *out = message->body;
	char created[40], updated[40];

	/* Without these it is no message: what tells a repeat, and where to look further. */
	if (!put_pair(out, "time", time_of(alert->created, created, sizeof(created))) ||
		!put_pair(out, "customer", alert->customer) ||
		!put_pair(out, "id", alert->id) ||
		!put_pair(out, "version", alert->version) ||
		!put_pair(out, "severity", alert->severity_text) ||
		!put_pair(out, "alert_url", alert->alert_url) ||
		!put_pair(out, "incident", alert->incident_id))
		return FMT_TOO_SMALL;
	put_text(message, "title", alert->title);
	put_less(message, "status", alert->status);
	put_less(message, "category", alert->category);
	put_less(message, "source", text_of(alert->source));
	put_less(message, "product", alert->service_source);
	put_less(message, "customer_name", alert->customer_name);
	put_less(message, "tenant", alert->tenant_id);
	put_less(message, "updated", time_of(alert->updated, updated, sizeof(updated)));
	if (keyvalue->evidence)
		put_evidence(message, alert);
	put_text(message, "description", alert->description);
	return FMT_OK;
}

const struct fmt_module fmt_module = {
	FMT_ABI, /* abi_version */
	sizeof(struct fmt_module), /* struct_size */
	"keyvalue", /* name */
	"key=value pairs (logfmt), with values in quotes where needed", /* help */
	options, /* options */
	keyvalue_open, /* open */
	keyvalue_format, /* format */
	keyvalue_close, /* close */
	"1", /* version */
	NULL, /* fields: takes no field map */
};
