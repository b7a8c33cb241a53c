/* severity.c - the one table of severities. */
#include "severity.h"

#include <stdio.h>

#include "text.h"

static const char *const names[SEVERITIES] = {
	"unknown", "informational", "low", "medium", "high"};

/* unknown, informational, low, medium, high */
static const struct severity_map levels[SEVERITY_SCALES] = {
	[SEVERITY_CEF] = {{0, 1, 3, 5, 8}},
	[SEVERITY_LEEF] = {{1, 2, 3, 5, 8}},
	[SEVERITY_ECS] = {{0, 1, 2, 3, 4}},
	[SEVERITY_SYSLOG] = {{5, 6, 5, 4, 3}},
};

static const struct {
	const char *what;
	unsigned char least, most;
} ranges[SEVERITY_SCALES] = {
	[SEVERITY_CEF] = {"CEF's numbers from 0 to 10", 0, 10},
	[SEVERITY_LEEF] = {"LEEF's numbers from 1 to 10", 1, 10},
	[SEVERITY_ECS] = {"ECS's numbers from 0 to 100", 0, 100},
	[SEVERITY_SYSLOG] = {"emerg, alert, crit, err, warning, notice, info, debug", 0,
		7},
};

const char *severity_name(enum fmt_severity severity)
{
	return (size_t)severity < SEVERITIES ? names[severity] : names[0];
}

enum fmt_severity severity_of(const struct fmt_alert *alert)
{
	struct fmt_str text;

	if (alert->severity != FMT_SEVERITY_UNKNOWN &&
		(size_t)alert->severity < SEVERITIES)
		return alert->severity;
	text = text_trim(alert->severity_text);
	for (size_t i = 1; i < SEVERITIES; i++)
		if (text_equal_nocase(text, names[i]))
			return (enum fmt_severity)i;
	return FMT_SEVERITY_UNKNOWN;
}

const struct severity_map *severity_default(enum severity_scale scale)
{
	return &levels[scale];
}

/* -1: none of this scale. */
static int read_level(const char *p, size_t n, enum severity_scale scale)
{
	static const char *const syslog[] = {
		"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"};
	int level = 0;

	for (size_t i = 0; scale == SEVERITY_SYSLOG && i < 8; i++)
		if (strlen(syslog[i]) == n && !memcmp(p, syslog[i], n))
			return (int)i;
	if (!n || n > 3 || (n > 1 && p[0] == '0'))
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		level = level * 10 + p[i] - '0';
	}
	return level >= ranges[scale].least && level <= ranges[scale].most ? level : -1;
}

int severity_read(const char *text, enum severity_scale scale, struct severity_map *map,
	char *error, size_t error_size)
{
	unsigned given = 0;

	*map = levels[scale];
	while (*text) {
		size_t n = strcspn(text, ","), key = strcspn(text, "=,"), i = 0;
		const char *value = key < n ? text + key + 1 : "";
		int value_n = key < n ? (int)(n - key - 1) : 0, level;

		while (i < SEVERITIES &&
			(strlen(names[i]) != key || memcmp(text, names[i], key) != 0))
			i++;
		if (i == SEVERITIES || given & 1u << i) {
			snprintf(error, error_size,
				"\"%.*s\" is %s; write each of unknown, informational, "
				"low, medium and high once at most",
				(int)(key < 40 ? key : 40), text,
				i == SEVERITIES ? "no severity" : "there twice");
			return 0;
		}
		level = read_level(value, (size_t)value_n, scale);
		if (level < 0) {
			snprintf(error, error_size, "%s is \"%.*s\"; write one of %s",
				names[i], value_n < 40 ? value_n : 40, value,
				ranges[scale].what);
			return 0;
		}
		given |= 1u << i;
		map->level[i] = (unsigned char)level;
		text += n + (text[n] == ',');
	}
	return 1;
}
