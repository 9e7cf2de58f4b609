/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#pragma once
/*
 * fw_trie.h - the class of an address: the longest of all prefixes that hold it (builder:
 * node/compile/trie.h).
 *
 * A trie of six bits a level whose nodes are compressed by bit vectors, after poptrie
 * (SIGCOMM 2015). A direct table of the first root_bits bits stands before it: u32 slots,
 * two a word. A slot is FW_TRIE_LEAF and a class, or the number of a node's first word. A node is
 * three words: which of its 64 children are nodes; at which of the others a run of equal classes
 * begins; where its child nodes and its classes (four a word) stand, 32 bits each.
 */
#include "bpf/fw_env.h"

#define FW_TRIE_LEAF 0x80000000U
#define FW_TRIE_NODE_WORDS 3
#define FW_TRIE_SINGLE (1ULL << 63)
#define FW_TRIE_STRIDE 6
#define FW_TRIE_ROOT_BITS 16
#define FW_TRIE_ROOT_BITS_LARGE 18
#define FW_TRIE_LEVELS4 3 /* (32 - 16) / 6, rounded up */
#define FW_TRIE_LEVELS6 19

/* How many bits are one. The instruction set has no instruction for it. */
fw_inline __u32 fw_ones(__u64 bits)
{
    bits -= bits >> 1 & 0x5555555555555555ULL;
    bits = (bits & 0x3333333333333333ULL) + (bits >> 2 & 0x3333333333333333ULL);
    bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
    return (__u32)(bits * 0x0101010101010101ULL >> 56);
}

/* Six bits of an address from bit `offset` on, counted from the highest. */
fw_inline __u32 fw_trie_window(__u64 high, __u64 low, __u32 offset)
{
    if (offset >= 64)
        return (__u32)(low << (offset & 63) >> (64 - FW_TRIE_STRIDE));
    high <<= offset & 63;
    if (offset > 64 - FW_TRIE_STRIDE)
        high |= low >> ((64 - offset) & 63);
    return (__u32)(high >> (64 - FW_TRIE_STRIDE));
}

fw_inline __u32 fw_trie_single(const __u64 *node, __u64 high, __u64 low)
{
    __u32 length = (__u32)(node[2] >> 32) & 0xff;
    /* Shifts of 64 are none: length is at least 1. */
    __u64 high_mask = length >= 64 ? ~0ULL : ~0ULL << ((64 - length) & 63);
    __u64 low_mask = length <= 64 ? 0 : ~0ULL << ((128 - length) & 63);
    __u64 differs = ((high ^ node[0]) & high_mask) | ((low ^ node[1]) & low_mask);

    return (__u32)(node[2] >> (differs ? 16 : 0)) & 0xffff;
}

fw_inline __u32 fw_trie_find(const struct fw_env *env, const struct fw_trie *trie,
    enum fw_blob blob, __u64 high, __u64 low, __u32 levels)
{
    const void *whole = fw_blob_whole(env, blob);
    __u32 offset = trie->root_bits, slot, entry;
    const __u64 *word;

    if (offset == 0)
        return 0;
    slot = (__u32)(high >> ((64 - offset) & 63));
    word = fw_blob_at(env, blob, whole, trie->root + slot / 2);
    if (!word)
        return 0;
    entry = (__u32)(*word >> (slot % 2 * 32));
    for (__u32 level = 0; level < levels && !(entry & FW_TRIE_LEAF); level++) {
        const __u64 *node = fw_blob_at(env, blob, whole, entry);
        __u64 bit, below;

        if (!node)
            return 0;
        if (node[2] & FW_TRIE_SINGLE)
            return fw_trie_single(node, high, low);
        bit = 1ULL << (fw_trie_window(high, low, offset) & 63);
        below = bit - 1;
        if (!(node[0] & bit)) {
            __u32 run = fw_ones(node[1] & (bit | below)) - 1;

            word = fw_blob_at(env, blob, whole, (__u32)(node[2] >> 32) + run / 4);
            return word ? (__u32)(*word >> (run % 4 * 16)) & 0xffff : 0;
        }
        entry = (__u32)node[2] + fw_ones(node[0] & below) * FW_TRIE_NODE_WORDS;
        offset += FW_TRIE_STRIDE;
    }
    return entry & FW_TRIE_LEAF ? entry & 0xffff : 0;
}

/* Addresses as numbers. 0: in no set. */
fw_inline __u32 fw_trie_class4(const struct fw_env *env, const struct fw_trie *trie, __u32 address)
{
    return fw_trie_find(env, trie, FW_BLOB_TRIE4, (__u64)address << 32, 0, FW_TRIE_LEVELS4);
}

fw_inline __u32 fw_trie_class6(
    const struct fw_env *env, const struct fw_trie *trie, __u64 high, __u64 low)
{
    return fw_trie_find(env, trie, FW_BLOB_TRIE6, high, low, FW_TRIE_LEVELS6);
}
