/* fuzz_format.c - all formatters with any alert and any maximum, judged by other parsers. */
#include <stdio.h>
#include <stdlib.h>

#include "check_message.h"
#include "formats/registry.h"
#include "random_alert.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

static void judge(const char *error, const struct check *check)
{
	if (!error)
		return;
	fprintf(stderr, "%s\n%.*s\n", error, (int)check->body.n,
		check->body.p ? check->body.p : "");
	abort();
}

struct target {
	const struct fmt_module *module;
	const char *(*verify)(const struct check *check, const struct fmt_alert *alert);
	const struct fmt_option *options;
	size_t option_count;
	struct check check;
};

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
	static struct random_alert random;
	static const struct fmt_option switches[] = {
		{"leading_space", "yes"}, {"replace_pipe", "no"}, {"version", "1"}};
	static const struct fmt_option leef_switches[] = {
		{"version", "2.0"}, {"version", "1.0"}, {"delimiter", "x3b"}};
	static const struct fmt_option cookie = {"cookie", "cee"},
				       original = {"original", "yes"};
	static struct target targets[] = {
		{&cef_module, check_cef, switches, 3, {0}},
		{&leef_module, check_leef, &leef_switches[0], 1, {0}},
		{&leef_module, check_leef, &leef_switches[1], 1, {0}},
		{&leef_module, check_leef, &leef_switches[2], 1, {0}},
		{&rfc5424_json_module, check_json, NULL, 0, {0}},
		{&json_module, check_json, &cookie, 1, {0}},
		{&ecs_module, check_ecs, &original, 1, {0}},
		{&ocsf_module, check_ocsf, &original, 1, {0}},
	};
	size_t maximum;
	char error[100];

	if (n < 2)
		return 0;
	maximum = (size_t)(data[0] << 8 | data[1]);
	/* More than all texts that the generator has room for, escaped, several times. */
	if (maximum > 60000)
		maximum = 64000000;
	random_alert_build(&random, data + 2, n - 2);
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		struct target *t = &targets[i];

		if (!t->check.module)
			t->check.module = t->module->open(
				t->options, t->option_count, error, sizeof(error));
		check_format(&t->check, t->module, &random.alert, maximum);
		judge(t->verify(&t->check, &random.alert), &t->check);
	}
	return 0;
}
