/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * rules.h - the smallest tables that say something: drop one IPv4 source, or nothing.
 */
#include "node/compile/compile.h"

struct small_tables {
    struct compile_tables tables; /* lends the rest */
    struct fw_rule4 rule;
    uint64_t class_none;
    struct compile_object object;
};

/* source NULL: no rule. counter: the rule's local index. All devices are let pass by default. */
void small_tables(struct small_tables *ret_small, const char *source, uint32_t counter);
