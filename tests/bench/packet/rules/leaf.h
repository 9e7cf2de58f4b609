/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * leaf.h - a rule as a leaf rule of the compiler (struct fw_rule of bpf/fw_abi.h).
 *
 * counter is the index in the set. Globs and sets: bit and index are those of bench_globs[] and of
 * the set's sets. Writes the order of the set and nothing else: no priorities.
 */
#include "bpf/fw_abi.h"
#include "tests/bench/packet/rules/rule_set.h"

/* L4 is asked for exactly where the compiler does: ports, ICMP types and TCP flags. */
void leaf_of_rule(const struct bench_rule *rule, uint32_t index, struct fw_rule *ret_leaf);

/* The leaf rules of one family, in order; *ret_leaves is free()d by the caller. 0 or -ENOMEM. */
int leaves_of_rules(const struct bench_rules *rules, uint8_t family, struct fw_rule **ret_leaves,
    uint32_t *ret_count);
