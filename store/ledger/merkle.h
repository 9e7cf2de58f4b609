/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * merkle.h - a tree of RFC 6962 under picket/state/1 that keeps its inner nodes: what is set again
 * costs its path to the root, what moves costs what stands behind it.
 *
 * Memory: the program stops without it (list.c).
 */
#include "base/bytes.h"

#include <stdint.h>

struct merkle_level {
    uint8_t (*nodes)[HASH_BYTES];
    uint32_t count, capacity;
};

/* Zero is an empty tree. */
struct merkle {
    struct merkle_level levels[33]; /* [0]: the leaves' hashes */
    uint32_t *changed;              /* leaves set since the last root */
    uint32_t changed_count, changed_capacity;
};

void merkle_fini(struct merkle *tree);
void merkle_resize(struct merkle *tree, uint32_t leaves);
/* hash: of the leaf, H(0x00 || content). */
void merkle_set(struct merkle *tree, uint32_t index, const uint8_t hash[HASH_BYTES]);
void merkle_root(struct merkle *tree, uint8_t ret_root[HASH_BYTES]);
