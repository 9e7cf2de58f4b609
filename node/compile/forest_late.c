/* SPDX-License-Identifier: Apache-2.0 */
/* forest_late.c - what changes in a forest after it was built. */
#include "base/check.h"
#include "node/compile/forest.h"
#include "node/compile/forest_leaf.h"

#define PORTS_NEVER FW_PORTS(1, 0, 1, 0) /* a range that ends before it begins */

int forest_add_late(struct blob *blob, const struct fw_rule *rules, uint32_t count,
    enum fw_family family, uint64_t *ret_node)
{
    struct forest_item items[FW_LATE_MAX] = {0};
    uint32_t numbers[FW_LATE_MAX] = {0};
    uint64_t node;
    int r;

    CHECK(count <= FW_LATE_MAX, "the caller keeps the list short");
    *ret_node = 0;
    for (uint32_t i = 0; i < count; i++) {
        forest_item_of(&rules[i], family, &items[i]);
        numbers[i] = i;
    }
    r = forest_leaf_add(blob, family, rules, items, numbers, count, &node);
    if (r == 0 && count > 0)
        *ret_node = node;
    return r;
}

static void forget_in_leaf(
    struct blob *blob, uint64_t node, enum fw_family family, const uint64_t *orders)
{
    struct forest_leaf leaf;

    do {
        leaf = forest_leaf_of(node, family);
        for (uint32_t i = 0; i < leaf.count; i++) {
            uint64_t *rule = &blob->words[leaf.at + i * leaf.stride];
            uint32_t order = FW_ID_ORDER(rule[leaf.id_word]);

            if (orders[order / 64] >> order % 64 & 1)
                rule[leaf.ports_word] = PORTS_NEVER;
        }
        if (leaf.is_chained)
            node = blob->words[leaf.at + leaf.count * leaf.stride];
    } while (leaf.is_chained);
}

static void forget_below(struct blob *blob, uint64_t node, enum fw_family family,
    const uint64_t *orders) /* NOLINT(misc-no-recursion): FW_DEPTH_MAX bounds it */
{
    uint32_t base = (uint32_t)(node >> FW_NODE_BASE) & 0xfffffff;
    uint32_t bits = (uint32_t)(node >> FW_NODE_BITS) & 15;

    if (((uint32_t)node & FW_ORDER_NONE) == FW_ORDER_NONE)
        return;
    if (bits == 0) {
        forget_in_leaf(blob, node, family, orders);
        return;
    }
    for (uint32_t child = 0; child < 1U << bits; child++) {
        uint64_t below = blob->words[base + child];

        if (child == 0 || below != blob->words[base + child - 1]) /* neighbours share leaves */
            forget_below(blob, below, family, orders);
    }
}

void forest_forget(struct blob *blob, const struct fw_forest *forest, enum fw_family family,
    const uint64_t *orders)
{
    for (uint32_t tree = 0; tree < forest->count; tree++)
        forget_below(blob, forest->trees[tree], family, orders);
}
