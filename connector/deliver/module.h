/* module.h - a formatter that somebody else has made: one shared object.
 *
 * Purpose:  loads DIRECTORY/NAME.so and looks at all that it says of itself before any of it is
 *           used. Code that is loaded can do everything, so only what root or this process's own
 *           user has put there, and nobody else may write, is loaded at all.
 * Errors:   RC_CONFIG, with the file, what is wrong and what would be right.
 * Owner:    the caller; nothing of the module may be used after module_unload().
 * Source:   formats/format.h.   Tests: integration/test_modules.py */
#ifndef DELIVER_MODULE_H
#define DELIVER_MODULE_H

#include <stdbool.h>

#include "base/error.h"
#include "formats/format.h"

#define MODULE_SUFFIX ".so"

struct module {
	void *handle;
	struct fmt_module module; /* members that it does not have are NULL */
};

bool module_name_is_legal(const char *name);
/* Is it there, and nobody else's to write? */
NODISCARD enum rc module_directory_check(const char *directory, struct error *err);
/* The directory has been checked. */
NODISCARD enum rc module_load(
	const char *path, const char *name, struct module *module, struct error *err);
void module_unload(struct module *module);

#endif
