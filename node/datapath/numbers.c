/* SPDX-License-Identifier: Apache-2.0 */
#include "node/datapath/numbers.h"

static __u64 *owner_of(const struct numbers *numbers, uint32_t number)
{
    return &numbers->counts[FW_SHARDS_MAX * FW_NUMBERS + number].bytes[0];
}

uint32_t numbers_find(const struct numbers *numbers, uint32_t ifindex)
{
    for (uint32_t i = 1; i < FW_NUMBERS; i++) {
        if (*owner_of(numbers, i) == ifindex)
            return i;
    }
    return 0;
}

uint32_t numbers_take(const struct numbers *numbers, uint32_t ifindex, uint32_t last)
{
    if (last && *owner_of(numbers, last) == ifindex)
        return last;
    uint32_t number = numbers_find(numbers, ifindex);

    if (number)
        return number;
    number = numbers_find(numbers, 0);
    if (!number)
        return 0;
    for (uint32_t shard = 0; shard < FW_SHARDS_MAX; shard++)
        numbers->counts[shard * FW_NUMBERS + number] = (struct fw_device_count){0};
    *owner_of(numbers, number) = ifindex;
    return number;
}

void numbers_drop(const struct numbers *numbers, uint32_t ifindex)
{
    uint32_t number = numbers_find(numbers, ifindex);

    if (number)
        *owner_of(numbers, number) = 0;
}

void numbers_drop_absent(const struct numbers *numbers, bool (*is_here)(uint32_t ifindex))
{
    for (uint32_t i = 1; i < FW_NUMBERS; i++) {
        __u64 *owner = owner_of(numbers, i);

        if (*owner && !is_here((uint32_t)*owner))
            *owner = 0;
    }
}

struct fw_device_count numbers_count(const struct numbers *numbers, uint32_t number)
{
    struct fw_device_count sum = {0};

    for (uint32_t shard = 0; shard < numbers->shards; shard++) {
        const struct fw_device_count *count = &numbers->counts[shard * FW_NUMBERS + number];

        for (int i = 0; i < 2; i++) {
            sum.packets[i] += __atomic_load_n(&count->packets[i], __ATOMIC_RELAXED);
            sum.bytes[i] += __atomic_load_n(&count->bytes[i], __ATOMIC_RELAXED);
        }
    }
    return sum;
}
