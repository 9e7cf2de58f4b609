/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reduce.c - from the set of records to the state. An entry is judged after its predecessor and its
 * bases, whatever the order of arrival, so the result does not depend on it. A new entry that
 * nothing was waiting for extends the fold; anything else throws it away.
 */
#include "store/ledger/inside.h"

#include <stdlib.h>
#include <string.h>

void ledger_await(struct ledger *ledger, const uint8_t id[HASH_BYTES])
{
    must_put(&ledger->fold.awaited, id, 1);
}

void fold_fini(struct ledger *ledger)
{
    struct fold *fold = &ledger->fold;

    for (uint32_t i = 0; i < ledger->ops_count; i++)
        graph_unlink(&ledger->ops[i]);
    for (uint32_t i = 0; i < ledger->entries_count; i++)
        ledger->entries[i].verdict = (struct verdict){0};
    for (uint32_t i = 0; i < fold->objects_count; i++)
        object_fini(&fold->objects[i]);
    free(fold->objects);
    free(fold->live);
    free(fold->nodes);
    list_fini(&fold->unsettled);
    list_fini(&fold->unhashed);
    merkle_fini(&fold->tree);
    idmap_fini(&fold->awaited);
    idmap_fini(&fold->objects_by_id);
    idmap_fini(&fold->tally);
    *fold = (struct fold){0};
}

static void fold_start(struct ledger *ledger)
{
    fold_fini(ledger);
    idmap_init(&ledger->fold.awaited, HASH_BYTES, 0);
    idmap_init(&ledger->fold.objects_by_id, OP_REF_BYTES, 0);
    idmap_init(&ledger->fold.tally, ELEMENT_REF_BYTES, 0);
    ledger->fold.is_directory_stale = true;
    ledger->fold.changes_known_from = ledger->revision;
}

/* The changeset counts: its operations take effect. */
static void apply(struct ledger *ledger, const struct entry *entry)
{
    for (uint32_t i = entry->first_op; i < entry->first_op + entry->ops_count; i++) {
        const struct op *op = &ledger->ops[i];

        if (op->is_version) {
            graph_add(ledger, i);
        } else if (op->kind == PICKET__V1__OP_KIND__OP_SET_DELTA) {
            list_push(&object_touch(ledger, op->object)->deltas, i);
        } else {
            ledger->fold.is_directory_stale = true;
        }
    }
}

static void judge(struct ledger *ledger, uint32_t index)
{
    struct tally tally = {0};

    entry_judge(ledger, index, &tally);
    for (uint32_t i = 0; i < tally.count; i++)
        must_put(&ledger->fold.tally, tally.changes[i].key, tally.changes[i].value);
    tally_fini(&tally);
    if (ledger->entries[index].verdict.reason == LEDGER_OK)
        apply(ledger, &ledger->entries[index]);
}

static void push_unless_known(struct ledger *ledger, uint32_t entry, struct list *stack)
{
    if (entry != IDMAP_NONE && !ledger->entries[entry].verdict.is_known)
        list_push(stack, entry);
}

static void push_needs(struct ledger *ledger, uint32_t index, struct list *stack)
{
    const struct entry *entry = &ledger->entries[index];

    if (entry->prev != NONE)
        push_unless_known(ledger, entry->prev, stack);
    for (uint32_t i = entry->first_op; i < entry->first_op + entry->ops_count; i++) {
        const ProtobufCBinaryData *bases;
        size_t count;

        if (!ledger->ops[i].is_version)
            continue;
        op_bases(&ledger->ops[i], &bases, &count);
        for (size_t j = 0; j < count; j++)
            push_unless_known(ledger, idmap_find(&ledger->entry_by_id, bases[j].data), stack);
        if (count > 0)
            push_unless_known(
                ledger, idmap_find(&ledger->entry_by_id, ledger->ops[i].object), stack);
    }
}

/* What an entry needs is older than it (ids are hashes), so this ends. */
static void judge_in_order(struct ledger *ledger, uint32_t index, struct list *stack)
{
    push_unless_known(ledger, index, stack);
    while (stack->count > 0) {
        uint32_t top = stack->at[stack->count - 1], height = stack->count;

        if (!ledger->entries[top].verdict.is_known) {
            push_needs(ledger, top, stack);
            if (stack->count > height)
                continue;
            judge(ledger, top);
        }
        stack->count--;
    }
}

void ledger_settle(struct ledger *ledger)
{
    struct list stack = {0};

    if (ledger->fold.is_stale)
        fold_start(ledger);
    for (uint32_t i = ledger->fold.entries; i < ledger->entries_count; i++)
        judge_in_order(ledger, i, &stack);
    ledger->fold.entries = ledger->entries_count;
    list_fini(&stack);
}
