/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * linear_lanes.h - eight rules beside each other in vectors. They may let through a rule that does
 * not match, never hold back one that does: linear.c asks again in plain words.
 */
#include "bpf/fw_abi.h"
#include "tests/bench/packet/rules/rule_set.h"

#include <string.h>

#define LANES 8

typedef uint32_t lanes_u32 __attribute__((vector_size(LANES * 4)));
typedef int32_t lanes_i32 __attribute__((vector_size(LANES * 4)));

/* Fields as bits of one number, so that one mask tests all of them. */
#define SMALL_PROTOCOL 0
#define SMALL_TCP_FLAGS 8
#define SMALL_DSCP 16
#define SMALL_FRAGMENT 22
#define SMALL_CLASS 24
#define SMALL_SELF 26
#define SMALL_DEVICE 27

/* The first 64 bits of an IPv6 address. What an IPv4 walk does not read stands last. */
struct lane_block {
    lanes_u32 source, source_mask;
    lanes_u32 target, target_mask;
    lanes_i32 source_first, source_last;
    lanes_i32 target_first, target_last;
    lanes_u32 small, small_mask;
    lanes_u32 source_next, source_next_mask;
    lanes_u32 target_next, target_next_mask;
};

/* A header as the vectors want it. */
struct lane_header {
    uint32_t source[2], target[2];
    int32_t source_port, target_port;
    uint32_t small;
};

static inline uint32_t lane_word(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static inline void lane_masked(
    const uint8_t *address, uint32_t length, uint32_t ret_values[2], uint32_t ret_masks[2])
{
    uint8_t mask[16];

    memset(mask, 0xff, sizeof(mask));
    bench_address_cut(mask, FW_IPV6, (uint8_t)length, false);
    for (uint32_t i = 0; i < 2; i++) {
        ret_masks[i] = lane_word(mask + i * 4);
        ret_values[i] = lane_word(address + i * 4) & ret_masks[i];
    }
}

static inline void lane_put_sides(
    struct lane_block *block, uint32_t lane, const struct bench_rule *rule)
{
    uint32_t values[2], masks[2];

    lane_masked(
        rule->source, rule->flags & BENCH_NOT_SOURCE ? 0 : rule->source_length, values, masks);
    block->source[lane] = values[0];
    block->source_mask[lane] = masks[0];
    block->source_next[lane] = values[1];
    block->source_next_mask[lane] = masks[1];
    lane_masked(
        rule->target, rule->flags & BENCH_NOT_TARGET ? 0 : rule->target_length, values, masks);
    block->target[lane] = values[0];
    block->target_mask[lane] = masks[0];
    block->target_next[lane] = values[1];
    block->target_next_mask[lane] = masks[1];
}

static inline void lane_put_small(
    struct lane_block *block, uint32_t lane, uint32_t shift, uint32_t value, uint32_t mask)
{
    block->small[lane] |= (value & mask) << shift;
    block->small_mask[lane] |= mask << shift;
}

static inline void lane_put_rule(
    struct lane_block *block, uint32_t lane, const struct bench_rule *rule)
{
    lane_put_sides(block, lane, rule);
    block->source_first[lane] = rule->source_first;
    block->source_last[lane] = rule->source_last;
    block->target_first[lane] = rule->target_first;
    block->target_last[lane] = rule->target_last;
    lane_put_small(block, lane, SMALL_PROTOCOL, rule->protocol, rule->protocol_mask);
    lane_put_small(block, lane, SMALL_TCP_FLAGS, rule->tcp_flags, rule->tcp_flags_mask);
    lane_put_small(block, lane, SMALL_DSCP, rule->dscp, rule->dscp == BENCH_ANY ? 0 : 0x3f);
    lane_put_small(block, lane, SMALL_FRAGMENT, rule->fragment, rule->fragment ? 3 : 0);
    lane_put_small(block, lane, SMALL_CLASS, rule->device_class, rule->device_class ? 3 : 0);
    lane_put_small(block, lane, SMALL_SELF, rule->to == 1, rule->to ? 1 : 0);
    if (rule->glob != BENCH_ANY)
        lane_put_small(block, lane, SMALL_DEVICE, 1U << rule->glob, 1U << rule->glob);
}

/* No header has bit 31: what fills up the last block never matches. */
static inline void lane_put_nothing(struct lane_block *block, uint32_t lane)
{
    block->small[lane] = block->small_mask[lane] = 1U << 31;
}

static inline void lane_header_of(const struct bench_header *header, struct lane_header *ret_header)
{
    uint32_t globs = 0;

    for (uint32_t i = 0; i < BENCH_DEVICES; i++)
        globs |= (uint32_t)(bench_glob_devices[i] >> header->device & 1) << i;
    *ret_header = (struct lane_header){
        .source = {lane_word(header->source), lane_word(header->source + 4)},
        .target = {lane_word(header->target), lane_word(header->target + 4)},
        .source_port = header->source_port,
        .target_port = header->target_port,
        .small = (uint32_t)header->protocol << SMALL_PROTOCOL |
                 (uint32_t)header->tcp_flags << SMALL_TCP_FLAGS |
                 (uint32_t)(header->dscp & 0x3f) << SMALL_DSCP |
                 (uint32_t)(header->fragment & 3) << SMALL_FRAGMENT |
                 (uint32_t)(header->device_class & 3) << SMALL_CLASS |
                 (uint32_t)header->is_to_self << SMALL_SELF | globs << SMALL_DEVICE,
    };
}

/* May some lane match? Those that may are -1. `is_later`: a later fragment, of which ports are not
 * asked here. */
static inline __attribute__((always_inline)) bool lane_block_matches(const struct lane_block *block,
    const struct lane_header *header, bool is_wide, bool is_later, int32_t ret_lanes[LANES])
{
    lanes_u32 differ = ((block->source ^ header->source[0]) & block->source_mask) |
                       ((block->target ^ header->target[0]) & block->target_mask) |
                       ((block->small ^ header->small) & block->small_mask);
    lanes_i32 outside = {0}, may;
    uint64_t any[LANES / 2];

    if (is_wide)
        differ |= ((block->source_next ^ header->source[1]) & block->source_next_mask) |
                  ((block->target_next ^ header->target[1]) & block->target_next_mask);
    if (!is_later)
        outside = (header->source_port - block->source_first) |
                  (block->source_last - header->source_port) |
                  (header->target_port - block->target_first) |
                  (block->target_last - header->target_port);
    may = (differ == 0) & (outside >= 0);
    memcpy(any, &may, sizeof(any));
    if (__builtin_expect((any[0] | any[1] | any[2] | any[3]) == 0, 1))
        return false;
    memcpy(ret_lanes, &may, sizeof(may));
    return true;
}
