/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * blob.h - an array of u64 that grows: what the programs walk as forest or trie (fw_abi.h).
 *
 * Owns: its words; blob_fini(). A zeroed struct is an empty one.
 */
#include "bpf/fw_abi.h"

#include <stddef.h>
#include <stdint.h>

struct blob {
    uint64_t *words;
    uint32_t count;
    size_t capacity; /* words */
};

/*
 * Takes so many words, zeroed, at the end, where they do not cross a chunk (FW_CHUNK_WORDS, which
 * words must not exceed); *ret_at is the first. Pointers into words are stale afterwards. 0,
 * -ENOMEM, or -E2BIG past FW_BLOB_WORDS_MAX.
 */
int blob_take(struct blob *blob, uint32_t words, uint32_t *ret_at);
void blob_fini(struct blob *blob);
