/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tally.c - budgets (ledger.md L18, amendment 13): what an author's own chain has written, void or
 * not. An object is freed by its creator's delete, an element by its author's removal, a manifest
 * by the author's next one or by the creator's delete; clears and vectors free nothing. Beside the
 * path below a freeze each branch counts by itself, and nothing is freed: what one branch frees
 * must not depend on another.
 */
#include "store/ledger/inside.h"

#include <stdlib.h>
#include <string.h>

/* Keys of the map are 40 bytes: an object's id, then what is noted about it. */
#define NOTE_DELETED 0xffffffffU /* never the index of a chain */

static uint32_t look_up(const struct ledger *ledger, const struct tally *tally, const uint8_t *key)
{
    uint32_t value;

    for (uint32_t i = tally->count; i > 0; i--)
        if (memcmp(tally->changes[i - 1].key, key, ELEMENT_REF_BYTES) == 0)
            return tally->changes[i - 1].value;
    value = idmap_find(&ledger->fold.tally, key);
    return value == IDMAP_NONE ? 0 : value;
}

static void note(struct tally *tally, const uint8_t *key, uint32_t value)
{
    struct tally_change *change;

    tally->changes =
        must_grow(tally->changes, &tally->capacity, tally->count, sizeof(*tally->changes));
    change = &tally->changes[tally->count++];
    memcpy(change->key, key, ELEMENT_REF_BYTES);
    change->value = value;
}

static void object_key(const struct op *op, uint32_t what, uint8_t ret_key[ELEMENT_REF_BYTES])
{
    memcpy(ret_key, op->object, OP_REF_BYTES);
    put_be32(ret_key + OP_REF_BYTES, what);
}

static void give_back(uint64_t *count, uint64_t amount)
{
    *count = *count > amount ? *count - amount : 0;
}

/* Was this written by the author of `entry`, at or before it? */
static bool is_own(const struct ledger *ledger, const struct entry *entry, const uint8_t *entry_id)
{
    uint32_t index;

    if (memcmp(entry_id, entry->id, HASH_BYTES) == 0)
        return true;
    index = idmap_find(&ledger->entry_by_id, entry_id);
    return index != IDMAP_NONE && ledger->entries[index].author == entry->author &&
           ledger->entries[index].seq < entry->seq &&
           entry_is_on_path(ledger, &ledger->entries[index]);
}

static void tally_manifest(struct ledger *ledger, const struct op *op, const struct entry *entry,
    uint32_t elements, struct tally *tally)
{
    uint8_t key[ELEMENT_REF_BYTES];

    object_key(op, entry->author, key);
    give_back(&tally->elements, look_up(ledger, tally, key));
    tally->elements += elements;
    note(tally, key, elements);
}

static void tally_version(
    struct ledger *ledger, const struct op *op, const struct entry *entry, struct tally *tally)
{
    uint8_t key[ELEMENT_REF_BYTES], own[OP_REF_BYTES];
    bool is_delete = op->kind == PICKET__V1__OP_KIND__OP_DELETE;

    memcpy(own, entry->id, HASH_BYTES);
    put_be32(own + HASH_BYTES, op->index);
    object_key(op, NOTE_DELETED, key);
    if (memcmp(own, op->object, OP_REF_BYTES) == 0) {
        tally->objects++;
    } else if (is_own(ledger, entry, op->object) && is_delete != look_up(ledger, tally, key)) {
        if (is_delete)
            give_back(&tally->objects, 1);
        else
            tally->objects++;
        note(tally, key, is_delete);
    }
    if (op->kind == PICKET__V1__OP_KIND__OP_PUT_SET) {
        const Picket__V1__Manifest *manifest = ((const Picket__V1__PutSet *)op->body)->manifest;

        tally_manifest(ledger, op, entry,
            manifest ? (uint32_t)(manifest->elements_v4 + manifest->elements_v6) : 0, tally);
    } else if (is_delete) {
        tally_manifest(ledger, op, entry, 0, tally);
    }
}

/* Is this the reference of an element that was added? */
static bool is_addition(const struct ledger *ledger, const uint8_t *reference)
{
    bool is_here;
    uint32_t op = op_find(ledger, reference, &is_here);

    if (op == NONE || ledger->ops[op].kind != PICKET__V1__OP_KIND__OP_SET_DELTA ||
        !ledger->ops[op].is_sound)
        return false;
    return get_be32(reference + OP_REF_BYTES) <
           ((const Picket__V1__SetDelta *)ledger->ops[op].body)->n_add;
}

static void tally_delta(struct ledger *ledger, const Picket__V1__SetDelta *delta,
    const struct entry *entry, struct tally *tally)
{
    tally->elements += delta->n_add;
    for (size_t i = 0; i < delta->n_remove; i++) {
        uint8_t key[ELEMENT_REF_BYTES];

        memcpy(key, delta->remove[i].data, ELEMENT_REF_BYTES);
        if (!is_own(ledger, entry, key) || !is_addition(ledger, key))
            continue;
        key[0] ^= 0xff; /* apart from the keys of objects */
        if (look_up(ledger, tally, key))
            continue;
        give_back(&tally->elements, 1);
        note(tally, key, 1);
    }
}

static void tally_operation(
    struct ledger *ledger, const struct op *op, const struct entry *entry, struct tally *tally)
{
    if (op->is_version)
        tally_version(ledger, op, entry, tally);
    else if (op->kind == PICKET__V1__OP_KIND__OP_SET_DELTA)
        tally_delta(ledger, (const void *)op->body, entry, tally);
    else if (op->kind == PICKET__V1__OP_KIND__OP_INVITE)
        tally->objects++;
}

/* Adds what is made, whatever was freed. */
static void tally_made(const struct op *op, const struct entry *entry, struct tally *tally)
{
    const Picket__V1__Manifest *manifest = NULL;

    if (op->kind == PICKET__V1__OP_KIND__OP_INVITE ||
        (op->is_version && memcmp(op->object, entry->id, HASH_BYTES) == 0))
        tally->objects++;
    if (op->kind == PICKET__V1__OP_KIND__OP_SET_DELTA)
        tally->elements += ((const Picket__V1__SetDelta *)(void *)op->body)->n_add;
    if (op->kind == PICKET__V1__OP_KIND__OP_PUT_SET)
        manifest = ((const Picket__V1__PutSet *)(void *)op->body)->manifest;
    if (manifest)
        tally->elements += manifest->elements_v4 + manifest->elements_v6;
}

void tally_entry(struct ledger *ledger, const struct entry *entry, struct tally *tally)
{
    const struct entry *before = entry->prev == NONE ? NULL : &ledger->entries[entry->prev];
    bool is_on_path = entry_is_on_path(ledger, entry);

    tally->objects = before ? before->objects : 0;
    tally->elements = before ? before->elements : 0;
    for (uint32_t i = 0; i < entry->ops_count; i++) {
        const struct op *op = &ledger->ops[entry->first_op + i];

        if (op->is_sound && is_on_path)
            tally_operation(ledger, op, entry, tally);
        else if (op->is_sound)
            tally_made(op, entry, tally);
    }
}

void tally_fini(struct tally *tally)
{
    free(tally->changes);
    *tally = (struct tally){0};
}
