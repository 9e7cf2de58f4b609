/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* host_sets.h - which sets hold an address, as the tries of the kernel would find it. */
#include "node/compile/compile.h"

#include <string.h>

/* A row of either family is: bits, address of len bytes, class. The compiler sorts by address, then
 * bits. */
_Static_assert(sizeof(struct compile_class4) == 12, "bits, 4 bytes, class");
_Static_assert(sizeof(struct compile_class6) == 24, "bits, 16 bytes, class");

/* The class of exactly this prefix; 0: none. */
static inline uint32_t host_class(
    const uint8_t *rows, uint32_t count, const uint8_t *prefix, uint32_t bits, size_t len)
{
    uint32_t low = 0, high = count, number;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const uint8_t *row = rows + middle * (len + 8);
        int order = memcmp(row + 4, prefix, len);

        memcpy(&number, row, sizeof(number));
        if (order == 0 && number == bits) {
            memcpy(&number, row + 4 + len, sizeof(number));
            return number;
        }
        if (order < 0 || (order == 0 && number < bits))
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

/* The longest prefix first, as a trie would find it. */
static inline __u64 host_member(
    const struct compile_tables *tables, const __u64 address[2], uint32_t bits_max)
{
    const uint8_t *rows =
        bits_max == 32 ? (const uint8_t *)tables->class4 : (const uint8_t *)tables->class6;
    uint32_t count = bits_max == 32 ? tables->class4_count : tables->class6_count;
    uint8_t prefix[16];

    memcpy(prefix, address, sizeof(prefix));
    for (uint32_t bits = bits_max + 1; bits-- > 0;) {
        uint32_t class;

        if (bits < bits_max)
            prefix[bits / 8] &= (uint8_t)(0xff00 >> bits % 8);
        class = host_class(rows, count, prefix, bits, bits_max / 8);
        if (class)
            return tables->classes[class];
    }
    return 0;
}
