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

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
	static struct random_alert random;
	static const struct fmt_option switches[] = {
		{"leading_space", "yes"}, {"replace_pipe", "no"}, {"version", "1"}};
	static const struct fmt_option leef_switches[][1] = {
		{{"version", "2.0"}}, {{"version", "1.0"}}, {{"delimiter", "x3b"}}};
	static struct check cef, leef[3], json;
	size_t maximum;
	char error[100];

	if (!cef.module) {
		cef.module = cef_module.open(switches, 3, error, sizeof(error));
		for (size_t i = 0; i < 3; i++)
			leef[i].module = leef_module.open(
				leef_switches[i], 1, error, sizeof(error));
		json.module = rfc5424_json_module.open(NULL, 0, error, sizeof(error));
	}
	if (n < 2)
		return 0;
	maximum = (size_t)(data[0] << 8 | data[1]);
	if (maximum > 60000)
		maximum = 1000000;
	random_alert_build(&random, data + 2, n - 2);
	check_format(&cef, &cef_module, &random.alert, maximum);
	judge(check_cef(&cef, &random.alert), &cef);
	for (size_t i = 0; i < 3; i++) {
		check_format(&leef[i], &leef_module, &random.alert, maximum);
		judge(check_leef(&leef[i], &random.alert), &leef[i]);
	}
	check_format(&json, &rfc5424_json_module, &random.alert, maximum);
	judge(check_json(&json, &random.alert), &json);
	return 0;
}
