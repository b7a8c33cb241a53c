/* formatter.h - the formatters that there are: built in, and modules of one directory.
 *
 * Purpose:  one table of both. A module is loaded when it is first asked for by its name, so that
 *           one that nobody uses harms nobody; formatters_load_all() is for who wants to see them.
 * Errors:   a module that cannot be used stays in the table, with the reason.
 * Owner:    formatters_free() unloads all; whatever uses a formatter ends before. A file that was
 *           replaced is loaded again only when no table has the old one any more.
 * Tests:    integration/test_modules.py */
#ifndef DELIVER_FORMATTER_H
#define DELIVER_FORMATTER_H

#include <stddef.h>

#include "base/error.h"
#include "formats/format.h"

#define FORMATTERS_DIRECTORY PKGLIBDIR "/formats"
#define FORMATTERS_MAXIMUM 64 /* modules in a directory */

struct formatter {
	const char *name;
	const struct fmt_module *module; /* NULL: it cannot be used */
	const char *file; /* of the module; NULL: built in */
	const char *why; /* it cannot be used; else NULL */
};

struct formatters;

/* directory: of the modules; it need not exist. */
struct formatters *formatters_new(const char *directory);
void formatters_free(struct formatters *formatters);
const char *formatters_directory(const struct formatters *formatters);

/* formatters == NULL: only those that are built in. */
NODISCARD enum rc formatter_find(struct formatters *formatters, const char *name,
	struct formatter *out, struct error *err);

/* Every file of the directory gets its row; the names of files that are no module's too. */
NODISCARD enum rc formatters_load_all(struct formatters *formatters, struct error *err);
size_t formatters_count(const struct formatters *formatters);
const struct formatter *formatters_at(const struct formatters *formatters, size_t i);

/* What open() gives; NULL when an option is not right, and err says which and why. */
void *formatter_open(const struct formatter *formatter,
	const struct fmt_option *options, size_t count, struct error *err);

/* Gives it the field map; what is wrong with a rule goes to wrong(), if there is one, and the first of
 * that to err. */
NODISCARD enum rc formatter_fields(const struct formatter *formatter, void *self,
	const struct fmt_rule *rules, size_t count, fmt_wrong *wrong, void *context,
	struct error *err);

/* RC_PROTO: the module `what`; what it wrote is not to be sent. */
enum rc formatter_wrong(
	const struct formatter *formatter, struct error *err, const char *what);
/* Looks at what a module gave for one alert, since nobody knows what it does. RC_PROTO: it is not
 * to be sent. */
NODISCARD enum rc formatter_judge(const struct formatter *formatter,
	enum fmt_result result, const struct fmt_message *message, struct error *err);

#endif
