/* SPDX-License-Identifier: Apache-2.0 */
/* prefix_ranges.c - the oracle of prefixes: which one is the longest, from each address on. */
#include "bpf/fw_abi.h"
#include "tests/bench/packet/rules/grow.h"
#include "tests/bench/packet/rules/prefixes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* From this address up to the next row's, `longest` decides. */
struct range_row {
    uint8_t from[16];
    uint32_t longest;
};

struct range_list {
    struct range_row *rows;
    uint32_t count;
    uint32_t capacity;
};

struct prefix_ranges {
    struct range_list lists[FW_FAMILY_COUNT];
};

/* A row at an address that has one replaces it: the later word is that of the longer prefix. */
static int put_row(struct range_list *list, const uint8_t from[16], uint32_t longest)
{
    int r = bench_grow((void **)&list->rows, &list->capacity, list->count, sizeof(*list->rows));

    if (r < 0)
        return r;
    if (list->count && memcmp(list->rows[list->count - 1].from, from, 16) == 0)
        list->count--;
    memcpy(list->rows[list->count].from, from, 16);
    list->rows[list->count++].longest = longest;
    return 0;
}

/* False if there is no address behind it. */
static bool address_behind(const struct bench_prefix *prefix, uint8_t ret_address[16])
{
    uint32_t at = prefix->family == FW_IPV4 ? 4 : 16;

    memcpy(ret_address, prefix->address, 16);
    bench_address_cut(ret_address, prefix->family, prefix->length, true);
    while (at-- > 0) {
        if (++ret_address[at] != 0)
            return true;
    }
    return false;
}

/* The prefixes that hold where we are, from the shortest to the longest. */
struct open_prefixes {
    uint32_t stack[130];
    uint32_t depth;
};

/* Leaves the longest: what is behind it belongs to the one around it. */
static int leave(
    struct range_list *list, const struct bench_prefix *prefixes, struct open_prefixes *open)
{
    uint32_t left = open->stack[--open->depth];
    uint8_t behind[16];

    if (!address_behind(&prefixes[left], behind))
        return 0;
    return put_row(list, behind, open->depth ? open->stack[open->depth - 1] : BENCH_NO_RULE);
}

static bool is_around(const struct bench_prefix *outer, const struct bench_prefix *inner)
{
    return outer->length < inner->length &&
           bench_prefix_holds(outer->address, outer->length, inner->address);
}

static int fill(
    struct range_list *list, const struct bench_prefix *prefixes, uint32_t first, uint32_t end)
{
    static const uint8_t zeroes[16];
    struct open_prefixes open = {.depth = 0};
    int r = put_row(list, zeroes, BENCH_NO_RULE);

    for (uint32_t i = first; r == 0 && i < end; i++) {
        while (
            r == 0 && open.depth && !is_around(&prefixes[open.stack[open.depth - 1]], &prefixes[i]))
            r = leave(list, prefixes, &open);
        if (r == 0)
            r = put_row(list, prefixes[i].address, i);
        open.stack[open.depth++] = i;
    }
    while (r == 0 && open.depth)
        r = leave(list, prefixes, &open);
    return r;
}

int prefix_ranges_new(
    const struct bench_prefix *prefixes, uint32_t count, struct prefix_ranges **ret_ranges)
{
    struct prefix_ranges *ranges = calloc(1, sizeof(*ranges));
    uint32_t ipv4 = 0;
    int r;

    if (!ranges)
        return -ENOMEM;
    while (ipv4 < count && prefixes[ipv4].family == FW_IPV4)
        ipv4++;
    r = fill(&ranges->lists[FW_IPV4], prefixes, 0, ipv4);
    if (r == 0)
        r = fill(&ranges->lists[FW_IPV6], prefixes, ipv4, count);
    if (r < 0)
        prefix_ranges_free(ranges);
    else
        *ret_ranges = ranges;
    return r;
}

void prefix_ranges_free(struct prefix_ranges *ranges)
{
    if (!ranges)
        return;
    for (uint32_t i = 0; i < FW_FAMILY_COUNT; i++)
        free(ranges->lists[i].rows);
    free(ranges);
}

uint32_t prefix_ranges_find(
    const struct prefix_ranges *ranges, uint8_t family, const uint8_t *address)
{
    const struct range_list *list = &ranges->lists[family];
    uint32_t low = 0, high = list->count, bytes = family == FW_IPV4 ? 4 : 16;

    /* rows[low].from <= address < rows[high].from */
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (memcmp(list->rows[middle].from, address, bytes) <= 0)
            low = middle;
        else
            high = middle;
    }
    return list->rows[low].longest;
}
