/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * forest_cut.h - which bits a node of a tree looks at.
 *
 * The idea of equal-sized cuts is of HiCuts (Gupta, McKeown 1999) and HyperCuts (Singh et al.
 * 2003), that of moving rules which span many children to another tree of EffiCuts (Vamanan et al.
 * 2010) and CutSplit (Li et al. 2018).
 */
#include "node/compile/forest_item.h"

/* What is known of every packet that comes to a node. */
struct forest_region {
    uint64_t mask[FW_CUTS];
    uint64_t value[FW_CUTS];
    struct forest_range ports[ITEM_PORTS];
};

/* The 1 << bits children of bits of cut[word] from shift on. */
struct forest_cut {
    uint8_t word, shift, bits;
    uint8_t port;       /* ITEM_PORTS: no port range */
    uint32_t base;      /* of a port: the first port of child 0 */
    uint32_t span_most; /* rules that reach more children go to the next tree */
};

/* What the caller has to spend. */
struct forest_budget {
    double copies_a_rule;  /* leaf rules written for each rule of the node, about */
    double ejected_weight; /* a rule that goes to the next tree, against one of this node */
    bool may_eject;
};

/* False: no cut makes the node smaller. items: all; rules: numbers of those of this node. */
bool forest_cut_choose(const struct forest_item *items, const uint32_t *rules, uint32_t count,
    const struct forest_region *region, const struct forest_budget *budget,
    struct forest_cut *ret_cut);

/* Which children a rule reaches: those of first ... last that fit (child ^ value) & mask == 0. */
struct forest_reach {
    uint32_t first, last, value, mask, count;
};
void forest_cut_reach(const struct forest_cut *cut, const struct forest_item *item,
    const struct forest_region *region, struct forest_reach *ret_reach);

void forest_cut_region(const struct forest_cut *cut, const struct forest_region *region,
    uint32_t child, struct forest_region *ret_region);
