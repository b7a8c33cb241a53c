/* value.c - what the values of an alert mean. */
#include "value.h"

#define DAY_S 86400
#define YEAR_10000_S INT64_C(253402300800)
#define TICKS_PER_S INT64_C(10000000)
#define TICKS_PER_DAY (DAY_S * TICKS_PER_S)

void view_open(struct view *view, const struct fmt_evidence *evidence)
{
	size_t i = evidence ? evidence->field_count : 0;

	view->evidence = evidence;
	memset(&view->has, 0, sizeof(view->has));
	memset(&view->many, 0, sizeof(view->many));
	memset(&view->used, 0, sizeof(view->used));
	/* What stands too far back for the index counts as one of many. */
	for (; i > UINT16_MAX; i--)
		if (evidence->fields[i - 1].id < FMT_FIELD_IDS)
			field_set_add(&view->many, evidence->fields[i - 1].id);
	while (i-- > 0) {
		uint32_t id = evidence->fields[i].id;
		uint64_t bit = UINT64_C(1) << id % 64;

		if (id >= FMT_FIELD_IDS)
			continue;
		view->many.words[id / 64] |= view->has.words[id / 64] & bit;
		view->has.words[id / 64] |= bit;
		view->at[id] = (uint16_t)i;
	}
	view->has.words[0] &= ~(UINT64_C(1) << FMT_FIELD_NONE);
}

struct fmt_str view_get(const struct view *view, enum fmt_field_id id)
{
	if (!field_set_has(&view->has, id))
		return (struct fmt_str){NULL, 0};
	return text_trim(view->evidence->fields[view->at[id]].value);
}

struct fmt_str view_first(
	const struct view *view, enum fmt_field_id a, enum fmt_field_id b)
{
	struct fmt_str s = view_get(view, a);

	return s.n ? s : view_get(view, b);
}

void view_mark(struct view *view, enum fmt_field_id id)
{
	if (field_set_has(&view->has, id) && !field_set_has(&view->many, id))
		field_set_add(&view->used, id);
}

struct fmt_str view_take(struct view *view, enum fmt_field_id id)
{
	view_mark(view, id);
	return view_get(view, id);
}

int value_is_nothing(struct fmt_str s)
{
	return !s.n || text_equal_nocase(s, "unknown") ||
	       text_equal_nocase(s, "none") ||
	       text_equal_nocase(s, "unknownFutureValue") ||
	       text_equal_nocase(s, "notAvailable");
}

int value_number(struct fmt_str s, uint64_t max, uint64_t *number)
{
	uint64_t n = 0;

	if (!s.n || s.n > 20 || (s.p[0] == '0' && s.n > 1))
		return 0;
	for (size_t i = 0; i < s.n; i++) {
		unsigned digit = (unsigned)(unsigned char)s.p[i] - '0';

		if (digit > 9 || digit > max || n > (max - digit) / 10)
			return 0;
		n = n * 10 + digit;
	}
	*number = n;
	return 1;
}

/* Days since 1970-01-01 of the proleptic Gregorian calendar; eras of 400 years begin in March. */
static int64_t days_from_date(int64_t year, unsigned month, unsigned day)
{
	int64_t y = month <= 2 ? year - 1 : year, era = y / 400, in_era = y - era * 400;
	int64_t in_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year -
	       719468;
}

static void date_from_days(int64_t days, unsigned *year, unsigned *month, unsigned *day)
{
	uint32_t z = (uint32_t)(days + 719468), era = z / 146097, in_era, y, in_year, m;

	in_era = z - era * 146097;
	y = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	in_year = in_era - (365 * y + y / 4 - y / 100);
	m = (5 * in_year + 2) / 153;
	*day = in_year - (153 * m + 2) / 5 + 1;
	*month = m < 10 ? m + 3 : m - 9;
	*year = y + era * 400 + (*month <= 2);
}

/* Exactly n digits at p, else -1. */
static int read_digits(const char *p, size_t n)
{
	int value = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		value = value * 10 + (p[i] - '0');
	}
	return value;
}

int64_t value_time(struct fmt_str s)
{
	static const unsigned char lengths[] = {
		31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	const char *p = s.p, *end;
	int year, month, day, hour, minute, second;
	int64_t ticks = 0, unit = TICKS_PER_S, seconds, offset = 0;

	if (s.n < 20 || s.n > 35)
		return FMT_NO_TIME;
	end = p + s.n;
	year = read_digits(p, 4);
	month = read_digits(p + 5, 2);
	day = read_digits(p + 8, 2);
	hour = read_digits(p + 11, 2);
	minute = read_digits(p + 14, 2);
	second = read_digits(p + 17, 2);
	if (p[4] != '-' || p[7] != '-' || (p[10] != 'T' && p[10] != 't') ||
		p[13] != ':' || p[16] != ':' || year < 1970 || month < 1 ||
		month > 12 || day < 1 || day > lengths[month - 1] || hour < 0 ||
		hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
		return FMT_NO_TIME;
	if (month == 2 && day == 29 &&
		(year % 4 != 0 || (year % 100 == 0 && year % 400 != 0)))
		return FMT_NO_TIME;
	p += 19;
	if (*p == '.') {
		const char *first = ++p;

		for (; p < end && *p >= '0' && *p <= '9'; p++) {
			unit /= 10;
			ticks += unit * (*p - '0');
		}
		if (p == first || p - first > 9)
			return FMT_NO_TIME;
	}
	if (end - p == 6 && (*p == '+' || *p == '-') && p[3] == ':') {
		int h = read_digits(p + 1, 2), m = read_digits(p + 4, 2);

		if (h < 0 || h > 23 || m < 0 || m > 59)
			return FMT_NO_TIME;
		offset = (*p == '-' ? -1 : 1) * (h * 3600 + m * 60);
	} else if (end - p != 1 || (*p != 'Z' && *p != 'z')) {
		return FMT_NO_TIME;
	}
	seconds = days_from_date(year, (unsigned)month, (unsigned)day) * DAY_S +
		  hour * 3600 + minute * 60 + second - offset;
	ticks += seconds * TICKS_PER_S;
	return value_is_time(ticks) ? ticks : FMT_NO_TIME;
}

int value_is_time(int64_t ticks)
{
	return ticks >= 0 && ticks < YEAR_10000_S * TICKS_PER_S;
}

static inline char *put_two(char *to, unsigned value)
{
	static const char pairs[] =
		"00010203040506070809101112131415161718192021222324"
		"25262728293031323334353637383940414243444546474849"
		"50515253545556575859606162636465666768697071727374"
		"75767778798081828384858687888990919293949596979899";

	memcpy(to, pairs + 2 * (size_t)value, 2);
	return to + 2;
}

static inline char *put_two_and(char *to, unsigned value, char behind)
{
	to[2] = behind;
	return put_two(to, value) + 1;
}

static char *put_date(char *to, int64_t day)
{
	unsigned year, month, day_of_month;

	date_from_days(day, &year, &month, &day_of_month);
	to = put_two(to, year / 100);
	to = put_two_and(to, year % 100, '-');
	to = put_two_and(to, month, '-');
	return put_two_and(to, day_of_month, 'T');
}

/* What stands behind the date. */
static char *put_clock(char *to, uint64_t ticks_in_day, int digits)
{
	unsigned in_day = (unsigned)(ticks_in_day / TICKS_PER_S);
	unsigned part = (unsigned)(ticks_in_day % TICKS_PER_S);

	to = put_two_and(to, in_day / 3600, ':');
	to = put_two_and(to, in_day / 60 % 60, ':');
	to = put_two_and(to, in_day % 60, '.');
	*to++ = (char)('0' + part / 1000000);
	to = put_two(to, part / 10000 % 100);
	if (digits == 7) {
		to = put_two(to, part / 100 % 100);
		to = put_two(to, part % 100);
	}
	*to++ = 'Z';
	return to;
}

char *value_put_time(char *to, int64_t ticks, int digits)
{
	to = put_date(to, ticks / TICKS_PER_DAY);
	return put_clock(to, (uint64_t)(ticks % TICKS_PER_DAY), digits);
}

char *value_put_time_near(struct value_date *date, char *to, int64_t ticks, int digits)
{
	int64_t day = ticks / TICKS_PER_DAY;

	if (day != date->day) {
		date->day = day;
		put_date(date->text, day);
	}
	memcpy(to, date->text, sizeof(date->text));
	return put_clock(
		to + sizeof(date->text), (uint64_t)(ticks % TICKS_PER_DAY), digits);
}

static char *put_eight(char *to, unsigned number)
{
	to = put_two(to, number / 1000000);
	to = put_two(to, number / 10000 % 100);
	to = put_two(to, number / 100 % 100);
	return put_two(to, number % 100);
}

char *value_put_number(char *to, uint64_t number)
{
	char digits[8], *p = digits;

	if (number >= 100000000) {
		to = value_put_number(to, number / 100000000);
		return put_eight(to, (unsigned)(number % 100000000));
	}
	if (number >= 10) {
		put_eight(digits, (unsigned)number);
		for (; *p == '0'; p++)
			;
		for (; p < digits + 7; p++)
			*to++ = *p;
	}
	*to++ = (char)('0' + number % 10);
	return to;
}

int64_t value_when(const struct fmt_alert *alert, int64_t first, int64_t second)
{
	const int64_t times[] = {first, second, alert->last_activity,
		alert->first_activity, alert->resolved};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (times[i] > 0 && value_is_time(times[i]))
			return times[i];
	for (size_t i = 0; i < alert->evidence_count; i++)
		if (alert->evidence[i].created > 0 &&
			value_is_time(alert->evidence[i].created))
			return alert->evidence[i].created;
	return 0;
}

struct fmt_str value_product(const struct fmt_alert *alert)
{
	static const char *const names[][2] = {
		{"microsoftDefenderForEndpoint", "Microsoft Defender for Endpoint"},
		{"microsoftDefenderForIdentity", "Microsoft Defender for Identity"},
		{"microsoftDefenderForCloudApps", "Microsoft Defender for Cloud Apps"},
		{"microsoftDefenderForOffice365", "Microsoft Defender for Office 365"},
		{"azureAdIdentityProtection", "Microsoft Entra ID Protection"},
		{"microsoftAppGovernance", "Microsoft App Governance"},
		{"dataLossPrevention", "Microsoft Data Loss Prevention"},
		{"microsoftDefenderForCloud", "Microsoft Defender for Cloud"},
		{"microsoftSentinel", "Microsoft Sentinel"},
		{"microsoftInsiderRiskManagement", "Microsoft Insider Risk Management"},
		{"microsoftThreatIntelligence", "Microsoft Threat Intelligence"},
		{"microsoftSecurityForAI", "Microsoft Security for AI"},
		/* as older APIs call them */
		{"MicrosoftDefenderATP", "Microsoft Defender for Endpoint"},
		{"AzureATP", "Microsoft Defender for Identity"},
		{"MicrosoftCloudAppSecurity", "Microsoft Defender for Cloud Apps"},
		{"OfficeATP", "Microsoft Defender for Office 365"},
		{"AADIdentityProtection", "Microsoft Entra ID Protection"},
	};
	struct fmt_str s = text_trim(alert->product_name), source;

	if (s.n)
		return s;
	source = text_trim(alert->service_source);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (text_equal_nocase(source, names[i][0]))
			return text_str(names[i][1]);
	return text_str("Microsoft Defender XDR");
}

unsigned value_verdict(struct fmt_str s)
{
	if (text_equal_nocase(s, "malicious"))
		return 4;
	if (text_equal_nocase(s, "suspicious"))
		return 3;
	if (text_equal_nocase(s, "noThreatsFound"))
		return 2;
	return value_is_nothing(s) ? 0 : 1;
}

static int is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int value_has_scheme(struct fmt_str url)
{
	size_t i = 0;

	while (i < url.n && (is_letter(url.p[i]) ||
				    (i && (is_digit(url.p[i]) || url.p[i] == '+' ||
						  url.p[i] == '-' || url.p[i] == '.'))))
		i++;
	return i && url.n - i > 3 && !memcmp(url.p + i, "://", 3);
}

int value_is_country(struct fmt_str s)
{
	return s.n == 2 && is_letter(s.p[0]) && is_letter(s.p[1]);
}

int value_is_mail(struct fmt_str s)
{
	const char *at = s.n ? memchr(s.p, '@', s.n) : NULL;
	size_t label = 0;

	if (!at || at == s.p || s.n > 320)
		return 0;
	for (const char *p = s.p; p < at; p++)
		if (!is_letter(*p) && !is_digit(*p) &&
			(!*p || !strchr("!#$%&'*+-/=?^_`{|}~.", *p)))
			return 0;
	for (const char *p = at + 1; p < s.p + s.n; p++) {
		if (*p == '.' ? !label : !is_letter(*p) && !is_digit(*p) && *p != '-')
			return 0;
		label = *p == '.' ? 0 : label + 1;
	}
	return label > 0;
}

int value_path_is_whole(struct fmt_str folder, struct fmt_str name)
{
	char before;

	if (!folder.n || !name.n)
		return 1;
	if (folder.n <= name.n ||
		memcmp(folder.p + folder.n - name.n, name.p, name.n) != 0)
		return 0;
	before = folder.p[folder.n - name.n - 1];
	return before == '\\' || before == '/';
}

const char *value_separator(struct fmt_str folder)
{
	char last = folder.n ? folder.p[folder.n - 1] : '/';

	if (last == '\\' || last == '/')
		return "";
	return memchr(folder.p, '/', folder.n) && !memchr(folder.p, '\\', folder.n)
		       ? "/"
		       : "\\";
}

size_t value_join_path(char *to, struct fmt_str folder, struct fmt_str name)
{
	char *p = to;

	memcpy(p, folder.p, folder.n);
	p += folder.n;
	for (const char *s = value_separator(folder); *s; s++)
		*p++ = *s;
	memcpy(p, name.p, name.n);
	return (size_t)(p - to) + name.n;
}

const struct value_tactic *value_tactic(struct fmt_str category)
{
	static const struct value_tactic tactics[] = {
		{"InitialAccess", TEXT_INIT("TA0001"), TEXT_INIT("Initial Access")},
		{"Execution", TEXT_INIT("TA0002"), TEXT_INIT("Execution")},
		{"Persistence", TEXT_INIT("TA0003"), TEXT_INIT("Persistence")},
		{"PrivilegeEscalation", TEXT_INIT("TA0004"),
			TEXT_INIT("Privilege Escalation")},
		{"DefenseEvasion", TEXT_INIT("TA0005"), TEXT_INIT("Defense Evasion")},
		{"CredentialAccess", TEXT_INIT("TA0006"),
			TEXT_INIT("Credential Access")},
		{"Discovery", TEXT_INIT("TA0007"), TEXT_INIT("Discovery")},
		{"LateralMovement", TEXT_INIT("TA0008"), TEXT_INIT("Lateral Movement")},
		{"Collection", TEXT_INIT("TA0009"), TEXT_INIT("Collection")},
		{"Exfiltration", TEXT_INIT("TA0010"), TEXT_INIT("Exfiltration")},
		{"CommandAndControl", TEXT_INIT("TA0011"),
			TEXT_INIT("Command and Control")},
		{"Impact", TEXT_INIT("TA0040"), TEXT_INIT("Impact")},
		{"ResourceDevelopment", TEXT_INIT("TA0042"),
			TEXT_INIT("Resource Development")},
		{"Reconnaissance", TEXT_INIT("TA0043"), TEXT_INIT("Reconnaissance")},
	};

	for (size_t i = 0; i < sizeof(tactics) / sizeof(tactics[0]); i++)
		if (text_equal_nocase(category, tactics[i].category))
			return &tactics[i];
	return NULL;
}

struct fmt_str value_technique(struct fmt_str s, int *is_sub)
{
	static const struct fmt_str none = {NULL, 0};

	*is_sub = s.n == 9;
	if ((s.n != 5 && s.n != 9) || s.p[0] != 'T')
		return none;
	for (size_t i = 1; i < s.n; i++)
		if (i == 5 ? s.p[i] != '.' : !is_digit(s.p[i]))
			return none;
	s.n = 5;
	return s;
}

struct fmt_str value_kind(enum fmt_kind kind)
{
	static const struct fmt_str names[FMT_KINDS] = {
		[FMT_KIND_OTHER] = TEXT_INIT("other"),
		[FMT_KIND_DEVICE] = TEXT_INIT("device"),
		[FMT_KIND_USER] = TEXT_INIT("user"),
		[FMT_KIND_PROCESS] = TEXT_INIT("process"),
		[FMT_KIND_FILE] = TEXT_INIT("file"),
		[FMT_KIND_IP] = TEXT_INIT("ip"),
		[FMT_KIND_URL] = TEXT_INIT("url"),
		[FMT_KIND_MAILBOX] = TEXT_INIT("mailbox"),
		[FMT_KIND_MESSAGE] = TEXT_INIT("message"),
		[FMT_KIND_REGISTRY] = TEXT_INIT("registry"),
		[FMT_KIND_CLOUD_RESOURCE] = TEXT_INIT("cloudResource"),
		[FMT_KIND_NETWORK] = TEXT_INIT("network"),
		[FMT_KIND_APPLICATION] = TEXT_INIT("application"),
		[FMT_KIND_LOGON] = TEXT_INIT("logon"),
		[FMT_KIND_GROUP] = TEXT_INIT("group"),
		[FMT_KIND_MALWARE] = TEXT_INIT("malware"),
	};

	return names[(unsigned)kind < FMT_KINDS ? kind : FMT_KIND_OTHER];
}

int value_is_primary(const struct fmt_alert *alert, const struct fmt_evidence *evidence)
{
	for (size_t k = 0; k < FMT_KINDS; k++)
		if (alert->primary[k] == evidence)
			return 1;
	return alert->source_ip == evidence || alert->destination_ip == evidence;
}

void value_set_init(struct value_set *set)
{
	set->count = set->full = 0;
	set->ends = 0;
}

static int has_value(const struct value_set *set, const struct fmt_str *s, int nocase)
{
	for (unsigned i = 0; i < set->count; i++) {
		const struct fmt_str *item = &set->items[i];

		if (item->n == s->n &&
			(!memcmp(item->p, s->p, s->n) ||
				(nocase && text_same_nocase(item->p, s->p, s->n))))
			return 1;
	}
	return 0;
}

int value_set_add(struct value_set *set, struct fmt_str s, int nocase)
{
	uint64_t end;

	if (!s.n)
		return 0;
	/* The same for letters in any case. */
	end = UINT64_C(1) << ((s.n + 7 * (s.p[s.n - 1] & 0x1Fu)) & 63);
	if (set->ends & end && has_value(set, &s, nocase))
		return 0;
	if (set->count == VALUE_SET_MAX) {
		set->full++;
		return 0;
	}
	set->ends |= end;
	set->items[set->count++] = s;
	return 1;
}
