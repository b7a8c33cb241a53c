#include "config.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t system_mono_ms(const struct clock *clock)
{
	struct timespec ts;

	(void)clock;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t system_wall_ticks(const struct clock *clock)
{
	struct timespec ts;

	(void)clock;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * TICKS_PER_S + ts.tv_nsec / 100;
}

const struct clock clock_system = {system_mono_ms, system_wall_ticks};

static int64_t fake_mono_ms(const struct clock *clock)
{
	return ((const struct clock_fake *)(const void *)clock)->mono_ms;
}

static int64_t fake_wall_ticks(const struct clock *clock)
{
	return ((const struct clock_fake *)(const void *)clock)->wall_ticks;
}

void clock_fake_init(struct clock_fake *fake, int64_t wall_ticks)
{
	*fake = (struct clock_fake){{fake_mono_ms, fake_wall_ticks}, 1000, wall_ticks};
}

void clock_fake_pass(struct clock_fake *fake, int64_t ms)
{
	fake->mono_ms += ms;
	fake->wall_ticks += ms * TICKS_PER_MS;
}

/* Days since 1970-01-01 of a proleptic Gregorian date: years are counted from March so that the
 * leap day is the last of its year. */
static int64_t days_of(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t m = month <= 2 ? month + 9 : month - 3;

	return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 -
	       719468;
}

static void date_of(int64_t days, int *year, int *month, int *day)
{
	int64_t z = days + 719468;
	int64_t era = z / 146097, doe = z % 146097;
	int64_t yoe, doy, mp;

	if (doe < 0) {
		doe += 146097;
		era--;
	}
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	*day = (int)(doy - (153 * mp + 2) / 5 + 1);
	*month = (int)(mp < 10 ? mp + 3 : mp - 9);
	*year = (int)(yoe + era * 400 + (*month <= 2));
}

static bool digits(const char *p, int count, int *value)
{
	int v = 0;

	for (int i = 0; i < count; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		v = v * 10 + (p[i] - '0');
	}
	*value = v;
	return true;
}

static int days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
		return 29;
	return days[month - 1];
}

bool time_parse(const char *p, size_t n, int64_t *ticks)
{
	int year, month, day, hour, minute, second;
	int64_t fraction = 0, scale = TICKS_PER_S / 10, offset_s = 0;
	size_t i = 19;

	if (n < 19 || !digits(p, 4, &year) || p[4] != '-' ||
		!digits(p + 5, 2, &month) || p[7] != '-' || !digits(p + 8, 2, &day) ||
		(p[10] != 'T' && p[10] != 't' && p[10] != ' ') ||
		!digits(p + 11, 2, &hour) || p[13] != ':' ||
		!digits(p + 14, 2, &minute) || p[16] != ':' ||
		!digits(p + 17, 2, &second))
		return false;
	if (year < 1 || month < 1 || month > 12 || day < 1 ||
		day > days_in_month(year, month) || hour > 23 || minute > 59 ||
		second > 60)
		return false;
	if (second == 60) /* a leap second is the end of its minute */
		second = 59;
	if (i < n && p[i] == '.') {
		size_t first = ++i;

		for (; i < n && p[i] >= '0' && p[i] <= '9'; i++) {
			fraction += (p[i] - '0') * scale;
			scale /= 10;
		}
		if (i == first)
			return false;
	}
	if (i < n && (p[i] == 'Z' || p[i] == 'z')) {
		i++;
	} else if (i < n && (p[i] == '+' || p[i] == '-')) {
		int zone_hour, zone_minute;

		if (n - i != 6 || !digits(p + i + 1, 2, &zone_hour) ||
			p[i + 3] != ':' || !digits(p + i + 4, 2, &zone_minute) ||
			zone_hour > 23 || zone_minute > 59)
			return false;
		offset_s = zone_hour * 3600 + zone_minute * 60;
		if (p[i] == '-')
			offset_s = -offset_s;
		i += 6;
	}
	if (i != n)
		return false;
	*ticks = (days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 +
			 second - offset_s) *
			 TICKS_PER_S +
		 fraction;
	return true;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

void time_civil(int64_t ticks, struct time_civil *civil)
{
	int64_t seconds = floor_div(ticks, TICKS_PER_S);
	int64_t days = floor_div(seconds, 86400);
	int rest = (int)(seconds - days * 86400);

	date_of(days, &civil->year, &civil->month, &civil->day);
	civil->hour = rest / 3600;
	civil->minute = rest / 60 % 60;
	civil->second = rest % 60;
}

static void put_digits(char *p, int count, int64_t value)
{
	while (count-- > 0) {
		p[count] = (char)('0' + value % 10);
		value /= 10;
	}
}

size_t time_format(int64_t ticks, int count, char out[TIME_TEXT])
{
	int64_t fraction = ticks - floor_div(ticks, TICKS_PER_S) * TICKS_PER_S;
	struct time_civil civil;
	size_t n = 19;

	time_civil(ticks, &civil);
	memcpy(out, "0000-00-00T00:00:00", 20);
	put_digits(out, 4, civil.year);
	put_digits(out + 5, 2, civil.month);
	put_digits(out + 8, 2, civil.day);
	put_digits(out + 11, 2, civil.hour);
	put_digits(out + 14, 2, civil.minute);
	put_digits(out + 17, 2, civil.second);
	if (count > 0) {
		for (int i = count; i < 7; i++)
			fraction /= 10;
		out[n++] = '.';
		put_digits(out + n, count, fraction);
		n += (size_t)count;
	}
	out[n++] = 'Z';
	out[n] = '\0';
	return n;
}
