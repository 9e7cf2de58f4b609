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

static void leaf_hash(const uint8_t *at, size_t len, uint8_t ret_hash[HASH_BYTES])
{
    static const uint8_t prefix = 0;
    struct keys_hasher hasher;

    keys_hasher_init(&hasher, HASH_STATE);
    keys_hasher_add(&hasher, &prefix, 1);
    keys_hasher_add(&hasher, at, len);
    keys_hasher_end(&hasher, ret_hash);
}

/* ---- records: kind, then what names one; tips ascending by author, seq, id, the others by id */

static void set_tip(struct ledger *ledger, uint32_t index)
{
    struct ledger_head tip = ledger_tip_at(ledger, index);
    uint8_t leaf[1 + KEY_BYTES + 8 + HASH_BYTES] = {RECORD_ENTRY}, hash[HASH_BYTES];

    memcpy(leaf + 1, tip.author, KEY_BYTES);
    put_be64(leaf + 1 + KEY_BYTES, tip.seq);
    memcpy(leaf + 1 + KEY_BYTES + 8, tip.id, HASH_BYTES);
    leaf_hash(leaf, sizeof(leaf), hash);
    merkle_set(&ledger->records, index, hash);
}

static void set_tips(struct ledger *ledger)
{
    struct list *hashed = &ledger->hashed_tips;

    while (hashed->count < ledger->tips.count)
        list_push(hashed, NONE);
    hashed->count = ledger->tips.count;
    for (uint32_t i = 0; i < hashed->count; i++) {
        if (hashed->at[i] == ledger->tips.at[i])
            continue;
        hashed->at[i] = ledger->tips.at[i];
        set_tip(ledger, i);
    }
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, HASH_BYTES);
}

static uint32_t set_ids(struct ledger *ledger, uint32_t first, enum record_kind kind,
    uint8_t (*ids)[HASH_BYTES], uint32_t count)
{
    qsort(ids, count, sizeof(*ids), compare_ids);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t leaf[1 + HASH_BYTES] = {(uint8_t)kind}, hash[HASH_BYTES];

        memcpy(leaf + 1, ids[i], HASH_BYTES);
        leaf_hash(leaf, sizeof(leaf), hash);
        merkle_set(&ledger->records, first + i, hash);
    }
    return first + count;
}

static void set_others(struct ledger *ledger, uint32_t total)
{
    uint8_t(*ids)[HASH_BYTES] = calloc(total + 1, sizeof(*ids));
    uint32_t at = ledger->tips.count;

    CHECK(ids, "there is memory for the reduced state");
    for (uint32_t i = 0; i < ledger->trust_count; i++)
        memcpy(ids[i], ledger->trust[i].id, HASH_BYTES);
    at = set_ids(ledger, at, RECORD_TRUST, ids, ledger->trust_count);
    for (uint32_t i = 0; i < ledger->joins_kept.count; i++)
        memcpy(ids[i], ledger->joins[ledger->joins_kept.at[i]].id, HASH_BYTES);
    at = set_ids(ledger, at, RECORD_JOIN, ids, ledger->joins_kept.count);
    for (uint32_t i = 0; i < ledger->forks_count; i++)
        memcpy(ids[i], ledger->forks[i].id, HASH_BYTES);
    (void)set_ids(ledger, at, RECORD_FORK, ids, ledger->forks_count);
    free(ids);
}

void ledger_records_root(struct ledger *ledger, uint8_t ret_root[HASH_BYTES])
{
    uint32_t others = ledger->trust_count + ledger->joins_kept.count + ledger->forks_count;
    uint32_t total = ledger->tips.count + others;
    bool is_moved = ledger->hashed_tips.count != ledger->tips.count;

    merkle_resize(&ledger->records, total);
    set_tips(ledger);
    if (is_moved || ledger->hashed_others != ledger->others)
        set_others(ledger, others);
    ledger->hashed_others = ledger->others;
    merkle_root(&ledger->records, ret_root);
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
}

static void hash_text(struct keys_hasher *hasher, const char *text)
{
    hash_be32(hasher, (uint32_t)strlen(text));
    keys_hasher_add(hasher, text, strlen(text));
}

static void node_leaf(const struct ledger_node *node, uint8_t ret_hash[HASH_BYTES])
{
    struct keys_hasher hasher;
    uint8_t status = (uint8_t)node->status;

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
    keys_hasher_end(&hasher, ret_hash);
}

static void set_first(struct ledger *ledger)
{
    uint8_t first[4 + HASH_BYTES] = {0}, hash[HASH_BYTES];
    struct bytes trust_head = ledger_trust_head(ledger, NULL);

    put_be32(first, 1);
    if (trust_head.len > 0)
        memcpy(first + 4, trust_head.at, HASH_BYTES);
    leaf_hash(first, sizeof(first), hash);
    merkle_set(&ledger->fold.tree, 0, hash);
}

/* The leaves of objects that changed, and those whose place did. */
static void set_objects(struct ledger *ledger)
{
    struct fold *fold = &ledger->fold;

    for (uint32_t i = 0; i < fold->unhashed.count; i++) {
        struct object *object = &fold->objects[fold->unhashed.at[i]];
        uint32_t place;

        object->is_unhashed = false;
        if (!object->is_live)
            continue;
        object_leaf(ledger, object);
        place = object_place(ledger, object->id);
        if (place < fold->moved)
            merkle_set(&fold->tree, 1 + place, object->leaf);
    }
    for (uint32_t i = fold->moved; i < fold->live_count; i++)
        merkle_set(&fold->tree, 1 + i, fold->objects[fold->live[i]].leaf);
    fold->unhashed.count = 0;
}

static void set_nodes(struct ledger *ledger)
{
    uint32_t count = ledger_nodes_count(ledger);

    for (uint32_t i = 0; i < count; i++) {
        struct ledger_node node;
        uint8_t hash[HASH_BYTES];

        ledger_node_at(ledger, i, &node);
        node_leaf(&node, hash);
        merkle_set(&ledger->fold.tree, 1 + ledger->fold.live_count + i, hash);
    }
    ledger->fold.are_nodes_unhashed = false;
}

bool ledger_state_root(struct ledger *ledger, uint8_t ret_root[HASH_BYTES])
{
    struct fold *fold = &ledger->fold;
    uint32_t leaves;

    if (ledger->in_force.positions[ledger->in_force.head].level > FLEET_LEVEL)
        return false;
    objects_settle(ledger);
    leaves = 1 + fold->live_count + ledger_nodes_count(ledger);
    if (fold->tree.levels[0].count != leaves)
        fold->are_nodes_unhashed = true; /* their places moved */
    merkle_resize(&fold->tree, leaves);
    set_first(ledger);
    set_objects(ledger);
    if (fold->moved != NONE || fold->are_nodes_unhashed)
        set_nodes(ledger);
    fold->moved = NONE;
    merkle_root(&fold->tree, ret_root);
    return true;
}
