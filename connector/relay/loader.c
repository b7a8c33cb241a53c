#include "config.h"

#include "relay/loader.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

struct problem {
	size_t file; /* place in loader.files */
	int line;
	size_t serial;
	bool warning;
	char *text;
};

/* A copy without control characters: keys and file names may hold any. */
static char *one_line(const char *text)
{
	char *copy = xstrdup(text);

	for (char *c = copy; *c; c++)
		if ((unsigned char)*c < 32 || *c == 127)
			*c = '?';
	return copy;
}

static void add_problem(
	struct loader *l, size_t file, int line, bool warning, const char *text)
{
	if (warning)
		l->warning_count++;
	else
		l->problem_count++;
	if (l->kept == CONFIG_REPORT_MAXIMUM * 2)
		return;
	if (l->kept == l->room) {
		l->room = l->room ? l->room * 2 : 16;
		l->problems = xrealloc(l->problems, l->room * sizeof(*l->problems));
	}
	l->problems[l->kept] =
		(struct problem){file, line, l->kept, warning, one_line(text)};
	l->kept++;
}

void loader_reader_wrong(
	struct options_reader *reader, int line, bool warning, const char *text)
{
	struct loader *l = (struct loader *)reader;

	add_problem(l, l->file_count - 1, line, warning, text);
}

void loader_yaml_wrong(struct yaml_report *report, int line, const char *text)
{
	struct loader *l = (struct loader *)((char *)report -
					     offsetof(struct loader, yaml_report));

	add_problem(l, l->file_count - 1, line, false, text);
}

void loader_wrong_in(
	struct loader *l, const char *file, int line, const char *format, ...)
{
	char text[900];
	size_t i = 0;
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	while (i + 1 < l->file_count && l->files[i] != file)
		i++;
	add_problem(l, i, line, false, text);
}

static int compare_problems(const void *a, const void *b)
{
	const struct problem *x = a, *y = b;

	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return (x->serial > y->serial) - (x->serial < y->serial);
}

void loader_fill_report(struct loader *l, struct config_report *report)
{
	size_t shown =
		l->kept < CONFIG_REPORT_MAXIMUM ? l->kept : CONFIG_REPORT_MAXIMUM;

	report->count = l->problem_count;
	report->warnings = l->warning_count;
	if (l->kept)
		qsort(l->problems, l->kept, sizeof(*l->problems), compare_problems);
	for (size_t i = 0; i < shown; i++) {
		const struct problem *p = &l->problems[i];
		const char *kind = p->warning ? "warning: " : "";

		if (p->line)
			strbuf_addf(&report->text, "%s:%d: %s%s\n", l->files[p->file],
				p->line, kind, p->text);
		else
			strbuf_addf(&report->text, "%s: %s%s\n", l->files[p->file],
				kind, p->text);
	}
	if (l->problem_count + l->warning_count > shown)
		strbuf_addf(&report->text, "and %zu more\n",
			l->problem_count + l->warning_count - shown);
	for (size_t i = 0; i < l->kept; i++)
		free(l->problems[i].text);
	free(l->problems);
}
