/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * trie.h - prefixes with their classes become the trie that bpf/fw_trie.h looks into.
 *
 * Owns:     nothing; appends to the caller's blob.
 * Threads:  any; no I/O, no clock. Deterministic: equal input gives equal bytes.
 * Fails:    -ENOMEM; -E2BIG with a sentence past FW_BLOB_WORDS_MAX.
 */
#include "base/problem.h"
#include "node/compile/blob.h"

#include <stdbool.h>

/* A prefix of a set; the longest one that holds an address names its class. IPv4 in the first four
 * bytes of the address, the rest zero. */
struct trie_row {
    uint8_t address[16];
    uint16_t class;
    uint8_t length;
    uint8_t zero;
};

/* rows ascend by (address, length), no two are the same prefix. No rows: root_bits 0. */
int trie_build(struct blob *blob, const struct trie_row *rows, uint32_t rows_count,
    enum fw_family family, struct fw_trie *ret_trie, struct problem *reterr_problem);
