/* test_log.c - one event, one line, to each channel; liblogging-stdlog is played by this file, so
 * that its branch is compiled and run where the library is not there. */
#include "config.h"

#undef HAVE_LIBLOGGING_STDLOG
#define HAVE_LIBLOGGING_STDLOG 1

#include "base/log.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct stdlog_channel {
	char spec[100];
};

static struct stdlog_channel only;
static int opened, closed, last_severity;
static char last_text[LINE_MAX_OCTETS];

stdlog_channel_t stdlog_open(const char *ident, const int option, const int facility,
	const char *channelspec)
{
	assert_string_equal(ident, "alertrelay");
	assert_int_equal(option, 0);
	assert_int_equal(facility, STDLOG_DAEMON);
	opened++;
	snprintf(only.spec, sizeof(only.spec), "%s", channelspec);
	errno = ENOSYS;
	return strcmp(channelspec, "journal:") == 0 ? NULL : &only;
}

void stdlog_close(stdlog_channel_t to)
{
	assert_ptr_equal(to, &only);
	closed++;
}

int stdlog_log(stdlog_channel_t to, const int severity, const char *fmt, ...)
{
	va_list ap;

	assert_ptr_equal(to, &only);
	last_severity = severity;
	va_start(ap, fmt);
	vsnprintf(last_text, sizeof(last_text), fmt, ap);
	va_end(ap);
	return 0;
}

static void stdlog_gets_sentence_and_severity(void **state)
{
	struct error err = {0};

	(void)state;
	assert_int_equal(log_open("syslog:", &err), RC_OK);
	assert_string_equal(only.spec, "syslog:");
	log_write(LOG_WARNING, "100% of it", "tenant=%s n=%d", "a%sb", 7);
	assert_int_equal(last_severity, LOG_WARNING);
	assert_string_equal(last_text, "100% of it tenant=a%sb n=7");
	log_write(LOG_DEBUG, "not at this level", NULL);
	assert_int_equal(last_severity, LOG_WARNING);
	log_close();
	assert_int_equal(opened, 1);
	assert_int_equal(closed, 1);
}

static void a_channel_that_stdlog_does_not_have_is_said(void **state)
{
	struct error err = {0};

	(void)state;
	assert_int_equal(log_open("journal:", &err), RC_CONFIG);
	assert_non_null(strstr(err.text, "journal:"));
	assert_int_equal(channel, CHANNEL_STDERR);
}

static void unknown_channels_are_refused(void **state)
{
	static const char *const names[] = {
		"", "syslog", "stdout:", "file:", "udp:host"};
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_int_equal(log_open(names[i], &err), RC_CONFIG);
}

static size_t lines_of(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "r");
	size_t n, lines = 0;

	assert_non_null(file);
	n = fread(text, 1, size - 1, file);
	fclose(file);
	text[n] = '\0';
	for (size_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	return lines;
}

static void a_file_gets_one_line_for_each_event(void **state)
{
	char path[] = "/tmp/test_log.XXXXXX", name[64], text[3 * LINE_MAX_OCTETS],
	     big[2 * LINE_MAX_OCTETS];
	struct error err = {0};
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	snprintf(name, sizeof(name), "file:%s", path);
	assert_int_equal(log_open(name, &err), RC_OK);
	log_write(LOG_ERR, "a sentence", "value=%s", "two\nlines\r\x1b[31m\x7f");
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	log_write(LOG_NOTICE, "too long", "value=%s", big);
	errno = EDOM;
	log_write(LOG_INFO, "without fields", NULL);
	assert_int_equal(errno, EDOM);
	log_close();
	assert_int_equal(lines_of(path, text, sizeof(text)), 3);
	assert_memory_equal(text, "error: a sentence value=two lines  [31m \n", 40);
	assert_non_null(strstr(text, "\nnotice: too long value=xxx"));
	assert_non_null(strstr(text, "x\ninfo: without fields\n"));
	unlink(path);
}

static void quoted(const char *from, size_t size, const char *expected)
{
	char out[64];

	assert_ptr_equal(log_quote(out, size, from, strlen(from)), out);
	assert_string_equal(out, expected);
}

static void outside_text_is_quoted_and_cut(void **state)
{
	(void)state;
	quoted("", 64, "\"\"");
	quoted("a\"b\\c\ne", 64, "\"a\\\"b\\\\c e\"");
	quoted("0123456789", 12, "\"0123...\"");
	quoted("012\xc3\xbc"
	       "456789",
		12, "\"012...\"");
	quoted("01\xe2\x82\xac"
	       "456789",
		12, "\"01...\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stdlog_gets_sentence_and_severity),
		cmocka_unit_test(a_channel_that_stdlog_does_not_have_is_said),
		cmocka_unit_test(unknown_channels_are_refused),
		cmocka_unit_test(a_file_gets_one_line_for_each_event),
		cmocka_unit_test(outside_text_is_quoted_and_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
