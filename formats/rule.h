/* rule.h - what the rules of a field map have in common in all formats. */
#ifndef ALERTRELAY_FORMAT_RULE_H
#define ALERTRELAY_FORMAT_RULE_H

#include "text.h"

/* What is written instead of the value, or NULL. */
static inline const char *rule_word(const struct fmt_rule *rule, struct fmt_str value)
{
	for (size_t i = 0; i < rule->word_count; i++)
		if (text_equal_nocase(value, rule->words[i].from))
			return rule->words[i].to;
	return NULL;
}

/* Does the rule take what stands under its key away from there? */
static inline int rule_moves(const struct fmt_rule *rule)
{
	return rule->kind == FMT_RULE_RENAME || rule->kind == FMT_RULE_DROP;
}

/* The key that a rule makes, or NULL. */
static inline const char *rule_makes(const struct fmt_rule *rule)
{
	return rule->kind == FMT_RULE_ADD      ? rule->key
	       : rule->kind == FMT_RULE_RENAME ? rule->to
					       : NULL;
}

/* Two rules for one key that cannot both be meant: only words go with a new name. */
static inline int rule_clashes(const struct fmt_rule *a, const struct fmt_rule *b)
{
	if (a->kind == FMT_RULE_ADD || b->kind == FMT_RULE_ADD ||
		strcmp(a->key, b->key) != 0)
		return 0;
	return a->kind == b->kind || a->kind == FMT_RULE_DROP ||
	       b->kind == FMT_RULE_DROP;
}

#endif
