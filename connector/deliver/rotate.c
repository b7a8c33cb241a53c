#include "config.h"

#include "deliver/rotate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define STAMP 16 /* octets of 20260105T094740Z */
#define NUMBER_MAXIMUM 999999

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void directory_of(const char *path, char out[PATH_MAX])
{
	const char *base = base_of(path);

	snprintf(out, PATH_MAX, "%.*s", base > path ? (int)(base - path) : 1,
		base > path ? path : ".");
}

void rotate_sync_directory(const char *path)
{
	char directory[PATH_MAX];
	int fd;

	directory_of(path, directory);
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

/* Whether rotate_file() has made this name for a file that is called base. */
static bool is_rotated(const char *name, const char *base)
{
	static const char shape[] = "00000000T000000Z";
	size_t n = strlen(base);

	if (strncmp(name, base, n) != 0 || name[n] != '.')
		return false;
	name += n + 1;
	for (size_t i = 0; shape[i]; i++, name++)
		if (shape[i] == '0' ? *name < '0' || *name > '9' : *name != shape[i])
			return false;
	return !*name || (*name == '-' && strlen(name + 1) == 6 &&
				 strspn(name + 1, "0123456789") == 6);
}

/* The first and the last of the names in their order, and how many there are. */
struct names {
	char oldest[NAME_MAX + 1], newest[NAME_MAX + 1];
	size_t count;
};

static void find_names(const char *path, struct names *names)
{
	char directory[PATH_MAX];
	const struct dirent *entry;
	DIR *all;

	directory_of(path, directory);
	all = opendir(directory);
	*names = (struct names){.count = 0};
	while (all && (entry = readdir(all)) != NULL) {
		const char *name = entry->d_name;

		if (!is_rotated(name, base_of(path)))
			continue;
		if (!names->count++ || strcmp(name, names->oldest) < 0)
			snprintf(names->oldest, sizeof(names->oldest), "%s", name);
		if (strcmp(name, names->newest) > 0)
			snprintf(names->newest, sizeof(names->newest), "%s", name);
	}
	if (all)
		closedir(all);
}

/* A name behind all others, also within one second and when the clock was set back. */
static enum rc next_name(
	const char *path, int64_t wall_ticks, char out[PATH_MAX], struct error *err)
{
	const char *base = base_of(path), *last;
	char stamp[80]; /* as the compiler counts */
	struct time_civil at;
	struct names names;
	long number = 0;
	int n;

	time_civil(wall_ticks, &at);
	snprintf(stamp, sizeof(stamp), "%04d%02d%02dT%02d%02d%02dZ", at.year % 10000,
		at.month, at.day, at.hour, at.minute, at.second);
	find_names(path, &names);
	last = names.count ? names.newest + strlen(base) + 1 : "";
	if (strncmp(last, stamp, STAMP) >= 0) {
		memcpy(stamp, last, STAMP);
		number = last[STAMP] ? strtol(last + STAMP + 1, NULL, 10) + 1 : 1;
	}
	if (number > NUMBER_MAXIMUM)
		return error_set(err, RC_IO, "no name is free after %s", names.newest);
	n = number ? snprintf(out, PATH_MAX, "%s.%s-%06ld", path, stamp, number)
		   : snprintf(out, PATH_MAX, "%s.%s", path, stamp);
	return n < PATH_MAX ? RC_OK : error_set(err, RC_IO, "its name is too long");
}

static void remove_old(const char *path, unsigned keep)
{
	char directory[PATH_MAX], whole[PATH_MAX + NAME_MAX + 2];
	struct names names;

	directory_of(path, directory);
	for (find_names(path, &names); names.count > keep; find_names(path, &names)) {
		snprintf(whole, sizeof(whole), "%s/%s", directory, names.oldest);
		if (unlink(whole) != 0)
			return; /* the next time finds it again */
	}
}

enum rc rotate_file(
	const char *path, int64_t wall_ticks, unsigned keep, struct error *err)
{
	char name[PATH_MAX];
	enum rc rc = next_name(path, wall_ticks, name, err);

	if (rc != RC_OK)
		return rc;
	if (rename(path, name) != 0)
		return error_set(err, RC_IO, "cannot rename %s to %s: %s", path, name,
			strerror(errno));
	rotate_sync_directory(path);
	if (keep)
		remove_old(path, keep);
	return RC_OK;
}
