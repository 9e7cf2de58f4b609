/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* draw.h - random numbers, bits and addresses of the generators. Integers only: the same seed gives
 * the same on every machine. */
#include "base/prng.h"
#include "tests/bench/packet/rules/rule_set.h"

static inline uint32_t draw_below(struct prng *prng, uint32_t below)
{
    return (uint32_t)prng_below(prng, below);
}

/* True with a chance of `permille` in a thousand. */
static inline bool draw_chance(struct prng *prng, uint32_t permille)
{
    return draw_below(prng, 1000) < permille;
}

/* Below `below`; small ones are likelier, the more so the higher the power (1: uniform). */
uint32_t draw_skewed(struct prng *prng, uint32_t below, uint32_t power);

/* Index of a weight, by its share of all. */
uint32_t draw_weighted(struct prng *prng, const uint16_t *weights, uint32_t count);

/* All bits of an address of the family behind the first `kept`. */
void draw_bits(struct prng *prng, uint8_t *address, uint8_t family, uint8_t kept);

/* Unicast: IPv4 1.0.0.0 to 223.255.255.255, IPv6 2000::/3. */
void draw_address(struct prng *prng, uint8_t *address, uint8_t family);

/* What a length of IPv4 is worth in IPv6: 0 to 8 -> 0 to /32, 16 -> /48, 24 -> /64, 32 -> /128. */
uint8_t draw_length(uint8_t family, uint8_t ipv4_length);
