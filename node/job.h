/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * job.h - one request to the datapath's worker and its answer in the loop.
 *
 * The worker's result lives only during its callback: what the logic thread needs is copied here.
 */
#include "node/datapath/datapath.h"
#include "rpc/loop.h"

struct job {
    struct datapath_done done; /* first: the worker's */
    struct rpc_tag tag;
    struct rpc_loop *loop;
    void (*fn)(struct job *job); /* in the loop; the job is freed after it */
    void *user;
    uint32_t device; /* attach */
    int code;
    char why[DATAPATH_REASON_BYTES];
    uint8_t slot;
    uint32_t repaired;
    struct datapath_device *devices;
    size_t devices_count;
    struct datapath_count *reasons, *rules;
    size_t reasons_count, rules_count;
    struct datapath_device_count *device_counts;
    size_t device_counts_count;
    uint64_t events_missed;
};

/* NULL if memory is short. */
struct job *job_new(struct rpc_loop *loop, void (*fn)(struct job *job), void *user);

/* For a request that was not taken. */
void job_free(struct job *job);
