#include "config.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#ifdef HAVE_LIBLOGGING_STDLOG
#include <liblogging/stdlog.h>
#endif
#ifdef HAVE_LIBSYSTEMD
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#endif

#define LINE_MAX_OCTETS 4096

enum channel {
	CHANNEL_STDERR,
	CHANNEL_FILE,
	CHANNEL_SYSLOG,
	CHANNEL_JOURNAL,
	CHANNEL_STDLOG
};

static int level = LOG_INFO;
static enum channel channel = CHANNEL_STDERR;
static int channel_fd = STDERR_FILENO;
#ifdef HAVE_LIBLOGGING_STDLOG
static stdlog_channel_t stdlog_channel;
#endif

static const char *const priority_names[] = {"emergency", "alert", "critical", "error",
	"warning", "notice", "info", "debug"};

static void channel_close(void)
{
	if (channel == CHANNEL_FILE)
		close(channel_fd);
	if (channel == CHANNEL_SYSLOG)
		closelog();
#ifdef HAVE_LIBLOGGING_STDLOG
	if (channel == CHANNEL_STDLOG)
		stdlog_close(stdlog_channel);
#endif
	channel = CHANNEL_STDERR;
	channel_fd = STDERR_FILENO;
}

enum rc log_open(const char *name, struct error *err)
{
	if (strcmp(name, "stderr:") == 0) {
		channel_close();
		return RC_OK;
	}
	if (strncmp(name, "file:", 5) == 0) {
		int fd = open(name + 5,
			O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);

		if (fd < 0)
			return error_set(err, RC_CONFIG,
				"cannot open the log file %s: %s", name + 5,
				strerror(errno));
		channel_close();
		channel = CHANNEL_FILE;
		channel_fd = fd;
		return RC_OK;
	}
	if (strcmp(name, "syslog:") != 0 && strcmp(name, "journal:") != 0)
		return error_set(err, RC_CONFIG,
			"unknown log channel \"%s\": use stderr:, file:PATH, syslog: "
			"or journal:",
			name);
	channel_close();
#ifdef HAVE_LIBLOGGING_STDLOG
	stdlog_channel = stdlog_open("alertrelay", 0, STDLOG_DAEMON, name);
	if (!stdlog_channel)
		return error_set(err, RC_CONFIG, "cannot open the log channel %s: %s",
			name, strerror(errno));
	channel = CHANNEL_STDLOG;
	return RC_OK;
#else
	if (strcmp(name, "journal:") == 0) {
#ifdef HAVE_LIBSYSTEMD
		channel = CHANNEL_JOURNAL;
		return RC_OK;
#else
		return error_set(err, RC_CONFIG,
			"the log channel journal: needs a build with libsystemd: use "
			"syslog: or stderr:");
#endif
	}
	openlog("alertrelay", LOG_PID | LOG_NDELAY, LOG_DAEMON);
	channel = CHANNEL_SYSLOG;
	return RC_OK;
#endif
}

void log_close(void)
{
	channel_close();
}

void log_set_level(int priority)
{
	level = priority;
}

int log_level(void)
{
	return level;
}

/* Systemd names the stream that it made; standard error may have been sent elsewhere since. */
static bool stderr_is_journal(void)
{
	const char *stream = secure_getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       !fstat(STDERR_FILENO, &st) && st.st_dev == device && st.st_ino == inode;
}

static void write_line(int priority, char *line, size_t n)
{
	/* Under systemd "<3>" at the start of a line on stderr is its priority. */
	static const char *const prefixes[] = {
		"<0>", "<1>", "<2>", "<3>", "<4>", "<5>", "<6>", "<7>"};
	static int under_journal = -1;
	struct iovec parts[3];
	int count = 0;

	if (under_journal < 0)
		under_journal = stderr_is_journal();
	if (channel == CHANNEL_STDERR && under_journal)
		parts[count++] =
			(struct iovec){(void *)(uintptr_t)prefixes[priority], 3};
	parts[count++] = (struct iovec){line, n};
	parts[count++] = (struct iovec){(void *)(uintptr_t) "\n", 1};
	while (writev(channel_fd, parts, count) < 0 && errno == EINTR)
		;
}

void log_write(int priority, const char *sentence, const char *fields, ...)
{
	char line[LINE_MAX_OCTETS];
	int saved_errno = errno;
	size_t n;
	va_list ap;

	if (priority > level)
		return;
	n = (size_t)snprintf(
		line, sizeof(line), "%s: %s", priority_names[priority], sentence);
	if (fields && n + 2 < sizeof(line)) {
		int m;

		line[n++] = ' ';
		va_start(ap, fields);
		m = vsnprintf(line + n, sizeof(line) - n, fields, ap);
		va_end(ap);
		if (m > 0)
			n += (size_t)m;
	}
	if (n >= sizeof(line))
		n = sizeof(line) - 1;
	for (size_t i = 0; i < n; i++) /* one event, one line */
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = ' ';
	line[n] = '\0';
	switch (channel) {
	case CHANNEL_STDERR:
	case CHANNEL_FILE:
		write_line(priority, line, n);
		break;
	case CHANNEL_SYSLOG:
		syslog(priority, "%s", line + strlen(priority_names[priority]) + 2);
		break;
	case CHANNEL_JOURNAL:
#ifdef HAVE_LIBSYSTEMD
		sd_journal_send("PRIORITY=%d", priority, "SYSLOG_IDENTIFIER=alertrelay",
			"MESSAGE=%s", line + strlen(priority_names[priority]) + 2,
			NULL);
#endif
		break;
	case CHANNEL_STDLOG:
#ifdef HAVE_LIBLOGGING_STDLOG
		stdlog_log(stdlog_channel, priority, "%s",
			line + strlen(priority_names[priority]) + 2);
#endif
		break;
	}
	errno = saved_errno;
}

const char *log_quote(char *out, size_t size, const char *p, size_t n)
{
	size_t k = 0;

	out[k++] = '"';
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (k + 8 > size) {
			/* leave no half character */
			while (k > 1 && ((unsigned char)out[k - 1] & 0xc0) == 0x80)
				k--;
			if (k > 1 && ((unsigned char)out[k - 1] & 0x80))
				k--;
			memcpy(out + k, "...", 3);
			k += 3;
			break;
		}
		if (c == '"' || c == '\\') {
			out[k++] = '\\';
			out[k++] = (char)c;
		} else if (c < 0x20 || c == 0x7f) {
			out[k++] = ' ';
		} else {
			out[k++] = (char)c;
		}
	}
	out[k++] = '"';
	out[k] = '\0';
	return out;
}
