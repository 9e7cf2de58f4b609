/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/packet/rules/draw.h"
#include "bpf/fw_abi.h"

uint32_t draw_skewed(struct prng *prng, uint32_t below, uint32_t power)
{
    uint64_t part = prng_next(prng) >> 32, all = part;

    for (uint32_t i = 1; i < power; i++)
        all = all * part >> 32;
    return (uint32_t)(all * below >> 32);
}

uint32_t draw_weighted(struct prng *prng, const uint16_t *weights, uint32_t count)
{
    uint32_t all = 0, at, i;

    for (i = 0; i < count; i++)
        all += weights[i];
    at = draw_below(prng, all);
    for (i = 0; at >= weights[i]; i++)
        at -= weights[i];
    return i;
}

void draw_bits(struct prng *prng, uint8_t *address, uint8_t family, uint8_t kept)
{
    uint32_t bytes = family == FW_IPV4 ? 4 : 16;
    uint64_t bits = 0;

    for (uint32_t i = 0; i < bytes; i++) {
        uint8_t free_bits = 0xff;

        if (i * 8 < kept)
            free_bits = (uint8_t)((i + 1) * 8 <= kept ? 0 : 0xff >> kept % 8);
        if (i % 8 == 0)
            bits = prng_next(prng);
        address[i] = (uint8_t)((address[i] & ~free_bits) | (bits & free_bits));
        bits >>= 8;
    }
}

void draw_address(struct prng *prng, uint8_t *address, uint8_t family)
{
    draw_bits(prng, address, family, 0);
    if (family == FW_IPV4)
        address[0] = (uint8_t)(1 + draw_below(prng, 223));
    else
        address[0] = (uint8_t)(0x20 | (address[0] & 0x1f));
}

uint8_t draw_length(uint8_t family, uint8_t ipv4_length)
{
    if (family == FW_IPV4)
        return ipv4_length;
    if (ipv4_length <= 8)
        return (uint8_t)(ipv4_length * 4);
    if (ipv4_length <= 24)
        return (uint8_t)(32 + (ipv4_length - 8) * 2);
    return (uint8_t)(64 + (ipv4_length - 24) * 8);
}
