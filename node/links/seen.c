/* SPDX-License-Identifier: Apache-2.0 */
#include "node/links/seen.h"
#include "base/check.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void seen_init(struct seen *seen, size_t item_bytes, size_t count_max,
    int (*compare)(const void *item, const void *key))
{
    *seen = (struct seen){.item_bytes = item_bytes, .count_max = count_max, .compare = compare};
}

void seen_fini(struct seen *seen)
{
    free(seen->items);
    free(seen->rounds);
    seen->items = NULL;
    seen->rounds = NULL;
    seen->count = 0;
    seen->capacity = 0;
}

void *seen_at(const struct seen *seen, size_t position)
{
    CHECK(position < seen->count, "the position is of an item");
    return seen->items + position * seen->item_bytes;
}

bool seen_find(const struct seen *seen, const void *key, size_t *ret_position)
{
    size_t low = 0;
    size_t high = seen->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = seen->compare(seen->items + middle * seen->item_bytes, key);

        if (order == 0) {
            *ret_position = middle;
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_position = low;
    return false;
}

static int grow(struct seen *seen)
{
    size_t capacity = seen->capacity ? seen->capacity * 2 : 16;
    uint8_t *items = realloc(seen->items, capacity * seen->item_bytes);

    if (!items)
        return -ENOMEM;
    seen->items = items;
    uint32_t *rounds = realloc(seen->rounds, capacity * sizeof(*rounds));

    if (!rounds)
        return -ENOMEM;
    seen->rounds = rounds;
    seen->capacity = capacity;
    return 0;
}

int seen_insert(struct seen *seen, size_t position, const void *item, uint32_t round)
{
    CHECK(position <= seen->count, "the position came from seen_find");
    if (seen->count >= seen->count_max)
        return -E2BIG;
    if (seen->count == seen->capacity) {
        int r = grow(seen);

        if (r < 0)
            return r;
    }
    uint8_t *to = seen->items + position * seen->item_bytes;
    size_t behind = seen->count - position;

    memmove(to + seen->item_bytes, to, behind * seen->item_bytes);
    memmove(seen->rounds + position + 1, seen->rounds + position, behind * sizeof(*seen->rounds));
    memcpy(to, item, seen->item_bytes);
    seen->rounds[position] = round;
    seen->count++;
    return 0;
}

void seen_remove(struct seen *seen, size_t position)
{
    CHECK(position < seen->count, "the position is of an item");
    uint8_t *at = seen->items + position * seen->item_bytes;
    size_t behind = seen->count - position - 1;

    memmove(at, at + seen->item_bytes, behind * seen->item_bytes);
    memmove(seen->rounds + position, seen->rounds + position + 1, behind * sizeof(*seen->rounds));
    seen->count--;
}

size_t seen_stale(const struct seen *seen, size_t position, uint32_t round)
{
    while (position < seen->count && seen->rounds[position] == round)
        position++;
    return position;
}
