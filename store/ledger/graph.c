/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph.c - versions of objects: what each builds on (amendment 11), which are heads, which head
 * has effect (amendment 12).
 */
#include "store/ledger/inside.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

#define LINKS_MAX BASES_MAX

/* ---- ancestry */

static bool list_has(const struct list *list, uint32_t value)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->at[i] == value)
            return true;
    return false;
}

static bool op_is_live(const struct ledger *ledger, const struct op *op)
{
    return ledger->entries[op->entry].verdict.reason == LEDGER_OK;
}

static int compare_ops(const void *a, const void *b, void *ledger)
{
    return op_compare(ledger, *(const uint32_t *)a, *(const uint32_t *)b);
}

static void sort_ops(struct ledger *ledger, uint32_t *at, uint32_t count)
{
    if (count > 1)
        qsort_r(at, count, sizeof(*at), compare_ops, ledger);
}

/* Removes bases that are ancestors of other bases. Walks down only as deep as the lowest base. */
static void drop_ancestors(const struct ledger *ledger, struct list *bases)
{
    struct list walk = {0};
    struct idmap seen;
    uint32_t lowest = UINT32_MAX, kept = 0;
    uint8_t key[8] = {0};

    if (bases->count < 2)
        return;
    idmap_init(&seen, sizeof(key), 0);
    for (uint32_t i = 0; i < bases->count; i++) {
        const struct op *op = &ledger->ops[bases->at[i]];

        if (op->links.depth < lowest)
            lowest = op->links.depth;
        list_push(&walk, bases->at[i]);
    }
    for (uint32_t i = 0; i < walk.count; i++) {
        const struct op_links *links = &ledger->ops[walk.at[i]].links;

        for (uint32_t j = 0; j < links->bases_count && links->depth > lowest; j++) {
            put_be32(key, links->bases[j]);
            if (idmap_find(&seen, key) != IDMAP_NONE)
                continue;
            must_put(&seen, key, 1);
            list_push(&walk, links->bases[j]);
        }
    }
    for (uint32_t i = 0; i < bases->count; i++) {
        put_be32(key, bases->at[i]);
        if (idmap_find(&seen, key) == IDMAP_NONE)
            bases->at[kept++] = bases->at[i];
    }
    bases->count = kept;
    list_fini(&walk);
    idmap_fini(&seen);
}

/* Adds a base, or if it is void what it stands on itself. */
static void add_base(const struct ledger *ledger, uint32_t base, struct list *bases)
{
    const struct op *op = &ledger->ops[base];

    if (op_is_live(ledger, op)) {
        if (!list_has(bases, base))
            list_push(bases, base);
        return;
    }
    for (uint32_t i = 0; i < op->links.bases_count; i++)
        if (!list_has(bases, op->links.bases[i]))
            list_push(bases, op->links.bases[i]);
}

static bool is_settled(const struct ledger *ledger, const struct op *op)
{
    enum ledger_reason reason = ledger->entries[op->entry].verdict.reason;

    return reason != LEDGER_UNKNOWN_BASE && reason != LEDGER_UNKNOWN_TRUST &&
           reason != LEDGER_SOFTWARE_TOO_OLD;
}

static bool is_same_kind(const struct op *a, const struct op *b)
{
    return a->kind == b->kind || a->kind == PICKET__V1__OP_KIND__OP_DELETE ||
           b->kind == PICKET__V1__OP_KIND__OP_DELETE;
}

/* One base as written. */
static enum ledger_reason take_base(
    struct ledger *ledger, const struct op *op, const uint8_t *reference, struct list *bases)
{
    bool is_here;
    uint32_t base = op_find(ledger, reference, &is_here);
    const struct op *found;

    if (!is_here) {
        ledger_await(ledger, reference);
        return LEDGER_UNKNOWN_BASE;
    }
    if (base == NONE)
        return LEDGER_BAD_BASE;
    found = &ledger->ops[base];
    if (!found->is_version) /* void by itself: nothing to stand on, or not a version at all */
        return found->is_sound ? LEDGER_BAD_BASE : LEDGER_OK;
    if (memcmp(found->object, op->object, OP_REF_BYTES) != 0 || !is_same_kind(found, op))
        return LEDGER_BAD_BASE;
    if (!is_settled(ledger, found) || (!op_is_live(ledger, found) && found->links.is_open))
        return LEDGER_UNKNOWN_BASE;
    add_base(ledger, base, bases);
    return LEDGER_OK;
}

/* The operation that made the object: an ancestor of every version, named or not. */
static enum ledger_reason take_creator(
    struct ledger *ledger, const struct op *op, struct list *bases)
{
    bool is_here;
    uint32_t creator = op_find(ledger, op->object, &is_here);
    uint8_t reference[OP_REF_BYTES];

    if (!is_here) {
        ledger_await(ledger, op->object);
        return LEDGER_UNKNOWN_BASE;
    }
    if (creator == NONE)
        return LEDGER_BAD_BASE;
    op_reference(ledger, &ledger->ops[creator], reference);
    if (ledger->ops[creator].is_version &&
        memcmp(ledger->ops[creator].object, reference, OP_REF_BYTES) != 0)
        return LEDGER_BAD_BASE;
    if (bases->count > 0)
        return LEDGER_OK;
    return take_base(ledger, op, op->object, bases);
}

/* What a delete removes: the nearest versions that are no deletes. */
static void link_versions(struct ledger *ledger, struct op *op)
{
    struct list versions = {0};

    for (uint32_t i = 0; i < op->links.bases_count; i++) {
        const struct op *base = &ledger->ops[op->links.bases[i]];

        if (base->kind != PICKET__V1__OP_KIND__OP_DELETE) {
            if (!list_has(&versions, op->links.bases[i]))
                list_push(&versions, op->links.bases[i]);
            continue;
        }
        for (uint32_t j = 0; j < base->links.versions_count && versions.count < LINKS_MAX; j++)
            if (!list_has(&versions, base->links.versions[j]))
                list_push(&versions, base->links.versions[j]);
    }
    sort_ops(ledger, versions.at, versions.count);
    op->links.versions = versions.at;
    op->links.versions_count = versions.count;
}

enum ledger_reason graph_link(struct ledger *ledger, uint32_t index)
{
    const struct op *op = &ledger->ops[index];
    const ProtobufCBinaryData *written;
    struct list bases = {0};
    struct op_links *links = &ledger->ops[index].links;
    enum ledger_reason reason = LEDGER_OK;
    size_t count;

    op_bases(op, &written, &count);
    for (size_t i = 0; i < count; i++) {
        enum ledger_reason found = take_base(ledger, op, written[i].data, &bases);

        /* Waiting comes before void: what is missing may change everything below. */
        if (found == LEDGER_UNKNOWN_BASE || !reason)
            reason = found;
    }
    if (count > 0) {
        enum ledger_reason found = take_creator(ledger, op, &bases);

        if (found == LEDGER_UNKNOWN_BASE || !reason)
            reason = found;
    }
    drop_ancestors(ledger, &bases);
    sort_ops(ledger, bases.at, bases.count);
    if (bases.count > LINKS_MAX) {
        bases.count = LINKS_MAX;
        reason = reason ? reason : LEDGER_OVER_LIMIT;
    }
    links->bases = bases.at;
    links->bases_count = bases.count;
    for (uint32_t i = 0; i < bases.count; i++)
        if (ledger->ops[bases.at[i]].links.depth >= links->depth)
            links->depth = ledger->ops[bases.at[i]].links.depth + 1;
    links->is_open = reason == LEDGER_UNKNOWN_BASE;
    link_versions(ledger, &ledger->ops[index]);
    return reason;
}

void graph_unlink(struct op *op)
{
    free(op->links.bases);
    free(op->links.versions);
    op->links = (struct op_links){0};
}

/* ---- objects */

struct object *object_touch(struct ledger *ledger, const uint8_t id[OP_REF_BYTES])
{
    struct fold *fold = &ledger->fold;
    uint32_t index = idmap_find(&fold->objects_by_id, id);
    struct object *object;

    if (index == IDMAP_NONE) {
        fold->objects = must_grow(
            fold->objects, &fold->objects_capacity, fold->objects_count, sizeof(*fold->objects));
        index = fold->objects_count++;
        fold->objects[index] = (struct object){.winner = NONE};
        memcpy(fold->objects[index].id, id, OP_REF_BYTES);
        must_put(&fold->objects_by_id, id, index);
    }
    object = &fold->objects[index];
    if (!object->is_unsettled)
        list_push(&fold->unsettled, index);
    if (!object->is_unhashed)
        list_push(&fold->unhashed, index);
    object->is_stale = object->is_unsettled = object->is_unhashed = true;
    return object;
}

/* An operation that counts joins its object. */
void graph_add(struct ledger *ledger, uint32_t index)
{
    struct op *op = &ledger->ops[index];
    struct object *object = object_touch(ledger, op->object);
    uint32_t kept = 0;

    for (uint32_t i = 0; i < op->links.bases_count; i++)
        ledger->ops[op->links.bases[i]].links.is_superseded = true;
    for (uint32_t i = 0; i < object->heads.count; i++)
        if (!ledger->ops[object->heads.at[i]].links.is_superseded)
            object->heads.at[kept++] = object->heads.at[i];
    object->heads.count = kept;
    if (!op->links.is_superseded)
        list_push(&object->heads, index);
    if (op->kind == PICKET__V1__OP_KIND__OP_PUT_SET &&
        ((const Picket__V1__PutSet *)(void *)op->body)->n_vector)
        list_push(&object->vectors, index);
}

void object_fini(struct object *object)
{
    list_fini(&object->heads);
    list_fini(&object->deltas);
    list_fini(&object->vectors);
}

/* ---- the winner */

static int role_rank(Picket__V1__Role role)
{
    switch (role) {
    case PICKET__V1__ROLE__ROLE_OPERATOR:
        return 4;
    case PICKET__V1__ROLE__ROLE_ENROLLER:
        return 3;
    case PICKET__V1__ROLE__ROLE_GATEWAY:
        return 2;
    case PICKET__V1__ROLE__ROLE_BANNER:
        return 1;
    default:
        return 0;
    }
}

static int action_rank(Picket__V1__Action action)
{
    switch (action) {
    case PICKET__V1__ACTION__ACTION_DROP:
        return 6;
    case PICKET__V1__ACTION__ACTION_REJECT:
        return 5;
    case PICKET__V1__ACTION__ACTION_LIMIT:
        return 4;
    case PICKET__V1__ACTION__ACTION_ALLOW:
        return 2;
    default:
        return 1;
    }
}

static int version_rank(const struct op *op)
{
    const Picket__V1__Rule *rule = op_rule(op);

    if (rule)
        return rule->mode == PICKET__V1__MODE__MODE_SHADOW ? 1 : action_rank(rule->action);
    if (op->kind == PICKET__V1__OP_KIND__OP_PUT_DEFAULT)
        return action_rank(((const Picket__V1__PutDefault *)(void *)op->body)->policy->action);
    return 0;
}

/* A delete counts as what would remain without what it removes. */
static int delete_rank(const struct ledger *ledger, const struct op *op)
{
    int lowest = op->links.versions_count ? 6 : 0;

    for (uint32_t i = 0; i < op->links.versions_count; i++) {
        int removed = version_rank(&ledger->ops[op->links.versions[i]]);
        int rank = removed >= 5 ? 0 : removed >= 2 ? 3 : removed;

        if (rank < lowest)
            lowest = rank;
    }
    return lowest;
}

static bool beats(const struct ledger *ledger, uint32_t a, uint32_t b)
{
    const struct op *left = &ledger->ops[a], *right = &ledger->ops[b];
    const struct verdict *by_left = &ledger->entries[left->entry].verdict;
    const struct verdict *by_right = &ledger->entries[right->entry].verdict;
    int order = role_rank(by_left->grant->role) - role_rank(by_right->grant->role);
    bool left_deletes = left->kind == PICKET__V1__OP_KIND__OP_DELETE;
    bool right_deletes = right->kind == PICKET__V1__OP_KIND__OP_DELETE;

    if (order == 0)
        order = (left_deletes ? delete_rank(ledger, left) : version_rank(left)) -
                (right_deletes ? delete_rank(ledger, right) : version_rank(right));
    if (order)
        return order > 0;
    if (by_left->grant_position != by_right->grant_position)
        return by_left->grant_position < by_right->grant_position;
    return op_compare(ledger, a, b) < 0;
}

/* An object with no heads but deletes is gone. */
static bool has_version(const struct ledger *ledger, const struct list *heads)
{
    for (uint32_t i = 0; i < heads->count; i++)
        if (ledger->ops[heads->at[i]].kind != PICKET__V1__OP_KIND__OP_DELETE)
            return true;
    return false;
}

void object_settle(struct ledger *ledger, struct object *object)
{
    const struct list *heads = &object->heads;

    if (!object->is_stale)
        return;
    sort_ops(ledger, heads->at, heads->count);
    object->winner = NONE;
    for (uint32_t i = 0; i < heads->count; i++)
        if (object->winner == NONE || beats(ledger, heads->at[i], object->winner))
            object->winner = heads->at[i];
    if (!has_version(ledger, heads))
        object->winner = NONE;
    object->is_stale = false;
}
