/* stdlog.h - the part of liblogging-stdlog's interface that base/log.c uses, for test_log.c, since
 * not every distribution has the library. The test brings the functions. */
#ifndef TEST_LIBLOGGING_STDLOG_H
#define TEST_LIBLOGGING_STDLOG_H

#define STDLOG_DAEMON 3

typedef struct stdlog_channel *stdlog_channel_t;

stdlog_channel_t stdlog_open(const char *ident, const int option, const int facility,
	const char *channelspec);
void stdlog_close(stdlog_channel_t channel);
int stdlog_log(stdlog_channel_t channel, const int severity, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
