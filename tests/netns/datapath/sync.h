/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * sync.h - the datapath's calls, waited for: what a test may do and the logic thread may not.
 */
#include "node/datapath/datapath.h"

struct answer {
    int code;
    char why[240];
    uint8_t slot;
    uint32_t repaired;
    struct datapath_device devices[64];
    size_t devices_count;
    struct datapath_count reasons[128];
    struct datapath_count rules[1024];
    struct datapath_device_count device_counts[64];
    size_t device_counts_count;
    uint64_t events_missed;
};

struct answer *sync_attach(struct datapath *datapath, const struct link_device *device);
struct answer *sync_forget(struct datapath *datapath, uint32_t index);
struct answer *sync_fill(struct datapath *datapath, const struct compile_tables *tables);
struct answer *sync_lifeline(struct datapath *datapath, const struct compile_tables *tables);
struct answer *sync_flip(struct datapath *datapath, uint8_t slot, uint64_t deadline_ms);
struct answer *sync_reconcile(struct datapath *datapath);
struct answer *sync_counters(struct datapath *datapath);
struct answer *sync_remove_all(struct datapath *datapath);

/* Fills, flips, confirmed; fails the running test if it cannot. */
void sync_publish(struct datapath *datapath, const struct compile_tables *tables);
