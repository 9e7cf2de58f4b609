/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/packet/rules/trace.h"
#include "bpf/fw_abi.h"
#include "tests/bench/packet/rules/draw.h"

#include <errno.h>
#include <string.h>

#define PROTOCOL_ICMP 1
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define PROTOCOL_ICMPV6 58
#define CORNERS 16 /* four fields, four corners each */
#define TARGET_SELF 1

static const uint16_t vlans[] = {0, 0, 0, 1, 10, 100, 4094};
static const uint8_t dscps[] = {0, 0, 10, 46, 63};

/* ---- fields that only full sets ask for */

static bool is_icmp(const struct bench_header *header)
{
    return header->protocol == (header->family == FW_IPV4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6);
}

/* What a frame can carry: types and codes are bytes, flags TCP's. */
static void settle(struct bench_header *header)
{
    header->device_class = bench_device_classes[header->device];
    header->is_to_self = memcmp(header->target, bench_self[header->family], 16) == 0;
    if (is_icmp(header)) {
        header->source_port &= 0xff;
        header->target_port &= 0xff;
    }
    if (header->protocol != PROTOCOL_TCP)
        header->tcp_flags = 0;
}

static void draw_small_fields(struct prng *prng, struct bench_header *header)
{
    header->vlan = vlans[draw_below(prng, sizeof(vlans) / sizeof(vlans[0]))];
    header->dscp = dscps[draw_below(prng, sizeof(dscps))];
    header->fragment = draw_chance(prng, 900) ? FW_FRAGMENT_NONE
                                              : (uint8_t)(FW_FRAGMENT_FIRST + draw_below(prng, 2));
    header->device = (uint8_t)draw_below(prng, BENCH_DEVICES);
    header->tcp_flags = (uint8_t)draw_below(prng, 0x40);
}

/* A device that the rule takes, if there is one. */
static void draw_device(
    struct prng *prng, const struct bench_rule *rule, struct bench_header *header)
{
    uint32_t start = draw_below(prng, BENCH_DEVICES);

    for (uint32_t i = 0; i < BENCH_DEVICES; i++) {
        uint8_t device = (uint8_t)((start + i) % BENCH_DEVICES);

        if (rule->glob != BENCH_ANY && !(bench_glob_devices[rule->glob] >> device & 1))
            continue;
        if (rule->device_class && rule->device_class != bench_device_classes[device])
            continue;
        header->device = device;
        return;
    }
}

static void take_small_fields(
    struct prng *prng, const struct bench_rule *rule, struct bench_header *header)
{
    draw_small_fields(prng, header);
    draw_device(prng, rule, header);
    if (rule->vlan != BENCH_VLAN_ANY)
        header->vlan = rule->vlan;
    if (rule->dscp != BENCH_ANY)
        header->dscp = rule->dscp;
    if (rule->fragment)
        header->fragment = rule->fragment;
    header->tcp_flags = (uint8_t)((header->tcp_flags & ~rule->tcp_flags_mask) | rule->tcp_flags);
}

/* An address of a set, or mostly so. */
static void draw_of_set(
    struct prng *prng, const struct bench_rules *rules, uint8_t set, uint8_t *address)
{
    const struct bench_set *from = &rules->sets[set];
    const struct bench_prefix *prefix;

    if (from->count == 0 || draw_chance(prng, 200))
        return;
    prefix = &from->prefixes[draw_below(prng, from->count)];
    memcpy(address, prefix->address, 16);
    draw_bits(prng, address, prefix->family, prefix->length);
}

static void take_full_match(struct prng *prng, const struct bench_rules *rules,
    const struct bench_rule *rule, struct bench_header *header)
{
    take_small_fields(prng, rule, header);
    if (rule->source_set != BENCH_ANY)
        draw_of_set(prng, rules, rule->source_set, header->source);
    if (rule->target_set != BENCH_ANY)
        draw_of_set(prng, rules, rule->target_set, header->target);
    if ((rule->flags & BENCH_NOT_SOURCE) && draw_chance(prng, 700))
        draw_address(prng, header->source, header->family);
    if ((rule->flags & BENCH_NOT_TARGET) && draw_chance(prng, 700))
        draw_address(prng, header->target, header->family);
    if (rule->to == TARGET_SELF)
        memcpy(header->target, bench_self[header->family], 16);
    settle(header);
}

/* ---- points of rules */

static uint16_t draw_in(struct prng *prng, uint16_t first, uint16_t last, bool is_corner)
{
    if (is_corner)
        return draw_chance(prng, 500) ? first : last;
    return (uint16_t)(first + draw_below(prng, (uint32_t)last - first + 1));
}

static void draw_inside(struct prng *prng, const struct bench_rules *rules, uint32_t index,
    bool is_corner, struct bench_header *header)
{
    static const uint8_t protocols[] = {
        PROTOCOL_TCP, PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_UDP, 132, 47};
    const struct bench_rule *rule = &rules->rules[index];

    *header = bench_header_plain(rule->family);
    header->drawn_from = index;
    memcpy(header->source, rule->source, 16);
    memcpy(header->target, rule->target, 16);
    if (is_corner) {
        bench_address_cut(
            header->source, rule->family, rule->source_length, draw_chance(prng, 500));
        bench_address_cut(
            header->target, rule->family, rule->target_length, draw_chance(prng, 500));
    } else {
        draw_bits(prng, header->source, rule->family, rule->source_length);
        draw_bits(prng, header->target, rule->family, rule->target_length);
    }
    header->source_port = draw_in(prng, rule->source_first, rule->source_last, is_corner);
    header->target_port = draw_in(prng, rule->target_first, rule->target_last, is_corner);
    header->protocol =
        rule->protocol_mask ? rule->protocol : protocols[draw_below(prng, sizeof(protocols))];
    if (rules->is_full)
        take_full_match(prng, rules, rule, header);
}

int trace_rules(
    const struct bench_rules *rules, uint32_t count, uint64_t seed, struct bench_headers *headers)
{
    struct prng prng;
    int r = 0;

    prng_seed(&prng, seed);
    if (rules->count == 0)
        return trace_flood(rules, count, seed, headers);
    for (uint32_t i = 0; r == 0 && i < count; i++) {
        struct bench_header header;

        draw_inside(
            &prng, rules, draw_below(&prng, rules->count), draw_chance(&prng, 500), &header);
        r = bench_headers_append(headers, &header);
    }
    return r;
}

int trace_one_flow(
    const struct bench_rules *rules, uint32_t count, uint64_t seed, struct bench_headers *headers)
{
    int r = count ? trace_rules(rules, 1, seed, headers) : 0;

    for (uint32_t i = 1; r == 0 && i < count; i++) {
        struct bench_header header = headers->headers[headers->count - 1];

        r = bench_headers_append(headers, &header);
    }
    return r;
}

/* ---- a flood */

static void draw_any(
    struct prng *prng, const struct bench_rules *rules, struct bench_header *header)
{
    static const uint8_t protocols[] = {PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_ICMP, 132, 47, 50, 88};
    uint8_t family =
        rules->count ? rules->rules[draw_below(prng, rules->count)].family : (uint8_t)FW_IPV4;
    uint32_t which = draw_below(prng, 16);

    *header = bench_header_plain(family);
    draw_bits(prng, header->source, family, 0);
    draw_bits(prng, header->target, family, 0);
    header->source_port = (uint16_t)draw_below(prng, 65536);
    header->target_port = (uint16_t)draw_below(prng, 65536);
    if (which < 11)
        header->protocol = which < 6 ? PROTOCOL_TCP : PROTOCOL_UDP;
    else if (which < 15 || rules->is_full)
        header->protocol = protocols[draw_below(prng, sizeof(protocols))];
    else
        header->protocol = (uint8_t)draw_below(prng, 256);
    if (header->protocol == PROTOCOL_ICMP && family == FW_IPV6)
        header->protocol = PROTOCOL_ICMPV6;
    if (!rules->is_full)
        return;
    draw_small_fields(prng, header);
    if (draw_chance(prng, 125))
        memcpy(header->target, bench_self[family], 16);
    settle(header);
}

int trace_flood(
    const struct bench_rules *rules, uint32_t count, uint64_t seed, struct bench_headers *headers)
{
    struct prng prng;
    int r = 0;

    prng_seed(&prng, seed);
    for (uint32_t i = 0; r == 0 && i < count; i++) {
        struct bench_header header;

        draw_any(&prng, rules, &header);
        r = bench_headers_append(headers, &header);
    }
    return r;
}

/* ---- corners */

/* corner: 0 below, 1 first, 2 last, 3 behind. False: there is nothing there. */
static bool port_corner(uint16_t first, uint16_t last, uint32_t corner, uint16_t *ret_port)
{
    if ((corner == 0 && first == 0) || (corner == 3 && last == 0xffff))
        return false;
    *ret_port = (uint16_t)(corner == 0   ? first - 1
                           : corner == 1 ? first
                           : corner == 2 ? last
                                         : last + 1);
    return true;
}

static bool address_corner(uint8_t family, uint8_t length, uint32_t corner, uint8_t *address)
{
    uint8_t wrapped = corner < 2 ? 0 : 0xff, all = wrapped;
    uint32_t bytes = family == FW_IPV4 ? 4 : 16;

    bench_address_cut(address, family, length, corner >= 2);
    if (corner == 1 || corner == 2)
        return true;
    for (uint32_t i = 0; i < bytes; i++)
        all = address[i] != wrapped ? (uint8_t)~wrapped : all;
    if (all == wrapped)
        return false;
    for (uint32_t i = bytes; i-- > 0;) {
        address[i] = (uint8_t)(corner == 0 ? address[i] - 1 : address[i] + 1);
        if (address[i] != (corner == 0 ? 0xff : 0))
            break;
    }
    return true;
}

static bool take_corner(
    const struct bench_rule *rule, uint32_t field, uint32_t corner, struct bench_header *header)
{
    switch (field) {
    case 0:
        return address_corner(rule->family, rule->source_length, corner, header->source);
    case 1:
        return address_corner(rule->family, rule->target_length, corner, header->target);
    case 2:
        return port_corner(rule->source_first, rule->source_last, corner, &header->source_port);
    default:
        return port_corner(rule->target_first, rule->target_last, corner, &header->target_port);
    }
}

int trace_corners(
    const struct bench_rules *rules, uint32_t count, uint64_t seed, struct bench_headers *headers)
{
    uint64_t all = (uint64_t)rules->count * CORNERS, wanted = all < count ? all : count;
    struct prng prng;
    int r = 0;

    prng_seed(&prng, seed);
    for (uint64_t i = 0; r == 0 && i < wanted; i++) {
        uint64_t at = i * all / wanted;
        uint32_t rule = (uint32_t)(at / CORNERS), corner = at % CORNERS;
        struct bench_header header;

        /* Evenly spread, but not always the same corner. */
        if (wanted < all)
            corner = draw_below(&prng, CORNERS);
        draw_inside(&prng, rules, rule, draw_chance(&prng, 500), &header);
        if (!take_corner(&rules->rules[rule], corner / 4, corner % 4, &header))
            continue;
        if (rules->is_full)
            settle(&header);
        r = bench_headers_append(headers, &header);
    }
    return r;
}
