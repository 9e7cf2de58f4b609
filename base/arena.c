/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 4096

struct arena_block {
    struct arena_block *older;
    _Alignas(max_align_t) unsigned char at[];
};

void *arena_take(struct arena *arena, size_t bytes)
{
    size_t align = _Alignof(max_align_t);
    struct arena_block *block = arena->newest;
    void *piece;

    if (bytes > SIZE_MAX / 2)
        return NULL;
    bytes = (bytes + align - 1) / align * align;
    if (!block || bytes > arena->room) {
        size_t room = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;

        block = calloc(1, sizeof(*block) + room);
        if (!block)
            return NULL;
        block->older = arena->newest;
        arena->newest = block;
        arena->room = room;
    }
    /* Pieces are taken from the end, so that what is left is a single number. */
    arena->room -= bytes;
    piece = block->at + arena->room;
    return piece;
}

char *arena_text(struct arena *arena, const char *text, size_t len)
{
    char *copy = arena_take(arena, len + 1);

    if (copy)
        memcpy(copy, text, len);
    return copy;
}

void arena_fini(struct arena *arena)
{
    while (arena->newest) {
        struct arena_block *block = arena->newest;

        arena->newest = block->older;
        free(block);
    }
    arena->room = 0;
}
