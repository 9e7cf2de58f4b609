/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * idmap.h - from fixed-length identifiers (hashes, keys, operation references) to 32-bit handles.
 *
 * Open addressing, linear probing. Identifiers are copied in. The identifiers are hashes or hashed
 * with a seed, so an outsider who grinds ids gains little.
 */
#include <stddef.h>
#include <stdint.h>

#define IDMAP_NONE UINT32_MAX

struct idmap {
    uint8_t *slots; /* capacity * (id_bytes + 4) */
    uint32_t capacity;
    uint32_t count;
    uint32_t id_bytes;
    uint64_t seed;
};

/* No allocation. id_bytes in 8 ... 64. */
void idmap_init(struct idmap *map, uint32_t id_bytes, uint64_t seed);
void idmap_fini(struct idmap *map);
void idmap_clear(struct idmap *map);

/* IDMAP_NONE if absent. */
uint32_t idmap_find(const struct idmap *map, const uint8_t *id);

/* Inserts or replaces; value < IDMAP_NONE. 0 or -ENOMEM. */
int idmap_put(struct idmap *map, const uint8_t *id, uint32_t value);

/* Does nothing if absent. */
void idmap_remove(struct idmap *map, const uint8_t *id);
