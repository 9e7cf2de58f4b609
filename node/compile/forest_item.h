/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * forest_item.h - a leaf rule as the builder of forests sees it: values and masks over the words
 * that trees cut (FW_CUT_...), and two port ranges. What cannot be cut is no part of it: globs,
 * inverted prefixes.
 */
#include "bpf/fw_abi.h"

#include <stdbool.h>
#include <stdint.h>

enum { ITEM_SOURCE_PORT, ITEM_TARGET_PORT, ITEM_PORTS };

struct forest_range {
    uint16_t first, last;
};

struct forest_item {
    uint64_t value[FW_CUTS]; /* & mask */
    uint64_t mask[FW_CUTS];
    struct forest_range ports[ITEM_PORTS];
    uint32_t order;
    bool is_full;  /* only struct fw_rule can say it */
    bool is_exact; /* it matches whatever fits value, mask and ports: nothing else is asked */
};

void forest_item_of(
    const struct fw_rule *rule, enum fw_family family, struct forest_item *ret_item);

/* The short form of a rule that is not full; 5 (IPv4) or 11 (IPv6) words. */
void forest_item_short(
    const struct forest_item *item, uint64_t id, enum fw_family family, uint64_t *ret_words);
