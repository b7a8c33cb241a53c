/* fuzz_config.c - any octets as the configuration: an answer, errors with lines, and no leak.
 * Seeds: tests/config. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "relay/configuration.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_report report;
	struct config *config;
	enum rc rc = config_load_text(
		"/nonexistent/fuzz.yaml", (const char *)data, size, &config, &report);

	if ((rc == RC_OK) != (config != NULL) || (rc == RC_OK) != !report.count ||
		(report.count + report.warnings == 0) != !report.text.n)
		abort();
	for (size_t i = 0; i < report.text.n; i++)
		if ((unsigned char)report.text.p[i] < 32 && report.text.p[i] != '\n')
			abort();
	config_report_clear(&report);
	config_free(config);
	return 0;
}
