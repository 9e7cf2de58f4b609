/* SPDX-License-Identifier: Apache-2.0 */
#include "node/compile/blob.h"
#include "base/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int grow(struct blob *blob, size_t wanted)
{
    size_t capacity = blob->capacity ? blob->capacity : 1024;
    uint64_t *grown;

    while (capacity < wanted)
        capacity += capacity / 2;
    if (capacity == blob->capacity)
        return 0;
    grown = realloc(blob->words, capacity * sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    blob->words = grown;
    blob->capacity = capacity;
    return 0;
}

int blob_take(struct blob *blob, uint32_t words, uint32_t *ret_at)
{
    size_t at = blob->count;

    CHECK(words <= FW_CHUNK_WORDS, "no structure is larger than a chunk");
    if ((at & (FW_CHUNK_WORDS - 1)) + words > FW_CHUNK_WORDS)
        at = (at | (FW_CHUNK_WORDS - 1)) + 1;
    if (at + words > FW_BLOB_WORDS_MAX)
        return -E2BIG;
    if (grow(blob, at + words) < 0)
        return -ENOMEM;
    memset(blob->words + blob->count, 0, (at + words - blob->count) * sizeof(*blob->words));
    blob->count = (uint32_t)(at + words);
    *ret_at = (uint32_t)at;
    return 0;
}

void blob_fini(struct blob *blob)
{
    free(blob->words);
    *blob = (struct blob){0};
}
