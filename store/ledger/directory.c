/* SPDX-License-Identifier: Apache-2.0 */
/*
 * directory.c - the nodes: invites that count, what their enrollers changed, who joined
 * (ledger.md L26, amendment 1).
 */
#include "store/ledger/inside.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

static const Picket__V1__Invite *invite_of(const struct ledger *ledger, uint32_t op)
{
    return (const void *)ledger->ops[op].body;
}

static const struct entry *entry_of(const struct ledger *ledger, uint32_t op)
{
    return &ledger->entries[ledger->ops[op].entry];
}

/* Judged earlier in the trust log, then the lower reference. */
static bool is_earlier(const struct ledger *ledger, uint32_t a, uint32_t b)
{
    uint64_t left = entry_of(ledger, a)->verdict.position,
             right = entry_of(ledger, b)->verdict.position;

    return left != right ? left < right : op_compare(ledger, a, b) < 0;
}

static int compare_nodes(const void *a, const void *b, void *ledger)
{
    const struct node_entry *left = a, *right = b;
    int order = memcmp(invite_of(ledger, left->op)->certificate_hash.data,
        invite_of(ledger, right->op)->certificate_hash.data, HASH_BYTES);

    if (order || left->op == right->op)
        return order;
    return is_earlier(ledger, left->op, right->op) ? -1 : 1;
}

static uint32_t node_search(const struct ledger *ledger, const uint8_t *invite)
{
    uint32_t low = 0, high = ledger->fold.nodes_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = memcmp(invite_of(ledger, ledger->fold.nodes[middle].op)->certificate_hash.data,
            invite, HASH_BYTES);

        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NONE;
}

/* Every invite that counts, one for each id, ascending. */
static void collect(struct ledger *ledger)
{
    struct fold *fold = &ledger->fold;
    uint32_t kept = 0;

    free(fold->nodes);
    fold->nodes_count = 0;
    fold->nodes = calloc(ledger->invites.count + 1, sizeof(*fold->nodes));
    CHECK(fold->nodes, "there is memory for the reduced state");
    for (uint32_t i = 0; i < ledger->invites.count; i++)
        if (entry_of(ledger, ledger->invites.at[i])->verdict.reason == LEDGER_OK)
            fold->nodes[fold->nodes_count++] =
                (struct node_entry){.op = ledger->invites.at[i], .join = NONE};
    qsort_r(fold->nodes, fold->nodes_count, sizeof(*fold->nodes), compare_nodes, ledger);
    for (uint32_t i = 0; i < fold->nodes_count; i++) {
        if (kept > 0 &&
            memcmp(invite_of(ledger, fold->nodes[kept - 1].op)->certificate_hash.data,
                invite_of(ledger, fold->nodes[i].op)->certificate_hash.data, HASH_BYTES) == 0)
            continue;
        fold->nodes[kept] = fold->nodes[i];
        fold->nodes[kept].name = invite_of(ledger, fold->nodes[i].op)->name;
        kept++;
    }
    fold->nodes_count = kept;
}

static int compare_changes(const void *a, const void *b, void *ledger)
{
    const struct op *left = &((struct ledger *)ledger)->ops[*(const uint32_t *)a];
    const struct op *right = &((struct ledger *)ledger)->ops[*(const uint32_t *)b];
    uint64_t left_seq = ((struct ledger *)ledger)->entries[left->entry].seq;
    uint64_t right_seq = ((struct ledger *)ledger)->entries[right->entry].seq;

    if (left_seq != right_seq)
        return left_seq < right_seq ? -1 : 1;
    return op_compare(ledger, *(const uint32_t *)a, *(const uint32_t *)b);
}

static void change(const struct ledger *ledger, uint32_t op)
{
    const Picket__V1__NodeChange *from = (const void *)ledger->ops[op].body;
    uint32_t index = node_search(ledger, from->invite.data);
    struct node_entry *node = index == NONE ? NULL : &ledger->fold.nodes[index];

    if (!node || entry_of(ledger, node->op)->author != entry_of(ledger, op)->author)
        return;
    switch (from->change_case) {
    case PICKET__V1__NODE_CHANGE__CHANGE_LABELS:
        node->labels = from->labels;
        break;
    case PICKET__V1__NODE_CHANGE__CHANGE_NAME:
        node->name = from->name;
        break;
    case PICKET__V1__NODE_CHANGE__CHANGE_JOIN_RECORD:
        if (!node->join_record) /* the first one named stands */
            node->join_record = from->join_record.data;
        break;
    default:
        node->is_retired = true;
        break;
    }
}

/* Each author's changes in the order of its chain; two authors never change one node. */
static void change_all(struct ledger *ledger)
{
    struct list *changes = &ledger->node_changes;

    if (changes->count > 1)
        qsort_r(changes->at, changes->count, sizeof(*changes->at), compare_changes, ledger);
    for (uint32_t i = 0; i < changes->count; i++)
        if (entry_of(ledger, changes->at[i])->verdict.reason == LEDGER_OK)
            change(ledger, changes->at[i]);
}

/* ---- names: of two nodes that are not retired, the one invited with the name keeps it, then the
 * one judged earlier. A rename takes no other node's name. */

static bool is_renamed(const struct ledger *ledger, const struct node_entry *node)
{
    return strcmp(invite_of(ledger, node->op)->name, node->name) != 0;
}

static int compare_names(const void *a, const void *b, void *ledger)
{
    const struct node_entry *left = &((struct ledger *)ledger)->fold.nodes[*(const uint32_t *)a];
    const struct node_entry *right = &((struct ledger *)ledger)->fold.nodes[*(const uint32_t *)b];
    int order = strcmp(left->name, right->name);

    if (order || left->op == right->op)
        return order;
    if (left->is_retired != right->is_retired)
        return left->is_retired ? 1 : -1;
    if (is_renamed(ledger, left) != is_renamed(ledger, right))
        return is_renamed(ledger, left) ? 1 : -1;
    return is_earlier(ledger, left->op, right->op) ? -1 : 1;
}

static void drop_names(struct ledger *ledger)
{
    struct fold *fold = &ledger->fold;
    uint32_t *order = calloc(fold->nodes_count + 1, sizeof(*order));
    uint32_t kept = 0;

    CHECK(order, "there is memory for the reduced state");
    for (uint32_t i = 0; i < fold->nodes_count; i++)
        order[i] = i;
    qsort_r(order, fold->nodes_count, sizeof(*order), compare_names, ledger);
    for (uint32_t i = 1; i < fold->nodes_count; i++) {
        struct node_entry *node = &fold->nodes[order[i]];

        if (!node->is_retired && strcmp(fold->nodes[order[i - 1]].name, node->name) == 0)
            node->join = NONE - 1; /* marked: the name is another's */
    }
    free(order);
    for (uint32_t i = 0; i < fold->nodes_count; i++)
        if (fold->nodes[i].join != NONE - 1)
            fold->nodes[kept++] = fold->nodes[i];
    fold->nodes_count = kept;
}

/* ---- who joined */

static void join(const struct ledger *ledger, uint32_t index)
{
    const struct join *record = &ledger->joins[index];
    uint32_t at = node_search(ledger, record->message->invite.data);
    struct node_entry *node = at == NONE ? NULL : &ledger->fold.nodes[at];

    if (!node || (node->join_record && memcmp(node->join_record, record->id, HASH_BYTES) != 0))
        return;
    if (node->join == NONE) {
        node->join = index;
        node->status = NODE_JOINED;
        return;
    }
    if (!join_is_same(ledger->joins[node->join].message, record->message))
        node->status = NODE_SUSPENDED;
    if (memcmp(record->id, ledger->joins[node->join].id, HASH_BYTES) < 0)
        node->join = index;
}

void directory_settle(struct ledger *ledger)
{
    ledger_settle(ledger);
    if (!ledger->fold.is_directory_stale)
        return;
    collect(ledger);
    change_all(ledger);
    drop_names(ledger);
    for (uint32_t i = 0; i < ledger->joins_kept.count; i++)
        join(ledger, ledger->joins_kept.at[i]);
    for (uint32_t i = 0; i < ledger->fold.nodes_count; i++)
        if (ledger->fold.nodes[i].is_retired)
            ledger->fold.nodes[i].status = NODE_RETIRED;
    ledger->fold.is_directory_stale = false;
    ledger->fold.are_nodes_unhashed = true;
}

/* ---- what becomes of an entry's invites */

static bool is_retired_by(
    const struct ledger *ledger, const struct entry *entry, const uint8_t *invite)
{
    for (uint32_t i = entry->first_op; i < entry->first_op + entry->ops_count; i++) {
        const Picket__V1__NodeChange *change = (const void *)ledger->ops[i].body;

        if (ledger->ops[i].kind == PICKET__V1__OP_KIND__OP_NODE &&
            change->change_case == PICKET__V1__NODE_CHANGE__CHANGE_RETIRED &&
            memcmp(change->invite.data, invite, HASH_BYTES) == 0)
            return true;
    }
    return false;
}

/* The name is a node's that is not retired, or the certificate is another invite's. */
static bool is_taken(const struct ledger *ledger, const struct entry *entry, uint32_t op)
{
    const Picket__V1__Invite *invite = invite_of(ledger, op);

    for (uint32_t i = 0; i < ledger->fold.nodes_count; i++) {
        const struct node_entry *node = &ledger->fold.nodes[i];
        const uint8_t *id = invite_of(ledger, node->op)->certificate_hash.data;

        if (memcmp(id, invite->certificate_hash.data, HASH_BYTES) == 0)
            return true;
        if (!node->is_retired && strcmp(node->name, invite->name) == 0 &&
            !is_retired_by(ledger, entry, id))
            return true;
    }
    for (uint32_t i = entry->first_op; i < op; i++)
        if (ledger->ops[i].kind == PICKET__V1__OP_KIND__OP_INVITE &&
            strcmp(invite_of(ledger, i)->name, invite->name) == 0)
            return true;
    return false;
}

static uint32_t find_invite(const struct ledger *ledger, const struct entry *entry,
    bool (*is_void)(const struct ledger *ledger, const struct entry *entry, uint32_t op))
{
    for (uint32_t i = entry->first_op; i < entry->first_op + entry->ops_count; i++)
        if (ledger->ops[i].kind == PICKET__V1__OP_KIND__OP_INVITE && is_void(ledger, entry, i))
            return ledger->ops[i].index;
    return NONE;
}

uint32_t directory_taken(const struct ledger *ledger, const struct entry *entry)
{
    return find_invite(ledger, entry, is_taken);
}

static bool is_no_node(const struct ledger *ledger, const struct entry *entry, uint32_t op)
{
    uint32_t node = node_search(ledger, invite_of(ledger, op)->certificate_hash.data);

    (void)entry;
    return node == NONE || ledger->fold.nodes[node].op != op;
}

static bool is_invite(const struct ledger *ledger, const struct entry *entry, uint32_t op)
{
    (void)ledger;
    (void)entry;
    (void)op;
    return true;
}

uint32_t directory_void(struct ledger *ledger, const struct entry *entry)
{
    if (find_invite(ledger, entry, is_invite) == NONE)
        return NONE;
    directory_settle(ledger);
    return find_invite(ledger, entry, is_no_node);
}

/* ---- reading */

uint32_t ledger_nodes_count(struct ledger *ledger)
{
    directory_settle(ledger);
    return ledger->fold.nodes_count;
}

void ledger_node_at(struct ledger *ledger, uint32_t index, struct ledger_node *ret_node)
{
    const struct node_entry *node;
    const Picket__V1__Invite *invite;

    directory_settle(ledger);
    CHECK(index < ledger->fold.nodes_count, "an index comes from ledger_nodes_count()");
    node = &ledger->fold.nodes[index];
    invite = invite_of(ledger, node->op);
    *ret_node = (struct ledger_node){
        .invite = invite->certificate_hash.data,
        .invite_key = invite->public_key.data,
        .enroller = ledger->chains[entry_of(ledger, node->op)->author].author,
        .name = node->name,
        .labels = node->labels ? node->labels->labels : invite->labels,
        .labels_count = node->labels ? node->labels->n_labels : invite->n_labels,
        .join_by = invite->join_by,
        .status = node->status,
    };
    if (node->status == NODE_JOINED) {
        ret_node->leaf_key = ledger->joins[node->join].message->leaf_key.data;
        ret_node->node_key = ledger->joins[node->join].message->node_key.data;
    }
}

bool ledger_node_find(
    struct ledger *ledger, const uint8_t invite[HASH_BYTES], struct ledger_node *ret_node)
{
    uint32_t index;

    directory_settle(ledger);
    index = node_search(ledger, invite);
    if (index != NONE)
        ledger_node_at(ledger, index, ret_node);
    return index != NONE;
}
