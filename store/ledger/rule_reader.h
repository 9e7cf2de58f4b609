/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * rule_reader.h - what the two halves of the rule text's reader share: rule_text.c has the words
 * and the line, rule_match_text.c the clauses of the match. Seen by these two only. Pure.
 */
#include "store/ledger/rule_text.h"

struct reader {
    const char *text;
    const char *at;    /* behind the words taken */
    const char *after; /* behind the word in `word` */
    char *word;        /* the one at hand, without quotes; as long as the whole text */
    size_t word_at;    /* where it stands */
    bool is_quoted;
    bool is_source_side; /* the last clause was `from`: `port` belongs to it */
    bool has_to_addresses;
    uint32_t seen; /* bits of the clause table */
    rule_set_find set_find;
    void *user;
    Picket__V1__Rule *rule;
    struct rule_parse_notes *notes;
    struct problem *problem;
};

#define SAY(reader, ...) (mark((reader)), problem_say((reader)->problem, -EINVAL, __VA_ARGS__))
#define NO_MEMORY(reader) problem_say((reader)->problem, -ENOMEM, "not enough memory for a rule")

static inline void mark(struct reader *reader)
{
    reader->notes->error_at = reader->word_at;
}

/* Brings the next word to hand without taking it. 1, 0 at the end, -EINVAL. */
int reader_look(struct reader *reader);
void reader_take(struct reader *reader);

/* Takes the word behind the clause's own; `expected` is for the sentence if there is none or it
 * does not fit. */
int reader_value(struct reader *reader, const char *expected);
int reader_number(struct reader *reader, const char *expected, uint64_t max, uint64_t *ret_number);
int reader_choice(
    struct reader *reader, const char *expected, struct words words, uint32_t *ret_value);

/* Calls read for every item of a list, which it takes apart. */
int reader_items(struct reader *reader, char *list, int (*read)(struct reader *reader, char *item));
int reader_list(
    struct reader *reader, const char *expected, int (*read)(struct reader *reader, char *item));

/* Clauses of the match: the clause's word is taken. */
int reader_from(struct reader *reader);
int reader_to(struct reader *reader);
int reader_ports(struct reader *reader);
int reader_source_ports(struct reader *reader);
int reader_destination_ports(struct reader *reader);
int reader_protocols(struct reader *reader);
int reader_icmps(struct reader *reader);
int reader_flags(struct reader *reader);
int reader_states(struct reader *reader);
int reader_devices(struct reader *reader);
int reader_class(struct reader *reader);
int reader_family(struct reader *reader);
int reader_fragment(struct reader *reader);
int reader_vlan(struct reader *reader);
int reader_dscp(struct reader *reader);
