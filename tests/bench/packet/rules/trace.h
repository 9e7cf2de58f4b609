/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * trace.h - headers for a rule set, from a seed. Each is appended; families are those of the rules
 * (an empty set: IPv4). 0 or -ENOMEM.
 */
#include "tests/bench/packet/rules/rule_set.h"

/* Points of uniformly chosen rules: half at random inside, half at corners. */
int trace_rules(
    const struct bench_rules *rules, uint32_t count, uint64_t seed, struct bench_headers *headers);

/* Uniformly random in every field a rule of the set may ask for: a flood. */
int trace_flood(
    const struct bench_rules *rules, uint32_t count, uint64_t seed, struct bench_headers *headers);

/* One header of trace_rules(), `count` times. */
int trace_one_flow(
    const struct bench_rules *rules, uint32_t count, uint64_t seed, struct bench_headers *headers);

/*
 * For every range and prefix of every rule: first - 1, first, last and last + 1 (where they exist)
 * in that field, the other fields inside the rule; up to 16 headers a rule. Of more than `count`,
 * `count` evenly spread rules and fields are taken.
 */
int trace_corners(
    const struct bench_rules *rules, uint32_t count, uint64_t seed, struct bench_headers *headers);
