#include "config.h"

#include "cli/tale.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/strbuf.h"

static void begin(struct fmt_trace *trace)
{
	struct tale *tale = CONTAINER_OF(trace, struct tale, trace);

	arena_reset(&tale->strings);
	tale->count = 0;
	tale->is_whole = true;
}

static struct fmt_str keep(struct tale *tale, struct fmt_str s)
{
	const char *copy = arena_copy(&tale->strings, s.p, s.n);

	tale->is_whole &= copy != NULL;
	return (struct fmt_str){copy, copy ? s.n : 0};
}

static void tell(struct fmt_trace *trace, const struct fmt_told *told)
{
	struct tale *tale = CONTAINER_OF(trace, struct tale, trace);
	struct fmt_told *item;

	if (tale->count == tale->room) {
		tale->room = tale->room ? tale->room * 2 : 128;
		tale->items = xrealloc(tale->items, tale->room * sizeof(*tale->items));
	}
	item = &tale->items[tale->count++];
	*item = *told;
	item->key = keep(tale, told->key);
	item->shown = keep(tale, told->shown);
	item->label = keep(tale, told->label);
	item->value = keep(tale, told->value);
	/* With its terminator: a module may go before this is read. */
	if (told->why)
		item->why =
			arena_copy(&tale->strings, told->why, strlen(told->why) + 1);
}

void tale_init(struct tale *tale)
{
	*tale = (struct tale){
		.trace = {.tell = tell, .begin = begin}, .is_whole = true};
	arena_init(&tale->strings, TALE_MAXIMUM);
}

void tale_clear(struct tale *tale)
{
	arena_clear(&tale->strings);
	free(tale->items);
}
