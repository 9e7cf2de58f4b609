/* SPDX-License-Identifier: Apache-2.0 */
/*
 * roots.c - two RFC 6962 trees (picket/state/1): over the records, and over the state. The leaves
 * are in README.md.
 */
#include "store/ledger/inside.h"

#include "base/check.h"
#include "store/keys/keys.h"

#include <stdlib.h>
#include <string.h>

/* ---- the tree, leaf by leaf: stack[i] is a full subtree, each smaller than the one before */

struct tree {
    uint8_t stack[64][HASH_BYTES];
    uint64_t count;
    unsigned depth;
};

static void leaf_hash(const uint8_t *at, size_t len, uint8_t ret_hash[HASH_BYTES])
{
    static const uint8_t prefix = 0;
    struct keys_hasher hasher;

    keys_hasher_init(&hasher, HASH_STATE);
    keys_hasher_add(&hasher, &prefix, 1);
    keys_hasher_add(&hasher, at, len);
    keys_hasher_end(&hasher, ret_hash);
}

static void join_top(struct tree *tree)
{
    uint8_t bytes[1 + 2 * HASH_BYTES] = {1};

    memcpy(bytes + 1, tree->stack[tree->depth - 2], 2 * HASH_BYTES);
    keys_hash(HASH_STATE, bytes_of(bytes, sizeof(bytes)), tree->stack[tree->depth - 2]);
    tree->depth--;
}

static void tree_add_hash(struct tree *tree, const uint8_t hash[HASH_BYTES])
{
    memcpy(tree->stack[tree->depth++], hash, HASH_BYTES);
    for (uint64_t n = ++tree->count; (n & 1) == 0; n >>= 1)
        join_top(tree);
}

static void tree_add(struct tree *tree, const uint8_t *at, size_t len)
{
    uint8_t hash[HASH_BYTES];

    leaf_hash(at, len, hash);
    tree_add_hash(tree, hash);
}

static void tree_end(struct tree *tree, uint8_t ret_root[HASH_BYTES])
{
    if (tree->count == 0) {
        keys_hash(HASH_STATE, bytes_of(NULL, 0), ret_root);
        return;
    }
    while (tree->depth > 1)
        join_top(tree);
    memcpy(ret_root, tree->stack[0], HASH_BYTES);
}

/* ---- records: kind, then what names one; tips ascending by author, seq, id, the others by id */

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, HASH_BYTES);
}

static void add_ids(
    struct tree *tree, enum record_kind kind, uint8_t (*ids)[HASH_BYTES], uint32_t count)
{
    qsort(ids, count, sizeof(*ids), compare_ids);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t leaf[1 + HASH_BYTES] = {(uint8_t)kind};

        memcpy(leaf + 1, ids[i], HASH_BYTES);
        tree_add(tree, leaf, sizeof(leaf));
    }
}

static void add_tips(struct tree *tree, const struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger_tips_count(ledger); i++) {
        struct ledger_head head = ledger_tip_at(ledger, i);
        uint8_t leaf[1 + KEY_BYTES + 8 + HASH_BYTES] = {RECORD_ENTRY};

        memcpy(leaf + 1, head.author, KEY_BYTES);
        put_be64(leaf + 1 + KEY_BYTES, head.seq);
        memcpy(leaf + 1 + KEY_BYTES + 8, head.id, HASH_BYTES);
        tree_add(tree, leaf, sizeof(leaf));
    }
}

void ledger_records_root(struct ledger *ledger, uint8_t ret_root[HASH_BYTES])
{
    struct tree tree = {0};
    uint8_t(*ids)[HASH_BYTES];
    uint32_t most = ledger->trust_count + ledger->joins_count + ledger->forks_count;

    if (ledger->root_revision != ledger->revision) {
        ids = calloc(most + 1, sizeof(*ids));
        CHECK(ids, "there is memory for the reduced state");
        add_tips(&tree, ledger);
        for (uint32_t i = 0; i < ledger->trust_count; i++)
            memcpy(ids[i], ledger->trust[i].id, HASH_BYTES);
        add_ids(&tree, RECORD_TRUST, ids, ledger->trust_count);
        for (uint32_t i = 0; i < ledger->joins_kept.count; i++)
            memcpy(ids[i], ledger->joins[ledger->joins_kept.at[i]].id, HASH_BYTES);
        add_ids(&tree, RECORD_JOIN, ids, ledger->joins_kept.count);
        for (uint32_t i = 0; i < ledger->forks_count; i++)
            memcpy(ids[i], ledger->forks[i].id, HASH_BYTES);
        add_ids(&tree, RECORD_FORK, ids, ledger->forks_count);
        free(ids);
        tree_end(&tree, ledger->records_root);
        ledger->root_revision = ledger->revision;
    }
    memcpy(ret_root, ledger->records_root, HASH_BYTES);
}

/* ---- state */

#define LEAF_OBJECT 1
#define LEAF_NODE 2

static void hash_be32(struct keys_hasher *hasher, uint32_t value)
{
    uint8_t bytes[4];

    put_be32(bytes, value);
    keys_hasher_add(hasher, bytes, sizeof(bytes));
}

static void hash_be64(struct keys_hasher *hasher, uint64_t value)
{
    uint8_t bytes[8];

    put_be64(bytes, value);
    keys_hasher_add(hasher, bytes, sizeof(bytes));
}

static void leaf_start(struct keys_hasher *hasher, uint8_t kind)
{
    const uint8_t bytes[2] = {0, kind};

    keys_hasher_init(hasher, HASH_STATE);
    keys_hasher_add(hasher, bytes, sizeof(bytes));
}

static void additions_hash(
    const struct ledger *ledger, const struct object *set, uint8_t ret_hash[HASH_BYTES])
{
    struct keys_hasher hasher;
    uint32_t count = 0;
    struct addition *additions = additions_of(ledger, set, &count);

    keys_hasher_init(&hasher, HASH_STATE);
    for (uint32_t i = 0; i < count; i++) {
        const Picket__V1__Prefix *prefix = additions[i].element->prefix;
        uint8_t reference[OP_REF_BYTES];
        uint8_t shape[2] = {prefix->address.len == 16 ? 6 : 4, (uint8_t)prefix->length};

        op_reference(ledger, &ledger->ops[additions[i].op], reference);
        keys_hasher_add(&hasher, reference, sizeof(reference));
        hash_be32(&hasher, additions[i].index);
        keys_hasher_add(&hasher, shape, sizeof(shape));
        keys_hasher_add(&hasher, prefix->address.data, prefix->address.len);
        hash_be64(&hasher, additions[i].element->expiry);
    }
    keys_hasher_end(&hasher, ret_hash);
    free(additions);
}

static void object_leaf(const struct ledger *ledger, struct object *object)
{
    struct keys_hasher hasher;
    uint8_t reference[OP_REF_BYTES], additions[HASH_BYTES];
    uint8_t kind = (uint8_t)object_kind_of(ledger, object), confirmed = 1;

    leaf_start(&hasher, LEAF_OBJECT);
    keys_hasher_add(&hasher, object->id, OP_REF_BYTES);
    keys_hasher_add(&hasher, &kind, 1);
    hash_be32(&hasher, object->heads.count);
    for (uint32_t i = 0; i < object->heads.count; i++) {
        op_reference(ledger, &ledger->ops[object->heads.at[i]], reference);
        keys_hasher_add(&hasher, reference, OP_REF_BYTES);
        keys_hasher_add(&hasher, &confirmed, 1);
    }
    op_reference(ledger, &ledger->ops[object->winner], reference);
    keys_hasher_add(&hasher, reference, OP_REF_BYTES);
    if (kind == OBJECT_SET) {
        additions_hash(ledger, object, additions);
        keys_hasher_add(&hasher, additions, HASH_BYTES);
    }
    keys_hasher_end(&hasher, object->leaf);
    object->is_leaf_stale = false;
}

static void hash_text(struct keys_hasher *hasher, const char *text)
{
    hash_be32(hasher, (uint32_t)strlen(text));
    keys_hasher_add(hasher, text, strlen(text));
}

static void node_leaf(const struct ledger_node *node, struct tree *tree)
{
    struct keys_hasher hasher;
    uint8_t hash[HASH_BYTES], status = (uint8_t)node->status;

    leaf_start(&hasher, LEAF_NODE);
    keys_hasher_add(&hasher, node->invite, HASH_BYTES);
    keys_hasher_add(&hasher, node->enroller, KEY_BYTES);
    hash_text(&hasher, node->name);
    hash_be32(&hasher, (uint32_t)node->labels_count);
    for (size_t i = 0; i < node->labels_count; i++) {
        hash_text(&hasher, node->labels[i]->key);
        hash_text(&hasher, node->labels[i]->value);
    }
    keys_hasher_add(&hasher, &status, 1);
    if (node->leaf_key) {
        keys_hasher_add(&hasher, node->leaf_key, 65);
        keys_hasher_add(&hasher, node->node_key, KEY_BYTES);
    }
    keys_hasher_end(&hasher, hash);
    tree_add_hash(tree, hash);
}

bool ledger_state_root(struct ledger *ledger, uint8_t ret_root[HASH_BYTES])
{
    struct tree tree = {0};
    uint8_t first[4 + HASH_BYTES] = {0};
    uint64_t position;
    struct bytes trust_head = ledger_trust_head(ledger, &position);

    if (ledger->in_force.positions[position].level > FLEET_LEVEL)
        return false;
    objects_settle(ledger);
    put_be32(first, 1);
    if (trust_head.len > 0)
        memcpy(first + 4, trust_head.at, HASH_BYTES);
    tree_add(&tree, first, sizeof(first));
    for (uint32_t i = 0; i < ledger->fold.live_count; i++) {
        struct object *object = &ledger->fold.objects[ledger->fold.live[i]];

        if (object->is_leaf_stale)
            object_leaf(ledger, object);
        tree_add_hash(&tree, object->leaf);
    }
    for (uint32_t i = 0; i < ledger_nodes_count(ledger); i++) {
        struct ledger_node node;

        ledger_node_at(ledger, i, &node);
        node_leaf(&node, &tree);
    }
    tree_end(&tree, ret_root);
    return true;
}
