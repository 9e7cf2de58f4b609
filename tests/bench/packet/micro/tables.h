/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* tables.h - a rule set as tables of one family, without the rest of the compiler, and what user
 * space decides over them. */
#include "node/compile/compile.h"
#include "tests/bench/packet/rules/rule_set.h"

struct bench_tables {
    struct compile_tables tables; /* lends the rest */
    struct compile_device_row device;
    uint8_t family;
};

/* Leaves only: compile_build() is the caller's. 0 or -ENOMEM; bench_tables_fini() in any case. */
int bench_tables_init(struct bench_tables *tables, const struct bench_rules *rules, uint8_t family);
void bench_tables_fini(struct bench_tables *tables);

/* Index of the deciding rule by the host build of the packet path, or BENCH_NO_RULE. */
uint32_t bench_tables_decide(const struct bench_tables *tables, const struct bench_header *header);
