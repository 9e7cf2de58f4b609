/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* generators.h - what generate.c chooses from. Each appends to `rules`; 0 or -ENOMEM. */
#include "tests/bench/packet/rules/generate.h"

int generate_like_seeds(
    const struct generate *generate, const char *flavour, struct bench_rules *rules);

int generate_overlap(const struct generate *generate, struct bench_rules *rules);
int generate_one_port(const struct generate *generate, struct bench_rules *rules);
int generate_duplicates(const struct generate *generate, struct bench_rules *rules);
int generate_shadowed(const struct generate *generate, struct bench_rules *rules);
int generate_nested(const struct generate *generate, struct bench_rules *rules);
int generate_everything_set(const struct generate *generate, struct bench_rules *rules);
int generate_priority_ends(const struct generate *generate, struct bench_rules *rules);
int generate_flags(const struct generate *generate, struct bench_rules *rules);
int generate_full(const struct generate *generate, struct bench_rules *rules);
