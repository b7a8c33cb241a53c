#include "config.h"

#include "relay/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strbuf.h"

#define SECRET_MAXIMUM 65536

struct secret {
	struct secret *next;
	size_t n;
	char text[];
};

static const char *keep_secret(struct secret **keep, const char *p, size_t n)
{
	struct secret *secret = xmalloc(sizeof(*secret) + n + 1);

	secret->n = n;
	memcpy(secret->text, p, n);
	secret->text[n] = '\0';
	secret->next = *keep;
	*keep = secret;
	return secret->text;
}

/* Whatever is in it, none of it may get into a message. */
static const char *take_secret(struct options_reader *reader, struct secret **keep,
	int line, const char *name, const char *p, size_t n)
{
	while (n && (p[n - 1] == '\n' || p[n - 1] == '\r'))
		n--;
	if (!n) {
		options_wrong(reader, line,
			"the client secret in %s is empty; put the secret there", name);
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)p[i] >= 32 && p[i] != 127)
			continue;
		options_wrong(reader, line,
			"%s holds more than a client secret (a line break or control "
			"character); put the secret alone there",
			name);
		return NULL;
	}
	return keep_secret(keep, p, n);
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

static bool check_file(
	struct options_reader *reader, int line, const char *path, int fd, bool private)
{
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		options_wrong(reader, line,
			"%s is not a regular file; name the file with the client "
			"secret",
			path);
		return false;
	}
	if (private && st.st_mode & 077) {
		options_wrong(reader, line,
			"%s may be used by others than its owner (mode %03o); run "
			"chmod 600 %s, "
			"and chown it to the user that alertrelay runs as",
			path, (unsigned)st.st_mode & 0777, path);
		return false;
	}
	return true;
}

const char *secret_file(struct options_reader *reader, struct secret **keep, int line,
	const char *path, bool private)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *secret = NULL;
	char *buffer;
	ssize_t n;

	if (fd < 0) {
		options_wrong(reader, line,
			"%s with the client secret cannot be opened: %s", path,
			strerror(errno));
		return NULL;
	}
	buffer = xmalloc(SECRET_MAXIMUM);
	if (check_file(reader, line, path, fd, private)) {
		n = read_up_to(fd, buffer, SECRET_MAXIMUM);
		if (n >= 0)
			secret = take_secret(
				reader, keep, line, path, buffer, (size_t)n);
		else if (errno == EFBIG)
			options_wrong(reader, line,
				"%s is larger than any client secret", path);
		else
			options_wrong(reader, line,
				"%s with the client secret cannot be read: %s", path,
				strerror(errno));
	}
	explicit_bzero(buffer, SECRET_MAXIMUM);
	free(buffer);
	close(fd);
	return secret;
}

/* systemd gives these to this service alone; their mode is its affair. */
const char *secret_credential(
	struct options_reader *reader, struct secret **keep, int line, const char *name)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY"), *secret;
	struct strbuf path;

	if (!directory || directory[0] != '/') {
		options_wrong(reader, line,
			"client_secret_credential: there are no credentials here "
			"(CREDENTIALS_DIRECTORY is not set); "
			"start alertrelay by systemd with LoadCredential=%s:FILE",
			name);
		return NULL;
	}
	strbuf_init(&path, 8192);
	strbuf_addf(&path, "%s/%s", directory, name);
	secret = secret_file(reader, keep, line, path.p, false);
	strbuf_clear(&path);
	return secret;
}

const char *secret_variable(
	struct options_reader *reader, struct secret **keep, int line, const char *name)
{
	const char *value = getenv(name);

	if (value)
		return take_secret(reader, keep, line, name, value, strlen(value));
	options_wrong(reader, line,
		"client_secret_env: the environment variable %s is not set", name);
	return NULL;
}

void secrets_free(struct secret **keep)
{
	while (*keep) {
		struct secret *secret = *keep;

		*keep = secret->next;
		explicit_bzero(secret->text, secret->n);
		free(secret);
	}
}
