/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merkle.c - level upon level: nodes are joined two by two, a last one without a neighbour goes up
 * as it is. That is the tree of RFC 6962, which splits at the largest power of two.
 */
#include "store/ledger/merkle.h"

#include "base/check.h"
#include "store/keys/keys.h"
#include "store/ledger/inside.h"

#include <stdlib.h>
#include <string.h>

void merkle_fini(struct merkle *tree)
{
    for (uint32_t i = 0; i < 33; i++)
        free(tree->levels[i].nodes);
    free(tree->changed);
    *tree = (struct merkle){0};
}

static void note(struct merkle *tree, uint32_t index)
{
    if (tree->changed_count > 0 && tree->changed[tree->changed_count - 1] == index)
        return;
    tree->changed = must_grow(
        tree->changed, &tree->changed_capacity, tree->changed_count, sizeof(*tree->changed));
    tree->changed[tree->changed_count++] = index;
}

static void resize(struct merkle_level *level, uint32_t count)
{
    uint32_t wanted = level->capacity ? level->capacity : 8;
    void *nodes;

    while (wanted < count)
        wanted *= 2;
    if (wanted != level->capacity) {
        nodes = realloc(level->nodes, wanted * sizeof(*level->nodes));
        CHECK(nodes, "there is memory for the reduced state");
        level->nodes = nodes;
        level->capacity = wanted;
    }
    if (count > level->count)
        memset(level->nodes[level->count], 0, (count - level->count) * sizeof(*level->nodes));
    level->count = count;
}

void merkle_resize(struct merkle *tree, uint32_t leaves)
{
    uint32_t before = tree->levels[0].count;

    if (leaves == before)
        return;
    if (leaves <
        before) { /* what is set of the rest stays; the new last leaf has a new neighbour */
        uint32_t kept = 0;

        for (uint32_t i = 0; i < tree->changed_count; i++)
            if (tree->changed[i] < leaves)
                tree->changed[kept++] = tree->changed[i];
        tree->changed_count = kept;
        if (leaves > 0)
            note(tree, leaves - 1);
    }
    for (uint32_t i = 0, count = leaves; i < 33; i++) {
        resize(&tree->levels[i], count);
        count = count > 1 ? count / 2 + count % 2 : 0;
    }
    for (uint32_t i = before; i < leaves; i++)
        note(tree, i);
}

void merkle_set(struct merkle *tree, uint32_t index, const uint8_t hash[HASH_BYTES])
{
    CHECK(index < tree->levels[0].count, "a leaf is inside of the tree");
    if (memcmp(tree->levels[0].nodes[index], hash, HASH_BYTES) == 0)
        return;
    memcpy(tree->levels[0].nodes[index], hash, HASH_BYTES);
    note(tree, index);
}

static void make(const struct merkle_level *below, struct merkle_level *level, uint32_t index)
{
    uint8_t bytes[1 + 2 * HASH_BYTES] = {1};

    if (2 * index + 1 == below->count) {
        memcpy(level->nodes[index], below->nodes[2 * index], HASH_BYTES);
        return;
    }
    memcpy(bytes + 1, below->nodes[2 * index], 2 * HASH_BYTES);
    keys_hash(HASH_STATE, bytes_of(bytes, sizeof(bytes)), level->nodes[index]);
}

/* The changed nodes of one level make those of the next. */
static void rise(struct merkle *tree, uint32_t level)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < tree->changed_count; i++) {
        uint32_t index = tree->changed[i] / 2;

        if (kept > 0 && tree->changed[kept - 1] == index)
            continue;
        make(&tree->levels[level], &tree->levels[level + 1], index);
        tree->changed[kept++] = index;
    }
    tree->changed_count = kept;
}

void merkle_root(struct merkle *tree, uint8_t ret_root[HASH_BYTES])
{
    uint32_t level = 0;

    if (tree->levels[0].count == 0) {
        keys_hash(HASH_STATE, bytes_of(NULL, 0), ret_root);
        return;
    }
    for (; tree->levels[level].count > 1; level++)
        rise(tree, level);
    tree->changed_count = 0;
    memcpy(ret_root, tree->levels[level].nodes[0], HASH_BYTES);
}
