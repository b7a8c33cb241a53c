#include "config.h"

#include "deliver_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void deliver_options(struct destination_options *options, enum transport transport,
	enum framing framing, const char *address)
{
	destination_options_default(options);
	options->name = "soc";
	options->transport = transport;
	options->framing = framing;
	options->settle_ms = 40;
	options->addresses[0] = address;
	options->address_count = address ? 1 : 0;
}

struct destination *deliver_open(struct loop *loop,
	const struct destination_options *options,
	void (*report)(void *context, void *ticket, enum delivery result),
	void *context)
{
	const struct destination_events events = {report, context};
	struct destination *destination = NULL;
	struct error err = {0};

	if (destination_new(loop, options, &events, &destination, &err) != RC_OK)
		fail_msg("%s", err.text);
	return destination;
}

size_t deliver_send(struct destination *destination, unsigned number, unsigned customer,
	size_t padding)
{
	static char text[200000];
	char title[16], name[24];
	const struct syslog_fields fields = {.severity = FMT_SEVERITY_HIGH,
		.time = NO_TIME,
		.customer = {name,
			(size_t)snprintf(name, sizeof(name), "customer%u", customer)},
		.msgid = "alert"};
	struct fmt_alert alert = {.struct_size = sizeof(alert),
		.source = "graph-alerts",
		.customer = fields.customer,
		.created = 17672000000000000,
		.updated = FMT_NO_TIME,
		.resolved = FMT_NO_TIME,
		.first_activity = FMT_NO_TIME,
		.last_activity = FMT_NO_TIME,
		.severity = FMT_SEVERITY_HIGH};
	struct error err = {0};
	size_t queued = 0;

	assert_true(padding <= sizeof(text));
	memset(text, 'x', sizeof(text));
	alert.title = (struct fmt_str){
		title, (size_t)snprintf(title, sizeof(title), "#%06u#", number)};
	alert.id = alert.title;
	alert.description = (struct fmt_str){text, padding};
	if (destination_send(destination, &alert, &fields, (void *)(uintptr_t)number,
		    &queued, &err) != RC_OK)
		fail_msg("%s", err.text);
	return queued;
}

struct destination_state deliver_state(const struct destination *destination)
{
	struct destination_state state;

	destination_state(destination, &state);
	return state;
}

unsigned deliver_log_count(const char *channel, const char *words)
{
	char line[5000];
	unsigned count = 0;
	FILE *file = fopen(channel + strlen("file:"), "r");

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		count += strstr(line, words) != NULL;
	fclose(file);
	return count;
}

int deliver_directory_make(char *pattern, void (*certs)(const char *directory))
{
	if (!mkdtemp(pattern))
		return -1;
	if (certs)
		certs(pattern);
	return 0;
}

static int remove_one(
	const char *path, const struct stat *info, int kind, struct FTW *place)
{
	(void)info;
	(void)kind;
	(void)place;
	return remove(path);
}

int deliver_directory_remove(const char *directory)
{
	return nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
