/* SPDX-License-Identifier: Apache-2.0 */
/* list.c - growing arrays of the fold. A node without memory for its state cannot go on. */
#include "store/ledger/inside.h"

#include "base/check.h"

#include <stdlib.h>

void *must_grow(void *at, uint32_t *capacity, uint32_t count, size_t bytes)
{
    uint32_t wanted = *capacity ? *capacity * 2 : 8;

    if (count < *capacity)
        return at;
    at = realloc(at, wanted * bytes);
    CHECK(at, "there is memory for the reduced state");
    *capacity = wanted;
    return at;
}

void list_push(struct list *list, uint32_t value)
{
    list->at = must_grow(list->at, &list->capacity, list->count, sizeof(*list->at));
    list->at[list->count++] = value;
}

void list_fini(struct list *list)
{
    free(list->at);
    *list = (struct list){0};
}

void must_put(struct idmap *map, const uint8_t *id, uint32_t value)
{
    CHECK(idmap_put(map, id, value) == 0, "there is memory for the reduced state");
}
