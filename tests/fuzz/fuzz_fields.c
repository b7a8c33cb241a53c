/* fuzz_fields.c - field maps: the reader of paths with any text, and any rules with any alert. */
#include <stdio.h>
#include <stdlib.h>

#include "alert/paths.h"
#include "check_fields.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
	static const char *const paths[] = {"a", "a/b", "a/b/c",
		"evidence/deviceDnsName", "systemTags", "@odata.type"};
	struct fmt_added values[sizeof(paths) / sizeof(paths[0])];
	struct alert_paths *reader =
		alert_paths_new(paths, sizeof(paths) / sizeof(paths[0]));
	const char *error;
	unsigned taken = 0;

	alert_paths_read(reader, (struct fmt_str){(const char *)data, n}, values);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (values[i].value.n > ALERT_PATH_VALUE)
			abort();
	alert_paths_free(reader);
	error = check_fields(data, n, &taken);
	if (error) {
		fprintf(stderr, "%s\n", error);
		abort();
	}
	return 0;
}
