/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * build.h - what the files of the compiler share: one run's unfinished tables.
 *
 * Order: select (which objects count), sets (membership), rules (leaves), devices, digest.
 */
#include "node/compile/compile.h"
#include "node/compile/indexes.h"
#include "store/ledger/ledger.h"
#include "store/ledger/rule.h"

/* One rule that counts, and the sets its sides name. */
struct build_rule {
    const Picket__V1__Rule *rule;
    uint32_t object;    /* index into objects and tables->objects */
    uint8_t source_set; /* FW_SET_PRESENT, FW_SET_NEGATE, index; 0: none */
    uint8_t target_set;
    bool never;                      /* it names an empty set, so it matches nothing */
    uint32_t order[FW_FAMILY_COUNT]; /* terminal leaf rules before it */
};

/* An element of one set, by index. */
struct build_member {
    uint8_t address[16];
    uint8_t length;
    uint8_t set;
};

struct build_members {
    struct build_member *items;
    size_t count;
    size_t capacity;
};

/* A set that some rule names. */
struct build_set {
    uint32_t object;          /* UINT32_MAX: a negated list of a rule */
    uint8_t hash[HASH_BYTES]; /* over its live elements */
};

struct build {
    const struct compile_input *input;
    struct ledger_object *objects;
    struct compile_tables *tables;
    struct build_rule *rules; /* by (priority, id) */
    uint32_t rules_count;
    struct build_set sets[FW_SETS_MAX];
    uint32_t sets_count;
    struct build_members members[FW_FAMILY_COUNT];
    size_t rules_capacity;
    struct problem *reterr_problem;
};

/* Fills status of every object and rules, in order. */
int build_select(struct build *build);

/* Finds or makes the index of a set object that is effective; -E2BIG above FW_SETS_MAX. */
int build_set_index(struct build *build, uint32_t object, uint8_t *ret_index);
/* A set without an object: a negated list of one family. */
int build_set_of_prefixes(
    struct build *build, const Picket__V1__Addresses *side, uint32_t family, uint8_t *ret_index);
/* Live elements of a set object into ret_elements (free() it). */
int build_set_elements(
    struct build *build, uint32_t object, struct set_element **ret_elements, uint32_t *ret_count);
/* Classes and tries out of members. */
int build_classes(struct build *build);

int build_rules(struct build *build);
/* Does it count and decide nothing? */
bool build_rule_is_observed(const Picket__V1__Rule *rule);
bool build_rule_is_on_l4(const Picket__V1__Rule *rule);

int build_globs(struct build *build);
uint64_t build_glob_bits(const struct build *build, const Picket__V1__Match *match);
int build_devices(const struct compile_input *input, struct compile_tables *tables);
int build_lifeline(const struct compile_input *input, struct compile_tables *tables,
    struct problem *reterr_problem);
/* The table of addresses. 0, -ENOMEM, or -E2BIG with a sentence. */
int build_hosts(const struct compile_lifeline *lifeline, struct compile_tables *tables,
    struct problem *reterr_problem);

int build_digest(struct build *build);

/* The counter of an object; *ret_is_fresh until a generation that has it was settled. */
int compile_index_take(struct compile_indexes *indexes, const uint8_t id[OP_REF_BYTES],
    uint32_t *ret_index, bool *ret_is_fresh);
uint32_t compile_indexes_limit(const struct compile_indexes *indexes);

/* Why an object does not count. */
void build_refuse(
    struct build *build, uint32_t object, enum compile_status status, const char *why);

/* The time at which something changes by itself. */
void build_note_time(struct build *build, uint64_t time_s);

/* Room for one more; 0 or -ENOMEM. */
int build_grow(void **items, size_t *capacity, size_t count, size_t item_bytes);
