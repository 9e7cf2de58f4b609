/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * leaf.h - a rule as a leaf rule of the compiler (struct fw_rule of bpf/fw_abi.h).
 *
 * counter is the index in the set. Globs and sets: bit and index are those of bench_globs[] and of
 * the set's sets.
 */
#include "bpf/fw_abi.h"
#include "tests/bench/packet/rules/rule_set.h"

/* L4 is asked for exactly where the compiler does: ports, ICMP types and TCP flags. */
void leaf_of_rule(const struct bench_rule *rule, uint32_t index, struct fw_rule *ret_leaf);

/* The leaf rules of one family and forest (enum fw_forest_kind), in order; *ret_leaves is free()d
 * by the caller. At most 1,024 log and shadow rules. 0 or -ENOMEM. */
int leaves_of_rules(const struct bench_rules *rules, uint8_t family, uint8_t forest,
    struct fw_rule **ret_leaves, uint32_t *ret_count);
