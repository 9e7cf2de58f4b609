/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * linear.h - the oracle: which rule decides, by looking at all of them in order.
 *
 * Written apart from the compiler and the packet path. Fast by blocks of rules that share no
 * branch; 1,000,000 headers over 10,000 rules take some seconds.
 *
 * Ports count for every protocol (what ClassBench means), but not for later fragments.
 */
#include "tests/bench/packet/rules/rule_set.h"

struct linear;

/* Borrows the sets of `rules` only; 0 or -ENOMEM. */
int linear_new(const struct bench_rules *rules, struct linear **ret_linear);
void linear_free(struct linear *linear); /* accepts NULL */

/* Index of the deciding rule, or BENCH_NO_RULE. */
uint32_t linear_decide(const struct linear *linear, const struct bench_header *header);

/* The same for many headers, on `threads` threads (1: the caller's). ret_indexes: one a header. 0
 * or -ENOMEM. */
int linear_decide_all(const struct linear *linear, const struct bench_headers *headers,
    uint32_t threads, uint32_t *ret_indexes);

/* The log and shadow rules that match, in order, as far as they stand before the deciding rule;
 * returns how many, writes at most capacity. */
uint32_t linear_observed(const struct linear *linear, const struct bench_header *header,
    uint32_t *ret_indexes, uint32_t capacity);
