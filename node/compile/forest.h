/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * forest.h - leaf rules become the decision trees that bpf/fw_forest.h walks.
 *
 * Owns:     nothing; appends to the caller's blob.
 * Threads:  any; no I/O, no clock. Deterministic: equal input gives equal bytes.
 * Fails:    -ENOMEM; -E2BIG with a sentence where the longest walk, the memory or the number of
 * trees would exceed its limit. Then what was appended is not to be used.
 */
#include "base/problem.h"
#include "node/compile/blob.h"

struct forest_limits {
    uint32_t passes_max; /* FW_PASSES_MAX or FW_PASSES_OBSERVE_MAX */
    uint64_t words_max;  /* of this forest */
};

/* What a forest is like; for status, bench and tests. */
struct forest_shape {
    uint32_t trees;
    uint32_t depth;  /* inner nodes on the longest way of one tree */
    uint32_t passes; /* leaves, chains included, of the longest walk through all trees */
    uint32_t tests;  /* rules tested on the longest walk */
    uint64_t copies; /* leaf rules written, of rules_count */
    uint64_t words;  /* appended */
    uint32_t rest;   /* rules in the fallback: long chains, few copies */
};

/* Leaves a late leaf is at most. */
#define FOREST_PASSES_OF_LATE ((FW_LATE_MAX + FW_LEAF_MAX - 1) / FW_LEAF_MAX)

/*
 * rules ascend by order (FW_ID_ORDER of their id), all of `family`. has_hidden, if not NULL, is a
 * bitmap by order (64 a word, room for the last order): set for each rule that keeps another one
 * out of some leaf because it decides there first, and for some that would have. NULL: nothing is
 * kept out, every match counts.
 */
int forest_build(struct blob *blob, const struct fw_rule *rules, uint32_t rules_count,
    enum fw_family family, const struct forest_limits *limits, uint64_t *has_hidden,
    struct fw_forest *ret_forest, struct forest_shape *ret_shape, struct problem *reterr_problem);

/*
 * A forest whose rules change a little, without building it again: forest_add_late() appends a leaf
 * of at most FW_LATE_MAX rules, ascending by order, to the blob (count 0: *ret_node is 0);
 * forest_forget() makes rules of the trees, by order (64 a word), match nothing any more. Whoever
 * forgets a rule that has hidden others loses those, too. 0, -ENOMEM or -E2BIG.
 */
int forest_add_late(struct blob *blob, const struct fw_rule *rules, uint32_t count,
    enum fw_family family, uint64_t *ret_node);
void forest_forget(struct blob *blob, const struct fw_forest *forest, enum fw_family family,
    const uint64_t *orders);
