#include "config.h"

#include "deliver/relp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"

/* Version 0, the "experimental" one: librelp speaks no other, its server answers it to any offer. What
 * the specification calls version 1 is the same on the wire. */
#define OFFERS                                                                         \
	"relp_version=0\n"                                                             \
	"relp_software=" PACKAGE_NAME "," PACKAGE_VERSION "\n"                         \
	"commands=syslog\n"
#define VERSION_MAX 1

enum { PART_NUMBER, PART_COMMAND, PART_SIZE, PART_DATA, PART_END };
enum { MARK_NONE, MARK_ANSWERED, MARK_REFUSED };

void relp_init(struct relp *relp, uint32_t window)
{
	*relp = (struct relp){.window = window};
	relp->marks = xcalloc(window, 1);
}

void relp_clear(struct relp *relp)
{
	free(relp->marks);
	relp->marks = NULL;
}

/* Above its last number librelp's server does not go on with 1 (relpEngineNextTXNR), so it ends the
 * session there, after a thousand million messages; then another one begins. */
static uint32_t take_number(struct relp *relp)
{
	uint32_t number = relp->next;

	relp->next = number == RELP_NUMBER_MAX ? 1 : number + 1;
	return number;
}

static void frame_begin(struct relp *relp)
{
	relp->part = PART_NUMBER;
	relp->digits = relp->command_n = relp->data_n = 0;
	relp->number = relp->size = 0;
}

size_t relp_open(struct relp *relp, char out[RELP_OPEN_FRAME])
{
	relp->state = RELP_OPENING;
	relp->next = 1;
	relp->sent = relp->answered = relp->refused = 0;
	memset(relp->marks, MARK_NONE, relp->window);
	frame_begin(relp);
	return (size_t)snprintf(out, RELP_OPEN_FRAME, "%u open %zu %s\n",
		take_number(relp), strlen(OFFERS), OFFERS);
}

size_t relp_message(struct relp *relp, size_t size, char out[RELP_HEAD])
{
	relp->sent++;
	relp->last = take_number(relp);
	return (size_t)snprintf(out, RELP_HEAD, "%u syslog %zu ", relp->last, size);
}

/* Without data there is no space behind the length either. */
size_t relp_close(struct relp *relp, char out[RELP_HEAD])
{
	relp->state = RELP_CLOSING;
	return (size_t)snprintf(out, RELP_HEAD, "%u close 0\n", take_number(relp));
}

/* Of the server's text as much as fits, without what could harm a log. */
static void printable(char *out, size_t room, const char *p, size_t n)
{
	size_t i = 0;

	for (; i < n && i + 1 < room; i++)
		out[i] = p[i] >= ' ' && p[i] <= '~' ? p[i] : '?';
	out[i] = '\0';
}

/* The three digits at the start of an answer, or 0. *line_n: the length of its first line. */
static unsigned answer_code(const struct relp *relp, size_t *line_n)
{
	const char *p = relp->data, *end = memchr(p, '\n', relp->data_n);
	unsigned code = 0;

	*line_n = end ? (size_t)(end - p) : relp->data_n;
	if (*line_n < 3 || (*line_n > 3 && p[3] != ' '))
		return 0;
	for (size_t i = 0; i < 3; i++) {
		if (p[i] < '0' || p[i] > '9')
			return 0;
		code = code * 10 + (unsigned)(p[i] - '0');
	}
	return code;
}

/* The value of an offer, or NULL: offers are lines "name=value,value". */
static const char *offer(const char *p, const char *end, const char *name, size_t *n)
{
	size_t name_n = strlen(name);

	while (p < end) {
		const char *line_end = memchr(p, '\n', (size_t)(end - p));

		if (!line_end)
			line_end = end;
		if ((size_t)(line_end - p) > name_n && !memcmp(p, name, name_n) &&
			p[name_n] == '=') {
			*n = (size_t)(line_end - p) - name_n - 1;
			return p + name_n + 1;
		}
		p = line_end + 1;
	}
	return NULL;
}

static bool lists(const char *p, size_t n, const char *word)
{
	const char *end = p + n;

	for (; p < end; p++) {
		const char *comma = memchr(p, ',', (size_t)(end - p));
		size_t item = (size_t)((comma ? comma : end) - p);

		if (item == strlen(word) && !memcmp(p, word, item))
			return true;
		p += item;
	}
	return false;
}

static enum rc check_offers(
	const char *p, const char *end, char text[100], struct error *err)
{
	size_t n = 0;
	const char *value = offer(p, end, "relp_version", &n);

	if (!value)
		return error_set(err, RC_PROTO,
			"it accepts no session: its answer to open has no "
			"relp_version");
	if (n != 1 || *value < '0' || *value > '0' + VERSION_MAX) {
		printable(text, 100, value, n);
		return error_set(err, RC_PROTO,
			"it wants version \"%s\" of RELP; 0 and 1 are known", text);
	}
	value = offer(p, end, "commands", &n);
	if (!value || !lists(value, n, "syslog"))
		return error_set(err, RC_PROTO,
			"it takes no syslog messages: its answer to open does not "
			"offer the command syslog");
	return RC_OK;
}

static enum rc answer_open(struct relp *relp, struct error *err)
{
	size_t line_n;
	unsigned code = answer_code(relp, &line_n);
	const char *end = relp->data + relp->data_n;
	char text[100];
	enum rc rc;

	if (relp->number != 1)
		return error_set(err, RC_PROTO,
			"it answers number %u before anything but open was sent",
			relp->number);
	if (code != 200) {
		printable(text, sizeof(text), relp->data, line_n);
		return error_set(err, RC_PROTO, "it refuses the session: \"%s\"", text);
	}
	rc = check_offers(
		line_n < relp->data_n ? relp->data + line_n + 1 : end, end, text, err);
	if (rc == RC_OK)
		relp->state = RELP_OPEN;
	return rc;
}

/* How many numbers a comes after b. */
static uint32_t distance(uint32_t a, uint32_t b)
{
	return a >= b ? a - b : a + RELP_NUMBER_MAX - b;
}

static enum rc answer_message(struct relp *relp, struct error *err)
{
	uint32_t back = distance(relp->last, relp->number);
	uint64_t message;
	unsigned char *mark;
	size_t line_n;
	unsigned code = answer_code(relp, &line_n);

	if (back >= relp_unanswered(relp))
		return error_set(err, RC_PROTO,
			"it answers number %u, which waits for no answer",
			relp->number);
	message = relp->sent - 1 - back; /* counted from 0 */
	mark = &relp->marks[message % relp->window];
	if (*mark != MARK_NONE)
		return error_set(
			err, RC_PROTO, "it answers number %u twice", relp->number);
	if (!code)
		return error_set(err, RC_PROTO,
			"its answer to number %u does not begin with a code like 200",
			relp->number);
	*mark = code == 200 ? MARK_ANSWERED : MARK_REFUSED;
	if (code != 200 && (!relp->refused || message + 1 < relp->refused)) {
		relp->refused = message + 1;
		printable(relp->refusal, sizeof(relp->refusal), relp->data, line_n);
	}
	while (relp->answered < relp->sent &&
		relp->marks[relp->answered % relp->window] == MARK_ANSWERED)
		relp->marks[relp->answered++ % relp->window] = MARK_NONE;
	return RC_OK;
}

static enum rc answer(struct relp *relp, struct error *err)
{
	if (relp->state == RELP_OPENING)
		return answer_open(relp, err);
	if (relp->state != RELP_CLOSING || distance(relp->next, relp->number) != 1)
		return answer_message(relp, err);
	relp->state = RELP_CLOSED; /* librelp's answer to close is empty */
	return RC_OK;
}

static enum rc frame_done(struct relp *relp, struct error *err)
{
	relp->command[relp->command_n] = '\0';
	if (relp->number && !strcmp(relp->command, "rsp"))
		return answer(relp, err);
	if (relp->number)
		return error_set(err, RC_PROTO,
			"it sends the command \"%s\", and only a client may",
			relp->command);
	if (!strcmp(relp->command, "serverclose"))
		return error_set(err, RC_IO, "it ends the session (serverclose)");
	return RC_OK; /* any other hint may be passed over */
}

static enum rc wrong_octet(const struct relp *relp, char c, struct error *err)
{
	static const char *const wanted[] = {
		"a transaction number of 1 to 9 digits, or the space after it,",
		"a command of 1 to 32 letters, or the space after it,",
		"the length of the data, or a space or line feed after it,", "",
		"the line feed at the end of a frame"};
	char shown[8];

	if (c >= ' ' && c <= '~')
		snprintf(shown, sizeof(shown), "\"%c\"", c);
	else
		snprintf(shown, sizeof(shown), "0x%02x", (unsigned char)c);
	return error_set(err, RC_PROTO, "it does not speak RELP: %s where %s should be",
		shown, wanted[relp->part]);
}

/* One of at most nine digits; false when it is none. */
static bool add_digit(struct relp *relp, uint32_t *value, char c)
{
	if (c < '0' || c > '9' || relp->digits == 9)
		return false;
	*value = *value * 10 + (uint32_t)(c - '0');
	relp->digits++;
	return true;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* One octet of the header or the line feed at the end; *done: that was the frame. */
static enum rc read_octet(struct relp *relp, char c, bool *done, struct error *err)
{
	switch (relp->part) {
	case PART_NUMBER:
		if (add_digit(relp, &relp->number, c))
			return RC_OK;
		if (c != ' ' || !relp->digits)
			return wrong_octet(relp, c, err);
		relp->part = PART_COMMAND;
		return RC_OK;
	case PART_COMMAND:
		if (is_letter(c) && relp->command_n + 1 < sizeof(relp->command)) {
			relp->command[relp->command_n++] = c;
			return RC_OK;
		}
		if (c != ' ' || !relp->command_n)
			return wrong_octet(relp, c, err);
		relp->part = PART_SIZE;
		relp->digits = 0;
		return RC_OK;
	case PART_SIZE:
		if (add_digit(relp, &relp->size, c))
			return RC_OK;
		if (relp->size > RELP_DATA_MAX)
			return error_set(err, RC_PROTO,
				"it sends a frame with %u octets of data; at most %d "
				"are taken",
				relp->size, RELP_DATA_MAX);
		*done = c == '\n' && relp->digits && !relp->size;
		if (*done)
			return RC_OK;
		if (c != ' ' || !relp->digits)
			return wrong_octet(relp, c, err);
		relp->part = relp->size ? PART_DATA : PART_END;
		return RC_OK;
	default:
		*done = c == '\n';
		return *done ? RC_OK : wrong_octet(relp, c, err);
	}
}

enum rc relp_receive(struct relp *relp, const char *p, size_t n, struct error *err)
{
	const char *end = p + n;
	enum rc rc = RC_OK;

	while (rc == RC_OK && p < end) {
		bool done = false;

		if (relp->part == PART_DATA) {
			size_t take = relp->size - relp->data_n;

			if (take > (size_t)(end - p))
				take = (size_t)(end - p);
			memcpy(relp->data + relp->data_n, p, take);
			relp->data_n += take;
			p += take;
			if (relp->data_n == relp->size)
				relp->part = PART_END;
			continue;
		}
		rc = read_octet(relp, *p++, &done, err);
		if (rc == RC_OK && done) {
			rc = frame_done(relp, err);
			frame_begin(relp);
		}
	}
	return rc;
}
