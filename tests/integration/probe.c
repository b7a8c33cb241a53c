/* probe.c - a formatter module for test_modules.py: what is wrong with it is said with -D, and what it
 * does wrong with an alert by its option `do`. */
#include <alertrelay/format.h>

#include <stdio.h>
#include <stdlib.h>

#ifndef NAME
#define NAME "probe"
#endif
#ifndef HELP
#define HELP "a probe"
#endif
#ifndef WORD
#define WORD "probe"
#endif
#ifndef OPTION_NAME
#define OPTION_NAME "do"
#endif
#ifndef OPTION_HELP
#define OPTION_HELP "what it does"
#endif

/* Every probe has this function, and does not hide it. */
extern const char *probe_word(void);
const char *probe_word(void)
{
#ifdef UNRESOLVED
	extern const char *probe_nowhere(void);

	return probe_nowhere();
#else
	return WORD;
#endif
}

struct probe {
	char deed[20];
	int high_only;
};

#ifdef ENDLESS
#define LAST "only"
#else
#define LAST NULL
#endif
static const struct fmt_option_info options[] = {
	{OPTION_NAME, "good", OPTION_HELP},
	{"only", NULL, "high: only with alerts of that severity"},
	{LAST, NULL, "x"},
#ifdef ENDLESS
#define FOUR                                                                           \
	{"a", "", ""}, {"b", "", ""}, {"c", "", ""},                                   \
	{                                                                              \
		"d", "", ""                                                            \
	}
#define SIXTEEN FOUR, FOUR, FOUR, FOUR
	SIXTEEN,
	SIXTEEN,
	SIXTEEN,
	SIXTEEN,
#endif
};

static void *probe_open(
	const struct fmt_option *given, size_t count, char *error, size_t error_size)
{
	struct probe *self = (struct probe *)calloc(1, sizeof(*self));

	for (size_t i = 0; self && i < count; i++) {
		if (!strcmp(given[i].name, "only"))
			self->high_only = !strcmp(given[i].value, "high");
		else
			snprintf(self->deed, sizeof(self->deed), "%s", given[i].value);
	}
	if (self && !strcmp(self->deed, "refuse")) {
		snprintf(error, error_size, "probe: do is refuse;\nwrite another");
		free(self);
		return NULL;
	}
	if (self && !strcmp(self->deed, "refuse-mute")) {
		free(self);
		return NULL;
	}
	return self;
}

static void probe_close(void *self)
{
	free(self);
}

static enum fmt_result write_good(
	const struct fmt_alert *alert, struct fmt_message *message)
{
	struct fmt_out *body = message->body;

	if (!FMT_HAS(alert, priority_score))
		return FMT_REJECT;
	if (!fmt_put(body, probe_word(), strlen(probe_word())) ||
		!fmt_put(body, " ", 1) || !fmt_put(body, alert->id.p, alert->id.n) ||
		!fmt_put(body, " ", 1) ||
		!fmt_put(body, alert->version.p, alert->version.n))
		return FMT_TOO_SMALL;
	return FMT_OK;
}

static enum fmt_result misbehave(const char *deed, struct fmt_message *message)
{
	static char much[1 << 20];
	struct fmt_out *body = message->body;
	enum fmt_result result = FMT_OK;

	if (!strcmp(deed, "lf"))
		fmt_put(body, "one\n<0>two", 10);
	else if (!strcmp(deed, "tab"))
		fmt_put(body, "one\ttwo", 7);
	else if (!strcmp(deed, "escape"))
		fmt_put(body, "\x1b[31m", 5);
	else if (!strcmp(deed, "del"))
		fmt_put(body, "\x7f", 1);
	else if (!strcmp(deed, "nul"))
		fmt_put(body, "a\0b", 3);
	else if (!strcmp(deed, "utf8"))
		fmt_put(body, "abc\xff", 4);
	else if (!strcmp(deed, "half"))
		fmt_put(body, "\xe2\x82", 2);
	else if (!strcmp(deed, "result"))
		result = (enum fmt_result)7;
	else if (!strcmp(deed, "negative"))
		result = (enum fmt_result) - 1;
	else if (!strcmp(deed, "reject"))
		result = FMT_REJECT;
	else if (!strcmp(deed, "small"))
		result = FMT_TOO_SMALL;
	else if (!strcmp(deed, "full"))
		fmt_put(body, "begun", 5), fmt_put(body, much, sizeof(much));
	else if (!strcmp(deed, "longer"))
		fmt_put(body, "begun", 5), body->n += body->maximum;
	else if (!strcmp(deed, "maximum"))
		fmt_put(body, "begun", 5), body->maximum *= 2;
	else if (!strcmp(deed, "pointer"))
		fmt_put(body, "begun", 5), body->p++;
	else if (!strcmp(deed, "swap"))
		message->body = message->structured_data;
	else if (!strcmp(deed, "grow"))
		fmt_put(body, "begun", 5),
			body->grow(body, SIZE_MAX) ? abort() : (void)0;
	else if (!strcmp(deed, "data"))
		fmt_put(body, "begun", 5),
			fmt_put(message->structured_data, "[x y=\"z]", 8);
	else if (strcmp(deed, "nothing") != 0)
		abort();
	return result;
}

/* One that explains itself, with octets that no terminal should get. */
static enum fmt_result write_told(
	const struct fmt_alert *alert, struct fmt_message *message)
{
	struct fmt_told told;

	memset(&told, 0, sizeof(told));
	if (message->trace) {
		told.fate = FMT_WRITTEN;
		told.key.p = "my id";
		told.key.n = 5;
		told.value = alert->id;
		message->trace->tell(message->trace, &told);
		told.fate = FMT_SHED;
		told.key.p = "\x1b[2J";
		told.key.n = 4;
		told.value = alert->title;
		told.why = "because";
		message->trace->tell(message->trace, &told);
	}
	return write_good(alert, message);
}

static int is_stub(const struct fmt_alert *alert)
{
	return alert->id.n > 5 && !memcmp(alert->id.p, "stub-", 5);
}

static enum fmt_result probe_format(
	void *self, const struct fmt_alert *alert, struct fmt_message *message)
{
	const struct probe *probe = (const struct probe *)self;
	int high = alert->severity == FMT_SEVERITY_HIGH;

	if (!strcmp(probe->deed, "stub"))
		return high || is_stub(alert) ? misbehave("lf", message)
					      : write_good(alert, message);
	if (!strcmp(probe->deed, "tell"))
		return write_told(alert, message);
	if (!probe->deed[0] || (probe->high_only && !high))
		return write_good(alert, message);
	return misbehave(probe->deed, message);
}

#if defined(NEWER)
/* Built with a header that has one member more. */
struct newer {
	struct fmt_module module;
	const char *more;
};
extern const struct newer newer __asm__("fmt_module");
const struct newer newer = {{FMT_ABI, sizeof(struct newer), NAME, HELP, options,
				    probe_open, probe_format, probe_close, "1.2"},
	"more"};
#elif defined(IS_FUNCTION)
extern int is_function(void) __asm__("fmt_module");
int is_function(void)
{
	return FMT_ABI;
}
#elif defined(IS_SHORT)
extern const uint32_t is_short __asm__("fmt_module");
const uint32_t is_short = FMT_ABI;
#elif !defined(IS_ABSENT)
const struct fmt_module fmt_module = {
#ifdef ABI
	ABI,
#else
	FMT_ABI,
#endif
#ifdef SIZE
	SIZE,
#else
	sizeof(struct fmt_module),
#endif
	NAME,
	HELP,
	options,
#ifdef NO_OPEN
	NULL,
#else
	probe_open,
#endif
#ifdef NO_FORMAT
	NULL,
#else
	probe_format,
#endif
#ifdef NO_CLOSE
	NULL,
#else
	probe_close,
#endif
#ifdef VERSION
	VERSION,
#endif
};
#endif
