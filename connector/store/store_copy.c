#include "config.h"

#include "store/store_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/strbuf.h"

#define TRIES 8
#define WAL_HEADER 32
#define SPARE_BYTES (1 << 20) /* left to others on the disk of the copy */
#define NAME "/state.db"

/* The database before its log. */
static const char *const suffixes[] = {"", "-wal", "-journal"};
#define FILES (sizeof(suffixes) / sizeof(*suffixes))

/* Differs when the files may not be of one moment. */
struct moment {
	ino_t file;
	ssize_t header_n; /* -1: no log */
	char header[WAL_HEADER];
	/* Only while there is no log that tells. */
	off_t size;
	struct timespec changed;
};

static char *join(const char *path, const char *suffix)
{
	struct strbuf b;

	strbuf_init(&b, PATH_MAX * 2);
	strbuf_addf(&b, "%s%s", path, suffix);
	return b.p;
}

static void moment_read(const char *path, struct moment *moment)
{
	char *log = join(path, suffixes[1]);
	int fd = open(log, O_RDONLY | O_CLOEXEC);
	struct stat st;

	memset(moment, 0, sizeof(*moment)); /* compared whole */
	moment->header_n = -1;
	if (fd >= 0) {
		moment->header_n = pread(fd, moment->header, WAL_HEADER, 0);
		close(fd);
	}
	if (!stat(path, &st)) {
		moment->file = st.st_ino;
		if (moment->header_n <= 0) {
			moment->size = st.st_size;
			moment->changed = st.st_mtim;
		}
	}
	free(log);
}

static enum rc no_room(
	const char *path, const char *to, intmax_t octets, struct error *err)
{
	return error_set(err, RC_IO,
		"cannot copy state file %s to %.*s: no room for %" PRIdMAX
		" octets; TMPDIR names another directory",
		path, (int)(strrchr(to, '/') - to), to, octets);
}

static enum rc check_room(
	const char *path, const char *to, off_t octets, struct error *err)
{
	struct statvfs fs;
	int fd = open(to, O_RDONLY | O_CLOEXEC);
	bool known = fd >= 0 && !fstatvfs(fd, &fs);

	if (fd >= 0)
		close(fd);
	if (known && fs.f_bavail * fs.f_frsize < (uintmax_t)octets + SPARE_BYTES)
		return no_room(path, to, (intmax_t)octets + SPARE_BYTES, err);
	return RC_OK;
}

/* From the file's beginning to its end, as far as that is now. */
static bool pour(int from, int to)
{
	static char block[1 << 16];
	ssize_t n;

	while ((n = read(from, block, sizeof(block))) > 0)
		for (ssize_t at = 0, put; at < n; at += put) {
			put = write(to, block + at, (size_t)(n - at));
			if (put < 0)
				return false;
		}
	return n == 0;
}

static enum rc copy_open(const char *path, const char *from, const char *to,
	bool may_miss, struct error *err)
{
	int in = open(from, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), out;
	enum rc rc = RC_OK;
	struct stat st;

	if (in < 0 && errno == ENOENT)
		return may_miss ? RC_OK
				: error_set(err, RC_CONFIG,
					  "state file %s is not there", path);
	if (in < 0)
		return error_set(
			err, RC_IO, "cannot read %s: %s", from, strerror(errno));
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fstat(in, &st) || !S_ISREG(st.st_mode))
		rc = error_set(err, RC_CONFIG, "%s is not a regular file", from);
	else if (out < 0)
		rc = error_set(err, RC_IO, "cannot write %s: %s", to, strerror(errno));
	else
		rc = check_room(path, to, st.st_size, err);
	if (rc == RC_OK && !pour(in, out))
		rc = errno == ENOSPC || errno == EDQUOT || errno == EFBIG
			     ? no_room(path, to, (intmax_t)st.st_size, err)
			     : error_set(err, RC_IO, "cannot copy %s to %s: %s", from,
				       to, strerror(errno));
	close(in);
	if (out >= 0)
		close(out);
	return rc;
}

static enum rc copy_files(const char *path, const char *file, struct error *err)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < FILES; i++) {
		char *from = join(path, suffixes[i]), *to = join(file, suffixes[i]);

		(void)unlink(to); /* of the try before */
		rc = copy_open(path, from, to, i > 0, err);
		free(from);
		free(to);
	}
	return rc;
}

static enum rc copy_try(const char *path, const char *file, struct error *err)
{
	struct moment before, after;

	for (int i = 0; i < TRIES; i++) {
		enum rc rc;

		moment_read(path, &before);
		rc = copy_files(path, file, err);
		if (rc != RC_OK)
			return rc;
		moment_read(path, &after);
		if (memcmp(&before, &after, sizeof(before)) == 0)
			return RC_OK;
	}
	return error_set(err, RC_IO,
		"state file %s changes faster than it can be copied; try again when "
		"the "
		"relay has less to do, or stop it for that time",
		path);
}

void copy_remove(const char *file)
{
	char *directory = xstrndup(file, strlen(file) - strlen(NAME));

	for (size_t i = 0; i < FILES; i++) {
		char *name = join(file, suffixes[i]);

		(void)unlink(name);
		free(name);
	}
	(void)rmdir(directory);
	free(directory);
}

enum rc copy_make(const char *path, char **file, struct error *err)
{
	const char *base = getenv("TMPDIR");
	char *directory =
		join(base && base[0] ? base : "/var/tmp", "/alertrelay-XXXXXX");
	enum rc rc;

	*file = NULL;
	if (!mkdtemp(directory)) {
		rc = error_set(err, RC_IO,
			"cannot make a directory %s for a copy of the state: %s; "
			"TMPDIR "
			"names another place",
			directory, strerror(errno));
		free(directory);
		return rc;
	}
	*file = join(directory, NAME);
	free(directory);
	rc = copy_try(path, *file, err);
	if (rc != RC_OK) {
		copy_remove(*file);
		free(*file);
		*file = NULL;
	}
	return rc;
}
