/* SPDX-License-Identifier: Apache-2.0 */
#include "node/compile/trie.h"
#include "base/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* As bpf/fw_trie.h has them, which cannot be included without the lookups it asks for. */
#define LEAF 0x80000000U
#define NODE_WORDS 3U
#define SINGLE (1ULL << 63)
#define STRIDE 6U
#define CHILDREN 64U
#define ROOT_BITS 16U
#define ROOT_BITS_LARGE 18U
#define LARGE 100000U /* prefixes from which on the larger root pays */

struct planting {
    struct blob *blob;
    const struct trie_row *rows;
};

/* A run of rows that are longer than what leads to them, and what holds where none of them does. */
struct rows {
    uint32_t first, end;
    uint16_t class;
};

static uint32_t bits_at(const uint8_t *address, uint32_t offset, uint32_t bits)
{
    uint32_t value = 0;

    for (uint32_t i = 0; i < 4; i++)
        value = value << 8 | (offset / 8 + i < 16 ? address[offset / 8 + i] : 0U);
    return value << offset % 8 >> (32 - bits);
}

/*
 * Deals rows out to the 1 << bits slots from bit `offset` on: a row that ends there gives its class
 * to the slots it covers, a longer one goes below its slot. Rows ascend, shorter ones first, so
 * what comes later is the longer prefix, and the rows of one slot follow each other.
 */
static void deal(const struct planting *planting, const struct rows *rows, uint32_t offset,
    uint32_t bits, struct rows *slots)
{
    for (uint32_t i = 0; i < 1U << bits; i++)
        slots[i] = (struct rows){.class = rows->class};
    for (uint32_t i = rows->first; i < rows->end; i++) {
        const struct trie_row *row = &planting->rows[i];
        uint32_t slot = bits_at(row->address, offset, bits);

        if (row->length > offset + bits) {
            if (slots[slot].end == 0)
                slots[slot].first = i;
            slots[slot].end = i + 1;
            continue;
        }
        for (uint32_t j = 0; j < 1U << (offset + bits - row->length); j++)
            slots[slot + j].class = row->class;
    }
}

static uint64_t number_of(const uint8_t *at)
{
    uint64_t number = 0;

    for (uint32_t i = 0; i < 8; i++)
        number = number << 8 | at[i];
    return number;
}

static void plant_single(struct planting *planting, const struct rows *rows, uint32_t at)
{
    const struct trie_row *row = &planting->rows[rows->first];
    uint64_t *words = &planting->blob->words[at];

    words[0] = number_of(row->address);
    words[1] = number_of(row->address + 8);
    words[2] = SINGLE | (uint64_t)row->length << 32 | (uint64_t)rows->class << 16 | row->class;
}

static int plant(struct planting *planting, const struct rows *rows, uint32_t offset, uint32_t at);

static int plant_below(
    struct planting *planting, const struct rows *slots, uint32_t offset, uint32_t children)
{
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < CHILDREN; i++) {
        if (slots[i].end == 0)
            continue;
        r = plant(planting, &slots[i], offset + STRIDE, children);
        children += NODE_WORDS;
    }
    return r;
}

/* The node at word `at` of the blob, for rows below bit `offset`. */
static int plant(struct planting *planting, const struct rows *rows, uint32_t offset, uint32_t at)
{
    struct rows slots[CHILDREN];
    uint16_t classes[CHILDREN];
    uint64_t nodes = 0, runs = 0;
    uint32_t nodes_count = 0, runs_count = 0, children = 0, leaves = 0;
    int r = 0;

    if (rows->end - rows->first == 1) {
        plant_single(planting, rows, at);
        return 0;
    }
    deal(planting, rows, offset, STRIDE, slots);
    for (uint32_t i = 0; i < CHILDREN; i++) {
        if (slots[i].end) {
            nodes |= 1ULL << i;
            nodes_count++;
        } else if (runs_count == 0 || classes[runs_count - 1] != slots[i].class) {
            runs |= 1ULL << i;
            classes[runs_count++] = slots[i].class;
        }
    }
    if (nodes_count)
        r = blob_take(planting->blob, nodes_count * NODE_WORDS, &children);
    if (r == 0 && runs_count)
        r = blob_take(planting->blob, (runs_count + 3) / 4, &leaves);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < runs_count; i++)
        planting->blob->words[leaves + i / 4] |= (uint64_t)classes[i] << i % 4 * 16;
    planting->blob->words[at] = nodes;
    planting->blob->words[at + 1] = runs;
    planting->blob->words[at + 2] = children | (uint64_t)leaves << 32;
    return plant_below(planting, slots, offset, children);
}

static int plant_root(struct planting *planting, const struct rows *all, const struct fw_trie *trie)
{
    struct rows *slots = calloc(1U << trie->root_bits, sizeof(*slots));
    int r = slots ? 0 : -ENOMEM;

    if (slots)
        deal(planting, all, 0, trie->root_bits, slots);
    for (uint32_t i = 0; r == 0 && i < 1U << trie->root_bits; i++) {
        uint32_t entry = LEAF | slots[i].class;

        if (slots[i].end) {
            r = blob_take(planting->blob, NODE_WORDS, &entry);
            if (r == 0)
                r = plant(planting, &slots[i], trie->root_bits, entry);
        }
        if (r == 0)
            planting->blob->words[trie->root + i / 2] |= (uint64_t)entry << i % 2 * 32;
    }
    free(slots);
    return r;
}

int trie_build(struct blob *blob, const struct trie_row *rows, uint32_t rows_count,
    enum fw_family family, struct fw_trie *ret_trie, struct problem *reterr_problem)
{
    struct planting planting = {.blob = blob, .rows = rows};
    const struct rows all = {.end = rows_count};
    int r;

    (void)family; /* addresses are of 16 bytes, lengths tell */
    *ret_trie = (struct fw_trie){0};
    if (rows_count == 0)
        return 0;
    ret_trie->root_bits = rows_count < LARGE ? ROOT_BITS : ROOT_BITS_LARGE;
    r = blob_take(blob, 1U << (ret_trie->root_bits - 1), &ret_trie->root);
    if (r == 0)
        r = plant_root(&planting, &all, ret_trie);
    return r == -E2BIG ? problem_say(reterr_problem, r,
                             "the sets hold more prefixes than fit into %u MiB of the kernel",
                             FW_BLOB_WORDS_MAX >> 17)
                       : r;
}
