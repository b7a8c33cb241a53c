/* test_relp.c - RELP without a network: frames, offers, numbers, answers, and what is refused. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deliver/relp.h"

#define WELCOME                                                                        \
	"1 rsp 93 200 OK\nrelp_version=0\n"                                            \
	"relp_software=librelp,1.11.0,http://librelp.adiscon.com\ncommands=syslog\n"

struct session {
	struct relp relp;
	struct error err;
	char frame[RELP_OPEN_FRAME];
};

static void begin(struct session *s, uint32_t window)
{
	relp_init(&s->relp, window);
	s->frame[relp_open(&s->relp, s->frame)] = '\0';
}

static enum rc hear(struct session *s, const char *text)
{
	/* An octet too many that is read is seen by the sanitizers. */
	size_t n = strlen(text);
	char *copy = malloc(n ? n : 1);
	enum rc rc;

	memcpy(copy, text, n);
	s->err.text[0] = '\0';
	rc = relp_receive(&s->relp, copy, n, &s->err);
	free(copy);
	return rc;
}

static void begin_open(struct session *s, uint32_t window)
{
	begin(s, window);
	assert_int_equal(hear(s, WELCOME), RC_OK);
	assert_int_equal(s->relp.state, RELP_OPEN);
}

static const char *message(struct session *s, size_t size)
{
	s->frame[relp_message(&s->relp, size, s->frame)] = '\0';
	return s->frame;
}

static void answer_with(struct session *s, uint32_t number, const char *text)
{
	char frame[200];

	snprintf(frame, sizeof(frame), "%u rsp %zu %s\n", number, strlen(text), text);
	if (hear(s, frame) != RC_OK)
		fail_msg("%s", s->err.text);
}

static void expect_wrong(struct session *s, const char *text, const char *why)
{
	assert_int_equal(hear(s, text), RC_PROTO);
	if (!strstr(s->err.text, why))
		fail_msg("\"%s\" is not in: %s", why, s->err.text);
}

/* RELP-FRAME of the specification; 999,999,999 is followed by 1. */
static void frames_are_as_specified(void **state)
{
	static const char offers[] =
		"relp_version=0\nrelp_software=alertrelay," PACKAGE_VERSION
		"\ncommands=syslog\n";
	char expected[200];
	struct session s;

	(void)state;
	begin(&s, 4);
	snprintf(expected, sizeof(expected), "1 open %zu %s\n", strlen(offers), offers);
	assert_string_equal(s.frame, expected);
	assert_int_equal(hear(&s, WELCOME), RC_OK);
	assert_string_equal(message(&s, 5), "2 syslog 5 ");
	assert_string_equal(message(&s, 123456), "3 syslog 123456 ");
	answer_with(&s, 2, "200 OK");
	answer_with(&s, 3, "200 OK");
	s.frame[relp_close(&s.relp, s.frame)] = '\0';
	assert_string_equal(s.frame, "4 close 0\n");
	assert_int_equal(s.relp.state, RELP_CLOSING);
	assert_int_equal(hear(&s, "4 rsp 0\n"), RC_OK);
	assert_int_equal(s.relp.state, RELP_CLOSED);
	relp_clear(&s.relp);
}

static void each_message_is_answered(void **state)
{
	struct session s;

	(void)state;
	begin_open(&s, 3);
	assert_int_equal(relp_unanswered(&s.relp), 0);
	for (uint32_t i = 0; i < 1000; i += 3) {
		for (uint32_t k = 0; k < 3; k++)
			message(&s, 9);
		assert_int_equal(relp_unanswered(&s.relp), 3);
		answer_with(&s, i + 2, "200 OK");
		assert_int_equal(s.relp.answered, i + 1);
		answer_with(&s, i + 3, "200");
		answer_with(&s, i + 4, "200 OK\nand data");
		assert_int_equal(s.relp.answered, i + 3);
	}
	assert_int_equal(s.relp.refused, 0);
	relp_clear(&s.relp);
}

static void answers_out_of_turn_wait_for_the_first(void **state)
{
	struct session s;

	(void)state;
	begin_open(&s, 4);
	for (int round = 0; round < 5; round++) {
		uint32_t first = 2 + (uint32_t)round * 4;
		uint64_t before = s.relp.answered;

		for (int i = 0; i < 4; i++)
			message(&s, 9);
		answer_with(&s, first + 2, "200 OK");
		answer_with(&s, first + 1, "200 OK");
		assert_int_equal(s.relp.answered, before);
		answer_with(&s, first, "200 OK");
		assert_int_equal(s.relp.answered, before + 3);
		answer_with(&s, first + 3, "200 OK");
		assert_int_equal(s.relp.answered, before + 4);
	}
	relp_clear(&s.relp);
}

static void numbers_wrap(void **state)
{
	struct session s;

	(void)state;
	for (uint32_t before = 0; before < 5; before++) {
		begin_open(&s, 8);
		s.relp.next = RELP_NUMBER_MAX - before;
		for (uint32_t i = 0; i < 6; i++) {
			uint32_t number =
				i <= before ? RELP_NUMBER_MAX - before + i : i - before;
			char expected[RELP_HEAD];

			snprintf(expected, sizeof(expected), "%u syslog 7 ", number);
			assert_string_equal(message(&s, 7), expected);
		}
		for (uint32_t i = 6; i-- > 0;) {
			uint32_t number =
				i <= before ? RELP_NUMBER_MAX - before + i : i - before;

			assert_int_equal(s.relp.answered, 0);
			answer_with(&s, number, "200 OK");
		}
		assert_int_equal(s.relp.answered, 6);
		relp_close(&s.relp, s.frame);
		snprintf(s.frame, sizeof(s.frame), "%u rsp 0\n", 6 - before);
		assert_int_equal(hear(&s, s.frame), RC_OK);
		assert_int_equal(s.relp.state, RELP_CLOSED);
		relp_clear(&s.relp);
	}
}

static void a_refused_message_is_named(void **state)
{
	struct session s;

	(void)state;
	begin_open(&s, 8);
	for (int i = 0; i < 5; i++)
		message(&s, 9);
	answer_with(&s, 5, "500 later");
	assert_int_equal(s.relp.refused, 4);
	answer_with(&s, 2, "200 OK");
	answer_with(&s, 3, "500 no\x1b[2J room\nhere");
	answer_with(&s, 4, "200 OK");
	answer_with(&s, 6, "200 OK");
	assert_int_equal(s.relp.answered, 1); /* nothing behind it counts */
	assert_int_equal(s.relp.refused, 2); /* the first of them */
	assert_string_equal(s.relp.refusal, "500 no?[2J room");
	relp_clear(&s.relp);
}

static void a_second_session_begins_anew(void **state)
{
	struct session s;

	(void)state;
	begin_open(&s, 4);
	for (int i = 0; i < 4; i++)
		message(&s, 9);
	answer_with(&s, 3, "500 no");
	assert_int_equal(hear(&s, "4 rs"), RC_OK); /* and there it broke */
	relp_open(&s.relp, s.frame);
	assert_int_equal(s.relp.refused, 0);
	assert_int_equal(relp_unanswered(&s.relp), 0);
	assert_int_equal(hear(&s, WELCOME), RC_OK);
	for (int i = 0; i < 4; i++)
		message(&s, 9);
	for (uint32_t i = 2; i < 6; i++)
		answer_with(&s, i, "200 OK");
	assert_int_equal(s.relp.answered, 4);
	relp_clear(&s.relp);
}

/* The same at any cut and octet by octet. */
static void frames_come_in_pieces(void **state)
{
	static const char all[] = WELCOME "0 hint 3 abc\n"
					  "2 rsp 6 200 OK\n"
					  "3 rsp 22 200 OK\n4 rsp 6 200 OK\n\n"
					  "4 rsp 3 500\n";
	size_t n = sizeof(all) - 1;

	(void)state;
	for (size_t cut = 0; cut <= n + 1; cut++) {
		struct session s;
		char *text = strdup(all);

		begin(&s, 4);
		for (int i = 0; i < 3; i++)
			message(&s, 9);
		for (size_t at = 0; at < n;) {
			size_t piece = cut > n ? 1 : at < cut ? cut : n - at;

			if (relp_receive(&s.relp, text + at, piece, &s.err) != RC_OK)
				fail_msg("cut at %zu: %s", cut, s.err.text);
			at += piece;
		}
		assert_int_equal(s.relp.answered, 2);
		assert_int_equal(s.relp.refused, 3);
		free(text);
		relp_clear(&s.relp);
	}
}

static void sessions_that_are_not_accepted(void **state)
{
	static const struct {
		const char *data, *why;
	} cases[] = {
		{"500 required command not supported",
			"refuses the session: \"500 required command not supported\""},
		{"", "refuses the session"},
		{"OK", "refuses the session: \"OK\""},
		{"2000 OK\nrelp_version=0\ncommands=syslog", "refuses the session"},
		{"200 OK", "has no relp_version"},
		{"200 OK\ncommands=syslog\n", "has no relp_version"},
		{"200 OK\nxrelp_version=0\ncommands=syslog\n", "has no relp_version"},
		{"200 OK\nrelp_version\ncommands=syslog\n", "has no relp_version"},
		{"200 OK\nrelp_version=\ncommands=syslog\n", "wants version \"\""},
		{"200 OK\nrelp_version=2\ncommands=syslog\n", "wants version \"2\""},
		{"200 OK\nrelp_version=00\ncommands=syslog\n", "wants version"},
		{"200 OK\nrelp_version=0\n", "does not offer the command syslog"},
		{"200 OK\nrelp_version=0\ncommands=", "does not offer"},
		{"200 OK\nrelp_version=0\ncommands=syslogs,xsyslog", "does not offer"},
	};
	static const char *const good[] = {
		"200 OK\nrelp_version=0\ncommands=syslog",
		"200\nrelp_version=1\ncommands=syslog\n",
		"200 OK\n\ncommands=eventlog,syslog\nnew=1,2\nrelp_version=0\n",
		"200 OK\nrelp_version=0\ncommands=syslog,eventlog\n",
	};
	char frame[300];
	struct session s;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		begin(&s, 1);
		snprintf(frame, sizeof(frame),
			*cases[i].data ? "1 rsp %zu %s\n" : "1 rsp %zu%s\n",
			strlen(cases[i].data), cases[i].data);
		expect_wrong(&s, frame, cases[i].why);
		assert_int_equal(s.relp.state, RELP_OPENING);
		relp_clear(&s.relp);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		begin(&s, 1);
		snprintf(frame, sizeof(frame), "1 rsp %zu %s\n", strlen(good[i]),
			good[i]);
		if (hear(&s, frame) != RC_OK)
			fail_msg("%s: %s", good[i], s.err.text);
		assert_int_equal(s.relp.state, RELP_OPEN);
		relp_clear(&s.relp);
	}
	begin(&s, 1);
	expect_wrong(&s, "2 rsp 6 200 OK\n", "before anything but open was sent");
	relp_clear(&s.relp);
}

static void what_is_no_relp_is_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"HTTP/1.1 400 Bad Request\r\n", "\"H\" where a transaction number"},
		{"\x16\x03\x01", "0x16 where a transaction number"},
		{" 2 rsp 6 200 OK\n", "where a transaction number"},
		{"1234567890 rsp", "\"0\" where a transaction number of 1 to 9"},
		{"-2 rsp", "where a transaction number"},
		{"2\n", "0x0a where a transaction number"},
		{"2  rsp", "where a command"},
		{"2 rsp2 ", "\"2\" where a command"},
		{"2 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "where a command of 1 to 32"},
		{"2 rsp  6", "where the length"},
		{"2 rsp x", "where the length"},
		{"2 rsp 0000000001", "where the length"},
		{"2 rsp 6\n", "where the length"},
		{"2 rsp 6 200 OK.", "where the line feed"},
		{"2 rsp 0 x", "where the line feed"},
		{"2 rsp 4097 ", "a frame with 4097 octets of data; at most 4096"},
		{"2 rsp 999999999 ", "a frame with 999999999 octets"},
		{"2 syslog 2 ab\n", "sends the command \"syslog\""},
		{"1 rsp 6 200 OK\n", "answers number 1, which waits for no answer"},
		{"4 rsp 6 200 OK\n", "answers number 4, which waits for no answer"},
		{"999999999 rsp 6 200 OK\n", "which waits for no answer"},
		{"3 rsp 6 200 OK\n3 rsp 6 200 OK\n", "answers number 3 twice"},
		{"2 rsp 6 200 OK\n2 rsp 6 200 OK\n", "which waits for no answer"},
		{"2 rsp 6 500 OK\n2 rsp 6 200 OK\n", "answers number 2 twice"},
		{"2 rsp 0\n", "does not begin with a code"},
		{"2 rsp 2 20\n", "does not begin with a code"},
		{"2 rsp 6 2x0 OK\n", "does not begin with a code"},
		{"2 rsp 6 200-OK\n", "does not begin with a code"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct session s;

		begin_open(&s, 8);
		message(&s, 9);
		message(&s, 9);
		expect_wrong(&s, cases[i].text, cases[i].why);
		relp_clear(&s.relp);
	}
}

static void hints(void **state)
{
	struct session s;

	(void)state;
	begin_open(&s, 4);
	message(&s, 9);
	message(&s, 9);
	assert_int_equal(hear(&s, "0 hello 5 there\n000 x 0\n"), RC_OK);
	assert_int_equal(hear(&s, "2 rsp 6 200 OK\n0 serverclose 0\n"), RC_IO);
	assert_non_null(strstr(s.err.text, "serverclose"));
	assert_int_equal(s.relp.answered, 1);
	relp_clear(&s.relp);
}

/* The longest data that is taken, and what follows is still in place. */
static void long_data(void **state)
{
	static const char tail[] = "\n3 rsp 3 200\n";
	static char frame[RELP_DATA_MAX + 100];
	struct session s;
	int n;

	(void)state;
	begin_open(&s, 4);
	message(&s, 9);
	message(&s, 9);
	n = snprintf(frame, sizeof(frame), "2 rsp %d 200 ", RELP_DATA_MAX);
	memset(frame + n, 'x', RELP_DATA_MAX - 4);
	memcpy(frame + n + RELP_DATA_MAX - 4, tail, sizeof(tail));
	assert_int_equal(hear(&s, frame), RC_OK);
	assert_int_equal(s.relp.answered, 2);
	relp_clear(&s.relp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_as_specified),
		cmocka_unit_test(each_message_is_answered),
		cmocka_unit_test(answers_out_of_turn_wait_for_the_first),
		cmocka_unit_test(numbers_wrap),
		cmocka_unit_test(a_refused_message_is_named),
		cmocka_unit_test(a_second_session_begins_anew),
		cmocka_unit_test(frames_come_in_pieces),
		cmocka_unit_test(sessions_that_are_not_accepted),
		cmocka_unit_test(what_is_no_relp_is_refused),
		cmocka_unit_test(hints),
		cmocka_unit_test(long_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
