/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* arena.h - many small pieces of memory that end together. */
#include <stddef.h>

struct arena_block;

/* Zero it before first use. */
struct arena {
    struct arena_block *newest;
    size_t room; /* bytes free in newest */
};

/* Zeroed and aligned for any type; NULL if memory is short. */
void *arena_take(struct arena *arena, size_t bytes);

/* A copy with a NUL behind it; NULL if memory is short. */
char *arena_text(struct arena *arena, const char *text, size_t len);

/* Frees every piece. The arena can be used again. */
void arena_fini(struct arena *arena);
