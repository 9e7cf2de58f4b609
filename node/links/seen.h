/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * seen.h - a sorted array that remembers in which round each item was last seen, so that a dump can
 * tell what is gone: whatever its round did not see.
 *
 * Owns: its arrays. Items are plain bytes, ordered by compare, which may look at a head of the item
 * only: that head is then the key.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seen {
    uint8_t *items;
    uint32_t *rounds;
    size_t count;
    size_t capacity;
    size_t count_max;
    size_t item_bytes;
    int (*compare)(const void *item, const void *key);
};

void seen_init(struct seen *seen, size_t item_bytes, size_t count_max,
    int (*compare)(const void *item, const void *key));
void seen_fini(struct seen *seen);

void *seen_at(const struct seen *seen, size_t position);

/* Where the key is, or where it belongs. */
bool seen_find(const struct seen *seen, const void *key, size_t *ret_position);

/* position from seen_find() which said no. 0, -ENOMEM, -E2BIG above count_max. */
int seen_insert(struct seen *seen, size_t position, const void *item, uint32_t round);
void seen_remove(struct seen *seen, size_t position);

/* The next item at or after position whose round is another; count if none. */
size_t seen_stale(const struct seen *seen, size_t position, uint32_t round);
