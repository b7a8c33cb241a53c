/* store_sqlite_file.c - the file of the state and those beside it: its directory, mode and lock, and
 * moving it aside when it is damaged. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "store/store_sqlite_private.h"

static char *suffixed(const char *path, const char *suffix)
{
	struct strbuf b;

	strbuf_init(&b, PATH_MAX * 2);
	strbuf_addf(&b, "%s%s", path, suffix);
	return b.room ? b.p : xstrdup(path);
}

static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");
	return xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* Links are followed first: what is locked, and moved if damaged, is the file itself. */
void sqlite_follow_links(struct sqlite_store *s)
{
	char *real = realpath(s->path, NULL);

	if (!real)
		return;
	free(s->path);
	s->path = real;
}

void sqlite_sync_directory(const char *path)
{
	char *directory = directory_of(path);
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		(void)fsync(fd);
		close(fd);
	}
	free(directory);
}

enum rc sqlite_check_directory(const char *path, struct error *err)
{
	char *directory = directory_of(path);
	enum rc rc = RC_OK;
	struct stat st;

	if (stat(directory, &st) || !S_ISDIR(st.st_mode))
		rc = error_set(err, RC_STORE,
			"state file %s: %s is no directory; create it, owned by the "
			"user that alertrelay runs as",
			path, directory);
	free(directory);
	return rc;
}

static enum rc open_failed(const char *path, struct error *err)
{
	int why = errno;
	char *directory = directory_of(path);

	if (why == EACCES || why == EPERM || why == EROFS)
		error_set(err, RC_STORE,
			"cannot open %s for writing: %s; it and its directory %s must "
			"be writable for the user that alertrelay runs as",
			path, strerror(why), directory);
	else if (why == EISDIR)
		error_set(err, RC_STORE,
			"%s is a directory; state.file must name a file", path);
	else if (why == ENOSPC || why == EDQUOT)
		error_set(err, RC_STORE, "cannot create %s: the disk is full", path);
	else
		error_set(err, RC_STORE, "cannot open %s: %s", path, strerror(why));
	free(directory);
	return RC_STORE;
}

/* The lock is taken before anything is looked at, so that no other relay works on a file that is
 * being moved aside. The lock file stays: removing it would let two processes lock two files. */
enum rc sqlite_take_lock(struct sqlite_store *s, struct error *err)
{
	char *name = suffixed(s->path, ".lock");
	char owner[24] = "";
	enum rc rc = RC_OK;
	struct stat st;

	s->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	/* Of the state's owner, also when root comes first with a command. SQLite does the same. */
	if (s->lock_fd >= 0 && !geteuid() && !stat(s->path, &st))
		(void)!fchown(s->lock_fd, st.st_uid, st.st_gid);
	if (s->lock_fd < 0) {
		rc = open_failed(name, err);
	} else if (flock(s->lock_fd, LOCK_EX | LOCK_NB)) {
		if (pread(s->lock_fd, owner, sizeof(owner) - 1, 0) < 0)
			owner[0] = '\0';
		owner[strspn(owner, "0123456789")] = '\0';
		rc = error_set(err, RC_STORE,
			"state file %s is in use by another alertrelay%s%s; one state "
			"belongs to one running relay, so stop that one first",
			s->path, owner[0] ? ", process " : "", owner);
	} else if (!ftruncate(s->lock_fd, 0)) {
		/* For people only: a full disk may keep it empty. */
		(void)!dprintf(s->lock_fd, "%ld\n", (long)getpid());
	}
	free(name);
	return rc;
}

off_t sqlite_file_size(const char *path, const char *suffix)
{
	char *name = suffixed(path, suffix);
	off_t size = -1;
	struct stat st;

	if (!stat(name, &st))
		size = st.st_size;
	free(name);
	return size;
}

/* Makes the file with mode 0600, as SQLite's log and journal then have too. */
enum rc sqlite_make_file(struct sqlite_store *s, struct error *err)
{
	int fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	enum rc rc = RC_OK;
	struct stat st;

	if (fd < 0)
		return open_failed(s->path, err);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		rc = error_set(err, RC_STORE,
			"state file %s is not a regular file; state.file must name one",
			s->path);
	else if (st.st_mode & 077)
		(void)fchmod(fd, 0600);
	close(fd);
	return rc;
}

/* NAME.damaged-TIME, with a number after it when that is taken. */
static char *aside_name(struct sqlite_store *s)
{
	struct time_civil t;
	struct strbuf b;

	time_civil(clock_wall(s->store.clock), &t);
	strbuf_init(&b, PATH_MAX * 2);
	for (int i = 0; i < 1000; i++) {
		strbuf_reset(&b);
		strbuf_addf(&b, "%s.damaged-%04d%02d%02dT%02d%02d%02d", s->path, t.year,
			t.month, t.day, t.hour, t.minute, t.second);
		if (i)
			strbuf_addf(&b, ".%d", i);
		if (access(b.p, F_OK))
			break;
	}
	return b.p;
}

/* The database first: if we end here in between, a log alone is taken as damage at the next start. */
enum rc sqlite_move_aside(struct sqlite_store *s, char **aside, struct error *err)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
	enum rc rc = RC_OK;

	*aside = aside_name(s);
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		char *from = suffixed(s->path, suffixes[i]);
		char *to = suffixed(*aside, suffixes[i]);

		if (rename(from, to) && errno != ENOENT)
			rc = error_set(err, RC_STORE,
				"cannot move the damaged %s aside to %s: %s", from, to,
				strerror(errno));
		free(from);
		free(to);
	}
	sqlite_sync_directory(s->path);
	return rc;
}

long store_in_use(const char *path)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	long user = 0;

	if (fd < 0)
		return 0;
	if (!fcntl(fd, F_GETLK, &lock) && lock.l_type != F_UNLCK)
		user = lock.l_pid > 0 ? (long)lock.l_pid : -1;
	close(fd);
	return user;
}
