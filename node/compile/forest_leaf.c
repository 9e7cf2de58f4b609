/* SPDX-License-Identifier: Apache-2.0 */
#include "node/compile/forest_leaf.h"

#include <stddef.h>
#include <string.h>

uint64_t forest_node(uint32_t order, uint32_t base, uint32_t shift, uint32_t word, uint32_t bits)
{
    return (uint64_t)order << FW_NODE_ORDER | (uint64_t)base << FW_NODE_BASE |
           (uint64_t)shift << FW_NODE_SHIFT | (uint64_t)word << FW_NODE_WORD |
           (uint64_t)bits << FW_NODE_BITS;
}

struct forest_leaf forest_leaf_of(uint64_t node, enum fw_family family)
{
    struct forest_leaf leaf = {.at = (uint32_t)(node >> FW_NODE_BASE) & 0xfffffff,
        .count = (uint32_t)(node >> FW_NODE_SHIFT) & 63,
        .is_full = node >> FW_NODE_FULL & 1,
        .is_chained = node >> FW_NODE_CHAINED & 1};

    leaf.stride = (uint32_t)(leaf.is_full        ? sizeof(struct fw_rule)
                             : family == FW_IPV4 ? sizeof(struct fw_rule4)
                                                 : sizeof(struct fw_rule6)) /
                  8;
    leaf.id_word = leaf.is_full ? offsetof(struct fw_rule, id) / 8 : leaf.stride - 1;
    leaf.ports_word = leaf.is_full ? offsetof(struct fw_rule, ports) / 8 : leaf.stride - 2;
    return leaf;
}

static int add_link(struct blob *blob, enum fw_family family, const struct fw_rule *rules,
    const struct forest_item *items, const uint32_t *numbers, uint32_t count, uint64_t *next)
{
    uint64_t node = forest_node(items[numbers[0]].order, 0, count, 0, 0);
    struct forest_leaf leaf;
    uint32_t at;
    int r;

    for (uint32_t i = 0; i < count; i++)
        node |= (uint64_t)items[numbers[i]].is_full << FW_NODE_FULL;
    leaf = forest_leaf_of(node, family);
    r = blob_take(blob, count * leaf.stride + (*next != FW_NODE_NONE), &at);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t *words = &blob->words[at + i * leaf.stride];

        if (leaf.is_full)
            memcpy(words, &rules[numbers[i]], sizeof(struct fw_rule));
        else
            forest_item_short(&items[numbers[i]], rules[numbers[i]].id, family, words);
    }
    node |= (uint64_t)at << FW_NODE_BASE;
    if (*next != FW_NODE_NONE) {
        blob->words[at + count * leaf.stride] = *next;
        node |= 1ULL << FW_NODE_CHAINED;
    }
    *next = node;
    return 0;
}

/* From the end of the chain. */
int forest_leaf_add(struct blob *blob, enum fw_family family, const struct fw_rule *rules,
    const struct forest_item *items, const uint32_t *numbers, uint32_t count, uint64_t *ret_node)
{
    int r = 0;

    *ret_node = FW_NODE_NONE;
    while (r == 0 && count > 0) {
        uint32_t link = count % FW_LEAF_MAX ? count % FW_LEAF_MAX : FW_LEAF_MAX;

        count -= link;
        r = add_link(blob, family, rules, items, numbers + count, link, ret_node);
    }
    return r;
}
