/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * numbers.h - the small number by which a device's packets are counted: its own as long as it is
 * here, over generations and restarts of the daemon.
 *
 * Threads: the worker's. Bytes: all of it stands in the permanent map fw_device_counts.
 */
#include "bpf/fw_abi.h"

#include <stdbool.h>
#include <stdint.h>

/* counts: of all shards, and the owners' row (fw_abi.h). */
struct numbers {
    struct fw_device_count *counts;
    uint32_t shards; /* in use */
};

/* The device's number, which begins at zero packets if it is new; 0: all are taken. last: what it
 * was the last time, so that nothing is searched; or 0. */
uint32_t numbers_take(const struct numbers *numbers, uint32_t ifindex, uint32_t last);

/* What the device has; 0: none. */
uint32_t numbers_find(const struct numbers *numbers, uint32_t ifindex);

/* The device is in no generation any more. */
void numbers_drop(const struct numbers *numbers, uint32_t ifindex);

/* Of devices that went while nobody looked: is_here says which are. */
void numbers_drop_absent(const struct numbers *numbers, bool (*is_here)(uint32_t ifindex));

struct fw_device_count numbers_count(const struct numbers *numbers, uint32_t number);
