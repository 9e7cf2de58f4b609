/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#pragma once
/*
 * fw_forest.h - which rule of a forest matches: decision trees over bits of the packet, with short
 * lists of rules as leaves (format: fw_abi.h; builder: node/compile/forest.h).
 *
 * One run looks at FW_PASSES_A_RUN leaves; who calls goes on in the next run from what stands in
 * the key. Nothing is looked at whose first order does not precede the best match so far. Trees by
 * equal- sized cuts are of HiCuts and HyperCuts, rules that span many children going to a next tree
 * is of EffiCuts and CutSplit.
 */
#include "bpf/fw_parse.h"

fw_inline __u32 fw_node_base(__u64 node)
{
    return (__u32)(node >> FW_NODE_BASE) & 0xfffffff;
}

/* What a walk needs at every step. family and blob are constants where this is inlined. */
struct fw_walk {
    const struct fw_env *env;
    const struct fw_root *root;
    struct fw_key *key;
    enum fw_blob blob;
    __u32 family;
    const void *whole; /* fw_blob_whole(), not NULL */
};

/* ---- one rule */

#define FW_LANES 0x0000ffff0000ffffULL
#define FW_GUARDS 0x0001000000010000ULL

/*
 * Zero if both ports are in their ranges: two subtractions of 17 bits in one word each, whose top
 * bit stays where there is no borrow.
 */
fw_inline __u64 fw_ports_differ(__u64 packet, __u64 rule)
{
    __u64 first = rule & FW_LANES, last = rule >> 16 & FW_LANES;

    return (((packet | FW_GUARDS) - first) & ((last | FW_GUARDS) - packet) & FW_GUARDS) ^ FW_GUARDS;
}

fw_inline _Bool fw_rule4_matches(const struct fw_rule4 *rule, const struct fw_key *key)
{
    __u64 differs = (key->cut[0] ^ rule->pair) & rule->pair_mask;

    differs |= ((__u32)key->word ^ rule->word) & rule->word_mask;
    differs |= fw_ports_differ(key->ports, rule->ports);
    return differs == 0;
}

fw_inline _Bool fw_rule6_matches(const struct fw_rule6 *rule, const struct fw_key *key)
{
    __u64 differs = (key->cut[0] ^ rule->source[0]) & rule->source_mask[0];

    differs |= (key->cut[1] ^ rule->source[1]) & rule->source_mask[1];
    differs |= (key->cut[2] ^ rule->target[0]) & rule->target_mask[0];
    differs |= (key->cut[3] ^ rule->target[1]) & rule->target_mask[1];
    differs |= ((__u32)key->word ^ rule->word) & rule->word_mask;
    differs |= fw_ports_differ(key->ports, rule->ports);
    return differs == 0;
}

fw_inline __u64 fw_side_matches(
    const __u64 *address, const __u64 *value, const __u64 *mask, __u64 is_not)
{
    __u64 differs = ((address[0] ^ value[0]) & mask[0]) | ((address[1] ^ value[1]) & mask[1]);

    return fw_is_zero(differs) ^ is_not;
}

fw_inline __u64 fw_member_matches(__u64 member, __u64 set)
{
    __u64 is_in = member >> (set & FW_SET_INDEX) & 1;

    return (is_in ^ (set >> 6)) | (set >> 7 ^ 1);
}

/* The verifier walks every way through the loop over a leaf: one test, no branches. */
fw_inline _Bool fw_rule_matches(const struct fw_rule *rule, const struct fw_key *key)
{
    __u64 flags = FW_ID_FLAGS(rule->id);
    __u64 differs =
        ((key->word ^ rule->word) & rule->word_mask) | fw_ports_differ(key->ports, rule->ports);
    __u64 matches = fw_side_matches(key->source, rule->source, rule->source_mask, flags & 1) &
                    fw_side_matches(key->target, rule->target, rule->target_mask, flags >> 1 & 1) &
                    fw_member_matches(key->cut[FW_CUT_SOURCE_SETS], rule->source_set) &
                    fw_member_matches(key->cut[FW_CUT_TARGET_SETS], rule->target_set) & 1;

    matches &= fw_is_zero(rule->globs) | (fw_is_zero(rule->globs & key->globs) ^ 1);
    return (matches & fw_is_zero(differs)) != 0;
}

_Static_assert(FW_RULE_NOT_SOURCE == 1 && FW_RULE_NOT_TARGET == 2, "fw_rule_matches shifts them");
_Static_assert(
    FW_SET_NEGATE == 1 << 6 && FW_SET_PRESENT == 1 << 7, "fw_member_matches shifts them");

/* ---- a match */

/* A log or shadow rule counts once, however many of its leaf rules match, and decides nothing; the
 * first shadow rule is kept. After FW_HITS_MAX matches the walk is over. */
fw_inline void fw_observe(struct fw_key *key, __u64 id)
{
    __u32 place = FW_ID_PLACE(id), hits = key->hits;
    __u64 *seen = &key->seen[place / 64 & (FW_OBSERVED_MAX / 64 - 1)];

    key->matches++;
    if (key->matches >= FW_HITS_MAX)
        key->limit = 0;
    if (*seen >> (place & 63) & 1 || hits >= FW_HITS_MAX)
        return;
    *seen |= 1ULL << (place & 63);
    key->hit[hits & (FW_HITS_MAX - 1)] = FW_ID_COUNTER(id);
    key->hits = hits + 1;
    if (FW_ID_ACTION(id) != FW_LOG && place < FW_ID_PLACE(key->shadow))
        key->shadow = id;
}

/* True: nothing behind it in this leaf can be of interest. */
fw_inline _Bool fw_take(const struct fw_walk *walk, __u64 id)
{
    struct fw_key *key = walk->key;

    if (FW_ID_ORDER(id) >= key->limit)
        return 1;
    if (key->forest == FW_OBSERVE) {
        fw_observe(key, id);
        return 0;
    }
    key->best = id;
    key->limit = FW_ID_ORDER(id);
    return 1;
}

/*
 * ---- one leaf
 *
 * The number of the first rule that matches goes through memory, where the verifier forgets it:
 * else it would follow each number on its own.
 */

#define FW_SCAN(name, type, matches)                                                        \
    fw_inline _Bool name(const struct fw_walk *walk, const struct type *rules, __u32 count) \
    {                                                                                       \
        for (__u64 i = 0; i < FW_LEAF_MAX && i < count; i++) {                              \
            if (matches(&rules[i], walk->key)) {                                            \
                *(volatile __u32 *)&walk->key->found = (__u32)i;                            \
                return 1;                                                                   \
            }                                                                               \
        }                                                                                   \
        return 0;                                                                           \
    }

FW_SCAN(fw_scan4, fw_rule4, fw_rule4_matches)
FW_SCAN(fw_scan6, fw_rule6, fw_rule6_matches)
FW_SCAN(fw_scan, fw_rule, fw_rule_matches)

fw_inline __u32 fw_leaf_count(__u64 node)
{
    return (__u32)(node >> FW_NODE_SHIFT) & 63;
}

fw_inline _Bool fw_leaf_is_full(__u64 node)
{
    return node >> FW_NODE_FULL & 1;
}

/* Words of one rule. */
fw_inline __u32 fw_leaf_stride(__u64 node, __u32 family)
{
    if (fw_leaf_is_full(node))
        return sizeof(struct fw_rule) / 8;
    return family == FW_IPV4 ? sizeof(struct fw_rule4) / 8 : sizeof(struct fw_rule6) / 8;
}

/* The leaf without its first `count` rules. */
fw_inline __u64 fw_leaf_behind(__u64 node, __u32 count, __u32 stride)
{
    return node + ((__u64)count * stride << FW_NODE_BASE) - ((__u64)count << FW_NODE_SHIFT);
}

fw_inline __u64 fw_word_at(const struct fw_walk *walk, __u64 at, __u64 otherwise)
{
    return fw_blob_word(walk->env, walk->blob, walk->whole, at, otherwise);
}

/* Where in a rule its id stands. */
fw_inline __u32 fw_id_word(__u64 node, __u32 stride)
{
    return fw_leaf_is_full(node) ? __builtin_offsetof(struct fw_rule, id) / 8 : stride - 1;
}

/* What to look at after this leaf, none of which matched; FW_NODE_NONE: the next tree. */
fw_inline __u64 fw_leaf_next(const struct fw_walk *walk, __u64 node, __u32 stride)
{
    if (!(node >> FW_NODE_CHAINED & 1))
        return FW_NODE_NONE;
    return fw_word_at(walk, fw_node_base(node) + fw_leaf_count(node) * stride, FW_NODE_NONE);
}

/* Looks at a leaf up to its first match; what to look at next, or FW_NODE_NONE. */
fw_inline __u64 fw_leaf(const struct fw_walk *walk, __u64 node)
{
    __u32 base = fw_node_base(node), count = fw_leaf_count(node), found;
    __u32 stride = fw_leaf_stride(node, walk->family);
    const void *rules = fw_blob_at(walk->env, walk->blob, walk->whole, base);
    _Bool is_found;

    if (!rules)
        return FW_NODE_NONE;
    if (fw_leaf_is_full(node))
        is_found = fw_scan(walk, rules, count);
    else if (walk->family == FW_IPV4)
        is_found = fw_scan4(walk, rules, count);
    else
        is_found = fw_scan6(walk, rules, count);
    if (!is_found)
        return fw_leaf_next(walk, node, stride);
    found = *(volatile __u32 *)&walk->key->found;
    if (fw_take(
            walk, fw_word_at(walk, base + found * stride + fw_id_word(node, stride), FW_ID_NONE)))
        return FW_NODE_NONE;
    return fw_leaf_behind(node, found + 1, stride);
}

/* ---- trees */

/* Down to the packet's leaf; FW_NODE_NONE where all below is at `limit` or after it. */
fw_inline __u64 fw_descend(const struct fw_walk *walk, __u64 node, __u64 limit)
{
    for (__u64 level = 0; level <= FW_DEPTH_MAX; level++) {
        __u64 bits = node >> FW_NODE_BITS & 15, cut;

        if ((node & FW_ORDER_NONE) >= limit)
            return FW_NODE_NONE;
        if (bits == 0)
            return node;
        cut = walk->key->cut[(node >> FW_NODE_WORD) & (FW_CUTS - 1)];
        cut = cut >> (node >> FW_NODE_SHIFT & 63) & ((1ULL << bits) - 1);
        node = fw_word_at(walk, (node >> FW_NODE_BASE & 0xfffffff) + cut, FW_NODE_NONE);
    }
    return FW_NODE_NONE;
}

/* The next tree, or FW_NODE_NONE after the last. */
fw_inline __u64 fw_next_tree(const struct fw_walk *walk)
{
    struct fw_key *key = walk->key;
    const struct fw_forest *forest = &walk->root->forests[key->forest & 1];
    __u32 tree = key->tree;

    if (tree >= forest->count || tree >= FW_TREES_MAX)
        return FW_NODE_NONE;
    key->tree = tree + 1;
    return forest->trees[tree];
}

/* One run. False: call again. Then key->best is the first match of all trees, and what was observed
 * stands in key->hit. */
fw_inline _Bool fw_walk_run(const struct fw_walk *walk)
{
    struct fw_key *key = walk->key;
    __u64 node = key->node;

    for (__u64 i = 0; i < FW_PASSES_A_RUN; i++) {
        if (node == FW_NODE_NONE)
            node = fw_next_tree(walk);
        /* Trees are ascending by their first order. */
        if (node == FW_NODE_NONE)
            return 1;
        node = fw_descend(walk, node, key->limit);
        if (node != FW_NODE_NONE)
            node = fw_leaf(walk, node);
    }
    key->node = node;
    return 0;
}

fw_inline void fw_walk_begin(struct fw_key *key, enum fw_forest_kind forest, __u64 late)
{
    key->forest = forest;
    key->tree = 0;
    key->node = late ? late : FW_NODE_NONE;
    /* Observers of the deciding rule's own order stand before it. */
    key->limit = FW_ID_ORDER(key->best) + forest;
    if (forest == FW_OBSERVE)
        __builtin_memset(key->seen, 0, sizeof(key->seen));
}
