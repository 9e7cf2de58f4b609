/* SPDX-License-Identifier: Apache-2.0 */
/* additions.c - what deltas leave in a set: additions less removals, clears and vectors (amendment
 * 14). */
#include "store/ledger/inside.h"

#include "base/check.h"
#include "store/ledger/set_content.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct cancelled {
    struct idmap elements; /* by reference */
    struct idmap authors;  /* -> index into marks */
    uint64_t *marks;
    uint32_t count, capacity;
};

static void mark(struct cancelled *cancelled, const Picket__V1__Mark *mark)
{
    uint32_t index = idmap_find(&cancelled->authors, mark->author.data);

    if (index == IDMAP_NONE) {
        cancelled->marks = must_grow(
            cancelled->marks, &cancelled->capacity, cancelled->count, sizeof(*cancelled->marks));
        index = cancelled->count++;
        cancelled->marks[index] = 0;
        must_put(&cancelled->authors, mark->author.data, index);
    }
    if (mark->seq > cancelled->marks[index])
        cancelled->marks[index] = mark->seq;
}

static const Picket__V1__SetDelta *delta_of(const struct ledger *ledger, uint32_t op)
{
    return (const void *)ledger->ops[op].body;
}

static void cancelled_start(
    const struct ledger *ledger, const struct object *set, struct cancelled *cancelled)
{
    *cancelled = (struct cancelled){0};
    idmap_init(&cancelled->elements, ELEMENT_REF_BYTES, 0);
    idmap_init(&cancelled->authors, KEY_BYTES, 0);
    for (uint32_t i = 0; i < set->deltas.count; i++) {
        const Picket__V1__SetDelta *delta = delta_of(ledger, set->deltas.at[i]);

        for (size_t j = 0; j < delta->n_remove; j++)
            must_put(&cancelled->elements, delta->remove[j].data, 1);
        for (size_t j = 0; j < delta->n_clear; j++)
            mark(cancelled, delta->clear[j]);
    }
    for (uint32_t i = 0; i < set->vectors.count; i++) {
        const Picket__V1__PutSet *put = (const void *)ledger->ops[set->vectors.at[i]].body;

        for (size_t j = 0; j < put->n_vector; j++)
            mark(cancelled, put->vector[j]);
    }
}

static void cancelled_fini(struct cancelled *cancelled)
{
    idmap_fini(&cancelled->elements);
    idmap_fini(&cancelled->authors);
    free(cancelled->marks);
}

static bool is_cancelled(
    const struct ledger *ledger, const struct cancelled *cancelled, const struct addition *addition)
{
    uint8_t reference[ELEMENT_REF_BYTES];
    const struct op *op = &ledger->ops[addition->op];
    const struct entry *entry = &ledger->entries[op->entry];
    uint32_t author = idmap_find(&cancelled->authors, ledger->chains[entry->author].author);

    if (author != IDMAP_NONE && entry->seq <= cancelled->marks[author])
        return true;
    op_reference(ledger, op, reference);
    put_be32(reference + OP_REF_BYTES, addition->index);
    return idmap_find(&cancelled->elements, reference) != IDMAP_NONE;
}

static int compare_additions(const void *a, const void *b, void *ledger)
{
    const struct addition *left = a, *right = b;
    int order = op_compare(ledger, left->op, right->op);

    return order ? order : (left->index > right->index) - (left->index < right->index);
}

struct addition *additions_of(
    const struct ledger *ledger, const struct object *set, uint32_t *ret_count)
{
    struct cancelled cancelled;
    struct addition *additions = NULL;
    uint32_t count = 0, capacity = 0;

    cancelled_start(ledger, set, &cancelled);
    for (uint32_t i = 0; i < set->deltas.count; i++) {
        const Picket__V1__SetDelta *delta = delta_of(ledger, set->deltas.at[i]);

        for (size_t j = 0; j < delta->n_add; j++) {
            struct addition addition = {
                .op = set->deltas.at[i], .index = (uint32_t)j, .element = delta->add[j]};

            if (is_cancelled(ledger, &cancelled, &addition))
                continue;
            additions = must_grow(additions, &capacity, count, sizeof(*additions));
            additions[count++] = addition;
        }
    }
    cancelled_fini(&cancelled);
    if (count > 1)
        qsort_r(additions, count, sizeof(*additions), compare_additions, (void *)(uintptr_t)ledger);
    *ret_count = count;
    return additions;
}

int ledger_set_additions(struct ledger *ledger, const uint8_t id[OP_REF_BYTES],
    struct set_element **ret_elements, uint32_t *ret_count)
{
    struct addition *additions;
    struct set_element *elements;
    uint32_t index, count = 0;

    ledger_settle(ledger);
    *ret_elements = NULL;
    *ret_count = 0;
    index = idmap_find(&ledger->fold.objects_by_id, id);
    if (index == IDMAP_NONE)
        return 0;
    additions = additions_of(ledger, &ledger->fold.objects[index], &count);
    elements = calloc(count ? count : 1, sizeof(*elements));
    for (uint32_t i = 0; elements && i < count; i++) {
        const Picket__V1__Prefix *prefix = additions[i].element->prefix;

        memcpy(elements[i].address, prefix->address.data, prefix->address.len);
        elements[i].is_v6 = prefix->address.len == 16;
        elements[i].length = (uint8_t)prefix->length;
        elements[i].expiry = additions[i].element->expiry;
    }
    free(additions);
    if (!elements)
        return -ENOMEM;
    *ret_count = set_content_canonical(elements, count);
    *ret_elements = elements;
    return 0;
}
