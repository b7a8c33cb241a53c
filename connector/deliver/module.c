#include "config.h"

#include "deliver/module.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "formats/text.h"

#define SYMBOL "fmt_module"
#define HELP_MAXIMUM 1000
#define TEXT_MAXIMUM 200 /* a version, a default */
#define OPTIONS_MAXIMUM 64
#define SEGMENTS_MAXIMUM 64
#define OPTION_NAME_MAXIMUM 40

/* What a module must have; members after it came later. */
#define REQUIRED                                                                       \
	(offsetof(struct fmt_module, close) + sizeof(((struct fmt_module *)0)->close))

bool module_name_is_legal(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n && n <= FMT_MODULE_NAME && !name[n];
}

static enum rc check_owner(const char *path, const struct stat *st, struct error *err)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return error_set(err, RC_CONFIG,
			"%s: belongs to user %lu, who could put any code there; it "
			"must belong to root or to the user that runs alertrelay",
			path, (unsigned long)st->st_uid);
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return error_set(err, RC_CONFIG,
			"%s: its group or others may write it, and could put any code "
			"there; take that away (chmod go-w)",
			path);
	return RC_OK;
}

enum rc module_directory_check(const char *directory, struct error *err)
{
	struct stat st;

	if (stat(directory, &st) != 0)
		return error_set(err, RC_CONFIG,
			"%s: %s; name the directory that the modules are in", directory,
			strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return error_set(err, RC_CONFIG,
			"%s: is no directory; name the one that the modules are in",
			directory);
	return check_owner(directory, &st, err);
}

/* dlopen() maps what the headers say, and a file that is shorter kills the process. */
static enum rc check_length(const char *path, int fd, off_t size, struct error *err)
{
	ElfW(Phdr) segments[SEGMENTS_MAXIMUM];
	ElfW(Ehdr) head;
	size_t n;

	if (pread(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
		memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
		head.e_ident[EI_CLASS] !=
			(sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) ||
		head.e_type != ET_DYN || head.e_phentsize != sizeof(*segments) ||
		!head.e_phnum || head.e_phnum > SEGMENTS_MAXIMUM)
		return error_set(err, RC_CONFIG,
			"%s: is no shared object for this machine; build it with "
			"cc -shared -fPIC",
			path);
	n = head.e_phnum * sizeof(*segments);
	if (pread(fd, segments, n, (off_t)head.e_phoff) != (ssize_t)n)
		head.e_phnum = 0;
	for (size_t i = 0; i < head.e_phnum; i++)
		if (segments[i].p_filesz > (uint64_t)size ||
			segments[i].p_offset > (uint64_t)size - segments[i].p_filesz)
			head.e_phnum = 0;
	if (!head.e_phnum)
		return error_set(err, RC_CONFIG,
			"%s: is cut short, at %lld octets; copy or build it again",
			path, (long long)size);
	return RC_OK;
}

static enum rc check_file(const char *path, struct error *err)
{
	struct stat st;
	enum rc rc;
	int fd;

	if (lstat(path, &st) != 0)
		return error_set(err, RC_CONFIG, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_set(err, RC_CONFIG,
			"%s: is no regular file; put the module itself there", path);
	rc = check_owner(path, &st, err);
	if (rc != RC_OK)
		return rc;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return error_set(err, RC_CONFIG, "%s: %s", path, strerror(errno));
	rc = check_length(path, fd, st.st_size, err);
	close(fd);
	return rc;
}

/* Is it a text of at most this many octets that can be shown? */
static bool is_plain(const char *text, size_t maximum)
{
	size_t n = strnlen(text, maximum + 1);

	for (size_t i = 0; i < n;) {
		struct text_char c = text_next((const unsigned char *)text + i, n - i);

		if (c.bad || c.code < 0x20 || (c.code >= 0x7F && c.code < 0xA0))
			return false;
		i += c.n;
	}
	return n <= maximum;
}

static bool option_is_good(const struct fmt_option_info *option)
{
	size_t n = strnlen(option->name, OPTION_NAME_MAXIMUM + 1);

	return n && n <= OPTION_NAME_MAXIMUM &&
	       strspn(option->name,
		       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
		       "-") >= n &&
	       option->help && is_plain(option->help, HELP_MAXIMUM) &&
	       (!option->default_value ||
		       is_plain(option->default_value, TEXT_MAXIMUM));
}

static enum rc check_options(
	const char *path, const struct fmt_option_info *options, struct error *err)
{
	size_t count = 0;

	while (options && options[count].name) {
		if (count == OPTIONS_MAXIMUM)
			return error_set(err, RC_CONFIG,
				"%s: its options do not end after %d; the last row of "
				"the table has the name NULL",
				path, OPTIONS_MAXIMUM);
		if (!option_is_good(&options[count]))
			return error_set(err, RC_CONFIG,
				"%s: its option number %zu is not right; an option has "
				"a name of 1 to %d letters, digits, _ and -, and one "
				"line of help of at most %d octets",
				path, count + 1, OPTION_NAME_MAXIMUM, HELP_MAXIMUM);
		count++;
	}
	return RC_OK;
}

static enum rc check_texts(const char *path, const char *name,
	const struct fmt_module *module, struct error *err)
{
	char quoted[FMT_MODULE_NAME * 2];

	if (!module->name)
		return error_set(err, RC_CONFIG,
			"%s: has no name; the member name of " SYMBOL " must be \"%s\"",
			path, name);
	if (strcmp(module->name, name) != 0)
		return error_set(err, RC_CONFIG,
			"%s: calls itself %s; its name must be that of its file, %s",
			path,
			log_quote(quoted, sizeof(quoted), module->name,
				strnlen(module->name, FMT_MODULE_NAME + 1)),
			name);
	if (!module->help || !is_plain(module->help, HELP_MAXIMUM))
		return error_set(err, RC_CONFIG,
			"%s: has no help that can be shown; it is one line of UTF-8 of "
			"at most %d octets",
			path, HELP_MAXIMUM);
	if (module->version && !is_plain(module->version, TEXT_MAXIMUM))
		return error_set(err, RC_CONFIG,
			"%s: has no version that can be shown; it is one line of UTF-8 "
			"of at most %d octets, or NULL",
			path, TEXT_MAXIMUM);
	return check_options(path, module->options, err);
}

/* How many octets the symbol has, or 0 when it is no data. */
static size_t symbol_size(const void *at)
{
	const ElfW(Sym) *symbol = NULL;
	void *found = NULL;
	Dl_info info;

	if (!dladdr1(at, &info, &found, RTLD_DL_SYMENT))
		return 0;
	symbol = found;
	if (!symbol || info.dli_saddr != at ||
		ELF64_ST_TYPE(symbol->st_info) != STT_OBJECT)
		return 0;
	return (size_t)symbol->st_size;
}

static enum rc check_symbol(
	const char *path, const char *name, struct module *module, struct error *err)
{
	const void *at = dlsym(module->handle, SYMBOL);
	size_t size = at ? symbol_size(at) : 0;
	struct fmt_module *own = &module->module;
	uint32_t head[2];

	if (!at)
		return error_set(err, RC_CONFIG,
			"%s: exports no symbol " SYMBOL "; a module defines `const "
			"struct fmt_module " SYMBOL "` and does not hide it",
			path);
	if (size < sizeof(head))
		return error_set(err, RC_CONFIG,
			"%s: its symbol " SYMBOL " is no struct fmt_module; a module "
			"defines `const struct fmt_module " SYMBOL "`",
			path);
	memcpy(head, at, sizeof(head));
	if (head[0] != FMT_ABI)
		return error_set(err, RC_CONFIG,
			"%s: is made for version %lu of the interface, and this is "
			"version %u; build it with this alertrelay's own "
			"alertrelay/format.h",
			path, (unsigned long)head[0], FMT_ABI);
	if (head[1] < REQUIRED || head[1] > size)
		return error_set(err, RC_CONFIG,
			"%s: says that its " SYMBOL " has %lu octets, but it has %zu, "
			"and needs %zu; struct_size must be sizeof(struct fmt_module)",
			path, (unsigned long)head[1], size, REQUIRED);
	*own = (struct fmt_module){0};
	memcpy(own, at, head[1] < sizeof(*own) ? head[1] : sizeof(*own));
	if (!own->open || !own->format || !own->close)
		return error_set(err, RC_CONFIG,
			"%s: has no %s(); a module has open(), format() and close()",
			path,
			!own->open     ? "open"
			: !own->format ? "format"
				       : "close");
	return check_texts(path, name, own, err);
}

enum rc module_load(
	const char *path, const char *name, struct module *module, struct error *err)
{
	const char *why;
	size_t n = strlen(path);
	enum rc rc = check_file(path, err);

	*module = (struct module){0};
	if (rc != RC_OK)
		return rc;
	module->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!module->handle) {
		why = dlerror();
		if (!why)
			why = "for no reason that is told";
		if (!strncmp(why, path, n) && !strncmp(why + n, ": ", 2))
			why += n + 2;
		return error_set(err, RC_CONFIG,
			"%s: cannot be loaded: %s; a module is linked with all that it "
			"needs",
			path, why);
	}
	rc = check_symbol(path, name, module, err);
	if (rc != RC_OK)
		module_unload(module);
	return rc;
}

void module_unload(struct module *module)
{
	if (module->handle)
		dlclose(module->handle);
	*module = (struct module){0};
}
