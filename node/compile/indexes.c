/* SPDX-License-Identifier: Apache-2.0 */
#include "base/idmap.h"
#include "node/compile/build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct index_slot {
    uint8_t id[OP_REF_BYTES];
    bool is_used;
    bool is_fresh; /* what stands at this index is not known to be zero, or its own */
};

struct compile_indexes {
    struct idmap by_id;
    struct index_slot *slots;
    size_t capacity;
    uint32_t count;       /* slots ever used */
    uint32_t none_before; /* no free slot is below */
};

int compile_indexes_new(struct compile_indexes **ret_indexes)
{
    struct compile_indexes *indexes = calloc(1, sizeof(*indexes));

    if (!indexes)
        return -ENOMEM;
    idmap_init(&indexes->by_id, OP_REF_BYTES, 0);
    *ret_indexes = indexes;
    return 0;
}

void compile_indexes_free(struct compile_indexes *indexes)
{
    if (!indexes)
        return;
    idmap_fini(&indexes->by_id);
    free(indexes->slots);
    free(indexes);
}

/* The lowest free one, so that indexes stay dense. */
static uint32_t free_slot(struct compile_indexes *indexes)
{
    while (indexes->none_before < indexes->count && indexes->slots[indexes->none_before].is_used)
        indexes->none_before++;
    return indexes->none_before;
}

int compile_index_take(struct compile_indexes *indexes, const uint8_t id[OP_REF_BYTES],
    uint32_t *ret_index, bool *ret_is_fresh)
{
    uint32_t index = idmap_find(&indexes->by_id, id);

    if (index == IDMAP_NONE) {
        index = free_slot(indexes);
        if (build_grow(
                (void **)&indexes->slots, &indexes->capacity, index, sizeof(*indexes->slots)) < 0 ||
            idmap_put(&indexes->by_id, id, index) < 0)
            return -ENOMEM;
        memcpy(indexes->slots[index].id, id, OP_REF_BYTES);
        indexes->slots[index].is_used = true;
        indexes->slots[index].is_fresh = true;
        if (index == indexes->count)
            indexes->count++;
    }
    *ret_index = index;
    *ret_is_fresh = indexes->slots[index].is_fresh;
    return 0;
}

int compile_indexes_restore(
    struct compile_indexes *indexes, uint32_t index, const uint8_t id[OP_REF_BYTES])
{
    while (indexes->count <= index) {
        if (build_grow((void **)&indexes->slots, &indexes->capacity, indexes->count,
                sizeof(*indexes->slots)) < 0)
            return -ENOMEM;
        indexes->slots[indexes->count++] = (struct index_slot){0};
    }
    if (idmap_put(&indexes->by_id, id, index) < 0)
        return -ENOMEM;
    memcpy(indexes->slots[index].id, id, OP_REF_BYTES);
    indexes->slots[index].is_used = true;
    return 0;
}

const uint8_t *compile_indexes_object(const struct compile_indexes *indexes, uint32_t index)
{
    return index < indexes->count && indexes->slots[index].is_used ? indexes->slots[index].id
                                                                   : NULL;
}

uint32_t compile_indexes_limit(const struct compile_indexes *indexes)
{
    return indexes->count;
}

void compile_indexes_settle(struct compile_indexes *indexes, const struct compile_tables *tables)
{
    for (uint32_t i = 0; i < indexes->count; i++) {
        struct index_slot *slot = &indexes->slots[i];
        const struct compile_object *object =
            slot->is_used ? compile_object_find(tables, slot->id) : NULL;

        if (!slot->is_used)
            continue;
        slot->is_fresh = false;
        if (object && object->is_counted)
            continue;
        idmap_remove(&indexes->by_id, slot->id);
        slot->is_used = false;
    }
    indexes->none_before = 0;
    while (indexes->count > 0 && !indexes->slots[indexes->count - 1].is_used)
        indexes->count--;
}
