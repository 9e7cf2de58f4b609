/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * prng.h - xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64. For simulation, jitter
 * and tests; never for keys.
 */
#include <stdint.h>

struct prng {
    uint64_t s[4];
};

void prng_seed(struct prng *prng, uint64_t seed);
uint64_t prng_next(struct prng *prng);

/* Uniform in [0, below); below > 0. */
uint64_t prng_below(struct prng *prng, uint64_t below);
