/* fuzz_page.c - any octets as a page, in any pieces.
 *
 * Build: ./configure CC=clang --enable-fuzzers --enable-sanitizers && make tests/fuzz/fuzz_page
 * Run:   tests/fuzz/fuzz_page -max_len=20000 CORPUS tests/samples
 *        CORPUS is a directory of your own for what it finds; the samples are the seeds.
 *
 * The first octet chooses source, mode, limits and the seed of the cuts. The same octets are read in one
 * piece and in random ones: result, alerts and next link must be the same. */
#include "config.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "fetch/error_answer.h"
#include "fetch/page_parser.h"
#include "fetch/source.h"
#include "formats/registry.h"
#include "tests/fuzz/check_message.h"
#include "tests/fuzz/pieces.h"

#define SOURCES 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	uint64_t hash;
	size_t alerts, stop_after;
	bool pieces; /* read in many */
};

static void add(struct seen *seen, const void *p, size_t n)
{
	const unsigned char *u = p;

	for (size_t i = 0; i < n; i++)
		seen->hash = (seen->hash ^ u[i]) * UINT64_C(1099511628211);
	seen->hash = (seen->hash ^ n) * UINT64_C(1099511628211);
}

static void add_str(struct seen *seen, struct fmt_str s)
{
	if (s.n && !s.p)
		abort();
	add(seen, s.p, s.n);
}

static void add_list(struct seen *seen, struct fmt_list list)
{
	for (size_t i = 0; i < list.count; i++)
		add_str(seen, list.items[i]);
}

static void within(struct fmt_str part, struct fmt_str whole)
{
	if (part.n && (part.p < whole.p || part.p + part.n > whole.p + whole.n))
		abort();
}

/* What was read of a page comes out of the formatter as one line of JSON that says the same. */
static void judge_json(const struct fmt_alert *a)
{
	static struct check json;
	const char *wrong;
	char error[100];

	if (!json.module)
		json.module = rfc5424_json_module.open(NULL, 0, error, sizeof(error));
	check_format(&json, &rfc5424_json_module, a, a->id.n % 8 ? 1 << 20 : 2000);
	wrong = check_json(&json, a);
	if (!wrong)
		return;
	fprintf(stderr, "%s\n%.*s\n", wrong, (int)json.body.n, json.body.p);
	abort();
}

static enum rc take(void *context, struct fmt_alert *a)
{
	struct seen *seen = context;

	if (!a->id.n || a->raw.n < 2 || a->raw.p[0] != '{' ||
		a->raw.p[a->raw.n - 1] != '}')
		abort();
	if (!seen->pieces)
		judge_json(a);
	within(a->custom_details, a->raw);
	within(a->additional_data, a->raw);
	add_str(seen, a->id);
	add_str(seen, a->raw);
	add_str(seen, a->title);
	add(seen, a->kind, strlen(a->kind));
	add_str(seen, a->incident_id);
	add_list(seen, a->custom_tags);
	add_str(seen, a->description);
	add_str(seen, a->severity_text);
	add_str(seen, a->custom_details);
	add_str(seen, a->additional_data);
	add_list(seen, a->categories);
	add_list(seen, a->mitre_techniques);
	add_list(seen, a->system_tags);
	add(seen, &a->created, sizeof(a->created));
	for (size_t i = 0; i < a->comment_count; i++) {
		add_str(seen, a->comments[i].text);
		add_str(seen, a->comments[i].author);
	}
	for (size_t i = 0; i < a->evidence_count; i++) {
		const struct fmt_evidence *e = &a->evidence[i];

		within(e->raw, a->raw);
		add_str(seen, e->raw);
		add_str(seen, e->type);
		for (size_t k = 0; k < e->field_count; k++) {
			if (!e->fields[k].id || e->fields[k].id >= FMT_FIELD_IDS)
				abort();
			add(seen, &e->fields[k].id, sizeof(e->fields[k].id));
			add_str(seen, e->fields[k].value);
		}
	}
	return ++seen->alerts == seen->stop_after ? RC_AGAIN : RC_OK;
}

static enum rc read_in(struct page_parser *parser, enum page_mode mode, const char *p,
	size_t n, unsigned seed, struct seen *seen)
{
	struct pieces pieces = {p, n, seed, NULL, 0};
	struct error err;
	enum rc rc = RC_OK;

	seen->hash = UINT64_C(14695981039346656037);
	seen->alerts = 0;
	seen->pieces = seed != 0;
	page_parser_start(parser, mode, take, seen);
	while (rc == RC_OK && pieces_next(&pieces))
		rc = page_parser_feed(parser, pieces.p, pieces.n, &err);
	pieces_clear(&pieces);
	if (rc == RC_OK)
		rc = page_parser_finish(parser, &err);
	if (rc == RC_OK)
		add(seen, page_parser_next_link(parser),
			strlen(page_parser_next_link(parser)));
	else if (!memchr(err.text, '\0', sizeof(err.text)) || !err.text[0])
		abort();
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct page_parser *parsers[SOURCES][2];
	static size_t sources;
	struct seen whole = {0}, pieces = {0};
	struct error_answer answer;
	struct page_parser *parser, **parsers_of;
	unsigned choice;
	enum rc rc, rc_pieces;

	for (const struct source *source;
		sources < SOURCES && (source = source_at(sources)); sources++) {
		const struct page_limits small = {.depth = 12,
			.alert_bytes = 4000,
			.record_bytes = 8000,
			.token_bytes = 3000,
			.alert = {5, 40, 10, 3}};
		struct alert_map *map = source_map_new(source, NULL);

		parsers[sources][0] = page_parser_new(map, source->list_key, NULL);
		parsers[sources][1] = page_parser_new(map, source->list_key, &small);
	}
	if (!size)
		return 0;
	choice = data[0];
	if (choice != '{' && choice != '[') { /* the samples have no such octet */
		data++;
		size--;
	}
	whole.stop_after = pieces.stop_after = choice % 5 == 4 ? 2 : 0;
	(void)error_answer_parse((const char *)data, size, &answer);
	parsers_of = parsers[choice / 8 % sources];
	parser = parsers_of[choice / 4 % 2];
	rc = read_in(parser, choice % 3, (const char *)data, size, 0, &whole);
	rc_pieces = read_in(
		parser, choice % 3, (const char *)data, size, choice + 1u, &pieces);
	/* which of two limits strikes first may depend on the pieces */
	if (parser == parsers_of[0] &&
		(rc != rc_pieces || whole.alerts != pieces.alerts))
		abort();
	if (rc == RC_OK && rc_pieces == RC_OK &&
		(whole.hash != pieces.hash || whole.alerts != pieces.alerts))
		abort();
	return 0;
}
