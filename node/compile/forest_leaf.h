/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* forest_leaf.h - leaves as bpf/fw_forest.h reads them: short lists of rules, chained where they
 * are longer than one run of the walk looks at. */
#include "node/compile/blob.h"
#include "node/compile/forest_item.h"

/* Where the parts of a leaf stand in the blob. */
struct forest_leaf {
    uint32_t at, count, stride; /* of rules, in words */
    uint32_t id_word, ports_word;
    bool is_full, is_chained; /* the next node stands behind the rules */
};

uint64_t forest_node(uint32_t order, uint32_t base, uint32_t shift, uint32_t word, uint32_t bits);
struct forest_leaf forest_leaf_of(uint64_t node, enum fw_family family);

/* Those of `rules` whose numbers stand in `numbers`, in this order, as a leaf. count 0:
 * FW_NODE_NONE. items are of the same numbers. 0, -ENOMEM or -E2BIG. */
int forest_leaf_add(struct blob *blob, enum fw_family family, const struct fw_rule *rules,
    const struct forest_item *items, const uint32_t *numbers, uint32_t count, uint64_t *ret_node);
