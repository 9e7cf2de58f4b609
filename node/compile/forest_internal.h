/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * forest_internal.h - what the files of the forest's builder share: a rule as trees see it, the
 * region a node stands for, and the way a node is cut.
 *
 * Lists of rules are indexes into forest_build's rules, ascending, hence ascending by order.
 */
#include "node/compile/forest.h"

#include <stdbool.h>

struct forest_bits {
    uint64_t value; /* 0 where mask is 0 */
    uint64_t mask;
};

enum { FOREST_SLOT_WORD, FOREST_SLOT_ADDRESS, FOREST_SLOTS = FOREST_SLOT_ADDRESS + 4 };

/* Never narrower than the rule: what trees cannot cut is a wildcard here. */
struct forest_rule {
    uint64_t ports; /* FW_PORTS */
    uint32_t order;
    uint8_t source_set;
    uint8_t target_set;
    bool is_full;                          /* needs struct fw_rule */
    bool hides;                            /* terminal, and these fields are all it asks for */
    struct forest_bits bits[FOREST_SLOTS]; /* word; IPv4: source and target; IPv6: cut[0 ... 3] */
};

/* What all packets that reach a node and can match a rule there have in common. */
struct forest_region {
    uint64_t known[FOREST_SLOTS]; /* bits that are the same in all of them */
    uint32_t port_first[2];
    uint32_t port_last[2];
    uint64_t known_sets[2];
};

enum forest_field_kind { FOREST_BITS, FOREST_RANGE, FOREST_SET };

struct forest_field {
    uint8_t kind;
    uint8_t cut;     /* FW_CUT_... */
    uint8_t slot;    /* of bits, or the side of ports or sets */
    uint8_t low;     /* its lowest bit in the slot */
    uint8_t width;   /* bits */
    uint8_t cut_low; /* its lowest bit in the cut word */
};

/* The field's bits shift ... shift + bits - 1 choose the child. */
struct forest_cut {
    const struct forest_field *field;
    uint32_t shift;
    uint32_t bits;      /* 0: no cut */
    uint32_t span_bits; /* rules which span more than 1 << span_bits children go to the next tree */
};

/* The children of one rule: `count` from first on, modulo the number of children; or, if free is
 * not 0, first and any of the bits of free. */
struct forest_span {
    uint32_t first;
    uint32_t count;
    uint32_t free;
};

/* How trees are built; forest_build tries several. */
struct forest_taste {
    uint32_t leaf;   /* rules at which a node is a leaf */
    uint32_t eject;  /* cost of a rule that goes to the next tree, in sixteenths */
    uint32_t copies; /* leaf rules of a tree for each of its rules, in 256ths */
    bool is_last;    /* nothing goes to a next tree */
};

/* Numbers that grow; lists lie in it as on a stack. */
struct forest_stack {
    uint32_t *items;
    size_t count;
    size_t capacity;
};

int forest_stack_take(struct forest_stack *stack, size_t count, size_t *ret_at);

#define FOREST_SEEN 4096 /* leaves remembered */

struct forest_builder {
    struct blob *blob;
    const struct fw_rule *full;
    struct forest_rule *rules;
    enum fw_family family;
    const struct forest_field *fields;
    uint32_t fields_count;
    uint64_t *has_hidden;
    uint32_t blob_start;
    uint64_t words_max;
    struct forest_taste taste;
    struct forest_stack stack; /* lists of the nodes being built */
    struct forest_stack next;  /* rules for the next tree, unordered */
    uint64_t work;             /* rules looked at so far */
    uint64_t work_max;         /* beyond it nodes are cut no more */
    /* of the tree */
    uint32_t depth;
    uint32_t passes;
    uint32_t tests;
    uint64_t copies;
    uint64_t seen[FOREST_SEEN]; /* nodes of recent leaves, 0: none */
    uint32_t seen_count[FOREST_SEEN];
};

struct forest_list {
    size_t at; /* in the stack */
    uint32_t count;
};

/* forest_rules.c */
const struct forest_field *forest_fields(enum fw_family family, uint32_t *ret_count);
void forest_rule_make(
    const struct fw_rule *full, enum fw_family family, struct forest_rule *ret_rule);
/* Whether, within the region, a decides wherever b would match. */
bool forest_rule_covers(
    const struct forest_rule *a, const struct forest_rule *b, const struct forest_region *region);
/* Equal rules but the first leave the list; -ENOMEM. */
int forest_drop_equal(struct forest_builder *builder, uint32_t *list, uint32_t *count);

/* forest_cut.c: cut.bits is 0 where the list is better a leaf. factor: copies allowed, in 256ths.
 */
struct forest_cut forest_choose_cut(struct forest_builder *builder, const uint32_t *list,
    uint32_t count, const struct forest_region *region, uint32_t depth, uint32_t factor);
struct forest_span forest_span_of(const struct forest_rule *rule, const struct forest_cut *cut,
    const struct forest_region *region);
struct forest_region forest_child_region(const struct forest_region *region,
    const struct forest_cut *cut, uint32_t first, uint32_t last);

/* forest_tree.c: one tree from the list at the stack's end; what it does not take is in next. */
int forest_tree(struct forest_builder *builder, struct forest_list list, uint64_t *ret_node);

/* forest_leaf.c */
int forest_leaf(
    struct forest_builder *builder, const uint32_t *list, uint32_t count, uint64_t *ret_node);
