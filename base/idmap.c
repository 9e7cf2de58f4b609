/* SPDX-License-Identifier: Apache-2.0 */
#include "base/idmap.h"
#include "base/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t slot_bytes(const struct idmap *map)
{
    return map->id_bytes + sizeof(uint32_t);
}

static uint32_t slot_value(const struct idmap *map, uint32_t index)
{
    uint32_t value;

    memcpy(&value, map->slots + index * slot_bytes(map) + map->id_bytes, sizeof(value));
    return value;
}

static void slot_set(struct idmap *map, uint32_t index, const uint8_t *id, uint32_t value)
{
    uint8_t *slot = map->slots + index * slot_bytes(map);

    memcpy(slot, id, map->id_bytes);
    memcpy(slot + map->id_bytes, &value, sizeof(value));
}

/* FNV-1a over the whole identifier, finished by a splitmix64 round. */
static uint32_t home_of(const struct idmap *map, const uint8_t *id)
{
    uint64_t hash = map->seed ^ 0xcbf29ce484222325ULL;

    for (uint32_t i = 0; i < map->id_bytes; i++)
        hash = (hash ^ id[i]) * 0x100000001b3ULL;
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9ULL;
    return (uint32_t)(hash ^ (hash >> 31)) & (map->capacity - 1);
}

/* The slot that holds id, or the empty one where it would go. */
static uint32_t seek(const struct idmap *map, const uint8_t *id)
{
    uint32_t index = home_of(map, id);

    while (slot_value(map, index) != IDMAP_NONE &&
           memcmp(map->slots + index * slot_bytes(map), id, map->id_bytes) != 0)
        index = (index + 1) & (map->capacity - 1);
    return index;
}

void idmap_init(struct idmap *map, uint32_t id_bytes, uint64_t seed)
{
    CHECK(id_bytes >= 8 && id_bytes <= 64, "identifiers are hashes, keys or references");
    *map = (struct idmap){.id_bytes = id_bytes, .seed = seed};
}

void idmap_fini(struct idmap *map)
{
    free(map->slots);
    map->slots = NULL;
    map->capacity = 0;
    map->count = 0;
}

void idmap_clear(struct idmap *map)
{
    if (map->slots)
        memset(map->slots, 0xff, map->capacity * slot_bytes(map));
    map->count = 0;
}

uint32_t idmap_find(const struct idmap *map, const uint8_t *id)
{
    return map->capacity ? slot_value(map, seek(map, id)) : IDMAP_NONE;
}

static int grow(struct idmap *map)
{
    struct idmap bigger = *map;

    bigger.capacity = map->capacity ? map->capacity * 2 : 16;
    bigger.slots = malloc(bigger.capacity * slot_bytes(map));
    if (!bigger.slots)
        return -ENOMEM;
    memset(bigger.slots, 0xff, bigger.capacity * slot_bytes(map)); /* all IDMAP_NONE */
    for (uint32_t i = 0; i < map->capacity; i++) {
        const uint8_t *id = map->slots + i * slot_bytes(map);

        if (slot_value(map, i) != IDMAP_NONE)
            slot_set(&bigger, seek(&bigger, id), id, slot_value(map, i));
    }
    free(map->slots);
    *map = bigger;
    return 0;
}

int idmap_put(struct idmap *map, const uint8_t *id, uint32_t value)
{
    uint32_t index;

    CHECK(value != IDMAP_NONE, "the value means absent");
    if ((map->count + 1) * 4ULL > map->capacity * 3ULL) {
        int r = grow(map);

        if (r < 0)
            return r;
    }
    index = seek(map, id);
    if (slot_value(map, index) == IDMAP_NONE)
        map->count++;
    slot_set(map, index, id, value);
    return 0;
}

/* Knuth, TAOCP 6.4, algorithm R: close the hole by moving later members of the probe run back. */
void idmap_remove(struct idmap *map, const uint8_t *id)
{
    uint32_t hole, next;

    if (idmap_find(map, id) == IDMAP_NONE)
        return;
    hole = seek(map, id);
    next = hole;
    for (;;) {
        const uint8_t *moved;
        uint32_t home, value;

        next = (next + 1) & (map->capacity - 1);
        value = slot_value(map, next);
        if (value == IDMAP_NONE)
            break;
        moved = map->slots + next * slot_bytes(map);
        home = home_of(map, moved);
        if (((next - home) & (map->capacity - 1)) >= ((next - hole) & (map->capacity - 1))) {
            slot_set(map, hole, moved, value);
            hole = next;
        }
    }
    memset(map->slots + hole * slot_bytes(map), 0xff, slot_bytes(map));
    map->count--;
}
