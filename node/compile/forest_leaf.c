/* SPDX-License-Identifier: Apache-2.0 */
#include "node/compile/forest_internal.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

static uint64_t node_of(uint32_t order, uint32_t base, uint32_t count, bool is_full, bool is_chained)
{
    return (uint64_t)order << FW_NODE_ORDER | (uint64_t)base << FW_NODE_BASE |
           (uint64_t)count << FW_NODE_SHIFT | (uint64_t)is_full << FW_NODE_FULL |
           (uint64_t)is_chained << FW_NODE_CHAINED;
}

static uint32_t stride_of(const struct forest_builder *builder, bool is_full)
{
    if (is_full)
        return sizeof(struct fw_rule) / 8;
    return builder->family == FW_IPV4 ? sizeof(struct fw_rule4) / 8 : sizeof(struct fw_rule6) / 8;
}

static void put_rule(
    const struct forest_builder *builder, uint32_t index, bool is_full, uint64_t *to)
{
    const struct forest_rule *rule = &builder->rules[index];
    const struct fw_rule *full = &builder->full[index];
    const struct forest_bits *word = &rule->bits[FOREST_SLOT_WORD];
    const struct forest_bits *bits = &rule->bits[FOREST_SLOT_ADDRESS];

    if (is_full) {
        memcpy(to, full, sizeof(*full));
    } else if (builder->family == FW_IPV4) {
        struct fw_rule4 rule4 = {bits->value, bits->mask, (uint32_t)word->value,
            (uint32_t)word->mask, rule->ports, full->id};

        memcpy(to, &rule4, sizeof(rule4));
    } else {
        struct fw_rule6 rule6 = {{bits[0].value, bits[1].value}, {bits[0].mask, bits[1].mask},
            {bits[2].value, bits[3].value}, {bits[2].mask, bits[3].mask}, (uint32_t)word->value,
            (uint32_t)word->mask, rule->ports, full->id};

        memcpy(to, &rule6, sizeof(rule6));
    }
}

/* At most FW_LEAF_MAX rules; next is what its chain goes on with, or FW_NODE_NONE. */
static int put_part(struct forest_builder *builder, const uint32_t *list, uint32_t count,
    uint64_t next, uint64_t *ret_node)
{
    bool is_full = false, is_chained = next != FW_NODE_NONE;
    uint32_t at, stride;
    int error;

    for (uint32_t i = 0; i < count; i++)
        is_full |= builder->rules[list[i]].is_full;
    stride = stride_of(builder, is_full);
    error = blob_take(builder->blob, count * stride + is_chained, &at);
    if (error < 0)
        return error;
    for (uint32_t i = 0; i < count; i++)
        put_rule(builder, list[i], is_full, builder->blob->words + at + i * stride);
    if (is_chained)
        builder->blob->words[at + count * stride] = next;
    builder->copies += count;
    *ret_node = node_of(builder->rules[list[0]].order, at, count, is_full, is_chained);
    return 0;
}

/* ---- equal leaves are written once */

static uint32_t seen_at(const uint32_t *list, uint32_t count)
{
    uint32_t hash = count;

    for (uint32_t i = 0; i < count; i++)
        hash = (hash ^ list[i]) * 0x9e3779b1U;
    return (hash ^ hash >> 15) % FOREST_SEEN;
}

static bool is_seen(
    const struct forest_builder *builder, uint64_t node, const uint32_t *list, uint32_t count)
{
    uint32_t stride = stride_of(builder, node >> FW_NODE_FULL & 1);
    const uint64_t *id = builder->blob->words + ((node >> FW_NODE_BASE) & 0xfffffff);

    id += node >> FW_NODE_FULL & 1 ? offsetof(struct fw_rule, id) / 8 : stride - 1;
    for (uint32_t i = 0; i < count; i++)
        if (id[(size_t)i * stride] != builder->full[list[i]].id)
            return false;
    return true;
}

/* A longer list is a chain, written from its end. */
static int put_chain(
    struct forest_builder *builder, const uint32_t *list, uint32_t count, uint64_t *ret_node)
{
    uint64_t node = FW_NODE_NONE;

    for (uint32_t first = (count - 1) / FW_LEAF_MAX * FW_LEAF_MAX;; first -= FW_LEAF_MAX) {
        uint32_t part = count - first < FW_LEAF_MAX ? count - first : FW_LEAF_MAX;
        int error = put_part(builder, list + first, part, node, &node);

        if (error < 0)
            return error;
        if (first == 0)
            break;
    }
    *ret_node = node;
    return 0;
}

int forest_leaf(
    struct forest_builder *builder, const uint32_t *list, uint32_t count, uint64_t *ret_node)
{
    uint32_t passes = (count + FW_LEAF_MAX - 1) / FW_LEAF_MAX;
    uint32_t slot = seen_at(list, count);
    uint64_t node = builder->seen[slot];
    int error;

    if (builder->passes < passes)
        builder->passes = passes;
    if (builder->tests < count)
        builder->tests = count;
    if (node && builder->seen_count[slot] == count && passes == 1 &&
        is_seen(builder, node, list, count)) {
        *ret_node = node;
        return 0;
    }
    error = put_chain(builder, list, count, ret_node);
    if (error < 0)
        return error;
    builder->seen[slot] = *ret_node;
    builder->seen_count[slot] = count;
    return 0;
}
