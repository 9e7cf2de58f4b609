/* SPDX-License-Identifier: Apache-2.0 */
/* prefixes_generate.c - lists of prefixes from a seed, and addresses to look up in them. */
#include "bpf/fw_abi.h"
#include "tests/bench/packet/rules/draw.h"
#include "tests/bench/packet/rules/prefixes.h"

#include <errno.h>
#include <string.h>

#define ROUND_MAX 64 /* rounds of filling up what were duplicates */

/* A busy network: a company's or a provider's, in which most of the listed addresses lie. */
static void draw_net(struct prng *prng, uint8_t family, struct bench_prefix *net)
{
    memset(net, 0, sizeof(*net));
    net->family = family;
    draw_address(prng, net->address, family);
    net->length = draw_length(family, (uint8_t)(12 + draw_below(prng, 13)));
    bench_address_cut(net->address, family, net->length, false);
}

/* Of ten, eight single addresses, one small net, one bigger. */
static void draw_listed(struct prng *prng, const struct bench_prefix *net, struct bench_prefix *to)
{
    uint8_t width = net->family == FW_IPV4 ? 32 : 128;
    uint32_t kind = draw_below(prng, 10);
    uint8_t length = width;

    if (kind == 8)
        length = draw_length(net->family, (uint8_t)(24 + draw_below(prng, 8)));
    else if (kind == 9)
        length = draw_length(net->family, (uint8_t)(14 + draw_below(prng, 11)));
    *to = *net;
    if (length < net->length)
        length = net->length;
    draw_bits(prng, to->address, net->family, net->length);
    bench_address_cut(to->address, net->family, length, false);
    to->length = length;
}

static void draw_one(struct prng *prng, enum prefixes_kind kind, const struct bench_prefixes *nets,
    uint8_t family, struct bench_prefix *to)
{
    if (kind == PREFIXES_BLOCKLIST && !draw_chance(prng, 100)) {
        draw_listed(prng, &nets->prefixes[draw_skewed(prng, nets->count, 2)], to);
    } else {
        memset(to, 0, sizeof(*to));
        to->family = family;
        draw_address(prng, to->address, family);
        to->length = family == FW_IPV4 ? 32 : 128;
    }
    to->value = 1 + (uint32_t)(to->address[0] ^ to->address[1]) % 64;
}

static int draw_nets(
    struct prng *prng, uint8_t family, uint32_t count, struct bench_prefixes *ret_nets)
{
    uint32_t wanted = 8 + count / 20;
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < wanted; i++) {
        struct bench_prefix net;

        draw_net(prng, family, &net);
        r = prefixes_append(ret_nets, &net);
    }
    return r;
}

int prefixes_generate(enum prefixes_kind kind, uint8_t family, uint32_t count, uint64_t seed,
    struct bench_prefixes *ret_prefixes)
{
    struct bench_prefixes nets = {0};
    struct prng prng;
    int r;

    memset(ret_prefixes, 0, sizeof(*ret_prefixes));
    prng_seed(&prng, seed);
    r = draw_nets(&prng, family, count, &nets);
    for (uint32_t round = 0; r == 0 && ret_prefixes->count < count && round < ROUND_MAX; round++) {
        for (uint32_t i = ret_prefixes->count; r == 0 && i < count; i++) {
            struct bench_prefix prefix;

            /* What is missing at last comes from everywhere. */
            draw_one(&prng, round < ROUND_MAX / 2 ? kind : PREFIXES_RANDOM, &nets, family, &prefix);
            r = prefixes_append(ret_prefixes, &prefix);
        }
        if (r == 0)
            r = prefixes_sort(ret_prefixes);
    }
    prefixes_fini(&nets);
    if (r < 0)
        prefixes_fini(ret_prefixes);
    return r;
}

/* ---- addresses to look up */

static int append_source(
    uint8_t family, const uint8_t *address, uint32_t from, struct bench_headers *headers)
{
    struct bench_header header = bench_header_plain(family);

    memcpy(header.source, address, 16);
    header.drawn_from = from;
    return bench_headers_append(headers, &header);
}

static uint32_t first_of(const struct bench_prefixes *prefixes, uint8_t family)
{
    return family == FW_IPV4 ? 0 : prefixes->ipv4_count;
}

static uint32_t count_of(const struct bench_prefixes *prefixes, uint8_t family)
{
    return family == FW_IPV4 ? prefixes->ipv4_count : prefixes->count - prefixes->ipv4_count;
}

int trace_prefix_hits(const struct bench_prefixes *prefixes, uint8_t family, uint32_t count,
    uint64_t seed, struct bench_headers *headers)
{
    uint32_t first = first_of(prefixes, family), of = count_of(prefixes, family);
    struct prng prng;
    int r = 0;

    prng_seed(&prng, seed);
    for (uint32_t i = 0; r == 0 && of && i < count; i++) {
        uint32_t index = first + draw_below(&prng, of);
        const struct bench_prefix *prefix = &prefixes->prefixes[index];
        uint8_t address[16];

        memcpy(address, prefix->address, 16);
        if (draw_chance(&prng, 750))
            draw_bits(&prng, address, family, prefix->length);
        else
            bench_address_cut(address, family, prefix->length, draw_chance(&prng, 500));
        r = append_source(family, address, index, headers);
    }
    return r;
}

/* One up or down; from the last address to the first and back. */
static void step(uint8_t *address, uint8_t family, bool is_down)
{
    for (uint32_t i = family == FW_IPV4 ? 4 : 16; i-- > 0;) {
        address[i] = (uint8_t)(is_down ? address[i] - 1 : address[i] + 1);
        if (address[i] != (is_down ? 0xff : 0))
            break;
    }
}

static int append_corner(const struct bench_prefixes *prefixes, uint32_t index, uint32_t corner,
    struct bench_headers *headers)
{
    const struct bench_prefix *prefix = &prefixes->prefixes[index];
    uint8_t address[16];

    memcpy(address, prefix->address, 16);
    if (corner >= 2)
        bench_address_cut(address, prefix->family, prefix->length, true);
    if (corner == 1 || corner == 3)
        step(address, prefix->family, corner == 1);
    return append_source(prefix->family, address, index, headers);
}

int trace_prefix_corners(const struct bench_prefixes *prefixes, uint8_t family, uint32_t count,
    struct bench_headers *headers)
{
    uint32_t first = first_of(prefixes, family), of = count_of(prefixes, family);
    uint64_t all = (uint64_t)of * 4, wanted = all < count ? all : count;
    int r = 0;

    for (uint64_t i = 0; r == 0 && i < wanted; i++) {
        uint64_t at = i * all / wanted;

        r = append_corner(prefixes, first + (uint32_t)(at / 4), at % 4, headers);
    }
    return r;
}

int trace_addresses(uint8_t family, uint32_t count, uint64_t seed, struct bench_headers *headers)
{
    struct prng prng;
    int r = 0;

    prng_seed(&prng, seed);
    for (uint32_t i = 0; r == 0 && i < count; i++) {
        uint8_t address[16] = {0};

        draw_bits(&prng, address, family, 0);
        r = append_source(family, address, BENCH_NO_RULE, headers);
    }
    return r;
}
