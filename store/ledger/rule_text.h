/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * rule_text.h - what the rule text's reader and writer share, and a rule_parse() that says more.
 * Pure.
 */
#include "store/ledger/rule.h"

struct word {
    const char *text;
    uint32_t value;
};

struct words {
    const struct word *list;
    size_t count;
};

extern const struct words rule_actions, rule_directions, rule_targets, rule_families,
    rule_protocols;
extern const struct words rule_fragments, rule_classes, rule_states, rule_flags, rule_set_kinds;

/* NULL if unknown; the first word of a value is the one printed. */
const struct word *word_find(struct words words, const char *text, size_t len);
const char *word_of(struct words words, uint32_t value);

/* Decimal without sign; 0 or -EINVAL. ret_value is untouched on failure. */
int number_parse(const char *text, size_t len, uint64_t max, uint64_t *ret_value);

/* RFC 3339, a date alone (its midnight, UTC) or unix seconds; never 0. 0 or -EINVAL. */
int time_parse(const char *text, uint64_t *ret_time);

/* Characters a label, a device glob and a bare word of the text may hold. */
bool is_word_char(char c);
bool text_is_utf8(const char *text);

struct rule_parse_notes {
    size_t error_at;   /* offset in the text of the word at fault; its length for an error about the
                          whole rule */
    bool has_priority; /* the text named one, be it 0 */
};

/* rule_parse() with notes; ret_notes is filled on failure too. */
int rule_parse_noted(const char *text, rule_set_find set_find, void *user,
    Picket__V1__Rule **ret_rule, struct rule_parse_notes *ret_notes,
    struct problem *reterr_problem);
