#include "config.h"

#include "fetch/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

void wipe_free(void *p, size_t n)
{
	if (p)
		explicit_bzero(p, n);
	free(p);
}

void secret_free(char *secret)
{
	wipe_free(secret, secret ? strlen(secret) : 0);
}

void strbuf_wipe(struct strbuf *b)
{
	if (b->room)
		explicit_bzero(b->p, b->room);
	strbuf_clear(b);
}

/* Whatever is in it, none of it may get into a message. */
static enum rc check_text(char *text, size_t n, const char *name,
	const struct secret_rule *rule, struct error *err)
{
	const char *dropped = rule->kind == SECRET_TOKEN ? " \t\r\n" : "\r\n";
	size_t before = rule->kind == SECRET_TOKEN ? strspn(text, dropped) : 0;

	while (rule->kind != SECRET_FILE && n > before && text[n - 1] &&
		strchr(dropped, text[n - 1]))
		text[--n] = '\0';
	if (n <= before)
		return error_set(err, RC_AUTH, "the %s in %s is empty; put it there",
			rule->what, name);
	memmove(text, text + before, n - before + 1);
	n -= before;
	if (strlen(text) != n)
		return error_set(err, RC_AUTH,
			"%s holds more than a %s (a NUL octet); put it alone there",
			name, rule->what);
	for (size_t i = 0; rule->kind != SECRET_FILE && i < n; i++)
		if ((unsigned char)text[i] < 32 || text[i] == 127)
			return error_set(err, RC_AUTH,
				"%s holds more than a %s (a line break or control "
				"character); put it alone there",
				name, rule->what);
	return RC_OK;
}

/* Reads at most size octets; -1 with errno, EFBIG when there are more. */
static ssize_t read_up_to(int fd, char *to, size_t size)
{
	size_t n = 0;
	ssize_t got;
	char more;

	while (n < size) {
		got = read(fd, to + n, size - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -1 : (ssize_t)n;
		n += (size_t)got;
	}
	if (read(fd, &more, 1) <= 0)
		return (ssize_t)n;
	errno = EFBIG;
	return -1;
}

static enum rc check_file(
	const char *path, const struct secret_rule *rule, int fd, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return error_set(err, RC_AUTH,
			"%s is not a regular file; name the file with the %s", path,
			rule->what);
	if (rule->private && st.st_mode & 077)
		return error_set(err, RC_AUTH,
			"%s may be used by others than its owner (mode %03o); run "
			"chmod 600 %s, and chown it to the user that alertrelay runs "
			"as",
			path, (unsigned)st.st_mode & 0777, path);
	return RC_OK;
}

enum rc secret_read(
	const char *path, const struct secret_rule *rule, char **out, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *text;
	ssize_t n;
	enum rc rc;

	*out = NULL;
	if (fd < 0)
		return error_set(err, RC_AUTH, "%s with the %s cannot be opened: %s",
			path, rule->what, strerror(errno));
	rc = check_file(path, rule, fd, err);
	if (rc != RC_OK) {
		close(fd);
		return rc;
	}
	text = xmalloc(rule->max_bytes + 1);
	n = read_up_to(fd, text, rule->max_bytes);
	if (n < 0 && errno == EFBIG)
		rc = error_set(
			err, RC_AUTH, "%s is larger than any %s", path, rule->what);
	else if (n < 0)
		rc = error_set(err, RC_AUTH, "%s with the %s cannot be read: %s", path,
			rule->what, strerror(errno));
	if (rc == RC_OK) {
		text[n] = '\0';
		rc = check_text(text, (size_t)n, path, rule, err);
	}
	if (rc == RC_OK)
		*out = xstrdup(text);
	wipe_free(text, rule->max_bytes);
	close(fd);
	return rc;
}

enum rc secret_credential(
	const char *name, const struct secret_rule *rule, char **out, struct error *err)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	struct secret_rule given = *rule;
	struct strbuf path;
	enum rc rc;

	*out = NULL;
	if (!directory || directory[0] != '/')
		return error_set(err, RC_AUTH,
			"there are no credentials here (CREDENTIALS_DIRECTORY is not "
			"set); start alertrelay by systemd with LoadCredential=%s:FILE",
			name);
	given.private = false;
	strbuf_init(&path, 8192);
	strbuf_addf(&path, "%s/%s", directory, name);
	rc = secret_read(path.p, &given, out, err);
	strbuf_clear(&path);
	return rc;
}

enum rc secret_variable(
	const char *name, const struct secret_rule *rule, char **out, struct error *err)
{
	const char *value = getenv(name);
	enum rc rc;

	*out = NULL;
	if (!value)
		return error_set(
			err, RC_AUTH, "the environment variable %s is not set", name);
	if (strlen(value) > rule->max_bytes)
		return error_set(
			err, RC_AUTH, "%s is larger than any %s", name, rule->what);
	*out = xstrdup(value);
	rc = check_text(*out, strlen(*out), name, rule, err);
	if (rc != RC_OK) {
		secret_free(*out);
		*out = NULL;
	}
	return rc;
}

static bool write_all(int fd, const char *text, size_t n)
{
	while (n) {
		ssize_t done = write(fd, text, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return false;
		text += done;
		n -= (size_t)done;
	}
	return true;
}

static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
}

/* The directory that a file is in, to be put on disk; locked, because the daemon and a command may
 * both have a new secret for it. -1 with errno. */
static int directory_open(const char *path)
{
	char *directory = directory_of(path);
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), why;

	free(directory);
	if (fd < 0 || !flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	why = errno;
	close(fd);
	errno = why == EWOULDBLOCK ? EBUSY : why;
	return -1;
}

/* A command of root's must not take the file from the user whose it is. */
static int owner_keep(int fd, const char *path)
{
	struct stat st;

	if (stat(path, &st) || st.st_uid == geteuid())
		return 0;
	return fchown(fd, st.st_uid, st.st_gid);
}

/* *step says what could not be done, with errno. */
static bool replace(
	const char *path, const char *temporary, const char *text, const char **step)
{
	int fd, failed;

	unlink(temporary); /* of a crash in the middle of this */
	*step = "be made beside it (its directory must be writable for alertrelay)";
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	*step = "be given to the owner of the old one";
	failed = owner_keep(fd, path);
	if (!failed) {
		*step = "be written";
		failed = !write_all(fd, text, strlen(text)) || !write_all(fd, "\n", 1);
	}
	if (!failed) {
		*step = "be put on disk";
		failed = fsync(fd);
	}
	if (close(fd) && !failed)
		failed = 1;
	if (!failed) {
		*step = "take its place";
		failed = rename(temporary, path);
	}
	return !failed;
}

enum rc secret_write(const char *path, const char *text, struct error *err)
{
	static const char suffix[] = ".new";
	size_t room = strlen(path) + sizeof(suffix);
	char *temporary = xmalloc(room);
	int directory = directory_open(path);
	const char *step;
	enum rc rc = RC_OK;

	snprintf(temporary, room, "%s%s", path, suffix);
	if (directory < 0) {
		rc = error_set(err, RC_AUTH,
			"the directory of %s cannot be opened and locked: %s", path,
			strerror(errno));
	} else if (!replace(path, temporary, text, &step)) {
		rc = error_set(err, RC_AUTH, "the new %s cannot %s: %s", path, step,
			strerror(errno));
		unlink(temporary);
	} else if (fsync(directory)) {
		/* The name is durable only when its directory is. */
		rc = error_set(err, RC_AUTH,
			"the directory of %s cannot be put on disk: %s", path,
			strerror(errno));
	}
	if (directory >= 0)
		close(directory);
	free(temporary);
	return rc;
}

enum rc secret_writable(const char *path, struct error *err)
{
	char *directory = directory_of(path);
	enum rc rc = RC_OK;

	if (faccessat(AT_FDCWD, directory, W_OK, AT_EACCESS))
		rc = error_set(err, RC_AUTH,
			"%s cannot be replaced, because its directory is not writable "
			"(%s); put it into one that belongs to alertrelay",
			path, strerror(errno));
	free(directory);
	return rc;
}

static void form_grow(struct strbuf *form, size_t n)
{
	struct strbuf larger;

	if (form->n + n < form->room)
		return;
	strbuf_init(&larger, form->maximum);
	strbuf_reserve(&larger, form->n + n + 4096);
	strbuf_add(&larger, form->p, form->n);
	strbuf_wipe(form);
	*form = larger;
}

void form_add(struct strbuf *form, const char *name, const char *value)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
				    "qrstuvwxyz0123456789-._~";

	form_grow(form, strlen(name) + 3 * strlen(value) + 3);
	strbuf_addf(form, "%s%s=", form->n ? "&" : "", name);
	for (const char *p = value; *p; p++)
		if (strchr(plain, *p))
			strbuf_addc(form, *p);
		else
			strbuf_addf(form, "%%%02X", (unsigned char)*p);
}
