/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#pragma once
/* fw_maps.h - the permanent maps, declared by every object that uses them and pinned once. */
#include "bpf/fw_abi.h"

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define FW_PROGRAM_ARRAY(name)                 \
    struct {                                   \
        __uint(type, BPF_MAP_TYPE_PROG_ARRAY); \
        __uint(max_entries, FW_SLOTS);         \
        __type(key, __u32);                    \
        __type(value, __u32);                  \
    } name SEC(".maps")

#define FW_SCRATCH(name)                         \
    struct {                                     \
        __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); \
        __uint(max_entries, 1);                  \
        __type(key, __u32);                      \
        __type(value, struct fw_scratch);        \
    } name SEC(".maps")

FW_SCRATCH(fw_xdp_scratch);
FW_SCRATCH(fw_tc_scratch);

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, FW_SHARDS_MAX *FW_REASONS_MAX);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, struct fw_count);
} fw_reason_counts SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, (FW_SHARDS_MAX + 1) * FW_NUMBERS);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, struct fw_device_count);
} fw_device_counts SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, FW_EVENTS_BYTES);
} fw_events SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, struct fw_event_pace);
} fw_event_pace SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct fw_event_cpu);
} fw_event_cpus SEC(".maps");

/* The loader sets them before load. */
const volatile __u32 fw_shards = FW_SHARDS_MAX; /* a power of two */
const volatile __u32 fw_counts_atomic = 1;
const volatile __u32 fw_has_coarse_clock = 0; /* kernels from 5.11 */

static inline __attribute__((always_inline)) __u32 fw_shard(void)
{
    return bpf_get_smp_processor_id() & (fw_shards - 1);
}

/* When, to a few milliseconds where the kernel has a clock that costs next to nothing. */
static inline __attribute__((always_inline)) __u64 fw_coarse_ns(void)
{
    return fw_has_coarse_clock ? bpf_ktime_get_coarse_ns() : bpf_ktime_get_ns();
}

/* A shard that only one CPU can write needs no atomic add. */
static inline __attribute__((always_inline)) void fw_add(
    struct fw_count *count, __u64 packets, __u64 bytes)
{
    if (fw_counts_atomic) {
        __sync_fetch_and_add(&count->packets, packets);
        __sync_fetch_and_add(&count->bytes, bytes);
    } else {
        count->packets += packets;
        count->bytes += bytes;
    }
}

static inline __attribute__((always_inline)) void fw_add_reason(
    __u32 shard, __u32 reason, __u64 packets, __u64 bytes)
{
    __u32 index = shard * FW_REASONS_MAX + reason;
    struct fw_count *count = bpf_map_lookup_elem(&fw_reason_counts, &index);

    if (count)
        fw_add(count, packets, bytes);
}
