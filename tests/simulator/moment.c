/* moment.c - points in time as Graph writes them. */
#include "config.h"

#include "moment.h"

#include <string.h>
#include <time.h>

int64_t moment_now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * MOMENT_SECOND + ts.tv_nsec / 100;
}

static int64_t days_before_year(int64_t y)
{
	y--;
	return y * 365 + y / 4 - y / 100 + y / 400;
}

static bool is_leap(int64_t y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static const short month_days[2][13] = {
	{0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365},
	{0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366}};

static int64_t digits(const char *p, size_t n)
{
	int64_t v = 0;
	for (; n--; p++) {
		if (*p < '0' || *p > '9')
			return -1;
		v = v * 10 + (*p - '0');
	}
	return v;
}

bool moment_parse(const char *p, size_t n, int64_t *ticks)
{
	if (n < 20 || n > 28 || p[4] != '-' || p[7] != '-' || p[10] != 'T' ||
		p[13] != ':' || p[16] != ':' || p[n - 1] != 'Z')
		return false;
	int64_t y = digits(p, 4), mon = digits(p + 5, 2), d = digits(p + 8, 2),
		h = digits(p + 11, 2), min = digits(p + 14, 2), s = digits(p + 17, 2);
	int64_t fraction = 0;
	if (y < 1 || mon < 1 || mon > 12 || d < 1 || h < 0 || h > 23 || min < 0 ||
		min > 59 || s < 0 || s > 59)
		return false;
	const short *before = month_days[is_leap(y)];
	if (d > before[mon] - before[mon - 1])
		return false;
	if (n != 20) {
		if (p[19] != '.' || n == 21)
			return false;
		fraction = digits(p + 20, n - 21);
		if (fraction < 0)
			return false;
		for (size_t i = n - 21; i < 7; i++)
			fraction *= 10;
	}
	int64_t days =
		days_before_year(y) - days_before_year(1970) + before[mon - 1] + d - 1;
	*ticks = (((days * 24 + h) * 60 + min) * 60 + s) * MOMENT_SECOND + fraction;
	return true;
}

static void two(char *p, int64_t v)
{
	p[0] = (char)('0' + v / 10 % 10);
	p[1] = (char)('0' + v % 10);
}

size_t moment_format(char out[MOMENT_SIZE], int64_t ticks)
{
	if (ticks < 0)
		ticks = 0;
	int64_t fraction = ticks % MOMENT_SECOND, s = ticks / MOMENT_SECOND;
	int64_t day = s / 86400, y = 1970 + day / 366;
	s %= 86400;
	while (days_before_year(y + 1) - days_before_year(1970) <= day)
		y++;
	day -= days_before_year(y) - days_before_year(1970);
	const short *before = month_days[is_leap(y)];
	int mon = 1;
	while (before[mon] <= day)
		mon++;
	memcpy(out, "0000-00-00T00:00:00", 20);
	two(out, y / 100);
	two(out + 2, y);
	two(out + 5, mon);
	two(out + 8, day - before[mon - 1] + 1);
	two(out + 11, s / 3600);
	two(out + 14, s / 60 % 60);
	two(out + 17, s % 60);
	size_t n = 19;
	if (fraction) {
		out[n++] = '.';
		for (int64_t unit = MOMENT_SECOND / 10; fraction; unit /= 10) {
			out[n++] = (char)('0' + fraction / unit);
			fraction %= unit;
		}
	}
	out[n++] = 'Z';
	out[n] = '\0';
	return n;
}
